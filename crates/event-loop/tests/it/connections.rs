//! Receiving, sending, back-pressure and the ends of connections.

use crate::harness::{Driver, PATIENCE, on_each_backend, pattern, small};
use event_loop::{EventLoop, LoopConfig, Token};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn echo(event_loop: &mut EventLoop, token: Token, bytes: Vec<u8>) {
    event_loop.send(token, bytes);
}

/// What a server answers to a piece of what it received.
type Respond = fn(&mut EventLoop, Token, Vec<u8>);

/// Turns with an echo until the thread is done.
fn echo_while<T>(driver: &mut Driver, thread: std::thread::JoinHandle<T>, echo: Respond) -> T {
    let start = Instant::now();
    while !thread.is_finished() {
        assert!(start.elapsed() < PATIENCE, "the clients hang");
        driver.turn(Duration::from_millis(20), echo);
    }
    thread.join().unwrap()
}

#[test]
fn many_connections_get_their_own_bytes_back() {
    for echo in [echo as Respond, |event_loop, token, bytes| event_loop.send_quietly(token, bytes)] {
        for config in [LoopConfig::default(), small()] {
            on_each_backend(config, |driver| {
                let streams: Vec<_> = (0..100).map(|_| driver.connect().1).collect();
                let clients = std::thread::spawn(move || {
                    for round in 0..20 {
                        for (seed, mut stream) in streams.iter().enumerate() {
                            stream.write_all(&pattern(1 + seed * 37, seed + round)).unwrap();
                        }
                        for (seed, mut stream) in streams.iter().enumerate() {
                            let mut back = vec![0; 1 + seed * 37];
                            stream.read_exact(&mut back).unwrap();
                            assert_eq!(back, pattern(1 + seed * 37, seed + round));
                        }
                    }
                    streams
                });
                let streams = echo_while(driver, clients, echo);
                drop(streams);
                driver.until(|driver| driver.seen.values().all(|seen| seen.closed || seen.failed));
            });
        }
    }
}

#[test]
fn a_huge_send_reaches_a_slow_reader_whole() {
    const LEN: usize = 100 << 20;
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, mut stream) = driver.connect();
        let bytes = pattern(LEN, 1);
        driver.event_loop.send(token, bytes[..LEN / 2].to_vec());
        for piece in bytes[LEN / 2..].chunks(1 << 20) {
            driver.event_loop.send(token, piece.to_vec());
        }
        assert_eq!(driver.event_loop.refused_bytes(token), 0, "the kernel was offered nothing");
        driver.event_loop.flush();
        driver.settle();
        let pending = driver.event_loop.pending_bytes(token);
        assert!(pending > LEN - (4 << 20), "nobody reads, so the kernel cannot have taken much: {pending}");
        assert_eq!(driver.event_loop.refused_bytes(token), pending, "it has no room for the rest");
        let reader = std::thread::spawn(move || {
            let mut back = vec![0; LEN];
            stream.read_exact(&mut back).unwrap();
            (back, stream)
        });
        driver.until(|driver| driver.seen(token).sent == LEN);
        assert_eq!(driver.event_loop.pending_bytes(token), 0);
        assert_eq!(driver.event_loop.refused_bytes(token), 0);
        let (back, _stream) = reader.join().unwrap();
        assert!(back == bytes, "bytes were lost or changed");
    });
}

#[test]
fn a_stopped_connection_delivers_nothing_new_and_loses_nothing() {
    on_each_backend(small(), |driver| {
        let (token, mut stream) = driver.connect();
        stream.write_all(b"before").unwrap();
        driver.until(|driver| driver.seen(token).received == b"before");
        driver.event_loop.stop_receiving(token);
        driver.settle();
        stream.write_all(b" while stopped").unwrap();
        driver.settle();
        assert_eq!(driver.seen(token).received, b"before");
        driver.event_loop.start_receiving(token);
        driver.until(|driver| driver.seen(token).received == b"before while stopped");
        // Changing one's mind at once, again and again, loses nothing either.
        for round in 0..50u8 {
            driver.event_loop.stop_receiving(token);
            stream.write_all(&[round]).unwrap();
            if round % 3 == 0 {
                driver.turn(Duration::ZERO, |_, _, _| {});
            }
            driver.event_loop.start_receiving(token);
        }
        let want: Vec<u8> = b"before while stopped".iter().copied().chain(0..50).collect();
        driver.until(|driver| driver.seen(token).received.len() == want.len());
        assert_eq!(driver.seen(token).received, want);
        drop(stream);
        driver.until(|driver| driver.seen(token).closed);
    });
}

