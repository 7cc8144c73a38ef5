//! Coroutines: each has a stack of its own. The running one stands in the machine, the others in the heap.

use super::frame::flag;
use super::{Machine, Step};
use crate::memory::objects::Status;
use crate::value::{Result, ThreadId, Thrown, Value};

/// The most coroutines that wait for one another.
const MOST_RESUMERS: usize = 200;

impl Machine {
    /// Makes another thread the running one.
    pub(super) fn switch(&mut self, to: ThreadId) {
        let from = self.running;
        let next = std::mem::take(&mut self.heap.threads[to.0]);
        self.heap.threads[from.0] = std::mem::replace(&mut self.now, next);
        self.running = to;
        if self.heap.collector.is_marking {
            // Its stack is scanned again when marking ends.
            self.heap.mark_thread(from);
        }
    }

    /// What a coroutine is doing.
    pub(crate) fn status_of(&self, thread: ThreadId) -> Status {
        if thread == self.running { Status::Running } else { self.heap.threads[thread.0].status }
    }

    /// Resumes a coroutine with the last values of the stack. Gives their number if it has not begun yet.
    pub(super) fn resumed(&mut self, thread: ThreadId, args: usize, is_wrap: bool) -> Result<Option<usize>> {
        if self.resumers.len() >= MOST_RESUMERS {
            return Err(self.runtime_error("C stack overflow"));
        }
        if is_wrap {
            self.frame().flags |= flag::NEGATED;
        }
        let first = self.now.top - args;
        let values = self.now.stack[first..first + args].to_vec();
        self.now.status = Status::Normal;
        self.resumers.push(self.running);
        self.switch(thread);
        self.now.status = Status::Running;
        let has_begun = !self.now.frames.is_empty();
        if !has_begun {
            // The function stands at the bottom.
            self.now.top = 1;
        }
        self.ensure_stack(self.now.top + args)?;
        values.iter().for_each(|value| self.push_value(*value));
        if !has_begun {
            return Ok(Some(args));
        }
        // The call of `yield` returns the values.
        self.returned(self.now.top - args, args)?;
        Ok(None)
    }

    /// Goes back to whoever resumed the running coroutine, with these values.
    fn give_back(&mut self, values: &[Value], status: Status) -> Result<Option<Step>> {
        let Some(resumer) = self.resumers.pop() else { return Ok(None) };
        self.now.status = status;
        self.switch(resumer);
        self.now.status = Status::Running;
        self.ensure_stack(self.now.top + values.len() + 1)?;
        let is_wrap = self.frame().is(flag::NEGATED);
        let start = self.now.top;
        if !is_wrap {
            self.push_value(Value::Bool(true));
        }
        values.iter().for_each(|value| self.push_value(*value));
        self.leave_resume();
        self.returned(start, self.now.top - start)
    }

    fn leave_resume(&mut self) {
        self.frame().flags &= !flag::NEGATED;
    }

    /// The running coroutine yields the last values of its stack.
    pub(super) fn yielded(&mut self, count: usize) -> Result<Option<Step>> {
        if self.running == self.main || self.now.nested > 0 {
            return Err(self.runtime_error("attempt to yield across metamethod/C-call boundary"));
        }
        let first = self.now.top - count;
        let values = self.now.stack[first..first + count].to_vec();
        self.give_back(&values, Status::Suspended)
    }

    /// The function of the running coroutine has returned.
    pub(super) fn coroutine_done(&mut self, first: usize, count: usize) -> Result<Option<Step>> {
        let values = self.now.stack[first..first + count].to_vec();
        self.free_stack();
        self.give_back(&values, Status::Dead)
    }

    /// The running coroutine has failed. An error of `coroutine.wrap` goes on in whoever called it.
    pub(super) fn coroutine_failed(&mut self, thrown: Thrown) -> Result<Option<Step>> {
        let value = self.error_value(thrown);
        self.close_upvalues(0);
        self.now.frames.clear();
        self.now.continuations.clear();
        self.now.nested = 0;
        self.free_stack();
        let Some(resumer) = self.resumers.pop() else { return Ok(Some(self.unwound(thrown))) };
        self.now.status = Status::Dead;
        self.switch(resumer);
        self.now.status = Status::Running;
        let is_wrap = self.frame().is(flag::NEGATED);
        self.leave_resume();
        if is_wrap {
            return Err(match value {
                Value::Str(id) => {
                    let mut text = self.position(1);
                    text.extend_from_slice(self.heap.bytes(id));
                    Thrown::Value(Value::Str(self.message(&text)))
                }
                value => Thrown::Value(value),
            });
        }
        self.ensure_stack(self.now.top + 2)?;
        self.push_value(Value::Bool(false));
        self.push_value(value);
        self.returned(self.now.top - 2, 2)
    }

    /// Frees the stack of a coroutine that is dead.
    fn free_stack(&mut self) {
        self.heap.used -= self.now.counted;
        self.now.counted = 0;
        self.now.stack = Vec::new();
        self.now.top = 0;
    }
}
