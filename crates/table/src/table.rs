//! The table of one (database, slot): what is shared with prefetching threads, and what its exclusive user may do.
//!
//! [`Table`] is 16 bytes: the packed pointer of its span or directory, and two counts. It is `Sync` for one reason,
//! [`Table::prefetch_bucket`] and [`Table::prefetch_entry`] from any thread at any time. Everything else goes through
//! [`TableMut`], of which at most one exists at a time: by `&mut` where the table is owned, by the caller's promise
//! where a slot lock guards it.
//!
//! **Growth.** A full array is replaced by one that is a twelfth larger, at least one bucket, beyond 4 KB along the classes
//! of the allocator. Tables that fill evenly (100 to 400 keys, 15/16 full at most) take 10.2 bytes a key on average. An
//! insertion also moves an array out of a page of memory that has become sparse. An array of [`SPLIT_BUCKETS`] buckets is
//! split by the next hash bit instead, so no operation moves more than about 3,300 elements. A table has spans much deeper
//! than its number of keys explains only if hashes collide; such spans grow instead of splitting.
//!
//! **Shrinking** is the reverse, with a wide gap between the thresholds. An array of one bucket stays when its last element
//! goes.

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::bucket::{Bucket, CELLS, Element};
use crate::directory::{Counts, Directory};
use crate::entry::{Entry, EntryBox};
use crate::occupied::Occupied;
use crate::retired::Retired;
use crate::span::{MAX_DEPTH, MAX_HOMES, Place, Span, packable, prefix_mask};
use crate::{Detached, Hasher};
use memory::slab;

/// An array of this many buckets is split instead of grown.
const SPLIT_BUCKETS: u32 = 512;
/// Two neighbours are merged when their elements fit this many buckets.
const MERGE_BUCKETS: u32 = 256;
/// A directory has at most one slot for this many keys. With uniform hashes it has one for about 2,500.
const KEYS_PER_SLOT: u32 = 128;

/// A full array grows by one part in this many.
const GROWTH: u32 = 12;

/// The most elements in an array before it grows.
fn max_len(buckets: u32) -> u32 {
    let cells = buckets * CELLS as u32;
    if buckets == 1 { cells } else { cells - cells / 16 }
}

/// An array with fewer elements shrinks.
fn min_len(buckets: u32) -> u32 {
    // Collisions fill the spill of a wide one, and nothing much smaller takes them.
    let counted = if buckets > MAX_HOMES + 2 { buckets - MAX_HOMES } else { buckets };
    if buckets == 1 { 0 } else { counted * CELLS as u32 / 2 }
}

/// The number of buckets of the smallest size class that holds at least this many.
fn rounded(buckets: u32) -> u32 {
    packable((slab::block_bytes(buckets as usize * size_of::<Bucket>()) / size_of::<Bucket>()) as u32)
}

/// The next larger array.
fn grown(buckets: u32) -> u32 {
    rounded(buckets + (buckets / GROWTH).max(1))
}

/// The size of an array for this many elements, with room for more.
fn fitting(len: u32) -> u32 {
    rounded((len + len / 8).div_ceil(CELLS as u32).max(1))
}

/// See the module's essay.
pub struct Table {
    /// Null, a packed span, or a packed directory.
    pub(crate) root: AtomicPtr<u8>,
    /// Touched by the exclusive user only.
    pub(crate) counts: UnsafeCell<Counts>,
}

const _: () = assert!(size_of::<Table>() == 16);

// SAFETY: a shared table offers prefetching only, which reads atomics; `exclusive` is the caller's promise. Entries
// own `Send` values.
unsafe impl Sync for Table {}
// SAFETY: as above.
unsafe impl Send for Table {}

impl Table {
    /// An empty table; it allocates nothing.
    pub const fn new() -> Table {
        Table { root: AtomicPtr::new(null_mut()), counts: UnsafeCell::new(Counts { len: 0, volatile: 0 }) }
    }

