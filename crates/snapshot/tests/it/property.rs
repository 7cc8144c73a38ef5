//! Random commands between the steps of snapshots, in one thread: whatever happens after the instant, the bytes show
//! the keyspace as it was then.

use crate::support::*;
use files::Directory;
use keyspace::{Flushed, Keyspace, Ttl};
use proptest::prelude::*;
use snapshot::{Background, NotBegun, Overflow, Snapshot, SnapshotError, clean};
use std::cell::RefCell;
use std::io;
use structures::{Limits, Score, Value};
use table::ValueMut;
use topology::Slot;

#[derive(Debug, Clone)]
enum Op {
    Put {
        db: u16,
        key: u8,
        value: u8,
    },
    Grow {
        db: u16,
        key: u8,
        by: u8,
    },
    Expire {
        db: u16,
        key: u8,
        at: Option<u16>,
    },
    Remove {
        db: u16,
        key: u8,
    },
    Move {
        from: u16,
        to: u16,
        key: u8,
    },
    /// To a name in the same slot.
    Rename {
        db: u16,
        key: u8,
    },
    /// A command that can wait asks whether it must.
    Ask {
        db: u16,
        key: u8,
    },
    /// A reader comes after the time of the key.
    ReadLate {
        db: u16,
        key: u8,
    },
    /// So does the sweep through its slot.
    Sweep {
        db: u16,
        key: u8,
    },
    Flush {
        db: u16,
    },
    Swap {
        a: u16,
        b: u16,
    },
    /// New keys enough to make tables grow.
    Burst {
        db: u16,
        first: u8,
    },
}

fn db() -> impl Strategy<Value = u16> {
    0..DATABASES
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (db(), any::<u8>(), any::<u8>()).prop_map(|(db, key, value)| Op::Put { db, key, value }),
        4 => (db(), any::<u8>(), any::<u8>()).prop_map(|(db, key, by)| Op::Grow { db, key, by }),
        2 => (db(), any::<u8>(), any::<Option<u16>>()).prop_map(|(db, key, at)| Op::Expire { db, key, at }),
        4 => (db(), any::<u8>()).prop_map(|(db, key)| Op::Remove { db, key }),
        2 => (db(), db(), any::<u8>()).prop_map(|(from, to, key)| Op::Move { from, to, key }),
        2 => (db(), any::<u8>()).prop_map(|(db, key)| Op::Rename { db, key }),
        4 => (db(), any::<u8>()).prop_map(|(db, key)| Op::Ask { db, key }),
        2 => (db(), any::<u8>()).prop_map(|(db, key)| Op::ReadLate { db, key }),
        1 => (db(), any::<u8>()).prop_map(|(db, key)| Op::Sweep { db, key }),
        1 => db().prop_map(|db| Op::Flush { db }),
        1 => (db(), db()).prop_map(|(a, b)| Op::Swap { a, b }),
        1 => (db(), any::<u8>()).prop_map(|(db, first)| Op::Burst { db, first }),
    ]
}

/// Half of the keys share a slot, whose table has more than one bucket.
fn name(key: u8) -> Vec<u8> {
    if key.is_multiple_of(2) { format!("{{tag}}{key}") } else { format!("key{}", key / 4) }.into_bytes()
}

fn value(seed: u8) -> Value {
    let n = usize::from(seed);
    match seed % 7 {
        0 => Value::Int(i64::from(seed) * 1_000_003),
        1 => bytes("ab".repeat(n * 8)),
        2 => list((0..=n).map(|i| i.to_string())),
        3 => set((0..=n * 4).map(|i| format!("{}{i}", &"member"[..n % 7]))),
        4 => sorted_set((0..=n * 4).map(|i| (format!("{}{i}", &"member"[..n % 7]), (i % 9) as i32))),
        5 => crate::support::stream((0..=n * 4).map(|i| format!("{}{i}", &"member"[..n % 7]))),
        _ => hash((0..=n * 4).map(|i| (format!("f{i}"), "v".repeat(n % 90)))),
    }
}

/// What FLUSHALL took and no snapshot wanted.
type Garbage = RefCell<Vec<Flushed>>;

