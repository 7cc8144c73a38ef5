//! Programs: run one, show what it prints, and count the tests that it reports.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::root;

/// A program to run in the workspace's root.
#[derive(Debug)]
pub(crate) struct Task {
    command: Command,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    /// The program's own verdict.
    pub(crate) success: bool,
    /// Tests that it reported as passed.
    pub(crate) passed: usize,
    /// Tests that it reported as failed.
    pub(crate) failed: usize,
    /// What it reported as `not run: …`.
    pub(crate) not_run: Vec<String>,
}

impl Task {
    /// A program.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Task {
        let mut command = Command::new(program);
        command.current_dir(root()).stdin(Stdio::null());
        Task { command }
    }

    /// The cargo that runs this.
    pub(crate) fn cargo(args: &[&str]) -> Task {
        Task::new(env!("CARGO")).args(args)
    }

    /// The cargo of another toolchain, by way of rustup.
    pub(crate) fn cargo_of(toolchain: &str, args: &[&str]) -> Task {
        let mut task = Task::new("rustup").args(&["run", toolchain, "cargo"]).args(args);
        // What `cargo xtask` itself was started with would override the other toolchain's own.
        for variable in ["RUSTC", "RUSTDOC", "CARGO", "RUSTUP_TOOLCHAIN"] {
            task.command.env_remove(variable);
        }
        task
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, args: &[impl AsRef<OsStr>]) -> Task {
        self.command.args(args);
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Task {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end. An error means that it can't be started.
    pub(crate) fn run(mut self) -> Result<Finished> {
        let shown = self.shown();
        println!("$ {shown}");
        let mut child =
            self.command.stdout(Stdio::piped()).spawn().with_context(|| format!("start {shown}"))?;
        let mut finished = Finished::default();
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line)? > 0 {
            std::io::stdout().write_all(&line)?;
            finished.count(String::from_utf8_lossy(&line).trim());
            line.clear();
        }
        finished.success = child.wait()?.success();
        Ok(finished)
    }

    fn shown(&self) -> String {
        let program = std::path::Path::new(self.command.get_program());
        let program = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
        let variables = self.command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let variables = variables.map(|(name, value)| format!("{}={:?}", name.to_string_lossy(), value));
        let args = self.command.get_args().map(|arg| arg.to_string_lossy().into_owned());
        variables.chain([program]).chain(args).collect::<Vec<_>>().join(" ")
    }
}

impl Finished {
    /// Adds the figures of a further program of the same step.
    pub(crate) fn and(mut self, next: Finished) -> Finished {
        self.success &= next.success;
        self.passed += next.passed;
        self.failed += next.failed;
        self.not_run.extend(next.not_run);
        self
    }

    /// Reads the closing lines of cargo's and pytest's test runs.
    fn count(&mut self, line: &str) {
        if let Some(reason) = line.strip_prefix("not run: ") {
            if !self.not_run.iter().any(|known| known == reason) {
                self.not_run.push(reason.to_owned());
            }
            return;
        }
        let is_pytest = line.starts_with('=') && line.contains(" in ") && line.ends_with('=');
        let figures = match line.strip_prefix("test result: ") {
            Some(figures) => figures,
            None if is_pytest => line.trim_matches(['=', ' ']),
            None => return,
        };
        let words: Vec<&str> = figures.split([' ', ';', ',', '.']).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<usize>() else { continue };
            match pair[1] {
                "passed" => self.passed += count,
                "failed" | "error" | "errors" => self.failed += count,
                "skipped" if count > 0 => {
                    self.not_run.push(format!("{count} tests of pytest skip themselves"))
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_cargo_and_pytest_report() {
        let mut finished = Finished::default();
        finished.count("test result: FAILED. 12 passed; 1 failed; 3 ignored; 0 measured; 9 filtered out; finished in 0.1s");
        finished.count("============ 2 failed, 5 passed, 1 skipped, 1 error in 1.20s ============");
        finished.count("5 passed, said a test");
        finished.count("not run: no redis-server on PATH");
        finished.count("not run: no redis-server on PATH");
        assert_eq!((finished.passed, finished.failed), (17, 4));
        assert_eq!(finished.not_run, ["1 tests of pytest skip themselves", "no redis-server on PATH"]);
    }
}
