//! A node of a stream: some entries in one listpack.
//!
//! The items of the listpack are those of Redis, since the listpack stands unchanged in RDB files and DUMP payloads:
//!
//! ```text
//! ┌──────┬─────────┬───────────┬───────┬─ ─┬───┬───────┬───────┬─ ─
//! │ live │ deleted │ names: n  │ name  │   │ 0 │ entry │ entry │          live, deleted: how many entries are which
//! └──────┴─────────┴───────────┴───────┴─ ─┴───┴───────┴───────┴─ ─
//!  head, with the names of the first entry's fields
//!
//! entry = flags │ ms │ seq │ value … (n of them)         │ items     flag 2: its fields have the names in the head
//!         flags │ ms │ seq │ fields: f │ name │ value …  │ items     otherwise
//! ```
//!
//! `ms` and `seq` are the difference to the ID under which the node stands in the index, which was its first entry's. Flag 1
//! marks a deleted entry, whose bytes stay. `items` counts the items of the entry before it: with it the entries are read
//! backwards.
//!
//! The entries that are there are in the order of their IDs. Deleted ones need not be: Redis 7.0 lets the last ID be set below theirs.
//!
//! **Invariant:** a listpack that came from outside passed [`check`], so reading needs no checks of its own.

use super::StreamId;
use packed::listpack::{self, Item, Listpack, Pos};

/// The most bytes of a node, and of the fields of an entry.
pub(super) const MOST_BYTES: usize = 1 << 30;

const DELETED: i64 = 1;
const SAME_NAMES: i64 = 2;
/// Items of an entry besides names and values: flags, ms, seq.
const ENTRY_ITEMS: usize = 3;
/// Items of a head besides the names, and without the zero that ends it: live, deleted, names.
const HEAD_ITEMS: i64 = 3;

/// The fields of an entry, name and value each.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    /// The names, where they stand in the head of the node.
    names: Option<listpack::Iter<'a>>,
    items: listpack::Iter<'a>,
    left: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Item<'a>, Item<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let name = match &mut self.names {
            Some(names) => names.next()?,
            None => self.items.next()?,
        };
        Some((name, self.items.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// An entry in its node, deleted or not.
#[derive(Debug, Clone)]
pub(super) struct Raw<'a> {
    pub(super) id: StreamId,
    pub(super) is_deleted: bool,
    pub(super) fields: Fields<'a>,
    /// Where its flags stand.
    at: Pos,
}

/// A node being read.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    listpack: &'a Listpack,
    /// The ID that the entries count from.
    master: StreamId,
    pub(super) live: usize,
    names: listpack::Iter<'a>,
    names_len: usize,
    /// The entries, without the head.
    entries: listpack::Iter<'a>,
}

impl<'a> Node<'a> {
    pub(super) fn of(master: StreamId, listpack: &'a Listpack) -> Self {
        let mut items = listpack.iter();
        let live = uint(items.next());
        let _deleted = items.next();
        let names_len = uint(items.next());
        let names = items.clone();
        // The names, and the zero that ends the head.
        skip(&mut items, names_len + 1);
        Node { listpack, master, live, names, names_len, entries: items }
    }

    /// The entries in order.
    pub(super) fn entries(&self) -> Forward<'a> {
        Forward { node: self.clone(), rest: self.entries.clone() }
    }

    /// The entries in reverse order.
    pub(super) fn entries_back(&self) -> Backward<'a> {
        Backward { node: self.clone(), rest: self.entries.clone() }
    }

    /// The entry at the start of `items`, which then stand after it, before its count of items.
    fn entry(&self, items: &mut listpack::Iter<'a>) -> Option<Raw<'a>> {
        let at = items.front_pos();
        let flags = int(items.next()?);
        let id = offset(self.master, int(items.next()?), int(items.next()?));
        let fields = if flags & SAME_NAMES != 0 {
            Fields { names: Some(self.names.clone()), items: items.clone(), left: self.names_len }
        } else {
            let left = uint(items.next());
            Fields { names: None, items: items.clone(), left }
        };
        Some(Raw { id, is_deleted: flags & DELETED != 0, fields, at })
    }
}

impl Raw<'_> {
    /// The number of items of names and values.
    fn field_items(&self) -> usize {
        if self.fields.names.is_some() { self.fields.left } else { self.fields.left * 2 }
    }
}

/// The entries of a node from the first on.
#[derive(Debug, Clone)]
pub(super) struct Forward<'a> {
    node: Node<'a>,
    rest: listpack::Iter<'a>,
}

