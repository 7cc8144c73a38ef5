//! The endpoint of the AWS APIs.
//!
//! A request is read within limits, its signature verified, its service taken from the credential's scope, its operation
//! decoded; then the one thread decides, and what comes back is printed as the protocol of the service wants it. Whatever
//! goes wrong on the way is an error with AWS's code in the protocol of the call, also of a service that is not served.
//!
//! **Limits.** A client that sends half a request, or does not read the answer, holds a connection and nothing else: the number of
//! connections is limited, far below the limit of descriptors, and each connection ends after a time. Where all are taken, the oldest
//! that has made no request yet gives way to the next; if all have made one, further ones wait in the listener's backlog.

use crate::clock::system_ms;
use crate::credentials::{ACCOUNT, Keys, Use};
use crate::dry_run;
use crate::service::{Decision, Service};
use crate::services;
use aws_operations::{Call, Cx, Quotas};
use aws_protocol::protocol::{Protocol, Signs};
use aws_protocol::query::Limits;
use aws_protocol::wire::Response as Answer;
use aws_protocol::{Fault, Timestamp, sigv4};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;
use tracing::{debug, info};

/// What the connections share.
struct Api {
    service: Service,
    keys: Keys,
    quotas: Arc<Quotas>,
    limits: Limits,
}

/// For the head of a request, for its body, and for the last answer: a slow client on a slow line.
const PART_LIMIT: Duration = Duration::from_secs(10);
/// A connection takes no request after this long; clients open another without noticing.
const LIFETIME: Duration = Duration::from_secs(60);
/// Between attempts to accept when the system has no descriptors or memory for it.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Serves until the runtime ends, so many connections at a time.
pub async fn serve(
    listener: TcpListener,
    service: Service,
    keys: Keys,
    quotas: Arc<Quotas>,
    max_connections: usize,
) {
    let api = Arc::new(Api { service, keys, quotas, limits: Limits::default() });
    listen(listener, max_connections, move |request| answer(api.clone(), request)).await;
}

/// Has requests answered until the runtime ends, on so many connections at a time.
pub(crate) async fn listen<A, F>(listener: TcpListener, max_connections: usize, answer: A)
where
    A: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + 'static,
{
    // One more is accepted, and waits for its turn.
    let permits = Arc::new(Semaphore::new(max_connections.saturating_sub(1).max(1)));
    let mut silent = Silent::default();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors: those that are in use will be given back.
                debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(BACK_OFF).await;
                continue;
            }
        };
        let permit = match permits.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                silent.dismiss_oldest();
                permits.clone().acquire_owned().await.expect("nobody closes it")
            }
        };
        let newcomer = silent.admit();
        let answer = answer.clone();
        tokio::spawn(async move {
            let asking = newcomer.clone();
            let asked = move |request| {
                asking.has_asked.store(true, Ordering::Relaxed);
                answer(request)
            };
            tokio::select! {
                ended = converse(asked, stream) => if let Err(error) = ended {
                    debug!(%error, "a connection failed");
                },
                () = newcomer.leaves.notified() => debug!("a connection without a request gives way"),
            }
            newcomer.is_gone.store(true, Ordering::Relaxed);
            drop(permit);
        });
    }
}

/// A connection, as long as it has made no request.
#[derive(Default)]
struct Newcomer {
    has_asked: AtomicBool,
    is_gone: AtomicBool,
    leaves: Notify,
}

impl Newcomer {
    fn is_silent(&self) -> bool {
        !self.has_asked.load(Ordering::Relaxed) && !self.is_gone.load(Ordering::Relaxed)
    }
}

/// Connections without a request, the oldest first; some of them may have made one since.
#[derive(Default)]
struct Silent(VecDeque<Arc<Newcomer>>);

impl Silent {
    fn admit(&mut self) -> Arc<Newcomer> {
        // Bounded by the connections that there are.
        self.0.retain(|one| one.is_silent());
        let newcomer = Arc::new(Newcomer::default());
        self.0.push_back(newcomer.clone());
        newcomer
    }

    fn dismiss_oldest(&mut self) {
        while let Some(one) = self.0.pop_front() {
            if one.is_silent() {
                return one.leaves.notify_one();
            }
        }
    }
}

/// Serves one connection, for a limited time whatever its client does.
async fn converse<A, F>(answer: A, stream: TcpStream) -> hyper::Result<()>
where
    A: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Full<Bytes>>, Infallible>>,
{
    let answer = hyper::service::service_fn(answer);
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(PART_LIMIT);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), answer));
    if let Ok(ended) = timeout(LIFETIME, connection.as_mut()).await {
        return ended;
    }
    connection.as_mut().graceful_shutdown();
    timeout(PART_LIMIT, connection).await.unwrap_or(Ok(()))
}

