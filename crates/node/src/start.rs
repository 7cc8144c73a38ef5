//! Starting a node and ending it.

use crate::exec::Local;
use crate::lazyfree::LazyFree;
use crate::mailbox::Message;
use crate::shared::{Background, Ingredients, Shared};
use crate::worker::Worker;
use config::{Config, IoBackend};
use event_loop::{
    Acceptor, Backend, EventLoop, ListenError, Listener, LoopConfig, Peer, listen_tcp, listen_unix,
};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

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

/// Why a node does not start. One sentence, with the parameter that helps.
#[derive(Debug)]
pub enum StartError {
    /// An address cannot be listened on.
    Listen {
        /// Why.
        error: ListenError,
        /// The parameter that names another.
        parameter: &'static str,
    },
    /// The event loop that was asked for cannot be had.
    Backend(std::io::Error),
    /// A thread cannot be made.
    Thread(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen { error: ListenError::InUse(address), parameter } => {
                write!(f, "{address} is already in use; choose another with --{parameter}")
            }
            StartError::Listen { error, parameter } => {
                write!(f, "cannot listen on {error}; choose another with --{parameter}")
            }
            StartError::Backend(error) => {
                write!(f, "the event loop cannot be set up ({error}); try --io-backend epoll")
            }
            StartError::Thread(error) => write!(f, "cannot start a thread ({error})"),
        }
    }
}

impl std::error::Error for StartError {}

/// A running node.
#[derive(Debug)]
pub struct Node {
    shared: Arc<Shared>,
    acceptor: Option<Acceptor>,
    threads: Vec<JoinHandle<std::io::Result<()>>>,
    addresses: Vec<SocketAddr>,
}

impl Node {
    /// Starts all threads and listens.
    ///
    /// # Errors
    /// When an address is taken, or the system refuses threads or the event loop.
    pub fn start(options: Options) -> Result<Node, StartError> {
        let settings = options.config.settings().clone();
        let listeners = listen(&settings)?;
        let addresses = listeners.iter().filter_map(Listener::local_addr).collect();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = match settings.workers {
            0 => cores.min(MAX_WORKERS),
            workers => (workers as usize).min(MAX_WORKERS),
        };
        let shared = Arc::new(Shared::new(Ingredients {
            config: options.config,
            workers,
            executable: options.executable,
            config_file: options.config_file,
        }));
        let wake = Arc::downgrade(&shared);
        shared.keyspace.set_wake(move |thread| {
            if let Some(shared) = wake.upgrade() {
                shared.wake(thread);
            }
        });
        let lazyfree = LazyFree::start().map_err(StartError::Thread)?;
        let mut node = Node { shared: shared.clone(), acceptor: None, threads: Vec::new(), addresses };
        let started = node.start_workers(workers, settings.io_backend, &lazyfree);
        let started = started.and_then(|()| node.start_background(&lazyfree));
        if let Err(error) = started {
            node.end();
            return Err(error);
        }
        let mut next = 0;
        let accepted = move |fd: OwnedFd, peer: Peer| {
            shared.mailboxes[next].post(Message::Accepted(fd, peer));
            next = (next + 1) % shared.workers();
        };
        match Acceptor::start(listeners, accepted) {
            Ok(acceptor) => node.acceptor = Some(acceptor),
            Err(error) => {
                node.end();
                return Err(StartError::Thread(error));
            }
        }
        Ok(node)
    }

