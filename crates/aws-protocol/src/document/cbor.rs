//! Documents as CBOR (RFC 8949), as far as Smithy's RPC v2 uses it.
//!
//! ```text
//!   one byte: mmm iiiii     major type m: 0 unsigned · 1 negative · 2 bytes · 3 text · 4 list · 5 map · 6 tag · 7 simple, float
//!             i < 24: itself · 24, 25, 26, 27: in 1, 2, 4, 8 bytes behind it · 31: until a break (0xff)
//! ```
//! The reader takes any well-formed item: heads longer than needed, indefinite lengths, floats of three sizes, `undefined` for
//! null. The keys of maps are texts, and the only tag is 1, for instants. The writer uses the shortest heads, definite lengths,
//! and floats of eight bytes. No crate is used for this: adapting one would take as much code.

use super::{MAX_DEPTH, Value, instant, map, seconds};

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const LIST: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

const UNTIL_BREAK: u8 = 31;
const BREAK: u8 = 0xff;
const EPOCH_SECONDS: u64 = 1;

const FALSE: u8 = 20;
const TRUE: u8 = 21;
const NULL: u8 = 22;
const UNDEFINED: u8 = 23;
const HALF: u8 = 25;
const SINGLE: u8 = 26;
const DOUBLE: u8 = 27;

/// Reads a document. Nothing at all is an empty structure: clients send that where there are no parameters.
/// None if it is not well-formed or something that no document has.
pub fn parse(bytes: &[u8]) -> Option<Value> {
    if bytes.is_empty() {
        return Some(Value::Map(Vec::new()));
    }
    let mut input = Input { rest: bytes };
    let value = input.value(MAX_DEPTH)?;
    input.rest.is_empty().then_some(value)
}

/// Prints a document. Nothing is no bytes: an operation without a result has no body.
pub fn print(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    if *value != Value::Null {
        write(&mut out, value);
    }
    out
}

/// The bytes that are not read yet.
struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    /// A number of this many bytes.
    fn number(&mut self, bytes: usize) -> Option<u64> {
        Some(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The two parts of a first byte.
    fn head(&mut self) -> Option<(u8, u8)> {
        let byte = self.take(1)?[0];
        Some((byte >> 5, byte & 31))
    }

    /// The number that belongs to a head; none where it is told by a break, or by no rule.
    fn argument(&mut self, info: u8) -> Option<u64> {
        match info {
            0..24 => Some(info.into()),
            24..28 => self.number(1 << (info - 24)),
            _ => None,
        }
    }

    /// Steps over a break, if that is what comes.
    fn at_break(&mut self) -> bool {
        let is_break = self.rest.first() == Some(&BREAK);
        if is_break {
            self.rest = &self.rest[1..];
        }
        is_break
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        let (major, info) = self.head()?;
        match major {
            UNSIGNED => Some(Value::Integer(self.argument(info)?.into())),
            NEGATIVE => Some(Value::Integer(-1 - i128::from(self.argument(info)?))),
            BYTES => self.string(BYTES, info).map(Value::Bytes),
            TEXT => self.text(info).map(Value::Text),
            LIST => {
                let depth = depth.checked_sub(1)?;
                self.each(info, |input| input.value(depth)).map(Value::List)
            }
            MAP => {
                let depth = depth.checked_sub(1)?;
                map(self.each(info, |input| Some((input.name()?, input.value(depth)?)))?)
            }
            TAG => self.tagged(info),
            _ => self.simple(info),
        }
    }

    /// A string, or its pieces: each of the same major type and of a length that is told.
    fn string(&mut self, major: u8, info: u8) -> Option<Vec<u8>> {
        if info != UNTIL_BREAK {
            let length = self.argument(info)?;
            return self.take(usize::try_from(length).ok()?).map(<[u8]>::to_vec);
        }
        let mut whole = Vec::new();
        while !self.at_break() {
            let (piece, info) = self.head()?;
            if piece != major {
                return None;
            }
            let length = self.argument(info)?;
            whole.extend(self.take(usize::try_from(length).ok()?)?);
        }
        Some(whole)
    }

    fn text(&mut self, info: u8) -> Option<String> {
        String::from_utf8(self.string(TEXT, info)?).ok()
    }

    fn name(&mut self) -> Option<String> {
        let (major, info) = self.head()?;
        if major == TEXT { self.text(info) } else { None }
    }

    /// So many parts as are told, or as come before the break. A number that is too large ends with the bytes.
    fn each<T>(&mut self, info: u8, part: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut parts = Vec::new();
        if info == UNTIL_BREAK {
            while !self.at_break() {
                parts.push(part(self)?);
            }
        } else {
            for _ in 0..self.argument(info)? {
                parts.push(part(self)?);
            }
        }
        Some(parts)
    }

    /// An instant: a number under tag 1.
    fn tagged(&mut self, info: u8) -> Option<Value> {
        if self.argument(info)? != EPOCH_SECONDS {
            return None;
        }
        let seconds = match self.value(0)? {
            Value::Integer(number) => number as f64,
            Value::Float(number) => number,
            _ => return None,
        };
        instant(seconds).map(Value::Instant)
    }

    fn simple(&mut self, info: u8) -> Option<Value> {
        match info {
            FALSE => Some(Value::Bool(false)),
            TRUE => Some(Value::Bool(true)),
            NULL | UNDEFINED => Some(Value::Null),
            HALF => Some(Value::Float(half(self.number(2)? as u16))),
            SINGLE => Some(Value::Float(f32::from_bits(self.number(4)? as u32).into())),
            DOUBLE => Some(Value::Float(f64::from_bits(self.number(8)?))),
            _ => None,
        }
    }
}

/// A float of two bytes: a sign, five bits of exponent, ten of mantissa.
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 0 { magnitude } else { -magnitude }
}

