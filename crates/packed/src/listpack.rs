//! Listpacks: many short strings and integers in one allocation.
//!
//! The bytes are those of Redis 7, since they stand unchanged in RDB files and DUMP payloads:
//!
//! ```text
//! ┌────────────┬───────────┬───────┬───────┬─ ─ ─┬──────┐
//! │ total: u32 │ count:u16 │ entry │ entry │     │ 0xFF │      total counts every byte, header and end included
//! └────────────┴───────────┴───────┴───────┴─ ─ ─┴──────┘      count 65535 means: walk to know
//!
//! entry = encoding and data │ backlen
//!   0xxxxxxx                  integer 0 … 127
//!   10llllll data             string of l < 64 bytes
//!   110xxxxx x                integer of 13 bits, two's complement, high bits first
//!   1110llll l data           string of l < 4096 bytes, high bits first
//!   F1 F2 F3 F4               integer of 16, 24, 32, 64 bits, little-endian
//!   F0 llll data              string with a length of 32 bits, little-endian
//! backlen = size of "encoding and data", 7 bits a byte, read from its last byte to the left;
//!           the high bit says that another byte stands to the left
//! ```
//!
//! Strings that are canonical decimal integers are stored as integers, so an entry is an [`Item`] of two forms and
//! equality compares content.
//!
//! **Invariant:** a [`Listpack`] holds only bytes that are valid to the last one. They come from its own methods or
//! passed [`Listpack::from_bytes`], so walking needs no checks of its own and cannot run out of bounds.
//!
//! In memory the bytes lie anywhere in a block, so that both ends can have room:
//!
//! ```text
//!   block: │ room │ total │ count │ entry │ … │ 0xFF │ room │
//!                 └ start                            └ end
//! ```
//! A change moves the shorter part of the entries: pushing and popping cost the same at both ends. A block that grows gets its new
//! room at the end where it grew.
//!
//! A [`Pos`] is the place of an entry; any change of the listpack invalidates older ones, and using one then may panic.
//! The 32-bit total limits the size; owners stay far below ([`Listpack::has_room_for`]).

mod entry;

pub use entry::whole_size;
use entry::{backlen_size, decode, encode, encoded_size_at, entry_before, validate};
use memory::size_class;
use number::IntBuffer;
use std::fmt;

const HEADER: usize = 6;
/// Bytes of a listpack without entries.
pub const EMPTY_BYTES: usize = HEADER + 1;
const END: u8 = 0xFF;
const COUNT_UNKNOWN: u16 = u16::MAX;
/// Larger listpacks are never grown: a reader that computes sizes in 32 bits stays safe.
const SAFETY_LIMIT: usize = 1 << 30;
/// So much memory is kept however little of it is used.
const KEPT_BYTES: usize = 64;

/// One entry: an integer, or a string that is not the canonical decimal form of one.
///
/// Equality compares the text, so the two forms of one text are equal.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    /// The integer whose decimal text the entry stands for.
    Int(i64),
    /// Any bytes.
    Bytes(&'a [u8]),
}

impl<'a> Item<'a> {
    /// The item that stands for `text`: an integer if the text is canonical.
    #[inline]
    pub fn of(text: &'a [u8]) -> Self {
        match number::parse_i64(text) {
            Some(value) => Item::Int(value),
            None => Item::Bytes(text),
        }
    }

    /// The text, borrowed from the entry or printed into `buffer`.
    pub fn text<'b>(&self, buffer: &'b mut IntBuffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            Item::Int(value) => buffer.format(value),
            Item::Bytes(bytes) => bytes,
        }
    }

    /// An owned copy of the text.
    pub fn to_vec(&self) -> Vec<u8> {
        self.text(&mut IntBuffer::new()).to_vec()
    }

    /// The length of the text in bytes.
    #[inline]
    pub fn text_len(&self) -> usize {
        match self {
            Item::Int(value) => number::decimal_len(*value),
            Item::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether the text is `other`.
    #[inline]
    pub fn eq_bytes(&self, other: &[u8]) -> bool {
        match self {
            Item::Int(value) => number::parse_i64(other) == Some(*value),
            Item::Bytes(bytes) => *bytes == other,
        }
    }
}

impl PartialEq for Item<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Item::Int(a), Item::Int(b)) => a == b,
            (Item::Bytes(a), Item::Bytes(b)) => a == b,
            (Item::Int(int), Item::Bytes(bytes)) | (Item::Bytes(bytes), Item::Int(int)) => {
                number::parse_i64(bytes) == Some(*int)
            }
        }
    }
}

