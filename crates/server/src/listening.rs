//! The sockets a node listens on, and changing them while it runs.
//!
//! One acceptor deals connections to the active workers in turn ([`Board`]). CONFIG SET of `port` or `bind` replaces the TCP listeners: the
//! old ones are closed first, because an address that covers another cannot be listened on beside it, and opened again
//! when the new ones cannot be had. The Unix socket stays the same socket throughout.
//!
//! A managed node's agent passes listeners of its own, each for an endpoint: a face that the node shows by it. Whether
//! connections are taken depends on the node's role. Where they are not they wait in the listener's backlog, which other
//! nodes share, for one whose role it is.

use crate::board::Board;
use config::Settings;
use event_loop::{Acceptor, ListenError, Listener, ListenerId, Peer, Transport, listen_tcp, listen_unix};
use replica_threads::OwnAddress;
use session::{Clients, Mailbox, Message};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use supervision::{Endpoint, Listening as Passed};

/// What the node listens on now.
#[derive(Debug)]
pub struct Listening {
    sockets: Mutex<Sockets>,
    /// Where replication says that the node is reached.
    own_address: Arc<OwnAddress>,
}

#[derive(Debug, Default)]
struct Sockets {
    acceptor: Option<Acceptor>,
    tcp: Vec<(ListenerId, SocketAddr)>,
    unix: Option<ListenerId>,
    passed: Vec<Handle>,
}

/// A listener that the agent passed.
#[derive(Debug)]
struct Handle {
    what: Passed,
    fd: OwnedFd,
    /// Its connections are taken.
    accepting: Option<ListenerId>,
}

/// The number of the node's own listeners; those of endpoints follow.
const OWN: usize = 0;

const ENDPOINTS: [Endpoint; 3] = [Endpoint::Node, Endpoint::Primary, Endpoint::Reader];

fn number_of(endpoint: Endpoint) -> usize {
    1 + endpoint as usize
}

/// The endpoint that a connection came by; `None` for the node's own listeners.
pub fn endpoint_of(peer: &Peer) -> Option<Endpoint> {
    ENDPOINTS.into_iter().find(|&endpoint| number_of(endpoint) == peer.listener)
}

/// How many clients came by each endpoint.
pub fn endpoint_clients(clients: &Clients) -> BTreeMap<Endpoint, u64> {
    let counts = ENDPOINTS.map(|endpoint| (endpoint, clients.count_of(number_of(endpoint)) as u64));
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// Why an address is not listened on. One sentence, with the parameter that helps.
#[derive(Debug)]
pub enum NotListening {
    /// It cannot be had.
    Address {
        /// Why.
        error: ListenError,
        /// The parameter that names another.
        parameter: &'static str,
    },
    /// What accepts connections does not take it.
    Thread(io::Error),
}

impl fmt::Display for NotListening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotListening::Address { error: ListenError::InUse(address), parameter } => {
                write!(f, "{address} is already in use; choose another with --{parameter}")
            }
            NotListening::Address { error, parameter } => {
                write!(f, "cannot listen on {error}; choose another with --{parameter}")
            }
            NotListening::Thread(error) => write!(f, "cannot start a thread ({error})"),
        }
    }
}

impl std::error::Error for NotListening {}

/// Listeners that were opened but accept nothing yet.
#[derive(Debug)]
pub struct Opened {
    tcp: Vec<Listener>,
    unix: Option<Listener>,
}

/// Opens everything that the settings name.
///
/// # Errors
/// When an address or the Unix socket cannot be had.
pub fn open(settings: &Settings) -> Result<Opened, NotListening> {
    let tcp = open_tcp(settings)?;
    let unix = if settings.unixsocket.is_empty() { None } else { Some(open_unix(settings)?) };
    Ok(Opened { tcp, unix })
}

fn open_unix(settings: &Settings) -> Result<Listener, NotListening> {
    let path = PathBuf::from(String::from_utf8_lossy(&settings.unixsocket).into_owned());
    let permissions = (settings.unixsocketperm != 0).then_some(settings.unixsocketperm);
    listen_unix(&path, permissions, settings.tcp_backlog)
        .map_err(|error| NotListening::Address { error, parameter: "unixsocket" })
}

