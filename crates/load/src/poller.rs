//! Which sockets are ready, with timeouts in nanoseconds.
//!
//! epoll where there is one. Its own timeout is in milliseconds, which would make requests of an open loop late, so the wait
//! is a ppoll of the epoll descriptor when nothing is ready at once.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A socket that is ready.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) key: usize,
    pub(crate) writable: bool,
}

fn timespec(timeout: Duration) -> Timespec {
    Timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: timeout.subsec_nanos().into() }
}

fn interrupted(result: rustix::io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(rustix::io::Errno::INTR) => Ok(0),
        other => Ok(other?),
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::Poller;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::Poller;

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use rustix::event::epoll;
    use std::os::fd::{AsFd, OwnedFd};

    /// Events of one turn.
    const EVENTS: usize = 256;

    pub(crate) struct Poller {
        epoll: OwnedFd,
        events: Vec<epoll::Event>,
    }

    impl Poller {
        pub(crate) fn new() -> io::Result<Poller> {
            let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
            Ok(Poller { epoll, events: Vec::with_capacity(EVENTS) })
        }

        /// Watches a socket for bytes to read.
        pub(crate) fn add(&mut self, socket: BorrowedFd<'_>, key: usize) -> io::Result<()> {
            epoll::add(&self.epoll, socket, epoll::EventData::new_u64(key as u64), epoll::EventFlags::IN)?;
            Ok(())
        }

        /// Watches a socket for room to write besides, or no more.
        pub(crate) fn set_writing(
            &mut self,
            socket: BorrowedFd<'_>,
            key: usize,
            writing: bool,
        ) -> io::Result<()> {
            let mut flags = epoll::EventFlags::IN;
            flags.set(epoll::EventFlags::OUT, writing);
            epoll::modify(&self.epoll, socket, epoll::EventData::new_u64(key as u64), flags)?;
            Ok(())
        }

        /// Forgets a socket.
        pub(crate) fn remove(&mut self, socket: BorrowedFd<'_>, _: usize) -> io::Result<()> {
            epoll::delete(&self.epoll, socket)?;
            Ok(())
        }

        /// Waits until a socket is ready or the time is over.
        pub(crate) fn wait(&mut self, timeout: Duration, ready: &mut Vec<Ready>) -> io::Result<()> {
            if self.look(ready)? == 0 && !timeout.is_zero() {
                let mut fds = [PollFd::from_borrowed_fd(self.epoll.as_fd(), PollFlags::IN)];
                if interrupted(poll(&mut fds, Some(&timespec(timeout))))? > 0 {
                    self.look(ready)?;
                }
            }
            Ok(())
        }

        fn look(&mut self, ready: &mut Vec<Ready>) -> io::Result<usize> {
            self.events.clear();
            let room = rustix::buffer::spare_capacity(&mut self.events);
            let count = interrupted(epoll::wait(&self.epoll, room, Some(&timespec(Duration::ZERO))))?;
            ready.extend(self.events.iter().map(|&epoll::Event { flags, data }| Ready {
                key: data.u64() as usize,
                writable: flags.contains(epoll::EventFlags::OUT),
            }));
            Ok(count)
        }
    }
}

/// poll(2) over all sockets, at a cost that grows with them.
#[cfg(any(test, not(target_os = "linux")))]
mod portable {
    use super::*;
    use std::os::fd::{AsRawFd, OwnedFd};

    #[derive(Debug)]
    struct Watched {
        /// A duplicate, which lives as long as it is watched.
        socket: OwnedFd,
        original: i32,
        key: usize,
        writing: bool,
    }

    #[derive(Debug)]
    pub(crate) struct Poller {
        watched: Vec<Watched>,
    }

    impl Poller {
        pub(crate) fn new() -> io::Result<Poller> {
            Ok(Poller { watched: Vec::new() })
        }

        pub(crate) fn add(&mut self, socket: BorrowedFd<'_>, key: usize) -> io::Result<()> {
            let original = socket.as_raw_fd();
            self.watched.push(Watched {
                socket: socket.try_clone_to_owned()?,
                original,
                key,
                writing: false,
            });
            Ok(())
        }

        pub(crate) fn set_writing(
            &mut self,
            socket: BorrowedFd<'_>,
            _: usize,
            writing: bool,
        ) -> io::Result<()> {
            let mut those = self.watched.iter_mut().filter(|watched| watched.original == socket.as_raw_fd());
            those.next().ok_or(io::ErrorKind::NotFound)?.writing = writing;
            Ok(())
        }

        pub(crate) fn remove(&mut self, socket: BorrowedFd<'_>, _: usize) -> io::Result<()> {
            self.watched.retain(|watched| watched.original != socket.as_raw_fd());
            Ok(())
        }

        pub(crate) fn wait(&mut self, timeout: Duration, ready: &mut Vec<Ready>) -> io::Result<()> {
            let interest = |watched: &Watched| match watched.writing {
                true => PollFlags::IN | PollFlags::OUT,
                false => PollFlags::IN,
            };
            let mut fds: Vec<PollFd<'_>> =
                self.watched.iter().map(|watched| PollFd::new(&watched.socket, interest(watched))).collect();
            interrupted(poll(&mut fds, Some(&timespec(timeout))))?;
            for (fd, watched) in fds.iter().zip(&self.watched) {
                if !fd.revents().is_empty() {
                    let writable = fd.revents().contains(PollFlags::OUT);
                    ready.push(Ready { key: watched.key, writable });
                }
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    macro_rules! tests_of {
        ($name:ident, $poller:ty) => {
            #[test]
            fn $name() {
                let mut poller = <$poller>::new().expect("a poller");
                let (mut far, near) = UnixStream::pair().expect("sockets");
                poller.add(near.as_fd(), 7).expect("added");
                let wait = |poller: &mut $poller| {
                    let mut ready = Vec::new();
                    poller.wait(Duration::from_micros(1), &mut ready).expect("it waits");
                    ready.iter().map(|ready| (ready.key, ready.writable)).collect::<Vec<_>>()
                };
                assert_eq!(wait(&mut poller), []);
                far.write_all(b"x").expect("written");
                assert_eq!(wait(&mut poller), [(7, false)]);
                poller.set_writing(near.as_fd(), 7, true).expect("changed");
                assert_eq!(wait(&mut poller), [(7, true)]);
                poller.set_writing(near.as_fd(), 7, false).expect("changed");
                assert_eq!(wait(&mut poller), [(7, false)]);
                poller.remove(near.as_fd(), 7).expect("removed");
                assert_eq!(wait(&mut poller), []);
            }
        };
    }

    tests_of!(sockets_are_reported_as_they_are_watched, Poller);
    tests_of!(and_so_by_poll, portable::Poller);
}
