//! The grammar of statements, and the compiler's entrance.

use super::code::{Capture, Op};
use super::emit::{Exp, Kind};
use super::lexer::{Failure, Kind as Token, LEVELS, Lexer};
use super::scope::{Function, NO_JUMP, Result};
use crate::memory::heap::Heap;
use crate::value::{ProtoId, StrId, Thrown, Value};

/// Reads one chunk.
pub(super) struct Parser<'s, 'h> {
    pub(super) lexer: Lexer<'s>,
    pub(super) heap: &'h mut Heap,
    functions: Vec<Function>,
    /// How deep expressions and blocks are nested.
    pub(super) depth: u32,
}

/// Compiles a chunk. The name is as `loadstring` takes it: `@file`, `=name`, or the text itself.
pub(crate) fn compile(heap: &mut Heap, source: &[u8], name: &[u8]) -> std::result::Result<ProtoId, Thrown> {
    // The code of a chunk takes a small multiple of its text.
    heap.check(source.len())?;
    let lexer = Lexer::new(source, name);
    let mut parser = Parser { lexer, heap, functions: Vec::new(), depth: 1 };
    let failure = match parser.chunk() {
        Ok(proto) => return Ok(proto),
        Err(failure) => failure,
    };
    let failure = match failure {
        Failure::Near(message) => parser.lexer.syntax(message),
        Failure::Plain(message) => parser.lexer.failure(&message, None),
        failure => failure,
    };
    match failure {
        Failure::Syntax(text) => Err(Thrown::Value(Value::Str(parser.heap.string(&text)?))),
        _ => Err(Thrown::Memory),
    }
}

impl Parser<'_, '_> {
    fn chunk(&mut self) -> Result<ProtoId> {
        self.functions.push(Function::new(self.lexer.name.clone(), 0, 1));
        self.function().proto.is_vararg = true;
        self.function().enter(false);
        self.advance()?;
        self.block_body()?;
        self.expect_here(Token::Eos)?;
        self.close_function()
    }

    #[inline]
    pub(super) fn function(&mut self) -> &mut Function {
        self.functions.last_mut().expect("a chunk is a function")
    }

    #[inline]
    pub(super) fn kind(&self) -> Token {
        self.lexer.token.kind
    }

    pub(super) fn line(&self) -> u32 {
        self.lexer.line
    }

    pub(super) fn last_line(&self) -> u32 {
        self.lexer.last_line
    }

    pub(super) fn advance(&mut self) -> Result<()> {
        self.lexer.advance()?;
        let line = self.lexer.last_line;
        self.function().line = line;
        Ok(())
    }