impl<'a> Iterator for Forward<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        let raw = self.node.entry(&mut self.rest)?;
        self.rest = raw.fields.items.clone();
        skip(&mut self.rest, raw.field_items() + 1);
        Some(raw)
    }
}

/// The entries of a node from the last on.
#[derive(Debug, Clone)]
pub(super) struct Backward<'a> {
    node: Node<'a>,
    rest: listpack::Iter<'a>,
}

impl<'a> Iterator for Backward<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        let items = uint(Some(self.rest.next_back()?));
        for _ in 0..items {
            self.rest.next_back();
        }
        let mut entry = self.node.listpack.iter_from(self.rest.back_pos());
        self.node.entry(&mut entry)
    }
}

/// A node with its first entry.
pub(super) fn with_first<F: AsRef<[u8]>>(fields: &[F]) -> Listpack {
    let bytes: usize = fields.iter().map(|text| text.as_ref().len()).sum();
    let names = fields.len() / 2;
    let mut items = Vec::with_capacity(HEAD_ITEMS as usize + 1 + names + ENTRY_ITEMS + names + 1);
    items.extend([Item::Int(1), Item::Int(0), Item::Int(names as i64)]);
    items.extend(fields.iter().step_by(2).map(|name| Item::of(name.as_ref())));
    items.push(Item::Int(0));
    push_entry(&mut items, SAME_NAMES, (0, 0), fields);
    let mut listpack = Listpack::with_capacity(bytes + 4 * items.len());
    listpack.insert_items(None, &items);
    listpack
}

/// Adds an entry at the end of a node. The node's memory doubles, but not beyond `most_bytes`: it is given back when the node
/// is full.
pub(super) fn append<F: AsRef<[u8]>>(
    listpack: &mut Listpack,
    master: StreamId,
    id: StreamId,
    fields: &[F],
    most_bytes: usize,
) {
    let node = Node::of(master, listpack);
    let live = node.live;
    let has_same_names = node.names_len == fields.len() / 2
        && node.names.clone().zip(fields.iter().step_by(2)).all(|(own, name)| own.eq_bytes(name.as_ref()));
    let delta = (id.ms.wrapping_sub(master.ms) as i64, id.seq.wrapping_sub(master.seq) as i64);
    let mut items = Vec::with_capacity(ENTRY_ITEMS + 1 + fields.len() + 1);
    push_entry(&mut items, if has_same_names { SAME_NAMES } else { 0 }, delta, fields);
    let bytes: usize = items.iter().map(listpack::whole_size).sum();
    let len = listpack.as_bytes().len();
    if listpack.heap_bytes() - len < bytes {
        listpack.reserve_within(bytes.max(len.min(most_bytes.saturating_sub(len))), usize::MAX);
    }
    listpack.insert_items(None, &items);
    set_head(listpack, 0, live + 1);
}

fn push_entry<'a, F: AsRef<[u8]>>(
    items: &mut Vec<Item<'a>>,
    flags: i64,
    (ms, seq): (i64, i64),
    fields: &'a [F],
) {
    let before = items.len();
    items.extend([Item::Int(flags), Item::Int(ms), Item::Int(seq)]);
    if flags & SAME_NAMES != 0 {
        items.extend(fields.iter().skip(1).step_by(2).map(|value| Item::of(value.as_ref())));
    } else {
        items.push(Item::Int((fields.len() / 2) as i64));
        items.extend(fields.iter().map(|text| Item::of(text.as_ref())));
    }
    items.push(Item::Int((items.len() - before) as i64));
}

/// How many entries a node has, deleted ones included.
pub(super) fn entries(listpack: &Listpack) -> usize {
    let mut items = listpack.iter();
    uint(items.next()) + uint(items.next())
}

/// Marks an entry as deleted if it is there and is not yet. Returns how many entries are left.
pub(super) fn delete(listpack: &mut Listpack, master: StreamId, id: StreamId) -> Option<usize> {
    let mut deleted = 0;
    mark(listpack, master, |raw| {
        if raw.is_deleted {
            return Some(false);
        }
        if raw.id == id {
            deleted = 1;
            return Some(true);
        }
        (raw.id < id).then_some(false)
    });
    (deleted > 0).then(|| Node::of(master, listpack).live)
}

