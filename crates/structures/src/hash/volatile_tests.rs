//! Fields that expire, against a plain map of fields with their expiries.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const NOW_MS: u64 = 1_700_000_000_000;

#[derive(Debug, Clone)]
enum Step {
    Set(u8, u8),
    SetWithTtl(u8, u8, FieldTtl),
    SetExpiry(u8, Option<u64>),
    Remove(u8),
    Pass(u64),
    RemoveDue(usize),
}

type Model = BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>;

fn field(number: u8) -> Vec<u8> {
    match number {
        40.. => vec![number; 250 + usize::from(number)],
        _ => number.to_string().into_bytes(),
    }
}

fn at_ms() -> impl Strategy<Value = u64> {
    prop_oneof![
        // Several in one window, and in windows beside each other.
        4 => (0u64..2_000).prop_map(|ms| NOW_MS + ms),
        1 => Just(NOW_MS + 500),
        1 => Just(1),
        1 => Just(u64::MAX),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let field = || 0u8..45;
    prop_oneof![
        2 => (field(), any::<u8>()).prop_map(|(field, value)| Step::Set(field, value)),
        4 => (field(), any::<u8>(), prop_oneof![
            Just(FieldTtl::Clear), Just(FieldTtl::Keep), at_ms().prop_map(FieldTtl::At)
        ]).prop_map(|(field, value, ttl)| Step::SetWithTtl(field, value, ttl)),
        4 => (field(), prop::option::weighted(0.8, at_ms())).prop_map(|(field, at)| Step::SetExpiry(field, at)),
        2 => field().prop_map(Step::Remove),
        1 => (0u64..400).prop_map(Step::Pass),
        1 => (0usize..5).prop_map(Step::RemoveDue),
    ]
}

/// Everything that readers and the owner can ask.
fn check(hash: &Hash, model: &Model, now_ms: u64) {
    let all: Model = hash
        .iter_with_expiry()
        .map(|(field, value, at_ms)| (field.to_vec(), (value.to_vec(), at_ms)))
        .collect();
    assert_eq!(&all, model);
    assert_eq!(hash.len(), model.len());
    assert_eq!(hash.is_volatile(), model.values().any(|(_, at_ms)| at_ms.is_some()));
    assert!(!hash.is_volatile() || hash.encoding() == "hashtable");
    let first = model.values().filter_map(|(_, at_ms)| *at_ms).min();
    match (first, hash.next_due_ms()) {
        (None, due) => assert_eq!(due, None),
        (Some(first), Some(due)) => assert!(due >= first && (due - first < 128 || due == u64::MAX)),
        (Some(_), None) => panic!("a field expires"),
    }
    let alive = hash.alive(now_ms);
    let is_alive = |at_ms: Option<u64>| at_ms.is_none_or(|at_ms| at_ms > now_ms);
    let expected: Vec<_> = model.iter().filter(|(_, (_, at_ms))| is_alive(*at_ms)).collect();
    assert_eq!((alive.len(), alive.is_empty()), (expected.len(), expected.is_empty()));
    for (field, (value, at_ms)) in model {
        let there = is_alive(*at_ms);
        assert_eq!(alive.contains(field), there);
        assert_eq!(alive.get(field).map(|value| value.to_vec()), there.then(|| value.clone()));
        assert_eq!(alive.value_len(field), if there { value.len() } else { 0 });
        assert_eq!(alive.expire_at(field), there.then_some(*at_ms));
    }
    let mut seen = Vec::new();
    let mut cursor = 0;
    loop {
        cursor = alive.scan(cursor, 3, |field, value| seen.push((field.to_vec(), value.to_vec())));
        if cursor == 0 {
            break;
        }
    }
    seen.sort();
    let read: BTreeMap<_, _> = alive.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
    let pairs: Vec<_> =
        expected.iter().map(|(field, (value, _))| ((*field).clone(), value.clone())).collect();
    assert_eq!(seen, pairs);
    assert_eq!(read.into_iter().collect::<Vec<_>>(), pairs);
    for random in [0, u64::MAX / 3, u64::MAX] {
        match alive.random(random) {
            Some((field, _)) => assert!(alive.contains(&field.to_vec())),
            None => assert!(expected.is_empty()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn behaves_like_a_map_with_expiries(steps in prop::collection::vec(step(), 1..80)) {
        let limits = Limits::default();
        let (mut hash, mut model, mut now_ms) = (Hash::new(), Model::new(), NOW_MS);
        for step in steps {
            let is_alive = |model: &Model, field: &[u8]| {
                model.get(field).is_some_and(|(_, at_ms)| at_ms.is_none_or(|at_ms| at_ms > now_ms))
            };
            match step {
                Step::Set(number, value) => {
                    let (field, value) = (field(number), vec![b'v'; value.into()]);
                    prop_assert_eq!(hash.set(&field, &value, &limits), !model.contains_key(&field));
                    model.insert(field, (value, None));
                }
                Step::SetWithTtl(number, value, ttl) => {
                    let (field, value) = (field(number), vec![b'w'; value.into()]);
                    let was_alive = is_alive(&model, &field);
                    let is_new = hash.set_with_ttl(&field, &value, ttl, now_ms, &limits);
                    prop_assert_eq!(is_new, !was_alive);
                    let at_ms = match ttl {
                        FieldTtl::Clear => None,
                        FieldTtl::Keep => model.get(&field).filter(|_| was_alive).and_then(|(_, at_ms)| *at_ms),
                        FieldTtl::At(at_ms) => Some(at_ms),
                    };
                    model.insert(field, (value, at_ms));
                }
                Step::SetExpiry(number, at_ms) => {
                    let field = field(number);
                    prop_assert_eq!(hash.set_expiry(&field, at_ms), model.contains_key(&field));
                    if let Some((_, old_ms)) = model.get_mut(&field) {
                        *old_ms = at_ms;
                    }
                }
                Step::Remove(number) => {
                    let field = field(number);
                    prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some());
                }
                Step::Pass(ms) => now_ms += ms,
                Step::RemoveDue(most) => {
                    let removed = hash.remove_due(now_ms, most);
                    prop_assert!(removed.len() <= most);
                    for field in &removed {
                        let (_, at_ms) = model.remove(&field[..]).expect("it was there");
                        prop_assert!(at_ms.is_some_and(|at_ms| at_ms <= now_ms));
                    }
                    let is_left = |at_ms: &u64| *at_ms != u64::MAX && at_ms + 128 <= now_ms;
                    if removed.len() < most {
                        prop_assert!(!model.values().filter_map(|(_, at_ms)| at_ms.as_ref()).any(is_left));
                    }
                }
            }
            check(&hash, &model, now_ms);
        }
        let copy = hash.clone();
        prop_assert_eq!(&copy, &hash);
        check(&copy, &model, now_ms);
    }
}

/// Many fields of one window, so many that their hashes share low bits, each found all the same.
#[test]
fn fields_that_share_a_window_leave_one_by_one() {
    let mut hash = Hash::new();
    let limits = Limits::default();
    let fields = 30_000u32;
    for number in 0..fields {
        let field = number.to_string();
        hash.set_with_ttl(field.as_bytes(), b"v", FieldTtl::At(NOW_MS), NOW_MS - 1, &limits);
    }
    for number in (0..fields).step_by(2) {
        assert!(hash.set_expiry(number.to_string().as_bytes(), None));
    }
    assert_eq!((hash.len(), hash.alive(NOW_MS).len()), (30_000, 15_000));
    let mut removed = 0;
    loop {
        let some = hash.remove_due(NOW_MS + 127, 1_000);
        if some.is_empty() {
            break;
        }
        removed += some.len();
    }
    assert_eq!((removed, hash.len(), hash.is_volatile(), hash.next_due_ms()), (15_000, 15_000, false, None));
}

/// Two fields whose keys in the order are the same: the key stays for the one that stays.
#[test]
fn colliding_fields_share_a_key() {
    let limits = Limits::default();
    let mut hash = Hash::new();
    let hasher = hashing::Hasher::of_process();
    // Names enough that hundreds of pairs collide in 28 bits.
    let mut names = std::collections::HashMap::new();
    let (one, other) = (0..400_000u32)
        .map(|number| number.to_string().into_bytes())
        .find_map(|name| {
            let low = Key::new(0, hasher.hash(&name)).low_hash();
            names.insert(low, name.clone()).map(|other| (name, other))
        })
        .expect("two of them collide");
    for field in [&one, &other] {
        hash.set_with_ttl(field, b"v", FieldTtl::At(NOW_MS), NOW_MS - 1, &limits);
    }
    assert!(hash.remove(&one));
    assert!(hash.is_volatile());
    hash.set_with_ttl(&one, b"v", FieldTtl::At(NOW_MS), NOW_MS - 1, &limits);
    let mut removed = hash.remove_due(NOW_MS + 127, 1);
    assert!(hash.is_volatile());
    removed.extend(hash.remove_due(NOW_MS + 127, 9));
    removed.sort();
    let mut both = [one, other];
    both.sort();
    assert!(removed.iter().map(|field| &field[..]).eq(both.iter().map(|field| &field[..])));
    assert!(hash.is_empty() && !hash.is_volatile());
}

/// A hash pays for expiries only if it has some, and gets rid of what they took.
#[test]
fn memory_follows_expiries() {
    let mut hash = Hash::new();
    let limits = Limits { hash_max_listpack_entries: 0, ..Limits::default() };
    (0..1_000u32).for_each(|number| _ = hash.set(number.to_string().as_bytes(), b"value", &limits));
    let without = hash.memory();
    for number in 0..1_000u32 {
        hash.set_expiry(number.to_string().as_bytes(), Some(NOW_MS + u64::from(number) * 1_000));
    }
    let each = (hash.memory() - without) as f64 / 1_000.0;
    assert!((17.0..22.0).contains(&each), "{each} bytes an expiry");
    (0..1_000u32).for_each(|number| _ = hash.set_expiry(number.to_string().as_bytes(), None));
    assert_eq!(hash.memory(), without);
}
