//! XINFO: what a stream, its groups and its consumers are like.

use super::{counting, no_group_of_key, quoted, read, reply};
use command_spec::*;
use commands::args::{int, is};
use commands::{Command, Cx, Error, Handler::Plain};
use resp::Writer;
use structures::StreamId;
use structures::stream::{Consumer, Group as ConsumerGroup, Ids, Past};

/// `XINFO`
pub(super) const XINFO: Spec = Spec {
    name: "xinfo",
    summary: "Tells about streams, groups and consumers.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "Depends on subcommand",
    arity: -2,
    ..Spec::BASE
};

/// Its subcommands.
pub(super) const SUBCOMMANDS: &[Command] = &[
    Command::new(&XINFO_CONSUMERS, Plain(consumers)),
    Command::new(&XINFO_GROUPS, Plain(groups)),
    Command::new(&XINFO_HELP, Plain(help)),
    Command::new(&XINFO_STREAM, Plain(stream)),
];

pub(super) fn xinfo(_cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    Err(Error::UnknownSubcommand("XINFO", String::from_utf8_lossy(argv[1]).into_owned()))
}

/// Names with what they tell.
const TOLD: Shape = Shape::Map(&Shape::Bulk, &Shape::Any);

/// `XINFO STREAM`
pub(super) const XINFO_STREAM: Spec = Spec {
    name: "stream",
    summary: "Tells about a stream, with FULL about all that is in it.",
    since: "5.0.0",
    group: Group::Stream,
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::one(2, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::block(
            "full-block",
            &[Arg::word("full", "FULL"), Arg::integer("count").token("COUNT").optional()],
        )
        .optional(),
    ],
    reply: TOLD,
    need: Need::Keys,
    ..Spec::BASE
};

/// How many entries of each list FULL tells unless COUNT says otherwise.
const DEFAULT_COUNT: usize = 10;

/// With FULL, how many entries of each list at most.
fn parse(argv: &[&[u8]]) -> Result<Option<usize>, Error> {
    match argv[3..] {
        [] => Ok(None),
        [full] if is(full, "FULL") => Ok(Some(DEFAULT_COUNT)),
        [full, word, count] if is(full, "FULL") && is(word, "COUNT") => Ok(Some(match int(count)? {
            0 => usize::MAX,
            ..0 => DEFAULT_COUNT,
            count => count as usize,
        })),
        _ => {
            let sub = quoted(argv[1]);
            let text = format!(
                "ERR unknown subcommand or wrong number of arguments for '{sub:.128}'. Try XINFO HELP."
            );
            Err(Error::Other(text.into()))
        }
    }
}

fn stream(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (effort, profile) = (cx.effort, cx.options.profile);
    let since_7_2 = profile.has("7.2.0");
    let Some(stream) = read(&mut cx.keys, argv[2])? else { return Err(Error::NoSuchKey) };
    let past = stream.past(counting(profile));
    let most = parse(argv)?;
    effort.compares(stream.nodes_len())?;
    if let Some(most) = most {
        let concerned =
            stream.groups().map(|group| group.pending_len().min(most) * 2 + group.consumers_len());
        effort.writes(4 * (most.min(stream.len()) + concerned.sum::<usize>()))?;
    }
    let out = &mut cx.out;
    let Ids { last, first, max_deleted, entries_added } = stream.ids();
    out.map(if most.is_some() { 9 } else { 10 });
    out.bulk(b"length");
    out.int(stream.len() as i64);
    out.bulk(b"radix-tree-keys");
    out.int(stream.nodes_len() as i64);
    out.bulk(b"radix-tree-nodes");
    out.int(stream.radix_tree_nodes() as i64);
    out.bulk(b"last-generated-id");
    reply::id(out, last);
    out.bulk(b"max-deleted-entry-id");
    reply::id(out, max_deleted);
    out.bulk(b"entries-added");
    out.int(entries_added as i64);
    out.bulk(b"recorded-first-entry-id");
    reply::id(out, first);
    let Some(most) = most else {
        out.bulk(b"groups");
        out.int(stream.groups().len() as i64);
        out.bulk(b"first-entry");
        reply::entry_or_null(out, stream.iter().next());
        out.bulk(b"last-entry");
        reply::entry_or_null(out, stream.range_back(StreamId::MIN, StreamId::MAX).next());
        return Ok(());
    };
    out.bulk(b"entries");
    reply::entries(out, stream.iter().take(most));
    out.bulk(b"groups");
    out.array(stream.groups().len());
    out.each(stream.groups(), |out, group| group_in_full(out, past, group, most, since_7_2));
    Ok(())
}

fn group_in_full(out: &mut Writer<'_>, past: Past, group: &ConsumerGroup, most: usize, since_7_2: bool) {
    out.map(7);
    out.bulk(b"name");
    out.bulk(group.name());
    out.bulk(b"last-delivered-id");
    reply::id(out, group.last_id());
    progress(out, past, group);
    out.bulk(b"pel-count");
    out.int(group.pending_len() as i64);
    out.bulk(b"pending");
    out.array(group.pending_len().min(most));
    out.each(group.pending_from(StreamId::MIN).take(most), |out, (id, nack)| {
        out.array(4);
        reply::id(out, id);
        out.bulk(group.consumer(nack.consumer).name());
        out.int(nack.delivered_ms);
        out.int(nack.deliveries as i64);
    });
    out.bulk(b"consumers");
    out.array(group.consumers_len());
    out.each(group.consumers(), |out, consumer| consumer_in_full(out, group, consumer, most, since_7_2));
}

