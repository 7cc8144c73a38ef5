//! `cjson.encode`. It keeps the tables that it is in on a stack of its own, so no nesting is too deep for it, and it
//! can be put aside.

use super::{
    ENCODE_INVALID_NUMBERS, ENCODE_MAX_DEPTH, ENCODE_PRECISION, SPARSE_CONVERT, SPARSE_RATIO, SPARSE_SAFE,
    setting,
};
use lua::{Call, Continuation, Outcome, Result, TableId, Thrown, Value};
use number::c::{write_general, write_number};

/// A table that is being written.
struct Level {
    table: TableId,
    /// The length of an array; `None` for an object.
    length: Option<usize>,
    /// The next element, or the next step of the iteration.
    at: usize,
    has_items: bool,
}

/// What the settings were when it began: nothing can change them meanwhile.
struct Encoder {
    out: Vec<u8>,
    /// Up to which length there is room.
    checked: usize,
    levels: Vec<Level>,
    has_begun: bool,
    invalid_numbers: i32,
    precision: usize,
    max_depth: i32,
}

fn refuse(call: &mut Call<'_>, value: Value, why: &str) -> Thrown {
    call.error(&format!("Cannot serialise {}: {why}", value.type_name()))
}

/// Appends a string in quotes.
fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'/' => out.extend_from_slice(b"\\/"),
            8 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            12 => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..32 | 127 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            byte => out.push(*byte),
        }
    }
    out.push(b'"');
}

impl Encoder {
    fn write_number(&mut self, call: &mut Call<'_>, number: f64) -> Result<()> {
        if !number.is_finite() {
            match self.invalid_numbers {
                0 => return Err(refuse(call, Value::Number(number), "must not be NaN or Inf")),
                1 if number.is_nan() => self.out.extend_from_slice(b"nan"),
                1 => self.out.extend_from_slice(if number > 0.0 { b"inf" } else { b"-inf" }),
                _ => self.out.extend_from_slice(b"null"),
            }
        } else if self.precision == 14 {
            write_number(&mut self.out, number);
        } else {
            write_general(&mut self.out, number, self.precision, false);
        }
        Ok(())
    }

    /// Writes a value, or opens its level.
    fn write(&mut self, call: &mut Call<'_>, value: Value) -> Result<()> {
        match value {
            Value::Str(id) => {
                // Six bytes for each at worst.
                let bytes = call.bytes(id).len() * 6;
                call.check_memory((self.out.len() + bytes) * 2)?;
                write_string(&mut self.out, call.bytes(id));
            }
            Value::Number(number) => self.write_number(call, number)?,
            Value::Bool(true) => self.out.extend_from_slice(b"true"),
            Value::Bool(false) => self.out.extend_from_slice(b"false"),
            Value::Nil | Value::Pointer(0) => self.out.extend_from_slice(b"null"),
            Value::Table(table) => {
                let depth = self.levels.len() as i32 + 1;
                if depth > self.max_depth {
                    return Err(call.error(&format!("Cannot serialise, excessive nesting ({depth})")));
                }
                let length = array_length(call, table)?;
                self.out.push(if length.is_some() { b'[' } else { b'{' });
                self.levels.push(Level { table, length, at: 0, has_items: false });
            }
            value => return Err(refuse(call, value, "type not supported")),
        }
        Ok(())
    }

    /// Writes the next item of the innermost table, or closes it.
    fn step(&mut self, call: &mut Call<'_>) -> Result<()> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        let value = match level.length {
            Some(length) if level.at < length => {
                level.at += 1;
                if level.has_items {
                    self.out.push(b',');
                }
                level.has_items = true;
                call.position(level.table, level.at)
            }
            Some(_) => {
                self.out.push(b']');
                self.levels.pop();
                return Ok(());
            }
            None => match call.pair_from(level.table, level.at) {
                Some((next, key, value)) => {
                    level.at = next;
                    if level.has_items {
                        self.out.push(b',');
                    }
                    level.has_items = true;
                    self.write_key(call, key)?;
                    value
                }
                None => {
                    self.out.push(b'}');
                    self.levels.pop();
                    return Ok(());
                }
            },
        };
        self.write(call, value)
    }

    fn write_key(&mut self, call: &mut Call<'_>, key: Value) -> Result<()> {
        match key {
            Value::Str(_) => self.write(call, key)?,
            Value::Number(number) => {
                self.out.push(b'"');
                self.write_number(call, number)?;
                self.out.push(b'"');
            }
            key => return Err(refuse(call, key, "table key must be a number or string")),
        }
        self.out.push(b':');
        Ok(())
    }
}

/// The length of a table that is written as an array: all its keys are positive integers, and not too sparse.
fn array_length(call: &mut Call<'_>, table: TableId) -> Result<Option<usize>> {
    let (mut most, mut items, mut position) = (0_i32, 0_i64, 0);
    while let Some((next, key, _)) = call.pair_from(table, position) {
        position = next;
        match key {
            Value::Number(number) if number >= 1.0 && number.floor() == number => {
                // What does not fit C's int becomes its lowest.
                let number = if number > f64::from(i32::MAX) { i32::MIN } else { number as i32 };
                most = most.max(number);
                items += 1;
            }
            _ => return Ok(None),
        }
    }
    call.charge(position / 4);
    let ratio = i64::from(setting(call, SPARSE_RATIO));
    if ratio > 0 && i64::from(most) > items * ratio && most > setting(call, SPARSE_SAFE) {
        if setting(call, SPARSE_CONVERT) == 0 {
            return Err(refuse(call, Value::Table(table), "excessively sparse array"));
        }
        return Ok(None);
    }
    Ok(usize::try_from(most).ok().filter(|length| *length > 0))
}

impl Continuation for Encoder {
    fn resume(mut self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        if !self.has_begun {
            self.has_begun = true;
            let value = call.arg(0);
            self.write(call, value)?;
        }
        while !self.levels.is_empty() {
            self.step(call)?;
            call.charge(1);
            crate::check_output(call, self.out.len(), &mut self.checked)?;
            if call.is_exhausted() {
                return Ok(Outcome::Pause(self));
            }
        }
        call.charge(self.out.len() / 32);
        call.give_buffer(std::mem::take(&mut self.out))
    }
}

pub(super) fn encode(call: &mut Call<'_>) -> Result<Outcome> {
    if call.count() != 1 {
        return Err(call.bad_argument(0, "expected 1 argument"));
    }
    let encoder = Encoder {
        out: Vec::new(),
        checked: 0,
        levels: Vec::new(),
        has_begun: false,
        invalid_numbers: setting(call, ENCODE_INVALID_NUMBERS),
        precision: setting(call, ENCODE_PRECISION) as usize,
        max_depth: setting(call, ENCODE_MAX_DEPTH),
    };
    Box::new(encoder).resume(call)
}
