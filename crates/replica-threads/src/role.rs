//! Changes the node's role, in the world: a primary, or a replica of another node.
//!
//! Whoever changes the role owns the world, so the applier is outside the gate, at the end of a command, and all it applied
//! is in the stream. That is what makes a change immediate: the core is told to drain and drained in one step, the
//! history goes on exactly where the data stands, and the applier drops what it had received, because the
//! generation it was received for is over.

use crate::replicas::Replicas;
use crate::replicas::{now_ms, replica_settings};
use config::PrimaryAddress;
use replication::primary::{CloseReason, Upstream};
use replication::replica::{Action, Event, State};
use session::Message;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// Follows a primary; the clients that block are told. With a socket the link goes over that, and the address is what is
/// shown of it.
pub fn follow(replicas: &Replicas, address: &PrimaryAddress, socket: Option<PathBuf>) {
    let replication = &replicas;
    let settings = replicas.settings();
    let now_ms = now_ms(replicas);
    let host = String::from_utf8_lossy(&address.host).into_owned();
    let was_replica = replicas.role.is_replica.swap(true, Ordering::AcqRel);
    replicas.role.link_up.store(false, Ordering::Release);
    let mut link = replication.link();
    let mut fed = replication.primary();
    let mut actions = Vec::new();
    fed.primary.ensure_backlog();
    let offset = fed.primary.offset();
    link.socket = socket;
    // A new primary may know our own past; a replica with a link offers what it was offered.
    let has_link = link.replica.state() != State::None;
    let resume = (!has_link).then(|| (fed.primary.history().id(), offset));
    link.replica.configure(replica_settings(replicas, &settings));
    let mut decided = Vec::new();
    link.replica.step(Event::ReplicaOf { host: &host, port: address.port, resume }, now_ms, &mut decided);
    drain(&mut link, decided, offset, now_ms);
    replicas.stream.switch(false);
    if !was_replica {
        // The stream of a promoted primary begins with its database.
        replication.stream_db.store(0, Ordering::Relaxed);
    }
    fed.primary.set_upstream(Upstream::Down);
    fed.primary.close_all(CloseReason::HistoryChanged, now_ms, &mut actions);
    replication.post(actions);
    replication.generation.fetch_add(1, Ordering::Release);
    replicas.decisions.fetch_add(1, Ordering::Release);
    drop((fed, link));
    replication.applier.wake();
    remember(replicas, Some(address.clone()));
    if !was_replica {
        for mailbox in replicas.mailboxes.iter() {
            mailbox.post(Message::RoleChanged);
        }
    }
}

/// Stops following: the node is a primary whose history goes on from what it has applied.
pub fn promote(replicas: &Replicas) {
    let replication = &replicas;
    if !replicas.role.is_replica.load(Ordering::Acquire) {
        return;
    }
    let now_ms = now_ms(replicas);
    let mut link = replication.link();
    let mut fed = replication.primary();
    let mut actions = Vec::new();
    let mut decided = Vec::new();
    link.replica.step(Event::Promote, now_ms, &mut decided);
    drain(&mut link, decided, fed.primary.offset(), now_ms);
    fed.primary.promote(now_ms, &mut actions);
    replication.post(actions);
    // A node that nobody has followed yet has nothing for a stream to be remembered in.
    replicas.stream.switch(fed.primary.backlog().is_some());
    replicas.role.is_replica.store(false, Ordering::Release);
    // From here on all expired keys are this node's to remove.
    replicas.own_volatile.clear();
    replicas.role.link_up.store(false, Ordering::Release);
    replication.generation.fetch_add(1, Ordering::Release);
    replicas.decisions.fetch_add(1, Ordering::Release);
    drop((fed, link));
    replication.applier.wake();
    remember(replicas, None);
}

/// Begins as nobody's replica: the node takes no writes and lets nobody follow it, until it is told what it is.
pub fn begin_unassigned(replicas: &Replicas) {
    replicas.role.is_replica.store(true, Ordering::Release);
    replicas.primary().primary.set_upstream(Upstream::Down);
}

/// Leaves what the core decided to the applier, except what is done here and now.
fn drain(link: &mut crate::replicas::Link, decided: Vec<Action>, offset: u64, now_ms: u64) {
    let must_drain = decided.contains(&Action::Drain);
    link.actions.extend(decided.into_iter().filter(|action| *action != Action::Drain));
    if must_drain {
        let crate::replicas::Link { replica, actions, .. } = link;
        replica.step(Event::Drained(offset), now_ms, actions);
    }
}

fn remember(replicas: &Replicas, primary: Option<PrimaryAddress>) {
    let mut config = replicas.config();
    config.set_replicaof(primary);
    replicas.publish_settings(&config);
}
