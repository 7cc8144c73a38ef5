//! Receive buffers that the kernel chooses from: one memory area cut into equal buffers, and the ring that offers them.
//!
//! ```text
//!   entries  │ addr len id │ addr len id │ …   ring in memory shared with the kernel; tail counts what was offered
//!   data     │ buffer 0    │ buffer 1    │ …   one mapping
//! ```
//!
//! A buffer is owned either by the kernel (offered, and not yet reported by a completion) or by this side (`held`).
//! Only held buffers ever become Rust slices; that is the whole safety argument, and the reason to keep `held` although the caller
//! counts too.

use io_uring::IoUring;
use io_uring::types::BufRingEntry;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

/// The group's number in the ring; there is only one.
pub(crate) const GROUP: u16 = 0;

pub(crate) struct BufferRing {
    entries: Mapping,
    data: Mapping,
    count: u16,
    len: usize,
    tail: u16,
    held: Vec<bool>,
}

impl BufferRing {
    /// Registers `count` buffers (a power of two) of `len` bytes and offers all of them.
    ///
    /// The kernel writes to the memory until the ring is gone or nothing that receives is in flight: the value must
    /// not be dropped before.
    pub(crate) fn new(ring: &IoUring, count: usize, len: usize) -> io::Result<BufferRing> {
        let entries = Mapping::new(count * size_of::<BufRingEntry>())?;
        let data = Mapping::new(count * len)?;
        let count = u16::try_from(count).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: the mapping has room for `count` entries, is page-aligned, and lives as the contract above demands.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(entries.address.as_ptr() as u64, count, GROUP, 0)?
        };
        let held = vec![true; usize::from(count)];
        let mut buffers = BufferRing { entries, data, count, len, tail: 0, held };
        (0..count).for_each(|id| buffers.give_back(id));
        buffers.publish();
        Ok(buffers)
    }

    /// Notes that a completion has reported the buffer: it is ours until given back.
    pub(crate) fn take(&mut self, id: u16) {
        let was_held = std::mem::replace(&mut self.held[usize::from(id)], true);
        assert!(!was_held, "the kernel reported a buffer that it did not own");
    }

    /// Offers a buffer again, as of the next `publish`.
    pub(crate) fn give_back(&mut self, id: u16) {
        let was_held = std::mem::replace(&mut self.held[usize::from(id)], false);
        assert!(was_held, "a receive buffer was given back twice");
        let at = usize::from(self.tail & (self.count - 1));
        // SAFETY: `at` is below `count`, and entries from the tail on are not read by the kernel before the tail moves.
        // The kernel's tail shares memory with a field of entry 0 that none of these setters touches.
        let entry = unsafe { &mut *self.entries.address.cast::<BufRingEntry>().add(at).as_ptr() };
        // SAFETY: the id is below `count`, so the buffer lies in the mapping.
        let buffer = unsafe { self.data.address.add(usize::from(id) * self.len) };
        entry.set_addr(buffer.as_ptr() as u64);
        entry.set_len(self.len as u32);
        entry.set_bid(id);
        self.tail = self.tail.wrapping_add(1);
    }

    /// Makes what was given back visible to the kernel.
    pub(crate) fn publish(&mut self) {
        // SAFETY: the mapping starts with an initialized (zeroed) entry, whose tail field is aligned for u16; this
        // side accesses it only here, atomically, and the kernel only reads it.
        let tail = unsafe {
            let tail = BufRingEntry::tail(self.entries.address.cast().as_ptr());
            AtomicU16::from_ptr(tail.cast_mut())
        };
        tail.store(self.tail, Ordering::Release);
    }

    /// The first `len` bytes of a buffer that is ours.
    pub(crate) fn bytes(&self, id: u16, len: usize) -> &[u8] {
        assert!(self.held[usize::from(id)] && len <= self.len, "a receive buffer is valid until end_turn");
        // SAFETY: the bytes lie in the mapping and were zeroed at first, so they are initialized; the kernel does not
        // write to a held buffer, and giving it back needs `&mut self`.
        unsafe { std::slice::from_raw_parts(self.data.address.as_ptr().add(usize::from(id) * self.len), len) }
    }
}

/// Zeroed pages.
struct Mapping {
    address: NonNull<u8>,
    bytes: usize,
}

impl Mapping {
    fn new(bytes: usize) -> io::Result<Mapping> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a fresh anonymous mapping overlaps nothing.
        let address = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0) };
        match NonNull::new(address.cast::<u8>()) {
            Some(address) if address.as_ptr().cast() != libc::MAP_FAILED => Ok(Mapping { address, bytes }),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and nothing refers to it any more.
        unsafe { libc::munmap(self.address.as_ptr().cast(), self.bytes) };
    }
}
