//! XGROUP: making and removing groups and their consumers.

use super::{edit, ids, no_group_of_key};
use command_spec::*;
use commands::args::{int, is};
use commands::{Command, Cx, Error, Handler::Plain};
use keyspace::EventClass;
use structures::stream::Group as ConsumerGroup;
use structures::{Stream, StreamId, Value};
use table::ValueMut;

/// `XGROUP`
pub(super) const XGROUP: Spec = Spec {
    name: "xgroup",
    summary: "Makes, changes and removes consumer groups.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "Depends on subcommand",
    arity: -2,
    ..Spec::BASE
};

/// Its subcommands.
pub(super) const SUBCOMMANDS: &[Command] = &[
    Command::new(&XGROUP_CREATE, Plain(create)),
    Command::new(&XGROUP_CREATECONSUMER, Plain(create_consumer)),
    Command::new(&XGROUP_DELCONSUMER, Plain(delete_consumer)),
    Command::new(&XGROUP_DESTROY, Plain(destroy)),
    Command::new(&XGROUP_HELP, Plain(help)),
    Command::new(&XGROUP_SETID, Plain(set_id)),
];

pub(super) fn xgroup(_cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    Err(Error::UnknownSubcommand("XGROUP", String::from_utf8_lossy(argv[1]).into_owned()))
}

const NO_KEY: Error = Error::text(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option \
     to create an empty stream automatically.",
);
const BUSY: Error = Error::text("BUSYGROUP Consumer Group name already exists");
/// More arguments than each option once are refused.
const MOST_ARGUMENTS: usize = 8;

fn wrong_arguments(argv: &[&[u8]]) -> Error {
    let sub = super::quoted(argv[1]);
    let text =
        format!("ERR unknown subcommand or wrong number of arguments for '{sub:.128}'. Try XGROUP HELP.");
    Error::Other(text.into())
}

/// The key is missing, or the group is.
fn with_group<T>(
    cx: &mut Cx<'_, '_>,
    argv: &[&[u8]],
    change: impl FnOnce(&mut Stream, &[u8]) -> Option<T>,
) -> Result<T, Error> {
    let (key, group) = (argv[2], argv[3]);
    let mut edit = cx.keys.edit(key).ok_or(NO_KEY)?;
    let ValueMut::Stream(stream) = edit.value_mut() else { return Err(Error::WrongType) };
    change(stream, group).ok_or_else(|| no_group_of_key(key, group))
}

/// `XGROUP CREATE`
pub(super) const XGROUP_CREATE: Spec = Spec {
    name: "create",
    summary: "Makes a group that has been delivered everything up to an ID.",
    since: "5.0.0",
    group: Group::Stream,
    arity: -5,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT))],
    args: &[
        Arg::key("key"),
        Arg::string("group"),
        ID,
        Arg::word("mkstream", "MKSTREAM").optional(),
        ENTRIES_READ,
    ],
    reply: Shape::OK,
    need: Need::Keys,
    ..Spec::BASE
};

const ID: Arg = Arg::one_of("id-selector", &[Arg::string("id"), Arg::word("new-id", "$")]);
const ENTRIES_READ: Arg = Arg::integer("entries-read").token("ENTRIESREAD").optional();

/// What follows the ID.
#[derive(Debug, Default)]
struct Options {
    makes_stream: bool,
    entries_read: Option<u64>,
}

fn parse(argv: &[&[u8]], is_create: bool) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut rest = &argv[5..];
    loop {
        rest = match *rest {
            [] => return Ok(options),
            [word, ref rest @ ..] if is_create && is(word, "MKSTREAM") => {
                options.makes_stream = true;
                rest
            }
            [word, count, ref rest @ ..] if is(word, "ENTRIESREAD") => {
                options.entries_read = match int(count)? {
                    -1 => None,
                    count => Some(
                        u64::try_from(count)
                            .map_err(|_| Error::text("ERR value for ENTRIESREAD must be positive or -1"))?,
                    ),
                };
                rest
            }
            _ => return Err(wrong_arguments(argv)),
        };
    }
}

fn create(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, name) = (argv[2], argv[3]);
    let options = parse(argv, true)?;
    let last_id = |last| if argv[4] == b"$" { Ok(last) } else { ids::id(argv[4]) };
    if let Some(mut edit) = cx.keys.edit(key) {
        let ValueMut::Stream(stream) = edit.value_mut() else { return Err(Error::WrongType) };
        if argv.len() > MOST_ARGUMENTS {
            return Err(wrong_arguments(argv));
        }
        let last_id = last_id(stream.last_id())?;
        if !stream.add_group(ConsumerGroup::new(name, last_id, options.entries_read)) {
            return Err(BUSY);
        }
        edit::changed(cx, key, "xgroup-create");
    } else {
        if !options.makes_stream {
            return Err(NO_KEY);
        }
        if argv.len() > MOST_ARGUMENTS {
            return Err(wrong_arguments(argv));
        }
        let mut stream = Box::new(Stream::new());
        stream.add_group(ConsumerGroup::new(name, last_id(StreamId::MIN)?, options.entries_read));
        cx.keys.insert(key, Value::Stream(stream), None);
        cx.changed(key, EventClass::STREAM, "xgroup-create");
    }
    cx.out.ok();
    Ok(())
}

