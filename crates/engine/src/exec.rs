//! The life of a command, from its arguments to its reply.
//!
//! ```text
//!  resolve ─▶ admission ─▶ locks ─▶ run ─▶ effects ─▶ unlock ─▶ reply
//!                │ refused: an error     │ finds nothing: a ticket
//!                └ not now: suspended, done nothing, runs again from the start
//! ```
//! A worker never waits here. What a command needs is in its spec: nothing, the slots of its keys, one slot at a time, or
//! the world. What it did is in its effects; they leave while the locks are still held, so that their order is the
//! order of the locks: the stream first, then clients that block on a key it made ready, then keyspace events.

#[cfg(test)]
mod admitted;
mod capture;
mod publishing;
mod serving;
mod walking;

pub use capture::{any_of_all_awaits_capture, transaction_awaits_capture};
pub(crate) use publishing::write as write_delivery;
pub use publishing::{deliver, publish, send_effects};
pub use serving::serve_unserved;

use crate::access;
use crate::admission;
use crate::cx::{Flow, Host, OwnCx, Suspend};
use crate::engine::Engine;
use crate::lazyfree::LazyFree;
use crate::moment::Moment;
use crate::stats::Counter;
use crate::waits;
use command_spec::{Behaviour, Flags};
use command_table::{Command, Run, Unknown};
use command_table::{Locks, Resolved};
use commands::{Block, Cx, Effort, Error, Options, Random};
use config::Settings;
use keyspace::{
    Effects, EventClass, Expiry, Guard, Keys, KeysContext, Outlet, Reclaimer, Scratch, SlotBusy, Standing,
    Ticket, Wait,
};
use profile::Profile;
use publishing::publish_events;
use resp::{Proto, Writer};
use serving::serve;
use session::pubsub::Delivery;
use session::tracking::Changed;
use session::{Blocked, Client, ReplyMode, TimeoutReply, WaitFor, flag};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use structures::Limits;
use topology::Slot;

/// A command that others wait for.
const LENGTHY_NS: u64 = 500_000;
/// How often a background thread looks whether workers have handed out its messages.
const MAIL_PAUSE: Duration = Duration::from_millis(1);
/// How often the closer of the gate looks whether everybody left, before it turns to other work: a few microseconds.
const WORLD_SPINS: u32 = 2000;

/// What a thread that executes commands has of its own.
pub struct Local {
    /// Its number for the keyspace and the statistics.
    pub thread: usize,
    /// The settings of this turn.
    pub settings: Arc<Settings>,
    /// Which ones they are.
    pub settings_version: u64,
    /// What data commands depend on.
    pub options: Options,
    /// What commands leave behind: effects, what is to be freed.
    pub scratch: Scratch,
    /// Randomness for commands and samples.
    pub random: Random,
    /// What others may still look at.
    pub reclaimer: Reclaimer,
    /// Who frees what takes long.
    pub lazyfree: LazyFree,
    /// Unix time of the turn.
    pub now_ms: u64,
    /// The end of the last command, where the next one's time begins.
    pub clock: Moment,
    /// What admission decided by when the last command was admitted: [`Engine::decisions`].
    pub decided: u64,
    /// Where the thread stands at the gate, and the client for which it holds it closed.
    pub standing: Standing,
    /// A slot that others waited for when this thread gave it back: it is theirs until the next turn.
    pub yielded: Option<Slot>,
    /// Keys that may serve clients whose locks were not among those held.
    pub unserved: Vec<(u16, Arc<[u8]>)>,
    /// Messages to clients of this very worker.
    pub deliveries: Vec<(Vec<u64>, Delivery)>,
    /// Changed keys of which clients with prefixes are told when the thread leaves the gate.
    pub broadcasts: Vec<Changed>,
    /// The client that ran a command so long that others had to wait for it, and its nanoseconds.
    pub lengthy: Cell<(u64, u64)>,
    /// How long a command may take here.
    pub effort: Effort,
    /// Number of the next wait for another thread.
    pub next_wait: u64,
    /// What becomes of expired keys here.
    pub expiry: Expiry,
    /// Candidates for eviction.
    pub pool: crate::maxmemory::Pool,
}

