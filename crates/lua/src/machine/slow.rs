//! Instructions with all that can happen: metamethods, strings that are numbers, errors.

use super::call::Host;
use super::frame::{Frame, flag};
use super::{Machine, Step};
use crate::compile::code::{Capture, Instr, Op, from_small_float};
use crate::compile::emit_compute;
use crate::memory::heap::Event;
use crate::memory::objects::Closure;
use crate::memory::strings::SHORT;
use crate::value::{Result, StrId, Value};
use number::c;

/// The most tables that `__index` leads through.
const MOST_LINKS: usize = 100;

/// What reading a table came to.
#[derive(Debug, Clone, Copy)]
pub enum Lookup {
    /// The value.
    Found(Value),
    /// A function is to be called with an object and the key.
    Ask(Value, Value),
}

impl Machine {
    /// Runs one instruction.
    pub(super) fn slow(&mut self, host: &mut dyn Host, frame: Frame, instr: Instr) -> Result<Option<Step>> {
        let base = frame.base as usize;
        let get = |machine: &Machine, register: u8| machine.now.stack[base + usize::from(register)];
        let constant = |machine: &Machine, at: usize| machine.heap.code(frame.proto).constants[at];
        match instr.op {
            Op::GetGlobal => {
                let key = Value::Str(StrId(instr.x as u32));
                return self.read(host, base, instr.a, Value::Table(frame.env), key, None);
            }
            Op::GetTable => {
                let key = get(self, instr.c);
                return self.read(host, base, instr.a, get(self, instr.b), key, Some(instr.b));
            }
            Op::GetField => {
                let key = Value::Str(StrId(instr.x as u32));
                return self.read(host, base, instr.a, get(self, instr.b), key, Some(instr.b));
            }
            Op::GetConst => {
                let key = constant(self, instr.x as usize);
                return self.read(host, base, instr.a, get(self, instr.b), key, Some(instr.b));
            }
            Op::SelfField => {
                let object = get(self, instr.b);
                let key = Value::Str(StrId(instr.x as u32));
                let register = instr.b;
                let found = self.lookup(object, key, Some(register))?;
                self.now.stack[base + usize::from(instr.a) + 1] = object;
                return self.found(host, base, instr.a, found, key);
            }
            Op::SetGlobal => {
                let key = Value::Str(StrId(instr.x as u32));
                let value = get(self, instr.a);
                return self.write(host, Value::Table(frame.env), key, value, None);
            }
            Op::SetTable => {
                let value = if instr.x < 0 { get(self, instr.c) } else { constant(self, instr.x as usize) };
                let key = get(self, instr.b);
                return self.write(host, get(self, instr.a), key, value, Some(instr.a));
            }
            Op::SetField | Op::SetConst => {
                let value =
                    if instr.b != 0 { constant(self, usize::from(instr.c)) } else { get(self, instr.c) };
                let key = match instr.op {
                    Op::SetField => Value::Str(StrId(instr.x as u32)),
                    _ => constant(self, instr.x as usize),
                };
                return self.write(host, get(self, instr.a), key, value, Some(instr.a));
            }
            Op::NewTable => {
                // Only memory keeps the fast loop from it.
                self.collect();
                let table = self.heap.table(instr.x as usize, from_small_float(instr.c) as usize)?;
                self.now.stack[base + usize::from(instr.a)] = Value::Table(table);
            }
            Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Mod | Op::Pow => {
                let operands = (get(self, instr.b), get(self, instr.c));
                return self.arithmetic(host, base, instr, operands, (Some(instr.b), Some(instr.c)));
            }
            Op::AddK | Op::SubK | Op::MulK | Op::DivK | Op::ModK | Op::PowK => {
                let operands = (get(self, instr.b), constant(self, instr.x as usize));
                return self.arithmetic(host, base, instr, operands, (Some(instr.b), None));
            }
            Op::KAdd | Op::KSub | Op::KMul | Op::KDiv | Op::KMod | Op::KPow => {
                let operands = (constant(self, instr.x as usize), get(self, instr.c));
                return self.arithmetic(host, base, instr, operands, (None, Some(instr.c)));
            }
            Op::Unm => {
                let value = get(self, instr.b);
                return self.arithmetic(host, base, instr, (value, value), (Some(instr.b), Some(instr.b)));
            }
            Op::Len => {
                let value = get(self, instr.b);
                let handler = self.heap.event(value, Event::Len);
                if handler.is_nil() {
                    return Err(self.type_error("get length of", value, Some(instr.b)));
                }
                return self.call_meta(host, handler, &[value, Value::Nil], 1, false, 0);
            }
            Op::Concat => return self.concat(host, base, instr, usize::from(instr.c)),
            Op::Eq | Op::EqK => return self.equal(host, get(self, instr.b), get(self, instr.c), instr),
            Op::Lt => return self.compare(host, get(self, instr.b), get(self, instr.c), false),
            Op::LtK => {
                return self.compare(host, get(self, instr.b), constant(self, usize::from(instr.c)), false);
            }
            Op::KLt => {
                return self.compare(host, constant(self, usize::from(instr.c)), get(self, instr.b), false);
            }
            Op::Le => return self.compare(host, get(self, instr.b), get(self, instr.c), true),
            Op::LeK => {
                return self.compare(host, get(self, instr.b), constant(self, usize::from(instr.c)), true);
            }
            Op::KLe => {
                return self.compare(host, constant(self, usize::from(instr.c)), get(self, instr.b), true);
            }
            Op::ForPrep => self.prepare_for(base, instr)?,
            Op::ForCall => {
                let from = base + usize::from(instr.a);
                self.ensure_stack(from + 6)?;
                self.now.stack.copy_within(from..from + 3, from + 3);
                return self.enter(host, from + 3, 2, i32::from(instr.c), flag::NESTED);
            }
            Op::SetList => self.set_list(base, instr)?,
            Op::Close => self.close_upvalues(base + usize::from(instr.a)),
            Op::Closure => self.make_closure(frame, instr)?,
            Op::VarArg => self.take_varargs(frame, instr)?,
            _ => unreachable!("the fast loop does {:?} itself", instr.op),
        }
        Ok(None)
    }

