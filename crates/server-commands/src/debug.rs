//! DEBUG: for those who test a server. Allowed only where `enable-debug-command` says so.
//!
//! One command whose first argument decides what it needs locked, so it takes its locks itself: none to sleep, one slot at a
//! time to look at keys, the world for the digest of everything. Inside EXEC all of it runs under the world.

use crate::digest::{Digest, Seen};
use command_spec::*;
use commands::Error;
use config::{Loglevel, memory_size};
use engine::cx::{Flow, Suspend};
use engine::exec::{PACKED_THRESHOLD, SKIP_CHECKSUMS, emit, give_world_back, own_world};
use files::words_of;
use keyspace::{Expiry, Guard, Keys, KeysContext, Ttl};
use number::parse_i64;
use persistence::Reload;
use rdb::SaveOptions;
use resp::Proto;
use server::{ServerCommand, ServerCx};
use std::sync::atomic::Ordering;
use std::time::Duration;
use structures::ValueRef;
use structures::list::NodeRef;
use table::Entry;
use topology::Slot;

pub(crate) const COMMANDS: &[ServerCommand] = &[ServerCommand::new(&DEBUG, debug)];

/// `DEBUG`
const DEBUG: Spec = Spec {
    name: "debug",
    summary: "A container for commands that test the node itself.",
    since: "1.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand",
    arity: -2,
    flags: Flags::ADMIN
        .union(Flags::NOSCRIPT)
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::PROTECTED),
    behaviour: Behaviour::WORLD_IN_EXEC,
    reply: Shape::Any,
    ..Spec::BASE
};

/// The threshold that QUICKLIST-PACKED-THRESHOLD 0 brings back, in bytes.
const DEFAULT_PACKED_THRESHOLD: u64 = 1 << 30;
/// The largest it may be: a little under 4 GB.
const MAX_PACKED_THRESHOLD: u64 = (1 << 32) - (1 << 20);
/// An RDB version and a checksum stand at the end of a DUMP payload, and a type at its beginning.
const DUMP_EXTRA_BYTES: usize = 1 + 2 + 8;

fn debug(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    match (argv[1].to_ascii_lowercase().as_slice(), &argv[2..]) {
        (b"sleep", &[seconds]) => sleep(cx, seconds),
        (b"object", &[key]) => object(cx, key),
        (b"digest", []) => digest(cx),
        (b"digest-value", keys) => digest_values(cx, keys),
        (b"protocol", &[name]) => protocol(cx, name),
        (b"log", &[message]) => {
            let message = String::from_utf8_lossy(message);
            cx.server.log(Loglevel::Warning, format_args!("DEBUG LOG: {message}"));
            cx.out().ok();
            Ok(Flow::Done)
        }
        (b"error", &[message]) => {
            cx.out().error(message);
            Ok(Flow::Done)
        }
        (b"set-active-expire", &[on]) => {
            cx.server.active_expire.store(leading_number(on) != 0.0, Ordering::Relaxed);
            cx.out().ok();
            Ok(Flow::Done)
        }
        (b"quicklist-packed-threshold", &[bytes]) => packed_threshold(cx, bytes),
        (b"set-skip-checksum-validation", &[on]) => {
            SKIP_CHECKSUMS.store(leading_number(on) != 0.0, Ordering::Relaxed);
            every_worker_anew(cx);
            cx.out().ok();
            Ok(Flow::Done)
        }
        (b"listpack", &[key]) => listpack(cx, key),
        (b"quicklist", &[key]) => quicklist(cx, key),
        (b"reload", words) => reload(cx, words),
        (b"populate", &[count]) => populate(cx, count, b"key", b"0"),
        (b"populate", &[count, prefix]) => populate(cx, count, prefix, b"0"),
        (b"populate", &[count, prefix, size]) => populate(cx, count, prefix, size),
        (b"change-repl-id", []) => {
            let server = cx.server;
            server.replicas.primary().primary.change_id();
            server.log(Loglevel::Warning, "Changing replication IDs after receiving change-repl-id");
            cx.out().ok();
            Ok(Flow::Done)
        }
        (b"config-rewrite-force-all", []) => config_rewrite_force_all(cx),
        (b"pause-cron", &[on]) => {
            let paused = leading_number(on) != 0.0;
            cx.server.end.hold_signals(paused);
            cx.server.cron_paused.store(paused, Ordering::Relaxed);
            cx.out().ok();
            Ok(Flow::Done)
        }
        (b"panic", []) => panic!("called by DEBUG PANIC"),
        (b"help", []) => crate::help(cx, "DEBUG", HELP),
        _ => Err(crate::wrong_arguments("DEBUG", argv[1])),
    }
}

