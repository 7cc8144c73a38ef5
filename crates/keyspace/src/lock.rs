//! The lock of one slot, and how a worker that finds it held continues without blocking.
//!
//! A slot is held for the time of one command, mostly tens of nanoseconds, so a taker spins a little. A holder may also be slow (a
//! command over a million elements), and no worker may block for it: the taker gives up, *registers* itself and serves its other
//! connections. The unlock wakes the registered workers, which run the command again from the start.
//!
//! ```text
//!   word: bit 0 LOCKED   bit 1 CONTENDED (somebody registered while it was locked)
//! ```
//! **Invariant:** a worker that registered on a lock that was held is woken by the unlock. Registering first enters
//! the worker in the wake set and then sets CONTENDED on the *still locked* word; when it is free by then, the caller
//! is told to try again at once. The unlock takes the word, sees CONTENDED, and only then takes the wake set.

use crate::sync::{AtomicU32, AtomicU64, Ordering, spin_loop};

const LOCKED: u32 = 1;
const CONTENDED: u32 = 2;

/// How often a taker checks a held lock before it gives up: a few microseconds, longer than nearly every command.
pub const SPINS: u32 = 256;

/// The lock word.
#[derive(Debug, Default)]
pub(crate) struct SlotLock(AtomicU32);

impl SlotLock {
    /// Takes the lock if it is free.
    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        self.0.compare_exchange(0, LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Takes the lock, trying at most `spins` times.
    #[inline]
    pub(crate) fn lock_spinning(&self, spins: u32) -> bool {
        self.try_lock() || self.lock_slow(spins)
    }

    #[cold]
    fn lock_slow(&self, spins: u32) -> bool {
        for _ in 0..spins {
            if self.0.load(Ordering::Relaxed) & LOCKED == 0 && self.try_lock() {
                return true;
            }
            spin_loop();
        }
        false
    }

    /// Whether somebody holds it.
    pub(crate) fn is_locked(&self) -> bool {
        self.0.load(Ordering::Acquire) & LOCKED != 0
    }

    /// Releases the lock. `true` if a thread registered meanwhile and must be woken.
    #[inline]
    #[must_use = "registered workers must be woken"]
    pub(crate) fn unlock(&self) -> bool {
        debug_assert_ne!(self.0.load(Ordering::Relaxed) & LOCKED, 0, "unlocking a free slot");
        // Acquire too: who sees CONTENDED must see the wake set as it was before.
        self.0.swap(0, Ordering::AcqRel) & CONTENDED != 0
    }
}

/// Which workers wait for a group of locks: one bit per worker.
#[derive(Debug, Default)]
pub(crate) struct WakeSet(AtomicU64);

/// Most workers and background threads that can register, one bit each.
pub const MAX_THREADS: usize = 64;

impl WakeSet {
    /// Registers `thread` for the release of `lock`; `false` when the lock is free already: try again at once.
    pub(crate) fn register(&self, lock: &SlotLock, thread: usize) -> bool {
        debug_assert!(thread < MAX_THREADS);
        self.0.fetch_or(1 << thread, Ordering::SeqCst);
        lock.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |word| {
                (word & LOCKED != 0).then_some(word | CONTENDED)
            })
            .is_ok()
    }

    /// Registers `thread` without a lock: for the opening of the gate.
    pub(crate) fn add(&self, thread: usize) {
        self.0.fetch_or(1 << thread, Ordering::SeqCst);
    }

