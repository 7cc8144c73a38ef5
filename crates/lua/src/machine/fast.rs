//! Plain instructions: numbers, tables without metamethods, jumps. Whatever is unusual leaves this loop.
//!
//! The registers of a frame are seen as an array of 256, so that an index of eight bits needs no check.

use super::WINDOW;
use crate::compile::code::{Instr, Op, Proto, from_small_float};
use crate::memory::arena::Mark;
use crate::memory::heap::{Event, Heap};
use crate::memory::objects::Upvalue;
use crate::memory::table::array_position;
use crate::value::{ClosureId, StrId, TableId, ThreadId, Value};

/// Why the loop ended. The instruction is the one before the program counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    /// It needs more than this loop can do.
    Slow,
    Call,
    Return,
    /// The budget is used up.
    Budget,
    /// The collector should run.
    Collect,
}

/// What a run of the loop needs to know of its frame.
pub(super) struct View<'a> {
    pub(super) proto: &'a Proto,
    pub(super) base: usize,
    pub(super) closure: ClosureId,
    pub(super) env: TableId,
    pub(super) running: ThreadId,
}

/// What a call costs in budget.
const CALL_COST: i64 = 4;

/// Runs until something unusual happens.
#[inline(always)]
pub(super) fn run(
    heap: &mut Heap,
    stack: &mut [Value],
    view: &View<'_>,
    pc: &mut u32,
    budget: &mut i64,
) -> Exit {
    let code: &[Instr] = &view.proto.code;
    let constants: &[Value] = &view.proto.constants;
    let (below, rest) = stack.split_at_mut(view.base);
    let Some((registers, _)) = rest.split_first_chunk_mut::<WINDOW>() else { return Exit::Slow };
    let mut at = *pc as usize;

    macro_rules! r {
        ($register:expr) => {
            registers[usize::from($register)]
        };
    }
    macro_rules! leave {
        ($exit:expr) => {{
            *pc = at as u32;
            return $exit;
        }};
    }
    macro_rules! jump {
        ($distance:expr) => {{
            let distance = $distance;
            at = at.wrapping_add_signed(distance as isize);
            if distance < 0 {
                *budget += i64::from(distance);
                if *budget < 0 {
                    leave!(Exit::Budget)
                }
            }
        }};
    }
    macro_rules! arithmetic {
        ($instr:ident, $left:expr, $right:expr, |$a:ident, $b:ident| $result:expr) => {{
            if let (Value::Number($a), Value::Number($b)) = ($left, $right) {
                r!($instr.a) = Value::Number($result);
            } else {
                leave!(Exit::Slow)
            }
        }};
    }
    macro_rules! compare {
        ($instr:ident, $left:expr, $right:expr, $op:tt) => {{
            match ($left, $right) {
                (Value::Number(a), Value::Number(b)) => {
                    if (a $op b) == ($instr.a != 0) {
                        jump!($instr.x)
                    }
                }
                (Value::Str(a), Value::Str(b)) => {
                    if (heap.bytes(a) $op heap.bytes(b)) == ($instr.a != 0) {
                        jump!($instr.x)
                    }
                }
                _ => leave!(Exit::Slow),
            }
        }};
    }
    // Reads a key; a table that lacks it and has a metatable is left to the slow path.
    macro_rules! read {
        ($instr:ident, $id:expr, $value:expr) => {{
            let id = $id;
            let value = $value;
            if value.is_nil()
                && let Some(meta) = heap.tables[id.0].meta
                && !heap.event_of(meta, Event::Index).is_nil()
            {
                leave!(Exit::Slow)
            }
            r!($instr.a) = value;
        }};
    }
    // Writes to a place that exists and is not nil.
    macro_rules! write {
        ($id:expr, $key:expr, $value:expr) => {{
            let (id, key, value): (TableId, Value, Value) = ($id, $key, $value);
            if heap.collector.is_marking && heap.tables.mark(id.0) == Mark::Black {
                leave!(Exit::Slow)
            }
            let table = &mut heap.tables[id.0];
            match table.place_of(&heap.strings, key) {
                Some(place) if !table.readonly && (table.meta.is_none() || !table.at(place).is_nil()) => {
                    table.absent = 0;
                    table.put(place, value);
                }
                _ => leave!(Exit::Slow),
            }
        }};
    }
    macro_rules! operand {
        ($instr:ident) => {
            if $instr.b != 0 { constants[usize::from($instr.c)] } else { r!($instr.c) }
        };
    }

    loop {
        let Some(&instr) = code.get(at) else { leave!(Exit::Slow) };
        at += 1;
        match instr.op {
            Op::Move => r!(instr.a) = r!(instr.b),
            Op::LoadK => r!(instr.a) = constants[instr.x as usize],
            Op::LoadBool => {
                r!(instr.a) = Value::Bool(instr.b != 0);
                at += usize::from(instr.c);
            }
            Op::LoadNil => {
                for register in instr.a..=instr.b {
                    r!(register) = Value::Nil;
                }
            }
            Op::GetUpvalue => {
                let id = heap.closures[view.closure.0].upvalues[usize::from(instr.b)];
                r!(instr.a) = match heap.upvalues[id.0] {
                    Upvalue::Closed(value) => value,
                    Upvalue::Open(thread, slot) if thread == view.running => below[slot as usize],
                    Upvalue::Open(thread, slot) => heap.threads[thread.0].stack[slot as usize],
                };
            }
            Op::SetUpvalue => {
                let id = heap.closures[view.closure.0].upvalues[usize::from(instr.b)];
                let value = r!(instr.a);
                match heap.upvalues[id.0] {
                    Upvalue::Closed(_) => {
                        heap.upvalues[id.0] = Upvalue::Closed(value);
                        if heap.collector.is_marking {
                            heap.mark(value);
                        }
                    }
                    Upvalue::Open(thread, slot) if thread == view.running => below[slot as usize] = value,
                    Upvalue::Open(thread, slot) => {
                        heap.threads[thread.0].stack[slot as usize] = value;
                        if heap.collector.is_marking {
                            heap.mark(value);
                        }
                    }
                }
            }
            Op::GetGlobal => {
                read!(
                    instr,
                    view.env,
                    heap.tables[view.env.0].get_short_or_long(&heap.strings, StrId(instr.x as u32))
                );
            }
            Op::SetGlobal => write!(view.env, Value::Str(StrId(instr.x as u32)), r!(instr.a)),
            Op::GetField => {
                let Value::Table(id) = r!(instr.b) else { leave!(Exit::Slow) };
                read!(instr, id, heap.tables[id.0].get_short_or_long(&heap.strings, StrId(instr.x as u32)));
            }
            Op::GetTable => {
                let Value::Table(id) = r!(instr.b) else { leave!(Exit::Slow) };
                let key = r!(instr.c);
                if let Value::Number(number) = key
                    && let Some(position) = array_position(number)
                {
                    read!(instr, id, heap.tables[id.0].get_position(&heap.strings, position));
                } else if matches!(key, Value::Str(key) if key.is_long()) {
                    leave!(Exit::Slow)
                } else {
                    read!(instr, id, heap.tables[id.0].get(&heap.strings, key));
                }
            }
            Op::GetConst => {
                let Value::Table(id) = r!(instr.b) else { leave!(Exit::Slow) };
                read!(instr, id, heap.tables[id.0].get(&heap.strings, constants[instr.x as usize]));
            }
            Op::SetTable => {
                let Value::Table(id) = r!(instr.a) else { leave!(Exit::Slow) };
                let value = if instr.x < 0 { r!(instr.c) } else { constants[instr.x as usize] };
                let key = r!(instr.b);
                if let Value::Number(number) = key
                    && let Some(position) = array_position(number)
                {
                    let is_guarded = heap.collector.is_marking
                        && !matches!(value, Value::Number(_) | Value::Bool(_) | Value::Nil)
                        && heap.tables.mark(id.0) == Mark::Black;
                    let table = &mut heap.tables[id.0];
                    let is_plain = !table.readonly && table.meta.is_none() && !is_guarded;
                    match table.array_slot(position) {
                        Some(slot) if is_plain => *slot = value,
                        _ => leave!(Exit::Slow),
                    }
                } else if matches!(key, Value::Str(key) if key.is_long()) {
                    leave!(Exit::Slow)
                } else {
                    write!(id, key, value)
                }
            }
            Op::SetField => {
                let Value::Table(id) = r!(instr.a) else { leave!(Exit::Slow) };
                let key = StrId(instr.x as u32);
                if key.is_long() {
                    leave!(Exit::Slow)
                }
                write!(id, Value::Str(key), operand!(instr))
            }
            Op::SetConst => {
                let Value::Table(id) = r!(instr.a) else { leave!(Exit::Slow) };
                write!(id, constants[instr.x as usize], operand!(instr))
            }
            Op::NewTable => {
                let entries = from_small_float(instr.c) as usize;
                match heap.table(instr.x as usize, entries) {
                    Ok(id) => r!(instr.a) = Value::Table(id),
                    Err(_) => leave!(Exit::Slow),
                }
                if heap.is_due() {
                    leave!(Exit::Collect)
                }
            }
            Op::SelfField => {
                let object = r!(instr.b);
                let key = StrId(instr.x as u32);
                let found = match object {
                    Value::Table(id) => heap.tables[id.0].get_short_or_long(&heap.strings, key),
                    Value::Str(_) => {
                        let Some(meta) = heap.string_meta else { leave!(Exit::Slow) };
                        match heap.event_of(meta, Event::Index) {
                            Value::Table(index) => heap.tables[index.0].get_short_or_long(&heap.strings, key),
                            _ => Value::Nil,
                        }
                    }
                    _ => Value::Nil,
                };
                if found.is_nil() {
                    leave!(Exit::Slow)
                }
                r!(instr.a.wrapping_add(1)) = object;
                r!(instr.a) = found;
            }
            Op::Add => arithmetic!(instr, r!(instr.b), r!(instr.c), |a, b| a + b),
            Op::Sub => arithmetic!(instr, r!(instr.b), r!(instr.c), |a, b| a - b),
            Op::Mul => arithmetic!(instr, r!(instr.b), r!(instr.c), |a, b| a * b),
            Op::Div => arithmetic!(instr, r!(instr.b), r!(instr.c), |a, b| a / b),
            Op::Mod => arithmetic!(instr, r!(instr.b), r!(instr.c), |a, b| a - (a / b).floor() * b),
            Op::Pow => arithmetic!(instr, r!(instr.b), r!(instr.c), |a, b| a.powf(b)),
            Op::AddK => arithmetic!(instr, r!(instr.b), constants[instr.x as usize], |a, b| a + b),
            Op::SubK => arithmetic!(instr, r!(instr.b), constants[instr.x as usize], |a, b| a - b),
            Op::MulK => arithmetic!(instr, r!(instr.b), constants[instr.x as usize], |a, b| a * b),
            Op::DivK => arithmetic!(instr, r!(instr.b), constants[instr.x as usize], |a, b| a / b),
            Op::ModK => {
                arithmetic!(instr, r!(instr.b), constants[instr.x as usize], |a, b| a - (a / b).floor() * b);
            }
            Op::PowK => arithmetic!(instr, r!(instr.b), constants[instr.x as usize], |a, b| a.powf(b)),
            Op::KAdd => arithmetic!(instr, constants[instr.x as usize], r!(instr.c), |a, b| a + b),
            Op::KSub => arithmetic!(instr, constants[instr.x as usize], r!(instr.c), |a, b| a - b),
            Op::KMul => arithmetic!(instr, constants[instr.x as usize], r!(instr.c), |a, b| a * b),
            Op::KDiv => arithmetic!(instr, constants[instr.x as usize], r!(instr.c), |a, b| a / b),
            Op::KMod => {
                arithmetic!(instr, constants[instr.x as usize], r!(instr.c), |a, b| a - (a / b).floor() * b);
            }
            Op::KPow => arithmetic!(instr, constants[instr.x as usize], r!(instr.c), |a, b| a.powf(b)),
            Op::Unm => {
                let Value::Number(number) = r!(instr.b) else { leave!(Exit::Slow) };
                r!(instr.a) = Value::Number(-number);
            }
            Op::Not => r!(instr.a) = Value::Bool(!r!(instr.b).is_true()),
            Op::Len => {
                r!(instr.a) = match r!(instr.b) {
                    Value::Table(id) => Value::Number(heap.length(id) as f64),
                    Value::Str(id) => Value::Number(heap.bytes(id).len() as f64),
                    _ => leave!(Exit::Slow),
                };
            }
            Op::Jump => jump!(instr.x),
            Op::Eq | Op::EqK => {
                let left = r!(instr.b);
                let right = if instr.op == Op::Eq { r!(instr.c) } else { constants[usize::from(instr.c)] };
                let is_same = heap.same(left, right);
                if !is_same
                    && let (Value::Table(a), Value::Table(b)) = (left, right)
                    && heap.tables[a.0].meta.is_some()
                    && heap.tables[b.0].meta.is_some()
                {
                    leave!(Exit::Slow)
                }
                if is_same == (instr.a != 0) {
                    jump!(instr.x)
                }
            }
            Op::Lt => compare!(instr, r!(instr.b), r!(instr.c), <),
            Op::LtK => compare!(instr, r!(instr.b), constants[usize::from(instr.c)], <),
            Op::KLt => compare!(instr, constants[usize::from(instr.c)], r!(instr.b), <),
            Op::Le => compare!(instr, r!(instr.b), r!(instr.c), <=),
            Op::LeK => compare!(instr, r!(instr.b), constants[usize::from(instr.c)], <=),
            Op::KLe => compare!(instr, constants[usize::from(instr.c)], r!(instr.b), <=),
            Op::Test => {
                if r!(instr.a).is_true() == (instr.c != 0) {
                    jump!(instr.x)
                }
            }
            Op::TestSet => {
                let value = r!(instr.b);
                if value.is_true() == (instr.c != 0) {
                    r!(instr.a) = value;
                    jump!(instr.x)
                }
            }
            Op::ForLoop => {
                let (Value::Number(index), Value::Number(limit), Value::Number(step)) =
                    (r!(instr.a), r!(instr.a.wrapping_add(1)), r!(instr.a.wrapping_add(2)))
                else {
                    leave!(Exit::Slow)
                };
                let index = index + step;
                if if step > 0.0 { index <= limit } else { limit <= index } {
                    r!(instr.a) = Value::Number(index);
                    r!(instr.a.wrapping_add(3)) = Value::Number(index);
                    jump!(instr.x)
                }
            }
            Op::ForPrep => {
                let (Value::Number(index), Value::Number(_), Value::Number(step)) =
                    (r!(instr.a), r!(instr.a.wrapping_add(1)), r!(instr.a.wrapping_add(2)))
                else {
                    leave!(Exit::Slow)
                };
                r!(instr.a) = Value::Number(index - step);
                jump!(instr.x)
            }
            Op::ForCall => {
                // `pairs` without a call.
                let (Value::Native(function), Value::Table(id)) = (r!(instr.a), r!(instr.a.wrapping_add(1)))
                else {
                    leave!(Exit::Slow)
                };
                if Some(function) != heap.next || instr.c > 2 {
                    leave!(Exit::Slow)
                }
                let table = &heap.tables[id.0];
                let Some(position) = table.position_after(&heap.strings, r!(instr.a.wrapping_add(2))) else {
                    leave!(Exit::Slow)
                };
                let (key, value) = match table.pair_from(position) {
                    Some((end, key, value)) => {
                        *budget -= ((end - position) / 8) as i64;
                        (key, value)
                    }
                    None => (Value::Nil, Value::Nil),
                };
                r!(instr.a.wrapping_add(3)) = key;
                if instr.c == 2 {
                    r!(instr.a.wrapping_add(4)) = value;
                }
            }
            Op::ForTest => {
                let control = r!(instr.a.wrapping_add(3));
                if !control.is_nil() {
                    r!(instr.a.wrapping_add(2)) = control;
                    jump!(instr.x)
                }
            }
            Op::Call | Op::TailCall => {
                *budget -= CALL_COST;
                leave!(Exit::Call)
            }
            Op::Return => leave!(Exit::Return),
            Op::Concat | Op::SetList | Op::Close | Op::Closure | Op::VarArg => leave!(Exit::Slow),
        }
    }
}
