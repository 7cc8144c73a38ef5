//! Texts at the borders between numbers and strings.

use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn an_integer_is_what_prints_back(text in "[-+ 0-9]{0,20}") {
        let canonical = text.parse::<i64>().ok().filter(|value| value.to_string() == text);
        prop_assert_eq!(parse_i64(text.as_bytes()), canonical);
    }

    #[test]
    fn every_integer_reads_back(value in any::<i64>(), shift in 0u32..64) {
        let value = value >> shift;
        let mut buffer = IntBuffer::new();
        let text = buffer.format(value);
        prop_assert_eq!(parse_i64(text), Some(value));
        prop_assert_eq!(decimal_len(value), text.len());
    }

    #[test]
    fn seventeen_digits_read_back(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        if value.is_finite() {
            prop_assert_eq!(parse_f64(format_g17(value).as_bytes()), Some(value));
        }
    }
}

#[test]
fn borders_of_integers() {
    assert_eq!(parse_i64(b"9223372036854775807"), Some(i64::MAX));
    assert_eq!(parse_i64(b"-9223372036854775808"), Some(i64::MIN));
    for text in [
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999",
        "-0",
        "00",
        "",
        "-",
        "+1",
        "1 ",
    ] {
        assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn doubles_as_strtod_takes_them() {
    for (text, value) in [
        ("3.0", 3.0),
        ("-inf", f64::NEG_INFINITY),
        ("+Infinity", f64::INFINITY),
        ("1e308", 1e308),
        ("0x1.8p1", 3.0),
        ("-0x1p-1074", -5e-324),
        ("0x1.fffffffffffff7p1023", f64::MAX),
        (".5", 0.5),
        ("5.", 5.0),
        ("4.9e-324", 5e-324),
        ("0x0p0", 0.0),
        ("0e-9999", 0.0),
    ] {
        assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text:?}");
    }
    for text in [
        "",
        " 1",
        "1 ",
        "nan",
        "1e309",
        "1e-400",
        "0x1p1024",
        "0x1p-1076",
        "0x1.fffffffffffff8p1023",
        "1,5",
        "in",
    ] {
        assert_eq!(parse_f64(text.as_bytes()), None, "{text:?}");
    }
}

/// Replies of redis-server 7.0.15 to ZSCORE.
#[test]
fn doubles_print_as_redis_does() {
    for (value, text) in [
        (0.0, "0"),
        (0.1, "0.10000000000000001"),
        (3.0, "3"),
        (1e17, "1e+17"),
        (1e16, "10000000000000000"),
        (123456789012345678.0, "1.2345678901234568e+17"),
        (1e-4, "0.0001"),
        (1e-5, "1.0000000000000001e-05"),
        (1.5e300, "1.5000000000000001e+300"),
        (-2.5, "-2.5"),
        (1e21, "1e+21"),
        (5e-324, "4.9406564584124654e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (0.30000000000000004, "0.30000000000000004"),
        (100.0, "100"),
        (99999999999999999.0, "1e+17"),
        (123456.789, "123456.789"),
    ] {
        assert_eq!(format_g17(value), text);
    }
}
