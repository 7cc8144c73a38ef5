//! The outbox: whatever leaves on a client's connection goes through it, in order.
//!
//! ```text
//!   replies, errors, notices ─┐
//!   messages, events ─────────┼─▶ written ─┬─ rests: replies in pieces ─▶ event loop
//!   answers to who waited ────┘            └─ marks: what must be committed before
//!                 ▲
//!      aside: messages that came while a reply was being written
//! ```
//! Nothing else writes to a client, so this is where its bytes are counted, bounded ([`Allowance`]) and held back. A *mark* says
//! that the bytes behind it tell of a write at some position of the stream: they stay until that position is committed, and so does
//! all that follows. The caller notes positions and reports commits; a node without a log commits everything at once.
//!
//! A command that fails or is suspended takes back what it wrote: [`Outbox::take_back`]. Replies that are switched off (CLIENT
//! REPLY) are written apart and dropped; messages and notices are sent all the same.

mod allowance;
mod rests;

pub use allowance::{Account, Allowance, CLIENT_BYTES, ClientMemory, Exceeded, Over, machine_memory_bytes};
pub use rests::AHEAD_BYTES;

use allowance::Pushes;
use commands::Rest;
use resp::{Proto, Writer};
use rests::Rests;
use std::collections::VecDeque;
use std::time::Instant;

/// The position up to which everything is committed where nothing has to be.
pub const ALL_COMMITTED: u64 = u64::MAX;

/// A reply that was written elsewhere is copied up to this size; a larger one becomes the buffer if that is empty.
const COPIED_BYTES: usize = 16 * 1024;

/// See the module's essay.
#[derive(Debug)]
pub struct Outbox {
    written: Vec<u8>,
    /// Where the reply of the command begins that runs now.
    reply_at: usize,
    rests: Rests,
    marks: VecDeque<Mark>,
    aside: Vec<u8>,
    /// Replies are not said: CLIENT REPLY. Messages and notices are.
    is_muted: bool,
    unsaid: Vec<u8>,
    allowance: Allowance,
    /// The soft limit of what may be unread is exceeded since then.
    pub over_soft_since: Option<Instant>,
}

/// What is written from a place on waits for a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    at: usize,
    position: u64,
}

impl Outbox {
    /// An empty one.
    pub fn new(allowance: Allowance) -> Outbox {
        Outbox {
            written: Vec::new(),
            reply_at: 0,
            rests: Rests::default(),
            marks: VecDeque::new(),
            aside: Vec::new(),
            is_muted: false,
            unsaid: Vec::new(),
            allowance,
            over_soft_since: None,
        }
    }

