//! The feeder: the thread that feeds replicas.
//!
//! ```text
//!   turn:  wait ─▶ messages: actions, connections, waits ─▶ what replicas sent ─▶ tick ─▶ snapshots and stream out
//! ```
//! It owns the replicas' sockets and carries out what the primary's core decides. It never enters the keyspace and takes no
//! slot lock, so a busy slot or a closed gate does not stop the stream.
//!
//! Workers send what they write themselves, as far as sockets take it ([`outlet`](crate::outlet)); the feeder sends the rest.
//!
//! A connection arrives here from its worker once it asks to synchronise. Actions that the core has decided for it before that wait
//! in `early`: they are posted with the decision, and the socket comes a turn later.
//!
//! A diskless snapshot goes to all its replicas at the pace of the slowest. The feeder tells the core which replicas are blocked,
//! and the core drops those that are slower than `repl-timeout` allows.

use crate::full_sync::Job;
use crate::outlet::{Outlet, known};
use crate::replica_connection::{Connection, Spool, WINDOW_BYTES, next_of_stream};
use crate::replicas::Replicas;
use crate::replicas::{Fed, now_ms};
use config::Loglevel;
use engine::stats::Counter;
use event_loop::{Event as IoEvent, EventLoop, Token, Transport};
use replication::primary::{Action, CloseReason, Event, LinkState};
use replication::{WaitOutcome, WaitRequest, Waiters};
use resp::{Limits, Parsed};
use session::Ended;
use session::{Answer, Message as WorkerMessage};
use session::{ClientShared, flag};
use snapshot::{ChunkReceiver, Control, Received};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often the core is told that time passed.
const TICK_MS: u64 = 100;
/// The same while all replicas get the stream: the longest that the core allows.
const CALM_TICK_MS: u64 = 1000;
/// How long a connection that is to be closed may take to send its last bytes.
const FAREWELL_MS: u64 = 2000;
/// Bytes a replica may have sent without a whole command among them: its commands are short.
const MAX_REQUEST_BYTES: usize = 1 << 20;
/// Buffers kept for reuse.
const SPARE_BUFFERS: usize = 16;

/// What the feeder is told.
#[derive(Debug)]
pub enum Message {
    /// What the core decided.
    Actions(Vec<Action>),
    /// The connection of a client that asked to synchronise.
    Adopt(Box<Adopted>),
    /// Such a connection that was lost on the way, or a replica that is to be cut off.
    Kill(u64),
    /// A snapshot has begun; with the end to read it from when it has no file.
    Began(Arc<Control>, Option<ChunkReceiver>),
    /// A spooled snapshot is complete.
    Spooled(Spool),
    /// A snapshot failed, or could not begin.
    Failed,
    /// A client waits for acknowledgements.
    Wait {
        /// What it waits for.
        request: WaitRequest,
        /// The number of its wait.
        wait: u64,
        /// The worker that has it.
        worker: usize,
    },
    /// CLIENT UNBLOCK of a client that waits.
    EndWait {
        /// The client.
        client: u64,
        /// With an UNBLOCKED error rather than as a timeout.
        error: bool,
    },
    /// A client that waited is gone.
    ForgetWait(u64),
}

/// A connection on its way from its worker.
#[derive(Debug)]
pub struct Adopted {
    /// What carries it.
    pub transport: Transport,
    /// What its worker has not sent.
    pub unsent: Vec<u8>,
    /// What it sent behind its request.
    pub received: Vec<u8>,
    /// What it is to others.
    pub info: Arc<ClientShared>,
}

/// See the module's essay.
pub struct Feeder {
    replicas: Arc<Replicas>,
    io: EventLoop,
    /// By the token's place.
    connections: Vec<Option<Box<Connection>>>,
    by_id: HashMap<u64, Token>,
    early: HashMap<u64, Vec<Action>>,
    /// Clients killed before their connection came.
    doomed: HashSet<u64>,
    control: Option<Arc<Control>>,
    receiver: Option<ChunkReceiver>,
    spool: Option<Spool>,
    waiters: Waiters,
    /// Worker and number of each wait.
    waits: HashMap<u64, (usize, u64)>,
    acknowledged: bool,
    spare: Vec<Vec<u8>>,
    next_tick_ms: u64,
}

