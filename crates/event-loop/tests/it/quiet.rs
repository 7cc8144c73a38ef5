//! Sends whose end nobody waits for.

use crate::harness::{Driver, PATIENCE, on_each_backend, pattern};
use event_loop::{LoopConfig, Token};
use std::io::{Read as _, Write as _};

/// A turn may end for reasons of its own, so this counts: if quiet sends ended the wait, hardly any would come beside what
/// their peer does next.
#[test]
fn a_quiet_send_does_not_end_the_wait() {
    const ROUNDS: usize = 40;
    on_each_backend(LoopConfig::default(), |driver| {
        let (quiet, mut reader) = driver.connect();
        let (other, mut writer) = driver.connect();
        // A send that was waited for, earlier, changes nothing.
        driver.event_loop.send(quiet, b"watch".to_vec());
        driver.until(|driver| driver.seen(quiet).sent == 5);
        let peer = std::thread::spawn(move || {
            reader.read_exact(&mut [0; 5]).unwrap();
            for _ in 0..ROUNDS {
                let mut reply = [0; 5];
                reader.read_exact(&mut reply).unwrap();
                assert_eq!(&reply, b"reply");
                writer.write_all(b"next").unwrap();
            }
            (reader, writer)
        });
        let mut together = 0;
        for round in 1..=ROUNDS {
            driver.event_loop.send_quietly(quiet, b"reply".to_vec());
            let mut turns_with_news = 0;
            while driver.seen(other).received.len() < 4 * round || driver.seen(quiet).sent < 5 + 5 * round {
                let before = (driver.seen(other).received.len(), driver.seen(quiet).sent);
                driver.turn(PATIENCE, |_, _, _| {});
                turns_with_news +=
                    usize::from(before != (driver.seen(other).received.len(), driver.seen(quiet).sent));
            }
            together += usize::from(turns_with_news == 1);
        }
        assert!(together > ROUNDS / 2, "only {together} of {ROUNDS} came with something else");
        assert_eq!(driver.seen(quiet).refused, 0);
        peer.join().unwrap();
    });
}

/// What is queued behind a quiet send that was flushed, before its end is known, goes with the next turn: before it waits.
#[test]
fn what_follows_a_flush_does_not_wait() {
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, mut reader) = driver.connect();
        let (other, mut writer) = driver.connect();
        driver.settle();
        let peer = std::thread::spawn(move || {
            let mut all = [0; 10];
            reader.read_exact(&mut all).unwrap();
            writer.write_all(b"!").unwrap();
            (all, reader, writer)
        });
        driver.event_loop.send_quietly(token, b"first".to_vec());
        driver.event_loop.flush();
        driver.event_loop.send_quietly(token, b" more".to_vec());
        let begun = std::time::Instant::now();
        while driver.seen(other).received.is_empty() {
            driver.turn(PATIENCE, |_, _, _| {});
            assert!(begun.elapsed() < PATIENCE, "it waited until the turn was over");
        }
        let (all, ..) = peer.join().unwrap();
        assert_eq!(&all, b"first more");
    });
}

/// More buffers than one system call takes.
#[test]
fn many_buffers_go_whole() {
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, mut reader) = driver.connect();
        driver.settle();
        let bytes = pattern(100 * 10, 5);
        bytes.chunks(10).for_each(|piece| driver.event_loop.send_quietly(token, piece.to_vec()));
        driver.until(|driver| driver.seen(token).sent == bytes.len());
        assert_eq!(driver.event_loop.pending_bytes(token), 0);
        let mut got = vec![0; bytes.len()];
        reader.read_exact(&mut got).unwrap();
        assert!(got == bytes);
    });
}

#[test]
fn a_watched_send_ends_the_wait() {
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, _reader) = driver.connect();
        for _ in 0..5 {
            driver.event_loop.send_quietly(token, b"quiet".to_vec());
            driver.settle();
        }
        driver.event_loop.send_quietly(token, b"quiet".to_vec());
        driver.event_loop.send(token, b"watched".to_vec());
        let begun = std::time::Instant::now();
        while driver.seen(token).sent < 5 * 6 + 7 {
            driver.turn(PATIENCE, |_, _, _| {});
            assert!(begun.elapsed() < PATIENCE, "nothing told of the end");
        }
    });
}

#[test]
fn a_quiet_send_without_room_says_so_and_arrives_whole() {
    const LEN: usize = 20 << 20;
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, mut stream) = driver.connect();
        driver.settle();
        let bytes = pattern(LEN, 3);
        driver.event_loop.send_quietly(token, bytes[..LEN / 2].to_vec());
        driver.until(|driver| driver.seen(token).refused == 1);
        let pending = driver.event_loop.pending_bytes(token);
        assert!(pending > LEN / 2 - (4 << 20), "nobody reads: {pending}");
        // What comes behind it waits as well, and is not refused once more.
        driver.event_loop.send_quietly(token, bytes[LEN / 2..].to_vec());
        let reader = std::thread::spawn(move || {
            let mut back = vec![0; LEN];
            stream.read_exact(&mut back).unwrap();
            (back, stream)
        });
        driver.until(|driver| driver.seen(token).sent == LEN);
        assert_eq!((driver.seen(token).refused, driver.event_loop.pending_bytes(token)), (1, 0));
        let (back, mut stream) = reader.join().unwrap();
        assert!(back == bytes, "bytes were lost or changed");
        // The next one is quiet again.
        driver.event_loop.send_quietly(token, b"more".to_vec());
        driver.settle();
        let mut more = [0; 4];
        stream.read_exact(&mut more).unwrap();
        assert_eq!((&more, driver.seen(token).refused), (b"more", 1));
    });
}

/// Handed over, and not yet settled: neither lost nor sent twice, whatever happens next.
fn with_one_in_flight(then: impl Fn(&mut Driver, Token)) {
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, mut stream) = driver.connect();
        driver.settle();
        driver.event_loop.send_quietly(token, b"first ".to_vec());
        driver.event_loop.flush();
        then(driver, token);
        driver.settle();
        if let Some((_, unsent)) = &driver.seen(token).detached {
            assert!(unsent.is_empty(), "the kernel has it");
        }
        driver.seen.clear();
        driver.event_loop.close(token);
        driver.settle();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        assert!(got == b"first " || got == b"first second", "{}", got.escape_ascii());
    });
}

#[test]
fn a_quiet_send_in_flight_survives_what_comes_next() {
    with_one_in_flight(|driver, token| driver.event_loop.close(token));
    with_one_in_flight(|driver, token| driver.event_loop.detach(token));
    with_one_in_flight(|driver, token| driver.event_loop.send(token, b"second".to_vec()));
    with_one_in_flight(|driver, token| driver.event_loop.send_quietly(token, b"second".to_vec()));
    with_one_in_flight(|driver, token| driver.event_loop.stop_receiving(token));
}

#[test]
fn a_quiet_send_to_a_peer_that_is_gone_fails_the_connection() {
    on_each_backend(LoopConfig::default(), |driver| {
        let (token, stream) = driver.connect();
        driver.settle();
        drop(stream);
        driver.event_loop.send_quietly(token, b"anybody".to_vec());
        driver.until(|driver| driver.seen(token).failed || driver.seen(token).closed);
    });
}
