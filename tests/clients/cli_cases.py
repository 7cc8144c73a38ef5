"""Every operation of the region as users of the AWS CLI type it, with right and with wrong input.

A new operation needs a line in each table: `test_aws_cli` fails without.
"""

PRIMARY = "NodeGroups[0].NodeGroupMembers[?CurrentRole == 'primary'].CacheClusterId | [0]"
ARN = "arn:aws:elasticache:us-east-1:000000000000"

# Lives, a step a line: what is typed, and what parts of the answer are, by JMESPath. No parts: there is no answer.
# What the region does after a step is awaited before the next.
RIGHT = {
    "of the caller": [
        ("sts get-caller-identity", {"@": {"UserId": "000000000000", "Account": "000000000000", "Arn": "arn:aws:iam::000000000000:root"}}),
    ],
    "of a parameter group": [
        (
            "elasticache create-cache-parameter-group --cache-parameter-group-name Tuned --cache-parameter-group-family valkey8 "
            "--description 'tuned, \"by hand\" & <more>' --tags Key=team,Value=cache Key=bare",
            {
                "CacheParameterGroup": {
                    "CacheParameterGroupName": "tuned", "CacheParameterGroupFamily": "valkey8",
                    "Description": 'tuned, "by hand" & <more>', "IsGlobal": False, "ARN": f"{ARN}:parametergroup:tuned",
                },
            },
        ),
        (
            "elasticache modify-cache-parameter-group --cache-parameter-group-name TUNED --parameter-name-values "
            "ParameterName=timeout,ParameterValue=40 'ParameterName=\"maxmemory-policy\",ParameterValue=\"allkeys-lru\"'",
            {"CacheParameterGroupName": "tuned"},
        ),
        (
            "elasticache modify-cache-parameter-group --cache-parameter-group-name tuned --parameter-name-values "
            """'[{"ParameterName": "notify-keyspace-events", "ParameterValue": "KEA"}]'""",
            {"CacheParameterGroupName": "tuned"},
        ),
        (
            "elasticache describe-cache-parameters --cache-parameter-group-name tuned --source user",
            {
                "Parameters[].[ParameterName, ParameterValue, Source, ChangeType]": [
                    ["maxmemory-policy", "allkeys-lru", "user", "immediate"],
                    ["notify-keyspace-events", "KEA", "user", "immediate"],
                    ["timeout", "40", "user", "immediate"],
                ],
            },
        ),
        (
            "elasticache reset-cache-parameter-group --cache-parameter-group-name tuned --parameter-name-values ParameterName=timeout",
            {"CacheParameterGroupName": "tuned"},
        ),
        (
            "elasticache describe-cache-parameters --cache-parameter-group-name tuned --query \"Parameters[?Source == 'user'].ParameterName\"",
            {"@": ["maxmemory-policy", "notify-keyspace-events"]},
        ),
        (
            "elasticache reset-cache-parameter-group --cache-parameter-group-name tuned --reset-all-parameters",
            {"CacheParameterGroupName": "tuned"},
        ),
        ("elasticache describe-cache-parameters --cache-parameter-group-name tuned --source user", {"Parameters": []}),
        (
            "elasticache describe-cache-parameter-groups --cache-parameter-group-name tuned",
            {"CacheParameterGroups[].[CacheParameterGroupName, CacheParameterGroupFamily]": [["tuned", "valkey8"]]},
        ),
        ("elasticache delete-cache-parameter-group --cache-parameter-group-name tuned", {}),
        (
            "elasticache describe-engine-default-parameters --cache-parameter-group-family valkey8",
            {"EngineDefaults.Parameters[?ParameterName == 'timeout'].[ParameterValue, AllowedValues, IsModifiable]": [["0", "0,20-", True]]},
        ),
    ],
    "of a subnet group": [
        (
            "elasticache create-cache-subnet-group --cache-subnet-group-name Zones --cache-subnet-group-description 'two zones: Ä, 値' "
            "--subnet-ids subnet-00000001 subnet-00000002 subnet-00000001 --tags '[{\"Key\": \"team\", \"Value\": \"cache\"}]'",
            {
                "CacheSubnetGroup.[CacheSubnetGroupName, CacheSubnetGroupDescription, VpcId]": ["zones", "two zones: Ä, 値", "vpc-00000000"],
                "CacheSubnetGroup.Subnets[].[SubnetIdentifier, SubnetAvailabilityZone.Name]": [
                    ["subnet-00000001", "us-east-1b"], ["subnet-00000002", "us-east-1c"],
                ],
            },
        ),
        (
            "elasticache modify-cache-subnet-group --cache-subnet-group-name zones --subnet-ids subnet-00000000",
            {
                "CacheSubnetGroup.CacheSubnetGroupDescription": "two zones: Ä, 値",
                "CacheSubnetGroup.Subnets[].SubnetIdentifier": ["subnet-00000000"],
            },
        ),
        (
            "elasticache describe-cache-subnet-groups --cache-subnet-group-name ZONES",
            {"CacheSubnetGroups[].[CacheSubnetGroupName, ARN]": [["zones", f"{ARN}:subnetgroup:zones"]]},
        ),
        (
            f"elasticache add-tags-to-resource --resource-name {ARN}:subnetgroup:zones --tags Key=owner,Value='a b+c=d@e' Key=bare",
            {
                "TagList": [
                    {"Key": "bare", "Value": ""}, {"Key": "owner", "Value": "a b+c=d@e"}, {"Key": "team", "Value": "cache"},
                ],
            },
        ),
        (
            f"elasticache remove-tags-from-resource --resource-name {ARN}:subnetgroup:zones --tag-keys team bare",
            {"TagList": [{"Key": "owner", "Value": "a b+c=d@e"}]},
        ),
        (
            f"elasticache list-tags-for-resource --resource-name {ARN}:subnetgroup:zones",
            {"TagList": [{"Key": "owner", "Value": "a b+c=d@e"}]},
        ),
        ("elasticache delete-cache-subnet-group --cache-subnet-group-name zones", {}),
        (
            "elasticache describe-events --source-type cache-subnet-group --source-identifier zones --duration 60",
            {
                "Events[].[SourceType, Message]": [
                    ["cache-subnet-group", "Cache subnet group zones deleted"],
                    ["cache-subnet-group", "Cache subnet group zones modified"],
                    ["cache-subnet-group", "Cache subnet group zones created"],
                ],
            },
        ),
    ],
    "of a replication group": [
        (
            "elasticache create-replication-group --cli-input-json '"
            '{"ReplicationGroupId": "Life", "ReplicationGroupDescription": "from JSON", "Engine": "valkey", "EngineVersion": "8.0", '
            '"CacheNodeType": "cache.t4g.micro", "AutomaticFailoverEnabled": true, "NodeGroupConfiguration": '
            '[{"ReplicaCount": 1, "PrimaryAvailabilityZone": "us-east-1b", "ReplicaAvailabilityZones": ["us-east-1a"]}]}\' '
            "--replication-group-description 'from the command line'",
            {
                "ReplicationGroup.[ReplicationGroupId, Status, Description]": ["life", "creating", "from the command line"],
                "ReplicationGroup.MemberClusters": ["life-001", "life-002"],
            },
        ),
        ("elasticache wait replication-group-available --replication-group-id life", {}),
        (
            "elasticache describe-replication-groups --replication-group-id LIFE",
            {
                "ReplicationGroups[].[Status, AutomaticFailover, MultiAZ]": [["available", "enabled", "disabled"]],
                f"ReplicationGroups[0].{PRIMARY}": "life-001",
                "ReplicationGroups[0].NodeGroups[0].NodeGroupMembers[].PreferredAvailabilityZone": ["us-east-1b", "us-east-1a"],
            },
        ),
        (
            "elasticache increase-replica-count --replication-group-id life --apply-immediately --replica-configuration "
            "NodeGroupId=0001,NewReplicaCount=2,PreferredAvailabilityZones=us-east-1c",
            {"ReplicationGroup.[Status, MemberClusters]": ["modifying", ["life-001", "life-002", "life-003"]]},
        ),
        (
            "elasticache decrease-replica-count --replication-group-id life --apply-immediately --replicas-to-remove life-002",
            {"ReplicationGroup.Status": "modifying"},
        ),
        (
            "elasticache describe-cache-clusters --query \"CacheClusters[?ReplicationGroupId == 'life'].[CacheClusterId, PreferredAvailabilityZone]\"",
            {"@": [["life-001", "us-east-1b"], ["life-003", "us-east-1c"]]},
        ),
        (
            "elasticache modify-replication-group --replication-group-id life --snapshot-retention-limit 3 "
            "--snapshotting-cluster-id life-003 --no-auto-minor-version-upgrade --multi-az-enabled --apply-immediately",
            {
                "ReplicationGroup.[SnapshotRetentionLimit, SnapshottingClusterId, AutoMinorVersionUpgrade, MultiAZ]": [
                    3, "life-003", False, "enabled",
                ],
            },
        ),
        (
            "elasticache list-allowed-node-type-modifications --replication-group-id life "
            "--query \"ScaleUpModifications[?contains(@, '.t4g.')]\"",
            {"@": ["cache.t4g.medium", "cache.t4g.small"]},
        ),
        ("elasticache test-failover --replication-group-id life --node-group-id 0001", {"ReplicationGroup.Status": "modifying"}),
        ("elasticache describe-replication-groups --replication-group-id life", {f"ReplicationGroups[0].{PRIMARY}": "life-003"}),
        (
            "elasticache delete-replication-group --replication-group-id life --no-retain-primary-cluster",
            {"ReplicationGroup.Status": "deleting"},
        ),
        ("elasticache wait replication-group-deleted --replication-group-id life", {}),
        (
            "elasticache describe-events --source-type replication-group --source-identifier life --query 'Events[0].Message'",
            {"@": "Replication group life deleted"},
        ),
    ],
    "of a cluster alone": [
        (
            "elasticache create-cache-cluster --cache-cluster-id Alone --engine redis --engine-version 7.0 --num-cache-nodes 1 "
            "--cache-node-type cache.t4g.micro --preferred-availability-zone us-east-1c --port 6399",
            {"CacheCluster.[CacheClusterId, CacheClusterStatus, PreferredAvailabilityZone]": ["alone", "creating", "us-east-1c"]},
        ),
        ("elasticache wait cache-cluster-available --cache-cluster-id alone", {}),
        (
            "elasticache describe-cache-clusters --cache-cluster-id ALONE --show-cache-node-info",
            {"CacheClusters[].CacheNodes[].[CacheNodeId, CacheNodeStatus, Endpoint.Port]": [["0001", "available", 6399]]},
        ),
        (
            "elasticache modify-cache-cluster --cache-cluster-id alone --preferred-maintenance-window Sat:23:00-Sun:01:30 "
            "--snapshot-window 02:00-03:00 --snapshot-retention-limit 35",
            {
                "CacheCluster.[PreferredMaintenanceWindow, SnapshotWindow, SnapshotRetentionLimit]": [
                    "sat:23:00-sun:01:30", "02:00-03:00", 35,
                ],
            },
        ),
        (
            "elasticache reboot-cache-cluster --cache-cluster-id alone --cache-node-ids-to-reboot 0001",
            {"CacheCluster.CacheClusterStatus": "rebooting cluster nodes"},
        ),
        (
            "elasticache list-allowed-node-type-modifications --cache-cluster-id alone --query 'ScaleDownModifications'",
            {"@": []},
        ),
        ("elasticache delete-cache-cluster --cache-cluster-id alone", {"CacheCluster.CacheClusterStatus": "deleting"}),
        ("elasticache wait cache-cluster-deleted --cache-cluster-id alone", {}),
        (
            "elasticache describe-cache-engine-versions --engine redis --query 'CacheEngineVersions[].[EngineVersion, CacheParameterGroupFamily]'",
            {"@": [["7.0", "redis7"], ["7.1", "redis7"]]},
        ),
    ],
}  # fmt: skip

