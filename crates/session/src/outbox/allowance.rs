//! How much memory clients may hold: each by the limits of its class, and all of them together.
//!
//! ```text
//!   Writer ──asks at every 64 KB──▶ Allowance (one a client) ──▶ ClientMemory (one a node): limits, sum of all clients
//!                 no ◀── killed · the node ends · beyond its class's hard limit · beyond what all may have together
//! ```
//! The length of a reply may be a number in an argument. So a reply is checked while it is written, not when it is complete. A client
//! beyond its limit is *over*: the rest of its replies is dropped as it is written, and its worker closes it. A command that changes
//! something still runs to its end; only its reply is cut off. CLIENT KILL and the end of the node take effect at the same check.
//!
//! A client's account ([`Account`]) is what it sent and has not run yet, what it queued in MULTI, and what it has not taken
//! from this process: replies being written, replies queued, and what is left of replies that are written in pieces.
//!
//! All clients together may hold `maxmemory-clients`. Without it, the clients whose class has no limit may together leave as much
//! unread as `maxmemory`. Beyond that the largest are closed first, at the end of a turn (`limits::evict_clients` in the node). In the
//! middle of a turn a client is closed if it grows and holds at least the mean, so that one client with gigabytes unread does not cost
//! others their replies; far beyond the limit any client that grows is closed. What a client that is about to be closed holds counts
//! as free. Less than [`UNIT_BYTES`] counts for the client itself alone: only clients that make the sum large touch it.

use crate::client::{Client, ClientShared, flag};
use config::Settings;
use resp::Meter;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The sum of all clients is kept in multiples of this.
const UNIT_BYTES: u64 = 16 * 1024;
/// All together may have this much, however small `maxmemory` is made to have keys evicted.
const LEAST_TOGETHER_BYTES: u64 = 16 << 20;
/// `maxmemory-clients` is this much at least: below it nobody could set it right again.
const LEAST_EVICTION_BYTES: u64 = 128 << 10;
/// What a client takes by being there.
pub const CLIENT_BYTES: u64 = (size_of::<Client>() + size_of::<ClientShared>() + ELSEWHERE_BYTES) as u64;
/// What a client takes in tables of its worker, of its loop and of the node, about.
const ELSEWHERE_BYTES: usize = 512;

/// What a client holds, in bytes. Its worker writes it, anybody reads it.
#[derive(Debug, Default)]
pub struct Account {
    /// Received, and not run yet.
    pub input: AtomicU64,
    /// Queued by MULTI.
    pub queued: AtomicU64,
    /// Not taken by the client.
    pub output: AtomicU64,
    /// Watched keys and subscriptions.
    pub interests: AtomicU64,
}

impl Account {
    /// All of it.
    pub fn bytes(&self) -> u64 {
        let parts = [&self.input, &self.queued, &self.output, &self.interests];
        parts.into_iter().map(|part| part.load(Ordering::Relaxed)).sum()
    }
}

/// What the sum of all clients is of.
#[derive(Debug, Clone, Copy)]
enum Sum {
    /// All that they hold.
    All,
    /// What they have not read.
    Unread,
}

/// What all clients of a node may hold, and do.
#[derive(Debug)]
pub struct ClientMemory {
    /// What may be unread, by class; 0 is none.
    hard_bytes: [AtomicU64; 3],
    together_bytes: AtomicU64,
    /// What they may have together is `maxmemory-clients`.
    evicts: AtomicBool,
    /// What they hold, and what they have not read: by [`Sum`].
    sums: [AtomicU64; 2],
    /// The part of each that clients hold which are about to be closed: it is as good as free.
    doomed: [AtomicU64; 2],
    /// Clients that each sum is of.
    holders: [AtomicU64; 2],
    /// All clients, also those that hold nothing.
    clients: AtomicU64,
    /// Until then nobody looks for clients to close: there were none, Unix ms.
    in_vain_until_ms: AtomicU64,
    /// The node ends: nothing long is begun or gone on with.
    ending: AtomicBool,
}

/// What clients have too much of, with the limit in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exceeded {
    /// All that they hold: `maxmemory-clients`.
    Held(u64),
    /// What they have not read, as far as no limit of its own bounds it.
    Unread(u64),
}

/// How long nobody looks again for clients to close when all that is held is by those that may not be.
const IN_VAIN_MS: u64 = 100;

