//! A server under measurement, and what the kernel knows about its process.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use conformance::connection::Connection;
use conformance::peer::{Launch, Peer};

use crate::cpu;
use crate::load::{self, Command, Keys, Load, Outcome};
use crate::report::{Figure, Unit};

/// How long a server may take for work that it does by itself, such as attaching as a replica.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The redis-server on PATH; ratios are to it.
    Redis,
    /// Engram over io_uring.
    EngramUring,
    /// Engram over epoll.
    EngramEpoll,
    /// Another server that takes redis-server's arguments.
    Peer(Rc<Program>),
}

/// A server other than Engram.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// A library that its allocator comes from.
    pub(crate) preload: Option<PathBuf>,
}

/// The highest rates of peers, by name, which one subject's measurement leaves to the next ones'.
pub(crate) type Peaks = Rc<RefCell<BTreeMap<String, f64>>>;

impl Subject {
    /// All, the one that ratios refer to first.
    pub(crate) const ALL: [Subject; 3] = [Subject::Redis, Subject::EngramUring, Subject::EngramEpoll];

    /// Its name in tables and files.
    pub(crate) fn name(&self) -> &str {
        match self {
            Subject::Redis => "redis-server",
            Subject::EngramUring => "engram io_uring",
            Subject::EngramEpoll => "engram epoll",
            Subject::Peer(program) => &program.name,
        }
    }

    /// Whether it is what is compared with the others.
    pub(crate) fn is_engram(&self) -> bool {
        matches!(self, Subject::EngramUring | Subject::EngramEpoll)
    }

    pub(crate) fn launch(&self, engram: &std::path::Path, workers: usize) -> Result<Launch> {
        let backend = match self {
            Subject::Redis => return Launch::redis_server().context("no redis-server on PATH"),
            Subject::EngramUring => "io_uring",
            Subject::EngramEpoll => "epoll",
            Subject::Peer(program) => {
                let launch = Launch::like_redis_server(&program.path, &program.name);
                let Some(library) = &program.preload else { return Ok(launch) };
                return Ok(launch.env("LD_PRELOAD", &library.to_string_lossy()));
            }
        };
        let workers = workers.to_string();
        Ok(Launch::engram(engram, "redis-7.0").with(&["--io-backend", backend, "--workers", &workers]))
    }
}

/// The setting in which a case prepares a subject.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) subject: Subject,
    /// Small sizes.
    pub(crate) is_quick: bool,
    pub(crate) is_pinned: bool,
    /// The binary.
    pub(crate) engram: PathBuf,
    pub(crate) peaks: Peaks,
}

impl Setting {
    /// One of two sizes.
    pub(crate) fn size<T>(&self, full: T, quick: T) -> T {
        if self.is_quick { quick } else { full }
    }

    /// Starts the subject with one worker, pinned if that is wanted.
    pub(crate) fn start(&self) -> Result<Server> {
        self.start_with(&[])
    }

    /// The same with parameters in redis-server's style.
    pub(crate) fn start_with(&self, parameters: &[&str]) -> Result<Server> {
        let launch = self.subject.launch(&self.engram, 1)?.with(parameters);
        let peer = cpu::on(self.is_pinned.then_some(cpu::SERVER), || Peer::start(&launch))?;
        Ok(Server { peer, generator_cpu: self.is_pinned.then_some(cpu::GENERATOR) })
    }

    /// Starts the subject with several workers, not pinned. redis-server has the one thread that it has.
    pub(crate) fn start_with_workers(&self, workers: usize) -> Result<Server> {
        let peer = Peer::start(&self.subject.launch(&self.engram, workers)?)?;
        Ok(Server { peer, generator_cpu: None })
    }

    /// Starts a redis-server beside the subject, on the generator's CPU.
    pub(crate) fn start_companion(&self) -> Result<Peer> {
        let launch = Subject::Redis.launch(&self.engram, 1)?;
        cpu::on(self.is_pinned.then_some(cpu::GENERATOR), || Peer::start(&launch))
    }
}

/// A running subject.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) peer: Peer,
    pub(crate) generator_cpu: Option<usize>,
}

impl Server {
    /// Puts a load on it.
    pub(crate) fn load(&self, load: &Load) -> Result<Outcome> {
        self.load_while(load, || true)
    }

    /// Puts a load on it while a condition holds.
    pub(crate) fn load_while(&self, load: &Load, goes_on: impl FnMut() -> bool) -> Result<Outcome> {
        cpu::on(self.generator_cpu, || load::run(self.peer.port(), load, goes_on))
    }

