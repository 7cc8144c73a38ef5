//! Serves clients that block on keys. The command that made a key ready runs the commands that wait for it: under its own locks if
//! they suffice, otherwise right after, with the locks that the first of them needs.

use super::capture::ticket_awaits_capture;
use super::publishing::publish_events;
use super::{Local, append, write_error_to};
use crate::access::{Standing, standing};
use crate::engine::Engine;
use command_spec::Flags;
use command_table::{Resolved, Run};
use commands::{Cx, Effort, Error, Handler};
use keyspace::{Expiry, Guard, Keys, KeysContext, SlotBusy, Ticket};
use resp::{Proto, Writer};
use session::Ended;
use session::{Answer, Message};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use table::Kind;
use topology::Slot;

/// Serves clients that block on keys that became ready, in the order of their arrival, as far as the locks they need are
/// among those held and no snapshot is in their way. What they do can make further keys ready.
pub(super) fn serve(engine: &Engine, local: &mut Local, guard: &mut Guard<'_>) {
    // The command that made them ready may have taken long.
    local.now_ms = crate::engine::unix_ms();
    // Those that need more than is held are looked at once, however many of their keys became ready.
    let mut refused: HashMap<*const Ticket, Arc<Ticket>> = HashMap::new();
    while let Some((db, key)) = local.scratch.effects.ready.pop() {
        let mut from = 0;
        loop {
            let context = glance(engine, local, db);
            let mut keys = Keys::new(&engine.keyspace, guard, &mut local.scratch, context);
            let is_gone = keys.peek(&key).is_none();
            let waiter = keys.waiter(db, &key, from);
            if is_gone {
                // It may have been removed just now, which the stream is told.
                append(engine, local);
            }
            let Some((at, ticket)) = waiter else { break };
            if is_gone && awaited(engine, &ticket).is_some() {
                // It waits on, for a value.
                from = at + 1;
                continue;
            }
            let keys = Keys::new(&engine.keyspace, guard, &mut local.scratch, context);
            let is_refused = refused.contains_key(&Arc::as_ptr(&ticket))
                || !ticket.slots.iter().all(|&slot| keys.covers(slot))
                || ticket_awaits_capture(engine, local, &ticket, guard);
            if is_refused {
                refused.insert(Arc::as_ptr(&ticket), ticket);
                local.unserved.push((db, key.clone()));
                break;
            }
            // Claimed under all of its locks: nobody else can be serving it, so only its client can be faster.
            if !ticket.claim() {
                continue;
            }
            let turn = serve_ticket(engine, local, guard, &ticket, &key);
            let position = append(engine, local).unwrap_or(0);
            if let Turn::WaitsOn = turn {
                ticket.release();
                from = at + 1;
                continue;
            }
            let context = local.context(db, true);
            Keys::new(&engine.keyspace, guard, &mut local.scratch, context).served(db, &key, &ticket);
            if let Turn::Over(answer) = turn {
                engine.mailboxes[ticket.worker].post(Message::Answer(Answer { position, ..answer }));
            }
        }
    }
}

/// How a key that became ready is looked at. Redis 7.0 removes one whose time has come, later versions leave it to others.
fn glance(engine: &Engine, local: &Local, db: u16) -> KeysContext {
    let context = local.context(db, true);
    match context.expiry {
        Expiry::Delete if engine.since_7_2 => KeysContext { expiry: Expiry::Hide, ..context },
        _ => context,
    }
}

/// What comes of a ticket that was claimed because a key became ready.
enum Turn {
    /// Its wait is over, and this is its answer.
    Over(Answer),
    /// It waits on.
    WaitsOn,
    /// Its client is gone or about to be, so it takes nothing and is told nothing.
    Gone,
}

