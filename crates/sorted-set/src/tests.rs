//! Sorted sets in both encodings against an ordered set, the thresholds, and the bytes of Redis.

use super::*;
use linear::mix;
use number::DoubleText;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

#[derive(Debug, Clone)]
enum Change {
    Insert(Vec<u8>, Score),
    Remove(Vec<u8>),
    RemoveRange(usize, usize),
    Pop(bool),
    Compact,
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => "[abc]{0,3}".prop_map(String::into_bytes),
        3 => (-20i64..20).prop_map(|value| value.to_string().into_bytes()),
        1 => (62usize..67).prop_map(|len| vec![b'm'; len]),
    ]
}

fn score() -> impl Strategy<Value = Score> {
    let value = prop_oneof![
        4 => (-5i32..5).prop_map(f64::from),
        2 => (-50i32..50).prop_map(|value| f64::from(value) / 10.0),
        1 => prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, 1e300, 5e-324]),
    ];
    value.prop_map(|value| Score::new(value).unwrap())
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        12 => (member(), score()).prop_map(|(member, score)| Change::Insert(member, score)),
        3 => member().prop_map(Change::Remove),
        1 => (0usize..40, 0usize..8).prop_map(|(start, len)| Change::RemoveRange(start, len)),
        1 => any::<bool>().prop_map(Change::Pop),
        1 => Just(Change::Compact),
    ]
}

type Pair = (Score, Vec<u8>);

fn pairs<'a>(pairs: impl Iterator<Item = (Item<'a>, Score)>) -> Vec<Pair> {
    pairs.map(|(member, score)| (score, member.to_vec())).collect()
}

fn is_large(member: &[u8]) -> bool {
    member.len() > 64
}