impl Listening {
    /// Listens on nothing yet.
    pub fn new(own_address: Arc<OwnAddress>) -> Listening {
        Listening { sockets: Mutex::default(), own_address }
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The TCP addresses now, with those of endpoints.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let sockets = self.sockets();
        let own = sockets.tcp.iter().map(|(_, address)| *address);
        own.chain(sockets.passed.iter().map(|handle| handle.what.address)).collect()
    }

    /// Accepts connections from now on.
    ///
    /// # Errors
    /// When the system refuses the thread.
    pub fn start(&self, mailboxes: &Arc<[Mailbox]>, board: &Arc<Board>, opened: Opened) -> io::Result<()> {
        let mut sockets = self.sockets();
        let acceptor = accept(mailboxes, board)?;
        sockets.tcp = add(&acceptor, opened.tcp)?;
        if let Some(unix) = opened.unix {
            sockets.unix = Some(acceptor.add(unix, OWN)?);
        }
        sockets.acceptor = Some(acceptor);
        Ok(())
    }

    /// Listens on other TCP addresses.
    ///
    /// # Errors
    /// When one cannot be had; the old ones are listened on again then.
    pub fn change(&self, old: &Settings, new: &Settings) -> Result<(), NotListening> {
        let mut sockets = self.sockets();
        let Sockets { acceptor: Some(acceptor), tcp, .. } = &mut *sockets else { return Ok(()) };
        tcp.drain(..).for_each(|(id, _)| acceptor.remove(id));
        let (opened, outcome) = match open_tcp(new) {
            Ok(opened) => (opened, Ok(())),
            Err(error) => (open_tcp(old).unwrap_or_default(), Err(error)),
        };
        *tcp = add(acceptor, opened).map_err(NotListening::Thread)?;
        outcome
    }

    /// Listens anew on the Unix socket, whose place is empty; `false` when the node accepts nothing yet, or nothing any more.
    ///
    /// # Errors
    /// When it cannot be listened on.
    pub fn renew_unix(&self, settings: &Settings) -> Result<bool, NotListening> {
        let mut sockets = self.sockets();
        let Sockets { acceptor: Some(acceptor), unix, .. } = &mut *sockets else { return Ok(false) };
        let anew = acceptor.add(open_unix(settings)?, OWN).map_err(NotListening::Thread)?;
        if let Some(lost) = unix.replace(anew) {
            acceptor.remove(lost);
        }
        Ok(true)
    }

    /// Takes over a listener of an endpoint; `false` when the node has it already.
    pub fn pass(&self, what: Passed, fd: OwnedFd) -> bool {
        let mut sockets = self.sockets();
        if sockets.passed.iter().any(|handle| handle.what == what) {
            return false;
        }
        sockets.passed.push(Handle { what, fd, accepting: None });
        self.tell_own_address(&sockets);
        true
    }

    /// Gives the listeners of an endpoint up: when this returns, no further connection comes by it.
    pub fn give_up(&self, endpoint: Endpoint) -> Vec<Passed> {
        let mut sockets = self.sockets();
        let Sockets { acceptor, passed, .. } = &mut *sockets;
        let given_up: Vec<Handle> =
            passed.extract_if(.., |handle| handle.what.endpoint == endpoint).collect();
        for id in given_up.iter().filter_map(|handle| handle.accepting) {
            if let Some(acceptor) = acceptor {
                acceptor.remove(id);
            }
        }
        self.tell_own_address(&sockets);
        given_up.iter().map(|handle| handle.what).collect()
    }

