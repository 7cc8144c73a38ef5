"""The operations of ElastiCache by boto3: what they answer and what they change."""

import datetime
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest

from region import connect, primary_endpoint, roles, wait_until

QUICK = {"Delay": 1, "MaxAttempts": 120}


def test_a_group_passes_through_creating_and_is_described_in_full(region):
    client = region.aws()
    made = client.create_replication_group(
        ReplicationGroupId="Full", ReplicationGroupDescription="all of it", Engine="valkey", EngineVersion="8.0",
        CacheNodeType="cache.t4g.micro", NumCacheClusters=3, AutomaticFailoverEnabled=True, MultiAZEnabled=True, Port=6390,
        PreferredMaintenanceWindow="Sun:23:00-Mon:01:30", SnapshotWindow="05:00-07:00", SnapshotRetentionLimit=5,
        Tags=[{"Key": "team", "Value": "cache"}], CacheParameterGroupName="default.valkey8", CacheSubnetGroupName="default",
    )["ReplicationGroup"]  # fmt: skip
    assert made["ReplicationGroupId"] == "full" and made["Status"] == "creating"
    assert made["MemberClusters"] == ["full-001", "full-002", "full-003"]
    client.get_waiter("replication_group_available").wait(ReplicationGroupId="full", WaiterConfig=QUICK)
    group = region.group("full")
    assert group["Description"] == "all of it" and group["Engine"] == "valkey" and group["ClusterEnabled"] is False
    assert (group["AutomaticFailover"], group["MultiAZ"], group["ClusterMode"]) == ("enabled", "enabled", "disabled")
    assert (group["SnapshotWindow"], group["SnapshotRetentionLimit"]) == ("05:00-07:00", 5)
    assert group["ARN"] == "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:full"
    assert group["PendingModifiedValues"] == {} and group["CacheNodeType"] == "cache.t4g.micro"
    (shard,) = group["NodeGroups"]
    assert shard["NodeGroupId"] == "0001" and shard["Status"] == "available"
    addresses = {shard["PrimaryEndpoint"]["Address"], shard["ReaderEndpoint"]["Address"]}
    for member, zone in zip(shard["NodeGroupMembers"], "abc"):
        assert member["PreferredAvailabilityZone"] == f"us-east-1{zone}" and member["CacheNodeId"] == "0001"
        addresses.add(member["ReadEndpoint"]["Address"])
        assert member["ReadEndpoint"]["Port"] == 6390
    assert len(addresses) == 5
    assert connect(primary_endpoint(group)).ping()
    clusters = client.describe_cache_clusters(CacheClusterId="full-002", ShowCacheNodeInfo=True)["CacheClusters"]
    (cluster,) = clusters
    assert cluster["CacheClusterStatus"] == "available" and cluster["ReplicationGroupId"] == "full"
    assert cluster["EngineVersion"].startswith("8.0.") and cluster["PreferredMaintenanceWindow"] == "sun:23:00-mon:01:30"
    assert cluster["CacheParameterGroup"]["CacheParameterGroupName"] == "default.valkey8"
    (node,) = cluster["CacheNodes"]
    assert (node["CacheNodeId"], node["CustomerAvailabilityZone"]) == ("0001", "us-east-1b")
    assert node["Endpoint"] == shard["NodeGroupMembers"][1]["ReadEndpoint"]
    assert "CacheNodes" not in client.describe_cache_clusters(CacheClusterId="full-002")["CacheClusters"][0]


