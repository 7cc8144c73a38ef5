//! LPOS

use super::read;
use command_spec::*;
use commands::args::{int, is, negatable_int};
use commands::{Cx, Error};
use profile::Profile;
use structures::{Direction, Item, List};

/// `LPOS`
pub(super) const LPOS: Spec = Spec {
    name: "lpos",
    summary: "Returns the indices of elements equal to a value, the first one unless asked for more.",
    since: "6.0.6",
    group: Group::List,
    complexity: "O(N), N being the number of elements compared",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::string("element"),
        Arg::integer("rank").token("RANK").optional(),
        Arg::integer("num-matches").token("COUNT").optional(),
        Arg::integer("len").token("MAXLEN").optional(),
    ],
    reply: Shape::OneOf(&[Shape::COUNT, Shape::Array(&Shape::COUNT), Shape::Null]),
    need: Need::Keys,
    ..Spec::BASE
};

/// The one rank whose negative is none. Redis 7.0 takes it all the same: every match from the end counts, however many are
/// asked for.
const NO_RANK: u64 = i64::MIN.unsigned_abs();

struct Search<'a> {
    element: &'a [u8],
    /// The first match that counts, from 1.
    rank: u64,
    direction: Direction,
    /// How many are asked for, as an array; 0: all.
    count: Option<u64>,
    /// How many elements are compared; 0: all.
    max_len: u64,
}

fn parse<'a>(argv: &[&'a [u8]], profile: Profile) -> Result<Search<'a>, Error> {
    let mut search =
        Search { element: argv[2], rank: 1, direction: Direction::Forward, count: None, max_len: 0 };
    let (options, rest) = argv[3..].as_chunks();
    for &[word, value] in options {
        if is(word, "RANK") {
            let rank = if profile.has("7.2.0") { negatable_int(value)? } else { int(value)? };
            if rank == 0 {
                return Err(Error::text(
                    "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
                ));
            }
            search.rank = rank.unsigned_abs();
            search.direction = if rank < 0 { Direction::Backward } else { Direction::Forward };
        } else if is(word, "COUNT") {
            search.count = Some(not_negative(value, "ERR COUNT can't be negative")?);
        } else if is(word, "MAXLEN") {
            search.max_len = not_negative(value, "ERR MAXLEN can't be negative")?;
        } else {
            return Err(Error::Syntax);
        }
    }
    if !rest.is_empty() {
        return Err(Error::Syntax);
    }
    if search.rank == NO_RANK {
        search.rank = 1;
        search.count = search.count.map(|_| 0);
    }
    Ok(search)
}

fn not_negative(arg: &[u8], otherwise: &'static str) -> Result<u64, Error> {
    int(arg).ok().and_then(|int| u64::try_from(int).ok()).ok_or(Error::text(otherwise))
}

pub(super) fn lpos(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let search = parse(argv, cx.options.profile)?;
    let effort = cx.effort;
    let Some(list) = read(&mut cx.keys, argv[1])? else {
        match search.count {
            Some(_) => cx.out.array(0),
            None => cx.out.null(),
        }
        return Ok(());
    };
    let most = if search.max_len == 0 { u64::MAX } else { search.max_len };
    effort.compares(usize::try_from(most).map_or(list.len(), |most| most.min(list.len())))?;
    let mut found = matches(list, &search);
    match search.count {
        None => match found.next() {
            Some(index) => cx.out.int(index as i64),
            None => cx.out.null(),
        },
        Some(count) => {
            let array = cx.out.deferred();
            let most = if count == 0 { usize::MAX } else { usize::try_from(count).unwrap_or(usize::MAX) };
            let mut len = 0;
            cx.out.each(found.take(most), |out, index| {
                out.int(index as i64);
                len += 1;
            });
            cx.out.finish_array(array, len);
        }
    }
    Ok(())
}

/// The indices of matching elements from the rank on, in the direction of the search.
fn matches<'l>(list: &'l List, search: &Search<'l>) -> impl Iterator<Item = usize> + use<'l> {
    let len = list.len();
    let direction = search.direction;
    let first = if direction == Direction::Forward { 0 } else { len - 1 };
    let most = if search.max_len == 0 { len } else { usize::try_from(search.max_len).unwrap_or(len) };
    let skipped = usize::try_from(search.rank - 1).unwrap_or(usize::MAX);
    let wanted = Item::of(search.element);
    let places = list.iter_from(first, direction).take(most).enumerate();
    places.filter(move |(_, element)| *element == wanted).skip(skipped).map(move |(place, _)| match direction
    {
        Direction::Forward => place,
        Direction::Backward => len - 1 - place,
    })
}
