//! A function that is being compiled: its blocks, its local variables, its constants.

use super::code::{Capture, Instr, LocalName, Op, Proto};
use super::lexer::Failure;
use crate::value::{StrId, Value};
use std::collections::HashMap;

/// The most local variables of a function.
pub(super) const MOST_LOCALS: usize = 200;
/// The most variables that a function takes from those around it.
pub(super) const MOST_UPVALUES: usize = 60;
/// The most registers of a function.
pub(super) const MOST_REGISTERS: u32 = 250;
/// The most constants of a function.
const MOST_CONSTANTS: usize = (1 << 18) - 1;
/// The end of a list of jumps.
pub(super) const NO_JUMP: i32 = -1;

pub(super) type Result<T> = std::result::Result<T, Failure>;

/// A block.
#[derive(Debug)]
pub(super) struct Block {
    /// The jumps of `break`s.
    pub(super) breaks: i32,
    /// How many variables were active outside.
    pub(super) active: usize,
    /// Whether a closure took one of its variables.
    pub(super) is_captured: bool,
    pub(super) is_loop: bool,
}

/// What is one constant. 0 and -0 are one, as in Lua 5.1: the first to be seen stands for both.
#[derive(PartialEq, Eq, Hash)]
enum ConstantKey {
    Nil,
    Bool(bool),
    Number(u64),
    Str(StrId),
}

/// A function that is being compiled.
pub(super) struct Function {
    pub(super) proto: Proto,
    /// The line of the word `function`; 0 for a chunk.
    pub(super) line_defined: u32,
    /// The line that new instructions get.
    pub(super) line: u32,
    pub(super) blocks: Vec<Block>,
    /// Active variables: places in `proto.locals`.
    pub(super) active: Vec<usize>,
    /// Variables that are declared and not active yet.
    pub(super) declared: Vec<usize>,
    /// The first free register.
    pub(super) free: u32,
    /// Jumps to the next instruction.
    pub(super) pending: i32,
    /// The last place that is a target of jumps: instructions before it are not merged with those after it.
    pub(super) last_target: i32,
    constants: HashMap<ConstantKey, usize>,
    /// Whether it has `...` in its parameters and has not used it.
    pub(super) may_need_arg: bool,
}

impl Function {
    pub(super) fn new(source: std::sync::Arc<[u8]>, line_defined: u32, line: u32) -> Function {
        let proto = Proto { source, registers: 2, ..Proto::default() };
        Function {
            proto,
            line_defined,
            line,
            blocks: Vec::new(),
            active: Vec::new(),
            declared: Vec::new(),
            free: 0,
            pending: NO_JUMP,
            last_target: NO_JUMP,
            constants: HashMap::new(),
            may_need_arg: false,
        }
    }

    pub(super) fn pc(&self) -> i32 {
        self.proto.code.len() as i32
    }

    /// A message about a limit.
    pub(super) fn limit(&self, limit: usize, what: &str) -> Failure {
        Failure::Plain(match self.line_defined {
            0 => format!("main function has more than {limit} {what}"),
            line => format!("function at line {line} has more than {limit} {what}"),
        })
    }

    /// Declares a variable, which becomes active later.
    pub(super) fn declare(&mut self, name: &[u8]) -> Result<()> {
        if self.active.len() + self.declared.len() + 1 > MOST_LOCALS {
            return Err(self.limit(MOST_LOCALS, "local variables"));
        }
        self.declared.push(self.proto.locals.len());
        self.proto.locals.push(LocalName { name: name.into(), start: 0, end: 0 });
        Ok(())
    }

    /// Makes the first `count` declared variables active.
    pub(super) fn activate(&mut self, count: usize) {
        let start = self.pc() as u32;
        for place in self.declared.drain(..count) {
            self.proto.locals[place].start = start;
            self.active.push(place);
        }
    }

    /// Ends variables until so many are active.
    pub(super) fn deactivate(&mut self, active: usize) {
        let end = self.pc() as u32;
        for place in self.active.drain(active..) {
            self.proto.locals[place].end = end;
        }
    }

