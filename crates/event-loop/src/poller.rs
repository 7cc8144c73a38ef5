//! Which sockets are ready: epoll or poll(2) behind one small surface, and the descriptor that ends a wait.

use std::io;
#[cfg(target_os = "linux")]
use std::os::fd::FromRawFd;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// What a socket is watched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

impl Interest {
    fn any(self) -> bool {
        self.read || self.write
    }
}

/// A socket that is ready, under the key it was registered with. An error or hang-up counts as both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub(crate) key: u64,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

#[derive(Debug)]
pub(crate) enum Poller {
    #[cfg(target_os = "linux")]
    Epoll(Epoll),
    Poll(Poll),
}

impl Poller {
    #[cfg(target_os = "linux")]
    pub(crate) fn epoll(events_per_turn: usize) -> io::Result<Poller> {
        // SAFETY: the call touches no memory.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor is new and belongs to nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Poller::Epoll(Epoll {
            fd,
            events: vec![libc::epoll_event { events: 0, u64: 0 }; events_per_turn],
        }))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn epoll(_events_per_turn: usize) -> io::Result<Poller> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn poll(events_per_turn: usize) -> Poller {
        Poller::Poll(Poll { watched: Vec::new(), keys: Vec::new(), next: 0, events_per_turn })
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            #[cfg(target_os = "linux")]
            Poller::Epoll(_) => "epoll",
            Poller::Poll(_) => "poll",
        }
    }

    /// Changes what `fd` is watched for. A socket watched for nothing is not in the set at all: the system reports
    /// hang-ups of everything that is, over and over.
    pub(crate) fn set(&mut self, fd: RawFd, key: u64, old: Interest, new: Interest) -> io::Result<()> {
        if old == new {
            return Ok(());
        }
        match self {
            #[cfg(target_os = "linux")]
            Poller::Epoll(epoll) => epoll.set(fd, key, old, new),
            Poller::Poll(poll) => {
                poll.set(fd, key, new);
                Ok(())
            }
        }
    }

    /// Waits until something is ready or the timeout is over and appends a bounded number of ready sockets.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        let timeout_ms = timeout
            .map_or(-1, |timeout| i32::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(i32::MAX));
        let result = match self {
            #[cfg(target_os = "linux")]
            Poller::Epoll(epoll) => epoll.wait(timeout_ms, ready),
            Poller::Poll(poll) => poll.wait(timeout_ms, ready),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }
}

#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(crate) struct Epoll {
    fd: OwnedFd,
    events: Vec<libc::epoll_event>,
}

#[cfg(target_os = "linux")]
impl Epoll {
    fn set(&mut self, fd: RawFd, key: u64, old: Interest, new: Interest) -> io::Result<()> {
        let operation = match (old.any(), new.any()) {
            (false, _) => libc::EPOLL_CTL_ADD,
            (true, true) => libc::EPOLL_CTL_MOD,
            (true, false) => libc::EPOLL_CTL_DEL,
        };
        let read = if new.read { libc::EPOLLIN } else { 0 };
        let write = if new.write { libc::EPOLLOUT } else { 0 };
        let mut event = libc::epoll_event { events: (read | write) as u32, u64: key };
        // SAFETY: `event` is alive during the call, which only reads it.
        check(unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), operation, fd, &mut event) })?;
        Ok(())
    }

    fn wait(&mut self, timeout_ms: i32, ready: &mut Vec<Ready>) -> io::Result<()> {
        let room = i32::try_from(self.events.len()).unwrap_or(i32::MAX);
        // SAFETY: the kernel writes at most `room` entries, which the vector has.
        let count = check(unsafe {
            libc::epoll_wait(self.fd.as_raw_fd(), self.events.as_mut_ptr(), room, timeout_ms)
        })?;
        let failed = libc::EPOLLERR | libc::EPOLLHUP;
        ready.extend(self.events[..count as usize].iter().map(|event| Ready {
            key: event.u64,
            readable: event.events & (libc::EPOLLIN | failed) as u32 != 0,
            writable: event.events & (libc::EPOLLOUT | failed) as u32 != 0,
        }));
        Ok(())
    }
}

