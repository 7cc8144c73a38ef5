//! Channels and patterns: who listens to what.
//!
//! The registry says which clients of which workers listen; the client itself has the list of its subscriptions. The registry is
//! sharded by channel, so publishers to different channels do not contend; patterns, which every publisher must check, are a list of
//! their own. A message is posted to a worker once, with all of its clients that get it.

use crate::tracking::Keys;
use hashing::Hasher;
use keyspace::{Rank, RankedGuard, RankedMutex};
use resp::Proto;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A client, and the worker that serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    /// The worker.
    pub worker: usize,
    /// The client's id.
    pub client: u64,
}

/// What a listener gets.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// A message of a channel.
    Message {
        /// The channel.
        channel: Arc<[u8]>,
        /// What was published.
        payload: Arc<[u8]>,
    },
    /// A message of a channel that a pattern matched.
    PatternMessage {
        /// The pattern.
        pattern: Arc<[u8]>,
        /// The channel.
        channel: Arc<[u8]>,
        /// What was published.
        payload: Arc<[u8]>,
    },
    /// What the client keeps of some keys is old.
    Invalidation {
        /// The keys; all of them if there are none.
        keys: Option<Keys>,
        /// The client asked for what another keeps.
        is_redirected: bool,
        /// The protocol of the one that keeps it: real servers write the null that stands for all keys in it.
        keeper: Proto,
    },
    /// The client that should get this one's invalidations is gone.
    BrokenRedirection {
        /// The client that is gone.
        to: u64,
    },
}

impl Delivery {
    /// What it takes while it waits, in bytes; a payload that waits for several workers counts for each.
    pub fn bytes(&self) -> usize {
        let more = match self {
            Delivery::Message { channel, payload } => channel.len() + payload.len(),
            Delivery::PatternMessage { pattern, channel, payload } => {
                pattern.len() + channel.len() + payload.len()
            }
            Delivery::Invalidation { keys, .. } => {
                keys.iter().flat_map(|keys| &**keys).map(|key| key.len()).sum()
            }
            Delivery::BrokenRedirection { .. } => 0,
        };
        size_of::<Delivery>() + more
    }
}

const SHARDS: usize = 64;

/// Those who listen to one thing, ascending, each once.
#[derive(Debug, Default)]
struct Listeners(Vec<Listener>);

impl Listeners {
    fn add(&mut self, listener: Listener) {
        if let Err(at) = self.0.binary_search(&listener) {
            self.0.insert(at, listener);
        }
    }

    /// Whether nobody is left.
    fn remove(&mut self, listener: Listener) -> bool {
        if let Ok(at) = self.0.binary_search(&listener) {
            self.0.remove(at);
        }
        self.0.is_empty()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    /// Calls `each` once for each worker, with its clients.
    fn by_worker(&self, mut each: impl FnMut(usize, Vec<u64>)) {
        for same in self.0.chunk_by(|a, b| a.worker == b.worker) {
            each(same[0].worker, same.iter().map(|listener| listener.client).collect());
        }
    }
}

type Shard = HashMap<Arc<[u8]>, Listeners, Hasher>;

/// Patterns with those who listen by them.
#[derive(Debug)]
struct Patterns {
    /// Each by a number that grows: in the order of the first subscription.
    in_order: BTreeMap<u64, (Arc<[u8]>, Listeners)>,
    numbers: HashMap<Arc<[u8]>, u64, Hasher>,
    next: u64,
}

impl Patterns {
    fn add(&mut self, pattern: &Arc<[u8]>, listener: Listener) {
        let number = *self.numbers.entry(pattern.clone()).or_insert(self.next);
        self.next += u64::from(number == self.next);
        let (_, listeners) =
            self.in_order.entry(number).or_insert_with(|| (pattern.clone(), Listeners::default()));
        listeners.add(listener);
    }

    fn remove(&mut self, pattern: &[u8], listener: Listener) {
        let Some(&number) = self.numbers.get(pattern) else { return };
        let known = self.in_order.get_mut(&number);
        if known.is_none_or(|(_, listeners)| listeners.remove(listener)) {
            self.in_order.remove(&number);
            self.numbers.remove(pattern);
        }
    }
}

/// The registry.
#[derive(Debug)]
pub struct PubSub {
    channels: Box<[RankedMutex<Shard>]>,
    patterns: RwLock<Patterns>,
    pattern_count: AtomicUsize,
    hasher: Hasher,
}

impl PubSub {
    /// A registry that nobody is in.
    pub fn new(hasher: Hasher) -> PubSub {
        let shard = || RankedMutex::new(Rank::Channels, Shard::with_hasher(hasher));
        let numbers = HashMap::with_hasher(hasher);
        PubSub {
            channels: (0..SHARDS).map(|_| shard()).collect(),
            patterns: RwLock::new(Patterns { in_order: BTreeMap::new(), numbers, next: 0 }),
            pattern_count: AtomicUsize::new(0),
            hasher,
        }
    }

    /// Its hash is of the bare bytes, a map's of bytes and length: a shard's channels are even in its map.
    fn shard(&self, channel: &[u8]) -> RankedGuard<'_, Shard> {
        self.channels[self.hasher.hash(channel) as usize % SHARDS].lock()
    }

