//! Numbers as text: what counts as an integer or a float in an argument, and how replies print them.
//!
//! Redis keeps a string as an integer only when printing the integer gives the very same string back. That rule
//! decides encodings (`OBJECT ENCODING`, listpack entries), so it lives here once.

/// A stack buffer for the decimal text of one integer.
#[derive(Clone)]
pub struct IntBuffer(itoa::Buffer);

impl IntBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        IntBuffer(itoa::Buffer::new())
    }

    /// The decimal text of `value`, which borrows the buffer.
    pub fn format(&mut self, value: i64) -> &[u8] {
        self.0.format(value).as_bytes()
    }
}

impl Default for IntBuffer {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads an integer that is written exactly as it would be printed: no leading zeros, no `+`, no spaces, no `-0`.
///
/// ```
/// assert_eq!(structures::number::parse_i64(b"-12"), Some(-12));
/// assert_eq!(structures::number::parse_i64(b"012"), None);
/// ```
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        b"0" => return Some(0),
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    // 19 digits never overflow the u64 they are gathered in.
    if digits.len() > 19 || !matches!(digits.first(), Some(b'1'..=b'9')) {
        return None;
    }
    let mut magnitude = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// The number of bytes of the decimal text of `value`.
pub fn decimal_len(value: i64) -> usize {
    usize::from(value < 0) + value.unsigned_abs().checked_ilog10().map_or(1, |log| log as usize + 1)
}
