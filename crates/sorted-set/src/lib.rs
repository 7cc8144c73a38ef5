//! The sorted set type: a listpack while it is small, a tree beyond.
//!
//! Members are ordered by score, then by their bytes. A *rank* is a place in that order, from 0 on. Ranges of scores or of
//! members become ranges of ranks ([`SortedSet::ranks_by_score`], [`SortedSet::ranks_by_lex`]), and these are counted,
//! read or removed.
//!
//! A sorted set becomes a tree with more than `zset-max-listpack-entries` members, or a member of more than
//! `zset-max-listpack-value` bytes, and never changes back, but for the result of a command ([`SortedSet::compact`]). The
//! conversions are those of Redis, where the large encoding is a skip list.
//!
//! **Invariant:** members are unique; no score is NaN ([`Score`]).

#![forbid(unsafe_code)]

mod index;
mod inner;
mod leaf;
mod listed;
mod score;
mod scores;
mod slab;
mod tree;

use leaf::Leaf;
use linear::below;
use linear::rows::{self, At};
use number::IntBuffer;
use packed::{Direction, End, Item, Limits, Listpack};
pub use score::{LexBound, LexRange, Score, ScoreRange};
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use tree::{Place, Tree};

/// Up to this part of a sorted set is chosen by drawing until enough different members were drawn.
const FEW: usize = 3;

/// A set of strings in the order of their scores.
#[derive(Debug, Clone)]
pub struct SortedSet {
    repr: Repr,
}

#[derive(Debug, Clone)]
enum Repr {
    Listpack(Listpack),
    Tree(Box<Tree>),
}

/// What [`SortedSet::update`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Updated {
    /// The score that the member had, if it was there.
    pub before: Option<Score>,
    /// What was decided; `None` left everything as it was.
    pub after: Option<Score>,
}

/// Why a listpack is not a sorted set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotASortedSet {
    /// A member without a score.
    OddCount,
    /// A member that stands there twice.
    DuplicateMember,
    /// A score that is no number.
    NoScore,
}

impl fmt::Display for NotASortedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotASortedSet::OddCount => "a member without a score",
            NotASortedSet::DuplicateMember => "a member that stands there twice",
            NotASortedSet::NoScore => "a score that is no number",
        })
    }
}

impl std::error::Error for NotASortedSet {}

impl SortedSet {
    /// An empty sorted set.
    pub fn new() -> Self {
        SortedSet { repr: Repr::Listpack(Listpack::new()) }
    }

    /// An empty tree: what is put into it may become a listpack in the end ([`SortedSet::compact`]).
    pub fn in_tree() -> Self {
        SortedSet { repr: Repr::Tree(Box::new(Tree::new())) }
    }

    /// An empty sorted set for `count` members, the longest of which has so many bytes, as far as they are known: a
    /// tree if these do not fit into a listpack.
    pub fn for_members(count: usize, longest: usize, limits: &Limits) -> Self {
        let mut set = SortedSet::new();
        set.expect(count, longest, limits);
        set
    }

    /// A sorted set of the members and scores of a listpack, converted if there are too many. Longer members than the
    /// limit stay. What is out of order is put in order.
    ///
    /// # Errors
    /// [`NotASortedSet`] if the count is odd, a member occurs twice or a score is none.
    pub fn from_listpack(listpack: Listpack, limits: &Limits) -> Result<Self, NotASortedSet> {
        let listpack = listed::checked(listpack)?;
        let mut set = SortedSet { repr: Repr::Listpack(listpack) };
        set.expect(set.len(), 0, limits);
        Ok(set)
    }

    /// The listpack for an RDB file, unless the set is a tree.
    pub fn as_listpack(&self) -> Option<&Listpack> {
        match &self.repr {
            Repr::Listpack(listpack) => Some(listpack),
            Repr::Tree(_) => None,
        }
    }

