//! Clients that move from one worker to another; whether and how many is decided in [`crate::gathering`].
//!
//! ```text
//!   old worker: end of a turn ─▶ detach ─ ─ its last bytes ─ ─▶ Detached ──Moved──▶ new worker: add, send what is unsent,
//!                                  │ what it is told meanwhile      │                            frame what was received
//!                                  └────────────── waits ───────────┴──behind it──▶
//! ```
//! Only a client moves of which nobody else knows where it is: it waits for nothing, is in no transaction, listens to nothing,
//! and all its replies are with the event loop. Bytes of requests that have not run move along, and so do those of replies.
//!
//! **Invariant:** what a client is told (CLIENT KILL, UNBLOCK) reaches it: the mailbox of its new worker has it before anybody
//! sees that it is there ([`session::Mailbox::hand_over`]), and its old worker passes on what comes later. An answer to a wait
//! is not passed on: who waits does not move, so it is one to a wait that is over.
//!
//! **Invariant:** an endpoint's clients end when it is closed, wherever they are: a worker that takes a client over knows how many
//! closings the other had been told of, and catches up.

use super::Worker;
use crate::gathering::{self, Candidate, LONG_COMMAND, Load, Spread, WINDOW, Why, Windows};
use engine::{Moment, unix_ms};
use event_loop::{Token, Transport};
use server::{Said, Server};
use session::{Client, Message, Moved};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;
use std::time::Duration;
use supervision::Endpoint;

/// Who has not been heard of for longer is left where it is: it costs nothing.
const ACTIVE_MS: u64 = 1000;
/// Clients that are handed over at once: a turn's end must not become a long turn.
const MOVES_AT_ONCE: usize = 256;
/// A worker that has said nothing for so long does nothing, or is stuck in a turn.
const SILENT_MS: u64 = 20;
const STUCK_MS: u64 = 2;

/// A client on its way out of a worker.
pub(super) struct Departure {
    pub(super) client: Box<Client>,
    pub(super) to: Destination,
}

/// Where a connection goes.
pub(super) enum Destination {
    /// It is a replica's link.
    Feeder,
    /// Another worker, which gets these messages behind it.
    Worker(usize, Vec<Message>),
}

/// What a worker keeps for moving clients.
pub(super) struct Moving {
    windows: Windows,
    began: Moment,
    /// The window lasts at least until then.
    due: Moment,
    began_at: Times,
    longest_turn: Duration,
    long_commands: u64,
    meter: Meter,
    /// How many times it has been told that an endpoint is closed, and when each was last.
    closings: u64,
    closed: Vec<(Endpoint, u64)>,
}

/// What the system says of a thread.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    ran: Duration,
    /// It could have run, and others did.
    delayed: Duration,
}

/// Reads [`Times`] of the thread that made it.
struct Meter(Option<File>);

impl Meter {
    fn new() -> Meter {
        // Where the system does not tell, a thread counts as never delayed.
        Meter(File::open("/proc/thread-self/schedstat").ok())
    }

    fn read(&self) -> Times {
        Times { ran: event_loop::thread_time(), delayed: self.delayed().unwrap_or_default() }
    }

    fn delayed(&self) -> Option<Duration> {
        let mut text = [0; 96];
        let len = self.0.as_ref()?.read_at(&mut text, 0).ok()?;
        let second = str::from_utf8(&text[..len]).ok()?.split(' ').nth(1)?;
        second.parse().ok().map(Duration::from_nanos)
    }
}

impl Moving {
    pub(super) fn new() -> Moving {
        let (meter, began) = (Meter::new(), Moment::now());
        Moving {
            windows: Windows::default(),
            began,
            due: began,
            began_at: meter.read(),
            longest_turn: Duration::ZERO,
            long_commands: 0,
            meter,
            closings: 0,
            closed: Vec::new(),
        }
    }

    /// An endpoint is closed.
    pub(super) fn note_closing(&mut self, endpoint: Endpoint) {
        self.closings += 1;
        self.closed.retain(|(known, _)| *known != endpoint);
        self.closed.push((endpoint, self.closings));
    }

    fn was_closed_since(&self, endpoint: Endpoint, closings: u64) -> bool {
        self.closed.iter().any(|&(closed, at)| closed == endpoint && at > closings)
    }
}

