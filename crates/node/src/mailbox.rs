//! How threads speak to a worker: messages that its next turn takes before it executes anything.
//!
//! Posting never waits. Order is kept per mailbox, so what one thread posts first is delivered first; and since a worker
//! drains its mailbox before it executes a turn, a push that was posted before a reply left is seen before whatever
//! the reply's reader causes next.

use crate::pubsub::Delivery;
use crate::waits::Ended;
use event_loop::{Peer, Waker};
use keyspace::{Rank, RankedMutex};
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use supervision::Endpoint;

/// What a worker may be told.
#[derive(Debug)]
pub(crate) enum Message {
    /// A new connection is dealt to it.
    Accepted(OwnedFd, Peer),
    /// Clients get a message of a channel, or a notice of their subscription's end.
    Deliver(Vec<u64>, Delivery),
    /// A blocked client gets its reply.
    Answer {
        /// The client.
        client: u64,
        /// Which of its waits is over: an answer to an earlier one is void.
        wait: u64,
        /// The reply, in the client's protocol.
        reply: Vec<u8>,
        /// How the wait ended.
        ended: Ended,
    },
    /// CLIENT UNBLOCK: as if the timeout had passed, or with an error.
    Unblock {
        /// The client.
        client: u64,
        /// With an UNBLOCKED error rather than as a timeout.
        error: bool,
    },
    /// CLIENT KILL.
    Kill(u64),
    /// The node follows a primary now: clients that block are told and closed.
    RoleChanged,
    /// Connections that came by an endpoint end at once: it is another node's now.
    CloseEndpoint(Endpoint),
    /// Nothing but a reason to look again: the gate opened, a slot was released, settings changed.
    Look,
}

/// One worker's mailbox.
#[derive(Debug)]
pub(crate) struct Mailbox {
    messages: RankedMutex<Vec<Message>>,
    waker: OnceLock<Waker>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Mailbox { messages: RankedMutex::new(Rank::Mailbox, Vec::new()), waker: OnceLock::new() }
    }
}

impl Mailbox {
    /// Says how the worker is woken; once, by the worker itself.
    pub(crate) fn attach(&self, waker: Waker) {
        assert!(self.waker.set(waker).is_ok(), "a mailbox has one worker");
    }

    /// Posts a message and wakes the worker.
    pub(crate) fn post(&self, message: Message) {
        self.messages.lock().push(message);
        self.wake();
    }

    /// Wakes the worker.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }

    /// Takes the messages of channels alone, in their order.
    pub(crate) fn take_deliveries(&self, into: &mut Vec<(Vec<u64>, Delivery)>) {
        let mut messages = self.messages.lock();
        let taken = messages.extract_if(.., |message| matches!(message, Message::Deliver(..)));
        into.extend(taken.filter_map(|message| match message {
            Message::Deliver(clients, delivery) => Some((clients, delivery)),
            _ => None,
        }));
    }

    /// Takes all messages, leaving `spare`'s memory for the next ones.
    pub(crate) fn drain(&self, spare: &mut Vec<Message>) {
        debug_assert!(spare.is_empty());
        std::mem::swap(&mut *self.messages.lock(), spare);
    }
}