fn bounds() -> impl Strategy<Value = ScoreRange> {
    let bound = || {
        prop_oneof![
            Just(Bound::Unbounded),
            score().prop_map(Bound::Included),
            score().prop_map(Bound::Excluded)
        ]
    };
    (bound(), bound()).prop_map(|(min, max)| ScoreRange { min, max })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn behaves_like_an_ordered_set(
        changes in prop::collection::vec(change(), 0..150),
        zset_max_listpack_entries in 0usize..40,
        ranges in prop::collection::vec(bounds(), 4),
        seed in any::<u64>(),
    ) {
        let limits = Limits { zset_max_listpack_entries, ..Limits::DEFAULT };
        let mut set = SortedSet::new();
        let mut model: BTreeMap<Vec<u8>, Score> = BTreeMap::new();
        let mut is_tree = false;
        for change in changes {
            let order: BTreeSet<Pair> =
                model.iter().map(|(member, score)| (*score, member.clone())).collect();
            match change {
                Change::Insert(member, score) => {
                    let before = model.get(&member).copied();
                    prop_assert_eq!(set.insert(&member, score, &limits), before);
                    is_tree |= before.is_none() && is_large(&member);
                    model.insert(member, score);
                }
                Change::Remove(member) => prop_assert_eq!(set.remove(&member), model.remove(&member)),
                Change::RemoveRange(start, len) => {
                    let gone: Vec<_> = order.into_iter().skip(start).take(len).collect();
                    prop_assert_eq!(set.remove_range(start..start + len), gone.len());
                    gone.iter().for_each(|(_, member)| assert!(model.remove(member).is_some()));
                }
                Change::Pop(first) => {
                    let expected = if first { order.first() } else { order.last() };
                    let popped = set.pop(if first { End::Front } else { End::Back });
                    prop_assert_eq!(popped.as_ref().map(|(member, score)| (*score, member.clone())), expected.cloned());
                    popped.map(|(member, _)| model.remove(&member));
                }
                Change::Compact => {
                    set.compact(&limits);
                    is_tree &= model.len() > zset_max_listpack_entries
                        || model.keys().any(|member| is_large(member));
                }
            }
            is_tree |= model.len() > zset_max_listpack_entries;
            prop_assert_eq!(set.encoding(), if is_tree { "skiplist" } else { "listpack" });
            prop_assert_eq!(set.len(), model.len());
        }

        let order: BTreeSet<Pair> = model.iter().map(|(member, score)| (*score, member.clone())).collect();
        let order: Vec<Pair> = order.into_iter().collect();
        let len = order.len();
        prop_assert_eq!(&pairs(set.iter()), &order);
        let mut reversed = pairs(set.range(0..usize::MAX, Direction::Backward));
        reversed.reverse();
        prop_assert_eq!(&reversed, &order);
        for (rank, (score, member)) in order.iter().enumerate() {
            prop_assert_eq!(set.rank(member), Some((rank, *score)));
            prop_assert_eq!(set.score(member), Some(*score));
            prop_assert_eq!(pairs(set.get(rank).into_iter()), [(*score, member.clone())]);
            let middle = pairs(set.range(rank..rank + 3, Direction::Forward));
            prop_assert_eq!(&middle[..], &order[rank..(rank + 3).min(len)]);
            let mut middle = pairs(set.range(rank..rank + 3, Direction::Backward));
            middle.reverse();
            prop_assert_eq!(&middle[..], &order[rank..(rank + 3).min(len)]);
        }
        prop_assert_eq!(set.range(len..len + 9, Direction::Backward).count(), 0);
        prop_assert_eq!(set.range(0..0, Direction::Backward).count(), 0);
        prop_assert_eq!((set.score(b"absent"), set.rank(b"absent"), set.get(len)), (None, None, None));

        for range in ranges {
            let within = order.iter().filter(|(score, _)| !range.is_below(*score) && !range.is_above(*score));
            let within: Vec<_> = within.cloned().collect();
            let ranks = set.ranks_by_score(&range);
            prop_assert_eq!(pairs(set.range(ranks, Direction::Forward)), within);
        }

        let mut scanned = Vec::new();
        let mut cursor = 0;
        loop {
            cursor = set.scan(cursor, 3, |member, score| scanned.push((score, member.to_vec())));
            if cursor == 0 {
                break;
            }
        }
        scanned.sort();
        prop_assert_eq!(&scanned, &order);

        prop_assert_eq!(set.random(seed).is_some(), len > 0);
        let mut state = seed;
        for wanted in [0, 1, len / 4, len / 2, len, len + 1] {
            let mut chosen = BTreeSet::new();
            let random = || { state = mix(state); state };
            set.choose(wanted, random, |member, score| {
                assert_eq!(model.get(&member.to_vec()), Some(&score));
                assert!(chosen.insert(member.to_vec()));
                true
            });
            prop_assert_eq!(chosen.len(), wanted.min(len));
        }

        if let Some(listpack) = set.as_listpack() {
            let again = Listpack::from_bytes(listpack.as_bytes().to_vec()).unwrap();
            prop_assert_eq!(&SortedSet::from_listpack(again, &limits).unwrap(), &set);
        }
        let never = Limits { zset_max_listpack_entries: 0, ..limits };
        let mut tree = SortedSet::new();
        model.iter().for_each(|(member, score)| assert!(tree.insert(member, *score, &never).is_none()));
        prop_assert_eq!(&tree, &set);
        tree.insert(b"one more", Score::ZERO, &never);
        prop_assert_ne!(&tree, &set);
    }

    #[test]
    fn members_of_one_score_have_a_range_by_bytes(
        members in prop::collection::btree_set("[abc]{0,3}|[0-9]{1,2}", 0..60),
        texts in prop::collection::vec("[abc]{0,3}|[0-9]{1,2}", 8),
        score in score(),
        zset_max_listpack_entries in prop_oneof![Just(0), Just(128)],
    ) {
        let limits = Limits { zset_max_listpack_entries, ..Limits::DEFAULT };
        let mut set = SortedSet::new();
        members.iter().for_each(|member| assert!(set.insert(member.as_bytes(), score, &limits).is_none()));
        let mut ends = vec![LexBound::Lowest, LexBound::Highest];
        ends.extend(texts.iter().map(|text| LexBound::Included(text.as_bytes())));
        ends.extend(texts.iter().map(|text| LexBound::Excluded(text.as_bytes())));
        for min in &ends {
            for max in &ends {
                let range = LexRange { min: *min, max: *max };
                let within: Vec<_> = members
                    .iter()
                    .filter(|text| !range.is_below(text.as_bytes()) && !range.is_above(text.as_bytes()))
                    .map(|text| (score, text.clone().into_bytes()))
                    .collect();
                for direction in [Direction::Forward, Direction::Backward] {
                    let ranks = set.ranks_by_lex(&range, direction);
                    prop_assert_eq!(&pairs(set.range(ranks, Direction::Forward)), &within);
                }
            }
        }
    }

    #[test]
    fn any_listpack_is_a_sorted_set_or_not(
        items in prop::collection::vec("[ab]|[0-9]{1,2}|inf|nan|-?0|1e3", 0..12),
    ) {
        if let Ok(set) = SortedSet::from_listpack(items.iter().collect(), &Limits::DEFAULT) {
            prop_assert_eq!(set.len() * 2, items.len());
            prop_assert!(pairs(set.iter()).is_sorted_by(|a, b| a < b));
        }
    }
}

