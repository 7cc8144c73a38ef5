"""Quotas that a region was started with, by boto3, and the flag that sets them."""

import subprocess

import botocore.exceptions
import pytest

from conftest import binary

NAMES = (
    "nodes-per-region, nodes-per-cluster, nodes-per-shard, parameter-groups, subnet-groups, subnets-per-group, tags-per-resource, "
    "failover-tests-per-day"
)


@pytest.fixture
def limited(new_region):
    return new_region("--no-default-cache", "--quota", "nodes-per-cluster=2", "--quota", "subnet-groups=2").start()


def subnet_group(client, name):
    client.create_cache_subnet_group(CacheSubnetGroupName=name, CacheSubnetGroupDescription="d", SubnetIds=["subnet-00000001"])


def code(refused):
    return refused.value.response["Error"]["Code"]


def test_limits_hold_for_calls_and_leave_what_is_there(limited):
    client = limited.aws()
    limited.create("web", 2)
    with pytest.raises(client.exceptions.NodeQuotaForClusterExceededFault, match="at most 2 nodes"):
        client.create_cache_cluster(CacheClusterId="more", ReplicationGroupId="web")
    subnet_group(client, "one")
    with pytest.raises(botocore.exceptions.ClientError, match="quota of 2 cache subnet groups") as refused:
        subnet_group(client, "two")
    assert code(refused) == "CacheSubnetGroupQuotaExceeded"
    limited.stop()
    limited.args = ["--no-default-cache", "--quota", "nodes-per-cluster=1", "--quota", "subnet-groups=3"]
    limited.start()
    client = limited.aws()
    assert len(limited.available("web")["MemberClusters"]) == 2
    subnet_group(client, "two")
    with pytest.raises(client.exceptions.NodeQuotaForClusterExceededFault, match="at most 1 nodes"):
        client.create_replication_group(
            ReplicationGroupId="pair", ReplicationGroupDescription="d", Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheClusters=2
        )


@pytest.mark.parametrize("wrong", ["nodes=3", "nodes-per-cluster", "nodes-per-cluster=0", "nodes-per-cluster=many"])
def test_a_wrong_quota_is_refused_with_the_names_of_all(tmp_path, wrong):
    refused = subprocess.run([binary(), "--data-dir", str(tmp_path), "--quota", wrong], text=True, capture_output=True)
    assert refused.returncode == 2
    assert f"it must be NAME=LIMIT with a limit from 1 to 1000000 and one of the names {NAMES}\n" in refused.stderr


def test_a_quota_is_given_once(tmp_path):
    twice = ["--quota", "subnet-groups=3", "--quota", "subnet-groups=4"]
    refused = subprocess.run([binary(), "--data-dir", str(tmp_path / "data"), *twice], text=True, capture_output=True)
    assert (refused.returncode, refused.stderr) == (1, "engram: --quota subnet-groups is given twice\n")
    assert not (tmp_path / "data").exists()
