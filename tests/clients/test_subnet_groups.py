"""Subnet groups by boto3."""

import botocore.exceptions
import pytest


def test_a_group_outlives_the_control_plane(region):
    client = region.aws()
    made = client.create_cache_subnet_group(
        CacheSubnetGroupName="Nets", CacheSubnetGroupDescription="two zones",
        SubnetIds=["subnet-00000001", "subnet-00000002"], Tags=[{"Key": "team", "Value": "cache"}],
    )["CacheSubnetGroup"]  # fmt: skip
    assert made["CacheSubnetGroupName"] == "nets" and made["VpcId"] == "vpc-00000000"
    zones = [subnet["SubnetAvailabilityZone"]["Name"] for subnet in made["Subnets"]]
    assert zones == ["us-east-1b", "us-east-1c"]
    region.crash()
    region.start()
    client = region.aws()
    (found,) = client.describe_cache_subnet_groups(CacheSubnetGroupName="nets")["CacheSubnetGroups"]
    assert found == made
    assert client.list_tags_for_resource(ResourceName=made["ARN"])["TagList"] == [{"Key": "team", "Value": "cache"}]
    client.create_cache_cluster(
        CacheClusterId="in-nets", CacheNodeType="cache.t4g.micro", Engine="valkey", NumCacheNodes=1, CacheSubnetGroupName="nets"
    )
    client.get_waiter("cache_cluster_available").wait(CacheClusterId="in-nets", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    (cluster,) = client.describe_cache_clusters(CacheClusterId="in-nets")["CacheClusters"]
    assert cluster["CacheSubnetGroupName"] == "nets" and cluster["PreferredAvailabilityZone"] == "us-east-1b"
    with pytest.raises(client.exceptions.CacheSubnetGroupInUse, match="nets is currently in use by a cache cluster"):
        client.delete_cache_subnet_group(CacheSubnetGroupName="nets")
    with pytest.raises(client.exceptions.SubnetInUse, match="us-east-1b"):
        client.modify_cache_subnet_group(CacheSubnetGroupName="nets", SubnetIds=["subnet-00000002"])
    client.delete_cache_cluster(CacheClusterId="in-nets")
    client.get_waiter("cache_cluster_deleted").wait(CacheClusterId="in-nets", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    client.delete_cache_subnet_group(CacheSubnetGroupName="nets")
    with pytest.raises(client.exceptions.CacheSubnetGroupNotFoundFault) as gone:
        client.describe_cache_subnet_groups(CacheSubnetGroupName="nets")
    assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_wrong_calls(region):
    client = region.aws()
    usual = {"CacheSubnetGroupName": "g", "CacheSubnetGroupDescription": "d", "SubnetIds": ["subnet-00000001"]}
    for change, code in [
        ({"CacheSubnetGroupName": "1g"}, "InvalidParameterValue"),
        ({"CacheSubnetGroupName": "g" * 256}, "InvalidParameterValue"),
        ({"CacheSubnetGroupName": "default"}, "CacheSubnetGroupAlreadyExists"),
        ({"CacheSubnetGroupDescription": ""}, "InvalidParameterValue"),
        ({"SubnetIds": []}, "InvalidParameterValue"),
        ({"SubnetIds": ["none"]}, "InvalidParameterValue"),
        ({"SubnetIds": [f"subnet-{number:08}" for number in range(21)]}, "CacheSubnetQuotaExceededFault"),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            client.create_cache_subnet_group(**{**usual, **change})
        assert refused.value.response["Error"]["Code"] == code, change
