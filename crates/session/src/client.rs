//! A connection and its state: protocol, database, transaction, subscriptions, whether it waits.
//!
//! A client belongs to one worker. What other threads may read of it (CLIENT LIST from another worker) is in
//! [`ClientShared`], which its worker keeps up to date with plain stores.

use crate::outbox::{Account, Allowance, ClientMemory, Outbox};
use crate::pubsub::Listener;
use crate::waiting::Begun;
use acl::CurrentUser;
use command_spec::Behaviour;
use command_table::{Command, Kept};
use commands::{Piece, Progress};
use config::ClientClass;
use event_loop::{BufId, Peer, Token};
use keyspace::{Ticket, Watch};
use resp::{Parser, Proto, Writer};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};
use std::sync::{Arc, Mutex, PoisonError};
use supervision::Endpoint;

/// What is known of a client outside of its worker.
#[derive(Debug)]
pub struct ClientShared {
    /// Never reused.
    pub id: u64,
    worker: AtomicUsize,
    /// The peer's address, as CLIENT LIST shows it.
    pub addr: String,
    /// The address it came to.
    pub laddr: String,
    /// The listener was a Unix socket.
    pub is_unix: bool,
    /// The number of the listener.
    pub listener: usize,
    /// Its descriptor.
    pub fd: AtomicI32,
    /// When it came, in Unix ms.
    pub created_ms: u64,
    /// When it was heard of last, in Unix ms.
    pub active_ms: AtomicU64,
    /// Its database.
    pub db: AtomicU16,
    /// 2 or 3.
    pub proto: AtomicU8,
    /// How many channels it listens to.
    pub channels: AtomicU32,
    /// How many patterns it listens by.
    pub patterns: AtomicU32,
    /// Queued commands of MULTI, -1 outside.
    pub queued: AtomicI32,
    /// Keys that it watches.
    pub watched: AtomicU32,
    /// Bits of [`flag`].
    pub flags: AtomicU32,
    /// What it holds of the node's memory.
    pub account: Account,
    /// What counts no more of it because it is about to be closed: all, and what is unread.
    pub(crate) doomed: [AtomicU64; 2],
    /// It holds nothing any more.
    pub(crate) is_gone: AtomicBool,
    /// Bytes received from it.
    pub bytes_in: AtomicU64,
    /// Bytes that the kernel took for it.
    pub bytes_out: AtomicU64,
    /// Commands that it ran.
    pub commands: AtomicU64,
    /// Index of the last command plus one.
    pub last_command: AtomicU32,
    /// What it says about itself.
    pub names: Mutex<Names>,
    /// The client that is told in its place that copies are old; 0 is none.
    pub redirection: AtomicU64,
    /// What it waits for, if that is a key.
    pub waits_for: Mutex<Option<Arc<Ticket>>>,
    /// Somebody asked for its end.
    pub killed: AtomicBool,
}

/// What a client says about itself, and who it is.
#[derive(Debug, Default, Clone)]
pub struct Names {
    /// Its user, as it was when the client became it; `None` is one that is asked nothing.
    pub user: Option<CurrentUser>,
    /// CLIENT SETNAME.
    pub name: Vec<u8>,
    /// CLIENT SETINFO lib-name.
    pub lib_name: Vec<u8>,
    /// CLIENT SETINFO lib-ver.
    pub lib_ver: Vec<u8>,
}

/// Bits of [`ClientShared::flags`].
pub mod flag {
    /// It waits for something.
    pub const BLOCKED: u32 = 1;
    /// CLIENT NO-EVICT: it is not closed for what all clients hold.
    pub const NO_EVICT: u32 = 1 << 1;
    /// CLIENT NO-TOUCH: its commands leave access times alone.
    pub const NO_TOUCH: u32 = 1 << 2;
    /// A key that it watches has changed.
    pub const DIRTY_WATCH: u32 = 1 << 3;
    /// Its connection ends once its replies are sent.
    pub const CLOSE_AFTER_REPLY: u32 = 1 << 4;
    /// It is a replica.
    pub const REPLICA: u32 = 1 << 5;
    /// It is the connection to a primary.
    pub const PRIMARY: u32 = 1 << 6;
    /// Its wait was ended by CLIENT UNBLOCK.
    pub const UNBLOCKED: u32 = 1 << 7;
    /// Its command waits for the end of CLIENT PAUSE.
    pub const PAUSED: u32 = 1 << 8;
    /// CLIENT CAPA redirect: it goes to the primary when it is told where that is.
    pub const REDIRECT: u32 = 1 << 9;
    /// READONLY: it reads from a replica.
    pub const READONLY: u32 = 1 << 10;
    /// CLIENT TRACKING: it keeps copies of what it reads, and is told when they are old.
    pub const TRACKING: u32 = 1 << 11;
    /// It is told of all keys with its prefixes, whatever it reads.
    pub const BROADCASTS: u32 = 1 << 12;
    /// It keeps only what it reads behind CLIENT CACHING YES.
    pub const OPT_IN: u32 = 1 << 13;
    /// It keeps all but what it reads behind CLIENT CACHING NO.
    pub const OPT_OUT: u32 = 1 << 14;
    /// It is not told of what its own commands change.
    pub const NO_LOOP: u32 = 1 << 15;
    /// The client that should be told in its place is gone.
    pub const BROKEN_REDIRECTION: u32 = 1 << 16;
    /// All that CLIENT TRACKING sets.
    pub const OF_TRACKING: u32 = TRACKING | BROADCASTS | OPT_IN | OPT_OUT | NO_LOOP | BROKEN_REDIRECTION;
}