def test_replicas_come_and_go(region):
    client = region.aws()
    region.create("count", 2)
    client.increase_replica_count(ReplicationGroupId="count", NewReplicaCount=3, ApplyImmediately=True)
    group = region.available("count")
    assert group["MemberClusters"] == [f"count-00{n}" for n in (1, 2, 3, 4)]
    zones = [m["PreferredAvailabilityZone"] for m in group["NodeGroups"][0]["NodeGroupMembers"]]
    assert zones == ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1a"]
    client.decrease_replica_count(ReplicationGroupId="count", ReplicasToRemove=["count-003"], ApplyImmediately=True)
    wait_until("three", lambda: region.available("count")["MemberClusters"] == ["count-001", "count-002", "count-004"])
    client.create_cache_cluster(CacheClusterId="joined", ReplicationGroupId="count", PreferredAvailabilityZone="us-east-1c")
    client.get_waiter("cache_cluster_available").wait(CacheClusterId="joined", WaiterConfig=QUICK)
    assert roles(region.available("count"))["joined"] == "replica"
    client.delete_cache_cluster(CacheClusterId="joined")
    client.get_waiter("cache_cluster_deleted").wait(CacheClusterId="joined", WaiterConfig=QUICK)
    client.decrease_replica_count(ReplicationGroupId="count", NewReplicaCount=1, ApplyImmediately=True)
    wait_until("two", lambda: region.available("count")["MemberClusters"] == ["count-001", "count-002"])


def test_what_describes_a_group_is_modified(region):
    client = region.aws()
    region.create("modified", 2)
    changed = client.modify_replication_group(
        ReplicationGroupId="modified", ReplicationGroupDescription="other words", SnapshotRetentionLimit=3,
        SnapshotWindow="06:00-08:00", PreferredMaintenanceWindow="tue:01:00-tue:02:00", SnapshottingClusterId="modified-002",
        AutoMinorVersionUpgrade=False, MultiAZEnabled=False, AutomaticFailoverEnabled=False,
    )["ReplicationGroup"]  # fmt: skip
    assert changed["Description"] == "other words" and changed["SnapshottingClusterId"] == "modified-002"
    group = region.available("modified")
    assert (group["SnapshotRetentionLimit"], group["SnapshotWindow"]) == (3, "06:00-08:00")
    assert (group["MultiAZ"], group["AutomaticFailover"], group["AutoMinorVersionUpgrade"]) == ("disabled", "disabled", False)
    cluster = client.describe_cache_clusters(CacheClusterId="modified-001")["CacheClusters"][0]
    assert cluster["PreferredMaintenanceWindow"] == "tue:01:00-tue:02:00"


def test_a_group_is_deleted_and_leaves_its_primary_if_asked(region):
    client = region.aws()
    group = region.create("gone", 2)
    connect(primary_endpoint(group)).set("kept", 1)
    deleting = client.delete_replication_group(ReplicationGroupId="gone", RetainPrimaryCluster=True)["ReplicationGroup"]
    assert deleting["Status"] == "deleting"
    client.get_waiter("replication_group_deleted").wait(ReplicationGroupId="gone", WaiterConfig=QUICK)
    client.get_waiter("cache_cluster_available").wait(CacheClusterId="gone-001", WaiterConfig=QUICK)
    left = client.describe_cache_clusters(ShowCacheClustersNotInReplicationGroups=True, ShowCacheNodeInfo=True)["CacheClusters"]
    cluster = next(one for one in left if one["CacheClusterId"] == "gone-001")
    assert "ReplicationGroupId" not in cluster
    assert connect(cluster["CacheNodes"][0]["Endpoint"]).get("kept") == "1"
    client.delete_cache_cluster(CacheClusterId="gone-001")
    client.get_waiter("cache_cluster_deleted").wait(CacheClusterId="gone-001", WaiterConfig=QUICK)
    assert "Replication group gone deleted" in region.messages("gone")


