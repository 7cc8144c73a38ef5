//! A worker: one thread, its event loop, its connections.
//!
//! ```text
//!  turn:  mailbox ─▶ receive ─▶ parse all ─▶ prefetch · execute, 64 at a time ─▶ send all
//! ```
//! Parsing decides framing only. The bytes of a client's requests are, during a turn, either in one receive buffer (nothing
//! is copied) or in the client's own buffer; what is not executed by the end of the turn moves to the client's own.
//!
//! Here are the turn, its events and the execution; [`framing`] and [`sending`] are the phases around it, [`waiting`], [`moving`] and
//! [`lending`] what may happen to a client.

mod framing;
mod lending;
mod moving;
mod sending;
mod waiting;

use crate::foresight::Foresight;
use crate::helpers::Helpers;
use crate::limits;
use crate::locating::Places;
use command_table::Command;
use command_table::Resolved;
use commands::Effort;
use engine::cx::Suspend;
use engine::exec::{self, Local, Next};
use engine::stats::Counter;
use engine::{Moment, unix_ms};
use event_loop::{Event, EventLoop, Peer, Token, Transport};
use lending::Lending;
use moving::{Departure, Destination, Moving};
use resp::{Args, Request};
use sending::Spare;
use server::Server;
use session::Message;
use session::{Client, ClientShared, Source, WaitFor, flag};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use supervision::Endpoint;

/// Commands executed between two looks at the gate, and prefetched together.
const CHUNK: usize = 64;
/// A request that takes long to be looked at alone.
const LARGE_REQUEST: usize = 4 << 20;
/// Replies leave early once a client has so much of them; and what a turn hands to the kernel before the rest is put off: what
/// is asked for may be a thousand times as large as the requests, and limits are kept between turns.
const LARGE_OUTPUT: usize = 1 << 20;
const OUTPUT_PER_TURN: usize = 4 << 20;
/// Replies leave early once a turn has run this long.
const TURN_BUDGET: Duration = Duration::from_millis(1);
/// How often a worker looks after its clients: timeouts, limits. One to whom nothing has happened for the longer period
/// does it as seldom as that: a sleeping node costs nothing.
const CRON_MS: u64 = 100;
const IDLE_CRON_MS: u64 = 1000;

/// A request of this turn.
struct Entry {
    /// Place of the client.
    client: usize,
    token: Token,
    request: Request,
    /// Where the request begins in the client's source.
    start: usize,
    command: Result<&'static Command, ()>,
    /// Its keys among the places of the turn.
    keys: Range<usize>,
}

/// See the module's essay.
pub(crate) struct Worker {
    server: Arc<Server>,
    number: usize,
    io: EventLoop,
    local: Local,
    /// By the token's place.
    clients: Vec<Option<Box<Client>>>,
    by_id: HashMap<u64, usize>,
    events: Vec<Event>,
    messages: Vec<Message>,
    args: Args,
    batch: Vec<Entry>,
    places: Places,
    foresight: Foresight,
    /// Clients with bytes to parse in this turn.
    parse: Vec<usize>,
    /// Clients with bytes left for the next turn.
    next_parse: Vec<usize>,
    /// Clients whose bytes of this turn must be settled at its end.
    touched: Vec<usize>,
    /// Clients whose peer will send no more: they end once what came before has run.
    ended: Vec<Token>,
    /// Clients whose next command cannot run now.
    stalled: Vec<usize>,
    /// Clients with replies to send.
    dirty: Vec<usize>,
    /// Clients with replies that tell of writes beyond the position that was committed when they were looked at.
    held: BTreeSet<usize>,
    committed: u64,
    /// Clients whose connections leave at the end of this turn, and those on their way out.
    departing: Vec<usize>,
    leaving: HashMap<Token, Departure>,
    moving: Moving,
    lending: Lending,
    deadlines: BTreeSet<(u64, u64)>,
    spare: Spare,
    last_cron_ms: u64,
    /// Bytes of replies that this turn has handed to the kernel.
    handed_bytes: usize,
    /// When the last turn ended, as far as the clock at its start and its duration tell: one look at the clock less.
    ended_ms: u64,
    /// When something happened last.
    active_ms: u64,
    /// When the pause ends that a stalled client waits for.
    paused_until_ms: Option<u64>,
    /// Stalled clients are to be tried again.
    look: bool,
    /// Keys are to be evicted still, with no command that asks for it.
    evicts: bool,
    /// Since when replicas have not got what was written.
    unsent_since: Option<Moment>,
}

