//! Runs cases: prepares every subject, measures them in turns, prints and stores the figures.
//!
//! A subject that fails, at the start or later, drops out of its case with its reason in the table; the others go on.
//! The run as a whole fails then, after everything else was measured.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::cases::{Case, Measure};
use crate::report::{self, Column};
use crate::subject::{Peaks, Setting, Subject};

const USAGE: &str = "\
usage: cargo xtask bench region [--quick]
       cargo xtask bench counts [--update | --functions COMMAND]
       cargo xtask bench peers [--peer NAME=PATH]… [--only SCENARIO]… [--runs N] [--quick] [--unpinned]
       cargo xtask bench [--only CASE]… [--subject NAME]… [--runs N] [--quick] [--unpinned]

  --only CASE      only this case, or several
  --subject NAME   only subjects whose name starts so: redis, engram, \"engram epoll\"
  --runs N         measurements of each subject, in turns (5; with --quick 2)
  --peer NAME=PATH another server that takes redis-server's arguments
  --quick          small sizes: about a minute, figures only roughly right
  --unpinned       leave server and generator to the scheduler";

/// What to run.
#[derive(Debug)]
pub(crate) struct Options {
    cases: &'static [Case],
    only: Vec<String>,
    pub(crate) subjects: Vec<Subject>,
    pub(crate) peers: Vec<(String, PathBuf)>,
    pub(crate) runs: usize,
    pub(crate) is_quick: bool,
    pub(crate) is_pinned: bool,
    pub(crate) engram: PathBuf,
    pub(crate) results: PathBuf,
}

/// The cases that ran, with what was measured.
pub(crate) type Measured = Vec<(&'static str, Vec<Column>)>;

impl Options {
    /// Reads the command line for some cases.
    pub(crate) fn parse(args: &[String], cases: &'static [Case]) -> Result<Options> {
        let mut options = Options {
            cases,
            peers: Vec::new(),
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
                "--peer" => {
                    let (name, path) = value()?.split_once('=').context("--peer needs NAME=PATH")?;
                    options.peers.push((name.to_owned(), path.into()));
                }
                "--quick" => options.is_quick = true,
                "--unpinned" => options.is_pinned = false,
                "--engram" => options.engram = value()?.into(),
                "--results" => options.results = value()?.into(),
                _ => bail!("{arg}?\n\n{USAGE}\n\ncases:\n{}", list(cases)),
            }
        }
        let is_known = |name: &String| cases.iter().any(|case| case.name == name);
        if let Some(unknown) = options.only.iter().find(|name| !is_known(name)) {
            bail!("no case {unknown}; there are:\n{}", list(cases));
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
            bail!("no subject {name}; there are: {}", Subject::ALL.each_ref().map(Subject::name).join(", "));
        }
        Ok(())
    }
}

/// Runs the cases that the options name, and says which failed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let measured = run_all(options)?;
    fail_if_any(&measured)
}

/// An error if a subject failed in a case.
pub(crate) fn fail_if_any(measured: &Measured) -> Result<()> {
    let failed = |case: &str, columns: &[Column]| -> Vec<String> {
        let failed = columns.iter().filter(|column| column.failure.is_some());
        failed.map(|column| format!("{case} on {}", column.subject.name())).collect()
    };
    let failures: Vec<String> = measured.iter().flat_map(|(case, columns)| failed(case, columns)).collect();
    if !failures.is_empty() {
        bail!("failed: {}", failures.join(", "));
    }
    Ok(())
}

/// Runs the cases that the options name and shows each.
pub(crate) fn run_all(options: &Options) -> Result<Measured> {
    let mut measured = Vec::new();
    for case in options.cases {
        if !options.only.is_empty() && !options.only.iter().any(|name| name == case.name) {
            continue;
        }
        println!("\n== {}: {}", case.name, case.about);
        let columns = measure(case, options);
        print!("{}", report::table(&columns));
        report::write_json(&options.results, case.name, options.is_quick, &columns)?;
        measured.push((case.name, columns));
    }
    Ok(measured)
}

/// Prepares every subject, then measures them in turns.
fn measure(case: &Case, options: &Options) -> Vec<Column> {
    let mut prepared: Vec<(Column, Option<Measure>)> = Vec::new();
    let peaks = Peaks::default();
    for subject in &options.subjects {
        let setting = Setting {
            subject: subject.clone(),
            peaks: peaks.clone(),
            is_quick: options.is_quick,
            is_pinned: options.is_pinned,
            engram: options.engram.clone(),
        };
        let mut column = Column { subject: subject.clone(), runs: Vec::new(), failure: None };
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

fn list(cases: &[Case]) -> String {
    cases.iter().map(|case| format!("  {:<12} {}\n", case.name, case.about)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>(), cases::ALL)
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
