//! Calls and their answers.

use crate::{Host, refuses};

const CREATE: &str = "Action=CreateReplicationGroup&ReplicationGroupId=Web&ReplicationGroupDescription=x&Engine=valkey\
    &CacheNodeType=cache.t4g.micro&NumCacheClusters=2&AutomaticFailoverEnabled=true";

/// The text between two marks.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let from = text.find(from).map(|at| at + from.len()).unwrap_or_else(|| panic!("no {from} in {text}"));
    &text[from..from + text[from..].find(to).expect("an end")]
}

#[test]
fn a_group_is_described_as_it_comes_up() {
    let mut host = Host::new();
    let made = host.call(CREATE).unwrap();
    assert!(made.starts_with(
        "<CreateReplicationGroupResponse xmlns=\"http://elasticache.amazonaws.com/doc/2015-02-02/\">\
         <CreateReplicationGroupResult><ReplicationGroup><ReplicationGroupId>web</ReplicationGroupId>"
    ));
    assert_eq!(between(&made, "<Status>", "</Status>"), "creating");
    assert_eq!(
        between(&made, "<MemberClusters>", "</MemberClusters>"),
        "<ClusterId>web-001</ClusterId><ClusterId>web-002</ClusterId>"
    );
    assert!(!made.contains("PrimaryEndpoint"), "there is none while it is being made");
    host.settle("web");
    let seen = host.call("Action=DescribeReplicationGroups&ReplicationGroupId=WEB").unwrap();
    assert_eq!(between(&seen, "<Status>", "</Status>"), "available");
    assert_eq!(
        between(&seen, "<PrimaryEndpoint>", "</PrimaryEndpoint>"),
        "<Address>127.1.0.1</Address><Port>6379</Port>"
    );
    assert_eq!(
        between(&seen, "<NodeGroupMember>", "</NodeGroupMember>"),
        "<CacheClusterId>web-001</CacheClusterId><CacheNodeId>0001</CacheNodeId><ReadEndpoint>\
         <Address>127.1.0.3</Address><Port>6379</Port></ReadEndpoint>\
         <PreferredAvailabilityZone>us-east-1a</PreferredAvailabilityZone><CurrentRole>primary</CurrentRole>"
    );
}

#[test]
fn a_group_that_is_being_made_is_not_changed() {
    let mut host = Host::new();
    host.call(CREATE).unwrap();
    for form in [
        "Action=ModifyReplicationGroup&ReplicationGroupId=web&SnapshotRetentionLimit=1",
        "Action=DeleteReplicationGroup&ReplicationGroupId=web",
        "Action=IncreaseReplicaCount&ReplicationGroupId=web&NewReplicaCount=2&ApplyImmediately=true",
        "Action=TestFailover&ReplicationGroupId=web&NodeGroupId=0001",
    ] {
        refuses(&mut host, form, "InvalidReplicationGroupState", "creating");
    }
    refuses(&mut host, CREATE, "ReplicationGroupAlreadyExists", "web");
}

#[test]
fn failover_is_tested_as_often_as_the_quota_permits() {
    let mut host = Host::new();
    host.call(CREATE).unwrap();
    host.settle("web");
    for _ in 0..15 {
        host.call("Action=TestFailover&ReplicationGroupId=web&NodeGroupId=1").unwrap();
        host.settle("web");
    }
    let form = "Action=TestFailover&ReplicationGroupId=web&NodeGroupId=0001";
    refuses(&mut host, form, "APICallRateForCustomerExceeded", "15");
    host.now_ms += 24 * 60 * 60 * 1000;
    host.call(form).unwrap();
}

#[test]
fn new_members_take_the_lowest_names_and_the_emptiest_zones() {
    let mut host = Host::new();
    host.call(CREATE).unwrap();
    host.settle("web");
    let form = "Action=IncreaseReplicaCount&ReplicationGroupId=web&ApplyImmediately=true\
                &ReplicaConfiguration.ConfigureShard.1.NodeGroupId=0001\
                &ReplicaConfiguration.ConfigureShard.1.NewReplicaCount=3\
                &ReplicaConfiguration.ConfigureShard.1.PreferredAvailabilityZones.PreferredAvailabilityZone.1=us-east-1c\
                &ReplicaConfiguration.ConfigureShard.1.PreferredAvailabilityZones.PreferredAvailabilityZone.2=us-east-1c";
    let answer = host.call(form).unwrap();
    assert_eq!(between(&answer, "<Status>", "</Status>"), "modifying");
    host.settle("web");
    let clusters = host.call("Action=DescribeCacheClusters&CacheClusterId=web-004").unwrap();
    assert_eq!(between(&clusters, "<PreferredAvailabilityZone>", "<"), "us-east-1c");
    assert_eq!(between(&clusters, "<ReplicationGroupId>", "<"), "web");
}

#[test]
fn tags_have_a_quota_and_reserved_keys() {
    let mut host = Host::new();
    host.call(CREATE).unwrap();
    let arn = "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:web";
    let tags: String = (1..=50).map(|n| format!("&Tags.Tag.{n}.Key=k{n}&Tags.Tag.{n}.Value=v")).collect();
    host.call(&format!("Action=AddTagsToResource&ResourceName={arn}{tags}")).unwrap();
    let one_more = format!("Action=AddTagsToResource&ResourceName={arn}&Tags.Tag.1.Key=more");
    refuses(&mut host, &one_more, "TagQuotaPerResourceExceeded", "50");
    let reserved = format!("Action=AddTagsToResource&ResourceName={arn}&Tags.Tag.1.Key=AWS:x");
    refuses(&mut host, &reserved, "InvalidParameterValue", "aws:");
    let missing = format!("Action=RemoveTagsFromResource&ResourceName={arn}&TagKeys.member.1=none");
    refuses(&mut host, &missing, "TagNotFound", "none");
    let elsewhere = "Action=ListTagsForResource&ResourceName=arn:aws:elasticache:eu-west-1:000000000000:replicationgroup:web";
    refuses(&mut host, elsewhere, "InvalidARN", "eu-west-1");
}

#[test]
fn who_calls_is_the_root() {
    let answer = Host::new().call_of("sts", "Action=GetCallerIdentity&Version=2011-06-15").unwrap();
    assert_eq!(between(&answer, "<Arn>", "</Arn>"), "arn:aws:iam::000000000000:root");
}
