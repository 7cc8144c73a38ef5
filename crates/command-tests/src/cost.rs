//! No command's cost grows with the square of its input, or of what its keys hold.
//!
//! Each command of a family runs with hostile arguments at a size and at four times that size. Four times the cost is
//! expected, up to ten times is tolerated, sixteen times would be quadratic. What counts is the CPU time of this very
//! thread, so that a busy machine does not matter, and the larger size has to take long enough to be measured. The
//! [`Spec`](command_spec::Spec) of a command that has to be quadratic says why.

use crate::growth::{LINEAR, beyond};
use crate::session::Session;
use crate::specs::with_subcommands;
use commands::Command;
use profile::Profile;
use rustix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::time::Duration;

/// More than the caches of one core hold.
const CACHE_BYTES: usize = 4 << 20;
const QUADRATIC: f64 = 20.0;
const SIZES: [usize; 3] = [2_000, 8_000, 32_000];

/// A command with its arguments.
pub type Argv = Vec<Vec<u8>>;

/// What is there before, and what is measured, both by size.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Prepares the keys.
    pub prepare: fn(&mut Session, usize),
    /// The calls.
    pub calls: fn(usize) -> Vec<Argv>,
}

/// The cases of commands, by their full names.
pub type Cases = Vec<(&'static str, Vec<Case>)>;

/// The words of a line.
pub fn words(line: &str) -> Argv {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// The same as texts.
pub fn words_of(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// A call that begins with some words and goes on with so many more.
pub fn many(line: &str, n: usize, more: impl Fn(usize) -> Vec<String>) -> Vec<Argv> {
    let mut argv = words(line);
    argv.extend((0..n).flat_map(|i| more(i).into_iter().map(String::into_bytes)));
    vec![argv]
}

/// All keys in one slot, which is as hostile as it gets.
pub fn key(i: usize) -> String {
    format!("{{t}}{i}")
}

/// Prepares by calls that begin with some words, with so many more between them.
pub fn fill(session: &mut Session, line: &str, n: usize, more: impl Fn(usize) -> Vec<String>) {
    for from in (0..n).step_by(1_000) {
        let argv = many(line, 1_000.min(n - from), |i| more(from + i)).remove(0);
        assert_ne!(session.call(&argv).first(), Some(&b'-'), "{line}");
    }
}

/// Prepares nothing.
pub fn nothing(_: &mut Session, _: usize) {}

/// `{t}0`, `{t}1`, …: strings.
pub fn keys(session: &mut Session, n: usize) {
    fill(session, "MSET", n, |i| vec![key(i), "v".into()]);
}

/// As [`keys`], all of them to expire.
pub fn volatile(session: &mut Session, n: usize) {
    (0..n).for_each(|i| drop(session.call(&["SET", &key(i), "v", "EX", "100"])));
}

/// `s` and `s2`: long strings.
pub fn strings(session: &mut Session, n: usize) {
    let text = "ab".repeat(8 * n);
    session.call(&["MSET", "s", &text, "s2", &text[1..]]);
}

/// `l`: every other element is `x`.
pub fn list(session: &mut Session, n: usize) {
    fill(session, "RPUSH l", n, |i| vec![if i % 2 == 0 { "x".into() } else { i.to_string() }]);
}

/// `h`: a hash in a table.
pub fn hash(session: &mut Session, n: usize) {
    fill(session, "HSET h", n, |i| vec![i.to_string(), "v".into()]);
}

/// `m` and `o`: sets in tables that have half of their members in common.
pub fn sets(session: &mut Session, n: usize) {
    fill(session, "SADD m", n, |i| vec![format!("m{i}")]);
    fill(session, "SADD o", n, |i| vec![format!("m{}", i + n / 2)]);
    fill(session, "SADD {t}s0", 1, |_| vec!["m0".into()]);
}

/// `z` and `y`: sorted sets in trees that have half of their members in common; `e`, whose scores are all equal.
pub fn sorted_sets(session: &mut Session, n: usize) {
    fill(session, "ZADD z", n, |i| vec![i.to_string(), format!("m{i}")]);
    fill(session, "ZADD y", n, |i| vec![i.to_string(), format!("m{}", i + n / 2)]);
    fill(session, "ZADD e", n, |i| vec!["0".into(), format!("m{i}")]);
    fill(session, "ZADD {t}z0", 1, |_| vec!["0".into(), "m0".into()]);
}

/// A value of many bytes as the last argument.
pub fn value(line: &str, n: usize) -> Argv {
    let mut argv = words(line);
    argv.push(vec![b'1'; 16 * n]);
    argv
}

/// Many keys that nobody has, before the one that is there.
pub fn blocking(name: &str, n: usize) -> Vec<Argv> {
    let mut call = many(name, n, |i| vec![format!("none{i}")]);
    call[0].extend(words("l 0"));
    call
}

/// The same for commands that are told how many keys there are, with the last key and what follows.
pub fn numbered(name: &str, n: usize, last: &str) -> Vec<Argv> {
    let mut call = many(&format!("{name} {}", n + 1), n, |i| vec![format!("none{i}")]);
    call[0].extend(words(last));
    call
}

/// A case: what prepares it, and its calls by size or its one call as a line.
#[macro_export]
macro_rules! case {
    ($prepare:expr, |$n:ident| $calls:expr) => {
        $crate::cost::Case { prepare: $prepare, calls: |$n| $calls }
    };
    ($prepare:expr, $line:literal) => {
        $crate::cost::Case { prepare: $prepare, calls: |_| vec![$crate::cost::words($line)] }
    };
}

/// Cases of many keys, each once, and one key many times.
#[macro_export]
macro_rules! over_keys {
    ($name:literal) => {
        vec![
            $crate::case!($crate::cost::keys, |n| $crate::cost::many($name, n, |i| vec![$crate::cost::key(
                i
            )])),
            $crate::case!($crate::cost::volatile, |n| $crate::cost::many($name, n, |i| vec![
                $crate::cost::key(i)
            ])),
            $crate::case!($crate::cost::keys, |n| $crate::cost::many($name, n, |_| vec![$crate::cost::key(
                0
            )])),
            $crate::case!($crate::cost::hash, |n| $crate::cost::many($name, n, |_| vec!["h".into()])),
        ]
    };
}

/// Cases of a command whose last argument is one of many words that nobody needs so often.
#[macro_export]
macro_rules! over_words {
    ($line:literal, $word:literal) => {
        vec![
            $crate::case!($crate::cost::strings, |n| $crate::cost::many($line, n, |_| vec![$word.into()])),
            $crate::case!($crate::cost::volatile, $line),
        ]
    };
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The CPU time that the calls of a case take at a size.
pub fn measure(case: &Case, n: usize) -> Duration {
    let mut session = Session::new(Profile::Valkey91);
    (case.prepare)(&mut session, n);
    let calls = (case.calls)(n);
    // What was prepared is in the cache if it is small: no size starts with that.
    std::hint::black_box(vec![n as u8 | 1; CACHE_BYTES]);
    let began = cpu_time();
    for argv in &calls {
        std::hint::black_box(session.call(argv));
    }
    cpu_time() - began
}

/// Asserts that every command of a family has cases, and that none of them costs the square of its size. A family whose cases
/// take long has several `parts`, each of which takes every so many-th command: tests of their own, which run at once.
pub fn check(commands: &[Command], cases: Cases, part: usize, parts: usize) {
    let names: Vec<String> = with_subcommands(commands).map(|(name, _)| name).collect();
    let unknown: Vec<&str> =
        cases.iter().map(|(name, _)| *name).filter(|name| !names.iter().any(|known| known == name)).collect();
    assert!(unknown.is_empty(), "no such commands: {unknown:?}");
    let cases: BTreeMap<&str, Vec<Case>> = cases.into_iter().collect();
    let mut refused = Vec::new();
    for (name, command) in with_subcommands(commands).skip(part).step_by(parts) {
        let Some(cases) = cases.get(name.as_str()) else {
            refused.push(format!("{name} has no case"));
            continue;
        };
        assert!(!cases.is_empty() || !command.subcommands.is_empty(), "{name} has no case");
        let most = if command.spec.quadratic.is_some() { QUADRATIC } else { LINEAR };
        for (number, case) in cases.iter().enumerate() {
            if let Some(growth) = beyond(most, SIZES, |n| measure(case, n)) {
                refused
                    .push(format!("{name}, case {number}: {growth:.1} times the cost at 4 times the size"));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
