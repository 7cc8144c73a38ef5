//! Why a rule is refused, in the servers' words.

use std::fmt;

/// Why one rule is refused. It holds nothing of the rule, which may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleError {
    /// It names no command or category.
    Unknown,
    /// It is no rule, or has bytes that it can't have.
    Syntax,
    /// A pattern of keys where all keys are allowed.
    AfterAllKeys,
    /// A pattern of channels where all channels are allowed.
    AfterAllChannels,
    /// It takes a password away that the user doesn't have.
    NoSuchPassword,
    /// A hash that is not 64 hexadecimal digits.
    WrongHash,
    /// A first argument of a subcommand.
    FirstArgumentOfSubcommand,
    /// No database can have that number.
    DatabaseOutOfRange,
    /// A user that is declared twice in a configuration file.
    Duplicate,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RuleError::Unknown => "Unknown command or category name in ACL",
            RuleError::Syntax => "Syntax error",
            RuleError::AfterAllKeys => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. \
                 Try 'resetkeys' to start with an empty list of patterns"
            }
            RuleError::AfterAllChannels => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any \
                 effect. Try 'resetchannels' to start with an empty list of channels"
            }
            RuleError::NoSuchPassword => "The password you are trying to remove from the user does not exist",
            RuleError::WrongHash => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
            }
            RuleError::FirstArgumentOfSubcommand => "Allowing first-arg of a subcommand is not supported",
            RuleError::DatabaseOutOfRange => "The provided database ID is out of range",
            RuleError::Duplicate => "Duplicate user found. A user can only be defined once in config files",
        })
    }
}

impl std::error::Error for RuleError {}

/// Why `ACL SETUSER` changes nothing.
#[derive(Clone, PartialEq, Eq)]
pub enum SetUserError {
    /// The user's name has a space or a zero byte.
    Name,
    /// A selector that begins with this argument does not end.
    Unmatched(Vec<u8>),
    /// This rule is refused.
    Rule(Vec<u8>, RuleError),
}

impl SetUserError {
    /// The error's line, without its dash. What was sent is shown byte for byte up to a zero byte, as in C, so it is no text; passwords
    /// and hashes are not shown, where the servers repeat them.
    pub fn line(&self) -> Vec<u8> {
        match self {
            SetUserError::Name => b"ERR Usernames can't contain spaces or null characters".to_vec(),
            SetUserError::Unmatched(start) => {
                [b"ERR Unmatched parenthesis in acl selector starting at '", &*shown(start), b"'."].concat()
            }
            SetUserError::Rule(rule, error) => {
                let error = format!("': {error}");
                [b"ERR Error in ACL SETUSER modifier '", &*shown(rule), error.as_bytes()].concat()
            }
        }
    }
}

impl fmt::Debug for SetUserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SetUserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.line()))
    }
}

impl std::error::Error for SetUserError {}

/// A rule without its passwords, those of a selector's words included: they are wrong there, but they are passwords.
pub fn shown(rule: &[u8]) -> Vec<u8> {
    let rule = crate::split::until_zero(rule);
    let words: Vec<Vec<u8>> = if rule.starts_with(b"(") {
        rule.split(|byte| *byte == b' ').map(redacted).collect()
    } else {
        vec![redacted(rule)]
    };
    words.join(&b' ')
}

fn redacted(word: &[u8]) -> Vec<u8> {
    let opening = word.iter().take_while(|byte| matches!(byte, b'(' | b'"' | b'\'')).count();
    match word.get(opening) {
        Some(b'>' | b'<' | b'#' | b'!') => [&word[..=opening], b"(redacted)"].concat(),
        _ => word.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: SetUserError, line: &str) {
        assert_eq!(error.to_string(), line);
    }

    #[test]
    fn lines() {
        check(SetUserError::Name, "ERR Usernames can't contain spaces or null characters");
        check(
            SetUserError::Unmatched(b"(+get".to_vec()),
            "ERR Unmatched parenthesis in acl selector starting at '(+get'.",
        );
        for (error, text) in [
            (RuleError::Unknown, "Unknown command or category name in ACL"),
            (RuleError::Syntax, "Syntax error"),
            (RuleError::FirstArgumentOfSubcommand, "Allowing first-arg of a subcommand is not supported"),
            (RuleError::DatabaseOutOfRange, "The provided database ID is out of range"),
        ] {
            let line = format!("ERR Error in ACL SETUSER modifier '+x': {text}");
            check(SetUserError::Rule(b"+x\0y".to_vec(), error), &line);
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        for (rule, text) in [
            ("<secret", "<(redacted)"),
            ("#secret", "#(redacted)"),
            ("!secret secret", "!(redacted)"),
            ("(>secret +get)", "(>(redacted) +get)"),
            ("(+get \">secret)", "(+get \">(redacted)"),
        ] {
            let error = SetUserError::Rule(rule.into(), RuleError::Syntax);
            check(error, &format!("ERR Error in ACL SETUSER modifier '{text}': Syntax error"));
        }
        let start = SetUserError::Unmatched(b"(>secret".to_vec());
        check(start, "ERR Unmatched parenthesis in acl selector starting at '(>(redacted)'.");
    }
}
