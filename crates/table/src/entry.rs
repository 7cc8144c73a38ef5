//! Entries: a key with its value, expiry, clock and marks. See `layout` for the bytes.
//!
//! [`EntryBox`] owns an entry outside a table, [`Entry`] reads one where it lies, [`EntryMut`] also changes it in ways
//! that keep its place. Changes that may move an entry (another value, an expiry it had no room for) go through
//! [`crate::Occupied`], which knows the cell that points to it.
//!
//! Clock and marks may be set through a shared [`Entry`]: no reference to these bytes ever exists, and entries are not
//! `Sync`, so this is sound as for a `Cell`.
//!
//! A new type is one variant of [`Kind`] and one line in `boxed!`; the top of `structures::value` lists what else it needs.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use structures::{Hash, List, Set, SortedSet, Stream, Value, ValueRef};

pub use crate::layout::Kind;
use crate::layout::{Block, Encoding, INLINE_MAX, RAW, Shape, expiry_bytes};

/// The longest string that `OBJECT ENCODING` calls `embstr`.
const EMBSTR_MAX: usize = 44;

/// Which walk a mark belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// The walk over the whole keyspace: saves, full syncs, backups.
    Keyspace,
    /// The walk of a slot migration.
    Slot,
}

impl Walk {
    fn shift(self) -> u32 {
        match self {
            Walk::Keyspace => 24,
            Walk::Slot => 28,
        }
    }
}

/// A value on its way into an entry.
pub(crate) enum Content<'a> {
    Int(i64),
    Inline(&'a [u8]),
    Buffer(Vec<u8>),
    Boxed(Kind, NonNull<()>),
}

/// One line a type: how its `Value` variant becomes a pointer and back.
macro_rules! boxed {
    ($($kind:ident => $type:ty),+ $(,)?) => {
        /// A value that may be changed where it lies. Strings change through [`crate::Occupied`].
        #[derive(Debug)]
        pub enum ValueMut<'a> {
            /// A string of either form; it is changed through [`crate::Occupied`].
            String,
            $(
                #[doc = concat!("A value of type `", stringify!($kind), "`.")]
                $kind(&'a mut $type),
            )+
        }

        impl<'a> Content<'a> {
            pub(crate) fn from_value(value: Value) -> Result<Content<'a>, Vec<u8>> {
                match value {
                    Value::Int(int) => Ok(Content::Int(int)),
                    Value::Bytes(bytes) if bytes.len() <= INLINE_MAX => Err(bytes),
                    Value::Bytes(bytes) => Ok(Content::Buffer(bytes)),
                    $(Value::$kind(object) => {
                        Ok(Content::Boxed(Kind::$kind, NonNull::from(Box::leak(object)).cast()))
                    })+
                }
            }
        }

        /// # Safety
        /// The pointer is the live box of a value of this type, shared for `'a`.
        unsafe fn boxed_ref<'a>(kind: Kind, object: NonNull<()>) -> ValueRef<'a> {
            match kind {
                Kind::String => unreachable!("strings are not boxed"),
                // SAFETY: the caller's promise.
                $(Kind::$kind => ValueRef::$kind(unsafe { object.cast::<$type>().as_ref() }),)+
            }
        }

        /// # Safety
        /// The pointer is the live box of a value of this type, exclusive for `'a`.
        unsafe fn boxed_mut<'a>(kind: Kind, object: NonNull<()>) -> ValueMut<'a> {
            match kind {
                Kind::String => unreachable!("strings are not boxed"),
                // SAFETY: the caller's promise.
                $(Kind::$kind => ValueMut::$kind(unsafe { object.cast::<$type>().as_mut() }),)+
            }
        }

        /// # Safety
        /// The pointer is the live box of a value of this type, and nobody uses it afterwards.
        unsafe fn boxed_value(kind: Kind, object: NonNull<()>) -> Value {
            match kind {
                Kind::String => unreachable!("strings are not boxed"),
                // SAFETY: the caller's promise; `from_value` leaked a box of this type.
                $(Kind::$kind => Value::$kind(unsafe { Box::from_raw(object.cast::<$type>().as_ptr()) }),)+
            }
        }
    };
}

