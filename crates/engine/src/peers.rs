//! Connections to other servers, for MIGRATE. A connection is kept for a while, so that many keys in a row need one.
//!
//! Whoever uses one waits: a helper, or inside EXEC a worker, with the locks of its keys, and inside the gate. It waits in short steps,
//! and no longer once the node is ending. When somebody needs all slots, everybody waits for it: it gives a silent server no more
//! than a moment then. The timeout is for each reply, and for each piece that is sent: a server that answers a byte at a time gets no more.

use crate::engine::Engine;
use commands::{Lost, Peer, Peers};
use keyspace::Gate;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::cell::Cell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a connection is kept that nobody uses.
const KEPT: Duration = Duration::from_secs(10);
/// How many are kept.
const MOST_KEPT: usize = 64;
/// How often who waits looks whether the node is ending.
const STEP: Duration = Duration::from_millis(100);
/// How long others wait with the gate closed.
const CLOSED: Duration = Duration::from_millis(500);
/// A longer line is no reply to RESTORE.
const MOST_LINE_BYTES: usize = 1024;
/// What is sent within one timeout.
const PIECE_BYTES: usize = 64 << 10;

/// The connections that are kept, by what the client called the server.
#[derive(Default)]
pub struct Connections {
    kept: Mutex<HashMap<Name, Kept>>,
}

type Name = (Box<[u8]>, Box<[u8]>);

struct Kept {
    socket: Socket,
    db: Option<i64>,
    since: Instant,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("kept", &self.len()).finish()
    }
}

impl Connections {
    fn kept(&self) -> MutexGuard<'_, HashMap<Name, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.kept().len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.kept().is_empty()
    }

    /// Closes those that were not used for a while.
    pub fn close_unused(&self, now: Instant) {
        self.kept().retain(|_, kept| now.saturating_duration_since(kept.since) < KEPT);
    }

    fn keep(&self, name: Name, kept: Kept) {
        let mut all = self.kept();
        if all.len() >= MOST_KEPT && !all.contains_key(&name) {
            let oldest = all.iter().min_by_key(|(_, kept)| kept.since).map(|(name, _)| name.clone());
            oldest.and_then(|oldest| all.remove(&oldest));
        }
        if let Entry::Vacant(place) = all.entry(name) {
            place.insert(kept);
        }
    }
}

impl Peers for Engine {
    fn connect<'p>(
        &'p self,
        host: &[u8],
        port: &[u8],
        timeout: Duration,
    ) -> Result<Box<dyn Peer + 'p>, Lost> {
        let name: Name = (host.into(), port.into());
        let waiting = Waiting {
            ending: &self.ending,
            gate: Some(self.keyspace.gate()),
            timeout,
            closed: Cell::default(),
        };
        let kept = self.connections.kept().remove(&name);
        let (socket, db) = match kept {
            Some(kept) => (kept.socket, kept.db),
            None => (open(host, port, &waiting)?, None),
        };
        let received = Vec::new();
        Ok(Box::new(Connection { connections: &self.connections, name, socket, db, received, waiting }))
    }
}

/// How long one waits.
struct Waiting<'p> {
    ending: &'p AtomicBool,
    /// The gate that it stands in.
    gate: Option<&'p Gate>,
    timeout: Duration,
    /// Since when the gate has been closed, while nothing came.
    closed: Cell<Option<Instant>>,
}

impl Waiting<'_> {
    /// Whether others have waited for long, since somebody needs all slots.
    fn is_in_the_way(&self) -> bool {
        let is_closed = self.gate.is_some_and(Gate::is_closed);
        let since = is_closed.then(|| self.closed.get().unwrap_or_else(Instant::now));
        self.closed.set(since);
        since.is_some_and(|since| since.elapsed() >= CLOSED)
    }

    /// Something new begins: now, which is returned.
    fn begin(&self) -> Instant {
        self.closed.set(None);
        Instant::now()
    }

    /// Waits until a socket is ready for something that began then.
    fn until(&self, socket: &Socket, ready: PollFlags, began: Instant) -> Result<(), Lost> {
        loop {
            let left = self.timeout.saturating_sub(began.elapsed());
            if left.is_zero() || self.ending.load(Ordering::Acquire) {
                return Err(Lost::TimedOut);
            }
            if self.is_in_the_way() {
                return Err(Lost::TimedOut);
            }
            let step = left.min(STEP);
            let step = Timespec { tv_sec: 0, tv_nsec: step.subsec_nanos().into() };
            match poll(&mut [PollFd::new(socket, ready)], Some(&step)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(_) => return Err(Lost::Closed),
            }
        }
    }
}

