//! Framing of requests: where one command ends in a stream of bytes, and where its arguments lie.
//!
//! ```text
//!   *2\r\n $3\r\n GET\r\n $5\r\n my     ← the buffer so far; the caller keeps it from the first unconsumed byte on
//!                          └ position     the parser keeps: arguments still to come (1), length of the current
//!                                         bulk (5), ranges found so far, how far a line end has been looked for
//! ```
//!
//! A parser belongs to one connection. Each call gets the buffer *from the first unconsumed byte*; when a request is
//! incomplete nothing is consumed, and the next call must bring the same bytes with more behind them. The parser then
//! resumes where it stopped, so each byte is examined once, however many pieces the request arrives in: a bulk of 512
//! MB in pieces of 16 KB costs one comparison a piece.
//!
//! Arguments of complete requests are ranges in [`Args`], one flat list for as many requests as the caller parses
//! ahead. Arguments of an inline command are unescaped, so they cannot be ranges of the input; they are stored in
//! `Args` too, and [`Args::get`] hides the difference.
//!
//! Invariants
//! - Whether and how bytes are split never changes the requests that come out, only the moment they come out.
//! - Nothing is reserved for a count or a length that has only been announced.
//! - An error is final: the parser answers every further call with the same error.
//!
//! Details taken over from the real server, because clients and test suites see them: line ends of a multibulk are a
//! CR and any one byte, the two bytes behind a bulk are not looked at, an inline line ends with LF and may have a CR
//! before it, a NUL byte hides the line end behind it (so the line is only refused once it exceeds the limit), and a
//! line is too long only when its end is not among the bytes that are there.

use crate::inline;
use crate::number::parse_i64;
use std::fmt;

/// The longest request line (inline command, count or length), in bytes, whose end has not arrived.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// The most arguments of a request that a client may send before it has authenticated.
pub const UNAUTHENTICATED_MULTIBULK: i64 = 10;
/// The longest argument, in bytes, that a client may send before it has authenticated.
pub const UNAUTHENTICATED_BULK: i64 = 16_384;
/// The most ranges the parser keeps allocated between requests. The memory of a rare huge request is freed.
const KEPT_RANGES: usize = 64;

/// The bytes `start..start + len` of the buffer that the request was parsed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgRange {
    /// Offset of the first byte from the start of the request (the first unconsumed byte).
    pub start: usize,
    /// Length in bytes.
    pub len: usize,
}

impl ArgRange {
    /// The bytes themselves. `buffer` must be the one that was parsed, from the same first byte.
    #[inline]
    pub fn of<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        &buffer[self.start..self.start + self.len]
    }
}

/// The most arguments, and bytes of unescaped arguments, for which memory is kept from turn to turn: enough for a long
/// pipeline.
const KEPT_ARGUMENTS: usize = 1 << 16;
const KEPT_UNESCAPED_BYTES: usize = 64 << 10;

/// Arguments of all requests parsed ahead, owned by the caller and reused from turn to turn.
#[derive(Debug, Default)]
pub struct Args {
    ranges: Vec<ArgRange>,
    /// Arguments of inline commands, without their quotes and escapes.
    unescaped: Vec<u8>,
}

impl Args {
    /// An empty list.
    pub fn new() -> Args {
        Args::default()
    }

    /// Forgets all requests. Keeps the memory unless it is large. Every [`Request`] that refers to this list is invalid
    /// afterwards.
    pub fn clear(&mut self) {
        self.ranges.clear();
        self.ranges.shrink_to(KEPT_ARGUMENTS);
        self.unescaped.clear();
        self.unescaped.shrink_to(KEPT_UNESCAPED_BYTES);
    }

    /// Ranges of the request's arguments, relative to its first byte, or to the unescaped bytes when it is inline.
    #[inline]
    pub fn ranges(&self, request: &Request) -> &[ArgRange] {
        &self.ranges[request.first..request.first + request.count]
    }

    /// Argument `index` of the request, 0 being the command's name. `buffer` starts at the request's first byte.
    #[inline]
    pub fn get<'a>(&'a self, request: &Request, buffer: &'a [u8], index: usize) -> &'a [u8] {
        self.ranges(request)[index].of(if request.inline { &self.unescaped } else { buffer })
    }

