//! What accepts the agent's connections.

use event_loop::{Acceptor, ListenerId};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What accepts the agent's connections.
#[derive(Debug, Default)]
pub(crate) struct PrivateSocket(Mutex<State>);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) accepting: Option<(Acceptor, ListenerId)>,
    /// Why a socket could not be listened on anew, as the log has it: the same again is no news.
    pub(super) told: String,
}

impl PrivateSocket {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn accepts(&self, accepting: (Acceptor, ListenerId)) {
        self.state().accepting = Some(accepting);
    }

    /// Accepts nothing more; whether it did.
    pub(crate) fn stop(&self) -> bool {
        let accepting = self.state().accepting.take();
        let was = accepting.is_some();
        if let Some((acceptor, _)) = accepting {
            acceptor.stop();
        }
        was
    }
}
