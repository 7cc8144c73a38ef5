//! A connection and what it means: protocol, database, transaction, subscriptions, whether it waits.
//!
//! A client belongs to one worker. What others may ask about it (CLIENT LIST from another worker) stands in
//! [`ClientShared`], which its worker keeps up to date with plain stores.

use crate::outbox::{Account, Allowance, ClientMemory, Outbox};
use crate::pubsub::Listener;
use crate::waits::Begun;
use command_table::Kept;
use event_loop::{BufId, Token};
use keyspace::{Ticket, Watch};
use resp::{Parser, Proto, Writer};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use supervision::Endpoint;

/// What is known of a client outside of its worker.
#[derive(Debug)]
pub(crate) struct ClientShared {
    pub(crate) id: u64,
    pub(crate) worker: usize,
    pub(crate) addr: String,
    pub(crate) laddr: String,
    /// The listener was a Unix socket.
    pub(crate) is_unix: bool,
    pub(crate) fd: AtomicI32,
    pub(crate) created_ms: u64,
    pub(crate) active_ms: AtomicU64,
    pub(crate) db: AtomicU16,
    pub(crate) proto: AtomicU8,
    pub(crate) channels: AtomicU32,
    pub(crate) patterns: AtomicU32,
    /// Queued commands of MULTI, -1 outside.
    pub(crate) queued: AtomicI32,
    pub(crate) watched: AtomicU32,
    pub(crate) flags: AtomicU32,
    /// What it holds of the node's memory.
    pub(crate) account: Account,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) commands: AtomicU64,
    /// Index of the last command plus one.
    pub(crate) last_command: AtomicU32,
    pub(crate) names: Mutex<Names>,
    /// What it waits for, if that is a key.
    pub(crate) waits_for: Mutex<Option<Arc<Ticket>>>,
    /// Somebody asked for its end.
    pub(crate) killed: AtomicBool,
}

/// What a client says about itself.
#[derive(Debug, Default, Clone)]
pub(crate) struct Names {
    pub(crate) name: Vec<u8>,
    pub(crate) lib_name: Vec<u8>,
    pub(crate) lib_ver: Vec<u8>,
}

/// Bits of [`ClientShared::flags`].
pub(crate) mod flag {
    pub(crate) const BLOCKED: u32 = 1;
    pub(crate) const NO_EVICT: u32 = 1 << 1;
    pub(crate) const NO_TOUCH: u32 = 1 << 2;
    pub(crate) const DIRTY_WATCH: u32 = 1 << 3;
    pub(crate) const CLOSE_AFTER_REPLY: u32 = 1 << 4;
    pub(crate) const REPLICA: u32 = 1 << 5;
    pub(crate) const PRIMARY: u32 = 1 << 6;
    pub(crate) const UNBLOCKED: u32 = 1 << 7;
    /// Its command waits for the end of CLIENT PAUSE.
    pub(crate) const PAUSED: u32 = 1 << 8;
    /// CLIENT CAPA redirect: it goes to the primary when it is told where that is.
    pub(crate) const REDIRECT: u32 = 1 << 9;
    /// READONLY: it reads from a replica.
    pub(crate) const READONLY: u32 = 1 << 10;
}

impl ClientShared {
    /// The connection to a primary, as a client whose commands are the primary's. No worker has it.
    pub(crate) fn of_primary(id: u64, addr: String, laddr: String, fd: i32, now_ms: u64) -> ClientShared {
        ClientShared {
            id,
            worker: 0,
            addr,
            laddr,
            is_unix: false,
            fd: AtomicI32::new(fd),
            created_ms: now_ms,
            active_ms: AtomicU64::new(now_ms),
            db: AtomicU16::new(0),
            proto: AtomicU8::new(2),
            channels: AtomicU32::new(0),
            patterns: AtomicU32::new(0),
            queued: AtomicI32::new(-1),
            watched: AtomicU32::new(0),
            flags: AtomicU32::new(flag::PRIMARY),
            account: Account::default(),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            last_command: AtomicU32::new(0),
            names: Default::default(),
            waits_for: Default::default(),
            killed: AtomicBool::new(false),
        }
    }

