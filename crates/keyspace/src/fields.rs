//! Which hashes of a slot have fields that expire, and which of them has the next.
//!
//! A hash knows its own next time ([`structures::Hash::next_due_ms`]). Here the hashes of a slot are in the order of these times, by
//! database, so that the sweep finds what is due without a look at anything else.
//!
//! **Invariant:** a key is here, with the time that its hash tells, exactly as long as it holds a hash with a field that expires.

use std::collections::BTreeSet;

/// More hashes than this are in a tree. A node of it has room for eleven, also when there is one.
const FEW: usize = 16;

/// A hash: its physical database, when its next field is due, and its key.
type Member = (usize, u64, Box<[u8]>);

/// The hashes with fields that expire.
#[derive(Debug)]
pub(crate) enum VolatileHashes {
    /// In a row.
    Few(Vec<Member>),
    /// In a tree.
    Many(BTreeSet<Member>),
}

impl Default for VolatileHashes {
    fn default() -> VolatileHashes {
        VolatileHashes::Few(Vec::new())
    }
}

impl VolatileHashes {
    /// Notes that a key's time changed. `None` means that no field expires, or that the key is not there.
    pub(crate) fn change(&mut self, physical: usize, key: &[u8], old: Option<u64>, new: Option<u64>) {
        if let Some(old_ms) = old {
            self.remove(&(physical, old_ms, key.into()));
        }
        if let Some(new_ms) = new {
            self.insert((physical, new_ms, key.into()));
        }
        self.give_back();
    }

    fn insert(&mut self, member: Member) {
        match self {
            VolatileHashes::Few(row) => {
                let Err(at) = row.binary_search(&member) else { return };
                if row.len() == FEW {
                    let mut tree: BTreeSet<Member> = std::mem::take(row).into_iter().collect();
                    tree.insert(member);
                    *self = VolatileHashes::Many(tree);
                    return;
                }
                if row.len() == row.capacity() {
                    row.reserve_exact(row.len().max(1));
                }
                row.insert(at, member);
            }
            VolatileHashes::Many(tree) => _ = tree.insert(member),
        }
    }

    fn remove(&mut self, member: &Member) {
        match self {
            VolatileHashes::Few(row) => {
                if let Ok(at) = row.binary_search(member) {
                    row.remove(at);
                }
            }
            VolatileHashes::Many(tree) => _ = tree.remove(member),
        }
    }

