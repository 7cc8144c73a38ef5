//! The keyspace as one command sees it: its guard, its database, the time, and the effects it describes.
//!
//! [`Keys::attach`] adds every key and [`Keys::take`] removes every key; nothing else adds to a table or removes from one. A value is changed only through an [`Edit`], which hands the pre-image to a running snapshot before the change
//! and updates the slot's accounts after it.
//!
//! An expired key counts as absent in every look-up. On a primary the look-up that finds it deletes it, and the deletion goes to the
//! stream ahead of the command itself; a replica waits for its primary's deletion.

mod evict;
mod fields;
mod raw;
mod relocate;
mod sweep;
mod whole;

pub use evict::Among;
pub(crate) use sweep::Expiries;
pub use sweep::Sweep;

use crate::access::AccessClock;
use crate::edit::Edit;
use crate::effects::{Effects, EventClass, Outlet, OwnVolatile};
use crate::slots::{Guard, Parts};
use crate::waiters::{Ticket, Watch};
use crate::{Keyspace, SlotBusy};
use std::cell::Cell;
use std::sync::Arc;
use structures::set::Encoding;
use structures::{Value, ValueRef};
use table::{Entry, EntryBox, Kind, Occupied, Retired, Walk};
use topology::Slot;

/// How a command treats an expired key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It is deleted, and the deletion replicated: on a primary.
    Delete,
    /// It is hidden from readers: on a replica, whose primary will delete it, and while writes are paused. A write that
    /// runs all the same (on a writable replica) deletes it first.
    Hide,
    /// It is visible: while data is loaded, and to the stream that a replica applies.
    Ignore,
}

/// What stays the same for all keys of one command.
#[derive(Debug, Clone, Copy)]
pub struct KeysContext {
    /// The thread, as numbered for the keyspace.
    pub thread: usize,
    /// Logical database.
    pub db: u16,
    /// Unix time.
    pub now_ms: u64,
    /// How expired keys are treated.
    pub expiry: Expiry,
    /// `lazyfree-lazy-expire`: expired values are freed by another thread, and replicated as UNLINK.
    pub lazy_expire: bool,
    /// Look-ups do not update the access clock: CLIENT NO-TOUCH.
    pub no_touch: bool,
    /// What access clocks are.
    pub clock: AccessClock,
}

mod shared;

/// What a thread reuses from one command to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The effects of the running command.
    pub effects: Effects,
    /// Takes commands for the stream while a walk over several slots goes on.
    pub outlet: Outlet,
    /// Replaced tables, to be freed after a [`crate::Passage`].
    pub retired: Retired,
    /// Entries for another thread to free, because that takes time.
    pub garbage: Vec<EntryBox>,
    /// Look-ups for reading that found their key.
    pub hits: u64,
    /// Look-ups for reading that did not.
    pub misses: u64,
    /// The state of the generator that decides which accesses raise a counter.
    pub random: u64,
    /// Whether the keyspace may have changed since this was cleared: if so, a panic may have left a change half done.
    pub has_changed: bool,
}

/// What becomes of a key's expiry when its value is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// It is removed.
    Clear,
    /// It stays.
    Keep,
    /// It becomes this Unix time in ms.
    At(u64),
}

/// When lazy freeing is asked for, values with more parts than this are freed by another thread.
const LAZY_FREE_EFFORT: usize = 64;

/// A key's slot and hash, computed in advance.
#[derive(Debug, Clone, Copy)]
pub struct Located {
    /// Its slot.
    pub slot: Slot,
    /// Its hash.
    pub hash: u64,
}

/// The keys of a database, under a guard.
#[derive(Debug)]
pub struct Keys<'k, 'g> {
    space: &'k Keyspace,
    guard: &'k mut Guard<'g>,
    physical: usize,
    context: KeysContext,
    /// Keys with their places, if the caller knows them already.
    hints: Hints<'k>,
    /// What the command did so far, and what it leaves behind.
    pub scratch: &'k mut Scratch,
}

