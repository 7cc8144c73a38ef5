//! `maxmemory`: making room before a command runs.
//!
//! Eviction happens in admission only, holding no lock but that of the one slot it removes from, and each removal has a
//! place of its own in the stream. The policy says which keys may go, all or those with an expiry, and which of them goes first: the
//! best of `maxmemory-samples` random keys and of those that earlier samples left ([`Pool`]), or any.

mod pool;

pub use pool::Pool;
use pool::{Candidate, Order};

use crate::admission::Refusal;
use crate::cx::Suspend;
use crate::engine::Engine;
use crate::exec::{Local, send_effects};
use crate::stats::Counter;
use config::MaxmemoryPolicy;
use keyspace::{Among, Keys, SlotBusy};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use topology::Slot;

/// Time that one admission spends: beyond it the command goes on, and the next one and the worker continue.
const BUDGET: Duration = Duration::from_micros(500);
/// Candidates that are tried for one eviction.
const TRIES: usize = 128;

/// Evicts until there is room; whether the command may run.
pub fn make_room(engine: &Engine, local: &mut Local) -> Result<bool, Refusal> {
    let limit = local.settings.maxmemory_bytes;
    if is_room(engine, limit) {
        engine.stats.exceeded.end(local.now_ms);
        return Ok(true);
    }
    let is_replica = engine.role.is_replica.load(Ordering::Relaxed);
    if is_replica && local.settings.replica_ignore_maxmemory {
        return Ok(true);
    }
    let may_run = evict(engine, local, limit, is_replica);
    match is_room(engine, limit) {
        true => engine.stats.exceeded.end(local.now_ms),
        false => engine.stats.exceeded.begin(local.now_ms),
    }
    may_run
}

/// Goes on without a command that asks for it, for as long as one admission may spend; whether there is more to do and it can be done.
pub fn go_on(engine: &Engine, local: &mut Local) -> bool {
    let before = engine.stats.of_thread(local.thread, Counter::Evicted);
    // Whoever asks needs no room.
    let _ = make_room(engine, local);
    engine.stats.of_thread(local.thread, Counter::Evicted) > before
        && !is_room(engine, local.settings.maxmemory_bytes)
}

/// Evicts for as long as one admission may spend; whether the command may run.
fn evict(engine: &Engine, local: &mut Local, limit: u64, is_replica: bool) -> Result<bool, Refusal> {
    if local.settings.maxmemory_policy == MaxmemoryPolicy::Noeviction
        || engine.pauses.holds_writes(local.now_ms)
        || engine.loading.load(Ordering::Relaxed)
    {
        return Ok(false);
    }
    if is_freeing(local) {
        return Ok(true);
    }
    if local.standing.holds_for().is_some() {
        // This very thread holds the gate closed, for a command that has asked already: waiting here would be for itself.
        return Ok(true);
    }
    if !local.enter(engine) {
        return Err(Refusal::Suspend(Suspend::Gate));
    }
    if engine.pauses.holds_writes(local.now_ms)
        || engine.role.is_replica.load(Ordering::Relaxed) != is_replica
    {
        // Decided between the look above and the gate: the command is admitted anew.
        return Ok(true);
    }
    let began = Instant::now();
    while began.elapsed() < BUDGET {
        if !evict_one(engine, local).map_err(Refusal::Suspend)? {
            return Ok(false);
        }
        if is_room(engine, limit) || is_freeing(local) {
            return Ok(true);
        }
    }
    // Other commands want to run too: this one may pass, the next goes on with the work.
    Ok(true)
}

/// Whether what counts is within the limit.
fn is_room(engine: &Engine, limit: u64) -> bool {
    let used = memory::used_bytes();
    used <= limit || used.saturating_sub(uncounted_bytes(engine)) <= limit
}

/// `mem_not_counted_for_evict`: what is there because of replicas. The removal of a key is sent to them too: counted, a slow
/// replica would have all keys evicted.
pub fn uncounted_bytes(engine: &Engine) -> u64 {
    engine.stream.unsent_bytes()
}

/// While lazyfree is still freeing, do not evict: it would evict too much. Tables that a snapshot has yet to write do not count:
/// that may take minutes.
fn is_freeing(local: &Local) -> bool {
    !local.scratch.garbage.is_empty() || local.lazyfree.freeing().pending() > 0
}

/// What came of the attempt to evict a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    Evicted,
    /// It is gone, or others should go before it.
    Missed,
    /// It can be evicted later: its slot is busy, or its value is large, and a snapshot that has yet to capture it was
    /// asked to.
    Later(Suspend),
}

