//! The ends of ranges, as commands write them.

use commands::Error;
use std::ops::Bound;
use structures::Score;
use structures::sorted_set::{LexBound, LexRange, ScoreRange};

/// A range of scores: each end a number, `(` before one that does not belong to the range.
pub(super) fn score_range(min: &[u8], max: &[u8]) -> Result<ScoreRange, Error> {
    let bound = |text| score_bound(text).ok_or(Error::text("ERR min or max is not a float"));
    Ok(ScoreRange { min: bound(min)?, max: bound(max)? })
}

/// A range of members: each end `[` or `(` before a text, `-` or `+`.
pub(super) fn lex_range<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, Error> {
    let bound = |text| lex_bound(text).ok_or(Error::text("ERR min or max not valid string range item"));
    Ok(LexRange { min: bound(min)?, max: bound(max)? })
}

fn score_bound(text: &[u8]) -> Option<Bound<Score>> {
    match text {
        [b'(', rest @ ..] => number_of(rest).map(Bound::Excluded),
        _ => number_of(text).map(Bound::Included),
    }
}

/// The number of an end, as `strtod` reads a C string: spaces before it, no text at all for 0, infinity and zero for what is too
/// large and too small.
fn number_of(text: &[u8]) -> Option<Score> {
    let text = text.split(|&byte| byte == 0).next()?;
    if text.is_empty() {
        return Some(Score::ZERO);
    }
    let text = text.trim_ascii_start();
    let decimal = || std::str::from_utf8(text).ok()?.parse().ok();
    number::parse_f64(text).or_else(decimal).and_then(Score::new)
}

fn lex_bound(text: &[u8]) -> Option<LexBound<'_>> {
    match text {
        [b'-'] | [b'-', 0, ..] => Some(LexBound::Lowest),
        [b'+'] | [b'+', 0, ..] => Some(LexBound::Highest),
        [b'[', rest @ ..] => Some(LexBound::Included(rest)),
        [b'(', rest @ ..] => Some(LexBound::Excluded(rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_scores_are_read_as_c_reads_them() {
        let included = |text: &str| match score_bound(text.as_bytes()) {
            Some(Bound::Included(score)) => Some(score.get()),
            _ => None,
        };
        for (text, value) in [
            ("1", 1.0),
            ("-1.5", -1.5),
            (" 2", 2.0),
            ("", 0.0),
            ("1\0x", 1.0),
            ("+inf", f64::INFINITY),
            ("-infinity", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
            ("1e-400", 0.0),
            ("0x10", 16.0),
        ] {
            assert_eq!(included(text), Some(value), "{text:?}");
        }
        for text in ["a", "1a", "nan", "1 ", "  ", "((1", "--1"] {
            assert_eq!(score_bound(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(score_bound(b"(3"), Some(Bound::Excluded(Score::from(3))));
        assert_eq!(score_bound(b"("), Some(Bound::Excluded(Score::ZERO)));
    }

    #[test]
    fn ends_of_members_have_a_mark() {
        assert_eq!(lex_bound(b"-"), Some(LexBound::Lowest));
        assert_eq!(lex_bound(b"+"), Some(LexBound::Highest));
        assert_eq!(lex_bound(b"[a"), Some(LexBound::Included(b"a")));
        assert_eq!(lex_bound(b"("), Some(LexBound::Excluded(b"")));
        for text in [&b""[..], b"a", b"+a", b"--"] {
            assert_eq!(lex_bound(text), None, "{text:?}");
        }
    }
}
