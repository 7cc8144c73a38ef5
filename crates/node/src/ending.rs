//! How a node comes to its end: somebody asks, and the one who owns the node does what has to be done first.
//!
//! ```text
//!   a signal, SHUTDOWN, a thread that failed ── ask ──▶ replicas catch up ──▶ the file is written ──▶ wait returns: Node::end
//!                                                          │ SHUTDOWN ABORT      │ it can't be
//!                                                          └──────── cancelled: everybody goes on ◀──┘
//! ```
//! The first to ask wins; it says why and how. Clients that sent SHUTDOWN wait for the connection to close, or are told that
//! the node goes on; so is the agent of a managed node, and why. From the moment the file shows, writes wait: what was answered is in it.

use crate::shared::Shared;
use config::{Loglevel, ShutdownFlags};
use engine::{Background as Role, unix_ms};
use persistence::{save_now, wanted_at_end};
use session::Ended;
use session::{Answer, Message};
use snapshot::{Background, Kind, SnapshotError};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked whether the replicas have caught up.
const PERIOD: Duration = Duration::from_millis(20);

/// Somebody's wish that the node ends.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    asked: Option<(Why, ShutdownFlags)>,
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
pub(crate) struct WaitingClient {
    pub(crate) worker: usize,
    pub(crate) client: u64,
    pub(crate) wait: u64,
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

    /// Asks for the end; `false` when somebody has before.
    pub(crate) fn ask(&self, why: Why, how: ShutdownFlags) -> bool {
        self.ask_saying(why, how, || {})
    }

    /// The same; the first says something before anybody acts on it.
    fn ask_saying(&self, why: Why, how: ShutdownFlags, say: impl FnOnce()) -> bool {
        let mut state = self.state();
        let is_first = state.asked.is_none();
        if is_first {
            say();
        }
        if is_first || why == Why::Failed {
            state.asked = Some((why, how));
        }
        self.changed.notify_all();
        is_first
    }

    /// Asks for the end in the name of a client that waits for it.
    pub(crate) fn ask_for(&self, client: WaitingClient, how: ShutdownFlags) {
        self.state().clients.push(client);
        self.ask(Why::Command, how);
    }

