//! Which fields of a hash expire next: an order over all that have an expiry.
//!
//! ```text
//! key of a field:  │ window of its expiry: 36 bits │ low bits of its hash: 28 │       a window is 128 ms
//!
//! few:     [ k k k … ]                                sorted, at most 128 keys
//! chunks:  [ k k k … ] [ k k k … ] [ k k k … ]        the same, found by a lower bound of the first, once there are more
//! ```
//!
//! A field costs about nine bytes here, whatever its name is long: the hash leads to its bucket, the bucket to the field, and the
//! field has its exact expiry. So a window is due as a whole, at its end: fields are deleted up to 128 ms after they expired, while
//! readers go by the exact time. Expiries beyond the year 2248 are in the last window, which is never due.
//!
//! **Invariant:** no chunk is empty, and keys ascend strictly. Fields of one window whose hashes have the same low bits share a key; it
//! stays as long as one of them does.

use std::collections::BTreeMap;

/// Low bits of the hash in a key.
pub(super) const HASH_BITS: u32 = 28;
/// A window is this many bits of milliseconds.
const WINDOW_BITS: u32 = 7;
const LAST_WINDOW: u64 = u64::MAX >> HASH_BITS;
/// The most keys of a chunk.
const MOST: usize = 128;
/// A chunk that falls below this looks for a neighbour to join.
const FEW: usize = MOST / 4;
/// Chunks grow by this many keys, so little of their memory is unused.
const STEP: usize = 16;
/// What a chunk takes in the map, with the room that the map's nodes keep: its bound and the vector's head by 1.5.
const CHUNK_BYTES: usize = (size_of::<u64>() + size_of::<Vec<u64>>()) * 3 / 2;

/// What stands for a field in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64);

impl Key {
    /// The key of a field with this expiry and hash.
    pub(super) fn new(expire_at_ms: u64, hash: u64) -> Key {
        Key(window(expire_at_ms) << HASH_BITS | hash & ((1 << HASH_BITS) - 1))
    }

    /// The low bits of the hash.
    pub(super) fn low_hash(self) -> u64 {
        self.0 & ((1 << HASH_BITS) - 1)
    }

    /// Whether a field with this expiry may have the key.
    pub(super) fn has_expiry(self, expire_at_ms: u64) -> bool {
        self.0 >> HASH_BITS == window(expire_at_ms)
    }

    /// When all fields of the window have expired; `u64::MAX` for never.
    pub(super) fn due_at(self) -> u64 {
        match self.0 >> HASH_BITS {
            LAST_WINDOW => u64::MAX,
            window => ((window + 1) << WINDOW_BITS) - 1,
        }
    }

    /// Whether a field of the window may have expired.
    pub(super) fn may_have_expired(self, now_ms: u64) -> bool {
        self.0 >> HASH_BITS <= window(now_ms)
    }
}

fn window(at_ms: u64) -> u64 {
    (at_ms >> WINDOW_BITS).min(LAST_WINDOW)
}

/// The order; see the module.
#[derive(Debug, Clone)]
pub(super) enum Due {
    /// One chunk, without a map.
    Few(Vec<Key>),
    Many(Box<Chunks>),
}

