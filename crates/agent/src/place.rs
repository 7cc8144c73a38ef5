//! Where the files and sockets of a node are, and which process holds them.
//!
//! ```text
//!   nodes_directory/n17/       identity    what the node was made for, before anything else
//!                              node.conf   written anew at every start
//!                              node.log    what the node prints, appended
//!                              lock        locked by the node from its start to its end
//!                              dump.rdb …  the node's own
//!   runtime_directory/n17.private          the node's private socket
//!                     n17.data             its trusted data socket, for its replicas
//! ```
//! The paths of sockets are limited to 107 bytes (103 on macOS), hence a directory of their own. The process that holds the
//! lock *is* the node: a pid in a file could be wrong after a crash.

use crate::identity;
use crate::process::Process;
#[cfg(target_os = "linux")]
use crate::threads;
use files::{Directory, Permission};
use fleet::step::{NodeId, NodeSpec};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
#[cfg(target_os = "linux")]
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A full backlog of a private socket must not stop whoever connects.
/// What a node is started with, in its directory.
const CONFIGURATION: &str = "node.conf";

const CONNECT_LIMIT: Duration = Duration::from_millis(100);
/// `sun_path` less its final zero.
const MAX_SOCKET_PATH_BYTES: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    pub(crate) private_socket: PathBuf,
    pub(crate) data_socket: PathBuf,
}

impl Place {
    pub(crate) fn new(nodes_directory: &Path, runtime_directory: &Path, node: NodeId) -> Place {
        Place {
            directory: nodes_directory.join(node.to_string()),
            private_socket: runtime_directory.join(format!("{node}.private")),
            data_socket: runtime_directory.join(format!("{node}.data")),
        }
    }

    pub(crate) fn exists(&self) -> bool {
        self.directory.is_dir()
    }

    /// Takes the lock if nobody holds it. It is let go of by [`File::unlock`], not by closing: a child that is being started
    /// by another thread may hold a copy of the descriptor for a moment.
    pub(crate) fn try_lock(&self) -> io::Result<Option<File>> {
        files::lock(&self.directory.join("lock"))
    }

    /// Whether somebody holds the lock.
    pub(crate) fn is_locked(&self) -> io::Result<bool> {
        match File::open(self.directory.join("lock")) {
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => file.unlock().map(|()| false),
                Err(TryLockError::WouldBlock) => Ok(true),
                Err(TryLockError::Error(error)) => Err(error),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The process that lives here, whoever started it, with a connection if it takes one. The lock itself is not tried: a
    /// node that is about to take it would find it taken.
    pub(crate) fn find(&self) -> io::Result<Option<(Process, Option<UnixStream>)>> {
        if !self.exists() {
            return Ok(None);
        }
        if let Ok(stream) = self.connect()
            && let Some(pid) = peer(stream.as_fd())
            && let Ok(process) = Process::open(pid)
            && is_open(&stream)
        {
            return Ok(Some((process, Some(stream))));
        }
        let holder = self.holder()?.filter(|process| self.is_node(process.pid()));
        Ok(holder.map(|process| (process, None)))
    }

    /// Whether a process was started as the node of this directory: who merely holds the lock is nobody's to command, and never
    /// killed.
    #[cfg(target_os = "linux")]
    fn is_node(&self, pid: u32) -> bool {
        let configuration = self.directory.join(CONFIGURATION);
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|arguments| {
            arguments
                .split(|byte| *byte == 0)
                .any(|argument| argument == configuration.as_os_str().as_bytes())
        })
    }

    /// Nobody is known by the lock alone.
    #[cfg(not(target_os = "linux"))]
    fn is_node(&self, _: u32) -> bool {
        false
    }

    /// Who holds the lock, by the kernel's list.
    #[cfg(target_os = "linux")]
    pub(crate) fn holder(&self) -> io::Result<Option<Process>> {
        let Ok(lock) = fs::metadata(self.directory.join("lock")) else { return Ok(None) };
        let inode = lock.ino();
        let pid = || -> io::Result<Option<u32>> {
            Ok(threads::lock_holder(&fs::read_to_string("/proc/locks")?, inode))
        };
        let Some(found) = pid()?.filter(|pid| *pid != std::process::id()) else { return Ok(None) };
        let Ok(process) = Process::open(found) else { return Ok(None) };
        Ok((pid()? == Some(found)).then_some(process))
    }

    /// Who holds the lock is not told: who lives here is known by its socket alone.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn holder(&self) -> io::Result<Option<Process>> {
        Ok(None)
    }

