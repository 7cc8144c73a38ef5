//! An input of two structures whose fields stand side by side on the wire.
//!
//! What two operations have in common is a structure of its own, written once: `With<CreateOnly, Settings>` and
//! `With<ModifyOnly, Settings>`. serde's `flatten` cannot do this here: it reads the fields before it knows their types, while a value of a Query
//! request has no type until it is decoded. So a type asks a decoder of this crate for a tuple of a reserved name. The decoder
//! offers the same structure to both types, each with the fields that it has; a field that neither has is unknown.
//!
//! ```text
//!   A  B  C  D          With<{A, C}, {B}>:  first {A, C}, then {B}, and D is unknown
//! ```

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::InputError;

/// Under this name of a tuple a decoder finds two structures.
pub(crate) const WITH: &str = "$aws::With";

/// What an operation has by itself, and what it shares with others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct With<Own, Shared> {
    /// Its own fields.
    pub own: Own,
    /// The fields that others have too.
    pub shared: Shared,
}

/// Gives direct access to its own fields.
impl<Own, Shared> Deref for With<Own, Shared> {
    type Target = Own;

    fn deref(&self) -> &Own {
        &self.own
    }
}

impl<'de, Own: Deserialize<'de>, Shared: Deserialize<'de>> Deserialize<'de> for With<Own, Shared> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Both<Own, Shared>(PhantomData<fn() -> (Own, Shared)>);
        impl<'de, Own: Deserialize<'de>, Shared: Deserialize<'de>> Visitor<'de> for Both<Own, Shared> {
            type Value = With<Own, Shared>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("two structures")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
                let own = parts.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
                let shared = parts.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &self))?;
                Ok(With { own, shared })
            }
        }
        deserializer.deserialize_tuple_struct(WITH, 2, Both(PhantomData))
    }
}

/// A structure of a decoder, which can be read repeatedly.
pub(crate) trait Structure {
    /// The names of what is there.
    fn names(&self) -> impl Iterator<Item = &str>;

    /// Lets the visitor see those fields alone.
    fn visit<'de, V: Visitor<'de>>(&self, fields: &[&str], visitor: V) -> Result<V::Value, InputError>;
}

/// Reads a structure as two.
pub(crate) fn read<'de, V: Visitor<'de>>(
    structure: &impl Structure,
    visitor: V,
) -> Result<V::Value, InputError> {
    let mut known = Vec::new();
    let value = visitor.visit_seq(Parts { structure, known: &mut known, read: 0 })?;
    match structure.names().find(|name| !known.contains(name)) {
        Some(unknown) => Err(InputError::Unknown(unknown.to_owned())),
        None => Ok(value),
    }
}

struct Parts<'a, S> {
    structure: &'a S,
    /// What the structures that were read have.
    known: &'a mut Vec<&'static str>,
    read: usize,
}

impl<'de, S: Structure> SeqAccess<'de> for Parts<'_, S> {
    type Error = InputError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, InputError> {
        if self.read == 2 {
            return Ok(None);
        }
        self.read += 1;
        seed.deserialize(Part { structure: self.structure, known: &mut *self.known }).map(Some)
    }
}

/// The structure as one of two sees it.
struct Part<'a, S> {
    structure: &'a S,
    known: &'a mut Vec<&'static str>,
}

impl<'de, S: Structure> Deserializer<'de> for Part<'_, S> {
    type Error = InputError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, InputError> {
        Err(de::Error::custom("a part of an input that is no structure"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InputError> {
        self.known.extend(fields);
        self.structure.visit(fields, visitor)
    }

    /// A structure with another in it may be a part too.
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, InputError> {
        match name {
            WITH => visitor.visit_seq(Parts { structure: self.structure, known: self.known, read: 0 }),
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple map enum identifier ignored_any
    }
}
