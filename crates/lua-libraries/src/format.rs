//! `string.format`: C's `printf` for what Lua lets through.

use lua::{Call, Outcome, Result};
use number::c::{to_integer, write_exponent, write_general, write_special};

/// A directive: what stands between `%` and its letter.
#[derive(Debug, Default, Clone, Copy)]
struct Spec {
    left: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// Reads a directive. Gives how many bytes it takes without the letter.
fn parse(text: &[u8]) -> std::result::Result<(Spec, usize), &'static str> {
    let mut spec = Spec::default();
    let mut at = 0;
    while let Some(flag) = text.get(at) {
        match flag {
            b'-' => spec.left = true,
            b'+' => spec.plus = true,
            b' ' => spec.blank = true,
            b'#' => spec.alternate = true,
            b'0' => spec.zero = true,
            _ => break,
        }
        at += 1;
    }
    if at >= 6 {
        return Err("invalid format (repeated flags)");
    }
    let number = |at: &mut usize| {
        let mut number = 0;
        for _ in 0..2 {
            if let Some(digit) = text.get(*at).filter(|byte| byte.is_ascii_digit()) {
                number = number * 10 + usize::from(digit - b'0');
                *at += 1;
            }
        }
        number
    };
    spec.width = number(&mut at);
    if text.get(at) == Some(&b'.') {
        at += 1;
        spec.precision = Some(number(&mut at));
    }
    if text.get(at).is_some_and(u8::is_ascii_digit) {
        return Err("invalid format (width or precision too long)");
    }
    Ok((spec, at))
}

impl Spec {
    /// Appends a sign or prefix and digits, in the width.
    fn pad(&self, out: &mut Vec<u8>, prefix: &[u8], digits: &[u8], zeros: bool) {
        let fill = self.width.saturating_sub(prefix.len() + digits.len());
        if self.left {
            out.extend_from_slice(prefix);
            out.extend_from_slice(digits);
            out.resize(out.len() + fill, b' ');
        } else if zeros {
            out.extend_from_slice(prefix);
            out.resize(out.len() + fill, b'0');
            out.extend_from_slice(digits);
        } else {
            out.resize(out.len() + fill, b' ');
            out.extend_from_slice(prefix);
            out.extend_from_slice(digits);
        }
    }

    fn sign(&self, is_negative: bool) -> &'static [u8] {
        match (is_negative, self.plus, self.blank) {
            (true, ..) => b"-",
            (_, true, _) => b"+",
            (_, _, true) => b" ",
            _ => b"",
        }
    }

    fn integer(&self, out: &mut Vec<u8>, prefix: &[u8], mut digits: String, is_zero: bool) {
        let precision = self.precision.unwrap_or(1);
        if is_zero && precision == 0 {
            digits.clear();
        }
        if digits.len() < precision {
            digits = "0".repeat(precision - digits.len()) + &digits;
        }
        self.pad(out, prefix, digits.as_bytes(), self.zero && self.precision.is_none());
    }

    fn unsigned(&self, out: &mut Vec<u8>, letter: u8, value: u64) {
        let (prefix, digits): (&[u8], String) = match letter {
            b'o' => {
                let digits = format!("{value:o}");
                let needs = self.alternate && value != 0 && self.precision.unwrap_or(1) <= digits.len();
                (b"", if needs { format!("0{digits}") } else { digits })
            }
            b'x' => (if self.alternate && value != 0 { b"0x" } else { b"" }, format!("{value:x}")),
            b'X' => (if self.alternate && value != 0 { b"0X" } else { b"" }, format!("{value:X}")),
            _ => (b"", value.to_string()),
        };
        self.integer(out, prefix, digits, value == 0);
    }

    fn float(&self, out: &mut Vec<u8>, letter: u8, number: f64) {
        let is_negative = number.is_sign_negative();
        let magnitude = number.abs();
        let precision = self.precision.unwrap_or(6);
        let mut digits = Vec::new();
        let is_special = write_special(&mut digits, magnitude);
        if !is_special {
            match letter.to_ascii_lowercase() {
                b'f' => {
                    digits.extend_from_slice(format!("{magnitude:.precision$}").as_bytes());
                    if self.alternate && precision == 0 {
                        digits.push(b'.');
                    }
                }
                b'e' => {
                    let text = format!("{magnitude:.precision$e}");
                    let (mantissa, exponent) = text.split_once('e').expect("the format has an exponent");
                    digits.extend_from_slice(mantissa.as_bytes());
                    if self.alternate && precision == 0 {
                        digits.push(b'.');
                    }
                    write_exponent(&mut digits, exponent.parse().expect("an integer"));
                }
                _ => write_general(&mut digits, magnitude, precision, self.alternate),
            }
        }
        if letter.is_ascii_uppercase() {
            digits.make_ascii_uppercase();
        }
        self.pad(out, self.sign(is_negative), &digits, self.zero && !is_special);
    }
}