fn apply(keyspace: &Keyspace, garbage: &Garbage, op: &Op) {
    match *op {
        Op::Put { db, key, value: seed } => put(keyspace, db, &name(key), value(seed), None),
        Op::Burst { db, first } => (0..40u8).for_each(|i| {
            put(
                keyspace,
                db,
                format!("{{tag}}burst{}", first.wrapping_add(i)).as_bytes(),
                Value::Int(1),
                None,
            );
        }),
        Op::Grow { db, key, by } => {
            let key = name(key);
            on_key(keyspace, WORKER, db, &key, |keys| {
                let Some(mut edit) = keys.edit(&key) else { return };
                let added = vec![b'x'; usize::from(by)];
                match edit.value_mut() {
                    ValueMut::List(list) => list.push_back(&added, &Limits::default()),
                    ValueMut::Hash(hash) => {
                        hash.set(&added, b"new", &Limits::default());
                    }
                    ValueMut::Set(set) => {
                        set.add(&added, &Limits::default());
                    }
                    ValueMut::SortedSet(set) => {
                        set.insert(&added, Score::ZERO, &Limits::default());
                    }
                    ValueMut::Stream(stream) => crate::support::add(stream, &added),
                    ValueMut::String => edit.bytes_mut().extend_from_slice(&added),
                }
            });
        }
        Op::Expire { db, key, at } => {
            let key = name(key);
            let at = at.map(|at| NOW_MS + u64::from(at));
            on_key(keyspace, WORKER, db, &key, |keys| keys.set_expire(&key, at));
        }
        Op::Remove { db, key } => {
            let key = name(key);
            on_key(keyspace, WORKER, db, &key, |keys| drop(keys.remove(&key)));
        }
        Op::Move { from, to, key } => {
            let key = name(key);
            on_key(keyspace, WORKER, from, &key, |keys| {
                if keys.in_db(to).peek(&key).is_some() {
                    return;
                }
                if let Some(entry) = keys.remove(&key) {
                    let (key, value, at) = entry.into_parts();
                    keys.in_db(to).put(&key, value, at.map_or(Ttl::Clear, Ttl::At));
                }
            });
        }
        Op::Rename { db, key } => {
            let key = name(key);
            let to = if key.starts_with(b"{") {
                [&key[..], b"renamed"].concat()
            } else {
                [b"{", &key[..], b"}renamed"].concat()
            };
            on_key(keyspace, WORKER, db, &key, |keys| {
                if let Some(entry) = keys.remove(&key) {
                    let (_, value, at) = entry.into_parts();
                    keys.put(&to, value, at.map_or(Ttl::Clear, Ttl::At));
                }
            });
        }
        Op::Ask { db, key } => {
            let key = name(key);
            let waits = on_key(keyspace, WORKER, db, &key, |keys| keys.awaits_capture(&key));
            assert!(!waits || keyspace.is_walking());
        }
        Op::ReadLate { db, key } => {
            let key = name(key);
            on_key_as(keyspace, later(WORKER, db), &key, |keys| {
                let found = keys.peek(&key).map(|entry| entry.expire_at());
                assert!(!matches!(found, Some(Some(_))), "every expiry is past");
            });
        }
        Op::Sweep { db, key } => {
            let key = name(key);
            on_key_as(keyspace, later(WORKER, db), &key, |keys| {
                keys.expire_slot(Slot::of(&key), 0, usize::MAX, |_| true);
            });
        }
        Op::Flush { db } => garbage.borrow_mut().extend(in_world(keyspace, WORKER, db, |keys| keys.flush())),
        Op::Swap { a, b } => in_world(keyspace, WORKER, 0, |keys| keys.swap(a, b)),
    }
}

/// How one snapshot goes.
#[derive(Debug, Clone)]
struct Plan {
    /// Commands before it.
    before: Vec<Op>,
    /// Commands while it runs, this many at each chunk.
    during: Vec<Op>,
    at_once: usize,
    /// After so many chunks the sink fails, or somebody aborts it.
    fails_at: Option<usize>,
    aborts_at: Option<usize>,
    queue_bytes: usize,
    /// What is captured in pieces, and how long they are.
    large_bytes: usize,
    piece_bytes: usize,
}

fn plan() -> impl Strategy<Value = Plan> {
    let ends = (prop::option::weighted(0.15, 1..60usize), prop::option::weighted(0.15, 1..60usize));
    let queue = prop_oneof![Just(0), Just(200), Just(1 << 20)];
    let ops = (prop::collection::vec(op(), 0..30), prop::collection::vec(op(), 0..60));
    let pieces = (prop_oneof![Just(0), Just(20), Just(700), Just(usize::MAX)], 0..200usize);
    (ops, 1..6usize, ends, queue, pieces).prop_map(
        |((before, during), at_once, (fails_at, aborts_at), queue_bytes, (large_bytes, piece_bytes))| Plan {
            before,
            during,
            at_once,
            fails_at,
            aborts_at,
            queue_bytes,
            large_bytes,
            piece_bytes,
        },
    )
}

