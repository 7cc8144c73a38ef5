//! What a client may take: connections, time, and bytes in both directions.

use config::Loglevel;
use engine::Engine;
use engine::exec::Local;
use engine::stats::Counter;
use event_loop::{EventLoop, Peer};
use resp::ProtocolError;
use session::Message;
use session::outbox::{CLIENT_BYTES, Exceeded, Over};
use session::{Client, ClientShared, KEPT_BUFFER_BYTES, ReplyMode, Source, flag, let_go};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Framed requests beyond this stop a client, until less than the other is left.
const MAX_BACKLOG_BYTES: usize = 1 << 20;
const RESUME_BACKLOG_BYTES: usize = 256 << 10;

/// Why a new connection is refused, if it is; the text goes to it before it is closed.
pub(crate) fn refuse_connection(engine: &Engine, local: &Local, peer: &Peer) -> Option<&'static str> {
    if engine.clients.count() >= local.settings.maxclients as usize {
        return Some("-ERR max number of clients reached\r\n");
    }
    let is_open = || local.settings.protected_mode && engine.access.is_default_without_password();
    if peer.address.is_some_and(|address| !address.ip().to_canonical().is_loopback()) && is_open() {
        return Some(
            "-DENIED Engram is running in protected mode because protected mode is enabled and no password is set for \
             the default user. In this mode connections are only accepted from the loopback interface. If you want to \
             connect from external computers, set a password for the default user with 'requirepass', bind the node \
             to the addresses of trusted networks, and disable protected mode with 'CONFIG SET protected-mode no' \
             from the loopback interface.\r\n",
        );
    }
    None
}

/// Makes room in a client's own buffer: for all of a large argument at once, so that it is copied once.
pub(crate) fn reserve_for(client: &mut Client, len: usize) {
    let missing = client.parser.bulk_missing(client.backlog());
    if missing > len {
        // A claimed length is not believed beyond what it costs little to be wrong about.
        client.inbuf.reserve(missing.min(client.inbuf.len().max(1 << 20)));
    }
}

/// Removes executed bytes from a client's own buffer. What is left moves only when it is the smaller part, so that a long
/// pipeline is not moved once for every turn.
pub(crate) fn consume(client: &mut Client) {
    debug_assert_eq!(client.source, Source::Own);
    let executed = client.consumed.max(client.skip);
    client.skip = 0;
    if client.closing {
        client.inbuf = Vec::new();
    } else if executed == client.inbuf.len() {
        client.inbuf.clear();
        if client.inbuf.capacity() > KEPT_BUFFER_BYTES {
            client.inbuf = Vec::new();
        }
    } else if executed > client.inbuf.len() / 2 {
        client.inbuf.drain(..executed);
        let_go(&mut client.inbuf);
    } else {
        client.skip = executed;
    }
}

/// Stops receiving from a client that sends faster than its commands can run, and goes on when most of it has run. One that
/// waits for more bytes or for a key is not behind.
pub(crate) fn throttle(io: &mut EventLoop, client: &mut Client) {
    let is_behind = client.listed || client.stalled || !client.outbox.has_no_rests();
    if client.throttled && (!is_behind || client.backlog() < RESUME_BACKLOG_BYTES) {
        client.throttled = false;
        io.start_receiving(client.token);
    } else if !client.throttled && is_behind && client.backlog() > MAX_BACKLOG_BYTES {
        client.throttled = true;
        io.stop_receiving(client.token);
    }
}

/// Answers a protocol error; the connection ends after it.
pub(crate) fn protocol_error(engine: &Engine, local: &Local, client: &mut Client, error: ProtocolError) {
    let mut text = b"ERR ".to_vec();
    text.extend_from_slice(&error.message());
    engine.stats.error(local.thread, &"ERR");
    if client.reply != ReplyMode::Off {
        client.writer().error(text);
    }
    client.closing = true;
    client.shared.set_flag(flag::CLOSE_AFTER_REPLY, true);
}

/// Whether a client has been idle for longer than `timeout`.
pub(crate) fn is_idle(local: &Local, client: &Client, now_ms: u64) -> bool {
    let timeout_ms = u64::from(local.settings.timeout_seconds) * 1000;
    timeout_ms > 0
        && client.blocked.is_none()
        && !client.stalled
        && client.outbox.has_no_rests()
        && client.subscriptions.as_ref().is_none_or(|subs| subs.count() == 0)
        && now_ms.saturating_sub(client.shared.active_ms.load(Ordering::Relaxed)) > timeout_ms
}

/// Whether a client has sent more than it may without it being executed.
pub(crate) fn query_exceeded(engine: &Engine, local: &Local, client: &Client) -> bool {
    // Since 7.2 what MULTI has queued counts: it was sent and not run either.
    let queued = if engine.since_7_2 { client.queued_bytes() } else { 0 };
    let sent = client.backlog() + queued;
    let exceeded = sent as u64 > local.settings.client_query_buffer_limit_bytes;
    if exceeded {
        engine.stats.add(local.thread, Counter::QueryLimit, 1);
    }
    exceeded
}

