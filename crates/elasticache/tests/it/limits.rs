//! The limits of parameters, each where it ends and one step beyond. Quotas are in `quotas`, node types in `node_types`.

use crate::subnet_groups::create;
use crate::{Host, refuses};
use fleet::{AddressPool, Fleet};

const GROUP: &str = "Action=CreateReplicationGroup&Engine=valkey&CacheNodeType=cache.t4g.micro";
const CLUSTER: &str = "Action=CreateCacheCluster&CacheNodeType=cache.t4g.micro&Engine=valkey";

/// A group that is available, with two members and automatic failover off.
fn region() -> Host {
    let mut host = Host::new();
    host.call(&group("web", "x", "&NumCacheClusters=2")).unwrap();
    host.settle("web");
    host
}

fn group(id: &str, description: &str, more: &str) -> String {
    format!("{GROUP}&ReplicationGroupId={id}&ReplicationGroupDescription={description}{more}")
}

fn made(more: &str) -> String {
    group("new", "x", more)
}

fn modify(more: &str) -> String {
    format!("Action=ModifyReplicationGroup&ReplicationGroupId=web{more}")
}

fn cluster(id: &str, more: &str) -> String {
    format!("{CLUSTER}&CacheClusterId={id}{more}")
}

fn replicas(operation: &str, count: i32) -> String {
    format!("Action={operation}&ReplicationGroupId=web&NewReplicaCount={count}&ApplyImmediately=true")
}

fn tag(key: &str, value: &str) -> String {
    made(&format!("&Tags.Tag.1.Key={key}&Tags.Tag.1.Value={value}"))
}

fn long(length: usize) -> String {
    "a".repeat(length)
}

/// Calls that are within a limit and just beyond it, and the text that refuses the latter.
#[test]
fn each_holds_where_it_ends_and_not_beyond() {
    let cases: &[(&str, Vec<String>, Vec<String>)] = &[
        (
            "The number of cache clusters must be between 1 and 6",
            vec![made("&NumCacheClusters=1"), made("&NumCacheClusters=6")],
            vec![made("&NumCacheClusters=0"), made("&NumCacheClusters=7")],
        ),
        (
            "The number of replicas per node group must be within 0 and 5.",
            vec![
                made("&ReplicasPerNodeGroup=0"),
                made("&ReplicasPerNodeGroup=5"),
                replicas("IncreaseReplicaCount", 5),
            ],
            vec![
                made("&ReplicasPerNodeGroup=-1"),
                made("&ReplicasPerNodeGroup=6"),
                made("&NodeGroupConfiguration.NodeGroupConfiguration.1.ReplicaCount=6"),
                replicas("IncreaseReplicaCount", 6),
            ],
        ),
        (
            "The number of replicas -1 is not valid.",
            vec![replicas("DecreaseReplicaCount", 0)],
            vec![replicas("DecreaseReplicaCount", -1)],
        ),
        (
            "It must be between 0 and 35.",
            [0, 35].iter().flat_map(|days| retentions(*days)).collect(),
            [-1, 36].iter().flat_map(|days| retentions(*days)).collect(),
        ),
        (
            "It must be between 1 and 65535.",
            vec![made("&Port=1"), made("&Port=65535"), cluster("lone", "&NumCacheNodes=1&Port=65535")],
            vec![made("&Port=0"), made("&Port=65536"), cluster("lone", "&NumCacheNodes=1&Port=65536")],
        ),
        (
            "NumCacheNodes should be 1 if engine is valkey",
            vec![cluster("lone", "&NumCacheNodes=1")],
            vec![cluster("lone", "&NumCacheNodes=0"), cluster("lone", "&NumCacheNodes=2")],
        ),
        (
            "must not be longer than 40 characters.",
            vec![group(&long(40), "x", "")],
            vec![group(&long(41), "x", "")],
        ),
        (
            "must not be longer than 50 characters.",
            vec![cluster(&long(50), "&NumCacheNodes=1")],
            vec![cluster(&long(51), "&NumCacheNodes=1")],
        ),
        (
            "must not be longer than 255 characters.",
            vec![
                group("new", &long(255), ""),
                modify(&format!("&ReplicationGroupDescription={}", long(255))),
                create(&long(255), &["subnet-00000001"]),
            ],
            vec![
                group("new", &long(256), ""),
                modify(&format!("&ReplicationGroupDescription={}", long(256))),
                create(&long(256), &["subnet-00000001"]),
            ],
        ),
        (
            "must be at least 60 minutes.",
            vec![
                made("&PreferredMaintenanceWindow=mon:05:00-mon:06:00"),
                made("&SnapshotWindow=23:30-00:30"),
                modify("&SnapshotWindow=12:00-13:00"),
            ],
            vec![
                made("&PreferredMaintenanceWindow=mon:05:00-mon:05:59"),
                made("&SnapshotWindow=23:30-00:29"),
                modify("&SnapshotWindow=12:00-12:59"),
            ],
        ),
        (
            "The snapshot window and maintenance window must not overlap.",
            vec![made("&PreferredMaintenanceWindow=mon:05:00-mon:06:00&SnapshotWindow=06:00-07:00")],
            vec![made("&PreferredMaintenanceWindow=mon:05:00-mon:06:00&SnapshotWindow=05:59-06:59")],
        ),
        (
            "it has 1 to 128 characters.",
            vec![tag("k", ""), tag(&long(128), "")],
            vec![tag("", ""), tag(&long(129), "")],
        ),
        ("it has up to 256 characters.", vec![tag("k", &long(256))], vec![tag("k", &long(257))]),
        (
            "it has 1 to 4 digits.",
            vec![],
            vec!["Action=TestFailover&ReplicationGroupId=web&NodeGroupId=00001".into()],
        ),
        ("Must be between 20 and 100", pages(&[20, 100]), pages(&[19, 101])),
        (
            "Must be between 0 and 20160 minutes.",
            vec!["Action=DescribeEvents&Duration=0".into(), "Action=DescribeEvents&Duration=20160".into()],
            vec!["Action=DescribeEvents&Duration=-1".into(), "Action=DescribeEvents&Duration=20161".into()],
        ),
    ];
    for (text, within, beyond) in cases {
        for form in within {
            region().call(form).unwrap_or_else(|fault| panic!("{form}: {fault}"));
        }
        for form in beyond {
            refuses(&mut region(), form, "InvalidParameterValue", text);
        }
    }
}