#[test]
fn a_score_is_a_number() {
    assert_eq!(Score::new(f64::NAN), None);
    assert_eq!(Score::new(-0.0), Some(Score::ZERO));
    assert_eq!(Score::new(-0.0).unwrap().cmp(&Score::ZERO), std::cmp::Ordering::Equal);
    assert!(Score::new(f64::NEG_INFINITY) < Score::new(f64::MIN));
}

/// As redis-server 7.0.15 and valkey-server 9.1.2 do: a listpack forgets the sign of a zero, a skip list keeps it.
#[test]
fn the_sign_of_a_zero() {
    let minus = Score::new(-0.0).unwrap();
    let limits = Limits::DEFAULT;
    let mut small = SortedSet::new();
    small.insert(b"m", minus, &limits);
    assert!(small.score(b"m").unwrap().get().is_sign_positive());
    let mut large = SortedSet::for_members(129, 1, &limits);
    large.insert(b"m", minus, &limits);
    assert!(large.score(b"m").unwrap().get().is_sign_negative());
    assert_eq!(large.insert(b"m", Score::ZERO, &limits), Some(minus));
    assert!(large.score(b"m").unwrap().get().is_sign_negative(), "equal scores change nothing");
}

#[test]
fn thresholds_are_those_of_redis() {
    let limits = Limits { zset_max_listpack_entries: 3, zset_max_listpack_value: 5, ..Limits::DEFAULT };
    let made = |count, longest| SortedSet::for_members(count, longest, &limits).encoding();
    assert_eq!((made(3, 5), made(4, 5), made(3, 6)), ("listpack", "skiplist", "skiplist"));
    let mut set = SortedSet::new();
    for member in ["a", "b", "12345"] {
        set.insert(member.as_bytes(), Score::ZERO, &limits);
    }
    set.insert(b"a", Score::from(1), &limits);
    assert_eq!(set.encoding(), "listpack");
    let mut long = set.clone();
    long.remove(b"a");
    long.insert(b"123456", Score::ZERO, &limits);
    assert_eq!(long.encoding(), "skiplist");
    set.insert(b"c", Score::ZERO, &limits);
    assert_eq!(set.encoding(), "skiplist");
    set.remove(b"c");
    assert_eq!(set.encoding(), "skiplist", "it does not change back by itself");
    set.compact(&limits);
    assert_eq!(set.encoding(), "listpack");
    long.compact(&limits);
    assert_eq!(long.encoding(), "skiplist");
    let mut small = SortedSet::new();
    small.expect(3, 5, &limits);
    assert_eq!(small.encoding(), "listpack");
    let mut wide = small.clone();
    wide.expect(1, 6, &limits);
    assert_eq!(wide.encoding(), "skiplist");
    small.expect(4, 0, &limits);
    assert_eq!(small.encoding(), "skiplist");
}

