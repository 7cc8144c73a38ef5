//! Signatures: what is refused, in which words, and that nothing signed can change.

use aws_protocol::sigv4::{Identity, Message, Signer, verify};
use aws_protocol::{Fault, Timestamp};
use proptest::prelude::*;

use crate::http::Text;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn at(text: &str) -> Timestamp {
    Timestamp::parse_basic(text).expect("an instant")
}

fn signer(service: &str) -> Signer {
    Signer {
        access_key_id: "AKID".into(),
        secret_access_key: SECRET.into(),
        session_token: None,
        region: "us-east-1".into(),
        service: service.into(),
    }
}

fn check(text: &Text, now: &str) -> Result<Identity, Fault> {
    text.message(|message| verify(message, at(now), |key| (key == "AKID").then(|| SECRET.to_owned())))
}

/// A POST signed at noon.
fn signed() -> Text {
    let mut text = Text::parse("POST / HTTP/1.1\nhost:localhost\ncontent-type:text/plain\n\nAction=A");
    let added =
        text.message(|message| signer("elasticache").sign(message, at("20261122T120000Z"))).expect("headers");
    text.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
    text
}

/// A GET signed at noon for ten minutes.
fn presigned(service: &str, query: &str) -> Text {
    let mut text = Text::parse(&format!("GET /?{query} HTTP/1.1\nhost:localhost\n\n"));
    let query = text.message(|message| signer(service).presign(message, at("20261122T120000Z"), 600));
    text.query = query.expect("a query");
    text
}

fn authorization(text: &mut Text) -> &mut String {
    &mut text.headers.iter_mut().find(|(name, _)| name == "authorization").expect("the header").1
}

#[test]
fn accepts_its_own() {
    for now in ["20261122T120000Z", "20261122T114500Z", "20261122T121500Z"] {
        let identity = check(&signed(), now).expect("a good signature");
        assert_eq!(identity.access_key_id, "AKID");
        assert_eq!((identity.region.as_str(), identity.service.as_str()), ("us-east-1", "elasticache"));
        assert_eq!(identity.signed_at, at("20261122T120000Z"));
    }
    for now in ["20261122T114500Z", "20261122T121000Z"] {
        check(&presigned("elasticache", "Action=A&b=%2F+c"), now).expect("a good signature");
    }
}

/// Changes a signed request and expects a fault.
fn refuse(change: impl FnOnce(&mut Text), now: &str, status: u16, expected: &str) {
    let mut text = signed();
    change(&mut text);
    let fault = check(&text, now).expect_err(expected);
    assert_eq!((fault.status, fault.to_string().as_str()), (status, expected));
}

const NOON: &str = "20261122T120000Z";

#[test]
fn refuses_what_is_unsigned_or_malformed() {
    let header = |value: &'static str| move |text: &mut Text| *authorization(text) = value.to_owned();
    let missing = "MissingAuthenticationToken: Request is missing Authentication Token";
    refuse(|text| text.headers.retain(|(name, _)| name != "authorization"), NOON, 403, missing);
    refuse(header("Basic QUtJRDpzZWNyZXQ="), NOON, 403, missing);
    refuse(
        header("AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders"),
        NOON,
        400,
        "IncompleteSignature: 'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: \
         'AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders'.",
    );
    refuse(
        header("AWS4-HMAC-SHA256 Credential=a"),
        NOON,
        400,
        "IncompleteSignature: Authorization header requires 'Signature' parameter. Authorization header requires \
         'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256 Credential=a",
    );
    refuse(
        |text| {
            text.headers.retain(|(name, _)| name != "x-amz-date");
            *authorization(text) = "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=b".into();
        },
        NOON,
        400,
        "IncompleteSignature: Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
         Authorization=AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=b",
    );
    refuse(
        |text| {
            text.headers.retain_mut(|(name, value)| {
                name != "x-amz-date" || {
                    *value = "201".into();
                    true
                }
            })
        },
        NOON,
        400,
        "IncompleteSignature: Date must be in ISO-8601 'basic format'. Got '201'. See \
         http://en.wikipedia.org/wiki/ISO_8601",
    );
    refuse(
        |text| text.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256".into(),
        NOON,
        403,
        "SignatureDoesNotMatch: Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
    );
    refuse(
        |text| {
            text.headers.retain(|(name, _)| name != "authorization");
            text.query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Date=b".into();
        },
        NOON,
        400,
        "IncompleteSignature: AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters must \
         include 'X-Amz-SignedHeaders'. Re-examine the query-string parameters.",
    );
    refuse(
        |text| text.headers.push(("X-Amz-Date".into(), NOON.into())),
        NOON,
        400,
        "IncompleteSignature: The header 'x-amz-date' comes twice.",
    );
}

