//! The machine: it runs code, one instruction after the other, and never recurses on the Rust stack.
//!
//! ```text
//!   Machine::run ─▶ execute ─┬▶ fast     plain instructions, as long as nothing unusual happens
//!                            ├▶ slow     the same instructions with metamethods, conversions, errors
//!                            ├▶ calls    frames come and go; native functions run here
//!                            └▶ errors   an error unwinds to the nearest pcall
//! ```
//! A metamethod or a callback of a native function is a frame like any other. The frame says what its result is for: it
//! finishes an instruction of the caller (`META`), or the caller's continuation gets it (`CONTINUES`). So a script can
//! be put aside between any two instructions, and the machine can be sent to another thread meanwhile.

pub(crate) mod call;
mod calls;
mod coroutines;
mod errors;
mod fast;
pub(crate) mod frame;
mod slow;

use crate::compile::code::Instr;
use crate::compile::parser;
use crate::memory::collect::Pace;
use crate::memory::heap::Heap;
use crate::memory::objects::{Closure, Code, Native, Status, Thread};
use crate::value::{NativeId, Result, StrId, TableId, ThreadId, Thrown, Value};
use call::{Host, LibraryFunction};
use frame::{Frame, flag};
use hashing::Hasher;
pub use slow::Lookup;

/// The state of `math.random` before anybody sets a seed.
const FIRST_RANDOM: u64 = 0x1234_ABCD_330E;
/// Registers that a frame may address.
pub(crate) const WINDOW: usize = 256;
/// The most calls on one stack.
const MOST_FRAMES: usize = 16_384;
/// The most values on one stack.
const MOST_STACK: usize = 1 << 20;
/// The most nested calls that begin in native code.
const MOST_NESTED: u32 = 200;

/// How a run ended. Its values stay alive until the next run; [`Machine::hold`] keeps one longer.
#[derive(Debug)]
pub enum Step {
    /// The function returned.
    Done(Vec<Value>),
    /// It failed, with this error value.
    Failed(Value),
    /// The budget is used up. [`Machine::run`] goes on.
    Paused,
    /// A host function waits. [`Machine::answer`] gives its results.
    Suspended,
}

/// Where an error was raised: the chunk, as it was named, and the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The chunk's name, as it was given to [`Machine::load`].
    pub source: Vec<u8>,
    /// The line; `None` in native code.
    pub line: Option<u32>,
}

/// A machine with its heap and globals.
pub struct Machine {
    pub(crate) heap: Heap,
    /// The thread that runs.
    pub(crate) now: Thread,
    pub(crate) running: ThreadId,
    pub(crate) main: ThreadId,
    /// Threads that resumed another and wait for it.
    pub(crate) resumers: Vec<ThreadId>,
    pub(crate) budget: i64,
    globals: TableId,
    /// Values that the host holds.
    held: Vec<Value>,
    pub(crate) random: u64,
    /// The processor time that `os.clock` shows, in seconds.
    pub(crate) clock: f64,
    site: Option<Site>,
    is_killed: bool,
    /// A buffer for short texts.
    scratch: Vec<u8>,
    /// A concatenation whose metamethod has returned: the frame's base, the instruction, the last register.
    pending_concat: Option<(usize, Instr, usize)>,
    /// The function that `ipairs` gives, which is one for all.
    pub(crate) ipairs_step: Option<NativeId>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Machine({} bytes)", self.heap.used)
    }
}

impl Machine {
    /// A machine without any library, whose objects may take so many bytes.
    pub fn new(memory_limit: usize) -> Machine {
        Machine::with_hasher(memory_limit, Hasher::of_process())
    }

    /// The same with a hash function of one's own. Scripts see no difference.
    pub fn with_hasher(memory_limit: usize, hasher: Hasher) -> Machine {
        let mut heap = Heap::new(hasher, usize::MAX);
        let globals = heap.table(0, 64).expect("there is no limit yet");
        let main = heap.thread(Thread::default()).expect("there is no limit yet");
        heap.limit = memory_limit;
        Machine {
            heap,
            now: Thread { status: Status::Running, ..Thread::default() },
            running: main,
            main,
            resumers: Vec::new(),
            budget: 0,
            globals,
            held: Vec::new(),
            random: FIRST_RANDOM,
            clock: 0.0,
            site: None,
            is_killed: false,
            scratch: Vec::new(),
            pending_concat: None,
            ipairs_step: None,
        }
    }

    /// The table of global variables.
    pub fn globals(&self) -> TableId {
        self.globals
    }

