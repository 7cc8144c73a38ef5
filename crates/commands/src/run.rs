//! Executing a command.

use crate::{Command, Cx, Error};
use std::ops::Range;

/// A handler that answers at once.
pub type Run = fn(&mut Cx<'_, '_>, &[&[u8]]) -> Result<(), Error>;
/// A handler that may find nothing and wait.
pub type RunBlocking = fn(&mut Cx<'_, '_>, &[&[u8]]) -> Result<Flow, Error>;

/// What runs a data command.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    /// It answers at once.
    Plain(Run),
    /// It may wait for a key.
    Blocking(RunBlocking),
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flow {
    /// It has answered.
    Done,
    /// It found nothing, changed nothing and answered nothing: it waits until one of the keys at these argument indices
    /// is ready. When `timeout_ms` (`None`: never) has passed, it gets the null array, or the null if `null` says so.
    Block {
        /// Indices of the keys among the arguments.
        keys: Range<usize>,
        /// How long, from now.
        timeout_ms: Option<u64>,
        /// Whether the reply after the timeout is a null instead of a null array.
        null: bool,
    },
}

/// Runs a command whose arity fits and whose locks are held. When it changed something and did not say itself what to
/// replicate, its arguments are replicated. On an error nothing has changed.
///
/// # Errors
/// The command's; it has written no reply then.
#[inline]
pub fn run(command: &Command, cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let dirty = cx.keys.effects().dirty;
    let flow = match command.run {
        Handler::Plain(run) => run(cx, argv).map(|()| Flow::Done)?,
        Handler::Blocking(run) => run(cx, argv)?,
    };
    let db = cx.keys.db();
    let effects = cx.keys.effects();
    if effects.replicating && effects.dirty != dirty && !effects.rewritten {
        effects.replicate(db, argv);
    }
    effects.rewritten = false;
    Ok(flow)
}