    fn start_workers(
        &mut self,
        workers: usize,
        backend: IoBackend,
        lazyfree: &LazyFree,
    ) -> Result<(), StartError> {
        let backend = match backend {
            IoBackend::Auto => Backend::Auto,
            IoBackend::IoUring => Backend::Uring,
            IoBackend::Epoll => Backend::Epoll,
        };
        let (ready, is_ready) = mpsc::channel();
        for number in 0..workers {
            let (shared, lazyfree, ready) = (self.shared.clone(), lazyfree.clone(), ready.clone());
            let run = move || {
                // A loop belongs to the thread that made it.
                let io = match EventLoop::new(backend, LoopConfig::default()) {
                    Ok(io) => io,
                    Err(error) => {
                        let _ = ready.send(Err(error));
                        return Ok(());
                    }
                };
                let _ = shared.start.backend.set(io.backend_name());
                let local = Local::new(&shared, number, lazyfree);
                let worker = Worker::new(shared, number, local, io);
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
        let shared = self.shared.clone();
        let local = Local::new(&shared, shared.thread_of(Background::Expiry), lazyfree.clone());
        self.spawn("expiry".into(), move || {
            crate::expiry::run(&shared, local);
            Ok(())
        })
    }

    fn spawn(
        &mut self,
        name: String,
        run: impl FnOnce() -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), StartError> {
        let thread = std::thread::Builder::new().name(name).spawn(run).map_err(StartError::Thread)?;
        self.threads.push(thread);
        Ok(())
    }

    /// The TCP addresses it listens on.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// `io_uring`, `epoll` or `poll`.
    pub fn backend(&self) -> &'static str {
        self.shared.start.backend.get().copied().unwrap_or("none")
    }

    /// Ends the node: no new connections, the present ones closed, all threads joined.
    pub fn end(&mut self) {
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.stop();
        }
        self.shared.ending.store(true, Ordering::Release);
        self.shared.look();
        self.shared.parkers.iter().for_each(crate::shared::Parker::unpark);
        for thread in self.threads.drain(..) {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => eprintln!("a worker ended: {error}"),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    }
}

/// Bits of a wake set, less the background threads.
const MAX_WORKERS: usize = keyspace::MAX_THREADS - crate::shared::BACKGROUND_THREADS;

fn listen(settings: &config::Settings) -> Result<Vec<Listener>, StartError> {
    let mut listeners = Vec::new();
    if settings.port != 0 {
        let failed = |error| StartError::Listen { error, parameter: "port" };
        for address in &settings.bind {
            let text = String::from_utf8_lossy(address);
            let optional = text.starts_with('-');
            let ip = match text.trim_start_matches('-') {
                "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
                name => match name.parse() {
                    Ok(ip) => ip,
                    Err(_) => resolve(name).ok_or_else(|| StartError::Listen {
                        error: ListenError::Other(
                            name.to_owned(),
                            std::io::Error::new(std::io::ErrorKind::NotFound, "no such address"),
                        ),
                        parameter: "bind",
                    })?,
                },
            };
            match listen_tcp(SocketAddr::new(ip, settings.port), settings.tcp_backlog) {
                Ok(listener) => listeners.push(listener),
                // An address this host does not have is no failure when marked so; a taken port always is.
                Err(ListenError::Other(..)) if optional => {}
                Err(error) => return Err(failed(error)),
            }
        }
        if listeners.is_empty() && !settings.bind.is_empty() {
            return Err(StartError::Listen {
                error: ListenError::Other(
                    "any address".into(),
                    std::io::Error::new(std::io::ErrorKind::AddrNotAvailable, "none of them is this host's"),
                ),
                parameter: "bind",
            });
        }
    }
    if !settings.unixsocket.is_empty() {
        let path = PathBuf::from(String::from_utf8_lossy(&settings.unixsocket).into_owned());
        let permissions = (settings.unixsocketperm != 0).then_some(settings.unixsocketperm);
        let listener = listen_unix(&path, permissions, settings.tcp_backlog)
            .map_err(|error| StartError::Listen { error, parameter: "unixsocket" })?;
        listeners.push(listener);
    }
    Ok(listeners)
}

fn resolve(name: &str) -> Option<IpAddr> {
    use std::net::ToSocketAddrs;
    (name, 0).to_socket_addrs().ok()?.next().map(|address| address.ip())
}
