//! The whole contents of a server, read through commands: the final comparison of a program and of replication.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use profile::Profile;
use rdb::SaveOptions;
use structures::{Limits, StreamId, Value};

use super::compare::{sorted, sorted_pairs, without_times};
use crate::connection::Connection;
use crate::reply::{Reply, quoted};

/// Databases of a server with the default configuration.
const DATABASES: usize = 16;
/// How far apart two remaining times to live may be: time passes between the two servers.
const TTL_TOLERANCE_MS: u64 = 30_000;

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KeyState {
    /// `TYPE`
    kind: String,
    /// `OBJECT ENCODING`
    encoding: String,
    /// `PEXPIRETIME`: milliseconds since 1970, or -1.
    expires_at_ms: i64,
    /// The whole value; what has no order is sorted.
    content: Reply,
}

/// A server's whole content.
#[derive(Debug, Clone)]
pub struct State {
    /// By database and key.
    keys: BTreeMap<(usize, Vec<u8>), KeyState>,
    /// `DEBUG DIGEST`
    digest: String,
}

impl State {
    /// The same with every string as `embstr`.
    pub(super) fn without_raw(mut self) -> State {
        for key in self.keys.values_mut().filter(|key| key.encoding == "raw") {
            "embstr".clone_into(&mut key.encoding);
        }
        self
    }

    /// The same without what a file, a full sync or the stream does not keep: encodings, and with them the order of compact
    /// hashes and sets; some of what groups know.
    pub fn without_encodings(mut self) -> State {
        for key in self.keys.values_mut() {
            key.encoding.clear();
            key.content = match key.kind.as_str() {
                "hash" => match key.content.elements() {
                    Some([pairs @ Reply::Array(_), expiries @ Reply::Array(_)]) => {
                        Reply::Array(vec![sorted_pairs(pairs), expiries.clone()])
                    }
                    _ => sorted_pairs(&key.content),
                },
                "set" => sorted(&key.content),
                "stream" => replicated(&key.content),
                _ => continue,
            };
        }
        self
    }
}

/// Reads everything. The connection's database is 0 afterwards.
pub fn describe(connection: &mut Connection) -> Result<State> {
    let mut keys = BTreeMap::new();
    for database in 0..DATABASES {
        ask(connection, &[b"SELECT", database.to_string().as_bytes()])?;
        let names = ask(connection, &[b"KEYS", b"*"])?;
        let count = ask(connection, &[b"DBSIZE"])?;
        let names = names.elements().unwrap_or_default();
        if count != Reply::Integer(names.len() as i64) {
            bail!("database {database}: KEYS * gives {} keys, DBSIZE {count}", names.len());
        }
        for name in names {
            let name = name.text().unwrap_or_default();
            keys.insert((database, name.to_vec()), describe_key(connection, name)?);
        }
    }
    ask(connection, &[b"SELECT", b"0"])?;
    Ok(State { keys, digest: digest(connection)? })
}

/// `DEBUG DIGEST`: equal contents give equal digests, whatever the order of tables.
pub fn digest(connection: &mut Connection) -> Result<String> {
    Ok(ask(connection, &[b"DEBUG", b"DIGEST"])?.to_text())
}

/// The first difference of two states in words.
pub fn difference(oracle: &State, subject: &State) -> Option<String> {
    let mut names: Vec<_> = oracle.keys.keys().chain(subject.keys.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let (a, b) = (oracle.keys.get(name), subject.keys.get(name));
        if let (Some(a), Some(b)) = (a, b)
            && a.is_like(b)
        {
            continue;
        }
        let (database, key) = name;
        let tell =
            |state: Option<&KeyState>| state.map_or("no such key".to_owned(), |state| format!("{state:?}"));
        return Some(format!(
            "database {database}, key {}:\n  oracle:  {}\n  subject: {}",
            quoted(key),
            tell(a),
            tell(b)
        ));
    }
    (oracle.digest != subject.digest).then(|| {
        format!(
            "every key is equal, but DEBUG DIGEST is\n  oracle:  {}\n  subject: {}",
            oracle.digest, subject.digest
        )
    })
}

impl KeyState {
    fn is_like(&self, other: &KeyState) -> bool {
        let expiry = (self.expires_at_ms < 0) == (other.expires_at_ms < 0)
            && self.expires_at_ms.abs_diff(other.expires_at_ms) <= TTL_TOLERANCE_MS;
        expiry && self.kind == other.kind && self.encoding == other.encoding && self.content == other.content
    }
}

