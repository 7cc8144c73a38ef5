//! The bytes of an entry: one allocation for header, key and, when it fits, the value.
//!
//! ```text
//!  0       1       2            5       6        7          8
//!  +-------+-------+------------+-------+--------+----------+-----------+-----------+----------+-----+-------------+-------+
//!  |enc|typ| flags | clock (24) | marks | keylen | inline   | payload   | expiry    | long key | key | long inline | bytes |
//!  |       |       |            |       |        | length   |           |           | length   |     | length      |       |
//!  +-------+-------+------------+-------+--------+----------+-----------+-----------+----------+-----+-------------+-------+
//!   4   4     8                   4 | 4    u8      u8         0, 8 or 24  0, 6 or 8   6 if keylen        2 if inline   only if the
//!                                                             by encoding by flags    = 255              length = 255  encoding is inline
//! ```
//!
//! - type: [`Kind`]; 15 is reserved for extension types, whose id will be the first word of the payload.
//! - encoding: what the payload is, see [`Encoding`]; `Cold` (value on disk) is reserved.
//! - flags: bit 0 expiry present, bit 1 (only with bit 0) it takes 8 bytes and not 6, bit 3 a string that was modified in
//!   place (`raw`); reserved are bit 4 for a CAS word (8 bytes, Memcached), bit 5 for client flags (4 bytes, Memcached).
//! - clock: LRU seconds or LFU counter; the owner interprets it.
//! - marks: the epochs of two independent walks.
//! - expiry: unix ms, little-endian. 48 bits reach to the year 10889. Later times use the long form, earlier ones never
//!   do.
//! - payload: the one part that may have to be aligned, so it comes first. Everything else is read without assuming
//!   alignment: an entry begins at any even address.
//!
//! The size of the allocation is not stored: it is the size class of the bytes needed, so it follows from the header
//! and the lengths. A change in place is allowed exactly when it leaves the class the same.

use memory::slab;
use std::alloc::Layout;
use std::ptr::NonNull;

/// Bytes of the fixed part.
pub(crate) const HEADER_BYTES: usize = 8;
const CLOCK_AT: usize = 2;
const MARKS_AT: usize = 5;
const KEY_LEN_AT: usize = 6;
const INLINE_LEN_AT: usize = 7;
/// The length in the header which means that the real one is stored elsewhere.
const LONG: usize = u8::MAX as usize;
/// Bytes of the length of a long key, which address space bounds.
const LONG_KEY_BYTES: usize = 6;
/// Bytes of the length of a long inline string.
const LONG_INLINE_BYTES: usize = 2;
/// Strings up to this many bytes lie in the entry. For longer ones the second cache miss costs little beside copying
/// the value, and a separate buffer can be grown, and moved in and out, without copying.
pub(crate) const INLINE_MAX: usize = 4096;

pub(crate) const HAS_EXPIRY: u8 = 1 << 0;
const WIDE_EXPIRY: u8 = 1 << 1;
pub(crate) const RAW: u8 = 1 << 3;

const EXPIRY_BYTES: usize = 6;
const WIDE_EXPIRY_BYTES: usize = 8;
/// The first time that does not fit an expiry of six bytes.
const WIDE: u64 = 1 << (8 * EXPIRY_BYTES);

const _: () = assert!(size_of::<usize>() == 8, "entries and cells assume 64-bit pointers");
const _: () = assert!(CLOCK_AT + 3 == MARKS_AT && INLINE_LEN_AT + 1 == HEADER_BYTES);
const _: () = assert!(size_of::<Vec<u8>>() == 24 && align_of::<Vec<u8>>() == HEADER_BYTES);
const _: () = assert!(INLINE_MAX <= u16::MAX as usize);
/// The goal: a 16-byte key with a 64-byte value takes 88 bytes, and 94 with an expiry.
const _: () = assert!(slab::block_bytes(HEADER_BYTES + 16 + 64) == 88);
const _: () = assert!(slab::block_bytes(HEADER_BYTES + EXPIRY_BYTES + 16 + 64) == 94);

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
/// Bytes of the expiry by the flags, without a branch.
#[inline]
fn expiry_bytes_of(flags: u8) -> usize {
    EXPIRY_BYTES * usize::from(flags & HAS_EXPIRY) + usize::from(flags & WIDE_EXPIRY)
}
const _: () = assert!(HAS_EXPIRY == 1 && EXPIRY_BYTES + WIDE_EXPIRY as usize == WIDE_EXPIRY_BYTES);

