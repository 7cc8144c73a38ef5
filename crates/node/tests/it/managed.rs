//! Nodes whose roles an agent decides: this test is the agent, over their private sockets, with listeners of its own.

mod endpoints;

use crate::ask;
use config::{Config, NoDirectives};
use conformance::connection::Connection;
use conformance::reply::Reply as Answer;
use node::{Node, Options, StartError};
use profile::Profile;
use std::fs::Permissions;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use supervision::{
    Connection as Private, Endpoint, Link, Listening, Position, Refusal, Reply, Request, Role,
};
use supervision::{Status, Upstream};

/// Longer than anything here takes on a loaded machine; reached only by a test that fails.
const LONG: Duration = Duration::from_secs(30);

struct Managed {
    node: Node,
    dir: PathBuf,
    agent: Private,
    watch: Private,
    address: SocketAddr,
    keeps_dir: bool,
}

fn options(dir: &Path, more: &str) -> Options {
    let at = dir.display();
    let text = format!(
        "port 0\nsave \"\"\ndir {at}\nunixsocket {at}/s\nprivate-socket {at}/private\nlogfile log\nworkers 2\ngather-connections no\n\
         repl-diskless-sync-delay 0\nenable-debug-command yes\nmanaged-node node\n{more}"
    );
    let config =
        Config::load(Profile::Redis70, text.as_bytes(), &mut NoDirectives).expect("a valid configuration");
    Options { config, config_file: None, executable: PathBuf::new() }
}

fn new_dir() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("managed-it-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    dir
}

fn private(dir: &Path) -> Private {
    let private = Private::new(UnixStream::connect(dir.join("private")).expect("the node listens"));
    private.set_timeout(Some(LONG)).expect("a timeout");
    private
}

impl Managed {
    /// A node without a role, with a listener of its own.
    fn start() -> Managed {
        Managed::start_in(new_dir())
    }

    fn start_in(dir: PathBuf) -> Managed {
        let node = Node::start(options(&dir, "")).expect("the node starts");
        let (agent, watch) = (private(&dir), private(&dir));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut managed = Managed { node, dir, agent, watch, address, keeps_dir: false };
        managed.listen(Endpoint::Node, &listener);
        managed
    }

    /// The same node, started again after its end.
    fn again(mut self) -> Managed {
        self.keeps_dir = true;
        let dir = self.dir.clone();
        drop(self);
        Managed::start_in(dir)
    }

    fn primary() -> Managed {
        let mut node = Managed::start();
        node.is(1, Role::Primary);
        node
    }

    /// A replica that is in sync.
    fn replica_of(primary: &Managed, epoch: u64) -> Managed {
        let mut node = Managed::start();
        node.follow(epoch, primary);
        node.until(|status| status.link == Link::Up);
        node
    }

    fn ask(&mut self, request: &Request) -> Reply {
        self.agent.send(request, &[]).expect("sent");
        self.agent.receive::<Reply>().expect("a reply").0
    }

    fn is(&mut self, epoch: u64, role: Role) {
        assert_eq!(self.ask(&Request::Assign { epoch, role, at: None }), Reply::Done);
    }

    fn follow(&mut self, epoch: u64, primary: &Managed) {
        self.is(epoch, Role::Replica(primary.upstream()));
    }

    fn upstream(&self) -> Upstream {
        Upstream { node: "other".into(), socket: self.dir.join("s"), address: self.address }
    }

    fn position(&mut self, request: &Request) -> Position {
        match self.ask(request) {
            Reply::Position(position) => position,
            other => panic!("{request:?}: {other:?}"),
        }
    }

    fn listen(&mut self, endpoint: Endpoint, listener: &TcpListener) {
        let address = listener.local_addr().expect("an address");
        self.agent.send(&Request::Listen { endpoint, address }, &[listener.as_fd()]).expect("sent");
        assert_eq!(self.agent.receive::<Reply>().expect("a reply").0, Reply::Done);
    }

