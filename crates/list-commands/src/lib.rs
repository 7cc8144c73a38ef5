//! Lists: elements in order, pushed and popped at both ends.
//!
//! A small list is one listpack, a larger one a chain of them (a quicklist); `list-max-listpack-size` says how large a
//! node may get. Both ends are cheap to access; an index in the middle is reached by skipping whole nodes from the
//! nearer end.
//!
//! A list is created with its first element and deleted with its last: there is no empty list. The blocking commands wait
//! for a key to hold one. A client that finds none adds a ticket to its keys. A command that pushes to one of them marks
//! the key as ready, and the blocked command is run again for the client that has waited longest. What was popped is
//! replicated as the plain LPOP, RPOP or LMOVE it amounts to.

#![forbid(unsafe_code)]

mod blmove;
mod blmpop;
mod blpop;
mod lindex;
mod linsert;
mod llen;
mod lmove;
mod lmpop;
mod lpop;
mod lpos;
mod lpush;
mod lrange;
mod lrem;
mod lset;
mod ltrim;

use commands::Handler::Plain;
use commands::container::{remove_empty, reply_item};
use commands::{Command, Cx, Error, Handler, RunBlocking, args};
use keyspace::{EventClass, Keys};
use resp::Writer;
use structures::{Direction, End, Limits, List};
use table::Kind;

/// The family, in teaching order.
pub const COMMANDS: &[Command] = &[
    Command::new(&lpush::LPUSH, Plain(lpush::lpush)),
    Command::new(&lpush::RPUSH, Plain(lpush::rpush)),
    Command::new(&lpush::LPUSHX, Plain(lpush::lpushx)),
    Command::new(&lpush::RPUSHX, Plain(lpush::rpushx)),
    Command::new(&lpop::LPOP, Plain(lpop::lpop)),
    Command::new(&lpop::RPOP, Plain(lpop::rpop)),
    Command::new(&llen::LLEN, Plain(llen::llen)),
    Command::new(&lrange::LRANGE, Plain(lrange::lrange)),
    Command::new(&lindex::LINDEX, Plain(lindex::lindex)),
    Command::new(&lset::LSET, Plain(lset::lset)),
    Command::new(&linsert::LINSERT, Plain(linsert::linsert)),
    Command::new(&lrem::LREM, Plain(lrem::lrem)),
    Command::new(&ltrim::LTRIM, Plain(ltrim::ltrim)),
    Command::new(&lpos::LPOS, Plain(lpos::lpos)),
    Command::new(&lmove::LMOVE, Plain(lmove::lmove)),
    Command::new(&lmove::RPOPLPUSH, Plain(lmove::rpoplpush)),
    Command::new(&lmpop::LMPOP, Plain(lmpop::lmpop)),
    Command::new(&blpop::BLPOP, waiting(blpop::blpop)),
    Command::new(&blpop::BRPOP, waiting(blpop::brpop)),
    Command::new(&blmove::BLMOVE, waiting(blmove::blmove)),
    Command::new(&blmove::BRPOPLPUSH, waiting(blmove::brpoplpush)),
    Command::new(&blmpop::BLMPOP, waiting(blmpop::blmpop)),
];

/// What runs a command that may wait for a list.
const fn waiting(run: RunBlocking) -> Handler {
    Handler::Blocking { awaits: Some(Kind::List), run }
}

/// The list at a key, for reading.
#[inline]
fn read<'k>(keys: &'k mut Keys<'_, '_>, key: &[u8]) -> Result<Option<&'k List>, Error> {
    keys.lookup(key).map(|entry| entry.value().list().ok_or(Error::WrongType)).transpose()
}

/// `LEFT` or `RIGHT`.
fn parse_end(word: &[u8]) -> Result<End, Error> {
    if args::is(word, "LEFT") {
        Ok(End::Front)
    } else if args::is(word, "RIGHT") {
        Ok(End::Back)
    } else {
        Err(Error::Syntax)
    }
}

fn push_event(end: End) -> &'static str {
    match end {
        End::Front => "lpush",
        End::Back => "rpush",
    }
}

fn pop_event(end: End) -> &'static str {
    match end {
        End::Front => "lpop",
        End::Back => "rpop",
    }
}

/// How far an index is from the nearer end.
fn distance(index: i64, len: usize) -> usize {
    let from_tail = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX).min(len);
    from_tail.min(len - from_tail)
}

/// Answers with the element at one end and removes it. The list has one.
fn reply_pop(out: &mut Writer<'_>, list: &mut List, end: End, limits: &Limits) {
    list.pop_with(end, limits, |element| reply_item(out, element));
}

/// Answers with an array of up to `count` elements from one end inwards and removes them; how many there were.
fn reply_pops(out: &mut Writer<'_>, list: &mut List, end: End, count: usize, limits: &Limits) -> usize {
    let len = list.len();
    let count = count.min(len);
    out.array(count);
    let (elements, range) = match end {
        End::Front => (list.iter(), 0..count),
        End::Back => (list.iter_from(len.saturating_sub(1), Direction::Backward), len - count..len),
    };
    out.each(elements.take(count), reply_item);
    list.remove_range(range, limits);
    count
}

/// Describes that elements were popped at one end, and removes the key if none is left.
fn popped(cx: &mut Cx<'_, '_>, key: &[u8], end: End, count: usize, is_empty: bool) {
    cx.keys.changed(key, EventClass::LIST, pop_event(end), count as u64);
    if is_empty {
        remove_empty(&mut cx.keys, key);
    }
}
