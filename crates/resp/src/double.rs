//! The text of a double in a reply. Engines differ, so the version profile chooses the format.
//!
//! | value | Redis up to 7.0 | Redis 7.2, Valkey |
//! |---|---|---|
//! | 3.3 | `3.2999999999999998` | `3.3` |
//! | 1e17 | `1e+17` | `100000000000000000` |
//! | 1e-5 | `1.0000000000000001e-05` | `0.00001` |
//! | 1e-7 | `9.9999999999999995e-08` | `1e-7` |
//!
//! The older engines print C's `%.17g`. The newer ones print a whole number of at most half the range of 64 bits as an
//! integer and everything else with the fewest digits that read back as the same double. They find those digits with
//! the Grisu2 algorithm, which gives one digit more than necessary for about one value in a thousand; here the digits
//! are always the shortest.

use crate::number::line_into;
use std::io::Write;

/// Which engine's format a double has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DoubleFormat {
    /// 17 significant digits, C's `%.17g`: Redis up to 7.0.
    Digits17,
    /// The shortest digits that read back as the same value: Redis 7.2 and later, Valkey.
    #[default]
    Shortest,
}

/// The longest text possible: sign, `0.`, up to 6 zeros or an exponent of 5 characters, 17 digits, with reserve.
const MAX_TEXT: usize = 40;
/// Whole numbers up to here are printed as integers by the shortest format: half of `i64::MAX`.
const MAX_WHOLE: f64 = (i64::MAX / 2) as f64;

/// A double's text on the stack.
pub(crate) struct Text {
    bytes: [u8; MAX_TEXT],
    len: usize,
}

