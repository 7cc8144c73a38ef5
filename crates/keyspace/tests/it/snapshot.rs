//! Snapshots against a model frozen at their instant.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use keyspace::{Expiry, Flushed, PreImages, Standing, WalkCursor, WalkId};
use proptest::prelude::*;
use table::{Entry, Walk};

use crate::machine::{Hold, Machine, Model, Op, Plain, holds, ops, world};

/// One captured entry: database, key, value and expiry.
type Captured = (u16, Vec<u8>, Plain, Option<u64>);

#[derive(Default)]
pub(crate) struct Sink {
    pub(crate) captured: Mutex<Vec<Captured>>,
}

impl Sink {
    fn take(&self, db: u16, entry: Entry<'_>) {
        let image = (db, entry.key().to_vec(), Plain::of(entry.value()), entry.expire_at());
        self.captured.lock().unwrap().push(image);
    }
}

impl PreImages for Sink {
    fn capture(&self, db: u16, entry: Entry<'_>) {
        self.take(db, entry);
    }

    fn adopt(&self, db: u16, table: Flushed, epoch: u8) {
        for entry in table {
            if entry.as_ref().mark(Walk::Keyspace) != epoch {
                self.take(db, entry.as_ref());
            }
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Command(Hold, Op),
    Begin,
    /// So many entries, or more.
    Walk(usize),
    Finish,
    Abort,
    /// Walks that begin, go on for so many entries, and are aborted.
    AbortMany(usize, usize),
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => (holds(), ops()).prop_map(|(hold, op)| Step::Command(hold, op)),
        3 => Just(Step::Begin),
        8 => (1..20usize).prop_map(Step::Walk),
        1 => Just(Step::Finish),
        1 => Just(Step::Abort),
        1 => (1..20usize, 0..30usize).prop_map(|(times, entries)| Step::AbortMany(times, entries)),
    ]
}

struct Running {
    id: WalkId,
    /// `None` when it is at its end.
    cursor: Option<WalkCursor>,
    /// `None` for a cleaning walk.
    snapshot: Option<(Arc<Sink>, Model, u64)>,
}

struct Walker {
    machine: Machine,
    running: Option<Running>,
    completed: usize,
    cleaned: usize,
}

impl Walker {
    fn new() -> Walker {
        Walker { machine: Machine::new(Expiry::Delete), running: None, completed: 0, cleaned: 0 }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Command(hold, op) => self.machine.apply(*hold, op),
            Step::Begin => self.begin(),
            Step::Walk(entries) => self.walk(*entries),
            Step::Finish => self.finish(),
            Step::Abort => self.abort(),
            Step::AbortMany(times, entries) => {
                self.finish();
                for _ in 0..*times {
                    self.begin();
                    self.walk(*entries);
                    // A cleaning walk is let through, else no snapshot would ever begin again.
                    if self.running.as_ref().is_some_and(|running| running.snapshot.is_none()) {
                        self.finish();
                    } else {
                        self.abort();
                    }
                }
            }
        }
    }

    fn begin(&mut self) {
        let space = &self.machine.space;
        let sink = Arc::new(Sink::default());
        let begun = world(space, |guard| space.begin_walk(guard, sink.clone()));
        if self.running.is_some() {
            assert_eq!(begun, None, "one at a time: others share it");
            return;
        }
        let snapshot = begun.is_some().then(|| (sink, self.machine.model.clone(), self.machine.now_ms));
        let id = begun.or_else(|| world(space, |guard| space.begin_cleaning(guard))).expect("none runs");
        self.running = Some(Running { id, cursor: Some(WalkCursor::default()), snapshot });
    }

    fn walk(&mut self, entries: usize) {
        let Some(running) = &mut self.running else { return };
        let space = &self.machine.space;
        let mut standing = Standing::new(0);
        assert!(standing.enter(space));
        let mut guard = space.walk_slots();
        // Single steps are slots mostly, so a few of them for a few entries.
        for _ in 0..entries.div_ceil(8) {
            let Some(cursor) = running.cursor else { break };
            running.cursor = space.walk(running.id, &mut guard, cursor, 8).expect("free");
        }
        drop(guard);
        standing.leave(space);
    }

