//! A process by its pidfd, which names it and no other even after it has ended.

use crate::threads::{self, Thread};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[derive(Debug)]
pub(crate) struct Process {
    pid: u32,
    pidfd: OwnedFd,
}

impl Process {
    /// The process that has this pid now. The caller must know by something that is true afterwards that it is the one
    /// it means: a child that has not been waited for, a connection that is still open, a lock that is still held.
    pub(crate) fn open(pid: u32) -> io::Result<Process> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, format!("pid {pid}"));
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(invalid)?;
        Ok(Process { pid, pidfd: pidfd_open(raw, PidfdFlags::empty())? })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Readable once the process has ended.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// SIGKILL. That it has ended already is no failure.
    pub(crate) fn kill(&self) -> io::Result<()> {
        match pidfd_send_signal(&self.pidfd, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// It has ended and left nothing but its exit status.
    pub(crate) fn has_ended(&self) -> bool {
        let mut polled = [PollFd::new(&self.pidfd, PollFlags::IN)];
        matches!(poll(&mut polled, Some(&Timespec::default())), Ok(ready) if ready > 0)
    }

    /// Its threads; none if it has ended.
    pub(crate) fn threads(&self) -> io::Result<Vec<Thread>> {
        let threads = threads::of(self.pid);
        // Only a process that still has its pid is what was looked at.
        if self.has_ended() { Ok(Vec::new()) } else { threads }
    }

    /// Takes the exit status of a child that has ended. A node that was started by an earlier control plane is
    /// somebody else's child.
    pub(crate) fn reap(&self) {
        let _ = waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}
