//! Sorted sets.
//!
//! ```text
//! 17 listpack    one string: a listpack of member, score, member, score …
//! 12 ziplist     one string: a ziplist of the same
//!  5 zset 2      count of members, then each as a string, with its score as a double of eight bytes
//!  3 zset        the same, with scores as text
//! ```
//!
//! A score of form 3 is a byte with the length of its text, then the text; the lengths 253, 254 and 255 stand for NaN, infinity
//! and minus infinity.
//!
//! The writer uses 17 for the compact encoding and 5 for the tree, whose members it writes from the highest rank down. A packed
//! form is loaded as a whole, put in order, and becomes a tree only when it has too many members, whatever their lengths. The
//! members of the others are added one by one, in any order, and become a listpack if they fit into one. A repeated member is
//! an error, and so is NaN.

use structures::list::Direction;
use structures::sorted_set::NotASortedSet;
use structures::{Item, Limits, Listpack, Score, SortedSet, Value, ziplist};

use super::{ZSET, ZSET_2, ZSET_LISTPACK, ZSET_ZIPLIST};
use crate::encode::Sink;
use crate::error::Stop;
use crate::input::Input;
use crate::pieces::{Piece, Position};

const DUPLICATE: &str = "a sorted set with a member that comes twice";
const NO_SCORE: &str = "a sorted set with a score that is no number";

/// What stands in place of the length of a score's text.
const TEXT_NAN: u8 = 253;
const TEXT_INFINITY: u8 = 254;
const TEXT_MINUS_INFINITY: u8 = 255;

pub(super) fn type_of(set: &SortedSet) -> u8 {
    if set.as_listpack().is_some() { ZSET_LISTPACK } else { ZSET_2 }
}

pub(super) fn put<S: Sink>(piece: &mut Piece<'_, S>, set: &SortedSet, at: &mut Position) -> bool {
    if let Some(listpack) = set.as_listpack() {
        return piece.string(listpack.as_bytes(), at);
    }
    piece.count(set.len(), at);
    for (member, score) in set.range(0..set.len() - at.members, Direction::Backward) {
        if !piece.has_room() {
            return false;
        }
        piece.begin_element();
        let is_whole = match member {
            Item::Int(value) => piece.int(value),
            Item::Bytes(bytes) => piece.string(bytes, at),
        };
        if !is_whole {
            return false;
        }
        piece.double(score.get());
        at.members += 1;
    }
    true
}

#[derive(Debug)]
pub(crate) enum Loader {
    Listpack,
    Ziplist,
    Members(Members),
}

#[derive(Debug)]
pub(crate) struct Members {
    set: SortedSet,
    scores_are_text: bool,
    /// Members still to come, once that is known.
    left: Option<u64>,
    /// A member whose score has not arrived.
    member: Option<Vec<u8>>,
}

impl Loader {
    pub(super) fn new(type_id: u8) -> Self {
        match type_id {
            ZSET_LISTPACK => Loader::Listpack,
            ZSET_ZIPLIST => Loader::Ziplist,
            // A tree, whatever comes: a listpack has no negative zero, and that one fits is only known in the end.
            _ => Loader::Members(Members {
                set: SortedSet::in_tree(),
                scores_are_text: type_id == ZSET,
                left: None,
                member: None,
            }),
        }
    }

    pub(super) fn step(&mut self, input: &mut Input, limits: &Limits) -> Result<Option<Value>, Stop> {
        let set = match self {
            Loader::Listpack => {
                let listpack = Listpack::from_bytes(input.string()?)
                    .map_err(|_| Stop::corrupt("a sorted set that is not a valid listpack"))?;
                from_listpack(listpack, limits)?
            }
            Loader::Ziplist => {
                let listpack = ziplist::to_listpack(&input.string()?)
                    .map_err(|_| Stop::corrupt("a sorted set that is not a valid ziplist"))?;
                from_listpack(listpack, limits)?
            }
            Loader::Members(members) => members.step(input, limits)?,
        };
        Ok((!set.is_empty()).then(|| Value::SortedSet(Box::new(set))))
    }
}

impl Members {
    fn step(&mut self, input: &mut Input, limits: &Limits) -> Result<SortedSet, Stop> {
        let mut left = match self.left {
            Some(left) => left,
            None => *self.left.insert(input.len()?),
        };
        while left > 0 {
            let member = match self.member.take() {
                Some(member) => member,
                None => input.string()?,
            };
            let score = match self.score(input) {
                Ok(score) => score,
                Err(stop) => {
                    self.member = Some(member);
                    return Err(stop);
                }
            };
            if self.set.insert(&member, score, limits).is_some() {
                return Err(Stop::corrupt(DUPLICATE));
            }
            left -= 1;
            self.left = Some(left);
        }
        self.set.compact(limits);
        Ok(std::mem::take(&mut self.set))
    }

    fn score(&self, input: &mut Input) -> Result<Score, Stop> {
        let value =
            if self.scores_are_text { text_score(input)? } else { f64::from_le_bytes(input.bytes()?) };
        Score::new(value).ok_or(Stop::corrupt(NO_SCORE))
    }
}

/// A double as text, behind its length.
fn text_score(input: &mut Input) -> Result<f64, Stop> {
    input.all_or_nothing(|input| match input.byte()? {
        TEXT_NAN => Ok(f64::NAN),
        TEXT_INFINITY => Ok(f64::INFINITY),
        TEXT_MINUS_INFINITY => Ok(f64::NEG_INFINITY),
        len => {
            let text = (0..len).map(|_| input.byte()).collect::<Result<Vec<u8>, Stop>>()?;
            number::parse_f64(&text).ok_or(Stop::corrupt(NO_SCORE))
        }
    })
}

fn from_listpack(listpack: Listpack, limits: &Limits) -> Result<SortedSet, Stop> {
    SortedSet::from_listpack(listpack, limits).map_err(|why| match why {
        NotASortedSet::OddCount => Stop::corrupt("a sorted set with a member without a score"),
        NotASortedSet::DuplicateMember => Stop::corrupt(DUPLICATE),
        NotASortedSet::NoScore => Stop::corrupt(NO_SCORE),
    })
}
