//! Commands beside a running snapshot: who would change a large value that is not captured yet waits for that.
//!
//! A value is captured by the thread that saves, in pieces ([`keyspace::Keys::awaits_capture`]). A command that would change
//! it is suspended before it has done anything, and the locks that it has taken for the look are given back; whoever
//! reads it, or changes another key, goes on. Without a snapshot it costs one relaxed load.
//!
//! Limits: only keys that a command names in its own database are looked at. What comes at a large value by another way (the
//! destination of COPY in another database, a command that needs the world) captures what is left of it itself.

use super::Local;
use crate::client::Client;
use crate::command::Command;
use crate::shared::Shared;
use command_spec::{Flags, KeyFlags, keys::positions};
use keyspace::{Guard, Keys, Ticket};
use structures::number::parse_i64;

/// Whether a command must wait for the capture of a key that it may change; it is asked for then. The command's keys are
/// locked.
#[inline]
pub(crate) fn awaits_capture(
    shared: &Shared,
    local: &mut Local,
    db: u16,
    command: &'static Command,
    argv: &[&[u8]],
    guard: &mut Guard<'_>,
) -> bool {
    command.spec.flags.contains(Flags::WRITE)
        && shared.keyspace.is_walking()
        && any_awaits_capture(shared, local, db, command, argv, guard)
}

#[cold]
fn any_awaits_capture(
    shared: &Shared,
    local: &mut Local,
    db: u16,
    command: &'static Command,
    argv: &[&[u8]],
    guard: &mut Guard<'_>,
) -> bool {
    let context = local.context(db, true);
    let mut keys = Keys::new(&shared.keyspace, guard, &mut local.scratch, context);
    let mut awaits = false;
    // All are asked for, so that they are captured one after the other.
    positions(command.spec, argv, |at, flags| {
        if !flags.intersects(KeyFlags::RO | KeyFlags::NOT_KEY) {
            awaits |= keys.awaits_capture(argv[at]);
        }
    });
    awaits
}

/// The same for commands that run one after the other under the same locks, beginning in a database.
pub(crate) fn any_of_all_awaits_capture<'a, A: AsRef<[u8]> + 'a>(
    shared: &Shared,
    local: &mut Local,
    mut db: u16,
    all: impl Iterator<Item = (&'static Command, &'a [A])>,
    guard: &mut Guard<'_>,
) -> bool {
    if !shared.keyspace.is_walking() {
        return false;
    }
    let mut awaits = false;
    for (command, argv) in all {
        let argv: Vec<&[u8]> = argv.iter().map(AsRef::as_ref).collect();
        if command.spec.name == "select" {
            db = selected(shared, &argv).unwrap_or(db);
        }
        awaits |= awaits_capture(shared, local, db, command, &argv, guard);
    }
    awaits
}

/// The database that SELECT will switch to.
fn selected(shared: &Shared, argv: &[&[u8]]) -> Option<u16> {
    let db = u16::try_from(parse_i64(argv.get(1)?)?).ok()?;
    (usize::from(db) < shared.keyspace.databases()).then_some(db)
}

/// The same for the transaction of a client.
pub(crate) fn transaction_awaits_capture(
    shared: &Shared,
    local: &mut Local,
    client: &Client,
    guard: &mut Guard<'_>,
) -> bool {
    let queue = client.multi.iter().flat_map(|multi| &multi.queue);
    let all = queue.map(|queued| (queued.command, queued.argv.as_slice()));
    any_of_all_awaits_capture(shared, local, client.db, all, guard)
}

/// The same for the command of a blocked client.
pub(super) fn ticket_awaits_capture(
    shared: &Shared,
    local: &mut Local,
    ticket: &Ticket,
    guard: &mut Guard<'_>,
) -> bool {
    if !shared.keyspace.is_walking() {
        return false;
    }
    let argv: Vec<&[u8]> = ticket.argv.iter().map(|arg| &**arg).collect();
    shared
        .commands
        .resolve(&argv)
        .is_ok_and(|command| awaits_capture(shared, local, ticket.db, command, &argv, guard))
}