    /// Takes all registered threads.
    pub(crate) fn take(&self) -> impl Iterator<Item = usize> + use<> {
        let mut set = if self.0.load(Ordering::SeqCst) == 0 { 0 } else { self.0.swap(0, Ordering::SeqCst) };
        std::iter::from_fn(move || {
            let thread = set.trailing_zeros() as usize;
            (set != 0).then(|| {
                set &= set - 1;
                thread
            })
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_free_lock_is_taken_and_a_held_one_is_not() {
        let lock = SlotLock::default();
        assert!(lock.try_lock() && !lock.try_lock() && !lock.lock_spinning(10));
        assert!(!lock.unlock(), "nobody registered");
        assert!(lock.try_lock());
    }

    #[test]
    fn the_unlock_tells_of_registered_threads() {
        let (lock, set) = (SlotLock::default(), WakeSet::default());
        assert!(!set.register(&lock, 3), "a free lock is to be tried again");
        assert!(lock.try_lock() && set.register(&lock, 5));
        assert!(lock.unlock());
        assert_eq!(set.take().collect::<Vec<_>>(), [3, 5]);
        assert_eq!(set.take().count(), 0);
    }
}

#[cfg(all(test, loom))]
#[allow(unsafe_code)]
mod models {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    /// Whatever the interleaving, a registered worker is woken after the unlock or told to try again.
    #[test]
    fn no_wake_is_lost() {
        loom::model(|| {
            let shared = Arc::new((SlotLock::default(), WakeSet::default()));
            assert!(shared.0.try_lock());
            let waiter = thread::spawn({
                let shared = shared.clone();
                move || {
                    if shared.0.try_lock() {
                        let _ = shared.0.unlock();
                        return false;
                    }
                    shared.1.register(&shared.0, 1)
                }
            });
            let told = shared.0.unlock();
            let woken = told && shared.1.take().any(|thread| thread == 1);
            let registered = waiter.join().unwrap();
            assert!(!registered || woken, "registered on a held lock and never woken");
        });
    }

    /// The lock is exclusive.
    #[test]
    fn one_holder_at_a_time() {
        loom::model(|| {
            let shared = Arc::new((SlotLock::default(), loom::cell::UnsafeCell::new(0u32)));
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let shared = shared.clone();
                    thread::spawn(move || {
                        if shared.0.try_lock() {
                            // SAFETY: the lock is held; loom checks that nobody else is here.
                            shared.1.with_mut(|n| unsafe { *n += 1 });
                            let _ = shared.0.unlock();
                        }
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    /// Two slots that share a wake set: whoever sleeps, registered on a lock that is held, has a wake to come or has had
    /// one since.
    #[test]
    fn a_shared_wake_set_loses_nobody() {
        loom::model(|| {
            let shared = Arc::new((SlotLock::default(), SlotLock::default(), WakeSet::default()));
            assert!(shared.0.try_lock() && shared.1.try_lock());
            let other = thread::spawn({
                let shared = shared.clone();
                move || {
                    let first = shared.2.register(&shared.1, 2);
                    let told = shared.0.unlock();
                    (first, told && shared.2.take().any(|thread| thread == 1))
                }
            });
            let registered = shared.2.register(&shared.0, 1);
            let (first, woken) = other.join().unwrap();
            let told = shared.1.unlock();
            let late: Vec<_> = if told { shared.2.take().collect() } else { Vec::new() };
            assert!(first && told, "the second lock was held all the time");
            assert!(!registered || woken || late.contains(&1));
        });
    }

    /// Suspending and trying again, as a worker does: the value under the lock gets both increments.
    #[test]
    fn a_suspended_worker_finishes() {
        loom::model(|| {
            let shared = Arc::new((
                SlotLock::default(),
                WakeSet::default(),
                loom::cell::UnsafeCell::new(0u32),
                loom::sync::Notify::new(),
            ));
            let add = |shared: &(SlotLock, WakeSet, loom::cell::UnsafeCell<u32>, loom::sync::Notify)| {
                // SAFETY: the lock is held; loom checks that nobody else is here.
                shared.2.with_mut(|n| unsafe { *n += 1 });
                if shared.0.unlock() {
                    shared.1.take().for_each(|_| shared.3.notify());
                }
            };
            assert!(shared.0.try_lock());
            let waiter = thread::spawn({
                let shared = shared.clone();
                move || {
                    while !shared.0.try_lock() {
                        if shared.1.register(&shared.0, 1) {
                            shared.3.wait();
                        }
                    }
                    add(&shared);
                }
            });
            add(&shared);
            waiter.join().unwrap();
            // SAFETY: the other thread has ended.
            shared.2.with(|n| assert_eq!(unsafe { *n }, 2));
        });
    }
}
