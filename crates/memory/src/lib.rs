//! The process's allocator, and how much it has given out.
//!
//! `used_memory`, maxmemory and eviction need to know at any moment how many bytes are allocated, to a fraction of a
//! percent, without a counter that all threads contend for. So [`CountingAllocator`] is mimalloc with a count per
//! thread:
//!
//! ```text
//!   thread A ──▶ cell 0 ┐
//!   thread B ──▶ cell 1 ├─ used_bytes() = sum of all cells
//!   (ended)      cell 2 ┤  keeps its sum until a new thread goes on counting in it
//!   no cell  ──▶ shared ┘  threads beyond the last cell, and the last breath of ending threads
//! ```
//!
//! What is counted is the usable size of each block, as Redis counts it: what the program asked for, rounded up to
//! mimalloc's size class. mimalloc returns block and size from one call, so counting needs no second look-up. Not
//! counted: mimalloc's own bookkeeping, pages it keeps free, stacks, the binary. [`rss_bytes`] has all of these; the
//! quotient of the two is the fragmentation ratio.
//!
//! When one thread allocates a block and another frees it, the first thread's cell grows and the other's shrinks,
//! possibly below zero: only the sum has a meaning. The sum is read cell by cell while other threads keep counting. It
//! is exact when nothing is allocated or freed meanwhile, and otherwise off by what is.
//!
//! Entries and bucket arrays, of which there are very many, come from [`slab`] instead and are counted in the same
//! cells.
//!
//! Cost, measured with `cargo run --release -p memory --example cost` (one thread, blocks of 24 to 120 bytes): a pair of
//! allocation and release takes 9.2 ns with mimalloc alone and 10.5 ns counted.
//!
//! This crate is an unsafe kernel. Invariants:
//! - Every block that is released here was allocated here, so mimalloc knows its size (`GlobalAlloc`'s contract).
//! - mimalloc reports the same size for a block when it is allocated, resized and released: its page's block size,
//!   whatever the alignment. So what was added is what is taken away.
//! - Counting allocates nothing, takes no lock, and has no destructor in thread-local storage: it works in a
//!   thread's first allocation and in its last (see [`counters`] for how a thread gives its cell back).

#![allow(clippy::disallowed_methods)] // the figures of the process are files of the kernel

mod classes;
mod counters;
mod process;
pub mod slab;

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::ptr;

pub use classes::size_class;
pub use counters::used_bytes;
pub use process::{allocator_name, purge, rss_bytes, trim};

/// mimalloc aligns every block of at least this size to at least this.
const NATURAL_ALIGNMENT: usize = 16;

// Part of mimalloc's interface since 3.0, but not in the bindings: the usual calls, which also store the usable size
// of the block. They leave it alone when there is no block.
unsafe extern "C" {
    fn mi_umalloc(size: usize, usable: *mut usize) -> *mut c_void;
    fn mi_umalloc_aligned(size: usize, alignment: usize, usable: *mut usize) -> *mut c_void;
    fn mi_ucalloc(count: usize, size: usize, usable: *mut usize) -> *mut c_void;
    fn mi_uzalloc_aligned(size: usize, alignment: usize, usable: *mut usize) -> *mut c_void;
    fn mi_urealloc(
        block: *mut c_void,
        size: usize,
        usable_before: *mut usize,
        usable_after: *mut usize,
    ) -> *mut c_void;
    fn mi_ufree(block: *mut c_void, usable: *mut usize);
}

/// mimalloc, counted. The binary makes it the global allocator:
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;
///
/// let before = memory::used_bytes();
/// let block = vec![0u8; 1 << 20];
/// assert!(memory::used_bytes() >= before + (1 << 20));
/// drop(block);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CountingAllocator;

// SAFETY: every block comes from mimalloc with the layout's size and alignment, or is null; nothing here panics.
unsafe impl GlobalAlloc for CountingAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mut usable = 0;
        // SAFETY: any size will do, and `usable` is there to be written.
        let block = unsafe { mi_umalloc(layout.size(), &mut usable) };
        if is_natural(layout) || fits(block, layout) {
            return counted(block, usable);
        }
        // SAFETY: the block is mimalloc's, or null, and nobody has seen it; a layout's alignment is a power of two.
        unsafe {
            mi_ufree(block, &mut usable);
            let block = mi_umalloc_aligned(layout.size(), layout.align(), &mut usable);
            counted(block, usable)
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let mut usable = 0;
        // SAFETY: as in `alloc`; one times a size does not overflow.
        let block = unsafe { mi_ucalloc(1, layout.size(), &mut usable) };
        if is_natural(layout) || fits(block, layout) {
            return counted(block, usable);
        }
        // SAFETY: as in `alloc`.
        unsafe {
            mi_ufree(block, &mut usable);
            let block = mi_uzalloc_aligned(layout.size(), layout.align(), &mut usable);
            counted(block, usable)
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        let mut usable = 0;
        // SAFETY: the caller promises that the block came from this allocator and is not used again.
        unsafe { mi_ufree(block.cast(), &mut usable) };
        counters::add(-signed(usable));
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `new_size`, rounded up to the alignment, does not overflow.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        if !is_natural(layout) || !is_natural(new_layout) {
            // SAFETY: the caller's promises are the ones that are needed here.
            return unsafe { self.move_to(block, layout, new_layout) };
        }
        let (mut before, mut after) = (0, 0);
        // SAFETY: as in `dealloc`; if there is no new block, the old one stays as it is.
        let new_block = unsafe { mi_urealloc(block.cast(), new_size, &mut before, &mut after) };
        if !new_block.is_null() {
            counters::add(signed(after) - signed(before));
        }
        new_block.cast()
    }
}

impl CountingAllocator {
    /// Allocates the new layout and moves the contents there, for alignments that mimalloc's `realloc` does not keep.
    ///
    /// # Safety
    /// The block was allocated here with `layout` and is not used again, unless null is returned.
    unsafe fn move_to(&self, block: *mut u8, layout: Layout, new_layout: Layout) -> *mut u8 {
        // SAFETY: `GlobalAlloc` allows no layout of size zero, and both sizes are its caller's.
        let new_block = unsafe { self.alloc(new_layout) };
        if !new_block.is_null() {
            // SAFETY: both blocks have at least that size, and they are two.
            unsafe { ptr::copy_nonoverlapping(block, new_block, layout.size().min(new_layout.size())) };
            // SAFETY: the caller promises so.
            unsafe { self.dealloc(block, layout) };
        }
        new_block
    }
}

/// True if mimalloc aligns the block as the layout requires without being asked.
#[inline]
fn is_natural(layout: Layout) -> bool {
    layout.align() <= NATURAL_ALIGNMENT && layout.align() <= layout.size()
}

/// True if a block satisfies the layout's alignment although none was requested: blocks whose size is a multiple of a cache
/// line mostly do. mimalloc's aligned allocation would take the next size class for them (3,584 bytes for 3,072), for every
/// bucket array.
#[inline]
fn fits(block: *mut c_void, layout: Layout) -> bool {
    !block.is_null() && block.addr().is_multiple_of(layout.align())
}

#[inline]
fn counted(block: *mut c_void, usable: usize) -> *mut u8 {
    if !block.is_null() {
        counters::add(signed(usable));
    }
    block.cast()
}

#[inline]
fn signed(bytes: usize) -> i64 {
    bytes as i64 // a block is smaller than half the address space
}
