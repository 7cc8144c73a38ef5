//! Slabs against what blocks must be: disjoint, aligned, counted, and reusable once freed.

#![allow(clippy::disallowed_methods)] // threads are what is tested

use std::collections::HashMap;
use std::ptr::NonNull;
use std::sync::mpsc;
use std::thread;

use super::classes::{CLASSES, LARGEST, bytes_of, rounded};
use super::{Part, heap, is_worth_emptying, pool, usage};

/// A block that is filled with a pattern of its own, and freed when it is dropped, on whatever thread.
struct Block {
    start: NonNull<u8>,
    bytes: usize,
    pattern: u8,
}

// SAFETY: it owns the block.
unsafe impl Send for Block {}

impl Block {
    fn new(bytes: usize, pattern: u8) -> Block {
        let class = super::classes::class_of(bytes);
        let start = heap::with_own(|heap| heap.allocate(class)).expect("memory");
        let bytes = rounded(bytes);
        assert_eq!(start.addr().get() % (1 << bytes.trailing_zeros().min(6)), 0, "{bytes}");
        // SAFETY: the block has so many bytes.
        unsafe { start.write_bytes(pattern, bytes) };
        Block { start, bytes, pattern }
    }

    fn check(&self) {
        // SAFETY: the block has so many bytes, all written.
        let bytes = unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) };
        assert!(
            bytes.iter().all(|byte| *byte == self.pattern),
            "somebody wrote into a block of {}",
            self.bytes
        );
    }

    fn page(&self) -> usize {
        pool::page_of(self.start).addr().get()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.check();
        // SAFETY: allocated from a heap, and gone.
        unsafe { heap::free(self.start) };
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        ((self.0 >> 33) % limit as u64) as usize
    }
}

/// How many pages the blocks lie in.
fn pages<'a>(blocks: impl Iterator<Item = &'a Block>) -> usize {
    let mut pages: Vec<usize> = blocks.map(Block::page).collect();
    pages.sort_unstable();
    pages.dedup();
    pages.len()
}

#[test]
fn blocks_of_all_classes_lie_apart() {
    let blocks: Vec<Block> =
        (0..3 * CLASSES).map(|at| Block::new(bytes_of(1 + at % (CLASSES - 1)), at as u8)).collect();
    let mut ranges: Vec<(usize, usize)> =
        blocks.iter().map(|block| (block.start.addr().get(), block.bytes)).collect();
    ranges.sort_unstable();
    assert!(ranges.windows(2).all(|two| two[0].0 + two[0].1 <= two[1].0));
    blocks.iter().for_each(Block::check);
}

/// A keyspace that changes, on threads that free each other's blocks and end at any time.
#[test]
fn threads_exchange_blocks_and_end() {
    for seed in 0..6 {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| mpsc::channel::<Block>()).unzip();
        let threads: Vec<_> = receivers
            .into_iter()
            .enumerate()
            .map(|(number, receiver)| {
                let senders = senders.clone();
                thread::spawn(move || {
                    let mut random = Random(seed * 3 + number as u64);
                    let mut kept: HashMap<usize, Block> = HashMap::new();
                    for _ in 0..20_000 {
                        let bytes = 1 + random.below([20, 120, 700, LARGEST][random.0 as usize % 4]);
                        let block = Block::new(bytes, random.below(256) as u8);
                        match random.below(4) {
                            0 => drop(senders[random.below(3)].send(block)),
                            _ => drop(kept.insert(random.below(500), block)),
                        }
                        if random.below(3) == 0 {
                            drop(receiver.try_recv());
                        }
                        if random.below(2000) == 0 {
                            heap::tidy(false);
                        }
                    }
                    kept
                })
            })
            .collect();
        drop(senders);
        // What the ended threads allocated outlives them.
        for thread in threads {
            let kept = thread.join().expect("no panic");
            kept.values().for_each(Block::check);
        }
    }
}

#[test]
fn freed_blocks_are_used_again_and_empty_pages_by_other_classes() {
    let held = |bytes: usize| (0..5000).map(|at| Block::new(bytes, at as u8)).collect::<Vec<_>>();
    let first = held(202);
    let count = pages(first.iter());
    assert_eq!(count, 5000usize.div_ceil((64 << 10) / 204), "no room between blocks");
    let mut random = Random(1);
    let mut first: Vec<Option<Block>> = first.into_iter().map(Some).collect();
    for _ in 0..50_000 {
        let at = random.below(first.len());
        first[at] = None;
        first[at] = Some(Block::new(202, at as u8));
    }
    let blocks = || first.iter().flatten();
    assert!(pages(blocks()) <= count + 1, "{} for {count}", pages(blocks()));
}

