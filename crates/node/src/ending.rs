//! How a node comes to its end: somebody asks, the one who owns the node hears of it and ends it.
//!
//! A signal, a command and a thread that failed all ask in the same way. [`crate::Node::wait`] returns to the owner, who
//! calls [`crate::Node::end`]. The first to ask wins; it says why.

use crate::shared::Shared;
use config::Loglevel;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Somebody's wish that the node ends.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    why: Mutex<Option<Why>>,
    changed: Condvar,
}

/// Why a node ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A signal came.
    Signal,
    /// A client asked for it.
    Command,
    /// A thread of the node could not go on.
    Failed,
}

impl Ending {
    /// Asks for the end.
    pub(crate) fn ask(&self, why: Why) {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        self.changed.notify_all();
    }

    /// Waits until somebody asks.
    pub(crate) fn wait(&self) -> Why {
        let mut why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match *why {
                Some(why) => return why,
                None => why = self.changed.wait(why).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Asks a node to end, from any thread.
#[derive(Debug, Clone)]
pub struct Stopper(pub(crate) Arc<Shared>);

impl Stopper {
    /// Asks for the end because this signal came; returns at once.
    pub fn stop(&self, signal: &str) {
        self.0.log(Loglevel::Warning, format_args!("Received {signal} scheduling shutdown..."));
        self.0.end.ask(Why::Signal);
    }
}
