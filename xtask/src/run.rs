//! Programs: run one, show what it prints, and count the tests that it reports.
//!
//! A test that hangs would hang the whole run: cargo's test runner only prints that a test has been running for a minute. From
//! then on the test has [`GRACE`]. After that its test binary is killed with everything that it started; cargo reports the
//! failure and continues with the next binary. pytest has a limit of its own (`tests/pytest.ini`).

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::root;

/// How long a test may go on after cargo's test runner has noticed that it runs for over 60 seconds. No test takes half as
/// long on a machine that does nothing else.
const GRACE: Duration = Duration::from_secs(240);

/// A program to run in the workspace's root.
#[derive(Debug)]
pub(crate) struct Task {
    command: Command,
}

/// The result of a program.
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
        let mut slow = SlowTests::default();
        let lines = lines_of(child.stdout.take().expect("piped"));
        loop {
            match slow.next(&lines) {
                Ok(line) => {
                    std::io::stdout().write_all(&line)?;
                    let line = String::from_utf8_lossy(&line);
                    slow.note(line.trim(), Instant::now());
                    finished.count(line.trim());
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    println!("{} did not end in time: its test binary is killed", slow.forget_overdue());
                    kill_descendants(child.id());
                }
            }
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

/// Tests that cargo's test runner has reported as slow, each with its deadline.
#[derive(Debug, Default)]
struct SlowTests(Vec<(String, Instant)>);

impl SlowTests {
    /// Reads what the test runner says of a test: that it is slow, or how it ended.
    fn note(&mut self, line: &str, now: Instant) {
        let Some(line) = line.strip_prefix("test ") else { return };
        if let Some(name) = line.strip_suffix(" has been running for over 60 seconds") {
            self.0.push((name.to_owned(), now + GRACE));
        } else if let Some((name, _)) = line.split_once(" ... ") {
            self.0.retain(|(slow, _)| slow != name);
        }
    }

    /// The next line, or a timeout once a test must have ended and has not.
    fn next(&self, lines: &Receiver<Vec<u8>>) -> Result<Vec<u8>, RecvTimeoutError> {
        match self.0.first() {
            Some((_, deadline)) => lines.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            None => lines.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// The test that must have ended; the others of its binary end with it.
    fn forget_overdue(&mut self) -> String {
        let name = self.0.first().map(|(name, _)| name.clone()).unwrap_or_default();
        self.0.clear();
        name
    }
}

/// What a program prints, line by line, from a thread that ends with it.
fn lines_of(output: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (printed, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            if printed.send(std::mem::take(&mut line)).is_err() {
                break;
            }
        }
    });
    lines
}

/// Kills what a process started and what that started in turn, parents first, but not the process itself. The kernel names a
/// process's children in `/proc`; where there is no such file nothing is killed.
fn kill_descendants(pid: u32) {
    let mut descendants = children(pid);
    let mut at = 0;
    while at < descendants.len() {
        descendants.extend(children(descendants[at]));
        at += 1;
    }
    for pid in descendants {
        // It may have ended by itself meanwhile.
        let _ = Command::new("sh").arg("-c").arg(format!("kill -KILL {pid}")).status();
    }
}

fn children(pid: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|child| child.parse().ok()).collect()
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

    #[test]
    fn a_slow_test_has_a_deadline_until_it_ends() {
        let mut slow = SlowTests::default();
        let now = Instant::now();
        slow.note("test a::b has been running for over 60 seconds", now);
        slow.note("test c has been running for over 60 seconds", now);
        slow.note("test a::b ... ok", now);
        slow.note("test result: ok. 1 passed", now);
        assert_eq!(slow.0, [("c".to_owned(), now + GRACE)]);
        assert_eq!(slow.forget_overdue(), "c");
        assert!(slow.0.is_empty());
    }

    #[test]
    fn a_test_that_hangs_is_killed_with_what_it_started() {
        let (printed, lines) = mpsc::channel();
        let overdue = SlowTests(vec![("hangs".to_owned(), Instant::now())]);
        assert_eq!(overdue.next(&lines), Err(RecvTimeoutError::Timeout));
        drop(printed);
        assert_eq!(overdue.next(&lines), Err(RecvTimeoutError::Disconnected));

        // A program, its child, and the child's child, which says that it is there and would stay for ever.
        let mut program = Command::new("sh")
            .args([
                "-c",
                "sh -c 'sh -c \"echo there; while :; do read -r x </dev/zero; done\"; echo ended'; exit 7",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let lines = lines_of(program.stdout.take().expect("piped"));
        assert_eq!(lines.recv().expect("a line"), b"there\n");
        kill_descendants(program.id());
        assert_eq!(program.wait().expect("its end").code(), Some(7), "the program itself went on");
        assert!(lines.recv().is_err(), "nothing of what it started is left");
    }
}
