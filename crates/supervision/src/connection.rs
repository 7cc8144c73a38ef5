//! Frames with descriptors over a Unix stream socket.

use crate::Envelope;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The longest frame: a status with many workers is a few KB, so anything near this is a mistake.
pub const MAX_FRAME_BYTES: usize = 1 << 20;

/// Descriptors in one frame: a node has three endpoints.
pub const MAX_DESCRIPTORS: usize = 16;

const LENGTH_BYTES: usize = 4;

/// Descriptors are not for programs that are started meanwhile; where the kernel cannot see to that it is done afterwards.
#[cfg(target_os = "linux")]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();

fn close_on_exec(descriptor: &OwnedFd) -> io::Result<()> {
    if cfg!(not(target_os = "linux")) {
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
    }
    Ok(())
}

/// Why a message could not be exchanged. The connection is of no use afterwards.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other side has closed the connection.
    #[error("the connection is closed")]
    Closed,
    /// Nothing came in time.
    #[error("no answer in time")]
    TimedOut,
    /// The socket failed.
    #[error(transparent)]
    Io(io::Error),
    /// What came is not what this program understands.
    #[error("not understood: {0}")]
    Malformed(String),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::TimedOut,
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                Error::Closed
            }
            _ => Error::Io(error),
        }
    }
}

/// One side of a private socket, blocking.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
}

impl Connection {
    /// Over a connected socket.
    pub fn new(stream: UnixStream) -> Connection {
        Connection { stream }
    }

    /// The socket, to wait on.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// How long [`Connection::receive`] and [`Connection::send`] may take from now on; `None` for ever.
    ///
    /// # Errors
    /// When the socket refuses, or the time is zero.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)?;
        self.stream.set_write_timeout(timeout)
    }

    /// Sends one message with descriptors.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn send<T: Serialize>(&mut self, message: &T, descriptors: &[BorrowedFd<'_>]) -> Result<(), Error> {
        let body =
            serde_json::to_vec(&Envelope::new(message)).map_err(|e| Error::Malformed(e.to_string()))?;
        if body.len() > MAX_FRAME_BYTES || descriptors.len() > MAX_DESCRIPTORS {
            return Err(Error::Malformed(format!("a frame of {} bytes", body.len())));
        }
        let mut frame = Vec::with_capacity(LENGTH_BYTES + body.len());
        frame.extend((body.len() as u32).to_le_bytes());
        frame.extend(body);
        let sent = self.send_first(&frame, descriptors)?;
        self.stream.write_all(&frame[sent..])?;
        Ok(())
    }

    /// The first piece of a frame, which carries the descriptors. A closed peer is an error and no signal: Rust programs
    /// ignore SIGPIPE.
    fn send_first(&self, frame: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<usize, Error> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            let fits = ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
            assert!(fits, "the space is made for the most descriptors");
        }
        loop {
            match sendmsg(&self.stream, &[IoSlice::new(frame)], &mut ancillary, SendFlags::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                sent => return Ok(sent.map_err(io::Error::from)?),
            }
        }
    }

    /// Waits for one message and the descriptors that come with it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn receive<T: DeserializeOwned>(&mut self) -> Result<(T, Vec<OwnedFd>), Error> {
        let mut length = [0; LENGTH_BYTES];
        let mut descriptors = Vec::new();
        let first = self.receive_first(&mut length, &mut descriptors)?;
        if first == 0 {
            return Err(Error::Closed);
        }
        self.stream.read_exact(&mut length[first..])?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_FRAME_BYTES {
            return Err(Error::Malformed(format!("a frame of {length} bytes")));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        let envelope: Envelope<serde_json::Value> =
            serde_json::from_slice(&body).map_err(|error| Error::Malformed(error.to_string()))?;
        if envelope.version != Envelope::<T>::VERSION {
            return Err(Error::Malformed(format!("version {} of the protocol", envelope.version)));
        }
        let message = T::deserialize(envelope.body).map_err(|error| Error::Malformed(error.to_string()))?;
        Ok((message, descriptors))
    }

    /// The first bytes of a frame; with them come all of its descriptors, for they were sent with its first piece.
    fn receive_first(&self, into: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> Result<usize, Error> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = loop {
            let mut slices = [IoSliceMut::new(into)];
            match recvmsg(&self.stream, &mut slices, &mut ancillary, CLOSE_ON_EXEC) {
                Err(rustix::io::Errno::INTR) => {}
                received => break received.map_err(io::Error::from)?,
            }
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                for descriptor in rights {
                    close_on_exec(&descriptor)?;
                    descriptors.push(descriptor);
                }
            }
        }
        Ok(received.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Endpoint, Listening, Reply, Request};
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    fn pair() -> (Connection, Connection) {
        let (one, other) = UnixStream::pair().unwrap();
        (Connection::new(one), Connection::new(other))
    }

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn a_listener_goes_with_the_frame_that_speaks_of_it() {
        let (mut agent, mut node) = pair();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let request = Request::Listen { endpoint: Endpoint::Primary, address };
        agent.send(&request, &[listener.as_fd()]).unwrap();
        agent.send(&Request::Status, &[]).unwrap();
        drop(listener);
        let (received, mut descriptors) = node.receive::<Request>().unwrap();
        assert_eq!(received, request);
        let passed = TcpListener::from(descriptors.remove(0));
        let (received, descriptors) = node.receive::<Request>().unwrap();
        assert_eq!((received, descriptors.len()), (Request::Status, 0));
        let client = TcpStream::connect(address).unwrap();
        assert_eq!(passed.accept().unwrap().1, client.local_addr().unwrap());
    }

    #[test]
    fn many_replies_keep_their_order_and_descriptors() {
        let (mut agent, mut node) = pair();
        let address = "127.0.0.1:1".parse().unwrap();
        for count in 0..=MAX_DESCRIPTORS {
            let listeners = vec![Listening { endpoint: Endpoint::Node, address }; count];
            let (one, _other) = UnixStream::pair().unwrap();
            node.send(&Reply::Listeners(listeners.clone()), &vec![one.as_fd(); count]).unwrap();
            let (reply, descriptors) = agent.receive::<Reply>().unwrap();
            assert_eq!((reply, descriptors.len()), (Reply::Listeners(listeners), count));
        }
    }

    #[test]
    fn an_end_a_lie_and_a_stranger_are_told_apart() {
        let (mut agent, node) = pair();
        drop(node);
        assert!(matches!(agent.receive::<Reply>(), Err(Error::Closed)));

        let (mut agent, mut node) = pair();
        node.stream.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert!(matches!(agent.receive::<Reply>(), Err(Error::Malformed(_))));

        let (mut agent, mut node) = pair();
        let body = br#"{"version":99,"body":"Done"}"#;
        node.stream.write_all(&(body.len() as u32).to_le_bytes()).unwrap();
        node.stream.write_all(body).unwrap();
        assert!(matches!(agent.receive::<Reply>(), Err(Error::Malformed(text)) if text.contains("99")));

        let (mut agent, _node) = pair();
        agent.set_timeout(Some(Duration::from_millis(1))).unwrap();
        assert!(matches!(agent.receive::<Reply>(), Err(Error::TimedOut)));
    }
}
