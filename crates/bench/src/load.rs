//! The loads of the cases, in terms of the load generator (the crate of this name).
//!
//! One thread, and where a case does not say otherwise a closed loop: each connection has `depth` requests under way and
//! sends the next when it has all replies. An error reply, a connection that breaks and a request without an answer fail
//! the case. Latency is that of a request: from sending it, or in an open loop from when it was due, to the read that
//! brought its reply.

use std::time::Duration;

use ::load::{Arrivals, Data, Distribution, Pace, Plan, Preset, Sizes, Tally, Target};
use anyhow::{Result, bail};

/// `key:` and twelve digits.
pub(crate) const KEY_BYTES: usize = 16;
/// A server that answers nothing for this long has hung.
const SILENCE: Duration = Duration::from_secs(60);

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// `PING`
    Ping,
    /// `GET key`
    Get,
    /// `SET key value`
    Set,
    /// `SET` in this percentage of requests, otherwise `GET`.
    Mixed {
        /// Percent of SETs.
        set_percent: u8,
    },
    /// A load that the generator knows by name.
    Preset(&'static str),
    /// A command with the generator's placeholders.
    Text(&'static str),
}

impl Command {
    fn commands(self) -> Vec<::load::Command> {
        let command = |text, weight| ::load::Command::new(text, weight);
        let (get, set) = ("GET {key}", "SET {key} {value}");
        match self {
            Command::Ping => vec![command("PING", 1)],
            Command::Get => vec![command(get, 1)],
            Command::Set => vec![command(set, 1)],
            Command::Mixed { set_percent } => {
                let set_percent = u64::from(set_percent);
                vec![command(get, 100 - set_percent), command(set, set_percent)]
            }
            Command::Preset(name) => vec![Preset::find(name).expect("a name of the generator").command],
            Command::Text(text) => vec![command(text, 1)],
        }
    }

    /// Whether a nil means that the measurement is wrong.
    pub(crate) fn must_hit(self) -> bool {
        matches!(self, Command::Get | Command::Preset("lpop"))
    }
}

/// Which keys, all of the keyspace `0..n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Each equally likely.
    Random(u64),
    /// One after the other, which loads each of `n` once in `n` requests.
    Sequential(u64),
}

/// A load.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    /// Requests that a connection sends ahead.
    pub(crate) depth: usize,
    pub(crate) command: Command,
    pub(crate) keys: Keys,
    pub(crate) value_bytes: usize,
    /// Ends after this many requests.
    pub(crate) requests: u64,
    /// Ends after this time at the latest; requests under way are still awaited.
    pub(crate) time_limit: Duration,
    /// Requests a second in an open loop.
    pub(crate) rate: Option<f64>,
}

impl Load {
    /// 50 connections with a keyspace, to be bounded by requests alone.
    pub(crate) fn new(command: Command, depth: usize, keys: Keys, value_bytes: usize, requests: u64) -> Load {
        let time_limit = Duration::from_secs(600);
        Load { connections: 50, depth, command, keys, value_bytes, requests, time_limit, rate: None }
    }

    fn plan(&self, target: Target) -> Plan {
        let (keys, distribution) = match self.keys {
            Keys::Random(count) => (count, Distribution::Uniform),
            Keys::Sequential(count) => (count, Distribution::Sequential),
        };
        let sizes = Sizes::Fixed(self.value_bytes);
        Plan {
            connections: self.connections,
            depth: self.depth,
            pace: match self.rate {
                Some(rate) => Pace::Open { rate, arrivals: Arrivals::Poisson },
                None => Pace::Closed,
            },
            data: Data { keys, distribution, sizes, ..Data::default() },
            requests: Some(self.requests),
            time: self.time_limit,
            patience: SILENCE,
            ..Plan::new(target, self.command.commands())
        }
    }
}

/// The result of a load.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Requests that were answered.
    pub(crate) requests: u64,
    /// Replies that were nil.
    pub(crate) misses: u64,
    pub(crate) elapsed: Duration,
    pub(crate) latency: Tally,
    /// Requests of an open loop that were due and could not be sent.
    pub(crate) unsent: u64,
}

/// Puts the load on a port of 127.0.0.1 until it is done, or until `goes_on`, asked about every few milliseconds, says no.
pub(crate) fn run(port: u16, load: &Load, mut goes_on: impl FnMut() -> bool) -> Result<Outcome> {
    let plan = load.plan(Target::Tcp("127.0.0.1".to_owned(), port));
    let outcome = ::load::run(&plan, false, |_| goes_on())?;
    if let Some(failure) = outcome.first_error.as_ref().or(outcome.complaint.as_ref()) {
        bail!("the load failed: {failure}");
    }
    if outcome.unanswered > 0 {
        bail!("{} requests were not answered", outcome.unanswered);
    }
    let latency = outcome.total();
    Ok(Outcome {
        requests: latency.count(),
        misses: latency.nils,
        elapsed: outcome.elapsed,
        unsent: outcome.unsent,
        latency,
    })
}

/// Creates the data that a load needs.
pub(crate) fn prepare(port: u16, load: &Load) -> Result<()> {
    let Command::Preset(name) = load.command else { return Ok(()) };
    for text in Preset::find(name).expect("a name of the generator").before {
        let once = Load { connections: 1, depth: 1, requests: 1, rate: None, ..*load };
        let mut plan = once.plan(Target::Tcp("127.0.0.1".to_owned(), port));
        plan.commands = vec![::load::Command::new(text, 1)];
        if let Some(error) = ::load::run(&plan, false, |_| true)?.first_error {
            bail!("{error}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Keeps a server on a port that answers so, to each read.
    fn answering(reply: &'static [u8]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut buffer = [0; 1000];
            while stream.read(&mut buffer).is_ok_and(|count| count > 0) {
                let _ = stream.write_all(reply);
            }
        });
        port
    }

    #[test]
    fn errors_and_lost_connections_fail_a_load() {
        let load = Load { connections: 1, ..Load::new(Command::Get, 1, Keys::Random(1), 1, 10) };
        let failure = |reply| format!("{:#}", run(answering(reply), &load, || true).expect_err("it fails"));
        assert!(failure(b"-ERR no\r\n").contains("ERR no"));
        assert!(failure(b"nothing\r\n").contains("no reply"));
        let outcome = run(answering(b"$-1\r\n"), &load, || true).expect("fine");
        assert_eq!((outcome.requests, outcome.misses), (10, 10));
    }

    #[test]
    fn all_commands_are_known_and_keys_have_their_length() {
        let presets = ["incr", "lpush", "lpop", "hset", "lrange_100", "mset"].map(Command::Preset);
        for command in presets.into_iter().chain([Command::Mixed { set_percent: 20 }]) {
            assert!(!command.commands().is_empty());
        }
        assert_eq!(KEY_BYTES, Data::default().prefix.len() + 12);
    }
}
