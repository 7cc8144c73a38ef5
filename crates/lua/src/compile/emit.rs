//! Expressions become code as late as possible: until its register is known, an expression is a description.

use super::code::Op;
use super::scope::{Function, NO_JUMP, Result};
use crate::value::{StrId, Value};

/// What indexes a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Key {
    Register(u8),
    Field(StrId),
    Constant(i32),
}

/// Where a value is, or what will make it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// No value.
    Void,
    Nil,
    True,
    False,
    Number(f64),
    Str(StrId),
    /// A variable, in its register.
    Local(u8),
    Upvalue(u8),
    Global(StrId),
    /// The table's register, and the key.
    Index(u8, Key),
    /// A comparison, by the place of its jump, which is taken when it is true.
    Jump(i32),
    /// An instruction whose target register is open.
    Open(i32),
    /// In a register that is not a variable's, or a variable's by now.
    Register(u8),
    Call(i32),
    VarArg(i32),
}

/// An expression: its value, and jumps out of it by which it is true or false.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exp {
    pub(super) kind: Kind,
    pub(super) yes: i32,
    pub(super) no: i32,
}

impl Exp {
    pub(super) fn new(kind: Kind) -> Exp {
        Exp { kind, yes: NO_JUMP, no: NO_JUMP }
    }

    pub(super) fn has_jumps(&self) -> bool {
        self.yes != self.no
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self.kind {
            Kind::Number(number) if self.yes == NO_JUMP && self.no == NO_JUMP => Some(number),
            _ => None,
        }
    }

    fn is_constant(&self) -> bool {
        !self.has_jumps()
            && matches!(self.kind, Kind::Nil | Kind::True | Kind::False | Kind::Number(_) | Kind::Str(_))
    }
}

impl Function {
    pub(super) fn release_exp(&mut self, exp: &Exp) {
        if let Kind::Register(register) = exp.kind {
            self.release(register);
        }
    }

    /// Reads a variable into an instruction whose register is open.
    pub(super) fn discharge(&mut self, exp: &mut Exp) -> Result<()> {
        exp.kind = match exp.kind {
            Kind::Local(register) => Kind::Register(register),
            Kind::Upvalue(number) => Kind::Open(self.emit(Op::GetUpvalue, 0, number, 0, 0)?),
            Kind::Global(id) => {
                let name = self.name(id)?;
                Kind::Open(self.emit(Op::GetGlobal, 0, 0, 0, name)?)
            }
            Kind::Index(table, key) => {
                if let Key::Register(register) = key {
                    self.release(register);
                }
                self.release(table);
                Kind::Open(match key {
                    Key::Register(register) => self.emit(Op::GetTable, 0, table, register, 0)?,
                    Key::Field(id) => {
                        let name = self.name(id)?;
                        self.emit(Op::GetField, 0, table, 0, name)?
                    }
                    Key::Constant(place) => self.emit(Op::GetConst, 0, table, 0, place)?,
                })
            }
            Kind::Call(_) | Kind::VarArg(_) => {
                self.set_one_result(exp);
                return Ok(());
            }
            kind => kind,
        };
        Ok(())
    }

    /// Makes a call or `...` give one value.
    pub(super) fn set_one_result(&mut self, exp: &mut Exp) {
        match exp.kind {
            Kind::Call(pc) => exp.kind = Kind::Register(self.proto.code[pc as usize].a),
            Kind::VarArg(pc) => {
                self.proto.code[pc as usize].b = 2;
                exp.kind = Kind::Open(pc);
            }
            _ => {}
        }
    }