/// Bytes that an expiry takes, 0 without one.
#[inline]
pub(crate) fn expiry_bytes(expire_at_ms: Option<u64>) -> usize {
    match expire_at_ms {
        None => 0,
        Some(at) if at < WIDE => EXPIRY_BYTES,
        Some(_) => WIDE_EXPIRY_BYTES,
    }
}

impl Encoding {
    #[inline]
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
    /// `set`
    Set = 2,
    /// `zset`
    SortedSet = 3,
    /// `hash`
    Hash = 4,
    /// `stream`
    Stream = 5,
    // 15 is meant for extension types.
}

/// Everything about an entry except where it is: enough to compute its size and the places of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) encoding: Encoding,
    /// 0, 6 or 8, see [`expiry_bytes`].
    pub(crate) expiry_bytes: usize,
    pub(crate) key_len: usize,
    /// Only for [`Encoding::Inline`].
    pub(crate) inline_len: usize,
}

impl Shape {
    #[inline]
    fn expiry_at(&self) -> usize {
        HEADER_BYTES + self.encoding.payload_bytes()
    }

    #[inline]
    fn key_at(&self) -> usize {
        let long_key_bytes = if self.key_len >= LONG { LONG_KEY_BYTES } else { 0 };
        self.expiry_at() + self.expiry_bytes + long_key_bytes
    }

    /// Where the inline string is.
    #[inline]
    fn inline_at(&self) -> usize {
        let length_bytes = if self.inline_len >= LONG { LONG_INLINE_BYTES } else { 0 };
        self.key_at() + self.key_len + length_bytes
    }

    #[inline]
    pub(crate) fn alloc_bytes(&self) -> usize {
        slab::block_bytes(self.layout().size())
    }

