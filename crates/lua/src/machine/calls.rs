//! Calls and returns.

use super::call::{Call, Host, Outcome, Protection};
use super::fast::{self, Exit, View};
use super::frame::{Frame, flag};
use super::{MOST_FRAMES, MOST_NESTED, Machine, Step};
use crate::compile::code::Op;
use crate::memory::heap::Event;
use crate::memory::objects::{Code, Upvalue};
use crate::value::{ClosureId, NativeId, ProtoId, Result, TableId, Thrown, UpvalueId, Value};

/// The count of tail calls that marks a protected call as `Protection::OfErr`.
pub(super) const OF_ERR: u16 = u16::MAX;
/// Values that a native function may push without asking for room.
const NATIVE_ROOM: usize = 32;

impl Machine {
    /// Runs until something ends the run.
    pub(super) fn go_on(&mut self, host: &mut dyn Host) -> Step {
        loop {
            match self.execute(host) {
                Ok(step) => return step,
                Err(thrown) => {
                    if let Err(step) = self.unwind_with(host, thrown) {
                        return step;
                    }
                }
            }
        }
    }

    /// Runs frames until the run ends or an error is thrown.
    fn execute(&mut self, host: &mut dyn Host) -> Result<Step> {
        loop {
            let Some(frame) = self.now.frames.last().copied() else { return Ok(self.done(0, 0)) };
            if frame.is(flag::NATIVE) {
                if self.budget < 0 {
                    return Ok(Step::Paused);
                }
                if let Some(step) = self.resume_native(host, frame)? {
                    return Ok(step);
                }
                self.collect_if_due();
                continue;
            }
            if self.pending_concat.is_some() {
                if let Some(step) = self.finish_concat(host)? {
                    return Ok(step);
                }
                continue;
            }
            let place = frame.proto.0;
            let proto = self.heap.protos[place].take().expect("it does not run twice at once");
            let view = View {
                proto: &proto,
                base: frame.base as usize,
                closure: frame.closure,
                env: frame.env,
                running: self.running,
            };
            let mut pc = frame.pc;
            let exit = fast::run(&mut self.heap, &mut self.now.stack, &view, &mut pc, &mut self.budget);
            // A jump to the first instruction may have used the budget up.
            let instr = proto.code[(pc as usize).saturating_sub(1)];
            self.heap.protos[place] = Some(proto);
            if let Some(frame) = self.now.frames.last_mut() {
                frame.pc = pc;
            }
            match exit {
                Exit::Slow => {
                    if let Some(step) = self.slow(host, frame, instr)? {
                        return Ok(step);
                    }
                    self.collect_if_due();
                }
                Exit::Call => {
                    let func = frame.base as usize + usize::from(instr.a);
                    let args = match instr.b {
                        0 => self.now.top - func - 1,
                        count => usize::from(count) - 1,
                    };
                    let is_tail = instr.op == Op::TailCall;
                    if !is_tail && let Value::Function(closure) = self.now.stack[func] {
                        self.count_call(0)?;
                        self.push_frame(closure, func, args, i32::from(instr.c) - 1, 0, 0)?;
                        continue;
                    }
                    let step = if is_tail && matches!(self.now.stack[func], Value::Function(_)) {
                        self.tail_call(func, args)?;
                        None
                    } else {
                        let want = if is_tail { -1 } else { i32::from(instr.c) - 1 };
                        self.enter(host, func, args, want, 0)?
                    };
                    if let Some(step) = step {
                        return Ok(step);
                    }
                    self.collect_if_due();
                    if self.budget < 0 {
                        return Ok(Step::Paused);
                    }
                }
                Exit::Return => {
                    let first = frame.base as usize + usize::from(instr.a);
                    let count = match instr.b {
                        0 => self.now.top - first,
                        count => usize::from(count) - 1,
                    };
                    self.close_upvalues(frame.base as usize);
                    if frame.flags == 0 && frame.want >= 0 {
                        // A plain call from Lua that wants so many results, mostly one.
                        self.now.frames.pop();
                        let func = frame.func as usize;
                        for at in 0..frame.want as usize {
                            let value = if at < count { self.now.stack[first + at] } else { Value::Nil };
                            self.now.stack[func + at] = value;
                        }
                        continue;
                    }
                    if let Some(step) = self.returned(first, count)? {
                        return Ok(step);
                    }
                }
                Exit::Budget => return Ok(Step::Paused),
                Exit::Collect => self.collect_if_due(),
            }
        }
    }