boxed! {
    List => List,
    Hash => Hash,
    Set => Set,
    SortedSet => SortedSet,
    Stream => Stream,
}

/// An entry where it lies, for reading; clock and marks may be set through it.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    block: Block,
    /// Neither `Send` nor `Sync`: clock and marks are written through shared access.
    life: PhantomData<(&'a [u8], *const ())>,
}

impl<'a> Entry<'a> {
    /// # Safety
    /// The block stays a live entry, changed by nobody but clock and marks on this thread, for `'a`.
    pub(crate) unsafe fn new(block: Block) -> Entry<'a> {
        Entry { block, life: PhantomData }
    }

    /// The key.
    #[inline]
    pub fn key(self) -> &'a [u8] {
        // SAFETY: the key is initialised and unchanged for `'a`.
        unsafe { self.block.key().as_ref() }
    }

    /// The type.
    pub fn kind(self) -> Kind {
        self.block.kind()
    }

    /// The value.
    #[inline]
    pub fn value(self) -> ValueRef<'a> {
        // SAFETY: the encoding says what is there; it is unchanged for `'a`.
        unsafe {
            match self.block.encoding() {
                Encoding::Inline => ValueRef::Bytes(self.block.inline().as_ref()),
                Encoding::Int => ValueRef::Int(self.block.read_payload::<i64>()),
                Encoding::Buffer => ValueRef::Bytes(self.block.buffer().as_ref()),
                Encoding::Boxed => boxed_ref(self.block.kind(), self.block.read_payload::<NonNull<()>>()),
            }
        }
    }

    /// Whether this is a string kept as an integer (`OBJECT ENCODING` says `int`).
    pub fn is_int(self) -> bool {
        self.block.encoding() == Encoding::Int
    }

    /// Whether this is a string that `OBJECT ENCODING` calls `raw`: longer than 44 bytes, or modified in place.
    pub fn is_raw(self) -> bool {
        match self.value() {
            ValueRef::Bytes(bytes) => bytes.len() > EMBSTR_MAX || self.block.flags() & RAW != 0,
            ValueRef::Int(_)
            | ValueRef::List(_)
            | ValueRef::Hash(_)
            | ValueRef::Set(_)
            | ValueRef::SortedSet(_)
            | ValueRef::Stream(_) => false,
        }
    }

    /// When the key expires, in unix ms.
    pub fn expire_at(self) -> Option<u64> {
        self.block.expiry()
    }

    /// The LRU or LFU clock, 24 bits.
    pub fn lru(self) -> u32 {
        self.block.clock_and_marks() & 0xFF_FFFF
    }

    /// Sets the clock; bits above the 24th are dropped.
    pub fn set_lru(self, clock: u32) {
        let marks = self.block.clock_and_marks() & !0xFF_FFFF;
        self.block.set_clock_and_marks(marks | clock & 0xFF_FFFF);
    }

    /// The epoch of the walk that has seen this entry, 4 bits.
    pub fn mark(self, walk: Walk) -> u8 {
        (self.block.clock_and_marks() >> walk.shift()) as u8 & 0xF
    }

    /// Sets the epoch of a walk; bits above the fourth are dropped.
    pub fn set_mark(self, walk: Walk, epoch: u8) {
        let others = self.block.clock_and_marks() & !(0xF << walk.shift());
        self.block.set_clock_and_marks(others | u32::from(epoch & 0xF) << walk.shift());
    }

    /// Bytes of the entry's allocation and of a string's own buffer; what a structure allocates is its own account.
    pub fn memory(self) -> usize {
        let buffer = match self.block.encoding() {
            // SAFETY: the encoding says what is there.
            Encoding::Buffer => unsafe { self.block.buffer().as_ref() }.capacity(),
            Encoding::Int | Encoding::Inline | Encoding::Boxed => 0,
        };
        self.block.shape().alloc_bytes() + buffer
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key().escape_ascii().to_string())
            .field("value", &self.value())
            .field("expire_at", &self.expire_at())
            .finish()
    }
}

