//! OBJECT: how a value is stored, for tuning.

use command_spec::*;
use commands::{Command, Cx, Error, Handler::Plain};
use keyspace::{AccessClock, access};
use profile::Profile;
use structures::{Item, ValueRef};
use table::Entry;

/// `OBJECT`
pub(super) const OBJECT: Spec = Spec {
    name: "object",
    summary: "Tells how the value at a key is kept.",
    since: "2.2.3",
    group: Group::Generic,
    complexity: "Depends on subcommand",
    arity: -2,
    ..Spec::BASE
};

/// Its subcommands.
pub(super) const SUBCOMMANDS: &[Command] = &[
    Command::new(&OBJECT_ENCODING, Plain(encoding)),
    Command::new(&OBJECT_FREQ, Plain(freq)),
    Command::new(&OBJECT_HELP, Plain(help)),
    Command::new(&OBJECT_IDLETIME, Plain(idletime)),
    Command::new(&OBJECT_REFCOUNT, Plain(refcount)),
];

pub(super) fn object(_cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    Err(Error::UnknownSubcommand("OBJECT", String::from_utf8_lossy(argv[1]).into_owned()))
}

/// `OBJECT ENCODING`
pub(super) const OBJECT_ENCODING: Spec = Spec {
    name: "encoding",
    summary: "Returns the name of the encoding of the value at a key.",
    since: "2.2.3",
    group: Group::Generic,
    arity: 3,
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(2, KeyFlags::RO)],
    args: &[Arg::key("key")],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

fn encoding(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let Some(entry) = cx.keys.lookup_quietly(argv[2]) else {
        cx.out.null();
        return Ok(());
    };
    cx.out.bulk(encoding_name(entry, cx.options.profile).as_bytes());
    Ok(())
}

/// The name that OBJECT ENCODING gives to a value's encoding.
pub fn encoding_name(entry: Entry<'_>, profile: Profile) -> &'static str {
    match entry.value() {
        ValueRef::Int(_) => "int",
        ValueRef::Bytes(_) if entry.is_raw() => "raw",
        ValueRef::Bytes(_) => "embstr",
        ValueRef::List(list) => list.encoding(profile.has("7.2.0")),
        ValueRef::Hash(hash) => hash.encoding(),
        ValueRef::Set(set) => set.encoding().name(),
        ValueRef::SortedSet(set) => set.encoding(),
        ValueRef::Stream(_) => "stream",
    }
}

/// `OBJECT REFCOUNT`
pub(super) const OBJECT_REFCOUNT: Spec = Spec {
    name: "refcount",
    summary: "Returns the number of references to the value at a key.",
    reply: Shape::OneOf(&[Shape::COUNT, Shape::Null]),
    ..OBJECT_ENCODING
};

/// Integers below this are shared objects in Redis, which reports a reference count of the largest C int for them.
const SHARED_INTEGERS: i64 = 10_000;

fn refcount(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    match cx.keys.lookup_quietly(argv[2]).map(|entry| entry.value().string()) {
        None => cx.out.null(),
        Some(Some(Item::Int(0..SHARED_INTEGERS))) => cx.out.int(i64::from(i32::MAX)),
        Some(_) => cx.out.int(1),
    }
    Ok(())
}

/// `OBJECT IDLETIME`
pub(super) const OBJECT_IDLETIME: Spec = Spec {
    name: "idletime",
    summary: "Returns the seconds since a key was last used.",
    reply: Shape::OneOf(&[Shape::COUNT, Shape::Null]),
    ..OBJECT_ENCODING
};

fn idletime(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (clock, now_ms) = (cx.options.clock, cx.keys.now_ms());
    match (cx.keys.lookup_quietly(argv[2]), clock) {
        (None, _) => cx.out.null(),
        (Some(_), AccessClock::Lfu(_)) => {
            return Err(Error::text(
                "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching \
                 between policies at runtime LRU and LFU data will take some time to adjust.",
            ));
        }
        (Some(entry), AccessClock::Lru) => cx.out.int(access::idle_s(entry.lru(), now_ms).into()),
    }
    Ok(())
}

/// `OBJECT FREQ`
pub(super) const OBJECT_FREQ: Spec = Spec {
    name: "freq",
    summary: "Returns the logarithmic access counter of a key.",
    since: "4.0.0",
    reply: Shape::OneOf(&[Shape::COUNT, Shape::Null]),
    ..OBJECT_ENCODING
};

fn freq(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (clock, now_ms) = (cx.options.clock, cx.keys.now_ms());
    match (cx.keys.lookup_quietly(argv[2]), clock) {
        (None, _) => cx.out.null(),
        (Some(_), AccessClock::Lru) => {
            return Err(Error::text(
                "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
                 switching between policies at runtime LRU and LFU data will take some time to adjust.",
            ));
        }
        (Some(entry), AccessClock::Lfu(lfu)) => cx.out.int(lfu.counter(entry.lru(), now_ms).into()),
    }
    Ok(())
}

/// `OBJECT HELP`
pub(super) const OBJECT_HELP: Spec = Spec {
    name: "help",
    summary: "Lists the subcommands.",
    since: "6.2.0",
    group: Group::Generic,
    arity: 2,
    flags: Flags::LOADING.union(Flags::STALE),
    categories: Categories::KEYSPACE,
    reply: Shape::HELP,
    ..Spec::BASE
};

const HELP: &[&str] = &[
    "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "ENCODING <key>",
    "    The name of the encoding in which the value is kept.",
    "FREQ <key>",
    "    How often the key is used: a counter that grows with the logarithm of the number of accesses.",
    "IDLETIME <key>",
    "    Seconds since the key was last used, approximately.",
    "REFCOUNT <key>",
    "    The number of references to the value.",
    "HELP",
    "    This text.",
];

fn help(cx: &mut Cx<'_, '_>, _argv: &[&[u8]]) -> Result<(), Error> {
    cx.out.array(HELP.len());
    for line in HELP {
        cx.out.simple(line);
    }
    Ok(())
}
