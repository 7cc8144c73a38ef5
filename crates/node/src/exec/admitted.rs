//! Tests of what happens to a command between its admission and the gate: a role may change there.

use super::{Local, give_world_back, own_world};
use crate::lazyfree::LazyFree;
use crate::log::Log;
use crate::shared::{Ingredients, Shared};
use config::{Config, Loglevel, NoDirectives};
use profile::Profile;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A node without threads, and its one worker's things with a command of client 1 that was admitted.
fn admitted() -> (Arc<Shared>, Local) {
    let config = Config::load(Profile::Redis70, b"save \"\"", &mut NoDirectives).expect("valid");
    let shared = Arc::new(Shared::new(Ingredients {
        log: Log::open(None, Loglevel::Warning).expect("a log"),
        config,
        workers: 1,
        executable: PathBuf::new(),
        config_file: None,
        managed: None,
    }));
    let mut local = Local::new(&shared, 0, LazyFree::start().expect("a thread"));
    local.decided = shared.decisions.load(Ordering::Acquire);
    (shared, local)
}

/// What a change of the role does, in the world.
fn decide(shared: &Shared) {
    shared.decisions.fetch_add(1, Ordering::Release);
}

#[test]
fn a_command_enters_as_it_was_admitted_or_not_at_all() {
    let (shared, mut local) = admitted();
    assert!(local.enter_admitted(&shared, 1));
    local.leave(&shared);
    decide(&shared);
    assert!(!local.enter_admitted(&shared, 1));
    assert!(!local.standing.is_inside(), "nobody who closes the gate waits for it");
    // Admitted anew.
    local.decided = shared.decisions.load(Ordering::Acquire);
    assert!(local.enter_admitted(&shared, 1));
    local.leave(&shared);
}

#[test]
fn a_command_gets_the_world_as_it_was_admitted_or_not_at_all() {
    let (shared, mut local) = admitted();
    assert!(own_world(&shared, &mut local, 1));
    give_world_back(&shared, &mut local);
    decide(&shared);
    assert!(!own_world(&shared, &mut local, 1));
    assert!(!shared.keyspace.gate().is_closed(), "others run");
    local.decided = shared.decisions.load(Ordering::Acquire);
    assert!(own_world(&shared, &mut local, 1));
    give_world_back(&shared, &mut local);
}
