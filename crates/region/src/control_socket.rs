//! The socket by which `engram status`, `engram top`, `engram metrics` and `engram clock` ask the running control plane: one line in,
//! one line of JSON out.
//!
//! The socket is in a directory that only its user can enter; that is the only access control. If socket or directory is removed while
//! the control plane runs, it makes them again. Nodes do the same with their sockets.

use crate::directories::Directories;
use crate::registry::{Now, Question, SeriesView};
use crate::service::Service;
use crate::view::RegionView;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::warn;

const STATUS: &str = "status";
/// Followed by a space and milliseconds.
const ADVANCE: &str = "advance";
const NOW: &str = "now";
/// Followed by a space and a [`Question`] as JSON.
const MEASURED: &str = "measured";

/// A question is short; what is longer is none.
const MAX_QUESTION_BYTES: u64 = 1024;

/// Without descriptors, accepting would fail in a tight loop.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Opens the socket; one that a crash has left behind is replaced.
///
/// # Errors
/// When the system refuses.
pub fn open(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(path)
}

/// Questions at a time; further ones wait.
const MAX_CONNECTIONS: usize = 8;
/// For a question and its answer.
const LIMIT: Duration = Duration::from_secs(5);

/// Between looks whether the socket is still there.
const LOOK: Duration = Duration::from_secs(1);

/// Answers until the runtime ends.
pub async fn serve(mut listener: UnixListener, directories: Directories, service: Service) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut told = String::new();
    loop {
        let permit = permits.clone().acquire_owned().await.expect("nobody closes it");
        let accepted = loop {
            match timeout(LOOK, listener.accept()).await {
                Ok(accepted) => break accepted,
                Err(_) => renew(&mut listener, &directories, &mut told),
            }
        };
        match accepted {
            Ok((stream, _)) => {
                let answer = timeout(LIMIT, answer(stream, service.clone()));
                tokio::spawn(async move {
                    // Who says nothing in time gets nothing.
                    let _ = answer.await;
                    drop(permit);
                });
            }
            // Out of descriptors: those that are in use will be given back.
            Err(_) => tokio::time::sleep(BACK_OFF).await,
        }
    }
}

/// Listens anew if the socket is lost. `told` is the last reason why that was not to be had: the same again is no news.
fn renew(listener: &mut UnixListener, directories: &Directories, told: &mut String) {
    let path = directories.control_socket();
    if !std::fs::symlink_metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return told.clear();
    }
    match directories.make_runtime().and_then(|()| open(&path)) {
        Ok(anew) => {
            *listener = anew;
            warn!("the socket {} was removed and has been made again", path.display());
        }
        Err(error) if error.to_string() != *told => {
            *told = error.to_string();
            warn!("the socket {} was removed, so engram status gets no answer: {told}", path.display());
        }
        Err(_) => {}
    }
}

async fn answer(mut stream: tokio::net::UnixStream, service: Service) {
    let mut question = String::new();
    let (reading, mut writing) = stream.split();
    let mut reading = tokio::io::BufReader::new(reading.take(MAX_QUESTION_BYTES));
    if reading.read_line(&mut question).await.is_err() {
        return;
    }
    let answer = match question.trim_end().split_once(' ') {
        None if question.trim_end() == STATUS => service.view().await.ok().and_then(|view| to_line(&view)),
        None if question.trim_end() == NOW => to_line(&service.registry().now()),
        Some((MEASURED, question)) => match serde_json::from_str::<Question>(question) {
            Ok(question) => {
                // It reads the disk.
                let registry = service.registry().clone();
                let asked = tokio::task::spawn_blocking(move || to_line(&registry.ask(&question)));
                asked.await.ok().flatten()
            }
            Err(_) => None,
        },
        Some((ADVANCE, by_ms)) => match by_ms.parse() {
            Ok(by_ms) => {
                let advanced = service.advance(by_ms).await.ok();
                advanced.and_then(|now_ms| to_line(&now_ms.map_err(|why| why.to_string())))
            }
            Err(_) => None,
        },
        _ => None,
    };
    if let Some(line) = answer {
        // Who asked may have gone.
        let _ = writing.write_all(&line).await;
    }
}

fn to_line(answer: &impl serde::Serialize) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(answer).ok()?;
    line.push(b'\n');
    Some(line)
}

/// How long the control plane may take to answer.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Asks the control plane of a socket how everything is.
///
/// # Errors
/// When none runs, or its answer cannot be understood.
pub fn ask_status(path: &Path) -> io::Result<Vec<RegionView>> {
    ask(path, STATUS)
}

/// Asks the control plane of a socket to move its clock forward by so many ms: what it says then (Unix ms), or why not.
///
/// # Errors
/// When none runs, or its answer cannot be understood.
pub fn ask_to_advance(path: &Path, by_ms: u64) -> io::Result<Result<u64, String>> {
    ask(path, &format!("{ADVANCE} {by_ms}"))
}

/// Asks the control plane of a socket what its nodes measure now.
///
/// # Errors
/// When none runs, or its answer cannot be understood.
pub fn ask_now(path: &Path) -> io::Result<Now> {
    ask(path, NOW)
}

/// Asks the control plane of a socket what was measured, which it tells or why not.
///
/// # Errors
/// When none runs, or its answer cannot be understood.
pub fn ask_measured(path: &Path, question: &Question) -> io::Result<Result<Vec<SeriesView>, String>> {
    ask(path, &format!("{MEASURED} {}", serde_json::to_string(question)?))
}

fn ask<T: serde::de::DeserializeOwned>(path: &Path, question: &str) -> io::Result<T> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.write_all(format!("{question}\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}
