//! Client-side caching: who keeps a copy of which keys, to be told when one of them changes.
//!
//! ```text
//!   a client reads a key, under its slot's lock  ─▶ remember ─┐
//!   a command changes a key, under its slot's lock  ─▶ take ◀─┘  each of these clients is told once, and forgotten for the key
//!   a client asks for all keys with a prefix  ─▶ told of each change of one, whatever it has read
//! ```
//! Keys are those of all databases alike, as in Redis: the same name in another database is told of as well. Clients that have gone
//! stay in the lists of their keys until these change; their ids belong to nobody else.
//!
//! **Invariant:** a key's reader is remembered before the lock drops under which it read, so no change after that misses it.

use hashing::Hasher;
use keyspace::{Rank, RankedGuard, RankedMutex, StaleKey};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

const SHARDS: usize = 64;

/// The readers of a key.
#[derive(Debug)]
struct Readers {
    /// Ascending.
    clients: Vec<u64>,
    /// Where the key stands in [`Shard::order`].
    at: usize,
}

/// Some of the keys.
#[derive(Debug)]
struct Shard {
    readers: HashMap<Arc<[u8]>, Readers, Hasher>,
    /// The same keys, so that one can be drawn.
    order: Vec<Arc<[u8]>>,
}

impl Shard {
    fn remove(&mut self, key: &[u8]) -> Option<(Arc<[u8]>, Vec<u64>)> {
        let (key, Readers { clients, at }) = self.readers.remove_entry(key)?;
        self.order.swap_remove(at);
        if let Some(moved) = self.order.get(at) {
            self.readers.get_mut(moved).expect("each key stands in both").at = at;
        }
        Some((key, clients))
    }
}

/// Whose command changed a key since clients were told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changer {
    One(u64),
    /// Several clients, or none.
    Others,
}

/// A key that has changed, and the client whose command did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The key.
    pub key: Arc<[u8]>,
    /// The client, unless the key expired or the node did it.
    pub by: Option<u64>,
}

impl Changed {
    /// A stale key as this client's command has left it.
    pub fn new(stale: StaleKey, client: Option<u64>) -> Changed {
        Changed { key: stale.key, by: client.filter(|_| !stale.has_expired) }
    }
}

/// Keys that a client is told of at once.
pub type Keys = Arc<[Arc<[u8]>]>;

/// The registry.
#[derive(Debug)]
pub struct Tracking {
    shards: Box<[RankedMutex<Shard>]>,
    hasher: Hasher,
    keys: AtomicUsize,
    items: AtomicUsize,
    clients: AtomicUsize,
    prefixes: RwLock<BTreeMap<Arc<[u8]>, BTreeSet<u64>>>,
    prefix_count: AtomicUsize,
}

impl Tracking {
    /// A registry that nobody is in.
    pub fn new(hasher: Hasher) -> Tracking {
        let shard = || Shard { readers: HashMap::with_hasher(hasher), order: Vec::new() };
        Tracking {
            shards: (0..SHARDS).map(|_| RankedMutex::new(Rank::Tracked, shard())).collect(),
            hasher,
            keys: AtomicUsize::new(0),
            items: AtomicUsize::new(0),
            clients: AtomicUsize::new(0),
            prefixes: RwLock::default(),
            prefix_count: AtomicUsize::new(0),
        }
    }

