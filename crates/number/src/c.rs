//! Numbers as text as C writes and reads them: `printf` with `%.14g` and `%e`, and `strtod`. Lua keeps to these.

/// Appends a number as `tostring` shows it: `%.14g`.
pub fn write_number(out: &mut Vec<u8>, number: f64) {
    if number.fract() == 0.0 && number.abs() < 1e14 && (number != 0.0 || number.is_sign_positive()) {
        let mut digits = [0_u8; 20];
        let mut at = digits.len();
        let mut rest = number.abs() as u64;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0.0 {
            at -= 1;
            digits[at] = b'-';
        }
        out.extend_from_slice(&digits[at..]);
        return;
    }
    write_general(out, number, 14, false);
}

/// Appends infinities and what is not a number as C does; false for all others.
pub fn write_special(out: &mut Vec<u8>, number: f64) -> bool {
    if number.is_finite() {
        return false;
    }
    if number.is_sign_negative() {
        out.push(b'-');
    }
    out.extend_from_slice(if number.is_nan() { b"nan" } else { b"inf" });
    true
}

/// Appends a number as `%.{precision}g` does; `alternate` keeps zeros at the end.
pub fn write_general(out: &mut Vec<u8>, number: f64, precision: usize, alternate: bool) {
    if write_special(out, number) {
        return;
    }
    let precision = precision.max(1);
    let text = format!("{:.*e}", precision - 1, number);
    let (mantissa, exponent) = text.split_once('e').expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is an integer");
    let trim = |text: &str| -> String {
        if alternate || !text.contains('.') {
            return text.to_owned();
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if exponent < -4 || exponent >= precision as i32 {
        let mantissa = trim(mantissa);
        out.extend_from_slice(mantissa.as_bytes());
        if alternate && !mantissa.contains('.') {
            out.push(b'.');
        }
        write_exponent(out, exponent);
    } else {
        let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
        let text = trim(&format!("{number:.decimals$}"));
        out.extend_from_slice(text.as_bytes());
        if alternate && !text.contains('.') {
            out.push(b'.');
        }
    }
}

/// Appends an exponent as C does: a sign and at least two digits.
pub fn write_exponent(out: &mut Vec<u8>, exponent: i32) {
    let sign = if exponent < 0 { '-' } else { '+' };
    out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
}

/// Whether C calls a byte a blank.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The number at the start of a text, as `strtod` reads it, and how many bytes it took; `None` if there is none.
pub fn scan(text: &[u8]) -> Option<(f64, usize)> {
    let start = text.iter().take_while(|byte| is_space(**byte)).count();
    let mut at = start;
    let is_negative = text.get(at) == Some(&b'-');
    if matches!(text.get(at), Some(b'-' | b'+')) {
        at += 1;
    }
    let sign = if is_negative { -1.0 } else { 1.0 };
    let rest = &text[at..];
    let begins = |word: &[u8]| rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word);
    if begins(b"infinity") {
        return Some((sign * f64::INFINITY, at + 8));
    }
    if begins(b"inf") {
        return Some((sign * f64::INFINITY, at + 3));
    }
    if begins(b"nan") {
        let mut end = at + 3;
        if text.get(end) == Some(&b'(') {
            let inner =
                text[end + 1..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
            if text.get(end + 1 + inner) == Some(&b')') {
                end += inner + 2;
            }
        }
        return Some((f64::NAN.copysign(sign), end));
    }
    if begins(b"0x")
        && let Some((value, len)) = scan_hex(&rest[2..])
    {
        return Some((sign * value, at + 2 + len));
    }
    let digits =
        |from: usize| rest[from.min(rest.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let mut end = whole;
    let mut decimals = 0;
    if rest.get(end) == Some(&b'.') {
        decimals = digits(end + 1);
        if whole + decimals > 0 {
            end += 1 + decimals;
        }
    }
    if whole + decimals == 0 {
        return None;
    }
    if matches!(rest.get(end), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(rest.get(end + 1), Some(b'-' | b'+')));
        let exponent = digits(end + 1 + signed);
        if exponent > 0 {
            end += 1 + signed + exponent;
        }
    }
    let digits = std::str::from_utf8(&rest[..end]).ok()?;
    let value: f64 = digits.parse().ok()?;
    Some((sign * value, at + end))
}

/// Hexadecimal digits with a point and a binary exponent, after the `0x`.
fn scan_hex(text: &[u8]) -> Option<(f64, usize)> {
    let (mut mantissa, mut exponent, mut at, mut any, mut lost) = (0_u64, 0_i64, 0, false, false);
    let mut seen_point = false;
    while let Some(byte) = text.get(at) {
        if *byte == b'.' && !seen_point {
            seen_point = true;
        } else if let Some(digit) = char::from(*byte).to_digit(16) {
            any = true;
            if mantissa >> 60 == 0 {
                mantissa = mantissa << 4 | u64::from(digit);
                exponent -= if seen_point { 4 } else { 0 };
            } else {
                lost |= digit != 0;
                exponent += if seen_point { 0 } else { 4 };
            }
        } else {
            break;
        }
        at += 1;
    }
    if !any {
        return None;
    }
    if matches!(text.get(at), Some(b'p' | b'P')) {
        let signed = usize::from(matches!(text.get(at + 1), Some(b'-' | b'+')));
        let digits =
            text[(at + 1 + signed).min(text.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
        if digits > 0 {
            let from = at + 1 + signed;
            let number = text[from..from + digits]
                .iter()
                .fold(0_i64, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(1 << 40));
            exponent += if text[at + 1] == b'-' { -number } else { number };
            at = from + digits;
        }
    }
    // A sticky bit keeps the rounding right.
    let value = (mantissa | u64::from(lost)) as f64;
    let exponent = exponent.clamp(-5_000, 5_000) as i32;
    Some((scale(value, exponent), at))
}

/// A number times a power of two, without a result in between that overflows.
pub fn scale(mut value: f64, mut exponent: i32) -> f64 {
    while exponent > 1_000 {
        value *= 2_f64.powi(1_000);
        exponent -= 1_000;
        if value.is_infinite() || value == 0.0 {
            return value;
        }
    }
    while exponent < -1_000 {
        // Two steps round at most once, as only the last of them is below the normal range.
        value *= 2_f64.powi(-1_000);
        exponent += 1_000;
        if value == 0.0 {
            return value;
        }
    }
    value * 2_f64.powi(exponent)
}

/// The number that a whole text is, blanks around it allowed.
pub fn parse(text: &[u8]) -> Option<f64> {
    // The common case first: a few digits.
    if !text.is_empty() && text.len() < 16 && text.iter().all(u8::is_ascii_digit) {
        return Some(text.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0')) as f64);
    }
    let (value, used) = scan(text)?;
    text[used..].iter().all(|byte| is_space(*byte)).then_some(value)
}

/// What C makes of a double as a 64-bit integer.
pub fn to_integer(number: f64) -> i64 {
    // On x86-64 what does not fit becomes the lowest integer.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(number: f64) -> String {
        let mut out = Vec::new();
        write_number(&mut out, number);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_shown_as_c_shows_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-17.0, "-17"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.33333333333333"),
            (99_999_999_999_999.0, "99999999999999"),
            (1e14, "1e+14"),
            (123_456_789_012_345.0, "1.2345678901234e+14"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1e100, "1e+100"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (-f64::NAN, "-nan"),
        ] {
            assert_eq!(shown(number), text);
        }
    }

    #[test]
    fn texts_are_read_as_c_reads_them() {
        for (text, number) in [
            ("10", Some(10.0)),
            (" 0x10 ", Some(16.0)),
            ("0x1p4", Some(16.0)),
            ("0x.8", Some(0.5)),
            ("1e2", Some(100.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("1e", None),
            ("0x", None),
            ("", None),
            (" ", None),
            ("1 2", None),
            ("1e400", Some(f64::INFINITY)),
            (".", None),
        ] {
            assert_eq!(parse(text.as_bytes()), number, "{text}");
        }
        assert!(parse(b"nan").is_some_and(f64::is_nan));
    }
}
