//! Regions of address space, cut into pages of one size, and the pages that are unused.
//!
//! ```text
//!  region: 64 MiB, aligned to its size
//!  +--------------------------+--------+--------+-----+-----------+
//!  | heads of pages 0 to 1023 | page 1 | page 2 |     | page 1023 |
//!  +--------------------------+--------+--------+-----+-----------+
//!   64 KiB, 64 bytes a head    64 KiB each
//! ```
//!
//! A block finds its page's head by its address alone. Heads lie apart from the blocks: at the start of each page they
//! would all map to the same few cache sets.
//!
//! A region is reserved as a whole and takes memory as it is touched. The first consists of small pages of the system, so
//! that a node with little data is small; those behind it are advised to be huge ones (see `docs/decisions/huge-pages.md`).
//! Pages are handed out from the lowest address on, so that data stays close together and the far end becomes empty.
//! Regions are never given back. [`purge`] gives back the memory of pages that have been free from one call to the next. A
//! hole in a huge page stays as long as more than half of that page is in use: giving it back would split the huge page,
//! and a keyspace that grows fills such holes.

use std::ptr::{NonNull, null_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::page::Page;

pub(super) const PAGE_BYTES: usize = 64 << 10;
const REGION_BYTES: usize = 64 << 20;
const PAGES: usize = REGION_BYTES / PAGE_BYTES;
const WORDS: usize = PAGES / 64;
/// Pages in a huge page of the system.
const HUGE_PAGES: usize = HUGE_PAGE_BYTES / PAGE_BYTES;
/// The size of a huge page of the system.
pub(super) const HUGE_PAGE_BYTES: usize = 2 << 20;
/// Calls of [`purge`] that a free page sees before its memory is given back.
const AGE: u8 = 1;
/// How many pages are taken out of the pool at a time to give back their memory.
const PURGE_PAGES: usize = 64;

const _: () = assert!(PAGES * size_of::<Page>() == PAGE_BYTES, "the heads fill page 0");

static POOL: Mutex<Pool> = Mutex::new(Pool { regions: Vec::new() });

struct Pool {
    regions: Vec<Region>,
}

struct Region {
    base: NonNull<u8>,
    /// A bit for each page that is free.
    free: [u64; WORDS],
    /// Free pages that were used, so they may hold memory.
    touched: [u64; WORDS],
    /// For how many calls of [`purge`] each has been free.
    ages: [u8; PAGES],
    /// Its pages may be parts of huge ones.
    is_huge: bool,
}

// SAFETY: address space, and bits about it.
unsafe impl Send for Region {}

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The head of the page that a block lies in.
#[inline]
pub(super) fn page_of(block: NonNull<u8>) -> NonNull<Page> {
    let head = |addr: usize| {
        let base = addr & !(REGION_BYTES - 1);
        base + (addr - base) / PAGE_BYTES * size_of::<Page>()
    };
    // The pointer came from the region's own, so it may point anywhere in it.
    let page = block.as_ptr().map_addr(head).cast::<Page>();
    // SAFETY: a region does not begin at address zero.
    unsafe { NonNull::new_unchecked(page) }
}

/// Takes a page: its head, which is not set up yet, and its first byte. `None` when the system has no more memory.
pub(super) fn take() -> Option<(NonNull<Page>, NonNull<u8>)> {
    let mut pool = pool();
    let known = pool.regions.iter_mut().find_map(Region::take);
    known.or_else(|| {
        let is_first = pool.regions.is_empty();
        let mut region = Region::reserve(!is_first)?;
        let page = region.take();
        // In order of addresses, so that the lowest is preferred.
        let at = if is_first {
            0
        } else {
            1 + pool.regions[1..].partition_point(|other| other.base < region.base)
        };
        pool.regions.insert(at, region);
        page
    })
}

/// Looks at the head of each page that is taken. Pages come and go meanwhile.
pub(super) fn each_taken(mut see: impl FnMut(&Page)) {
    let count = pool().regions.len();
    for at in 0..count {
        let Some((base, free)) = pool().regions.get(at).map(|region| (region.base, region.free)) else {
            return;
        };
        for page in (0..PAGES).filter(|page| free[page / 64] >> (page % 64) & 1 == 0).skip(1) {
            // SAFETY: heads are part of their region, which is never unmapped.
            see(unsafe { base.cast::<Page>().add(page).as_ref() });
        }
    }
}

/// Gives back a page without blocks in use, by its first byte.
pub(super) fn give(start: NonNull<u8>) {
    let start = start.addr().get();
    let base = start & !(REGION_BYTES - 1);
    let index = (start - base) / PAGE_BYTES;
    let mut pool = pool();
    let region = pool.regions.iter_mut().find(|region| region.base.addr().get() == base);
    let region = region.expect("a page is part of a region");
    region.free[index / 64] |= 1 << (index % 64);
    region.touched[index / 64] |= 1 << (index % 64);
}

/// Gives back the memory of free pages: of all, or of those that have been free for long enough.
pub(super) fn purge(is_forced: bool) {
    let count = pool().regions.len();
    for at in 0..count {
        if let Some(region) = pool().regions.get_mut(at) {
            region.grow_older();
        }
        // In steps, since others wait for the pool.
        loop {
            let Some((base, pages)) = pool().regions.get_mut(at).map(|region| region.take_old(is_forced))
            else {
                return;
            };
            if pages.is_empty() {
                break;
            }
            for run in pages.chunk_by(|one, next| one + 1 == *next) {
                release(base, run[0] * PAGE_BYTES, run.len() * PAGE_BYTES);
            }
            let mut pool = pool();
            let region = pool.regions.iter_mut().find(|region| region.base == base).expect("regions stay");
            pages.iter().for_each(|page| region.free[page / 64] |= 1 << (page % 64));
        }
    }
}

impl Region {
    fn reserve(is_later: bool) -> Option<Region> {
        let is_huge = is_later && cfg!(target_os = "linux") && crate::process::wants_huge_pages();
        // Twice the size holds an aligned one; the rest goes back at once.
        let length = 2 * REGION_BYTES;
        // SAFETY: a new mapping, at an address that the system chooses.
        let start = unsafe {
            libc::mmap(
                null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return None;
        }
        let start = start.cast::<u8>();
        let before = start.addr().next_multiple_of(REGION_BYTES) - start.addr();
        let base = start.wrapping_add(before);
        let behind = length - before - REGION_BYTES;
        // SAFETY: parts of the mapping that was just made, which nobody uses.
        unsafe {
            if before > 0 {
                libc::munmap(start.cast(), before);
            }
            if behind > 0 {
                libc::munmap(base.wrapping_add(REGION_BYTES).cast(), behind);
            }
            #[cfg(target_os = "linux")]
            if is_huge {
                // A wish; where it is refused the pages are small.
                libc::madvise(base.cast(), REGION_BYTES, libc::MADV_HUGEPAGE);
            }
        }
        let mut free = [u64::MAX; WORDS];
        free[0] &= !1; // the heads
        let base = NonNull::new(base)?;
        Some(Region { base, free, touched: [0; WORDS], ages: [0; PAGES], is_huge })
    }

    fn take(&mut self) -> Option<(NonNull<Page>, NonNull<u8>)> {
        let word = self.free.iter().position(|word| *word != 0)?;
        let index = word * 64 + self.free[word].trailing_zeros() as usize;
        self.remove(index);
        // SAFETY: both lie in the region, the heads at its start.
        Some(unsafe { (self.base.cast::<Page>().add(index), self.base.add(index * PAGE_BYTES)) })
    }

    /// Takes a page out of the free ones.
    fn remove(&mut self, page: usize) {
        self.free[page / 64] &= !(1 << (page % 64));
        self.touched[page / 64] &= !(1 << (page % 64));
        self.ages[page] = 0;
    }

    fn grow_older(&mut self) {
        for page in 0..PAGES {
            let is_touched = self.touched[page / 64] >> (page % 64) & 1 != 0;
            self.ages[page] = if is_touched { self.ages[page].saturating_add(1) } else { 0 };
        }
    }

    /// Takes some free pages out whose memory is to be given back.
    fn take_old(&mut self, is_forced: bool) -> (NonNull<u8>, Vec<usize>) {
        let mut pages = Vec::new();
        for word in 0..WORDS {
            let mut bits = self.touched[word];
            while bits != 0 && pages.len() < PURGE_PAGES {
                let page = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                // A page was one call old when it was first seen to be free.
                let is_due = self.ages[page] > AGE && (!self.is_huge || self.is_mostly_free_around(page));
                if is_forced || is_due {
                    pages.push(page);
                }
            }
        }
        pages.iter().for_each(|page| self.remove(*page));
        (self.base, pages)
    }

    /// Whether at least half of the huge page that a page is part of is free.
    fn is_mostly_free_around(&self, page: usize) -> bool {
        let first = page / HUGE_PAGES * HUGE_PAGES;
        let mask = ((1 << HUGE_PAGES) - 1) << (first % 64);
        (self.free[first / 64] & mask).count_ones() as usize >= HUGE_PAGES / 2
    }
}

fn release(base: NonNull<u8>, offset: usize, length: usize) {
    let start = base.as_ptr().wrapping_add(offset);
    #[cfg(target_os = "linux")]
    let advice = libc::MADV_DONTNEED;
    #[cfg(not(target_os = "linux"))]
    let advice = libc::MADV_FREE;
    // SAFETY: whole pages of a region, which nobody uses while they are neither free nor taken.
    unsafe { libc::madvise(start.cast(), length, advice) };
}
