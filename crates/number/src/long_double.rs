//! 80-bit floats in software: what INCRBYFLOAT and HINCRBYFLOAT compute with.
//!
//! Redis adds in C's `long double`, which on x86 has a mantissa of 64 bits, and prints with 17 digits after the point,
//! trailing zeros removed. That is why 10.5 + 0.1 reads 10.6 and 3.0 + 1.1 reads 4.1: the error of the 64-bit mantissa
//! lies behind the last printed digit. With `f64` it would show (`4.10000000000000009`). Clients store and compare
//! these texts, and replicas receive them, so the same arithmetic is done here on every machine:
//!
//! ```text
//! text ──▶ exact fraction of big integers ──▶ 64 bits, rounded half to even        parse
//! a + b    aligned in 128 bits, what falls off below leaves one sticky bit, rounded once
//! value × 10^17 ──▶ integer, rounded half to even ──▶ digits, point, zeros trimmed   Display
//! ```
//!
//! A finite value is `mantissa × 2^exponent`, the top bit of the mantissa set unless the exponent is the smallest one
//! (-16445): there numbers are denormal and finally zero, as in the hardware format. Every operation rounds once.
//!
//! NaN exists only as the sum of opposite infinities; no text means it. A text whose value is too large, or so small
//! that it would become zero, is refused as C's `strtold` reports it out of range.

use std::cmp::Ordering;
use std::fmt;

const PRECISION: u32 = 64;
/// The exponent of the last bit of the smallest numbers.
const MIN_EXPONENT: i32 = -16_445;
/// The exponent of the last bit of the largest numbers.
const MAX_EXPONENT: i32 = 16_320;
/// Digits after the point in printed numbers.
const PRINTED_DIGITS: usize = 17;
const TEN_TO_PRINTED_DIGITS: u128 = 10u128.pow(PRINTED_DIGITS as u32);
/// Redis copies the text into a buffer of 5 KB with a terminator.
const MAX_TEXT: usize = 5 * 1024 - 1;
/// Powers of ten beyond this are out of range for every text of at most [`MAX_TEXT`] digits.
const MAX_POWER: i64 = 20_000;

/// A float with a 64-bit mantissa and a 15-bit exponent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LongDouble {
    negative: bool,
    magnitude: Magnitude,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Magnitude {
    /// `mantissa × 2^exponent`; the mantissa of zero is zero.
    Finite {
        mantissa: u64,
        exponent: i32,
    },
    Infinite,
    NotANumber,
}

impl LongDouble {
    /// Reads the whole of `text` as `strtold` does: decimal or hexadecimal, with exponent, or an infinity. Leading
    /// spaces, NaN, values out of range and texts of 5 KB or more are refused.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let (negative, number) = FloatText::read(text)?;
        let (wide, exponent, sign_only) = match number {
            FloatText::Infinite => {
                return Some(LongDouble { negative, magnitude: Magnitude::Infinite });
            }
            FloatText::Hexadecimal { mantissa, exponent } => (mantissa, exponent, mantissa == 0),
            FloatText::Decimal { digits, power } => match decimal_to_binary(&digits, power)? {
                (0, _) => (0, 0, true),
                (mantissa, exponent) => (mantissa, exponent, false),
            },
        };
        let value = Self::round(negative, wide, exponent);
        (sign_only || (!value.is_zero() && value.is_finite())).then_some(value)
    }

    /// Neither infinite nor NaN.
    pub fn is_finite(&self) -> bool {
        matches!(self.magnitude, Magnitude::Finite { .. })
    }

    fn is_zero(&self) -> bool {
        matches!(self.magnitude, Magnitude::Finite { mantissa: 0, .. })
    }

    fn round(negative: bool, wide: u128, exponent: i64) -> Self {
        let (mantissa, exponent) = round_bits(wide, exponent, PRECISION, MIN_EXPONENT);
        let magnitude = match i32::try_from(exponent) {
            Ok(exponent) if exponent <= MAX_EXPONENT => Magnitude::Finite { mantissa, exponent },
            _ => Magnitude::Infinite,
        };
        LongDouble { negative, magnitude }
    }
}

impl From<i64> for LongDouble {
    fn from(value: i64) -> Self {
        Self::round(value < 0, u128::from(value.unsigned_abs()), 0)
    }
}

