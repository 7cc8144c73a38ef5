//! Commands during a snapshot: one that would change a large value waits until that value is captured.
//!
//! A value is captured by the thread that saves, in pieces ([`keyspace::Keys::awaits_capture`]). A command that would change
//! it is suspended before it has done anything, and gives back the locks that it took for the check. Commands that read the value, or
//! change another key, go on. Without a snapshot the check costs one relaxed load.
//!
//! Limits: only keys that a command names in its own database are checked. A command that reaches a large value in another way (the
//! destination of COPY in another database, a command that needs the world) captures the rest of it itself.

use super::Local;
use crate::engine::Engine;
use command_spec::{Behaviour, Flags, KeyFlags};
use command_table::Resolved;
use keyspace::{Guard, Keys, Ticket};
use number::parse_i64;
use session::Client;

/// Whether a command must wait for the capture of a key that it may change; it is asked for then. The command's keys are
/// locked.
#[inline]
pub(super) fn awaits_capture(
    engine: &Engine,
    local: &mut Local,
    db: u16,
    request: &Resolved<'_>,
    guard: &mut Guard<'_>,
) -> bool {
    request.command.spec.flags.contains(Flags::WRITE)
        && engine.keyspace.is_walking()
        && any_awaits_capture(engine, local, db, request, guard)
}

#[cold]
fn any_awaits_capture(
    engine: &Engine,
    local: &mut Local,
    db: u16,
    request: &Resolved<'_>,
    guard: &mut Guard<'_>,
) -> bool {
    let context = local.context(db, true);
    let mut space = Keys::new(&engine.keyspace, guard, &mut local.scratch, context);
    let mut awaits = false;
    // All are asked for, so that they are captured one after the other.
    for key in request.keys().iter() {
        if !key.flags.intersects(KeyFlags::RO | KeyFlags::NOT_KEY) {
            awaits |= space.awaits_capture(request.argv[key.at]);
        }
    }
    awaits
}

/// The same for commands that run one after the other under the same locks, beginning in a database.
pub fn any_of_all_awaits_capture<'r>(
    engine: &Engine,
    local: &mut Local,
    db: u16,
    all: impl Iterator<Item = &'r Resolved<'r>>,
    guard: &mut Guard<'_>,
) -> bool {
    let mut sequence = Sequence { db, awaits: false };
    if engine.keyspace.is_walking() {
        all.for_each(|request| sequence.look(engine, local, request, guard));
    }
    sequence.awaits
}

/// Commands that run one after the other, as far as they were looked at.
struct Sequence {
    db: u16,
    awaits: bool,
}

impl Sequence {
    fn look(&mut self, engine: &Engine, local: &mut Local, request: &Resolved<'_>, guard: &mut Guard<'_>) {
        if request.command.spec.behaviour.contains(Behaviour::SELECTS_DATABASE) {
            self.db = selected(engine, request.argv).unwrap_or(self.db);
        }
        self.awaits |= awaits_capture(engine, local, self.db, request, guard);
    }
}

/// The database that SELECT will switch to.
fn selected(engine: &Engine, argv: &[&[u8]]) -> Option<u16> {
    let db = u16::try_from(parse_i64(argv.get(1)?)?).ok()?;
    (usize::from(db) < engine.keyspace.databases()).then_some(db)
}

/// The same for the transaction of a client.
pub fn transaction_awaits_capture(
    engine: &Engine,
    local: &mut Local,
    client: &Client,
    guard: &mut Guard<'_>,
) -> bool {
    let mut sequence = Sequence { db: client.db, awaits: false };
    if engine.keyspace.is_walking() {
        for queued in client.multi.iter().flat_map(|multi| &multi.queue) {
            queued.with(|request| sequence.look(engine, local, request, guard));
        }
    }
    sequence.awaits
}

/// The same for the command of a blocked client.
pub(super) fn ticket_awaits_capture(
    engine: &Engine,
    local: &mut Local,
    ticket: &Ticket,
    guard: &mut Guard<'_>,
) -> bool {
    if !engine.keyspace.is_walking() {
        return false;
    }
    let argv: Vec<&[u8]> = ticket.argv.iter().map(|arg| &**arg).collect();
    let request = Resolved::new(engine.commands.by_id()[ticket.command], &argv, &[]);
    awaits_capture(engine, local, ticket.db, &request, guard)
}
