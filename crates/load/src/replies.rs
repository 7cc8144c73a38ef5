//! Counts replies in a stream of bytes, wherever it is cut, and tells what each was.
//!
//! Nothing of a reply is kept but its kind, and of the first error its text. RESP2 and RESP3 need a counter instead of a
//! stack: each element takes one from what is still to come and an aggregate adds its own; the reply is complete at
//! zero. A server's pushes are no replies and are passed over.

use std::fmt;

/// The longest line that is kept while its end has not come.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// So much of an error is kept.
const MAX_ERROR_BYTES: usize = 1024;

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// What a Redis-compatible server speaks by itself.
    Resp2,
    /// The same after `HELLO 3`.
    Resp3,
    /// Memcached's text protocol, meta commands included.
    Memcached,
}

/// What a reply was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An answer.
    Value,
    /// There is no such key.
    Nil,
    /// An error.
    Error,
}

/// What came is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Garbled(String);

impl fmt::Display for Garbled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server sent what is no reply: {:?}", self.0)
    }
}

impl std::error::Error for Garbled {}

/// Where in the stream a connection is.
#[derive(Debug)]
pub(crate) struct Replies {
    is_memcached: bool,
    /// Bytes of a string and its end that are still to come.
    to_skip: usize,
    /// Elements that are still to come of the reply under way. Before a reply there is one: itself.
    left: u64,
    /// Of the reply under way, as its first element told.
    kind: Kind,
    /// The reply under way is a push.
    is_push: bool,
    /// Nothing of a reply has come yet, its attributes apart.
    is_first: bool,
    /// The start of a line whose end has not come.
    line: Vec<u8>,
    /// The string under way is the text of the first error.
    is_error_text: bool,
    /// The first error.
    pub(crate) first_error: Option<String>,
}

impl Replies {
    pub(crate) fn new(protocol: Protocol) -> Replies {
        Replies {
            is_memcached: protocol == Protocol::Memcached,
            to_skip: 0,
            left: 1,
            kind: Kind::Value,
            is_push: false,
            is_first: true,
            line: Vec::new(),
            is_error_text: false,
            first_error: None,
        }
    }

    /// Takes the next bytes and tells the kind of each reply that they complete.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut complete: impl FnMut(Kind)) -> Result<(), Garbled> {
        while !bytes.is_empty() {
            if self.to_skip > 0 {
                let (skipped, rest) = bytes.split_at(self.to_skip.min(bytes.len()));
                if self.is_error_text {
                    let text = self.first_error.get_or_insert_default();
                    let room = MAX_ERROR_BYTES.saturating_sub(text.len()).min(skipped.len());
                    *text += String::from_utf8_lossy(&skipped[..room]).trim_end();
                }
                bytes = rest;
                self.to_skip -= skipped.len();
                if self.to_skip == 0 {
                    self.is_error_text = false;
                    self.end_element(&mut complete);
                }
                continue;
            }
            let Some(end) = memchr::memchr(b'\n', bytes) else {
                self.line.extend_from_slice(bytes);
                if self.line.len() > MAX_LINE_BYTES {
                    return Err(garbled(&self.line));
                }
                return Ok(());
            };
            let (line, rest) = bytes.split_at(end + 1);
            bytes = rest;
            if self.line.is_empty() {
                self.line(line, &mut complete)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.line(&whole, &mut complete)?;
                whole.clear();
                self.line = whole;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], complete: &mut impl FnMut(Kind)) -> Result<(), Garbled> {
        let text = line.strip_suffix(b"\r\n").ok_or_else(|| garbled(line))?;
        if self.is_memcached { self.memcached(text, complete) } else { self.resp(text, complete) }
    }

