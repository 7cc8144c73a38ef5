//! serde's view of the tree: the type that is decoded says what a node is.
//!
//! A node can be read repeatedly, and by several types.

use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::params::Node;
use crate::timestamp::TIMESTAMP;
use crate::with::{self, Structure, WITH};
use crate::{InputError, Timestamp, blob};

const NOT_A_STRUCTURE: InputError = InputError::malformed("Unexpected complex element termination");
const NOT_A_LIST: InputError = InputError::malformed("Unexpected list element termination");

/// A node on its way to a type.
pub(super) struct NodeDeserializer<'a> {
    node: &'a Node,
}

impl<'a> NodeDeserializer<'a> {
    pub(super) fn new(node: &'a Node) -> Self {
        NodeDeserializer { node }
    }

    /// The node's value, where there is nothing but one.
    fn scalar(&self) -> Result<&'a str, InputError> {
        match &self.node.value {
            Some(value) if self.node.children.is_empty() => Ok(value),
            _ => Err(NOT_A_STRUCTURE),
        }
    }

    /// The node's fields: it has no value, or an empty one in place of an empty structure.
    fn fields(&self) -> Result<Fields<'a, 'static>, InputError> {
        match self.node.value.as_deref() {
            None => (),
            Some("") if self.node.children.is_empty() => (),
            Some(_) => return Err(NOT_A_STRUCTURE),
        }
        Ok(Fields { rest: self.node.children.iter(), only: None, value: None })
    }

    /// The node's items by ascending number, with what stands before the number.
    fn items(&self) -> Result<Vec<(String, &'a Node)>, InputError> {
        let below = match self.node.value.as_deref() {
            None => &self.node.children,
            Some("") if self.node.children.is_empty() => return Ok(Vec::new()),
            Some(_) => return Err(NOT_A_LIST),
        };
        if let Some(items) = numbered(below, "") {
            return Ok(items);
        }
        let mut names = below.iter();
        match (names.next(), names.next()) {
            (Some((name, list)), None) if list.value.is_none() => {
                numbered(&list.children, &format!("{name}.")).ok_or(NOT_A_LIST)
            }
            _ => Err(NOT_A_LIST),
        }
    }
}

/// The nodes by number, if all their names are numbers and there is one at least.
fn numbered<'a>(nodes: &'a [(String, Node)], prefix: &str) -> Option<Vec<(String, &'a Node)>> {
    let number = |name: &str| {
        let canonical = name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
        if canonical { name.parse::<u32>().ok() } else { None }
    };
    let mut items =
        nodes.iter().map(|(name, node)| Some((number(name)?, node))).collect::<Option<Vec<_>>>()?;
    items.sort_unstable_by_key(|&(number, _)| number);
    let named =
        items.into_iter().map(|(number, node)| (format!("{prefix}{number}"), node)).collect::<Vec<_>>();
    (!named.is_empty()).then_some(named)
}

/// A number of one of the types that have `FromStr`.
macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
            let text = self.scalar()?;
            let number = text.parse::<$type>().ok().filter(|_| plain_number(text));
            visitor.$visit(number.ok_or(InputError::malformed("integer must follow xsd1.1 definition"))?)
        }
    )*};
}

/// Only digits and a sign, so that nothing passes that Rust alone would read.
fn plain_number(text: &str) -> bool {
    text.strip_prefix(['-', '+']).unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit())
}

