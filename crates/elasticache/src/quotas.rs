//! The quotas of ElastiCache, with its defaults and errors.
//!
//! Defaults and the texts for nodes are those of its user guide (quotas, error messages). Other texts follow its style.

use crate::model::{
    APICallRateForCustomerExceededFault, CacheParameterGroupQuotaExceededFault,
    CacheSubnetGroupQuotaExceededFault, CacheSubnetQuotaExceededFault, NodeQuotaForClusterExceededFault,
    NodeQuotaForCustomerExceededFault, TagQuotaPerResourceExceeded,
};
use aws_operations::Quota;

/// Each is a static, and all are in `TABLE`.
macro_rules! quotas {
    ($($quota:ident = $name:literal, $default:literal, $counts:literal, $error:ident, $text:literal;)*) => {
        $(pub(crate) static $quota: Quota =
            Quota { name: $name, default: $default, counts: $counts, error: &$error, text: $text };)*

        /// All of them.
        pub(crate) static TABLE: &[&Quota] = &[$(&$quota),*];
    };
}

quotas! {
    NODES_PER_REGION = "nodes-per-region", 300, "nodes of a region, of all its groups and clusters",
        NodeQuotaForCustomerExceededFault,
        "Customer node quota exceeded. You can have at most {} nodes in this region";
    NODES_PER_CLUSTER = "nodes-per-cluster", 90, "nodes of a replication group, of all its shards",
        NodeQuotaForClusterExceededFault,
        "Cluster node quota exceeded. Each cluster can have at most {} nodes in this region.";
    NODES_PER_SHARD = "nodes-per-shard", 6, "nodes of a shard: its primary and its replicas",
        NodeQuotaForClusterExceededFault,
        "Shard node quota exceeded. Each shard can have at most {} nodes in this region.";
    PARAMETER_GROUPS = "parameter-groups", 300, "parameter groups of a region, the default ones left out",
        CacheParameterGroupQuotaExceededFault,
        "You have reached your quota of {} cache parameter groups in this region.";
    SUBNET_GROUPS = "subnet-groups", 300, "subnet groups of a region, the default one included",
        CacheSubnetGroupQuotaExceededFault,
        "You have reached your quota of {} cache subnet groups in this region.";
    SUBNETS_PER_GROUP = "subnets-per-group", 20, "subnets of a subnet group",
        CacheSubnetQuotaExceededFault,
        "A cache subnet group cannot have more than {} subnets.";
    TAGS_PER_RESOURCE = "tags-per-resource", 50, "tags of a group, a cluster or a subnet group",
        TagQuotaPerResourceExceeded,
        "A resource cannot have more than {} tags.";
    FAILOVER_TESTS = "failover-tests-per-day", 15, "calls of TestFailover in a region in any 24 hours",
        APICallRateForCustomerExceededFault,
        "The TestFailover API can be called for up to {} node groups in 24 hours.";
}
