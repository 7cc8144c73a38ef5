//! Waking from other threads.

use crate::harness::on_each_backend;
use event_loop::{Event, LoopConfig};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[test]
fn no_wake_up_is_lost() {
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 2000;
    for max_spin in [Duration::ZERO, Duration::from_micros(20)] {
        on_each_backend(LoopConfig { max_spin, ..LoopConfig::default() }, |driver| {
            let posted = Arc::new(AtomicU64::new(0));
            let taken = Arc::new(AtomicU64::new(0));
            let threads: Vec<_> = (0..THREADS)
                .map(|_| {
                    let (posted, taken) = (Arc::clone(&posted), Arc::clone(&taken));
                    let waker = driver.event_loop.waker();
                    std::thread::spawn(move || {
                        for _ in 0..ROUNDS {
                            let mine = posted.fetch_add(1, Ordering::SeqCst) + 1;
                            waker.wake();
                            // Each waits until its own post has been taken, so a lost wake-up stops everything.
                            while taken.load(Ordering::SeqCst) < mine {
                                std::thread::yield_now();
                            }
                        }
                    })
                })
                .collect();
            let mut events = Vec::new();
            let start = Instant::now();
            while taken.load(Ordering::SeqCst) < THREADS * ROUNDS {
                driver.event_loop.turn(Some(Duration::from_secs(20)), &mut events).unwrap();
                assert!(start.elapsed() < Duration::from_secs(20), "a wake-up was lost");
                if events.drain(..).any(|event| matches!(event, Event::Woken)) {
                    taken.store(posted.load(Ordering::SeqCst), Ordering::SeqCst);
                }
                driver.event_loop.end_turn();
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
}

#[test]
fn wake_ups_before_a_turn_are_reported_once() {
    on_each_backend(LoopConfig::default(), |driver| {
        let waker = driver.event_loop.waker();
        (0..10).for_each(|_| waker.wake());
        driver.until(|driver| driver.woken > 0);
        driver.settle();
        assert_eq!(driver.woken, 1);
        waker.wake();
        driver.until(|driver| driver.woken == 2);
    });
}

#[test]
fn an_idle_loop_sleeps_for_its_timeout() {
    on_each_backend(LoopConfig::default(), |driver| {
        let start = Instant::now();
        let mut turns = 0;
        while start.elapsed() < Duration::from_millis(100) {
            driver.turn(Duration::from_millis(20), |_, _, _| {});
            turns += 1;
        }
        // A signal may end a wait early, but a loop that does not sleep makes thousands of turns.
        assert!(turns < 50, "{turns} turns");
    });
}
