//! Loops on all backends and socket pairs to drive them with.

use event_loop::{Backend, Event, EventLoop, LoopConfig, Token};
use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// A test that waits longer than this for something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `test` on every backend that the machine permits, printing which.
pub(crate) fn on_each_backend(config: LoopConfig, test: impl Fn(&mut Driver)) {
    for backend in [Backend::Uring, Backend::Epoll, Backend::Poll] {
        match EventLoop::new(backend, config) {
            Ok(event_loop) => {
                println!("on {}", event_loop.backend_name());
                test(&mut Driver::new(event_loop));
            }
            Err(error) => println!("{backend:?} is not to be had here: {error}"),
        }
    }
}

/// A configuration that exhausts its buffers quickly.
pub(crate) fn small() -> LoopConfig {
    LoopConfig { receive_buffer_len: 512, receive_buffers: 4, events_per_turn: 2, max_spin: Duration::ZERO }
}

/// What the loop reported about one connection.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) received: Vec<u8>,
    pub(crate) sent: usize,
    /// How often it was told that a quiet send found no room.
    pub(crate) refused: usize,
    pub(crate) closed: bool,
    pub(crate) failed: bool,
    pub(crate) detached: Option<(OwnedFd, Vec<u8>)>,
}

/// A loop and all it has reported.
pub(crate) struct Driver {
    pub(crate) event_loop: EventLoop,
    pub(crate) seen: HashMap<Token, Seen>,
    pub(crate) woken: usize,
    events: Vec<Event>,
}

impl Driver {
    fn new(event_loop: EventLoop) -> Driver {
        Driver { event_loop, seen: HashMap::new(), woken: 0, events: Vec::new() }
    }

    /// A connection of the loop and the test's end of it.
    pub(crate) fn connect(&mut self) -> (Token, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_read_timeout(Some(PATIENCE)).unwrap();
        theirs.set_write_timeout(Some(PATIENCE)).unwrap();
        let token = self.event_loop.add(ours.into()).unwrap();
        self.seen.insert(token, Seen::default());
        (token, theirs)
    }

    /// The same over TCP.
    pub(crate) fn connect_tcp(&mut self) -> (Token, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        theirs.set_read_timeout(Some(PATIENCE)).unwrap();
        let token = self.event_loop.add(listener.accept().unwrap().0.into()).unwrap();
        self.seen.insert(token, Seen::default());
        (token, theirs)
    }

    pub(crate) fn seen(&self, token: Token) -> &Seen {
        &self.seen[&token]
    }

    /// One turn; `react` sees every piece of received bytes while their buffer is valid.
    pub(crate) fn turn(&mut self, timeout: Duration, mut react: impl FnMut(&mut EventLoop, Token, Vec<u8>)) {
        self.event_loop.turn(Some(timeout), &mut self.events).unwrap();
        for event in self.events.drain(..) {
            match event {
                Event::Received { token, buf, len } => {
                    let bytes = self.event_loop.received(buf).to_vec();
                    assert_eq!((bytes.len(), bytes.is_empty()), (len, false));
                    let seen = self.seen.entry(token).or_default();
                    assert!(!seen.closed && !seen.failed && seen.detached.is_none(), "bytes after the end");
                    seen.received.extend_from_slice(&bytes);
                    react(&mut self.event_loop, token, bytes);
                }
                Event::Closed { token } => {
                    assert!(!std::mem::replace(&mut self.seen.entry(token).or_default().closed, true));
                }
                Event::Failed { token, .. } => {
                    assert!(!std::mem::replace(&mut self.seen.entry(token).or_default().failed, true));
                }
                Event::Sent { token, bytes, buf } => {
                    assert!(buf.is_empty());
                    let seen = self.seen.entry(token).or_default();
                    seen.sent += bytes;
                    seen.refused += usize::from(bytes == 0);
                }
                Event::Detached { token, transport, unsent } => {
                    let seen = self.seen.entry(token).or_default();
                    assert!(seen.detached.replace((transport.into(), unsent)).is_none());
                }
                Event::Woken => self.woken += 1,
            }
        }
        self.event_loop.end_turn();
    }

    /// Turns until `done`, or panics when that takes too long.
    pub(crate) fn until(&mut self, mut done: impl FnMut(&Driver) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < PATIENCE, "nothing happens: {:?}", self.seen.len());
            self.turn(Duration::from_millis(100), |_, _, _| {});
        }
    }

    /// Turns until the loop has nothing more to report at once.
    pub(crate) fn settle(&mut self) {
        for _ in 0..20 {
            self.turn(Duration::from_millis(1), |_, _, _| {});
        }
    }
}

/// Bytes that show where they belong.
pub(crate) fn pattern(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|at| ((at * 31 + at / 251 + seed * 7) % 251) as u8).collect()
}
