//! The loop over io_uring: the kernel receives by itself into provided buffers, and takes sends in batches.
//!
//! ```text
//!   each connection: one receive in flight (armed) that completes with one filled buffer, by cancelling (back-pressure,
//!                    close, detach) or for want of buffers (starved); the next one goes out with the turn's sends
//!                    at most one send in flight; what is queued meanwhile goes together in the next one
//!   a turn:          one system call hands over all sends, runs the kernel's deferred work and waits
//! ```
//!
//! A completion of a send would end that wait at once, since nearly all sends are through while they are handed over: every
//! batch would take two system calls and two turns. So a send whose end nobody waits for is *quiet*: it does not wait for
//! room and has a completion only if it fails. Once its submission was taken and no failure has come, all of it is sent. One
//! that failed goes again as a send that waits.
//!
//! A receive is armed anew after each completion. Multishot receives would save that, but they lose wake-ups: what arrives
//! while one is being worked on after 128 others had piled up is not seen before the next (`docs/decisions/receive.md`).
//!
//! The ring is set up for one submitting thread whose completions are worked out only inside its own calls
//! (SINGLE_ISSUER, DEFER_TASKRUN: Linux 6.1); older kernels refuse it and epoll takes over. Completions are never
//! dropped by the kernel (NODROP); an overflowing queue is emptied and flushed by the next call.
//!
//! Invariants
//! - `armed` and `sending` say exactly whether an operation of the connection is in flight. While one is, the
//!   connection stays in its place and its descriptor open, so `user_data` (place and kind) never means another one.
//! - `quiet` holds every connection whose `quiet_bytes` is above zero. They are settled only when no submission is left behind
//!   and no completion in the kernel's own list.
//! - While `sending`, the front buffers of the queue and the message header are not touched: the kernel reads them.
//! - A connection is in `dirty` ⇔ its flag says so; likewise `starved`.
//! - Descriptors are in blocking mode inside: a nonblocking one would answer EAGAIN instead of being waited for.

use crate::buffer_ring::{BufferRing, GROUP};
use crate::send_queue::{MAX_BATCH, SendQueue};
use crate::slab::{Slab, Token};
use crate::spin::{Spin, involuntary_switches};
use crate::transport::Transport;
use crate::{BufId, Event, LoopConfig, Waker, net};
use io_uring::types::{CancelBuilder, Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// Submissions of one batch; a longer batch takes another system call.
const SUBMISSIONS: u32 = 1024;
/// Completions that fit before the kernel keeps them in a list of its own.
const COMPLETIONS: u32 = 8192;
/// The most bytes one send offers: its length is a 32-bit number.
const MAX_SEND: usize = 1 << 30;
/// Waits of [`DRAIN_WAIT`] that dropping a loop grants the kernel to let go of its memory.
const DRAIN_ROUNDS: usize = 20;
const DRAIN_WAIT: Duration = Duration::from_millis(50);
/// `IORING_RECVSEND_POLL_FIRST`: do not try before the socket is ready.
const POLL_FIRST: u16 = 1;
/// `IORING_ENTER_GETEVENTS`: run deferred work and post completions.
const GETEVENTS: u32 = 1;

/// Kinds of operations, the low byte of `user_data`; the place of the connection is above.
const RECEIVE: u64 = 1;
const SEND: u64 = 2;
const CANCEL: u64 = 3;
const WAKE: u64 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    Close,
    Detach,
}

struct Connection {
    transport: Transport,
    queue: SendQueue,
    /// Header of a send of several buffers, at a fixed address while in flight.
    message: Option<Box<Message>>,
    receiving: bool,
    armed: bool,
    cancelling: bool,
    /// The last receive left nothing behind.
    drained: bool,
    starved: bool,
    sending: bool,
    /// Bytes of the quiet send in flight; 0 when there is none, or once it is known to have failed.
    quiet_bytes: usize,
    /// What is queued must go by a send that waits and has a completion.
    watched: bool,
    /// The turn in which the send in flight was handed over.
    sending_since: u64,
    dirty: bool,
    eof: bool,
    failed: bool,
    leaving: Leaving,
}

