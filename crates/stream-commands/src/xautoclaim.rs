//! XAUTOCLAIM

use super::edit::{self, Changes};
use super::xclaim::CLAIMED;
use super::{ids, no_group, read, reply};
use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Error};
use structures::StreamId;
use structures::stream::Nack;
use table::ValueMut;

/// `XAUTOCLAIM`
pub(super) const XAUTOCLAIM: Spec = Spec {
    name: "xautoclaim",
    summary: "Claims what has been pending for long in a group, from an ID on; returns where to go on.",
    since: "6.2.0",
    group: Group::Stream,
    complexity: "O(N log(M)), N being the count and M the number of entries that are pending",
    arity: -6,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::STREAM,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    args: &[
        Arg::key("key"),
        Arg::string("group"),
        Arg::string("consumer"),
        Arg::string("min-idle-time"),
        Arg::string("start"),
        Arg::integer("count").token("COUNT").optional(),
        Arg::word("justid", "JUSTID").optional(),
    ],
    reply: Shape::Tuple(&[Shape::Bulk, CLAIMED, Shape::Array(&Shape::Bulk)]),
    need: Need::Keys,
    ..Spec::BASE
};

/// How many entries are claimed unless COUNT says otherwise.
const DEFAULT_COUNT: usize = 100;
/// How many pending entries are looked at for each that may be claimed.
const LOOKS: usize = 10;
/// The largest count: the real server's notes of deleted entries, 16 bytes each, must be addressable.
const MAX_COUNT: i64 = i64::MAX / StreamId::BYTES as i64;
/// From this count on the real server does not get the memory for its notes.
const TOO_MANY: usize = 1 << 43;

/// What the arguments say.
struct Claim {
    min_idle_ms: i64,
    start: StreamId,
    count: usize,
    just_id: bool,
}

fn parse(argv: &[&[u8]]) -> Result<Claim, Error> {
    let min_idle_ms =
        int(argv[4]).map_err(|_| Error::text("ERR Invalid min-idle-time argument for XAUTOCLAIM"))?.max(0);
    let start = ids::start(argv[5])?;
    let mut claim = Claim { min_idle_ms, start, count: DEFAULT_COUNT, just_id: false };
    let mut rest = &argv[6..];
    loop {
        rest = match *rest {
            [] => return Ok(claim),
            [word, count, ref rest @ ..] if is(word, "COUNT") => {
                let count = int(count).ok().filter(|count| (1..=MAX_COUNT).contains(count));
                claim.count = count.ok_or(Error::text("ERR COUNT must be > 0"))? as usize;
                rest
            }
            [word, ref rest @ ..] if is(word, "JUSTID") => {
                claim.just_id = true;
                rest
            }
            _ => return Err(Error::Syntax),
        };
    }
}

pub(super) fn xautoclaim(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, group_name, consumer_name) = (argv[1], argv[2], argv[3]);
    // The key is looked up before the arguments are read, which shows in statistics.
    let found = read(&mut cx.keys, key)
        .map(|stream| stream.and_then(|stream| stream.group(group_name)).map(|group| group.pending_len()));
    let claim = parse(argv)?;
    let Some(pending) = found? else { return Err(no_group(key, group_name, "")) };
    if claim.count >= TOO_MANY {
        return Err(Error::text(
            "ERR Insufficient memory, failed allocating transient memory, COUNT too high.",
        ));
    }
    cx.effort.visits(claim.count.saturating_mul(LOOKS).min(pending))?;
    let (now_ms, tells_always) = (cx.keys.now_ms() as i64, cx.options.profile.has("7.2.0"));
    let mut changes = Changes::new(cx);
    let Some(mut edit) = cx.keys.edit(key) else { return Ok(()) };
    let ValueMut::Stream(stream) = edit.value_mut() else { return Err(Error::WrongType) };
    let (mut consumer, mut is_created) = (None, false);
    if tells_always && let Some(mut group) = stream.group_mut(group_name) {
        let (number, created) = edit::consumer(&mut group, consumer_name, now_ms);
        group.set_seen(number, now_ms);
        (consumer, is_created) = (Some(number), created);
    }
    let (mut claimed, mut deleted) = (Vec::new(), Vec::new());
    let mut next = Some(claim.start);
    for _ in 0..claim.count.saturating_mul(LOOKS) {
        if claimed.len() + deleted.len() == claim.count {
            break;
        }
        let group = stream.group(group_name);
        let Some((id, nack)) = group.zip(next).and_then(|(group, next)| group.pending_from(next).next())
        else {
            next = None;
            break;
        };
        next = id.next();
        let exists = stream.contains(id);
        let Some(mut group) = stream.group_mut(group_name) else { break };
        if !exists {
            changes.pending(key, &group, id, &nack);
            group.ack(id);
            deleted.push(id);
            continue;
        }
        if claim.min_idle_ms > 0 && now_ms.wrapping_sub(nack.delivered_ms) < claim.min_idle_ms {
            continue;
        }
        let number = match consumer {
            Some(number) => number,
            None => {
                let (number, created) = edit::consumer(&mut group, consumer_name, now_ms);
                group.set_seen(number, now_ms);
                (consumer, is_created) = (Some(number), created);
                number
            }
        };
        let deliveries = nack.deliveries.wrapping_add(u64::from(!claim.just_id));
        let nack = Nack { delivered_ms: now_ms, deliveries, consumer: number };
        group.set_pending(id, nack);
        group.set_active(number, Some(now_ms));
        changes.pending(key, &group, id, &nack);
        claimed.push(id);
    }
    let group = stream.group(group_name);
    let cursor = group.zip(next).and_then(|(group, next)| group.pending_from(next).next());
    cx.out.array(3);
    reply::id(&mut cx.out, cursor.map_or(StreamId::MIN, |(id, _)| id));
    cx.out.array(claimed.len());
    cx.out.each(&claimed, |out, id| match stream.get(*id).filter(|_| !claim.just_id) {
        Some(entry) => reply::entry(out, entry),
        None => reply::id(out, *id),
    });
    cx.out.array(deleted.len());
    cx.out.each(&deleted, |out, id| reply::id(out, *id));
    if is_created {
        edit::changed(cx, key, "xgroup-createconsumer");
    }
    cx.keys.effects().dirty += (claimed.len() + deleted.len()) as u64;
    changes.replicate(cx);
    Ok(())
}
