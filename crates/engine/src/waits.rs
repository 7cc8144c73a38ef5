//! When a command that blocks is counted: the server versions differ.
//!
//! ```text
//!                it blocks             it is served          it times out, WAIT ends   unblocked with an error
//!   Redis 7.0    a call and its time   its time, slow log    -                         it failed
//!   since 7.2    -                     a call with the time of both, slow log          the same, and it failed
//! ```
//! The wait is not part of the command's time. Since 7.2 the command of a client that disconnects while it waits is not counted.

use crate::engine::Engine;
use crate::exec::{Local, count_call, note_slow};
use command_table::Resolved;
use session::{Begun, Client, ClientShared, Ended};
use std::collections::HashSet;
use std::sync::PoisonError;

/// Notes what is to be counted of a command that begins to wait, and counts what is counted now.
pub fn begin(engine: &Engine, local: &Local, client: &mut Client, request: &Resolved<'_>, nanoseconds: u64) {
    let counts_at_end = engine.since_7_2;
    if !counts_at_end {
        engine.stats.began(local.thread, request.command.run.id, nanoseconds);
        session::bump(&client.shared.commands, 1);
    }
    if let Some(blocked) = &mut client.blocked {
        blocked.begun = Some(Begun { request: request.keep(), nanoseconds, counts_at_end });
    }
}

/// Counts a command whose wait is over.
pub fn end(engine: &Engine, local: &Local, client: &Client, begun: &Begun, ended: Ended) {
    let (thread, id) = (local.thread, begun.request.command.run.id);
    let (served_ns, failed) = match ended {
        Ended::Served { nanoseconds, failed } => (nanoseconds, failed),
        Ended::Over => (0, false),
        Ended::Denied => return,
        Ended::Refused => (0, true),
    };
    let nanoseconds = if begun.counts_at_end { begun.nanoseconds + served_ns } else { served_ns };
    if begun.counts_at_end {
        count_call(engine, local, client, id, nanoseconds, failed);
    } else if ended != Ended::Over {
        engine.stats.went_on(thread, id, nanoseconds, failed);
    }
    if begun.counts_at_end || matches!(ended, Ended::Served { .. }) {
        begun.request.with(|request| note_slow(engine, local, client, request, nanoseconds));
    }
}

/// The number of keys, each in its database, that some client waits for.
pub fn blocking_keys<'a>(clients: impl Iterator<Item = &'a ClientShared>) -> usize {
    let mut keys: HashSet<(u16, Box<[u8]>)> = HashSet::new();
    for client in clients {
        let ticket = client.waits_for.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(ticket) = ticket.filter(|ticket| ticket.is_waiting()) else { continue };
        keys.extend(ticket.awaited_keys().map(|key| (ticket.db, key.into())));
    }
    keys.len()
}
