//! What a server answers, typed as it was on the wire, and how `redis-cli` would print it.
//!
//! Replies that a client can tell apart stay distinct: the three nulls (`$-1`, `*-1`, `_`) are three values, a double
//! keeps its digits as text. Only the printed form, which transcripts use, shows all three as `(nil)`. It is
//! redis-cli's, except for two things that a text file cannot hold: a push is numbered `1| ` (in redis-cli `1> `, which
//! here is a prompt), and a verbatim string is quoted, `(txt) "…"` (in redis-cli bare, with blank lines and all).

use std::fmt;
use std::io::{self, BufRead};

/// Deepest nesting that is read; the deepest real reply (COMMAND DOCS) has about ten levels.
const MAX_DEPTH: usize = 64;

/// One reply or pushed message.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reply {
    /// `+OK`
    Simple(Vec<u8>),
    /// `-ERR …`, without the dash.
    Error(Vec<u8>),
    /// `:1`
    Integer(i64),
    /// `$3…`
    Bulk(Vec<u8>),
    /// `$-1`
    NullBulk,
    /// `*-1`
    NullArray,
    /// `_`
    Null,
    /// `*2…`
    Array(Vec<Reply>),
    /// `%1…`
    Map(Vec<(Reply, Reply)>),
    /// `~2…`
    Set(Vec<Reply>),
    /// `>2…`
    Push(Vec<Reply>),
    /// `,3.14`: the digits as they came.
    Double(Vec<u8>),
    /// `#t`
    Boolean(bool),
    /// `(123…`
    BigNumber(Vec<u8>),
    /// `=15 txt:…`, with its three letters of format.
    Verbatim([u8; 3], Vec<u8>),
}

impl Reply {
    /// Reads one reply, waiting for all of it. Bytes that are no reply are `InvalidData`, an end in the middle or
    /// at the start is `UnexpectedEof`.
    pub fn read(from: &mut impl BufRead) -> io::Result<Reply> {
        read_at_depth(from, 0)
    }

    /// A bulk string, for comparing with.
    pub fn bulk(text: impl AsRef<[u8]>) -> Reply {
        Reply::Bulk(text.as_ref().to_vec())
    }

    /// The text of a simple, bulk or verbatim string or of an error.
    pub fn text(&self) -> Option<&[u8]> {
        match self {
            Reply::Simple(text) | Reply::Error(text) | Reply::Bulk(text) | Reply::Verbatim(_, text) => {
                Some(text)
            }
            _ => None,
        }
    }

    /// The text as UTF-8, with replacement characters; empty if this is no string.
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(self.text().unwrap_or_default()).into_owned()
    }

    /// The elements of an array, set or push.
    pub fn elements(&self) -> Option<&[Reply]> {
        match self {
            Reply::Array(elements) | Reply::Set(elements) | Reply::Push(elements) => Some(elements),
            _ => None,
        }
    }

    /// True for an error reply.
    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_))
    }

    /// The lines that redis-cli prints on a terminal (without its space after the `=>` before a nested value).
    pub fn lines(&self) -> Vec<String> {
        let mut text = String::new();
        print(self, 0, &mut text);
        text.lines().map(str::to_owned).collect()
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::NullBulk => f.write_str("(nil: $-1)"),
            Reply::NullArray => f.write_str("(nil: *-1)"),
            Reply::Null => f.write_str("(nil: _)"),
            other => write!(f, "{other}"),
        }
    }
}

/// Bytes as a double-quoted string in redis-cli's notation, which `transcript::split_arguments` reads back.
pub fn quoted(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'"' => out.push_str("\\\""),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x07 => out.push_str("\\a"),
            0x08 => out.push_str("\\b"),
            b' '..=b'~' => out.push(byte as char),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

fn read_at_depth(from: &mut impl BufRead, depth: usize) -> io::Result<Reply> {
    if depth > MAX_DEPTH {
        return Err(invalid("a reply nested too deep"));
    }
    let line = read_line(from)?;
    let (&kind, rest) = line.split_first().ok_or_else(|| invalid("an empty line in place of a reply"))?;
    let reply = match kind {
        b'+' => Reply::Simple(rest.to_vec()),
        b'-' => Reply::Error(rest.to_vec()),
        b':' => Reply::Integer(number(rest)?),
        b'$' => match number(rest)? {
            -1 => Reply::NullBulk,
            length => Reply::Bulk(read_bytes(from, length)?),
        },
        b'*' => match number(rest)? {
            -1 => Reply::NullArray,
            count => Reply::Array(read_many(from, count, depth)?),
        },
        b'%' => {
            let count = number(rest)?;
            let mut pairs = Vec::new();
            for _ in 0..count {
                pairs.push((read_at_depth(from, depth + 1)?, read_at_depth(from, depth + 1)?));
            }
            Reply::Map(pairs)
        }
        b'~' => Reply::Set(read_many(from, number(rest)?, depth)?),
        b'>' => Reply::Push(read_many(from, number(rest)?, depth)?),
        b',' => Reply::Double(rest.to_vec()),
        b'#' => Reply::Boolean(rest == b"t"),
        b'_' => Reply::Null,
        b'(' => Reply::BigNumber(rest.to_vec()),
        b'=' => {
            let bytes = read_bytes(from, number(rest)?)?;
            let (format, text) =
                bytes.split_at_checked(4).ok_or_else(|| invalid("a verbatim string without its format"))?;
            Reply::Verbatim([format[0], format[1], format[2]], text.to_vec())
        }
        other => return Err(invalid(&format!("a reply that starts with byte {other:#04x}"))),
    };
    Ok(reply)
}

fn read_many(from: &mut impl BufRead, count: i64, depth: usize) -> io::Result<Vec<Reply>> {
    (0..count).map(|_| read_at_depth(from, depth + 1)).collect()
}

fn read_line(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.pop();
    match line.pop() {
        Some(b'\r') => Ok(line),
        _ => Err(invalid("a line that does not end in CRLF")),
    }
}

fn read_bytes(from: &mut impl BufRead, length: i64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(|_| invalid("a negative length"))?;
    let mut bytes = vec![0; length + 2];
    from.read_exact(&mut bytes)?;
    if bytes.ends_with(b"\r\n") {
        bytes.truncate(length);
        Ok(bytes)
    } else {
        Err(invalid("a string that does not end in CRLF"))
    }
}

fn number(digits: &[u8]) -> io::Result<i64> {
    let text = std::str::from_utf8(digits).map_err(|_| invalid("a number that is not text"))?;
    text.parse().map_err(|_| invalid(&format!("{text:?} in place of a number")))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what}"))
}