    /// The register of an active variable.
    pub(super) fn local(&self, name: &[u8]) -> Option<u8> {
        self.active.iter().rposition(|place| *self.proto.locals[*place].name == *name).map(|at| at as u8)
    }

    /// Notes that a closure takes the variable of a register.
    pub(super) fn mark_captured(&mut self, register: u8) {
        let block = self.blocks.iter_mut().rev().find(|block| block.active <= usize::from(register));
        if let Some(block) = block {
            block.is_captured = true;
        }
    }

    /// The number of an upvalue, which is added if it is new.
    pub(super) fn upvalue(&mut self, name: &[u8], capture: Capture) -> Result<u8> {
        if let Some(at) = self.proto.captures.iter().position(|known| *known == capture) {
            return Ok(at as u8);
        }
        if self.proto.captures.len() + 1 > MOST_UPVALUES {
            return Err(self.limit(MOST_UPVALUES, "upvalues"));
        }
        self.proto.captures.push(capture);
        self.proto.upvalue_names.push(name.into());
        Ok(self.proto.captures.len() as u8 - 1)
    }

    /// The place of a constant.
    pub(super) fn constant(&mut self, value: Value) -> Result<usize> {
        let key = match value {
            Value::Nil => ConstantKey::Nil,
            Value::Bool(value) => ConstantKey::Bool(value),
            Value::Number(number) => ConstantKey::Number((number + 0.0).to_bits()),
            Value::Str(id) => ConstantKey::Str(id),
            _ => unreachable!("the parser makes no other constants"),
        };
        if let Some(place) = self.constants.get(&key) {
            return Ok(*place);
        }
        let place = self.proto.constants.len();
        if place >= MOST_CONSTANTS {
            return Err(Failure::Plain("constant table overflow".to_owned()));
        }
        self.proto.constants.push(value);
        self.constants.insert(key, place);
        Ok(place)
    }

    /// A string as an instruction carries it; it becomes a constant too, which keeps it alive.
    pub(super) fn name(&mut self, id: StrId) -> Result<i32> {
        self.constant(Value::Str(id))?;
        Ok(id.0 as i32)
    }

    /// Writes an instruction and gives its place.
    pub(super) fn emit(&mut self, op: Op, a: u8, b: u8, c: u8, x: i32) -> Result<i32> {
        let pc = self.pc();
        let pending = std::mem::replace(&mut self.pending, NO_JUMP);
        self.patch_tests(pending, pc, None, pc)?;
        self.proto.code.push(Instr { op, a, b, c, x });
        self.proto.lines.push(self.line);
        Ok(pc)
    }

    /// Gives the last instruction another line.
    pub(super) fn fix_line(&mut self, line: u32) {
        if let Some(last) = self.proto.lines.last_mut() {
            *last = line;
        }
    }

    /// Notes that so many registers will be used above the free one.
    pub(super) fn check_registers(&mut self, count: u32) -> Result<()> {
        let needed = self.free + count;
        if needed > u32::from(self.proto.registers) {
            if needed >= MOST_REGISTERS {
                return Err(Failure::Near("function or expression too complex"));
            }
            self.proto.registers = needed as u8;
        }
        Ok(())
    }

    /// Takes registers.
    pub(super) fn reserve(&mut self, count: u32) -> Result<()> {
        self.check_registers(count)?;
        self.free += count;
        Ok(())
    }

    /// Gives a register back, unless it belongs to a variable.
    pub(super) fn release(&mut self, register: u8) {
        if usize::from(register) >= self.active.len() {
            self.free -= 1;
        }
    }

    pub(super) fn enter(&mut self, is_loop: bool) {
        let active = self.active.len();
        self.blocks.push(Block { breaks: NO_JUMP, active, is_captured: false, is_loop });
    }

    pub(super) fn leave(&mut self) -> Result<()> {
        let Some(block) = self.blocks.pop() else { return Ok(()) };
        self.deactivate(block.active);
        if block.is_captured {
            self.emit(Op::Close, block.active as u8, 0, 0, 0)?;
        }
        self.free = self.active.len() as u32;
        self.patch_to_here(block.breaks)
    }
}
