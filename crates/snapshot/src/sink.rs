//! Where the bytes of a snapshot go.

use std::io;

/// Takes the bytes of a snapshot in order. A sink that is dropped without [`Sink::finish`] leaves its target as it was.
pub trait Sink {
    /// Takes the next bytes. It may block: only the walking thread waits for it, never a command. What it gives back
    /// is a buffer to be filled again, whatever is in it.
    ///
    /// # Errors
    /// When the target can't be written; the snapshot ends then.
    fn write(&mut self, chunk: Vec<u8>) -> io::Result<Vec<u8>>;

    /// Everything was written: makes it durable and visible.
    ///
    /// # Errors
    /// When that fails; the target is as it was then, or will be so after a crash.
    fn finish(&mut self) -> io::Result<()>;
}
