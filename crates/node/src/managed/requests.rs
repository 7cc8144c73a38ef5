//! What the agent asks of the node beyond its status.
//!
//! Whatever changes the node is done by one connection at a time, and carries an epoch: the highest that was obeyed is
//! remembered, and a lower one is refused. A change of the role happens in the world, so commands see the role before or behind
//! it, and connections that must not outlive it are closed by messages that workers take before they run anything else.
//!
//! A replica leaves its primary by draining: its end of the link takes nothing more in, what has arrived is applied up to its
//! end, and the link is dropped. That ends however the primary is, and is how every change from a replica begins.

use super::Managed;
use super::measuring::measure;
use super::status::{position, status};
use config::{Asker, Loglevel, PrimaryAddress};
use engine::Background;
use engine::lazyfree::LazyFree;
use event_loop::Listener;
use replica_threads::{applier, role};
use server::Server;
use server_commands::change_config;
use session::Message;
use snapshot::Background as Thread;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::{PoisonError, mpsc};
use std::time::{Duration, Instant};
use supervision::{Endpoint, Listening, Position, Refusal, Reply, Request, Role, Upstream};

/// How often one who waits looks whether the node ends.
const LOOK: Duration = Duration::from_millis(100);

/// What goes back to the agent.
pub(super) struct Answer {
    pub(super) reply: Reply,
    pub(super) descriptors: Vec<OwnedFd>,
}

/// Carries a request out.
pub(super) fn answer(
    server: &Server,
    managed: &Managed,
    lazyfree: &LazyFree,
    request: Request,
    descriptors: Vec<OwnedFd>,
) -> Answer {
    let mut passed = Vec::new();
    let outcome = match request {
        Request::Status => Ok(Reply::Status(Box::new(status(server, managed)))),
        Request::AwaitPosition { position, for_ms } => await_position(server, managed, &position, for_ms),
        Request::Listeners => match server.listening.handles() {
            Ok((listening, fds)) => {
                passed = fds;
                Ok(Reply::Listeners(listening))
            }
            Err(error) => Err(Refusal::Invalid(error.to_string())),
        },
        Request::Measure => Ok(measure(server, lazyfree)),
        Request::Shutdown { save } => {
            if save {
                server.persistence.insist();
            } else {
                server.persistence.waive();
            }
            server.end.ask_for_agent().map(|()| Reply::Done).map_err(Refusal::Unsaved)
        }
        changing => {
            let _one_at_a_time = managed.acting.lock().unwrap_or_else(PoisonError::into_inner);
            change(server, managed, changing, descriptors)
        }
    };
    Answer { reply: outcome.unwrap_or_else(Reply::Refused), descriptors: passed }
}

fn change(
    server: &Server,
    managed: &Managed,
    request: Request,
    descriptors: Vec<OwnedFd>,
) -> Result<Reply, Refusal> {
    match request {
        Request::Assign { epoch, role, at } => assign(server, managed, epoch, role, at.as_ref()),
        Request::Drain { epoch } => drain(server, managed, epoch),
        Request::Listen { endpoint, address } => {
            listen(server, managed, Listening { endpoint, address }, descriptors)
        }
        Request::Unlisten { endpoint } => {
            unlisten(server, endpoint);
            Ok(Reply::Done)
        }
        Request::PauseWrites { epoch, for_ms } => pause_writes(server, managed, epoch, for_ms),
        Request::ResumeWrites { epoch } => {
            obey(managed, epoch)?;
            end_pause(server);
            Ok(Reply::Done)
        }
        Request::Configure { parameters, at_once } => {
            configure(server, &parameters)?;
            if let Some(at_once) = at_once {
                managed.note_parameters(at_once);
            }
            Ok(Reply::Done)
        }
        Request::Status
        | Request::Measure
        | Request::AwaitPosition { .. }
        | Request::Listeners
        | Request::Shutdown { .. } => {
            unreachable!("they change nothing, or end it all")
        }
    }
}

/// Refuses an epoch below the highest.
fn not_old(managed: &Managed, epoch: u64) -> Result<(), Refusal> {
    let seen = managed.decided().epoch;
    if epoch < seen { Err(Refusal::OldEpoch { seen }) } else { Ok(()) }
}

/// Refuses an epoch below the highest, and remembers any other.
fn obey(managed: &Managed, epoch: u64) -> Result<(), Refusal> {
    not_old(managed, epoch)?;
    managed.decided().epoch = epoch;
    Ok(())
}

