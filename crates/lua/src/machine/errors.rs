//! Errors: their texts, where they were raised, and the way to the nearest `pcall`.

use super::call::{Call, Host, Outcome, Protection};
use super::calls::OF_ERR;
use super::frame::{Continuation, Frame, flag};
use super::{Machine, Site, Step};
use crate::compile::code::{Op, chunk_id};
use crate::compile::names::{Name, name_of};
use crate::value::{Result, Thrown, Value};

/// How often the handler of `xpcall` may fail before it is given up.
const HANDLER_FAILURES: u16 = 195;

impl Machine {
    /// `chunk:line: ` of a call level: 0 is the function that runs, 1 who called it. Empty for native code.
    pub(crate) fn position(&self, level: i32) -> Vec<u8> {
        match self.frame_at(level) {
            Some(frame) => self.position_of(frame),
            None => Vec::new(),
        }
    }

    /// The frame of a call level, counting calls that were replaced by tail calls.
    fn frame_at(&self, mut level: i32) -> Option<&Frame> {
        for frame in self.now.frames.iter().rev() {
            if level <= 0 {
                return (level == 0).then_some(frame);
            }
            level -= 1;
            if !frame.is(flag::NATIVE) {
                level -= i32::from(frame.tail_calls);
            }
        }
        None
    }

    fn position_of(&self, frame: &Frame) -> Vec<u8> {
        if frame.is(flag::NATIVE) {
            return Vec::new();
        }
        let proto = self.heap.code(frame.proto);
        let mut text = chunk_id(&proto.source);
        text.extend_from_slice(format!(":{}: ", proto.line(frame.pc as usize - 1)).as_bytes());
        text
    }

    /// An error of the machine: with the position if a function written in Lua runs.
    pub(crate) fn runtime_error(&mut self, message: &str) -> Thrown {
        let mut text = match self.now.frames.last() {
            Some(frame) => self.position_of(frame),
            None => Vec::new(),
        };
        text.extend_from_slice(message.as_bytes());
        Thrown::Value(Value::Str(self.message(&text)))
    }

    /// What a value in a register of the function that runs is called.
    pub(super) fn name_of_register(&self, register: u8) -> Option<Name> {
        let frame = self.now.frames.last().filter(|frame| !frame.is(flag::NATIVE))?;
        let proto = self.heap.code(frame.proto);
        name_of(&self.heap, proto, register, frame.pc as usize - 1)
    }

    /// What its caller calls the function of a level.
    pub(crate) fn name_of_callee(&self, level: usize) -> Option<Name> {
        let at = self.now.frames.len().checked_sub(level + 1)?;
        let frame = &self.now.frames[at];
        if !frame.is(flag::NATIVE) && frame.tail_calls > 0 {
            return None;
        }
        let caller = self.now.frames.get(at.checked_sub(1)?).filter(|caller| !caller.is(flag::NATIVE))?;
        let proto = self.heap.code(caller.proto);
        let pc = caller.pc as usize - 1;
        let instr = proto.code[pc];
        let register = match instr.op {
            Op::Call | Op::TailCall | Op::ForCall => instr.a,
            _ => return None,
        };
        name_of(&self.heap, proto, register, pc)
    }

    /// `attempt to … a … value`, with the name of the register if there is one.
    pub(super) fn type_error(&mut self, what: &str, value: Value, register: Option<u8>) -> Thrown {
        let kind = value.type_name();
        match register.and_then(|register| self.name_of_register(register)) {
            Some((scope, name)) => {
                let name = String::from_utf8_lossy(&name).into_owned();
                self.runtime_error(&format!("attempt to {what} {scope} '{name}' (a {kind} value)"))
            }
            None => self.runtime_error(&format!("attempt to {what} a {kind} value")),
        }
    }

    /// The error of a call of what cannot be called.
    pub(super) fn call_error(&mut self, func: usize) -> Thrown {
        let register = self.now.frames.last().and_then(|frame| {
            let register = func.checked_sub(frame.base as usize)?;
            (!frame.is(flag::NATIVE) && register < usize::from(frame.extent)).then_some(register as u8)
        });
        self.type_error("call", self.now.stack[func], register)
    }

    /// The error of comparing values that have no order.
    pub fn order_error(&mut self, a: Value, b: Value) -> Thrown {
        let (a, b) = (a.type_name(), b.type_name());
        // Names are told apart by their third letter, as in Lua 5.1.
        if a.as_bytes()[2] == b.as_bytes()[2] {
            self.runtime_error(&format!("attempt to compare two {a} values"))
        } else {
            self.runtime_error(&format!("attempt to compare {a} with {b}"))
        }
    }

