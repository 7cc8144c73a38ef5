//! The encoding of a small sorted set: a listpack of members and scores in turn, in order.
//!
//! A score is stored as an integer if it is one, else as text. So −0 is stored as 0, as it is by Redis.

use crate::score::{LexRange, Score, ScoreRange};
use crate::{Direction, NotASortedSet};
use number::{DoubleText, IntBuffer, as_integer};
use packed::listpack::{self, Item, Listpack, Pos, whole_size};
use std::ops::Range;

/// The score that an item stands for.
fn read(item: Item<'_>) -> Option<Score> {
    match item {
        Item::Int(value) => Score::new(value as f64),
        Item::Bytes(text) => number::parse_f64(text).and_then(Score::new),
    }
}

/// The score at a place.
fn score_at(listpack: &Listpack, pos: Pos) -> Score {
    read(listpack.get(pos)).expect("scores are checked when they come in")
}

/// Members and scores in order; also backwards.
#[derive(Debug, Clone)]
pub(super) struct Pairs<'a>(listpack::Iter<'a>);

impl<'a> Iterator for Pairs<'a> {
    type Item = (Item<'a>, Score);

    fn next(&mut self) -> Option<Self::Item> {
        let member = self.0.next()?;
        Some((member, self.0.next().and_then(read)?))
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let score = self.0.next_back().and_then(read)?;
        Some((self.0.next_back()?, score))
    }
}

pub(super) fn pairs(listpack: &Listpack) -> Pairs<'_> {
    Pairs(listpack.iter())
}

/// The pairs from a rank on to the end, or from it back to the start.
pub(super) fn pairs_from(listpack: &Listpack, rank: usize, direction: Direction) -> Option<Pairs<'_>> {
    Some(Pairs(match direction {
        Direction::Forward => listpack.iter_from(listpack.seek(2 * rank as i64)?),
        Direction::Backward => listpack.iter_until(listpack.seek(2 * rank as i64 + 1)?),
    }))
}

/// Where a member and its score stand, and its rank.
pub(super) fn find(listpack: &Listpack, member: &[u8]) -> Option<(Pos, usize, Score)> {
    let wanted = Item::of(member);
    let mut pos = listpack.first();
    let mut rank = 0;
    while let Some(at) = pos {
        let score = listpack.next(at)?;
        if listpack.get(at) == wanted {
            return Some((at, rank, score_at(listpack, score)));
        }
        pos = listpack.next(score);
        rank += 1;
    }
    None
}

/// Adds a member that is not there.
pub(super) fn insert(listpack: &mut Listpack, member: &[u8], score: Score, form: DoubleText) {
    let mut pos = listpack.first();
    while let Some(at) = pos {
        let Some(score_pos) = listpack.next(at) else { break };
        let other = score_at(listpack, score_pos);
        if other > score || (other == score && listpack.get(at).text(&mut IntBuffer::new()) > member) {
            break;
        }
        pos = listpack.next(score_pos);
    }
    with_score(score, form, |score| listpack.insert_items(pos, &[Item::of(member), score]));
}

/// Adds a pair behind all others.
pub(super) fn push(listpack: &mut Listpack, member: &[u8], score: Score, form: DoubleText) {
    with_score(score, form, |score| listpack.insert_items(None, &[Item::of(member), score]));
}

/// Bytes that a pair takes.
pub(super) fn size_of_pair(member: &[u8], score: Score, form: DoubleText) -> usize {
    whole_size(&Item::of(member)) + with_score(score, form, |score| whole_size(&score))
}

/// Uses a score as it is stored.
fn with_score<R>(score: Score, form: DoubleText, store: impl FnOnce(Item<'_>) -> R) -> R {
    match as_integer(score.get()) {
        Some(integer) => store(Item::Int(integer)),
        None => store(Item::of(form.format(score.get()).as_bytes())),
    }
}

pub(super) fn ranks_by_score(listpack: &Listpack, range: &ScoreRange) -> Range<usize> {
    let below = pairs(listpack).take_while(|(_, score)| range.is_below(*score)).count();
    let within = pairs(listpack).skip(below).take_while(|(_, score)| !range.is_above(*score)).count();
    below..below + within
}

/// Scores may differ: then the range is what stands together, seen from the side that the direction says.
pub(super) fn ranks_by_lex(listpack: &Listpack, range: &LexRange<'_>, direction: Direction) -> Range<usize> {
    let mut buffer = IntBuffer::new();
    let mut is_below = |item: Item<'_>| range.is_below(item.text(&mut buffer));
    let mut buffer = IntBuffer::new();
    let mut is_above = |item: Item<'_>| range.is_above(item.text(&mut buffer));
    match direction {
        Direction::Forward => {
            let below = pairs(listpack).take_while(|(member, _)| is_below(*member)).count();
            let within = pairs(listpack).skip(below).take_while(|(member, _)| !is_above(*member)).count();
            below..below + within
        }
        Direction::Backward => {
            let len = listpack.len() / 2;
            let above = pairs(listpack).rev().take_while(|(member, _)| is_above(*member)).count();
            let within =
                pairs(listpack).rev().skip(above).take_while(|(member, _)| !is_below(*member)).count();
            len - above - within..len - above
        }
    }
}

/// Checks the pairs of a foreign listpack, and puts them in order.
pub(super) fn checked(listpack: Listpack) -> Result<Listpack, NotASortedSet> {
    let len = listpack.len();
    if !len.is_multiple_of(2) {
        return Err(NotASortedSet::OddCount);
    }
    // Whichever form a text has, it sorts as the integer it stands for.
    let mut members: Vec<Result<i64, &[u8]>> = Vec::with_capacity(len / 2);
    members.extend(listpack.iter().step_by(2).map(|member| match member {
        Item::Int(value) => Ok(value),
        Item::Bytes(text) => number::parse_i64(text).ok_or(text),
    }));
    members.sort_unstable();
    if members.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(NotASortedSet::DuplicateMember);
    }
    if pairs(&listpack).count() != len / 2 {
        return Err(NotASortedSet::NoScore);
    }
    let (mut a, mut b) = (IntBuffer::new(), IntBuffer::new());
    let is_sorted = pairs(&listpack).zip(pairs(&listpack).skip(1)).all(|((member, score), (next, after))| {
        score < after || (score == after && member.text(&mut a) < next.text(&mut b))
    });
    if is_sorted {
        return Ok(listpack);
    }
    let scores = listpack.iter().skip(1).step_by(2);
    let mut all: Vec<_> =
        pairs(&listpack).zip(scores).map(|((member, score), text)| (score, member.to_vec(), text)).collect();
    all.sort_by(|(score, member, _), (other, text, _)| score.cmp(other).then_with(|| member.cmp(text)));
    let mut sorted = Listpack::new();
    for (_, member, score) in &all {
        sorted.insert_items(None, &[Item::of(member), *score]);
    }
    Ok(sorted)
}
