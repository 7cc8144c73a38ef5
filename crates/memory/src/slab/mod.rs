//! Blocks of a few bytes to a few kilobytes for the keyspace, without room between them.
//!
//! A keyspace consists of very many small blocks of few sizes. mimalloc's classes are 16 bytes apart, or an eighth to a
//! quarter of the size; what is lost to them is a tenth of all memory. Here classes are 2 bytes apart, or a thirty-second
//! ([`classes`]), and the size of a block is its owner's knowledge, so nothing is stored beside it.
//!
//! ```text
//!   thread ──▶ heap ──▶ pages of 64 KiB, each with blocks of one class ──▶ regions of 64 MiB
//!                ▲            │
//!                └────────────┘ a block's address tells its page, and the head of the page its heap
//! ```
//!
//! - [`heap`]: a thread allocates from its own pages and takes its own blocks back without an atomic operation on
//!   memory. Blocks that other threads free gather on a stack, and are put back when the thread needs a page, or by
//!   [`tidy`].
//! - [`claim`]: how others get into a thread's heap while it sleeps.
//! - [`pool`]: pages that nobody uses, and their memory.
//!
//! Blocks larger than the largest class come from the global allocator, by the same calls.
//!
//! **Counted** as everything else is: [`crate::used_bytes`] has the class's size of every block, from its allocation until
//! it is freed by whomever.
//!
//! **Invariants.** A page belongs to one heap as long as a block of it is in use. It is its class's current page, or listed as one
//! with room, or full, and never two of these. The head of a page is changed by who has entered its heap. A block is in
//! use, or in its page's list, or on the way there through its heap's stack, once. A page goes back to the pool only
//! without blocks in use, those on the way counted as used.
//!
//! **Limits.** A thread has at most one page of each class beyond those it fills, which takes memory as its blocks are first used.
//! Pages that are sparse after much was freed stay until their last block goes; [`is_sparse`] tells which these are, and
//! who can move a block moves it.
//!
//! AddressSanitizer knows blocks of its own allocator only. With `--cfg asan` every block comes from the global
//! allocator, with the size of its class, so that each byte beyond it is seen and each use after the end. The tests of
//! this module use heaps directly.

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

/// The bytes that a block of so many takes. It may be asked for, freed, and filled as a whole.
#[inline]
pub const fn block_bytes(bytes: usize) -> usize {
    if bytes <= classes::LARGEST { classes::rounded(bytes) } else { size_class(bytes) }
}

/// Whether blocks of this size lie in slabs.
#[inline]
const fn is_slab(bytes: usize) -> bool {
    cfg!(not(asan)) && bytes <= classes::LARGEST
}

/// A block. Its alignment is the largest power of two up to 64 that divides the layout's size, and at least two bytes;
/// the layout's own must not be larger.
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

/// The layout that is asked of the global allocator.
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

/// Whether a block had better be exchanged for another of its size: its page is less than three quarters full, and this
/// thread's next block would come from a fuller one.
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

/// Puts back what was freed from other threads, also of threads that sleep, and the memory of pages that have been
/// empty since the last call; of all empty pages if that is forced.
pub(crate) fn tidy(is_forced: bool) {
    heap::tidy(is_forced);
    pool::purge(is_forced);
}