    /// Calls the value in a place of the stack, with the values above it.
    pub(super) fn enter(
        &mut self,
        host: &mut dyn Host,
        func: usize,
        args: usize,
        want: i32,
        flags: u8,
    ) -> Result<Option<Step>> {
        match self.prepare(host, func, args, want, flags)? {
            Some(outcome) => self.carry_out(host, outcome),
            None => Ok(None),
        }
    }

    /// Pushes the frame of a call. A native function is run, and its outcome is to be carried out.
    #[inline]
    fn prepare(
        &mut self,
        host: &mut dyn Host,
        func: usize,
        mut args: usize,
        want: i32,
        flags: u8,
    ) -> Result<Option<Outcome>> {
        loop {
            match self.now.stack[func] {
                Value::Function(closure) => {
                    self.count_call(flags)?;
                    self.push_frame(closure, func, args, want, flags, 0)?;
                    return Ok(None);
                }
                Value::Native(native) => {
                    self.count_call(flags)?;
                    return self.run_native(host, native, func, args, want, flags).map(Some);
                }
                value => {
                    let handler = self.heap.event(value, Event::Call);
                    if !matches!(handler, Value::Function(_) | Value::Native(_)) {
                        return Err(self.call_error(func));
                    }
                    self.ensure_stack(func + args + 2)?;
                    self.now.stack.copy_within(func..func + args + 1, func + 1);
                    self.now.stack[func] = handler;
                    args += 1;
                }
            }
        }
    }

    #[inline]
    fn count_call(&mut self, flags: u8) -> Result<()> {
        if self.now.frames.len() >= MOST_FRAMES {
            return Err(self.runtime_error("stack overflow"));
        }
        if flags & flag::NESTED != 0 {
            if self.now.nested + 1 >= MOST_NESTED {
                return Err(self.runtime_error("C stack overflow"));
            }
            self.now.nested += 1;
        }
        Ok(())
    }

    /// Pushes the frame of a function written in Lua.
    #[inline]
    fn push_frame(
        &mut self,
        closure: ClosureId,
        func: usize,
        args: usize,
        want: i32,
        flags: u8,
        tail_calls: u16,
    ) -> Result<()> {
        let object = &self.heap.closures[closure.0];
        let (id, env) = (object.proto, object.env);
        let proto = self.heap.code(id);
        let (params, registers) = (usize::from(proto.params), usize::from(proto.registers));
        let (is_vararg, needs_arg) = (proto.is_vararg, proto.needs_arg);
        let base = if is_vararg { func + 1 + args.max(params) } else { func + 1 };
        if let Err(thrown) = self.ensure_stack(base + registers) {
            if flags & flag::NESTED != 0 {
                self.now.nested -= 1;
            }
            return Err(thrown);
        }
        let stack = &mut self.now.stack;
        if is_vararg {
            for at in args..params {
                stack[func + 1 + at] = Value::Nil;
            }
            for at in 0..params {
                stack[base + at] = std::mem::take(&mut stack[func + 1 + at]);
            }
            stack[base + params..base + registers].fill(Value::Nil);
        } else if args < registers {
            stack[base + args.min(params)..base + registers].fill(Value::Nil);
        }
        self.now.frames.push(Frame {
            func: func as u32,
            base: base as u32,
            pc: 0,
            closure,
            proto: id,
            env,
            want,
            flags,
            extent: registers as u8,
            tail_calls,
        });
        if needs_arg {
            let extra = args.saturating_sub(params);
            let table = self.heap.table(extra, 1)?;
            for at in 0..extra {
                let value = self.now.stack[func + 1 + params + at];
                self.heap.set(table, Value::Number((at + 1) as f64), value)?;
            }
            self.set_field(table, "n", Value::Number(extra as f64))?;
            self.now.stack[base + params] = Value::Table(table);
        }
        Ok(())
    }

