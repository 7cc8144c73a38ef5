//! Slabs: blocks of a few bytes to a few kilobytes for the keyspace, packed without gaps.
//!
//! A keyspace consists of very many small blocks of few sizes. mimalloc's classes are 16 bytes apart, or an eighth to a
//! quarter of the size, and rounding up to them loses a tenth of all memory. Here classes are 2 bytes or a thirty-second
//! apart ([`classes`]). The owner of a block knows its size, so nothing is stored beside it.
//!
//! ```text
//!   thread ──▶ heap ──▶ pages of 64 KiB, each with blocks of one class ──▶ regions of 64 MiB
//!                ▲            │
//!                └────────────┘ a block's address tells its page, and the head of the page its heap
//! ```
//!
//! - [`heap`]: a thread allocates from its own pages and frees into them without atomic read-modify-write operations.
//!   Blocks that other threads free gather on a stack, and are put back when the thread needs a page, or by [`tidy`].
//! - [`claim`]: how another thread enters a thread's heap while that sleeps.
//! - [`pool`]: unused pages, and their memory.
//!
//! Blocks larger than the largest class come from the global allocator, by the same calls.
//!
//! **Counted** like all memory: [`crate::used_bytes`] includes the class size of every block from its allocation until any
//! thread frees it.
//!
//! **Invariants.** A page belongs to one heap as long as a block of it is in use. It is its class's current page, or listed as one
//! with room, or full, and never two of these. Only a thread that has entered the heap changes the head of a page. A block is in
//! exactly one state: in use, in its page's list, or on the way there through its heap's stack. A page goes back to the pool only
//! when no block is in use; blocks on the way count as in use.
//!
//! **Limits.** A thread has at most one page of each class beyond those it fills, which takes memory as its blocks are first used.
//! Pages that are sparse after many frees stay until their last block goes; [`is_sparse`] tells which these are, so that owners
//! who can move a block move it.
//!
//! AddressSanitizer knows blocks of its own allocator only. With `--cfg asan` every block comes from the global
//! allocator, with the size of its class, so that each overrun and each use after free is detected. The tests of this
//! module use heaps directly.

mod claim;
mod classes;
mod heap;
mod page;
mod pool;
#[cfg(test)]
mod tests;

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use crate::{counters, size_class};

/// The size of the block that a request of `bytes` gets. All of it may be requested, used, and named when freeing.
#[inline]
pub const fn block_bytes(bytes: usize) -> usize {
    if bytes <= classes::LARGEST { classes::rounded(bytes) } else { size_class(bytes) }
}

/// Whether blocks of this size lie in slabs.
#[inline]
const fn is_slab(bytes: usize) -> bool {
    cfg!(not(asan)) && bytes <= classes::LARGEST
}

/// Allocates a block. Its alignment is the largest power of two up to 64 that divides the layout's size, and at least
/// two bytes; the layout's own must not be larger.
#[inline]
pub fn allocate(layout: Layout) -> NonNull<u8> {
    if !is_slab(layout.size()) {
        return allocate_large(layout);
    }
    debug_assert!(
        layout.align() <= 2 || layout.size().is_multiple_of(layout.align()) && layout.align() <= 64
    );
    let class = classes::class_of(layout.size());
    let block = heap::with_own(|heap| heap.allocate(class)).unwrap_or_else(|| handle_alloc_error(layout));
    counters::add(classes::rounded(layout.size()) as i64);
    block
}

