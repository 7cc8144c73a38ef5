"""The calls of Terraform's provider for groups and clusters, in its order, with what it reads and tolerates."""

import botocore.exceptions
import pytest

from region import wait_until


def until(describe, target, pending):
    """As the provider waits: a status that is neither pending nor the target fails the apply."""

    def look():
        status = describe()
        assert status in (target, *pending), status
        return status == target

    wait_until(target, look)


def test_a_replication_group(region):
    client = region.aws()
    region.aws("sts").get_caller_identity()
    made = client.create_replication_group(
        ReplicationGroupId="tf", ReplicationGroupDescription="terraform", AutomaticFailoverEnabled=True, MultiAZEnabled=True,
        AutoMinorVersionUpgrade=True, CacheNodeType="cache.t4g.micro", Engine="valkey", EngineVersion="8.0", NumCacheClusters=2,
        Port=6379, AtRestEncryptionEnabled=False, TransitEncryptionEnabled=False, NetworkType="ipv4", IpDiscovery="ipv4",
        ClusterMode="disabled", Tags=[{"Key": "Name", "Value": "tf"}],
    )["ReplicationGroup"]  # fmt: skip
    group = lambda: client.describe_replication_groups(ReplicationGroupId="tf")["ReplicationGroups"][0]
    available = lambda: until(lambda: group()["Status"], "available", ("creating", "modifying", "snapshotting"))
    available()

    def read():
        found = group()
        member = client.describe_cache_clusters(CacheClusterId=found["MemberClusters"][0], ShowCacheNodeInfo=True)["CacheClusters"][0]
        tags = client.list_tags_for_resource(ResourceName=made["ARN"])["TagList"]
        shard = found["NodeGroups"][0]
        return {
            "members": len(shard["NodeGroupMembers"]), "version": member["EngineVersion"], "port": shard["PrimaryEndpoint"]["Port"],
            "window": member["PreferredMaintenanceWindow"], "parameters": member["CacheParameterGroup"]["CacheParameterGroupName"],
            "subnets": member["CacheSubnetGroupName"], "multi_az": found["MultiAZ"], "failover": found["AutomaticFailover"],
            "encrypted": (found["AtRestEncryptionEnabled"], found["TransitEncryptionEnabled"], found["AuthTokenEnabled"]),
            "type": found["CacheNodeType"], "retention": found["SnapshotRetentionLimit"], "tags": tags,
        }  # fmt: skip

    first = read()
    assert first["members"] == 2 and first["port"] == 6379 and first["tags"] == [{"Key": "Name", "Value": "tf"}]
    assert first["encrypted"] == (False, False, False) and read() == first
    client.increase_replica_count(ReplicationGroupId="tf", NewReplicaCount=2, ApplyImmediately=True)
    available()
    for cluster in group()["MemberClusters"]:
        status = lambda: client.describe_cache_clusters(CacheClusterId=cluster)["CacheClusters"][0]["CacheClusterStatus"]
        until(status, "available", ("creating", "modifying"))
    client.modify_replication_group(
        ReplicationGroupId="tf", SnapshotRetentionLimit=3, SnapshottingClusterId="tf-001", ApplyImmediately=True
    )
    available()
    with pytest.raises(botocore.exceptions.ClientError, match="No modifications were requested"):
        client.modify_replication_group(ReplicationGroupId="tf", ApplyImmediately=True)
    client.decrease_replica_count(ReplicationGroupId="tf", NewReplicaCount=1, ApplyImmediately=True)
    available()
    assert read() == {**first, "retention": 3}
    client.add_tags_to_resource(ResourceName=made["ARN"], Tags=[{"Key": "Name", "Value": "other"}])
    assert read()["tags"] == [{"Key": "Name", "Value": "other"}]
    client.delete_replication_group(ReplicationGroupId="tf")

    def is_gone():
        try:
            assert group()["Status"] in ("creating", "available", "deleting")
        except client.exceptions.ReplicationGroupNotFoundFault:
            return True

    wait_until("its end", is_gone)


def test_a_cluster(region):
    client = region.aws()
    client.create_cache_cluster(
        CacheClusterId="tf-alone", CacheNodeType="cache.t4g.micro", Engine="redis", EngineVersion="7.0", NumCacheNodes=1, Port=6379,
        CacheParameterGroupName="default.redis7", CacheSubnetGroupName="default", AutoMinorVersionUpgrade=True, AZMode="single-az",
        NetworkType="ipv4", IpDiscovery="ipv4",
    )  # fmt: skip
    cluster = lambda: client.describe_cache_clusters(CacheClusterId="tf-alone", ShowCacheNodeInfo=True)["CacheClusters"][0]
    pending = ("creating", "modifying", "snapshotting", "rebooting cluster nodes")
    until(lambda: cluster()["CacheClusterStatus"], "available", pending)
    for node in cluster()["CacheNodes"]:
        assert node["CacheNodeId"] and node["Endpoint"]["Address"] and node["Endpoint"]["Port"] and node["CustomerAvailabilityZone"]
    assert client.list_tags_for_resource(ResourceName=cluster()["ARN"])["TagList"] == []
    client.modify_cache_cluster(CacheClusterId="tf-alone", SnapshotRetentionLimit=1, ApplyImmediately=True)
    until(lambda: cluster()["CacheClusterStatus"], "available", pending)
    assert cluster()["SnapshotRetentionLimit"] == 1
    client.delete_cache_cluster(CacheClusterId="tf-alone")
    client.get_waiter("cache_cluster_deleted").wait(CacheClusterId="tf-alone", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
