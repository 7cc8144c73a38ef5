//! The grammar of expressions.

use super::code::{Op, small_float};
use super::emit::{Exp, Kind};
use super::lexer::{Failure, Kind as Token};
use super::parser::Parser;
use super::scope::{MOST_REGISTERS, Result};
use crate::value::StrId;

/// How many items of a constructor are stored at once.
const BATCH: u32 = 50;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Binary {
    Arithmetic(Op),
    Concat,
    Ne,
    Eq,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
}

impl Binary {
    /// The operator of a token, with how strongly it binds to the left and to the right.
    fn of(token: Token) -> Option<(Binary, u8, u8)> {
        Some(match token {
            Token::Byte(b'+') => (Binary::Arithmetic(Op::Add), 6, 6),
            Token::Byte(b'-') => (Binary::Arithmetic(Op::Sub), 6, 6),
            Token::Byte(b'*') => (Binary::Arithmetic(Op::Mul), 7, 7),
            Token::Byte(b'/') => (Binary::Arithmetic(Op::Div), 7, 7),
            Token::Byte(b'%') => (Binary::Arithmetic(Op::Mod), 7, 7),
            Token::Byte(b'^') => (Binary::Arithmetic(Op::Pow), 10, 9),
            Token::Concat => (Binary::Concat, 5, 4),
            Token::Ne => (Binary::Ne, 3, 3),
            Token::Eq => (Binary::Eq, 3, 3),
            Token::Byte(b'<') => (Binary::Lt, 3, 3),
            Token::Le => (Binary::Le, 3, 3),
            Token::Byte(b'>') => (Binary::Gt, 3, 3),
            Token::Ge => (Binary::Ge, 3, 3),
            Token::And => (Binary::And, 2, 2),
            Token::Or => (Binary::Or, 1, 1),
            _ => return None,
        })
    }
}

/// How strongly `not`, `-` and `#` bind.
const UNARY: u8 = 8;

impl Parser<'_, '_> {
    pub(super) fn expression(&mut self) -> Result<Exp> {
        self.binary(0)
    }