fn write(out: &mut Vec<u8>, value: &Value) {
    let simple = |info: u8| SIMPLE << 5 | info;
    let float = |out: &mut Vec<u8>, number: f64| {
        out.push(simple(DOUBLE));
        out.extend(number.to_be_bytes());
    };
    let text = |out: &mut Vec<u8>, text: &str| {
        head(out, TEXT, text.len() as u64);
        out.extend(text.as_bytes());
    };
    match value {
        Value::Null => out.push(simple(NULL)),
        Value::Bool(on) => out.push(simple(if *on { TRUE } else { FALSE })),
        Value::Integer(number) => match (u64::try_from(*number), u64::try_from(-1 - *number)) {
            (Ok(number), _) => head(out, UNSIGNED, number),
            (_, Ok(below)) => head(out, NEGATIVE, below),
            _ => float(out, *number as f64),
        },
        Value::Float(number) => float(out, *number),
        Value::Text(string) => text(out, string),
        Value::Bytes(bytes) => {
            head(out, BYTES, bytes.len() as u64);
            out.extend(bytes);
        }
        Value::Instant(instant) => {
            head(out, TAG, EPOCH_SECONDS);
            float(out, seconds(*instant));
        }
        Value::List(items) => {
            head(out, LIST, items.len() as u64);
            items.iter().for_each(|item| write(out, item));
        }
        Value::Map(members) => {
            head(out, MAP, members.len() as u64);
            for (name, value) in members {
                text(out, name);
                write(out, value);
            }
        }
    }
}

