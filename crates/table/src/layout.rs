//! The bytes of an entry: one allocation for header, key and, when it fits, the value.
//!
//! ```text
//!  0       1       2            5       6        8
//!  +-------+-------+------------+-------+--------+------------+----------+-----------+-----+---------------+
//!  |enc|typ| flags | clock (24) | marks | keylen | expiry u64 | long key | payload   | key | length, bytes |
//!  +-------+-------+------------+-------+--------+------------+----------+-----------+-----+---------------+
//!   4   4     8                   4 | 4    u16     if HAS_      if keylen  0, 8 or 24        only if the
//!                                                  EXPIRY       = 0xFFFF   by encoding       encoding is inline
//! ```
//!
//! - type: [`Kind`]; 15 is reserved for extension types, whose id will be the first word of the payload.
//! - encoding: what the payload is, see [`Encoding`]; `Cold` (value on disk) is reserved.
//! - flags: bit 0 expiry word present, bit 1 reserved for a CAS word (8 bytes, Memcached), bit 2 reserved for client
//!   flags (4 bytes, Memcached, in a word of their own), bit 3 a string that was modified in place (`raw`).
//! - clock: LRU seconds or LFU counter, the owner's business.
//! - marks: the epochs of two independent walks.
//! - inline length: little-endian base 128 varint.
//!
//! The size of the allocation is not stored: it is the size class of the bytes needed, so it follows from the header
//! and the inline length. A change in place is allowed exactly when it leaves the class the same.

use memory::size_class;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

/// Bytes of the fixed part.
pub(crate) const HEADER_BYTES: usize = 8;
const CLOCK_AT: usize = 2;
const MARKS_AT: usize = 5;
const KEY_LEN_AT: usize = 6;
/// A key length in the header that says: the real one is in a word of its own.
const LONG_KEY: u16 = u16::MAX;
/// Strings up to this many bytes lie in the entry. Beyond it, the second cache miss is noise beside copying the value,
/// and a buffer of its own can be grown, and moved in and out, without copying.
pub(crate) const INLINE_MAX: usize = 4096;

pub(crate) const HAS_EXPIRY: u8 = 1 << 0;
pub(crate) const RAW: u8 = 1 << 3;

const _: () = assert!(size_of::<usize>() == 8, "entries and cells assume 64-bit pointers");
const _: () = assert!(CLOCK_AT + 3 == MARKS_AT && KEY_LEN_AT + 2 == HEADER_BYTES);
const _: () = assert!(size_of::<Vec<u8>>() == 24 && align_of::<Vec<u8>>() == 8);
/// The goal: a 16-byte key with a 64-byte value lands in a 96-byte block.
const _: () = assert!(size_class(HEADER_BYTES + 16 + 1 + 64) == 96);

/// What the payload of an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Encoding {
    /// No payload; the string follows the key.
    Inline = 0,
    /// An `i64`.
    Int = 1,
    /// A `Vec<u8>` that stands in the entry itself.
    Buffer = 2,
    /// The pointer of a `Box` of the type's structure.
    Boxed = 3,
    // 4 is reserved for a cold value: its place on disk.
}

/// Payload bytes by encoding; a table of all 16, so that a key is found without a branch.
const PAYLOAD_BYTES: [u8; 16] = {
    let mut bytes = [0; 16];
    bytes[Encoding::Int as usize] = 8;
    bytes[Encoding::Buffer as usize] = size_of::<Vec<u8>>() as u8;
    bytes[Encoding::Boxed as usize] = 8;
    bytes
};
const _: () = assert!(HAS_EXPIRY == 1, "the flag is multiplied by the bytes of the word");

impl Encoding {
    fn payload_bytes(self) -> usize {
        usize::from(PAYLOAD_BYTES[self as usize])
    }
}

/// The type of a value, in the numbering of the entry header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// `string`
    String = 0,
    /// `list`
    List = 1,
    /// `hash`
    Hash = 4,
    // 2, 3 and 5 are meant for set, sorted set and stream; 15 for extension types.
}

fn varint_bytes(value: usize) -> usize {
    (value.max(1).ilog2() as usize) / 7 + 1
}

/// Everything about an entry except where it is: enough to compute its size and the places of its parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) encoding: Encoding,
    pub(crate) has_expiry: bool,
    pub(crate) key_len: usize,
    /// Only for [`Encoding::Inline`].
    pub(crate) inline_len: usize,
}

impl Shape {
    fn long_key(&self) -> bool {
        self.key_len >= LONG_KEY as usize
    }

    fn payload_at(&self) -> usize {
        HEADER_BYTES + 8 * usize::from(self.has_expiry) + 8 * usize::from(self.long_key())
    }

