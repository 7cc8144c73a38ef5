//! Starting a node and ending it.

use crate::ending::Stopper;
use crate::helpers::Helpers;
use crate::managed::Managed;
use crate::start_error::StartError;
use crate::worker::Worker;
use config::{Config, IoBackend, Loglevel, Settings};
use engine::Background;
use engine::exec::Local;
use engine::lazyfree::LazyFree;
use engine::log::{Log, Speaker};
use event_loop::{Backend, EventLoop, ListenError, LoopConfig};
use files::words_of;
use replica_threads::applier::Applier;
use replica_threads::feeder::Feeder;
use server::Why;
use server::process::{raise_descriptor_limit, resolve_directory};
use server::{Ingredients, NotListening, Server};
use std::ffi::OsStr;
use std::fmt;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a node is started with.
#[derive(Debug)]
pub struct Options {
    /// Its configuration; `dir` is where its files are.
    pub config: Config,
    /// The file the configuration came from, for CONFIG REWRITE.
    pub config_file: Option<PathBuf>,
    /// This program.
    pub executable: PathBuf,
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    server: Arc<Server>,
    /// What a managed node has beyond others.
    managed: Option<Arc<Managed>>,
    /// Those who run what takes long.
    helpers: Arc<Helpers>,
    threads: Vec<JoinHandle<std::io::Result<()>>>,
}

impl Node {
    /// Starts all threads and listens.
    ///
    /// # Errors
    /// When an address is taken, a directory or file cannot be used, or the system refuses threads or the event loop.
    pub fn start(mut options: Options) -> Result<Node, StartError> {
        let directory = directory(&options.config)?;
        options.config.set_directory(directory.as_os_str().as_bytes());
        let settings = options.config.settings().clone();
        let managed = managed(&settings, &directory)?.map(Arc::new);
        let log = open_log(&settings, &directory)?;
        greet(&log, &options);
        if let Err(possible) = raise_descriptor_limit(settings.maxclients.into()) {
            let text = format_args!(
                "The system's limit on open files allows {possible} clients, so maxclients is {possible} instead of {}.",
                settings.maxclients
            );
            log.write(Speaker::Starting, Loglevel::Warning, text);
            // Clients beyond it would take the descriptors that replicas, saves and the agent need.
            options.config.lower_maxclients(possible);
        }
        let opened = server::open(&settings).inspect_err(|error| log_refusal(&log, &settings, error))?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = match settings.workers {
            0 => cores.min(MAX_WORKERS),
            workers => (workers as usize).min(MAX_WORKERS),
        };
        let ingredients = Ingredients {
            config: options.config,
            workers,
            log,
            executable: options.executable,
            config_file: options.config_file,
            is_managed: managed.is_some(),
        };
        let server = Arc::new(Server::new(ingredients, server_commands::all())?);
        server_commands::load_users(&server).inspect_err(|error| {
            let level = Loglevel::Warning;
            server.log.write(Speaker::Starting, level, format_args!("The users can't be loaded: {error}"));
        })?;
        let wake = Arc::downgrade(&server);
        server.keyspace.set_wake(move |thread| {
            if let Some(server) = wake.upgrade() {
                server.wake(thread);
            }
        });
        let lazyfree = LazyFree::start().map_err(StartError::Thread)?;
        let helpers = Helpers::new(&server, lazyfree.clone());
        let mut node = Node { server: server.clone(), managed, helpers, threads: Vec::new() };
        let started = node.start_agent(&settings, &lazyfree);
        let started = started.and_then(|()| node.start_workers(workers, settings.io_backend, &lazyfree));
        let started = started.and_then(|()| node.start_background(&lazyfree));
        let started = started.and_then(|()| {
            // Clients may come from now on, and are told that the data is being loaded.
            server.loading.store(true, Ordering::Release);
            crate::pid_file::write(&server);
            introduce(&server, &settings);
            server.log(level_of_start(server.profile), "Server initialized");
            server.listening.start(&server.mailboxes, &server.board, opened).map_err(StartError::Thread)?;
            let found = load(&server)?;
            server.loading.store(false, Ordering::Release);
            if let Some(managed) = &node.managed {
                let removed = managed.note_loaded(&server.persistence, found);
                return removed.map_err(|error| StartError::Directory(directory, error));
            }
            if let Some(primary) = &settings.replicaof {
                replica_threads::role::follow(&server.replicas, primary, None);
            }
            Ok(())
        });
        if let Err(error) = started {
            node.stop();
            return Err(error);
        }
        Ok(node)
    }

