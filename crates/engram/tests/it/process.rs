//! Running the program: its output line by line, signals, and a directory that goes with the test.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A directory of its own, removed when it is dropped.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Directory {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("engram-it-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).expect("a new directory");
        Directory(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn text(&self) -> &str {
        self.0.to_str().expect("a path of plain characters")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engram"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the program runs")
}

/// Runs the program to its end and expects that it refuses with one sentence.
#[track_caller]
pub(crate) fn expect_refusal(arguments: &[&str], sentence: &str) {
    let output = run(arguments);
    assert_eq!(String::from_utf8_lossy(&output.stderr), format!("engram: {sentence}\n"));
    assert_eq!(output.status.code(), Some(1));
}

/// The running program. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Program {
    pub(crate) fn start(arguments: &[&str]) -> Program {
        let mut child = command(arguments).spawn().expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        Program { child, output }
    }

    /// Reads its output up to a line that contains this, and returns that line.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let mut before = String::new();
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("readable output");
            if read == 0 {
                let mut errors = String::new();
                let _ = self.child.stderr.take().map(|mut pipe| pipe.read_to_string(&mut errors));
                panic!("it ended without {text:?} after\n{before}\n{errors}");
            }
            if line.contains(text) {
                return line;
            }
            before.push_str(&line);
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_some()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("the process is there");
    }

    /// Waits for its end: its exit code and what was left of its output.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("readable output");
        let status = self.child.wait().expect("it ends");
        (status.code(), rest)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // A region that is killed leaves its nodes behind, so it is asked first, as long as it listens to that.
        if let Ok(None) = self.child.try_wait() {
            let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
            let _ = self.child.stdout.take();
        }
        let _ = self.child.wait();
    }
}

/// Waits until a node serves there. One that listens may still load its data.
#[track_caller]
pub(crate) fn wait_until_it_serves(port: u16) {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match try_to_ask(port, "PING") {
            Ok(answer) if answer == "+PONG\r\n" => return,
            Ok(answer) if !answer.is_empty() && !answer.starts_with("-LOADING") => {
                panic!("PING was answered by {answer:?}")
            }
            other => assert!(Instant::now() < until, "nobody serves on {port}: {other:?}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends one inline command and reads one line of the reply.
#[track_caller]
pub(crate) fn ask(port: u16, command: &str) -> String {
    try_to_ask(port, command).expect("it listens and answers")
}

fn try_to_ask(port: u16, command: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line)
}