impl Feeder {
    /// The feeder; on the thread that runs it.
    pub fn new(replicas: Arc<Replicas>, io: EventLoop) -> Feeder {
        replicas.feeder.attach(io.waker());
        let waker = io.waker();
        replicas.stream.set_consumer(move || waker.wake());
        Feeder {
            replicas,
            io,
            connections: Vec::new(),
            by_id: HashMap::new(),
            early: HashMap::new(),
            doomed: HashSet::new(),
            control: None,
            receiver: None,
            spool: None,
            waiters: Waiters::new(),
            waits: HashMap::new(),
            acknowledged: false,
            spare: Vec::new(),
            next_tick_ms: 0,
        }
    }

    /// Runs until the node ends.
    pub fn run(mut self) -> std::io::Result<()> {
        let mut events = Vec::new();
        while !self.replicas.ending.load(Ordering::Acquire) {
            let timeout = self.timeout();
            self.io.turn(timeout, &mut events)?;
            for event in events.drain(..) {
                self.take_event(event);
            }
            self.io.end_turn();
            self.tick();
            self.take_messages();
            self.send_snapshot();
            self.answer_waits();
            self.send_stream();
            // What was decided just now must not wait for the next reason to turn.
            self.take_messages();
        }
        if let Some(control) = &self.control {
            control.abort();
        }
        Ok(())
    }

    /// How long to sleep; without replicas and backlog until somebody wakes the thread.
    fn timeout(&self) -> Option<Duration> {
        let busy = !self.by_id.is_empty() || !self.early.is_empty() || !self.waiters.is_empty();
        if !busy && self.replicas.primary().primary.backlog().is_none() {
            return None;
        }
        Some(Duration::from_millis(self.next_tick_ms.saturating_sub(now_ms(&self.replicas))))
    }

    fn tick(&mut self) {
        let replicas = self.replicas.clone();
        let now_ms = now_ms(&replicas);
        if now_ms < self.next_tick_ms {
            return;
        }
        replicas.step(Event::Tick);
        let (good, is_calm) = {
            let fed = replicas.primary();
            let online = fed.primary.acks(0).applied.len();
            (fed.primary.good_replicas(now_ms), online == fed.primary.connected_replicas())
        };
        let is_closing = self.connections.iter().flatten().any(|c| c.closing_until_ms.is_some());
        let is_calm = is_calm && !is_closing && self.waiters.is_empty() && self.early.is_empty();
        self.next_tick_ms = now_ms + if is_calm { CALM_TICK_MS } else { TICK_MS };
        replicas.role.good_replicas.store(good as u32, Ordering::Relaxed);
        self.note_buffers();
        let late: Vec<Token> = self
            .connections
            .iter()
            .flatten()
            .filter(|connection| connection.closing_until_ms.is_some_and(|until_ms| until_ms <= now_ms))
            .map(|connection| connection.token)
            .collect();
        late.into_iter().for_each(|token| self.close(token));
    }

    /// Tells CLIENT LIST what each replica has not got yet.
    fn note_buffers(&self) {
        let fed = self.replicas.primary();
        for connection in self.connections.iter().flatten() {
            let unsent = fed
                .primary
                .reader(connection.id)
                .zip(fed.primary.backlog())
                .map_or(0, |(reader, backlog)| backlog.unsent(reader));
            connection.info.account.output.store(unsent, Ordering::Relaxed);
        }
    }

    fn connection(&mut self, token: Token) -> Option<&mut Connection> {
        let connection = self.connections.get_mut(token.index())?.as_deref_mut()?;
        (connection.token == token).then_some(connection)
    }

    fn take_messages(&mut self) {
        loop {
            let messages = self.replicas.feeder.take();
            if messages.is_empty() {
                return;
            }
            for message in messages {
                self.take_message(message);
            }
        }
    }

