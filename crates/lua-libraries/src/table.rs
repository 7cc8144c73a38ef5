//! The library `table`.

use crate::sort::sort;
use lua::{Call, Continuation, Machine, Outcome, Result, TableId, Value};
use number::c;

pub(crate) fn open(machine: &mut Machine) -> Result<()> {
    machine
        .library(
            "table",
            &[
                ("concat", concat),
                ("foreach", foreach),
                ("foreachi", foreachi),
                ("getn", getn),
                ("insert", insert),
                ("maxn", maxn),
                ("remove", remove),
                ("setn", setn),
                ("sort", sort),
            ],
        )
        .map(drop)
}

/// An element by an index that may be any integer.
fn element(call: &mut Call<'_>, table: TableId, at: i64) -> Value {
    match usize::try_from(at) {
        Ok(at) => call.position(table, at),
        Err(_) => call.raw_get(table, Value::Number(at as f64)),
    }
}

fn put(call: &mut Call<'_>, table: TableId, at: i64, value: Value) -> Result<()> {
    call.raw_set(table, Value::Number(at as f64), value)
}

fn getn(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let length = call.length(table);
    call.give_number(length as f64)
}

fn setn(call: &mut Call<'_>) -> Result<Outcome> {
    call.table(0)?;
    Err(call.error("'setn' is obsolete"))
}

fn maxn(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let mut most = 0.0;
    let mut position = 0;
    while let Some((next, key, _)) = call.pair_from(table, position) {
        if let Value::Number(number) = key
            && number > most
        {
            most = number;
        }
        position = next;
    }
    call.charge(position / 8);
    call.give_number(most)
}

/// Moves elements by one place, which takes as long as there are elements.
struct Shift {
    at: i64,
    end: i64,
    /// Towards higher places, from `at` down to `end`; else towards lower ones, from `at` up to `end`.
    is_up: bool,
    /// What goes to the free place, which is `end`.
    last: Last,
}

enum Last {
    /// The third argument, and nothing is returned.
    Argument(usize),
    /// Nil, and the second argument's slot is returned.
    Nil,
}

/// How many elements are moved between two looks at the budget.
const BATCH: i64 = 1_000;

impl Continuation for Shift {
    fn resume(mut self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        let table = call.table(0)?;
        while self.at != self.end {
            let step = if self.is_up { -1 } else { 1 };
            for _ in 0..BATCH {
                if self.at == self.end {
                    break;
                }
                let value = element(call, table, self.at + step);
                put(call, table, self.at, value)?;
                self.at += step;
            }
            call.charge(BATCH as usize / 4);
            if call.is_exhausted() && self.at != self.end {
                return Ok(Outcome::Pause(self));
            }
        }
        match self.last {
            Last::Argument(argument) => {
                let value = call.arg(argument);
                put(call, table, self.end, value)?;
                Ok(Outcome::Return(0))
            }
            Last::Nil => {
                put(call, table, self.end, Value::Nil)?;
                Ok(Outcome::Return(1))
            }
        }
    }
}

fn insert(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let mut end = call.length(table) as i64 + 1;
    match call.count() {
        2 => {
            let value = call.arg(1);
            put(call, table, end, value)?;
            Ok(Outcome::Return(0))
        }
        3 => {
            let position = i64::from(call.int(1)?);
            end = end.max(position);
            Box::new(Shift { at: end, end: position, is_up: true, last: Last::Argument(2) }).resume(call)
        }
        _ => Err(call.error("wrong number of arguments to 'insert'")),
    }
}

fn remove(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let end = call.length(table) as i64;
    let position = i64::from(call.optional_integer(1, end)? as i32);
    if !(1..=end).contains(&position) {
        return Ok(Outcome::Return(0));
    }
    let value = element(call, table, position);
    call.push(value);
    Box::new(Shift { at: position, end, is_up: false, last: Last::Nil }).resume(call)
}

fn concat(call: &mut Call<'_>) -> Result<Outcome> {
    let separator = call.optional_text(1)?;
    let table = call.table(0)?;
    let from = i64::from(call.optional_integer(2, 1)? as i32);
    let to = if call.arg(3).is_nil() { call.length(table) as i64 } else { i64::from(call.int(3)?) };
    let gap = separator.map_or(0, |id| call.bytes(id).len());
    // The length first, so that nothing is made that has no room.
    let mut total = 0_usize;
    for at in from..=to {
        let value = element(call, table, at);
        total = total.saturating_add(match value {
            Value::Str(id) => call.bytes(id).len(),
            Value::Number(_) => 32,
            value => {
                let kind = value.type_name();
                return Err(
                    call.error(&format!("invalid value ({kind}) at index {at} in table for 'concat'"))
                );
            }
        });
        total = total.saturating_add(gap);
    }
    call.charge((to - from).max(0) as usize / 4);
    let mut buffer = call.reserve(total)?;
    for at in from..=to {
        match element(call, table, at) {
            Value::Str(id) => buffer.extend_from_slice(call.bytes(id)),
            Value::Number(number) => c::write_number(&mut buffer, number),
            _ => {}
        }
        if at < to
            && let Some(id) = separator
        {
            buffer.extend_from_slice(call.bytes(id));
        }
    }
    call.give_buffer(buffer)
}

/// `foreach` and `foreachi`: calls the function until it returns something.
struct Walk {
    /// The position in the table's iteration, or the last index.
    at: usize,
    /// The end, of `foreachi`.
    end: Option<usize>,
}

impl Walk {
    fn step(mut self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        let Value::Table(table) = call.arg(0) else { unreachable!("it was checked") };
        let (key, value) = match self.end {
            Some(end) => {
                self.at += 1;
                if self.at > end {
                    return Ok(Outcome::Return(0));
                }
                (Value::Number(self.at as f64), call.position(table, self.at))
            }
            None => {
                // The table may change meanwhile: the key tells the place, as for `next`.
                let key = call.arg(2);
                let Some(position) = call.position_after(table, key) else {
                    return Err(call.runtime_error("invalid key to 'next'"));
                };
                match call.pair_from(table, position) {
                    None => return Ok(Outcome::Return(0)),
                    Some((_, key, value)) => {
                        call.set_arg(2, key);
                        (key, value)
                    }
                }
            }
        };
        let function = call.arg(1);
        call.push(function);
        call.push(key);
        call.push(value);
        Ok(Outcome::Call { args: 2, results: Some(1), then: self })
    }
}

impl Continuation for Walk {
    fn resume(self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        if call.pushed(0).is_nil() {
            call.pop();
            return self.step(call);
        }
        Ok(Outcome::Return(1))
    }
}

fn foreach(call: &mut Call<'_>) -> Result<Outcome> {
    call.table(0)?;
    call.callable(1)?;
    call.set_count(2);
    call.set_arg(2, Value::Nil);
    Box::new(Walk { at: 0, end: None }).step(call)
}

fn foreachi(call: &mut Call<'_>) -> Result<Outcome> {
    let table = call.table(0)?;
    let end = call.length(table);
    call.callable(1)?;
    call.set_count(2);
    Box::new(Walk { at: 0, end: Some(end) }).step(call)
}
