//! A span: one bucket array and the range of hashes whose elements it holds.
//!
//! A table is one span over all hashes, or, once large, a directory of spans that halve the range again and again. A
//! span of depth `d` holds the hashes that share their top `d` bits, its *prefix*.
//!
//! ```text
//!  hash   | depth bits | 16 position bits | ...                      most significant bit first
//!                      '------------------' home = position * homes >> 16
//!          | slack |------- window: 22 bits kept in bucket and cell ------|
//!                  '- starts at depth - slack, slack 0 ..= 6, so it always covers the position
//! ```
//!
//! `home` is monotone in the hash, so buckets are in hash order and the number of home buckets may be anything. An
//! element lies in its home bucket or, when that was full, in the first later one that had room; every bucket it
//! passed counts it. Behind the homes follow a few spill buckets, so probing never wraps around.
//!
//! Rebuilding an array needs the position under the new depth only, which window and prefix give: no entry is touched,
//! except when a split would need a seventh bit of slack. Then the keys are hashed again and the window moves on.
//! That happens to an element once in 128-fold growth.
//!
//! Hashes are uniform as long as nobody knows the hasher's key. If so many collide all the same that splitting cannot
//! separate them, the array becomes *wide*: the number of homes stays the same, and all further buckets are spill,
//! which takes elements with any hash. All operations stay correct and are only slow. The sizes of wide arrays are
//! multiples of a unit that grows, so that their packed form has room.
//!
//! Everything about a span is packed into one tagged pointer, so that a prefetching thread reads pointer and geometry
//! in one piece:
//!
//! ```text
//!  63             61     58        48                    6       0
//!  +-----------+------+-----+---------+--------------------+-------+
//!  | directory | unit |slack| buckets | address, 64-aligned| depth |
//!  +-----------+------+-----+---------+--------------------+-------+
//!    1: another    2     3      10              42             6        bits; see `directory` for the other form
//!
//!  buckets = field << (6 * unit)
//! ```

use memory::slab;
use std::alloc::Layout;
use std::ptr::NonNull;

use crate::Hasher;
use crate::bucket::{Bucket, CELLS, Element, WINDOW_BITS};
use crate::layout::Block;
use crate::retired::Retired;

/// Bits of the hash that choose the home bucket within a span.
pub(crate) const POSITION_BITS: u32 = 16;
/// Bits of the window that may lie before the position.
const MAX_SLACK: u32 = WINDOW_BITS - POSITION_BITS;
/// Deeper than memory allows; a cursor's 48 bits still hold every bucket boundary.
pub(crate) const MAX_DEPTH: u32 = 32;
/// What the packed form can express of the number of buckets, in units.
const MAX_UNITS: u32 = (1 << 10) - 1;
/// Each unit is this power of two larger than the one before.
const UNIT_BITS: u32 = 6;
const LARGEST_UNIT: u32 = 3;
/// An array of more buckets is wide: those beyond are spill.
pub(crate) const MAX_HOMES: u32 = 1021;

const _: () = assert!(MAX_DEPTH + POSITION_BITS <= 48);
const _: () = assert!(MAX_HOMES + spill(MAX_UNITS) == MAX_UNITS);

/// Where an element is: bucket and cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) bucket: u32,
    pub(crate) cell: u32,
}

/// See the module's essay. A `Span` is a copy of the packed pointer's fields; the array belongs to the table.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    start: NonNull<Bucket>,
    /// Home and spill buckets.
    pub(crate) buckets: u32,
    /// Top bits of the hash that all elements share.
    pub(crate) depth: u32,
    slack: u32,
    /// These bits, in place.
    pub(crate) prefix: u64,
}

/// Spill buckets of an array.
#[inline]
const fn spill(buckets: u32) -> u32 {
    match buckets {
        0..=1 => 0,
        2..=7 => 1,
        8..=MAX_UNITS => 2,
        _ => buckets - MAX_HOMES,
    }
}

/// The unit that a number of buckets is packed in.
const fn unit(buckets: u32) -> u32 {
    let mut unit = 0;
    while unit < LARGEST_UNIT && buckets > MAX_UNITS << (UNIT_BITS * unit) {
        unit += 1;
    }
    unit
}

/// The smallest number of buckets from this on that can be packed.
pub(crate) fn packable(buckets: u32) -> u32 {
    buckets.next_multiple_of(1 << (UNIT_BITS * unit(buckets)))
}

