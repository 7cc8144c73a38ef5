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
    let modify = "Action=ModifyReplicationGroup&ReplicationGroupId=web&SnapshotRetentionLimit=1";
    let text = "Replication group must be in available state to modify.";
    refuses(&mut host, modify, "InvalidReplicationGroupState", text);
    for form in [
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
    host.settle("web");
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
    let unauthorized = "Unauthorized call. Please check the region or customer id";
    refuses(&mut host, elsewhere, "InvalidParameterValue", unauthorized);
    for (wrong, text) in [
        ("web", "Input ARN string does not have 7 components."),
        (&format!("{arn}:1"), "Input ARN string does not have 7 components."),
        (&arn.replace(":aws:", ":aws-cn:"), "partition field is wrong. Expected value is aws"),
        (
            &arn.replace(":elasticache:", ":memorydb:"),
            "service field is wrong. Expected value is elasticache",
        ),
        (&arn.replace(":replicationgroup:", ":group:"), "group:web is not valid."),
    ] {
        let form = format!("Action=ListTagsForResource&ResourceName={wrong}");
        refuses(&mut host, &form, "InvalidARN", text);
    }
}

#[test]
fn tags_of_a_group_are_its_members_too() {
    let mut host = Host::new();
    host.call(CREATE).unwrap();
    host.settle("web");
    let arn = |kind: &str, name: &str| format!("arn:aws:elasticache:us-east-1:000000000000:{kind}:{name}");
    let list = |host: &mut Host, arn: &str| {
        let answer = host.call(&format!("Action=ListTagsForResource&ResourceName={arn}")).unwrap();
        let (mut tags, mut rest) = (Vec::new(), answer.as_str());
        while let Some((_, from_key)) = rest.split_once("<Key>") {
            tags.push(from_key.split('<').next().unwrap().to_owned());
            rest = from_key;
        }
        tags.join(" ")
    };
    let (group, first) = (arn("replicationgroup", "web"), arn("cluster", "web-001"));
    host.call(&format!("Action=AddTagsToResource&ResourceName={first}&Tags.Tag.1.Key=own")).unwrap();
    host.call(&format!("Action=AddTagsToResource&ResourceName={group}&Tags.Tag.1.Key=a&Tags.Tag.2.Key=b"))
        .unwrap();
    assert_eq!(list(&mut host, &group), "a b");
    assert_eq!(list(&mut host, &first), "a b own");
    host.call(&format!("Action=RemoveTagsFromResource&ResourceName={group}&TagKeys.member.1=a")).unwrap();
    assert_eq!(list(&mut host, &first), "b own");
    assert_eq!(list(&mut host, &arn("cluster", "web-002")), "b");
    host.call("Action=IncreaseReplicaCount&ReplicationGroupId=web&NewReplicaCount=2&ApplyImmediately=true")
        .unwrap();
    for (action, extra) in [
        ("ListTagsForResource", ""),
        ("AddTagsToResource", "&Tags.Tag.1.Key=x"),
        ("RemoveTagsFromResource", "&TagKeys.member.1=b"),
    ] {
        let text = "Cluster not in available state to perform tagging operations.";
        let form = format!("Action={action}&ResourceName={group}{extra}");
        refuses(&mut host, &form, "InvalidReplicationGroupState", text);
        let form = format!("Action={action}&ResourceName={}{extra}", arn("cluster", "web-003"));
        refuses(&mut host, &form, "InvalidReplicationGroupState", text);
    }
    host.settle("web");
    assert_eq!(list(&mut host, &arn("cluster", "web-003")), "b");
    // A member has room for no more: then the group has none either.
    let many: String = (1..=47).map(|n| format!("&Tags.Tag.{n}.Key=m{n}")).collect();
    host.call(&format!("Action=AddTagsToResource&ResourceName={first}{many}")).unwrap();
    let more = format!("Action=AddTagsToResource&ResourceName={group}&Tags.Tag.1.Key=x&Tags.Tag.2.Key=y");
    refuses(&mut host, &more, "TagQuotaPerResourceExceeded", "50");
}

