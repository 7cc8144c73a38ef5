//! How a node comes to its end: somebody asks, and the one who owns the node does what has to be done first.
//!
//! ```text
//!   a signal, SHUTDOWN, a thread that failed ── ask ──▶ replicas catch up ──▶ the file is written ──▶ wait returns: Node::end
//!                                                          │ SHUTDOWN ABORT      │ it can't be
//!                                                          └──────── cancelled: everybody goes on ◀──┘
//! ```
//! The first to ask wins; it says why and how. Clients that sent SHUTDOWN wait for the connection to close, or are told that
//! the node goes on; so is the agent of a managed node, and why. From the moment the file shows, writes wait: what was answered is in it.

use config::{Loglevel, ShutdownFlags};
use engine::{Background as Role, unix_ms};
use persistence::{save_now, wanted_at_end};
use server::Server;
use server::{Pause, WaitingClient, Why};
use session::Ended;
use session::{Answer, Message};
use snapshot::{Background, Kind, SnapshotError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Waits until the node is to end and everything that comes before is done; in the owner's thread.
pub(crate) fn wait(server: &Server) -> Why {
    let why = decide(server);
    server.end.go_ahead();
    why
}

fn decide(server: &Server) -> Why {
    server.parkers[Role::Owner as usize].attach();
    loop {
        let (why, how) = server.end.asked();
        server.log(Loglevel::Warning, "User requested shutdown...");
        if why == Why::Failed {
            return why;
        }
        // The replicas of a managed node end as it does, each with its own file.
        let may_end = server.start.is_managed || await_replicas(server, how);
        if !may_end || !server.end.decide() {
            cancel(server, "the end was called off".to_owned());
            continue;
        }
        // What comes now needs the world, which whoever writes a long reply keeps from it.
        server.client_memory.set_ending(true);
        match finish(server, how) {
            Ok(()) => return why,
            Err(error) => cancel(server, error.to_string()),
        }
    }
}

/// Gives the replicas time to catch up, with writes paused; `false` when the end was called off.
fn await_replicas(server: &Server, how: ShutdownFlags) -> bool {
    let timeout_s = server.settings().shutdown_timeout_seconds;
    if how.has(ShutdownFlags::NOW) || timeout_s == 0 || in_sync(server) {
        return true;
    }
    pause_writes(server);
    server.log(Loglevel::Notice, "Waiting for replicas before shutting down.");
    let timeout = Duration::from_secs(u64::from(timeout_s));
    let began = Instant::now();
    server.end.wait_until(unix_ms() + timeout.as_millis() as u64);
    while began.elapsed() < timeout && !in_sync(server) {
        match server.end.pause() {
            Pause::Over => {}
            Pause::Aborted => return false,
            Pause::Failed => return true,
        }
    }
    true
}

fn in_sync(server: &Server) -> bool {
    server.replicas.primary().primary.lags(0).iter().all(|lag| lag.bytes == 0)
}

/// Whoever is inside the gate has begun before; whoever enters behind this is admitted anew, and waits.
fn pause_writes(server: &Server) {
    server.pauses.begin_handover(None);
    owner(server).with_world(|_| server.decisions.fetch_add(1, Ordering::Release));
}

fn owner(server: &Server) -> Background<'_> {
    Background::new(&server.keyspace, server.thread_of(Role::Owner))
}

/// Writes the file if one is wanted.
///
/// # Errors
/// When it can't be written and that is not to be ignored.
fn finish(server: &Server, how: ShutdownFlags) -> Result<(), SnapshotError> {
    log_replicas(server);
    if server.persistence.running() == Some(Kind::Save) {
        server.log(Loglevel::Warning, "There is a child saving an .rdb. Killing it!");
        server.persistence.abort_running();
        while server.persistence.running() == Some(Kind::Save) {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
    let has_save_points = !server.settings().save.is_empty();
    let wanted = match server.start.is_managed {
        true => !how.has(ShutdownFlags::NOSAVE) && wanted_at_end(&server.persistence),
        false => how.has(ShutdownFlags::SAVE) || (has_save_points && !how.has(ShutdownFlags::NOSAVE)),
    };
    if wanted && !server.loading.load(Ordering::Acquire) {
        server.log(Loglevel::Notice, "Saving the final RDB snapshot before exiting.");
        server.pauses.begin_handover(None);
        let saved = owner(server).with_world(|world| {
            server.decisions.fetch_add(1, Ordering::Release);
            save_now(&server.persistence, world)
        });
        if saved.is_err() && how.has(ShutdownFlags::FORCE) {
            server.log(Loglevel::Warning, "Error trying to save the DB. Exit anyway.");
        } else if let Err(error) = saved {
            server.log(Loglevel::Warning, "Error trying to save the DB, can't exit.");
            let errors = "Errors trying to shut down the server. Check the logs for more information.";
            server.log(Loglevel::Warning, errors);
            return Err(error);
        }
    }
    server.persistence.waive();
    Ok(())
}

/// Says which replicas miss something that this node has.
fn log_replicas(server: &Server) {
    let now_ms = replica_threads::now_ms(&server.replicas);
    let lags = server.replicas.primary().primary.lags(now_ms);
    for lag in lags.iter().filter(|lag| lag.bytes > 0) {
        let (name, bytes, seconds, state) = (&lag.name, lag.bytes, lag.seconds, lag.state);
        let primary = if server.profile.has("8.0.0") { "primary" } else { "master" };
        server.log(
            Loglevel::Warning,
            format_args!(
                "Lagging replica {name} reported offset {bytes} behind {primary}, lag={seconds}, state={state}."
            ),
        );
    }
    if !lags.is_empty() {
        let (in_sync, all) = (lags.iter().filter(|lag| lag.bytes == 0).count(), lags.len());
        let text = format_args!("{in_sync} of {all} replicas are in sync when shutting down.");
        server.log(Loglevel::Notice, text);
    }
}

/// The node goes on.
fn cancel(server: &Server, why: String) {
    server.client_memory.set_ending(false);
    let clients = server.end.cancel(why);
    server.pauses.end_handover();
    for WaitingClient { worker, client, wait } in clients {
        let reply = b"-ERR Errors trying to SHUTDOWN. Check logs.\r\n".to_vec();
        server.mailboxes[worker].post(Message::Answer(Answer {
            client,
            wait,
            reply,
            position: 0,
            ended: Ended::Over,
        }));
    }
    server.look();
}

/// Asks a node to end, from any thread.
#[derive(Debug, Clone)]
pub struct Stopper(pub(crate) Arc<Server>);

impl Stopper {
    /// Asks for the end because SIGINT (or else SIGTERM) came; returns at once. `false` when a signal has
    /// asked before, and the node has not gone on since.
    pub fn stop(&self, is_sigint: bool) -> bool {
        let settings = self.0.settings();
        let (signal, how) = match is_sigint {
            true => ("SIGINT", settings.shutdown_on_sigint),
            false => ("SIGTERM", settings.shutdown_on_sigterm),
        };
        self.0.end.ask_by_signal(how, || {
            self.0.log(Loglevel::Warning, format_args!("Received {signal} scheduling shutdown..."));
        })
    }
}
