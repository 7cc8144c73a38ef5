//! The thread that makes background snapshots.

use super::{access, header, path, save_options};
use crate::shared::Shared;
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
pub(crate) fn run(shared: &Arc<Shared>) {
    shared.parkers[Role::Snapshot as usize].attach();
    while !shared.ending.load(Ordering::Acquire) {
        let due = {
            let state = shared.persistence.state();
            let waits =
                |state: &mut super::State| state.due.is_none() && !shared.ending.load(Ordering::Acquire);
            let period = if shared.settings().save.is_empty() { IDLE_PERIOD } else { PERIOD };
            let waited = shared.persistence.changed.wait_timeout_while(state, period, waits);
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            state.due.take()
        };
        match due {
            Some(kind) => run_from(shared, kind),
            None if !shared.ending.load(Ordering::Acquire) => look_at_save_points(shared),
            None => {}
        }
    }
}

/// Runs this snapshot and all that wait behind it.
fn run_from(shared: &Arc<Shared>, first: Kind) {
    let mut next = Some(first);
    while let Some(kind) = next {
        let outcome = match kind {
            Kind::Save => save(shared),
            // Nobody asks for these here: full syncs have a thread of their own, and there is no append-only file.
            Kind::Sync | Kind::Rewrite => Outcome::Aborted,
        };
        let mut state = shared.persistence.state();
        state.running = None;
        next = state.snapshots.finished(outcome, unix_ms() / 1000);
    }
}

fn save(shared: &Shared) -> Outcome {
    shared.log(Loglevel::Notice, format_args!("Background saving started"));
    match try_save(shared) {
        Ok((finished, dirty)) => {
            shared.persistence.note_saved(dirty);
            shared.save_failed.store(false, Ordering::Relaxed);
            shared.persistence.state().failed_at_ms = None;
            shared.log(Loglevel::Notice,
                format_args!(
                    "Background saving terminated with success: {} keys, {} bytes, at most {} bytes of pre-images waited",
                    finished.keys, finished.bytes, finished.queue_peak_bytes
                ),
            );
            Outcome::Complete
        }
        Err(SnapshotError::Aborted) => {
            shared.log(Loglevel::Warning, format_args!("Background saving aborted"));
            Outcome::Aborted
        }
        Err(error) => {
            shared.save_failed.store(true, Ordering::Relaxed);
            shared.persistence.state().failed_at_ms = Some(unix_ms());
            shared.log(Loglevel::Warning, format_args!("Background saving error: {error}"));
            Outcome::Failed
        }
    }
}

/// Makes a file; also the number of changes it holds.
fn try_save(shared: &Shared) -> Result<(Finished, u64), SnapshotError> {
    let settings = shared.settings();
    let (dir, name) = path(&settings);
    let directory = Directory::at(dir);
    let mut sink = FileSink::create(&directory, &name, settings.rdb_save_incremental_fsync)?;
    let spill = Overflow::Spill(directory, format!("temp-{}-preimages", std::process::id()));
    let mut options = SnapshotOptions::new(save_options(shared, &settings), spill);
    options.access = access(&settings);
    options.key_delay = KeyDelay::new(settings.rdb_key_save_delay_us);
    let thread = Background::new(&shared.keyspace, shared.thread_of(Role::Snapshot));
    let (snapshot, dirty) = begin(shared, thread, &options)?;
    shared.persistence.note_running(snapshot.control());
    Ok((snapshot.run(thread, &mut sink, &header())?, dirty))
}

/// Begins a walk, after a cleaning one if marks must be cleaned.
fn begin(
    shared: &Shared,
    thread: Background<'_>,
    options: &SnapshotOptions,
) -> Result<(Snapshot, u64), SnapshotError> {
    loop {
        if shared.ending.load(Ordering::Acquire) {
            return Err(SnapshotError::Aborted);
        }
        let begun = thread.with_world(|world| {
            let dirty = shared.stats.sum(Counter::Dirty);
            Snapshot::begin(&shared.keyspace, world, options.clone()).map(|snapshot| (snapshot, dirty))
        });
        match begun {
            Ok(begun) => return Ok(begun),
            Err(NotBegun::NeedsCleaning) if clean(thread) => {}
            // A full sync, or its cleaning walk: this one comes after it.
            Err(NotBegun::Busy | NotBegun::NeedsCleaning) => std::thread::park_timeout(AFTER_ANOTHER),
        }
    }
}

fn look_at_save_points(shared: &Shared) {
    let settings = shared.settings();
    if settings.save.is_empty() || shared.loading.load(Ordering::Relaxed) {
        return;
    }
    let changes = shared.persistence.changes(shared);
    let now_ms = unix_ms();
    let (since_s, waits_after_failure) = {
        let state = shared.persistence.state();
        let last_s = state.snapshots.report().last_save_s;
        let waits = state.failed_at_ms.is_some_and(|at_ms| now_ms < at_ms + RETRY_MS);
        ((now_ms / 1000).saturating_sub(last_s), waits)
    };
    let due = settings.save.iter().find(|point| changes >= point.changes.into() && since_s > point.seconds);
    if let Some(point) = due
        && changes > 0
        && !waits_after_failure
    {
        shared.log(
            Loglevel::Notice,
            format_args!("{} changes in {} seconds. Saving...", point.changes, point.seconds),
        );
        shared.persistence.request_save(IfBusy::Refuse);
    }
}