/// What C makes of a double as an unsigned 64-bit integer.
fn to_unsigned(number: f64) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    if number >= HALF { (to_integer(number - HALF) ^ i64::MIN) as u64 } else { to_integer(number) as u64 }
}

/// Appends a string so that Lua reads it back.
fn quote(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' | b'\\' | b'\n' => out.extend_from_slice(&[b'\\', *byte]),
            b'\r' => out.extend_from_slice(b"\\r"),
            0 => out.extend_from_slice(b"\\000"),
            byte => out.push(*byte),
        }
    }
    out.push(b'"');
}

pub(crate) fn format(call: &mut Call<'_>) -> Result<Outcome> {
    let id = call.text(0)?;
    let template = call.bytes(id).to_vec();
    let mut out = call.reserve(template.len())?;
    let mut argument = 0;
    let mut at = 0;
    while at < template.len() {
        let plain = template[at..].iter().take_while(|byte| **byte != b'%').count();
        out.extend_from_slice(&template[at..at + plain]);
        at += plain;
        if at >= template.len() {
            break;
        }
        at += 1;
        if template.get(at) == Some(&b'%') {
            out.push(b'%');
            at += 1;
            continue;
        }
        let (spec, length) = parse(&template[at..]).map_err(|message| call.error(message))?;
        argument += 1;
        if argument >= call.count() {
            return Err(call.bad_argument(argument, "no value"));
        }
        let letter = template.get(at + length).copied().unwrap_or(0);
        at += length + 1;
        match letter {
            b'c' => {
                let byte = call.number(argument)?;
                spec.pad(&mut out, b"", &[to_integer(byte) as u8], false);
            }
            b'd' | b'i' => {
                let value = to_integer(call.number(argument)?);
                let digits = value.unsigned_abs().to_string();
                spec.integer(&mut out, spec.sign(value < 0), digits, value == 0);
            }
            b'o' | b'u' | b'x' | b'X' => {
                let value = to_unsigned(call.number(argument)?);
                spec.unsigned(&mut out, letter, value);
            }
            b'e' | b'E' | b'f' | b'g' | b'G' => {
                let number = call.number(argument)?;
                spec.float(&mut out, letter, number);
            }
            b'q' => {
                let id = call.text(argument)?;
                let length = call.bytes(id).len();
                call.check_memory(out.len() + length * 4)?;
                quote(&mut out, call.bytes(id));
            }
            b's' => {
                let id = call.text(argument)?;
                let length = call.bytes(id).len();
                call.check_memory(out.len() * 2 + length)?;
                let text = call.bytes(id);
                if spec.precision.is_none() && text.len() >= 100 {
                    // Too long to be formatted.
                    out.extend_from_slice(text);
                } else {
                    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
                    let end = end.min(spec.precision.unwrap_or(usize::MAX));
                    spec.pad(&mut out, b"", &text[..end], false);
                }
            }
            letter => {
                let shown = if letter == 0 { String::new() } else { char::from(letter).to_string() };
                return Err(call.error(&format!("invalid option '%{shown}' to 'format'")));
            }
        }
    }
    call.charge(out.len() / 32);
    let text = call.string_of(out)?;
    call.give(text)
}
