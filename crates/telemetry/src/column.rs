//! Numbers of one kind, packed.
//!
//! ```text
//!   0  first                                          all are the same
//!   1  base · unit · packed (v - base) / unit         they stay within a range
//!   2  first · base · unit · packed (d - base) / unit they grow alike: d are their differences
//!   packed: for each 32 numbers a byte, the bits of the widest of them, then all of them in so many bits
//! ```
//! `unit` is the greatest number that divides all of them: thousandths of whole numbers, pages of memory and sums of a minute lose
//! their common factor. The shorter of 1 and 2 is taken. Arithmetic wraps, so no number is too large.

/// Numbers that share a width.
const GROUP: usize = 32;

const SAME: u8 = 0;
const PLAIN: u8 = 1;
const DIFFERENCES: u8 = 2;

pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(crate) fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_varint(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Takes bytes from the front. `None` when they are not what was written.
#[derive(Debug)]
pub(crate) struct Input<'b>(pub(crate) &'b [u8]);

impl<'b> Input<'b> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn signed(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

fn common_factor(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The base, the unit and the numbers in it.
fn offsets(numbers: impl Iterator<Item = i64> + Clone) -> (i64, u64, Vec<u64>) {
    let base = numbers.clone().min().unwrap_or(0);
    let offsets: Vec<u64> = numbers.map(|number| number.wrapping_sub(base) as u64).collect();
    let unit = offsets.iter().fold(0, |unit, offset| common_factor(*offset, unit)).max(1);
    (base, unit, offsets.into_iter().map(|offset| offset / unit).collect())
}

fn width(numbers: &[u64]) -> u32 {
    64 - numbers.iter().fold(0, |all, number| all | number).leading_zeros()
}

fn packed_bytes(numbers: &[u64]) -> usize {
    numbers.chunks(GROUP).map(|group| 1 + (group.len() * width(group) as usize).div_ceil(8)).sum()
}

fn pack(out: &mut Vec<u8>, numbers: &[u64]) {
    for group in numbers.chunks(GROUP) {
        let width = width(group);
        out.push(width as u8);
        let (mut held, mut bits) = (0_u128, 0);
        for number in group {
            held |= u128::from(*number) << bits;
            bits += width;
            while bits >= 8 {
                out.push(held as u8);
                held >>= 8;
                bits -= 8;
            }
        }
        if bits > 0 {
            out.push(held as u8);
        }
    }
}

/// Hands out what was packed, so many numbers.
///
/// A number that is at most [`IN_A_WORD`] bits wide lies in the eight bytes from the one where it begins. A group is copied, so that
/// these eight are there behind its end too.
fn unpack(input: &mut Input<'_>, count: usize, mut each: impl FnMut(u64)) -> Option<()> {
    let mut copy = [0_u8; GROUP * 8 + WORD];
    let mut left = count;
    while left > 0 {
        let group = left.min(GROUP);
        let width = usize::from(input.byte()?);
        if width > 64 {
            return None;
        }
        let bytes = input.bytes((group * width).div_ceil(8))?;
        copy[..bytes.len()].copy_from_slice(bytes);
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| copy[at + byte]));
        let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
        for bit in (0..group).map(|number| number * width) {
            let (at, shift) = (bit / 8, bit % 8);
            let low = word(at) >> shift;
            // The bits that do not fit are the lowest of the next byte.
            let high =
                if width > IN_A_WORD && shift > 0 { u64::from(copy[at + WORD]) << (64 - shift) } else { 0 };
            each((low | high) & mask);
        }
        left -= group;
    }
    Some(())
}

const WORD: usize = 8;
/// The widest number that a word holds wherever in a byte it begins.
const IN_A_WORD: usize = 57;

/// Packs them. There is one at least.
pub(crate) fn encode(out: &mut Vec<u8>, numbers: &[i64]) {
    if numbers.iter().all(|number| *number == numbers[0]) {
        out.push(SAME);
        return put_signed(out, numbers[0]);
    }
    let (base, unit, plain) = offsets(numbers.iter().copied());
    let differences = numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    let (step, step_unit, grown) = offsets(differences);
    if packed_bytes(&grown) < packed_bytes(&plain) {
        out.push(DIFFERENCES);
        put_signed(out, numbers[0]);
        put_signed(out, step);
        put_varint(out, step_unit);
        pack(out, &grown);
    } else {
        out.push(PLAIN);
        put_signed(out, base);
        put_varint(out, unit);
        pack(out, &plain);
    }
}

/// Puts what was encoded of so many numbers, one at least, in place of what `numbers` holds.
pub(crate) fn decode(input: &mut Input<'_>, count: usize, numbers: &mut Vec<i64>) -> Option<()> {
    numbers.clear();
    numbers.reserve(count);
    match input.byte()? {
        SAME => numbers.resize(count, input.signed()?),
        PLAIN => {
            let (base, unit) = (input.signed()?, input.varint()?);
            unpack(input, count, |number| {
                numbers.push(base.wrapping_add(number.wrapping_mul(unit) as i64));
            })?;
        }
        DIFFERENCES => {
            let mut last = input.signed()?;
            let (step, unit) = (input.signed()?, input.varint()?);
            numbers.push(last);
            unpack(input, count.checked_sub(1)?, |number| {
                last = last.wrapping_add(step).wrapping_add(number.wrapping_mul(unit) as i64);
                numbers.push(last);
            })?;
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(numbers: &[i64]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&mut out, numbers);
        out
    }

    #[test]
    fn what_is_regular_takes_little() {
        assert_eq!(encoded(&[7_000; 300]).len(), 3);
        let grows: Vec<i64> = (0..300).map(|at| 5_000 + at * 12_000).collect();
        assert!(encoded(&grows).len() < 20, "{}", encoded(&grows).len());
        let pages: Vec<i64> = (0..300).map(|at| (at * 7 % 16) * 4_096_000).collect();
        assert!(encoded(&pages).len() <= 300 / 2 + 30, "{}", encoded(&pages).len());
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(
            numbers in prop_oneof![
                prop::collection::vec(any::<i64>(), 1..100),
                prop::collection::vec(-50_i64..50, 1..100),
                prop::collection::vec(prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0)], 1..100),
            ]
        ) {
            let bytes = encoded(&numbers);
            let (mut input, mut decoded) = (Input(&bytes), vec![1]);
            prop_assert_eq!(decode(&mut input, numbers.len(), &mut decoded), Some(()));
            prop_assert_eq!(decoded, numbers);
            prop_assert!(input.0.is_empty());
        }

        #[test]
        fn other_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..60), count in 1_usize..400) {
            let mut numbers = Vec::new();
            if decode(&mut Input(&bytes), count, &mut numbers).is_some() {
                prop_assert_eq!(numbers.len(), count);
            }
        }
    }
}