#[test]
fn what_came_before_the_end_is_delivered_before_it() {
    on_each_backend(small(), |driver| {
        let (token, mut stream) = driver.connect();
        let bytes = pattern(100_000, 3);
        let copy = bytes.clone();
        let writer = std::thread::spawn(move || {
            stream.write_all(&copy).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            stream
        });
        driver.until(|driver| driver.seen(token).closed);
        assert!(driver.seen(token).received == bytes);
        // The other direction still works.
        let mut stream = writer.join().unwrap();
        driver.event_loop.send(token, b"bye".to_vec());
        driver.until(|driver| driver.seen(token).sent == 3);
        driver.event_loop.close(token);
        driver.until(|driver| driver.event_loop.connections() == 0);
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"bye");
    });
}

#[test]
fn closing_with_sends_in_flight_voids_the_token_and_frees_the_socket() {
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, mut stream) = driver.connect();
        driver.event_loop.send(token, vec![b'x'; 10 << 20]);
        driver.event_loop.flush();
        driver.event_loop.close(token);
        driver.event_loop.send(token, b"void".to_vec());
        assert_eq!(driver.event_loop.pending_bytes(token), 0);
        let (other, mut other_stream) = driver.connect();
        assert_ne!(token, other);
        driver.until(|driver| driver.event_loop.connections() == 1);
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.len() < 10 << 20 && rest.iter().all(|&byte| byte == b'x'));
        assert_eq!(driver.seen(token).sent, 0);
        other_stream.write_all(b"mine").unwrap();
        driver.until(|driver| driver.seen(other).received == b"mine");
        assert!(driver.seen(token).received.is_empty());
    });
}

#[test]
fn places_are_reused_and_tokens_are_not() {
    on_each_backend(small(), |driver| {
        let mut tokens = Vec::new();
        for round in 0..50u8 {
            let (token, mut stream) = driver.connect();
            stream.write_all(&[round]).unwrap();
            driver.until(|driver| driver.seen(token).received == [round]);
            driver.event_loop.close(token);
            for &old in &tokens {
                driver.event_loop.send(old, b"nobody".to_vec());
                driver.event_loop.close(old);
                driver.event_loop.detach(old);
            }
            driver.until(|driver| driver.event_loop.connections() == 0);
            tokens.push(token);
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).unwrap();
            assert!(rest.is_empty());
        }
        tokens.sort();
        tokens.dedup();
        assert_eq!(tokens.len(), 50);
        assert!(tokens.iter().any(|token| token.index() == tokens[0].index() && *token != tokens[0]));
    });
}

#[test]
fn a_peer_that_is_gone_fails_the_connection_once() {
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, stream) = driver.connect();
        driver.event_loop.stop_receiving(token);
        driver.settle();
        drop(stream);
        driver.event_loop.send(token, b"anybody?".to_vec());
        driver.until(|driver| driver.seen(token).failed);
        driver.event_loop.send(token, b"anybody?".to_vec());
        driver.settle();
        assert_eq!(driver.event_loop.pending_bytes(token), 0);
    });
}

#[test]
fn a_detached_connection_is_whole() {
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, mut stream) = driver.connect();
        stream.write_all(b"seen").unwrap();
        driver.until(|driver| driver.seen(token).received == b"seen");
        let bytes = pattern(4 << 20, 9);
        driver.event_loop.send(token, bytes.clone());
        driver.event_loop.flush();
        driver.event_loop.detach(token);
        driver.event_loop.send(token, b"too late".to_vec());
        driver.until(|driver| driver.seen(token).detached.is_some());
        assert_eq!(driver.event_loop.connections(), 0);
        let (fd, unsent) = driver.seen.get_mut(&token).unwrap().detached.take().unwrap();
        let ours = UnixStream::from(fd);
        ours.set_nonblocking(false).unwrap();
        let writer = std::thread::spawn(move || {
            let mut ours = ours;
            ours.write_all(&unsent).unwrap();
            ours.write_all(b"end").unwrap();
            ours
        });
        let mut back = vec![0; bytes.len() + 3];
        stream.read_exact(&mut back).unwrap();
        assert!(back[..bytes.len()] == bytes[..] && &back[bytes.len()..] == b"end");
        let mut ours = writer.join().unwrap();
        stream.write_all(b"later").unwrap();
        let mut later = [0; 5];
        ours.read_exact(&mut later).unwrap();
        assert_eq!(&later, b"later");
    });
}