impl Span {
    /// An empty array.
    pub(crate) fn allocate(buckets: u32, depth: u32, slack: u32, prefix: u64) -> Span {
        assert!(buckets >= 1 && depth <= MAX_DEPTH && slack <= MAX_SLACK.min(depth));
        // Elements whose hashes all collide would have to be compared 2^60 times to get here.
        assert!(buckets <= MAX_UNITS << (UNIT_BITS * LARGEST_UNIT), "as many buckets as can be packed");
        debug_assert_eq!(buckets, packable(buckets));
        let layout = Self::layout_of(buckets);
        let start = slab::allocate(layout);
        // SAFETY: as many bytes as were asked for. Zeroed buckets are empty ones.
        unsafe { start.write_bytes(0, layout.size()) };
        assert!(start.addr().get() >> 48 == 0, "packed pointers have 48 bits of address");
        Span { start: start.cast(), buckets, depth, slack, prefix }
    }

    fn layout_of(buckets: u32) -> Layout {
        Layout::array::<Bucket>(buckets as usize).expect("a bounded number of buckets")
    }

    /// Gives the array, not the entries, to the batch.
    pub(crate) fn retire(self, retired: &mut Retired) {
        // SAFETY: allocated with this layout; the caller has replaced it, so only prefetches still use it.
        unsafe { retired.push(self.start.cast(), Self::layout_of(self.buckets)) };
    }

    /// Whether the array should move elsewhere, see [`slab::is_sparse`].
    pub(crate) fn lies_sparsely(self) -> bool {
        // SAFETY: the array is in use, and was allocated with so many bytes.
        unsafe { slab::is_sparse(self.start.cast(), self.bytes()) }
    }

    /// Whether a thread that moves all such arrays should move it, see [`slab::is_worth_moving`].
    pub(crate) fn is_worth_moving(self, part: slab::Part) -> bool {
        // SAFETY: as above.
        unsafe { slab::is_worth_moving(self.start.cast(), self.bytes(), part) }
    }

    /// The same array elsewhere; the caller replaces and retires this one.
    pub(crate) fn moved(self) -> Span {
        let layout = Self::layout_of(self.buckets);
        let start = slab::allocate(layout);
        // SAFETY: both have so many bytes and are two. Nobody changes the old array meanwhile, and nobody has seen the new one.
        unsafe { start.copy_from_nonoverlapping(self.start.cast(), layout.size()) };
        Span { start: start.cast(), ..self }
    }

    pub(crate) fn bytes(self) -> usize {
        self.buckets as usize * size_of::<Bucket>()
    }

    /// The packed form.
    pub(crate) fn pack(self) -> *mut u8 {
        let unit = unit(self.buckets);
        let units = self.buckets >> (UNIT_BITS * unit);
        let bits = (unit as usize) << 61
            | (self.slack as usize) << 58
            | (units as usize) << 48
            | self.depth as usize;
        self.start.as_ptr().cast::<u8>().map_addr(|addr| addr | bits)
    }

    /// The span of a packed pointer that is neither null nor a directory; `hash` is any hash in its range.
    #[inline]
    pub(crate) fn unpack(packed: *mut u8, hash: u64) -> Span {
        let bits = packed.addr();
        let depth = bits as u32 & 0x3F;
        let start = packed.map_addr(|addr| addr & ((1 << 48) - 1) & !0x3F).cast::<Bucket>();
        Span {
            start: NonNull::new(start).expect("a packed span has an array"),
            buckets: ((bits >> 48) as u32 & MAX_UNITS) << (UNIT_BITS * ((bits >> 61) as u32 & LARGEST_UNIT)),
            depth,
            slack: (bits >> 58) as u32 & 7,
            prefix: hash & prefix_mask(depth),
        }
    }

    /// A bucket; its index is checked in debug builds only.
    ///
    /// Sound because a span's array lives as long as the table's exclusive user, or a prefetch, may use the span, and
    /// all callers derive indexes from `homes`, `buckets` or a `Place` of the same span.
    #[inline]
    pub(crate) fn bucket<'a>(self, index: u32) -> &'a Bucket {
        debug_assert!(index < self.buckets);
        // SAFETY: see above.
        unsafe { self.start.add(index as usize).as_ref() }
    }

    /// The address of a bucket, for prefetching.
    #[inline]
    pub(crate) fn address(self, index: u32) -> *const u8 {
        self.start.as_ptr().wrapping_add(index as usize).cast()
    }

    pub(crate) fn homes(self) -> u32 {
        self.buckets - spill(self.buckets)
    }

    /// The home bucket of a hash in this span's range.
    #[inline]
    pub(crate) fn home(self, hash: u64) -> u32 {
        let position = (hash << self.depth) >> (64 - POSITION_BITS);
        ((position * u64::from(self.homes())) >> POSITION_BITS) as u32
    }

    /// The lowest hash whose home is this bucket; for `homes()`, the end of the range (0 at the very end).
    pub(crate) fn home_start(self, home: u32) -> u64 {
        let position = (u64::from(home) << POSITION_BITS).div_ceil(u64::from(self.homes()));
        if position >> POSITION_BITS != 0 {
            return self.end();
        }
        self.prefix + (position << (64 - POSITION_BITS - self.depth))
    }