impl ClientShared {
    /// A client of a worker that has just come.
    pub fn new(id: u64, worker: usize, peer: &Peer, fd: i32, now_ms: u64) -> ClientShared {
        let is_unix = peer.address.is_none();
        ClientShared {
            is_unix,
            listener: peer.listener,
            ..ClientShared::begin(id, worker, peer.address_text(), peer.local_text(), fd, now_ms)
        }
    }

    /// The connection to a primary, as a client whose commands are the primary's. No worker has it.
    pub fn of_primary(id: u64, addr: String, laddr: String, fd: i32, now_ms: u64) -> ClientShared {
        let client = ClientShared::begin(id, 0, addr, laddr, fd, now_ms);
        client.set_flag(flag::PRIMARY, true);
        client
    }

    fn begin(id: u64, worker: usize, addr: String, laddr: String, fd: i32, now_ms: u64) -> ClientShared {
        ClientShared {
            id,
            worker: AtomicUsize::new(worker),
            addr,
            laddr,
            is_unix: false,
            listener: 0,
            fd: AtomicI32::new(fd),
            created_ms: now_ms,
            active_ms: AtomicU64::new(now_ms),
            db: AtomicU16::new(0),
            proto: AtomicU8::new(2),
            channels: AtomicU32::new(0),
            patterns: AtomicU32::new(0),
            queued: AtomicI32::new(-1),
            watched: AtomicU32::new(0),
            flags: AtomicU32::new(0),
            account: Account::default(),
            doomed: Default::default(),
            is_gone: AtomicBool::new(false),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            commands: AtomicU64::new(0),
            last_command: AtomicU32::new(0),
            names: Default::default(),
            redirection: AtomicU64::new(0),
            waits_for: Default::default(),
            killed: AtomicBool::new(false),
        }
    }

    /// The worker that serves it, or is about to: what it is told goes there, and is passed on if it has left meanwhile.
    pub fn worker(&self) -> usize {
        self.worker.load(Ordering::Acquire)
    }

    /// Another worker serves it from now on.
    pub fn set_worker(&self, worker: usize) {
        self.worker.store(worker, Ordering::Release);
    }

