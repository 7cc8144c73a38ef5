//! Commands that go through the keyspace in pieces, while keys come and go between these.

use command_tests::Session;
use commands::{Error, Flow, Progress};
use profile::Profile;
use std::collections::BTreeSet;
use std::sync::Barrier;
use topology::Slot;

/// The commands, each of which returns all keys. The keys of a reply are what begins with a letter.
const WALKS: [&str; 3] = ["KEYS *", "KEYS *?", "SCAN 0 COUNT 100000"];

/// In one slot more than a piece takes, and some in most others.
fn populate(session: &mut Session) -> BTreeSet<String> {
    let names = (0..1500).map(|n| format!("{{a}}stays{n}")).chain((0..4000).map(|n| format!("stays{n}")));
    let names: BTreeSet<String> = names.collect();
    names.iter().for_each(|name| _ = session.line(&format!("SET {name} 1")));
    names
}

/// The keys of a finished reply, none of them twice.
fn keys(reply: &[u8]) -> BTreeSet<String> {
    let lines = command_tests::printed::lines(reply);
    let quoted = lines.iter().filter_map(|line| line.split('"').nth(1));
    let keys: Vec<String> = quoted.filter(|text| text.parse::<u64>().is_err()).map(str::to_owned).collect();
    let set: BTreeSet<String> = keys.iter().cloned().collect();
    assert_eq!(set.len(), keys.len(), "a key comes twice");
    set
}

#[test]
fn what_stays_is_returned_once_whatever_comes_and_goes_between_pieces() {
    for walk in WALKS {
        let mut session = Session::new(Profile::Redis70);
        let stay = populate(&mut session);
        session.line("SELECT 1");
        session.line("SET {a}stays1 other");
        session.line("SELECT 0");
        let (mut progress, mut reply, mut pieces) = (Progress::default(), Vec::new(), 0);
        while matches!(session.piece(walk, &mut progress, &mut reply), Ok(Flow::Unfinished)) {
            pieces += 1;
            for n in 0..3 {
                session.line(&format!("SET {{a}}new{pieces}:{n} 1"));
                session.line(&format!("SET new{pieces}:{n} 1"));
                session.line(&format!("DEL {{a}}new{}:{n} new{}:{n}", pieces / 2, pieces / 2));
            }
        }
        assert!(pieces > 20, "{walk} took {pieces} pieces");
        let found = keys(&reply);
        assert!(stay.is_subset(&found), "{walk} lost {:?}", stay.difference(&found).next());
        assert!(found.iter().all(|key| key.contains("stays") || key.contains("new")));
    }
}

#[test]
fn pieces_together_answer_what_one_piece_does() {
    for walk in WALKS.iter().chain(&["KEYS nothing*", "SCAN 0 COUNT 700 MATCH *1*", "SCAN 0"]) {
        let mut session = Session::new(Profile::Redis70);
        populate(&mut session);
        let whole = session.line(walk);
        let (mut progress, mut reply) = (Progress::default(), Vec::new());
        while matches!(session.piece(walk, &mut progress, &mut reply), Ok(Flow::Unfinished)) {}
        assert_eq!(command_tests::printed::lines(&reply).join("\n"), whole, "{walk}");
    }
}

#[test]
fn an_empty_database_is_walked_at_once() {
    let mut session = Session::new(Profile::Redis70);
    assert_eq!(session.line("KEYS *"), "(empty array)");
    let (mut progress, mut reply) = (Progress::default(), Vec::new());
    assert!(matches!(session.piece("KEYS *", &mut progress, &mut reply), Ok(Flow::Done)));
    assert_eq!(reply, b"*0\r\n");
}

/// A walk that meets a busy slot has lost nothing, and goes on from there.
#[test]
fn a_busy_slot_does_not_send_a_walk_back() {
    for walk in WALKS {
        let mut session = Session::new(Profile::Redis70);
        let stay = populate(&mut session);
        let busy = Slot::of(b"{a}");
        let (mut progress, mut reply) = (Progress::default(), Vec::new());
        let barrier = Barrier::new(2);
        // The lock is another thread's: it takes it before the walk begins and gives it back when the walk has met it.
        let space = session.share_space();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let guard = space.lock(busy).expect("free");
                barrier.wait();
                barrier.wait();
                drop(guard);
            });
            barrier.wait();
            let met = loop {
                match session.piece(walk, &mut progress, &mut reply) {
                    Ok(Flow::Unfinished) => {}
                    other => break other,
                }
            };
            assert_eq!(met.expect_err("it is held"), Error::SlotBusy(busy.number()));
            barrier.wait();
        });
        let before = format!("{progress:?}");
        let mut pieces = 0;
        while matches!(session.piece(walk, &mut progress, &mut reply), Ok(Flow::Unfinished)) {
            pieces += 1;
        }
        assert!(!before.contains("found: 0"), "{walk} had found something: {before}");
        assert_eq!(keys(&reply), stay, "{walk}");
        assert!(pieces > 0);
    }
}
