//! The event loop over readiness: epoll, and poll(2) where there is no epoll.
//!
//! Level triggered: a connection is read once a turn and reported again while it has more, so no connection starves
//! the others. Sends are direct; a socket is watched for writing only while it is full.
//!
//! Invariants
//! - Interest in reading ⇔ receiving, and neither end of file nor failure seen. Interest in writing ⇔ the socket took
//!   less than it was given.
//! - A connection is in `dirty` ⇔ its flag says so; it has something queued that has not been tried.
//! - Receive buffers below `used` belong to the caller until `end_turn`.

use crate::poller::{Interest, Poller, Ready};
use crate::send_queue::SendQueue;
use crate::slab::{Slab, Token};
use crate::spin::{Spin, involuntary_switches};
use crate::transport::Transport;
use crate::{BufId, Event, LoopConfig, Waker, net};
use std::io;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// The waker's key in the poller; no token has this value, for its generation is never reached.
const WAKER_KEY: u64 = u64::MAX;

#[derive(Debug)]
struct Connection {
    transport: Transport,
    queue: SendQueue,
    interest: Interest,
    receiving: bool,
    eof: bool,
    failed: bool,
    dirty: bool,
    /// Somebody waits for the end of what is queued.
    watched: bool,
    /// The socket is full; it is tried again when it reports to be writable.
    full: bool,
}

impl Connection {
    fn wanted(&self) -> Interest {
        Interest { read: self.receiving && !self.eof && !self.failed, write: self.full && !self.failed }
    }
}

/// See the module's essay.
pub(crate) struct Readiness {
    poller: Poller,
    waker: Waker,
    spin: Spin,
    connections: Slab<Connection>,
    arena: Box<[u8]>,
    buffer_len: usize,
    buffers: usize,
    used: usize,
    dirty: Vec<Token>,
    ready: Vec<Ready>,
    /// Events that came about outside of a turn, or in this one.
    queued: Vec<Event>,
    /// Those among them that nobody waits for.
    quiet_events: usize,
}

impl Readiness {
    pub(crate) fn new(mut poller: Poller, config: &LoopConfig) -> io::Result<(Readiness, Waker)> {
        let waker = Waker::new()?;
        let readable = Interest { read: true, write: false };
        poller.set(waker.fd(), WAKER_KEY, Interest::default(), readable)?;
        let buffers = config.receive_buffers.min(config.events_per_turn);
        let readiness = Readiness {
            poller,
            waker: waker.clone(),
            spin: Spin::new(config.max_spin),
            connections: Slab::new(),
            arena: vec![0; buffers * config.receive_buffer_len].into_boxed_slice(),
            buffer_len: config.receive_buffer_len,
            buffers,
            used: 0,
            dirty: Vec::new(),
            ready: Vec::new(),
            queued: Vec::new(),
            quiet_events: 0,
        };
        Ok((readiness, waker))
    }

