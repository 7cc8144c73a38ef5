"""Calls that only tell what they would do: by a header, by the path of the endpoint, and from the command line."""

import os
import socket
import subprocess
import sys

import botocore.exceptions
import pytest

from conftest import binary
from region import connect, primary_endpoint, reader_endpoint, roles, wait_until


def by_path(region):
    return region.aws(endpoint_url=region.environment()["AWS_ENDPOINT_URL"] + "/dry-run")


def by_header(region, name="x-engram-dry-run", value="true"):
    client = region.aws()
    add = lambda request, **_: request.headers.add_header(name, value)
    client.meta.events.register("before-sign.elasticache", add)
    return client


def told(call, **asked):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        call(**asked)
    answer = refused.value.response
    assert answer["Error"]["Code"] == "DryRunOperation" and answer["ResponseMetadata"]["HTTPStatusCode"] == 412
    beginning = "Request would have succeeded, but DryRun flag is set. "
    assert answer["Error"]["Message"].startswith(beginning)
    return answer["Error"]["Message"].removeprefix(beginning).splitlines()


NEW = {"ReplicationGroupId": "foretold", "ReplicationGroupDescription": "x", "Engine": "valkey", "CacheNodeType": "cache.t4g.micro"}


@pytest.mark.parametrize("dry", [by_path, by_header])
def test_a_group_is_foretold_and_not_made(region, dry):
    lines = told(dry(region).create_replication_group, **NEW, NumCacheClusters=2)
    assert "foretold-001, foretold-002: start the process" in lines[1], lines
    assert "New: foretold-001, foretold-002" in lines and "Lost: nothing" in lines
    with pytest.raises(region.aws().exceptions.ReplicationGroupNotFoundFault):
        region.group("foretold")


def test_what_is_wrong_is_refused_as_ever_and_what_describes_answers(region):
    client = by_path(region)
    with pytest.raises(client.exceptions.ReplicationGroupNotFoundFault):
        client.delete_replication_group(ReplicationGroupId="nobody")
    with pytest.raises(client.exceptions.InvalidParameterValueException):
        client.create_replication_group(**NEW, NumCacheClusters=70)
    assert client.describe_cache_engine_versions(Engine="valkey")["CacheEngineVersions"]


def test_the_plan_of_a_change_is_what_then_happens(region):
    group = region.create("planned", 2)
    server = connect(primary_endpoint(group))
    for number in range(100):
        server.set(f"key:{number}", "x")
    # The forecast goes by what nodes told last.
    wait_until("a report", lambda: all(node["keys"] == 100 for node in region.nodes("planned")))
    client, dry = region.aws(), by_path(region)
    before = {node["member"]: node["pid"] for node in region.nodes("planned")}
    change = {"ReplicationGroupId": "planned", "CacheNodeType": "cache.t4g.small", "ApplyImmediately": True}
    lines = told(dry.modify_replication_group, **change)
    assert "Restarted or replaced: planned-001, planned-002" in lines and "Lost: nothing" in lines
    assert not any(line.startswith(("New", "Gone", "The primary moves")) for line in lines), lines
    assert {node["member"]: node["pid"] for node in region.nodes("planned")} == before
    client.modify_replication_group(**change)
    region.available("planned")
    after = {node["member"]: node["pid"] for node in region.nodes("planned")}
    assert after.keys() == before.keys() and not set(after.values()) & set(before.values())

    lines = told(dry.test_failover, ReplicationGroupId="planned", NodeGroupId="0001")
    assert "The primary moves: planned-001 to planned-002" in lines, lines
    lines = told(dry.create_cache_parameter_group, CacheParameterGroupName="p", CacheParameterGroupFamily="valkey8", Description="x")
    assert lines == ["No node would be touched.", "Lost: nothing"]
    lines = told(dry.delete_replication_group, ReplicationGroupId="planned")
    assert "Gone: planned-001, planned-002" in lines and "Lost: 100 keys of planned" in lines
    assert region.group("planned")["Status"] == "available"
    assert server.dbsize() == 100


def test_a_change_that_waits_is_told_with_its_window(region):
    region.create("later", 1, PreferredMaintenanceWindow="sun:05:00-sun:06:00")
    lines = told(by_path(region).modify_replication_group, ReplicationGroupId="later", CacheNodeType="cache.t4g.small")
    assert lines[0].startswith("Steps in the maintenance window, from "), lines
    assert "Restarted or replaced: later-001" in lines
    assert "CacheNodeType" not in region.group("later").get("PendingModifiedValues", {})


