//! The set type: sorted integers or a listpack while it is small, a table beyond.
//!
//! ```text
//! intset ──▶ listpack ──▶ table        never back, but for the result of a command (`become_intset`)
//!        └───────────────▶
//! ```
//!
//! A set of integers is an intset up to `set-max-intset-entries`. When a member comes that is no integer, it becomes a
//! listpack if its size and the lengths of its members are within `set-max-listpack-entries` and
//! `set-max-listpack-value`, else a table; one integer too many always makes a table. Servers before Redis 7.2 have no
//! listpacks of sets: their limit is 0 entries. Later ones also look at how many members a command brings, before they
//! add the first ([`Set::for_members`], [`Set::expect`]).
//!
//! The table packs the members of a bucket into one allocation (`rows`), so a member costs no pointer: 100,000 members of
//! 10 bytes take less than 18 bytes each.
//!
//! **Invariant:** members are unique.

use crate::Limits;
pub use crate::dict::Place;
use crate::intset::{self, IntSet};
use crate::listpack::{self, Item, Listpack};
use linear::rows::{self, Rows};
use linear::{self, Buckets, below, mix, shrink};
use number::{IntBuffer, decimal_len};
use std::collections::HashSet;
use std::fmt;

const RANDOM_TRIES: usize = 256;
/// Up to this part of a set is chosen by drawing until enough different members were drawn.
const FEW: usize = 3;

/// A set of strings.
#[derive(Debug, Clone)]
pub struct Set {
    repr: Repr,
}

#[derive(Debug, Clone)]
enum Repr {
    IntSet(IntSet),
    Listpack(Listpack),
    Table(Box<Table>),
}

/// How the members of a set are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Sorted integers.
    IntSet,
    /// A listpack of members in the order of their addition.
    Listpack,
    /// A hash table.
    Table,
}

impl Encoding {
    /// The name that `OBJECT ENCODING` reports.
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::IntSet => "intset",
            Encoding::Listpack => "listpack",
            Encoding::Table => "hashtable",
        }
    }
}

/// Why a listpack is not a set: a member stands there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuplicateMember;

impl fmt::Display for DuplicateMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member that stands there twice")
    }
}

impl std::error::Error for DuplicateMember {}

impl Set {
    /// An empty set, as an intset.
    pub fn new() -> Self {
        Set::in_encoding(Encoding::IntSet)
    }

    /// An empty set that is in this encoding already.
    pub fn in_encoding(encoding: Encoding) -> Self {
        let repr = match encoding {
            Encoding::IntSet => Repr::IntSet(IntSet::new()),
            Encoding::Listpack => Repr::Listpack(Listpack::new()),
            Encoding::Table => Repr::Table(Box::new(Table::new())),
        };
        Set { repr }
    }

    /// An empty set for a command that brings `count` members, of which this is the first. A server that does not look
    /// at their number passes 1.
    pub fn for_members(first: &[u8], count: usize, limits: &Limits) -> Self {
        Set::in_encoding(if number::parse_i64(first).is_some() && count <= limits.set_max_intset_entries {
            Encoding::IntSet
        } else if count <= limits.set_max_listpack_entries {
            Encoding::Listpack
        } else {
            Encoding::Table
        })
    }

    /// A set of these integers, converted if there are too many.
    pub fn from_intset(intset: IntSet, limits: &Limits) -> Self {
        let mut set = Set { repr: Repr::IntSet(intset) };
        set.expect_integers(limits);
        set
    }