@pytest.mark.parametrize("engine, version", [("redis", "7.0"), ("valkey", "8.0")])
def test_a_cluster_alone_is_made_changed_rebooted_and_deleted(region, engine, version):
    client, name = region.aws(), f"alone-{engine}"
    made = client.create_cache_cluster(
        CacheClusterId=name, Engine=engine, EngineVersion=version, CacheNodeType="cache.t4g.micro", NumCacheNodes=1,
        PreferredAvailabilityZone="us-east-1c",
    )["CacheCluster"]  # fmt: skip
    assert made["CacheClusterStatus"] == "creating" and made["NumCacheNodes"] == 1
    client.get_waiter("cache_cluster_available").wait(CacheClusterId=name, WaiterConfig=QUICK)
    describe = lambda: client.describe_cache_clusters(CacheClusterId=name, ShowCacheNodeInfo=True)["CacheClusters"][0]
    cluster = describe()
    assert cluster["Engine"] == engine and cluster["PreferredAvailabilityZone"] == "us-east-1c"
    endpoint = cluster["CacheNodes"][0]["Endpoint"]
    server = connect(endpoint)
    assert server.info("server")[f"{engine}_version"] == cluster["EngineVersion"]
    server.set("a", 1)
    client.modify_cache_cluster(CacheClusterId=name, CacheNodeType="cache.m7g.large", SnapshotRetentionLimit=2, ApplyImmediately=True)
    wait_until("the larger node", lambda: (c := describe())["CacheNodeType"] == "cache.m7g.large" and c["CacheClusterStatus"] == "available")
    assert connect(endpoint).get("a") == "1" and describe()["SnapshotRetentionLimit"] == 2
    client.reboot_cache_cluster(CacheClusterId=name, CacheNodeIdsToReboot=["0001"])
    assert wait_until("a restart", lambda: "Cache node 0001 restarted" in region.messages(name))
    assert connect(endpoint).dbsize() == 0
    client.get_waiter("cache_cluster_available").wait(CacheClusterId=name, WaiterConfig=QUICK)
    client.delete_cache_cluster(CacheClusterId=name)
    client.get_waiter("cache_cluster_deleted").wait(CacheClusterId=name, WaiterConfig=QUICK)


def test_tags_of_groups_and_members(region):
    client = region.aws()
    arn = region.create("tagged", 1, Tags=[{"Key": "a", "Value": "1"}])["ARN"]
    as_dict = lambda answer: {tag["Key"]: tag["Value"] for tag in answer["TagList"]}
    assert as_dict(client.list_tags_for_resource(ResourceName=arn)) == {"a": "1"}
    assert as_dict(client.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "b", "Value": "2"}])) == {"a": "1", "b": "2"}
    assert as_dict(client.remove_tags_from_resource(ResourceName=arn, TagKeys=["a"])) == {"b": "2"}
    member = client.describe_cache_clusters(CacheClusterId="tagged-001")["CacheClusters"][0]["ARN"]
    assert as_dict(client.list_tags_for_resource(ResourceName=member)) == {"b": "2"}


def test_events_are_chosen_by_source_time_and_page(region):
    client = region.aws()
    region.create("story", 2)
    own = client.describe_events(SourceType="replication-group", SourceIdentifier="story")["Events"]
    assert [event["Message"] for event in own] == [
        "Automatic failover has been turned on for replication group story",
        "Replication group story created",
    ]
    assert own[0]["SourceType"] == "replication-group" and own[0]["Date"].tzinfo
    future = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    # Its members were told of before.
    before = own[-1]["Date"] - datetime.timedelta(minutes=5)
    assert client.describe_events(StartTime=before, EndTime=future, SourceType="cache-cluster", SourceIdentifier="story-002")["Events"]
    pages = list(client.get_paginator("describe_events").paginate(Duration=600, PaginationConfig={"PageSize": 20}))
    whole = client.describe_events(Duration=600)["Events"]
    assert [event for page in pages for event in page["Events"]][: len(whole)] == whole


