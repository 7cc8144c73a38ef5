//! A key's place in a table: changes that may move its entry, and its removal.

use std::fmt;
use std::marker::PhantomData;

use structures::Value;

use crate::bucket::Element;
use crate::entry::{
    Content, Entry, EntryBox, EntryMut, build, drop_value, string_content, take_content, take_value,
};
use crate::layout::{Block, Encoding, INLINE_MAX, Kind, RAW, expiry_bytes};
use crate::retired::Retired;
use crate::span::{Place, Span};
use crate::table::Table;

/// The place of a key that is in the table.
pub struct Occupied<'a> {
    table: &'a Table,
    span: Span,
    place: Place,
    unique: PhantomData<(&'a mut (), *mut ())>,
}

impl<'a> Occupied<'a> {
    /// The caller is the table's exclusive user for `'a`, and the place is occupied.
    #[inline]
    pub(crate) fn new(table: &'a Table, span: Span, place: Place) -> Occupied<'a> {
        Occupied { table, span, place, unique: PhantomData }
    }

    #[inline]
    fn element(&self) -> Element {
        self.span.bucket(self.place.bucket).element(self.place.cell as usize)
    }

    #[inline]
    fn block(&self) -> Block {
        self.element().block
    }

    /// Points the cell to another block and keeps count of expiries.
    fn set_block(&mut self, block: Block) {
        let old = self.element();
        let volatile = block.expiry().is_some();
        self.span.bucket(self.place.bucket).set(self.place.cell as usize, Element { block, volatile, ..old });
        self.table.count(self.span, 0, i32::from(volatile) - i32::from(old.volatile));
    }

    /// The entry.
    #[inline]
    pub fn entry(&self) -> Entry<'_> {
        // SAFETY: the borrow of `self` keeps changes away.
        unsafe { Entry::new(self.block()) }
    }

