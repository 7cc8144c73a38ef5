//! Two servers and the clients of a program on each.

use anyhow::{Context, Result, anyhow, ensure};
use profile::Profile;

use super::Divergence;
use super::compare::{Verdict, compare, sorted, sorted_pairs};
use super::state;
use crate::connection::{Connection, Failure};
use crate::peer::{Launch, Peer};
use crate::program::{CLIENTS, Compare, Step};
use crate::reply::Reply;
use crate::shape::Judge;
use crate::stream::{self, Tap};

/// The key under which payloads are restored.
const TRAVELLER: &[u8] = b"traveller";
/// Pages of one scan before it counts as endless.
const MAX_SCAN_PAGES: usize = 100_000;

/// The oracle and the subject, running.
#[derive(Debug)]
pub struct Pair {
    oracle: Side,
    subject: Side,
}

/// The outcome of a step on one server: a reply, or why there is none.
type Answer = Result<Reply, Failure>;

impl Pair {
    /// Starts both, which speak as a profile.
    pub fn start(oracle: &Launch, subject: &Launch, profile: Profile) -> Result<Pair> {
        Ok(Pair { oracle: Side::start(oracle, profile)?, subject: Side::start(subject, profile)? })
    }

    /// Runs a program on empty servers and returns the first difference. An error means that the oracle failed or a
    /// server can't be started.
    pub fn run(&mut self, program: &[Step]) -> Result<Option<Divergence>> {
        self.oracle.reset().context("the oracle")?;
        self.subject.reset().context("the subject")?;
        let mut queues: [Vec<Compare>; CLIENTS] = Default::default();
        for (at, step) in program.iter().enumerate() {
            let compared = self.run_step(step, &mut queues[step.client]);
            if let Some(what) = compared.with_context(|| format!("step {at}, {step}"))? {
                return Ok(Some(Divergence { step: Some(at), what }));
            }
        }
        let what = match self.compare_states()? {
            Some(what) => Some(what),
            None => self.compare_streams()?,
        };
        Ok(what.map(|what| Divergence { step: None, what }))
    }

    fn run_step(&mut self, step: &Step, queue: &mut Vec<Compare>) -> Result<Option<String>> {
        let (oracle, subject) = self.call(step.client, &step.args)?;
        for (side, reply) in [(&mut self.oracle, &oracle), (&mut self.subject, &subject)] {
            if let Some(complaint) = side.judges[step.client].judge(&step.args, reply) {
                return Ok(Some(format!("the shape of a reply of {}: {complaint}", side.launch.name())));
            }
        }
        let command = step.command();
        let difference = match (&oracle, &subject) {
            (oracle, Reply::Simple(queued)) if queued == b"QUEUED" && oracle == &subject => {
                queue.push(step.compare);
                None
            }
            (Reply::Array(a), Reply::Array(b))
                if command == "EXEC" && a.len() == b.len() && a.len() == queue.len() =>
            {
                let equal = a.iter().zip(b).zip(queue.iter());
                // Within a transaction the encoding at that moment can't be asked: another order is excused.
                let equal = equal
                    .map(|((a, b), how)| compare(*how, a, b))
                    .all(|verdict| verdict != Verdict::Different);
                (!equal).then(|| told(&oracle, &subject))
            }
            _ if step.compare == Compare::Scan && !oracle.is_error() => {
                self.compare_scans(step, &command, oracle, subject)?
            }
            (Reply::Bulk(a), Reply::Bulk(b)) if step.compare == Compare::Transfer => {
                let (a, b) = (a.clone(), b.clone());
                self.compare_payloads(step, &a, &b)?
            }
            _ => match compare(step.compare, &oracle, &subject) {
                Verdict::Equal => None,
                Verdict::EqualIfTable if self.oracle.has_table(step)? => None,
                _ => Some(told(&oracle, &subject)),
            },
        };
        if matches!(command.as_str(), "EXEC" | "DISCARD" | "RESET") {
            queue.clear();
        }
        Ok(difference)
    }

    /// Sends to both before reading from either, so that little time passes between the two executions.
    fn call(&mut self, client: usize, args: &[Vec<u8>]) -> Result<(Reply, Reply)> {
        let sent = self.oracle.clients[client].send(args);
        let subject_sent = self.subject.clients[client].send(args);
        let oracle = sent.and_then(|()| self.oracle.clients[client].receive());
        let subject = subject_sent.and_then(|()| self.subject.clients[client].receive());
        let oracle = oracle.map_err(|failure| self.oracle.failed(&failure)).context("the oracle")?;
        let subject = self.subject.or_failure(subject);
        if self.has_odd_strings() {
            return Ok((without_raw(oracle), without_raw(subject)));
        }
        Ok((oracle, subject))
    }