impl Worker {
    /// A worker with this number; on the thread that runs it.
    pub(crate) fn new(
        server: Arc<Server>,
        number: usize,
        mut local: Local,
        io: EventLoop,
        helpers: Arc<Helpers>,
    ) -> Worker {
        server.mailboxes[number].attach(io.waker());
        local.effort = Effort::SHORT;
        Worker {
            number,
            io,
            local,
            clients: Vec::new(),
            by_id: HashMap::new(),
            events: Vec::new(),
            messages: Vec::new(),
            args: Args::new(),
            batch: Vec::new(),
            places: Places::default(),
            foresight: Foresight::default(),
            parse: Vec::new(),
            next_parse: Vec::new(),
            touched: Vec::new(),
            ended: Vec::new(),
            stalled: Vec::new(),
            dirty: Vec::new(),
            held: BTreeSet::new(),
            committed: 0,
            departing: Vec::new(),
            leaving: HashMap::new(),
            moving: Moving::new(),
            lending: Lending::new(helpers),
            deadlines: BTreeSet::new(),
            spare: Spare::default(),
            last_cron_ms: 0,
            handed_bytes: 0,
            ended_ms: 0,
            active_ms: 0,
            paused_until_ms: None,
            look: false,
            evicts: false,
            unsent_since: None,
            server,
        }
    }

    /// Runs until the node ends.
    pub(crate) fn run(mut self) -> std::io::Result<()> {
        let server = self.server.clone();
        while !self.server.ending.load(Ordering::Acquire) {
            let mut events = std::mem::take(&mut self.events);
            if self.unsent_since.is_some() {
                self.io.turn(Some(Duration::ZERO), &mut events)?;
                if events.is_empty() {
                    self.unsent_since = None;
                    self.server.replicas.send();
                }
            }
            if events.is_empty() {
                self.io.turn(Some(self.timeout()), &mut events)?;
            }
            self.local.clock = Moment::now();
            self.local.now_ms = unix_ms();
            self.local.yielded = None;
            self.local.refresh(&server);
            let began = self.local.clock;
            server.stats.begin_turn(self.number, self.local.now_ms);
            server.stats.add(self.number, Counter::Turns, 1);
            self.take_messages(&server);
            self.take_back(&server);
            for event in events.drain(..) {
                self.take_event(&server, event);
            }
            self.events = events;
            if self.look || self.paused_until_ms.is_some_and(|at_ms| at_ms <= self.local.now_ms) {
                self.retry_stalled(&server);
            }
            self.parse_all(&server);
            self.execute_all(&server);
            self.settle(&server);
            self.finish_turn(&server);
            self.io.end_turn();
            let now = Moment::now();
            let busy = now.since(began);
            self.ended_ms = self.local.now_ms + busy.as_millis() as u64;
            server.stats.add(self.number, Counter::BusyNs, busy.as_nanos() as u64);
            server.stats.end_turn(self.number);
            self.end_turn(&server, now, busy);
        }
        self.say_good_bye();
        Ok(())
    }

    /// How long to sleep at most.
    fn timeout(&self) -> Duration {
        if !self.next_parse.is_empty() || !self.dirty.is_empty() || self.look || self.evicts {
            return Duration::ZERO;
        }
        let cron = self.last_cron_ms + self.cron_period_ms();
        let deadline = self.deadlines.first().map_or(u64::MAX, |&(at_ms, _)| at_ms);
        let pause = self.paused_until_ms.unwrap_or(u64::MAX);
        let sleep_ms = cron.min(deadline).min(pause).saturating_sub(self.ended_ms);
        // Never longer than a period, should the clock have been set back meanwhile.
        Duration::from_millis(sleep_ms.min(self.cron_period_ms()))
    }

