"""Events by boto3: their order, what they survive, and for how long, on a clock that the test moves."""

import datetime
import subprocess

import botocore.exceptions
import pytest

from conftest import binary


@pytest.fixture
def clocked(new_region):
    return new_region("--no-default-cache", "--test-clock").start()


def advance(region, by):
    command = [binary(), "clock", "--advance", by, "--data-dir", str(region.data)]
    return datetime.datetime.fromtimestamp(int(subprocess.check_output(command)) / 1000, datetime.timezone.utc)


def subnet_group(client, name):
    client.create_cache_subnet_group(
        CacheSubnetGroupName=name, CacheSubnetGroupDescription="of a test", SubnetIds=["subnet-00000001"]
    )


def told(client, **asked):
    pages = client.get_paginator("describe_events").paginate(**asked)
    return [event for page in pages for event in page["Events"]]


def test_a_groups_life_is_told_the_newest_first(region):
    client = region.aws()
    region.create("story", 2)
    client.modify_replication_group(ReplicationGroupId="story", CacheNodeType="cache.t4g.small", ApplyImmediately=True)
    region.available("story")
    client.delete_replication_group(ReplicationGroupId="story")
    client.get_waiter("replication_group_deleted").wait(ReplicationGroupId="story", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    own = told(client, SourceType="replication-group", SourceIdentifier="story")
    assert [event["Message"] for event in own] == [
        "Replication group story deleted",
        "Succeeded applying modification to cache node type to cache.t4g.small.",
        "Automatic failover has been turned on for replication group story",
        "Replication group story created",
    ]
    dates = [event["Date"] for event in told(client)]
    assert dates == sorted(dates, reverse=True) and dates[0].tzinfo
    member = told(client, SourceType="cache-cluster", SourceIdentifier="story-002")
    assert [event["Message"] for event in member][::-1][:2] == [
        "Cache cluster created",
        "Added cache node 0001 in availability zone us-east-1b",
    ]


def test_events_survive_a_crash_and_are_shown_for_fourteen_days(clocked):
    client = clocked.aws()
    for number in range(25):
        subnet_group(client, f"g{number:02}")
    fortnight = 14 * 24 * 60
    before = told(client, Duration=fortnight, PaginationConfig={"PageSize": 20})
    assert [event["SourceIdentifier"] for event in before] == [f"g{number:02}" for number in reversed(range(25))]
    clocked.crash()
    clocked.start()
    client = clocked.aws()
    assert told(client, Duration=fortnight) == before
    now = advance(clocked, "13d")
    assert told(client) == [], "an hour is looked back"
    assert told(client, Duration=fortnight) == before
    client.delete_cache_subnet_group(CacheSubnetGroupName="g00")
    (deleted,) = told(client)
    assert deleted["Message"] == "Cache subnet group g00 deleted" and deleted["SourceType"] == "cache-subnet-group"
    assert abs(deleted["Date"] - now) < datetime.timedelta(hours=1), "events go by the region's clock"
    advance(clocked, "2d")
    assert told(client, Duration=fortnight) == [deleted]
    assert told(client, StartTime=before[-1]["Date"]) == [deleted]


@pytest.mark.parametrize(
    ("asked", "code", "text"),
    [
        ({"SourceType": "node"}, "InvalidParameterValue", "SourceType"),
        ({"SourceIdentifier": "a"}, "InvalidParameterCombination", "SourceType"),
        ({"MaxRecords": 19}, "InvalidParameterValue", "MaxRecords"),
        ({"MaxRecords": 101}, "InvalidParameterValue", "MaxRecords"),
        ({"Marker": "here"}, "InvalidParameterValue", "Marker"),
        ({"Duration": 20161}, "InvalidParameterValue", "Duration"),
        ({"StartTime": 2, "EndTime": 1}, "InvalidParameterCombination", "StartTime"),
        ({"StartTime": 1, "EndTime": 2, "Duration": 1}, "InvalidParameterCombination", "together"),
    ],
)
def test_wrong_calls(region, asked, code, text):
    with pytest.raises(botocore.exceptions.ClientError, match=text) as refused:
        region.aws().describe_events(**asked)
    assert refused.value.response["Error"]["Code"] == code