    /// Says that clients may come, in the words that scripts wait for; the owner does, once it hears of signals.
    pub fn announce(&self) {
        let server = &self.server;
        let settings = server.settings();
        let unix = String::from_utf8_lossy(&settings.unixsocket);
        if server.profile.is_valkey() {
            if settings.port != 0 {
                server.log(Loglevel::Notice, "Ready to accept connections tcp");
            }
            if !unix.is_empty() {
                server.log(Loglevel::Notice, "Ready to accept connections unix");
            }
        } else {
            if settings.port != 0 {
                server.log(Loglevel::Notice, "Ready to accept connections");
            }
            if !unix.is_empty() {
                let ready = format_args!("The server is now ready to accept connections at {unix}");
                server.log(Loglevel::Notice, ready);
            }
        }
    }

    /// Lets the agent of a managed node ask how it is from now on, while it loads too.
    fn start_agent(&self, settings: &Settings, lazyfree: &LazyFree) -> Result<(), StartError> {
        let Some(managed) = &self.managed else { return Ok(()) };
        replica_threads::role::begin_unassigned(&self.server.replicas);
        let path = Path::new(OsStr::from_bytes(&settings.private_socket));
        let listener = crate::managed::identity::listen(path)
            .map_err(|error| NotListening::Address { error, parameter: "private-socket" })?;
        crate::managed::serving::start(&self.server, managed, lazyfree, listener).map_err(StartError::Thread)
    }

    fn start_workers(
        &mut self,
        workers: usize,
        backend: IoBackend,
        lazyfree: &LazyFree,
    ) -> Result<(), StartError> {
        let backend = loop_backend(backend);
        let (ready, is_ready) = mpsc::channel();
        for number in 0..workers {
            let (server, lazyfree, ready) = (self.server.clone(), lazyfree.clone(), ready.clone());
            let helpers = self.helpers.clone();
            let run = move || {
                // A loop belongs to the thread that made it.
                let io = match EventLoop::new(backend, LoopConfig::default()) {
                    Ok(io) => io,
                    Err(error) => {
                        let _ = ready.send(Err(error));
                        return Ok(());
                    }
                };
                let _ = server.start.backend.set(io.backend_name());
                let local = Local::new(&server.engine, number, lazyfree);
                let worker = Worker::new(server, number, local, io, helpers);
                let _ = ready.send(Ok(()));
                worker.run()
            };
            self.spawn(format!("worker-{number}"), run)?;
        }
        for _ in 0..workers {
            is_ready.recv().expect("every worker reports").map_err(StartError::Backend)?;
        }
        Ok(())
    }

    fn start_background(&mut self, lazyfree: &LazyFree) -> Result<(), StartError> {
        self.start_replication(lazyfree)?;
        let server = self.server.clone();
        let local = Local::new(&server.engine, server.thread_of(Background::Expiry), lazyfree.clone());
        let (theirs, managed) = (server.clone(), self.managed.clone());
        self.spawn("cron".into(), move || {
            crate::cron::run(&theirs, managed.as_deref());
            Ok(())
        })?;
        let saver = server.clone();
        self.spawn("snapshot".into(), move || {
            persistence::run(&saver.persistence);
            Ok(())
        })?;
        let (defrag, theirs) = (server.clone(), server.thread_of(Background::Defrag));
        let mover = Local::new(&server.engine, theirs, lazyfree.clone());
        self.spawn("defrag".into(), move || {
            engine::defrag::run(&defrag, mover);
            Ok(())
        })?;
        self.spawn("expiry".into(), move || {
            engine::expiry::run(&server, local);
            Ok(())
        })
    }

    fn start_replication(&mut self, lazyfree: &LazyFree) -> Result<(), StartError> {
        // Loops of few connections, which are busy or asleep for long.
        // To wait busily for what workers do would take their time.
        let config = LoopConfig {
            receive_buffer_len: 64 << 10,
            receive_buffers: 16,
            max_spin: Duration::ZERO,
            ..LoopConfig::default()
        };
        let server = self.server.clone();
        let backend = loop_backend(server.settings().io_backend);
        self.spawn("feeder".into(), move || {
            let io = EventLoop::new(backend, config)?;
            Feeder::new(server.replicas.clone(), io).run()
        })?;
        let server = self.server.clone();
        let local = Local::new(&server.engine, server.thread_of(Background::Applier), lazyfree.clone());
        self.spawn("applier".into(), move || {
            let io = EventLoop::new(backend, config)?;
            Applier::new(server.clone(), server.replicas.clone(), io, local).run()
        })?;
        let server = self.server.clone();
        self.spawn("full-sync".into(), move || {
            replica_threads::full_sync::run(&server.replicas);
            Ok(())
        })
    }

