//! Properties that must hold whatever the arguments.

use crate::session::Session;
use profile::Profile;
use proptest::prelude::*;
use resp::{Decoder, Frame};
use std::collections::{BTreeMap, BTreeSet};

fn call(session: &mut Session, argv: &[&[u8]]) -> Frame {
    let reply = session.call(argv);
    let mut decoder = Decoder::new();
    decoder.feed(&reply);
    decoder.next_frame().expect("well-formed").expect("whole")
}

/// One call of SCAN: the next cursor and the keys.
fn scan(session: &mut Session, cursor: &[u8], count: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let count = count.to_string();
    match call(session, &[b"SCAN", cursor, b"COUNT", count.as_bytes()]) {
        Frame::Array(parts) => match <[Frame; 2]>::try_from(parts) {
            Ok([Frame::Bulk(cursor), Frame::Array(keys)]) => {
                let bulk = |key| match key {
                    Frame::Bulk(key) => key,
                    other => panic!("{other:?} in place of a key"),
                };
                (cursor, keys.into_iter().map(bulk).collect())
            }
            other => panic!("{other:?} from SCAN"),
        },
        other => panic!("{other:?} from SCAN"),
    }
}

/// Names of which many share a slot.
fn key(number: u16) -> Vec<u8> {
    if number.is_multiple_of(2) {
        format!("{{t}}{number}").into_bytes()
    } else {
        number.to_string().into_bytes()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Keys that stay during a scan are returned exactly once, though others come and go between its calls, by
    /// hundreds, so that tables grow and shrink.
    #[test]
    fn a_scan_returns_what_stays(
        staying in prop::collection::btree_set(0u16..400, 0..80),
        bursts in prop::collection::vec((any::<bool>(), 1000u16..3000, 1u16..900), 0..12),
        count in 1usize..30,
    ) {
        let mut session = Session::new(Profile::Valkey80);
        for &number in &staying {
            call(&mut session, &[b"SET", &key(number), b"x"]);
        }
        let mut bursts = bursts.into_iter();
        let mut seen: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        let mut cursor = b"0".to_vec();
        loop {
            let (next, keys) = scan(&mut session, &cursor, count);
            for key in keys {
                *seen.entry(key).or_default() += 1;
            }
            if next == b"0" {
                break;
            }
            cursor = next;
            if let Some((add, from, many)) = bursts.next() {
                for number in from..from + many {
                    let key = key(number);
                    if add { call(&mut session, &[b"SET", &key, b"y"]) } else { call(&mut session, &[b"DEL", &key]) };
                }
            }
        }
        for &number in &staying {
            prop_assert_eq!(seen.get(&key(number)), Some(&1), "key {}", number);
        }
    }

    /// Strings behave as vectors of bytes and integers.
    #[test]
    fn strings_follow_a_model(steps in prop::collection::vec(step(), 1..60)) {
        let mut session = Session::new(Profile::Redis70);
        let mut model: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        for step in steps {
            let name = [b'a' + step.key];
            let (argv, expected) = step.apply(&mut model);
            let mut words: Vec<&[u8]> = vec![argv[0].as_slice(), &name];
            words.extend(argv[1..].iter().map(Vec::as_slice));
            let reply = call(&mut session, &words);
            prop_assert_eq!(reply, expected, "{:?}", words);
            let stored = match call(&mut session, &[b"GET", &name]) {
                Frame::Bulk(bytes) => Some(bytes),
                _ => None,
            };
            prop_assert_eq!(stored.as_ref(), model.get(&step.key));
        }
        let listed = call(&mut session, &[b"DBSIZE"]);
        prop_assert_eq!(listed, Frame::Integer(model.len() as i64));
    }

    /// What LCS finds is a common subsequence of the length it says, and no longer one is there.
    #[test]
    fn lcs_is_common_and_longest(a in "[abc]{0,24}", b in "[abc]{0,24}") {
        let mut session = Session::new(Profile::Redis70);
        call(&mut session, &[b"MSET", b"a", a.as_bytes(), b"b", b.as_bytes()]);
        let Frame::Bulk(found) = call(&mut session, &[b"LCS", b"a", b"b"]) else { panic!("a string") };
        for text in [a.as_bytes(), b.as_bytes()] {
            let mut rest = text.iter();
            prop_assert!(found.iter().all(|byte| rest.any(|other| other == byte)));
        }
        let len = call(&mut session, &[b"LCS", b"a", b"b", b"LEN"]);
        prop_assert_eq!(len, Frame::Integer(found.len() as i64));
        prop_assert_eq!(found.len(), longest(a.as_bytes(), b.as_bytes()));
    }
}

/// The length of the longest common subsequence, by the set of reachable positions in `b` for each length.
fn longest(a: &[u8], b: &[u8]) -> usize {
    let mut ends: Vec<usize> = Vec::new();
    for x in a {
        for at in (0..=ends.len()).rev() {
            let from = if at == 0 { 0 } else { ends[at - 1] + 1 };
            if let Some(next) = (from..b.len()).find(|&place| b[place] == *x) {
                if at == ends.len() {
                    ends.push(next);
                } else {
                    ends[at] = ends[at].min(next);
                }
            }
        }
    }
    ends.len()
}

#[derive(Debug, Clone)]
struct Step {
    key: u8,
    action: Action,
}

#[derive(Debug, Clone)]
enum Action {
    Set(Vec<u8>),
    Append(Vec<u8>),
    SetRange(u8, Vec<u8>),
    IncrBy(i64),
    GetDel,
    StrLen,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = || {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..12),
            (-20i64..2000).prop_map(|n| n.to_string().into_bytes())
        ]
    };
    let action = prop_oneof![
        bytes().prop_map(Action::Set),
        bytes().prop_map(Action::Append),
        (0u8..30, bytes()).prop_map(|(at, bytes)| Action::SetRange(at, bytes)),
        prop_oneof![-50i64..50, any::<i64>()].prop_map(Action::IncrBy),
        Just(Action::GetDel),
        Just(Action::StrLen),
    ];
    (0u8..3, action).prop_map(|(key, action)| Step { key, action })
}

