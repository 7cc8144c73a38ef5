//! What a node's silence means.
//!
//! ```text
//!   every thread has ended or is exiting            ──▶ Ended   at once: it can never serve again
//!   all that are left stopped, for 1.5 s            ──▶ Hung
//!   nobody runs or waits for a processor or a disk,
//!   and nobody has run, for 2.5 s                   ──▶ Hung
//!   anything else                                   ──▶ Slow    however long
//! ```
//! A process that was killed frees its memory before its sockets close and before its parent hears of it, which takes tens of ms for each
//! GB. Its threads are marked as exiting before that, so looking at them is the quickest way to notice a death. The
//! looks cannot tell a machine that is too busy to run the node from a node that is busy itself; neither is a reason to replace it.
//!
//! The watcher may have been kept from running too. Times therefore count from look to look, and begin again after a gap in
//! which a node might well have moved unseen.

use crate::threads::{State, Thread};
use std::time::{Duration, Instant};

/// A debugger or a `kill -STOP` by mistake is over sooner; users wait for a failover longer.
const STOPPED_FOR: Duration = Duration::from_millis(1500);
/// A node with nothing to do still turns its loops several times a second, so this is many missed turns.
const STILL_FOR: Duration = Duration::from_millis(2500);
/// Several looks were missed: what happened meanwhile is unknown.
const GAP: Duration = Duration::from_millis(500);

/// What is to be thought of a node that does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Slow,
    Hung,
    Ended,
}

/// Since when it has been silent in which way.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    looked: Option<Instant>,
    stopped_since: Option<Instant>,
    still_since: Option<Instant>,
    ran_ns: u64,
}

impl Silence {
    /// Judges by the next look at the threads.
    pub(crate) fn judge(&mut self, now: Instant, threads: &[Thread]) -> Verdict {
        if never_again(threads) {
            return Verdict::Ended;
        }
        if self.looked.is_some_and(|looked| now.duration_since(looked) > GAP) {
            *self = Silence::default();
        }
        let ran_ns = threads.iter().map(|thread| thread.ran_ns).sum();
        let moved = self.looked.is_some() && ran_ns != self.ran_ns;
        let mut alive = threads.iter().filter(|thread| !thread.exiting && thread.state != State::Dead);
        let stopped = alive.clone().all(|thread| thread.state == State::Stopped);
        let waits = alive.any(|thread| matches!(thread.state, State::Runnable | State::Uninterruptible));
        self.looked = Some(now);
        self.ran_ns = ran_ns;
        self.stopped_since = if stopped { self.stopped_since.or(Some(now)) } else { None };
        self.still_since = if moved || waits { None } else { self.still_since.or(Some(now)) };
        let lasts =
            |since: Option<Instant>, limit| since.is_some_and(|since| now.duration_since(since) >= limit);
        if lasts(self.stopped_since, STOPPED_FOR) || lasts(self.still_since, STILL_FOR) {
            Verdict::Hung
        } else {
            Verdict::Slow
        }
    }
}

/// No thread will run the program again. While a core is written, the other threads wait for its end without being able to
/// go back, marked or not (that differs between kernels).
fn never_again(threads: &[Thread]) -> bool {
    let core = threads.iter().any(|thread| thread.dumping_core);
    !threads.is_empty()
        && threads.iter().all(|thread| {
            thread.exiting
                || thread.state == State::Dead
                || thread.dumping_core
                || core && thread.state == State::Uninterruptible
        })
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    /// Looks 100 ms apart, a word each: a letter a thread (`R`, `S`, `D`, `T`, `Z`, `e` exiting, `c` writing a core), a `+` if
    /// the process has run since the look before, a `|` for a second in which nobody looked. `x*9` is x nine times.
    #[track_caller]
    fn check(looks: &str, expected: Verdict) {
        let mut silence = Silence::default();
        let mut now = Instant::now();
        let mut ran_ns = 0;
        let mut last = Verdict::Slow;
        for word in looks.split(' ') {
            let (letters, times) = word.split_once('*').unwrap_or((word, "1"));
            for _ in 0..times.parse().unwrap() {
                now += Duration::from_millis(if letters.contains('|') { 1000 } else { 100 });
                ran_ns += u64::from(letters.contains('+'));
                let threads: Vec<Thread> =
                    letters.chars().filter(|c| c.is_alphabetic()).map(|c| thread(c, ran_ns)).collect();
                last = silence.judge(now, &threads);
            }
        }
        assert_eq!(last, expected, "{looks}");
    }

    fn thread(letter: char, ran_ns: u64) -> Thread {
        let state = match letter {
            'R' | 'e' => State::Runnable,
            'S' => State::Sleeping,
            'D' | 'c' => State::Uninterruptible,
            'T' => State::Stopped,
            'Z' => State::Dead,
            other => panic!("{other}"),
        };
        Thread { state, exiting: letter == 'e', dumping_core: letter == 'c', ran_ns }
    }

    #[test]
    fn who_can_never_run_again_has_ended_at_once() {
        check("ZZ", Verdict::Ended);
        check("eZ", Verdict::Ended);
        check("SS*30 ee", Verdict::Ended);
        check("Ze S", Verdict::Slow);
        check("ZS", Verdict::Slow);
        check("cDD", Verdict::Ended);
        check("cDR", Verdict::Slow);
        check("DD", Verdict::Slow);
    }

    #[test]
    fn who_is_stopped_hangs_after_a_moment() {
        check("TT*15", Verdict::Slow);
        check("TT*16", Verdict::Hung);
        check("TTZ*16", Verdict::Hung);
        check("TT*14 SS+ TT*15", Verdict::Slow);
        check("TT*14 SS+ TT*16", Verdict::Hung);
        check("ST*20", Verdict::Slow);
    }

    #[test]
    fn who_waits_for_nothing_and_does_not_move_hangs_later() {
        check("SS*25", Verdict::Slow);
        check("SS*26", Verdict::Hung);
        check("SS*20 SS+ SS*25", Verdict::Slow);
        check("SS*20 SS+ SS*26", Verdict::Hung);
    }

    #[test]
    fn who_gets_on_or_waits_for_the_machine_is_slow_however_long() {
        check("SS+*300", Verdict::Slow);
        check("SR*300", Verdict::Slow);
        check("SD*300", Verdict::Slow);
    }

    #[test]
    fn a_watcher_that_slept_begins_again() {
        check("TT TT|", Verdict::Slow);
        check("SS*20 SS|*5", Verdict::Slow);
        check("SS*20 SS| SS*25", Verdict::Hung);
    }
}
