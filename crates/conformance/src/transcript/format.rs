//! Reading and writing the text form. Reading and writing back changes nothing: comments and blank lines stay.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcript {
    /// True if the file begins with `@valkey`.
    pub valkey_only: bool,
    /// The engine that answers so: `redis-7.0`, or Valkey as of the version that ends the line `@valkey`.
    pub engine: String,
    /// Arguments of `@server`.
    pub server_args: Vec<String>,
    /// The `@` lines and comments of the head, as they are.
    head: Vec<String>,
    /// What runs on empty databases, one after the other.
    pub sections: Vec<Section>,
}

/// A part of a file that stands for itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// Blank lines before it.
    blank_lines: usize,
    /// Its steps.
    pub steps: Vec<Step>,
    /// Comments after its last step.
    tail: Vec<String>,
}

/// One command or awaited reply with its expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Line number of the command, from 1.
    pub line: usize,
    /// Comments and directives above it, as they are.
    notes: Vec<String>,
    /// The line itself, as it is.
    text: String,
    /// Which client, from 1.
    pub client: usize,
    /// What it does.
    pub action: Action,
    /// True under `#~ unordered`.
    pub unordered: bool,
    /// The lines of the reply; empty if none is expected.
    pub expected: Vec<String>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `>`: sends a command and awaits its reply.
    Command(Vec<Vec<u8>>),
    /// `!>`: sends bytes and awaits a reply.
    Raw(Vec<u8>),
    /// `<`: awaits one more reply.
    Await,
}

impl Transcript {
    /// Reads a file.
    pub fn read(file: &Path) -> Result<Transcript> {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        Transcript::parse(&text).with_context(|| format!("{}", file.display()))
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Transcript> {
        let mut transcript = Transcript {
            valkey_only: false,
            engine: "redis-7.0".to_owned(),
            server_args: Vec::new(),
            head: Vec::new(),
            sections: Vec::new(),
        };
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line)).peekable();
        while let Some((number, line)) = lines.next_if(|(_, line)| line.starts_with('@')) {
            transcript.read_head(line).with_context(|| format!("line {number}"))?;
        }
        let mut section = Section::default();
        let mut notes = Vec::new();
        for (number, line) in lines {
            if line.trim().is_empty() {
                if !section.steps.is_empty() || !notes.is_empty() {
                    section.tail = std::mem::take(&mut notes);
                    transcript.sections.push(std::mem::take(&mut section));
                }
                section.blank_lines += 1;
            } else if line.starts_with('#') {
                notes.push(line.to_owned());
            } else if let Some((client, action)) =
                parse_step(line).with_context(|| format!("line {number}"))?
            {
                let unordered = directives(&notes).with_context(|| format!("line {number}"))?;
                let notes = std::mem::take(&mut notes);
                let text = line.to_owned();
                let step =
                    Step { line: number, notes, text, client, action, unordered, expected: Vec::new() };
                section.steps.push(step);
            } else {
                let step = section.steps.last_mut();
                let step = step.filter(|_| notes.is_empty());
                let step = step.with_context(|| format!("line {number}: a reply without its command"))?;
                step.expected.push(line.to_owned());
            }
        }
        section.tail = notes;
        if !section.steps.is_empty() || !section.tail.is_empty() {
            transcript.sections.push(section);
        }
        Ok(transcript)
    }

    fn read_head(&mut self, line: &str) -> Result<()> {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("@valkey", from) => {
                let version = from.split_whitespace().last().unwrap_or_default();
                let mut parts = version.split('.');
                let (Some(major), Some(minor)) = (parts.next(), parts.next()) else {
                    bail!("{line:?} does not end with a version");
                };
                self.valkey_only = true;
                self.engine = format!("valkey-{major}.{minor}");
            }
            ("@server", args) => {
                let args = split_arguments(args)?;
                self.server_args = args.iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
            }
            (other, _) => bail!("unknown {other}; there are @valkey and @server"),
        }
        self.head.push(line.to_owned());
        Ok(())
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.head {
            writeln!(f, "{line}")?;
        }
        for section in &self.sections {
            for _ in 0..section.blank_lines {
                writeln!(f)?;
            }
            for step in &section.steps {
                for line in step.notes.iter().chain([&step.text]).chain(&step.expected) {
                    writeln!(f, "{line}")?;
                }
            }
            for line in &section.tail {
                writeln!(f, "{line}")?;
            }
        }
        Ok(())
    }
}