    fn prepare_for(&mut self, base: usize, instr: Instr) -> Result<()> {
        let from = base + usize::from(instr.a);
        let mut numbers = [0.0; 3];
        for (at, what) in ["initial value", "limit", "step"].into_iter().enumerate() {
            match self.number_of(self.now.stack[from + at]) {
                Some(number) => numbers[at] = number,
                None => return Err(self.runtime_error(&format!("'for' {what} must be a number"))),
            }
        }
        self.now.stack[from] = Value::Number(numbers[0] - numbers[2]);
        self.now.stack[from + 1] = Value::Number(numbers[1]);
        self.now.stack[from + 2] = Value::Number(numbers[2]);
        self.jump(instr.x);
        Ok(())
    }

    fn jump(&mut self, distance: i32) {
        let frame = self.frame();
        frame.pc = frame.pc.wrapping_add_signed(distance);
    }

    pub(crate) fn number_of(&self, value: Value) -> Option<f64> {
        match value {
            Value::Number(number) => Some(number),
            Value::Str(id) => c::parse(self.heap.bytes(id)),
            _ => None,
        }
    }

    /// Finds what reading `object[key]` comes to.
    pub(crate) fn lookup(&mut self, object: Value, key: Value, register: Option<u8>) -> Result<Lookup> {
        let mut object = object;
        let mut register = register;
        for _ in 0..MOST_LINKS {
            let handler = match object {
                Value::Table(id) => {
                    let value = self.heap.get(id, key);
                    if !value.is_nil() {
                        return Ok(Lookup::Found(value));
                    }
                    let handler = self.heap.event(object, Event::Index);
                    if handler.is_nil() {
                        return Ok(Lookup::Found(Value::Nil));
                    }
                    handler
                }
                _ => {
                    let handler = self.heap.event(object, Event::Index);
                    if handler.is_nil() {
                        return Err(self.type_error("index", object, register));
                    }
                    handler
                }
            };
            if matches!(handler, Value::Function(_) | Value::Native(_)) {
                return Ok(Lookup::Ask(handler, object));
            }
            object = handler;
            register = None;
        }
        Err(self.runtime_error("loop in gettable"))
    }