fn retentions(days: i32) -> [String; 3] {
    let limit = format!("&SnapshotRetentionLimit={days}");
    [
        made(&limit),
        modify(&format!("{limit}&SnapshottingClusterId=web-001")),
        cluster("lone", &format!("&NumCacheNodes=1{limit}")),
    ]
}

/// Whatever comes in pages.
fn pages(sizes: &[i32]) -> Vec<String> {
    let operations = [
        "DescribeReplicationGroups",
        "DescribeCacheClusters",
        "DescribeCacheSubnetGroups",
        "DescribeCacheParameterGroups",
        "DescribeCacheEngineVersions",
        "DescribeEvents",
    ];
    let form = |operation: &str| {
        sizes.iter().map(|size| format!("Action={operation}&MaxRecords={size}")).collect::<Vec<_>>()
    };
    operations.into_iter().flat_map(form).collect()
}

#[test]
fn more_endpoints_than_the_host_has_addresses_for_are_refused() {
    let mut host = Host::new();
    host.fleet = Fleet::new(AddressPool::Ports { ip: [10, 0, 0, 1].into(), first: 65_529, last: 0 });
    let refused = |host: &mut Host, form: &str, more: usize| {
        let text = format!("This host has no addresses for {more} more endpoints.");
        refuses(host, form, "InsufficientCacheClusterCapacity", &text);
    };
    host.call(&group("web", "x", "&NumCacheClusters=2")).unwrap();
    host.settle("web");
    refused(&mut host, &made("&NumCacheClusters=2"), 4);
    let more = "Action=IncreaseReplicaCount&ReplicationGroupId=web&ApplyImmediately=true&NewReplicaCount";
    refused(&mut host, &format!("{more}=5"), 4);
    host.call(&format!("{more}=3")).unwrap();
    host.settle("web");
    host.call(&cluster("alone", "&NumCacheNodes=1")).unwrap();
    refused(&mut host, &cluster("second", "&NumCacheNodes=1"), 1);
    refused(&mut host, "Action=CreateCacheCluster&CacheClusterId=third&ReplicationGroupId=web", 1);
}
