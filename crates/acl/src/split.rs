//! How rules become words and words become rules again: selectors are split as lines of a configuration file are, quotes included.

/// A C string ends at its first zero byte; words are compared as such, patterns and passwords are not.
pub(crate) fn until_zero(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    &text[..end]
}

/// Spaces of the C locale.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Neither names nor patterns have a space or a zero byte, so that a line of words holds them.
pub(crate) fn has_spaces(text: &[u8]) -> bool {
    text.iter().any(|byte| is_space(*byte) || *byte == 0)
}

/// Without these bytes at both ends.
pub(crate) fn trim<'t>(mut text: &'t [u8], bytes: &[u8]) -> &'t [u8] {
    while let [first, rest @ ..] = text
        && bytes.contains(first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && bytes.contains(last)
    {
        text = rest;
    }
    text
}

/// Splits a line into words, which may be quoted. `None` when quotes are not closed, or go on after they are closed.
pub(crate) fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    // A zero byte ends the line.
    resp::split_quoted(until_zero(line))
}

/// A word as [`words`] reads it back, also when it stands in a selector that is searched for its closing parenthesis. The servers never
/// quote, so what they write of such a word is read as something else: `(~a)b +get)` as a selector and a rule of the user itself.
pub(crate) fn quoted(word: Vec<u8>) -> Vec<u8> {
    if !word.iter().any(|byte| matches!(byte, b'"' | b'\'' | b')')) {
        return word;
    }
    let mut text = vec![b'"'];
    for byte in word {
        if matches!(byte, b'"' | b'\\') {
            text.push(b'\\');
        }
        text.push(byte);
    }
    text.push(b'"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&[&str]>) {
        let words = words(line.as_bytes());
        let words: Option<Vec<String>> =
            words.map(|words| words.iter().map(|word| word.escape_ascii().to_string()).collect());
        let expected: Option<Vec<String>> =
            expected.map(|words| words.iter().map(|&word| word.to_owned()).collect());
        assert_eq!(words, expected, "{line}");
    }

    #[test]
    fn words_and_quotes() {
        check("", Some(&[]));
        check("  +get \t ~a ", Some(&["+get", "~a"]));
        check("\"a b\" 'c d' \"\\x41\\n\\q\\xg\"", Some(&["a b", "c d", "A\\nqxg"]));
        check("~\"a b\" '\\''", Some(&["~a b", "\\'"]));
        check("a\\b", Some(&["a\\\\b"]));
        for unbalanced in ["\"a", "'a", "\"a\"b", "'a'b", "\"a\\"] {
            check(unbalanced, None);
        }
    }

    #[test]
    fn a_word_ends_where_c_ends_it() {
        check("a\0b", Some(&["a"]));
        assert_eq!(until_zero(b"a\0b"), b"a");
        assert!(has_spaces(b"a\x0bb") && has_spaces(b"a\0") && !has_spaces(b"a\x1f"));
        assert_eq!(trim(b" \ta b\r\n", b" \t\r\n"), b"a b");
        assert_eq!(trim(b"\n", b"\n"), b"");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn quoted_words_are_read_back(word in "[a\"')(\\\\x41*]{1,8}") {
            let line = quoted(word.clone().into_bytes());
            prop_assert!(!line.ends_with(b")"));
            prop_assert_eq!(words(&line), Some(vec![word.into_bytes()]));
        }
    }
}