    /// Asks for the end in the agent's name, and waits until nothing stands against it any more.
    ///
    /// # Errors
    /// Why the node goes on.
    pub(crate) fn ask_for_agent(&self) -> Result<(), String> {
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
    fn go_ahead(&self) {
        self.state().ends = true;
        self.changed.notify_all();
    }

    /// SHUTDOWN ABORT; `false` when there is nothing to call off.
    pub(crate) fn abort(&self) -> bool {
        let mut state = self.state();
        let can_abort = state.asked.is_some() && !state.decided;
        state.aborted |= can_abort;
        self.changed.notify_all();
        can_abort
    }

    /// Whether the owner waits for wishes: the start is over.
    pub(crate) fn is_watched(&self) -> bool {
        self.state().watched
    }

    /// DEBUG PAUSE-CRON.
    pub(crate) fn hold_signals(&self, hold: bool) {
        self.state().signals_held = hold;
        self.changed.notify_all();
    }

    /// `shutdown_in_milliseconds`, while replicas are waited for.
    pub(crate) fn due_in_ms(&self) -> Option<u64> {
        self.state().deadline_ms.map(|deadline_ms| deadline_ms.saturating_sub(unix_ms()))
    }

    /// Waits until somebody asks, and it is not for a signal that is held.
    fn asked(&self) -> (Why, ShutdownFlags) {
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

    /// Waits a moment for somebody to call it off, or for a thread to fail.
    fn pause(&self) -> Pause {
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
    fn decide(&self) -> bool {
        let mut state = self.state();
        state.decided = !state.aborted;
        state.deadline_ms = None;
        state.decided
    }

    /// The node goes on; the clients that waited for its end.
    fn cancel(&self, why: String) -> Vec<WaitingClient> {
        let mut state = self.state();
        let State { clients, watched, signals_held, cancelled, .. } = std::mem::take(&mut *state);
        let cancelled = (cancelled.0 + 1, why);
        *state = State { watched, signals_held, cancelled, ..State::default() };
        self.changed.notify_all();
        clients
    }
}

impl State {
    fn has_failed(&self) -> bool {
        matches!(self.asked, Some((Why::Failed, _)))
    }
}

/// What a moment of waiting has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    Over,
    Aborted,
    Failed,
}

/// Waits until the node is to end and everything that comes before is done; in the owner's thread.
pub(crate) fn wait(shared: &Shared) -> Why {
    let why = decide(shared);
    shared.end.go_ahead();
    why
}

fn decide(shared: &Shared) -> Why {
    shared.parkers[Role::Owner as usize].attach();
    loop {
        let (why, how) = shared.end.asked();
        shared.log(Loglevel::Warning, "User requested shutdown...");
        if why == Why::Failed {
            return why;
        }
        // The replicas of a managed node end as it does, each with its own file.
        let may_end = shared.managed.is_some() || await_replicas(shared, how);
        if !may_end || !shared.end.decide() {
            cancel(shared, "the end was called off".to_owned());
            continue;
        }
        // What comes now needs the world, which whoever writes a long reply keeps from it.
        shared.client_memory.set_ending(true);
        match finish(shared, how) {
            Ok(()) => return why,
            Err(error) => cancel(shared, error.to_string()),
        }
    }
}

/// Gives the replicas time to catch up, with writes paused; `false` when the end was called off.
fn await_replicas(shared: &Shared, how: ShutdownFlags) -> bool {
    let timeout_s = shared.settings().shutdown_timeout_seconds;
    if how.has(ShutdownFlags::NOW) || timeout_s == 0 || in_sync(shared) {
        return true;
    }
    pause_writes(shared);
    shared.log(Loglevel::Notice, "Waiting for replicas before shutting down.");
    let timeout = Duration::from_secs(u64::from(timeout_s));
    let began = Instant::now();
    shared.end.state().deadline_ms = Some(unix_ms() + timeout.as_millis() as u64);
    while began.elapsed() < timeout && !in_sync(shared) {
        match shared.end.pause() {
            Pause::Over => {}
            Pause::Aborted => return false,
            Pause::Failed => return true,
        }
    }
    true
}

fn in_sync(shared: &Shared) -> bool {
    shared.replicas.primary().primary.lags(0).iter().all(|lag| lag.bytes == 0)
}

/// Whoever is inside the gate has begun before; whoever enters behind this is admitted anew, and waits.
fn pause_writes(shared: &Shared) {
    shared.pauses.begin_handover(None);
    owner(shared).with_world(|_| shared.decisions.fetch_add(1, Ordering::Release));
}

fn owner(shared: &Shared) -> Background<'_> {
    Background::new(&shared.keyspace, shared.thread_of(Role::Owner))
}

/// Writes the file if one is wanted.
///
/// # Errors
/// When it can't be written and that is not to be ignored.
fn finish(shared: &Shared, how: ShutdownFlags) -> Result<(), SnapshotError> {
    log_replicas(shared);
    if shared.persistence.running() == Some(Kind::Save) {
        shared.log(Loglevel::Warning, "There is a child saving an .rdb. Killing it!");
        shared.persistence.abort_running();
        while shared.persistence.running() == Some(Kind::Save) {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
    let has_save_points = !shared.settings().save.is_empty();
    let wanted = match shared.managed {
        Some(_) => !how.has(ShutdownFlags::NOSAVE) && wanted_at_end(&shared.persistence),
        None => how.has(ShutdownFlags::SAVE) || (has_save_points && !how.has(ShutdownFlags::NOSAVE)),
    };
    if wanted && !shared.loading.load(Ordering::Acquire) {
        shared.log(Loglevel::Notice, "Saving the final RDB snapshot before exiting.");
        shared.pauses.begin_handover(None);
        let saved = owner(shared).with_world(|world| {
            shared.decisions.fetch_add(1, Ordering::Release);
            save_now(&shared.persistence, world)
        });
        if saved.is_err() && how.has(ShutdownFlags::FORCE) {
            shared.log(Loglevel::Warning, "Error trying to save the DB. Exit anyway.");
        } else if let Err(error) = saved {
            shared.log(Loglevel::Warning, "Error trying to save the DB, can't exit.");
            let errors = "Errors trying to shut down the server. Check the logs for more information.";
            shared.log(Loglevel::Warning, errors);
            return Err(error);
        }
    }
    shared.persistence.waive();
    Ok(())
}

/// Says which replicas miss something that this node has.
fn log_replicas(shared: &Shared) {
    let now_ms = replica_threads::now_ms(&shared.replicas);
    let lags = shared.replicas.primary().primary.lags(now_ms);
    for lag in lags.iter().filter(|lag| lag.bytes > 0) {
        let (name, bytes, seconds, state) = (&lag.name, lag.bytes, lag.seconds, lag.state);
        let primary = if shared.profile.is_valkey() { "primary" } else { "master" };
        shared.log(
            Loglevel::Warning,
            format_args!(
                "Lagging replica {name} reported offset {bytes} behind {primary}, lag={seconds}, state={state}."
            ),
        );
    }
    if !lags.is_empty() {
        let (in_sync, all) = (lags.iter().filter(|lag| lag.bytes == 0).count(), lags.len());
        let text = format_args!("{in_sync} of {all} replicas are in sync when shutting down.");
        shared.log(Loglevel::Notice, text);
    }
}

/// The node goes on.
fn cancel(shared: &Shared, why: String) {
    shared.client_memory.set_ending(false);
    let clients = shared.end.cancel(why);
    shared.pauses.end_handover();
    for WaitingClient { worker, client, wait } in clients {
        let reply = b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n".to_vec();
        shared.mailboxes[worker].post(Message::Answer(Answer {
            client,
            wait,
            reply,
            position: 0,
            ended: Ended::Over,
        }));
    }
    shared.look();
}

/// Asks a node to end, from any thread.
#[derive(Debug, Clone)]
pub struct Stopper(pub(crate) Arc<Shared>);

impl Stopper {
    /// Asks for the end because SIGINT (or else SIGTERM) came; returns at once. `false` when the node is about to end anyhow.
    pub fn stop(&self, is_sigint: bool) -> bool {
        let settings = self.0.settings();
        let (signal, how) = match is_sigint {
            true => ("SIGINT", settings.shutdown_on_sigint),
            false => ("SIGTERM", settings.shutdown_on_sigterm),
        };
        self.0.end.ask_saying(Why::Signal, how, || {
            self.0.log(Loglevel::Warning, format_args!("Received {signal} scheduling shutdown..."));
        })
    }
}