    /// A set of the members of a listpack, converted if there are too many. Longer texts than the limit stay.
    ///
    /// # Errors
    /// [`DuplicateMember`] if one stands there twice.
    pub fn from_listpack(listpack: Listpack, limits: &Limits) -> Result<Self, DuplicateMember> {
        // Whichever form a text has, it sorts as the integer it stands for.
        let mut members: Vec<Result<i64, &[u8]>> = Vec::with_capacity(listpack.len());
        members.extend(listpack.iter().map(|member| match member {
            Item::Int(value) => Ok(value),
            Item::Bytes(text) => number::parse_i64(text).ok_or(text),
        }));
        members.sort_unstable();
        if members.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(DuplicateMember);
        }
        let count = members.len();
        let mut set = Set { repr: Repr::Listpack(listpack) };
        if count > limits.set_max_listpack_entries {
            set.convert_to_table();
        }
        Ok(set)
    }

    /// The integers for an RDB file, if it is an intset.
    pub fn as_intset(&self) -> Option<&IntSet> {
        match &self.repr {
            Repr::IntSet(intset) => Some(intset),
            Repr::Listpack(_) | Repr::Table(_) => None,
        }
    }

    /// The listpack for an RDB file, if it is one.
    pub fn as_listpack(&self) -> Option<&Listpack> {
        match &self.repr {
            Repr::Listpack(listpack) => Some(listpack),
            Repr::IntSet(_) | Repr::Table(_) => None,
        }
    }

    /// How the members are stored.
    pub fn encoding(&self) -> Encoding {
        match &self.repr {
            Repr::IntSet(_) => Encoding::IntSet,
            Repr::Listpack(_) => Encoding::Listpack,
            Repr::Table(_) => Encoding::Table,
        }
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::IntSet(intset) => intset.len(),
            Repr::Listpack(listpack) => listpack.len(),
            Repr::Table(table) => table.len,
        }
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes this set takes from the allocator, itself included. Constant time, but for a few vectors of buckets.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + match &self.repr {
                Repr::IntSet(intset) => intset.heap_bytes(),
                Repr::Listpack(listpack) => listpack.heap_bytes(),
                Repr::Table(table) => table.memory(),
            }
    }

    /// Becomes a table if a command brings so many members that the limit of its encoding is exceeded by these alone.
    pub fn expect(&mut self, count: usize, limits: &Limits) {
        let most = match &self.repr {
            Repr::IntSet(_) => limits.set_max_intset_entries,
            Repr::Listpack(_) => limits.set_max_listpack_entries,
            Repr::Table(_) => return,
        };
        if count > most {
            self.convert_to_table();
        }
    }

    /// Becomes an intset if all members are integers and not too many; whether it is one now. For results of commands.
    pub fn become_intset(&mut self, limits: &Limits) -> bool {
        if self.encoding() != Encoding::IntSet && self.len() <= most_integers(limits) {
            let mut intset = IntSet::new();
            let are_integers = self.iter().all(|member| match member_integer(member) {
                Some(value) => intset.add(value),
                None => false,
            });
            if are_integers {
                self.repr = Repr::IntSet(intset);
            }
        }
        self.encoding() == Encoding::IntSet
    }

    /// Whether this is a member.
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.repr {
            Repr::IntSet(intset) => number::parse_i64(member).is_some_and(|value| intset.contains(value)),
            Repr::Listpack(listpack) => listpack.find(member, 0).is_some(),
            Repr::Table(table) => table.contains(member),
        }
    }

    /// Whether an element of another structure is a member.
    pub fn has(&self, member: Item<'_>) -> bool {
        match (&self.repr, member) {
            (Repr::IntSet(intset), Item::Int(value)) => intset.contains(value),
            (_, member) => self.contains(member.text(&mut IntBuffer::new())),
        }
    }

    /// Adds a member; false if it was there.
    pub fn add(&mut self, member: &[u8], limits: &Limits) -> bool {
        match &mut self.repr {
            Repr::IntSet(intset) => match number::parse_i64(member) {
                Some(value) => {
                    let is_new = intset.add(value);
                    if is_new {
                        self.expect_integers(limits);
                    }
                    return is_new;
                }
                None if fits_with(intset, member, limits) => self.convert_to_listpack(),
                None => self.convert_to_table(),
            },
            Repr::Listpack(listpack) => {
                if listpack.find(member, 0).is_some() {
                    return false;
                }
                if listpack.len() >= limits.set_max_listpack_entries
                    || member.len() > limits.set_max_listpack_value
                    || !listpack.has_room_for(member.len())
                {
                    self.convert_to_table();
                }
            }
            Repr::Table(table) => return table.add(member),
        }
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                listpack.push_back(member);
                true
            }
            Repr::Table(table) => table.add(member),
            Repr::IntSet(_) => unreachable!("it was converted"),
        }
    }

    /// Removes a member; false if it was not there.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.repr {
            Repr::IntSet(intset) => number::parse_i64(member).is_some_and(|value| intset.remove(value)),
            Repr::Listpack(listpack) => match listpack.find(member, 0) {
                Some(pos) => {
                    listpack.remove(pos, 1);
                    true
                }
                None => false,
            },
            Repr::Table(table) => table.remove(member),
        }
    }

    /// A member chosen by `random`, all with the same probability.
    pub fn random(&self, random: u64) -> Option<Item<'_>> {
        match &self.repr {
            Repr::IntSet(intset) => intset.get(below(random, intset.len())).map(Item::Int),
            Repr::Listpack(listpack) => listpack.get_index(below(random, listpack.len()) as i64),
            Repr::Table(table) => table.random(random).map(|place| Item::Bytes(table.get(place))),
        }
    }

    /// Removes a member chosen by `random`, all with the same probability.
    pub fn pop(&mut self, random: u64) -> Option<Vec<u8>> {
        match &mut self.repr {
            Repr::IntSet(intset) => {
                let value = intset.remove_at(below(random, intset.len()))?;
                Some(IntBuffer::new().format(value).to_vec())
            }
            Repr::Listpack(listpack) => {
                let pos = listpack.seek(below(random, listpack.len()) as i64)?;
                let member = listpack.get(pos).to_vec();
                listpack.remove(pos, 1);
                Some(member)
            }
            Repr::Table(table) => table.random(random).map(|place| table.take(place)),
        }
    }

    /// Removes `count` different members, or all if there are fewer. Every choice of so many members has the same
    /// probability, but not every order.
    pub fn pop_some(&mut self, count: usize, mut random: impl FnMut() -> u64) -> Vec<Vec<u8>> {
        let count = count.min(self.len());
        let mut popped = Vec::with_capacity(count);
        if self.encoding() == Encoding::Table {
            popped.extend((0..count).map_while(|_| self.pop(random())));
            return popped;
        }
        // One pass, which moves those that stay: to remove them one by one would move each many times.
        let mut still_to_come = self.len();
        let mut is_popped = |member: Item<'_>| {
            let is = below(random(), still_to_come) < count - popped.len();
            still_to_come -= 1;
            if is {
                popped.push(member.to_vec());
            }
            is
        };
        self.repr = match &self.repr {
            Repr::IntSet(intset) => {
                Repr::IntSet(intset.iter().filter(|value| !is_popped(Item::Int(*value))).collect())
            }
            Repr::Listpack(listpack) => {
                let mut rest = Listpack::new();
                listpack
                    .iter()
                    .filter(|member| !is_popped(*member))
                    .for_each(|member| rest.push_item(&member));
                Repr::Listpack(rest)
            }
            Repr::Table(_) => unreachable!("it was handled"),
        };
        popped
    }

    /// Visits `count` different members, or all if there are fewer, until `visit` refuses one. Every choice of so many
    /// members has the same probability, but not every order.
    pub fn choose(
        &self,
        count: usize,
        mut random: impl FnMut() -> u64,
        mut visit: impl FnMut(Item<'_>) -> bool,
    ) {
        if let Repr::Table(table) = &self.repr
            && count < table.len / FEW
        {
            let mut drawn = HashSet::with_capacity(count);
            while drawn.len() < count {
                let Some(place) = table.random(random()) else { return };
                if drawn.insert(place) && !visit(Item::Bytes(table.get(place))) {
                    return;
                }
            }
            return;
        }
        // One pass: each is taken with the probability of what is still wanted among what is still to come.
        let mut wanted = count.min(self.len());
        for (still_to_come, member) in (1..=self.len()).rev().zip(self) {
            if wanted == 0 {
                return;
            }
            if below(random(), still_to_come) < wanted {
                wanted -= 1;
                if !visit(member) {
                    return;
                }
            }
        }
    }

    /// All members in the order in which they are stored.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.repr {
            Repr::IntSet(intset) => IterRepr::IntSet(intset.iter()),
            Repr::Listpack(listpack) => IterRepr::Listpack(listpack.iter()),
            Repr::Table(table) => IterRepr::Table { buckets: table.buckets.iter(), rows: None },
        })
    }

    /// Visits members in the order of [`Set::iter`] from a place on, until `visit` refuses one; the place of that one, to
    /// go on from as long as the set does not change, and `None` at the end.
    pub fn visit_from(&self, from: Place, mut visit: impl FnMut(Item<'_>) -> bool) -> Option<Place> {
        match &self.repr {
            Repr::IntSet(intset) => (from.number()..intset.len())
                .find(|number| intset.get(*number).is_some_and(|value| !visit(Item::Int(value))))
                .map(Place::nth),
            Repr::Listpack(listpack) => {
                let mut members = listpack.iter().enumerate().skip(from.number());
                members.find(|(_, member)| !visit(*member)).map(|(number, _)| Place::nth(number))
            }
            Repr::Table(table) => {
                let mut passed = from.entry;
                for bucket in from.bucket..table.buckets.count() {
                    let mut rows = table.buckets.get(bucket).iter().enumerate().skip(passed);
                    if let Some((entry, _)) = rows.find(|(_, member)| !visit(Item::Bytes(member))) {
                        return Some(Place { bucket, entry });
                    }
                    passed = 0;
                }
                None
            }
        }
    }

    /// Visits about `count` members from `cursor` on and returns the next cursor, 0 at the end. A member that is there
    /// from start to end of a scan is visited, whatever else changes. Compact encodings are visited at once.
    pub fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(Item<'_>)) -> u64 {
        let Repr::Table(table) = &self.repr else {
            self.iter().for_each(visit);
            return 0;
        };
        table.buckets.scan(cursor, count, |rows, is_ahead| {
            let ahead = rows.iter().filter(|member| is_ahead(table.buckets.hash(member)));
            ahead.map(|member| visit(Item::Bytes(member))).count()
        })
    }

    /// Becomes a table if it is an intset of too many integers.
    fn expect_integers(&mut self, limits: &Limits) {
        if self.len() > most_integers(limits) {
            self.convert_to_table();
        }
    }

    fn convert_to_listpack(&mut self) {
        let mut listpack = Listpack::new();
        self.iter().for_each(|member| listpack.push_item(&member));
        self.repr = Repr::Listpack(listpack);
    }

    fn convert_to_table(&mut self) {
        let mut table = Table::new();
        let mut buffer = IntBuffer::new();
        for member in self.iter() {
            table.add(member.text(&mut buffer));
        }
        self.repr = Repr::Table(Box::new(table));
    }
}

