//! The ACL file: one user a line, as ACL LIST shows it. It has no comments, for it is written anew by `ACL SAVE`.
//!
//! ```text
//! user alice on sanitize-payload #2bb8… ~cached:* resetchannels -@all +get
//! user default on nopass sanitize-payload ~* &* +@all
//! ```
//!
//! All of it is taken or none. Every wrong line is told, in the words that the servers have for it; of one line's wrong rules those that
//! name no command, and the first other one. What a wrong rule says is shown only when it names a command, since others may be passwords.

use crate::user::User;
use crate::users::{Users, merge};
use crate::{Catalogue, RuleError, split};
use std::collections::BTreeMap;

/// How the list of errors ends.
const NOTHING_CHANGED: &str =
    "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

/// The error for ACL LOAD and ACL SAVE where there is no file. Valkey names nobody as of 8.0.
pub const fn no_file(is_named: bool) -> &'static str {
    if is_named {
        "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER \
         command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users \
         in the Redis configuration."
    } else {
        "ERR This instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER \
         command and then issue a CONFIG REWRITE (assuming you have a configuration file set) in order to store users \
         in the configuration."
    }
}

/// The error for an ACL SAVE whose file can't be written.
pub const NOT_SAVED: &str =
    "ERR There was an error trying to save the ACLs. Please check the server logs for more information";

/// Why a file is not loaded that can't be opened; `reason` is the system's.
pub fn not_opened(path: &str, reason: &str) -> String {
    format!("Error loading ACLs, opening file '{path}': {reason}")
}

impl Users {
    /// Takes the users of a file in place of all there are. `path` is how the file is called in errors.
    ///
    /// # Errors
    /// All errors in one line, as `ACL LOAD` answers them behind `ERR `.
    pub fn load(&mut self, catalogue: &Catalogue, path: &str, text: &[u8]) -> Result<(), Vec<u8>> {
        let mut file = File {
            catalogue,
            path,
            all_channels: self.all_channels(),
            users: BTreeMap::new(),
            errors: Vec::new(),
        };
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            file.line(at + 1, split::trim(line, b" \t\r\n"));
        }
        if !file.errors.is_empty() {
            file.errors.extend_from_slice(NOTHING_CHANGED.as_bytes());
            return Err(file.errors);
        }
        self.replace(catalogue, file.users);
        Ok(())
    }

    /// The lines of a file with all users.
    pub fn save(&self, catalogue: &Catalogue) -> Vec<u8> {
        self.lines(catalogue).flat_map(|line| [line, b"\n".to_vec()].concat()).collect()
    }

    /// The lines of `ACL LIST`.
    pub fn lines(&self, catalogue: &Catalogue) -> impl Iterator<Item = Vec<u8>> {
        self.iter().map(|(name, user)| [b"user ", name, b" ", &*user.describe(catalogue)].concat())
    }
}

impl Users {
    /// The lines of `ACL LIST` without the hashes of passwords.
    pub fn lines_without_passwords(&self, catalogue: &Catalogue) -> impl Iterator<Item = Vec<u8>> {
        self.iter()
            .map(|(name, user)| [b"user ", name, b" ", &*user.describe_without_passwords(catalogue)].concat())
    }
}

struct File<'a> {
    catalogue: &'a Catalogue,
    path: &'a str,
    all_channels: bool,
    users: BTreeMap<Vec<u8>, User>,
    errors: Vec<u8>,
}

impl File<'_> {
    fn line(&mut self, number: usize, line: &[u8]) {
        if line.is_empty() {
            return;
        }
        let path = self.path;
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let [b"user", name, rules @ ..] = words.as_slice() else {
            return self.error(&[&format!(
                "{path}:{number} should start with user keyword followed by the username. "
            )]);
        };
        if split::has_spaces(name) {
            let (before, behind) =
                (format!("'{path}:{number}: username '"), "' contains invalid characters. ");
            return self.error(&[before.as_bytes(), name, behind.as_bytes()]);
        }
        if self.users.contains_key(*name) {
            let behind = format!("' found on line {number}. ");
            return self.error(&[&b"WARNING: Duplicate user '"[..], name, behind.as_bytes()]);
        }
        let mut user = User::new(self.catalogue, self.all_channels);
        match merge(self.catalogue, rules) {
            Ok(rules) => self.rules(number, &mut user, &rules),
            Err(_) => {
                self.error(&[&format!("{path}:{number}: Unmatched parenthesis in selector definition.")])
            }
        }
        self.users.insert(name.to_vec(), user);
    }

    fn rules(&mut self, number: usize, user: &mut User, rules: &[Vec<u8>]) {
        let path = self.path;
        let mut told = false;
        for rule in rules {
            let rule = split::trim(rule, b"\t\r\n");
            match user.apply(self.catalogue, self.all_channels, rule) {
                Ok(()) => {}
                Err(error @ RuleError::Unknown) => {
                    let before = format!("{path}:{number}: Error in applying operation '");
                    self.error(&[before.as_bytes(), rule, format!("': {error}. ").as_bytes()]);
                }
                Err(error) => {
                    if !told {
                        self.error(&[&format!("{path}:{number}: {error}. ")]);
                    }
                    told = true;
                }
            }
        }
    }

    fn error(&mut self, parts: &[impl AsRef<[u8]>]) {
        parts.iter().for_each(|part| self.errors.extend_from_slice(part.as_ref()));
    }
}
