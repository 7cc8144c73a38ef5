//! The steps of a test run and the summary at its end.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::run::Finished;

/// How a step ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It ran; the figures say how.
    Ran(Finished),
    /// It could not be run, and why.
    NotRun(String),
}

/// Whether a step that could not be run is a failure on a CI machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It is.
    Required,
    /// It depends on an optional toolchain.
    IfToolchain,
}

/// What ran so far.
#[derive(Debug)]
pub(crate) struct Report {
    is_ci: bool,
    started: Instant,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: &'static str,
    need: Need,
    took: Duration,
    outcome: Outcome,
}

impl Report {
    /// An empty report.
    pub(crate) fn new(is_ci: bool) -> Report {
        Report { is_ci, started: Instant::now(), rows: Vec::new() }
    }

    /// Runs a step. Its failure does not keep the next ones from running.
    pub(crate) fn step(&mut self, name: &'static str, need: Need, step: impl FnOnce() -> Result<Outcome>) {
        println!("\n== {name}");
        let started = Instant::now();
        let outcome = step().unwrap_or_else(|error| {
            println!("{error:#}");
            Outcome::Ran(Finished::default())
        });
        if let Outcome::NotRun(reason) = &outcome {
            println!("not run: {reason}");
        }
        self.rows.push(Row { name, need, took: started.elapsed(), outcome });
    }

    /// Prints the summary, its figures last. False if anything failed.
    pub(crate) fn finish(self) -> bool {
        println!("\n== Summary");
        let (mut passed, mut failed) = (0, 0);
        for row in &self.rows {
            let (state, row_passed, row_failed) = row.judge(self.is_ci);
            passed += row_passed;
            failed += row_failed;
            println!("{:>7.1} s  {:<28} {state}", row.took.as_secs_f64(), row.name);
        }
        for row in &self.rows {
            let reasons = match &row.outcome {
                Outcome::Ran(finished) => finished.not_run.as_slice(),
                Outcome::NotRun(reason) => std::slice::from_ref(reason),
            };
            for reason in reasons {
                println!("not run: {}: {reason}", row.name);
            }
        }
        println!("{:>7.1} s  in all", self.started.elapsed().as_secs_f64());
        println!("{passed} passed, {failed} failed");
        failed == 0
    }
}

impl Row {
    /// In words, and the figures that it adds. A step that reports no tests of its own counts as one.
    fn judge(&self, is_ci: bool) -> (String, usize, usize) {
        match &self.outcome {
            Outcome::Ran(finished) if finished.success && finished.failed == 0 => {
                let partly = if finished.not_run.is_empty() { "" } else { ", partly not run" };
                let counted =
                    if finished.passed > 0 { format!(" ({} tests)", finished.passed) } else { String::new() };
                (format!("ok{counted}{partly}"), finished.passed.max(1), 0)
            }
            Outcome::Ran(finished) => {
                let failed = finished.failed.max(1);
                (format!("FAILED ({} passed, {failed} failed)", finished.passed), finished.passed, failed)
            }
            Outcome::NotRun(_) if is_ci && self.need == Need::Required => {
                ("FAILED: required, but not run".to_owned(), 0, 1)
            }
            Outcome::NotRun(_) => ("not run".to_owned(), 0, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(outcome: Outcome, need: Need, is_ci: bool) -> (usize, usize) {
        let (_, passed, failed) = Row { name: "step", need, took: Duration::ZERO, outcome }.judge(is_ci);
        (passed, failed)
    }

    #[test]
    fn what_counts_as_failed() {
        let ran =
            |success, passed, failed| Outcome::Ran(Finished { success, passed, failed, not_run: Vec::new() });
        let not_run = || Outcome::NotRun("a reason".to_owned());
        assert_eq!(judge(ran(true, 7, 0), Need::Required, true), (7, 0));
        assert_eq!(judge(ran(true, 0, 0), Need::Required, true), (1, 0));
        assert_eq!(judge(ran(false, 7, 0), Need::Required, true), (7, 1));
        assert_eq!(judge(ran(false, 7, 2), Need::Required, false), (7, 2));
        assert_eq!(judge(not_run(), Need::Required, true), (0, 1));
        assert_eq!(judge(not_run(), Need::Required, false), (0, 0));
        assert_eq!(judge(not_run(), Need::IfToolchain, true), (0, 0));
    }
}