/// Connects to the first address of a name that accepts.
fn open(host: &[u8], port: &[u8], waiting: &Waiting<'_>) -> Result<Socket, Lost> {
    let host = std::str::from_utf8(host).map_err(|_| Lost::Nowhere)?;
    let port: u16 = std::str::from_utf8(port).ok().and_then(|port| port.parse().ok()).ok_or(Lost::Closed)?;
    let addresses = (host, port).to_socket_addrs().map_err(|_| Lost::Nowhere)?;
    let mut last = Lost::Nowhere;
    for address in addresses {
        match open_address(address, waiting) {
            Ok(socket) => return Ok(socket),
            Err(lost) => last = lost,
        }
    }
    Err(last)
}

fn open_address(address: SocketAddr, waiting: &Waiting<'_>) -> Result<Socket, Lost> {
    let begin = || -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&SockAddr::from(address)) {
            Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {
                Err(error)
            }
            _ => Ok(socket),
        }
    };
    let socket = begin().map_err(|_| Lost::Closed)?;
    waiting.until(&socket, PollFlags::OUT, Instant::now())?;
    match socket.take_error() {
        Ok(None) => Ok(socket),
        _ => Err(Lost::Closed),
    }
}

struct Connection<'p> {
    connections: &'p Connections,
    name: Name,
    socket: Socket,
    db: Option<i64>,
    /// What came behind the last line.
    received: Vec<u8>,
    waiting: Waiting<'p>,
}

impl Peer for Connection<'_> {
    fn db(&self) -> Option<i64> {
        self.db
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        for mut piece in bytes.chunks(PIECE_BYTES) {
            let began = self.waiting.begin();
            while !piece.is_empty() {
                match self.socket.write(piece) {
                    Ok(sent) => piece = &piece[sent..],
                    Err(error) => self.after(&error, PollFlags::OUT, began)?,
                }
            }
        }
        Ok(())
    }

    fn line(&mut self) -> Result<Vec<u8>, Lost> {
        let began = self.waiting.begin();
        loop {
            if let Some(end) = self.received.iter().position(|&byte| byte == b'\n') {
                let mut line: Vec<u8> = self.received.drain(..=end).collect();
                line.truncate(end);
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            if self.received.len() > MOST_LINE_BYTES {
                return Err(Lost::Closed);
            }
            let mut piece = [0; 4096];
            match self.socket.read(&mut piece) {
                Ok(0) => return Err(Lost::Closed),
                Ok(received) => self.received.extend_from_slice(&piece[..received]),
                Err(error) => self.after(&error, PollFlags::IN, began)?,
            }
        }
    }

    fn keep(self: Box<Self>, db: Option<i64>) {
        let Connection { connections, name, socket, received, .. } = *self;
        // Behind the replies nothing is expected.
        if received.is_empty() {
            connections.keep(name, Kept { socket, db, since: Instant::now() });
        }
    }
}