    /// The bytes that all objects take.
    pub fn used_bytes(&self) -> usize {
        self.heap.used
    }

    /// Sets how many bytes the objects may take.
    pub fn set_memory_limit(&mut self, bytes: usize) {
        self.heap.limit = bytes;
    }

    /// Sets the state of `math.random`, as `srand48` does.
    pub fn seed_random(&mut self, seed: i32) {
        self.random = u64::from(seed as u32) << 16 | 0x330E;
    }

    /// The next number of `lrand48`: the upper 31 of 48 bits.
    pub fn draw_random(&mut self) -> i32 {
        self.random = self.random.wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & 0xFFFF_FFFF_FFFF;
        (self.random >> 17) as i32
    }

    /// What `os.clock` shows, in seconds of processor time.
    pub fn clock(&self) -> f64 {
        self.clock
    }

    /// Sets what `os.clock` shows, in seconds of processor time.
    pub fn set_clock(&mut self, seconds: f64) {
        self.clock = seconds;
    }

    /// Makes a string.
    pub fn string(&mut self, bytes: &[u8]) -> Result<Value> {
        Ok(Value::Str(self.heap.string(bytes)?))
    }

    /// The bytes of a string.
    pub fn bytes(&self, id: StrId) -> &[u8] {
        self.heap.bytes(id)
    }

    /// Makes a table with room for positions and for other keys.
    pub fn table(&mut self, positions: usize, others: usize) -> Result<TableId> {
        self.heap.table(positions, others)
    }

    /// Makes the function that the host answers by a number.
    pub fn host_function(&mut self, number: u32) -> Result<Value> {
        Ok(Value::Native(self.heap.native(Native { code: Code::Host(number), upvalues: Box::default() })?))
    }

    /// Makes a function of a library.
    pub fn library_function(&mut self, function: LibraryFunction) -> Result<Value> {
        self.library_closure(function, &[])
    }

    /// Makes a function of a library that has values of its own.
    pub fn library_closure(&mut self, function: LibraryFunction, upvalues: &[Value]) -> Result<Value> {
        let native = Native { code: Code::Library(function), upvalues: upvalues.into() };
        Ok(Value::Native(self.heap.native(native)?))
    }

    /// Makes a library: a table of functions, under a global name.
    pub fn library(&mut self, name: &str, functions: &[(&str, LibraryFunction)]) -> Result<TableId> {
        let library = self.table(0, functions.len())?;
        self.fill(library, functions)?;
        let globals = self.globals();
        self.set_field(globals, name, Value::Table(library))?;
        Ok(library)
    }

    /// Puts functions into a table.
    pub(crate) fn fill(&mut self, table: TableId, functions: &[(&str, LibraryFunction)]) -> Result<()> {
        for (name, function) in functions {
            let function = self.library_function(*function)?;
            self.set_field(table, name, function)?;
        }
        Ok(())
    }

    /// Sets the metatable of all strings.
    pub fn set_string_metatable(&mut self, meta: TableId) {
        self.heap.string_meta = Some(meta);
    }

    /// Reads a table, without metamethods.
    pub fn get(&mut self, table: TableId, key: Value) -> Value {
        self.heap.get(table, key)
    }

    /// Writes a table, without metamethods, read-only or not.
    pub fn set(&mut self, table: TableId, key: Value, value: Value) -> Result<()> {
        self.heap.set(table, key, value)
    }

    /// Writes a field, without metamethods, read-only or not.
    pub fn set_field(&mut self, table: TableId, name: &str, value: Value) -> Result<()> {
        let key = self.string(name.as_bytes())?;
        self.heap.set(table, key, value)
    }

    /// The length of a table, as `#` gives it.
    pub fn length(&self, table: TableId) -> usize {
        self.heap.length(table)
    }

    /// The pair after a key in a table's iteration; nil begins it. `None` at the end, and for a key that is not there.
    pub fn next(&mut self, table: TableId, key: Value) -> Option<(Value, Value)> {
        let table = &self.heap.tables[table.0];
        let position = table.position_after(&self.heap.strings, key)?;
        table.pair_from(position).map(|(_, key, value)| (key, value))
    }

    /// The metatable of a table.
    pub fn metatable(&self, table: TableId) -> Option<TableId> {
        self.heap.tables[table.0].meta
    }

    /// Sets the metatable of a table, read-only or not.
    pub fn set_metatable(&mut self, table: TableId, meta: Option<TableId>) {
        self.heap.tables[table.0].meta = meta;
        if let Some(meta) = meta {
            self.heap.guard(table, Value::Nil, Value::Table(meta));
        }
    }

