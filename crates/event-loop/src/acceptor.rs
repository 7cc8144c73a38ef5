//! One thread that accepts connections from all listeners and hands them out.
//!
//! One acceptor that deals connections out in turn loads the workers evenly; with a listener per worker, one worker got up to three
//! quarters of the connections. The thread sleeps in poll(2). Listeners come and go while it runs:
//!
//! ```text
//!   add, remove ── wanted listeners, version ──▶ signal ──▶ thread: poll ─▶ accept what is still wanted
//!        ▲                                                    │
//!        └────────────── seen version ◀───────────────────────┘
//! ```
//! **Invariant:** once [`Acceptor::remove`] has returned, no connection of that listener is handed out any more, and the
//! thread has let go of its descriptor. Connections that wait in the listener's backlog stay there: another handle of
//! the same socket, in this process or another, takes them.

use crate::net::{self, Listener};
use crate::poller::Signal;
use crate::transport::Transport;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Out of descriptors or memory, accepting would fail in a tight loop: that listener is left alone for this long.
const BACK_OFF_MS: i32 = 100;

/// Where a connection comes from and by which listener.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The client's address; `None` for a Unix socket.
    pub address: Option<SocketAddr>,
    /// The listener's address as this connection sees it; `None` for a Unix socket.
    pub local: Option<SocketAddr>,
    /// The listener's path, for a Unix socket.
    pub unix_path: Option<PathBuf>,
    /// The number under which the listener was added.
    pub listener: usize,
}

impl Peer {
    /// `addr` of `CLIENT LIST`.
    pub fn address_text(&self) -> String {
        net::address_text(self.address, self.unix_path.as_deref())
    }

    /// `laddr` of `CLIENT LIST`.
    pub fn local_text(&self) -> String {
        net::address_text(self.local, self.unix_path.as_deref())
    }
}

/// A listener of an [`Acceptor`], to remove it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerId(u64);

/// A running accept thread. Dropping it stops the thread and closes its listeners.
#[derive(Debug)]
pub struct Acceptor {
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and those who steer it share.
#[derive(Debug)]
struct Control {
    signal: Signal,
    wanted: Mutex<Wanted>,
    /// The thread has seen a version, or is over.
    seen: Condvar,
}

#[derive(Debug, Default)]
struct Wanted {
    listeners: Vec<(ListenerId, usize, Arc<Listener>)>,
    next_id: u64,
    version: u64,
    seen: u64,
    stop: bool,
    over: bool,
}

impl Control {
    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever waits for the thread must not do so for ever when it panics.
struct Over(Arc<Control>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.wanted().over = true;
        self.0.seen.notify_all();
    }
}

impl Acceptor {
    /// Starts the thread with listeners that are numbered in their order; `accepted` is called on it for every connection,
    /// with TCP_NODELAY already set.
    ///
    /// # Errors
    /// When the system refuses the thread or a listener.
    pub fn start(
        listeners: Vec<Listener>,
        accepted: impl FnMut(Transport, Peer) + Send + 'static,
    ) -> io::Result<Acceptor> {
        let control =
            Arc::new(Control { signal: Signal::new()?, wanted: Mutex::default(), seen: Condvar::new() });
        let over = Over(Arc::clone(&control));
        let thread =
            std::thread::Builder::new().name("acceptor".into()).spawn(move || run(&over.0, accepted))?;
        let acceptor = Acceptor { control, thread: Some(thread) };
        for (number, listener) in listeners.into_iter().enumerate() {
            acceptor.add(listener, number)?;
        }
        Ok(acceptor)
    }

    /// Accepts from this listener too; its connections carry the number.
    ///
    /// # Errors
    /// When the listener cannot be made nonblocking.
    pub fn add(&self, listener: Listener, number: usize) -> io::Result<ListenerId> {
        listener.socket().set_nonblocking(true)?;
        let mut wanted = self.control.wanted();
        let id = ListenerId(wanted.next_id);
        wanted.next_id += 1;
        wanted.version += 1;
        wanted.listeners.push((id, number, Arc::new(listener)));
        drop(wanted);
        self.control.signal.raise();
        Ok(id)
    }