    /// What its client may hold.
    #[inline]
    pub fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// A writer of a reply.
    #[inline]
    pub fn writer(&mut self, proto: Proto) -> Writer<'_> {
        let to = if self.is_muted { &mut self.unsaid } else { &mut self.written };
        Writer::new(to, proto).metered(&self.allowance)
    }

    /// Whether replies are said from now on.
    #[inline]
    pub fn mute(&mut self, is_muted: bool) {
        self.is_muted = is_muted;
    }

    /// Adds a reply that was written elsewhere.
    pub fn append(&mut self, reply: &[u8]) {
        self.reply_at = self.written.len();
        self.written.extend_from_slice(reply);
    }

    /// Adds a reply that was written elsewhere, without copying it if that is possible.
    pub fn append_long(&mut self, reply: Vec<u8>) {
        if self.written.is_empty() && reply.len() > COPIED_BYTES {
            self.written = reply;
        } else {
            self.written.extend_from_slice(&reply);
        }
    }

    /// Writes a message that the client did not ask for: behind the reply that is being written, if it is to be.
    #[inline]
    pub fn push(&mut self, proto: Proto, is_aside: bool, write: impl FnOnce(&mut Writer<'_>)) {
        let to = if is_aside { &mut self.aside } else { &mut self.written };
        write(&mut Writer::new(to, proto).metered(&Pushes(&self.allowance)));
    }

    /// A command begins that will answer here; where its reply begins.
    #[inline]
    pub fn begin_reply(&mut self) -> usize {
        self.unsaid.clear();
        crate::let_go(&mut self.unsaid);
        self.reply_at = self.written.len();
        self.reply_at
    }

    /// The reply is written: what came meanwhile follows it.
    #[inline]
    pub fn end_reply(&mut self) {
        if !self.aside.is_empty() {
            self.written.append(&mut self.aside);
        }
    }

    /// The rest of a reply whose head was written last.
    pub fn push_rest(&mut self, rest: Box<dyn Rest>) {
        if self.is_muted {
            return;
        }
        self.rests.push(self.written.len(), rest, &self.allowance);
    }

    /// Lets a reply be written elsewhere for a while, and back: a walk's, which grows from turn to turn.
    #[inline]
    pub fn swap(&mut self, reply: &mut Vec<u8>) {
        std::mem::swap(&mut self.written, reply);
    }

    /// Holds the reply back, and all that follows it, until a position is committed.
    pub fn wait_for(&mut self, position: u64) {
        // What is behind a mark waits for it anyway.
        if self.marks.back().is_none_or(|mark| mark.position < position) {
            self.marks.push_back(Mark { at: self.reply_at, position });
        }
    }

    /// How many bytes are written: where the next reply begins.
    #[inline]
    pub fn len(&self) -> usize {
        self.written.len()
    }

    /// Whether nothing is left to be handed on.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.rests.is_empty()
    }

    /// Whether something of it waits for a commit.
    #[inline]
    pub fn is_held(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Whether all replies are written to their ends.
    #[inline]
    pub fn has_no_rests(&self) -> bool {
        self.rests.is_empty()
    }

    /// Drops what was written since there were so many bytes, of which a walk has so many more elsewhere.
    #[inline]
    pub fn take_back(&mut self, start: usize, elsewhere: usize) {
        self.written.truncate(start);
        crate::let_go(&mut self.written);
        while self.marks.back().is_some_and(|mark| mark.at >= start) {
            self.marks.pop_back();
        }
        self.allowance.took_back(self.written.len() + elsewhere);
        if !self.rests.is_empty() {
            self.rests.take_back(start, &self.allowance);
        }
    }

    /// Drops everything, for a peer that is no client.
    pub fn clear(&mut self) {
        self.take_back(0, 0);
    }

    /// How much of what is written may leave.
    #[inline]
    fn free_bytes(&mut self, committed: u64) -> usize {
        while self.marks.front().is_some_and(|mark| mark.position <= committed) {
            self.marks.pop_front();
        }
        self.marks.front().map_or(self.written.len(), |mark| mark.at)
    }

    /// Whether it has no memory to write to: an idle client holds none.
    #[inline]
    pub fn has_no_buffer(&self) -> bool {
        self.written.capacity() == 0
    }

    /// Gives it memory to write to, when it has none.
    #[inline]
    pub fn give_buffer(&mut self, buffer: Vec<u8>) {
        debug_assert!(buffer.is_empty() && self.has_no_buffer(), "nothing that is written is lost");
        self.written = buffer;
    }

    /// Takes its memory back, if nothing is written there: for a client that waits.
    pub fn take_buffer(&mut self) -> Vec<u8> {
        if self.written.is_empty() { std::mem::take(&mut self.written) } else { Vec::new() }
    }

    /// Takes what may leave now, as far as no piece of a reply must leave before.
    #[inline]
    pub fn take(&mut self, committed: u64, spare: impl FnOnce() -> Vec<u8>) -> Option<Vec<u8>> {
        if self.written.is_empty() || !self.rests.is_empty() || self.allowance.over().is_some() {
            return None;
        }
        let free = self.free_bytes(committed);
        (free > 0).then(|| self.take_front(free, spare))
    }

    /// Takes the next piece of replies that are written in pieces: the bytes before the first rest and a piece of it.
    pub fn take_piece(
        &mut self,
        committed: u64,
        proto: Proto,
        spare: impl FnOnce() -> Vec<u8>,
    ) -> Option<Vec<u8>> {
        let before = self.rests.first_at().filter(|_| self.allowance.over().is_none())?;
        let free = self.free_bytes(committed);
        // A rest ends the reply whose head is before it: one that is marked at its very place comes after it.
        let is_held = free < before;
        let front = free.min(before);
        let mut piece = if front > 0 { self.take_front(front, spare) } else { spare() };
        if !is_held {
            self.rests.write_piece(&mut piece, proto, &self.allowance);
        }
        (!piece.is_empty()).then_some(piece)
    }

    /// Takes so many bytes from the front.
    #[inline]
    fn take_front(&mut self, count: usize, spare: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
        self.reply_at = self.reply_at.saturating_sub(count);
        self.rests.moved(count);
        self.marks.iter_mut().for_each(|mark| mark.at -= count);
        if count == self.written.len() {
            return std::mem::take(&mut self.written);
        }
        let mut front = spare();
        front.extend(self.written.drain(..count));
        front
    }
}

