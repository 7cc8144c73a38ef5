//! Admission: may this command of this client run now on this node?
//!
//! The checks are in the real server's order, since it decides which error a client sees. Every refusal comes before any side
//! effect.

use crate::access;
use crate::cx::{Host, Suspend};
use crate::engine::Engine;
use crate::exec::Local;
use acl::log::Origin;
use command_spec::{Behaviour, Flags, Need};
use command_table::Command;
use command_table::Resolved;
use commands::Error;
use config::ProtectedAction;
use keyspace::Expiry;
use session::{Client, flag};
use std::sync::atomic::Ordering;
use supervision::Endpoint;

/// Why a command does not run.
#[derive(Debug)]
pub enum Refusal {
    /// The client gets an error.
    Error(Error),
    /// The client gets an error, and is disconnected behind it.
    Farewell(Error),
    /// The client is disconnected without a word.
    Close,
    /// Later perhaps.
    Suspend(Suspend),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Error(error)
    }
}

fn text(text: &'static str) -> Refusal {
    Refusal::Error(Error::text(text))
}

/// Whether a command acts at once inside MULTI instead of being queued.
pub fn runs_inside_multi(command: &'static Command) -> bool {
    command.spec.behaviour.contains(Behaviour::RUNS_IN_MULTI)
}

/// Whether an EXEC's queue holds a command with one of these flags.
fn queue_has(client: &Client, flags: Flags) -> bool {
    client
        .multi
        .as_ref()
        .is_some_and(|multi| multi.queue.iter().any(|queued| queued.command.spec.flags.intersects(flags)))
}

/// Whether a command, or one that an EXEC would run, lacks a flag: what is refused queued is refused executed.
fn lacks(client: &Client, command: &'static Command, flag: Flags) -> bool {
    client.runs(command).any(|command| !command.spec.flags.contains(flag))
}

