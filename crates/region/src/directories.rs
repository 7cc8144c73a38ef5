//! Where things are on disk.
//!
//! ```text
//!   <data>/engram.lock         held by the control plane that runs
//!   <data>/control/            the log of the fleet, the access key, where the API is
//!   <data>/nodes/n17/          a node
//!   <runtime>/                 sockets: of nodes, and the one by which `engram status` asks
//! ```
//! A socket's path may have 107 bytes, which a data directory deep in somebody's home can exceed, so sockets have a place of
//! their own, named after the data directory.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The directories of a region's control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directories {
    /// What `--data-dir` names, absolute.
    pub data: PathBuf,
    /// The place of the sockets.
    pub runtime: PathBuf,
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be made or written.
    #[error("cannot use the data directory {} ({why}); choose another with --data-dir", .path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// Another control plane runs on it.
    #[error("another engram uses the data directory {}; choose another with --data-dir", .0.display())]
    InUse(PathBuf),
}

impl Directories {
    /// Names them for a data directory that is there.
    ///
    /// # Errors
    /// When it is not there.
    pub fn of(data: &Path) -> io::Result<Directories> {
        let data = data.canonicalize()?;
        let name = format!("{:08x}", crc32fast::hash(data.as_os_str().as_encoded_bytes()));
        let runtime = match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir())
        {
            Some(directory) => directory.join(format!("engram-{name}")),
            None => PathBuf::from(format!("/tmp/engram-{}-{name}", rustix::process::getuid().as_raw())),
        };
        Ok(Directories { data, runtime })
    }

    /// Makes them, and takes the lock of the data directory: it is held until the file is dropped.
    ///
    /// # Errors
    /// See [`DirectoryError`].
    pub fn prepare(data: &Path) -> Result<(Directories, File), DirectoryError> {
        let unusable = |error: io::Error| unusable(data, &error);
        std::fs::create_dir_all(data).map_err(unusable)?;
        let directories = Directories::of(data).map_err(unusable)?;
        let lock = File::create(directories.data.join("engram.lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DirectoryError::InUse(directories.data)),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        for directory in [directories.control(), directories.nodes()] {
            std::fs::create_dir_all(directory).map_err(unusable)?;
        }
        private(&directories.runtime).map_err(|error| self::unusable(&directories.runtime, &error))?;
        Ok((directories, lock))
    }

    /// Of the log and the key.
    pub fn control(&self) -> PathBuf {
        self.data.join("control")
    }

    /// Of the nodes.
    pub fn nodes(&self) -> PathBuf {
        self.data.join("nodes")
    }

    /// Where the running control plane answers questions of this user.
    pub fn control_socket(&self) -> PathBuf {
        self.runtime.join("control.sock")
    }
}

impl Directories {
    /// Removes the place of the sockets, once nothing that uses it is left: the next start makes it again.
    pub fn leave(&self) {
        let _ = std::fs::remove_file(self.control_socket());
        // With a node's socket in it, it stays.
        let _ = std::fs::remove_dir(&self.runtime);
    }
}

/// Makes a directory that is this user's alone. In a place like /tmp somebody else may have made it before.
fn private(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let metadata = std::fs::symlink_metadata(directory)?;
    let is_ours = metadata.uid() == rustix::process::getuid().as_raw();
    if !metadata.is_dir() || !is_ours || metadata.mode() & 0o077 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to somebody else"));
    }
    Ok(())
}

/// With the system's words for the error, without its number.
fn unusable(path: &Path, error: &io::Error) -> DirectoryError {
    let text = error.to_string();
    let why = text.split(" (os error").next().unwrap_or_default().to_owned();
    DirectoryError::Unusable { path: path.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_has_one_user_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let (directories, lock) = Directories::prepare(directory.path()).unwrap();
        assert!(directories.nodes().is_dir() && directories.runtime.is_dir());
        let again = Directories::prepare(directory.path()).unwrap_err();
        assert!(again.to_string().starts_with("another engram uses the data directory"), "{again}");
        drop(lock);
        let (same, _lock) = Directories::prepare(directory.path()).unwrap();
        assert_eq!(same, directories);
        std::fs::remove_dir_all(&directories.runtime).unwrap();
    }

    #[test]
    fn a_place_that_others_can_enter_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        assert!(private(directory.path()).is_err());
        std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o700)).unwrap();
        assert!(private(directory.path()).is_ok());
    }
}
