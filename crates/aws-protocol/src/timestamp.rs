//! Instants on the wire.
//!
//! Each protocol writes an instant its own way: Query and XML as ISO 8601 text, JSON and CBOR as seconds since the epoch.
//! So the type says only that it is one, as a newtype struct of a reserved name around milliseconds; each codec here
//! looks for that name. A format that doesn't (a plain serde_json) carries the milliseconds as a number.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// Under this name of a newtype struct a codec finds milliseconds since the epoch.
pub(crate) const TIMESTAMP: &str = "$aws::Timestamp";

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp {
    /// Since the epoch; negative before it.
    pub unix_ms: i64,
}

impl Timestamp {
    /// `unix_ms` milliseconds after the epoch.
    pub fn from_unix_ms(unix_ms: i64) -> Timestamp {
        Timestamp { unix_ms }
    }

    /// Reads ISO 8601 in its extended form: a date, or a date and a time, with `Z`, an offset, or nothing for UTC.
    /// None if it is something else, or not between the years 1 and 9999. The last day of these counts as the last instant that the
    /// library has, some hours before it.
    pub fn parse_iso8601(text: &str) -> Option<Timestamp> {
        // The library would take a name of a zone in brackets and the basic form too.
        let plausible =
            |byte: u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b':' | b'.' | b'T' | b't' | b'Z' | b'z');
        if !text.bytes().all(plausible) || text.as_bytes().get(4) != Some(&b'-') {
            return None;
        }
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Some(Timestamp { unix_ms: instant.as_millisecond() });
        }
        let has_time = text.contains(['T', 't']);
        let text = text.strip_suffix(['Z', 'z']).filter(|_| has_time).unwrap_or(text);
        let civil: DateTime = text.parse().ok()?;
        let instant = civil.to_zoned(TimeZone::UTC).map_or(jiff::Timestamp::MAX, |zoned| zoned.timestamp());
        Some(Timestamp { unix_ms: instant.as_millisecond() })
    }

    /// Reads `20261122T235122Z`, the form that signatures use. Nothing else will do.
    pub fn parse_basic(text: &str) -> Option<Timestamp> {
        let shape = |(at, byte): (usize, u8)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        };
        if text.len() != 16 || !text.bytes().enumerate().all(shape) {
            return None;
        }
        let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
        let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
        Some(Timestamp { unix_ms: zoned.timestamp().as_millisecond() })
    }

    /// `20261122T235122Z`.
    pub fn to_basic(self) -> String {
        self.instant().strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    /// As the library has it. What lies beyond its years is its last or first instant.
    fn instant(self) -> jiff::Timestamp {
        let range = jiff::Timestamp::MIN.as_millisecond()..=jiff::Timestamp::MAX.as_millisecond();
        let unix_ms = self.unix_ms.clamp(*range.start(), *range.end());
        jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

/// `2026-11-22T23:51:22.123Z`, as in AWS's XML.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.instant().strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(TIMESTAMP, &self.unix_ms)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Milliseconds;
        impl<'de> Visitor<'de> for Milliseconds {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an instant")
            }

            fn visit_i64<E: de::Error>(self, unix_ms: i64) -> Result<Timestamp, E> {
                Ok(Timestamp { unix_ms })
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Timestamp, D::Error> {
                i64::deserialize(inner).map(Timestamp::from_unix_ms)
            }
        }
        deserializer.deserialize_newtype_struct(TIMESTAMP, Milliseconds)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Timestamp;

    #[test]
    fn reads_iso_8601() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(Timestamp::parse_iso8601(text).map(|t| t.unix_ms), expected, "{text}");
        };
        check("1970-01-01T00:00:01Z", Some(1000));
        check("1970-01-01T00:00:01.25Z", Some(1250));
        check("1970-01-01T00:00:01", Some(1000));
        check("1970-01-02", Some(86_400_000));
        check("1970-01-01T01:00:00+01:00", Some(0));
        check("2026-11-22T23:51:22.123456Z", Some(1_795_391_482_123));
        let last = jiff::Timestamp::MAX.as_millisecond();
        for end_of_time in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999", "9999-12-31"] {
            check(end_of_time, Some(last));
        }
        check("", None);
        check("yesterday", None);
        check("1970-01-02Z", None);
        check("1970-01-01T00:00:01ZZ", None);
        check("10000-01-01T00:00:00Z", None);
        check("1700000000", None);
        check("2026-13-01T00:00:00Z", None);
        check("2026-11-22T23:51:22Z[UTC]", None);
    }

    #[test]
    fn reads_the_basic_form() {
        let check = |text: &str, expected: Option<&str>| {
            let read = Timestamp::parse_basic(text).map(|t| t.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        };
        check("20150830T123600Z", Some("2015-08-30T12:36:00.000Z"));
        check("20150830T123600", None);
        check("20150230T123600Z", None);
        check("2015-08-30T12:36Z", None);
        check("20150830t123600Z", None);
    }

    proptest! {
        #[test]
        fn text_and_back(unix_ms in -62_000_000_000_000_i64..253_000_000_000_000) {
            let instant = Timestamp::from_unix_ms(unix_ms);
            prop_assert_eq!(Timestamp::parse_iso8601(&instant.to_string()), Some(instant));
        }

        #[test]
        fn any_number_prints_and_any_text_reads(unix_ms in any::<i64>(), text in "\\PC*") {
            let _ = (Timestamp::from_unix_ms(unix_ms).to_string(), Timestamp::from_unix_ms(unix_ms).to_basic());
            let _ = (Timestamp::parse_iso8601(&text), Timestamp::parse_basic(&text));
        }
    }
}