impl Local {
    /// Those of a thread with this number.
    pub fn new(engine: &Arc<Engine>, thread: usize, lazyfree: LazyFree) -> Local {
        let theirs = engine.clone();
        let outlet = Outlet::new(move |effects| {
            append_effects(&theirs, thread, effects);
        });
        let settings = engine.settings();
        let options = current_options(&settings, engine.profile);
        Local {
            thread,
            settings_version: engine.settings_version.load(Ordering::Acquire),
            settings,
            options,
            scratch: Scratch { outlet, random: crate::engine::random_u64(), ..Scratch::default() },
            random: Random::new(crate::engine::random_u64()),
            reclaimer: Reclaimer::new(),
            lazyfree,
            now_ms: crate::engine::unix_ms(),
            clock: Moment::now(),
            decided: 0,
            standing: Standing::new(thread),
            yielded: None,
            unserved: Vec::new(),
            deliveries: Vec::new(),
            broadcasts: Vec::new(),
            lengthy: Cell::default(),
            effort: Effort::ANY,
            next_wait: 1,
            expiry: Expiry::Delete,
            pool: crate::maxmemory::Pool::default(),
        }
    }

    /// Takes over settings that changed.
    pub fn refresh(&mut self, engine: &Engine) {
        let version = engine.settings_version.load(Ordering::Acquire);
        if version != self.settings_version {
            self.settings_version = version;
            self.settings = engine.settings();
            self.options = current_options(&self.settings, engine.profile);
        }
    }

    /// How keys of a database are looked at now.
    pub fn context(&self, db: u16, no_touch: bool) -> KeysContext {
        KeysContext {
            thread: self.thread,
            db,
            now_ms: self.now_ms,
            expiry: self.expiry,
            lazy_expire: self.settings.lazyfree_lazy_expire,
            no_touch,
            clock: self.options.clock,
        }
    }

    /// Enters the gate, for as long as [`Local::leave`] is not called; `false` when it is closed.
    #[inline]
    pub fn enter(&mut self, engine: &Engine) -> bool {
        if self.standing.is_inside() {
            return true;
        }
        if !self.standing.enter(&*engine.keyspace) {
            return false;
        }
        self.begin_passage(engine);
        true
    }

    /// Enters the gate for a client's command that was admitted; `false` when it is closed, or when the role or a handover
    /// has changed between admission and here, so that the command is to be admitted anew.
    #[inline]
    pub fn enter_admitted(&mut self, engine: &Engine, client: u64) -> bool {
        if self.standing.is_inside() {
            return true;
        }
        if !self.standing.enter_for(&*engine.keyspace, client) {
            return false;
        }
        self.begin_passage(engine);
        if engine.decisions.load(Ordering::Acquire) == self.decided {
            return true;
        }
        self.leave(engine);
        false
    }

