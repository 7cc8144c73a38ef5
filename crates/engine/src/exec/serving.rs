//! Serves clients that block on keys. The command that made a key ready runs the commands that wait for it: under its own locks if
//! they suffice, otherwise right after, with the locks that the first of them needs.

use super::capture::ticket_awaits_capture;
use super::publishing::publish_events;
use super::{Local, append};
use crate::access::{Standing, standing};
use crate::engine::Engine;
use command_spec::Flags;
use command_table::{Resolved, Run};
use commands::{Cx, Effort, Error, Handler};
use keyspace::{Expiry, Guard, Keys, KeysContext, SlotBusy, Ticket};
use resp::{Proto, Writer};
use session::Ended;
use session::{Answer, Message};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use table::Kind;
use topology::Slot;

/// Serves clients that block on keys that became ready, in the order of their arrival, as far as the locks they need are
/// among those held and no snapshot is in their way. What they do can make further keys ready.
pub(super) fn serve(engine: &Engine, local: &mut Local, guard: &mut Guard<'_>) {
    // The command that made them ready may have taken long.
    local.now_ms = crate::engine::unix_ms();
    // Those that need more than is held are looked at once, however many of their keys became ready.
    let mut refused: HashMap<*const Ticket, Arc<Ticket>> = HashMap::new();
    while let Some((db, key)) = local.scratch.effects.ready.pop() {
        let mut from = 0;
        loop {
            let context = glance(engine, local, db);
            let mut keys = Keys::new(&engine.keyspace, guard, &mut local.scratch, context);
            let is_gone = keys.peek(&key).is_none();
            let waiter = keys.waiter(db, &key, from);
            if is_gone {
                // It may have been removed just now, which the stream is told.
                append(engine, local);
            }
            let Some((at, ticket)) = waiter else { break };
            if is_gone && awaited(engine, &ticket).is_some() {
                // It waits on, for a value.
                from = at + 1;
                continue;
            }
            let keys = Keys::new(&engine.keyspace, guard, &mut local.scratch, context);
            let is_refused = refused.contains_key(&Arc::as_ptr(&ticket))
                || !ticket.slots.iter().all(|&slot| keys.covers(slot))
                || ticket_awaits_capture(engine, local, &ticket, guard);
            if is_refused {
                refused.insert(Arc::as_ptr(&ticket), ticket);
                local.unserved.push((db, key.clone()));
                break;
            }
            // Claimed under all of its locks: nobody else can be serving it, so only its client can be faster.
            if !ticket.claim() {
                continue;
            }
            let answer = serve_ticket(engine, local, guard, &ticket, &key);
            let position = append(engine, local).unwrap_or(0);
            if let Some(answer) = answer {
                let context = local.context(db, true);
                Keys::new(&engine.keyspace, guard, &mut local.scratch, context).served(db, &key, &ticket);
                engine.mailboxes[ticket.worker].post(Message::Answer(Answer { position, ..answer }));
            } else {
                ticket.release();
                from = at + 1;
            }
        }
    }
}

/// How a key that became ready is looked at. Redis 7.0 removes one whose time has come, later versions leave it to others.
fn glance(engine: &Engine, local: &Local, db: u16) -> KeysContext {
    let context = local.context(db, true);
    match context.expiry {
        Expiry::Delete if engine.since_7_2 => KeysContext { expiry: Expiry::Hide, ..context },
        _ => context,
    }
}