/// Exact: a double has fewer bits.
impl From<f64> for LongDouble {
    fn from(value: f64) -> Self {
        const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
        const BIAS: i64 = f64::MAX_EXP as i64 - 1 + FRACTION_BITS as i64;
        let negative = value.is_sign_negative();
        if !value.is_finite() {
            let magnitude = if value.is_nan() { Magnitude::NotANumber } else { Magnitude::Infinite };
            return LongDouble { negative, magnitude };
        }
        let fraction = value.to_bits() & ((1 << FRACTION_BITS) - 1);
        match (value.abs().to_bits() >> FRACTION_BITS) as i64 {
            0 => Self::round(negative, u128::from(fraction), 1 - BIAS),
            exponent => Self::round(negative, u128::from(fraction | 1 << FRACTION_BITS), exponent - BIAS),
        }
    }
}

impl std::ops::Add for LongDouble {
    type Output = LongDouble;

    fn add(self, other: LongDouble) -> LongDouble {
        let (left, right) = match (self.magnitude, other.magnitude) {
            (
                Magnitude::Finite { mantissa: a, exponent: a_exponent },
                Magnitude::Finite { mantissa: b, exponent: b_exponent },
            ) => ((a, a_exponent, self.negative), (b, b_exponent, other.negative)),
            (Magnitude::NotANumber, _) | (_, Magnitude::NotANumber) => {
                return LongDouble { negative: false, magnitude: Magnitude::NotANumber };
            }
            (Magnitude::Infinite, Magnitude::Infinite) if self.negative != other.negative => {
                return LongDouble { negative: false, magnitude: Magnitude::NotANumber };
            }
            (Magnitude::Infinite, _) => return self,
            (_, Magnitude::Infinite) => return other,
        };
        if self.is_zero() && other.is_zero() {
            return LongDouble { negative: self.negative && other.negative, ..self };
        }
        if self.is_zero() {
            return other;
        }
        if other.is_zero() {
            return self;
        }
        let (high, low) = if left.1 >= right.1 { (left, right) } else { (right, left) };
        // 62 bits below the mantissa hold what alignment shifts out; one bit above takes the carry.
        let high_wide = u128::from(high.0) << 62;
        let low_wide = shift_right_sticky(u128::from(low.0) << 62, high.1.abs_diff(low.1));
        let (negative, wide) = if high.2 == low.2 {
            (high.2, high_wide + low_wide)
        } else {
            match high_wide.cmp(&low_wide) {
                Ordering::Greater => (high.2, high_wide - low_wide),
                Ordering::Less => (low.2, low_wide - high_wide),
                Ordering::Equal => (false, 0),
            }
        };
        Self::round(negative, wide, i64::from(high.1) - 62)
    }
}

/// Seventeen digits after the point, trailing zeros and a trailing point removed, no minus before zero.
impl fmt::Display for LongDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mantissa, exponent) = match self.magnitude {
            Magnitude::Infinite => return f.write_str(if self.negative { "-inf" } else { "inf" }),
            Magnitude::NotANumber => return f.write_str("nan"),
            Magnitude::Finite { mantissa, exponent } => (mantissa, exponent),
        };
        let sign = if self.negative { "-" } else { "" };
        if exponent > 0 {
            let mut integer = Big::from(u128::from(mantissa));
            integer.shift_left(exponent as u32);
            return write!(f, "{sign}{}", integer.to_decimal());
        }
        // 2^64 × 10^17 fits in 121 bits.
        let scaled = round_half_even(u128::from(mantissa) * TEN_TO_PRINTED_DIGITS, exponent.unsigned_abs());
        if scaled == 0 {
            return f.write_str("0");
        }
        write!(f, "{sign}{}", scaled / TEN_TO_PRINTED_DIGITS)?;
        let fraction = scaled % TEN_TO_PRINTED_DIGITS;
        if fraction > 0 {
            let digits = format!("{fraction:0PRINTED_DIGITS$}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        Ok(())
    }
}

/// A number as it is written, before any rounding.
pub(crate) enum FloatText {
    Infinite,
    /// `digits × 10^power`, no leading zeros.
    Decimal {
        digits: Vec<u8>,
        power: i64,
    },
    /// `mantissa × 2^exponent`; digits that did not fit have left a sticky bit.
    Hexadecimal {
        mantissa: u128,
        exponent: i64,
    },
}

