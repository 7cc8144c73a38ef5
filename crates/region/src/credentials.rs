//! The access keys: who may call the API, and for what.
//!
//! There are two. Calls with the root key do what they say. Calls with the key of dry runs change nothing, whichever path of the API
//! they are sent to: a program may have its endpoint written into it.

use files::{Directory, Permission};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// The account that everything belongs to. There is one; tools want twelve digits.
pub const ACCOUNT: &str = "000000000000";

/// Letters of keys, as AWS uses them in access key ids: RFC 4648's base32.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// `AKIA…`, 20 characters.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: String,
}

/// What a call that is signed with a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Everything.
    Root,
    /// Describe, and tell what would change.
    DryRun,
}

/// The keys of a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// See [`Use::Root`].
    pub root: Credentials,
    /// See [`Use::DryRun`].
    pub dry_run: Credentials,
}

impl Keys {
    /// The keys that are kept in a directory; each is made at the first call that finds none. Only the owner can read the files.
    ///
    /// # Errors
    /// When a file cannot be read or written, or is not one of ours.
    pub fn load_or_make(directory: &Path) -> io::Result<Keys> {
        let of = |what| Credentials::load_or_make(directory, what);
        Ok(Keys { root: of(Use::Root)?, dry_run: of(Use::DryRun)? })
    }

    /// The key with an id, and what it is for.
    pub(crate) fn find(&self, access_key_id: &str) -> Option<(&Credentials, Use)> {
        let all = [(&self.root, Use::Root), (&self.dry_run, Use::DryRun)];
        all.into_iter().find(|(key, _)| key.access_key_id == access_key_id)
    }
}

impl Use {
    /// The file of its key.
    const fn file(self) -> &'static str {
        match self {
            Use::Root => "credentials.json",
            Use::DryRun => "dry-run-credentials.json",
        }
    }
}

impl Credentials {
    fn load_or_make(directory: &Path, what: Use) -> io::Result<Credentials> {
        match Credentials::load(directory, what) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = Credentials {
                    access_key_id: format!("AKIA{}", letters(16)?),
                    secret_access_key: letters(40)?,
                };
                Directory::at(directory).publish(
                    what.file(),
                    Permission::Owner,
                    &serde_json::to_vec_pretty(&made)?,
                )?;
                Ok(made)
            }
            loaded => loaded,
        }
    }

    /// The key of a use that is kept in a directory.
    ///
    /// # Errors
    /// When there is none, or the file is not one of ours.
    pub fn load(directory: &Path, what: Use) -> io::Result<Credentials> {
        let bytes = Directory::at(directory).read(what.file())?.ok_or(io::ErrorKind::NotFound)?;
        Ok(serde_json::from_slice(&bytes)?)
    }
}

fn letters(count: usize) -> io::Result<String> {
    let mut bytes = vec![0; count];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.into_iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_key_is_made_once_and_is_the_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Credentials::load(directory.path(), Use::Root).is_err());
        let made = Keys::load_or_make(directory.path()).unwrap();
        assert_eq!(Keys::load_or_make(directory.path()).unwrap(), made);
        assert_ne!(made.root.secret_access_key, made.dry_run.secret_access_key);
        for (key, what) in [(&made.root, Use::Root), (&made.dry_run, Use::DryRun)] {
            assert_eq!((key.access_key_id.len(), key.secret_access_key.len()), (20, 40));
            assert_eq!(made.find(&key.access_key_id), Some((key, what)));
            assert_eq!(Credentials::load(directory.path(), what).unwrap(), *key);
            let mode = std::fs::metadata(directory.path().join(what.file())).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(made.find("AKIA"), None);
    }
}
