//! The event loop of one worker thread over its own connections.
//!
//! ```text
//!   turn ──▶ wait, receive from every ready connection ──▶ events
//!                        caller: parse all, prefetch, execute all, send() into per-connection queues
//!   end_turn ──▶ receive buffers go back        flush ──▶ sends leave (the next turn does it too)
//! ```
//!
//! The loop is *phased*: one turn receives from all ready connections before anything is executed, and all replies
//! leave together. Three backends serve the same calls: io_uring (receives into a ring of provided buffers, handed
//! over in one batch with the sends), epoll (level triggered, a few events a turn, direct sends), and poll(2) where neither
//! exists. [`Backend::Auto`] takes the first that the kernel permits.
//!
//! This crate knows nothing of protocols, commands and locks. It is an unsafe kernel: system calls, and buffers that
//! the kernel writes to or reads from while no Rust reference to them exists. What holds everywhere:
//!
//! - Bytes of a connection are delivered and sent in order, none twice, none lost; a failure is reported once.
//! - A [`Token`] is never valid again after [`EventLoop::close`], whatever is reused; calls with a stale token do
//!   nothing, and no later turn reports an event for it.
//! - A buffer handed to [`EventLoop::send`] lives until the kernel is done with it, closed connection or not.
//! - A receive buffer belongs to the caller from the turn that reported it until [`EventLoop::end_turn`].
//! - A wake-up is never lost: see [`Waker`].
//!
//! Limits: receive buffers are `receive_buffers` × `receive_buffer_len` bytes a loop, so a turn receives at most that.
//! Connections are bounded by 2^24 and the file limit. What is queued by `send` is *not* bounded here: the caller
//! bounds it by [`EventLoop::pending_bytes`], because only the caller knows the client's class and its limits.
//!
//! The loop asks the clock itself, because adaptive spinning is about real time.
#![allow(clippy::disallowed_methods)]

mod acceptor;
#[cfg(target_os = "linux")]
mod buffer_ring;
mod net;
mod poller;
mod readiness;
mod relay;
mod send_queue;
mod slab;
mod spin;
mod transport;
#[cfg(target_os = "linux")]
mod uring;
mod wake;

pub use acceptor::{Acceptor, ListenerId, Peer};
pub use net::{ListenError, Listener, address_text, listen_tcp, listen_unix};
pub use relay::Relay;
pub use slab::Token;
pub use spin::thread_time;
pub use transport::Transport;
pub use wake::Waker;

use std::io;
use std::marker::PhantomData;
use std::time::Duration;

/// Which system call interface a loop shall use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// io_uring where the kernel permits it, else epoll, else poll.
    #[default]
    Auto,
    /// io_uring; an error where it is missing, forbidden or too old (before Linux 6.1).
    Uring,
    /// epoll; an error on other systems than Linux.
    Epoll,
    /// poll(2), on every Unix.
    Poll,
}

/// Sizes of a loop. The defaults are what measurements chose; tests make them small.
#[derive(Clone, Copy, Debug)]
pub struct LoopConfig {
    /// Bytes of one receive buffer: the most that one `Received` reports.
    pub receive_buffer_len: usize,
    /// Receive buffers of the loop, a power of two up to 32,768: the most `Received` events of a turn.
    pub receive_buffers: usize,
    /// Connections that epoll or poll serve in one turn.
    pub events_per_turn: usize,
    /// Longest busy wait before sleeping; zero never spins. How long is adapted to whether it pays.
    pub max_spin: Duration,
}

impl Default for LoopConfig {
    fn default() -> LoopConfig {
        LoopConfig {
            receive_buffer_len: 16 * 1024,
            receive_buffers: 64,
            events_per_turn: 16,
            max_spin: Duration::from_micros(50),
        }
    }
}

/// Received bytes of this turn, until `end_turn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufId {
    index: u32,
    len: u32,
}

