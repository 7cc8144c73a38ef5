"""Changes that wait for the maintenance window, on a clock that the test moves."""

import datetime
import subprocess

import pytest
import redis

from conftest import binary
from region import wait_until

SMALL, LARGE = "cache.t4g.micro", "cache.m7g.large"


@pytest.fixture
def clocked(new_region):
    return new_region("--no-default-cache", "--test-clock").start()


def clock(region, advance):
    command = [binary(), "clock", "--advance", advance, "--data-dir", str(region.data)]
    return subprocess.run(command, text=True, capture_output=True)


def window(now, hours_ahead):
    """Two hours of the week that begin so many whole hours after this one: so many hours on, the first is never over."""
    begin = now.replace(minute=0, second=0, microsecond=0) + datetime.timedelta(hours=hours_ahead)
    end = begin + datetime.timedelta(hours=2)
    return f"{begin:%a:%H:%M}-{end:%a:%H:%M}".lower()


def members(region, group):
    found = region.aws().describe_cache_clusters()["CacheClusters"]
    return [one for one in found if one.get("ReplicationGroupId") == group]


def pending(region, group):
    return [one["PendingModifiedValues"].get("CacheNodeType") for one in members(region, group)]


def types(region, group):
    return [one["CacheNodeType"] for one in members(region, group)]


def test_a_node_type_waits_for_the_window_and_survives_a_crash(clocked):
    now = datetime.datetime.now(datetime.timezone.utc)
    client = clocked.aws()
    created = clocked.create("late", 2, PreferredMaintenanceWindow=window(now, 5))
    endpoint = created["NodeGroups"][0]["PrimaryEndpoint"]
    server = redis.Redis(host=endpoint["Address"], port=endpoint["Port"])
    server.set("kept", 1)
    client.modify_replication_group(ReplicationGroupId="late", CacheNodeType=LARGE)
    assert clocked.group("late")["Status"] == "available"
    assert pending(clocked, "late") == [LARGE] * 2 and types(clocked, "late") == [SMALL] * 2
    # An hour before the window nothing has happened; the clock is no part of what survives, what waits is.
    assert clock(clocked, "2h").returncode == 0
    assert pending(clocked, "late") == [LARGE] * 2
    clocked.crash()
    clocked.start()
    assert pending(clocked, "late") == [LARGE] * 2
    assert clock(clocked, "5h").returncode == 0
    wait_until("the larger nodes", lambda: types(clocked, "late") == [LARGE] * 2 and pending(clocked, "late") == [None] * 2)
    clocked.available("late")
    assert server.get("kept") == b"1"


def test_what_waits_is_replaced_taken_back_and_brought_at_once(clocked):
    now = datetime.datetime.now(datetime.timezone.utc)
    client = clocked.aws()
    clocked.create("changed", 1, PreferredMaintenanceWindow=window(now, 5))
    modify = lambda **asked: client.modify_replication_group(ReplicationGroupId="changed", **asked)
    modify(CacheNodeType=LARGE, ApplyImmediately=False)
    modify(CacheNodeType="cache.t4g.small")
    assert pending(clocked, "changed") == ["cache.t4g.small"]
    modify(CacheNodeType=SMALL)
    assert pending(clocked, "changed") == [None]
    with pytest.raises(client.exceptions.InvalidParameterCombinationException):
        modify(ApplyImmediately=True)
    modify(CacheNodeType=LARGE)
    modify(ApplyImmediately=True)
    wait_until("the larger node", lambda: types(clocked, "changed") == [LARGE] and pending(clocked, "changed") == [None])


def test_a_lone_cluster_waits_too(clocked):
    now = datetime.datetime.now(datetime.timezone.utc)
    client = clocked.aws()
    client.create_cache_cluster(
        CacheClusterId="lone", Engine="redis", CacheNodeType=SMALL, NumCacheNodes=1, PreferredMaintenanceWindow=window(now, 30)
    )
    describe = lambda: client.describe_cache_clusters(CacheClusterId="lone")["CacheClusters"][0]
    wait_until("the cluster", lambda: describe()["CacheClusterStatus"] == "available")
    changed = client.modify_cache_cluster(CacheClusterId="lone", CacheNodeType=LARGE)["CacheCluster"]
    assert changed["PendingModifiedValues"]["CacheNodeType"] == LARGE
    assert clock(clocked, "30h").returncode == 0
    wait_until("the larger node", lambda: describe()["CacheNodeType"] == LARGE)


def test_the_clock_of_a_region_is_the_systems_unless_it_was_asked_for(region):
    moved = clock(region, "1h")
    assert moved.returncode == 1
    assert "only one that was started with --test-clock can be moved" in moved.stderr
    assert clock(region, "soon").returncode == 2
