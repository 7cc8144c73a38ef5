//! The directory of a large table: which span holds which range of hashes.
//!
//! Slot `i` of a directory of depth `g` serves the hashes whose top `g` bits are `i`; a span of depth `d` stands in
//! `2^(g-d)` neighbouring slots. The counts of a span are kept in its first slot.
//!
//! The packed form has bit 63 set, the depth in the low six bits, and the address between.

use memory::slab;
use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::retired::Retired;
use crate::span::Span;

const DIRECTORY: usize = 1 << 63;

/// How many elements there are, and how many of them have an expiry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) len: u32,
    pub(crate) volatile: u32,
}

#[repr(C)]
struct Slot {
    span: AtomicPtr<u8>,
    /// Touched by the table's exclusive user only.
    counts: UnsafeCell<Counts>,
}

const _: () = assert!(size_of::<Slot>() == 16);

/// A copy of the packed pointer's fields; the slots belong to the table.
#[derive(Clone, Copy)]
pub(crate) struct Directory {
    start: NonNull<Slot>,
    pub(crate) depth: u32,
}

impl Directory {
    pub(crate) fn allocate(depth: u32) -> Directory {
        let layout = Self::layout_of(depth);
        let start = slab::allocate(layout);
        // SAFETY: as many bytes as were asked for. Zeroed slots are null pointers and zero counts.
        unsafe { start.write_bytes(0, layout.size()) };
        assert!(start.addr().get() >> 48 == 0, "packed pointers have 48 bits of address");
        Directory { start: start.cast(), depth }
    }

    fn layout_of(depth: u32) -> Layout {
        let slots = Layout::array::<Slot>(1 << depth)
            .and_then(|slots| slots.align_to(64))
            .map(|slots| slots.pad_to_align());
        slots.expect("a directory is far smaller than the address space")
    }

    pub(crate) fn bytes(self) -> usize {
        Self::layout_of(self.depth).size()
    }

    pub(crate) fn retire(self, retired: &mut Retired) {
        // SAFETY: allocated with this layout; the caller has replaced it, so only prefetches still use it.
        unsafe { retired.push(self.start.cast(), Self::layout_of(self.depth)) };
    }

    pub(crate) fn pack(self) -> *mut u8 {
        self.start.as_ptr().cast::<u8>().map_addr(|addr| addr | DIRECTORY | self.depth as usize)
    }

    /// The directory of a packed pointer, if it is one.
    #[inline]
    pub(crate) fn unpack(packed: *mut u8) -> Option<Directory> {
        if packed.addr() & DIRECTORY == 0 {
            return None;
        }
        let start = packed.map_addr(|addr| addr & !DIRECTORY & !0x3F).cast();
        Some(Directory { start: NonNull::new(start)?, depth: packed.addr() as u32 & 0x3F })
    }

    #[inline]
    fn slot<'a>(self, index: u64) -> &'a Slot {
        debug_assert!(index < 1 << self.depth);
        // SAFETY: callers derive indexes from `depth` bits; the directory lives as long as its user may use it.
        unsafe { self.start.add(index as usize).as_ref() }
    }

    #[inline]
    fn index(self, hash: u64) -> u64 {
        hash >> (64 - self.depth)
    }

    /// The span that serves a hash.
    #[inline]
    pub(crate) fn span(self, hash: u64, order: Ordering) -> Span {
        Span::unpack(self.slot(self.index(hash)).span.load(order), hash)
    }

    /// Writes a span into all its slots, for prefetching threads too.
    pub(crate) fn set_span(self, span: Span) {
        let first = self.index(span.prefix);
        for index in first..first + (1 << (self.depth - span.depth)) {
            self.slot(index).span.store(span.pack(), Ordering::Release);
        }
    }

    /// The counts of the span with this prefix.
    pub(crate) fn counts(self, prefix: u64) -> *mut Counts {
        self.slot(self.index(prefix)).counts.get()
    }

    /// All spans in hash order.
    pub(crate) fn spans(self) -> impl Iterator<Item = Span> {
        let mut next = Some(0);
        std::iter::from_fn(move || {
            let span = self.span(next?, Ordering::Relaxed);
            next = Some(span.end()).filter(|&end| end != 0);
            Some(span)
        })
    }

    /// A directory one bit deeper with the same spans and counts.
    pub(crate) fn deepened(self) -> Directory {
        let deeper = Directory::allocate(self.depth + 1);
        for span in self.spans() {
            deeper.set_span(span);
            // SAFETY: both directories are the exclusive user's.
            unsafe { deeper.counts(span.prefix).write(self.counts(span.prefix).read()) };
        }
        deeper
    }
}