impl FloatText {
    /// The sign and the number; `None` unless the whole text is a number by the grammar of `strtod`, NaN excluded.
    pub(crate) fn read(text: &[u8]) -> Option<(bool, Self)> {
        let (negative, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let number = if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
            FloatText::Infinite
        } else if let [b'0', b'x' | b'X', hexadecimal @ ..] = rest {
            Self::read_hexadecimal(hexadecimal)?
        } else {
            Self::read_decimal(rest)?
        };
        Some((negative, number))
    }

    fn read_decimal(text: &[u8]) -> Option<Self> {
        let (mantissa, exponent) = split_exponent(text, b'e')?;
        let (integer, fraction) = split_point(mantissa)?;
        if !integer.iter().chain(fraction).all(u8::is_ascii_digit) {
            return None;
        }
        let digits = integer.iter().chain(fraction).copied().skip_while(|digit| *digit == b'0').collect();
        Some(FloatText::Decimal { digits, power: exponent.saturating_sub(fraction.len() as i64) })
    }

    fn read_hexadecimal(text: &[u8]) -> Option<Self> {
        let (mantissa, exponent) = split_exponent(text, b'p')?;
        let (integer, fraction) = split_point(mantissa)?;
        let mut value = 0u128;
        let mut dropped = 0i64;
        for digit in integer.iter().chain(fraction) {
            let digit = char::from(*digit).to_digit(16)?;
            if value >> 120 == 0 {
                value = value << 4 | u128::from(digit);
            } else {
                value |= u128::from(digit != 0);
                dropped += 1;
            }
        }
        let exponent = exponent.saturating_sub(4 * (fraction.len() as i64 - dropped));
        Some(FloatText::Hexadecimal { mantissa: value, exponent })
    }
}

/// The mantissa and the value of the exponent; an exponent of any length counts, saturated.
fn split_exponent(text: &[u8], marker: u8) -> Option<(&[u8], i64)> {
    let Some(at) = text.iter().position(|byte| byte.eq_ignore_ascii_case(&marker)) else {
        return Some((text, 0));
    };
    let (negative, digits) = match &text[at + 1..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0i64, |value, digit| {
        value.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(i64::MAX / 4)
    });
    Some((&text[..at], if negative { -value } else { value }))
}

/// The digits before and after the point; at least one there must be.
fn split_point(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (integer, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[][..]),
    };
    (!integer.is_empty() || !fraction.is_empty()).then_some((integer, fraction))
}

/// A mantissa of 66 bits or so with a sticky last bit, and its exponent; `None` when far out of range.
fn decimal_to_binary(digits: &[u8], power: i64) -> Option<(u128, i64)> {
    if digits.is_empty() {
        return Some((0, 0));
    }
    if power.abs() > MAX_POWER {
        return None;
    }
    let mut numerator = Big::from_decimal(digits);
    let mut denominator = Big::from(1);
    let scaled = if power >= 0 { &mut numerator } else { &mut denominator };
    scaled.multiply_by_power_of_ten(power.unsigned_abs() as u32);
    // Bring the quotient into 1 … 2, then take it bit by bit.
    let shift = i64::from(numerator.bits()) - i64::from(denominator.bits());
    if shift >= 0 {
        denominator.shift_left(shift as u32);
    } else {
        numerator.shift_left(shift.unsigned_abs() as u32);
    }
    let mut quotient = 0u128;
    const STEPS: i64 = 67;
    for _ in 0..STEPS {
        quotient <<= 1;
        if numerator.cmp(&denominator) != Ordering::Less {
            numerator.subtract(&denominator);
            quotient |= 1;
        }
        numerator.shift_left(1);
    }
    Some((quotient << 1 | u128::from(!numerator.is_zero()), shift - STEPS))
}

/// Rounds `wide × 2^exponent` half to even to `precision` bits, or fewer where the exponent would fall below the
/// smallest one. The last bit of `wide` may be sticky if it lies below all kept ones.
pub(crate) fn round_bits(wide: u128, exponent: i64, precision: u32, min_exponent: i32) -> (u64, i64) {
    if wide == 0 {
        return (0, i64::from(min_exponent));
    }
    let bits = u128::BITS - wide.leading_zeros();
    let lowest = (exponent + i64::from(bits) - i64::from(precision)).max(i64::from(min_exponent));
    let drop = lowest - exponent;
    let kept = if drop > 0 {
        round_half_even(wide, u32::try_from(drop).unwrap_or(u32::MAX))
    } else {
        wide << drop.unsigned_abs()
    };
    if kept >> precision != 0 { ((kept >> 1) as u64, lowest + 1) } else { (kept as u64, lowest) }
}