#[test]
fn a_listpack_from_outside_is_checked_and_sorted() {
    let limits = Limits { zset_max_listpack_entries: 2, ..Limits::DEFAULT };
    let load = |items: &[&str]| SortedSet::from_listpack(items.iter().collect(), &limits);
    assert_eq!(load(&["a", "1", "b"]), Err(NotASortedSet::OddCount));
    assert_eq!(load(&["a", "1", "a", "2"]), Err(NotASortedSet::DuplicateMember));
    assert_eq!(load(&["a", "nan"]), Err(NotASortedSet::NoScore));
    assert_eq!(load(&["a", "x"]), Err(NotASortedSet::NoScore));
    let long = "x".repeat(100);
    let set = load(&[&long, "2", "a", "1.50"]).unwrap();
    assert_eq!(set.encoding(), "listpack");
    let order: Vec<_> = set.iter().map(|(member, score)| (member.to_vec(), score.get())).collect();
    assert_eq!(order, [(b"a".to_vec(), 1.5), (long.into_bytes(), 2.0)]);
    assert_eq!(set.as_listpack().unwrap().iter().nth(1).unwrap().to_vec(), b"1.50", "texts stay as they are");
    assert_eq!(load(&["a", "1", "b", "1", "c", "1"]).unwrap().encoding(), "skiplist");
    // The integer 7 and the string "7" are the same member.
    let bytes = [16, 0, 0, 0, 4, 0, 7, 1, 0, 1, 0x81, b'7', 2, 0, 1, 0xFF];
    let listpack = Listpack::from_bytes(bytes.to_vec()).unwrap();
    assert_eq!(SortedSet::from_listpack(listpack, &limits), Err(NotASortedSet::DuplicateMember));
}

/// What both servers dumped after `ZADD z 1 one 0.1 7 1e18 big -inf low`.
#[test]
fn bytes_are_those_of_the_servers() {
    for (score_text, hex) in [
        (
            DoubleText::Digits17,
            "3f0000000800836c6f7704842d696e6605070193302e313030303030303030303030303030303114836f6e650401018362696704f4000064a7b3b6e00d09ff",
        ),
        (
            DoubleText::Shortest,
            "2f0000000800836c6f7704842d696e6605070183302e3104836f6e650401018362696704f4000064a7b3b6e00d09ff",
        ),
    ] {
        let limits = Limits { score_text, ..Limits::DEFAULT };
        let mut set = SortedSet::new();
        for (score, member) in [(1.0, "one"), (0.1, "7"), (1e18, "big"), (f64::NEG_INFINITY, "low")] {
            set.insert(member.as_bytes(), Score::new(score).unwrap(), &limits);
        }
        let bytes = set.as_listpack().unwrap().as_bytes();
        assert_eq!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), hex);
    }
}

/// Scores that differ: what stands together from one side, as both servers answer for a listpack.
#[test]
fn bytes_of_different_scores() {
    let mut set = SortedSet::new();
    for (score, member) in [(1, "b"), (2, "a"), (3, "c"), (4, "b2")] {
        set.insert(member.as_bytes(), Score::from(score), &Limits::DEFAULT);
    }
    let range = LexRange { min: LexBound::Included(b"b"), max: LexBound::Included(b"b9") };
    assert_eq!(set.ranks_by_lex(&range, Direction::Forward), 0..2);
    assert_eq!(set.ranks_by_lex(&range, Direction::Backward), 2..4);
}

#[test]
fn each_member_is_drawn_as_often() {
    for limits in [Limits::DEFAULT, Limits { zset_max_listpack_entries: 0, ..Limits::DEFAULT }] {
        let mut set = SortedSet::new();
        for number in 0..100 {
            set.insert(number.to_string().as_bytes(), Score::from(number), &limits);
        }
        let mut state = 1;
        let mut random = || {
            state = mix(state);
            state
        };
        let mut hits = BTreeMap::new();
        for _ in 0..50_000 {
            *hits.entry(set.random(random()).unwrap().0.to_vec()).or_insert(0u32) += 1;
        }
        // 500 expected, standard deviation 22.
        assert!(hits.len() == 100 && hits.values().all(|count| (380..620).contains(count)), "{hits:?}");
        for wanted in [10, 50] {
            let mut hits = BTreeMap::new();
            for _ in 0..500 * 100 / wanted {
                set.choose(wanted, &mut random, |member, _| {
                    *hits.entry(member.to_vec()).or_insert(0u32) += 1;
                    true
                });
            }
            assert!(hits.len() == 100 && hits.values().all(|count| (380..620).contains(count)), "{hits:?}");
        }
    }
}