    /// The metatable of all strings.
    pub fn string_metatable(&self) -> Option<TableId> {
        self.heap.string_meta
    }

    /// Makes a table one that scripts cannot change, or that they can.
    pub fn set_readonly(&mut self, table: TableId, is_readonly: bool) {
        self.heap.tables[table.0].readonly = is_readonly;
    }

    /// Compiles a chunk into a function whose globals are in `env`. The name is as `loadstring` takes it: `@file`.
    ///
    /// # Errors
    /// The message, if the source is no Lua; precompiled code is refused.
    pub fn load(&mut self, source: &[u8], name: &[u8], env: TableId) -> Result<Value> {
        if source.first() == Some(&0x1B) {
            let mut text = crate::compile::code::chunk_id(name);
            text.extend_from_slice(b": bad code in precompiled chunk");
            return Err(Thrown::Value(Value::Str(self.message(&text))));
        }
        let proto = parser::compile(&mut self.heap, source, name)?;
        let closure = Closure { proto, env, upvalues: Box::default() };
        Ok(Value::Function(self.heap.closure(closure)?))
    }

    /// Holds a value: it stays alive until it is released. The number is given back to [`Machine::release`].
    pub fn hold(&mut self, value: Value) -> usize {
        if self.heap.collector.is_marking {
            self.heap.mark(value);
        }
        if let Some(free) = self.held.iter().position(|held| held.is_nil()) {
            self.held[free] = value;
            return free;
        }
        self.held.push(value);
        self.held.len() - 1
    }

    /// A value that is held.
    pub fn held(&self, number: usize) -> Value {
        self.held.get(number).copied().unwrap_or_default()
    }

    /// Lets a held value go.
    pub fn release(&mut self, number: usize) {
        if let Some(held) = self.held.get_mut(number) {
            *held = Value::Nil;
        }
    }

    /// Prepares the call of a function. Whatever ran before is dropped.
    pub fn begin(&mut self, function: Value, args: &[Value]) -> Result<()> {
        self.abandon();
        self.is_killed = false;
        self.site = None;
        self.ensure_stack(args.len() + 1)?;
        self.now.stack[0] = function;
        self.now.stack[1..=args.len()].copy_from_slice(args);
        self.now.top = args.len() + 1;
        Ok(())
    }

    /// Drops what runs: all stacks but an empty one.
    pub fn abandon(&mut self) {
        self.resumers.clear();
        self.pending_concat = None;
        let main = self.main;
        if self.running != main {
            self.close_upvalues(0);
            self.now.frames.clear();
            self.now.continuations.clear();
            self.now.status = Status::Dead;
            self.switch(main);
        }
        self.close_upvalues(0);
        self.now.frames.clear();
        self.now.continuations.clear();
        self.now.top = 0;
        self.now.nested = 0;
        self.now.status = Status::Running;
    }

    /// Runs what [`Machine::begin`] prepared, or goes on, until about so many instructions are done.
    pub fn run(&mut self, host: &mut dyn Host, budget: u64) -> Step {
        self.budget = i64::try_from(budget).unwrap_or(i64::MAX);
        if self.is_killed {
            return self.unwound(Thrown::Killed);
        }
        if self.now.frames.is_empty() && self.now.top > 0 {
            let args = self.now.top - 1;
            if let Err(thrown) = self.enter(host, 0, args, -1, flag::FIRST) {
                match self.unwind(thrown) {
                    Ok(()) => {}
                    Err(step) => return step,
                }
            }
        }
        self.go_on(host)
    }

    /// Gives the results of the host function that suspended the run, and goes on. An error is raised there.
    pub fn answer(
        &mut self,
        host: &mut dyn Host,
        results: std::result::Result<&[Value], Value>,
        budget: u64,
    ) -> Step {
        self.budget = i64::try_from(budget).unwrap_or(i64::MAX);
        let outcome = match results {
            Ok(values) => self.ensure_stack(self.now.top + values.len()).and_then(|()| {
                for value in values {
                    self.now.stack[self.now.top] = *value;
                    self.now.top += 1;
                }
                self.returned(self.now.top - values.len(), values.len())
            }),
            Err(value) => Err(Thrown::Value(value)),
        };
        match outcome {
            Ok(None) => {}
            Ok(Some(step)) => return step,
            Err(thrown) => {
                if let Err(step) = self.unwind(thrown) {
                    return step;
                }
            }
        }
        self.go_on(host)
    }

