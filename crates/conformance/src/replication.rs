//! One server as the replica of another, under write load, compared at the same offset.
//!
//! ```text
//!   load ──▶ primary ──(full sync, then the stream)──▶ replica
//!               │                                         │
//!               └── stop the load, equal offsets ─────────┘──▶ equal digests, equal keys
//! ```
//!
//! The scenario of [`check`] does not depend on which server is the primary, so a real redis-server can be on either
//! side, or on both to test the scenario itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use profile::Profile;

use crate::connection::Connection;
use crate::differential::{describe, difference};
use crate::peer::{Launch, Peer};
use crate::program::{CLIENTS, FAMILIES, Generator};
use crate::reply::Reply;

/// How long two servers may take to reach a state: a full sync of some megabytes, a reconnect.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two polls of a server, where no event can be awaited.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Commands of load in each phase of the scenario.
const PHASE_COMMANDS: usize = 1_500;
/// For both sides: no pause before a full sync, and a backlog that outlasts a broken link.
const ARGS: &[&str] = &["--repl-diskless-sync-delay", "0", "--repl-backlog-size", "64mb"];

/// Random commands from a thread of their own, until stopped.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    thread: JoinHandle<Result<()>>,
}

impl Load {
    /// Starts to send the commands of a seed to a server.
    pub fn start(peer: &Peer, seed: u64) -> Result<Load> {
        let mut generator = Generator::new(seed, Profile::default(), FAMILIES)?;
        let mut clients = (0..CLIENTS).map(|_| peer.connect()).collect::<Result<Vec<_>>>()?;
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&done));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let step = generator.step();
                clients[step.client].call(&step.args).with_context(|| format!("under load: {step}"))?;
                count.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        Ok(Load { stop, done, thread })
    }

    /// Waits until this many more commands have run.
    pub fn run(&self, commands: usize) -> Result<()> {
        let goal = self.done.load(Ordering::Relaxed) + commands;
        until("the load makes no progress", || {
            Ok(self.done.load(Ordering::Relaxed) >= goal || self.thread.is_finished())
        })
    }

    /// Stops. Returns an error unless the server took all commands.
    pub fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the load's thread panicked"))?
    }
}

/// How replicas of a server were synchronised so far, from its `INFO stats`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syncs {
    /// `sync_full`
    pub full: u64,
    /// `sync_partial_ok`
    pub partial: u64,
}

/// The whole scenario; an error says what went wrong in which phase.
///
/// 1. The replica attaches while the primary has data and is written to: a full sync.
/// 2. The link is cut under load: a partial resync.
/// 3. The replica is promoted, and the old primary becomes its replica: a partial resync again, since both know the
///    same history.
pub fn check(primary: &Launch, replica: &Launch, seed: u64) -> Result<()> {
    let primary = Peer::start(&primary.clone().with(ARGS))?;
    let replica = Peer::start(&replica.clone().with(ARGS))?;

    let load = Load::start(&primary, seed)?;
    load.run(PHASE_COMMANDS)?;
    attach(&replica, &primary).context("attach under load")?;
    load.run(PHASE_COMMANDS)?;
    load.stop()?;
    compare(&primary, &replica).context("after the full sync")?;

    let before = syncs(&primary)?;
    let load = Load::start(&primary, seed + 1)?;
    load.run(PHASE_COMMANDS)?;
    cut_link(&primary)?;
    load.run(PHASE_COMMANDS)?;
    await_link(&replica).context("after the link was cut")?;
    load.stop()?;
    compare(&primary, &replica).context("after the link was cut")?;
    let expected = Syncs { full: before.full, partial: before.partial + 1 };
    let after = syncs(&primary)?;
    ensure!(after == expected, "the cut link: {after:?} where {expected:?} were expected");

    call(&mut replica.connect()?, &["REPLICAOF", "NO", "ONE"])?;
    let before = syncs(&replica)?;
    attach(&primary, &replica).context("attach the old primary to the promoted replica")?;
    let load = Load::start(&replica, seed + 2)?;
    load.run(PHASE_COMMANDS)?;
    load.stop()?;
    compare(&replica, &primary).context("after the promotion")?;
    let after = syncs(&replica)?;
    let expected = Syncs { full: before.full, partial: before.partial + 1 };
    ensure!(after == expected, "the promotion: {after:?} where {expected:?} were expected");
    Ok(())
}

/// Makes one server the replica of another and waits until the link is up.
pub fn attach(replica: &Peer, primary: &Peer) -> Result<()> {
    let port = primary.port().to_string();
    call(&mut replica.connect()?, &["REPLICAOF", "127.0.0.1", &port])?;
    await_link(replica)
}

/// Closes the primary's connections to its replicas.
pub fn cut_link(primary: &Peer) -> Result<()> {
    let killed = call(&mut primary.connect()?, &["CLIENT", "KILL", "TYPE", "replica"])?;
    ensure!(killed == Reply::Integer(1), "CLIENT KILL TYPE replica gives {killed}");
    Ok(())
}

/// Waits until both are at the same offset, and compares all they hold. Nobody may write meanwhile.
pub fn compare(primary: &Peer, replica: &Peer) -> Result<()> {
    let (mut a, mut b) = (primary.connect()?, replica.connect()?);
    until("the replica does not reach the primary's offset", || {
        Ok(info(&mut a, "replication", "master_repl_offset")?
            == info(&mut b, "replication", "master_repl_offset")?)
    })?;
    let (a, b) = (describe(&mut a)?.without_encodings(), describe(&mut b)?.without_encodings());
    match difference(&a, &b) {
        None => Ok(()),
        Some(what) => bail!("the replica (as subject) differs from its primary (as oracle): {what}"),
    }
}

/// A server's counts of synchronisations as primary.
pub fn syncs(primary: &Peer) -> Result<Syncs> {
    let mut connection = primary.connect()?;
    let mut count = |field| info(&mut connection, "stats", field)?.parse().context("a count in INFO stats");
    Ok(Syncs { full: count("sync_full")?, partial: count("sync_partial_ok")? })
}

fn await_link(replica: &Peer) -> Result<()> {
    let mut connection = replica.connect()?;
    until("the link does not come up", || {
        Ok(info(&mut connection, "replication", "master_link_status")? == "up")
    })
    .with_context(|| format!("the replica's log:\n{}", replica.log_tail()))
}

/// One field of INFO.
pub(crate) fn info(connection: &mut Connection, section: &str, field: &str) -> Result<String> {
    let text = call(connection, &["INFO", section])?.to_text();
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.map(|value| value.trim().to_owned()).with_context(|| format!("INFO {section} has no {field}"))
}

pub(crate) fn call(connection: &mut Connection, args: &[&str]) -> Result<Reply> {
    let reply = connection.call(args)?;
    ensure!(!reply.is_error(), "{}: {reply}", args.join(" "));
    Ok(reply)
}

pub(crate) fn until(what: &str, mut is_reached: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is_reached()? {
        ensure!(Instant::now() < deadline, "{what} within {PATIENCE:?}");
        thread::park_timeout(LOOK_AGAIN);
    }
    Ok(())
}
