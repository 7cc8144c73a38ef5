//! A blocking client: one connection, one request at a time or many ahead.
//!
//! Every read is bounded: a server that does not answer in time is a finding ([`Failure::Silent`]), never a hang of
//! the test run.

use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::reply::Reply;

/// How long a reply may take. Far above any single command of the tests, also on a machine that is busy with other things;
/// reached only where something hangs.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(60);

/// Why no reply came.
#[derive(Debug)]
pub enum Failure {
    /// The server closed the connection or it broke.
    Closed(io::Error),
    /// Nothing, or not all of a reply, came in time.
    Silent,
    /// The received bytes are not RESP.
    Garbled(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Closed(error) => write!(f, "(closed) {error}"),
            Failure::Silent => f.write_str("(no reply in time)"),
            Failure::Garbled(error) => write!(f, "(protocol) {error}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failure::Silent,
            io::ErrorKind::InvalidData => Failure::Garbled(error),
            _ => Failure::Closed(error),
        }
    }
}

/// One client connection.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<Stream>,
}

impl Connection {
    /// Connects to a Unix socket.
    pub fn unix(path: &Path) -> io::Result<Connection> {
        Connection::over(Stream::Unix(UnixStream::connect(path)?))
    }

    /// Connects to a port of 127.0.0.1.
    pub fn tcp(port: u16) -> io::Result<Connection> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        Connection::over(Stream::Tcp(stream))
    }

    /// Sends one command, as an array of bulk strings.
    pub fn send<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<(), Failure> {
        self.send_raw(&encode(args))
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok(self.stream.get_mut().write_all(bytes)?)
    }

    /// Waits for one reply.
    pub fn receive(&mut self) -> Result<Reply, Failure> {
        Ok(Reply::read(&mut self.stream)?)
    }

    /// Waits for one reply, up to a time limit. `None` when nothing at all came: the connection stays usable.
    pub fn receive_within(&mut self, timeout: Duration) -> Result<Option<Reply>, Failure> {
        if self.stream.buffer().is_empty() {
            self.stream.get_ref().set_timeout(timeout)?;
            let waited = io::BufRead::fill_buf(&mut self.stream).map(<[u8]>::len);
            self.stream.get_ref().set_timeout(REPLY_TIMEOUT)?;
            match waited.map_err(Failure::from) {
                Ok(_) => {}
                Err(Failure::Silent) => return Ok(None),
                Err(other) => return Err(other),
            }
        }
        self.receive().map(Some)
    }

    /// Waits for a line, without its end.
    pub(crate) fn receive_line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        io::BufRead::read_line(&mut self.stream, &mut line)?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Waits for this many bytes and drops them.
    pub(crate) fn skip(&mut self, bytes: u64) -> Result<(), Failure> {
        io::copy(&mut (&mut self.stream).take(bytes), &mut io::sink())?;
        Ok(())
    }

    /// Sends one command and waits for its reply.
    pub fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<Reply, Failure> {
        self.send(args)?;
        self.receive()
    }

    /// Closes both directions now.
    pub fn close(&mut self) {
        match self.stream.get_ref() {
            Stream::Unix(stream) => drop(stream.shutdown(Shutdown::Both)),
            Stream::Tcp(stream) => drop(stream.shutdown(Shutdown::Both)),
        }
    }

    fn over(stream: Stream) -> io::Result<Connection> {
        stream.set_timeout(REPLY_TIMEOUT)?;
        Ok(Connection { stream: BufReader::with_capacity(64 * 1024, stream) })
    }
}

/// A command as an array of bulk strings.
pub fn encode<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[derive(Debug)]
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Stream::Unix(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(REPLY_TIMEOUT))
            }
            Stream::Tcp(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(REPLY_TIMEOUT))
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.read(buffer),
            Stream::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Unix(stream) => stream.write(bytes),
            Stream::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
