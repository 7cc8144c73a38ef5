//! Threads and sockets around the pilots.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::pilot::{Bounds, Mix, Pilot};
use crate::plan::{Pace, Plan};
use crate::poller::Poller;
use crate::schedule::Schedule;
use crate::tally::Tally;
use crate::template::Draw;
use crate::wire::Wire;

/// What is received at a time.
const READ_BYTES: usize = 64 * 1024;
/// A thread looks this often whether it is to end, or to tell how it gets on.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The watcher is asked this often.
const ASK_EVERY: Duration = Duration::from_millis(5);
/// How often the watcher is told how things get on.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// For what is under way when the watcher has enough.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// What came of a load.
#[derive(Debug)]
pub struct Outcome {
    /// The plan's.
    pub name: String,
    /// From the end of the warm-up to the last answer.
    pub elapsed: Duration,
    /// The commands' names with the answers to each.
    pub commands: Vec<(String, Tally)>,
    /// Requests whose answer did not come.
    pub unanswered: u64,
    /// Requests of an open loop that were due and could not be sent before the end.
    pub unsent: u64,
    /// Connections that broke.
    pub lost_connections: u64,
    /// The first error that the server answered.
    pub first_error: Option<String>,
    /// Why a connection broke, or why the load ended before its time.
    pub complaint: Option<String>,
    /// How late the generator woke for a request that was due: at most, in nanoseconds. It is part of the latencies.
    pub woke_late_ns: u64,
}

impl Outcome {
    /// The answers to all commands.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.commands.iter().for_each(|(_, tally)| total.add(tally));
        total
    }

    /// Answers a second.
    pub fn rate(&self, answers: u64) -> f64 {
        answers as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// How a load gets on.
#[derive(Debug)]
pub struct Live {
    /// Since it began.
    pub elapsed: Duration,
    /// What was answered since the last time, with the time that this was.
    pub interval: Option<(Tally, Duration)>,
}

/// What a thread tells.
enum Message {
    Interval(Tally),
    End(Result<Ended>),
}

struct Ended {
    tallies: Vec<Tally>,
    unanswered: u64,
    unsent: u64,
    lost_connections: u64,
    first_error: Option<String>,
    complaint: Option<String>,
    last_answer: Duration,
    woke_late_ns: u64,
}

/// What the threads of a load have in common.
struct Common {
    everybody_is_connected: Barrier,
    somebody_failed: AtomicBool,
    start: OnceLock<Instant>,
    /// The watcher has enough.
    is_ended: AtomicBool,
    /// Counts the times at which threads are to tell how they get on.
    asked: AtomicU64,
}

/// Puts a load on a server until it is done, or until `watch` says no. It is asked every few milliseconds, and told about an
/// interval once a second if `tell` is set.
pub fn run(plan: &Plan, tell: bool, mut watch: impl FnMut(&Live) -> bool) -> Result<Outcome> {
    plan.check()?;
    let common = Common {
        everybody_is_connected: Barrier::new(plan.threads),
        somebody_failed: AtomicBool::new(false),
        start: OnceLock::new(),
        is_ended: AtomicBool::new(false),
        asked: AtomicU64::new(0),
    };
    let (message, messages) = mpsc::channel();
    thread::scope(|scope| {
        for index in 0..plan.threads {
            let (message, common) = (message.clone(), &common);
            let work = move || {
                let ended = Generator::connect(plan, index, common).and_then(|generator| {
                    generator.run(tell, &mut |interval| drop(message.send(Message::Interval(interval))))
                });
                // The watcher reads until all have ended.
                let _ = message.send(Message::End(ended));
            };
            thread::Builder::new().name(format!("load-{index}")).spawn_scoped(scope, work)?;
        }
        drop(message);
        let mut all = Vec::new();
        let mut interval = (Tally::default(), 0);
        let (began, mut told) = (Instant::now(), Instant::now());
        while all.len() < plan.threads {
            let mut live = Live { elapsed: began.elapsed(), interval: None };
            match messages.recv_timeout(ASK_EVERY) {
                Ok(Message::End(ended)) => all.push(ended),
                Ok(Message::Interval(tally)) => {
                    interval.0.add(&tally);
                    interval.1 += 1;
                    if interval.1 == plan.threads {
                        live.interval = Some((std::mem::take(&mut interval.0), told.elapsed()));
                        (interval.1, told) = (0, Instant::now());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => bail!("a thread of the generator failed"),
            }
            if tell && all.is_empty() {
                common.asked.store(began.elapsed().as_secs() / TELL_EVERY.as_secs(), Ordering::Relaxed);
            }
            if !common.is_ended.load(Ordering::Relaxed) && !watch(&live) {
                common.is_ended.store(true, Ordering::Relaxed);
            }
        }
        gather(plan, all)
    })
}

/// One outcome of all threads' ends.
fn gather(plan: &Plan, all: Vec<Result<Ended>>) -> Result<Outcome> {
    let mut outcome = Outcome {
        name: plan.name.clone(),
        elapsed: Duration::ZERO,
        commands: plan.commands.iter().map(|command| (command.name.clone(), Tally::default())).collect(),
        unanswered: 0,
        unsent: 0,
        lost_connections: 0,
        first_error: None,
        complaint: None,
        woke_late_ns: 0,
    };
    // A thread that could not connect says why; the others only that somebody could not.
    let (failed, ended): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_err);
    let mut reasons: Vec<anyhow::Error> = failed.into_iter().filter_map(Result::err).collect();
    reasons.sort_by_key(|reason| reason.is::<AnotherFailed>());
    if let Some(reason) = reasons.into_iter().next() {
        return Err(reason);
    }
    for ended in ended.into_iter().flatten() {
        for ((_, sum), tally) in outcome.commands.iter_mut().zip(&ended.tallies) {
            sum.add(tally);
        }
        outcome.elapsed = outcome.elapsed.max(ended.last_answer.saturating_sub(plan.warm_up));
        outcome.unanswered += ended.unanswered;
        outcome.unsent += ended.unsent;
        outcome.lost_connections += ended.lost_connections;
        outcome.first_error = outcome.first_error.or(ended.first_error);
        outcome.complaint = outcome.complaint.or(ended.complaint);
        outcome.woke_late_ns = outcome.woke_late_ns.max(ended.woke_late_ns);
    }
    Ok(outcome)
}

/// Another thread could not connect, which that one tells.
#[derive(Debug)]
struct AnotherFailed;

impl std::fmt::Display for AnotherFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("another thread could not connect")
    }
}

