//! The library `coroutine`.

use crate::machine::Machine;
use crate::machine::call::{Call, Outcome};
use crate::memory::objects::{Status, Thread};
use crate::value::{Result, ThreadId, Value};

pub(super) fn open(machine: &mut Machine) -> Result<()> {
    machine.library(
        "coroutine",
        &[
            ("create", create),
            ("resume", resume),
            ("running", running),
            ("status", status),
            ("wrap", wrap),
            ("yield", yield_values),
        ],
    )?;
    Ok(())
}

/// The word for what a coroutine is doing.
fn word(status: Status) -> &'static str {
    match status {
        Status::Suspended => "suspended",
        Status::Running => "running",
        Status::Normal => "normal",
        Status::Dead => "dead",
    }
}

fn new(call: &mut Call<'_>) -> Result<ThreadId> {
    let function = match call.arg(0) {
        function @ Value::Function(_) => function,
        _ => return Err(call.bad_argument(0, "Lua function expected")),
    };
    let thread = Thread { stack: vec![function], top: 1, ..Thread::default() };
    call.heap().thread(thread)
}

fn thread(call: &mut Call<'_>) -> Result<ThreadId> {
    match call.arg(0) {
        Value::Thread(id) => Ok(id),
        _ => Err(call.bad_argument(0, "coroutine expected")),
    }
}

fn create(call: &mut Call<'_>) -> Result<Outcome> {
    let thread = new(call)?;
    call.give(Value::Thread(thread))
}

/// Why a coroutine cannot be resumed.
fn refusal(call: &mut Call<'_>, thread: ThreadId) -> Option<String> {
    match call.machine().status_of(thread) {
        Status::Suspended => None,
        status => Some(format!("cannot resume {} coroutine", word(status))),
    }
}

fn resume(call: &mut Call<'_>) -> Result<Outcome> {
    let thread = thread(call)?;
    if let Some(refusal) = refusal(call, thread) {
        let text = call.string(refusal.as_bytes())?;
        call.push(Value::Bool(false));
        call.push(text);
        return Ok(Outcome::Return(2));
    }
    let args = call.count() - 1;
    Ok(Outcome::Resume { thread, args, is_wrap: false })
}

fn wrap_step(call: &mut Call<'_>) -> Result<Outcome> {
    let Value::Thread(thread) = call.upvalue(0) else { unreachable!("wrap made it") };
    if let Some(refusal) = refusal(call, thread) {
        return Err(call.error(&refusal));
    }
    let args = call.count();
    Ok(Outcome::Resume { thread, args, is_wrap: true })
}

fn wrap(call: &mut Call<'_>) -> Result<Outcome> {
    let thread = new(call)?;
    let step = call.closure(wrap_step, &[Value::Thread(thread)])?;
    call.give(step)
}

fn yield_values(call: &mut Call<'_>) -> Result<Outcome> {
    let count = call.count();
    Ok(Outcome::Yield(count))
}

fn running(call: &mut Call<'_>) -> Result<Outcome> {
    let machine = call.machine();
    let value = if machine.running == machine.main { Value::Nil } else { Value::Thread(machine.running) };
    call.give(value)
}

fn status(call: &mut Call<'_>) -> Result<Outcome> {
    let thread = thread(call)?;
    let status = call.machine().status_of(thread);
    call.give_bytes(word(status).as_bytes())
}