    fn key_at(&self) -> usize {
        self.payload_at() + self.encoding.payload_bytes()
    }

    pub(crate) fn alloc_bytes(&self) -> usize {
        let key_end = self.key_at() + self.key_len;
        size_class(match self.encoding {
            Encoding::Inline => key_end + varint_bytes(self.inline_len) + self.inline_len,
            Encoding::Int | Encoding::Buffer | Encoding::Boxed => key_end,
        })
    }

    fn layout(&self) -> Layout {
        Layout::from_size_align(self.alloc_bytes(), 8)
            .expect("an entry is far smaller than the address space")
    }
}

/// A pointer to the allocation of an entry.
///
/// Invariant of every `Block` outside this module: it points to a live, whole entry. Its methods read and write
/// through it without checks of aliasing; `Entry`, `EntryMut` and `EntryBox` give them lifetimes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block(pub(crate) NonNull<u8>);

impl Block {
    /// A new allocation with header, key and inline length written; payload or inline bytes, and the expiry word, are
    /// the caller's to write before anything reads them.
    pub(crate) fn allocate(shape: Shape, kind: Kind, flags: u8, key: &[u8]) -> Block {
        debug_assert_eq!(shape.key_len, key.len());
        let layout = shape.layout();
        // SAFETY: the layout is never of size zero.
        let start = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        assert!(start.addr().get() >> 48 == 0, "cells keep hash bits above 48 bits of address");
        let block = Block(start);
        let flags = if shape.has_expiry { flags | HAS_EXPIRY } else { flags & !HAS_EXPIRY };
        let key_len = key.len().min(LONG_KEY as usize) as u16;
        // SAFETY: all offsets lie within the layout by the definition of `Shape`.
        unsafe {
            block.at(0).write(kind as u8 | (shape.encoding as u8) << 4);
            block.at(1).write(flags);
            block.at(CLOCK_AT).cast::<[u8; 4]>().write([0; 4]);
            block.at(KEY_LEN_AT).cast::<u16>().write(key_len);
            if shape.long_key() {
                block.at(shape.payload_at() - 8).cast::<u64>().write(key.len() as u64);
            }
            block.at(shape.key_at()).copy_from_nonoverlapping(key.as_ptr(), key.len());
        }
        if shape.encoding == Encoding::Inline {
            block.write_inline_len(shape.key_at() + key.len(), shape.inline_len);
        }
        block
    }

    /// Frees the allocation and nothing that the payload owns.
    ///
    /// # Safety
    /// Nothing uses the entry afterwards.
    pub(crate) unsafe fn deallocate(self) {
        let layout = self.shape().layout();
        // SAFETY: the allocation was made with the layout of its shape, and every change keeps the two in step.
        unsafe { dealloc(self.0.as_ptr(), layout) };
    }

