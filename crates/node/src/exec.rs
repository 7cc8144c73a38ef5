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

pub(crate) use capture::{any_of_all_awaits_capture, transaction_awaits_capture};
pub(crate) use publishing::{deliver, publish, send_effects};
pub(crate) use serving::serve_unserved;

use crate::admission;
use crate::cx::{Flow, NodeCx, Suspend};
use crate::lazyfree::LazyFree;
use crate::shared::{Shared, options};
use crate::stats::Counter;
use crate::waits;
use command_spec::{Flags, Group};
use command_table::{Command, Run, Unknown};
use command_table::{Locks, Resolved};
use commands::{Cx, Error, Options, Random};
use config::Settings;
use keyspace::{
    Effects, EventClass, Expiry, Guard, Keys, KeysContext, Outlet, Reclaimer, Scratch, SlotBusy, Standing,
    Ticket, Wait,
};
use profile::Profile;
use publishing::publish_events;
use resp::Proto;
use serving::serve;
use session::pubsub::Delivery;
use session::{Blocked, Client, ReplyMode, TimeoutReply, WaitFor, flag};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use topology::Slot;

/// How often a background thread looks whether workers have handed out its messages.
const MAIL_PAUSE: Duration = Duration::from_millis(1);
/// How often the closer of the gate looks whether everybody left, before it turns to other work: a few microseconds.
const WORLD_SPINS: u32 = 2000;

/// What a thread that executes commands has of its own.
pub(crate) struct Local {
    /// Its number for the keyspace and the statistics.
    pub(crate) thread: usize,
    pub(crate) settings: Arc<Settings>,
    pub(crate) settings_version: u64,
    pub(crate) options: Options,
    pub(crate) scratch: Scratch,
    pub(crate) random: Random,
    pub(crate) reclaimer: Reclaimer,
    pub(crate) lazyfree: LazyFree,
    /// Unix time of the turn.
    pub(crate) now_ms: u64,
    /// The end of the last command, where the next one's time begins.
    pub(crate) clock: Instant,
    /// What admission decided by when the last command was admitted: [`Shared::decisions`].
    pub(crate) decided: u64,
    /// Where the thread stands at the gate, and the client for which it holds it closed.
    pub(crate) standing: Standing,
    /// A slot that others waited for when this thread gave it back: it is theirs until the next turn.
    pub(crate) yielded: Option<Slot>,
    /// Keys that may serve clients whose locks were not among those held.
    pub(crate) unserved: Vec<(u16, Arc<[u8]>)>,
    /// Messages to clients of this very worker.
    pub(crate) deliveries: Vec<(Vec<u64>, Delivery)>,
    /// Number of the next wait for another thread.
    pub(crate) next_wait: u64,
    /// What becomes of expired keys here.
    pub(crate) expiry: Expiry,
    /// Candidates for eviction.
    pub(crate) pool: crate::maxmemory::Pool,
}

impl Local {
    pub(crate) fn new(shared: &Arc<Shared>, thread: usize, lazyfree: LazyFree) -> Local {
        let theirs = shared.clone();
        let outlet = Outlet::new(move |effects| {
            append_effects(&theirs, thread, effects);
        });
        let settings = shared.settings();
        let options = current_options(&settings, shared.profile);
        Local {
            thread,
            settings_version: shared.settings_version.load(Ordering::Acquire),
            settings,
            options,
            scratch: Scratch { outlet, ..Scratch::default() },
            random: Random::new(crate::shared::random_u64()),
            reclaimer: Reclaimer::new(),
            lazyfree,
            now_ms: crate::shared::unix_ms(),
            clock: Instant::now(),
            decided: 0,
            standing: Standing::new(thread),
            yielded: None,
            unserved: Vec::new(),
            deliveries: Vec::new(),
            next_wait: 1,
            expiry: Expiry::Delete,
            pool: crate::maxmemory::Pool::default(),
        }
    }

    /// Takes over settings that changed.
    pub(crate) fn refresh(&mut self, shared: &Shared) {
        let version = shared.settings_version.load(Ordering::Acquire);
        if version != self.settings_version {
            self.settings_version = version;
            self.settings = shared.settings();
            self.options = current_options(&self.settings, shared.profile);
        }
    }

    pub(crate) fn context(&self, db: u16, no_touch: bool) -> KeysContext {
        KeysContext {
            thread: self.thread,
            db,
            now_ms: self.now_ms,
            expiry: self.expiry,
            lazy_expire: self.settings.lazyfree_lazy_expire,
            no_touch,
        }
    }

