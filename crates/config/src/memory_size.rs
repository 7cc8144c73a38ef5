//! Memory sizes as configuration files write them: `100mb`, `1k`, `5gb`.
//!
//! Units are case-insensitive. A unit that ends in `b` counts in powers of 1024, one without in powers of 1000, as
//! redis.conf documents: `1k` is 1000 and `1kb` is 1024. Like the C library's conversion, digits beyond 64 bits saturate
//! and a unit then wraps; real servers accept such values, so they are accepted here with the same result.

/// The units by name, with how many bytes one is.
const UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("k", 1000),
    ("kb", 1 << 10),
    ("m", 1_000_000),
    ("mb", 1 << 20),
    ("g", 1_000_000_000),
    ("gb", 1 << 30),
];

/// The longest run of digits that is looked at; a longer one is refused rather than saturated.
const MAX_DIGITS: usize = 127;

/// Reads a memory size in bytes; `None` when `text` is not one. The empty text is 0, as for the real server.
pub fn parse(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at(digits);
    let (_, bytes) = UNITS.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(unit))?;
    if digits > MAX_DIGITS {
        return None;
    }
    let number =
        number.iter().fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
    Some(number.wrapping_mul(*bytes))
}

/// Writes a size with the largest of `gb`, `mb`, `kb` that divides it, as CONFIG REWRITE does.
pub fn format(bytes: i128) -> String {
    let divided = [(1i128 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")]
        .into_iter()
        .find(|(unit, _)| bytes != 0 && bytes % unit == 0);
    match divided {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_the_server_reads_them() {
        for (text, bytes) in [
            ("", Some(0)),
            ("0", Some(0)),
            ("1k", Some(1000)),
            ("1Kb", Some(1024)),
            ("100mb", Some(104_857_600)),
            ("2g", Some(2_000_000_000)),
            ("7B", Some(7)),
            ("007", Some(7)),
            ("99999999999999999999", Some(u64::MAX)),
            ("1t", None),
            ("-1", None),
            ("1.5gb", None),
            ("1 mb", None),
            ("zzz", None),
        ] {
            assert_eq!(parse(text.as_bytes()), bytes, "{text}");
        }
        assert_eq!(parse(&[b'1'; 128]), None);
    }

    #[test]
    fn sizes_are_written_with_the_largest_unit() {
        for (bytes, text) in [
            (0, "0"),
            (1500, "1500"),
            (1024, "1kb"),
            (104_857_600, "100mb"),
            (3 << 30, "3gb"),
            (1025, "1025"),
        ] {
            assert_eq!(format(bytes), text);
        }
    }
}