    /// As of Valkey 8.1, whether a string is `embstr` or `raw` follows from the length of its key, whether it expires, and what
    /// was there before.
    fn has_odd_strings(&self) -> bool {
        self.oracle.profile.has("8.1.0")
    }

    fn compare_scans(&mut self, step: &Step, command: &str, a: Reply, b: Reply) -> Result<Option<String>> {
        if b.is_error() {
            return Ok(Some(told(&a, &b)));
        }
        let a = self.oracle.rest_of_scan(step, command, a);
        let a = a.map_err(|failure| self.oracle.failed(&failure)).context("the oracle")?;
        let b = self.subject.rest_of_scan(step, command, b);
        let b = self.subject.or_failure(b);
        Ok((a != b).then(|| told(&a, &b)))
    }

    /// Restores each server's payload on the other under one name, and compares the results.
    fn compare_payloads(
        &mut self,
        step: &Step,
        from_oracle: &[u8],
        from_subject: &[u8],
    ) -> Result<Option<String>> {
        let client = step.client;
        let version = |payload: &[u8]| payload.len().checked_sub(10).map(|at| payload[at..at + 2].to_vec());
        if version(from_oracle) != version(from_subject) {
            let told = told(&Reply::bulk(from_oracle), &Reply::bulk(from_subject));
            return Ok(Some(format!("the version of the payload:\n{told}")));
        }
        let restore = |payload: &[u8]| -> Vec<Vec<u8>> {
            vec![
                b"RESTORE".to_vec(),
                TRAVELLER.to_vec(),
                b"0".to_vec(),
                payload.to_vec(),
                b"REPLACE".to_vec(),
            ]
        };
        let oracle = self.oracle.clients[client].call(&restore(from_subject));
        let oracle = oracle.map_err(|failure| self.oracle.failed(&failure)).context("the oracle")?;
        let subject = self.subject.clients[client].call(&restore(from_oracle));
        let subject = self.subject.or_failure(subject);
        if oracle != subject {
            let payloads = format!("{:?} and {:?}", Reply::bulk(from_oracle), Reply::bulk(from_subject));
            return Ok(Some(format!(
                "restoring each other's payload, {payloads}:\n{}",
                told(&oracle, &subject)
            )));
        }
        for question in ["DEBUG DIGEST-VALUE", "OBJECT ENCODING"] {
            let mut args: Vec<Vec<u8>> = question.split(' ').map(|word| word.as_bytes().to_vec()).collect();
            args.push(TRAVELLER.to_vec());
            let (oracle, subject) = self.call(client, &args)?;
            if oracle != subject {
                return Ok(Some(format!(
                    "{question} of the other's payload, restored:\n{}",
                    told(&oracle, &subject)
                )));
            }
        }
        let (oracle, subject) = self.call(client, &[b"DEL".to_vec(), TRAVELLER.to_vec()])?;
        Ok((oracle != subject).then(|| told(&oracle, &subject)))
    }

    fn compare_states(&mut self) -> Result<Option<String>> {
        let oracle = state::describe(&mut self.oracle.peer.connect()?).context("the oracle's state")?;
        let subject = match self.subject.peer.connect().and_then(|mut c| state::describe(&mut c)) {
            Ok(state) => state,
            Err(error) => return Ok(Some(format!("the subject's state can't be read: {error:#}"))),
        };
        if self.has_odd_strings() {
            return Ok(state::difference(&oracle.without_raw(), &subject.without_raw()));
        }
        Ok(state::difference(&oracle, &subject))
    }

    fn compare_streams(&mut self) -> Result<Option<String>> {
        let oracle = self.oracle.stream().context("the oracle's stream")?;
        Ok(match self.subject.stream() {
            Ok(subject) => stream::difference(&oracle, &subject),
            Err(error) => Some(format!("the subject's stream can't be read: {error:#}")),
        })
    }
}

#[derive(Debug)]
struct Side {
    launch: Launch,
    profile: Profile,
    peer: Peer,
    /// Reads what goes to replicas.
    tap: Tap,
    clients: Vec<Connection>,
    judges: [Judge; CLIENTS],
}

impl Side {
    fn start(launch: &Launch, profile: Profile) -> Result<Side> {
        let launch = launch.clone().with(Tap::ARGS);
        let peer = Peer::start(&launch)?;
        Ok(Side {
            tap: Tap::attach(&peer)?,
            launch,
            profile,
            peer,
            clients: Vec::new(),
            judges: Default::default(),
        })
    }

