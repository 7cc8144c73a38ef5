//! No operation lets an error leave that it does not declare. Each fault is checked on its way out, in builds with debug
//! assertions: here calls are made of whatever parameters there are, in a region where something of each kind is.

use crate::Host;
use crate::list::required;
use aws_operations::Quotas;
use elasticache::SERVICE;
use proptest::prelude::*;
use proptest::sample::Index;

const GROUP: &str =
    "Action=CreateReplicationGroup&ReplicationGroupDescription=x&Engine=valkey&CacheNodeType=cache.t4g.micro";
const CLUSTER: &str = "Action=CreateCacheCluster&Engine=valkey&CacheNodeType=cache.t4g.micro&NumCacheNodes=1";

/// A group that is available, one that fails over by itself, one that is being made, one that is being deleted, and a cluster
/// whose name is that of a group's first member.
fn region() -> Host {
    let mut host = Host::new();
    let mut make = |form: &str| host.call(form).map(drop).expect("it is made");
    make(&format!("{GROUP}&ReplicationGroupId=web&NumCacheClusters=2"));
    make(&format!("{GROUP}&ReplicationGroupId=safe&NumCacheClusters=2&AutomaticFailoverEnabled=true"));
    make(&format!("{GROUP}&ReplicationGroupId=single&NumCacheClusters=1"));
    make(&format!("{GROUP}&ReplicationGroupId=early"));
    make(&format!("{CLUSTER}&CacheClusterId=free-001"));
    make(
        "Action=CreateCacheSubnetGroup&CacheSubnetGroupName=nets&CacheSubnetGroupDescription=x&SubnetIds.member.1=subnet-00000000",
    );
    make(&format!("{CLUSTER}&CacheClusterId=netted&CacheSubnetGroupName=nets"));
    for group in ["web", "safe", "single"] {
        host.settle(group);
    }
    host.call(&format!("{GROUP}&ReplicationGroupId=late")).expect("it is made");
    host.settle("late");
    host.call("Action=DeleteReplicationGroup&ReplicationGroupId=late").expect("it is being deleted");
    host
}

const ARN: &str = "arn:aws:elasticache:us-east-1:000000000000";

/// What a parameter of any name may be.
const VALUES: [&str; 32] = [
    "",
    "web",
    "safe",
    "single",
    "early",
    "late",
    "free",
    "free-001",
    "web-001",
    "web-002",
    "safe-001",
    "none",
    "0",
    "1",
    "2",
    "6",
    "true",
    "false",
    "0001",
    "0002",
    "valkey",
    "redis",
    "8.0",
    "7.0",
    "cache.t4g.micro",
    "cache.r7g.large",
    "default.valkey8",
    "default.redis7",
    "us-east-1a",
    "nets",
    "subnet-00000002",
    "sun:05:00-sun:06:00",
];

/// What else a `ResourceName` may be.
const RESOURCES: [&str; 15] = [
    "replicationgroup:web",
    "replicationgroup:early",
    "replicationgroup:none",
    "cluster:web-001",
    "cluster:free-001",
    "cluster:none",
    "parametergroup:default.valkey8",
    "parametergroup:none",
    "subnetgroup:default",
    "subnetgroup:nets",
    "subnetgroup:none",
    "snapshot:none",
    "user:none",
    "serverlesscache:none",
    "reserved-instance:none",
];

/// The usual way to call an operation, from which each call differs in a few parameters.
fn usual(operation: &str) -> String {
    let more = match operation {
        "CreateReplicationGroup" => "&CacheNodeType=cache.t4g.micro&Engine=valkey",
        "CreateCacheCluster" => "&CacheNodeType=cache.t4g.micro&Engine=valkey&NumCacheNodes=1",
        "IncreaseReplicaCount" => "&NewReplicaCount=2",
        "DecreaseReplicaCount" => "&NewReplicaCount=0",
        _ => "",
    };
    format!("{}{more}", required(operation))
}

/// A call with some parameters given, or given anew.
fn form(operation: &str, changes: &[(Index, Index)]) -> String {
    let declared = SERVICE.model.operation(operation).expect("an operation of the service");
    // What names the subject of a call decides the most, so it is changed more often.
    let required = std::iter::repeat_n(declared.required, 8).flatten();
    let names: Vec<&str> = required.chain(declared.optional).copied().collect();
    let mut parts: Vec<String> = usual(operation).split('&').skip(1).map(str::to_owned).collect();
    for (name, value) in changes.iter().filter(|_| !names.is_empty()) {
        let name = names[name.index(names.len())];
        parts.retain(|part| part.split(['=', '.']).next() != Some(name));
        parts.push(match name {
            "ResourceName" => format!("{name}={ARN}:{}", RESOURCES[value.index(RESOURCES.len())]),
            "Tags" => format!("Tags.Tag.1.Key={}", VALUES[value.index(VALUES.len())]),
            _ if name.ends_with('s') && !name.starts_with("Num") && !name.starts_with("Max") => {
                format!("{name}.member.1={}", VALUES[value.index(VALUES.len())])
            }
            _ => format!("{name}={}", VALUES[value.index(VALUES.len())]),
        });
    }
    format!("Action={operation}&{}", parts.join("&"))
}

#[test]
fn a_group_is_not_made_where_a_cluster_has_the_name_of_a_member() {
    let mut host = region();
    let fault = host.call(&format!("{GROUP}&ReplicationGroupId=free")).expect_err("a member's name is taken");
    assert_eq!(fault.code, "InvalidParameterValue");
    assert!(fault.message.contains("free-001"), "{fault}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_operation_lets_another_error_leave(
        changes in proptest::collection::vec(proptest::collection::vec(any::<(Index, Index)>(), 0..4), 16),
    ) {
        let host = region();
        for operation in SERVICE.operations {
            for changes in &changes {
                let mut host = Host { fleet: host.fleet.clone(), now_ms: host.now_ms, quotas: Quotas::default() };
                let _ = host.call(&form(operation.name(), changes));
            }
        }
    }
}
