//! Turns older versions into the current one. It works on the JSON, because the types are those of the current version.
//!
//! Version 1 had one address pool for all and no records of nodes. What version 2 lacks has a default where it is read.

use fleet::Fleet;
use serde_json::{Map, Value, json};

/// Puts the pool into the local host, and makes a record for each node from its member.
pub(crate) fn from_1(fleet: &mut Value) -> Option<()> {
    let mut records = Map::new();
    // Of a retired node nothing is known but its number.
    for node in fleet["retired"].as_array()? {
        let nobody = json!({"region": "", "deployment": {"Cluster": ""}, "member": "", "made_at_ms": 0});
        records.insert(node.as_u64()?.to_string(), record(&nobody));
    }
    for (region, of) in fleet["regions"].as_object()? {
        for kind in ["groups", "clusters"] {
            for deployment in of[kind].as_object()?.values() {
                for shard in deployment["shards"].as_array()? {
                    for member in shard["members"].as_array()? {
                        let origin = json!({
                            "region": region,
                            "deployment": deployment["id"],
                            "member": member["name"],
                            "made_at_ms": member["created_at_ms"],
                        });
                        for node in [&member["node"], &member["replacement"]] {
                            if !node.is_null() {
                                records.insert(node["id"].as_u64()?.to_string(), record(&origin));
                            }
                        }
                    }
                }
            }
        }
    }
    let fleet = fleet.as_object_mut()?;
    let addresses = fleet.remove("addresses")?;
    fleet.insert("hosts".into(), json!({"1": {"addresses": addresses}}));
    fleet.insert("nodes".into(), Value::Object(records));
    Some(())
}

fn record(origin: &Value) -> Value {
    json!({"host": 1, "origin": origin, "unmarked": true})
}

/// What is to be done once the lines behind the snapshot are applied.
pub(crate) fn finish(version: u32, fleet: &mut Fleet) {
    if version == 1 {
        fleet.expect_unmarked();
    }
}
