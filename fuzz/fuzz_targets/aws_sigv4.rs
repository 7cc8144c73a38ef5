//! Nobody signs for a secret that they don't know; and what the signer signs, the verifier accepts.
#![no_main]

use aws_protocol::Timestamp;
use aws_protocol::sigv4::{Message, Signer, verify};
use libfuzzer_sys::fuzz_target;

/// Headers that signing adds, or that may come once and have a meaning of their own.
const OWN: [&str; 4] = ["authorization", "x-amz-date", "x-amz-security-token", "date"];
/// 2015-08-30T12:36:00Z, the instant of the seeds.
const NOW: Timestamp = Timestamp { unix_ms: 1_440_938_160_000 };

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn accepted(message: &Message<'_>) -> bool {
    verify(message, NOW, |_| Some("a secret".to_owned())).is_ok()
}

/// Signs the request in both ways, if it has no signature of its own.
fn sign(message: &Message<'_>, service: &str) {
    let query = message.query.to_ascii_lowercase();
    let once = |name: &str| {
        message.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).count() <= 1
    };
    let plain = |name: &str| is_token(name) && !OWN.iter().any(|own| name.eq_ignore_ascii_case(own));
    let escapes = query.contains('%') || query.contains('-');
    if escapes || !once("x-amz-content-sha256") || !message.headers.iter().all(|(name, _)| plain(name)) {
        return;
    }
    let utf8 = |(name, value): &(&str, &[u8])| {
        !name.eq_ignore_ascii_case("x-amz-content-sha256") || value.is_ascii()
    };
    if !message.headers.iter().all(utf8) {
        return;
    }
    let mut headers = vec![("host", &b"localhost"[..])];
    headers.extend(message.headers);
    let message = Message { headers: &headers, ..*message };
    let signer = Signer {
        access_key_id: "AKID".into(),
        secret_access_key: "a secret".into(),
        session_token: Some("token".into()),
        region: "r".into(),
        service: service.into(),
    };
    let Some(added) = signer.sign(&message, NOW) else { return };
    let all: Vec<_> =
        headers.iter().copied().chain(added.iter().map(|(name, value)| (*name, value.as_bytes()))).collect();
    let signed = Message { headers: &all, ..message };
    assert!(accepted(&signed), "{signed:?}");
    let presignable = |(name, _): &(&str, &[u8])| !name.to_ascii_lowercase().starts_with("x-amz-content");
    if headers.iter().all(presignable) {
        let query = signer.presign(&message, NOW, 60).expect("what was signed can be presigned");
        let presigned = Message { query: &query, ..message };
        assert!(accepted(&presigned), "{presigned:?}");
    }
}

// The first byte chooses the service; a request as text follows.
fuzz_target!(|data: &[u8]| {
    let [service, data @ ..] = data else { return };
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let Some(Ok(line)) = lines.next().map(std::str::from_utf8) else { return };
    let (path, query) = line.split_once('?').unwrap_or((line, ""));
    let mut rest = lines.next().unwrap_or_default();
    let mut headers = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n').filter(|&end| end > 0) {
        let (line, tail) = (&rest[..end], &rest[end + 1..]);
        rest = tail;
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let Ok(name) = std::str::from_utf8(&line[..colon]) else { return };
        headers.push((name, line.get(colon + 1..).unwrap_or_default()));
    }
    let message = Message { method: "POST", path, query, headers: &headers, body: rest };
    assert!(!accepted(&message), "{message:?}");
    sign(&message, if service % 2 == 0 { "s3" } else { "elasticache" });
});