/// An entry where it lies, with exclusive access to its value.
pub struct EntryMut<'a> {
    block: Block,
    life: PhantomData<(&'a mut [u8], *const ())>,
}

impl<'a> EntryMut<'a> {
    /// # Safety
    /// The block stays a live entry that nobody else uses for `'a`.
    pub(crate) unsafe fn new(block: Block) -> EntryMut<'a> {
        EntryMut { block, life: PhantomData }
    }

    /// The entry for reading.
    pub fn as_ref(&self) -> Entry<'_> {
        // SAFETY: the borrow of `self` keeps changes away.
        unsafe { Entry::new(self.block) }
    }

    /// The value for changing.
    pub fn value_mut(&mut self) -> ValueMut<'_> {
        self.reborrow().into_value_mut()
    }

    /// The value for changing, for as long as the entry was borrowed.
    pub fn into_value_mut(self) -> ValueMut<'a> {
        match self.block.encoding() {
            Encoding::Inline | Encoding::Int | Encoding::Buffer => ValueMut::String,
            // SAFETY: exclusive access for `'a`; the encoding says that the payload is the type's box.
            Encoding::Boxed => unsafe {
                boxed_mut(self.block.kind(), self.block.read_payload::<NonNull<()>>())
            },
        }
    }

    fn reborrow(&mut self) -> EntryMut<'_> {
        EntryMut { block: self.block, life: PhantomData }
    }
}

impl fmt::Debug for EntryMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// An entry outside a table.
pub struct EntryBox {
    block: Block,
    life: PhantomData<(Value, *const ())>,
}

// SAFETY: it owns the entry and the value in it, which is `Send` (checked below). It is not `Sync`, see the essay.
unsafe impl Send for EntryBox {}
const fn assert_send<T: Send>() {}
const _: () = assert_send::<Value>();

impl EntryBox {
    /// An entry with a value of any type.
    pub fn new(key: &[u8], value: Value, expire_at_ms: Option<u64>) -> EntryBox {
        EntryBox::from_block(match Content::from_value(value) {
            Ok(content) => build(key, content, expire_at_ms),
            Err(bytes) => build(key, Content::Inline(&bytes), expire_at_ms),
        })
    }

    /// An entry with a string, without an intermediate buffer.
    pub fn from_bytes(key: &[u8], bytes: &[u8], expire_at_ms: Option<u64>) -> EntryBox {
        EntryBox::from_block(build(key, string_content(bytes), expire_at_ms))
    }

    /// An entry with a string kept as an integer.
    pub fn from_int(key: &[u8], int: i64, expire_at_ms: Option<u64>) -> EntryBox {
        EntryBox::from_block(build(key, Content::Int(int), expire_at_ms))
    }

    /// Declares a string as modified in place, so that `OBJECT ENCODING` says `raw` whatever its length.
    pub fn set_raw(&mut self) {
        self.block.set_raw(true);
    }

    /// The entry for reading.
    pub fn as_ref(&self) -> Entry<'_> {
        // SAFETY: owned, and borrowed from `self`.
        unsafe { Entry::new(self.block) }
    }

    /// The entry for changing.
    pub fn as_mut(&mut self) -> EntryMut<'_> {
        // SAFETY: owned, and borrowed from `self`.
        unsafe { EntryMut::new(self.block) }
    }

    /// The key.
    pub fn key(&self) -> &[u8] {
        self.as_ref().key()
    }

    /// Takes the value out.
    pub fn into_value(self) -> Value {
        let block = self.into_block();
        // SAFETY: the value is taken out once, then only the allocation is freed.
        unsafe {
            let value = take_value(block);
            block.deallocate();
            value
        }
    }

    /// Key, value and expiry in unix ms.
    pub fn into_parts(self) -> (Box<[u8]>, Value, Option<u64>) {
        let key = self.key().into();
        let expire_at_ms = self.as_ref().expire_at();
        (key, self.into_value(), expire_at_ms)
    }

    pub(crate) fn from_block(block: Block) -> EntryBox {
        EntryBox { block, life: PhantomData }
    }

    pub(crate) fn into_block(self) -> Block {
        std::mem::ManuallyDrop::new(self).block
    }
}

