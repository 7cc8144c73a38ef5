//! Snapshots on disk: when they are made, by whom, and how the data comes back at the next start.
//!
//! One thread makes all background saves, one at a time ([`Snapshots`] decides when), and looks after the save points. A
//! replica's full sync walks on a thread of its own; of the two, the later one waits for the other's walk to end. SAVE, SHUTDOWN and DEBUG RELOAD write at once, in
//! the world. The end of the node writes when there are save points and something changed since the last file.

mod log_loading;
mod restore;
mod saver;

pub(crate) use log_loading::{log_loaded, log_unloadable};
pub(crate) use restore::{LoadProgress, load_file};
use restore::{empty_all, load_in_closed_gate};
pub(crate) use saver::run;

use crate::shared::Shared;
use config::{Loglevel, MaxmemoryPolicy, Settings};
use engine::exec::Local;
use engine::stats::Counter;
use engine::unix_ms;
use files::Directory;
use keyspace::Guard;
use rdb::{AuxFields, SaveOptions};
use snapshot::{
    Access, Answer, Background, Control, Duplicates, FileSink, Finished, Header, IfBusy, KeyDelay, Kind,
    LoadError, SaveInWorld, SaveReport, SnapshotError, Snapshots,
};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The state that threads share.
pub(crate) struct Persistence {
    state: Mutex<State>,
    /// Something is to be started, or the node ends.
    changed: Condvar,
    /// `Dirty` at the time of the last save.
    dirty_at_save: AtomicU64,
    /// The node's end writes no file.
    waived: AtomicBool,
    /// The node's end writes a file, save points or not.
    insisted: AtomicBool,
    /// Progress of loading.
    pub(crate) loading: LoadProgress,
}

struct State {
    snapshots: Snapshots,
    /// To be started by the snapshot thread.
    due: Option<Kind>,
    running: Option<Arc<Control>>,
    /// When the last try of a save point failed, Unix ms: the next waits.
    failed_at_ms: Option<u64>,
}

impl std::fmt::Debug for Persistence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Persistence").finish_non_exhaustive()
    }
}

/// What INFO tells about snapshots.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PersistenceInfo {
    pub(crate) report: SaveReport,
    /// The running snapshot, if one is, and for how many seconds.
    pub(crate) running: Option<(Kind, u64)>,
    /// Keys written and to be written by it.
    pub(crate) keys: (u64, u64),
    /// Changes since the last file.
    pub(crate) changes: u64,
}

impl Persistence {
    pub(crate) fn new() -> Persistence {
        Persistence {
            state: Mutex::new(State {
                snapshots: Snapshots::new(unix_ms() / 1000),
                due: None,
                running: None,
                failed_at_ms: None,
            }),
            changed: Condvar::new(),
            dirty_at_save: AtomicU64::new(0),
            waived: AtomicBool::new(false),
            insisted: AtomicBool::new(false),
            loading: LoadProgress::default(),
        }
    }

