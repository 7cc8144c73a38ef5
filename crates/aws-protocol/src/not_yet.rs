//! Parameters that an API has and Engram does not support.
//!
//! A parameter has an effect or is refused by its own name: a cache that was asked to encrypt and does not would be a lie. So
//! the input of an operation lists such a parameter like any other. Its type says that it is refused, and which values are
//! harmless:
//!
//! | the field | what passes |
//! |---|---|
//! | `_auth_token: NotYet` | nothing |
//! | `_transit_encryption_enabled: NotYet<Off>` | `false` |
//! | `_snapshot_arns: NotYet<Empty>` | a list without items |
//! | `_final_snapshot_identifier: NotYet<Blank>` | a text without characters |
//! | `_network_type: NotYet<Ipv4>`, where `Ipv4` is [`Words`] | `ipv4` |
//!
//! An absent field always passes, and needs no attribute for that. The field is never read, so its name begins with an
//! underscore, which serde's `PascalCase` ignores.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, Error, IgnoredAny, Unexpected, Visitor};

/// In an "invalid value" of serde it says that the parameter is not supported; behind `=` comes the value that is not.
pub(crate) const NOT_YET: &str = "$aws::NotYet";

/// A parameter that is refused when it is given, unless its value is `H`armless.
pub struct NotYet<H = Nothing>(PhantomData<fn() -> H>);

/// Which values of a parameter have no effect.
pub trait Harmless {
    /// Reads the value, and refuses it unless it is harmless.
    ///
    /// # Errors
    /// When it is not harmless, or not of the parameter's type.
    fn check<'de, D: Deserializer<'de>>(value: D) -> Result<(), D::Error>;
}

/// No value.
pub enum Nothing {}

/// A switch that stays off.
pub enum Off {}

/// A list without items.
pub enum Empty {}

/// A text without characters.
pub enum Blank {}

/// Words that ask for what holds anyway.
pub trait Words {
    /// In lower case.
    const WORDS: &'static [&'static str];
}

fn refused<E: Error>(value: Option<&str>) -> E {
    let text = value.map_or(NOT_YET.to_owned(), |value| format!("{NOT_YET}={value}"));
    E::invalid_value(Unexpected::Other(&text), &"nothing")
}

impl Harmless for Nothing {
    fn check<'de, D: Deserializer<'de>>(value: D) -> Result<(), D::Error> {
        IgnoredAny::deserialize(value)?;
        Err(refused(None))
    }
}

impl Harmless for Off {
    fn check<'de, D: Deserializer<'de>>(value: D) -> Result<(), D::Error> {
        if bool::deserialize(value)? { Err(refused(None)) } else { Ok(()) }
    }
}

impl Harmless for Empty {
    fn check<'de, D: Deserializer<'de>>(value: D) -> Result<(), D::Error> {
        if Vec::<IgnoredAny>::deserialize(value)?.is_empty() { Ok(()) } else { Err(refused(None)) }
    }
}

impl Harmless for Blank {
    fn check<'de, D: Deserializer<'de>>(value: D) -> Result<(), D::Error> {
        if String::deserialize(value)?.is_empty() { Ok(()) } else { Err(refused(None)) }
    }
}

impl<W: Words> Harmless for W {
    fn check<'de, D: Deserializer<'de>>(value: D) -> Result<(), D::Error> {
        let word = String::deserialize(value)?;
        let is_harmless = W::WORDS.contains(&word.to_lowercase().as_str());
        if is_harmless { Ok(()) } else { Err(refused(Some(&word))) }
    }
}

impl<H> Default for NotYet<H> {
    fn default() -> Self {
        NotYet(PhantomData)
    }
}

impl<H> fmt::Debug for NotYet<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NotYet")
    }
}

/// As an option: that is what makes serde take an absent field for none.
impl<'de, H: Harmless> Deserialize<'de> for NotYet<H> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Given<H>(PhantomData<fn() -> H>);
        impl<'de, H: Harmless> Visitor<'de> for Given<H> {
            type Value = NotYet<H>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("nothing")
            }

            fn visit_none<E: de::Error>(self) -> Result<NotYet<H>, E> {
                Ok(NotYet::default())
            }

            fn visit_unit<E: de::Error>(self) -> Result<NotYet<H>, E> {
                Ok(NotYet::default())
            }

            fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<NotYet<H>, D::Error> {
                H::check(value).map(|()| NotYet::default())
            }
        }
        deserializer.deserialize_option(Given(PhantomData))
    }
}