impl ClientMemory {
    /// Of a node without clients.
    pub fn new(settings: &Settings) -> ClientMemory {
        let memory = ClientMemory {
            hard_bytes: Default::default(),
            together_bytes: AtomicU64::new(0),
            evicts: AtomicBool::new(false),
            sums: Default::default(),
            doomed: Default::default(),
            holders: Default::default(),
            clients: AtomicU64::new(0),
            in_vain_until_ms: AtomicU64::new(0),
            ending: AtomicBool::new(false),
        };
        memory.configure(settings);
        memory
    }

    /// Takes over limits that changed.
    pub fn configure(&self, settings: &Settings) {
        for (to, from) in self.hard_bytes.iter().zip(settings.client_output_buffer_limits) {
            to.store(from.hard_bytes, Ordering::Relaxed);
        }
        let evicts = eviction_limit(settings);
        let together = evicts.unwrap_or_else(|| {
            let bytes = match settings.maxmemory_bytes {
                0 => usable_memory_bytes().map_or(u64::MAX, |bytes| bytes / 4),
                maxmemory => maxmemory,
            };
            bytes.max(LEAST_TOGETHER_BYTES)
        });
        self.together_bytes.store(together, Ordering::Relaxed);
        self.evicts.store(evicts.is_some(), Ordering::Relaxed);
    }

    /// Whether long replies are cut off because the node ends.
    pub fn set_ending(&self, ending: bool) {
        self.ending.store(ending, Ordering::Relaxed);
    }

    /// What all clients hold, about.
    pub fn held_bytes(&self) -> u64 {
        self.sum(Sum::All) + self.clients.load(Ordering::Relaxed) * CLIENT_BYTES
    }

    fn sum(&self, of: Sum) -> u64 {
        let doomed = self.doomed[of as usize].load(Ordering::Relaxed);
        self.sums[of as usize].load(Ordering::Relaxed).saturating_sub(doomed)
    }

    /// A client was told to go, by whoever took its life: what it holds counts no more. It may be gone by itself meanwhile.
    pub fn doom(&self, client: &ClientShared) {
        let parts =
            [client.account.bytes(), self.unlimited(client, client.account.output.load(Ordering::Relaxed))];
        for (sum, bytes) in parts.into_iter().enumerate() {
            let bytes = bytes - bytes % UNIT_BYTES;
            self.doomed[sum].fetch_add(bytes, Ordering::Relaxed);
            client.doomed[sum].store(bytes, Ordering::SeqCst);
        }
        if client.is_gone.load(Ordering::SeqCst) {
            self.forget_doomed(client);
        }
    }

    /// What a client held is free. Of its end and who doomed it, whoever comes second finds what is to be forgotten.
    fn forget_doomed(&self, client: &ClientShared) {
        for (sum, doomed) in client.doomed.iter().enumerate() {
            self.doomed[sum].fetch_sub(doomed.swap(0, Ordering::SeqCst), Ordering::Relaxed);
        }
    }

    /// What counts of so much unread: who has a limit of its class is bounded by that.
    fn unlimited(&self, client: &ClientShared, unread: u64) -> u64 {
        if self.has_limit(client) { 0 } else { unread }
    }

    /// Whether a client's class has a hard limit for what may be unread.
    pub fn has_limit(&self, client: &ClientShared) -> bool {
        self.hard_bytes[client.class() as usize].load(Ordering::Relaxed) > 0
    }

    /// What clients must be closed for to be below it, the largest first; `None` while they are.
    #[inline]
    pub fn exceeded(&self, now_ms: u64) -> Option<Exceeded> {
        let limit = self.together_bytes.load(Ordering::Relaxed);
        let evicts = self.evicts.load(Ordering::Relaxed);
        let sum = if evicts { self.held_bytes() } else { self.sum(Sum::Unread) };
        (sum > limit && now_ms >= self.in_vain_until_ms.load(Ordering::Relaxed)).then_some(if evicts {
            Exceeded::Held(limit)
        } else {
            Exceeded::Unread(limit)
        })
    }

    /// There was nobody to close: everything is held by those that may not be.
    pub fn note_in_vain(&self, now_ms: u64) {
        self.in_vain_until_ms.store(now_ms + IN_VAIN_MS, Ordering::Relaxed);
    }

    /// Whether all clients together have too much if one has so many bytes, of which the sum holds `held` already.
    fn are_too_many(&self, of: Sum, own: u64, held: u64) -> bool {
        let sum = match of {
            Sum::All => self.held_bytes(),
            Sum::Unread => self.sum(of),
        };
        let all = sum.saturating_sub(held).saturating_add(own);
        let together = self.together_bytes.load(Ordering::Relaxed);
        let holders = self.holders[of as usize].load(Ordering::Relaxed) + u64::from(held == 0);
        // Beside what those hold that make the sum; merely being there makes nobody large.
        let is_small = own.saturating_mul(holders) < self.sum(of).saturating_sub(held).saturating_add(own);
        all > together && !(is_small && all <= together.saturating_add(together / 4))
    }
}

