//! One stream: what is said waits here for its writer.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, fstat};
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What waits for a reader that is only slow: a second of the busiest log.
const MAX_WAITING_BYTES: usize = 256 << 10;
/// The writer calls nothing that needs more.
const STACK_BYTES: usize = 64 << 10;

pub(crate) struct Sink<T> {
    shared: Arc<Shared<T>>,
    is_file: bool,
}

struct Shared<T> {
    target: T,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: String,
    /// What is lost if nobody takes what waits: its lines, and those whose loss it tells of.
    at_stake: u64,
    /// Lines that nobody took and that nothing tells of yet.
    lost: u64,
    /// The thread is there.
    started: bool,
    /// The thread is at a write.
    writing: bool,
}

impl<T: AsFd + Send + Sync + 'static> Sink<T> {
    pub(crate) fn new(target: T) -> Sink<T> {
        let is_file = fstat(target.as_fd()).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file());
        let shared = Shared { target, queue: Mutex::default(), changed: Condvar::new() };
        Sink { shared: Arc::new(shared), is_file }
    }

    pub(crate) fn say(&self, text: &str) {
        let mut queue = self.shared.lock();
        if self.is_file {
            // Under the lock, so that lines do not mix.
            self.shared.write(&mut queue, text);
        } else if (queue.started || self.start(&mut queue))
            && queue.waiting.len() + text.len() <= MAX_WAITING_BYTES
        {
            queue.confess();
            queue.waiting.push_str(text);
            queue.at_stake += lines(text);
            self.shared.changed.notify_all();
        } else {
            queue.lost += lines(text);
        }
    }

    /// Without a thread, what is said is lost; the next to say something tries again.
    fn start(&self, queue: &mut Queue) -> bool {
        let shared = self.shared.clone();
        let builder = std::thread::Builder::new().name("output".into()).stack_size(STACK_BYTES);
        queue.started = builder.spawn(move || shared.run()).is_ok();
        queue.started
    }

    pub(crate) fn drain(&self, limit: Duration) {
        let busy = |queue: &mut Queue| queue.writing || !queue.waiting.is_empty();
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), limit, busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl<T: AsFd> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread, which lives as long as the process.
    fn run(&self) {
        let mut queue = self.lock();
        loop {
            while queue.waiting.is_empty() {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            let text = std::mem::take(&mut queue.waiting);
            let at_stake = std::mem::take(&mut queue.at_stake);
            queue.writing = true;
            drop(queue);
            let outcome = write_all(&self.target, text.as_bytes());
            queue = self.lock();
            queue.writing = false;
            match outcome {
                Ok(()) if queue.waiting.is_empty() => queue.confess(),
                Ok(()) => {}
                Err(_) => queue.lost += at_stake,
            }
            self.changed.notify_all();
        }
    }

    fn write(&self, queue: &mut Queue, text: &str) {
        if queue.lost > 0 && write_all(&self.target, loss(queue.lost).as_bytes()).is_ok() {
            queue.lost = 0;
        }
        if write_all(&self.target, text.as_bytes()).is_err() {
            queue.lost += lines(text);
        }
    }
}

impl Queue {
    /// Says what was lost before, in its place.
    fn confess(&mut self) {
        if self.lost > 0 {
            self.waiting.push_str(&loss(self.lost));
            self.at_stake += std::mem::take(&mut self.lost);
        }
    }
}

fn loss(lost: u64) -> String {
    let lines = if lost == 1 { "1 line".to_owned() } else { format!("{lost} lines") };
    format!("({lines} of output lost here)\n")
}

fn lines(text: &str) -> u64 {
    text.lines().count() as u64
}

/// Writes everything, waiting if the other side takes nothing at the moment: also where another process has made the
/// stream nonblocking for all who share it.
pub(crate) fn write_all(target: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&target, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                // Its failure shows at the next write.
                let _ = poll(&mut [PollFd::new(&target, PollFlags::OUT)], None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, OpenOptions};
    use std::io::{PipeReader, Read, pipe};

    /// Longer than anything here takes on the slowest machine: whoever waits so long waits for ever.
    const LONG: Duration = Duration::from_secs(60);

    fn read(reader: &mut PipeReader, bytes: usize) -> String {
        let mut text = vec![0; bytes];
        reader.read_exact(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn a_reader_gets_lines_in_their_order() {
        let (mut reader, writer) = pipe().unwrap();
        let sink = Sink::new(writer);
        sink.say("a\n");
        sink.say("b\nc\n");
        assert_eq!(read(&mut reader, 6), "a\nb\nc\n");
        sink.drain(LONG);
        assert_eq!(sink.shared.lock().lost, 0);
    }

    #[test]
    fn a_reader_that_is_gone_loses_lines_and_nothing_else() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let sink = Sink::new(writer);
        sink.say("a\nb\n");
        sink.drain(LONG);
        sink.say("c\n");
        sink.drain(LONG);
        assert_eq!(sink.shared.lock().lost, 3);
    }

    #[test]
    fn nobody_waits_for_a_reader_that_stops_reading_and_it_is_told_what_it_missed() {
        let (mut reader, writer) = pipe().unwrap();
        let sink = Sink::new(writer);
        let line = "x".repeat(1023) + "\n";
        let mut said = 0;
        // The pipe fills, then the queue, then lines are lost.
        while sink.shared.lock().lost == 0 {
            sink.say(&line);
            said += 1;
        }
        sink.drain(Duration::ZERO);
        let taken = read(&mut reader, (said - 1) * line.len());
        assert_eq!(taken, line.repeat(said - 1));
        let loss = "(1 line of output lost here)\n";
        assert_eq!(read(&mut reader, loss.len()), loss);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_loses_lines_and_nothing_else() {
        let sink = Sink::new(OpenOptions::new().write(true).open("/dev/full").unwrap());
        sink.say("a\n");
        sink.drain(LONG);
        assert_eq!(sink.shared.lock().lost, 1);
    }

    #[test]
    fn a_file_has_what_was_said_at_once() {
        let path = std::env::temp_dir().join(format!("output-{}", std::process::id()));
        #[allow(clippy::disallowed_methods)]
        let sink = Sink::new(File::create(&path).unwrap());
        sink.say("a\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n");
        sink.shared.lock().lost = 2;
        sink.say("b\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\n(2 lines of output lost here)\nb\n");
        assert!(!sink.shared.lock().started, "no thread is needed");
        std::fs::remove_file(path).unwrap();
    }
}
