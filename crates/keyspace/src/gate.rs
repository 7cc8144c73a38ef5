//! World mode: the gate through which every command enters the keyspace.
//!
//! Some operations need the whole keyspace to themselves (FLUSHALL, SWAPDB, the first instant of a snapshot, a change of
//! role). The threads are not stopped for them: the gate is *closed*, so that no further thread enters, and the closer
//! acts once the last one inside has left. A worker enters for at most a few dozen commands at a time, and a worker that
//! sleeps is outside, so closing takes as long as the longest running command. Meanwhile workers keep running their
//! loops: they serve whatever does not need the keyspace, and suspend the rest until the gate opens.
//!
//! ```text
//!   entering:  inside[me] odd ── fence ── state open?      ─ yes → run       leaving: inside[me] even
//!   closing:   state = me     ── fence ── inside all even? ─ yes → the world is mine
//! ```
//! **Invariant:** of a thread that enters and a thread that closes at the same time, at least one sees the other: both
//! write their own word before they read the other's, with a sequentially consistent fence between. So no thread is
//! inside while the closer acts.
//!
//! The words count passages. So they also tell when memory that was reachable without a lock may be freed (a table that was replaced;
//! workers prefetch from it): once every thread that was inside has left ([`Passage`]).

use crate::lock::{MAX_THREADS, WakeSet};
use crate::sync::{AtomicU32, Ordering, fence};

/// A cache line of its own: the words are written at every turn of every worker.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Line(AtomicU32);

/// Which threads were inside at an instant.
#[derive(Debug)]
pub struct Passage(Box<[u32]>);

/// The gate.
#[derive(Debug)]
pub struct Gate {
    /// 0 when open, else 1 + the thread that closed it.
    state: Line,
    inside: Box<[Line]>,
    waiting: WakeSet,
}

impl Gate {
    /// An open gate for this many threads.
    pub fn new(threads: usize) -> Gate {
        assert!(threads <= MAX_THREADS, "at most {MAX_THREADS} threads");
        Gate {
            state: Line::default(),
            inside: (0..threads).map(|_| Line::default()).collect(),
            waiting: WakeSet::default(),
        }
    }

    /// Enters, unless the gate is closed.
    ///
    /// # Errors
    /// The thread that has closed the gate. It must be woken, since it may have seen the attempt.
    #[inline]
    pub(crate) fn enter(&self, thread: usize) -> Result<(), usize> {
        let passage = self.step(thread, Ordering::Relaxed);
        debug_assert_eq!(passage % 2, 1, "entering twice");
        fence(Ordering::SeqCst);
        match self.state.0.load(Ordering::Acquire) {
            0 => Ok(()),
            closer => {
                self.step(thread, Ordering::Release);
                Err(closer as usize - 1)
            }
        }
    }

    /// Only the thread itself writes its word.
    #[inline]
    fn step(&self, thread: usize, order: Ordering) -> u32 {
        let word = &self.inside[thread].0;
        let passage = word.load(Ordering::Relaxed).wrapping_add(1);
        word.store(passage, order);
        passage
    }

    /// Leaves. Returns the closer, which must be woken, if the gate was closed meanwhile.
    #[inline]
    #[must_use = "the closer must be woken"]
    pub(crate) fn leave(&self, thread: usize) -> Option<usize> {
        let passage = self.step(thread, Ordering::Release);
        debug_assert_eq!(passage % 2, 0, "leaving twice");
        fence(Ordering::SeqCst);
        match self.state.0.load(Ordering::Relaxed) {
            0 => None,
            closer => Some(closer as usize - 1),
        }
    }

