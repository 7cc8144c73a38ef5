//! Counters, one set a thread: each thread writes its own, and whoever asks adds them up.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a thread counts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        #[allow(missing_docs)]
        pub(crate) enum Counter { $($(#[$doc])* $name,)* }
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
    /// Keys that were evicted.
    Evicted,
    /// Changes since the start; the save points subtract what was there at the last save.
    Dirty,
    /// Bytes received.
    BytesIn,
    /// Bytes sent.
    BytesOut,
    /// Error replies.
    Errors,
    /// Messages published.
    Published,
    /// Clients closed for their output buffers.
    OutputLimit,
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
}

#[derive(Debug)]
#[repr(align(64))]
struct Cells {
    counters: [AtomicU64; COUNTERS],
    /// By command: calls, nanoseconds, refusals before and failures during execution.
    commands: Box<[[AtomicU64; 4]]>,
}

/// What is counted of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CommandStats {
    pub(crate) calls: u64,
    pub(crate) nanoseconds: u64,
    pub(crate) rejected: u64,
    pub(crate) failed: u64,
}

/// The counters of all threads.
#[derive(Debug)]
pub(crate) struct Stats {
    threads: Box<[Cells]>,
}

#[inline]
fn bump(cell: &AtomicU64, by: u64) {
    // Only the owning thread writes its cells.
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}

impl Stats {
    pub(crate) fn new(threads: usize, commands: usize) -> Stats {
        let cells = || Cells {
            counters: [const { AtomicU64::new(0) }; COUNTERS],
            commands: (0..commands).map(|_| [const { AtomicU64::new(0) }; 4]).collect(),
        };
        Stats { threads: (0..threads).map(|_| cells()).collect() }
    }

    /// Adds to a counter of the calling thread.
    #[inline]
    pub(crate) fn add(&self, thread: usize, counter: Counter, by: u64) {
        bump(&self.threads[thread].counters[counter as usize], by);
    }

    /// The sum over all threads.
    pub(crate) fn sum(&self, counter: Counter) -> u64 {
        let cells =
            self.threads.iter().map(|thread| thread.counters[counter as usize].load(Ordering::Relaxed));
        cells.fold(0, u64::wrapping_add)
    }

    /// Counts an execution.
    #[inline]
    pub(crate) fn called(&self, thread: usize, command: usize, nanoseconds: u64, failed: bool) {
        let cells = &self.threads[thread].commands[command];
        bump(&cells[0], 1);
        bump(&cells[1], nanoseconds);
        if failed {
            bump(&cells[3], 1);
        }
    }

    /// Counts a refusal before execution.
    pub(crate) fn rejected(&self, thread: usize, command: usize) {
        bump(&self.threads[thread].commands[command][2], 1);
    }

    /// The sums of a command.
    pub(crate) fn command(&self, command: usize) -> CommandStats {
        let sum = |field: usize| {
            let cells =
                self.threads.iter().map(|thread| thread.commands[command][field].load(Ordering::Relaxed));
            cells.fold(0, u64::wrapping_add)
        };
        CommandStats { calls: sum(0), nanoseconds: sum(1), rejected: sum(2), failed: sum(3) }
    }

    /// CONFIG RESETSTAT. `Dirty` and what is being counted at this moment stay.
    pub(crate) fn reset(&self) {
        for thread in &self.threads {
            for (at, cell) in thread.counters.iter().enumerate() {
                if at != Counter::Dirty as usize {
                    cell.store(0, Ordering::Relaxed);
                }
            }
            thread.commands.iter().flatten().for_each(|cell| cell.store(0, Ordering::Relaxed));
        }
    }
}