    pub(crate) fn connect(&self) -> io::Result<UnixStream> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_write_timeout(Some(CONNECT_LIMIT))?;
        socket.connect(&SockAddr::unix(&self.private_socket)?)?;
        Ok(UnixStream::from(OwnedFd::from(socket)))
    }

    /// Writes the configuration and starts the process. The lock says that nobody else lives here; it is let go of so that
    /// the new process can take it. Of two that are started at once, one finds it taken and ends.
    pub(crate) fn spawn(
        &self,
        node: NodeId,
        spec: &NodeSpec,
        executable: &Path,
        lock: File,
    ) -> io::Result<Process> {
        let configuration = self.configuration(node, spec)?;
        Directory::at(&self.directory).publish(CONFIGURATION, Permission::Usual, &configuration)?;
        self.remove_sockets()?;
        let log = files::output_of_process(&self.log())?;
        let mut command = Command::new(executable);
        command.arg("node").arg(self.directory.join(CONFIGURATION));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A terminal's signals go to groups of processes: what ends the control plane must not end its nodes.
        command.process_group(0).current_dir(&self.directory);
        lock.unlock()?;
        let child = command.spawn().map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot execute {}: {}", executable.display(), files::words_of(&error)),
            )
        })?;
        // Nobody has waited for the child, so the pid is its.
        Process::open(child.id())
    }

    /// `node.conf`: what the agent decides, then what the specification adds.
    fn configuration(&self, node: NodeId, spec: &NodeSpec) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut row = |name: &str, value: &[u8]| {
            text.extend(name.as_bytes());
            text.push(b' ');
            text.extend(config::quoting::quote(value));
            text.push(b'\n');
        };
        // Decides what the other rows may be.
        row("engine", spec.profile.as_bytes());
        row("managed-node", node.to_string().as_bytes());
        row("private-socket", self.private_socket.as_os_str().as_bytes());
        row("unixsocket", self.data_socket.as_os_str().as_bytes());
        row("port", b"0");
        row("dir", self.directory.as_os_str().as_bytes());
        row("workers", spec.workers.to_string().as_bytes());
        // Who dies comes back empty and follows; a file is written at a clean end alone.
        row("save", b"");
        // Where it listens, its agent decides.
        row("protected-mode", b"no");
        row("managed-revision", spec.revision.to_string().as_bytes());
        // Who reads nothing must not cost the others their room.
        row("maxmemory-clients", b"10%");
        for (name, value) in &spec.parameters {
            let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("parameter {name:?}")));
            }
            row(name, value.as_bytes());
        }
        Ok(text)
    }

    fn log(&self) -> PathBuf {
        self.directory.join("node.log")
    }

    /// The last line that a node printed, for whoever asks why it did not start.
    pub(crate) fn last_words(&self) -> String {
        const MAX_CHARS: usize = 300;
        let text = fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        line.chars().take(MAX_CHARS).collect()
    }

    pub(crate) fn check_lengths(&self) -> io::Result<()> {
        for path in [&self.private_socket, &self.data_socket] {
            if path.as_os_str().len() > MAX_SOCKET_PATH_BYTES {
                let text = format!("{} is too long for a socket", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
        }
        Ok(())
    }

    /// Removes everything that is the node's.
    pub(crate) fn remove(&self) -> io::Result<()> {
        self.remove_sockets()?;
        identity::remove(&Directory::at(&self.directory))
    }

    pub(crate) fn remove_sockets(&self) -> io::Result<()> {
        absent_is_fine(fs::remove_file(&self.private_socket))?;
        absent_is_fine(fs::remove_file(&self.data_socket))
    }
}

pub(crate) fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The process that listened on the other side of a connected socket.
#[cfg(target_os = "linux")]
pub(crate) fn peer(socket: BorrowedFd<'_>) -> Option<u32> {
    let credentials = rustix::net::sockopt::socket_peercred(socket).ok()?;
    u32::try_from(credentials.pid.as_raw_nonzero().get()).ok()
}

#[cfg(target_vendor = "apple")]
pub(crate) fn peer(socket: BorrowedFd<'_>) -> Option<u32> {
    use nix::sys::socket::{getsockopt, sockopt::LocalPeerPid};
    u32::try_from(getsockopt(&socket, LocalPeerPid).ok()?).ok()
}

/// The other side has not closed it, so whoever listened is still there.
fn is_open(stream: &UnixStream) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    // Told unasked by Linux, and by macOS only to who asks.
    let mut polled = [PollFd::new(stream, PollFlags::HUP)];
    matches!(poll(&mut polled, Some(&Timespec::default())), Ok(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_one_row_a_parameter_whatever_the_values_hold() {
        let place = Place::new(Path::new("/n"), Path::new("/r"), NodeId(7));
        let mut spec = NodeSpec {
            profile: "valkey-8.0".into(),
            workers: 2,
            parameters: vec![("save".into(), "\"a\\\nb".into())],
            revision: supervision::Revision { at_once: 0xab, at_start: u64::MAX },
            label: "web-001".into(),
            record: Box::new(fleet::NodeRecord {
                host: fleet::HostId::LOCAL,
                origin: fleet::Origin {
                    region: "us-east-1".into(),
                    deployment: fleet::DeploymentId::Group("web".into()),
                    member: "web-001".into(),
                    made_at_ms: 1,
                },
                unmarked: false,
            }),
        };
        let text = String::from_utf8(place.configuration(NodeId(7), &spec).unwrap()).unwrap();
        assert_eq!(
            text,
            "engine \"valkey-8.0\"\nmanaged-node \"n7\"\nprivate-socket \"/r/n7.private\"\n\
             unixsocket \"/r/n7.data\"\nport \"0\"\ndir \"/n/n7\"\nworkers \"2\"\nsave \"\"\nprotected-mode \"no\"\n\
             managed-revision \"00000000000000ab-ffffffffffffffff\"\nmaxmemory-clients \"10%\"\n\
             save \"\\\"a\\\\\\nb\"\n"
        );
        spec.parameters[0].0 = "save\nport".into();
        assert!(place.configuration(NodeId(7), &spec).is_err());
    }

    #[test]
    fn a_path_that_no_socket_takes_is_refused() {
        let long = "x".repeat(MAX_SOCKET_PATH_BYTES);
        let place = |runtime: &str| Place::new(Path::new("/n"), Path::new(runtime), NodeId(7));
        assert!(place("/run").check_lengths().is_ok());
        assert!(place(&long).check_lengths().is_err());
    }
}
