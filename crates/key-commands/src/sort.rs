//! SORT and SORT_RO
//!
//! ```text
//!   elements ─▶ rows ─▶ weights (the element itself, or what BY finds) ─▶ order ─▶ LIMIT ─▶ what GET finds ─▶ reply or list
//! ```
//!
//! A weight is a number, or with ALPHA a text. Equal numbers are told apart by the elements' own bytes, so the order is the same
//! on every node; equal texts that BY has found stay in the order of the value. With BY and a pattern that has no `*` nothing is
//! sorted: a list and a sorted set then answer a part without going through the rest. A set has no order of its own, so it is
//! sorted all the same when the result is stored.
//!
//! Patterns name keys by the values of elements. With BY or GET the command therefore needs the world.

mod pattern;

use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Error};
use keyspace::{EventClass, Ttl};
use number::IntBuffer;
use pattern::{Pattern, score};
use profile::Profile;
use std::cmp::Ordering;
use std::ops::Range;
use structures::{Direction, End, Item, List, Value, ValueRef};
use table::{Entry, ValueMut};

const READ: KeyFlags = KeyFlags::RO.union(KeyFlags::ACCESS);
const SOURCE: KeySpec = KeySpec::one(1, READ);
/// Keys that BY and GET name.
const NAMED: KeySpec = KeySpec { flags: READ, begin: BeginSearch::Unknown, find: FindKeys::Unknown };
const STORED: KeySpec = KeySpec {
    flags: KeyFlags::OW.union(KeyFlags::UPDATE),
    begin: BeginSearch::Option(OptionList {
        from: 2,
        word: "STORE",
        others: &[("LIMIT", 2), ("BY", 1), ("GET", 1)],
    }),
    find: FindKeys::Unknown,
};

const BY: Arg = Arg::new("by-pattern", ArgKind::Pattern(Some(1))).token("BY").optional();
const LIMIT: Arg =
    Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")]).token("LIMIT").optional();
const GET: Arg = Arg::new("get-pattern", ArgKind::Pattern(Some(1))).token("GET").optional().multiple_token();
const ORDER: Arg = Arg::one_of("order", &[Arg::word("asc", "ASC"), Arg::word("desc", "DESC")]).optional();
const ALPHA: Arg = Arg::word("sorting", "ALPHA").optional();

/// `SORT`
pub(super) const SORT: Spec = Spec {
    name: "sort",
    summary: "Returns or stores the elements of a list, set or sorted set in order, or what keys named after them hold.",
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(N*log(N)+M), N being the number of elements and M the number of those returned",
    arity: -2,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::MOVABLE_KEYS),
    categories: Categories::SET
        .union(Categories::SORTEDSET)
        .union(Categories::LIST)
        .union(Categories::DANGEROUS),
    keys: &[SOURCE, NAMED, STORED],
    args: &[
        Arg::key("key"),
        BY,
        LIMIT,
        GET,
        ORDER,
        ALPHA,
        Arg::new("destination", ArgKind::Key(2)).token("STORE").optional(),
    ],
    reply: Shape::OneOf(&[Shape::Array(&Shape::BULK_OR_NULL), Shape::COUNT]),
    need: Need::Keys,
    world_words: &["by", "get"],
    ..Spec::BASE
};

/// `SORT_RO`
pub(super) const SORT_RO: Spec = Spec {
    name: "sort_ro",
    summary: "Returns the elements of a list, set or sorted set in order, or what keys named after them hold.",
    since: "7.0.0",
    flags: Flags::READONLY.union(Flags::MOVABLE_KEYS),
    keys: &[SOURCE, NAMED],
    args: &[Arg::key("key"), BY, LIMIT, GET, ORDER, ALPHA],
    reply: Shape::Array(&Shape::BULK_OR_NULL),
    ..SORT
};

