//! Operations that the services have and Engram has not. Who calls one is to know that it is not a wrong name.
//!
//! The names are those of the service models (botocore): all of them, so that one that gets built need not be taken out here.

use crate::Service;
use aws_protocol::Fault;

const ELASTICACHE: [&str; 77] = [
    "AddTagsToResource",
    "AuthorizeCacheSecurityGroupIngress",
    "BatchApplyUpdateAction",
    "BatchStopUpdateAction",
    "CompleteMigration",
    "CopyServerlessCacheSnapshot",
    "CopySnapshot",
    "CreateCacheCluster",
    "CreateCacheParameterGroup",
    "CreateCacheSecurityGroup",
    "CreateCacheSubnetGroup",
    "CreateGlobalReplicationGroup",
    "CreateReplicationGroup",
    "CreateServerlessCache",
    "CreateServerlessCacheSnapshot",
    "CreateSnapshot",
    "CreateUser",
    "CreateUserGroup",
    "DecreaseNodeGroupsInGlobalReplicationGroup",
    "DecreaseReplicaCount",
    "DeleteCacheCluster",
    "DeleteCacheParameterGroup",
    "DeleteCacheSecurityGroup",
    "DeleteCacheSubnetGroup",
    "DeleteGlobalReplicationGroup",
    "DeleteReplicationGroup",
    "DeleteServerlessCache",
    "DeleteServerlessCacheSnapshot",
    "DeleteSnapshot",
    "DeleteUser",
    "DeleteUserGroup",
    "DescribeCacheClusters",
    "DescribeCacheEngineVersions",
    "DescribeCacheParameterGroups",
    "DescribeCacheParameters",
    "DescribeCacheSecurityGroups",
    "DescribeCacheSubnetGroups",
    "DescribeEngineDefaultParameters",
    "DescribeEvents",
    "DescribeGlobalReplicationGroups",
    "DescribeReplicationGroups",
    "DescribeReservedCacheNodes",
    "DescribeReservedCacheNodesOfferings",
    "DescribeServerlessCacheSnapshots",
    "DescribeServerlessCaches",
    "DescribeServiceUpdates",
    "DescribeSnapshots",
    "DescribeUpdateActions",
    "DescribeUserGroups",
    "DescribeUsers",
    "DisassociateGlobalReplicationGroup",
    "ExportServerlessCacheSnapshot",
    "FailoverGlobalReplicationGroup",
    "IncreaseNodeGroupsInGlobalReplicationGroup",
    "IncreaseReplicaCount",
    "ListAllowedNodeTypeModifications",
    "ListTagsForResource",
    "ModifyCacheCluster",
    "ModifyCacheParameterGroup",
    "ModifyCacheSubnetGroup",
    "ModifyGlobalReplicationGroup",
    "ModifyReplicationGroup",
    "ModifyReplicationGroupShardConfiguration",
    "ModifyServerlessCache",
    "ModifyUser",
    "ModifyUserGroup",
    "PrepareMigration",
    "PurchaseReservedCacheNodesOffering",
    "RebalanceSlotsInGlobalReplicationGroup",
    "RebootCacheCluster",
    "RemoveTagsFromResource",
    "ResetCacheParameterGroup",
    "RevokeCacheSecurityGroupIngress",
    "StartMigration",
    "StopMigration",
    "TestFailover",
    "TestMigration",
];

const STS: [&str; 11] = [
    "AssumeRole",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "DecodeAuthorizationMessage",
    "GetAccessKeyInfo",
    "GetCallerIdentity",
    "GetDelegatedAccessToken",
    "GetFederationToken",
    "GetSessionToken",
    "GetWebIdentityToken",
];

/// The operations that a service has, built or not.
pub(crate) fn names(service: Service) -> &'static [&'static str] {
    match service {
        Service::ElastiCache => &ELASTICACHE,
        Service::Sts => &STS,
    }
}

/// The refusal of an operation that is not in the list of those that are built.
pub(crate) fn refusal(service: Service, action: &str, version: Option<&str>) -> Fault {
    match names(service).contains(&action) {
        true => Fault::receiver(
            "NotImplemented",
            501,
            format!("The operation {action} is not supported by Engram yet."),
        ),
        false => Fault::invalid_action(action, version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OPERATIONS;

    #[test]
    fn whatever_is_built_is_an_operation_of_its_service() {
        for operation in OPERATIONS {
            assert!(names(operation.service()).contains(&operation.name()), "{}", operation.name());
        }
    }

    #[test]
    fn what_is_not_built_is_told_from_what_is_not_there() {
        let fault = refusal(Service::ElastiCache, "CreateSnapshot", None);
        let text = "NotImplemented: The operation CreateSnapshot is not supported by Engram yet.";
        assert_eq!((fault.status, fault.to_string().as_str()), (501, text));
        assert_eq!(refusal(Service::ElastiCache, "AssumeRole", None).code, "InvalidAction");
        assert_eq!(refusal(Service::Sts, "AssumeRole", None).code, "NotImplemented");
    }
}
