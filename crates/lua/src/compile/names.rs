//! What a value is called in a message: `local 'x'`, `field 'y'`. Found by looking for the instruction that wrote its
//! register.

use super::code::{Op, Proto};
use crate::memory::heap::Heap;
use crate::value::{StrId, Value};

/// A kind of name, and the name.
pub(crate) type Name = (&'static str, Vec<u8>);

/// The variable that is active in a register at an instruction.
fn local_name(proto: &Proto, register: u8, pc: usize) -> Option<Vec<u8>> {
    let pc = pc as u32;
    let mut left = usize::from(register);
    for local in proto.locals.iter().take_while(|local| local.start <= pc) {
        if pc < local.end {
            if left == 0 {
                return Some(local.name.to_vec());
            }
            left -= 1;
        }
    }
    None
}

/// The instruction before `pc` that last wrote a register.
fn writer_of(proto: &Proto, register: u8, pc: usize) -> Option<usize> {
    let mut found = None;
    let mut at = 0;
    while at < pc {
        let instr = proto.code[at];
        let writes = match instr.op {
            Op::LoadNil => instr.a <= register && register <= instr.b,
            Op::SelfField => register == instr.a || register == instr.a + 1,
            Op::ForCall => register >= instr.a + 3,
            Op::Call | Op::TailCall => register >= instr.a,
            Op::VarArg => register >= instr.a && (instr.b == 0 || register < instr.a + instr.b - 1),
            Op::ForLoop | Op::ForPrep => register >= instr.a && register <= instr.a + 3,
            Op::SetUpvalue
            | Op::SetGlobal
            | Op::SetTable
            | Op::SetField
            | Op::SetConst
            | Op::Jump
            | Op::Eq
            | Op::EqK
            | Op::Lt
            | Op::LtK
            | Op::KLt
            | Op::Le
            | Op::LeK
            | Op::KLe
            | Op::Test
            | Op::Return
            | Op::SetList
            | Op::Close
            | Op::ForTest => false,
            _ => register == instr.a,
        };
        if writes {
            found = Some(at);
        }
        let jumps = matches!(
            instr.op,
            Op::Jump
                | Op::Eq
                | Op::EqK
                | Op::Lt
                | Op::LtK
                | Op::KLt
                | Op::Le
                | Op::LeK
                | Op::KLe
                | Op::Test
                | Op::TestSet
        );
        if jumps && instr.x > 0 && at + 1 + instr.x as usize <= pc {
            at += instr.x as usize;
        }
        at += 1;
    }
    found
}

fn text(heap: &Heap, id: i32) -> Vec<u8> {
    // Messages are C strings.
    heap.bytes(StrId(id as u32)).iter().copied().take_while(|byte| *byte != 0).collect()
}

/// What the value of a register is called at an instruction.
pub(crate) fn name_of(heap: &Heap, proto: &Proto, register: u8, pc: usize) -> Option<Name> {
    if let Some(name) = local_name(proto, register, pc) {
        return Some(("local", name));
    }
    let at = writer_of(proto, register, pc)?;
    let instr = proto.code[at];
    Some(match instr.op {
        Op::GetGlobal => ("global", text(heap, instr.x)),
        Op::Move if instr.b < instr.a => return name_of(heap, proto, instr.b, at),
        Op::GetField => ("field", text(heap, instr.x)),
        Op::GetTable => ("field", b"?".to_vec()),
        Op::GetConst => (
            "field",
            match proto.constants[instr.x as usize] {
                Value::Str(id) => text(heap, id.0 as i32),
                _ => b"?".to_vec(),
            },
        ),
        Op::GetUpvalue => (
            "upvalue",
            proto.upvalue_names.get(usize::from(instr.b)).map_or(b"?".to_vec(), |name| name.to_vec()),
        ),
        Op::SelfField => ("method", text(heap, instr.x)),
        _ => return None,
    })
}
