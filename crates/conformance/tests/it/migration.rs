//! MIGRATE between Engram and a real redis-server.

use conformance::migration::check;
use conformance::peer::Launch;

use crate::{oracle, subject};

fn run(source: &Launch, target: &Launch) {
    if let Err(error) = check(source, target, 1) {
        panic!("from {} to {}: {error:#}", source.name(), target.name());
    }
}

#[test]
fn the_scenario_holds_for_redis_server_itself() {
    let Some(oracle) = oracle() else { return };
    run(&oracle, &oracle);
}

#[test]
fn keys_move_between_redis_server_and_engram() {
    let (Some(oracle), Some(subject)) = (oracle(), subject("redis-7.0")) else { return };
    run(&subject, &oracle);
    run(&oracle, &subject);
}

#[test]
fn keys_move_between_nodes_of_engram() {
    let Some(subject) = subject("valkey-8.0") else { return };
    run(&subject, &subject);
}