    /// Locks slots, ascending and each once, unless one of them is for others now.
    #[inline]
    pub fn lock<'s>(&self, engine: &'s Engine, slots: &[Slot]) -> Result<Guard<'s>, SlotBusy> {
        if let Some(slot) = self.yielded
            && slots.contains(&slot)
        {
            return Err(SlotBusy(slot));
        }
        match slots {
            [slot] => engine.keyspace.lock(*slot),
            slots => engine.keyspace.lock_many(slots),
        }
    }

    /// Gives locks back, and lets others have what they wait for.
    #[inline]
    pub fn release(&mut self, guard: Guard<'_>) {
        if let Some(slot) = guard.release() {
            self.yielded = Some(slot);
        }
    }

    /// Looks at what holds for a whole passage of the gate, or for as long as the world is this thread's: roles and the
    /// stream change in the world only.
    #[inline]
    pub fn begin_passage(&mut self, engine: &Engine) {
        self.scratch.effects.replicating = engine.stream.is_on();
        self.scratch.effects.wanted = EventClass::from_bits_truncate(self.settings.notify_keyspace_events.0);
        self.expiry = admission::expiry(engine, self.now_ms);
    }

    /// Waits, on a thread that may, until workers have handed out the messages that it caused.
    fn await_mail(&self, engine: &Engine) {
        while engine.is_mail_full(self.thread) && !engine.ending.load(Ordering::Acquire) {
            std::thread::park_timeout(MAIL_PAUSE);
        }
    }

    /// Leaves the gate, and lets go of what nobody looks at any more.
    #[inline]
    pub fn leave(&mut self, engine: &Engine) {
        self.scratch.effects.assert_taken();
        if !self.broadcasts.is_empty() {
            crate::tracking::broadcast(engine, self);
        }
        self.standing.leave(&*engine.keyspace);
        // A worker does so once a turn.
        if self.thread >= engine.workers() {
            engine.stream.notify();
            self.await_mail(engine);
        }
        let Scratch { hits, misses, .. } = &mut self.scratch;
        if *hits | *misses != 0 {
            engine.stats.add(self.thread, Counter::Hits, std::mem::take(hits));
            engine.stats.add(self.thread, Counter::Misses, std::mem::take(misses));
        }
        self.reclaimer.collect(&engine.keyspace, &mut self.scratch.retired);
        if !self.scratch.garbage.is_empty() {
            self.lazyfree.entries(&mut self.scratch.garbage);
        }
    }
}

/// DEBUG QUICKLIST-PACKED-THRESHOLD sets this for the whole process, as the real server has it.
pub static PACKED_THRESHOLD: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1 << 30);

/// DEBUG SET-SKIP-CHECKSUM-VALIDATION sets this.
pub static SKIP_CHECKSUMS: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// What data commands depend on now: settings, and what DEBUG has put beside them.
fn current_options(settings: &Settings, profile: Profile) -> Options {
    let verify_payloads = !SKIP_CHECKSUMS.load(Ordering::Relaxed);
    Options { limits: current_limits(settings, profile), verify_payloads, ..Options::new(profile, settings) }
}

pub use commands::access_clock;

/// Thresholds of compact encodings now: settings, and what DEBUG has put in place of one.
pub fn current_limits(settings: &Settings, profile: Profile) -> Limits {
    let list_packed_threshold = PACKED_THRESHOLD.load(Ordering::Relaxed);
    Limits { list_packed_threshold, ..commands::limits(settings, profile) }
}

/// What the worker does next with a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Its next command.
    Continue,
    /// The same command, when the reason is gone.
    Stall(Suspend),
    /// The same command, where it may take long.
    Elsewhere,
    /// Nothing until its wait is over.
    Blocked,
    /// Close it once its replies are sent.
    Close,
    /// Nothing: its connection leaves the worker.
    Detach,
}

/// Executes one request of a client, or queues it, or refuses it.
pub fn process<H: Host>(
    host: &H,
    local: &mut Local,
    client: &mut Client,
    request: Result<&Resolved<'_>, Unknown>,
    argv: &[&[u8]],
) -> Next {
    let start = client.outbox.begin_reply();
    if client.reply == ReplyMode::SkipNext {
        client.set_reply(ReplyMode::Skipping);
    }
    let known = request.as_ref().ok().map(|request| request.command);
    let next = match request {
        Ok(request) => dispatch(host, local, client, request),
        Err(unknown) => refuse_unknown(host, local, client, argv, unknown),
    };
    if next != Next::Stall(Suspend::Gate) {
        // It may have closed the gate, and was refused, or paused, before it got the world.
        local.standing.forget(&*host.keyspace, client.id);
    }
    if let Next::Stall(_) | Next::Elsewhere = next {
        client.take_back(start);
        client.outbox.end_reply();
        if client.reply == ReplyMode::Skipping {
            client.set_reply(ReplyMode::SkipNext);
        }
        return next;
    }
    client.walk = None;
    if client.caching && client.multi.is_none() {
        client.caching =
            known.is_some_and(|command| command.spec.behaviour.contains(Behaviour::KEEPS_CACHING));
    }
    if client.reply == ReplyMode::Skipping {
        client.set_reply(ReplyMode::On);
    }
    client.outbox.end_reply();
    next
}