/// A thread that sleeps has its blocks put back for it; one that has ended too.
#[test]
fn tidying_reaches_the_heaps_of_threads_that_sleep_or_have_ended() {
    const BYTES: usize = 1234;
    for ends in [true, false] {
        let (give, take) = mpsc::channel::<Vec<Block>>();
        let (wake, sleep) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            give.send((0..1000).map(|at| Block::new(BYTES, at as u8)).collect()).expect("somebody waits");
            if !ends {
                sleep.recv().expect("woken");
            }
            // A page that came back is there for a block of any class.
            drop(Block::new(BYTES, 0));
        });
        let blocks = take.recv().expect("sent");
        if ends {
            thread.join().expect("no panic");
            drop(blocks);
            heap::tidy(false);
        } else {
            // The heap may have been another thread's, with pages that are not empty: some of these blocks fill others.
            let is_full = |block: &Block| {
                // SAFETY: the page of a block in use has a head.
                let head = unsafe { pool::page_of(block.start).as_ref() };
                head.used() == head.capacity()
            };
            let last = blocks.into_iter().find(is_full).expect("a thousand blocks fill a page");
            heap::tidy(false);
            // All but the one are back; where nobody can visit, they wait for the thread.
            // SAFETY: as above.
            let used = unsafe { pool::page_of(last.start).as_ref() }.used();
            assert!(used == 1 || !cfg!(target_os = "linux"), "{used} in use");
            wake.send(()).expect("it sleeps");
            thread.join().expect("no panic");
        }
    }
}

#[test]
fn a_thread_past_its_end_can_allocate_and_free() {
    thread_local! {
        static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) };
    }
    struct Late(Option<Block>);
    impl Drop for Late {
        fn drop(&mut self) {
            drop(self.0.take());
            drop(Block::new(100, 7));
        }
    }
    for is_first in [true, false] {
        thread::spawn(move || {
            // Destructors run in the order in which thread-locals were first used, or in the reverse one.
            if is_first {
                LATE.set(None);
            }
            let block = Block::new(100, 3);
            LATE.set(Some(Late(Some(block))));
        })
        .join()
        .expect("no panic");
    }
}

#[test]
fn each_page_is_in_one_part() {
    let block = |at: usize| NonNull::without_provenance(at.try_into().expect("not zero"));
    for of in [1, 2, 7] {
        for page in 1..100 {
            let at = block(page * pool::PAGE_BYTES + 40);
            assert_eq!(Part::divide(of).filter(|part| part.has(at)).count(), 1, "page {page} of {of} parts");
        }
    }
    assert_eq!(Part::divide(0).count(), 1);
}

/// Other tests use the same pages, so only what they cannot hide is compared.
#[test]
fn usage_tells_what_moving_would_free() {
    const BYTES: usize = 3100;
    const BLOCKS: usize = 4000;
    let mut blocks: Vec<Block> = (0..BLOCKS).map(|at| Block::new(BYTES, at as u8)).collect();
    let full = usage();
    assert!(full.used_bytes >= (BLOCKS * BYTES) as u64 && full.used_bytes <= full.pages_bytes, "{full:?}");
    let mut at = 0;
    blocks.retain(|_| {
        at += 1;
        at % 4 == 0
    });
    heap::tidy(false);
    let sparse = usage();
    let freed = (BLOCKS * BYTES / 4 * 3) as u64;
    assert!(sparse.spare_bytes > freed * 9 / 10, "{sparse:?} after {freed} bytes were freed");
    assert!(sparse.spare_bytes <= sparse.pages_bytes - sparse.used_bytes, "{sparse:?}");
}

/// Another thread moves what is worth moving: one pass is enough, and the next one finds nothing.
#[test]
fn a_mover_leaves_as_few_pages_as_the_blocks_need() {
    const BYTES: usize = 1580;
    let is_worth_moving = |block: &Block| {
        // SAFETY: the page of a block in use has a head.
        is_worth_emptying(unsafe { pool::page_of(block.start).as_ref() })
    };
    let mut blocks: Vec<Block> = (0..4000).map(|at| Block::new(BYTES, at as u8)).collect();
    let mut random = Random(6);
    blocks.retain(|_| random.below(10) == 0);
    let (before, fewest) = (pages(blocks.iter()), blocks.len().div_ceil((64 << 10) / BYTES));
    thread::spawn(move || {
        let mut pass = || {
            let mut moved = 0;
            for block in &mut blocks {
                if is_worth_moving(block) {
                    *block = Block::new(BYTES, block.pattern);
                    moved += 1;
                }
            }
            // What was freed for the other thread is put back.
            heap::tidy(false);
            moved
        };
        assert!(pass() > 0);
        assert_eq!(pass(), 0);
        let after = pages(blocks.iter());
        assert!(before > 5 * fewest && after <= fewest + 1, "{before}, {after}, at least {fewest}");
    })
    .join()
    .expect("no panic");
}

/// Following the hint ends with as few pages as the blocks need, and then the hint stops.
#[test]
fn sparse_pages_are_told_and_get_empty() {
    const BYTES: usize = 1600;
    let hint = |block: &Block| {
        // SAFETY: the page of a block in use has a head.
        let page = unsafe { pool::page_of(block.start).as_ref() };
        page.used() * 4 < page.capacity() * 3 && heap::with_own(|heap| heap.would_fill_better(page))
    };
    thread::spawn(move || {
        let mut blocks: Vec<Block> = (0..4000).map(|at| Block::new(BYTES, at as u8)).collect();
        let mut random = Random(5);
        blocks.retain(|_| random.below(10) == 0);
        let (before, fewest) = (pages(blocks.iter()), blocks.len().div_ceil((64 << 10) / BYTES));
        let mut moved = 1;
        while moved > 0 {
            moved = 0;
            for block in &mut blocks {
                if hint(block) {
                    *block = Block::new(BYTES, block.pattern);
                    moved += 1;
                }
            }
        }
        let after = pages(blocks.iter());
        assert!(before > 5 * fewest && after <= fewest * 4 / 3 + 1, "{before}, {after}, at least {fewest}");
    })
    .join()
    .expect("no panic");
}
