//! A connection: its socket, what it begins with, and bytes that did not fit.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::plan::{Login, Plan, Target};
use crate::replies::{Protocol, Replies};

/// For a connection to be established, and for each answer of its beginning.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection that sends and receives without waiting.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: Stream,
    pub(crate) replies: Replies,
    /// What is to be sent; up to `sent` it is.
    pub(crate) out: Vec<u8>,
    sent: usize,
    /// The poller tells when there is room again.
    pub(crate) is_writing: bool,
}

impl Wire {
    /// Connects, logs in, selects the protocol and the database.
    pub(crate) fn open(plan: &Plan) -> Result<Wire> {
        let stream = match &plan.target {
            Target::Tcp(host, port) => Stream::Tcp(tcp(host, *port)?),
            Target::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
        };
        let mut wire = Wire {
            stream,
            replies: Replies::new(plan.protocol),
            out: Vec::new(),
            sent: 0,
            is_writing: false,
        };
        wire.set_timeout(Some(CONNECT_PATIENCE))?;
        for request in beginning(&plan.login, plan.protocol) {
            wire.ask(&request)?;
        }
        match &wire.stream {
            Stream::Tcp(stream) => stream.set_nonblocking(true)?,
            Stream::Unix(stream) => stream.set_nonblocking(true)?,
        }
        Ok(wire)
    }

    /// Sends what is to be sent, as far as there is room. True if nothing is left.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        while self.sent < self.out.len() {
            let rest = &self.out[self.sent..];
            let written = match &mut self.stream {
                Stream::Tcp(stream) => stream.write(rest),
                Stream::Unix(stream) => stream.write(rest),
            };
            match written {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(true)
    }

    /// What came, or nothing if nothing did.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.read(buffer) {
            Ok(0) => Err(io::Error::new(ErrorKind::UnexpectedEof, "the server closed the connection")),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(0),
            other => other,
        }
    }

    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        match &self.stream {
            Stream::Tcp(stream) => stream.as_fd(),
            Stream::Unix(stream) => stream.as_fd(),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Unix(stream) => stream.read(buffer),
        }
    }

    fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        match &self.stream {
            Stream::Tcp(stream) => stream.set_read_timeout(timeout),
            Stream::Unix(stream) => stream.set_read_timeout(timeout),
        }
    }

    /// Sends a request and waits for its answer, which must be no error.
    fn ask(&mut self, words: &[String]) -> Result<()> {
        resp::encode_command(&mut self.out, words);
        self.flush()?;
        let mut buffer = [0; 4096];
        let mut answers = 0;
        while answers == 0 {
            let count = match self.read(&mut buffer) {
                Ok(0) => bail!("the server closed the connection at {}", words[0]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    bail!("the server did not answer {} within {CONNECT_PATIENCE:?}", words[0])
                }
                other => other?,
            };
            self.replies.feed(&buffer[..count], |_| answers += 1)?;
        }
        match self.replies.first_error.take() {
            Some(error) => bail!("the server refuses {}: {error}", words[0]),
            None => Ok(()),
        }
    }
}

fn tcp(host: &str, port: u16) -> Result<TcpStream> {
    let mut last = None;
    for address in (host, port).to_socket_addrs().with_context(|| format!("find {host}"))? {
        match TcpStream::connect_timeout(&address, CONNECT_PATIENCE) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| anyhow::anyhow!("{host} has no address"), Into::into))
}

/// The requests that a connection begins with.
fn beginning(login: &Login, protocol: Protocol) -> Vec<Vec<String>> {
    let mut requests = Vec::new();
    let mut request = |words: &[&str]| requests.push(words.iter().map(|word| (*word).to_owned()).collect());
    match (&login.user, &login.password) {
        (Some(user), Some(password)) => request(&["AUTH", user, password]),
        (None, Some(password)) => request(&["AUTH", password]),
        (_, None) => {}
    }
    if protocol == Protocol::Resp3 {
        request(&["HELLO", "3"]);
    }
    if login.database != 0 {
        request(&["SELECT", &login.database.to_string()]);
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_logs_in_before_all_else() {
        let mut login = Login { user: Some("u".to_owned()), password: Some("p".to_owned()), database: 3 };
        let all = beginning(&login, Protocol::Resp3);
        assert_eq!(
            all.iter().map(|words| words.join(" ")).collect::<Vec<_>>(),
            ["AUTH u p", "HELLO 3", "SELECT 3"]
        );
        login.user = None;
        assert_eq!(beginning(&login, Protocol::Resp2)[0], ["AUTH", "p"]);
        assert!(beginning(&Login::default(), Protocol::Memcached).is_empty());
    }
}