    fn cron_period_ms(&self) -> u64 {
        let is_idle = self.local.now_ms.saturating_sub(self.active_ms) > IDLE_CRON_MS
            && self.stalled.is_empty()
            && self.local.unserved.is_empty();
        if is_idle { IDLE_CRON_MS } else { CRON_MS }
    }

    fn client(&mut self, token: Token) -> Option<(usize, &mut Client)> {
        let at = token.index();
        let client = self.clients.get_mut(at)?.as_deref_mut()?;
        (client.token == token).then_some((at, client))
    }

    fn take_messages(&mut self, server: &Server) {
        let mut messages = std::mem::take(&mut self.messages);
        if server.mailboxes[self.number].drain(&mut messages) {
            server.look();
        }
        if !messages.is_empty() {
            self.active_ms = self.local.now_ms;
        }
        for message in messages.drain(..) {
            self.take_message(server, message);
        }
        self.messages = messages;
    }

    fn take_message(&mut self, server: &Server, message: Message) {
        match message {
            Message::Accepted(transport, peer) => self.accept(server, transport, &peer),
            Message::Moved(moved) => self.take_over(server, *moved),
            Message::Deliver(clients, delivery) => self.deliver(&clients, &delivery),
            Message::Answer(answer) => self.answer(&answer),
            Message::Unblock { client, .. } | Message::Kill(client) if !self.by_id.contains_key(&client) => {
                self.pass_on(server, client, message);
            }
            Message::Unblock { client, error } => self.unblock(client, error),
            Message::Kill(client) => self.close(server, self.by_id[&client]),
            Message::RoleChanged => self.role_changed(),
            Message::CloseEndpoint(endpoint) => self.close_endpoint(server, endpoint),
            Message::UsersChanged => self.users_changed(server),
            Message::Look => self.look = true,
        }
    }

    fn take_event(&mut self, server: &Server, event: Event) {
        self.active_ms = self.local.now_ms;
        match event {
            Event::Received { token, buf, len } => {
                let thread = self.number;
                server.stats.add(thread, Counter::BytesIn, len as u64);
                server.stats.add(thread, Counter::Reads, 1);
                let now_ms = self.local.now_ms;
                let Worker { io, clients, parse, touched, leaving, lending, .. } = self;
                if let Some(Departure { client, .. }) = leaving.get_mut(&token) {
                    session::bump(&client.shared.bytes_in, len as u64);
                    client.inbuf.extend_from_slice(io.received(buf));
                    return;
                }
                let Some(client) = clients.get_mut(token.index()).and_then(Option::as_deref_mut) else {
                    return lending.keep(token, io.received(buf));
                };
                if client.token != token {
                    return;
                }
                client.shared.active_ms.store(now_ms, Ordering::Relaxed);
                session::bump(&client.shared.bytes_in, len as u64);
                touched.push(token.index());
                match client.source {
                    Source::None if client.inbuf.is_empty() => client.source = Source::Received(buf),
                    Source::Received(first) => {
                        // A second buffer in one turn: from now on the client's own holds both.
                        client.inbuf.extend_from_slice(io.received(first));
                        client.inbuf.extend_from_slice(io.received(buf));
                        client.source = Source::Own;
                    }
                    Source::None | Source::Own => {
                        limits::reserve_for(client, len);
                        client.inbuf.extend_from_slice(io.received(buf));
                        client.source = Source::Own;
                    }
                }
                if !client.listed {
                    client.listed = true;
                    parse.push(token.index());
                }
            }
            Event::Closed { token } => {
                self.ended.push(token);
            }
            Event::Failed { token, .. } => match self.client(token) {
                Some((at, _)) => self.close(server, at),
                None => self.lending.end(token),
            },
            Event::Sent { token, bytes, buf } => {
                server.stats.add(self.number, Counter::BytesOut, bytes as u64);
                self.keep_spare(buf);
                let (pending, refused) = (self.io.pending_bytes(token), self.io.refused_bytes(token));
                if let Some((at, client)) = self.client(token) {
                    session::bump(&client.shared.bytes_out, bytes as u64);
                    client.outbox.allowance().settle(pending, refused > 0, client.written_bytes());
                    if client.closing && pending == 0 && client.outbox.is_empty() {
                        self.close(server, at);
                    } else if !client.outbox.has_no_rests() {
                        self.mark_dirty(at);
                    }
                }
            }
            Event::Detached { token, transport, unsent } => {
                self.depart(server, token, transport, unsent);
            }
            Event::Woken => {}
        }
    }

