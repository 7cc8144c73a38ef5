//! What the nodes measure, for Prometheus: its text format at `/metrics`.
//!
//! Who asks gets the last second. A member that did not answer in it has `engram_up` 0 and nothing else. Where a token is demanded, who
//! does not show it is told nothing, and which part of it is wrong cannot be learned from how long the refusal takes.

use crate::http::listen;
use crate::registry::{Heard, Registry, Second};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode};
use metrics::prometheus::{Exported, exported};
use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;
use tokio::net::TcpListener;

const FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Connections at a time: Prometheus needs one.
pub const MAX_CONNECTIONS: usize = 16;

/// The shortest token: what cannot be guessed.
const MIN_TOKEN_BYTES: usize = 16;

/// What a client shows.
#[derive(Clone)]
pub struct Token(Vec<u8>);

impl Token {
    /// Of the text of a file, whose end may be a line's.
    ///
    /// # Errors
    /// Why it is none.
    pub fn of(text: &str) -> Result<Token, String> {
        let token = text.trim_end_matches(['\r', '\n']);
        match token.len() {
            0..MIN_TOKEN_BYTES => Err(format!("a token has at least {MIN_TOKEN_BYTES} characters")),
            _ if token.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Token(token.into())),
            _ => Err("a token is one line of visible ASCII characters without spaces".into()),
        }
    }

    fn is_shown(&self, header: Option<&HeaderValue>) -> bool {
        let shown = header.and_then(|header| {
            let (scheme, shown) = header.as_bytes().split_at_checked(b"Bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then_some(shown)
        });
        shown.is_some_and(|shown| {
            let differing =
                self.0.iter().zip(shown).fold(0, |differing, (one, other)| differing | (one ^ other));
            shown.len() == self.0.len() && differing == 0
        })
    }
}

struct Exposed {
    registry: Registry,
    token: Option<Token>,
    exported: Vec<Exported>,
}

/// Serves until the runtime ends. With a token, to those who show it.
pub async fn serve(listener: TcpListener, registry: Registry, token: Option<Token>) {
    let exposed = Arc::new(Exposed { registry, token, exported: exported() });
    listen(listener, MAX_CONNECTIONS, move |request| answer(exposed.clone(), request)).await;
}

async fn answer(
    exposed: Arc<Exposed>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let plain = |status, text: String| {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, FORMAT);
        response
    };
    if exposed.token.as_ref().is_some_and(|token| !token.is_shown(request.headers().get(AUTHORIZATION))) {
        let mut refused = plain(StatusCode::UNAUTHORIZED, "A bearer token is needed.\n".into());
        refused.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        // There are few connections, and they are for those who have it.
        refused.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        return Ok(refused);
    }
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            plain(StatusCode::OK, text(&exposed.registry.latest(), &exposed.exported))
        }
        (_, "/metrics") => plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET is possible here.\n".into()),
        _ => plain(StatusCode::NOT_FOUND, "What nodes measure is at /metrics.\n".into()),
    })
}

fn text(second: &Second, exported: &[Exported]) -> String {
    let labels: Vec<String> = second.heard.iter().map(labels).collect();
    let mut text = String::new();
    let begin = |text: &mut String, name: &str, help: &str, kind: &str| {
        // A string takes whatever is written.
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    };
    begin(&mut text, "engram_up", "Whether the node has answered in the last second.", "gauge");
    for (heard, labels) in second.heard.iter().zip(&labels) {
        let _ = writeln!(text, "engram_up{labels} {}", u8::from(heard.answer.is_some()));
    }
    let values: Vec<HashMap<&str, f64>> = second.heard.iter().map(|heard| heard.values().collect()).collect();
    for metric in exported {
        let mut has_begun = false;
        for ((heard, labels), values) in second.heard.iter().zip(&labels).zip(&values) {
            let name = &*metric.row.name;
            let reading = heard.measured().and_then(|measured| measured.get(name));
            let Some(number) = metric.number(reading, values.get(name).copied()) else { continue };
            if !has_begun {
                begin(&mut text, &metric.name, &metric.help, metric.kind.word());
                has_begun = true;
            }
            let _ = writeln!(text, "{}{labels} {number}", metric.name);
        }
    }
    text
}

fn labels(heard: &Heard) -> String {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let place = &heard.place;
    let [region, deployment, member] =
        [&place.region, &place.deployment, &place.member].map(|value| escaped(value));
    format!("{{region=\"{region}\",deployment=\"{deployment}\",member=\"{member}\"}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Place;
    use agent::Answer;
    use fleet::NodeId;
    use supervision::{Measured, Reading};

    #[test]
    fn a_member_has_its_lines_and_a_silent_one_its_absence() {
        let heard = |member: &str, answer| Heard {
            place: Place {
                region: "us-east-1".into(),
                deployment: "web".into(),
                shard: "0001".into(),
                member: member.into(),
                node: NodeId(7),
            },
            answer,
            lag: Some(0.25),
        };
        let measured = |at_us, hits| {
            let readings = vec![
                ("CacheHits".to_owned(), Reading::Grown(hits)),
                ("CPUUtilization".to_owned(), Reading::Busiest(vec![hits / 100.0])),
            ];
            Arc::new(Measured { at_us, readings })
        };
        let answer = Answer {
            node: NodeId(7),
            now: measured(2_000_000, 50.0),
            before: Some(measured(1_000_000, 25.0)),
        };
        let silent = Heard { lag: None, ..heard("web-002", None) };
        let second = Second { at: 5, heard: vec![heard("web-001", Some(answer)), silent] };
        let of = |member: &str| format!("{{region=\"us-east-1\",deployment=\"web\",member=\"{member}\"}}");
        let text = text(&second, &exported());
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let (one, other) = (of("web-001"), of("web-002"));
        let expected = [
            format!("engram_up{one} 1"),
            format!("engram_up{other} 0"),
            format!("engram_cache_hits_total{one} 50"),
            format!("engram_cpu_utilization_ratio{one} 0.25"),
            format!("engram_replication_lag_seconds{one} 0.25"),
        ];
        assert_eq!(lines, expected);
        assert_eq!(text.lines().filter(|line| line.starts_with("# TYPE")).count(), 4);
    }

    #[test]
    fn a_token_is_shown_or_not() {
        let token = Token::of("0123456789abcdef\n").unwrap();
        let shown = |header: &str| token.is_shown(Some(&HeaderValue::from_str(header).unwrap()));
        assert!(shown("Bearer 0123456789abcdef") && shown("bearer 0123456789abcdef"));
        for other in [
            "Bearer 0123456789abcdeF",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Bearer ",
            "Bear",
        ] {
            assert!(!shown(other), "{other}");
        }
        assert!(!token.is_shown(None));
        for bad in ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcdef\n\nmore"] {
            assert!(Token::of(bad).is_err(), "{bad}");
        }
    }
}
