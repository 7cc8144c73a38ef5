//! MIGRATE

use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Error};
use commands::{Lost, Peer};
use keyspace::EventClass;
use rdb::SaveOptions;
use std::time::Duration;

const OPTIONS: OptionList =
    OptionList { from: 6, word: "KEYS", others: &[("COPY", 0), ("REPLACE", 0), ("AUTH", 1), ("AUTH2", 2)] };

const KEY_FLAGS: KeyFlags = KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE);

/// `MIGRATE`
pub(super) const MIGRATE: Spec = Spec {
    name: "migrate",
    summary: "Moves keys to another server.",
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(N*M) here and there, N being the number of elements and M their average size, and the time on the way",
    arity: -6,
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
    tips: &["nondeterministic_output"],
    keys: &[
        KeySpec {
            flags: KEY_FLAGS,
            begin: BeginSearch::IndexWithout(3, OPTIONS),
            find: FindKeys::Range { last: 0, step: 1, limit: 0 },
        },
        KeySpec {
            flags: KEY_FLAGS.union(KeyFlags::INCOMPLETE),
            begin: BeginSearch::KeywordOption { from: -2, empty: 3, options: OPTIONS },
            find: FindKeys::Range { last: -1, step: 1, limit: 0 },
        },
    ],
    args: &[
        Arg::string("host"),
        Arg::integer("port"),
        Arg::one_of("key-selector", &[Arg::key("key"), Arg::word("empty-string", "\"\"")]),
        Arg::integer("destination-db"),
        Arg::integer("timeout"),
        Arg::word("copy", "COPY").optional().since("3.0.0"),
        Arg::word("replace", "REPLACE").optional().since("3.0.0"),
        Arg::one_of(
            "authentication",
            &[
                Arg::string("auth").token("AUTH").since("4.0.7"),
                Arg::block("auth2", &[Arg::string("username"), Arg::string("password")])
                    .token("AUTH2")
                    .since("6.0.0"),
            ],
        )
        .optional(),
        Arg::key("keys").token("KEYS").optional().multiple().since("3.0.6"),
    ],
    reply: Shape::OneOf(&[Shape::OK, Shape::Simple("NOKEY")]),
    need: Need::Keys,
    ..Spec::BASE
};

/// Sent at once: more wait until they are this long, or the last.
const CHUNK_BYTES: usize = 64 << 10;
/// The timeout of those who give none.
const DEFAULT_TIMEOUT_MS: u64 = 1000;

struct Request<'a> {
    host: &'a [u8],
    port: &'a [u8],
    keys: &'a [&'a [u8]],
    db: i64,
    timeout: Duration,
    copy: bool,
    replace: bool,
    /// What follows AUTH.
    credentials: Option<&'a [&'a [u8]]>,
}

fn parse<'a>(argv: &'a [&'a [u8]]) -> Result<Request<'a>, Error> {
    let (mut copy, mut replace, mut credentials) = (false, false, None);
    let mut keys = &argv[3..4];
    let mut at = OPTIONS.from.into();
    while at < argv.len() {
        let word = argv[at];
        at += 1;
        let mut take = |count: usize| -> Result<&'a [&'a [u8]], Error> {
            let taken = argv.get(at..at + count).ok_or(Error::Syntax)?;
            at += count;
            Ok(taken)
        };
        if is(word, "COPY") {
            copy = true;
        } else if is(word, "REPLACE") {
            replace = true;
        } else if is(word, "AUTH") {
            credentials = Some(take(1)?);
        } else if is(word, "AUTH2") {
            credentials = Some(take(2)?);
        } else if is(word, "KEYS") {
            if !argv[3].is_empty() {
                return Err(Error::text(
                    "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
                ));
            }
            keys = &argv[at..];
            break;
        } else {
            return Err(Error::Syntax);
        }
    }
    let timeout_ms = u64::try_from(int(argv[5])?).ok().filter(|&ms| ms > 0).unwrap_or(DEFAULT_TIMEOUT_MS);
    let db = int(argv[4])?;
    let timeout = Duration::from_millis(timeout_ms);
    Ok(Request { host: argv[1], port: argv[2], keys, db, timeout, copy, replace, credentials })
}

