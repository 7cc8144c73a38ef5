//! The tree against an ordered set, its invariants after each change, its scan and its memory.

use super::*;
use linear::mix;
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Checks every invariant of the module.
fn check(tree: &Tree) {
    let mut members = Vec::new();
    let (mut leaves, mut inners, mut heap) = (0, 0, 0);
    let mut open = vec![(tree.root_node(), NONE)];
    while let Some((node, parent)) = open.pop() {
        if node.height == 0 {
            let leaf = tree.leaf(node.number);
            assert_eq!(leaf.parent, parent);
            assert!(leaf.len() > 0 || parent == NONE, "an empty leaf");
            assert!(!leaf.is_full());
            assert_eq!(leaf.rows().count(), leaf.len());
            for (index, member) in leaf.rows().iter().enumerate() {
                assert_eq!(tree.find(member), Some(Place { leaf: node.number, index }));
                members.push((leaf.score(index), member));
            }
            leaves += 1;
            heap += leaf.heap();
        } else {
            let inner = tree.inners.get(node.number);
            assert_eq!(inner.parent, parent);
            assert!((1..=MOST_CHILDREN).contains(&inner.len()));
            for at in (0..inner.len()).rev() {
                let child = Node { height: node.height - 1, number: inner.nodes()[at] };
                let known = Child { node: child.number, count: inner.counts()[at], low: inner.lows()[at] };
                assert_eq!(tree.child(child), known);
                open.push((child, node.number));
            }
            inners += 1;
            heap += inner.heap();
        }
    }
    assert!(members.is_sorted_by(|a, b| a < b));
    assert_eq!(members.len(), tree.len());
    assert_eq!((leaves, inners, heap), (tree.leaves.iter().count(), tree.inners.iter().count(), tree.heap));
    let mut slots = HashMap::new();
    tree.index.scan(0, usize::MAX, |slot| *slots.entry((slot.hash, slot.leaf)).or_insert(0) += 1);
    assert!(slots.len() <= members.len() && slots.values().all(|times| *times == 1));
}

#[derive(Debug, Clone)]
enum Change {
    /// Members with these numbers, all with scores `start + step × n`.
    Run {
        members: Range<usize>,
        start: i32,
        step: i32,
        is_shuffled: bool,
    },
    Set(usize, f64),
    Remove(usize),
    /// In thousandths of the length.
    RemoveRange(usize, usize),
    RemoveAll(Range<usize>),
}

fn change() -> impl Strategy<Value = Change> {
    let range = || (0usize..4_000, 0usize..700).prop_map(|(start, len)| start..start + len);
    prop_oneof![
        4 => (range(), -50i32..50, prop_oneof![Just(0), Just(1), Just(-1), -9i32..9], any::<bool>())
            .prop_map(|(members, start, step, is_shuffled)| Change::Run { members, start, step, is_shuffled }),
        3 => (0usize..4_000, prop_oneof![(-100i32..100).prop_map(f64::from), -1f64..1.0])
            .prop_map(|(member, score)| Change::Set(member, score)),
        2 => (0usize..4_000).prop_map(Change::Remove),
        2 => (0usize..1_000, 0usize..600).prop_map(|(start, len)| Change::RemoveRange(start, len)),
        1 => range().prop_map(Change::RemoveAll),
    ]
}

/// Short ones, long ones, and some that stand apart.
fn member(number: usize) -> Vec<u8> {
    let text = format!("{:x}", mix(number as u64) >> 40);
    match number % 100 {
        0..90 => text.into_bytes(),
        90..98 => text.repeat(20).into_bytes(),
        _ => text.repeat(60).into_bytes(),
    }
}

#[derive(Default)]
struct Model {
    scores: HashMap<Vec<u8>, Score>,
    order: BTreeSet<(Score, Vec<u8>)>,
}

impl Model {
    fn insert(&mut self, member: &[u8], score: Score) -> Option<Score> {
        let before = self.scores.get(member).copied();
        if before != Some(score) {
            if let Some(before) = before {
                self.order.remove(&(before, member.to_vec()));
            }
            self.order.insert((score, member.to_vec()));
            self.scores.insert(member.to_vec(), score);
        }
        before
    }

    fn remove(&mut self, member: &[u8]) -> Option<Score> {
        let score = self.scores.remove(member)?;
        assert!(self.order.remove(&(score, member.to_vec())));
        Some(score)
    }
}