/// Runs the command of a claimed ticket.
fn serve_ticket(
    engine: &Engine,
    local: &mut Local,
    guard: &mut Guard<'_>,
    ticket: &Arc<Ticket>,
    key: &[u8],
) -> Turn {
    let argv: Vec<&[u8]> = ticket.argv.iter().map(|arg| &**arg).collect();
    let command = engine.commands.by_id()[ticket.command];
    let Run::Data(data) = command.run.run else { unreachable!("only data commands wait for keys") };
    if command.spec.flags.contains(Flags::WRITE) && engine.role.is_replica.load(Ordering::Relaxed) {
        // The node follows a primary by now, and its worker is about to say so.
        return Turn::WaitsOn;
    }
    let context = local.context(ticket.db, true);
    let mut keys = Keys::new(&engine.keyspace, guard, &mut local.scratch, context);
    if let Some(kind) = awaited(engine, ticket)
        && keys.peek(key).is_none_or(|entry| entry.kind() != kind)
    {
        return Turn::WaitsOn;
    }
    let mut reply = Vec::new();
    let proto = if ticket.resp3 { Proto::Resp3 } else { Proto::Resp2 };
    match standing(engine, local, ticket, &Resolved::new(command, &argv, &[])) {
        Standing::Permitted => {}
        Standing::Gone => return Turn::Gone,
        Standing::Denied(line) => {
            let error = Error::Bytes(line.into());
            engine.stats.rejected(local.thread, command.run.id);
            engine.stats.error(local.thread, &error);
            write_error_to(&mut Writer::new(&mut reply, proto), &error);
            let (wait, position, ended) = (0, 0, Ended::Denied);
            return Turn::Over(Answer { client: ticket.client, wait, reply, position, ended });
        }
    }
    let began = Instant::now();
    let mut cx = Cx {
        keys: Keys::new(&engine.keyspace, guard, &mut local.scratch, context),
        out: Writer::new(&mut reply, proto),
        settings: &local.settings,
        options: &local.options,
        random: &mut local.random,
        effort: Effort::ANY,
        peers: engine,
        may_block: true,
        // None of the commands that wait follows patterns.
        may_read_all_keys: true,
        piece: None,
        ready: Some(key),
    };
    let mut failed = false;
    match commands::run(data, &mut cx, &argv) {
        Ok(commands::Flow::Block(_) | commands::Flow::Rest(_) | commands::Flow::Unfinished) => {
            return Turn::WaitsOn;
        }
        Ok(commands::Flow::Done) => {}
        Ok(commands::Flow::Failed(error)) | Err(error) => {
            failed = true;
            reply.clear();
            write_error_to(&mut Writer::new(&mut reply, proto), &error);
            engine.stats.error(local.thread, &error);
        }
    }
    let ended = Ended::Served { nanoseconds: began.elapsed().as_nanos() as u64, failed };
    Turn::Over(Answer { client: ticket.client, wait: 0, reply, position: 0, ended })
}

/// The type of value that a ticket's command waits for; without one it waits for whatever becomes of the key.
fn awaited(engine: &Engine, ticket: &Ticket) -> Option<Kind> {
    let Run::Data(data) = engine.commands.by_id()[ticket.command].run.run else {
        unreachable!("only data commands wait for keys")
    };
    let Handler::Blocking { awaits, .. } = data.run else { unreachable!("it waits") };
    awaits
}

/// Serves clients that need other locks than those that were held when a key became ready.
pub fn serve_unserved(engine: &Engine, local: &mut Local) {
    let mut waiting = std::mem::take(&mut local.unserved).into_iter();
    while let Some((db, key)) = waiting.next() {
        if !local.enter(engine) {
            local.unserved.push((db, key));
            if !local.standing.wait(&*engine.keyspace) {
                engine.wake(local.thread);
            }
            continue;
        }
        if engine.pauses.holds_writes(local.now_ms) {
            // What they would take is a write.
            local.unserved.push((db, key));
            continue;
        }
        if let Err(busy) = serve_first_waiter(engine, local, db, &key) {
            // The others may need the same locks, so they wait as well, and come first then.
            local.unserved.extend(waiting);
            local.unserved.push((db, key));
            if !engine.keyspace.register(busy, local.thread) {
                engine.wake(local.thread);
            }
            return;
        }
    }
}

/// Serves clients that wait for a key under the locks that the first of them needs.
fn serve_first_waiter(engine: &Engine, local: &mut Local, db: u16, key: &[u8]) -> Result<(), SlotBusy> {
    let Some(slots) = slots_of_first_waiter(engine, local, db, key)? else { return Ok(()) };
    let mut guard = engine.keyspace.lock_many(&slots)?;
    local.scratch.effects.begin();
    local.scratch.effects.ready.push(db, key);
    serve(engine, local, &mut guard);
    publish_events(engine, local, None);
    Ok(())
}

