//! The root access key: who may call the API.

use files::{Directory, Permission};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// The account that everything belongs to. There is one; tools want twelve digits.
pub const ACCOUNT: &str = "000000000000";

const FILE: &str = "credentials.json";

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

impl Credentials {
    /// The key that is kept in a directory; made at the first call. Only the owner can read the file.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is not one of ours.
    pub fn load_or_make(directory: &Path) -> io::Result<Credentials> {
        match Credentials::load(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = Credentials {
                    access_key_id: format!("AKIA{}", letters(16)?),
                    secret_access_key: letters(40)?,
                };
                Directory::at(directory).publish(
                    FILE,
                    Permission::Owner,
                    &serde_json::to_vec_pretty(&made)?,
                )?;
                Ok(made)
            }
            loaded => loaded,
        }
    }

    /// The key that is kept in a directory.
    ///
    /// # Errors
    /// When there is none, or the file is not one of ours.
    pub fn load(directory: &Path) -> io::Result<Credentials> {
        let bytes = Directory::at(directory).read(FILE)?.ok_or(io::ErrorKind::NotFound)?;
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
    fn a_key_is_made_once_and_is_the_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Credentials::load(directory.path()).is_err());
        let made = Credentials::load_or_make(directory.path()).unwrap();
        assert_eq!((made.access_key_id.len(), made.secret_access_key.len()), (20, 40));
        assert_eq!(Credentials::load_or_make(directory.path()).unwrap(), made);
        let mode = std::fs::metadata(directory.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