async fn answer(api: Arc<Api>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let request_id = request_id();
    let (head, body) = request.into_parts();
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let query = head.uri.query().unwrap_or_default();
    let prefixed = dry_run::behind_prefix(head.uri.path());
    let claimed = sigv4::claimed_service(header("authorization"), query).unwrap_or_default();
    let signs = Signs {
        service: &claimed,
        content_type: header("content-type").unwrap_or_default(),
        target: header("x-amz-target"),
        smithy: header("smithy-protocol").unwrap_or_default(),
        path: prefixed.unwrap_or(head.uri.path()),
        query,
    };
    let protocol = Protocol::of(&signs);
    let asked = Asked { protocol, signs: &signs, request_id: &request_id, by_path: prefixed.is_some() };
    let answer = call(&api, &head, body, &asked).await.unwrap_or_else(|fault| {
        info!(request_id, code = %fault.code, message = fault.message, "refused");
        protocol.fault(&fault, &services::names(&claimed), &request_id)
    });
    let Answer { status, content_type, headers: others, body } = answer;
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in others {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert("x-amzn-requestid", value);
    }
    Ok(response)
}

/// What the head of a request asks for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    protocol: Protocol,
    signs: &'a Signs<'a>,
    request_id: &'a str,
    /// Its path asks for a dry run.
    by_path: bool,
}

async fn call(api: &Api, head: &Parts, body: Incoming, asked: &Asked<'_>) -> Result<Answer, Fault> {
    let Asked { protocol, signs, request_id, by_path } = *asked;
    let body = timeout(PART_LIMIT, Limited::new(body, api.limits.max_bytes).collect()).await;
    let body = body.map_err(|_| Fault::request_timeout("The request did not arrive in time."))?;
    let body = body.map_err(|_| Fault::request_too_large("The request is too large."))?.to_bytes();
    let mut headers: Vec<(&str, &[u8])> =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let host = head.uri.authority().map(|authority| authority.as_str());
    if let (None, Some(host)) = (head.headers.get("host"), host) {
        headers.push(("host", host.as_bytes()));
    }
    let message = sigv4::Message {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: signs.query,
        headers: &headers,
        body: &body,
    };
    let now = Timestamp::from_unix_ms(system_ms() as i64);
    let secret_of = |id: &str| api.keys.find(id).map(|(key, _)| key.secret_access_key.clone());
    let identity = sigv4::verify(&message, now, secret_of)?;
    let by_header = dry_run::is_asked(&head.headers)?;
    let by_key = api.keys.find(&identity.access_key_id).is_none_or(|(_, what)| what == Use::DryRun);
    let dry_run = by_path || by_header || by_key;
    let served = services::named(&identity.service);
    let Some(service) = served else { return Err(protocol.unknown_service(&identity.service)) };
    let Protocol::Wire(wire) = protocol else { return Err(Fault::unknown_operation(signs.path)) };
    let call = service.decode(wire, signs, &body, &api.limits, request_id)?;
    info!(request_id, service = identity.service, region = identity.region, ?call, "call");
    let region = identity.region.clone();
    let quotas = api.quotas.clone();
    if dry_run && call.modifies() {
        let foretold = api.service.foretell(identity.region, move |fleet, now_ms| {
            call.decide(&Cx { fleet, region: &region, account: ACCOUNT, now_ms, quotas: &quotas })
        });
        let forecast = foretold.await.map_err(|ending| Fault::service_unavailable(ending.to_string()))??;
        return Err(dry_run::answer(&forecast));
    }
    let decided =
        api.service.call(identity.region, move |fleet, now_ms| decide(call, fleet, region, now_ms, quotas));
    decided.await.map_err(|ending| Fault::service_unavailable(ending.to_string()))??
}

/// Lets a call decide on the present state, and answer from the state behind it.
fn decide(
    call: Call,
    fleet: &fleet::Fleet,
    region: String,
    now_ms: u64,
    quotas: Arc<Quotas>,
) -> Result<Decision<Result<Answer, Fault>>, Fault> {
    let cx = Cx { fleet, region: &region, account: ACCOUNT, now_ms, quotas: &quotas };
    let commands = call.decide(&cx)?;
    let answer = move |fleet: &fleet::Fleet| {
        call.answer(&Cx { fleet, region: &region, account: ACCOUNT, now_ms, quotas: &quotas })
    };
    Ok(Decision { commands, answer: Box::new(answer) })
}

/// As AWS's look: a random UUID.
fn request_id() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness it is still an id, only not a unique one.
    let _ = getrandom::fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = |range: std::ops::Range<usize>| -> String {
        bytes[range].iter().map(|byte| format!("{byte:02x}")).collect()
    };
    [hex(0..4), hex(4..6), hex(6..8), hex(8..10), hex(10..16)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn who_asks_nothing_gives_way_to_who_does() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let answer = |_| async { Ok(Response::new(Full::new(Bytes::from_static(b"here")))) };
        let serving = tokio::spawn(listen(listener, 3, answer));
        let mut idle = Vec::new();
        for begun in [&b""[..], b"", b"GET / HT", b"G", b""] {
            let mut stream = TcpStream::connect(at).await.unwrap();
            stream.write_all(begun).await.unwrap();
            idle.push(stream);
        }
        for _ in 0..3 {
            let mut stream = TcpStream::connect(at).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert!(text.ends_with("here"), "{text}");
        }
        // The first ones were let go of.
        let mut rest = Vec::new();
        let gone = idle[0].read_to_end(&mut rest).await;
        assert!(gone.is_err() || rest.is_empty());
        serving.abort();
    }
}