/// Evicts the key whose turn it is; `false` when there is nothing to evict.
fn evict_one(engine: &Engine, local: &mut Local) -> Result<bool, Suspend> {
    let policy = local.settings.maxmemory_policy;
    let among = if policy.is_volatile() { Among::Volatile } else { Among::All };
    let order = Order::of(policy);
    let mut later = None;
    // A candidate may have gone or be in use meanwhile; an empty keyspace has none at all.
    for _ in 0..TRIES {
        let mut busy = None;
        let candidate = match order {
            Some(order) => best(engine, local, among, order, &mut busy),
            None => any(engine, local, among, &mut busy),
        };
        later = later.or(busy.map(Suspend::Slot));
        let Some(candidate) = candidate else { break };
        match remove(engine, local, candidate, among, order) {
            Attempt::Evicted => return Ok(true),
            Attempt::Missed => {}
            Attempt::Later(why) => later = Some(why),
        }
    }
    // If there is room to be made by waiting, nobody is told that there is none.
    later.map_or(Ok(false), Err)
}

/// The best candidate, after a look at a few more keys. A slot that was busy has none now.
fn best(
    engine: &Engine,
    local: &mut Local,
    among: Among,
    order: Order,
    busy: &mut Option<SlotBusy>,
) -> Option<Candidate> {
    local.pool.go_by(order);
    for db in 0..engine.keyspace.databases() as u16 {
        if !has_any(engine, db, among) {
            continue;
        }
        for _ in 0..local.settings.maxmemory_samples {
            match sample(engine, local, db, among, Some(order)) {
                Ok(Some(candidate)) => local.pool.offer(candidate),
                // The last one has gone.
                Ok(None) => break,
                Err(taken) => *busy = Some(taken),
            }
        }
    }
    local.pool.take()
}

/// A random key of the database whose turn it is.
fn any(engine: &Engine, local: &mut Local, among: Among, busy: &mut Option<SlotBusy>) -> Option<Candidate> {
    let databases = engine.keyspace.databases() as u16;
    for _ in 0..databases {
        let db = local.pool.next_db % databases;
        local.pool.next_db = db + 1;
        if !has_any(engine, db, among) {
            continue;
        }
        match sample(engine, local, db, among, None) {
            Ok(Some(candidate)) => return Some(candidate),
            Ok(None) => {}
            Err(taken) => *busy = Some(taken),
        }
    }
    None
}

/// Whether a database has keys that may go.
fn has_any(engine: &Engine, db: u16, among: Among) -> bool {
    match among {
        Among::All => engine.keyspace.len(db) > 0,
        Among::Volatile => engine.keyspace.volatile_len(db) > 0,
    }
}

/// A random key with its score.
fn sample(
    engine: &Engine,
    local: &mut Local,
    db: u16,
    among: Among,
    order: Option<Order>,
) -> Result<Option<Candidate>, SlotBusy> {
    let (random, now_ms, clock) = (local.random.next_u64(), local.now_ms, local.options.clock);
    let context = local.context(db, true);
    let mut guard = engine.keyspace.walk_slots();
    let mut keys = Keys::new(&engine.keyspace, &mut guard, &mut local.scratch, context);
    keys.sample_among(among, random, |entry| Candidate {
        score: order.map_or(0, |order| order.score(entry, clock, now_ms)),
        db,
        key: entry.key().into(),
    })
}

/// Removes a key as evicted, unless it has lost what made it the one to go.
fn remove(
    engine: &Engine,
    local: &mut Local,
    candidate: Candidate,
    among: Among,
    order: Option<Order>,
) -> Attempt {
    let Candidate { score, db, key } = candidate;
    let mut guard = match engine.keyspace.lock(Slot::of(&key)) {
        Ok(guard) => guard,
        Err(busy) => return Attempt::Later(Suspend::Slot(busy)),
    };
    local.scratch.effects.begin();
    let (lazy, clock) = (local.settings.lazyfree_lazy_eviction, local.options.clock);
    let context = local.context(db, true);
    let mut keys = Keys::new(&engine.keyspace, &mut guard, &mut local.scratch, context);
    let Some(entry) = keys.evictable(&key, among) else { return Attempt::Missed };
    if let Some(order) = order {
        let now = order.score(entry, clock, context.now_ms);
        if now < score {
            // It was used since the look at it.
            local.pool.offer(Candidate { score: now, db, key });
            return Attempt::Missed;
        }
    }
    if keys.awaits_capture(&key) {
        return Attempt::Later(Suspend::Capture);
    }
    if !keys.evict(&key, lazy) {
        return Attempt::Missed;
    }
    send_effects(engine, local);
    engine.stats.add(local.thread, Counter::Evicted, 1);
    Attempt::Evicted
}
