//! What a request claims about its signature, from either place where that may stand. Nothing here is verified yet.

use super::{ALGORITHM, Message};
use crate::{Fault, uri};

/// A signature with what is needed to check it.
#[derive(Debug, Default)]
pub(super) struct Claim {
    pub(super) algorithm: String,
    pub(super) credential: String,
    /// In lower case, ascending, each once.
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: String,
    /// As it came.
    pub(super) date: String,
    pub(super) session_token: Option<String>,
    /// What `x-amz-content-sha256` says.
    pub(super) payload: Option<String>,
    /// From the query string; `expires` is what `X-Amz-Expires` says.
    pub(super) presigned: bool,
    pub(super) expires: Option<String>,
}

/// Reads the claim of a request.
pub(super) fn claim(message: &Message<'_>) -> Result<Claim, Fault> {
    let header = single_header(message, "authorization")?;
    let presigned = Presigned::read(message.query)?;
    match (header, presigned.get("X-Amz-Algorithm")) {
        (Some(_), Some(_)) => Err(Fault::signature_does_not_match(
            "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
        )),
        (Some(header), None) if header.trim_start().starts_with("AWS4-") => {
            from_header(message, header.trim())
        }
        (_, None) => Err(Fault::missing_authentication_token()),
        (None, Some(_)) => from_query(message, &presigned),
    }
}

/// The service that a request says it is for, whether or not its signature is right or even whole: so that an error can be
/// told in that service's protocol.
pub fn claimed_service(authorization: Option<&str>, query: &str) -> Option<String> {
    let credential = match authorization {
        Some(header) => {
            let mut parts = header.split([' ', ',', '\t']);
            parts.find_map(|part| part.strip_prefix("Credential=")).map(str::to_owned)
        }
        None => Presigned::read(query).ok()?.get("X-Amz-Credential").map(str::to_owned),
    };
    let scope = credential?;
    // Backwards, since an access key may have slashes: the terminator, then the service.
    scope.trim_end_matches('/').rsplit('/').nth(1).map(str::to_owned)
}

/// `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`; commas or spaces between the three.
fn from_header(message: &Message<'_>, header: &str) -> Result<Claim, Fault> {
    let (algorithm, parts) = header.split_once([' ', ',']).unwrap_or((header, ""));
    let [mut credential, mut signed_headers, mut signature] = [None, None, None];
    for part in parts.split([' ', ',', '\t']).filter(|part| !part.is_empty()) {
        let Some((key, value)) = part.split_once('=') else {
            return Err(Fault::incomplete_signature(format!(
                "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'."
            )));
        };
        let slot = match key {
            "Credential" => &mut credential,
            "SignedHeaders" => &mut signed_headers,
            "Signature" => &mut signature,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(Fault::incomplete_signature(format!(
                "Authorization header has '{key}' twice: '{header}'."
            )));
        }
    }
    let present = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(str::to_owned);
    let (credential, signature) = (present(credential), present(signature));
    let signed_headers = present(signed_headers);
    let date = single_header(message, "x-amz-date")?.or(single_header(message, "date")?);
    let mut missing = String::new();
    for (name, absent) in [
        ("Credential", credential.is_none()),
        ("Signature", signature.is_none()),
        ("SignedHeaders", signed_headers.is_none()),
    ] {
        if absent {
            missing.push_str(&format!("Authorization header requires '{name}' parameter. "));
        }
    }
    if date.is_none() {
        missing.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    let (Some(credential), Some(signature), Some(signed_headers), Some(date)) =
        (credential, signature, signed_headers, date)
    else {
        return Err(Fault::incomplete_signature(format!("{missing}Authorization={header}")));
    };
    Ok(Claim {
        algorithm: algorithm.to_owned(),
        credential,
        signed_headers: names(&signed_headers),
        signature,
        date: date.trim().to_owned(),
        session_token: single_header(message, "x-amz-security-token")?.map(|token| token.trim().to_owned()),
        payload: single_header(message, "x-amz-content-sha256")?.map(|payload| payload.trim().to_owned()),
        presigned: false,
        expires: None,
    })
}

/// The same as parameters, and how long it is good for.
fn from_query(message: &Message<'_>, presigned: &Presigned) -> Result<Claim, Fault> {
    let needed =
        ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"];
    let mut missing = String::new();
    for name in needed {
        if presigned.get(name).is_none_or(str::is_empty) {
            missing.push_str(&format!("AWS query-string parameters must include '{name}'. "));
        }
    }
    if !missing.is_empty() {
        return Err(Fault::incomplete_signature(format!("{missing}Re-examine the query-string parameters.")));
    }
    let [algorithm, credential, signature, signed_headers, date] =
        needed.map(|name| presigned.get(name).unwrap_or_default().to_owned());
    let payload = match presigned.get("X-Amz-Content-Sha256") {
        Some(payload) => Some(payload.to_owned()),
        None => single_header(message, "x-amz-content-sha256")?.map(|payload| payload.trim().to_owned()),
    };
    Ok(Claim {
        algorithm,
        credential,
        signed_headers: names(&signed_headers),
        signature,
        date,
        session_token: presigned.get("X-Amz-Security-Token").map(str::to_owned),
        payload,
        presigned: true,
        expires: presigned.get("X-Amz-Expires").map(str::to_owned),
    })
}

/// Names between semicolons in their canonical form.
fn names(signed_headers: &str) -> Vec<String> {
    let mut names: Vec<_> =
        signed_headers.split(';').filter(|name| !name.is_empty()).map(str::to_ascii_lowercase).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The text of a header that may come once.
fn single_header<'a>(message: &Message<'a>, name: &str) -> Result<Option<&'a str>, Fault> {
    let mut values = message.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    let first = values.next();
    if values.next().is_some() {
        return Err(Fault::incomplete_signature(format!("The header '{name}' comes twice.")));
    }
    let text = first.map(|(_, value)| std::str::from_utf8(value)).transpose();
    text.map_err(|_| Fault::incomplete_signature(format!("The header '{name}' is no text.")))
}

