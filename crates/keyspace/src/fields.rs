//! Which hashes of a slot have fields that expire, and which of them has the next.
//!
//! A hash knows its own next time ([`structures::Hash::next_due_ms`]). Here the hashes of a slot are in the order of these times, by
//! database, so that the sweep finds what is due without a look at anything else.
//!
//! **Invariant:** a key is here, with the time that its hash tells, exactly as long as it holds a hash with a field that expires.

use std::collections::BTreeSet;

/// The hashes with fields that expire.
#[derive(Debug)]
pub(crate) struct VolatileHashes {
    order: BTreeSet<(usize, u64, Box<[u8]>)>,
    /// None of them is due before this time, whatever its database.
    bound_ms: u64,
}

impl Default for VolatileHashes {
    fn default() -> VolatileHashes {
        VolatileHashes { order: BTreeSet::new(), bound_ms: u64::MAX }
    }
}

impl VolatileHashes {
    /// Notes that a key's time changed. `None` means that no field expires, or that the key is not there.
    pub(crate) fn change(&mut self, physical: usize, key: &[u8], old: Option<u64>, new: Option<u64>) {
        if let Some(old_ms) = old {
            self.order.remove(&(physical, old_ms, key.into()));
        }
        if let Some(new_ms) = new {
            self.order.insert((physical, new_ms, key.into()));
            self.bound_ms = new_ms.min(self.bound_ms);
        }
        self.give_back();
    }

    /// An empty tree keeps a node.
    fn give_back(&mut self) {
        if self.order.is_empty() {
            *self = VolatileHashes::default();
        }
    }

    /// Whether any may be due, judged by the bound alone.
    pub(crate) fn may_be_due(&self, now_ms: u64) -> bool {
        self.bound_ms <= now_ms
    }

    /// Makes the bound as late as it can be: once what was due is gone.
    pub(crate) fn settle(&mut self) {
        self.bound_ms = u64::MAX;
        let mut from = 0;
        while let Some((physical, at_ms, _)) = self.order.range((from, 0, Box::default())..).next() {
            self.bound_ms = self.bound_ms.min(*at_ms);
            from = physical + 1;
        }
    }

    /// The keys of a database that are due, the earliest first.
    pub(crate) fn due(&self, physical: usize, now_ms: u64) -> impl Iterator<Item = &[u8]> {
        let first = (physical, 0, Box::default());
        let due =
            self.order.range(first..).take_while(move |(db, at_ms, _)| (*db, *at_ms) <= (physical, now_ms));
        due.map(|(_, _, key)| &**key)
    }

    /// Removes all keys of a database; how many there were.
    pub(crate) fn clear(&mut self, physical: usize) -> usize {
        let mut own = self.order.split_off(&(physical, 0, Box::default()));
        let mut others = own.split_off(&(physical + 1, 0, Box::default()));
        self.order.append(&mut others);
        self.give_back();
        own.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_have_an_order_each() {
        let mut hashes = VolatileHashes::default();
        for (db, key, at_ms) in [(0, "a", 30), (0, "b", 10), (1, "a", 5), (1, "c", 20), (2, "a", 10)] {
            hashes.change(db, key.as_bytes(), None, Some(at_ms));
        }
        let due = |hashes: &VolatileHashes, db, now_ms| -> Vec<String> {
            hashes.due(db, now_ms).map(|key| String::from_utf8_lossy(key).into_owned()).collect()
        };
        assert_eq!(due(&hashes, 0, 29), ["b"]);
        assert_eq!(due(&hashes, 0, 30), ["b", "a"]);
        assert_eq!(due(&hashes, 1, 19), ["a"]);
        assert!(hashes.may_be_due(5) && !hashes.may_be_due(4));
        hashes.change(1, b"a", Some(5), Some(25));
        assert!(hashes.may_be_due(5), "the bound is only raised when it is asked for");
        hashes.settle();
        assert!(hashes.may_be_due(10) && !hashes.may_be_due(9), "the earliest of all databases");
        hashes.change(1, b"c", Some(20), None);
        assert_eq!(due(&hashes, 1, u64::MAX), ["a"]);
        assert_eq!((hashes.clear(1), hashes.clear(3)), (1, 0));
        assert_eq!(due(&hashes, 1, u64::MAX), [""; 0]);
        assert_eq!(
            (due(&hashes, 0, 40), due(&hashes, 2, 40)),
            (vec!["b".into(), "a".into()], vec!["a".into()])
        );
        assert_eq!((hashes.clear(0), hashes.clear(2)), (2, 1));
        assert!(!hashes.may_be_due(u64::MAX - 1), "nothing is left");
    }
}