impl Eq for Item<'_> {}

/// The place of an entry in its listpack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pos(usize);

/// The bytes are not a listpack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt;

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a valid listpack")
    }
}

impl std::error::Error for Corrupt {}

/// A growable listpack; see the module for its bytes.
pub struct Listpack {
    block: Box<[u8]>,
    start: u32,
    end: u32,
}

const _: () = assert!(size_of::<Listpack>() == size_of::<Vec<u8>>());

impl Listpack {
    const EMPTY: [u8; EMPTY_BYTES] = [EMPTY_BYTES as u8, 0, 0, 0, 0, 0, END];

    /// An empty listpack.
    pub fn new() -> Self {
        Self::of_block(Self::EMPTY.to_vec())
    }

    /// Bytes that are all of the block.
    fn of_block(bytes: Vec<u8>) -> Self {
        let end = short(bytes.len());
        Listpack { block: bytes.into_boxed_slice(), start: 0, end }
    }

    /// An empty listpack with room for so many bytes, header and end included.
    #[inline]
    pub fn with_capacity(bytes: usize) -> Self {
        let mut block = vec![0; bytes.max(EMPTY_BYTES)].into_boxed_slice();
        block[..EMPTY_BYTES].copy_from_slice(&Self::EMPTY);
        Listpack { block, start: 0, end: EMPTY_BYTES as u32 }
    }

