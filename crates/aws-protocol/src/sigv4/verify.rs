//! Verifies a claim and returns the identity.

use hmac::Mac;
use jiff::fmt::rfc2822;

use super::authorization::{self, Claim};
use super::{Identity, MAX_EXPIRES_S, MAX_SKEW_S, Message, Scope, TERMINATOR, UNSIGNED_PAYLOAD, canonical};
use crate::{Fault, Timestamp, uri};

/// Who signed `message`, if its signature is right and good at `now`. `secret_of` knows the secret of an access key.
pub fn verify(
    message: &Message<'_>,
    now: Timestamp,
    secret_of: impl FnOnce(&str) -> Option<String>,
) -> Result<Identity, Fault> {
    let claim = authorization::claim(message)?;
    let signed_at = instant(&claim.date)?;
    require_current(&claim, signed_at, now)?;
    require_signed_headers(message, &claim)?;
    authorization::require_algorithm(&claim)?;
    let (access_key_id, scope) = credential(&claim, signed_at)?;
    let secret = secret_of(&access_key_id).ok_or_else(Fault::invalid_client_token_id)?;
    require_signature(message, &claim, &scope, signed_at, &secret)?;
    let Scope { region, service, .. } = scope;
    Ok(Identity { access_key_id, region, service, session_token: claim.session_token, signed_at })
}

/// In the basic form of ISO 8601, or as a `Date` header has it.
fn instant(date: &str) -> Result<Timestamp, Fault> {
    let http =
        || rfc2822::parse(date).ok().map(|zoned| Timestamp::from_unix_ms(zoned.timestamp().as_millisecond()));
    Timestamp::parse_basic(date).or_else(http).ok_or_else(|| {
        Fault::incomplete_signature(format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })
}

/// Neither too old nor from the future.
fn require_current(claim: &Claim, signed_at: Timestamp, now: Timestamp) -> Result<(), Fault> {
    let lifetime_s = if claim.presigned { expires_s(claim)? } else { MAX_SKEW_S };
    let earliest = Timestamp::from_unix_ms(now.unix_ms.saturating_sub(lifetime_s * 1000));
    let latest = Timestamp::from_unix_ms(now.unix_ms.saturating_add(MAX_SKEW_S * 1000));
    // A second is the smallest part of the instant that is signed.
    if signed_at.unix_ms.div_euclid(1000) < earliest.unix_ms.div_euclid(1000) {
        return Err(Fault::signature_does_not_match(format!(
            "Signature expired: {} is now earlier than {} ({} - {}.)",
            signed_at.to_basic(),
            earliest.to_basic(),
            now.to_basic(),
            span(lifetime_s)
        )));
    }
    if signed_at > latest {
        return Err(Fault::signature_does_not_match(format!(
            "Signature not yet current: {} is still later than {} ({} + {}.)",
            signed_at.to_basic(),
            latest.to_basic(),
            now.to_basic(),
            span(MAX_SKEW_S)
        )));
    }
    Ok(())
}

/// How long a presigned request is good for. The texts are S3's, the only service that looks at it.
fn expires_s(claim: &Claim) -> Result<i64, Fault> {
    let Some(text) = claim.expires.as_deref() else { return Ok(MAX_SKEW_S) };
    match text.parse::<i64>() {
        Ok(seconds) if seconds > MAX_EXPIRES_S => Err(Fault::incomplete_signature(format!(
            "X-Amz-Expires must be less than a week (in seconds) that is {MAX_EXPIRES_S}"
        ))),
        Ok(seconds) if seconds < 0 => Err(Fault::incomplete_signature("X-Amz-Expires must be non-negative")),
        Ok(seconds) => Ok(seconds),
        Err(_) => Err(Fault::incomplete_signature("X-Amz-Expires should be a number")),
    }
}

/// `15 min`.
fn span(seconds: i64) -> String {
    if seconds % 60 == 0 { format!("{} min", seconds / 60) } else { format!("{seconds} sec") }
}

/// Whoever forwards a request could change the headers that are not signed, so those that matter must be.
fn require_signed_headers(message: &Message<'_>, claim: &Claim) -> Result<(), Fault> {
    let signed = |name: &str| claim.signed_headers.iter().any(|signed| signed.eq_ignore_ascii_case(name));
    let refused = |name: &str| {
        Fault::signature_does_not_match(format!("{name} must be a 'SignedHeader' in the AWS Authorization."))
    };
    if !signed("host") {
        return Err(refused("'Host' or ':authority'"));
    }
    let matters = |name: &str| name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"));
    match message.headers.iter().find(|(name, _)| matters(name) && !signed(name)) {
        Some((name, _)) => Err(refused(&format!("'{name}'"))),
        None => Ok(()),
    }
}

/// The access key and the scope; slashes at the end don't count.
fn credential(claim: &Claim, signed_at: Timestamp) -> Result<(String, Scope), Fault> {
    let parts: Vec<&str> = claim.credential.trim_end_matches('/').split('/').collect();
    let &[access_key_id, date, region, service, terminator] = parts.as_slice() else {
        return Err(Fault::incomplete_signature(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{}'",
            claim.credential
        )));
    };
    let mut wrong = Vec::new();
    if region.is_empty() {
        wrong.push(format!("Credential should be scoped to a valid region, not '{region}'. "));
    }
    if service.is_empty() {
        wrong.push(format!("Credential should be scoped to correct service: '{service}'. "));
    }
    if terminator != TERMINATOR {
        wrong.push(format!(
            "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'. "
        ));
    }
    let instant = signed_at.to_basic();
    let expected = instant.split_once('T').map_or("", |(date, _)| date);
    if date != expected {
        wrong.push(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}' != \
             '{expected}', from '{instant}'."
        ));
    }
    if !wrong.is_empty() {
        return Err(Fault::signature_does_not_match(wrong.concat().trim_end()));
    }
    let scope = Scope { date: date.to_owned(), region: region.to_owned(), service: service.to_owned() };
    Ok((access_key_id.to_owned(), scope))
}

fn require_signature(
    message: &Message<'_>,
    claim: &Claim,
    scope: &Scope,
    signed_at: Timestamp,
    secret: &str,
) -> Result<(), Fault> {
    let s3_presigned = claim.presigned && scope.is_s3() && claim.payload.is_none();
    let unsigned = claim.payload.as_deref() == Some(UNSIGNED_PAYLOAD);
    let rules = canonical::Rules {
        signed_headers: &claim.signed_headers,
        payload: (s3_presigned || unsigned).then_some(UNSIGNED_PAYLOAD),
        s3: scope.is_s3(),
    };
    let canonical = canonical::request(message, &rules)
        .ok_or_else(|| Fault::malformed_query_string("The query string contains a syntax error."))?;
    let string_to_sign = scope.string_to_sign(&signed_at.to_basic(), &canonical);
    let matches = signature(&claim.signature)
        .is_some_and(|signature| scope.mac(secret, &string_to_sign).verify_slice(&signature).is_ok());
    if matches {
        return Ok(());
    }
    Err(Fault::signature_does_not_match(format!(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request \
         should have been\n'{}'\n\nThe String-to-Sign should have been\n'{string_to_sign}'\n",
        String::from_utf8_lossy(&canonical)
    )))
}

/// 32 bytes of hex in lower case: there is one spelling of a signature.
fn signature(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| Some(uri::hex_digit(pair[0])? << 4 | uri::hex_digit(pair[1])?))
        .collect()
}