fn dispatch<H: Host>(host: &H, local: &mut Local, client: &mut Client, request: &Resolved<'_>) -> Next {
    let (command, argv) = (request.command, request.argv);
    if client.endpoint.is_some() && command.run.restricted {
        let unknown = command_table::restricted::unknown(command, argv);
        return refuse_unknown(host, local, client, argv, unknown);
    }
    client.shared.last_command.store(command.run.id as u32 + 1, Ordering::Relaxed);
    host.stats.runs(local.thread, command.run.id);
    if !command.spec.arity_fits(argv.len()) {
        return refuse(host, local, client, command, &Error::Arity(command.run.full_name.into()));
    }
    match admission::admit(host, local, client, request) {
        Ok(()) => {}
        Err(admission::Refusal::Error(error)) => return refuse(host, local, client, command, &error),
        Err(admission::Refusal::Farewell(error)) => {
            refuse(host, local, client, command, &error);
            return Next::Close;
        }
        Err(admission::Refusal::Close) => return Next::Close,
        Err(admission::Refusal::Suspend(suspend)) => return Next::Stall(suspend),
    }
    if client.multi.is_some() && !admission::runs_inside_multi(command) {
        client.queue(request.keep());
        client.writer().simple("QUEUED");
        return Next::Continue;
    }
    let start = client.outbox.len();
    let outcome = execute(host, local, client, request);
    let now = Moment::now();
    let mut nanoseconds = now.nanoseconds_since(local.clock);
    local.clock = now;
    if let Some(walk) = &mut client.walk {
        nanoseconds = walk.add_time(nanoseconds);
    }
    let next = match outcome {
        Ok(Flow::Done) => Next::Continue,
        Ok(Flow::Suspend(suspend)) => return Next::Stall(suspend),
        Ok(Flow::Blocked) => {
            waits::begin(host, local, client, request, nanoseconds);
            return Next::Blocked;
        }
        Ok(Flow::Close) => Next::Close,
        Ok(Flow::Detach) => Next::Detach,
        Err(Error::Lengthy) => return Next::Elsewhere,
        Err(Error::SlotBusy(slot)) => {
            client.take_back(start);
            let slot = Slot::new(slot).expect("a slot that was locked");
            return Next::Stall(Suspend::Slot(keyspace::SlotBusy(slot)));
        }
        Err(error) => {
            client.take_back(start);
            write_error(client, &error);
            host.stats.error(local.thread, &error);
            count_call(host, local, client, command.run.id, nanoseconds, true);
            note_slow(host, local, client, request, nanoseconds);
            return Next::Continue;
        }
    };
    count_call(host, local, client, command.run.id, nanoseconds, false);
    note_slow(host, local, client, request, nanoseconds);
    next
}

/// Answers to a command nobody knows.
fn refuse_unknown(
    engine: &Engine,
    local: &mut Local,
    client: &mut Client,
    argv: &[&[u8]],
    unknown: Unknown,
) -> Next {
    // A browser that was talked into sending a request here: what follows is not from a client. It learns nothing.
    if argv[0].eq_ignore_ascii_case(b"post") || argv[0].eq_ignore_ascii_case(b"host:") {
        client.outbox.clear();
        return Next::Close;
    }
    client.shared.last_command.store(0, Ordering::Relaxed);
    if let Some(multi) = &mut client.multi {
        multi.aborted = true;
    }
    engine.stats.error(local.thread, &unknown);
    client.writer().error(unknown.0);
    Next::Continue
}

