//! The types of values: which bytes name them, and which file writes and loads each.
//!
//! A type gets its file here with a function that writes it, stopping where a piece is full, and a loader for all its
//! encodings, a line in [`type_of`] and [`put_piece`], and its bytes in [`Loader::new`]. The top of `structures::value` lists
//! what else a type needs.

mod hash;
mod list;
mod set;
mod sorted_set;
mod stream;

use profile::Profile;
use structures::{Limits, Value, ValueRef};

use crate::encode::{Sink, put_int_string, put_string};
use crate::error::{ErrorKind, Stop};
use crate::input::Input;
use crate::pieces::{Piece, Position};
use crate::writer::{FIRST_OF_VALKEY, SaveOptions};
pub(crate) use stream::Place as StreamPlace;

const STRING: u8 = 0;
const LIST: u8 = 1;
const SET: u8 = 2;
const ZSET: u8 = 3;
const HASH: u8 = 4;
const ZSET_2: u8 = 5;
const HASH_ZIPMAP: u8 = 9;
const LIST_ZIPLIST: u8 = 10;
const SET_INTSET: u8 = 11;
const ZSET_ZIPLIST: u8 = 12;
const HASH_ZIPLIST: u8 = 13;
const LIST_QUICKLIST: u8 = 14;
const STREAM_LISTPACKS: u8 = 15;
const HASH_LISTPACK: u8 = 16;
const ZSET_LISTPACK: u8 = 17;
const LIST_QUICKLIST_2: u8 = 18;
const STREAM_LISTPACKS_2: u8 = 19;
const SET_LISTPACK: u8 = 20;
const STREAM_LISTPACKS_3: u8 = 21;
/// In Valkey's versions only: pre-releases of Redis meant another form of a hash by it.
const HASH_VOLATILE: u8 = 22;

/// What a type's byte names in an RDB version, for all types of Redis up to version 11 and Valkey's, loaded here or not.
pub(crate) fn name(type_id: u8, version: u16) -> Option<&'static str> {
    Some(match type_id {
        0 => "string",
        1 => "list",
        2 => "set",
        3 => "sorted set",
        4 => "hash",
        5 => "sorted set, binary scores",
        6 => "module, first form",
        7 => "module",
        9 => "hash as zipmap",
        10 => "list as ziplist",
        11 => "set as intset",
        12 => "sorted set as ziplist",
        13 => "hash as ziplist",
        14 => "list as quicklist of ziplists",
        15 => "stream",
        16 => "hash as listpack",
        17 => "sorted set as listpack",
        18 => "list as quicklist",
        19 => "stream, second form",
        20 => "set as listpack",
        21 => "stream, third form",
        HASH_VOLATILE if version >= FIRST_OF_VALKEY => "hash with fields that expire",
        _ => return None,
    })
}

/// The type byte, which precedes a value's key.
pub(crate) fn type_of(value: ValueRef<'_>, profile: Profile) -> u8 {
    match value {
        ValueRef::Int(_) | ValueRef::Bytes(_) => STRING,
        ValueRef::List(_) => LIST_QUICKLIST_2,
        ValueRef::Hash(hash) => hash::type_of(hash),
        ValueRef::Set(set) => set::type_of(set),
        ValueRef::SortedSet(set) => sorted_set::type_of(set),
        ValueRef::Stream(_) => stream::type_of(profile),
    }
}

/// Writes a value, without its type.
#[inline]
pub(crate) fn put_value(out: &mut impl Sink, value: ValueRef<'_>, options: &SaveOptions) {
    match value {
        // Most values are strings, and to put one needs no position.
        ValueRef::Int(value) => put_int_string(out, value),
        ValueRef::Bytes(bytes) => put_string(out, bytes, options.compress),
        ValueRef::List(_)
        | ValueRef::Hash(_)
        | ValueRef::Set(_)
        | ValueRef::SortedSet(_)
        | ValueRef::Stream(_) => {
            put_piece(&mut Piece::endless(out, options), value, &mut Position::default());
        }
    }
}

/// Writes as much of a value as goes into a piece; whether it is whole now.
pub(crate) fn put_piece<S: Sink>(piece: &mut Piece<'_, S>, value: ValueRef<'_>, at: &mut Position) -> bool {
    match value {
        ValueRef::Int(value) => piece.int(value),
        ValueRef::Bytes(bytes) => piece.string(bytes, at),
        ValueRef::List(list) => list::put(piece, list, at),
        ValueRef::Hash(hash) => hash::put(piece, hash, at),
        ValueRef::Set(set) => set::put(piece, set, at),
        ValueRef::SortedSet(set) => sorted_set::put(piece, set, at),
        ValueRef::Stream(stream) => stream::put(piece, stream, at),
    }
}

/// A value being loaded, with what has been read so far.
#[derive(Debug)]
pub(crate) enum Loader {
    String,
    List(list::Loader),
    Hash(hash::Loader),
    Set(set::Loader),
    SortedSet(sorted_set::Loader),
    Stream(Box<stream::Loader>),
    /// A type that isn't loaded, with its name if it has one: fails at the first step.
    Refused(u8, Option<&'static str>),
}

impl Loader {
    /// A loader for what the type's byte means in an RDB version.
    pub(crate) fn new(type_id: u8, version: u16) -> Loader {
        match type_id {
            STRING => Loader::String,
            LIST | LIST_ZIPLIST | LIST_QUICKLIST | LIST_QUICKLIST_2 => {
                Loader::List(list::Loader::new(type_id))
            }
            HASH | HASH_ZIPMAP | HASH_ZIPLIST | HASH_LISTPACK => Loader::Hash(hash::Loader::new(type_id)),
            HASH_VOLATILE if version >= FIRST_OF_VALKEY => Loader::Hash(hash::Loader::new(type_id)),
            SET | SET_INTSET | SET_LISTPACK => Loader::Set(set::Loader::new(type_id)),
            ZSET | ZSET_2 | ZSET_ZIPLIST | ZSET_LISTPACK => {
                Loader::SortedSet(sorted_set::Loader::new(type_id))
            }
            STREAM_LISTPACKS | STREAM_LISTPACKS_2 | STREAM_LISTPACKS_3 => {
                Loader::Stream(Box::new(stream::Loader::new(type_id)))
            }
            _ => Loader::Refused(type_id, name(type_id, version)),
        }
    }

    /// Reads until the value is complete. `Ok(None)` is an empty collection, which no key may hold. After
    /// [`Stop::More`] the next call continues where this one stopped.
    pub(crate) fn step(&mut self, input: &mut Input, limits: &Limits) -> Result<Option<Value>, Stop> {
        match self {
            Loader::String => input.string_value().map(Some),
            Loader::List(loader) => loader.step(input, limits),
            Loader::Hash(loader) => loader.step(input, limits),
            Loader::Set(loader) => loader.step(input, limits),
            Loader::SortedSet(loader) => loader.step(input, limits),
            Loader::Stream(loader) => loader.step(input),
            Loader::Refused(id, name) => Err(Stop::Bad(match *name {
                Some(name) => ErrorKind::UnsupportedType { id: *id, name },
                None => ErrorKind::UnknownType(*id),
            })),
        }
    }
}
