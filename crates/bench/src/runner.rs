//! Runs cases: prepares every subject, measures them in turns, shows and keeps the figures.
//!
//! A subject that fails, at the start or later, drops out of its case with its reason in the table; the others go on.
//! The run as a whole fails then, after everything else was measured.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::cases::{self, Case, Measure};
use crate::report::{self, Column};
use crate::subject::{Setting, Subject};

const USAGE: &str = "\
usage: cargo xtask bench region [--quick]
       cargo xtask bench [--only CASE]… [--subject NAME]… [--runs N] [--quick] [--unpinned]

  --only CASE      only this case, or several
  --subject NAME   only subjects whose name starts so: redis, engram, \"engram epoll\"
  --runs N         measurements of each subject, in turns (5; with --quick 2)
  --quick          small sizes: about a minute, figures only roughly right
  --unpinned       leave server and generator to the scheduler";

/// What to run.
#[derive(Debug)]
pub(crate) struct Options {
    only: Vec<String>,
    subjects: Vec<Subject>,
    runs: usize,
    is_quick: bool,
    is_pinned: bool,
    engram: PathBuf,
    results: PathBuf,
}

impl Options {
    /// Reads the command line.
    pub(crate) fn parse(args: &[String]) -> Result<Options> {
        let mut options = Options {
            only: Vec::new(),
            subjects: Vec::new(),
            runs: 0,
            is_quick: false,
            is_pinned: true,
            engram: "target/release/engram".into(),
            results: "target/bench".into(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value\n\n{USAGE}"));
            match arg.as_str() {
                "--only" => options.only.push(value()?.clone()),
                "--subject" => options.add_subjects(value()?)?,
                "--runs" => options.runs = value()?.parse().context("--runs needs a number")?,
                "--quick" => options.is_quick = true,
                "--unpinned" => options.is_pinned = false,
                "--engram" => options.engram = value()?.into(),
                "--results" => options.results = value()?.into(),
                _ => bail!("{arg}?\n\n{USAGE}\n\ncases:\n{}", list()),
            }
        }
        if let Some(unknown) = options.only.iter().find(|name| cases::find(name).is_none()) {
            bail!("no case {unknown}; there are:\n{}", list());
        }
        if options.runs == 0 {
            options.runs = if options.is_quick { 2 } else { 5 };
        }
        if options.subjects.is_empty() {
            options.subjects = Subject::ALL.to_vec();
        }
        if options.is_pinned && std::thread::available_parallelism()?.get() < 2 {
            bail!("pinning needs two CPUs; --unpinned does without");
        }
        Ok(options)
    }

    fn add_subjects(&mut self, name: &str) -> Result<()> {
        let found = Subject::ALL.into_iter().filter(|subject| subject.name().starts_with(name));
        let before = self.subjects.len();
        self.subjects.extend(found);
        if self.subjects.len() == before {
            bail!("no subject {name}; there are: {}", Subject::ALL.map(Subject::name).join(", "));
        }
        Ok(())
    }
}

/// Runs the cases that the options name.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut failures = Vec::new();
    for case in cases::ALL {
        if !options.only.is_empty() && !options.only.iter().any(|name| name == case.name) {
            continue;
        }
        println!("\n== {}: {}", case.name, case.about);
        let columns = measure(case, options);
        print!("{}", report::table(&columns));
        report::write_json(&options.results, case.name, options.is_quick, &columns)?;
        let failed = columns.iter().filter(|column| column.failure.is_some());
        failures.extend(failed.map(|column| format!("{} on {}", case.name, column.subject.name())));
    }
    if !failures.is_empty() {
        bail!("failed: {}", failures.join(", "));
    }
    Ok(())
}

/// Prepares every subject, then measures them in turns.
fn measure(case: &Case, options: &Options) -> Vec<Column> {
    let mut prepared: Vec<(Column, Option<Measure>)> = Vec::new();
    for &subject in &options.subjects {
        let setting = Setting {
            subject,
            is_quick: options.is_quick,
            is_pinned: options.is_pinned,
            engram: options.engram.clone(),
        };
        let mut column = Column { subject, runs: Vec::new(), failure: None };
        let measure = (case.prepare)(&setting).map_err(|error| column.failure = Some(format!("{error:#}")));
        prepared.push((column, measure.ok()));
    }
    for _ in 0..options.runs {
        for (column, measure) in &mut prepared {
            let Some(run) = measure else { continue };
            match run() {
                Ok(figures) => column.runs.push(figures),
                Err(error) => {
                    column.failure = Some(format!("{error:#}"));
                    // Its server ends here.
                    *measure = None;
                }
            }
        }
    }
    prepared.into_iter().map(|(column, _)| column).collect()
}

fn list() -> String {
    cases::ALL.iter().map(|case| format!("  {:<12} {}\n", case.name, case.about)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options() {
        let options = parse("--unpinned --quick --only idle --subject engram").expect("fine");
        assert_eq!((options.runs, options.is_quick, options.is_pinned), (2, true, false));
        assert_eq!(options.only, ["idle"]);
        assert_eq!(options.subjects, [Subject::EngramUring, Subject::EngramEpoll]);
        assert_eq!(parse("--unpinned").expect("fine").runs, 5);
        for line in ["--only nothing", "--subject valkey", "--runs", "--runs x", "--fast"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
