//! Large values: captured by the walking thread in pieces.
//!
//! ```text
//!   the walk passes one by ──▶ passed ─┐     ┌── lock · a piece · unlock ──┐
//!                                      ├─▶ in progress ◀───────────────────┘ ─▶ the walking thread's own output
//!   a command waits to change one ─▶ asked ┘     └── whoever cannot wait: all the rest at once ─▶ rest
//! ```
//! One value is in progress at a time, and nothing else is written between its pieces, since in a file a value is in one
//! place. Between two of them the walking thread holds nothing, so others get the slot and the world. What is asked for
//! comes before what was passed by.
//!
//! **Invariant:** only the walking thread begins and ends what is in progress; others finish it, under its slot's lock,
//! and then its entry is marked. If FLUSHALL takes the entry away with its table, the walking thread owns it soon, and
//! finishes it from there.
//!
//! Limits: a piece is [`PIECE_BYTES`] and the string that ends it; what others finish waits in memory, until the
//! walking thread takes it with its next piece; [`ASKED`] keys are asked for at a time.

use crate::background::Background;
use crate::captures::{Adopted, Captures};
use crate::entry::EntryFormat;
use crate::output::Output;
use keyspace::{Keyspace, Revisit, WalkId};
use rdb::{PieceOptions, Pieces};
use std::collections::VecDeque;
use std::io;
use std::thread;
use std::time::Duration;
use table::{Entry, Walk};
use topology::Slot;

/// A value that takes more memory is captured in pieces. One that does not takes some 100 µs at most to capture; that is
/// what a command that changes it pays.
pub(crate) const LARGE_BYTES: usize = 64 << 10;
/// About as much is captured under one hold of a lock.
pub(crate) const PIECE_BYTES: usize = 32 << 10;
/// Strings up to this length are read in pieces and compressed outside of the lock; longer ones would take too much
/// memory for that, and are written as they are.
const TEXT_BYTES: usize = 16 << 20;
/// Between two pieces, for those who wait for the slot: they need a turn of their loop to take it, and would always come
/// too late if the next piece followed at once.
const GIVE_WAY: Duration = Duration::from_micros(100);
/// Keys that may be asked for at a time. Who asks beyond that is woken with the others and asks again.
const ASKED: usize = 256;

/// A key of a logical database.
type Place = (u16, Box<[u8]>);

/// What is to be captured in pieces, and what is being.
#[derive(Debug, Default)]
pub(crate) struct Large {
    /// Somebody waits for these.
    asked: VecDeque<Place>,
    /// The walk has passed these by.
    passed: VecDeque<Place>,
    progress: Option<Progress>,
}

/// A value in progress.
#[derive(Debug)]
struct Progress {
    place: Place,
    pieces: Pieces,
    /// What somebody else has captured who could not wait.
    rest: Vec<u8>,
    is_whole: bool,
}

/// A piece of a value, or what stands in front of it.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    bytes: Vec<u8>,
    is_text: bool,
}

impl Large {
    pub(crate) fn pass(&mut self, db: u16, key: &[u8]) {
        self.passed.push_back((db, key.into()));
    }

    pub(crate) fn ask(&mut self, db: u16, key: &[u8]) {
        let is_it = |place: &Place| place.0 == db && *place.1 == *key;
        let is_known = self.asked.iter().any(is_it)
            || self.progress.as_ref().is_some_and(|progress| is_it(&progress.place));
        if !is_known && self.asked.len() < ASKED {
            self.asked.push_back((db, key.into()));
        }
    }

    /// What comes next.
    fn next(&mut self) -> Option<Place> {
        self.asked.pop_front().or_else(|| self.passed.pop_front())
    }

    /// Captures what comes first of an entry, or next; whether it is whole. The entry's slot is locked.
    fn piece(
        &mut self,
        db: u16,
        entry: Entry<'_>,
        format: &EntryFormat,
        piece_bytes: usize,
        piece: &mut Piece,
    ) -> bool {
        let Some(progress) = &mut self.progress else {
            let pieces = format.begin(&mut piece.bytes, entry, TEXT_BYTES);
            self.progress =
                Some(Progress { place: (db, entry.key().into()), pieces, rest: Vec::new(), is_whole: false });
            return false;
        };
        piece.is_text = progress.pieces.is_text();
        progress.is_whole = progress.pieces.next(&mut piece.bytes, entry.value(), piece_bytes);
        progress.is_whole
    }

    /// Captures all that is left of an entry, if it is the one in progress. The entry's slot is locked.
    pub(crate) fn finish(&mut self, db: u16, entry: Entry<'_>) -> bool {
        let Some(progress) = &mut self.progress else { return false };
        if progress.place.0 != db || *progress.place.1 != *entry.key() {
            return false;
        }
        assert!(!progress.is_whole, "an entry is captured once");
        progress.is_whole = progress.pieces.next(&mut progress.rest, entry.value(), usize::MAX);
        assert!(progress.is_whole, "an endless piece holds the whole value");
        true
    }
}

