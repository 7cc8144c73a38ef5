//! Bytes that a member of a set and of a sorted set takes, as the types count them and as the allocator does.
//!
//!     cargo run --release -p structures --example bytes

#![forbid(unsafe_code)]

use structures::{Limits, Score, Set, SortedSet};

#[global_allocator]
static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;

/// How many members the values have: few, as many as compact encodings take, and many.
const COUNTS: [usize; 6] = [5, 100, 200, 1_000, 10_000, 100_000];
/// Coprime to all counts: its multiples visit every number once.
const STRIDE: usize = 7_919;

fn main() {
    println!("members of 10 bytes    encoding     counted   allocated");
    for count in COUNTS {
        let (set, allocated) = measured(|| {
            let mut set = Set::new();
            for number in numbers(count) {
                set.add(&member(number), &Limits::DEFAULT);
            }
            set
        });
        show("set", count, set.encoding().name(), set.memory(), allocated);
    }
    for (name, score) in [
        ("sorted set, ranks", rank as fn(usize) -> f64),
        ("sorted set, times", time_ms),
        ("sorted set, doubles", double),
    ] {
        for count in COUNTS {
            let (set, allocated) = measured(|| {
                let mut set = SortedSet::new();
                for number in numbers(count) {
                    let score = Score::new(score(number)).expect("a number");
                    set.insert(&member(number), score, &Limits::DEFAULT);
                }
                set
            });
            show(name, count, set.encoding(), set.memory(), allocated);
        }
    }
}

fn rank(number: usize) -> f64 {
    number as f64
}

/// Milliseconds of one day.
fn time_ms(number: usize) -> f64 {
    1.7e12 + (number * 997_331 % 86_400_000) as f64
}

fn double(number: usize) -> f64 {
    (number as f64).sqrt()
}

fn numbers(count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |number| number * STRIDE % count)
}

fn member(number: usize) -> Vec<u8> {
    format!("m{number:09}").into_bytes()
}

/// A value in a box, as a key has it, and what the allocator gave for it.
fn measured<T>(make: impl FnOnce() -> T) -> (Box<T>, usize) {
    let before = memory::used_bytes();
    let value = Box::new(make());
    (value, memory::used_bytes().saturating_sub(before) as usize)
}

fn show(name: &str, count: usize, encoding: &str, counted: usize, allocated: usize) {
    let each = |bytes: usize| bytes as f64 / count as f64;
    println!("{name:19} {count:7}  {encoding:9} {:9.1} {:11.1}", each(counted), each(allocated));
}
