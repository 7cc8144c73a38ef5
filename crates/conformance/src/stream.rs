//! What a server sends to its replicas, command by command.
//!
//! A reader attaches as a replica does, discards the snapshot, and reads commands from the stream until a marker that the
//! caller wrote. Differences between runs are normalised: times near now are `<ms>`, and removals next to each other, whose
//! order follows the layout of the keyspace, are sorted.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use crate::connection::Connection;
use crate::peer::{Launch, Peer};
use crate::reply::Reply;

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

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

fn is_removal(command: &str) -> bool {
    command.starts_with("DEL ") || command.starts_with("UNLINK ")
}

/// Attaches as a replica that wants everything, and receives the snapshot.
fn attach(peer: &Peer) -> Result<Connection> {
    let mut connection = peer.connect()?;
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