impl Default for Due {
    fn default() -> Due {
        Due::Few(Vec::new())
    }
}

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Due::Few(keys) => keys.is_empty(),
            Due::Many(chunks) => chunks.by_bound.is_empty(),
        }
    }

    /// The first key.
    pub(super) fn first(&self) -> Option<Key> {
        match self {
            Due::Few(keys) => keys.first().copied(),
            Due::Many(chunks) => chunks.by_bound.first_key_value().map(|(_, chunk)| chunk[0]),
        }
    }

    /// Bytes taken from the allocator, by what the map takes on average.
    pub(super) fn memory(&self) -> usize {
        match self {
            Due::Few(keys) => keys.capacity() * size_of::<Key>(),
            Due::Many(chunks) => {
                size_of::<Chunks>() + chunks.slots * size_of::<Key>() + chunks.by_bound.len() * CHUNK_BYTES
            }
        }
    }

    /// Adds a key, unless it is there.
    pub(super) fn insert(&mut self, key: Key) {
        match self {
            Due::Few(keys) => {
                let Err(at) = keys.binary_search(&key) else { return };
                if keys.len() == MOST {
                    let mut chunks = Chunks::of(std::mem::take(keys));
                    chunks.insert(key);
                    *self = Due::Many(Box::new(chunks));
                    return;
                }
                if keys.len() == keys.capacity() {
                    keys.reserve_exact(keys.len().clamp(1, STEP));
                }
                keys.insert(at, key);
            }
            Due::Many(chunks) => chunks.insert(key),
        }
    }

    /// Removes a key, if it is there.
    pub(super) fn remove(&mut self, key: Key) {
        match self {
            Due::Few(keys) => {
                let Ok(at) = keys.binary_search(&key) else { return };
                keys.remove(at);
                if keys.capacity() > 2 * keys.len() + STEP {
                    keys.shrink_to(keys.len() + STEP);
                }
            }
            Due::Many(chunks) => {
                chunks.remove(key);
                if let Some(only) = chunks.take_only() {
                    *self = Due::Few(only);
                }
            }
        }
    }
}

/// Chunks in a map.
#[derive(Debug, Clone)]
pub(super) struct Chunks {
    /// By a number that is not above the chunk's first key, and above the last of the chunk before.
    by_bound: BTreeMap<Key, Vec<Key>>,
    /// Keys that all chunks have memory for.
    slots: usize,
}

impl Chunks {
    fn of(chunk: Vec<Key>) -> Chunks {
        let slots = chunk.capacity();
        Chunks { by_bound: chunk.first().copied().map(|first| (first, chunk)).into_iter().collect(), slots }
    }

    /// The only chunk, if it is far from being split.
    fn take_only(&mut self) -> Option<Vec<Key>> {
        let is_small =
            self.by_bound.len() == 1 && self.by_bound.values().all(|chunk| chunk.len() <= MOST / 2);
        is_small.then(|| self.by_bound.pop_first().expect("there is one").1)
    }

    fn insert(&mut self, key: Key) {
        let Some((_, chunk)) = self.by_bound.range_mut(..=key).next_back() else {
            // Below all bounds: the first chunk gets a lower one.
            let (_, mut first) = self.by_bound.pop_first().unwrap_or((key, Vec::new()));
            self.slots -= first.capacity();
            first.insert(0, key);
            self.slots += first.capacity();
            self.by_bound.insert(key, first);
            return self.split_if_full(key);
        };
        let Err(at) = chunk.binary_search(&key) else { return };
        if at == chunk.len() && at >= MOST {
            // Ascending keys leave full chunks behind.
            let next = vec![key];
            self.slots += next.capacity();
            self.by_bound.insert(key, next);
            return;
        }
        self.slots -= chunk.capacity();
        if chunk.len() == chunk.capacity() {
            chunk.reserve_exact(STEP);
        }
        chunk.insert(at, key);
        self.slots += chunk.capacity();
        self.split_if_full(key);
    }

    fn remove(&mut self, key: Key) {
        let Some((&bound, chunk)) = self.by_bound.range_mut(..=key).next_back() else { return };
        let Ok(at) = chunk.binary_search(&key) else { return };
        self.slots -= chunk.capacity();
        chunk.remove(at);
        if chunk.capacity() > 2 * chunk.len() + STEP {
            chunk.shrink_to(chunk.len() + STEP);
        }
        self.slots += chunk.capacity();
        match chunk.len() {
            0 => drop(self.take(bound)),
            1..FEW => self.join(bound),
            _ => {}
        }
    }

    /// Splits the chunk that holds this key if it has too many.
    fn split_if_full(&mut self, key: Key) {
        let Some((_, chunk)) = self.by_bound.range_mut(..=key).next_back() else { return };
        if chunk.len() <= MOST {
            return;
        }
        self.slots -= chunk.capacity();
        let upper = chunk.split_off(MOST / 2);
        chunk.shrink_to(chunk.len() + STEP);
        self.slots += chunk.capacity() + upper.capacity();
        self.by_bound.insert(upper[0], upper);
    }

