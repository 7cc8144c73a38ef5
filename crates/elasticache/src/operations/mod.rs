//! The operations, one a file, and the one list of them.

mod add_tags_to_resource;
mod create_cache_cluster;
mod create_replication_group;
mod decrease_replica_count;
mod delete_cache_cluster;
mod delete_replication_group;
mod describe_cache_clusters;
mod describe_cache_engine_versions;
mod describe_cache_parameter_groups;
mod describe_cache_subnet_groups;
mod describe_events;
mod describe_replication_groups;
mod get_caller_identity;
mod increase_replica_count;
mod list_allowed_node_type_modifications;
mod list_tags_for_resource;
mod modify_cache_cluster;
mod modify_replication_group;
mod reboot_cache_cluster;
mod remove_tags_from_resource;
mod tags;
mod test_failover;

use crate::operation::{Listed, Of};

/// All operations that there are.
pub const OPERATIONS: &[&dyn Listed] = &[
    &Of::<create_replication_group::CreateReplicationGroup>::new(),
    &Of::<describe_replication_groups::DescribeReplicationGroups>::new(),
    &Of::<modify_replication_group::ModifyReplicationGroup>::new(),
    &Of::<increase_replica_count::IncreaseReplicaCount>::new(),
    &Of::<decrease_replica_count::DecreaseReplicaCount>::new(),
    &Of::<test_failover::TestFailover>::new(),
    &Of::<delete_replication_group::DeleteReplicationGroup>::new(),
    &Of::<create_cache_cluster::CreateCacheCluster>::new(),
    &Of::<describe_cache_clusters::DescribeCacheClusters>::new(),
    &Of::<modify_cache_cluster::ModifyCacheCluster>::new(),
    &Of::<reboot_cache_cluster::RebootCacheCluster>::new(),
    &Of::<delete_cache_cluster::DeleteCacheCluster>::new(),
    &Of::<describe_events::DescribeEvents>::new(),
    &Of::<describe_cache_engine_versions::DescribeCacheEngineVersions>::new(),
    &Of::<list_allowed_node_type_modifications::ListAllowedNodeTypeModifications>::new(),
    &Of::<add_tags_to_resource::AddTagsToResource>::new(),
    &Of::<remove_tags_from_resource::RemoveTagsFromResource>::new(),
    &Of::<list_tags_for_resource::ListTagsForResource>::new(),
    &Of::<describe_cache_parameter_groups::DescribeCacheParameterGroups>::new(),
    &Of::<describe_cache_subnet_groups::DescribeCacheSubnetGroups>::new(),
    &Of::<get_caller_identity::GetCallerIdentity>::new(),
];
