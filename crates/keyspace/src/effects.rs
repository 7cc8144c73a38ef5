//! What a command did, as data.
//!
//! Handlers describe changes here and nowhere else; what leaves the node because of them (replication, keyspace events,
//! replies to blocked clients) is made from this description after the handler returned and before its locks drop.
//!
//! ```text
//!   begin ─▶ replicate, event, … ─▶ take_commands, take_events, … ─▶ begin
//!     └ asserts that nothing is left            leaving the gate asserts the same ┘
//! ```
//! **Invariant:** effects are taken before the locks drop under which they were described. Dropped effects would leave replicas with different data for good, so dropping them is a bug that ends the process: the only way to clear
//! effects is to take them. A guard that walks from slot to slot has the commands for the stream sent before it leaves a slot ([`Outlet`]); events wait until the walk ends.

use bitflags::bitflags;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

bitflags! {
    /// Classes of keyspace events, the letters of `notify-keyspace-events`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct EventClass: u32 {
        /// `K`: publish on `__keyspace@<db>__:<key>`.
        const KEYSPACE = 1;
        /// `E`: publish on `__keyevent@<db>__:<event>`.
        const KEYEVENT = 1 << 1;
        /// `g`: commands of no type.
        const GENERIC = 1 << 2;
        /// `$`: strings.
        const STRING = 1 << 3;
        /// `l`: lists.
        const LIST = 1 << 4;
        /// `s`: sets.
        const SET = 1 << 5;
        /// `h`: hashes.
        const HASH = 1 << 6;
        /// `z`: sorted sets.
        const ZSET = 1 << 7;
        /// `x`: a key reached its expiry.
        const EXPIRED = 1 << 8;
        /// `e`: a key was evicted.
        const EVICTED = 1 << 9;
        /// `t`: streams.
        const STREAM = 1 << 10;
        /// `m`: a key was looked up and does not exist.
        const KEY_MISS = 1 << 11;
        /// `d`: module types.
        const MODULE = 1 << 13;
        /// `n`: a key was created.
        const NEW = 1 << 14;
        /// `A`: everything but `m` and `n`.
        const ALL = Self::GENERIC.bits() | Self::STRING.bits() | Self::LIST.bits() | Self::SET.bits()
            | Self::HASH.bits() | Self::ZSET.bits() | Self::EXPIRED.bits() | Self::EVICTED.bits()
            | Self::STREAM.bits() | Self::MODULE.bits();
    }
}

/// A keyspace event to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its class.
    pub class: EventClass,
    /// Its name, such as `expire`.
    pub name: &'static str,
    /// Logical database.
    pub db: u16,
    /// The key.
    pub key: Box<[u8]>,
}

/// One command for the replication stream: its database, and where its bytes end in [`Effects::bytes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Logical database.
    pub db: u16,
    /// End of its bytes.
    pub end: usize,
}

/// A command buffer larger than this is freed once the stream has taken the commands.
const KEPT_BYTES: usize = 64 << 10;

/// Keys that may serve clients that block on them, in the order in which they became ready, each once.
#[derive(Debug, Default)]
pub struct Ready {
    order: VecDeque<(u16, Arc<[u8]>)>,
    known: HashSet<(u16, Arc<[u8]>)>,
}

impl Ready {
    /// Adds a key that is not among them.
    pub fn push(&mut self, db: u16, key: &[u8]) {
        let place = (db, Arc::from(key));
        if self.known.insert(place.clone()) {
            self.order.push_back(place);
        }
    }

    /// Removes and returns the first.
    pub fn pop(&mut self) -> Option<(u16, Arc<[u8]>)> {
        let place = self.order.pop_front()?;
        self.known.remove(&place);
        Some(place)
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

/// A key that a replica's own clients gave an expiry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnVolatile {
    /// When it expires, in Unix ms.
    pub at_ms: u64,
    /// Logical database.
    pub db: u16,
    /// The key.
    pub key: Box<[u8]>,
}

/// A key of which clients may keep an old value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleKey {
    /// The key, of whatever database.
    pub key: Arc<[u8]>,
    /// Its time had come: nobody's command has changed it.
    pub has_expired: bool,
}

/// The effects of one command, one EXEC or one script, reused from one to the next.
#[derive(Debug)]
pub struct Effects {
    /// Whether anybody reads the stream; without one, nothing is encoded.
    pub replicating: bool,
    /// Which classes of events somebody asked for.
    pub wanted: EventClass,
    /// Number of changes, as `rdb_changes_since_last_save` counts them.
    pub dirty: u64,
    /// Keys that expired or were deleted lazily while the command ran.
    pub expired: u64,
    /// Of the changes, those that deleted a field of a hash because it had expired.
    pub expired_fields: u64,
    /// Commands for the stream, encoded as RESP arrays.
    bytes: Vec<u8>,
    /// Where each of them ends.
    records: Vec<Record>,
    /// Events to publish.
    events: Vec<Event>,
    /// Keys somebody blocks on that may serve them now.
    pub ready: Ready,
    /// Keys to which a write on a replica gave an expiry, with its Unix time in ms: the primary will not remove them.
    own_volatile: Vec<OwnVolatile>,
    /// Keys of which clients may keep an old value, while somebody does ([`crate::Keyspace::set_tracking`]).
    stale: Vec<StaleKey>,
    /// Whether a whole database was emptied, so that all that clients keep is old.
    all_stale: bool,
    /// Whether the handler itself described what to replicate, so that its arguments are not replicated.
    pub rewritten: bool,
    /// Whether the commands for the stream concern unrelated keys, so that no transaction needs to wrap them.
    pub unrelated: bool,
}

