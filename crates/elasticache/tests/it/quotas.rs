//! Each quota at its limit and beyond, with AWS's limits and with others.

use crate::subnet_groups::create;
use crate::{Host, refuses};
use elasticache::SERVICE;
use fleet::{DeploymentId, Fleet};

const GROUP: &str =
    "Action=CreateReplicationGroup&ReplicationGroupDescription=x&Engine=valkey&CacheNodeType=cache.t4g.micro";

/// A quota, what AWS permits, and how to ask for a number of what it counts: a call that leads to just so many.
struct Case {
    name: &'static str,
    default: usize,
    code: &'static str,
    text: &'static str,
    /// Brings a region to where the call is the next.
    before: fn(&mut Host, usize),
    call: fn(usize) -> String,
}

fn settle(host: &mut Host, group: &str) {
    if host.fleet.deployment(crate::REGION, &DeploymentId::Group(group.into())).is_some() {
        host.settle(group);
    }
}

fn nothing(_: &mut Host, _: usize) {}

/// A group of so many members, but for one. Groups of few members each make many nodes.
fn group(host: &mut Host, members: usize) {
    host.call(&format!("{GROUP}&ReplicationGroupId=web&NumCacheClusters={}", members - 1)).unwrap();
    settle(host, "web");
}

const CASES: [Case; 11] = [
    Case {
        name: "nodes-per-region",
        default: 300,
        code: "NodeQuotaForCustomerExceeded",
        text: "Customer node quota exceeded. You can have at most {} nodes in this region",
        before: |host, count| {
            for number in 1..count {
                let form = format!("{GROUP}&ReplicationGroupId=g{number}&NumCacheClusters=1");
                host.call(&form).unwrap();
            }
        },
        call: |_| format!("{GROUP}&ReplicationGroupId=last&NumCacheClusters=1"),
    },
    Case {
        name: "nodes-per-cluster",
        default: 90,
        code: "NodeQuotaForClusterExceeded",
        text: "Cluster node quota exceeded. Each cluster can have at most {} nodes in this region.",
        before: |host, count| {
            allow(host, "nodes-per-shard", 1_000);
            group(host, count);
        },
        call: |_| "Action=CreateCacheCluster&CacheClusterId=last&ReplicationGroupId=web".into(),
    },
    Case {
        name: "nodes-per-cluster",
        default: 90,
        code: "NodeQuotaForClusterExceeded",
        text: "Cluster node quota exceeded. Each cluster can have at most {} nodes in this region.",
        before: |host, _| allow(host, "nodes-per-shard", 1_000),
        call: |count| format!("{GROUP}&ReplicationGroupId=web&NumCacheClusters={count}"),
    },
    Case {
        name: "nodes-per-cluster",
        default: 90,
        code: "InvalidParameterValue",
        text: "Cluster node quota exceeded. Each cluster can have at most {} nodes in this region.",
        before: |host, count| {
            allow(host, "nodes-per-shard", 1_000);
            group(host, count);
        },
        call: |count| {
            let replicas = count - 1;
            format!(
                "Action=IncreaseReplicaCount&ReplicationGroupId=web&NewReplicaCount={replicas}&ApplyImmediately=true"
            )
        },
    },
    Case {
        name: "nodes-per-shard",
        default: 6,
        code: "NodeQuotaForClusterExceeded",
        text: "Shard node quota exceeded. Each shard can have at most {} nodes in this region.",
        before: group,
        call: |_| "Action=CreateCacheCluster&CacheClusterId=last&ReplicationGroupId=web".into(),
    },
    Case {
        name: "parameter-groups",
        default: 300,
        code: "CacheParameterGroupQuotaExceeded",
        text: "You have reached your quota of {} cache parameter groups in this region.",
        before: |host, count| {
            for number in 1..count {
                host.call(&parameter_group(&format!("g{number}"))).unwrap();
            }
        },
        call: |_| parameter_group("last"),
    },
    Case {
        name: "subnet-groups",
        default: 300,
        code: "CacheSubnetGroupQuotaExceeded",
        text: "You have reached your quota of {} cache subnet groups in this region.",
        before: |host, count| {
            // The default group is one of them.
            for number in 2..count {
                host.call(&create(&format!("g{number}"), &["subnet-00000001"])).unwrap();
            }
        },
        call: |_| create("last", &["subnet-00000001"]),
    },
    Case {
        name: "subnets-per-group",
        default: 20,
        code: "CacheSubnetQuotaExceededFault",
        text: "A cache subnet group cannot have more than {} subnets.",
        before: nothing,
        // Each counts once.
        call: |count| {
            create("nets", &ids(count).iter().chain(&ids(count)).map(String::as_str).collect::<Vec<_>>())
        },
    },
    Case {
        name: "tags-per-resource",
        default: 50,
        code: "TagQuotaPerResourceExceeded",
        text: "A resource cannot have more than {} tags.",
        before: nothing,
        call: |count| format!("{GROUP}&ReplicationGroupId=web{}", tags(0..count)),
    },
    Case {
        name: "tags-per-resource",
        default: 50,
        code: "TagQuotaPerResourceExceeded",
        text: "A resource cannot have more than {} tags.",
        before: |host, count| {
            host.call(&format!("{GROUP}&ReplicationGroupId=web{}", tags(0..count - 1))).unwrap();
            settle(host, "web");
        },
        call: |count| {
            let arn = "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:web";
            format!("Action=AddTagsToResource&ResourceName={arn}{}", tags(count - 1..count))
        },
    },
    Case {
        name: "failover-tests-per-day",
        default: 15,
        code: "APICallRateForCustomerExceeded",
        text: "The TestFailover API can be called for up to {} node groups in 24 hours.",
        before: |host, count| {
            let form =
                format!("{GROUP}&ReplicationGroupId=web&NumCacheClusters=2&AutomaticFailoverEnabled=true");
            host.call(&form).unwrap();
            settle(host, "web");
            for _ in 1..count {
                host.call("Action=TestFailover&ReplicationGroupId=web&NodeGroupId=0001").unwrap();
                settle(host, "web");
            }
        },
        call: |_| "Action=TestFailover&ReplicationGroupId=web&NodeGroupId=0001".into(),
    },
];

