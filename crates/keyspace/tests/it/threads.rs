//! Threads that transfer between counters while others read everything, flush, swap and take snapshots: the sum is the
//! same for everybody who looks. Bounded by counts, not by time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::yield_now;

use keyspace::{
    AccessClock, Expiry, Guard, ITSELF, Keys, KeysContext, Keyspace, Reclaimer, Scratch, SlotBusy, Standing,
    Ttl, WalkCursor,
};
use structures::ValueRef;
use topology::Slot;

use crate::HASHER;
use crate::machine::Plain;
use crate::snapshot::Sink;

const WRITERS: usize = 3;
/// The thread that walks and owns the world.
const WALKER: usize = WRITERS;
const ACCOUNTS: u64 = 200;
const START: i64 = 100;
const TRANSFERS: u64 = 20_000;
const SNAPSHOTS: usize = 12;

fn account(i: u64) -> Vec<u8> {
    // A third of them share a slot.
    if i.is_multiple_of(3) { format!("{{shared}}{i}") } else { format!("account{i}") }.into_bytes()
}

fn context(thread: usize, db: u16) -> KeysContext {
    KeysContext {
        thread,
        db,
        now_ms: 1,
        expiry: Expiry::Delete,
        lazy_expire: false,
        no_touch: false,
        clock: AccessClock::Lru,
    }
}

struct Worker<'a> {
    space: &'a Keyspace,
    thread: usize,
    standing: Standing,
    scratch: Scratch,
    reclaimer: Reclaimer,
    random: u64,
}

