//! Sets.
//!
//! ```text
//! 11 intset      one string: an intset
//! 20 listpack    one string: a listpack of members                 since version 11
//!  2 set         count of members, then each as a string
//! ```
//!
//! The writer uses the form of the encoding. The packed forms are loaded as a whole and become a table only when they have too
//! many members, whatever their lengths. The members of the other are added one by one, to a table if there are more than
//! an intset may have. A repeated member is an error.

use structures::set::Encoding;
use structures::{IntSet, Item, Limits, Listpack, Set, Value};

use super::{SET, SET_INTSET, SET_LISTPACK};
use crate::encode::Sink;
use crate::error::Stop;
use crate::input::Input;
use crate::pieces::{Piece, Position};

const DUPLICATE: &str = "a set with a member that comes twice";

pub(super) fn type_of(set: &Set) -> u8 {
    match set.encoding() {
        Encoding::IntSet => SET_INTSET,
        Encoding::Listpack => SET_LISTPACK,
        Encoding::Table => SET,
    }
}

pub(super) fn put<S: Sink>(piece: &mut Piece<'_, S>, set: &Set, at: &mut Position) -> bool {
    if let Some(intset) = set.as_intset() {
        return piece.string(intset.as_bytes(), at);
    }
    if let Some(listpack) = set.as_listpack() {
        return piece.string(listpack.as_bytes(), at);
    }
    piece.count(set.len(), at);
    let refused = set.visit_from(at.place, |member| {
        if !piece.has_room() {
            return false;
        }
        piece.begin_element();
        match member {
            Item::Int(value) => piece.int(value),
            Item::Bytes(bytes) => piece.string(bytes, at),
        }
    });
    at.place = refused.unwrap_or_default();
    refused.is_none()
}

#[derive(Debug)]
pub(crate) enum Loader {
    IntSet,
    Listpack,
    Members {
        set: Set,
        /// Members still to come, once that is known.
        left: Option<u64>,
    },
}

impl Loader {
    pub(super) fn new(type_id: u8) -> Self {
        match type_id {
            SET_INTSET => Loader::IntSet,
            SET_LISTPACK => Loader::Listpack,
            _ => Loader::Members { set: Set::new(), left: None },
        }
    }

    pub(super) fn step(&mut self, input: &mut Input, limits: &Limits) -> Result<Option<Value>, Stop> {
        let set = match self {
            Loader::IntSet => {
                let intset = IntSet::from_bytes(input.string()?)
                    .map_err(|_| Stop::corrupt("a set that is not a valid intset"))?;
                Set::from_intset(intset, limits)
            }
            Loader::Listpack => {
                let listpack = Listpack::from_bytes(input.string()?)
                    .map_err(|_| Stop::corrupt("a set that is not a valid listpack"))?;
                Set::from_listpack(listpack, limits).map_err(|_| Stop::corrupt(DUPLICATE))?
            }
            Loader::Members { set, left } => members(set, left, input, limits)?,
        };
        Ok((!set.is_empty()).then(|| Value::Set(Box::new(set))))
    }
}

fn members(set: &mut Set, left: &mut Option<u64>, input: &mut Input, limits: &Limits) -> Result<Set, Stop> {
    let mut still = match *left {
        Some(left) => left,
        None => {
            let count = input.len()?;
            set.expect(usize::try_from(count).unwrap_or(usize::MAX), limits);
            *left.insert(count)
        }
    };
    while still > 0 {
        if !set.add(&input.string()?, limits) {
            return Err(Stop::corrupt(DUPLICATE));
        }
        still -= 1;
        *left = Some(still);
    }
    Ok(std::mem::take(set))
}
