//! What SCAN, HSCAN, SSCAN and ZSCAN have in common: cursors, and for the last three the elements of one value, some of them a call.

use crate::args::{int, is};
use crate::container::reply_item;
use crate::{Cx, Error};
use number::IntBuffer;
use profile::Profile;
use resp::Writer;
use structures::Item;
use topology::glob;

/// Elements looked at in one call, unless COUNT says otherwise.
const DEFAULT_COUNT: usize = 10;

/// Elements visited between two checks of whether the reply is over.
pub const SCANNED_AT_ONCE: usize = 256;

/// Takes an element, and what stands beside it: the value of a field, the score of a member.
pub type Visit<'v> = dyn FnMut(Item<'_>, Option<Item<'_>>) + 'v;

/// What the arguments say.
#[derive(Debug)]
pub struct Options<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
    /// Only the elements themselves.
    is_alone: bool,
}

impl<'a> Options<'a> {
    /// `[MATCH pattern] [COUNT count]`, and since 8.0 the word that leaves out what stands beside each element, if there is one.
    ///
    /// # Errors
    /// [`Error::Syntax`], or [`Error::NotInteger`] for a count that is no number.
    pub fn parse(args: &[&'a [u8]], alone: Option<&str>, profile: Profile) -> Result<Options<'a>, Error> {
        let alone = alone.filter(|_| profile.has("8.0.0"));
        let mut options = Options { pattern: None, count: DEFAULT_COUNT, is_alone: false };
        let mut rest = args;
        loop {
            rest = match *rest {
                [] => return Ok(options),
                [word, count, ref rest @ ..] if is(word, "COUNT") => {
                    let count = usize::try_from(int(count)?).ok().filter(|&count| count > 0);
                    options.count = count.ok_or(Error::Syntax)?;
                    rest
                }
                [word, pattern, ref rest @ ..] if is(word, "MATCH") => {
                    options.pattern = (pattern != b"*").then_some(pattern);
                    rest
                }
                [word, ref rest @ ..] if alone.is_some_and(|alone| is(word, alone)) => {
                    options.is_alone = true;
                    rest
                }
                _ => return Err(Error::Syntax),
            };
        }
    }

    /// Answers with what is found from the cursor on. `scan` visits about as many elements as it is told to, and returns the cursor
    /// behind them.
    pub fn reply(
        &self,
        out: &mut Writer<'_>,
        cursor: u64,
        mut scan: impl FnMut(u64, usize, &mut Visit<'_>) -> u64,
    ) {
        let mut elements: Vec<u8> = Vec::new();
        let mut list = out.aside(&mut elements);
        let (mut items, mut visited, mut next) = (0, 0, cursor);
        loop {
            let left = self.count - visited;
            let at_once = left.min(SCANNED_AT_ONCE);
            next = scan(next, at_once, &mut |element, beside| {
                visited += 1;
                let is_wanted = |pattern| glob::matches(pattern, element.text(&mut IntBuffer::new()), false);
                if list.is_over() || !self.pattern.is_none_or(is_wanted) {
                    return;
                }
                for item in std::iter::once(element).chain(beside.filter(|_| !self.is_alone)) {
                    items += 1;
                    reply_item(&mut list, item);
                }
            });
            if next == 0 || at_once == left || visited >= self.count || list.is_over() {
                break;
            }
        }
        reply(out, next, items, &elements);
    }
}

/// Answers for a key that is not there: nothing, and the cursor of the end.
pub fn reply_none(cx: &mut Cx<'_, '_>) {
    reply(&mut cx.out, 0, 0, &[]);
}

/// The cursor stands before the elements that decide it.
fn reply(out: &mut Writer<'_>, cursor: u64, len: usize, elements: &[u8]) {
    out.array(2);
    out.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    out.array(len);
    out.raw(elements);
}

/// The cursor that an argument names. Later versions refuse nothing at all and negative numbers.
///
/// # Errors
/// [`Error::InvalidCursor`].
pub fn cursor(text: &[u8], profile: Profile) -> Result<u64, Error> {
    let strict = profile.has("7.4.0");
    let refused = strict && (text.is_empty() || int(text).is_ok_and(|number| number < 0));
    parse_cursor(text).filter(|_| !refused).ok_or(Error::InvalidCursor)
}

/// A cursor as C's `strtoul` reads it, leading spaces refused: a sign is taken, and nothing at all is 0.
fn parse_cursor(text: &[u8]) -> Option<u64> {
    let (negative, digits) = match text {
        [] => return Some(0),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let magnitude = digits.iter().try_fold(0u64, |all, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        all.checked_mul(10)?.checked_add(digit)
    })?;
    Some(if negative { magnitude.wrapping_neg() } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::{cursor, parse_cursor};
    use profile::Profile;

    #[test]
    fn cursors_are_read_as_strtoul_does() {
        assert_eq!(parse_cursor(b""), Some(0));
        assert_eq!(parse_cursor(b"007"), Some(7));
        assert_eq!(parse_cursor(b"+7"), Some(7));
        assert_eq!(parse_cursor(b"-1"), Some(u64::MAX));
        assert_eq!(parse_cursor(b"18446744073709551615"), Some(u64::MAX));
        for wrong in [&b"18446744073709551616"[..], b" 1", b"1 ", b"-", b"x", b"1x"] {
            assert_eq!(parse_cursor(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn later_versions_are_stricter() {
        for text in [&b""[..], b"-1"] {
            assert!(cursor(text, Profile::Redis70).is_ok() && cursor(text, Profile::Valkey80).is_err());
        }
        assert_eq!(cursor(b"+7", Profile::Valkey80), Ok(7));
    }
}
