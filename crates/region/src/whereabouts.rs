//! Asks the region of a data directory from outside for its status, and tells why if nobody answers.

use crate::control_socket::{ANSWER_LIMIT, ask_measured, ask_now, ask_status, ask_to_advance};
use crate::directories::Directories;
use crate::{Now, Question, RegionView, SeriesView};
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why nobody answers. Each asks something else of the user.
#[derive(Debug, thiserror::Error)]
pub enum Silence {
    /// Nothing was ever started there.
    #[error("there is no region in {}; start one with engram serve", .0.display())]
    NoRegion(PathBuf),
    /// The control plane does not run.
    #[error("no region runs on {}{}; start one with engram serve", .data.display(), left_alone(*.nodes))]
    NotRunning {
        /// The data directory.
        data: PathBuf,
        /// Nodes that run on without it.
        nodes: usize,
    },
    /// It is another user's.
    #[error("the region in {} belongs to another user; ask as that user", .0.display())]
    NotYours(PathBuf),
    /// It runs, and there is no answer.
    #[error(
        "the region on {} runs but does not answer ({why}); look at what it printed, or restart it: its nodes serve on",
        .data.display()
    )]
    NoAnswer {
        /// The data directory.
        data: PathBuf,
        /// The system's words.
        why: String,
    },
    /// It runs where this program does not reach it.
    #[error(
        "the region on {} runs elsewhere, for the directory of its sockets, {}, is not here; ask in the container where it runs",
        .data.display(), .runtime.display()
    )]
    Elsewhere {
        /// The data directory.
        data: PathBuf,
        /// Where its sockets are said to be.
        runtime: PathBuf,
    },
}

fn left_alone(nodes: usize) -> String {
    match nodes {
        0 => String::new(),
        1 => ", though one of its nodes does".into(),
        more => format!(", though {more} of its nodes do"),
    }
}

/// Asks the control plane of a data directory how everything is.
///
/// # Errors
/// See [`Silence`].
pub fn ask(data: &Path) -> Result<Vec<RegionView>, Silence> {
    reach(data, ask_status)
}

/// Asks the control plane of a data directory to move its clock forward: what it says then (Unix ms), or why it does not move.
///
/// # Errors
/// See [`Silence`].
pub fn advance(data: &Path, by_ms: u64) -> Result<Result<u64, String>, Silence> {
    reach(data, |socket| ask_to_advance(socket, by_ms))
}

/// Asks the control plane of a data directory what its nodes measure now.
///
/// # Errors
/// See [`Silence`].
pub fn now(data: &Path) -> Result<Now, Silence> {
    reach(data, ask_now)
}

/// Asks the control plane of a data directory what was measured, which it tells or why not. The answer comes in parts, in the order of
/// regions, deployments, members and metrics; each is handed on before the next is asked for.
///
/// # Errors
/// See [`Silence`], and what `each` says.
pub fn measured<E: From<Silence>>(
    data: &Path,
    mut question: Question,
    mut each: impl FnMut(Vec<SeriesView>) -> Result<(), E>,
) -> Result<Result<(), String>, E> {
    loop {
        let mut part = match reach(data, |socket| ask_measured(socket, &question))? {
            Ok(part) => part,
            Err(why) => return Ok(Err(why)),
        };
        // A control plane of an earlier version always answers with all.
        part.retain(|series| question.after.as_ref().is_none_or(|after| series.key() > *after));
        let Some(last) = part.last() else { return Ok(Ok(())) };
        question.after = Some(last.key());
        each(part)?;
    }
}

fn reach<T>(data: &Path, ask: impl FnOnce(&Path) -> io::Result<T>) -> Result<T, Silence> {
    let denied = |error: &io::Error| error.kind() == ErrorKind::PermissionDenied;
    let directories = match Directories::of(data) {
        Ok(found) => found,
        Err(error) if denied(&error) => return Err(Silence::NotYours(data.to_owned())),
        Err(_) => return Err(Silence::NoRegion(data.to_owned())),
    };
    let why = match ask(&directories.control_socket()) {
        Ok(answer) => return Ok(answer),
        Err(why) => why,
    };
    let data = directories.data.clone();
    if denied(&why) {
        return Err(Silence::NotYours(data));
    }
    match is_locked(&data.join("engram.lock")) {
        Err(error) if denied(&error) => Err(Silence::NotYours(data)),
        Err(_) => Err(Silence::NoRegion(data)),
        Ok(false) => Err(Silence::NotRunning { nodes: living_nodes(&directories), data }),
        Ok(true) if !directories.runtime.is_dir() => {
            Err(Silence::Elsewhere { data, runtime: directories.runtime })
        }
        Ok(true) => Err(Silence::NoAnswer { data, why: words_of(&why) }),
    }
}

/// The system's words for an error; for a time limit, which the system calls something else, ours.
fn words_of(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            format!("nothing came for {} s", ANSWER_LIMIT.as_secs())
        }
        _ => files::words_of(error),
    }
}

fn living_nodes(directories: &Directories) -> usize {
    let nodes = fs::read_dir(directories.nodes()).into_iter().flatten().flatten();
    nodes.filter(|node| is_locked(&node.path().join("lock")).unwrap_or(false)).count()
}

/// Whether somebody holds a lock. It is shared for a moment, which a start that comes at that moment waits out.
fn is_locked(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(data: &Path, text: &str) {
        let silence = ask(data).unwrap_err().to_string();
        assert!(silence.contains(text), "{silence}");
    }

    #[test]
    fn each_silence_has_its_words() {
        let directory = tempfile::tempdir().unwrap();
        says(&directory.path().join("nothing"), "there is no region in");
        says(directory.path(), "there is no region in");
        let (directories, lock) = Directories::prepare(directory.path()).unwrap();
        says(directory.path(), "runs but does not answer");
        // A socket of nobody.
        drop(std::os::unix::net::UnixListener::bind(directories.control_socket()).unwrap());
        says(
            directory.path(),
            "runs but does not answer (Connection refused); look at what it printed, or restart it",
        );
        assert_eq!(words_of(&ErrorKind::WouldBlock.into()), "nothing came for 10 s");
        fs::remove_dir_all(&directories.runtime).unwrap();
        says(directory.path(), "runs elsewhere");
        drop(lock);
        says(directory.path(), "; start one with engram serve");
        fs::create_dir_all(directories.nodes().join("n3")).unwrap();
        let node = File::create(directories.nodes().join("n3/lock")).unwrap();
        node.try_lock().unwrap();
        says(directory.path(), ", though one of its nodes does; start one with engram serve");
    }
}