    /// Sets a flag, or takes it away.
    pub fn set_flag(&self, bit: u32, on: bool) {
        if on {
            self.flags.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.flags.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// Takes a flag away; whether it was there. One of several who try succeeds.
    pub fn take_flag(&self, bit: u32) -> bool {
        self.flags.fetch_and(!bit, Ordering::Relaxed) & bit != 0
    }

    /// Whether a flag is there.
    pub fn has_flag(&self, bit: u32) -> bool {
        self.flags.load(Ordering::Relaxed) & bit != 0
    }

    /// Whether it comes from this host: what `local` means in the parameters that protect others.
    pub fn is_local(&self) -> bool {
        self.is_unix || self.addr.starts_with("127.") || self.addr.starts_with("[::1]:")
    }

    /// The class whose limits it has.
    pub fn class(&self) -> ClientClass {
        if self.is_subscribed() { ClientClass::Pubsub } else { ClientClass::Normal }
    }

    /// Whether it listens to any channel or pattern.
    pub fn is_subscribed(&self) -> bool {
        self.channels.load(Ordering::Relaxed) > 0 || self.patterns.load(Ordering::Relaxed) > 0
    }

    fn note_user(&self, user: &CurrentUser) {
        self.names().user = (!user.is_trusted()).then(|| user.clone());
    }

    /// What it says about itself, and who it is.
    pub fn names(&self) -> std::sync::MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the bytes of a client's parsed requests are during a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Nothing was received.
    None,
    /// In one receive buffer of the turn; its own buffer is empty.
    Received(BufId),
    /// In its own buffer.
    Own,
}

/// Whether replies are written: CLIENT REPLY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyMode {
    /// Each reply.
    On,
    /// None.
    Off,
    /// The next command's reply is dropped.
    SkipNext,
    /// This command's reply is dropped.
    Skipping,
}

/// An open transaction.
#[derive(Debug, Default)]
pub struct Multi {
    /// In their order.
    pub queue: Vec<Kept>,
    /// What they take.
    pub bytes: usize,
    /// A command was refused while queueing: EXEC will fail.
    pub aborted: bool,
}

/// The keys a client watches.
#[derive(Debug)]
pub struct Watching {
    /// What is touched when one of them changes.
    pub watch: Arc<Watch>,
    /// By database and key: when the watch began.
    pub keys: HashMap<(u16, Box<[u8]>), u64>,
    /// Bytes of the keys.
    pub key_bytes: usize,
}

/// What a key that is watched takes besides its bytes, here and in its slot, about.
const WATCHED_KEY_BYTES: usize = 230;
/// What a subscription takes besides its name, here and in the registry, about.
const SUBSCRIPTION_BYTES: usize = 190;

/// What a client subscribed to, in the order of names.
#[derive(Debug, Default)]
pub struct Subscriptions {
    /// Channels.
    pub channels: BTreeSet<Arc<[u8]>>,
    /// Patterns.
    pub patterns: BTreeSet<Arc<[u8]>>,
    /// Bytes of the names.
    pub name_bytes: usize,
}

impl Subscriptions {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }
}

/// What a client waits for.
#[derive(Debug)]
pub enum WaitFor {
    /// A key: a pusher answers.
    Key(Arc<Ticket>),
    /// Another thread of the node answers: WAIT, SHUTDOWN, a save.
    Elsewhere,
}

/// A client that waits for something with its command half done.
#[derive(Debug)]
pub struct Blocked {
    /// What it waits for.
    pub on: WaitFor,
    /// Tells this wait from earlier ones.
    pub wait: u64,
    /// When the wait is over without success, in Unix ms.
    pub deadline_ms: Option<u64>,
    /// The reply then.
    pub timeout: TimeoutReply,
    /// What is counted of the command when the wait is over.
    pub begun: Option<Begun>,
}

/// The reply of a wait that is over without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutReply {
    /// A null.
    Null,
    /// A null array.
    NullArray,
}

/// A command between its pieces.
#[derive(Debug, Default)]
pub struct Walk {
    progress: Progress,
    /// Its reply so far.
    pub reply: Vec<u8>,
    /// What its pieces took.
    nanoseconds: u64,
}

impl Walk {
    /// The next piece.
    pub fn piece<'w>(&'w mut self, is_over: &'w dyn Fn() -> bool) -> Piece<'w> {
        Piece::new(&mut self.progress, is_over)
    }

    /// Bytes of its reply so far.
    pub fn reply_bytes(&self) -> usize {
        self.reply.len()
    }

    /// Adds the time of a piece; that of all so far.
    pub fn add_time(&mut self, nanoseconds: u64) -> u64 {
        self.nanoseconds += nanoseconds;
        self.nanoseconds
    }
}

