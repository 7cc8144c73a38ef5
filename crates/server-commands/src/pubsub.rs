//! Channels: PUBLISH says, SUBSCRIBE listens, PSUBSCRIBE listens by pattern.

use crate::wrong_arguments;
use command_spec::*;
use commands::Error;
use engine::cx::{Flow, Suspend};
use engine::exec::publish;
use engine::stats::Counter;
use server::{ServerCommand, ServerCx};
use session::Client;
use session::pubsub::PubSub;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) const COMMANDS: &[ServerCommand] = &[
    ServerCommand::new(&PUBLISH, publish_command),
    ServerCommand::new(&SUBSCRIBE, subscribe),
    ServerCommand::new(&UNSUBSCRIBE, unsubscribe),
    ServerCommand::new(&PSUBSCRIBE, psubscribe),
    ServerCommand::new(&PUNSUBSCRIBE, punsubscribe),
    ServerCommand {
        spec: &PUBSUB,
        run: crate::container,
        subcommands: &[
            ServerCommand::new(&PUBSUB_CHANNELS, channels),
            ServerCommand::new(&PUBSUB_NUMSUB, numsub),
            ServerCommand::new(&PUBSUB_NUMPAT, numpat),
            ServerCommand::new(&PUBSUB_HELP, help),
        ],
    },
];

const LISTEN: Flags = Flags::PUBSUB.union(Flags::NOSCRIPT).union(Flags::LOADING).union(Flags::STALE);

/// `PUBLISH`
const PUBLISH: Spec = Spec {
    name: "publish",
    summary: "Sends a message to all who listen to a channel.",
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of subscribed patterns (by any client)",
    arity: 3,
    flags: Flags::PUBSUB
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::FAST)
        .union(Flags::MAY_REPLICATE),
    channels: Channels::First,
    args: &[Arg::string("channel"), Arg::string("message")],
    reply: Shape::COUNT,
    ..Spec::BASE
};

fn publish_command(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    // What goes into the stream does so inside the gate: in the world the stream's position stands still.
    if cx.server.stream.is_on() && !cx.in_exec && !cx.local.enter_admitted(cx.server, cx.client.id) {
        return Ok(Flow::Suspend(Suspend::Gate));
    }
    let receivers = publish(cx.server, cx.local, Some(cx.client), argv[1], argv[2]);
    cx.server.stats.add(cx.local.thread, Counter::Published, 1);
    if cx.server.stream.is_on() {
        // Replicas have listeners of their own.
        let db = cx.client.db;
        if cx.in_exec {
            cx.local.scratch.effects.replicate(db, argv);
        } else {
            let effects = &mut cx.local.scratch.effects;
            effects.begin();
            effects.replicating = true;
            effects.replicate(db, argv);
            let position = cx.server.stream.append(effects);
            cx.client.wrote(position, cx.server.committed.load(Ordering::Acquire));
        }
    }
    cx.out().int(receivers as i64);
    Ok(Flow::Done)
}

/// Writes the notice of a subscription or of its end, which CLIENT REPLY does not switch off.
fn notice(client: &mut Client, kind: &str, name: Option<&[u8]>, count: usize) {
    client.outbox.push(client.proto, false, |out| {
        out.push(3);
        out.bulk(kind.as_bytes());
        match name {
            Some(name) => out.bulk(name),
            None => out.null(),
        }
        out.int(count as i64);
    });
}

fn count(client: &Client) -> usize {
    let (channels, patterns) =
        client.subscriptions.as_ref().map_or((0, 0), |subs| (subs.channels.len(), subs.patterns.len()));
    client.shared.channels.store(channels as u32, Ordering::Relaxed);
    client.shared.patterns.store(patterns as u32, Ordering::Relaxed);
    client.note_interests();
    channels + patterns
}

/// What was listened to, and to how much the client listens now.
const NOTICE: Shape = Shape::Push(&[Shape::Bulk, Shape::BULK_OR_NULL, Shape::COUNT]);
/// What listening, and its end, does.
const NOTICES: Behaviour = Behaviour::RUNS_SUBSCRIBED.union(Behaviour::ANSWERS_BY_NOTICES);