    /// Takes bytes from outside after checking every entry.
    ///
    /// # Errors
    /// [`Corrupt`] when anything is out of place: total, count, an entry's length, a backlen, the end.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Corrupt> {
        validate(&bytes)?;
        Ok(Self::of_block(bytes))
    }

    /// The bytes as they stand in an RDB file.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.block[self.start as usize..self.end as usize]
    }

    #[inline]
    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.block[self.start as usize..self.end as usize]
    }

    /// How many bytes there are.
    #[inline]
    fn byte_len(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// The number of entries. Constant time below 65,535 entries, a walk above.
    #[inline]
    pub fn len(&self) -> usize {
        match self.header_count() {
            COUNT_UNKNOWN => self.iter().count(),
            count => usize::from(count),
        }
    }

    /// Whether there is no entry.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.byte_len() == EMPTY_BYTES
    }

    /// Bytes taken from the allocator.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        self.block.len()
    }

    /// Whether `more` bytes can be added without exceeding the size up to which listpacks are safe for every reader.
    #[inline]
    pub fn has_room_for(&self, more: usize) -> bool {
        self.byte_len().saturating_add(more) <= SAFETY_LIMIT
    }

    /// Gives unused capacity back.
    pub fn shrink_to_fit(&mut self) {
        if self.block.len() > self.byte_len() {
            self.block = self.as_bytes().into();
            self.end -= std::mem::take(&mut self.start);
        }
    }

    /// The first entry.
    #[inline]
    pub fn first(&self) -> Option<Pos> {
        self.at(HEADER)
    }

    /// The last entry.
    #[inline]
    pub fn last(&self) -> Option<Pos> {
        self.entry_before(self.end())
    }

    /// The entry after `pos`.
    #[inline]
    pub fn next(&self, pos: Pos) -> Option<Pos> {
        self.at(self.after(pos))
    }

    /// The entry before `pos`.
    #[inline]
    pub fn prev(&self, pos: Pos) -> Option<Pos> {
        self.entry_before(pos.0)
    }

    /// The entry at `index`; negative ones count from the end, -1 being the last.
    pub fn seek(&self, index: i64) -> Option<Pos> {
        let count = match self.header_count() {
            COUNT_UNKNOWN => None,
            count => Some(i64::from(count)),
        };
        let mut index = index;
        if let Some(count) = count {
            if index < -count || index >= count {
                return None;
            }
            // Walk from the nearer end.
            if index >= 0 && index > count / 2 {
                index -= count;
            } else if index < -count / 2 - 1 {
                index += count;
            }
        }
        if index >= 0 {
            let mut pos = self.first()?;
            for _ in 0..index {
                pos = self.next(pos)?;
            }
            Some(pos)
        } else {
            let mut pos = self.last()?;
            for _ in 0..index.unsigned_abs() - 1 {
                pos = self.prev(pos)?;
            }
            Some(pos)
        }
    }

    /// The item at `pos`.
    #[inline]
    pub fn get(&self, pos: Pos) -> Item<'_> {
        decode(self.as_bytes(), pos.0).0
    }

    /// The item at `index`; negative ones count from the end.
    pub fn get_index(&self, index: i64) -> Option<Item<'_>> {
        self.seek(index).map(|pos| self.get(pos))
    }

    /// The items from the first to the last; the iterator also runs backwards.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        Iter { bytes: self.as_bytes(), front: HEADER, back: self.end() }
    }

    /// The items from `pos` to the last.
    #[inline]
    pub fn iter_from(&self, pos: Pos) -> Iter<'_> {
        Iter { bytes: self.as_bytes(), front: pos.0, back: self.end() }
    }

    /// The items from the first up to and including `pos`.
    pub fn iter_until(&self, pos: Pos) -> Iter<'_> {
        Iter { bytes: self.as_bytes(), front: HEADER, back: self.after(pos) }
    }

    /// The first entry from the front whose text is `value`, looking at every `skip + 1`-th entry only.
    pub fn find(&self, value: &[u8], skip: usize) -> Option<Pos> {
        self.first().and_then(|first| self.find_from(first, value, skip))
    }

    /// As [`Listpack::find`], starting with the entry at `pos`.
    pub fn find_from(&self, pos: Pos, value: &[u8], skip: usize) -> Option<Pos> {
        let wanted = Item::of(value);
        let bytes = self.as_bytes();
        let mut offset = pos.0;
        while bytes[offset] != END {
            let (item, size) = decode(bytes, offset);
            if item == wanted {
                return Some(Pos(offset));
            }
            offset += size + backlen_size(size);
            for _ in 0..skip {
                if bytes[offset] == END {
                    return None;
                }
                let size = encoded_size_at(bytes, offset);
                offset += size + backlen_size(size);
            }
        }
        None
    }

    /// Adds an entry at the end.
    #[inline]
    pub fn push_back(&mut self, text: &[u8]) {
        self.splice(self.end(), 0, 0, &[Item::of(text)]);
    }

    /// Adds an entry at the start.
    #[inline]
    pub fn push_front(&mut self, text: &[u8]) {
        self.splice(HEADER, 0, 0, &[Item::of(text)]);
    }

    /// As [`Listpack::push_back`], with memory as [`Listpack::reserve_within`] takes it.
    #[inline]
    pub fn push_back_within(&mut self, text: &[u8], most: usize) {
        self.splice_within(self.end(), 0, 0, &[Item::of(text)], most);
    }

    /// As [`Listpack::push_front`], with memory as [`Listpack::reserve_within`] takes it.
    #[inline]
    pub fn push_front_within(&mut self, text: &[u8], most: usize) {
        self.splice_within(HEADER, 0, 0, &[Item::of(text)], most);
    }

    /// Adds an entry at the end that is known to be in its right form.
    #[inline]
    pub fn push_item(&mut self, item: &Item<'_>) {
        self.splice(self.end(), 0, 0, std::slice::from_ref(item));
    }

    /// Adds two entries at the end: a field and its value.
    #[inline]
    pub fn push_pair(&mut self, first: &[u8], second: &[u8]) {
        self.splice(self.end(), 0, 0, &[Item::of(first), Item::of(second)]);
    }

    /// Inserts entries in their right form before the one at `pos`, or at the end.
    pub fn insert_items(&mut self, pos: Option<Pos>, items: &[Item<'_>]) {
        self.splice(pos.map_or(self.end(), |pos| pos.0), 0, 0, items);
    }

    /// Inserts an entry before the one at `pos`, which moves away; the new one is at `pos` then.
    #[inline]
    pub fn insert_before(&mut self, pos: Pos, text: &[u8]) {
        self.splice(pos.0, 0, 0, &[Item::of(text)]);
    }

    /// Inserts an entry after the one at `pos`, which stays valid.
    #[inline]
    pub fn insert_after(&mut self, pos: Pos, text: &[u8]) {
        self.splice(self.after(pos), 0, 0, &[Item::of(text)]);
    }

    /// Gives the entry at `pos` another text; `pos` stays valid.
    #[inline]
    pub fn replace(&mut self, pos: Pos, text: &[u8]) {
        self.splice(pos.0, self.after(pos) - pos.0, 1, &[Item::of(text)]);
    }

    /// Gives the entry at `pos` an item in its right form; `pos` stays valid.
    #[inline]
    pub fn replace_item(&mut self, pos: Pos, item: &Item<'_>) {
        self.splice(pos.0, self.after(pos) - pos.0, 1, std::slice::from_ref(item));
    }

    /// Removes `count` entries from `pos` on (fewer if the end comes first); returns the entry that now stands there.
    pub fn remove(&mut self, pos: Pos, count: usize) -> Option<Pos> {
        let mut end = pos.0;
        let mut removed = 0;
        while removed < count && self.as_bytes()[end] != END {
            end = self.after(Pos(end));
            removed += 1;
        }
        self.splice(pos.0, end - pos.0, removed, &[]);
        self.at(pos.0)
    }

    /// Removes up to `count` entries from `index` on; returns how many there were.
    pub fn remove_range(&mut self, index: usize, count: usize) -> usize {
        let Some(pos) = i64::try_from(index).ok().and_then(|index| self.seek(index)) else {
            return 0;
        };
        let before = self.len();
        let removed = count.min(before - index);
        self.remove(pos, removed);
        removed
    }

    /// Removes entries whose text is `value`: of those, the first `keep` stay and at most `take` go.
    /// Returns how many went.
    pub fn remove_matches(&mut self, value: &[u8], keep: usize, take: usize) -> usize {
        let wanted = Item::of(value);
        let (mut read, mut write) = (HEADER, HEADER);
        let (mut seen, mut removed) = (0, 0);
        let bytes = self.bytes_mut();
        while removed < take && bytes[read] != END {
            let (item, size) = decode(bytes, read);
            let whole = size + backlen_size(size);
            let matches = item == wanted;
            if matches && seen >= keep {
                removed += 1;
            } else {
                bytes.copy_within(read..read + whole, write);
                write += whole;
            }
            seen += usize::from(matches);
            read += whole;
        }
        self.splice(write, read - write, removed, &[]);
        removed
    }

    /// The number of entries whose text is `value`.
    pub fn count_matches(&self, value: &[u8]) -> usize {
        let wanted = Item::of(value);
        self.iter().filter(|item| *item == wanted).count()
    }

    /// Moves the entries from `pos` on into a new listpack.
    pub fn split_off(&mut self, pos: Pos) -> Listpack {
        let count = self.iter_from(pos).count();
        let mut bytes = Vec::with_capacity(HEADER + self.byte_len() - pos.0);
        bytes.resize(HEADER, 0);
        bytes.extend_from_slice(&self.as_bytes()[pos.0..]);
        let mut tail = Self::of_block(bytes);
        tail.write_total();
        tail.set_count(count);
        let end = self.end();
        self.splice(pos.0, end - pos.0, count, &[]);
        tail
    }

    /// Adds all entries of `other` at the end.
    pub fn append(&mut self, other: &Listpack) {
        let count = self.len() + other.len();
        let (at, entries) = (self.end(), &other.as_bytes()[HEADER..other.end()]);
        self.make_room(at, 0, entries.len(), usize::MAX);
        self.bytes_mut()[at..at + entries.len()].copy_from_slice(entries);
        self.write_total();
        self.set_count(count);
    }

    fn header_count(&self) -> u16 {
        match self.as_bytes() {
            [_, _, _, _, low, high, ..] => u16::from_le_bytes([*low, *high]),
            _ => unreachable!("a listpack has a header"),
        }
    }

    fn set_count(&mut self, count: usize) {
        let count = u16::try_from(count).unwrap_or(COUNT_UNKNOWN);
        self.bytes_mut()[4..HEADER].copy_from_slice(&count.to_le_bytes());
    }

    fn write_total(&mut self) {
        let total = self.end - self.start;
        self.bytes_mut()[..4].copy_from_slice(&total.to_le_bytes());
    }

    fn end(&self) -> usize {
        self.byte_len() - 1
    }

    fn at(&self, offset: usize) -> Option<Pos> {
        (self.as_bytes()[offset] != END).then_some(Pos(offset))
    }

    fn after(&self, pos: Pos) -> usize {
        let size = encoded_size_at(self.as_bytes(), pos.0);
        pos.0 + size + backlen_size(size)
    }

    fn entry_before(&self, offset: usize) -> Option<Pos> {
        entry_before(self.as_bytes(), offset)
    }

    /// Replaces `old` bytes at `offset`, which are `removed` whole entries, by the given items.
    fn splice(&mut self, offset: usize, old: usize, removed: usize, items: &[Item<'_>]) {
        self.splice_within(offset, old, removed, items, usize::MAX);
    }

    #[inline]
    fn splice_within(&mut self, offset: usize, old: usize, removed: usize, items: &[Item<'_>], most: usize) {
        let new: usize = items.iter().map(whole_size).sum();
        self.make_room(offset, old, new, most);
        let mut out = &mut self.bytes_mut()[offset..offset + new];
        for item in items {
            let size = encode(item, out);
            out = &mut out[size..];
        }
        self.write_total();
        match self.header_count() {
            COUNT_UNKNOWN => {}
            count => self.set_count(usize::from(count) - removed + items.len()),
        }
        if new < old {
            self.release_spare();
        }
    }

    /// Makes `new` bytes of `old` ones at an offset: what is in front of them or what is behind them moves, whichever is less
    /// if there is room on its side. Their contents are for the caller to write.
    fn make_room(&mut self, offset: usize, old: usize, new: usize, most: usize) {
        if new > old {
            self.widen(offset, old, new - old, most);
        } else if new < old {
            let (start, end, less) = (self.start as usize, self.end as usize, old - new);
            let behind = start + offset + old;
            if offset < end - behind {
                self.block.copy_within(start..start + offset, start + less);
                self.start += short(less);
            } else {
                self.block.copy_within(behind..end, behind - less);
                self.end -= short(less);
            }
        }
    }

    /// Makes room for `more` bytes. If memory is needed for it, then as much as the allocator gives anyway, and no more than
    /// makes `most` bytes in all: a listpack that its owner never lets grow further needs nothing to spare.
    pub fn reserve_within(&mut self, more: usize, most: usize) {
        self.reserve(more, most, false);
    }

    fn reserve(&mut self, more: usize, most: usize, is_front: bool) {
        let len = self.byte_len();
        if self.block.len() - len < more {
            // Growing by an eighth: doubling would leave a third of all small listpacks empty.
            let ahead = size_class(len + more.max(len / 8)).min(most);
            self.resettle((len + more).max(ahead), is_front);
        }
    }

    /// Makes room for `more` bytes behind `old` ones at an offset, or in front of them.
    fn widen(&mut self, offset: usize, old: usize, more: usize, most: usize) {
        let len = self.byte_len();
        let is_front = offset < len - offset - old;
        self.reserve(more, most, is_front);
        let room = if is_front { self.start as usize } else { self.block.len() - self.end as usize };
        if room < more {
            self.share_room(more, is_front);
        }
        let (start, end) = (self.start as usize, self.end as usize);
        if is_front {
            self.block.copy_within(start..start + offset, start - more);
            self.start -= short(more);
        } else {
            let behind = start + offset + old;
            self.block.copy_within(behind..end, behind + more);
            self.end += short(more);
        }
    }

    /// Moves within the block, so that there is room for `more` bytes at one end. Of what is left, both ends get a half: who
    /// pushes to both in turn does not have all bytes moved each time.
    fn share_room(&mut self, more: usize, is_front: bool) {
        let len = self.byte_len();
        let half = (self.block.len() - len - more) / 2;
        let to = if is_front { more + half } else { half };
        self.block.copy_within(self.start as usize..self.end as usize, to);
        (self.start, self.end) = (short(to), short(to + len));
    }

    /// Moves to a block of another size, with all room at one end.
    fn resettle(&mut self, size: usize, is_room_in_front: bool) {
        let len = self.byte_len();
        let mut block = Vec::with_capacity(size);
        if is_room_in_front {
            block.resize(size - len, 0);
        }
        let start = block.len();
        block.extend_from_slice(self.as_bytes());
        block.resize(size, 0);
        *self = Listpack { block: block.into_boxed_slice(), start: short(start), end: short(start + len) };
    }

    /// Gives memory back that is more than twice what is in use and an eighth to grow. So half of what was there has gone since it
    /// was last moved, and a block that shrinks by less stays where and what it is.
    fn release_spare(&mut self) {
        let (len, capacity) = (self.byte_len(), self.block.len());
        if capacity > KEPT_BYTES && len + len / 8 < capacity / 2 {
            let wanted = size_class(len + len / 8);
            if wanted < capacity / 2 {
                self.resettle(wanted, false);
            }
        }
    }
}

/// Offsets in blocks: owners bound listpacks far below 4 GB.
#[inline]
fn short(offset: usize) -> u32 {
    u32::try_from(offset).expect("owners bound listpacks below 4 GB")
}

/// A copy has no room.
impl Clone for Listpack {
    fn clone(&self) -> Self {
        Self::of_block(self.as_bytes().to_vec())
    }
}

impl Default for Listpack {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Listpack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Listpack {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Listpack {}

impl<'a> IntoIterator for &'a Listpack {
    type Item = Item<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for Listpack {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut listpack = Listpack::new();
        for item in items {
            listpack.push_back(item.as_ref());
        }
        listpack
    }
}

/// The items of a listpack or of a part of it.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    front: usize,
    back: usize,
}

impl Iter<'_> {
    /// The place of the next item from the front; not one of an entry when none is left.
    #[inline]
    pub fn front_pos(&self) -> Pos {
        Pos(self.front)
    }

    /// The place of the item that came last from the back.
    #[inline]
    pub fn back_pos(&self) -> Pos {
        Pos(self.back)
    }
}

impl<'a> Iter<'a> {
    /// Visits the items that are left, until `visit` says that it wants no more; whether it wants more.
    #[inline]
    pub fn each(&mut self, mut visit: impl FnMut(Item<'a>) -> bool) -> bool {
        let (bytes, back) = (self.bytes, self.back);
        while self.front < back {
            let (item, size) = decode(bytes, self.front);
            self.front += size + backlen_size(size);
            if !visit(item) {
                return false;
            }
        }
        true
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        if self.front >= self.back {
            return None;
        }
        let (item, size) = decode(self.bytes, self.front);
        self.front += size + backlen_size(size);
        Some(item)
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.front >= self.back {
            return None;
        }
        let pos = entry_before(self.bytes, self.back)?;
        self.back = pos.0;
        Some(decode(self.bytes, pos.0).0)
    }
}

#[cfg(test)]
#[path = "listpack_tests.rs"]
mod tests;
