//! BGSAVE while clients write as fast as they can: what it costs them, and memory.
//!
//! Two saves. During the first only the clients are watched, during the second memory is too: finding out how much of
//! a forked child is shared walks its pages, which would show in the latencies. Memory is counted with children,
//! shared pages once (PSS).

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Case;
use crate::load::{Command, Keys, Load};
use crate::report::{Figure, Unit};
use crate::subject::Server;

const VALUE_BYTES: usize = 64;
/// How often it is asked whether the save is over. INFO costs the server little.
const ASK_EVERY: Duration = Duration::from_millis(50);

pub(super) const CASE: Case = Case {
    name: "save",
    about: "BGSAVE of 5 million keys of 64 B under full write load (SET P16): p99.9 and extra memory",
    prepare: |setting| {
        let keys = setting.size(5_000_000, 200_000);
        let server = setting.start()?;
        server.fill(keys, VALUE_BYTES)?;
        let load = Load::new(Command::Set, 16, Keys::Random(keys), VALUE_BYTES, u64::MAX);
        let calm = setting.size(1_500_000, 100_000);
        Ok(Box::new(move || {
            let mut figures = server.measure("before", &Load { requests: calm, ..load })?;
            figures.retain(|figure| figure.name.contains("p99.9") || figure.name.contains("rate"));
            figures.extend(latency(&server, &load)?);
            figures.push(memory(&server, &load)?);
            Ok(figures)
        }))
    },
};

fn latency(server: &Server, load: &Load) -> Result<Vec<Figure>> {
    let save = Save::start(server)?;
    let outcome = server.load_while(load, || save.is_running(|| Ok(())))?;
    let seconds = save.end()?.as_secs_f64();
    Ok(vec![
        Figure::new("saving p99.9", Unit::Us, outcome.latency.quantile_ns(0.999) as f64 / 1e3),
        Figure::new("saving longest", Unit::Us, outcome.latency.max_ns() as f64 / 1e3),
        Figure::new("saving rate", Unit::PerSecond, outcome.requests as f64 / outcome.elapsed.as_secs_f64()),
        Figure::new("save takes", Unit::Seconds, seconds),
    ])
}

fn memory(server: &Server, load: &Load) -> Result<Figure> {
    let before = server.bytes_with_children()?;
    let peak = Cell::new(before);
    let save = Save::start(server)?;
    server.load_while(load, || {
        save.is_running(|| {
            peak.set(peak.get().max(server.bytes_with_children()?));
            Ok(())
        })
    })?;
    save.end()?;
    Ok(Figure::new("extra memory", Unit::Megabytes, (peak.get() - before) as f64 / 1e6))
}

/// A save under way, asked about between the turns of the load.
pub(super) struct Save<'a> {
    server: &'a Server,
    started: Instant,
    asked: Cell<Instant>,
    took: Cell<Option<Duration>>,
    failure: Cell<Option<anyhow::Error>>,
}

impl Save<'_> {
    pub(super) fn start(server: &Server) -> Result<Save<'_>> {
        server.call(&["BGSAVE"])?;
        let started = Instant::now();
        Ok(Save {
            server,
            started,
            asked: Cell::new(started),
            took: Cell::new(None),
            failure: Cell::new(None),
        })
    }

    /// Asks now and then, and does something beside it each time.
    pub(super) fn is_running(&self, beside: impl FnOnce() -> Result<()>) -> bool {
        if self.took.get().is_some() {
            return false;
        }
        if self.asked.get().elapsed() < ASK_EVERY {
            return true;
        }
        let asked = self.server.info("persistence", "rdb_bgsave_in_progress");
        let answer = asked.and_then(|answer| beside().map(|()| answer));
        self.asked.set(Instant::now());
        match answer {
            Ok(answer) if answer != "0" => return true,
            Ok(_) => {}
            Err(error) => self.failure.set(Some(error)),
        }
        self.took.set(Some(self.started.elapsed()));
        false
    }

    /// How long it took, if it succeeded.
    pub(super) fn end(self) -> Result<Duration> {
        if let Some(error) = self.failure.take() {
            return Err(error.context("while saving"));
        }
        if self.server.info("persistence", "rdb_last_bgsave_status")? != "ok" {
            bail!("BGSAVE failed; the server printed:\n{}", self.server.peer.log_tail());
        }
        self.took.get().context("the load ended before the save")
    }
}