    fn status(&mut self) -> Status {
        self.watch.send(&Request::Status, &[]).expect("sent");
        match self.watch.receive::<Reply>().expect("a reply").0 {
            Reply::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn until(&mut self, is_so: impl Fn(&Status) -> bool) -> Status {
        let began = Instant::now();
        loop {
            let status = self.status();
            if is_so(&status) {
                return status;
            }
            assert!(began.elapsed() < LONG, "{status:?}");
            thread::yield_now();
        }
    }

    /// Over the trusted socket.
    fn trusted(&self) -> Connection {
        Connection::unix(&self.dir.join("s")).expect("the node listens")
    }

    fn field(&self, section: &str, name: &str) -> String {
        let info = ask(&mut self.trusted(), &format!("INFO {section}")).to_text();
        let value =
            info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::to_owned);
        value.unwrap_or_else(|| panic!("INFO {section} has no {name}"))
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        if self.keeps_dir {
            return;
        }
        self.node.end();
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

#[track_caller]
fn expect(connection: &mut Connection, line: &str, reply: &str) {
    let answer = ask(connection, line);
    let text = answer.text().map_or_else(|| answer.to_string(), |_| answer.to_text());
    assert_eq!(text, reply, "{line}");
}

/// The connection is closed without another reply.
#[track_caller]
fn expect_end(connection: &mut Connection) {
    let received = connection.receive();
    assert!(received.is_err(), "{received:?}");
}

/// Waits until somebody listens on a socket.
#[track_caller]
fn expect_listener(socket: &Path) {
    let until = Instant::now() + LONG;
    while UnixStream::connect(socket).is_err() {
        assert!(Instant::now() < until, "{} is still lost", socket.display());
        thread::yield_now();
    }
}

#[test]
fn sockets_that_are_lost_are_listened_on_anew() {
    let mut node = Managed::primary();
    let (private_socket, data_socket) = (node.dir.join("private"), node.dir.join("s"));
    // Nobody else may write where they are.
    std::fs::set_permissions(&node.dir, Permissions::from_mode(0o700)).expect("ours");
    std::fs::remove_file(&private_socket).expect("it was there");
    std::fs::remove_file(&data_socket).expect("it was there");
    expect_listener(&private_socket);
    expect_listener(&data_socket);
    assert_eq!(node.ask(&Request::ResumeWrites { epoch: 1 }), Reply::Done, "who is connected stays so");
    node.agent = private(&node.dir);
    assert_eq!(node.ask(&Request::ResumeWrites { epoch: 1 }), Reply::Done);
    // A replica finds its primary by the other one.
    let mut replica = Managed::replica_of(&node, 1);
    // What somebody else puts there is left alone.
    let other = UnixListener::bind(node.dir.join("other")).expect("the place is empty");
    std::fs::rename(node.dir.join("other"), &private_socket).expect("in the same directory");
    std::fs::remove_file(&data_socket).expect("it was there");
    expect_listener(&data_socket);
    let _found = UnixStream::connect(&private_socket).expect("the other one listens");
    other.set_nonblocking(true).expect("set");
    other.accept().expect("it is still the other one's");
    replica.until(|status| status.link == Link::Up);
}

#[test]
fn a_directory_is_one_node_s() {
    let mut node = Managed::start();
    let second = Node::start(options(&node.dir, "")).expect_err("the directory is taken");
    assert!(matches!(second, StartError::Taken(_)));
    assert!(second.to_string().contains("another process is the node of"), "{second}");
    assert_eq!(node.status().role, Role::Unassigned);
    for (more, word) in [("private-socket \"\"\n", "private-socket"), ("save 1 1\n", "save")] {
        let dir = new_dir();
        let refused = Node::start(options(&dir, more)).expect_err("it cannot be managed so");
        assert!(refused.to_string().contains(word), "{refused}");
        drop(std::fs::remove_dir_all(&dir));
    }
}

#[test]
fn without_a_role_a_node_takes_no_writes_and_lets_nobody_follow() {
    let mut node = Managed::start();
    let status = node.status();
    assert_eq!((status.epoch, status.holds_data, status.loading), (0, false, false));
    assert_eq!((status.node.as_str(), status.pid, status.workers.len()), ("node", std::process::id(), 2));
    let mut client = node.trusted();
    expect(&mut client, "SET a 1", "READONLY You can't write against a read only replica.");
    expect(&mut client, "PSYNC ? -1", "NOMASTERLINK Can't SYNC while not connected with my master");
    for role in [Role::Unassigned, Role::Drained] {
        assert!(matches!(
            node.ask(&Request::Assign { epoch: 1, role, at: None }),
            Reply::Refused(Refusal::Invalid(_))
        ));
    }
    assert!(matches!(node.ask(&Request::Drain { epoch: 1 }), Reply::Refused(Refusal::WrongRole(_))));
    let pause = Request::PauseWrites { epoch: 1, for_ms: 1000 };
    assert!(matches!(node.ask(&pause), Reply::Refused(Refusal::WrongRole(_))));
    assert_eq!(node.status().epoch, 0);
    node.is(4, Role::Primary);
    expect(&mut client, "SET a 1", "OK");
    assert!(node.status().holds_data);
}

#[test]
fn old_epochs_are_refused_and_repeated_ones_harmless() {
    let mut primary = Managed::primary();
    let mut replica = Managed::replica_of(&primary, 3);
    let old = Reply::Refused(Refusal::OldEpoch { seen: 3 });
    let upstream = primary.upstream();
    assert_eq!(replica.ask(&Request::Assign { epoch: 2, role: Role::Primary, at: None }), old);
    assert_eq!(replica.ask(&Request::Drain { epoch: 2 }), old);
    let status = replica.status();
    assert_eq!((status.epoch, status.link, status.role), (3, Link::Up, Role::Replica(upstream.clone())));
    // The same again keeps the link.
    replica.is(3, Role::Replica(upstream));
    assert_eq!(replica.status().link, Link::Up);
    assert_eq!(primary.field("stats", "sync_full"), "1");
    primary.is(5, Role::Primary);
    let pause = |epoch| Request::PauseWrites { epoch, for_ms: 60_000 };
    assert_eq!(primary.ask(&pause(4)), Reply::Refused(Refusal::OldEpoch { seen: 5 }));
    assert_eq!(
        primary.ask(&Request::ResumeWrites { epoch: 4 }),
        Reply::Refused(Refusal::OldEpoch { seen: 5 })
    );
    primary.position(&pause(5));
    assert!(primary.status().writes_paused);
    assert_eq!(primary.ask(&Request::ResumeWrites { epoch: 5 }), Reply::Done);
    assert!(!primary.status().writes_paused);
}

#[test]
fn a_replica_follows_by_the_socket_and_shows_the_addresses() {
    let primary = Managed::primary();
    let replica = Managed::replica_of(&primary, 1);
    assert_eq!(replica.field("replication", "master_host"), "127.0.0.1");
    assert_eq!(replica.field("replication", "master_port"), primary.address.port().to_string());
    assert_eq!(replica.field("server", "tcp_port"), replica.address.port().to_string());
    let (ip, port) = ("127.0.0.1", replica.address.port());
    let slave = primary.field("replication", "slave0");
    assert!(slave.starts_with(&format!("ip={ip},port={port},state=online")), "{slave}");
    let role = ask(&mut replica.trusted(), "ROLE").to_string();
    assert!(role.contains(&primary.address.port().to_string()) && role.contains("connected"), "{role}");
}

/// A planned handover under load: the steps that the agent takes, in its order.
#[test]
fn a_handover_under_load_loses_nothing_that_was_acknowledged() {
    let (mut old, mut first) = {
        let old = Managed::primary();
        let first = Managed::replica_of(&old, 1);
        (old, first)
    };
    let mut sibling = Managed::replica_of(&old, 1);
    let (shared, port) = listener();
    old.listen(Endpoint::Primary, &shared);
    let stop = AtomicBool::new(false);
    let handed_over = AtomicU32::new(0);
    let writer = |number: usize| {
        let (mut acknowledged, mut n) = (0, 0);
        while !stop.load(Ordering::Relaxed) {
            // Who is cut off connects anew; where nobody takes the connection it waits in the backlog.
            let Ok(mut client) = Connection::tcp(port) else { continue };
            let key = format!("writer:{number}");
            loop {
                n += 1;
                if !matches!(client.call(&["SET", &key, &n.to_string()]), Ok(Answer::Simple(_))) {
                    break;
                }
                acknowledged = n;
                handed_over.fetch_add(1, Ordering::Relaxed);
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
        (acknowledged, n)
    };
    let some_writes = || {
        let (began, before) = (Instant::now(), handed_over.load(Ordering::Relaxed));
        while handed_over.load(Ordering::Relaxed) < before + 500 {
            assert!(began.elapsed() < LONG);
            thread::yield_now();
        }
    };
    let writer = &writer;
    let results: Vec<(u64, u64)> = thread::scope(|scope| {
        let writers: Vec<_> = (0..4).map(|number| scope.spawn(move || writer(number))).collect();
        some_writes();
        assert_eq!(old.field("replication", "master_failover_state"), "no-failover");
        let position = old.position(&Request::PauseWrites { epoch: 2, for_ms: 60_000 });
        assert_eq!(old.field("replication", "master_failover_state"), "waiting-for-sync");
        let reached = first.position(&Request::AwaitPosition { position: position.clone(), for_ms: 30_000 });
        assert_eq!(reached, position);
        let (upstream, new_upstream) = (first.upstream(), first.upstream());
        old.is(2, Role::Replica(upstream));
        first.is(2, Role::Primary);
        first.listen(Endpoint::Primary, &shared);
        assert_eq!(old.ask(&Request::Unlisten { endpoint: Endpoint::Primary }), Reply::Done);
        sibling.is(2, Role::Replica(new_upstream));
        some_writes();
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    });
    let mut client = first.trusted();
    for (number, (acknowledged, tried)) in results.into_iter().enumerate() {
        let kept: u64 =
            ask(&mut client, &format!("GET writer:{number}")).to_text().parse().expect("a number");
        assert!((acknowledged..=tried).contains(&kept), "{kept} is kept, {acknowledged} was acknowledged");
    }
    old.until(|status| status.link == Link::Up);
    sibling.until(|status| status.link == Link::Up);
    // Both went on where they were.
    assert_eq!(first.field("stats", "sync_full"), "0");
    // A link that broke on a busy machine was continued once more.
    let continued: u64 = first.field("stats", "sync_partial_ok").parse().expect("a number");
    assert!(continued >= 2, "{continued}");
    expect(&mut client, "SET last 1", "OK");
    let position = first.status().position;
    for node in [&mut old, &mut sibling] {
        node.position(&Request::AwaitPosition { position: position.clone(), for_ms: 30_000 });
    }
    let digest = ask(&mut client, "DEBUG DIGEST");
    for node in [&old, &sibling] {
        assert_eq!(ask(&mut node.trusted(), "DEBUG DIGEST"), digest);
    }
}

#[test]
fn a_primary_that_has_gone_on_since_its_pause_stays_primary() {
    let mut primary = Managed::primary();
    let mut replica = Managed::replica_of(&primary, 1);
    let pause = Request::PauseWrites { epoch: 2, for_ms: 60_000 };
    let at = primary.position(&pause);
    assert_eq!(primary.ask(&Request::ResumeWrites { epoch: 2 }), Reply::Done);
    expect(&mut primary.trusted(), "SET a 1", "OK");
    let upstream = replica.upstream();
    let demote = |at| Request::Assign { epoch: 2, role: Role::Replica(upstream.clone()), at };
    let Reply::Refused(Refusal::Moved(here)) = primary.ask(&demote(Some(at.clone()))) else { panic!() };
    assert_eq!(here.history, at.history);
    assert!(here.offset > at.offset);
    assert_eq!(primary.status().role, Role::Primary);
    let at = primary.position(&pause);
    replica.position(&Request::AwaitPosition { position: at.clone(), for_ms: 30_000 });
    assert_eq!(primary.ask(&demote(Some(at))), Reply::Done);
    replica.is(2, Role::Primary);
    primary.until(|status| status.link == Link::Up);
    expect(&mut replica.trusted(), "GET a", "1");
}

#[test]
fn paused_writes_wait_and_run_when_the_pause_ends() {
    let mut node = Managed::primary();
    let mut popping = node.trusted();
    popping.send(&["BLPOP", "list", "0"]).expect("sent");
    node.until(|_| true);
    let mut clients: Vec<Connection> = (0..4).map(|_| node.trusted()).collect();
    let position = node.position(&Request::PauseWrites { epoch: 1, for_ms: 60_000 });
    clients[0].send(&["SET", "a", "1"]).expect("sent");
    clients[1].send(&["RPUSH", "list", "x"]).expect("sent");
    clients[2].send_raw(b"MULTI\r\nINCR a\r\nEXEC\r\n").expect("sent");
    clients[3].send(&["FLUSHALL"]).expect("sent");
    // Reads go on, and see that nothing was written.
    let mut reader = node.trusted();
    expect(&mut reader, "EXISTS a list", "(integer) 0");
    // No client ends it.
    expect(&mut reader, "CLIENT UNPAUSE", "OK");
    expect(&mut reader, "EXISTS a list", "(integer) 0");
    assert_eq!(node.status().position, position);
    assert_eq!(node.ask(&Request::ResumeWrites { epoch: 1 }), Reply::Done);
    for client in &mut clients {
        assert!(!client.receive().expect("a reply").is_error());
    }
    assert!(!popping.receive().expect("a reply").is_error());
}

#[test]
fn a_pause_ends_by_itself() {
    let mut node = Managed::primary();
    node.position(&Request::PauseWrites { epoch: 1, for_ms: 300 });
    expect(&mut node.trusted(), "SET a 1", "OK");
    assert!(!node.status().writes_paused);
}

#[test]
fn clients_that_wait_get_no_reply_when_the_role_goes() {
    let (mut node, other) = (Managed::primary(), Managed::primary());
    let (shared, port) = listener();
    node.listen(Endpoint::Primary, &shared);
    let connect = |port| Connection::tcp(port).expect("the node listens");
    let (mut paused, mut blocked, mut idle) = (connect(port), connect(port), connect(port));
    expect(&mut idle, "SET a 1", "OK");
    expect(&mut paused, "PING", "PONG");
    blocked.send(&["BLPOP", "list", "0"]).expect("sent");
    let mut own = connect(node.address.port());
    expect(&mut own, "PING", "PONG");
    node.position(&Request::PauseWrites { epoch: 2, for_ms: 60_000 });
    paused.send(&["SET", "a", "2"]).expect("sent");
    node.follow(2, &other);
    expect_end(&mut paused);
    expect_end(&mut idle);
    expect_end(&mut blocked);
    // Whoever means the node itself stays.
    expect(&mut own, "SET a 3", "READONLY You can't write against a read only replica.");
}

#[test]
fn listeners_pass_from_node_to_node_while_clients_wait() {
    let (mut first, mut second) = (Managed::primary(), Managed::start());
    let (shared, port) = listener();
    first.listen(Endpoint::Primary, &shared);
    first.listen(Endpoint::Primary, &shared);
    let mut client = Connection::tcp(port).expect("the first listens");
    expect(&mut client, "SET who first", "OK");
    first.agent.send(&Request::Listeners, &[]).expect("sent");
    let (reply, descriptors) = first.agent.receive::<Reply>().expect("a reply");
    let Reply::Listeners(listeners) = reply else { panic!("{reply:?}") };
    let place = |endpoint| listeners.iter().position(|listening| listening.endpoint == endpoint);
    assert_eq!((listeners.len(), descriptors.len()), (2, 2));
    let passed = &descriptors[place(Endpoint::Primary).expect("it is listed")];

    assert_eq!(first.ask(&Request::Unlisten { endpoint: Endpoint::Primary }), Reply::Done);
    expect_end(&mut client);
    drop(shared);
    // Nobody takes it, and it is not refused.
    let mut waiting = Connection::tcp(port).expect("it waits in the backlog");
    waiting.send(&["SET", "who", "second"]).expect("sent");
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    second
        .agent
        .send(&Request::Listen { endpoint: Endpoint::Primary, address }, &[passed.as_fd()])
        .expect("sent");
    assert_eq!(second.agent.receive::<Reply>().expect("a reply").0, Reply::Done);
    let listed = second.status().listening;
    assert!(listed.contains(&Listening { endpoint: Endpoint::Primary, address }));
    // It serves nobody before it has the role.
    second.is(1, Role::Primary);
    assert_eq!(waiting.receive().expect("a reply").to_text(), "OK");
    expect(&mut waiting, "GET who", "second");
    let without = Request::Listen { endpoint: Endpoint::Reader, address };
    assert!(matches!(second.ask(&without), Reply::Refused(Refusal::Invalid(_))));
}

/// A primary that this test plays, up to a hung or a broken link.
struct Puppet {
    socket: PathBuf,
    listener: UnixListener,
    upstream: Upstream,
}

impl Puppet {
    fn new(dir: &Path) -> Puppet {
        let socket = dir.join("puppet");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        Puppet {
            upstream: Upstream { node: "puppet".into(), socket: socket.clone(), address },
            socket,
            listener,
        }
    }

    /// Takes a replica up to the answer to its PSYNC.
    fn answer_psync(&self, answer: &[u8]) -> UnixStream {
        use std::io::{Read, Write};
        let (mut stream, _) = self.listener.accept().expect("a replica");
        let mut heard = Vec::new();
        let mut said = 0;
        loop {
            let mut buffer = [0; 1024];
            let read = stream.read(&mut buffer).expect("the handshake");
            assert!(read > 0, "the replica went: {}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&heard).into_owned();
            let commands = text.matches("REPLCONF").count() + usize::from(text.contains("PING"));
            for _ in said..commands {
                stream.write_all(b"+OK\r\n").expect("sent");
            }
            said = commands;
            if text.contains("PSYNC") {
                stream.write_all(answer).expect("sent");
                return stream;
            }
        }
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.socket));
    }
}

#[test]
fn a_drain_applies_what_has_arrived_from_a_dead_and_from_a_hung_primary() {
    use std::io::Write;
    let mut replica = Managed::start();
    for (round, is_dead) in [true, false].into_iter().enumerate() {
        let epoch = round as u64 * 2 + 1;
        let source = Managed::primary();
        let puppet = Puppet::new(&source.dir);
        // A real primary gives the replica its data and history; the puppet goes on with it.
        replica.follow(epoch, &source);
        replica.until(|status| status.link == Link::Up);
        let at = replica.position(&Request::Drain { epoch });
        assert_eq!(replica.status().role, Role::Drained);
        assert_eq!(replica.position(&Request::Drain { epoch }), at);
        replica.is(epoch, Role::Replica(puppet.upstream.clone()));
        let mut stream = puppet.answer_psync(b"+CONTINUE\r\n");
        replica.until(|status| status.link == Link::Up);
        let mut bytes = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n".to_vec();
        for n in 0..2000 {
            let n = format!("{n:08}");
            bytes.extend(format!("*3\r\n$3\r\nSET\r\n$8\r\n{n}\r\n$8\r\n{n}\r\n").into_bytes());
        }
        // The beginning of a command whose end never comes.
        stream.write_all(&bytes).expect("sent");
        stream.write_all(b"*3\r\n$3\r\nSET\r\n$4\r\nhalf").expect("sent");
        let mut _kept = None;
        if is_dead {
            drop(stream);
            drop(puppet);
        } else {
            _kept = Some((stream, puppet));
        }
        let drained = replica.position(&Request::Drain { epoch: epoch + 1 });
        assert_eq!(drained.offset, at.offset + bytes.len() as u64, "dead {is_dead}");
        assert_eq!(drained.history, at.history);
        let status = replica.status();
        assert_eq!((status.keys, status.link, status.holds_data), (2000, Link::Down, true));
        expect(&mut replica.trusted(), "SET a 1", "READONLY You can't write against a read only replica.");
        expect(&mut replica.trusted(), "EXISTS half", "(integer) 0");
    }
    replica.is(9, Role::Primary);
    expect(&mut replica.trusted(), "SET a 1", "OK");
}

#[test]
fn a_drain_in_a_full_synchronisation_leaves_no_data() {
    let mut replica = Managed::start();
    let puppet = Puppet::new(&replica.dir);
    replica.is(1, Role::Replica(puppet.upstream.clone()));
    let history = "0123456789012345678901234567890123456789";
    let _stream = puppet.answer_psync(format!("+FULLRESYNC {history} 7\r\n$1000000\r\nREDIS0010").as_bytes());
    replica.until(|status| status.link == Link::Syncing);
    replica.position(&Request::Drain { epoch: 2 });
    let status = replica.status();
    assert_eq!(
        (status.role, status.link, status.holds_data, status.loading),
        (Role::Drained, Link::Down, false, false)
    );
}

#[test]
fn a_position_is_awaited() {
    let (mut primary, mut other) = (Managed::primary(), Managed::primary());
    let mut replica = Managed::replica_of(&primary, 1);
    let mut client = primary.trusted();
    expect(&mut client, "SET a 1", "OK");
    let here = primary.status().position;
    let wanted = Position { offset: here.offset + 40, ..here.clone() };
    let soon = Request::AwaitPosition { position: wanted.clone(), for_ms: 1 };
    assert!(matches!(replica.ask(&soon), Reply::Refused(Refusal::NotReached(_))));
    let waiting = Request::AwaitPosition { position: wanted.clone(), for_ms: 30_000 };
    replica.agent.send(&waiting, &[]).expect("sent");
    while primary.status().position.offset < wanted.offset {
        expect(&mut client, "SET a 1", "OK");
    }
    let (reply, _) = replica.agent.receive::<Reply>().expect("a reply");
    assert!(
        matches!(reply, Reply::Position(at) if at.offset >= wanted.offset && at.history == wanted.history)
    );
    assert!(matches!(other.ask(&soon), Reply::Refused(Refusal::WrongRole(_))));
    let strange = Position { history: "0".repeat(40), offset: 0 };
    let strange = Request::AwaitPosition { position: strange, for_ms: 1 };
    assert!(matches!(replica.ask(&strange), Reply::Refused(Refusal::NotReached(_))));
}

#[test]
fn the_status_comes_while_commands_and_the_world_are_busy() {
    let mut node = Managed::primary();
    let mut sleeping = node.trusted();
    sleeping.send(&["DEBUG", "SLEEP", "3"]).expect("sent");
    let status = node.until(|status| status.workers.iter().any(|worker| worker.running.is_some()));
    let running: Vec<_> = status.workers.iter().filter_map(|worker| worker.running.as_deref()).collect();
    assert_eq!(running, ["debug"]);
    // What needs the world waits for the sleeper, if that is inside; the status does not.
    let asked = thread::scope(|scope| {
        let mut watch = private(&node.dir);
        let Managed { agent, .. } = &mut node;
        let pausing = scope.spawn(|| {
            agent.send(&Request::PauseWrites { epoch: 2, for_ms: 60_000 }, &[]).expect("sent");
            agent.receive::<Reply>().expect("a reply").0
        });
        watch.send(&Request::Status, &[]).expect("sent");
        assert!(matches!(watch.receive::<Reply>().expect("a reply").0, Reply::Status(_)));
        pausing.join().expect("an answer")
    });
    assert!(matches!(asked, Reply::Position(_)), "{asked:?}");
    assert!(!sleeping.receive().expect("a reply").is_error());
    node.until(|status| status.workers.iter().all(|worker| worker.running.is_none()));
}

/// Asks for the end while the node's owner waits for that, and ends the node.
fn shut_down(node: &mut Managed, save: bool) {
    thread::scope(|scope| {
        let Managed { agent, node, .. } = &mut *node;
        scope.spawn(|| node.wait());
        agent.send(&Request::Shutdown { save }, &[]).expect("sent");
        assert_eq!(agent.receive::<Reply>().expect("a reply").0, Reply::Done);
    });
    node.node.end();
}

#[test]
fn a_node_that_cannot_save_says_so_and_goes_on() {
    let mut node = Managed::primary();
    expect(&mut node.trusted(), "SET a 1", "OK");
    let file = node.dir.join("dump.rdb");
    std::fs::create_dir(&file).expect("a directory in place of the file");
    let mut trusted = node.trusted();
    thread::scope(|scope| {
        let Managed { agent, node, .. } = &mut node;
        scope.spawn(|| node.wait());
        for value in ["2", "3"] {
            agent.send(&Request::Shutdown { save: true }, &[]).expect("sent");
            let reply = agent.receive::<Reply>().expect("a reply").0;
            assert!(
                matches!(&reply, Reply::Refused(Refusal::Unsaved(why)) if why.contains("directory")),
                "{reply:?}"
            );
            expect(&mut trusted, &format!("SET a {value}"), "OK");
        }
        std::fs::remove_dir(&file).expect("it is empty");
        agent.send(&Request::Shutdown { save: true }, &[]).expect("sent");
        assert_eq!(agent.receive::<Reply>().expect("a reply").0, Reply::Done);
        assert!(file.is_file(), "the data is there before the reply");
    });
    node.node.end();
    let mut node = node.again();
    node.is(1, Role::Primary);
    expect(&mut node.trusted(), "GET a", "3");
}

#[test]
fn a_clean_end_keeps_the_data_and_any_other_loses_it() {
    let file = |dir: &Path| dir.join("dump.rdb").exists();
    let mut node = Managed::primary();
    expect(&mut node.trusted(), "SET a 1", "OK");
    shut_down(&mut node, true);
    assert!(file(&node.dir));
    let mut node = node.again();
    assert!(!file(&node.dir), "what may be old must not come back");
    let status = node.status();
    assert_eq!((status.role, status.holds_data, status.keys), (Role::Unassigned, true, 1));
    // Nothing has changed since, and it is kept all the same.
    shut_down(&mut node, true);
    assert!(file(&node.dir));
    let mut node = node.again();
    node.is(1, Role::Primary);
    expect(&mut node.trusted(), "GET a", "1");
    shut_down(&mut node, false);
    assert!(!file(&node.dir));
}

#[test]
fn parameters_are_set_all_or_none() {
    let mut node = Managed::primary();
    let set = |pairs: &[(&str, &str)]| Request::Configure {
        parameters: pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        at_once: None,
    };
    assert_eq!(node.ask(&set(&[("maxmemory", "64mb"), ("maxmemory-policy", "allkeys-lru")])), Reply::Done);
    assert_eq!(node.status().maxmemory_bytes, 64 << 20);
    let refused = node.ask(&set(&[("maxmemory", "32mb"), ("managed-node", "x")]));
    assert!(
        matches!(&refused, Reply::Refused(Refusal::Invalid(why)) if why.contains("managed-node")),
        "{refused:?}"
    );
    assert_eq!(node.status().maxmemory_bytes, 64 << 20);
}
