//! Listening and accepting.

use event_loop::{Acceptor, ListenError, Listener, Peer, Transport, address_text, listen_tcp, listen_unix};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn an_acceptor_hands_out_connections_of_all_its_listeners() {
    let path = std::env::temp_dir().join(format!("event-loop-{}.sock", std::process::id()));
    let tcp = listen_tcp(SocketAddr::from(([127, 0, 0, 1], 0)), 16).unwrap();
    let address = tcp.local_addr().unwrap();
    let unix = listen_unix(&path, Some(0o700), 16).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);

    assert!(matches!(listen_tcp(address, 16), Err(ListenError::InUse(_))));

    let (sender, accepted) = mpsc::channel::<(Transport, Peer)>();
    let acceptor =
        Acceptor::start(vec![tcp, unix], move |transport, peer| sender.send((transport, peer)).unwrap())
            .unwrap();

    let client = TcpStream::connect(address).unwrap();
    let (transport, peer) = accepted.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!((peer.listener, peer.address), (0, Some(client.local_addr().unwrap())));
    assert_eq!(peer.address_text(), client.local_addr().unwrap().to_string());
    assert_eq!(peer.local_text(), address.to_string());
    let second = transport.try_clone().unwrap();
    let fd = OwnedFd::from(transport);
    assert!(!socket2::SockRef::from(&fd).keepalive().unwrap());
    second.set_keepalive(Duration::from_secs(300)).unwrap();
    keeps_alive(&fd);
    let server = TcpStream::from(fd);
    assert!(server.nodelay().unwrap());

    let mut client = UnixStream::connect(&path).unwrap();
    let (fd, peer) = accepted.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!((peer.listener, peer.address_text()), (1, format!("{}:0", path.display())));
    UnixStream::from(OwnedFd::from(fd)).write_all(b"hello").unwrap();
    let mut hello = String::new();
    client.read_to_string(&mut hello).unwrap();
    assert_eq!(hello, "hello");

    assert!(matches!(listen_unix(&path, None, 16), Err(ListenError::InUse(_))));
    acceptor.stop();
    assert!(TcpStream::connect(address).is_err());
    // Nobody listens behind the file any more, so the path is free again.
    listen_unix(&path, None, 16).unwrap();
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn addresses_look_as_in_client_list() {
    let text = |address: &str| address_text(Some(address.parse().unwrap()), None);
    assert_eq!(text("127.0.0.1:6379"), "127.0.0.1:6379");
    assert_eq!(text("[::1]:6379"), "[::1]:6379");
}

#[test]
fn listeners_come_and_go_and_a_backlog_outlives_them() {
    let listen = || listen_tcp(SocketAddr::from(([127, 0, 0, 1], 0)), 16).unwrap();
    let (sender, accepted) = mpsc::channel::<(Transport, Peer)>();
    let acceptor =
        Acceptor::start(Vec::new(), move |transport, peer| sender.send((transport, peer)).unwrap()).unwrap();
    let listener = listen();
    let (address, other) = (listener.local_addr().unwrap(), Listener::from_fd(second_handle(&listener)));
    let id = acceptor.add(listener, 7).unwrap();
    let first = TcpStream::connect(address).unwrap();
    let (_fd, peer) = accepted.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!((peer.listener, peer.address), (7, Some(first.local_addr().unwrap())));

    // Taken away, a listener hands out nothing; who connects waits for another handle of it.
    acceptor.remove(id);
    let waiting = TcpStream::connect(address).unwrap();
    let later = listen();
    let later_address = later.local_addr().unwrap();
    acceptor.add(later, 8).unwrap();
    let _client = TcpStream::connect(later_address).unwrap();
    assert_eq!(accepted.recv_timeout(Duration::from_secs(20)).unwrap().1.listener, 8);
    let id = acceptor.add(other, 9).unwrap();
    let (_fd, peer) = accepted.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!((peer.listener, peer.address), (9, Some(waiting.local_addr().unwrap())));

    // The last handle closes the address itself.
    acceptor.remove(id);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_listener_that_was_shut_down_does_not_hold_up_the_others() {
    let listen = || listen_tcp(SocketAddr::from(([127, 0, 0, 1], 0)), 16).unwrap();
    let (dead, alive) = (listen(), listen());
    let (handle, address) = (second_handle(&dead), alive.local_addr().unwrap());
    let (sender, accepted) = mpsc::channel::<(Transport, Peer)>();
    let acceptor =
        Acceptor::start(vec![dead, alive], move |transport, peer| sender.send((transport, peer)).unwrap())
            .unwrap();
    socket2::SockRef::from(&handle).shutdown(std::net::Shutdown::Both).unwrap();
    for _ in 0..100 {
        let client = TcpStream::connect(address).unwrap();
        let (_fd, peer) = accepted.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!((peer.listener, peer.address), (1, Some(client.local_addr().unwrap())));
    }
    acceptor.stop();
}

fn second_handle(listener: &Listener) -> OwnedFd {
    listener.as_fd().try_clone_to_owned().unwrap()
}

/// A peer that is gone is noticed within about twice the time that was asked for.
#[cfg(target_os = "linux")]
fn keeps_alive(fd: &OwnedFd) {
    let socket = socket2::SockRef::from(fd);
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(300));
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(100));
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
}

#[cfg(not(target_os = "linux"))]
fn keeps_alive(fd: &OwnedFd) {
    assert!(socket2::SockRef::from(fd).keepalive().unwrap());
}