    /// Access to a table that is owned or mutably borrowed.
    pub fn get_mut(&mut self) -> TableMut<'_> {
        // SAFETY: `&mut self` excludes everybody else.
        unsafe { self.exclusive() }
    }

    /// Access to a table that is shared with prefetching threads.
    ///
    /// # Safety
    /// While the result or anything borrowed from it lives, no other `TableMut` of this table exists, and all use of
    /// the previous one happened before (a lock gives both).
    pub unsafe fn exclusive(&self) -> TableMut<'_> {
        TableMut { table: self, unique: PhantomData }
    }

    /// The entry of a key, where others may be read at the same time.
    ///
    /// # Safety
    /// While the result lives, no [`TableMut`] of this table exists, and all use of the previous one happened before.
    #[inline]
    pub unsafe fn shared_entry(&self, hash: u64, key: &[u8]) -> Option<Entry<'_>> {
        let (_, block) = self.span(hash)?.find(hash, key)?;
        // SAFETY: nobody has the exclusive access that a change needs.
        Some(unsafe { Entry::new(block) })
    }

    pub(crate) fn counts(&self) -> Counts {
        // SAFETY: called by the exclusive user only.
        unsafe { *self.counts.get() }
    }

    pub(crate) fn directory(&self) -> Option<Directory> {
        Directory::unpack(self.root.load(Ordering::Relaxed))
    }

    /// The span that serves a hash, if the table has any.
    #[inline]
    pub(crate) fn span(&self, hash: u64) -> Option<Span> {
        let root = self.root.load(Ordering::Relaxed);
        if root.is_null() {
            return None;
        }
        Some(match Directory::unpack(root) {
            None => Span::unpack(root, hash),
            Some(directory) => directory.span(hash, Ordering::Relaxed),
        })
    }

    /// All spans in hash order.
    pub(crate) fn spans(&self) -> impl Iterator<Item = Span> {
        let root = self.root.load(Ordering::Relaxed);
        let directory = Directory::unpack(root);
        let single = (directory.is_none() && !root.is_null()).then(|| Span::unpack(root, 0));
        single.into_iter().chain(directory.into_iter().flat_map(Directory::spans))
    }

    /// The counts of one span.
    pub(crate) fn span_counts(&self, span: Span) -> Counts {
        match self.directory() {
            None => self.counts(),
            // SAFETY: called by the exclusive user only.
            Some(directory) => unsafe { *directory.counts(span.prefix) },
        }
    }

    /// Adds to the counts of a span and of the table.
    pub(crate) fn count(&self, span: Span, len: i32, volatile: i32) {
        let add = |counts: *mut Counts| {
            // SAFETY: called by the exclusive user only.
            let counts = unsafe { &mut *counts };
            counts.len = counts.len.checked_add_signed(len).expect("at most 2^32 keys in a slot");
            counts.volatile = counts.volatile.checked_add_signed(volatile).expect("counted when inserted");
        };
        add(self.counts.get());
        if let Some(directory) = self.directory() {
            add(directory.counts(span.prefix));
        }
    }

    /// Makes room in the span that serves a hash, or makes the first one.
    fn grow(&self, hasher: &Hasher, hash: u64, retired: &mut Retired) {
        let Some(span) = self.span(hash) else {
            self.root.store(Span::allocate(1, 0, 0, 0).pack(), Ordering::Release);
            return;
        };
        if span.buckets >= SPLIT_BUCKETS && self.may_deepen(span) {
            return self.split(span, hasher, retired);
        }
        let mut buckets = grown(span.buckets);
        let grown = loop {
            match Span::rebuild(&[span], buckets, span.depth, span.prefix, None) {
                Some(grown) => break grown,
                None => buckets = self::grown(buckets),
            }
        };
        self.replace(grown);
        span.retire(retired);
    }

    /// Moves the array that serves a hash to another place if this helps to empty the page of memory it lies in.
    fn settle(&self, hash: u64, retired: &mut Retired) {
        if let Some(span) = self.span(hash)
            && span.lies_sparsely()
        {
            self.replace(span.moved());
            span.retire(retired);
        }
    }

    /// Whether a directory deep enough to separate the halves of this span is in proportion to the number of keys.
    /// Where hashes collide it would double for ever without separating them.
    fn may_deepen(&self, span: Span) -> bool {
        span.depth < MAX_DEPTH && 2 << span.depth <= (self.counts().len / KEYS_PER_SLOT).max(2)
    }

    /// Publishes a span of the same range as the one it replaces.
    pub(crate) fn replace(&self, span: Span) {
        match self.directory() {
            None => self.root.store(span.pack(), Ordering::Release),
            Some(directory) => directory.set_span(span),
        }
    }

    fn split(&self, span: Span, hasher: &Hasher, retired: &mut Retired) {
        let directory = match self.directory() {
            Some(directory) if directory.depth > span.depth => directory,
            old => {
                let deeper = old.map_or_else(|| Directory::allocate(1), Directory::deepened);
                if old.is_none() {
                    deeper.set_span(span);
                }
                self.root.store(deeper.pack(), Ordering::Release);
                if let Some(old) = old {
                    old.retire(retired);
                }
                deeper
            }
        };
        let depth = span.depth + 1;
        for prefix in [span.prefix, span.prefix | 1 << (64 - depth)] {
            let mut buckets = rounded(span.buckets.min(2 * SPLIT_BUCKETS) / 2 + 1);
            let mut half = loop {
                match Span::rebuild(&[span], buckets, depth, prefix, Some(hasher)) {
                    Some(half) => break half,
                    None => buckets = grown(buckets),
                }
            };
            let mut counts = Counts::default();
            for place in half.places() {
                counts.len += 1;
                counts.volatile += u32::from(half.bucket(place.bucket).is_volatile(place.cell as usize));
            }
            // Collisions leave a half nearly empty.
            if counts.len < min_len(buckets)
                && let Some(smaller) = Span::rebuild(&[half], fitting(counts.len), depth, prefix, None)
            {
                half.retire(retired);
                half = smaller;
            }
            directory.set_span(half);
            // SAFETY: called by the exclusive user only.
            unsafe { directory.counts(prefix).write(counts) };
        }
        span.retire(retired);
    }

    /// Gives back room in a span that has become sparse: merges it with its neighbour, or makes it smaller.
    pub(crate) fn shrink(&self, span: Span, retired: &mut Retired) {
        let len = self.span_counts(span).len;
        if len >= min_len(span.buckets) || self.merge(span, len, retired) {
            return;
        }
        let mut buckets = fitting(len);
        while buckets < span.buckets {
            if let Some(smaller) = Span::rebuild(&[span], buckets, span.depth, span.prefix, None) {
                self.replace(smaller);
                span.retire(retired);
                return;
            }
            buckets = grown(buckets);
        }
    }

    /// Merges a span with its neighbour if both are small; the last merge drops the directory.
    fn merge(&self, span: Span, len: u32, retired: &mut Retired) -> bool {
        let Some(directory) = self.directory() else { return false };
        let depth = span.depth - 1;
        let neighbour = directory.span(span.prefix ^ 1 << (64 - span.depth), Ordering::Relaxed);
        if neighbour.depth != span.depth {
            return false;
        }
        let others = self.span_counts(neighbour);
        if fitting(len + others.len) > MERGE_BUCKETS {
            return false;
        }
        let counts =
            Counts { len: len + others.len, volatile: self.span_counts(span).volatile + others.volatile };
        let prefix = span.prefix & prefix_mask(depth);
        let Some(merged) = Span::rebuild(&[span, neighbour], fitting(counts.len), depth, prefix, None) else {
            return false;
        };
        if depth == 0 {
            self.root.store(merged.pack(), Ordering::Release);
            directory.retire(retired);
        } else {
            directory.set_span(merged);
            // SAFETY: called by the exclusive user only.
            unsafe { directory.counts(prefix).write(counts) };
        }
        span.retire(retired);
        neighbour.retire(retired);
        true
    }
}

