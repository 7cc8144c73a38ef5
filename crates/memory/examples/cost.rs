//! What counting costs, and what slabs do: nanoseconds for a pair of allocation and release, mimalloc alone and counted, and
//! slabs counted, in turns.
//!
//! Two patterns: release at once (the allocator's best case, everything in the nearest cache), and a window of live
//! blocks in random order (a keyspace that changes).

#![allow(clippy::disallowed_methods)] // it measures time

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 7;
const PAIRS: usize = 5_000_000;
const LIVE: usize = 1 << 16;

fn main() {
    println!("{} · ns a pair, median of {ROUNDS}", memory::allocator_name());
    for (name, pattern) in [("at once", at_once as fn(&dyn Pair) -> f64), ("among 65536 live", among_live)] {
        let (mut plain, mut counted, mut slabs): (Vec<f64>, Vec<f64>, Vec<f64>) = Default::default();
        for _ in 0..ROUNDS {
            plain.push(pattern(&Of(mimalloc::MiMalloc)));
            counted.push(pattern(&Of(memory::CountingAllocator)));
            slabs.push(pattern(&Of(Slabs)));
        }
        let [plain, counted, slabs] = [plain, counted, slabs].map(median);
        println!("{name:>18}: mimalloc {plain:.2}, counted {counted:.2}, slabs {slabs:.2}");
    }
}

/// The loops, compiled for each allocator, so that neither is called through a pointer.
trait Pair {
    fn at_once(&self);
    fn among_live(&self, live: &mut [Option<(*mut u8, Layout)>]);
}

struct Of<A>(A);

/// Slabs in an allocator's clothes.
struct Slabs;

// SAFETY: blocks of slabs are as large and as aligned as these layouts, whose sizes are multiples of their alignment.
unsafe impl GlobalAlloc for Slabs {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        memory::slab::allocate(layout).as_ptr()
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise; a block is not null.
        unsafe { memory::slab::deallocate(std::ptr::NonNull::new_unchecked(block), layout) };
    }
}

impl<A: GlobalAlloc> Pair for Of<A> {
    fn at_once(&self) {
        for pair in 0..PAIRS {
            let layout = layout(pair);
            // SAFETY: released with the layout it was allocated with.
            unsafe { self.0.dealloc(black_box(self.0.alloc(layout)), layout) };
        }
    }

    fn among_live(&self, live: &mut [Option<(*mut u8, Layout)>]) {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        for pair in 0..PAIRS {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let place = &mut live[(random >> 40) as usize % LIVE];
            let layout = layout(pair);
            // SAFETY: as above.
            unsafe {
                let block = self.0.alloc(layout);
                block.write(1);
                if let Some((old, layout)) = place.replace((block, layout)) {
                    self.0.dealloc(old, layout);
                }
            }
        }
        for (block, layout) in live.iter_mut().filter_map(Option::take) {
            // SAFETY: as above.
            unsafe { self.0.dealloc(block, layout) };
        }
    }
}

fn at_once(pair: &dyn Pair) -> f64 {
    timed(|| pair.at_once())
}

fn among_live(pair: &dyn Pair) -> f64 {
    let mut live = vec![None; LIVE];
    timed(|| pair.among_live(&mut live))
}

fn timed(run: impl FnOnce()) -> f64 {
    let started = Instant::now();
    run();
    started.elapsed().as_nanos() as f64 / PAIRS as f64
}

fn layout(pair: usize) -> Layout {
    Layout::from_size_align(24 + pair % 13 * 8, 8).expect("small")
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