/// Keys whose places are known. Commands take their keys in order, each several times.
#[derive(Debug, Default)]
struct Hints<'k> {
    /// The last one that was looked up; at the start, the first.
    current: Cell<Option<(&'k [u8], Located)>>,
    argv: &'k [&'k [u8]],
    step: usize,
    places: &'k [Located],
    /// The index of the current one.
    at: Cell<usize>,
}

impl<'k> Hints<'k> {
    fn new(argv: &'k [&'k [u8]], step: usize, places: &'k [Located]) -> Hints<'k> {
        Hints { current: Cell::new(Some((argv[0], places[0]))), argv, step, places, at: Cell::new(0) }
    }

    /// The same memory is the same key: comparing addresses is enough.
    #[inline]
    fn find(&self, key: &[u8]) -> Option<Located> {
        match self.current.get() {
            Some((hinted, place)) if std::ptr::eq(hinted, key) => Some(place),
            _ => self.advance(key),
        }
    }

    /// The next one, or the first one again.
    fn advance(&self, key: &[u8]) -> Option<Located> {
        for at in [self.at.get() + 1, 0] {
            if let Some(&place) = self.places.get(at)
                && std::ptr::eq(self.argv[at * self.step], key)
            {
                self.at.set(at);
                self.current.set(Some((self.argv[at * self.step], place)));
                return Some(place);
            }
        }
        None
    }
}

impl<'k, 'g> Keys<'k, 'g> {
    /// The keys of the context's database under this guard.
    #[inline]
    pub fn new(
        space: &'k Keyspace,
        guard: &'k mut Guard<'g>,
        scratch: &'k mut Scratch,
        context: KeysContext,
    ) -> Keys<'k, 'g> {
        Keys { space, guard, physical: space.physical(context.db), context, hints: Hints::default(), scratch }
    }

    /// Remembers the place of a key that was computed while prefetching.
    #[inline]
    pub fn with_hint(self, key: &'k &'k [u8], place: &'k Located) -> Self {
        self.with_hints(std::slice::from_ref(key), 1, std::slice::from_ref(place))
    }