    fn read(
        &mut self,
        host: &mut dyn Host,
        base: usize,
        to: u8,
        object: Value,
        key: Value,
        register: Option<u8>,
    ) -> Result<Option<Step>> {
        let found = self.lookup(object, key, register)?;
        self.found(host, base, to, found, key)
    }

    fn found(
        &mut self,
        host: &mut dyn Host,
        base: usize,
        to: u8,
        found: Lookup,
        key: Value,
    ) -> Result<Option<Step>> {
        match found {
            Lookup::Found(value) => {
                self.now.stack[base + usize::from(to)] = value;
                Ok(None)
            }
            Lookup::Ask(handler, object) => self.call_meta(host, handler, &[object, key], 1, false, 0),
        }
    }

    /// `object[key] = value`
    fn write(
        &mut self,
        host: &mut dyn Host,
        object: Value,
        key: Value,
        value: Value,
        register: Option<u8>,
    ) -> Result<Option<Step>> {
        let mut object = object;
        let mut register = register;
        for _ in 0..MOST_LINKS {
            let handler = match object {
                Value::Table(id) => {
                    let is_new = match self.heap.tables[id.0].meta {
                        None => false,
                        Some(_) => self.heap.get(id, key).is_nil(),
                    };
                    let handler = if is_new { self.heap.event(object, Event::NewIndex) } else { Value::Nil };
                    if handler.is_nil() {
                        self.raw_set(id, key, value)?;
                        return Ok(None);
                    }
                    handler
                }
                _ => {
                    let handler = self.heap.event(object, Event::NewIndex);
                    if handler.is_nil() {
                        return Err(self.type_error("index", object, register));
                    }
                    handler
                }
            };
            if matches!(handler, Value::Function(_) | Value::Native(_)) {
                return self.call_meta(host, handler, &[object, key, value], 0, false, 0);
            }
            object = handler;
            register = None;
        }
        Err(self.runtime_error("loop in settable"))
    }

    fn arithmetic(
        &mut self,
        host: &mut dyn Host,
        base: usize,
        instr: Instr,
        (left, right): (Value, Value),
        names: (Option<u8>, Option<u8>),
    ) -> Result<Option<Step>> {
        let numbers = (self.number_of(left), self.number_of(right));
        if let (Some(a), Some(b)) = numbers {
            let result = if instr.op == Op::Unm { -a } else { emit_compute(instr.op, a, b) };
            self.now.stack[base + usize::from(instr.a)] = Value::Number(result);
            return Ok(None);
        }
        let event = match instr.op {
            Op::Add | Op::AddK | Op::KAdd => Event::Add,
            Op::Sub | Op::SubK | Op::KSub => Event::Sub,
            Op::Mul | Op::MulK | Op::KMul => Event::Mul,
            Op::Div | Op::DivK | Op::KDiv => Event::Div,
            Op::Mod | Op::ModK | Op::KMod => Event::Mod,
            Op::Unm => Event::Unm,
            _ => Event::Pow,
        };
        let mut handler = self.heap.event(left, event);
        if handler.is_nil() {
            handler = self.heap.event(right, event);
        }
        if !handler.is_nil() {
            return self.call_meta(host, handler, &[left, right], 1, false, 0);
        }
        let (value, register) = if numbers.0.is_none() { (left, names.0) } else { (right, names.1) };
        Err(self.type_error("perform arithmetic on", value, register))
    }

