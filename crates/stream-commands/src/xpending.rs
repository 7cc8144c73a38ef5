//! XPENDING

use super::{ids, no_group, read, reply};
use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Effort, Error};
use resp::Writer;
use structures::StreamId;
use structures::stream::Group as ConsumerGroup;

/// `XPENDING`
pub(super) const XPENDING: Spec = Spec {
    name: "xpending",
    summary: "Tells what is pending in a group: a summary, or each entry of a range of IDs.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N), N being the number of entries returned, or with IDLE the number looked at",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::string("group"),
        Arg::block(
            "filters",
            &[
                Arg::integer("min-idle-time").token("IDLE").optional().since("6.2.0"),
                Arg::string("start"),
                Arg::string("end"),
                Arg::integer("count"),
                Arg::string("consumer").optional(),
            ],
        )
        .optional(),
    ],
    reply: Shape::OneOf(&[
        Shape::Tuple(&[
            Shape::COUNT,
            Shape::BULK_OR_NULL,
            Shape::BULK_OR_NULL,
            Shape::OneOf(&[Shape::Array(&Shape::Tuple(&[Shape::Bulk, Shape::Bulk])), Shape::NullArray]),
        ]),
        Shape::Array(&Shape::Tuple(&[Shape::Bulk, Shape::Bulk, Shape::COUNT, Shape::Integer])),
    ]),
    need: Need::Keys,
    ..Spec::BASE
};

/// Which pending entries are told.
struct Filter<'a> {
    min_idle_ms: i64,
    start: StreamId,
    end: StreamId,
    count: usize,
    consumer: Option<&'a [u8]>,
}

fn parse<'a>(argv: &[&'a [u8]]) -> Result<Option<Filter<'a>>, Error> {
    let mut rest = match argv.len() {
        3 => return Ok(None),
        6..=9 => &argv[3..],
        _ => return Err(Error::Syntax),
    };
    let mut min_idle_ms = 0;
    if is(rest[0], "IDLE") {
        min_idle_ms = int(rest[1])?;
        rest = &rest[2..];
        if rest.len() < 3 {
            return Err(Error::Syntax);
        }
    }
    let count = int(rest[2])?.max(0) as usize;
    let (start, end) = (ids::start(rest[0])?, ids::end(rest[1])?);
    Ok(Some(Filter { min_idle_ms, start, end, count, consumer: rest.get(3).copied() }))
}

pub(super) fn xpending(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let filter = parse(argv)?;
    let (effort, now_ms) = (cx.effort, cx.keys.now_ms() as i64);
    let found = read(&mut cx.keys, argv[1])?.and_then(|stream| stream.group(argv[2]));
    let Some(group) = found else { return Err(no_group(argv[1], argv[2], "")) };
    match filter {
        None => summary(&mut cx.out, effort, group),
        Some(filter) => each(&mut cx.out, effort, group, &filter, now_ms),
    }
}

fn summary(out: &mut Writer<'_>, effort: Effort, group: &ConsumerGroup) -> Result<(), Error> {
    effort.writes(2 * group.consumers_len())?;
    out.array(4);
    out.int(group.pending_len() as i64);
    let (Some(first), Some(last)) = (group.first_pending(), group.last_pending()) else {
        out.null();
        out.null();
        out.null_array();
        return Ok(());
    };
    reply::id(out, first);
    reply::id(out, last);
    let concerned = || group.consumers().filter(|consumer| consumer.pending_len() > 0);
    out.array(concerned().count());
    out.each(concerned(), |out, consumer| {
        out.array(2);
        out.bulk(consumer.name());
        out.bulk_int(consumer.pending_len() as i64);
    });
    Ok(())
}

fn each(
    out: &mut Writer<'_>,
    effort: Effort,
    group: &ConsumerGroup,
    filter: &Filter<'_>,
    now_ms: i64,
) -> Result<(), Error> {
    let consumer = match filter.consumer {
        None => None,
        Some(name) => match group.find_consumer(name) {
            Some(number) => Some(group.consumer(number)),
            None => {
                out.array(0);
                return Ok(());
            }
        },
    };
    let pending = consumer.map_or(group.pending_len(), |consumer| consumer.pending_len());
    effort.writes(4 * pending.min(filter.count))?;
    if filter.min_idle_ms != 0 {
        effort.compares(pending)?;
    }
    let own = consumer.map(|consumer| {
        let nack_of = |id| group.nack(id).map(|nack| (id, nack));
        consumer.pending_from(filter.start).filter_map(nack_of)
    });
    let all = consumer.is_none().then(|| group.pending_from(filter.start));
    let told = own.into_iter().flatten().chain(all.into_iter().flatten());
    let told = told
        .take_while(|(id, _)| *id <= filter.end)
        .filter(|(_, nack)| {
            filter.min_idle_ms == 0 || now_ms.wrapping_sub(nack.delivered_ms) >= filter.min_idle_ms
        })
        .take(filter.count);
    let head = out.deferred();
    let mut len = 0;
    out.each(told, |out, (id, nack)| {
        out.array(4);
        reply::id(out, id);
        out.bulk(group.consumer(nack.consumer).name());
        out.int(now_ms.wrapping_sub(nack.delivered_ms).max(0));
        out.int(nack.deliveries as i64);
        len += 1;
    });
    out.finish_array(head, len);
    Ok(())
}
