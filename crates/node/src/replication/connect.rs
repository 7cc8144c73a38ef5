//! Connecting to a primary without making the applier wait: names are resolved and connections made on a thread that
//! lives as long as that takes.

use super::applier::Message;
use crate::shared::Shared;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// Connects; the applier gets the result with the number of the attempt.
pub(crate) fn begin(shared: &Arc<Shared>, attempt: u64, host: String, port: u16, timeout: Duration) {
    let reporter = shared.clone();
    let run = move || {
        let connected = connect(&host, port, timeout);
        reporter.replication.applier.post(Message::Connected(attempt, connected));
    };
    if let Err(error) = std::thread::Builder::new().name("connect".into()).spawn(run) {
        shared.replication.applier.post(Message::Connected(attempt, Err(error)));
    }
}

fn connect(host: &str, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