impl Default for Table {
    fn default() -> Table {
        Table::new()
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let mut retired = self.get_mut().take().into_retired();
        // SAFETY: prefetches borrow the table, so none is running.
        unsafe { retired.free() };
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Table")
    }
}

/// Exclusive access to a [`Table`].
pub struct TableMut<'a> {
    pub(crate) table: &'a Table,
    /// Not `Send`, not `Sync`: entries are not.
    pub(crate) unique: PhantomData<*mut ()>,
}

impl<'a> TableMut<'a> {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.table.counts().len as usize
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many keys have an expiry.
    pub fn volatile_len(&self) -> usize {
        self.table.counts().volatile as usize
    }

    /// Bytes of bucket arrays and directory.
    pub fn memory(&self) -> usize {
        self.table.spans().map(Span::bytes).sum::<usize>()
            + self.table.directory().map_or(0, Directory::bytes)
    }

    /// The entry of a key; `hash` is the key's.
    #[inline]
    pub fn find(&self, hash: u64, key: &[u8]) -> Option<Entry<'_>> {
        let span = self.table.span(hash)?;
        let (_, block) = span.find(hash, key)?;
        // SAFETY: the borrow of `self` keeps changes away.
        Some(unsafe { Entry::new(block) })
    }

    /// As [`TableMut::find`], for as long as the exclusive access lasts.
    #[inline]
    pub fn into_entry(self, hash: u64, key: &[u8]) -> Option<Entry<'a>> {
        let span = self.table.span(hash)?;
        let (_, block) = span.find(hash, key)?;
        // SAFETY: the exclusive access, now given up to the entry, keeps changes away for `'a`.
        Some(unsafe { Entry::new(block) })
    }

    /// As [`TableMut::find_mut`], for as long as the exclusive access lasts.
    #[inline]
    pub fn into_occupied(self, hash: u64, key: &[u8]) -> Option<Occupied<'a>> {
        let span = self.table.span(hash)?;
        let (place, _) = span.find(hash, key)?;
        Some(Occupied::new(self.table, span, place))
    }

    /// The place of a key, for changing or removing its entry.
    #[inline]
    pub fn find_mut(&mut self, hash: u64, key: &[u8]) -> Option<Occupied<'_>> {
        let span = self.table.span(hash)?;
        let (place, _) = span.find(hash, key)?;
        Some(Occupied::new(self.table, span, place))
    }

    /// Inserts the entry of a key that is not there yet.
    pub fn insert_new(
        &mut self,
        hasher: &Hasher,
        hash: u64,
        entry: EntryBox,
        retired: &mut Retired,
    ) -> Occupied<'_> {
        debug_assert_eq!(hash, hasher.hash(entry.key()));
        debug_assert!(self.find(hash, entry.key()).is_none(), "insert_new of a key that is there");
        let volatile = entry.as_ref().expire_at().is_some();
        let block = entry.into_block();
        self.table.settle(hash, retired);
        loop {
            if let Some((span, place)) = self.try_place(hash, block, volatile) {
                self.table.count(span, 1, i32::from(volatile));
                return Occupied::new(self.table, span, place);
            }
            self.table.grow(hasher, hash, retired);
        }
    }

    fn try_place(&self, hash: u64, block: crate::layout::Block, volatile: bool) -> Option<(Span, Place)> {
        let span = self.table.span(hash)?;
        if self.table.span_counts(span).len >= max_len(span.buckets) {
            return None;
        }
        let place = span.place(Element { block, window: span.window(hash), volatile })?;
        Some((span, place))
    }

    /// Takes all entries out and leaves an empty table; what is taken may be freed bit by bit, elsewhere.
    pub fn take(&mut self) -> Detached {
        let root = self.table.root.swap(null_mut(), Ordering::Relaxed);
        // SAFETY: exclusive access.
        let counts = unsafe { self.table.counts.get().replace(Counts::default()) };
        Detached::new(root, counts)
    }

    /// Exchanges the contents of two tables.
    pub fn swap(&mut self, other: &mut TableMut<'_>) {
        let root = self.table.root.load(Ordering::Relaxed);
        let theirs = other.table.root.load(Ordering::Relaxed);
        self.table.root.store(theirs, Ordering::Release);
        other.table.root.store(root, Ordering::Release);
        // SAFETY: exclusive access to both, and two `TableMut` are of two tables.
        unsafe { std::ptr::swap(self.table.counts.get(), other.table.counts.get()) };
    }
}

