//! Streams: entries that are only ever added at the end, and groups of consumers that share them.
//!
//! An entry has an ID, `ms-seq`, greater than those of all entries before it, and fields with values. Where an ID is an argument,
//! the sequence number may be left out. Entries are read by ranges of IDs, or waited for.
//!
//! A group remembers the last entry that it was delivered. Each further one goes to one of its consumers and is pending until it is
//! acknowledged; another consumer may claim it. Who read what is a change like any other: XREADGROUP is a write. Replicas get
//! it as the XCLAIM or XGROUP SETID that it amounts to, with times and counts in it.
//!
//! A stream may be empty. It goes only when its key is deleted. Clients that wait in a group for its entries are told then.

#![forbid(unsafe_code)]

mod edit;
mod ids;
mod reply;
mod trimming;
mod xack;
mod xadd;
mod xautoclaim;
mod xclaim;
mod xdel;
mod xgroup;
mod xinfo;
mod xlen;
mod xpending;
mod xrange;
mod xread;
mod xreadgroup;
mod xsetid;
mod xtrim;

use commands::{Command, Error, Handler::Blocking, Handler::Plain};
use keyspace::Keys;
use profile::Profile;
use std::borrow::Cow;
use structures::Stream;
use structures::stream::Counting;
use table::Kind;

/// The family, in teaching order.
pub const COMMANDS: &[Command] = &[
    Command::new(&xadd::XADD, Plain(xadd::xadd)),
    Command::new(&xlen::XLEN, Plain(xlen::xlen)),
    Command::new(&xrange::XRANGE, Plain(xrange::xrange)),
    Command::new(&xrange::XREVRANGE, Plain(xrange::xrevrange)),
    Command::new(&xread::XREAD, Blocking { awaits: Some(Kind::Stream), run: xread::xread }),
    Command::new(&xdel::XDEL, Plain(xdel::xdel)),
    Command::new(&xtrim::XTRIM, Plain(xtrim::xtrim)),
    Command { spec: &xgroup::XGROUP, run: Plain(xgroup::xgroup), subcommands: xgroup::SUBCOMMANDS },
    Command::new(&xreadgroup::XREADGROUP, Blocking { awaits: None, run: xreadgroup::xreadgroup }),
    Command::new(&xack::XACK, Plain(xack::xack)),
    Command::new(&xpending::XPENDING, Plain(xpending::xpending)),
    Command::new(&xclaim::XCLAIM, Plain(xclaim::xclaim)),
    Command::new(&xautoclaim::XAUTOCLAIM, Plain(xautoclaim::xautoclaim)),
    Command { spec: &xinfo::XINFO, run: Plain(xinfo::xinfo), subcommands: xinfo::SUBCOMMANDS },
    Command::new(&xsetid::XSETID, Plain(xsetid::xsetid)),
];

/// The stream at a key, for reading.
#[inline]
fn read<'k>(keys: &'k mut Keys<'_, '_>, key: &[u8]) -> Result<Option<&'k Stream>, Error> {
    keys.lookup(key).map(|entry| entry.value().stream().ok_or(Error::WrongType)).transpose()
}

/// How the server counts what groups have read.
fn counting(profile: Profile) -> Counting {
    if profile.has("7.2.0") { Counting::Later } else { Counting::Redis70 }
}

/// A client's bytes as they are quoted in an error.
fn quoted(bytes: &[u8]) -> Cow<'_, str> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end])
}

/// The key or the group does not exist; `end` names the command.
fn no_group(key: &[u8], group: &[u8], end: &str) -> Error {
    let (key, group) = (quoted(key), quoted(group));
    Error::Other(format!("NOGROUP No such key '{key}' or consumer group '{group}'{end}").into())
}

/// The key exists, the group does not.
fn no_group_of_key(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (quoted(key), quoted(group));
    Error::Other(format!("NOGROUP No such consumer group '{group}' for key name '{key}'").into())
}
