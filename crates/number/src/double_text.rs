//! How a version prints doubles.
//!
//! ```text
//!             Redis 7.0: 17 digits        from 7.2 on: the shortest text that reads back
//!   0.1       0.10000000000000001         0.1
//!   1e17      1e+17                       100000000000000000      integers up to 2^62 in full
//!   1e-5      1.0000000000000001e-05      0.00001
//! ```

use crate::grisu;
use crate::{IntBuffer, format_g17};

/// Integers up to this magnitude are printed in full, and stored as integers in listpacks.
const INTEGER_LIMIT: f64 = (1u64 << 62) as f64;
/// Small numbers whose last digit stands further right have an exponent …
const MOST_DECIMALS: i32 = 6;
/// … unless their first digit stands this near to the point.
const NEAR_THE_POINT: u32 = 4;
/// Large numbers with more zeros than this, about, have an exponent.
const MOST_ZEROS: u32 = 7;

/// The text of a double, which depends on the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DoubleText {
    /// C's `%.17g`: Redis up to 7.0.
    Digits17,
    /// The shortest text that reads back as the same double: Redis from 7.2 on, Valkey.
    #[default]
    Shortest,
}

impl DoubleText {
    /// The text of `value`.
    pub fn format(self, value: f64) -> String {
        match self {
            DoubleText::Digits17 => format_g17(value),
            DoubleText::Shortest => shortest(value),
        }
    }

    /// The text of `value` by its significant digits alone, as if it had a fraction: large integers have an exponent.
    /// DEBUG DIGEST takes scores in like this.
    pub fn format_by_digits(self, value: f64) -> String {
        match self {
            DoubleText::Digits17 => format_g17(value),
            DoubleText::Shortest => shortest_by_digits(value),
        }
    }
}

/// The integer that equals `value`, if there is one of at most 2^62. Zero has no sign then.
pub fn as_integer(value: f64) -> Option<i64> {
    // Compared before it is converted: the conversion saturates.
    (value.abs() <= INTEGER_LIMIT && value.trunc() == value).then_some(value as i64)
}

fn shortest(value: f64) -> String {
    match as_integer(value) {
        Some(integer) if value != 0.0 => {
            String::from_utf8_lossy(IntBuffer::new().format(integer)).into_owned()
        }
        _ => shortest_by_digits(value),
    }
}

fn shortest_by_digits(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if value.is_infinite() || value == 0.0 {
        return format!("{sign}{}", if value == 0.0 { "0" } else { "inf" });
    }
    let (digits, power) = grisu::digits(value.abs());
    format!("{sign}{}", place_point(&digits, power))
}

/// `digits × 10^power` as text.
fn place_point(digits: &str, power: i32) -> String {
    let count = digits.len() as i32;
    let exponent = power + count - 1;
    if power >= 0 && exponent.unsigned_abs() < digits.len() as u32 + MOST_ZEROS {
        return format!("{digits}{}", "0".repeat(power as usize));
    }
    if power < 0 && (power >= -MOST_DECIMALS || exponent.unsigned_abs() < NEAR_THE_POINT) {
        let before = count + power;
        if before <= 0 {
            return format!("0.{}{digits}", "0".repeat(before.unsigned_abs() as usize));
        }
        let (whole, fraction) = digits.split_at(before as usize);
        return format!("{whole}.{fraction}");
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{}", exponent.unsigned_abs())
}

#[cfg(test)]
#[path = "double_text_tests.rs"]
mod tests;