    fn equal(&mut self, host: &mut dyn Host, a: Value, b: Value, instr: Instr) -> Result<Option<Step>> {
        let (Some(first), Some(second)) = (self.heap.metatable(a), self.heap.metatable(b)) else {
            unreachable!("the fast loop looked")
        };
        let handler = self.heap.event_of(first, Event::Eq);
        let other = if first == second { handler } else { self.heap.event_of(second, Event::Eq) };
        if handler.is_nil() || !self.heap.same(handler, other) {
            if instr.a == 0 {
                self.jump(instr.x);
            }
            return Ok(None);
        }
        self.call_meta(host, handler, &[a, b], 1, false, 0)
    }

    /// The handler of an order that both values share.
    pub(crate) fn order_handler(&mut self, a: Value, b: Value, event: Event) -> Option<Value> {
        let handler = self.heap.event(a, event);
        if handler.is_nil() {
            return None;
        }
        let other = self.heap.event(b, event);
        self.heap.same(handler, other).then_some(handler)
    }

    fn compare(&mut self, host: &mut dyn Host, a: Value, b: Value, or_equal: bool) -> Result<Option<Step>> {
        if std::mem::discriminant(&a) != std::mem::discriminant(&b) && a.type_name() != b.type_name() {
            return Err(self.order_error(a, b));
        }
        if or_equal && let Some(handler) = self.order_handler(a, b, Event::Le) {
            return self.call_meta(host, handler, &[a, b], 1, false, 0);
        }
        let (first, second) = if or_equal { (b, a) } else { (a, b) };
        match self.order_handler(first, second, Event::Lt) {
            Some(handler) => self.call_meta(host, handler, &[first, second], 1, or_equal, 0),
            None => Err(self.order_error(a, b)),
        }
    }

    /// Joins the registers from `b` to `last` into one value, from the right, as the operator binds.
    fn concat(
        &mut self,
        host: &mut dyn Host,
        base: usize,
        instr: Instr,
        mut last: usize,
    ) -> Result<Option<Step>> {
        let first = usize::from(instr.b);
        while last > first {
            let is_text = |value: Value| matches!(value, Value::Str(_) | Value::Number(_));
            let (left, right) = (self.now.stack[base + last - 1], self.now.stack[base + last]);
            if !is_text(left) || !is_text(right) {
                let mut handler = self.heap.event(left, Event::Concat);
                if handler.is_nil() {
                    handler = self.heap.event(right, Event::Concat);
                }
                if handler.is_nil() {
                    let (value, register) = if is_text(left) { (right, last) } else { (left, last - 1) };
                    return Err(self.type_error("concatenate", value, Some(register as u8)));
                }
                // Where to go on stands below the call.
                let note = base + usize::from(self.frame().extent);
                self.ensure_stack(note + 4)?;
                self.now.stack[note] = Value::Number(last as f64);
                return self.call_meta(host, handler, &[left, right], 1, false, 1);
            }
            let mut from = last - 1;
            while from > first && is_text(self.now.stack[base + from - 1]) {
                from -= 1;
            }
            let joined = self.join(base + from, base + last)?;
            self.now.stack[base + from] = joined;
            last = from;
        }
        self.now.stack[base + usize::from(instr.a)] = self.now.stack[base + first];
        Ok(None)
    }

    /// Joins strings and numbers of the stack.
    fn join(&mut self, from: usize, to: usize) -> Result<Value> {
        let mut length = 0;
        for value in &self.now.stack[from..=to] {
            length += match value {
                Value::Str(id) => self.heap.bytes(*id).len(),
                _ => 32,
            };
        }
        self.budget -= (length / 32) as i64;
        let write = |machine: &Machine, buffer: &mut Vec<u8>| {
            for value in &machine.now.stack[from..=to] {
                match value {
                    Value::Str(id) => buffer.extend_from_slice(machine.heap.bytes(*id)),
                    Value::Number(number) => c::write_number(buffer, *number),
                    _ => {}
                }
            }
        };
        if length <= SHORT * 4 {
            let mut buffer = std::mem::take(&mut self.scratch);
            buffer.clear();
            write(self, &mut buffer);
            let id = self.heap.string(&buffer);
            self.scratch = buffer;
            return Ok(Value::Str(id?));
        }
        if self.heap.check(length).is_err() {
            self.collect();
        }
        let mut buffer = self.heap.buffer(length)?;
        write(self, &mut buffer);
        Ok(Value::Str(self.heap.string_of(buffer)?))
    }