/// poll(2) over all sockets, at a cost that grows with them. Each wait goes on behind the last socket it reported, so
/// the bound on events a turn starves nobody.
#[derive(Debug)]
pub(crate) struct Poll {
    watched: Vec<libc::pollfd>,
    keys: Vec<u64>,
    next: usize,
    events_per_turn: usize,
}

impl Poll {
    fn set(&mut self, fd: RawFd, key: u64, new: Interest) {
        let at = self.watched.iter().position(|entry| entry.fd == fd);
        let read = if new.read { libc::POLLIN } else { 0 };
        let write = if new.write { libc::POLLOUT } else { 0 };
        let entry = libc::pollfd { fd, events: read | write, revents: 0 };
        match at {
            Some(at) if new.any() => (self.watched[at], self.keys[at]) = (entry, key),
            Some(at) => {
                self.watched.swap_remove(at);
                self.keys.swap_remove(at);
            }
            None if new.any() => {
                self.watched.push(entry);
                self.keys.push(key);
            }
            None => {}
        }
    }

    fn wait(&mut self, timeout_ms: i32, ready: &mut Vec<Ready>) -> io::Result<()> {
        // SAFETY: the kernel writes `revents` of as many entries as the vector has.
        check(unsafe {
            libc::poll(self.watched.as_mut_ptr(), self.watched.len() as libc::nfds_t, timeout_ms)
        })?;
        let failed = libc::POLLERR | libc::POLLHUP | libc::POLLNVAL;
        let (count, start) = (self.watched.len(), self.next);
        for step in 0..count {
            let at = (start + step) % count;
            let revents = self.watched[at].revents;
            if revents == 0 {
                continue;
            }
            if ready.len() == self.events_per_turn {
                break;
            }
            self.next = at + 1;
            ready.push(Ready {
                key: self.keys[at],
                readable: revents & (libc::POLLIN | failed) != 0,
                writable: revents & (libc::POLLOUT | failed) != 0,
            });
        }
        Ok(())
    }
}

/// A descriptor that any thread makes readable: an eventfd, or a pipe where there is none.
#[derive(Debug)]
pub(crate) struct Signal {
    read: OwnedFd,
    #[cfg(not(target_os = "linux"))]
    write: OwnedFd,
}

impl Signal {
    #[cfg(target_os = "linux")]
    pub(crate) fn new() -> io::Result<Signal> {
        // SAFETY: the call touches no memory.
        let fd = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the descriptor is new and belongs to nobody else.
        Ok(Signal { read: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn new() -> io::Result<Signal> {
        let (read, write) = io::pipe()?;
        let (read, write) = (OwnedFd::from(read), OwnedFd::from(write));
        crate::net::set_nonblocking(&read, true)?;
        crate::net::set_nonblocking(&write, true)?;
        Ok(Signal { read, write })
    }

    /// Makes it readable. Fails only when it is readable already, so the result does not matter.
    pub(crate) fn raise(&self) {
        #[cfg(target_os = "linux")]
        let fd = &self.read;
        #[cfg(not(target_os = "linux"))]
        let fd = &self.write;
        let one = 1u64.to_ne_bytes();
        // SAFETY: the buffer has eight bytes and the call only reads them.
        unsafe { libc::write(fd.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Makes it unreadable.
    pub(crate) fn drain(&self) {
        let mut bytes = [0u8; 64];
        // SAFETY: the buffer has as many bytes as the call may write. One read empties an eventfd; a pipe that holds
        // more makes the next wait return at once, and is read again.
        unsafe { libc::read(self.read.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len()) };
    }
}

impl AsRawFd for Signal {
    fn as_raw_fd(&self) -> RawFd {
        self.read.as_raw_fd()
    }
}

/// A system call's result, with `errno` when it is negative.
pub(crate) fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