def test_groups_come_in_pages(region):
    client = region.aws(region="ap-south-1")
    for number in range(21):
        client.create_cache_cluster(
            CacheClusterId=f"page-{number:02}", Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheNodes=1
        )
    first = client.describe_cache_clusters(MaxRecords=20)
    assert len(first["CacheClusters"]) == 20
    rest = client.describe_cache_clusters(MaxRecords=20, Marker=first["Marker"])
    assert [one["CacheClusterId"] for one in rest["CacheClusters"]] == ["page-20"] and "Marker" not in rest
    for number in range(21):
        wait_until("one", lambda: client.describe_cache_clusters(CacheClusterId=f"page-{number:02}")["CacheClusters"][0]["CacheClusterStatus"] == "available")
        client.delete_cache_cluster(CacheClusterId=f"page-{number:02}")
    wait_until("their end", lambda: not client.describe_cache_clusters()["CacheClusters"])


def test_versions_types_and_defaults(region):
    client = region.aws()
    versions = client.describe_cache_engine_versions()["CacheEngineVersions"]
    assert {(v["Engine"], v["EngineVersion"], v["CacheParameterGroupFamily"]) for v in versions} == {
        ("redis", "7.0", "redis7"), ("redis", "7.1", "redis7"),
        ("valkey", "7.2", "valkey7"), ("valkey", "8.0", "valkey8"), ("valkey", "8.1", "valkey8"),
    }  # fmt: skip
    (default,) = client.describe_cache_engine_versions(Engine="valkey", DefaultOnly=True)["CacheEngineVersions"]
    assert default["CacheEngineDescription"] == "Valkey"
    groups = client.describe_cache_parameter_groups()["CacheParameterGroups"]
    names = {group["CacheParameterGroupName"] for group in groups}
    assert {"default.redis7", "default.valkey8", "default.valkey8.cluster.on", "default.memcached1.6"} <= names
    (subnets,) = client.describe_cache_subnet_groups()["CacheSubnetGroups"]
    zones = [subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets["Subnets"]]
    assert zones == ["us-east-1a", "us-east-1b", "us-east-1c"]
    region.create("types", 1)
    allowed = client.list_allowed_node_type_modifications(ReplicationGroupId="types")
    assert "cache.r7g.large" in allowed["ScaleUpModifications"] and "cache.t4g.micro" not in allowed["ScaleUpModifications"]
    listed = allowed["ScaleUpModifications"] + allowed["ScaleDownModifications"]
    assert len(listed) == 84 and "cache.r8g.large" in listed and not any("gd." in name or ".t2." in name for name in listed)


