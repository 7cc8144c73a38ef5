//! Connects to a primary without making the applier wait: a thread that exists only for this resolves the name and connects.

use crate::applier::Message;
use crate::replicas::Replicas;
use event_loop::Transport;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
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

/// A connection to a primary, with both ends as CLIENT LIST shows them.
#[derive(Debug)]
pub struct Connected {
    /// What carries it.
    pub transport: Transport,
    /// The primary's end.
    pub addr: String,
    /// This node's end.
    pub laddr: String,
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

fn connect(target: Target, timeout: Duration) -> io::Result<Connected> {
    let (host, port) = match target {
        Target::Socket(path) => {
            let transport = Transport::from(UnixStream::connect(&path)?);
            let text = event_loop::address_text(None, Some(&path));
            return Ok(Connected { transport, addr: text.clone(), laddr: text });
        }
        Target::Address { host, port } => (host, port),
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host.as_str(), port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                let (addr, laddr) = (stream.peer_addr()?.to_string(), stream.local_addr()?.to_string());
                let transport = Transport::from(stream);
                transport.set_nodelay(true)?;
                return Ok(Connected { transport, addr, laddr });
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
