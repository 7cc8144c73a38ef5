//! Snapshots on disk: when they are made, by which thread, and how the data is loaded at the next start.
//!
//! One thread makes all background saves, one at a time ([`snapshot::Snapshots`] decides when), and checks the save points.
//! A replica's full sync walks on a thread of its own; the later of the two waits for the other's walk to end. SAVE, SHUTDOWN and
//! DEBUG RELOAD write at once, in the world. A node that ends saves if there are save points and something changed since the last file.

#![forbid(unsafe_code)]
// Save points go by the clock.
#![allow(clippy::disallowed_methods)]

mod log_loading;
mod persistence;
mod restore;
mod saver;

pub use log_loading::{log_loaded, log_unloadable};
pub use persistence::{
    Persistence, PersistenceInfo, Reload, access, file, forget_file, header, path, reload, save_at_end,
    save_now, save_options, wanted_at_end,
};
pub use restore::{LoadProgress, load_file};
pub use saver::run;