#[test]
fn refuses_what_is_too_old_or_too_new() {
    refuse(
        |_| (),
        "20261122T121501Z",
        403,
        "SignatureDoesNotMatch: Signature expired: 20261122T120000Z is now earlier than 20261122T120001Z \
         (20261122T121501Z - 15 min.)",
    );
    refuse(
        |_| (),
        "20261122T114459Z",
        403,
        "SignatureDoesNotMatch: Signature not yet current: 20261122T120000Z is still later than 20261122T115959Z \
         (20261122T114459Z + 15 min.)",
    );
    let text = presigned("elasticache", "Action=A");
    let expired = check(&text, "20261122T121001Z").expect_err("too late");
    assert_eq!(
        expired.message,
        "Signature expired: 20261122T120000Z is now earlier than 20261122T120001Z (20261122T121001Z - 10 min.)"
    );
    let expires = |value: &str| {
        let mut text = presigned("elasticache", "Action=A");
        text.query = text.query.replace("X-Amz-Expires=600", &format!("X-Amz-Expires={value}"));
        check(&text, NOON).expect_err(value).message
    };
    assert_eq!(expires("604801"), "X-Amz-Expires must be less than a week (in seconds) that is 604800");
    assert_eq!(expires("-1"), "X-Amz-Expires must be non-negative");
    assert_eq!(expires("soon"), "X-Amz-Expires should be a number");
    assert!(expires("601").starts_with("The request signature we calculated does not match"));
}

