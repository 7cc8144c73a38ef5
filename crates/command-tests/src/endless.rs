//! No handler keeps writing after its reply was cut off: every command, with arguments that ask for the longest reply.
//!
//! The arguments are made from the grammar of each command, so a new command is tested as soon as it is in the table.

use crate::session::Session;
use command_spec::{Arg, ArgFlags, ArgKind};
use commands::Command;
use profile::Profile;
use resp::{Meter, Proto};
use std::cell::Cell;
use std::collections::BTreeSet;

/// More elements than a reply may have, each of them long enough that all of them are several steps of a writer.
const ELEMENTS: usize = 2500;
const ELEMENT_BYTES: usize = 60;
const SHORT_ELEMENTS: usize = 50;
/// A reply may be this long.
const ALLOWED_BYTES: usize = 1000;
/// What a handler may still try to write after its reply was cut off: the rest of an element, the heads around it.
const STRAY_WRITES: u32 = 20;

const NUMBERS: [i64; 6] = [i64::MIN, -i64::MAX, -i64::MAX / 2, i64::MAX / 2, i64::MAX, -100_000_000];

/// Cuts replies off, and does not accept that a handler takes no notice.
#[derive(Debug, Default)]
pub struct Strict {
    refusals: Cell<u32>,
}

impl Meter for Strict {
    fn may_grow(&self, len: usize, more: usize) -> bool {
        if self.refusals.get() == 0 && len.saturating_add(more) <= ALLOWED_BYTES {
            return true;
        }
        self.refusals.set(self.refusals.get() + 1);
        assert!(self.refusals.get() <= STRAY_WRITES, "a handler goes on after its reply was cut off");
        false
    }
}

/// How arguments are made from a grammar.
#[derive(Debug, Clone, Copy)]
struct Choice {
    number: i64,
    key: &'static str,
    /// What may be left out stands there.
    with_options: bool,
    /// How often what may be repeated stands there.
    times: usize,
    /// Which of several alternatives.
    alternative: usize,
}

fn expand(args: &[Arg], choice: &mut Choice, words: &mut Vec<String>) {
    for arg in args {
        if arg.flags.contains(ArgFlags::OPTIONAL) && !choice.with_options {
            continue;
        }
        let times = if arg.flags.contains(ArgFlags::MULTIPLE) { choice.times } else { 1 };
        for time in 0..times {
            if !arg.token.is_empty() && (time == 0 || arg.flags.contains(ArgFlags::MULTIPLE_TOKEN)) {
                words.push(arg.token.to_owned());
            }
            match arg.kind {
                ArgKind::PureToken => {}
                ArgKind::OneOf => {
                    let one = choice.alternative % arg.inner.len();
                    expand(&arg.inner[one..=one], choice, words);
                }
                ArgKind::Block => expand(arg.inner, choice, words),
                ArgKind::Key(_) => words.push(choice.key.to_owned()),
                ArgKind::Pattern(_) => words.push("*".to_owned()),
                // It must fit the keys that follow.
                ArgKind::Integer if arg.name == "numkeys" => words.push(choice.times.to_string()),
                // Whole iterations begin there.
                ArgKind::Integer if arg.name == "cursor" => words.push("0".to_owned()),
                ArgKind::Integer | ArgKind::UnixTime => {
                    words.push(choice.number.to_string());
                    // The next is as far away as can be: the other end of a range.
                    choice.number = !choice.number;
                }
                ArgKind::Double => words.push("1".to_owned()),
                ArgKind::String if arg.name == "type" => words.push(choice.key.to_owned()),
                ArgKind::String => words.push("f0".to_owned()),
            }
        }
    }
}