fn most_integers(limits: &Limits) -> usize {
    limits.set_max_intset_entries.min(intset::MOST)
}

/// Whether these integers and a member that is none fit into a listpack.
fn fits_with(intset: &IntSet, member: &[u8], limits: &Limits) -> bool {
    let ends = [intset.min(), intset.max()];
    let longest = ends.iter().flatten().map(|value| decimal_len(*value)).max().unwrap_or(0);
    let largest =
        ends.iter().flatten().map(|value| listpack::whole_size(&Item::Int(*value))).max().unwrap_or(0);
    intset.len() < limits.set_max_listpack_entries
        && member.len().max(longest) <= limits.set_max_listpack_value
        && Listpack::new().has_room_for(largest.saturating_mul(intset.len()).saturating_add(member.len()))
}

fn member_integer(member: Item<'_>) -> Option<i64> {
    match member {
        Item::Int(value) => Some(value),
        Item::Bytes(text) => number::parse_i64(text),
    }
}

impl Default for Set {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal if the members are, whatever the encodings and the order.
impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        let mut buffer = IntBuffer::new();
        self.len() == other.len() && self.iter().all(|member| other.contains(member.text(&mut buffer)))
    }
}

impl Eq for Set {}

impl<'a> IntoIterator for &'a Set {
    type Item = Item<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The members of a set.
#[derive(Debug, Clone)]
pub struct Iter<'a>(IterRepr<'a>);

