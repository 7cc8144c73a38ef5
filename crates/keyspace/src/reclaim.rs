//! Frees tables that were replaced while other threads may have been prefetching from them.
//!
//! Growth, shrinking and splitting push what they replaced into a batch. A worker hands its batch over at the end of a
//! turn; it is freed once every thread that was inside the gate at that moment has left.
//!
//! ```text
//!   batch ──▶ gathering ── the one before is freed ──▶ waiting, with its passage ── has passed ──▶ freed
//! ```
//! Two generations are enough and bound the bookkeeping: batches that arrive while one waits are gathered for the next.
//!
//! This module is an unsafe kernel. **Invariant:** memory in `waiting` was out of its table before `passage` was taken,
//! and is freed only after every thread that was inside then has left. Prefetching happens inside the gate only, and a
//! thread that enters later finds the new table: entering and taking a passage both have a sequentially consistent
//! fence between their own store (the word; the table's root) and their load of the other's.

use crate::{Keyspace, Passage};
use table::Retired;

/// A thread's memory that waits to be freed. Memory that still waits when this is dropped is leaked: it cannot know
/// whether a thread still reads it.
#[derive(Debug, Default)]
pub struct Reclaimer {
    gathering: Retired,
    waiting: Retired,
    /// Who was inside when `waiting` was complete; `None` when nothing waits.
    passage: Option<Passage>,
}

impl Reclaimer {
    /// One with nothing to free.
    pub const fn new() -> Reclaimer {
        Reclaimer { gathering: Retired::new(), waiting: Retired::new(), passage: None }
    }

    /// Takes over a batch of this keyspace and frees what no thread can still read. Best called outside the gate: a
    /// caller inside holds up its own batch.
    #[inline]
    pub fn collect(&mut self, space: &Keyspace, retired: &mut Retired) {
        if !retired.is_empty() || self.passage.is_some() {
            self.advance(space, retired);
        }
    }

    /// Bytes that wait to be freed.
    pub fn bytes(&self) -> usize {
        self.gathering.bytes() + self.waiting.bytes()
    }

    #[cold]
    fn advance(&mut self, space: &Keyspace, retired: &mut Retired) {
        self.gathering.append(retired);
        let gate = space.gate();
        // At most the generation that waits and the one that follows it.
        for _ in 0..2 {
            match &self.passage {
                Some(passage) if !gate.has_passed(passage) => return,
                Some(_) => {
                    // SAFETY: all of it was unlinked before the passage, and everybody who was inside then has left.
                    unsafe { self.waiting.free() };
                    self.passage = None;
                }
                None => {}
            }
            if self.gathering.is_empty() {
                return;
            }
            std::mem::swap(&mut self.gathering, &mut self.waiting);
            self.passage = Some(gate.passage());
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{AccessClock, Expiry, Keys, KeysContext, Scratch, Standing, Ttl};
    use table::Hasher;
    use topology::Slot;

    const WRITER: KeysContext = KeysContext {
        thread: 0,
        db: 0,
        now_ms: 1000,
        expiry: Expiry::Delete,
        lazy_expire: false,
        no_touch: false,
        clock: AccessClock::Lru,
    };

    /// Fills one slot's table until something was replaced.
    fn grow(space: &Keyspace, scratch: &mut Scratch, names: &mut u32) {
        let mut standing = Standing::new(WRITER.thread);
        assert!(standing.enter(space));
        let mut guard = space.lock(Slot::of(b"{a}")).unwrap();
        let mut keys = Keys::new(space, &mut guard, scratch, WRITER);
        while keys.scratch.retired.is_empty() {
            *names += 1;
            keys.put_string(format!("{{a}}{names}").as_bytes(), b"value", Ttl::Clear);
        }
        drop(guard);
        standing.leave(space);
    }

    #[test]
    fn memory_waits_for_whoever_was_inside_and_for_nobody_else() {
        let space = Keyspace::with_hasher(1, 3, Hasher::fixed(1));
        let (mut scratch, mut names) = (Scratch::default(), 0);
        let mut reclaimer = Reclaimer::new();
        reclaimer.collect(&space, &mut scratch.retired);
        assert_eq!(reclaimer.bytes(), 0);

        grow(&space, &mut scratch, &mut names);
        reclaimer.collect(&space, &mut scratch.retired);
        assert!(scratch.retired.is_empty());
        assert_eq!(reclaimer.bytes(), 0, "nobody is inside: freed at once");

        let (mut one, mut two) = (Standing::new(1), Standing::new(2));
        assert!(one.enter(&space));
        grow(&space, &mut scratch, &mut names);
        let first = scratch.retired.bytes();
        reclaimer.collect(&space, &mut scratch.retired);
        assert_eq!(reclaimer.bytes(), first, "thread 1 may be looking at it");
        assert!(two.enter(&space));
        grow(&space, &mut scratch, &mut names);
        let second = scratch.retired.bytes();
        reclaimer.collect(&space, &mut scratch.retired);
        assert_eq!(reclaimer.bytes(), first + second);

        one.leave(&space);
        reclaimer.collect(&space, &mut scratch.retired);
        assert_eq!(reclaimer.bytes(), second, "thread 2 holds up the second batch alone");
        two.leave(&space);
        reclaimer.collect(&space, &mut scratch.retired);
        assert_eq!(reclaimer.bytes(), 0);
    }

    #[test]
    fn a_thread_that_is_inside_holds_up_its_own_batch() {
        let space = Keyspace::with_hasher(1, 1, Hasher::fixed(1));
        let (mut scratch, mut names) = (Scratch::default(), 0);
        let mut reclaimer = Reclaimer::new();
        grow(&space, &mut scratch, &mut names);
        let mut standing = Standing::new(0);
        assert!(standing.enter(&space));
        reclaimer.collect(&space, &mut scratch.retired);
        assert!(reclaimer.bytes() > 0);
        standing.leave(&space);
        reclaimer.collect(&space, &mut scratch.retired);
        assert_eq!(reclaimer.bytes(), 0);
    }
}