impl EntryFormat {
    /// Begins an entry in pieces. A string of up to `text_bytes` comes as text, to be compressed later.
    fn begin(&self, out: &mut impl rdb::Sink, entry: Entry<'_>, text_bytes: usize) -> Pieces {
        let options = PieceOptions { whole_bytes: self.large_bytes, text_bytes };
        Pieces::begin(out, entry.key(), entry.value(), self.access.of(entry), &self.save, options)
    }

    /// Writes a large entry at once, in no more time than is needed: what is long is not compressed.
    pub(crate) fn write_large(&self, out: &mut impl rdb::Sink, entry: Entry<'_>) {
        let mut pieces = self.begin(out, entry, 0);
        pieces.next(out, entry.value(), usize::MAX);
    }
}

/// The walking thread among its large values.
pub(crate) struct LargeWalk<'w, 'k> {
    pub(crate) thread: Background<'k>,
    pub(crate) walk: WalkId,
    pub(crate) captures: &'w Captures,
    pub(crate) piece_bytes: usize,
}

impl LargeWalk<'_, '_> {
    /// Captures the next large value; whether there was one. The thread is outside the gate.
    ///
    /// # Errors
    /// When the sink fails.
    pub(crate) fn capture_next(&self, output: &mut Output<'_>) -> io::Result<bool> {
        let Some((db, key)) = self.captures.large().next() else { return Ok(false) };
        self.capture(db, &key, output).map(|()| true)
    }

    fn keyspace(&self) -> &Keyspace {
        self.thread.keyspace()
    }

    fn capture(&self, db: u16, key: &[u8], output: &mut Output<'_>) -> io::Result<()> {
        let mut text = Vec::new();
        let mut piece = Piece::default();
        loop {
            if self.captures.is_aborted() {
                return Ok(());
            }
            let revisited = self.revisit(db, key, &mut piece);
            if revisited != Revisit::Unfinished {
                // Before the last piece is written: that may take as long as the sink likes.
                self.keyspace().wake_awaiting();
            }
            if piece.is_text {
                text.append(&mut piece.bytes);
            } else {
                output.bytes_of(db, 0, &piece.bytes);
                output.check()?;
                piece.bytes.clear();
            }
            if revisited != Revisit::Unfinished {
                break;
            }
        }
        // It was captured by others, or flushed, before it was begun: then it is written in another place.
        let Some(progress) = self.captures.large().progress.take() else { return Ok(()) };
        // Whoever sees an aborted walk captures nothing more, so there may be no rest.
        if self.captures.is_aborted() {
            return Ok(());
        }
        self.end(progress, text, output)
    }

    /// Takes the next piece, if there is one, under the slot's lock.
    fn revisit(&self, db: u16, key: &[u8], piece: &mut Piece) -> Revisit {
        loop {
            let (revisited, is_waited_for) = {
                let _inside = self.thread.enter();
                let mut guard = self.keyspace().walk_slots();
                let revisited = self.keyspace().revisit(self.walk, &mut guard, db, key, |entry| {
                    let format = self.captures.format();
                    self.captures.large().piece(db, entry, format, self.piece_bytes, piece)
                });
                (revisited, guard.leave_slot())
            };
            if is_waited_for {
                thread::park_timeout(GIVE_WAY);
            }
            match revisited {
                Ok(revisited) => return revisited,
                Err(busy) => self.thread.wait_for(busy),
            }
        }
    }

    /// Writes the end of a value that was begun.
    fn end(&self, progress: Progress, mut text: Vec<u8>, output: &mut Output<'_>) -> io::Result<()> {
        let Progress { place: (db, key), mut pieces, rest, is_whole } = progress;
        let is_text = pieces.is_text();
        let flushed = if is_whole { None } else { Some(self.find_flushed(db, &key)) };
        if let Some(flushed) = &flushed {
            let value = flushed.entry.as_ref().value();
            match is_text {
                true => pieces.next(&mut text, value, usize::MAX),
                false => pieces.next(output, value, usize::MAX),
            };
        }
        if is_text {
            text.extend_from_slice(&rest);
            rdb::write_text(output, &text, &self.captures.format().save);
            output.bytes_of(db, 1, &[]);
        } else {
            output.bytes_of(db, 1, &rest);
        }
        if let Some(flushed) = flushed {
            for entry in flushed.before {
                output.entry(db, entry.as_ref());
            }
            self.captures.put_adopted_back(flushed.after);
        }
        output.check()
    }

    /// Takes the entry in progress out of the table that FLUSHALL removed. It is in the first of its slot: what has come to
    /// be after that was born captured.
    fn find_flushed(&self, db: u16, key: &[u8]) -> FlushedEntry {
        let mut after = self.captures.take_adopted_of(db, Slot::of(key)).expect("what is gone was flushed");
        let mut before = Vec::new();
        for entry in after.table.by_ref() {
            if entry.as_ref().mark(Walk::Keyspace) == after.epoch {
                continue;
            }
            if entry.as_ref().key() == key {
                return FlushedEntry { entry, before, after };
            }
            before.push(entry);
        }
        unreachable!("the table holds the entry that was not captured");
    }
}

/// An entry taken out of a flushed table.
struct FlushedEntry {
    entry: table::EntryBox,
    /// Those that stood before it and are not captured.
    before: Vec<table::EntryBox>,
    /// The rest of the table.
    after: Adopted,
}
