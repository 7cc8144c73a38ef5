//! Who wants the node to end, and how far that has come.

use config::ShutdownFlags;
use engine::unix_ms;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often it is looked whether the replicas have caught up.
const PERIOD: Duration = Duration::from_millis(20);

/// Somebody's wish that the node ends.
#[derive(Debug, Default)]
pub struct Ending {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    asked: Option<(Why, ShutdownFlags)>,
    /// A signal has asked, be it the first to ask or not.
    signalled: bool,
    /// Nobody can call it off any more.
    decided: bool,
    aborted: bool,
    /// Until when replicas may catch up, Unix ms.
    deadline_ms: Option<u64>,
    clients: Vec<WaitingClient>,
    /// The owner waits for wishes.
    watched: bool,
    /// DEBUG PAUSE-CRON: signals are not acted on.
    signals_held: bool,
    /// How often the node has gone on although somebody had asked, and why the last time.
    cancelled: (u64, String),
    /// Nothing stands against the end any more.
    ends: bool,
}

/// A client that sent SHUTDOWN.
#[derive(Debug)]
pub struct WaitingClient {
    /// Whose it is.
    pub worker: usize,
    /// Its id.
    pub client: u64,
    /// The number of its wait.
    pub wait: u64,
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
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the end.
    pub fn ask(&self, why: Why, how: ShutdownFlags) {
        self.state().ask(why, how);
        self.changed.notify_all();
    }

    /// Asks for the end because a signal came, and says so before anybody acts on it. `false` when a signal has asked before;
    /// whether somebody else has makes no difference.
    pub fn ask_by_signal(&self, how: ShutdownFlags, say: impl FnOnce()) -> bool {
        let mut state = self.state();
        if std::mem::replace(&mut state.signalled, true) {
            return false;
        }
        say();
        state.ask(Why::Signal, how);
        self.changed.notify_all();
        true
    }

    /// Asks for the end in the name of a client that waits for it.
    pub fn ask_for(&self, client: WaitingClient, how: ShutdownFlags) {
        self.state().clients.push(client);
        self.ask(Why::Command, how);
    }

    /// Asks for the end in the agent's name, and waits until nothing stands against it any more.
    ///
    /// # Errors
    /// Why the node goes on.
    pub fn ask_for_agent(&self) -> Result<(), String> {
        let before = self.state().cancelled.0;
        self.ask(Why::Command, ShutdownFlags::default());
        let mut state = self.state();
        loop {
            if state.ends {
                return Ok(());
            }
            if state.cancelled.0 != before {
                return Err(state.cancelled.1.clone());
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// From here on the node ends.
    pub fn go_ahead(&self) {
        self.state().ends = true;
        self.changed.notify_all();
    }

    /// SHUTDOWN ABORT; `false` when there is nothing to call off.
    pub fn abort(&self) -> bool {
        let mut state = self.state();
        let can_abort = state.asked.is_some() && !state.decided;
        state.aborted |= can_abort;
        self.changed.notify_all();
        can_abort
    }

    /// Whether the owner waits for wishes: the start is over.
    pub fn is_watched(&self) -> bool {
        self.state().watched
    }

    /// DEBUG PAUSE-CRON.
    pub fn hold_signals(&self, hold: bool) {
        self.state().signals_held = hold;
        self.changed.notify_all();
    }

    /// `shutdown_in_milliseconds`, while replicas are waited for.
    pub fn due_in_ms(&self) -> Option<u64> {
        self.state().deadline_ms.map(|deadline_ms| deadline_ms.saturating_sub(unix_ms()))
    }

    /// Waits until somebody asks, and it is not for a signal that is held.
    pub fn asked(&self) -> (Why, ShutdownFlags) {
        let mut state = self.state();
        state.watched = true;
        loop {
            match state.asked {
                Some(_) if state.aborted => return (Why::Command, ShutdownFlags::default()),
                Some((Why::Signal, _)) if state.signals_held => {}
                Some(asked) => return asked,
                None => {}
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Replicas may catch up until then.
    pub fn wait_until(&self, deadline_ms: u64) {
        self.state().deadline_ms = Some(deadline_ms);
    }

    /// Waits a moment for somebody to call it off, or for a thread to fail.
    pub fn pause(&self) -> Pause {
        let state = self.state();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, PERIOD, |state| !state.aborted && !state.has_failed())
            .unwrap_or_else(PoisonError::into_inner);
        match (state.has_failed(), state.aborted) {
            (true, _) => Pause::Failed,
            (false, true) => Pause::Aborted,
            (false, false) => Pause::Over,
        }
    }

    /// From here on nobody calls it off; `false` when somebody just has.
    pub fn decide(&self) -> bool {
        let mut state = self.state();
        state.decided = !state.aborted;
        state.deadline_ms = None;
        state.decided
    }

    /// The node goes on; the clients that waited for its end.
    pub fn cancel(&self, why: String) -> Vec<WaitingClient> {
        let mut state = self.state();
        let State { clients, watched, signals_held, cancelled, .. } = std::mem::take(&mut *state);
        let cancelled = (cancelled.0 + 1, why);
        *state = State { watched, signals_held, cancelled, ..State::default() };
        self.changed.notify_all();
        clients
    }
}

impl State {
    fn ask(&mut self, why: Why, how: ShutdownFlags) {
        if self.asked.is_none() || why == Why::Failed {
            self.asked = Some((why, how));
        }
    }

    fn has_failed(&self) -> bool {
        matches!(self.asked, Some((Why::Failed, _)))
    }
}

/// What a moment of waiting has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Nothing.
    Over,
    /// Somebody called the end off.
    Aborted,
    /// A thread could not go on.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(ending: &Ending) -> bool {
        ending.ask_by_signal(ShutdownFlags::default(), || {})
    }

    #[test]
    fn only_a_signal_makes_the_next_one_the_second() {
        let ending = Ending::default();
        let how = ShutdownFlags(ShutdownFlags::SAVE);
        ending.ask(Why::Command, how);
        assert!(signal(&ending));
        assert_eq!(ending.asked(), (Why::Command, how), "the first to ask says how");
        assert!(!signal(&ending));
        ending.cancel("it cannot save".to_owned());
        assert!(signal(&ending), "the node went on, so it is asked anew");
        assert_eq!(ending.asked().0, Why::Signal);
    }
}
