//! Transcripts: text files of commands and the replies that the real server gave.
//!
//! ```text
//! # What SET answers with GET.                 a comment
//! > SET a 1                                    a command, quoted as in redis-cli
//! OK                                           its reply as redis-cli prints it
//! > SET a 2 GET
//! "1"
//!
//! # A second client waits.                     a blank line starts a section: empty databases, new clients
//! 2> BLPOP l 0                                 no reply below it: the client waits
//! > RPUSH l x
//! (integer) 1
//! 2<                                           the next reply that client 2 receives
//! 1) "l"
//! 2) "x"
//!
//! #~ unordered                                 the next reply's elements in any order
//! > KEYS *
//! 1) "a"
//! 2) "b"
//! > TTL a
//! (integer) <int>                              what differs from run to run: <int>, <any>, <...>
//! !> "PING\r\nPING\r\n"                        bytes as they are
//! PONG
//! <
//! PONG
//! ```
//!
//! Expectations are not written by hand: recording runs the file on a real redis-server and inserts the replies. A
//! pattern that the author wrote stays when the reply matches it. A line `<any>` within a line stands for any text,
//! `<int>` for an integer, and a line `<...>` for any number of lines.
//!
//! The first lines may say `@valkey` (the expectations are Valkey's, from the documents named there; such a file is
//! never recorded from redis-server) or `@server --maxclients 5` (arguments for a server of the file's own).

mod format;
mod matching;
mod runner;

pub use format::{Action, Section, Step, Transcript, split_arguments};
pub use runner::{Difference, Runner, check_file, record_file};

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The transcripts below a directory: all `.txt` files, in order of their names.
pub fn find(below: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut directories = vec![below.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).with_context(|| format!("list {}", directory.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// All transcripts beside the handlers of commands, in order of their crates: the families, and the commands about the server.
pub fn beside_commands() -> Result<Vec<PathBuf>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for entry in fs::read_dir(&crates).with_context(|| format!("list {}", crates.display()))? {
        let path = entry?.path();
        if path.to_str().is_some_and(|path| path.ends_with("-commands")) {
            found.extend(find(&path.join("src"))?);
        }
    }
    found.sort();
    Ok(found)
}