/// Runs a claimed ticket's command because of a key that became ready: its answer, unless it waits on.
fn serve_ticket(
    engine: &Engine,
    local: &mut Local,
    guard: &mut Guard<'_>,
    ticket: &Arc<Ticket>,
    key: &[u8],
) -> Option<Answer> {
    let argv: Vec<&[u8]> = ticket.argv.iter().map(|arg| &**arg).collect();
    let command = engine.commands.by_id()[ticket.command];
    let Run::Data(data) = command.run.run else { unreachable!("only data commands wait for keys") };
    if command.spec.flags.contains(Flags::WRITE) && engine.role.is_replica.load(Ordering::Relaxed) {
        // The node follows a primary by now, and its worker is about to say so.
        return None;
    }
    let context = local.context(ticket.db, true);
    if let Some(kind) = awaited(engine, ticket)
        && Keys::new(&engine.keyspace, guard, &mut local.scratch, context).peek(key)?.kind() != kind
    {
        return None;
    }
    let mut reply = Vec::new();
    let proto = if ticket.resp3 { Proto::Resp3 } else { Proto::Resp2 };
    match standing(engine, local, ticket, &Resolved::new(command, &argv, &[])) {
        Standing::Permitted => {}
        Standing::Gone => return None,
        Standing::Denied(line) => {
            let error = Error::Bytes(line.into());
            engine.stats.rejected(local.thread, command.run.id);
            engine.stats.error(local.thread, &error);
            if let Error::Bytes(line) = &error {
                Writer::new(&mut reply, proto).error(line);
            }
            let (wait, position, ended) = (0, 0, Ended::Denied);
            return Some(Answer { client: ticket.client, wait, reply, position, ended });
        }
    }
    let began = Instant::now();
    let mut cx = Cx {
        keys: Keys::new(&engine.keyspace, guard, &mut local.scratch, context),
        out: Writer::new(&mut reply, proto),
        settings: &local.settings,
        options: &local.options,
        random: &mut local.random,
        effort: Effort::ANY,
        peers: engine,
        may_block: true,
        // None of the commands that wait follows patterns.
        may_read_all_keys: true,
        piece: None,
        ready: Some(key),
    };
    let mut failed = false;
    match commands::run(data, &mut cx, &argv) {
        Ok(commands::Flow::Block(_) | commands::Flow::Rest(_) | commands::Flow::Unfinished) => {
            return None;
        }
        Ok(commands::Flow::Done) => {}
        Ok(commands::Flow::Failed(error)) | Err(error) => {
            failed = true;
            reply.clear();
            Writer::new(&mut reply, proto).error_value(&error);
            engine.stats.error(local.thread, &error);
        }
    }
    let ended = Ended::Served { nanoseconds: began.elapsed().as_nanos() as u64, failed };
    Some(Answer { client: ticket.client, wait: 0, reply, position: 0, ended })
}

/// The type of value that a ticket's command waits for; without one it waits for whatever becomes of the key.
fn awaited(engine: &Engine, ticket: &Ticket) -> Option<Kind> {
    let Run::Data(data) = engine.commands.by_id()[ticket.command].run.run else {
        unreachable!("only data commands wait for keys")
    };
    let Handler::Blocking { awaits, .. } = data.run else { unreachable!("it waits") };
    awaits
}

/// Serves clients that need other locks than those that were held when a key became ready.
pub fn serve_unserved(engine: &Engine, local: &mut Local) {
    let mut waiting = std::mem::take(&mut local.unserved).into_iter();
    while let Some((db, key)) = waiting.next() {
        if !local.enter(engine) {
            local.unserved.push((db, key));
            if !local.standing.wait(&*engine.keyspace) {
                engine.wake(local.thread);
            }
            continue;
        }
        if engine.pauses.holds_writes(local.now_ms) {
            // What they would take is a write.
            local.unserved.push((db, key));
            continue;
        }
        if let Err(busy) = serve_first_waiter(engine, local, db, &key) {
            // The others may need the same locks, so they wait as well, and come first then.
            local.unserved.extend(waiting);
            local.unserved.push((db, key));
            if !engine.keyspace.register(busy, local.thread) {
                engine.wake(local.thread);
            }
            return;
        }
    }
}

/// Serves clients that wait for a key under the locks that the first of them needs.
fn serve_first_waiter(engine: &Engine, local: &mut Local, db: u16, key: &[u8]) -> Result<(), SlotBusy> {
    let Some(slots) = slots_of_first_waiter(engine, local, db, key)? else { return Ok(()) };
    let mut guard = engine.keyspace.lock_many(&slots)?;
    local.scratch.effects.begin();
    local.scratch.effects.ready.push(db, key);
    serve(engine, local, &mut guard);
    publish_events(engine, local, None);
    Ok(())
}

/// The slots that the first client waiting for a key needs, and the key's own; `None` when nobody waits.
fn slots_of_first_waiter(
    engine: &Engine,
    local: &mut Local,
    db: u16,
    key: &[u8],
) -> Result<Option<Vec<Slot>>, SlotBusy> {
    let own = Slot::of(key);
    let mut guard = engine.keyspace.lock(own)?;
    let context = local.context(db, true);
    let mut keys = Keys::new(&engine.keyspace, &mut guard, &mut local.scratch, context);
    let Some((_, ticket)) = keys.waiter(db, key, 0) else { return Ok(None) };
    let mut slots = ticket.slots.clone();
    slots.push(own);
    slots.sort_unstable();
    slots.dedup();
    Ok(Some(slots))
}
