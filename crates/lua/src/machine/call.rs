//! What a native function sees: its arguments, the machine, the host.

use super::frame::Continuation;
use super::{Lookup, Machine};
use crate::memory::heap::{Event, Heap};
use crate::value::{NativeId, Result, StrId, TableId, ThreadId, Thrown, Value};
use number::c;

/// A function of a library.
pub type LibraryFunction = fn(&mut Call<'_>) -> Result<Outcome>;

/// Whoever runs the machine: it answers the calls of host functions. It is given at each run and never stored.
pub trait Host {
    /// Runs the host function of this number.
    fn call(&mut self, function: u32, call: &mut Call<'_>) -> Result<Outcome>;
}

/// A host without functions.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoHost;

impl Host for NoHost {
    fn call(&mut self, _: u32, call: &mut Call<'_>) -> Result<Outcome> {
        Err(call.error("no such host function"))
    }
}

/// What a native function wants to happen next.
pub enum Outcome {
    /// It returns the last so many values on the stack.
    Return(usize),
    /// It calls: the function and its `args` arguments are the last values on the stack.
    Call {
        /// How many arguments.
        args: usize,
        /// How many results; `None`: all.
        results: Option<usize>,
        /// Who goes on with the results.
        then: Box<dyn Continuation>,
    },
    /// The same, and errors of the call are results: `false` and the error.
    Protect {
        /// How many arguments.
        args: usize,
        /// What becomes of an error.
        kind: Protection,
        /// Who goes on with the results, if there is no error.
        then: Box<dyn Continuation>,
    },
    /// It resumes a coroutine with the last so many values.
    Resume {
        /// Which.
        thread: ThreadId,
        /// How many values.
        args: usize,
        /// Whether an error of the coroutine is an error here too, as for `coroutine.wrap`.
        is_wrap: bool,
    },
    /// The coroutine yields the last so many values.
    Yield(usize),
    /// The budget is used up: go on later.
    Pause(Box<dyn Continuation>),
    /// The host will give the results later.
    Suspend,
}

/// What becomes of an error in a protected call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    /// It is the second result.
    Plain,
    /// The value in the first slot, which is an argument still, is called with it: its result is the second result.
    Handler,
    /// As plain, but of a table with a field `err` that is a string, that field. Another table is followed by what the
    /// field is.
    OfErr,
}

/// The call of a native function.
pub struct Call<'a> {
    pub(crate) machine: &'a mut Machine,
    pub(crate) function: NativeId,
    pub(crate) base: usize,
    pub(crate) count: usize,
}

