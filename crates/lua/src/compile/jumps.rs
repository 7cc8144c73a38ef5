//! Jumps. Those that wait for the same target form a list, linked through the field that will be the distance.

use super::code::Op;
use super::lexer::Failure;
use super::scope::{Function, NO_JUMP, Result};

/// The longest jump, as in Lua 5.1.
const FARTHEST: i32 = (1 << 17) - 1;

impl Function {
    /// Writes a jump that waits for its target, and that continues the jumps to here.
    pub(super) fn jump(&mut self) -> Result<i32> {
        let pending = std::mem::replace(&mut self.pending, NO_JUMP);
        let mut jump = self.emit(Op::Jump, 0, 0, 0, NO_JUMP)?;
        self.join(&mut jump, pending)?;
        Ok(jump)
    }

    /// This place as a target.
    pub(super) fn label(&mut self) -> i32 {
        self.last_target = self.pc();
        self.pc()
    }

    fn next_jump(&self, pc: i32) -> i32 {
        match self.proto.code[pc as usize].x {
            NO_JUMP => NO_JUMP,
            distance => pc + 1 + distance,
        }
    }

    fn fix_jump(&mut self, pc: i32, target: i32) -> Result<()> {
        let distance = target - (pc + 1);
        if distance.abs() > FARTHEST {
            return Err(Failure::Near("control structure too long"));
        }
        self.proto.code[pc as usize].x = distance;
        Ok(())
    }

    /// Appends a list to another.
    pub(super) fn join(&mut self, list: &mut i32, other: i32) -> Result<()> {
        if other == NO_JUMP {
            return Ok(());
        }
        if *list == NO_JUMP {
            *list = other;
            return Ok(());
        }
        let mut last = *list;
        loop {
            match self.next_jump(last) {
                NO_JUMP => return self.fix_jump(last, other),
                next => last = next,
            }
        }
    }

    /// Whether some jump of a list leaves no value.
    pub(super) fn needs_value(&self, mut list: i32) -> bool {
        while list != NO_JUMP {
            if self.proto.code[list as usize].op != Op::TestSet {
                return true;
            }
            list = self.next_jump(list);
        }
        false
    }

    /// Gives a test that sets its register; without one it becomes a plain test. False for other jumps.
    fn patch_test(&mut self, pc: i32, register: Option<u8>) -> bool {
        let instr = &mut self.proto.code[pc as usize];
        if instr.op != Op::TestSet {
            return false;
        }
        match register {
            Some(register) if register != instr.b => instr.a = register,
            _ => {
                instr.op = Op::Test;
                instr.a = instr.b;
            }
        }
        true
    }

    /// Makes no jump of a list leave a value.
    pub(super) fn remove_values(&mut self, mut list: i32) {
        while list != NO_JUMP {
            self.patch_test(list, None);
            list = self.next_jump(list);
        }
    }

    /// Sends the tests of a list that set a value to one target, all others to another.
    pub(super) fn patch_tests(
        &mut self,
        mut list: i32,
        to: i32,
        register: Option<u8>,
        others: i32,
    ) -> Result<()> {
        while list != NO_JUMP {
            let next = self.next_jump(list);
            let target = if self.patch_test(list, register) { to } else { others };
            self.fix_jump(list, target)?;
            list = next;
        }
        Ok(())
    }

    /// Sends a list to a place that is known.
    pub(super) fn patch(&mut self, list: i32, target: i32) -> Result<()> {
        if target == self.pc() {
            return self.patch_to_here(list);
        }
        self.patch_tests(list, target, None, target)
    }

    /// Sends a list to the next instruction.
    pub(super) fn patch_to_here(&mut self, list: i32) -> Result<()> {
        self.label();
        let mut pending = self.pending;
        self.join(&mut pending, list)?;
        self.pending = pending;
        Ok(())
    }
}