#[derive(Debug, Default)]
struct Options<'a> {
    by: Option<Pattern<'a>>,
    /// BY with a pattern that names no key.
    unsorted: bool,
    get: Vec<Pattern<'a>>,
    alpha: bool,
    descending: bool,
    limit: Option<(i64, i64)>,
    store: Option<&'a [u8]>,
}

impl Options<'_> {
    /// How many keys BY and GET look up, if so many elements are sorted and so many are wanted.
    fn lookups(&self, sorted: usize, wanted: usize) -> usize {
        let by = if self.by.is_some() && !self.unsorted { sorted } else { 0 };
        by.saturating_add(wanted.saturating_mul(self.get.len()))
    }
}

fn parse<'a>(cx: &Cx<'_, '_>, argv: &[&'a [u8]], may_store: bool) -> Result<Options<'a>, Error> {
    let mut options = Options::default();
    let mut rest = &argv[2..];
    while let [word, after @ ..] = rest {
        rest = match after {
            _ if is(word, "ASC") => {
                options.descending = false;
                after
            }
            _ if is(word, "DESC") => {
                options.descending = true;
                after
            }
            _ if is(word, "ALPHA") => {
                options.alpha = true;
                after
            }
            [start, count, after @ ..] if is(word, "LIMIT") => {
                options.limit = Some((int(start)?, int(count)?));
                after
            }
            [key, after @ ..] if is(word, "STORE") && may_store => {
                options.store = Some(key);
                after
            }
            [pattern, after @ ..] if is(word, "BY") => {
                let pattern = Pattern::parse(pattern);
                // One that names no key switches sorting off for good.
                options.unsorted |= !pattern.has_place();
                if pattern.has_place() && !cx.may_read_all_keys {
                    return Err(denied("BY"));
                }
                options.by = Some(pattern);
                after
            }
            [_, ..] if is(word, "GET") && !cx.may_read_all_keys => return Err(denied("GET")),
            [pattern, after @ ..] if is(word, "GET") => {
                options.get.push(Pattern::parse(pattern));
                after
            }
            _ => return Err(Error::Syntax),
        };
    }
    Ok(options)
}

/// The patterns may lead to any key, so who may not read all follows none.
fn denied(option: &str) -> Error {
    Error::Other(format!("ERR {option} option of SORT denied due to insufficient ACL permissions.").into())
}

pub(super) fn sort(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    run(cx, argv[1], &parse(cx, argv, true)?)
}

pub(super) fn sort_ro(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    run(cx, argv[1], &parse(cx, argv, false)?)
}

fn run(cx: &mut Cx<'_, '_>, key: &[u8], options: &Options<'_>) -> Result<(), Error> {
    let sorted = sorted(cx, key, options);
    if !matches!(sorted, Err(Error::Lengthy)) {
        convert(cx, key);
    }
    let (rows, wanted) = sorted?;
    let texts = rows.order[wanted].iter().map(|row| rows.text(row));
    let found = match &options.get[..] {
        [] => texts.map(|text| Some(text.to_vec())).collect::<Vec<_>>(),
        get => texts
            .flat_map(|text| get.iter().map(|pattern| pattern.find(&mut cx.keys, text)).collect::<Vec<_>>())
            .collect(),
    };
    match options.store {
        Some(key) => store(cx, key, &found),
        None => {
            cx.out.array(found.len());
            cx.out.each(&found, |out, found| match found {
                Some(found) => out.bulk(found),
                None => out.null(),
            });
        }
    }
    Ok(())
}

/// Makes a tree of a sorted set that was a listpack, as real servers do with one that they sort, whatever comes of it.
fn convert(cx: &mut Cx<'_, '_>, key: &[u8]) {
    let is_listpack =
        |entry: Entry<'_>| entry.value().sorted_set().is_some_and(|set| set.as_listpack().is_some());
    if cx.keys.peek(key).is_some_and(is_listpack)
        && let Some(mut edit) = cx.keys.edit(key)
        && let ValueMut::SortedSet(set) = edit.value_mut()
    {
        set.convert_to_tree();
    }
}

