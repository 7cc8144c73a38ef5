//! Replication ids and the history they name.
//!
//! A replication id names one history of writes; an offset names a place in it. When a replica is promoted, its history
//! so far is the old primary's and what follows is its own. So it keeps the old id as the *second* id, valid up to the
//! offset of the promotion. Siblings that were not ahead of that offset may continue from it without a full
//! synchronisation. A full synchronisation discards the node's own history, and the second id with it.

use std::fmt;

/// The id of a replication history: 40 lowercase hexadecimal digits on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReplicationId([u8; 40]);

impl ReplicationId {
    /// The id that is no id, 40 zeros: what `master_replid2` shows while there is none.
    pub const NONE: ReplicationId = ReplicationId([b'0'; 40]);

    /// An id of 160 random bits, given by the caller.
    pub fn from_random(random: [u8; 20]) -> ReplicationId {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 40];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(random) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        ReplicationId(hex)
    }

    /// The id in 40 bytes as a peer sent them; `None` when the length is another or a byte is no ASCII
    /// graphic. Peers are not held to hexadecimal: Redis compares ids as text without regard to case.
    pub fn parse(text: &[u8]) -> Option<ReplicationId> {
        let id: [u8; 40] = text.try_into().ok()?;
        id.iter().all(u8::is_ascii_graphic).then_some(ReplicationId(id))
    }

    /// The 40 digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("ids are ASCII by construction")
    }

    /// Whether a peer's text names this history.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.0.eq_ignore_ascii_case(text)
    }
}

impl fmt::Display for ReplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ReplicationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The histories a node can serve: its own id, and the id it had before its last promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    id: ReplicationId,
    second: Option<(ReplicationId, u64)>,
}

impl History {
    /// A history that begins now.
    pub fn new(id: ReplicationId) -> History {
        History { id, second: None }
    }

    /// A history restored from a file: id, and the second id with the first offset it does not cover.
    pub fn restored(id: ReplicationId, second: Option<(ReplicationId, u64)>) -> History {
        History { id, second }
    }

    /// `master_replid`.
    pub fn id(&self) -> ReplicationId {
        self.id
    }

    /// `master_replid2`; [`ReplicationId::NONE`] while there is none.
    pub fn second_id(&self) -> ReplicationId {
        self.second.map_or(ReplicationId::NONE, |(id, _)| id)
    }

    /// `second_repl_offset`: the first byte that the second id does not cover, -1 while there is none.
    pub fn second_offset(&self) -> i64 {
        self.second.map_or(-1, |(_, offset)| offset as i64)
    }

    /// Goes on under `new_id` at `offset`, keeping the id so far as the second one: a promotion, or a
    /// primary that answered `+CONTINUE` with another id.
    pub fn shift(&mut self, new_id: ReplicationId, offset: u64) {
        self.second = Some((self.id, offset + 1));
        self.id = new_id;
    }

    /// Forgets everything and takes `id`: a full synchronisation, or a fresh backlog.
    pub fn reset(&mut self, id: ReplicationId) {
        *self = History::new(id);
    }

    /// Whether a replica that names `id` and wants bytes from `first_byte` on has the same past.
    pub fn covers(&self, id: &[u8], first_byte: i64) -> bool {
        self.id.matches(id)
            || self.second.is_some_and(|(second, offset)| second.matches(id) && first_byte <= offset as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_bytes_become_forty_hex_digits() {
        let mut random = [0; 20];
        random[0] = 0xaf;
        random[19] = 0x01;
        let id = ReplicationId::from_random(random);
        assert_eq!(id.as_str(), "af00000000000000000000000000000000000001");
        assert!(id.matches(b"AF00000000000000000000000000000000000001"));
        assert_eq!(ReplicationId::parse(id.as_str().as_bytes()), Some(id));
        assert_eq!(ReplicationId::parse(b"?"), None);
    }

    #[test]
    fn second_id_covers_the_past_only() {
        let (old, new) = (ReplicationId::from_random([1; 20]), ReplicationId::from_random([2; 20]));
        let mut history = History::new(old);
        history.shift(new, 350);
        assert_eq!((history.id(), history.second_id(), history.second_offset()), (new, old, 351));
        assert!(history.covers(old.as_str().as_bytes(), 351));
        assert!(!history.covers(old.as_str().as_bytes(), 352));
        assert!(history.covers(new.as_str().as_bytes(), 352));
        assert!(!history.covers(b"?", -1));
        history.reset(old);
        assert_eq!((history.second_id(), history.second_offset()), (ReplicationId::NONE, -1));
    }
}
