//! Code: instructions for a machine with up to 250 registers a function.
//!
//! ```text
//!   | op 8 | a 8 | b 8 | c 8 | x 32 |      a, b, c: registers or small numbers; x: constant, string, jump or count
//! ```
//! R is a register, K a constant. A test carries its own jump, which is relative to the next instruction.

use crate::value::{ProtoId, Value};

/// What an instruction does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Op {
    /// R(a) := R(b)
    Move,
    /// R(a) := K(x)
    LoadK,
    /// R(a) := b; skip the next instruction if c
    LoadBool,
    /// R(a), …, R(b) := nil
    LoadNil,
    /// R(a) := upvalue b
    GetUpvalue,
    /// upvalue b := R(a)
    SetUpvalue,
    /// R(a) := the global named x
    GetGlobal,
    /// the global named x := R(a)
    SetGlobal,
    /// R(a) := R(b)[R(c)]
    GetTable,
    /// R(a) := R(b)[the string x]
    GetField,
    /// R(a) := R(b)[K(x)]
    GetConst,
    /// R(a)[R(b)] := R(c), or K(x) if x is not negative
    SetTable,
    /// R(a)[the string x] := R(c), or K(c) if b
    SetField,
    /// R(a)[K(x)] := R(c), or K(c) if b
    SetConst,
    /// R(a) := {}, with room for x positions and c entries, c as a small float
    NewTable,
    /// R(a+1) := R(b); R(a) := R(b)[the string x]
    SelfField,
    /// R(a) := R(b) op R(c)
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    /// R(a) := R(b) op K(x)
    AddK,
    SubK,
    MulK,
    DivK,
    ModK,
    PowK,
    /// R(a) := K(x) op R(c)
    KAdd,
    KSub,
    KMul,
    KDiv,
    KMod,
    KPow,
    /// R(a) := -R(b)
    Unm,
    /// R(a) := not R(b)
    Not,
    /// R(a) := #R(b)
    Len,
    /// R(a) := R(b) .. … .. R(c)
    Concat,
    /// jump x
    Jump,
    /// jump x if (R(b) == R(c)) is a
    Eq,
    /// jump x if (R(b) == K(c)) is a
    EqK,
    /// jump x if (R(b) < R(c)) is a
    Lt,
    /// jump x if (R(b) < K(c)) is a
    LtK,
    /// jump x if (K(c) < R(b)) is a
    KLt,
    /// jump x if (R(b) <= R(c)) is a
    Le,
    /// jump x if (R(b) <= K(c)) is a
    LeK,
    /// jump x if (K(c) <= R(b)) is a
    KLe,
    /// jump x if the truth of R(a) is c
    Test,
    /// if the truth of R(b) is c: R(a) := R(b), jump x
    TestSet,
    /// R(a), …, R(a+c-2) := R(a)(R(a+1), …, R(a+b-1)); b or c 0: as many as there are
    Call,
    /// return R(a)(R(a+1), …, R(a+b-1))
    TailCall,
    /// return R(a), …, R(a+b-2); b 0: as many as there are
    Return,
    /// R(a) += R(a+2); if it is not beyond R(a+1): R(a+3) := R(a), jump x
    ForLoop,
    /// R(a) -= R(a+2); jump x
    ForPrep,
    /// R(a+3), …, R(a+2+c) := R(a)(R(a+1), R(a+2))
    ForCall,
    /// if R(a+3) is not nil: R(a+2) := R(a+3), jump x
    ForTest,
    /// R(a)[x+i] := R(a+i), 1 <= i <= b; b 0: as many as there are
    SetList,
    /// close the variables from R(a) on
    Close,
    /// R(a) := a function made of inner function x
    Closure,
    /// R(a), …, R(a+b-2) := the arguments beyond the named ones; b 0: all
    VarArg,
}

/// An instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Instr {
    pub(crate) op: Op,
    pub(crate) a: u8,
    pub(crate) b: u8,
    pub(crate) c: u8,
    pub(crate) x: i32,
}

const _: () = assert!(size_of::<Instr>() == 8);

/// A local variable, for messages: its name, and where it is visible.
#[derive(Clone, Debug)]
pub(crate) struct LocalName {
    pub(crate) name: Box<[u8]>,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Where a new closure finds one of its variables: on the stack of the function around it, or among its upvalues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capture {
    Register(u8),
    Upvalue(u8),
}

/// A compiled function.
#[derive(Debug, Default)]
pub(crate) struct Proto {
    pub(crate) code: Vec<Instr>,
    pub(crate) constants: Vec<Value>,
    pub(crate) protos: Vec<ProtoId>,
    pub(crate) captures: Vec<Capture>,
    pub(crate) lines: Vec<u32>,
    pub(crate) locals: Vec<LocalName>,
    pub(crate) upvalue_names: Vec<Box<[u8]>>,
    /// The chunk's name, as it was given to the compiler.
    pub(crate) source: std::sync::Arc<[u8]>,
    /// Named parameters.
    pub(crate) params: u8,
    pub(crate) is_vararg: bool,
    /// Whether the function wants its extra arguments as the table `arg`.
    pub(crate) needs_arg: bool,
    /// How many registers it uses.
    pub(crate) registers: u8,
}

impl Proto {
    /// The bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let names: usize = self.locals.iter().map(|local| size_of::<LocalName>() + local.name.len()).sum();
        let upvalues: usize = self.upvalue_names.iter().map(|name| 16 + name.len()).sum();
        size_of::<Proto>()
            + self.code.capacity() * (size_of::<Instr>() + size_of::<u32>())
            + self.constants.capacity() * size_of::<Value>()
            + self.protos.capacity() * size_of::<ProtoId>()
            + names
            + upvalues
    }

    /// The line of an instruction.
    pub(crate) fn line(&self, pc: usize) -> u32 {
        self.lines.get(pc).copied().unwrap_or(0)
    }
}

/// The longest name of a chunk in messages, with the end mark that C needs.
const ID_SIZE: usize = 60;

/// A chunk's name as messages show it.
pub(crate) fn chunk_id(source: &[u8]) -> Vec<u8> {
    match source.first() {
        Some(b'=') => source[1..].iter().copied().take(ID_SIZE - 1).collect(),
        Some(b'@') => {
            let name = &source[1..];
            let room = ID_SIZE - " '...' ".len() - 1;
            match name.len().checked_sub(room) {
                Some(cut) if cut > 0 => [b"...", &name[cut..]].concat(),
                _ => name.to_vec(),
            }
        }
        _ => {
            let line =
                source.iter().position(|byte| *byte == b'\n' || *byte == b'\r').unwrap_or(source.len());
            let room = ID_SIZE - " [string \"...\"] ".len() - 1;
            let shown = line.min(room);
            let dots: &[u8] = if shown < source.len() { b"..." } else { b"" };
            [b"[string \"", &source[..shown], dots, b"\"]"].concat()
        }
    }
}

/// Numbers of entries as `NewTable` carries them: three bits of mantissa, five of exponent, rounded up.
pub(crate) fn small_float(mut number: u32) -> u8 {
    let mut exponent = 0;
    while number >= 16 {
        number = (number + 1) >> 1;
        exponent += 1;
    }
    if number < 8 { number as u8 } else { ((exponent + 1) << 3) | (number as u8 - 8) }
}

/// The number that a small float stands for.
pub(crate) fn from_small_float(float: u8) -> u32 {
    match float >> 3 {
        0 => u32::from(float),
        exponent => (u32::from(float & 7) + 8) << (exponent - 1),
    }
}
