//! What a server sends to its replicas, command by command.
//!
//! [`of`] runs a scenario; a [`Tap`] stays with a server and reads what random programs made of its stream.
//!
//! A reader attaches as a replica does, discards the snapshot, and reads commands from the stream until a marker that the
//! caller wrote. Differences between runs are normalised: times near now are `<ms>`, and removals next to each other, whose
//! order follows the layout of the keyspace, are sorted.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use crate::connection::Connection;
use crate::peer::{Launch, Peer};
use crate::reply::{Reply, quoted};

/// How far from now a number still is a time.
const NEAR_MS: u64 = 1_000_000_000;
/// The write after which the stream has been seen to its end.
const MARKER: [&str; 3] = ["SET", "marker", "seen"];

/// One line of a scenario.
#[derive(Debug, Clone, Copy)]
pub enum Line {
    /// The first client sends this and waits for the reply.
    Ask(&'static str),
    /// The second client sends this, and finds nothing: the scenario goes on when it waits.
    Block(&'static str),
    /// The second client has its answer, this one.
    Answered(&'static str),
    /// So many milliseconds pass on the server's clock.
    Pass(u64),
}

/// Runs a scenario on a new server; the commands that its replicas received.
pub fn of(launch: &Launch, scenario: &[Line]) -> Result<Vec<String>> {
    let peer = Peer::start(&launch.clone().with(&["--repl-diskless-sync-delay", "0"]))?;
    let (mut first, mut second) = (peer.connect()?, peer.connect()?);
    let mut stream = attach(&peer)?;
    for line in scenario {
        match *line {
            Line::Ask(text) => drop(first.call(&words(text)).with_context(|| text)?),
            Line::Block(text) => {
                second.send(&words(text))?;
                while !info(&mut first)?.contains("blocked_clients:1\r") {}
            }
            Line::Answered(text) => {
                let reply = second.receive()?.to_string();
                ensure!(reply == text, "the client that waited got {reply}, not {text}");
            }
            Line::Pass(ms) => {
                let until_ms = time_ms(&mut first)? + ms;
                while time_ms(&mut first)? < until_ms {}
            }
        }
    }
    first.call(&MARKER)?;
    let mut commands = Vec::new();
    loop {
        let command = stream.receive()?;
        let words: Vec<String> =
            command.elements().context("a command")?.iter().map(|word| even(word.to_text())).collect();
        if words == MARKER {
            break;
        }
        let name = words[0].to_ascii_lowercase();
        if name != "ping" && name != "replconf" {
            commands.push(words.join(" "));
        }
    }
    commands.chunk_by_mut(|a, b| is_removal(a) && is_removal(b)).for_each(<[String]>::sort);
    Ok(commands)
}

/// One command of a stream.
pub type Command = Vec<Vec<u8>>;

/// A reader of a server's stream that stays attached.
#[derive(Debug)]
pub struct Tap {
    stream: Connection,
    /// How many markers were written.
    markers: usize,
}

impl Tap {
    /// What a server needs among its arguments.
    pub const ARGS: &[&str] = &["--repl-diskless-sync-delay", "0", "--repl-timeout", "3600"];

    /// Attaches to a server.
    pub fn attach(peer: &Peer) -> Result<Tap> {
        Ok(Tap { stream: attach(peer)?, markers: 0 })
    }

    /// All that came since the last time. A marker is written in database 0, where the connection must be.
    pub fn read(&mut self, connection: &mut Connection) -> Result<Vec<Command>> {
        self.markers += 1;
        let marker = ["SET", "marker", &self.markers.to_string()].map(|word| word.as_bytes().to_vec());
        let reply = connection.call(&marker)?;
        ensure!(!reply.is_error(), "the marker is answered by {reply}");
        let mut commands = Vec::new();
        loop {
            let command = self.stream.receive()?;
            let words = command.elements().context("a command")?;
            let words: Command = words.iter().map(|word| word.text().unwrap_or_default().to_vec()).collect();
            if words == marker {
                break;
            }
            let is_own =
                |name: &[u8]| name.eq_ignore_ascii_case(b"ping") || name.eq_ignore_ascii_case(b"replconf");
            if !words.first().is_some_and(|name| is_own(name)) {
                commands.push(words);
            }
        }
        let is_removal = |command: &Command| command[0] == b"DEL" || command[0] == b"UNLINK";
        commands.chunk_by_mut(|a, b| is_removal(a) && is_removal(b)).for_each(<[Command]>::sort);
        Ok(commands)
    }
}

/// The first difference of two streams in words. Times may be as far apart as two servers are.
pub fn difference(oracle: &[Command], subject: &[Command]) -> Option<String> {
    let same = |(a, b): (&Command, &Command)| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || are_near(a, b))
    };
    let equal = oracle.iter().zip(subject).take_while(|&pair| same(pair)).count();
    if equal == oracle.len() && equal == subject.len() {
        return None;
    }
    let tell = |commands: &[Command]| {
        let shown = commands[equal.saturating_sub(2)..].iter().take(6);
        let lines = shown.map(|command| {
            let words: Vec<String> =
                command.iter().map(|word| quoted(&word[..word.len().min(100)])).collect();
            format!("\n    {}", words.join(" "))
        });
        lines.collect::<String>()
    };
    Some(format!(
        "the streams to replicas differ after {equal} commands:\n  oracle:{}\n  subject:{}",
        tell(oracle),
        tell(subject)
    ))
}

/// Whether both are times, in milliseconds since 1970 and hardly apart.
fn are_near(a: &[u8], b: &[u8]) -> bool {
    const APART_MS: u64 = 30_000;
    const LEAST_MS: u64 = 1_000_000_000_000;
    let number = |word: &[u8]| std::str::from_utf8(word).ok()?.parse::<u64>().ok();
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.min(b) > LEAST_MS && a.abs_diff(b) < APART_MS,
        _ => false,
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

fn is_removal(command: &str) -> bool {
    command.starts_with("DEL ") || command.starts_with("UNLINK ")
}

/// Attaches as a replica that wants everything, and receives the snapshot.
fn attach(peer: &Peer) -> Result<Connection> {
    let mut connection = Connection::tcp(peer.port())?;
    connection.send(&["PSYNC", "?", "-1"])?;
    let line = connection.receive_line()?;
    ensure!(line.starts_with("+FULLRESYNC "), "PSYNC is answered by {line}");
    let mut line = String::new();
    while line.is_empty() {
        // The server sends empty lines while it is not ready.
        line = connection.receive_line()?;
    }
    let bytes = line.strip_prefix('$').and_then(|bytes| bytes.parse().ok());
    connection.skip(bytes.with_context(|| format!("the snapshot begins with {line}"))?)?;
    // From now on the stream comes.
    connection.send(&["REPLCONF", "ACK", "0"])?;
    Ok(connection)
}

fn info(connection: &mut Connection) -> Result<String> {
    Ok(connection.call(&["INFO", "clients"])?.to_text())
}

fn time_ms(connection: &mut Connection) -> Result<u64> {
    let time = connection.call(&["TIME"])?;
    let [Reply::Bulk(seconds), Reply::Bulk(micros)] = time.elements().context("a time")? else {
        anyhow::bail!("TIME is answered by {time}");
    };
    let number = |text: &[u8]| String::from_utf8_lossy(text).parse::<u64>();
    Ok(number(seconds)? * 1000 + number(micros)? / 1000)
}

fn even(word: String) -> String {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as u64);
    match word.parse::<u64>() {
        Ok(number) if number.abs_diff(now_ms) < NEAR_MS => "<ms>".to_owned(),
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(lines: &[&str]) -> Vec<Command> {
        let words = |line: &&str| line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
        lines.iter().map(words).collect()
    }

    #[test]
    fn streams_may_differ_in_times_alone() {
        let differ = |a: &[&str], b: &[&str]| difference(&commands(a), &commands(b)).is_some();
        assert!(!differ(&["SET a 1", "DEL a"], &["SET a 1", "DEL a"]));
        assert!(!differ(&["PEXPIREAT a 1700000000000"], &["PEXPIREAT a 1700000000123"]));
        assert!(differ(&["PEXPIREAT a 1700000000000"], &["PEXPIREAT a 1700000900000"]));
        assert!(differ(&["INCRBY a 1"], &["INCRBY a 2"]));
        assert!(differ(&["SET a 1"], &["SET a 1", "DEL a"]));
        assert!(differ(&["SET a 1", "DEL a"], &["SET a 1", "UNLINK a"]));
        assert!(differ(&["SET a 1"], &["set a 1"]));
    }
}