/// Puts the result as a list in place of whatever the key holds, and answers with its length. An empty one deletes the key.
fn store(cx: &mut Cx<'_, '_>, key: &[u8], found: &[Option<Vec<u8>>]) {
    let mut list = List::new();
    let elements: Vec<&[u8]> = found.iter().map(|found| found.as_deref().unwrap_or_default()).collect();
    list.push_all(End::Back, &elements, &cx.options.limits);
    if !found.is_empty() {
        cx.keys.put(key, Value::List(Box::new(list)), Ttl::Clear);
        cx.keys.ready(key);
        cx.keys.changed(key, EventClass::LIST, "sortstore", found.len() as u64);
    } else if let Some(old) = cx.keys.remove(key) {
        cx.keys.free(old, cx.settings.lazyfree_lazy_server_del);
        cx.changed(key, EventClass::GENERIC, "del");
    }
    cx.out.int(found.len() as i64);
}

/// The rows in order, and which of them are wanted.
fn sorted(cx: &mut Cx<'_, '_>, key: &[u8], options: &Options<'_>) -> Result<(Rows, Range<usize>), Error> {
    let effort = cx.effort;
    let value = match cx.keys.lookup(key) {
        Some(entry) => entry.value(),
        None => return Ok((Rows::default(), 0..0)),
    };
    let mut rows = Rows::default();
    let (mut by, mut alpha, mut unsorted) = (options.by.as_ref(), options.alpha, options.unsorted);
    let wanted = match value {
        ValueRef::Int(_) | ValueRef::Bytes(_) | ValueRef::Hash(_) | ValueRef::Stream(_) => {
            return Err(Error::WrongType);
        }
        ValueRef::List(list) if unsorted => {
            let wanted = window(options.limit, list.len());
            effort.passes(list.len())?;
            effort.visits(options.lookups(0, wanted.len()))?;
            effort.writes(wanted.len())?;
            if !wanted.is_empty() {
                let (first, direction) = from_end(wanted.start, list.len(), options.descending);
                list.iter_from(first, direction).take(wanted.len()).for_each(|item| rows.add(item));
            }
            0..wanted.len()
        }
        ValueRef::SortedSet(set) if unsorted => {
            let wanted = window(options.limit, set.len());
            effort.visits(wanted.len().saturating_add(options.lookups(0, wanted.len())))?;
            if !wanted.is_empty() {
                let (first, direction) = from_end(wanted.start, set.len(), options.descending);
                set.iter_from(first, direction).take(wanted.len()).for_each(|(item, _)| rows.add(item));
            }
            0..wanted.len()
        }
        ValueRef::List(list) => {
            let wanted = window(options.limit, list.len());
            effort.visits(list.len().saturating_add(options.lookups(list.len(), wanted.len())))?;
            list.iter().for_each(|item| rows.add(item));
            wanted
        }
        ValueRef::Set(set) => {
            let wanted = window(options.limit, set.len());
            effort.visits(set.len().saturating_add(options.lookups(set.len(), wanted.len())))?;
            set.iter().for_each(|item| rows.add(item));
            if unsorted && options.store.is_some() {
                (by, alpha, unsorted) = (None, true, false);
            }
            wanted
        }
        ValueRef::SortedSet(set) => {
            let wanted = window(options.limit, set.len());
            effort.visits(set.len().saturating_add(options.lookups(set.len(), wanted.len())))?;
            set.iter().for_each(|(item, _)| rows.add(item));
            wanted
        }
    };
    if !unsorted {
        rows.weigh(cx, by, alpha)?;
        rows.sort(alpha, options.descending);
    }
    Ok((rows, wanted))
}

/// The part of so many elements that LIMIT names.
fn window(limit: Option<(i64, i64)>, len: usize) -> Range<usize> {
    let (start, count) = limit.unwrap_or((0, -1));
    let start = (start.max(0) as usize).min(len);
    let count = if count < 0 { len } else { count as usize };
    start..start.saturating_add(count).min(len)
}

