//! Applying a primary's stream, in its order.
//!
//! ```text
//!   pending bytes ─ parse up to 64 ─▶ prefetch ─▶ lock · run · events ─▶ append the very same bytes ─▶ leave the gate
//! ```
//! Effects are applied as commands, by the same code that runs those of clients, with three differences: expired
//! keys count as present (the primary says when to delete them), nothing blocks, and no effects are described for the stream.
//! The stream gets the primary's own bytes before the gate is left, so in the world data and offset agree.
//!
//! A transaction is collected until its EXEC has come, and runs under the locks of all its commands, so nobody sees half
//! of it. It is framed once, however many pieces it arrives in.

use crate::applier::Applier;
use crate::replicas::Replicas;
use command_spec::Behaviour;
use command_table::Command;
use command_table::{Locks, Resolved, locks_of_all};
use config::Loglevel;
use engine::Moment;
use engine::cx::Host;
use engine::exec::{any_of_all_awaits_capture, call, send_effects, serve_unserved};
use engine::stats::Counter;
use keyspace::{EventClass, Expiry, Guard, Located};
use number::parse_i64;
use replication::replica::Event;
use resp::{Limits, Parsed, Request};
use snapshot::Background;
use std::sync::atomic::Ordering;
use std::time::Duration;
use topology::Slot;

/// Commands applied in one passage of the gate, and prefetched together.
const CHUNK: usize = 64;
/// How long to wait for the feeder when the stream's tail is full.
const TAIL_PAUSE: Duration = Duration::from_millis(1);
/// How long to wait for a capture before it is seen whether the node ends.
const CAPTURE_PAUSE: Duration = Duration::from_millis(100);

/// A framed command.
struct Entry {
    request: Request,
    /// Where it begins in the pending bytes.
    start: usize,
    command: &'static Command,
    place: Option<Located>,
}

/// Commands that were framed and not applied.
#[derive(Default)]
pub(crate) struct Batch {
    entries: Vec<Entry>,
    /// Up to where the pending bytes are framed.
    framed: usize,
    /// Up to where they are applied and appended.
    applied: usize,
    in_transaction: bool,
}

/// Why applying ended early.
enum Stop {
    /// The role changed: what is pending is void.
    Void,
    /// The stream does not fit the data.
    Inconsistent(String),
}

impl Batch {
    pub(crate) fn clear(&mut self) {
        *self = Batch::default();
    }
}

