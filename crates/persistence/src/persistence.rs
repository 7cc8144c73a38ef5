//! The state of saves and loads, and the saves that run at once in the world.

use crate::restore::{LoadProgress, empty_all, load_in_closed_gate};
use config::{Loglevel, MaxmemoryPolicy, Settings};
use engine::Engine;
use engine::exec::{Local, access_clock};
use engine::stats::Counter;
use engine::unix_ms;
use files::Directory;
use keyspace::{AccessClock, Guard};
use rdb::{AuxFields, SaveOptions};
use snapshot::{
    Access, Answer, Background, Control, Duplicates, FileSink, Finished, Header, IfBusy, KeyDelay, Kind,
    LoadError, SaveInWorld, SaveReport, SnapshotError, Snapshots,
};
use std::ffi::OsStr;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The state that threads share.
pub struct Persistence {
    engine: Arc<Engine>,
    /// Of a managed node: the data is complete, as [`supervision`]'s status has it. Its end writes all of it then.
    holds_data: Option<AtomicBool>,
    state: Mutex<State>,
    /// Something is to be started, or the node ends.
    pub(crate) changed: Condvar,
    /// `Dirty` at the time of the last save.
    dirty_at_save: AtomicU64,
    /// The node's end writes no file.
    waived: AtomicBool,
    /// The node's end writes a file, save points or not.
    insisted: AtomicBool,
    /// Progress of loading.
    pub load_progress: LoadProgress,
}

pub(crate) struct State {
    pub(crate) snapshots: Snapshots,
    /// To be started by the snapshot thread.
    pub(crate) due: Option<Kind>,
    pub(crate) running: Option<Arc<Control>>,
    /// When the last try of a save point failed, Unix ms: the next waits.
    pub(crate) failed_at_ms: Option<u64>,
}

impl Deref for Persistence {
    type Target = Engine;

    #[inline]
    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl std::fmt::Debug for Persistence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Persistence").finish_non_exhaustive()
    }
}

/// What INFO tells about snapshots.
#[derive(Debug, Clone, Copy)]
pub struct PersistenceInfo {
    /// What came of saves so far.
    pub report: SaveReport,
    /// The running snapshot, if one is, and for how many seconds.
    pub running: Option<(Kind, u64)>,
    /// Keys written and to be written by it.
    pub keys: (u64, u64),
    /// Changes since the last file.
    pub changes: u64,
}

impl Persistence {
    /// Of an engine without data; a managed node is told when it has all.
    pub fn new(engine: Arc<Engine>, is_managed: bool) -> Persistence {
        Persistence {
            engine,
            holds_data: is_managed.then(AtomicBool::default),
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
            load_progress: LoadProgress::default(),
        }
    }

    /// Whether a managed node's data is complete.
    pub fn holds_data(&self) -> bool {
        self.holds_data.as_ref().is_some_and(|holds| holds.load(Ordering::Acquire))
    }

    /// The data of a node is complete, or not any more.
    pub fn note_holds_data(&self, holds: bool) {
        if let Some(known) = &self.holds_data {
            known.store(holds, Ordering::Release);
        }
    }

