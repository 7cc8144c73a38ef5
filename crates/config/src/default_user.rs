//! `user default …`: the line that CONFIG REWRITE of a real server adds for the one user that is always there.
//!
//! In Engram the default user may do everything, and `requirepass` is its password. A line that says just that is accepted; a line that
//! would restrict the user is refused, because the restriction would not be enforced.

use sha2::{Digest, Sha256};

/// What the rules of a `user default` line come to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DefaultUser {
    enabled: bool,
    any_password: bool,
    /// SHA-256 of each password.
    hashes: Vec<[u8; 32]>,
    /// A password that the line has in full.
    password: Option<Vec<u8>>,
    all_keys: bool,
    all_channels: bool,
    all_commands: bool,
}

const RESTRICTED: &str = "The default user can't be restricted: it is on, with ~* &* +@all, and nopass or the password of requirepass.";

impl DefaultUser {
    /// Reads the rules, in their order, for a user that begins with none.
    ///
    /// # Errors
    /// The sentence to show.
    pub(crate) fn parse(rules: &[Vec<u8>]) -> Result<DefaultUser, String> {
        let mut user = DefaultUser::default();
        for rule in rules {
            user.apply(rule)?;
        }
        if user.enabled && user.all_keys && user.all_channels && user.all_commands {
            Ok(user)
        } else {
            Err(RESTRICTED.to_owned())
        }
    }

    fn apply(&mut self, rule: &[u8]) -> Result<(), String> {
        match (rule.to_ascii_lowercase().as_slice(), rule) {
            (b"on", _) => self.enabled = true,
            (b"off", _) => self.enabled = false,
            (b"nopass", _) => (self.any_password, self.hashes, self.password) = (true, Vec::new(), None),
            (b"resetpass", _) => (self.any_password, self.hashes, self.password) = (false, Vec::new(), None),
            (b"reset", _) => *self = DefaultUser::default(),
            (b"allkeys" | b"~*" | b"%rw~*", _) => self.all_keys = true,
            (b"allchannels" | b"&*", _) => self.all_channels = true,
            (b"allcommands" | b"+@all", _) => self.all_commands = true,
            // Payloads are always checked.
            (b"sanitize-payload" | b"skip-sanitize-payload", _) => {}
            (_, [b'>', password @ ..]) => {
                self.add(Sha256::digest(password).into());
                self.password = Some(password.to_vec());
            }
            (_, [b'#', hash @ ..]) => {
                self.add(unhex(hash).ok_or("The hash of a password is 64 hexadecimal digits.")?)
            }
            _ => return Err(RESTRICTED.to_owned()),
        }
        Ok(())
    }

    fn add(&mut self, hash: [u8; 32]) {
        self.any_password = false;
        if !self.hashes.contains(&hash) {
            self.hashes.push(hash);
        }
    }

    /// The password that `requirepass` must have, given what the file says it has.
    ///
    /// # Errors
    /// The sentence to show.
    pub(crate) fn password(self, requirepass: &[u8]) -> Result<Vec<u8>, String> {
        match (self.hashes.as_slice(), self.password) {
            ([], _) if !self.any_password => {
                Err("The default user has no password and isn't nopass.".to_owned())
            }
            ([], _) if requirepass.is_empty() => Ok(Vec::new()),
            ([], _) => Err("The default user is nopass, and requirepass sets a password.".to_owned()),
            ([_, _, ..], _) => Err("The default user can have one password only.".to_owned()),
            (&[hash], _) if hash == <[u8; 32]>::from(Sha256::digest(requirepass)) => Ok(requirepass.to_vec()),
            (_, Some(password)) if requirepass.is_empty() => Ok(password),
            _ if requirepass.is_empty() => {
                Err("Of the default user's password there is a hash only; set requirepass to the password."
                    .to_owned())
            }
            _ => Err("The default user has another password than requirepass.".to_owned()),
        }
    }
}

fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "#2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

    fn password(rules: &str, requirepass: &str) -> Result<String, String> {
        let rules: Vec<Vec<u8>> = rules.split_whitespace().map(|rule| rule.as_bytes().to_vec()).collect();
        let password = DefaultUser::parse(&rules)?.password(requirepass.as_bytes())?;
        Ok(String::from_utf8(password).expect("text"))
    }

    #[test]
    fn lines_that_servers_write_are_taken() {
        for rules in [
            "on nopass ~* &* +@all",
            "on nopass sanitize-payload ~* &* +@all",
            "ON allkeys allchannels allcommands nopass",
        ] {
            assert_eq!(password(rules, ""), Ok(String::new()), "{rules}");
        }
        for rules in [format!("on {HASH} ~* &* +@all"), format!("on sanitize-payload {HASH} ~* &* +@all")] {
            assert_eq!(password(&rules, "secret"), Ok("secret".into()), "{rules}");
        }
        assert_eq!(password("on >secret ~* &* +@all", ""), Ok("secret".into()));
        assert_eq!(password("on >secret ~* &* +@all", "secret"), Ok("secret".into()));
    }

    #[test]
    fn what_would_not_be_kept_is_refused() {
        for rules in [
            "off nopass ~* &* +@all",
            "on nopass ~a* &* +@all",
            "on nopass ~* +@all",
            "on nopass ~* &* -@all",
            "on nopass ~* &* +@all -get",
        ] {
            assert_eq!(password(rules, ""), Err(RESTRICTED.into()), "{rules}");
        }
        let hashed = format!("on {HASH} ~* &* +@all");
        for (rules, requirepass) in [
            ("on ~* &* +@all", ""),
            ("on nopass ~* &* +@all", "secret"),
            ("on >a >b ~* &* +@all", ""),
            ("on >a ~* &* +@all", "b"),
            ("on #12 ~* &* +@all", ""),
            (&hashed, ""),
            (&hashed, "other"),
        ] {
            assert!(password(rules, requirepass).is_err(), "{rules} {requirepass}");
        }
    }
}
