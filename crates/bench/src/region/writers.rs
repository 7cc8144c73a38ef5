//! Writers: connections that write numbered keys, connect again at once, and remember what was acknowledged and when.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// Writers at a time; the first has every `CONFIRM_EVERY`th of its writes confirmed by a replica.
const WRITERS: usize = 4;
const CONFIRM_EVERY: u64 = 10;
/// A pause after each write, so that two cores are not all taken by writers.
const PAUSE: Duration = Duration::from_micros(200);
/// A connection that is silent for this long is given up. WAIT may take 200 ms longer.
const SILENCE: Duration = Duration::from_millis(100);
/// How long after a failure answers of the failed node may still arrive.
const STRAGGLERS: Duration = Duration::from_millis(50);
const WAIT: Duration = Duration::from_millis(200);

/// A connection in RESP2 for simple answers.
#[derive(Debug)]
pub(super) struct Link(BufReader<TcpStream>);

impl Link {
    pub(super) fn open(to: SocketAddr, silence: Duration) -> Result<Link> {
        let stream = TcpStream::connect_timeout(&to, silence)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(silence))?;
        stream.set_write_timeout(Some(silence))?;
        Ok(Link(BufReader::new(stream)))
    }

    /// Sends inline commands and gives the line that answers each.
    pub(super) fn ask(&mut self, commands: &str) -> Result<Vec<String>> {
        self.0.get_mut().write_all(commands.as_bytes())?;
        commands.lines().map(|_| self.line()).collect()
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            bail!("the connection ended");
        }
        let line = line.trim_end().to_owned();
        if line.starts_with('-') { Err(anyhow!(line)) } else { Ok(line) }
    }
}

/// What a writer remembers.
#[derive(Debug, Default)]
struct Memory {
    acknowledged: Vec<(String, Instant)>,
    confirmed: Vec<String>,
}

/// Writers under way.
#[derive(Debug)]
pub(super) struct Writers {
    to: SocketAddr,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Memory>>,
}

impl Writers {
    /// Starts them; `name` begins their keys.
    pub(super) fn start(to: SocketAddr, name: &str) -> Writers {
        let is_over = Arc::new(AtomicBool::new(false));
        let threads = (0..WRITERS).map(|place| {
            let (is_over, name) = (is_over.clone(), format!("{name}:{place}"));
            std::thread::spawn(move || write(to, &name, place == 0, &is_over))
        });
        Writers { to, threads: threads.collect(), is_over }
    }

    /// Ends them and looks for what they wrote.
    pub(super) fn end(self) -> Result<Written> {
        self.is_over.store(true, Ordering::Relaxed);
        let mut written = Written { instants: Vec::new(), lost: 0, confirmed: 0, confirmed_lost: 0 };
        let mut link = Link::open(self.to, Duration::from_secs(10))?;
        for thread in self.threads {
            let memory = thread.join().map_err(|_| anyhow!("a writer failed"))?;
            written.confirmed += memory.confirmed.len();
            written.confirmed_lost += missing(&mut link, memory.confirmed.iter())?;
            written.lost += missing(&mut link, memory.acknowledged.iter().map(|(key, _)| key))?;
            written.instants.extend(memory.acknowledged.into_iter().map(|(_, instant)| instant));
        }
        written.instants.sort_unstable();
        Ok(written)
    }
}

/// How many keys are missing.
fn missing<'a>(link: &mut Link, keys: impl Iterator<Item = &'a String>) -> Result<usize> {
    let mut missing = 0;
    let keys: Vec<&String> = keys.collect();
    for some in keys.chunks(500) {
        let commands: String = some.iter().map(|key| format!("EXISTS {key}\r\n")).collect();
        missing += link.ask(&commands)?.iter().filter(|answer| *answer == ":0").count();
    }
    Ok(missing)
}

fn write(to: SocketAddr, name: &str, confirms: bool, is_over: &AtomicBool) -> Memory {
    let mut memory = Memory::default();
    let mut link = None;
    let mut number = 0_u64;
    while !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(PAUSE);
        number += 1;
        let key = format!("{name}:{number}");
        let asks = confirms && number.is_multiple_of(CONFIRM_EVERY);
        if turn(&mut link, to, &key, asks, &mut memory).is_err() {
            link = None;
        }
    }
    memory
}

fn turn(link: &mut Option<Link>, to: SocketAddr, key: &str, asks: bool, memory: &mut Memory) -> Result<()> {
    if link.is_none() {
        *link = Some(Link::open(to, SILENCE)?);
    }
    let link = link.as_mut().context("a link")?;
    link.ask(&format!("SET {key} 1\r\n"))?;
    memory.acknowledged.push((key.to_owned(), Instant::now()));
    if asks {
        link.0.get_ref().set_read_timeout(Some(SILENCE + WAIT))?;
        let replicas = link.ask(&format!("WAIT 1 {}\r\n", WAIT.as_millis()))?;
        link.0.get_ref().set_read_timeout(Some(SILENCE))?;
        if replicas != [":0"] {
            memory.confirmed.push(key.to_owned());
        }
    }
    Ok(())
}

/// What was written.
#[derive(Debug)]
pub(super) struct Written {
    instants: Vec<Instant>,
    /// Acknowledged writes that are gone.
    pub(super) lost: usize,
    /// Writes that a replica had.
    pub(super) confirmed: usize,
    /// Those of them that are gone.
    pub(super) confirmed_lost: usize,
}

impl Written {
    /// The longest time without an acknowledged write, in seconds.
    pub(super) fn gap_s(&self) -> Result<f64> {
        let gaps = self.instants.windows(2).map(|pair| pair[1] - pair[0]);
        Ok(gaps.max().context("too few writes")?.as_secs_f64())
    }

    /// From the instant of a failure to the end of the longest time without an acknowledged write that begins with it. Answers of
    /// the node that failed may still come in just after the instant; what stalls later has another cause.
    pub(super) fn back_after_s(&self, failed: Instant) -> Result<f64> {
        let with_it = |from: Instant| from <= failed + STRAGGLERS;
        let pairs = self.instants.windows(2).map(|pair| (pair[0], pair[1]));
        let gaps = pairs.filter(|(from, to)| with_it(*from) && *to > failed);
        let (_, to) = gaps.max_by_key(|(from, to)| *to - *from).context("no write after the failure")?;
        Ok(to.saturating_duration_since(failed).as_secs_f64())
    }
}
