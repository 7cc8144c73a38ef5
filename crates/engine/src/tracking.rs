//! Client-side caching: clients are told when what they keep is old.
//!
//! ```text
//!   read, under the slot's lock ─▶ remember ─▶ session::tracking
//!   change, under the slot's lock ─▶ Effects::stale ─▶ invalidate ─┬▶ readers: at once, the changing client behind its reply
//!                                                                 └▶ broadcasts ─▶ leaving the gate: clients with prefixes, by list
//! ```
//! An invalidation is posted before the locks drop under which the key was changed, so a client has it before a reply that tells of the
//! change can lead to a question of its own.

use crate::engine::Engine;
use crate::exec::{Local, write_delivery};
use command_spec::Flags;
use command_table::Resolved;
use resp::Proto;
use session::pubsub::Delivery;
use session::tracking::{Changed, Keys};
use session::{Client, ClientShared, Message, flag};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How many keys are forgotten at once when there are more than `tracking-table-max-keys`.
const FORGOTTEN_AT_ONCE: usize = 100;

/// What CLIENT TRACKING asks for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Bits of [`flag::OF_TRACKING`] besides [`flag::TRACKING`].
    pub flags: u32,
    /// Who is told in place of the client; 0 is none.
    pub redirection: u64,
    /// Prefixes of keys to be told of; without one all keys.
    pub prefixes: BTreeSet<Arc<[u8]>>,
}

impl Engine {
    /// A client is told from now on when what it keeps is old.
    pub fn track(&self, client: &mut Client, wish: Wish) {
        let shared = &client.shared;
        if !shared.has_flag(flag::TRACKING) {
            let _alone = self.tracking_switch.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            self.tracking.add_clients(1);
            self.keyspace.set_tracking(true);
        }
        shared.set_flag(flag::OF_TRACKING, false);
        shared.redirection.store(wish.redirection, Ordering::Relaxed);
        let broadcasts = wish.flags & flag::BROADCASTS != 0;
        shared.set_flag(flag::TRACKING | wish.flags, true);
        if broadcasts {
            let all = || BTreeSet::from([Arc::from(&b""[..])]);
            for prefix in if wish.prefixes.is_empty() { all() } else { wish.prefixes } {
                self.tracking.add_prefix(&prefix, client.id);
                client.prefixes.insert(prefix);
            }
        }
        client.note_interests();
    }

    /// A client keeps nothing any more.
    pub fn untrack(&self, client: &mut Client) {
        if !client.shared.has_flag(flag::TRACKING) {
            return;
        }
        for prefix in std::mem::take(&mut client.prefixes) {
            self.tracking.remove_prefix(&prefix, client.id);
        }
        client.shared.set_flag(flag::OF_TRACKING, false);
        client.caching = false;
        client.note_interests();
        self.tracking.add_clients(-1);
    }
}

/// Remembers that a client has read the keys of a request, whose locks are held.
#[inline]
pub(crate) fn remember(engine: &Engine, local: &mut Local, client: &mut Client, request: &Resolved<'_>) {
    if client.shared.has_flag(flag::TRACKING) && request.command.spec.flags.contains(Flags::READONLY) {
        remember_keys(engine, local, client, request);
    }
}

#[inline(never)]
fn remember_keys(engine: &Engine, local: &mut Local, client: &mut Client, request: &Resolved<'_>) {
    // What has changed up to here is not old for this reader.
    if !local.scratch.effects.nothing_is_stale() {
        invalidate(engine, local, Some(client));
    }
    let has = |bit| client.shared.has_flag(bit);
    if has(flag::BROADCASTS)
        || (has(flag::OPT_IN) && !client.caching)
        || (has(flag::OPT_OUT) && client.caching)
    {
        return;
    }
    for key in request.keys().iter() {
        engine.tracking.remember(request.argv[key.at], client.id);
    }
    let most = local.settings.tracking_table_max_keys as usize;
    if most != 0 && engine.tracking.keys() > most {
        forget_some(engine, local, most);
    }
}

/// Forgets keys by chance while there are more than `most`, and tells their readers.
#[cold]
fn forget_some(engine: &Engine, local: &mut Local, most: usize) {
    for _ in 0..FORGOTTEN_AT_ONCE {
        if engine.tracking.keys() <= most {
            break;
        }
        if let Some((key, readers)) = engine.tracking.take_any(local.random.next_u64()) {
            let keys: Keys = Arc::new([key]);
            for reader in readers {
                tell_reader(engine, local, None, reader, &keys);
            }
        }
    }
}

