//! What the program says to who started it, and its end behind that.

use anyhow::{Context, Result};
use output::Stream;
use signal_hook::consts::SIGPIPE;
use std::io::ErrorKind;
use std::time::Duration;

/// For a reader that is only slow: the last words are worth a moment.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// Prints a command's result. A reader that is gone, such as `head`, ends the process as it ends any other program of a
/// pipeline.
pub(crate) fn print(text: &str) -> Result<()> {
    match output::print(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            // It does not return unless the system refuses, and the error is told then.
            let _ = signal_hook::low_level::emulate_default_handler(SIGPIPE);
            Err(error)
        }
        printed => printed,
    }
    .context("cannot write to the standard output")
}

/// Tells people how a program that serves gets on.
pub(crate) fn tell(text: &str) {
    output::say(Stream::Out, text);
}

/// Says a sentence about what went wrong.
pub(crate) fn complain(sentence: &str) {
    output::say(Stream::Err, &format!("{sentence}\n"));
}

/// Waits until what was said is on its way, if somebody takes it.
pub(crate) fn drain() {
    output::drain(DRAIN_LIMIT);
}

/// Ends the process behind its last words.
pub(crate) fn end(code: i32) -> ! {
    drain();
    std::process::exit(code)
}
