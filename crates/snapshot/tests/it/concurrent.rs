//! Snapshots while several threads write without a pause: they start, abort, fail and complete, and each complete one
//! shows its instant.

use crate::support::*;
use files::Directory;
use keyspace::Keyspace;
use snapshot::{Background, NotBegun, Overflow, Snapshot, SnapshotError, SnapshotOptions, clean};
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use structures::{Limits, Score, Value};
use table::ValueMut;

const ROUNDS: u64 = 60;

/// xorshift: the tests need variety, not quality.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

fn command(keyspace: &Keyspace, number: usize, random: &mut Random) {
    let db = random.below(u64::from(DATABASES)) as u16;
    let n = random.below(400);
    let key = if n.is_multiple_of(2) { format!("{{one slot}}{n}") } else { format!("key:{n}") }.into_bytes();
    match random.below(2_000) {
        0 => drop(in_world(keyspace, number, db, |keys| keys.flush())),
        1 => in_world(keyspace, number, 0, |keys| keys.swap(db, (db + 1) % DATABASES)),
        2..800 => {
            let value = match random.below(5) {
                0 => list((0..random.below(30)).map(|i| i.to_string()).chain(["last".into()])),
                1 => hash((0..=random.below(30)).map(|i| (format!("f{i}"), "v".repeat(30)))),
                2 => set((0..=random.below(300)).map(|i| format!("m{i}"))),
                3 => bytes("x".repeat(random.below(200) as usize)),
                _ => Value::Int(random.below(1 << 40) as i64),
            };
            on_key(keyspace, number, db, &key, |keys| keys.put(&key, value, keyspace::Ttl::Clear));
        }
        800..1_400 => on_key(keyspace, number, db, &key, |keys| {
            let Some(mut edit) = keys.edit(&key) else { return };
            match edit.value_mut() {
                ValueMut::List(list) => list.push_back(b"more", &Limits::default()),
                ValueMut::Hash(hash) => {
                    hash.set(b"f0", &n.to_le_bytes(), &Limits::default());
                }
                ValueMut::Set(set) => {
                    set.add(&n.to_le_bytes(), &Limits::default());
                }
                ValueMut::SortedSet(set) => {
                    set.insert(&n.to_le_bytes(), Score::ZERO, &Limits::default());
                }
                ValueMut::Stream(stream) => crate::support::add(stream, &n.to_le_bytes()),
                ValueMut::String => edit.bytes_mut().push(b'+'),
            }
        }),
        1_400..1_500 => on_key(keyspace, number, db, &key, |keys| {
            keys.awaits_capture(&key);
        }),
        1_500..1_600 => {
            let at = Some(NOW_MS + n);
            on_key(keyspace, number, db, &key, |keys| keys.set_expire(&key, at));
        }
        _ => on_key(keyspace, number, db, &key, |keys| drop(keys.remove(&key))),
    }
}

fn one_snapshot(keyspace: &Keyspace, round: u64, dir: &std::path::Path) {
    let thread = Background::new(keyspace, WALKER);
    let overflow = if round.is_multiple_of(3) {
        Overflow::Abort
    } else {
        Overflow::Spill(Directory::at(dir), "pre-images".into())
    };
    let options = SnapshotOptions {
        chunk_bytes: 512,
        session_keys: 4,
        queue_bytes: 2_048,
        large_bytes: if round.is_multiple_of(2) { 100 } else { usize::MAX },
        piece_bytes: 50,
        ..SnapshotOptions::new(save_options(), overflow)
    };
    let begin = || {
        let mut scratch = keyspace::Scratch::default();
        thread.with_world(|world| {
            let snapshot = Snapshot::begin(keyspace, world, options.clone())?;
            let mut keys = keyspace::Keys::new(keyspace, world, &mut scratch, context(WALKER, 0));
            Ok((snapshot, contents(&mut keys)))
        })
    };
    let (snapshot, model) = match begin() {
        Err(NotBegun::NeedsCleaning) => {
            assert!(clean(thread));
            begin().unwrap()
        }
        begun => begun.unwrap(),
    };
    let control = snapshot.control().clone();
    let mut chunks = 0;
    let mut sink = Memory::new(|| {
        chunks += 1;
        match round % 5 {
            1 if chunks == round => control.abort(),
            2 if chunks == round => return Err(io::ErrorKind::StorageFull.into()),
            _ => {}
        }
        Ok(())
    });
    let result = run(keyspace, snapshot, &mut sink);
    let written = sink.bytes;
    match result {
        Ok(finished) => {
            assert_eq!(loaded(&written).0, model, "round {round}");
            assert_eq!(finished.keys as usize, model.len());
        }
        Err(SnapshotError::Aborted) => assert_eq!(round % 5, 1),
        Err(SnapshotError::Io(error)) => {
            assert_eq!((round % 5, error.kind()), (2, io::ErrorKind::StorageFull))
        }
        Err(SnapshotError::Overflow(_)) => assert_eq!(round % 3, 0),
    }
}

#[test]
fn snapshots_show_their_instant_under_load() {
    let (keyspace, threads) = keyspace();
    let dir = directory("concurrent");
    let done = AtomicBool::new(false);
    let register = |threads: &Mutex<Vec<Option<Thread>>>, number: usize| {
        threads.lock().unwrap()[number] = Some(thread::current());
    };
    register(&threads, WALKER);
    for number in 1..THREADS {
        for n in 0..100 {
            put(&keyspace, number as u16 % DATABASES, format!("key:{n}").as_bytes(), Value::Int(n), None);
        }
    }
    thread::scope(|scope| {
        for number in 1..THREADS {
            let (keyspace, threads, done) = (&keyspace, &threads, &done);
            scope.spawn(move || {
                register(threads, number);
                let mut random = Random(0x9e37_79b9 * number as u64);
                while !done.load(Ordering::Relaxed) {
                    command(keyspace, number, &mut random);
                }
            });
        }
        // The writers must end even when an assertion fails here.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..ROUNDS).for_each(|round| one_snapshot(&keyspace, round, &dir));
        }));
        done.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    std::fs::remove_dir_all(dir).unwrap();
}
