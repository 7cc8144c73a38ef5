//! Answers `+PONG` to every request, to compare backends: `ping <port> [uring|epoll|poll]`, then
//! `redis-benchmark -p <port> -t ping_mbulk -n 1000000 -P 16`.
//!
//! A request is taken to begin at each `*`, which is right for PING and nothing else.

use event_loop::{Acceptor, Backend, Event, EventLoop, LoopConfig, listen_tcp};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().and_then(|port| port.parse().ok()).unwrap_or(7100);
    let backend = match arguments.next().as_deref() {
        Some("uring") => Backend::Uring,
        Some("epoll") => Backend::Epoll,
        Some("poll") => Backend::Poll,
        _ => Backend::Auto,
    };
    let mut event_loop = EventLoop::new(backend, LoopConfig::default())?;
    let listener = listen_tcp(SocketAddr::from(([127, 0, 0, 1], port)), 511).map_err(io::Error::other)?;
    let (sender, accepted) = mpsc::channel();
    let waker = event_loop.waker();
    let _acceptor = Acceptor::start(vec![listener], move |fd, _peer| {
        if sender.send(fd).is_ok() {
            waker.wake();
        }
    })?;
    println!("{} on port {port}", event_loop.backend_name());

    let (mut events, mut spare) = (Vec::new(), Vec::new());
    loop {
        event_loop.turn(None, &mut events)?;
        for event in events.drain(..) {
            match event {
                Event::Received { token, buf, .. } => {
                    let requests = event_loop.received(buf).iter().filter(|&&byte| byte == b'*').count();
                    let mut reply: Vec<u8> = spare.pop().unwrap_or_default();
                    (0..requests).for_each(|_| reply.extend_from_slice(b"+PONG\r\n"));
                    event_loop.send(token, reply);
                }
                Event::Sent { buf, .. } => spare.push(buf),
                Event::Closed { token } | Event::Failed { token, .. } => event_loop.close(token),
                Event::Woken => {
                    for fd in accepted.try_iter() {
                        event_loop.add(fd)?;
                    }
                }
                Event::Detached { .. } => {}
            }
        }
        event_loop.end_turn();
    }
}
