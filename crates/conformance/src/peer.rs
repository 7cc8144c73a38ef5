//! A server process of our own: private directory, Unix socket and port; ended by its own pid.
//!
//! A server that the machine runs as a service is never touched: nothing here searches for processes or connects to a
//! well-known port.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::connection::Connection;

/// How long a server may take to answer its first PING, loading included.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a server may take to end after a signal.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// How many other ports are tried when another program took the chosen one in the meantime.
const START_ATTEMPTS: usize = 3;
/// Lines of a server's log that are kept to explain a failure.
const LOG_LINES: usize = 200;

/// The variable that names the engram binary under test.
pub const SUBJECT_VARIABLE: &str = "ENGRAM_BIN";
/// The variable that turns "not run" into a failure when set to 1.
pub const REQUIRE_VARIABLE: &str = "ENGRAM_REQUIRE_PEERS";

/// What to start.
#[derive(Debug, Clone)]
pub struct Launch {
    program: PathBuf,
    /// Arguments before the common ones, such as the subcommand.
    first: Vec<String>,
    /// Arguments after the common ones.
    last: Vec<String>,
    /// How it is called in messages.
    name: String,
    /// Variables added to our environment for it.
    env: Vec<(String, String)>,
}

impl Launch {
    /// The real redis-server on PATH, if there is one.
    pub fn redis_server() -> Option<Launch> {
        Some(Launch {
            program: on_path("redis-server")?,
            first: Vec::new(),
            last: Vec::new(),
            name: "redis-server".to_owned(),
            env: Vec::new(),
        })
    }

    /// A server that takes redis-server's arguments.
    pub fn like_redis_server(program: impl Into<PathBuf>, name: &str) -> Launch {
        let (first, last) = (Vec::new(), Vec::new());
        Launch { program: program.into(), first, last, name: name.to_owned(), env: Vec::new() }
    }

    /// An engram binary as a stand-alone node with the profile of an engine, such as `redis-7.0`.
    pub fn engram(program: impl Into<PathBuf>, engine: &str) -> Launch {
        Launch {
            program: program.into(),
            first: vec!["node".to_owned()],
            last: vec!["--engine".to_owned(), engine.to_owned()],
            name: format!("engram {engine}"),
            env: Vec::new(),
        }
    }

    /// The engram binary that [`SUBJECT_VARIABLE`] names.
    pub fn subject(engine: &str) -> Option<Launch> {
        env::var_os(SUBJECT_VARIABLE).filter(|path| !path.is_empty()).map(|path| Launch::engram(path, engine))
    }

    /// A server by path: `redis-server` or `valkey-server` in the name of the file means redis-server's own arguments, all else
    /// is engram. A link is called as the file that it leads to.
    pub fn by_path(path: &str, engine: &str) -> Launch {
        let file = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match ["redis-server", "valkey-server"].into_iter().find(|real| name.contains(real)) {
            Some(real) => Launch::like_redis_server(path, real),
            None => Launch::engram(path, engine),
        }
    }