    fn abort(&mut self) {
        let Some(running) = self.running.take() else { return };
        let space = &self.machine.space;
        world(space, |guard| space.end_walk(guard, running.id, false));
    }

    fn finish(&mut self) {
        while self.running.as_ref().is_some_and(|running| running.cursor.is_some()) {
            self.walk(64);
        }
        let Some(running) = self.running.take() else { return };
        let space = &self.machine.space;
        world(space, |guard| space.end_walk(guard, running.id, true));
        assert!(!space.is_walking());
        let Some((sink, frozen, then_ms)) = running.snapshot else {
            self.cleaned += 1;
            return;
        };
        self.completed += 1;
        let mut found: Model = vec![BTreeMap::new(); frozen.len()];
        for (db, key, plain, at) in sink.captured.lock().unwrap().drain(..) {
            // What had expired by then may have been there still; the model does not know.
            let twice = found[usize::from(db)].insert(key, (plain, at));
            assert!(twice.is_none(), "an entry was captured twice");
        }
        for keys in &mut found {
            keys.retain(|_, (_, at)| at.is_none_or(|at| at > then_ms));
        }
        assert_eq!(found, frozen);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_snapshot_is_the_keyspace_of_its_instant(program in proptest::collection::vec(steps(), 1..300)) {
        let mut walker = Walker::new();
        for step in &program {
            walker.step(step);
        }
        // Whatever came before, a snapshot of now is possible, after a cleaning walk at most.
        walker.finish();
        let completed = walker.completed;
        for _ in 0..2 {
            if walker.completed == completed {
                walker.begin();
                walker.finish();
            }
        }
        prop_assert_eq!(walker.completed, completed + 1);
        walker.machine.check();
    }
}

fn put(i: u8, text: &str) -> Step {
    Step::Command(Hold::Keys, Op::PutString(i, text.into(), crate::machine::TtlOp::Clear))
}

/// Fifteen aborted walks use up the epochs; marks they left must not be taken for captures.
#[test]
fn after_many_aborts_a_cleaning_walk_comes_first() {
    let mut walker = Walker::new();
    for i in 0..40 {
        walker.step(&put(i, "before"));
    }
    for round in 0..100 {
        walker.step(&Step::AbortMany(1, round % 23));
        walker.step(&put((round % 40) as u8, "later"));
    }
    assert!(walker.cleaned >= 5, "{} cleaning walks", walker.cleaned);
    for _ in 0..20 {
        walker.begin();
        walker.step(&put(3, "meanwhile"));
        walker.finish();
    }
    assert!(walker.completed >= 19);
}

/// FLUSHALL, SWAPDB, RENAME, changes in place and of expiries between the steps of one walk.
#[test]
fn a_snapshot_survives_what_happens_to_whole_databases() {
    for whole in [Op::FlushAll, Op::Flush, Op::Swap(0, 1)] {
        for walked in 0..12 {
            let mut walker = Walker::new();
            for db in 0..2 {
                walker.step(&Step::Command(Hold::Keys, Op::Select(db)));
                (0..50).for_each(|i| walker.step(&put(i, if db == 0 { "zero" } else { "one" })));
            }
            walker.begin();
            walker.step(&Step::Walk(8 * walked));
            walker.step(&Step::Command(Hold::Keys, Op::Rename(3, 4)));
            walker.step(&Step::Command(Hold::World, whole.clone()));
            walker.step(&put(5, "after"));
            walker.step(&Step::Command(Hold::Keys, Op::Append(6, b"after".to_vec())));
            walker.step(&Step::Command(Hold::Keys, Op::Expire(7, crate::machine::TtlOp::In(9))));
            walker.step(&Step::Command(Hold::Keys, Op::Remove(8)));
            walker.finish();
            walker.machine.check();
            assert_eq!(walker.completed, 1);
        }
    }
}