    /// CONFIG RESETSTAT: counts saves anew.
    pub fn reset_counters(&self) {
        self.state().snapshots.reset_counters();
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes since the last file was begun.
    pub fn changes(&self) -> u64 {
        self.stats.sum(Counter::Dirty).saturating_sub(self.dirty_at_save.load(Ordering::Relaxed))
    }

    /// A file that holds everything up to this many changes is complete.
    pub(crate) fn note_saved(&self, dirty: u64) {
        self.dirty_at_save.fetch_max(dirty, Ordering::Relaxed);
    }

    /// Asks for a file in the background.
    pub fn request_save(&self, if_busy: IfBusy) -> Answer {
        let mut state = self.state();
        let answer = state.snapshots.request(Kind::Save, if_busy, unix_ms() / 1000);
        if answer == Answer::Start {
            state.due = Some(Kind::Save);
            self.changed.notify_all();
        }
        answer
    }

    /// What the running snapshot is watched and aborted by.
    pub(crate) fn note_running(&self, control: &Arc<Control>) {
        self.state().running = Some(control.clone());
    }

    /// Ends the running snapshot without success: SHUTDOWN, FLUSHALL, a role that changes.
    pub fn abort_running(&self) {
        if let Some(control) = &self.state().running {
            control.abort();
        }
    }

    /// What runs now.
    pub fn running(&self) -> Option<Kind> {
        self.state().snapshots.running(unix_ms() / 1000).map(|(kind, _)| kind)
    }

    /// What INFO tells now.
    pub fn info(&self) -> PersistenceInfo {
        let state = self.state();
        let keys = state.running.as_ref().map_or((0, 0), |control| (control.processed(), control.total()));
        PersistenceInfo {
            report: state.snapshots.report(),
            running: state.snapshots.running(unix_ms() / 1000),
            keys,
            changes: self.changes(),
        }
    }

    /// Unix time in seconds of the last file: LASTSAVE.
    pub fn last_save_s(&self) -> u64 {
        self.state().snapshots.report().last_save_s
    }

    /// The node's end writes no file: whoever asked for the end has decided about it, or it is written.
    pub fn waive(&self) {
        self.waived.store(true, Ordering::Relaxed);
    }

    /// The agent of a managed node wants a file.
    pub fn insist(&self) {
        self.insisted.store(true, Ordering::Relaxed);
    }

    /// Wakes the snapshot thread: the node ends.
    pub fn wake(&self) {
        self.changed.notify_all();
    }
}

/// Where the snapshot file is.
pub fn path(settings: &Settings) -> (PathBuf, String) {
    let dir = Path::new(OsStr::from_bytes(&settings.dir)).to_owned();
    (dir, String::from_utf8_lossy(&settings.dbfilename).into_owned())
}

/// The snapshot file.
pub fn file(persistence: &Persistence) -> PathBuf {
    let (dir, name) = path(&persistence.settings());
    dir.join(name)
}

/// Version, compression and checksum of what is written.
pub fn save_options(persistence: &Persistence, settings: &Settings) -> SaveOptions {
    SaveOptions {
        compress: settings.rdbcompression,
        checksum: settings.rdbchecksum,
        ..SaveOptions::new(persistence.profile)
    }
}

/// What is written about the last use of keys.
pub fn access(settings: &Settings) -> Access {
    let now_ms = unix_ms();
    match (settings.maxmemory_policy, access_clock(settings)) {
        (_, AccessClock::Lfu(lfu)) => Access::Frequency { now_ms, lfu },
        (MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::VolatileLru, AccessClock::Lru) => {
            Access::Idle { now_ms }
        }
        (_, AccessClock::Lru) => Access::None,
    }
}

/// What a file says about itself.
pub fn header() -> Header {
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
pub fn forget_file(persistence: &Persistence, world: &mut Guard<'_>) -> bool {
    let is_saving = persistence.running() == Some(Kind::Save);
    if is_saving {
        persistence.abort_running();
    }
    if persistence.settings().save.is_empty() {
        return false;
    }
    if is_saving {
        persistence.request_save(IfBusy::Wait);
        false
    } else {
        // A failure is logged, and the save points try again.
        save_now(persistence, world).is_ok()
    }
}

/// Writes the file at once. The caller owns the world.
///
/// # Errors
/// Why there is no new file; the old one is untouched.
pub fn save_now(persistence: &Persistence, world: &mut Guard<'_>) -> Result<Finished, SnapshotError> {
    let settings = persistence.settings();
    let dirty = persistence.stats.sum(Counter::Dirty);
    persistence.state().snapshots.note_save_at_once();
    let (dir, name) = path(&settings);
    let options = SaveInWorld {
        save: save_options(persistence, &settings),
        access: access(&settings),
        header: header(),
        key_delay: KeyDelay::new(settings.rdb_key_save_delay_us),
    };
    let written = FileSink::create(&Directory::at(dir), &name, settings.rdb_save_incremental_fsync)
        .map_err(SnapshotError::from)
        .and_then(|mut sink| snapshot::save_in_world(&persistence.keyspace, world, &mut sink, &options));
    match &written {
        Ok(_) => {
            persistence.note_saved(dirty);
            persistence.state().snapshots.note_saved(unix_ms() / 1000);
            persistence.save_failed.store(false, Ordering::Relaxed);
            persistence.log(Loglevel::Notice, "DB saved on disk");
        }
        Err(error) => {
            persistence.log(Loglevel::Warning, format_args!("Error trying to save the DB: {error}"));
        }
    }
    written
}

/// At the node's end, when all other threads have ended: writes the file if one is wanted, nobody has decided about it before
/// (see `ending`), and something changed since the last.
///
/// # Errors
/// Why there is no new file.
pub fn save_at_end(persistence: &Persistence) -> Result<(), SnapshotError> {
    if !wanted_at_end(persistence) {
        return Ok(());
    }
    let thread = persistence.thread_of(engine::Background::Snapshot);
    persistence.log(Loglevel::Notice, "Saving the final RDB snapshot before exiting.");
    Background::new(&persistence.keyspace, thread).with_world(|world| save_now(persistence, world)).map(drop)
}

/// Whether the end has a file to write that nobody has decided about.
pub fn wanted_at_end(persistence: &Persistence) -> bool {
    let settings = persistence.settings();
    let waived = persistence.waived.load(Ordering::Relaxed);
    let asked_for = match &persistence.holds_data {
        // The file it began with is gone, so everything it holds is to be written.
        Some(holds) => holds.load(Ordering::Acquire) && !persistence.keyspace.is_empty(),
        None => {
            let insisted = persistence.insisted.load(Ordering::Relaxed);
            (insisted || !settings.save.is_empty()) && persistence.changes() > 0
        }
    };
    asked_for && !waived
}

/// What DEBUG RELOAD does besides reading the file back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reload {
    /// The data is written first.
    pub save: bool,
    /// The data is thrown away before.
    pub flush: bool,
    /// A key that is there already is replaced.
    pub merge: bool,
}

/// DEBUG RELOAD: writes the data and reads it back. The caller has closed the gate and everybody is outside; no guard is
/// alive.
///
/// # Errors
/// The sentence of what went wrong.
pub fn reload(persistence: &Persistence, local: &mut Local, how: Reload) -> Result<(), String> {
    let (dir, name) = path(&local.settings);
    let mut world = local.standing.world(&persistence.keyspace);
    if how.save {
        save_now(persistence, &mut world).map_err(|error| error.to_string())?;
    }
    if how.flush {
        empty_all(persistence, local, &mut world);
    }
    drop(world);
    let duplicates = if how.merge { Duplicates::Replace } else { Duplicates::Refuse };
    let absent = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let file = Directory::at(dir).open(name).and_then(|file| file.ok_or_else(absent));
    file.map_err(LoadError::from)
        .and_then(|file| load_in_closed_gate(persistence, local, file, duplicates))
        .map(drop)
        .map_err(|error| error.to_string())
}
