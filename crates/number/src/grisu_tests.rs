//! Digits that read back, the table of powers, and digits as valkey-server prints them.

use super::*;
use proptest::prelude::*;

fn reads_back(value: f64) -> bool {
    let (digits, power) = digits(value);
    !digits.starts_with('0') && format!("{digits}e{power}").parse() == Ok(value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn digits_read_back(bits in any::<u64>(), exponent in 0u64..2047, whole in 1i64..1_000_000_000) {
        let value = f64::from_bits(bits).abs();
        prop_assert!(!value.is_finite() || value == 0.0 || reads_back(value));
        // Powers of two, and their neighbours.
        for bits in [exponent << 52, (exponent << 52) + 1, ((exponent + 1) << 52) - 1] {
            prop_assert!(bits == 0 || reads_back(f64::from_bits(bits)));
        }
        for places in 1..12 {
            let value = whole as f64 / 10f64.powi(places);
            prop_assert!(reads_back(value));
            prop_assert!(digits(value).0.len() <= 17);
        }
    }
}

/// Each row is the one before it times 10^8, to within what rounding both may do.
#[test]
fn the_powers_are_powers() {
    for (row, pair) in POWERS.windows(2).enumerate() {
        let tens = FIRST_TENS + row as i32 * STEP_TENS;
        let product = u128::from(pair[0]) * 100_000_000;
        let shift = binary_exponent(tens + STEP_TENS) - binary_exponent(tens);
        let expected = (product >> (shift - 1)).div_ceil(2);
        assert!(expected.abs_diff(pair[1].into()) <= 1, "10^{tens}");
    }
    let one = FIRST_TENS.unsigned_abs() / 8;
    assert_eq!(POWERS[one as usize + 1], 10_000 << 50, "10^4 is exact");
    assert_eq!(binary_exponent(4), -50);
}

/// The first is not the nearest of its length, the second not the shortest.
#[test]
fn digits_are_those_of_the_server() {
    for (value, expected) in [
        (1_234_567_890_123_456.8, ("12345678901234567", -1)),
        (1e23, ("9999999999999999", 7)),
        (0.1, ("1", -1)),
        (5e-324, ("5", -324)),
        (f64::MAX, ("17976931348623157", 292)),
        (123_456.789, ("123456789", -3)),
    ] {
        let (digits, power) = digits(value);
        assert_eq!((&digits[..], power), expected);
    }
}