#[cold]
#[inline(never)]
fn allocate_large(layout: Layout) -> NonNull<u8> {
    let layout = large(layout);
    // SAFETY: the layout is not of size zero.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// The layout to request from the global allocator.
fn large(layout: Layout) -> Layout {
    let layout = Layout::from_size_align(block_bytes(layout.size()), layout.align());
    layout.expect("a block is far smaller than the address space")
}

/// Frees a block, from any thread.
///
/// # Safety
/// The block came from [`allocate`] with a layout of the same alignment, and of a size with the same [`block_bytes`].
/// Nobody uses it any more.
#[inline]
pub unsafe fn deallocate(block: NonNull<u8>, layout: Layout) {
    if !is_slab(layout.size()) {
        // SAFETY: the caller's promise.
        unsafe { dealloc(block.as_ptr(), large(layout)) };
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { heap::free(block) };
    counters::add(-(classes::rounded(layout.size()) as i64));
}

/// How many blocks of the page that a block lies in are in use, and how many it can hold. `None` for a large block.
///
/// # Safety
/// The block came from [`allocate`] with a layout of this size, and is in use.
pub unsafe fn occupancy(block: NonNull<u8>, bytes: usize) -> Option<(u32, u32)> {
    // SAFETY: the page of a block in use has a head.
    let page = is_slab(bytes).then(|| unsafe { pool::page_of(block).as_ref() })?;
    Some((page.used(), page.capacity()))
}

/// Whether moving the contents to a new block of the same size would help to empty a page: the block's page is less
/// than three quarters full, and this thread's next block would come from a fuller one.
///
/// # Safety
/// As for [`occupancy`].
pub unsafe fn is_sparse(block: NonNull<u8>, bytes: usize) -> bool {
    if !is_slab(bytes) {
        return false;
    }
    // SAFETY: the page of a block in use has a head.
    let page = unsafe { pool::page_of(block).as_ref() };
    page.used() * 4 < page.capacity() * 3 && heap::with_own(|heap| heap.would_fill_better(page))
}

/// Some of all pages. A page gets empty only when the last of its blocks was moved, so that whoever moves those of all sparse pages
/// needs room for all of them meanwhile: it moves them part by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    number: usize,
    of: usize,
}

impl Part {
    /// So many parts, which together are all pages and have about as many each; none is one.
    pub fn divide(of: usize) -> impl Iterator<Item = Part> {
        (0..of.max(1)).map(move |number| Part { number, of: of.max(1) })
    }

    /// What becomes free together should be huge pages of the system.
    fn has(self, block: NonNull<u8>) -> bool {
        self.of == 1 || block.addr().get() / pool::HUGE_PAGE_BYTES % self.of == self.number
    }
}

/// Whether moving the contents to a new block of the same size is worth while for a thread that moves all blocks of a part of which
/// this is true: the block's page is less than three quarters full, and this thread's next block comes from another one. Unlike
/// [`is_sparse`] it does not ask whether that one is fuller, since the moves fill it.
///
/// # Safety
/// As for [`occupancy`].
pub unsafe fn is_worth_moving(block: NonNull<u8>, bytes: usize, part: Part) -> bool {
    if !is_slab(bytes) || !part.has(block) {
        return false;
    }
    // SAFETY: the page of a block in use has a head.
    let page = unsafe { pool::page_of(block).as_ref() };
    is_worth_emptying(page)
}

/// Whether moving the blocks of a page elsewhere is worth while; see [`is_worth_moving`].
fn is_worth_emptying(page: &page::Page) -> bool {
    page.used() * 4 < page.capacity() * 3 && !heap::with_own(|heap| heap.is_current(page))
}

/// How well the pages of slabs are used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of pages with a block in use.
    pub pages_bytes: u64,
    /// Bytes of blocks in use.
    pub used_bytes: u64,
    /// Bytes of blocks in sparse pages: those that are [worth moving](is_worth_moving).
    pub sparse_bytes: u64,
    /// Bytes of the pages that would get empty if all of these were moved.
    pub spare_bytes: u64,
}

/// How well the pages of slabs are used, at about one moment. It takes some microseconds for each 64 MiB.
pub fn usage() -> Usage {
    let (mut usage, mut sparse) = (Usage::default(), [(0u64, 0u64); classes::CLASSES]);
    pool::each_taken(|page| {
        let (used, class) = (u64::from(page.used()), page.class());
        if used == 0 || class >= classes::CLASSES {
            return;
        }
        let bytes = classes::bytes_of(class);
        usage.pages_bytes += pool::PAGE_BYTES as u64;
        usage.used_bytes += used * bytes as u64;
        if used * 4 < (pool::PAGE_BYTES / bytes) as u64 * 3 {
            usage.sparse_bytes += used * bytes as u64;
            let (pages, blocks) = &mut sparse[class];
            (*pages, *blocks) = (*pages + 1, *blocks + used);
        }
    });
    for (class, (pages, blocks)) in sparse.into_iter().enumerate().filter(|(_, (pages, _))| *pages > 0) {
        let capacity = (pool::PAGE_BYTES / classes::bytes_of(class)) as u64;
        usage.spare_bytes += (pages - blocks.div_ceil(capacity)) * pool::PAGE_BYTES as u64;
    }
    usage
}

/// Puts back blocks that other threads freed, for sleeping threads too, and gives back the memory of pages that have
/// been empty since the last call; when forced, of all empty pages.
pub(crate) fn tidy(is_forced: bool) {
    heap::tidy(is_forced);
    pool::purge(is_forced);
}