    /// The entry, for as long as the table was borrowed.
    #[inline]
    pub fn into_entry(self) -> Entry<'a> {
        // SAFETY: the table is borrowed exclusively for `'a`.
        unsafe { Entry::new(self.block()) }
    }

    /// The entry, for changes that keep its place.
    #[inline]
    pub fn entry_mut(&mut self) -> EntryMut<'_> {
        // SAFETY: the borrow of `self` keeps others away.
        unsafe { EntryMut::new(self.block()) }
    }

    /// The entry, for changes that keep its place, for as long as the table was borrowed.
    #[inline]
    pub fn into_entry_mut(self) -> EntryMut<'a> {
        // SAFETY: the table is borrowed exclusively for `'a`.
        unsafe { EntryMut::new(self.block()) }
    }

    /// Sets or removes the expiry, in unix ms.
    pub fn set_expire(&mut self, expire_at_ms: Option<u64>) {
        let block = self.block();
        if block.expiry_bytes() == expiry_bytes(expire_at_ms) {
            if let Some(expire_at_ms) = expire_at_ms {
                block.write_expiry(expire_at_ms);
            }
            return;
        }
        let raw = block.flags() & RAW != 0;
        // SAFETY: the value moves to the new block before the old one is freed without it.
        unsafe {
            self.rebuild(take_content(block), expire_at_ms, raw);
            block.deallocate();
        }
    }

    /// Moves the entry to another block of the same size.
    pub(crate) fn relocate(&mut self) {
        let block = self.block();
        let raw = block.flags() & RAW != 0;
        // SAFETY: the value moves to the new block before the old one is freed without it.
        unsafe {
            self.rebuild(take_content(block), block.expiry(), raw);
            block.deallocate();
        }
    }

    /// Writes a new block for the same key, with the old one's clock and marks.
    fn rebuild(&mut self, content: Content<'_>, expire_at_ms: Option<u64>, raw: bool) {
        let old = self.block();
        // SAFETY: the old block's key stays readable until the caller frees it.
        let block = build(unsafe { old.key().as_ref() }, content, expire_at_ms);
        block.set_clock_and_marks(old.clock_and_marks());
        block.set_raw(raw);
        self.set_block(block);
    }

    /// Replaces value and expiry; clock and marks stay. Returns the old value if it is worth freeing elsewhere: a
    /// structure, or a string with a buffer of its own.
    fn set_content(&mut self, content: Content<'_>, expire_at_ms: Option<u64>) -> Option<Value> {
        let block = self.block();
        let shape = block.shape();
        let new = content.shape(shape.key_len, expiry_bytes(expire_at_ms));
        let in_place = shape.expiry_bytes == new.expiry_bytes
            && shape.encoding == new.encoding
            && matches!(new.encoding, Encoding::Int | Encoding::Inline)
            && (shape == new || shape.alloc_bytes() == new.alloc_bytes());
        if in_place {
            match content {
                // SAFETY: the encoding says that the payload is an integer.
                Content::Int(int) => unsafe { block.write_payload(int) },
                Content::Inline(bytes) => block.write_inline(bytes),
                Content::Buffer(_) | Content::Boxed(..) => unreachable!("not changed in place"),
            }
            block.set_raw(false);
            if let Some(expire_at_ms) = expire_at_ms {
                block.write_expiry(expire_at_ms);
            }
            return None;
        }
        self.rebuild(content, expire_at_ms, false);
        // SAFETY: the old block is no longer in the table; its value leaves it, then it is freed without one.
        unsafe {
            let old = match shape.encoding {
                Encoding::Inline | Encoding::Int => None,
                Encoding::Buffer | Encoding::Boxed => Some(take_value(block)),
            };
            block.deallocate();
            old
        }
    }

    /// Replaces value and expiry. Returns the old value if it is worth freeing elsewhere, as all setters here do.
    pub fn set_value(&mut self, value: Value, expire_at_ms: Option<u64>) -> Option<Value> {
        match Content::from_value(value) {
            Ok(content) => self.set_content(content, expire_at_ms),
            Err(bytes) => self.set_content(Content::Inline(&bytes), expire_at_ms),
        }
    }

    /// Replaces value and expiry, the value by a string.
    #[inline]
    pub fn set_bytes(&mut self, bytes: &[u8], expire_at_ms: Option<u64>) -> Option<Value> {
        self.set_content(string_content(bytes), expire_at_ms)
    }

    /// Replaces value and expiry, the value by a string kept as an integer.
    #[inline]
    pub fn set_int(&mut self, int: i64, expire_at_ms: Option<u64>) -> Option<Value> {
        self.set_content(Content::Int(int), expire_at_ms)
    }

    /// Declares a string as modified in place, so that `OBJECT ENCODING` says `raw` whatever its length.
    pub fn set_raw(&mut self) {
        self.block().set_raw(true);
    }

    /// The string as a buffer that grows; from now on `OBJECT ENCODING` says `raw`.
    ///
    /// # Panics
    /// If the value is not a string.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        let block = self.block();
        assert_eq!(block.kind(), Kind::String, "bytes of a value that is not a string");
        let bytes = match block.encoding() {
            // SAFETY: the encoding says what is there.
            Encoding::Inline => Some(unsafe { block.inline().as_ref() }.to_vec()),
            // SAFETY: as above.
            Encoding::Int => Some(unsafe { block.read_payload::<i64>() }.to_string().into_bytes()),
            Encoding::Buffer | Encoding::Boxed => None,
        };
        if let Some(bytes) = bytes {
            self.rebuild(Content::Buffer(bytes), block.expiry(), true);
            // SAFETY: replaced; an inline or integer value owns nothing.
            unsafe { block.deallocate() };
        }
        let block = self.block();
        block.set_raw(true);
        // SAFETY: now the payload is a buffer, and the borrow of `self` keeps others away.
        unsafe { block.buffer().as_mut() }
    }

    /// Puts a string's own buffer back into the entry if it has become short, and trims its spare room otherwise.
    /// Returns whether anything was given back. A string modified in place stays `raw`.
    pub fn compact(&mut self) -> bool {
        let block = self.block();
        if block.encoding() != Encoding::Buffer {
            return false;
        }
        // SAFETY: the encoding says what is there; exclusive access.
        let buffer = unsafe { block.buffer().as_mut() };
        if buffer.len() > INLINE_MAX {
            let before = buffer.capacity();
            buffer.shrink_to_fit();
            return buffer.capacity() < before;
        }
        let raw = block.flags() & RAW != 0;
        self.rebuild(Content::Inline(buffer), block.expiry(), raw);
        // SAFETY: replaced; the bytes were copied.
        unsafe {
            drop_value(block);
            block.deallocate();
        }
        true
    }

    /// Exchanges the whole entry for another of the same key.
    pub fn replace(&mut self, entry: EntryBox) -> EntryBox {
        debug_assert_eq!(entry.key(), self.entry().key());
        let old = self.block();
        self.set_block(entry.into_block());
        EntryBox::from_block(old)
    }

    /// Takes the entry out of the table.
    pub fn remove(self, retired: &mut Retired) -> EntryBox {
        let element = self.element();
        self.span.clear(self.place);
        self.table.count(self.span, -1, -i32::from(element.volatile));
        self.table.shrink(self.span, retired);
        EntryBox::from_block(element.block)
    }
}

impl fmt::Debug for Occupied<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entry().fmt(f)
    }
}