def test_any_program_runs_where_nothing_changes(region):
    cli = os.path.join(os.path.dirname(sys.executable), "aws")
    words = [
        "elasticache", "create-replication-group", "--replication-group-id", "cli-dry", "--replication-group-description", "x",
        "--engine", "valkey", "--cache-node-type", "cache.t4g.micro",
    ]  # fmt: skip
    command = [binary(), "dry-run", "--data-dir", str(region.data), cli, *words]
    env = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode not in (0, 1), done
    assert "(DryRunOperation) when calling the CreateReplicationGroup operation" in done.stderr
    assert "cli-dry-001: start the process" in done.stderr
    ended = subprocess.run([binary(), "dry-run", "--data-dir", str(region.data), "sh", "-c", "exit 7"])
    assert ended.returncode == 7
    missing = subprocess.run([binary(), "dry-run", "--data-dir", str(region.data), "/no/program"], capture_output=True, text=True)
    assert missing.returncode == 1 and "cannot run /no/program" in missing.stderr


def refused(region, client, code, status):
    """The call neither succeeds nor counts as a dry run, and changes nothing."""
    before = region.group("kept")["Description"]
    with pytest.raises(botocore.exceptions.ClientError) as error:
        client.modify_replication_group(ReplicationGroupId="kept", ReplicationGroupDescription="changed", ApplyImmediately=True)
    answer = error.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status), answer
    assert region.group("kept")["Description"] == before
    return answer["Error"]["Message"]


@pytest.fixture(scope="module")
def kept(region):
    return region.create("kept", 1)


def test_a_header_that_is_not_understood_is_refused(region, kept):
    for value in ["1", "yes", "on", "", "true,true", '"true"']:
        text = refused(region, by_header(region, value=value), "InvalidParameterValue", 400)
        assert text == "The value of the header x-engram-dry-run is neither true nor false."
    text = refused(region, by_header(region, name="x-engram-dryrun"), "InvalidParameterValue", 400)
    assert text == "There is no header x-engram-dryrun; x-engram-dry-run asks for a dry run."
    for value in ["TRUE", " true "]:
        refused(region, by_header(region, value=value), "DryRunOperation", 412)
    client = by_header(region, value="false")
    client.modify_replication_group(ReplicationGroupId="kept", ReplicationGroupDescription="by a header that says no")
    assert region.group("kept")["Description"] == "by a header that says no"


def test_a_path_that_is_not_the_apis_is_refused(region, kept):
    endpoint = region.environment()["AWS_ENDPOINT_URL"]
    for path in ["/dryrun", "/Dry-Run", "/dry_run", "//dry-run", "/dry%2Drun", "/x/dry-run", "/dry-run/x", "/anything"]:
        text = refused(region, region.aws(endpoint_url=endpoint + path), "InvalidAction", 404)
        assert text.startswith("There is no operation at the path /"), text
    for path in ["/dry-run", "/dry-run/"]:
        refused(region, region.aws(endpoint_url=endpoint + path), "DryRunOperation", 412)


def test_a_program_with_the_endpoint_written_into_it_changes_nothing(region, kept):
    endpoint = region.environment()["AWS_ENDPOINT_URL"]
    cli = os.path.join(os.path.dirname(sys.executable), "aws")
    call = f"import boto3; boto3.client('elasticache', endpoint_url='{endpoint}').delete_replication_group(ReplicationGroupId='kept')"
    programs = [
        [cli, "--endpoint-url", endpoint, "elasticache", "delete-replication-group", "--replication-group-id", "kept"],
        [sys.executable, "-c", call],
    ]
    # What would have the endpoint of the environment ignored, or another key used.
    others = {
        "AWS_DEFAULT_PROFILE": "nobody",
        "AWS_PROFILE": "nobody",
        "AWS_SESSION_TOKEN": "x",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_ENDPOINT_URL_ELASTICACHE": endpoint,
    }
    env = {**os.environ, **others, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}
    for program in programs:
        command = [binary(), "dry-run", "--data-dir", str(region.data), *program]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert done.returncode != 0 and "DryRunOperation" in done.stderr, done
        assert "Gone: kept-001" in done.stderr, done
        assert region.group("kept")["Status"] == "available"


