//! The list of operations as data.

use crate::{Host, refuses};
use elasticache::{OPERATIONS, Service};
use std::collections::BTreeSet;

/// What each operation cannot do without, with values that pass the decoder.
const REQUIRED: [(&str, &str); 12] = [
    ("CreateReplicationGroup", "&ReplicationGroupId=a&ReplicationGroupDescription=b"),
    ("ModifyReplicationGroup", "&ReplicationGroupId=a"),
    ("DeleteReplicationGroup", "&ReplicationGroupId=a"),
    ("IncreaseReplicaCount", "&ReplicationGroupId=a&ApplyImmediately=true"),
    ("DecreaseReplicaCount", "&ReplicationGroupId=a&ApplyImmediately=true"),
    ("TestFailover", "&ReplicationGroupId=a&NodeGroupId=0001"),
    ("CreateCacheCluster", "&CacheClusterId=a"),
    ("ModifyCacheCluster", "&CacheClusterId=a"),
    ("RebootCacheCluster", "&CacheClusterId=a&CacheNodeIdsToReboot.CacheNodeId.1=0001"),
    ("DeleteCacheCluster", "&CacheClusterId=a"),
    ("AddTagsToResource", "&ResourceName=a&Tags.Tag.1.Key=k"),
    ("RemoveTagsFromResource", "&ResourceName=a&TagKeys.member.1=k"),
];

#[test]
fn each_is_there_once() {
    let names: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.name()).collect();
    assert_eq!(names.len(), OPERATIONS.len());
    assert!(REQUIRED.iter().all(|(name, _)| names.contains(name)));
}

#[test]
fn each_refuses_what_it_does_not_know_and_asks_for_what_it_needs() {
    for operation in OPERATIONS.iter().filter(|operation| operation.service() == Service::ElastiCache) {
        let name = operation.name();
        let required = REQUIRED.iter().find(|(of, _)| *of == name).map_or("", |(_, form)| form);
        let required = if name == "ListTagsForResource" { "&ResourceName=a" } else { required };
        refuses(
            &mut Host::new(),
            &format!("Action={name}{required}&Nonsense=1"),
            "UnknownParameter",
            "Nonsense",
        );
        if !required.is_empty() {
            refuses(&mut Host::new(), &format!("Action={name}"), "InvalidParameterValue", "must be provided");
        }
    }
}

#[test]
fn what_is_not_in_it_is_no_action() {
    refuses(&mut Host::new(), "Action=Fly", "InvalidAction", "Could not find operation Fly");
    refuses(&mut Host::new(), "Action=CreateSnapshot", "NotImplemented", "CreateSnapshot is not supported");
    let mut host = Host::new();
    let fault =
        host.call_of("sts", "Action=DescribeEvents&Version=2011-06-15").expect_err("of another service");
    assert_eq!(fault.code, "InvalidAction");
    let fault = host.call_of("s3", "Action=ListBuckets&Version=2006-03-01").expect_err("no service of ours");
    assert_eq!(fault.code, "InvalidAction");
}
