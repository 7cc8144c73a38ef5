//! A value, alone or in its entry: the one list of types.
//!
//! # What is written for a new type
//!
//! A type is a structure of this crate, and a variant of [`Value`] and [`ValueRef`]. The compiler asks for nearly all that
//! follows, for nowhere does an arm of a match over values stand for "every other type". `cargo xtask tidy` sees to that, and
//! to this table: it names each file that tells types apart, and the function that does.
//!
//! | File in `crates` | Function | For |
//! |---|---|---|
//! | `structures/src/value.rs` | `view`, `list`, `hash`, `set`, `sorted_set`, `stream`, `string` | commands of one type, which refuse the others |
//! | `table/src/layout.rs` | `kind` | the type's number in an entry |
//! | `table/src/entry.rs` | `boxed`, `is_raw` | its place in an entry |
//! | `keyspace/src/keys.rs` | `effort` | UNLINK, expiry, eviction: freed here or by another thread |
//! | `rdb/src/types/mod.rs` | `type_of`, `put_value`, `put_piece`, `new`, `step` | DUMP, RESTORE, RDB files, full synchronisations |
//! | `rdb/src/pieces.rs` | `begin` | strings, which are compressed as a whole |
//! | `snapshot/src/entry.rs` | `is_large` | values that a snapshot captures in pieces |
//! | `key-commands/src/type_name.rs` | `type_name` | TYPE, SCAN |
//! | `key-commands/src/object.rs` | `encoding_name` | OBJECT ENCODING, DEBUG OBJECT |
//! | `key-commands/src/copy.rs` | `duplicate` | COPY |
//! | `key-commands/src/sort.rs` | `sorted` | SORT |
//! | `server-commands/src/digest.rs` | `value` | DEBUG DIGEST |
//! | `server-commands/src/debug.rs` | `object`, `listpack`, `quicklist` | DEBUG OBJECT, DEBUG LISTPACK, DEBUG QUICKLIST |
//!
//! What the compiler cannot ask for, tests do: `structures/tests/it/forms.rs` has a value of each type in each of its
//! encodings, and does not compile without one of a new type. The tests of `table`, `rdb`, `snapshot` and `server-commands`
//! (`tests/it/value_types.rs`) take each of them through these rows, so they find a type's byte that no loader knows, a number
//! that an entry does not read back, a digest that ignores the value.
//!
//! Its commands are a family, a crate. Its events have a class in `keyspace::EventClass`.

use crate::{Hash, Item, List, Set, SortedSet, Stream};

/// A value that stands alone, before it is stored in an entry or after it left one.
///
/// Strings come in two forms because clients see the difference: an integer that fits 64 bits is kept as one
/// (`OBJECT ENCODING` says `int`), everything else is bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string that is the canonical decimal form of this integer.
    Int(i64),
    /// Any other string.
    Bytes(Vec<u8>),
    /// A list.
    List(Box<List>),
    /// A hash.
    Hash(Box<Hash>),
    /// A set.
    Set(Box<Set>),
    /// A sorted set.
    SortedSet(Box<SortedSet>),
    /// A stream.
    Stream(Box<Stream>),
}

/// A value where it lies in its entry.
#[derive(Debug, Clone, Copy)]
pub enum ValueRef<'a> {
    /// A string kept as an integer.
    Int(i64),
    /// A string kept as bytes.
    Bytes(&'a [u8]),
    /// A list.
    List(&'a List),
    /// A hash.
    Hash(&'a Hash),
    /// A set.
    Set(&'a Set),
    /// A sorted set.
    SortedSet(&'a SortedSet),
    /// A stream.
    Stream(&'a Stream),
}

impl Value {
    /// The value as it is read.
    pub fn view(&self) -> ValueRef<'_> {
        match self {
            Value::Int(int) => ValueRef::Int(*int),
            Value::Bytes(bytes) => ValueRef::Bytes(bytes),
            Value::List(list) => ValueRef::List(list),
            Value::Hash(hash) => ValueRef::Hash(hash),
            Value::Set(set) => ValueRef::Set(set),
            Value::SortedSet(set) => ValueRef::SortedSet(set),
            Value::Stream(stream) => ValueRef::Stream(stream),
        }
    }
}

impl<'a> ValueRef<'a> {
    /// The string, if it is one.
    #[inline]
    pub fn string(self) -> Option<Item<'a>> {
        match self {
            ValueRef::Int(int) => Some(Item::Int(int)),
            ValueRef::Bytes(bytes) => Some(Item::Bytes(bytes)),
            ValueRef::List(_)
            | ValueRef::Hash(_)
            | ValueRef::Set(_)
            | ValueRef::SortedSet(_)
            | ValueRef::Stream(_) => None,
        }
    }

    /// The list, if it is one.
    #[inline]
    pub fn list(self) -> Option<&'a List> {
        match self {
            ValueRef::List(list) => Some(list),
            ValueRef::Int(_)
            | ValueRef::Bytes(_)
            | ValueRef::Hash(_)
            | ValueRef::Set(_)
            | ValueRef::SortedSet(_)
            | ValueRef::Stream(_) => None,
        }
    }

    /// The hash, if it is one.
    #[inline]
    pub fn hash(self) -> Option<&'a Hash> {
        match self {
            ValueRef::Hash(hash) => Some(hash),
            ValueRef::Int(_)
            | ValueRef::Bytes(_)
            | ValueRef::List(_)
            | ValueRef::Set(_)
            | ValueRef::SortedSet(_)
            | ValueRef::Stream(_) => None,
        }
    }

    /// The set, if it is one.
    #[inline]
    pub fn set(self) -> Option<&'a Set> {
        match self {
            ValueRef::Set(set) => Some(set),
            ValueRef::Int(_)
            | ValueRef::Bytes(_)
            | ValueRef::List(_)
            | ValueRef::Hash(_)
            | ValueRef::SortedSet(_)
            | ValueRef::Stream(_) => None,
        }
    }

    /// The sorted set, if it is one.
    #[inline]
    pub fn sorted_set(self) -> Option<&'a SortedSet> {
        match self {
            ValueRef::SortedSet(set) => Some(set),
            ValueRef::Int(_)
            | ValueRef::Bytes(_)
            | ValueRef::List(_)
            | ValueRef::Hash(_)
            | ValueRef::Set(_)
            | ValueRef::Stream(_) => None,
        }
    }

    /// The stream, if it is one.
    #[inline]
    pub fn stream(self) -> Option<&'a Stream> {
        match self {
            ValueRef::Stream(stream) => Some(stream),
            ValueRef::Int(_)
            | ValueRef::Bytes(_)
            | ValueRef::List(_)
            | ValueRef::Hash(_)
            | ValueRef::Set(_)
            | ValueRef::SortedSet(_) => None,
        }
    }
}
