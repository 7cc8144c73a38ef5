//! IDs as arguments.
//!
//! The two parts are read as C reads unsigned numbers: canonical ones, and whatever `strtoull` takes beyond them.

use commands::Error;
use structures::StreamId;

const INVALID: Error = Error::text("ERR Invalid stream ID specified as stream command argument");
/// Longer texts are not read.
const MAX_TEXT: usize = 127;

/// An ID of which `-` and `+` are none; a missing sequence number is 0.
pub(super) fn id(arg: &[u8]) -> Result<StreamId, Error> {
    parse(arg, Some(0)).map(|(id, _)| id)
}

/// As [`id`], and whether the sequence number is given rather than `*`.
pub(super) fn id_or_part(arg: &[u8]) -> Result<(StreamId, bool), Error> {
    parse(arg, None)
}

/// An ID, or `-` or `+` for the least and the greatest one. A missing sequence number is this.
pub(super) fn id_or_edge(arg: &[u8], missing_seq: u64) -> Result<StreamId, Error> {
    match arg {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        _ => parse(arg, Some(missing_seq)).map(|(id, _)| id),
    }
}

/// The start of a range; `(` before it leaves the ID itself out.
pub(super) fn start(arg: &[u8]) -> Result<StreamId, Error> {
    match excluded(arg) {
        Some(arg) => id(arg)?.next().ok_or(Error::text("ERR invalid start ID for the interval")),
        None => id_or_edge(arg, 0),
    }
}

/// The end of a range; `(` before it leaves the ID itself out.
pub(super) fn end(arg: &[u8]) -> Result<StreamId, Error> {
    match excluded(arg) {
        Some(arg) => {
            let (id, _) = parse(arg, Some(u64::MAX))?;
            id.prev().ok_or(Error::text("ERR invalid end ID for the interval"))
        }
        None => id_or_edge(arg, u64::MAX),
    }
}

fn excluded(arg: &[u8]) -> Option<&[u8]> {
    arg.strip_prefix(b"(").filter(|rest| !rest.is_empty())
}

/// `ms` or `ms-seq`. Without a number for what is missing, `ms-*` is an ID too, and what is missing is 0.
fn parse(arg: &[u8], missing_seq: Option<u64>) -> Result<(StreamId, bool), Error> {
    if arg.len() > MAX_TEXT {
        return Err(INVALID);
    }
    // C's strings end here.
    let text = arg.split(|&byte| byte == 0).next().unwrap_or_default();
    let mut parts = text.splitn(2, |&byte| byte == b'-');
    let ms = parts.next().and_then(unsigned).ok_or(INVALID)?;
    let (seq, is_given) = match parts.next() {
        None => (missing_seq.unwrap_or(0), true),
        Some(b"*") if missing_seq.is_none() => (0, false),
        Some(seq) => (unsigned(seq).ok_or(INVALID)?, true),
    };
    Ok((StreamId::new(ms, seq), is_given))
}

fn unsigned(text: &[u8]) -> Option<u64> {
    if let Some(number) = number::parse_i64(text) {
        return u64::try_from(number).ok();
    }
    let spaces = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    let (is_negative, digits) = match &text[spaces..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits
        .iter()
        .try_fold(0u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')))?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        for (text, wanted) in [
            ("5", StreamId::new(5, 0)),
            ("5-7", StreamId::new(5, 7)),
            ("18446744073709551615-18446744073709551615", StreamId::MAX),
            (" +05-\t07", StreamId::new(5, 7)),
            ("0- -1", StreamId::new(0, u64::MAX)),
            ("5-7\0-", StreamId::new(5, 7)),
        ] {
            assert_eq!(id(text.as_bytes()), Ok(wanted), "{text:?}");
        }
        for text in
            ["", "-", "+", "5-", "-5", "5-x", "5 ", "5--7", "5-7-9", "18446744073709551616", "5-*", "$", "*"]
        {
            assert_eq!(id(text.as_bytes()), Err(INVALID), "{text:?}");
        }
        assert_eq!(id("0".repeat(127).as_bytes()), Ok(StreamId::MIN));
        assert_eq!(id("0".repeat(128).as_bytes()), Err(INVALID));
        assert_eq!(id_or_part(b"5-*"), Ok((StreamId::new(5, 0), false)));
    }

    #[test]
    fn ranges() {
        assert_eq!((start(b"-"), end(b"+")), (Ok(StreamId::MIN), Ok(StreamId::MAX)));
        assert_eq!((start(b"5"), end(b"5")), (Ok(StreamId::new(5, 0)), Ok(StreamId::new(5, u64::MAX))));
        assert_eq!(start(b"(5"), Ok(StreamId::new(5, 1)));
        assert_eq!(end(b"(5"), Ok(StreamId::new(5, u64::MAX - 1)));
        assert_eq!(end(b"(5-0"), Ok(StreamId::new(4, u64::MAX)));
        assert!(start(b"(+").is_err() && end(b"(-").is_err() && start(b"(").is_err());
        let last = "(18446744073709551615-18446744073709551615";
        assert_eq!(start(last.as_bytes()), Err(Error::text("ERR invalid start ID for the interval")));
        assert_eq!(end(b"(0-0"), Err(Error::text("ERR invalid end ID for the interval")));
    }
}