/// Asks all questions.
#[inline]
pub fn admit<H: Host>(
    host: &H,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
) -> Result<(), Refusal> {
    let command = request.command;
    local.decided = host.decisions.load(Ordering::Acquire);
    let flags = command.spec.flags;
    if flags.contains(Flags::PROTECTED) && !may_debug(local, client) {
        return Err(text(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it \
             from a local connection, otherwise you need to set this option in the configuration file, and then \
             restart the server.",
        ));
    }
    if !host.access.is_current(client) && !host.access.follow(client) {
        return Err(Refusal::Close);
    }
    if !client.authenticated && !flags.contains(Flags::NO_AUTH) && host.access.asks_for_password() {
        return Err(text("NOAUTH Authentication required."));
    }
    let is_exec = command.spec.behaviour.contains(Behaviour::RUNS_QUEUE);
    let is_write = flags.contains(Flags::WRITE) || (is_exec && queue_has(client, Flags::WRITE));
    if client.multi.is_some() && flags.contains(Flags::NO_MULTI) {
        return Err(match host.profile.has("9.0.0") {
            true => {
                let name = command.run.full_name;
                Refusal::Error(Error::Other(
                    format!("ERR Command '{name}' not allowed inside a transaction").into(),
                ))
            }
            false => text("ERR Command not allowed inside a transaction"),
        });
    }
    if !client.user.user().is_unrestricted() {
        let origin = if client.multi.is_some() { Origin::Multi } else { Origin::TopLevel };
        access::permit(host, local, client, request, origin).map_err(|denied| {
            let line = denied.line(host.profile, access::context(&client.user, request));
            Refusal::Error(Error::Bytes(line.into()))
        })?;
    }
    if host.role.is_replica.load(Ordering::Relaxed)
        && client.shared.has_flag(flag::REDIRECT)
        && let Some(error) = host.elsewhere(client, command, is_write)
    {
        return Err(error.into());
    }
    if local.settings.maxmemory_bytes > 0 {
        let denies = flags.contains(Flags::DENYOOM) || (is_exec && queue_has(client, Flags::DENYOOM));
        let enough = match crate::maxmemory::make_room(host, local) {
            // What needs no keys does not wait for those who have them all.
            Err(_) if command.spec.need == Need::None && !is_exec => true,
            // There will be room, and this command needs none.
            Err(Refusal::Suspend(Suspend::Capture)) if !denies => true,
            enough => enough?,
        };
        // Queueing is refused as well: the transaction would grow without limit.
        if !enough && (denies || (client.multi.is_some() && !runs_inside_multi(command))) {
            return Err(text("OOM command not allowed when used memory > 'maxmemory'."));
        }
    }
    let is_replica = host.role.is_replica.load(Ordering::Relaxed);
    if is_write && !is_replica {
        if host.save_failed.load(Ordering::Relaxed) && local.settings.stop_writes_on_bgsave_error {
            return Err(misconf(host));
        }
        let wanted = local.settings.min_replicas_to_write;
        if wanted > 0
            && local.settings.min_replicas_max_lag_seconds > 0
            && host.role.good_replicas.load(Ordering::Relaxed) < wanted
        {
            return Err(text("NOREPLICAS Not enough good replicas to write."));
        }
    }
    if is_replica && is_write && client.endpoint == Some(Endpoint::Primary) {
        // The node is the primary no more, and the connection is about to be closed: it gets no further reply.
        return Err(Refusal::Suspend(Suspend::Paused));
    }
    if is_replica && is_write && local.settings.replica_read_only {
        let error = Error::text("READONLY You can't write against a read only replica.");
        return Err(match local.settings.close_on_replica_write {
            true => Refusal::Farewell(error),
            false => Refusal::Error(error),
        });
    }
    if client.is_subscriber_only() && !command.spec.behaviour.contains(Behaviour::RUNS_SUBSCRIBED) {
        return Err(subscribed(command));
    }
    if is_replica
        && !host.role.link_up.load(Ordering::Relaxed)
        && !local.settings.replica_serve_stale_data
        && lacks(client, command, Flags::STALE)
    {
        return Err(text("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."));
    }
    if host.loading.load(Ordering::Relaxed) && lacks(client, command, Flags::LOADING) {
        let server = if host.profile.is_valkey() { "Valkey" } else { "Redis" };
        return Err(Error::Other(format!("LOADING {server} is loading the dataset in memory").into()).into());
    }
    let may_publish =
        flags.contains(Flags::MAY_REPLICATE) || (is_exec && queue_has(client, Flags::MAY_REPLICATE));
    let may_replicate = is_write || may_publish;
    // Queueing waits as well, and so does CLIENT UNPAUSE when everything is paused.
    if host.pauses.holds(may_replicate, local.now_ms) {
        return Err(Refusal::Suspend(Suspend::Paused));
    }
    if may_replicate && host.stream.is_full() {
        return Err(Refusal::Suspend(Suspend::StreamFull));
    }
    // Writes cause messages by their keyspace events, and where clients keep what they have read.
    let has_readers = || local.settings.notify_keyspace_events.0 != 0 || host.keyspace.is_tracking();
    let may_publish = may_publish || (is_write && has_readers());
    if may_publish && host.is_mail_full(local.thread) {
        return Err(Refusal::Suspend(Suspend::MailFull));
    }
    Ok(())
}

#[cold]
fn misconf(engine: &Engine) -> Refusal {
    let server = if engine.profile.is_valkey() { "Valkey" } else { "Redis" };
    let error = format!(
        "MISCONF {server} is configured to save RDB snapshots, but it's currently unable to persist to disk. \
         Commands that may modify the data set are disabled, because this instance is configured to report errors \
         during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the {server} logs \
         for details about the RDB error."
    );
    Refusal::Error(Error::Other(error.into()))
}

#[cold]
fn subscribed(command: &'static Command) -> Refusal {
    let name = command.run.full_name;
    let error = format!(
        "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
    );
    Refusal::Error(Error::Other(error.into()))
}

/// What becomes of expired keys now: a replica and paused writes leave them alone.
#[inline]
pub fn expiry(engine: &Engine, now_ms: u64) -> Expiry {
    if engine.role.is_replica.load(Ordering::Relaxed) || engine.pauses.holds_writes(now_ms) {
        Expiry::Hide
    } else {
        Expiry::Delete
    }
}

/// Whether a client may use DEBUG, the only protected command.
#[cold]
fn may_debug(local: &Local, client: &Client) -> bool {
    match local.settings.enable_debug_command {
        ProtectedAction::Yes => true,
        ProtectedAction::Local => client.shared.is_local(),
        ProtectedAction::No => false,
    }
}