/// `maxmemory-clients` in bytes: a number of them, or a part of `maxmemory`; `None` when there is none.
fn eviction_limit(settings: &Settings) -> Option<u64> {
    let bytes = match settings.maxmemory_clients {
        percent @ ..0 => {
            (u128::from(settings.maxmemory_bytes) * u128::from(percent.unsigned_abs()) / 100) as u64
        }
        bytes => bytes as u64,
    };
    (bytes > 0).then_some(bytes.max(LEAST_EVICTION_BYTES))
}

/// Why nothing more is written to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// It would have too much unread.
    Limit,
    /// All clients would have more than `maxmemory-clients`, and it is not among the small ones.
    Evicted,
    /// It was killed, or the node ends.
    Ended,
}

/// What one client may hold.
#[derive(Debug)]
pub struct Allowance {
    memory: Arc<ClientMemory>,
    client: Arc<ClientShared>,
    /// What the event loop has for it.
    pending_bytes: Cell<u64>,
    /// What is still to be written of replies in pieces.
    rest_bytes: Cell<u64>,
    /// Its part of each sum.
    held: [Cell<u64>; 2],
    over: Cell<Option<Over>>,
    /// The kernel has no room for what is queued.
    is_full: Cell<bool>,
}

impl Allowance {
    /// That of a client which holds nothing.
    pub fn new(memory: &Arc<ClientMemory>, client: &Arc<ClientShared>) -> Allowance {
        memory.clients.fetch_add(1, Ordering::Relaxed);
        Allowance {
            memory: memory.clone(),
            client: client.clone(),
            pending_bytes: Cell::new(0),
            rest_bytes: Cell::new(0),
            held: Default::default(),
            over: Cell::new(None),
            is_full: Cell::new(false),
        }
    }

    /// Why its replies are cut off, if they are.
    #[inline]
    pub fn over(&self) -> Option<Over> {
        self.over.get()
    }

    /// Notes what it has sent that did not run yet.
    #[inline]
    pub fn note_input(&self, bytes: u64) {
        self.client.account.input.store(bytes, Ordering::Relaxed);
        self.hold_account();
    }

    /// Notes what it has queued by MULTI.
    #[inline]
    pub fn note_queued(&self, bytes: u64) {
        self.client.account.queued.store(bytes, Ordering::Relaxed);
        self.hold_account();
    }

    /// Notes what its watched keys and its subscriptions take.
    pub(crate) fn note_interests(&self, bytes: u64) {
        self.client.account.interests.store(bytes, Ordering::Relaxed);
        self.hold_account();
    }

    /// Notes what the event loop has for it, whether the kernel has no room for that, and what is written and not there yet.
    #[inline]
    pub fn settle(&self, pending: usize, is_full: bool, written: usize) {
        self.is_full.set(is_full);
        self.pending_bytes.set(pending as u64);
        self.note_written(written);
    }

    /// Notes that so much is written and not handed to the event loop.
    #[inline]
    pub(super) fn note_written(&self, written: usize) {
        let output = self.pending_bytes.get() + self.rest_bytes.get() + written as u64;
        self.client.account.output.store(output, Ordering::Relaxed);
        self.hold_account();
    }

    /// Notes that so much is left of what was written.
    #[inline]
    pub(super) fn took_back(&self, written: usize) {
        if self.held[Sum::Unread as usize].get() > 0 {
            self.note_written(written);
        }
    }

    /// Notes what is still to be written of replies in pieces.
    pub(super) fn note_rests(&self, bytes: u64) {
        self.rest_bytes.set(bytes);
    }

    #[inline]
    fn hold(&self, all: u64, unread: u64) {
        let unread = self.memory.unlimited(&self.client, unread);
        for (sum, bytes) in [(Sum::All, all), (Sum::Unread, unread)] {
            let held = &self.held[sum as usize];
            let (before, now) = (held.get(), bytes - bytes % UNIT_BYTES);
            if before != now {
                held.set(now);
                self.memory.sums[sum as usize].fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
                let came = i64::from(now > 0) - i64::from(before > 0);
                self.memory.holders[sum as usize].fetch_add(came as u64, Ordering::Relaxed);
            }
        }
    }

    #[inline]
    fn hold_account(&self) {
        let account = &self.client.account;
        self.hold(account.bytes(), account.output.load(Ordering::Relaxed));
    }

