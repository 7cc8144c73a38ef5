//! Registers in six bits each, the lowest bits of a byte first: eight registers are six bytes.

use super::REGISTERS;

const BITS: usize = 6;
const MASK: u64 = (1 << BITS) - 1;
/// The size of all registers.
pub(super) const BYTES: usize = REGISTERS * BITS / 8;
/// Bytes that hold a whole number of registers.
const GROUP_BYTES: usize = 6;
const REGISTERS_A_GROUP: usize = GROUP_BYTES * 8 / BITS;

/// Raises a register. Returns whether it was lower.
pub(super) fn raise(registers: &mut [u8], index: usize, count: u8) -> bool {
    let (group, place) = (index / REGISTERS_A_GROUP, index % REGISTERS_A_GROUP);
    let bytes = &mut registers[group * GROUP_BYTES..(group + 1) * GROUP_BYTES];
    let word = word(bytes);
    let shift = place * BITS;
    if word >> shift & MASK >= u64::from(count) {
        return false;
    }
    let word = word & !(MASK << shift) | u64::from(count) << shift;
    bytes.copy_from_slice(&word.to_le_bytes()[..GROUP_BYTES]);
    true
}

/// Visits each register.
#[inline]
pub(super) fn each(registers: &[u8], mut visit: impl FnMut(usize, u8)) {
    let (groups, _) = registers.as_chunks::<GROUP_BYTES>();
    for (number, group) in groups.iter().enumerate() {
        let word = word(group);
        for place in 0..REGISTERS_A_GROUP {
            visit(number * REGISTERS_A_GROUP + place, (word >> (place * BITS) & MASK) as u8);
        }
    }
}

/// The bytes of a group as one number.
#[inline]
fn word(group: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..GROUP_BYTES].copy_from_slice(group);
    u64::from_le_bytes(bytes)
}