    /// Takes over a connection that the acceptor dealt to this worker.
    fn accept(&mut self, server: &Server, transport: Transport, peer: &Peer) {
        let raw = transport.number();
        if self.local.settings.tcp_keepalive_seconds > 0 {
            let interval = Duration::from_secs(self.local.settings.tcp_keepalive_seconds.into());
            // A socket without keep-alive still works.
            let _ = transport.set_keepalive(interval);
        }
        let Ok(token) = self.io.add(transport) else { return };
        let id = server.clients.next_id();
        let now_ms = self.local.now_ms;
        let info = Arc::new(ClientShared::new(id, self.number, peer, raw, now_ms));
        if let Some(refusal) = limits::refuse_connection(server, &self.local, peer) {
            self.io.send(token, refusal.as_bytes().to_vec());
            self.io.flush();
            self.io.close(token);
            server.stats.add(self.number, Counter::Rejected, 1);
            return;
        }
        server.stats.add(self.number, Counter::Connections, 1);
        server.clients.add(&info);
        let endpoint = server::endpoint_of(peer);
        let (user, authenticated) = server.newcomer(endpoint);
        let mut client = Box::new(Client::new(token, info, user, authenticated, &server.client_memory));
        client.endpoint = endpoint;
        self.settle_in(token.index(), client);
    }

    fn settle_in(&mut self, at: usize, client: Box<Client>) {
        if self.clients.len() <= at {
            self.clients.resize_with(at + 1, || None);
        }
        self.by_id.insert(client.id, at);
        self.clients[at] = Some(client);
    }

    /// Takes a client out of its place. Nothing that was listed for it is left to be taken for the next one's there: whose
    /// requests are framed twice in a turn has them executed twice.
    fn vacate(&mut self, at: usize) -> Option<Box<Client>> {
        let mut client = self.clients[at].take()?;
        if std::mem::take(&mut client.listed) {
            self.parse.retain(|&listed| listed != at);
            self.next_parse.retain(|&listed| listed != at);
        }
        Some(client)
    }

    /// Ends a connection at once.
    fn close(&mut self, server: &Server, at: usize) {
        let Some(mut client) = self.vacate(at) else { return };
        // First what others know of it: who sees the connection end must not be counted as a listener after that.
        self.forget(server, &mut client);
        self.io.close(client.token);
    }

    /// Removes what others know of a client that leaves this worker.
    fn forget(&mut self, server: &Server, client: &mut Client) {
        self.by_id.remove(&client.id);
        client.unwatch();
        server.untrack(client);
        let listener = client.listener();
        if let Some(subs) = client.subscriptions.take() {
            subs.channels.iter().for_each(|channel| server.pubsub.unsubscribe(channel, listener));
            subs.patterns.iter().for_each(|pattern| server.pubsub.unsubscribe_pattern(pattern, listener));
        }
        if let Some(blocked) = client.blocked.take() {
            self.unschedule(client.id, blocked.deadline_ms);
            server.clients.add_blocked(-1);
            match &blocked.on {
                WaitFor::Key(ticket) => {
                    ticket.cancel();
                }
                WaitFor::Elsewhere => replica_threads::link::forget_wait(&server.replicas, client.id),
            }
        }
        self.local.standing.forget(&*server.keyspace, client.id);
        if client.introduced {
            replica_threads::link::forget_replica(&server.replicas, client.id);
        }
        server.clients.remove(client.id);
    }

