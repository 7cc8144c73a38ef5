//! Counters, one set per thread: each thread writes its own, and a reader adds them up.

use crate::exceeded::Exceeded;
use crate::latency::{Histogram, Latencies};
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Kinds of errors that are counted apart; others are counted only in the sum. A bound, since clients can make up kinds.
const MAX_ERROR_KINDS: usize = 128;
/// Bytes of an error's code that are kept.
const MAX_CODE_BYTES: usize = 32;

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a thread counts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        #[allow(missing_docs)]
        pub enum Counter { $($(#[$doc])* $name,)* }
        const COUNTERS: usize = [$(Counter::$name),*].len();
    };
}

counters! {
    /// Commands executed.
    Commands,
    /// Connections accepted.
    Connections,
    /// Connections refused for `maxclients`.
    Rejected,
    /// Look-ups that found their key.
    Hits,
    /// Look-ups that did not.
    Misses,
    /// Keys that expired.
    Expired,
    /// Fields of hashes that were deleted because they had expired.
    ExpiredFields,
    /// Keys that were evicted.
    Evicted,
    /// Changes since the start; the save points subtract what was there at the last save.
    Dirty,
    /// Bytes received from clients and replicas.
    BytesIn,
    /// Bytes sent to clients, and to the primary.
    BytesOut,
    /// Bytes received from the primary.
    BytesFromPrimary,
    /// Bytes sent to replicas.
    BytesToReplicas,
    /// Error replies.
    Errors,
    /// Messages published.
    Published,
    /// Clients closed for their output buffers.
    OutputLimit,
    /// Clients closed for what all clients hold.
    EvictedClients,
    /// Clients closed for their query buffers.
    QueryLimit,
    /// Turns of event loops.
    Turns,
    /// Nanoseconds of executing commands.
    BusyNs,
    /// Read events.
    Reads,
    /// Buffers sent.
    Writes,
    /// Refused for a missing or wrong password.
    AuthFailures,
    /// Commands that rules denied.
    DeniedCommands,
    /// Commands that were denied for a key.
    DeniedKeys,
    /// Commands that were denied for a channel.
    DeniedChannels,
    /// Commands that were denied for a database.
    DeniedDatabases,
    /// Commands of the primary's stream that could not be applied.
    Inapplicable,
    /// Nanoseconds of active expiry, without what it waits.
    ExpiryNs,
    /// Blocks of memory that active defragmentation moved.
    DefragHits,
    /// Keys that it moved.
    DefragKeyHits,
    /// Keys that it left where they were.
    DefragKeyMisses,
    /// Nanoseconds that it worked.
    DefragNs,
}

#[derive(Debug)]
#[repr(align(64))]
struct Cells {
    counters: [AtomicU64; COUNTERS],
    /// When the running turn began, in Unix ms; 0 while the thread waits for something to do.
    turn_began_ms: AtomicU64,
    /// The command that the turn runs or ran last.
    running: AtomicUsize,
    /// By command: calls, nanoseconds, refusals before and failures during execution.
    commands: Box<[[AtomicU64; 4]]>,
    /// By command, from its first call on.
    latencies: Box<[OnceLock<Histogram>]>,
    /// Errors by their code. Only this thread counts here, so the lock is free but while somebody adds up.
    errors: Mutex<BTreeMap<String, u64>>,
}

/// What is counted of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommandStats {
    /// How often it ran.
    pub calls: u64,
    /// How long in all.
    pub nanoseconds: u64,
    /// How often it was refused before it ran.
    pub rejected: u64,
    /// How often it answered with an error.
    pub failed: u64,
}

/// The counters of all threads.
#[derive(Debug)]
pub struct Stats {
    threads: Box<[Cells]>,
    /// What threads count that have no cells, or do not know theirs.
    shared: [AtomicU64; COUNTERS],
    /// `latency-tracking`.
    track_latency: AtomicBool,
    /// For how long there was no room.
    pub exceeded: Exceeded,
}

