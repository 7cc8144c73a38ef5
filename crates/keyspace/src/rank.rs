//! Lock ranks prevent deadlock between threads that hold one lock and want another.
//!
//! A thread that holds a lock may take only locks of a higher rank. Debug builds check this at each lock, so a test that takes
//! locks in a wrong order fails even without a deadlock. Release builds do not check.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// Which lock it is, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Slots, which have their own order among themselves, or the world.
    Slots,
    /// A replica's link to its primary.
    Link,
    /// A primary's view of its replicas.
    Primary,
    /// A shard of channels.
    Channels,
    /// What clients keep: a shard of keys.
    Tracked,
    /// The stream's tail.
    Tail,
    /// The users.
    Users,
    /// A mailbox: nothing is taken under it, and posting never waits for anything else.
    Mailbox,
}

#[cfg(debug_assertions)]
thread_local! {
    static HELD: std::cell::RefCell<Vec<Rank>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// A lock of some rank is held until this drops.
#[derive(Debug)]
pub(crate) struct Held {
    #[cfg(debug_assertions)]
    rank: Rank,
}

impl Held {
    /// The thread is about to take a lock of this rank.
    #[inline]
    pub(crate) fn note(rank: Rank) -> Held {
        #[cfg(debug_assertions)]
        {
            HELD.with_borrow_mut(|held| {
                if let Some(highest) = held.iter().max() {
                    assert!(*highest < rank, "{rank:?} is taken by a thread that holds {highest:?}");
                }
                held.push(rank);
            });
            Held { rank }
        }
        #[cfg(not(debug_assertions))]
        {
            let _ = rank;
            Held {}
        }
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        #[cfg(debug_assertions)]
        HELD.with_borrow_mut(|held| {
            let at = held.iter().rposition(|rank| *rank == self.rank);
            held.remove(at.expect("what is given back was taken"));
        });
    }
}

/// A mutex with a rank. Its value is consistent after every step, so it ignores poisoning.
#[derive(Debug)]
pub struct RankedMutex<T> {
    rank: Rank,
    mutex: Mutex<T>,
}

impl<T> RankedMutex<T> {
    /// A mutex of this rank.
    pub const fn new(rank: Rank, value: T) -> RankedMutex<T> {
        RankedMutex { rank, mutex: Mutex::new(value) }
    }

    /// Takes it.
    ///
    /// # Panics
    /// In debug builds, when the thread holds a lock of the same or a higher rank.
    #[inline]
    pub fn lock(&self) -> RankedGuard<'_, T> {
        let held = Held::note(self.rank);
        RankedGuard { guard: self.mutex.lock().unwrap_or_else(PoisonError::into_inner), _held: held }
    }

    /// Takes it if it is free.
    ///
    /// # Panics
    /// As [`RankedMutex::lock`]: trying out of order may take it out of order.
    #[inline]
    pub fn try_lock(&self) -> Option<RankedGuard<'_, T>> {
        let held = Held::note(self.rank);
        let guard = match self.mutex.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(RankedGuard { guard, _held: held })
    }
}

/// A [`RankedMutex`] that is held.
#[derive(Debug)]
pub struct RankedGuard<'a, T> {
    guard: MutexGuard<'a, T>,
    _held: Held,
}

impl<T> Deref for RankedGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for RankedGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn upwards_is_allowed() {
        let (tail, mailbox) = (RankedMutex::new(Rank::Tail, 1), RankedMutex::new(Rank::Mailbox, 2));
        let sum = *tail.lock() + *mailbox.lock();
        let first = tail.lock();
        assert_eq!((*first + *mailbox.lock(), sum), (3, 3));
        drop(first);
        drop(tail.lock());
    }

    #[test]
    fn one_that_is_taken_is_not_waited_for() {
        let tail = RankedMutex::new(Rank::Tail, 1);
        let held = tail.lock();
        let seen = std::thread::scope(|scope| {
            scope.spawn(|| tail.try_lock().map(|value| *value)).join().expect("no panic")
        });
        assert_eq!(seen, None);
        drop(held);
        assert_eq!(tail.try_lock().map(|value| *value), Some(1));
    }

    #[test]
    #[should_panic(expected = "Tail is taken by a thread that holds Mailbox")]
    fn downwards_is_not() {
        let (tail, mailbox) = (RankedMutex::new(Rank::Tail, ()), RankedMutex::new(Rank::Mailbox, ()));
        let _mailbox = mailbox.lock();
        drop(tail.lock());
    }
}
