//! Active expiry: a thread that deletes expired keys, and expired fields of hashes, that no command looks at.
//!
//! A slot's header keeps bounds below which none of its keys and fields expires, and they are read without its lock: a slot of which
//! nothing is due costs two comparisons, and a round that finds none due does not enter the gate. In a slot
//! with due keys only volatile entries are touched, a few at a time under its lock. Hashes with fields that expire stand in their
//! slot in the order in which these are due, so that what is not due costs nothing. The thread works in short passages of
//! the gate, like a worker, and each removal has a place of its own in the stream.

use crate::admission;
use crate::engine::{Background, Engine, unix_ms};
use crate::exec::{Local, send_effects, serve_unserved};
use crate::stats::Counter;
use keyspace::{Expiry, Keys, OwnVolatile, Sweep};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use topology::{SLOTS, Slot};

/// How often the slots are gone through.
const PERIOD: Duration = Duration::from_millis(100);
/// How long the thread sleeps while there are no keys that expire: until a worker, which looks a few times a second, or once
/// when it has nothing to do, wakes it.
const IDLE_PERIOD: Duration = Duration::from_secs(3600);
/// How long one passage of the gate lasts at most.
const PASSAGE: Duration = Duration::from_micros(200);
/// Volatile entries looked at under one hold of a slot's lock.
const ENTRIES: usize = 32;
/// Fields deleted under one hold of a slot's lock.
const FIELDS: usize = 64;

/// Runs until the node ends.
pub fn run(engine: &Engine, mut local: Local) {
    engine.parkers[Background::Expiry as usize].attach();
    while !engine.ending.load(Ordering::Acquire) {
        let began = Instant::now();
        let mut period = IDLE_PERIOD;
        let is_off =
            !engine.active_expire.load(Ordering::Relaxed) || engine.cron_paused.load(Ordering::Relaxed);
        if !is_off && !engine.loading.load(Ordering::Relaxed) {
            local.refresh(engine);
            for db in 0..engine.keyspace.databases() as u16 {
                if engine.is_volatile(db) {
                    period = PERIOD;
                    sweep(engine, &mut local, db);
                }
            }
            expire_own(engine, &mut local);
        }
        engine.expiry_idle.store(period == IDLE_PERIOD, Ordering::Relaxed);
        std::thread::park_timeout(period.saturating_sub(began.elapsed()));
    }
}

/// A worker's look, a few times a second.
pub fn wake_for_volatile_keys(engine: &Engine) {
    if engine.expiry_idle.load(Ordering::Relaxed) && engine.has_volatile_keys() {
        engine.expiry_idle.store(false, Ordering::Relaxed);
        engine.parkers[Background::Expiry as usize].unpark();
    }
}

/// Goes through all slots of a database once.
fn sweep(engine: &Engine, local: &mut Local, db: u16) {
    let (mut slot, mut at_slot) = (0, Progress::Begin);
    while !engine.ending.load(Ordering::Acquire) {
        local.now_ms = unix_ms();
        if next_due(engine, db, slot, local.now_ms).is_none()
            || admission::expiry(engine, local.now_ms) != Expiry::Delete
        {
            return;
        }
        if !local.enter(engine) {
            if local.standing.wait(&*engine.keyspace) {
                std::thread::park_timeout(PERIOD);
            }
            continue;
        }
        if local.expiry != Expiry::Delete {
            // Decided between the look above and the gate.
            return local.leave(engine);
        }
        let began = Instant::now();
        while began.elapsed() < PASSAGE && !engine.keyspace.gate().is_closed() {
            let Some(at) = next_due(engine, db, slot, local.now_ms) else {
                slot = SLOTS;
                break;
            };
            if at.index() != slot {
                (slot, at_slot) = (at.index(), Progress::Begin);
            }
            at_slot = sweep_some(engine, local, db, at, at_slot);
            if at_slot == Progress::Begin {
                slot += 1;
            }
        }
        leave(engine, local, began);
    }
}

/// The first slot from this number on of which something may be due.
fn next_due(engine: &Engine, db: u16, from: usize, now_ms: u64) -> Option<Slot> {
    engine.keyspace.next_due(engine.keyspace.physical(db), from, now_ms)
}

/// Ends a passage of the gate that began then. Clients may have waited for what was removed in it.
fn leave(engine: &Engine, local: &mut Local, began: Instant) {
    if !local.unserved.is_empty() {
        serve_unserved(engine, local);
    }
    local.leave(engine);
    engine.stats.add(local.thread, Counter::ExpiryNs, began.elapsed().as_nanos() as u64);
}

/// Removes keys that clients of this replica wrote, as their time has come.
fn expire_own(engine: &Engine, local: &mut Local) {
    let now_ms = unix_ms();
    while engine.role.is_replica.load(Ordering::Relaxed)
        && !engine.ending.load(Ordering::Acquire)
        && let Some(due) = engine.own_volatile.take_due(now_ms)
    {
        let again = expire_own_key(engine, local, now_ms, &due);
        if let Some(at_ms) = again {
            engine.own_volatile.add(vec![OwnVolatile { at_ms, ..due }]);
        }
    }
}

/// Looks at a key whose time should have come; when to look again.
fn expire_own_key(engine: &Engine, local: &mut Local, now_ms: u64, due: &OwnVolatile) -> Option<u64> {
    let again = Some(now_ms + 1);
    local.now_ms = now_ms;
    if !local.enter(engine) {
        if local.standing.wait(&*engine.keyspace) {
            std::thread::park_timeout(PERIOD);
        }
        return again;
    }
    let began = Instant::now();
    // Roles change in the world: a primary's keys are swept, and a load has replaced these.
    let is_replica =
        engine.role.is_replica.load(Ordering::Relaxed) && !engine.loading.load(Ordering::Relaxed);
    let mut next = None;
    if is_replica {
        next = again;
        if let Ok(mut guard) = engine.keyspace.lock(Slot::of(&due.key)) {
            local.scratch.effects.begin();
            let context = local.context(due.db, true);
            next = Keys::new(&engine.keyspace, &mut guard, &mut local.scratch, context).expire_own(&due.key);
            send_effects(engine, local);
        }
    }
    leave(engine, local, began);
    next
}

/// How far a slot was swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Not at all: the next slot is to be begun.
    Begin,
    /// The keys up to here.
    Keys(Sweep),
    /// The keys, and some of the fields.
    Fields,
}

/// Removes some due keys or fields of a slot; where to go on: with the next one when the slot is done or busy.
fn sweep_some(engine: &Engine, local: &mut Local, db: u16, slot: Slot, from: Progress) -> Progress {
    // A busy slot is looked at again in the next round.
    let Ok(mut guard) = engine.keyspace.lock(slot) else { return Progress::Begin };
    local.scratch.effects.begin();
    local.scratch.effects.unrelated = true;
    let context = local.context(db, true);
    let mut keys = Keys::new(&engine.keyspace, &mut guard, &mut local.scratch, context);
    let swept = match from {
        _ if !keys.may_be_due(slot) => None,
        Progress::Keys(sweep) => keys.sweep(slot, Some(sweep), ENTRIES),
        Progress::Begin | Progress::Fields => keys.sweep(slot, None, ENTRIES),
    };
    let next = match swept {
        Some(sweep) => Progress::Keys(sweep),
        None if keys.reclaim_fields(slot, FIELDS) => Progress::Fields,
        None => Progress::Begin,
    };
    send_effects(engine, local);
    next
}