impl Call<'_> {
    /// How many arguments there are.
    #[inline]
    pub fn count(&self) -> usize {
        self.count
    }

    /// An argument, counted from 0; nil beyond the last.
    #[inline]
    pub fn arg(&self, at: usize) -> Value {
        if at < self.count { self.machine.now.stack[self.base + at] } else { Value::Nil }
    }

    /// Replaces an argument, or sets the slot of one that was not given. Slots up to it count as arguments then.
    pub fn set_arg(&mut self, at: usize, value: Value) {
        while self.count <= at {
            let place = self.base + self.count;
            if place >= self.machine.now.top {
                self.push(Value::Nil);
            }
            self.machine.now.stack[place] = Value::Nil;
            self.count += 1;
        }
        self.machine.now.stack[self.base + at] = value;
        if let Some(frame) = self.machine.now.frames.last_mut() {
            frame.pc = self.count as u32;
        }
    }

    /// Drops what was pushed, and the arguments beyond so many.
    pub fn set_count(&mut self, count: usize) {
        self.count = self.count.min(count);
        self.machine.now.top = self.base + self.count;
        if let Some(frame) = self.machine.now.frames.last_mut() {
            frame.pc = self.count as u32;
        }
    }

    /// Forgets that the arguments from one on are arguments; they stay on the stack.
    pub(crate) fn forget_args(&mut self, from: usize) {
        self.count = from;
        self.machine.frame().pc = from as u32;
    }

    /// Puts a value on the stack.
    #[inline]
    pub fn push(&mut self, value: Value) {
        let now = &mut self.machine.now;
        match now.stack.get_mut(now.top) {
            Some(slot) => *slot = value,
            None => now.stack.push(value),
        }
        now.top += 1;
    }

    /// How many values are on the stack above the arguments.
    pub fn kept(&self) -> usize {
        self.machine.now.top - self.base - self.count
    }

    /// A value above the arguments, counted from 0.
    pub fn pushed(&self, at: usize) -> Value {
        self.machine.now.stack[self.base + self.count + at]
    }

    /// Replaces a value that was pushed.
    pub fn set_pushed(&mut self, at: usize, value: Value) {
        let place = self.base + self.count + at;
        self.machine.now.stack[place] = value;
    }

    /// Takes the last value off the stack.
    pub fn pop(&mut self) -> Value {
        self.machine.now.top -= 1;
        self.machine.now.stack[self.machine.now.top]
    }

    /// Returns one value.
    #[inline]
    pub fn give(&mut self, value: Value) -> Result<Outcome> {
        self.push(value);
        Ok(Outcome::Return(1))
    }

    /// Returns a string.
    pub fn give_bytes(&mut self, bytes: &[u8]) -> Result<Outcome> {
        let id = self.machine.heap.string(bytes)?;
        self.give(Value::Str(id))
    }

    /// Returns the string that a buffer holds.
    pub fn give_buffer(&mut self, buffer: Vec<u8>) -> Result<Outcome> {
        let id = self.machine.heap.string_of(buffer)?;
        self.give(Value::Str(id))
    }

    /// Returns a number.
    pub fn give_number(&mut self, number: f64) -> Result<Outcome> {
        self.give(Value::Number(number))
    }

    /// A value that the function was made with.
    pub fn upvalue(&self, at: usize) -> Value {
        self.machine.heap.natives[self.function.0].upvalues[at]
    }

    /// Replaces a value of the function itself.
    pub fn set_upvalue(&mut self, at: usize, value: Value) {
        self.machine.heap.natives[self.function.0].upvalues[at] = value;
        if self.machine.heap.collector.is_marking {
            self.machine.heap.mark(value);
        }
    }

    /// The machine.
    pub fn machine(&mut self) -> &mut Machine {
        self.machine
    }

    /// All objects.
    pub(crate) fn heap(&mut self) -> &mut Heap {
        &mut self.machine.heap
    }

    /// The bytes of a string.
    pub fn bytes(&self, id: StrId) -> &[u8] {
        self.machine.heap.bytes(id)
    }

    /// Makes a string.
    pub fn string(&mut self, bytes: &[u8]) -> Result<Value> {
        Ok(Value::Str(self.machine.heap.string(bytes)?))
    }

    /// Makes a function with values of its own.
    pub fn closure(&mut self, code: LibraryFunction, upvalues: &[Value]) -> Result<Value> {
        self.machine.library_closure(code, upvalues)
    }

    /// Makes a string of a buffer, without copying it.
    pub fn string_of(&mut self, buffer: Vec<u8>) -> Result<Value> {
        Ok(Value::Str(self.machine.heap.string_of(buffer)?))
    }

    /// Fails if a function may not take so many more bytes.
    pub fn check_memory(&self, bytes: usize) -> Result<()> {
        self.machine.heap.check(bytes)
    }

    /// The length of a table, as the operator `#` has it.
    pub fn length(&self, table: TableId) -> usize {
        self.machine.heap.length(table)
    }

    /// The first pair of a table from a place on: the place behind it, its key and its value. The first place is 0.
    pub fn pair_from(&self, table: TableId, place: usize) -> Option<(usize, Value, Value)> {
        self.machine.heap.tables[table.0].pair_from(place)
    }

    /// The place behind a key, for [`Call::pair_from`]; nothing if the key is not there.
    pub fn position_after(&self, table: TableId, key: Value) -> Option<usize> {
        self.machine.heap.tables[table.0].position_after(&self.machine.heap.strings, key)
    }

    /// The metamethod that says whether one value is less than another.
    pub fn order_handler(&mut self, a: Value, b: Value) -> Option<Value> {
        self.machine.order_handler(a, b, Event::Lt)
    }

    /// Takes work from the budget. A function that works long asks [`Call::is_exhausted`] and pauses.
    #[inline]
    pub fn charge(&mut self, work: usize) {
        self.machine.budget -= work as i64;
    }

    /// Whether the budget is used up.
    #[inline]
    pub fn is_exhausted(&self) -> bool {
        self.machine.budget < 0
    }

    /// An error with the position of the caller, as C functions raise it.
    pub fn error(&mut self, message: &str) -> Thrown {
        self.error_bytes(message.as_bytes())
    }

    pub(crate) fn error_bytes(&mut self, message: &[u8]) -> Thrown {
        let mut text = self.machine.position(1);
        text.extend_from_slice(message);
        Thrown::Value(Value::Str(self.machine.message(&text)))
    }

    /// An error without a position.
    pub fn plain_error(&mut self, message: &[u8]) -> Thrown {
        Thrown::Value(Value::Str(self.machine.message(message)))
    }

    /// An error of the machine that no function written in Lua raised: it has no position.
    pub fn runtime_error(&mut self, message: &str) -> Thrown {
        self.machine.runtime_error(message)
    }

    /// What a table that scripts cannot change says.
    pub(crate) fn check_writable(&mut self, table: TableId) -> Result<()> {
        if self.machine.heap.tables[table.0].readonly {
            return Err(self.runtime_error("Attempt to modify a readonly table"));
        }
        Ok(())
    }

    /// An argument that is one of some words.
    pub fn option(&mut self, at: usize, default: Option<&str>, options: &[&str]) -> Result<usize> {
        let word = match (self.arg(at), default) {
            (Value::Nil, Some(default)) => default.as_bytes().to_vec(),
            _ => {
                let id = self.text(at)?;
                self.bytes(id).to_vec()
            }
        };
        match options.iter().position(|option| option.as_bytes() == word) {
            Some(found) => Ok(found),
            None => {
                Err(self.bad_argument(at, &format!("invalid option '{}'", String::from_utf8_lossy(&word))))
            }
        }
    }

    /// What is wrong with an argument, counted from 0.
    pub fn bad_argument(&mut self, at: usize, what: &str) -> Thrown {
        self.bad_argument_number(at as i64 + 1, what)
    }

    /// What is wrong with an argument, counted from 1.
    pub fn bad_argument_number(&mut self, mut number: i64, what: &str) -> Thrown {
        let (kind, name) = match self.machine.name_of_callee(0) {
            Some((kind, name)) => (kind, String::from_utf8_lossy(&name).into_owned()),
            None => ("", "?".to_owned()),
        };
        if kind == "method" {
            number -= 1;
            if number == 0 {
                return self.error(&format!("calling '{name}' on bad self ({what})"));
            }
        }
        self.error(&format!("bad argument #{number} to '{name}' ({what})"))
    }

    /// What is said of an argument of the wrong type.
    pub fn type_error(&mut self, at: usize, expected: &str) -> Thrown {
        let found = if at < self.count { self.arg(at).type_name() } else { "no value" };
        self.bad_argument(at, &format!("{expected} expected, got {found}"))
    }

    /// An argument that must be there.
    pub(crate) fn any(&mut self, at: usize) -> Result<Value> {
        if at < self.count { Ok(self.arg(at)) } else { Err(self.bad_argument(at, "value expected")) }
    }

    /// An argument that must be a table.
    pub fn table(&mut self, at: usize) -> Result<TableId> {
        match self.arg(at) {
            Value::Table(id) => Ok(id),
            _ => Err(self.type_error(at, "table")),
        }
    }

    /// An argument that must be a function.
    pub fn callable(&mut self, at: usize) -> Result<Value> {
        match self.arg(at) {
            value @ (Value::Function(_) | Value::Native(_)) => Ok(value),
            _ => Err(self.type_error(at, "function")),
        }
    }

    /// A value as a number, if it is one or a text that is one.
    pub fn to_number(&self, value: Value) -> Option<f64> {
        match value {
            Value::Number(number) => Some(number),
            Value::Str(id) => c::parse(self.bytes(id)),
            _ => None,
        }
    }

    /// An argument that must be a number.
    #[inline]
    pub fn number(&mut self, at: usize) -> Result<f64> {
        match self.arg(at) {
            Value::Number(number) => Ok(number),
            value => match self.to_number(value) {
                Some(number) => Ok(number),
                None => Err(self.type_error(at, "number")),
            },
        }
    }

    /// An argument that must be a number, as C makes an integer of it.
    pub fn integer(&mut self, at: usize) -> Result<i64> {
        Ok(c::to_integer(self.number(at)?))
    }

    /// The same for C's `int`.
    pub fn int(&mut self, at: usize) -> Result<i32> {
        Ok(self.integer(at)? as i32)
    }

    /// An integer that may be absent.
    pub fn optional_integer(&mut self, at: usize, default: i64) -> Result<i64> {
        if self.arg(at).is_nil() { Ok(default) } else { self.integer(at) }
    }

    /// A value as a string, if it is one or a number.
    pub fn to_string(&mut self, value: Value) -> Option<StrId> {
        match value {
            Value::Str(id) => Some(id),
            Value::Number(number) => {
                let mut text = Vec::new();
                c::write_number(&mut text, number);
                Some(self.machine.heap.intern(&text))
            }
            _ => None,
        }
    }

    /// An argument that must be a string or a number. A number becomes a string, and stays one.
    #[inline]
    pub fn text(&mut self, at: usize) -> Result<StrId> {
        if let Value::Str(id) = self.arg(at) {
            return Ok(id);
        }
        match self.to_string(self.arg(at)) {
            Some(id) => {
                self.set_arg(at, Value::Str(id));
                Ok(id)
            }
            None => Err(self.type_error(at, "string")),
        }
    }

    /// A string that may be absent.
    pub fn optional_text(&mut self, at: usize) -> Result<Option<StrId>> {
        if self.arg(at).is_nil() { Ok(None) } else { self.text(at).map(Some) }
    }

    /// The text that a pattern is matched against: the first argument, or for `gmatch` the first value of its own.
    pub fn arg_or_upvalue(&self) -> Value {
        if self.count > 0 { self.arg(0) } else { self.upvalue(0) }
    }

    /// The pattern, which stands behind the text.
    pub fn pattern(&self) -> Value {
        if self.count > 0 { self.arg(1) } else { self.upvalue(1) }
    }

    /// What is left of the budget.
    pub fn budget(&self) -> i64 {
        self.machine.budget
    }

    /// Sets what is left of the budget.
    pub fn set_budget(&mut self, budget: i64) {
        self.machine.budget = budget;
    }

    /// What reading a table comes to, with metamethods.
    pub fn lookup(&mut self, table: Value, key: Value) -> Result<Lookup> {
        self.machine.lookup(table, key, None)
    }

    /// `rawget`.
    pub fn raw_get(&mut self, table: TableId, key: Value) -> Value {
        self.machine.heap.get(table, key)
    }

    /// `rawget` by a position, counted from 1.
    #[inline]
    pub fn position(&self, table: TableId, at: usize) -> Value {
        match at {
            0 => self.machine.heap.tables[table.0].get(&self.machine.heap.strings, Value::Number(0.0)),
            at => self.machine.heap.tables[table.0].get_position(&self.machine.heap.strings, at - 1),
        }
    }

    /// `rawset`, which a read-only table refuses.
    pub fn raw_set(&mut self, table: TableId, key: Value, value: Value) -> Result<()> {
        self.machine.raw_set(table, key, value)
    }

    /// What the metatable of a value says about an event; nil if nothing.
    pub(crate) fn event(&mut self, value: Value, event: Event) -> Value {
        self.machine.heap.event(value, event)
    }

    /// Makes room for a result of so many bytes, collecting garbage if need be. Values that are not on the stack may
    /// go.
    pub fn reserve(&mut self, bytes: usize) -> Result<Vec<u8>> {
        if self.machine.heap.check(bytes).is_err() {
            self.machine.collect();
        }
        self.charge(bytes / 32);
        self.machine.heap.buffer(bytes)
    }

    /// Makes room for values on the stack.
    pub fn room(&mut self, count: usize) -> Result<()> {
        let end = self.machine.now.top + count;
        self.machine.ensure_stack(end)
    }
}
