//! The carrier of a connection's bytes, which moves with the connection: from the acceptor to a loop, out of it by `detach`, into another.

use crate::net;
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A connected stream. Whoever has it owns the connection.
#[derive(Debug)]
pub struct Transport {
    fd: OwnedFd,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tcp,
    Unix,
}

impl Transport {
    /// A connection that a listener took: over TCP, or by a Unix socket.
    pub(crate) fn accepted(fd: OwnedFd, is_tcp: bool) -> Transport {
        Transport { fd, kind: if is_tcp { Kind::Tcp } else { Kind::Unix } }
    }

    #[inline]
    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// The descriptor's number, as CLIENT LIST shows it.
    pub fn number(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    /// Another handle of the same connection.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn try_clone(&self) -> io::Result<Transport> {
        Ok(Transport { fd: self.fd.try_clone()?, kind: self.kind })
    }

    /// Whether small segments are sent at once, rather than gathered while others are on their way. A Unix socket has none.
    ///
    /// # Errors
    /// When the system refuses; the connection works all the same.
    pub fn set_nodelay(&self, at_once: bool) -> io::Result<()> {
        match self.kind {
            Kind::Tcp => SockRef::from(&self.fd).set_tcp_nodelay(at_once),
            Kind::Unix => Ok(()),
        }
    }

    /// Probes an idle peer after `interval`, then every third of it, and gives up after three probes without an answer: a
    /// dead peer is noticed within about twice the interval. The peer of a Unix socket does not die unnoticed.
    ///
    /// # Errors
    /// When the system refuses; the connection works all the same.
    pub fn set_keepalive(&self, interval: Duration) -> io::Result<()> {
        if self.kind == Kind::Unix {
            return Ok(());
        }
        let keepalive = TcpKeepalive::new().with_time(interval);
        #[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd", target_os = "netbsd"))]
        let keepalive = {
            let probe = Duration::from_secs((interval.as_secs() / 3).max(1));
            keepalive.with_interval(probe).with_retries(3)
        };
        SockRef::from(&self.fd).set_tcp_keepalive(&keepalive)
    }

    /// Offers bytes, outside of any loop: how many were taken. It never waits. A connection that a loop sends on as well must
    /// have nothing pending there.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room.
    pub fn send_now(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        net::send_now(&self.fd, slices)
    }

    /// Takes nothing more in: what has arrived can still be read, and then comes the end.
    pub fn stop_receiving(&self) {
        // One that is closed already has its end.
        let _ = SockRef::from(&self.fd).shutdown(Shutdown::Read);
    }
}

impl From<TcpStream> for Transport {
    fn from(stream: TcpStream) -> Transport {
        Transport { fd: stream.into(), kind: Kind::Tcp }
    }
}

impl From<UnixStream> for Transport {
    fn from(stream: UnixStream) -> Transport {
        Transport { fd: stream.into(), kind: Kind::Unix }
    }
}

/// The bare socket, for who speaks another protocol on it.
impl From<Transport> for OwnedFd {
    fn from(transport: Transport) -> OwnedFd {
        transport.fd
    }
}
