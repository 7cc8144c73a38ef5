//! Which node types clusters and groups can have, and change to.

use crate::{Host, refuses};
use elasticache::catalogue::{self, Since};
use fleet::DeploymentId;

fn group(engine: &str, node_type: &str) -> String {
    format!(
        "Action=CreateReplicationGroup&ReplicationGroupId=web&ReplicationGroupDescription=x&NumCacheClusters=1&Engine={engine}\
         &CacheNodeType={node_type}"
    )
}

fn cluster(engine: &str, node_type: &str) -> String {
    format!(
        "Action=CreateCacheCluster&CacheClusterId=lone&NumCacheNodes=1&Engine={engine}&CacheNodeType={node_type}"
    )
}

/// What refuses a type, by the catalogue.
fn refusal(engine: &str, node_type: &catalogue::NodeType) -> Option<(&'static str, String)> {
    let since = if engine == "redis" { node_type.redis } else { node_type.valkey };
    let name = node_type.name;
    if node_type.is_previous {
        let text =
            format!("The cache node type {name} is of a previous generation. New nodes cannot have it.");
        return Some(("InvalidParameterValue", text));
    }
    if since == Since::Never {
        let text = format!("The cache node type {name} is not supported for {engine}.");
        return Some(("InvalidParameterCombination", text));
    }
    let text = format!("When using the {name} node type, you must enable data tiering.");
    node_type.ssd_gib.map(|_| ("InvalidParameterCombination", text))
}

#[test]
fn each_type_is_made_by_those_that_have_it_and_refused_to_others() {
    let (mut made, mut refused) = (0, 0);
    for engine in ["valkey", "redis"] {
        for node_type in catalogue::node_types() {
            let name = node_type.name;
            for form in [group(engine, name), cluster(engine, name)] {
                match refusal(engine, node_type) {
                    None => {
                        let answer = Host::new().call(&form).unwrap();
                        assert!(
                            answer.contains(&format!("<CacheNodeType>{name}</CacheNodeType>")),
                            "{answer}"
                        );
                        made += 1;
                    }
                    Some((code, text)) => {
                        refuses(&mut Host::new(), &form, code, &text);
                        refused += 1;
                    }
                }
            }
        }
    }
    // Valkey has 85 types, Redis all of these but the 21 of m8g, r8g and c8gn.
    assert_eq!((made, refused), (2 * (85 + 64), 2 * (33 + 54)));
    for form in [group("valkey", "cache.t4g.pico"), cluster("redis", "t4g.micro")] {
        refuses(
            &mut Host::new(),
            &form,
            "InvalidParameterValue",
            "The parameter CacheNodeType has an invalid value",
        );
    }
}

/// The names in a list of the answer.
fn listed<'a>(answer: &'a str, list: &str) -> Vec<&'a str> {
    let (_, rest) = answer.split_once(&format!("<{list}>")).expect(list);
    let (list, _) = rest.split_once(&format!("</{list}>")).expect("an end");
    list.split("<member>").skip(1).map(|item| item.split('<').next().expect("a name")).collect()
}

#[test]
fn what_is_allowed_is_what_a_change_accepts() {
    for (engine, others) in [("valkey", 84), ("redis", 63)] {
        let mut host = Host::new();
        host.call(&group(engine, "cache.m7g.large")).unwrap();
        host.settle("web");
        let answer = host.call("Action=ListAllowedNodeTypeModifications&ReplicationGroupId=web").unwrap();
        let (up, down) = (listed(&answer, "ScaleUpModifications"), listed(&answer, "ScaleDownModifications"));
        assert_eq!(up.len() + down.len(), others, "{engine}");
        assert!(up.contains(&"cache.r7g.large") && down.contains(&"cache.t4g.micro"));
        for node_type in catalogue::node_types().iter().filter(|one| one.name != "cache.m7g.large") {
            let name = node_type.name;
            let form = format!("Action=ModifyReplicationGroup&ReplicationGroupId=web&CacheNodeType={name}");
            match refusal(engine, node_type) {
                None => {
                    assert!(up.contains(&name) ^ down.contains(&name), "{engine} {name}");
                    drop(host.call(&form).unwrap());
                }
                Some((code, text)) => {
                    assert!(!up.contains(&name) && !down.contains(&name), "{engine} {name}");
                    refuses(&mut host, &form, code, &text);
                }
            }
        }
    }
}

#[test]
fn nodes_keep_a_type_that_new_ones_cannot_have() {
    let mut host = Host::new();
    host.call(&cluster("valkey", "cache.t4g.micro")).unwrap();
    let id = DeploymentId::Cluster("lone".into());
    host.apply(&fleet::Command::Serves { id: id.clone(), member: "lone".into() });
    host.apply(&fleet::Command::Settle { id });
    let region = host.fleet.regions.get_mut(crate::REGION).expect("it is there");
    region.clusters.get_mut("lone").expect("it is there").size.node_type = "cache.t2.micro".into();
    let modify = "Action=ModifyCacheCluster&CacheClusterId=lone&CacheNodeType=cache.t2.";
    host.call(&format!("{modify}micro&SnapshotRetentionLimit=1")).unwrap();
    refuses(&mut host, &format!("{modify}small"), "InvalidParameterValue", "previous generation");
    let answer = host.call("Action=ListAllowedNodeTypeModifications&CacheClusterId=lone").unwrap();
    assert!(listed(&answer, "ScaleUpModifications").contains(&"cache.t4g.small"));
}
