//! ElastiCache's errors, by their codes on the wire: some end in `Fault` and some do not.
//!
//! Texts: those of not-found and wrong-state errors are as the service answers them (seen in issues of public tools); see each.

use aws_protocol::Fault;
pub(crate) use aws_protocol::Fault as Of;

/// 404. Text as the service answers.
pub(crate) fn replication_group_not_found(id: &str) -> Fault {
    Fault::sender("ReplicationGroupNotFoundFault", 404, format!("ReplicationGroup {id} not found."))
}

/// 404. Text as the service answers.
pub(crate) fn cache_cluster_not_found(id: &str) -> Fault {
    Fault::sender("CacheClusterNotFound", 404, format!("CacheCluster {id} not found."))
}

/// 404
pub(crate) fn node_group_not_found(id: &str, group: &str) -> Fault {
    let text = format!("Node group {id} not found in replication group {group}.");
    Fault::sender("NodeGroupNotFoundFault", 404, text)
}

/// 404. Text as the service answers.
pub(crate) fn parameter_group_not_found(name: &str) -> Fault {
    Fault::sender("CacheParameterGroupNotFound", 404, format!("CacheParameterGroup {name} not found."))
}

/// 400 in spite of its name. Text as the service answers.
pub(crate) fn subnet_group_not_found(name: &str) -> Fault {
    Fault::sender("CacheSubnetGroupNotFoundFault", 400, format!("Cache Subnet Group {name} does not exist."))
}

/// 400
pub(crate) fn replication_group_exists(id: &str) -> Fault {
    Fault::sender("ReplicationGroupAlreadyExists", 400, format!("Replication group {id} already exists."))
}

/// 400
pub(crate) fn cache_cluster_exists(id: &str) -> Fault {
    Fault::sender("CacheClusterAlreadyExists", 400, format!("Cache cluster {id} already exists."))
}

/// 400. Text as the service answers.
pub(crate) fn invalid_group_state(id: &str, status: &str) -> Fault {
    let text = format!("Replication group {id} is not in available state, it is in {status} state.");
    Fault::sender("InvalidReplicationGroupState", 400, text)
}

/// 400, of groups and clusters alike. Text as the service answers.
pub(crate) fn not_to_be_tagged() -> Fault {
    let text = "Cluster not in available state to perform tagging operations.";
    Fault::sender("InvalidReplicationGroupState", 400, text)
}

/// 400. Text as the service answers.
pub(crate) fn parameter_group_of_another_family(expected: &str, found: &str) -> Fault {
    let text = format!("Expected a parameter group of family {expected} but found one of family {found}");
    Fault::sender("InvalidParameterCombination", 400, text)
}

/// 400, with a text of its own.
pub(crate) fn invalid_group_state_because(text: impl Into<String>) -> Fault {
    Fault::sender("InvalidReplicationGroupState", 400, text)
}

/// 400, with a text of its own.
pub(crate) fn invalid_cluster_state(text: impl Into<String>) -> Fault {
    Fault::sender("InvalidCacheClusterState", 400, text)
}

/// 400
pub(crate) fn no_operation(text: impl Into<String>) -> Fault {
    Fault::sender("NoOperationFault", 400, text)
}

/// 400
pub(crate) fn node_quota_for_cluster(text: impl Into<String>) -> Fault {
    Fault::sender("NodeQuotaForClusterExceeded", 400, text)
}

/// 400
pub(crate) fn node_quota_for_customer(limit: usize) -> Fault {
    let text = format!("You have reached your quota of {limit} cache nodes in this region.");
    Fault::sender("NodeQuotaForCustomerExceeded", 400, text)
}

/// 400
pub(crate) fn test_failover_not_available(text: impl Into<String>) -> Fault {
    Fault::sender("TestFailoverNotAvailableFault", 400, text)
}

/// 400
pub(crate) fn invalid_arn(arn: &str) -> Fault {
    Fault::sender("InvalidARN", 400, format!("The ARN {arn} is not valid."))
}

/// 404
pub(crate) fn tag_not_found(key: &str) -> Fault {
    Fault::sender("TagNotFound", 404, format!("Tag {key} not found."))
}

/// 400
pub(crate) fn tag_quota() -> Fault {
    Fault::sender("TagQuotaPerResourceExceeded", 400, "A resource cannot have more than 50 tags.")
}

/// 400, `InvalidParameterValue`
pub(crate) fn value(text: impl Into<String>) -> Fault {
    Of::invalid_parameter_value(text)
}

/// 400, `InvalidParameterCombination`
pub(crate) fn combination(text: impl Into<String>) -> Fault {
    Of::invalid_parameter_combination(text)
}