struct Message {
    header: libc::msghdr,
    vectors: [libc::iovec; MAX_BATCH],
}

impl Connection {
    fn wants_bytes(&self) -> bool {
        self.receiving && !self.eof && !self.failed && self.leaving == Leaving::No
    }

    fn in_flight(&self) -> bool {
        self.armed || self.sending
    }

    /// Somebody who shares the socket has made it nonblocking: undone, or every operation would end at once.
    fn keep_blocking(&self, result: i32) {
        if result == -libc::EAGAIN {
            // The mode is set on a descriptor that is open; it cannot fail.
            let _ = net::set_nonblocking(self.transport.fd(), false);
        }
    }

    /// The operation that sends the head of the queue, with these flags beside the usual one.
    fn send_operation(&mut self, flags: i32) -> squeue::Entry {
        let flags = flags | libc::MSG_NOSIGNAL;
        let mut vectors = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; MAX_BATCH];
        let used = self.queue.vectors(&mut vectors);
        let fd = Fd(self.transport.fd().as_raw_fd());
        if used == 1 {
            let len = vectors[0].iov_len.min(MAX_SEND) as u32;
            return opcode::Send::new(fd, vectors[0].iov_base.cast(), len).flags(flags).build();
        }
        let message = self.message.get_or_insert_with(|| {
            // SAFETY: a message header is plain data, for which all zeros is a value.
            Box::new(Message { header: unsafe { std::mem::zeroed() }, vectors })
        });
        message.vectors = vectors;
        message.header.msg_iov = message.vectors.as_mut_ptr();
        message.header.msg_iovlen = used as _;
        opcode::SendMsg::new(fd, &message.header).flags(flags as u32).build()
    }
}

/// See the module's essay.
pub(crate) struct Uring {
    ring: IoUring,
    /// Leaked rather than freed if the kernel might still write to it.
    buffers: ManuallyDrop<BufferRing>,
    waker: Waker,
    wake_armed: bool,
    /// How often completions have been taken.
    turns: u64,
    spin: Spin,
    connections: Slab<Connection>,
    dirty: Vec<Token>,
    /// Connections with quiet sends in flight; and whether the kernel knows such.
    quiet: Vec<Token>,
    can_be_quiet: bool,
    starved: Vec<Token>,
    /// Buffers that this turn's events refer to.
    lent: Vec<u16>,
    completions: Vec<cqueue::Entry>,
    queued: Vec<Event>,
    /// Quiet sends that are through: no news for which a turn would end.
    settled: Vec<Event>,
}

impl Uring {
    pub(crate) fn new(config: &LoopConfig) -> io::Result<(Uring, Waker)> {
        Uring::sized(config, SUBMISSIONS, COMPLETIONS)
    }