    fn resp(&mut self, text: &[u8], complete: &mut impl FnMut(Kind)) -> Result<(), Garbled> {
        let (kind, rest) = text.split_first().ok_or_else(|| garbled(text))?;
        match kind {
            b'+' | b':' | b',' | b'#' | b'(' => self.begin_element(Kind::Value),
            b'_' => self.begin_element(Kind::Nil),
            b'-' => {
                self.begin_element(Kind::Error);
                self.note_error(rest);
            }
            b'$' | b'=' | b'!' => {
                if rest == b"-1" {
                    self.begin_element(Kind::Nil);
                } else {
                    let length = number(rest).ok_or_else(|| garbled(text))? as usize;
                    self.begin_element(if *kind == b'!' { Kind::Error } else { Kind::Value });
                    self.is_error_text = *kind == b'!' && self.first_error.is_none();
                    self.to_skip = length + 2;
                    return Ok(());
                }
            }
            b'*' | b'~' | b'>' if rest == b"-1" => self.begin_element(Kind::Nil),
            b'*' | b'~' | b'%' | b'>' => {
                let count = number(rest).ok_or_else(|| garbled(text))?;
                self.is_push |= self.is_outermost() && *kind == b'>';
                self.begin_element(Kind::Value);
                self.left += if *kind == b'%' { 2 * count } else { count };
            }
            // Attributes stand before the element that they belong to, and are none.
            b'|' => {
                self.left += 2 * number(rest).ok_or_else(|| garbled(text))?;
                return Ok(());
            }
            _ => return Err(garbled(text)),
        }
        self.end_element(complete);
        Ok(())
    }

    fn memcached(&mut self, text: &[u8], complete: &mut impl FnMut(Kind)) -> Result<(), Garbled> {
        let mut words = text.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        let first = words.next().ok_or_else(|| garbled(text))?;
        match first {
            // One value of several, up to END.
            b"VALUE" => {
                let length = words.nth(2).and_then(number).ok_or_else(|| garbled(text))?;
                self.begin_element(Kind::Value);
                self.to_skip = length as usize + 2;
                self.left += 1;
                return Ok(());
            }
            b"VA" => {
                let length = words.next().and_then(number).ok_or_else(|| garbled(text))?;
                self.begin_element(Kind::Value);
                self.to_skip = length as usize + 2;
                return Ok(());
            }
            b"STAT" => return Ok(()),
            b"END" | b"EN" | b"NOT_FOUND" | b"NF" => self.begin_element(Kind::Nil),
            b"ERROR" | b"CLIENT_ERROR" | b"SERVER_ERROR" => {
                self.begin_element(Kind::Error);
                self.note_error(text);
            }
            _ => self.begin_element(Kind::Value),
        }
        self.end_element(complete);
        Ok(())
    }

    /// The next element is the reply itself. Elements of attributes leave more to come than the reply.
    fn is_outermost(&self) -> bool {
        self.is_first && self.left == 1
    }

    fn begin_element(&mut self, kind: Kind) {
        if self.is_outermost() {
            self.kind = kind;
            self.is_first = false;
        }
    }

    fn end_element(&mut self, complete: &mut impl FnMut(Kind)) {
        self.left -= 1;
        if self.left == 0 {
            if !self.is_push {
                complete(self.kind);
            }
            (self.left, self.is_push, self.is_first) = (1, false, true);
        }
    }

    fn note_error(&mut self, text: &[u8]) {
        if self.first_error.is_none() {
            self.first_error =
                Some(String::from_utf8_lossy(&text[..text.len().min(MAX_ERROR_BYTES)]).into_owned());
        }
    }
}

fn garbled(bytes: &[u8]) -> Garbled {
    Garbled(String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned())
}