#[inline]
fn bump(cell: &AtomicU64, by: u64) {
    // Only the owning thread writes its cells.
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

impl Stats {
    /// Counters of so many threads and commands.
    pub fn new(threads: usize, commands: usize) -> Stats {
        let cells = || Cells {
            counters: [const { AtomicU64::new(0) }; COUNTERS],
            turn_began_ms: AtomicU64::new(0),
            running: AtomicUsize::new(usize::MAX),
            commands: (0..commands).map(|_| [const { AtomicU64::new(0) }; 4]).collect(),
            latencies: (0..commands).map(|_| OnceLock::new()).collect(),
            errors: Mutex::default(),
        };
        Stats {
            threads: (0..threads).map(|_| cells()).collect(),
            shared: [const { AtomicU64::new(0) }; COUNTERS],
            track_latency: AtomicBool::new(true),
            exceeded: Exceeded::default(),
        }
    }

    /// `latency-tracking`: whether times are kept by command.
    pub fn track_latency(&self, on: bool) {
        self.track_latency.store(on, Ordering::Relaxed);
    }

    /// The calling thread has something to do.
    #[inline]
    pub fn begin_turn(&self, thread: usize, now_ms: u64) {
        let cells = &self.threads[thread];
        cells.running.store(usize::MAX, Ordering::Relaxed);
        cells.turn_began_ms.store(now_ms, Ordering::Relaxed);
    }

    /// The calling thread is about to run a command.
    #[inline]
    pub fn runs(&self, thread: usize, command: usize) {
        self.threads[thread].running.store(command, Ordering::Relaxed);
    }

    /// The calling thread has done what there was to do.
    #[inline]
    pub fn end_turn(&self, thread: usize) {
        self.threads[thread].turn_began_ms.store(0, Ordering::Relaxed);
    }

    /// Turns and commands of a thread, and the command that a turn runs which began before `before_ms`.
    pub fn progress(&self, thread: usize, before_ms: u64) -> (u64, Option<usize>) {
        let cells = &self.threads[thread];
        let count = |counter: Counter| cells.counters[counter as usize].load(Ordering::Relaxed);
        let began_ms = cells.turn_began_ms.load(Ordering::Relaxed);
        let running = cells.running.load(Ordering::Relaxed);
        let is_long = began_ms != 0 && began_ms < before_ms && running != usize::MAX;
        (count(Counter::Turns) + count(Counter::Commands), is_long.then_some(running))
    }

    /// Adds to a counter of the calling thread.
    #[inline]
    pub fn add(&self, thread: usize, counter: Counter, by: u64) {
        bump(&self.threads[thread].counters[counter as usize], by);
    }

    /// Adds to a counter from whatever thread; not for what happens with every command.
    pub fn add_from_anywhere(&self, counter: Counter, by: u64) {
        self.shared[counter as usize].fetch_add(by, Ordering::Relaxed);
    }

    /// What one thread has counted.
    pub fn of_thread(&self, thread: usize, counter: Counter) -> u64 {
        self.threads[thread].counters[counter as usize].load(Ordering::Relaxed)
    }

    /// The sum over all threads.
    pub fn sum(&self, counter: Counter) -> u64 {
        let sets = self.threads.iter().map(|thread| &thread.counters).chain([&self.shared]);
        sets.map(|set| set[counter as usize].load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }

    /// Counts an execution.
    #[inline]
    pub fn called(&self, thread: usize, command: usize, nanoseconds: u64, failed: bool) {
        let own = &self.threads[thread];
        bump(&own.counters[Counter::Commands as usize], 1);
        let cells = &own.commands[command];
        bump(&cells[0], 1);
        bump(&cells[1], nanoseconds);
        if failed {
            bump(&cells[3], 1);
        }
        if self.track_latency.load(Ordering::Relaxed) {
            own.latencies[command].get_or_init(Histogram::new).record(nanoseconds);
        }
    }

    /// Counts a command that has blocked, but not how long it takes: that is known when it has gone on.
    pub fn began(&self, thread: usize, command: usize, nanoseconds: u64) {
        let own = &self.threads[thread];
        bump(&own.counters[Counter::Commands as usize], 1);
        let cells = &own.commands[command];
        bump(&cells[0], 1);
        bump(&cells[1], nanoseconds);
    }

    /// A command that [began](Stats::began) went on.
    pub fn went_on(&self, thread: usize, command: usize, nanoseconds: u64, failed: bool) {
        let own = &self.threads[thread];
        bump(&own.commands[command][1], nanoseconds);
        if failed {
            bump(&own.commands[command][3], 1);
        }
        if self.track_latency.load(Ordering::Relaxed) {
            own.latencies[command].get_or_init(Histogram::new).record(nanoseconds);
        }
    }

    /// The times of a command over all threads; `None` when it was never called.
    pub fn latencies(&self, command: usize) -> Option<Latencies> {
        Latencies::sum(self.threads.iter().filter_map(|thread| thread.latencies[command].get()))
    }

    /// Counts an error reply by its code, the text's first word.
    #[cold]
    pub fn error(&self, thread: usize, error: &dyn Display) {
        self.add(thread, Counter::Errors, 1);
        let code = code_of(error);
        let mut errors = self.threads[thread].errors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = errors.get_mut(&code) {
            *count += 1;
        } else if errors.len() < MAX_ERROR_KINDS {
            errors.insert(code, 1);
        }
    }

    /// Errors by their code.
    pub fn errors(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for thread in &self.threads {
            for (code, count) in &*thread.errors.lock().unwrap_or_else(PoisonError::into_inner) {
                *all.entry(code.clone()).or_default() += count;
            }
        }
        all
    }

    /// Counts a refusal before execution.
    pub fn rejected(&self, thread: usize, command: usize) {
        bump(&self.threads[thread].commands[command][2], 1);
    }

    /// The sums of a command.
    pub fn command(&self, command: usize) -> CommandStats {
        let sum = |field: usize| {
            let cells =
                self.threads.iter().map(|thread| thread.commands[command][field].load(Ordering::Relaxed));
            cells.fold(0, u64::wrapping_add)
        };
        CommandStats { calls: sum(0), nanoseconds: sum(1), rejected: sum(2), failed: sum(3) }
    }

    /// CONFIG RESETSTAT. `Dirty` and what is being counted at this moment stay.
    pub fn reset(&self) {
        self.exceeded.reset();
        for set in self.threads.iter().map(|thread| &thread.counters).chain([&self.shared]) {
            for (at, cell) in set.iter().enumerate() {
                if at != Counter::Dirty as usize {
                    cell.store(0, Ordering::Relaxed);
                }
            }
        }
        for thread in &self.threads {
            thread.commands.iter().flatten().for_each(|cell| cell.store(0, Ordering::Relaxed));
            thread.latencies.iter().filter_map(OnceLock::get).for_each(Histogram::reset);
            thread.errors.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

/// The first word of an error, without formatting the rest.
fn code_of(error: &dyn Display) -> String {
    struct FirstWord(String);
    impl Write for FirstWord {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            for c in text.chars() {
                if c == ' ' || self.0.len() >= MAX_CODE_BYTES {
                    return Err(std::fmt::Error);
                }
                self.0.push(c);
            }
            Ok(())
        }
    }
    let mut word = FirstWord(String::new());
    // The error is how it stops early.
    let _ = write!(word, "{error}");
    word.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted_by_their_first_word_and_bounded() {
        let stats = Stats::new(2, 1);
        stats.error(0, &"ERR syntax error");
        stats.error(1, &"ERR no such key");
        stats.error(1, &"NOAUTH");
        assert_eq!(stats.errors(), BTreeMap::from([("ERR".into(), 2), ("NOAUTH".into(), 1)]));
        for kind in 0..1000 {
            stats.error(0, &format_args!("E{kind} made up"));
        }
        assert_eq!(stats.errors().len(), MAX_ERROR_KINDS + 1);
        assert_eq!(stats.sum(Counter::Errors), 1003);
        stats.reset();
        assert!(stats.errors().is_empty() && stats.sum(Counter::Errors) == 0);
    }
}
