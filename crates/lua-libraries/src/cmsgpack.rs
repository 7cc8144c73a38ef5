//! The library `cmsgpack`: MessagePack, as lua-cmsgpack 0.4 packs it.

use lua::{Call, Continuation, Machine, Outcome, Result, TableId, Thrown, Value};
use number::c::to_integer;

/// Tables that are nested deeper are packed as nil.
const MOST_NESTING: usize = 16;
/// The deepest nesting that is unpacked: C's stack of values ends about there.
const MOST_UNPACKED: usize = 4_000;

/// Opens the library `cmsgpack`.
///
/// # Errors
/// When the machine may not take so much memory.
pub fn open_cmsgpack(machine: &mut Machine) -> Result<()> {
    let library = machine.library(
        "cmsgpack",
        &[("pack", pack), ("unpack", unpack), ("unpack_limit", unpack_limit), ("unpack_one", unpack_one)],
    )?;
    for (field, text) in [
        ("_NAME", "cmsgpack"),
        ("_VERSION", "lua-cmsgpack 0.4.0"),
        ("_COPYRIGHT", "Copyright (C) 2012, Salvatore Sanfilippo"),
        ("_DESCRIPTION", "MessagePack C implementation for Lua"),
    ] {
        let text = machine.string(text.as_bytes())?;
        machine.set_field(library, field, text)?;
    }
    Ok(())
}

/// A table that is being packed.
struct Level {
    table: TableId,
    /// The length of an array; `None` for a map.
    length: Option<usize>,
    at: usize,
    /// The value that follows the key that was just packed.
    value: Option<Value>,
}

struct Packer {
    out: Vec<u8>,
    /// Up to which length there is room.
    checked: usize,
    levels: Vec<Level>,
    argument: usize,
}

/// Appends a head: one byte with a small number in it, or a byte and the number in 1 (if allowed), 2 or 4 bytes.
fn head(out: &mut Vec<u8>, length: usize, small: (u8, usize), one: Option<u8>, two: u8) {
    if length <= small.1 {
        out.push(small.0 | length as u8);
    } else if let (Some(one), Ok(length)) = (one, u8::try_from(length)) {
        out.extend_from_slice(&[one, length]);
    } else if let Ok(length) = u16::try_from(length) {
        out.push(two);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(two + 1);
        out.extend_from_slice(&(length as u32).to_be_bytes());
    }
}

fn write_integer(out: &mut Vec<u8>, number: i64) {
    let bytes = number.to_be_bytes();
    let (tag, count) = match number {
        -32..=127 => {
            out.push(number as u8);
            return;
        }
        128..=0xFF => (0xCC, 1),
        0x100..=0xFFFF => (0xCD, 2),
        0x1_0000..=0xFFFF_FFFF => (0xCE, 4),
        0x1_0000_0000.. => (0xCF, 8),
        -128..=-33 => (0xD0, 1),
        -32_768..=-129 => (0xD1, 2),
        -2_147_483_648..=-32_769 => (0xD2, 4),
        _ => (0xD3, 8),
    };
    out.push(tag);
    out.extend_from_slice(&bytes[8 - count..]);
}