WRONG = [
    ("describe_replication_groups", {"ReplicationGroupId": "none"}, "ReplicationGroupNotFoundFault", "none not found"),
    ("describe_cache_clusters", {"CacheClusterId": "none"}, "CacheClusterNotFound", "CacheCluster not found: none"),
    ("describe_replication_groups", {"MaxRecords": 19}, "InvalidParameterValue", "MaxRecords"),
    ("describe_replication_groups", {"Marker": "?"}, "InvalidParameterValue", "Marker"),
    ("describe_events", {"SourceIdentifier": "a"}, "InvalidParameterCombination", "SourceType"),
    ("describe_events", {"Duration": 20161}, "InvalidParameterValue", "Duration"),
    ("describe_cache_parameter_groups", {"CacheParameterGroupName": "none"}, "CacheParameterGroupNotFound", "none"),
    ("describe_cache_subnet_groups", {"CacheSubnetGroupName": "none"}, "CacheSubnetGroupNotFoundFault", "none"),
    ("modify_replication_group", {"ReplicationGroupId": "wrong"}, "InvalidParameterCombination", "No modifications were requested"),
    ("modify_replication_group", {"ReplicationGroupId": "none", "SnapshotWindow": "05:00-07:00"}, "ReplicationGroupNotFoundFault", "none"),
    ("modify_replication_group", {"ReplicationGroupId": "wrong", "SnapshotWindow": "05:00"}, "InvalidParameterValue", "snapshot window"),
    ("modify_replication_group", {"ReplicationGroupId": "wrong", "PrimaryClusterId": "wrong-002"}, "InvalidReplicationGroupState", "disabled"),
    ("modify_replication_group", {"ReplicationGroupId": "wrong", "PrimaryClusterId": "none"}, "CacheClusterNotFound", "none"),
    ("modify_replication_group", {"ReplicationGroupId": "wrong", "CacheNodeType": "cache.x"}, "InvalidParameterValue", "cache.x"),
    ("modify_replication_group", {"ReplicationGroupId": "wrong", "CacheNodeType": "cache.t2.small"}, "InvalidParameterValue", "previous generation"),
    ("modify_replication_group", {"ReplicationGroupId": "wrong", "CacheNodeType": "cache.r6gd.xlarge"}, "InvalidParameterCombination", "When using the cache.r6gd.xlarge node type, you must enable data tiering."),
    ("create_cache_cluster", {"CacheClusterId": "r8", "Engine": "redis", "NumCacheNodes": 1, "CacheNodeType": "cache.r8g.large"}, "InvalidParameterCombination", "not supported for redis"),
    ("modify_replication_group", {"ReplicationGroupId": "wrong", "AutomaticFailoverEnabled": False}, "InvalidParameterCombination", "Multi-AZ"),
    ("modify_replication_group", {"ReplicationGroupId": "wrong", "TransitEncryptionEnabled": True}, "InvalidParameterValue", "TransitEncryptionEnabled"),
    ("modify_replication_group", {"ReplicationGroupId": "wrong", "EngineVersion": "8.2"}, "InvalidParameterValue", "8.2"),
    ("increase_replica_count", {"ReplicationGroupId": "wrong", "NewReplicaCount": 1, "ApplyImmediately": True}, "NoOperationFault", "1 replicas"),
    ("increase_replica_count", {"ReplicationGroupId": "wrong", "NewReplicaCount": 6, "ApplyImmediately": True}, "InvalidParameterValue", "5"),
    ("increase_replica_count", {"ReplicationGroupId": "wrong", "NewReplicaCount": 2, "ApplyImmediately": False}, "InvalidParameterValue", "ApplyImmediately"),
    ("increase_replica_count", {"ReplicationGroupId": "wrong", "ApplyImmediately": True}, "InvalidParameterCombination", "NewReplicaCount"),
    ("decrease_replica_count", {"ReplicationGroupId": "wrong", "NewReplicaCount": 0, "ApplyImmediately": True}, "InvalidParameterValue", "at least 1 replica"),
    ("decrease_replica_count", {"ReplicationGroupId": "wrong", "ReplicasToRemove": ["wrong-001"], "ApplyImmediately": True}, "InvalidParameterValue", "primary"),
    ("test_failover", {"ReplicationGroupId": "wrong", "NodeGroupId": "0002"}, "NodeGroupNotFoundFault", "0002"),
    ("test_failover", {"ReplicationGroupId": "wrong-single", "NodeGroupId": "0001"}, "TestFailoverNotAvailableFault", "automatic failover"),
    ("delete_replication_group", {"ReplicationGroupId": "none"}, "ReplicationGroupNotFoundFault", "none"),
    ("delete_replication_group", {"ReplicationGroupId": "wrong", "FinalSnapshotIdentifier": "s"}, "InvalidParameterValue", "FinalSnapshotIdentifier"),
    ("delete_cache_cluster", {"CacheClusterId": "wrong-001"}, "InvalidCacheClusterState", "serving as primary"),
    ("delete_cache_cluster", {"CacheClusterId": "wrong-single-001"}, "InvalidCacheClusterState", "only member of a replication group"),
    ("reboot_cache_cluster", {"CacheClusterId": "wrong-001", "CacheNodeIdsToReboot": ["0002"]}, "InvalidParameterValue", "0002"),
    ("modify_cache_cluster", {"CacheClusterId": "wrong-001"}, "InvalidParameterCombination", "No modifications were requested"),
    ("modify_cache_cluster", {"CacheClusterId": "wrong-001", "NumCacheNodes": 2}, "InvalidParameterValue", "NumCacheNodes should be 1"),
    ("list_allowed_node_type_modifications", {}, "InvalidParameterCombination", "CacheClusterId"),
    ("list_tags_for_resource", {"ResourceName": "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:none"}, "ReplicationGroupNotFoundFault", "none"),
    ("list_tags_for_resource", {"ResourceName": "web"}, "InvalidARN", "7 components"),
    ("describe_snapshots", {}, "NotImplemented", "DescribeSnapshots is not supported by Engram yet"),
    ("describe_serverless_caches", {}, "NotImplemented", "DescribeServerlessCaches is not supported by Engram yet"),
]  # fmt: skip