    /// Becomes a row when few are left, and takes no memory when none is.
    fn give_back(&mut self) {
        match self {
            VolatileHashes::Few(row) if row.len() <= row.capacity() / 4 => row.shrink_to(row.len() * 2),
            VolatileHashes::Few(_) => {}
            VolatileHashes::Many(tree) if tree.len() <= FEW / 2 => {
                *self = VolatileHashes::Few(std::mem::take(tree).into_iter().collect());
            }
            VolatileHashes::Many(_) => {}
        }
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            VolatileHashes::Few(row) => row.is_empty(),
            VolatileHashes::Many(tree) => tree.is_empty(),
        }
    }

    /// When the first of all databases is due.
    pub(crate) fn earliest_ms(&self) -> Option<u64> {
        match self {
            VolatileHashes::Few(row) => row.iter().map(|(_, at_ms, _)| *at_ms).min(),
            VolatileHashes::Many(tree) => {
                let mut earliest = None::<u64>;
                let mut from = 0;
                while let Some((physical, at_ms, _)) = tree.range((from, 0, Box::default())..).next() {
                    earliest = Some(earliest.map_or(*at_ms, |earliest| earliest.min(*at_ms)));
                    from = physical + 1;
                }
                earliest
            }
        }
    }

    /// The keys of a database that are due, the earliest first, `most` of them.
    pub(crate) fn due(&self, physical: usize, now_ms: u64, most: usize) -> Vec<Box<[u8]>> {
        let is_due = |member: &&Member| (member.0, member.1) <= (physical, now_ms);
        let key = |member: &Member| member.2.clone();
        match self {
            VolatileHashes::Few(row) => {
                let first = row.partition_point(|member| member.0 < physical);
                row[first..].iter().take_while(is_due).take(most).map(key).collect()
            }
            VolatileHashes::Many(tree) => {
                let from = tree.range((physical, 0, Box::default())..);
                from.take_while(is_due).take(most).map(key).collect()
            }
        }
    }

    /// Removes all keys of a database; how many there were.
    pub(crate) fn clear(&mut self, physical: usize) -> usize {
        let removed = match self {
            VolatileHashes::Few(row) => {
                let before = row.len();
                row.retain(|member| member.0 != physical);
                before - row.len()
            }
            VolatileHashes::Many(tree) => {
                let mut own = tree.split_off(&(physical, 0, Box::default()));
                let mut others = own.split_off(&(physical + 1, 0, Box::default()));
                tree.append(&mut others);
                own.len()
            }
        };
        self.give_back();
        removed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As text.
    fn due(hashes: &VolatileHashes, db: usize, now_ms: u64) -> Vec<String> {
        let due = hashes.due(db, now_ms, usize::MAX);
        due.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect()
    }

    #[test]
    fn databases_have_an_order_each() {
        let mut hashes = VolatileHashes::default();
        for (db, key, at_ms) in [(0, "a", 30), (0, "b", 10), (1, "a", 5), (1, "c", 20), (2, "a", 10)] {
            hashes.change(db, key.as_bytes(), None, Some(at_ms));
        }
        assert_eq!(due(&hashes, 0, 29), ["b"]);
        assert_eq!(due(&hashes, 0, 30), ["b", "a"]);
        assert_eq!(hashes.due(0, 30, 1), [b"b"[..].into()]);
        assert_eq!(due(&hashes, 1, 19), ["a"]);
        assert_eq!(hashes.earliest_ms(), Some(5));
        hashes.change(1, b"a", Some(5), Some(25));
        assert_eq!(hashes.earliest_ms(), Some(10), "the earliest of all databases");
        hashes.change(1, b"c", Some(20), None);
        assert_eq!(due(&hashes, 1, u64::MAX), ["a"]);
        assert_eq!((hashes.clear(1), hashes.clear(3)), (1, 0));
        assert_eq!(due(&hashes, 1, u64::MAX), [""; 0]);
        assert_eq!(
            (due(&hashes, 0, 40), due(&hashes, 2, 40)),
            (vec!["b".into(), "a".into()], vec!["a".into()])
        );
        assert_eq!((hashes.clear(0), hashes.clear(2)), (2, 1));
        assert_eq!((hashes.earliest_ms(), hashes.is_empty()), (None, true));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Rows and trees answer the same, and become one another.
        #[test]
        fn is_an_order_whatever_its_form(
            steps in prop::collection::vec((0usize..3, 0u8..40, prop::option::weighted(0.7, 1u64..50)), 1..200),
        ) {
            let (mut hashes, mut model) = (VolatileHashes::default(), std::collections::BTreeMap::new());
            for (db, key, at_ms) in steps {
                let old = model.remove(&(db, key));
                hashes.change(db, &[b'a' + key], old, at_ms);
                model.extend(at_ms.map(|at_ms| ((db, key), at_ms)));
                if at_ms == Some(1) {
                    let before = model.len();
                    model.retain(|(other, _), _| *other != db);
                    assert_eq!(hashes.clear(db), before - model.len());
                }
                assert_eq!(hashes.earliest_ms(), model.values().min().copied());
                assert_eq!(hashes.is_empty(), model.is_empty());
                for db in 0..3 {
                    let of_db = model.iter().filter(|((other, _), at_ms)| *other == db && **at_ms <= 25);
                    let mut expected: Vec<(u64, u8)> = of_db.map(|((_, key), at_ms)| (*at_ms, *key)).collect();
                    expected.sort_unstable();
                    let keys: Vec<Box<[u8]>> = expected.iter().map(|(_, key)| Box::from([b'a' + key])).collect();
                    assert_eq!(hashes.due(db, 25, usize::MAX), keys);
                }
                if model.is_empty() {
                    assert!(matches!(&hashes, VolatileHashes::Few(row) if row.capacity() == 0));
                }
            }
        }
    }
}
