//! A serde serializer for one element at a time.
//!
//! The caller knows an element's name, but not yet whether there is anything to write (`None` is no element). So the
//! serializer gets the name and writes the tags itself.

use std::fmt::{self, Display};

use serde::Serialize;
use serde::ser::{
    self, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, SerializeTupleStruct,
};

use super::leaf;
use crate::timestamp::TIMESTAMP;
use crate::{Timestamp, blob};

/// What an item of a list is called where nothing names it.
const MEMBER: &str = "member";

/// A type that has no form here, or an error of a type's own.
#[derive(Debug)]
pub(super) struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl ser::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Error(message.to_string())
    }
}

/// Appends `value` as the element `name`, or nothing if it is none.
pub(super) fn write_element<T: Serialize + ?Sized>(
    out: &mut String,
    name: &str,
    value: &T,
) -> Result<(), Error> {
    value.serialize(Element { out, name, item: MEMBER })
}

/// An element that is about to be written.
struct Element<'a> {
    out: &'a mut String,
    name: &'a str,
    item: &'static str,
}

impl<'a> Element<'a> {
    fn leaf(self, text: impl Display) -> Result<(), Error> {
        leaf(self.out, self.name, &text.to_string());
        Ok(())
    }

    fn open(self) -> Open<'a> {
        self.out.push('<');
        self.out.push_str(self.name);
        self.out.push('>');
        Open { out: self.out, name: self.name, item: self.item, key: None }
    }
}

/// An element whose first tag is written.
struct Open<'a> {
    out: &'a mut String,
    name: &'a str,
    item: &'static str,
    key: Option<String>,
}

impl Open<'_> {
    fn close(self) -> Result<(), Error> {
        self.out.push_str("</");
        self.out.push_str(self.name);
        self.out.push('>');
        Ok(())
    }

    fn push_item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        write_element(self.out, self.item, value)
    }
}

/// As AWS prints floats: always with a point or an exponent.
fn float(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".to_owned() } else { "-Infinity".to_owned() }
    } else {
        format!("{value:?}")
    }
}

/// Milliseconds under the reserved name become an instant; the error if something else stands there.
fn instant<T: Serialize + ?Sized>(value: &T) -> Result<Timestamp, Error> {
    let mut digits = String::new();
    write_element(&mut digits, "", value)?;
    let unix_ms = digits
        .strip_prefix("<>")
        .and_then(|rest| rest.strip_suffix("</>"))
        .and_then(|text| text.parse().ok());
    unix_ms.map(Timestamp::from_unix_ms).ok_or_else(|| Error("no instant".to_owned()))
}

/// Types whose text is that of Rust.
macro_rules! leaves {
    ($($method:ident $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Result<(), Error> {
            self.leaf(value)
        }
    )*};
}

impl<'a> ser::Serializer for Element<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Open<'a>;
    type SerializeTupleStruct = Open<'a>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Open<'a>;
    type SerializeStruct = Open<'a>;
    type SerializeStructVariant = Impossible<(), Error>;

    leaves! {
        serialize_bool bool,
        serialize_i8 i8,
        serialize_i16 i16,
        serialize_i32 i32,
        serialize_i64 i64,
        serialize_u8 u8,
        serialize_u16 u16,
        serialize_u32 u32,
        serialize_u64 u64,
        serialize_char char,
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.leaf(float(f64::from(value)))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.leaf(float(value))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        leaf(self.out, self.name, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.leaf(blob::to_base64(value))
    }

    fn serialize_none(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.open().close()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if name == TIMESTAMP {
            return self.leaf(instant(value)?);
        }
        value.serialize(Element { item: name, ..self })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        Err(Error(format!("a variant with a value has no form: {variant}")))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'a>, Error> {
        Ok(self.open())
    }

    fn serialize_tuple(self, _: usize) -> Result<Open<'a>, Error> {
        Ok(self.open())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Open<'a>, Error> {
        Ok(self.open())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(Error(format!("a variant with values has no form: {variant}")))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Open<'a>, Error> {
        Ok(self.open())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'a>, Error> {
        Ok(self.open())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(Error(format!("a variant with fields has no form: {variant}")))
    }
}

impl SerializeSeq for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.push_item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl SerializeTuple for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.push_item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl SerializeTupleStruct for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.push_item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

/// Entries of a map, as in requests: `<entry><key>…</key><value>…</value></entry>`.
impl SerializeMap for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let mut element = String::new();
        write_element(&mut element, "key", key)?;
        self.key = Some(element);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.out.push_str("<entry>");
        self.out.push_str(&self.key.take().unwrap_or_default());
        write_element(self.out, "value", value)?;
        self.out.push_str("</entry>");
        Ok(())
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl SerializeStruct for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        write_element(self.out, name, value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}