    /// `return f()`: the frame makes way for the function's.
    fn tail_call(&mut self, func: usize, args: usize) -> Result<()> {
        let Value::Function(closure) = self.now.stack[func] else { unreachable!("the caller looked") };
        let frame = *self.frame();
        self.close_upvalues(frame.base as usize);
        self.now.frames.pop();
        let to = frame.func as usize;
        self.now.stack.copy_within(func..func + args + 1, to);
        let tail_calls = frame.tail_calls.saturating_add(1);
        self.push_frame(closure, to, args, frame.want, frame.flags, tail_calls)
    }

    fn run_native(
        &mut self,
        host: &mut dyn Host,
        native: NativeId,
        func: usize,
        args: usize,
        want: i32,
        flags: u8,
    ) -> Result<Outcome> {
        self.now.top = func + 1 + args;
        if let Err(thrown) = self.ensure_stack(self.now.top + NATIVE_ROOM) {
            if flags & flag::NESTED != 0 {
                self.now.nested -= 1;
            }
            return Err(thrown);
        }
        self.now.frames.push(Frame {
            func: func as u32,
            base: func as u32 + 1,
            pc: args as u32,
            closure: ClosureId(0),
            proto: ProtoId(0),
            env: TableId(0),
            want,
            flags: flags | flag::NATIVE,
            extent: 0,
            tail_calls: 0,
        });
        let code = self.heap.natives[native.0].code;
        let mut call = Call { machine: self, function: native, base: func + 1, count: args };
        match code {
            Code::Library(function) => function(&mut call),
            Code::Host(number) => host.call(number, &mut call),
        }
    }

    /// Lets the native function on top go on.
    fn resume_native(&mut self, host: &mut dyn Host, frame: Frame) -> Result<Option<Step>> {
        let Some(then) = self.now.continuations.pop() else { return Ok(Some(Step::Suspended)) };
        let top = self.frame();
        top.flags &= !(flag::CONTINUES | flag::PROTECTED | flag::HANDLER);
        let Value::Native(function) = self.now.stack[frame.func as usize] else {
            unreachable!("a native frame stands above its function")
        };
        self.ensure_stack(self.now.top + NATIVE_ROOM)?;
        let mut call = Call { machine: self, function, base: frame.base as usize, count: frame.pc as usize };
        let outcome = then.resume(&mut call)?;
        self.carry_out(host, outcome)
    }

    /// Does what a native function asked for.
    pub(super) fn carry_out(&mut self, host: &mut dyn Host, mut outcome: Outcome) -> Result<Option<Step>> {
        loop {
            let next = match outcome {
                Outcome::Return(count) => return self.returned(self.now.top - count, count),
                Outcome::Call { args, results, then } => {
                    self.continue_with(then, 0);
                    let want = results.map_or(-1, |count| count as i32);
                    self.prepare(host, self.now.top - args - 1, args, want, flag::NESTED)?
                }
                Outcome::Protect { args, kind, then } => {
                    let handler = if kind == Protection::Handler { flag::HANDLER } else { 0 };
                    if kind == Protection::OfErr {
                        self.frame().tail_calls = OF_ERR;
                    }
                    self.continue_with(then, flag::PROTECTED | handler);
                    self.prepare(host, self.now.top - args - 1, args, -1, flag::NESTED)?
                }
                Outcome::Pause(then) => {
                    self.continue_with(then, 0);
                    return Ok(Some(Step::Paused));
                }
                Outcome::Suspend => return Ok(Some(Step::Suspended)),
                Outcome::Yield(count) => return self.yielded(count),
                Outcome::Resume { thread, args, is_wrap } => match self.resumed(thread, args, is_wrap)? {
                    // A coroutine that has not begun: its function stands at the bottom.
                    Some(args) => self.prepare(host, 0, args, -1, flag::FIRST)?,
                    None => return Ok(None),
                },
            };
            match next {
                Some(next) => outcome = next,
                None => return Ok(None),
            }
        }
    }

