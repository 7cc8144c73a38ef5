//! The connections of the private socket that are open.

use std::collections::HashMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The agent holds three, and a person may look too.
pub(super) const MAX_CONNECTIONS: usize = 8;

/// How long an answer may be on its way while the node ends: somebody may not read.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The connections that are open.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<Open>,
    /// One of them has ended.
    left: Condvar,
}

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
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One has ended.
    pub(super) fn leave(&self, number: u64) {
        self.open().streams.remove(&number);
        self.left.notify_all();
    }

    /// Ends all of them and waits for their threads. What was asked before is answered, above all the request to end.
    pub(crate) fn end(&self) {
        let threads = {
            let mut open = self.open();
            open.closed = true;
            for stream in open.streams.values() {
                // One that is closed already is what is wanted.
                let _ = stream.shutdown(Shutdown::Read);
            }
            let answers = |open: &mut Open| !open.streams.is_empty();
            let waited = self.left.wait_timeout_while(open, LAST_WORDS, answers);
            let (mut open, _) = waited.unwrap_or_else(PoisonError::into_inner);
            for stream in open.streams.values() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::sync::Arc;

    #[test]
    fn an_answer_that_is_due_is_sent_before_the_end() {
        let connections = Arc::new(Connections::default());
        let (mut agent, mut stream) = UnixStream::pair().unwrap();
        let (node, second) = (connections.clone(), stream.try_clone().unwrap());
        let answers = move || {
            // The end has begun once nothing can be read any more.
            assert_eq!(stream.read(&mut [0]).unwrap(), 0);
            stream.write_all(b"done").unwrap();
            drop(stream);
            node.leave(0);
        };
        let mut open = connections.open();
        open.streams.insert(0, second);
        open.threads.push(std::thread::spawn(answers));
        drop(open);
        connections.end();
        let mut heard = String::new();
        agent.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "done");
    }

    #[test]
    fn who_does_not_read_does_not_keep_the_node() {
        let connections = Arc::new(Connections::default());
        let (_agent, mut stream) = UnixStream::pair().unwrap();
        let mut open = connections.open();
        open.streams.insert(0, stream.try_clone().unwrap());
        let node = connections.clone();
        open.threads.push(std::thread::spawn(move || {
            while stream.write_all(&[0; 4096]).is_ok() {}
            node.leave(0);
        }));
        drop(open);
        connections.end();
    }
}