impl Step {
    /// The command line as it stands in the file.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// `None` if the line is part of a reply: it starts with no prompt.
fn parse_step(line: &str) -> Result<Option<(usize, Action)>> {
    let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(line.len());
    let (client, rest) = line.split_at(digits);
    let client = if client.is_empty() { 1 } else { client.parse().unwrap_or(0) };
    let action = if let Some(command) = rest.strip_prefix("> ") {
        let args = split_arguments(command)?;
        if args.is_empty() {
            bail!("a prompt without a command");
        }
        Action::Command(args)
    } else if let Some(bytes) = rest.strip_prefix("!> ") {
        Action::Raw(split_arguments(bytes)?.concat())
    } else if rest == "<" {
        Action::Await
    } else {
        return Ok(None);
    };
    if client == 0 {
        bail!("clients are numbered from 1");
    }
    Ok(Some((client, action)))
}

/// True if the notes say `#~ unordered`.
fn directives(notes: &[String]) -> Result<bool> {
    let mut unordered = false;
    for directive in notes.iter().filter_map(|note| note.strip_prefix("#~")) {
        match directive.trim() {
            "unordered" => unordered = true,
            other => bail!("unknown directive {other:?}; there is `unordered`"),
        }
    }
    Ok(unordered)
}

/// Splits a line into arguments as redis-cli does: separated by blanks, double quotes with escapes (`\n`, `\x00`…),
/// single quotes without.
pub fn split_arguments(line: &str) -> Result<Vec<Vec<u8>>> {
    let mut args = Vec::new();
    let mut rest = line.trim().as_bytes();
    while let Some(&first) = rest.first() {
        let mut arg = Vec::new();
        if first == b'"' {
            rest = take_quoted(&rest[1..], &mut arg)?;
        } else if first == b'\'' {
            let end = rest[1..].iter().position(|&byte| byte == b'\'').context("a quote without its end")?;
            arg.extend_from_slice(&rest[1..1 + end]);
            rest = &rest[end + 2..];
        } else {
            let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
            arg.extend_from_slice(&rest[..end]);
            rest = &rest[end..];
        }
        if rest.first().is_some_and(|&byte| byte != b' ') {
            bail!("text directly behind a closing quote");
        }
        rest = rest.trim_ascii_start();
        args.push(arg);
    }
    Ok(args)
}

fn take_quoted<'a>(mut rest: &'a [u8], arg: &mut Vec<u8>) -> Result<&'a [u8]> {
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Ok(after),
            [b'\\', b'x', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |byte: u8| (byte as char).to_digit(16).unwrap_or(0) as u8;
                arg.push(digit(*high) * 16 + digit(*low));
                after
            }
            [b'\\', escaped, after @ ..] => {
                arg.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'a' => 0x07,
                    b'b' => 0x08,
                    other => *other,
                });
                after
            }
            [byte, after @ ..] => {
                arg.push(*byte);
                after
            }
            [] => bail!("a quote without its end"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
@server --maxclients 5
# The head's comment belongs to the first step.
> SET a \"x y\\x00\"
OK

# A second section.
2> BLPOP l 0
> RPUSH l x
(integer) 1
2<
1) \"l\"
2) \"x\"
#~ unordered
> KEYS *
<...>

> HELLO 3
1| \"a push\"
";

    #[test]
    fn reading_and_writing_changes_nothing() {
        assert_eq!(Transcript::parse(TEXT).unwrap().to_string(), TEXT);
    }

    #[test]
    fn steps_are_what_they_look_like() {
        let transcript = Transcript::parse(TEXT).unwrap();
        assert_eq!(transcript.server_args, ["--maxclients", "5"]);
        assert_eq!(transcript.sections.len(), 3);
        let set = &transcript.sections[0].steps[0];
        assert_eq!(set.action, Action::Command(vec![b"SET".to_vec(), b"a".to_vec(), b"x y\0".to_vec()]));
        assert_eq!((set.line, set.client, set.expected.as_slice()), (3, 1, ["OK".to_owned()].as_slice()));
        let steps = &transcript.sections[1].steps;
        assert_eq!((steps[0].client, steps[0].expected.len()), (2, 0));
        assert_eq!((steps[2].client, &steps[2].action, steps[2].expected.len()), (2, &Action::Await, 2));
        assert!(steps[3].unordered && !steps[2].unordered);
        assert_eq!(transcript.sections[2].steps[0].expected, ["1| \"a push\""]);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for text in ["OK\n", "> SET \"a\n", "#~ sorted\n> KEYS *\n", "@redis\n", "0> PING\n", "> \"a\"b\n"] {
            let error = Transcript::parse(text).unwrap_err();
            assert!(format!("{error:#}").contains("line "), "{text:?}: {error:#}");
        }
    }

    #[test]
    fn quoting_is_redis_clis() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(split_arguments(&crate::reply::quoted(&bytes)).unwrap(), [bytes]);
        assert_eq!(
            split_arguments("a 'b \\n' \"\"").unwrap(),
            [b"a".to_vec(), b"b \\n".to_vec(), Vec::new()]
        );
    }
}
