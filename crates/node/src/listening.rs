//! The sockets a node listens on, and changing them while it runs.
//!
//! One acceptor deals connections to the workers in turn. CONFIG SET of `port` or `bind` replaces the TCP listeners: the
//! old ones are closed first, because an address that covers another cannot be listened on beside it, and opened again
//! when the new ones cannot be had. The Unix socket stays the same socket throughout.

use crate::mailbox::{Mailbox, Message};
use crate::start::StartError;
use config::Settings;
use event_loop::{Acceptor, ListenError, Listener, Peer, listen_tcp, listen_unix};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the node listens on now.
#[derive(Debug, Default)]
pub(crate) struct Listening(Mutex<Sockets>);

#[derive(Debug, Default)]
struct Sockets {
    acceptor: Option<Acceptor>,
    addresses: Vec<SocketAddr>,
    /// A second handle of the Unix socket, which outlives a change of the TCP listeners.
    unix: Option<OwnedFd>,
}

/// Listeners that were opened but accept nothing yet.
#[derive(Debug)]
pub(crate) struct Opened {
    tcp: Vec<Listener>,
    unix: Option<Listener>,
}

impl Opened {
    /// The TCP addresses, with the ports that the system chose.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.tcp.iter().filter_map(Listener::local_addr).collect()
    }
}

/// Opens everything that the settings name.
pub(crate) fn open(settings: &Settings) -> Result<Opened, StartError> {
    let tcp = open_tcp(settings)?;
    let unix = if settings.unixsocket.is_empty() {
        None
    } else {
        let path = PathBuf::from(String::from_utf8_lossy(&settings.unixsocket).into_owned());
        let permissions = (settings.unixsocketperm != 0).then_some(settings.unixsocketperm);
        let listener = listen_unix(&path, permissions, settings.tcp_backlog)
            .map_err(|error| StartError::Listen { error, parameter: "unixsocket" })?;
        Some(listener)
    };
    Ok(Opened { tcp, unix })
}

impl Listening {
    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The TCP addresses now.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets().addresses.clone()
    }

    /// Accepts connections from now on.
    pub(crate) fn start(&self, mailboxes: &Arc<[Mailbox]>, opened: Opened) -> io::Result<()> {
        let mut sockets = self.sockets();
        sockets.addresses = opened.addresses();
        let mut listeners = opened.tcp;
        if let Some(unix) = opened.unix {
            sockets.unix = Some(unix.as_fd().try_clone_to_owned()?);
            listeners.push(unix);
        }
        sockets.acceptor = accept(mailboxes, listeners)?;
        Ok(())
    }

    /// Listens on other TCP addresses.
    ///
    /// # Errors
    /// When one cannot be had; the old ones are listened on again then.
    pub(crate) fn change(
        &self,
        mailboxes: &Arc<[Mailbox]>,
        old: &Settings,
        new: &Settings,
    ) -> Result<(), StartError> {
        let mut sockets = self.sockets();
        sockets.acceptor = None;
        let (tcp, outcome) = match open_tcp(new) {
            Ok(tcp) => (tcp, Ok(())),
            Err(error) => (open_tcp(old).unwrap_or_default(), Err(error)),
        };
        sockets.addresses = tcp.iter().filter_map(Listener::local_addr).collect();
        let mut listeners = tcp;
        if let Some(unix) = &sockets.unix {
            listeners.push(Listener::from_fd(unix.try_clone().map_err(StartError::Thread)?));
        }
        sockets.acceptor = accept(mailboxes, listeners).map_err(StartError::Thread)?;
        outcome
    }

    /// Accepts nothing more.
    pub(crate) fn stop(&self) {
        let acceptor = {
            let mut sockets = self.sockets();
            sockets.unix = None;
            sockets.acceptor.take()
        };
        if let Some(acceptor) = acceptor {
            acceptor.stop();
        }
    }
}

/// Starts the thread that deals connections to the workers in turn.
fn accept(mailboxes: &Arc<[Mailbox]>, listeners: Vec<Listener>) -> io::Result<Option<Acceptor>> {
    if listeners.is_empty() {
        return Ok(None);
    }
    let mailboxes = mailboxes.clone();
    let mut next = 0;
    let accepted = move |fd: OwnedFd, peer: Peer| {
        mailboxes[next].post(Message::Accepted(fd, peer));
        next = (next + 1) % mailboxes.len();
    };
    Acceptor::start(listeners, accepted).map(Some)
}

fn open_tcp(settings: &Settings) -> Result<Vec<Listener>, StartError> {
    let mut listeners = Vec::new();
    if settings.port == 0 {
        return Ok(listeners);
    }
    let unknown = |name: &str, why: &str, kind| StartError::Listen {
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
            Err(error) => return Err(StartError::Listen { error, parameter: "port" }),
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