/// Marks entries from the first on as deleted, until `stop` says that one stays. Returns how many were marked.
pub(super) fn delete_until(
    listpack: &mut Listpack,
    master: StreamId,
    mut stop: impl FnMut(StreamId, usize) -> bool,
) -> usize {
    let mut deleted = 0;
    mark(listpack, master, |raw| {
        if stop(raw.id, deleted) {
            return None;
        }
        deleted += usize::from(!raw.is_deleted);
        Some(!raw.is_deleted)
    });
    deleted
}

/// Goes through the entries until there is nothing to say about one; marks those as deleted for which it is true.
fn mark(listpack: &mut Listpack, master: StreamId, mut which: impl FnMut(&Raw<'_>) -> Option<bool>) {
    let node = Node::of(master, listpack);
    let live = node.live;
    let mut marked = Vec::new();
    for raw in node.entries() {
        match which(&raw) {
            Some(true) => marked.push((raw.at, raw.fields.names.is_some())),
            Some(false) => {}
            None => break,
        }
    }
    let entries = entries(listpack);
    // From the last on: what comes before an entry stays where it is.
    for (at, has_same_names) in marked.iter().rev() {
        listpack.replace_item(*at, &Item::Int(DELETED | if *has_same_names { SAME_NAMES } else { 0 }));
    }
    if !marked.is_empty() {
        set_head(listpack, 1, entries - live + marked.len());
        set_head(listpack, 0, live - marked.len());
    }
}

/// Sets a number of the head, by its index.
fn set_head(listpack: &mut Listpack, index: i64, count: usize) {
    let pos = listpack.seek(index).expect("a head has all its numbers");
    listpack.replace_item(pos, &Item::Int(count as i64));
}

fn skip(items: &mut listpack::Iter<'_>, count: usize) {
    for _ in 0..count {
        items.next();
    }
}

fn offset(master: StreamId, ms: i64, seq: i64) -> StreamId {
    StreamId::new(master.ms.wrapping_add_signed(ms), master.seq.wrapping_add_signed(seq))
}

fn int(item: Item<'_>) -> i64 {
    match item {
        Item::Int(value) => value,
        Item::Bytes(_) => unreachable!("the numbers of a node are integers"),
    }
}

fn uint(item: Option<Item<'_>>) -> usize {
    item.map_or(0, |item| int(item) as usize)
}

/// What a node that came from outside holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) live: usize,
    /// The ID of the last entry that is not deleted, or the one under which the node stands.
    pub(super) last: StreamId,
}

/// Checks every item of a node from outside: the counts, the order of the IDs, that each entry is whole.
pub(super) fn check(master: StreamId, listpack: &Listpack) -> Option<Held> {
    fn number(items: &mut listpack::Iter<'_>) -> Option<i64> {
        match items.next()? {
            Item::Int(value) => Some(value),
            Item::Bytes(_) => None,
        }
    }
    fn count(items: &mut listpack::Iter<'_>) -> Option<usize> {
        usize::try_from(number(items)?).ok()
    }
    fn pass(items: &mut listpack::Iter<'_>, count: usize) -> Option<()> {
        for _ in 0..count {
            items.next()?;
        }
        Some(())
    }

    let mut items = listpack.iter();
    let (live, deleted, names) = (count(&mut items)?, count(&mut items)?, count(&mut items)?);
    pass(&mut items, names)?;
    if number(&mut items)? != 0 {
        return None;
    }
    let (mut seen_live, mut seen_deleted) = (0, 0);
    let mut last = None;
    while let Some(flags) = items.next() {
        let Item::Int(flags @ 0..=3) = flags else { return None };
        let id = offset(master, number(&mut items)?, number(&mut items)?);
        if flags & DELETED == 0 {
            if id < master || last.is_some_and(|last| id <= last) {
                return None;
            }
            last = Some(id);
        }
        let fields = if flags & SAME_NAMES != 0 {
            names
        } else {
            count(&mut items)?.checked_mul(2).filter(|count| *count <= listpack.as_bytes().len())?
        };
        pass(&mut items, fields)?;
        let all = fields + ENTRY_ITEMS + usize::from(flags & SAME_NAMES == 0);
        if count(&mut items)? != all {
            return None;
        }
        if flags & DELETED == 0 {
            seen_live += 1;
        } else {
            seen_deleted += 1;
        }
    }
    let is_right = (live, deleted) == (seen_live, seen_deleted) && live + deleted > 0;
    is_right.then_some(Held { live, last: last.unwrap_or(master) })
}
