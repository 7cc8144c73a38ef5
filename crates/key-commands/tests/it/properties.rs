//! Properties that must hold whatever keys come and go.

use command_tests::Session;
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
