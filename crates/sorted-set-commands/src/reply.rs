//! How replies show scores, and members with them.

use commands::container::reply_item;
use number::{DoubleText, as_integer};
use resp::{Proto, Writer};
use structures::{Item, Limits, Score};

/// C's `%.17g` prints integers up to here without an exponent.
const MOST_DIGITS_17: i64 = 100_000_000_000_000_000;

/// Writes a score as a number of its own.
pub(super) fn reply_score(out: &mut Writer<'_>, score: Score, limits: &Limits) {
    let value = score.get();
    match as_integer(value) {
        Some(integer) if is_printed_in_full(integer, value, limits.score_text) => {
            out.double_text(itoa::Buffer::new().format(integer));
        }
        _ => out.double_text(&limits.score_text.format(value)),
    }
}

/// Whether an integer's text is that of the score: zero may have a sign.
fn is_printed_in_full(integer: i64, value: f64, form: DoubleText) -> bool {
    let is_short = form == DoubleText::Shortest || integer.abs() < MOST_DIGITS_17;
    is_short && (integer != 0 || value.is_sign_positive())
}

/// Writes members, with their scores if these were asked for: RESP3 nests each pair, RESP2 has one flat array.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Members {
    pub(super) with_scores: bool,
    pub(super) limits: Limits,
}

impl Members {
    /// How many elements the array of so many members has.
    pub(super) fn elements(self, out: &Writer<'_>, members: usize) -> usize {
        let is_flat = self.with_scores && out.proto() == Proto::Resp2;
        if is_flat { members.saturating_mul(2) } else { members }
    }

    pub(super) fn head(self, out: &mut Writer<'_>, members: usize) {
        out.array(self.elements(out, members));
    }

    pub(super) fn one(self, out: &mut Writer<'_>, (member, score): (Item<'_>, Score)) {
        let is_nested = self.with_scores && out.proto() == Proto::Resp3;
        self.pair(out, (member, score), is_nested);
    }

    /// One, as an array of its own if it is nested.
    pub(super) fn pair(self, out: &mut Writer<'_>, (member, score): (Item<'_>, Score), is_nested: bool) {
        if is_nested {
            out.array(2);
        }
        reply_item(out, member);
        if self.with_scores {
            reply_score(out, score, &self.limits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_the_text_of_their_version() {
        for form in [DoubleText::Digits17, DoubleText::Shortest] {
            let limits = Limits { score_text: form, ..Limits::DEFAULT };
            for value in [
                0.0,
                -0.0,
                -7.0,
                0.1,
                1e16,
                99_999_999_999_999_984.0,
                1e17,
                -1e17,
                (1u64 << 62) as f64,
                1e19,
                1e-7,
                f64::INFINITY,
                f64::NEG_INFINITY,
            ] {
                let mut bytes = Vec::new();
                let score = Score::new(value).expect("a number");
                reply_score(&mut Writer::new(&mut bytes, Proto::Resp3), score, &limits);
                assert_eq!(String::from_utf8_lossy(&bytes), format!(",{}\r\n", form.format(value)));
            }
        }
    }
}
