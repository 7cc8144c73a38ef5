//! What to do: a load as its user describes it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::replies::Protocol;
use crate::schedule::Arrivals;
use crate::template::{Data, Template};

const MAX_THREADS: usize = 256;

/// Where the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A host and a port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Tcp(host, port) => write!(f, "{host}:{port}"),
            Target::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What a connection begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// The user, with a password.
    pub user: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The database.
    pub database: u32,
}

/// When requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// The next when the last are answered.
    Closed,
    /// At a rate, whatever the server does.
    Open {
        /// Requests a second.
        rate: f64,
        /// What lies between two.
        arrivals: Arrivals,
    },
}

/// A command of a mix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// How it is called in reports.
    pub name: String,
    /// Its words with placeholders.
    pub text: String,
    /// In proportion to this.
    pub weight: u64,
}

impl Command {
    /// A command that is called by its first word.
    pub fn new(text: impl Into<String>, weight: u64) -> Command {
        let text = text.into();
        let name = text.split_whitespace().next().unwrap_or_default().to_uppercase();
        Command { name, text, weight }
    }
}

/// A load.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How it is called in reports.
    pub name: String,
    /// Where the server is.
    pub target: Target,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// What a connection begins with.
    pub login: Login,
    /// Of all threads together.
    pub connections: usize,
    /// How many threads send.
    pub threads: usize,
    /// Requests of a connection that may be under way at a time.
    pub depth: usize,
    /// When requests are sent.
    pub pace: Pace,
    /// What is sent.
    pub commands: Vec<Command>,
    /// What placeholders stand for.
    pub data: Data,
    /// Ends after so many.
    pub requests: Option<u64>,
    /// Ends after this at the latest; what is under way is still awaited.
    pub time: Duration,
    /// Before anything is counted.
    pub warm_up: Duration,
    /// Ends when no answer came for so long.
    pub patience: Duration,
    /// The same seed draws the same requests.
    pub seed: u64,
}

impl Plan {
    /// A closed loop of 50 connections on a server for ten seconds.
    pub fn new(target: Target, commands: Vec<Command>) -> Plan {
        Plan {
            name: commands.iter().map(|command| command.name.as_str()).collect::<Vec<_>>().join(", "),
            target,
            protocol: Protocol::Resp2,
            login: Login::default(),
            connections: 50,
            threads: 1,
            depth: 1,
            pace: Pace::Closed,
            commands,
            data: Data::default(),
            requests: None,
            time: Duration::from_secs(10),
            warm_up: Duration::ZERO,
            patience: Duration::from_secs(30),
            seed: 1,
        }
    }

    /// The commands as templates.
    pub(crate) fn templates(&self) -> Result<Vec<Template>> {
        let template = |command: &Command| match Template::new(&command.text, &self.data, self.protocol) {
            Ok(template) => Ok(template),
            Err(why) => bail!("{:?}: {why}", command.text),
        };
        self.commands.iter().map(template).collect()
    }

    /// Says what makes no sense.
    pub(crate) fn check(&self) -> Result<()> {
        let Data { keys, fields, .. } = self.data;
        if self.connections == 0 || self.threads == 0 || self.depth == 0 || keys == 0 || fields == 0 {
            bail!("connections, threads, requests under way, keys and fields are 1 at least");
        }
        if self.threads > MAX_THREADS {
            bail!("{MAX_THREADS} threads are enough");
        }
        if self.connections < self.threads {
            bail!("{} threads need a connection each, and there are {}", self.threads, self.connections);
        }
        if self.login.user.is_some() && self.login.password.is_none() {
            bail!("a user has a password");
        }
        if self.protocol == Protocol::Memcached && self.login != Login::default() {
            bail!("Memcached's text protocol has no login and no databases");
        }
        if keys > 10u64.pow(12) || fields > 10u64.pow(12) {
            bail!("numbers of keys and fields have twelve digits");
        }
        if self.commands.is_empty() || self.commands.iter().all(|command| command.weight == 0) {
            bail!("there is no command with a weight above 0");
        }
        if let Pace::Open { rate, .. } = self.pace
            && !(rate.is_finite() && rate > 0.0)
        {
            bail!("a rate is above 0");
        }
        self.templates().map(drop)
    }
}
