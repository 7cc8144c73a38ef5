//! A process that a thread watches, where the system has no pidfds.
//!
//! ```text
//!   Handle ── socket ◀── closed at the end ── watcher: wait4(pid, WNOHANG) of a child, else kill(pid, 0)
//!      └───── closed when dropped ──▶ ends
//! ```
//! The exit status of a child is taken by the look that finds it, under the lock that a kill takes too. So a pid is sent a
//! signal only while it is known to be the child's.

use super::Exit;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, test_kill_process, waitpid};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Between looks: a small part of the time in which a failover is to be over, at a cost that a few nodes do not show.
const PERIOD: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// The watcher calls nothing that needs more.
const STACK_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Handle {
    watched: Arc<Watched>,
    /// Its other side is the watcher's.
    socket: UnixStream,
}

#[derive(Debug)]
struct Watched {
    pid: Pid,
    ended: Mutex<Option<Exit>>,
}

impl Handle {
    /// # Errors
    /// When there is no such process, or neither a socket nor a thread to be had.
    pub(super) fn open(pid: Pid) -> io::Result<Handle> {
        let watched = Arc::new(Watched { pid, ended: Mutex::new(look(pid)?) });
        let (socket, theirs) = UnixStream::pair()?;
        let watcher = watched.clone();
        thread::Builder::new()
            .name(format!("watch-{}", pid.as_raw_nonzero()))
            .stack_size(STACK_BYTES)
            .spawn(move || watcher.watch(&theirs))?;
        Ok(Handle { watched, socket })
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(super) fn kill(&self) -> io::Result<()> {
        let ended = self.watched.lock();
        if ended.is_some() {
            return Ok(());
        }
        match kill_process(self.watched.pid, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The look that found the end has done it.
    pub(super) fn reap(&self) -> Exit {
        self.watched.lock().unwrap_or(Exit::Unknown)
    }
}

impl Watched {
    /// Until the process has ended or nobody wants to know.
    fn watch(&self, socket: &UnixStream) {
        while !self.look() {
            let mut polled = [PollFd::new(socket, PollFlags::IN)];
            if matches!(poll(&mut polled, Some(&PERIOD)), Ok(ready) if ready > 0) {
                return;
            }
        }
    }

    /// True if it has ended.
    fn look(&self) -> bool {
        let mut ended = self.lock();
        if ended.is_none() {
            *ended = match look(self.pid) {
                Ok(exit) => exit,
                Err(Errno::SRCH) => Some(Exit::Unknown),
                Err(_) => None,
            };
        }
        ended.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Exit>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How it has ended, if it was a child that has. An error if there is no such process.
fn look(pid: Pid) -> Result<Option<Exit>, Errno> {
    match waitpid(Some(pid), WaitOptions::NOHANG) {
        Ok(ended) => Ok(ended.map(|(_, status)| Exit::of(status.exit_status(), status.terminating_signal()))),
        Err(Errno::CHILD) => match test_kill_process(pid) {
            // One of another user is there, though no signal reaches it.
            Ok(()) | Err(Errno::PERM) => Ok(None),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::is_readable;
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    fn pid(text: &str) -> Pid {
        Pid::from_raw(text.trim().parse().unwrap()).unwrap()
    }

    #[track_caller]
    fn wait_for_the_end(handle: &Handle) {
        let limit = Timespec { tv_sec: 60, tv_nsec: 0 };
        let mut polled = [PollFd::from_borrowed_fd(handle.as_fd(), PollFlags::IN)];
        assert_eq!(poll(&mut polled, Some(&limit)), Ok(1), "its end is told");
    }

    #[test]
    fn a_child_is_killed_and_its_status_taken() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let handle = Handle::open(pid(&child.id().to_string())).unwrap();
        assert!(!is_readable(handle.as_fd()));
        handle.kill().unwrap();
        wait_for_the_end(&handle);
        assert!(is_readable(handle.as_fd()), "and stays told");
        assert_eq!(handle.reap(), Exit::Signal(9));
        assert!(child.wait().is_err(), "nothing is left of it");
        handle.kill().unwrap();
    }

    #[test]
    fn a_child_that_ends_by_itself_is_noticed() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let handle = Handle::open(pid(&child.id().to_string())).unwrap();
        assert!(!is_readable(handle.as_fd()));
        drop(child.stdin.take());
        wait_for_the_end(&handle);
        assert_eq!(handle.reap(), Exit::Status(0));
        assert!(child.wait().is_err(), "nothing is left of it");
    }

    #[test]
    fn a_child_that_has_ended_already_is_one_that_ends() {
        let mut child = Command::new("true").spawn().unwrap();
        let pid = pid(&child.id().to_string());
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
        let handle = Handle::open(pid).unwrap();
        handle.kill().unwrap();
        wait_for_the_end(&handle);
        assert!(child.wait().is_err(), "nothing is left of it");
    }

    #[test]
    fn the_child_of_somebody_else_is_killed_and_its_end_noticed() {
        let mut parent = Command::new("sh")
            .args(["-c", "sleep 600 >/dev/null & echo $!; wait"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let handle = Handle::open(pid(&line)).unwrap();
        assert!(!is_readable(handle.as_fd()));
        handle.kill().unwrap();
        wait_for_the_end(&handle);
        assert!(parent.wait().unwrap().success());
        assert!(Handle::open(pid(&line)).is_err(), "nobody has this pid");
    }

    #[test]
    fn the_watcher_ends_with_the_handle() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let handle = Handle::open(pid(&child.id().to_string())).unwrap();
        let watched = Arc::downgrade(&handle.watched);
        drop(handle);
        let until = Instant::now() + Duration::from_secs(60);
        while watched.strong_count() > 0 {
            assert!(Instant::now() < until, "it looks on");
            thread::yield_now();
        }
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success(), "its status was left to its parent");
    }
}