#[test]
fn refuses_headers_that_are_not_signed() {
    refuse(
        |text| {
            let header = authorization(text).replace("content-type;host", "content-type");
            *authorization(text) = header;
        },
        NOON,
        403,
        "SignatureDoesNotMatch: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    );
    refuse(
        |text| text.headers.push(("X-Amz-Target".into(), "x".into())),
        NOON,
        403,
        "SignatureDoesNotMatch: 'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.",
    );
}

#[test]
fn refuses_wrong_credentials() {
    let replace = |from: &'static str, to: &'static str| {
        move |text: &mut Text| {
            let header = authorization(text).replace(from, to);
            *authorization(text) = header;
        }
    };
    refuse(
        replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA25"),
        NOON,
        400,
        "IncompleteSignature: Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). ",
    );
    refuse(
        replace("AKID/20261122/us-east-1/elasticache/aws4_request", "a/b/c/d"),
        NOON,
        400,
        "IncompleteSignature: Credential must have exactly 5 slash-delimited elements, e.g. \
         keyid/date/region/service/term, got 'a/b/c/d'",
    );
    refuse(
        replace("AKID/20261122/us-east-1/elasticache/aws4_request", "a/b/c/d/e"),
        NOON,
        403,
        "SignatureDoesNotMatch: Credential should be scoped with a valid terminator: 'aws4_request', not 'e'. Date in \
         Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: 'b' != '20261122', from \
         '20261122T120000Z'.",
    );
    refuse(
        replace("AKID", "AKIX"),
        NOON,
        403,
        "InvalidClientTokenId: The security token included in the request is invalid.",
    );
}

#[test]
fn says_what_should_have_been_signed() {
    refuse(
        |text| text.body.push('!'),
        NOON,
        403,
        "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. Check your \
         AWS Secret Access Key and signing method. Consult the service documentation for details.\n\n\
         The Canonical String for this request should have been\n\
         'POST\n/\n\ncontent-type:text/plain\nhost:localhost\nx-amz-date:20261122T120000Z\n\n\
         content-type;host;x-amz-date\n\
         59c73b38dd6d9da69c8748e23e2ffadc06d26bab956e57c3cec7908f7dca50b2'\n\n\
         The String-to-Sign should have been\n\
         'AWS4-HMAC-SHA256\n20261122T120000Z\n20261122/us-east-1/elasticache/aws4_request\n\
         8b4c8a227d217fbb518df934b31d63cc03dc2af4f7e487f64feabf5814d89027'\n",
    );
}

#[test]
fn a_body_goes_unsigned_only_if_that_is_signed() {
    let mut text =
        Text::parse("PUT /k HTTP/1.1\nhost:localhost\nx-amz-content-sha256:UNSIGNED-PAYLOAD\n\nbody");
    let added = text.message(|message| signer("s3").sign(message, at(NOON))).expect("headers");
    text.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
    text.body = "another".into();
    check(&text, NOON).expect("the body is not signed");
    text.headers.retain(|(name, _)| name != "x-amz-content-sha256");
    check(&text, NOON).expect_err("now it should be");
}

#[test]
fn s3_signs_its_paths_as_they_are() {
    for (service, same) in [("s3", false), ("elasticache", true)] {
        let mut text = Text::parse("GET /a/../b HTTP/1.1\nhost:localhost\n\n");
        text.query =
            text.message(|message| signer(service).presign(message, at(NOON), 600)).expect("a query");
        check(&text, NOON).expect("the same path");
        text.path = "/b".into();
        assert_eq!(check(&text, NOON).is_ok(), same, "{service}");
    }
}

#[test]
fn a_date_header_will_do() {
    let mut text = signed();
    text.headers.retain(|(name, _)| name != "x-amz-date");
    text.headers.push(("Date".into(), "Sun, 22 Nov 2026 12:00:00 GMT".into()));
    let fault = check(&text, NOON).expect_err("another set of headers was signed");
    assert!(fault.message.contains("\n20261122T120000Z\n"), "{fault}");
}

/// A request of a client, with words where anything may stand.
#[derive(Clone, Debug)]
struct Sample {
    path: String,
    query: String,
    value: String,
    body: Vec<u8>,
    token: Option<String>,
}

fn sample() -> impl Strategy<Value = Sample> {
    let path = "(/[a-zA-Z0-9._~%*() -]{0,8}){1,3}".prop_map(|path| path.replace('%', "%25"));
    let query = "([a-z]{1,3}=[a-zA-Z0-9+]{0,5}(&[A-Z]{1,3}(=%[0-7][0-9a-fA-F])?){0,3})?";
    let token = proptest::option::of("[a-zA-Z0-9/+=]{1,20}");
    (path, query, "[ -~]{0,12}", proptest::collection::vec(any::<u8>(), 0..40), token)
        .prop_map(|(path, query, value, body, token)| Sample { path, query, value, body, token })
}

fn accepted(message: &Message<'_>) -> bool {
    verify(message, at(NOON), |key| (key == "AKID").then(|| SECRET.to_owned())).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_verifier_accepts_what_the_signer_signs(sample in sample(), service in prop_oneof![Just("s3"), Just("sts")]) {
        let signer = Signer { session_token: sample.token.clone(), ..signer(service) };
        let own = [("Host", &b"localhost:4566"[..]), ("X-Custom", sample.value.as_bytes())];
        let message = Message { method: "POST", path: &sample.path, query: &sample.query, headers: &own, body: &sample.body };
        let added = signer.sign(&message, at(NOON)).expect("headers");
        let headers: Vec<_> = own.into_iter().chain(added.iter().map(|(name, value)| (*name, value.as_bytes()))).collect();
        let with_headers = Message { headers: &headers, ..message };
        prop_assert!(accepted(&with_headers));
        let query = signer.presign(&message, at(NOON), 1).expect("a query");
        let with_query = Message { query: &query, ..message };
        prop_assert!(accepted(&with_query));
    }

    #[test]
    fn one_flipped_bit_is_refused(
        part in 0_usize..5,
        at_byte in any::<prop::sample::Index>(),
        bit in 0_u32..8,
        body in proptest::collection::vec(any::<u8>(), 1..20),
    ) {
        let own = [("Host", &b"localhost"[..]), ("x-amz-meta", &b"some-words"[..])];
        let message = Message { method: "POST", path: "/path", query: "name=value", headers: &own, body: &body };
        let added = signer("sts").sign(&message, at(NOON)).expect("headers");
        let mut headers: Vec<_> =
            own.into_iter().chain(added.iter().map(|(name, value)| (*name, value.as_bytes()))).collect();
        let target = [message.path.as_bytes(), message.query.as_bytes(), message.body, headers[1].1, headers[3].1][part];
        // Of the header only the signature: the rest has its own tests, and spaces there mean nothing.
        let from = if part == 4 { target.len() - 64 } else { 0 };
        let mut flipped = target.to_vec();
        flipped[from + at_byte.index(target.len() - from)] ^= 1 << bit;
        if let (0 | 1, Err(_)) = (part, std::str::from_utf8(&flipped)) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&flipped).into_owned();
        let changed = match part {
            0 => Message { path: &text, headers: &headers, ..message },
            1 => Message { query: &text, headers: &headers, ..message },
            2 => Message { body: &flipped, headers: &headers, ..message },
            _ => {
                headers[if part == 3 { 1 } else { 3 }].1 = &flipped;
                Message { headers: &headers, ..message }
            }
        };
        prop_assert!(!accepted(&changed), "{changed:?}");
    }

    #[test]
    fn any_request_is_answered(
        query in "(X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature)=[A-Z0-9%/;-]{0,20}&){0,8}",
        header in "(AWS4-HMAC-SHA256 )?((Credential|SignedHeaders|Signature)?[=, /;a-z0-9]{0,20}){0,4}",
        date in "([0-9]{8}T[0-9]{6}Z|.{0,12})",
    ) {
        let headers = [("authorization", header.as_bytes()), ("x-amz-date", date.as_bytes())];
        let both = Message { method: "GET", path: "/", query: &query, headers: &headers, body: b"" };
        prop_assert!(!accepted(&both));
        let presigned = Message { headers: &headers[1..], ..both };
        prop_assert!(!accepted(&presigned));
    }
}
