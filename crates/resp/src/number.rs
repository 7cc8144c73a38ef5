//! Decimal integers as the protocol and the commands read and write them.

/// Reads a signed 64-bit integer in the one form that Redis accepts wherever it expects an integer: `0`, or an optional
/// minus sign and digits that do not start with zero. No plus sign, no spaces, no `-0`. `None` for anything else,
/// overflow included.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] => {}
        _ => return None,
    }
    let mut magnitude: u64 = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// Numbers below this have their digits laid out at compile time. Nearly all lengths are small.
const SMALL: usize = 256;

/// A line with a small number, its first byte left open.
#[derive(Clone, Copy)]
struct Digits {
    line: [u8; 8],
    len: u8,
}

static SMALL_DIGITS: [Digits; SMALL] = {
    let mut table = [const { Digits { line: [0; 8], len: 0 } }; SMALL];
    let mut n = 0;
    while n < SMALL {
        let (hundreds, tens, ones) =
            (b'0' + (n / 100) as u8, b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8);
        table[n] = if n >= 100 {
            Digits { line: [0, hundreds, tens, ones, b'\r', b'\n', 0, 0], len: 3 }
        } else if n >= 10 {
            Digits { line: [0, tens, ones, b'\r', b'\n', 0, 0, 0], len: 2 }
        } else {
            Digits { line: [0, ones, b'\r', b'\n', 0, 0, 0, 0], len: 1 }
        };
        n += 1;
    }
    table
};

/// The longest line `write_line` appends: prefix, 20 characters of an `i64`, CRLF.
pub(crate) const MAX_LINE: usize = 23;

/// Appends `<prefix><n>\r\n` in one copy.
#[inline]
pub(crate) fn write_line(out: &mut Vec<u8>, prefix: u8, n: i64) {
    if let Some(digits) = SMALL_DIGITS.get(usize::try_from(n).unwrap_or(SMALL)) {
        // Copied at its full size, which needs no call, and cut to what it is.
        let (mut line, len) = (digits.line, out.len() + usize::from(digits.len) + 3);
        line[0] = prefix;
        out.extend_from_slice(&line);
        out.truncate(len);
        return;
    }
    let mut line = [0u8; MAX_LINE];
    let len = line_into(&mut line, prefix, n);
    out.extend_from_slice(&line[..len]);
}

/// The lines `$<n>` of small lengths, copied as they are.
static SMALL_BULK_HEADS: [Digits; SMALL] = {
    let mut table = SMALL_DIGITS;
    let mut n = 0;
    while n < SMALL {
        table[n].line[0] = b'$';
        n += 1;
    }
    table
};

/// Appends the head of a bulk string of so many bytes.
#[inline(always)]
pub(crate) fn write_bulk_head(out: &mut Vec<u8>, len: usize) {
    match SMALL_BULK_HEADS.get(len) {
        Some(head) => {
            let end = out.len() + usize::from(head.len) + 3;
            out.extend_from_slice(&head.line);
            out.truncate(end);
        }
        None => write_line(out, b'$', len as i64),
    }
}

/// As [`write_line`], into an array; returns the length used.
#[inline]
pub(crate) fn line_into(line: &mut [u8; MAX_LINE], prefix: u8, n: i64) -> usize {
    line[0] = prefix;
    let len = match SMALL_DIGITS.get(usize::try_from(n).unwrap_or(SMALL)) {
        Some(digits) => {
            line[1..4].copy_from_slice(&digits.line[1..4]);
            1 + usize::from(digits.len)
        }
        None => {
            let mut buffer = itoa::Buffer::new();
            let text = buffer.format(n).as_bytes();
            line[1..=text.len()].copy_from_slice(text);
            1 + text.len()
        }
    };
    line[len..len + 2].copy_from_slice(b"\r\n");
    len + 2
}

/// How many characters `n` has in decimal.
pub(crate) fn decimal_len(n: i64) -> usize {
    let mut buffer = itoa::Buffer::new();
    buffer.format(n).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_canonical_form_is_an_integer() {
        for text in ["", "-", "+1", " 1", "1 ", "01", "-0", "-01", "1a", "9223372036854775808", "--1", "0x1"]
        {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(parse_i64(b"0"), Some(0));
        assert_eq!(parse_i64(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_i64(b"-9223372036854775809"), None);
        assert_eq!(parse_i64(b"9223372036854775807"), Some(i64::MAX));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(n in prop_oneof![any::<i64>(), -300i64..300]) {
            let mut out = Vec::new();
            write_line(&mut out, b':', n);
            prop_assert_eq!(String::from_utf8_lossy(&out), format!(":{n}\r\n"));
            prop_assert_eq!(parse_i64(&out[1..out.len() - 2]), Some(n));
            prop_assert_eq!(decimal_len(n), out.len() - 3);
        }
    }
}