/// A first byte and the number that belongs to it, in as few bytes as it needs.
fn head(out: &mut Vec<u8>, major: u8, number: u64) {
    let (info, bytes) = match number {
        0..24 => (number as u8, 0),
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    out.push(major << 5 | info);
    out.extend(&number.to_be_bytes()[8 - bytes..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    /// From RFC 8949, appendix A.
    #[test]
    fn items_of_the_rfc() {
        use Value::{Bool, Bytes, Float, Integer, List, Null, Text};
        let text = |text: &str| Text(text.to_owned());
        let one_pair = |name: &str, value: Value| Value::Map(vec![(name.to_owned(), value)]);
        let cases: Vec<(&[u8], Value)> = vec![
            (b"\x00", Integer(0)),
            (b"\x17", Integer(23)),
            (b"\x18\x18", Integer(24)),
            (b"\x19\x03\xe8", Integer(1000)),
            (b"\x1a\x00\x0f\x42\x40", Integer(1_000_000)),
            (b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff", Integer(u64::MAX.into())),
            (b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff", Integer(-1 - i128::from(u64::MAX))),
            (b"\x20", Integer(-1)),
            (b"\x38\x63", Integer(-100)),
            (b"\xf9\x3c\x00", Float(1.0)),
            (b"\xf9\x7b\xff", Float(65504.0)),
            (b"\xf9\x00\x01", Float(5.960_464_477_539_063e-8)),
            (b"\xf9\xc4\x00", Float(-4.0)),
            (b"\xf9\x7c\x00", Float(f64::INFINITY)),
            (b"\xfa\x47\xc3\x50\x00", Float(100_000.0)),
            (b"\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a", Float(1.1)),
            (b"\xf4", Bool(false)),
            (b"\xf5", Bool(true)),
            (b"\xf6", Null),
            (b"\xf7", Null),
            (b"\x44\x01\x02\x03\x04", Bytes(vec![1, 2, 3, 4])),
            (b"\x64\x49\x45\x54\x46", text("IETF")),
            (b"\x62\xc3\xbc", text("ü")),
            (b"\x83\x01\x02\x03", List(vec![Integer(1), Integer(2), Integer(3)])),
            (b"\xa1\x61\x61\x01", one_pair("a", Integer(1))),
            (b"\x5f\x42\x01\x02\x43\x03\x04\x05\xff", Bytes(vec![1, 2, 3, 4, 5])),
            (b"\x7f\x65\x73\x74\x72\x65\x61\x64\x6d\x69\x6e\x67\xff", text("streaming")),
            (b"\x9f\x01\x82\x02\x03\xff", List(vec![Integer(1), List(vec![Integer(2), Integer(3)])])),
            (b"\xbf\x61\x61\x9f\xff\xff", one_pair("a", List(vec![]))),
            (b"\xc1\x1a\x51\x4b\x67\xb0", Value::Instant(Timestamp::from_unix_ms(1_363_896_240_000))),
            (
                b"\xc1\xfb\x41\xd4\x52\xd9\xec\x20\x00\x00",
                Value::Instant(Timestamp::from_unix_ms(1_363_896_240_500)),
            ),
        ];
        for (bytes, value) in cases {
            assert_eq!(parse(bytes), Some(value), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let cases: [&[u8]; 16] = [
            b"\x18",                                     // a head without its number
            b"\x1c",                                     // reserved
            b"\x1f",                                     // a number until a break
            b"\xff",                                     // a break by itself
            b"\x00\x00",                                 // two items
            b"\x62\xff\xfe",                             // no UTF-8
            b"\x7f\x41\x61\xff",                         // bytes as a piece of a text
            b"\x7f\x7f\xff\xff",                         // pieces within pieces
            b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00", // more items than bytes
            b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff\x00", // longer than the input
            b"\xa1\x01\x01",                             // a key that is no text
            b"\xa2\x61\x61\x01\x61\x61\x02",             // a key twice
            b"\xbf\x61\x61\xff",                         // a key without a value
            b"\xc0\x61\x61",                             // another tag
            b"\xc1\xf9\x7e\x00",                         // no instant
            b"\xf8\x20",                                 // another simple value
        ];
        for bytes in cases {
            assert_eq!(parse(bytes), None, "{bytes:02x?}");
        }
        let nested = |depth: usize| parse(&[vec![0x81; depth], vec![0x00]].concat()).is_some();
        assert!(nested(MAX_DEPTH) && !nested(MAX_DEPTH + 1) && !nested(1 << 20));
    }

    #[test]
    fn heads_are_as_short_as_they_can_be() {
        for (number, bytes) in [
            (23_u64, &b"\x17"[..]),
            (24, b"\x18\x18"),
            (255, b"\x18\xff"),
            (256, b"\x19\x01\x00"),
            (65_535, b"\x19\xff\xff"),
            (65_536, b"\x1a\x00\x01\x00\x00"),
            (u64::from(u32::MAX) + 1, b"\x1b\x00\x00\x00\x01\x00\x00\x00\x00"),
        ] {
            assert_eq!(print(&Value::Integer(number.into())), bytes);
        }
        assert_eq!(
            print(&Value::Integer(-1 - i128::from(u64::MAX))),
            b"\x3b\xff\xff\xff\xff\xff\xff\xff\xff"
        );
        assert_eq!(print(&Value::Null), b"");
    }
}