/// How all workers are, from what they said last.
fn loads(server: &Server, now_ms: u64) -> Vec<Load> {
    let load = |(worker, said): (usize, Said)| {
        let is_stuck = server.stats.progress(worker, now_ms.saturating_sub(STUCK_MS)).1.is_some();
        let is_silent = now_ms.saturating_sub(said.at_ms) > SILENT_MS;
        let busy = if is_silent { 0.0 } else { said.busy_permille as f64 / 1000.0 };
        Load { busy, is_stuck, had_long_commands: false }
    };
    server.board.said().enumerate().map(load).collect()
}

impl Worker {
    /// A turn is over that took so long. Looks at itself now and then, and hands clients over if others are better off with them.
    #[inline]
    pub(super) fn end_turn(&mut self, server: &Server, now: Moment, took: Duration) {
        self.moving.longest_turn = self.moving.longest_turn.max(took);
        if (now >= self.moving.due || self.local.lengthy.get().1 > 0) && server.board.gathers() {
            self.end_window(server, now);
        }
    }

    #[cold]
    fn end_window(&mut self, server: &Server, now: Moment) {
        let (culprit, command_ns) = self.local.lengthy.take();
        let moving = &mut self.moving;
        let times = moving.meter.read();
        let delayed = times.delayed.saturating_sub(moving.began_at.delayed);
        // Where others had the processor meanwhile, it was not long.
        let longest_command = Duration::from_nanos(command_ns).saturating_sub(delayed);
        let passed = now.since(moving.began).saturating_sub(delayed);
        if passed < WINDOW && longest_command < LONG_COMMAND {
            moving.due = now + (WINDOW - passed);
            return;
        }
        moving.due = now + WINDOW;
        moving.long_commands += u64::from(longest_command >= LONG_COMMAND);
        let longest_turn = std::mem::take(&mut moving.longest_turn).saturating_sub(delayed);
        let spun = self.io.spun();
        let ran = times.ran.saturating_sub(spun);
        let ran_now = ran.saturating_sub(moving.began_at.ran);
        let busy = (ran_now.as_secs_f64() / passed.as_secs_f64().max(1e-9)).min(1.0);
        moving.began = now;
        moving.began_at = Times { ran, delayed: times.delayed };
        let now_ms = unix_ms();
        let said = Said {
            ran_ns: ran.as_nanos() as u64,
            delayed_ns: times.delayed.as_nanos() as u64,
            long_commands: moving.long_commands,
            busy_permille: (busy * 1000.0) as u64,
            at_ms: now_ms,
        };
        server.board.say(self.number, said);
        if let Some(why) = moving.windows.end(busy, longest_turn, longest_command) {
            let loads = loads(server, now_ms);
            let active = server.board.active();
            if let Some(spread) = gathering::spread(self.number, active, &loads, why) {
                let moved = self.hand_part_over(server, spread, why, culprit);
                self.moving.windows.handed_over(moved);
            }
        }
    }

    /// Hands a part of its load over; how many clients went.
    fn hand_part_over(&mut self, server: &Server, spread: Spread, why: Why, culprit: u64) -> usize {
        let (places, candidates): (Vec<usize>, Vec<Candidate>) =
            self.active_clients().map(|(at, weight, can_move)| (at, Candidate { weight, can_move })).unzip();
        let candidates: Vec<Candidate> = match why {
            Why::Saturated => candidates,
            // Clients wait for one another: what counts is how many they are, and who makes them wait.
            Why::LongTurn => {
                let is_culprit =
                    |&at: &usize| self.clients[at].as_ref().is_some_and(|client| client.id == culprit);
                let weigh =
                    |(at, of): (&usize, Candidate)| Candidate { weight: 1 + u64::from(is_culprit(at)), ..of };
                places.iter().zip(candidates).map(weigh).collect()
            }
        };
        for &at in &places {
            if let Some(client) = &mut self.clients[at] {
                client.weighed = client.shared.commands.load(Ordering::Relaxed);
            }
        }
        let chosen = gathering::choose(&candidates, spread.part, MOVES_AT_ONCE);
        if !chosen.is_empty() {
            server.board.raise(spread.to + 1);
            // What they are to be sent leaves now rather than when they have arrived.
            self.io.flush();
        }
        chosen.iter().for_each(|&at| self.hand_over(places[at], spread.to));
        chosen.len()
    }

