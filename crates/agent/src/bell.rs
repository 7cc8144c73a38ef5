//! Wakes a keeper: an eventfd, or a pair of sockets where the system has none.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[derive(Debug)]
pub(crate) struct Bell {
    heard: OwnedFd,
    #[cfg(not(target_os = "linux"))]
    rung: OwnedFd,
}

impl Bell {
    #[cfg(target_os = "linux")]
    pub(crate) fn new() -> io::Result<Bell> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(Bell { heard: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)? })
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn new() -> io::Result<Bell> {
        let (heard, rung) = std::os::unix::net::UnixStream::pair()?;
        heard.set_nonblocking(true)?;
        rung.set_nonblocking(true)?;
        Ok(Bell { heard: heard.into(), rung: rung.into() })
    }

    /// Makes it readable. It fails only when it is full, and then it is readable.
    pub(crate) fn ring(&self) {
        #[cfg(target_os = "linux")]
        let rung = &self.heard;
        #[cfg(not(target_os = "linux"))]
        let rung = &self.rung;
        let _ = rustix::io::write(rung, &1u64.to_ne_bytes());
    }

    /// Makes it silent. A pair of sockets that holds more rings once more, which costs a turn.
    pub(crate) fn silence(&self) {
        let mut rings = [0; 64];
        let _ = rustix::io::read(&self.heard, &mut rings);
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.heard.as_fd()
    }
}