    /// Enters the gate, for as long as [`Local::leave`] is not called; `false` when it is closed.
    #[inline]
    pub(crate) fn enter(&mut self, shared: &Shared) -> bool {
        if self.standing.is_inside() {
            return true;
        }
        if !self.standing.enter(&*shared.keyspace) {
            return false;
        }
        self.begin_passage(shared);
        true
    }

    /// Enters the gate for a client's command that was admitted; `false` when it is closed, or when the role or a handover
    /// has changed between admission and here, so that the command is to be admitted anew.
    #[inline]
    pub(crate) fn enter_admitted(&mut self, shared: &Shared, client: u64) -> bool {
        if self.standing.is_inside() {
            return true;
        }
        if !self.standing.enter_for(&*shared.keyspace, client) {
            return false;
        }
        self.begin_passage(shared);
        if shared.decisions.load(Ordering::Acquire) == self.decided {
            return true;
        }
        self.leave(shared);
        false
    }

    /// Locks slots, ascending and each once, unless one of them is for others now.
    #[inline]
    pub(crate) fn lock<'s>(&self, shared: &'s Shared, slots: &[Slot]) -> Result<Guard<'s>, SlotBusy> {
        if let Some(slot) = self.yielded
            && slots.contains(&slot)
        {
            return Err(SlotBusy(slot));
        }
        match slots {
            [slot] => shared.keyspace.lock(*slot),
            slots => shared.keyspace.lock_many(slots),
        }
    }

    /// Gives locks back, and lets others have what they wait for.
    #[inline]
    pub(crate) fn release(&mut self, guard: Guard<'_>) {
        if let Some(slot) = guard.release() {
            self.yielded = Some(slot);
        }
    }

    /// Looks at what holds for a whole passage of the gate, or for as long as the world is this thread's: roles and the
    /// stream change in the world only.
    #[inline]
    pub(crate) fn begin_passage(&mut self, shared: &Shared) {
        self.scratch.effects.replicating = shared.stream.is_on();
        self.scratch.effects.wanted = EventClass::from_bits_truncate(self.settings.notify_keyspace_events.0);
        self.expiry = admission::expiry(shared, self.now_ms);
    }

    /// Waits, on a thread that may, until workers have handed out the messages that it caused.
    fn await_mail(&self, shared: &Shared) {
        while shared.is_mail_full(self.thread) && !shared.ending.load(Ordering::Acquire) {
            std::thread::park_timeout(MAIL_PAUSE);
        }
    }

    /// Leaves the gate, and lets go of what nobody looks at any more.
    #[inline]
    pub(crate) fn leave(&mut self, shared: &Shared) {
        self.scratch.effects.assert_taken();
        self.standing.leave(&*shared.keyspace);
        // A worker does so once a turn.
        if self.thread >= shared.workers() {
            shared.stream.notify();
            self.await_mail(shared);
        }
        let Scratch { hits, misses, .. } = &mut self.scratch;
        if *hits | *misses != 0 {
            shared.stats.add(self.thread, Counter::Hits, std::mem::take(hits));
            shared.stats.add(self.thread, Counter::Misses, std::mem::take(misses));
        }
        self.reclaimer.collect(&shared.keyspace, &mut self.scratch.retired);
        if !self.scratch.garbage.is_empty() {
            self.lazyfree.entries(&mut self.scratch.garbage);
        }
    }
}

/// DEBUG QUICKLIST-PACKED-THRESHOLD sets this for the whole process, as the real server has it.
pub(crate) static PACKED_THRESHOLD: std::sync::atomic::AtomicUsize =
    std::sync::atomic::AtomicUsize::new(1 << 30);

/// DEBUG SET-SKIP-CHECKSUM-VALIDATION sets this.
pub(crate) static SKIP_CHECKSUMS: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// What data commands depend on now: settings, and what DEBUG has put beside them.
fn current_options(settings: &Settings, profile: Profile) -> Options {
    Options {
        verify_payloads: !SKIP_CHECKSUMS.load(Ordering::Relaxed),
        ..options(settings, profile, PACKED_THRESHOLD.load(Ordering::Relaxed))
    }
}

/// What the worker does next with a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Its next command.
    Continue,
    /// The same command, when the reason is gone.
    Stall(Suspend),
    /// Nothing until its wait is over.
    Blocked,
    /// Close it once its replies are sent.
    Close,
    /// Nothing: its connection leaves the worker.
    Detach,
}

