//! Zipmaps: how small hashes were packed before Redis 2.6.
//!
//! ```text
//! count │ len │ field │ len │ free │ value │ <free unused bytes> │ len │ field │ … │ 0xFF
//! len: one byte up to 253, or 0xFE and four bytes little-endian          count: 254 and more mean unknown
//! ```

/// The fields and values in order; `None` when the bytes are not a zipmap. Behind the end mark there may be anything
/// that ends with one more, as in Redis.
pub(super) fn parse(bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    if bytes.last() != Some(&END) {
        return None;
    }
    let (&count, mut rest) = bytes.split_first()?;
    let mut pairs = Vec::new();
    while *rest.first()? != END {
        let field = take_len(&mut rest)?;
        let field = take(&mut rest, field)?;
        let value = take_len(&mut rest)?;
        let free = take(&mut rest, 1)?[0];
        let value = take(&mut rest, value)?;
        take(&mut rest, free.into())?;
        pairs.push((field, value));
    }
    (count >= COUNT_UNKNOWN || usize::from(count) == pairs.len()).then_some(pairs)
}

const END: u8 = 0xff;
const LONG: u8 = 0xfe;
const COUNT_UNKNOWN: u8 = 0xfe;

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(taken)
}

fn take_len(rest: &mut &[u8]) -> Option<usize> {
    match *take(rest, 1)?.first()? {
        END => None,
        LONG => Some(u32::from_le_bytes(*take(rest, 4)?.first_chunk()?) as usize),
        short => Some(short.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn pairs_with_unused_bytes() {
        assert_eq!(
            parse(b"\x02\x01a\x02\x00bc\x00\x03\x02def??\xff"),
            Some(vec![(&b"a"[..], &b"bc"[..]), (b"", b"def")])
        );
        assert_eq!(parse(b"\x01\xfe\x01\x00\x00\x00a\x01\x00b\xff"), Some(vec![(&b"a"[..], &b"b"[..])]));
        assert_eq!(parse(b"\x00\xff"), Some(vec![]));
    }

    #[test]
    fn malformed() {
        for bytes in [&b""[..], b"\x00", b"\x01\x01a\xff", b"\x01\x01a\x01\x00b", b"\x02\x01a\x01\x00b\xff"] {
            assert_eq!(parse(bytes), None, "{bytes:?}");
        }
        assert_eq!(parse(b"\x01\xfe\xff\xff\xff\xffa\x01\x00b\xff"), None);
    }
}