    /// The first hash behind the range, 0 at the very end.
    pub(crate) fn end(self) -> u64 {
        if self.depth == 0 { 0 } else { self.prefix.wrapping_add(1 << (64 - self.depth)) }
    }

    #[inline]
    pub(crate) fn window(self, hash: u64) -> u32 {
        ((hash << (self.depth - self.slack)) >> (64 - WINDOW_BITS)) as u32
    }

    /// The hash of an element as far as the span knows it: zeros follow behind the window.
    #[inline]
    pub(crate) fn known_hash(self, window: u32) -> u64 {
        self.prefix | u64::from(window) << (64 - WINDOW_BITS - (self.depth - self.slack))
    }

    #[inline]
    pub(crate) fn home_of(self, window: u32) -> u32 {
        self.home(self.known_hash(window))
    }

    /// Finds a key: its place and its entry.
    #[inline]
    pub(crate) fn find(self, hash: u64, key: &[u8]) -> Option<(Place, Block)> {
        let window = self.window(hash);
        for index in self.home(hash)..self.buckets {
            let bucket = self.bucket(index);
            for cell in bucket.matching(window) {
                let Some(block) = bucket.candidate(cell, window).map(Block) else { continue };
                // SAFETY: cells hold live entries, and the table's user has exclusive access.
                if unsafe { block.key().as_ref() } == key {
                    return Some((Place { bucket: index, cell: cell as u32 }, block));
                }
            }
            if !bucket.overflows() {
                break;
            }
        }
        None
    }

    /// Puts an element into the first free cell from its home on; `None` when there is none.
    #[inline]
    pub(crate) fn place(self, element: Element) -> Option<Place> {
        let home = self.home_of(element.window);
        let (index, cell) = (home..self.buckets).find_map(|i| self.bucket(i).free().map(|cell| (i, cell)))?;
        self.bucket(index).set(cell, element);
        for passed in home..index {
            self.bucket(passed).add_overflow();
        }
        Some(Place { bucket: index, cell: cell as u32 })
    }

    /// Empties a place, then moves an element back into it that had to probe past it, and so on with the gap this
    /// leaves: lookups do not get slower with churn.
    pub(crate) fn clear(self, place: Place) {
        let mut gap = place;
        let gone = self.bucket(gap.bucket).element(gap.cell as usize);
        self.bucket(gap.bucket).clear(gap.cell as usize);
        for passed in self.home_of(gone.window)..gap.bucket {
            self.bucket(passed).subtract_overflow();
        }
        while let Some(from) = self.displaced_past(gap.bucket) {
            let element = self.bucket(from.bucket).element(from.cell as usize);
            self.bucket(gap.bucket).set(gap.cell as usize, element);
            self.bucket(from.bucket).clear(from.cell as usize);
            for passed in gap.bucket..from.bucket {
                self.bucket(passed).subtract_overflow();
            }
            gap = from;
        }
    }

    /// The nearest element behind this bucket whose home is this bucket or before.
    fn displaced_past(self, index: u32) -> Option<Place> {
        for behind in index + 1..self.buckets {
            if !self.bucket(behind - 1).overflows() {
                break;
            }
            let bucket = self.bucket(behind);
            for cell in bucket.occupied() {
                if self.home_of(bucket.element(cell).window) <= index {
                    return Some(Place { bucket: behind, cell: cell as u32 });
                }
            }
        }
        None
    }

    /// Moves all elements of the spans into a new array of this size, depth and prefix. `None` when one finds no
    /// room; the new array is then already freed.
    pub(crate) fn rebuild(
        parts: &[Span],
        buckets: u32,
        depth: u32,
        prefix: u64,
        hasher: Option<&Hasher>,
    ) -> Option<Span> {
        // Where the window may start at the latest without touching entries.
        let known = parts.iter().map(|part| part.depth - part.slack).min()?;
        let slack = if depth.saturating_sub(known) > MAX_SLACK { 0 } else { depth - known.min(depth) };
        let touch = depth - slack > known;
        let target = Span::allocate(buckets, depth, slack, prefix);
        for part in parts {
            for index in 0..part.buckets {
                let bucket = part.bucket(index);
                for cell in bucket.occupied() {
                    let mut element = bucket.element(cell);
                    let hash = match hasher {
                        // SAFETY: cells hold live entries.
                        Some(hasher) if touch => hasher.hash(unsafe { element.block.key().as_ref() }),
                        _ => part.known_hash(element.window),
                    };
                    if hash & prefix_mask(depth) != prefix {
                        continue;
                    }
                    element.window = target.window(hash);
                    if target.place(element).is_none() {
                        let mut unused = Retired::new();
                        target.retire(&mut unused);
                        // SAFETY: nobody else has seen the array.
                        unsafe { unused.free() };
                        return None;
                    }
                }
            }
        }
        Some(target)
    }