/// A float in digits, or one of the names that XML Schema has for those without.
fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "INF" | "Infinity" => Some(f64::INFINITY),
        "-INF" | "-Infinity" => Some(f64::NEG_INFINITY),
        _ if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E')) => {
            text.parse().ok()
        }
        _ => None,
    }
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = InputError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        if self.node.children.is_empty() {
            self.deserialize_str(visitor)
        } else {
            visitor.visit_map(self.fields()?)
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.scalar()? {
            "true" | "1" => visitor.visit_bool(true),
            "false" | "0" => visitor.visit_bool(false),
            "" => Err(InputError::malformed("missing value for boolean type")),
            _ => Err(InputError::malformed("boolean must follow xsd1.1 definition")),
        }
    }

    numbers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_f64(
            float(self.scalar()?).ok_or(InputError::malformed("double must follow xsd1.1 definition"))?,
        )
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_str(self.scalar()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        let bytes = blob::from_base64(self.scalar()?);
        visitor
            .visit_byte_buf(bytes.ok_or(InputError::malformed("base64Binary must follow xsd1.1 definition"))?)
    }

    /// What is absent never comes here.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        match self.fields()?.rest.next() {
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
        let instant = Timestamp::parse_iso8601(self.scalar()?);
        visitor.visit_i64(instant.ok_or(InputError::malformed("timestamp must follow ISO8601"))?.unix_ms)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_seq(Items { rest: self.items()?.into_iter() })
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
                self.fields()?;
                with::read(&self, visitor)
            }
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_map(Entries { rest: self.items()?.into_iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InputError> {
        visitor.visit_map(self.fields()?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InputError> {
        visitor.visit_enum(Word(self.scalar()?))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_unit()
    }
}

impl Structure for NodeDeserializer<'_> {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.node.children.iter().map(|(name, _)| name.as_str())
    }

    fn visit<'de, V: Visitor<'de>>(&self, fields: &[&str], visitor: V) -> Result<V::Value, InputError> {
        visitor.visit_map(Fields { only: Some(fields), ..self.fields()? })
    }
}

/// The fields of a structure, by name.
struct Fields<'a, 'f> {
    rest: std::slice::Iter<'a, (String, Node)>,
    /// Of these names, where not all are meant.
    only: Option<&'f [&'f str]>,
    value: Option<(&'a str, &'a Node)>,
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = InputError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InputError> {
        let only = self.only;
        let is_meant = |name: &str| only.is_none_or(|only| only.contains(&name));
        let Some((name, node)) = self.rest.find(|(name, _)| is_meant(name)) else { return Ok(None) };
        self.value = Some((name, node));
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, InputError> {
        let (name, node) = self.value.take().ok_or(NOT_A_STRUCTURE)?;
        seed.deserialize(NodeDeserializer { node }).map_err(|error| error.within(name))
    }
}

/// The items of a list.
struct Items<'a> {
    rest: std::vec::IntoIter<(String, &'a Node)>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = InputError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, InputError> {
        let Some((name, node)) = self.rest.next() else { return Ok(None) };
        seed.deserialize(NodeDeserializer { node }).map(Some).map_err(|error| error.within(&name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The entries of a map: a list of structures with a key and a value.
struct Entries<'a> {
    rest: std::vec::IntoIter<(String, &'a Node)>,
    value: Option<(String, &'a Node)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = InputError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InputError> {
        let Some((name, entry)) = self.rest.next() else { return Ok(None) };
        let part = |part: &str| {
            let missing = || InputError::Missing(format!("{name}.{part}"));
            entry.child(part).ok_or_else(missing)
        };
        let (key, value) = (part("key")?, part("value")?);
        if let Some(other) = entry
            .children
            .iter()
            .map(|(part, _)| part)
            .find(|part| !["key", "value"].contains(&part.as_str()))
        {
            return Err(InputError::Unknown(format!("{name}.{other}")));
        }
        let key = NodeDeserializer { node: key }.scalar()?.to_owned();
        self.value = Some((name, value));
        seed.deserialize(StringDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, InputError> {
        let (name, node) = self.value.take().ok_or(NOT_A_LIST)?;
        seed.deserialize(NodeDeserializer { node }).map_err(|error| error.within("value").within(&name))
    }
}

/// A word that names a variant.
struct Word<'a>(&'a str);

impl<'de, 'a> EnumAccess<'de> for Word<'a> {
    type Error = InputError;
    type Variant = Unit;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Unit), InputError> {
        let name: StrDeserializer<'a, InputError> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, Unit))
    }
}

/// A variant without anything in it: no other has a form in a query.
struct Unit;

impl<'de> VariantAccess<'de> for Unit {
    type Error = InputError;

    fn unit_variant(self) -> Result<(), InputError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, InputError> {
        Err(NOT_A_STRUCTURE)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, InputError> {
        Err(NOT_A_STRUCTURE)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, InputError> {
        Err(NOT_A_STRUCTURE)
    }
}