/// The index where elements begin of which so many are skipped, and which way they are read.
fn from_end(skipped: usize, len: usize, backward: bool) -> (usize, Direction) {
    if backward { (len - 1 - skipped, Direction::Backward) } else { (skipped, Direction::Forward) }
}

/// Elements, and what they are sorted by.
#[derive(Debug, Default)]
struct Rows {
    /// The bytes of all elements.
    texts: Vec<u8>,
    order: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    /// Where the element is in `texts`.
    text: Range<usize>,
    weight: Weight,
}

/// What an element is sorted by.
#[derive(Debug)]
enum Weight {
    /// A number; 0 for one that BY does not find.
    Number(f64),
    /// The element itself.
    Itself,
    /// What BY has found, if anything.
    Text(Option<Vec<u8>>),
}

impl Rows {
    fn add(&mut self, item: Item<'_>) {
        let begin = self.texts.len();
        self.texts.extend_from_slice(item.text(&mut IntBuffer::new()));
        self.order.push(Row { text: begin..self.texts.len(), weight: Weight::Itself });
    }

    fn text(&self, row: &Row) -> &[u8] {
        &self.texts[row.text.clone()]
    }

    /// Finds what the rows are sorted by.
    fn weigh(&mut self, cx: &mut Cx<'_, '_>, by: Option<&Pattern<'_>>, alpha: bool) -> Result<(), Error> {
        let (mut are_numbers, profile) = (true, cx.options.profile);
        for row in &mut self.order {
            let text = &self.texts[row.text.clone()];
            row.weight = match (by, alpha) {
                (None, true) => Weight::Itself,
                (Some(by), true) => Weight::Text(by.find(&mut cx.keys, text)),
                (None, false) => Weight::Number(number(text, profile, &mut are_numbers)),
                (Some(by), false) => {
                    let found = by.find(&mut cx.keys, text);
                    Weight::Number(found.map_or(0.0, |found| number(&found, profile, &mut are_numbers)))
                }
            };
        }
        // All are looked up first: a look-up that finds nothing counts, and is an event.
        match are_numbers {
            true => Ok(()),
            false => Err(Error::text("ERR One or more scores can't be converted into double")),
        }
    }

    fn sort(&mut self, alpha: bool, descending: bool) {
        let texts = &self.texts;
        let compare = |a: &Row, b: &Row| {
            let elements = || texts[a.text.clone()].cmp(&texts[b.text.clone()]);
            let order = match (&a.weight, &b.weight) {
                (Weight::Number(a), Weight::Number(b)) => {
                    a.partial_cmp(b).unwrap_or(Ordering::Equal).then_with(elements)
                }
                (Weight::Text(a), Weight::Text(b)) => a.cmp(b),
                _ => elements(),
            };
            if descending { order.reverse() } else { order }
        };
        match alpha {
            true => self.order.sort_by(compare),
            // Rows that compare as equal are the same then.
            false => self.order.sort_unstable_by(compare),
        }
    }
}

fn number(text: &[u8], profile: Profile, are_numbers: &mut bool) -> f64 {
    score(text, profile).unwrap_or_else(|| {
        *are_numbers = false;
        0.0
    })
}

#[cfg(test)]
mod tests {
    use super::window;

    #[test]
    fn limits_are_clamped() {
        assert_eq!(window(None, 5), 0..5);
        assert_eq!(window(Some((1, 2)), 5), 1..3);
        assert_eq!(window(Some((-7, 2)), 5), 0..2);
        assert_eq!(window(Some((3, 100)), 5), 3..5);
        assert_eq!(window(Some((3, i64::MAX)), 5), 3..5);
        assert_eq!(window(Some((3, -2)), 5), 3..5);
        assert_eq!(window(Some((0, 0)), 5), 0..0);
        assert!(window(Some((9, 2)), 5).is_empty());
        assert!(window(Some((i64::MAX, i64::MAX)), 0).is_empty());
    }
}