    /// Sets each key of a keyspace once.
    pub(crate) fn fill(&self, keys: u64, value_bytes: usize) -> Result<()> {
        let load = Load::new(Command::Set, 64, Keys::Sequential(keys), value_bytes, keys);
        self.load(&load).context("load the keys")?;
        Ok(())
    }

    /// Creates the data that a load needs.
    pub(crate) fn prepare(&self, load: &Load) -> Result<()> {
        load::prepare(self.peer.port(), load)
    }

    /// A load after a warm-up of a tenth of it: CPU time, p99.9 and how busy the server was. `what` names it.
    pub(crate) fn measure(&self, what: &str, load: &Load) -> Result<Vec<Figure>> {
        self.load(&Load { requests: load.requests / 10, ..*load })?;
        let before_ns = self.cpu_ns()?;
        let outcome = self.load(load)?;
        let cpu_ns = (self.cpu_ns()? - before_ns) as f64;
        if load.command.must_hit() && outcome.misses > 0 {
            bail!("{} of {} keys were not there", outcome.misses, outcome.requests);
        }
        let seconds = outcome.elapsed.as_secs_f64();
        Ok(vec![
            Figure::new(format!("{what} CPU"), Unit::NsPerRequest, cpu_ns / outcome.requests as f64),
            Figure::new(format!("{what} p50"), Unit::Us, outcome.latency.quantile_ns(0.5) as f64 / 1e3),
            Figure::new(format!("{what} p99"), Unit::Us, outcome.latency.quantile_ns(0.99) as f64 / 1e3),
            Figure::new(format!("{what} p99.9"), Unit::Us, outcome.latency.quantile_ns(0.999) as f64 / 1e3),
            Figure::new(format!("{what} rate"), Unit::PerSecond, outcome.requests as f64 / seconds),
            Figure::new(format!("{what} busy"), Unit::Percent, cpu_ns / 1e7 / seconds),
        ])
    }

    /// Time that all its threads ran so far, in nanoseconds.
    pub(crate) fn cpu_ns(&self) -> Result<u64> {
        let mut sum = 0;
        for task in fs::read_dir(self.proc("task"))? {
            // A thread may end while the list is read.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            sum += text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).context("read schedstat")?;
        }
        Ok(sum)
    }

    /// Bytes of it in memory, pages that a forked child shares included.
    pub(crate) fn rss_bytes(&self) -> Result<u64> {
        kilobytes(&fs::read_to_string(self.proc("status"))?, "VmRSS:")
    }

    /// Bytes in memory of it and its children, where a page that several share counts once. Walks all pages, so
    /// it takes milliseconds for each GB.
    pub(crate) fn bytes_with_children(&self) -> Result<u64> {
        let main_thread = self.proc(&format!("task/{}/children", self.peer.pid()));
        let mut sum = kilobytes(&fs::read_to_string(self.proc("smaps_rollup"))?, "Pss:")?;
        for child in fs::read_to_string(main_thread)?.split_whitespace() {
            // The child may end before it is read, and then it has no memory.
            let rollup = fs::read_to_string(format!("/proc/{child}/smaps_rollup"));
            sum += rollup.ok().and_then(|text| kilobytes(&text, "Pss:").ok()).unwrap_or(0);
        }
        Ok(sum)
    }

    /// A field of INFO.
    pub(crate) fn info(&self, section: &str, field: &str) -> Result<String> {
        info(&mut self.peer.connect()?, section, field)
    }

    /// Sends a command, and fails on an error reply.
    pub(crate) fn call(&self, args: &[&str]) -> Result<()> {
        let reply = self.peer.connect()?.call(args)?;
        if reply.is_error() {
            bail!("{}: {}: {}", self.peer.name(), args.join(" "), reply.to_text());
        }
        Ok(())
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.peer.pid()))
    }
}

/// A field of a section of INFO.
pub(crate) fn info(connection: &mut Connection, section: &str, field: &str) -> Result<String> {
    let text = connection.call(&["INFO", section])?.to_text();
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    Ok(value.with_context(|| format!("INFO {section} has no {field}"))?.to_owned())
}

/// Polls until the answer is yes, with a time limit.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is_so()? {
        if Instant::now() > deadline {
            bail!("waited {PATIENCE:?} for {what}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The value of a line such as `VmRSS:   1234 kB`, in bytes.
fn kilobytes(text: &str, field: &str) -> Result<u64> {
    let line =
        text.lines().find_map(|line| line.strip_prefix(field)).with_context(|| format!("no {field}"))?;
    let number = line.trim().trim_end_matches("kB").trim();
    Ok(number.parse::<u64>().with_context(|| format!("read {field} {line}"))? * 1024)
}
