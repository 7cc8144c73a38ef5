//! AWS's published test suite for signatures (aws-signing-test-suite, v4), as requests with the signature that is right.

use aws_protocol::Timestamp;
use aws_protocol::sigv4::{Signer, verify};

use crate::http::Text;

const VECTORS: &str = include_str!("../data/sigv4-vectors.txt");
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// Not part of what is signed, but made by signing.
const ADDED: [&str; 3] = ["authorization", "x-amz-date", "x-amz-security-token"];

fn vectors() -> Vec<(&'static str, Text)> {
    let vector = |text: &'static str| {
        let (name, request) = text.split_once('\n').expect("a name and a request");
        (name, Text::parse(request))
    };
    VECTORS.split("=== ").filter(|text| !text.is_empty()).map(vector).collect()
}

fn now() -> Timestamp {
    Timestamp::parse_basic("20150830T123600Z").expect("the suite's instant")
}

#[test]
fn every_vector_is_accepted() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 19);
    for (name, text) in vectors {
        let verified = text
            .message(|message| verify(message, now(), |key| (key == "AKIDEXAMPLE").then(|| SECRET.into())));
        let identity = verified.unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!((identity.region.as_str(), identity.service.as_str()), ("us-east-1", "service"), "{name}");
        assert_eq!(identity.session_token.as_deref(), text.header("x-amz-security-token"), "{name}");
    }
}

#[test]
fn every_vector_is_what_the_signer_makes() {
    for (name, mut text) in vectors() {
        let signer = Signer {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: SECRET.into(),
            session_token: text.header("x-amz-security-token").map(str::to_owned),
            region: "us-east-1".into(),
            service: "service".into(),
        };
        let Some(expected) = text.header("authorization").map(str::to_owned) else { continue };
        text.headers.retain(|(name, _)| !ADDED.contains(&name.to_ascii_lowercase().as_str()));
        let added = text.message(|message| signer.sign(message, now())).expect("a whole target");
        let authorization =
            added.iter().find(|(name, _)| *name == "authorization").map(|(_, value)| value.as_str());
        assert_eq!(authorization, Some(expected.as_str()), "{name}");
    }
}