const HELP: &[&str] = &[
    "CHANGE-REPL-ID",
    "    Gives the history another id; replicas that come later need a full synchronisation.",
    "CONFIG-REWRITE-FORCE-ALL",
    "    CONFIG REWRITE with every parameter in the file, those at their defaults too.",
    "DIGEST",
    "    A signature of all databases' contents.",
    "DIGEST-VALUE <key> [<key> ...]",
    "    Signatures of the values at keys.",
    "ERROR <text>",
    "    Answers with this error.",
    "LISTPACK <key>",
    "    Writes into the log how a value that is one listpack is kept.",
    "LOG <message>",
    "    Writes a line into the log.",
    "OBJECT <key>",
    "    Tells how the value at a key is kept.",
    "PANIC",
    "    Ends the process as a bug would.",
    "PAUSE-CRON <0|1>",
    "    Whether signals to end, expired keys and rates are left alone for now.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Adds so many strings named <prefix>:<number>, where there are none, filled up to <size> bytes with zeros.",
    "PROTOCOL <type>",
    "    Answers with a sample of a reply: string, integer, double, bignum, null, array, set, map, attrib, push,",
    "    verbatim, true or false.",
    "QUICKLIST <key>",
    "    Writes the nodes of a list into the log.",
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "    Elements of lists from this size on get nodes of their own; 0 brings the default of 1 GB back.",
    "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
    "    Writes the data to the snapshot file and reads it back.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Whether expired keys are removed though nobody looks at them.",
    "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
    "    Whether snapshots and DUMP payloads are read whatever their checksums say.",
    "SLEEP <seconds>",
    "    Blocks the connection's worker for so long; fractions are allowed.",
];

/// The number at the beginning of a text, as C's `strtod` reads it for commands that never complain: 0 without one.
fn leading_number(text: &[u8]) -> f64 {
    let text = String::from_utf8_lossy(text);
    let end =
        text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+' | 'e' | 'E')).unwrap_or(text.len());
    text[..end].parse().unwrap_or(0.0)
}

/// Blocks this worker, and as far as possible nothing else.
fn sleep(cx: &mut ServerCx<'_, '_>, seconds: &[u8]) -> Result<Flow, Error> {
    if !cx.in_exec {
        // Whoever wants the world need not wait for this.
        cx.local.leave(cx.server);
    }
    if let Ok(duration) = Duration::try_from_secs_f64(leading_number(seconds)) {
        std::thread::sleep(duration);
    }
    cx.out().ok();
    Ok(Flow::Done)
}

/// Writes the data and reads it back, in the world.
fn reload(cx: &mut ServerCx<'_, '_>, words: &[&[u8]]) -> Result<Flow, Error> {
    let mut how = Reload { save: true, flush: true, merge: false };
    for word in words {
        match word.to_ascii_lowercase().as_slice() {
            b"merge" => how.merge = true,
            b"noflush" => how.flush = false,
            b"nosave" => how.save = false,
            _ => {
                let text = "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.";
                return Err(Error::text(text));
            }
        }
    }
    if cx.in_exec {
        return Err(Error::text("ERR DEBUG RELOAD is not possible inside a transaction"));
    }
    let server = cx.server;
    if !own_world(server, cx.local, cx.client.id) {
        return Ok(Flow::Suspend(Suspend::Gate));
    }
    let outcome = persistence::reload(&server.persistence, cx.local, how);
    give_world_back(server, cx.local);
    if let Err(why) = outcome {
        server.log(Loglevel::Warning, format_args!("DEBUG RELOAD: {why}"));
        return Err(Error::text("ERR Error trying to load the RDB dump, check server logs."));
    }
    server.log(Loglevel::Warning, "DB reloaded by DEBUG RELOAD");
    cx.out().ok();
    Ok(Flow::Done)
}

/// Adds keys, in the world. No replica and no listener hears of them, but of expired keys in their places.
fn populate(cx: &mut ServerCx<'_, '_>, count: &[u8], prefix: &[u8], size: &[u8]) -> Result<Flow, Error> {
    let positive = |number: &[u8]| {
        let number = parse_i64(number).and_then(|number| u64::try_from(number).ok());
        number.ok_or(Error::text("ERR value is out of range, must be positive"))
    };
    let (count, size) = (positive(count)?, positive(size)? as usize);
    let add = |cx: &mut ServerCx<'_, '_>, guard: &mut Guard<'_>| {
        let context = cx.local.context(cx.client.db, true);
        let mut keys = Keys::new(&cx.server.keyspace, guard, &mut cx.local.scratch, context);
        for number in 0..count {
            let key = [prefix, b":", number.to_string().as_bytes()].concat();
            if keys.peek(&key).is_none() {
                let mut value = format!("value:{number}").into_bytes();
                if size > 0 {
                    value.resize(size, 0);
                }
                keys.put_string(&key, &value, Ttl::Clear);
            }
        }
    };
    match in_world(cx, add) {
        Ok(()) => cx.out().ok(),
        Err(suspend) => return Ok(Flow::Suspend(suspend)),
    }
    Ok(Flow::Done)
}