    fn set_list(&mut self, base: usize, instr: Instr) -> Result<()> {
        let place = base + usize::from(instr.a);
        let count = match instr.b {
            0 => self.now.top - place - 1,
            count => usize::from(count),
        };
        let Value::Table(table) = self.now.stack[place] else { unreachable!("the compiler made a table") };
        let start = instr.x as usize;
        self.heap.reserve_array(table, start + count)?;
        for at in 1..=count {
            let value = self.now.stack[place + at];
            self.heap.guard(table, Value::Nil, value);
            if let Some(slot) = self.heap.tables[table.0].array_slot(start + at - 1) {
                *slot = value;
            }
        }
        Ok(())
    }

    fn make_closure(&mut self, frame: Frame, instr: Instr) -> Result<()> {
        let proto = self.heap.code(frame.proto).protos[instr.x as usize];
        let count = self.heap.code(proto).captures.len();
        let mut upvalues = Vec::with_capacity(count);
        for at in 0..count {
            upvalues.push(match self.heap.code(proto).captures[at] {
                Capture::Register(register) => self.find_upvalue(frame.base + u32::from(register))?,
                Capture::Upvalue(number) => self.heap.closures[frame.closure.0].upvalues[usize::from(number)],
            });
        }
        let closure = Closure { proto, env: frame.env, upvalues: upvalues.into() };
        let id = self.heap.closure(closure)?;
        self.now.stack[frame.base as usize + usize::from(instr.a)] = Value::Function(id);
        Ok(())
    }

    fn take_varargs(&mut self, frame: Frame, instr: Instr) -> Result<()> {
        let params = usize::from(self.heap.code(frame.proto).params);
        let (base, func) = (frame.base as usize, frame.func as usize);
        let extra = base - func - 1 - params;
        let to = base + usize::from(instr.a);
        let count = match instr.b {
            0 => extra,
            field => usize::from(field) - 1,
        };
        self.ensure_stack(to + count)?;
        let from = func + 1 + params;
        for at in 0..count {
            self.now.stack[to + at] = if at < extra { self.now.stack[from + at] } else { Value::Nil };
        }
        if instr.b == 0 {
            self.now.top = to + count;
        }
        Ok(())
    }

    /// Finishes the instruction that called a metamethod, with the result that stands in a place of the stack.
    pub(super) fn finish(&mut self, place: usize, is_negated: bool) -> Result<Option<Step>> {
        let frame = *self.frame();
        debug_assert!(!frame.is(flag::NATIVE), "native functions call metamethods as callbacks");
        let instr = self.heap.code(frame.proto).code[frame.pc as usize - 1];
        let result = self.now.stack[place];
        let base = frame.base as usize;
        match instr.op {
            Op::SetGlobal | Op::SetTable | Op::SetField | Op::SetConst => {}
            Op::Eq | Op::Lt | Op::LtK | Op::KLt | Op::Le | Op::LeK | Op::KLe => {
                if (result.is_true() != is_negated) == (instr.a != 0) {
                    self.jump(instr.x);
                }
            }
            Op::Concat => {
                let Value::Number(last) = self.now.stack[place - 1] else {
                    unreachable!("it was noted there")
                };
                let last = last as usize - 1;
                self.now.stack[base + last] = result;
                self.pending_concat = Some((base, instr, last));
            }
            _ => self.now.stack[base + usize::from(instr.a)] = result,
        }
        Ok(None)
    }

    /// Goes on with a concatenation whose metamethod has returned.
    pub(super) fn finish_concat(&mut self, host: &mut dyn Host) -> Result<Option<Step>> {
        match self.pending_concat.take() {
            Some((base, instr, last)) => self.concat(host, base, instr, last),
            None => Ok(None),
        }
    }
}
