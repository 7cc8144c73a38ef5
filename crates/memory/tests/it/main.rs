//! The allocator as the test's own global allocator. Counts are of the whole process, so there is one test that does
//! its steps in order, in a program without the test harness, whose main thread allocates whenever it likes.

#![allow(clippy::disallowed_methods)] // threads are what is tested

use memory::slab;
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

fn main() {
    every_layout();
    vectors();
    other_threads();
    slabs();
    resident();
    // As the harness would say it, for who counts tests.
    println!("test the_count_follows_every_way_to_allocate ... ok\n");
    println!("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s");
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

/// Slabs of all sizes, and the blocks beyond them, freed here and elsewhere.
fn slabs() {
    let sizes = [0, 1, 8, 9, 63, 88, 94, 128, 129, 1000, 4096, 4097, 70_000];
    let layouts = sizes.map(|size| Layout::from_size_align(size, 1).expect("small"));
    // The thread's heap, and what the standard library keeps of a thread.
    let layout = layouts[1];
    // SAFETY: freed once.
    unsafe { slab::deallocate(slab::allocate(layout), layout) };
    for is_remote in [false, true] {
        for layout in layouts {
            let class = slab::block_bytes(layout.size());
            assert!(class >= layout.size() && class <= layout.size() * 5 / 4 + 8, "{class} for {layout:?}");
            let (block, allocated) = gained(|| slab::allocate(layout));
            assert_eq!(allocated, class as i64, "{layout:?}");
            // SAFETY: the whole class may be used; the block is in use, and freed once.
            unsafe {
                block.write_bytes(0xA5, class);
                let occupancy = slab::occupancy(block, layout.size());
                assert_eq!(occupancy.is_some(), layout.size() <= 4096);
                assert!(occupancy.is_none_or(|(used, capacity)| used > 0 && used <= capacity));
                let address = block.as_ptr().expose_provenance();
                let free = move || {
                    let block = std::ptr::with_exposed_provenance_mut(address);
                    slab::deallocate(std::ptr::NonNull::new(block).expect("a block"), layout);
                };
                let ((), freed) =
                    gained(|| if is_remote { thread::spawn(free).join().expect("no panic") } else { free() });
                assert_eq!(freed, -allocated, "{layout:?}");
            }
        }
    }
}

fn resident() {
    let before = memory::rss_bytes();
    let block = vec![1u8; 64 << 20];
    let with_block = memory::rss_bytes();
    if cfg!(any(target_os = "linux", target_os = "macos")) {
        // The kernel counts roughly, and the allocator may give other memory back meanwhile.
        assert!(with_block >= before + (32 << 20), "{before} then {with_block}");
    }
    assert!(memory::used_bytes() >= 64 << 20);
    drop(block);
    memory::purge();
    assert!(memory::rss_bytes() <= with_block);
    slabs_are_given_back();
    let name = memory::allocator_name();
    assert!(name.starts_with("mimalloc-3."), "{name}");
}

/// All of it by force; by trimming once it has been free for a while.
fn slabs_are_given_back() {
    const BLOCKS: usize = 500_000;
    let layout = Layout::from_size_align(88, 1).expect("small");
    for is_forced in [true, false] {
        let before = memory::rss_bytes();
        let mut blocks = Vec::with_capacity(BLOCKS);
        blocks.extend((0..BLOCKS).map(|_| slab::allocate(layout)));
        // SAFETY: each block has so many bytes, and is freed once.
        unsafe {
            blocks.iter().for_each(|block| block.write_bytes(1, 88));
            let full = memory::rss_bytes();
            blocks.into_iter().for_each(|block| slab::deallocate(block, layout));
            if is_forced {
                memory::purge()
            } else {
                (0..3).for_each(|_| memory::trim())
            };
            let after = memory::rss_bytes();
            if cfg!(target_os = "linux") {
                assert!(full > before + (40 << 20), "{before} then {full}");
                assert!(after < before + (8 << 20), "{before} then {full} then {after}");
            }
        }
    }
}
