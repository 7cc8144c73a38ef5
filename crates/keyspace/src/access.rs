//! The access clock of an entry: 24 bits that say when its key was last used, or how often it is used. The eviction policy decides
//! which of the two they are. After a change of the policy, old ones are read as the other kind until their keys are used again.
//!
//! ```text
//!  23                             8 7             0
//!  ┌───────────────────────────────────────────────┐
//!  │            seconds modulo 2^24                │  LRU, and policies that go by neither
//!  ├────────────────────────────────┬──────────────┤
//!  │      minutes modulo 2^16       │   counter    │  LFU
//!  └────────────────────────────────┴──────────────┘
//! ```
//! The counter is logarithmic: an access raises it with a probability that falls with its height, so eight bits tell a million accesses
//! from ten. It falls by one for each period without a look at it; the minutes say when the last access was. Nothing has to visit
//! keys for that: who reads a counter subtracts the periods that have passed.

use table::Entry;

/// Bits of the clock.
const CLOCK: u32 = 0xff_ffff;
/// Bits of the minutes.
const MINUTES: u32 = 0xffff;
/// The counter of a new key: it is not the first to go before it could be used again.
const NEW_COUNTER: u8 = 5;

/// What access clocks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessClock {
    /// The second of the last access.
    #[default]
    Lru,
    /// The minute of the last access, and a logarithmic counter of accesses.
    Lfu(Lfu),
}

/// How counters of accesses rise and fall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lfu {
    /// The larger, the more accesses it takes to raise a counter (`lfu-log-factor`).
    pub log_factor: u32,
    /// Minutes after which a counter falls by one; 0 never (`lfu-decay-time`).
    pub decay_min: u32,
}

impl AccessClock {
    /// The clock of a key that comes into being now.
    #[inline]
    pub fn of_new(self, now_ms: u64) -> u32 {
        match self {
            AccessClock::Lru => seconds(now_ms),
            AccessClock::Lfu(_) => of_counter(NEW_COUNTER, now_ms),
        }
    }

    /// Notes an access of an entry. `random` is the state of a generator.
    #[inline]
    pub(crate) fn touch(self, entry: Entry<'_>, now_ms: u64, random: &mut u64) {
        match self {
            AccessClock::Lru => entry.set_lru(seconds(now_ms)),
            AccessClock::Lfu(lfu) => lfu.touch(entry, now_ms, random),
        }
    }
}

impl Lfu {
    /// A counter as it is now.
    pub fn counter(self, clock: u32, now_ms: u64) -> u8 {
        let elapsed_min = minutes(now_ms).wrapping_sub(clock >> 8) & MINUTES;
        let periods = elapsed_min.checked_div(self.decay_min).unwrap_or(0);
        (clock as u8).saturating_sub(u8::try_from(periods).unwrap_or(u8::MAX))
    }

    // Out of line: policies by recency have the way to themselves.
    #[inline(never)]
    fn touch(self, entry: Entry<'_>, now_ms: u64, random: &mut u64) {
        let counter = self.counter(entry.lru(), now_ms);
        let raised = counter.saturating_add(u8::from(self.rises(counter, next_random(random))));
        entry.set_lru(of_counter(raised, now_ms));
    }

    /// Whether this access raises the counter: one in `1 + log_factor * (counter - NEW_COUNTER)` does.
    fn rises(self, counter: u8, random: u64) -> bool {
        let one_in = 1 + u64::from(self.log_factor) * u64::from(counter.saturating_sub(NEW_COUNTER));
        (u128::from(random) * u128::from(one_in)) >> 64 == 0
    }
}

/// The LRU clock at a time: seconds modulo 2^24.
#[inline]
pub fn seconds(now_ms: u64) -> u32 {
    (now_ms / 1000) as u32 & CLOCK
}

/// The seconds since the access that an LRU clock tells of.
pub fn idle_s(clock: u32, now_ms: u64) -> u32 {
    seconds(now_ms).wrapping_sub(clock) & CLOCK
}

/// The LRU clock of a key that has been idle for so many seconds; more than a clock can tell count as the most it can.
pub fn of_idle(idle_s: u64, now_ms: u64) -> u32 {
    seconds(now_ms).wrapping_sub(idle_s.min(CLOCK.into()) as u32) & CLOCK
}