    /// Makes a call or `...` give so many values; `None`: all.
    pub(super) fn set_results(&mut self, exp: &Exp, count: Option<u32>) -> Result<()> {
        let field = count.map_or(0, |count| count as u8 + 1);
        match exp.kind {
            Kind::Call(pc) => self.proto.code[pc as usize].c = field,
            Kind::VarArg(pc) => {
                let register = self.free as u8;
                let instr = &mut self.proto.code[pc as usize];
                (instr.b, instr.a) = (field, register);
                self.reserve(1)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn force_register_without_jumps(&mut self, exp: &mut Exp, register: u8) -> Result<()> {
        self.discharge(exp)?;
        match exp.kind {
            Kind::Nil => self.load_nil(register, 1)?,
            Kind::True | Kind::False => {
                self.emit(Op::LoadBool, register, u8::from(exp.kind == Kind::True), 0, 0)?;
            }
            Kind::Number(number) => {
                let place = self.constant(Value::Number(number))?;
                self.emit(Op::LoadK, register, 0, 0, place as i32)?;
            }
            Kind::Str(id) => {
                let place = self.constant(Value::Str(id))?;
                self.emit(Op::LoadK, register, 0, 0, place as i32)?;
            }
            Kind::Open(pc) => self.proto.code[pc as usize].a = register,
            Kind::Register(from) => {
                if from != register {
                    self.emit(Op::Move, register, from, 0, 0)?;
                }
            }
            _ => return Ok(()),
        }
        exp.kind = Kind::Register(register);
        Ok(())
    }

    fn force_any_register_without_jumps(&mut self, exp: &mut Exp) -> Result<()> {
        if let Kind::Register(_) = exp.kind {
            return Ok(());
        }
        self.reserve(1)?;
        self.force_register_without_jumps(exp, self.free as u8 - 1)
    }

    pub(super) fn force_register(&mut self, exp: &mut Exp, register: u8) -> Result<()> {
        self.force_register_without_jumps(exp, register)?;
        if let Kind::Jump(pc) = exp.kind {
            let mut yes = exp.yes;
            self.join(&mut yes, pc)?;
            exp.yes = yes;
        }
        if exp.has_jumps() {
            let (mut load_false, mut load_true) = (NO_JUMP, NO_JUMP);
            if self.needs_value(exp.yes) || self.needs_value(exp.no) {
                let over = if let Kind::Jump(_) = exp.kind { NO_JUMP } else { self.jump()? };
                self.label();
                load_false = self.emit(Op::LoadBool, register, 0, 1, 0)?;
                self.label();
                load_true = self.emit(Op::LoadBool, register, 1, 0, 0)?;
                self.patch_to_here(over)?;
            }
            let end = self.label();
            self.patch_tests(exp.no, end, Some(register), load_false)?;
            self.patch_tests(exp.yes, end, Some(register), load_true)?;
        }
        *exp = Exp::new(Kind::Register(register));
        Ok(())
    }

    pub(super) fn force_next_register(&mut self, exp: &mut Exp) -> Result<()> {
        self.discharge(exp)?;
        self.release_exp(exp);
        self.reserve(1)?;
        self.force_register(exp, self.free as u8 - 1)
    }

    pub(super) fn force_any_register(&mut self, exp: &mut Exp) -> Result<u8> {
        self.discharge(exp)?;
        if let Kind::Register(register) = exp.kind {
            if !exp.has_jumps() {
                return Ok(register);
            }
            if usize::from(register) >= self.active.len() {
                self.force_register(exp, register)?;
                return Ok(register);
            }
        }
        self.force_next_register(exp)?;
        let Kind::Register(register) = exp.kind else { unreachable!("just put there") };
        Ok(register)
    }

    pub(super) fn force_value(&mut self, exp: &mut Exp) -> Result<()> {
        if exp.has_jumps() { self.force_any_register(exp).map(drop) } else { self.discharge(exp) }
    }

    /// Leaves constants as they are; all else goes to a register.
    pub(super) fn force_operand(&mut self, exp: &mut Exp) -> Result<()> {
        self.force_value(exp)?;
        if exp.is_constant() && self.small_constant(exp)?.is_some() {
            return Ok(());
        }
        self.force_any_register(exp).map(drop)
    }

    /// The value of a constant.
    fn constant_value(exp: &Exp) -> Option<Value> {
        Some(match exp.kind {
            Kind::Nil => Value::Nil,
            Kind::True => Value::Bool(true),
            Kind::False => Value::Bool(false),
            Kind::Number(number) => Value::Number(number),
            Kind::Str(id) => Value::Str(id),
            _ => return None,
        })
    }

    /// The place of a constant, if it fits the field of an operand.
    fn small_constant(&mut self, exp: &Exp) -> Result<Option<u8>> {
        let Some(value) = Function::constant_value(exp).filter(|_| !exp.has_jumps()) else { return Ok(None) };
        if self.proto.constants.len() > 256 && !matches!(value, Value::Number(_)) {
            return Ok(None);
        }
        let place = self.constant(value)?;
        Ok(u8::try_from(place).ok())
    }

    /// Stores an expression in a variable.
    pub(super) fn store(&mut self, variable: &Exp, exp: &mut Exp) -> Result<()> {
        match variable.kind {
            Kind::Local(register) => {
                self.release_exp(exp);
                return self.force_register(exp, register);
            }
            Kind::Upvalue(number) => {
                let register = self.force_any_register(exp)?;
                self.emit(Op::SetUpvalue, register, number, 0, 0)?;
            }
            Kind::Global(id) => {
                let register = self.force_any_register(exp)?;
                let name = self.name(id)?;
                self.emit(Op::SetGlobal, register, 0, 0, name)?;
            }
            Kind::Index(table, key) => {
                self.force_operand(exp)?;
                let constant = self.small_constant(exp)?;
                let value = match constant {
                    Some(place) => place,
                    None => self.force_any_register(exp)?,
                };
                let is_constant = u8::from(constant.is_some());
                match key {
                    Key::Register(register) => {
                        let x = constant.map_or(-1, i32::from);
                        self.emit(Op::SetTable, table, register, value, x)?;
                    }
                    Key::Field(id) => {
                        let name = self.name(id)?;
                        self.emit(Op::SetField, table, is_constant, value, name)?;
                    }
                    Key::Constant(place) => {
                        self.emit(Op::SetConst, table, is_constant, value, place)?;
                    }
                }
            }
            _ => unreachable!("the parser stores in variables alone"),
        }
        self.release_exp(exp);
        Ok(())
    }

    /// `exp:key`
    pub(super) fn self_field(&mut self, exp: &mut Exp, key: StrId) -> Result<()> {
        let object = self.force_any_register(exp)?;
        self.release_exp(exp);
        let register = self.free as u8;
        self.reserve(2)?;
        let name = self.name(key)?;
        self.emit(Op::SelfField, register, object, 0, name)?;
        *exp = Exp::new(Kind::Register(register));
        Ok(())
    }

    /// Makes `table[key]` of a table in a register and a key.
    pub(super) fn index(&mut self, table: &mut Exp, key: &mut Exp) -> Result<()> {
        let Kind::Register(register) = table.kind else { unreachable!("the parser puts it there") };
        let key = match key.kind {
            Kind::Str(id) if !key.has_jumps() => {
                self.name(id)?;
                Key::Field(id)
            }
            Kind::Number(number) if !key.has_jumps() => {
                Key::Constant(self.constant(Value::Number(number))? as i32)
            }
            _ => Key::Register(self.force_any_register(key)?),
        };
        *table = Exp::new(Kind::Index(register, key));
        Ok(())
    }

    pub(super) fn load_nil(&mut self, from: u8, count: u32) -> Result<()> {
        let last = from + count as u8 - 1;
        if self.pc() > self.last_target {
            if self.pc() == 0 {
                // A function's registers are nil when it begins.
                if usize::from(from) >= self.active.len() {
                    return Ok(());
                }
            } else if let Some(previous) = self.proto.code.last_mut()
                && previous.op == Op::LoadNil
                && previous.a <= from
                && from <= previous.b + 1
            {
                previous.b = previous.b.max(last);
                return Ok(());
            }
        }
        self.emit(Op::LoadNil, from, last, 0, 0).map(drop)
    }

    fn invert(&mut self, pc: i32) {
        let instr = &mut self.proto.code[pc as usize];
        instr.a ^= 1;
    }

    /// A jump that is taken when the truth of an expression is `condition`.
    fn jump_if(&mut self, exp: &mut Exp, condition: bool) -> Result<i32> {
        if let Kind::Open(pc) = exp.kind {
            let instr = self.proto.code[pc as usize];
            if instr.op == Op::Not {
                self.proto.code.pop();
                self.proto.lines.pop();
                return self.emit(Op::Test, instr.b, 0, u8::from(!condition), NO_JUMP);
            }
        }
        self.force_any_register_without_jumps(exp)?;
        self.release_exp(exp);
        let Kind::Register(register) = exp.kind else { unreachable!("just put there") };
        self.emit(Op::TestSet, u8::MAX, register, u8::from(condition), NO_JUMP)
    }

    /// Goes on when the expression is true, else jumps.
    pub(super) fn go_if_true(&mut self, exp: &mut Exp) -> Result<()> {
        self.discharge(exp)?;
        let jump = match exp.kind {
            Kind::Str(_) | Kind::Number(_) | Kind::True => NO_JUMP,
            Kind::False => self.jump()?,
            Kind::Jump(pc) => {
                self.invert(pc);
                pc
            }
            _ => self.jump_if(exp, false)?,
        };
        let mut no = exp.no;
        self.join(&mut no, jump)?;
        exp.no = no;
        self.patch_to_here(exp.yes)?;
        exp.yes = NO_JUMP;
        Ok(())
    }

    /// Goes on when the expression is false, else jumps.
    pub(super) fn go_if_false(&mut self, exp: &mut Exp) -> Result<()> {
        self.discharge(exp)?;
        let jump = match exp.kind {
            Kind::Nil | Kind::False => NO_JUMP,
            Kind::True => self.jump()?,
            Kind::Jump(pc) => pc,
            _ => self.jump_if(exp, true)?,
        };
        let mut yes = exp.yes;
        self.join(&mut yes, jump)?;
        exp.yes = yes;
        self.patch_to_here(exp.no)?;
        exp.no = NO_JUMP;
        Ok(())
    }

    pub(super) fn not(&mut self, exp: &mut Exp) -> Result<()> {
        self.discharge(exp)?;
        match exp.kind {
            Kind::Nil | Kind::False => exp.kind = Kind::True,
            Kind::Str(_) | Kind::Number(_) | Kind::True => exp.kind = Kind::False,
            Kind::Jump(pc) => self.invert(pc),
            _ => {
                self.force_any_register_without_jumps(exp)?;
                self.release_exp(exp);
                let Kind::Register(register) = exp.kind else { unreachable!("just put there") };
                exp.kind = Kind::Open(self.emit(Op::Not, 0, register, 0, 0)?);
            }
        }
        std::mem::swap(&mut exp.yes, &mut exp.no);
        self.remove_values(exp.yes);
        self.remove_values(exp.no);
        Ok(())
    }

    /// `-exp` and `#exp`.
    pub(super) fn unary(&mut self, op: Op, exp: &mut Exp) -> Result<()> {
        if op == Op::Unm
            && let Some(number) = exp.number().filter(|number| !number.is_nan())
        {
            exp.kind = Kind::Number(-number);
            return Ok(());
        }
        let register = self.force_any_register(exp)?;
        self.release_exp(exp);
        *exp = Exp::new(Kind::Open(self.emit(op, 0, register, 0, 0)?));
        Ok(())
    }

    /// An arithmetic operator with its two operands.
    pub(super) fn arithmetic(&mut self, op: Op, left: &mut Exp, right: &mut Exp) -> Result<()> {
        if let (Some(a), Some(b)) = (left.number(), right.number())
            && let Some(result) = fold(op, a, b)
        {
            left.kind = Kind::Number(result);
            return Ok(());
        }
        self.force_operand(right)?;
        self.force_operand(left)?;
        let (op, a, b, x) = match (self.small_constant(left)?, self.small_constant(right)?) {
            (_, Some(constant)) => {
                let register = self.force_any_register(left)?;
                (with_constant(op, 6), register, 0, i32::from(constant))
            }
            (Some(constant), None) => {
                let register = self.force_any_register(right)?;
                (with_constant(op, 12), 0, register, i32::from(constant))
            }
            (None, None) => (op, self.force_any_register(left)?, self.force_any_register(right)?, 0),
        };
        self.release_two(left, right);
        *left = Exp::new(Kind::Open(self.emit(op, 0, a, b, x)?));
        Ok(())
    }

    /// Gives two registers back, the higher first.
    fn release_two(&mut self, left: &Exp, right: &Exp) {
        let register =
            |exp: &Exp| if let Kind::Register(register) = exp.kind { i32::from(register) } else { -1 };
        if register(left) > register(right) {
            self.release_exp(left);
            self.release_exp(right);
        } else {
            self.release_exp(right);
            self.release_exp(left);
        }
    }

    /// A comparison, which is taken when it comes out as `condition`.
    pub(super) fn compare(&mut self, op: Op, condition: bool, left: &mut Exp, right: &mut Exp) -> Result<()> {
        self.force_operand(left)?;
        self.force_operand(right)?;
        let (op, b, c) = match (self.small_constant(left)?, self.small_constant(right)?) {
            (_, Some(constant)) => {
                let op = match op {
                    Op::Eq => Op::EqK,
                    Op::Lt => Op::LtK,
                    _ => Op::LeK,
                };
                (op, self.force_any_register(left)?, constant)
            }
            (Some(constant), None) => {
                let op = match op {
                    Op::Eq => Op::EqK,
                    Op::Lt => Op::KLt,
                    _ => Op::KLe,
                };
                (op, self.force_any_register(right)?, constant)
            }
            (None, None) => (op, self.force_any_register(left)?, self.force_any_register(right)?),
        };
        self.release_two(left, right);
        *left = Exp::new(Kind::Jump(self.emit(op, u8::from(condition), b, c, NO_JUMP)?));
        Ok(())
    }

    /// `left .. right`, where left stands in the register below right's.
    pub(super) fn concat(&mut self, left: &mut Exp, right: &mut Exp) -> Result<()> {
        self.force_value(right)?;
        let Kind::Register(first) = left.kind else { unreachable!("the parser put it there") };
        if let Kind::Open(pc) = right.kind
            && self.proto.code[pc as usize].op == Op::Concat
        {
            self.release_exp(left);
            self.proto.code[pc as usize].b = first;
            left.kind = right.kind;
            left.yes = right.yes;
            left.no = right.no;
            return Ok(());
        }
        self.force_next_register(right)?;
        let Kind::Register(last) = right.kind else { unreachable!("just put there") };
        self.release_two(left, right);
        *left = Exp::new(Kind::Open(self.emit(Op::Concat, 0, first, last, 0)?));
        Ok(())
    }
}

/// The form of an arithmetic operator with a constant operand.
fn with_constant(op: Op, distance: u8) -> Op {
    const OPS: [Op; 18] = [
        Op::Add,
        Op::Sub,
        Op::Mul,
        Op::Div,
        Op::Mod,
        Op::Pow,
        Op::AddK,
        Op::SubK,
        Op::MulK,
        Op::DivK,
        Op::ModK,
        Op::PowK,
        Op::KAdd,
        Op::KSub,
        Op::KMul,
        Op::KDiv,
        Op::KMod,
        Op::KPow,
    ];
    OPS.iter().position(|known| *known == op).map_or(op, |at| OPS[at + usize::from(distance)])
}

/// What Lua computes for two numbers.
#[inline]
pub(crate) fn compute(op: Op, a: f64, b: f64) -> f64 {
    match op {
        Op::Add | Op::AddK | Op::KAdd => a + b,
        Op::Sub | Op::SubK | Op::KSub => a - b,
        Op::Mul | Op::MulK | Op::KMul => a * b,
        Op::Div | Op::DivK | Op::KDiv => a / b,
        Op::Mod | Op::ModK | Op::KMod => modulo(a, b),
        _ => a.powf(b),
    }
}

/// `a % b`: the remainder has the sign of the divisor.
#[inline]
pub(crate) fn modulo(a: f64, b: f64) -> f64 {
    a - (a / b).floor() * b
}

/// An operation of two constants, unless its result may surprise.
fn fold(op: Op, a: f64, b: f64) -> Option<f64> {
    if matches!(op, Op::Div | Op::Mod) && b == 0.0 {
        return None;
    }
    let result = compute(op, a, b);
    (!result.is_nan()).then_some(result)
}