fn shuffled(range: Range<usize>) -> Vec<usize> {
    let mut numbers: Vec<usize> = range.collect();
    numbers.sort_by_key(|number| mix(!*number as u64));
    numbers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn behaves_like_an_ordered_set(changes in prop::collection::vec(change(), 1..25), seed in any::<u64>()) {
        let mut tree = Tree::new();
        let mut model = Model::default();
        for change in changes {
            match change {
                Change::Run { members, start, step, is_shuffled } => {
                    let first = members.start;
                    let order = if is_shuffled { shuffled(members) } else { members.collect() };
                    for number in order {
                        let score = Score::from(start + step * (number - first) as i32);
                        let member = member(number);
                        prop_assert_eq!(tree.insert(&member, score), model.insert(&member, score));
                    }
                }
                Change::Set(number, score) => {
                    let (member, score) = (member(number), Score::new(score).unwrap());
                    prop_assert_eq!(tree.insert(&member, score), model.insert(&member, score));
                }
                Change::Remove(number) => {
                    let member = member(number);
                    prop_assert_eq!(tree.remove(&member), model.remove(&member));
                }
                Change::RemoveRange(start, len) => {
                    let start = start * tree.len() / 1_000;
                    let len = (len * tree.len() / 1_000).min(tree.len() - start);
                    tree.remove_range(start..start + len);
                    let gone: Vec<_> = model.order.iter().skip(start).take(len).cloned().collect();
                    for (_, member) in gone {
                        prop_assert!(model.remove(&member).is_some());
                    }
                }
                Change::RemoveAll(numbers) => for number in numbers {
                    let member = member(number);
                    prop_assert_eq!(tree.remove(&member), model.remove(&member));
                }
            }
            check(&tree);
            prop_assert_eq!(tree.len(), model.order.len());
        }
        let order: Vec<_> = model.order.iter().collect();
        for (rank, (score, member)) in order.iter().enumerate() {
            let place = tree.find(member).unwrap();
            prop_assert_eq!(tree.rank(place), rank);
            prop_assert_eq!(tree.seek(rank), Some(place));
            prop_assert_eq!(tree.score(member), Some(*score));
        }
        prop_assert_eq!(tree.seek(order.len()), None);
        for bound in [i32::MIN, -100, -1, 0, 1, 7, 100, (seed % 4_000) as i32] {
            let bound = Score::from(bound);
            let below = order.partition_point(|(score, _)| *score < bound);
            prop_assert_eq!(tree.partition_by_score(|score| score < bound), below);
            let not_above = order.partition_point(|(score, _)| *score <= bound);
            prop_assert_eq!(tree.partition_by_score(|score| score <= bound), not_above);
        }
        let (mut seen, mut cursor) = (HashSet::new(), 0);
        loop {
            cursor = tree.scan(cursor, 10, |member, score| {
                assert_eq!(model.scores.get(member), Some(&score));
                assert!(seen.insert(member.to_vec()));
            });
            if cursor == 0 {
                break;
            }
        }
        prop_assert_eq!(seen.len(), order.len());
        let copy = tree.clone();
        tree.remove_range(0..tree.len());
        check(&tree);
        check(&copy);
        prop_assert_eq!((tree.height, copy.len()), (0, order.len()));
    }

    /// Members 0 … fixed stay for the whole scan, while their scores change and others come and go.
    #[test]
    fn what_stays_is_scanned(
        fixed in 1usize..400,
        bursts in prop::collection::vec((any::<bool>(), 0usize..600), 1..20),
        count in 1usize..30,
    ) {
        let mut tree = Tree::new();
        let mut next = fixed;
        (0..fixed).for_each(|number| assert!(tree.insert(&number.to_le_bytes(), Score::ZERO).is_none()));
        let mut guests = Vec::new();
        let mut seen = HashSet::new();
        let mut cursor = 0;
        let mut bursts = bursts.into_iter();
        loop {
            cursor = tree.scan(cursor, count, |member, _| assert!(seen.insert(member.to_vec()), "twice"));
            if cursor == 0 {
                break;
            }
            match bursts.next() {
                Some((true, many)) => for _ in 0..many {
                    tree.insert(&next.to_le_bytes(), Score::from(mix(next as u64) as i32));
                    tree.insert(&(next % fixed).to_le_bytes(), Score::from(next as i32));
                    guests.push(next);
                    next += 1;
                },
                Some((false, many)) => for guest in guests.drain(..many.min(guests.len())) {
                    prop_assert!(tree.remove(&guest.to_le_bytes()).is_some());
                },
                None => {}
            }
        }
        check(&tree);
        prop_assert!((0..fixed).all(|number| seen.contains(&number.to_le_bytes()[..])));
    }
}

fn ascending(count: usize) -> Tree {
    let mut tree = Tree::new();
    for number in 0..count {
        tree.insert(format!("{number:010}").as_bytes(), Score::from(number as i32));
    }
    tree
}

