"""Starting, stopping and losing the control plane."""

import os
import signal
import subprocess

import pytest
import redis

from conftest import binary, free_port
from region import connect, primary_endpoint, reader_endpoint, roles, wait_until


def test_the_first_start_has_a_cache_to_try_and_the_second_has_its_data(new_region):
    port = free_port()
    region = new_region("--port", str(port)).start()
    text = region.log.read_text()
    assert f"ready at 127.0.0.1:{port}" in text and "export AWS_ACCESS_KEY_ID=" in text, text
    client = redis.Redis(port=port, decode_responses=True)
    client.set("greeting", "hello")
    group = region.group("default")
    assert group["Status"] == "available" and group["Engine"] == "valkey"
    assert primary_endpoint(group) == {"Address": "127.0.0.1", "Port": port}
    region.create("web", 2)
    region.stop()
    with pytest.raises(redis.ConnectionError):
        redis.Redis(port=port).ping()
    region.start()
    assert redis.Redis(port=port, decode_responses=True).get("greeting") == "hello"
    assert len(roles(region.available("web"))) == 2


def test_without_its_cache_there_is_none(region):
    assert "default" not in [group["ReplicationGroupId"] for group in region.aws().describe_replication_groups()["ReplicationGroups"]]


def test_a_second_one_on_the_same_data_is_refused(region):
    command = [binary(), "serve", "--data-dir", str(region.data), "--api", "127.0.0.1:0"]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 1 and "another engram uses the data directory" in refused.stderr


def test_nodes_go_on_when_the_control_plane_is_killed_and_are_adopted(new_region):
    region = new_region("--no-default-cache").start()
    group = region.create("web", 3)
    client = connect(primary_endpoint(group))
    client.set("before", 1)
    pids = {node["member"]: node["pid"] for node in region.nodes()}
    region.crash()
    client.set("meanwhile", 1)
    with pytest.raises(subprocess.CalledProcessError):
        region.status()
    region.start()
    group = region.available("web")
    assert {node["member"]: node["pid"] for node in region.nodes()} == pids
    assert client.mget("before", "meanwhile") == ["1", "1"]
    # The endpoints it took back are those that it passes on.
    os.kill(pids["web-001"], signal.SIGKILL)
    again = connect(primary_endpoint(group))
    again.set("after", 1)
    assert again.mget("before", "meanwhile", "after") == ["1", "1", "1"]
    region.available("web")


def test_a_primary_lost_together_with_the_control_plane_is_replaced_by_the_next(new_region):
    region = new_region("--no-default-cache").start()
    group = region.create("web", 2)
    client = connect(primary_endpoint(group))
    client.set("kept", 1)
    assert client.wait(1, 10_000) == 1
    primary = region.primary("web")
    region.crash()
    os.kill(primary["pid"], signal.SIGKILL)
    region.start()
    wait_until("a new primary", lambda: roles(region.group("web"))["web-002"] == "primary")
    # Whoever held the endpoint's listener is gone, so it is opened anew before the group is available.
    group = region.available("web")
    assert connect(primary_endpoint(group)).get("kept") == "1"


def test_status_is_a_table_and_json(region):
    group = region.create("seen", 2)
    table = subprocess.check_output([binary(), "status", "--data-dir", str(region.data)], text=True)
    for text in ["Region us-east-1", "seen", "seen-001", "primary", "replica", "us-east-1a", "us-east-1b", "available"]:
        assert text in table, table
    assert primary_endpoint(group)["Address"] in table
    nodes = region.nodes("seen")
    assert [node["role"] for node in nodes] == ["primary", "replica"]
    assert all(node["pid"] and node["maxmemory_bytes"] > 0 for node in nodes)


def test_regions_are_kept_apart(region):
    region.create("here", 1)
    west = region.aws(region="eu-west-3")
    assert west.describe_replication_groups()["ReplicationGroups"] == []
    west.create_replication_group(
        ReplicationGroupId="here", ReplicationGroupDescription="x", Engine="valkey", CacheNodeType="cache.t4g.micro"
    )
    wait_until(
        "the one in the west",
        lambda: west.describe_replication_groups(ReplicationGroupId="here")["ReplicationGroups"][0]["Status"] == "available",
    )
    member = west.describe_cache_clusters()["CacheClusters"][0]
    assert member["PreferredAvailabilityZone"] == "eu-west-3a" and ":eu-west-3:" in member["ARN"]
    assert west.describe_replication_groups()["ReplicationGroups"][0]["NodeGroups"] != region.group("here")["NodeGroups"]


RESTRICTED = [
    ["CONFIG", "GET", "maxmemory"], ["DEBUG", "SLEEP", "0"], ["SAVE"], ["BGSAVE"], ["BGREWRITEAOF"], ["SHUTDOWN"],
    ["REPLICAOF", "NO", "ONE"], ["SLAVEOF", "NO", "ONE"], ["SYNC"], ["PSYNC", "?", "-1"], ["MIGRATE", "h", "1", "k", "0", "1"],
]  # fmt: skip


@pytest.mark.parametrize("command", RESTRICTED, ids=lambda command: command[0])
def test_what_elasticache_keeps_for_itself_is_refused(region, command):
    name = "restricted"
    groups = [group["ReplicationGroupId"] for group in region.aws().describe_replication_groups()["ReplicationGroups"]]
    group = region.group(name) if name in groups else region.create(name, 1)
    client = connect(primary_endpoint(group))
    with pytest.raises(redis.ResponseError, match="unknown command"):
        client.execute_command(*command)
    assert client.ping()


def test_the_reader_endpoint_follows_the_primary(region):
    group = region.create("read", 3)
    writer, reader = connect(primary_endpoint(group)), connect(reader_endpoint(group))
    writer.set("a", "b")
    assert writer.wait(2, 10_000) == 2
    assert reader.get("a") == "b"
    assert reader.role()[0] == "slave"
    # It is disconnected then, as ElastiCache does.
    with pytest.raises(redis.ReadOnlyError):
        reader.set("a", "c")
    # With one node it is the primary that is read from.
    alone = region.create("alone", 1)
    assert connect(reader_endpoint(alone)).role()[0] == "master"


def test_the_size_of_a_node_is_its_limit(region):
    group = region.create("sized", 1, CacheNodeType="cache.t4g.micro")
    info = connect(primary_endpoint(group)).info("memory")
    assert info["maxmemory"] == pytest.approx(536870912 * 0.75, rel=0.05)
    assert info["maxmemory_policy"] == "volatile-lru", "ElastiCache's default"
