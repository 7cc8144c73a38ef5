//! The operations, one per file, and the one list of them.

mod add_tags_to_resource;
mod create_cache_cluster;
mod create_cache_parameter_group;
mod create_cache_subnet_group;
mod create_replication_group;
mod decrease_replica_count;
mod delete_cache_cluster;
mod delete_cache_parameter_group;
mod delete_cache_subnet_group;
mod delete_replication_group;
mod describe_cache_clusters;
mod describe_cache_engine_versions;
mod describe_cache_parameter_groups;
mod describe_cache_parameters;
mod describe_cache_subnet_groups;
mod describe_engine_default_parameters;
mod describe_events;
mod describe_replication_groups;
mod increase_replica_count;
mod list_allowed_node_type_modifications;
mod list_tags_for_resource;
mod modify_cache_cluster;
mod modify_cache_parameter_group;
mod modify_cache_subnet_group;
mod modify_replication_group;
mod parameter_list;
mod reboot_cache_cluster;
mod remove_tags_from_resource;
mod reset_cache_parameter_group;
mod tags;
mod test_failover;

use aws_operations::Entry;

/// All that are built.
pub(crate) const OPERATIONS: &[Entry] = &[
    Entry::of::<create_replication_group::CreateReplicationGroup>(),
    Entry::of::<describe_replication_groups::DescribeReplicationGroups>(),
    Entry::of::<modify_replication_group::ModifyReplicationGroup>(),
    Entry::of::<increase_replica_count::IncreaseReplicaCount>(),
    Entry::of::<decrease_replica_count::DecreaseReplicaCount>(),
    Entry::of::<test_failover::TestFailover>(),
    Entry::of::<delete_replication_group::DeleteReplicationGroup>(),
    Entry::of::<create_cache_cluster::CreateCacheCluster>(),
    Entry::of::<describe_cache_clusters::DescribeCacheClusters>(),
    Entry::of::<modify_cache_cluster::ModifyCacheCluster>(),
    Entry::of::<reboot_cache_cluster::RebootCacheCluster>(),
    Entry::of::<delete_cache_cluster::DeleteCacheCluster>(),
    Entry::of::<describe_events::DescribeEvents>(),
    Entry::of::<describe_cache_engine_versions::DescribeCacheEngineVersions>(),
    Entry::of::<list_allowed_node_type_modifications::ListAllowedNodeTypeModifications>(),
    Entry::of::<add_tags_to_resource::AddTagsToResource>(),
    Entry::of::<remove_tags_from_resource::RemoveTagsFromResource>(),
    Entry::of::<list_tags_for_resource::ListTagsForResource>(),
    Entry::of::<create_cache_parameter_group::CreateCacheParameterGroup>(),
    Entry::of::<modify_cache_parameter_group::ModifyCacheParameterGroup>(),
    Entry::of::<reset_cache_parameter_group::ResetCacheParameterGroup>(),
    Entry::of::<delete_cache_parameter_group::DeleteCacheParameterGroup>(),
    Entry::of::<describe_cache_parameter_groups::DescribeCacheParameterGroups>(),
    Entry::of::<create_cache_subnet_group::CreateCacheSubnetGroup>(),
    Entry::of::<modify_cache_subnet_group::ModifyCacheSubnetGroup>(),
    Entry::of::<delete_cache_subnet_group::DeleteCacheSubnetGroup>(),
    Entry::of::<describe_cache_parameters::DescribeCacheParameters>(),
    Entry::of::<describe_engine_default_parameters::DescribeEngineDefaultParameters>(),
    Entry::of::<describe_cache_subnet_groups::DescribeCacheSubnetGroups>(),
];