impl Connection<'_> {
    /// Waits where that is all that an error asks for.
    fn after(&self, error: &io::Error, ready: PollFlags, began: Instant) -> Result<(), Lost> {
        match error.kind() {
            ErrorKind::WouldBlock => self.waiting.until(&self.socket, ready, began),
            ErrorKind::Interrupted => Ok(()),
            _ => Err(Lost::Closed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::thread;

    /// Longer than a test may take.
    const LONG: Duration = Duration::from_secs(3600);

    fn connect<'p>(connections: &'p Connections, ending: &'p AtomicBool, port: u16) -> Connection<'p> {
        let name: Name = ((*b"127.0.0.1").into(), port.to_string().into_bytes().into());
        let waiting = Waiting { ending, gate: None, timeout: LONG, closed: Cell::default() };
        let socket = open(&name.0, &name.1, &waiting).expect("somebody listens");
        Connection { connections, name, socket, db: None, received: Vec::new(), waiting }
    }

    #[test]
    fn lines_come_one_by_one_however_they_are_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let other = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(b"+OK\r\n-ERR ").unwrap();
            stream.write_all(&request).unwrap();
            stream.write_all(b"\r\n+half").unwrap();
        });
        let (connections, ending) = (Connections::default(), AtomicBool::new(false));
        let mut peer = connect(&connections, &ending, port);
        peer.send(b"ping").unwrap();
        assert_eq!(peer.line().unwrap(), b"+OK");
        assert_eq!(peer.line().unwrap(), b"-ERR ping");
        assert_eq!(peer.line(), Err(Lost::Closed), "half a line is none");
        other.join().unwrap();
        Box::new(peer).keep(Some(0));
        assert!(connections.is_empty(), "it is behind with a reply");
    }

    #[test]
    fn nobody_is_waited_for_when_the_node_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, ending) = (Connections::default(), AtomicBool::new(false));
        let mut peer = connect(&connections, &ending, port);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| peer.line());
            ending.store(true, Ordering::Release);
            assert_eq!(waiter.join().unwrap(), Err(Lost::TimedOut));
        });
        drop(listener);
    }

    #[test]
    fn who_is_silent_is_waited_for_as_long_as_was_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, ending) = (Connections::default(), AtomicBool::new(false));
        let mut peer = connect(&connections, &ending, port);
        peer.waiting.timeout = Duration::from_millis(1);
        assert_eq!(peer.line(), Err(Lost::TimedOut));
    }

    /// Each byte that comes is less than the timeout behind the one before.
    #[test]
    fn who_answers_a_byte_at_a_time_is_not_waited_for_longer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let over = Arc::new(AtomicBool::new(false));
        let is_over = over.clone();
        let other = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            while !is_over.load(Ordering::Acquire) && stream.write_all(b"x").is_ok() {
                thread::park_timeout(Duration::from_millis(5));
            }
        });
        let (connections, ending) = (Connections::default(), AtomicBool::new(false));
        let mut peer = connect(&connections, &ending, port);
        peer.waiting.timeout = Duration::from_millis(50);
        assert!(peer.line().is_err(), "it is too late, or too long");
        over.store(true, Ordering::Release);
        other.join().unwrap();
    }

    #[test]
    fn nobody_there_is_told_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        drop(listener);
        let ending = AtomicBool::new(false);
        let waiting = Waiting { ending: &ending, gate: None, timeout: LONG, closed: Cell::default() };
        assert_eq!(open(b"127.0.0.1", port.as_bytes(), &waiting).err(), Some(Lost::Closed));
        assert_eq!(open(b"127.0.0.1", b"no port", &waiting).err(), Some(Lost::Closed));
        assert_eq!(open(b"\xff", b"1", &waiting).err(), Some(Lost::Nowhere));
    }

    #[test]
    fn connections_are_kept_for_a_while() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, ending) = (Connections::default(), AtomicBool::new(false));
        for number in 0..=MOST_KEPT {
            let mut peer = connect(&connections, &ending, port);
            peer.name.1 = number.to_string().into_bytes().into();
            Box::new(peer).keep(Some(3));
        }
        assert_eq!(connections.len(), MOST_KEPT, "the oldest gave way");
        let name: Name = ((*b"127.0.0.1").into(), MOST_KEPT.to_string().into_bytes().into());
        assert_eq!(connections.kept().get(&name).unwrap().db, Some(3));
        connections.close_unused(Instant::now());
        assert_eq!(connections.len(), MOST_KEPT);
        connections.close_unused(Instant::now() + KEPT);
        assert!(connections.is_empty());
    }
}