def test_the_key_of_dry_runs_describes(region, kept):
    command = [binary(), "dry-run", "--data-dir", str(region.data), "sh", "-c", "echo $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY"]
    key, secret = subprocess.check_output(command, text=True).split()
    assert key != region.environment()["AWS_ACCESS_KEY_ID"]
    client = region.aws(aws_access_key_id=key, aws_secret_access_key=secret)
    assert client.describe_replication_groups(ReplicationGroupId="kept")["ReplicationGroups"]
    refused(region, client, "DryRunOperation", 412)


def reboot(client, member):
    client.reboot_cache_cluster(CacheClusterId=member, CacheNodeIdsToReboot=["0001"])


def test_a_primary_whose_replicas_are_being_rebooted_loses_what_it_holds(region):
    group = region.create("unlucky", 3)
    server = connect(primary_endpoint(group))
    for number in range(50):
        server.set(f"key:{number}", "x")
    wait_until("a report", lambda: all(node["keys"] == 50 for node in region.nodes("unlucky")))
    dry, client = by_path(region), region.aws()
    lines = told(lambda: reboot(dry, "unlucky-001"))
    assert "Lost: nothing" in lines and any(line.startswith("The primary moves: unlucky-001 to ") for line in lines), lines
    for member in ["unlucky-002", "unlucky-003"]:
        reboot(client, member)
    lines = told(lambda: reboot(dry, "unlucky-001"))
    # Whether one of them is back already is a race; if none is, nobody takes over.
    assert any(line.startswith("The primary moves") for line in lines) != ("Lost: 50 keys of unlucky" in lines), lines
    assert "Restarted or replaced: unlucky-001" in lines, lines
    region.available("unlucky")


def served(endpoint):
    """A connection, which nobody opens again."""
    connection = socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=60)
    assert not is_closed(connection)
    return connection


def is_closed(connection):
    try:
        connection.sendall(b"PING\r\n")
        return connection.recv(7) != b"+PONG\r\n"
    except (ConnectionResetError, BrokenPipeError):
        return True


def until_counted(region, name, count):
    wait_until("connections counted", lambda: sum(node["clients"] for node in region.nodes(name)) == count)


def foretold(lines):
    found = [line for line in lines if line.startswith("Connections that are closed: ")]
    return int(found[0].rsplit(" ", 1)[1]) if found else 0


def test_connections_that_end_with_their_endpoint_are_counted(region):
    group = region.create("busy", 2, AutomaticFailoverEnabled=False, MultiAZEnabled=False)
    clients = [served(endpoint(group)) for endpoint in [primary_endpoint, reader_endpoint] for _ in range(3)]
    until_counted(region, "busy", 6)
    change = {"ReplicationGroupId": "busy", "PrimaryClusterId": "busy-002", "ApplyImmediately": True}
    lines = told(by_path(region).modify_replication_group, **change)
    region.aws().modify_replication_group(**change)
    wait_until("another primary", lambda: roles(region.group("busy"))["busy-002"] == "primary")
    region.available("busy")
    assert foretold(lines) == sum(is_closed(client) for client in clients) == 6, lines

    group = region.create("alone", 1)
    clients = [served(primary_endpoint(group)), served(reader_endpoint(group))]
    until_counted(region, "alone", 2)
    change = {"ReplicationGroupId": "alone", "NewReplicaCount": 1, "ApplyImmediately": True}
    lines = told(by_path(region).increase_replica_count, **change)
    region.aws().increase_replica_count(**change)
    wait_until("two members", lambda: len(region.nodes("alone")) == 2)
    region.available("alone")
    wait_until("the reader closed", lambda: is_closed(clients[1]))
    assert foretold(lines) == 1 and not is_closed(clients[0]), lines


def test_a_window_that_is_moved_is_told_with_what_it_brings(region):
    region.create("moved", 1, PreferredMaintenanceWindow="sun:05:00-sun:06:00")
    region.aws().modify_replication_group(ReplicationGroupId="moved", CacheNodeType="cache.t4g.small")
    for window in ["mon:05:00-mon:06:00", "tue:05:00-tue:06:00"]:
        lines = told(by_path(region).modify_replication_group, ReplicationGroupId="moved", PreferredMaintenanceWindow=window)
        assert "Restarted or replaced: moved-001" in lines, lines
    lines = told(by_path(region).modify_replication_group, ReplicationGroupId="moved", ReplicationGroupDescription="y")
    assert lines == ["No node would be touched.", "Lost: nothing"]