    /// Ends what runs at the next [`Machine::run`]: no `pcall` holds it up.
    pub fn kill(&mut self) {
        self.is_killed = true;
    }

    /// Where the last error that ended a run was raised.
    pub fn error_site(&self) -> Option<&Site> {
        self.site.as_ref()
    }

    /// Sets how many bytes of allocation are between two slices of the collector, and how many units of work a slice
    /// has: about one for 16 bytes; and to how many percent the heap grows between two cycles. Scripts see no difference.
    pub fn set_pace(&mut self, step_bytes: usize, work: usize, percent: usize) {
        let least = self.heap.collector.pace.least.min(step_bytes);
        self.heap.collector.pace = Pace { step: step_bytes.max(1), work: work.max(1), least };
        self.heap.collector.pause = percent.max(100);
        self.heap.collector.due = 1;
    }

    /// Runs a whole cycle of the collector.
    pub fn collect(&mut self) {
        let (now, running, main) = (&self.now, self.running, self.main);
        let (globals, held, resumers) = (self.globals, &self.held, &self.resumers);
        let step = self.ipairs_step;
        let mut roots = roots(now, [running, main], globals, step, held, resumers);
        self.heap.collect(&mut roots);
    }

    /// Does a slice of the collector's work, if one is due.
    #[inline]
    pub(crate) fn collect_if_due(&mut self) {
        if self.heap.is_due() {
            let (now, running, main) = (&self.now, self.running, self.main);
            let (globals, held, resumers) = (self.globals, &self.held, &self.resumers);
            let step = self.ipairs_step;
            let mut roots = roots(now, [running, main], globals, step, held, resumers);
            self.heap.slice(&mut roots);
        }
    }

    /// Does some work of the collector; true if a cycle ended.
    pub(crate) fn collect_some(&mut self, work: usize) -> bool {
        let (now, running, main) = (&self.now, self.running, self.main);
        let (globals, held, resumers) = (self.globals, &self.held, &self.resumers);
        let step = self.ipairs_step;
        let mut roots = roots(now, [running, main], globals, step, held, resumers);
        self.heap.advance(work, &mut roots)
    }

    /// Makes the stack at least so long, with room for a frame's registers.
    #[inline]
    pub(crate) fn ensure_stack(&mut self, end: usize) -> Result<()> {
        if end + WINDOW <= self.now.stack.len() { Ok(()) } else { self.grow_stack(end) }
    }

    #[cold]
    fn grow_stack(&mut self, end: usize) -> Result<()> {
        if end > MOST_STACK {
            return Err(self.runtime_error("stack overflow"));
        }
        let len = (end + WINDOW).next_power_of_two();
        let bytes = (len - self.now.stack.len()) * size_of::<Value>();
        self.heap.check(bytes)?;
        self.heap.used += bytes;
        self.now.counted += bytes;
        self.now.stack.resize(len, Value::Nil);
        Ok(())
    }

    /// `rawset`, which a read-only table refuses.
    pub(crate) fn raw_set(&mut self, table: TableId, key: Value, value: Value) -> Result<()> {
        if self.heap.tables[table.0].readonly {
            return Err(self.runtime_error("Attempt to modify a readonly table"));
        }
        match key {
            Value::Nil => return Err(self.runtime_error("table index is nil")),
            Value::Number(number) if number.is_nan() => return Err(self.runtime_error("table index is NaN")),
            _ => {}
        }
        self.heap.set(table, key, value)
    }

    /// A text for a message, which is made even when memory is used up.
    pub(crate) fn message(&mut self, text: &[u8]) -> StrId {
        match self.heap.string(text) {
            Ok(id) => id,
            Err(_) => self.heap.intern(b"not enough memory"),
        }
    }

    /// The frame that runs.
    pub(crate) fn frame(&mut self) -> &mut Frame {
        self.now.frames.last_mut().expect("something runs")
    }
}

/// Marks what no object names.
fn roots<'a>(
    now: &'a Thread,
    threads: [ThreadId; 2],
    globals: TableId,
    step: Option<NativeId>,
    held: &'a [Value],
    resumers: &'a [ThreadId],
) -> impl FnMut(&mut Heap) + 'a {
    move |heap| {
        heap.scan_stack(now);
        threads.iter().for_each(|thread| heap.mark_thread(*thread));
        heap.mark(step.map_or(Value::Nil, Value::Native));
        resumers.iter().for_each(|thread| heap.mark_thread(*thread));
        heap.mark(Value::Table(globals));
        held.iter().for_each(|value| heap.mark(*value));
    }
}