    /// The name that `OBJECT ENCODING` reports.
    pub fn encoding(&self) -> &'static str {
        match &self.repr {
            Repr::Listpack(_) => "listpack",
            Repr::Tree(_) => "skiplist",
        }
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::Listpack(listpack) => listpack.len() / 2,
            Repr::Tree(tree) => tree.len(),
        }
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes this set takes from the allocator, itself included. Constant time.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + match &self.repr {
                Repr::Listpack(listpack) => listpack.heap_bytes(),
                Repr::Tree(tree) => size_of::<Tree>() + tree.memory(),
            }
    }

    /// Becomes a tree if a command brings so many members that they alone are too many for a listpack, or one that is too long.
    pub fn expect(&mut self, count: usize, longest: usize, limits: &Limits) {
        if count > limits.zset_max_listpack_entries || longest > limits.zset_max_listpack_value {
            self.convert_to_tree();
        }
    }

    /// Becomes a listpack if it fits into one; for results of commands, and for what is loaded member by member.
    pub fn compact(&mut self, limits: &Limits) {
        let Repr::Tree(tree) = &self.repr else { return };
        if tree.len() > limits.zset_max_listpack_entries {
            return;
        }
        let mut listpack = Listpack::new();
        for (member, score) in self.iter() {
            let Item::Bytes(member) = member else { unreachable!("a tree has texts") };
            if member.len() > limits.zset_max_listpack_value
                || !listpack.has_room_for(listed::size_of_pair(member, score, limits.score_text))
            {
                return;
            }
            listed::push(&mut listpack, member, score, limits.score_text);
        }
        listpack.shrink_to_fit();
        self.repr = Repr::Listpack(listpack);
    }

    /// The score of a member.
    pub fn score(&self, member: &[u8]) -> Option<Score> {
        match &self.repr {
            Repr::Listpack(listpack) => listed::find(listpack, member).map(|(_, _, score)| score),
            Repr::Tree(tree) => tree.score(member),
        }
    }

    /// The rank and the score of a member.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, Score)> {
        match &self.repr {
            Repr::Listpack(listpack) => listed::find(listpack, member).map(|(_, rank, score)| (rank, score)),
            Repr::Tree(tree) => {
                let place = tree.find(member)?;
                Some((tree.rank(place), tree.leaf(place.leaf).score(place.index)))
            }
        }
    }

    /// Sets the score of a member, which may be new; the score that it had. An equal score changes nothing: the sign of
    /// a zero stays.
    pub fn insert(&mut self, member: &[u8], score: Score, limits: &Limits) -> Option<Score> {
        self.update(member, limits, |_| Some(score)).before
    }

    /// Gives a member the score that `decide` makes of the one it has, if it makes one. An equal score changes nothing.
    pub fn update(
        &mut self,
        member: &[u8],
        limits: &Limits,
        decide: impl FnOnce(Option<Score>) -> Option<Score>,
    ) -> Updated {
        if let Repr::Listpack(listpack) = &mut self.repr {
            if let Some((pos, _, before)) = listed::find(listpack, member) {
                let after = decide(Some(before));
                if let Some(score) = after.filter(|score| *score != before) {
                    listpack.remove(pos, 2);
                    listed::insert(listpack, member, score, limits.score_text);
                }
                return Updated { before: Some(before), after };
            }
            let after = decide(None);
            let added = Updated { before: None, after };
            let Some(score) = after else { return added };
            if listpack.len() / 2 < limits.zset_max_listpack_entries
                && member.len() <= limits.zset_max_listpack_value
                && listpack.has_room_for(member.len())
            {
                listed::insert(listpack, member, score, limits.score_text);
                return added;
            }
            self.convert_to_tree();
            if let Repr::Tree(tree) = &mut self.repr {
                tree.insert(member, score);
            }
            return added;
        }
        match &mut self.repr {
            Repr::Tree(tree) => tree.update(member, decide),
            Repr::Listpack(_) => unreachable!("it was converted"),
        }
    }

    /// Removes a member; the score that it had.
    pub fn remove(&mut self, member: &[u8]) -> Option<Score> {
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                let (pos, _, score) = listed::find(listpack, member)?;
                listpack.remove(pos, 2);
                Some(score)
            }
            Repr::Tree(tree) => tree.remove(member),
        }
    }

    /// Removes the members of these ranks (clamped to the length); how many there were.
    pub fn remove_range(&mut self, ranks: Range<usize>) -> usize {
        let ranks = self.clamp(ranks);
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                listpack.remove_range(2 * ranks.start, 2 * ranks.len());
            }
            Repr::Tree(tree) => tree.remove_range(ranks.clone()),
        }
        ranks.len()
    }

    /// Removes the member with the lowest or the highest rank.
    pub fn pop(&mut self, end: End) -> Option<(Vec<u8>, Score)> {
        let rank = match end {
            End::Front => 0,
            End::Back => self.len().checked_sub(1)?,
        };
        let (member, score) = self.get(rank)?;
        let popped = (member.to_vec(), score);
        self.remove_range(rank..rank + 1);
        Some(popped)
    }

    /// The member of a rank, and its score.
    pub fn get(&self, rank: usize) -> Option<(Item<'_>, Score)> {
        self.iter_from(rank, Direction::Forward).next()
    }

    /// A member chosen by `random`, all with the same probability.
    pub fn random(&self, random: u64) -> Option<(Item<'_>, Score)> {
        self.get(below(random, self.len()))
    }

    /// Visits `count` different members, or all if there are fewer, until `visit` refuses one. Every choice of so many
    /// members has the same probability, but not every order.
    pub fn choose(
        &self,
        count: usize,
        mut random: impl FnMut() -> u64,
        mut visit: impl FnMut(Item<'_>, Score) -> bool,
    ) {
        let len = self.len();
        if matches!(self.repr, Repr::Tree(_)) && count < len / FEW {
            let mut drawn = HashSet::with_capacity(count);
            while drawn.len() < count {
                let rank = below(random(), len);
                if drawn.insert(rank) {
                    match self.get(rank) {
                        Some((member, score)) if visit(member, score) => {}
                        _ => return,
                    }
                }
            }
            return;
        }
        // One pass: each is taken with the probability of what is still wanted among what is still to come.
        let mut wanted = count.min(len);
        for (still_to_come, (member, score)) in (1..=len).rev().zip(self) {
            if wanted == 0 {
                return;
            }
            if below(random(), still_to_come) < wanted {
                wanted -= 1;
                if !visit(member, score) {
                    return;
                }
            }
        }
    }

    /// The ranks of all members with a score in this range.
    pub fn ranks_by_score(&self, range: &ScoreRange) -> Range<usize> {
        match &self.repr {
            Repr::Listpack(listpack) => listed::ranks_by_score(listpack, range),
            Repr::Tree(tree) => {
                let start = tree.partition_by_score(|score| range.is_below(score));
                let end = tree.partition_by_score(|score| !range.is_above(score));
                start..end.max(start)
            }
        }
    }

    /// The ranks of all members in this range of bytes, where all scores are equal. Where they are not, what stands
    /// together as seen from the side that `direction` says, if the set is a listpack; any range if it is a tree.
    pub fn ranks_by_lex(&self, range: &LexRange<'_>, direction: Direction) -> Range<usize> {
        match &self.repr {
            Repr::Listpack(listpack) => listed::ranks_by_lex(listpack, range, direction),
            Repr::Tree(tree) => {
                let start = tree.partition_by_member(|member| range.is_below(member));
                let end = tree.partition_by_member(|member| !range.is_above(member));
                start..end.max(start)
            }
        }
    }

    /// All members with their scores, from the lowest rank on.
    pub fn iter(&self) -> Iter<'_> {
        self.iter_from(0, Direction::Forward)
    }

    /// The members from a rank on, in one direction; none if there is no such rank.
    pub fn iter_from(&self, rank: usize, direction: Direction) -> Iter<'_> {
        let repr = match &self.repr {
            Repr::Listpack(listpack) => listed::pairs_from(listpack, rank, direction)
                .map(|pairs| IterRepr::Listpack { pairs, direction }),
            Repr::Tree(tree) => tree.seek(rank).map(|place| match direction {
                Direction::Forward => {
                    let leaf = tree.leaf(place.leaf);
                    let rows = leaf.rows().iter_from(leaf.rows().seek(place.index));
                    IterRepr::Forward { tree, place, leaf, rows }
                }
                Direction::Backward => {
                    let mut backward =
                        Backward { tree, leaf: place.leaf, left: place.index + 1, places: Vec::new() };
                    tree.leaf(place.leaf).places(&mut backward.places);
                    IterRepr::Backward(backward)
                }
            }),
        };
        Iter(repr.unwrap_or(IterRepr::Done))
    }

    /// The members of these ranks (clamped to the length), from the lowest on or from the highest.
    pub fn range(&self, ranks: Range<usize>, direction: Direction) -> std::iter::Take<Iter<'_>> {
        let ranks = self.clamp(ranks);
        let first = match direction {
            Direction::Forward => ranks.start,
            // An empty range takes nothing, wherever it begins.
            Direction::Backward => ranks.end.saturating_sub(1),
        };
        self.iter_from(first, direction).take(ranks.len())
    }

    /// Visits about `count` members from `cursor` on and returns the next cursor, 0 at the end. A member that is there
    /// from start to end of a scan is visited, whatever its score becomes. A listpack is visited at once.
    pub fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(Item<'_>, Score)) -> u64 {
        match &self.repr {
            Repr::Listpack(_) => {
                self.iter().for_each(|(member, score)| visit(member, score));
                0
            }
            Repr::Tree(tree) => tree.scan(cursor, count, |member, score| visit(Item::Bytes(member), score)),
        }
    }

    fn clamp(&self, ranks: Range<usize>) -> Range<usize> {
        let end = ranks.end.min(self.len());
        ranks.start.min(end)..end
    }

    /// Becomes a tree if it is a listpack.
    pub fn convert_to_tree(&mut self) {
        if let Repr::Listpack(listpack) = &self.repr {
            let mut tree = Tree::new();
            let mut buffer = IntBuffer::new();
            for (member, score) in listed::pairs(listpack) {
                tree.insert(member.text(&mut buffer), score);
            }
            self.repr = Repr::Tree(Box::new(tree));
        }
    }
}

