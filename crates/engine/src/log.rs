//! The log: lines as redis-server writes them, which tools know how to read.
//!
//! ```text
//!  4711:M 22 Nov 2026 21:58:28.292 * Ready to accept connections
//!  pid  │ local time               │
//!       │                          . debug  - verbose  * notice  # warning
//!       C starting  M primary  S replica
//! ```
//! A line goes to the standard output, or to the end of `logfile`, which is opened for each line so that it can be moved
//! away at any time. Lines are rare; they never hold keys or values. A line that cannot be written at once is lost: no thread of the
//! node waits for the reader of the log (`output`; a `logfile` may be a fifo too).

use config::Loglevel;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A process that is not a server yet.
    Starting,
    /// A primary.
    Primary,
    /// A replica.
    Replica,
}

/// For a reader that is only slow.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// Where lines go.
#[derive(Debug)]
pub struct Log {
    /// Held while a line is written, so that lines do not mix.
    file: Mutex<Option<PathBuf>>,
    least: AtomicU8,
}

impl Log {
    /// A log to a file, or to the standard output without one.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(file: Option<PathBuf>, least: Loglevel) -> std::io::Result<Log> {
        match file.as_deref().map(|path| files::append_lines(path, b"")) {
            // A fifo that nobody reads yet.
            Some(Err(error)) if files::cause(&error).raw_os_error() == Some(nix::libc::ENXIO) => {}
            Some(Err(error)) => return Err(error),
            Some(Ok(())) | None => {}
        }
        Ok(Log { file: Mutex::new(file), least: AtomicU8::new(least as u8) })
    }

    /// Changes the least severe level that is written.
    pub fn set_level(&self, least: Loglevel) {
        self.least.store(least as u8, Ordering::Relaxed);
    }

    /// Writes a line, if its level is severe enough. A line that cannot be written is lost: there is nobody to tell.
    pub fn write(&self, speaker: Speaker, level: Loglevel, message: impl Display) {
        if (level as u8) < self.least.load(Ordering::Relaxed) {
            return;
        }
        self.append(&line(std::process::id(), speaker, &jiff::Zoned::now(), level, &message));
    }

    /// Writes lines as they are, if their level is severe enough.
    pub fn write_raw(&self, level: Loglevel, lines: &str) {
        if (level as u8) >= self.least.load(Ordering::Relaxed) {
            self.append(lines);
        }
    }

    fn append(&self, line: &str) {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match &*file {
            None => output::say(output::Stream::Out, line),
            Some(path) => drop(files::append_lines(path, line.as_bytes())),
        }
    }

    /// Waits a moment for lines that are on their way: the process ends.
    pub fn drain(&self) {
        output::drain(DRAIN_LIMIT);
    }
}

fn line(pid: u32, speaker: Speaker, now: &jiff::Zoned, level: Loglevel, message: &dyn Display) -> String {
    let speaker = match speaker {
        Speaker::Starting => 'C',
        Speaker::Primary => 'M',
        Speaker::Replica => 'S',
    };
    let mark = match level {
        Loglevel::Debug => '.',
        Loglevel::Verbose => '-',
        Loglevel::Notice => '*',
        Loglevel::Warning | Loglevel::Nothing => '#',
    };
    format!("{pid}:{speaker} {} {mark} {message}\n", now.strftime("%d %b %Y %H:%M:%S%.3f"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_log_readers_know() {
        let at: jiff::Timestamp = "2026-11-02T21:58:28.042Z".parse().expect("a time");
        let at = at.to_zoned(jiff::tz::TimeZone::UTC);
        let written = line(4711, Speaker::Primary, &at, Loglevel::Notice, &"Server initialized");
        assert_eq!(written, "4711:M 02 Nov 2026 21:58:28.042 * Server initialized\n");
        let written = line(1, Speaker::Replica, &at, Loglevel::Warning, &"x");
        assert_eq!(written, "1:S 02 Nov 2026 21:58:28.042 # x\n");
    }
}