#[derive(Debug, Clone)]
enum IterRepr<'a> {
    IntSet(intset::Iter<'a>),
    Listpack(listpack::Iter<'a>),
    Table { buckets: linear::Iter<'a, Rows>, rows: Option<rows::Iter<'a>> },
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        match &mut self.0 {
            IterRepr::IntSet(integers) => integers.next().map(Item::Int),
            IterRepr::Listpack(items) => items.next(),
            IterRepr::Table { buckets, rows } => loop {
                if let Some(member) = rows.as_mut().and_then(rows::Iter::next) {
                    return Some(Item::Bytes(member));
                }
                *rows = Some(buckets.next()?.iter());
            },
        }
    }
}

/// The members of a large set.
#[derive(Debug, Clone)]
struct Table {
    buckets: Buckets<Rows>,
    len: usize,
    /// How many members each bucket has, for random choice: most draws need no look at a bucket.
    counts: Vec<Vec<u8>>,
    /// No bucket ever held more members.
    longest: usize,
}

/// The numbers of members are kept in pieces for so many buckets, which never move.
const PIECE: usize = 1024;

impl Table {
    fn new() -> Self {
        Self::with_buckets(Buckets::new())
    }

    fn with_buckets(buckets: Buckets<Rows>) -> Self {
        Table { buckets, len: 0, counts: vec![vec![0]], longest: 0 }
    }

