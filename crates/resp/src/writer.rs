//! Replies, in the protocol version that the client has chosen.
//!
//! There is one method for each kind of reply. A command states the meaning (a map of three pairs, a double, null) and
//! the writer encodes it for either version:
//!
//! | meaning | RESP2 | RESP3 |
//! |---|---|---|
//! | null | `$-1` | `_` |
//! | null array | `*-1` | `_` |
//! | map of n pairs | `*2n` | `%n` |
//! | set, push | `*n` | `~n`, `>n` |
//! | boolean | `:0`, `:1` | `#f`, `#t` |
//! | double, big number, verbatim | bulk string | `,` `(` `=` |
//!
//! A reply can be too long to buffer: its length may come from a number in an argument. So a writer can have a
//! [`Meter`], which it asks each time the buffer grows across a multiple of [`STEP`]:
//!
//! ```text
//!  out  ├── STEP ──┼── STEP ──┼── STEP ──┤ ◀ asks: may it grow?   no ─▶ over: `out` is emptied, what follows is dropped
//! ```
//! A reply that is over never reaches its client: the connection is closed. A handler therefore writes elements by
//! [`Writer::each`], which stops when the reply is over, and checks a length that it knows in advance by
//! [`Writer::fits`].

use crate::number::{MAX_LINE, decimal_len, line_into, write_bulk_head, write_line};
use std::fmt::Display;

/// The protocol version of a connection, as chosen by HELLO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proto {
    /// RESP2, where every connection starts.
    #[default]
    Resp2,
    /// RESP3.
    Resp3,
}

/// The place of a length that is known only after its elements have been written.
#[derive(Debug)]
#[must_use = "without its length the reply is malformed"]
pub struct Deferred {
    at: usize,
}

/// How many bytes of replies are written between two calls of a [`Meter`]: less than a millisecond even for the slowest
/// commands.
pub const STEP: usize = 64 * 1024;

/// Decides how far replies may grow.
pub trait Meter: std::fmt::Debug {
    /// Whether the reply may go on when a buffer of `len` bytes is to get `more`. After a `false` the answer stays
    /// `false`.
    fn may_grow(&self, len: usize, more: usize) -> bool;
}

/// Appends replies to a buffer.
///
/// ```
/// use resp::{Proto, Writer};
/// // A map is what it is in RESP3, and a flat array in RESP2.
/// let reply = |proto| {
///     let mut out = Vec::new();
///     let mut writer = Writer::new(&mut out, proto);
///     writer.map(1);
///     writer.bulk(b"field");
///     writer.null();
///     out
/// };
/// assert_eq!(reply(Proto::Resp3), b"%1\r\n$5\r\nfield\r\n_\r\n");
/// assert_eq!(reply(Proto::Resp2), b"*2\r\n$5\r\nfield\r\n$-1\r\n");
/// ```
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    proto: Proto,
    meter: Option<&'a dyn Meter>,
    /// Bytes of the same replies that are in another buffer.
    beside: usize,
    /// The buffer's length beyond which the meter is asked; 0 once the reply is over.
    checkpoint: usize,
}

