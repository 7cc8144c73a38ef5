//! Replication as clients see it: who follows whom, and whether what they wrote has arrived.
//!
//! REPLCONF and PSYNC are a replica's: REPLCONF is answered by the connection's worker, PSYNC takes the connection away from
//! it. WAIT answers at once when it can; else its client waits for the feeder.

use command_spec::*;
use commands::Error;
use config::{Loglevel, PrimaryAddress};
use engine::cx::Flow;
use number::parse_i64;
use replica_threads::feeder::Message;
use replica_threads::{now_ms, role};
use replication::primary::{Action, Event, Primary, SyncCounters};
use replication::{WaitKind, WaitRequest};
use server::{Server, ServerCommand, ServerCx};
use std::sync::atomic::Ordering;

pub(crate) const COMMANDS: &[ServerCommand] = &[
    ServerCommand::new(&REPLICAOF, replicaof),
    ServerCommand::new(&SLAVEOF, replicaof),
    ServerCommand::new(&ROLE, role),
    ServerCommand::new(&WAIT, wait),
    ServerCommand::new(&REPLCONF, replconf),
    ServerCommand::new(&PSYNC, psync),
    ServerCommand::new(&SYNC, sync),
];

const TARGET: &[Arg] = &[Arg::one_of(
    "args",
    &[
        Arg::block("host-port", &[Arg::string("host"), Arg::integer("port")]),
        Arg::block("no-one", &[Arg::word("no", "NO"), Arg::word("one", "ONE")]),
    ],
)];

/// `REPLICAOF`
const REPLICAOF: Spec = Spec {
    name: "replicaof",
    summary: "Makes the node a replica of another, or a primary again.",
    since: "5.0.0",
    group: Group::Server,
    arity: 3,
    flags: Flags::NO_ASYNC_LOADING.union(Flags::ADMIN).union(Flags::NOSCRIPT).union(Flags::STALE),
    args: TARGET,
    reply: Shape::Status,
    need: Need::World,
    ..Spec::BASE
};

/// `SLAVEOF`
const SLAVEOF: Spec =
    Spec { name: "slaveof", since: "1.0.0", deprecated: Some(("5.0.0", "`REPLICAOF`")), ..REPLICAOF };

fn replicaof(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    if argv[1].eq_ignore_ascii_case(b"no") && argv[2].eq_ignore_ascii_case(b"one") {
        if cx.server.role.is_replica.load(Ordering::Acquire) {
            role::promote(&cx.server.replicas);
            cx.server.log(Loglevel::Notice, format_args!("MASTER MODE enabled (user request)"));
        }
        cx.out().ok();
        return Ok(Flow::Done);
    }
    let port = parse_i64(argv[2]).and_then(|port| u16::try_from(port).ok());
    let Some(port) = port else { return Err(Error::text("ERR Invalid master port")) };
    let address = PrimaryAddress { host: argv[1].to_vec(), port };
    let present = cx.server.settings().replicaof.clone();
    let same = present
        .is_some_and(|present| present.host.eq_ignore_ascii_case(&address.host) && present.port == port);
    if same && cx.server.role.is_replica.load(Ordering::Acquire) {
        cx.out().simple("OK Already connected to specified master");
        return Ok(Flow::Done);
    }
    role::follow(&cx.server.replicas, &address, None);
    let host = String::from_utf8_lossy(&address.host).into_owned();
    cx.server.log(Loglevel::Notice, format_args!("REPLICAOF {host}:{port} enabled (user request)"));
    cx.out().ok();
    Ok(Flow::Done)
}

/// ROLE of a primary: its offset, and address and offset of each replica.
const OF_PRIMARY: Shape = Shape::Tuple(&[
    Shape::Bulk,
    Shape::COUNT,
    Shape::Array(&Shape::Tuple(&[Shape::Bulk, Shape::Bulk, Shape::Bulk])),
]);
/// ROLE of a replica: address of its primary, state of the link, and offset.
const OF_REPLICA: Shape =
    Shape::Tuple(&[Shape::Bulk, Shape::Bulk, Shape::COUNT, Shape::Bulk, Shape::AtLeast(-1)]);

