//! HyperLogLogs: how many different elements were added to a key, in 12 KB at most.
//!
//! One is a string with bytes of its own form ([`::hyperloglog`]), so the commands of strings apply too; a string
//! that has another form is refused. PFCOUNT keeps its estimate in the value. It is a reader all the same: a replica that is asked
//! leaves its value as it is, and a primary replicates the call so that its replicas keep the same bytes.

#![forbid(unsafe_code)]

mod pfadd;
mod pfcount;
mod pfdebug;
mod pfmerge;
mod pfselftest;

use commands::{Command, Error, Handler::Plain};
use hyperloglog::{Corrupted, is_valid};
use structures::{Item, ValueRef};

/// The family, in teaching order.
pub const COMMANDS: &[Command] = &[
    Command::new(&pfadd::PFADD, Plain(pfadd::pfadd)),
    Command::new(&pfcount::PFCOUNT, Plain(pfcount::pfcount)),
    Command::new(&pfmerge::PFMERGE, Plain(pfmerge::pfmerge)),
    Command::new(&pfdebug::PFDEBUG, Plain(pfdebug::pfdebug)),
    Command::new(&pfselftest::PFSELFTEST, Plain(pfselftest::pfselftest)),
];

const INVALID: Error = Error::text("WRONGTYPE Key is not a valid HyperLogLog string value.");

/// The error for registers that contradict themselves.
fn corrupted(_: Corrupted) -> Error {
    Error::text("INVALIDOBJ Corrupted HLL object detected")
}

/// The bytes of a HyperLogLog.
fn bytes(value: ValueRef<'_>) -> Result<&[u8], Error> {
    match value.string().ok_or(Error::WrongType)? {
        Item::Bytes(bytes) if is_valid(bytes) => Ok(bytes),
        Item::Bytes(_) | Item::Int(_) => Err(INVALID),
    }
}