fn round_half_even(wide: u128, drop: u32) -> u128 {
    match drop {
        0 => wide,
        1..=127 => {
            let kept = wide >> drop;
            let rest = wide & ((1u128 << drop) - 1);
            let half = 1u128 << (drop - 1);
            let up = rest > half || (rest == half && kept & 1 == 1);
            kept + u128::from(up)
        }
        128 => u128::from(wide > 1u128 << 127),
        _ => 0,
    }
}

fn shift_right_sticky(wide: u128, by: u32) -> u128 {
    if by >= u128::BITS {
        return u128::from(wide != 0);
    }
    let kept = wide >> by;
    kept | u128::from(kept << by != wide)
}

/// A natural number, least significant word first, no zero words on top.
struct Big(Vec<u32>);

impl From<u128> for Big {
    fn from(value: u128) -> Self {
        let mut big = Big((0..4).map(|word| (value >> (32 * word)) as u32).collect());
        big.trim();
        big
    }
}

impl Big {
    const CHUNK: u32 = 1_000_000_000;
    const CHUNK_DIGITS: usize = 9;

    fn from_decimal(digits: &[u8]) -> Self {
        let mut big = Big(Vec::with_capacity(digits.len() / 9 + 1));
        for chunk in digits.chunks(Self::CHUNK_DIGITS) {
            let value = chunk.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
            big.multiply_add(10u32.pow(chunk.len() as u32), value);
        }
        big
    }

    fn to_decimal(&self) -> String {
        let mut words = self.0.clone();
        let mut chunks = Vec::new();
        while !words.is_empty() {
            let mut rest = 0u64;
            for word in words.iter_mut().rev() {
                let value = rest << 32 | u64::from(*word);
                *word = (value / u64::from(Self::CHUNK)) as u32;
                rest = value % u64::from(Self::CHUNK);
            }
            chunks.push(rest);
            while words.last() == Some(&0) {
                words.pop();
            }
        }
        let mut text = chunks.pop().unwrap_or(0).to_string();
        for chunk in chunks.iter().rev() {
            text.push_str(&format!("{chunk:0width$}", width = Self::CHUNK_DIGITS));
        }
        text
    }

    fn multiply_by_power_of_ten(&mut self, power: u32) {
        for _ in 0..power as usize / Self::CHUNK_DIGITS {
            self.multiply_add(Self::CHUNK, 0);
        }
        self.multiply_add(10u32.pow(power % Self::CHUNK_DIGITS as u32), 0);
    }

    fn multiply_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for word in &mut self.0 {
            let value = u64::from(*word) * u64::from(factor) + carry;
            *word = value as u32;
            carry = value >> 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn shift_left(&mut self, by: u32) {
        if self.is_zero() {
            return;
        }
        let bits = by % 32;
        if bits > 0 {
            let mut carry = 0;
            for word in &mut self.0 {
                let value = u64::from(*word) << bits | carry;
                *word = value as u32;
                carry = value >> 32;
            }
            if carry > 0 {
                self.0.push(carry as u32);
            }
        }
        let words = by as usize / 32;
        self.0.splice(0..0, std::iter::repeat_n(0, words));
    }

    /// Subtracts a number that is not larger.
    fn subtract(&mut self, other: &Big) {
        let mut borrow = false;
        for (index, word) in self.0.iter_mut().enumerate() {
            let subtrahend = other.0.get(index).copied().unwrap_or(0);
            let (value, first) = word.overflowing_sub(subtrahend);
            let (value, second) = value.overflowing_sub(u32::from(borrow));
            *word = value;
            borrow = first || second;
        }
        self.trim();
    }

    fn cmp(&self, other: &Big) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    fn bits(&self) -> u32 {
        self.0.last().map_or(0, |top| self.0.len() as u32 * 32 - top.leading_zeros())
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

#[cfg(test)]
#[path = "long_double_tests.rs"]
mod tests;
