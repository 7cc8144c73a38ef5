//! The thread that makes background snapshots.

use crate::persistence::Persistence;
use crate::persistence::{access, header, path, save_options};
use config::Loglevel;
use engine::stats::Counter;
use engine::{Background as Role, unix_ms};
use files::Directory;
use snapshot::{
    Background, FileSink, Finished, IfBusy, KeyDelay, Kind, NotBegun, Outcome, Overflow, Snapshot,
    SnapshotError, SnapshotOptions, clean,
};
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often the save points are looked at.
const PERIOD: Duration = Duration::from_millis(100);
/// The same without save points, which may come to be.
const IDLE_PERIOD: Duration = Duration::from_secs(1);
/// How often it is looked whether another walk has ended.
const AFTER_ANOTHER: Duration = Duration::from_millis(10);
/// After a save point's save failed, the next try waits this long.
const RETRY_MS: u64 = 5000;

/// Runs until the node ends.
pub fn run(persistence: &Arc<Persistence>) {
    persistence.parkers[Role::Snapshot as usize].attach();
    while !persistence.ending.load(Ordering::Acquire) {
        let due = {
            let state = persistence.state();
            let waits = |state: &mut crate::persistence::State| {
                state.due.is_none() && !persistence.ending.load(Ordering::Acquire)
            };
            let period = if persistence.settings().save.is_empty() { IDLE_PERIOD } else { PERIOD };
            let waited = persistence.changed.wait_timeout_while(state, period, waits);
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            state.due.take()
        };
        match due {
            Some(kind) => run_from(persistence, kind),
            None if !persistence.ending.load(Ordering::Acquire) => look_at_save_points(persistence),
            None => {}
        }
    }
}

/// Runs this snapshot and all that wait behind it.
fn run_from(persistence: &Arc<Persistence>, first: Kind) {
    let mut next = Some(first);
    while let Some(kind) = next {
        let outcome = match kind {
            Kind::Save => save(persistence),
            // Nobody asks for these here: full syncs have a thread of their own, and there is no append-only file.
            Kind::Sync | Kind::Rewrite => Outcome::Aborted,
        };
        let mut state = persistence.state();
        state.running = None;
        next = state.snapshots.finished(outcome, unix_ms() / 1000);
    }
}

fn save(persistence: &Persistence) -> Outcome {
    persistence.log(Loglevel::Notice, format_args!("Background saving started"));
    match try_save(persistence) {
        Ok((finished, dirty)) => {
            persistence.note_saved(dirty);
            persistence.save_failed.store(false, Ordering::Relaxed);
            persistence.state().failed_at_ms = None;
            persistence.log(Loglevel::Notice,
                format_args!(
                    "Background saving terminated with success: {} keys, {} bytes, at most {} bytes of pre-images waited",
                    finished.keys, finished.bytes, finished.queue_peak_bytes
                ),
            );
            Outcome::Complete
        }
        Err(SnapshotError::Aborted) => {
            persistence.log(Loglevel::Warning, format_args!("Background saving aborted"));
            Outcome::Aborted
        }
        Err(error) => {
            persistence.save_failed.store(true, Ordering::Relaxed);
            persistence.state().failed_at_ms = Some(unix_ms());
            persistence.log(Loglevel::Warning, format_args!("Background saving error: {error}"));
            Outcome::Failed
        }
    }
}

/// Makes a file; also the number of changes it holds.
fn try_save(persistence: &Persistence) -> Result<(Finished, u64), SnapshotError> {
    let settings = persistence.settings();
    let (dir, name) = path(&settings);
    let directory = Directory::at(dir);
    let mut sink = FileSink::create(&directory, &name, settings.rdb_save_incremental_fsync)?;
    let spill = Overflow::Spill(directory, format!("temp-{}-preimages", std::process::id()));
    let mut options = SnapshotOptions::new(save_options(persistence, &settings), spill);
    options.access = access(&settings);
    options.key_delay = KeyDelay::new(settings.rdb_key_save_delay_us);
    let thread = Background::new(&persistence.keyspace, persistence.thread_of(Role::Snapshot));
    let (snapshot, dirty) = begin(persistence, thread, &options)?;
    persistence.note_running(snapshot.control());
    Ok((snapshot.run(thread, &mut sink, &header())?, dirty))
}

/// Begins a walk, after a cleaning one if marks must be cleaned.
fn begin(
    persistence: &Persistence,
    thread: Background<'_>,
    options: &SnapshotOptions,
) -> Result<(Snapshot, u64), SnapshotError> {
    loop {
        if persistence.ending.load(Ordering::Acquire) {
            return Err(SnapshotError::Aborted);
        }
        let begun = thread.with_world(|world| {
            let dirty = persistence.stats.sum(Counter::Dirty);
            Snapshot::begin(&persistence.keyspace, world, options.clone()).map(|snapshot| (snapshot, dirty))
        });
        match begun {
            Ok(begun) => return Ok(begun),
            Err(NotBegun::NeedsCleaning) if clean(thread) => {}
            // A full sync, or its cleaning walk: this one comes after it.
            Err(NotBegun::Busy | NotBegun::NeedsCleaning) => std::thread::park_timeout(AFTER_ANOTHER),
        }
    }
}

fn look_at_save_points(persistence: &Persistence) {
    let settings = persistence.settings();
    if settings.save.is_empty() || persistence.loading.load(Ordering::Relaxed) {
        return;
    }
    let changes = persistence.changes();
    let now_ms = unix_ms();
    let (since_s, waits_after_failure) = {
        let state = persistence.state();
        let last_s = state.snapshots.report().last_save_s;
        let waits = state.failed_at_ms.is_some_and(|at_ms| now_ms < at_ms + RETRY_MS);
        ((now_ms / 1000).saturating_sub(last_s), waits)
    };
    let due = settings.save.iter().find(|point| changes >= point.changes.into() && since_s > point.seconds);
    if let Some(point) = due
        && changes > 0
        && !waits_after_failure
    {
        persistence.log(
            Loglevel::Notice,
            format_args!("{} changes in {} seconds. Saving...", point.changes, point.seconds),
        );
        persistence.request_save(IfBusy::Refuse);
    }
}