/// `SUBSCRIBE`
const SUBSCRIBE: Spec = Spec {
    name: "subscribe",
    summary: "Listens to channels.",
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N) where N is the number of channels to subscribe to",
    arity: -2,
    flags: LISTEN,
    behaviour: NOTICES,
    channels: Channels::All,
    args: &[Arg::string("channel").multiple()],
    reply: NOTICE,
    ..Spec::BASE
};

fn subscribe(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    for &name in &argv[1..] {
        let listener = cx.client.listener();
        let subs = cx.client.subscriptions.get_or_insert_default();
        if !subs.channels.contains(name) {
            let channel: Arc<[u8]> = name.into();
            subs.name_bytes += name.len();
            subs.channels.insert(channel.clone());
            cx.server.pubsub.subscribe(&channel, listener);
        }
        let count = count(cx.client);
        notice(cx.client, "subscribe", Some(name), count);
    }
    Ok(Flow::Done)
}

/// `PSUBSCRIBE`
const PSUBSCRIBE: Spec = Spec {
    name: "psubscribe",
    summary: "Listens to all channels whose names match patterns.",
    complexity: "O(N) where N is the number of patterns to subscribe to",
    channels: Channels::Patterns,
    args: &[Arg::new("pattern", ArgKind::Pattern(None)).multiple()],
    ..SUBSCRIBE
};

fn psubscribe(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    for &name in &argv[1..] {
        let listener = cx.client.listener();
        let subs = cx.client.subscriptions.get_or_insert_default();
        if !subs.patterns.contains(name) {
            let pattern: Arc<[u8]> = name.into();
            subs.name_bytes += name.len();
            subs.patterns.insert(pattern.clone());
            cx.server.pubsub.subscribe_pattern(&pattern, listener);
        }
        let count = count(cx.client);
        notice(cx.client, "psubscribe", Some(name), count);
    }
    Ok(Flow::Done)
}

/// `UNSUBSCRIBE`
const UNSUBSCRIBE: Spec = Spec {
    name: "unsubscribe",
    summary: "Stops listening to channels, or to all of them.",
    since: "2.0.0",
    group: Group::PubSub,
    complexity: "O(N) where N is the number of channels to unsubscribe",
    arity: -1,
    flags: LISTEN,
    behaviour: NOTICES,
    args: &[Arg::string("channel").optional().multiple()],
    reply: NOTICE,
    ..Spec::BASE
};

fn unsubscribe(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    unsubscribe_from(&cx.server.pubsub, cx.client, argv, Listened::Channels);
    Ok(Flow::Done)
}

/// `PUNSUBSCRIBE`
const PUNSUBSCRIBE: Spec = Spec {
    name: "punsubscribe",
    summary: "Stops listening to patterns, or to all of them.",
    complexity: "O(N) where N is the number of patterns to unsubscribe",
    args: &[Arg::new("pattern", ArgKind::Pattern(None)).optional().multiple()],
    ..UNSUBSCRIBE
};

fn punsubscribe(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    unsubscribe_from(&cx.server.pubsub, cx.client, argv, Listened::Patterns);
    Ok(Flow::Done)
}

/// What somebody listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listened {
    Channels,
    Patterns,
}

fn unsubscribe_from(pubsub: &PubSub, client: &mut Client, argv: &[&[u8]], what: Listened) {
    let kind = if what == Listened::Channels { "unsubscribe" } else { "punsubscribe" };
    let listener = client.listener();
    let names: Vec<Arc<[u8]>> = match (&client.subscriptions, argv.len()) {
        (Some(subs), 1) if what == Listened::Channels => subs.channels.iter().cloned().collect(),
        (Some(subs), 1) => subs.patterns.iter().cloned().collect(),
        _ => argv[1..].iter().map(|&name| name.into()).collect(),
    };
    if names.is_empty() {
        let count = count(client);
        return notice(client, kind, None, count);
    }
    for name in names {
        if let Some(subs) = &mut client.subscriptions {
            if what == Listened::Channels && subs.channels.remove(&name) {
                subs.name_bytes -= name.len();
                pubsub.unsubscribe(&name, listener);
            } else if what == Listened::Patterns && subs.patterns.remove(&name) {
                subs.name_bytes -= name.len();
                pubsub.unsubscribe_pattern(&name, listener);
            }
        }
        let count = count(client);
        notice(client, kind, Some(&name), count);
    }
}