    pub(crate) fn set_flag(&self, bit: u32, on: bool) {
        if on {
            self.flags.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// Takes a flag away; whether it was there. One of several who try succeeds.
    pub(crate) fn take_flag(&self, bit: u32) -> bool {
        self.flags.fetch_and(!bit, Ordering::Relaxed) & bit != 0
    }

    pub(crate) fn has_flag(&self, bit: u32) -> bool {
        self.flags.load(Ordering::Relaxed) & bit != 0
    }

    /// Whether it listens to any channel or pattern.
    pub(crate) fn is_subscribed(&self) -> bool {
        self.channels.load(Ordering::Relaxed) > 0 || self.patterns.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn names(&self) -> std::sync::MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the bytes of a client's parsed requests are during a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nothing was received.
    None,
    /// In one receive buffer of the turn; its own buffer is empty.
    Received(BufId),
    /// In its own buffer.
    Own,
}

/// Whether replies are written: CLIENT REPLY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReplyMode {
    On,
    Off,
    /// The next command's reply is dropped.
    SkipNext,
    /// This command's reply is dropped.
    Skipping,
}

/// An open transaction.
#[derive(Debug, Default)]
pub(crate) struct Multi {
    pub(crate) queue: Vec<Kept>,
    /// What they take.
    pub(crate) bytes: usize,
    /// A command was refused while queueing: EXEC will fail.
    pub(crate) aborted: bool,
}

/// The keys a client watches.
#[derive(Debug)]
pub(crate) struct Watching {
    pub(crate) watch: Arc<Watch>,
    /// By database and key: when the watch began.
    pub(crate) keys: HashMap<(u16, Box<[u8]>), u64>,
}

/// What a client subscribed to, in the order of names.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    pub(crate) channels: BTreeSet<Arc<[u8]>>,
    pub(crate) patterns: BTreeSet<Arc<[u8]>>,
}

impl Subscriptions {
    pub(crate) fn len(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }
}

/// What a client waits for.
#[derive(Debug)]
pub(crate) enum WaitFor {
    /// A key: a pusher answers.
    Key(Arc<Ticket>),
    /// Another thread of the node answers: WAIT, SHUTDOWN, a save.
    Elsewhere,
}

/// A client that waits for something with its command half done.
#[derive(Debug)]
pub(crate) struct Blocked {
    pub(crate) on: WaitFor,
    /// Tells this wait from earlier ones.
    pub(crate) wait: u64,
    /// When the wait is over without success, in Unix ms.
    pub(crate) deadline_ms: Option<u64>,
    /// The reply then.
    pub(crate) timeout: TimeoutReply,
    /// What is counted of the command when the wait is over.
    pub(crate) begun: Option<Begun>,
}

/// The reply of a wait that is over without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeoutReply {
    Null,
    NullArray,
}

/// A connection of a worker.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: u64,
    pub(crate) token: Token,
    pub(crate) shared: Arc<ClientShared>,
    pub(crate) parser: Parser,
    /// Received bytes that are not executed yet, unless they are in a receive buffer.
    pub(crate) inbuf: Vec<u8>,
    /// Bytes at the front of its own buffer that have been executed: they go when they are most of it.
    pub(crate) skip: usize,
    pub(crate) source: Source,
    /// How many bytes of the source have been executed.
    pub(crate) consumed: usize,
    /// How many bytes of the source have been framed into requests.
    pub(crate) parsed: usize,
    /// What leaves on its connection.
    pub(crate) outbox: Outbox,
    pub(crate) proto: Proto,
    pub(crate) db: u16,
    pub(crate) authenticated: bool,
    /// The endpoint of a managed node that it came by; `None` for the node's own listeners, which are trusted.
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) reply: ReplyMode,
    pub(crate) multi: Option<Box<Multi>>,
    pub(crate) watching: Option<Box<Watching>>,
    pub(crate) subscriptions: Option<Box<Subscriptions>>,
    pub(crate) blocked: Option<Box<Blocked>>,
    /// Its next command goes through the keyspace in pieces, and has begun.
    pub(crate) walk: Option<Box<crate::exec::Walk>>,
    /// Its next command cannot run now; it is retried when the worker is told to look.
    pub(crate) stalled: bool,
    /// It has sent so much ahead that nothing more is received from it for now.
    pub(crate) throttled: bool,
    /// It stands in the worker's list of clients to parse in the next turn.
    pub(crate) listed: bool,
    /// It stands in the worker's list of clients with replies to send.
    pub(crate) dirty: bool,
    /// Close once everything is sent; nothing more is executed.
    pub(crate) closing: bool,
    /// It leaves its worker: its connection is a replica's.
    pub(crate) leaving: bool,
    /// It has introduced itself as a replica.
    pub(crate) introduced: bool,
    /// Offset in the stream after its last write: what WAIT waits for.
    pub(crate) write_offset: u64,
}