    fn sized(config: &LoopConfig, submissions: u32, completions: u32) -> io::Result<(Uring, Waker)> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .setup_submit_all()
            .setup_cqsize(completions)
            .setup_clamp()
            .dontfork()
            .build(submissions)?;
        if !ring.params().is_feature_nodrop() || !ring.params().is_feature_ext_arg() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let buffers = BufferRing::new(&ring, config.receive_buffers, config.receive_buffer_len)?;
        let waker = Waker::new()?;
        let uring = Uring {
            can_be_quiet: ring.params().is_feature_skip_cqe_on_success(),
            ring,
            buffers: ManuallyDrop::new(buffers),
            waker: waker.clone(),
            wake_armed: false,
            turns: 0,
            spin: Spin::new(config.max_spin),
            connections: Slab::new(),
            dirty: Vec::new(),
            quiet: Vec::new(),
            starved: Vec::new(),
            lent: Vec::new(),
            completions: Vec::new(),
            queued: Vec::new(),
            settled: Vec::new(),
        };
        Ok((uring, waker))
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.len()
    }

    pub(crate) fn spun(&self) -> Duration {
        self.spin.spun()
    }

    pub(crate) fn add(&mut self, transport: Transport) -> io::Result<Token> {
        net::set_nonblocking(transport.fd(), false)?;
        let token = self
            .connections
            .insert(|_| Connection {
                transport,
                queue: SendQueue::default(),
                message: None,
                receiving: true,
                armed: false,
                cancelling: false,
                drained: false,
                starved: false,
                sending: false,
                quiet_bytes: 0,
                watched: false,
                sending_since: 0,
                dirty: false,
                eof: false,
                failed: false,
                leaving: Leaving::No,
            })
            .ok_or_else(|| io::Error::other("too many connections in one event loop"))?;
        self.arm(token);
        Ok(token)
    }

    fn live(&mut self, token: Token) -> Option<&mut Connection> {
        self.connections.get_mut(token).filter(|connection| connection.leaving == Leaving::No)
    }

    /// Starts a receive unless one runs, waits for buffers, or is not wanted.
    fn arm(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        if connection.wants_bytes() && !connection.armed && !connection.starved {
            connection.armed = true;
            let operation =
                opcode::Recv::new(Fd(connection.transport.fd().as_raw_fd()), std::ptr::null_mut(), 0)
                    .buf_group(GROUP)
                    .ioprio(if connection.drained { POLL_FIRST } else { 0 })
                    .build()
                    .flags(squeue::Flags::BUFFER_SELECT);
            // SAFETY: the receive writes only to provided buffers, which outlive it, and the descriptor stays open
            // while `armed`.
            unsafe { self.push(operation.user_data(user_data(token, RECEIVE))) };
        }
    }

    /// Puts an operation into the submission queue, handing it over first when it is full.
    ///
    /// # Safety
    /// What the operation refers to must stay valid until its last completion.
    unsafe fn push(&mut self, operation: squeue::Entry) {
        // SAFETY: by this function's own contract.
        while unsafe { self.ring.submission().push(&operation) }.is_err() {
            // A full completion queue refuses submissions; taking completions out makes room.
            if self.ring.submit().is_err() {
                self.completions.extend(self.ring.completion());
            }
        }
    }

    pub(crate) fn set_receiving(&mut self, token: Token, receiving: bool) {
        let Some(connection) = self.live(token) else { return };
        connection.receiving = receiving;
        if receiving {
            self.arm(token);
        } else {
            self.cancel_receive(token);
        }
    }

    fn cancel_receive(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        if connection.armed && !connection.cancelling {
            connection.cancelling = true;
            let target = CancelBuilder::user_data(user_data(token, RECEIVE));
            let operation = opcode::AsyncCancel2::new(target).build();
            // SAFETY: the operation refers to no memory.
            unsafe { self.push(operation.user_data(user_data(token, CANCEL))) };
        }
    }

    pub(crate) fn send(&mut self, token: Token, buffer: Vec<u8>, watched: bool) {
        let Some(connection) = self.live(token) else { return };
        if !connection.failed && !buffer.is_empty() {
            connection.queue.push(buffer);
            connection.watched |= watched;
            self.mark_dirty(token);
        }
    }

    fn mark_dirty(&mut self, token: Token) {
        if let Some(connection) = self.connections.get_mut(token)
            && !connection.dirty
            && !connection.sending
        {
            connection.dirty = true;
            self.dirty.push(token);
        }
    }

    pub(crate) fn pending_bytes(&self, token: Token) -> usize {
        let connection = self.connections.get(token);
        connection.filter(|c| c.leaving == Leaving::No).map_or(0, |connection| connection.queue.pending())
    }

    pub(crate) fn refused_bytes(&self, token: Token) -> usize {
        let connection = self.connections.get(token);
        // A send that was handed over since the last look at completions may be through.
        let waits = |c: &&Connection| c.sending && c.sending_since < self.turns && c.leaving == Leaving::No;
        connection.filter(waits).map_or(0, |connection| connection.queue.pending())
    }

    pub(crate) fn flush(&mut self) {
        self.start_sends();
        if !self.ring.submission().is_empty() {
            // What is refused now stays in the queue for the turn, which reports lasting errors.
            let _ = self.ring.submit();
        }
        if !self.quiet.is_empty() {
            self.completions.extend(self.ring.completion());
            self.settle_quiet_sends();
        }
    }

    fn start_sends(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for token in dirty.drain(..) {
            let Some(connection) = self.connections.get_mut(token) else { continue };
            connection.dirty = false;
            if connection.leaving == Leaving::No && !connection.failed && !connection.queue.is_empty() {
                connection.sending = true;
                connection.sending_since = self.turns;
                let is_quiet =
                    self.can_be_quiet && !connection.watched && connection.queue.fits_a_send(MAX_SEND);
                let operation = if is_quiet {
                    self.quiet.push(token);
                    connection.quiet_bytes = connection.queue.pending();
                    let flags = libc::MSG_DONTWAIT | libc::MSG_WAITALL;
                    connection.send_operation(flags).flags(squeue::Flags::SKIP_SUCCESS)
                } else {
                    connection.send_operation(0)
                };
                // SAFETY: buffers and header stay in place and untouched, and the descriptor open, while `sending`.
                unsafe { self.push(operation.user_data(user_data(token, SEND))) };
            }
        }
        self.dirty = dirty;
    }

    pub(crate) fn close(&mut self, token: Token) {
        self.leave(token, Leaving::Close);
    }

    pub(crate) fn detach(&mut self, token: Token) {
        self.leave(token, Leaving::Detach);
    }

    fn leave(&mut self, token: Token, how: Leaving) {
        let Some(connection) = self.live(token) else { return };
        connection.leaving = how;
        if connection.in_flight() {
            let fd = Fd(connection.transport.fd().as_raw_fd());
            let operation = opcode::AsyncCancel2::new(CancelBuilder::fd(fd).all()).build();
            // SAFETY: the operation refers to no memory, and the descriptor stays open while anything is in flight.
            unsafe { self.push(operation.user_data(user_data(token, CANCEL))) };
        } else {
            self.leave_if_idle(token);
        }
    }

    /// Lets a leaving connection go once the kernel holds nothing of it.
    fn leave_if_idle(&mut self, token: Token) {
        let Some(connection) = self.connections.get(token) else { return };
        if connection.in_flight() || connection.leaving == Leaving::No {
            return;
        }
        let Some(connection) = self.connections.remove(token) else { return };
        if connection.leaving == Leaving::Detach {
            // The mode is set on a descriptor that is open; it cannot fail.
            let _ = net::set_nonblocking(connection.transport.fd(), true);
            let unsent = connection.queue.into_unsent();
            self.queued.push(Event::Detached { token, transport: connection.transport, unsent });
        }
    }

    fn fail(&mut self, token: Token, error: io::Error) {
        let Some(connection) = self.live(token) else { return };
        if connection.failed {
            return;
        }
        connection.failed = true;
        if !connection.sending {
            connection.queue = SendQueue::default();
        }
        self.queued.push(Event::Failed { token, error });
        self.cancel_receive(token);
    }

    pub(crate) fn turn(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        // Quiet sends that could not be settled keep back what was queued behind them: no time to wait.
        let is_unsettled = !self.quiet.is_empty();
        self.start_sends();
        if !self.wake_armed {
            self.wake_armed = true;
            let operation =
                opcode::PollAdd::new(Fd(self.waker.fd()), libc::POLLIN as u32).multi(true).build();
            // SAFETY: the operation refers to no memory, and the loop's waker keeps the descriptor open.
            unsafe { self.push(operation.user_data(WAKE)) };
        }
        let idle = self.queued.is_empty() && self.completions.is_empty() && !is_unsettled;
        let waited = self.wait(if idle { timeout } else { Some(Duration::ZERO) });
        self.reap();
        self.turns += 1;
        if self.waker.state().take() {
            self.queued.push(Event::Woken);
        }
        let connections = &self.connections;
        // What was sent is told first: accounts are right before the next request runs.
        events.extend(self.settled.drain(..).chain(self.queued.drain(..)).filter(|event| match event {
            Event::Received { token, .. } => {
                connections.get(*token).is_none_or(|connection| connection.leaving != Leaving::Close)
            }
            Event::Closed { token } | Event::Failed { token, .. } | Event::Sent { token, .. } => {
                connections.get(*token).is_some_and(|connection| connection.leaving == Leaving::No)
            }
            Event::Woken | Event::Detached { .. } => true,
        }));
        waited
    }

    /// Hands over what is queued and waits: a spin without system calls first, then a sleep unless there is a signal.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if timeout == Some(Duration::ZERO) || self.waker.state().is_signalled() {
            return self.poll();
        }
        if self.spin.is_off() {
            if !self.waker.state().fall_asleep() {
                return self.poll();
            }
            return tolerate(self.sleep(timeout));
        }
        let start = Instant::now();
        let budget = self.spin.budget(start, involuntary_switches);
        let budget = timeout.map_or(budget, |timeout| budget.min(timeout));
        if !budget.is_zero() {
            self.poll()?;
            let (begun, mut spun) = (Instant::now(), Duration::ZERO);
            let found = loop {
                if !self.ring.completion().is_empty() || self.waker.state().is_signalled() {
                    break true;
                }
                if self.ring.submission().taskrun() {
                    self.poll()?;
                    continue;
                }
                spun = begun.elapsed();
                if spun >= budget {
                    break false;
                }
                std::hint::spin_loop();
            };
            self.spin.result(found, spun);
            if found {
                return Ok(());
            }
        }
        if !self.waker.state().fall_asleep() {
            return self.poll();
        }
        let timeout = timeout.map(|timeout| timeout.saturating_sub(start.elapsed()));
        tolerate(self.sleep(timeout))
    }

    fn sleep(&mut self, timeout: Option<Duration>) -> io::Result<usize> {
        match timeout {
            None => self.ring.submit_and_wait(1),
            Some(timeout) => {
                let timespec = Timespec::from(timeout);
                self.ring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(&timespec))
            }
        }
    }

    /// Hands over what is queued and lets the kernel post what has completed, without waiting.
    fn poll(&mut self) -> io::Result<()> {
        let submissions = self.ring.submission();
        if submissions.is_empty() && !submissions.taskrun() && !submissions.cq_overflow() {
            return Ok(());
        }
        let to_submit = submissions.len() as u32;
        drop(submissions);
        // SAFETY: `to_submit` entries are in the queue, and no argument is passed.
        let entered = unsafe { self.ring.submitter().enter::<libc::sigset_t>(to_submit, 0, GETEVENTS, None) };
        tolerate(entered)
    }

    fn reap(&mut self) {
        self.completions.extend(self.ring.completion());
        self.settle_quiet_sends();
        let mut completions = std::mem::take(&mut self.completions);
        for completion in completions.drain(..) {
            self.complete(&completion);
        }
        if self.completions.is_empty() {
            self.completions = completions;
        }
        self.buffers.publish();
    }

    /// Quiet sends that were handed over are through, but for those with a completion.
    fn settle_quiet_sends(&mut self) {
        if self.quiet.is_empty() {
            return;
        }
        let sends = self.completions.iter().filter(|completion| completion.user_data() & 0xff == SEND);
        for completion in sends {
            let at = (completion.user_data() >> 8) as usize;
            let Some((token, _)) = self.connections.at(at) else { continue };
            let Some(connection) = self.connections.get_mut(token) else { continue };
            // Its completion tells what became of it, sooner or later. The rest waits for room.
            if std::mem::take(&mut connection.quiet_bytes) > 0 {
                connection.watched = true;
                self.queued.push(Event::Sent { token, bytes: 0, buf: Vec::new() });
            }
        }
        let submissions = self.ring.submission();
        if !submissions.is_empty() || submissions.cq_overflow() {
            return;
        }
        drop(submissions);
        let mut quiet = std::mem::take(&mut self.quiet);
        for token in quiet.drain(..) {
            let Some(connection) = self.connections.get_mut(token) else { continue };
            let sent = std::mem::take(&mut connection.quiet_bytes);
            if sent == 0 {
                continue;
            }
            connection.sending = false;
            connection.queue.advance(sent, |bytes, buf| {
                self.settled.push(Event::Sent { token, bytes, buf });
            });
            if connection.leaving == Leaving::No && !connection.queue.is_empty() {
                self.mark_dirty(token);
            }
            self.leave_if_idle(token);
        }
        self.quiet = quiet;
    }

    fn complete(&mut self, completion: &cqueue::Entry) {
        let (data, result) = (completion.user_data(), completion.result());
        let token = self.connections.at((data >> 8) as usize).map(|(token, _)| token);
        match (data & 0xff, token) {
            (RECEIVE, Some(token)) => self.received_some(token, result, completion.flags()),
            (SEND, Some(token)) => self.sent_some(token, result),
            (CANCEL, Some(token)) if result == -libc::EALREADY => self.cancel_again(token),
            (WAKE, _) => {
                self.waker.drain();
                self.wake_armed = cqueue::more(completion.flags());
            }
            _ => {}
        }
    }

    /// The operation was just being worked on and could not be cancelled; it may go on for ever, so once more.
    fn cancel_again(&mut self, token: Token) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        if connection.leaving != Leaving::No && connection.in_flight() {
            let how = std::mem::replace(&mut connection.leaving, Leaving::No);
            self.leave(token, how);
        } else if connection.cancelling {
            connection.cancelling = false;
            self.cancel_receive(token);
        }
    }

    fn received_some(&mut self, token: Token, result: i32, flags: u32) {
        let buffer = cqueue::buffer_select(flags);
        let Some(connection) = self.connections.get_mut(token) else { return };
        connection.armed = false;
        connection.cancelling = false;
        connection.drained = result > 0 && !cqueue::sock_nonempty(flags);
        if let Some(id) = buffer {
            self.buffers.take(id);
            if result > 0 && connection.leaving != Leaving::Close {
                let buf = BufId { index: u32::from(id), len: result as u32 };
                self.lent.push(id);
                self.queued.push(Event::Received { token, buf, len: result as usize });
            } else {
                self.buffers.give_back(id);
            }
        }
        connection.keep_blocking(result);
        let first_end = result == 0 && !std::mem::replace(&mut connection.eof, true);
        let starves = result == -libc::ENOBUFS && !std::mem::replace(&mut connection.starved, true);
        if first_end {
            self.queued.push(Event::Closed { token });
        } else if starves {
            self.starved.push(token);
        } else if result < 0
            && !matches!(-result, libc::ENOBUFS | libc::ECANCELED | libc::EINTR | libc::EAGAIN)
        {
            self.fail(token, io::Error::from_raw_os_error(-result));
        }
        self.arm(token);
        self.leave_if_idle(token);
    }

    fn sent_some(&mut self, token: Token, result: i32) {
        let Some(connection) = self.connections.get_mut(token) else { return };
        connection.sending = false;
        connection.keep_blocking(result);
        if result >= 0 {
            connection.queue.advance(result as usize, |bytes, buf| {
                self.queued.push(Event::Sent { token, bytes, buf });
            });
        } else if !matches!(-result, libc::ECANCELED | libc::EINTR | libc::EAGAIN) {
            self.fail(token, io::Error::from_raw_os_error(-result));
        }
        if let Some(connection) = self.live(token) {
            if connection.failed {
                connection.queue = SendQueue::default();
            } else if !connection.queue.is_empty() {
                self.mark_dirty(token);
            } else {
                connection.watched = false;
            }
        }
        self.leave_if_idle(token);
    }

    pub(crate) fn received(&self, buf: BufId) -> &[u8] {
        self.buffers.bytes(buf.index as u16, buf.len as usize)
    }

    pub(crate) fn end_turn(&mut self) {
        if !self.lent.is_empty() {
            for id in self.lent.drain(..) {
                self.buffers.give_back(id);
            }
            self.buffers.publish();
        }
        let mut starved = std::mem::take(&mut self.starved);
        for token in starved.drain(..) {
            if let Some(connection) = self.connections.get_mut(token) {
                connection.starved = false;
                self.arm(token);
            }
        }
        self.starved = starved;
    }

    /// Cancels everything and waits until the kernel has let go of all memory; false when it has not in time.
    fn drain(&mut self) -> bool {
        // SAFETY: the operation refers to no memory.
        unsafe { self.push(opcode::AsyncCancel2::new(CancelBuilder::any()).build().user_data(CANCEL)) };
        let tokens: Vec<Token> = self.connections.tokens().collect();
        for token in tokens {
            self.close(token);
        }
        for _ in 0..DRAIN_ROUNDS {
            self.reap();
            if self.connections.len() == 0 {
                return true;
            }
            if tolerate(self.sleep(Some(DRAIN_WAIT))).is_err() {
                return false;
            }
        }
        self.connections.len() == 0
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        if self.drain() {
            // SAFETY: nothing is in flight, so the kernel writes to no buffer; the field is not used again.
            unsafe { ManuallyDrop::drop(&mut self.buffers) };
        } else {
            std::mem::forget(std::mem::replace(&mut self.connections, Slab::new()));
        }
    }
}

