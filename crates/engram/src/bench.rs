//! `engram bench`: a load on a server, and what came of it.

use crate::{console, descriptors};
use anyhow::{Context, Result, bail};
use files::{Directory, Permission};
use load::{
    Arrivals, Command, Data, Distribution, Login, Outcome, Pace, Plan, Preset, Protocol, Sizes, Target,
};
use output::Stream;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Requests of a connection that are sent ahead while keys are loaded.
const LOADING_DEPTH: usize = 64;

/// Put a load on a Redis- or Memcached-compatible server and measure its latencies
///
/// Without --command or --test: GET nine times of ten, else SET. Commands are mixed by their weights; tests run one after
/// the other. Placeholders in a command: {key}, {value}, {field}, {member}, {int} (below --keys), {score} (from 0 to 1);
/// each is drawn anew, and {{ is a brace.
///
/// With --rate the loop is open: requests are due at times that follow from the rate alone, and latency counts from
/// there, so a server that stalls is charged for all that had to wait. Without, it is closed: a connection sends the
/// next requests when it has the answers to the last.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Print help
    #[arg(long, action = clap::ArgAction::HelpLong)]
    help: Option<bool>,
    /// The server's host
    #[arg(short = 'h', long, default_value = "127.0.0.1")]
    host: String,
    /// The server's port
    #[arg(short = 'p', long, default_value_t = 6379)]
    port: u16,
    /// The server's Unix socket, instead of host and port
    #[arg(short = 's', long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// A user to log in as
    #[arg(long, requires = "password")]
    user: Option<String>,
    /// The password
    #[arg(short = 'a', long)]
    password: Option<String>,
    /// The database
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    db: u32,
    /// RESP2, which is the default
    #[arg(short = '2', conflicts_with_all = ["resp3", "memcached"])]
    resp2: bool,
    /// RESP3
    #[arg(short = '3', conflicts_with = "memcached")]
    resp3: bool,
    /// Memcached's text protocol: commands such as 'get {key}', 'set {key} 0 0 {value}', 'mg {key} v', 'ms {key} {value}'
    #[arg(long)]
    memcached: bool,
    /// Connections of all threads together
    #[arg(short = 'c', long, value_name = "N", default_value_t = 50)]
    connections: usize,
    /// Threads that send
    #[arg(short = 't', long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// Requests of a connection that may be under way at a time
    #[arg(short = 'P', long, value_name = "N", default_value_t = 1)]
    pipeline: usize,
    /// Requests a second of all threads together, in an open loop
    #[arg(short = 'r', long, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// What lies between two requests of an open loop: constant, poisson
    #[arg(long, value_name = "KIND", default_value = "constant", requires = "rate")]
    arrivals: Arrivals,
    /// End after so many requests
    #[arg(short = 'n', long, value_name = "N")]
    requests: Option<u64>,
    /// End after so many seconds; without it 10, or as long as --requests takes
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    time: Option<Duration>,
    /// Seconds before anything is counted
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    warm_up: Duration,
    /// Give up when no answer came for so many seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    patience: Duration,
    /// A command with placeholders; several are mixed
    #[arg(long, value_name = "COMMAND", conflicts_with = "test")]
    command: Vec<String>,
    /// The weight of each --command, in their order
    #[arg(long, value_name = "N", requires = "command")]
    weight: Vec<u64>,
    /// Loads by name, one after the other: ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,hget,spop,zadd,zpopmin,xadd,
    /// lrange_100,lrange_300,lrange_500,lrange_600,mset,mget,del,expire
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    test: Vec<String>,
    /// How many keys there are
    #[arg(short = 'k', long, value_name = "N", default_value_t = 100_000)]
    keys: u64,
    /// What keys begin with
    #[arg(long, value_name = "TEXT", default_value = "key:")]
    key_prefix: String,
    /// Which keys are used: uniform, sequential, zipfian[:EXPONENT], hotspot[:ACCESSES/KEYS] in percent
    #[arg(long, value_name = "KIND", default_value = "uniform")]
    distribution: Distribution,
    /// How many fields and members there are
    #[arg(long, value_name = "N", default_value_t = 1000)]
    fields: u64,
    /// Bytes of values: 256, 64-1024, or with weights 64:80,1024:20
    #[arg(short = 'd', long, value_name = "SIZES", default_value = "64")]
    value_size: Sizes,
    /// First set every key once
    #[arg(long)]
    load: bool,
    /// What --load sends for each key
    #[arg(long, value_name = "COMMAND", requires = "load")]
    load_command: Option<String>,
    /// The same seed draws the same requests
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    results: Results,
}

/// Where results go besides the table.
#[derive(Debug, clap::Args)]
struct Results {
    /// Write all figures to a file, or with - to the standard output in place of the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the latencies by percentile
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Draw the latencies of several runs in one picture
    Plot {
        /// What --json wrote
        #[arg(required = true)]
        results: Vec<PathBuf>,
        /// The picture
        #[arg(long, value_name = "FILE")]
        svg: PathBuf,
    },
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Runs the loads one after the other and shows what came of them.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(Verb::Plot { results, svg }) = &arguments.verb {
        return plot(results, svg);
    }
    let plans = arguments.plans()?;
    descriptors::raise_limit();
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The second one ends the process at once.
        signal_hook::flag::register_conditional_default(signal, stop.clone())?;
        signal_hook::flag::register(signal, stop.clone())?;
    }
    let mut done: Vec<(Plan, Outcome)> = Vec::new();
    for plan in plans {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let outcome = watched(&plan, &stop).with_context(|| plan.name.clone())?;
        let notes = load::report::notes(&plan, &outcome);
        if !notes.is_empty() {
            console::complain(notes.trim_end());
        }
        done.push((plan, outcome));
    }
    arguments.results.show(&done)
}

