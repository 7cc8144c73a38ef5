//! Subnet groups, and what is in them.

use crate::{Host, refuses};

const GROUP: &str = "Action=CreateReplicationGroup&ReplicationGroupId=web&ReplicationGroupDescription=x&Engine=valkey\
    &CacheNodeType=cache.t4g.micro&CacheSubnetGroupName=Nets";

pub(crate) fn create(name: &str, subnets: &[&str]) -> String {
    format!(
        "Action=CreateCacheSubnetGroup&CacheSubnetGroupName={name}&CacheSubnetGroupDescription=x{}",
        ids(subnets)
    )
}

fn modify(subnets: &[&str]) -> String {
    format!("Action=ModifyCacheSubnetGroup&CacheSubnetGroupName=nets{}", ids(subnets))
}

fn ids(subnets: &[&str]) -> String {
    let one = |(at, id): (usize, &&str)| format!("&SubnetIds.SubnetIdentifier.{}={id}", at + 1);
    subnets.iter().enumerate().map(one).collect()
}

#[test]
fn a_group_is_made_changed_and_deleted() {
    let mut host = Host::new();
    let made = host.call(&create("Nets", &["subnet-00000001", "subnet-00000002"])).unwrap();
    let shown = "<CacheSubnetGroup><CacheSubnetGroupName>nets</CacheSubnetGroupName>\
         <CacheSubnetGroupDescription>x</CacheSubnetGroupDescription><VpcId>vpc-00000000</VpcId><Subnets>\
         <Subnet><SubnetIdentifier>subnet-00000001</SubnetIdentifier><SubnetAvailabilityZone><Name>us-east-1b</Name>\
         </SubnetAvailabilityZone><SupportedNetworkTypes><member>ipv4</member></SupportedNetworkTypes></Subnet>";
    assert!(made.contains(shown), "{made}");
    assert!(
        made.contains("<ARN>arn:aws:elasticache:us-east-1:000000000000:subnetgroup:nets</ARN>"),
        "{made}"
    );
    refuses(
        &mut host,
        &create("nets", &["subnet-00000001"]),
        "CacheSubnetGroupAlreadyExists",
        "nets already exists.",
    );
    refuses(&mut host, &create("default", &["subnet-00000001"]), "CacheSubnetGroupAlreadyExists", "default");
    let changed =
        host.call(&format!("{}&CacheSubnetGroupDescription=y", modify(&["subnet-00000003"]))).unwrap();
    assert!(
        changed.contains(">y</CacheSubnetGroupDescription>") && changed.contains("<Name>us-east-1a</Name>")
    );
    assert!(!changed.contains("us-east-1b"), "the subnets are replaced: {changed}");
    host.call("Action=DeleteCacheSubnetGroup&CacheSubnetGroupName=NETS").unwrap();
    let gone = "Action=DescribeCacheSubnetGroups&CacheSubnetGroupName=nets";
    refuses(&mut host, gone, "CacheSubnetGroupNotFoundFault", "Cache subnet group nets not found.");
    assert_eq!(host.call(gone).unwrap_err().shape.map(|shape| shape.status), Some(400));
    refuses(&mut host, &modify(&[]), "CacheSubnetGroupNotFoundFault", "Cache subnet group nets not found.");
    let delete = "Action=DeleteCacheSubnetGroup&CacheSubnetGroupName=nets";
    refuses(&mut host, delete, "CacheSubnetGroupNotFoundFault", "Cache Subnet Group nets does not exist.");
    let default = "Action=DeleteCacheSubnetGroup&CacheSubnetGroupName=default";
    refuses(&mut host, default, "InvalidParameterValue", "cannot be deleted");
}