    fn may_have(&self, len: usize, more: usize, has_limit: bool) -> bool {
        if self.over.get().is_some() {
            return false;
        }
        let written = (len as u64).saturating_add(more as u64);
        let unread = self.pending_bytes.get().saturating_add(self.rest_bytes.get()).saturating_add(written);
        let account = &self.client.account;
        let other = account.bytes() - account.output.load(Ordering::Relaxed);
        let all = unread.saturating_add(other);
        let class = self.client.class();
        let limit = self.memory.hard_bytes[class as usize].load(Ordering::Relaxed);
        let hard = if has_limit { limit } else { 0 };
        let over = if self.client.killed.load(Ordering::Relaxed) || self.memory.ending.load(Ordering::Relaxed)
        {
            Some(Over::Ended)
        } else if hard > 0 && unread > hard {
            Some(Over::Limit)
        } else if self.memory.evicts.load(Ordering::Relaxed) {
            let held = self.held[Sum::All as usize].get();
            let is_spared = self.client.has_flag(flag::NO_EVICT);
            (!is_spared && self.memory.are_too_many(Sum::All, all, held)).then_some(Over::Evicted)
        } else {
            let held = self.held[Sum::Unread as usize].get();
            (limit == 0 && self.memory.are_too_many(Sum::Unread, unread, held)).then_some(Over::Limit)
        };
        self.over.set(over);
        if over.is_none() {
            self.hold(all, unread);
        }
        over.is_none()
    }
}

impl Meter for Allowance {
    fn may_grow(&self, len: usize, more: usize) -> bool {
        self.may_have(len, more, true)
    }
}

/// Decides about messages that a client did not ask for. Its hard limit counts once the kernel has no room: until then it is
/// the node that is behind, not the client.
#[derive(Debug)]
pub(super) struct Pushes<'a>(pub(super) &'a Allowance);

