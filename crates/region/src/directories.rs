//! Where things are on disk.
//!
//! ```text
//!   <data>/engram.lock         held by the control plane that runs
//!   <data>/control/            the log of the fleet, the access key, where the API is
//!   <data>/control/runtime     where the sockets are, in words
//!   <data>/nodes/n17/          a node
//!   <data>/telemetry/          what the nodes have measured
//!   <data>/strangers/          directories that were found under a node's name and are not that node's
//!   <runtime>/                 sockets: of nodes, and the one by which `engram status` asks
//! ```
//! The path of a socket may have 107 bytes, which a data directory deep in a home can exceed, and not every file system supports
//! sockets. So they are in `<data>/run` where possible, and otherwise in a directory of /tmp that is named after the data directory.
//! Which of the two is decided once and written down, so that every later start and every question looks in the same place.

use files::{Directory, Permission};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// When it is not there, or is not to be looked into.
    pub fn of(data: &Path) -> io::Result<Directories> {
        let data = data.canonicalize()?;
        let runtime = match recorded(&data)? {
            Some(runtime) => runtime,
            None => {
                let within = Some(data.join("run")).filter(|within| within.is_dir());
                within.or_else(|| unrecorded(&data)).unwrap_or_else(|| in_tmp(&data))
            }
        };
        Ok(Directories { data, runtime })
    }

    /// Makes them, and takes the lock of the data directory: it is held until the file is dropped.
    ///
    /// # Errors
    /// See [`DirectoryError`].
    pub fn prepare(data: &Path) -> Result<(Directories, File), DirectoryError> {
        let unusable = |error: io::Error| unusable(data, &error);
        Directory::at(data).make().map_err(unusable)?;
        let data_path = data.canonicalize().map_err(unusable)?;
        let mut tries = 0;
        let lock = loop {
            match files::lock(&data_path.join("engram.lock")).map_err(unusable)? {
                Some(lock) => break lock,
                // Who only looks whether somebody has it lets go at once.
                None if tries < LOCK_TRIES => {
                    tries += 1;
                    std::thread::sleep(LOCK_PERIOD);
                }
                None => return Err(DirectoryError::InUse(data_path)),
            }
        };
        for name in ["control", "nodes"] {
            Directory::at(data_path.join(name)).make().map_err(unusable)?;
        }
        let runtime = place_of_sockets(&data_path).map_err(unusable)?;
        private(&runtime).map_err(|error| self::unusable(&runtime, &error))?;
        record(&data_path, &runtime).map_err(unusable)?;
        Ok((Directories { data: data_path, runtime }, lock))
    }

    /// Of the log and the key.
    pub fn control(&self) -> PathBuf {
        self.data.join("control")
    }

    /// Of the nodes.
    pub fn nodes(&self) -> PathBuf {
        self.data.join("nodes")
    }

    /// Of what the nodes have measured.
    pub fn telemetry(&self) -> PathBuf {
        self.data.join("telemetry")
    }

    /// Where the running control plane answers questions of this user.
    pub fn control_socket(&self) -> PathBuf {
        self.runtime.join("control.sock")
    }
}

impl Directories {
    /// Makes the place of the sockets, if it is not there.
    pub(crate) fn make_runtime(&self) -> io::Result<()> {
        private(&self.runtime)
    }

    /// Removes the place of the sockets, once nothing that uses it is left: the next start makes it again.
    pub fn leave(&self) {
        let _ = std::fs::remove_file(self.control_socket());
        // With a node's socket in it, it stays.
        let _ = std::fs::remove_dir(&self.runtime);
    }
}

/// The longest name of a socket in there: of a node with the greatest number, and of the data of its replicas.
const LONGEST_NAME: &str = "/n18446744073709551615.private";

/// `sun_path` less its final zero.
const MAX_SOCKET_PATH_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// How long a start waits for who only looks.
const LOCK_TRIES: u32 = 10;
const LOCK_PERIOD: Duration = Duration::from_millis(10);

/// Where the sockets are, as an earlier start has written it down.
fn recorded(data: &Path) -> io::Result<Option<PathBuf>> {
    let Some(bytes) = Directory::at(data.join("control")).read("runtime")? else { return Ok(None) };
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes).to_vec();
    let path = PathBuf::from(std::ffi::OsString::from_vec(line));
    // Within the data directory it goes where that goes.
    Ok(Some(data.join(path)))
}