/// A connection of a worker.
#[derive(Debug)]
pub struct Client {
    /// Its id.
    pub id: u64,
    /// Its connection.
    pub token: Token,
    /// What others may ask about it.
    pub shared: Arc<ClientShared>,
    /// How far its next request is framed.
    pub parser: Parser,
    /// Received bytes that are not executed yet, unless they are in a receive buffer.
    pub inbuf: Vec<u8>,
    /// Bytes at the front of its own buffer that have been executed: they go when they are most of it.
    pub skip: usize,
    /// Where its bytes are.
    pub source: Source,
    /// How many bytes of the source have been executed.
    pub consumed: usize,
    /// How many bytes of the source have been framed into requests.
    pub parsed: usize,
    /// What leaves on its connection.
    pub outbox: Outbox,
    /// The protocol it speaks.
    pub proto: Proto,
    /// Its database.
    pub db: u16,
    /// Who it is. [`Client::become_user`] changes it.
    pub user: CurrentUser,
    /// It has shown who it is, or did not need to.
    pub authenticated: bool,
    /// The endpoint of a managed node that it came by; `None` for the node's own listeners, which are trusted.
    pub endpoint: Option<Endpoint>,
    /// Whether it is answered.
    pub reply: ReplyMode,
    /// Its open transaction.
    pub multi: Option<Box<Multi>>,
    /// The keys it watches.
    pub watching: Option<Box<Watching>>,
    /// What it listens to.
    pub subscriptions: Option<Box<Subscriptions>>,
    /// CLIENT CACHING was said about its next command or transaction.
    pub caching: bool,
    /// CLIENT TRACKING: the prefixes of which it is told.
    pub prefixes: BTreeSet<Arc<[u8]>>,
    /// Its wait.
    pub blocked: Option<Box<Blocked>>,
    /// Its next command goes through the keyspace in pieces, and has begun.
    pub walk: Option<Box<Walk>>,
    /// Its next command cannot run now; it is retried when the worker is told to look.
    pub stalled: bool,
    /// It has sent so much ahead that nothing more is received from it for now.
    pub throttled: bool,
    /// It stands in the worker's list of clients to parse in the next turn.
    pub listed: bool,
    /// It stands in the worker's list of clients with replies to send.
    pub dirty: bool,
    /// Close once everything is sent; nothing more is executed.
    pub closing: bool,
    /// It leaves its worker: its connection is a replica's.
    pub leaving: bool,
    /// It has introduced itself as a replica.
    pub introduced: bool,
    /// How many commands it had run when its worker looked last at what each client makes it do.
    pub weighed: u64,
    /// Offset in the stream after its last write: what WAIT waits for.
    pub write_offset: u64,
}

