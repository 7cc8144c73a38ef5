//! Delivers messages, published by a command or made of its keyspace events, to the clients that listen.
//!
//! A message for clients of another worker goes to that worker's mailbox; one for clients of this worker waits in
//! `Local::deliveries` until the command is through.

use super::{Local, append};
use crate::engine::Engine;
use keyspace::EventClass;
use resp::Proto;
use session::pubsub::Delivery;
use session::{Client, Message, flag};

/// Where a client of RESP2 is told what another keeps.
const INVALIDATIONS: &[u8] = b"__redis__:invalidate";

/// Publishes keyspace events, in the order in which they happened. Who caused them by a command that it runs is named.
#[inline]
pub(super) fn publish_events(engine: &Engine, local: &mut Local, mut causer: Option<&mut Client>) {
    if !local.scratch.effects.nothing_is_stale() {
        crate::tracking::invalidate(engine, local, causer.as_deref_mut());
    }
    if !local.scratch.effects.events().is_empty() {
        publish_all_events(engine, local, causer);
    }
}

fn publish_all_events(engine: &Engine, local: &mut Local, causer: Option<&mut Client>) {
    let mut causer = causer.filter(|_| engine.since_7_2);
    let events = local.scratch.effects.take_events();
    let wanted = local.scratch.effects.wanted;
    for event in &events {
        if wanted.contains(EventClass::KEYSPACE) {
            let mut channel = format!("__keyspace@{}__:", event.db).into_bytes();
            channel.extend_from_slice(&event.key);
            publish(engine, local, causer.as_deref_mut(), &channel, event.name.as_bytes());
        }
        if wanted.contains(EventClass::KEYEVENT) {
            let channel = format!("__keyevent@{}__:{}", event.db, event.name);
            publish(engine, local, causer.as_deref_mut(), channel.as_bytes(), &event.key);
        }
    }
}

/// Publishes a message; the number of clients that get it. One that publishes to itself has it before its reply, and since 7.2
/// behind it.
///
/// What others have published before and this worker has not looked at yet comes before it: the order of a channel is the
/// same for everybody. The channel is locked, so nothing gets in between.
pub fn publish(
    engine: &Engine,
    local: &mut Local,
    mut publisher: Option<&mut Client>,
    channel: &[u8],
    payload: &[u8],
) -> usize {
    let own = local.thread;
    let deliveries = &mut local.deliveries;
    engine.pubsub.publish(channel, payload, |worker, mut clients, delivery| {
        if worker != own {
            engine.mailboxes[worker].post(Message::Deliver(clients, delivery));
            return;
        }
        let seen = deliveries.len();
        if engine.mailboxes[own].take_deliveries(deliveries) {
            engine.look();
        }
        if let Some(publisher) = publisher.as_deref_mut() {
            for (clients, earlier) in &mut deliveries[seen..] {
                deliver_to_publisher(engine, publisher, clients, earlier);
            }
            deliver_to_publisher(engine, publisher, &mut clients, &delivery);
        }
        if !clients.is_empty() {
            deliveries.push((clients, delivery));
        }
    })
}

/// The client whose command is running is not among those its worker can look up meanwhile.
fn deliver_to_publisher(
    engine: &Engine,
    publisher: &mut Client,
    clients: &mut Vec<u64>,
    delivery: &Delivery,
) {
    if let Some(at) = clients.iter().position(|&id| id == publisher.id) {
        clients.remove(at);
        write(publisher, engine.since_7_2, delivery);
    }
}

/// Writes a message to a client between its commands, unless it has stopped listening since the message was published.
pub fn deliver(client: &mut Client, delivery: &Delivery) {
    write(client, false, delivery);
}

/// The same, behind the reply that is being written if it is `aside`.
pub(crate) fn write(client: &mut Client, is_aside: bool, delivery: &Delivery) {
    let listens = client.subscriptions.as_ref().is_some_and(|subs| match delivery {
        Delivery::Message { channel, .. } => subs.channels.contains(channel),
        Delivery::PatternMessage { pattern, .. } => subs.patterns.contains(pattern),
        Delivery::Invalidation { .. } | Delivery::BrokenRedirection { .. } => subs.count() > 0,
    });
    let is_resp3 = client.proto == Proto::Resp3;
    let wants = match delivery {
        Delivery::Message { .. } | Delivery::PatternMessage { .. } => listens,
        // A client of RESP2 has messages only where it listens to something, and none of its own copies.
        Delivery::Invalidation { is_redirected: true, .. } => is_resp3 || listens,
        Delivery::Invalidation { is_redirected: false, .. } | Delivery::BrokenRedirection { .. } => {
            is_resp3 && client.shared.has_flag(flag::TRACKING)
        }
    };
    if !wants {
        return;
    }
    client.outbox.push(client.proto, is_aside, |out| match delivery {
        Delivery::Message { channel, payload } => {
            out.push(3);
            out.bulk(b"message");
            out.bulk(channel);
            out.bulk(payload);
        }
        Delivery::PatternMessage { pattern, channel, payload } => {
            out.push(4);
            out.bulk(b"pmessage");
            out.bulk(pattern);
            out.bulk(channel);
            out.bulk(payload);
        }
        Delivery::Invalidation { keys, keeper, .. } => {
            if is_resp3 {
                out.push(2);
                out.bulk(b"invalidate");
            } else {
                out.push(3);
                out.bulk(b"message");
                out.bulk(INVALIDATIONS);
            }
            match keys {
                Some(keys) => {
                    out.array(keys.len());
                    keys.iter().for_each(|key| out.bulk(key));
                }
                None if *keeper == Proto::Resp3 => out.raw(b"_\r\n"),
                None => out.raw(b"$-1\r\n"),
            }
        }
        Delivery::BrokenRedirection { to } => {
            out.push(2);
            out.bulk(b"tracking-redir-broken");
            out.int(*to as i64);
        }
    });
}

/// Sends out the effects of what the node did on its own: an eviction, an expiry. Its locks are held. Clients that block on what it
/// did are served later.
pub fn send_effects(engine: &Engine, local: &mut Local) {
    append(engine, local);
    publish_events(engine, local, None);
    let ready = &mut local.scratch.effects.ready;
    local.unserved.extend(std::iter::from_fn(|| ready.pop()));
}