impl Drop for EntryBox {
    fn drop(&mut self) {
        // SAFETY: owned; the value's owner is dropped once, then only the allocation is freed.
        unsafe {
            drop_value(self.block);
            self.block.deallocate();
        }
    }
}

impl fmt::Debug for EntryBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// Inline if it fits, else a buffer of its own.
pub(crate) fn string_content(bytes: &[u8]) -> Content<'_> {
    if bytes.len() <= INLINE_MAX { Content::Inline(bytes) } else { Content::Buffer(bytes.to_vec()) }
}

/// A new entry with clock and marks zero.
pub(crate) fn build(key: &[u8], content: Content<'_>, expire_at_ms: Option<u64>) -> Block {
    let shape = content.shape(key.len(), expiry_bytes(expire_at_ms));
    let block = Block::allocate(shape, content.kind(), key);
    if let Some(expire_at_ms) = expire_at_ms {
        block.write_expiry(expire_at_ms);
    }
    // SAFETY: the allocation has the shape of the content and its payload is not yet initialised.
    unsafe {
        match content {
            Content::Int(int) => block.write_payload(int),
            Content::Inline(bytes) => block.write_inline(bytes),
            Content::Buffer(bytes) => block.write_payload(bytes),
            Content::Boxed(_, object) => block.write_payload(object),
        }
    }
    block
}

impl Content<'_> {
    pub(crate) fn shape(&self, key_len: usize, expiry_bytes: usize) -> Shape {
        let (encoding, inline_len) = match self {
            Content::Int(_) => (Encoding::Int, 0),
            Content::Inline(bytes) => (Encoding::Inline, bytes.len()),
            Content::Buffer(_) => (Encoding::Buffer, 0),
            Content::Boxed(..) => (Encoding::Boxed, 0),
        };
        Shape { encoding, expiry_bytes, key_len, inline_len }
    }

    fn kind(&self) -> Kind {
        match self {
            Content::Boxed(kind, _) => *kind,
            Content::Int(_) | Content::Inline(_) | Content::Buffer(_) => Kind::String,
        }
    }
}

/// Moves the value out; the entry's allocation must not be used as an entry with a value afterwards.
///
/// # Safety
/// Exclusive access, and the value is not taken or dropped again.
pub(crate) unsafe fn take_value(block: Block) -> Value {
    // SAFETY: the encoding says what is there, and the caller gives it up.
    unsafe {
        match block.encoding() {
            Encoding::Inline => Value::Bytes(block.inline().as_ref().to_vec()),
            Encoding::Int => Value::Int(block.read_payload()),
            Encoding::Buffer => Value::Bytes(block.read_payload()),
            Encoding::Boxed => boxed_value(block.kind(), block.read_payload()),
        }
    }
}

/// Moves the value out as content for another entry; inline bytes are borrowed from the block.
///
/// # Safety
/// As for [`take_value`], and the block's allocation outlives the content.
pub(crate) unsafe fn take_content<'a>(block: Block) -> Content<'a> {
    // SAFETY: as for `take_value`.
    unsafe {
        match block.encoding() {
            Encoding::Inline => Content::Inline(block.inline().as_ref()),
            Encoding::Int => Content::Int(block.read_payload()),
            Encoding::Buffer => Content::Buffer(block.read_payload()),
            Encoding::Boxed => Content::Boxed(block.kind(), block.read_payload()),
        }
    }
}

/// Drops what the value owns outside the entry's allocation.
///
/// # Safety
/// As for [`take_value`].
pub(crate) unsafe fn drop_value(block: Block) {
    match block.encoding() {
        Encoding::Inline | Encoding::Int => {}
        // SAFETY: the caller's promise.
        Encoding::Buffer | Encoding::Boxed => drop(unsafe { take_value(block) }),
    }
}
