//! `ACL GENPASS`: random bits as hexadecimal digits.

/// Most bits of a password.
pub const MAX_BITS: i64 = 4096;

/// Bits of a password when nobody says how many.
pub const DEFAULT_BITS: i64 = 256;

/// The error for another number of bits.
pub const WRONG_BITS: &str = "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096";

/// A password of so many bits, which are rounded up to whole digits. `random` fills its argument with random bytes.
///
/// # Errors
/// [`WRONG_BITS`]
pub fn password(bits: i64, random: impl FnOnce(&mut [u8])) -> Result<String, &'static str> {
    if !(1..=MAX_BITS).contains(&bits) {
        return Err(WRONG_BITS);
    }
    let digits = (bits as usize).div_ceil(4);
    let mut bytes = vec![0; digits.div_ceil(2)];
    random(&mut bytes);
    let mut text = hex(&bytes);
    text.truncate(digits);
    Ok(text)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).expect("below 16");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_rounded_up_to_digits() {
        let given = |bits| password(bits, |bytes| bytes.fill(0xa5));
        assert_eq!(given(1).as_deref(), Ok("a"));
        assert_eq!(given(4).as_deref(), Ok("a"));
        assert_eq!(given(5).as_deref(), Ok("a5"));
        assert_eq!(given(9).as_deref(), Ok("a5a"));
        assert_eq!(given(DEFAULT_BITS).map(|text| text.len()), Ok(64));
        assert_eq!(given(MAX_BITS).map(|text| text.len()), Ok(1024));
        for wrong in [0, -1, MAX_BITS + 1, i64::MIN] {
            assert_eq!(given(wrong), Err(WRONG_BITS));
        }
        assert!(WRONG_BITS.ends_with(&format!("up to {MAX_BITS}")));
    }
}