impl Default for SortedSet {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal if members and scores are, whatever the encodings.
impl PartialEq for SortedSet {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for SortedSet {}

impl<'a> IntoIterator for &'a SortedSet {
    type Item = (Item<'a>, Score);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Members and their scores in one direction.
#[derive(Debug, Clone)]
pub struct Iter<'a>(IterRepr<'a>);

#[derive(Debug, Clone)]
enum IterRepr<'a> {
    Listpack { pairs: listed::Pairs<'a>, direction: Direction },
    Forward { tree: &'a Tree, place: Place, leaf: &'a Leaf, rows: rows::Iter<'a> },
    Backward(Backward<'a>),
    Done,
}

/// A leaf's members can be walked forwards only: so their places are noted first.
#[derive(Debug, Clone)]
struct Backward<'a> {
    tree: &'a Tree,
    leaf: u32,
    /// How many members of the leaf are still to come.
    left: usize,
    places: Vec<At>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Item<'a>, Score);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            IterRepr::Listpack { pairs, direction: Direction::Forward } => pairs.next(),
            IterRepr::Listpack { pairs, direction: Direction::Backward } => pairs.next_back(),
            IterRepr::Forward { tree, place, leaf, rows } => loop {
                if let Some(member) = rows.next() {
                    let score = leaf.score(place.index);
                    place.index += 1;
                    return Some((Item::Bytes(member), score));
                }
                *place = Place { leaf: tree.leaf_after(place.leaf)?, index: 0 };
                *leaf = tree.leaf(place.leaf);
                *rows = leaf.rows().iter();
            },
            IterRepr::Backward(backward) => backward.next(),
            IterRepr::Done => None,
        }
    }
}

impl<'a> Iterator for Backward<'a> {
    type Item = (Item<'a>, Score);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            self.leaf = self.tree.leaf_before(self.leaf)?;
            let leaf = self.tree.leaf(self.leaf);
            leaf.places(&mut self.places);
            self.left = leaf.len();
        }
        self.left -= 1;
        let leaf = self.tree.leaf(self.leaf);
        Some((Item::Bytes(leaf.rows().text(self.places[self.left])), leaf.score(self.left)))
    }
}

#[cfg(test)]
mod tests;
