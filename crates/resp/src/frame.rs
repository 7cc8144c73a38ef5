//! Replies read back into values: the client's side, for tests, the replica link and slot migration.
//!
//! The decoder keeps a stack of aggregates that are still open instead of recursing, so a reply may arrive in any
//! pieces and each byte is parsed once. Announced lengths are not trusted: elements are collected as they arrive, and
//! depth, line length and bulk length have limits.

use crate::number::{parse_i64, write_line};
use std::fmt;

/// The deepest nesting of aggregates. No server nests replies more than a few levels.
pub const MAX_DEPTH: usize = 256;
/// The longest line (status, error, number, length), in bytes.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;
/// The longest bulk string, in bytes: more than `proto-max-bulk-len` is set to in practice.
pub const MAX_BULK_BYTES: i64 = 4 * 1024 * 1024 * 1024;

/// A reply, in the terms of RESP3; the two nulls of RESP2 stay distinct.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// `+`: a status.
    Simple(Vec<u8>),
    /// `-`: an error, without the minus.
    Error(Vec<u8>),
    /// `!`: an error of any bytes.
    BulkError(Vec<u8>),
    /// `:`
    Integer(i64),
    /// `$`
    Bulk(Vec<u8>),
    /// `$-1`, RESP2's null.
    NullBulk,
    /// `*-1`, RESP2's null array.
    NullArray,
    /// `_`, RESP3's null.
    Null,
    /// `#`
    Boolean(bool),
    /// `,`
    Double(f64),
    /// `(`: digits as they came.
    BigNumber(Vec<u8>),
    /// `=`
    Verbatim {
        /// `txt` or `mkd`.
        format: [u8; 3],
        /// The text behind the format.
        text: Vec<u8>,
    },
    /// `*`
    Array(Vec<Frame>),
    /// `~`
    Set(Vec<Frame>),
    /// `>`
    Push(Vec<Frame>),
    /// `%`: pairs in the order they came.
    Map(Vec<(Frame, Frame)>),
    /// `|`: a reply with attributes before it.
    Attributed {
        /// The attributes.
        attributes: Vec<(Frame, Frame)>,
        /// The reply they belong to.
        reply: Box<Frame>,
    },
}

/// The bytes are not a reply. The connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// No type of reply begins with this byte.
    UnknownType(u8),
    /// A length, number, truth value or double is malformed.
    Malformed,
    /// A line, a bulk string or the nesting exceeds this module's limits.
    TooLarge,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::UnknownType(byte) => write!(f, "no reply begins with byte 0x{byte:02x}"),
            FrameError::Malformed => f.write_str("malformed reply"),
            FrameError::TooLarge => f.write_str("reply exceeds a limit"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Reads replies from bytes that come in pieces.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Bytes of `buffer` already turned into frames.
    consumed: usize,
    /// Bytes behind `consumed` known to hold no line end.
    scanned: usize,
    open: Vec<Open>,
    failed: Option<FrameError>,
}

/// An aggregate whose elements are still coming.
#[derive(Debug)]
struct Open {
    kind: u8,
    /// Elements still to come; a pair counts as two.
    left: u64,
    items: Vec<Frame>,
}