/// Ends all subscriptions without a word: RESET.
pub fn forget_all(pubsub: &PubSub, client: &mut Client) {
    let listener = client.listener();
    if let Some(subs) = client.subscriptions.take() {
        subs.channels.iter().for_each(|channel| pubsub.unsubscribe(channel, listener));
        subs.patterns.iter().for_each(|pattern| pubsub.unsubscribe_pattern(pattern, listener));
    }
    count(client);
}

/// `PUBSUB`
const PUBSUB: Spec = Spec {
    name: "pubsub",
    summary: "A container for commands that tell who listens to what.",
    since: "2.8.0",
    group: Group::PubSub,
    complexity: "Depends on subcommand",
    arity: -2,
    ..Spec::BASE
};

const ASK: Flags = Flags::PUBSUB.union(Flags::LOADING).union(Flags::STALE);

/// `PUBSUB CHANNELS`
const PUBSUB_CHANNELS: Spec = Spec {
    name: "channels",
    summary: "Lists the channels somebody listens to.",
    since: "2.8.0",
    group: Group::PubSub,
    complexity: "O(N) where N is the number of active channels, and assuming constant time pattern matching (relatively short channels and patterns)",
    arity: -2,
    flags: ASK,
    args: &[Arg::new("pattern", ArgKind::Pattern(None)).optional()],
    reply: Shape::Array(&Shape::Bulk),
    ..Spec::BASE
};

fn channels(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    if argv.len() > 3 {
        return Err(wrong_arguments("PUBSUB", argv[1]));
    }
    let found = cx.server.pubsub.channels(argv.get(2).copied());
    let mut out = cx.out();
    out.array(found.len());
    found.iter().for_each(|channel| out.bulk(channel));
    Ok(Flow::Done)
}

/// `PUBSUB NUMSUB`
const PUBSUB_NUMSUB: Spec = Spec {
    name: "numsub",
    summary: "Tells how many clients listen to each of some channels.",
    since: "2.8.0",
    group: Group::PubSub,
    complexity: "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
    arity: -2,
    flags: ASK,
    args: &[Arg::string("channel").optional().multiple()],
    reply: Shape::Array(&Shape::OneOf(&[Shape::Bulk, Shape::COUNT])),
    ..Spec::BASE
};

fn numsub(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let counts: Vec<usize> = argv[2..].iter().map(|channel| cx.server.pubsub.listeners(channel)).collect();
    let mut out = cx.out();
    out.array(counts.len() * 2);
    for (channel, count) in argv[2..].iter().zip(counts) {
        out.bulk(channel);
        out.int(count as i64);
    }
    Ok(Flow::Done)
}

/// `PUBSUB NUMPAT`
const PUBSUB_NUMPAT: Spec = Spec {
    name: "numpat",
    summary: "Tells how many different patterns somebody listens to.",
    since: "2.8.0",
    group: Group::PubSub,
    arity: 2,
    flags: ASK,
    reply: Shape::COUNT,
    ..Spec::BASE
};

fn numpat(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let patterns = cx.server.pubsub.pattern_count();
    cx.out().int(patterns as i64);
    Ok(Flow::Done)
}

/// `PUBSUB HELP`
const PUBSUB_HELP: Spec = Spec {
    name: "help",
    summary: "Describes the subcommands.",
    since: "6.2.0",
    group: Group::PubSub,
    arity: 2,
    flags: Flags::LOADING.union(Flags::STALE),
    reply: Shape::HELP,
    ..Spec::BASE
};

fn help(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    crate::help(
        cx,
        "PUBSUB",
        &[
            "CHANNELS [<pattern>]",
            "    Return the currently active channels matching a <pattern> (default: '*').",
            "NUMPAT",
            "    Return number of subscriptions to patterns.",
            "NUMSUB [<channel> ...]",
            "    Return the number of subscribers for the specified channels, excluding",
            "    pattern subscriptions(default: no channels).",
        ],
    )
}
