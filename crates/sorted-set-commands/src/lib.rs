//! Sorted sets: different members under one key, in the order of their scores.
//!
//! A small sorted set is one listpack of members and scores in turn; more than `zset-max-listpack-entries` members, or one of
//! more than `zset-max-listpack-value` bytes, make it a tree. It never changes back; only the results of commands that store one
//! get the encoding that fits. Clients see the difference in `OBJECT ENCODING`, which calls the tree `skiplist`, and in ZSCAN,
//! which returns a listpack at once.
//!
//! Members with equal scores are ordered by their bytes. A range is asked for by ranks, by scores or, where all scores are
//! equal, by members. Each becomes a range of ranks, which is counted, read, stored or removed.
//!
//! A sorted set is created with its first member and deleted with its last: there is no empty one. The blocking commands wait for
//! a key to hold one, as those of lists do. What was popped is replicated as the plain ZPOPMIN or ZPOPMAX it amounts to.

#![forbid(unsafe_code)]

mod bounds;
mod bzmpop;
mod bzpop;
mod combine;
mod query;
mod reply;
mod zadd;
mod zcard;
mod zcount;
mod zdiff;
mod zinter;
mod zmpop;
mod zpop;
mod zrandmember;
mod zrange;
mod zrangestore;
mod zrank;
mod zrem;
mod zremrange;
mod zscan;
mod zscore;
mod zunion;

use commands::Handler::{Lengthy, Plain};
use commands::{Command, Error, Handler, RunBlocking};
use keyspace::Keys;
use structures::SortedSet;
use table::Kind;

pub use combine::store_counted;
pub use zadd::zadd;

/// The family, in teaching order.
pub const COMMANDS: &[Command] = &[
    Command::new(&zadd::ZADD, Plain(zadd::zadd)),
    Command::new(&zadd::ZINCRBY, Plain(zadd::zincrby)),
    Command::new(&zrem::ZREM, Plain(zrem::zrem)),
    Command::new(&zcard::ZCARD, Plain(zcard::zcard)),
    Command::new(&zscore::ZSCORE, Plain(zscore::zscore)),
    Command::new(&zscore::ZMSCORE, Plain(zscore::zmscore)),
    Command::new(&zrange::ZRANGE, Plain(zrange::zrange)),
    Command::new(&zrange::ZREVRANGE, Plain(zrange::zrevrange)),
    Command::new(&zrange::ZRANGEBYSCORE, Plain(zrange::zrangebyscore)),
    Command::new(&zrange::ZREVRANGEBYSCORE, Plain(zrange::zrevrangebyscore)),
    Command::new(&zrange::ZRANGEBYLEX, Plain(zrange::zrangebylex)),
    Command::new(&zrange::ZREVRANGEBYLEX, Plain(zrange::zrevrangebylex)),
    Command::new(&zrangestore::ZRANGESTORE, Plain(zrangestore::zrangestore)),
    Command::new(&zrank::ZRANK, Plain(zrank::zrank)),
    Command::new(&zrank::ZREVRANK, Plain(zrank::zrevrank)),
    Command::new(&zcount::ZCOUNT, Plain(zcount::zcount)),
    Command::new(&zcount::ZLEXCOUNT, Plain(zcount::zlexcount)),
    Command::new(&zremrange::ZREMRANGEBYRANK, Plain(zremrange::zremrangebyrank)),
    Command::new(&zremrange::ZREMRANGEBYSCORE, Plain(zremrange::zremrangebyscore)),
    Command::new(&zremrange::ZREMRANGEBYLEX, Plain(zremrange::zremrangebylex)),
    Command::new(&zpop::ZPOPMIN, Plain(zpop::zpopmin)),
    Command::new(&zpop::ZPOPMAX, Plain(zpop::zpopmax)),
    Command::new(&zmpop::ZMPOP, Plain(zmpop::zmpop)),
    Command::new(&bzpop::BZPOPMIN, waiting(bzpop::bzpopmin)),
    Command::new(&bzpop::BZPOPMAX, waiting(bzpop::bzpopmax)),
    Command::new(&bzmpop::BZMPOP, waiting(bzmpop::bzmpop)),
    Command::new(&zrandmember::ZRANDMEMBER, Lengthy(zrandmember::zrandmember)),
    Command::new(&zinter::ZINTER, Plain(zinter::zinter)),
    Command::new(&zinter::ZINTERSTORE, Plain(zinter::zinterstore)),
    Command::new(&zinter::ZINTERCARD, Plain(zinter::zintercard)),
    Command::new(&zunion::ZUNION, Plain(zunion::zunion)),
    Command::new(&zunion::ZUNIONSTORE, Plain(zunion::zunionstore)),
    Command::new(&zdiff::ZDIFF, Plain(zdiff::zdiff)),
    Command::new(&zdiff::ZDIFFSTORE, Plain(zdiff::zdiffstore)),
    Command::new(&zscan::ZSCAN, Plain(zscan::zscan)),
];

/// What runs a command that may wait for a sorted set.
const fn waiting(run: RunBlocking) -> Handler {
    Handler::Blocking { awaits: Some(Kind::SortedSet), run }
}

/// The sorted set at a key, for reading.
///
/// # Errors
/// [`Error::WrongType`].
#[inline]
pub fn read<'k>(keys: &'k mut Keys<'_, '_>, key: &[u8]) -> Result<Option<&'k SortedSet>, Error> {
    keys.lookup(key).map(|entry| entry.value().sorted_set().ok_or(Error::WrongType)).transpose()
}