impl fmt::Debug for TableMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableMut").field("len", &self.len()).field("memory", &self.memory()).finish()
    }
}

#[cfg(all(test, not(asan)))]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Tables that grow side by side leave an array size one by one. Without moves, what is left of its pages would be as
    /// much as is in use.
    #[test]
    fn arrays_leave_pages_that_become_sparse() {
        const TABLES: u64 = 4000;
        const PAGE_BYTES: usize = 64 << 10;
        let hasher = Hasher::fixed(1);
        let mut retired = Retired::new();
        let tables: Vec<Table> = (0..TABLES).map(|_| Table::new()).collect();
        let mut worst = 0.0f64;
        for i in 0..TABLES * 120 {
            // SplitMix64's step, as good as a slot's CRC.
            let table =
                &tables[((i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize % TABLES as usize];
            let key = i.to_be_bytes();
            let entry = EntryBox::from_int(&key, 1, None);
            // SAFETY: the only `TableMut`, on the only thread, which does not prefetch; so also below.
            unsafe {
                table.exclusive().insert_new(&hasher, hasher.hash(&key), entry, &mut retired);
                retired.free();
            }
            if i >= TABLES * 60 && i % TABLES == 0 {
                let spans: Vec<Span> = tables.iter().flat_map(Table::spans).collect();
                let used: usize = spans.iter().map(|span| span.bytes()).sum();
                let pages: HashSet<usize> =
                    spans.iter().map(|span| span.address(0).addr() / PAGE_BYTES).collect();
                worst = worst.max((pages.len() * PAGE_BYTES) as f64 / used as f64);
            }
        }
        assert!(worst < 1.4, "the pages of arrays are {worst:.2} times what is used of them");
    }
}
