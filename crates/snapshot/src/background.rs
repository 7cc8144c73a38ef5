//! A thread without connections as a user of the keyspace: it may wait, so it parks where a worker suspends.
//!
//! **Invariant:** it parks only outside the gate and without a slot lock, after it registered for what it waits for.
//! So nobody ever waits for it, and the wake cannot be missed: `unpark` before `park` is remembered by the thread.

use keyspace::{Guard, ITSELF, Keyspace, SlotBusy, Standing};
use std::thread;

/// A background thread's access to the keyspace. The keyspace's wake function must unpark the thread when it is called
/// with its number.
#[derive(Debug, Clone, Copy)]
pub struct Background<'k> {
    keyspace: &'k Keyspace,
    thread: usize,
}

impl<'k> Background<'k> {
    /// The running thread, which has this number in the keyspace.
    pub fn new(keyspace: &'k Keyspace, thread: usize) -> Background<'k> {
        Background { keyspace, thread }
    }

    /// The keyspace.
    pub fn keyspace(&self) -> &'k Keyspace {
        self.keyspace
    }

    /// The thread's number in it.
    pub fn thread(&self) -> usize {
        self.thread
    }

    /// Enters the gate, waiting while it is closed.
    pub fn enter(&self) -> Inside<'k> {
        let mut standing = Standing::new(self.thread);
        while !standing.enter(self.keyspace) {
            if standing.wait(self.keyspace) {
                thread::park();
            }
        }
        Inside { keyspace: self.keyspace, standing }
    }

    /// Waits until a slot that was found taken may be free. The thread is outside the gate.
    pub fn wait_for(&self, busy: SlotBusy) {
        if self.keyspace.register(busy, self.thread) {
            thread::park();
        }
    }

    /// Does something in the world: waits until it is this thread's own. The thread is outside the gate.
    pub fn with_world<R>(&self, act: impl FnOnce(&mut Guard<'_>) -> R) -> R {
        let mut closed = Closed { keyspace: self.keyspace, standing: Standing::new(self.thread) };
        while !closed.standing.claim(self.keyspace, ITSELF, 0) {
            if closed.standing.wait(self.keyspace) {
                thread::park();
            }
        }
        act(&mut closed.standing.world(self.keyspace))
    }
}

/// The gate may be closed; it opens when this drops, after a panic too.
struct Closed<'k> {
    keyspace: &'k Keyspace,
    standing: Standing,
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.standing.release(self.keyspace);
    }
}

/// The thread is inside the gate until this drops.
#[derive(Debug)]
pub struct Inside<'k> {
    keyspace: &'k Keyspace,
    standing: Standing,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.standing.leave(self.keyspace);
    }
}