def test_a_group_of_another_region_is_another_group(region):
    region.create("twin", 2)
    elsewhere = {"region": "eu-west-1", "endpoint_url": region.environment()["AWS_ENDPOINT_URL"] + "/dry-run"}
    dry = region.aws(**elsewhere)
    lines = told(dry.create_replication_group, **{**NEW, "ReplicationGroupId": "twin"}, NumCacheClusters=2)
    assert "New: twin-001, twin-002" in lines, lines
    client = region.aws(region="eu-west-1")
    client.create_replication_group(**{**NEW, "ReplicationGroupId": "twin"}, NumCacheClusters=2)
    describe = lambda: client.describe_replication_groups(ReplicationGroupId="twin")["ReplicationGroups"][0]
    wait_until("the twin", lambda: describe()["Status"] == "available")
    for one in [dry, by_path(region)]:
        assert "Gone: twin-001, twin-002" in told(one.delete_replication_group, ReplicationGroupId="twin")


def facts(region, name):
    """What a forecast speaks of, as it is."""
    nodes = region.nodes(name)
    statuses = region.aws().describe_cache_clusters()["CacheClusters"]
    statuses = {one["CacheClusterId"]: one["CacheParameterGroup"]["ParameterApplyStatus"] for one in statuses}
    return {
        "pids": {node["member"]: node["pid"] for node in nodes},
        "primary": [node["member"] for node in nodes if node["role"] == "primary"],
        "waiting": {node["member"] for node in nodes if statuses[node["member"]] == "pending-reboot"},
    }


def listed(lines, what):
    found = [line.removeprefix(f"{what}: ") for line in lines if line.startswith(f"{what}: ")]
    return found[0].split(", ") if found else []


def has_settled(region, name):
    if not region.nodes(name):
        return True
    found = region.aws().describe_cache_clusters()["CacheClusters"]
    of = [one for one in found if name in (one.get("ReplicationGroupId"), one["CacheClusterId"])]
    return all(
        (one["CacheClusterStatus"], one["CacheParameterGroup"]["ParameterApplyStatus"] != "applying") == ("available", True)
        for one in of
    )


def set_parameters(client, group, **values):
    client.modify_cache_parameter_group(
        CacheParameterGroupName=group,
        ParameterNameValues=[{"ParameterName": key, "ParameterValue": value} for key, value in values.items()],
    )


def use_other_parameters(client, name):
    client.modify_replication_group(ReplicationGroupId=name, CacheParameterGroupName=f"to-{name}", ApplyImmediately=True)


def modify(**changes):
    return lambda client, name: client.modify_replication_group(ReplicationGroupId=name, ApplyImmediately=True, **changes)


def replicas(operation, count):
    return lambda client, name: getattr(client, operation)(ReplicationGroupId=name, NewReplicaCount=count, ApplyImmediately=True)


MANUAL = {"AutomaticFailoverEnabled": False, "MultiAZEnabled": False}
# Nodes, options of the group, the call, and what it loses of 100 keys.
CALLS = {
    "larger": (2, {}, modify(CacheNodeType="cache.t4g.small"), 0),
    "smaller": (2, {"CacheNodeType": "cache.t4g.small"}, modify(CacheNodeType="cache.t4g.micro"), 0),
    "more": (1, {}, replicas("increase_replica_count", 2), 0),
    "fewer": (3, {}, replicas("decrease_replica_count", 1), 0),
    "at-once": (2, {}, lambda client, name: set_parameters(client, f"of-{name}", timeout="1000"), 0),
    "at-start": (2, {}, use_other_parameters, 0),
    "test": (2, {}, lambda client, name: client.test_failover(ReplicationGroupId=name, NodeGroupId="0001"), 0),
    "lead": (2, {}, lambda client, name: reboot(client, f"{name}-001"), 0),
    "follow": (2, {}, lambda client, name: reboot(client, f"{name}-002"), 0),
    "manual": (2, MANUAL, lambda client, name: reboot(client, f"{name}-001"), 0),
    "single": (1, {}, lambda client, name: reboot(client, f"{name}-001"), 100),
    "all": (2, {}, lambda client, name: client.delete_replication_group(ReplicationGroupId=name), 100),
    "later": (2, {}, lambda client, name: client.modify_replication_group(ReplicationGroupId=name, CacheNodeType="cache.t4g.small"), 0),
}


