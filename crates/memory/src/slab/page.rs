//! A page of blocks of one class, and the list of pages of a class that have room.

use std::cell::Cell;
use std::ptr::{self, NonNull, null_mut};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering::Relaxed};

use super::classes::bytes_of;
use super::heap::Heap;
use super::pool::PAGE_BYTES;

/// A full page is listed again when one block in this many is free. If it were listed with its first free block, a heap
/// whose blocks come and go would look for another page at every allocation.
const SOME_FREE: u32 = 32;

/// A page's place in its heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Standing {
    /// The one that its class allocates from.
    Current,
    /// In its class's list.
    Listed,
    /// In no list, because too few blocks are free; see [`SOME_FREE`].
    Full,
}

/// The head of a page. Only a thread that has entered the heap changes it. Others that hold a block of the page read what
/// is constant as long as a block exists (heap, class, capacity), and how many blocks are in use. Class and use may be read by
/// anyone: while the page is given away and set up anew they are of two lives of it.
#[repr(C, align(64))]
pub(super) struct Page {
    heap: Cell<*const Heap>,
    start: Cell<*mut u8>,
    /// Freed blocks, each with a pointer to the next in its first bytes.
    free: Cell<*mut u8>,
    next: Cell<*mut Page>,
    previous: Cell<*mut Page>,
    used: AtomicU32,
    capacity: Cell<u32>,
    /// Blocks from this on were never used, so their memory is not touched.
    fresh: Cell<u32>,
    block_bytes: Cell<u32>,
    /// When at most this many are in use, the page must be moved to another list.
    alert: Cell<i32>,
    class: AtomicU16,
    standing: Cell<Standing>,
}

const _: () = assert!(size_of::<Page>() == 64);

impl Page {
    /// Makes a page ready for blocks of a class.
    pub(super) fn set_up(&self, start: NonNull<u8>, heap: &Heap, class: usize) {
        let bytes = bytes_of(class);
        self.heap.set(heap);
        self.start.set(start.as_ptr());
        self.free.set(null_mut());
        self.next.set(null_mut());
        self.previous.set(null_mut());
        self.used.store(0, Relaxed);
        self.capacity.set((PAGE_BYTES / bytes) as u32);
        self.fresh.set(0);
        self.block_bytes.set(bytes as u32);
        self.class.store(class as u16, Relaxed);
        self.set_standing(Standing::Current);
    }

    #[inline]
    pub(super) fn heap(&self) -> *const Heap {
        self.heap.get()
    }

    /// The first byte.
    pub(super) fn start(&self) -> NonNull<u8> {
        NonNull::new(self.start.get()).expect("set up")
    }

    #[inline]
    pub(super) fn class(&self) -> usize {
        usize::from(self.class.load(Relaxed))
    }

    #[inline]
    pub(super) fn used(&self) -> u32 {
        self.used.load(Relaxed)
    }

    pub(super) fn capacity(&self) -> u32 {
        self.capacity.get()
    }

    #[inline]
    pub(super) fn standing(&self) -> Standing {
        self.standing.get()
    }

    pub(super) fn set_standing(&self, standing: Standing) {
        self.standing.set(standing);
        let capacity = self.capacity.get();
        self.alert.set(match standing {
            // It stays until somebody tidies up, even if it is empty.
            Standing::Current => -1,
            Standing::Listed => 0,
            Standing::Full => (capacity - capacity.div_ceil(SOME_FREE)) as i32,
        });
    }

    /// A block, if there is one.
    #[inline]
    pub(super) fn take(&self) -> Option<NonNull<u8>> {
        let used = self.used();
        let block = match NonNull::new(self.free.get()) {
            Some(block) => {
                self.free.set(next_of(block));
                block
            }
            None if self.fresh.get() < self.capacity.get() => {
                let index = self.fresh.get();
                self.fresh.set(index + 1);
                let at = (index * self.block_bytes.get()) as usize;
                // SAFETY: less than the capacity, so within the page.
                unsafe { NonNull::new_unchecked(self.start.get().add(at)) }
            }
            None => return None,
        };
        self.used.store(used + 1, Relaxed);
        Some(block)
    }

    /// Takes a block back. Returns whether the page must be moved to another list.
    #[inline]
    pub(super) fn put(&self, block: NonNull<u8>) -> bool {
        set_next(block, self.free.get());
        self.free.set(block.as_ptr());
        let used = self.used() - 1;
        self.used.store(used, Relaxed);
        used as i32 <= self.alert.get()
    }
}

/// The next block in the list of free blocks.
#[inline]
pub(super) fn next_of(block: NonNull<u8>) -> *mut u8 {
    // SAFETY: the caller has the block, which is free and has been linked; it has room for a pointer.
    unsafe { block.cast::<*mut u8>().read_unaligned() }
}

/// Sets the next block in the list of free blocks.
#[inline]
pub(super) fn set_next(block: NonNull<u8>, next: *mut u8) {
    // SAFETY: the caller has the block, which is free; it has room for a pointer.
    unsafe { block.cast::<*mut u8>().write_unaligned(next) }
}

/// Pages of one class that have room, linked both ways.
pub(super) struct List {
    first: *mut Page,
}

impl List {
    pub(super) const fn new() -> List {
        List { first: null_mut() }
    }

    /// The pages; each lives while it is in the list.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Page> {
        // SAFETY: heads of pages in use lie in their region, which is never unmapped.
        let page = |at: *mut Page| unsafe { at.as_ref() };
        std::iter::successors(page(self.first), move |before| page(before.next.get()))
    }

    pub(super) fn add(&mut self, page: &Page) {
        page.set_standing(Standing::Listed);
        page.previous.set(null_mut());
        page.next.set(self.first);
        // SAFETY: as in `iter`.
        if let Some(second) = unsafe { self.first.as_ref() } {
            second.previous.set(ptr::from_ref(page).cast_mut());
        }
        self.first = ptr::from_ref(page).cast_mut();
    }

    pub(super) fn remove(&mut self, page: &Page) {
        let (previous, next) = (page.previous.get(), page.next.get());
        // SAFETY: as in `iter`; neighbours in a list are in it themselves.
        match unsafe { previous.as_ref() } {
            Some(before) => before.next.set(next),
            None => self.first = next,
        }
        // SAFETY: as above.
        if let Some(behind) = unsafe { next.as_ref() } {
            behind.previous.set(previous);
        }
    }
}
