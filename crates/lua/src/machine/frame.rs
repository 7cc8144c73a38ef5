//! The record of a call.

use super::call::{Call, Outcome};
use crate::value::{ClosureId, ProtoId, Result, TableId};

/// What a native function goes on with when what it waited for has come.
///
/// It holds no Lua values: those stay on the stack, where the collector sees them.
pub trait Continuation: Send {
    /// Goes on. The results of the call that was asked for are the last values on the stack, above [`Call::kept`].
    fn resume(self: Box<Self>, call: &mut Call<'_>) -> Result<Outcome>;
}

/// Whose frame it is, and what its end means.
pub(crate) mod flag {
    /// A native function.
    pub(crate) const NATIVE: u8 = 1;
    /// The result finishes an instruction of the caller, which called a metamethod.
    pub(crate) const META: u8 = 2;
    /// Called by native code: no yield can cross it.
    pub(crate) const NESTED: u8 = 4;
    /// `pcall` or `xpcall`: errors end here.
    pub(crate) const PROTECTED: u8 = 8;
    /// `xpcall`, with its handler in its second slot.
    pub(crate) const HANDLER: u8 = 16;
    /// It has a continuation.
    pub(crate) const CONTINUES: u8 = 32;
    /// The first call of its stack.
    pub(crate) const FIRST: u8 = 64;
    /// The comparison `a <= b` is carried out as `not (b < a)`.
    pub(crate) const NEGATED: u8 = 128;
}

/// The record of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    /// Where the function stands on the stack; its results go there.
    pub(crate) func: u32,
    /// Its first register or argument.
    pub(crate) base: u32,
    /// The next instruction; of a native function the number of its arguments.
    pub(crate) pc: u32,
    pub(crate) closure: ClosureId,
    pub(crate) proto: ProtoId,
    pub(crate) env: TableId,
    /// How many results the caller wants; -1: all.
    pub(crate) want: i32,
    pub(crate) flags: u8,
    /// How many registers it has.
    pub(crate) extent: u8,
    /// Calls that it replaced: `return f()`. Of `xpcall`, how often its handler failed.
    pub(crate) tail_calls: u16,
}

impl Frame {
    #[inline]
    pub(crate) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The function, if it is written in Lua.
    pub(crate) fn closure(&self) -> Option<ClosureId> {
        (!self.is(flag::NATIVE)).then_some(self.closure)
    }
}