fn in_world<R>(server: &Server, act: impl FnOnce() -> R) -> R {
    // Whoever acts for the agent is this keyspace thread for as long.
    server.parkers[Background::Agent as usize].attach();
    Thread::new(&server.keyspace, server.thread_of(Background::Agent)).with_world(|_| act())
}

fn assign(
    server: &Server,
    managed: &Managed,
    epoch: u64,
    wanted: Role,
    at: Option<&Position>,
) -> Result<Reply, Refusal> {
    not_old(managed, epoch)?;
    if !managed.is_loaded.load(Ordering::Acquire) {
        return Err(Refusal::WrongRole("loading its file".into()));
    }
    if !matches!(wanted, Role::Primary | Role::Replica(_)) {
        return Err(Refusal::Invalid("a node is assigned to be a primary or a replica".into()));
    }
    let present = managed.decided().role.clone();
    if present != wanted {
        if matches!(present, Role::Replica(_)) {
            drain_link(server)?;
            managed.decided().role = Role::Drained;
        }
        match &wanted {
            Role::Replica(upstream) => become_replica(server, managed, epoch, &present, upstream, at)?,
            _ => become_primary(server, managed, epoch),
        }
    }
    managed.decided().epoch = epoch;
    end_pause(server);
    server.replicas.reached.wake();
    show(server, managed)?;
    Ok(Reply::Done)
}

fn become_primary(server: &Server, managed: &Managed, epoch: u64) {
    in_world(server, || {
        role::promote(&server.replicas);
        server.persistence.note_holds_data(true);
        managed.decided().role = Role::Primary;
    });
    server.look();
    server.log(Loglevel::Notice, format_args!("MASTER MODE enabled (assigned, epoch {epoch})"));
}

/// A primary that has gone on since the position at which it was to be followed stays what it is.
fn become_replica(
    server: &Server,
    managed: &Managed,
    epoch: u64,
    present: &Role,
    upstream: &Upstream,
    at: Option<&Position>,
) -> Result<(), Refusal> {
    let (ip, port) = (upstream.address.ip().to_string(), upstream.address.port());
    let address = PrimaryAddress { host: ip.clone().into_bytes(), port };
    in_world(server, || {
        // In the world, so that nothing comes between the look and the role.
        if let Some(at) = at.filter(|_| *present == Role::Primary) {
            let here = position(server);
            if here != *at {
                return Err(Refusal::Moved(here));
            }
        }
        if *present == Role::Unassigned {
            // What it loaded is of no history that the primary knows.
            server.persistence.note_holds_data(false);
        }
        if *present == Role::Primary {
            // Nobody who comes from now on finds the former primary by the primary's endpoint, and nobody stays.
            let shown = server.listening.show(|endpoint| endpoint != Endpoint::Primary);
            if let Err(error) = shown {
                server.log(Loglevel::Warning, format_args!("An endpoint is not listened on: {error}"));
            }
            // First of all, so that they hear nothing of the change.
            close_clients_of(server, Endpoint::Primary);
        }
        role::follow(&server.replicas, &address, Some(upstream.socket.clone()));
        managed.decided().role = Role::Replica(upstream.clone());
        Ok(())
    })?;
    let node = &upstream.node;
    server.log(
        Loglevel::Notice,
        format_args!("REPLICAOF {ip}:{port} enabled (assigned, node {node}, epoch {epoch})"),
    );
    Ok(())
}

/// Takes connections by the endpoints that the role shows. The others' wait in their backlogs.
fn show(server: &Server, managed: &Managed) -> Result<(), Refusal> {
    let role = managed.decided().role.clone();
    let shown = server.listening.show(|endpoint| match role {
        Role::Unassigned => false,
        Role::Primary => true,
        Role::Replica(_) | Role::Drained => endpoint != Endpoint::Primary,
    });
    shown.map_err(|error| Refusal::Invalid(error.to_string()))
}

fn close_clients_of(server: &Server, endpoint: Endpoint) {
    server.mailboxes.iter().for_each(|mailbox| mailbox.post(Message::CloseEndpoint(endpoint)));
}

fn drain(server: &Server, managed: &Managed, epoch: u64) -> Result<Reply, Refusal> {
    not_old(managed, epoch)?;
    let present = managed.decided().role.clone();
    match present {
        Role::Primary => return Err(Refusal::WrongRole("a primary".into())),
        Role::Unassigned => return Err(Refusal::WrongRole("without a role".into())),
        Role::Drained => {}
        Role::Replica(_) => drain_link(server)?,
    }
    obey(managed, epoch)?;
    managed.decided().role = Role::Drained;
    let position = position(server);
    if present != Role::Drained {
        let offset = position.offset;
        server.log(
            Loglevel::Notice,
            format_args!("Link with the primary dropped at offset {offset} (epoch {epoch})"),
        );
    }
    Ok(Reply::Position(position))
}

