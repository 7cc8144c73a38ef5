//! Writes the RDB stream of entries and chunks to a sink.

use crate::Sink;
use crate::captures::Chunk;
use crate::entry::EntryFormat;
use crate::snapshot::Header;
use keyspace::Keyspace;
use rdb::Writer;
use std::io;
use table::Entry;

/// Keys and keys with an expiry of each logical database.
pub(crate) type Sizes = Vec<(u64, u64)>;

pub(crate) fn sizes(keyspace: &Keyspace) -> Sizes {
    (0..keyspace.databases() as u16).map(|db| (keyspace.len(db), keyspace.volatile_len(db))).collect()
}

/// A stream being written. A failure of the sink is kept until somebody asks.
pub(crate) struct Output<'s> {
    writer: Writer,
    sink: &'s mut dyn Sink,
    format: EntryFormat,
    chunk_bytes: usize,
    /// Sizes of the databases that were not yet announced.
    sizes: Vec<Option<(u64, u64)>>,
    db: Option<u16>,
    keys: u64,
    bytes: u64,
    spare: Vec<u8>,
    failed: Option<io::Error>,
}

impl<'s> Output<'s> {
    pub(crate) fn new(
        sink: &'s mut dyn Sink,
        format: EntryFormat,
        chunk_bytes: usize,
        sizes: Sizes,
        header: &Header,
    ) -> Output<'s> {
        let mut writer = Writer::new(format.save);
        writer.aux_fields(&header.aux);
        header.functions.iter().for_each(|code| writer.function(code));
        Output {
            writer,
            sink,
            format,
            chunk_bytes,
            sizes: sizes.into_iter().map(Some).collect(),
            db: None,
            keys: 0,
            bytes: 0,
            spare: Vec::new(),
            failed: None,
        }
    }

    /// Keys written.
    pub(crate) fn keys(&self) -> u64 {
        self.keys
    }

    fn select(&mut self, db: u16) {
        if self.db == Some(db) {
            return;
        }
        self.db = Some(db);
        match self.sizes[usize::from(db)].take() {
            Some((keys, expires)) => self.writer.select_db(db.into(), keys, expires),
            None => self.writer.reselect_db(db.into()),
        }
    }

    pub(crate) fn entry(&mut self, db: u16, entry: Entry<'_>) {
        self.select(db);
        self.keys += 1;
        let format = self.format;
        format.write(self, entry);
    }

    pub(crate) fn chunk(&mut self, chunk: &Chunk) {
        self.bytes_of(chunk.db, chunk.keys, &chunk.bytes);
    }

    pub(crate) fn bytes_of(&mut self, db: u16, keys: u32, bytes: &[u8]) {
        self.select(db);
        self.keys += u64::from(keys);
        rdb::Sink::put(self, bytes);
    }

    fn flush(&mut self) {
        if self.failed.is_some() {
            return;
        }
        let chunk = self.writer.take(std::mem::take(&mut self.spare));
        self.bytes += chunk.len() as u64;
        match self.sink.write(chunk) {
            Ok(buffer) => self.spare = buffer,
            Err(error) => self.failed = Some(error),
        }
    }

    /// Whether the sink took everything so far.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Ends the stream: all bytes written.
    pub(crate) fn finish(mut self) -> io::Result<u64> {
        self.writer.finish();
        self.flush();
        self.check()?;
        self.sink.finish()?;
        Ok(self.bytes)
    }
}

impl rdb::Sink for Output<'_> {
    fn put(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(self.chunk_bytes) {
            if self.failed.is_some() {
                return;
            }
            self.writer.raw(piece);
            if self.writer.pending() >= self.chunk_bytes {
                self.flush();
            }
        }
    }
}
