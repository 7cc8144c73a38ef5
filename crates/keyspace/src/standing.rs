//! The state of a thread at the gate, and for whom it keeps the gate closed.
//!
//! Every thread that uses the keyspace has one [`Standing`], and passes the gate only through it: a thread that did not remember
//! having closed the gate would wait for itself.
//!
//! ```text
//!             enter                                    claim(N), nobody inside
//!   outside ─────────▶ inside             closing(N) ───────────────────────────▶ world(N)
//!    ▲ ▲  │              │                 ▲  │  ▲                                  │
//!    │ │  └─ claim(N) ───┼─────────────────┘  │  └─ claim(N), wait: stays           │
//!    │ └──── leave ──────┤                    │                                     │
//!    │                   └─ claim(N): leaves, then closes                           │
//!    │                                        │                                     │
//!    └──── release · forget(N) · enter_for(N) ┴───────────────────────── release ───┘
//! ```
//! `N` is who the world is for: a client of the thread, or [`ITSELF`]. While another thread holds the gate, `claim` fails
//! and changes nothing, except that it leaves. `enter` and `claim(M)` fail the same way while this very thread holds the
//! gate for `N`. The thread then waits, or does other work.
//!
//! **Invariant:** a closed gate is never abandoned. Every thread that leaves wakes the holder, which then retries the command of the
//! client that it holds the gate for. The gate is not kept for a client that is gone (`forget`), that was answered or waits for something
//! else (`release`), or that no longer needs the world (`enter_for`).
//!
//! **Invariant:** a thread that waits is woken: [`Standing::wait`] registers it for the opening of the gate, even when it holds the gate
//! itself, since other clients of it may wait for that. A thread that waits is not inside.

use crate::gate::Gate;
use crate::slots::Guard;
use crate::{Keyspace, sync};

/// The owner of the world when it is for the thread itself and for no client.
pub const ITSELF: u64 = 0;

/// What is entered through a gate.
pub trait Gated {
    /// The gate.
    fn gate(&self) -> &Gate;
    /// Wakes a thread that waits, or is about to.
    fn wake(&self, thread: usize);
    /// Whether the guard of the world exists: the gate does not open then.
    fn has_world(&self) -> bool;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    Inside,
    /// This thread has closed the gate for this client; others may still be inside.
    Closing(u64),
    /// Every thread has been seen outside since.
    World(u64),
}

/// See the module's essay.
#[derive(Debug)]
pub struct Standing {
    thread: usize,
    state: State,
}

impl Standing {
    /// Outside. A thread has one at a time.
    pub const fn new(thread: usize) -> Standing {
        Standing { thread, state: State::Outside }
    }

    /// Whether the thread is inside.
    #[inline]
    pub fn is_inside(&self) -> bool {
        self.state == State::Inside
    }

    /// The client that the thread keeps the gate closed for.
    #[inline]
    pub fn holds_for(&self) -> Option<u64> {
        match self.state {
            State::Closing(who) | State::World(who) => Some(who),
            State::Outside | State::Inside => None,
        }
    }

    /// Enters, or stays inside. `false` when the gate is closed, by any thread.
    #[inline]
    pub fn enter(&mut self, at: &impl Gated) -> bool {
        match self.state {
            State::Inside => return true,
            State::Closing(_) | State::World(_) => return false,
            State::Outside => {}
        }
        if at.gate().is_closed() {
            return false;
        }
        match at.gate().enter(self.thread) {
            Ok(()) => self.state = State::Inside,
            Err(closer) => at.wake(closer),
        }
        self.is_inside()
    }

    /// Enters for a client that does not need the world: if the gate is held for it, it opens.
    #[inline]
    pub fn enter_for(&mut self, at: &impl Gated, who: u64) -> bool {
        if self.is_inside() {
            return true;
        }
        self.forget(at, who);
        self.enter(at)
    }

    /// Leaves if the thread is inside.
    #[inline]
    pub fn leave(&mut self, at: &impl Gated) {
        if self.is_inside() {
            self.state = State::Outside;
            if let Some(closer) = at.gate().leave(self.thread) {
                at.wake(closer);
            }
        }
    }

    /// Closes the gate for a client and checks, at most `spins` times more, whether every thread has left. Returns
    /// whether the client has the world. If not, try again when the thread is woken, see [`Standing::wait`].
    pub fn claim(&mut self, at: &impl Gated, who: u64, spins: u32) -> bool {
        self.leave(at);
        if self.state == State::Outside && at.gate().close(self.thread) {
            self.state = State::Closing(who);
        }
        if self.state == State::Closing(who) {
            let mut left = spins;
            while !at.gate().is_quiet() {
                if left == 0 {
                    return false;
                }
                left -= 1;
                sync::spin_loop();
            }
            self.state = State::World(who);
        }
        self.state == State::World(who)
    }

