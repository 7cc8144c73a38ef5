//! ElastiCache's errors with their texts. Codes and statuses are the model's.
//!
//! Texts: those of not-found and wrong-state errors are as the service answers them (seen in issues of public tools); see each.

use crate::model;
use aws_protocol::Fault;
pub(crate) use aws_protocol::Fault as Of;

/// Text as the service answers.
pub(crate) fn replication_group_not_found(id: &str) -> Fault {
    model::ReplicationGroupNotFoundFault.because(format!("ReplicationGroup {id} not found."))
}

/// Text as the service answers, with the name as it was asked for.
pub(crate) fn cache_cluster_not_found(id: &str) -> Fault {
    model::CacheClusterNotFoundFault.because(format!("CacheCluster not found: {id}"))
}

pub(crate) fn node_group_not_found(id: &str, group: &str) -> Fault {
    let text = format!("Node group {id} not found in replication group {group}.");
    model::NodeGroupNotFoundFault.because(text)
}

pub(crate) fn no_addresses(endpoints: usize) -> Fault {
    let text = format!("This host has no addresses for {endpoints} more endpoints.");
    model::InsufficientCacheClusterCapacityFault.because(text)
}

/// Text as the service answers, to what describes the group.
pub(crate) fn no_such_parameter_group(name: &str) -> Fault {
    model::CacheParameterGroupNotFoundFault.because(format!("CacheParameterGroup {name} not found."))
}

/// Text as the service answers, to what wants to use or change the group.
pub(crate) fn parameter_group_not_found(name: &str) -> Fault {
    model::CacheParameterGroupNotFoundFault.because(format!("CacheParameterGroup not found: {name}"))
}

/// Text as the service answers, to what deletes the group. The missing space is the service's.
pub(crate) fn parameter_group_to_delete_not_found(name: &str) -> Fault {
    model::CacheParameterGroupNotFoundFault.because(format!("CacheParameterGroupnot found: {name}"))
}

/// Text as the service answers, to what lists or changes tags.
pub(crate) fn parameter_group_not_present(name: &str) -> Fault {
    model::CacheParameterGroupNotFoundFault.because(format!("{name} is not present"))
}

/// Text as the service answers.
pub(crate) fn parameter_group_exists(name: &str) -> Fault {
    let text = format!("Parameter group {name} already exists");
    model::CacheParameterGroupAlreadyExistsFault.because(text)
}

/// Text as the service answers.
pub(crate) fn no_such_family(family: &str) -> Fault {
    value(format!("CacheParameterGroupFamily {family} is not a valid parameter group family."))
}

/// Text as the service answers.
pub(crate) fn parameter_group_in_use(name: &str) -> Fault {
    model::InvalidCacheParameterGroupStateFault.because(format!(
        "One or more cache clusters are still members of this parameter group {name}, so the group cannot be deleted."
    ))
}

/// With a text of its own.
pub(crate) fn invalid_parameter_group_state(text: impl Into<String>) -> Fault {
    model::InvalidCacheParameterGroupStateFault.because(text)
}

/// Text as the service answers, to what describes or changes the group.
pub(crate) fn no_such_subnet_group(name: &str) -> Fault {
    model::CacheSubnetGroupNotFoundFault.because(format!("Cache subnet group {name} not found."))
}

/// Text as the service answers.
pub(crate) fn subnet_group_exists(name: &str) -> Fault {
    let text = format!("Cache subnet group {name} already exists.");
    model::CacheSubnetGroupAlreadyExistsFault.because(text)
}

/// Text as the service answers.
pub(crate) fn subnet_group_in_use(name: &str) -> Fault {
    let text = format!("Cache subnet group {name} is currently in use by a cache cluster.");
    model::CacheSubnetGroupInUse.because(text)
}

pub(crate) fn subnet_in_use(zone: &str, member: &str) -> Fault {
    let text = format!("The subnets of {zone} cannot be removed: the cache cluster {member} is in them.");
    model::SubnetInUse.because(text)
}

/// Text as the service answers, to what deletes the group or wants to be in it.
pub(crate) fn subnet_group_not_found(name: &str) -> Fault {
    model::CacheSubnetGroupNotFoundFault.because(format!("Cache Subnet Group {name} does not exist."))
}

pub(crate) fn replication_group_exists(id: &str) -> Fault {
    model::ReplicationGroupAlreadyExistsFault.because(format!("Replication group {id} already exists."))
}

pub(crate) fn cache_cluster_exists(id: &str) -> Fault {
    model::CacheClusterAlreadyExistsFault.because(format!("Cache cluster {id} already exists."))
}

/// Text as the service answers.
pub(crate) fn invalid_group_state(id: &str, status: &str) -> Fault {
    let text = format!("Replication group {id} is not in available state, it is in {status} state.");
    model::InvalidReplicationGroupStateFault.because(text)
}

/// Text as the service answers, to what modifies the group.
pub(crate) fn group_not_to_be_modified() -> Fault {
    let text = "Replication group must be in available state to modify.";
    model::InvalidReplicationGroupStateFault.because(text)
}

/// Of groups and clusters alike. Text as the service answers.
pub(crate) fn not_to_be_tagged() -> Fault {
    let text = "Cluster not in available state to perform tagging operations.";
    model::InvalidReplicationGroupStateFault.because(text)
}

/// Text as the service answers.
pub(crate) fn parameter_group_of_another_family(expected: &str, found: &str) -> Fault {
    let text = format!("Expected a parameter group of family {expected} but found one of family {found}");
    combination(text)
}

/// With a text of its own.
pub(crate) fn invalid_group_state_because(text: impl Into<String>) -> Fault {
    model::InvalidReplicationGroupStateFault.because(text)
}

/// With a text of its own.
pub(crate) fn invalid_cluster_state(text: impl Into<String>) -> Fault {
    model::InvalidCacheClusterStateFault.because(text)
}

pub(crate) fn no_operation(text: impl Into<String>) -> Fault {
    model::NoOperationFault.because(text)
}

pub(crate) fn test_failover_not_available(text: impl Into<String>) -> Fault {
    model::TestFailoverNotAvailableFault.because(text)
}

/// With a text of its own.
pub(crate) fn invalid_arn(text: impl Into<String>) -> Fault {
    model::InvalidARNFault.because(text)
}

pub(crate) fn tag_not_found(key: &str) -> Fault {
    model::TagNotFoundFault.because(format!("Tag {key} not found."))
}

/// `InvalidParameterValue`
pub(crate) fn value(text: impl Into<String>) -> Fault {
    Of::invalid_parameter_value(text)
}

/// `InvalidParameterCombination`
pub(crate) fn combination(text: impl Into<String>) -> Fault {
    Of::invalid_parameter_combination(text)
}
