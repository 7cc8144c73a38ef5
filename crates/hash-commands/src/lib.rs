//! Hashes: fields with values under one key.
//!
//! A small hash is one listpack of alternating fields and values, in insertion order; more than
//! `hash-max-listpack-entries` fields, or one text of more than `hash-max-listpack-value` bytes, make it a table, which
//! is unordered. It never changes back. Clients see the difference in `OBJECT ENCODING`, in the order of HGETALL, and
//! in HSCAN, which returns a listpack at once.
//!
//! A hash is created with its first field and deleted with its last: there is no empty hash.
//!
//! From Valkey 9.0 on fields may expire (`HEXPIRE`, `HSETEX`, …), which makes the hash a table. A field that has expired is not there
//! for any command but HLEN, which counts fields until they are deleted: by a write that sets them, or by the sweep of
//! `engine::expiry`. Commands that delete fields leave those that have expired to it. What is replicated does not depend on whether a
//! replica has come that far: it is what was done to fields that had not expired.

#![forbid(unsafe_code)]

mod fields;
mod hdel;
mod hexists;
mod hexpire;
mod hget;
mod hgetall;
mod hgetdel;
mod hgetex;
mod hincrby;
mod hincrbyfloat;
mod hlen;
mod hmget;
mod hpersist;
mod hrandfield;
mod hscan;
mod hset;
mod hsetex;
mod hsetnx;
mod httl;

use commands::container::remove_empty;
use commands::{Command, Cx, Error, Handler::Lengthy, Handler::Plain};
use keyspace::Keys;
use structures::hash::{Alive, FieldTtl};
use structures::{Hash, Limits, Value};
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
    Command::new(&hexpire::HEXPIRE, Plain(hexpire::hexpire)),
    Command::new(&hexpire::HPEXPIRE, Plain(hexpire::hpexpire)),
    Command::new(&hexpire::HEXPIREAT, Plain(hexpire::hexpireat)),
    Command::new(&hexpire::HPEXPIREAT, Plain(hexpire::hpexpireat)),
    Command::new(&hpersist::HPERSIST, Plain(hpersist::hpersist)),
    Command::new(&httl::HTTL, Plain(httl::httl)),
    Command::new(&httl::HPTTL, Plain(httl::hpttl)),
    Command::new(&httl::HEXPIRETIME, Plain(httl::hexpiretime)),
    Command::new(&httl::HPEXPIRETIME, Plain(httl::hpexpiretime)),
    Command::new(&hsetex::HSETEX, Plain(hsetex::hsetex)),
    Command::new(&hgetex::HGETEX, Plain(hgetex::hgetex)),
    Command::new(&hgetdel::HGETDEL, Plain(hgetdel::hgetdel)),
];

/// The hash at a key, for reading.
#[inline]
fn read<'k>(keys: &'k mut Keys<'_, '_>, key: &[u8]) -> Result<Option<Alive<'k>>, Error> {
    let now_ms = keys.fields_now_ms();
    let Some(entry) = keys.lookup(key) else { return Ok(None) };
    let hash = entry.value().hash().ok_or(Error::WrongType)?;
    Ok(Some(hash.alive(now_ms)))
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
        let before = hash.next_due_ms();
        let result = change(hash)?;
        let after = hash.next_due_ms();
        keys.fields_changed(key, before, after);
        return Ok(result);
    }
    let mut hash = Hash::new();
    let result = change(&mut hash)?;
    keys.insert(key, Value::Hash(Box::new(hash)), None);
    Ok(result)
}

/// What became of the fields that a command set.
#[derive(Debug, Default)]
struct Setting<'a> {
    /// How many are new; one that had expired is.
    created: usize,
    /// Those of them that were still there, each once.
    expired: Vec<&'a [u8]>,
}

impl<'a> Setting<'a> {
    /// Sets fields of a hash some of which may expire.
    fn set(
        hash: &mut Hash,
        pairs: &[[&'a [u8]; 2]],
        ttl: FieldTtl,
        now_ms: u64,
        limits: &Limits,
    ) -> Setting<'a> {
        let mut done = Setting::default();
        for [field, value] in pairs {
            let was_there = hash.contains(field);
            if hash.set_with_ttl(field, value, ttl, now_ms, limits) {
                done.created += 1;
                done.expired.extend(was_there.then_some(*field));
            }
        }
        done
    }

    /// Describes that fields had expired. Valkey 9.0 does not tell.
    fn tell(&self, cx: &mut Cx<'_, '_>, key: &[u8]) {
        if !self.expired.is_empty() && cx.options.profile.has("9.1.0") {
            cx.keys.fields_expired(key, self.expired.len());
        }
    }
}

/// What setting the value of a field did to one that may expire.
#[derive(Debug, Clone, Copy)]
struct Kept {
    /// When it expires, as before.
    at_ms: Option<u64>,
    /// Whether it was a field that had expired.
    had_expired: bool,
}

impl Kept {
    /// Sets the value of a field that keeps its expiry. `None`: no field of the hash expires.
    #[inline]
    fn set(hash: &mut Hash, field: &[u8], value: &[u8], now_ms: u64, limits: &Limits) -> Option<Kept> {
        if !hash.is_volatile() {
            hash.set(field, value, limits);
            return None;
        }
        let old = hash.alive(now_ms).expire_at(field);
        let had_expired = old.is_none() && hash.contains(field);
        hash.set_with_ttl(field, value, FieldTtl::Keep, now_ms, limits);
        Some(Kept { at_ms: old.flatten(), had_expired })
    }

    /// Describes it: a replica, on which the field may not have expired, gets value and expiry.
    fn tell(self, cx: &mut Cx<'_, '_>, key: &[u8], field: &[u8], value: &[u8]) {
        if self.had_expired && cx.options.profile.has("9.1.0") {
            cx.keys.fields_expired(key, 1);
        }
        match self.at_ms {
            None => cx.replicate(&[b"HSET", key, field, value]),
            Some(at_ms) => {
                let mut at = itoa::Buffer::new();
                let at = at.format(at_ms).as_bytes();
                cx.replicate(&[b"HSETEX", key, b"PXAT", at, b"FIELDS", b"1", field, value]);
            }
        }
    }
}

/// Deletes a key whose hash has lost its last field.
fn delete_if_empty(cx: &mut Cx<'_, '_>, key: &[u8], is_empty: bool) {
    if is_empty {
        remove_empty(&mut cx.keys, key);
    }
}