NEW = {"ReplicationGroupId": "wrong-new", "ReplicationGroupDescription": "x", "Engine": "valkey", "CacheNodeType": "cache.t4g.micro"}

WRONG_NEW = [
    ({"ReplicationGroupId": "1x"}, "InvalidParameterValue", "not a valid identifier"),
    ({"ReplicationGroupId": "a--b"}, "InvalidParameterValue", "two consecutive hyphens"),
    ({"ReplicationGroupId": "a" * 41}, "InvalidParameterValue", "40"),
    ({"ReplicationGroupId": "wrong"}, "ReplicationGroupAlreadyExists", "wrong"),
    ({"CacheNodeType": "cache.none"}, "InvalidParameterValue", "cache.none"),
    ({"Engine": "memcached"}, "InvalidParameterValue", "memcached"),
    ({"Engine": "other"}, "InvalidParameterValue", "other"),
    ({"EngineVersion": "8.0.1"}, "InvalidParameterValue", "8.0"),
    ({"EngineVersion": "8.2"}, "InvalidParameterValue", "8.2"),
    ({"NumCacheClusters": 7}, "InvalidParameterValue", "6"),
    ({"NumCacheClusters": 1, "AutomaticFailoverEnabled": True}, "InvalidParameterCombination", "at least 2"),
    ({"NumCacheClusters": 2, "MultiAZEnabled": True}, "InvalidParameterCombination", "failover"),
    ({"NumNodeGroups": 2}, "InvalidParameterValue", "NumNodeGroups"),
    ({"NumCacheClusters": 2, "PreferredCacheClusterAZs": ["us-east-1a"]}, "InvalidParameterCombination", "availability zones"),
    ({"NumCacheClusters": 1, "PreferredCacheClusterAZs": ["us-west-2a"]}, "InvalidParameterValue", "us-west-2a"),
    ({"Port": 70000}, "InvalidParameterValue", "70000"),
    ({"SnapshotRetentionLimit": 36}, "InvalidParameterValue", "35"),
    ({"PreferredMaintenanceWindow": "sun:05:00-sun:05:30"}, "InvalidParameterValue", "60 minutes"),
    ({"PreferredMaintenanceWindow": "sun:05:00-sun:06:00", "SnapshotWindow": "05:00-06:00"}, "InvalidParameterValue", "overlap"),
    ({"CacheParameterGroupName": "default.redis7"}, "InvalidParameterCombination", "Expected a parameter group of family valkey8 but found one of family redis7"),
    ({"CacheSubnetGroupName": "mine"}, "CacheSubnetGroupNotFoundFault", "mine"),
    ({"TransitEncryptionEnabled": True}, "InvalidParameterValue", "TransitEncryptionEnabled"),
    ({"AtRestEncryptionEnabled": True}, "InvalidParameterValue", "AtRestEncryptionEnabled"),
    ({"AuthToken": "0123456789abcdef"}, "InvalidParameterValue", "AuthToken"),
    ({"UserGroupIds": ["g"]}, "InvalidParameterValue", "UserGroupIds"),
    ({"SnapshotName": "s"}, "InvalidParameterValue", "SnapshotName"),
    ({"KmsKeyId": "k"}, "InvalidParameterValue", "KmsKeyId"),
    ({"SecurityGroupIds": ["sg-1"]}, "InvalidParameterValue", "SecurityGroupIds"),
    ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, "InvalidParameterValue", "aws:"),
]  # fmt: skip


