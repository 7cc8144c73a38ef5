//! Texts as real servers print them.

use super::*;
use crate::parse_f64;
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_text_reads_back(bits in any::<u64>(), whole in any::<i32>(), places in 0i32..12) {
        for value in [f64::from_bits(bits), f64::from(whole) / 10f64.powi(places)] {
            if value.is_nan() {
                continue;
            }
            for form in [DoubleText::Digits17, DoubleText::Shortest] {
                prop_assert_eq!(parse_f64(form.format(value).as_bytes()), Some(value));
            }
        }
    }
}

/// What redis-server 7.0.15 and valkey-server 9.1.2 answered to ZSCORE.
#[test]
fn texts_are_those_of_the_servers() {
    for (value, redis, valkey) in [
        (0.0, "0", "0"),
        (-0.0, "-0", "-0"),
        (-1.0, "-1", "-1"),
        (0.1, "0.10000000000000001", "0.1"),
        (10.0 / 3.0, "3.3333333333333335", "3.3333333333333335"),
        (1e16, "10000000000000000", "10000000000000000"),
        (1e17, "1e+17", "100000000000000000"),
        (1.5e18, "1.5e+18", "1500000000000000000"),
        (1e19, "1e+19", "1e+19"),
        (123_456_789_012_345_680.0, "1.2345678901234568e+17", "123456789012345680"),
        (4_611_686_018_427_387_904.0, "4.6116860184273879e+18", "4611686018427387904"),
        (9_223_372_036_854_775_807.0, "9.2233720368547758e+18", "9223372036854776000"),
        (1e22, "1e+22", "1e+22"),
        (1.234_567_890_123_456_7e25, "1.2345678901234566e+25", "1.2345678901234566e+25"),
        (1e-4, "0.0001", "0.0001"),
        (1e-5, "1.0000000000000001e-05", "0.00001"),
        (1e-6, "9.9999999999999995e-07", "0.000001"),
        (1e-7, "9.9999999999999995e-08", "1e-7"),
        (0.000_123, "0.00012300000000000001", "0.000123"),
        (1.1e-5, "1.1e-05", "0.000011"),
        (1.23e-5, "1.2300000000000001e-05", "1.23e-5"),
        (1.234_567e-6, "1.2345669999999999e-06", "1.234567e-6"),
        (-1.25e-9, "-1.25e-09", "-1.25e-9"),
        (5e-324, "4.9406564584124654e-324", "5e-324"),
        (f64::MAX, "1.7976931348623157e+308", "1.7976931348623157e+308"),
        (f64::INFINITY, "inf", "inf"),
        (f64::NEG_INFINITY, "-inf", "-inf"),
        (123_456.789, "123456.789", "123456.789"),
        (123_456_789_012_345.67, "123456789012345.67", "123456789012345.67"),
        (1_234_567_890_123_456.7, "1234567890123456.8", "1234567890123456.7"),
        (1e23, "9.9999999999999992e+22", "99999999999999990000000"),
    ] {
        assert_eq!(DoubleText::Digits17.format(value), redis);
        assert_eq!(DoubleText::Shortest.format(value), valkey);
    }
}

/// What DEBUG DIGEST of valkey-server 8.1.8 must have taken in: tests of digests compare them with the server's own.
#[test]
fn large_integers_have_an_exponent_by_their_digits() {
    for (value, text) in
        [(0.0, "0"), (-0.0, "-0"), (-7.0, "-7"), (1e7, "10000000"), (1e8, "1e+8"), (0.5, "0.5")]
    {
        assert_eq!(DoubleText::Shortest.format_by_digits(value), text);
        assert_eq!(DoubleText::Digits17.format_by_digits(value), DoubleText::Digits17.format(value));
    }
}

#[test]
fn integers_end_at_two_to_the_62() {
    for (value, integer) in [
        (-0.0, Some(0)),
        (-7.0, Some(-7)),
        (0.5, None),
        (2f64.powi(62), Some(1 << 62)),
        (-(2f64.powi(62)), Some(-(1 << 62))),
        (2f64.powi(62) + 1024.0, None),
        (f64::INFINITY, None),
        (f64::NAN, None),
    ] {
        assert_eq!(as_integer(value), integer, "{value}");
    }
}
