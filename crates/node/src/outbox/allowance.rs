//! How much clients may leave unread: each by the limit of its class, and where there is none all of them together.
//!
//! ```text
//!   Writer ──asks at every 64 KB──▶ Allowance (one a client) ──▶ Outputs (one a node): limits, sum of all clients
//!                 no ◀── killed · the node ends · beyond its class's hard limit · beyond what all may have together
//! ```
//! The length of a reply may be a number in an argument. So it is not looked at when it is complete, but while it is
//! written: a client that is over its limit is *over*, the rest of its replies is dropped as it is written, and its worker
//! closes it. A command that changes something runs to its end all the same; only its reply is cut off. CLIENT KILL and the
//! end of the node are obeyed on the same occasion.
//!
//! What counts is what a client has not taken from this process: replies being written, replies queued, and what is left of
//! replies that are written in pieces ([`Rests`]).
//!
//! Who is closed when all together have too much: one that grows and has as much as the mean or more, so that who keeps
//! gigabytes unread does not cost others their replies; far beyond it whoever grows. What a client has below
//! [`UNIT_BYTES`] counts for nothing: the sum is touched by those alone who make it large.

use crate::client::ClientShared;
use commands::Rest;
use config::{ClientClass, Settings};
use resp::{Meter, Proto, Writer};
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The sum of all clients is kept in multiples of this.
const UNIT_BYTES: u64 = 16 * 1024;
/// All together may have this much, however small `maxmemory` is made to have keys evicted.
const LEAST_TOGETHER_BYTES: u64 = 16 << 20;

/// What all clients of a node may leave unread, and do.
#[derive(Debug)]
pub(crate) struct Outputs {
    /// By class; 0 is none.
    hard_bytes: [AtomicU64; 3],
    together_bytes: AtomicU64,
    held_bytes: AtomicU64,
    /// Clients that the sum is of.
    holders: AtomicU64,
    /// The node ends: nothing long is begun or gone on with.
    ending: AtomicBool,
}

impl Outputs {
    pub(crate) fn new(settings: &Settings) -> Outputs {
        let outputs = Outputs {
            hard_bytes: Default::default(),
            together_bytes: AtomicU64::new(0),
            held_bytes: AtomicU64::new(0),
            holders: AtomicU64::new(0),
            ending: AtomicBool::new(false),
        };
        outputs.configure(settings);
        outputs
    }

    /// Takes over limits that changed.
    pub(crate) fn configure(&self, settings: &Settings) {
        for (to, from) in self.hard_bytes.iter().zip(settings.client_output_buffer_limits) {
            to.store(from.hard_bytes, Ordering::Relaxed);
        }
        let together = match settings.maxmemory_bytes {
            0 => usable_memory_bytes().map_or(u64::MAX, |bytes| bytes / 4),
            maxmemory => maxmemory,
        };
        self.together_bytes.store(together.max(LEAST_TOGETHER_BYTES), Ordering::Relaxed);
    }

    /// Whether long replies are cut off because the node ends.
    pub(crate) fn set_ending(&self, ending: bool) {
        self.ending.store(ending, Ordering::Relaxed);
    }

    /// What all clients have not read, about.
    pub(crate) fn held_bytes(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// Whether all clients together have too much if one has so many bytes unread, of which the sum holds `held` already.
    fn are_too_many(&self, own: u64, held: u64) -> bool {
        let others = self.held_bytes().saturating_sub(held);
        let all = others.saturating_add(own);
        let together = self.together_bytes.load(Ordering::Relaxed);
        let holders = self.holders.load(Ordering::Relaxed) + u64::from(held == 0);
        let is_small = own.saturating_mul(holders) < all;
        all > together && !(is_small && all <= together.saturating_add(together / 4))
    }
}

/// Why nothing more is written to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// It would have too much unread.
    Limit,
    /// It was killed, or the node ends.
    Ended,
}

/// What one client may leave unread.
#[derive(Debug)]
pub(crate) struct Allowance {
    outputs: Arc<Outputs>,
    client: Arc<ClientShared>,
    /// What is still to be written of replies in pieces.
    rest_bytes: Cell<u64>,
    /// Its part of the sum.
    held: Cell<u64>,
    over: Cell<Option<Over>>,
    /// The kernel has no room for what is queued.
    is_full: Cell<bool>,
}

impl Allowance {
    pub(crate) fn new(outputs: &Arc<Outputs>, client: &Arc<ClientShared>) -> Allowance {
        Allowance {
            outputs: outputs.clone(),
            client: client.clone(),
            rest_bytes: Cell::new(0),
            held: Cell::new(0),
            over: Cell::new(None),
            is_full: Cell::new(false),
        }
    }

    /// Why its replies are cut off, if they are.
    #[inline]
    pub(crate) fn over(&self) -> Option<Over> {
        self.over.get()
    }

    /// Notes what is queued for it, whether the kernel has no room for that, and what is written and not queued yet.
    #[inline]
    pub(crate) fn settle(&self, queued: usize, is_full: bool, written: usize) {
        self.is_full.set(is_full);
        self.client.output_bytes.store(queued as u64, Ordering::Relaxed);
        self.hold(queued as u64 + written as u64 + self.rest_bytes.get());
    }