/// Tells clients what they keep that is old by now: what the effects say. Who caused them by a command that it runs is named.
pub fn invalidate(engine: &Engine, local: &mut Local, mut causer: Option<&mut Client>) {
    let (stale, all) = local.scratch.effects.take_stale();
    let causing = causer.as_ref().map(|client| client.id);
    if all {
        engine.tracking.clear();
        local.broadcasts.clear();
        for client in engine.clients.all().iter().filter(|client| client.has_flag(flag::TRACKING)) {
            tell(engine, local, causer.as_deref_mut(), client, None);
        }
    }
    let has_prefixes = engine.tracking.prefixes() > 0;
    for stale in stale {
        let readers = engine.tracking.take(&stale.key);
        if !readers.is_empty() {
            let keys: Keys = Arc::new([stale.key.clone()]);
            for reader in readers {
                tell_reader(engine, local, causer.as_deref_mut(), reader, &keys);
            }
        }
        if has_prefixes {
            local.broadcasts.push(Changed::new(stale, causing));
        }
    }
}

/// Tells a client that has read keys, unless it has come to want something else.
fn tell_reader(engine: &Engine, local: &mut Local, causer: Option<&mut Client>, reader: u64, keys: &Keys) {
    let Some(client) = engine.clients.get(reader) else { return };
    let is_causer = causer.as_ref().is_some_and(|causer| causer.id == reader);
    if client.has_flag(flag::TRACKING)
        && !client.has_flag(flag::BROADCASTS)
        && !(is_causer && client.has_flag(flag::NO_LOOP))
    {
        tell(engine, local, causer, &client, Some(keys.clone()));
    }
}

/// Tells a client, or whom it names in its place, that keys are old; all of them if there are none.
fn tell(
    engine: &Engine,
    local: &mut Local,
    causer: Option<&mut Client>,
    client: &ClientShared,
    keys: Option<Keys>,
) {
    let (worker, target, delivery) = addressed(engine, client, keys);
    if let Some(causer) = causer.filter(|causer| causer.id == target) {
        // Before 7.0 it had the message before its reply.
        write_delivery(causer, engine.profile.has("7.0.0"), &delivery);
    } else if worker == local.thread {
        local.deliveries.push((vec![target], delivery));
    } else {
        engine.mailboxes[worker].post(Message::Deliver(vec![target], delivery));
    }
}

/// The worker and the id of the client that gets the invalidations of a client, and what it gets.
fn addressed(engine: &Engine, client: &ClientShared, keys: Option<Keys>) -> (usize, u64, Delivery) {
    let to = client.redirection.load(Ordering::Relaxed);
    let keeper = if client.proto.load(Ordering::Relaxed) == 3 { Proto::Resp3 } else { Proto::Resp2 };
    if to == 0 {
        return (client.worker(), client.id, Delivery::Invalidation { keys, is_redirected: false, keeper });
    }
    match engine.clients.get(to).filter(|other| !other.killed.load(Ordering::Relaxed)) {
        Some(other) => (other.worker(), to, Delivery::Invalidation { keys, is_redirected: true, keeper }),
        None => {
            client.set_flag(flag::BROKEN_REDIRECTION, true);
            (client.worker(), client.id, Delivery::BrokenRedirection { to })
        }
    }
}

/// Tells clients with prefixes what has changed while this thread was inside the gate.
#[cold]
pub(crate) fn broadcast(engine: &Engine, local: &mut Local) {
    let changed = std::mem::take(&mut local.broadcasts);
    let known = |id| engine.clients.get(id).filter(|client| client.has_flag(flag::BROADCASTS));
    let is_spared = |id| known(id).is_some_and(|client| client.has_flag(flag::NO_LOOP));
    engine.tracking.broadcast(changed, is_spared, |id, keys| {
        if let Some(client) = known(id) {
            let (worker, target, delivery) = addressed(engine, &client, Some(keys));
            engine.mailboxes[worker].post(Message::Deliver(vec![target], delivery));
        }
    });
}

/// Ends the noting of changes once nobody keeps anything.
pub fn settle(engine: &Engine) {
    let _alone = engine.tracking_switch.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if engine.keyspace.is_tracking() && engine.tracking.is_empty() {
        engine.keyspace.set_tracking(false);
    }
}
