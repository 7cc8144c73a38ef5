//! Transactions: MULTI queues, EXEC runs all or nothing at once, WATCH makes it depend on keys.
//!
//! EXEC takes the strongest need of its queue, and the slots of the watched keys with them: between the check of the watches
//! and the last command nobody else comes in. The effects of all commands are one effect in the stream. Clients that
//! block on keys are served after the whole body.

use acl::Denied;
use acl::log::Origin;
use command_spec::*;
use command_table::{Locks, Resolved, locks_of_all};
use commands::Error;
use engine::access::permit;
use engine::cx::{Flow, Suspend};
use engine::exec::{
    call, count_call, emit, give_world_back, note_slow, own_world, serve_unserved,
    transaction_awaits_capture, write_error,
};
use keyspace::{Guard, Keys};
use server::{ServerCommand, ServerCx};
use session::Watching;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use topology::Slot;

pub(crate) const COMMANDS: &[ServerCommand] = &[
    ServerCommand::new(&MULTI, multi),
    ServerCommand::new(&EXEC, exec),
    ServerCommand::new(&DISCARD, discard),
    ServerCommand::new(&WATCH, watch),
    ServerCommand::new(&UNWATCH, unwatch),
];

/// They refused themselves inside MULTI, which left the transaction alive.
const REFUSES_ITSELF: (&str, Change) = ("7.2.0", |spec| spec.flags.remove(Flags::NO_MULTI));

/// `MULTI`
const MULTI: Spec = Spec {
    name: "multi",
    summary: "Starts a transaction: the commands that follow are queued until EXEC.",
    since: "1.2.0",
    group: Group::Transactions,
    arity: 1,
    flags: Flags::NOSCRIPT
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::FAST)
        .union(Flags::NO_MULTI)
        .union(Flags::ALLOW_BUSY),
    behaviour: Behaviour::RUNS_IN_MULTI.union(Behaviour::BEGINS_TRANSACTION),
    categories: Categories::TRANSACTION,
    reply: Shape::OK,
    before: &[REFUSES_ITSELF],
    ..Spec::BASE
};

fn multi(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    if cx.client.multi.is_some() {
        return Err(Error::text("ERR MULTI calls can not be nested"));
    }
    cx.client.multi = Some(Default::default());
    cx.client.shared.queued.store(0, Ordering::Relaxed);
    cx.out().ok();
    Ok(Flow::Done)
}

/// `DISCARD`
const DISCARD: Spec = Spec {
    name: "discard",
    summary: "Ends a transaction without running what was queued.",
    since: "2.0.0",
    group: Group::Transactions,
    complexity: "O(N), when N is the number of queued commands",
    arity: 1,
    flags: Flags::NOSCRIPT
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::FAST)
        .union(Flags::ALLOW_BUSY),
    behaviour: Behaviour::RUNS_IN_MULTI,
    categories: Categories::TRANSACTION,
    reply: Shape::OK,
    ..Spec::BASE
};

fn discard(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    if cx.client.multi.is_none() {
        return Err(Error::text("ERR DISCARD without MULTI"));
    }
    cx.client.discard();
    cx.out().ok();
    Ok(Flow::Done)
}

/// `WATCH`
const WATCH: Spec = Spec {
    name: "watch",
    summary: "Makes the next transaction depend on keys: EXEC does nothing if one of them changes before it.",
    since: "2.2.0",
    group: Group::Transactions,
    complexity: "O(1) for every key",
    arity: -2,
    flags: Flags::NOSCRIPT
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::FAST)
        .union(Flags::NO_MULTI)
        .union(Flags::ALLOW_BUSY),
    behaviour: Behaviour::RUNS_IN_MULTI,
    categories: Categories::TRANSACTION,
    keys: &[KeySpec::rest(1, KeyFlags::RO)],
    args: &[Arg::key("key").multiple()],
    reply: Shape::OK,
    need: Need::Keys,
    before: &[REFUSES_ITSELF],
    ..Spec::BASE
};

fn watch(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    if cx.client.multi.is_some() {
        return Err(Error::text("ERR WATCH inside MULTI is not allowed"));
    }
    let client = &mut *cx.client;
    let context = cx.local.context(client.db, true);
    let guard = cx.guard.as_deref_mut().expect("WATCH locks its keys");
    let mut keys = Keys::new(&cx.server.keyspace, guard, &mut cx.local.scratch, context);
    let watching = client.watching.get_or_insert_with(|| {
        Box::new(Watching { watch: Arc::default(), keys: HashMap::new(), key_bytes: 0 })
    });
    for &key in &argv[1..] {
        if let Entry::Vacant(place) = watching.keys.entry((client.db, key.into())) {
            keys.watch(key, &watching.watch);
            place.insert(keys.now_ms());
            watching.key_bytes += key.len();
        }
    }
    client.shared.watched.store(watching.keys.len() as u32, Ordering::Relaxed);
    client.note_interests();
    cx.out().ok();
    Ok(Flow::Done)
}

/// `UNWATCH`
const UNWATCH: Spec = Spec {
    name: "unwatch",
    summary: "Forgets all watched keys.",
    since: "2.2.0",
    group: Group::Transactions,
    arity: 1,
    flags: Flags::NOSCRIPT
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::FAST)
        .union(Flags::ALLOW_BUSY),
    categories: Categories::TRANSACTION,
    reply: Shape::OK,
    ..Spec::BASE
};

fn unwatch(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    cx.client.unwatch();
    cx.out().ok();
    Ok(Flow::Done)
}