    fn take_message(&mut self, message: Message) {
        let replicas = self.replicas.clone();
        match message {
            Message::Actions(actions) => actions.into_iter().for_each(|action| self.act(action)),
            Message::Adopt(adopted) => self.adopt(*adopted),
            Message::Kill(id) => self.kill(id),
            Message::Began(control, receiver) => {
                self.control = Some(control);
                self.receiver = receiver;
            }
            Message::Spooled(spool) => {
                let length = spool.length;
                self.spool = Some(spool);
                self.control = None;
                replicas.step(Event::SnapshotReady { length });
            }
            Message::Failed => self.snapshot_failed(),
            Message::Wait { request, wait, worker } => {
                self.waits.insert(request.client, (worker, wait));
                let acks = replicas.primary().primary.acks(0);
                if let Some(outcome) = self.waiters.wait(request, &acks) {
                    self.answer(outcome);
                }
            }
            Message::EndWait { client, error } => self.end_wait(client, error),
            Message::ForgetWait(client) => {
                self.waiters.remove(client);
                self.waits.remove(&client);
            }
        }
    }

    /// Carries out what the core decided.
    fn act(&mut self, action: Action) {
        let link = match &action {
            Action::Send { link, .. }
            | Action::Attached { link }
            | Action::SendSnapshot { link }
            | Action::StartStream { link }
            | Action::Close { link, .. } => *link,
            _ => return self.act_for_all(action),
        };
        let Some(&token) = self.by_id.get(&link) else {
            // Of a connection that is lost already it is void; kept, it would hold up every later snapshot.
            if self.replicas.clients.get(link).is_some() {
                self.early.entry(link).or_default().push(action);
            }
            return;
        };
        match action {
            Action::Send { bytes, .. } => self.send(token, bytes.into()),
            Action::Attached { .. } => {}
            Action::SendSnapshot { .. } => {
                let spool = self.spool.clone();
                let Some(connection) = self.connection(token) else { return };
                connection.in_full_sync = true;
                match spool {
                    Some(spool) => connection.spool = Some((spool, 0)),
                    None => connection.live = true,
                }
            }
            Action::StartStream { link } => {
                let replicas = self.replicas.clone();
                let mut fed = replicas.primary();
                let position = fed.primary.reader(link).zip(fed.primary.backlog());
                if let Some(at) = position.map(|(reader, backlog)| backlog.position(reader))
                    && let Some(connection) = self.connection(token)
                {
                    connection.streams = true;
                    fed.outlets.push(Outlet::new(connection.info.clone(), connection.socket.take(), at));
                    if std::mem::take(&mut connection.in_full_sync) {
                        let text = format!("Synchronization with replica {} succeeded", connection.name);
                        drop(fed);
                        replicas.log(Loglevel::Notice, text);
                    }
                }
            }
            Action::Close { reason, .. } => self.farewell(token, reason),
            _ => unreachable!("the others are for no connection"),
        }
    }

    fn act_for_all(&mut self, action: Action) {
        let replicas = self.replicas.clone();
        match action {
            Action::StartSnapshot { form, filter } => {
                self.spool = None;
                replicas.order(Job::Snapshot { form, filter });
            }
            Action::AbortSnapshot => {
                if let Some(control) = self.control.take() {
                    control.abort();
                }
                self.receiver = None;
            }
            Action::Feed(bytes) => {
                self.say(bytes);
            }
            Action::Acknowledged => self.acknowledged = true,
            Action::BacklogReleased => replicas.order(Job::SwitchOff),
            // A client's GETACK: only the stream of a primary asks for acknowledgements.
            Action::AcknowledgeUpstream => {}
            _ => {}
        }
    }

    /// Says something in the stream that is no write. During a handover the stream stands still: what were behind the
    /// position that it is handed over at, the new primary would not know.
    fn say(&self, bytes: &[u8]) {
        let replicas = &self.replicas;
        replicas.stream.append_own(bytes, || replicas.pauses.hands_over());
    }

    fn adopt(&mut self, adopted: Adopted) {
        let Adopted { transport, unsent, received, info } = adopted;
        let id = info.id;
        if self.doomed.remove(&id) {
            return self.lost_on_the_way(id);
        }
        // Without a second descriptor everything goes through the event loop.
        let socket = transport.try_clone().ok();
        let Ok(token) = self.io.add(transport) else { return self.lost_on_the_way(id) };
        info.set_flag(flag::REPLICA, true);
        // What it waits for may be due.
        self.next_tick_ms = 0;
        let at = token.index();
        if self.connections.len() <= at {
            self.connections.resize_with(at + 1, || None);
        }
        let replicas = self.replicas.clone();
        let name = replicas.primary().primary.link_name(id).unwrap_or_default();
        self.connections[at] = Some(Box::new(Connection::new(token, info, name, socket, received)));
        self.by_id.insert(id, token);
        self.send(token, unsent);
        for action in self.early.remove(&id).unwrap_or_default() {
            self.act(action);
        }
        self.hear(token);
    }

