//! Sockets: listening, options, addresses as text, and the few system calls of the data path.

use crate::poller::check;
use crate::send_queue::{MAX_BATCH, SendQueue};
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// A socket that accepts connections.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
}

impl Listener {
    /// Takes over a listening socket, as passed by another process.
    pub fn from_fd(fd: OwnedFd) -> Listener {
        Listener { socket: Socket::from(fd) }
    }

    /// Where it listens: for a TCP listener on port 0, with the port the system chose.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()?.as_socket()
    }

    /// The socket itself, to be kept or passed on.
    pub fn into_fd(self) -> OwnedFd {
        self.socket.into()
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Why there is no listener.
#[derive(Debug)]
pub enum ListenError {
    /// Somebody listens there already.
    InUse(String),
    /// Anything else, with the address in question.
    Other(String, io::Error),
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenError::InUse(address) => write!(f, "{address}: address already in use"),
            ListenError::Other(address, error) => write!(f, "{address}: {error}"),
        }
    }
}

impl std::error::Error for ListenError {}

impl ListenError {
    fn new(address: String, error: io::Error) -> ListenError {
        match error.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse(address),
            _ => ListenError::Other(address, error),
        }
    }
}

/// Listens on a TCP address. An address of version 6 takes no connections of version 4. `backlog` is the number of
/// connections that may wait to be accepted, within the system's own limit.
pub fn listen_tcp(address: SocketAddr, backlog: u32) -> Result<Listener, ListenError> {
    let listen = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok(Listener { socket })
    };
    listen().map_err(|error| ListenError::new(address.to_string(), error))
}

/// Listens on a Unix socket. A socket file nobody listens on any more is replaced. `permissions` are mode bits such
/// as 0o700; without them the process's umask decides.
pub fn listen_unix(path: &Path, permissions: Option<u32>, backlog: u32) -> Result<Listener, ListenError> {
    let listen = || {
        let address = SockAddr::unix(path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        match socket.bind(&address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(&address) => {
                std::fs::remove_file(path)?;
                socket.bind(&address)?;
            }
            result => result?,
        }
        if let Some(mode) = permissions {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(path, mode)?;
        }
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok(Listener { socket })
    };
    listen().map_err(|error| ListenError::new(path.display().to_string(), error))
}

/// Whether the file is a socket that refuses connections because its process is gone.
fn is_abandoned(address: &SockAddr) -> bool {
    let Ok(probe) = Socket::new(Domain::UNIX, Type::STREAM, None) else { return false };
    matches!(probe.connect(address), Err(error) if error.kind() == io::ErrorKind::ConnectionRefused)
}

/// An address as `CLIENT LIST` prints it: `1.2.3.4:5`, `[::1]:5`, and for Unix sockets the path with `:0`.
/// `unix_path` is the listener's path, for a client's end has none.
pub fn address_text(address: Option<SocketAddr>, unix_path: Option<&Path>) -> String {
    match (address, unix_path) {
        (Some(SocketAddr::V4(address)), _) => address.to_string(),
        (Some(SocketAddr::V6(address)), _) => format!("[{}]:{}", address.ip(), address.port()),
        (None, Some(path)) => format!("{}:0", path.display()),
        (None, None) => "?:0".to_owned(),
    }
}

/// The path a Unix listener is bound to.
pub(crate) fn unix_path(socket: &Socket) -> Option<PathBuf> {
    socket.local_addr().ok()?.as_pathname().map(Path::to_owned)
}

pub(crate) fn set_nonblocking(fd: &OwnedFd, nonblocking: bool) -> io::Result<()> {
    SockRef::from(fd).set_nonblocking(nonblocking)
}

/// Makes a socket fit for direct calls: nonblocking, and no signal when the peer is gone.
pub(crate) fn prepare_stream(fd: &OwnedFd) -> io::Result<()> {
    #[cfg(target_vendor = "apple")]
    SockRef::from(fd).set_nosigpipe(true)?;
    set_nonblocking(fd, true)
}

/// Offers bytes to a connected stream socket, whatever the mode of the descriptor: how many it took.
pub(crate) fn send_now(fd: &OwnedFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    SockRef::from(fd).send_vectored_with_flags(slices, SEND_FLAGS)
}

#[cfg(target_vendor = "apple")]
const SEND_FLAGS: i32 = libc::MSG_DONTWAIT;
#[cfg(not(target_vendor = "apple"))]
const SEND_FLAGS: i32 = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

/// Offers the head of the queue to the socket: bytes taken and bytes offered.
pub(crate) fn send_some(fd: &OwnedFd, queue: &SendQueue) -> io::Result<(usize, usize)> {
    let mut vectors = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; MAX_BATCH];
    let used = queue.vectors(&mut vectors);
    let offered = vectors[..used].iter().map(|vector| vector.iov_len).sum();
    let taken = if used == 1 {
        // SAFETY: the vector describes bytes of a buffer that the borrowed queue keeps alive; they are only read.
        unsafe { libc::send(fd.as_raw_fd(), vectors[0].iov_base, vectors[0].iov_len, SEND_FLAGS) }
    } else {
        // SAFETY: a message header is plain data, for which all zeros is a value.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_iov = vectors.as_mut_ptr();
        message.msg_iovlen = used as _;
        // SAFETY: header and vectors live on this stack frame, the bytes in the borrowed queue; all are only read.
        unsafe { libc::sendmsg(fd.as_raw_fd(), &message, SEND_FLAGS) }
    };
    if taken < 0 { Err(io::Error::last_os_error()) } else { Ok((taken as usize, offered)) }
}

/// One nonblocking receive; 0 is the end of the stream.
pub(crate) fn receive(fd: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most the buffer's length into it.
    let count =
        unsafe { libc::recv(fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_DONTWAIT) };
    if count < 0 { Err(io::Error::last_os_error()) } else { Ok(count as usize) }
}

/// Waits until one of the descriptors is readable and returns which are; `timeout_ms` -1 for no limit.
pub(crate) fn wait_readable(fds: &mut [libc::pollfd], timeout_ms: i32) -> io::Result<()> {
    // SAFETY: the kernel writes `revents` of as many entries as the slice has.
    check(unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout_ms) })?;
    Ok(())
}
