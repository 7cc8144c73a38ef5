//! The integers of BITFIELD: where one lies in a string, and what becomes of a number that does not fit.
//!
//! A field is up to 64 bits, the highest first, at any bit of the string: it touches at most nine bytes.
//!
//! ```text
//!   i5 at bit 6     byte      0        1
//!                          ......hh hll.....      window of nine bytes, shifted right to its end
//! ```

use commands::Error;

/// The type of an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Type {
    is_signed: bool,
    bits: u32,
}

/// What becomes of a number that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Overflow {
    /// Its lower bits stay.
    #[default]
    Wrap,
    /// It becomes the largest or the smallest.
    Saturate,
    /// Nothing is written.
    Fail,
}

const INVALID: Error = Error::text(
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
);

/// Bytes that a field may touch.
const WINDOW_BYTES: usize = 9;

impl Type {
    /// Reads `i1` to `i64`, `u1` to `u63`: an answer is a signed integer.
    pub(super) fn parse(arg: &[u8]) -> Result<Type, Error> {
        let (is_signed, most) = match arg.first() {
            Some(b'i') => (true, 64),
            Some(b'u') => (false, 63),
            _ => return Err(INVALID),
        };
        let bits = number::parse_i64(&arg[1..]).filter(|bits| (1..=most).contains(bits)).ok_or(INVALID)?;
        Ok(Type { is_signed, bits: bits as u32 })
    }

    /// How wide it is.
    pub(super) fn bits(self) -> usize {
        self.bits as usize
    }

    /// The integer at this bit. What is beyond the end of the string is 0.
    pub(super) fn get(self, bytes: &[u8], at: usize) -> i64 {
        let window = window(bytes, at / 8) >> self.shift(at);
        self.of_bits(window as u64)
    }

    /// Overwrites the integer at this bit, which the string has.
    pub(super) fn set(self, bytes: &mut [u8], at: usize, value: i64) {
        let (first, shift) = (at / 8, self.shift(at));
        let mask = u128::from(self.mask()) << shift;
        let new = (window(bytes, first) & !mask) | (u128::from(value as u64) << shift & mask);
        let new = &new.to_be_bytes()[size_of::<u128>() - WINDOW_BYTES..];
        let len = WINDOW_BYTES.min(bytes.len() - first);
        bytes[first..first + len].copy_from_slice(&new[..len]);
    }

    /// What a number given to SET becomes; `None` if that fails.
    pub(super) fn fit(self, value: i64, overflow: Overflow) -> Option<i64> {
        let (_, max) = self.bounds();
        // An unsigned field takes the bits of a negative number for a large one. So does a signed field of a number that is too
        // far below for the distance to its largest to fit 64 bits.
        let is_above = if self.is_signed {
            i128::from(value) > max || max - i128::from(value) > i128::from(i64::MAX) && self.bits < 64
        } else {
            i128::from(value as u64) > max
        };
        match overflow {
            Overflow::Saturate if is_above => Some(max as i64),
            _ => self.bounded(i128::from(value), overflow),
        }
    }

    /// What a number that the field has becomes by an increment; `None` if that fails.
    pub(super) fn incremented(self, value: i64, by: i64, overflow: Overflow) -> Option<i64> {
        self.bounded(i128::from(value) + i128::from(by), overflow)
    }

    fn bounded(self, value: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = self.bounds();
        match overflow {
            Overflow::Wrap => Some(self.of_bits(value as u64)),
            Overflow::Saturate => Some(value.clamp(min, max) as i64),
            Overflow::Fail => (min..=max).contains(&value).then_some(value as i64),
        }
    }

    /// The smallest and the largest number of the type.
    fn bounds(self) -> (i128, i128) {
        match self.is_signed {
            true => (-(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1),
            false => (0, (1 << self.bits) - 1),
        }
    }

    fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }

    /// The number that these bits are, of which the lower ones count.
    fn of_bits(self, bits: u64) -> i64 {
        let unused = 64 - self.bits;
        match self.is_signed {
            true => (bits << unused) as i64 >> unused,
            false => (bits & self.mask()) as i64,
        }
    }

    /// How many bits of the window are behind the field.
    fn shift(self, at: usize) -> usize {
        WINDOW_BYTES * 8 - at % 8 - self.bits()
    }
}

/// The bytes from this one on as one number, zeros beyond the end.
fn window(bytes: &[u8], first: usize) -> u128 {
    let rest = bytes.get(first..).unwrap_or_default();
    let mut window = [0; size_of::<u128>()];
    let len = WINDOW_BYTES.min(rest.len());
    let from = size_of::<u128>() - WINDOW_BYTES;
    window[from..from + len].copy_from_slice(&rest[..len]);
    u128::from_be_bytes(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn types() -> impl Strategy<Value = Type> {
        (any::<bool>(), 1..=64u32).prop_map(|(is_signed, bits)| Type {
            is_signed,
            bits: if is_signed { bits } else { bits.min(63) },
        })
    }

    proptest! {
        /// A field holds every number of its type, and writing one leaves all other bits.
        #[test]
        fn what_is_set_is_read_back(field in types(), at in 0..90usize, value: i64, before: [u8; 20]) {
            let value = field.fit(value, Overflow::Wrap).unwrap();
            let mut bytes = before;
            field.set(&mut bytes, at, value);
            prop_assert_eq!(field.get(&bytes, at), value);
            for bit in (0..160).filter(|bit| !(at..at + field.bits()).contains(bit)) {
                let mask = 0x80 >> (bit % 8);
                prop_assert_eq!(bytes[bit / 8] & mask, before[bit / 8] & mask);
            }
        }

        #[test]
        fn all_modes_agree_on_what_fits(field in types(), value: i64, by in -300..300i64) {
            let value = field.fit(value, Overflow::Wrap).unwrap();
            let wrapped = field.incremented(value, by, Overflow::Wrap).unwrap();
            let saturated = field.incremented(value, by, Overflow::Saturate).unwrap();
            match field.incremented(value, by, Overflow::Fail) {
                Some(sum) => prop_assert_eq!([wrapped, saturated], [sum, sum]),
                None => {
                    let (min, max) = field.bounds();
                    prop_assert_eq!(i128::from(saturated), if by < 0 { min } else { max });
                }
            }
        }
    }

    #[test]
    fn a_field_reaches_beyond_the_end() {
        let byte = Type::parse(b"u8").unwrap();
        assert_eq!(byte.get(&[0xff], 4), 0xf0);
        assert_eq!(byte.get(&[0xff], 8), 0);
        assert_eq!(byte.get(b"", usize::MAX), 0);
        let mut bytes = [0; 2];
        byte.set(&mut bytes, 4, 0x81);
        assert_eq!(bytes, [0x08, 0x10]);
    }

    #[test]
    fn types_are_refused_as_a_whole() {
        for wrong in ["", "i", "u0", "i65", "u64", "x8", "i+8", "i08", "I8", "i 8", "8"] {
            assert_eq!(Type::parse(wrong.as_bytes()), Err(INVALID), "{wrong}");
        }
        assert_eq!(Type::parse(b"i64"), Ok(Type { is_signed: true, bits: 64 }));
    }
}