    fn lost_on_the_way(&mut self, id: u64) {
        self.early.remove(&id);
        self.replicas.clients.remove(id);
        self.replicas.step(Event::Closed { link: id });
    }

    fn kill(&mut self, id: u64) {
        if let Some(&token) = self.by_id.get(&id) {
            return self.lost(token);
        }
        let known = {
            let fed = self.replicas.primary();
            fed.primary.link_state(id).is_some_and(|state| state != LinkState::Handshake)
        };
        if known {
            self.doomed.insert(id);
        }
    }

    /// Queues bytes of the dialogue or of a snapshot for a replica.
    fn send(&mut self, token: Token, bytes: Vec<u8>) {
        let replicas = self.replicas.clone();
        let Some(connection) = self.connection(token) else { return };
        if connection.streams
            && let Some(outlet) = replicas.primary().outlet(connection.id)
        {
            // The stream goes on behind them.
            outlet.queued = true;
        }
        connection.handed(bytes.len(), false);
        self.io.send(token, bytes);
    }

    /// No more of the stream goes to a replica.
    fn close_outlet(&mut self, token: Token) {
        let replicas = self.replicas.clone();
        let Some(connection) = self.connection(token) else { return };
        if std::mem::take(&mut connection.streams) {
            let id = connection.id;
            replicas.primary().outlets.retain(|outlet| outlet.link != id);
        }
    }

    fn farewell(&mut self, token: Token, reason: CloseReason) {
        let now_ms = now_ms(&self.replicas);
        let pending = self.io.pending_bytes(token);
        self.close_outlet(token);
        let Some(connection) = self.connection(token) else { return };
        let name = &connection.name;
        let what = if connection.in_full_sync { "full sync" } else { "streaming sync" };
        let why = match reason {
            CloseReason::TimedOut => Some(format!("Disconnecting timedout replica ({what}): {name}")),
            CloseReason::OutputLimit => Some(format!(
                "Replica {name} scheduled to be closed ASAP for overcoming of output buffer limits."
            )),
            _ => None,
        };
        connection.spool = None;
        connection.live = false;
        if let Some(why) = why {
            self.replicas.log(Loglevel::Warning, why);
        }
        let Some(connection) = self.connection(token) else { return };
        // Who reads too slowly or not at all would not take the rest either.
        if pending == 0 || matches!(reason, CloseReason::TimedOut | CloseReason::OutputLimit) {
            return self.close(token);
        }
        connection.closing_until_ms = Some(now_ms + FAREWELL_MS);
        self.next_tick_ms = self.next_tick_ms.min(now_ms + TICK_MS);
    }

    /// The connection is gone without the core's doing.
    fn lost(&mut self, token: Token) {
        let Some(connection) = self.connection(token) else { return };
        let (id, text) = (connection.id, format!("Connection with replica {} lost.", connection.name));
        self.replicas.log(Loglevel::Notice, text);
        self.close(token);
        self.replicas.step(Event::Closed { link: id });
    }

    fn close(&mut self, token: Token) {
        if self.connection(token).is_none() {
            return;
        }
        self.close_outlet(token);
        if let Some(connection) = self.connections[token.index()].take() {
            self.io.close(token);
            self.by_id.remove(&connection.id);
            self.replicas.clients.remove(connection.id);
        }
    }