impl Default for Effects {
    fn default() -> Self {
        Effects {
            replicating: false,
            wanted: EventClass::empty(),
            dirty: 0,
            expired: 0,
            expired_fields: 0,
            bytes: Vec::new(),
            records: Vec::new(),
            events: Vec::new(),
            ready: Ready::default(),
            own_volatile: Vec::new(),
            stale: Vec::new(),
            all_stale: false,
            rewritten: false,
            unrelated: false,
        }
    }
}

impl Effects {
    /// Begins the description of a command.
    ///
    /// # Panics
    /// When something of the previous description is left.
    #[inline]
    pub fn begin(&mut self) {
        self.assert_taken();
        self.rewritten = false;
        self.unrelated = false;
    }

    /// Whether everything described was taken.
    #[inline]
    pub fn is_taken(&self) -> bool {
        self.dirty | self.expired == 0
            && self.records.is_empty()
            && self.events.is_empty()
            && self.ready.is_empty()
            && self.own_volatile.is_empty()
            && self.nothing_is_stale()
    }

    /// Checks that everything described was taken: where the locks drop.
    ///
    /// # Panics
    /// When something is left: replicas and subscribers would never get it.
    #[inline]
    pub fn assert_taken(&self) {
        assert!(self.is_taken(), "effects were dropped before they were sent: {self:?}");
    }

    /// The commands for the stream, encoded as RESP arrays.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each of them ends.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Takes the commands for the stream: `take` gets them as [`Effects::bytes`] and [`Effects::records`] have them. The
    /// buffer stays unless it has grown.
    #[inline]
    pub fn take_commands<R>(&mut self, take: impl FnOnce(&[u8], &[Record]) -> R) -> R {
        let taken = take(&self.bytes, &self.records);
        self.records.clear();
        self.bytes.clear();
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes = Vec::new();
        }
        taken
    }

    /// The events to publish.
    #[inline]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Takes the events to publish.
    #[inline]
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Notes that a write on a replica gave a key an expiry.
    pub(crate) fn own_volatile(&mut self, key: OwnVolatile) {
        self.own_volatile.push(key);
    }

    /// Takes the keys to which a write on a replica gave an expiry.
    #[inline]
    pub fn take_own_volatile(&mut self) -> Vec<OwnVolatile> {
        std::mem::take(&mut self.own_volatile)
    }

    /// Notes that clients may keep an old value of a key.
    #[inline]
    pub(crate) fn note_stale(&mut self, key: &[u8], has_expired: bool) {
        self.stale.push(StaleKey { key: key.into(), has_expired });
    }

    /// Notes that all that clients keep is old.
    pub(crate) fn note_all_stale(&mut self) {
        self.all_stale = true;
    }

    /// Whether all that clients may keep is as it was.
    #[inline]
    pub fn nothing_is_stale(&self) -> bool {
        self.stale.is_empty() && !self.all_stale
    }

    /// Takes the keys of which clients may keep an old value, and whether all that they keep is old.
    pub fn take_stale(&mut self) -> (Vec<StaleKey>, bool) {
        (std::mem::take(&mut self.stale), std::mem::take(&mut self.all_stale))
    }

    /// Takes everything. For tests, which are the only reader of a description.
    pub fn take(&mut self) -> Effects {
        let empty = Effects { replicating: self.replicating, wanted: self.wanted, ..Effects::default() };
        std::mem::replace(self, empty)
    }

    /// Adds a command to the stream.
    pub fn replicate<A: AsRef<[u8]>>(&mut self, db: u16, argv: &[A]) {
        if !self.replicating {
            return;
        }
        let header = |out: &mut Vec<u8>, mark: u8, n: usize| {
            out.push(mark);
            out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
            out.extend_from_slice(b"\r\n");
        };
        header(&mut self.bytes, b'*', argv.len());
        for arg in argv {
            let arg = arg.as_ref();
            header(&mut self.bytes, b'$', arg.len());
            self.bytes.extend_from_slice(arg);
            self.bytes.extend_from_slice(b"\r\n");
        }
        self.records.push(Record { db, end: self.bytes.len() });
    }

    /// Adds an event, if somebody asked for its class.
    #[inline]
    pub fn event(&mut self, class: EventClass, name: &'static str, db: u16, key: &[u8]) {
        if self.wanted.intersects(class) {
            self.events.push(Event { class, name, db, key: key.into() });
        }
    }
}

/// Takes commands for the stream in the middle of a walk, under the lock of the slot that is about to be left. By default
/// none are taken: they stay until the end.
#[derive(Default)]
pub struct Outlet(Option<Take>);

type Take = Box<dyn Fn(&mut Effects) + Send>;

impl Outlet {
    /// An outlet that takes them by this function.
    pub fn new(take: impl Fn(&mut Effects) + Send + 'static) -> Outlet {
        Outlet(Some(Box::new(take)))
    }

    pub(crate) fn send(&self, effects: &mut Effects) {
        if let Some(take) = &self.0 {
            take(effects);
        }
    }
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlet").field("is_set", &self.0.is_some()).finish()
    }
}
