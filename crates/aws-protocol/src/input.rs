//! Why a request is not a valid input of an operation, in any protocol.
//!
//! An error is made where it is noticed, without its place. On the way out each structure and list prepends its name, so the
//! message names the whole parameter. Which code a client gets for it depends on the protocol and on the service: see
//! [`InputError::in_query`] and [`InputError::in_document`] for what is usual.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::Fault;
use crate::not_yet::NOT_YET;

/// Why a request does not fit an operation's input type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum InputError {
    /// The type has no such parameter.
    Unknown(String),
    /// The type needs this parameter.
    Missing(String),
    /// A word that is not in its set.
    NotInSet {
        /// The parameter.
        at: String,
        /// The word.
        value: String,
        /// The words that it may have.
        set: String,
    },
    /// The API has this parameter, or this value of it, and Engram does not support it: see [`crate::NotYet`].
    NotYet {
        /// The parameter.
        at: String,
        /// The value, if others are good.
        value: Option<String>,
    },
    /// Not of the type that the parameter has; in AWS's words.
    Malformed(Cow<'static, str>),
    /// The error text of a custom type.
    Custom(String),
}

impl InputError {
    pub(crate) const fn malformed(text: &'static str) -> InputError {
        InputError::Malformed(Cow::Borrowed(text))
    }

    /// The same, seen from one level further out.
    pub(crate) fn within(mut self, outer: &str) -> InputError {
        match &mut self {
            InputError::Unknown(at)
            | InputError::Missing(at)
            | InputError::NotInSet { at, .. }
            | InputError::NotYet { at, .. } => {
                if !at.is_empty() {
                    at.insert(0, '.');
                }
                at.insert_str(0, outer);
            }
            InputError::Malformed(_) | InputError::Custom(_) => (),
        }
        self
    }

    /// As ElastiCache answers it.
    pub fn in_query(&self) -> Fault {
        match self {
            InputError::Unknown(at) => Fault::unknown_parameter(brief(at)),
            InputError::Missing(at) => Fault::parameter_is_null(brief(at)),
            InputError::NotInSet { .. } => Fault::validation_error(self.to_string()),
            InputError::Malformed(text) => Fault::malformed_input(text.clone()),
            InputError::NotYet { .. } | InputError::Custom(_) => {
                Fault::invalid_parameter_value(self.to_string())
            }
        }
    }

    /// As services with JSON and CBOR answer it: what has the wrong type does not get as far as to be validated.
    pub fn in_document(&self) -> Fault {
        match self {
            InputError::Malformed(text) => Fault::serialization(text.clone()),
            _ => Fault::validation_error(self.to_string()),
        }
    }
}

/// Constraints call parameters by their names in the model: from a small letter.
fn as_member(at: &str) -> String {
    let mut chars = at.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}

/// As much of a client's word as an error repeats.
pub(crate) fn brief(text: &str) -> &str {
    const MAX_CHARS: usize = 256;
    text.char_indices().nth(MAX_CHARS).map_or(text, |(end, _)| &text[..end])
}

/// For people.
impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ONE: &str = "1 validation error detected: Value";
        const FAILED: &str = "failed to satisfy constraint: Member must";
        match self {
            InputError::Unknown(at) => write!(f, "The parameter {} is not recognized", brief(at)),
            InputError::Missing(at) => {
                write!(f, "{ONE} null at '{}' {FAILED} not be null", as_member(brief(at)))
            }
            InputError::NotInSet { at, value, set } => {
                let at = as_member(brief(at));
                write!(f, "{ONE} '{}' at '{at}' {FAILED} satisfy enum value set: [{set}]", brief(value))
            }
            InputError::NotYet { at, value: None } => {
                write!(f, "The parameter {} is not supported by Engram yet.", brief(at))
            }
            InputError::NotYet { at, value: Some(value) } => {
                let (at, value) = (brief(at), brief(value));
                write!(f, "The value {value} of the parameter {at} is not supported by Engram yet.")
            }
            InputError::Malformed(text) => f.write_str(text),
            InputError::Custom(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for InputError {}

impl de::Error for InputError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        InputError::Custom(message.to_string())
    }

    /// [`crate::NotYet`] refuses by this one, since serde has no word for it.
    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match unexpected {
            Unexpected::Other(text) if text.starts_with(NOT_YET) => {
                let value = text[NOT_YET.len()..].strip_prefix('=').map(str::to_owned);
                InputError::NotYet { at: String::new(), value }
            }
            _ => InputError::Custom(format!("invalid value: {unexpected}, expected {expected}")),
        }
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        InputError::Unknown(field.to_owned())
    }

    fn missing_field(field: &'static str) -> Self {
        InputError::Missing(field.to_owned())
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        InputError::NotInSet { at: String::new(), value: variant.to_owned(), set: expected.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_to_the_byte() {
        let not_in_set =
            InputError::NotInSet { at: "SourceType".into(), value: "x".into(), set: "a, b".into() };
        let cases = [
            (InputError::Unknown("X".into()), "UnknownParameter", "The parameter X is not recognized"),
            (
                InputError::Missing("X".into()),
                "InvalidParameterValue",
                "The parameter X must be provided and must not be null.",
            ),
            (
                not_in_set,
                "ValidationError",
                "1 validation error detected: Value 'x' at 'sourceType' failed to satisfy constraint: Member must \
                 satisfy enum value set: [a, b]",
            ),
            (
                InputError::NotYet { at: "AuthToken".into(), value: None },
                "InvalidParameterValue",
                "The parameter AuthToken is not supported by Engram yet.",
            ),
            (
                InputError::NotYet { at: "NetworkType".into(), value: Some("ipv6".into()) },
                "InvalidParameterValue",
                "The value ipv6 of the parameter NetworkType is not supported by Engram yet.",
            ),
            (InputError::malformed("no number"), "MalformedInput", "no number"),
            (InputError::Custom("own words".into()), "InvalidParameterValue", "own words"),
        ];
        for (error, code, text) in cases {
            let fault = error.in_query();
            assert_eq!((fault.code.as_ref(), fault.message.as_str(), fault.status), (code, text, 400));
        }
    }

    #[test]
    fn in_a_document_what_has_no_form_is_told_from_what_is_not_valid() {
        let missing = InputError::Missing("Name".into()).within("Tags").in_document();
        assert_eq!(
            (missing.code.as_ref(), missing.message.as_str()),
            (
                "ValidationError",
                "1 validation error detected: Value null at 'tags.Name' failed to satisfy constraint: Member must not \
                 be null"
            )
        );
        let malformed = InputError::malformed("x").in_document();
        assert_eq!((malformed.code.as_ref(), malformed.status), ("SerializationException", 400));
    }
}
