//! Hashes.
//!
//! ```text
//! 16 listpack    one string: a listpack of field, value, field, value …
//! 13 ziplist     one string: a ziplist of the same
//!  9 zipmap      one string: a zipmap
//!  4 hash        count of fields, then each field and value as strings
//! 22 volatile    count of fields, then each field and value as strings and the field's expiry: i64 LE, Unix ms, -1 for none
//! ```
//!
//! The writer uses 16 for the compact encoding, 22 for a hash with a field that expires, and 4 for any other table. A packed form is loaded as a whole and becomes a
//! table only when it has too many fields, whatever their lengths; the other forms are set field by field, by both
//! thresholds. A repeated field is an error.

use structures::hash::{FieldTtl, NotAHash};
use structures::{Hash, Item, Limits, Listpack, Value, ziplist, zipmap};

use super::{HASH, HASH_LISTPACK, HASH_VOLATILE, HASH_ZIPLIST, HASH_ZIPMAP};
use crate::encode::Sink;
use crate::error::Stop;
use crate::input::Input;
use crate::pieces::{Piece, Position};

const DUPLICATE: &str = "a hash with a field that comes twice";

pub(super) fn type_of(hash: &Hash) -> u8 {
    match hash.as_listpack() {
        Some(_) => HASH_LISTPACK,
        None if hash.is_volatile() => HASH_VOLATILE,
        None => HASH,
    }
}

/// In the place of an expiry: the field has none.
const NO_EXPIRY: i64 = -1;

pub(super) fn put<S: Sink>(piece: &mut Piece<'_, S>, hash: &Hash, at: &mut Position) -> bool {
    if let Some(listpack) = hash.as_listpack() {
        return piece.string(listpack.as_bytes(), at);
    }
    piece.count(hash.len(), at);
    let is_volatile = hash.is_volatile();
    let refused = hash.visit_from(at.place, |field, value, at_ms| {
        let is_whole = put_field(piece, field, value, at);
        if is_whole && is_volatile {
            piece.bytes(&at_ms.map_or(NO_EXPIRY, |at_ms| at_ms as i64).to_le_bytes());
        }
        is_whole
    });
    at.place = refused.unwrap_or_default();
    refused.is_none()
}

/// Writes a field, or what of it goes into the piece; whether it is whole.
fn put_field<S: Sink>(piece: &mut Piece<'_, S>, field: Item<'_>, value: Item<'_>, at: &mut Position) -> bool {
    if !piece.has_room() {
        return false;
    }
    piece.begin_element();
    at.at_value = at.at_value || put_item(piece, field, at);
    let is_whole = at.at_value && put_item(piece, value, at);
    at.at_value &= !is_whole;
    is_whole
}

fn put_item<S: Sink>(piece: &mut Piece<'_, S>, item: Item<'_>, at: &mut Position) -> bool {
    match item {
        Item::Int(value) => piece.int(value),
        Item::Bytes(bytes) => piece.string(bytes, at),
    }
}

#[derive(Debug)]
pub(crate) enum Loader {
    Listpack,
    Ziplist,
    Zipmap,
    Fields(Fields),
}

#[derive(Debug)]
pub(crate) struct Fields {
    hash: Hash,
    /// Fields still to come, once that is known.
    left: Option<u64>,
    /// Whether an expiry follows each value.
    is_volatile: bool,
    /// A field that has not arrived as a whole: the field itself, and its value.
    begun: Option<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Loader {
    pub(super) fn new(type_id: u8) -> Self {
        match type_id {
            HASH_LISTPACK => Loader::Listpack,
            HASH_ZIPLIST => Loader::Ziplist,
            HASH_ZIPMAP => Loader::Zipmap,
            _ => Loader::Fields(Fields {
                hash: Hash::new(),
                left: None,
                is_volatile: type_id == HASH_VOLATILE,
                begun: None,
            }),
        }
    }

    pub(super) fn step(&mut self, input: &mut Input, limits: &Limits) -> Result<Option<Value>, Stop> {
        let hash = match self {
            Loader::Listpack => {
                let listpack = Listpack::from_bytes(input.string()?)
                    .map_err(|_| Stop::corrupt("a hash that is not a valid listpack"))?;
                from_listpack(listpack, limits)?
            }
            Loader::Ziplist => {
                let listpack = ziplist::to_listpack(&input.string()?)
                    .map_err(|_| Stop::corrupt("a hash that is not a valid ziplist"))?;
                from_listpack(listpack, limits)?
            }
            Loader::Zipmap => from_zipmap(&input.string()?, limits)?,
            Loader::Fields(fields) => fields.step(input, limits)?,
        };
        Ok((!hash.is_empty()).then(|| Value::Hash(Box::new(hash))))
    }
}

impl Fields {
    fn step(&mut self, input: &mut Input, limits: &Limits) -> Result<Hash, Stop> {
        let mut left = match self.left {
            Some(left) => left,
            None => *self.left.insert(input.len()?),
        };
        while left > 0 {
            let (field, value) = match self.begun.take() {
                Some(begun) => begun,
                None => (input.string()?, None),
            };
            let value = match value.map_or_else(|| input.string(), Ok) {
                Ok(value) => value,
                Err(stop) => {
                    self.begun = Some((field, None));
                    return Err(stop);
                }
            };
            match self.is_volatile.then(|| input.bytes()).transpose() {
                Ok(at_ms) => set_new(&mut self.hash, &field, &value, at_ms.and_then(expiry), limits)?,
                Err(stop) => {
                    self.begun = Some((field, Some(value)));
                    return Err(stop);
                }
            }
            left -= 1;
            self.left = Some(left);
        }
        Ok(std::mem::take(&mut self.hash))
    }
}

fn from_listpack(listpack: Listpack, limits: &Limits) -> Result<Hash, Stop> {
    Hash::from_listpack(listpack, limits).map_err(|not_a_hash| match not_a_hash {
        NotAHash::OddCount => Stop::corrupt("a hash with a field without a value"),
        NotAHash::DuplicateField => Stop::corrupt(DUPLICATE),
    })
}

fn from_zipmap(bytes: &[u8], limits: &Limits) -> Result<Hash, Stop> {
    let listpack =
        zipmap::to_listpack(bytes).map_err(|_| Stop::corrupt("a hash that is not a valid zipmap"))?;
    let mut hash = Hash::new();
    let mut items = listpack.iter();
    while let (Some(field), Some(value)) = (items.next(), items.next()) {
        set_new(&mut hash, &field.to_vec(), &value.to_vec(), None, limits)?;
    }
    Ok(hash)
}

/// The expiry that these bytes stand for. One before 1970 has passed as any in the past has.
fn expiry(bytes: [u8; 8]) -> Option<u64> {
    match i64::from_le_bytes(bytes) {
        NO_EXPIRY => None,
        at_ms => Some(at_ms.max(1) as u64),
    }
}

fn set_new(
    hash: &mut Hash,
    field: &[u8],
    value: &[u8],
    at_ms: Option<u64>,
    limits: &Limits,
) -> Result<(), Stop> {
    // One that has expired is there all the same.
    let ttl = at_ms.map_or(FieldTtl::Clear, FieldTtl::At);
    if hash.set_with_ttl(field, value, ttl, 0, limits) { Ok(()) } else { Err(Stop::corrupt(DUPLICATE)) }
}
