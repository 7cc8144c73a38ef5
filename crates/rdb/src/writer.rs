//! Writing: entries, and the frame of a file around them.
//!
//! [`write_entry`] makes the bytes of one key and needs nothing but its arguments, so any thread may prepare
//! entries (a snapshot's pre-images) while another puts them into the file with [`Writer::raw`]. Everything else in
//! a file has an order: header, auxiliary fields, functions, then for each database its number, its sizes and its
//! entries, then the end mark and the checksum.
//!
//! The writer collects bytes until its owner [takes](Writer::take) them, and computes the checksum only then, since
//! long pieces are several times faster than short ones. It never flushes by itself, because it has nowhere to flush
//! to. To bound memory within one huge value, wrap the writer in a [`Sink`] that takes chunks between two puts; to
//! bound the time of one put, write the value in [pieces](crate::Pieces).

use profile::Profile;
use structures::ValueRef;

use crate::EntryMeta;
use crate::crc64::Crc64;
use crate::encode::{Sink, put_len, put_string};
use crate::{opcode, types};

/// The first RDB version of Valkey's own, whose header has its name. Numbers between Redis's last and this are of others.
pub const FIRST_OF_VALKEY: u16 = 80;

/// How to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaveOptions {
    /// Decides what the file says of its writer.
    pub profile: Profile,
    /// The RDB version, which decides the header: the profile's own, or an older one for a reader that does not know that.
    pub version: u16,
    /// `rdbcompression`: strings over 20 bytes are compressed when it saves something.
    pub compress: bool,
    /// `rdbchecksum`: the file ends with its checksum, else with zeros. `DUMP` payloads always have one.
    pub checksum: bool,
}

impl SaveOptions {
    /// The defaults of redis.conf: compressed and with a checksum.
    pub fn new(profile: Profile) -> Self {
        SaveOptions { profile, version: profile.rdb_version(), compress: true, checksum: true }
    }
}

/// What the file says about itself and the server that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuxFields {
    /// When it was written, in seconds since the Unix epoch.
    pub ctime_s: u64,
    /// `used_memory` of the server, in bytes.
    pub used_mem: u64,
    /// Where in the replication stream the snapshot stands; absent in files that no replica may continue from.
    pub replication: Option<ReplicationAux>,
    /// Whether this is the base file of an append-only file.
    pub aof_base: bool,
}

/// A place in a replication stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationAux {
    /// The database selected in the stream; -1 when none is.
    pub stream_db: i64,
    /// The replication id: 40 hexadecimal digits.
    pub id: String,
    /// The replication offset in bytes.
    pub offset: i64,
}

/// Writes one key: expiry, access, type, key and value. The caller has selected the database before.
pub fn write_entry<S: Sink>(
    out: &mut S,
    key: &[u8],
    value: ValueRef<'_>,
    meta: EntryMeta,
    options: &SaveOptions,
) {
    write_head(out, key, value, meta, options);
    types::put_value(out, value, options);
}

/// Writes what precedes a value.
pub(crate) fn write_head<S: Sink>(
    out: &mut S,
    key: &[u8],
    value: ValueRef<'_>,
    meta: EntryMeta,
    options: &SaveOptions,
) {
    if let Some(expire_ms) = meta.expire_ms {
        out.put(&[opcode::EXPIRE_TIME_MS]);
        out.put(&expire_ms.to_le_bytes());
    }
    if let Some(idle_s) = meta.idle_s {
        out.put(&[opcode::IDLE]);
        put_len(out, idle_s);
    }
    if let Some(freq) = meta.freq {
        out.put(&[opcode::FREQ, freq]);
    }
    out.put(&[types::type_of(value, options.profile)]);
    put_string(out, key, options.compress);
}

/// A file being written.
#[derive(Debug)]
pub struct Writer {
    options: SaveOptions,
    chunk: Vec<u8>,
    crc: Crc64,
}