    /// Takes connections by those endpoints that `shown` names, and by no others.
    ///
    /// # Errors
    /// When a listener cannot be accepted from.
    pub fn show(&self, shown: impl Fn(Endpoint) -> bool) -> io::Result<()> {
        let mut sockets = self.sockets();
        let Sockets { acceptor: Some(acceptor), passed, .. } = &mut *sockets else { return Ok(()) };
        for handle in passed {
            match (shown(handle.what.endpoint), handle.accepting) {
                (true, None) => {
                    let listener = Listener::from_fd(handle.fd.try_clone()?);
                    handle.accepting = Some(acceptor.add(listener, number_of(handle.what.endpoint))?);
                }
                (false, Some(id)) => {
                    acceptor.remove(id);
                    handle.accepting = None;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The listeners of endpoints, with second handles of them.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn handles(&self) -> io::Result<(Vec<Passed>, Vec<OwnedFd>)> {
        let sockets = self.sockets();
        let fds = sockets.passed.iter().map(|handle| handle.fd.try_clone()).collect::<io::Result<_>>()?;
        Ok((sockets.passed.iter().map(|handle| handle.what).collect(), fds))
    }

    /// The listeners of endpoints.
    pub fn passed(&self) -> Vec<Passed> {
        self.sockets().passed.iter().map(|handle| handle.what).collect()
    }

    /// Where the node itself is reached, if the agent has said so.
    fn tell_own_address(&self, sockets: &Sockets) {
        let node = sockets.passed.iter().find(|handle| handle.what.endpoint == Endpoint::Node);
        self.own_address.set(node.map(|handle| handle.what.address));
    }

    /// The port of the node: of its endpoint, or its own.
    pub fn port(&self, settings: &Settings) -> u16 {
        self.own_address.get().map_or(settings.port, |address| address.port())
    }

    /// Accepts nothing more.
    pub fn stop(&self) {
        let acceptor = self.sockets().acceptor.take();
        if let Some(acceptor) = acceptor {
            acceptor.stop();
        }
    }
}

/// Starts the thread that deals connections to workers.
fn accept(mailboxes: &Arc<[Mailbox]>, board: &Arc<Board>) -> io::Result<Acceptor> {
    let (mailboxes, board) = (mailboxes.clone(), board.clone());
    let accepted = move |transport: Transport, peer: Peer| {
        mailboxes[board.place()].post(Message::Accepted(transport, peer));
    };
    Acceptor::start(Vec::new(), accepted)
}

fn add(acceptor: &Acceptor, listeners: Vec<Listener>) -> io::Result<Vec<(ListenerId, SocketAddr)>> {
    let added = listeners.into_iter().filter_map(|listener| {
        let address = listener.local_addr()?;
        Some(acceptor.add(listener, OWN).map(|id| (id, address)))
    });
    added.collect()
}

fn open_tcp(settings: &Settings) -> Result<Vec<Listener>, NotListening> {
    let mut listeners = Vec::new();
    if settings.port == 0 {
        return Ok(listeners);
    }
    let unknown = |name: &str, why: &str, kind| NotListening::Address {
        error: ListenError::Other(name.to_owned(), io::Error::new(kind, why)),
        parameter: "bind",
    };
    for address in &settings.bind {
        let text = String::from_utf8_lossy(address);
        let optional = text.starts_with('-');
        let ip = match text.trim_start_matches('-') {
            "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            name => match name.parse().ok().or_else(|| resolve(name)) {
                Some(ip) => ip,
                None => return Err(unknown(name, "no such address", io::ErrorKind::NotFound)),
            },
        };
        match listen_tcp(SocketAddr::new(ip, settings.port), settings.tcp_backlog) {
            Ok(listener) => listeners.push(listener),
            // An address this host does not have is no failure when marked so; a taken port always is.
            Err(ListenError::Other(..)) if optional => {}
            Err(error) => return Err(NotListening::Address { error, parameter: "port" }),
        }
    }
    if listeners.is_empty() && !settings.bind.is_empty() {
        return Err(unknown("any address", "none of them is this host's", io::ErrorKind::AddrNotAvailable));
    }
    Ok(listeners)
}

fn resolve(name: &str) -> Option<IpAddr> {
    use std::net::ToSocketAddrs;
    (name, 0).to_socket_addrs().ok()?.next().map(|address| address.ip())
}
