//! Runs a transcript on a server.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::format::{Action, Section, Step, Transcript};
use super::matching::matches;
use crate::connection::{Connection, Failure};
use crate::peer::{Launch, Peer};
use crate::reply::Reply;
use crate::shape::{Judge, is_message};

/// How long silence must last to count as "no reply", where the server does not say that the client waits.
const SILENCE: Duration = Duration::from_millis(500);
/// Between two polls of whether the server lists the client as waiting.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// A reply that is not what the transcript says.
#[derive(Debug)]
pub struct Difference {
    file: PathBuf,
    line: usize,
    command: String,
    expected: Vec<String>,
    received: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}: {}", self.file.display(), self.line, self.command)?;
        for (title, lines) in [("expected", &self.expected), ("received", &self.received)] {
            writeln!(f, "  {title}:")?;
            for line in lines {
                writeln!(f, "    {line}")?;
            }
            if lines.is_empty() {
                writeln!(f, "    (no reply)")?;
            }
        }
        Ok(())
    }
}

/// A server that transcripts run on, one after the other.
#[derive(Debug)]
pub struct Runner {
    launch: Launch,
    /// The server for files without arguments of their own.
    usual: Option<Peer>,
}

impl Runner {
    /// Starts a server when the first file needs it.
    pub fn new(launch: &Launch) -> Runner {
        Runner { launch: launch.clone(), usual: None }
    }

    /// Runs a file and returns the replies that differ. An error means that the file can't be read or the server
    /// not be started.
    pub fn check(&mut self, file: &Path) -> Result<Vec<Difference>> {
        let transcript = Transcript::read(file)?;
        let mut differences = Vec::new();
        self.run(&transcript, |step, received| {
            if !matches(&step.expected, &received, step.unordered) {
                differences.push(Difference {
                    file: file.to_owned(),
                    line: step.line,
                    command: step.text().to_owned(),
                    expected: step.expected.clone(),
                    received,
                });
            }
        })
        .with_context(|| format!("{} on {}", file.display(), self.launch.name()))?;
        Ok(differences)
    }

    /// Runs a file and writes the replies into it. Returns true if that changed anything.
    pub fn record(&mut self, file: &Path) -> Result<bool> {
        let transcript = Transcript::read(file)?;
        let mut recorded = Vec::new();
        self.run(&transcript, |step, received| {
            let keeps = matches(&step.expected, &received, step.unordered);
            recorded.push(if keeps { step.expected.clone() } else { received });
        })
        .with_context(|| format!("{} on {}", file.display(), self.launch.name()))?;
        let mut changed = transcript.clone();
        let steps = changed.sections.iter_mut().flat_map(|section| &mut section.steps);
        for (step, lines) in steps.zip(recorded) {
            step.expected = lines;
        }
        let is_new = changed != transcript;
        if is_new {
            fs::write(file, changed.to_string()).with_context(|| format!("write {}", file.display()))?;
        }
        Ok(is_new)
    }

    fn run(&mut self, transcript: &Transcript, mut each: impl FnMut(&Step, Vec<String>)) -> Result<()> {
        let own;
        let peer = if transcript.server_args.is_empty() {
            if !self.usual.as_mut().is_some_and(Peer::is_running) {
                self.usual = Some(Peer::start(&self.launch)?);
            }
            self.usual.as_ref().expect("started above")
        } else {
            own = Peer::start(&self.launch.clone().with(&transcript.server_args))?;
            &own
        };
        transcript.sections.iter().try_for_each(|section| run_section(peer, section, &mut each))
    }
}

/// Checks one file on a fresh server.
pub fn check_file(launch: &Launch, file: &Path) -> Result<Vec<Difference>> {
    Runner::new(launch).check(file)
}

/// Records one file on a fresh server; true if that changed it.
pub fn record_file(launch: &Launch, file: &Path) -> Result<bool> {
    Runner::new(launch).record(file)
}

