//! serde's view of a document.

use std::borrow::Cow;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::{Form, Value, instant};
use crate::timestamp::TIMESTAMP;
use crate::with::{self, Structure, WITH};
use crate::{InputError, blob};

/// A value on its way to a type.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    value: &'a Value,
    form: Form,
}

impl<'a> Reader<'a> {
    pub(super) fn new(value: &'a Value, form: Form) -> Self {
        Reader { value, form }
    }

    /// That a value is of another type than the parameter, in the words of services that speak JSON.
    fn mistyped(&self, wanted: &str) -> InputError {
        let found = match self.value {
            Value::Null => "NULL_VALUE",
            Value::Bool(true) => "TRUE_VALUE",
            Value::Bool(false) => "FALSE_VALUE",
            Value::Integer(_) => "NUMBER_VALUE",
            Value::Float(_) => "DECIMAL_VALUE",
            Value::Text(_) => "STRING_VALUE",
            Value::Bytes(_) => "BINARY_VALUE",
            Value::Instant(_) => "TIMESTAMP_VALUE",
            Value::List(_) => return InputError::malformed("Start of list found where not expected"),
            Value::Map(_) => {
                return InputError::malformed("Start of structure or map found where not expected.");
            }
        };
        InputError::Malformed(Cow::Owned(format!("{found} can not be converted to {wanted}")))
    }

    fn integer<N: TryFrom<i128>>(&self) -> Result<N, InputError> {
        match self.value {
            Value::Integer(number) => N::try_from(*number).map_err(|_| self.mistyped("an Integer")),
            _ => Err(self.mistyped("an Integer")),
        }
    }

    fn float(&self) -> Result<f64, InputError> {
        match (self.value, self.form) {
            (Value::Float(number), _) => Ok(*number),
            (Value::Integer(number), _) => Ok(*number as f64),
            (Value::Text(text), Form::Json) => match text.as_str() {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                _ => Err(self.mistyped("a Double")),
            },
            _ => Err(self.mistyped("a Double")),
        }
    }

    fn text(&self) -> Result<&'a str, InputError> {
        match self.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.mistyped("a String")),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, InputError> {
        let bytes = match (self.value, self.form) {
            (Value::Text(text), Form::Json) => blob::from_base64(text),
            (Value::Bytes(bytes), _) => Some(bytes.clone()),
            _ => None,
        };
        bytes.ok_or_else(|| self.mistyped("a Blob"))
    }

    fn members(&self) -> Result<&'a [(String, Value)], InputError> {
        match self.value {
            Value::Map(members) => Ok(members),
            _ => Err(self.mistyped("a Structure")),
        }
    }

    fn fields(&self, members: &'a [(String, Value)]) -> Members<'a, 'static> {
        Members { rest: members.iter(), form: self.form, only: None, value: None }
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
            visitor.$visit(self.integer()?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = InputError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(on) => visitor.visit_bool(*on),
            Value::Integer(_) => self.deserialize_i64(visitor),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) => visitor.visit_str(text),
            Value::Bytes(bytes) => visitor.visit_bytes(bytes),
            Value::Instant(instant) => visitor.visit_i64(instant.unix_ms),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.value {
            Value::Bool(on) => visitor.visit_bool(*on),
            _ => Err(self.mistyped("a Boolean")),
        }
    }

    integers! {
        deserialize_i8 visit_i8,
        deserialize_i16 visit_i16,
        deserialize_i32 visit_i32,
        deserialize_i64 visit_i64,
        deserialize_u8 visit_u8,
        deserialize_u16 visit_u16,
        deserialize_u32 visit_u32,
        deserialize_u64 visit_u64,
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_byte_buf(self.bytes()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_byte_buf(self.bytes()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// The input of an operation without parameters: an empty structure.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.members()?.iter().find(|(_, value)| *value != Value::Null) {
            Some((name, _)) => Err(InputError::Unknown(name.clone())),
            None => visitor.visit_unit(),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, InputError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, InputError> {
        if name != TIMESTAMP {
            return visitor.visit_newtype_struct(self);
        }
        let found = match (self.value, self.form) {
            (Value::Instant(instant), _) => Some(*instant),
            (Value::Integer(_) | Value::Float(_), Form::Json) => instant(self.float()?),
            _ => None,
        };
        visitor.visit_i64(found.ok_or_else(|| self.mistyped("a Timestamp"))?.unix_ms)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.value {
            Value::List(items) => visitor.visit_seq(Items { rest: items.iter(), form: self.form, number: 0 }),
            Value::Map(_) => Err(self.mistyped("a List")),
            _ => Err(InputError::malformed("Expected list or null")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, InputError> {
        match name {
            WITH => {
                self.members()?;
                with::read(&self, visitor)
            }
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_map(self.fields(self.members()?))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InputError> {
        visitor.visit_map(self.fields(self.members()?))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InputError> {
        visitor.visit_enum(Word { text: self.text()?, reader: self })
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_unit()
    }
}

impl Structure for Reader<'_> {
    fn names(&self) -> impl Iterator<Item = &str> {
        let members = self.members().unwrap_or_default();
        members.iter().filter(|(_, value)| *value != Value::Null).map(|(name, _)| name.as_str())
    }

    fn visit<'de, V: Visitor<'de>>(&self, fields: &[&str], visitor: V) -> Result<V::Value, InputError> {
        let members = Members { only: Some(fields), ..self.fields(self.members()?) };
        visitor.visit_map(members)
    }
}

/// The members of a structure or a map that are not null.
struct Members<'a, 'f> {
    rest: std::slice::Iter<'a, (String, Value)>,
    form: Form,
    /// Of these names, where not all are meant.
    only: Option<&'f [&'f str]>,
    value: Option<(&'a str, &'a Value)>,
}

impl<'de> MapAccess<'de> for Members<'_, '_> {
    type Error = InputError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InputError> {
        let only = self.only;
        let is_meant = |name: &str| only.is_none_or(|only| only.contains(&name));
        let Some((name, value)) = self.rest.find(|(name, value)| *value != Value::Null && is_meant(name))
        else {
            return Ok(None);
        };
        self.value = Some((name, value));
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, InputError> {
        let (name, value) = self.value.take().ok_or(InputError::malformed("a member without a name"))?;
        seed.deserialize(Reader { value, form: self.form }).map_err(|error| error.within(name))
    }
}

/// The items of a list, by number from one as in a query.
struct Items<'a> {
    rest: std::slice::Iter<'a, Value>,
    form: Form,
    number: usize,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = InputError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, InputError> {
        let Some(value) = self.rest.next() else { return Ok(None) };
        self.number += 1;
        let item = seed.deserialize(Reader { value, form: self.form });
        item.map(Some).map_err(|error| error.within(&self.number.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// A word that names a variant.
struct Word<'a> {
    text: &'a str,
    reader: Reader<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Word<'a> {
    type Error = InputError;
    type Variant = Unit<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Unit<'a>), InputError> {
        let name: StrDeserializer<'a, InputError> = self.text.into_deserializer();
        Ok((seed.deserialize(name)?, Unit(self.reader)))
    }
}

/// A variant without anything in it: no other is a word.
struct Unit<'a>(Reader<'a>);

impl<'de> VariantAccess<'de> for Unit<'_> {
    type Error = InputError;

    fn unit_variant(self) -> Result<(), InputError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, InputError> {
        Err(self.0.mistyped("a Structure"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, InputError> {
        Err(self.0.mistyped("a Structure"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, InputError> {
        Err(self.0.mistyped("a Structure"))
    }
}
