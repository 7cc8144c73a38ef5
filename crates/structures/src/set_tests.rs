//! Sets against a plain set, the thresholds of their encodings, and what is random about them.

use super::*;
use hashing::Hasher;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
enum Change {
    Add(Vec<u8>),
    Remove(Vec<u8>),
    Pop(u64),
    BecomeIntSet,
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0i64..60).prop_map(|value| value.to_string().into_bytes()),
        1 => prop::sample::select(vec![i64::MIN, 70_000, i64::MAX])
            .prop_map(|value| value.to_string().into_bytes()),
    ]
    .boxed()
}

fn any_member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => member(),
        4 => "[abc]{0,3}".prop_map(String::into_bytes),
        1 => "0[0-9]{0,2}".prop_map(String::into_bytes),
        1 => (60usize..70).prop_map(|len| vec![b'm'; len]),
        1 => (250usize..260).prop_map(|len| vec![b'm'; len]),
    ]
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = |member: BoxedStrategy<Vec<u8>>| {
        prop_oneof![
            6 => member.clone().prop_map(Change::Add),
            2 => member.prop_map(Change::Remove),
            1 => any::<u64>().prop_map(Change::Pop),
        ]
    };
    let change_or_return = prop_oneof![
        9 => change(any_member().boxed()),
        1 => Just(Change::BecomeIntSet),
    ];
    // Integers alone first, so that intsets grow.
    (prop::collection::vec(change(member().boxed()), 0..40), prop::collection::vec(change_or_return, 0..120))
        .prop_map(|(first, rest)| [first, rest].concat())
}

fn contents(set: &Set) -> BTreeSet<Vec<u8>> {
    set.iter().map(|member| member.to_vec()).collect()
}

/// Encodings as the thresholds say, kept beside the set.
struct Model {
    members: BTreeSet<Vec<u8>>,
    encoding: Encoding,
    limits: Limits,
}

fn is_integer(member: &[u8]) -> bool {
    number::parse_i64(member).is_some()
}

