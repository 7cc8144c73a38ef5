//! Loading: from RDB bytes, as they arrive, into the keyspace.
//!
//! [`Loader::feed`] takes pieces from wherever they come (a replica's socket, a file), [`load`] reads a file to its
//! end. Each entry is put in under its slot's lock, which nobody else wants while commands are refused.
//! Files come slot by slot, so slots and tables are in the cache; gathering batches to prefetch for gained nothing.
//!
//! **The caller** is inside the gate or owns the world while it feeds, and may leave between two pieces. It has emptied the keyspace
//! before, or says what to do with keys that already exist. Loaded entries are not replicated, cause no events and do not count as
//! changes.

use crate::KeyDelay;
use keyspace::{AccessClock, Expiry, Keys, KeysContext, Keyspace, Located, Reclaimer, Scratch, access};
use rdb::{Checksum, EntryMeta, Item, Reader, ReaderOptions};
use std::io::{self, Read};
use structures::{Limits, Value};
use topology::Slot;

/// What becomes of a key that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicates {
    /// The load fails: a file has each key once.
    Refuse,
    /// It is replaced: DEBUG RELOAD MERGE.
    Replace,
}

/// How to load.
#[derive(Debug, Clone, Copy)]
pub struct LoadOptions {
    /// The thresholds that decide the encodings of values.
    pub limits: Limits,
    /// The newest RDB version to accept.
    pub max_version: u16,
    /// `rdbchecksum`.
    pub checksum: bool,
    /// Unix time.
    pub now_ms: u64,
    /// Keys whose time has come are left out: on a primary. A replica keeps them until its primary says otherwise.
    pub drop_expired: bool,
    /// What becomes of a key that is there already.
    pub duplicates: Duplicates,
    /// What access clocks are under the eviction policy.
    pub clock: AccessClock,
    /// A pause after each key.
    pub key_delay: KeyDelay,
}

impl LoadOptions {
    /// For a primary that starts: default thresholds, any version up to this one.
    pub fn new(max_version: u16, now_ms: u64) -> LoadOptions {
        LoadOptions {
            limits: Limits::default(),
            max_version,
            checksum: true,
            now_ms,
            drop_expired: true,
            duplicates: Duplicates::Refuse,
            clock: AccessClock::default(),
            key_delay: KeyDelay::default(),
        }
    }
}

/// Why data could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are not what they should be.
    #[error(transparent)]
    Rdb(#[from] rdb::Error),
    /// A file can't be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A key comes twice.
    #[error("RDB has duplicated key '{}' in DB {db}", key.escape_ascii())]
    Duplicate {
        /// The key.
        key: Vec<u8>,
        /// Its database.
        db: u16,
    },
    /// The data was written by a server with more databases.
    #[error("Data file was created with a Redis server configured to handle more than {databases} databases")]
    Databases {
        /// How many there are here.
        databases: usize,
    },
    /// The data has a function library.
    #[error("The RDB file contains a function library, and functions are not supported yet")]
    Function,
    /// The data has something of a module beside its keys.
    #[error("The RDB file contains AUX module data I can't load: no matching module '{0}'")]
    ModuleAux(String),
}

/// What was loaded, and what the data said about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadReport {
    /// Keys that were put in.
    pub keys: u64,
    /// Keys that were left out since their time had come.
    pub expired: u64,
    /// Keys that were left out since they were empty collections.
    pub empty: u64,
    /// `repl-id`.
    pub repl_id: Option<String>,
    /// `repl-offset`, in bytes.
    pub repl_offset: Option<i64>,
    /// `repl-stream-db`.
    pub repl_stream_db: Option<i64>,
    /// `redis-ver` or `valkey-ver`: who wrote it.
    pub writer_version: Option<String>,
    /// `ctime`: when it was written, Unix time in seconds.
    pub ctime_s: Option<i64>,
    /// `used-mem`: memory of the server that wrote it, in bytes.
    pub used_mem: Option<i64>,
    /// `aof-base`.
    pub aof_base: bool,
    /// Whether a checksum was there and right.
    pub verified: bool,
}

/// Data being loaded.
#[derive(Debug)]
pub struct Loader {
    reader: Reader,
    options: LoadOptions,
    thread: usize,
    db: u16,
    scratch: Scratch,
    reclaimer: Reclaimer,
    report: LoadReport,
    done: bool,
}

/// Pieces in which a file is read.
const READ_BYTES: usize = 256 << 10;
/// Bytes between two calls of a progress function.
const PROGRESS_BYTES: u64 = 2 << 20;

impl Loader {
    /// A loader before the first byte, for the thread with this number in the keyspace.
    pub fn new(thread: usize, options: LoadOptions) -> Loader {
        let LoadOptions { limits, max_version, checksum, .. } = options;
        Loader {
            reader: Reader::new(ReaderOptions { limits, max_version, checksum }),
            options,
            thread,
            db: 0,
            scratch: Scratch::default(),
            reclaimer: Reclaimer::new(),
            report: LoadReport::default(),
            done: false,
        }
    }

    /// Loads the next bytes. Whether that was all; what followed it is then left to [`Loader::finish`].
    ///
    /// # Errors
    /// Why the data can't be loaded. What was loaded before stays in the keyspace.
    pub fn feed(&mut self, keyspace: &Keyspace, bytes: &[u8]) -> Result<bool, LoadError> {
        self.reader.feed(bytes);
        while let Some(item) = self.reader.next()? {
            self.take(keyspace, item)?;
        }
        // Nobody else is inside while data is loaded, or soon nobody who was.
        self.reclaimer.collect(keyspace, &mut self.scratch.retired);
        Ok(self.done)
    }

