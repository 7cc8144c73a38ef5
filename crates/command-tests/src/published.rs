//! `COMMAND INFO` as derived from the specs, beside what a real redis-server says.

use crate::peer::Peer;
use command_spec::{BeginSearch, FindKeys, Flags, KeySpec, Spec, keys};
use commands::Command;
use profile::Profile;
use resp::Frame;
use std::collections::BTreeSet;

/// Asserts that the specs of a family say what redis-server says, of the commands that it has.
pub fn check(commands: &[Command]) {
    let Some(mut peer) = Peer::start() else { return };
    let mut wrong = String::new();
    for command in commands.iter().filter(|command| Profile::Redis70.has(command.spec.since)) {
        let name = command.spec.name;
        let Frame::Array(mut info) = peer.call(&["COMMAND", "INFO", name]) else { panic!("an array") };
        let Some(Frame::Array(info)) = info.pop() else { panic!("redis-server has no {name}") };
        compare(name, &in_redis(command.spec), &info, &mut wrong);
        let Frame::Array(subcommands) = &info[9] else { panic!("subcommands") };
        for sub in command.subcommands {
            let full = format!("{name}|{}", sub.spec.name);
            let found = subcommands.iter().find_map(|info| match info {
                Frame::Array(info) if text(&info[0]) == full => Some(info),
                _ => None,
            });
            compare(&full, &in_redis(sub.spec), found.unwrap_or_else(|| panic!("no {full}")), &mut wrong);
        }
        assert_eq!(subcommands.len(), command.subcommands.len(), "subcommands of {name}");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// A spec as the version of redis-server has it.
fn in_redis(spec: &Spec) -> Spec {
    let mut old = *spec;
    let changes = spec.before.iter().filter(|(until, _)| !Profile::Redis70.has(until));
    changes.for_each(|(_, change)| change(&mut old));
    old
}

fn compare(name: &str, spec: &Spec, info: &[Frame], wrong: &mut String) {
    let mut check = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            *wrong += &format!("{name}: {what}\n  ours   {ours}\n  theirs {theirs}\n");
        }
    };
    check("arity", spec.arity.to_string(), text(&info[1]));
    let movable = if keys::movable(spec) { Flags::MOVABLE_KEYS } else { Flags::empty() };
    // A flag of the server's own.
    let shown = spec.flags.union(movable).difference(Flags::MAY_REPLICATE);
    let flags: BTreeSet<String> = shown.names().map(str::to_owned).collect();
    let theirs = words(&info[2]);
    check("flags", format!("{flags:?}"), format!("{theirs:?}"));
    let (first, last, step) = keys::legacy_range(spec);
    let theirs = [text(&info[3]), text(&info[4]), text(&info[5])];
    check("keys", format!("{:?}", [first, last, step].map(|n| n.to_string())), format!("{theirs:?}"));
    let categories: BTreeSet<String> =
        spec.all_categories().names().map(|category| format!("@{category}")).collect();
    check("categories", format!("{categories:?}"), format!("{:?}", words(&info[6])));
    let ours: Vec<String> = spec.keys.iter().map(key_spec).collect();
    let Frame::Array(theirs) = &info[8] else { panic!("key specs") };
    let theirs: Vec<String> = theirs.iter().map(|spec| flat(&without_notes(spec))).collect();
    check("key specs", ours.join("; "), theirs.join("; "));
}

fn text(frame: &Frame) -> String {
    match frame {
        Frame::Simple(text) | Frame::Bulk(text) => String::from_utf8_lossy(text).into_owned(),
        Frame::Integer(number) => number.to_string(),
        other => panic!("{other:?} in place of a word"),
    }
}

fn words(frame: &Frame) -> BTreeSet<String> {
    let Frame::Array(words) = frame else { panic!("words") };
    words.iter().map(text).collect()
}

/// Words and numbers in one line.
fn flat(frame: &Frame) -> String {
    match frame {
        Frame::Array(frames) => {
            frames.iter().map(flat).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
        }
        frame => text(frame),
    }
}

/// A key spec without the remarks that a few have.
fn without_notes(spec: &Frame) -> Frame {
    match spec {
        Frame::Array(pairs) if pairs.first().is_some_and(|first| text(first) == "notes") => {
            Frame::Array(pairs[2..].to_vec())
        }
        other => other.clone(),
    }
}

fn key_spec(spec: &KeySpec) -> String {
    let flags = spec.flags.names().collect::<Vec<_>>().join(" ");
    let begin = match spec.begin.published() {
        BeginSearch::Index(index) => format!("type index spec index {index}"),
        BeginSearch::Keyword(word, from) => format!("type keyword spec keyword {word} startfrom {from}"),
        _ => "type unknown spec".to_owned(),
    };
    let find = match spec.find {
        FindKeys::Range { last, step, limit } => {
            format!("type range spec lastkey {last} keystep {step} limit {limit}")
        }
        FindKeys::KeyNum { keynum, first, step } => {
            format!("type keynum spec keynumidx {keynum} firstkey {first} keystep {step}")
        }
        FindKeys::Unknown => "type unknown spec".to_owned(),
    };
    format!("flags {flags} begin_search {begin} find_keys {find}")
}