fn choices(keys: &[&'static str]) -> impl Iterator<Item = Choice> {
    NUMBERS.into_iter().flat_map(move |number| {
        keys.iter().flat_map(move |key| {
            [(false, 1), (true, 1), (true, ELEMENTS)].into_iter().flat_map(move |(with_options, times)| {
                (0..2).map(move |alternative| Choice { number, key, with_options, times, alternative })
            })
        })
    })
}

/// The database where each value is once more, for when a command has changed it.
const SPARE_DB: &str = "15";

/// A session with a long value of each type, named after it, many keys, and `short`: a list for commands that go through one for each
/// of their arguments.
pub fn filled(proto: Proto) -> Session {
    let mut session = Session::new(Profile::Valkey80);
    session.proto = proto;
    let long = "x".repeat(ELEMENT_BYTES);
    let head = |name: &str, key: &str| vec![name.to_owned(), key.to_owned()];
    let (mut hash, mut list) = (head("HSET", "hash"), head("RPUSH", "list"));
    let (mut set, mut sorted_set) = (head("SADD", "set"), head("ZADD", "zset"));
    let mut strings = vec!["MSET".to_owned(), "string".to_owned(), long.repeat(ELEMENTS)];
    for n in 0..ELEMENTS {
        let name = if n == 0 { "f0".to_owned() } else { format!("{long}{n}") };
        hash.extend([name.clone(), long.clone()]);
        list.push(if n % 2 == 0 { "f0".to_owned() } else { name.clone() });
        set.push(name.clone());
        sorted_set.extend([n.to_string(), name]);
        strings.extend([format!("{long}{n}"), String::new()]);
        session.call(&["XADD", "stream", "*", "f0", &long]);
    }
    for argv in [hash, list, set, sorted_set, strings] {
        session.call(&argv);
    }
    session.call(&[&["RPUSH", "short"][..], &["f0"; SHORT_ELEMENTS]].concat());
    for key in ["string", "hash", "list", "set", "zset", "stream", "short"] {
        assert_eq!(session.line(&format!("COPY {key} {key} DB {SPARE_DB}")), "(integer) 1");
    }
    session
}

/// Gives a key its value back.
fn restore(session: &mut Session, key: &str) {
    session.line(&format!("SELECT {SPARE_DB}"));
    assert_eq!(session.line(&format!("COPY {key} {key} DB 0 REPLACE")), "(integer) 1");
    session.line("SELECT 0");
}

fn run(session: &mut Session, words: &[String]) -> bool {
    session.meter = Some(Strict::default());
    let reply = session.call(words);
    let meter = session.meter.take().expect("it was set");
    let is_over = meter.refusals.get() > 0;
    // What little stands around it goes with its client.
    assert!(!is_over || reply.len() < STRAY_WRITES as usize * 10, "what was cut off is dropped");
    is_over
}

fn commands_of(command: &'static Command) -> Vec<(Vec<String>, &'static Command)> {
    let name = command.spec.name.to_owned();
    let subs = command.subcommands.iter().map(|sub| (vec![name.clone(), sub.spec.name.to_owned()], sub));
    let mut all: Vec<_> = subs.collect();
    all.push((vec![name.clone()], command));
    all
}

/// Asserts that no command of a family goes on after its reply was cut off, on values of [`filled`], and that this happens to the
/// replies of some commands at least: had the arguments not been long enough, nothing would have been tested.
pub fn check(commands: &'static [Command], values: &[&'static str], surely: &[&str]) {
    for proto in [Proto::Resp2, Proto::Resp3] {
        let mut cut_off = BTreeSet::new();
        let mut session = filled(proto);
        for (name, command) in commands.iter().flat_map(commands_of) {
            let mut seen = BTreeSet::new();
            for mut choice in choices(values) {
                let (mut words, key) = (name.clone(), choice.key);
                expand(command.spec.args, &mut choice, &mut words);
                if !seen.insert(words.clone()) {
                    continue;
                }
                if run(&mut session, &words) {
                    cut_off.insert(name.join(" "));
                }
                if session.scratch().effects.dirty > 0 {
                    restore(&mut session, key);
                }
            }
        }
        for name in surely {
            assert!(cut_off.contains(*name), "{name} is not among {cut_off:?}");
        }
    }
}