    /// Clients that were heard of lately: place, commands since the last look, whether it can move.
    fn active_clients(&self) -> impl Iterator<Item = (usize, u64, bool)> {
        let since_ms = self.local.now_ms.saturating_sub(ACTIVE_MS);
        self.clients.iter().enumerate().filter_map(move |(at, client)| {
            let client = client.as_deref()?;
            let is_active = client.shared.active_ms.load(Ordering::Relaxed) >= since_ms;
            let weight = client.shared.commands.load(Ordering::Relaxed).saturating_sub(client.weighed);
            is_active.then(|| (at, weight, self.can_move(client)))
        })
    }

    /// Whether it is here and nowhere else, and nothing of it is under way but bytes.
    fn can_move(&self, client: &Client) -> bool {
        client.is_runnable()
            && client.outbox.is_empty()
            && !client.outbox.is_held()
            && !client.listed
            && !client.dirty
            && !client.throttled
            && !client.introduced
            && client.multi.is_none()
            && client.watching.is_none()
            && client.subscriptions.is_none()
            && client.walk.is_none()
            && self.io.refused_bytes(client.token) == 0
    }

    /// Hands over what clients of a worker that is not active any more do here.
    pub(super) fn hand_rest_over(&mut self, server: &Server) {
        let board = &server.board;
        if !board.gathers() || self.number < board.active() {
            return;
        }
        let stirring: Vec<usize> =
            self.active_clients().filter(|&(_, _, can_move)| can_move).map(|(at, ..)| at).collect();
        if !stirring.is_empty() {
            self.io.flush();
        }
        stirring.iter().take(MOVES_AT_ONCE).for_each(|&at| self.hand_over(at, board.place()));
    }

    fn hand_over(&mut self, at: usize, to: usize) {
        let Some(client) = self.vacate(at) else { return };
        self.by_id.remove(&client.id);
        self.io.detach(client.token);
        let departure = Departure { client, to: Destination::Worker(to, Vec::new()) };
        self.leaving.insert(departure.client.token, departure);
    }

    /// A connection has left the event loop.
    pub(super) fn depart(&mut self, server: &Server, token: Token, transport: Transport, unsent: Vec<u8>) {
        let Some(Departure { client, to }) = self.leaving.remove(&token) else { return };
        match to {
            Destination::Feeder => {
                replica_threads::link::hand_over(&server.replicas, *client, transport, unsent);
            }
            Destination::Worker(to, mail) => {
                let mailbox = &server.mailboxes[to];
                let closings = self.moving.closings;
                mailbox.hand_over(Box::new(Moved { client, transport, unsent, closings }), to);
                mail.into_iter().for_each(|message| mailbox.post(message));
            }
        }
    }

    /// Takes a client over from another worker.
    pub(super) fn take_over(&mut self, server: &Server, moved: Moved) {
        let Moved { mut client, transport, unsent, closings } = moved;
        let Ok(token) = self.io.add(transport) else {
            return self.forget(server, &mut client);
        };
        client.token = token;
        let is_over = client.shared.killed.load(Ordering::Relaxed)
            || client.endpoint.is_some_and(|endpoint| self.moving.was_closed_since(endpoint, closings));
        let has_requests = client.backlog() > 0;
        let at = token.index();
        self.settle_in(at, client);
        if is_over {
            return self.close(server, at);
        }
        if has_requests {
            self.parse_next(at);
        }
        if !unsent.is_empty() {
            self.io.send(token, unsent);
            self.mark_dirty(at);
        }
    }

    /// Closes the clients of an endpoint that are on their way to another worker.
    pub(super) fn close_departing(&mut self, server: &Server, endpoint: Endpoint) {
        let theirs = |departure: &Departure| {
            matches!(departure.to, Destination::Worker(..)) && departure.client.endpoint == Some(endpoint)
        };
        let closed: Vec<Departure> = self
            .leaving
            .extract_if(|_, departure| theirs(departure))
            .map(|(_, departure)| departure)
            .collect();
        for mut departure in closed {
            self.forget(server, &mut departure.client);
            // Detached, it is dropped with the event.
        }
    }

    /// A message to a client that is not here, or not any more.
    pub(super) fn pass_on(&mut self, server: &Server, id: u64, message: Message) {
        let departing = self.leaving.values_mut().find(|departure| departure.client.id == id);
        if let Some(Departure { to: Destination::Worker(_, mail), .. }) = departing {
            mail.push(message);
            return;
        }
        match server.clients.get(id).map(|client| client.worker()) {
            Some(worker) if worker != self.number => server.mailboxes[worker].post(message),
            _ if matches!(message, Message::Kill(_)) => replica_threads::link::kill(&server.replicas, id),
            _ => {}
        }
    }
}
