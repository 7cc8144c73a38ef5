//! The ends of ranges, as commands write them.

use commands::Error;
use commands::args::double;
use profile::Profile;
use std::ops::Bound;
use structures::Score;
use structures::sorted_set::{LexBound, LexRange, ScoreRange};

/// A range of scores: each end a number, `(` before one that does not belong to the range.
pub(super) fn score_range(min: &[u8], max: &[u8], profile: Profile) -> Result<ScoreRange, Error> {
    let bound = |text| score_bound(text, profile).ok_or(Error::text("ERR min or max is not a float"));
    Ok(ScoreRange { min: bound(min)?, max: bound(max)? })
}

/// A range of members: each end `[` or `(` before a text, `-` or `+`.
pub(super) fn lex_range<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, Error> {
    let bound = |text| lex_bound(text).ok_or(Error::text("ERR min or max not valid string range item"));
    Ok(LexRange { min: bound(min)?, max: bound(max)? })
}

fn score_bound(text: &[u8], profile: Profile) -> Option<Bound<Score>> {
    match text {
        [b'(', rest @ ..] => number_of(rest, profile).map(Bound::Excluded),
        _ => number_of(text, profile).map(Bound::Included),
    }
}

/// The number of an end, as `strtod` reads a C string: no text at all for 0, infinity and zero for what is too large and too small;
/// up to Valkey 9.0 spaces before it as well.
fn number_of(text: &[u8], profile: Profile) -> Option<Score> {
    let text = text.split(|&byte| byte == 0).next()?;
    if text.is_empty() {
        return Some(Score::ZERO);
    }
    let text = if profile.has("9.1.0") { text } else { text.trim_ascii_start() };
    let decimal = || std::str::from_utf8(text).ok()?.parse().ok();
    double(text, profile).or_else(decimal).and_then(Score::new)
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
        let included = |text: &str| match score_bound(text.as_bytes(), Profile::Valkey80) {
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
            assert_eq!(score_bound(text.as_bytes(), Profile::Valkey80), None, "{text:?}");
        }
        for text in [" 2", "0x10", "-0X1"] {
            assert_eq!(score_bound(text.as_bytes(), Profile::Valkey91), None, "{text:?}");
        }
        assert_eq!(score_bound(b"1e400", Profile::Valkey91), score_bound(b"inf", Profile::Valkey91));
        assert_eq!(score_bound(b"(3", Profile::Valkey80), Some(Bound::Excluded(Score::from(3))));
        assert_eq!(score_bound(b"(", Profile::Valkey80), Some(Bound::Excluded(Score::ZERO)));
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
