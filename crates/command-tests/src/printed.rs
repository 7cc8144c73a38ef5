//! Replies as redis-cli prints them on a terminal.

use resp::{Decoder, Frame};

/// The lines of exactly one reply.
pub fn lines(reply: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new();
    decoder.feed(reply);
    let frame = decoder.next_frame().expect("a well-formed reply").expect("a whole reply");
    assert!(decoder.rest().is_empty(), "more than one reply: {}", reply.escape_ascii());
    let mut text = String::new();
    print(&frame, 0, &mut text);
    text.lines().map(str::to_owned).collect()
}

/// Bytes in double quotes.
pub fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'"' => out.push_str("\\\""),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            7 => out.push_str("\\a"),
            8 => out.push_str("\\b"),
            b' '..=b'~' => out.push(byte as char),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out + "\""
}

fn print(frame: &Frame, indent: usize, out: &mut String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let line = match frame {
        Frame::Simple(status) => text(status),
        Frame::Error(message) => format!("(error) {}", text(message)),
        Frame::Integer(number) => format!("(integer) {number}"),
        Frame::Bulk(bytes) => quoted(bytes),
        Frame::NullBulk | Frame::NullArray | Frame::Null => "(nil)".to_owned(),
        Frame::Double(number) => format!("(double) {number}"),
        Frame::Boolean(value) => format!("({value})"),
        Frame::Array(elements) => return elements_of(elements, ')', "(empty array)", indent, out),
        Frame::Set(elements) => return elements_of(elements, '~', "(empty set)", indent, out),
        Frame::Map(pairs) => return map(pairs, indent, out),
        other => panic!("no data command answers {other:?}"),
    };
    out.push_str(&line);
    out.push('\n');
}

fn elements_of(elements: &[Frame], mark: char, empty: &str, indent: usize, out: &mut String) {
    if elements.is_empty() {
        out.push_str(empty);
        out.push('\n');
    }
    let width = elements.len().to_string().len();
    for (at, element) in elements.iter().enumerate() {
        if at > 0 {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(&format!("{:>width$}{mark} ", at + 1));
        print(element, indent + width + 2, out);
    }
}

fn map(pairs: &[(Frame, Frame)], indent: usize, out: &mut String) {
    if pairs.is_empty() {
        out.push_str("(empty hash)\n");
    }
    let width = pairs.len().to_string().len();
    for (at, (key, value)) in pairs.iter().enumerate() {
        if at > 0 {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(&format!("{:>width$}# ", at + 1));
        print(key, indent + width + 2, out);
        out.pop();
        let nested = match value {
            Frame::Array(elements) | Frame::Set(elements) => !elements.is_empty(),
            Frame::Map(pairs) => !pairs.is_empty(),
            _ => false,
        };
        if nested {
            out.push_str(&format!(" =>\n{}", " ".repeat(indent + width + 2)));
        } else {
            out.push_str(" => ");
        }
        print(value, indent + width + 2, out);
    }
}
