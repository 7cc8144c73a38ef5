//! Where the stream leaves for a replica: a socket that two kinds of threads send on.
//!
//! ```text
//!   worker, at the end of its turn ─┐ Relay: one for all
//!   feeder ─────────────────────────┴▶ pump ─▶ direct: the socket takes the backlog's bytes as they lie there
//!                                      full │ ▲ taken
//!                                           ▼ │
//!                                          queued: the feeder's event loop has the next piece
//! ```
//! A worker sends what it wrote itself: a separate thread would be woken once a turn, and would alternate with the worker on its
//! core, for one system call. The feeder owns the socket, and waits for it when it is full: its event loop gets one piece, and once
//! the kernel has taken that piece there is room for more.
//!
//! Each call wakes the replica, so a busy worker does not send in every turn: its bytes wait until they are many, until
//! [`SEND_EVERY`] is over, or until the worker has nothing else to do.
//!
//! **Invariant:** while an outlet is direct, the event loop has nothing pending for its connection; so the bytes leave in
//! the order of the stream, whichever thread sends them. The thread that holds the primary's lock may send or change the state.
//! **Invariant:** nothing is sent to a link that the core no longer knows: its history may be a different one by now.

use crate::replicas::{Fed, Replicas};
use engine::stats::{Counter, Stats};
use event_loop::Transport;
use replication::Primary;
use session::ClientShared;
use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::time::Duration;

/// Pieces of the stream that one call offers.
const SLICES: usize = 16;
/// Bytes that one replica gets from a worker in one turn; the feeder does the rest, to the end.
const TURN_BYTES: usize = 256 << 10;
/// How long a busy worker keeps what it wrote; far below what a network takes.
pub const SEND_EVERY: Duration = Duration::from_micros(100);
/// Bytes that are sent at once.
const MUCH_BYTES: usize = 32 << 10;
/// How often a worker looks again for what others wrote meanwhile, before the feeder does.
const ROUNDS: usize = 4;

/// See the module's essay.
#[derive(Debug)]
pub struct Outlet {
    /// The id of its client.
    pub link: u64,
    info: Arc<ClientShared>,
    /// The connection's socket once more; without it the feeder sends everything.
    socket: Option<Transport>,
    /// The offset up to which the stream was handed to the kernel or to the event loop.
    pub at: u64,
    /// The event loop may have bytes that the kernel has not taken; the feeder goes on when it has.
    pub queued: bool,
}

impl Outlet {
    /// An outlet whose connection may have something pending.
    pub fn new(info: Arc<ClientShared>, socket: Option<Transport>, at: u64) -> Outlet {
        Outlet { link: info.id, info, socket, at, queued: true }
    }

    /// The event loop has nothing pending: from now on bytes go out directly.
    pub fn drained(&mut self) {
        self.queued = self.socket.is_none();
    }

    /// Sends what the replica has not got, up to about `most` bytes. False when the rest is the feeder's.
    fn send(&mut self, primary: &mut Primary, most: usize, stats: &Stats) -> bool {
        let Some(socket) = &self.socket else { return self.at == primary.offset() };
        if self.queued {
            return true;
        }
        let mut left = most;
        while left > 0 {
            let Some(backlog) = known(primary, self.link).filter(|_| self.at < primary.offset()) else {
                return true;
            };
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut used = 0;
            for (place, bytes) in slices.iter_mut().zip(backlog.slice_from(self.at)) {
                *place = IoSlice::new(bytes);
                used += 1;
            }
            match socket.send_now(&slices[..used]) {
                Ok(taken) => {
                    self.at += taken as u64;
                    left = left.saturating_sub(taken);
                    session::bump(&self.info.bytes_out, taken as u64);
                    stats.add_from_anywhere(Counter::BytesToReplicas, taken as u64);
                    primary.sent(self.link, taken as u64);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // It is full, or lost, which the feeder learns from its event loop.
                Err(_) => {
                    self.queued = true;
                    return false;
                }
            }
        }
        self.at == primary.offset()
    }
}

/// The backlog that a link's stream comes from, as long as the core knows the link.
pub(crate) fn known(primary: &Primary, link: u64) -> Option<&replication::Backlog> {
    primary.reader(link).and(primary.backlog())
}

impl Fed {
    /// Sends to all replicas whose sockets take it, up to about `most` bytes each. False when the feeder has to go on.
    pub(crate) fn send(&mut self, most: usize, stats: &Stats) -> bool {
        let Fed { primary, outlets, .. } = self;
        let refusals =
            outlets.iter_mut().filter_map(|outlet| (!outlet.send(primary, most, stats)).then_some(()));
        refusals.count() == 0
    }

    /// The outlet of a link that gets the stream.
    pub(crate) fn outlet(&mut self, link: u64) -> Option<&mut Outlet> {
        self.outlets.iter_mut().find(|outlet| outlet.link == link)
    }
}

impl Replicas {
    /// Sends what workers have written, if it is much.
    pub fn send_much(&self) {
        if self.stream.gathered() >= MUCH_BYTES {
            self.send();
        }
    }

    /// Sends what workers have written. It waits for nobody: who is sending already looks again, and where the primary is
    /// taken the feeder is woken.
    pub fn send(&self) {
        let stream = &self.stream;
        if stream.gathered() == 0 || !self.sending.begin() {
            return;
        }
        let mut is_done = true;
        for round in 1.. {
            let was_full = stream.is_full();
            is_done &= round <= ROUNDS
                && self.primary.try_lock().is_some_and(|mut fed| {
                    fed.pump(stream);
                    let is_sent = fed.send(TURN_BYTES, &self.stats);
                    fed.note_beyond_backlog(stream);
                    is_sent
                });
            if was_full {
                self.look();
            }
            if !self.sending.end() {
                break;
            }
        }
        if !is_done {
            self.feeder.wake();
        }
    }
}
