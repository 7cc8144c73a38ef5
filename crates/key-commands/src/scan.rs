//! SCAN
//!
//! ```text
//!  cursor (u64, in decimal)    63  62 61        48 47                                0
//!                             ┌──────┬────────────┬──────────────────────────────────┐
//!                             │ zero │    slot    │ position within the slot's table │
//!                             └──────┴────────────┴──────────────────────────────────┘
//! ```
//! Slots are walked in ascending order, and within a slot the table's own cursor goes by hash, not by place. So a key
//! that exists from the start of a scan to its end is returned, whatever growth, shrinking or removal happens in
//! between, and no key is returned twice. Expired keys that pass the filters are deleted on the way.

use super::type_name::type_name;
use command_spec::*;
use commands::args::{int, is};
use commands::scanning::{SCANNED_AT_ONCE, cursor};
use commands::{Cx, Error, Flow, Piece, Progress};
use profile::Profile;
use table::Entry;
use topology::glob;

/// `SCAN`
pub(super) const SCAN: Spec = Spec {
    name: "scan",
    summary: "Returns some of the keys and a cursor to go on with; a whole scan returns all.",
    since: "2.8.0",
    group: Group::Generic,
    complexity: "O(1) a call, O(N) for a whole scan, N being the number of keys of the database",
    arity: -2,
    flags: Flags::READONLY.union(Flags::TOUCHES_ARBITRARY_KEYS),
    categories: Categories::KEYSPACE,
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    args: &[
        Arg::integer("cursor"),
        Arg::new("pattern", ArgKind::Pattern(None)).token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
        Arg::string("type").token("TYPE").optional().since("6.0.0"),
    ],
    reply: Shape::PAGE,
    need: Need::SlotBySlot,
    before: &[("7.2.0", |spec| spec.tips = &["nondeterministic_output", "request_policy:special"])],
    ..Spec::BASE
};

/// What TYPE answers for the types that the server has.
const TYPE_NAMES: [&str; 6] = ["string", "list", "set", "zset", "hash", "stream"];
/// Bits of the position within a slot.
const WITHIN_BITS: u32 = 48;
/// Keys visited in one call, unless COUNT says otherwise.
const DEFAULT_COUNT: usize = 10;
/// Steps from slot to slot for each key asked for: a bound where many keys have expired, which do not count.
const STEPS_PER_KEY: usize = 10;

struct Scan<'a> {
    cursor: u64,
    pattern: Option<&'a [u8]>,
    count: usize,
    type_name: Option<&'a [u8]>,
}

impl Scan<'_> {
    fn is_named(&self, entry: Entry<'_>) -> bool {
        self.pattern.is_none_or(|pattern| glob::matches(pattern, entry.key(), false))
    }

    fn is_typed(&self, entry: Entry<'_>) -> bool {
        self.type_name.is_none_or(|name| is(name, type_name(entry.value())))
    }
}

fn parse<'a>(argv: &[&'a [u8]], profile: Profile) -> Result<Scan<'a>, Error> {
    let cursor = cursor(argv[1], profile)?;
    let mut scan = Scan { cursor, pattern: None, count: DEFAULT_COUNT, type_name: None };
    let (options, rest) = argv[2..].as_chunks();
    for [word, value] in options {
        if is(word, "COUNT") {
            let count = usize::try_from(int(value)?).ok().filter(|&count| count > 0);
            scan.count = count.ok_or(Error::Syntax)?;
        } else if is(word, "MATCH") {
            scan.pattern = (*value != b"*").then_some(value);
        } else if is(word, "TYPE") {
            if profile.has("8.0.0") && !TYPE_NAMES.iter().any(|name| is(value, name)) {
                let name = String::from_utf8_lossy(value);
                return Err(Error::Other(format!("ERR unknown type name '{name}'").into()));
            }
            scan.type_name = Some(value);
        } else {
            return Err(refused(word, profile));
        }
    }
    match rest {
        [] => Ok(scan),
        [word, ..] => Err(refused(word, profile)),
    }
}

/// The error for a word that is none of the options.
fn refused(word: &[u8], profile: Profile) -> Error {
    if is(word, "NOVALUES") && profile.has("8.0.0") {
        return Error::text("ERR NOVALUES option can only be used in HSCAN");
    }
    Error::Syntax
}

pub(super) fn scan(cx: &mut Cx<'_, '_>, argv: &[&[u8]], piece: &mut Piece<'_>) -> Result<Flow, Error> {
    let scan = parse(argv, cx.options.profile)?;
    if piece.progress.head.is_none() {
        piece.progress.head = Some(cx.out.deferred());
        piece.progress.slot = (scan.cursor >> WITHIN_BITS) as usize;
        piece.progress.within = scan.cursor & ((1 << WITHIN_BITS) - 1);
        piece.progress.counts.steps = scan.count.saturating_mul(STEPS_PER_KEY);
    }
    let cursor = loop {
        let Some(at) = piece.progress.next_slot(cx) else { break 0 };
        let Progress { within: from, found, counts, tail, .. } = &mut *piece.progress;
        let (from, budget, before) = (*from, (scan.count - counts.seen).min(SCANNED_AT_ONCE), counts.seen);
        let mut list = cx.out.aside(tail);
        let within = cx.keys.scan_slot(at, from, budget, |entry| {
            counts.seen += 1;
            if !list.is_over() && scan.is_named(entry) && scan.is_typed(entry) {
                list.bulk(entry.key());
                *found += 1;
            }
        })?;
        let visited = counts.seen - before;
        counts.steps -= 1;
        let is_done = counts.seen >= scan.count || counts.steps == 0 || list.is_over();
        if cx.is_primary() && cx.keys.may_be_due(at) {
            // What the filters leave out is left alone; Redis 7.0 looks a key up before it asks for its type.
            let looks_up = !cx.options.profile.has("8.0.0");
            cx.keys.expire_slot(at, from, budget, |entry| {
                scan.is_named(entry) && (looks_up || scan.is_typed(entry))
            });
        }
        piece.progress.reached(at, within);
        if is_done {
            let next = piece.progress.next_slot(cx);
            break next.map_or(0, |next| (next.index() as u64) << WITHIN_BITS | piece.progress.within);
        }
        if piece.is_over(visited) {
            return Ok(Flow::Unfinished);
        }
    };
    cx.out.array(2);
    cx.out.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    cx.out.array(piece.progress.found);
    cx.out.raw(&piece.progress.tail);
    Ok(Flow::Done)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use profile::Profile;

    #[test]
    fn later_versions_refuse_more_words() {
        let error = |words: [&[u8]; 4], profile| parse(&words, profile).err().map(|error| error.to_string());
        let unknown: [&[u8]; 4] = [b"scan", b"0", b"TYPE", b"list2"];
        assert_eq!(error(unknown, Profile::Redis70), None);
        assert_eq!(error(unknown, Profile::Valkey80).as_deref(), Some("ERR unknown type name 'list2'"));
        assert_eq!(error([b"scan", b"0", b"TYPE", b"List"], Profile::Valkey80), None);
        let of_another: [&[u8]; 4] = [b"scan", b"0", b"novalues", b"COUNT"];
        assert_eq!(error(of_another, Profile::Redis70).as_deref(), Some("ERR syntax error"));
        let text = "ERR NOVALUES option can only be used in HSCAN";
        assert_eq!(error(of_another, Profile::Valkey80).as_deref(), Some(text));
    }
}
