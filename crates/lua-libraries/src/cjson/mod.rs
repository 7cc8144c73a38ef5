//! The library `cjson`, as lua-cjson 2.1 with its defaults.

mod decode;
mod encode;

use crate::Functions;
use lua::{Call, Machine, Outcome, Result, TableId, Value};

/// A setting: its place in the table that all functions of a module share, and its default.
#[derive(Clone, Copy)]
struct Setting(f64, f64);

const SPARSE_CONVERT: Setting = Setting(1.0, 0.0);
const SPARSE_RATIO: Setting = Setting(2.0, 2.0);
const SPARSE_SAFE: Setting = Setting(3.0, 10.0);
const ENCODE_MAX_DEPTH: Setting = Setting(4.0, 1_000.0);
const ENCODE_INVALID_NUMBERS: Setting = Setting(5.0, 0.0);
const ENCODE_KEEP_BUFFER: Setting = Setting(6.0, 1.0);
const ENCODE_PRECISION: Setting = Setting(7.0, 14.0);
const DECODE_MAX_DEPTH: Setting = Setting(8.0, 1_000.0);
const DECODE_INVALID_NUMBERS: Setting = Setting(9.0, 1.0);

const SETTINGS: [Setting; 9] = [
    SPARSE_CONVERT,
    SPARSE_RATIO,
    SPARSE_SAFE,
    ENCODE_MAX_DEPTH,
    ENCODE_INVALID_NUMBERS,
    ENCODE_KEEP_BUFFER,
    ENCODE_PRECISION,
    DECODE_MAX_DEPTH,
    DECODE_INVALID_NUMBERS,
];

const FUNCTIONS: &Functions = &[
    ("decode", decode::decode),
    ("decode_invalid_numbers", |call| {
        expect_at_most(call, 1)?;
        choice(call, 0, DECODE_INVALID_NUMBERS, &["off", "on"])?;
        Ok(Outcome::Return(1))
    }),
    ("decode_max_depth", |call| {
        expect_at_most(call, 1)?;
        integer(call, 0, DECODE_MAX_DEPTH, 1, i32::MAX)?;
        Ok(Outcome::Return(1))
    }),
    ("encode", encode::encode),
    ("encode_invalid_numbers", |call| {
        expect_at_most(call, 1)?;
        choice(call, 0, ENCODE_INVALID_NUMBERS, &["off", "on", "null"])?;
        Ok(Outcome::Return(1))
    }),
    ("encode_keep_buffer", |call| {
        expect_at_most(call, 1)?;
        choice(call, 0, ENCODE_KEEP_BUFFER, &["off", "on"])?;
        Ok(Outcome::Return(1))
    }),
    ("encode_max_depth", |call| {
        expect_at_most(call, 1)?;
        integer(call, 0, ENCODE_MAX_DEPTH, 1, i32::MAX)?;
        Ok(Outcome::Return(1))
    }),
    ("encode_number_precision", |call| {
        expect_at_most(call, 1)?;
        integer(call, 0, ENCODE_PRECISION, 1, 14)?;
        Ok(Outcome::Return(1))
    }),
    ("encode_sparse_array", |call| {
        expect_at_most(call, 3)?;
        choice(call, 0, SPARSE_CONVERT, &["off", "on"])?;
        integer(call, 1, SPARSE_RATIO, 0, i32::MAX)?;
        integer(call, 2, SPARSE_SAFE, 0, i32::MAX)?;
        Ok(Outcome::Return(3))
    }),
    ("new", |call| {
        let module = module(call.machine())?;
        call.give(Value::Table(module))
    }),
];

/// Opens the library `cjson`.
///
/// # Errors
/// When the machine may not take so much memory.
pub fn open_cjson(machine: &mut Machine) -> Result<()> {
    let module = module(machine)?;
    let globals = machine.globals();
    machine.set_field(globals, "cjson", Value::Table(module))
}

/// A module with settings of its own.
fn module(machine: &mut Machine) -> Result<TableId> {
    let settings = machine.table(SETTINGS.len(), 0)?;
    for Setting(place, default) in SETTINGS {
        machine.set(settings, Value::Number(place), Value::Number(default))?;
    }
    let module = machine.table(0, FUNCTIONS.len() + 3)?;
    for (name, function) in FUNCTIONS {
        let function = machine.library_closure(*function, &[Value::Table(settings)])?;
        machine.set_field(module, name, function)?;
    }
    machine.set_field(module, "null", Value::Pointer(0))?;
    for (field, text) in [("_NAME", "cjson"), ("_VERSION", "2.1.0")] {
        let text = machine.string(text.as_bytes())?;
        machine.set_field(module, field, text)?;
    }
    Ok(module)
}

/// The value of a setting.
fn setting(call: &Call<'_>, Setting(place, default): Setting) -> i32 {
    let Value::Table(settings) = call.upvalue(0) else { unreachable!("the module made it") };
    match call.position(settings, place as usize) {
        Value::Number(number) => number as i32,
        _ => default as i32,
    }
}

fn set(call: &mut Call<'_>, Setting(place, _): Setting, value: i32) -> Result<()> {
    let Value::Table(settings) = call.upvalue(0) else { unreachable!("the module made it") };
    call.raw_set(settings, Value::Number(place), Value::Number(f64::from(value)))
}

fn expect_at_most(call: &mut Call<'_>, most: usize) -> Result<()> {
    if call.count() > most {
        return Err(call.bad_argument(most, "found too many arguments"));
    }
    if most > 0 && call.count() < most {
        let last = call.arg(most - 1);
        call.set_arg(most - 1, last);
    }
    Ok(())
}

/// Sets an integer if it is given, and returns what it is.
fn integer(call: &mut Call<'_>, at: usize, place: Setting, least: i32, most: i32) -> Result<()> {
    if !call.arg(at).is_nil() {
        let value = call.int(at)?;
        if !(least..=most).contains(&value) {
            // Whichever argument it is, the first is named.
            return Err(call.bad_argument(0, &format!("expected integer between {least} and {most}")));
        }
        set(call, place, value)?;
    }
    let value = setting(call, place);
    call.push(Value::Number(f64::from(value)));
    Ok(())
}

/// Sets one of some words, or a boolean for the first two, if it is given, and returns what it is.
fn choice(call: &mut Call<'_>, at: usize, place: Setting, words: &[&str]) -> Result<()> {
    match call.arg(at) {
        Value::Nil => {}
        Value::Bool(value) => set(call, place, i32::from(value))?,
        _ => {
            let chosen = call.option(at, None, words)?;
            set(call, place, chosen as i32)?;
        }
    }
    let value = match setting(call, place) {
        chosen @ (0 | 1) => Value::Bool(chosen == 1),
        chosen => call.string(words[chosen as usize].as_bytes())?,
    };
    call.push(value);
    Ok(())
}