    /// Empty databases and fresh connections; a fresh process if the old one ended or hangs.
    fn reset(&mut self) -> Result<()> {
        self.clients.clear();
        self.judges = std::array::from_fn(|_| Judge::new(self.profile));
        if !self.peer.is_running() || self.flush().is_err() {
            self.peer = Peer::start(&self.launch)?;
            self.tap = Tap::attach(&self.peer)?;
            self.flush()?;
        }
        self.clients = (0..CLIENTS).map(|_| self.peer.connect()).collect::<Result<_>>()?;
        Ok(())
    }

    /// Empties all databases; the stream of what follows begins in database 0.
    fn flush(&mut self) -> Result<()> {
        let mut connection = self.peer.connect()?;
        let reply = connection.call(&["FLUSHALL"])?;
        ensure!(!reply.is_error(), "FLUSHALL answers {reply}");
        self.tap.read(&mut connection)?;
        let reply = connection.call(&["DEL", "marker"])?;
        ensure!(reply == Reply::Integer(1), "DEL answers {reply}");
        Ok(())
    }

    /// The stream of the program. How servers compress payloads differs, so it is without the keys that travelled.
    fn stream(&mut self) -> Result<Vec<stream::Command>> {
        let mut commands = self.tap.read(&mut self.peer.connect()?)?;
        commands.retain(|command| command.get(1).is_none_or(|key| key != TRAVELLER));
        Ok(commands)
    }

    fn failed(&mut self, failure: &Failure) -> anyhow::Error {
        let state = if self.peer.is_running() { "still runs" } else { "has ended" };
        anyhow!("{failure}; the process {state}; its log:\n{}", self.peer.log_tail())
    }

    /// A failure as a reply that no server gives, so that it compares as different and is printed.
    fn or_failure(&mut self, answer: Answer) -> Reply {
        answer.unwrap_or_else(|failure| Reply::Error(format!("{:#}", self.failed(&failure)).into_bytes()))
    }

    /// Whether the key of a command has no compact encoding any more (or is gone meanwhile), or is a set that may have been one of
    /// several in a table before: its listpack has their order.
    fn has_table(&mut self, step: &Step) -> Result<bool> {
        let key = step.args.get(1).context("a command on a table without its key")?;
        let encoding = self.clients[step.client].call(&[b"OBJECT", b"ENCODING".as_slice(), key])?;
        let encoding = encoding.to_text();
        let is_set = step.command() == "SMEMBERS";
        Ok(!matches!(encoding.as_str(), "intset" | "ziplist") && (is_set || encoding != "listpack"))
    }

    /// Follows a scan from its first page to the end: all elements, sorted and without duplicates, which a scan may
    /// give. Pairs stay together.
    fn rest_of_scan(&mut self, step: &Step, command: &str, first: Reply) -> Answer {
        let cursor_at = if command == "SCAN" { 1 } else { 2 };
        let in_pairs = matches!(command, "HSCAN" | "ZSCAN");
        let mut args = step.args.clone();
        let mut page = first;
        let mut found = Vec::new();
        for _ in 0..MAX_SCAN_PAGES {
            let Some([cursor, Reply::Array(elements)]) = page.elements() else { return Ok(page) };
            found.extend(elements.iter().cloned());
            if cursor.text() == Some(b"0") {
                let ordered =
                    if in_pairs { sorted_pairs(&Reply::Array(found)) } else { sorted(&Reply::Array(found)) };
                let elements = ordered.elements().unwrap_or_default();
                let mut chunks: Vec<&[Reply]> = elements.chunks(if in_pairs { 2 } else { 1 }).collect();
                chunks.dedup();
                return Ok(Reply::Array(chunks.concat()));
            }
            args[cursor_at] = cursor.text().unwrap_or_default().to_vec();
            page = self.clients[step.client].call(&args)?;
        }
        Ok(Reply::Error(format!("a scan of more than {MAX_SCAN_PAGES} pages").into_bytes()))
    }
}

/// A reply in which every string is `embstr`.
fn without_raw(reply: Reply) -> Reply {
    match reply {
        Reply::Bulk(text) if text == b"raw" => Reply::bulk("embstr"),
        Reply::Array(replies) => Reply::Array(replies.into_iter().map(without_raw).collect()),
        other => other,
    }
}

/// Two replies as a finding shows them; a long one is cut around their first difference.
fn told(oracle: &Reply, subject: &Reply) -> String {
    let (a, b) = (format!("{oracle:?}"), format!("{subject:?}"));
    let parting = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    format!("  oracle:  {}\n  subject: {}", cut(&a, parting), cut(&b, parting))
}

fn cut(text: &str, parting: usize) -> String {
    const AROUND: usize = 1500;
    if text.len() <= 2 * AROUND {
        return text.to_owned();
    }
    let around = &text.as_bytes()[parting.saturating_sub(AROUND)..(parting + AROUND).min(text.len())];
    format!("…{}… ({} bytes in all)", String::from_utf8_lossy(around), text.len())
}