    /// Whether a thread has closed it. A thread inside checks this at least every 64 commands.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.state.0.load(Ordering::Relaxed) != 0
    }

    /// Whether this thread has closed it.
    #[inline]
    pub(crate) fn is_closed_by(&self, thread: usize) -> bool {
        self.state.0.load(Ordering::Relaxed) == thread as u32 + 1
    }

    /// Closes it for `thread`, which must be outside. `false` if another thread has closed it.
    pub(crate) fn close(&self, thread: usize) -> bool {
        debug_assert_eq!(self.inside[thread].0.load(Ordering::Relaxed) % 2, 0, "closing from inside");
        self.state.0.compare_exchange(0, thread as u32 + 1, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Whether every thread is outside. Called by the closer, which owns the world from then until it opens the gate.
    pub(crate) fn is_quiet(&self) -> bool {
        fence(Ordering::SeqCst);
        self.inside.iter().all(|line| line.0.load(Ordering::Acquire).is_multiple_of(2))
    }

    /// The threads that are still inside.
    #[cfg(test)]
    pub fn insiders(&self) -> impl Iterator<Item = usize> + '_ {
        self.inside
            .iter()
            .enumerate()
            .filter(|(_, line)| line.0.load(Ordering::Relaxed) % 2 == 1)
            .map(|(i, _)| i)
    }

    /// The threads that are inside now. Memory unlinked before this call may be freed once [`Gate::has_passed`] says
    /// that they all left.
    pub fn passage(&self) -> Passage {
        fence(Ordering::SeqCst);
        Passage(self.inside.iter().map(|line| line.0.load(Ordering::Acquire)).collect())
    }

    /// Whether every thread that was inside at the passage has left since.
    pub fn has_passed(&self, passage: &Passage) -> bool {
        let mut lines = self.inside.iter().zip(&passage.0);
        lines.all(|(line, &then)| then.is_multiple_of(2) || line.0.load(Ordering::Acquire) != then)
    }

    /// Registers `thread` to be woken when the gate opens. `false` if it is open already.
    pub(crate) fn register(&self, thread: usize) -> bool {
        self.waiting.add(thread);
        // Both sides write before they read, as at the gate itself.
        fence(Ordering::SeqCst);
        self.state.0.load(Ordering::Acquire) != 0
    }

    /// Opens it. Returns the threads to wake.
    #[must_use = "registered threads must be woken"]
    pub(crate) fn open(&self, thread: usize) -> impl Iterator<Item = usize> + use<> {
        let was = self.state.0.swap(0, Ordering::SeqCst);
        debug_assert_eq!(was, thread as u32 + 1, "only the closer opens");
        fence(Ordering::SeqCst);
        self.waiting.take()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn nobody_enters_a_closed_gate() {
        let gate = Gate::new(3);
        assert!(gate.enter(0).is_ok() && gate.enter(1).is_ok());
        assert!(gate.close(2) && !gate.is_quiet());
        assert!(gate.enter(2) == Err(2), "not even its closer, by the door");
        assert_eq!(gate.insiders().collect::<Vec<_>>(), [0, 1]);
        assert_eq!(gate.leave(0), Some(2));
        assert!(gate.enter(0) == Err(2) && gate.register(0));
        assert_eq!(gate.leave(1), Some(2));
        assert!(gate.is_quiet() && !gate.close(1) && gate.is_closed_by(2));
        assert_eq!(gate.open(2).collect::<Vec<_>>(), [0]);
        assert!(gate.enter(0).is_ok() && gate.leave(0).is_none() && !gate.register(1));
    }
}

#[cfg(all(test, not(loom)))]
mod passages {
    use super::*;

    #[test]
    fn memory_waits_for_those_who_were_inside() {
        let gate = Gate::new(3);
        gate.enter(1).unwrap();
        let passage = gate.passage();
        gate.enter(2).unwrap();
        assert!(!gate.has_passed(&passage), "thread 1 may still look at it");
        let _ = gate.leave(1);
        assert!(gate.has_passed(&passage), "thread 2 came later");
        gate.enter(1).unwrap();
        assert!(gate.has_passed(&passage), "and so did thread 1 when it came again");
    }
}

#[cfg(all(test, loom))]
#[allow(unsafe_code)]
mod models {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    /// Nobody is inside while the closer acts.
    #[test]
    fn the_world_is_exclusive() {
        loom::model(|| {
            let shared = Arc::new((Gate::new(2), loom::cell::UnsafeCell::new(0u32)));
            let worker = thread::spawn({
                let shared = shared.clone();
                move || {
                    if shared.0.enter(0).is_ok() {
                        // SAFETY: inside; loom checks that the closer is not.
                        shared.1.with_mut(|n| unsafe { *n += 1 });
                        let _ = shared.0.leave(0);
                    }
                }
            });
            if shared.0.close(1) {
                if shared.0.is_quiet() {
                    // SAFETY: the world is ours; loom checks that nobody is inside.
                    shared.1.with_mut(|n| unsafe { *n += 1 });
                }
                let _ = shared.0.open(1).count();
            }
            worker.join().unwrap();
        });
    }

    /// A closer that finds a thread inside is told when it leaves.
    #[test]
    fn the_closer_is_woken() {
        loom::model(|| {
            let gate = Arc::new(Gate::new(2));
            let worker = thread::spawn({
                let gate = gate.clone();
                move || match gate.enter(0) {
                    Ok(()) => gate.leave(0),
                    Err(closer) => Some(closer),
                }
            });
            assert!(gate.close(1));
            let quiet = gate.is_quiet();
            let told = worker.join().unwrap();
            assert!(quiet || told == Some(1));
        });
    }

    /// A worker that registers on a closed gate is woken by the opening or told that it is open.
    #[test]
    fn no_opening_is_missed() {
        loom::model(|| {
            let gate = Arc::new(Gate::new(2));
            assert!(gate.close(1));
            let worker = thread::spawn({
                let gate = gate.clone();
                move || gate.register(0)
            });
            let woken = gate.open(1).any(|thread| thread == 0);
            let registered = worker.join().unwrap();
            assert!(!registered || woken);
        });
    }

    /// Memory that was unlinked is freed only after a passage: no thread that found it before still reads it.
    #[test]
    fn retired_memory_outlives_its_readers() {
        loom::model(|| {
            struct Shared {
                gate: Gate,
                /// Which of the two blocks is linked.
                root: AtomicU32,
                old: loom::cell::UnsafeCell<u32>,
            }
            let old = loom::cell::UnsafeCell::new(1);
            let shared = Arc::new(Shared { gate: Gate::new(2), root: AtomicU32::new(0), old });
            let prefetcher = thread::spawn({
                let shared = shared.clone();
                move || {
                    for _ in 0..2 {
                        if shared.gate.enter(0).is_ok() {
                            if shared.root.load(Ordering::Acquire) == 0 {
                                // SAFETY: found while inside; loom checks that it is not being freed.
                                shared.old.with(|n| assert_eq!(unsafe { *n }, 1, "freed"));
                            }
                            let _ = shared.gate.leave(0);
                        }
                    }
                }
            });
            shared.root.store(1, Ordering::Release);
            let passage = shared.gate.passage();
            if shared.gate.has_passed(&passage) {
                // SAFETY: everybody who could have found it has left; loom checks that.
                shared.old.with_mut(|n| unsafe { *n = 0 });
            }
            prefetcher.join().unwrap();
        });
    }
}