impl<'a> Worker<'a> {
    fn new(space: &'a Keyspace, thread: usize) -> Worker<'a> {
        let (scratch, reclaimer) = (Scratch::default(), Reclaimer::new());
        let standing = Standing::new(thread);
        Worker { space, thread, standing, scratch, reclaimer, random: thread as u64 + 1 }
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        (self.random >> 33) % below
    }

    /// Enters, locks and runs; from the start again when the gate is closed or a slot is taken.
    fn with<R>(&mut self, slots: &[Slot], f: impl FnOnce(&mut Keys<'_, '_>) -> R) -> R {
        loop {
            while !self.standing.enter(self.space) {
                yield_now();
            }
            for slot in slots {
                self.space.prefetch_bucket(*slot, self.random);
                self.space.prefetch_entry(*slot, self.random, keyspace::Expected::read(64));
            }
            let guard = match slots {
                [slot] => self.space.lock(*slot),
                slots => self.space.lock_many(slots),
            };
            if let Ok(mut guard) = guard {
                let result =
                    f(&mut Keys::new(self.space, &mut guard, &mut self.scratch, context(self.thread, 0)));
                drop(guard);
                self.pause();
                return result;
            }
            self.pause();
            yield_now();
        }
    }

    fn pause(&mut self) {
        self.standing.leave(self.space);
        self.reclaimer.collect(self.space, &mut self.scratch.retired);
    }

    fn transfer(&mut self) {
        let (from, to) = (account(self.draw(ACCOUNTS)), account(self.draw(ACCOUNTS)));
        if from == to {
            return;
        }
        let amount = self.draw(10) as i64;
        let rebuild = self.draw(4) == 0;
        let mut slots = vec![Slot::of(&from), Slot::of(&to)];
        slots.sort_unstable();
        slots.dedup();
        self.with(&slots, |keys| {
            add(keys, &from, -amount, rebuild);
            add(keys, &to, amount, false);
        });
    }

    /// A key that comes and goes, so that tables grow and shrink while others prefetch.
    fn churn(&mut self, i: u64) {
        let key = format!("{{shared}}churn{}:{}", self.thread, i % 700).into_bytes();
        self.with(&[Slot::of(&key)], |keys| {
            if (i / 700).is_multiple_of(2) {
                keys.put_string(&key, b"0", Ttl::Clear);
            } else {
                drop(keys.remove(&key));
            }
        });
    }

    fn in_world<R>(&mut self, f: impl FnOnce(&Keyspace, &mut Guard<'_>, &mut Scratch) -> R) -> R {
        let space = self.space;
        while !self.standing.claim(space, ITSELF, 0) {
            yield_now();
        }
        let mut guard = self.standing.world(space);
        let result = f(space, &mut guard, &mut self.scratch);
        drop(guard);
        self.standing.release(space);
        result
    }
}

fn int(value: ValueRef<'_>) -> i64 {
    match Plain::of(value) {
        Plain::String(text) => String::from_utf8(text).unwrap().parse().unwrap(),
        other => panic!("{other:?} is no counter"),
    }
}

/// Adds in place, or by removing the key and making it anew.
fn add(keys: &mut Keys<'_, '_>, key: &[u8], by: i64, rebuild: bool) {
    let sum = by + int(keys.peek(key).expect("accounts stay").value());
    if rebuild {
        drop(keys.remove(key));
        keys.put_string(key, sum.to_string().as_bytes(), Ttl::Clear);
    } else {
        keys.edit(key).expect("there").set_int(sum);
    }
}

/// The sum of all counters as a walk captures it while the writers go on.
fn snapshot(worker: &mut Worker<'_>, swap: bool) -> i64 {
    let sink = Arc::new(Sink::default());
    let id = worker.in_world(|space, guard, _| {
        space.begin_walk(guard, sink.clone()).expect("completed walks use up no epochs")
    });
    let mut cursor = Some(WalkCursor::default());
    let mut steps = 0;
    while let Some(at) = cursor {
        while !worker.standing.enter(worker.space) {
            yield_now();
        }
        let mut guard = worker.space.walk_slots();
        match worker.space.walk(id, &mut guard, at, 16) {
            Ok(next) => cursor = next,
            Err(SlotBusy(_)) => yield_now(),
        }
        drop(guard);
        worker.standing.leave(worker.space);
        steps += 1;
        if swap && steps == 40 {
            // There and back, so that the writers find their accounts where they were.
            worker.in_world(|space, guard, scratch| {
                let mut keys = Keys::new(space, guard, scratch, context(WALKER, 0));
                keys.swap(0, 1);
                keys.swap(1, 0);
            });
        }
    }
    worker.in_world(|space, guard, _| space.end_walk(guard, id, true));
    let captured = sink.captured.lock().unwrap();
    let accounts = captured.iter().filter(|(_, key, ..)| !key.starts_with(b"{shared}churn"));
    assert_eq!(accounts.clone().count() as u64, ACCOUNTS, "each account once");
    accounts
        .map(|(db, _, plain, _)| {
            assert_eq!(*db, 0);
            match plain {
                Plain::String(text) => String::from_utf8_lossy(text).parse::<i64>().unwrap(),
                other => panic!("{other:?} is no counter"),
            }
        })
        .sum()
}

/// The sum as the world sees it.
fn total(worker: &mut Worker<'_>) -> i64 {
    worker.in_world(|space, guard, scratch| {
        let mut keys = Keys::new(space, guard, scratch, context(WALKER, 0));
        (0..ACCOUNTS).map(|i| int(keys.peek(&account(i)).expect("accounts stay").value())).sum()
    })
}

#[test]
fn transfers_keep_the_sum_in_every_snapshot() {
    let space = Keyspace::with_hasher(2, WRITERS + 1, HASHER);
    let mut walker = Worker::new(&space, WALKER);
    for i in 0..ACCOUNTS {
        let key = account(i);
        walker
            .with(&[Slot::of(&key)], |keys| keys.put_string(&key, START.to_string().as_bytes(), Ttl::Clear));
    }
    let expected = ACCOUNTS as i64 * START;
    let working = AtomicUsize::new(WRITERS);
    std::thread::scope(|scope| {
        for thread in 0..WRITERS {
            let (space, working) = (&space, &working);
            scope.spawn(move || {
                let mut worker = Worker::new(space, thread);
                for i in 0..TRANSFERS {
                    worker.transfer();
                    worker.churn(i);
                }
                // Others may still be inside; what they hold up goes when they have left.
                while worker.reclaimer.bytes() > 0 {
                    worker.reclaimer.collect(space, &mut worker.scratch.retired);
                    yield_now();
                }
                working.fetch_sub(1, Ordering::Release);
            });
        }
        for i in 0..SNAPSHOTS {
            assert_eq!(snapshot(&mut walker, i % 2 == 0), expected);
            assert_eq!(total(&mut walker), expected);
        }
        while working.load(Ordering::Acquire) > 0 {
            assert_eq!(total(&mut walker), expected);
            yield_now();
        }
    });
    assert_eq!(snapshot(&mut walker, false), expected);
    walker.reclaimer.collect(&space, &mut walker.scratch.retired);
    assert_eq!(walker.reclaimer.bytes(), 0);
    let churned = (TRANSFERS / 700).is_multiple_of(2);
    let left = if churned { TRANSFERS % 700 } else { 700 - TRANSFERS % 700 };
    assert_eq!(space.len(0), ACCOUNTS + WRITERS as u64 * left);
}
