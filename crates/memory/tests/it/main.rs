//! The allocator as the test's own global allocator. Counts are of the whole process, so there is one test that does
//! its steps in order.

#![allow(clippy::disallowed_methods)] // threads are what is tested

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, realloc};
use std::sync::mpsc;
use std::thread;

#[global_allocator]
static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;

/// What the count gains while `step` runs.
fn gained<T>(step: impl FnOnce() -> T) -> (T, i64) {
    let before = memory::used_bytes() as i64;
    let result = step();
    (result, memory::used_bytes() as i64 - before)
}

#[test]
fn the_count_follows_every_way_to_allocate() {
    every_layout();
    vectors();
    other_threads();
    resident();
}

fn every_layout() {
    let sizes = [1, 7, 8, 16, 24, 100, 1000, 5000, 70_000, 3 << 20];
    for alignment in [1, 8, 16, 64, 128, 4096, 65536] {
        for size in sizes {
            let layout = Layout::from_size_align(size, alignment).expect("small");
            let ((), left) = gained(|| {
                // SAFETY: the sizes are not zero, and each block is released with the layout that it has.
                unsafe {
                    let (block, allocated) = gained(|| alloc(layout));
                    assert!(allocated >= size as i64, "{layout:?} counted {allocated}");
                    assert_eq!(block.addr() % alignment, 0, "{layout:?}");
                    block.write_bytes(0xA5, size);
                    let grown = Layout::from_size_align(size * 3, alignment).expect("small");
                    let block = realloc(block, layout, grown.size());
                    assert_eq!(block.addr() % alignment, 0, "{grown:?}");
                    assert!((0..size).all(|at| block.add(at).read() == 0xA5), "{grown:?}");
                    let block = realloc(block, grown, size);
                    assert_eq!(block.addr() % alignment, 0, "{layout:?} again");
                    dealloc(block, layout);

                    let zeroed = alloc_zeroed(layout);
                    assert_eq!(zeroed.addr() % alignment, 0, "{layout:?} zeroed");
                    assert!((0..size).all(|at| zeroed.add(at).read() == 0), "{layout:?}");
                    dealloc(zeroed, layout);
                }
            });
            assert_eq!(left, 0, "{layout:?}");
        }
    }
}

fn vectors() {
    let (blocks, allocated) = gained(|| (0..10_000).map(|_| vec![1u8; 64]).collect::<Vec<_>>());
    let asked_for = 10_000 * (64 + size_of::<Vec<u8>>()) as i64;
    assert!(allocated >= asked_for && allocated < asked_for + asked_for / 3, "{allocated} for {asked_for}");
    let ((), released) = gained(|| drop(blocks));
    assert_eq!(released, -allocated);
}

/// One thread allocates, another releases, both end: nothing is left, and nothing was below zero in sum.
fn other_threads() {
    let round = || {
        let (sender, receiver) = mpsc::channel::<Vec<Vec<u8>>>();
        let allocating = thread::spawn(move || {
            sender.send((0..1000).map(|size| vec![0; size]).collect()).expect("somebody listens");
        });
        let releasing = thread::spawn(move || drop(receiver.recv()));
        allocating.join().expect("no panic");
        releasing.join().expect("no panic");
    };
    round(); // what the standard library keeps from its first thread
    let ((), left) = gained(|| (0..50).for_each(|_| round()));
    assert_eq!(left, 0);
}

fn resident() {
    let before = memory::rss_bytes();
    let block = vec![1u8; 64 << 20];
    let with_block = memory::rss_bytes();
    if cfg!(any(target_os = "linux", target_os = "macos")) {
        assert!(with_block >= before + (60 << 20), "{before} then {with_block}");
    }
    assert!(memory::used_bytes() >= 64 << 20);
    drop(block);
    memory::purge();
    assert!(memory::rss_bytes() <= with_block);
    let name = memory::allocator_name();
    assert!(name.starts_with("mimalloc-3."), "{name}");
}
