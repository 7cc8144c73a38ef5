//! SET

use super::{holds, reply_key};
use command_spec::*;
use commands::args::is;
use commands::when::When;
use commands::{Cx, Error};
use keyspace::{EventClass, Ttl};
use profile::Profile;

/// `SET`
pub(super) const SET: Spec = Spec {
    name: "set",
    summary: "Sets the string value of a key, whatever it held before. The key is created if it is not there.",
    since: "1.0.0",
    group: Group::String,
    arity: -3,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::STRING,
    keys: &[KeySpec::one(
        1,
        KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE).union(KeyFlags::VARIABLE_FLAGS),
    )],
    variable: Some(Variable { unless: &["get"], from: 3, flags: KeyFlags::OW.union(KeyFlags::UPDATE) }),
    args: &[
        Arg::key("key"),
        Arg::string("value"),
        Arg::one_of(
            "condition",
            &[
                Arg::word("nx", "NX").since("2.6.12"),
                Arg::word("xx", "XX").since("2.6.12"),
                Arg::string("comparison-value").token("IFEQ").since("8.1.0"),
            ],
        )
        .optional(),
        Arg::word("get", "GET").optional().since("6.2.0"),
        Arg::one_of(
            "expiration",
            &[
                Arg::integer("seconds").token("EX").since("2.6.12"),
                Arg::integer("milliseconds").token("PX").since("2.6.12"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).token("EXAT").since("6.2.0"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).token("PXAT").since("6.2.0"),
                Arg::word("keepttl", "KEEPTTL").since("6.0.0"),
            ],
        )
        .optional(),
    ],
    reply: Shape::OneOf(&[Shape::OK, Shape::Bulk, Shape::Null]),
    need: Need::Keys,
    ..Spec::BASE
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition<'a> {
    Always,
    IfAbsent,
    IfPresent,
    /// The key holds this string.
    IfEqual(&'a [u8]),
}

struct Set<'a> {
    key: &'a [u8],
    value: &'a [u8],
    condition: Condition<'a>,
    get: bool,
    keep_ttl: bool,
    when: Option<When<'a>>,
}

fn parse<'a>(argv: &[&'a [u8]], profile: Profile) -> Result<Set<'a>, Error> {
    let mut set = Set {
        key: argv[1],
        value: argv[2],
        condition: Condition::Always,
        get: false,
        keep_ttl: false,
        when: None,
    };
    let mut rest = argv[3..].iter();
    while let Some(&arg) = rest.next() {
        if is(arg, "NX") && matches!(set.condition, Condition::Always | Condition::IfAbsent) {
            set.condition = Condition::IfAbsent;
        } else if is(arg, "XX") && matches!(set.condition, Condition::Always | Condition::IfPresent) {
            set.condition = Condition::IfPresent;
        } else if is(arg, "IFEQ") && set.condition == Condition::Always && profile.has("8.1.0") {
            set.condition = Condition::IfEqual(rest.next().ok_or(Error::Syntax)?);
        } else if is(arg, "GET") {
            set.get = true;
        } else if is(arg, "KEEPTTL") && set.when.is_none() {
            set.keep_ttl = true;
        } else if !set.keep_ttl {
            set.when = Some(When::parse(arg, &mut rest, set.when)?);
        } else {
            return Err(Error::Syntax);
        }
    }
    Ok(set)
}

pub(super) fn set(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let set = parse(argv, cx.options.profile)?;
    let at_ms = set.when.map(|when| when.resolve(cx.keys.now_ms(), "set")).transpose()?;
    if set.get {
        reply_key(cx, set.key)?;
    }
    // What overwrites the key notes the access by itself.
    let is_met = match set.condition {
        Condition::Always => true,
        Condition::IfAbsent => cx.keys.lookup_to_write(set.key).is_none(),
        Condition::IfPresent => cx.keys.peek(set.key).is_some(),
        Condition::IfEqual(other) => holds(&mut cx.keys, set.key, other)?,
    };
    if !is_met {
        if !set.get {
            cx.out.null();
        }
        return Ok(());
    }
    match at_ms {
        // Redis leaves it to whoever looks at the key next.
        Some(at_ms) if at_ms <= cx.keys.now_ms() && cx.is_primary() && cx.options.profile.has("8.0.0") => {
            cx.delete_expired(set.key);
        }
        // Valkey replicates it as it came.
        Some(at_ms) if cx.options.profile.has("8.0.0") && set.when.is_some_and(When::is_unix_ms) => {
            put(cx, set.key, set.value, at_ms);
        }
        Some(at_ms) => {
            // Valkey 9.1 changes nothing but the time, where there is nothing to leave out.
            let keeps_name = cx.options.profile.has("9.1.0") && argv.len() == 5;
            put_until(cx, if keeps_name { argv[0] } else { b"SET" }, set.key, set.value, at_ms);
        }
        None => {
            let ttl = if set.keep_ttl { Ttl::Keep } else { Ttl::Clear };
            cx.keys.put_string(set.key, set.value, ttl);
            cx.changed(set.key, EventClass::STRING, "set");
            if set.get {
                replicate_without_get(cx, argv);
            }
        }
    }
    if !set.get {
        cx.out.ok();
    }
    Ok(())
}

/// Sets a key that expires; replicated with the absolute time, as a SET by this name.
pub(super) fn put_until(cx: &mut Cx<'_, '_>, name: &[u8], key: &[u8], value: &[u8], at_ms: u64) {
    put(cx, key, value, at_ms);
    let mut at = itoa::Buffer::new();
    cx.replicate(&[name, key, value, b"PXAT", at.format(at_ms).as_bytes()]);
}

fn put(cx: &mut Cx<'_, '_>, key: &[u8], value: &[u8], at_ms: u64) {
    cx.keys.put_string(key, value, Ttl::At(at_ms));
    cx.changed(key, EventClass::STRING, "set");
    cx.keys.event(key, EventClass::GENERIC, "expire");
}

/// Replicates SET without GET: a replica sends no reply.
fn replicate_without_get(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) {
    let options = argv[3..].iter().filter(|option| !is(option, "GET"));
    let argv: Vec<&[u8]> = argv[..3].iter().chain(options).copied().collect();
    cx.replicate(&argv);
}
