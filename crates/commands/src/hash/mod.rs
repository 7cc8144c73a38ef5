//! Hashes: fields with values under one key.
//!
//! A small hash is one listpack of alternating fields and values, in insertion order; more than
//! `hash-max-listpack-entries` fields, or one text of more than `hash-max-listpack-value` bytes, make it a table, which
//! is unordered. It never changes back. Clients see the difference in `OBJECT ENCODING`, in the order of HGETALL, and
//! in HSCAN, which returns a listpack at once.
//!
//! A hash is created with its first field and deleted with its last: there is no empty hash.

mod hdel;
mod hexists;
mod hget;
mod hgetall;
mod hincrby;
mod hincrbyfloat;
mod hlen;
mod hmget;
mod hrandfield;
mod hscan;
mod hset;
mod hsetnx;

use crate::{Command, Error, Handler::Lengthy, Handler::Plain};
use keyspace::Keys;
use structures::{Hash, Value};
use table::ValueMut;

/// The family, in teaching order.
pub const COMMANDS: &[Command] = &[
    Command::new(&hset::HSET, Plain(hset::hset)),
    Command::new(&hset::HMSET, Plain(hset::hmset)),
    Command::new(&hsetnx::HSETNX, Plain(hsetnx::hsetnx)),
    Command::new(&hget::HGET, Plain(hget::hget)),
    Command::new(&hmget::HMGET, Plain(hmget::hmget)),
    Command::new(&hgetall::HGETALL, Plain(hgetall::hgetall)),
    Command::new(&hgetall::HKEYS, Plain(hgetall::hkeys)),
    Command::new(&hgetall::HVALS, Plain(hgetall::hvals)),
    Command::new(&hlen::HLEN, Plain(hlen::hlen)),
    Command::new(&hlen::HSTRLEN, Plain(hlen::hstrlen)),
    Command::new(&hexists::HEXISTS, Plain(hexists::hexists)),
    Command::new(&hdel::HDEL, Plain(hdel::hdel)),
    Command::new(&hincrby::HINCRBY, Plain(hincrby::hincrby)),
    Command::new(&hincrbyfloat::HINCRBYFLOAT, Plain(hincrbyfloat::hincrbyfloat)),
    Command::new(&hrandfield::HRANDFIELD, Lengthy(hrandfield::hrandfield)),
    Command::new(&hscan::HSCAN, Plain(hscan::hscan)),
];

/// The hash at a key, for reading.
#[inline]
fn read<'k>(keys: &'k mut Keys<'_, '_>, key: &[u8]) -> Result<Option<&'k Hash>, Error> {
    keys.lookup(key).map(|entry| entry.value().hash().ok_or(Error::WrongType)).transpose()
}

/// Changes the hash at a key. A key that does not exist gets an empty hash first, unless the change fails.
#[inline]
fn update<R>(
    keys: &mut Keys<'_, '_>,
    key: &[u8],
    change: impl FnOnce(&mut Hash) -> Result<R, Error>,
) -> Result<R, Error> {
    if let Some(mut edit) = keys.edit(key) {
        let ValueMut::Hash(hash) = edit.value_mut() else { return Err(Error::WrongType) };
        return change(hash);
    }
    let mut hash = Hash::new();
    let result = change(&mut hash)?;
    keys.insert(key, Value::Hash(Box::new(hash)), None);
    Ok(result)
}