    /// All arguments of the request. `buffer` starts at the request's first byte.
    #[inline]
    pub fn iter<'a>(
        &'a self,
        request: &Request,
        buffer: &'a [u8],
    ) -> impl ExactSizeIterator<Item = &'a [u8]> + DoubleEndedIterator + Clone + use<'a> {
        let source = if request.inline { &self.unescaped[..] } else { buffer };
        self.ranges(request).iter().map(move |range| range.of(source))
    }

    /// Writes the arguments of the request into `few`, if there is room for them: what [`Args::iter`] yields, in the
    /// form that the hot path uses. The loop is plain so that each argument is two word-sized stores, which later
    /// word-sized loads can be forwarded from; a pair copied as one would wait until both are in the cache.
    #[inline(always)]
    pub fn fill<'f, 'a, const N: usize>(
        &'a self,
        request: &Request,
        buffer: &'a [u8],
        few: &'f mut [&'a [u8]; N],
    ) -> Option<&'f [&'a [u8]]> {
        let ranges = self.ranges(request);
        if ranges.len() > N {
            return None;
        }
        let source = if request.inline { &self.unescaped[..] } else { buffer };
        for at in 0..ranges.len() {
            few[at] = ranges[at].of(source);
        }
        Some(&few[..ranges.len()])
    }

    /// Bytes of memory held.
    pub fn allocated_bytes(&self) -> usize {
        self.ranges.capacity() * size_of::<ArgRange>() + self.unescaped.capacity()
    }
}

/// A complete request; its arguments are in the [`Args`] it was parsed into. There is always at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Bytes of the buffer that this request took, counted from its first byte.
    pub consumed: usize,
    /// Number of arguments, the command's name included; at least 1.
    pub count: usize,
    /// The request was a plain line rather than an array of bulk strings.
    pub inline: bool,
    first: usize,
}

/// What a call of [`Parser::parse`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A request.
    Request(Request),
    /// An empty line or an array of no elements, which is no request and gets no answer. Bytes to drop.
    Skip {
        /// Bytes of the buffer to drop.
        consumed: usize,
    },
    /// Nothing is consumed; call again with the same bytes and more.
    Incomplete {
        /// At least this many more bytes are needed (never 0): a receive buffer with this much room saves calls.
        needed: usize,
    },
}

/// What a client may send. The caller holds it, because it changes with configuration and authentication.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// `proto-max-bulk-len`: bytes of one argument. Redis's default is 512 MB.
    pub max_bulk_len: i64,
    /// Arguments of one request: `i32::MAX` since Redis 7.0, 1,048,576 before.
    pub max_multibulk_len: i64,
    /// False until the client has authenticated, if it has to.
    pub authenticated: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_bulk_len: 512 * 1024 * 1024,
            max_multibulk_len: i64::from(i32::MAX),
            authenticated: true,
        }
    }
}

/// The client does not speak the protocol. It gets the text as an error reply, then its connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// The count of an array is not a number, or too large.
    InvalidMultibulkLength,
    /// The length of an argument is not a number, is negative, or exceeds `proto-max-bulk-len`.
    InvalidBulkLength,
    /// A byte other than `$` stands where an argument must begin.
    ExpectedDollar(u8),
    /// The line with the count of an array does not end.
    TooBigMultibulkCount,
    /// The line with the length of an argument does not end.
    TooBigBulkCount,
    /// The line of an inline command does not end.
    TooBigInline,
    /// Quotes of an inline command do not balance.
    UnbalancedQuotes,
    /// More than 10 arguments before authentication.
    UnauthenticatedMultibulk,
    /// An argument of more than 16,384 bytes before authentication.
    UnauthenticatedBulk,
}

impl ProtocolError {
    /// The text after `-ERR `, as bytes: it may quote a byte of the client that is not UTF-8. It may contain line ends;
    /// see [`crate::Writer::error`], which replaces them.
    pub fn message(&self) -> Vec<u8> {
        let mut message = b"Protocol error: ".to_vec();
        message.extend_from_slice(self.reason().as_bytes());
        if let ProtocolError::ExpectedDollar(byte) = *self {
            message.extend_from_slice(&[byte, b'\'']);
        }
        message
    }

    fn reason(&self) -> &'static str {
        match self {
            ProtocolError::InvalidMultibulkLength => "invalid multibulk length",
            ProtocolError::InvalidBulkLength => "invalid bulk length",
            ProtocolError::ExpectedDollar(_) => "expected '$', got '",
            ProtocolError::TooBigMultibulkCount => "too big mbulk count string",
            ProtocolError::TooBigBulkCount => "too big bulk count string",
            ProtocolError::TooBigInline => "too big inline request",
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
            ProtocolError::UnauthenticatedMultibulk => "unauthenticated multibulk length",
            ProtocolError::UnauthenticatedBulk => "unauthenticated bulk length",
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.message()))
    }
}

