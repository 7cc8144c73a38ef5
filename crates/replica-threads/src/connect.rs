//! Connecting to a primary without making the applier wait: names are resolved and connections made on a thread that
//! lives as long as that takes.

use crate::applier::Message;
use crate::replicas::Replicas;
use std::io;
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where a primary is reached.
#[derive(Debug)]
pub(crate) enum Target {
    /// Its address.
    Address {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// Its Unix socket.
    Socket(PathBuf),
}

/// A connection to a primary.
#[derive(Debug)]
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream, PathBuf),
}

impl Stream {
    /// Both ends as CLIENT LIST shows them, the primary's first.
    pub fn addresses(&self) -> io::Result<(String, String)> {
        match self {
            Stream::Tcp(stream) => Ok((stream.peer_addr()?.to_string(), stream.local_addr()?.to_string())),
            Stream::Unix(_, path) => {
                let text = event_loop::address_text(None, Some(path));
                Ok((text.clone(), text))
            }
        }
    }

    /// A second handle.
    pub fn try_clone(&self) -> io::Result<Stream> {
        Ok(match self {
            Stream::Tcp(stream) => Stream::Tcp(stream.try_clone()?),
            Stream::Unix(stream, path) => Stream::Unix(stream.try_clone()?, path.clone()),
        })
    }

    /// Takes nothing more in: what has arrived can still be read, and then comes the end.
    pub fn stop_receiving(&self) {
        // One that is closed already has its end.
        let _ = match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Read),
            Stream::Unix(stream, _) => stream.shutdown(Shutdown::Read),
        };
    }
}

impl From<Stream> for OwnedFd {
    fn from(stream: Stream) -> OwnedFd {
        match stream {
            Stream::Tcp(stream) => stream.into(),
            Stream::Unix(stream, _) => stream.into(),
        }
    }
}

/// Connects; the applier gets the result with the number of the attempt.
pub(crate) fn begin(replicas: &Arc<Replicas>, attempt: u64, target: Target, timeout: Duration) {
    let reporter = replicas.clone();
    let run = move || {
        let connected = connect(target, timeout);
        reporter.applier.post(Message::Connected(attempt, connected));
    };
    if let Err(error) = std::thread::Builder::new().name("connect".into()).spawn(run) {
        replicas.applier.post(Message::Connected(attempt, Err(error)));
    }
}

fn connect(target: Target, timeout: Duration) -> io::Result<Stream> {
    let (host, port) = match target {
        Target::Socket(path) => return UnixStream::connect(&path).map(|stream| Stream::Unix(stream, path)),
        Target::Address { host, port } => (host, port),
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host.as_str(), port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(Stream::Tcp(stream));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
