//! Executing a command.

use crate::{Command, Cx, Error, Piece, Progress};
use resp::Writer;
use std::ops::Range;
use table::Kind;

/// A handler that replies at once.
pub type Run = fn(&mut Cx<'_, '_>, &[&[u8]]) -> Result<(), Error>;

/// A handler that may leave the rest of its reply for later.
pub type RunLengthy = fn(&mut Cx<'_, '_>, &[&[u8]]) -> Result<Option<Box<dyn Rest>>, Error>;

/// A handler that may find nothing and wait.
pub type RunBlocking = fn(&mut Cx<'_, '_>, &[&[u8]]) -> Result<Option<Block>, Error>;

/// A handler that may fail when it has changed something already. It returns the error then, and says itself what to replicate.
pub type RunPartly = fn(&mut Cx<'_, '_>, &[&[u8]]) -> Result<Option<Error>, Error>;

/// A handler that walks the keyspace in pieces.
pub type RunWalk = fn(&mut Cx<'_, '_>, &[&[u8]], &mut Piece<'_>) -> Result<Flow, Error>;

/// What runs a data command.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    /// It answers at once.
    Plain(Run),
    /// It may answer in pieces.
    Lengthy(RunLengthy),
    /// It may fail half way.
    Partly(RunPartly),
    /// It may wait for a key.
    Blocking {
        /// The type of the values that it waits for: a new value of another type under the key leaves it waiting. Without
        /// one it is run again whatever became of the key, also when that is gone.
        awaits: Option<Kind>,
        /// What runs it.
        run: RunBlocking,
    },
    /// It may pause, and continues from where it was.
    Walking(RunWalk),
}

/// The outcome of a command.
#[derive(Debug)]
pub enum Flow {
    /// It has answered.
    Done,
    /// Its piece ended before the walk did: run it again, with the same progress and reply.
    Unfinished,
    /// It found nothing and wrote no reply: it waits.
    Block(Block),
    /// It has written the head of its reply; the rest is written in pieces, without its locks.
    Rest(Box<dyn Rest>),
    /// It has changed something and then failed: this is its reply.
    Failed(Error),
}

/// A wait until one of the keys at these argument indices is ready. When `timeout_ms` (`None`: never) has passed, the client
/// gets the null array, or the null if `null` says so.
#[derive(Debug)]
pub struct Block {
    /// Indices of the keys among the arguments.
    pub keys: Range<usize>,
    /// How long, from now.
    pub timeout_ms: Option<u64>,
    /// Whether the reply after the timeout is a null instead of a null array.
    pub null: bool,
    /// Arguments that are others when it is run again, by their indices: those that meant the time of the command.
    pub arguments: Vec<(usize, Vec<u8>)>,
}

/// The rest of a reply whose length an argument decides. It holds a copy of the data it needs, taken under the command's
/// locks: the whole reply is of one instant, however long it takes to write.
pub trait Rest: std::fmt::Debug + Send {
    /// Writes elements until about `bytes` more are in the buffer, or the reply is over. Returns whether any are left.
    fn write(&mut self, out: &mut Writer<'_>, bytes: usize) -> bool;

    /// Approximately the bytes that it keeps in memory and has yet to write.
    fn bytes(&self) -> usize;
}

/// Runs a command whose arity fits and whose locks are held. When it changed something and did not say itself what to
/// replicate, its arguments are replicated. On an error nothing has changed, except what a walk that meets a busy slot has
/// done so far, which its progress records.
///
/// # Errors
/// The command's; it has written no reply then.
#[inline]
pub fn run(command: &Command, cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let dirty = cx.keys.effects().dirty;
    let flow = match command.run {
        Handler::Plain(run) => run(cx, argv).map(|()| Flow::Done)?,
        Handler::Lengthy(run) => run(cx, argv)?.map_or(Flow::Done, Flow::Rest),
        Handler::Partly(run) => run(cx, argv)?.map_or(Flow::Done, Flow::Failed),
        Handler::Blocking { run, .. } => run(cx, argv)?.map_or(Flow::Done, Flow::Block),
        Handler::Walking(run) => match cx.piece.take() {
            Some(mut piece) => run(cx, argv, &mut piece)?,
            None => run(cx, argv, &mut Piece::new(&mut Progress::default(), &|| false))?,
        },
    };
    let db = cx.keys.db();
    let effects = cx.keys.effects();
    if effects.replicating && effects.dirty != dirty && !effects.rewritten {
        effects.replicate(db, argv);
    }
    effects.rewritten = false;
    Ok(flow)
}
