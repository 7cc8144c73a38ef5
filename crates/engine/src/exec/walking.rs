//! Commands that walk the keyspace in pieces. Between two pieces the worker serves its other clients, and a thread that wants the
//! world gets it.
//!
//! ```text
//!   piece ── its time is over, or the gate was closed ──▶ tried again in the next turn ─┐
//!     ▲   └─ a slot is busy ──▶ tried again when it is free ────────────────────────────┤
//!     └──────────────────────── client.walk: progress, reply so far, time ──────────────┘
//! ```
//! Each piece passes admission and the gate like a command of its own, and its effects leave at its end. The reply so far is kept
//! apart from the client's other replies: earlier ones are sent meanwhile, and messages may come in between. The walk ends with its
//! command, however that ends. Inside EXEC a walk is one piece, since EXEC holds all its locks.

use super::{Local, locked};
use crate::cx::{Flow, Host, Suspend};
use crate::engine::Engine;
use crate::moment::Moment;
use command_table::Resolved;
use command_table::Run;
use commands::{Error, Handler};
use keyspace::SlotBusy;
use session::Client;
use std::time::Duration;
use topology::Slot;

/// How long a piece takes, at most a few microseconds more.
const PIECE: Duration = Duration::from_micros(500);

/// Whether a piece that began then is over: others want to run too.
pub(super) fn is_over(engine: &Engine, began: Moment) -> bool {
    engine.keyspace.gate().is_closed() || began.elapsed() >= PIECE
}

/// Runs a command that holds one slot at a time, or its next piece. The thread is inside the gate.
pub(super) fn run<H: Host>(
    host: &H,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
) -> Result<Flow, Error> {
    let guard = host.keyspace.walk_slots();
    if !matches!(request.command.run.run, Run::Data(data) if matches!(data.run, Handler::Walking(_))) {
        return locked(host, local, client, request, guard);
    }
    let walk = client.walk.get_or_insert_default();
    client.outbox.swap(&mut walk.reply);
    let outcome = locked(host, local, client, request, guard);
    let walk = client.walk.get_or_insert_default();
    client.outbox.swap(&mut walk.reply);
    match outcome {
        Ok(Flow::Done) => {
            let reply = std::mem::take(&mut walk.reply);
            client.outbox.append_long(reply);
            Ok(Flow::Done)
        }
        Err(Error::SlotBusy(slot)) => {
            let slot = Slot::new(slot).expect("a slot that was to be locked");
            Ok(Flow::Suspend(Suspend::Slot(SlotBusy(slot))))
        }
        other => other,
    }
}