impl Writer {
    /// Starts a file: the first chunk begins with its header.
    pub fn new(options: SaveOptions) -> Self {
        let chunk = match options.version {
            version if version >= FIRST_OF_VALKEY => format!("VALKEY{version:03}"),
            version => format!("REDIS{version:04}"),
        };
        let chunk = chunk.into_bytes();
        Writer { options, chunk, crc: Crc64::default() }
    }

    /// Writes the auxiliary fields, which follow the header.
    pub fn aux_fields(&mut self, fields: &AuxFields) {
        let profile = self.options.profile;
        let (version_field, version) = if profile.is_valkey() {
            ("valkey-ver", profile.version().to_string())
        } else {
            ("redis-ver", profile.redis_version().to_owned())
        };
        self.aux(version_field, version.as_bytes());
        self.aux("redis-bits", b"64");
        self.aux_int("ctime", fields.ctime_s as i64);
        self.aux_int("used-mem", fields.used_mem as i64);
        if let Some(replication) = &fields.replication {
            self.aux_int("repl-stream-db", replication.stream_db);
            self.aux("repl-id", replication.id.as_bytes());
            self.aux_int("repl-offset", replication.offset);
        }
        self.aux_int("aof-base", fields.aof_base.into());
    }

    /// Writes one auxiliary field. Readers ignore those they don't know.
    pub fn aux(&mut self, key: &str, value: &[u8]) {
        self.chunk.push(opcode::AUX);
        put_string(&mut self.chunk, key.as_bytes(), self.options.compress);
        put_string(&mut self.chunk, value, self.options.compress);
    }

    fn aux_int(&mut self, key: &str, value: i64) {
        self.aux(key, itoa::Buffer::new().format(value).as_bytes());
    }

    /// Writes the source of a function library; libraries come before the first database.
    pub fn function(&mut self, code: &[u8]) {
        self.chunk.push(opcode::FUNCTION);
        put_string(&mut self.chunk, code, self.options.compress);
    }

    /// Opens a database of `keys` keys, of which `expires` have an expiry: a reader sizes its tables by that.
    /// Empty databases are left out of a file.
    pub fn select_db(&mut self, db: u32, keys: u64, expires: u64) {
        self.chunk.push(opcode::SELECT_DB);
        put_len(&mut self.chunk, db.into());
        self.chunk.push(opcode::RESIZE_DB);
        put_len(&mut self.chunk, keys);
        put_len(&mut self.chunk, expires);
    }

    /// Goes to database `db` without sizes: for entries that come out of the order of databases.
    pub fn reselect_db(&mut self, db: u32) {
        self.chunk.push(opcode::SELECT_DB);
        put_len(&mut self.chunk, db.into());
    }

    /// Writes one key of the open database.
    pub fn entry(&mut self, key: &[u8], value: ValueRef<'_>, meta: EntryMeta) {
        write_entry(&mut self.chunk, key, value, meta, &self.options);
    }

    /// Adds bytes that [`write_entry`] made elsewhere, with the same options.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.chunk.extend_from_slice(bytes);
    }

    /// Ends the file: nothing may be written after it, only taken.
    pub fn finish(&mut self) {
        self.chunk.push(opcode::EOF);
        let sum = if self.options.checksum {
            let mut crc = self.crc;
            crc.update(&self.chunk);
            crc.value()
        } else {
            0
        };
        self.chunk.extend_from_slice(&sum.to_le_bytes());
    }

    /// How to write the entries that go in by [`raw`](Writer::raw).
    pub fn options(&self) -> &SaveOptions {
        &self.options
    }

    /// How many bytes wait to be taken.
    pub fn pending(&self) -> usize {
        self.chunk.len()
    }

    /// Takes the bytes written since the last time. `empty` is what to collect the next ones in; its content is
    /// dropped, so a chunk that was sent off can come back to be filled again.
    pub fn take(&mut self, mut empty: Vec<u8>) -> Vec<u8> {
        if self.options.checksum {
            self.crc.update(&self.chunk);
        }
        empty.clear();
        std::mem::replace(&mut self.chunk, empty)
    }
}

impl Sink for Writer {
    fn put(&mut self, bytes: &[u8]) {
        self.raw(bytes);
    }
}