#[test]
fn tags_have_letters_digits_spaces_and_some_signs() {
    let mut host = Host::new();
    host.call(CREATE).unwrap();
    host.settle("web");
    let arn = "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:web";
    let add = |key: &str, value: &str| {
        format!("Action=AddTagsToResource&ResourceName={arn}&Tags.Tag.1.Key={key}&Tags.Tag.1.Value={value}")
    };
    host.call(&add("cost%20center_.%3A%2F%3D%2B-%40", "%C3%84%E5%80%A41")).unwrap();
    for (key, value) in [("a%21", "b"), ("a", "b%2A"), ("a%0A", "b"), ("a", "%3Cb%3E"), ("a%3B", "")] {
        refuses(&mut host, &add(key, value), "InvalidParameterValue", "letters, digits, spaces");
    }
}

#[test]
fn whatever_has_an_arn_can_be_asked_for_its_tags() {
    let mut host = Host::new();
    host.call(CREATE).unwrap();
    host.settle("web");
    let mut asked = 0;
    let lists = |name: &&str| {
        let declared = elasticache::SERVICE.model.operation(name).expect("an operation of the service");
        name.starts_with("Describe") && declared.required.is_empty()
    };
    let names = elasticache::SERVICE.operations.iter().map(|operation| operation.name());
    for name in names.filter(lists) {
        let answer = host.call(&format!("Action={name}")).unwrap();
        let mut rest = answer.as_str();
        while let Some((_, from_arn)) = rest.split_once("<ARN>") {
            let arn = from_arn.split('<').next().unwrap();
            host.call(&format!("Action=ListTagsForResource&ResourceName={arn}")).unwrap();
            (asked, rest) = (asked + 1, from_arn);
        }
    }
    // The group, its two members, the default parameter groups, a subnet group.
    assert_eq!(asked, 25);
    let arn = "arn:aws:elasticache:us-east-1:000000000000:parametergroup:default.valkey8";
    let add = format!("Action=AddTagsToResource&ResourceName={arn}&Tags.Tag.1.Key=x");
    refuses(&mut host, &add, "InvalidParameterValue", "not supported by Engram yet");
}

#[test]
fn a_parameter_group_is_of_the_family_of_its_version() {
    let mut host = Host::new();
    let create = |more: &str| format!("{CREATE}&CacheParameterGroupName={more}");
    let text = "Expected a parameter group of family valkey8 but found one of family redis7";
    refuses(&mut host, &create("default.redis7"), "InvalidParameterCombination", text);
    let text = "Expected a parameter group of family valkey8 but found one of family memcached1.6";
    refuses(&mut host, &create("default.memcached1.6"), "InvalidParameterCombination", text);
    refuses(&mut host, &create("default.valkey8.cluster.on"), "InvalidParameterValue", "Cluster mode");
    refuses(&mut host, &create("mine"), "CacheParameterGroupNotFound", "mine");
    let cluster = "Action=CreateCacheCluster&CacheClusterId=c&Engine=redis&CacheNodeType=cache.t4g.micro&NumCacheNodes=1";
    let text = "Expected a parameter group of family redis7 but found one of family valkey8";
    let form = format!("{cluster}&CacheParameterGroupName=default.valkey8");
    refuses(&mut host, &form, "InvalidParameterCombination", text);
    let text = "Cluster mode should be disabled in parameter group, but found it is enabled.";
    let form = format!("{cluster}&CacheParameterGroupName=default.redis7.cluster.on");
    refuses(&mut host, &form, "InvalidParameterCombination", text);
    host.call(&create("Default.Valkey8")).unwrap();
    host.settle("web");
    let text = "Expected a parameter group of family valkey8 but found one of family valkey7";
    let modify = "Action=ModifyReplicationGroup&ReplicationGroupId=web&ApplyImmediately=true&CacheParameterGroupName=default.valkey7";
    refuses(&mut host, modify, "InvalidParameterCombination", text);
}
