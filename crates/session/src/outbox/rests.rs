//! Replies that are written in pieces.

use super::allowance::Allowance;
use commands::Rest;
use resp::{Proto, Writer};
use std::collections::VecDeque;

/// Bytes of a piece: written in well under a millisecond, so that others of the same worker do not notice.
const PIECE_BYTES: usize = 64 * 1024;
/// No further piece is written while this much is queued: who does not read costs no more.
pub const AHEAD_BYTES: usize = 4 * PIECE_BYTES;

/// Replies of a client of which only the beginning is written, each with its place among the bytes that are:
///
/// ```text
///   out   ├── head of a reply ──┤                  ├── what follows it ──┤
///                               └ a rest: pieces ──┘
/// ```
/// A worker writes one piece of a client a turn. Nothing of the client runs until the last has been written.
#[derive(Debug, Default)]
pub(super) struct Rests {
    queue: VecDeque<(usize, Box<dyn Rest>)>,
}

impl Rests {
    /// Whether all replies are written.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The rest of a reply whose head ends at a place among the bytes that are written.
    pub(super) fn push(&mut self, at: usize, rest: Box<dyn Rest>, allowance: &Allowance) {
        debug_assert!(self.queue.back().is_none_or(|(before, _)| *before <= at), "replies are in order");
        self.queue.push_back((at, rest));
        self.note(allowance);
    }

    /// Forgets those of replies that begin at a place or behind it.
    pub(super) fn take_back(&mut self, start: usize, allowance: &Allowance) {
        // A head is never empty, so a rest that stands at this place belongs to what comes before.
        while self.queue.back().is_some_and(|(at, _)| *at > start) {
            self.queue.pop_back();
        }
        self.note(allowance);
    }

    /// The place of the first one.
    #[inline]
    pub(super) fn first_at(&self) -> Option<usize> {
        self.queue.front().map(|(at, _)| *at)
    }

    /// So many bytes before them are gone.
    #[inline]
    pub(super) fn moved(&mut self, count: usize) {
        self.queue.iter_mut().for_each(|(at, _)| *at -= count);
    }

    /// Writes a piece of the first one, which nothing is before any more.
    pub(super) fn write_piece(&mut self, out: &mut Vec<u8>, proto: Proto, allowance: &Allowance) {
        let Some((at, mut rest)) = self.queue.pop_front() else { return };
        debug_assert_eq!(at, 0, "what comes before it was taken");
        if rest.write(&mut Writer::new(out, proto).metered(allowance), PIECE_BYTES) {
            self.queue.push_front((0, rest));
        }
        self.note(allowance);
    }

    /// What is still to be written, in bytes.
    fn bytes(&self) -> u64 {
        self.queue.iter().map(|(_, rest)| rest.bytes() as u64).fold(0, u64::saturating_add)
    }

    fn note(&self, allowance: &Allowance) {
        allowance.note_rests(self.bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::allowance::tests::{client, memory};
    use super::super::{ALL_COMMITTED, Outbox};
    use super::*;

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
        let mut outbox = Outbox::new(client(&memory("")));
        outbox.append(b"a");
        outbox.push_rest(Box::new(Count(0..100_000)));
        outbox.append(b"bc");
        outbox.push_rest(Box::new(Count(7..9)));
        outbox.append(b"d");
        // What is taken back ends behind "d" and takes its rest with it.
        outbox.push_rest(Box::new(Count(0..9)));
        outbox.take_back(3, 0);
        assert_eq!(outbox.rests.bytes(), 100_002);
        let (mut sent, mut pieces) = (Vec::new(), 0);
        while !outbox.has_no_rests() {
            let piece = outbox.take_piece(ALL_COMMITTED, Proto::Resp2, Vec::new).expect("a piece");
            assert!(piece.len() < PIECE_BYTES + 100, "a piece is short");
            sent.extend_from_slice(&piece);
            pieces += 1;
        }
        sent.extend(outbox.take(ALL_COMMITTED, Vec::new).into_iter().flatten());
        let numbers: String = (0..100_000).map(|n| format!(":{n}\r\n")).collect();
        assert_eq!(sent.len(), numbers.len() + 11);
        assert!(sent == format!("a{numbers}bc:7\r\n:8\r\n").into_bytes());
        assert!(pieces > numbers.len() / PIECE_BYTES, "{pieces} pieces");
        assert_eq!(outbox.rests.bytes(), 0);
    }
}