fn record(data: &Path, runtime: &Path) -> io::Result<()> {
    if recorded(data)?.as_deref() == Some(runtime) {
        return Ok(());
    }
    let within = runtime.strip_prefix(data).unwrap_or(runtime);
    let line = [within.as_os_str().as_bytes(), b"\n"].concat();
    Directory::at(data.join("control")).publish("runtime", Permission::Owner, &line)
}

/// Where the sockets of a start before there were records may be: the first place that has some.
fn unrecorded(data: &Path) -> Option<PathBuf> {
    let uid = rustix::process::getuid().as_raw();
    let name = format!("engram-{}", name_of(data));
    let of_session =
        std::env::var_os("XDG_RUNTIME_DIR").map(|directory| PathBuf::from(directory).join(&name));
    let of_user = PathBuf::from(format!("/run/user/{uid}")).join(&name);
    let mut places = of_session.into_iter().chain([of_user, in_tmp(data)]);
    places.find(|place| std::fs::read_dir(place).is_ok_and(|mut entries| entries.next().is_some()))
}

fn in_tmp(data: &Path) -> PathBuf {
    PathBuf::from(format!("/tmp/engram-{}-{}", rustix::process::getuid().as_raw(), name_of(data)))
}

fn name_of(data: &Path) -> String {
    format!("{:08x}", crc32fast::hash(data.as_os_str().as_bytes()))
}

/// Where the sockets of a start are to be: where they have been, as long as that can be.
fn place_of_sockets(data: &Path) -> io::Result<PathBuf> {
    if let Some(before) = recorded(data)?.or_else(|| unrecorded(data))
        && private(&before).is_ok()
    {
        return Ok(before);
    }
    let within = data.join("run");
    let fits = within.as_os_str().len() + LONGEST_NAME.len() <= MAX_SOCKET_PATH_BYTES;
    Ok(if fits && private(&within).is_ok() && takes_sockets(&within) { within } else { in_tmp(data) })
}

fn takes_sockets(directory: &Path) -> bool {
    let probe = directory.join("probe");
    let _ = std::fs::remove_file(&probe);
    let bound = UnixListener::bind(&probe).is_ok();
    let _ = std::fs::remove_file(&probe);
    bound
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
    DirectoryError::Unusable { path: path.to_owned(), why: files::words_of(error) }
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
    fn the_place_of_the_sockets_is_decided_once() {
        let directory = tempfile::tempdir().unwrap();
        let (first, lock) = Directories::prepare(directory.path()).unwrap();
        assert_eq!(first.runtime, first.data.join("run"));
        drop(lock);
        // A region whose record was deleted while it runs is still found.
        let record_of = |data: &Path| data.join("control/runtime");
        let bytes = std::fs::read(record_of(&first.data)).unwrap();
        std::fs::remove_file(record_of(&first.data)).unwrap();
        assert_eq!(Directories::of(directory.path()).unwrap().runtime, first.runtime);
        std::fs::write(record_of(&first.data), bytes).unwrap();
        // The directory goes elsewhere, and its sockets with it.
        let elsewhere = directory.path().with_extension("elsewhere");
        std::fs::rename(directory.path(), &elsewhere).unwrap();
        assert_eq!(Directories::of(&elsewhere).unwrap().runtime, elsewhere.join("run"));
        // Another place that was written down is kept to, whatever would be chosen today.
        let other = elsewhere.join("other");
        record(&elsewhere, &other).unwrap();
        assert_eq!(Directories::of(&elsewhere).unwrap().runtime, other);
        let (again, _lock) = Directories::prepare(&elsewhere).unwrap();
        assert_eq!(again.runtime, other);
        std::fs::remove_dir_all(&elsewhere).unwrap();
    }

    #[test]
    fn sockets_deep_in_a_home_have_a_place_in_tmp() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("d".repeat(100));
        let (directories, lock) = Directories::prepare(&deep).unwrap();
        assert!(directories.runtime.starts_with("/tmp"));
        assert!(directories.runtime.as_os_str().len() + LONGEST_NAME.len() <= MAX_SOCKET_PATH_BYTES);
        drop(lock);
        std::fs::remove_dir_all(&directories.runtime).unwrap();
    }

    #[test]
    fn sockets_of_a_start_before_there_were_records_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().canonicalize().unwrap();
        private(&in_tmp(&data)).unwrap();
        assert_eq!(place_of_sockets(&data).unwrap(), data.join("run"));
        std::fs::write(in_tmp(&data).join("n1.private"), "").unwrap();
        std::fs::create_dir_all(data.join("control")).unwrap();
        let (directories, _lock) = Directories::prepare(&data).unwrap();
        assert_eq!(directories.runtime, in_tmp(&data));
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
