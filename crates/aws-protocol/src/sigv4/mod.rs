//! AWS Signature Version 4: who sent a request, and is it what they sent?
//!
//! ```text
//!   method, path, query, signed headers, SHA-256 of the body ──▶ canonical request ──▶ SHA-256 ─┐
//!   AWS4-HMAC-SHA256, instant, date/region/service/aws4_request ──▶ string to sign ◀────────────┘
//!   HMAC chain: "AWS4" + secret ▷ date ▷ region ▷ service ▷ "aws4_request" ──▶ key ▷ string to sign ──▶ signature
//! ```
//!
//! The signature stands in the `Authorization` header with its instant in `x-amz-date` (good for 15 minutes either way), or
//! in the query string as `X-Amz-…` (presigned: good for `X-Amz-Expires` seconds). Region and service are those of the
//! credential's scope; the caller decides which are allowed.
//!
//! Besides the signature, these must hold: `host` and all `x-amz-…` headers are signed, the date of the scope is that
//! of the instant, and nothing that may come once comes twice. A body may be unsigned only where the signed
//! `x-amz-content-sha256` says `UNSIGNED-PAYLOAD`; signatures of chunks are not supported. The signature is compared in
//! constant time.
//!
//! Checks run in the order in which AWS was seen to make them, each with AWS's text. Codes are those of Query services;
//! JSON services say `InvalidSignatureException` for `SignatureDoesNotMatch`, `UnrecognizedClientException` for
//! `InvalidClientTokenId`, and put `Exception` behind the rest.

mod authorization;
mod canonical;
mod sign;
mod verify;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

pub use authorization::claimed_service;
pub use sign::Signer;
pub use verify::verify;

use crate::Timestamp;

/// How far a request's instant may be from ours, in seconds.
pub const MAX_SKEW_S: i64 = 15 * 60;
/// How long a presigned request may be good for, in seconds: a week.
pub const MAX_EXPIRES_S: i64 = 7 * 24 * 60 * 60;

/// The only algorithm there is.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The end of every scope.
const TERMINATOR: &str = "aws4_request";
/// In place of the body's hash where the body isn't signed.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// A request as its signature sees it: as it came, nothing decoded.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The target up to `?`.
    pub path: &'a str,
    /// The target behind `?`; empty if there is none.
    pub query: &'a str,
    /// Names in any case, with their values; a name may come several times. HTTP/2's `:authority` is to be given as `host`.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body.
    pub body: &'a [u8],
}

/// Who signed a request, and for what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// Whose secret it was.
    pub access_key_id: String,
    /// The region of the credential's scope, any word.
    pub region: String,
    /// The service of the credential's scope, by its signing name.
    pub service: String,
    /// The value of `x-amz-security-token`; signed, not checked.
    pub session_token: Option<String>,
    /// When the client says that it signed.
    pub signed_at: Timestamp,
}

/// `date/region/service/aws4_request`.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Scope {
    date: String,
    region: String,
    service: String,
}

impl Scope {
    fn text(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service)
    }

    /// S3 encodes its paths once and leaves them as they are, and doesn't sign the body of a presigned request.
    fn is_s3(&self) -> bool {
        matches!(self.service.as_str(), "s3" | "s3-outposts" | "s3-object-lambda")
    }

    fn string_to_sign(&self, instant: &str, canonical_request: &[u8]) -> String {
        format!("{ALGORITHM}\n{instant}\n{}\n{}", self.text(), hex(&Sha256::digest(canonical_request)))
    }

    /// The signature's hash, ready to be compared or printed.
    fn mac(&self, secret: &str, string_to_sign: &str) -> Hmac<Sha256> {
        let mut key = keyed(format!("AWS4{secret}").as_bytes());
        for part in [&self.date, &self.region, &self.service, TERMINATOR] {
            key.update(part.as_bytes());
            key = keyed(&key.finalize().into_bytes());
        }
        key.update(string_to_sign.as_bytes());
        key
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// In lower case.
fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