impl std::error::Error for ProtocolError {}

/// The framing state of one connection. See the module's essay.
///
/// ```
/// use resp::{Args, Limits, Parsed, Parser};
///
/// let (mut parser, mut args) = (Parser::new(), Args::new());
/// let limits = Limits::default();
/// let buffer = b"*2\r\n$3\r\nGET\r\n$2\r\nmy\r\n";
/// // A piece of a request consumes nothing.
/// assert!(matches!(parser.parse(&buffer[..9], &limits, &mut args)?, Parsed::Incomplete { .. }));
/// let Parsed::Request(request) = parser.parse(buffer, &limits, &mut args)? else { panic!("a request") };
/// assert_eq!(request.consumed, buffer.len());
/// assert_eq!(args.get(&request, buffer, 1), b"my");
/// # Ok::<(), resp::ProtocolError>(())
/// ```
#[derive(Debug, Default)]
pub struct Parser {
    /// Where parsing of the incomplete request goes on, from its first byte.
    position: usize,
    /// Bytes behind `position` that are known not to end the current line.
    scanned: usize,
    /// Arguments still to come; 0 while the first line has not been read.
    multibulk_left: usize,
    /// Length of the argument at `position`, once its line has been read.
    bulk_len: Option<usize>,
    /// Ranges of the incomplete request.
    found: Vec<ArgRange>,
    failed: Option<ProtocolError>,
}

/// What a search for a line end found.
enum Line {
    /// The line's content is `position..end`.
    End(usize),
    Incomplete,
    TooLong,
}

/// What became of an array's elements.
enum Elements {
    Complete,
    Incomplete { needed: usize },
}

impl Parser {
    /// A parser at the start of a stream.
    pub fn new() -> Parser {
        Parser::default()
    }

    /// True when bytes of an incomplete request have been seen.
    pub fn in_request(&self) -> bool {
        self.position > 0 || self.scanned > 0
    }

    /// How many bytes of the current argument have not arrived yet, its two closing bytes included, when `buffered`
    /// bytes of the request have. 0 when no argument's length is known.
    pub fn bulk_missing(&self, buffered: usize) -> usize {
        self.bulk_len.map_or(0, |len| (self.position + len + 2).saturating_sub(buffered))
    }

    /// Bytes of memory held beside the parser itself.
    pub fn allocated_bytes(&self) -> usize {
        self.found.capacity() * size_of::<ArgRange>()
    }

    /// Frames the next request of `input`, which starts at the first unconsumed byte, and appends its arguments to
    /// `args`. An error is final for the connection.
    #[inline]
    pub fn parse(&mut self, input: &[u8], limits: &Limits, args: &mut Args) -> Result<Parsed, ProtocolError> {
        // Nearly every request is here as a whole, and plain: it needs no state.
        if self.failed.is_none()
            && !self.in_request()
            && let Some(request) = whole(input, limits, args)
        {
            return Ok(Parsed::Request(request));
        }
        self.parse_piece(input, limits, args)
    }

