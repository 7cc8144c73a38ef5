//! Tests of what happens to a command between its admission and the gate: a role may change there.

use super::{Local, give_world_back, own_world};
use crate::bare::Bare;
use crate::engine::Engine;
use crate::lazyfree::LazyFree;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A node without threads, and its one worker's things with a command of client 1 that was admitted.
fn admitted() -> (Arc<Engine>, Local) {
    let engine = Bare::new(None).0;
    let mut local = Local::new(&engine, 0, LazyFree::start().expect("a thread"));
    local.decided = engine.decisions.load(Ordering::Acquire);
    (engine, local)
}

/// What a change of the role does, in the world.
fn decide(engine: &Engine) {
    engine.decisions.fetch_add(1, Ordering::Release);
}

#[test]
fn a_command_enters_as_it_was_admitted_or_not_at_all() {
    let (engine, mut local) = admitted();
    assert!(local.enter_admitted(&engine, 1));
    local.leave(&engine);
    decide(&engine);
    assert!(!local.enter_admitted(&engine, 1));
    assert!(!local.standing.is_inside(), "nobody who closes the gate waits for it");
    // Admitted anew.
    local.decided = engine.decisions.load(Ordering::Acquire);
    assert!(local.enter_admitted(&engine, 1));
    local.leave(&engine);
}

#[test]
fn a_command_gets_the_world_as_it_was_admitted_or_not_at_all() {
    let (engine, mut local) = admitted();
    assert!(own_world(&engine, &mut local, 1));
    give_world_back(&engine, &mut local);
    decide(&engine);
    assert!(!own_world(&engine, &mut local, 1));
    assert!(!engine.keyspace.gate().is_closed(), "others run");
    local.decided = engine.decisions.load(Ordering::Acquire);
    assert!(own_world(&engine, &mut local, 1));
    give_world_back(&engine, &mut local);
}