impl Client {
    /// A client with a connection, of which nothing is known yet.
    pub fn new(
        token: Token,
        shared: Arc<ClientShared>,
        user: CurrentUser,
        authenticated: bool,
        memory: &Arc<ClientMemory>,
    ) -> Client {
        shared.note_user(&user);
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
            user,
            authenticated,
            endpoint: None,
            reply: ReplyMode::On,
            multi: None,
            watching: None,
            subscriptions: None,
            caching: false,
            prefixes: BTreeSet::new(),
            blocked: None,
            walk: None,
            stalled: false,
            listed: false,
            dirty: false,
            closing: false,
            leaving: false,
            introduced: false,
            weighed: 0,
            write_offset: 0,
        }
    }

    /// It is this user from now on. Called under the lock of the users, so that who deletes one finds all of its clients.
    pub fn become_user(&mut self, user: CurrentUser, authenticated: bool) {
        self.shared.note_user(&user);
        (self.user, self.authenticated) = (user, authenticated);
    }

    /// How many received bytes of its own buffer are not executed yet.
    #[inline]
    pub fn backlog(&self) -> usize {
        self.inbuf.len() - self.skip
    }

    /// A writer for its next reply.
    #[inline]
    pub fn writer(&mut self) -> Writer<'_> {
        self.outbox.writer(self.proto)
    }

    /// Drops everything that was answered since there were so many bytes of replies.
    #[inline]
    pub fn take_back(&mut self, start: usize) {
        let elsewhere = self.walk.as_ref().map_or(0, |walk| walk.reply_bytes());
        self.outbox.take_back(start, elsewhere);
    }

    /// Bytes of replies that are not handed to the event loop yet, also of one that a walk has begun.
    #[inline]
    pub fn written_bytes(&self) -> usize {
        self.outbox.len() + self.walk.as_ref().map_or(0, |walk| walk.reply_bytes())
    }

    /// Its command wrote something, which is told to nobody before that position is committed.
    #[inline]
    pub fn wrote(&mut self, position: u64, committed: u64) {
        self.write_offset = position;
        if position > committed {
            self.outbox.wait_for(position);
        }
    }

    /// Queues a request in its open transaction.
    pub fn queue(&mut self, request: Kept) {
        let Some(multi) = &mut self.multi else { return };
        multi.bytes += request.bytes();
        multi.queue.push(request);
        self.shared.queued.store(multi.queue.len() as i32, Ordering::Relaxed);
        self.outbox.allowance().note_queued(multi.bytes as u64);
    }

    /// What is run when it runs a command now: that, and what it has queued if the command runs its queue.
    pub fn runs(&self, command: &'static Command) -> impl Iterator<Item = &'static Command> {
        let multi = self.multi.iter().filter(|_| command.spec.behaviour.contains(Behaviour::RUNS_QUEUE));
        std::iter::once(command).chain(multi.flat_map(|multi| &multi.queue).map(|queued| queued.command))
    }

    /// Takes the queue out of its transaction, which is over.
    pub fn take_queue(&mut self) -> Vec<Kept> {
        let queue = self.multi.take().map(|multi| multi.queue).unwrap_or_default();
        self.outbox.allowance().note_queued(0);
        queue
    }

    /// Bytes of the requests that MULTI queued.
    pub fn queued_bytes(&self) -> usize {
        self.multi.as_ref().map_or(0, |multi| multi.bytes)
    }

    /// Whether its requests may run: it neither waits nor is on its way out, and has all replies before them.
    #[inline]
    pub fn is_runnable(&self) -> bool {
        !self.stalled
            && !self.closing
            && !self.leaving
            && self.blocked.is_none()
            && self.outbox.has_no_rests()
            && self.outbox.allowance().over().is_none()
    }

    /// Whether only the commands of subscribers are allowed: RESP2 with subscriptions.
    #[inline]
    pub fn is_subscriber_only(&self) -> bool {
        self.proto == Proto::Resp2 && self.subscriptions.as_ref().is_some_and(|subs| subs.count() > 0)
    }

    /// As the registry of channels knows it.
    pub fn listener(&self) -> Listener {
        Listener { worker: self.shared.worker(), client: self.id }
    }

    /// Notes what its watched keys, its subscriptions and its prefixes take, after they changed.
    pub fn note_interests(&self) {
        let watched = self
            .watching
            .as_ref()
            .map_or(0, |watching| watching.key_bytes + watching.keys.len() * WATCHED_KEY_BYTES);
        let listens =
            self.subscriptions.as_ref().map_or(0, |subs| subs.name_bytes + subs.count() * SUBSCRIPTION_BYTES);
        let prefixes: usize = self.prefixes.iter().map(|prefix| prefix.len() + SUBSCRIPTION_BYTES).sum();
        self.outbox.allowance().note_interests((watched + listens + prefixes) as u64);
    }

    /// Whether it is answered from now on.
    #[inline]
    pub fn set_reply(&mut self, mode: ReplyMode) {
        self.reply = mode;
        self.outbox.mute(matches!(mode, ReplyMode::Off | ReplyMode::Skipping));
    }

    /// Forgets WATCH.
    pub fn unwatch(&mut self) {
        if let Some(watching) = self.watching.take() {
            watching.watch.retire();
            self.note_interests();
            self.shared.watched.store(0, Ordering::Relaxed);
            self.shared.set_flag(flag::DIRTY_WATCH, false);
        }
    }

    /// Ends MULTI, whatever was queued.
    pub fn discard(&mut self) {
        self.take_queue();
        self.shared.queued.store(-1, Ordering::Relaxed);
        self.unwatch();
    }
}

/// All clients of the node, by id.
#[derive(Debug, Default)]
pub struct Clients {
    next_id: AtomicU64,
    known: Mutex<Known>,
    blocked: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    by_id: BTreeMap<u64, Arc<ClientShared>>,
    /// How many came by each listener.
    by_listener: BTreeMap<usize, usize>,
}

impl Clients {
    /// The id of a new client: never reused.
    pub fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client is there.
    pub fn add(&self, client: &Arc<ClientShared>) {
        let mut known = self.known();
        if known.by_id.insert(client.id, client.clone()).is_none() {
            *known.by_listener.entry(client.listener).or_default() += 1;
        }
    }

    /// It is gone.
    pub fn remove(&self, id: u64) {
        let mut known = self.known();
        if let Some(client) = known.by_id.remove(&id)
            && let Some(count) = known.by_listener.get_mut(&client.listener)
        {
            *count -= 1;
        }
    }

    /// One of them.
    pub fn get(&self, id: u64) -> Option<Arc<ClientShared>> {
        self.known().by_id.get(&id).cloned()
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<Arc<ClientShared>> {
        self.known().by_id.values().cloned().collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.known().by_id.len()
    }

    /// How many of them came by a listener, by its number.
    pub fn count_of(&self, listener: usize) -> usize {
        self.known().by_listener.get(&listener).copied().unwrap_or(0)
    }

    /// So many more of them wait.
    pub fn add_blocked(&self, by: i64) {
        self.blocked.fetch_add(by as u64, Ordering::Relaxed);
    }

    /// How many wait.
    pub fn blocked(&self) -> u64 {
        self.blocked.load(Ordering::Relaxed)
    }
}