    /// Remembers the places of several keys: the first of `argv`, and from there every `step`-th argument.
    ///
    /// # Panics
    /// When there is no key or no place.
    #[inline]
    pub fn with_hints(mut self, argv: &'k [&'k [u8]], step: usize, places: &'k [Located]) -> Self {
        self.hints = Hints::new(argv, step, places);
        self
    }

    /// The same keys in another database: MOVE, COPY … DB.
    pub fn in_db(&mut self, db: u16) -> Keys<'_, 'g> {
        Keys {
            space: self.space,
            physical: self.space.physical(db),
            guard: self.guard,
            context: KeysContext { db, ..self.context },
            hints: Hints::default(),
            scratch: self.scratch,
        }
    }

    /// The keyspace itself, for what needs no lock.
    pub fn space(&self) -> &'k Keyspace {
        self.space
    }

    /// Unix time of the command.
    #[inline]
    pub fn now_ms(&self) -> u64 {
        self.context.now_ms
    }

    /// The logical database.
    #[inline]
    pub fn db(&self) -> u16 {
        self.context.db
    }

    /// The context it was made with.
    pub fn context(&self) -> &KeysContext {
        &self.context
    }

    /// The effects described so far.
    #[inline]
    pub fn effects(&mut self) -> &mut Effects {
        &mut self.scratch.effects
    }

    #[inline]
    fn locate(&self, key: &[u8]) -> Located {
        match self.hints.find(key) {
            Some(place) => place,
            None => Located { slot: Slot::of(key), hash: self.space.hash(key) },
        }
    }

    /// The access clock of a key that comes into being now.
    #[inline]
    pub fn new_clock(&self) -> u32 {
        self.context.clock.of_new(self.context.now_ms)
    }

    /// Deletes the key if it is expired and this node may delete it. Returns true when the key counts as absent. A
    /// large one that a snapshot has yet to capture is not deleted yet: it is hidden anyway.
    #[inline]
    fn expire_if_due(&mut self, key: &[u8], place: Located) -> bool {
        let due = self.is_due(key, place);
        if due && self.context.expiry == Expiry::Delete && !self.is_spared(key, place) {
            self.expire(key, place);
        }
        due
    }

    fn is_spared(&mut self, key: &[u8], place: Located) -> bool {
        let (space, physical) = (self.space, self.physical);
        self.guard.find(place, physical, key).is_some_and(|entry| space.walk.spares(entry))
    }

    /// Whether a command that would change the key should wait, because a snapshot captures its large value in pieces or
    /// has yet to. If so, the snapshot is asked to capture it now, and the thread is woken afterwards. It may be woken
    /// earlier for another key, and then asks again.
    pub fn awaits_capture(&mut self, key: &[u8]) -> bool {
        let place = self.locate(key);
        let (space, physical, thread) = (self.space, self.physical, self.context.thread);
        let found = self.guard.find(place, physical, key);
        let spared = found.filter(|entry| space.walk.spares(*entry));
        if let Some(entry) = spared {
            space.walk.ask(physical, entry, thread);
        }
        spared.is_some()
    }

    /// Deletes the key if it is expired, so that a write finds it absent.
    #[inline]
    fn expire_for_write(&mut self, key: &[u8], place: Located) -> bool {
        let due = self.is_due(key, place);
        if due {
            self.expire(key, place);
        }
        due
    }

    // Always inline: nearly always it is one comparison.
    #[inline(always)]
    fn is_due(&mut self, key: &[u8], place: Located) -> bool {
        self.context.expiry != Expiry::Ignore
            && self.guard.expiries(place.slot).may_be_due(self.context.now_ms)
            && self.has_expired(key, place)
    }

    #[inline(never)]
    fn has_expired(&mut self, key: &[u8], place: Located) -> bool {
        let now_ms = self.context.now_ms;
        let found = self.guard.find(place, self.physical, key);
        found.is_some_and(|entry| entry.expire_at().is_some_and(|at| at <= now_ms))
    }

    #[cold]
    fn expire(&mut self, key: &[u8], place: Located) {
        let Some(entry) = self.take(key, place) else { return };
        let lazy = self.context.lazy_expire;
        let db = self.context.db;
        self.replicate_removal(key, lazy);
        self.scratch.effects.expired += 1;
        self.scratch.effects.event(EventClass::EXPIRED, "expired", db, key);
        self.touch(key, place.slot, true);
        self.free(entry, lazy);
    }

    /// A key, for reading: counts a hit or a miss and notes the access.
    #[inline]
    pub fn lookup(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        self.find_to_read(key, !self.context.no_touch, true)
    }

    /// A key, for reading: counts a hit or a miss and notes the access even where others don't. TOUCH.
    pub fn lookup_and_touch(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        self.find_to_read(key, true, true)
    }

    /// A key, for reading: counts a hit or a miss, but does not note the access. EXISTS, TYPE, TTL.
    pub fn lookup_untouched(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        self.find_to_read(key, false, true)
    }

    /// A key, for reading: counts a hit or a miss, but neither notes the access nor publishes a miss. OBJECT.
    pub fn lookup_quietly(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        self.find_to_read(key, false, false)
    }

    #[inline]
    fn find_to_read(&mut self, key: &[u8], touch: bool, tell: bool) -> Option<Entry<'_>> {
        let place = self.locate(key);
        let absent = self.expire_if_due(key, place);
        let (physical, db) = (self.physical, self.context.db);
        let found = if absent { None } else { self.guard.find(place, physical, key) };
        match found {
            Some(entry) => {
                self.scratch.hits += 1;
                if touch {
                    self.context.clock.touch(entry, self.context.now_ms, &mut self.scratch.random);
                }
                Some(entry)
            }
            None => {
                self.scratch.misses += 1;
                if tell {
                    self.scratch.effects.event(EventClass::KEY_MISS, "keymiss", db, key);
                }
                None
            }
        }
    }

    /// A key, for a write that may leave it as it is: notes the access, but counts neither a hit nor a miss.
    pub fn lookup_to_write(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        let place = self.locate(key);
        if self.expire_if_due(key, place) {
            return None;
        }
        let entry = self.guard.find(place, self.physical, key)?;
        if !self.context.no_touch {
            self.context.clock.touch(entry, self.context.now_ms, &mut self.scratch.random);
        }
        Some(entry)
    }

    /// A key, without counting or noting the access: for commands that check a key for themselves.
    #[inline]
    pub fn peek(&mut self, key: &[u8]) -> Option<Entry<'_>> {
        let place = self.locate(key);
        if self.expire_if_due(key, place) {
            return None;
        }
        let physical = self.physical;
        self.guard.find(place, physical, key)
    }

    /// Whether the key is present but has expired after `since_ms`. For WATCH: expiry alone must not abort EXEC.
    pub fn expired_since(&mut self, key: &[u8], since_ms: u64) -> bool {
        let place = self.locate(key);
        let (physical, now_ms) = (self.physical, self.context.now_ms);
        let found = self.guard.find(place, physical, key);
        found.is_some_and(|entry| entry.expire_at().is_some_and(|at| since_ms < at && at <= now_ms))
    }

    /// A key, to be changed. The pre-image goes to a running snapshot now.
    #[inline]
    pub fn edit(&mut self, key: &[u8]) -> Option<Edit<'_>> {
        let place = self.locate(key);
        if self.expire_for_write(key, place) {
            return None;
        }
        self.edit_at(key, place, !self.context.no_touch)
    }

    // Always inline: what it makes is seven words, and copying them out of a call stalls on each.
    #[inline(always)]
    fn edit_at(&mut self, key: &[u8], place: Located, touch: bool) -> Option<Edit<'_>> {
        self.scratch.has_changed = true;
        let physical = self.physical;
        let Parts { table, expiries } = self.guard.parts(place.slot, physical);
        let occupied = table.into_occupied(place.hash, key)?;
        self.space.walk.before_change(physical, occupied.entry());
        if touch {
            self.context.clock.touch(occupied.entry(), self.context.now_ms, &mut self.scratch.random);
        }
        Some(Edit { occupied, expiries })
    }

    /// Adds a key that is not there.
    pub fn insert(&mut self, key: &[u8], value: Value, expire_at_ms: Option<u64>) {
        let place = self.locate(key);
        self.expire_for_write(key, place);
        self.insert_entry(place, EntryBox::new(key, value, expire_at_ms));
    }

    /// Adds a key that is not there as an entry made or taken elsewhere, with the access clock it has.
    pub fn insert_box(&mut self, entry: EntryBox) {
        let place = self.locate(entry.key());
        self.expire_for_write(entry.key(), place);
        self.attach(place, entry);
    }

    /// Adds an entry as just used.
    fn insert_entry(&mut self, place: Located, entry: EntryBox) {
        entry.as_ref().set_lru(self.new_clock());
        self.attach(place, entry);
    }

    /// The one constructor: every key is added here.
    fn attach(&mut self, place: Located, entry: EntryBox) {
        self.scratch.has_changed = true;
        let epoch = self.space.walk.epoch();
        let (physical, db, thread) = (self.physical, self.context.db, self.context.thread);
        let Parts { mut table, expiries } = self.guard.parts(place.slot, physical);
        let was_empty = table.is_empty();
        let occupied = table.insert_new(&self.space.hasher, place.hash, entry, &mut self.scratch.retired);
        let entry = occupied.entry();
        entry.set_mark(Walk::Keyspace, epoch);
        if let Some(at) = entry.expire_at() {
            expiries.note(at);
            self.space.counters.change_expiry(thread, physical, place.slot.index(), None, Some(at));
            if self.context.expiry == Expiry::Hide {
                self.scratch.effects.own_volatile(OwnVolatile { at_ms: at, db, key: entry.key().into() });
            }
        }
        let volatile = fields::due_of(entry).map(|due_ms| (Box::<[u8]>::from(entry.key()), due_ms));
        if self.scratch.effects.wanted.contains(EventClass::NEW) {
            let key = entry.key();
            self.scratch.effects.event(EventClass::NEW, "new", db, key);
        }
        self.space.count(thread, physical, place.slot, 1);
        if was_empty {
            self.space.note_occupied(physical, place.slot, true);
        }
        if let Some((key, due_ms)) = volatile {
            self.change_due(&key, None, Some(due_ms));
        }
    }

    /// The one hook: every key is removed here.
    fn take(&mut self, key: &[u8], place: Located) -> Option<EntryBox> {
        self.scratch.has_changed = true;
        let (physical, thread) = (self.physical, self.context.thread);
        let Parts { mut table, .. } = self.guard.parts(place.slot, physical);
        let occupied = table.find_mut(place.hash, key)?;
        let entry = occupied.entry();
        self.space.walk.before_change(physical, entry);
        self.space.counters.change_expiry(thread, physical, place.slot.index(), entry.expire_at(), None);
        let due = fields::due_of(entry);
        let entry = occupied.remove(&mut self.scratch.retired);
        let is_empty = table.is_empty();
        if due.is_some() {
            self.change_due(key, due, None);
        }
        self.gone(key, entry.as_ref().kind());
        self.space.count(thread, physical, place.slot, -1);
        if is_empty {
            self.space.note_occupied(physical, place.slot, false);
            if physical > 0 {
                self.guard.drop_extra_if_unused(place.slot);
            }
        }
        Some(entry)
    }

    /// Removes a key and returns its entry. An expired key is deleted as expired and counts as absent.
    pub fn remove(&mut self, key: &[u8]) -> Option<EntryBox> {
        let place = self.locate(key);
        if self.expire_for_write(key, place) {
            return None;
        }
        self.take(key, place)
    }

    /// Replicates that the node removed a key by itself.
    fn replicate_removal(&mut self, key: &[u8], lazy: bool) {
        let name: &[u8] = if lazy { b"UNLINK" } else { b"DEL" };
        let db = self.context.db;
        self.scratch.effects.replicate(db, &[name, key]);
    }

    /// Removes a key whatever its expiry says, without effects: for loading and for the stream that a replica applies.
    pub fn remove_silently(&mut self, key: &[u8]) -> bool {
        let place = self.locate(key);
        self.take(key, place).is_some()
    }

    /// Frees an entry: here, or by another thread when that is asked for and worth it.
    pub fn free(&mut self, entry: EntryBox, lazy: bool) {
        if lazy && effort(entry.as_ref().value()) > LAZY_FREE_EFFORT {
            self.scratch.garbage.push(entry);
        }
    }

    /// Replaces the value of a key, or adds it.
    pub fn put(&mut self, key: &[u8], value: Value, ttl: Ttl) {
        let place = self.locate(key);
        let write =
            |occupied: &mut Occupied<'_>, at: Option<u64>, value: Value| occupied.set_value(value, at);
        let due = value.view().hash().and_then(structures::Hash::next_due_ms);
        match self.overwrite(key, place, ttl, value, write) {
            Some(value) => self.insert_entry(place, EntryBox::new(key, value, ttl.after(None))),
            None => self.fields_changed(key, None, due),
        }
    }

    /// Replaces the value of a key by a string, or adds it. What SET does, without an intermediate copy.
    #[inline]
    pub fn put_string(&mut self, key: &[u8], string: &[u8], ttl: Ttl) {
        let place = self.locate(key);
        let int = number::parse_i64(string);
        let write = |occupied: &mut Occupied<'_>, at: Option<u64>, string: &[u8]| match int {
            Some(int) => occupied.set_int(int, at),
            None => occupied.set_bytes(string, at),
        };
        if self.overwrite(key, place, ttl, string, write).is_some() {
            let at = ttl.after(None);
            let entry = match int {
                Some(int) => EntryBox::from_int(key, int, at),
                None => EntryBox::from_bytes(key, string, at),
            };
            self.insert_entry(place, entry);
        }
    }

    /// Overwrites the value of a key. Returns the new value if the key does not exist.
    #[inline]
    fn overwrite<V>(
        &mut self,
        key: &[u8],
        place: Located,
        ttl: Ttl,
        value: V,
        write: impl FnOnce(&mut Occupied<'_>, Option<u64>, V) -> Option<Value>,
    ) -> Option<V> {
        let (physical, thread) = (self.physical, self.context.thread);
        if self.expire_for_write(key, place) {
            return Some(value);
        }
        let Some(mut edit) = self.edit_at(key, place, !self.context.no_touch) else { return Some(value) };
        let old_expiry = edit.entry().expire_at();
        let expiry = ttl.after(old_expiry);
        let old = write(&mut edit.occupied, expiry, value);
        if let Some(at) = expiry {
            edit.expiries.note(at);
        }
        self.note_own_volatile(key, expiry);
        self.space.counters.change_expiry(thread, physical, place.slot.index(), old_expiry, expiry);
        if let Some(old) = old {
            let old = EntryBox::new(b"", old, None);
            self.fields_changed(key, fields::due_of(old.as_ref()), None);
            self.gone(key, old.as_ref().kind());
            self.free(old, true);
        }
        None
    }

    /// Sets or removes the expiry of a key. Returns whether the key exists.
    pub fn set_expire(&mut self, key: &[u8], at_ms: Option<u64>) -> bool {
        let place = self.locate(key);
        self.set_expire_at(key, place, at_ms)
    }

    fn set_expire_at(&mut self, key: &[u8], place: Located, at_ms: Option<u64>) -> bool {
        let (physical, thread) = (self.physical, self.context.thread);
        let Some(mut edit) = self.edit_at(key, place, false) else { return false };
        let old_ms = edit.entry().expire_at();
        edit.occupied.set_expire(at_ms);
        if let Some(at) = at_ms {
            edit.expiries.note(at);
        }
        self.note_own_volatile(key, at_ms);
        self.space.counters.change_expiry(thread, physical, place.slot.index(), old_ms, at_ms);
        true
    }

    /// Describes a change of a key: `count` changes for the save points, an event, and the watches of the key.
    #[inline]
    pub fn changed(&mut self, key: &[u8], class: EventClass, event: &'static str, count: u64) {
        self.scratch.effects.dirty += count;
        let db = self.context.db;
        self.scratch.effects.event(class, event, db, key);
        let slot = self.locate(key).slot;
        self.touch(key, slot, false);
    }

    /// Describes an event of a key that is not a change by itself.
    #[inline]
    pub fn event(&mut self, key: &[u8], class: EventClass, name: &'static str) {
        let db = self.context.db;
        self.scratch.effects.event(class, name, db, key);
    }

    #[inline]
    fn touch(&mut self, key: &[u8], slot: Slot, has_expired: bool) {
        if self.space.is_tracking() {
            self.scratch.effects.note_stale(key, has_expired);
        }
        self.touch_watches(key, slot);
    }

    #[inline]
    fn touch_watches(&mut self, key: &[u8], slot: Slot) {
        let cell = self.guard.cell(slot);
        if cell.is_registered() {
            self.scratch.has_changed = true;
            let db = self.context.db;
            let registry = self.guard.registry(slot);
            registry.touch(db, key);
            let is_empty = registry.is_empty();
            self.note_registered(slot, !is_empty);
        }
    }

    /// Describes that a key may serve clients that block on it.
    #[inline]
    pub fn ready(&mut self, key: &[u8]) {
        let slot = self.locate(key).slot;
        if self.guard.cell(slot).is_registered() {
            let db = self.context.db;
            if self.guard.registry(slot).is_waited_for(db, key) {
                self.scratch.effects.ready.push(db, key);
            }
        }
    }

    /// Describes that a value of this type went. Clients may wait in a group of a stream, which is no more then.
    #[inline]
    fn gone(&mut self, key: &[u8], kind: Kind) {
        if kind == Kind::Stream {
            self.ready(key);
        }
    }

    /// Adds a ticket to the queue of a key.
    pub fn wait(&mut self, key: &[u8], ticket: &Arc<Ticket>) {
        self.scratch.has_changed = true;
        let slot = Slot::of(key);
        self.guard.registry(slot).wait(key, ticket);
        self.guard.cell(slot).set_registered(true);
    }

    /// Adds a watch to a key. An expired key is deleted first, so that this deletion does not count as a change.
    pub fn watch(&mut self, key: &[u8], watch: &Arc<Watch>) {
        self.scratch.has_changed = true;
        let place = self.locate(key);
        if self.context.expiry == Expiry::Delete {
            self.expire_for_write(key, place);
        }
        let slot = place.slot;
        let db = self.context.db;
        self.guard.registry(slot).watch(db, key, watch);
        self.guard.cell(slot).set_registered(true);
    }

    /// The next ticket in a key's queue from the place `from` on, and its place. The queue is in order of arrival. A caller
    /// that holds all locks of the ticket may claim it; it keeps its place until [`Keys::served`].
    pub fn waiter(&mut self, db: u16, key: &[u8], from: usize) -> Option<(usize, Arc<Ticket>)> {
        self.guard.registry(Slot::of(key)).waiter(db, key, from)
    }

    /// Removes a claimed ticket that was served from the queue of this key. It leaves those of its other keys when they
    /// are next visited.
    pub fn served(&mut self, db: u16, key: &[u8], ticket: &Arc<Ticket>) {
        self.scratch.has_changed = true;
        let slot = Slot::of(key);
        let registry = self.guard.registry(slot);
        registry.finish(db, key, ticket);
        let is_empty = registry.is_empty();
        self.note_registered(slot, !is_empty);
    }

    /// Notes whether a client waits for a key of the slot or watches one.
    fn note_registered(&mut self, slot: Slot, is_registered: bool) {
        self.guard.cell(slot).set_registered(is_registered);
        if !is_registered {
            self.guard.drop_extra_if_unused(slot);
        }
    }

    /// Whether a client waits for a key of the slot.
    pub fn has_waiters(&mut self, slot: Slot) -> bool {
        self.guard.cell(slot).is_registered() && self.guard.registry(slot).has_waiters()
    }

    /// Whether the guard covers the slot.
    pub fn covers(&self, slot: Slot) -> bool {
        self.guard.covers(slot)
    }

    /// Visits the entries of one slot from a cursor on, at least `budget` unless the slot ends before. Returns the next
    /// cursor, 0 at the end. Expired entries are left out. A walking guard moves on to the slot.
    ///
    /// # Errors
    /// When the slot stays taken.
    pub fn scan_slot(
        &mut self,
        slot: Slot,
        cursor: u64,
        budget: usize,
        mut visit: impl FnMut(Entry<'_>),
    ) -> Result<u64, SlotBusy> {
        self.step_to(slot)?;
        let (physical, now_ms, expiry) = (self.physical, self.context.now_ms, self.context.expiry);
        let space = self.space;
        let Some(table) = self.guard.table(slot, physical) else { return Ok(0) };
        Ok(table.scan(&space.hasher, cursor, budget, |entry| {
            if expiry == Expiry::Ignore || entry.expire_at().is_none_or(|at| at > now_ms) {
                visit(entry);
            }
        }))
    }

    /// The first slot from this number on that holds a key of the database.
    pub fn next_occupied(&self, from: usize) -> Option<Slot> {
        self.space.next_occupied(self.physical, from)
    }
}

impl Ttl {
    fn after(self, old: Option<u64>) -> Option<u64> {
        match self {
            Ttl::Clear => None,
            Ttl::Keep => old,
            Ttl::At(at) => Some(at),
        }
    }
}

/// How many allocations it takes to free a value, roughly.
fn effort(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Int(_) | ValueRef::Bytes(_) => 1,
        ValueRef::List(list) => list.nodes().take(LAZY_FREE_EFFORT + 1).count(),
        ValueRef::Hash(hash) if hash.as_listpack().is_some() => 1,
        ValueRef::Hash(hash) => hash.len(),
        ValueRef::Set(set) if set.encoding() != Encoding::Table => 1,
        ValueRef::Set(set) => set.len(),
        ValueRef::SortedSet(set) if set.as_listpack().is_some() => 1,
        ValueRef::SortedSet(set) => set.len(),
        ValueRef::Stream(stream) => stream.allocations(LAZY_FREE_EFFORT),
    }
}
