//! Ending a loop's wait from another thread, with a system call only when the loop sleeps.
//!
//! ```text
//!            wake: Signalled, nothing to write         wake: Signalled, write the descriptor
//!   Awake ────────────────────────────▶ Signalled ◀──────────────────────────── Sleeping
//!     │ ▲                                   │                                       ▲ │
//!     │ └────── take: report Woken ─────────┘        fall_asleep (fails when        │ │
//!     └──────────────────────────────────────────────────── Signalled) ────────────┘ │
//!       ▲──────────────────────────────── take: nothing to report ───────────────────┘
//! ```
//!
//! The loop moves Awake → Sleeping by compare-and-swap directly before it waits. Either it sees Signalled there and
//! does not wait, or a later `wake` sees Sleeping and writes. So no signal is lost, and of any number of signals to a
//! loop that is awake or has been signalled only an atomic swap remains. A descriptor written for a sleep that ended
//! by itself makes one later wait return at once, which is harmless.
//!
//! What the waker's thread did before `wake` is visible to the loop's thread once the turn reports Woken.

use crate::poller::Signal;
#[cfg(loom)]
use loom::sync::atomic::{AtomicU8, Ordering};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU8, Ordering};

const AWAKE: u8 = 0;
const SLEEPING: u8 = 1;
const SIGNALLED: u8 = 2;

/// The state machine alone.
#[derive(Debug)]
pub(crate) struct WakeState(AtomicU8);

impl WakeState {
    pub(crate) fn new() -> WakeState {
        WakeState(AtomicU8::new(AWAKE))
    }

    /// Signals; true when the loop sleeps and its descriptor must be written.
    pub(crate) fn signal(&self) -> bool {
        self.0.swap(SIGNALLED, Ordering::AcqRel) == SLEEPING
    }

    /// Announces the wait; false when there is a signal and the loop must not wait.
    pub(crate) fn fall_asleep(&self) -> bool {
        self.0.compare_exchange(AWAKE, SLEEPING, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// After the wait: whether there was a signal.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(AWAKE, Ordering::AcqRel) == SIGNALLED
    }

    /// Whether a signal is there, without taking it.
    pub(crate) fn is_signalled(&self) -> bool {
        self.0.load(Ordering::Acquire) == SIGNALLED
    }
}

#[derive(Debug)]
struct Shared {
    state: WakeState,
    signal: Signal,
}

/// Ends the wait of one [`crate::EventLoop`], from any thread. Outlives the loop harmlessly.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Shared>);

impl Waker {
    pub(crate) fn new() -> io::Result<Waker> {
        Ok(Waker(Arc::new(Shared { state: WakeState::new(), signal: Signal::new()? })))
    }

    /// Makes the loop's current or next turn return and report [`crate::Event::Woken`], once for all calls before it.
    pub fn wake(&self) {
        if self.0.state.signal() {
            self.0.signal.raise();
        }
    }

    pub(crate) fn state(&self) -> &WakeState {
        &self.0.state
    }

    /// The descriptor that becomes readable.
    pub(crate) fn fd(&self) -> RawFd {
        self.0.signal.as_raw_fd()
    }

    /// Makes the descriptor unreadable again.
    pub(crate) fn drain(&self) {
        self.0.signal.drain();
    }
}

/// Every interleaving: `RUSTFLAGS="--cfg loom" cargo test --release -p event-loop --lib`.
#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::sync::Notify;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    #[test]
    fn no_signal_is_lost_and_what_was_done_before_it_is_seen() {
        const WAKERS: usize = 2;
        loom::model(|| {
            let state = Arc::new(WakeState::new());
            let descriptor = Arc::new(Notify::new());
            let posted = Arc::new(AtomicUsize::new(0));
            for _ in 0..WAKERS {
                let (state, descriptor, posted) = (state.clone(), descriptor.clone(), posted.clone());
                thread::spawn(move || {
                    posted.fetch_add(1, Ordering::Relaxed);
                    if state.signal() {
                        descriptor.notify();
                    }
                });
            }
            let mut seen = 0;
            while seen < WAKERS {
                if state.fall_asleep() {
                    // A lost signal is a deadlock here, which the model reports.
                    descriptor.wait();
                }
                if state.take() {
                    seen = posted.load(Ordering::Relaxed);
                }
            }
        });
    }
}
