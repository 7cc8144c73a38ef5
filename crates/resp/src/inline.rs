//! Words of an inline command, with the quoting of the Redis command line.
//!
//! Words are separated by white space. `"…"` understands `\xHH`, `\n`, `\r`, `\t`, `\b`, `\a` and takes any other
//! escaped byte as itself; `'…'` understands only `\'`. A closing quote must be followed by white space or the end.
//! A quote in the middle of a word opens a quoted part of that word.
//!
//! Two sets of white space are in use, as in the original: six bytes separate words and may follow a closing quote,
//! but a bare word goes on over a vertical tab or a form feed.

use crate::request::ArgRange;

/// The quotes of the line do not balance, or something other than white space follows a closing quote.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unbalanced;

/// Splits `line` into words as an inline command would be split; `None` when its quotes do not balance.
///
/// Configuration files, the command line, and selectors and files of access control lists use the same rules.
pub fn split_quoted(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut words, mut unescaped) = (Vec::new(), Vec::new());
    split(line, &mut words, &mut unescaped).ok()?;
    Some(words.iter().map(|word| word.of(&unescaped).to_vec()).collect())
}

/// Appends the words of `line` to `unescaped` and their ranges there to `words`. On error both may have grown.
pub(crate) fn split(
    line: &[u8],
    words: &mut Vec<ArgRange>,
    unescaped: &mut Vec<u8>,
) -> Result<(), Unbalanced> {
    let mut rest = line;
    loop {
        while let [first, tail @ ..] = rest
            && is_space(*first)
        {
            rest = tail;
        }
        if rest.is_empty() {
            return Ok(());
        }
        let start = unescaped.len();
        rest = word(rest, unescaped)?;
        words.push(ArgRange { start, len: unescaped.len() - start });
    }
}

/// Unescapes one word and returns what follows it.
fn word<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Unbalanced> {
    loop {
        match rest {
            [] | [b' ' | b'\n' | b'\r' | b'\t', ..] => return Ok(rest),
            [b'"', tail @ ..] => return double_quoted(tail, out),
            [b'\'', tail @ ..] => return single_quoted(tail, out),
            [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
}

fn double_quoted<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Unbalanced> {
    loop {
        let (byte, tail) = match rest {
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), tail)
            }
            [b'\\', escaped, tail @ ..] => (unescape(*escaped), tail),
            [b'"', tail @ ..] => return closed(tail),
            [byte, tail @ ..] => (*byte, tail),
            [] => return Err(Unbalanced),
        };
        out.push(byte);
        rest = tail;
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], Unbalanced> {
    loop {
        let (byte, tail) = match rest {
            [b'\\', b'\'', tail @ ..] => (b'\'', tail),
            [b'\'', tail @ ..] => return closed(tail),
            [byte, tail @ ..] => (*byte, tail),
            [] => return Err(Unbalanced),
        };
        out.push(byte);
        rest = tail;
    }
}

fn closed(rest: &[u8]) -> Result<&[u8], Unbalanced> {
    match rest.first() {
        Some(&next) if !is_space(next) => Err(Unbalanced),
        _ => Ok(rest),
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &[u8], want: Option<&[&[u8]]>) {
        let got = split_quoted(line);
        let want = want.map(|words| words.iter().map(|word| word.to_vec()).collect());
        assert_eq!(got, want, "{:?}", String::from_utf8_lossy(line));
    }

    #[test]
    fn words_and_quotes() {
        check(b"", Some(&[]));
        check(b"  \x0b\x0c ", Some(&[]));
        check(b"ECHO a\tb\x0bc", Some(&[b"ECHO", b"a", b"b\x0bc"]));
        check(b"PI\rNG", Some(&[b"PI", b"NG"]));
        check(br#"ECHO "a\x41\n\r\t\b\a\q\"""#, Some(&[b"ECHO", b"aA\n\r\t\x08\x07q\""]));
        check(br#"ECHO "\x4" "\xg1" "\xFf""#, Some(&[b"ECHO", b"x4", b"xg1", b"\xff"]));
        check(br"ECHO 'a\'b\n'", Some(&[b"ECHO", br"a'b\n"]));
        check(br#"ECHO a"b c" """#, Some(&[b"ECHO", b"ab c", b""]));
        check(b"ECHO \"a\"\x0bb", Some(&[b"ECHO", b"a", b"b"]));
        check(b"ECHO a\xa0b", Some(&[b"ECHO", b"a\xa0b"]));
    }

    #[test]
    fn quotes_that_do_not_balance() {
        for line in [r#""a"b"#, r#""a"#, "'a'b", "'a", r#""a\"#, r"'a\'", "a'b c'd"] {
            check(line.as_bytes(), None);
        }
    }
}