fn run_section(peer: &Peer, section: &Section, each: &mut impl FnMut(&Step, Vec<String>)) -> Result<()> {
    // A server with a password or few clients can't be flushed so; a file with its own server starts empty anyway.
    if let Ok(mut connection) = peer.connect() {
        let _ = connection.call(&["FLUSHALL"]);
    }
    let mut clients = BTreeMap::new();
    for step in &section.steps {
        let (client, judged) = match clients.entry(step.client) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert((peer.connect()?, Judged::default()))
            }
        };
        let mut received = run_step(peer, client, step)?;
        let complaint = judged.judge(&step.action, received.reply.as_ref());
        received.lines.extend(complaint.map(|complaint| format!("(of another shape: {complaint})")));
        each(step, received.lines);
    }
    for (number, (mut client, _)) in clients {
        if let Ok(Some(unread)) = client.receive_within(Duration::from_millis(1)) {
            let last = section.steps.last().map_or(0, |step| step.line);
            bail!(
                "before line {last}: client {number} has an unread reply: add a line `{number}<`\n{unread}"
            );
        }
    }
    Ok(())
}

/// A connection that asks a server how many of its clients wait. It exists only during a wait, because other steps count
/// connections.
struct Waiting(Option<Connection>);

impl Waiting {
    /// `None` where the server does not say: it wants a password, or takes no further client.
    fn count(&mut self) -> Option<usize> {
        let list = self.0.as_mut()?.call(&["CLIENT", "LIST"]).ok()?;
        if list.is_error() {
            return None;
        }
        let text = list.to_text();
        let flags =
            text.lines().filter_map(|line| line.split(' ').find_map(|word| word.strip_prefix("flags=")));
        Some(flags.filter(|flags| flags.contains('b')).count())
    }
}

/// A reply, or `None` once it is certain, or has been silent for long enough to believe, that there is none.
fn silence(
    client: &mut Connection,
    waiting: &mut Waiting,
    before: Option<usize>,
) -> Result<Option<Reply>, Failure> {
    let deadline = Instant::now() + SILENCE;
    loop {
        if let Some(reply) = client.receive_within(LOOK_AGAIN)? {
            return Ok(Some(reply));
        }
        let waits = before.zip(waiting.count()).is_some_and(|(before, now)| now > before);
        if waits || Instant::now() > deadline {
            return Ok(None);
        }
    }
}

/// Follows a client, one of whose commands may wait.
#[derive(Debug, Default)]
struct Judged {
    judge: Judge,
    waiting: Option<Vec<Vec<u8>>>,
}

impl Judged {
    fn judge(&mut self, action: &Action, reply: Option<&Reply>) -> Option<String> {
        match action {
            Action::Command(args) => self.waiting = Some(args.clone()),
            Action::Raw(_) => self.judge.lose(),
            Action::Await => {}
        }
        // What comes when nothing waits is a message, and so may be what comes before a reply.
        let args = self.waiting.take()?;
        match reply {
            Some(reply) if !is_message(&args, reply) => self.judge.judge(&args, reply),
            _ => {
                self.waiting = Some(args);
                None
            }
        }
    }
}

/// The outcome of a step: a reply, and the lines that show it or say why there is none.
struct Received {
    reply: Option<Reply>,
    lines: Vec<String>,
}

fn run_step(peer: &Peer, client: &mut Connection, step: &Step) -> Result<Received> {
    // Recording a new step looks the same as expecting silence.
    let expects_silence = step.expected.is_empty();
    let mut waiting = Waiting(if expects_silence { peer.connect().ok() } else { None });
    let before = waiting.count();
    let sent = match &step.action {
        Action::Command(args) => client.send(args),
        Action::Raw(bytes) => client.send_raw(bytes),
        Action::Await => Ok(()),
    };
    let received = match (sent, expects_silence) {
        (Err(failure), _) => Err(failure),
        (Ok(()), true) => silence(client, &mut waiting, before),
        (Ok(()), false) => client.receive().map(Some),
    };
    match received {
        Ok(Some(reply)) => Ok(Received { lines: reply.lines(), reply: Some(reply) }),
        Ok(None) | Err(Failure::Silent) => Ok(Received { reply: None, lines: Vec::new() }),
        Err(Failure::Closed(_)) => Ok(Received { reply: None, lines: vec!["(closed)".to_owned()] }),
        Err(garbled) => bail!("line {}: {garbled}", step.line),
    }
}
