//! The applier: the thread that follows a primary.
//!
//! It owns the connection to the primary and carries out what the replica's core decides: it connects, receives a data set,
//! loads it, and applies the stream (`apply`). Only whole commands are applied, so between two turns of
//! its loop the data is always that of some offset of the primary's history.
//!
//! Other threads step the core too, in the world ([`crate::role`]). Each such change begins a generation, and everything that this
//! thread holds of the previous one (bytes of the stream, a data set in transfer, a connection) is void: inside the gate it checks
//! the generation before it changes anything.
//!
//! A command that fails to apply shows that the data is not the primary's. The history is then given up, and the next
//! synchronisation is a full one.

use crate::connect::{self, Connected, Target};
use crate::load::{self, Load};
use crate::replicas::Replicas;
use crate::replicas::now_ms;
use crate::words::Words;
use acl::CurrentUser;
use config::Loglevel;
use engine::cx::Host;
use engine::exec::Local;
use engine::stats::Counter;
use engine::{Moment, unix_ms};
use event_loop::{Event as IoEvent, EventLoop, Token, Transport};
use replication::primary::Upstream;
use replication::replica::{Action, Event, State};
use resp::{Args, Parser};
use session::{Client, ClientShared};
use snapshot::Background;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// How often the core is told that time passed: less often while the link is up or there is to be none, for what it does by
/// the clock then are signs of life, one a second.
const TICK_MS: u64 = 100;
const CALM_TICK_MS: u64 = 500;
/// How long the end of what has arrived may take to be seen, when the link is to be dropped.
const DRAIN_MS: u64 = 1000;

/// What the applier is told.
#[derive(Debug)]
pub enum Message {
    /// A connection was made, or not.
    Connected(u64, io::Result<Connected>),
    /// Apply what has arrived, drop the link, follow nobody, and say so.
    Drain(mpsc::Sender<()>),
    /// CLIENT KILL of the connection to the primary.
    Kill(u64),
}

/// See the module's essay.
pub struct Applier<H> {
    /// Who runs the commands that are about the node.
    pub(crate) host: Arc<H>,
    pub(crate) replicas: Arc<Replicas>,
    io: EventLoop,
    pub(crate) local: Local,
    /// The generation that everything here belongs to.
    pub(crate) generation: u64,
    token: Option<Token>,
    /// A second handle of the connection.
    transport: Option<Transport>,
    /// Who waits for the link to be dropped, and when that is done whatever has been seen.
    drain: Option<(mpsc::Sender<()>, u64)>,
    /// Who runs the primary's commands: the connection as a client.
    pub(crate) client: Option<Box<Client>>,
    /// Number of the last attempt to connect; results of earlier ones are void.
    attempt: u64,
    actions: VecDeque<Action>,
    load: Option<Load>,
    /// Where the link was when its core last said so, and whether it has brought a data set.
    link_state: State,
    has_loaded: bool,
    /// Bytes of the stream that were not applied yet, and how they are framed so far.
    pub(crate) pending: Vec<u8>,
    pub(crate) parser: Parser,
    pub(crate) args: Args,
    pub(crate) batch: crate::apply::Batch,
    next_tick_ms: u64,
}

impl<H: Host> Applier<H> {
    /// The applier; on the thread that runs it.
    pub fn new(host: Arc<H>, replicas: Arc<Replicas>, io: EventLoop, local: Local) -> Applier<H> {
        replicas.parkers[engine::Background::Applier as usize].attach();
        replicas.applier.attach(io.waker());
        Applier {
            host,
            replicas,
            io,
            local,
            generation: 0,
            token: None,
            transport: None,
            drain: None,
            client: None,
            attempt: 0,
            actions: VecDeque::new(),
            load: None,
            link_state: State::None,
            has_loaded: false,
            pending: Vec::new(),
            parser: Parser::new(),
            args: Args::new(),
            batch: Default::default(),
            next_tick_ms: 0,
        }
    }

