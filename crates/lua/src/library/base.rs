//! The basic library.

use crate::machine::Machine;
use crate::machine::call::{Call, Outcome, Protection};
use crate::machine::frame::Continuation;
use crate::memory::heap::Event;
use crate::value::{Result, Thrown, Value};
use number::c;

/// The most values that `unpack` gives at once.
pub const MOST_VALUES: usize = 8_000;

pub(super) fn open(machine: &mut Machine) -> Result<()> {
    let globals = machine.globals();
    machine.fill(
        globals,
        &[
            ("assert", assert),
            ("collectgarbage", collectgarbage),
            ("error", error),
            ("gcinfo", gcinfo),
            ("getmetatable", getmetatable),
            ("ipairs", ipairs),
            ("load", load),
            ("loadstring", loadstring),
            ("next", next),
            ("pairs", pairs),
            ("pcall", pcall),
            ("rawequal", rawequal),
            ("rawget", rawget),
            ("rawset", rawset),
            ("select", select),
            ("setmetatable", setmetatable),
            ("tonumber", tonumber),
            ("tostring", tostring),
            ("type", type_of),
            ("unpack", unpack),
            ("xpcall", xpcall),
        ],
    )?;
    if let Value::Native(id) = machine.heap.get_name(globals, "next") {
        machine.heap.next = Some(id);
    }
    machine.set_field(globals, "_G", Value::Table(globals))?;
    let version = machine.string(b"Lua 5.1")?;
    machine.set_field(globals, "_VERSION", version)
}

fn assert(call: &mut Call<'_>) -> Result<Outcome> {
    if call.any(0)?.is_true() {
        let count = call.count();
        return Ok(Outcome::Return(count));
    }
    if call.arg(1).is_nil() {
        return Err(call.error("assertion failed!"));
    }
    let text = call.text(1)?;
    let text = call.bytes(text).to_vec();
    Err(call.error_bytes(&text))
}

fn collectgarbage(call: &mut Call<'_>) -> Result<Outcome> {
    const OPTIONS: [&str; 7] = ["stop", "restart", "collect", "count", "step", "setpause", "setstepmul"];
    let option = call.option(0, Some("collect"), &OPTIONS)?;
    let argument = call.optional_integer(1, 0)?;
    let machine = call.machine();
    let result = match option {
        0 => {
            machine.heap.collector.is_stopped = true;
            0.0
        }
        1 => {
            machine.heap.collector.is_stopped = false;
            0.0
        }
        2 => {
            machine.collect();
            0.0
        }
        3 => machine.used_bytes() as f64 / 1024.0,
        4 => {
            let work = usize::try_from(argument).unwrap_or(0).saturating_mul(64).max(16 << 10);
            let done = machine.collect_some(work);
            return call.give(Value::Bool(done));
        }
        5 => {
            let old = machine.heap.collector.pause;
            machine.heap.collector.pause = usize::try_from(argument).unwrap_or(0).clamp(100, 1_000);
            if old == 0 { 200.0 } else { old as f64 }
        }
        _ => 200.0,
    };
    call.give_number(result)
}

fn gcinfo(call: &mut Call<'_>) -> Result<Outcome> {
    let bytes = call.machine().used_bytes();
    call.give_number((bytes >> 10) as f64)
}

fn error(call: &mut Call<'_>) -> Result<Outcome> {
    let level = call.optional_integer(1, 1)? as i32;
    let value = call.arg(0);
    if let (Some(id), true) = (call.to_string(value), level > 0) {
        let mut text = call.machine().position(level);
        text.extend_from_slice(call.bytes(id));
        return Err(Thrown::Value(call.string(&text)?));
    }
    Err(Thrown::Value(value))
}

fn getmetatable(call: &mut Call<'_>) -> Result<Outcome> {
    let value = call.any(0)?;
    let Some(meta) = call.heap().metatable(value) else { return call.give(Value::Nil) };
    let shown = call.event(value, Event::Metatable);
    call.give(if shown.is_nil() { Value::Table(meta) } else { shown })
}

