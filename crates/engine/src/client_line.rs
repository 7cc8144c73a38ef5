//! A client on one line, as CLIENT LIST and CLIENT INFO show it, and ACL LOG and the server's own log tell of it.

use crate::engine::Engine;
use session::outbox::CLIENT_BYTES;
use session::{ClientShared, flag};
use std::fmt::Write;
use std::sync::atomic::Ordering;

/// What a line takes, about.
pub const BYTES: usize = 400;

/// How long a request is on the wire.
fn request_bytes(argv: &[&[u8]]) -> u64 {
    let line = |number: usize| 1 + number.to_string().len() + 2;
    let bulk = |arg: &&[u8]| line(arg.len()) + arg.len() + 2;
    (line(argv.len()) + argv.iter().map(bulk).sum::<usize>()) as u64
}

/// Writes the line of a client, with its end. Of its request only its own thread knows.
pub fn write(
    engine: &Engine,
    now_ms: u64,
    own_argv: Option<&[&[u8]]>,
    client: &ClientShared,
    text: &mut Vec<u8>,
) {
    let seconds_since = |ms: u64| (now_ms / 1000).saturating_sub(ms / 1000);
    let names = client.names().clone();
    let argv_bytes: u64 = own_argv.iter().copied().flatten().map(|arg| arg.len() as u64).sum();
    let account = &client.account;
    let mut query_bytes = account.input.load(Ordering::Relaxed);
    if let Some(argv) = own_argv
        && !engine.profile.has("8.0.0")
    {
        // Before Valkey 8 a request lies in its client's own buffer while it runs.
        query_bytes += request_bytes(argv);
    }
    let (queued_bytes, output_bytes) =
        (account.queued.load(Ordering::Relaxed), account.output.load(Ordering::Relaxed));
    let interests = account.interests.load(Ordering::Relaxed);
    let total_bytes = CLIENT_BYTES + query_bytes + argv_bytes + queued_bytes + output_bytes + interests;
    let command = match client.last_command.load(Ordering::Relaxed) {
        0 => "NULL",
        number => engine.commands.by_id()[number as usize - 1].run.full_name,
    };
    let mut line = String::with_capacity(BYTES);
    let is_new = engine.profile.has("7.2.0");
    let is_newer = engine.profile.has("8.0.0");
    // Writing to a string cannot fail.
    let _ = write!(line, "id={} addr={} laddr={} ", client.id, client.addr, client.laddr);
    let _ = write!(line, "fd={} name=", client.fd.load(Ordering::Relaxed));
    text.extend_from_slice(line.as_bytes());
    text.extend_from_slice(&names.name);
    line.clear();
    let _ = write!(line, " age={}", seconds_since(client.created_ms));
    let _ = write!(line, " idle={}", seconds_since(client.active_ms.load(Ordering::Relaxed)));
    let _ = write!(line, " flags={}", flag_letters(client));
    if engine.profile.has("8.1.0") {
        let _ = write!(line, " capa={}", capabilities(client));
    }
    let _ = write!(line, " db={}", client.db.load(Ordering::Relaxed));
    let _ = write!(line, " sub={}", client.channels.load(Ordering::Relaxed));
    let _ = write!(line, " psub={} ssub=0", client.patterns.load(Ordering::Relaxed));
    let _ = write!(line, " multi={}", client.queued.load(Ordering::Relaxed));
    if is_newer {
        let _ = write!(line, " watch={}", client.watched.load(Ordering::Relaxed));
    }
    let _ = write!(line, " qbuf={query_bytes} qbuf-free=0 argv-mem={argv_bytes} multi-mem={queued_bytes}");
    line.push_str(" rbs=0 rbp=0");
    let _ = write!(line, " obl=0 oll={} omem={output_bytes}", u32::from(output_bytes > 0));
    let _ = write!(line, " tot-mem={total_bytes} events={}", if output_bytes > 0 { "rw" } else { "r" });
    let _ = write!(line, " cmd={command} user=");
    text.extend_from_slice(line.as_bytes());
    text.extend_from_slice(names.user.as_ref().map_or(&b"(superuser)"[..], |user| user.name()));
    line.clear();
    let _ = write!(line, " redir={} resp={}", redirection(client), client.proto.load(Ordering::Relaxed));
    text.extend_from_slice(line.as_bytes());
    if is_new {
        text.extend_from_slice(b" lib-name=");
        text.extend_from_slice(&names.lib_name);
        text.extend_from_slice(b" lib-ver=");
        text.extend_from_slice(&names.lib_ver);
    }
    if is_newer {
        line.clear();
        let _ = write!(line, " tot-net-in={}", client.bytes_in.load(Ordering::Relaxed));
        let _ = write!(line, " tot-net-out={}", client.bytes_out.load(Ordering::Relaxed));
        let _ = write!(line, " tot-cmds={}", client.commands.load(Ordering::Relaxed));
        text.extend_from_slice(line.as_bytes());
    }
    text.push(b'\n');
}

/// The client that is told in a client's place that copies are old: 0 is none, -1 that it keeps none.
pub fn redirection(client: &ClientShared) -> i64 {
    match client.has_flag(flag::TRACKING) {
        true => client.redirection.load(Ordering::Relaxed) as i64,
        false => -1,
    }
}

/// The letters that tell what a client says that it can do.
pub fn capabilities(client: &ClientShared) -> &'static str {
    if client.has_flag(flag::REDIRECT) { "r" } else { "" }
}

/// The letters that tell the state of a client.
pub fn flag_letters(client: &ClientShared) -> String {
    let has = |bit| client.has_flag(bit);
    let listens = client.is_subscribed();
    let letters = [
        (has(flag::REPLICA), 'S'),
        (has(flag::PRIMARY), 'M'),
        (listens, 'P'),
        (client.queued.load(Ordering::Relaxed) >= 0, 'x'),
        (has(flag::BLOCKED) || has(flag::PAUSED), 'b'),
        (has(flag::TRACKING), 't'),
        (has(flag::BROKEN_REDIRECTION), 'R'),
        (has(flag::BROADCASTS), 'B'),
        (has(flag::DIRTY_WATCH), 'd'),
        (has(flag::CLOSE_AFTER_REPLY), 'c'),
        (has(flag::UNBLOCKED), 'u'),
        (client.is_unix, 'U'),
        (has(flag::READONLY), 'r'),
        (has(flag::NO_EVICT), 'e'),
        (has(flag::NO_TOUCH), 'T'),
    ];
    let all: String = letters.iter().filter(|(on, _)| *on).map(|&(_, letter)| letter).collect();
    if all.is_empty() { "N".to_owned() } else { all }
}