    /// Accepts nothing more from a listener, and closes its descriptor. Not to be called by `accepted`.
    pub fn remove(&self, id: ListenerId) {
        let mut wanted = self.control.wanted();
        wanted.listeners.retain(|(known, ..)| *known != id);
        wanted.version += 1;
        let version = wanted.version;
        self.control.signal.raise();
        while wanted.seen < version && !wanted.over {
            wanted = self.control.seen.wait(wanted).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Stops accepting, waits for the thread and closes the listeners. A panic of the closure goes on here.
    pub fn stop(mut self) {
        self.ask_to_stop();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
    }

    fn ask_to_stop(&self) {
        let mut wanted = self.control.wanted();
        wanted.stop = true;
        wanted.listeners.clear();
        drop(wanted);
        self.control.signal.raise();
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.ask_to_stop();
            // A panic of the thread has been reported by the panic hook; a second one here would abort.
            let _ = thread.join();
        }
    }
}

fn run(control: &Control, mut accepted: impl FnMut(Transport, Peer)) {
    let watch = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut watched = vec![watch(control.signal.as_raw_fd())];
    let mut listeners: Vec<(ListenerId, usize, Arc<Listener>)> = Vec::new();
    let mut version = 0;
    // A wait that was refused, and listeners that were: they are asked again after a while.
    let (mut back_off, mut rest) = (false, false);
    loop {
        // A refused wait needs memory, so only the signal counts.
        let fds = if back_off { &mut watched[..1] } else { &mut watched[..] };
        let waited = net::wait_readable(fds, if back_off || rest { BACK_OFF_MS } else { -1 });
        if std::mem::take(&mut rest) {
            // Listeners that have rested.
            for (watched, (.., listener)) in watched[1..].iter_mut().zip(&listeners) {
                watched.fd = listener.socket().as_raw_fd();
            }
        }
        if std::mem::take(&mut watched[0].revents) != 0 {
            control.signal.drain();
        }
        // An interrupted or refused wait says nothing about readiness.
        back_off = matches!(&waited, Err(error) if error.kind() != io::ErrorKind::Interrupted);
        // Held while accepting: what is removed meanwhile is removed after it.
        let mut wanted = control.wanted();
        if wanted.stop {
            return;
        }
        if waited.is_ok() {
            for (at, (id, number, listener)) in listeners.iter().enumerate() {
                if std::mem::take(&mut watched[at + 1].revents) != 0
                    && wanted.listeners.iter().any(|(known, ..)| known == id)
                    && accept_one(*number, listener, &mut accepted).is_err()
                {
                    // poll(2) passes over a negative descriptor.
                    watched[at + 1].fd = -1;
                    rest = true;
                }
            }
        }
        if wanted.version != version {
            version = wanted.version;
            listeners.clone_from(&wanted.listeners);
            watched.truncate(1);
            watched.extend(listeners.iter().map(|(_, _, listener)| watch(listener.socket().as_raw_fd())));
        }
        wanted.seen = version;
        control.seen.notify_all();
    }
}

/// Accepts one connection; an error is one that calls for backing off.
fn accept_one(
    index: usize,
    listener: &Listener,
    accepted: &mut impl FnMut(Transport, Peer),
) -> io::Result<()> {
    let (socket, address) = match listener.socket().accept() {
        Ok(accepted) => accepted,
        Err(error) => {
            // These concern one connection, which is gone, or none. Anything else may come again at once: no descriptors or
            // memory are left, or the listener was shut down.
            use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, WouldBlock};
            let passing = [ConnectionAborted, ConnectionReset, Interrupted, WouldBlock];
            return if passing.contains(&error.kind()) { Ok(()) } else { Err(error) };
        }
    };
    let unix_path = net::unix_path(listener.socket());
    let local = socket.local_addr().ok().and_then(|local| local.as_socket());
    let transport = Transport::accepted(socket.into(), local.is_some());
    // Without the option the connection works, only slower.
    let _ = transport.set_nodelay(true);
    accepted(transport, Peer { address: address.as_socket(), local, unix_path, listener: index });
    Ok(())
}
