//! The process of a node: whether it has ended, and how it is killed.
//!
//! On Linux it is held by its pidfd, which names it and no other process even after it has ended (`pidfd`). Elsewhere a thread looks at
//! it fifty times a second (`watched`). A child is as safe there, since its pid stays its own until a look takes its exit status; but
//! the pid of a process that an earlier control plane started may become another process's between two looks.

#[cfg(target_os = "linux")]
mod pidfd;
#[cfg(any(not(target_os = "linux"), test))]
mod watched;

#[cfg(target_os = "linux")]
use self::pidfd::Handle;
#[cfg(not(target_os = "linux"))]
use self::watched::Handle;
use crate::threads::{self, Thread};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Pid;
use std::io;
use std::os::fd::BorrowedFd;

/// How a process has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// It was somebody else's child, whom the system tells.
    Unknown,
}

impl Exit {
    fn of(status: Option<i32>, signal: Option<i32>) -> Exit {
        status.map(Exit::Status).or(signal.map(Exit::Signal)).unwrap_or(Exit::Unknown)
    }
}

#[derive(Debug)]
pub(crate) struct Process {
    pid: u32,
    handle: Handle,
}

impl Process {
    /// The process that has this pid now. The caller must know by something that is true afterwards that it is the one
    /// it means: a child that has not been waited for, a connection that is still open, a lock that is still held.
    pub(crate) fn open(pid: u32) -> io::Result<Process> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, format!("pid {pid}"));
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(invalid)?;
        Ok(Process { pid, handle: Handle::open(raw)? })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Readable once the process has ended.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// SIGKILL. That it has ended already is no failure.
    pub(crate) fn kill(&self) -> io::Result<()> {
        self.handle.kill()
    }

    /// It has ended and left nothing but its exit status.
    pub(crate) fn has_ended(&self) -> bool {
        is_readable(self.as_fd())
    }

    /// Its threads; none if it has ended.
    pub(crate) fn threads(&self) -> io::Result<Vec<Thread>> {
        let threads = threads::of(self.pid);
        // Only a process that still has its pid is what was looked at.
        if self.has_ended() { Ok(Vec::new()) } else { threads }
    }

    /// Takes the exit status of a child that has ended. A node that was started by an earlier control plane is
    /// somebody else's child.
    pub(crate) fn reap(&self) -> Exit {
        self.handle.reap()
    }
}

fn is_readable(descriptor: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
    matches!(poll(&mut polled, Some(&Timespec::default())), Ok(ready) if ready > 0)
}