    /// The end of the data: what was loaded, and the bytes that followed it.
    ///
    /// # Errors
    /// When the data is not complete.
    pub fn finish(mut self, keyspace: &Keyspace) -> Result<(LoadReport, Vec<u8>), LoadError> {
        self.reader.finish()?;
        self.reclaimer.collect(keyspace, &mut self.scratch.retired);
        Ok((self.report, self.reader.take_rest()))
    }

    /// Keys put in so far.
    pub fn keys(&self) -> u64 {
        self.report.keys
    }

    /// Bytes consumed so far: `loading_loaded_bytes`.
    pub fn loaded_bytes(&self) -> u64 {
        self.reader.offset()
    }

    /// What was learnt so far.
    pub fn report(&self) -> &LoadReport {
        &self.report
    }

    fn take(&mut self, keyspace: &Keyspace, item: Item) -> Result<(), LoadError> {
        match item {
            Item::Entry { key, value, meta } => return self.entry(keyspace, key, value, meta),
            Item::EmptyEntry { .. } => self.report.empty += 1,
            Item::SelectDb(db) => {
                let databases = keyspace.databases();
                self.db = u16::try_from(db)
                    .ok()
                    .filter(|&db| usize::from(db) < databases)
                    .ok_or(LoadError::Databases { databases })?;
            }
            // Tables grow in small steps, so a stranger's counts are not needed.
            Item::ResizeDb { .. } | Item::SlotInfo { .. } => {}
            Item::Aux { key, value } => self.aux(&key, &value),
            Item::Function { .. } => return Err(LoadError::Function),
            Item::ModuleAux { module } => return Err(LoadError::ModuleAux(module)),
            Item::End(checksum) => {
                self.report.verified = checksum == Checksum::Verified;
                self.done = true;
            }
        }
        Ok(())
    }

    fn aux(&mut self, key: &[u8], value: &[u8]) {
        let text = || String::from_utf8_lossy(value).into_owned();
        let int = || text().parse().ok();
        match key {
            b"repl-id" => self.report.repl_id = Some(text()),
            b"repl-offset" => self.report.repl_offset = int(),
            b"repl-stream-db" => self.report.repl_stream_db = int(),
            b"redis-ver" | b"valkey-ver" => self.report.writer_version = Some(text()),
            b"ctime" => self.report.ctime_s = int(),
            b"used-mem" => self.report.used_mem = int(),
            b"aof-base" => self.report.aof_base = int() == Some(1),
            _ => {}
        }
    }

    fn entry(
        &mut self,
        keyspace: &Keyspace,
        key: Vec<u8>,
        value: Value,
        meta: EntryMeta,
    ) -> Result<(), LoadError> {
        let now_ms = self.options.now_ms;
        let expired = meta.expire_ms.is_some_and(|at| at < now_ms as i64);
        if expired && self.options.drop_expired {
            self.report.expired += 1;
            return Ok(());
        }
        let place = Located { slot: Slot::of(&key), hash: keyspace.hash(&key) };
        let mut guard = loop {
            match keyspace.lock(place.slot) {
                Ok(guard) => break guard,
                // Who still looks at this slot will be done in a moment.
                Err(_) => std::thread::yield_now(),
            }
        };
        let context = KeysContext {
            thread: self.thread,
            db: self.db,
            now_ms,
            expiry: Expiry::Ignore,
            lazy_expire: false,
            no_touch: true,
            clock: self.options.clock,
        };
        let hinted = &*key;
        let mut keys = Keys::new(keyspace, &mut guard, &mut self.scratch, context).with_hint(&hinted, &place);
        if keys.peek(&key).is_some() {
            if self.options.duplicates == Duplicates::Refuse {
                return Err(LoadError::Duplicate { db: self.db, key });
            }
            keys.remove_silently(&key);
        }
        // Before 1970 is as good as 1970.
        keys.insert(&key, value, meta.expire_ms.map(|at| at.max(0) as u64));
        if let Some(clock) = clock(meta, now_ms, self.options.clock)
            && let Some(entry) = keys.peek(&key)
        {
            entry.set_lru(clock);
        }
        self.report.keys += 1;
        drop(guard);
        self.options.key_delay.pause(self.report.keys, || false);
        Ok(())
    }
}

/// The access clock that the data asks for.
fn clock(meta: EntryMeta, now_ms: u64, clock: AccessClock) -> Option<u32> {
    match clock {
        AccessClock::Lfu(_) => meta.freq.map(|counter| access::of_counter(counter, now_ms)),
        AccessClock::Lru => meta.idle_s.map(|idle_s| access::of_idle(idle_s, now_ms)),
    }
}

/// Loads everything a reader has. `progress` is called at the start, every few megabytes and at the end, and is
/// shown what was loaded so far; it may leave the gate and enter again.
///
/// # Errors
/// Why the data can't be loaded. What was loaded before stays in the keyspace.
pub fn load(
    mut from: impl Read,
    keyspace: &Keyspace,
    thread: usize,
    options: LoadOptions,
    mut progress: impl FnMut(&Loader),
) -> Result<(LoadReport, Vec<u8>), LoadError> {
    let mut loader = Loader::new(thread, options);
    let mut buffer = vec![0; READ_BYTES];
    let mut next = 0;
    loop {
        if loader.loaded_bytes() >= next {
            progress(&loader);
            next = loader.loaded_bytes() + PROGRESS_BYTES;
        }
        let read = match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 || loader.feed(keyspace, &buffer[..read])? {
            break;
        }
    }
    progress(&loader);
    loader.finish(keyspace)
}