    /// The same with more arguments, in redis-server's style: `["--maxmemory", "1mb"]`.
    pub fn with(mut self, args: &[impl AsRef<str>]) -> Launch {
        self.last.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// The same, run by another program, whose arguments name it.
    pub fn under(mut self, program: impl Into<PathBuf>, args: &[String]) -> Launch {
        self.program = program.into();
        self.first.splice(..0, args.iter().cloned());
        self
    }

    /// The same with a variable in its environment.
    pub fn env(mut self, name: &str, value: &str) -> Launch {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// How the server is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Says why a test that needs a server does nothing; fails instead when servers are required.
pub fn not_run(reason: &str) {
    // Not println!, which the test runner swallows when the test passes.
    let _ = writeln!(io::stdout(), "not run: {reason}");
    let required = env::var(REQUIRE_VARIABLE).is_ok_and(|value| value == "1");
    assert!(!required, "{REQUIRE_VARIABLE}=1, but {reason}");
}

/// A running server. Dropping it kills the process and removes its directory.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    launch: Launch,
    dir: PathBuf,
    port: u16,
    log: Arc<Mutex<VecDeque<String>>>,
}

impl Peer {
    /// Starts a server on a new empty directory and waits until it answers.
    pub fn start(launch: &Launch) -> Result<Peer> {
        let dir = new_directory()?;
        let mut last_error = None;
        for _ in 0..START_ATTEMPTS {
            match Peer::start_in(launch, &dir) {
                Ok(peer) => return Ok(peer),
                Err(error) => {
                    let port_was_taken = format!("{error:#}").contains("in use");
                    last_error = Some(error);
                    if !port_was_taken {
                        break;
                    }
                }
            }
        }
        drop(fs::remove_dir_all(&dir));
        Err(last_error.expect("at least one attempt was made"))
    }

    /// Stops the server with a signal (`TERM`, `INT`, `KILL`), waits for its end, and starts it again on the same
    /// directory.
    pub fn restart(mut self, signal: &str) -> Result<Peer> {
        self.signal(signal)?;
        self.wait_for_end()?;
        let dir = std::mem::take(&mut self.dir);
        Peer::start_in(&self.launch, &dir)
    }

    /// Opens a connection over the Unix socket.
    pub fn connect(&self) -> Result<Connection> {
        Connection::unix(&self.unix_socket()).with_context(|| format!("{}: connect", self.launch.name))
    }

    /// The path of the Unix socket.
    pub fn unix_socket(&self) -> PathBuf {
        socket_in(&self.dir)
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's working directory, where it keeps its files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How the server is called in messages.
    pub fn name(&self) -> &str {
        &self.launch.name
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// False once the process has ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal by name, to this process only.
    pub fn signal(&self, name: &str) -> Result<()> {
        // The shell's own kill: a minimal system may lack the program, and std can only send SIGKILL.
        let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.pid())).status()?;
        if !status.success() {
            bail!("{}: kill -{name} {} failed", self.launch.name, self.pid());
        }
        Ok(())
    }

    /// Waits for the process to end by itself, up to a time limit.
    pub fn wait_for_end(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + STOP_TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("{} did not end in time; its log:\n{}", self.launch.name, self.log_tail());
            }
            thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// The last lines that the server printed.
    pub fn log_tail(&self) -> String {
        let log = self.log.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        log.iter().map(|line| format!("    {line}\n")).collect()
    }

    fn start_in(launch: &Launch, dir: &Path) -> Result<Peer> {
        let port = free_port()?;
        drop(fs::remove_file(socket_in(dir)));
        let mut child = Command::new(&launch.program)
            .args(&launch.first)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .arg("--unixsocket")
            .arg(socket_in(dir))
            .arg("--dir")
            .arg(dir)
            .args(["--save", "", "--daemonize", "no", "--enable-debug-command", "yes"])
            .args(&launch.last)
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", launch.program.display()))?;
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let (line_printed, lines) = mpsc::channel();
        follow(child.stdout.take().expect("piped"), Arc::clone(&log), line_printed.clone());
        follow(child.stderr.take().expect("piped"), Arc::clone(&log), line_printed);
        let mut peer = Peer { child, launch: launch.clone(), dir: dir.to_owned(), port, log };
        if let Err(error) = peer.wait_until_ready(&lines) {
            // The directory stays for the next attempt; Drop would remove it.
            peer.dir = PathBuf::new();
            return Err(error.context(format!("{} did not start", launch.name)));
        }
        Ok(peer)
    }

    /// Tries to connect whenever the server prints a line, which it does when it is ready.
    fn wait_until_ready(&mut self, lines: &Receiver<()>) -> Result<()> {
        let deadline = Instant::now() + READY_TIMEOUT;
        loop {
            let ended = match lines.recv_timeout(Duration::from_millis(50)) {
                Err(RecvTimeoutError::Disconnected) => true,
                Ok(()) | Err(RecvTimeoutError::Timeout) => !self.is_running(),
            };
            if ended {
                let status = self.wait_for_end()?;
                bail!("the process ended ({status}) before it was ready; it printed:\n{}", self.log_tail());
            }
            if let Ok(mut connection) = Connection::unix(&self.unix_socket()) {
                let answer = connection.call(&["PING"]);
                if answer.is_ok_and(|reply| !reply.to_text().starts_with("LOADING")) {
                    return Ok(());
                }
            }
            if Instant::now() > deadline {
                bail!("no answer to PING after {READY_TIMEOUT:?}; it printed:\n{}", self.log_tail());
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        if !self.dir.as_os_str().is_empty() {
            drop(fs::remove_dir_all(&self.dir));
        }
    }
}

/// Reads what a server prints, so that its pipe never fills, and reports each line.
fn follow(
    output: impl Read + Send + 'static,
    log: Arc<Mutex<VecDeque<String>>>,
    line_printed: mpsc::Sender<()>,
) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { break };
            let mut log = log.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if log.len() == LOG_LINES {
                log.pop_front();
            }
            log.push_back(line);
            drop(log);
            // Nobody listens once the server is ready.
            let _ = line_printed.send(());
        }
    });
}

fn socket_in(dir: &Path) -> PathBuf {
    dir.join("s")
}

/// A new directory with a short path: a Unix socket's path has at most 107 bytes.
fn new_directory() -> Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("engram-peer-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let dir = env::temp_dir().join(name);
    fs::create_dir_all(&dir).with_context(|| format!("create {}", dir.display()))?;
    Ok(dir)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A program on PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(program)).find(|candidate| candidate.is_file())
}
