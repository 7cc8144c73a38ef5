//! The standard output and the standard error.
//!
//! Whoever reads them may leave, stop reading, or write them to a disk that is full. A program that serves must neither
//! end nor wait because of that:
//!
//! ```text
//!   say ──┬── queue, bounded ──▶ a thread ── write(2) ──▶ pipe, terminal, socket
//!         └───────────────────────────────── write(2) ──▶ regular file
//! ```
//! A regular file takes a write at once or refuses it, so what was said is in it whatever becomes of the process. Anything
//! else may make its writer wait for ever, so a thread of its own waits. Text that the queue has no room for, or that the
//! other side does not take, is lost; the lost lines are counted and the number is said once there is room.
//!
//! **Invariant:** [`say`] never panics and never waits for a reader. `println!` and its kin do both, hence a rule of the
//! tree against them.
//!
//! A command that only prints a result is another matter. It waits for its reader, and ends when that is gone: [`print`].
#![forbid(unsafe_code)]

mod sink;

use crate::sink::Sink;
use std::io::{self, Stderr, Stdout, Write};
use std::sync::LazyLock;
use std::time::Duration;

static OUT: LazyLock<Sink<Stdout>> = LazyLock::new(|| Sink::new(io::stdout()));
static ERR: LazyLock<Sink<Stderr>> = LazyLock::new(|| Sink::new(io::stderr()));

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The standard output.
    Out,
    /// The standard error.
    Err,
}

/// Writes text, lines with their ends, unless nobody takes it.
pub fn say(stream: Stream, text: &str) {
    match stream {
        Stream::Out => OUT.say(text),
        Stream::Err => ERR.say(text),
    }
}

/// Waits until everything that was said is written or refused, but no longer than this on each stream: before the process
/// ends.
pub fn drain(limit: Duration) {
    OUT.drain(limit);
    ERR.drain(limit);
}

/// Writes the result of a command to the standard output, however long its reader takes.
///
/// # Errors
/// When it is not taken; [`io::ErrorKind::BrokenPipe`] when the reader is gone.
pub fn print(text: &str) -> io::Result<()> {
    sink::write_all(io::stdout(), text.as_bytes())
}

/// [`say`] as a writer, for who wants one. Each write is one or more whole lines. It never fails.
#[derive(Clone, Copy, Debug)]
pub struct Writer(pub Stream);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        say(self.0, &String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