#[test]
fn wrong_names_descriptions_and_subnets_are_told() {
    let mut host = Host::new();
    for name in ["1a", "a_b", "a-", "a--b", &"a".repeat(256)] {
        refuses(
            &mut host,
            &create(name, &["subnet-00000001"]),
            "InvalidParameterValue",
            "CacheSubnetGroupName",
        );
    }
    host.call(&create(&"a".repeat(255), &["subnet-00000001"])).unwrap();
    let text = "Some input subnets in :[subnet-1] are invalid.";
    refuses(&mut host, &create("nets", &["subnet-1", "subnet-00000001"]), "InvalidParameterValue", text);
    let form = create("nets", &["subnet-00000001"])
        .replace("Description=x", &format!("Description={}", "x".repeat(256)));
    refuses(&mut host, &form, "InvalidParameterValue", "CacheSubnetGroupDescription");
    let names: Vec<String> = (0..21).map(|number| format!("subnet-{number:08}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    refuses(&mut host, &create("nets", &all), "CacheSubnetQuotaExceededFault", "20");
    host.call(&create("nets", &all[..20])).unwrap();
    refuses(&mut host, &modify(&all), "CacheSubnetQuotaExceededFault", "20");
}

#[test]
fn there_are_as_many_groups_as_the_quota_permits_and_they_come_in_pages() {
    let mut host = Host::new();
    for number in 1..300 {
        host.call(&create(&format!("g{number:03}"), &["subnet-00000001"])).unwrap();
    }
    refuses(&mut host, &create("more", &["subnet-00000001"]), "CacheSubnetGroupQuotaExceeded", "300");
    let (mut seen, mut marker) = (0, String::new());
    loop {
        let page = host.call(&format!("Action=DescribeCacheSubnetGroups{marker}")).unwrap();
        seen += page.matches("<CacheSubnetGroup>").count();
        let Some((_, rest)) = page.split_once("<Marker>") else { break };
        marker = format!("&Marker={}", rest.split('<').next().unwrap());
    }
    assert_eq!(seen, 300, "the default group and those that were made");
}

#[test]
fn members_are_in_the_zones_of_their_group() {
    let mut host = Host::new();
    refuses(&mut host, GROUP, "CacheSubnetGroupNotFoundFault", "Cache Subnet Group nets does not exist.");
    host.call(&create("nets", &["subnet-00000001", "subnet-00000002"])).unwrap();
    let elsewhere =
        format!("{GROUP}&NumCacheClusters=1&PreferredCacheClusterAZs.AvailabilityZone.1=us-east-1a");
    refuses(&mut host, &elsewhere, "InvalidParameterValue", "us-east-1a");
    host.call(&format!("{GROUP}&NumCacheClusters=2")).unwrap();
    host.settle("web");
    host.call("Action=IncreaseReplicaCount&ReplicationGroupId=web&NewReplicaCount=2&ApplyImmediately=true")
        .unwrap();
    host.settle("web");
    let clusters = host.call("Action=DescribeCacheClusters").unwrap();
    assert_eq!(clusters.matches("<CacheSubnetGroupName>nets</CacheSubnetGroupName>").count(), 3);
    let groups = host.call("Action=DescribeReplicationGroups").unwrap();
    let zones = |zone: &str| groups.matches(&format!("<PreferredAvailabilityZone>us-east-1{zone}<")).count();
    assert_eq!((zones("a"), zones("b"), zones("c")), (0, 2, 1));
    refuses(&mut host, &modify(&["subnet-00000001"]), "SubnetInUse", "us-east-1c");
    let delete = "Action=DeleteCacheSubnetGroup&CacheSubnetGroupName=nets";
    refuses(
        &mut host,
        delete,
        "CacheSubnetGroupInUse",
        "Cache subnet group nets is currently in use by a cache cluster.",
    );
}

#[test]
fn groups_have_tags_the_default_one_too() {
    let mut host = Host::new();
    host.call(&format!("{}&Tags.Tag.1.Key=team&Tags.Tag.1.Value=a", create("nets", &["subnet-00000001"])))
        .unwrap();
    for (name, before) in [("nets", 1), ("default", 0)] {
        let arn = format!("ResourceName=arn:aws:elasticache:us-east-1:000000000000:subnetgroup:{name}");
        let added = host
            .call(&format!("Action=AddTagsToResource&{arn}&Tags.Tag.1.Key=k&Tags.Tag.1.Value=v"))
            .unwrap();
        assert_eq!(added.matches("<Tag>").count(), before + 1);
        let removed = host.call(&format!("Action=RemoveTagsFromResource&{arn}&TagKeys.member.1=k")).unwrap();
        assert_eq!(removed.matches("<Tag>").count(), before);
        refuses(
            &mut host,
            &format!("Action=RemoveTagsFromResource&{arn}&TagKeys.member.1=k"),
            "TagNotFound",
            "k",
        );
        let more: String = (0..51).map(|n| format!("&Tags.Tag.{}.Key=k{n}", n + 1)).collect();
        refuses(
            &mut host,
            &format!("Action=AddTagsToResource&{arn}{more}"),
            "TagQuotaPerResourceExceeded",
            "50",
        );
    }
}
