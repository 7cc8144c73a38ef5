//! Loading data: at the start of the node, and for DEBUG RELOAD.

use super::path;
use crate::shared::Shared;
use config::Settings;
use engine::exec::Local;
use engine::exec::{PACKED_THRESHOLD, SKIP_CHECKSUMS};
use engine::{Background as Role, unix_ms};
use files::{Directory, Reader};
use keyspace::{Guard, Keys};
use snapshot::{Background, Duplicates, KeyDelay, LoadError, LoadOptions, LoadReport, load};
use std::sync::atomic::{AtomicU64, Ordering};

/// How far a load is, for INFO.
#[derive(Debug, Default)]
pub(crate) struct LoadProgress {
    /// Unix time in seconds.
    pub(crate) began_s: AtomicU64,
    pub(crate) total_bytes: AtomicU64,
    pub(crate) loaded_bytes: AtomicU64,
    /// Of the last load.
    pub(crate) keys_loaded: AtomicU64,
    pub(crate) keys_expired: AtomicU64,
}

impl LoadProgress {
    /// A load of this many bytes begins; 0 when that is not known.
    pub(crate) fn begin(&self, total_bytes: u64) {
        self.began_s.store(unix_ms() / 1000, Ordering::Relaxed);
        self.total_bytes.store(total_bytes, Ordering::Relaxed);
        self.loaded_bytes.store(0, Ordering::Relaxed);
    }

    pub(crate) fn finish(&self, report: &LoadReport) {
        self.keys_loaded.store(report.keys, Ordering::Relaxed);
        self.keys_expired.store(report.expired, Ordering::Relaxed);
    }
}

/// How this node loads.
pub(crate) fn options(shared: &Shared, settings: &Settings) -> LoadOptions {
    let commands = engine::options(settings, shared.profile, PACKED_THRESHOLD.load(Ordering::Relaxed));
    LoadOptions {
        limits: commands.limits,
        max_version: shared.profile.rdb_version(),
        checksum: settings.rdbchecksum && !SKIP_CHECKSUMS.load(Ordering::Relaxed),
        now_ms: unix_ms(),
        drop_expired: !shared.role.is_replica.load(Ordering::Relaxed),
        duplicates: Duplicates::Refuse,
        lfu: commands.lfu,
        key_delay: KeyDelay::new(settings.key_load_delay_us),
    }
}

/// Loads the snapshot file at the start, if there is one, with clients refused meanwhile.
///
/// # Errors
/// Why the file cannot be loaded: the node must not start over data that it would then overwrite.
pub(crate) fn load_file(shared: &Shared) -> Result<Option<LoadReport>, LoadError> {
    let settings = shared.settings();
    let (dir, name) = path(&settings);
    let Some(file) = Directory::at(dir).open(name)? else { return Ok(None) };
    let progress = &shared.persistence.loading;
    progress.begin(file.length().unwrap_or(0));
    let thread = Background::new(&shared.keyspace, shared.thread_of(Role::Applier));
    let inside = thread.enter();
    let (report, _) =
        load(file, &shared.keyspace, thread.thread(), options(shared, &settings), |_, bytes| {
            progress.loaded_bytes.store(bytes, Ordering::Relaxed);
        })?;
    drop(inside);
    progress.finish(&report);
    super::log_loaded(shared, &report);
    Ok(Some(report))
}

/// Empties all databases. The caller owns the world.
pub(crate) fn empty_all(shared: &Shared, local: &mut Local, world: &mut Guard<'_>) {
    for db in 0..shared.keyspace.databases() as u16 {
        let context = local.context(db, true);
        drop(Keys::new(&shared.keyspace, world, &mut local.scratch, context).flush());
    }
}

/// Puts a file's keys in, for an owner of the world that holds no guard meanwhile: the gate is closed, so the locks of
/// slots are free.
pub(crate) fn load_in_closed_gate(
    shared: &Shared,
    local: &Local,
    file: Reader,
    duplicates: Duplicates,
) -> Result<LoadReport, LoadError> {
    let mut options = options(shared, &local.settings);
    options.duplicates = duplicates;
    let (report, _) = load(file, &shared.keyspace, local.thread, options, |_, _| {})?;
    shared.persistence.loading.finish(&report);
    super::log_loaded(shared, &report);
    Ok(report)
}