#[test]
fn a_tree_of_four_levels_grows_and_shrinks() {
    let count = 300_000;
    let mut tree = Tree::new();
    for number in shuffled(0..count) {
        tree.insert(format!("{number:010}").as_bytes(), Score::from(number as i32));
    }
    check(&tree);
    assert_eq!(tree.height, 3);
    for rank in (0..count).step_by(997) {
        let place = tree.find(format!("{rank:010}").as_bytes()).unwrap();
        assert_eq!((tree.rank(place), tree.seek(rank)), (rank, Some(place)));
    }
    let full = tree.memory();
    for (removed, number) in shuffled(0..count).into_iter().enumerate() {
        assert!(tree.remove(format!("{number:010}").as_bytes()).is_some());
        if removed.is_multiple_of(50_000) {
            check(&tree);
        }
    }
    check(&tree);
    assert_eq!((tree.len(), tree.height), (0, 0));
    assert!(tree.memory() < full / 1_000, "{} of {full} bytes are left", tree.memory());
}

#[test]
fn members_that_come_in_order_fill_their_leaves() {
    for backwards in [false, true] {
        let mut tree = Tree::new();
        for number in 0..10_000 {
            let number = if backwards { 10_000 - number } else { number };
            tree.insert(format!("{number:010}").as_bytes(), Score::from(number));
        }
        check(&tree);
        let leaves = tree.leaves.iter().count();
        assert!(leaves <= 10_000 / 60, "{leaves} leaves, backwards: {backwards}");
    }
}

/// Texts of all scores equal are found by their bytes alone.
#[test]
fn equal_scores_are_ordered_by_bytes() {
    let mut tree = Tree::new();
    for number in shuffled(0..20_000) {
        tree.insert(format!("{number:05}").as_bytes(), Score::ZERO);
    }
    check(&tree);
    for number in (0..20_000).step_by(173) {
        let text = format!("{number:05}");
        assert_eq!(tree.partition_by_member(|member| member < text.as_bytes()), number);
        assert_eq!(tree.partition_by_member(|member| member <= text.as_bytes()), number + 1);
    }
    assert_eq!(tree.partition_by_member(|_| true), 20_000);
    assert_eq!(tree.partition_by_member(|_| false), 0);
}

#[test]
fn hashes_that_collide_are_only_slow() {
    for common in [u64::MAX, u64::MAX >> 40, u64::MAX << 16] {
        let mut tree = Tree::with_hasher(Hasher::colliding(1, common));
        for number in 0..700 {
            assert!(tree.insert(&member(number), Score::from(number as i32 % 7)).is_none());
        }
        check(&tree);
        let (mut seen, mut cursor) = (HashSet::new(), 0);
        loop {
            cursor = tree.scan(cursor, 10, |member, _| assert!(seen.insert(member.to_vec())));
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), 700);
        for number in shuffled(0..700) {
            let score = Score::from(number as i32 % 7);
            assert_eq!(tree.insert(&member(number), Score::from(number as i32 % 11)), Some(score));
        }
        check(&tree);
        for number in shuffled(0..700) {
            assert!(tree.remove(&member(number)).is_some());
        }
        check(&tree);
        assert_eq!(tree.len(), 0);
    }
}

/// Leaves that stay after others went move into their places.
#[test]
fn a_tree_that_shrank_has_few_places() {
    let mut tree = ascending(100_000);
    let full = tree.memory();
    for number in (0..100_000).filter(|number| number % 100 != 0) {
        tree.remove(format!("{number:010}").as_bytes());
    }
    check(&tree);
    assert!(tree.memory() < full / 20, "{} of {full} bytes are left", tree.memory());
}

/// `cargo run --example bytes` prints what members take. MEMORY USAGE of the same, over 100,000: 103.9 in redis-server 7.0.15, 75.3 in valkey-server 9.1.2.
#[test]
fn bytes_per_member() {
    let count = 100_000;
    let bytes = |score: &dyn Fn(usize) -> Score| {
        let mut tree = Tree::new();
        for number in shuffled(0..count) {
            tree.insert(format!("{number:010}").as_bytes(), score(number));
        }
        check(&tree);
        tree.memory() as f64 / count as f64
    };
    let equal = bytes(&|_| Score::ZERO);
    let ranks = bytes(&|number| Score::from(number as i32));
    let integers = bytes(&|number| Score::from(mix(number as u64) as i32));
    let doubles = bytes(&|number| Score::new(mix(number as u64) as f64 / 1e9).unwrap());
    let all = [equal, ranks, integers, doubles];
    assert!(all.iter().zip([28.0, 29.0, 32.0, 36.0]).all(|(bytes, most)| *bytes < most), "{all:?}");
    let small = ascending(200).memory() as f64 / 200.0;
    // Of 106.7 and 80.4 there.
    assert!(small < 40.0, "{small}");
}