fn consumer_in_full(
    out: &mut Writer<'_>,
    group: &ConsumerGroup,
    consumer: &Consumer,
    most: usize,
    since_7_2: bool,
) {
    out.map(if since_7_2 { 5 } else { 4 });
    out.bulk(b"name");
    out.bulk(consumer.name());
    out.bulk(b"seen-time");
    out.int(consumer.seen_ms());
    if since_7_2 {
        out.bulk(b"active-time");
        out.int(consumer.active_ms().unwrap_or(-1));
    }
    out.bulk(b"pel-count");
    out.int(consumer.pending_len() as i64);
    out.bulk(b"pending");
    out.array(consumer.pending_len().min(most));
    out.each(consumer.pending_from(StreamId::MIN).take(most), |out, id| {
        let nack = group.nack(id);
        out.array(3);
        reply::id(out, id);
        out.int(nack.map_or(0, |nack| nack.delivered_ms));
        out.int(nack.map_or(0, |nack| nack.deliveries as i64));
    });
}

/// How far a group has come: what it read, and what it has yet to read.
fn progress(out: &mut Writer<'_>, past: Past, group: &ConsumerGroup) {
    out.bulk(b"entries-read");
    int_or_null(out, group.entries_read().map(|read| read as i64));
    out.bulk(b"lag");
    int_or_null(out, past.lag(group));
}

fn int_or_null(out: &mut Writer<'_>, value: Option<i64>) {
    match value {
        Some(value) => out.int(value),
        None => out.null(),
    }
}

/// `XINFO GROUPS`
pub(super) const XINFO_GROUPS: Spec = Spec {
    name: "groups",
    summary: "Tells about each group of a stream.",
    arity: 3,
    args: &[Arg::key("key")],
    reply: Shape::Array(&TOLD),
    ..XINFO_STREAM
};

fn groups(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (effort, profile) = (cx.effort, cx.options.profile);
    let Some(stream) = read(&mut cx.keys, argv[2])? else { return Err(Error::NoSuchKey) };
    let past = stream.past(counting(profile));
    effort.writes(6 * stream.groups().len())?;
    cx.out.array(stream.groups().len());
    cx.out.each(stream.groups(), |out, group| {
        out.map(6);
        out.bulk(b"name");
        out.bulk(group.name());
        out.bulk(b"consumers");
        out.int(group.consumers_len() as i64);
        out.bulk(b"pending");
        out.int(group.pending_len() as i64);
        out.bulk(b"last-delivered-id");
        reply::id(out, group.last_id());
        progress(out, past, group);
    });
    Ok(())
}

/// `XINFO CONSUMERS`
pub(super) const XINFO_CONSUMERS: Spec = Spec {
    name: "consumers",
    summary: "Tells about each consumer of a group.",
    arity: 4,
    tips: &["nondeterministic_output"],
    args: &[Arg::key("key"), Arg::string("group")],
    reply: Shape::Array(&TOLD),
    ..XINFO_STREAM
};

fn consumers(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (effort, now_ms, since_7_2) = (cx.effort, cx.keys.now_ms() as i64, cx.options.profile.has("7.2.0"));
    let Some(stream) = read(&mut cx.keys, argv[2])? else { return Err(Error::NoSuchKey) };
    let Some(group) = stream.group(argv[3]) else { return Err(no_group_of_key(argv[2], argv[3])) };
    effort.writes(4 * group.consumers_len())?;
    cx.out.array(group.consumers_len());
    cx.out.each(group.consumers(), |out, consumer| {
        out.map(if since_7_2 { 4 } else { 3 });
        out.bulk(b"name");
        out.bulk(consumer.name());
        out.bulk(b"pending");
        out.int(consumer.pending_len() as i64);
        out.bulk(b"idle");
        out.int(now_ms.wrapping_sub(consumer.seen_ms()).max(0));
        if since_7_2 {
            out.bulk(b"inactive");
            out.int(consumer.active_ms().map_or(-1, |active_ms| now_ms.wrapping_sub(active_ms)));
        }
    });
    Ok(())
}

/// `XINFO HELP`
pub(super) const XINFO_HELP: Spec = Spec {
    name: "help",
    summary: "Lists the subcommands.",
    since: "5.0.0",
    group: Group::Stream,
    arity: 2,
    flags: Flags::LOADING.union(Flags::STALE),
    categories: Categories::STREAM,
    reply: Shape::HELP,
    ..Spec::BASE
};

const HELP: &[&str] = &[
    "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CONSUMERS <key> <groupname>",
    "    Each consumer of a group.",
    "GROUPS <key>",
    "    Each group of a stream.",
    "STREAM <key> [FULL [COUNT <count>]]",
    "    The stream; with FULL its entries, groups and consumers too.",
    "HELP",
    "    This text.",
];

fn help(cx: &mut Cx<'_, '_>, _argv: &[&[u8]]) -> Result<(), Error> {
    reply::help(&mut cx.out, HELP);
    Ok(())
}
