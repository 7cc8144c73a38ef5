//! The library `bit`: operations on the lowest 32 bits of numbers, as LuaBitOp defines them.

use lua::{Call, Machine, Outcome, Result};

/// Opens the library `bit`.
///
/// # Errors
/// When the machine may not take so much memory.
pub fn open_bit(machine: &mut Machine) -> Result<()> {
    machine
        .library(
            "bit",
            &[
                ("arshift", |call| shift(call, |bits, by| ((bits as i32) >> by) as u32)),
                ("band", |call| fold(call, |a, b| a & b)),
                ("bnot", |call| {
                    let bits = bits(call, 0)?;
                    give(call, !bits)
                }),
                ("bor", |call| fold(call, |a, b| a | b)),
                ("bswap", |call| {
                    let bits = bits(call, 0)?;
                    give(call, bits.swap_bytes())
                }),
                ("bxor", |call| fold(call, |a, b| a ^ b)),
                ("lshift", |call| shift(call, |bits, by| bits << by)),
                ("rol", |call| shift(call, u32::rotate_left)),
                ("ror", |call| shift(call, u32::rotate_right)),
                ("rshift", |call| shift(call, |bits, by| bits >> by)),
                ("tobit", |call| {
                    let bits = bits(call, 0)?;
                    give(call, bits)
                }),
                ("tohex", tohex),
            ],
        )
        .map(drop)
}

/// An argument as 32 bits: rounded to even, and cut.
fn bits(call: &mut Call<'_>, at: usize) -> Result<u32> {
    /// Adding it moves the integer part into the lowest bits of the double.
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    let number = call.number(at)?;
    Ok((number + MAGIC).to_bits() as u32)
}

fn give(call: &mut Call<'_>, bits: u32) -> Result<Outcome> {
    call.give_number(f64::from(bits as i32))
}

fn fold(call: &mut Call<'_>, operation: fn(u32, u32) -> u32) -> Result<Outcome> {
    let mut result = bits(call, 0)?;
    for at in (1..call.count()).rev() {
        result = operation(result, bits(call, at)?);
    }
    give(call, result)
}

fn shift(call: &mut Call<'_>, operation: fn(u32, u32) -> u32) -> Result<Outcome> {
    let (value, by) = (bits(call, 0)?, bits(call, 1)? & 31);
    give(call, operation(value, by))
}

fn tohex(call: &mut Call<'_>) -> Result<Outcome> {
    let value = bits(call, 0)?;
    let digits = if call.count() < 2 { 8 } else { bits(call, 1)? as i32 };
    let count = digits.unsigned_abs().min(8) as usize;
    let text = if digits < 0 { format!("{value:08X}") } else { format!("{value:08x}") };
    call.give_bytes(&text.as_bytes()[8 - count..])
}
