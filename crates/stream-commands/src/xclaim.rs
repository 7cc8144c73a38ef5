//! XCLAIM

use super::edit::{self, Changes};
use super::{ids, no_group, quoted, read, reply};
use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Error};
use structures::StreamId;
use structures::stream::Nack;
use table::ValueMut;

/// `XCLAIM`
pub(super) const XCLAIM: Spec = Spec {
    name: "xclaim",
    summary: "Makes entries that are pending in a group pending for another consumer, and returns them.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N log(M)), N being the number of entries and M the number of those that are pending",
    arity: -6,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::STREAM,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::string("group"),
        Arg::string("consumer"),
        Arg::string("min-idle-time"),
        Arg::string("ID").multiple(),
        Arg::integer("ms").token("IDLE").optional(),
        Arg::new("unix-time-milliseconds", ArgKind::UnixTime).token("TIME").optional(),
        Arg::integer("count").token("RETRYCOUNT").optional(),
        Arg::word("force", "FORCE").optional(),
        Arg::word("justid", "JUSTID").optional(),
        Arg::string("lastid").token("LASTID").optional(),
    ],
    reply: CLAIMED,
    need: Need::Keys,
    ..Spec::BASE
};

/// Entries, or their IDs alone.
pub(super) const CLAIMED: Shape = Shape::OneOf(&[reply::ENTRIES, Shape::Array(&Shape::Bulk)]);

/// What the arguments say.
struct Claim {
    min_idle_ms: i64,
    ids: Vec<StreamId>,
    delivered_ms: i64,
    deliveries: Option<u64>,
    force: bool,
    just_id: bool,
    last_id: StreamId,
}

fn parse(argv: &[&[u8]], now_ms: i64) -> Result<Claim, Error> {
    let number = |arg, invalid| int(arg).map_err(|_| Error::text(invalid));
    let min_idle_ms = number(argv[4], "ERR Invalid min-idle-time argument for XCLAIM")?.max(0);
    // The IDs end where something is none.
    let ids: Vec<StreamId> = argv[5..].iter().map_while(|arg| ids::id(arg).ok()).collect();
    let mut rest = &argv[5 + ids.len()..];
    let mut claim = Claim {
        min_idle_ms,
        ids,
        delivered_ms: now_ms,
        deliveries: None,
        force: false,
        just_id: false,
        last_id: StreamId::MIN,
    };
    // -1 stands for none.
    let mut delivered_ms = -1;
    loop {
        rest = match *rest {
            [] => break,
            [word, ref rest @ ..] if is(word, "FORCE") => {
                claim.force = true;
                rest
            }
            [word, ref rest @ ..] if is(word, "JUSTID") => {
                claim.just_id = true;
                rest
            }
            [word, value, ref rest @ ..] if is(word, "IDLE") => {
                let idle_ms = number(value, "ERR Invalid IDLE option argument for XCLAIM")?;
                delivered_ms = now_ms.wrapping_sub(idle_ms);
                rest
            }
            [word, value, ref rest @ ..] if is(word, "TIME") => {
                delivered_ms = number(value, "ERR Invalid TIME option argument for XCLAIM")?;
                rest
            }
            [word, value, ref rest @ ..] if is(word, "RETRYCOUNT") => {
                let count = number(value, "ERR Invalid RETRYCOUNT option argument for XCLAIM")?;
                claim.deliveries = u64::try_from(count).ok();
                rest
            }
            [word, value, ref rest @ ..] if is(word, "LASTID") => {
                claim.last_id = ids::id(value)?;
                rest
            }
            [word, ..] => {
                let text = format!("ERR Unrecognized XCLAIM option '{}'", quoted(word));
                return Err(Error::Other(text.into()));
            }
        };
    }
    // A time that cannot be is taken for now.
    if (0..=now_ms).contains(&delivered_ms) {
        claim.delivered_ms = delivered_ms;
    }
    Ok(claim)
}

pub(super) fn xclaim(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, group_name, consumer_name) = (argv[1], argv[2], argv[3]);
    let (now_ms, tells_always) = (cx.keys.now_ms() as i64, cx.options.profile.has("7.2.0"));
    if read(&mut cx.keys, key)?.and_then(|stream| stream.group(group_name)).is_none() {
        return Err(no_group(key, group_name, ""));
    }
    let claim = parse(argv, now_ms)?;
    cx.effort.visits(claim.ids.len())?;
    let mut changes = Changes::new(cx);
    let Some(mut edit) = cx.keys.edit(key) else { return Ok(()) };
    let ValueMut::Stream(stream) = edit.value_mut() else { return Err(Error::WrongType) };
    let mut sends_last_id = false;
    let (mut consumer, mut is_created) = (None, false);
    if let Some(mut group) = stream.group_mut(group_name) {
        if claim.last_id > group.last_id() {
            let read = group.entries_read();
            group.set_id(claim.last_id, read);
            sends_last_id = true;
        }
        if tells_always {
            let (number, created) = edit::consumer(&mut group, consumer_name, now_ms);
            group.set_seen(number, now_ms);
            (consumer, is_created) = (Some(number), created);
        }
    }
    let head = cx.out.deferred();
    let (mut claimed, mut dirty) = (0, 0);
    // They are the arguments behind the time.
    for (&id, written) in claim.ids.iter().zip(&argv[5..]) {
        let exists = stream.contains(id);
        let Some(mut group) = stream.group_mut(group_name) else { break };
        let pending = group.nack(id);
        if !exists {
            if let Some(nack) = pending {
                changes.pending_as(key, &group, written, &nack);
                group.ack(id);
                sends_last_id = false;
                dirty += 1;
            }
            continue;
        }
        let deliveries = match pending {
            Some(nack) => {
                let idle_ms = now_ms.wrapping_sub(nack.delivered_ms);
                if claim.min_idle_ms > 0 && idle_ms < claim.min_idle_ms {
                    continue;
                }
                nack.deliveries
            }
            None if claim.force => 1,
            None => continue,
        };
        let number = match consumer {
            Some(number) => number,
            None => {
                let (number, created) = edit::consumer(&mut group, consumer_name, now_ms);
                group.set_seen(number, now_ms);
                (consumer, is_created) = (Some(number), created);
                number
            }
        };
        let nack = Nack {
            delivered_ms: claim.delivered_ms,
            deliveries: claim.deliveries.unwrap_or(deliveries.wrapping_add(u64::from(!claim.just_id))),
            consumer: number,
        };
        group.set_pending(id, nack);
        group.set_active(number, Some(now_ms));
        changes.pending_as(key, &group, written, &nack);
        sends_last_id = false;
        dirty += 1;
        claimed += 1;
        drop(group);
        match stream.get(id).filter(|_| !claim.just_id) {
            Some(entry) => reply::entry(&mut cx.out, entry),
            None => reply::id(&mut cx.out, id),
        }
    }
    cx.out.finish_array(head, claimed);
    if sends_last_id && let Some(group) = stream.group(group_name) {
        changes.delivered(key, group);
        dirty += 1;
    }
    if is_created {
        edit::changed(cx, key, "xgroup-createconsumer");
    }
    cx.keys.effects().dirty += dirty;
    changes.replicate(cx);
    Ok(())
}
