//! What others may ask of a running snapshot: how far it is, and that it stop.

use crate::locked;
use std::fmt;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Somebody asked for its end.
    #[error("the snapshot was aborted")]
    Aborted,
    /// More pre-images waited than the sink was allowed to leave behind.
    #[error("the snapshot's receiver is too slow: {0} bytes of pre-images wait")]
    Overflow(usize),
    /// The sink, or the temporary file for pre-images, failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The handle on a running snapshot that others hold.
#[derive(Default)]
pub struct Control {
    aborted: AtomicBool,
    cause: Mutex<Option<SnapshotError>>,
    wakes: Mutex<Vec<Box<dyn Fn() + Send + Sync>>>,
    processed: AtomicU64,
    total: AtomicU64,
}

impl Control {
    pub(crate) fn new(total: u64) -> Control {
        Control { total: AtomicU64::new(total), ..Control::default() }
    }

    /// Asks for the end of the snapshot; it comes soon, and the target of the sink stays as it was.
    pub fn abort(&self) {
        self.fail(SnapshotError::Aborted);
    }

    /// Whether the snapshot is to end, or ended, without success.
    #[inline]
    pub fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }

    /// Keys that were written: `current_save_keys_processed`.
    pub fn processed(&self) -> u64 {
        self.processed.load(Ordering::Relaxed)
    }

    /// Keys there are to write: `current_save_keys_total`.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    pub(crate) fn set_processed(&self, keys: u64) {
        self.processed.store(keys, Ordering::Relaxed);
    }

    /// The first cause is the one that counts.
    pub(crate) fn fail(&self, cause: SnapshotError) {
        locked(&self.cause).get_or_insert(cause);
        if !self.aborted.swap(true, Ordering::SeqCst) {
            locked(&self.wakes).iter().for_each(|wake| wake());
        }
    }

    pub(crate) fn cause(&self) -> SnapshotError {
        locked(&self.cause).take().unwrap_or(SnapshotError::Aborted)
    }

    /// Adds what is to be called when the snapshot is aborted; at once if it is already.
    pub(crate) fn on_abort(&self, wake: impl Fn() + Send + Sync + 'static) {
        let mut wakes = locked(&self.wakes);
        if self.aborted.load(Ordering::SeqCst) {
            wake();
        }
        wakes.push(Box::new(wake));
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("aborted", &self.is_aborted())
            .field("processed", &self.processed())
            .field("total", &self.total())
            .finish()
    }
}