@pytest.fixture(scope="module")
def wrong(region):
    region.create("wrong", 2)
    region.create("wrong-single", 1)
    return region


def refused(call):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    return caught.value.response


@pytest.mark.parametrize("operation, parameters, code, text", WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_calls_get_aws_codes(wrong, operation, parameters, code, text):
    response = refused(lambda: getattr(wrong.aws(), operation)(**parameters))
    assert response["Error"]["Code"] == code and text in response["Error"]["Message"], response
    assert response["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize("parameters, code, text", WRONG_NEW, ids=lambda value: value if isinstance(value, str) else "")
def test_wrong_groups_are_not_made(wrong, parameters, code, text):
    response = refused(lambda: wrong.aws().create_replication_group(**{**NEW, **parameters}))
    assert response["Error"]["Code"] == code and text in response["Error"]["Message"], response
    names = [group["ReplicationGroupId"] for group in wrong.aws().describe_replication_groups()["ReplicationGroups"]]
    assert "wrong-new" not in names


def test_what_is_under_way_is_not_to_be_changed(region):
    client = region.aws()
    client.create_replication_group(**{**NEW, "ReplicationGroupId": "early", "NumCacheClusters": 3})
    response = refused(lambda: client.delete_replication_group(ReplicationGroupId="early"))
    assert response["Error"]["Code"] == "InvalidReplicationGroupState" and "creating" in response["Error"]["Message"]
    region.available("early")
    client.delete_replication_group(ReplicationGroupId="early")


def test_unknown_parameters_and_versions_are_refused(region):
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials
    import urllib.request
    import urllib.error

    env = region.environment()
    credentials = botocore.credentials.Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])

    def post(body):
        request = botocore.awsrequest.AWSRequest("POST", env["AWS_ENDPOINT_URL"] + "/", data=body)
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        botocore.auth.SigV4Auth(credentials, "elasticache", "us-east-1").add_auth(request)
        try:
            with urllib.request.urlopen(urllib.request.Request(request.url, body.encode(), dict(request.headers))) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    status, text = post("Action=DescribeReplicationGroups&Version=2015-02-02")
    assert status == 200 and "<DescribeReplicationGroupsResponse xmlns=" in text
    for body, code in [
        ("Action=DescribeReplicationGroups&Version=2015-02-02&Nonsense=1", "UnknownParameter"),
        ("Action=DescribeReplicationGroups&Version=2014-01-01", "InvalidAction"),
        ("Action=Nonsense&Version=2015-02-02", "InvalidAction"),
        ("Version=2015-02-02", "MissingAction"),
        ("Action=TestFailover&Version=2015-02-02", "InvalidParameterValue"),
    ]:
        status, text = post(body)
        assert 400 <= status < 500 and f"<Code>{code}</Code>" in text, text


OTHER_SERVICES = [
    ("dynamodb", "list_tables", {}, 400, "UnknownOperationException"),  # JSON 1.0
    ("memorydb", "describe_clusters", {}, 400, "UnknownOperationException"),  # JSON 1.1
    ("lambda", "list_functions", {}, 404, "UnknownOperationException"),  # paths and JSON
    ("route53", "list_hosted_zones", {}, 400, "InvalidAction"),  # paths and XML
    ("s3", "list_buckets", {}, 501, "NotImplemented"),
    ("ec2", "describe_vpcs", {}, 400, "InvalidAction"),
    ("iam", "list_users", {}, 400, "InvalidAction"),  # Query
]


@pytest.mark.parametrize("service, operation, parameters, status, code", OTHER_SERVICES, ids=lambda value: value if isinstance(value, str) else "")
def test_another_service_is_refused_in_its_own_protocol(region, service, operation, parameters, status, code):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(region.aws(service), operation)(**parameters)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
    assert answer["Error"]["Code"] == code and "is not served by Engram" in answer["Error"]["Message"], answer


