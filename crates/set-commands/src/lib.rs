//! Sets: different members under one key.
//!
//! A set of integers is one sorted array (an intset) up to `set-max-intset-entries` members. Any other small set is one
//! listpack, in the order of addition; more than `set-max-listpack-entries` members, or one of more than
//! `set-max-listpack-value` bytes, make it a table, which is unordered. Servers before 7.2 have no listpacks of sets. A set
//! never changes back; only the results of commands that store one get the encoding that fits. Clients see the difference in
//! `OBJECT ENCODING`, in the order of SMEMBERS, and in SSCAN, which returns a compact encoding at once.
//!
//! A set is created with its first member and deleted with its last: there is no empty set. What is drawn at random is
//! replicated as the SREM it amounts to.

#![forbid(unsafe_code)]

mod combine;
mod sadd;
mod scard;
mod sdiff;
mod sinter;
mod sintercard;
mod sismember;
mod smembers;
mod smove;
mod spop;
mod srandmember;
mod srem;
mod sscan;
mod sunion;

use commands::{Command, Error, Handler::Lengthy, Handler::Plain};
use keyspace::Keys;
use profile::Profile;
use structures::{Limits, Set};

/// The family, in teaching order.
pub const COMMANDS: &[Command] = &[
    Command::new(&sadd::SADD, Plain(sadd::sadd)),
    Command::new(&srem::SREM, Plain(srem::srem)),
    Command::new(&sismember::SISMEMBER, Plain(sismember::sismember)),
    Command::new(&sismember::SMISMEMBER, Plain(sismember::smismember)),
    Command::new(&scard::SCARD, Plain(scard::scard)),
    Command::new(&smembers::SMEMBERS, Plain(smembers::smembers)),
    Command::new(&smove::SMOVE, Plain(smove::smove)),
    Command::new(&spop::SPOP, Plain(spop::spop)),
    Command::new(&srandmember::SRANDMEMBER, Lengthy(srandmember::srandmember)),
    Command::new(&sinter::SINTER, Plain(sinter::sinter)),
    Command::new(&sinter::SINTERSTORE, Plain(sinter::sinterstore)),
    Command::new(&sintercard::SINTERCARD, Plain(sintercard::sintercard)),
    Command::new(&sunion::SUNION, Plain(sunion::sunion)),
    Command::new(&sunion::SUNIONSTORE, Plain(sunion::sunionstore)),
    Command::new(&sdiff::SDIFF, Plain(sdiff::sdiff)),
    Command::new(&sdiff::SDIFFSTORE, Plain(sdiff::sdiffstore)),
    Command::new(&sscan::SSCAN, Plain(sscan::sscan)),
];

/// The set at a key, for reading.
#[inline]
fn read<'k>(keys: &'k mut Keys<'_, '_>, key: &[u8]) -> Result<Option<&'k Set>, Error> {
    keys.lookup(key).map(|entry| entry.value().set().ok_or(Error::WrongType)).transpose()
}

/// An empty set for members of which this is the first. Since 7.2 their number decides as well.
fn set_for(first: &[u8], count: usize, limits: &Limits, profile: Profile) -> Set {
    Set::for_members(first, if profile.has("7.2.0") { count } else { 1 }, limits)
}