/// One step of decoding.
enum Step {
    Frame(Frame),
    Open(Open),
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Adds bytes that have arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.consumed > 0 && self.consumed >= self.buffer.len() / 2 {
            self.buffer.drain(..self.consumed);
            self.consumed = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that have been fed and belong to no frame yet, without the finished elements of an open aggregate.
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.consumed..]
    }

    /// Takes [`Decoder::rest`] out, for a stream that goes on in another format.
    pub fn take_rest(&mut self) -> Vec<u8> {
        self.scanned = 0;
        let rest = self.buffer.split_off(self.consumed);
        self.buffer.clear();
        self.consumed = 0;
        rest
    }

    /// The next complete reply, or `None` until more bytes are fed. An error is final.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.decode();
        if let Err(error) = result {
            self.failed = Some(error);
        }
        result
    }

    fn decode(&mut self) -> Result<Option<Frame>, FrameError> {
        while let Some(step) = self.step()? {
            match step {
                Step::Open(open) if open.left > 0 => {
                    if self.open.len() == MAX_DEPTH {
                        return Err(FrameError::TooLarge);
                    }
                    self.open.push(open);
                }
                Step::Open(open) => {
                    if let Some(frame) = self.add(close(open)) {
                        return Ok(Some(frame));
                    }
                }
                Step::Frame(frame) => {
                    if let Some(frame) = self.add(frame) {
                        return Ok(Some(frame));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Puts a frame into the innermost open aggregate, closing all that it completes.
    fn add(&mut self, mut frame: Frame) -> Option<Frame> {
        while let Some(open) = self.open.last_mut() {
            open.items.push(frame);
            open.left -= 1;
            if open.left > 0 {
                return None;
            }
            frame = close(self.open.pop()?);
        }
        Some(frame)
    }

    fn step(&mut self) -> Result<Option<Step>, FrameError> {
        let Some(line_len) = self.line_len()? else { return Ok(None) };
        let bytes = &self.buffer[self.consumed..];
        let (kind, content) = (bytes[0], bytes.get(1..line_len).unwrap_or_default());
        let mut used = line_len + 2;
        let step = match kind {
            b'$' | b'!' | b'=' => match bulk(kind, content, &bytes[used..])? {
                None => return Ok(None),
                Some((frame, body)) => {
                    used += body;
                    Step::Frame(frame)
                }
            },
            b'*' | b'~' | b'>' | b'%' | b'|' => open(kind, content)?,
            _ => Step::Frame(scalar(kind, content)?),
        };
        self.consumed += used;
        self.scanned = 0;
        Ok(Some(step))
    }

    /// Length of the line at the front, without CRLF.
    fn line_len(&mut self) -> Result<Option<usize>, FrameError> {
        let bytes = &self.buffer[self.consumed..];
        let Some(at) = memchr::memchr(b'\n', &bytes[self.scanned..]) else {
            self.scanned = bytes.len();
            return if self.scanned > MAX_LINE_BYTES { Err(FrameError::TooLarge) } else { Ok(None) };
        };
        self.scanned += at;
        match bytes[..self.scanned].strip_suffix(b"\r") {
            Some(line) if !line.is_empty() => Ok(Some(line.len())),
            _ => Err(FrameError::Malformed),
        }
    }
}

/// A bulk string, bulk error or verbatim string and how many bytes it takes behind its line.
fn bulk(kind: u8, content: &[u8], body: &[u8]) -> Result<Option<(Frame, usize)>, FrameError> {
    let len = match parse_i64(content).ok_or(FrameError::Malformed)? {
        -1 if kind == b'$' => return Ok(Some((Frame::NullBulk, 0))),
        len if len < 0 => return Err(FrameError::Malformed),
        len if len > MAX_BULK_BYTES => return Err(FrameError::TooLarge),
        len => len as usize,
    };
    let Some(text) = body.get(..len + 2) else { return Ok(None) };
    let text = text.strip_suffix(b"\r\n").ok_or(FrameError::Malformed)?;
    let frame = match (kind, text) {
        (b'$', _) => Frame::Bulk(text.to_vec()),
        (b'!', _) => Frame::BulkError(text.to_vec()),
        (_, [a, b, c, b':', rest @ ..]) => Frame::Verbatim { format: [*a, *b, *c], text: rest.to_vec() },
        _ => return Err(FrameError::Malformed),
    };
    Ok(Some((frame, len + 2)))
}

fn open(kind: u8, content: &[u8]) -> Result<Step, FrameError> {
    let len = match parse_i64(content).ok_or(FrameError::Malformed)? {
        -1 if kind == b'*' => return Ok(Step::Frame(Frame::NullArray)),
        len => u64::try_from(len).map_err(|_| FrameError::Malformed)?,
    };
    let left = match kind {
        b'%' => len.checked_mul(2),
        // The reply that the attributes belong to is their last element.
        b'|' => len.checked_mul(2).and_then(|len| len.checked_add(1)),
        _ => Some(len),
    };
    Ok(Step::Open(Open { kind, left: left.ok_or(FrameError::TooLarge)?, items: Vec::new() }))
}

fn close(open: Open) -> Frame {
    let mut items = open.items;
    match open.kind {
        b'*' => Frame::Array(items),
        b'~' => Frame::Set(items),
        b'>' => Frame::Push(items),
        b'%' => Frame::Map(pairs(items)),
        _ => {
            let reply = Box::new(items.pop().unwrap_or(Frame::Null));
            Frame::Attributed { attributes: pairs(items), reply }
        }
    }
}

fn pairs(items: Vec<Frame>) -> Vec<(Frame, Frame)> {
    let mut items = items.into_iter();
    std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect()
}

fn scalar(kind: u8, content: &[u8]) -> Result<Frame, FrameError> {
    let frame = match (kind, content) {
        (b'+', _) => Frame::Simple(content.to_vec()),
        (b'-', _) => Frame::Error(content.to_vec()),
        (b':', _) => return parse_i64(content).map(Frame::Integer).ok_or(FrameError::Malformed),
        (b'_', b"") => Frame::Null,
        (b'#', b"t") => Frame::Boolean(true),
        (b'#', b"f") => Frame::Boolean(false),
        (b',', _) => {
            let text = std::str::from_utf8(content).map_err(|_| FrameError::Malformed)?;
            Frame::Double(text.parse().map_err(|_| FrameError::Malformed)?)
        }
        (b'(', _) => {
            let digits = content.strip_prefix(b"-").unwrap_or(content);
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return Err(FrameError::Malformed);
            }
            Frame::BigNumber(content.to_vec())
        }
        (b'_' | b'#', _) => return Err(FrameError::Malformed),
        _ => return Err(FrameError::UnknownType(kind)),
    };
    Ok(frame)
}

/// Appends a command as clients and replication streams send it: an array of bulk strings.
pub fn encode_command<A: AsRef<[u8]>>(out: &mut Vec<u8>, args: &[A]) {
    write_line(out, b'*', args.len() as i64);
    for arg in args {
        let arg = arg.as_ref();
        out.reserve(crate::number::MAX_LINE + arg.len() + 2);
        write_line(out, b'$', arg.len() as i64);
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}