    /// # Safety
    /// The offset lies within the allocation.
    unsafe fn at(self, offset: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_ptr().add(offset) }
    }

    pub(crate) fn shape(self) -> Shape {
        let mut shape = Shape {
            encoding: self.encoding(),
            has_expiry: self.flags() & HAS_EXPIRY != 0,
            key_len: self.short_key_len() as usize,
            inline_len: 0,
        };
        if shape.long_key() {
            // SAFETY: a long key has its length in the word before the payload.
            shape.key_len = unsafe { self.at(shape.payload_at() - 8).cast::<u64>().read() } as usize;
        }
        if shape.encoding == Encoding::Inline {
            shape.inline_len = self.read_inline_len(shape.key_at() + shape.key_len).0;
        }
        shape
    }

    fn short_key_len(self) -> u16 {
        // SAFETY: the header is always there, and aligned.
        unsafe { self.at(KEY_LEN_AT).cast::<u16>().read() }
    }

    pub(crate) fn encoding(self) -> Encoding {
        // SAFETY: the header is always there.
        match unsafe { self.0.read() } >> 4 {
            0 => Encoding::Inline,
            1 => Encoding::Int,
            2 => Encoding::Buffer,
            3 => Encoding::Boxed,
            other => unreachable!("entry with encoding {other}"),
        }
    }

    pub(crate) fn kind(self) -> Kind {
        // SAFETY: the header is always there.
        match unsafe { self.0.read() } & 0xF {
            0 => Kind::String,
            1 => Kind::List,
            4 => Kind::Hash,
            other => unreachable!("entry with type {other}"),
        }
    }

    pub(crate) fn flags(self) -> u8 {
        // SAFETY: the header is always there.
        unsafe { self.at(1).read() }
    }

    /// Sets or clears flags that have no bearing on the shape.
    pub(crate) fn set_raw(self, raw: bool) {
        let flags = if raw { self.flags() | RAW } else { self.flags() & !RAW };
        // SAFETY: the header is always there.
        unsafe { self.at(1).write(flags) };
    }

    /// Clock and marks, as one word of which the clock is the low 24 bits.
    pub(crate) fn clock_and_marks(self) -> u32 {
        // SAFETY: the header is always there.
        u32::from_le_bytes(unsafe { self.at(CLOCK_AT).cast::<[u8; 4]>().read() })
    }

    pub(crate) fn set_clock_and_marks(self, word: u32) {
        // SAFETY: the header is always there.
        unsafe { self.at(CLOCK_AT).cast::<[u8; 4]>().write(word.to_le_bytes()) };
    }

    pub(crate) fn expiry(self) -> Option<u64> {
        // SAFETY: the flag says that the word is there; it is aligned.
        (self.flags() & HAS_EXPIRY != 0).then(|| unsafe { self.at(HEADER_BYTES).cast::<u64>().read() })
    }

    /// Overwrites the expiry word, which must be there.
    pub(crate) fn write_expiry(self, expire_at_ms: u64) {
        debug_assert!(self.flags() & HAS_EXPIRY != 0);
        // SAFETY: as for `expiry`.
        unsafe { self.at(HEADER_BYTES).cast::<u64>().write(expire_at_ms) };
    }

    /// Where the key is. The common short key needs no more than the header, and no branch on the encoding.
    #[inline]
    pub(crate) fn key(self) -> NonNull<[u8]> {
        // SAFETY: the header is always there; length word and key lie within the allocation.
        unsafe {
            let encoding = (self.0.read() >> 4) as usize;
            let expiry_bytes = 8 * (self.flags() & HAS_EXPIRY) as usize;
            let mut at = HEADER_BYTES + expiry_bytes + usize::from(PAYLOAD_BYTES[encoding]);
            let mut len = self.short_key_len() as usize;
            if len == LONG_KEY as usize {
                len = self.at(HEADER_BYTES + expiry_bytes).cast::<u64>().read() as usize;
                at += 8;
            }
            NonNull::slice_from_raw_parts(self.0.add(at), len)
        }
    }

    /// Where the inline string is; the encoding must be inline.
    pub(crate) fn inline(self) -> NonNull<[u8]> {
        let key = self.key();
        // SAFETY: length and bytes follow the key within the allocation.
        unsafe {
            let length_at = key.cast::<u8>().add(key.len()).offset_from(self.0) as usize;
            let (len, bytes) = self.read_inline_len(length_at);
            NonNull::slice_from_raw_parts(self.0.add(length_at + bytes), len)
        }
    }

    /// Where the payload is; `T` must be what the encoding says.
    pub(crate) fn payload<T>(self) -> NonNull<T> {
        let long_key = self.short_key_len() == LONG_KEY;
        let has_expiry = self.flags() & HAS_EXPIRY != 0;
        let payload_at = HEADER_BYTES + 8 * usize::from(has_expiry) + 8 * usize::from(long_key);
        // SAFETY: the payload lies within the allocation, aligned to 8.
        unsafe { self.0.add(payload_at).cast() }
    }

    /// Overwrites the inline string; its new length must leave the size class the same.
    pub(crate) fn write_inline(self, bytes: &[u8]) {
        let key = self.key();
        // SAFETY: the caller checked that length and bytes fit. `copy` because a caller may pass a part of the
        // entry's own string.
        unsafe {
            let length_at = key.cast::<u8>().add(key.len()).offset_from(self.0) as usize;
            let bytes_at = length_at + varint_bytes(bytes.len());
            self.at(bytes_at).copy_from(bytes.as_ptr(), bytes.len());
            self.write_inline_len(length_at, bytes.len());
        }
    }

    fn write_inline_len(self, at: usize, mut len: usize) {
        let mut at = at;
        loop {
            let more = len > 0x7F;
            // SAFETY: the caller has the offset from the shape.
            unsafe { self.at(at).write((len & 0x7F) as u8 | u8::from(more) << 7) };
            len >>= 7;
            at += 1;
            if !more {
                break;
            }
        }
    }

    /// The inline length and the bytes it takes.
    fn read_inline_len(self, at: usize) -> (usize, usize) {
        let mut len = 0;
        for i in 0.. {
            // SAFETY: the caller has the offset from the shape; the last byte of a length has no continuation bit.
            let byte = unsafe { self.at(at + i).read() };
            len |= ((byte & 0x7F) as usize) << (7 * i);
            if byte & 0x80 == 0 {
                return (len, i + 1);
            }
        }
        unreachable!("an inline length ends")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_bytes_they_need() {
        for (len, bytes) in [(0, 1), (127, 1), (128, 2), (16_383, 2), (16_384, 3)] {
            assert_eq!(varint_bytes(len), bytes);
        }
    }
}