    /// Goes one level deeper; the caller comes back up.
    pub(super) fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > LEVELS {
            return Err(Failure::Plain("chunk has too many syntax levels".to_owned()));
        }
        Ok(())
    }

    fn expected(&self, token: Token) -> Failure {
        let text = String::from_utf8_lossy(&token.text()).into_owned();
        self.lexer.syntax(&format!("'{text}' expected"))
    }

    pub(super) fn expect_here(&mut self, token: Token) -> Result<()> {
        if self.kind() == token { Ok(()) } else { Err(self.expected(token)) }
    }

    pub(super) fn expect(&mut self, token: Token) -> Result<()> {
        self.expect_here(token)?;
        self.advance()
    }

    /// Expects what closes something that was opened on a line.
    pub(super) fn match_close(&mut self, close: Token, open: Token, line: u32) -> Result<()> {
        if self.kind() == close {
            return self.advance();
        }
        if line == self.line() {
            return Err(self.expected(close));
        }
        let (close, open) = (close.text(), open.text());
        let (close, open) = (String::from_utf8_lossy(&close), String::from_utf8_lossy(&open));
        Err(self.lexer.syntax(&format!("'{close}' expected (to close '{open}' at line {line})")))
    }

    pub(super) fn name(&mut self) -> Result<StrId> {
        self.expect_here(Token::Name)?;
        let name = self.text()?;
        self.advance()?;
        Ok(name)
    }

    fn name_text(&mut self) -> Result<Vec<u8>> {
        self.expect_here(Token::Name)?;
        let name = std::mem::take(&mut self.lexer.token.text);
        self.advance()?;
        Ok(name)
    }

    /// The variable of a name: local, of a function around, or global.
    pub(super) fn variable(&mut self, name: StrId) -> Result<Exp> {
        let text = self.heap.bytes(name).to_vec();
        let kind = self.resolve(self.functions.len() - 1, &text, true)?;
        Ok(Exp::new(match kind {
            Some(Capture::Register(register)) => Kind::Local(register),
            Some(Capture::Upvalue(number)) => Kind::Upvalue(number),
            None => Kind::Global(name),
        }))
    }

    fn resolve(&mut self, level: usize, name: &[u8], is_own: bool) -> Result<Option<Capture>> {
        if let Some(register) = self.functions[level].local(name) {
            if !is_own {
                self.functions[level].mark_captured(register);
            }
            return Ok(Some(Capture::Register(register)));
        }
        if level == 0 {
            return Ok(None);
        }
        let Some(outer) = self.resolve(level - 1, name, false)? else { return Ok(None) };
        Ok(Some(Capture::Upvalue(self.functions[level].upvalue(name, outer)?)))
    }

    fn close_function(&mut self) -> Result<ProtoId> {
        let function = self.function();
        function.deactivate(0);
        function.emit(Op::Return, 0, 1, 0, 0)?;
        function.blocks.pop();
        let mut function = self.functions.pop().expect("it is open");
        function.proto.code.shrink_to_fit();
        function.proto.constants.shrink_to_fit();
        function.proto.needs_arg = function.may_need_arg;
        self.heap.proto(function.proto).map_err(|_| Failure::Memory)
    }

    /// Whether a block ends here.
    fn block_ends(&self) -> bool {
        matches!(self.kind(), Token::Else | Token::ElseIf | Token::End | Token::Eos | Token::Until)
    }

    /// The statements of a block.
    fn block_body(&mut self) -> Result<()> {
        self.deeper()?;
        while !self.block_ends() {
            let is_last = self.statement()?;
            if self.kind() == Token::Byte(b';') {
                self.advance()?;
            }
            let active = self.function().active.len() as u32;
            self.function().free = active;
            if is_last {
                break;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn block(&mut self) -> Result<()> {
        self.function().enter(false);
        self.block_body()?;
        self.function().leave()
    }

    /// A statement; true if it must be the last of its block.
    fn statement(&mut self) -> Result<bool> {
        let line = self.line();
        match self.kind() {
            Token::If => self.if_statement(line)?,
            Token::While => self.while_statement(line)?,
            Token::Do => {
                self.advance()?;
                self.block()?;
                self.match_close(Token::End, Token::Do, line)?;
            }
            Token::For => self.for_statement(line)?,
            Token::Repeat => self.repeat_statement(line)?,
            Token::Function => self.function_statement(line)?,
            Token::Local => {
                self.advance()?;
                if self.kind() == Token::Function {
                    self.advance()?;
                    self.local_function()?;
                } else {
                    self.local_statement()?;
                }
            }
            Token::Return => {
                self.return_statement()?;
                return Ok(true);
            }
            Token::Break => {
                self.advance()?;
                self.break_statement()?;
                return Ok(true);
            }
            _ => self.expression_statement()?,
        }
        Ok(false)
    }

    /// A condition; the jumps that are taken when it is false.
    fn condition(&mut self) -> Result<i32> {
        let mut exp = self.expression()?;
        if exp.kind == Kind::Nil {
            exp.kind = Kind::False;
        }
        self.function().go_if_true(&mut exp)?;
        Ok(exp.no)
    }

    fn test_then_block(&mut self) -> Result<i32> {
        self.advance()?;
        let no = self.condition()?;
        self.expect(Token::Then)?;
        self.block()?;
        Ok(no)
    }

    fn if_statement(&mut self, line: u32) -> Result<()> {
        let mut escapes = NO_JUMP;
        let mut no = self.test_then_block()?;
        loop {
            match self.kind() {
                Token::ElseIf => {
                    let jump = self.function().jump()?;
                    self.function().join(&mut escapes, jump)?;
                    self.function().patch_to_here(no)?;
                    no = self.test_then_block()?;
                }
                Token::Else => {
                    let jump = self.function().jump()?;
                    self.function().join(&mut escapes, jump)?;
                    self.function().patch_to_here(no)?;
                    self.advance()?;
                    self.block()?;
                    break;
                }
                _ => {
                    self.function().join(&mut escapes, no)?;
                    break;
                }
            }
        }
        self.function().patch_to_here(escapes)?;
        self.match_close(Token::End, Token::If, line)
    }

    fn while_statement(&mut self, line: u32) -> Result<()> {
        self.advance()?;
        let start = self.function().label();
        let exit = self.condition()?;
        self.function().enter(true);
        self.expect(Token::Do)?;
        self.block()?;
        let back = self.function().jump()?;
        self.function().patch(back, start)?;
        self.match_close(Token::End, Token::While, line)?;
        self.function().leave()?;
        self.function().patch_to_here(exit)
    }

    fn repeat_statement(&mut self, line: u32) -> Result<()> {
        let start = self.function().label();
        self.function().enter(true);
        self.function().enter(false);
        self.advance()?;
        self.block_body()?;
        self.match_close(Token::Until, Token::Repeat, line)?;
        // The condition sees the variables of the block.
        let exit = self.condition()?;
        if self.function().blocks.last().is_some_and(|block| block.is_captured) {
            self.break_statement()?;
            self.function().patch_to_here(exit)?;
            self.function().leave()?;
            let back = self.function().jump()?;
            self.function().patch(back, start)?;
        } else {
            self.function().leave()?;
            self.function().patch(exit, start)?;
        }
        self.function().leave()
    }

    fn for_statement(&mut self, line: u32) -> Result<()> {
        self.function().enter(true);
        self.advance()?;
        let name = self.name_text()?;
        match self.kind() {
            Token::Byte(b'=') => self.numeric_for(&name, line)?,
            Token::Byte(b',') | Token::In => self.generic_for(&name)?,
            _ => return Err(Failure::Near("'=' or 'in' expected")),
        }
        self.match_close(Token::End, Token::For, line)?;
        self.function().leave()
    }

    fn expression_to_next(&mut self) -> Result<()> {
        let mut exp = self.expression()?;
        self.function().force_next_register(&mut exp)
    }

    fn numeric_for(&mut self, name: &[u8], line: u32) -> Result<()> {
        let base = self.function().free as u8;
        for hidden in ["(for index)", "(for limit)", "(for step)"] {
            self.function().declare(hidden.as_bytes())?;
        }
        self.function().declare(name)?;
        self.advance()?;
        self.expression_to_next()?;
        self.expect(Token::Byte(b','))?;
        self.expression_to_next()?;
        if self.kind() == Token::Byte(b',') {
            self.advance()?;
            self.expression_to_next()?;
        } else {
            let function = self.function();
            let one = function.constant(Value::Number(1.0))? as i32;
            let register = function.free as u8;
            function.emit(Op::LoadK, register, 0, 0, one)?;
            function.reserve(1)?;
        }
        self.for_body(base, line, 1, true)
    }

    fn generic_for(&mut self, name: &[u8]) -> Result<()> {
        let base = self.function().free as u8;
        for hidden in ["(for generator)", "(for state)", "(for control)"] {
            self.function().declare(hidden.as_bytes())?;
        }
        self.function().declare(name)?;
        let mut count = 1;
        while self.kind() == Token::Byte(b',') {
            self.advance()?;
            let name = self.name_text()?;
            self.function().declare(&name)?;
            count += 1;
        }
        self.expect(Token::In)?;
        let line = self.line();
        let (mut last, given) = self.expressions()?;
        self.adjust(3, given, &mut last)?;
        // The call of the generator needs room for itself.
        self.room(3)?;
        self.for_body(base, line, count, false)
    }

    fn for_body(&mut self, base: u8, line: u32, count: u32, is_numeric: bool) -> Result<()> {
        self.function().activate(3);
        self.expect(Token::Do)?;
        let start = if is_numeric {
            self.function().emit(Op::ForPrep, base, 0, 0, NO_JUMP)?
        } else {
            self.function().jump()?
        };
        self.function().enter(false);
        self.function().activate(count as usize);
        self.function().reserve(count)?;
        self.block()?;
        let function = self.function();
        function.leave()?;
        function.patch_to_here(start)?;
        let end = if is_numeric {
            function.emit(Op::ForLoop, base, 0, 0, NO_JUMP)?
        } else {
            function.emit(Op::ForCall, base, 0, count as u8, 0)?;
            function.fix_line(line);
            function.emit(Op::ForTest, base, 0, 0, NO_JUMP)?
        };
        function.fix_line(line);
        function.patch(end, start + 1)
    }

    fn function_statement(&mut self, line: u32) -> Result<()> {
        self.advance()?;
        let name = self.name()?;
        let mut target = self.variable(name)?;
        while self.kind() == Token::Byte(b'.') {
            self.field(&mut target)?;
        }
        let is_method = self.kind() == Token::Byte(b':');
        if is_method {
            self.field(&mut target)?;
        }
        let mut body = self.body(is_method, line)?;
        self.function().store(&target, &mut body)?;
        self.function().fix_line(line);
        Ok(())
    }

    fn local_function(&mut self) -> Result<()> {
        let name = self.name_text()?;
        self.function().declare(&name)?;
        let register = self.function().free as u8;
        self.function().reserve(1)?;
        self.function().activate(1);
        let line = self.line();
        let mut body = self.body(false, line)?;
        self.function().release_exp(&body);
        self.function().force_register(&mut body, register)?;
        let start = self.function().pc() as u32;
        let function = self.function();
        if let Some(place) = function.active.last() {
            // It is visible from here on, for messages.
            function.proto.locals[*place].start = start;
        }
        Ok(())
    }

    fn local_statement(&mut self) -> Result<()> {
        let mut count = 0;
        loop {
            let name = self.name_text()?;
            self.function().declare(&name)?;
            count += 1;
            if self.kind() != Token::Byte(b',') {
                break;
            }
            self.advance()?;
        }
        let (mut last, given) = if self.kind() == Token::Byte(b'=') {
            self.advance()?;
            self.expressions()?
        } else {
            (Exp::new(Kind::Void), 0)
        };
        self.adjust(count, given, &mut last)?;
        self.function().activate(count as usize);
        Ok(())
    }

    /// Makes so many values of those that are given.
    fn adjust(&mut self, wanted: u32, given: u32, last: &mut Exp) -> Result<()> {
        let function = self.function();
        if matches!(last.kind, Kind::Call(_) | Kind::VarArg(_)) {
            let extra = (wanted + 1).saturating_sub(given);
            function.set_results(last, Some(extra))?;
            if extra > 1 {
                function.reserve(extra - 1)?;
            }
            return Ok(());
        }
        if last.kind != Kind::Void {
            function.force_next_register(last)?;
        }
        if wanted > given {
            let register = function.free as u8;
            function.reserve(wanted - given)?;
            function.load_nil(register, wanted - given)?;
        }
        Ok(())
    }

    fn return_statement(&mut self) -> Result<()> {
        self.advance()?;
        let (first, count) = if self.block_ends() || self.kind() == Token::Byte(b';') {
            (0, Some(0))
        } else {
            let (mut last, count) = self.expressions()?;
            let function = self.function();
            let active = function.active.len() as u8;
            if matches!(last.kind, Kind::Call(_) | Kind::VarArg(_)) {
                function.set_results(&last, None)?;
                if let Kind::Call(pc) = last.kind
                    && count == 1
                {
                    function.proto.code[pc as usize].op = Op::TailCall;
                }
                (active, None)
            } else if count == 1 {
                (function.force_any_register(&mut last)?, Some(1))
            } else {
                function.force_next_register(&mut last)?;
                (active, Some(count))
            }
        };
        let field = count.map_or(0, |count| count as u8 + 1);
        self.function().emit(Op::Return, first, field, 0, 0).map(drop)
    }

    fn break_statement(&mut self) -> Result<()> {
        let function = self.function();
        let mut is_captured = false;
        let mut found = None;
        for (at, block) in function.blocks.iter().enumerate().rev() {
            if block.is_loop {
                found = Some(at);
                break;
            }
            is_captured |= block.is_captured;
        }
        let Some(at) = found else { return Err(Failure::Near("no loop to break")) };
        if is_captured {
            let from = function.blocks[at].active as u8;
            function.emit(Op::Close, from, 0, 0, 0)?;
        }
        let jump = function.jump()?;
        let mut breaks = function.blocks[at].breaks;
        function.join(&mut breaks, jump)?;
        function.blocks[at].breaks = breaks;
        Ok(())
    }

    fn expression_statement(&mut self) -> Result<()> {
        let exp = self.primary()?;
        if let Kind::Call(pc) = exp.kind {
            // No results are kept.
            self.function().proto.code[pc as usize].c = 1;
            return Ok(());
        }
        let mut targets = vec![exp];
        self.assignment(&mut targets)
    }

    fn assignment(&mut self, targets: &mut Vec<Exp>) -> Result<()> {
        loop {
            let target = targets.last().expect("there is one");
            if !matches!(target.kind, Kind::Local(_) | Kind::Upvalue(_) | Kind::Global(_) | Kind::Index(..)) {
                return Err(Failure::Near("syntax error"));
            }
            if self.kind() != Token::Byte(b',') {
                break;
            }
            self.advance()?;
            let next = self.primary()?;
            if let Kind::Local(register) = next.kind {
                self.avoid_conflict(targets, register)?;
            }
            if targets.len() as u32 + self.depth > LEVELS {
                let most = LEVELS.saturating_sub(self.depth) as usize;
                return Err(self.function().limit(most, "variables in assignment"));
            }
            targets.push(next);
        }
        self.expect(Token::Byte(b'='))?;
        let (mut last, given) = self.expressions()?;
        let wanted = targets.len() as u32;
        if given == wanted {
            self.function().set_one_result(&mut last);
            let target = targets.pop().expect("there is one");
            self.function().store(&target, &mut last)?;
        } else {
            self.adjust(wanted, given, &mut last)?;
            if given > wanted {
                self.function().free -= given - wanted;
            }
        }
        while let Some(target) = targets.pop() {
            let register = self.function().free as u8 - 1;
            self.function().store(&target, &mut Exp::new(Kind::Register(register)))?;
        }
        Ok(())
    }

    /// A local that is assigned may be the table or key of an earlier target: that target gets a copy.
    fn avoid_conflict(&mut self, targets: &mut [Exp], register: u8) -> Result<()> {
        let copy = self.function().free as u8;
        let mut is_needed = false;
        for target in targets {
            if let Kind::Index(table, key) = &mut target.kind {
                if *table == register {
                    *table = copy;
                    is_needed = true;
                }
                if *key == super::emit::Key::Register(register) {
                    *key = super::emit::Key::Register(copy);
                    is_needed = true;
                }
            }
        }
        if is_needed {
            self.function().emit(Op::Move, copy, register, 0, 0)?;
            self.function().reserve(1)?;
        }
        Ok(())
    }

    /// Parameters and body of a function, whose closure is the value.
    pub(super) fn body(&mut self, is_method: bool, line: u32) -> Result<Exp> {
        let current = self.function().line;
        self.functions.push(Function::new(self.lexer.name.clone(), line, current));
        self.function().enter(false);
        self.expect(Token::Byte(b'('))?;
        if is_method {
            self.function().declare(b"self")?;
            self.function().activate(1);
        }
        self.parameters()?;
        self.expect(Token::Byte(b')'))?;
        self.block_body()?;
        self.match_close(Token::End, Token::Function, line)?;
        let proto = self.close_function()?;
        let line = self.last_line();
        let function = self.function();
        function.line = line;
        let number = function.proto.protos.len() as i32;
        function.proto.protos.push(proto);
        Ok(Exp::new(Kind::Open(function.emit(Op::Closure, 0, 0, 0, number)?)))
    }

    fn parameters(&mut self) -> Result<()> {
        let mut count = 0;
        if self.kind() != Token::Byte(b')') {
            loop {
                match self.kind() {
                    Token::Name => {
                        let name = self.name_text()?;
                        self.function().declare(&name)?;
                        count += 1;
                    }
                    Token::Dots => {
                        self.advance()?;
                        // As Lua 5.0 had it: a function that does not use `...` finds its extra arguments in `arg`.
                        self.function().declare(b"arg")?;
                        let function = self.function();
                        function.may_need_arg = true;
                        function.proto.is_vararg = true;
                    }
                    _ => return Err(Failure::Near("<name> or '...' expected")),
                }
                if self.function().proto.is_vararg || self.kind() != Token::Byte(b',') {
                    break;
                }
                self.advance()?;
            }
        }
        let function = self.function();
        let with_arg = count + usize::from(function.proto.is_vararg);
        function.activate(with_arg);
        let active = function.active.len();
        function.proto.params = (active - usize::from(function.proto.is_vararg)) as u8;
        function.reserve(active as u32)
    }
}
