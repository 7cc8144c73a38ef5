//! Engram as the replica of a real redis-server, and a real redis-server as Engram's.

use conformance::peer::Launch;
use conformance::replication::{check, compare};

use crate::{oracle, subject};

fn run(primary: &Launch, replica: &Launch) {
    if let Err(error) = check(primary, replica, 1) {
        panic!("{} as primary, {} as replica: {error:#}", primary.name(), replica.name());
    }
}

#[test]
fn the_scenario_holds_for_redis_server_itself() {
    let Some(oracle) = oracle() else { return };
    run(&oracle, &oracle);
}

#[test]
fn a_replica_that_differs_is_caught() {
    let Some(oracle) = oracle() else { return };
    let one = conformance::peer::Peer::start(&oracle).unwrap();
    let other = conformance::peer::Peer::start(&oracle).unwrap();
    one.connect().unwrap().call(&["SET", "a", "1"]).unwrap();
    // Both stand at offset 0, as if nothing had been written.
    assert!(compare(&one, &other).unwrap_err().to_string().contains("no such key"));
}

#[test]
fn redis_server_replicates_engram() {
    let (Some(oracle), Some(subject)) = (oracle(), subject("redis-7.0")) else { return };
    run(&subject, &oracle);
}

#[test]
fn engram_replicates_redis_server() {
    let (Some(oracle), Some(subject)) = (oracle(), subject("redis-7.0")) else { return };
    run(&oracle, &subject);
}

#[test]
fn engram_replicates_engram() {
    let Some(subject) = subject("redis-7.0") else { return };
    run(&subject, &subject);
}