/// Executes one request of a client, or queues it, or refuses it.
pub(crate) fn process(
    shared: &Shared,
    local: &mut Local,
    client: &mut Client,
    request: Result<&Resolved<'_>, Unknown>,
    argv: &[&[u8]],
) -> Next {
    let start = client.outbox.begin_reply();
    if client.reply == ReplyMode::SkipNext {
        client.reply = ReplyMode::Skipping;
    }
    let mode = client.reply;
    let known = request.as_ref().ok().map(|request| request.command);
    let next = match request {
        Ok(request) => dispatch(shared, local, client, request),
        Err(unknown) => refuse_unknown(shared, local, client, argv, unknown),
    };
    if next != Next::Stall(Suspend::Gate) {
        // It may have closed the gate, and was refused, or paused, before it got the world.
        local.standing.forget(&*shared.keyspace, client.id);
    }
    if let Next::Stall(_) = next {
        client.take_back(start);
        client.outbox.end_reply();
        if mode == ReplyMode::Skipping {
            client.reply = ReplyMode::SkipNext;
        }
        return next;
    }
    client.walk = None;
    if mode != ReplyMode::On && client.reply != ReplyMode::On && !known.is_some_and(is_notice) {
        client.take_back(start);
    }
    if client.reply == ReplyMode::Skipping {
        client.reply = ReplyMode::On;
    }
    client.outbox.end_reply();
    next
}

fn dispatch(shared: &Shared, local: &mut Local, client: &mut Client, request: &Resolved<'_>) -> Next {
    let (command, argv) = (request.command, request.argv);
    if client.endpoint.is_some() && command.run.restricted {
        let unknown = command_table::restricted::unknown(command, argv);
        return refuse_unknown(shared, local, client, argv, unknown);
    }
    client.shared.last_command.store(command.run.id as u32 + 1, Ordering::Relaxed);
    shared.stats.runs(local.thread, command.run.id);
    if !command.spec.arity_fits(argv.len()) {
        return refuse(shared, local, client, command, &Error::Arity(command.run.full_name.into()));
    }
    match admission::admit(shared, local, client, request) {
        Ok(()) => {}
        Err(admission::Refusal::Error(error)) => return refuse(shared, local, client, command, &error),
        Err(admission::Refusal::Suspend(suspend)) => return Next::Stall(suspend),
    }
    if client.multi.is_some() && !admission::runs_inside_multi(command) {
        client.queue(request.keep());
        client.writer().simple("QUEUED");
        return Next::Continue;
    }
    let start = client.outbox.len();
    let outcome = execute(shared, local, client, request);
    let now = Instant::now();
    let mut nanoseconds = now.duration_since(local.clock).as_nanos() as u64;
    local.clock = now;
    if let Some(walk) = &mut client.walk {
        nanoseconds = walk.add_time(nanoseconds);
    }
    let next = match outcome {
        Ok(Flow::Done) => Next::Continue,
        Ok(Flow::Suspend(suspend)) => return Next::Stall(suspend),
        Ok(Flow::Blocked) => {
            waits::begin(shared, local, client, request, nanoseconds);
            return Next::Blocked;
        }
        Ok(Flow::Close) => Next::Close,
        Ok(Flow::Detach) => Next::Detach,
        Err(Error::SlotBusy(slot)) => {
            client.take_back(start);
            let slot = Slot::new(slot).expect("a slot that was locked");
            return Next::Stall(Suspend::Slot(keyspace::SlotBusy(slot)));
        }
        Err(error) => {
            client.take_back(start);
            client.writer().error_value(&error);
            shared.stats.error(local.thread, &error);
            shared.stats.called(local.thread, command.run.id, nanoseconds, true);
            note_slow(shared, local, client, request, nanoseconds);
            return Next::Continue;
        }
    };
    shared.stats.called(local.thread, command.run.id, nanoseconds, false);
    note_slow(shared, local, client, request, nanoseconds);
    next
}

/// Answers to a command nobody knows.
fn refuse_unknown(
    shared: &Shared,
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
    shared.stats.error(local.thread, &unknown);
    client.writer().error(unknown.0);
    Next::Continue
}

/// Answers with an error before execution; inside MULTI that spoils the transaction.
fn refuse(
    shared: &Shared,
    local: &mut Local,
    client: &mut Client,
    command: &'static Command,
    error: &Error,
) -> Next {
    if let Some(multi) = &mut client.multi {
        multi.aborted = true;
    }
    shared.stats.rejected(local.thread, command.run.id);
    if command.spec.name == "exec" {
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
        shared.stats.error(local.thread, &text);
        client.writer().error(text);
        return Next::Continue;
    }
    shared.stats.error(local.thread, error);
    client.writer().error_value(error);
    Next::Continue
}

