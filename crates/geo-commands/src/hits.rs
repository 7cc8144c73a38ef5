//! What a search finds in a sorted set, its order, and what becomes of it.

use super::query::{Context, Order, Query, Target};
use super::reply::{reply_distance, reply_position};
use commands::container::reply_item;
use commands::{Cx, Error};
use geo::{Found, Geohash, Search};
use number::IntBuffer;
use resp::Writer;
use sorted_set_commands::{read, store_counted};
use std::cmp::Ordering;
use std::ops::{Bound, Range};
use structures::sorted_set::ScoreRange;
use structures::{Direction, Item, Limits, Score, SortedSet};

/// A member that was found.
#[derive(Debug, Clone, Copy)]
struct Hit<'k> {
    member: Item<'k>,
    score: Score,
    found: Found,
}

/// Members that are looked at between two looks at the effort, where the first hits are enough.
const LOOKED_AT: usize = 1024;

/// Reads the sorted set at a key with what `parse` makes of the arguments, then answers or stores.
pub(super) fn run<'a>(
    cx: &mut Cx<'_, '_>,
    source: &[u8],
    event: &'static str,
    parse: impl FnOnce(Context<'_>) -> Result<Query<'a>, Error>,
) -> Result<(), Error> {
    let (effort, profile, limits) = (cx.effort, cx.options.profile, cx.options.limits);
    let set = read(&mut cx.keys, source)?;
    let query = parse(Context { set, profile })?;
    let mut hits = match (set, &query.search) {
        (Some(set), Some(search)) => {
            let enough = query.count.filter(|_| query.any).unwrap_or(usize::MAX);
            // What is stored costs more than what is found.
            let costs = |members: usize| {
                effort.visits(if query.target.is_some() { members.saturating_mul(3) } else { members })?;
                effort.compares_all(members, search.sides())
            };
            collect(set, search, enough, costs)?
        }
        _ => Vec::new(),
    };
    let wanted = query.count.unwrap_or(usize::MAX).min(hits.len());
    if let Some(order) = query.order() {
        sort(&mut hits, wanted, order);
    }
    hits.truncate(wanted);
    let unit_m = query.search.as_ref().map_or(1.0, Search::unit_m);
    match query.target {
        Some(target) => {
            let set = to_set(&hits, target, unit_m, &limits);
            store_counted(cx, target.key, set, event, wanted as u64);
        }
        None => {
            cx.out.array(hits.len());
            cx.out.each(hits, |out, hit| reply_hit(out, hit, &query, unit_m));
        }
    }
    Ok(())
}

/// Writes a member, in an array of its own if something stands beside it.
fn reply_hit(out: &mut Writer<'_>, Hit { member, score, found }: Hit<'_>, query: &Query<'_>, unit_m: f64) {
    if query.extras() > 0 {
        out.array(1 + query.extras());
    }
    reply_item(out, member);
    if query.with_distance {
        reply_distance(out, found.distance_m / unit_m);
    }
    if query.with_hash {
        out.int(score.get() as i64);
    }
    if query.with_position {
        reply_position(out, found.position);
    }
}

/// The hits in the order of the areas, until there are enough. `costs` asks whether so many members may be looked at.
fn collect<'k>(
    set: &'k SortedSet,
    search: &Search,
    enough: usize,
    costs: impl Fn(usize) -> Result<(), Error>,
) -> Result<Vec<Hit<'k>>, Error> {
    let ranks: Vec<Range<usize>> = search
        .areas()
        .map(|area| {
            let bound = |number: u64| Score::new(number as f64).expect("an integer is a number");
            let range =
                ScoreRange { min: Bound::Included(bound(area.start)), max: Bound::Excluded(bound(area.end)) };
            set.ranks_by_score(&range)
        })
        .collect();
    if enough == usize::MAX {
        costs(ranks.iter().map(ExactSizeIterator::len).sum())?;
    }
    let (mut hits, mut looked_at) = (Vec::new(), 0);
    let members = ranks.into_iter().flat_map(|ranks| set.range(ranks, Direction::Forward));
    for (member, score) in members {
        looked_at += 1;
        if looked_at % LOOKED_AT == 0 && enough < usize::MAX {
            costs(looked_at)?;
        }
        if let Some(found) = search.find(Geohash::of_score(score.get())) {
            hits.push(Hit { member, score, found });
            if hits.len() >= enough {
                break;
            }
        }
    }
    Ok(hits)
}

/// Puts the first `wanted` hits in order.
fn sort(hits: &mut [Hit<'_>], wanted: usize, order: Order) {
    let by_distance = |a: &Hit<'_>, b: &Hit<'_>| {
        let nearest = a.found.distance_m.partial_cmp(&b.found.distance_m).unwrap_or(Ordering::Equal);
        match order {
            Order::Nearest => nearest,
            Order::Farthest => nearest.reverse(),
        }
    };
    super::partial::sort(hits, wanted, &by_distance);
}

/// The sorted set that hits become.
fn to_set(hits: &[Hit<'_>], target: Target<'_>, unit_m: f64, limits: &Limits) -> SortedSet {
    let mut buffer = IntBuffer::new();
    let longest = hits.iter().map(|hit| hit.member.text(&mut buffer).len()).max().unwrap_or(0);
    let mut set = SortedSet::for_members(hits.len(), longest, limits);
    for Hit { member, score, found } in hits {
        let distance = Score::new(found.distance_m / unit_m).filter(|_| target.has_distances);
        set.insert(member.text(&mut buffer), distance.unwrap_or(*score), limits);
    }
    set
}