impl std::error::Error for AnotherFailed {}

/// The part of `total` that a thread has.
fn share(total: u64, index: usize, threads: usize) -> std::ops::Range<u64> {
    let at = |index: usize| (u128::from(total) * index as u128 / threads as u128) as u64;
    at(index)..at(index + 1)
}

/// A thread's sockets and its pilot.
struct Generator<'a> {
    plan: &'a Plan,
    common: &'a Common,
    pilot: Pilot,
    poller: Poller,
    wires: Vec<Option<Wire>>,
    /// Connections with something to send.
    to_flush: Vec<usize>,
    start: Instant,
    lost_connections: u64,
    complaint: Option<String>,
    first_error: Option<String>,
    last_answer_ns: u64,
    woke_late_ns: u64,
}

impl<'a> Generator<'a> {
    fn connect(plan: &'a Plan, index: usize, common: &'a Common) -> Result<Generator<'a>> {
        let count = share(plan.connections as u64, index, plan.threads);
        let wires: Result<Vec<Wire>> = count.map(|_| Wire::open(plan)).collect();
        let wires = wires.with_context(|| format!("connect to {}", plan.target));
        if wires.is_err() {
            common.somebody_failed.store(true, Ordering::SeqCst);
        }
        common.everybody_is_connected.wait();
        let wires = wires?;
        if common.somebody_failed.load(Ordering::SeqCst) {
            return Err(AnotherFailed.into());
        }
        let mut poller = Poller::new()?;
        for (key, wire) in wires.iter().enumerate() {
            poller.add(wire.socket(), key)?;
        }
        let pilot = pilot(plan, index, wires.len())?;
        Ok(Generator {
            plan,
            common,
            pilot,
            poller,
            wires: wires.into_iter().map(Some).collect(),
            to_flush: Vec::new(),
            start: *common.start.get_or_init(Instant::now),
            lost_connections: 0,
            complaint: None,
            first_error: None,
            last_answer_ns: 0,
            woke_late_ns: 0,
        })
    }

    fn now_ns(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    fn run(mut self, is_watched: bool, tell: &mut dyn FnMut(Tally)) -> Result<Ended> {
        let mut ready = Vec::new();
        let mut buffer = vec![0; READ_BYTES];
        let (mut told, mut last_ns) = (0, None);
        let patience_ns = self.plan.patience.as_nanos() as u64;
        let mut silent_since_ns = 0;
        if is_watched {
            self.pilot.watch();
        }
        loop {
            let mut now_ns = self.now_ns();
            self.send(now_ns);
            if self.common.is_ended.load(Ordering::Relaxed) && last_ns.is_none() {
                self.pilot.end(now_ns);
                last_ns = Some(now_ns + LAST_ANSWERS.as_nanos() as u64);
            }
            let is_quiet = self.pilot.in_flight() == 0;
            if !self.pilot.has_connections() || (self.pilot.is_over(now_ns) && is_quiet) {
                break;
            }
            if last_ns.is_some_and(|last_ns| now_ns >= last_ns) {
                break;
            }
            if is_quiet {
                silent_since_ns = now_ns;
            } else if now_ns.saturating_sub(silent_since_ns.max(self.last_answer_ns)) > patience_ns {
                self.complaint = Some(format!("no answer came for {:?}", self.plan.patience));
                break;
            }
            let asked = self.common.asked.load(Ordering::Relaxed);
            if asked != told {
                told = asked;
                self.pilot.take_interval().into_iter().for_each(&mut *tell);
            }
            let wake_ns = if self.pilot.is_over(now_ns) { u64::MAX } else { self.pilot.wake_ns() };
            let timeout = Duration::from_nanos(wake_ns.saturating_sub(now_ns)).min(LOOK_EVERY);
            ready.clear();
            self.poller.wait(timeout, &mut ready)?;
            if ready.is_empty() {
                now_ns = self.now_ns();
                if now_ns > wake_ns && wake_ns != u64::MAX {
                    self.woke_late_ns = self.woke_late_ns.max(now_ns - wake_ns);
                }
                continue;
            }
            for event in &ready {
                if let Err(error) = self.serve(event.key, event.writable, &mut buffer) {
                    self.lose(event.key, &error);
                }
            }
        }
        self.finish()
    }

    /// Gives requests to all connections that are to have some now.
    fn send(&mut self, now_ns: u64) {
        while let Some(line) = self.pilot.next(now_ns) {
            let wire = self.wires[line].as_mut().expect("the pilot knows which are lost");
            if wire.out.is_empty() {
                self.to_flush.push(line);
            }
            self.pilot.write(line, now_ns, &mut wire.out);
        }
        while let Some(line) = self.to_flush.pop() {
            if let Err(error) = self.flush(line) {
                self.lose(line, &error.into());
            }
        }
    }

    fn flush(&mut self, line: usize) -> io::Result<()> {
        let Some(wire) = &mut self.wires[line] else { return Ok(()) };
        if wire.is_writing {
            return Ok(());
        }
        if !wire.flush()? {
            self.poller.set_writing(wire.socket(), line, true)?;
            wire.is_writing = true;
        }
        Ok(())
    }

    /// A connection is ready: takes what came and sends what it is given next.
    fn serve(&mut self, line: usize, is_writable: bool, buffer: &mut [u8]) -> Result<()> {
        let Some(wire) = &mut self.wires[line] else { return Ok(()) };
        if is_writable && wire.is_writing && wire.flush()? {
            self.poller.set_writing(wire.socket(), line, false)?;
            wire.is_writing = false;
        }
        let count = wire.receive(buffer)?;
        if count == 0 {
            return Ok(());
        }
        let now_ns = self.start.elapsed().as_nanos() as u64;
        self.last_answer_ns = now_ns;
        let (pilot, mut was_asked) = (&mut self.pilot, true);
        wire.replies.feed(&buffer[..count], |kind| was_asked &= pilot.answered(line, kind, now_ns))?;
        if self.first_error.is_none() {
            self.first_error = wire.replies.first_error.take();
        }
        if !was_asked {
            bail!("the server answered more than it was asked");
        }
        // At once, not behind the other connections: the server would wait.
        self.send(now_ns);
        Ok(())
    }

    fn lose(&mut self, line: usize, error: &anyhow::Error) {
        let Some(wire) = self.wires[line].take() else { return };
        // It is closed in a moment, which removes it too.
        let _ = self.poller.remove(wire.socket(), line);
        self.lost_connections += 1;
        self.complaint.get_or_insert_with(|| format!("a connection broke: {error:#}"));
        self.pilot.lost(line);
    }

    fn finish(self) -> Result<Ended> {
        let (tallies, unanswered, unsent) = self.pilot.finish();
        let answered: u64 = tallies.iter().map(Tally::count).sum();
        if answered == 0 && self.complaint.is_some() && self.lost_connections > 0 {
            bail!("{}", self.complaint.unwrap_or_default());
        }
        Ok(Ended {
            tallies,
            unanswered,
            unsent,
            lost_connections: self.lost_connections,
            first_error: self.first_error,
            complaint: self.complaint,
            last_answer: Duration::from_nanos(self.last_answer_ns),
            woke_late_ns: self.woke_late_ns,
        })
    }
}

/// A thread's part of a plan.
fn pilot(plan: &Plan, index: usize, connections: usize) -> Result<Pilot> {
    let seed = plan.seed.wrapping_mul(0x1_0001).wrapping_add(index as u64);
    let sums = plan.commands.iter().scan(0, |sum, command| {
        *sum += command.weight;
        Some(*sum)
    });
    let mix = Mix { templates: plan.templates()?, sums: sums.collect() };
    let draw = Draw::new(&plan.data, share(plan.data.keys, index, plan.threads).start, seed);
    let schedule = match plan.pace {
        Pace::Closed => None,
        Pace::Open { rate, arrivals } => Some(Schedule::new(arrivals, rate, index, plan.threads, !seed)),
    };
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let counted_from_ns = nanoseconds(plan.warm_up);
    let requests = plan.requests.map_or(u64::MAX, |all| {
        let share = share(all, index, plan.threads);
        share.end - share.start
    });
    let bounds =
        Bounds { counted_from_ns, end_ns: counted_from_ns.saturating_add(nanoseconds(plan.time)), requests };
    Ok(Pilot::new(mix, draw, schedule, (connections, plan.depth), bounds))
}