    /// CONFIG RESETSTAT: counts saves anew.
    pub(crate) fn reset_counters(&self) {
        self.state().snapshots.reset_counters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes since the last file was begun.
    pub(crate) fn changes(&self, shared: &Shared) -> u64 {
        shared.stats.sum(Counter::Dirty).saturating_sub(self.dirty_at_save.load(Ordering::Relaxed))
    }

    /// A file that holds everything up to this many changes is complete.
    fn note_saved(&self, dirty: u64) {
        self.dirty_at_save.fetch_max(dirty, Ordering::Relaxed);
    }

    /// Asks for a file in the background.
    pub(crate) fn request_save(&self, if_busy: IfBusy) -> Answer {
        let mut state = self.state();
        let answer = state.snapshots.request(Kind::Save, if_busy, unix_ms() / 1000);
        if answer == Answer::Start {
            state.due = Some(Kind::Save);
            self.changed.notify_all();
        }
        answer
    }

    /// What the running snapshot is watched and aborted by.
    fn note_running(&self, control: &Arc<Control>) {
        self.state().running = Some(control.clone());
    }

    /// Ends the running snapshot without success: SHUTDOWN, FLUSHALL, a role that changes.
    pub(crate) fn abort_running(&self) {
        if let Some(control) = &self.state().running {
            control.abort();
        }
    }

    /// What runs now.
    pub(crate) fn running(&self) -> Option<Kind> {
        self.state().snapshots.running(unix_ms() / 1000).map(|(kind, _)| kind)
    }

    pub(crate) fn info(&self, shared: &Shared) -> PersistenceInfo {
        let state = self.state();
        let keys = state.running.as_ref().map_or((0, 0), |control| (control.processed(), control.total()));
        PersistenceInfo {
            report: state.snapshots.report(),
            running: state.snapshots.running(unix_ms() / 1000),
            keys,
            changes: self.changes(shared),
        }
    }

    /// Unix time in seconds of the last file: LASTSAVE.
    pub(crate) fn last_save_s(&self) -> u64 {
        self.state().snapshots.report().last_save_s
    }

    /// The node's end writes no file: whoever asked for the end has decided about it, or it is written.
    pub(crate) fn waive(&self) {
        self.waived.store(true, Ordering::Relaxed);
    }

    /// The agent of a managed node wants a file.
    pub(crate) fn insist(&self) {
        self.insisted.store(true, Ordering::Relaxed);
    }

    /// Wakes the snapshot thread: the node ends.
    pub(crate) fn wake(&self) {
        self.changed.notify_all();
    }
}

/// Where the snapshot file is.
pub(crate) fn path(settings: &Settings) -> (PathBuf, String) {
    let dir = Path::new(OsStr::from_bytes(&settings.dir)).to_owned();
    (dir, String::from_utf8_lossy(&settings.dbfilename).into_owned())
}

/// The snapshot file.
pub(crate) fn file(shared: &Shared) -> PathBuf {
    let (dir, name) = path(&shared.settings());
    dir.join(name)
}

/// Version, compression and checksum of what is written.
pub(crate) fn save_options(shared: &Shared, settings: &Settings) -> SaveOptions {
    SaveOptions { profile: shared.profile, compress: settings.rdbcompression, checksum: settings.rdbchecksum }
}

/// What is written about the last use of keys.
pub(crate) fn access(settings: &Settings) -> Access {
    let now_s = unix_ms() / 1000;
    match settings.maxmemory_policy {
        MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::VolatileLru => Access::Idle { now_s },
        MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu => {
            Access::Frequency { now_min: now_s / 60, decay_min: settings.lfu_decay_time_minutes.into() }
        }
        _ => Access::None,
    }
}

/// What a file says about itself.
pub(crate) fn header() -> Header {
    let aux = AuxFields {
        ctime_s: unix_ms() / 1000,
        used_mem: memory::used_bytes(),
        replication: None,
        aof_base: false,
    };
    Header { aux, functions: Vec::new() }
}

/// After FLUSHALL: a file on its way is of data that is gone, and with save points what is on disk must not come back.
/// Whether a file holds now what is here. The caller owns the world.
pub(crate) fn forget_file(shared: &Shared, world: &mut Guard<'_>) -> bool {
    let is_saving = shared.persistence.running() == Some(Kind::Save);
    if is_saving {
        shared.persistence.abort_running();
    }
    if shared.settings().save.is_empty() {
        return false;
    }
    if is_saving {
        shared.persistence.request_save(IfBusy::Wait);
        false
    } else {
        // A failure is logged, and the save points try again.
        save_now(shared, world).is_ok()
    }
}

/// Writes the file at once. The caller owns the world.
///
/// # Errors
/// Why there is no new file; the old one is untouched.
pub(crate) fn save_now(shared: &Shared, world: &mut Guard<'_>) -> Result<Finished, SnapshotError> {
    let settings = shared.settings();
    let dirty = shared.stats.sum(Counter::Dirty);
    shared.persistence.state().snapshots.note_save_at_once();
    let (dir, name) = path(&settings);
    let options = SaveInWorld {
        save: save_options(shared, &settings),
        access: access(&settings),
        header: header(),
        key_delay: KeyDelay::new(settings.rdb_key_save_delay_us),
    };
    let written = FileSink::create(&Directory::at(dir), &name, settings.rdb_save_incremental_fsync)
        .map_err(SnapshotError::from)
        .and_then(|mut sink| snapshot::save_in_world(&shared.keyspace, world, &mut sink, &options));
    match &written {
        Ok(_) => {
            shared.persistence.note_saved(dirty);
            shared.persistence.state().snapshots.note_saved(unix_ms() / 1000);
            shared.save_failed.store(false, Ordering::Relaxed);
            shared.log(Loglevel::Notice, "DB saved on disk");
        }
        Err(error) => {
            shared.log(Loglevel::Warning, format_args!("Error trying to save the DB: {error}"));
        }
    }
    written
}

/// At the node's end, when all other threads have ended: writes the file if one is wanted, nobody has decided about it before
/// (see `ending`), and something changed since the last.
///
/// # Errors
/// Why there is no new file.
pub(crate) fn save_at_end(shared: &Shared) -> Result<(), SnapshotError> {
    if !wanted_at_end(shared) {
        return Ok(());
    }
    let thread = shared.thread_of(engine::Background::Snapshot);
    shared.log(Loglevel::Notice, "Saving the final RDB snapshot before exiting.");
    Background::new(&shared.keyspace, thread).with_world(|world| save_now(shared, world)).map(drop)
}

/// Whether the end has a file to write that nobody has decided about.
pub(crate) fn wanted_at_end(shared: &Shared) -> bool {
    let settings = shared.settings();
    let waived = shared.persistence.waived.load(Ordering::Relaxed);
    let asked_for = match &shared.managed {
        // The file it began with is gone, so everything it holds is to be written.
        Some(managed) => managed.holds_data.load(Ordering::Acquire) && !shared.keyspace.is_empty(),
        None => {
            let insisted = shared.persistence.insisted.load(Ordering::Relaxed);
            (insisted || !settings.save.is_empty()) && shared.persistence.changes(shared) > 0
        }
    };
    asked_for && !waived
}

/// What DEBUG RELOAD does besides reading the file back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reload {
    /// The data is written first.
    pub(crate) save: bool,
    /// The data is thrown away before.
    pub(crate) flush: bool,
    /// A key that is there already is replaced.
    pub(crate) merge: bool,
}

/// DEBUG RELOAD: writes the data and reads it back. The caller has closed the gate and everybody is outside; no guard is
/// alive.
///
/// # Errors
/// The sentence of what went wrong.
pub(crate) fn reload(shared: &Shared, local: &mut Local, how: Reload) -> Result<(), String> {
    let (dir, name) = path(&local.settings);
    let mut world = local.standing.world(&shared.keyspace);
    if how.save {
        save_now(shared, &mut world).map_err(|error| error.to_string())?;
    }
    if how.flush {
        empty_all(shared, local, &mut world);
    }
    drop(world);
    let duplicates = if how.merge { Duplicates::Replace } else { Duplicates::Refuse };
    let absent = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let file = Directory::at(dir).open(name).and_then(|file| file.ok_or_else(absent));
    file.map_err(LoadError::from)
        .and_then(|file| load_in_closed_gate(shared, local, file, duplicates))
        .map(drop)
        .map_err(|error| error.to_string())
}
