//! The connections of the private socket that are open.

use std::collections::HashMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// The agent holds two, and a person may look too.
pub(super) const MAX_CONNECTIONS: usize = 8;

/// The connections that are open.
#[derive(Debug, Default)]
pub(crate) struct Connections(Mutex<Open>);

#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) next: u64,
    /// A second handle of each, to end it by.
    pub(super) streams: HashMap<u64, UnixStream>,
    pub(super) threads: Vec<JoinHandle<()>>,
    pub(super) closed: bool,
}

impl Connections {
    pub(super) fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all of them and waits for their threads.
    pub(crate) fn end(&self) {
        let threads = {
            let mut open = self.open();
            open.closed = true;
            for stream in open.streams.values() {
                // One that is closed already is what is wanted.
                let _ = stream.shutdown(Shutdown::Both);
            }
            std::mem::take(&mut open.threads)
        };
        for thread in threads {
            // A panic in one ends the process.
            let _ = thread.join();
        }
    }
}