fn config_rewrite_force_all(cx: &mut ServerCx<'_, '_>) -> Result<Flow, Error> {
    let failed = |why: &str| Error::Other(format!("ERR CONFIG-REWRITE-FORCE-ALL failed: {why}").into());
    let path = cx.server.start.config_file.as_ref().ok_or_else(|| failed("Bad address"))?;
    let config = cx.server.config().clone();
    crate::config_command::rewrite_file(path, cx.local.thread, |old| config.rewrite_all(old, &[]))
        .map_err(|error| failed(&words_of(&error)))?;
    cx.out().ok();
    Ok(Flow::Done)
}

/// Hides expired keys or shows them as they are; removes none, since nothing here is a write.
fn context(cx: &ServerCx<'_, '_>, db: u16, expiry: Expiry) -> KeysContext {
    KeysContext { expiry, ..cx.local.context(db, true) }
}

/// Looks at a key of the client's database under its slot's lock, or under the locks of EXEC.
fn look<R>(
    cx: &mut ServerCx<'_, '_>,
    key: &[u8],
    visit: impl FnOnce(Option<Entry<'_>>) -> R,
) -> Result<R, Suspend> {
    let server = cx.server;
    let context = context(cx, cx.client.db, Expiry::Hide);
    if let Some(guard) = cx.guard.as_deref_mut() {
        return Ok(visit(Keys::new(&server.keyspace, guard, &mut cx.local.scratch, context).peek(key)));
    }
    if !cx.local.enter(server) {
        return Err(Suspend::Gate);
    }
    let mut guard = server.keyspace.lock(Slot::of(key)).map_err(Suspend::Slot)?;
    Ok(visit(Keys::new(&server.keyspace, &mut guard, &mut cx.local.scratch, context).peek(key)))
}

fn object(cx: &mut ServerCx<'_, '_>, key: &[u8]) -> Result<Flow, Error> {
    let profile = cx.server.profile;
    let clock = (cx.local.now_ms / 1000) as u32 & 0xff_ffff;
    let options = SaveOptions { compress: cx.local.settings.rdbcompression, ..SaveOptions::new(profile) };
    let limits = cx.local.options.limits;
    let described = look(cx, key, |entry| {
        let entry = entry?;
        let (value, lru) = (entry.value(), entry.lru());
        let length = rdb::dump(value, &options).len() - DUMP_EXTRA_BYTES;
        let encoding = key_commands::encoding_name(entry, profile);
        let more = match value {
            ValueRef::List(list) if encoding == "quicklist" => quicklist_fields(list, &limits),
            ValueRef::Int(_)
            | ValueRef::Bytes(_)
            | ValueRef::List(_)
            | ValueRef::Hash(_)
            | ValueRef::Set(_)
            | ValueRef::SortedSet(_)
            | ValueRef::Stream(_) => String::new(),
        };
        let idle_s = clock.wrapping_sub(lru) & 0xff_ffff;
        let at = entry.key().as_ptr();
        Some(format!(
            "Value at:{at:p} refcount:1 encoding:{encoding} serializedlength:{length} lru:{lru} \
             lru_seconds_idle:{idle_s}{more}"
        ))
    });
    match described {
        Err(suspend) => return Ok(Flow::Suspend(suspend)),
        Ok(None) => return Err(Error::NoSuchKey),
        Ok(Some(line)) => cx.out().simple(&line),
    }
    Ok(Flow::Done)
}

/// What DEBUG OBJECT adds for a quicklist.
fn quicklist_fields(list: &structures::List, limits: &structures::Limits) -> String {
    let (mut nodes, mut bytes) = (0usize, 0usize);
    for node in list.nodes() {
        nodes += 1;
        bytes += match node {
            NodeRef::Packed(listpack) => listpack.as_bytes().len(),
            NodeRef::Plain(element) => element.len(),
        };
    }
    format!(
        " ql_nodes:{nodes} ql_avg_node:{:.2} ql_listpack_max:{} ql_compressed:{} ql_uncompressed_size:{bytes}",
        list.len() as f64 / nodes.max(1) as f64,
        limits.list_max_listpack_size,
        u8::from(limits.list_compress_depth != 0),
    )
}

fn digest_values(cx: &mut ServerCx<'_, '_>, keys: &[&[u8]]) -> Result<Flow, Error> {
    let mut digests = Vec::with_capacity(keys.len());
    let seen = seen(cx);
    for key in keys {
        let digest = look(cx, key, |entry| {
            let mut digest = Digest::default();
            if let Some(entry) = entry {
                digest.value(entry.value(), entry.expire_at().is_some(), seen);
            }
            digest
        });
        match digest {
            Ok(digest) => digests.push(digest),
            Err(suspend) => return Ok(Flow::Suspend(suspend)),
        }
    }
    let mut out = cx.out();
    out.array(digests.len());
    digests.iter().for_each(|digest| out.simple(&digest.to_string()));
    Ok(Flow::Done)
}

/// How a digest sees values.
fn seen(cx: &ServerCx<'_, '_>) -> Seen {
    Seen { scores: cx.local.options.limits.score_text, now_ms: cx.local.now_ms }
}

fn digest(cx: &mut ServerCx<'_, '_>) -> Result<Flow, Error> {
    match in_world(cx, digest_of_all) {
        Ok(digest) => cx.out().simple(&digest.to_string()),
        Err(suspend) => return Ok(Flow::Suspend(suspend)),
    }
    Ok(Flow::Done)
}

/// Does something in the world: this thread's, or that of EXEC.
fn in_world<R>(
    cx: &mut ServerCx<'_, '_>,
    work: impl FnOnce(&mut ServerCx<'_, '_>, &mut Guard<'_>) -> R,
) -> Result<R, Suspend> {
    if cx.in_exec {
        let guard = cx.guard.take().expect("EXEC runs DEBUG under the world");
        let done = work(cx, guard);
        cx.guard = Some(guard);
        return Ok(done);
    }
    let server = cx.server;
    if !own_world(server, cx.local, cx.client.id) {
        return Err(Suspend::Gate);
    }
    cx.local.begin_passage(server);
    cx.local.scratch.effects.begin();
    let mut world = cx.local.standing.world(&server.keyspace);
    let done = work(cx, &mut world);
    emit(server, cx.local, cx.client, &mut world);
    drop(world);
    give_world_back(server, cx.local);
    Ok(done)
}

/// The digest of all databases.
fn digest_of_all(cx: &mut ServerCx<'_, '_>, guard: &mut Guard<'_>) -> Digest {
    let mut digest = Digest::default();
    for db in 0..cx.server.keyspace.databases() as u16 {
        if cx.server.keyspace.len(db) == 0 {
            continue;
        }
        digest.database(db.into());
        let context = context(cx, db, Expiry::Ignore);
        digest_of(cx, guard, context, &mut digest);
    }
    digest
}

fn digest_of(cx: &mut ServerCx<'_, '_>, guard: &mut Guard<'_>, context: KeysContext, digest: &mut Digest) {
    let seen = seen(cx);
    let mut keys = Keys::new(&cx.server.keyspace, guard, &mut cx.local.scratch, context);
    let mut from = 0;
    while let Some(slot) = keys.next_occupied(from) {
        from = slot.index() + 1;
        let next = keys.scan_slot(slot, 0, usize::MAX, |entry| {
            digest.entry(entry.key(), entry.value(), entry.expire_at().is_some(), seen);
        });
        assert_eq!(next, Ok(0), "a slot is scanned to its end in the world");
    }
}

fn packed_threshold(cx: &mut ServerCx<'_, '_>, bytes: &[u8]) -> Result<Flow, Error> {
    let bytes = match memory_size::parse(bytes) {
        Some(0) => DEFAULT_PACKED_THRESHOLD,
        Some(bytes) if bytes <= MAX_PACKED_THRESHOLD => bytes,
        _ => {
            return Err(Error::text(
                "ERR argument must be a memory value bigger than 1 and smaller than 4gb",
            ));
        }
    };
    PACKED_THRESHOLD.store(bytes as usize, Ordering::Relaxed);
    every_worker_anew(cx);
    cx.out().ok();
    Ok(Flow::Done)
}

/// Every worker makes its options anew.
fn every_worker_anew(cx: &mut ServerCx<'_, '_>) {
    let config = cx.server.config();
    cx.server.publish_settings(&config);
    drop(config);
    cx.local.refresh(cx.server);
}

/// Writes the shape of a value that is one listpack into the log.
fn listpack(cx: &mut ServerCx<'_, '_>, key: &[u8]) -> Result<Flow, Error> {
    let list_can_be_listpack = cx.server.profile.has("7.2.0");
    let done = "Listpack structure printed on stdout";
    log_shape(cx, key, "listpack", done, |value| match value {
        ValueRef::Hash(hash) => hash.as_listpack().map(|listpack| {
            format!("{} fields in a listpack of {} bytes", hash.len(), listpack.as_bytes().len())
        }),
        ValueRef::List(list) => (list.encoding(list_can_be_listpack) == "listpack").then(|| nodes_of(list)),
        ValueRef::Set(set) => set.as_listpack().map(|listpack| {
            format!("{} members in a listpack of {} bytes", set.len(), listpack.as_bytes().len())
        }),
        ValueRef::SortedSet(set) => set.as_listpack().map(|listpack| {
            format!("{} members in a listpack of {} bytes", set.len(), listpack.as_bytes().len())
        }),
        ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Stream(_) => None,
    })
}

/// Writes the shape of a list that is a quicklist into the log.
fn quicklist(cx: &mut ServerCx<'_, '_>, key: &[u8]) -> Result<Flow, Error> {
    let list_can_be_listpack = cx.server.profile.has("7.2.0");
    let done = "Quicklist structure printed on stdout";
    log_shape(cx, key, "quicklist", done, |value| match value {
        ValueRef::List(list) => (list.encoding(list_can_be_listpack) == "quicklist").then(|| nodes_of(list)),
        ValueRef::Int(_)
        | ValueRef::Bytes(_)
        | ValueRef::Hash(_)
        | ValueRef::Set(_)
        | ValueRef::SortedSet(_)
        | ValueRef::Stream(_) => None,
    })
}

/// Writes into the log how the value at a key is kept, and answers that this is done; or that it is kept in another way.
fn log_shape(
    cx: &mut ServerCx<'_, '_>,
    key: &[u8],
    encoding: &str,
    done: &str,
    shape: impl FnOnce(ValueRef<'_>) -> Option<String>,
) -> Result<Flow, Error> {
    match look(cx, key, |entry| entry.map(|entry| shape(entry.value()))) {
        Err(suspend) => return Ok(Flow::Suspend(suspend)),
        Ok(None) => return Err(Error::NoSuchKey),
        Ok(Some(None)) => {
            return Err(Error::Other(format!("ERR Not a {encoding} encoded object.").into()));
        }
        Ok(Some(Some(shape))) => {
            cx.server.log(Loglevel::Notice, format_args!("DEBUG {encoding}: {shape}"));
            cx.out().simple(done);
        }
    }
    Ok(Flow::Done)
}

fn nodes_of(list: &structures::List) -> String {
    let nodes: Vec<String> = list
        .nodes()
        .map(|node| match node {
            NodeRef::Packed(listpack) => format!("listpack of {} bytes", listpack.as_bytes().len()),
            NodeRef::Plain(element) => format!("plain element of {} bytes", element.len()),
        })
        .collect();
    format!("{} elements: {}", list.len(), nodes.join(", "))
}

/// A sample of a type of reply.
fn protocol(cx: &mut ServerCx<'_, '_>, name: &[u8]) -> Result<Flow, Error> {
    let resp3 = cx.client.proto == Proto::Resp3;
    let mut out = cx.out();
    match name.to_ascii_lowercase().as_slice() {
        b"string" => out.bulk(b"Hello World"),
        b"integer" => out.int(12345),
        b"double" => out.double_text("3.141"),
        b"null" => out.null(),
        b"bignum" => out.big_number("1234567999999999999999999999999999999"),
        b"array" => {
            out.array(3);
            (0..3).for_each(|n| out.int(n));
        }
        b"set" => {
            out.set(3);
            (0..3).for_each(|n| out.int(n));
        }
        b"map" => {
            out.map(3);
            for n in 0..3 {
                out.int(n);
                out.boolean(n == 1);
            }
        }
        b"attrib" => {
            if out.attribute(1) {
                out.bulk(b"key-popularity");
                out.array(2);
                out.bulk(b"key:123");
                out.int(90);
            }
            out.bulk(b"Some real reply following the attribute");
        }
        b"push" => {
            if !resp3 {
                return Err(Error::text("ERR RESP2 is not supported by this command"));
            }
            out.push(2);
            out.bulk(b"server-cpu-usage");
            out.int(42);
            out.bulk(b"Some real reply following the push reply");
        }
        b"true" => out.boolean(true),
        b"false" => out.boolean(false),
        b"verbatim" => out.verbatim(b"txt", b"This is a verbatim\nstring"),
        _ => {
            return Err(Error::text(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
            ));
        }
    }
    Ok(Flow::Done)
}
