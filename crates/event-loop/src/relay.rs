//! Work that any of several threads may do, one at a time on behalf of all, and that no thread waits for.
//!
//! ```text
//!            begin: true               begin: false, leaves a note
//!   Idle ──────────────────▶ Busy ──────────────────────▶ Again ─┐ begin: false
//!     ▲ ──── end: false ──────┘ ◀───────── end: true ────────────┴─▶
//! ```
//! A thread puts something where the working thread will find it, and calls [`Relay::begin`]. Either it becomes the working thread
//! itself, or its note makes the working thread look once more. So everything that was there before a `begin` is seen by work that
//! starts after it.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU8, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU8, Ordering};

const IDLE: u8 = 0;
const BUSY: u8 = 1;
const AGAIN: u8 = 2;

/// See the module's essay.
#[derive(Debug)]
pub struct Relay(AtomicU8);

impl Default for Relay {
    fn default() -> Relay {
        Relay(AtomicU8::new(IDLE))
    }
}

impl Relay {
    /// True: the caller works now, and calls [`Relay::end`] behind it. False: who works will look again.
    pub fn begin(&self) -> bool {
        let noted = |state| Some(if state == IDLE { BUSY } else { AGAIN });
        self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, noted) == Ok(IDLE)
    }

    /// True: somebody came meanwhile, and the caller goes on working. False: it is done.
    pub fn end(&self) -> bool {
        let done = |state| Some(if state == AGAIN { BUSY } else { IDLE });
        self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, done) == Ok(AGAIN)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_works_and_looks_again_for_all_who_came() {
        let relay = Relay::default();
        assert!(relay.begin());
        assert!(!relay.begin());
        assert!(!relay.begin());
        assert!(relay.end(), "two came, one look serves both");
        assert!(!relay.end());
        assert!(relay.begin());
        assert!(!relay.end());
    }
}

/// Every interleaving: `RUSTFLAGS="--cfg loom" cargo test --release -p event-loop --lib`.
#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    #[test]
    fn what_was_there_before_is_worked_on_by_one_at_a_time() {
        const THREADS: usize = 3;
        let mut model = loom::model::Builder::new();
        // All interleavings of three threads take minutes.
        model.preemption_bound = Some(3);
        model.check(|| {
            let relay = Arc::new(Relay::default());
            let posted = Arc::new(AtomicUsize::new(0));
            // loom reports two threads inside at the same time.
            let taken = Arc::new(UnsafeCell::new(0));
            let work = {
                let (relay, posted, taken) = (relay.clone(), posted.clone(), taken.clone());
                move || {
                    posted.fetch_add(1, Ordering::Relaxed);
                    if relay.begin() {
                        loop {
                            let seen = posted.load(Ordering::Relaxed);
                            // SAFETY: only who works is here.
                            taken.with_mut(|taken| unsafe { *taken = seen });
                            if !relay.end() {
                                break;
                            }
                        }
                    }
                }
            };
            let others: Vec<_> = (1..THREADS).map(|_| thread::spawn(work.clone())).collect();
            work();
            others.into_iter().for_each(|other| other.join().unwrap());
            // SAFETY: the others have ended.
            assert_eq!(taken.with(|taken| unsafe { *taken }), THREADS);
        });
    }
}