/// A length, which no server makes larger than this.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 12 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Kind::{Error, Nil, Value};
    use proptest::prelude::*;

    #[track_caller]
    fn check(protocol: Protocol, stream: &[u8], expected: &[Kind]) {
        for size in 1..=stream.len() {
            let mut replies = Replies::new(protocol);
            let mut kinds = Vec::new();
            for bytes in stream.chunks(size) {
                replies.feed(bytes, |kind| kinds.push(kind)).expect("replies");
            }
            assert_eq!(kinds, expected, "in chunks of {size}");
        }
    }

    #[test]
    fn replies_of_resp2_wherever_they_are_cut() {
        let stream = b"+OK\r\n$3\r\na\nb\r\n$-1\r\n:17\r\n$0\r\n\r\n-ERR no\r\n*2\r\n$1\r\na\r\n*1\r\n:1\r\n*0\r\n*-1\r\n";
        check(Protocol::Resp2, stream, &[Value, Value, Nil, Value, Value, Error, Value, Value, Nil]);
    }

    #[test]
    fn replies_of_resp3_wherever_they_are_cut() {
        let stream = b"_\r\n#t\r\n,1.5\r\n(123\r\n=5\r\ntxt:a\r\n%1\r\n+a\r\n*2\r\n_\r\n:1\r\n~1\r\n:1\r\n\
            >2\r\n+message\r\n+x\r\n|1\r\n+ttl\r\n*1\r\n:5\r\n_\r\n!5\r\nERR x\r\n";
        check(Protocol::Resp3, stream, &[Nil, Value, Value, Value, Value, Value, Value, Nil, Error]);
    }

    #[test]
    fn replies_of_memcached_wherever_they_are_cut() {
        let stream = b"STORED\r\nVALUE k 0 3\r\na\nb\r\nEND\r\nEND\r\nVA 2 t\r\n\r\n\r\nEN\r\nHD\r\nCLIENT_ERROR x\r\n\
            VALUE k 0 0\r\n\r\nVALUE l 0 1\r\nx\r\nEND\r\n";
        check(Protocol::Memcached, stream, &[Value, Value, Nil, Value, Nil, Value, Error, Value]);
    }

    #[test]
    fn a_reply_is_complete_with_its_last_byte_and_the_first_error_is_kept() {
        let mut replies = Replies::new(Protocol::Resp2);
        let mut count = 0;
        replies.feed(b"$2\r\nab\r", |_| count += 1).expect("fine");
        assert_eq!(count, 0);
        replies.feed(b"\n", |_| count += 1).expect("fine");
        assert_eq!(count, 1);
        replies.feed(b"-ERR one\r\n!5\r\nERR 2\r\n", |_| count += 1).expect("fine");
        assert_eq!((count, replies.first_error.as_deref()), (3, Some("ERR one")));
        let mut replies = Replies::new(Protocol::Resp3);
        replies.feed(b"!5\r\nER", |_| {}).expect("fine");
        replies.feed(b"R 2\r\n", |_| {}).expect("fine");
        assert_eq!(replies.first_error.as_deref(), Some("ERR 2"));
    }

    #[test]
    fn what_is_no_reply_is_noticed() {
        for stream in
            [b"$x\r\n".as_slice(), b"\r\n", b"+OK\n", b"HTTP/1.1 400\r\n", &[b'+'; MAX_LINE_BYTES + 1]]
        {
            let result = Replies::new(Protocol::Resp2).feed(stream, |_| {});
            assert!(result.is_err(), "{:?}", String::from_utf8_lossy(stream));
        }
    }

    fn frame() -> impl Strategy<Value = Vec<u8>> {
        let leaf = prop_oneof![
            Just(b"+OK\r\n".to_vec()),
            Just(b":-5\r\n".to_vec()),
            Just(b"_\r\n".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..40)
                .prop_map(|bytes| { [format!("${}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat() }),
        ];
        leaf.prop_recursive(4, 30, 5, |inner| {
            (proptest::collection::vec(inner, 0..5), 0..3).prop_map(|(elements, kind)| {
                let (sign, count) = match kind {
                    0 => ('*', elements.len()),
                    1 => ('~', elements.len()),
                    _ => ('%', elements.len() / 2),
                };
                let used = if sign == '%' { count * 2 } else { count };
                [format!("{sign}{count}\r\n").into_bytes(), elements[..used].concat()].concat()
            })
        })
    }

    proptest! {
        #[test]
        fn nested_replies_count_once_each(frames in proptest::collection::vec(frame(), 1..8), size in 1usize..50) {
            let mut replies = Replies::new(Protocol::Resp3);
            let mut count = 0;
            for bytes in frames.concat().chunks(size) {
                replies.feed(bytes, |_| count += 1).expect("replies");
            }
            prop_assert_eq!(count, frames.len());
            prop_assert_eq!(replies.left, 1);
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = Replies::new(Protocol::Resp3).feed(&bytes, |_| {});
            let _ = Replies::new(Protocol::Memcached).feed(&bytes, |_| {});
        }
    }
}
