//! Active defragmentation: a thread that moves entries out of sparse pages of memory, so that the pages become empty and go back
//! to the system.
//!
//! ```text
//!   look: what could be given back? ─▶ less than the thresholds: rest
//!         └─▶ a share of one core, by how much it is ─▶ pass over all slots, in slices of `active-defrag-cycle-us`
//! ```
//! Entries and bucket arrays are moved: they lie in slabs, whose pages know how full they are ([`memory::slab`]). What a value owns
//! beside its entry stays where it is. Fragmentation is therefore not what resident memory exceeds allocated memory by, but what
//! moving would free: a pass that cannot help does not begin.
//!
//! A page becomes empty only when the last of its blocks was moved, and blocks come in the order of slots. So that not all that moves
//! is there twice meanwhile, a pass goes through all slots several times, each time for a part of the pages.
//!
//! A slice consists of short passages of the gate, and in them a slot's lock is held for a few entries at a time.

use crate::engine::{Background, Engine, unix_ms};
use crate::exec::Local;
use crate::stats::Counter;
use config::Settings;
use keyspace::Keys;
use memory::slab::{Part, Usage, usage};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use table::Relocated;
use topology::{SLOTS, Slot};

/// How often fragmentation is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// After a pass that freed next to nothing.
const REST: Duration = Duration::from_secs(30);
/// While it is off: a change of the settings wakes the thread.
const OFF: Duration = Duration::from_secs(3600);
/// How long a closed gate is waited for at most.
const CLOSED: Duration = Duration::from_millis(100);
/// How long one passage of the gate lasts at most.
const PASSAGE: Duration = Duration::from_micros(200);
/// Entries looked at under one hold of a slot's lock.
const ENTRIES: usize = 32;
/// What is moved at a time takes no more memory than this, or than this part of what is in use.
const MOVED_BYTES: u64 = 64 << 20;
const MOVED_PART: u64 = 8;
/// More parts than this take too long.
const MOST_PARTS: u64 = 64;
/// The shortest slice, and that of versions which lack the parameter.
const SLICES_US: (u32, u32) = (50, 500);

/// What INFO tells of it.
#[derive(Debug, Default)]
pub struct Defrag {
    /// The share of a core that it uses, in percent; 0 while it does not run.
    pub percent: AtomicU32,
    /// When the running pass began, in Unix ms; 0 when none runs.
    since_ms: AtomicU64,
}

impl Defrag {
    /// For how long the running pass has run, in ms.
    pub fn current_ms(&self, now_ms: u64) -> u64 {
        match self.since_ms.load(Ordering::Relaxed) {
            0 => 0,
            since_ms => now_ms.saturating_sub(since_ms),
        }
    }

    fn begin(&self) {
        self.since_ms.store(unix_ms(), Ordering::Relaxed);
    }

    fn end(&self) {
        self.percent.store(0, Ordering::Relaxed);
        self.since_ms.store(0, Ordering::Relaxed);
    }
}

/// The share of a core, in percent, that fragmentation deserves by the settings: none below the lower thresholds, and between the
/// lower and the upper one the more the worse it is.
pub fn percent(settings: &Settings, usage: &Usage) -> u32 {
    let (lower, upper) = (settings.active_defrag_threshold_lower, settings.active_defrag_threshold_upper);
    let (least, most) = (settings.active_defrag_cycle_min, settings.active_defrag_cycle_max);
    let fragmented = usage.spare_bytes as f64 * 100.0 / usage.used_bytes.max(1) as f64;
    if usage.spare_bytes < settings.active_defrag_ignore_bytes || fragmented < f64::from(lower) {
        return 0;
    }
    let most = most.max(least);
    if upper <= lower || fragmented >= f64::from(upper) {
        return most;
    }
    let along = (fragmented - f64::from(lower)) / f64::from(upper - lower);
    least + (along * f64::from(most - least)) as u32
}

