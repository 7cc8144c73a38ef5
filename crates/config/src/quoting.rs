//! The quoting of configuration lines: splitting a line into arguments and writing an argument so that it is read back.
//!
//! Double quotes know `\n`, `\r`, `\t`, `\a`, `\b`, `\xHH` and take any other escaped byte literally; single quotes know
//! `\'` only. A quoted part may begin within a word, and what follows its end must be white space.

/// Splits a line into its arguments; `None` when quotes are unbalanced.
pub fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut arguments = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start_c();
        if rest.is_empty() {
            return Some(arguments);
        }
        let (argument, after) = take_argument(rest)?;
        arguments.push(argument);
        rest = after;
    }
}

/// White space as the C library sees it, which has the vertical tab besides ASCII's own.
trait CSpace {
    fn trim_ascii_start_c(&self) -> &Self;
}

impl CSpace for [u8] {
    fn trim_ascii_start_c(&self) -> &[u8] {
        let spaces = self.iter().take_while(|byte| is_space(**byte)).count();
        &self[spaces..]
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

fn take_argument(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut argument = Vec::new();
    loop {
        match rest {
            [] => return Some((argument, rest)),
            [byte, ..] if is_space(*byte) => return Some((argument, rest)),
            [quote @ (b'"' | b'\''), after @ ..] => {
                let after = match quote {
                    b'"' => take_double_quoted(after, &mut argument)?,
                    _ => take_single_quoted(after, &mut argument)?,
                };
                let ended = after.first().is_none_or(|byte| is_space(*byte));
                return ended.then_some((argument, after));
            }
            [byte, after @ ..] => {
                argument.push(*byte);
                rest = after;
            }
        }
    }
}

fn take_double_quoted<'a>(mut rest: &'a [u8], argument: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, after) = match rest {
            [b'"', after @ ..] => return Some(after),
            [b'\\', b'x', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), after)
            }
            [b'\\', escaped, after @ ..] => (unescape(*escaped), after),
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        argument.push(byte);
        rest = after;
    }
}

fn take_single_quoted<'a>(mut rest: &'a [u8], argument: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, after) = match rest {
            [b'\\', b'\'', after @ ..] => (b'\'', after),
            [b'\'', after @ ..] => return Some(after),
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        argument.push(byte);
        rest = after;
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

fn unescape(escaped: u8) -> u8 {
    match escaped {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

/// Writes a text in double quotes so that [`split`] reads it back.
pub fn quote(text: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for byte in text {
        match byte {
            b'\\' | b'"' => quoted.extend([b'\\', *byte]),
            b'\n' => quoted.extend(b"\\n"),
            b'\r' => quoted.extend(b"\\r"),
            b'\t' => quoted.extend(b"\\t"),
            0x07 => quoted.extend(b"\\a"),
            0x08 => quoted.extend(b"\\b"),
            b' '..=b'~' => quoted.push(*byte),
            _ => quoted.extend(format!("\\x{byte:02x}").bytes()),
        }
    }
    quoted.push(b'"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&[&str]>) {
        let split = split(line.as_bytes());
        let expected =
            expected.map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>());
        assert_eq!(split, expected, "{line}");
    }

    #[test]
    fn lines_are_split() {
        check("a b\t c ", Some(&["a", "b", "c"]));
        check("save \"\"", Some(&["save", ""]));
        check("a \"b c\\n\\x41\\q\"", Some(&["a", "b c\nAq"]));
        check("a 'b \\n \\' c'", Some(&["a", "b \\n ' c"]));
        check("a b\"c d\"", Some(&["a", "bc d"]));
        check("a \"b\"c", None);
        check("a \"b", None);
        check("a 'b", None);
        check("", Some(&[]));
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(split(&quote(&text)), Some(vec![text]));
        }

        #[test]
        fn any_line_is_split_or_refused(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(arguments) = split(&line) {
                prop_assert!(arguments.len() <= line.len());
            }
        }
    }
}