/// The LFU clock of a key that was just used and has this counter.
#[inline]
pub fn of_counter(counter: u8, now_ms: u64) -> u32 {
    minutes(now_ms) << 8 | u32::from(counter)
}

fn minutes(now_ms: u64) -> u32 {
    (now_ms / 60_000) as u32 & MINUTES
}

/// SplitMix64.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use structures::Value;
    use table::EntryBox;

    const NOW_MS: u64 = 1_700_000_000_000;
    const MINUTE_MS: u64 = 60_000;

    /// The counter after so many accesses in one minute.
    fn after(accesses: u32, log_factor: u32) -> u8 {
        let lfu = Lfu { log_factor, decay_min: 1 };
        let entry = EntryBox::new(b"k", Value::Int(1), None);
        entry.as_ref().set_lru(AccessClock::Lfu(lfu).of_new(NOW_MS));
        let mut random = 1;
        for _ in 0..accesses {
            AccessClock::Lfu(lfu).touch(entry.as_ref(), NOW_MS, &mut random);
        }
        lfu.counter(entry.as_ref().lru(), NOW_MS)
    }

    /// The figures that Redis documents for its counter, with room for chance.
    #[test]
    fn counters_are_logarithmic() {
        assert_eq!(after(0, 10), NEW_COUNTER);
        for (log_factor, accesses, expected) in [
            (0, 100, 105..=105),
            (0, 1_000, 255..=255),
            (1, 100, 14..=22),
            (1, 1_000, 42..=58),
            (1, 100_000, 255..=255),
            (10, 100, 7..=13),
            (10, 1_000, 14..=24),
            (10, 100_000, 125..=165),
            (10, 1_000_000, 255..=255),
            (100, 1_000, 7..=14),
            (100, 100_000, 42..=60),
        ] {
            let counter = after(accesses, log_factor);
            assert!(expected.contains(&counter), "factor {log_factor}, {accesses} accesses: {counter}");
        }
    }

    #[test]
    fn counters_fall_with_time() {
        let clock = of_counter(100, NOW_MS);
        let counter = |decay_min, minutes| {
            Lfu { log_factor: 10, decay_min }.counter(clock, NOW_MS + minutes * MINUTE_MS)
        };
        assert_eq!([counter(1, 0), counter(1, 1), counter(1, 99), counter(1, 100)], [100, 99, 1, 0]);
        assert_eq!([counter(1, 101), counter(1, 65_535)], [0, 0], "it stays at zero");
        assert_eq!([counter(10, 9), counter(10, 10), counter(10, 995)], [100, 99, 1]);
        assert_eq!(counter(0, 30_000), 100, "it never falls");
        assert_eq!(counter(1, 65_536 + 3), 97, "minutes wrap around");
    }

    /// An access brings the counter down to what it is now before it counts.
    #[test]
    fn an_access_takes_the_time_into_account() {
        let lfu = Lfu { log_factor: 0, decay_min: 2 };
        let entry = EntryBox::new(b"k", Value::Int(1), None);
        entry.as_ref().set_lru(of_counter(50, NOW_MS));
        let later_ms = NOW_MS + 20 * MINUTE_MS;
        AccessClock::Lfu(lfu).touch(entry.as_ref(), later_ms, &mut 0);
        assert_eq!(entry.as_ref().lru(), of_counter(41, later_ms));
        entry.as_ref().set_lru(of_counter(255, NOW_MS));
        AccessClock::Lfu(lfu).touch(entry.as_ref(), NOW_MS, &mut 0);
        assert_eq!(entry.as_ref().lru(), of_counter(255, NOW_MS));
    }

    #[test]
    fn seconds_wrap_around() {
        let near_end_ms = 0xff_fffe * 1000;
        let clock = AccessClock::Lru.of_new(near_end_ms);
        assert_eq!((clock, idle_s(clock, near_end_ms + 9_999)), (0xff_fffe, 9));
        assert_eq!(idle_s(of_idle(1000, NOW_MS), NOW_MS), 1000);
        assert_eq!(of_idle(5, (1 << 24) * 1000), 0xff_fffb);
        assert_eq!(idle_s(of_idle(u64::MAX, NOW_MS), NOW_MS), CLOCK);
    }
}
