//! What COMMAND says of each command is what redis-server 7.0 says of it.

use crate::{TestNode, ask, oracle};
use conformance::connection::Connection;
use conformance::reply::Reply;
use profile::Profile;
use std::collections::BTreeMap;

/// The entries of COMMAND INFO by name, those of subcommands too.
fn table(connection: &mut Connection) -> BTreeMap<String, Vec<Reply>> {
    fn walk(entries: &[Reply], into: &mut BTreeMap<String, Vec<Reply>>) {
        for entry in entries {
            let fields = entry.elements().expect("a command is an array");
            assert_eq!(fields.len(), 10);
            walk(fields[9].elements().expect("subcommands are an array"), into);
            let name = fields[0].text().expect("a name").to_vec();
            into.insert(String::from_utf8(name).expect("a name is text"), fields[..9].to_vec());
        }
    }
    let mut all = BTreeMap::new();
    walk(ask(connection, "COMMAND").elements().expect("COMMAND answers an array"), &mut all);
    all
}

/// The same entry without the notes on key specs, which are remarks for people and not carried here.
fn without_notes(reply: &Reply) -> Reply {
    match reply {
        Reply::Map(pairs) => Reply::Map(
            pairs
                .iter()
                .filter(|(key, _)| key.text() != Some(b"notes"))
                .map(|(key, value)| (key.clone(), without_notes(value)))
                .collect(),
        ),
        Reply::Array(all) => Reply::Array(all.iter().map(without_notes).collect()),
        Reply::Set(all) => Reply::Set(all.iter().map(without_notes).collect()),
        other => other.clone(),
    }
}

#[test]
fn every_command_is_described_as_redis_does() {
    let Some(real) = oracle() else { return };
    let node = TestNode::start(Profile::Redis70, "");
    let (mut theirs, mut ours) = (real.connect().expect("a connection"), node.connect());
    for connection in [&mut theirs, &mut ours] {
        assert!(!ask(connection, "HELLO 3").is_error());
    }
    let (theirs, ours) = (table(&mut theirs), table(&mut ours));
    assert!(ours.len() > 100, "only {} commands", ours.len());
    let mut differing = Vec::new();
    for (name, fields) in &ours {
        let Some(wanted) = theirs.get(name) else {
            differing.push(format!("{name} is no command of Redis 7.0"));
            continue;
        };
        let wanted: Vec<Reply> = wanted.iter().map(without_notes).collect();
        if wanted != *fields {
            differing.push(format!("{name}\n  redis {wanted:?}\n  ours  {fields:?}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn keys_are_found_as_redis_finds_them() {
    let Some(real) = oracle() else { return };
    let node = TestNode::start(Profile::Redis70, "");
    let (mut theirs, mut ours) = (real.connect().expect("a connection"), node.connect());
    let requests = [
        "GET a",
        "GET",
        "NOPE a",
        "PING x",
        "MSET a 1 b 2",
        "MSET a 1 b",
        "DEL a b c",
        "OBJECT ENCODING k",
        "OBJECT x y",
        "SET a b",
        "SET a b GET",
        "SET a GET",
        "COPY a b",
        "LMOVE a b LEFT LEFT",
        "LMPOP 2 a b LEFT",
        "LMPOP 9 a b LEFT",
        "LMPOP x a b LEFT",
        "BLPOP a b 0",
        "LCS a b",
        "SUBSCRIBE a",
        "PUBLISH a b",
        "COMMAND GETKEYS GET a",
        "client|kill a",
    ];
    for request in requests {
        for form in ["COMMAND GETKEYS", "COMMAND GETKEYSANDFLAGS"] {
            let line = format!("{form} {request}");
            assert_eq!(ask(&mut ours, &line), ask(&mut theirs, &line), "{line}");
        }
    }
}