impl<H: Host> Applier<H> {
    /// Applies what is whole of the pending bytes.
    pub(crate) fn apply_pending(&mut self) {
        if self.pending.len() == self.batch.framed || self.client.is_none() {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        if let Some(client) = &mut self.client {
            client.db = self.replicas.stream_db.load(Ordering::Relaxed);
        }
        let applied = self.apply(&pending);
        let replicas = self.replicas.clone();
        self.local.leave(&replicas);
        match applied {
            Ok(()) => {
                let done = self.batch.applied;
                pending.drain(..done);
                session::let_go(&mut pending);
                self.pending = pending;
                self.batch.applied = 0;
                self.batch.framed -= done;
                self.batch.entries.iter_mut().for_each(|entry| entry.start -= done);
                if self.batch.entries.is_empty() && !self.batch.in_transaction && !self.parser.in_request() {
                    self.args.clear();
                }
                let offset = replicas.stream.offset();
                self.step(Event::Applied(offset));
                replicas.reached.note(offset);
            }
            Err(Stop::Void) => self.collect_void(),
            Err(Stop::Inconsistent(why)) => {
                self.replicas.stats.add(self.local.thread, Counter::Inapplicable, 1);
                self.replicas.log(
                    Loglevel::Notice,
                    format_args!("The primary's stream does not fit the data ({why}): synchronizing anew"),
                );
                self.start_over();
            }
        }
    }

    fn collect_void(&mut self) {
        self.batch.clear();
        self.args.clear();
        self.parser = resp::Parser::new();
        self.step(Event::Tick);
    }

    fn apply(&mut self, pending: &[u8]) -> Result<(), Stop> {
        let replicas = self.replicas.clone();
        let limits = Limits { max_bulk_len: i64::MAX / 2, ..Limits::default() };
        loop {
            let start = self.batch.framed;
            match self.parser.parse(&pending[start..], &limits, &mut self.args) {
                Ok(Parsed::Request(request)) => self.frame(&replicas, pending, start, request)?,
                Ok(Parsed::Skip { consumed }) => self.batch.framed += consumed,
                Ok(Parsed::Incomplete { .. }) if self.batch.in_transaction => return Ok(()),
                Ok(Parsed::Incomplete { .. }) => return self.apply_singles(&replicas, pending),
                Err(error) => return Err(Stop::Inconsistent(error.to_string())),
            }
        }
    }

    /// Takes a command over that was parsed, and applies when there is enough.
    fn frame(
        &mut self,
        replicas: &Replicas,
        pending: &[u8],
        start: usize,
        request: Request,
    ) -> Result<(), Stop> {
        let bytes = &pending[start..];
        let (command, place) = self.locate(replicas, bytes, &request)?;
        let behaviour = command.spec.behaviour;
        if behaviour.contains(Behaviour::BEGINS_TRANSACTION) {
            self.apply_singles(replicas, pending)?;
            self.batch.in_transaction = true;
            self.batch.framed = start + request.consumed;
        } else if behaviour.contains(Behaviour::RUNS_QUEUE) {
            self.batch.framed = start + request.consumed;
            self.apply_transaction(replicas, pending)?;
            self.batch.in_transaction = false;
        } else {
            self.batch.entries.push(Entry { request, start, command, place });
            self.batch.framed = start + request.consumed;
            if !self.batch.in_transaction && self.batch.entries.len() == CHUNK {
                self.apply_singles(replicas, pending)?;
            }
        }
        Ok(())
    }

    /// The command, and the place of its first key, whose slot starts to come into the cache.
    fn locate(
        &self,
        replicas: &Replicas,
        bytes: &[u8],
        request: &Request,
    ) -> Result<(&'static Command, Option<Located>), Stop> {
        let argv: Vec<&[u8]> = self.args.iter(request, bytes).collect();
        let command = replicas
            .commands
            .resolve_streamed(&argv)
            .map_err(|error| Stop::Inconsistent(error.to_string()))?;
        let first_key = command.run.first_key as usize;
        let place = (first_key > 0 && first_key < argv.len()).then(|| {
            let slot = Slot::of(argv[first_key]);
            replicas.keyspace.prefetch_slot(slot);
            Located { slot, hash: replicas.keyspace.hash(argv[first_key]) }
        });
        Ok((command, place))
    }

    /// Enters the gate, waiting while it is closed.
    fn enter(&mut self, replicas: &Replicas) -> Result<(), Stop> {
        while !self.local.enter(replicas) {
            if replicas.ending.load(Ordering::Acquire) {
                return Err(Stop::Void);
            }
            if self.local.standing.wait(&*replicas.keyspace) {
                std::thread::park_timeout(Duration::from_millis(100));
            }
        }
        self.as_primary_says(replicas)
    }

    /// Prepares to run the primary's commands, if it is still the primary.
    fn as_primary_says(&mut self, replicas: &Replicas) -> Result<(), Stop> {
        let wanted = self.local.settings.notify_keyspace_events.0;
        let effects = &mut self.local.scratch.effects;
        effects.begin();
        effects.replicating = false;
        effects.wanted = EventClass::from_bits_truncate(wanted);
        self.local.expiry = Expiry::Ignore;
        let is_mine = replicas.generation.load(Ordering::Acquire) == self.generation;
        if is_mine { Ok(()) } else { Err(Stop::Void) }
    }

    /// Appends what was applied, inside the gate.
    fn append(&mut self, replicas: &Replicas, pending: &[u8], upto: usize) {
        if upto > self.batch.applied {
            replicas.stream.append_raw(&pending[self.batch.applied..upto]);
            self.batch.applied = upto;
        }
    }

    /// Leaves the gate, with data and stream in agreement.
    fn leave(&mut self, replicas: &Replicas, pending: &[u8], upto: usize) {
        self.append(replicas, pending, upto);
        self.local.leave(replicas);
        while replicas.stream.is_full() && !replicas.ending.load(Ordering::Acquire) {
            std::thread::park_timeout(TAIL_PAUSE);
        }
    }

    fn apply_singles(&mut self, replicas: &Replicas, pending: &[u8]) -> Result<(), Stop> {
        let upto = self.batch.framed;
        let entries = std::mem::take(&mut self.batch.entries);
        if entries.is_empty() && upto == self.batch.applied {
            return Ok(());
        }
        self.enter(replicas)?;
        let places =
            || entries.iter().filter_map(|entry| entry.place.map(|place| (place, entry.request.consumed)));
        if self.db() == 0 && entries.len() > 1 {
            places().for_each(|(place, _)| replicas.keyspace.prefetch_bucket(place.slot, place.hash));
            // What a primary sends are writes.
            places().for_each(|(place, bytes)| {
                replicas.keyspace.prefetch_entry(place.slot, place.hash, keyspace::Expected::write(bytes));
            });
        }
        for entry in &entries {
            self.apply_single(replicas, pending, entry)?;
        }
        self.leave(replicas, pending, upto);
        self.batch.entries = entries;
        self.batch.entries.clear();
        if !self.batch.in_transaction {
            self.args.clear();
        }
        Ok(())
    }

    fn db(&self) -> u16 {
        self.client.as_ref().map_or(0, |client| client.db)
    }

    fn apply_single(&mut self, replicas: &Replicas, pending: &[u8], entry: &Entry) -> Result<(), Stop> {
        let argv = self.argv(pending, entry);
        let request = Resolved::new(entry.command, &argv, entry.place.as_slice());
        let alone = std::slice::from_ref(&request);
        match request.locks() {
            Locks::None => self.locked(replicas, pending, entry.start, &[], alone),
            Locks::Slots(slots) => self.locked(replicas, pending, entry.start, slots, alone),
            Locks::SlotBySlot | Locks::World => {
                self.in_world(replicas, pending, entry.start, entry.start + entry.request.consumed, alone)
            }
        }
    }

    fn argv<'a>(&self, pending: &'a [u8], entry: &Entry) -> Vec<&'a [u8]> {
        let bytes = &pending[entry.start..];
        self.args.ranges(&entry.request).iter().map(|range| range.of(bytes)).collect()
    }

    /// Runs commands under the locks of slots that are enough for all of them. What was applied before them is appended
    /// up to `upto` if they have to wait.
    fn locked(
        &mut self,
        replicas: &Replicas,
        pending: &[u8],
        upto: usize,
        slots: &[Slot],
        requests: &[Resolved<'_>],
    ) -> Result<(), Stop> {
        let mut guard = self.lock(replicas, pending, upto, slots, requests)?;
        for request in requests {
            if !self.is_about_the_link(replicas, pending, upto, request)? {
                self.run_command(replicas, request, &mut guard)?;
            }
        }
        drop(guard);
        self.serve(replicas);
        Ok(())
    }

    /// Takes the locks for commands, outside of which nothing is waited for: not for somebody who has them, nor for a
    /// snapshot to capture a large value that the commands change.
    fn lock<'s>(
        &mut self,
        replicas: &'s Replicas,
        pending: &[u8],
        upto: usize,
        slots: &[Slot],
        requests: &[Resolved<'_>],
    ) -> Result<Guard<'s>, Stop> {
        loop {
            let guard = match slots {
                [] => return Ok(replicas.keyspace.walk_slots()),
                [slot] => replicas.keyspace.lock(*slot),
                slots => replicas.keyspace.lock_many(slots),
            };
            match guard {
                Ok(mut guard) => {
                    let (db, local) = (self.db(), &mut self.local);
                    if !any_of_all_awaits_capture(replicas, local, db, requests.iter(), &mut guard) {
                        return Ok(guard);
                    }
                    drop(guard);
                    self.leave(replicas, pending, upto);
                    if replicas.ending.load(Ordering::Acquire) {
                        return Err(Stop::Void);
                    }
                    std::thread::park_timeout(CAPTURE_PAUSE);
                    self.enter(replicas)?;
                }
                Err(busy) => {
                    self.leave(replicas, pending, upto);
                    Background::new(&replicas.keyspace, self.local.thread).wait_for(busy);
                    self.enter(replicas)?;
                }
            }
        }
    }

    /// Commands about the link itself rather than data; whether it was one.
    fn is_about_the_link(
        &mut self,
        replicas: &Replicas,
        pending: &[u8],
        upto: usize,
        request: &Resolved<'_>,
    ) -> Result<bool, Stop> {
        let argv = request.argv;
        let behaviour = request.command.spec.behaviour;
        if behaviour.contains(Behaviour::SELECTS_DATABASE) {
            let db = argv.get(1).and_then(|db| parse_i64(db)).and_then(|db| u16::try_from(db).ok());
            let db = db.filter(|&db| usize::from(db) < replicas.keyspace.databases());
            let Some(db) = db else { return Err(Stop::Inconsistent("no such database".into())) };
            if let Some(client) = &mut self.client {
                client.db = db;
                client.shared.db.store(db, Ordering::Relaxed);
            }
            replicas.stream_db.store(db, Ordering::Relaxed);
            return Ok(true);
        }
        if behaviour.contains(Behaviour::CONFIGURES_LINK) {
            if argv.get(1).is_some_and(|option| option.eq_ignore_ascii_case(b"getack")) {
                self.append(replicas, pending, upto);
                self.step(Event::Applied(replicas.stream.offset()));
                self.step(Event::GetAck);
            }
            return Ok(true);
        }
        Ok(behaviour.contains(Behaviour::KEEPS_LINK_ALIVE))
    }

    fn run_command(
        &mut self,
        replicas: &Replicas,
        request: &Resolved<'_>,
        guard: &mut Guard<'_>,
    ) -> Result<(), Stop> {
        let Some(client) = &mut self.client else { return Err(Stop::Void) };
        let command = request.command;
        let outcome = call(&*self.host, &mut self.local, client, request, guard, true);
        client.take_back(0);
        let now = Moment::now();
        let nanoseconds = now.nanoseconds_since(self.local.clock);
        self.local.clock = now;
        let thread = self.local.thread;
        replicas.stats.called(thread, command.run.id, nanoseconds, outcome.is_err());
        send_effects(replicas, &mut self.local);
        match outcome {
            Ok(_) => Ok(()),
            Err(error) => Err(Stop::Inconsistent(format!("{}: {error}", command.run.full_name))),
        }
    }

    /// Serves clients of a writable replica that block on what the primary made ready.
    fn serve(&mut self, replicas: &Replicas) {
        if !self.local.unserved.is_empty() {
            serve_unserved(replicas, &mut self.local);
        }
    }

    fn apply_transaction(&mut self, replicas: &Replicas, pending: &[u8]) -> Result<(), Stop> {
        let (from, upto) = (self.batch.applied, self.batch.framed);
        let entries = std::mem::take(&mut self.batch.entries);
        let argvs: Vec<Vec<&[u8]>> = entries.iter().map(|entry| self.argv(pending, entry)).collect();
        let resolve = |(entry, argv)| {
            let (entry, argv): (&Entry, &Vec<&[u8]>) = (entry, argv);
            Resolved::new(entry.command, argv, entry.place.as_slice())
        };
        let requests: Vec<Resolved<'_>> = entries.iter().zip(&argvs).map(resolve).collect();
        self.enter(replicas)?;
        match locks_of_all(requests.iter().map(Resolved::locks), std::iter::empty()) {
            Some(slots) => self.locked(replicas, pending, from, &slots, &requests)?,
            None => self.in_world(replicas, pending, from, upto, &requests)?,
        }
        self.leave(replicas, pending, upto);
        self.args.clear();
        Ok(())
    }

    /// Runs commands in the world, with what was applied before them appended up to `from`. Inside the gate before and
    /// after.
    fn in_world(
        &mut self,
        replicas: &Replicas,
        pending: &[u8],
        from: usize,
        upto: usize,
        requests: &[Resolved<'_>],
    ) -> Result<(), Stop> {
        self.leave(replicas, pending, from);
        let thread = Background::new(&replicas.keyspace, self.local.thread);
        thread.with_world(|guard| {
            self.as_primary_says(replicas)?;
            for request in requests {
                if !self.is_about_the_link(replicas, pending, from, request)? {
                    self.run_command(replicas, request, guard)?;
                }
            }
            self.append(replicas, pending, upto);
            Ok(())
        })?;
        self.enter(replicas)?;
        self.serve(replicas);
        Ok(())
    }
}
