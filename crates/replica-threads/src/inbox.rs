//! Messages to a thread that sleeps in its own event loop. Posting never waits.

use event_loop::Waker;
use keyspace::{Rank, RankedMutex};
use std::sync::OnceLock;

/// Messages in the order of their posting.
#[derive(Debug)]
pub struct Inbox<T> {
    messages: RankedMutex<Vec<T>>,
    waker: OnceLock<Waker>,
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Inbox { messages: RankedMutex::new(Rank::Mailbox, Vec::new()), waker: OnceLock::new() }
    }
}

impl<T> Inbox<T> {
    /// Says how the reader is woken; once, by the reader itself.
    pub fn attach(&self, waker: Waker) {
        assert!(self.waker.set(waker).is_ok(), "an inbox has one reader");
    }

    pub fn post(&self, message: T) {
        self.messages.lock().push(message);
        self.wake();
    }

    pub fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }

    /// Takes all messages.
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.messages.lock())
    }
}
