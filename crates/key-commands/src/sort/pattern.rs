//! The patterns of BY and GET: they name a key by an element, or a field of the hash there.
//!
//! ```text
//!   weight_*         the string at weight_7, for the element 7
//!   object_*->name   the field `name` of the hash at object_7
//!   #                the element itself
//! ```

use commands::args::double;
use keyspace::Keys;
use number::IntBuffer;
use profile::Profile;

/// A pattern in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// `#`
    Element,
    /// Without a place for the element it names nothing.
    Nothing,
    /// A key.
    Key {
        /// Before the element.
        prefix: &'a [u8],
        /// Behind it.
        suffix: &'a [u8],
        /// The field of the hash there.
        field: Option<&'a [u8]>,
    },
}

impl<'a> Pattern<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Pattern<'a> {
        if text == b"#" {
            return Pattern::Element;
        }
        let Some(place) = text.iter().position(|&byte| byte == b'*') else { return Pattern::Nothing };
        let (prefix, suffix) = (&text[..place], &text[place + 1..]);
        let arrow = suffix.windows(2).position(|two| two == b"->");
        match arrow.filter(|arrow| arrow + 2 < suffix.len()) {
            Some(arrow) => {
                Pattern::Key { prefix, suffix: &suffix[..arrow], field: Some(&suffix[arrow + 2..]) }
            }
            None => Pattern::Key { prefix, suffix, field: None },
        }
    }

    /// Whether it depends on the element which key it names.
    pub(super) fn has_place(&self) -> bool {
        matches!(self, Pattern::Key { .. })
    }

    /// What it names for an element, if that is there.
    pub(super) fn find(&self, keys: &mut Keys<'_, '_>, element: &[u8]) -> Option<Vec<u8>> {
        let (prefix, suffix, field) = match self {
            Pattern::Element => return Some(element.to_vec()),
            Pattern::Nothing => return None,
            Pattern::Key { prefix, suffix, field } => (prefix, suffix, field),
        };
        let now_ms = keys.fields_now_ms();
        let value = keys.lookup(&[prefix, element, suffix].concat())?.value();
        let found = match field {
            Some(field) => value.hash()?.alive(now_ms).get(field)?,
            None => value.string()?,
        };
        Some(found.text(&mut IntBuffer::new()).to_vec())
    }
}

/// The number that a text is to a sort, as C's `strtod` reads it: spaces may precede it, nothing at all is 0, it ends with
/// the first zero byte, and a number too small for all its digits is none. Valkey 9.1 has left `strtod`, and all of this.
pub(super) fn score(text: &[u8], profile: Profile) -> Option<f64> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    if profile.has("9.1.0") {
        return double(text, profile);
    }
    let number = text.iter().position(|byte| !matches!(byte, b' ' | b'\t'..=b'\r'));
    match number {
        None if text.is_empty() => Some(0.0),
        None => None,
        Some(begin) => double(&text[begin..], profile).filter(|number| !number.is_subnormal()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_parts() {
        let key = |prefix: &'static str, suffix: &'static str, field: Option<&'static str>| Pattern::Key {
            prefix: prefix.as_bytes(),
            suffix: suffix.as_bytes(),
            field: field.map(str::as_bytes),
        };
        assert_eq!(Pattern::parse(b"#"), Pattern::Element);
        assert_eq!(Pattern::parse(b"nosort"), Pattern::Nothing);
        assert_eq!(Pattern::parse(b"##"), Pattern::Nothing);
        assert_eq!(Pattern::parse(b"w_*"), key("w_", "", None));
        assert_eq!(Pattern::parse(b"a*b*"), key("a", "b*", None));
        assert_eq!(Pattern::parse(b"o_*->f"), key("o_", "", Some("f")));
        assert_eq!(Pattern::parse(b"o_*x->f->g"), key("o_", "x", Some("f->g")));
        assert_eq!(Pattern::parse(b"o_*->"), key("o_", "->", None));
        assert_eq!(Pattern::parse(b"->*"), key("->", "", None));
    }

    #[test]
    fn scores_are_read_as_c_reads_them() {
        let same = [
            ("7", 7.0),
            (" \t7.5", 7.5),
            ("", 0.0),
            ("1\x002", 1.0),
            ("0x10", 16.0),
            ("-inf", f64::NEG_INFINITY),
        ];
        for (text, number) in same {
            assert_eq!(score(text.as_bytes(), Profile::Valkey90), Some(number), "{text:?}");
        }
        for text in ["x", "7x", "7 ", " ", "nan", "1e999"] {
            assert_eq!(score(text.as_bytes(), Profile::Valkey90), None, "{text:?}");
        }
        for text in ["0x10", " 7", ""] {
            assert_eq!(score(text.as_bytes(), Profile::Valkey91), None, "{text:?}");
        }
        let smallest = |profile| score(b"4.9e-324", profile);
        assert_eq!(
            (smallest(Profile::Valkey90), smallest(Profile::Valkey91)),
            (None, Some(f64::from_bits(1)))
        );
    }
}