/// Appends a reply and a final newline. Elements are numbered and continued lines indented by the number's width.
fn print(reply: &Reply, indent: usize, out: &mut String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let line = match reply {
        Reply::Simple(status) => text(status),
        Reply::Error(message) => format!("(error) {}", text(message)),
        Reply::Integer(number) => format!("(integer) {number}"),
        Reply::Bulk(bytes) => quoted(bytes),
        Reply::NullBulk | Reply::NullArray | Reply::Null => "(nil)".to_owned(),
        Reply::Double(digits) => format!("(double) {}", text(digits)),
        Reply::Boolean(value) => format!("({value})"),
        Reply::BigNumber(digits) => text(digits),
        Reply::Verbatim(format, bytes) => format!("({}) {}", text(format), quoted(bytes)),
        Reply::Array(elements) => return print_elements(elements, ')', "(empty array)", indent, out),
        Reply::Set(elements) => return print_elements(elements, '~', "(empty set)", indent, out),
        Reply::Push(elements) => return print_elements(elements, '|', "(empty push)", indent, out),
        Reply::Map(pairs) => return print_map(pairs, indent, out),
    };
    out.push_str(&line);
    out.push('\n');
}

fn print_elements(elements: &[Reply], mark: char, empty: &str, indent: usize, out: &mut String) {
    if elements.is_empty() {
        out.push_str(empty);
        out.push('\n');
    }
    let width = elements.len().to_string().len();
    for (at, element) in elements.iter().enumerate() {
        if at > 0 {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(&format!("{:>width$}{mark} ", at + 1));
        print(element, indent + width + 2, out);
    }
}

fn print_map(pairs: &[(Reply, Reply)], indent: usize, out: &mut String) {
    if pairs.is_empty() {
        out.push_str("(empty hash)\n");
    }
    let width = pairs.len().to_string().len();
    for (at, (key, value)) in pairs.iter().enumerate() {
        if at > 0 {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push_str(&format!("{:>width$}# ", at + 1));
        print(key, indent + width + 2, out);
        out.pop();
        out.push_str(" =>");
        let nested = value.elements().is_some_and(|elements| !elements.is_empty())
            || matches!(value, Reply::Map(pairs) if !pairs.is_empty());
        if nested {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent + width + 2));
        } else {
            out.push(' ');
        }
        print(value, indent + width + 2, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wire: &str, printed: &[&str]) {
        let reply = Reply::read(&mut wire.as_bytes()).unwrap();
        assert_eq!(reply.lines(), printed, "{wire:?}");
    }

    #[test]
    fn prints_as_redis_cli_does() {
        check("+OK\r\n", &["OK"]);
        check("-ERR no\r\n", &["(error) ERR no"]);
        check(":-7\r\n", &["(integer) -7"]);
        check("$4\r\na\"\n\x01\r\n", &["\"a\\\"\\n\\x01\""]);
        check("$-1\r\n", &["(nil)"]);
        check("*0\r\n", &["(empty array)"]);
        check("*2\r\n$1\r\na\r\n*2\r\n:1\r\n:2\r\n", &["1) \"a\"", "2) 1) (integer) 1", "   2) (integer) 2"]);
        check("%1\r\n$1\r\nk\r\n$1\r\nv\r\n", &["1# \"k\" => \"v\""]);
        check("%1\r\n+k\r\n*2\r\n:1\r\n:2\r\n", &["1# k =>", "   1) (integer) 1", "   2) (integer) 2"]);
        check("~1\r\n#t\r\n", &["1~ (true)"]);
        check(",3.50\r\n", &["(double) 3.50"]);
        check("=6\r\ntxt:a\n\r\n", &["(txt) \"a\\n\""]);
        check(">2\r\n+a\r\n:1\r\n", &["1| a", "2| (integer) 1"]);
    }

    #[test]
    fn a_cut_or_wrong_reply_is_an_error() {
        for wire in ["", "$3\r\nab", "*2\r\n:1\r\n", "?\r\n", ":x\r\n", "$1\r\nabc", "+no end"] {
            assert!(Reply::read(&mut wire.as_bytes()).is_err(), "{wire:?}");
        }
    }

    #[test]
    fn kinds_of_nothing_stay_apart() {
        let read = |wire: &str| Reply::read(&mut wire.as_bytes()).unwrap();
        assert_ne!(read("$-1\r\n"), read("*-1\r\n"));
        assert_ne!(read("$-1\r\n"), read("_\r\n"));
    }
}
