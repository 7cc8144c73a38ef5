//! Strings: the simplest type of value.
//!
//! A string is bytes of any kind up to `proto-max-bulk-len`. One that is the canonical decimal form of a 64-bit integer is
//! stored as that integer, which makes counters cheap; clients see it only in `OBJECT ENCODING` (`int`; other strings are
//! `embstr` up to 44 bytes and `raw` beyond, or once changed in place).
//!
//! A command that stores an argument as a string stores an integer if the argument spells one. A command that computes
//! or edits a text (INCRBYFLOAT, APPEND to a key, SETRANGE) stores the bytes as they are.

#![forbid(unsafe_code)]

mod append;
mod delifeq;
mod get;
mod getdel;
mod getex;
mod getrange;
mod getset;
mod incr;
mod incrbyfloat;
mod lcs;
mod mget;
mod mset;
mod msetex;
mod set;
mod setex;
mod setnx;
mod setrange;
mod strlen;

use commands::{Command, Cx, Error, Handler::Plain};
use keyspace::Keys;
use number::{IntBuffer, decimal_len, parse_i64};
use structures::{Item, ValueRef};

/// The family, in teaching order.
pub const COMMANDS: &[Command] = &[
    Command::new(&get::GET, Plain(get::get)),
    Command::new(&set::SET, Plain(set::set)),
    Command::new(&setnx::SETNX, Plain(setnx::setnx)),
    Command::new(&setex::SETEX, Plain(setex::setex)),
    Command::new(&setex::PSETEX, Plain(setex::psetex)),
    Command::new(&getset::GETSET, Plain(getset::getset)),
    Command::new(&getdel::GETDEL, Plain(getdel::getdel)),
    Command::new(&delifeq::DELIFEQ, Plain(delifeq::delifeq)),
    Command::new(&getex::GETEX, Plain(getex::getex)),
    Command::new(&mget::MGET, Plain(mget::mget)),
    Command::new(&mset::MSET, Plain(mset::mset)),
    Command::new(&mset::MSETNX, Plain(mset::msetnx)),
    Command::new(&msetex::MSETEX, Plain(msetex::msetex)),
    Command::new(&incr::INCR, Plain(incr::incr)),
    Command::new(&incr::DECR, Plain(incr::decr)),
    Command::new(&incr::INCRBY, Plain(incr::incrby)),
    Command::new(&incr::DECRBY, Plain(incr::decrby)),
    Command::new(&incrbyfloat::INCRBYFLOAT, Plain(incrbyfloat::incrbyfloat)),
    Command::new(&strlen::STRLEN, Plain(strlen::strlen)),
    Command::new(&append::APPEND, Plain(append::append)),
    Command::new(&getrange::GETRANGE, Plain(getrange::getrange)),
    Command::new(&getrange::SUBSTR, Plain(getrange::getrange)),
    Command::new(&setrange::SETRANGE, Plain(setrange::setrange)),
    Command::new(&lcs::LCS, Plain(lcs::lcs)),
];

/// The content of a string value.
#[inline]
fn string(value: ValueRef<'_>) -> Result<Item<'_>, Error> {
    value.string().ok_or(Error::WrongType)
}

/// Writes a string value as a bulk reply.
pub(crate) fn reply_string(out: &mut resp::Writer<'_>, value: ValueRef<'_>) -> Result<(), Error> {
    match string(value)? {
        Item::Int(int) => out.bulk_int(int),
        Item::Bytes(bytes) => out.bulk(bytes),
    }
    Ok(())
}

/// Answers with the string at the key, or null.
#[inline]
pub(crate) fn reply_key(cx: &mut Cx<'_, '_>, key: &[u8]) -> Result<(), Error> {
    let effort = cx.effort;
    match cx.keys.lookup(key) {
        Some(entry) => match string(entry.value())? {
            Item::Int(int) => {
                cx.out.bulk_int(int);
                Ok(())
            }
            Item::Bytes(bytes) => {
                effort.copies(bytes.len())?;
                cx.out.bulk(bytes);
                Ok(())
            }
        },
        None => {
            cx.out.null();
            Ok(())
        }
    }
}

/// The bytes of a string value; an integer is printed into the buffer.
///
/// # Errors
/// [`Error::WrongType`].
#[inline]
pub fn string_bytes<'a>(value: ValueRef<'a>, buffer: &'a mut IntBuffer) -> Result<&'a [u8], Error> {
    match string(value)? {
        Item::Int(int) => Ok(buffer.format(int)),
        Item::Bytes(bytes) => Ok(bytes),
    }
}

/// Whether a key is there and holds this string.
fn holds(keys: &mut Keys<'_, '_>, key: &[u8], other: &[u8]) -> Result<bool, Error> {
    let Some(entry) = keys.lookup_to_write(key) else { return Ok(false) };
    Ok(string_bytes(entry.value(), &mut IntBuffer::new())? == other)
}

/// The length of a string value, in bytes.
///
/// # Errors
/// [`Error::WrongType`].
#[inline]
pub fn string_len(value: ValueRef<'_>) -> Result<usize, Error> {
    match string(value)? {
        Item::Int(int) => Ok(decimal_len(int)),
        Item::Bytes(bytes) => Ok(bytes.len()),
    }
}

/// The integer that a string value spells.
fn integer(value: ValueRef<'_>) -> Result<i64, Error> {
    match string(value)? {
        Item::Int(int) => Ok(int),
        Item::Bytes(bytes) => parse_i64(bytes).ok_or(Error::NotInteger),
    }
}

/// The length of a string of `len` bytes with `more` behind it, if a string may be so long.
fn checked_len(len: usize, more: usize, most: usize) -> Result<usize, Error> {
    len.checked_add(more).filter(|&total| total <= most).ok_or(Error::StringTooLong)
}

/// Room kept ahead of a string that grows is at most this, so that a large one does not take twice its size.
const GROWTH_MAX_BYTES: usize = 1 << 20;

/// Makes room for a string to become `len` bytes long, and for more to come.
pub fn grow(bytes: &mut Vec<u8>, len: usize) {
    if len > bytes.capacity() {
        bytes.reserve_exact(len - bytes.len() + len.min(GROWTH_MAX_BYTES));
    }
}