    fn continue_with(&mut self, then: Box<dyn super::frame::Continuation>, flags: u8) {
        self.now.continuations.push(then);
        self.frame().flags |= flag::CONTINUES | flags;
    }

    /// Ends the frame on top, with results that stand on the stack. The run may end with it.
    pub(super) fn returned(&mut self, first: usize, count: usize) -> Result<Option<Step>> {
        let Some(frame) = self.now.frames.pop() else { return Ok(None) };
        if frame.is(flag::NESTED) {
            self.now.nested -= 1;
        }
        if frame.is(flag::FIRST) {
            if self.running == self.main {
                return Ok(Some(self.done(first, count)));
            }
            return self.coroutine_done(first, count);
        }
        let func = frame.func as usize;
        let stack = &mut self.now.stack;
        let given = if frame.want < 0 {
            stack.copy_within(first..first + count, func);
            count
        } else {
            let want = frame.want as usize;
            for at in 0..want {
                stack[func + at] = if at < count { stack[first + at] } else { Value::Nil };
            }
            want
        };
        if frame.is(flag::META) {
            return self.finish(func, frame.is(flag::NEGATED));
        }
        let is_open = frame.want < 0 || self.now.frames.last().is_some_and(|caller| caller.is(flag::NATIVE));
        if is_open {
            self.now.top = func + given;
        }
        Ok(None)
    }

    fn done(&mut self, first: usize, count: usize) -> Step {
        Step::Done(self.now.stack[first..first + count].to_vec())
    }

    /// The shared variable of a place on the running stack.
    pub(super) fn find_upvalue(&mut self, slot: u32) -> Result<UpvalueId> {
        let open = &self.now.open;
        let at = open.partition_point(|(known, _)| *known < slot);
        if let Some((known, id)) = open.get(at)
            && *known == slot
        {
            return Ok(*id);
        }
        let id = self.heap.upvalue(Upvalue::Open(self.running, slot))?;
        self.now.open.insert(at, (slot, id));
        Ok(id)
    }

    /// Takes variables off the stack, from a place on: their blocks have ended.
    #[inline]
    pub(super) fn close_upvalues(&mut self, from: usize) {
        while let Some((slot, id)) = self.now.open.last().copied() {
            if (slot as usize) < from {
                break;
            }
            self.now.open.pop();
            let value = self.now.stack[slot as usize];
            self.heap.upvalues[id.0] = Upvalue::Closed(value);
            if self.heap.collector.is_marking {
                self.heap.mark(value);
            }
        }
    }

    /// Calls a metamethod; its result finishes the instruction that runs.
    pub(super) fn call_meta(
        &mut self,
        host: &mut dyn Host,
        handler: Value,
        args: &[Value],
        want: i32,
        negated: bool,
        skip: usize,
    ) -> Result<Option<Step>> {
        let frame = *self.frame();
        let func = frame.base as usize + usize::from(frame.extent) + skip;
        self.ensure_stack(func + args.len() + 1)?;
        self.now.stack[func] = handler;
        self.now.stack[func + 1..func + 1 + args.len()].copy_from_slice(args);
        let negated = if negated { flag::NEGATED } else { 0 };
        self.enter(host, func, args.len(), want, flag::META | flag::NESTED | negated)
    }

    /// An error of a run that was ended from outside.
    pub(super) fn unwound(&mut self, thrown: Thrown) -> Step {
        self.note_site();
        let value = self.error_value(thrown);
        self.abandon();
        Step::Failed(value)
    }
}