/// How long to sleep after work of this length, so that it takes this share of a core.
fn pause(worked: Duration, percent: u32) -> Duration {
    worked * (100 - percent.clamp(1, 99)) / percent.clamp(1, 99)
}

/// Where a pass is.
#[derive(Debug, Default)]
struct Place {
    db: u16,
    slot: usize,
    cursor: u64,
}

/// Runs until the node ends.
pub fn run(engine: &Engine, mut local: Local) {
    engine.parkers[Background::Defrag as usize].attach();
    while !engine.ending.load(Ordering::Acquire) {
        local.refresh(engine);
        if !may_run(engine, &local) {
            let is_off = !local.settings.activedefrag;
            std::thread::park_timeout(if is_off { OFF } else { LOOK });
            continue;
        }
        let before = usage();
        let rest = match percent(&local.settings, &before) {
            0 => LOOK,
            share => {
                pass(engine, &mut local, share, &before);
                let freed = before.pages_bytes.saturating_sub(usage().pages_bytes);
                if freed * 20 < before.spare_bytes { REST } else { LOOK }
            }
        };
        std::thread::park_timeout(rest);
    }
}

fn may_run(engine: &Engine, local: &Local) -> bool {
    local.settings.activedefrag
        && !engine.cron_paused.load(Ordering::Relaxed)
        && !engine.loading.load(Ordering::Relaxed)
}

/// In how many parts to move what is worth moving.
fn parts(usage: &Usage) -> usize {
    let at_once = MOVED_BYTES.max(usage.used_bytes / MOVED_PART);
    usage.sparse_bytes.div_ceil(at_once).min(MOST_PARTS) as usize
}

/// Goes through all slots of all databases once for each part of the pages. Its share of a core may rise while it runs, as Redis has
/// it, but does not fall.
fn pass(engine: &Engine, local: &mut Local, mut share: u32, before: &Usage) {
    engine.defrag.begin();
    let mut looked = Instant::now();
    for part in Part::divide(parts(before)) {
        let mut place = Some(Place::default());
        while let Some(at) = place.take() {
            local.refresh(engine);
            if engine.ending.load(Ordering::Acquire) || !may_run(engine, local) {
                return engine.defrag.end();
            }
            if looked.elapsed() >= LOOK {
                share = share.max(percent(&local.settings, &usage()));
                looked = Instant::now();
            }
            engine.defrag.percent.store(share, Ordering::Relaxed);
            let began = Instant::now();
            place = slice(engine, local, at, part, began);
            let worked = began.elapsed();
            engine.stats.add(local.thread, Counter::DefragNs, worked.as_nanos() as u64);
            std::thread::park_timeout(pause(worked, share));
        }
        // What was freed goes back to the heaps that it came from, and their empty pages serve the next part.
        memory::trim();
    }
    engine.defrag.end();
}

/// Goes on for as long as a slice may last; where to continue, `None` at the end.
fn slice(engine: &Engine, local: &mut Local, mut place: Place, part: Part, began: Instant) -> Option<Place> {
    let (least, usual) = SLICES_US;
    let length = match engine.profile.has("8.1.0") {
        true => local.settings.active_defrag_cycle_us.max(least),
        false => usual,
    };
    let length = Duration::from_micros(length.into());
    while began.elapsed() < length && !engine.ending.load(Ordering::Acquire) {
        local.now_ms = unix_ms();
        if !local.enter(engine) {
            if local.standing.wait(&*engine.keyspace) {
                std::thread::park_timeout(CLOSED);
            }
            return Some(place);
        }
        let entered = Instant::now();
        let mut is_over = false;
        while !is_over && entered.elapsed() < PASSAGE && !engine.keyspace.gate().is_closed() {
            is_over = !step(engine, local, &mut place, part);
        }
        local.leave(engine);
        if is_over {
            return None;
        }
    }
    Some(place)
}

