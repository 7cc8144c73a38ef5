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
    /// By the rules of glob patterns; its first bytes, which are so many, are literal.
    General(usize),
}

/// A glob pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: Box<[u8]>,
    form: Form,
}

impl Pattern {
    pub(crate) fn new(text: &[u8]) -> Pattern {
        let literal = text.iter().take_while(|byte| glob::is_literal(&[**byte])).count();
        let form = match &text[literal..] {
            [] => Form::Literal,
            rest if literal > 0 && rest.iter().all(|byte| *byte == b'*') => Form::Prefix(literal),
            _ => Form::General(literal),
        };
        Pattern { text: text.into(), form }
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    #[inline]
    pub(crate) fn matches(&self, name: &[u8]) -> bool {
        match self.form {
            Form::Literal => *self.text == *name,
            Form::Prefix(length) => name.starts_with(&self.text[..length]),
            Form::General(length) => {
                name.starts_with(&self.text[..length]) && glob::matches(&self.text, name, false)
            }
        }
    }
}

impl Pattern {
    /// Whether it allows a channel; or a pattern of channels, which it allows only when it is the same.
    #[inline]
    pub(crate) fn allows_channel(&self, channel: &[u8], is_pattern: bool) -> bool {
        if is_pattern { *self.text == *channel } else { self.matches(channel) }
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
    pub(crate) fn allows(&self, key: &[u8], access: Access) -> bool {
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
        assert_eq!(form("user:*:a"), Form::General(5));
        assert_eq!(form("a[bc]"), Form::General(1));
        assert_eq!(form("a\\*"), Form::General(1));
        assert_eq!(form("*"), Form::General(0));
        assert_eq!(form(""), Form::Literal);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn a_form_matches_what_its_glob_matches(pattern in "[ab*?\\[\\]\\\\^-]{0,7}", text in "[ab*\\[]{0,7}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(Pattern::new(pattern).matches(text), glob::matches(pattern, text, false));
        }
    }
}
