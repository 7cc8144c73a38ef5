//! MSETEX

use command_spec::*;
use commands::args::{int, is};
use commands::when::{WHEN_OR_KEEPTTL, When};
use commands::{Cx, Error};
use keyspace::{EventClass, Ttl};

/// `MSETEX`
pub(super) const MSETEX: Spec = Spec {
    name: "msetex",
    summary: "Sets the string values of several keys at once, with one expiry, if none or all of the keys are there.",
    since: "9.1.0",
    group: Group::String,
    complexity: "O(N), N being the number of keys",
    arity: -4,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::MOVABLE_KEYS),
    categories: Categories::STRING,
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    keys: &[KeySpec {
        flags: KeyFlags::OW.union(KeyFlags::UPDATE),
        begin: BeginSearch::Index(1),
        find: FindKeys::KeyNum { keynum: 0, first: 1, step: 2 },
    }],
    args: &[
        Arg::integer("numkeys"),
        Arg::block("data", &[Arg::key("key"), Arg::string("value")]).multiple(),
        Arg::one_of("condition", &[Arg::word("nx", "NX"), Arg::word("xx", "XX")]).optional(),
        WHEN_OR_KEEPTTL,
    ],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

struct SetAll<'a, 'b> {
    pairs: &'b [[&'a [u8]; 2]],
    /// Whether all keys must be there, or none.
    present: Option<bool>,
    keep_ttl: bool,
    when: Option<When<'a>>,
}

fn parse<'a, 'b>(argv: &'b [&'a [u8]]) -> Result<SetAll<'a, 'b>, Error> {
    let invalid = Error::text("ERR invalid numkeys value or out of range");
    let count = int(argv[1]).ok().and_then(|count| usize::try_from(count).ok());
    // More than a request may have arguments.
    let count = count.filter(|count| (1..=i32::MAX as usize / 2).contains(count)).ok_or(invalid)?;
    let (pairs, _) = argv[2..].as_chunks();
    let pairs = pairs.get(..count).ok_or(Error::Syntax)?;
    let mut all = SetAll { pairs, present: None, keep_ttl: false, when: None };
    let mut rest = argv[2 + 2 * count..].iter();
    while let Some(&arg) = rest.next() {
        if is(arg, "NX") && all.present != Some(true) {
            all.present = Some(false);
        } else if is(arg, "XX") && all.present != Some(false) {
            all.present = Some(true);
        } else if is(arg, "KEEPTTL") && all.when.is_none() {
            all.keep_ttl = true;
        } else if !all.keep_ttl {
            all.when = Some(When::parse(arg, &mut rest, all.when)?);
        } else {
            return Err(Error::Syntax);
        }
    }
    Ok(all)
}

pub(super) fn msetex(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let SetAll { pairs, present, keep_ttl, when } = parse(argv)?;
    let at_ms = when.map(|when| when.resolve(cx.keys.now_ms(), "msetex")).transpose()?;
    let is_met = present
        .is_none_or(|present| pairs.iter().all(|[key, _]| cx.keys.lookup_to_write(key).is_some() == present));
    if is_met {
        let ttl = at_ms.map_or(if keep_ttl { Ttl::Keep } else { Ttl::Clear }, Ttl::At);
        for [key, value] in pairs {
            cx.keys.put_string(key, value, ttl);
            cx.changed(key, EventClass::STRING, "set");
            if at_ms.is_some() {
                cx.keys.event(key, EventClass::GENERIC, "expire");
            }
        }
        if let Some(at_ms) = at_ms.filter(|_| !when.is_some_and(When::is_unix_ms)) {
            replicate_until(cx, argv, 2 + 2 * pairs.len(), at_ms);
        }
    }
    cx.out.int(i64::from(is_met));
    Ok(())
}

/// Replicates the call with the absolute time in place of each other one among the options.
fn replicate_until(cx: &mut Cx<'_, '_>, argv: &[&[u8]], options: usize, at_ms: u64) {
    let mut at = itoa::Buffer::new();
    let at = at.format(at_ms).as_bytes();
    let mut rewritten = argv.to_vec();
    let mut index = options;
    while index < argv.len() {
        if ["EX", "PX", "EXAT"].iter().any(|word| is(argv[index], word)) {
            rewritten[index] = b"PXAT";
            rewritten[index + 1] = at;
            index += 1;
        }
        index += 1;
    }
    cx.replicate(&rewritten);
}