IDENTIFIER = (
    "The parameter {} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and "
    "hyphens; and must not end with a hyphen or contain two consecutive hyphens."
)
BLANK = "The parameter {} must be provided and must not be blank."
NEW_GROUP = "create-replication-group --replication-group-description x --cache-node-type cache.t4g.micro --engine valkey --replication-group-id"
NEW_CLUSTER = "create-cache-cluster --cache-node-type cache.t4g.micro --engine valkey --num-cache-nodes 1 --cache-cluster-id"
NEW_PARAMETERS = "create-cache-parameter-group --cache-parameter-group-family valkey8 --description x --cache-parameter-group-name"
NEW_SUBNETS = "create-cache-subnet-group --cache-subnet-group-description x --cache-subnet-group-name"
WINDOW = (
    "Invalid maintenance window format: {}. Should be specified as a range ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC). "
    "Example: Sun:23:00-Mon:01:30."
)

# What is refused, in a region that has the groups `web` (two nodes, failover) and `single` (one node), the cluster `lone`, the parameter
# group `own` that `web` uses, and the subnet group `nets` that `lone` is in. What is typed after `aws elasticache`, the code, the text.
WRONG = {
    "tags": [
        ("add-tags-to-resource --resource-name web --tags Key=a", "InvalidARN", "Input ARN string does not have 7 components."),
        (f"add-tags-to-resource --resource-name {ARN}:replicationgroup:web --tags Key=aws:a", "InvalidParameterValue", "Tag keys that begin with aws: are reserved."),
        (f"add-tags-to-resource --resource-name {ARN}:replicationgroup:web --tags Key=a,Value=1 Key=a,Value=2", "InvalidParameterValue", "The tag key a is given twice."),
        (f"remove-tags-from-resource --resource-name {ARN}:replicationgroup:web --tag-keys team none", "TagNotFound", "Tag none not found."),
        (f"list-tags-for-resource --resource-name {ARN}:parametergroup:none", "CacheParameterGroupNotFound", "none is not present"),
        (f"list-tags-for-resource --resource-name {ARN}:replicationgroup:web".replace("us-east-1", "eu-west-1"), "InvalidParameterValue", "Unauthorized call. Please check the region or customer id"),
        (f"list-tags-for-resource --resource-name {ARN}:replicationgroup:web".replace("elasticache:us", "memorydb:us"), "InvalidARN", "service field is wrong. Expected value is elasticache"),
    ],
    "parameter groups": [
        (f"{NEW_PARAMETERS} OWN", "CacheParameterGroupAlreadyExists", "Parameter group own already exists"),
        (f"{NEW_PARAMETERS} ''", "InvalidParameterValue", BLANK.format("CacheParameterGroupName")),
        (f"{NEW_PARAMETERS} nümber", "InvalidParameterValue", IDENTIFIER.format("CacheParameterGroupName")),
        (f"{NEW_PARAMETERS} more --cache-parameter-group-family valkey6", "InvalidParameterValue", "CacheParameterGroupFamily valkey6 is not a valid parameter group family."),
        ("describe-cache-parameter-groups --cache-parameter-group-name none", "CacheParameterGroupNotFound", "CacheParameterGroup none not found."),
        ("describe-cache-parameters --cache-parameter-group-name none", "CacheParameterGroupNotFound", "CacheParameterGroup none not found."),
        ("describe-cache-parameters --cache-parameter-group-name own --source me", "InvalidParameterValue", "Invalid value me for Source. Must be one of user, system, engine-default"),
        ("describe-engine-default-parameters --cache-parameter-group-family val\u212aey8", "InvalidParameterValue", "CacheParameterGroupFamily val\u212aey8 is not a valid parameter group family."),
        ("modify-cache-parameter-group --cache-parameter-group-name default.valkey8 --parameter-name-values ParameterName=timeout,ParameterValue=20", "InvalidParameterValue", "The parameter group default.valkey8 is a default group and cannot be modified."),
        ("modify-cache-parameter-group --cache-parameter-group-name none --parameter-name-values ParameterName=timeout,ParameterValue=20", "CacheParameterGroupNotFound", "CacheParameterGroup not found: none"),
        ("modify-cache-parameter-group --cache-parameter-group-name own --parameter-name-values ParameterName=slowlog-max-len,ParameterValue=9 ParameterName=time-out,ParameterValue=20", "InvalidParameterValue", "Parameter time-out doesn't exist"),
        ("modify-cache-parameter-group --cache-parameter-group-name own --parameter-name-values ParameterName=slowlog-max-len,ParameterValue=9 ParameterName=timeout,ParameterValue=99999999999999999999", "InvalidParameterValue", "The value 99999999999999999999 of the parameter timeout is not valid. Allowed values: 0,20-2147483647"),
        ("modify-cache-parameter-group --cache-parameter-group-name own --parameter-name-values " + "ParameterName=timeout,ParameterValue=20 " * 21, "InvalidParameterCombination", "Cannot modify more than 20 parameters in a single request"),
        ("reset-cache-parameter-group --cache-parameter-group-name own --no-reset-all-parameters", "InvalidParameterCombination", "Either ResetAllParameters or ParameterNameValues must be specified."),
        ("delete-cache-parameter-group --cache-parameter-group-name none", "CacheParameterGroupNotFound", "CacheParameterGroupnot found: none"),
        ("delete-cache-parameter-group --cache-parameter-group-name own", "InvalidCacheParameterGroupState", "One or more cache clusters are still members of this parameter group own, so the group cannot be deleted."),
    ],
    "subnet groups": [
        (f"{NEW_SUBNETS} Nets --subnet-ids subnet-00000000", "CacheSubnetGroupAlreadyExists", "Cache subnet group nets already exists."),
        (f"{NEW_SUBNETS} more --subnet-ids subnet-00000000 subnet-0 '' ", "InvalidParameterValue", "Some input subnets in :[subnet-0, ] are invalid."),
        (f"{NEW_SUBNETS} more --subnet-ids", "InvalidParameterValue", "The parameter SubnetIds must be provided."),
        ("modify-cache-subnet-group --cache-subnet-group-name none --subnet-ids subnet-00000000", "CacheSubnetGroupNotFoundFault", "Cache subnet group none not found."),
        ("modify-cache-subnet-group --cache-subnet-group-name nets --subnet-ids subnet-00000000", "SubnetInUse", "The subnets of us-east-1b cannot be removed: the cache cluster lone is in them."),
        ("describe-cache-subnet-groups --cache-subnet-group-name none", "CacheSubnetGroupNotFoundFault", "Cache subnet group none not found."),
        ("delete-cache-subnet-group --cache-subnet-group-name none", "CacheSubnetGroupNotFoundFault", "Cache Subnet Group none does not exist."),
        ("delete-cache-subnet-group --cache-subnet-group-name nets", "CacheSubnetGroupInUse", "Cache subnet group nets is currently in use by a cache cluster."),
    ],
    "replication groups": [
        (f"{NEW_GROUP} WEB", "ReplicationGroupAlreadyExists", "Replication group web already exists."),
        (f"{NEW_GROUP} a--b", "InvalidParameterValue", IDENTIFIER.format("ReplicationGroupId")),
        (f"{NEW_GROUP} new --automatic-failover-enabled", "InvalidParameterCombination", "When using automatic failover, there must be at least 2 cache clusters in the replication group."),
        # With the sign for kelvin.
        (f"{NEW_GROUP} new --engine val\u212aey", "InvalidParameterValue", "Invalid value for Engine: val\u212aey"),
        (f"{NEW_GROUP} new --engine-version 8.0.1", "InvalidParameterValue", "Specific version selection is not allowed for '8.0.1', please use '8.0'"),
        (f"{NEW_GROUP} new --engine-version 6.2", "InvalidParameterCombination", "Cannot find version 6.2 for valkey"),
        (f"{NEW_GROUP} new --cache-node-type cache.r6gd.xlarge", "InvalidParameterCombination", "When using the cache.r6gd.xlarge node type, you must enable data tiering."),
        (f"{NEW_GROUP} new --cache-parameter-group-name default.redis7", "InvalidParameterCombination", "Expected a parameter group of family valkey8 but found one of family redis7"),
        (f"{NEW_GROUP} new --auth-token 0123456789abcdef", "InvalidParameterValue", "The parameter AuthToken is not supported by Engram yet."),
        ("describe-replication-groups --replication-group-id none", "ReplicationGroupNotFoundFault", "ReplicationGroup none not found."),
        ("modify-replication-group --replication-group-id web --apply-immediately", "InvalidParameterCombination", "No modifications were requested"),
        ("modify-replication-group --replication-group-id single --automatic-failover-enabled", "InvalidParameterValue", "Replication group must have at least one read replica to enable autofailover."),
        ("modify-replication-group --replication-group-id web --snapshot-retention-limit 1", "InvalidParameterCombination", "Must specify both SnapshotRetentionLimit and SnapshottingClusterId to turn on snapshots"),
        ("modify-replication-group --replication-group-id web --preferred-maintenance-window sun:5:00-sun:06:00", "InvalidParameterValue", WINDOW.format("sun:5:00-sun:06:00")),
        ("increase-replica-count --replication-group-id web --new-replica-count 6 --apply-immediately", "InvalidParameterValue", "The number of replicas per node group must be within 0 and 5."),
        ("increase-replica-count --replication-group-id web --new-replica-count 2 --no-apply-immediately", "InvalidParameterValue", "ApplyImmediately=False is not currently supported."),
        ("decrease-replica-count --replication-group-id web --new-replica-count 0 --apply-immediately", "InvalidParameterValue", "Must have at least 1 replica when cluster mode is disabled with auto failover enabled."),
        ("decrease-replica-count --replication-group-id web --new-replica-count 1 --apply-immediately", "NoOperationFault", "The replication group web has 1 replicas already."),
        ("test-failover --replication-group-id web --node-group-id 0002", "NodeGroupNotFoundFault", "Node group 0002 not found in replication group web."),
        ("delete-replication-group --replication-group-id none", "ReplicationGroupNotFoundFault", "ReplicationGroup none not found."),
    ],
    "clusters": [
        (f"{NEW_CLUSTER} Lone", "CacheClusterAlreadyExists", "Cache cluster lone already exists."),
        (f"{NEW_CLUSTER} ''", "InvalidParameterValue", BLANK.format("CacheClusterIdentifier")),
        (f"{NEW_CLUSTER} 1a", "InvalidParameterValue", IDENTIFIER.format("CacheClusterIdentifier")),
        (f"{NEW_CLUSTER} new --cache-parameter-group-name default.valkey8.cluster.on", "InvalidParameterCombination", "Cluster mode should be disabled in parameter group, but found it is enabled."),
        (f"{NEW_CLUSTER} new --replication-group-id web --snapshot-window 05:00-06:00", "InvalidParameterCombination", "Cannot specify additional cache cluster parameters when creating a replica cluster."),
        ("describe-cache-clusters --cache-cluster-id None", "CacheClusterNotFound", "CacheCluster not found: None"),
        ("modify-cache-cluster --cache-cluster-id lone --num-cache-nodes 2", "InvalidParameterValue", "NumCacheNodes should be 1 if engine is redis"),
        ("modify-cache-cluster --cache-cluster-id none --snapshot-window 05:00-06:00", "CacheClusterNotFound", "CacheCluster not found: none"),
        ("reboot-cache-cluster --cache-cluster-id lone --cache-node-ids-to-reboot 0002", "InvalidParameterValue", "The cache node 0002 is not found in cache cluster lone."),
        ("delete-cache-cluster --cache-cluster-id web-002", "InvalidCacheClusterState", "Cannot delete the cache cluster because it is the only read replica for replication group web which has autofailover enabled or pending. You can disable autofailover and then delete this cache cluster. Alternatively, to delete the entire replication group, use DeleteReplicationGroup."),
        ("delete-cache-cluster --cache-cluster-id single-001", "InvalidCacheClusterState", "Cannot delete the cache cluster since it is the only member of a replication group. Delete the replication group instead."),
        ("list-allowed-node-type-modifications --cache-cluster-id lone --replication-group-id web", "InvalidParameterCombination", "CacheClusterId and ReplicationGroupId cannot be specified together."),
    ],
    "versions, events, and what is not there yet": [
        ("describe-cache-engine-versions --max-records 19", "InvalidParameterValue", "Invalid value 19 for MaxRecords. Must be between 20 and 100"),
        ("describe-events --source-identifier web", "InvalidParameterCombination", "Cannot specify SourceIdentifier without specifying SourceType."),
        ("describe-events --duration 99999999999", "MalformedInput", "integer must follow xsd1.1 definition"),
        ("describe-snapshots", "NotImplemented", "The operation DescribeSnapshots is not supported by Engram yet."),
    ],
}  # fmt: skip
