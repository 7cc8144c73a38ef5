//! The arguments that commands on fields with an expiry share, `FIELDS numfields field …`, and what they do alike.

use super::delete_if_empty;
use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Error};
use keyspace::EventClass;
use table::ValueMut;

/// `FIELDS numfields field …`
pub(super) const FIELDS: Arg =
    Arg::block("fields", &[Arg::integer("numfields"), Arg::string("field").multiple()]).token("FIELDS");

/// Where a count differs from what follows it.
pub(super) const WRONG_COUNT: Error =
    Error::text("ERR numfields should be greater than 0 and match the provided number of fields");

/// The index of the word FIELDS behind options that begin at an index.
pub(super) fn find_fields(argv: &[&[u8]], from: usize) -> Result<usize, Error> {
    let options = &argv[from..argv.len() - 1];
    options.iter().position(|arg| is(arg, "FIELDS")).map(|at| from + at).ok_or(WRONG_COUNT)
}

/// The arguments behind a count at an index, `each` of them for a field.
pub(super) fn counted<'b, 'a>(argv: &'b [&'a [u8]], at: usize, each: usize) -> Result<&'b [&'a [u8]], Error> {
    let count = int(argv[at])?;
    let fields = &argv[at + 1..];
    let is_right =
        usize::try_from(count).is_ok_and(|count| count > 0 && count.checked_mul(each) == Some(fields.len()));
    if is_right { Ok(fields) } else { Err(WRONG_COUNT) }
}

/// Whether one of the fields has expired and is still there: a replica may take it for one that has not.
pub(super) fn some_expired(cx: &mut Cx<'_, '_>, key: &[u8], fields: &[&[u8]]) -> bool {
    let now_ms = cx.keys.fields_now_ms();
    let hash = cx.keys.peek(key).and_then(|entry| entry.value().hash());
    let Some(hash) = hash.filter(|hash| hash.is_volatile()) else { return false };
    let (all, alive) = (hash.alive(0), hash.alive(now_ms));
    fields.iter().any(|field| all.contains(field) && !alive.contains(field))
}

/// Replicates a command on some of the fields: `head`, then `FIELDS`, their number and themselves.
pub(super) fn replicate_fields(cx: &mut Cx<'_, '_>, head: &[&[u8]], fields: &[&[u8]]) {
    let mut count = itoa::Buffer::new();
    let count = count.format(fields.len()).as_bytes();
    cx.replicate(&[head, &[b"FIELDS", count], fields].concat());
}

/// Replicates that fields were deleted.
pub(super) fn replicate_deletion(cx: &mut Cx<'_, '_>, key: &[u8], fields: &[&[u8]]) {
    cx.replicate(&[&[b"HDEL", key], fields].concat());
}

/// Deletes fields that have not expired, and the key with its last; returns the deleted ones.
pub(super) fn delete_alive<'a>(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    fields: &[&'a [u8]],
) -> Result<Vec<&'a [u8]>, Error> {
    let now_ms = cx.keys.fields_now_ms();
    let Some(mut edit) = cx.keys.edit(key) else { return Ok(Vec::new()) };
    let ValueMut::Hash(hash) = edit.value_mut() else { return Err(Error::WrongType) };
    let before = hash.next_due_ms();
    let mut removed = Vec::new();
    let mut has_expired = false;
    for &field in fields {
        if hash.alive(now_ms).contains(field) {
            hash.remove(field);
            removed.push(field);
        } else {
            has_expired |= hash.contains(field);
        }
    }
    let (after, is_empty) = (hash.next_due_ms(), hash.is_empty());
    if removed.is_empty() {
        return Ok(removed);
    }
    cx.keys.fields_changed(key, before, after);
    cx.keys.changed(key, EventClass::HASH, "hdel", removed.len() as u64);
    delete_if_empty(cx, key, is_empty);
    if has_expired {
        // A replica would delete these as well.
        replicate_deletion(cx, key, &removed);
    }
    Ok(removed)
}

/// What becomes of the expiry of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is removed.
    Persist,
    /// It becomes this Unix time in ms.
    At(u64),
    /// It is a time that has passed: the fields are deleted.
    Passed,
}

impl Change {
    /// A new expiry. Only a primary deletes fields whose time has passed: it tells its replicas.
    pub(super) fn at(at_ms: u64, now_ms: u64, is_primary: bool) -> Change {
        if at_ms <= now_ms && is_primary { Change::Passed } else { Change::At(at_ms) }
    }

    /// Changes fields of an existing hash that have not expired and are `wanted` for the expiry that they have. Answers each field
    /// by `answer`: what was found, and whether it was changed. Describes the changes; returns the changed fields.
    pub(super) fn apply<'a>(
        self,
        cx: &mut Cx<'_, '_>,
        key: &[u8],
        fields: &[&'a [u8]],
        wanted: impl Fn(Option<u64>) -> bool,
        mut answer: impl FnMut(Option<Option<u64>>, bool),
    ) -> Result<Vec<&'a [u8]>, Error> {
        let now_ms = cx.keys.fields_now_ms();
        let Some(mut edit) = cx.keys.edit(key) else {
            fields.iter().for_each(|_| answer(None, false));
            return Ok(Vec::new());
        };
        let ValueMut::Hash(hash) = edit.value_mut() else { return Err(Error::WrongType) };
        let before = hash.next_due_ms();
        let mut changed = Vec::new();
        for &field in fields {
            let found = hash.alive(now_ms).expire_at(field);
            let changes = found.is_some_and(&wanted);
            if changes {
                match self {
                    Change::Persist => hash.set_expiry(field, None),
                    Change::At(at_ms) => hash.set_expiry(field, Some(at_ms)),
                    Change::Passed => hash.remove(field),
                };
                changed.push(field);
            }
            answer(found, changes);
        }
        let (after, is_empty) = (hash.next_due_ms(), hash.is_empty());
        if changed.is_empty() {
            return Ok(changed);
        }
        cx.keys.fields_changed(key, before, after);
        match self {
            Change::Persist => cx.keys.changed(key, EventClass::HASH, "hpersist", changed.len() as u64),
            Change::At(_) => cx.keys.changed(key, EventClass::HASH, "hexpire", changed.len() as u64),
            Change::Passed => {
                cx.keys.fields_expired(key, changed.len());
                delete_if_empty(cx, key, is_empty);
            }
        }
        Ok(changed)
    }

    /// Replicates it for the changed fields.
    pub(super) fn replicate(self, cx: &mut Cx<'_, '_>, key: &[u8], changed: &[&[u8]]) {
        match self {
            _ if changed.is_empty() => {}
            Change::Persist => replicate_fields(cx, &[b"HPERSIST", key], changed),
            Change::At(at_ms) => {
                let mut at = itoa::Buffer::new();
                replicate_fields(cx, &[b"HPEXPIREAT", key, at.format(at_ms).as_bytes()], changed);
            }
            Change::Passed => replicate_deletion(cx, key, changed),
        }
    }
}