/// Answers with an error before execution; inside MULTI that spoils the transaction.
fn refuse(
    engine: &Engine,
    local: &mut Local,
    client: &mut Client,
    command: &'static Command,
    error: &Error,
) -> Next {
    if let Some(multi) = &mut client.multi {
        multi.aborted = true;
    }
    engine.stats.rejected(local.thread, command.run.id);
    if command.spec.behaviour.contains(Behaviour::RUNS_QUEUE) {
        // A transaction that cannot be executed is over.
        client.discard();
        // The general code is left out, a code of its own is shown.
        let error = error.to_string();
        let why = error.strip_prefix("ERR ").unwrap_or(&error);
        let text = match why.starts_with("REDIRECT ") {
            // Where to go is told as it is: the client reads it.
            true => why.to_owned(),
            false => format!("EXECABORT Transaction discarded because of: {why}"),
        };
        engine.stats.error(local.thread, &text);
        client.writer().error(text);
        return Next::Continue;
    }
    engine.stats.error(local.thread, error);
    write_error(client, error);
    Next::Continue
}

/// Answers with an error.
pub fn write_error(client: &mut Client, error: &Error) {
    write_error_to(&mut client.writer(), error);
}

/// Writes an error, byte by byte where it has bytes of its own.
pub(crate) fn write_error_to(out: &mut Writer<'_>, error: &Error) {
    match error {
        Error::Bytes(line) => out.error(line),
        error => out.error_value(error),
    }
}

/// Counts an execution: for the node, for the command, and for the client. What was queued, refused or unknown is none.
#[inline]
pub fn count_call(
    engine: &Engine,
    local: &Local,
    client: &Client,
    command: usize,
    nanoseconds: u64,
    failed: bool,
) {
    engine.stats.called(local.thread, command, nanoseconds, failed);
    session::bump(&client.shared.commands, 1);
}

/// Notes a command in the slow log if it took long enough.
#[inline]
pub fn note_slow(engine: &Engine, local: &Local, client: &Client, request: &Resolved<'_>, nanoseconds: u64) {
    // A negative threshold is a high one: nothing is slow.
    if nanoseconds >= LENGTHY_NS || nanoseconds / 1000 >= local.settings.slowlog_log_slower_than_us as u64 {
        note_long(engine, local, client, request, nanoseconds);
    }
}

fn note_long(engine: &Engine, local: &Local, client: &Client, request: &Resolved<'_>, nanoseconds: u64) {
    if nanoseconds >= LENGTHY_NS {
        local.lengthy.set((client.id, nanoseconds));
    }
    let threshold_us = local.settings.slowlog_log_slower_than_us;
    if threshold_us < 0
        || ((nanoseconds / 1000) as i64) < threshold_us
        || request.command.spec.flags.contains(Flags::SKIP_SLOWLOG)
    {
        return;
    }
    let who = (client.shared.addr.clone(), client.shared.names().name.clone());
    let mut log = engine.slowlog.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    log.push(
        request.command.run.full_name,
        request.argv,
        nanoseconds / 1000,
        local.now_ms / 1000,
        who,
        local.settings.slowlog_max_len as usize,
    );
}

/// Takes the locks that the command's spec asks for, and runs it.
fn execute<H: Host>(
    host: &H,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
) -> Result<Flow, Error> {
    // What it needs is known before it asks to enter: who needs the world may hold the gate already.
    match request.locks() {
        Locks::None => run_node(host, local, client, request, None, false),
        Locks::Slots(slots) => {
            if !local.enter_admitted(host, client.id) {
                return Ok(Flow::Suspend(Suspend::Gate));
            }
            if slots.is_empty() {
                return run_node(host, local, client, request, None, false);
            }
            match local.lock(host, slots) {
                Ok(guard) => locked(host, local, client, request, guard),
                Err(busy) => Ok(Flow::Suspend(Suspend::Slot(busy))),
            }
        }
        Locks::SlotBySlot => {
            if !local.enter_admitted(host, client.id) {
                return Ok(Flow::Suspend(Suspend::Gate));
            }
            walking::run(host, local, client, request)
        }
        Locks::World => in_world(host, local, client, request),
    }
}