fn setmetatable(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let meta = match call.arg(1) {
        Value::Nil if call.count() > 1 => None,
        Value::Table(meta) => Some(meta),
        _ => return Err(call.bad_argument(1, "nil or table expected")),
    };
    if !call.event(Value::Table(table), Event::Metatable).is_nil() {
        return Err(call.error("cannot change a protected metatable"));
    }
    call.check_writable(table)?;
    call.machine().set_metatable(table, meta);
    call.give(Value::Table(table))
}

fn ipairs_step(call: &mut Call<'_>) -> Result<Outcome> {
    let at = call.int(1)?.wrapping_add(1);
    let table = call.table(0)?;
    let value = call.raw_get(table, Value::Number(f64::from(at)));
    if value.is_nil() {
        return Ok(Outcome::Return(0));
    }
    call.push(Value::Number(f64::from(at)));
    call.push(value);
    Ok(Outcome::Return(2))
}

fn ipairs(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let step = match call.machine().ipairs_step {
        Some(step) => Value::Native(step),
        None => {
            let step = call.machine().library_function(ipairs_step)?;
            if let Value::Native(id) = step {
                call.machine().ipairs_step = Some(id);
            }
            step
        }
    };
    call.push(step);
    call.push(Value::Table(table));
    call.push(Value::Number(0.0));
    Ok(Outcome::Return(3))
}

fn pairs(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let next = call.heap().next.map_or(Value::Nil, Value::Native);
    call.push(next);
    call.push(Value::Table(table));
    call.push(Value::Nil);
    Ok(Outcome::Return(3))
}

fn next(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let key = call.arg(1);
    if let Value::Str(id) = key {
        call.heap().strings.prepare_key(id);
    }
    let heap = call.heap();
    let object = &heap.tables[table.0];
    let Some(position) = object.position_after(&heap.strings, key) else {
        return Err(call.runtime_error("invalid key to 'next'"));
    };
    match object.pair_from(position) {
        Some((end, key, value)) => {
            call.charge((end - position) / 8);
            call.push(key);
            call.push(value);
            Ok(Outcome::Return(2))
        }
        None => {
            let span = object.span() - position.min(object.span());
            call.charge(span / 8);
            call.give(Value::Nil)
        }
    }
}

fn rawequal(call: &mut Call<'_>) -> Result<Outcome> {
    let (a, b) = (call.any(0)?, call.any(1)?);
    let is_same = call.heap().same(a, b);
    call.give(Value::Bool(is_same))
}

fn rawget(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let key = call.any(1)?;
    let value = call.raw_get(table, key);
    call.give(value)
}

fn rawset(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let (key, value) = (call.any(1)?, call.any(2)?);
    call.raw_set(table, key, value)?;
    call.give(Value::Table(table))
}

fn select(call: &mut Call<'_>) -> Result<Outcome> {
    let count = call.count() as i64;
    if let Value::Str(id) = call.arg(0)
        && call.bytes(id).first() == Some(&b'#')
    {
        return call.give_number((count - 1) as f64);
    }
    let mut from = i64::from(call.int(0)?);
    if from < 0 {
        from += count;
    } else if from > count {
        from = count;
    }
    if from < 1 {
        return Err(call.bad_argument(0, "index out of range"));
    }
    Ok(Outcome::Return((count - from) as usize))
}

fn tonumber(call: &mut Call<'_>) -> Result<Outcome> {
    let base = call.optional_integer(1, 10)? as i32;
    if base == 10 {
        let value = call.any(0)?;
        let number = call.to_number(value).map_or(Value::Nil, Value::Number);
        return call.give(number);
    }
    let id = call.text(0)?;
    if !(2..=36).contains(&base) {
        return Err(call.bad_argument(1, "base out of range"));
    }
    let number = parse_base(call.bytes(id), base as u32);
    call.give(number.map_or(Value::Nil, Value::Number))
}