    /// All places that hold an element.
    pub(crate) fn places(self) -> impl Iterator<Item = Place> {
        (0..self.buckets).flat_map(move |bucket| {
            self.bucket(bucket).occupied().map(move |cell| Place { bucket, cell: cell as u32 })
        })
    }

    pub(crate) fn capacity(self) -> usize {
        self.buckets as usize * CELLS
    }
}

#[inline]
pub(crate) fn prefix_mask(depth: u32) -> u64 {
    if depth == 0 { 0 } else { u64::MAX << (64 - depth) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EntryBox;

    fn element(span: Span, hash: u64, i: i64) -> Element {
        let block = EntryBox::from_int(&i.to_be_bytes(), i, None).into_block();
        Element { block, window: span.window(hash), volatile: false }
    }

    fn free(span: Span, blocks: impl Iterator<Item = Block>) {
        blocks.for_each(|block| drop(EntryBox::from_block(block)));
        let mut retired = Retired::new();
        span.retire(&mut retired);
        // SAFETY: only this test has seen the array.
        unsafe { retired.free() };
    }

    #[test]
    fn homes_cut_the_range_at_the_starts_that_cursors_use() {
        for buckets in [1, 2, 3, 7, 8, 48, 511] {
            for (depth, prefix) in [(0, 0), (1, 1 << 63), (3, 5 << 61), (32, 0xDEAD_BEEF << 32)] {
                let span = Span::allocate(buckets, depth, 0, prefix);
                assert_eq!(span.home_start(0), prefix);
                assert_eq!(span.home_start(span.homes()), span.end());
                for home in 0..span.homes() {
                    let start = span.home_start(home);
                    assert_eq!(span.home(start), home);
                    assert_eq!(start << 48, 0, "a start fits a cursor");
                    assert!(home == 0 || span.home(start - 1) == home - 1);
                }
                free(span, std::iter::empty());
            }
        }
    }

    #[test]
    fn a_window_knows_the_home_at_any_slack() {
        let mut hash = 1u64;
        for slack in 0..=MAX_SLACK {
            for _ in 0..1000 {
                hash = hash.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
                let span = Span::allocate(511, 8, slack, hash & prefix_mask(8));
                let window = span.window(hash);
                assert_eq!(span.home_of(window), span.home(hash));
                assert_eq!(Span::unpack(span.pack(), hash).window(hash), window);
                free(span, std::iter::empty());
            }
        }
    }

    /// More elements pass a bucket than its count can say.
    #[test]
    fn a_stuck_overflow_count_hides_nothing() {
        const ELEMENTS: i64 = 300;
        let span = Span::allocate(64, 0, 0, 0);
        for i in 0..ELEMENTS {
            span.place(element(span, 0, i)).expect("64 buckets hold 448");
        }
        let find = |i: i64| span.find(0, &i.to_be_bytes());
        assert!((0..ELEMENTS).all(|i| find(i).is_some()));
        let mut removed = Vec::new();
        for i in 0..ELEMENTS {
            let (place, block) = find(i).expect("not yet removed");
            removed.push(block);
            span.clear(place);
            assert!((0..ELEMENTS).all(|j| find(j).is_some() == (j > i)));
        }
        assert_eq!(span.places().count(), 0);
        assert!(span.bucket(0).overflows(), "stuck");
        free(span, removed.into_iter());
    }

    /// Clearing pulls displaced elements back, so that no element lies further from home than it must.
    #[test]
    fn gaps_are_filled_from_behind() {
        let span = Span::allocate(8, 0, 0, 0);
        let second = span.home_start(1);
        let mut blocks = Vec::new();
        for i in 0..12 {
            let element = element(span, if i < 9 { 0 } else { second }, i);
            blocks.push(element.block);
            span.place(element).expect("there is room");
        }
        assert!(span.bucket(0).overflows());
        for i in 0..2i64 {
            span.clear(span.find(0, &i.to_be_bytes()).expect("placed").0);
        }
        assert!(!span.bucket(0).overflows() && !span.bucket(1).overflows());
        assert!(
            (2..9i64).all(|i| span.find(0, &i.to_be_bytes()).is_some_and(|(place, _)| place.bucket == 0))
        );
        assert!(
            (9..12i64)
                .all(|i| span.find(second, &i.to_be_bytes()).is_some_and(|(place, _)| place.bucket == 1))
        );
        free(span, blocks.into_iter());
    }
}