fn describe_key(connection: &mut Connection, name: &[u8]) -> Result<KeyState> {
    let kind = ask(connection, &[b"TYPE", name])?.to_text();
    let encoding = ask(connection, &[b"OBJECT", b"ENCODING", name])?.to_text();
    let Reply::Integer(expires_at_ms) = ask(connection, &[b"PEXPIRETIME", name])? else {
        bail!("PEXPIRETIME gives no integer");
    };
    let is_table = !matches!(encoding.as_str(), "listpack" | "intset");
    let content = match kind.as_str() {
        "string" => ask(connection, &[b"GET", name])?,
        "list" => ask(connection, &[b"LRANGE", name, b"0", b"-1"])?,
        "hash" if is_table => table(connection, name)?,
        "hash" => ask(connection, &[b"HGETALL", name])?,
        // The listpack of a union has the order of tables that it comes from.
        "set" => sorted(&ask(connection, &[b"SMEMBERS", name])?),
        "zset" => ask(connection, &[b"ZRANGE", name, b"0", b"-1", b"WITHSCORES"])?,
        "stream" => stream(connection, name)?,
        other => bail!("TYPE of {} is {other:?}", quoted(name)),
    };
    Ok(KeyState { kind, encoding, expires_at_ms, content })
}

/// The fields of a hash in a table, and when those of them expire that do.
fn table(connection: &mut Connection, name: &[u8]) -> Result<Reply> {
    let pairs = sorted_pairs(&ask(connection, &[b"HGETALL", name])?);
    let dumped = ask(connection, &[b"DUMP", name])?;
    let value = rdb::restore(dumped.text().unwrap_or_default(), &Limits::DEFAULT, u16::MAX);
    let Ok(Value::Hash(hash)) = value else { bail!("DUMP of {} is {value:?}", quoted(name)) };
    let volatile = hash.iter_with_expiry().filter_map(|(field, _, at_ms)| Some((field.to_vec(), at_ms?)));
    let volatile: BTreeMap<_, _> = volatile.collect();
    if volatile.is_empty() {
        return Ok(pairs);
    }
    let expiries = volatile
        .into_iter()
        .flat_map(|(field, at_ms)| [Reply::Bulk(field), Reply::Integer(at_ms as i64)])
        .collect();
    Ok(Reply::Array(vec![pairs, Reply::Array(expiries)]))
}

/// A stream and its groups without times, and the bytes of its nodes: they are the same on all servers. Without consumers, in
/// whom there are times, the bytes are those of the whole payload.
fn stream(connection: &mut Connection, name: &[u8]) -> Result<Reply> {
    let told = ask(connection, &[b"XINFO", b"STREAM", name, b"FULL", b"COUNT", b"0"])?;
    let dumped = ask(connection, &[b"DUMP", name])?;
    let payload = dumped.text().unwrap_or_default();
    // How servers compress differs, so it is undone.
    let value = rdb::restore(payload, &Limits::DEFAULT, u16::MAX);
    let Ok(Value::Stream(stream)) = value else { bail!("DUMP of {} is {value:?}", quoted(name)) };
    let bytes = if stream.groups().all(|group| group.consumers_len() == 0) {
        let save = SaveOptions { compress: false, ..SaveOptions::new(Profile::default()) };
        rdb::dump(Value::Stream(stream).view(), &save)
    } else {
        let nodes = stream.nodes_from(StreamId::MIN);
        nodes.flat_map(|(id, node)| [&id.to_bytes(), node.as_bytes()].concat()).collect()
    };
    Ok(Reply::Array(vec![without_times(&told), Reply::Bulk(bytes)]))
}

/// What replicas are told of a stream: its entries, and what is pending for whom. They do not count what a group has read, nor how
/// often entries were delivered, and do not hear of consumers that got nothing.
fn replicated(stream: &Reply) -> Reply {
    let Some([told, _]) = stream.elements() else { return stream.clone() };
    let groups = field(told, b"groups").and_then(Reply::elements).unwrap_or_default().iter().map(|group| {
        let pending = field(group, b"pending").and_then(Reply::elements).unwrap_or_default();
        let owners = pending.iter().map(|entry| {
            Reply::Array(entry.elements().unwrap_or_default().iter().take(2).cloned().collect())
        });
        let mut told: Vec<Reply> = [field(group, b"name"), field(group, b"last-delivered-id")]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        told.extend(owners);
        Reply::Array(told)
    });
    let mut kept: Vec<Reply> = groups.collect();
    for name in ["length", "last-generated-id", "max-deleted-entry-id", "entries-added", "entries"] {
        kept.extend(field(told, name.as_bytes()).cloned());
    }
    Reply::Array(kept)
}

/// What stands behind a name, in either protocol.
fn field<'r>(told: &'r Reply, name: &[u8]) -> Option<&'r Reply> {
    match told {
        Reply::Map(pairs) => pairs.iter().find(|(key, _)| key.text() == Some(name)).map(|(_, value)| value),
        other => {
            let pair = other.elements()?.chunks(2).find(|pair| pair[0].text() == Some(name))?;
            pair.get(1)
        }
    }
}

fn ask(connection: &mut Connection, args: &[&[u8]]) -> Result<Reply> {
    let reply = connection.call(args)?;
    if reply.is_error() {
        let command: Vec<String> = args.iter().map(|arg| quoted(arg)).collect();
        bail!("{}: {reply}", command.join(" "));
    }
    Ok(reply)
}
