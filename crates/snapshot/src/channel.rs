//! A snapshot as a bounded channel of chunks: a replica's full sync.
//!
//! The walking thread blocks while the channel is full; the receiver is an event loop that never blocks: it is woken
//! when there is something to take, and takes as much as its replica's socket swallows.

use crate::{Control, Sink, locked};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

#[derive(Debug, Default)]
struct State {
    chunks: VecDeque<Vec<u8>>,
    bytes: usize,
    spare: Vec<Vec<u8>>,
    end: Option<End>,
    receiver_is_gone: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Finished,
    Broken,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    room: Condvar,
}

/// The walking thread's end.
pub struct ChannelSink {
    shared: Arc<Shared>,
    control: Arc<Control>,
    limit_bytes: usize,
    wake: Box<dyn Fn() + Send>,
}

/// The reading end.
pub struct ChunkReceiver {
    shared: Arc<Shared>,
}

/// What the channel has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// The next bytes.
    Chunk(Vec<u8>),
    /// Nothing yet: the wake function will be called.
    Empty,
    /// Nothing more: the snapshot is complete.
    Finished,
    /// Nothing more: the snapshot failed.
    Broken,
}

/// A channel that holds about `limit_bytes` (at least one chunk). `wake` is called by the walking thread when the
/// receiver may find something new. Aborting the snapshot by `control` also frees a walking thread that waits here.
pub fn chunk_channel(
    limit_bytes: usize,
    control: &Arc<Control>,
    wake: impl Fn() + Send + 'static,
) -> (ChannelSink, ChunkReceiver) {
    let shared = Arc::new(Shared::default());
    let waiting = Arc::downgrade(&shared);
    control.on_abort(move || {
        if let Some(shared) = waiting.upgrade() {
            // Under the lock, so that the walking thread is not between its look at the flag and its wait.
            let _state = locked(&shared.state);
            shared.room.notify_all();
        }
    });
    let sink =
        ChannelSink { shared: shared.clone(), control: control.clone(), limit_bytes, wake: Box::new(wake) };
    (sink, ChunkReceiver { shared })
}

impl Sink for ChannelSink {
    fn write(&mut self, chunk: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut state = locked(&self.shared.state);
        loop {
            if state.receiver_is_gone {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            if self.control.is_aborted() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if state.bytes == 0 || state.bytes + chunk.len() <= self.limit_bytes {
                break;
            }
            state = self.shared.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.bytes += chunk.len();
        let was_empty = state.chunks.is_empty();
        state.chunks.push_back(chunk);
        let spare = state.spare.pop().unwrap_or_default();
        drop(state);
        if was_empty {
            (self.wake)();
        }
        Ok(spare)
    }

    fn finish(&mut self) -> io::Result<()> {
        locked(&self.shared.state).end = Some(End::Finished);
        (self.wake)();
        Ok(())
    }
}

impl Drop for ChannelSink {
    fn drop(&mut self) {
        let finished = locked(&self.shared.state).end.replace(End::Broken);
        if let Some(end) = finished {
            locked(&self.shared.state).end = Some(end);
        } else {
            (self.wake)();
        }
    }
}

impl ChunkReceiver {
    /// Takes the next chunk, without waiting.
    pub fn try_recv(&self) -> Received {
        let mut state = locked(&self.shared.state);
        match (state.chunks.pop_front(), state.end) {
            (Some(chunk), _) => {
                state.bytes -= chunk.len();
                self.shared.room.notify_one();
                Received::Chunk(chunk)
            }
            (None, None) => Received::Empty,
            (None, Some(End::Finished)) => Received::Finished,
            (None, Some(End::Broken)) => Received::Broken,
        }
    }

    /// Gives a chunk's buffer back to be filled again.
    pub fn recycle(&self, buffer: Vec<u8>) {
        let mut state = locked(&self.shared.state);
        if state.spare.len() < 4 {
            state.spare.push(buffer);
        }
    }
}

impl Drop for ChunkReceiver {
    fn drop(&mut self) {
        let mut state = locked(&self.shared.state);
        state.receiver_is_gone = true;
        state.chunks.clear();
        self.shared.room.notify_one();
    }
}

impl fmt::Debug for ChannelSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelSink").field("limit_bytes", &self.limit_bytes).finish_non_exhaustive()
    }
}

impl fmt::Debug for ChunkReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkReceiver").field("bytes", &locked(&self.shared.state).bytes).finish()
    }
}