    fn unschedule(&mut self, id: u64, deadline_ms: Option<u64>) {
        if let Some(at_ms) = deadline_ms {
            self.deadlines.remove(&(at_ms, id));
        }
    }

    fn deliver(&mut self, ids: &[u64], delivery: &session::pubsub::Delivery) {
        for id in ids {
            if let Some(&at) = self.by_id.get(id)
                && let Some(client) = &mut self.clients[at]
                && !client.closing
            {
                exec::deliver(client, delivery);
                self.mark_dirty(at);
            } else {
                self.lending.deliver(*id, delivery);
            }
        }
    }

    /// Hands out the messages that this worker's own commands caused.
    #[inline]
    fn deliver_own(&mut self) {
        if !self.local.deliveries.is_empty() {
            self.deliver_all_own();
        }
    }

    #[cold]
    fn deliver_all_own(&mut self) {
        for (ids, delivery) in std::mem::take(&mut self.local.deliveries) {
            self.deliver(&ids, &delivery);
        }
    }

    /// Executes the turn's requests, a chunk at a time: prefetch bucket, prefetch entry, run.
    fn execute_all(&mut self, server: &Server) {
        let batch = std::mem::take(&mut self.batch);
        let began = self.local.clock;
        self.handed_bytes = 0;
        let mut at = 0;
        while at < batch.len() {
            let first = batch[at].keys.start;
            let rest = batch[at + 1..].iter().take(CHUNK - 1);
            let end = at + 1 + rest.take_while(|entry| entry.keys.end - first <= CHUNK).count();
            let chunk = &batch[at..end];
            self.prefetch(server, chunk);
            let before = self.written_bytes(&chunk[0]);
            let mut is_large = false;
            for (done, entry) in chunk.iter().enumerate() {
                self.execute(server, entry);
                at += 1;
                let written = self.written_bytes(entry);
                if done == 0
                    && let (Ok(command), Some(bytes)) = (entry.command, written.checked_sub(before))
                {
                    self.foresight.note(command, bytes);
                }
                is_large = written > LARGE_OUTPUT;
                if is_large {
                    break;
                }
            }
            self.local.leave(server);
            // While it is still in the cache.
            server.replicas.send_much();
            if at < batch.len() && (is_large || began.elapsed() > TURN_BUDGET) {
                self.send_all(server);
                self.io.flush();
                if self.handed_bytes > OUTPUT_PER_TURN {
                    self.put_off(&batch[at..]);
                    break;
                }
            }
        }
        self.batch = batch;
        self.batch.clear();
        self.places.clear();
        if self.local.standing.is_inside() {
            self.local.leave(server);
        }
    }

    /// Leaves requests for the next turn: limits are looked at before more is made of them.
    fn put_off(&mut self, rest: &[Entry]) {
        for entry in rest {
            if let Some(client) = &self.clients[entry.client]
                && client.token == entry.token
                && client.is_runnable()
            {
                self.parse_next(entry.client);
            }
        }
    }

    fn prefetch(&mut self, server: &Server, chunk: &[Entry]) {
        // One key gains nothing: its misses come one after the other anyway.
        if (chunk.len() < 2 && chunk.iter().all(|entry| entry.keys.len() < 2)) || !self.local.enter(server) {
            return;
        }
        for place in chunk.iter().flat_map(|entry| self.places.of(&entry.keys)) {
            server.keyspace.prefetch_bucket(place.slot, place.hash);
        }
        for entry in chunk {
            let (places, Ok(command)) = (self.places.of(&entry.keys), entry.command) else { continue };
            let bytes = entry.request.consumed / places.len().max(1);
            let expected = self.foresight.expected(command, bytes, places.len());
            for place in places {
                server.keyspace.prefetch_entry(place.slot, place.hash, expected);
            }
        }
    }

    /// Bytes of replies that an entry's client has yet to be sent.
    fn written_bytes(&self, entry: &Entry) -> usize {
        self.clients[entry.client].as_ref().map_or(0, |client| client.outbox.len())
    }