/// The slots that the first client waiting for a key needs, and the key's own; `None` when nobody waits.
fn slots_of_first_waiter(
    engine: &Engine,
    local: &mut Local,
    db: u16,
    key: &[u8],
) -> Result<Option<Vec<Slot>>, SlotBusy> {
    let own = Slot::of(key);
    let mut guard = engine.keyspace.lock(own)?;
    let context = local.context(db, true);
    let mut keys = Keys::new(&engine.keyspace, &mut guard, &mut local.scratch, context);
    let Some((_, ticket)) = keys.waiter(db, key, 0) else { return Ok(None) };
    let mut slots = ticket.slots.clone();
    slots.push(own);
    slots.sort_unstable();
    slots.dedup();
    Ok(Some(slots))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bare::Bare;
    use crate::exec::{Next, process};
    use crate::lazyfree::LazyFree;
    use event_loop::{Backend, EventLoop, LoopConfig, Peer};
    use profile::Profile;
    use session::outbox::ALL_COMMITTED;
    use session::{Client, ClientShared};
    use std::os::unix::net::UnixStream;

    /// An engine with clients, whose only worker looks into its mailbox when it is told to.
    struct Node {
        engine: Bare,
        local: Local,
        io: EventLoop,
    }

    impl Node {
        fn new(profile: Profile) -> Node {
            let engine = Bare::speaking(profile, None);
            let local = Local::new(&engine.0, 0, LazyFree::start().expect("a thread"));
            let io = EventLoop::new(Backend::Poll, LoopConfig::default()).expect("a loop");
            Node { engine, local, io }
        }

        fn client(&mut self, user: &[u8]) -> Client {
            let engine = &self.engine;
            let token = self.io.add(UnixStream::pair().expect("a pair").0.into()).expect("added");
            let id = engine.clients.next_id();
            let peer = Peer { address: None, local: None, unix_path: None, listener: 0 };
            let info = Arc::new(ClientShared::new(id, 0, &peer, 0, 0));
            engine.clients.add(&info);
            let user = engine.access.users().current(user).expect("there is such a user");
            Client::new(token, info, user, true, &engine.client_memory)
        }

        /// Makes a user, or changes one.
        fn set_user(&self, name: &[u8], rules: &[&[u8]]) {
            let (outcome, _) = self.engine.change_users(None, |users, known| users.set(known, name, rules));
            outcome.expect("the rules are right");
        }

        fn run(&mut self, client: &mut Client, line: &str) -> Next {
            let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let command = self.engine.commands.resolve(&argv).expect("a command");
            let request = Resolved::new(command, &argv, &[]);
            let next = process(&self.engine, &mut self.local, client, Ok(&request), &argv);
            self.local.leave(&self.engine);
            next
        }

        fn replies(client: &mut Client) -> String {
            let sent = client.outbox.take(ALL_COMMITTED, Vec::new).unwrap_or_default();
            String::from_utf8(sent).expect("text")
        }

        /// What the worker would be told: the answers to clients, and who is to be closed.
        fn told(&self) -> Vec<(u64, Option<String>)> {
            let mut messages = Vec::new();
            self.engine.mailboxes[0].drain(&mut messages);
            let told = messages.into_iter().filter_map(|message| match message {
                Message::Answer(answer) => {
                    Some((answer.client, Some(String::from_utf8(answer.reply).expect("text"))))
                }
                Message::Kill(client) => Some((client, None)),
                _ => None,
            });
            told.collect()
        }
    }

    const POPPED: &str = "*2\r\n$1\r\nl\r\n$1\r\nv\r\n";

    #[test]
    fn who_is_deleted_takes_nothing_even_before_its_connection_ends() {
        for profile in [Profile::Redis70, Profile::Valkey81] {
            let mut node = Node::new(profile);
            node.set_user(b"u", &[b"on", b"nopass", b"~*", b"+@all"]);
            let (mut first, mut second, mut pusher) =
                (node.client(b"u"), node.client(b"default"), node.client(b"default"));
            assert_eq!(node.run(&mut first, "blpop l 0"), Next::Blocked);
            assert_eq!(node.run(&mut second, "blpop l 0"), Next::Blocked);
            let (deleted, _) = node.engine.change_users(None, |users, _| users.delete(&[b"u"]));
            assert_eq!(deleted, Ok(1));
            assert_eq!(node.run(&mut pusher, "rpush l v"), Next::Continue);
            assert_eq!(Node::replies(&mut pusher), ":1\r\n");
            assert_eq!(node.told(), [(first.id, None), (second.id, Some(POPPED.to_owned()))]);
            // What nobody waits for stays.
            node.run(&mut pusher, "rpush l v");
            node.run(&mut pusher, "llen l");
            assert_eq!(Node::replies(&mut pusher), ":1\r\n:1\r\n");
            assert_eq!(node.told(), []);
        }
    }

    #[test]
    fn who_is_deleted_takes_nothing_even_if_it_is_not_marked_yet() {
        let mut node = Node::new(Profile::Redis70);
        node.set_user(b"u", &[b"on", b"nopass", b"~*", b"+@all"]);
        let (mut first, mut pusher) = (node.client(b"u"), node.client(b"default"));
        node.run(&mut first, "blpop l 0");
        let _ = node.engine.change_users(None, |users, _| users.delete(&[b"u"]));
        // As it is for a thread that looked before.
        first.shared.killed.store(false, Ordering::Relaxed);
        node.run(&mut pusher, "rpush l v");
        assert_eq!(node.told(), [(first.id, None)]);
    }

    #[test]
    fn who_waits_is_asked_about_the_database_in_which_it_waits() {
        let denied = "-NOPERM No permissions to access database\r\n";
        for (rule, answer) in [(b"db=2", POPPED), (b"db=0", denied)] {
            let mut node = Node::new(Profile::Valkey91);
            node.set_user(b"u", &[b"on", b"nopass", b"~*", b"+@all"]);
            let (mut waiting, mut pusher) = (node.client(b"u"), node.client(b"default"));
            (waiting.db, pusher.db) = (2, 2);
            node.run(&mut waiting, "blpop l 0");
            node.set_user(b"u", &[rule]);
            node.run(&mut pusher, "rpush l v");
            assert_eq!(node.told(), [(waiting.id, Some(answer.to_owned()))]);
        }
    }

    #[test]
    fn who_is_killed_takes_nothing() {
        let mut node = Node::new(Profile::Redis70);
        let (mut killed, mut gone, mut pusher) =
            (node.client(b"default"), node.client(b"default"), node.client(b"default"));
        node.run(&mut killed, "blpop l 0");
        node.run(&mut gone, "blpop l 0");
        killed.shared.killed.store(true, Ordering::Relaxed);
        node.engine.clients.remove(gone.id);
        node.run(&mut pusher, "rpush l v");
        node.run(&mut pusher, "llen l");
        assert_eq!(Node::replies(&mut pusher), ":1\r\n:1\r\n");
        assert_eq!(node.told(), []);
    }

    #[test]
    fn who_may_no_more_is_told_and_the_next_one_is_served() {
        let key = "-NOPERM No permissions to access a key\r\n";
        let command = "-NOPERM User u has no permissions to run the 'blpop' command\r\n";
        for (rules, why) in [
            (&[b"-blpop".as_slice()] as &[&[u8]], Some(command)),
            (&[b"resetkeys", b"%R~*", b"~other"], Some(key)),
            (&[b"-@all", b"+@list"], None),
            (&[b"off"], None),
            // Another user's rules are not its own.
            (&[], None),
        ] {
            for profile in [Profile::Redis70, Profile::Valkey81] {
                let why = why.filter(|_| profile == Profile::Valkey81);
                let mut node = Node::new(profile);
                node.set_user(b"u", &[b"on", b"nopass", b"~*", b"+@all"]);
                let (mut first, mut second, mut pusher) =
                    (node.client(b"u"), node.client(b"default"), node.client(b"default"));
                node.run(&mut first, "blpop l 0");
                node.run(&mut second, "blpop l 0");
                node.set_user(if rules.is_empty() { b"other" } else { b"u" }, rules);
                node.run(&mut pusher, "rpush l v");
                let mut told = vec![(first.id, Some(why.unwrap_or(POPPED).to_owned()))];
                if why.is_some() {
                    told.push((second.id, Some(POPPED.to_owned())));
                }
                assert_eq!(node.told(), told, "{profile:?} {rules:?}");
                let noted = node.engine.access.log().entries().count();
                assert_eq!(noted, usize::from(why.is_some()));
            }
        }
    }
}
