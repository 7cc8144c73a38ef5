//! The only way to write bytes to a disk and to read them back.
//!
//! ```text
//!   Directory ──┬─ publish / draft ─▶ Draft      temporary file ─ sync ─ rename ─ sync of the directory
//!               ├─ append ──────────▶ Appender   bytes behind bytes ─ sync
//!               ├─ scratch ─────────▶ Scratch    a file without a name, for this process alone
//!               └─ open / read ─────▶ Reader     what was written
//!   all of them ──▶ disk: the system's calls, or in tests a simulated disk that fails and loses its power
//! ```
//! Whatever Engram keeps on a disk passes here; `cargo xtask tidy` enforces it. So one place knows what a disk promises, tests can make
//! it fail, and encryption can be added there.
//!
//! **What a disk promises**, and the simulation (`simulation`) therefore keeps apart:
//! - Bytes that were written are in the file for whoever reads it, and after a crash of the machine all there, there in
//!   part, or gone. A sync that succeeded keeps them.
//! - A name (of a file that was made, renamed or removed, of a directory that was made) is kept by a sync of the directory
//!   that it is in, and by nothing else. Until then it may be the old one or the new one, whatever was synced in the file.
//! - A sync that failed may have thrown away what it could not write. The next one may succeed all the same, and says
//!   nothing about those bytes. So a file whose sync or write failed is not to be trusted: [`Appender`] and [`Draft`]
//!   refuse to go on, and their owner begins a new file or ends.
//!
//! ```
//! use files::{Directory, Permission};
//! # let folder = tempfile::tempdir()?;
//! let directory = Directory::at(folder.path());
//! directory.publish("log", Permission::Owner, b"head\n")?;
//! let mut log = directory.append("log")?;
//! log.append(b"a decision\n")?;
//! log.sync()?; // from here on somebody may hear of it
//! assert_eq!(directory.read("log")?.unwrap(), b"head\na decision\n");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! **Errors** keep the kind of the system's error and say what was done to which path; [`cause`] is the system's own, for
//! texts that clients match on.
//!
//! Files that must not be replaced (pid files, logs that may be fifos, locks) are written in place: `in_place`.
//!
//! The crate knows no formats, and has nothing to do with sockets and with the standard output and error (`output`).

#![forbid(unsafe_code)]
// This is the crate that owns the disk.
#![allow(clippy::disallowed_methods)]

mod append;
mod directory;
mod disk;
mod draft;
mod error;
mod in_place;
mod scratch;
#[cfg(any(test, feature = "simulation"))]
pub mod simulation;

pub use append::Appender;
pub use directory::{Directory, Reader};
pub use draft::{Draft, Permission, abandon_drafts};
pub use error::{Action, Failed, action, cause, words_of};
pub use in_place::{append_lines, lock, output_of_process, overwrite, rewrite};
pub use scratch::Scratch;