    fn execute(&mut self, server: &Server, entry: &Entry) {
        let Worker { io, clients, args, places, local, spare, .. } = self;
        let Some(client) = clients[entry.client].as_deref_mut() else { return };
        if client.token != entry.token
            || !client.is_runnable()
            || client.shared.killed.load(Ordering::Relaxed)
        {
            return;
        }
        if client.outbox.has_no_buffer() {
            client.outbox.give_buffer(spare.take());
        }
        // The client's own buffer leaves it for the time of the command, so that both can be borrowed.
        let own = std::mem::take(&mut client.inbuf);
        let buffer = match client.source {
            Source::Received(buf) => io.received(buf),
            _ => &own,
        };
        let buffer = &buffer[entry.start..];
        let mut few = [&[][..]; 8];
        // Only a request that needs more pays for the room.
        let mut several: [&[u8]; 32];
        let many: Vec<&[u8]>;
        let argv: &[&[u8]] = match args.fill(&entry.request, buffer, &mut few) {
            Some(argv) => argv,
            None => {
                several = [&[][..]; 32];
                match args.fill(&entry.request, buffer, &mut several) {
                    Some(argv) => argv,
                    None => {
                        many = args.iter(&entry.request, buffer).collect();
                        &many
                    }
                }
            }
        };
        let next = match entry.command {
            Ok(command) => {
                let request = Resolved::new(command, argv, places.of(&entry.keys));
                if entry.request.consumed >= LARGE_REQUEST && lending::can_run_elsewhere(client, &request) {
                    Next::Elsewhere
                } else {
                    exec::process(server, local, client, Ok(&request), argv)
                }
            }
            Err(()) => {
                let Err(unknown) = server.commands.resolve(argv) else {
                    unreachable!("the same name was unknown a moment ago");
                };
                exec::process(server, local, client, Err(unknown), argv)
            }
        };
        client.inbuf = own;
        if !matches!(next, Next::Stall(_) | Next::Elsewhere) {
            client.consumed = entry.start + entry.request.consumed;
        }
        self.after(server, entry.client, next);
    }

    /// Draws the consequences of a command.
    #[inline]
    fn after(&mut self, server: &Server, at: usize, next: Next) {
        self.deliver_own();
        let Some(client) = &mut self.clients[at] else { return };
        if !client.dirty && (!client.outbox.is_empty() || client.outbox.allowance().over().is_some()) {
            client.dirty = true;
            self.dirty.push(at);
        }
        if next != Next::Continue {
            self.not_continue(server, at, next);
        }
    }

    /// Draws the consequences of a command behind which its client does not simply go on.
    fn not_continue(&mut self, server: &Server, at: usize, next: Next) {
        let Some(client) = &mut self.clients[at] else { return };
        match next {
            Next::Continue => {}
            Next::Stall(why) => {
                client.stalled = true;
                client.shared.set_flag(flag::PAUSED, why == Suspend::Paused);
                self.stalled.push(at);
                self.register(server, why);
            }
            Next::Elsewhere => {
                client.stalled = true;
                self.lending.wanted.push(client.token);
            }
            Next::Blocked => {
                client.shared.set_flag(flag::BLOCKED, true);
                server.clients.add_blocked(1);
                self.spare.keep(client.outbox.take_buffer());
                let id = client.id;
                if let Some(at_ms) = client.blocked.as_ref().and_then(|blocked| blocked.deadline_ms) {
                    self.deadlines.insert((at_ms, id));
                }
            }
            Next::Detach => {
                client.leaving = true;
                self.departing.push(at);
            }
            Next::Close => {
                client.closing = true;
                client.shared.set_flag(flag::CLOSE_AFTER_REPLY, true);
                self.io.stop_receiving(client.token);
                self.mark_dirty(at);
            }
        }
    }