    /// Runs until the node ends.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = Vec::new();
        while !self.replicas.ending.load(Ordering::Acquire) {
            self.io.turn(self.timeout(), &mut events)?;
            self.local.clock = Moment::now();
            self.local.now_ms = unix_ms();
            let replicas = self.replicas.clone();
            self.local.refresh(&replicas);
            self.tick();
            for message in replicas.applier.take() {
                self.take_message(message);
            }
            for event in events.drain(..) {
                self.take_event(event);
            }
            self.io.end_turn();
            self.apply_pending();
            self.act(&[]);
            if self.drain.as_ref().is_some_and(|(_, until_ms)| *until_ms <= now_ms(&self.replicas)) {
                self.end_drain();
            }
        }
        Ok(())
    }

    fn timeout(&self) -> Option<Duration> {
        if !self.actions.is_empty() {
            return Some(Duration::ZERO);
        }
        if let Some((_, until_ms)) = &self.drain {
            return Some(Duration::from_millis(until_ms.saturating_sub(now_ms(&self.replicas))));
        }
        let follows = self.replicas.role.is_replica.load(Ordering::Acquire);
        follows.then(|| Duration::from_millis(self.next_tick_ms.saturating_sub(now_ms(&self.replicas))))
    }

    fn tick(&mut self) {
        let replicas = self.replicas.clone();
        let now_ms = now_ms(&replicas);
        if now_ms >= self.next_tick_ms {
            let state = replicas.link().replica.state();
            let is_calm = matches!(state, State::Connected | State::None);
            self.next_tick_ms = now_ms + if is_calm { CALM_TICK_MS } else { TICK_MS };
            self.step(Event::Tick);
        } else {
            self.collect();
        }
        self.act(&[]);
    }

    /// Takes over what others decided.
    fn collect(&mut self) {
        let replicas = self.replicas.clone();
        let mut link = replicas.link();
        self.take_actions(&mut link);
    }

    fn take_actions(&mut self, link: &mut crate::replicas::Link) {
        let generation = self.replicas.generation.load(Ordering::Acquire);
        if generation != self.generation {
            self.generation = generation;
            self.forget_stream();
        }
        self.actions.extend(link.actions.drain(..));
    }

    /// Drops what was received and not applied.
    fn forget_stream(&mut self) {
        self.pending.clear();
        self.parser = Parser::new();
        self.args.clear();
        self.batch.clear();
    }

    /// Takes an event of this generation to the core. Of an earlier one it is void.
    pub(crate) fn step(&mut self, event: Event<'_>) {
        let replicas = self.replicas.clone();
        let mut link = replicas.link();
        let is_mine = replicas.generation.load(Ordering::Acquire) == self.generation;
        if is_mine || matches!(event, Event::Tick) {
            let crate::replicas::Link { replica, actions, .. } = &mut *link;
            replica.step(event, now_ms(&replicas), actions);
        }
        self.take_actions(&mut link);
    }

    fn take_message(&mut self, message: Message) {
        match message {
            Message::Connected(attempt, _) if attempt != self.attempt => {}
            Message::Connected(_, connected) => match connected.and_then(|connected| self.add(connected)) {
                Ok(()) => {
                    self.replicas.log(Loglevel::Notice, "Non blocking connect for SYNC fired the event.");
                    self.step(Event::Connected);
                }
                Err(error) => {
                    let why = files::words_of(&error);
                    let text = format_args!("Error condition on socket for SYNC: {why}");
                    self.replicas.log(Loglevel::Warning, text);
                    self.step(Event::Closed);
                }
            },
            Message::Drain(done) => self.begin_drain(done),
            Message::Kill(id) if self.client.as_ref().is_some_and(|client| client.id == id) => {
                self.hang_up();
                self.step(Event::Closed);
            }
            Message::Kill(_) => {}
        }
        self.act(&[]);
    }

    fn add(&mut self, connected: Connected) -> io::Result<()> {
        self.hang_up();
        let Connected { transport, addr, laddr } = connected;
        let (second, raw) = (transport.try_clone()?, transport.number());
        let token = self.io.add(transport)?;
        self.transport = Some(second);
        let info = Arc::new(ClientShared::of_primary(
            self.replicas.clients.next_id(),
            addr,
            laddr,
            raw,
            self.local.now_ms,
        ));
        self.replicas.clients.add(&info);
        let user = CurrentUser::trusted(&self.replicas.access.catalogue);
        self.client = Some(Box::new(Client::new(token, info, user, true, &self.replicas.client_memory)));
        self.token = Some(token);
        Ok(())
    }

    /// The link is to be dropped. Its end is closed for what is still to come, so that the end of what has arrived is
    /// seen, whether the primary runs, hangs or is gone.
    fn begin_drain(&mut self, done: mpsc::Sender<()>) {
        let is_up = self.replicas.link().replica.state() == State::Connected;
        self.drain = Some((done, now_ms(&self.replicas) + DRAIN_MS));
        match &self.transport {
            Some(transport) if is_up => transport.stop_receiving(),
            _ => self.end_drain(),
        }
    }

    fn end_drain(&mut self) {
        let Some((done, _)) = self.drain.take() else { return };
        self.apply_pending();
        self.hang_up();
        self.step(Event::Promote);
        self.act(&[]);
        self.replicas.draining.store(false, Ordering::Release);
        // Who asked may have given up.
        let _ = done.send(());
    }

    fn hang_up(&mut self) {
        self.transport = None;
        if let Some(token) = self.token.take() {
            self.io.close(token);
        }
        if let Some(client) = self.client.take() {
            self.replicas.clients.remove(client.id);
        }
    }

    fn take_event(&mut self, event: IoEvent) {
        match event {
            IoEvent::Received { token, buf, len } if Some(token) == self.token => {
                let (stats, thread) = (&self.replicas.stats, self.local.thread);
                stats.add(thread, Counter::BytesFromPrimary, len as u64);
                let bytes = self.io.received(buf).to_vec();
                if let Some(client) = &self.client {
                    client.shared.active_ms.store(self.local.now_ms, Ordering::Relaxed);
                }
                self.step(Event::Received(&bytes));
                self.act(&bytes);
            }
            IoEvent::Sent { bytes, .. } => {
                self.replicas.stats.add(self.local.thread, Counter::BytesOut, bytes as u64);
            }
            IoEvent::Closed { token } | IoEvent::Failed { token, .. } if Some(token) == self.token => {
                if self.drain.is_some() {
                    return self.end_drain();
                }
                let lower = self.words().lower;
                self.replicas.log(Loglevel::Notice, format_args!("Connection with {lower} lost."));
                // What has arrived whole is applied before the link is given up.
                self.apply_pending();
                self.hang_up();
                self.step(Event::Closed);
                self.act(&[]);
            }
            _ => {}
        }
    }

    /// Carries out what was decided; ranges are of `bytes`.
    fn act(&mut self, bytes: &[u8]) {
        while let Some(action) = self.actions.pop_front() {
            self.act_on(action, bytes);
        }
    }

    fn act_on(&mut self, action: Action, bytes: &[u8]) {
        match action {
            Action::Connect { host, port } => {
                self.attempt += 1;
                let upper = self.words().upper;
                self.replicas.log(Loglevel::Notice, format_args!("Connecting to {upper} {host}:{port}"));
                self.replicas.log(Loglevel::Notice, format_args!("{upper} <-> REPLICA sync started"));
                self.has_loaded = false;
                let timeout = Duration::from_secs(self.local.settings.repl_timeout_seconds.into());
                let socket = self.replicas.link().socket.clone();
                let target = socket.map_or(Target::Address { host, port }, Target::Socket);
                connect::begin(&self.replicas, self.attempt, target, timeout);
            }
            Action::Send(bytes) => {
                if let Some(text) = self.words().asked(&bytes) {
                    self.replicas.log(Loglevel::Notice, text);
                }
                if let Some(token) = self.token {
                    self.io.send(token, bytes.into());
                }
            }
            Action::Close(error) => {
                if let Some(text) = self.words().given_up(self.link_state, &error) {
                    self.replicas.log(Loglevel::Warning, text);
                }
                self.attempt += 1;
                self.hang_up();
            }
            Action::Drain => {
                self.apply_pending();
                self.forget_stream();
                let offset = self.replicas.stream.offset();
                self.step(Event::Drained(offset));
            }
            Action::LoadBegin { length } => self.load_begin(length),
            Action::LoadHeld(held) => self.load_write(&held),
            Action::LoadChunk(range) => self.load_write(&bytes[range]),
            Action::LoadEnd => self.load_end(),
            Action::LoadAborted => self.load_aborted(),
            Action::Apply { range, .. } => self.pending.extend_from_slice(&bytes[range]),
            Action::AdoptSnapshot { id, offset } => self.adopt_snapshot(id, offset),
            Action::AdoptId(id) => {
                let (replicas, title) = (&self.replicas, self.words().title);
                if replicas.primary().primary.history().id() != id {
                    let text = format_args!("{title} replication ID changed to {id}");
                    replicas.log(Loglevel::Warning, text);
                }
                let mut fed = replicas.primary();
                let mut actions = Vec::new();
                fed.primary.adopt_id(id, now_ms(replicas), &mut actions);
                replicas.post(actions);
                self.holds_data();
            }
            Action::StateChanged(state) => self.state_changed(state),
            // The node was promoted in the world, by whoever asked for it.
            Action::Promoted | Action::ScheduleReconnect { .. } => {}
        }
    }

    /// The data is the primary's as of some offset.
    fn holds_data(&self) {
        self.replicas.persistence.note_holds_data(true);
    }

    fn words(&self) -> Words {
        Words::of(self.replicas.profile)
    }

    fn state_changed(&mut self, state: State) {
        let up = state == State::Connected;
        self.link_state = state;
        if up && !self.has_loaded {
            let Words { upper, title, lower } = self.words();
            let text = format_args!("Successful partial resynchronization with {lower}.");
            self.replicas.log(Loglevel::Notice, text);
            let text =
                format_args!("{upper} <-> REPLICA sync: {title} accepted a Partial Resynchronization.");
            self.replicas.log(Loglevel::Notice, text);
        }
        if !self.replicas.role.is_replica.load(Ordering::Acquire) {
            return;
        }
        self.replicas.role.link_up.store(up, Ordering::Release);
        let upstream = if up { Upstream::Connected } else { Upstream::Down };
        self.replicas.primary().primary.set_upstream(upstream);
    }

    fn load_begin(&mut self, length: Option<u64>) {
        self.has_loaded = true;
        self.forget_stream();
        let replicas = self.replicas.clone();
        let Words { upper, lower, .. } = self.words();
        let say = |text: String| replicas.log(Loglevel::Notice, text);
        let promised = replicas.link().replica.promised();
        if let Some((id, offset)) = promised {
            say(format!("Full resync from {lower}: {id}:{offset}"));
        }
        match Load::begin(&replicas, &mut self.local, self.generation, length) {
            Ok(load) => {
                let is_direct = matches!(load, Load::Direct(_));
                let to = if is_direct { "parser" } else { "disk" };
                say(match length {
                    Some(bytes) => {
                        format!("{upper} <-> REPLICA sync: receiving {bytes} bytes from {lower} to {to}")
                    }
                    None => format!(
                        "{upper} <-> REPLICA sync: receiving streamed RDB from {lower} with EOF to {to}"
                    ),
                });
                if is_direct {
                    say(format!("{upper} <-> REPLICA sync: Loading DB in memory"));
                }
                self.load = Some(load);
            }
            Err(error) => self.load_failed(&error.into()),
        }
    }

    fn load_write(&mut self, bytes: &[u8]) {
        let Some(load) = &mut self.load else { return };
        if let Err(error) = load.write(&self.replicas, &self.local, bytes) {
            self.load_failed(&error);
        }
    }

    /// The data set can't be taken: the link is given up and tried again later.
    fn load_failed(&mut self, error: &snapshot::LoadError) {
        self.log_unloadable(error);
        let was_direct = matches!(self.load.take(), Some(Load::Direct(_)));
        if was_direct {
            self.give_up_data();
        }
        self.hang_up();
        self.step(Event::Closed);
    }

    fn log_unloadable(&self, error: &snapshot::LoadError) {
        if matches!(error, snapshot::LoadError::Rdb(_)) {
            persistence::log_unloadable(&self.replicas.persistence, error);
        }
        let upper = self.words().upper;
        let text = format_args!("Failed trying to load the {upper} synchronization DB: {error}");
        self.replicas.log(Loglevel::Warning, text);
    }

    fn load_end(&mut self) {
        let Some(load) = self.load.take() else { return };
        if let Some(token) = self.token {
            self.io.stop_receiving(token);
        }
        let replicas = self.replicas.clone();
        let upper = self.words().upper;
        if matches!(load, Load::File { .. }) {
            replicas.log(Loglevel::Notice, format_args!("{upper} <-> REPLICA sync: Flushing old data"));
            replicas.log(Loglevel::Notice, format_args!("{upper} <-> REPLICA sync: Loading DB in memory"));
        }
        let generation = self.generation;
        let Applier { io, local, token, actions, .. } = self;
        let mut next_tick_ms = now_ms(&replicas) + 1000;
        let breathe = || {
            if now_ms(&replicas) >= next_tick_ms {
                next_tick_ms = now_ms(&replicas) + 1000;
                keep_alive(&replicas, io, *token, actions);
            }
            !replicas.ending.load(Ordering::Acquire) && !replicas.draining.load(Ordering::Acquire)
        };
        let loaded = load.finish(&replicas, local, generation, breathe);
        if let Some(token) = self.token {
            self.io.start_receiving(token);
        }
        match loaded {
            Ok(report) => {
                let db = report.repl_stream_db.and_then(|db| u16::try_from(db).ok()).unwrap_or(0);
                replicas.stream_db.store(db, Ordering::Relaxed);
                replicas.persistence.load_progress.finish(&report);
                persistence::log_loaded(&replicas.persistence, &report);
                let text = format_args!("{upper} <-> REPLICA sync: Finished with success");
                replicas.log(Loglevel::Notice, text);
                self.step(Event::Loaded(true));
            }
            Err(error) => {
                self.log_unloadable(&error);
                self.give_up_data();
                self.step(Event::Loaded(false));
            }
        }
    }

    fn load_aborted(&mut self) {
        if matches!(self.load.take(), Some(Load::Direct(_))) {
            self.give_up_data();
        }
        self.forget_stream();
    }

    /// What was loaded so far is of no use: an empty node serves clients again, unless it is somebody else's affair by now.
    fn give_up_data(&mut self) {
        let replicas = self.replicas.clone();
        let _ = load::empty(&replicas, &mut self.local, self.generation, false);
    }

    /// The data is the primary's at this offset: so is the history, and clients are served again.
    fn adopt_snapshot(&mut self, id: replication::ReplicationId, offset: u64) {
        let replicas = self.replicas.clone();
        let generation = self.generation;
        let thread = Background::new(&replicas.keyspace, self.local.thread);
        thread.with_world(|_| {
            replicas.loading.store(false, Ordering::Release);
            if replicas.generation.load(Ordering::Acquire) != generation {
                return;
            }
            let mut fed = replicas.primary();
            replicas.stream.reset(offset);
            let mut actions = Vec::new();
            fed.primary.adopt_snapshot(id, offset, now_ms(&replicas), &mut actions);
            replicas.post(actions);
            self.holds_data();
        });
    }

    /// What came does not fit the data: the history is given up, so that the next synchronisation is a full one.
    pub(crate) fn start_over(&mut self) {
        self.forget_stream();
        self.hang_up();
        let replicas = self.replicas.clone();
        let address = replicas.settings().replicaof.clone();
        let (mut link, offset) = (replicas.link(), replicas.stream.offset());
        if replicas.generation.load(Ordering::Acquire) == self.generation
            && let Some(address) = address
        {
            let now_ms = now_ms(&replicas);
            let host = String::from_utf8_lossy(&address.host).into_owned();
            let mut decided = Vec::new();
            link.replica.step(Event::Promote, now_ms, &mut decided);
            link.replica.step(Event::Drained(offset), now_ms, &mut decided);
            let event = Event::ReplicaOf { host: &host, port: address.port, resume: None };
            link.replica.step(event, now_ms, &mut decided);
            decided.retain(|action| !matches!(action, Action::Drain | Action::Promoted));
            link.actions.append(&mut decided);
        }
        self.take_actions(&mut link);
    }
}

/// Lets the core send a sign of life while a load runs.
fn keep_alive(replicas: &Replicas, io: &mut EventLoop, token: Option<Token>, later: &mut VecDeque<Action>) {
    let mut decided = Vec::new();
    replicas.link().replica.step(Event::Tick, now_ms(replicas), &mut decided);
    for action in decided {
        match (action, token) {
            (Action::Send(bytes), Some(token)) => io.send(token, bytes.into()),
            (action, _) => later.push_back(action),
        }
    }
    io.flush();
}
