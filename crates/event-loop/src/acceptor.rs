//! One thread that accepts connections from all listeners and hands them out.
//!
//! One acceptor dealing connections round is even; listeners of each worker's own left one worker with up to three
//! quarters of them. The thread sleeps in poll(2); stopping it closes the listeners.

use crate::net::{self, Listener};
use crate::poller::Signal;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Out of descriptors or memory, accepting would fail in a tight loop: the thread waits this long, or for its stop.
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
    /// Which of the listeners accepted it, in the order they were given.
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

/// A running accept thread. Dropping it stops the thread and closes its listeners.
#[derive(Debug)]
pub struct Acceptor {
    stop: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

impl Acceptor {
    /// Starts the thread; `accepted` is called on it for every connection, with TCP_NODELAY already set.
    pub fn start(
        listeners: Vec<Listener>,
        accepted: impl FnMut(OwnedFd, Peer) + Send + 'static,
    ) -> io::Result<Acceptor> {
        for listener in &listeners {
            listener.socket().set_nonblocking(true)?;
        }
        let stop = Arc::new(Signal::new()?);
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("acceptor".into())
            .spawn(move || run(&listeners, &stopped, accepted))?;
        Ok(Acceptor { stop, thread: Some(thread) })
    }

    /// Stops accepting, waits for the thread and closes the listeners. A panic of the closure goes on here.
    pub fn stop(mut self) {
        self.stop.raise();
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        self.stop.raise();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by the panic hook; a second one here would abort.
            let _ = thread.join();
        }
    }
}

fn run(listeners: &[Listener], stop: &Signal, mut accepted: impl FnMut(OwnedFd, Peer)) {
    let watch = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut watched = vec![watch(stop.as_raw_fd())];
    watched.extend(listeners.iter().map(|listener| watch(listener.socket().as_raw_fd())));
    let mut back_off = false;
    loop {
        // While backing off only the stop counts.
        let (fds, timeout_ms) =
            if back_off { (&mut watched[..1], BACK_OFF_MS) } else { (&mut watched[..], -1) };
        let waited = net::wait_readable(fds, timeout_ms);
        if watched[0].revents != 0 {
            return;
        }
        // An interrupted or refused wait says nothing about readiness.
        back_off = matches!(&waited, Err(error) if error.kind() != io::ErrorKind::Interrupted);
        if waited.is_err() {
            continue;
        }
        for (index, listener) in listeners.iter().enumerate() {
            if std::mem::take(&mut watched[index + 1].revents) != 0 {
                back_off |= accept_one(index, listener, &mut accepted).is_err();
            }
        }
    }
}

/// Accepts one connection; an error is one that calls for backing off.
fn accept_one(index: usize, listener: &Listener, accepted: &mut impl FnMut(OwnedFd, Peer)) -> io::Result<()> {
    let (socket, address) = match listener.socket().accept() {
        Ok(accepted) => accepted,
        Err(error) => {
            // Out of descriptors or memory; anything else concerns this one connection, which is gone.
            let exhausted = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EINVAL];
            let lasting = error.raw_os_error().is_some_and(|code| exhausted.contains(&code));
            return if lasting { Err(error) } else { Ok(()) };
        }
    };
    let unix_path = net::unix_path(listener.socket());
    let local = socket.local_addr().ok().and_then(|local| local.as_socket());
    let fd = OwnedFd::from(socket);
    if local.is_some() {
        // Without the option the connection works, only slower.
        let _ = net::set_nodelay(&fd);
    }
    accepted(fd, Peer { address: address.as_socket(), local, unix_path, listener: index });
    Ok(())
}