    /// Notes that so much is left of what was written.
    #[inline]
    pub(crate) fn took_back(&self, written: usize) {
        if self.held.get() > 0 {
            let queued = self.client.output_bytes.load(Ordering::Relaxed);
            self.hold(queued + written as u64 + self.rest_bytes.get());
        }
    }

    #[inline]
    fn hold(&self, bytes: u64) {
        let (before, now) = (self.held.get(), bytes - bytes % UNIT_BYTES);
        if before != now {
            self.held.set(now);
            self.outputs.held_bytes.fetch_add(now.wrapping_sub(before), Ordering::Relaxed);
            let came = i64::from(now > 0) - i64::from(before > 0);
            self.outputs.holders.fetch_add(came as u64, Ordering::Relaxed);
        }
    }
}

impl Allowance {
    fn may_have(&self, len: usize, more: usize, has_limit: bool) -> bool {
        if self.over.get().is_some() {
            return false;
        }
        let queued = self.client.output_bytes.load(Ordering::Relaxed);
        let written = (len as u64).saturating_add(more as u64);
        let own = queued.saturating_add(self.rest_bytes.get()).saturating_add(written);
        let class = if self.client.is_subscribed() { ClientClass::Pubsub } else { ClientClass::Normal };
        let hard =
            if has_limit { self.outputs.hard_bytes[class as usize].load(Ordering::Relaxed) } else { 0 };
        let are_too_many = || self.outputs.are_too_many(own, self.held.get());
        if self.client.killed.load(Ordering::Relaxed) || self.outputs.ending.load(Ordering::Relaxed) {
            self.over.set(Some(Over::Ended));
        } else if if hard > 0 { own > hard } else { are_too_many() } {
            self.over.set(Some(Over::Limit));
        } else {
            self.hold(own);
        }
        self.over.get().is_none()
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
pub(crate) struct Pushes<'a>(pub(crate) &'a Allowance);

impl Meter for Pushes<'_> {
    fn may_grow(&self, len: usize, more: usize) -> bool {
        self.0.may_have(len, more, self.0.is_full.get())
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        self.hold(0);
    }
}

/// Bytes of a piece: written in well under a millisecond, so that others of the same worker do not notice.
const PIECE_BYTES: usize = 64 * 1024;
/// No further piece is written while this much is queued: who does not read costs no more.
pub(crate) const AHEAD_BYTES: usize = 4 * PIECE_BYTES;

/// Replies of a client of which only the beginning is written, each with its place among the bytes that are:
///
/// ```text
///   out   ├── head of a reply ──┤                  ├── what follows it ──┤
///                               └ a rest: pieces ──┘
/// ```
/// A worker writes one piece of a client a turn. Nothing of the client runs until the last has been written.
#[derive(Debug, Default)]
pub(crate) struct Rests {
    queue: VecDeque<(usize, Box<dyn Rest>)>,
}

impl Rests {
    /// Whether all replies are written.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The rest of a reply whose head ends at a place among the bytes that are written.
    pub(crate) fn push(&mut self, at: usize, rest: Box<dyn Rest>, allowance: &Allowance) {
        debug_assert!(self.queue.back().is_none_or(|(before, _)| *before <= at), "replies are in order");
        self.queue.push_back((at, rest));
        self.note(allowance);
    }

    /// Forgets those of replies that begin at a place or behind it.
    pub(crate) fn take_back(&mut self, start: usize, allowance: &Allowance) {
        // A head is never empty, so a rest that stands at this place belongs to what comes before.
        while self.queue.back().is_some_and(|(at, _)| *at > start) {
            self.queue.pop_back();
        }
        self.note(allowance);
    }

    /// What is to be sent next: the bytes before the first rest and a piece of it. `out` keeps what follows.
    pub(crate) fn next(
        &mut self,
        out: &mut Vec<u8>,
        spare: Vec<u8>,
        proto: Proto,
        allowance: &Allowance,
    ) -> Vec<u8> {
        let Some((at, mut rest)) = self.queue.pop_front() else { return std::mem::replace(out, spare) };
        let mut next = spare;
        if at > 0 {
            let behind = out.split_off(at);
            next = std::mem::replace(out, behind);
        }
        self.queue.iter_mut().for_each(|(place, _)| *place -= at);
        if rest.write(&mut Writer::new(&mut next, proto).metered(allowance), PIECE_BYTES) {
            self.queue.push_front((0, rest));
        }
        self.note(allowance);
        next
    }