/// `ROLE`
const ROLE: Spec = Spec {
    name: "role",
    summary: "Tells whether the node is a primary or a replica, of whom, and how far it is.",
    since: "2.8.12",
    group: Group::Server,
    arity: 1,
    flags: Flags::NOSCRIPT
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::FAST)
        .union(Flags::SENTINEL),
    categories: Categories::ADMIN.union(Categories::DANGEROUS),
    reply: Shape::OneOf(&[OF_PRIMARY, OF_REPLICA]),
    ..Spec::BASE
};

fn role(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let server = cx.server;
    let mut out = cx.out();
    if server.role.is_replica.load(Ordering::Acquire) {
        let primary = server.settings().replicaof.clone();
        let (host, port) = primary.map_or((Vec::new(), 0), |primary| (primary.host, primary.port));
        let link = server.replicas.link();
        out.array(5);
        out.bulk(b"slave");
        out.bulk(&host);
        out.int(port.into());
        let state = replica_threads::info::shown_state(&server.replicas, &link);
        out.bulk(state.role_name().as_bytes());
        out.int(link.replica.role_offset(state));
        return Ok(Flow::Done);
    }
    let fed = server.replicas.primary();
    let replicas = fed.primary.role_replicas();
    out.array(3);
    out.bulk(b"master");
    out.int(fed.primary.offset() as i64);
    out.array(replicas.len());
    for replica in replicas {
        out.array(3);
        out.bulk(replica.ip.as_bytes());
        out.bulk_int(replica.port);
        out.bulk_int(replica.offset as i64);
    }
    Ok(Flow::Done)
}

/// `WAIT`
const WAIT: Spec = Spec {
    name: "wait",
    summary: "Waits until replicas have acknowledged everything that this client wrote.",
    since: "3.0.0",
    group: Group::Generic,
    arity: 3,
    flags: Flags::BLOCKING,
    categories: Categories::CONNECTION,
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    args: &[Arg::integer("numreplicas"), Arg::integer("timeout")],
    reply: Shape::COUNT,
    before: &[("7.2.0", |spec| {
        spec.flags.remove(Flags::BLOCKING);
        spec.flags.insert(Flags::NOSCRIPT);
    })],
    ..Spec::BASE
};

fn wait(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let server = cx.server;
    if server.role.is_replica.load(Ordering::Acquire) {
        return Err(Error::text(
            "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is \
             configured to be writable (which is not the default) writes to replicas are just local and are not \
             propagated.",
        ));
    }
    let replicas = parse_i64(argv[1]).ok_or(Error::NotInteger)?;
    let timeout_ms =
        parse_i64(argv[2]).ok_or(Error::text("ERR timeout is not an integer or out of range"))?;
    if timeout_ms < 0 {
        return Err(Error::text("ERR timeout is negative"));
    }
    // Redis 7.0 lets the sum overflow, and waits for ever.
    if server.profile.has("7.2.0") && engine::unix_ms().saturating_add(timeout_ms as u64) > i64::MAX as u64 {
        return Err(Error::text("ERR timeout is out of range"));
    }
    let offset = cx.client.write_offset;
    let acks = server.replicas.primary().primary.acks(0);
    let have = acks.applied.iter().filter(|&&applied| applied >= offset).count() as i64;
    if have >= replicas || cx.in_exec {
        cx.out().int(have);
        return Ok(Flow::Done);
    }
    let wait = cx.wait_elsewhere();
    let request = WaitRequest {
        client: cx.client.id,
        offset,
        kind: WaitKind::Replicas { replicas: replicas as u64 },
        deadline_ms: (timeout_ms > 0).then(|| now_ms(&server.replicas).saturating_add(timeout_ms as u64)),
    };
    server.replicas.feeder.post(Message::Wait { request, wait, worker: cx.client.shared.worker() });
    Ok(Flow::Blocked)
}

/// `REPLCONF`
const REPLCONF: Spec = Spec {
    name: "replconf",
    summary: "What replicas say of themselves to their primary.",
    since: "3.0.0",
    group: Group::Server,
    arity: -1,
    flags: Flags::ADMIN
        .union(Flags::NOSCRIPT)
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::ALLOW_BUSY),
    behaviour: Behaviour::CONFIGURES_LINK,
    reply: Shape::OK,
    ..Spec::BASE
};