/// A load with a line a second where somebody may look at it.
fn watched(plan: &Plan, stop: &AtomicBool) -> Result<Outcome> {
    let is_terminal = std::io::stderr().is_terminal();
    let outcome = load::run(plan, is_terminal, |live| {
        if let Some(line) = load::report::live(live) {
            // Back to the start of the line, and what is left of the last one erased.
            output::say(Stream::Err, &format!("\r{}  {line}\x1b[K", plan.name));
        }
        !stop.load(Ordering::Relaxed)
    });
    if is_terminal {
        output::say(Stream::Err, "\r\x1b[K");
    }
    outcome
}

impl Arguments {
    /// The loads that are asked for, with what has to be there before.
    fn plans(&self) -> Result<Vec<Plan>> {
        let mut plans = Vec::new();
        if self.load {
            plans.push(self.loading()?);
        }
        for name in &self.test {
            let Some(preset) = Preset::find(name) else {
                bail!("no test {name}; there are {}", load::preset_names().collect::<Vec<_>>().join(", "));
            };
            for command in &preset.before {
                let mut before = self.plan(vec![Command::new(command.as_str(), 1)]);
                (before.connections, before.threads, before.requests) = (1, 1, Some(1));
                (before.pace, before.warm_up) = (Pace::Closed, Duration::ZERO);
                before.name = format!("before {name}");
                plans.push(before);
            }
            plans.push(self.plan(vec![preset.command]));
        }
        if self.test.is_empty() {
            plans.push(self.plan(self.mix()?));
        }
        Ok(plans)
    }

    fn mix(&self) -> Result<Vec<Command>> {
        if self.command.is_empty() {
            let (get, set) = if self.memcached {
                ("get {key}", "set {key} 0 0 {value}")
            } else {
                ("GET {key}", "SET {key} {value}")
            };
            return Ok(vec![Command::new(get, 9), Command::new(set, 1)]);
        }
        if !self.weight.is_empty() && self.weight.len() != self.command.len() {
            bail!("{} commands have {} weights", self.command.len(), self.weight.len());
        }
        let weights = self.weight.iter().copied().chain(std::iter::repeat(1));
        Ok(self
            .command
            .iter()
            .zip(weights)
            .map(|(text, weight)| Command::new(text.as_str(), weight))
            .collect())
    }

    fn plan(&self, commands: Vec<Command>) -> Plan {
        let target = match &self.socket {
            Some(path) => Target::Unix(path.clone()),
            None => Target::Tcp(self.host.clone(), self.port),
        };
        let protocol = match (self.memcached, self.resp3) {
            (true, _) => Protocol::Memcached,
            (false, true) => Protocol::Resp3,
            (false, false) => Protocol::Resp2,
        };
        let time = self.time.unwrap_or(match self.requests {
            Some(_) => Duration::MAX,
            None => Duration::from_secs(10),
        });
        Plan {
            protocol,
            login: Login { user: self.user.clone(), password: self.password.clone(), database: self.db },
            connections: self.connections,
            threads: self.threads,
            depth: self.pipeline,
            pace: match self.rate {
                Some(rate) => Pace::Open { rate, arrivals: self.arrivals },
                None => Pace::Closed,
            },
            data: Data {
                keys: self.keys,
                prefix: self.key_prefix.clone(),
                distribution: self.distribution,
                sizes: self.value_size.clone(),
                fields: self.fields,
            },
            requests: self.requests,
            time,
            warm_up: self.warm_up,
            patience: self.patience,
            seed: self.seed,
            ..Plan::new(target, commands)
        }
    }

    /// One request for each key.
    fn loading(&self) -> Result<Plan> {
        let set = if self.memcached { "set {key} 0 0 {value}" } else { "SET {key} {value}" };
        let command = Command::new(self.load_command.as_deref().unwrap_or(set), 1);
        let mut plan = self.plan(vec![command]);
        plan.name = "load".to_owned();
        plan.commands[0].name = format!("load {}", plan.commands[0].name);
        plan.data.distribution = Distribution::Sequential;
        plan.depth = LOADING_DEPTH;
        (plan.pace, plan.requests) = (Pace::Closed, Some(self.keys));
        (plan.time, plan.warm_up) = (Duration::MAX, Duration::ZERO);
        Ok(plan)
    }
}

impl Results {
    fn show(&self, done: &[(Plan, Outcome)]) -> Result<()> {
        let document = load::report::document(done);
        if let Some(path) = &self.svg {
            let all = load::report::series("", &document).map_err(anyhow::Error::msg)?;
            write(path, &load::report::svg("Latencies of engram bench", &all))?;
        }
        match &self.json {
            Some(path) if path == Path::new("-") => {
                return console::print(&(serde_json::to_string_pretty(&document)? + "\n"));
            }
            Some(path) => write(path, &(serde_json::to_string_pretty(&document)? + "\n"))?,
            None => {}
        }
        console::print(&load::report::table(done.iter().map(|(_, outcome)| outcome)))
    }
}

fn plot(results: &[PathBuf], svg: &Path) -> Result<()> {
    let mut all = Vec::new();
    for path in results {
        let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        let document = serde_json::from_str(&text).with_context(|| format!("read {}", path.display()))?;
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        all.extend(load::report::series(&name, &document).map_err(anyhow::Error::msg)?);
    }
    write(svg, &load::report::svg("Latencies of engram bench", &all))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let name = path.file_name().with_context(|| format!("{} is no file", path.display()))?;
    let written = Directory::of(path).publish(name, Permission::Usual, text.as_bytes());
    written.with_context(|| format!("write {}", path.display()))
}