    /// The value of an error, as `pcall` gives it.
    pub(super) fn error_value(&mut self, thrown: Thrown) -> Value {
        let text: &[u8] = match thrown {
            Thrown::Value(value) => return value,
            Thrown::Memory => b"not enough memory",
            Thrown::Handler => b"error in error handling",
            Thrown::Killed => b"script killed",
        };
        Value::Str(self.heap.intern(text))
    }

    /// Notes where the error was raised: the function that runs, or who called it if that is native.
    pub(super) fn note_site(&mut self) {
        let mut frames = self.now.frames.iter().rev();
        let frame = match frames.next() {
            Some(frame) if frame.is(flag::NATIVE) => frames.next(),
            frame => frame,
        };
        self.site = frame.map(|frame| {
            if frame.is(flag::NATIVE) {
                return Site { source: b"=[C]".to_vec(), line: None };
            }
            let proto = self.heap.code(frame.proto);
            let line = (frame.pc as usize).checked_sub(1).map(|pc| proto.line(pc));
            Site { source: proto.source.to_vec(), line }
        });
    }

    /// Drops frames down to so many.
    fn drop_frames(&mut self, keep: usize) {
        while self.now.frames.len() > keep {
            let frame = self.now.frames.pop().expect("there are more");
            if frame.is(flag::NESTED) {
                self.now.nested -= 1;
            }
            if frame.is(flag::CONTINUES) {
                self.now.continuations.pop();
            }
        }
    }

    /// Unwinds when no handler can be called yet.
    pub(super) fn unwind(&mut self, thrown: Thrown) -> std::result::Result<(), Step> {
        self.unwind_with(&mut super::call::NoHost, thrown)
    }

    /// Unwinds to the nearest `pcall`; without one the run ends.
    pub(super) fn unwind_with(
        &mut self,
        host: &mut dyn Host,
        mut thrown: Thrown,
    ) -> std::result::Result<(), Step> {
        loop {
            let found = match thrown {
                Thrown::Killed => None,
                _ => self.now.frames.iter().rposition(|frame| frame.is(flag::PROTECTED)),
            };
            let outcome = match found {
                Some(at) => self.catch(host, at, thrown),
                None if self.running == self.main || matches!(thrown, Thrown::Killed) => {
                    return Err(self.unwound(thrown));
                }
                None => self.coroutine_failed(thrown),
            };
            match outcome {
                Ok(None) => return Ok(()),
                Ok(Some(step)) => return Err(step),
                Err(next) => thrown = next,
            }
        }
    }

    /// Gives an error to the `pcall` or `xpcall` of a frame.
    fn catch(&mut self, host: &mut dyn Host, at: usize, thrown: Thrown) -> Result<Option<Step>> {
        self.drop_frames(at + 1);
        let frame = *self.frame();
        self.close_upvalues(frame.base as usize);
        let value = self.error_value(thrown);
        if frame.is(flag::CONTINUES) {
            self.now.continuations.pop();
        }
        let top = self.frame();
        top.flags &= !(flag::CONTINUES | flag::PROTECTED | flag::HANDLER);
        self.now.top = frame.base as usize + frame.pc as usize;
        let mut value = value;
        if frame.is(flag::HANDLER) && matches!(thrown, Thrown::Value(_)) {
            let handler = self.now.stack[frame.base as usize];
            let is_function = matches!(handler, Value::Function(_) | Value::Native(_));
            if is_function && frame.tail_calls < HANDLER_FAILURES {
                self.frame().tail_calls += 1;
                self.push_value(handler);
                self.push_value(value);
                let outcome =
                    Outcome::Protect { args: 1, kind: Protection::Handler, then: Box::new(Handled) };
                return self.carry_out(host, outcome);
            }
            value = self.error_value(Thrown::Handler);
        }
        let start = self.now.top;
        self.push_value(Value::Bool(false));
        self.push_value(value);
        if frame.tail_calls == OF_ERR
            && let Value::Table(table) = value
        {
            let err = self.heap.get_name(table, "err");
            if matches!(err, Value::Str(_) | Value::Number(_)) {
                self.now.stack[start + 1] = err;
            } else {
                self.push_value(err);
            }
        }
        self.returned(start, self.now.top - start)
    }

    /// Puts a value on the stack, which has room.
    pub(super) fn push_value(&mut self, value: Value) {
        let top = self.now.top;
        self.now.stack[top] = value;
        self.now.top += 1;
    }
}

/// What a handler of errors returned is the second result of `xpcall`.
struct Handled;

impl Continuation for Handled {
    fn resume(self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome> {
        let value = if call.kept() > 0 { call.pushed(0) } else { Value::Nil };
        call.push(Value::Bool(false));
        call.push(value);
        Ok(Outcome::Return(2))
    }
}