    fn finish_turn(&mut self, server: &Server) {
        while let Some(&(at_ms, id)) = self.deadlines.first() {
            if at_ms > self.local.now_ms {
                break;
            }
            self.deadlines.pop_first();
            self.unblock(id, false);
        }
        if self.evicts {
            self.evict(server);
        }
        self.end_clients(server);
        self.send_pieces(server);
        self.send_all(server);
        self.send_stream(server);
        limits::evict_clients(server, &self.local);
        self.see_off(server);
        self.lend(server);
        let since_ms = self.local.now_ms.checked_sub(self.last_cron_ms);
        // A time before the last one is that of a clock that was set back.
        if since_ms.is_none_or(|since_ms| since_ms >= self.cron_period_ms()) {
            self.last_cron_ms = self.local.now_ms;
            self.cron(server);
        }
    }

    /// Ends clients whose peer will send no more, once everything that it sent has run.
    fn end_clients(&mut self, server: &Server) {
        for token in std::mem::take(&mut self.ended) {
            if self.lending.has(token) {
                self.ended.push(token);
                continue;
            }
            let Some((at, client)) = self.client(token) else { continue };
            if client.blocked.is_some() {
                // Nobody is there to take what it waits for.
                self.close(server, at);
            } else if client.stalled || client.listed || !client.outbox.has_no_rests() {
                self.ended.push(token);
            } else {
                client.closing = true;
                self.mark_dirty(at);
            }
        }
    }

    /// Lets connections go that belong to the feeder now.
    fn see_off(&mut self, server: &Server) {
        for at in std::mem::take(&mut self.departing) {
            let Some(mut client) = self.vacate(at) else { continue };
            self.by_id.remove(&client.id);
            client.unwatch();
            server.untrack(&mut client);
            server_commands::forget_subscriptions(&server.pubsub, &mut client);
            self.io.detach(client.token);
            self.leaving.insert(client.token, Departure { client, to: Destination::Feeder });
        }
    }

    /// An endpoint is shown no more: its clients go, whatever they wait for, and connect anew.
    fn close_endpoint(&mut self, server: &Server, endpoint: Endpoint) {
        self.moving.note_closing(endpoint);
        self.lending.end_all_of(endpoint);
        self.close_departing(server, endpoint);
        for at in 0..self.clients.len() {
            if self.clients[at].as_ref().is_some_and(|client| client.endpoint == Some(endpoint)) {
                self.close(server, at);
            }
        }
    }

    /// Closes clients that may no longer listen to something.
    fn users_changed(&mut self, server: &Server) {
        for at in 0..self.clients.len() {
            let Some(client) = self.clients[at].as_deref_mut() else { continue };
            if client.subscriptions.is_some()
                && !server.access.is_current(client)
                && !server.access.follow(client)
            {
                self.close(server, at);
            }
        }
    }

    /// Looks after all clients.
    fn cron(&mut self, server: &Server) {
        // Pauses and a full stream end without anybody's telling; and the first who waits for a key may be another by now.
        self.look |= !self.stalled.is_empty() || !self.local.unserved.is_empty();
        self.evict(server);
        engine::expiry::wake_for_volatile_keys(server);
        engine::tracking::settle(server);
        let now_ms = self.local.now_ms;
        for at in 0..self.clients.len() {
            let Some(client) = self.clients[at].as_deref_mut() else { continue };
            let pending = self.io.pending_bytes(client.token);
            let refused = self.io.refused_bytes(client.token);
            if client.shared.killed.load(Ordering::Relaxed)
                || limits::is_idle(&self.local, client, now_ms)
                || limits::output_exceeded(server, &self.local, client, pending, refused)
            {
                self.close(server, at);
            }
        }
        self.hand_rest_over(server);
    }

    /// Goes on with what the last commands left to be evicted, or a lower limit, turn by turn until that is done.
    fn evict(&mut self, server: &Server) {
        self.evicts = false;
        if self.local.settings.maxmemory_bytes > 0 {
            // A closed gate is no reason to wait here.
            self.evicts = engine::maxmemory::go_on(server, &mut self.local);
            self.local.leave(server);
            self.deliver_own();
        }
    }

    /// Sends what is left and closes all connections.
    fn say_good_bye(&mut self) {
        let server = self.server.clone();
        self.send_all(&server);
        self.io.flush();
        for at in 0..self.clients.len() {
            self.close(&server, at);
        }
        self.io.flush();
    }
}
