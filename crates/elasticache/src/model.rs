//! The model of ElastiCache as of version 2015-02-02 of its API (botocore 1.44.5): names, parameters, errors, codes, statuses.

aws_operations::model! {
    errors {
        APICallRateForCustomerExceededFault = "APICallRateForCustomerExceeded", 400, Sender;
        AuthorizationAlreadyExistsFault = "AuthorizationAlreadyExists", 400, Sender;
        AuthorizationNotFoundFault = "AuthorizationNotFound", 404, Sender;
        CacheClusterAlreadyExistsFault = "CacheClusterAlreadyExists", 400, Sender;
        CacheClusterNotFoundFault = "CacheClusterNotFound", 404, Sender;
        CacheParameterGroupAlreadyExistsFault = "CacheParameterGroupAlreadyExists", 400, Sender;
        CacheParameterGroupNotFoundFault = "CacheParameterGroupNotFound", 404, Sender;
        CacheParameterGroupQuotaExceededFault = "CacheParameterGroupQuotaExceeded", 400, Sender;
        CacheSecurityGroupAlreadyExistsFault = "CacheSecurityGroupAlreadyExists", 400, Sender;
        CacheSecurityGroupNotFoundFault = "CacheSecurityGroupNotFound", 404, Sender;
        CacheSecurityGroupQuotaExceededFault = "QuotaExceeded.CacheSecurityGroup", 400, Sender;
        CacheSubnetGroupAlreadyExistsFault = "CacheSubnetGroupAlreadyExists", 400, Sender;
        CacheSubnetGroupInUse = "CacheSubnetGroupInUse", 400, Sender;
        CacheSubnetGroupNotFoundFault = "CacheSubnetGroupNotFoundFault", 400, Sender;
        CacheSubnetGroupQuotaExceededFault = "CacheSubnetGroupQuotaExceeded", 400, Sender;
        CacheSubnetQuotaExceededFault = "CacheSubnetQuotaExceededFault", 400, Sender;
        ClusterQuotaForCustomerExceededFault = "ClusterQuotaForCustomerExceeded", 400, Sender;
        DefaultUserAssociatedToUserGroupFault = "DefaultUserAssociatedToUserGroup", 400, Sender;
        DefaultUserRequired = "DefaultUserRequired", 400, Sender;
        DuplicateUserNameFault = "DuplicateUserName", 400, Sender;
        GlobalReplicationGroupAlreadyExistsFault = "GlobalReplicationGroupAlreadyExistsFault", 400, Sender;
        GlobalReplicationGroupNotFoundFault = "GlobalReplicationGroupNotFoundFault", 404, Sender;
        InsufficientCacheClusterCapacityFault = "InsufficientCacheClusterCapacity", 400, Sender;
        InvalidARNFault = "InvalidARN", 400, Sender;
        InvalidCacheClusterStateFault = "InvalidCacheClusterState", 400, Sender;
        InvalidCacheParameterGroupStateFault = "InvalidCacheParameterGroupState", 400, Sender;
        InvalidCacheSecurityGroupStateFault = "InvalidCacheSecurityGroupState", 400, Sender;
        InvalidCredentialsException = "InvalidCredentialsException", 408, Sender;
        InvalidGlobalReplicationGroupStateFault = "InvalidGlobalReplicationGroupState", 400, Sender;
        InvalidKMSKeyFault = "InvalidKMSKeyFault", 400, Sender;
        InvalidParameterCombinationException = "InvalidParameterCombination", 400, Sender;
        InvalidParameterValueException = "InvalidParameterValue", 400, Sender;
        InvalidReplicationGroupStateFault = "InvalidReplicationGroupState", 400, Sender;
        InvalidServerlessCacheSnapshotStateFault = "InvalidServerlessCacheSnapshotStateFault", 400, Sender;
        InvalidServerlessCacheStateFault = "InvalidServerlessCacheStateFault", 400, Sender;
        InvalidSnapshotStateFault = "InvalidSnapshotState", 400, Sender;
        InvalidSubnet = "InvalidSubnet", 400, Sender;
        InvalidUserGroupStateFault = "InvalidUserGroupState", 400, Sender;
        InvalidUserStateFault = "InvalidUserState", 400, Sender;
        InvalidVPCNetworkStateFault = "InvalidVPCNetworkStateFault", 400, Sender;
        MigrationHealthFault = "MigrationHealthFault", 400, Sender;
        NoOperationFault = "NoOperationFault", 400, Sender;
        NodeGroupNotFoundFault = "NodeGroupNotFoundFault", 404, Sender;
        NodeGroupsPerReplicationGroupQuotaExceededFault = "NodeGroupsPerReplicationGroupQuotaExceeded", 400, Sender;
        NodeQuotaForClusterExceededFault = "NodeQuotaForClusterExceeded", 400, Sender;
        NodeQuotaForCustomerExceededFault = "NodeQuotaForCustomerExceeded", 400, Sender;
        ReplicationGroupAlreadyExistsFault = "ReplicationGroupAlreadyExists", 400, Sender;
        ReplicationGroupAlreadyUnderMigrationFault = "ReplicationGroupAlreadyUnderMigrationFault", 400, Sender;
        ReplicationGroupNotFoundFault = "ReplicationGroupNotFoundFault", 404, Sender;
        ReplicationGroupNotUnderMigrationFault = "ReplicationGroupNotUnderMigrationFault", 400, Sender;
        ReservedCacheNodeAlreadyExistsFault = "ReservedCacheNodeAlreadyExists", 404, Sender;
        ReservedCacheNodeNotFoundFault = "ReservedCacheNodeNotFound", 404, Sender;
        ReservedCacheNodeQuotaExceededFault = "ReservedCacheNodeQuotaExceeded", 400, Sender;
        ReservedCacheNodesOfferingNotFoundFault = "ReservedCacheNodesOfferingNotFound", 404, Sender;
        ServerlessCacheAlreadyExistsFault = "ServerlessCacheAlreadyExistsFault", 400, Sender;
        ServerlessCacheAlreadyUnderMigrationFault = "ServerlessCacheAlreadyUnderMigrationFault", 400, Sender;
        ServerlessCacheNotFoundFault = "ServerlessCacheNotFoundFault", 404, Sender;
        ServerlessCacheNotUnderMigrationFault = "ServerlessCacheNotUnderMigrationFault", 400, Sender;
        ServerlessCacheQuotaForCustomerExceededFault = "ServerlessCacheQuotaForCustomerExceededFault", 400, Sender;
        ServerlessCacheSnapshotAlreadyExistsFault = "ServerlessCacheSnapshotAlreadyExistsFault", 400, Sender;
        ServerlessCacheSnapshotNotFoundFault = "ServerlessCacheSnapshotNotFoundFault", 404, Sender;
        ServerlessCacheSnapshotQuotaExceededFault = "ServerlessCacheSnapshotQuotaExceededFault", 400, Sender;
        ServiceLinkedRoleNotFoundFault = "ServiceLinkedRoleNotFoundFault", 400, Sender;
        ServiceUpdateNotFoundFault = "ServiceUpdateNotFoundFault", 404, Sender;
        SnapshotAlreadyExistsFault = "SnapshotAlreadyExistsFault", 400, Sender;
        SnapshotFeatureNotSupportedFault = "SnapshotFeatureNotSupportedFault", 400, Sender;
        SnapshotNotFoundFault = "SnapshotNotFoundFault", 404, Sender;
        SnapshotQuotaExceededFault = "SnapshotQuotaExceededFault", 400, Sender;
        SubnetInUse = "SubnetInUse", 400, Sender;
        SubnetNotAllowedFault = "SubnetNotAllowedFault", 400, Sender;
        TagNotFoundFault = "TagNotFound", 404, Sender;
        TagQuotaPerResourceExceeded = "TagQuotaPerResourceExceeded", 400, Sender;
        TestFailoverNotAvailableFault = "TestFailoverNotAvailableFault", 400, Sender;
        UserAlreadyExistsFault = "UserAlreadyExists", 400, Sender;
        UserGroupAlreadyExistsFault = "UserGroupAlreadyExists", 400, Sender;
        UserGroupNotFoundFault = "UserGroupNotFound", 404, Sender;
        UserGroupQuotaExceededFault = "UserGroupQuotaExceeded", 400, Sender;
        UserNotFoundFault = "UserNotFound", 404, Sender;
        UserQuotaExceededFault = "UserQuotaExceeded", 400, Sender;
    }
    operations {
        AddTagsToResource(ResourceName Tags;) CacheClusterNotFoundFault CacheParameterGroupNotFoundFault
            CacheSecurityGroupNotFoundFault CacheSubnetGroupNotFoundFault GlobalReplicationGroupNotFoundFault
            InvalidARNFault InvalidParameterValueException InvalidReplicationGroupStateFault
            InvalidServerlessCacheSnapshotStateFault InvalidServerlessCacheStateFault ReplicationGroupNotFoundFault
            ReservedCacheNodeNotFoundFault ServerlessCacheNotFoundFault ServerlessCacheSnapshotNotFoundFault
            SnapshotNotFoundFault TagQuotaPerResourceExceeded UserGroupNotFoundFault UserNotFoundFault;
        AuthorizeCacheSecurityGroupIngress(CacheSecurityGroupName EC2SecurityGroupName EC2SecurityGroupOwnerId;)
            AuthorizationAlreadyExistsFault CacheSecurityGroupNotFoundFault InvalidCacheSecurityGroupStateFault
            InvalidParameterCombinationException InvalidParameterValueException;
        BatchApplyUpdateAction(ServiceUpdateName; ReplicationGroupIds CacheClusterIds) InvalidParameterValueException
            ServiceUpdateNotFoundFault;
        BatchStopUpdateAction(ServiceUpdateName; ReplicationGroupIds CacheClusterIds) InvalidParameterValueException
            ServiceUpdateNotFoundFault;
        CompleteMigration(; ReplicationGroupId ServerlessCacheName Force) InvalidCacheClusterStateFault
            InvalidParameterCombinationException InvalidParameterValueException InvalidReplicationGroupStateFault
            InvalidServerlessCacheStateFault MigrationHealthFault ReplicationGroupNotFoundFault
            ReplicationGroupNotUnderMigrationFault ServerlessCacheNotFoundFault ServerlessCacheNotUnderMigrationFault;
        CopyServerlessCacheSnapshot(SourceServerlessCacheSnapshotName TargetServerlessCacheSnapshotName; KmsKeyId Tags)
            InvalidParameterCombinationException InvalidParameterValueException InvalidServerlessCacheSnapshotStateFault
            ServerlessCacheSnapshotAlreadyExistsFault ServerlessCacheSnapshotNotFoundFault
            ServerlessCacheSnapshotQuotaExceededFault ServiceLinkedRoleNotFoundFault TagQuotaPerResourceExceeded;
        CopySnapshot(SourceSnapshotName TargetSnapshotName; TargetBucket KmsKeyId Tags)
            InvalidParameterCombinationException InvalidParameterValueException InvalidSnapshotStateFault
            SnapshotAlreadyExistsFault SnapshotNotFoundFault SnapshotQuotaExceededFault TagQuotaPerResourceExceeded;
        CreateCacheCluster(CacheClusterId; ReplicationGroupId AZMode PreferredAvailabilityZone
            PreferredAvailabilityZones NumCacheNodes CacheNodeType Engine EngineVersion CacheParameterGroupName
            CacheSubnetGroupName CacheSecurityGroupNames SecurityGroupIds Tags SnapshotArns SnapshotName
            PreferredMaintenanceWindow Port NotificationTopicArn AutoMinorVersionUpgrade SnapshotRetentionLimit
            SnapshotWindow AuthToken OutpostMode PreferredOutpostArn PreferredOutpostArns LogDeliveryConfigurations
            TransitEncryptionEnabled NetworkType IpDiscovery) CacheClusterAlreadyExistsFault
            CacheParameterGroupNotFoundFault CacheSecurityGroupNotFoundFault CacheSubnetGroupNotFoundFault
            ClusterQuotaForCustomerExceededFault InsufficientCacheClusterCapacityFault
            InvalidParameterCombinationException InvalidParameterValueException InvalidReplicationGroupStateFault
            InvalidVPCNetworkStateFault NodeQuotaForClusterExceededFault NodeQuotaForCustomerExceededFault
            ReplicationGroupNotFoundFault TagQuotaPerResourceExceeded;
        CreateCacheParameterGroup(CacheParameterGroupName CacheParameterGroupFamily Description; Tags)
            CacheParameterGroupAlreadyExistsFault CacheParameterGroupQuotaExceededFault
            InvalidCacheParameterGroupStateFault InvalidParameterCombinationException InvalidParameterValueException
            TagQuotaPerResourceExceeded;
        CreateCacheSecurityGroup(CacheSecurityGroupName Description; Tags) CacheSecurityGroupAlreadyExistsFault
            CacheSecurityGroupQuotaExceededFault InvalidParameterCombinationException InvalidParameterValueException
            TagQuotaPerResourceExceeded;
        CreateCacheSubnetGroup(CacheSubnetGroupName CacheSubnetGroupDescription SubnetIds; Tags)
            CacheSubnetGroupAlreadyExistsFault CacheSubnetGroupQuotaExceededFault CacheSubnetQuotaExceededFault
            InvalidSubnet SubnetNotAllowedFault TagQuotaPerResourceExceeded;
        CreateGlobalReplicationGroup(GlobalReplicationGroupIdSuffix PrimaryReplicationGroupId;
            GlobalReplicationGroupDescription Tags) GlobalReplicationGroupAlreadyExistsFault
            InvalidParameterValueException InvalidReplicationGroupStateFault ReplicationGroupNotFoundFault
            ServiceLinkedRoleNotFoundFault TagQuotaPerResourceExceeded;
        CreateReplicationGroup(ReplicationGroupId ReplicationGroupDescription; GlobalReplicationGroupId PrimaryClusterId
            AutomaticFailoverEnabled MultiAZEnabled NumCacheClusters PreferredCacheClusterAZs NumNodeGroups
            ReplicasPerNodeGroup NodeGroupConfiguration CacheNodeType Engine EngineVersion CacheParameterGroupName
            CacheSubnetGroupName CacheSecurityGroupNames SecurityGroupIds Tags SnapshotArns SnapshotName
            PreferredMaintenanceWindow Port NotificationTopicArn AutoMinorVersionUpgrade SnapshotRetentionLimit
            SnapshotWindow AuthToken TransitEncryptionEnabled AtRestEncryptionEnabled KmsKeyId UserGroupIds
            LogDeliveryConfigurations DataTieringEnabled NetworkType IpDiscovery TransitEncryptionMode ClusterMode
            ServerlessCacheSnapshotName Durability) CacheClusterNotFoundFault CacheParameterGroupNotFoundFault
            CacheSecurityGroupNotFoundFault CacheSubnetGroupNotFoundFault ClusterQuotaForCustomerExceededFault
            GlobalReplicationGroupNotFoundFault InsufficientCacheClusterCapacityFault InvalidCacheClusterStateFault
            InvalidGlobalReplicationGroupStateFault InvalidParameterCombinationException InvalidParameterValueException
            InvalidUserGroupStateFault InvalidVPCNetworkStateFault NodeGroupsPerReplicationGroupQuotaExceededFault
            NodeQuotaForClusterExceededFault NodeQuotaForCustomerExceededFault ReplicationGroupAlreadyExistsFault
            TagQuotaPerResourceExceeded UserGroupNotFoundFault;
        CreateServerlessCache(ServerlessCacheName Engine; Description MajorEngineVersion CacheUsageLimits KmsKeyId
            SecurityGroupIds SnapshotArnsToRestore Tags UserGroupId SubnetIds SnapshotRetentionLimit DailySnapshotTime
            NetworkType ConnectionType Integrations) InvalidCredentialsException InvalidParameterCombinationException
            InvalidParameterValueException InvalidServerlessCacheStateFault InvalidUserGroupStateFault
            ServerlessCacheAlreadyExistsFault ServerlessCacheNotFoundFault ServerlessCacheQuotaForCustomerExceededFault
            ServiceLinkedRoleNotFoundFault TagQuotaPerResourceExceeded UserGroupNotFoundFault;
        CreateServerlessCacheSnapshot(ServerlessCacheSnapshotName ServerlessCacheName; KmsKeyId Tags)
            InvalidParameterCombinationException InvalidParameterValueException InvalidServerlessCacheStateFault
            ServerlessCacheNotFoundFault ServerlessCacheSnapshotAlreadyExistsFault
            ServerlessCacheSnapshotQuotaExceededFault ServiceLinkedRoleNotFoundFault TagQuotaPerResourceExceeded;
        CreateSnapshot(SnapshotName; ReplicationGroupId CacheClusterId KmsKeyId Tags) CacheClusterNotFoundFault
            InvalidCacheClusterStateFault InvalidParameterCombinationException InvalidParameterValueException
            InvalidReplicationGroupStateFault ReplicationGroupNotFoundFault SnapshotAlreadyExistsFault
            SnapshotFeatureNotSupportedFault SnapshotQuotaExceededFault TagQuotaPerResourceExceeded;
        CreateUser(UserId UserName Engine AccessString; Passwords NoPasswordRequired Tags AuthenticationMode)
            DuplicateUserNameFault InvalidParameterCombinationException InvalidParameterValueException
            ServiceLinkedRoleNotFoundFault TagQuotaPerResourceExceeded UserAlreadyExistsFault UserQuotaExceededFault;
        CreateUserGroup(UserGroupId Engine; UserIds Tags) DefaultUserRequired DuplicateUserNameFault
            InvalidParameterValueException ServiceLinkedRoleNotFoundFault TagQuotaPerResourceExceeded
            UserGroupAlreadyExistsFault UserGroupQuotaExceededFault UserNotFoundFault;
        DecreaseNodeGroupsInGlobalReplicationGroup(GlobalReplicationGroupId NodeGroupCount ApplyImmediately;
            GlobalNodeGroupsToRemove GlobalNodeGroupsToRetain) GlobalReplicationGroupNotFoundFault
            InvalidGlobalReplicationGroupStateFault InvalidParameterCombinationException InvalidParameterValueException;
        DecreaseReplicaCount(ReplicationGroupId ApplyImmediately; NewReplicaCount ReplicaConfiguration ReplicasToRemove)
            ClusterQuotaForCustomerExceededFault InsufficientCacheClusterCapacityFault InvalidCacheClusterStateFault
            InvalidParameterCombinationException InvalidParameterValueException InvalidReplicationGroupStateFault
            InvalidVPCNetworkStateFault NoOperationFault NodeGroupsPerReplicationGroupQuotaExceededFault
            NodeQuotaForCustomerExceededFault ReplicationGroupNotFoundFault ServiceLinkedRoleNotFoundFault;
        DeleteCacheCluster(CacheClusterId; FinalSnapshotIdentifier) CacheClusterNotFoundFault
            InvalidCacheClusterStateFault InvalidParameterCombinationException InvalidParameterValueException
            SnapshotAlreadyExistsFault SnapshotFeatureNotSupportedFault SnapshotQuotaExceededFault;
        DeleteCacheParameterGroup(CacheParameterGroupName;) CacheParameterGroupNotFoundFault
            InvalidCacheParameterGroupStateFault InvalidParameterCombinationException InvalidParameterValueException;
        DeleteCacheSecurityGroup(CacheSecurityGroupName;) CacheSecurityGroupNotFoundFault
            InvalidCacheSecurityGroupStateFault InvalidParameterCombinationException InvalidParameterValueException;
        DeleteCacheSubnetGroup(CacheSubnetGroupName;) CacheSubnetGroupInUse CacheSubnetGroupNotFoundFault;
        DeleteGlobalReplicationGroup(GlobalReplicationGroupId RetainPrimaryReplicationGroup;)
            GlobalReplicationGroupNotFoundFault InvalidGlobalReplicationGroupStateFault InvalidParameterValueException;
        DeleteReplicationGroup(ReplicationGroupId; RetainPrimaryCluster FinalSnapshotIdentifier)
            InvalidParameterCombinationException InvalidParameterValueException InvalidReplicationGroupStateFault
            ReplicationGroupNotFoundFault SnapshotAlreadyExistsFault SnapshotFeatureNotSupportedFault
            SnapshotQuotaExceededFault;
        DeleteServerlessCache(ServerlessCacheName; FinalSnapshotName) InvalidCredentialsException
            InvalidParameterCombinationException InvalidParameterValueException InvalidServerlessCacheStateFault
            ServerlessCacheNotFoundFault ServerlessCacheSnapshotAlreadyExistsFault ServiceLinkedRoleNotFoundFault;
        DeleteServerlessCacheSnapshot(ServerlessCacheSnapshotName;) InvalidParameterValueException
            InvalidServerlessCacheSnapshotStateFault ServerlessCacheSnapshotNotFoundFault
            ServiceLinkedRoleNotFoundFault;
        DeleteSnapshot(SnapshotName;) InvalidParameterCombinationException InvalidParameterValueException
            InvalidSnapshotStateFault SnapshotNotFoundFault;
        DeleteUser(UserId;) DefaultUserAssociatedToUserGroupFault InvalidParameterValueException InvalidUserStateFault
            ServiceLinkedRoleNotFoundFault UserNotFoundFault;
        DeleteUserGroup(UserGroupId;) InvalidParameterValueException InvalidUserGroupStateFault
            ServiceLinkedRoleNotFoundFault UserGroupNotFoundFault;
        DescribeCacheClusters(; CacheClusterId MaxRecords Marker ShowCacheNodeInfo
            ShowCacheClustersNotInReplicationGroups) CacheClusterNotFoundFault InvalidParameterCombinationException
            InvalidParameterValueException;
        DescribeCacheEngineVersions(; Engine EngineVersion CacheParameterGroupFamily MaxRecords Marker DefaultOnly);
        DescribeCacheParameterGroups(; CacheParameterGroupName MaxRecords Marker) CacheParameterGroupNotFoundFault
            InvalidParameterCombinationException InvalidParameterValueException;
        DescribeCacheParameters(CacheParameterGroupName; Source MaxRecords Marker) CacheParameterGroupNotFoundFault
            InvalidParameterCombinationException InvalidParameterValueException;
        DescribeCacheSecurityGroups(; CacheSecurityGroupName MaxRecords Marker) CacheSecurityGroupNotFoundFault
            InvalidParameterCombinationException InvalidParameterValueException;
        DescribeCacheSubnetGroups(; CacheSubnetGroupName MaxRecords Marker) CacheSubnetGroupNotFoundFault;
        DescribeEngineDefaultParameters(CacheParameterGroupFamily; MaxRecords Marker)
            InvalidParameterCombinationException InvalidParameterValueException;
        DescribeEvents(; SourceIdentifier SourceType StartTime EndTime Duration MaxRecords Marker)
            InvalidParameterCombinationException InvalidParameterValueException;
        DescribeGlobalReplicationGroups(; GlobalReplicationGroupId MaxRecords Marker ShowMemberInfo)
            GlobalReplicationGroupNotFoundFault InvalidParameterCombinationException InvalidParameterValueException;
        DescribeReplicationGroups(; ReplicationGroupId MaxRecords Marker) InvalidParameterCombinationException
            InvalidParameterValueException ReplicationGroupNotFoundFault;
        DescribeReservedCacheNodes(; ReservedCacheNodeId ReservedCacheNodesOfferingId CacheNodeType Duration
            ProductDescription OfferingType MaxRecords Marker) InvalidParameterCombinationException
            InvalidParameterValueException ReservedCacheNodeNotFoundFault;
        DescribeReservedCacheNodesOfferings(; ReservedCacheNodesOfferingId CacheNodeType Duration ProductDescription
            OfferingType MaxRecords Marker) InvalidParameterCombinationException InvalidParameterValueException
            ReservedCacheNodesOfferingNotFoundFault;
        DescribeServerlessCacheSnapshots(; ServerlessCacheName ServerlessCacheSnapshotName SnapshotType NextToken
            MaxResults) InvalidParameterCombinationException InvalidParameterValueException ServerlessCacheNotFoundFault
            ServerlessCacheSnapshotNotFoundFault;
        DescribeServerlessCaches(; ServerlessCacheName MaxResults NextToken) InvalidParameterCombinationException
            InvalidParameterValueException ServerlessCacheNotFoundFault;
        DescribeServiceUpdates(; ServiceUpdateName ServiceUpdateStatus MaxRecords Marker)
            InvalidParameterCombinationException InvalidParameterValueException ServiceUpdateNotFoundFault;
        DescribeSnapshots(; ReplicationGroupId CacheClusterId SnapshotName SnapshotSource Marker MaxRecords
            ShowNodeGroupConfig) CacheClusterNotFoundFault InvalidParameterCombinationException
            InvalidParameterValueException SnapshotNotFoundFault;
        DescribeUpdateActions(; ServiceUpdateName ReplicationGroupIds CacheClusterIds Engine ServiceUpdateStatus
            ServiceUpdateTimeRange UpdateActionStatus ShowNodeLevelUpdateStatus MaxRecords Marker)
            InvalidParameterCombinationException InvalidParameterValueException;
        DescribeUserGroups(; UserGroupId MaxRecords Marker) InvalidParameterCombinationException
            ServiceLinkedRoleNotFoundFault UserGroupNotFoundFault;
        DescribeUsers(; Engine UserId Filters MaxRecords Marker) InvalidParameterCombinationException
            ServiceLinkedRoleNotFoundFault UserNotFoundFault;
        DisassociateGlobalReplicationGroup(GlobalReplicationGroupId ReplicationGroupId ReplicationGroupRegion;)
            GlobalReplicationGroupNotFoundFault InvalidGlobalReplicationGroupStateFault
            InvalidParameterCombinationException InvalidParameterValueException;
        ExportServerlessCacheSnapshot(ServerlessCacheSnapshotName S3BucketName;) InvalidParameterValueException
            InvalidServerlessCacheSnapshotStateFault ServerlessCacheSnapshotNotFoundFault
            ServiceLinkedRoleNotFoundFault;
        FailoverGlobalReplicationGroup(GlobalReplicationGroupId PrimaryRegion PrimaryReplicationGroupId;)
            GlobalReplicationGroupNotFoundFault InvalidGlobalReplicationGroupStateFault
            InvalidParameterCombinationException InvalidParameterValueException;
        IncreaseNodeGroupsInGlobalReplicationGroup(GlobalReplicationGroupId NodeGroupCount ApplyImmediately;
            RegionalConfigurations) GlobalReplicationGroupNotFoundFault InvalidGlobalReplicationGroupStateFault
            InvalidParameterValueException;
        IncreaseReplicaCount(ReplicationGroupId ApplyImmediately; NewReplicaCount ReplicaConfiguration)
            ClusterQuotaForCustomerExceededFault InsufficientCacheClusterCapacityFault InvalidCacheClusterStateFault
            InvalidKMSKeyFault InvalidParameterCombinationException InvalidParameterValueException
            InvalidReplicationGroupStateFault InvalidVPCNetworkStateFault NoOperationFault
            NodeGroupsPerReplicationGroupQuotaExceededFault NodeQuotaForCustomerExceededFault
            ReplicationGroupNotFoundFault;
        ListAllowedNodeTypeModifications(; CacheClusterId ReplicationGroupId) CacheClusterNotFoundFault
            InvalidParameterCombinationException InvalidParameterValueException ReplicationGroupNotFoundFault;
        ListTagsForResource(ResourceName;) CacheClusterNotFoundFault CacheParameterGroupNotFoundFault
            CacheSecurityGroupNotFoundFault CacheSubnetGroupNotFoundFault GlobalReplicationGroupNotFoundFault
            InvalidARNFault InvalidParameterValueException InvalidReplicationGroupStateFault
            InvalidServerlessCacheSnapshotStateFault InvalidServerlessCacheStateFault ReplicationGroupNotFoundFault
            ReservedCacheNodeNotFoundFault ServerlessCacheNotFoundFault ServerlessCacheSnapshotNotFoundFault
            SnapshotNotFoundFault UserGroupNotFoundFault UserNotFoundFault;
        ModifyCacheCluster(CacheClusterId; NumCacheNodes CacheNodeIdsToRemove AZMode NewAvailabilityZones
            CacheSecurityGroupNames SecurityGroupIds PreferredMaintenanceWindow NotificationTopicArn
            CacheParameterGroupName NotificationTopicStatus ApplyImmediately Engine EngineVersion
            AutoMinorVersionUpgrade SnapshotRetentionLimit SnapshotWindow CacheNodeType AuthToken
            AuthTokenUpdateStrategy LogDeliveryConfigurations IpDiscovery ScaleConfig) CacheClusterNotFoundFault
            CacheParameterGroupNotFoundFault CacheSecurityGroupNotFoundFault InsufficientCacheClusterCapacityFault
            InvalidCacheClusterStateFault InvalidCacheSecurityGroupStateFault InvalidParameterCombinationException
            InvalidParameterValueException InvalidVPCNetworkStateFault NodeQuotaForClusterExceededFault
            NodeQuotaForCustomerExceededFault;
        ModifyCacheParameterGroup(CacheParameterGroupName ParameterNameValues;) CacheParameterGroupNotFoundFault
            InvalidCacheParameterGroupStateFault InvalidGlobalReplicationGroupStateFault
            InvalidParameterCombinationException InvalidParameterValueException;
        ModifyCacheSubnetGroup(CacheSubnetGroupName; CacheSubnetGroupDescription SubnetIds)
            CacheSubnetGroupNotFoundFault CacheSubnetQuotaExceededFault InvalidSubnet SubnetInUse SubnetNotAllowedFault;
        ModifyGlobalReplicationGroup(GlobalReplicationGroupId ApplyImmediately; CacheNodeType Engine EngineVersion
            CacheParameterGroupName GlobalReplicationGroupDescription AutomaticFailoverEnabled)
            GlobalReplicationGroupNotFoundFault InvalidGlobalReplicationGroupStateFault InvalidParameterValueException;
        ModifyReplicationGroup(ReplicationGroupId; ReplicationGroupDescription PrimaryClusterId SnapshottingClusterId
            AutomaticFailoverEnabled MultiAZEnabled NodeGroupId CacheSecurityGroupNames SecurityGroupIds
            PreferredMaintenanceWindow NotificationTopicArn CacheParameterGroupName NotificationTopicStatus
            ApplyImmediately Engine EngineVersion AutoMinorVersionUpgrade SnapshotRetentionLimit SnapshotWindow
            CacheNodeType AuthToken AuthTokenUpdateStrategy UserGroupIdsToAdd UserGroupIdsToRemove RemoveUserGroups
            LogDeliveryConfigurations IpDiscovery TransitEncryptionEnabled TransitEncryptionMode ClusterMode Durability)
            CacheClusterNotFoundFault CacheParameterGroupNotFoundFault CacheSecurityGroupNotFoundFault
            InsufficientCacheClusterCapacityFault InvalidCacheClusterStateFault InvalidCacheSecurityGroupStateFault
            InvalidKMSKeyFault InvalidParameterCombinationException InvalidParameterValueException
            InvalidReplicationGroupStateFault InvalidUserGroupStateFault InvalidVPCNetworkStateFault
            NodeQuotaForClusterExceededFault NodeQuotaForCustomerExceededFault ReplicationGroupNotFoundFault
            UserGroupNotFoundFault;
        ModifyReplicationGroupShardConfiguration(ReplicationGroupId NodeGroupCount ApplyImmediately;
            ReshardingConfiguration NodeGroupsToRemove NodeGroupsToRetain) InsufficientCacheClusterCapacityFault
            InvalidCacheClusterStateFault InvalidKMSKeyFault InvalidParameterCombinationException
            InvalidParameterValueException InvalidReplicationGroupStateFault InvalidVPCNetworkStateFault
            NodeGroupsPerReplicationGroupQuotaExceededFault NodeQuotaForCustomerExceededFault
            ReplicationGroupNotFoundFault;
        ModifyServerlessCache(ServerlessCacheName; Description CacheUsageLimits RemoveUserGroup UserGroupId
            SecurityGroupIds SnapshotRetentionLimit DailySnapshotTime Engine MajorEngineVersion)
            InvalidCredentialsException InvalidParameterCombinationException InvalidParameterValueException
            InvalidServerlessCacheStateFault InvalidUserGroupStateFault ServerlessCacheNotFoundFault
            ServiceLinkedRoleNotFoundFault UserGroupNotFoundFault;
        ModifyUser(UserId; AccessString AppendAccessString Passwords NoPasswordRequired AuthenticationMode Engine)
            InvalidParameterCombinationException InvalidParameterValueException InvalidUserStateFault
            ServiceLinkedRoleNotFoundFault UserNotFoundFault;
        ModifyUserGroup(UserGroupId; UserIdsToAdd UserIdsToRemove Engine) DefaultUserRequired DuplicateUserNameFault
            InvalidParameterCombinationException InvalidParameterValueException InvalidUserGroupStateFault
            ServiceLinkedRoleNotFoundFault UserGroupNotFoundFault UserNotFoundFault;
        PrepareMigration(ServerlessCacheName CustomerNodeEndpointList; SourceAuthenticationConfiguration
            SourceTlsConfiguration) InvalidParameterValueException InvalidServerlessCacheStateFault
            ServerlessCacheAlreadyUnderMigrationFault ServerlessCacheNotFoundFault;
        PurchaseReservedCacheNodesOffering(ReservedCacheNodesOfferingId; ReservedCacheNodeId CacheNodeCount Tags)
            InvalidParameterCombinationException InvalidParameterValueException ReservedCacheNodeAlreadyExistsFault
            ReservedCacheNodeQuotaExceededFault ReservedCacheNodesOfferingNotFoundFault TagQuotaPerResourceExceeded;
        RebalanceSlotsInGlobalReplicationGroup(GlobalReplicationGroupId ApplyImmediately;)
            GlobalReplicationGroupNotFoundFault InvalidGlobalReplicationGroupStateFault InvalidParameterValueException;
        RebootCacheCluster(CacheClusterId CacheNodeIdsToReboot;) CacheClusterNotFoundFault
            InvalidCacheClusterStateFault;
        RemoveTagsFromResource(ResourceName TagKeys;) CacheClusterNotFoundFault CacheParameterGroupNotFoundFault
            CacheSecurityGroupNotFoundFault CacheSubnetGroupNotFoundFault GlobalReplicationGroupNotFoundFault
            InvalidARNFault InvalidParameterValueException InvalidReplicationGroupStateFault
            InvalidServerlessCacheSnapshotStateFault InvalidServerlessCacheStateFault ReplicationGroupNotFoundFault
            ReservedCacheNodeNotFoundFault ServerlessCacheNotFoundFault ServerlessCacheSnapshotNotFoundFault
            SnapshotNotFoundFault TagNotFoundFault UserGroupNotFoundFault UserNotFoundFault;
        ResetCacheParameterGroup(CacheParameterGroupName; ResetAllParameters ParameterNameValues)
            CacheParameterGroupNotFoundFault InvalidCacheParameterGroupStateFault
            InvalidGlobalReplicationGroupStateFault InvalidParameterCombinationException InvalidParameterValueException;
        RevokeCacheSecurityGroupIngress(CacheSecurityGroupName EC2SecurityGroupName EC2SecurityGroupOwnerId;)
            AuthorizationNotFoundFault CacheSecurityGroupNotFoundFault InvalidCacheSecurityGroupStateFault
            InvalidParameterCombinationException InvalidParameterValueException;
        StartMigration(; ServerlessCacheName ReplicationGroupId CustomerNodeEndpointList AutoCutover
            ClearTargetCacheData) InvalidCacheClusterStateFault InvalidParameterCombinationException
            InvalidParameterValueException InvalidReplicationGroupStateFault InvalidServerlessCacheStateFault
            MigrationHealthFault ReplicationGroupAlreadyUnderMigrationFault ReplicationGroupNotFoundFault
            ServerlessCacheNotFoundFault ServerlessCacheNotUnderMigrationFault;
        StopMigration(ServerlessCacheName;) InvalidParameterValueException InvalidServerlessCacheStateFault
            ServerlessCacheNotFoundFault ServerlessCacheNotUnderMigrationFault;
        TestFailover(ReplicationGroupId NodeGroupId;) APICallRateForCustomerExceededFault InvalidCacheClusterStateFault
            InvalidKMSKeyFault InvalidParameterCombinationException InvalidParameterValueException
            InvalidReplicationGroupStateFault NodeGroupNotFoundFault ReplicationGroupNotFoundFault
            TestFailoverNotAvailableFault;
        TestMigration(ReplicationGroupId CustomerNodeEndpointList;) InvalidCacheClusterStateFault
            InvalidParameterCombinationException InvalidParameterValueException InvalidReplicationGroupStateFault
            ReplicationGroupAlreadyUnderMigrationFault ReplicationGroupNotFoundFault;
    }
}
