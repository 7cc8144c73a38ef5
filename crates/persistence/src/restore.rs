//! Loading data: at the start of the node, and for DEBUG RELOAD.

use crate::persistence::Persistence;
use crate::persistence::path;
use config::Settings;
use engine::exec::Local;
use engine::exec::{SKIP_CHECKSUMS, access_clock, current_limits};
use engine::{Background as Role, unix_ms};
use files::{Directory, Reader};
use keyspace::{Guard, Keys};
use snapshot::{Background, Duplicates, KeyDelay, LoadError, LoadOptions, LoadReport, Loader, load};
use std::sync::atomic::{AtomicU64, Ordering};

/// How far a load is, for INFO.
#[derive(Debug, Default)]
pub struct LoadProgress {
    /// Unix time in seconds.
    pub began_s: AtomicU64,
    /// Bytes of the file.
    pub total_bytes: AtomicU64,
    /// Bytes read so far.
    pub loaded_bytes: AtomicU64,
    /// `used-mem` of the file: memory of the server that wrote it, in bytes; 0 until that is read.
    pub writer_bytes: AtomicU64,
    /// Of the last load.
    pub keys_loaded: AtomicU64,
    /// Keys of the last file whose time had come.
    pub keys_expired: AtomicU64,
}

impl LoadProgress {
    /// A load of this many bytes begins; 0 when that is not known.
    pub fn begin(&self, total_bytes: u64) {
        self.began_s.store(unix_ms() / 1000, Ordering::Relaxed);
        self.total_bytes.store(total_bytes, Ordering::Relaxed);
        self.loaded_bytes.store(0, Ordering::Relaxed);
        self.writer_bytes.store(0, Ordering::Relaxed);
    }

    /// A load is as far as its loader.
    pub fn advance(&self, loader: &Loader) {
        self.loaded_bytes.store(loader.loaded_bytes(), Ordering::Relaxed);
        let writer_bytes = loader.report().used_mem.and_then(|bytes| u64::try_from(bytes).ok());
        self.writer_bytes.store(writer_bytes.unwrap_or(0), Ordering::Relaxed);
    }

    /// A load is over.
    pub fn finish(&self, report: &LoadReport) {
        self.keys_loaded.store(report.keys, Ordering::Relaxed);
        self.keys_expired.store(report.expired, Ordering::Relaxed);
    }
}

/// How this node loads.
pub(crate) fn options(persistence: &Persistence, settings: &Settings) -> LoadOptions {
    LoadOptions {
        limits: current_limits(settings, persistence.profile),
        max_version: persistence.profile.rdb_version(),
        checksum: settings.rdbchecksum && !SKIP_CHECKSUMS.load(Ordering::Relaxed),
        now_ms: unix_ms(),
        drop_expired: !persistence.role.is_replica.load(Ordering::Relaxed),
        duplicates: Duplicates::Refuse,
        clock: access_clock(settings),
        key_delay: KeyDelay::new(settings.key_load_delay_us),
    }
}

/// Loads the snapshot file at the start, if there is one, with clients refused meanwhile.
///
/// # Errors
/// Why the file cannot be loaded: the node must not start over data that it would then overwrite.
pub fn load_file(persistence: &Persistence) -> Result<Option<LoadReport>, LoadError> {
    let settings = persistence.settings();
    let (dir, name) = path(&settings);
    let Some(file) = Directory::at(dir).open(name)? else { return Ok(None) };
    let progress = &persistence.load_progress;
    progress.begin(file.length().unwrap_or(0));
    let thread = Background::new(&persistence.keyspace, persistence.thread_of(Role::Applier));
    let inside = thread.enter();
    let (report, _) =
        load(file, &persistence.keyspace, thread.thread(), options(persistence, &settings), |loader| {
            progress.advance(loader);
        })?;
    drop(inside);
    progress.finish(&report);
    crate::log_loaded(persistence, &report);
    Ok(Some(report))
}

/// Empties all databases. The caller owns the world.
pub(crate) fn empty_all(persistence: &Persistence, local: &mut Local, world: &mut Guard<'_>) {
    for db in 0..persistence.keyspace.databases() as u16 {
        let context = local.context(db, true);
        drop(Keys::new(&persistence.keyspace, world, &mut local.scratch, context).flush());
    }
    // Clients that wait in a group of a stream look again when the data is back.
    let ready = &mut local.scratch.effects.ready;
    local.unserved.extend(std::iter::from_fn(|| ready.pop()));
}

/// Puts a file's keys in, for an owner of the world that holds no guard meanwhile: the gate is closed, so the locks of
/// slots are free.
pub(crate) fn load_in_closed_gate(
    persistence: &Persistence,
    local: &Local,
    file: Reader,
    duplicates: Duplicates,
) -> Result<LoadReport, LoadError> {
    let mut options = options(persistence, &local.settings);
    options.duplicates = duplicates;
    let (report, _) = load(file, &persistence.keyspace, local.thread, options, |_| {})?;
    persistence.load_progress.finish(&report);
    crate::log_loaded(persistence, &report);
    Ok(report)
}
