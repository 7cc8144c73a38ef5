//! The canonical request: the one spelling of everything that is signed.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::{Message, hex};
use crate::uri;

/// Not part of what a presigned request signs: it is the signature.
const SIGNATURE: &str = "X-Amz-Signature";

/// What else than the message decides on its spelling.
pub(super) struct Rules<'a> {
    /// Lower case, ascending, each once.
    pub(super) signed_headers: &'a [String],
    /// In place of the hash of the body.
    pub(super) payload: Option<&'a str>,
    /// The path is encoded once, and its dots and double slashes are kept.
    pub(super) s3: bool,
}

/// The canonical request; None if the query's escapes are broken.
pub(super) fn request(message: &Message<'_>, rules: &Rules<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(message.method.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(path(message.path, rules.s3)?.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(query(message.query)?.as_bytes());
    out.push(b'\n');
    for name in rules.signed_headers {
        out.extend_from_slice(name.as_bytes());
        out.push(b':');
        header_values(&mut out, message.headers, name);
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(rules.signed_headers.join(";").as_bytes());
    out.push(b'\n');
    let payload = rules.payload.map_or_else(|| Cow::from(hex(&Sha256::digest(message.body))), Cow::from);
    out.extend_from_slice(payload.as_bytes());
    Some(out)
}

/// Every service but S3 encodes the path as it came, escapes included, once more, after taking `.`, `..` and empty
/// segments out.
fn path(raw: &str, s3: bool) -> Option<String> {
    let mut out = String::with_capacity(raw.len() + 1);
    if s3 {
        let decoded = uri::decode(raw.as_bytes(), false)?;
        uri::encode_into(&mut out, &decoded, true);
    } else {
        let mut segments: Vec<&str> = Vec::new();
        for segment in raw.split('/') {
            match segment {
                "" | "." => (),
                ".." => drop(segments.pop()),
                _ => segments.push(segment),
            }
        }
        for segment in &segments {
            out.push('/');
            uri::encode_into(&mut out, segment.as_bytes(), false);
        }
        if raw.ends_with('/') && !segments.is_empty() {
            out.push('/');
        }
    }
    if out.is_empty() {
        out.push('/');
    }
    Some(out)
}

/// Names and values encoded anew, in ascending order. A plus is the space that the decoder of forms takes it for.
fn query(raw: &str) -> Option<String> {
    let mut pairs = Vec::new();
    for (name, value) in uri::raw_pairs(raw.as_bytes()) {
        let name = uri::decode(name, true)?;
        if name != SIGNATURE.as_bytes() {
            let (mut encoded_name, mut encoded_value) = (String::new(), String::new());
            uri::encode_into(&mut encoded_name, &name, false);
            uri::encode_into(&mut encoded_value, &uri::decode(value, true)?, false);
            pairs.push((encoded_name, encoded_value));
        }
    }
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    Some(pairs.join("&"))
}

/// All values of a header in the order they came, with commas between; spaces around a value go, a run of them is one.
fn header_values(out: &mut Vec<u8>, headers: &[(&str, &[u8])], name: &str) {
    let values = headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    for (index, value) in values.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for (index, word) in words.enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths() {
        let check = |raw: &str, twice: &str, once: &str| {
            assert_eq!(super::path(raw, false).as_deref(), Some(twice), "{raw}");
            assert_eq!(super::path(raw, true).as_deref(), Some(once), "{raw}");
        };
        check("", "/", "/");
        check("/", "/", "/");
        check("/a/../b/./c//d/", "/b/c/d/", "/a/../b/./c//d/");
        check("/..", "/", "/..");
        check("/a%20b", "/a%2520b", "/a%20b");
        check("/a b~*", "/a%20b~%2A", "/a%20b~%2A");
    }

    #[test]
    fn queries() {
        let check =
            |raw: &str, expected: Option<&str>| assert_eq!(super::query(raw).as_deref(), expected, "{raw}");
        check("", Some(""));
        check("b=2&a=1&a=0&a-=3", Some("a=0&a=1&a-=3&b=2"));
        check("a", Some("a="));
        check("a=b+c%2bd&X-Amz-Signature=00", Some("a=b%20c%2Bd"));
        check("a=%", None);
    }
}
