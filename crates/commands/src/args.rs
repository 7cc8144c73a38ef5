//! Reading arguments.

use crate::Error;
use profile::Profile;
use std::ops::Range;

/// An integer argument.
///
/// # Errors
/// [`Error::NotInteger`] when it is none, or does not fit 64 bits.
#[inline]
pub fn int(arg: &[u8]) -> Result<i64, Error> {
    number::parse_i64(arg).ok_or(Error::NotInteger)
}

/// A double, such as a score. Hexadecimal ones count up to Valkey 9.0; later only where a long double is read ([`number::LongDouble`]).
#[inline]
pub fn double(arg: &[u8], profile: Profile) -> Option<f64> {
    if profile.has("9.1.0") { number::parse_decimal_f64(arg) } else { number::parse_f64(arg) }
}

/// Whether the argument is this word, in any case.
#[inline]
pub fn is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}

/// An integer whose negation fits as well.
///
/// # Errors
/// [`Error::NotInteger`], and a text of its own for the smallest integer.
#[inline]
pub fn negatable_int(arg: &[u8]) -> Result<i64, Error> {
    let out_of_range =
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
    int(arg).and_then(|int| if int == i64::MIN { Err(Error::text(out_of_range)) } else { Ok(int) })
}

/// Which of `len` elements the indices `start` to `stop` mean, both included and negative ones counting from the end. What lies
/// outside is cut off; where nothing is left, the range is `0..0`.
#[inline]
pub fn index_range(start: i64, stop: i64, len: usize) -> Range<usize> {
    let from_head = |index: i64| if index < 0 { index + len as i64 } else { index };
    let start = from_head(start).max(0);
    let stop = from_head(stop).min(len as i64 - 1);
    if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
}

#[cfg(test)]
mod tests {
    use super::index_range;

    #[test]
    fn indices_are_clamped() {
        assert_eq!(index_range(0, -1, 5), 0..5);
        assert_eq!(index_range(-100, 100, 5), 0..5);
        assert_eq!(index_range(-3, -2, 5), 2..4);
        for empty in [(5, 9), (3, 2), (0, -6), (-1, -2), (i64::MAX, i64::MAX), (i64::MIN, i64::MIN)] {
            assert_eq!(index_range(empty.0, empty.1, 5), 0..0, "{empty:?}");
        }
        assert_eq!(index_range(i64::MIN, i64::MAX, 5), 0..5);
        assert_eq!(index_range(0, -1, 0), 0..0);
    }
}