    fn take_event(&mut self, event: IoEvent) {
        match event {
            IoEvent::Received { token, buf, len } => {
                self.replicas.stats.add_from_anywhere(Counter::BytesIn, len as u64);
                let Feeder { io, connections, .. } = self;
                if let Some(connection) = connections.get_mut(token.index()).and_then(Option::as_deref_mut)
                    && connection.token == token
                {
                    connection.inbuf.extend_from_slice(io.received(buf));
                    connection.info.active_ms.store(engine::unix_ms(), Ordering::Relaxed);
                    self.hear(token);
                }
            }
            IoEvent::Sent { token, bytes, buf } => {
                if self.spare.len() < SPARE_BUFFERS {
                    self.spare.push(buf);
                }
                self.replicas.stats.add_from_anywhere(Counter::BytesToReplicas, bytes as u64);
                let pending = self.io.pending_bytes(token);
                let Some(connection) = self.connection(token) else { return };
                session::bump(&connection.info.bytes_out, bytes as u64);
                let (id, stream) = (connection.id, connection.sent(bytes));
                let is_over = connection.closing_until_ms.is_some() && pending == 0;
                if stream > 0 {
                    self.replicas.step(Event::Sent { link: id, bytes: stream });
                }
                if is_over {
                    self.close(token);
                }
            }
            IoEvent::Closed { token } | IoEvent::Failed { token, .. } => self.lost(token),
            IoEvent::Woken | IoEvent::Detached { .. } => {}
        }
    }

    /// Takes what a replica said.
    fn hear(&mut self, token: Token) {
        let replicas = self.replicas.clone();
        let Some(connection) = self.connection(token) else { return };
        if connection.closing_until_ms.is_some() {
            connection.inbuf.clear();
            return;
        }
        let id = connection.id;
        let inbuf = std::mem::take(&mut connection.inbuf);
        let mut at = 0;
        let mut is_trusted = true;
        while is_trusted {
            connection.args.clear();
            match connection.parser.parse(&inbuf[at..], &Limits::default(), &mut connection.args) {
                Ok(Parsed::Skip { consumed }) => {
                    at += consumed;
                    replicas.step(Event::Newline { link: id });
                }
                Ok(Parsed::Request(request)) => {
                    let argv: Vec<&[u8]> = connection.args.iter(&request, &inbuf[at..]).collect();
                    if argv[0].eq_ignore_ascii_case(b"replconf") {
                        replicas.step(Event::Replconf { link: id, args: &argv[1..] });
                    } else {
                        // A sign of life, which is not answered; all else would have to be.
                        is_trusted = argv[0].eq_ignore_ascii_case(b"ping");
                    }
                    at += request.consumed;
                }
                Ok(Parsed::Incomplete { .. }) => break,
                Err(_) => is_trusted = false,
            }
        }
        connection.inbuf = inbuf;
        connection.inbuf.drain(..at);
        if !is_trusted || connection.inbuf.len() > MAX_REQUEST_BYTES {
            self.lost(token);
        }
    }

    fn snapshot_failed(&mut self) {
        self.control = None;
        self.receiver = None;
        for connection in self.connections.iter_mut().flatten() {
            connection.live = false;
        }
        self.replicas.step(Event::SnapshotFailed);
    }

    /// Hands snapshots over as far as the replicas take them.
    fn send_snapshot(&mut self) {
        self.send_live();
        let spooled: Vec<Token> =
            self.connections.iter().flatten().filter(|c| c.spool.is_some()).map(|c| c.token).collect();
        for token in spooled {
            self.send_spool(token);
        }
    }

    fn send_live(&mut self) {
        while self.receiver.is_some() {
            let mut takers = Vec::new();
            let mut must_wait = false;
            let now_full: Vec<(Token, u64, bool, bool)> = self
                .connections
                .iter()
                .flatten()
                .filter(|connection| connection.live)
                .map(|c| (c.token, c.id, c.blocked, self.io.pending_bytes(c.token) >= WINDOW_BYTES))
                .collect();
            for (token, id, was_blocked, is_full) in now_full {
                takers.push(token);
                must_wait |= is_full;
                if was_blocked != is_full {
                    self.replicas.step(Event::SnapshotBlocked { link: id, blocked: is_full });
                    if let Some(connection) = self.connection(token) {
                        connection.blocked = is_full;
                    }
                }
            }
            // A taker's socket may still be on its way from its worker: it must not miss the beginning.
            let incoming = self.early.values().flatten().any(|a| matches!(a, Action::SendSnapshot { .. }));
            if must_wait || takers.is_empty() || incoming {
                return;
            }
            let Some(receiver) = &self.receiver else { return };
            match receiver.try_recv() {
                Received::Empty => return,
                Received::Chunk(chunk) => {
                    for &token in &takers[1..] {
                        let mut copy = self.spare.pop().unwrap_or_default();
                        copy.extend_from_slice(&chunk);
                        self.send(token, copy);
                    }
                    self.send(takers[0], chunk);
                }
                Received::Finished => {
                    self.receiver = None;
                    self.control = None;
                    for connection in self.connections.iter_mut().flatten() {
                        connection.live = false;
                    }
                    self.replicas.step(Event::SnapshotReady { length: 0 });
                    self.take_messages();
                }
                Received::Broken => return self.snapshot_failed(),
            }
        }
    }