fn user_data(token: Token, kind: u64) -> u64 {
    (token.index() as u64) << 8 | kind
}

/// Outcomes of a wait that are no errors: its time is over, a signal came, the completion queue has to be emptied.
fn tolerate(entered: io::Result<usize>) -> io::Result<()> {
    match entered {
        Err(error)
            if !matches!(
                error.raw_os_error(),
                Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN)
            ) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    /// More sends fail at a time than there is room for completions: what fails is told only once, and nothing counts as sent
    /// that is not.
    #[test]
    fn quiet_sends_that_fail_in_masses_are_told_apart() {
        const PEERS: usize = 64;
        // Where io_uring is not to be had, nothing is to be tested.
        let Ok((mut uring, _)) = Uring::sized(&LoopConfig::default(), 4, 8) else { return };
        let (mut gone, mut there, mut peers) = (Vec::new(), Vec::new(), Vec::new());
        for at in 0..PEERS {
            let (ours, theirs) = UnixStream::pair().expect("a pair");
            let token = uring.add(ours.into()).expect("room");
            if at % 2 == 0 {
                gone.push(token);
            } else {
                there.push(token);
                peers.push(theirs);
            }
        }
        let (mut sent, mut failed) = (0, 0);
        let mut events = Vec::new();
        for round in 0..20 {
            for &token in gone.iter().chain(&there) {
                uring.send(token, b"message".to_vec(), round % 3 == 2);
                if round % 4 == 1 {
                    uring.flush();
                }
            }
            uring.turn(Some(Duration::ZERO), &mut events).expect("a turn");
            for event in events.drain(..) {
                match event {
                    Event::Sent { token, bytes, .. } => {
                        assert!(bytes == 0 || there.contains(&token), "nobody is there to take it");
                        sent += bytes;
                    }
                    Event::Failed { token, .. } => {
                        assert!(gone.contains(&token));
                        failed += 1;
                    }
                    Event::Closed { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
            uring.end_turn();
        }
        for _ in 0..50 {
            uring.turn(Some(Duration::ZERO), &mut events).expect("a turn");
            for event in events.drain(..) {
                match event {
                    Event::Sent { bytes, .. } => sent += bytes,
                    Event::Failed { .. } => failed += 1,
                    _ => {}
                }
            }
            uring.end_turn();
        }
        assert_eq!(failed, gone.len());
        assert_eq!(sent, 20 * b"message".len() * there.len());
        assert!(there.iter().all(|&token| uring.pending_bytes(token) == 0));
        for mut peer in peers {
            let mut got = vec![0; 20 * 7];
            std::io::Read::read_exact(&mut peer, &mut got).expect("all of it");
            assert_eq!(got, b"message".repeat(20));
        }
    }
}