/// What `strtoul` makes of a text, which must be a number to its end.
fn parse_base(text: &[u8], base: u32) -> Option<f64> {
    let mut rest = text;
    while let Some((first, others)) = rest.split_first()
        && c::is_space(*first)
    {
        rest = others;
    }
    let is_negative = rest.first() == Some(&b'-');
    if matches!(rest.first(), Some(b'-' | b'+')) {
        rest = &rest[1..];
    }
    let is_digit = |byte: &u8| char::from(*byte).is_digit(base);
    if base == 16 && rest.len() > 2 && rest[..2].eq_ignore_ascii_case(b"0x") && is_digit(&rest[2]) {
        rest = &rest[2..];
    }
    let digits = rest.iter().take_while(|byte| is_digit(byte)).count();
    if digits == 0 {
        return None;
    }
    let mut value = Some(0_u64);
    for byte in &rest[..digits] {
        let digit = u64::from(char::from(*byte).to_digit(base)?);
        value = value.and_then(|value| value.checked_mul(u64::from(base))?.checked_add(digit));
    }
    if !rest[digits..].iter().all(|byte| c::is_space(*byte)) {
        return None;
    }
    Some(match value {
        Some(value) if is_negative => value.wrapping_neg() as f64,
        Some(value) => value as f64,
        None => u64::MAX as f64,
    })
}

/// The text of a value, without metamethods.
pub(super) fn show(call: &mut Call<'_>, value: Value) -> Result<Value> {
    /// Where objects would stand in a C program: addresses that look the part, and differ.
    const START: u64 = 0x7F00_0000_0000;
    let address = |kind: u64, id: u32| format!("0x{:x}", START + (kind << 36) + (u64::from(id) << 4));
    let text = match value {
        Value::Str(_) => return Ok(value),
        Value::Number(number) => {
            let mut text = Vec::new();
            c::write_number(&mut text, number);
            return call.string(&text);
        }
        Value::Nil => "nil".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Table(id) => format!("table: {}", address(1, id.0)),
        Value::Function(id) => format!("function: {}", address(2, id.0)),
        Value::Native(id) => format!("function: {}", address(3, id.0)),
        Value::Thread(id) => format!("thread: {}", address(4, id.0)),
        Value::Pointer(0) => "userdata: (nil)".to_owned(),
        Value::Pointer(address) => format!("userdata: 0x{address:x}"),
    };
    call.string(text.as_bytes())
}

/// Hands the one result of a call on.
struct HandOn;

impl Continuation for HandOn {
    fn resume(self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        Ok(Outcome::Return(call.kept().min(1)))
    }
}

fn tostring(call: &mut Call<'_>) -> Result<Outcome> {
    let value = call.any(0)?;
    let handler = call.event(value, Event::ToString);
    if !handler.is_nil() {
        call.push(handler);
        call.push(value);
        return Ok(Outcome::Call { args: 1, results: Some(1), then: Box::new(HandOn) });
    }
    let text = show(call, value)?;
    call.give(text)
}

fn type_of(call: &mut Call<'_>) -> Result<Outcome> {
    let name = call.any(0)?.type_name();
    call.give_bytes(name.as_bytes())
}

fn unpack(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let from = call.optional_integer(1, 1)? as i32;
    let to = if call.arg(2).is_nil() { call.heap().length(table) as i32 } else { call.int(2)? };
    if from > to {
        return Ok(Outcome::Return(0));
    }
    let count = i64::from(to) - i64::from(from) + 1;
    if count >= MOST_VALUES as i64 {
        return Err(call.error("too many results to unpack"));
    }
    call.room(count as usize)?;
    for at in from..=to {
        let value = call.raw_get(table, Value::Number(f64::from(at)));
        call.push(value);
    }
    call.charge(count as usize);
    Ok(Outcome::Return(count as usize))
}

/// `true` goes before the results of a protected call.
struct Succeeded;

impl Continuation for Succeeded {
    fn resume(self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        let count = call.kept();
        call.room(count + 1)?;
        call.push(Value::Bool(true));
        for at in 0..count {
            let value = call.pushed(at);
            call.push(value);
        }
        Ok(Outcome::Return(count + 1))
    }
}

fn pcall(call: &mut Call<'_>) -> Result<Outcome> {
    call.any(0)?;
    let args = call.count() - 1;
    call.forget_args(0);
    Ok(Outcome::Protect { args, kind: Protection::Plain, then: Box::new(Succeeded) })
}

/// Replaces `pcall` by one for hosts whose errors are tables with a field `err`: that field is the error, if it is a
/// string.
///
/// # Errors
/// When the machine may not take so much memory.
pub fn open_pcall_of_err(machine: &mut Machine) -> Result<()> {
    let globals = machine.globals();
    machine.fill(globals, &[("pcall", pcall_of_err)])
}