/// The parameters of a query string that begin with `X-Amz-`, decoded.
struct Presigned {
    pairs: Vec<(String, String)>,
}

impl Presigned {
    fn read(query: &str) -> Result<Presigned, Fault> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in uri::raw_pairs(query.as_bytes()) {
            let decode =
                |text: &[u8]| uri::decode(text, true).and_then(|bytes| String::from_utf8(bytes).ok());
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                return Err(Fault::malformed_query_string("The query string contains a syntax error."));
            };
            if !name.starts_with("X-Amz-") {
                continue;
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(Fault::incomplete_signature(format!(
                    "The query-string parameter '{name}' comes twice."
                )));
            }
            pairs.push((name, value));
            if pairs.len() > MAX_PARAMETERS {
                return Err(Fault::incomplete_signature("Re-examine the query-string parameters."));
            }
        }
        Ok(Presigned { pairs })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// Of a signature, in a query string. There are nine, so looking at each is cheap.
const MAX_PARAMETERS: usize = 32;

/// Refuses every other algorithm.
pub(super) fn require_algorithm(claim: &Claim) -> Result<(), Fault> {
    if claim.algorithm == ALGORITHM {
        return Ok(());
    }
    Err(Fault::incomplete_signature(format!(
        "Unsupported AWS 'algorithm': '{}' (only {ALGORITHM} for now). ",
        claim.algorithm
    )))
}

#[cfg(test)]
mod tests {
    use super::claimed_service;

    #[test]
    fn a_service_is_claimed_in_either_place() {
        let check = |authorization: Option<&str>, query: &str, service: Option<&str>| {
            assert_eq!(claimed_service(authorization, query).as_deref(), service);
        };
        let header =
            "AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/sts/aws4_request, SignedHeaders=host";
        check(Some(header), "", Some("sts"));
        check(Some("AWS4-HMAC-SHA256 Credential=A/B/20260102/us-east-1/sts/aws4_request"), "", Some("sts"));
        check(Some("AWS4-HMAC-SHA256 SignedHeaders=host"), "", None);
        check(Some("Basic Zm9v"), "", None);
        check(
            None,
            "Action=A&X-Amz-Credential=AKID%2F20260102%2Fus-east-1%2Fec2%2Faws4_request",
            Some("ec2"),
        );
        check(None, "Action=A", None);
        check(None, "", None);
    }
}