    pub(crate) fn name(&self) -> &'static str {
        self.poller.name()
    }

    pub(crate) fn spun(&self) -> Duration {
        self.spin.spun()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.len()
    }

    pub(crate) fn add(&mut self, transport: Transport) -> io::Result<Token> {
        net::prepare_stream(transport.fd())?;
        let token = self
            .connections
            .insert(|_| Connection {
                transport,
                queue: SendQueue::default(),
                interest: Interest::default(),
                receiving: true,
                eof: false,
                failed: false,
                dirty: false,
                watched: false,
                full: false,
            })
            .ok_or_else(|| io::Error::other("too many connections in one event loop"))?;
        match self.watch(token) {
            Ok(()) => Ok(token),
            Err(error) => {
                self.connections.remove(token);
                Err(error)
            }
        }
    }

    /// Brings the poller in line with what the connection wants.
    fn watch(&mut self, token: Token) -> io::Result<()> {
        if let Some(connection) = self.connections.get_mut(token) {
            let wanted = connection.wanted();
            self.poller.set(
                connection.transport.fd().as_raw_fd(),
                token.bits(),
                connection.interest,
                wanted,
            )?;
            connection.interest = wanted;
        }
        Ok(())
    }

    /// As [`Readiness::watch`], a refusal of the system being the connection's failure.
    fn rewatch(&mut self, token: Token) {
        if let Err(error) = self.watch(token) {
            self.fail(token, error);
        }
    }

    pub(crate) fn set_receiving(&mut self, token: Token, receiving: bool) {
        if let Some(connection) = self.connections.get_mut(token)
            && connection.receiving != receiving
        {
            connection.receiving = receiving;
            self.rewatch(token);
        }
    }

    pub(crate) fn send(&mut self, token: Token, buffer: Vec<u8>, watched: bool) {
        if let Some(connection) = self.connections.get_mut(token)
            && !connection.failed
            && !buffer.is_empty()
        {
            connection.queue.push(buffer);
            connection.watched |= watched;
            if !connection.dirty && !connection.full {
                connection.dirty = true;
                self.dirty.push(token);
            }
        }
    }

    pub(crate) fn pending_bytes(&self, token: Token) -> usize {
        self.connections.get(token).map_or(0, |connection| connection.queue.pending())
    }

    pub(crate) fn refused_bytes(&self, token: Token) -> usize {
        self.connections.get(token).filter(|c| c.full).map_or(0, |connection| connection.queue.pending())
    }

    pub(crate) fn flush(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for token in dirty.drain(..) {
            if let Some(connection) = self.connections.get_mut(token) {
                connection.dirty = false;
                self.write(token);
            }
        }
        self.dirty = dirty;
    }

    /// Sends until the queue is empty or the socket is full.
    fn write(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        let mut failure = None;
        while !connection.queue.is_empty() && !connection.failed {
            match net::send_some(connection.transport.fd(), &connection.queue) {
                Ok((taken, offered)) => {
                    connection.queue.advance(taken, |bytes, buf| {
                        self.queued.push(Event::Sent { token, bytes, buf });
                        self.quiet_events += usize::from(!connection.watched);
                    });
                    connection.full = taken < offered;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => connection.full = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            if connection.full {
                break;
            }
        }
        if connection.queue.is_empty() {
            connection.full = false;
            connection.watched = false;
        } else if connection.full && !connection.watched {
            connection.watched = true;
            self.queued.push(Event::Sent { token, bytes: 0, buf: Vec::new() });
        }
        match failure {
            Some(error) => self.fail(token, error),
            None => self.rewatch(token),
        }
    }

    fn fail(&mut self, token: Token, error: io::Error) {
        if let Some(connection) = self.connections.get_mut(token)
            && !connection.failed
        {
            connection.failed = true;
            connection.queue = SendQueue::default();
            self.queued.push(Event::Failed { token, error });
            // Nothing is wanted of a failed connection, and a set that cannot be changed any more has lost it anyway.
            let _ = self.watch(token);
        }
    }

    pub(crate) fn close(&mut self, token: Token) {
        self.take(token);
    }

    pub(crate) fn detach(&mut self, token: Token) {
        if let Some(connection) = self.take(token) {
            let unsent = connection.queue.into_unsent();
            self.queued.push(Event::Detached { token, transport: connection.transport, unsent });
        }
    }

    fn take(&mut self, token: Token) -> Option<Connection> {
        let connection = self.connections.remove(token)?;
        // The only failure is that the socket is not in the set, which is what is wanted.
        let _ = self.poller.set(
            connection.transport.fd().as_raw_fd(),
            token.bits(),
            connection.interest,
            Interest::default(),
        );
        Some(connection)
    }

    pub(crate) fn turn(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        self.flush();
        let has_news = self.queued.len() > self.quiet_events;
        let timeout = if has_news { Some(Duration::ZERO) } else { timeout };
        self.quiet_events = 0;
        let mut ready = std::mem::take(&mut self.ready);
        let waited = self.wait(timeout, &mut ready);
        for ready in ready.drain(..) {
            self.serve(ready);
        }
        self.ready = ready;
        if self.waker.state().take() {
            self.queued.push(Event::Woken);
        }
        let connections = &self.connections;
        events.extend(self.queued.drain(..).filter(|event| match event {
            Event::Received { token, .. }
            | Event::Closed { token }
            | Event::Failed { token, .. }
            | Event::Sent { token, .. } => connections.get(*token).is_some(),
            Event::Woken | Event::Detached { .. } => true,
        }));
        waited
    }

    /// Spins for a while, then sleeps, unless there is a signal.
    fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        if timeout == Some(Duration::ZERO) || self.waker.state().is_signalled() {
            return self.poller.wait(Some(Duration::ZERO), ready);
        }
        if self.spin.is_off() {
            let asleep = self.waker.state().fall_asleep();
            return self.poller.wait(if asleep { timeout } else { Some(Duration::ZERO) }, ready);
        }
        let start = Instant::now();
        let budget = self.spin.budget(start, involuntary_switches);
        let budget = timeout.map_or(budget, |timeout| budget.min(timeout));
        if !budget.is_zero() {
            let mut spun = Duration::ZERO;
            let found = loop {
                self.poller.wait(Some(Duration::ZERO), ready)?;
                if !ready.is_empty() || self.waker.state().is_signalled() {
                    break true;
                }
                spun = start.elapsed();
                if spun >= budget {
                    break false;
                }
            };
            self.spin.result(found, spun);
            if found {
                return Ok(());
            }
        }
        let timeout = timeout.map(|timeout| timeout.saturating_sub(start.elapsed()));
        let asleep = self.waker.state().fall_asleep();
        self.poller.wait(if asleep { timeout } else { Some(Duration::ZERO) }, ready)
    }

    fn serve(&mut self, ready: Ready) {
        if ready.key == WAKER_KEY {
            return self.waker.drain();
        }
        let token = Token::from_bits(ready.key);
        if ready.readable {
            self.receive(token);
        }
        if ready.writable
            && let Some(connection) = self.connections.get_mut(token)
            && connection.full
        {
            connection.full = false;
            self.write(token);
        }
    }

    fn receive(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        if !connection.wanted().read || self.used == self.buffers {
            return;
        }
        let start = self.used * self.buffer_len;
        let buffer = &mut self.arena[start..start + self.buffer_len];
        match net::receive(connection.transport.fd(), buffer) {
            Ok(0) => {
                connection.eof = true;
                self.queued.push(Event::Closed { token });
                self.rewatch(token);
            }
            Ok(len) => {
                let buf = BufId { index: self.used as u32, len: len as u32 };
                self.used += 1;
                self.queued.push(Event::Received { token, buf, len });
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => self.fail(token, error),
        }
    }

    pub(crate) fn received(&self, buf: BufId) -> &[u8] {
        let index = buf.index as usize;
        assert!(index < self.used, "a receive buffer is valid until end_turn");
        &self.arena[index * self.buffer_len..][..buf.len as usize]
    }

    pub(crate) fn end_turn(&mut self) {
        self.used = 0;
    }
}
