//! The keys that are the next to be evicted, as far as samples tell.
//!
//! A few random keys are compared for each eviction. The best candidates of earlier ones are kept beside them, which brings a few
//! samples close to the exact order of all keys. What was kept may have been used since, or changed, or have gone: who takes a
//! candidate looks at it again.

use config::MaxmemoryPolicy;
use keyspace::{AccessClock, access};
use table::Entry;

/// Candidates kept between evictions.
const POOL: usize = 16;

/// A key that may be evicted.
#[derive(Debug)]
pub(super) struct Candidate {
    /// The one with the highest goes first.
    pub(super) score: u64,
    pub(super) db: u16,
    pub(super) key: Box<[u8]>,
}

/// What makes a key go before others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// It was used longest ago.
    Idle,
    /// It is used most rarely.
    Rare,
    /// It expires soonest.
    Expiry,
}

impl Order {
    /// The order that a policy goes by; `None` when it goes by chance, or nothing goes.
    pub(super) fn of(policy: MaxmemoryPolicy) -> Option<Order> {
        match policy {
            MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::VolatileLru => Some(Order::Idle),
            MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu => Some(Order::Rare),
            MaxmemoryPolicy::VolatileTtl => Some(Order::Expiry),
            MaxmemoryPolicy::AllkeysRandom
            | MaxmemoryPolicy::VolatileRandom
            | MaxmemoryPolicy::Noeviction => None,
        }
    }

    pub(super) fn score(self, entry: Entry<'_>, clock: AccessClock, now_ms: u64) -> u64 {
        match (self, clock) {
            (Order::Expiry, _) => u64::MAX - entry.expire_at().unwrap_or(u64::MAX),
            (Order::Rare, AccessClock::Lfu(lfu)) => u64::from(u8::MAX - lfu.counter(entry.lru(), now_ms)),
            (Order::Idle | Order::Rare, _) => access::idle_s(entry.lru(), now_ms).into(),
        }
    }
}

/// The best candidates of a thread.
#[derive(Debug, Default)]
pub struct Pool {
    /// What the scores are by.
    order: Option<Order>,
    /// The best stands last.
    candidates: Vec<Candidate>,
    /// The database whose turn it is where keys go by chance.
    pub(super) next_db: u16,
}

impl Pool {
    /// From now on scores are by this order. Scores by another one say nothing any more.
    pub(super) fn go_by(&mut self, order: Order) {
        if self.order.replace(order) != Some(order) {
            self.candidates.clear();
        }
    }

    /// Keeps the candidate if it is among the best.
    pub(super) fn offer(&mut self, candidate: Candidate) {
        if self.candidates.iter().any(|known| known.db == candidate.db && known.key == candidate.key) {
            return;
        }
        let at = self.candidates.partition_point(|known| known.score <= candidate.score);
        self.candidates.insert(at, candidate);
        if self.candidates.len() > POOL {
            self.candidates.remove(0);
        }
    }

    /// Takes the best candidate out.
    pub(super) fn take(&mut self) -> Option<Candidate> {
        self.candidates.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyspace::Lfu;
    use structures::Value;
    use table::EntryBox;

    const NOW_MS: u64 = 1_700_000_000_000;

    fn candidate(score: u64) -> Candidate {
        Candidate { score, db: 0, key: score.to_string().into_bytes().into() }
    }

    fn scores(pool: &Pool) -> Vec<u64> {
        pool.candidates.iter().map(|candidate| candidate.score).collect()
    }

    #[test]
    fn the_pool_keeps_the_best() {
        let mut pool = Pool::default();
        pool.go_by(Order::Idle);
        [5, 1, 9, 3, 9].into_iter().for_each(|score| pool.offer(candidate(score)));
        assert_eq!(scores(&pool), [1, 3, 5, 9]);
        (10..40).for_each(|score| pool.offer(candidate(score)));
        assert_eq!((pool.candidates.len(), pool.take().map(|best| best.score)), (POOL, Some(39)));
    }

    #[test]
    fn scores_are_by_one_order() {
        let mut pool = Pool::default();
        pool.go_by(Order::Idle);
        pool.offer(candidate(7));
        pool.go_by(Order::Idle);
        assert_eq!(scores(&pool), [7]);
        pool.go_by(Order::Rare);
        assert!(scores(&pool).is_empty());
    }

    #[test]
    fn each_order_scores_what_it_goes_by() {
        let lfu = AccessClock::Lfu(Lfu { log_factor: 10, decay_min: 1 });
        let entry = |clock: u32, expire_at_ms: Option<u64>| {
            let entry = EntryBox::new(b"k", Value::Int(1), expire_at_ms);
            entry.as_ref().set_lru(clock);
            entry
        };
        let score =
            |order: Order, clock: AccessClock, entry: &EntryBox| order.score(entry.as_ref(), clock, NOW_MS);
        let idle =
            |seconds| score(Order::Idle, AccessClock::Lru, &entry(access::of_idle(seconds, NOW_MS), None));
        assert_eq!([idle(0), idle(50)], [0, 50]);
        let counted = |counter, minutes: u64| {
            score(Order::Rare, lfu, &entry(access::of_counter(counter, NOW_MS - minutes * 60_000), None))
        };
        assert_eq!([counted(255, 0), counted(5, 0), counted(20, 15)], [0, 250, 250]);
        let expiring = |at_ms| score(Order::Expiry, AccessClock::Lru, &entry(0, at_ms));
        assert!(expiring(Some(1)) > expiring(Some(2)) && expiring(Some(u64::MAX - 1)) > expiring(None));
    }
}