    /// Resumes a request of any form, however much of it is there.
    fn parse_piece(
        &mut self,
        input: &[u8],
        limits: &Limits,
        args: &mut Args,
    ) -> Result<Parsed, ProtocolError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = match input.first() {
            None => Ok(Parsed::Incomplete { needed: 1 }),
            Some(b'*') => self.multibulk(input, limits, args),
            Some(_) => self.inline(input, args),
        };
        if let Err(error) = result {
            self.failed = Some(error);
        }
        result
    }

    fn multibulk(&mut self, input: &[u8], limits: &Limits, args: &mut Args) -> Result<Parsed, ProtocolError> {
        if self.multibulk_left == 0 {
            let count = match self.length(input, ProtocolError::TooBigMultibulkCount)? {
                None => return Ok(Parsed::Incomplete { needed: 1 }),
                Some((Some(count), next)) if count <= limits.max_multibulk_len => {
                    self.position = next;
                    count
                }
                Some(_) => return Err(ProtocolError::InvalidMultibulkLength),
            };
            if count > UNAUTHENTICATED_MULTIBULK && !limits.authenticated {
                return Err(ProtocolError::UnauthenticatedMultibulk);
            }
            if count <= 0 {
                return Ok(Parsed::Skip { consumed: std::mem::take(&mut self.position) });
            }
            self.multibulk_left = count as usize;
        }
        let first = args.ranges.len();
        // A resumed request collects in the parser: moving its ranges back and forth at every piece would make a
        // request of many small arguments quadratic.
        let resumed = !self.found.is_empty();
        let elements = if resumed {
            let mut found = std::mem::take(&mut self.found);
            let elements = self.elements(input, limits, &mut found);
            self.found = found;
            elements?
        } else {
            let elements = self.elements(input, limits, &mut args.ranges);
            if elements.is_err() {
                args.ranges.truncate(first);
            }
            elements?
        };
        match elements {
            Elements::Incomplete { needed } => {
                if !resumed {
                    self.found.extend(args.ranges.drain(first..));
                }
                Ok(Parsed::Incomplete { needed })
            }
            Elements::Complete => {
                if resumed {
                    args.ranges.append(&mut self.found);
                    self.found.shrink_to(KEPT_RANGES);
                }
                let consumed = std::mem::take(&mut self.position);
                Ok(Parsed::Request(Request {
                    consumed,
                    count: args.ranges.len() - first,
                    inline: false,
                    first,
                }))
            }
        }
    }

    /// Reads elements of the array into `ranges` as far as the input goes.
    #[inline]
    fn elements(
        &mut self,
        input: &[u8],
        limits: &Limits,
        ranges: &mut Vec<ArgRange>,
    ) -> Result<Elements, ProtocolError> {
        while self.multibulk_left > 0 {
            let len = match self.bulk_len {
                Some(len) => len,
                None => match self.bulk_header(input, limits)? {
                    Some(len) => len,
                    None => return Ok(Elements::Incomplete { needed: 1 }),
                },
            };
            let available = input.len() - self.position;
            // `len` is at most i64::MAX, so adding 2 cannot overflow a 64-bit usize.
            if available < len + 2 {
                self.bulk_len = Some(len);
                return Ok(Elements::Incomplete { needed: len + 2 - available });
            }
            ranges.push(ArgRange { start: self.position, len });
            self.position += len + 2;
            self.bulk_len = None;
            self.multibulk_left -= 1;
        }
        Ok(Elements::Complete)
    }

    /// Reads the line `$<length>` at the position and moves past it.
    #[inline]
    fn bulk_header(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let first = input.get(self.position).copied();
        let Some((len, next)) = self.length(input, ProtocolError::TooBigBulkCount)? else {
            return Ok(None);
        };
        if let Some(byte) = first
            && byte != b'$'
        {
            return Err(ProtocolError::ExpectedDollar(byte));
        }
        match len {
            Some(len) if (0..=limits.max_bulk_len).contains(&len) => {
                if len > UNAUTHENTICATED_BULK && !limits.authenticated {
                    return Err(ProtocolError::UnauthenticatedBulk);
                }
                self.position = next;
                Ok(Some(len as usize))
            }
            _ => Err(ProtocolError::InvalidBulkLength),
        }
    }

    /// The number on the line at the position, after its type byte, and where the next line starts. `None` when the
    /// line has not ended yet; the inner number is `None` when the line holds something else.
    #[inline]
    fn length(
        &mut self,
        input: &[u8],
        too_long: ProtocolError,
    ) -> Result<Option<(Option<i64>, usize)>, ProtocolError> {
        if let Some((number, next)) = short_length(input, self.position) {
            self.scanned = 0;
            return Ok(Some((Some(number), next)));
        }
        match self.find_line_end(input, b'\r') {
            Line::Incomplete => Ok(None),
            Line::TooLong => Err(too_long),
            Line::End(end) if end + 2 > input.len() => Ok(None),
            Line::End(end) => {
                self.scanned = 0;
                // A line that ends at once has no type byte to skip.
                let digits = input.get(self.position + 1..end).unwrap_or_default();
                Ok(Some((parse_i64(digits), end + 2)))
            }
        }
    }

    fn inline(&mut self, input: &[u8], args: &mut Args) -> Result<Parsed, ProtocolError> {
        let end = match self.find_line_end(input, b'\n') {
            Line::Incomplete => return Ok(Parsed::Incomplete { needed: 1 }),
            Line::TooLong => return Err(ProtocolError::TooBigInline),
            Line::End(end) => end,
        };
        self.scanned = 0;
        let line = &input[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let first = args.ranges.len();
        if inline::split(line, &mut args.ranges, &mut args.unescaped).is_err() {
            args.ranges.truncate(first);
            return Err(ProtocolError::UnbalancedQuotes);
        }
        let (consumed, count) = (end + 1, args.ranges.len() - first);
        if count == 0 {
            return Ok(Parsed::Skip { consumed });
        }
        Ok(Parsed::Request(Request { consumed, count, inline: true, first }))
    }

    fn find_line_end(&mut self, input: &[u8], line_end: u8) -> Line {
        let rest = &input[self.position..];
        let found = memchr::memchr2(line_end, 0, &rest[self.scanned..]);
        self.scanned = found.map_or(rest.len(), |at| self.scanned + at);
        match rest.get(self.scanned) {
            Some(&byte) if byte == line_end => Line::End(self.position + self.scanned),
            _ if rest.len() > MAX_LINE_BYTES => Line::TooLong,
            _ => Line::Incomplete,
        }
    }
}

