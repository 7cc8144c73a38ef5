//! Messages of other threads to a worker. Its next turn takes them before it executes anything.
//!
//! Posting never waits. But a command that would publish is suspended while a busy worker has many messages to deliver
//! ([`Mailbox::is_full`]). So mailboxes stay bounded, and a publisher goes no faster than its subscribers are served. Order is kept
//! per mailbox, so what one thread posts first is delivered first; and since a worker
//! drains its mailbox before it executes a turn, a push that was posted before a reply left is seen before whatever
//! the reply's reader causes next.

use crate::client::Client;
use crate::pubsub::Delivery;
use crate::waiting::Ended;
use event_loop::{Peer, Transport, Waker};
use keyspace::{Rank, RankedMutex};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use supervision::Endpoint;

/// What a worker may be told.
#[derive(Debug)]
pub enum Message {
    /// A new connection is dealt to it.
    Accepted(Transport, Peer),
    /// Another worker hands a client over.
    Moved(Box<Moved>),
    /// Clients get a message of a channel, or a notice of their subscription's end.
    Deliver(Vec<u64>, Delivery),
    /// A blocked client gets its reply.
    Answer(Answer),
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
    /// Users have changed: their clients may have to stop listening.
    UsersChanged,
    /// Nothing but a reason to look again: the gate opened, a slot was released, settings changed.
    Look,
}

/// A client on its way from one worker to another.
#[derive(Debug)]
pub struct Moved {
    /// The client, with what was received and has not run.
    pub client: Box<Client>,
    /// What carries its connection.
    pub transport: Transport,
    /// What was sent to it and the kernel has not taken, oldest first.
    pub unsent: Vec<u8>,
    /// How many times its worker had been told that an endpoint is closed.
    pub closings: u64,
}

/// The reply to a client that waited.
#[derive(Debug)]
pub struct Answer {
    /// The client.
    pub client: u64,
    /// Which of its waits is over: an answer to an earlier one is void.
    pub wait: u64,
    /// The reply, in the client's protocol.
    pub reply: Vec<u8>,
    /// The position of what was written for it; 0 if nothing was.
    pub position: u64,
    /// How the wait ended.
    pub ended: Ended,
}

/// Bytes of messages of channels that may wait for a worker before publishers wait.
const MAIL_LIMIT_BYTES: usize = 8 << 20;

/// One worker's mailbox.
#[derive(Debug)]
pub struct Mailbox {
    messages: RankedMutex<Vec<Message>>,
    /// What the messages of channels among them take; written under their lock.
    mail_bytes: AtomicUsize,
    waker: OnceLock<Waker>,
}

impl Default for Mailbox {
    fn default() -> Self {
        Mailbox {
            messages: RankedMutex::new(Rank::Mailbox, Vec::new()),
            mail_bytes: AtomicUsize::new(0),
            waker: OnceLock::new(),
        }
    }
}

impl Mailbox {
    /// Says how the worker is woken; once, by the worker itself.
    pub fn attach(&self, waker: Waker) {
        assert!(self.waker.set(waker).is_ok(), "a mailbox has one worker");
    }

    /// Hands a client over to the worker with this number, whose mailbox it is. Whoever sees there that it is the client's
    /// worker now posts behind the client.
    pub fn hand_over(&self, moved: Box<Moved>, number: usize) {
        let mut messages = self.messages.lock();
        moved.client.shared.set_worker(number);
        messages.push(Message::Moved(moved));
        drop(messages);
        self.wake();
    }

    /// Posts a message and wakes the worker.
    pub fn post(&self, message: Message) {
        let mail = match &message {
            Message::Deliver(clients, delivery) => delivery.bytes() + size_of_val(&**clients),
            _ => 0,
        };
        let mut messages = self.messages.lock();
        messages.push(message);
        self.mail_bytes.fetch_add(mail, Ordering::Relaxed);
        drop(messages);
        self.wake();
    }

    /// Wakes the worker.
    pub fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake();
        }
    }

    /// Whether publishers must wait until its worker has handed out what is there.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.mail_bytes.load(Ordering::Relaxed) > MAIL_LIMIT_BYTES
    }

    /// Takes the messages of channels alone, in their order; whether it was full.
    pub fn take_deliveries(&self, into: &mut Vec<(Vec<u64>, Delivery)>) -> bool {
        let mut messages = self.messages.lock();
        let was_full = self.mail_bytes.swap(0, Ordering::Relaxed) > MAIL_LIMIT_BYTES;
        let taken = messages.extract_if(.., |message| matches!(message, Message::Deliver(..)));
        into.extend(taken.filter_map(|message| match message {
            Message::Deliver(clients, delivery) => Some((clients, delivery)),
            _ => None,
        }));
        was_full
    }

    /// Takes all messages, leaving `spare`'s memory for the next ones; whether it was full.
    pub fn drain(&self, spare: &mut Vec<Message>) -> bool {
        debug_assert!(spare.is_empty());
        let mut messages = self.messages.lock();
        std::mem::swap(&mut *messages, spare);
        self.mail_bytes.swap(0, Ordering::Relaxed) > MAIL_LIMIT_BYTES
    }
}
