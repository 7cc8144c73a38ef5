//! Percent encoding as RFC 3986 and AWS have it: letters, digits and `-._~` stand for themselves, all else is `%XX`.

/// Appends `bytes` encoded; a slash too, unless it is kept.
pub(crate) fn encode_into(out: &mut String, bytes: &[u8], keep_slash: bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Takes the encoding off; a plus is a space if `plus_is_space`. None where `%` is not followed by two hex digits.
pub(crate) fn decode(encoded: &[u8], plus_is_space: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'%' => {
                let (high, low) = (hex_digit(*tail.first()?)?, hex_digit(*tail.get(1)?)?);
                out.push(high << 4 | low);
                rest = &tail[2..];
            }
            b'+' if plus_is_space => out.push(b' '),
            _ => out.push(byte),
        }
    }
    Some(out)
}

/// The value of a hex digit in either case.
pub(crate) fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Pairs of names and values as they stand between `&` and `=`, still encoded. A name without `=` has an empty value;
/// nothing between two `&` is no pair.
pub(crate) fn raw_pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let at = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
        (&pair[..at], pair.get(at + 1..).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pairs() {
        let pairs: Vec<_> = raw_pairs(b"a=1&&b&c==&=d").collect();
        let expected: [(&[u8], &[u8]); 4] = [(b"a", b"1"), (b"b", b""), (b"c", b"="), (b"", b"d")];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn refuses_half_an_escape() {
        for bad in ["%", "%4", "a%4", "%zz", "%+1"] {
            assert_eq!(decode(bad.as_bytes(), true), None, "{bad}");
        }
        assert_eq!(decode(b"a+b%2b%2B", true).as_deref(), Some(&b"a b++"[..]));
        assert_eq!(decode(b"a+b", false).as_deref(), Some(&b"a+b"[..]));
    }

    proptest! {
        #[test]
        fn decodes_what_it_encodes(bytes in proptest::collection::vec(any::<u8>(), 0..64), keep_slash: bool, plus: bool) {
            let mut encoded = String::new();
            encode_into(&mut encoded, &bytes, keep_slash);
            prop_assert!(encoded.is_ascii());
            prop_assert_eq!(decode(encoded.as_bytes(), plus), Some(bytes));
        }
    }
}
