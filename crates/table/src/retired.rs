//! Memory that was replaced while other threads may still be prefetching from it.

use memory::slab;
use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;

/// A batch of replaced bucket arrays and directories.
///
/// Operations that resize push what they replaced. The caller frees the batch with [`Retired::free`] once every
/// thread that prefetches has begun a new turn since the last push. A batch that is merely dropped leaks: that is
/// safe, and the only choice the batch has on its own.
#[derive(Default)]
pub struct Retired {
    blocks: Vec<(NonNull<u8>, Layout)>,
    bytes: usize,
}

// SAFETY: the blocks are plain memory owned by the batch; nothing in them is tied to a thread.
unsafe impl Send for Retired {}

impl Retired {
    /// An empty batch.
    pub const fn new() -> Retired {
        Retired { blocks: Vec::new(), bytes: 0 }
    }

    /// Whether there is nothing to free.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Bytes that freeing would give back.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Moves everything of another batch into this one.
    pub fn append(&mut self, other: &mut Retired) {
        self.blocks.append(&mut other.blocks);
        self.bytes += std::mem::take(&mut other.bytes);
    }

    /// Gives the memory back; the batch is empty afterwards and keeps its own small buffer.
    ///
    /// # Safety
    /// No prefetch that began before the last push into this batch may still be running.
    pub unsafe fn free(&mut self) {
        for (block, layout) in self.blocks.drain(..) {
            // SAFETY: `push` took ownership of a live allocation of this layout; nobody reads it any more.
            unsafe { slab::deallocate(block, layout) };
        }
        self.bytes = 0;
    }

    /// Takes over a block.
    ///
    /// # Safety
    /// The block came from `slab::allocate` with this layout, and nothing but prefetches uses it.
    pub(crate) unsafe fn push(&mut self, block: NonNull<u8>, layout: Layout) {
        self.bytes += layout.size();
        self.blocks.push((block, layout));
    }
}

impl fmt::Debug for Retired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retired").field("blocks", &self.blocks.len()).field("bytes", &self.bytes).finish()
    }
}
