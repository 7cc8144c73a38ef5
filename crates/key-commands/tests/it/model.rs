//! Random programs over several databases against a plain map, while the clock goes on and snapshots come and go.
//! After each command all keys, their expiries and the counters equal the model's; a snapshot equals the model as it was
//! when the snapshot began, whatever happened until it ended.

use command_tests::Session;
use keyspace::{Flushed, PreImages, WalkCursor, WalkId};
use profile::Profile;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use structures::ValueRef;
use table::Entry;

const DATABASES: u16 = 2;
/// Two of them share a slot.
const NAMES: [&str; 4] = ["a", "{t}1", "{t}2", "a-rather-long-name-of-a-key-so-that-entries-differ-in-size"];

/// Value and expiry by database and name.
type Model = BTreeMap<(u16, &'static str), (String, Option<u64>)>;

#[derive(Debug, Clone)]
enum Action {
    Set { value: String, seconds: Option<u64> },
    Append { value: String },
    Del,
    Expire { seconds: i64 },
    Persist,
    Rename { to: &'static str, nx: bool },
    Copy { to: &'static str, db: u16, replace: bool },
    Move,
    Pass { ms: u64 },
    BeginSnapshot,
    StepSnapshot,
}

fn action() -> impl Strategy<Value = Action> {
    let name = || prop::sample::select(&NAMES[..]);
    let value = || prop_oneof!["[0-9]{1,4}", "[a-z]{0,60}", Just("x".repeat(5000))];
    prop_oneof![
        4 => (value(), prop::option::of(1u64..20)).prop_map(|(value, seconds)| Action::Set { value, seconds }),
        1 => value().prop_map(|value| Action::Append { value }),
        1 => Just(Action::Del),
        2 => (-1i64..20).prop_map(|seconds| Action::Expire { seconds }),
        1 => Just(Action::Persist),
        2 => (name(), any::<bool>()).prop_map(|(to, nx)| Action::Rename { to, nx }),
        2 => (name(), 0..DATABASES, any::<bool>()).prop_map(|(to, db, replace)| Action::Copy { to, db, replace }),
        2 => Just(Action::Move),
        1 => (1u64..9000).prop_map(|ms| Action::Pass { ms }),
        1 => Just(Action::BeginSnapshot),
        2 => Just(Action::StepSnapshot),
    ]
}

/// Database, name, value and expiry of a key.
type Row = (u16, String, String, Option<u64>);

/// What a snapshot has captured.
#[derive(Default)]
struct Captured(Mutex<Vec<Row>>);

impl PreImages for Captured {
    fn capture(&self, db: u16, entry: Entry<'_>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let value = match entry.value() {
            ValueRef::Int(int) => int.to_string(),
            ValueRef::Bytes(bytes) => text(bytes),
            other => panic!("{other:?} in a program of strings"),
        };
        self.0.lock().unwrap().push((db, text(entry.key()), value, entry.expire_at()));
    }

    fn adopt(&self, _db: u16, _table: Flushed, _epoch: u8) {
        panic!("nobody flushes");
    }
}

struct Snapshot {
    walk: WalkId,
    cursor: Option<WalkCursor>,
    captured: Arc<Captured>,
    frozen: Model,
}

impl Snapshot {
    fn begin(session: &Session, model: &Model) -> Snapshot {
        let captured = Arc::new(Captured::default());
        let walk = session
            .in_world(|space, world| space.begin_walk(world, Arc::clone(&captured) as Arc<dyn PreImages>));
        let walk = walk.expect("complete walks leave room for another");
        Snapshot { walk, cursor: Some(WalkCursor::default()), captured, frozen: model.clone() }
    }

    /// Goes on by one slot; `false` at the end.
    fn step(&mut self, session: &Session) -> bool {
        let Some(cursor) = self.cursor else { return false };
        let mut guard = session.space().walk_slots();
        self.cursor = session.space().walk(self.walk, &mut guard, cursor, 1).expect("nobody holds a slot");
        self.cursor.is_some()
    }

    fn end(mut self, session: &Session) {
        while self.step(session) {}
        session.in_world(|space, world| space.end_walk(world, self.walk, true));
        let mut captured = std::mem::take(&mut *self.captured.0.lock().unwrap());
        captured.sort();
        let frozen: Vec<Row> = self
            .frozen
            .into_iter()
            .map(|((db, name), (value, at_ms))| (db, name.to_owned(), value, at_ms))
            .collect();
        assert_eq!(captured, frozen);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keys_and_snapshots_follow_a_model(
        program in prop::collection::vec((0..DATABASES, prop::sample::select(&NAMES[..]), action()), 1..80),
    ) {
        let mut session = Session::new(Profile::Valkey80);
        let mut model = Model::new();
        let mut snapshot: Option<Snapshot> = None;
        for (db, name, action) in program {
            session.line(&format!("SELECT {db}"));
            match action {
                Action::BeginSnapshot if snapshot.is_none() => snapshot = Some(Snapshot::begin(&session, &model)),
                Action::BeginSnapshot => {}
                Action::StepSnapshot => {
                    if let Some(mut running) = snapshot.take() {
                        if running.step(&session) {
                            snapshot = Some(running);
                        } else {
                            running.end(&session);
                        }
                    }
                }
                Action::Pass { ms } => {
                    session.now_ms += ms;
                    let now_ms = session.now_ms;
                    model.retain(|_, (_, at_ms)| at_ms.is_none_or(|at_ms| at_ms > now_ms));
                }
                action => {
                    let (line, expected) = apply(&action, db, name, session.now_ms, &mut model);
                    prop_assert_eq!(session.line(&line), expected, "{}", line);
                }
            }
            compare(&mut session, &model)?;
        }
        if let Some(snapshot) = snapshot {
            snapshot.end(&session);
        }
    }
}

/// The command of an action and its reply.
fn apply(action: &Action, db: u16, name: &'static str, now_ms: u64, model: &mut Model) -> (String, String) {
    let here = (db, name);
    let other = 1 - db;
    let (line, reply) = match action {
        Action::Set { value, seconds } => {
            model.insert(here, (value.clone(), seconds.map(|seconds| now_ms + seconds * 1000)));
            let option = seconds.map_or(String::new(), |seconds| format!("EX {seconds}"));
            return (format!("SET {name} \"{value}\" {option}"), "OK".to_owned());
        }
        Action::Append { value } => {
            let entry = model.entry(here).or_default();
            entry.0 += value;
            (format!("APPEND {name} \"{value}\""), entry.0.len())
        }
        Action::Del => (format!("DEL {name}"), usize::from(model.remove(&here).is_some())),
        Action::Expire { seconds } => {
            let there = model.contains_key(&here);
            if *seconds <= 0 {
                model.remove(&here);
            } else if let Some((_, at_ms)) = model.get_mut(&here) {
                *at_ms = Some(now_ms + *seconds as u64 * 1000);
            }
            (format!("EXPIRE {name} {seconds}"), usize::from(there))
        }
        Action::Persist => {
            let removed = model.get_mut(&here).is_some_and(|(_, at_ms)| at_ms.take().is_some());
            (format!("PERSIST {name}"), usize::from(removed))
        }
        Action::Rename { to, nx } => {
            let line = format!("RENAME{} {name} {to}", if *nx { "NX" } else { "" });
            if !model.contains_key(&here) {
                return (line, "(error) ERR no such key".to_owned());
            }
            let does = !nx || !model.contains_key(&(db, *to));
            if does && *to != name {
                let value = model.remove(&here).unwrap_or_default();
                model.insert((db, *to), value);
            }
            if !nx {
                return (line, "OK".to_owned());
            }
            (line, usize::from(does))
        }
        Action::Copy { to, db: target, replace } => {
            let line = format!("COPY {name} {to} DB {target} {}", if *replace { "REPLACE" } else { "" });
            let there = (*target, *to);
            if there == here {
                return (line, "(error) ERR source and destination objects are the same".to_owned());
            }
            let value = model.get(&here).filter(|_| *replace || !model.contains_key(&there)).cloned();
            let copied = value.map(|value| model.insert(there, value)).is_some();
            (line, usize::from(copied))
        }
        Action::Move => {
            let moves = model.contains_key(&here) && !model.contains_key(&(other, name));
            if moves {
                let value = model.remove(&here).unwrap_or_default();
                model.insert((other, name), value);
            }
            (format!("MOVE {name} {other}"), usize::from(moves))
        }
        Action::Pass { .. } | Action::BeginSnapshot | Action::StepSnapshot => unreachable!("no command"),
    };
    (line, format!("(integer) {reply}"))
}

fn compare(session: &mut Session, model: &Model) -> Result<(), TestCaseError> {
    for db in 0..DATABASES {
        session.line(&format!("SELECT {db}"));
        for name in NAMES {
            let (value, at_ms) = match model.get(&(db, name)) {
                Some((value, at_ms)) => (format!("\"{value}\""), at_ms.map_or(-1, |at_ms| at_ms as i64)),
                None => ("(nil)".to_owned(), -2),
            };
            prop_assert_eq!(session.line(&format!("GET {name}")), value, "{} in {}", name, db);
            prop_assert_eq!(session.line(&format!("PEXPIRETIME {name}")), format!("(integer) {at_ms}"));
        }
        let here = || model.iter().filter(|((place, _), _)| *place == db);
        prop_assert_eq!(session.space().len(db), here().count() as u64);
        let volatile = here().filter(|(_, (_, at_ms))| at_ms.is_some()).count();
        prop_assert_eq!(session.space().volatile_len(db), volatile as u64);
    }
    Ok(())
}