impl<'a> Writer<'a> {
    /// Appends to `out`.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>, proto: Proto) -> Writer<'a> {
        Writer { out, proto, meter: None, beside: 0, checkpoint: usize::MAX }
    }

    /// Sets the meter that decides how far the buffer may grow.
    #[inline]
    pub fn metered(self, meter: &'a dyn Meter) -> Writer<'a> {
        let checkpoint = next_step(self.out.len());
        Writer { meter: Some(meter), checkpoint, ..self }
    }

    /// A writer for a part of this reply whose place is not known yet: into another buffer, under the same meter.
    pub fn aside<'b>(&self, out: &'b mut Vec<u8>) -> Writer<'b>
    where
        'a: 'b,
    {
        let beside = self.beside + self.out.len();
        let writer = Writer { beside, ..Writer::new(out, self.proto) };
        match self.meter {
            Some(meter) => writer.metered(meter),
            None => writer,
        }
    }

    /// Whether the reply has been cut off: nothing more is kept, and the client's connection is closed.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.checkpoint == 0
    }

    /// Whether the reply can be written if at least `more` bytes are still to come. If not, it is over.
    pub fn fits(&mut self, more: usize) -> bool {
        let Some(meter) = self.meter else { return true };
        let fits = meter.may_grow(self.beside + self.out.len(), more) && !self.is_over();
        if !fits {
            self.end();
        }
        fits
    }

    /// Writes elements one after the other, as long as the reply is not over.
    #[inline]
    pub fn each<I: IntoIterator>(&mut self, items: I, mut write: impl FnMut(&mut Writer<'a>, I::Item)) {
        for item in items {
            if self.is_over() {
                return;
            }
            write(self, item);
        }
    }

    /// Whether `more` bytes may be appended now.
    #[inline]
    fn admits(&mut self, more: usize) -> bool {
        self.out.len().saturating_add(more) < self.checkpoint || self.ask(more)
    }

    #[cold]
    fn ask(&mut self, more: usize) -> bool {
        // Without a meter nothing is as long as the checkpoint.
        let fits = self.fits(more);
        if fits && self.meter.is_some() {
            self.checkpoint = next_step(self.out.len() + more);
        }
        fits
    }

    fn end(&mut self) {
        *self.out = Vec::new();
        self.checkpoint = 0;
    }

    /// The protocol version in which this writer answers.
    pub fn proto(&self) -> Proto {
        self.proto
    }

    /// The buffer's length now, to return to by [`Writer::truncate`]. 0 once the reply is over.
    pub fn position(&self) -> usize {
        self.out.len()
    }

    /// Drops everything written since the buffer had this length.
    pub fn truncate(&mut self, position: usize) {
        self.out.truncate(position);
    }

    /// Appends bytes that are already protocol.
    #[inline]
    pub fn raw(&mut self, reply: &[u8]) {
        if self.admits(reply.len()) {
            self.out.extend_from_slice(reply);
        }
    }

    /// Appends one line: a prefix, a number, the line's end.
    #[inline]
    fn line(&mut self, prefix: u8, n: i64) {
        if self.admits(MAX_LINE) {
            write_line(self.out, prefix, n);
        }
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// A status. It must not contain line ends: it comes from the program, never from a client.
    pub fn simple(&mut self, status: &str) {
        debug_assert!(!status.contains(['\r', '\n']), "a status is one line");
        if !self.admits(status.len() + 3) {
            return;
        }
        self.out.reserve(status.len() + 3);
        self.out.push(b'+');
        self.out.extend_from_slice(status.as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    /// An error: its code word and text, without the leading minus. The text may quote a client's bytes, so line ends
    /// are dropped at both ends and become spaces inside.
    pub fn error(&mut self, message: impl AsRef<[u8]>) {
        let mut message = message.as_ref();
        while let [b'\r' | b'\n', rest @ ..] | [rest @ .., b'\r' | b'\n'] = message {
            message = rest;
        }
        if !self.admits(message.len() + 3) {
            return;
        }
        self.out.reserve(message.len() + 3);
        self.out.push(b'-');
        let start = self.out.len();
        self.out.extend_from_slice(message);
        for byte in &mut self.out[start..] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        self.out.extend_from_slice(b"\r\n");
    }

    /// [`Writer::error`] for an error value whose `Display` is the wire text.
    pub fn error_value(&mut self, error: &dyn Display) {
        self.error(error.to_string());
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, n: i64) {
        self.line(b':', n);
    }

    /// A bulk string.
    #[inline]
    pub fn bulk(&mut self, value: &[u8]) {
        if self.admits(MAX_LINE + value.len() + 2) {
            write_bulk(self.out, value);
        }
    }

    /// An integer as a bulk string.
    pub fn bulk_int(&mut self, n: i64) {
        let mut line = [0; MAX_LINE];
        let len = line_into(&mut line, b'$', n);
        if self.admits(2 * MAX_LINE) {
            write_line(self.out, b'$', decimal_len(n) as i64);
            self.out.extend_from_slice(&line[1..len]);
        }
    }

    /// A bulk string that `fill` appends; it must append exactly `len` bytes.
    pub fn bulk_with(&mut self, len: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        self.bulk_like(b'$', len, fill);
    }

    /// No value.
    #[inline]
    pub fn null(&mut self) {
        self.raw(match self.proto {
            Proto::Resp2 => b"$-1\r\n",
            Proto::Resp3 => b"_\r\n",
        });
    }

    /// No value where an array is expected.
    pub fn null_array(&mut self) {
        self.raw(match self.proto {
            Proto::Resp2 => b"*-1\r\n",
            Proto::Resp3 => b"_\r\n",
        });
    }

    /// Head of an array of `len` elements, which follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.line(b'*', len as i64);
    }

    /// Head of a map of `pairs` keys with their values, which follow alternately.
    pub fn map(&mut self, pairs: usize) {
        match self.proto {
            Proto::Resp2 => self.array(pairs * 2),
            Proto::Resp3 => self.line(b'%', pairs as i64),
        }
    }

    /// Head of a set of `len` elements, which follow.
    pub fn set(&mut self, len: usize) {
        self.aggregate(b'~', len);
    }

    /// Head of an out-of-band message of `len` elements, which follow.
    pub fn push(&mut self, len: usize) {
        self.aggregate(b'>', len);
    }

    /// Head of `pairs` attributes of the reply behind them. RESP2 has none: nothing is written and the result is
    /// false, in which case the pairs must not be written either.
    #[must_use]
    pub fn attribute(&mut self, pairs: usize) -> bool {
        if self.proto == Proto::Resp3 {
            self.line(b'|', pairs as i64);
        }
        self.proto == Proto::Resp3
    }

    /// A truth value.
    pub fn boolean(&mut self, value: bool) {
        self.raw(match (self.proto, value) {
            (Proto::Resp2, false) => b":0\r\n",
            (Proto::Resp2, true) => b":1\r\n",
            (Proto::Resp3, false) => b"#f\r\n",
            (Proto::Resp3, true) => b"#t\r\n",
        });
    }

    /// A whole number of any size, given in decimal.
    pub fn big_number(&mut self, digits: &str) {
        self.scalar(b'(', digits.as_bytes());
    }

    /// A floating point number, as text in the form that the version prints: a double in RESP3, a bulk string in RESP2.
    pub fn double_text(&mut self, text: &str) {
        self.scalar(b',', text.as_bytes());
    }

    /// Text for people, with its format (`txt`, `mkd`).
    pub fn verbatim(&mut self, format: &[u8; 3], text: &[u8]) {
        match self.proto {
            Proto::Resp2 => self.bulk(text),
            Proto::Resp3 => self.bulk_like(b'=', text.len() + 4, |out| {
                out.extend_from_slice(format);
                out.push(b':');
                out.extend_from_slice(text);
            }),
        }
    }

    /// Begins an aggregate whose length is not known yet. Finish the innermost first.
    pub fn deferred(&mut self) -> Deferred {
        Deferred { at: self.out.len() }
    }

    /// Ends what [`Writer::deferred`] began as an array.
    pub fn finish_array(&mut self, deferred: Deferred, len: usize) {
        self.finish(deferred, |writer| writer.array(len));
    }

    /// Ends what [`Writer::deferred`] began as a map.
    pub fn finish_map(&mut self, deferred: Deferred, pairs: usize) {
        self.finish(deferred, |writer| writer.map(pairs));
    }

    /// Ends what [`Writer::deferred`] began as a set.
    pub fn finish_set(&mut self, deferred: Deferred, len: usize) {
        self.finish(deferred, |writer| writer.set(len));
    }

    /// The elements move back by the few bytes of the head: one copy of them, no second buffer.
    fn finish(&mut self, deferred: Deferred, head: impl FnOnce(&mut Writer<'_>)) {
        let body_end = self.out.len();
        head(self);
        if self.is_over() {
            return;
        }
        let head_len = self.out.len() - body_end;
        let mut moved = [0; MAX_LINE];
        moved[..head_len].copy_from_slice(&self.out[body_end..]);
        self.out.copy_within(deferred.at..body_end, deferred.at + head_len);
        self.out[deferred.at..deferred.at + head_len].copy_from_slice(&moved[..head_len]);
    }

    fn aggregate(&mut self, prefix: u8, len: usize) {
        self.line(if self.proto == Proto::Resp3 { prefix } else { b'*' }, len as i64);
    }

    /// One line in RESP3, a bulk string in RESP2.
    fn scalar(&mut self, prefix: u8, text: &[u8]) {
        match self.proto {
            Proto::Resp2 => self.bulk(text),
            Proto::Resp3 => {
                if !self.admits(text.len() + 3) {
                    return;
                }
                self.out.reserve(text.len() + 3);
                self.out.push(prefix);
                self.out.extend_from_slice(text);
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    #[inline]
    fn bulk_like(&mut self, prefix: u8, len: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        if !self.admits(MAX_LINE + len + 2) {
            return;
        }
        self.out.reserve(MAX_LINE + len + 2);
        write_line(self.out, prefix, len as i64);
        let start = self.out.len();
        fill(self.out);
        debug_assert_eq!(self.out.len() - start, len, "a bulk string has the length that was announced");
        self.out.extend_from_slice(b"\r\n");
    }
}

/// Appends a bulk string. Of all replies the most frequent one, with all that it is made of in one place.
fn write_bulk(out: &mut Vec<u8>, value: &[u8]) {
    out.reserve(MAX_LINE + value.len() + 2);
    write_bulk_head(out, value.len());
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// The first multiple of a step beyond a length.
#[inline]
fn next_step(len: usize) -> usize {
    (len / STEP + 1) * STEP
}
