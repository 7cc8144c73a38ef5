//! One entry as bytes.

use rdb::{EntryMeta, SaveOptions, write_entry};
use structures::ValueRef;
use table::Entry;

/// What is written about the last use of a key: what the eviction policy goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Nothing: policies that go by neither.
    #[default]
    None,
    /// For how long it has not been used: LRU policies.
    Idle {
        /// Unix time in seconds.
        now_s: u64,
    },
    /// Its access counter: LFU policies.
    Frequency {
        /// Unix time in minutes.
        now_min: u64,
        /// `lfu-decay-time`: minutes after which the counter falls by one; 0 never.
        decay_min: u64,
    },
}

/// Bits of the access clock.
const CLOCK: u64 = 0xff_ffff;

impl Access {
    pub(crate) fn of(self, entry: Entry<'_>) -> EntryMeta {
        let expire_ms = entry.expire_at().map(|at| at as i64);
        let clock = u64::from(entry.lru());
        match self {
            Access::None => EntryMeta { expire_ms, ..EntryMeta::default() },
            Access::Idle { now_s } => {
                EntryMeta { expire_ms, idle_s: Some(now_s.wrapping_sub(clock) & CLOCK), freq: None }
            }
            Access::Frequency { now_min, decay_min } => {
                let elapsed_min = now_min.wrapping_sub(clock >> 8) & 0xffff;
                let decay = elapsed_min.checked_div(decay_min).unwrap_or(0);
                let freq = (clock & 0xff).saturating_sub(decay) as u8;
                EntryMeta { expire_ms, idle_s: None, freq: Some(freq) }
            }
        }
    }
}

/// How to write entries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryFormat {
    pub(crate) save: SaveOptions,
    pub(crate) access: Access,
    /// A value that takes more memory is large.
    pub(crate) large_bytes: usize,
}

impl EntryFormat {
    /// Whether an entry takes longer to write than anybody may hold a lock. Constant time.
    #[inline]
    pub(crate) fn is_large(&self, entry: Entry<'_>) -> bool {
        let bytes = match entry.value() {
            ValueRef::Int(_) => 0,
            ValueRef::Bytes(bytes) => bytes.len(),
            ValueRef::List(list) => list.memory(),
            ValueRef::Hash(hash) => hash.memory(),
        };
        bytes > self.large_bytes
    }

    #[inline]
    pub(crate) fn write(&self, out: &mut impl rdb::Sink, entry: Entry<'_>) {
        write_entry(out, entry.key(), entry.value(), self.access.of(entry), &self.save);
    }
}
