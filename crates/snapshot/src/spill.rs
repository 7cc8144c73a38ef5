//! Pre-images that do not fit in the queue, in a temporary file.
//!
//! ```text
//!   record: database u16 │ keys u32 │ length u64 │ bytes          little-endian; only this process reads it
//! ```
//! The file has no name, so nothing is left behind whatever happens.

use crate::captures::Chunk;
use crate::locked;
use files::{Directory, Scratch};
use std::io::{self, Read, Write};
use std::sync::Mutex;

const HEADER: usize = 14;

#[derive(Debug)]
pub(crate) struct Spill {
    directory: Directory,
    name: String,
    file: Mutex<Option<Written>>,
}

#[derive(Debug)]
struct Written {
    file: Scratch,
    bytes: u64,
}

impl Spill {
    pub(crate) fn new(directory: Directory, name: String) -> Spill {
        Spill { directory, name, file: Mutex::new(None) }
    }

    pub(crate) fn bytes(&self) -> u64 {
        locked(&self.file).as_ref().map_or(0, |written| written.bytes)
    }

    pub(crate) fn add(&self, chunk: &Chunk) -> io::Result<()> {
        let mut slot = locked(&self.file);
        let written = match &mut *slot {
            Some(written) => written,
            None => slot.insert(Written { file: self.directory.scratch(&self.name)?, bytes: 0 }),
        };
        let mut header = [0; HEADER];
        header[..2].copy_from_slice(&chunk.db.to_le_bytes());
        header[2..6].copy_from_slice(&chunk.keys.to_le_bytes());
        header[6..].copy_from_slice(&(chunk.bytes.len() as u64).to_le_bytes());
        written.file.write_all(&header)?;
        written.file.write_all(&chunk.bytes)?;
        written.bytes += (HEADER + chunk.bytes.len()) as u64;
        Ok(())
    }

    /// Reads everything back, when nobody adds any more: `take` gets database, keys and bytes, at most `piece_bytes`
    /// at a time; a record's keys come with its first piece.
    pub(crate) fn read_back(
        &self,
        piece_bytes: usize,
        mut take: impl FnMut(u16, u32, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(mut written) = locked(&self.file).take() else { return Ok(()) };
        written.file.rewind()?;
        let mut left = written.bytes;
        let mut buffer = vec![0; piece_bytes];
        while left > 0 {
            let mut header = [0; HEADER];
            written.file.read_exact(&mut header)?;
            let [d0, d1, k0, k1, k2, k3, len @ ..] = header;
            let db = u16::from_le_bytes([d0, d1]);
            let mut keys = u32::from_le_bytes([k0, k1, k2, k3]);
            let mut len = u64::from_le_bytes(len);
            left -= HEADER as u64 + len;
            while len > 0 {
                let piece = &mut buffer[..len.min(piece_bytes as u64) as usize];
                written.file.read_exact(piece)?;
                take(db, std::mem::take(&mut keys), piece)?;
                len -= piece.len() as u64;
            }
        }
        Ok(())
    }
}