fn write_number(out: &mut Vec<u8>, number: f64) {
    let integer = to_integer(number);
    if number.is_finite() && integer as f64 == number {
        return write_integer(out, integer);
    }
    let single = number as f32;
    if f64::from(single) == number {
        out.push(0xCA);
        out.extend_from_slice(&single.to_be_bytes());
    } else {
        out.push(0xCB);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

impl Packer {
    fn write(&mut self, call: &mut Call<'_>, value: Value) -> Result<()> {
        match value {
            Value::Str(id) => {
                let length = call.bytes(id).len();
                call.check_memory((self.out.len() + length) * 2)?;
                head(&mut self.out, length, (0xA0, 31), Some(0xD9), 0xDA);
                self.out.extend_from_slice(call.bytes(id));
            }
            Value::Bool(value) => self.out.push(if value { 0xC3 } else { 0xC2 }),
            Value::Number(number) => write_number(&mut self.out, number),
            Value::Table(table) if self.levels.len() < MOST_NESTING => self.open(call, table),
            _ => self.out.push(0xC0),
        }
        Ok(())
    }

    fn open(&mut self, call: &mut Call<'_>, table: TableId) {
        let (mut count, mut most, mut position, mut is_array) = (0_usize, 0.0_f64, 0, true);
        while let Some((next, key, _)) = call.pair_from(table, position) {
            position = next;
            count += 1;
            match key {
                // What C's int holds.
                Value::Number(number) if number > 0.0 && f64::from(number as i32) == number => {
                    most = most.max(number);
                }
                _ => is_array = false,
            }
        }
        call.charge(position / 4);
        let length = if is_array && most == count as f64 {
            let length = call.length(table);
            head(&mut self.out, length, (0x90, 15), None, 0xDC);
            Some(length)
        } else {
            head(&mut self.out, count, (0x80, 15), None, 0xDE);
            None
        };
        self.levels.push(Level { table, length, at: 0, value: None });
    }

    fn step(&mut self, call: &mut Call<'_>) -> Result<()> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        if let Some(value) = level.value.take() {
            return self.write(call, value);
        }
        let next = match level.length {
            Some(length) if level.at < length => {
                level.at += 1;
                call.position(level.table, level.at)
            }
            Some(_) => {
                self.levels.pop();
                return Ok(());
            }
            None => match call.pair_from(level.table, level.at) {
                Some((next, key, value)) => {
                    (level.at, level.value) = (next, Some(value));
                    key
                }
                None => {
                    self.levels.pop();
                    return Ok(());
                }
            },
        };
        self.write(call, next)
    }
}

impl Continuation for Packer {
    fn resume(mut self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        loop {
            while !self.levels.is_empty() {
                self.step(call)?;
                call.charge(1);
                crate::check_output(call, self.out.len(), &mut self.checked)?;
                if call.is_exhausted() {
                    return Ok(Outcome::Pause(self));
                }
            }
            if self.argument == call.count() {
                call.charge(self.out.len() / 32);
                return call.give_buffer(std::mem::take(&mut self.out));
            }
            let value = call.arg(self.argument);
            self.argument += 1;
            self.write(call, value)?;
        }
    }
}

fn pack(call: &mut Call<'_>) -> Result<Outcome> {
    if call.count() == 0 {
        return Err(call.bad_argument_number(0, "MessagePack pack needs input."));
    }
    Box::new(Packer { out: Vec::new(), checked: 0, levels: Vec::new(), argument: 0 }).resume(call)
}

/// What is wrong with packed bytes.
enum Wrong {
    Missing,
    Format,
    Thrown(Thrown),
}

impl From<Thrown> for Wrong {
    fn from(thrown: Thrown) -> Wrong {
        Wrong::Thrown(thrown)
    }
}

type Unpacked<T> = std::result::Result<T, Wrong>;

/// Reads packed bytes.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn take(&mut self, count: usize) -> Unpacked<&[u8]> {
        let taken = self.bytes[self.at..].get(..count).ok_or(Wrong::Missing)?;
        self.at += count;
        Ok(taken)
    }

    fn unsigned(&mut self, count: usize) -> Unpacked<u64> {
        Ok(self.take(count)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    fn signed(&mut self, count: usize) -> Unpacked<i64> {
        let unused = 64 - 8 * count as u32;
        Ok((self.unsigned(count)? << unused) as i64 >> unused)
    }
}

/// A table that is being filled: how many values are to come, and for a map the key that waits for its value.
enum Open {
    Array(TableId, f64, u64),
    Map(TableId, Option<Value>, u64),
}

/// A value, or the table that begins here.
enum Item {
    Value(Value),
    Array(u64),
    Map(u64),
}

fn item(call: &mut Call<'_>, cursor: &mut Cursor<'_>) -> Unpacked<Item> {
    let tag = cursor.take(1)?[0];
    let number = |number: f64| Ok(Item::Value(Value::Number(number)));
    let length = match tag {
        0x00..=0x7F => return number(f64::from(tag)),
        0xE0..=0xFF => return number(f64::from(tag as i8)),
        0x80..=0x8F => return Ok(Item::Map(u64::from(tag & 15))),
        0x90..=0x9F => return Ok(Item::Array(u64::from(tag & 15))),
        0xA0..=0xBF => u64::from(tag & 31),
        0xC0 => return Ok(Item::Value(Value::Nil)),
        0xC2 | 0xC3 => return Ok(Item::Value(Value::Bool(tag == 0xC3))),
        0xCA => return number(f64::from(f32::from_bits(cursor.unsigned(4)? as u32))),
        0xCB => return number(f64::from_bits(cursor.unsigned(8)?)),
        0xCC..=0xCF => return number(cursor.unsigned(1 << (tag - 0xCC))? as f64),
        0xD0..=0xD3 => return number(cursor.signed(1 << (tag - 0xD0))? as f64),
        0xD9..=0xDB => cursor.unsigned(1 << (tag - 0xD9))?,
        0xDC | 0xDD => return Ok(Item::Array(cursor.unsigned(2 << (tag - 0xDC))?)),
        0xDE | 0xDF => return Ok(Item::Map(cursor.unsigned(2 << (tag - 0xDE))?)),
        _ => return Err(Wrong::Format),
    };
    let text = cursor.take(length as usize)?;
    Ok(Item::Value(call.string(text)?))
}

/// Reads one value.
fn read(call: &mut Call<'_>, cursor: &mut Cursor<'_>) -> Unpacked<Value> {
    let mut open: Vec<Open> = Vec::new();
    loop {
        let mut done = match item(call, cursor)? {
            Item::Value(value) => Some(value),
            Item::Array(_) | Item::Map(_) if open.len() >= MOST_UNPACKED => {
                return Err(Wrong::Thrown(call.error("stack overflow (in function mp_decode_to_lua_array)")));
            }
            Item::Array(count) => {
                open.push(Open::Array(call.machine().table(0, 0)?, 1.0, count));
                None
            }
            Item::Map(count) => {
                open.push(Open::Map(call.machine().table(0, 0)?, None, count));
                None
            }
        };
        // A value goes into the innermost table; a table that is complete is a value itself.
        loop {
            match open.last_mut() {
                None => return Ok(done.unwrap_or_default()),
                Some(Open::Array(table, at, left)) => {
                    if let Some(value) = done.take() {
                        call.raw_set(*table, Value::Number(*at), value)?;
                        *at += 1.0;
                        *left -= 1;
                    }
                    if *left > 0 {
                        break;
                    }
                    done = Some(Value::Table(*table));
                }
                Some(Open::Map(table, key, left)) => {
                    if let Some(value) = done.take() {
                        match key.take() {
                            None => {
                                *key = Some(value);
                                break;
                            }
                            Some(key) => {
                                call.raw_set(*table, key, value)?;
                                *left -= 1;
                            }
                        }
                    }
                    if *left > 0 {
                        break;
                    }
                    done = Some(Value::Table(*table));
                }
            }
            open.pop();
        }
    }
}

fn unpack_full(call: &mut Call<'_>, limit: i32, offset: i32) -> Result<Outcome> {
    let id = call.text(0)?;
    let bytes = call.bytes(id).to_vec();
    call.check_memory(bytes.len())?;
    call.charge(bytes.len() / 4);
    if offset < 0 || limit < 0 {
        let length = bytes.len();
        let text = format!("Invalid request to unpack with offset of {offset} and limit of {length}.");
        return Err(call.error(&text));
    }
    if offset as usize > bytes.len() {
        let length = bytes.len();
        return Err(call.error(&format!("Start offset {offset} greater than input length {length}.")));
    }
    let all = limit == 0 && offset == 0;
    let limit = if all { i32::MAX } else { limit };
    let mut cursor = Cursor { bytes: &bytes, at: offset as usize };
    let mut count = 0;
    let first = if all { 0 } else { 1 };
    call.room(1)?;
    if !all {
        call.push(Value::Nil);
    }
    while cursor.at < bytes.len() && count < limit as usize {
        if count >= lua::MOST_VALUES {
            return Err(call.error("stack overflow (too many values to unpack)"));
        }
        call.room(1)?;
        let value = match read(call, &mut cursor) {
            Ok(value) => value,
            Err(Wrong::Missing) => return Err(call.error("Missing bytes in input.")),
            Err(Wrong::Format) => return Err(call.error("Bad data format in input.")),
            Err(Wrong::Thrown(thrown)) => return Err(thrown),
        };
        call.push(value);
        count += 1;
    }
    if !all {
        let next = if cursor.at == bytes.len() { -1.0 } else { cursor.at as f64 };
        call.set_pushed(0, Value::Number(next));
    }
    Ok(Outcome::Return(count + first))
}

fn unpack(call: &mut Call<'_>) -> Result<Outcome> {
    unpack_full(call, 0, 0)
}

fn unpack_one(call: &mut Call<'_>) -> Result<Outcome> {
    let offset = call.optional_integer(1, 0)? as i32;
    unpack_full(call, 1, offset)
}

fn unpack_limit(call: &mut Call<'_>) -> Result<Outcome> {
    let limit = call.int(1)?;
    let offset = call.optional_integer(2, 0)? as i32;
    unpack_full(call, limit, offset)
}