impl Meter for Pushes<'_> {
    fn may_grow(&self, len: usize, more: usize) -> bool {
        self.0.may_have(len, more, self.0.is_full.get())
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        self.hold(0, 0);
        self.client.is_gone.store(true, Ordering::SeqCst);
        self.memory.forget_doomed(&self.client);
        self.memory.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Memory that this process may use: that of the machine, or of its control group if that is less. `None` where the system
/// does not tell by a file.
fn usable_memory_bytes() -> Option<u64> {
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(u64::MAX);
    machine_memory_bytes().map(|machine| machine.min(group))
}

/// Physical memory; `None` where the system does not tell by a file.
pub fn machine_memory_bytes() -> Option<u64> {
    let figures = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = figures.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = total.trim().trim_end_matches(" kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use config::{Config, NoDirectives};
    use profile::Profile;

    pub(crate) fn memory(config: &str) -> Arc<ClientMemory> {
        let config = Config::load(Profile::Redis70, config.as_bytes(), &mut NoDirectives).expect("valid");
        Arc::new(ClientMemory::new(config.settings()))
    }

    pub(crate) fn client(memory: &Arc<ClientMemory>) -> Allowance {
        let info = ClientShared::of_primary(1, String::new(), String::new(), 0, 0);
        Allowance::new(memory, &Arc::new(info))
    }

    fn unread(memory: &ClientMemory) -> u64 {
        memory.sum(Sum::Unread)
    }

    const MB: usize = 1 << 20;

    #[test]
    fn a_client_has_the_limit_of_its_class() {
        let memory = memory("client-output-buffer-limit normal 1mb 0 0\nmaxmemory 1");
        let client = client(&memory);
        assert!(client.may_grow(MB / 2, MB / 2));
        // What is queued counts with what is written.
        client.settle(MB / 2, false, 0);
        assert!(client.may_grow(0, MB / 2) && client.over().is_none());
        assert!(!client.may_grow(0, MB / 2 + 1));
        assert_eq!(client.over(), Some(Over::Limit));
        assert!(!client.may_grow(0, 1), "it stays so");
    }

    #[test]
    fn a_burst_of_messages_is_no_fault_of_who_gets_it() {
        let memory = memory("client-output-buffer-limit pubsub 1mb 0 0");
        let client = client(&memory);
        client.client.channels.store(1, Ordering::Relaxed);
        assert!(Pushes(&client).may_grow(0, 2 * MB), "the kernel was not asked yet");
        client.settle(2 * MB, false, 0);
        assert!(Pushes(&client).may_grow(0, MB));
        client.settle(2 * MB, true, 0);
        assert!(!Pushes(&client).may_grow(0, 1), "it does not read");
    }

    #[test]
    fn without_a_limit_all_together_have_one() {
        let memory = memory("maxmemory 100mb");
        let hogs: Vec<Allowance> = (0..4).map(|_| client(&memory)).collect();
        for hog in &hogs {
            assert!(hog.may_grow(0, 24 * MB));
            hog.settle(24 * MB, false, 0);
        }
        let small = client(&memory);
        assert!(small.may_grow(0, 5 * MB), "it has less than the others");
        assert!(!hogs[0].may_grow(0, MB), "it has not");
        assert_eq!(unread(&memory), 101 * MB as u64);
        drop(hogs);
        small.settle(0, false, 0);
        assert_eq!((unread(&memory), memory.holders[Sum::Unread as usize].load(Ordering::Relaxed)), (0, 0));
        assert!(small.may_grow(0, 99 * MB), "alone it may have nearly all");
        assert!(!small.may_grow(0, 101 * MB));
    }

    #[test]
    fn who_is_about_to_be_closed_costs_others_nothing() {
        let memory = memory("maxmemory-clients 20mb");
        let (hog, other) = (client(&memory), client(&memory));
        hog.note_queued(30 * MB as u64);
        assert_eq!(memory.exceeded(0), Some(Exceeded::Held(20 * MB as u64)));
        hog.client.killed.store(true, Ordering::Relaxed);
        memory.doom(&hog.client);
        // Its worker is busy, and has not closed it yet.
        assert_eq!(memory.exceeded(0), None);
        assert!(other.may_grow(0, 10 * MB) && !hog.may_grow(0, 1));
        let info = hog.client.clone();
        drop(hog);
        // Nor does one that was gone before it was told to go.
        memory.doom(&info);
        assert!(memory.held_bytes() < 11 * MB as u64 && memory.sum(Sum::All) == 10 * MB as u64);
        assert!(!other.may_grow(0, 21 * MB));
        assert_eq!(other.over(), Some(Over::Evicted));
    }

    #[test]
    fn who_has_a_limit_of_its_own_counts_in_no_sum_of_what_is_unread() {
        let memory = memory("maxmemory 40mb\nclient-output-buffer-limit pubsub 64mb 0 0");
        let (listener, other) = (client(&memory), client(&memory));
        listener.client.channels.store(1, Ordering::Relaxed);
        assert!(listener.may_grow(0, 60 * MB));
        listener.settle(60 * MB, true, 0);
        assert_eq!((unread(&memory), memory.exceeded(0)), (0, None));
        assert!(other.may_grow(0, 39 * MB));
        other.settle(39 * MB, false, 0);
        assert!(!listener.may_grow(0, 5 * MB), "beyond its own limit");
        // The limit of all was lowered meanwhile.
        memory.together_bytes.store(30 * MB as u64, Ordering::Relaxed);
        assert_eq!(memory.exceeded(0), Some(Exceeded::Unread(30 * MB as u64)));
        memory.note_in_vain(0);
        assert_eq!(memory.exceeded(IN_VAIN_MS - 1), None);
        assert!(memory.exceeded(IN_VAIN_MS).is_some());
    }

    #[test]
    fn a_limit_of_all_leaves_room_to_be_set_right() {
        for config in ["maxmemory-clients 1", "maxmemory 1000\nmaxmemory-clients 10%"] {
            assert!(client(&memory(config)).may_grow(0, 100_000), "{config}");
        }
        // A part of nothing is no limit.
        assert!(client(&memory("maxmemory-clients 10%")).may_grow(0, 10 * MB));
    }

    #[test]
    fn small_ones_together_are_bounded_too() {
        let memory = memory("maxmemory 100mb");
        // Each has a little less than those before it.
        let clients: Vec<Allowance> = (0..100).map(|_| client(&memory)).collect();
        for (n, client) in clients.iter().enumerate() {
            let bytes = 10 * MB - n * UNIT_BYTES as usize;
            if client.may_grow(0, bytes) {
                client.settle(bytes, false, 0);
            }
        }
        assert!(unread(&memory) <= 125 * MB as u64, "{}", unread(&memory));
    }

    #[test]
    fn who_is_killed_and_who_is_left_at_the_end_is_cut_off() {
        let memory = memory("");
        let (killed, other) = (client(&memory), client(&memory));
        killed.client.killed.store(true, Ordering::Relaxed);
        assert!(!killed.may_grow(0, 1) && other.may_grow(0, 1));
        memory.set_ending(true);
        assert!(!other.may_grow(0, 1));
        assert_eq!((killed.over(), other.over()), (Some(Over::Ended), Some(Over::Ended)));
    }
}