fn pcall_of_err(call: &mut Call<'_>) -> Result<Outcome> {
    call.any(0)?;
    let args = call.count() - 1;
    call.forget_args(0);
    Ok(Outcome::Protect { args, kind: Protection::OfErr, then: Box::new(Succeeded) })
}

fn xpcall(call: &mut Call<'_>) -> Result<Outcome> {
    call.any(1)?;
    let (function, handler) = (call.arg(0), call.arg(1));
    call.set_count(0);
    call.push(handler);
    call.forget_args(1);
    call.push(function);
    Ok(Outcome::Protect { args: 0, kind: Protection::Handler, then: Box::new(Succeeded) })
}

/// Compiles, and gives the function, or nil and the message.
fn compile(call: &mut Call<'_>, source: &[u8], name: &[u8]) -> Result<Outcome> {
    call.charge(source.len());
    let globals = call.machine().globals();
    match call.machine().load(source, name, globals) {
        Ok(function) => call.give(function),
        Err(Thrown::Value(message)) => {
            call.push(Value::Nil);
            call.push(message);
            Ok(Outcome::Return(2))
        }
        Err(thrown) => Err(thrown),
    }
}

fn loadstring(call: &mut Call<'_>) -> Result<Outcome> {
    let source = call.text(0)?;
    let source = call.bytes(source).to_vec();
    let name = match call.optional_text(1)? {
        Some(name) => call.bytes(name).to_vec(),
        // A name is a C string.
        None => source.iter().copied().take_while(|byte| *byte != 0).collect(),
    };
    compile(call, &source, &name)
}

/// Collects what the reader of `load` gives.
struct Reader {
    source: Vec<u8>,
}

impl Continuation for Reader {
    fn resume(mut self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        let piece = call.pop();
        match piece {
            Value::Nil => {}
            Value::Str(_) | Value::Number(_) => {
                let Some(id) = call.to_string(piece) else { unreachable!("it is a string or a number") };
                let length = call.bytes(id).len();
                if length > 0 {
                    call.heap().check(self.source.len() + length)?;
                    self.source.extend_from_slice(call.bytes(id));
                    return ask(call, self);
                }
            }
            _ => {
                // The level of whoever called `load`, with the calls in between.
                let mut text = call.machine().position(3);
                text.extend_from_slice(b"reader function must return a string");
                return give_failure(call, &text);
            }
        }
        let name = match call.optional_text(1)? {
            Some(name) => call.bytes(name).to_vec(),
            None => b"=(load)".to_vec(),
        };
        compile(call, &self.source, &name)
    }
}

fn give_failure(call: &mut Call<'_>, message: &[u8]) -> Result<Outcome> {
    let message = call.string(message)?;
    call.push(Value::Nil);
    call.push(message);
    Ok(Outcome::Return(2))
}

fn ask(call: &mut Call<'_>, reader: Box<Reader>) -> Result<Outcome> {
    let function = call.arg(0);
    call.push(function);
    Ok(Outcome::Call { args: 0, results: Some(1), then: reader })
}

fn load_inner(call: &mut Call<'_>) -> Result<Outcome> {
    ask(call, Box::new(Reader { source: Vec::new() }))
}

/// Turns `false, message` of the protected reader into `nil, message`.
struct Unprotected;

impl Continuation for Unprotected {
    fn resume(self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        let is_fine = call.pushed(0).is_true();
        let count = call.kept() - 1;
        if !is_fine {
            let message = call.pushed(1);
            call.push(Value::Nil);
            call.push(message);
            return Ok(Outcome::Return(2));
        }
        Ok(Outcome::Return(count))
    }
}

fn load(call: &mut Call<'_>) -> Result<Outcome> {
    let function = call.callable(0)?;
    let name = call.optional_text(1)?;
    // pcall(load_inner, function, name)
    let inner = call.closure(load_inner, &[])?;
    let protect = call.closure(pcall, &[])?;
    call.push(protect);
    call.push(inner);
    call.push(function);
    call.push(name.map_or(Value::Nil, Value::Str));
    Ok(Outcome::Call { args: 3, results: None, then: Box::new(Unprotected) })
}
