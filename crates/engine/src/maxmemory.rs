//! `maxmemory`: making room before a command runs.
//!
//! Eviction happens in admission only, holding no lock but that of the one slot it removes from, and each removal has a
//! place of its own in the stream. The victim is the least recently used of `maxmemory-samples` random keys, each from a
//! random slot; the best candidates seen so far are kept from one eviction to the next, which brings a few samples
//! close to true LRU.

use crate::admission::Refusal;
use crate::cx::Suspend;
use crate::engine::Engine;
use crate::exec::{Local, send_effects};
use crate::stats::Counter;
use config::MaxmemoryPolicy;
use keyspace::{Keys, SlotBusy};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use topology::Slot;

/// Candidates kept between evictions.
const POOL: usize = 16;
/// Time that one admission spends: beyond it the command goes on, and the next one and the worker's cron continue.
const BUDGET: Duration = Duration::from_micros(500);
/// Candidates that are tried for one eviction.
const TRIES: usize = 128;

/// A key that may be evicted.
#[derive(Debug)]
struct Candidate {
    idle_s: u32,
    db: u16,
    key: Box<[u8]>,
}

/// The best candidates of a thread.
#[derive(Debug, Default)]
pub struct Pool(Vec<Candidate>);

impl Pool {
    /// Keeps the candidate if it is among the best; the most idle stands last.
    fn offer(&mut self, candidate: Candidate) {
        if self.0.iter().any(|known| known.db == candidate.db && known.key == candidate.key) {
            return;
        }
        let at = self.0.partition_point(|known| known.idle_s <= candidate.idle_s);
        self.0.insert(at, candidate);
        if self.0.len() > POOL {
            self.0.remove(0);
        }
    }
}

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

/// Evicts for as long as one admission may spend; whether the command may run.
fn evict(engine: &Engine, local: &mut Local, limit: u64, is_replica: bool) -> Result<bool, Refusal> {
    if local.settings.maxmemory_policy != MaxmemoryPolicy::AllkeysLru
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
    /// It is gone.
    Missed,
    /// It can be evicted later: its slot is busy, or its value is large, and a snapshot that has yet to capture it was
    /// asked to.
    Later(Suspend),
}

/// Evicts the best candidate; `false` when there is nothing to evict.
fn evict_one(engine: &Engine, local: &mut Local) -> Result<bool, Suspend> {
    let mut later = None;
    // A candidate may have gone or be in use meanwhile; an empty keyspace has none at all.
    for _ in 0..TRIES {
        let busy = fill_pool(engine, local);
        later = later.or(busy.map(Suspend::Slot));
        let Some(Candidate { db, key, .. }) = local.pool.0.pop() else { break };
        match remove(engine, local, db, &key) {
            Attempt::Evicted => return Ok(true),
            Attempt::Missed => {}
            Attempt::Later(why) => later = Some(why),
        }
    }
    // If there is room to be made by waiting, nobody is told that there is none.
    later.map_or(Ok(false), Err)
}

/// Takes samples into the pool. A slot that was busy has no candidate for us now.
fn fill_pool(engine: &Engine, local: &mut Local) -> Option<SlotBusy> {
    let mut busy = None;
    let clock = (local.now_ms / 1000) as u32 & 0xff_ffff;
    let samples = local.settings.maxmemory_samples;
    for db in 0..engine.keyspace.databases() as u16 {
        if engine.keyspace.len(db) == 0 {
            continue;
        }
        for _ in 0..samples {
            let random = local.random.next_u64();
            let context = local.context(db, true);
            let mut guard = engine.keyspace.walk_slots();
            let mut keys = Keys::new(&engine.keyspace, &mut guard, &mut local.scratch, context);
            let sampled = keys.sample(random, |entry| Candidate {
                idle_s: clock.wrapping_sub(entry.lru()) & 0xff_ffff,
                db,
                key: entry.key().into(),
            });
            match sampled {
                Ok(Some(candidate)) => local.pool.offer(candidate),
                Ok(None) => {}
                Err(taken) => busy = Some(taken),
            }
        }
    }
    busy
}

/// Removes a key as evicted.
fn remove(engine: &Engine, local: &mut Local, db: u16, key: &[u8]) -> Attempt {
    let mut guard = match engine.keyspace.lock(Slot::of(key)) {
        Ok(guard) => guard,
        Err(busy) => return Attempt::Later(Suspend::Slot(busy)),
    };
    local.scratch.effects.begin();
    let lazy = local.settings.lazyfree_lazy_eviction;
    let context = local.context(db, true);
    let mut keys = Keys::new(&engine.keyspace, &mut guard, &mut local.scratch, context);
    if keys.awaits_capture(key) {
        return Attempt::Later(Suspend::Capture);
    }
    if !keys.evict(key, lazy) {
        return Attempt::Missed;
    }
    send_effects(engine, local);
    engine.stats.add(local.thread, Counter::Evicted, 1);
    Attempt::Evicted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pool_keeps_the_most_idle() {
        let mut pool = Pool::default();
        for idle_s in [5, 1, 9, 3] {
            pool.offer(Candidate { idle_s, db: 0, key: idle_s.to_string().into_bytes().into() });
        }
        pool.offer(Candidate { idle_s: 9, db: 0, key: b"9"[..].into() });
        assert_eq!(pool.0.iter().map(|c| c.idle_s).collect::<Vec<_>>(), [1, 3, 5, 9]);
        for idle_s in 10..40 {
            pool.offer(Candidate { idle_s, db: 0, key: idle_s.to_string().into_bytes().into() });
        }
        assert_eq!((pool.0.len(), pool.0.pop().map(|c| c.idle_s)), (POOL, Some(39)));
    }
}