    #[inline]
    fn layout(&self) -> Layout {
        let bytes = match self.encoding {
            Encoding::Inline => self.inline_at() + self.inline_len,
            Encoding::Int | Encoding::Buffer | Encoding::Boxed => self.key_at() + self.key_len,
        };
        // A buffer is borrowed where it stands, so it is aligned; all else is copied out and in.
        let alignment = if self.encoding == Encoding::Buffer { align_of::<Vec<u8>>() } else { 1 };
        Layout::from_size_align(bytes.next_multiple_of(alignment), alignment)
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
    /// A new allocation with header, key and inline length written; payload or inline bytes, and the expiry, are the
    /// caller's to write before anything reads them.
    pub(crate) fn allocate(shape: Shape, kind: Kind, key: &[u8]) -> Block {
        debug_assert_eq!(shape.key_len, key.len());
        let start = slab::allocate(shape.layout());
        assert!(start.addr().get() >> 48 == 0, "cells keep hash bits above 48 bits of address");
        let block = Block(start);
        let flags = match shape.expiry_bytes {
            0 => 0,
            EXPIRY_BYTES => HAS_EXPIRY,
            _ => HAS_EXPIRY | WIDE_EXPIRY,
        };
        let short = |len: usize| len.min(LONG) as u8;
        let header = [
            kind as u8 | (shape.encoding as u8) << 4,
            flags,
            0,
            0,
            0,
            0,
            short(key.len()),
            short(shape.inline_len),
        ];
        // SAFETY: all offsets lie within the layout by the definition of `Shape`.
        unsafe {
            block.at(0).cast::<[u8; HEADER_BYTES]>().write(header);
            if key.len() >= LONG {
                block.write_six(shape.key_at() - LONG_KEY_BYTES, key.len() as u64);
            }
            block.at(shape.key_at()).copy_from_nonoverlapping(key.as_ptr(), key.len());
            if shape.inline_len >= LONG {
                let length = (shape.inline_len as u16).to_le_bytes();
                block.at(shape.inline_at() - LONG_INLINE_BYTES).cast::<[u8; 2]>().write(length);
            }
        }
        block
    }

    /// Bytes of the allocation.
    pub(crate) fn alloc_bytes(self) -> usize {
        self.shape().layout().size()
    }

    /// Frees the allocation and nothing that the payload owns.
    ///
    /// # Safety
    /// Nothing uses the entry afterwards.
    pub(crate) unsafe fn deallocate(self) {
        let layout = self.shape().layout();
        // SAFETY: the allocation was made with the layout of its shape, and every change keeps the class.
        unsafe { slab::deallocate(self.0, layout) };
    }

    /// # Safety
    /// The offset lies within the allocation.
    unsafe fn at(self, offset: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { self.0.as_ptr().add(offset) }
    }

    /// A number of 48 bits.
    ///
    /// # Safety
    /// Six bytes from the offset on lie within the allocation and are written.
    #[inline]
    unsafe fn read_six(self, offset: usize) -> u64 {
        // SAFETY: the caller's promise.
        let (low, high) = unsafe {
            (self.at(offset).cast::<[u8; 4]>().read(), self.at(offset + 4).cast::<[u8; 2]>().read())
        };
        u64::from(u32::from_le_bytes(low)) | u64::from(u16::from_le_bytes(high)) << 32
    }

    /// # Safety
    /// Six bytes from the offset on lie within the allocation.
    #[inline]
    unsafe fn write_six(self, offset: usize, number: u64) {
        debug_assert!(number < WIDE);
        // SAFETY: the caller's promise.
        unsafe {
            self.at(offset).cast::<[u8; 4]>().write((number as u32).to_le_bytes());
            self.at(offset + 4).cast::<[u8; 2]>().write(((number >> 32) as u16).to_le_bytes());
        }
    }

    #[inline]
    pub(crate) fn shape(self) -> Shape {
        let mut shape = Shape {
            encoding: self.encoding(),
            expiry_bytes: expiry_bytes_of(self.flags()),
            key_len: self.short_len(KEY_LEN_AT),
            inline_len: self.short_len(INLINE_LEN_AT),
        };
        if shape.key_len == LONG {
            // SAFETY: a long key has its length behind payload and expiry.
            shape.key_len = unsafe { self.read_six(shape.expiry_at() + shape.expiry_bytes) } as usize;
        }
        if shape.inline_len == LONG {
            // SAFETY: a long inline string has its length behind the key.
            let length = unsafe { self.at(shape.key_at() + shape.key_len).cast::<[u8; 2]>().read() };
            shape.inline_len = usize::from(u16::from_le_bytes(length));
        }
        shape
    }

    #[inline]
    fn short_len(self, at: usize) -> usize {
        // SAFETY: the header is always there, and the caller means a part of it.
        usize::from(unsafe { self.at(at).read() })
    }

    #[inline]
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

    #[inline]
    pub(crate) fn kind(self) -> Kind {
        // SAFETY: the header is always there.
        match unsafe { self.0.read() } & 0xF {
            0 => Kind::String,
            1 => Kind::List,
            2 => Kind::Set,
            3 => Kind::SortedSet,
            4 => Kind::Hash,
            5 => Kind::Stream,
            other => unreachable!("entry with type {other}"),
        }
    }

    #[inline]
    pub(crate) fn flags(self) -> u8 {
        // SAFETY: the header is always there.
        unsafe { self.at(1).read() }
    }

    /// Sets or clears flags that have no bearing on the shape.
    #[inline]
    pub(crate) fn set_raw(self, raw: bool) {
        let flags = if raw { self.flags() | RAW } else { self.flags() & !RAW };
        // SAFETY: the header is always there.
        unsafe { self.at(1).write(flags) };
    }

    /// Clock and marks, as one word of which the clock is the low 24 bits.
    #[inline]
    pub(crate) fn clock_and_marks(self) -> u32 {
        // SAFETY: the header is always there.
        u32::from_le_bytes(unsafe { self.at(CLOCK_AT).cast::<[u8; 4]>().read() })
    }

    pub(crate) fn set_clock_and_marks(self, word: u32) {
        // SAFETY: the header is always there.
        unsafe { self.at(CLOCK_AT).cast::<[u8; 4]>().write(word.to_le_bytes()) };
    }

    #[inline]
    fn expiry_at(self) -> usize {
        // SAFETY: the header is always there.
        let encoding = unsafe { self.0.read() } >> 4;
        HEADER_BYTES + usize::from(PAYLOAD_BYTES[usize::from(encoding)])
    }

    #[inline]
    pub(crate) fn expiry(self) -> Option<u64> {
        let flags = self.flags();
        if flags & HAS_EXPIRY == 0 {
            return None;
        }
        let at = self.expiry_at();
        // SAFETY: the flags say how many bytes are there.
        Some(unsafe {
            if flags & WIDE_EXPIRY == 0 {
                self.read_six(at)
            } else {
                u64::from_le_bytes(self.at(at).cast::<[u8; 8]>().read())
            }
        })
    }

    /// Bytes of the expiry, 0 without one.
    #[inline]
    pub(crate) fn expiry_bytes(self) -> usize {
        expiry_bytes_of(self.flags())
    }

    /// Overwrites the expiry, which must be there and take as many bytes.
    pub(crate) fn write_expiry(self, expire_at_ms: u64) {
        debug_assert_eq!(self.expiry_bytes(), expiry_bytes(Some(expire_at_ms)));
        let at = self.expiry_at();
        // SAFETY: as for `expiry`.
        unsafe {
            if expire_at_ms < WIDE {
                self.write_six(at, expire_at_ms);
            } else {
                self.at(at).cast::<[u8; 8]>().write(expire_at_ms.to_le_bytes());
            }
        }
    }

    /// Where the key is. The common short key needs no more than the header, and no branch on encoding or expiry.
    #[inline]
    pub(crate) fn key(self) -> NonNull<[u8]> {
        let mut at = self.expiry_at() + expiry_bytes_of(self.flags());
        let mut len = self.short_len(KEY_LEN_AT);
        // SAFETY: length and key lie within the allocation.
        unsafe {
            if len == LONG {
                len = self.read_six(at) as usize;
                at += LONG_KEY_BYTES;
            }
            NonNull::slice_from_raw_parts(self.0.add(at), len)
        }
    }

    /// Where the inline string is; the encoding must be inline.
    #[inline]
    pub(crate) fn inline(self) -> NonNull<[u8]> {
        let key = self.key();
        let mut len = self.short_len(INLINE_LEN_AT);
        // SAFETY: length and bytes follow the key within the allocation.
        unsafe {
            let mut bytes = key.cast::<u8>().add(key.len());
            if len == LONG {
                len = usize::from(u16::from_le_bytes(bytes.cast::<[u8; 2]>().read()));
                bytes = bytes.add(LONG_INLINE_BYTES);
            }
            NonNull::slice_from_raw_parts(bytes, len)
        }
    }

    /// The payload, copied.
    ///
    /// # Safety
    /// `T` is what the encoding says, and whoever takes it twice takes care of it.
    #[inline]
    pub(crate) unsafe fn read_payload<T>(self) -> T {
        // SAFETY: the payload lies behind the header; the caller knows its type.
        unsafe { self.at(HEADER_BYTES).cast::<T>().read_unaligned() }
    }

    /// Writes the payload; what was there is not dropped.
    ///
    /// # Safety
    /// `T` is what the encoding says.
    #[inline]
    pub(crate) unsafe fn write_payload<T>(self, payload: T) {
        // SAFETY: as for `read_payload`.
        unsafe { self.at(HEADER_BYTES).cast::<T>().write_unaligned(payload) };
    }

    /// Where the buffer is; the encoding must be that.
    pub(crate) fn buffer(self) -> NonNull<Vec<u8>> {
        debug_assert_eq!(self.encoding(), Encoding::Buffer);
        // SAFETY: the payload lies behind the header, and the allocation of a buffer is aligned as the header is long.
        unsafe { self.0.add(HEADER_BYTES).cast() }
    }

    /// Overwrites the inline string; its new length must leave the size class the same.
    pub(crate) fn write_inline(self, bytes: &[u8]) {
        let key = self.key();
        let length_bytes = if bytes.len() >= LONG { LONG_INLINE_BYTES } else { 0 };
        // SAFETY: the caller checked that length and bytes fit. `copy`, and before the length, because a caller may pass a
        // part of the entry's own string.
        unsafe {
            let length_at = key.cast::<u8>().add(key.len());
            length_at.add(length_bytes).copy_from(NonNull::from(bytes).cast(), bytes.len());
            if length_bytes > 0 {
                length_at.cast::<[u8; 2]>().write((bytes.len() as u16).to_le_bytes());
            }
            self.at(INLINE_LEN_AT).write(bytes.len().min(LONG) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EntryBox;
    use structures::ValueRef;

    /// Around each length that changes the form, and each expiry.
    const KEYS: [usize; 10] = [0, 1, 16, 254, 255, 256, 65_534, 65_535, 65_536, 70_000];
    const VALUES: [usize; 12] = [0, 1, 64, 127, 128, 253, 254, 255, 256, 4095, 4096, 4097];
    const EXPIRIES: [Option<u64>; 8] = [
        None,
        Some(0),
        Some(1),
        Some(1_700_000_000_000),
        Some(WIDE - 1),
        Some(WIDE),
        Some(i64::MAX as u64),
        Some(u64::MAX), // as -1 is when it is cast
    ];

    fn bytes(len: usize, seed: u8) -> Vec<u8> {
        (0..len).map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed)).collect()
    }

    #[test]
    fn every_form_of_length_and_expiry_is_read_as_it_was_written() {
        for key in KEYS.map(|len| bytes(len, 1)) {
            for expiry in EXPIRIES {
                for value in VALUES.map(|len| bytes(len, 2)) {
                    let entry = EntryBox::from_bytes(&key, &value, expiry);
                    assert_eq!(entry.key(), key);
                    assert_eq!(entry.as_ref().expire_at(), expiry);
                    assert!(matches!(entry.as_ref().value(), ValueRef::Bytes(read) if read == value));
                    assert_eq!(entry.as_ref().lru(), 0);
                }
                let entry = EntryBox::from_int(&key, i64::MIN, expiry);
                assert_eq!((entry.key(), entry.as_ref().expire_at()), (&*key, expiry));
                assert!(matches!(entry.as_ref().value(), ValueRef::Int(i64::MIN)));
            }
        }
    }

    /// The table of what an entry costs.
    #[test]
    fn entries_take_what_they_need() {
        let memory = |key: usize, value: usize, expiry: Option<u64>| {
            EntryBox::from_bytes(&bytes(key, 1), &bytes(value, 2), expiry).as_ref().memory()
        };
        assert_eq!(memory(16, 64, None), 88);
        assert_eq!(memory(16, 64, Some(1_700_000_000_000)), 94);
        assert_eq!(memory(16, 64, Some(u64::MAX)), 96);
        assert_eq!(memory(10, 10, None), 28);
        assert_eq!(memory(24, 100, None), 132);
        assert_eq!(memory(0, 0, None), 8);
        assert_eq!(memory(0, 254, None), 264); // 262, in steps of 8
        assert_eq!(memory(0, 255, None), 272); // 265
        assert_eq!(memory(255, 0, None), 272); // 269
        assert_eq!(EntryBox::from_int(&bytes(16, 1), 5, None).as_ref().memory(), 32);
    }
}