impl Client {
    pub(crate) fn new(
        token: Token,
        shared: Arc<ClientShared>,
        authenticated: bool,
        memory: &Arc<ClientMemory>,
    ) -> Client {
        let outbox = Outbox::new(Allowance::new(memory, &shared));
        Client {
            id: shared.id,
            token,
            shared,
            parser: Parser::new(),
            inbuf: Vec::new(),
            skip: 0,
            throttled: false,
            source: Source::None,
            consumed: 0,
            parsed: 0,
            outbox,
            proto: Proto::Resp2,
            db: 0,
            authenticated,
            endpoint: None,
            reply: ReplyMode::On,
            multi: None,
            watching: None,
            subscriptions: None,
            blocked: None,
            walk: None,
            stalled: false,
            listed: false,
            dirty: false,
            closing: false,
            leaving: false,
            introduced: false,
            write_offset: 0,
        }
    }

    /// How many received bytes of its own buffer are not executed yet.
    #[inline]
    pub(crate) fn backlog(&self) -> usize {
        self.inbuf.len() - self.skip
    }

    /// A writer for its next reply.
    #[inline]
    pub(crate) fn writer(&mut self) -> Writer<'_> {
        self.outbox.writer(self.proto)
    }

    /// Drops everything that was answered since there were so many bytes of replies.
    #[inline]
    pub(crate) fn take_back(&mut self, start: usize) {
        let elsewhere = self.walk.as_ref().map_or(0, |walk| walk.reply_bytes());
        self.outbox.take_back(start, elsewhere);
    }

    /// Bytes of replies that are not handed to the event loop yet, also of one that a walk has begun.
    #[inline]
    pub(crate) fn written_bytes(&self) -> usize {
        self.outbox.len() + self.walk.as_ref().map_or(0, |walk| walk.reply_bytes())
    }

    /// Its command wrote something, which is told to nobody before that position is committed.
    #[inline]
    pub(crate) fn wrote(&mut self, position: u64, committed: u64) {
        self.write_offset = position;
        if position > committed {
            self.outbox.wait_for(position);
        }
    }

    /// Queues a request in its open transaction.
    pub(crate) fn queue(&mut self, request: Kept) {
        let Some(multi) = &mut self.multi else { return };
        multi.bytes += request.bytes();
        multi.queue.push(request);
        self.shared.queued.store(multi.queue.len() as i32, Ordering::Relaxed);
        self.outbox.allowance().note_queued(multi.bytes as u64);
    }

    /// Takes the queue out of its transaction, which is over.
    pub(crate) fn take_queue(&mut self) -> Vec<Kept> {
        let queue = self.multi.take().map(|multi| multi.queue).unwrap_or_default();
        self.outbox.allowance().note_queued(0);
        queue
    }

    /// Bytes of the requests that MULTI queued.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.multi.as_ref().map_or(0, |multi| multi.bytes)
    }

    /// Whether its requests may run: it neither waits nor is on its way out, and has all replies before them.
    #[inline]
    pub(crate) fn is_runnable(&self) -> bool {
        !self.stalled
            && !self.closing
            && !self.leaving
            && self.blocked.is_none()
            && self.outbox.has_no_rests()
            && self.outbox.allowance().over().is_none()
    }

    /// Whether only the commands of subscribers are allowed: RESP2 with subscriptions.
    #[inline]
    pub(crate) fn is_subscriber_only(&self) -> bool {
        self.proto == Proto::Resp2 && self.subscriptions.as_ref().is_some_and(|subs| subs.len() > 0)
    }

    pub(crate) fn listener(&self) -> Listener {
        Listener { worker: self.shared.worker, client: self.id }
    }

    /// Forgets WATCH.
    pub(crate) fn unwatch(&mut self) {
        if let Some(watching) = self.watching.take() {
            watching.watch.retire();
            self.shared.watched.store(0, Ordering::Relaxed);
            self.shared.set_flag(flag::DIRTY_WATCH, false);
        }
    }

    /// Ends MULTI, whatever was queued.
    pub(crate) fn discard(&mut self) {
        self.take_queue();
        self.shared.queued.store(-1, Ordering::Relaxed);
        self.unwatch();
    }
}

/// All clients of the node, by id.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    next_id: AtomicU64,
    by_id: Mutex<std::collections::BTreeMap<u64, Arc<ClientShared>>>,
    blocked: AtomicU64,
}

impl Clients {
    /// The id of a new client: never reused.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn map(&self) -> std::sync::MutexGuard<'_, std::collections::BTreeMap<u64, Arc<ClientShared>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, client: &Arc<ClientShared>) {
        self.map().insert(client.id, client.clone());
    }

    pub(crate) fn remove(&self, id: u64) {
        self.map().remove(&id);
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<ClientShared>> {
        self.map().get(&id).cloned()
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> Vec<Arc<ClientShared>> {
        self.map().values().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.map().len()
    }

    pub(crate) fn add_blocked(&self, by: i64) {
        self.blocked.fetch_add(by as u64, Ordering::Relaxed);
    }

    pub(crate) fn blocked(&self) -> u64 {
        self.blocked.load(Ordering::Relaxed)
    }
}
