//! Sorting the front of a list.
//!
//! Hits of equal distance are usual: several members at one place. Which of them come first is seen in replies, so it is what the
//! real servers do: all hits are sorted by merging, which leaves equal ones as they were; if only some are wanted, by the quicksort
//! of Bentley and McIlroy, which leaves out what lies behind them.
//!
//! ```text
//!   │ = pivot │ < pivot │   ?   │ > pivot │ = pivot │      while a list is divided
//!   └─────────┴─────────┘       └─────────┴─────────┘
//!   │ < pivot           │ = pivot │         > pivot │      then: a side is sorted if any of it is wanted
//! ```
//!
//! A list that divides badly time and again is sorted by merging too, so the cost does not grow with the square.

use std::cmp::Ordering::{self, Equal, Greater, Less};

/// Lists shorter than this are sorted by insertion.
const SHORT: usize = 7;
/// Lists longer than this are divided by the median of three medians.
const LONG: usize = 40;

/// Puts the first `wanted` items in order.
pub(super) fn sort<T>(items: &mut [T], wanted: usize, compare: &impl Fn(&T, &T) -> Ordering) {
    if wanted >= items.len() {
        items.sort_by(compare);
    } else {
        let halvings = usize::BITS - items.len().leading_zeros();
        divide(items, wanted, compare, 4 * halvings);
    }
}

fn divide<T>(mut items: &mut [T], mut wanted: usize, compare: &impl Fn(&T, &T) -> Ordering, divisions: u32) {
    for left in (0..divisions).rev() {
        if wanted == 0 {
            return;
        }
        if items.len() < SHORT {
            return insert(items, compare);
        }
        let (less, equal) = partition(items, compare);
        let greater = less + equal;
        if less > 1 {
            divide(&mut items[..less], wanted, compare, left);
        }
        if items.len() - greater <= 1 || wanted <= greater {
            return;
        }
        items = &mut items[greater..];
        wanted -= greater;
    }
    items.sort_by(compare);
}

fn insert<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && compare(&items[at - 1], &items[at]) == Greater {
            items.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// Divides by a pivot: how many items are less, and how many equal.
fn partition<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) -> (usize, usize) {
    let len = items.len();
    items.swap(0, pivot(items, compare));
    // `..left_equal` and `right_equal..` equal the pivot. What is not yet known is `from..to`.
    let (mut left_equal, mut right_equal) = (1, len);
    let (mut from, mut to) = (1, len);
    loop {
        while from < to {
            match compare(&items[from], &items[0]) {
                Greater => break,
                Equal => {
                    items.swap(left_equal, from);
                    left_equal += 1;
                }
                Less => {}
            }
            from += 1;
        }
        while from < to {
            match compare(&items[to - 1], &items[0]) {
                Less => break,
                Equal => {
                    items.swap(to - 1, right_equal - 1);
                    right_equal -= 1;
                }
                Greater => {}
            }
            to -= 1;
        }
        if from >= to {
            break;
        }
        items.swap(from, to - 1);
        from += 1;
        to -= 1;
    }
    let (less, greater) = (from - left_equal, right_equal - from);
    exchange(items, 0, from, left_equal.min(less));
    exchange(items, from, len, (len - right_equal).min(greater));
    (less, len - less - greater)
}

/// Exchanges the first so many items from `start` on with the last ones before `end`.
fn exchange<T>(items: &mut [T], start: usize, end: usize, count: usize) {
    for at in 0..count {
        items.swap(start + at, end - count + at);
    }
}

/// The place of an item that is likely to lie in the middle.
fn pivot<T>(items: &[T], compare: &impl Fn(&T, &T) -> Ordering) -> usize {
    let len = items.len();
    let middle = len / 2;
    if len == SHORT {
        return middle;
    }
    let median = |a: usize, b: usize, c: usize| {
        let is = |a: usize, b: usize, order| compare(&items[a], &items[b]) == order;
        match (is(a, b, Less), is(b, c, Less), is(b, c, Greater)) {
            (true, true, _) | (false, _, true) => b,
            (true, false, _) => {
                if is(a, c, Less) {
                    c
                } else {
                    a
                }
            }
            (false, _, false) => {
                if is(a, c, Less) {
                    a
                } else {
                    c
                }
            }
        }
    };
    let (mut first, mut second, mut third) = (0, middle, len - 1);
    if len > LONG {
        let step = len / 8;
        first = median(0, step, 2 * step);
        second = median(middle - step, middle, middle + step);
        third = median(len - 1 - 2 * step, len - 1 - step, len - 1);
    }
    median(first, second, third)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn by_number(a: &(u32, usize), b: &(u32, usize)) -> Ordering {
        a.0.cmp(&b.0)
    }

    fn numbered(numbers: &[u32]) -> Vec<(u32, usize)> {
        numbers.iter().copied().zip(0..).collect()
    }

    proptest! {
        #[test]
        fn the_front_is_in_order(
            numbers in prop_oneof![prop::collection::vec(0..10u32, 0..200), prop::collection::vec(any::<u32>(), 0..200)],
            wanted in 0..250usize,
        ) {
            let mut items = numbered(&numbers);
            sort(&mut items, wanted, &by_number);
            let mut all = numbered(&numbers);
            all.sort();
            let front = wanted.min(all.len());
            prop_assert!(items[..front].iter().map(|item| item.0).eq(all[..front].iter().map(|item| item.0)));
            if wanted >= all.len() {
                prop_assert_eq!(&items, &all);
            }
            items.sort();
            prop_assert_eq!(items, all);
        }
    }

    #[test]
    fn bad_divisions_come_to_an_end() {
        // Each item is taken for the greatest so far when it is looked at, so that every pivot is a bad one.
        let mut items: Vec<usize> = (0..50_000).collect();
        let ranks = std::cell::RefCell::new((vec![usize::MAX; items.len()], 0, 0));
        let compared = std::cell::Cell::new(0u64);
        let compare = |a: &usize, b: &usize| {
            compared.set(compared.get() + 1);
            let (ranks, solid, candidate) = &mut *ranks.borrow_mut();
            if ranks[*a] == usize::MAX && ranks[*b] == usize::MAX {
                let fixed = if *a == *candidate { *a } else { *b };
                ranks[fixed] = *solid;
                *solid += 1;
            }
            if ranks[*a] == usize::MAX {
                *candidate = *a;
            } else if ranks[*b] == usize::MAX {
                *candidate = *b;
            }
            ranks[*a].cmp(&ranks[*b])
        };
        let wanted = items.len() - 1;
        sort(&mut items, wanted, &compare);
        assert!(compared.get() < 50_000 * 200, "{} comparisons", compared.get());
        let (ranks, ..) = ranks.into_inner();
        assert!(items[..wanted].is_sorted_by_key(|item| ranks[*item]));
    }
}