@pytest.mark.parametrize("case", CALLS)
def test_what_is_foretold_of_a_call_is_what_it_does(region, case):
    members, options, call, lost = CALLS[case]
    name, client, dry = f"c-{case}", region.aws(), by_path(region)
    for parameters in [f"of-{name}", f"to-{name}"]:
        client.create_cache_parameter_group(
            CacheParameterGroupName=parameters, CacheParameterGroupFamily="valkey8", Description="x"
        )
    set_parameters(client, f"to-{name}", databases="32", timeout="1000")
    group = region.create(name, members, CacheParameterGroupName=f"of-{name}", **options)
    server = connect(primary_endpoint(group))
    for number in range(100):
        server.set(f"key:{number}", "x")
    server.close()
    endpoints = [primary_endpoint(group), reader_endpoint(group)]
    endpoints += [member["ReadEndpoint"] for member in group["NodeGroups"][0]["NodeGroupMembers"]]
    clients = [served(endpoint) for endpoint in endpoints for _ in range(2)]
    until_counted(region, name, len(clients))
    wait_until("a report", lambda: all(node["keys"] == 100 for node in region.nodes(name)))
    before = facts(region, name)
    lines = told(lambda: call(dry, name))
    assert facts(region, name) == before
    call(client, name)
    wait_until("an end", lambda: has_settled(region, name))
    closed = lambda: sum(is_closed(client) for client in clients)
    if case == "later":
        # A window brings it, behind the end of this test.
        assert lines[0].startswith("Steps in the maintenance window, from ") and closed() == 0, lines
        assert facts(region, name) == before
        return
    wait_until("connections closed", lambda: closed() >= foretold(lines))
    after = facts(region, name)
    assert closed() == foretold(lines), lines
    old, new = before["pids"], after["pids"]
    assert listed(lines, "New") == sorted(new.keys() - old.keys()), lines
    assert listed(lines, "Gone") == sorted(old.keys() - new.keys()), lines
    restarted = [member for member in sorted(new.keys() & old.keys()) if new[member] != old[member]]
    assert listed(lines, "Restarted or replaced") == restarted, lines
    moved = [f"{before['primary'][0]} to {now}" for now in after["primary"] if now != before["primary"][0]]
    assert listed(lines, "The primary moves") == moved, lines
    assert listed(lines, "Waits for a reboot") == sorted(after["waiting"] - before["waiting"]), lines
    kept = 0
    if new:
        with connect(primary_endpoint(region.group(name))) as server:
            kept = server.dbsize()
    assert 100 - kept == lost, lines
    assert (f"Lost: {lost} keys of {name}" if lost else "Lost: nothing") in lines


def test_what_is_refused_is_refused_alike(region, kept):
    calls = [
        lambda client: client.delete_replication_group(ReplicationGroupId="kept", FinalSnapshotIdentifier="last"),
        lambda client: client.modify_replication_group(ReplicationGroupId="kept", EngineVersion="7.2", ApplyImmediately=True),
        lambda client: client.modify_replication_group(ReplicationGroupId="kept", EngineVersion="1.0", ApplyImmediately=True),
        lambda client: client.test_failover(ReplicationGroupId="kept", NodeGroupId="0001"),
        lambda client: client.decrease_replica_count(ReplicationGroupId="kept", NewReplicaCount=0, ApplyImmediately=True),
        lambda client: client.increase_replica_count(ReplicationGroupId="kept", NewReplicaCount=1, ApplyImmediately=False),
        lambda client: client.modify_replication_group(ReplicationGroupId="kept", ApplyImmediately=True),
    ]
    for call in calls:
        answers = []
        for client in [region.aws(), by_path(region)]:
            with pytest.raises(botocore.exceptions.ClientError) as error:
                call(client)
            answers.append(error.value.response["Error"])
        assert answers[0] == answers[1] and answers[0]["Code"] != "DryRunOperation"
