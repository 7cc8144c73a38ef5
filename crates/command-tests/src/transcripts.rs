//! The transcripts beside the commands, run in process. The format is described by the harness that records them:
//! `> ` a command, below it its reply, a blank line an empty keyspace, `#` a comment, `<int>`, `<any>` and `<...>`
//! for what differs from run to run, `#~ unordered` for elements in any order. Scenes with several clients are the
//! wire's.

use crate::session::Session;
use commands::Command;
use profile::Profile;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A file.
pub(crate) struct Transcript {
    pub(crate) file: PathBuf,
    pub(crate) profile: Profile,
    pub(crate) scenes: Vec<Vec<Step>>,
}

/// One command with its reply.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) command: String,
    expected: Vec<String>,
    unordered: bool,
}

/// Those of a family, whose sources are in this folder.
pub(crate) fn of(sources: &str) -> Vec<Transcript> {
    let files = std::fs::read_dir(sources).expect("the sources").flatten().map(|file| file.path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

/// Valkey as of a version.
fn valkey(version: &str) -> Profile {
    let (minor, _) = version.rsplit_once('.').expect("major, minor and patch");
    format!("valkey-{minor}").parse().expect("a profile of Valkey")
}

fn read(file: &Path) -> Transcript {
    let text = std::fs::read_to_string(file).expect("a transcript");
    let version = text.lines().find_map(|line| line.strip_prefix("@valkey")?.split_whitespace().last());
    let profile = version.map_or(Profile::Redis70, valkey);
    let mut transcript = Transcript { file: file.to_owned(), profile, scenes: vec![Vec::new()] };
    let (mut unordered, mut several) = (false, false);
    for (at, line) in text.lines().enumerate() {
        let scene = transcript.scenes.last_mut().expect("never empty");
        if line.trim().is_empty() {
            if several {
                scene.clear();
            }
            several = false;
            transcript.scenes.push(Vec::new());
        } else if let Some(note) = line.strip_prefix('#') {
            unordered |= note.trim() == "~ unordered" || note.trim() == "~unordered";
        } else if let Some(command) = line.strip_prefix("> ") {
            let command = command.to_owned();
            scene.push(Step { line: at + 1, command, expected: Vec::new(), unordered });
            unordered = false;
        } else if line.starts_with('@') {
        } else if line == "<" || line.starts_with("!> ") || is_other_client(line) {
            several = true;
        } else if let Some(step) = scene.last_mut() {
            step.expected.push(line.to_owned());
        }
    }
    if several {
        transcript.scenes.pop();
    }
    // Nobody answers a client that waits.
    let waits = |scene: &[Step]| scene.iter().any(|step| step.expected.is_empty());
    transcript.scenes.retain(|scene| !scene.is_empty() && !waits(scene));
    transcript
}

fn is_other_client(line: &str) -> bool {
    let rest = line.trim_start_matches(|byte: char| byte.is_ascii_digit());
    rest.len() < line.len() && (rest.starts_with("> ") || rest == "<")
}

/// Asserts that every command of a family has a transcript of its name, in which it occurs with all its subcommands.
pub fn check_all_are_there(sources: &str, commands: &[Command]) {
    let files = of(sources);
    for command in commands {
        let name = command.spec.name;
        let ends = |path: &Path| path.file_stem().is_some_and(|stem| stem == name);
        let file = files.iter().find(|transcript| ends(&transcript.file));
        let file = file.unwrap_or_else(|| panic!("no {name}.txt in {sources}"));
        let steps = file.scenes.iter().flatten();
        let names = |line: &str| {
            let mut words = line.split_ascii_whitespace();
            let first = words.next().unwrap_or_default().to_ascii_lowercase();
            [first.clone(), format!("{first}|{}", words.next().unwrap_or_default().to_ascii_lowercase())]
        };
        let used: BTreeSet<String> = steps.flat_map(|step| names(&step.command)).collect();
        assert!(used.contains(name), "{} does not use {name}", file.file.display());
        for sub in command.subcommands {
            let sub = format!("{name}|{}", sub.spec.name);
            assert!(used.contains(&sub), "{} does not use {sub}", file.file.display());
        }
    }
}

/// Asserts that replies are those that were recorded, in all transcripts of a family.
pub fn check(sources: &str) {
    let mut wrong = String::new();
    let mut checked = 0;
    for transcript in of(sources) {
        let mut session = Session::new(transcript.profile);
        for scene in &transcript.scenes {
            session.reset();
            for step in scene {
                let received = session.line(&step.command);
                let received: Vec<String> = received.lines().map(str::to_owned).collect();
                checked += 1;
                if !matches(&step.expected, &received, step.unordered) {
                    let file = transcript.file.display();
                    wrong += &format!(
                        "{file}:{}: {}\n  expected {:?}\n  received {received:?}\n",
                        step.line, step.command, step.expected
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(checked > 50, "only {checked} commands in all transcripts of {sources}");
}

fn matches(expected: &[String], received: &[String], unordered: bool) -> bool {
    if unordered {
        let sorted = |lines: &[String]| {
            let mut lines: Vec<String> = lines.iter().map(|line| without_number(line).to_owned()).collect();
            lines.sort();
            lines
        };
        return all_match(&sorted(expected), &sorted(received));
    }
    all_match(expected, received)
}

fn without_number(line: &str) -> &str {
    let line = line.trim_start();
    let rest = line.trim_start_matches(|byte: char| byte.is_ascii_digit());
    if rest.len() < line.len() { rest.strip_prefix(") ").unwrap_or(line) } else { line }
}

fn all_match(expected: &[String], received: &[String]) -> bool {
    match (expected.split_first(), received.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "<...>" => {
            (0..=received.len()).any(|skipped| all_match(rest, &received[skipped..]))
        }
        (Some((first, rest)), Some((line, more))) => line_matches(first, line) && all_match(rest, more),
        _ => false,
    }
}

fn line_matches(expected: &str, line: &str) -> bool {
    let mark = ["<int>", "<any>"].into_iter().filter_map(|mark| Some((expected.find(mark)?, mark))).min();
    let Some((at, mark)) = mark else { return expected == line || is_same_double(expected, line) };
    let Some(rest) = line.strip_prefix(&expected[..at]) else { return false };
    let after = &expected[at + mark.len()..];
    let ends = (0..=rest.len()).filter(|&end| rest.is_char_boundary(end));
    ends.into_iter().any(|end| {
        (mark == "<any>" || rest[..end].parse::<i64>().is_ok()) && line_matches(after, &rest[end..])
    })
}

/// The decoder knows the value of a double, not its text, which has more digits than it needs in some replies.
fn is_same_double(expected: &str, line: &str) -> bool {
    let parts = |line: &str| {
        let (before, number) = line.split_once("(double) ")?;
        Some((before.to_owned(), number.parse::<f64>().ok()?))
    };
    parts(expected).is_some_and(|double| Some(double) == parts(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_what_they_say() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let check = |expected: &str, received: &str| all_match(&lines(expected), &lines(received));
        assert!(check("(integer) <int>", "(integer) -12") && !check("(integer) <int>", "(integer) x"));
        assert!(check("a<any>c", "abbc") && !check("a<any>c", "abb"));
        assert!(check("1) (double) 0.10000000000000001", "1) (double) 0.1"));
        assert!(!check("1) (double) 0.2", "1) (double) 0.1") && !check("1) (double) 0.1", "2) (double) 0.1"));
        assert!(check("a\n<...>\nz", "a\nb\nc\nz") && !check("a\n<...>\nz", "a\nb"));
        assert!(matches(&lines("1) a\n2) b"), &lines("1) b\n2) a"), true));
        assert!(!matches(&lines("1) a\n2) b"), &lines("1) b\n2) c"), true));
    }
}