/// Runs a command under its guard and sends its effects out before the guard drops.
#[inline]
fn locked<H: Host>(
    host: &H,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
    mut guard: Guard<'_>,
) -> Result<Flow, Error> {
    if capture::awaits_capture(host, local, client.db, request, &mut guard) {
        return Ok(Flow::Suspend(Suspend::Capture));
    }
    local.scratch.effects.begin();
    local.scratch.effects.unrelated = request.command.spec.flags.contains(Flags::TOUCHES_ARBITRARY_KEYS);
    local.scratch.has_changed = false;
    let outcome = contained(host, local, client, request, &mut guard);
    emit(host, local, client, &mut guard);
    local.release(guard);
    if !local.unserved.is_empty() {
        serve_unserved(host, local);
    }
    outcome
}

/// Runs a command whose locks are held; the panic of one that has changed nothing is an error.
#[inline]
fn contained<H: Host>(
    host: &H,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
    guard: &mut Guard<'_>,
) -> Result<Flow, Error> {
    let is_data = matches!(request.command.run.run, Run::Data(_));
    let mut state = (local, client, guard);
    crate::panics::contain(
        host,
        request.command,
        &mut state,
        |(local, client, guard)| call(host, local, client, request, guard, false),
        // What the node's own commands change is not noted.
        |(local, ..)| !is_data || local.scratch.has_changed,
    )
}

/// Runs a command in the world, which this thread must get first.
fn in_world<H: Host>(
    host: &H,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
) -> Result<Flow, Error> {
    if !own_world(host, local, client.id) {
        return Ok(Flow::Suspend(Suspend::Gate));
    }
    local.begin_passage(host);
    let world = local.standing.world(&host.keyspace);
    // Everybody waits already.
    let effort = std::mem::replace(&mut local.effort, Effort::ANY);
    let outcome = locked(host, local, client, request, world);
    local.effort = effort;
    give_world_back(host, local);
    outcome
}

/// Closes the gate for a client and waits a little until everybody has left; whether the world is this thread's.
pub fn own_world(engine: &Engine, local: &mut Local, client: u64) -> bool {
    if !local.standing.claim(&*engine.keyspace, client, WORLD_SPINS) {
        return false;
    }
    if engine.decisions.load(Ordering::Acquire) != local.decided {
        // Admitted before the world was another's.
        give_world_back(engine, local);
        return false;
    }
    true
}

/// Opens the gate that this thread closed.
pub fn give_world_back(engine: &Engine, local: &mut Local) {
    local.scratch.effects.assert_taken();
    local.standing.release(&*engine.keyspace);
    if !local.unserved.is_empty() {
        engine.wake(local.thread);
    }
}

/// Runs a command whose locks are held: as itself or inside EXEC.
pub fn call<H: Host>(
    host: &H,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
    guard: &mut Guard<'_>,
    in_exec: bool,
) -> Result<Flow, Error> {
    let Resolved { command, argv, .. } = *request;
    let Run::Data(data) = command.run.run else {
        return run_node(host, local, client, request, Some(guard), in_exec);
    };
    let no_touch = client.shared.has_flag(flag::NO_TOUCH);
    let context = local.context(client.db, no_touch);
    let looked_up = (local.scratch.hits, local.scratch.misses);
    let mut keys = Keys::new(&host.keyspace, guard, &mut local.scratch, context);
    if !request.places.is_empty() {
        let step = command.run.key_step.max(1);
        keys = keys.with_hints(&argv[command.run.first_key as usize..], step.into(), request.places);
    }
    let may_read_all_keys = access::may_read_all_keys(host, client, request);
    let began = local.clock;
    let is_over = || walking::is_over(host, began);
    let mut cx = Cx {
        keys,
        out: client.outbox.writer(client.proto),
        settings: &local.settings,
        options: &local.options,
        random: &mut local.random,
        effort: if in_exec { Effort::ANY } else { local.effort },
        peers: &**host,
        may_block: !in_exec,
        may_read_all_keys,
        piece: client.walk.as_mut().filter(|_| !in_exec).map(|walk| walk.piece(&is_over)),
        ready: None,
    };
    let outcome = commands::run(data, &mut cx, argv);
    crate::tracking::remember(host, local, client, request);
    if outcome.as_ref().is_err_and(|error| *error == Error::Lengthy) {
        // They are counted where it runs.
        (local.scratch.hits, local.scratch.misses) = looked_up;
    }
    match outcome? {
        commands::Flow::Done => Ok(Flow::Done),
        commands::Flow::Unfinished => Ok(Flow::Suspend(Suspend::Walk)),
        commands::Flow::Block(block) => {
            wait_for_key(host, local, client, request, guard, block);
            Ok(Flow::Blocked)
        }
        commands::Flow::Rest(rest) => {
            client.outbox.push_rest(rest);
            Ok(Flow::Done)
        }
        commands::Flow::Failed(error) => Err(error),
    }
}