/// What a turn has to report.
#[derive(Debug)]
pub enum Event {
    /// Bytes have arrived.
    Received {
        /// The connection.
        token: Token,
        /// Where they are: see [`EventLoop::received`].
        buf: BufId,
        /// How many; never 0.
        len: usize,
    },
    /// The peer will send no more, everything it sent has been reported. Sending may still work; call `close`.
    Closed {
        /// The connection.
        token: Token,
    },
    /// Receiving or sending failed. Reported once; nothing more happens on the connection; call `close`.
    Failed {
        /// The connection.
        token: Token,
        /// Why.
        error: io::Error,
    },
    /// The kernel has taken all bytes of a buffer given to `send`; or, with no bytes, not all of what was given to
    /// `send_quietly`.
    Sent {
        /// The connection.
        token: Token,
        /// Its length.
        bytes: usize,
        /// The buffer, cleared, for reuse.
        buf: Vec<u8>,
    },
    /// A [`Waker`] was used since the last time this was reported.
    Woken,
    /// The connection asked for by `detach` has left the loop; its token is void.
    Detached {
        /// The connection.
        token: Token,
        /// What carried it. What it had received before was reported by earlier events.
        transport: Transport,
        /// What was handed to `send` and the kernel has not taken, oldest first.
        unsent: Vec<u8>,
    },
}

enum Imp {
    #[cfg(target_os = "linux")]
    Uring(Box<uring::Uring>),
    Readiness(Box<readiness::Readiness>),
}

/// See the crate's essay. A loop belongs to the thread that made it.
pub struct EventLoop {
    imp: Imp,
    waker: Waker,
    /// io_uring accepts submissions only from the thread that set the ring up.
    _not_send: PhantomData<*const ()>,
}

/// Calls the same method on whichever backend is in use.
macro_rules! dispatch {
    ($self:expr, $imp:ident => $call:expr) => {
        match &mut $self.imp {
            #[cfg(target_os = "linux")]
            Imp::Uring($imp) => $call,
            Imp::Readiness($imp) => $call,
        }
    };
}

