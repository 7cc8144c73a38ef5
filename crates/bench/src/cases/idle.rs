//! Memory and CPU of a node that no client uses.

use std::time::Duration;

use anyhow::Result;

use super::Case;
use crate::report::{Figure, Unit};
use crate::subject::Setting;

/// Long enough for a cron to have run and for freed pages to be given back.
const SETTLE: Duration = Duration::from_secs(2);
const WATCHED: Duration = Duration::from_secs(2);

pub(super) const CASE: Case = Case {
    name: "idle",
    about: "an idle node with two workers; aimed at: under 15 MB of RSS",
    prepare: |setting| {
        let setting = setting.clone();
        Ok(Box::new(move || measure(&setting)))
    },
};

fn measure(setting: &Setting) -> Result<Vec<Figure>> {
    let server = setting.start_with_workers(2)?;
    std::thread::sleep(SETTLE);
    let rss = server.rss_bytes()? as f64 / 1e6;
    let before_ns = server.cpu_ns()?;
    std::thread::sleep(WATCHED);
    let cpu_ns = (server.cpu_ns()? - before_ns) as f64;
    let us_per_s = cpu_ns / 1e3 / WATCHED.as_secs_f64();
    Ok(vec![Figure::new("RSS", Unit::Megabytes, rss), Figure::new("CPU in each second", Unit::Us, us_per_s)])
}
