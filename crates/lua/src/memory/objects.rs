//! The other kinds of objects: functions, the variables they share, coroutines.

use crate::machine::frame::{Continuation, Frame};
use crate::value::{ProtoId, TableId, ThreadId, UpvalueId, Value};

/// A function written in Lua.
#[derive(Debug)]
pub(crate) struct Closure {
    pub(crate) proto: ProtoId,
    /// Where its globals are.
    pub(crate) env: TableId,
    pub(crate) upvalues: Box<[UpvalueId]>,
}

impl Default for Closure {
    fn default() -> Self {
        Closure { proto: ProtoId(0), env: TableId(0), upvalues: Box::default() }
    }
}

/// What a native function runs.
#[derive(Clone, Copy)]
pub(crate) enum Code {
    /// A function of a library.
    Library(crate::machine::call::LibraryFunction),
    /// The host's function of this number.
    Host(u32),
}

/// A function of a library or of the host.
#[derive(Clone)]
pub(crate) struct Native {
    pub(crate) code: Code,
    pub(crate) upvalues: Box<[Value]>,
}

impl Default for Native {
    fn default() -> Self {
        Native { code: Code::Host(u32::MAX), upvalues: Box::default() }
    }
}

/// A variable that closures share.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Upvalue {
    /// It still stands on a stack.
    Open(ThreadId, u32),
    /// The block that declared it has ended.
    Closed(Value),
}

impl Default for Upvalue {
    fn default() -> Self {
        Upvalue::Closed(Value::Nil)
    }
}

/// What a coroutine is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Status {
    /// Not started, or it has yielded.
    #[default]
    Suspended,
    /// It runs.
    Running,
    /// It has resumed another.
    Normal,
    /// It has returned or failed.
    Dead,
}

/// A coroutine: a stack with what stands on it.
#[derive(Default)]
pub(crate) struct Thread {
    pub(crate) stack: Vec<Value>,
    pub(crate) frames: Vec<Frame>,
    /// What native functions go on with, one for each frame that says so.
    pub(crate) continuations: Vec<Box<dyn Continuation>>,
    /// Open variables by their place on the stack, ascending.
    pub(crate) open: Vec<(u32, UpvalueId)>,
    /// The end of what native functions and open results use.
    pub(crate) top: usize,
    /// How many calls that began in native code or in a metamethod are on it.
    pub(crate) nested: u32,
    pub(crate) status: Status,
    /// The bytes of the stack that are counted.
    pub(crate) counted: usize,
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code {
            Code::Library(_) => f.write_str("Native(library)"),
            Code::Host(number) => write!(f, "Native(host {number})"),
        }
    }
}

impl std::fmt::Debug for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Thread({:?}, {} frames)", self.status, self.frames.len())
    }
}