/// `EXEC`
const EXEC: Spec = Spec {
    name: "exec",
    summary: "Runs all commands of a transaction.",
    since: "1.2.0",
    group: Group::Transactions,
    complexity: "Depends on commands in the transaction",
    arity: 1,
    flags: Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE).union(Flags::SKIP_SLOWLOG),
    behaviour: Behaviour::RUNS_IN_MULTI.union(Behaviour::RUNS_QUEUE),
    categories: Categories::TRANSACTION,
    reply: Shape::OneOf(&[Shape::Array(&Shape::Any), Shape::NullArray]),
    ..Spec::BASE
};

fn exec(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let Some(multi) = &cx.client.multi else { return Err(Error::text("ERR EXEC without MULTI")) };
    if multi.aborted {
        cx.client.discard();
        return Err(Error::text("EXECABORT Transaction discarded because of previous errors."));
    }
    let server = cx.server;
    let Some(need) = needs(cx) else {
        if !own_world(server, cx.local, cx.client.id) {
            return Ok(Flow::Suspend(Suspend::Gate));
        }
        cx.local.begin_passage(server);
        let world = cx.local.standing.world(&server.keyspace);
        let flow = run_queue(cx, world);
        give_world_back(server, cx.local);
        return Ok(flow);
    };
    if !cx.local.enter_admitted(server, cx.client.id) {
        return Ok(Flow::Suspend(Suspend::Gate));
    }
    let flow = match cx.local.lock(server, &need) {
        Ok(guard) => run_queue(cx, guard),
        Err(busy) => return Ok(Flow::Suspend(Suspend::Slot(busy))),
    };
    if !cx.local.unserved.is_empty() {
        serve_unserved(server, cx.local);
    }
    Ok(flow)
}

/// The slots of everything queued and watched, ascending; `None` when only the world is enough.
fn needs(cx: &ServerCx<'_, '_>) -> Option<Vec<Slot>> {
    let queue = cx.client.multi.iter().flat_map(|multi| &multi.queue);
    let locks = queue.map(|queued| match queued.command.spec.behaviour.contains(Behaviour::WORLD_IN_EXEC) {
        true => Locks::World,
        false => queued.locks(),
    });
    let watched = cx.client.watching.iter().flat_map(|watching| watching.keys.keys());
    locks_of_all(locks, watched.map(|(_, key)| Slot::of(key)))
}

/// Whether a watched key changed, or reached its expiry since it was watched.
fn is_spoilt(cx: &mut ServerCx<'_, '_>, guard: &mut Guard<'_>) -> bool {
    let Some(watching) = &cx.client.watching else { return false };
    if watching.watch.is_touched() {
        return true;
    }
    watching.keys.iter().any(|((db, key), since_ms)| {
        let context = cx.local.context(*db, true);
        let mut keys = Keys::new(&cx.server.keyspace, guard, &mut cx.local.scratch, context);
        keys.expired_since(key, *since_ms)
    })
}

/// Runs what was queued, under locks that cover all of it. The connection may have to end after it.
fn run_queue(cx: &mut ServerCx<'_, '_>, mut guard: Guard<'_>) -> Flow {
    if transaction_awaits_capture(cx.server, cx.local, cx.client, &mut guard) {
        return Flow::Suspend(Suspend::Capture);
    }
    cx.local.scratch.effects.begin();
    if is_spoilt(cx, &mut guard) {
        cx.client.discard();
        cx.out().null_array();
        return Flow::Done;
    }
    let queue = cx.client.take_queue();
    cx.client.unwatch();
    cx.out().array(queue.len());
    let mut flow = Flow::Done;
    for queued in &queue {
        let start = cx.client.outbox.len();
        let is_over = matches!(flow, Flow::Close);
        if let Flow::Close = queued.with(|request| run_queued(cx, request, &mut guard)) {
            flow = Flow::Close;
        }
        // What comes after the end of the connection is done but not told.
        if is_over {
            cx.client.take_back(start);
        }
    }
    cx.client.shared.queued.store(-1, Ordering::Relaxed);
    emit(cx.server, cx.local, cx.client, &mut guard);
    cx.local.release(guard);
    flow
}

fn run_queued(cx: &mut ServerCx<'_, '_>, request: &Resolved<'_>, guard: &mut Guard<'_>) -> Flow {
    if let Err(denied) = permit_queued(cx, request) {
        let line = denied.line_in_exec();
        cx.server.stats.error(cx.local.thread, &line);
        cx.client.writer().error(line);
        return Flow::Done;
    }
    let start = cx.client.outbox.len();
    let began = std::time::Instant::now();
    let outcome = call(cx.server, cx.local, cx.client, request, guard, true);
    let nanoseconds = began.elapsed().as_nanos() as u64;
    let failed = outcome.is_err();
    let flow = outcome.unwrap_or_else(|error| {
        cx.client.take_back(start);
        write_error(cx.client, &error);
        cx.server.stats.error(cx.local.thread, &error);
        Flow::Done
    });
    count_call(cx.server, cx.local, cx.client, request.command.run.id, nanoseconds, failed);
    note_slow(cx.server, cx.local, cx.client, request, nanoseconds);
    flow
}

/// Whether a command may run that was allowed when it was queued: a command before it may have changed that.
fn permit_queued(cx: &mut ServerCx<'_, '_>, request: &Resolved<'_>) -> Result<(), Denied> {
    let server = cx.server;
    if !server.access.is_current(cx.client) && !server.access.follow(cx.client) {
        // The connection ends behind the transaction; what is left of it runs as whoever comes.
        let (user, authenticated) = server.newcomer(cx.client.endpoint);
        cx.client.become_user(user, authenticated);
    }
    match cx.client.user.user().is_unrestricted() {
        true => Ok(()),
        false => permit(server, cx.local, cx.client, request, Origin::Multi),
    }
}
