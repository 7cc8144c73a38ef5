//! Making signatures: for our own clients, for tokens of IAM authentication, for tests.

use std::fmt;

use hmac::Mac;

use super::{ALGORITHM, Message, Scope, UNSIGNED_PAYLOAD, canonical, hex};
use crate::{Timestamp, query};

/// Headers that change on the way, or whose signing real clients leave out too.
const NEVER_SIGNED: [&str; 7] =
    ["authorization", "connection", "expect", "te", "transfer-encoding", "user-agent", "x-amzn-trace-id"];

/// Somebody's credentials, for one region and service.
#[derive(Clone)]
pub struct Signer {
    /// Which secret.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: String,
    /// Of temporary credentials.
    pub session_token: Option<String>,
    /// For the scope.
    pub region: String,
    /// For the scope, by its signing name.
    pub service: String,
}

/// Without the secret.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Signer { access_key_id, region, service, .. } = self;
        write!(f, "Signer({access_key_id}, {region}, {service})")
    }
}

impl Signer {
    /// The headers to send besides those of `message`, which must have `host` and may not have these: `x-amz-date`,
    /// `x-amz-security-token` with temporary credentials, `authorization`. None if escapes of its target are broken.
    pub fn sign(&self, message: &Message<'_>, now: Timestamp) -> Option<Vec<(&'static str, String)>> {
        let instant = now.to_basic();
        let mut added = vec![("x-amz-date", instant.clone())];
        if let Some(token) = &self.session_token {
            added.push(("x-amz-security-token", token.clone()));
        }
        let mut headers = message.headers.to_vec();
        headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
        let signed_headers = signed(&headers);
        let message = Message { headers: &headers, ..*message };
        let payload = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-amz-content-sha256"));
        let unsigned = payload.is_some_and(|(_, value)| value.trim_ascii() == UNSIGNED_PAYLOAD.as_bytes());
        let (scope, signature) = self.signature(&message, &signed_headers, &instant, unsigned)?;
        let authorization = format!(
            "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={signature}",
            self.access_key_id,
            scope.text(),
            signed_headers.join(";")
        );
        added.push(("authorization", authorization));
        Some(added)
    }

    /// The query string of a URL that is good for `expires_s` seconds and must be asked for with the headers of `message`.
    /// None if escapes of its target are broken.
    pub fn presign(&self, message: &Message<'_>, now: Timestamp, expires_s: u32) -> Option<String> {
        let instant = now.to_basic();
        let signed_headers = signed(message.headers);
        let scope = self.scope(&instant);
        let (expires, names) = (expires_s.to_string(), signed_headers.join(";"));
        let credential = format!("{}/{}", self.access_key_id, scope.text());
        let mut pairs = vec![
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", &instant),
            ("X-Amz-Expires", &expires),
            ("X-Amz-SignedHeaders", &names),
        ];
        if let Some(token) = &self.session_token {
            pairs.push(("X-Amz-Security-Token", token));
        }
        let mut target = message.query.to_owned();
        if !target.is_empty() {
            target.push('&');
        }
        target.push_str(&query::encode(pairs));
        let message = Message { query: &target, ..*message };
        let (_, signature) = self.signature(&message, &signed_headers, &instant, scope.is_s3())?;
        Some(format!("{target}&X-Amz-Signature={signature}"))
    }

    fn scope(&self, instant: &str) -> Scope {
        let date = instant.split_once('T').map_or(instant, |(date, _)| date);
        Scope { date: date.to_owned(), region: self.region.clone(), service: self.service.clone() }
    }

    fn signature(
        &self,
        message: &Message<'_>,
        signed_headers: &[String],
        instant: &str,
        unsigned: bool,
    ) -> Option<(Scope, String)> {
        let scope = self.scope(instant);
        let payload = unsigned.then_some(UNSIGNED_PAYLOAD);
        let canonical =
            canonical::request(message, &canonical::Rules { signed_headers, payload, s3: scope.is_s3() })?;
        let string_to_sign = scope.string_to_sign(instant, &canonical);
        let signature = hex(&scope.mac(&self.secret_access_key, &string_to_sign).finalize().into_bytes());
        Some((scope, signature))
    }
}

/// The names of the headers that are signed, in their canonical form.
fn signed(headers: &[(&str, &[u8])]) -> Vec<String> {
    let mut names: Vec<_> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.retain(|name| !NEVER_SIGNED.contains(&name.as_str()));
    names.sort_unstable();
    names.dedup();
    names
}
