//! RESTORE

use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Error};
use keyspace::{AccessClock, EventClass, access};
use rdb::BadPayload;
use table::EntryBox;

/// `RESTORE`
pub(super) const RESTORE: Spec = Spec {
    name: "restore",
    summary: "Makes a key of a value that DUMP returned.",
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(N*M), N being the number of elements and M their average size",
    arity: -4,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
    keys: &[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::integer("ttl"),
        Arg::string("serialized-value"),
        Arg::word("replace", "REPLACE").optional().since("3.0.0"),
        Arg::word("absttl", "ABSTTL").optional().since("5.0.0"),
        Arg::integer("seconds").token("IDLETIME").optional().since("5.0.0"),
        Arg::integer("frequency").token("FREQ").optional().since("5.0.0"),
    ],
    reply: Shape::OK,
    need: Need::Keys,
    ..Spec::BASE
};

/// What the options say about earlier accesses of the key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Now,
    Idle(i64),
    Freq(u8),
}

struct Options {
    replace: bool,
    absolute: bool,
    access: Access,
}

fn parse(words: &[&[u8]]) -> Result<Options, Error> {
    let mut options = Options { replace: false, absolute: false, access: Access::Now };
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if is(word, "REPLACE") {
            options.replace = true;
        } else if is(word, "ABSTTL") {
            options.absolute = true;
        } else if is(word, "IDLETIME") && !matches!(options.access, Access::Freq(_)) {
            let idle_s = int(rest.next().ok_or(Error::Syntax)?)?;
            if idle_s < 0 {
                return Err(Error::text("ERR Invalid IDLETIME value, must be >= 0"));
            }
            options.access = Access::Idle(idle_s);
        } else if is(word, "FREQ") && !matches!(options.access, Access::Idle(_)) {
            let freq = int(rest.next().ok_or(Error::Syntax)?)?;
            let freq = u8::try_from(freq)
                .map_err(|_| Error::text("ERR Invalid FREQ value, must be >= 0 and <= 255"))?;
            options.access = Access::Freq(freq);
        } else {
            return Err(Error::Syntax);
        }
    }
    Ok(options)
}

pub(super) fn restore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, payload) = (argv[1], argv[3]);
    let options = parse(&argv[4..])?;
    cx.effort.codes(payload.len())?;
    if !options.replace && cx.keys.peek(key).is_some() {
        return Err(Error::text("BUSYKEY Target key name already exists."));
    }
    let ttl_ms =
        u64::try_from(int(argv[2])?).map_err(|_| Error::text("ERR Invalid TTL value, must be >= 0"))?;
    let restore = if cx.options.verify_payloads { rdb::restore } else { rdb::restore_unverified };
    let max_version = cx.options.profile.rdb_version();
    let value = restore(payload, &cx.options.limits, max_version).map_err(|bad| match bad {
        BadPayload::VersionOrChecksum => Error::text("ERR DUMP payload version or checksum are wrong"),
        BadPayload::Format(_) => Error::text("ERR Bad data format"),
    })?;
    let old = if options.replace { cx.keys.remove(key) } else { None };
    let replaced = old.is_some();
    if let Some(old) = old {
        cx.keys.free(old, cx.settings.lazyfree_lazy_server_del);
    }
    cx.out.ok();
    let now_ms = cx.keys.now_ms();
    let at_ms = match ttl_ms {
        0 => None,
        at_ms if options.absolute => Some(at_ms),
        ttl_ms => Some(ttl_ms.saturating_add(now_ms)),
    };
    if at_ms.is_some_and(|at_ms| at_ms <= now_ms) && cx.is_primary() {
        if replaced {
            cx.changed(key, EventClass::GENERIC, "del");
            cx.replicate(&[if cx.settings.lazyfree_lazy_server_del { b"UNLINK" } else { b"DEL" }, key]);
        }
        return Ok(());
    }
    let entry = EntryBox::new(key, value, at_ms);
    entry.as_ref().set_lru(clock(cx, options.access));
    cx.keys.insert_box(entry);
    cx.keys.ready(key);
    cx.changed(key, EventClass::GENERIC, "restore");
    if let (Some(at_ms), false) = (at_ms, options.absolute) {
        let mut at = itoa::Buffer::new();
        let head = [argv[0], key, at.format(at_ms).as_bytes(), payload];
        cx.replicate(&[&head, &argv[4..], &[b"ABSTTL"]].concat());
    }
    Ok(())
}

/// The access clock of the new key. An option that belongs to the other kind of policy has no effect.
fn clock(cx: &Cx<'_, '_>, access: Access) -> u32 {
    let now_ms = cx.keys.now_ms();
    match (access, cx.options.clock) {
        (Access::Idle(idle_s), AccessClock::Lru) => access::of_idle(idle_s as u64, now_ms),
        (Access::Freq(counter), AccessClock::Lfu(_)) => access::of_counter(counter, now_ms),
        _ => cx.keys.new_clock(),
    }
}