    fn spawn(
        &mut self,
        name: String,
        run: impl FnOnce() -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), StartError> {
        let (server, whose) = (self.server.clone(), name.clone());
        let guarded = move || match std::panic::catch_unwind(AssertUnwindSafe(run)) {
            Ok(outcome) => {
                if outcome.is_err() {
                    server.end.ask(Why::Failed, config::ShutdownFlags::default());
                }
                outcome
            }
            Err(panic) => engine::panics::abort_after(&server, &whose, panic.as_ref()),
        };
        let thread = std::thread::Builder::new().name(name).spawn(guarded).map_err(StartError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }

    /// The TCP addresses it listens on.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.server.listening.addresses()
    }

    /// The worker that serves a client now.
    pub fn worker_of(&self, client: u64) -> Option<usize> {
        self.server.clients.get(client).map(|client| client.worker())
    }

    /// `io_uring`, `epoll` or `poll`.
    pub fn backend(&self) -> &'static str {
        self.server.start.backend.get().copied().unwrap_or("none")
    }

    /// What other threads ask the node to end by.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.server.clone())
    }

    /// Waits until somebody asks the node to end, replicas have caught up, and the file is written if one is wanted.
    pub fn wait(&self) -> Why {
        crate::ending::wait(&self.server)
    }

    /// Ends the node: no new connections, the present ones closed, all threads joined.
    pub fn end(&mut self) {
        let server = self.server.clone();
        self.stop();
        if let Err(error) = persistence::save_at_end(&server.persistence) {
            server.log(
                Loglevel::Warning,
                format_args!("Error trying to save the DB, the last one stays: {error}"),
            );
        }
        crate::pid_file::remove(&server);
        let name = server_name(server.profile);
        server.log(Loglevel::Warning, format_args!("{name} is now ready to exit, bye bye..."));
    }

    fn stop(&mut self) {
        self.server.listening.stop();
        let has_agent = self.managed.as_ref().is_some_and(|managed| managed.private_socket.stop());
        self.server.ending.store(true, Ordering::Release);
        self.server.client_memory.set_ending(true);
        self.server.look();
        self.server.replicas.wake();
        self.server.persistence.abort_running();
        self.server.persistence.wake();
        self.server.parkers.iter().for_each(engine::Parker::unpark);
        self.threads.iter().for_each(|thread| thread.thread().unpark());
        for thread in self.threads.drain(..) {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    self.server.log(Loglevel::Warning, format_args!("A thread ended early: {error}"));
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        self.helpers.stop();
        let settings = self.server.settings();
        self.server.replicas.reached.wake();
        if let Some(managed) = &self.managed {
            managed.end();
        }
        let private = if has_agent { settings.private_socket.as_slice() } else { b"" };
        for socket in [&settings.unixsocket, private].into_iter().filter(|path| !path.is_empty()) {
            // It may be gone already.
            let _ = std::fs::remove_file(Path::new(OsStr::from_bytes(socket)));
        }
    }
}

/// What a managed node has beyond others, with the lock of its directory; `None` for any other node.
fn managed(settings: &Settings, directory: &Path) -> Result<Option<Managed>, StartError> {
    if settings.managed_node.is_empty() {
        return Ok(None);
    }
    if settings.private_socket.is_empty() {
        return Err(StartError::Unmanageable(
            "a managed node needs a place for its agent; set private-socket",
        ));
    }
    if !settings.save.is_empty() {
        return Err(StartError::Unmanageable(
            "a managed node that dies comes back empty, so it has no save points; set save \"\"",
        ));
    }
    let lock = crate::managed::identity::lock(directory)
        .map_err(|error| StartError::Directory(directory.to_owned(), error))?;
    let lock = lock.ok_or_else(|| StartError::Taken(directory.to_owned()))?;
    let node = String::from_utf8_lossy(&settings.managed_node).into_owned();
    let revision = std::str::from_utf8(&settings.managed_revision).ok().and_then(|text| text.parse().ok());
    Ok(Some(Managed::new(node, lock, revision)))
}