    fn shard(&self, key: &[u8]) -> RankedGuard<'_, Shard> {
        self.shards[self.hasher.hash(key) as usize % SHARDS].lock()
    }

    /// So many more clients keep copies.
    pub fn add_clients(&self, by: isize) {
        self.clients.fetch_add(by as usize, Ordering::Relaxed);
    }

    /// How many clients keep copies.
    pub fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// How many keys they keep.
    pub fn keys(&self) -> usize {
        self.keys.load(Ordering::Relaxed)
    }

    /// How many keys they keep, each as often as it is kept.
    pub fn items(&self) -> usize {
        self.items.load(Ordering::Relaxed)
    }

    /// How many different prefixes clients have named.
    pub fn prefixes(&self) -> usize {
        self.prefix_count.load(Ordering::Acquire)
    }

    /// Whether changes are of interest to nobody.
    pub fn is_empty(&self) -> bool {
        self.clients() == 0 && self.keys() == 0
    }

    /// A client has read a key, whose slot is locked.
    pub fn remember(&self, key: &[u8], client: u64) {
        let mut shard = self.shard(key);
        if let Some(Readers { clients, .. }) = shard.readers.get_mut(key) {
            if let Err(at) = clients.binary_search(&client) {
                clients.insert(at, client);
                self.items.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        let (key, at) = (Arc::<[u8]>::from(key), shard.order.len());
        shard.order.push(key.clone());
        shard.readers.insert(key, Readers { clients: vec![client], at });
        self.keys.fetch_add(1, Ordering::Relaxed);
        self.items.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes out the clients that have read a key since it changed last.
    pub fn take(&self, key: &[u8]) -> Vec<u64> {
        self.taken(self.shard(key).remove(key)).map_or_else(Vec::new, |(_, clients)| clients)
    }

    /// Takes out a key by chance, with its readers, if there is one: of the shard that was drawn, or of the next one that has some.
    pub fn take_any(&self, random: u64) -> Option<(Arc<[u8]>, Vec<u64>)> {
        let drawn = random as usize % SHARDS;
        self.shards[drawn..].iter().chain(&self.shards[..drawn]).find_map(|shard| {
            let mut shard = shard.lock();
            let at = (random / SHARDS as u64) as usize % shard.order.len().max(1);
            let key = shard.order.get(at)?.clone();
            self.taken(shard.remove(&key))
        })
    }

    fn taken(&self, removed: Option<(Arc<[u8]>, Vec<u64>)>) -> Option<(Arc<[u8]>, Vec<u64>)> {
        let (key, clients) = removed?;
        self.keys.fetch_sub(1, Ordering::Relaxed);
        self.items.fetch_sub(clients.len(), Ordering::Relaxed);
        Some((key, clients))
    }

    /// Forgets what clients have read.
    pub fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            let items: usize = shard.readers.values().map(|readers| readers.clients.len()).sum();
            self.keys.fetch_sub(shard.order.len(), Ordering::Relaxed);
            self.items.fetch_sub(items, Ordering::Relaxed);
            shard.readers = HashMap::with_hasher(self.hasher);
            shard.order = Vec::new();
        }
    }

    /// A client is told of all keys with a prefix.
    pub fn add_prefix(&self, prefix: &Arc<[u8]>, client: u64) {
        let mut prefixes = self.prefixes.write().unwrap_or_else(PoisonError::into_inner);
        prefixes.entry(prefix.clone()).or_default().insert(client);
        self.prefix_count.store(prefixes.len(), Ordering::Release);
    }

    /// It no longer is.
    pub fn remove_prefix(&self, prefix: &[u8], client: u64) {
        let mut prefixes = self.prefixes.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(clients) = prefixes.get_mut(prefix) {
            clients.remove(&client);
            if clients.is_empty() {
                prefixes.remove(prefix);
            }
        }
        self.prefix_count.store(prefixes.len(), Ordering::Release);
    }

    /// Calls `tell` for each client with a prefix that fits some of the keys, with these keys: in order, each once. A client for
    /// which `is_spared` says so is not told of what it alone has changed.
    pub fn broadcast(
        &self,
        changed: impl IntoIterator<Item = Changed>,
        is_spared: impl Fn(u64) -> bool,
        mut tell: impl FnMut(u64, Keys),
    ) {
        let mut keys: BTreeMap<Arc<[u8]>, Changer> = BTreeMap::new();
        for Changed { key, by } in changed {
            let changer = by.map_or(Changer::Others, Changer::One);
            let known = keys.entry(key).or_insert(changer);
            if *known != changer {
                *known = Changer::Others;
            }
        }
        let prefixes = self.prefixes.read().unwrap_or_else(PoisonError::into_inner);
        for (prefix, clients) in prefixes.iter() {
            let from = (Bound::Included(&**prefix), Bound::Unbounded);
            let fitting = || keys.range::<[u8], _>(from).take_while(|(key, _)| key.starts_with(prefix));
            let all: Keys = fitting().map(|(key, _)| key.clone()).collect();
            for &client in clients.iter().filter(|_| !all.is_empty()) {
                let own = Changer::One(client);
                if !is_spared(client) || fitting().all(|(_, changer)| *changer != own) {
                    tell(client, all.clone());
                    continue;
                }
                let others: Keys =
                    fitting().filter(|(_, changer)| **changer != own).map(|(key, _)| key.clone()).collect();
                if !others.is_empty() {
                    tell(client, others);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tracking() -> Tracking {
        Tracking::new(Hasher::fixed(1))
    }

    fn counts(tracking: &Tracking) -> (usize, usize) {
        (tracking.keys(), tracking.items())
    }

    #[test]
    fn a_reader_is_told_once() {
        let tracking = tracking();
        for client in [7, 3, 7, 5] {
            tracking.remember(b"k", client);
        }
        tracking.remember(b"other", 3);
        assert_eq!(counts(&tracking), (2, 4));
        assert_eq!(tracking.take(b"k"), [3, 5, 7]);
        assert!(tracking.take(b"k").is_empty());
        assert_eq!(counts(&tracking), (1, 1));
        tracking.clear();
        assert_eq!((counts(&tracking), tracking.take(b"other")), ((0, 0), vec![]));
    }

    fn told(tracking: &Tracking, changed: &[(&str, Option<u64>)], spared: &[u64]) -> Vec<(u64, Vec<String>)> {
        let changed =
            changed.iter().map(|&(key, by)| Changed { key: key.as_bytes().into(), by }).collect::<Vec<_>>();
        let mut told = Vec::new();
        tracking.broadcast(
            changed,
            |client| spared.contains(&client),
            |client, keys| {
                told.push((
                    client,
                    keys.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect(),
                ));
            },
        );
        told
    }

    fn list(client: u64, keys: &[&str]) -> (u64, Vec<String>) {
        (client, keys.iter().map(|&key| key.to_owned()).collect())
    }

    #[test]
    fn prefixes_are_told_of_what_begins_with_them() {
        let tracking = tracking();
        for (prefix, client) in [("", 1), ("a", 2), ("a", 3), ("b", 3)] {
            tracking.add_prefix(&prefix.as_bytes().into(), client);
        }
        assert_eq!(tracking.prefixes(), 3);
        let changed = [("b1", None), ("a2", Some(9)), ("a1", None), ("a2", Some(9)), ("c", None)];
        assert_eq!(
            told(&tracking, &changed, &[]),
            [
                list(1, &["a1", "a2", "b1", "c"]),
                list(2, &["a1", "a2"]),
                list(3, &["a1", "a2"]),
                list(3, &["b1"])
            ]
        );
        tracking.remove_prefix(b"a", 2);
        tracking.remove_prefix(b"a", 3);
        tracking.remove_prefix(b"a", 3);
        assert_eq!(tracking.prefixes(), 2);
        assert_eq!(told(&tracking, &[("a1", None)], &[]), [list(1, &["a1"])]);
    }

    #[test]
    fn who_is_spared_hears_of_what_others_have_changed() {
        let tracking = tracking();
        for client in [1, 2] {
            tracking.add_prefix(&b"k"[..].into(), client);
        }
        let changed = [("k1", Some(1)), ("k2", Some(1)), ("k2", Some(2)), ("k3", Some(1)), ("k3", None)];
        assert_eq!(told(&tracking, &changed, &[1]), [list(1, &["k2", "k3"]), list(2, &["k1", "k2", "k3"])]);
        assert_eq!(told(&tracking, &[("k1", Some(1))], &[1]), [list(2, &["k1"])]);
    }

    proptest! {
        /// Keys are drawn until none is left, each once, and those that stay keep their readers.
        #[test]
        fn whatever_is_taken_the_rest_stays(
            reads in proptest::collection::vec((0u8..40, 1u64..5), 0..200),
            draws in proptest::collection::vec(any::<u64>(), 0..400),
        ) {
            let tracking = tracking();
            let mut model: BTreeMap<Vec<u8>, BTreeSet<u64>> = BTreeMap::new();
            for (key, client) in reads {
                tracking.remember(&[key], client);
                model.entry(vec![key]).or_default().insert(client);
            }
            for random in draws {
                let drawn = tracking.take_any(random);
                prop_assert_eq!(drawn.is_none(), model.is_empty());
                if let Some((key, clients)) = drawn {
                    let known = model.remove(&*key).expect("each is drawn once");
                    prop_assert_eq!(clients, known.into_iter().collect::<Vec<_>>());
                }
                let items = model.values().map(BTreeSet::len).sum();
                prop_assert_eq!(counts(&tracking), (model.len(), items));
            }
            for (key, clients) in model {
                prop_assert_eq!(tracking.take(&key), clients.into_iter().collect::<Vec<_>>());
            }
            prop_assert!(tracking.is_empty());
        }
    }
}