impl Model {
    fn add(&mut self, member: Vec<u8>) -> bool {
        if self.members.contains(&member) {
            return false;
        }
        let fits_in_listpack = self.members.len() < self.limits.set_max_listpack_entries
            && member.len() <= self.limits.set_max_listpack_value;
        self.encoding = match self.encoding {
            Encoding::IntSet if is_integer(&member) => {
                let fits = self.members.len() < self.limits.set_max_intset_entries;
                if fits { Encoding::IntSet } else { Encoding::Table }
            }
            Encoding::IntSet | Encoding::Listpack if fits_in_listpack => Encoding::Listpack,
            _ => Encoding::Table,
        };
        self.members.insert(member)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn behaves_like_a_set(
        changes in changes(),
        set_max_intset_entries in 0usize..40,
        set_max_listpack_entries in 0usize..40,
        seed in any::<u64>(),
    ) {
        let limits = Limits { set_max_intset_entries, set_max_listpack_entries, ..Limits::DEFAULT };
        let mut set = Set::new();
        let mut model = Model { members: BTreeSet::new(), encoding: Encoding::IntSet, limits };
        for change in changes {
            match change {
                Change::Add(member) => prop_assert_eq!(set.add(&member, &limits), model.add(member)),
                Change::Remove(member) => {
                    prop_assert_eq!(set.remove(&member), model.members.remove(&member));
                    prop_assert!(!set.contains(&member));
                }
                Change::Pop(random) => match set.pop(random) {
                    Some(member) => prop_assert!(model.members.remove(&member)),
                    None => prop_assert!(model.members.is_empty()),
                },
                Change::BecomeIntSet => {
                    let becomes = model.encoding == Encoding::IntSet
                        || (model.members.len() <= set_max_intset_entries
                            && model.members.iter().all(|member| is_integer(member)));
                    prop_assert_eq!(set.become_intset(&limits), becomes);
                    if becomes {
                        model.encoding = Encoding::IntSet;
                    }
                }
            }
            prop_assert_eq!(set.encoding(), model.encoding);
            prop_assert_eq!(set.len(), model.members.len());
        }
        check(&set);
        let members = model.members;
        prop_assert_eq!(&contents(&set), &members);
        prop_assert!(members.iter().all(|member| set.contains(member)));
        prop_assert!(!set.contains(b"absent"));

        let mut scanned = Vec::new();
        let mut cursor = 0;
        loop {
            cursor = set.scan(cursor, 3, |member| scanned.push(member.to_vec()));
            if cursor == 0 {
                break;
            }
        }
        scanned.sort();
        prop_assert!(scanned.iter().eq(members.iter()));

        let mut visited = Vec::new();
        let mut place = Some(Place::default());
        let mut at_a_time = 0;
        while let Some(from) = place {
            at_a_time += 1;
            let enough = visited.len() + at_a_time;
            place = set.visit_from(from, |member| {
                let goes_on = visited.len() < enough;
                if goes_on {
                    visited.push(member.to_vec());
                }
                goes_on
            });
        }
        let in_order: Vec<_> = set.iter().map(|member| member.to_vec()).collect();
        prop_assert_eq!(visited, in_order);

        match set.random(seed) {
            Some(member) => prop_assert!(members.contains(&member.to_vec())),
            None => prop_assert!(members.is_empty()),
        }
        let mut state = seed;
        for wanted in [0, 1, members.len() / 4, members.len() / 2, members.len(), members.len() + 1] {
            let mut chosen = BTreeSet::new();
            let random = || { state = mix(state); state };
            set.choose(wanted, random, |member| { assert!(chosen.insert(member.to_vec())); true });
            prop_assert_eq!(chosen.len(), wanted.min(members.len()));
            prop_assert!(chosen.is_subset(&members));
        }

        // The same members in a table.
        let mut table = Set::in_encoding(Encoding::Table);
        members.iter().for_each(|member| assert!(table.add(member, &limits)));
        prop_assert_eq!(&table, &set);
        prop_assert_eq!(&set, &table);
        table.add(b"one more", &limits);
        prop_assert_ne!(&table, &set);
    }
}

/// Every bucket's count is kept right.
fn check(set: &Set) {
    if let Repr::Table(table) = &set.repr {
        let counts: Vec<usize> = table.buckets.iter().map(Rows::count).collect();
        assert!((0..counts.len()).all(|bucket| table.count(bucket) == counts[bucket]));
        assert_eq!(table.counts.iter().map(Vec::len).sum::<usize>(), counts.len());
        assert_eq!(counts.iter().sum::<usize>(), table.len);
        assert!(counts.iter().all(|count| *count <= table.longest));
    }
}

fn set_of(count: usize) -> Set {
    let mut set = Set::in_encoding(Encoding::Table);
    (0..count).for_each(|number| assert!(set.add(number.to_string().as_bytes(), &Limits::DEFAULT)));
    set
}

#[test]
fn a_command_with_many_members_chooses_the_encoding() {
    let limits = Limits::DEFAULT;
    let made = |first: &[u8], count| Set::for_members(first, count, &limits).encoding();
    assert_eq!(made(b"1", 512), Encoding::IntSet);
    assert_eq!(made(b"1", 513), Encoding::Table);
    assert_eq!(made(b"a", 128), Encoding::Listpack);
    assert_eq!(made(b"a", 129), Encoding::Table);
    let old = Limits { set_max_listpack_entries: 0, ..limits };
    assert_eq!(Set::for_members(b"1", 1, &old).encoding(), Encoding::IntSet);
    assert_eq!(Set::for_members(b"a", 1, &old).encoding(), Encoding::Table);

    let after = |encoding, count| {
        let mut set = Set::in_encoding(encoding);
        set.expect(count, &limits);
        set.encoding()
    };
    assert_eq!(after(Encoding::IntSet, 512), Encoding::IntSet);
    assert_eq!(after(Encoding::IntSet, 513), Encoding::Table);
    assert_eq!(after(Encoding::Listpack, 128), Encoding::Listpack);
    assert_eq!(after(Encoding::Listpack, 129), Encoding::Table);
}

#[test]
fn a_string_among_integers_makes_a_listpack_if_all_of_it_fits() {
    let with = |integers: &[i64], member: &str, limits: Limits| {
        let mut set = Set::from_intset(integers.iter().copied().collect(), &limits);
        assert!(set.add(member.as_bytes(), &limits));
        assert_eq!(set.len(), integers.len() + 1);
        set.encoding()
    };
    let limits = Limits::DEFAULT;
    assert_eq!(with(&[1, 2], "a", limits), Encoding::Listpack);
    assert_eq!(with(&[1, 2], &"a".repeat(64), limits), Encoding::Listpack);
    assert_eq!(with(&[1, 2], &"a".repeat(65), limits), Encoding::Table);
    assert_eq!(with(&Vec::from_iter(0..127), "a", limits), Encoding::Listpack);
    assert_eq!(with(&Vec::from_iter(0..128), "a", limits), Encoding::Table);
    // The integers have lengths too, the negative one the longest.
    let short = Limits { set_max_listpack_value: 4, ..limits };
    assert_eq!(with(&[-100, 9999], "a", short), Encoding::Listpack);
    assert_eq!(with(&[-1000, 9999], "a", short), Encoding::Table);
    assert_eq!(with(&[1], "a", Limits { set_max_listpack_entries: 0, ..limits }), Encoding::Table);
}

#[test]
fn what_is_loaded_is_converted_by_its_count() {
    let limits = Limits { set_max_intset_entries: 2, set_max_listpack_entries: 2, ..Limits::DEFAULT };
    let integers = |count: i64| Set::from_intset((0..count).collect(), &limits).encoding();
    assert_eq!((integers(2), integers(3)), (Encoding::IntSet, Encoding::Table));
    let load = |items: &[&str]| Set::from_listpack(items.iter().collect(), &limits).map(|set| set.encoding());
    assert_eq!(load(&["a", &"b".repeat(100)]), Ok(Encoding::Listpack));
    assert_eq!(load(&["a", "b", "c"]), Ok(Encoding::Table));
    assert_eq!(load(&["a", "b", "a"]), Err(DuplicateMember));
    // The integer 7 and the string "7" are the same member.
    let bytes = [12, 0, 0, 0, 2, 0, 7, 1, 0x81, b'7', 2, 0xFF];
    let listpack = Listpack::from_bytes(bytes.to_vec()).unwrap();
    assert_eq!(Set::from_listpack(listpack, &limits), Err(DuplicateMember));
}

#[test]
fn each_member_is_drawn_as_often() {
    let limits = Limits::DEFAULT;
    for encoding in [Encoding::IntSet, Encoding::Listpack, Encoding::Table] {
        let mut set = Set::in_encoding(encoding);
        (0..100).for_each(|number: u32| assert!(set.add(number.to_string().as_bytes(), &limits)));
        assert_eq!(set.encoding(), encoding);
        let mut hits = BTreeMap::new();
        for draw in 0..50_000 {
            *hits.entry(set.random(mix(draw)).unwrap().to_vec()).or_insert(0u32) += 1;
        }
        // 500 expected, standard deviation 22.
        assert!(hits.len() == 100 && hits.values().all(|count| (380..620).contains(count)), "{hits:?}");
        for wanted in [10, 50] {
            let mut hits = BTreeMap::new();
            let mut state = 1;
            for _ in 0..500 * 100 / wanted {
                let random = || {
                    state = mix(state);
                    state
                };
                set.choose(wanted, random, |member| {
                    *hits.entry(member.to_vec()).or_insert(0u32) += 1;
                    true
                });
            }
            assert!(hits.len() == 100 && hits.values().all(|count| (380..620).contains(count)), "{hits:?}");
        }
    }
}

/// Merges make buckets longer too: what they hold is drawn as often as the rest.
#[test]
fn each_member_that_is_left_is_drawn_as_often() {
    let mut set = set_of(4_000);
    (100..4_000).for_each(|number| assert!(set.remove(number.to_string().as_bytes())));
    check(&set);
    let mut hits = BTreeMap::new();
    for draw in 0..50_000 {
        *hits.entry(set.random(mix(draw)).unwrap().to_vec()).or_insert(0u32) += 1;
    }
    assert!(hits.len() == 100 && hits.values().all(|count| (380..620).contains(count)), "{hits:?}");
}

/// Each encoding, and as many from it as any number may be.
#[test]
fn several_members_are_popped_at_once() {
    let mut state = 1;
    let mut random = || {
        state = mix(state);
        state
    };
    for (len, count) in [(10, 0), (10, 3), (10, 9), (10, 10), (10, 11), (3_000, 50), (3_000, 2_999)] {
        for member in [|at: usize| at.to_string(), |at: usize| format!("member {at}")] {
            let mut set = Set::new();
            (0..len).for_each(|at| assert!(set.add(member(at).as_bytes(), &Limits::DEFAULT)));
            let (all, encoding) = (contents(&set), set.encoding());
            let popped = set.pop_some(count, &mut random);
            assert_eq!(popped.len(), count.min(len));
            assert_eq!(set.encoding(), encoding);
            check(&set);
            let popped: BTreeSet<Vec<u8>> = popped.into_iter().collect();
            assert_eq!(popped.len(), count.min(len), "each once");
            assert!(popped.is_disjoint(&contents(&set)));
            assert_eq!(&popped | &contents(&set), all);
        }
    }
}

/// Pops three of six members many times: each is among them as often.
#[test]
fn each_member_is_popped_as_often() {
    let mut counts = [0; 6];
    let mut state = 7;
    for _ in 0..6_000 {
        let mut set = set_of(6);
        assert!(set.become_intset(&Limits::DEFAULT));
        let popped = set.pop_some(3, || {
            state = mix(state);
            state
        });
        for member in popped {
            counts[number::parse_i64(&member).expect("an integer") as usize] += 1;
        }
    }
    assert!(counts.iter().all(|count| (2_700..3_300).contains(count)), "{counts:?}");
}

#[test]
fn elements_of_other_sets_are_found() {
    let mut integers = set_of(20);
    assert!(integers.become_intset(&Limits::DEFAULT));
    let mut words = integers.clone();
    words.add(b"word", &Limits::DEFAULT);
    let mut table = Set::in_encoding(Encoding::Table);
    assert_eq!(words.encoding(), Encoding::Listpack);
    words.iter().for_each(|member| assert!(table.add(&member.to_vec(), &Limits::DEFAULT)));
    for set in [&integers, &words, &table] {
        assert!(integers.iter().all(|member| set.has(member)));
        assert_eq!(words.iter().filter(|member| !set.has(*member)).count(), 21 - set.len());
        assert_eq!(table.iter().filter(|member| !set.has(*member)).count(), 21 - set.len());
    }
}

#[test]
fn a_choice_ends_when_it_is_refused() {
    for set in [set_of(1_000), Set::from_intset((0..100).collect(), &Limits::DEFAULT)] {
        for wanted in [10, 90] {
            let (mut visited, mut state) = (0, 0);
            let random = || {
                state = mix(state);
                state
            };
            set.choose(wanted, random, |_| {
                visited += 1;
                visited < 3
            });
            assert_eq!(visited, 3);
        }
    }
}

#[test]
fn a_scan_step_is_short() {
    let set = set_of(10_000);
    let (mut cursor, mut seen, mut steps) = (0, BTreeSet::new(), 0);
    loop {
        let mut visited = 0;
        cursor = set.scan(cursor, 10, |member| {
            assert!(seen.insert(member.to_vec()));
            visited += 1;
        });
        assert!(visited < 60, "a step of 10 visited {visited}");
        steps += 1;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), 10_000);
    assert!(steps > 300);
    for start in [1, 77, u64::MAX, u64::MAX - 1, 1 << 63] {
        let mut cursor = start;
        for step in 0.. {
            cursor = set.scan(cursor, 10, |_| {});
            if cursor == 0 {
                break;
            }
            assert!(step < 5_000, "cursor {start} does not end");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Members 0 … fixed stay for the whole scan; between its steps others come and go in great numbers.
    #[test]
    fn what_stays_is_scanned(
        fixed in 1usize..400,
        bursts in prop::collection::vec((any::<bool>(), 0usize..800), 1..30),
        count in 1usize..30,
    ) {
        let mut set = set_of(fixed);
        let mut guests = Vec::new();
        let mut next_guest = fixed;
        let mut seen = BTreeSet::new();
        let mut cursor = 0;
        let mut bursts = bursts.into_iter();
        loop {
            cursor = set.scan(cursor, count, |member| assert!(seen.insert(member.to_vec()), "twice"));
            if cursor == 0 {
                break;
            }
            match bursts.next() {
                Some((true, many)) => for _ in 0..many {
                    set.add(next_guest.to_string().as_bytes(), &Limits::DEFAULT);
                    guests.push(next_guest.to_string());
                    next_guest += 1;
                },
                Some((false, many)) => for guest in guests.drain(..many.min(guests.len())) {
                    prop_assert!(set.remove(guest.as_bytes()));
                },
                None => {}
            }
        }
        check(&set);
        prop_assert!((0..fixed).all(|number| seen.contains(number.to_string().as_bytes())));
        prop_assert_eq!(set.len(), fixed + guests.len());
        prop_assert!(guests.iter().all(|guest| set.contains(guest.as_bytes())));
    }
}

/// Hashes that are all the same, or that differ only in bits that a table of this size does not look at.
#[test]
fn a_table_whose_hashes_collide_loses_nothing() {
    for common in [u64::MAX, u64::MAX >> 20, u64::MAX << 32] {
        let buckets = Buckets::with_hasher(Hasher::colliding(1, common));
        let mut set = Set { repr: Repr::Table(Box::new(Table::with_buckets(buckets))) };
        (0..2_000).for_each(|number| assert!(set.add(number.to_string().as_bytes(), &Limits::DEFAULT)));
        assert!((0..2_000).all(|number| set.contains(number.to_string().as_bytes())));
        assert!(!set.contains(b"2000"));
        let (mut seen, mut cursor) = (BTreeSet::new(), 0);
        loop {
            cursor = set.scan(cursor, 10, |member| assert!(seen.insert(member.to_vec())));
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), 2_000);
        check(&set);
        assert!(set.random(7).is_some());
        (0..2_000).for_each(|number| assert!(set.remove(number.to_string().as_bytes())));
        assert!(set.is_empty() && set.random(7).is_none());
    }
}

/// `cargo run --example bytes` prints what members take. MEMORY USAGE of the same: 55.7 bytes in redis-server 7.0.15, 38.6 in valkey-server 9.1.2.
#[test]
fn memory_follows_what_is_stored() {
    let mut set = Set::in_encoding(Encoding::Table);
    let empty = set.memory();
    for number in 0..100_000 {
        set.add(format!("{number:010}").as_bytes(), &Limits::DEFAULT);
    }
    let bytes = (set.memory() - empty) as f64 / 100_000.0;
    assert!(bytes < 18.0, "{bytes}");
    for number in 0..100_000 {
        assert!(set.remove(format!("{number:010}").as_bytes()));
    }
    assert!(set.memory() <= empty + 400, "{} after {empty}", set.memory());
}