fn replconf(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    cx.client.introduced = true;
    let event = Event::Replconf { link: cx.client.id, args: &argv[1..] };
    step(cx, event, |_, _| {});
    Ok(Flow::Done)
}

/// Takes an event of this client to the primary; whether its connection is a replica's now. Answers are the client's.
///
/// A replica that came is told of, with the counters before it, ahead of all that other threads then do for it and log.
fn step(cx: &mut ServerCx<'_, '_>, event: Event<'_>, tell: impl FnOnce(&Primary, SyncCounters)) -> bool {
    let server = cx.server;
    let mut fed = server.replicas.primary();
    let before = fed.primary.counters();
    let mut actions = Vec::new();
    fed.primary.step(event, now_ms(&server.replicas), &mut actions);
    let attached = actions.iter().any(|action| matches!(action, Action::Attached { .. }));
    if attached {
        tell(&fed.primary, before);
    } else {
        let id = cx.client.id;
        actions.retain(|action| match action {
            Action::Send { link, bytes } if *link == id => {
                cx.client.outbox.append(bytes);
                false
            }
            _ => true,
        });
    }
    server.replicas.post(actions);
    attached
}

/// `PSYNC`
const PSYNC: Spec = Spec {
    name: "psync",
    summary: "Makes the connection a replica's, from a place in a history on.",
    since: "2.8.0",
    group: Group::Server,
    arity: -3,
    flags: SYNC.flags,
    behaviour: Behaviour::ENDS_FRAMING,
    args: &[Arg::string("replicationid"), Arg::integer("offset")],
    reply: Shape::Status,
    ..Spec::BASE
};

fn psync(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    synchronise(cx, Some((argv[1], argv[2])))
}

/// `SYNC`
const SYNC: Spec = Spec {
    name: "sync",
    summary: "Makes the connection a replica's, with a whole data set.",
    since: "1.0.0",
    group: Group::Server,
    arity: 1,
    flags: Flags::NO_ASYNC_LOADING.union(Flags::ADMIN).union(Flags::NO_MULTI).union(Flags::NOSCRIPT),
    behaviour: Behaviour::ENDS_FRAMING,
    reply: Shape::Any,
    ..Spec::BASE
};

fn sync(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    synchronise(cx, None)
}

fn synchronise(cx: &mut ServerCx<'_, '_>, psync: Option<(&[u8], &[u8])>) -> Result<Flow, Error> {
    cx.client.introduced = true;
    let info = cx.client.shared.clone();
    let peer_ip = info.addr.rsplit_once(':').map_or("", |(ip, _)| ip).trim_matches(['[', ']']);
    let pending_output = !cx.client.outbox.is_empty();
    let server = cx.server;
    let event = Event::Sync { link: info.id, peer_ip, psync, pending_output };
    let attached = step(cx, event, |primary, before| {
        log_synchronisation(server, primary, info.id, psync, before);
    });
    Ok(if attached { Flow::Detach } else { Flow::Done })
}

/// Says that a replica came and what it was given.
fn log_synchronisation(
    server: &Server,
    primary: &Primary,
    link: u64,
    psync: Option<(&[u8], &[u8])>,
    before: SyncCounters,
) {
    let name = primary.link_name(link).unwrap_or_default();
    let (counters, history, offset) = (primary.counters(), primary.history(), primary.offset());
    let say = |text: String| server.log(Loglevel::Notice, text);
    say(format!("Replica {name} asks for synchronization"));
    let (id, first_byte) = psync.unwrap_or((b"?", b"-1"));
    let wanted = parse_i64(first_byte).unwrap_or(-1);
    let id = String::from_utf8_lossy(id);
    if counters.partial_ok > before.partial_ok {
        let bytes = (offset + 1).saturating_sub(wanted.max(0) as u64);
        say(format!(
            "Partial resynchronization request from {name} accepted. Sending {bytes} bytes of backlog starting from \
             offset {wanted}."
        ));
    } else if id == "?" {
        say(format!("Full resync requested by replica {name}"));
    } else if history.covers(id.as_bytes(), wanted) {
        say(format!(
            "Unable to partial resync with replica {name} for lack of backlog (Replica request was: {wanted})."
        ));
    } else {
        let (first, second) = (history.id(), history.second_id());
        say(format!(
            "Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '{id}', my replication \
             IDs are '{first}' and '{second}')"
        ));
    }
}
