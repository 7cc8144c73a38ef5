"""Parameter groups by boto3 and on the nodes that use them."""

import shlex

import botocore.exceptions
import pytest
import redis

from region import connect, primary_endpoint, wait_until


def inside(region, member):
    """A client that may ask a node for its configuration: by the socket that only its own host has."""
    directory = region.data / "nodes" / region.node(member)["node"]
    rows = dict(shlex.split(line, posix=True)[:2] for line in (directory / "node.conf").read_text().splitlines())
    return redis.Redis(unix_socket_path=rows["unixsocket"], decode_responses=True)


def values(region, member, *names):
    with inside(region, member) as client:
        return {name.replace("-", "_"): client.config_get(name)[name] for name in (name.replace("_", "-") for name in names)}


def has(region, member, **expected):
    return values(region, member, *expected) == expected


def statuses(region, group):
    found = region.aws().describe_cache_clusters()["CacheClusters"]
    return [one["CacheParameterGroup"] for one in found if one.get("ReplicationGroupId") == group]


def apply_statuses(region, group):
    return {one["ParameterApplyStatus"] for one in statuses(region, group)}


def create(client, name, family="valkey8", **values):
    client.create_cache_parameter_group(CacheParameterGroupName=name, CacheParameterGroupFamily=family, Description="of a test")
    if values:
        modify(client, name, **values)


def modify(client, name, **values):
    values = [{"ParameterName": key.replace("_", "-"), "ParameterValue": value} for key, value in values.items()]
    client.modify_cache_parameter_group(CacheParameterGroupName=name, ParameterNameValues=values)


def user_set(client, name):
    pages = client.get_paginator("describe_cache_parameters").paginate(CacheParameterGroupName=name, Source="user")
    return {one["ParameterName"]: one["ParameterValue"] for page in pages for one in page["Parameters"]}


def test_the_defaults_of_the_service_are_those_of_nodes(region):
    region.create("plain", 1)
    # ElastiCache's, where the engine's differ; and three quarters of what the node type has.
    expected = {"maxmemory_samples": "3", "latency_tracking": "no", "maxmemory": "402653184"}
    assert values(region, "plain-001", *expected) == expected
    assert apply_statuses(region, "plain") == {"in-sync"}


def test_a_change_reaches_running_nodes(region):
    client = region.aws()
    create(client, "live", timeout="40")
    group = region.create("web", 2, CacheParameterGroupName="live")
    everywhere = lambda **expected: all(has(region, member, **expected) for member in ("web-001", "web-002"))
    assert everywhere(timeout="40")
    with connect(primary_endpoint(group)) as server:
        pid = server.info("server")["process_id"]
        modify(client, "live", timeout="60", slowlog_max_len="7", client_output_buffer_limit_pubsub_soft_seconds="9")
        wait_until("the new values", lambda: everywhere(timeout="60", slowlog_max_len="7"))
        wait_until("in sync", lambda: apply_statuses(region, "web") == {"in-sync"})
        # Data may have what is not reserved, at once.
        modify(client, "live", reserved_memory_percent="50")
        wait_until("half of the memory", lambda: server.info("memory")["maxmemory"] == 268435456)
        client.reset_cache_parameter_group(CacheParameterGroupName="live", ResetAllParameters=True)
        wait_until("the defaults", lambda: everywhere(timeout="0", slowlog_max_len="128", maxmemory="402653184"))
        assert server.info("server")["process_id"] == pid, "nobody was restarted"
    assert user_set(client, "live") == {}


def test_what_needs_a_start_waits_for_a_reboot(region):
    client = region.aws()
    create(client, "many", databases="32")
    region.create("old", 1)
    client.modify_replication_group(ReplicationGroupId="old", CacheParameterGroupName="many", ApplyImmediately=True)
    wait_until("pending-reboot", lambda: apply_statuses(region, "old") == {"pending-reboot"})
    (status,) = statuses(region, "old")
    assert status["CacheParameterGroupName"] == "many" and status["CacheNodeIdsToReboot"] == ["0001"]
    assert has(region, "old-001", databases="16")
    # What no node has yet can be taken back.
    use = lambda group: client.modify_replication_group(ReplicationGroupId="old", CacheParameterGroupName=group, ApplyImmediately=True)
    use("default.valkey8")
    wait_until("in-sync", lambda: apply_statuses(region, "old") == {"in-sync"})
    use("many")
    wait_until("pending-reboot", lambda: apply_statuses(region, "old") == {"pending-reboot"})
    client.reboot_cache_cluster(CacheClusterId="old-001", CacheNodeIdsToReboot=["0001"])
    wait_until("in-sync", lambda: apply_statuses(region, "old") == {"in-sync"})
    assert has(region, "old-001", databases="32")
    with pytest.raises(client.exceptions.InvalidParameterCombinationException, match="has 16 databases, and nodes have 32"):
        use("default.valkey8")
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="Allowed values: 1-65535$"):
        create(client, "too-many", databases="65536")
    with pytest.raises(client.exceptions.InvalidCacheParameterGroupStateFault, match="in use"):
        modify(client, "many", databases="8")