    fn binary(&mut self, limit: u8) -> Result<Exp> {
        self.deeper()?;
        let unary = match self.kind() {
            Token::Not => Some(Op::Not),
            Token::Byte(b'-') => Some(Op::Unm),
            Token::Byte(b'#') => Some(Op::Len),
            _ => None,
        };
        let mut left = if let Some(op) = unary {
            self.advance()?;
            let mut operand = self.binary(UNARY)?;
            match op {
                Op::Not => self.function().not(&mut operand)?,
                _ => self.function().unary(op, &mut operand)?,
            }
            operand
        } else {
            self.simple()?
        };
        while let Some((operator, binds_left, binds_right)) = Binary::of(self.kind()) {
            if binds_left <= limit {
                break;
            }
            self.advance()?;
            self.first_operand(operator, &mut left)?;
            let mut right = self.binary(binds_right)?;
            self.second_operand(operator, &mut left, &mut right)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    /// What has to happen to the left operand before the right one is read.
    fn first_operand(&mut self, operator: Binary, left: &mut Exp) -> Result<()> {
        let function = self.function();
        match operator {
            Binary::And => function.go_if_true(left),
            Binary::Or => function.go_if_false(left),
            Binary::Concat => function.force_next_register(left),
            Binary::Arithmetic(_) if left.number().is_some() => Ok(()),
            _ => function.force_operand(left),
        }
    }

    fn second_operand(&mut self, operator: Binary, left: &mut Exp, right: &mut Exp) -> Result<()> {
        let function = self.function();
        match operator {
            Binary::And => {
                function.discharge(right)?;
                let mut no = right.no;
                function.join(&mut no, left.no)?;
                *left = Exp { no, ..*right };
                Ok(())
            }
            Binary::Or => {
                function.discharge(right)?;
                let mut yes = right.yes;
                function.join(&mut yes, left.yes)?;
                *left = Exp { yes, ..*right };
                Ok(())
            }
            Binary::Concat => function.concat(left, right),
            Binary::Arithmetic(op) => function.arithmetic(op, left, right),
            Binary::Eq => function.compare(Op::Eq, true, left, right),
            Binary::Ne => function.compare(Op::Eq, false, left, right),
            Binary::Lt => function.compare(Op::Lt, true, left, right),
            Binary::Le => function.compare(Op::Le, true, left, right),
            Binary::Gt | Binary::Ge => {
                let op = if operator == Binary::Gt { Op::Lt } else { Op::Le };
                function.compare(op, true, right, left)?;
                *left = *right;
                Ok(())
            }
        }
    }

    fn simple(&mut self) -> Result<Exp> {
        let kind = match self.kind() {
            Token::Number => Kind::Number(self.lexer.token.number),
            Token::Str => Kind::Str(self.text()?),
            Token::Nil => Kind::Nil,
            Token::True => Kind::True,
            Token::False => Kind::False,
            Token::Dots => {
                if !self.function().proto.is_vararg {
                    return Err(Failure::Near("cannot use '...' outside a vararg function"));
                }
                let function = self.function();
                function.may_need_arg = false;
                Kind::VarArg(function.emit(Op::VarArg, 0, 1, 0, 0)?)
            }
            Token::Byte(b'{') => return self.constructor(),
            Token::Function => {
                self.advance()?;
                let line = self.line();
                return self.body(false, line);
            }
            _ => return self.primary(),
        };
        self.advance()?;
        Ok(Exp::new(kind))
    }

    /// A name or an expression in brackets.
    fn prefix(&mut self) -> Result<Exp> {
        match self.kind() {
            Token::Byte(b'(') => {
                let line = self.line();
                self.advance()?;
                let mut exp = self.expression()?;
                self.match_close(Token::Byte(b')'), Token::Byte(b'('), line)?;
                self.function().discharge(&mut exp)?;
                Ok(exp)
            }
            Token::Name => {
                let name = self.name()?;
                self.variable(name)
            }
            _ => Err(Failure::Near("unexpected symbol")),
        }
    }

    pub(super) fn primary(&mut self) -> Result<Exp> {
        let mut exp = self.prefix()?;
        loop {
            match self.kind() {
                Token::Byte(b'.') => self.field(&mut exp)?,
                Token::Byte(b'[') => {
                    self.function().force_any_register(&mut exp)?;
                    let mut key = self.index_key()?;
                    self.function().index(&mut exp, &mut key)?;
                }
                Token::Byte(b':') => {
                    self.advance()?;
                    let key = self.name()?;
                    self.function().self_field(&mut exp, key)?;
                    self.arguments(&mut exp)?;
                }
                Token::Byte(b'(' | b'{') | Token::Str => {
                    self.function().force_next_register(&mut exp)?;
                    self.arguments(&mut exp)?;
                }
                _ => return Ok(exp),
            }
        }
    }

    /// `.name`
    pub(super) fn field(&mut self, exp: &mut Exp) -> Result<()> {
        self.function().force_any_register(exp)?;
        self.advance()?;
        let name = self.name()?;
        self.function().index(exp, &mut Exp::new(Kind::Str(name)))
    }

    /// `[key]`
    fn index_key(&mut self) -> Result<Exp> {
        self.advance()?;
        let mut key = self.expression()?;
        self.function().force_value(&mut key)?;
        self.expect(Token::Byte(b']'))?;
        Ok(key)
    }

    fn arguments(&mut self, function: &mut Exp) -> Result<()> {
        let line = self.line();
        let mut last = match self.kind() {
            Token::Byte(b'(') => {
                if line != self.last_line() {
                    return Err(Failure::Near("ambiguous syntax (function call x new statement)"));
                }
                self.advance()?;
                let last = if self.kind() == Token::Byte(b')') {
                    Exp::new(Kind::Void)
                } else {
                    let (last, _) = self.expressions()?;
                    self.function().set_results(&last, None)?;
                    last
                };
                self.match_close(Token::Byte(b')'), Token::Byte(b'('), line)?;
                last
            }
            Token::Byte(b'{') => self.constructor()?,
            Token::Str => {
                let text = self.text()?;
                self.advance()?;
                Exp::new(Kind::Str(text))
            }
            _ => return Err(Failure::Near("function arguments expected")),
        };
        let Kind::Register(base) = function.kind else { unreachable!("the caller put it there") };
        let is_open = matches!(last.kind, Kind::Call(_) | Kind::VarArg(_));
        let state = self.function();
        let count = if is_open {
            0
        } else {
            if last.kind != Kind::Void {
                state.force_next_register(&mut last)?;
            }
            (state.free - u32::from(base)) as u8
        };
        *function = Exp::new(Kind::Call(state.emit(Op::Call, base, count, 2, 0)?));
        state.fix_line(line);
        // The results take the places of the function and its arguments.
        state.free = u32::from(base) + 1;
        Ok(())
    }

    /// Expressions with commas. All but the last are in registers.
    pub(super) fn expressions(&mut self) -> Result<(Exp, u32)> {
        let mut count = 1;
        let mut exp = self.expression()?;
        while self.kind() == Token::Byte(b',') {
            self.advance()?;
            self.function().force_next_register(&mut exp)?;
            exp = self.expression()?;
            count += 1;
        }
        Ok((exp, count))
    }

    fn constructor(&mut self) -> Result<Exp> {
        let line = self.line();
        let pc = self.function().emit(Op::NewTable, 0, 0, 0, 0)?;
        let mut table = Exp::new(Kind::Open(pc));
        self.function().force_next_register(&mut table)?;
        let Kind::Register(register) = table.kind else { unreachable!("just put there") };
        let (mut items, mut fields, mut waiting) = (0_u32, 0_u32, 0_u32);
        let mut item = Exp::new(Kind::Void);
        self.expect_here(Token::Byte(b'{'))?;
        self.advance()?;
        while self.kind() != Token::Byte(b'}') {
            if item.kind != Kind::Void {
                self.function().force_next_register(&mut item)?;
                item = Exp::new(Kind::Void);
                if waiting == BATCH {
                    self.flush(register, items, waiting)?;
                    waiting = 0;
                }
            }
            let is_field = match self.kind() {
                Token::Name => self.lexer.peek()? == Token::Byte(b'='),
                Token::Byte(b'[') => true,
                _ => false,
            };
            if is_field {
                self.named_item(register)?;
                fields += 1;
            } else {
                item = self.expression()?;
                items += 1;
                waiting += 1;
            }
            if !matches!(self.kind(), Token::Byte(b',' | b';')) {
                break;
            }
            self.advance()?;
        }
        self.match_close(Token::Byte(b'}'), Token::Byte(b'{'), line)?;
        if waiting > 0 {
            if matches!(item.kind, Kind::Call(_) | Kind::VarArg(_)) {
                self.function().set_results(&item, None)?;
                self.flush(register, items, 0)?;
                items -= 1;
                self.function().free = u32::from(register) + 1;
            } else {
                if item.kind != Kind::Void {
                    self.function().force_next_register(&mut item)?;
                }
                self.flush(register, items, waiting)?;
            }
        }
        let instr = &mut self.function().proto.code[pc as usize];
        instr.x = i32::try_from(super::code::from_small_float(small_float(items))).unwrap_or(i32::MAX);
        instr.c = small_float(fields);
        Ok(table)
    }

    /// Stores the waiting items; 0: all that there are, with an open end.
    fn flush(&mut self, table: u8, items: u32, waiting: u32) -> Result<()> {
        let first = match waiting {
            0 => (items - 1) / BATCH * BATCH,
            waiting => items - waiting,
        };
        let function = self.function();
        function.emit(Op::SetList, table, waiting as u8, 0, first as i32)?;
        function.free = u32::from(table) + 1;
        Ok(())
    }

    /// `name = value` or `[key] = value`
    fn named_item(&mut self, table: u8) -> Result<()> {
        let free = self.function().free;
        let mut key = match self.kind() {
            Token::Name => Exp::new(Kind::Str(self.name()?)),
            _ => self.index_key()?,
        };
        self.expect(Token::Byte(b'='))?;
        let mut place = Exp::new(Kind::Register(table));
        self.function().index(&mut place, &mut key)?;
        let mut value = self.expression()?;
        self.function().store(&place, &mut value)?;
        self.function().free = free;
        Ok(())
    }

    /// The text of the current token.
    pub(super) fn text(&mut self) -> Result<StrId> {
        let text = std::mem::take(&mut self.lexer.token.text);
        let id = self.heap.string_of(text).map_err(|_| Failure::Memory)?;
        // It may be the key of an instruction.
        self.heap.strings.prepare_key(id);
        Ok(id)
    }

    /// Takes registers for what a call needs at least.
    pub(super) fn room(&mut self, count: u32) -> Result<()> {
        debug_assert!(count < MOST_REGISTERS);
        self.function().check_registers(count)
    }
}
