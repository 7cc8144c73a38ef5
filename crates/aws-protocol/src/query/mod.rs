//! Requests of the Query protocol: a form in the body of a POST, or the query string of a GET.
//!
//! ```text
//!   Action=CreateReplicationGroup&Version=2015-02-02&NumCacheClusters=3&Tags.Tag.1.Key=a&Tags.Tag.1.Value=b
//!
//!   Params   Tags ── Tag ── 1 ─┬ Key: a        a tree of names between dots; only the type that is
//!                              └ Value: b      decoded says what is a structure, a list, a map, a value
//! ```
//!
//! A list is `Name.member.1`, `Name.<any other name>.1` or `Name.1`, ordered by number, gaps closed; `Name=` is the empty
//! list. A map is `Name.entry.1.key` and `Name.entry.1.value`. A boolean is `true`, `false`, `1` or `0`, in lower case only.
//!
//! Input types refuse parameters that they don't have by `#[serde(deny_unknown_fields)]`; an absent parameter is a `None`
//! or a refusal. Fields that several inputs share are joined by [`crate::With`], and those that are not built are a
//! [`crate::NotYet`]. What is answered to a bad request:
//!
//! | the request | code | text | seen from |
//! |---|---|---|---|
//! | lacks a required parameter | InvalidParameterValue | The parameter X must be provided and must not be null. | ElastiCache |
//! | has an unknown parameter | UnknownParameter | The parameter X is not recognized | EC2 |
//! | names no known action | InvalidAction | Could not find operation X for version V | ElastiCache, RDS, CloudWatch |
//! | has no boolean | MalformedInput | boolean must follow xsd1.1 definition | SES, Auto Scaling, EMR |
//! | has an empty boolean | MalformedInput | missing value for boolean type | SES |
//! | has no instant | MalformedInput | timestamp must follow ISO8601 | CloudWatch |
//! | has no number | MalformedInput | integer must follow xsd1.1 definition | by analogy |
//! | has no Base64 | MalformedInput | base64Binary must follow xsd1.1 definition | by analogy |
//! | has a structure where none is | MalformedInput | Unexpected complex element termination | ELB, ElastiCache |
//! | has no list where one is | MalformedInput | Unexpected list element termination | SES, CloudFront |
//! | has a word that is none of a set | ValidationError | 1 validation error detected: Value 'v' at 'x' failed … | SES |
//!
//! Sizes are bounded by [`Limits`]: a parsed request has at most `max_params` × `max_depth` names, each of about a hundred bytes. Check
//! signatures before parsing. Names and values are UTF-8. A parameter that comes twice is refused, since neither value is certainly the
//! intended one.

mod de;
mod params;

use serde::de::DeserializeOwned;

use crate::{Fault, InputError, uri};

pub use params::Params;

/// How large a request may be. Real services take about a megabyte; ElastiCache's largest inputs are a few kilobytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of query string and body each, in bytes.
    pub max_bytes: usize,
    /// Of parameters.
    pub max_params: usize,
    /// Of names between dots in one parameter's name. The deepest parameter of ElastiCache has six.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_bytes: 1 << 20, max_params: 10_000, max_depth: 12 }
    }
}

/// A request taken apart: which operation, of which version, with what.
#[derive(Clone, Debug)]
pub struct Request {
    /// The operation's name.
    pub action: String,
    /// The date of the API, if the request says one.
    pub version: Option<String>,
    /// Everything else.
    pub params: Params,
}

impl Request {
    /// Takes apart what stands after `?` in the request's target, and a form in its body; either may be empty.
    /// A presigned request's `X-Amz-…` parameters belong to its signature and are left out.
    pub fn parse(raw_query: &[u8], body: &[u8], limits: &Limits) -> Result<Request, Fault> {
        if raw_query.len().max(body.len()) > limits.max_bytes {
            return Err(Fault::request_too_large("The request is too large."));
        }
        let (mut action, mut version, mut params) = (None, None, Vec::new());
        let pairs = uri::raw_pairs(raw_query).chain(uri::raw_pairs(body));
        for (count, (name, value)) in pairs.enumerate() {
            if count >= limits.max_params {
                return Err(Fault::malformed_query_string("The request has too many parameters."));
            }
            let (name, value) = (text(name)?, text(value)?);
            match name.as_str() {
                "Action" => once(&mut action, &name, value)?,
                "Version" => once(&mut version, &name, value)?,
                _ if name.starts_with("X-Amz-") => (),
                _ => params.push((name, value)),
            }
        }
        let action = action.filter(|action| !action.is_empty()).ok_or_else(Fault::missing_action)?;
        let params = Params::build(params, limits.max_depth)?;
        Ok(Request { action, version: version.filter(|version| !version.is_empty()), params })
    }

    /// Refuses every version but `expected`, as a service does that has this operation in no other.
    pub fn require_version(&self, expected: &str) -> Result<(), Fault> {
        match self.version.as_deref() {
            Some(version) if version == expected => Ok(()),
            other => Err(Fault::invalid_action(&self.action, other)),
        }
    }
}

/// Keeps the value of a parameter that may come once.
fn once(slot: &mut Option<String>, name: &str, value: String) -> Result<(), Fault> {
    slot.replace(value).map_or(Ok(()), |_| Err(params::comes_twice(name)))
}

/// One name or value of a form, decoded.
fn text(encoded: &[u8]) -> Result<String, Fault> {
    uri::decode(encoded, true)
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Fault::malformed_query_string("The query string contains a syntax error."))
}

/// The input of an operation from its parameters.
///
/// # Errors
/// When they are not of that type; [`InputError::in_query`] makes an answer of it.
pub fn decode<T: DeserializeOwned>(params: &Params) -> Result<T, InputError> {
    T::deserialize(de::NodeDeserializer::new(params.root()))
}

/// Names and values as a form, in their order.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut form = String::new();
    for (name, value) in pairs {
        if !form.is_empty() {
            form.push('&');
        }
        uri::encode_into(&mut form, name.as_bytes(), false);
        form.push('=');
        uri::encode_into(&mut form, value.as_bytes(), false);
    }
    form
}