    fn memory(&self) -> usize {
        let pieces = match &self.counts[..] {
            [only] => only.capacity(),
            many => many.len() * PIECE,
        };
        let counts = pieces + self.counts.capacity() * size_of::<Vec<u8>>();
        size_of::<Table>() + self.buckets.memory() + counts
    }

    fn contains(&self, member: &[u8]) -> bool {
        self.buckets.get(self.buckets.number(self.buckets.hash(member))).find(member).is_some()
    }

    fn add(&mut self, member: &[u8]) -> bool {
        let bucket = self.buckets.number(self.buckets.hash(member));
        let mut count = 0;
        for row in self.buckets.get(bucket).iter() {
            if row == member {
                return false;
            }
            count += 1;
        }
        self.buckets.change(bucket, |rows| rows.push(member));
        self.len += 1;
        self.note(bucket, count + 1);
        self.balance();
        true
    }

    fn remove(&mut self, member: &[u8]) -> bool {
        let bucket = self.buckets.number(self.buckets.hash(member));
        let Some((_, at)) = self.buckets.get(bucket).find(member) else { return false };
        self.remove_at(bucket, at);
        true
    }

    fn remove_at(&mut self, bucket: usize, at: rows::At) {
        self.buckets.change(bucket, |rows| rows.remove(at, rows.after(at)));
        self.len -= 1;
        self.recount(bucket);
        self.balance();
    }

    fn get(&self, place: Place) -> &[u8] {
        self.buckets.get(place.bucket).get(place.entry).unwrap_or_default()
    }

    fn take(&mut self, place: Place) -> Vec<u8> {
        let rows = self.buckets.get(place.bucket);
        let at = rows.seek(place.entry);
        let member = rows.text(at).to_vec();
        self.remove_at(place.bucket, at);
        member
    }

    fn balance(&mut self) {
        let before = self.buckets.count();
        self.buckets.balance(self.len);
        let after = self.buckets.count();
        if after == before {
            return;
        }
        // A split fills the last bucket from one that is now its half; a merge undoes that.
        let last = before.max(after) - 1;
        if after > before {
            if last.is_multiple_of(PIECE) {
                self.counts.push(Vec::with_capacity(PIECE));
            }
            self.counts[last / PIECE].push(0);
            self.recount(last);
        } else {
            let piece = &mut self.counts[last / PIECE];
            piece.pop();
            shrink(piece);
            if piece.is_empty() {
                self.counts.pop();
                shrink(&mut self.counts);
            }
        }
        self.recount(last - (1 << last.ilog2()));
    }

    fn recount(&mut self, bucket: usize) {
        self.note(bucket, self.buckets.get(bucket).count());
    }

    fn note(&mut self, bucket: usize, count: usize) {
        self.longest = self.longest.max(count);
        self.counts[bucket / PIECE][bucket % PIECE] = u8::try_from(count).unwrap_or(u8::MAX);
    }

    /// How many members a bucket has.
    fn count(&self, bucket: usize) -> usize {
        match self.counts[bucket / PIECE][bucket % PIECE] {
            u8::MAX => self.buckets.get(bucket).count(),
            count => count.into(),
        }
    }

    /// A place chosen by `random`.
    fn random(&self, random: u64) -> Option<Place> {
        if self.len == 0 {
            return None;
        }
        // A bucket and a place in it, both uniform; an empty place means another try.
        let mut state = random;
        for _ in 0..RANDOM_TRIES {
            state = mix(state);
            let bucket = below(state, self.buckets.count());
            let entry = below(mix(!state), self.longest);
            if entry < self.count(bucket) {
                return Some(Place { bucket, entry });
            }
        }
        let mut entry = below(state, self.len);
        for bucket in 0..self.buckets.count() {
            match self.count(bucket) {
                count if entry < count => return Some(Place { bucket, entry }),
                count => entry -= count,
            }
        }
        None
    }
}

#[cfg(test)]
#[path = "set_tests.rs"]
mod tests;