/// A longer array goes through [`Parser::parse_piece`]. An incomplete request is examined twice; this bounds the
/// repeated part.
const MAX_WHOLE_ARGUMENTS: usize = 32;

/// The fast path: an array of bulk strings with plain lengths, all of it in `input`. `None` for anything else, and for all
/// that a client sends before it has authenticated: [`Parser::parse_piece`] decides about those.
#[inline]
fn whole(input: &[u8], limits: &Limits, args: &mut Args) -> Option<Request> {
    if !limits.authenticated {
        return None;
    }
    let (count, mut at) = plain_length(input, 0, b'*')?;
    if count == 0 || count > MAX_WHOLE_ARGUMENTS || count as i64 > limits.max_multibulk_len {
        return None;
    }
    let first = args.ranges.len();
    for _ in 0..count {
        let Some((len, start)) = plain_length(input, at, b'$') else { break };
        at = start + len + 2;
        if len as i64 > limits.max_bulk_len || at > input.len() {
            break;
        }
        args.ranges.push(ArgRange { start, len });
    }
    if args.ranges.len() - first < count {
        args.ranges.truncate(first);
        return None;
    }
    Some(Request { consumed: at, count, inline: false, first })
}

/// Length and end of a line that is `<mark>`, one to eight digits without a leading zero, CR and one more byte.
#[inline(always)]
fn plain_length(input: &[u8], at: usize, mark: u8) -> Option<(usize, usize)> {
    // Nearly all lengths have at most three digits, and something follows: one look at whether the bytes are there.
    if let Some([first, a, b, c, d, _]) = input.get(at..).and_then(|rest| rest.first_chunk::<6>())
        && *first == mark
    {
        let [one, ten, hundred] = [*a, *b, *c].map(|digit| usize::from(digit.wrapping_sub(b'0')));
        if *b == b'\r' && one <= 9 {
            return Some((one, at + 4));
        }
        if *c == b'\r' && one.wrapping_sub(1) < 9 && ten <= 9 {
            return Some((one * 10 + ten, at + 5));
        }
        if *d == b'\r' && one.wrapping_sub(1) < 9 && ten <= 9 && hundred <= 9 {
            return Some((one * 100 + ten * 10 + hundred, at + 6));
        }
    }
    any_plain_length(input, at, mark)
}

/// The same for any length.
fn any_plain_length(input: &[u8], at: usize, mark: u8) -> Option<(usize, usize)> {
    let [first, digit, rest @ ..] = input.get(at..)? else { return None };
    let mut number = usize::from(digit.wrapping_sub(b'0'));
    if *first != mark || number > 9 {
        return None;
    }
    if let [b'\r', _, ..] = rest {
        return Some((number, at + 4));
    }
    if number == 0 {
        return None;
    }
    for index in 0..7 {
        let digit = usize::from(rest.get(index)?.wrapping_sub(b'0'));
        if digit > 9 {
            return None;
        }
        number = number * 10 + digit;
        if let [b'\r', _, ..] = rest[index + 1..] {
            return Some((number, at + index + 5));
        }
    }
    None
}

/// The same for a line of either kind: the fast path of a request that came in pieces.
#[inline]
fn short_length(input: &[u8], position: usize) -> Option<(i64, usize)> {
    let mark @ (b'$' | b'*') = *input.get(position)? else { return None };
    plain_length(input, position, mark).map(|(number, next)| (number as i64, next))
}