def test_values_survive_failover_new_sizes_and_crashes(region):
    client = region.aws()
    create(client, "kept", timeout="40")
    region.create("kept", 2, CacheParameterGroupName="kept")
    region.crash()
    # The nodes go on without a control plane, and miss a change.
    region.start()
    modify(region.aws(), "kept", timeout="50")
    region.crash()
    region.start()
    client = region.aws()
    members = ("kept-001", "kept-002")
    wait_until("the change", lambda: all(has(region, member, timeout="50") for member in members))
    wait_until("in sync", lambda: apply_statuses(region, "kept") == {"in-sync"})
    client.test_failover(ReplicationGroupId="kept", NodeGroupId="0001")
    region.available("kept")
    client.modify_replication_group(ReplicationGroupId="kept", CacheNodeType="cache.m7g.large", ApplyImmediately=True)
    region.available("kept")
    for member in members:
        assert has(region, member, timeout="50")
    assert user_set(client, "kept") == {"timeout": "50"}
    with pytest.raises(client.exceptions.InvalidCacheParameterGroupStateFault, match="still members of this parameter group kept"):
        client.delete_cache_parameter_group(CacheParameterGroupName="kept")
    client.delete_replication_group(ReplicationGroupId="kept")
    client.get_waiter("replication_group_deleted").wait(ReplicationGroupId="kept", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    client.delete_cache_parameter_group(CacheParameterGroupName="kept")
    with pytest.raises(client.exceptions.CacheParameterGroupNotFoundFault, match="CacheParameterGroup kept not found."):
        client.describe_cache_parameter_groups(CacheParameterGroupName="kept")


def test_a_client_that_writes_to_a_replica_is_disconnected(region):
    client = region.aws()
    create(client, "strict")
    region.create("strict", 2, CacheParameterGroupName="strict")
    replica = next(node for node in region.nodes("strict") if node["role"] == "replica")["endpoint"]
    host, _, port = replica.rpartition(":")
    # A single connection does not come back by itself.
    server = redis.Redis(host=host, port=int(port), single_connection_client=True)
    with pytest.raises(redis.exceptions.ReadOnlyError):
        server.set("a", 1)
    with pytest.raises(redis.exceptions.ConnectionError):
        server.connection.send_command("PING")
        server.connection.read_response()
    modify(client, "strict", close_on_replica_write="no")
    wait_until("in sync", lambda: apply_statuses(region, "strict") == {"in-sync"})
    with redis.Redis(host=host, port=int(port), single_connection_client=True) as server:
        with pytest.raises(redis.exceptions.ReadOnlyError):
            server.set("a", 1)
        server.connection.send_command("PING")
        assert server.connection.read_response() == b"PONG"


def test_wrong_calls(region):
    client = region.aws()
    create(client, "wrong")
    for call, code in [
        (lambda: create(client, "wrong"), "CacheParameterGroupAlreadyExists"),
        (lambda: create(client, "default.valkey8"), "InvalidParameterValue"),
        (lambda: create(client, "w", "valkey6"), "InvalidParameterValue"),
        (lambda: modify(client, "default.valkey8", timeout="20"), "InvalidParameterValue"),
        (lambda: modify(client, "nobody", timeout="20"), "CacheParameterGroupNotFound"),
        (lambda: modify(client, "wrong", timeout="1"), "InvalidParameterValue"),
        (lambda: modify(client, "wrong", time_out="1"), "InvalidParameterValue"),
        (lambda: client.reset_cache_parameter_group(CacheParameterGroupName="wrong"), "InvalidParameterCombination"),
        (lambda: client.delete_cache_parameter_group(CacheParameterGroupName="nobody"), "CacheParameterGroupNotFound"),
        (lambda: client.describe_engine_default_parameters(CacheParameterGroupFamily="x"), "InvalidParameterValue"),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == code
    assert user_set(client, "wrong") == {}
    families = {one["CacheParameterGroupFamily"] for one in client.describe_cache_parameter_groups()["CacheParameterGroups"]}
    assert {"memcached1.6", "redis7", "valkey8", "valkey9"} <= families