fn check(keyspace: &Keyspace, garbage: &Garbage, plan: &Plan, spill: &std::path::Path) {
    plan.before.iter().for_each(|op| apply(keyspace, garbage, op));
    let options = snapshot::SnapshotOptions {
        large_bytes: plan.large_bytes,
        piece_bytes: plan.piece_bytes,
        ..tiny(Overflow::Spill(Directory::of(spill), "pre-images".into()), plan.queue_bytes)
    };
    let (snapshot, model) = match try_begin(keyspace, options.clone()) {
        Ok(begun) => begun,
        Err(refused) => {
            assert_eq!(refused, NotBegun::NeedsCleaning);
            assert!(clean(Background::new(keyspace, WALKER)));
            try_begin(keyspace, options).unwrap()
        }
    };
    let control = snapshot.control().clone();
    let mut ops = plan.during.iter();
    let mut chunks = 0;
    let mut sink = Memory::new(|| {
        chunks += 1;
        ops.by_ref().take(plan.at_once).for_each(|op| apply(keyspace, garbage, op));
        if plan.aborts_at == Some(chunks) {
            control.abort();
        }
        if plan.fails_at == Some(chunks) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    });
    let result = run(keyspace, snapshot, &mut sink);
    assert!(!keyspace.is_walking());
    let finished = sink.finished;
    let bytes = sink.bytes;
    match result {
        Ok(done) => {
            assert!(finished);
            assert!(plan.fails_at.is_none_or(|at| at > chunks));
            let (loaded, _) = loaded(&bytes);
            assert_eq!(loaded, model);
            assert_eq!(done.keys as usize, model.len());
        }
        Err(error) => {
            assert!(!finished);
            match error {
                SnapshotError::Aborted => assert!(plan.aborts_at.is_some_and(|at| at <= chunks)),
                SnapshotError::Io(error) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
                SnapshotError::Overflow(_) => panic!("this one spills"),
            }
        }
    }
}

fn try_begin(keyspace: &Keyspace, options: snapshot::SnapshotOptions) -> Result<(Snapshot, Model), NotBegun> {
    let model = in_world(keyspace, WALKER, 0, contents);
    let thread = Background::new(keyspace, WALKER);
    thread.with_world(|world| Snapshot::begin(keyspace, world, options)).map(|snapshot| (snapshot, model))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_snapshot_shows_its_instant(plans in prop::collection::vec(plan(), 1..20)) {
        let (keyspace, _) = keyspace();
        let garbage = Garbage::default();
        let dir = directory("property");
        for plan in &plans {
            check(&keyspace, &garbage, plan, &dir.join("pre-images"));
        }
        std::fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn aborted_snapshots_use_up_the_marks_and_cleaning_gives_them_back() {
    let (keyspace, _) = keyspace();
    fill(&keyspace);
    let mut cleanings = 0;
    for round in 0..40 {
        let (snapshot, model) = match try_begin(&keyspace, tiny(Overflow::Abort, 1 << 20)) {
            Ok(begun) => begun,
            Err(refused) => {
                assert_eq!(refused, NotBegun::NeedsCleaning);
                assert!(clean(Background::new(&keyspace, WALKER)));
                cleanings += 1;
                try_begin(&keyspace, tiny(Overflow::Abort, 1 << 20)).unwrap()
            }
        };
        let control = snapshot.control().clone();
        let mut chunks = 0;
        let mut sink = Memory::new(|| {
            chunks += 1;
            put(&keyspace, 0, format!("int:{chunks}").as_bytes(), Value::Int(chunks), None);
            if chunks == 10 + round && round < 39 {
                control.abort();
            }
            Ok(())
        });
        let result = run(&keyspace, snapshot, &mut sink);
        assert_eq!(result.is_ok(), round == 39);
        let bytes = sink.bytes;
        if round == 39 {
            assert_eq!(loaded(&bytes).0, model);
        }
    }
    assert!(cleanings > 0, "15 epochs do not last for 39 aborted walks");
}

/// What has been found to differ between the model and a file once.
#[test]
fn an_integer_that_was_opened_as_text_is_saved_as_one() {
    let (keyspace, _) = keyspace();
    let garbage = Garbage::default();
    let dir = directory("opened");
    let plan = Plan {
        before: vec![Op::Put { db: 1, key: 112, value: 112 }, Op::Grow { db: 1, key: 112, by: 0 }],
        during: Vec::new(),
        at_once: 1,
        fails_at: None,
        aborts_at: None,
        queue_bytes: 0,
        large_bytes: usize::MAX,
        piece_bytes: 1,
    };
    check(&keyspace, &garbage, &plan, &dir.join("pre-images"));
    std::fs::remove_dir_all(dir).unwrap();
}
