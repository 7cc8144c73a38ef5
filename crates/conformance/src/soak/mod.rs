//! A soak: many kinds of clients at once on a primary with a replica, for as long as asked.
//!
//! ```text
//!   a thread a client, of every kind ──▶ primary ──▶ replica
//!        │ counts its rounds                │           │
//!        ▼                                  └─────┬─────┘
//!   the watch: each must move on        at the end: equal offsets ─▶ equal contents
//! ```
//! It looks for faults that a single client never meets: a command that waits for another for ever, an order that replicas
//! see differently, a key that is evicted or expires on one side only. Three things must hold: every client makes progress,
//! no reply is an error that its kind does not expect, and the replica holds what the primary holds.
//!
//! A seed fixes what each client sends, not how threads interleave: a finding names its seed, and a second run with it
//! repeats the load, not the schedule.

mod clients;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::peer::{Launch, Peer};
use crate::replication::{attach, call, compare, info, until};
use crate::rng::Rng;
use clients::{KINDS, Kind, Session};

/// A client that makes no progress for this long hangs. The slowest round is a matter of milliseconds, and seconds on a
/// machine that is busy with other things.
const STALL_LIMIT: Duration = Duration::from_secs(20);
/// How often the watch checks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// For both sides: no pause before a full sync.
const ARGS: &[&str] = &["--repl-diskless-sync-delay", "0"];

/// How to run one.
#[derive(Debug, Clone)]
pub struct Options {
    /// Fixes what every client sends.
    pub seed: u64,
    /// For how long clients are served.
    pub length: Duration,
    /// Whether `maxmemory` comes and goes, with `allkeys-lru`.
    pub evicts: bool,
}

/// What a soak without a finding did.
#[derive(Debug)]
pub struct Tally {
    /// Rounds by kind of client, in the order of the list of kinds.
    pub rounds: Vec<(&'static str, u64)>,
    /// `evicted_keys` and `expired_keys` of the primary.
    pub evicted_keys: u64,
    /// See above.
    pub expired_keys: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} evicted, {} expired; rounds:", self.evicted_keys, self.expired_keys)?;
        self.rounds.iter().try_for_each(|(name, count)| write!(f, " {name} {count}"))
    }
}

/// Runs a soak on servers of its own. An error is a finding, or says why nothing could be run.
pub fn run(subject: &Launch, options: &Options) -> Result<Tally> {
    let mut primary = Peer::start(&subject.clone().with(ARGS))?;
    let mut replica = Peer::start(&subject.clone().with(ARGS))?;
    attach(&replica, &primary)?;
    let mut control = primary.connect()?;
    if options.evicts {
        call(&mut control, &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"])?;
    }
    let crew = Crew::start(&primary, options)?;
    let watched = crew.watch(&mut primary, options.length);
    let ended = crew.stop();
    let explained = || format!("seed {}; the primary's log:\n{}", options.seed, primary.log_tail());
    watched.with_context(explained)?;
    let rounds = ended.with_context(explained)?;
    if options.evicts {
        call(&mut control, &["CONFIG", "SET", "maxmemory", "0"])?;
    }
    until("keys with a time to live do not expire", || {
        Ok(!call(&mut control, &["INFO", "keyspace"])?.to_text().lines().any(has_volatile_keys))
    })?;
    compare(&primary, &replica).with_context(explained)?;
    ensure!(replica.is_running(), "the replica ended; its log:\n{}", replica.log_tail());
    let mut count = |field| info(&mut control, "stats", field)?.parse().context("a count in INFO stats");
    Ok(Tally { rounds, evicted_keys: count("evicted_keys")?, expired_keys: count("expired_keys")? })
}

/// Whether a line of INFO keyspace, `db0:keys=3,expires=1,avg_ttl=0`, counts a key that expires.
fn has_volatile_keys(line: &str) -> bool {
    line.split(',').filter_map(|field| field.strip_prefix("expires=")).any(|count| count.trim() != "0")
}

/// The clients at work.
struct Crew {
    stop: Arc<AtomicBool>,
    members: Vec<Member>,
}

struct Member {
    kind: &'static Kind,
    rounds: Arc<AtomicU64>,
    thread: JoinHandle<Result<()>>,
}

impl Crew {
    fn start(primary: &Peer, options: &Options) -> Result<Crew> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut seeds = Rng::new(options.seed);
        let mut members = Vec::new();
        let kinds = KINDS.iter().filter(|kind| options.evicts || !kind.only_with_evictions);
        for kind in kinds.flat_map(|kind| std::iter::repeat_n(kind, kind.clients)) {
            let mut session = Session::new(primary, Rng::new(seeds.next_bits()))?;
            let rounds = Arc::new(AtomicU64::new(0));
            let (stopped, count) = (Arc::clone(&stop), Arc::clone(&rounds));
            let thread = thread::spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    (kind.round)(&mut session).with_context(|| format!("a client of kind {}", kind.name))?;
                    count.fetch_add(1, Ordering::Relaxed);
                    thread::park_timeout(kind.pause);
                }
                Ok(())
            });
            members.push(Member { kind, rounds, thread });
        }
        Ok(Crew { stop, members })
    }

    /// Watches until the time is over. An error when a client or the server hangs or ends.
    fn watch(&self, primary: &mut Peer, length: Duration) -> Result<()> {
        let begin = Instant::now();
        let mut seen: Vec<(u64, Instant)> = self.members.iter().map(|_| (0, begin)).collect();
        while begin.elapsed() < length {
            thread::park_timeout(LOOK_EVERY);
            ensure!(primary.is_running(), "the primary ended");
            for (member, (rounds, since)) in self.members.iter().zip(&mut seen) {
                let now = member.rounds.load(Ordering::Relaxed);
                if now != *rounds {
                    (*rounds, *since) = (now, Instant::now());
                }
                if member.thread.is_finished() {
                    // Its error is told by `stop`.
                    return Ok(());
                }
                if since.elapsed() > STALL_LIMIT {
                    bail!("a client of kind {} hangs in round {now}", member.kind.name);
                }
            }
        }
        Ok(())
    }

    /// Ends all clients. Returns their rounds by kind, or the first error of one.
    fn stop(self) -> Result<Vec<(&'static str, u64)>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut rounds: Vec<(&'static str, u64)> = Vec::new();
        let mut outcome = Ok(());
        for member in self.members {
            let ended = match member.thread.join() {
                Ok(ended) => ended,
                Err(_) => bail!("a client of kind {} panicked", member.kind.name),
            };
            outcome = outcome.and(ended);
            let count = member.rounds.load(Ordering::Relaxed);
            match rounds.last_mut() {
                Some((name, sum)) if *name == member.kind.name => *sum += count,
                _ => rounds.push((member.kind.name, count)),
            }
        }
        outcome.map(|()| rounds)
    }
}