impl Text {
    pub(crate) fn new(value: f64, format: DoubleFormat) -> Text {
        let mut text = Text { bytes: [0; MAX_TEXT], len: 0 };
        if value.is_nan() {
            text.push(b"nan");
        } else if value.is_infinite() {
            text.push(if value > 0.0 { b"inf" } else { b"-inf" });
        } else if value == 0.0 {
            text.push(if value.is_sign_negative() { b"-0" } else { b"0" });
        } else {
            match format {
                DoubleFormat::Digits17 => text.digits17(value),
                DoubleFormat::Shortest => text.shortest(value),
            }
        }
        text
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn digits17(&mut self, value: f64) {
        let decimal = Decimal::new(value, Some(16));
        let digits = decimal.digits();
        self.sign(value);
        match decimal.exponent {
            exponent @ 0..17 => {
                let whole = exponent as usize + 1;
                let (before, after) = digits.split_at(whole.min(digits.len()));
                self.push(before);
                self.zeros(whole - before.len());
                self.fraction(after);
            }
            exponent @ -4..0 => {
                self.push(b"0.");
                self.zeros(exponent.unsigned_abs() as usize - 1);
                self.push(digits);
            }
            exponent => {
                self.scientific(digits, exponent);
                let _ = write!(self, "{:02}", exponent.unsigned_abs());
            }
        }
    }

    fn shortest(&mut self, value: f64) {
        if value.abs() <= MAX_WHOLE && value.fract() == 0.0 {
            let mut line = [0; crate::number::MAX_LINE];
            let len = line_into(&mut line, b':', value as i64);
            return self.push(&line[1..len - 2]);
        }
        let decimal = Decimal::new(value, None);
        let digits = decimal.digits();
        self.sign(value);
        let exponent = decimal.exponent;
        // Trailing zeros a plain integer would need; negative: digits behind the point.
        let scale = exponent - (digits.len() as i32 - 1);
        if (0..8).contains(&scale) {
            self.push(digits);
            self.zeros(scale as usize);
        } else if scale < 0 && (scale > -7 || exponent.abs() < 4) {
            if exponent < 0 {
                self.push(b"0.");
                self.zeros(exponent.unsigned_abs() as usize - 1);
                self.push(digits);
            } else {
                let (before, after) = digits.split_at(exponent as usize + 1);
                self.push(before);
                self.fraction(after);
            }
        } else {
            self.scientific(digits, exponent);
            let _ = write!(self, "{}", exponent.unsigned_abs());
        }
    }

    fn sign(&mut self, value: f64) {
        if value.is_sign_negative() {
            self.push(b"-");
        }
    }

    fn zeros(&mut self, count: usize) {
        self.push(&[b'0'; 16][..count]);
    }

    fn fraction(&mut self, digits: &[u8]) {
        if !digits.is_empty() {
            self.push(b".");
            self.push(digits);
        }
    }

    fn scientific(&mut self, digits: &[u8], exponent: i32) {
        let (before, after) = digits.split_at(1);
        self.push(before);
        self.fraction(after);
        self.push(if exponent < 0 { b"e-" } else { b"e+" });
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Significant digits without trailing zeros, the first standing for units of ten to the `exponent`.
struct Decimal {
    text: [u8; 32],
    count: usize,
    exponent: i32,
}

impl Decimal {
    /// `decimals`: digits after the first, correctly rounded; `None` for as few as identify the value.
    fn new(value: f64, decimals: Option<usize>) -> Decimal {
        let mut text = [0; 32];
        let mut rest = &mut text[..];
        let written = match decimals {
            Some(decimals) => write!(rest, "{:.*e}", decimals, value.abs()),
            None => write!(rest, "{:e}", value.abs()),
        };
        let len = 32 - rest.len();
        debug_assert!(written.is_ok(), "a double has at most 17 digits and an exponent of 4 characters");
        let mark = text[..len].iter().position(|&byte| byte == b'e').unwrap_or(len);
        let exponent = crate::parse_i64(&text[(mark + 1).min(len)..len]).unwrap_or(0) as i32;
        let mut count = mark;
        if mark > 1 {
            text.copy_within(2..mark, 1);
            count = mark - 1;
        }
        while count > 1 && text[count - 1] == b'0' {
            count -= 1;
        }
        Decimal { text, count, exponent }
    }

    fn digits(&self) -> &[u8] {
        &self.text[..self.count]
    }
}

/// Appends the text of `value`, without any framing.
pub fn write_double(out: &mut Vec<u8>, value: f64, format: DoubleFormat) {
    out.extend_from_slice(Text::new(value, format).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(value: f64, format: DoubleFormat) -> String {
        String::from_utf8(Text::new(value, format).as_bytes().to_vec()).unwrap()
    }

    /// Expectations of the first column come from `ZADD z <value> a`, `ZSCORE z a` on redis-server 7.0.15.
    #[test]
    fn looks_of_both_engines() {
        for (value, digits17, shortest) in [
            (3.3, "3.2999999999999998", "3.3"),
            (100000000.0, "100000000", "100000000"),
            (1e20, "1e+20", "1e+20"),
            (1e-5, "1.0000000000000001e-05", "0.00001"),
            (1e-4, "0.0001", "0.0001"),
            (1e-7, "9.9999999999999995e-08", "1e-7"),
            (123456789.123, "123456789.123", "123456789.123"),
            (1e16, "10000000000000000", "10000000000000000"),
            (1e17, "1e+17", "100000000000000000"),
            (12345678901234567890.0, "1.2345678901234567e+19", "12345678901234567000"),
            (0.1, "0.10000000000000001", "0.1"),
            (1.5, "1.5", "1.5"),
            (-2.5e-10, "-2.5000000000000002e-10", "-2.5e-10"),
            (1e300, "1.0000000000000001e+300", "1e+300"),
            (5e-324, "4.9406564584124654e-324", "5e-324"),
            (f64::INFINITY, "inf", "inf"),
            (f64::NEG_INFINITY, "-inf", "-inf"),
            (f64::NAN, "nan", "nan"),
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (-1234.5678, "-1234.5678", "-1234.5678"),
            (0.00012345678, "0.00012345678000000001", "1.2345678e-4"),
        ] {
            assert_eq!(text(value, DoubleFormat::Digits17), digits17);
            assert_eq!(text(value, DoubleFormat::Shortest), shortest);
        }
    }

    proptest! {
        #[test]
        fn reads_back_as_the_same_value(value in prop_oneof![
            any::<f64>(), -1e6f64..1e6, (-1000i64..1000).prop_map(|n| n as f64 / 100.0)
        ]) {
            prop_assume!(value.is_finite());
            for format in [DoubleFormat::Digits17, DoubleFormat::Shortest] {
                prop_assert_eq!(text(value, format).parse::<f64>().unwrap(), value);
            }
        }
    }
}