/// Moves what is worth moving of some entries; whether there is more to do.
fn step(engine: &Engine, local: &mut Local, place: &mut Place, part: Part) -> bool {
    let next = match place.slot < SLOTS {
        true => engine.keyspace.next_occupied(engine.keyspace.physical(place.db), place.slot),
        false => None,
    };
    let Some(slot) = next else {
        *place = Place { db: place.db + 1, slot: 0, cursor: 0 };
        return usize::from(place.db) < engine.keyspace.databases();
    };
    if slot.index() != place.slot {
        (place.slot, place.cursor) = (slot.index(), 0);
    }
    place.cursor = relocate(engine, local, place, part, slot);
    if place.cursor == 0 {
        place.slot += 1;
    }
    true
}

/// Moves some of a slot; the next cursor. A slot that is busy has its turn in the next pass.
fn relocate(engine: &Engine, local: &mut Local, place: &Place, part: Part, slot: Slot) -> u64 {
    let Ok(mut guard) = engine.keyspace.lock(slot) else { return 0 };
    local.scratch.effects.begin();
    let context = local.context(place.db, true);
    let (next, done) = Keys::new(&engine.keyspace, &mut guard, &mut local.scratch, context).relocate(
        slot,
        place.cursor,
        ENTRIES,
        part,
    );
    local.release(guard);
    let Relocated { passed, entries, arrays } = done;
    let count = |counter, by: usize| engine.stats.add(local.thread, counter, by as u64);
    count(Counter::DefragHits, entries + arrays);
    count(Counter::DefragKeyHits, entries);
    count(Counter::DefragKeyMisses, passed - entries);
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::{Asker, Config};
    use profile::Profile;

    #[test]
    fn the_share_follows_what_could_be_freed() {
        let mut config = Config::new(Profile::Valkey80);
        let set = |config: &mut Config, name, value| {
            config.set(&[(name, value)], Asker::default()).map(drop).expect("it is valid");
        };
        set(&mut config, "active-defrag-ignore-bytes", "1000");
        set(&mut config, "active-defrag-threshold-lower", "10");
        set(&mut config, "active-defrag-threshold-upper", "110");
        set(&mut config, "active-defrag-cycle-min", "5");
        set(&mut config, "active-defrag-cycle-max", "55");
        let settings = config.settings().clone();
        let share = |spare_bytes, used_bytes| {
            percent(&settings, &Usage { used_bytes, spare_bytes, ..Usage::default() })
        };
        assert_eq!(share(999, 1000), 0, "below the bytes");
        assert_eq!(share(9_900, 100_000), 0, "below the lower threshold");
        assert_eq!(share(10_000, 100_000), 5);
        assert_eq!(share(60_000, 100_000), 30);
        assert_eq!(share(110_000, 100_000), 55);
        assert_eq!(share(500_000, 100_000), 55);
        assert_eq!(share(500_000, 0), 55);
        set(&mut config, "active-defrag-threshold-upper", "10");
        set(&mut config, "active-defrag-cycle-max", "1");
        let settings = config.settings().clone();
        let usage = Usage { used_bytes: 100_000, spare_bytes: 11_000, ..Usage::default() };
        assert_eq!(percent(&settings, &usage), 5, "limits that contradict each other");
    }

    #[test]
    fn little_is_there_twice() {
        let of = |sparse_bytes, used_bytes| parts(&Usage { used_bytes, sparse_bytes, ..Usage::default() });
        assert_eq!(of(MOVED_BYTES, MOVED_BYTES), 1);
        assert_eq!(of(MOVED_BYTES + 1, MOVED_BYTES + 1), 2);
        assert_eq!(of(100 * MOVED_BYTES, 100 * MOVED_BYTES), 8);
        assert_eq!(of(0, 0), 0, "which are one");
    }

    #[test]
    fn pauses_leave_the_rest_of_a_core() {
        assert_eq!(pause(Duration::from_micros(500), 1), Duration::from_micros(49_500));
        assert_eq!(pause(Duration::from_micros(500), 50), Duration::from_micros(500));
        assert_eq!(pause(Duration::from_micros(99), 99), Duration::from_micros(1));
    }
}