/// Returns the error that ended it after it had moved some of the keys.
pub(super) fn migrate(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Error>, Error> {
    let request = parse(argv)?;
    let keys: Vec<&[u8]> = request.keys.iter().copied().filter(|key| cx.keys.lookup(key).is_some()).collect();
    if keys.is_empty() {
        cx.out.simple("NOKEY");
        return Ok(None);
    }
    cx.effort.waits()?;
    let mut transfer = transfer(cx, &request, &keys);
    if transfer.is_worth_another {
        // The other side has closed a connection that was kept.
        transfer = self::transfer(cx, &request, &keys);
    }
    let gone = if request.copy { Vec::new() } else { transfer.there };
    remove(cx, &gone);
    match transfer.error {
        None => cx.out.ok(),
        Some(error) if gone.is_empty() => return Err(error),
        error => return Ok(error),
    }
    Ok(None)
}

/// Removes the keys that are there now.
fn remove(cx: &mut Cx<'_, '_>, gone: &[&[u8]]) {
    let mut removed: Vec<&[u8]> = vec![b"DEL"];
    for &key in gone {
        let Some(entry) = cx.keys.remove(key) else { continue };
        let lazy = cx.settings.lazyfree_lazy_server_del;
        cx.keys.free(entry, lazy);
        cx.changed(key, EventClass::GENERIC, "del");
        removed.push(key);
    }
    if removed.len() > 1 {
        cx.replicate(&removed);
    }
}

/// What became of an attempt.
#[derive(Default)]
struct Transfer<'a> {
    /// The keys that the other server has by its own word.
    there: Vec<&'a [u8]>,
    error: Option<Error>,
    /// The connection ended before the other server answered anything.
    is_worth_another: bool,
}

impl Transfer<'_> {
    fn lost(lost: Lost, doing: &str) -> Self {
        let error = Error::Other(format!("IOERR error or timeout {doing} to target instance").into());
        Transfer { error: Some(error), is_worth_another: lost == Lost::Closed, ..Transfer::default() }
    }
}

fn transfer<'a>(cx: &mut Cx<'_, '_>, request: &Request<'_>, keys: &[&'a [u8]]) -> Transfer<'a> {
    let peers = cx.peers;
    let mut peer = match peers.connect(request.host, request.port, request.timeout) {
        Ok(peer) => peer,
        // As the real server tells it: it learns that when it writes.
        Err(Lost::Closed) => return Transfer::lost(Lost::Closed, "writing"),
        Err(Lost::TimedOut | Lost::Nowhere) => {
            let error = Error::text("IOERR error or timeout connecting to the client");
            return Transfer { error: Some(error), ..Transfer::default() };
        }
    };
    let selects = peer.db() != Some(request.db);
    if let Err(lost) = send(cx, request, keys, &mut *peer, selects) {
        return Transfer::lost(lost, "writing");
    }
    let (mut refused, mut there) = (None, Vec::new());
    let heads = usize::from(request.credentials.is_some()) + usize::from(selects);
    for _ in 0..heads {
        match peer.line() {
            Ok(line) => refused = refused.or(refusal(&line)),
            Err(lost) => return Transfer::lost(lost, "reading"),
        }
    }
    // Without its login or its database nothing that it says of a key counts.
    let is_lost = refused.is_some();
    for (number, &key) in keys.iter().enumerate() {
        match peer.line() {
            Ok(line) => match refusal(&line) {
                None if !is_lost => there.push(key),
                error => refused = refused.or(error),
            },
            Err(lost) => {
                let transfer = Transfer::lost(lost, "reading");
                let is_worth_another = transfer.is_worth_another && refused.is_none() && number == 0;
                return Transfer { there, error: refused.or(transfer.error), is_worth_another };
            }
        }
    }
    peer.keep(if refused.is_none() { Some(request.db) } else { None });
    Transfer { there, error: refused, is_worth_another: false }
}

/// What the client is told of a reply that is not `+OK`. Real servers take everything but an error for consent, and would delete
/// keys because a server of another kind has answered.
fn refusal(line: &[u8]) -> Option<Error> {
    if line == b"+OK" {
        return None;
    }
    let text = String::from_utf8_lossy(line.strip_prefix(b"-").unwrap_or(line));
    Some(Error::Other(format!("ERR Target instance replied with error: {text}").into()))
}

/// Sends the keys, each as a RESTORE.
fn send(
    cx: &mut Cx<'_, '_>,
    request: &Request<'_>,
    keys: &[&[u8]],
    peer: &mut dyn Peer,
    selects: bool,
) -> Result<(), Lost> {
    let options =
        SaveOptions { compress: cx.settings.rdbcompression, ..SaveOptions::new(cx.options.profile) };
    let now_ms = cx.keys.now_ms();
    let mut bytes = Vec::new();
    if let Some(credentials) = request.credentials {
        resp::encode_command(&mut bytes, &[&[b"AUTH".as_slice()], credentials].concat());
    }
    let (mut db, mut ttl) = (itoa::Buffer::new(), itoa::Buffer::new());
    if selects {
        resp::encode_command(&mut bytes, &[b"SELECT", db.format(request.db).as_bytes()]);
    }
    for &key in keys {
        let entry = cx.keys.peek(key).expect("a key that was looked up under these locks");
        let ttl_ms = entry.expire_at().map_or(0, |at_ms| at_ms.saturating_sub(now_ms).max(1));
        let payload = rdb::dump(entry.value(), &options);
        let restore = [b"RESTORE".as_slice(), key, ttl.format(ttl_ms).as_bytes(), &payload, b"REPLACE"];
        resp::encode_command(&mut bytes, &restore[..if request.replace { 5 } else { 4 }]);
        if bytes.len() >= CHUNK_BYTES {
            peer.send(&bytes)?;
            bytes.clear();
        }
    }
    peer.send(&bytes)
}