#[cfg(test)]
mod tests {
    use super::allowance::tests::{client, memory};
    use super::*;

    fn outbox() -> Outbox {
        Outbox::new(client(&memory("")))
    }

    fn taken(outbox: &mut Outbox, committed: u64) -> String {
        let bytes = outbox.take(committed, Vec::new).unwrap_or_default();
        String::from_utf8(bytes).expect("text")
    }

    fn reply(outbox: &mut Outbox, text: &str, position: u64) {
        outbox.begin_reply();
        outbox.writer(Proto::Resp2).simple(text);
        if position > 0 {
            outbox.wait_for(position);
        }
    }

    #[test]
    fn replies_leave_when_their_positions_are_committed_and_in_order() {
        let mut outbox = outbox();
        reply(&mut outbox, "read", 0);
        reply(&mut outbox, "ten", 10);
        reply(&mut outbox, "behind it", 0);
        reply(&mut outbox, "twenty", 20);
        // It was written before what the client already waits for.
        reply(&mut outbox, "fifteen", 15);
        assert_eq!(taken(&mut outbox, 9), "+read\r\n");
        assert_eq!(taken(&mut outbox, 9), "");
        assert_eq!(taken(&mut outbox, 19), "+ten\r\n+behind it\r\n");
        reply(&mut outbox, "thirty", 30);
        assert_eq!(taken(&mut outbox, 20), "+twenty\r\n+fifteen\r\n");
        assert_eq!(taken(&mut outbox, ALL_COMMITTED), "+thirty\r\n");
        assert!(outbox.is_empty() && outbox.marks.is_empty());
    }

    #[test]
    fn a_reply_that_is_taken_back_holds_nothing_back() {
        let mut outbox = outbox();
        reply(&mut outbox, "one", 1);
        let start = outbox.len();
        reply(&mut outbox, "not told", 50);
        outbox.take_back(start, 0);
        reply(&mut outbox, "two", 0);
        assert_eq!(taken(&mut outbox, 1), "+one\r\n+two\r\n");
    }

    #[test]
    fn messages_come_behind_the_reply() {
        let mut outbox = outbox();
        outbox.begin_reply();
        outbox.writer(Proto::Resp3).array(2);
        outbox.push(Proto::Resp3, true, |out| out.simple("message"));
        outbox.writer(Proto::Resp3).int(1);
        outbox.push(Proto::Resp3, false, |out| out.simple("of others"));
        outbox.writer(Proto::Resp3).int(2);
        outbox.end_reply();
        assert_eq!(taken(&mut outbox, 0), "*2\r\n:1\r\n+of others\r\n:2\r\n+message\r\n");
    }

    /// A rest of one line.
    #[derive(Debug)]
    struct Line(&'static str);

    impl Rest for Line {
        fn write(&mut self, out: &mut Writer<'_>, _: usize) -> bool {
            out.simple(self.0);
            false
        }

        fn bytes(&self) -> usize {
            self.0.len()
        }
    }

    #[test]
    fn pieces_wait_as_their_replies_do() {
        let mut outbox = outbox();
        let piece = |outbox: &mut Outbox, committed| {
            let bytes = outbox.take_piece(committed, Proto::Resp2, Vec::new).unwrap_or_default();
            String::from_utf8(bytes).expect("text")
        };
        reply(&mut outbox, "read", 0);
        reply(&mut outbox, "head", 10);
        outbox.push_rest(Box::new(Line("rest")));
        reply(&mut outbox, "next", 20);
        assert_eq!(taken(&mut outbox, ALL_COMMITTED), "", "a piece comes first");
        assert_eq!(piece(&mut outbox, 9), "+read\r\n");
        assert_eq!(piece(&mut outbox, 9), "");
        assert_eq!(piece(&mut outbox, 10), "+head\r\n+rest\r\n");
        assert!(outbox.has_no_rests());
        assert_eq!(taken(&mut outbox, 10), "");
        assert_eq!(taken(&mut outbox, 20), "+next\r\n");
    }
}