def test_a_service_that_speaks_cbor_is_refused_in_cbor(region):
    env = region.environment()
    credentials = botocore.credentials.Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    url = env["AWS_ENDPOINT_URL"] + "/service/GraniteServiceVersion20100801/operation/ListMetrics"
    request = botocore.awsrequest.AWSRequest("POST", url, data=b"\xa0")
    request.headers["Content-Type"] = "application/cbor"
    request.headers["smithy-protocol"] = "rpc-v2-cbor"
    botocore.auth.SigV4Auth(credentials, "monitoring", "us-east-1").add_auth(request)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(request.url, b"\xa0", dict(request.headers)))
    assert refused.value.headers["smithy-protocol"] == "rpc-v2-cbor"
    assert refused.value.headers["content-type"] == "application/cbor"
    body = refused.value.read()
    assert body.startswith(b"\xa2\x66__type\x78\x19UnknownOperationException\x67message"), body


def test_parameters_are_listed_by_family_and_by_group(region):
    client = region.aws()
    pages = list(client.get_paginator("describe_engine_default_parameters").paginate(
        CacheParameterGroupFamily="valkey8", PaginationConfig={"PageSize": 20}))  # fmt: skip
    assert len(pages) > 2
    defaults = {one["ParameterName"]: one for page in pages for one in page["EngineDefaults"].get("Parameters", [])}
    specific = [one for page in pages for one in page["EngineDefaults"].get("CacheNodeTypeSpecificParameters", [])]
    policy = defaults["maxmemory-policy"]
    assert policy["ParameterValue"] == "volatile-lru" and "allkeys-lfu" in policy["AllowedValues"].split(",")
    assert policy["IsModifiable"] is True and (policy["Source"], policy["ChangeType"]) == ("system", "immediate")
    assert defaults["repl-backlog-size"]["ParameterValue"] == "10485760"
    assert defaults["search-fanout-target-mode"]["MinimumEngineVersion"] == "8.2"
    (memory,) = [one for one in specific if one["ParameterName"] == "maxmemory"]
    values = {one["CacheNodeType"]: one["Value"] for one in memory["CacheNodeTypeSpecificValues"]}
    assert values["cache.t4g.micro"] == "536870912" and memory["IsModifiable"] is False
    group = client.get_paginator("describe_cache_parameters")
    of_group = [one for page in group.paginate(CacheParameterGroupName="Default.valkey8") for one in page["Parameters"]]
    assert {one["ParameterName"]: one for one in of_group} == defaults
    listed = {source: client.describe_cache_parameters(CacheParameterGroupName="default.valkey8", Source=source)
              for source in ("user", "system", "engine-default")}  # fmt: skip
    assert [bool(listed[source].get("Parameters")) for source in listed] == [False, True, False]
    memcached = client.describe_engine_default_parameters(CacheParameterGroupFamily="memcached1.6")["EngineDefaults"]
    (memory,) = [one for one in memcached["CacheNodeTypeSpecificParameters"] if one["ParameterName"] == "max_cache_memory"]
    assert {"CacheNodeType": "cache.t3.medium", "Value": "3164"} in memory["CacheNodeTypeSpecificValues"]


@pytest.mark.parametrize("call, arguments, code", [
    ("describe_engine_default_parameters", {"CacheParameterGroupFamily": "valkey6"}, "InvalidParameterValue"),
    ("describe_engine_default_parameters", {"CacheParameterGroupFamily": "redis7", "MaxRecords": 19}, "InvalidParameterValue"),
    ("describe_cache_parameters", {"CacheParameterGroupName": "none"}, "CacheParameterGroupNotFound"),
    ("describe_cache_parameters", {"CacheParameterGroupName": "default.redis7", "Source": "me"}, "InvalidParameterValue"),
])  # fmt: skip
def test_parameters_of_what_is_not_there_are_refused(region, call, arguments, code):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(region.aws(), call)(**arguments)
    assert refused.value.response["Error"]["Code"] == code