fn run_node<H: Host>(
    host: &H,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
    guard: Option<&mut Guard<'_>>,
    in_exec: bool,
) -> Result<Flow, Error> {
    let Resolved { command, argv, .. } = *request;
    match command.run.run {
        Run::Own(run) => host.run_own(run, OwnCx { local, client, command, guard, in_exec }, argv),
        // A data command whose arguments name no key: its own checks answer.
        Run::Data(_) => {
            let mut guard = host.keyspace.walk_slots();
            call(host, local, client, request, &mut guard, in_exec)
        }
    }
}

/// Registers a ticket for a command that found nothing, while its locks are held.
fn wait_for_key(
    engine: &Engine,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
    guard: &mut Guard<'_>,
    Block { keys, timeout_ms, null, arguments }: Block,
) {
    let timeout = if null { TimeoutReply::Null } else { TimeoutReply::NullArray };
    let argv = request.argv;
    let mut again: Vec<Box<[u8]>> = argv.iter().map(|&arg| arg.into()).collect();
    for (at, arg) in arguments {
        again[at] = arg.into();
    }
    let ticket = Arc::new(Ticket::new(Wait {
        worker: local.thread,
        client: client.id,
        db: client.db,
        resp3: client.proto == Proto::Resp3,
        command: request.command.run.id,
        argv: again,
        awaited: keys.clone(),
        slots: request.slots().to_vec(),
    }));
    let context = local.context(client.db, true);
    let mut space = Keys::new(&engine.keyspace, guard, &mut local.scratch, context);
    for &key in &argv[keys] {
        space.wait(key, &ticket);
    }
    let deadline_ms = timeout_ms.map(|timeout_ms| local.now_ms.saturating_add(timeout_ms));
    *client.shared.waits_for.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(ticket.clone());
    let on = WaitFor::Key(ticket);
    client.blocked = Some(Box::new(Blocked { on, wait: 0, deadline_ms, timeout, begun: None }));
}

/// Sends effects out while the locks are held.
#[inline]
pub fn emit(engine: &Engine, local: &mut Local, client: &mut Client, guard: &mut Guard<'_>) {
    if let Some(offset) = append(engine, local) {
        client.wrote(offset, engine.committed.load(Ordering::Acquire));
    }
    if !local.scratch.effects.ready.is_empty() {
        serve(engine, local, guard);
    }
    publish_events(engine, local, Some(client));
}

/// Appends the effects gathered so far to the stream, and counts them.
#[inline]
fn append(engine: &Engine, local: &mut Local) -> Option<u64> {
    append_effects(engine, local.thread, &mut local.scratch.effects)
}

#[inline]
fn append_effects(engine: &Engine, thread: usize, effects: &mut Effects) -> Option<u64> {
    if effects.dirty > 0 {
        engine.stats.add(thread, Counter::Dirty, effects.dirty);
        effects.dirty = 0;
        if effects.expired_fields > 0 {
            engine.stats.add(thread, Counter::ExpiredFields, effects.expired_fields);
            effects.expired_fields = 0;
        }
    }
    if effects.expired > 0 {
        engine.stats.add(thread, Counter::Expired, effects.expired);
        effects.expired = 0;
    }
    let own_volatile = effects.take_own_volatile();
    if !own_volatile.is_empty() {
        engine.own_volatile.add(own_volatile);
    }
    if effects.records().is_empty() {
        return None;
    }
    Some(engine.stream.append(effects))
}
