//! A key in pieces: for values that take too long to write in one go under a lock.
//!
//! ```text
//!   Pieces::begin ─▶ expiry, access, type, key
//!   Pieces::next  ─▶ count, elements … │ elements … │ part of a long string │ rest of it, elements …       one a call
//! ```
//! The pieces together are what [`write_entry`](crate::write_entry) writes, with one difference: a string longer than
//! `whole_bytes` is cut too, and then it is not compressed, since its compressed length would have to precede it. Every
//! reader takes both forms.
//!
//! A value that is itself a string may be read in pieces and encoded afterwards, outside of the lock: then its pieces
//! are [text](Pieces::is_text), which the caller joins for [`write_text`]. The string is then compressed, at the price
//! of memory for all of its length.
//!
//! **Invariant:** the value is the same at every call; a change would alter the meaning of a position in it.

use profile::Profile;
use structures::ValueRef;
use structures::hash::Place;

use crate::EntryMeta;
use crate::encode::{Sink, put_int_string, put_len, put_string};
use crate::types;
use crate::writer::{SaveOptions, write_head};

/// What an element counts towards the size of its piece besides its bytes: reaching a small element costs more time
/// than writing it.
const ELEMENT_BYTES: usize = 32;

/// What is cut, and what is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceOptions {
    /// Strings up to this length are written whole, and compressed if they are to be; longer ones are cut.
    pub whole_bytes: usize,
    /// A value that is a string of up to this length, to be compressed, comes as text.
    pub text_bytes: usize,
}

impl PieceOptions {
    /// Nothing is cut within an element.
    pub(crate) const WHOLE: PieceOptions = PieceOptions { whole_bytes: usize::MAX, text_bytes: 0 };
}

/// A key being written in pieces.
#[derive(Debug)]
pub struct Pieces {
    options: PieceOptions,
    save: SaveOptions,
    is_text: bool,
    at: Position,
}

/// How far a value has been written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Position {
    /// The count in front is written.
    pub(crate) is_counted: bool,
    /// The node of a list.
    pub(crate) node: usize,
    /// The field of a hash, the member of a set.
    pub(crate) place: Place,
    /// How many members of a sorted set are written.
    pub(crate) members: usize,
    /// The part of a stream.
    pub(crate) stream: types::StreamPlace,
    /// The field itself is written, its value is not.
    pub(crate) at_value: bool,
    /// Bytes written of the string at this place, if it is cut.
    written: usize,
}

impl Pieces {
    /// Begins a key: writes what stands in front of its value.
    pub fn begin<S: Sink>(
        out: &mut S,
        key: &[u8],
        value: ValueRef<'_>,
        meta: EntryMeta,
        save: &SaveOptions,
        options: PieceOptions,
    ) -> Pieces {
        write_head(out, key, value, meta, save);
        let is_text = match value {
            ValueRef::Bytes(bytes) => {
                save.compress && bytes.len() > options.whole_bytes && bytes.len() <= options.text_bytes
            }
            ValueRef::Int(_)
            | ValueRef::List(_)
            | ValueRef::Hash(_)
            | ValueRef::Set(_)
            | ValueRef::SortedSet(_)
            | ValueRef::Stream(_) => false,
        };
        Pieces { options, save: *save, is_text, at: Position::default() }
    }

    /// Whether the pieces are the text of a string rather than bytes of the file.
    pub fn is_text(&self) -> bool {
        self.is_text
    }

    /// Writes about `bytes` more of the value, at least something; whether that was the last piece.
    pub fn next<S: Sink>(&mut self, out: &mut S, value: ValueRef<'_>, bytes: usize) -> bool {
        let mut piece = Piece { out, left: bytes.max(1), options: self.options, save: &self.save };
        if let ValueRef::Bytes(text) = value
            && self.is_text
        {
            return piece.cut(text, &mut self.at);
        }
        types::put_piece(&mut piece, value, &mut self.at)
    }
}

/// Writes a string whose text came in pieces.
pub fn write_text<S: Sink>(out: &mut S, text: &[u8], save: &SaveOptions) {
    put_string(out, text, save.compress);
}

/// One piece: a sink with an end.
#[derive(Debug)]
pub(crate) struct Piece<'o, S> {
    out: &'o mut S,
    left: usize,
    options: PieceOptions,
    save: &'o SaveOptions,
}

impl<'o, S: Sink> Piece<'o, S> {
    /// A piece that has no end.
    pub(crate) fn endless(out: &'o mut S, save: &'o SaveOptions) -> Piece<'o, S> {
        Piece { out, left: usize::MAX, options: PieceOptions::WHOLE, save }
    }

    /// Whether another element may begin.
    pub(crate) fn has_room(&self) -> bool {
        self.left > 0
    }

    /// Counts an element towards the piece, besides its bytes.
    pub(crate) fn begin_element(&mut self) {
        self.left = self.left.saturating_sub(ELEMENT_BYTES);
    }

    /// The number of elements.
    pub(crate) fn count(&mut self, count: usize, at: &mut Position) {
        if !at.is_counted {
            put_len(self.out, count as u64);
            at.is_counted = true;
        }
    }

    /// Writes a number before a string, once, however often the string is cut.
    pub(crate) fn prefix(&mut self, number: u64, at: &Position) {
        if at.written == 0 {
            put_len(self.out, number);
        }
    }

    /// Writes the eight bytes of a double.
    pub(crate) fn double(&mut self, value: f64) {
        let bytes = value.to_le_bytes();
        self.out.put(&bytes);
        self.left = self.left.saturating_sub(bytes.len());
    }

    /// Which server's file it is a part of.
    pub(crate) fn profile(&self) -> Profile {
        self.save.profile
    }

    /// Writes a number.
    pub(crate) fn number(&mut self, number: u64) {
        put_len(self.out, number);
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.put(bytes);
        self.left = self.left.saturating_sub(bytes.len());
    }

    /// Writes the text of an integer, which is always whole.
    pub(crate) fn int(&mut self, value: i64) -> bool {
        put_int_string(self.out, value);
        true
    }

    /// Writes a string, or the next part of it; whether it is whole.
    pub(crate) fn string(&mut self, text: &[u8], at: &mut Position) -> bool {
        if text.len() <= self.options.whole_bytes {
            put_string(self.out, text, self.save.compress);
            self.left = self.left.saturating_sub(text.len());
            return true;
        }
        if at.written == 0 {
            put_len(self.out, text.len() as u64);
        }
        self.cut(text, at)
    }

    /// Writes the next part of a string; whether that was the last.
    fn cut(&mut self, text: &[u8], at: &mut Position) -> bool {
        // A part of no bytes would look as if the string had not been begun.
        let end = at.written.saturating_add(self.left.max(1)).min(text.len());
        self.out.put(&text[at.written..end]);
        self.left = self.left.saturating_sub(end - at.written);
        let is_whole = end == text.len();
        at.written = if is_whole { 0 } else { end };
        is_whole
    }
}
