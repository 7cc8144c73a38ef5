//! Numbers as text: what counts as an integer or a float in an argument, and how replies print them.
//!
//! Redis keeps a string as an integer only when printing the integer gives the very same string back. That rule decides
//! encodings (`OBJECT ENCODING`, listpack entries), so it is implemented once, here.

#![forbid(unsafe_code)]

pub mod c;
mod double_text;
mod grisu;
mod long_double;

pub use double_text::{DoubleText, as_integer};
pub use long_double::LongDouble;

use long_double::{FloatText, round_bits};

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
/// assert_eq!(number::parse_i64(b"-12"), Some(-12));
/// assert_eq!(number::parse_i64(b"012"), None);
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

/// Reads a double as commands accept it, by the grammar of `strtod`: the whole text, no leading space, no NaN;
/// infinities, exponents and hexadecimal floats count. Values too large, or so small that they would become zero, are
/// refused.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let (negative, number) = FloatText::read(text)?;
    let magnitude = match number {
        FloatText::Infinite => f64::INFINITY,
        FloatText::Decimal { digits, .. } => {
            let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            let out_of_range = value.is_infinite() || (value == 0.0 && !digits.is_empty());
            return (!out_of_range).then_some(value);
        }
        FloatText::Hexadecimal { mantissa, exponent } => {
            let value = f64_from_parts(mantissa, exponent);
            if value.is_infinite() || (value == 0.0 && mantissa != 0) {
                return None;
            }
            value
        }
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// As [`parse_f64`], without hexadecimal floats.
pub fn parse_decimal_f64(text: &[u8]) -> Option<f64> {
    let unsigned = match text {
        [b'+' | b'-', rest @ ..] => rest,
        _ => text,
    };
    if matches!(unsigned, [b'0', b'x' | b'X', ..]) { None } else { parse_f64(text) }
}

/// `mantissa × 2^exponent`, rounded once.
fn f64_from_parts(mantissa: u128, exponent: i64) -> f64 {
    const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    const MIN_EXPONENT: i32 = -1074;
    let (mantissa, exponent) = round_bits(mantissa, exponent, f64::MANTISSA_DIGITS, MIN_EXPONENT);
    let biased = (exponent - i64::from(MIN_EXPONENT) + 1) as u64;
    if mantissa >> FRACTION_BITS == 0 {
        f64::from_bits(mantissa)
    } else if biased >= 2047 {
        f64::INFINITY
    } else {
        f64::from_bits(biased << FRACTION_BITS | (mantissa & ((1 << FRACTION_BITS) - 1)))
    }
}

/// The text of C's `%.17g`, which Redis 7.0 prints doubles with: 17 significant digits, trailing zeros removed, an
/// exponent when it is below -4 or at least 17.
pub fn format_g17(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("scientific notation has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is an integer");
    if (-4..17).contains(&exponent) {
        let decimals = (16 - exponent) as usize;
        return trim_fraction(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim_fraction(mantissa), exponent.unsigned_abs())
}

fn trim_fraction(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests;
