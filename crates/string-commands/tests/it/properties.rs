//! Properties that must hold whatever the arguments.

use command_tests::Session;
use profile::Profile;
use proptest::prelude::*;
use resp::{Decoder, Frame};
use std::collections::BTreeMap;

fn call(session: &mut Session, argv: &[&[u8]]) -> Frame {
    let reply = session.call(argv);
    let mut decoder = Decoder::new();
    decoder.feed(&reply);
    decoder.next_frame().expect("well-formed").expect("whole")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

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