/// Has the applier apply what has arrived and drop the link.
fn drain_link(server: &Server) -> Result<(), Refusal> {
    let (done, is_done) = mpsc::channel();
    server.replicas.draining.store(true, Ordering::Release);
    server.replicas.applier.post(applier::Message::Drain(done));
    while is_done.recv_timeout(LOOK).is_err() {
        if server.ending.load(Ordering::Acquire) {
            return Err(Refusal::WrongRole("ending".into()));
        }
    }
    Ok(())
}

fn listen(
    server: &Server,
    managed: &Managed,
    what: Listening,
    mut descriptors: Vec<OwnedFd>,
) -> Result<Reply, Refusal> {
    let (Some(fd), true) = (descriptors.pop(), descriptors.is_empty()) else {
        return Err(Refusal::Invalid("a request to listen comes with one listener".into()));
    };
    let listener = Listener::from_fd(fd);
    if listener.local_addr().is_none() {
        return Err(Refusal::Invalid("the descriptor is no TCP listener".into()));
    }
    if server.listening.pass(what, listener.into_fd()) {
        show(server, managed)?;
        let Listening { endpoint, address } = what;
        server.log(Loglevel::Notice, format_args!("Listening at {address} ({})", name_of(endpoint)));
    }
    Ok(Reply::Done)
}

fn unlisten(server: &Server, endpoint: Endpoint) {
    for given_up in server.listening.give_up(endpoint) {
        let address = given_up.address;
        server.log(Loglevel::Notice, format_args!("Listening no more at {address} ({})", name_of(endpoint)));
    }
    close_clients_of(server, endpoint);
}

fn name_of(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Node => "the node's endpoint",
        Endpoint::Primary => "the primary endpoint",
        Endpoint::Reader => "the reader endpoint",
    }
}

fn pause_writes(server: &Server, managed: &Managed, epoch: u64, for_ms: u64) -> Result<Reply, Refusal> {
    not_old(managed, epoch)?;
    if managed.decided().role != Role::Primary {
        return Err(Refusal::WrongRole("not a primary".into()));
    }
    obey(managed, epoch)?;
    server.pauses.begin_handover(Some(Duration::from_millis(for_ms)));
    // Whoever is inside has begun before; whoever enters behind this is admitted anew.
    let position = in_world(server, || {
        server.decisions.fetch_add(1, Ordering::Release);
        position(server)
    });
    if !server.pauses.hands_over() {
        // A long command has used the time up, and others may write again.
        return Err(Refusal::NotReached(position));
    }
    server.stream.notify();
    Ok(Reply::Position(position))
}

fn end_pause(server: &Server) {
    if server.pauses.end_handover() {
        server.look();
    }
}

fn await_position(
    server: &Server,
    managed: &Managed,
    wanted: &Position,
    for_ms: u64,
) -> Result<Reply, Refusal> {
    let deadline = Instant::now() + Duration::from_millis(for_ms);
    loop {
        match managed.decided().role {
            Role::Primary => return Err(Refusal::WrongRole("a primary".into())),
            Role::Unassigned => return Err(Refusal::WrongRole("without a role".into())),
            Role::Replica(_) | Role::Drained => {}
        }
        let here = position(server);
        if here.history == wanted.history && here.offset >= wanted.offset {
            return Ok(Reply::Position(here));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || server.ending.load(Ordering::Acquire) {
            return Err(Refusal::NotReached(here));
        }
        let is_there = here.history == wanted.history;
        server
            .replicas
            .reached
            .wait_for(wanted.offset, left.min(LOOK), || is_there && server.stream.offset() >= wanted.offset);
    }
}

fn configure(server: &Server, parameters: &[(String, String)]) -> Result<(), Refusal> {
    let pairs: Vec<_> = parameters.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let asker = Asker { local: true, loading: server.loading.load(Ordering::Acquire) };
    change_config(server, &pairs, asker).map_err(|error| {
        let text = error.to_string();
        Refusal::Invalid(text.strip_prefix("ERR ").unwrap_or(&text).to_owned())
    })?;
    let names: Vec<&str> = parameters.iter().map(|(name, _)| name.as_str()).collect();
    server.log(Loglevel::Notice, format_args!("Parameters set: {}", names.join(", ")));
    Ok(())
}
