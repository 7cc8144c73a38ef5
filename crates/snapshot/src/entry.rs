//! One entry as bytes.

use keyspace::{Lfu, access};
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
        /// Unix time.
        now_ms: u64,
    },
    /// Its access counter: LFU policies.
    Frequency {
        /// Unix time.
        now_ms: u64,
        /// How counters fall.
        lfu: Lfu,
    },
}

impl Access {
    pub(crate) fn of(self, entry: Entry<'_>) -> EntryMeta {
        let expire_ms = entry.expire_at().map(|at| at as i64);
        let (idle_s, freq) = match self {
            Access::None => (None, None),
            Access::Idle { now_ms } => (Some(access::idle_s(entry.lru(), now_ms).into()), None),
            Access::Frequency { now_ms, lfu } => (None, Some(lfu.counter(entry.lru(), now_ms))),
        };
        EntryMeta { expire_ms, idle_s, freq }
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
            ValueRef::Set(set) => set.memory(),
            ValueRef::SortedSet(set) => set.memory(),
            ValueRef::Stream(stream) => stream.memory(),
        };
        bytes > self.large_bytes
    }

    #[inline]
    pub(crate) fn write(&self, out: &mut impl rdb::Sink, entry: Entry<'_>) {
        write_entry(out, entry.key(), entry.value(), self.access.of(entry), &self.save);
    }
}