/// Whether a command is answered by notices, which CLIENT REPLY does not switch off.
fn is_notice(command: &'static Command) -> bool {
    command.spec.group == Group::PubSub && command.spec.name.ends_with("subscribe")
}

#[inline]
pub(crate) fn note_slow(
    shared: &Shared,
    local: &Local,
    client: &Client,
    request: &Resolved<'_>,
    nanoseconds: u64,
) {
    let threshold_us = local.settings.slowlog_log_slower_than_us;
    if threshold_us < 0
        || ((nanoseconds / 1000) as i64) < threshold_us
        || request.command.spec.flags.contains(Flags::SKIP_SLOWLOG)
    {
        return;
    }
    let who = (client.shared.addr.clone(), client.shared.names().name.clone());
    let mut log = shared.slowlog.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    log.push(
        request.argv,
        nanoseconds / 1000,
        local.now_ms / 1000,
        who,
        local.settings.slowlog_max_len as usize,
    );
}

/// Takes the locks that the command's spec asks for, and runs it.
fn execute(
    shared: &Shared,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
) -> Result<Flow, Error> {
    // What it needs is known before it asks to enter: who needs the world may hold the gate already.
    match request.locks() {
        Locks::None => run_node(shared, local, client, request, None, false),
        Locks::Slots(slots) => {
            if !local.enter_admitted(shared, client.id) {
                return Ok(Flow::Suspend(Suspend::Gate));
            }
            if slots.is_empty() {
                return run_node(shared, local, client, request, None, false);
            }
            match local.lock(shared, slots) {
                Ok(guard) => locked(shared, local, client, request, guard),
                Err(busy) => Ok(Flow::Suspend(Suspend::Slot(busy))),
            }
        }
        Locks::SlotBySlot => {
            if !local.enter_admitted(shared, client.id) {
                return Ok(Flow::Suspend(Suspend::Gate));
            }
            walking::run(shared, local, client, request)
        }
        Locks::World => in_world(shared, local, client, request),
    }
}

/// Runs a command under its guard and sends its effects out before the guard drops.
#[inline]
fn locked(
    shared: &Shared,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
    mut guard: Guard<'_>,
) -> Result<Flow, Error> {
    if capture::awaits_capture(shared, local, client.db, request, &mut guard) {
        return Ok(Flow::Suspend(Suspend::Capture));
    }
    local.scratch.effects.begin();
    local.scratch.effects.unrelated = request.command.spec.flags.contains(Flags::TOUCHES_ARBITRARY_KEYS);
    local.scratch.has_changed = false;
    let outcome = contained(shared, local, client, request, &mut guard);
    emit(shared, local, client, &mut guard);
    local.release(guard);
    if !local.unserved.is_empty() {
        serve_unserved(shared, local);
    }
    outcome
}

/// Runs a command whose locks are held; the panic of one that has changed nothing is an error.
#[inline]
fn contained(
    shared: &Shared,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
    guard: &mut Guard<'_>,
) -> Result<Flow, Error> {
    let is_data = matches!(request.command.run.run, Run::Data(_));
    let mut state = (local, client, guard);
    crate::panics::contain(
        shared,
        request.command,
        &mut state,
        |(local, client, guard)| call(shared, local, client, request, guard, false),
        // What the node's own commands change is not noted.
        |(local, ..)| !is_data || local.scratch.has_changed,
    )
}

/// Runs a command in the world, which this thread must get first.
fn in_world(
    shared: &Shared,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
) -> Result<Flow, Error> {
    if !own_world(shared, local, client.id) {
        return Ok(Flow::Suspend(Suspend::Gate));
    }
    local.begin_passage(shared);
    let world = local.standing.world(&shared.keyspace);
    let outcome = locked(shared, local, client, request, world);
    give_world_back(shared, local);
    outcome
}

/// Closes the gate for a client and waits a little until everybody has left; whether the world is this thread's.
pub(crate) fn own_world(shared: &Shared, local: &mut Local, client: u64) -> bool {
    if !local.standing.claim(&*shared.keyspace, client, WORLD_SPINS) {
        return false;
    }
    if shared.decisions.load(Ordering::Acquire) != local.decided {
        // Admitted before the world was another's.
        give_world_back(shared, local);
        return false;
    }
    true
}

/// Opens the gate that this thread closed.
pub(crate) fn give_world_back(shared: &Shared, local: &mut Local) {
    local.scratch.effects.assert_taken();
    local.standing.release(&*shared.keyspace);
    if !local.unserved.is_empty() {
        shared.wake(local.thread);
    }
}