fn parameter_group(name: &str) -> String {
    format!(
        "Action=CreateCacheParameterGroup&CacheParameterGroupName={name}&CacheParameterGroupFamily=valkey8&Description=x"
    )
}

fn ids(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("subnet-{number:08x}")).collect()
}

fn tags(numbers: std::ops::Range<usize>) -> String {
    numbers.enumerate().map(|(at, number)| format!("&Tags.Tag.{}.Key=k{number}", at + 1)).collect()
}

fn allow(host: &mut Host, name: &str, limit: usize) {
    let quota = SERVICE.quotas.iter().find(|quota| quota.name == name).expect(name);
    host.quotas.set(quota, limit);
}

#[test]
fn each_holds_at_its_limit_and_not_beyond() {
    for case in CASES {
        for limit in [case.default, 3, 8] {
            let host = || {
                let mut host = Host::new();
                if limit != case.default {
                    allow(&mut host, case.name, limit);
                }
                host
            };
            let mut at = host();
            (case.before)(&mut at, limit);
            let form = (case.call)(limit);
            at.call(&form).unwrap_or_else(|fault| panic!("{} at {limit}: {fault}", case.name));
            // The way to the limit is open; what leads beyond it is refused.
            let mut beyond = host();
            (case.before)(&mut beyond, limit + 1);
            refuses(
                &mut beyond,
                &(case.call)(limit + 1),
                case.code,
                &case.text.replace("{}", &limit.to_string()),
            );
        }
    }
}

#[test]
fn each_has_a_case_and_the_services_default() {
    for quota in SERVICE.quotas {
        let case = CASES.iter().find(|case| case.name == quota.name);
        let case = case.unwrap_or_else(|| panic!("{} has no case", quota.name));
        assert_eq!((quota.default, quota.error.code, quota.text), (case.default, case.code, case.text));
        assert!(!quota.counts.is_empty());
    }
}

#[test]
fn a_lower_limit_leaves_what_is_there_and_lets_it_be_changed() {
    let mut host = Host::new();
    group(&mut host, 4);
    let before: Fleet = host.fleet.clone();
    for name in ["nodes-per-region", "nodes-per-cluster", "nodes-per-shard"] {
        allow(&mut host, name, 2);
    }
    refuses(
        &mut host,
        "Action=IncreaseReplicaCount&ReplicationGroupId=web&NewReplicaCount=3&ApplyImmediately=true",
        "InvalidParameterValue",
        "The number of replicas per node group must be within 0 and 1.",
    );
    assert_eq!(host.fleet, before);
    host.call("Action=ModifyReplicationGroup&ReplicationGroupId=web&ReplicationGroupDescription=y").unwrap();
    host.call("Action=DecreaseReplicaCount&ReplicationGroupId=web&NewReplicaCount=1&ApplyImmediately=true")
        .unwrap();
    assert!(host.fleet != before);
}
