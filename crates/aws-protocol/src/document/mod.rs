//! Documents: what JSON and CBOR requests and answers have in common, apart from their bytes.
//!
//! ```text
//!   bytes ── json::parse, cbor::parse ──▶ Value ── decode::<T> ──▶ T: an operation's input
//!   T: an operation's output ── encode ──▶ Value ── json::print, cbor::print ──▶ bytes
//! ```
//!
//! | | JSON | CBOR |
//! |---|---|---|
//! | an instant | seconds since the epoch, a number | tag 1 around such a number |
//! | bytes | Base64 | a byte string |
//! | a float without digits | `"NaN"`, `"Infinity"`, `"-Infinity"` | a float |
//! | a member that is null | as if it were not there | the same |
//!
//! A member that the type doesn't have is refused, and so is one that comes twice. (AWS ignores the former. Here a
//! parameter has an effect or is refused by its name.)
//!
//! **Limits.** A document nests [`MAX_DEPTH`] deep at the most. A value takes less than 64 bytes of memory for each of its bytes
//! on the wire, whose number the caller bounds; no length that a document claims is trusted.

pub mod cbor;
mod de;
pub mod json;
mod ser;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Fault, InputError, Timestamp};

/// Lists and structures within each other. CloudWatch's deepest input has eight.
pub const MAX_DEPTH: usize = 64;

/// A document or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A switch.
    Bool(bool),
    /// Between -2^64 and 2^64.
    Integer(i128),
    /// Any float.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes. In JSON there is only text.
    Bytes(Vec<u8>),
    /// An instant. In JSON there are only numbers.
    Instant(Timestamp),
    /// A list.
    List(Vec<Value>),
    /// A structure or a map: each name once, in the order of the document.
    Map(Vec<(String, Value)>),
}

/// In which of the two a document came, where that makes a difference.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// JSON.
    Json,
    /// CBOR.
    Cbor,
}

/// The names of a map, if each comes once.
fn map(members: Vec<(String, Value)>) -> Option<Value> {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let comes_twice = names.windows(2).any(|pair| pair[0] == pair[1]);
    (!comes_twice).then_some(Value::Map(members))
}

/// An instant of the years 1 to 9999 from seconds since the epoch. A float tells each millisecond of them.
fn instant(seconds: f64) -> Option<Timestamp> {
    let unix_ms = (seconds * 1000.0).round();
    let is_such = (-62_135_596_800_000.0..253_402_300_800_000.0).contains(&unix_ms);
    is_such.then_some(Timestamp::from_unix_ms(unix_ms as i64))
}

/// Seconds since the epoch.
fn seconds(instant: Timestamp) -> f64 {
    instant.unix_ms as f64 / 1000.0
}

/// The input of an operation from a document.
///
/// # Errors
/// When it is not of that type.
pub fn decode<T: DeserializeOwned>(value: &Value, form: Form) -> Result<T, InputError> {
    T::deserialize(de::Reader::new(value, form))
}

/// A document from the output of an operation; [`Value::Null`] from `()`.
///
/// # Errors
/// [`Fault::internal_failure`]: the type has no form in a document (an enum with fields).
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Value, Fault> {
    value.serialize(ser::Writer).map_err(|_| Fault::internal_failure())
}
