//! One bucket: a cache line of seven cells, and the matching of their tags.
//!
//! ```text
//!  byte 0 ............. 6    7          8 ........ 16 ....... 24         56 ...... 64
//!  +------+-----+-------+----------+----------+----------+---- ... ----+---------+
//!  | tag0 | ... | tag6  | overflow |  cell 0  |  cell 1  |             | cell 6  |
//!  +------+-----+-------+----------+----------+----------+---- ... ----+---------+
//!
//!  tag   1 | 7 low window bits          (0 = empty)
//!  cell  volatile (bit 63) | 15 high window bits (bits 48..62) | address of the entry (48 bits)
//! ```
//!
//! The *window* is 22 bits of the key's hash (which ones is the span's business): enough to find, compare and move an
//! element without touching its entry. `overflow` counts the elements that probed past this bucket and lie further on;
//! at 255 it sticks until the array is rebuilt. The first eight bytes are read and written as one word, so a
//! prefetching thread sees a consistent, if old, bucket.

use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed};

use crate::layout::Block;

/// Cells in a bucket.
pub(crate) const CELLS: usize = 7;
/// Bits of the window.
pub(crate) const WINDOW_BITS: u32 = 22;
const TAG_BITS: u32 = 7;
const OVERFLOW_SHIFT: u32 = 56;
/// The value of an overflow count that is no longer counted.
const STUCK: u64 = 0xFF;
const OCCUPIED: u64 = 0x0080_8080_8080_8080;
const ADDRESS: usize = (1 << 48) - 1;
const VOLATILE: usize = 1 << 63;

/// See the module's drawing.
#[repr(C, align(64))]
pub(crate) struct Bucket {
    /// Tags in bytes 0 to 6, overflow in byte 7, counted from the least significant one.
    meta: AtomicU64,
    cells: [AtomicPtr<u8>; CELLS],
}

const _: () = assert!(size_of::<Bucket>() == 64);

/// What a cell holds, with its tag's bits joined to the cell's.
#[derive(Clone, Copy)]
pub(crate) struct Element {
    pub(crate) block: Block,
    pub(crate) window: u32,
    pub(crate) volatile: bool,
}

/// Indexes of cells, lowest first.
#[derive(Clone, Copy)]
pub(crate) struct CellMask(u64);

impl Iterator for CellMask {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let cell = (self.0 != 0).then(|| self.0.trailing_zeros() as usize / 8);
        self.0 &= self.0.wrapping_sub(1);
        cell
    }
}

impl Bucket {
    #[inline]
    fn meta(&self) -> u64 {
        self.meta.load(Relaxed)
    }

    /// Cells whose tag is that of the window.
    #[inline]
    pub(crate) fn matching(&self, window: u32) -> CellMask {
        let tag = u64::from(0x80 | window & 0x7F);
        let difference = self.meta() ^ (tag * 0x0001_0101_0101_0101);
        // Exact zero-byte test: with bit 7 masked off, adding 0x7F carries into bit 7 unless the byte is zero.
        const LOW: u64 = 0x007F_7F7F_7F7F_7F7F;
        CellMask(!(((difference & LOW) + LOW) | difference) & OCCUPIED)
    }

    /// Cells that hold an element.
    #[inline]
    pub(crate) fn occupied(&self) -> CellMask {
        CellMask(self.meta() & OCCUPIED)
    }

    /// The first empty cell.
    #[inline]
    pub(crate) fn free(&self) -> Option<usize> {
        CellMask(!self.meta() & OCCUPIED).next()
    }

    /// Whether elements lie further on that probed past this bucket.
    #[inline]
    pub(crate) fn overflows(&self) -> bool {
        self.meta() >> OVERFLOW_SHIFT != 0
    }

    pub(crate) fn add_overflow(&self) {
        let meta = self.meta();
        if meta >> OVERFLOW_SHIFT != STUCK {
            self.meta.store(meta + (1 << OVERFLOW_SHIFT), Relaxed);
        }
    }

    pub(crate) fn subtract_overflow(&self) {
        let meta = self.meta();
        debug_assert!(self.overflows());
        if meta >> OVERFLOW_SHIFT != STUCK {
            self.meta.store(meta - (1 << OVERFLOW_SHIFT), Relaxed);
        }
    }

    /// The entry in a cell, if its high window bits are those of the window.
    #[inline]
    pub(crate) fn candidate(&self, cell: usize, window: u32) -> Option<NonNull<u8>> {
        let tagged = self.cells[cell].load(Relaxed);
        let high = (tagged.addr() >> 48) as u32 & 0x7FFF;
        if high != window >> TAG_BITS {
            return None;
        }
        NonNull::new(tagged.map_addr(|addr| addr & ADDRESS))
    }

    /// The element in an occupied cell.
    #[inline]
    pub(crate) fn element(&self, cell: usize) -> Element {
        let tag = (self.meta() >> (8 * cell)) as u32;
        debug_assert!(tag & 0x80 != 0, "cell is occupied");
        let tagged = self.cells[cell].load(Relaxed);
        let high = (tagged.addr() >> 48) as u32 & 0x7FFF;
        Element {
            block: Block(
                NonNull::new(tagged.map_addr(|addr| addr & ADDRESS)).expect("an occupied cell has an entry"),
            ),
            window: high << TAG_BITS | tag & 0x7F,
            volatile: tagged.addr() & VOLATILE != 0,
        }
    }

    /// Whether the element in an occupied cell has an expiry.
    pub(crate) fn is_volatile(&self, cell: usize) -> bool {
        self.cells[cell].load(Relaxed).addr() & VOLATILE != 0
    }

    /// Writes an element into a cell, empty or not.
    #[inline]
    pub(crate) fn set(&self, cell: usize, element: Element) {
        let high = (element.window >> TAG_BITS) as usize;
        let volatile = if element.volatile { VOLATILE } else { 0 };
        let tagged = element.block.0.as_ptr().map_addr(|addr| addr | high << 48 | volatile);
        self.cells[cell].store(tagged, Relaxed);
        let tag = u64::from(0x80 | element.window & 0x7F);
        self.meta.store(self.meta() & !(0xFF << (8 * cell)) | tag << (8 * cell), Relaxed);
    }

    /// Empties a cell.
    pub(crate) fn clear(&self, cell: usize) {
        self.meta.store(self.meta() & !(0xFF << (8 * cell)), Relaxed);
        self.cells[cell].store(null_mut(), Relaxed);
    }
}
