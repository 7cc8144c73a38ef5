//! Patterns of keys and channels, looked at once so that most checks compare bytes only.

use topology::glob;

/// What is done to a key: bits, for a pattern may allow both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Access(u8);

impl Access {
    pub(crate) const NONE: Access = Access(0);
    pub(crate) const READ: Access = Access(1);
    pub(crate) const WRITE: Access = Access(2);
    pub(crate) const ALL: Access = Access(3);

    pub(crate) fn with(self, other: Access) -> Access {
        Access(self.0 | other.0)
    }

    pub(crate) fn includes(self, other: Access) -> bool {
        self.0 & other.0 == other.0
    }
}

/// How a pattern is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Only itself.
    Literal,
    /// What begins with its first bytes, which are so many.
    Prefix(usize),
    /// By the rules of glob patterns.
    General,
}

/// Bytes that patterns are compared with at once.
const HEAD: usize = 8;

/// The first bytes, zeros behind the end.
fn head(text: &[u8]) -> u64 {
    match text.first_chunk::<HEAD>() {
        Some(first) => u64::from_le_bytes(*first),
        None => text.iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte)),
    }
}

/// A key or channel, with its first bytes in a word: most patterns are told from it by one comparison.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name<'a> {
    text: &'a [u8],
    head: u64,
}

impl<'a> Name<'a> {
    #[inline]
    pub(crate) fn new(text: &'a [u8]) -> Name<'a> {
        Name { text, head: head(text) }
    }
}

/// A glob pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: Box<[u8]>,
    form: Form,
    /// Its first literal bytes, and which bytes of a word these are. A pattern has no zero byte, so a shorter name differs.
    head: u64,
    mask: u64,
}

impl Pattern {
    pub(crate) fn new(text: &[u8]) -> Pattern {
        let literal = text.iter().take_while(|byte| glob::is_literal(&[**byte])).count();
        let form = match &text[literal..] {
            [] => Form::Literal,
            rest if literal > 0 && rest.iter().all(|byte| *byte == b'*') => Form::Prefix(literal),
            _ => Form::General,
        };
        let literal = &text[..literal.min(HEAD)];
        let mask = literal.iter().fold(0, |mask, _| mask << 8 | 0xff);
        Pattern { text: text.into(), form, head: head(literal), mask }
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    #[inline]
    pub(crate) fn matches(&self, name: Name<'_>) -> bool {
        name.head & self.mask == self.head && self.matches_rest(name.text)
    }

    fn matches_rest(&self, name: &[u8]) -> bool {
        match self.form {
            Form::Literal => *self.text == *name,
            Form::Prefix(length) => name.starts_with(&self.text[..length]),
            Form::General => glob::matches(&self.text, name, false),
        }
    }
}

impl Pattern {
    /// Whether it allows a channel; or a pattern of channels, which it allows only when it is the same.
    #[inline]
    pub(crate) fn allows_channel(&self, channel: Name<'_>, is_pattern: bool) -> bool {
        if is_pattern { *self.text == *channel.text } else { self.matches(channel) }
    }
}

/// A pattern of keys, and what may be done to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyPattern {
    pub(crate) pattern: Pattern,
    pub(crate) access: Access,
}

impl KeyPattern {
    #[inline]
    pub(crate) fn allows(&self, key: Name<'_>, access: Access) -> bool {
        self.access.includes(access) && self.pattern.matches(key)
    }

    /// The rule that makes it.
    pub(crate) fn rule(&self) -> Vec<u8> {
        let sign: &[u8] = match self.access {
            Access::READ => b"%R~",
            Access::WRITE => b"%W~",
            _ => b"~",
        };
        [sign, self.pattern.text()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms() {
        let form = |text: &str| Pattern::new(text.as_bytes()).form;
        assert_eq!(form("user:1"), Form::Literal);
        assert_eq!(form("user:*"), Form::Prefix(5));
        assert_eq!(form("user:**"), Form::Prefix(5));
        assert_eq!(form("user:*:a"), Form::General);
        assert_eq!(form("a[bc]"), Form::General);
        assert_eq!(form("a\\*"), Form::General);
        assert_eq!(form("*"), Form::General);
        assert_eq!(form(""), Form::Literal);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn a_form_matches_what_its_glob_matches(
            begin in "a{0,12}", pattern in "[ab*?\\[\\]\\\\^-]{0,7}", same in "a{0,12}", text in "[ab*\\[]{0,7}",
        ) {
            // Half begin alike, so that words of eight bytes are compared too.
            let same = if text.len() % 2 == 0 { &begin } else { &same };
            let (pattern, text) = (format!("{begin}{pattern}"), format!("{same}{text}"));
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(Pattern::new(pattern).matches(Name::new(text)), glob::matches(pattern, text, false));
        }
    }
}