#[test]
fn dropping_a_loop_closes_its_connections() {
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, mut stream) = driver.connect();
        driver.event_loop.send(token, vec![1; 1 << 20]);
        driver.event_loop.flush();
        let empty = EventLoop::new(event_loop::Backend::Poll, LoopConfig::default()).unwrap();
        drop(std::mem::replace(&mut driver.event_loop, empty));
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.len() <= 1 << 20);
    });
}

#[test]
fn a_reset_ends_a_tcp_connection_after_what_it_carried() {
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, mut stream) = driver.connect_tcp();
        let (healthy, mut healthy_stream) = driver.connect_tcp();
        stream.write_all(b"last words").unwrap();
        driver.until(|driver| driver.seen(token).received == b"last words");
        // Closing with unread bytes makes TCP reset the connection.
        driver.event_loop.send(token, b"unread".to_vec());
        driver.until(|driver| driver.seen(token).sent == 6);
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        drop(stream);
        driver.until(|driver| driver.seen(token).failed);
        assert!(!driver.seen(token).closed);
        driver.event_loop.close(token);
        healthy_stream.write_all(b"me too").unwrap();
        driver.until(|driver| driver.seen(healthy).received == b"me too");
        driver.until(|driver| driver.event_loop.connections() == 1);
    });
}

#[test]
fn a_socket_made_nonblocking_by_somebody_else_works_and_lets_the_loop_sleep() {
    on_each_backend(LoopConfig { max_spin: Duration::ZERO, ..LoopConfig::default() }, |driver| {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let shared = ours.try_clone().unwrap();
        let token = driver.event_loop.add(ours.into()).unwrap();
        shared.set_nonblocking(true).unwrap();
        let start = Instant::now();
        let mut turns = 0;
        while start.elapsed() < Duration::from_millis(60) {
            driver.turn(Duration::from_millis(20), |_, _, _| {});
            turns += 1;
        }
        assert!(turns < 50, "{turns} turns");
        theirs.write_all(b"hello").unwrap();
        driver.until(|driver| driver.seen.get(&token).is_some_and(|seen| seen.received == b"hello"));
        driver.event_loop.send(token, vec![b'x'; 4 << 20]);
        let reader = std::thread::spawn(move || {
            let mut back = vec![0; 4 << 20];
            theirs.read_exact(&mut back).unwrap();
            theirs
        });
        driver.until(|driver| driver.seen(token).sent == 4 << 20);
        reader.join().unwrap();
    });
}

/// Many small writes while the loop is elsewhere, and more while it reads them: the kernel may merge their wake-ups, but the
/// last bytes and the end must come without another.
#[test]
fn wake_ups_that_pile_up_hide_nothing() {
    const BEFORE: usize = 140;
    on_each_backend(LoopConfig { max_spin: Duration::ZERO, ..LoopConfig::default() }, |driver| {
        for round in 0..300 {
            let (token, mut stream) = driver.connect();
            driver.turn(Duration::ZERO, |_, _, _| {});
            let pieces = BEFORE + round;
            let written = Arc::new(AtomicUsize::new(0));
            let count = written.clone();
            let writer = std::thread::spawn(move || {
                for _ in 0..pieces {
                    stream.write_all(b"x").unwrap();
                    count.fetch_add(1, Ordering::Relaxed);
                }
                if round % 2 == 0 {
                    stream.shutdown(std::net::Shutdown::Write).unwrap();
                }
                stream
            });
            while written.load(Ordering::Relaxed) < BEFORE {
                std::thread::yield_now();
            }
            driver.until(|driver| {
                let seen = driver.seen(token);
                seen.received.len() == pieces && (seen.closed || round % 2 == 1)
            });
            driver.event_loop.close(token);
            drop(writer.join());
        }
    });
}
