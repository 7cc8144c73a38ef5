//! The listeners that the agent keeps.
//!
//! A listener belongs to an endpoint, not to a process: nodes get second handles. So a client that connects while the owner changes or
//! restarts waits in the backlog instead of being refused. The reader endpoint is the exception. Each replica has its own
//! socket on the same address, and the kernel distributes connections among these. So the socket of a replica that does not serve must
//! go: it is shut down, which also takes it from a process that hangs.
//!
//! At a start an endpoint is opened before any node has it (`open`), so that its clients wait while nodes load their files. A
//! reader's listener that nobody has yet becomes that of the first node that asks for one.

use fleet::step::{NodeId, StepError};
use rustix::net::Shutdown;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use supervision::{Endpoint, Listening};

/// What redis-server asks for, and several seconds of connects at a failover; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A reader's listener is one node's. The others are nobody's in particular: a role moves, and so does a member's own address
/// when it gets another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    endpoint: Endpoint,
    address: SocketAddr,
    node: Option<NodeId>,
}

impl Key {
    /// Of an endpoint that no node has yet.
    fn unowned(Listening { endpoint, address }: Listening) -> Key {
        Key { endpoint, address, node: None }
    }

    fn new(node: NodeId, Listening { endpoint, address }: Listening) -> Key {
        Key { endpoint, address, node: (endpoint == Endpoint::Reader).then_some(node) }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<HashMap<Key, OwnedFd>>);

impl Listeners {
    /// A handle for the node, of a listener that is opened if it is not there.
    pub(crate) fn obtain(&self, node: NodeId, listening: Listening) -> Result<OwnedFd, StepError> {
        let mut listeners = self.lock();
        let key = Key::new(node, listening);
        if !listeners.contains_key(&key)
            && let Some(unowned) = listeners.remove(&Key::unowned(listening))
        {
            listeners.insert(key, unowned);
        }
        let kept = match listeners.get(&key) {
            Some(kept) => kept.try_clone(),
            None => open(listening).and_then(|opened| {
                let handle = opened.try_clone()?;
                listeners.insert(key, opened);
                Ok(handle)
            }),
        };
        kept.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => StepError::AddressInUse(listening.address),
            _ => StepError::Failed(format!(
                "cannot listen on {}: {}",
                listening.address,
                files::words_of(&error)
            )),
        })
    }

    /// Opens an endpoint before a node has it, unless somebody listens there.
    pub(crate) fn open(&self, listening: Listening) -> io::Result<()> {
        let mut listeners = self.lock();
        let is_it = |key: &Key| key.endpoint == listening.endpoint && key.address == listening.address;
        if listeners.keys().any(is_it) {
            return Ok(());
        }
        // A reader's listener could be opened beside that of a node which lives on, and would take clients from it.
        let opened = bind(listening.address, false).and_then(|probe| {
            drop(probe);
            open(listening)
        });
        match opened {
            Ok(opened) => drop(listeners.insert(Key::unowned(listening), opened)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    pub(crate) fn has(&self, node: NodeId, listening: Listening) -> bool {
        self.lock().contains_key(&Key::new(node, listening))
    }

    /// Keeps what a node has handed back.
    pub(crate) fn keep(&self, node: NodeId, listening: Listening, handle: OwnedFd) {
        self.lock().entry(Key::new(node, listening)).or_insert(handle);
    }

    /// Closes the readers' listeners of a node. True if there was one.
    pub(crate) fn withdraw_reader(&self, node: NodeId) -> bool {
        self.close_where(|key| key.node == Some(node) && key.endpoint == Endpoint::Reader)
    }

    /// Closes an endpoint.
    pub(crate) fn close(&self, endpoint: Endpoint, address: SocketAddr) {
        self.close_where(|key| key.endpoint == endpoint && key.address == address);
    }

    fn close_where(&self, closes: impl Fn(&Key) -> bool) -> bool {
        let mut listeners = self.lock();
        let before = listeners.len();
        listeners.retain(|key, listener| {
            if closes(key) {
                // Listening ends for all handles of the socket, whoever has them.
                let _ = rustix::net::shutdown(listener.as_fd(), Shutdown::Both);
            }
            !closes(key)
        });
        listeners.len() < before
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, OwnedFd>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(listening: Listening) -> io::Result<OwnedFd> {
    let socket = bind(listening.address, listening.endpoint == Endpoint::Reader)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bind(address: SocketAddr, shares: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shares {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    /// An address that nobody else listens on at this moment.
    fn free() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    #[test]
    fn connects_wait_for_an_owner_until_the_endpoint_is_closed() {
        let listeners = Listeners::default();
        let primary = Listening { endpoint: Endpoint::Primary, address: free() };
        let first = listeners.obtain(NodeId(1), primary).unwrap();
        drop(first);
        let client = TcpStream::connect(primary.address).unwrap();
        let second = TcpListener::from(listeners.obtain(NodeId(2), primary).unwrap());
        assert_eq!(second.accept().unwrap().1, client.local_addr().unwrap());
        listeners.withdraw_reader(NodeId(1));
        listeners.withdraw_reader(NodeId(2));
        TcpStream::connect(primary.address).unwrap();
        listeners.close(Endpoint::Primary, primary.address);
        assert_eq!(TcpStream::connect(primary.address).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    fn readers_share_an_address_and_a_withdrawn_one_gets_no_client() {
        let listeners = Listeners::default();
        let reader = Listening { endpoint: Endpoint::Reader, address: free() };
        let hung = listeners.obtain(NodeId(1), reader).unwrap();
        let other = TcpListener::from(listeners.obtain(NodeId(2), reader).unwrap());
        assert!(listeners.withdraw_reader(NodeId(1)));
        assert!(!listeners.withdraw_reader(NodeId(1)));
        for _ in 0..32 {
            let client = TcpStream::connect(reader.address).unwrap();
            assert_eq!(other.accept().unwrap().1, client.local_addr().unwrap());
        }
        drop(hung);
    }

    #[test]
    fn who_comes_before_there_is_a_node_waits_for_the_first_one() {
        for endpoint in [Endpoint::Node, Endpoint::Primary, Endpoint::Reader] {
            let listeners = Listeners::default();
            let listening = Listening { endpoint, address: free() };
            listeners.open(listening).unwrap();
            listeners.open(listening).unwrap();
            let client = TcpStream::connect(listening.address).unwrap();
            let first = TcpListener::from(listeners.obtain(NodeId(2), listening).unwrap());
            assert_eq!(first.accept().unwrap().1, client.local_addr().unwrap());
            // Nothing is left that would take clients from readers.
            let second = listeners.obtain(NodeId(1), listening).unwrap();
            drop(second);
            listeners.withdraw_reader(NodeId(1));
            for _ in 0..32 {
                let client = TcpStream::connect(listening.address).unwrap();
                assert_eq!(first.accept().unwrap().1, client.local_addr().unwrap());
            }
        }
    }

    #[test]
    fn an_endpoint_of_a_node_that_lives_on_is_left_to_it() {
        for endpoint in [Endpoint::Node, Endpoint::Primary, Endpoint::Reader] {
            let listening = Listening { endpoint, address: free() };
            let node = TcpListener::from(open(listening).unwrap());
            let listeners = Listeners::default();
            listeners.open(listening).unwrap();
            assert!(listeners.lock().is_empty());
            for _ in 0..32 {
                let client = TcpStream::connect(listening.address).unwrap();
                assert_eq!(node.accept().unwrap().1, client.local_addr().unwrap());
            }
        }
    }

    #[test]
    fn an_address_of_somebody_else_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        for endpoint in [Endpoint::Node, Endpoint::Primary, Endpoint::Reader] {
            let error = Listeners::default().obtain(NodeId(1), Listening { endpoint, address }).unwrap_err();
            assert_eq!(error, StepError::AddressInUse(address));
        }
    }
}