impl Step {
    /// The command without its key, and its reply.
    fn apply(&self, model: &mut BTreeMap<u8, Vec<u8>>) -> (Vec<Vec<u8>>, Frame) {
        let key = self.key;
        let len = |model: &BTreeMap<u8, Vec<u8>>| Frame::Integer(model.get(&key).map_or(0, Vec::len) as i64);
        match &self.action {
            Action::Set(bytes) => {
                model.insert(key, bytes.clone());
                (vec![b"SET".to_vec(), bytes.clone()], Frame::Simple(b"OK".to_vec()))
            }
            Action::Append(bytes) => {
                model.entry(key).or_default().extend_from_slice(bytes);
                (vec![b"APPEND".to_vec(), bytes.clone()], len(model))
            }
            Action::SetRange(at, bytes) => {
                if !bytes.is_empty() {
                    let (at, value) = (usize::from(*at), model.entry(key).or_default());
                    value.resize(value.len().max(at + bytes.len()), 0);
                    value[at..at + bytes.len()].copy_from_slice(bytes);
                }
                (vec![b"SETRANGE".to_vec(), at.to_string().into_bytes(), bytes.clone()], len(model))
            }
            Action::IncrBy(by) => {
                let old = model.get(&key).map_or(Ok(0), |bytes| {
                    let text = String::from_utf8_lossy(bytes).into_owned();
                    let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
                    number.ok_or("ERR value is not an integer or out of range")
                });
                let new = old
                    .and_then(|old| old.checked_add(*by).ok_or("ERR increment or decrement would overflow"));
                if let Ok(new) = new {
                    model.insert(key, new.to_string().into_bytes());
                }
                let reply = new.map_or_else(|text| Frame::Error(text.into()), Frame::Integer);
                (vec![b"INCRBY".to_vec(), by.to_string().into_bytes()], reply)
            }
            Action::GetDel => {
                let reply = model.remove(&key).map_or(Frame::NullBulk, Frame::Bulk);
                (vec![b"GETDEL".to_vec()], reply)
            }
            Action::StrLen => (vec![b"STRLEN".to_vec()], len(model)),
        }
    }
}

/// Sums that a real redis-server computed: start, increment, result.
#[test]
fn incrbyfloat_gives_the_recorded_sums() {
    let fixtures = include_str!("../../../number/src/fixtures/incrbyfloat.txt");
    let mut session = Session::new(Profile::Redis70);
    let mut checked = 0;
    for line in fixtures.lines() {
        let [start, by, sum] = line.split(' ').collect::<Vec<_>>()[..] else { continue };
        call(&mut session, &[b"SET", b"n", start.as_bytes()]);
        let reply = call(&mut session, &[b"INCRBYFLOAT", b"n", by.as_bytes()]);
        assert_eq!(reply, Frame::Bulk(sum.into()), "{line}");
        checked += 1;
    }
    assert!(checked > 100, "only {checked} sums");
}

/// RANDOMKEY finds every key, and never one that has expired.
#[test]
fn randomkey_finds_all_that_have_not_expired() {
    let mut session = Session::new(Profile::Valkey80);
    for number in 0..20 {
        call(&mut session, &[b"SET", &key(number), b"x"]);
        call(&mut session, &[b"SET", &key(100 + number), b"x", b"PX", b"10"]);
    }
    session.now_ms += 10;
    let found: BTreeSet<Vec<u8>> = (0..1000)
        .map(|_| match call(&mut session, &[b"RANDOMKEY"]) {
            Frame::Bulk(key) => key,
            other => panic!("{other:?} from RANDOMKEY"),
        })
        .collect();
    assert_eq!(found, (0..20).map(key).collect());
}