/// `XGROUP SETID`
pub(super) const XGROUP_SETID: Spec = Spec {
    name: "setid",
    summary: "Sets the ID up to which a group has been delivered everything.",
    flags: Flags::WRITE,
    keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::string("group"), ID, ENTRIES_READ],
    ..XGROUP_CREATE
};

fn set_id(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let options = parse(argv, false)?;
    with_group(cx, argv, |stream, group| stream.group(group).map(|_| ()))?;
    if argv.len() != 5 && argv.len() != 7 {
        return Err(wrong_arguments(argv));
    }
    let last_id = if argv[4] == b"$" { None } else { Some(ids::id_or_edge(argv[4], 0)?) };
    with_group(cx, argv, |stream, group| {
        let last_id = last_id.unwrap_or(stream.last_id());
        stream.group_mut(group)?.set_id(last_id, options.entries_read);
        Some(())
    })?;
    edit::changed(cx, argv[2], "xgroup-setid");
    cx.out.ok();
    Ok(())
}

/// `XGROUP DESTROY`
pub(super) const XGROUP_DESTROY: Spec = Spec {
    name: "destroy",
    summary: "Removes a group with all that is pending in it.",
    complexity: "O(N), N being the number of entries that are pending",
    arity: 4,
    flags: Flags::WRITE,
    keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::string("group")],
    reply: Shape::YES_OR_NO,
    ..XGROUP_CREATE
};

fn destroy(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[2];
    let removed = with_group(cx, argv, |stream, group| Some(stream.remove_group(group)))?.is_some();
    if removed {
        edit::changed(cx, key, "xgroup-destroy");
        // Consumers that wait are told.
        cx.keys.ready(key);
    }
    cx.out.int(removed.into());
    Ok(())
}

/// `XGROUP CREATECONSUMER`
pub(super) const XGROUP_CREATECONSUMER: Spec = Spec {
    name: "createconsumer",
    summary: "Makes a consumer in a group.",
    since: "6.2.0",
    arity: 5,
    args: &[Arg::key("key"), Arg::string("group"), Arg::string("consumer")],
    reply: Shape::YES_OR_NO,
    ..XGROUP_CREATE
};

fn create_consumer(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let now_ms = cx.keys.now_ms() as i64;
    let created = with_group(cx, argv, |stream, group| {
        Some(stream.group_mut(group)?.create_consumer(argv[4], now_ms).is_some())
    })?;
    if created {
        edit::changed(cx, argv[2], "xgroup-createconsumer");
    }
    cx.out.int(created.into());
    Ok(())
}

/// `XGROUP DELCONSUMER`
pub(super) const XGROUP_DELCONSUMER: Spec = Spec {
    name: "delconsumer",
    summary: "Removes a consumer from a group; returns how many entries were pending for it.",
    arity: 5,
    flags: Flags::WRITE,
    keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::string("group"), Arg::string("consumer")],
    reply: Shape::COUNT,
    ..XGROUP_CREATE
};

fn delete_consumer(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let removed =
        with_group(cx, argv, |stream, group| Some(stream.group_mut(group)?.remove_consumer(argv[4])))?;
    if removed.is_some() {
        edit::changed(cx, argv[2], "xgroup-delconsumer");
    }
    cx.out.int(removed.unwrap_or(0) as i64);
    Ok(())
}

/// `XGROUP HELP`
pub(super) const XGROUP_HELP: Spec = Spec {
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
    "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CREATE <key> <groupname> <id|$> [MKSTREAM] [ENTRIESREAD entries_read]",
    "    Makes a group. It gets the entries after the ID; $ is the last one.",
    "    MKSTREAM makes an empty stream if there is none.",
    "CREATECONSUMER <key> <groupname> <consumername>",
    "    Makes a consumer.",
    "DELCONSUMER <key> <groupname> <consumername>",
    "    Removes a consumer with what is pending for it.",
    "DESTROY <key> <groupname>",
    "    Removes a group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Sets the ID after which the group gets entries.",
    "HELP",
    "    This text.",
];

fn help(cx: &mut Cx<'_, '_>, _argv: &[&[u8]]) -> Result<(), Error> {
    super::reply::help(&mut cx.out, HELP);
    Ok(())
}
