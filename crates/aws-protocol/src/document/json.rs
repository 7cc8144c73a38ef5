//! Documents as JSON (RFC 8259).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{MAX_DEPTH, Value, map, seconds};
use crate::blob;

/// Reads a document. Nothing at all is an empty structure: clients leave it out where there are no parameters.
/// None if it is no JSON, has a name twice or nests too deeply.
pub fn parse(bytes: &[u8]) -> Option<Value> {
    if bytes.is_empty() {
        return Some(Value::Map(Vec::new()));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Nested { depth: MAX_DEPTH }.read(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// Prints a document. Nothing is an empty structure.
pub fn print(value: &Value) -> Vec<u8> {
    match value {
        Value::Null => b"{}".to_vec(),
        // Printing a value fails on a map whose keys are no texts, and there is none.
        _ => serde_json::to_vec(&Printed(value)).unwrap_or_default(),
    }
}

/// Reads values that nest so deeply.
#[derive(Clone, Copy)]
struct Nested {
    depth: usize,
}

impl Nested {
    fn read<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn within<E: Error>(self) -> Result<Nested, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nests too deeply"))?;
        Ok(Nested { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.read(deserializer)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let (within, mut list) = (self.within()?, Vec::new());
        while let Some(item) = items.next_element_seed(within)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let (within, mut pairs) = (self.within()?, Vec::new());
        while let Some(name) = members.next_key()? {
            pairs.push((name, members.next_value_seed(within)?));
        }
        map(pairs).ok_or_else(|| Error::custom("a name comes twice"))
    }
}

/// A value as JSON has it.
struct Printed<'a>(&'a Value);

impl Serialize for Printed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(on) => serializer.serialize_bool(*on),
            Value::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => serializer.serialize_i64(number),
                (_, Ok(number)) => serializer.serialize_u64(number),
                _ => serializer.serialize_f64(*number as f64),
            },
            Value::Float(number) if number.is_nan() => serializer.serialize_str("NaN"),
            Value::Float(f64::INFINITY) => serializer.serialize_str("Infinity"),
            Value::Float(f64::NEG_INFINITY) => serializer.serialize_str("-Infinity"),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Bytes(bytes) => serializer.serialize_str(&blob::to_base64(bytes)),
            Value::Instant(instant) => serializer.serialize_f64(seconds(*instant)),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(&Printed(item)))?;
                list.end()
            }
            Value::Map(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                members.iter().try_for_each(|(name, value)| map.serialize_entry(name, &Printed(value)))?;
                map.end()
            }
        }
    }
}