    fn note(&self, allowance: &Allowance) {
        let bytes = self.queue.iter().map(|(_, rest)| rest.bytes() as u64).fold(0, u64::saturating_add);
        allowance.rest_bytes.set(bytes);
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
pub(crate) fn machine_memory_bytes() -> Option<u64> {
    let figures = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = figures.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = total.trim().trim_end_matches(" kB").trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::{Config, NoDirectives};
    use profile::Profile;

    fn outputs(config: &str) -> Arc<Outputs> {
        let config = Config::load(Profile::Redis70, config.as_bytes(), &mut NoDirectives).expect("valid");
        Arc::new(Outputs::new(config.settings()))
    }

    fn client(outputs: &Arc<Outputs>) -> Allowance {
        let info = ClientShared::of_primary(1, String::new(), String::new(), 0, 0);
        Allowance::new(outputs, &Arc::new(info))
    }

    const MB: usize = 1 << 20;

    #[test]
    fn a_client_has_the_limit_of_its_class() {
        let outputs = outputs("client-output-buffer-limit normal 1mb 0 0\nmaxmemory 1");
        let client = client(&outputs);
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
        let outputs = outputs("client-output-buffer-limit pubsub 1mb 0 0");
        let client = client(&outputs);
        client.client.channels.store(1, Ordering::Relaxed);
        assert!(Pushes(&client).may_grow(0, 2 * MB), "the kernel was not asked yet");
        client.settle(2 * MB, false, 0);
        assert!(Pushes(&client).may_grow(0, MB));
        client.settle(2 * MB, true, 0);
        assert!(!Pushes(&client).may_grow(0, 1), "it does not read");
    }

    #[test]
    fn without_a_limit_all_together_have_one() {
        let outputs = outputs("maxmemory 100mb");
        let hogs: Vec<Allowance> = (0..4).map(|_| client(&outputs)).collect();
        for hog in &hogs {
            assert!(hog.may_grow(0, 24 * MB));
            hog.settle(24 * MB, false, 0);
        }
        let small = client(&outputs);
        assert!(small.may_grow(0, 5 * MB), "it has less than the others");
        assert!(!hogs[0].may_grow(0, MB), "it has not");
        assert_eq!(outputs.held_bytes(), 101 * MB as u64);
        drop(hogs);
        small.settle(0, false, 0);
        assert_eq!((outputs.held_bytes(), outputs.holders.load(Ordering::Relaxed)), (0, 0));
        assert!(small.may_grow(0, 99 * MB), "alone it may have nearly all");
        assert!(!small.may_grow(0, 101 * MB));
    }

    #[test]
    fn small_ones_together_are_bounded_too() {
        let outputs = outputs("maxmemory 100mb");
        // Each has a little less than those before it.
        let clients: Vec<Allowance> = (0..100).map(|_| client(&outputs)).collect();
        for (n, client) in clients.iter().enumerate() {
            let bytes = 10 * MB - n * UNIT_BYTES as usize;
            if client.may_grow(0, bytes) {
                client.settle(bytes, false, 0);
            }
        }
        assert!(outputs.held_bytes() <= 125 * MB as u64, "{}", outputs.held_bytes());
    }

    #[test]
    fn who_is_killed_and_who_is_left_at_the_end_is_cut_off() {
        let outputs = outputs("");
        let (killed, other) = (client(&outputs), client(&outputs));
        killed.client.killed.store(true, Ordering::Relaxed);
        assert!(!killed.may_grow(0, 1) && other.may_grow(0, 1));
        outputs.set_ending(true);
        assert!(!other.may_grow(0, 1));
        assert_eq!((killed.over(), other.over()), (Some(Over::Ended), Some(Over::Ended)));
    }

    /// Numbers, one after the other.
    #[derive(Debug)]
    struct Count(std::ops::Range<i64>);

    impl Rest for Count {
        fn write(&mut self, out: &mut Writer<'_>, bytes: usize) -> bool {
            let end = out.position() + bytes;
            while out.position() < end
                && let Some(n) = self.0.next()
            {
                out.int(n);
            }
            !self.0.is_empty()
        }

        fn bytes(&self) -> usize {
            self.0.clone().count()
        }
    }

    #[test]
    fn rests_are_sent_where_they_belong() {
        let outputs = outputs("");
        let allowance = client(&outputs);
        let mut rests = Rests::default();
        let mut out = b"a".to_vec();
        rests.push(1, Box::new(Count(0..100_000)), &allowance);
        out.extend_from_slice(b"bc");
        rests.push(3, Box::new(Count(7..9)), &allowance);
        out.extend_from_slice(b"d");
        // What is taken back ends behind "d" and takes its rest with it.
        rests.push(4, Box::new(Count(0..9)), &allowance);
        rests.take_back(3, &allowance);
        assert_eq!(allowance.rest_bytes.get(), 100_002);
        let (mut sent, mut pieces) = (Vec::new(), 0);
        while !rests.is_empty() || !out.is_empty() {
            let piece = rests.next(&mut out, Vec::new(), Proto::Resp2, &allowance);
            assert!(piece.len() < PIECE_BYTES + 100, "a piece is short");
            sent.extend_from_slice(&piece);
            pieces += 1;
        }
        let numbers: String = (0..100_000).map(|n| format!(":{n}\r\n")).collect();
        assert!(sent == format!("a{numbers}bc:7\r\n:8\r\nd").into_bytes());
        assert!(pieces > numbers.len() / PIECE_BYTES, "{pieces} pieces");
        assert_eq!(allowance.rest_bytes.get(), 0);
    }
}