impl EventLoop {
    /// A loop without connections. To be made on the thread that will run it.
    pub fn new(backend: Backend, config: LoopConfig) -> io::Result<EventLoop> {
        if !config.receive_buffers.is_power_of_two()
            || config.receive_buffers > 1 << 15
            || config.receive_buffer_len == 0
            || u32::try_from(config.receive_buffer_len).is_err()
            || config.events_per_turn == 0
        {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "impossible sizes of an event loop"));
        }
        let (imp, waker) = match backend {
            Backend::Auto => {
                uring_imp(&config).or_else(|_| epoll_imp(&config)).or_else(|_| poll_imp(&config))
            }
            Backend::Uring => uring_imp(&config),
            Backend::Epoll => epoll_imp(&config),
            Backend::Poll => poll_imp(&config),
        }?;
        Ok(EventLoop { imp, waker, _not_send: PhantomData })
    }

    /// `io_uring`, `epoll` or `poll`.
    pub fn backend_name(&self) -> &'static str {
        match &self.imp {
            #[cfg(target_os = "linux")]
            Imp::Uring(_) => "io_uring",
            Imp::Readiness(readiness) => readiness.name(),
        }
    }

    /// A handle by which other threads end this loop's wait.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Takes over a connection and starts receiving.
    pub fn add(&mut self, transport: Transport) -> io::Result<Token> {
        dispatch!(self, imp => imp.add(transport))
    }

    /// Back-pressure: reports no more bytes of this connection once those that have already been received are out.
    /// While stopped and with nothing to send, the peer's closing goes unnoticed.
    pub fn stop_receiving(&mut self, token: Token) {
        dispatch!(self, imp => imp.set_receiving(token, false));
    }

    /// Ends [`EventLoop::stop_receiving`].
    pub fn start_receiving(&mut self, token: Token) {
        dispatch!(self, imp => imp.set_receiving(token, true));
    }

    /// Queues a buffer behind what this connection has queued. It leaves with the next `flush` or `turn`.
    /// An empty buffer, or one for a connection that has failed or is closed, is dropped.
    pub fn send(&mut self, token: Token, buf: Vec<u8>) {
        dispatch!(self, imp => imp.send(token, buf, true));
    }

    /// As [`EventLoop::send`], for who does not wait for the end: [`Event::Sent`] may come no sooner than with some other
    /// event. If the kernel has no room for all of it, a `Sent` of 0 bytes says so at once, and what is left goes as if
    /// it had been given to `send`.
    pub fn send_quietly(&mut self, token: Token, buf: Vec<u8>) {
        dispatch!(self, imp => imp.send(token, buf, false));
    }

    /// Hands everything queued to the kernel now, without waiting.
    pub fn flush(&mut self) {
        dispatch!(self, imp => imp.flush());
    }

    /// Bytes handed to `send` that the kernel has not taken yet.
    pub fn pending_bytes(&self, token: Token) -> usize {
        match &self.imp {
            #[cfg(target_os = "linux")]
            Imp::Uring(imp) => imp.pending_bytes(token),
            Imp::Readiness(imp) => imp.pending_bytes(token),
        }
    }

    /// The same while the kernel has no room for them: it was offered some, and has not taken all by the last turn. 0 when
    /// they have merely not been offered yet.
    pub fn refused_bytes(&self, token: Token) -> usize {
        match &self.imp {
            #[cfg(target_os = "linux")]
            Imp::Uring(imp) => imp.refused_bytes(token),
            Imp::Readiness(imp) => imp.refused_bytes(token),
        }
    }

    /// Connections in the loop, those included whose closing the kernel has not finished.
    pub fn connections(&self) -> usize {
        match &self.imp {
            #[cfg(target_os = "linux")]
            Imp::Uring(imp) => imp.connections(),
            Imp::Readiness(imp) => imp.connections(),
        }
    }

    /// All time that the loop waited busily in vain: processor time that did nothing.
    pub fn spun(&self) -> Duration {
        match &self.imp {
            #[cfg(target_os = "linux")]
            Imp::Uring(imp) => imp.spun(),
            Imp::Readiness(imp) => imp.spun(),
        }
    }

    /// Ends the connection at once: what the kernel has not taken is dropped, the token is void. To say good-bye
    /// first, wait until `pending_bytes` is 0.
    pub fn close(&mut self, token: Token) {
        dispatch!(self, imp => imp.close(token));
    }

    /// Takes the connection out of the loop: [`Event::Detached`] brings its socket, in this turn's successor or later.
    /// Until then received bytes are still reported; `send` on it is dropped.
    pub fn detach(&mut self, token: Token) {
        dispatch!(self, imp => imp.detach(token));
    }

    /// Hands over what is queued, waits until something happens or the timeout is over (`None`: no limit, zero: does
    /// not wait), and appends what happened to `events`. At most one wait; it may return without any event.
    pub fn turn(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        dispatch!(self, imp => imp.turn(timeout, events))
    }

    /// Bytes that a `Received` event of this turn reported.
    ///
    /// # Panics
    /// When `end_turn` has been called since.
    #[inline]
    pub fn received(&self, buf: BufId) -> &[u8] {
        match &self.imp {
            #[cfg(target_os = "linux")]
            Imp::Uring(imp) => imp.received(buf),
            Imp::Readiness(imp) => imp.received(buf),
        }
    }

    /// Gives all receive buffers of the turn back.
    pub fn end_turn(&mut self) {
        dispatch!(self, imp => imp.end_turn());
    }
}

#[cfg(target_os = "linux")]
fn uring_imp(config: &LoopConfig) -> io::Result<(Imp, Waker)> {
    let (imp, waker) = uring::Uring::new(config)?;
    Ok((Imp::Uring(Box::new(imp)), waker))
}

#[cfg(not(target_os = "linux"))]
fn uring_imp(_config: &LoopConfig) -> io::Result<(Imp, Waker)> {
    Err(io::ErrorKind::Unsupported.into())
}

fn epoll_imp(config: &LoopConfig) -> io::Result<(Imp, Waker)> {
    readiness_imp(poller::Poller::epoll(config.events_per_turn)?, config)
}

fn poll_imp(config: &LoopConfig) -> io::Result<(Imp, Waker)> {
    readiness_imp(poller::Poller::poll(config.events_per_turn), config)
}

fn readiness_imp(poller: poller::Poller, config: &LoopConfig) -> io::Result<(Imp, Waker)> {
    let (imp, waker) = readiness::Readiness::new(poller, config)?;
    Ok((Imp::Readiness(Box::new(imp)), waker))
}