    /// Joins a chunk of few keys with the next, if both leave room for as many again.
    fn join(&mut self, bound: Key) {
        let next = self.by_bound.range(bound..).nth(1).map(|(&next, chunk)| (next, chunk.len()));
        let Some((next, len)) = next else { return };
        if self.by_bound[&bound].len() + len > MOST / 2 {
            return;
        }
        let other = self.take(next);
        let chunk = self.by_bound.get_mut(&bound).expect("the chunk is there");
        self.slots -= chunk.capacity();
        chunk.reserve_exact(other.len());
        chunk.extend(other);
        self.slots += chunk.capacity();
    }

    fn take(&mut self, bound: Key) -> Vec<Key> {
        let taken = self.by_bound.remove(&bound).expect("the chunk is there");
        self.slots -= taken.capacity();
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn check(due: &Due, model: &BTreeSet<u64>) {
        let all: Vec<u64> = match due {
            Due::Few(keys) => keys.iter().map(|key| key.0).collect(),
            Due::Many(chunks) => chunks.by_bound.values().flatten().map(|key| key.0).collect(),
        };
        assert_eq!(all, model.iter().copied().collect::<Vec<_>>());
        assert!(!model.is_empty() || matches!(due, Due::Few(_)));
        if let Due::Many(chunks) = due {
            let Chunks { by_bound, slots } = &**chunks;
            assert!(by_bound.iter().all(|(bound, chunk)| *bound <= chunk[0] && chunk.len() <= MOST));
            let mut bounds = by_bound.keys().skip(1);
            assert!(
                by_bound.values().all(|chunk| bounds.next().is_none_or(|next| chunk.last() < Some(next)))
            );
            assert_eq!(*slots, by_bound.values().map(Vec::capacity).sum::<usize>());
        }
        assert_eq!(due.first().map(|key| key.0), model.first().copied());
        assert_eq!(due.is_empty(), model.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn is_a_set(
            steps in prop::collection::vec((0u64..3000, 1u64..400, prop::sample::select(vec![1u64, 7]), any::<bool>()), 1..40),
        ) {
            let (mut due, mut model) = (Due::default(), BTreeSet::new());
            for (from, count, by, adds) in steps {
                for key in (from..from + count * by).step_by(by as usize) {
                    if adds {
                        due.insert(Key(key));
                        model.insert(key);
                    } else {
                        due.remove(Key(key));
                        model.remove(&key);
                    }
                }
                check(&due, &model);
            }
        }
    }

    #[test]
    fn costs_about_nine_bytes_a_key_in_any_order() {
        let keys = 100_000u64;
        let mut ascending = Due::default();
        (0..keys).for_each(|key| ascending.insert(Key(key)));
        let mut scattered = Due::default();
        (0..keys).for_each(|key| scattered.insert(Key(key.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
        assert!(ascending.memory() < keys as usize * 9, "{}", ascending.memory());
        assert!(scattered.memory() < keys as usize * 11, "{}", scattered.memory());
        (0..keys).for_each(|key| ascending.remove(Key(key)));
        assert!(ascending.memory() <= STEP * size_of::<Key>() && ascending.first().is_none());
    }

    #[test]
    fn one_key_costs_eight_bytes() {
        let mut due = Due::default();
        due.insert(Key(1));
        assert_eq!(due.memory(), size_of::<Key>());
        assert_eq!(size_of::<Due>(), 24);
    }

    #[test]
    fn windows_are_due_at_their_end() {
        let key = Key::new(1_700_000_000_000, 0xffff_ffff_1234_5678);
        assert_eq!(key.low_hash(), 0x0234_5678);
        let end = key.due_at();
        assert!((1_700_000_000_000..1_700_000_000_128).contains(&end));
        assert!(key.has_expiry(end) && !key.has_expiry(end + 1));
        assert!(key.may_have_expired(1_700_000_000_000) && !key.may_have_expired(1_699_999_999_800));
        assert_eq!(Key::new(u64::MAX, 0).due_at(), u64::MAX);
        assert!(Key::new(5, 9) < Key::new(1_000, 3));
    }
}
