//! Frames with descriptors over a Unix stream socket.

use crate::message::{Envelope, Message, OLDEST, VERSION};
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

/// Received descriptors must not leak into programs that are started meanwhile. Where the kernel has no such flag,
/// close-on-exec is set afterwards.
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

/// Why a message could not be exchanged. Unless noted, the connection must be closed.
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
    /// The other side does not know the version that a message needs. Nothing was sent; the connection stays usable.
    #[error("the other side does not speak version {0} of the protocol")]
    Unspoken(u32),
    /// The received bytes are not a message that this program understands.
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
    speaks: u32,
    peer: u32,
}

impl Connection {
    /// Over a connected socket.
    pub fn new(stream: UnixStream) -> Connection {
        Connection::speaking(stream, VERSION)
    }

    /// As a program of an earlier version: to try what one of today does with it.
    pub fn speaking(stream: UnixStream, version: u32) -> Connection {
        Connection { stream, speaks: version, peer: OLDEST }
    }

    /// The last version that the other side is known to speak.
    pub fn peer_version(&self) -> u32 {
        self.peer
    }

    /// The socket, to wait on.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Sets how long [`Connection::receive`] and [`Connection::send`] may take; `None` for no limit.
    ///
    /// # Errors
    /// When the socket refuses, or the timeout is zero.
    pub fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(timeout)?;
        self.stream.set_write_timeout(timeout)
    }

    /// Sends one message with descriptors.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn send<T: Serialize + Message>(
        &mut self,
        message: &T,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), Error> {
        let version = message.version();
        if version > self.peer {
            return Err(Error::Unspoken(version));
        }
        let speaks = (self.speaks > OLDEST).then_some(self.speaks);
        let envelope = Envelope { version, speaks, body: message };
        let body = serde_json::to_vec(&envelope).map_err(|e| Error::Malformed(e.to_string()))?;
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

    /// Sends the first piece of a frame, which carries the descriptors. A closed peer is an error, not a signal: Rust
    /// programs ignore SIGPIPE.
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
        if !(OLDEST..=self.speaks).contains(&envelope.version) {
            return Err(Error::Malformed(format!("version {} of the protocol", envelope.version)));
        }
        self.peer = self.peer.max(envelope.speaks.unwrap_or(envelope.version));
        let message = T::deserialize(envelope.body).map_err(|error| Error::Malformed(error.to_string()))?;
        Ok((message, descriptors))
    }

    /// Receives the first bytes of a frame, and with them all of its descriptors, which were sent with its first piece.
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
    use crate::{Endpoint, Listening, Measured, Position, Reading, Refusal, Reply, Request, Role};
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

    fn frame(stream: &mut UnixStream, body: &[u8]) {
        stream.write_all(&(body.len() as u32).to_le_bytes()).unwrap();
        stream.write_all(body).unwrap();
    }

    fn demotion() -> Request {
        let at = Some(Position { history: "0".repeat(40), offset: 7 });
        Request::Assign { epoch: 2, role: Role::Primary, at }
    }

    #[test]
    fn what_needs_a_version_is_said_once_the_other_side_has_said_that_it_knows_it() {
        let (mut agent, mut node) = pair();
        assert!(matches!(agent.send(&demotion(), &[]), Err(Error::Unspoken(2))));
        agent.send(&Request::Status, &[]).unwrap();
        node.receive::<Request>().unwrap();
        assert_eq!(node.peer_version(), VERSION);
        node.send(&Reply::Done, &[]).unwrap();
        agent.receive::<Reply>().unwrap();
        agent.send(&demotion(), &[]).unwrap();
        assert_eq!(node.receive::<Request>().unwrap().0, demotion());
        let moved = Reply::Refused(Refusal::Moved(Position { history: String::new(), offset: 9 }));
        node.send(&moved, &[]).unwrap();
        assert_eq!(agent.receive::<Reply>().unwrap().0, moved);
    }

    #[test]
    fn readings_arrive_as_they_were() {
        let (mut agent, mut node) = pair();
        node.send(&Reply::Done, &[]).unwrap();
        agent.receive::<Reply>().unwrap();
        agent.send(&Request::Measure, &[]).unwrap();
        assert_eq!(node.receive::<Request>().unwrap().0, Request::Measure);
        let readings = [
            Reading::Now(0.1 + 0.2),
            Reading::Grown(9_007_199_254_740_991.0),
            Reading::Quotient(-0.5, 3e300),
            Reading::Busiest(vec![1.0, 2.5]),
        ];
        let readings = readings.into_iter().enumerate().map(|(at, one)| (at.to_string(), one)).collect();
        let reply = Reply::Measured(Measured { at_us: u64::MAX, readings });
        node.send(&reply, &[]).unwrap();
        assert_eq!(agent.receive::<Reply>().unwrap().0, reply);
    }

    #[test]
    fn one_version_back_is_understood_on_either_side() {
        let (new, old) = UnixStream::pair().unwrap();
        let (mut new, mut old) = (Connection::new(new), Connection::speaking(old, VERSION - 1));
        for _ in 0..2 {
            new.send(&Request::Status, &[]).unwrap();
            old.receive::<Request>().unwrap();
            old.send(&Reply::Done, &[]).unwrap();
            new.receive::<Reply>().unwrap();
        }
        assert_eq!(new.peer_version(), VERSION - 1);
        new.send(&demotion(), &[]).unwrap();
        assert!(matches!(new.send(&Request::Measure, &[]), Err(Error::Unspoken(VERSION))));
    }

    /// The bytes of version 1, as its programs wrote and expected them.
    #[test]
    fn the_frames_of_version_1() {
        let (mut agent, mut node) = pair();
        frame(&mut node.stream, br#"{"version":1,"body":{"Refused":{"OldEpoch":{"seen":4}}}}"#);
        let refused = Reply::Refused(Refusal::OldEpoch { seen: 4 });
        assert_eq!(agent.receive::<Reply>().unwrap().0, refused);
        assert_eq!(agent.peer_version(), 1);
        frame(&mut node.stream, br#"{"version":1,"body":{"Assign":{"epoch":3,"role":"Primary"}}}"#);
        let assign = Request::Assign { epoch: 3, role: Role::Primary, at: None };
        assert_eq!(agent.receive::<Request>().unwrap().0, assign);
        // Beside what they expect there is a field that they pass over.
        agent.send(&assign, &[]).unwrap();
        let mut bytes = [0; 4];
        node.stream.read_exact(&mut bytes).unwrap();
        let mut body = vec![0; u32::from_le_bytes(bytes) as usize];
        node.stream.read_exact(&mut body).unwrap();
        let text = r#"{"version":1,"speaks":3,"body":{"Assign":{"epoch":3,"role":"Primary"}}}"#;
        assert_eq!(String::from_utf8(body).unwrap(), text);
    }

    #[test]
    fn a_field_of_a_later_program_is_passed_over() {
        let (mut agent, mut node) = pair();
        let body = br#"{"version":1,"speaks":9,"mood":"good","body":{"Assign":{"epoch":3,"role":"Primary","why":{}}}}"#;
        frame(&mut node.stream, body);
        let assign = Request::Assign { epoch: 3, role: Role::Primary, at: None };
        assert_eq!(agent.receive::<Request>().unwrap().0, assign);
    }
}