/// Brings the data of the last snapshot file back; whether there was one.
fn load(server: &Server) -> Result<bool, StartError> {
    let began = std::time::Instant::now();
    match persistence::load_file(&server.persistence) {
        Ok(None) => Ok(false),
        Ok(Some(_)) => {
            let took = format_args!("DB loaded from disk: {:.3} seconds", began.elapsed().as_secs_f64());
            server.log(Loglevel::Notice, took);
            Ok(true)
        }
        Err(error) => {
            persistence::log_unloadable(&server.persistence, &error);
            Err(StartError::Load(persistence::file(&server.persistence), error))
        }
    }
}

fn loop_backend(backend: IoBackend) -> Backend {
    match backend {
        IoBackend::Auto => Backend::Auto,
        IoBackend::IoUring => Backend::Uring,
        IoBackend::Epoll => Backend::Epoll,
    }
}

/// Bits of a wake set, less the background threads.
const MAX_WORKERS: usize = keyspace::MAX_THREADS - engine::BACKGROUND_THREADS;

/// The working directory as an absolute path. The process itself stays where it is: files are named from here.
fn directory(config: &Config) -> Result<PathBuf, StartError> {
    let path = Path::new(OsStr::from_bytes(&config.settings().dir)).to_owned();
    resolve_directory(Path::new(""), &path).map_err(|error| StartError::Directory(path, error))
}

fn open_log(settings: &Settings, directory: &Path) -> Result<Log, StartError> {
    let file = match settings.logfile.as_slice() {
        b"" => None,
        name => Some(directory.join(OsStr::from_bytes(name))),
    };
    Log::open(file.clone(), settings.loglevel)
        .map_err(|error| StartError::LogFile(file.unwrap_or_default(), error))
}

/// The server's name in its own log.
fn server_name(profile: profile::Profile) -> &'static str {
    if profile.is_valkey() { "Valkey" } else { "Redis" }
}

/// Valkey lowered the level of its first lines.
fn level_of_start(profile: profile::Profile) -> Loglevel {
    if profile.is_valkey() { Loglevel::Notice } else { Loglevel::Warning }
}

/// Says in the log why nobody can connect, in the words that scripts look for. The program's user reads the error itself.
fn log_refusal(log: &Log, settings: &Settings, error: &NotListening) {
    let NotListening::Address { error, parameter } = error else { return };
    let (address, why) = match error {
        ListenError::InUse(address) => (address, "Address already in use".to_owned()),
        ListenError::Other(address, error) => (address, words_of(error)),
    };
    let say = |line: &dyn fmt::Display| log.write(Speaker::Primary, Loglevel::Warning, line);
    if *parameter == "unixsocket" {
        return say(&format_args!("Failed opening Unix socket: bind: {why}"));
    }
    say(&format_args!("Warning: Could not create server TCP listening socket {address}: bind: {why}"));
    say(&format_args!("Failed listening on port {} (TCP), aborting.", settings.port));
}

/// Says what the node is: in a line, or in large letters.
fn introduce(server: &Server, settings: &Settings) {
    let port = settings.port;
    if !settings.always_show_logo {
        return server.log(Loglevel::Notice, format_args!("Running mode=standalone, port={port}."));
    }
    let (name, version) = (server_name(server.profile), server.profile.version());
    let (engram, pid) = (env!("CARGO_PKG_VERSION"), std::process::id());
    server.log.write_raw(
        Loglevel::Notice,
        &format!(
            r"
   ___ _ __   __ _ _ __ __ _ _ __ ___
  / _ \ '_ \ / _` | '__/ _` | '_ ` _ \     {name} {version} (Engram {engram}) 64 bit
 |  __/ | | | (_| | | | (_| | | | | | |    Running in standalone mode
  \___|_| |_|\__, |_|  \__,_|_| |_| |_|    Port: {port}
             |___/                         PID: {pid}

"
        ),
    );
}

/// The first lines of the log.
fn greet(log: &Log, options: &Options) {
    let profile = options.config.profile();
    let (name, version, level) = (server_name(profile), profile.version(), level_of_start(profile));
    let say = |line: &dyn fmt::Display| log.write(Speaker::Starting, level, line);
    say(&format_args!("oO0OoO0OoO0Oo {name} is starting oO0OoO0OoO0Oo"));
    say(&format_args!(
        "{name} version={version}, bits=64, commit=00000000, modified=0, pid={}, just started",
        std::process::id()
    ));
    say(&format_args!("Engram {} speaks as {name} {version}", env!("CARGO_PKG_VERSION")));
    say(&"Configuration loaded");
}