    /// The guard of the world.
    ///
    /// # Panics
    /// When the thread does not have it.
    pub fn world<'k>(&self, space: &'k Keyspace) -> Guard<'k> {
        assert!(matches!(self.state, State::World(_)), "the world is not this thread's");
        space.world(self.thread)
    }

    /// Opens the gate if the thread holds it, for any client.
    ///
    /// # Panics
    /// When the guard of the world exists.
    pub fn release(&mut self, at: &impl Gated) {
        if self.holds_for().is_some() {
            assert!(!at.has_world(), "the gate opens after the world is given back");
            self.state = State::Outside;
            at.gate().open(self.thread).for_each(|thread| at.wake(thread));
        }
    }

    /// Opens the gate if the thread holds it for this client, which is gone or does not want it any more.
    #[inline]
    pub fn forget(&mut self, at: &impl Gated, who: u64) {
        if self.holds_for() == Some(who) {
            self.release(at);
        }
    }

    /// Registers the thread to be woken when a refused call may be tried again: the gate opened, or the last thread left a
    /// gate that it holds itself. `false` if that is so already.
    #[must_use = "without a wake to come it is to be tried again at once"]
    pub fn wait(&mut self, at: &impl Gated) -> bool {
        self.leave(at);
        let is_closed = at.gate().register(self.thread);
        match self.state {
            // Who leaves from now on sees the closed gate and wakes its holder.
            State::Closing(_) => !at.gate().is_quiet(),
            // The thread is about to open it.
            State::World(_) => true,
            State::Outside | State::Inside => is_closed,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::RefCell;

    struct Place {
        gate: Gate,
        woken: RefCell<Vec<usize>>,
    }

    impl Place {
        fn new() -> Place {
            Place { gate: Gate::new(3), woken: RefCell::default() }
        }

        fn woken(&self) -> Vec<usize> {
            std::mem::take(&mut self.woken.borrow_mut())
        }
    }

    impl Gated for Place {
        fn gate(&self) -> &Gate {
            &self.gate
        }

        fn wake(&self, thread: usize) {
            self.woken.borrow_mut().push(thread);
        }

        fn has_world(&self) -> bool {
            false
        }
    }

    #[test]
    fn the_world_is_claimed_from_inside_and_given_back() {
        let place = Place::new();
        let (mut first, mut second) = (Standing::new(0), Standing::new(1));
        assert!(first.enter(&place) && first.enter(&place) && second.enter(&place));
        assert!(!first.claim(&place, 7, 3) && !first.is_inside() && first.holds_for() == Some(7));
        assert!(first.wait(&place), "the other will leave");
        assert!(!second.claim(&place, 8, 0) && second.holds_for().is_none(), "it left, and cannot close");
        assert_eq!(place.woken(), [0]);
        assert!(second.wait(&place) && !first.wait(&place) && first.claim(&place, 7, 0));
        first.release(&place);
        assert_eq!(place.woken(), [0, 1], "the holder's other clients may wait as well");
        assert!(!second.wait(&place) && second.claim(&place, 8, 0));
    }

    #[test]
    fn another_client_of_the_holder_gets_neither_in_nor_the_world() {
        let place = Place::new();
        let (mut holder, mut other) = (Standing::new(0), Standing::new(1));
        assert!(other.enter(&place) && !holder.claim(&place, 7, 0));
        assert!(!holder.enter(&place) && !holder.enter_for(&place, 8) && !holder.claim(&place, 8, 0));
        holder.forget(&place, 8);
        assert_eq!(holder.holds_for(), Some(7));
        other.leave(&place);
        assert!(!holder.claim(&place, 8, 0), "nor when everybody has left");
        holder.forget(&place, 7);
        assert!(holder.claim(&place, 8, 0));
    }

    #[test]
    fn who_wants_less_by_now_does_not_wait_for_himself() {
        let place = Place::new();
        let (mut holder, mut other) = (Standing::new(0), Standing::new(1));
        assert!(other.enter(&place) && !holder.claim(&place, 7, 0));
        assert!(holder.enter_for(&place, 7) && holder.is_inside() && holder.holds_for().is_none());
    }

    #[test]
    #[should_panic(expected = "the world is not this thread's")]
    fn there_is_no_world_without_a_claim() {
        let space = Keyspace::new(1, 1);
        let mut standing = Standing::new(0);
        assert!(standing.enter(&space));
        let _ = standing.world(&space);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::{AtomicBool, AtomicU32, Ordering};
    use loom::sync::{Arc, Notify};
    use loom::thread;

    /// Two threads with a wake-up flag each, the owner of the world, and how often it was owned.
    struct Place {
        gate: Gate,
        bells: [Notify; 2],
        is_taken: AtomicBool,
        taken: AtomicU32,
    }

    impl Gated for Place {
        fn gate(&self) -> &Gate {
            &self.gate
        }

        fn wake(&self, thread: usize) {
            self.bells[thread].notify();
        }

        fn has_world(&self) -> bool {
            false
        }
    }

    impl Place {
        fn new() -> Arc<Place> {
            Arc::new(Place {
                gate: Gate::new(2),
                bells: [Notify::new(), Notify::new()],
                is_taken: AtomicBool::new(false),
                taken: AtomicU32::new(0),
            })
        }

        fn touch(&self) {
            assert!(!self.is_taken.swap(true, Ordering::Relaxed), "there is one world");
            self.taken.fetch_add(1, Ordering::Relaxed);
            self.is_taken.store(false, Ordering::Relaxed);
        }

        /// Sleeps until the thread is woken, if it will be; loom reports one that sleeps for ever.
        fn sleep(&self, standing: &mut Standing) {
            if standing.wait(self) {
                self.bells[standing.thread].wait();
            } else {
                thread::yield_now();
            }
        }

        fn in_world(&self, standing: &mut Standing, who: u64) {
            while !standing.claim(self, who, 0) {
                self.sleep(standing);
            }
            self.touch();
            standing.release(self);
        }

        fn inside(&self, standing: &mut Standing, who: u64) {
            while !standing.enter_for(self, who) {
                self.sleep(standing);
            }
            assert!(!self.is_taken.load(Ordering::Relaxed), "nobody is inside meanwhile");
            standing.leave(self);
        }
    }

    /// Runs one as thread 0 and the other as thread 1 in all interleavings: both end, and `touched` counts what they did
    /// in the world.
    fn both(touched: u32, first: fn(&Place, &mut Standing), second: fn(&Place, &mut Standing)) {
        loom::model(move || {
            let place = Place::new();
            let other = thread::spawn({
                let place = place.clone();
                move || second(&place, &mut Standing::new(1))
            });
            first(&place, &mut Standing::new(0));
            other.join().unwrap();
            assert!(!place.gate.is_closed(), "nobody is left to open it");
            assert_eq!(place.taken.load(Ordering::Relaxed), touched);
        });
    }

    #[test]
    fn the_world_comes_to_who_waits_for_it_beside_one_who_enters() {
        both(1, |place, own| place.in_world(own, 7), |place, own| place.inside(own, 8));
    }

    #[test]
    fn two_who_want_the_world_both_get_it() {
        both(2, |place, own| place.in_world(own, 7), |place, own| place.in_world(own, 8));
    }

    /// The client that the gate was closed for dies while it waits: another client of its thread, and the other thread,
    /// go on.
    #[test]
    fn a_client_that_dies_leaves_no_closed_gate() {
        both(
            0,
            |place, own| {
                let _ = own.claim(place, 7, 0);
                own.forget(place, 7);
                place.inside(own, 9);
            },
            |place, own| place.inside(own, 8),
        );
    }

    /// A client of a thread that holds the gate for another one gets in when that one is through.
    #[test]
    fn another_client_of_the_holder_is_woken() {
        both(
            1,
            |place, own| {
                let is_mine = own.claim(place, 7, 0);
                assert!(!own.enter_for(place, 9), "held for another");
                let told = own.wait(place);
                if !is_mine {
                    while !own.claim(place, 7, 0) {
                        place.sleep(own);
                    }
                }
                place.touch();
                own.release(place);
                if told {
                    // By the opening at the latest.
                    place.bells[0].wait();
                }
                place.inside(own, 9);
            },
            |place, own| place.inside(own, 8),
        );
    }

    /// A client that closed the gate and no longer needs the world does not wait for itself.
    #[test]
    fn a_client_that_wants_less_gets_in() {
        both(
            0,
            |place, own| {
                let _ = own.claim(place, 7, 0);
                place.inside(own, 7);
            },
            |place, own| place.inside(own, 8),
        );
    }
}
