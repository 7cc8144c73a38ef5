//! 5 M keys over 16,384 tables: nanoseconds an operation, bytes a key. Run with `cargo bench -p table`.
#![allow(clippy::disallowed_methods)] // a measurement asks the clock

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::time::Instant;

use table::{EntryBox, Hasher, Retired, Table};

/// mimalloc without `mi_malloc_aligned`, which takes the next size class (112 bytes for 96) even where blocks are
/// aligned already.
struct Allocator;

// SAFETY: blocks of `mi_malloc` are aligned to 8, from 16 bytes on to 16; more is checked.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: plain calls.
        unsafe {
            let block = libmimalloc_sys::mi_malloc(layout.size());
            if block.addr().is_multiple_of(layout.align()) {
                return block.cast();
            }
            libmimalloc_sys::mi_free(block);
            libmimalloc_sys::mi_malloc_aligned(layout.size(), layout.align()).cast()
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the caller's promise.
        unsafe { libmimalloc_sys::mi_free(block.cast()) };
    }
}

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

const TABLES: usize = 16_384;
const KEYS: u64 = 5_000_000;
const BATCH: usize = 64;

/// A 16-byte key.
fn key(i: u64) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = i;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

fn random(state: &mut u64, keys: u64) -> u64 {
    *state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
    (*state >> 33) % keys
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

struct Store {
    tables: Vec<Table>,
    hasher: Hasher,
    retired: Retired,
}

impl Store {
    fn new(tables: usize) -> Store {
        Store {
            tables: (0..tables).map(|_| Table::new()).collect(),
            hasher: Hasher::fixed(1),
            retired: Retired::new(),
        }
    }

    /// Another hash than the table's chooses it, as the slot's CRC16 does.
    fn table_of(&self, i: u64) -> usize {
        (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize % self.tables.len()
    }

    fn insert(&mut self, i: u64, value: &[u8]) {
        let key = key(i);
        let hash = self.hasher.hash(&key);
        let at = self.table_of(i);
        let entry = EntryBox::from_bytes(&key, value, None);
        self.tables[at].get_mut().insert_new(&self.hasher, hash, entry, &mut self.retired);
        if self.retired.bytes() > 1 << 16 {
            // SAFETY: one thread, and it is not prefetching.
            unsafe { self.retired.free() };
        }
    }

    fn find(&mut self, i: u64) -> bool {
        let key = key(i);
        let at = self.table_of(i);
        let hash = self.hasher.hash(&key);
        self.tables[at].get_mut().find(hash, &key).is_some_and(|entry| black_box(entry.value()).is_bytes())
    }

    fn find_batch(&mut self, ids: &[u64; BATCH]) -> usize {
        let place = ids.map(|i| (self.table_of(i), key(i), self.hasher.hash(&key(i))));
        for (at, _, hash) in &place {
            self.tables[*at].prefetch_bucket(*hash);
        }
        for (at, _, hash) in &place {
            self.tables[*at].prefetch_entry(*hash, table::Expected::read(64));
        }
        let found = place.iter().filter(|(at, key, hash)| {
            self.tables[*at]
                .get_mut()
                .find(*hash, key)
                .is_some_and(|entry| black_box(entry.value()).is_bytes())
        });
        found.count()
    }
}

trait IsBytes {
    fn is_bytes(&self) -> bool;
}

impl IsBytes for structures::ValueRef<'_> {
    fn is_bytes(&self) -> bool {
        matches!(self, structures::ValueRef::Bytes(_))
    }
}

/// CPU time of this thread so far: other load on the machine does not count.
fn cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

fn measure(name: &str, operations: u64, f: impl FnOnce()) {
    let start = cpu_ns();
    f();
    println!("{name:32} {:8.1} ns", (cpu_ns() - start) as f64 / operations as f64);
}

fn run(tables: usize, keys: u64) {
    println!("-- {keys} keys of 16 + 64 bytes over {tables} tables");
    let before = resident_bytes();
    let mut store = Store::new(tables);
    let value = [b'v'; 64];
    measure("insert", keys, || (0..keys).for_each(|i| store.insert(i, &value)));
    // SAFETY: one thread, and it is not prefetching.
    unsafe { store.retired.free() };
    let arrays: usize = store.tables.iter_mut().map(|table| table.get_mut().memory()).sum();
    println!("{:32} {:8.2} bytes", "arrays a key", arrays as f64 / keys as f64);
    // What a node's cron does.
    memory::purge();
    println!("{:32} {:8.2} bytes", "resident a key", (resident_bytes() - before) as f64 / keys as f64);
    let reads = 2_000_000;
    let mut state = 1;
    measure("key and hash alone", reads, || {
        (0..reads).for_each(|_| {
            let i = random(&mut state, keys);
            black_box((store.table_of(i), store.hasher.hash(&key(i))));
        });
    });
    measure("find", reads, || (0..reads).for_each(|_| assert!(store.find(random(&mut state, keys)))));
    measure("find absent", reads, || {
        (0..reads).for_each(|_| assert!(!store.find(keys + random(&mut state, keys))))
    });
    measure("find in batches, prefetched", reads, || {
        for _ in 0..reads / BATCH as u64 {
            assert_eq!(store.find_batch(&std::array::from_fn(|_| random(&mut state, keys))), BATCH);
        }
    });
    let mut times: Vec<u128> = Vec::new();
    for i in keys..keys + keys / 10 {
        let start = Instant::now();
        store.insert(i, &value);
        times.push(start.elapsed().as_nanos());
    }
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize];
    println!("{:32} {:8} ns, p99.99 {} ns", "insert, p99.9", at(0.999), at(0.9999));
    measure("remove", keys / 10, || {
        for i in keys..keys + keys / 10 {
            let (key, at) = (key(i), store.table_of(i));
            let hash = store.hasher.hash(&key);
            let mut table = store.tables[at].get_mut();
            let place = table.find_mut(hash, &key).expect("inserted");
            drop(place.remove(&mut store.retired));
            // SAFETY: one thread, and it is not prefetching.
            unsafe { store.retired.free() };
        }
    });
}

fn main() {
    run(16, 5_000);
    run(TABLES, KEYS);
    run(1, KEYS);
}