    fn send_spool(&mut self, token: Token) {
        while self.io.pending_bytes(token) < WINDOW_BYTES {
            let spare = self.spare.pop().unwrap_or_default();
            let Some(connection) = self.connection(token) else { return };
            let id = connection.id;
            match connection.next_of_spool(spare) {
                Ok(Some(piece)) => self.send(token, piece),
                Ok(None) => {
                    self.replicas.step(Event::SnapshotSent { link: id });
                    return self.take_messages();
                }
                Err(_) => return self.lost(token),
            }
        }
    }

    /// Hands the stream over as far as the replicas take it.
    fn send_stream(&mut self) {
        let replicas = self.replicas.clone();
        let was_full = replicas.stream.is_full();
        let mut fed = replicas.primary();
        let Feeder { io, connections, by_id, spare, .. } = self;
        for outlet in fed.outlets.iter_mut().filter(|outlet| outlet.queued) {
            if by_id.get(&outlet.link).is_some_and(|&token| io.pending_bytes(token) == 0) {
                outlet.drained();
            }
        }
        fed.send(usize::MAX, &replicas.stats);
        let Fed { primary, outlets, .. } = &mut *fed;
        for outlet in outlets.iter_mut().filter(|outlet| outlet.queued) {
            let token = by_id.get(&outlet.link);
            if let Some(connection) = token.and_then(|token| connections[token.index()].as_deref_mut())
                && io.pending_bytes(connection.token) == 0
                && let Some(backlog) = known(primary, outlet.link)
                && let Some(piece) = next_of_stream(backlog, outlet.at, spare.pop().unwrap_or_default())
            {
                outlet.at += piece.len() as u64;
                connection.handed(piece.len(), true);
                io.send(connection.token, piece);
            }
        }
        drop(fed);
        if was_full {
            replicas.look();
        }
    }

    fn answer_waits(&mut self) {
        let replicas = self.replicas.clone();
        if self.waiters.take_getack() {
            self.say(replication::GETACK);
        }
        if self.waiters.is_empty() {
            self.acknowledged = false;
            return;
        }
        let acks = replicas.primary().primary.acks(0);
        let mut outcomes = self.waiters.expired(now_ms(&replicas), &acks);
        if std::mem::take(&mut self.acknowledged) {
            outcomes.append(&mut self.waiters.acknowledged(&acks));
        }
        outcomes.into_iter().for_each(|outcome| self.answer(outcome));
        if let Some(deadline_ms) = self.waiters.next_deadline_ms() {
            self.next_tick_ms = self.next_tick_ms.min(deadline_ms);
        }
    }

    fn answer(&mut self, outcome: WaitOutcome) {
        self.reply(outcome.client, format!(":{}\r\n", outcome.replicas).into_bytes(), Ended::Over);
    }

    fn reply(&mut self, client: u64, reply: Vec<u8>, ended: Ended) {
        if let Some((worker, wait)) = self.waits.remove(&client) {
            self.replicas.mailboxes[worker].post(WorkerMessage::Answer(Answer {
                client,
                wait,
                reply,
                position: 0,
                ended,
            }));
        }
    }

    fn end_wait(&mut self, client: u64, error: bool) {
        let acks = self.replicas.primary().primary.acks(0);
        let Some(outcome) = self.waiters.outcome(client, &acks) else { return };
        self.waiters.remove(client);
        if error {
            let reply = b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n".to_vec();
            self.reply(client, reply, Ended::Refused);
        } else {
            self.answer(outcome);
        }
    }
}