/// Whether a client leaves more replies unread than its class may, of which so many bytes are pending and so many refused by
/// the kernel. A burst that the kernel was not offered yet is beyond no hard limit: it says how busy this node is, not how slow
/// its client.
#[inline]
pub(crate) fn output_exceeded(
    engine: &Engine,
    local: &Local,
    client: &mut Client,
    pending: usize,
    refused: usize,
) -> bool {
    match client.outbox.allowance().over() {
        None => {}
        Some(Over::Ended) => return true,
        Some(Over::Limit) => {
            note_output_limit(engine, local, &client.shared);
            return true;
        }
        Some(Over::Evicted) => {
            note_evicted(engine, local, &client.shared);
            return true;
        }
    }
    let limit = local.settings.client_output_buffer_limits[client.shared.class() as usize];
    let hard = limit.hard_bytes > 0 && refused as u64 > limit.hard_bytes;
    let soft = limit.soft_bytes > 0 && pending as u64 > limit.soft_bytes;
    let since = match (soft, client.outbox.over_soft_since) {
        (false, _) => None,
        (true, None) => Some(Instant::now()),
        (true, since) => since,
    };
    client.outbox.over_soft_since = since;
    // Set back, the clock of the system would make it longer.
    let longest = Duration::from_secs(limit.soft_seconds);
    let too_long = since.is_some_and(|since| since.elapsed() > longest);
    if hard || too_long {
        note_output_limit(engine, local, &client.shared);
        return true;
    }
    false
}

/// Counts a client that is closed for what it left unread, and tells of it.
#[cold]
fn note_output_limit(engine: &Engine, local: &Local, client: &ClientShared) {
    engine.stats.add(local.thread, Counter::OutputLimit, 1);
    let who = server_commands::describe_client(engine, local.now_ms, client);
    let text =
        format_args!("Client {who} scheduled to be closed ASAP for overcoming of output buffer limits.");
    engine.log(Loglevel::Warning, text);
}

/// Closes clients while all together have more than they may: the largest first.
#[inline]
pub(crate) fn evict_clients(engine: &Engine, local: &Local) {
    if let Some(exceeded) = engine.client_memory.exceeded(local.now_ms) {
        evict_largest(engine, local, exceeded);
    }
}

#[cold]
fn evict_largest(engine: &Engine, local: &Local, exceeded: Exceeded) {
    let memory = &engine.client_memory;
    let exempt = flag::REPLICA | flag::PRIMARY;
    let mut clients: Vec<Arc<ClientShared>> = engine.clients.all();
    clients.retain(|client| {
        client.flags.load(Ordering::Relaxed) & exempt == 0 && !client.killed.load(Ordering::Relaxed)
    });
    // What counts of each, and whether it may be closed for it.
    let weigh = |client: &ClientShared| match exceeded {
        Exceeded::Held(_) => (CLIENT_BYTES + client.account.bytes(), !client.has_flag(flag::NO_EVICT)),
        Exceeded::Unread(_) if memory.has_limit(client) => (0, false),
        Exceeded::Unread(_) => (client.account.output.load(Ordering::Relaxed), true),
    };
    let mut weighed: Vec<_> = clients.into_iter().map(|client| (weigh(&client), client)).collect();
    let mut all: u64 = weighed.iter().map(|((bytes, _), _)| bytes).sum();
    weighed.retain(|((_, may_go), _)| *may_go);
    weighed.sort_unstable_by_key(|((bytes, _), client)| (*bytes, client.id));
    let (Exceeded::Held(limit) | Exceeded::Unread(limit)) = exceeded;
    let mut is_in_vain = true;
    while all > limit
        && let Some(((bytes, _), client)) = weighed.pop()
    {
        all -= bytes;
        // Several workers may have looked at once.
        if !client.killed.swap(true, Ordering::Relaxed) {
            memory.doom(&client);
            match exceeded {
                Exceeded::Held(_) => note_evicted(engine, local, &client),
                Exceeded::Unread(_) => note_output_limit(engine, local, &client),
            }
            engine.mailboxes[client.worker()].post(Message::Kill(client.id));
            is_in_vain = false;
        }
    }
    if is_in_vain {
        // Those that were closed are not gone yet, or may not be closed.
        memory.note_in_vain(local.now_ms);
    }
}

/// Counts a client that is closed for what all clients hold, and tells of it.
#[cold]
fn note_evicted(engine: &Engine, local: &Local, client: &ClientShared) {
    engine.stats.add(local.thread, Counter::EvictedClients, 1);
    let who = server_commands::describe_client(engine, local.now_ms, client);
    engine.log(Loglevel::Notice, format_args!("Evicting client: {who}"));
}