/// Runs a command whose locks are held: as itself or inside EXEC.
pub(crate) fn call(
    shared: &Shared,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
    guard: &mut Guard<'_>,
    in_exec: bool,
) -> Result<Flow, Error> {
    let Resolved { command, argv, .. } = *request;
    let Run::Data(data) = command.run.run else {
        return run_node(shared, local, client, request, Some(guard), in_exec);
    };
    let no_touch = client.shared.has_flag(flag::NO_TOUCH);
    let context = local.context(client.db, no_touch);
    let mut keys = Keys::new(&shared.keyspace, guard, &mut local.scratch, context);
    if let Some(place) = request.place {
        keys = keys.with_hint(argv[command.run.first_key as usize], place);
    }
    let began = local.clock;
    let is_over = || walking::is_over(shared, began);
    let mut cx = Cx {
        keys,
        out: client.outbox.writer(client.proto),
        options: &local.options,
        random: &mut local.random,
        may_block: !in_exec,
        piece: client.walk.as_mut().filter(|_| !in_exec).map(|walk| walk.piece(&is_over)),
        ready: None,
    };
    match commands::run(data, &mut cx, argv)? {
        commands::Flow::Done => Ok(Flow::Done),
        commands::Flow::Unfinished => Ok(Flow::Suspend(Suspend::Walk)),
        commands::Flow::Block { keys, timeout_ms, null } => {
            let timeout = if null { TimeoutReply::Null } else { TimeoutReply::NullArray };
            wait_for_key(shared, local, client, request, guard, (keys, timeout_ms, timeout));
            Ok(Flow::Blocked)
        }
        commands::Flow::Rest(rest) => {
            client.outbox.push_rest(rest);
            Ok(Flow::Done)
        }
    }
}

fn run_node(
    shared: &Shared,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
    guard: Option<&mut Guard<'_>>,
    in_exec: bool,
) -> Result<Flow, Error> {
    let Resolved { command, argv, .. } = *request;
    match command.run.run {
        Run::Own(run) => {
            let run = shared.own_runs[run.0];
            run(&mut NodeCx { shared, local, client, command, guard, in_exec }, argv)
        }
        // A data command whose arguments name no key: its own checks answer.
        Run::Data(_) => {
            let mut guard = shared.keyspace.walk_slots();
            call(shared, local, client, request, &mut guard, in_exec)
        }
    }
}

/// Registers a ticket for a command that found nothing, while its locks are held.
fn wait_for_key(
    shared: &Shared,
    local: &mut Local,
    client: &mut Client,
    request: &Resolved<'_>,
    guard: &mut Guard<'_>,
    (keys, timeout_ms, timeout): (std::ops::Range<usize>, Option<u64>, TimeoutReply),
) {
    let argv = request.argv;
    let ticket = Arc::new(Ticket::new(Wait {
        worker: local.thread,
        client: client.id,
        db: client.db,
        resp3: client.proto == Proto::Resp3,
        command: request.command.run.id,
        argv: argv.iter().map(|&arg| arg.into()).collect(),
        awaited: keys.clone(),
        slots: request.slots().to_vec(),
    }));
    let context = local.context(client.db, true);
    let mut space = Keys::new(&shared.keyspace, guard, &mut local.scratch, context);
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
pub(crate) fn emit(shared: &Shared, local: &mut Local, client: &mut Client, guard: &mut Guard<'_>) {
    if let Some(offset) = append(shared, local) {
        client.wrote(offset, shared.committed.load(Ordering::Acquire));
    }
    if !local.scratch.effects.ready.is_empty() {
        serve(shared, local, guard);
    }
    publish_events(shared, local, Some(client));
}

/// Appends the effects gathered so far to the stream, and counts them.
#[inline]
fn append(shared: &Shared, local: &mut Local) -> Option<u64> {
    append_effects(shared, local.thread, &mut local.scratch.effects)
}

#[inline]
fn append_effects(shared: &Shared, thread: usize, effects: &mut Effects) -> Option<u64> {
    if effects.dirty > 0 {
        shared.stats.add(thread, Counter::Dirty, effects.dirty);
        effects.dirty = 0;
    }
    if effects.expired > 0 {
        shared.stats.add(thread, Counter::Expired, effects.expired);
        effects.expired = 0;
    }
    let own_volatile = effects.take_own_volatile();
    if !own_volatile.is_empty() {
        shared.own_volatile.add(own_volatile);
    }
    if effects.records().is_empty() {
        return None;
    }
    Some(shared.stream.append(effects))
}