    /// A client listens to a channel.
    pub fn subscribe(&self, channel: &Arc<[u8]>, listener: Listener) {
        self.shard(channel).entry(channel.clone()).or_default().add(listener);
    }

    /// It listens no more.
    pub fn unsubscribe(&self, channel: &[u8], listener: Listener) {
        let mut shard = self.shard(channel);
        if shard.get_mut(channel).is_some_and(|listeners| listeners.remove(listener)) {
            shard.remove(channel);
        }
    }

    /// A client listens to all channels that a pattern matches.
    pub fn subscribe_pattern(&self, pattern: &Arc<[u8]>, listener: Listener) {
        let mut patterns = self.patterns.write().unwrap_or_else(PoisonError::into_inner);
        patterns.add(pattern, listener);
        self.pattern_count.store(patterns.in_order.len(), Ordering::Release);
    }

    /// It listens no more.
    pub fn unsubscribe_pattern(&self, pattern: &[u8], listener: Listener) {
        let mut patterns = self.patterns.write().unwrap_or_else(PoisonError::into_inner);
        patterns.remove(pattern, listener);
        self.pattern_count.store(patterns.in_order.len(), Ordering::Release);
    }

    /// Hands a message out; `post` is called once for each worker and delivery. The number of deliveries.
    ///
    /// The shard is held while posting: that is what makes the order of a channel's messages the same for everybody.
    pub fn publish(
        &self,
        channel: &[u8],
        payload: &[u8],
        mut post: impl FnMut(usize, Vec<u64>, Delivery),
    ) -> usize {
        let shard = self.shard(channel);
        let mut count = 0;
        let mut payload_shared: Option<Arc<[u8]>> = None;
        if let Some((channel, listeners)) = shard.get_key_value(channel) {
            let payload = payload_shared.get_or_insert_with(|| payload.into());
            count += listeners.len();
            let delivery = Delivery::Message { channel: channel.clone(), payload: payload.clone() };
            listeners.by_worker(|worker, clients| post(worker, clients, delivery.clone()));
        }
        if self.pattern_count.load(Ordering::Acquire) == 0 {
            return count;
        }
        let patterns = self.patterns.read().unwrap_or_else(PoisonError::into_inner);
        for (pattern, listeners) in patterns.in_order.values() {
            if topology::glob::matches(pattern, channel, false) {
                let payload = payload_shared.get_or_insert_with(|| payload.into());
                count += listeners.len();
                let delivery = Delivery::PatternMessage {
                    pattern: pattern.clone(),
                    channel: channel.into(),
                    payload: payload.clone(),
                };
                listeners.by_worker(|worker, clients| post(worker, clients, delivery.clone()));
            }
        }
        count
    }

    /// Channels somebody listens to, those that match the pattern if there is one.
    pub fn channels(&self, pattern: Option<&[u8]>) -> Vec<Arc<[u8]>> {
        let mut found = Vec::new();
        for shard in &self.channels {
            let shard = shard.lock();
            let matches = |channel: &&Arc<[u8]>| {
                pattern.is_none_or(|pattern| topology::glob::matches(pattern, channel, false))
            };
            found.extend(shard.keys().filter(matches).cloned());
        }
        found
    }

    /// Listeners of a channel, patterns not counted.
    pub fn listeners(&self, channel: &[u8]) -> usize {
        self.shard(channel).get(channel).map_or(0, Listeners::len)
    }

    /// Number of channels somebody listens to.
    pub fn channel_count(&self) -> usize {
        self.channels.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Number of different patterns.
    pub fn pattern_count(&self) -> usize {
        self.pattern_count.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(pubsub: &PubSub, channel: &[u8]) -> Vec<(usize, Vec<u64>)> {
        let mut posts = Vec::new();
        pubsub.publish(channel, b"hi", |worker, clients, _| posts.push((worker, clients)));
        posts
    }

    #[test]
    fn a_worker_is_told_once_with_all_its_clients() {
        let pubsub = PubSub::new(Hasher::fixed(1));
        let channel: Arc<[u8]> = b"news"[..].into();
        for (worker, client) in [(1, 10), (0, 11), (1, 12)] {
            pubsub.subscribe(&channel, Listener { worker, client });
        }
        assert_eq!(published(&pubsub, b"news"), [(0, vec![11]), (1, vec![10, 12])]);
        assert_eq!(published(&pubsub, b"other"), []);
        pubsub.unsubscribe(b"news", Listener { worker: 1, client: 10 });
        assert_eq!(pubsub.listeners(b"news"), 2);
    }

    #[test]
    fn patterns_follow_channels() {
        let pubsub = PubSub::new(Hasher::fixed(1));
        let pattern: Arc<[u8]> = b"n*"[..].into();
        let listener = Listener { worker: 0, client: 5 };
        pubsub.subscribe_pattern(&pattern, listener);
        pubsub.subscribe(&b"news"[..].into(), listener);
        assert_eq!(published(&pubsub, b"news"), [(0, vec![5]), (0, vec![5])]);
        assert_eq!(pubsub.channels(Some(b"x*")).len(), 0);
        pubsub.unsubscribe_pattern(b"n*", listener);
        assert_eq!((published(&pubsub, b"nobody").len(), pubsub.pattern_count()), (0, 0));
    }
}
