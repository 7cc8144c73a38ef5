//! HSETEX

use super::fields::{counted, find_fields, replicate_deletion};
use super::{Setting, delete_if_empty, update};
use command_spec::*;
use commands::args::is;
use commands::when::{WHEN_OR_KEEPTTL, When};
use commands::{Cx, Error};
use keyspace::EventClass;
use structures::hash::{Alive, FieldTtl};
use table::ValueMut;

/// `HSETEX`
pub(super) const HSETEX: Spec = Spec {
    name: "hsetex",
    summary: "Sets fields of a hash, with one expiry, if all conditions hold.",
    since: "9.0.0",
    group: Group::Hash,
    complexity: "O(N), N being the number of fields",
    arity: -6,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    args: &[
        Arg::key("key"),
        Arg::one_of("key-condition", &[Arg::word("nx", "NX"), Arg::word("xx", "XX")])
            .optional()
            .since("9.1.0"),
        Arg::one_of("fields-condition", &[Arg::word("fnx", "FNX"), Arg::word("fxx", "FXX")]).optional(),
        WHEN_OR_KEEPTTL,
        Arg::block(
            "fields",
            &[
                Arg::integer("numfields"),
                Arg::block("data", &[Arg::string("field"), Arg::string("value")]).multiple(),
            ],
        )
        .token("FIELDS"),
    ],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

#[derive(Default)]
struct Options<'a> {
    /// Whether the key must be there, or must not.
    key: Option<bool>,
    /// Whether all fields must be there, or none.
    fields: Option<bool>,
    /// The word, if it is there.
    keep_ttl: Option<&'a [u8]>,
    when: Option<When<'a>>,
}

impl<'a> Options<'a> {
    fn parse(words: &[&'a [u8]], has_key_conditions: bool) -> Result<Options<'a>, Error> {
        let mut all = Options::default();
        let mut rest = words.iter();
        while let Some(&arg) = rest.next() {
            if has_key_conditions && is(arg, "NX") && all.key != Some(true) {
                all.key = Some(false);
            } else if has_key_conditions && is(arg, "XX") && all.key != Some(false) {
                all.key = Some(true);
            } else if is(arg, "FNX") && all.fields != Some(true) {
                all.fields = Some(false);
            } else if is(arg, "FXX") && all.fields != Some(false) {
                all.fields = Some(true);
            } else if is(arg, "KEEPTTL") && all.when.is_none() {
                all.keep_ttl = Some(arg);
            } else if all.keep_ttl.is_none() {
                all.when = Some(When::parse(arg, &mut rest, all.when)?);
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(all)
    }

    /// Whether the condition on fields holds for what is at the key.
    fn fields_hold(&self, hash: Option<Alive<'_>>, pairs: &[[&[u8]; 2]]) -> bool {
        let is_there = |field: &[u8]| hash.is_some_and(|hash| hash.contains(field));
        self.fields.is_none_or(|wanted| pairs.iter().all(|[field, _]| is_there(field) == wanted))
    }
}

pub(super) fn hsetex(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let words = find_fields(argv, 2)?;
    let options = Options::parse(&argv[2..words], cx.options.profile.has("9.1.0"))?;
    let (pairs, _) = counted(argv, words + 1, 2)?.as_chunks();
    let now_ms = cx.keys.now_ms();
    let hash = read_to_write(cx, key)?;
    if options.key.is_some_and(|wanted| hash.is_some() != wanted) {
        cx.out.int(0);
        return Ok(());
    }
    let holds = options.fields_hold(hash, pairs);
    // Type and key are judged before the time, fields behind it.
    let at_ms = options.when.map(|when| when.resolve_for_field(now_ms, "hsetex")).transpose()?;
    let is_done = holds
        && match at_ms {
            Some(at_ms) if at_ms <= now_ms && cx.is_primary() => pass(cx, key, pairs)?,
            _ => {
                set(cx, argv, words, pairs, &options, at_ms)?;
                true
            }
        };
    cx.out.int(i64::from(is_done));
    Ok(())
}

/// The hash at a key, for a write that may leave it as it is.
fn read_to_write<'k>(cx: &'k mut Cx<'_, '_>, key: &[u8]) -> Result<Option<Alive<'k>>, Error> {
    let now_ms = cx.keys.fields_now_ms();
    let Some(entry) = cx.keys.lookup_to_write(key) else { return Ok(None) };
    let hash = entry.value().hash().ok_or(Error::WrongType)?;
    Ok(Some(hash.alive(now_ms)))
}

/// Sets the fields, which begin at a word; replicated in the client's words, but for times and conditions.
fn set(
    cx: &mut Cx<'_, '_>,
    argv: &[&[u8]],
    words: usize,
    pairs: &[[&[u8]; 2]],
    options: &Options<'_>,
    at_ms: Option<u64>,
) -> Result<(), Error> {
    let (key, keep_ttl) = (argv[1], options.keep_ttl.is_some());
    let limits = &cx.options.limits;
    let now_ms = cx.keys.fields_now_ms();
    let ttl = at_ms.map_or(if keep_ttl { FieldTtl::Keep } else { FieldTtl::Clear }, FieldTtl::At);
    let done = update(&mut cx.keys, key, |hash| {
        hash.convert_for(pairs.as_flattened().iter().map(|arg| arg.len()), limits);
        Ok(Setting::set(hash, pairs, ttl, now_ms, limits))
    })?;
    done.tell(cx, key);
    cx.keys.changed(key, EventClass::HASH, "hset", pairs.len() as u64);
    if at_ms.is_some() {
        cx.keys.event(key, EventClass::HASH, "hexpire");
    }
    if keep_ttl && !done.expired.is_empty() {
        // On a replica they may not have expired, and would keep what they have.
        replicate_deletion(cx, key, &done.expired);
    }
    let mut at = itoa::Buffer::new();
    let at = at.format(at_ms.unwrap_or_default()).as_bytes();
    let pxat: &[u8] = argv[2..words].iter().find(|word| is(word, "PXAT")).map_or(b"PXAT", |word| word);
    let expiration: &[&[u8]] = match (ttl, &options.keep_ttl) {
        (FieldTtl::At(_), _) => &[pxat, at],
        (FieldTtl::Keep, Some(word)) => &[word],
        _ => &[],
    };
    cx.replicate(&[&argv[..2], expiration, &argv[words..]].concat());
    Ok(())
}

/// Sets fields with a time that has passed: they are deleted. Valkey 9.1 says that it set them, 9.0 only deletes. Returns whether it
/// counts as done.
fn pass(cx: &mut Cx<'_, '_>, key: &[u8], pairs: &[[&[u8]; 2]]) -> Result<bool, Error> {
    let says_set = cx.options.profile.has("9.1.0");
    let now_ms = cx.keys.fields_now_ms();
    let (mut deleted, mut due, mut is_empty) = (Vec::new(), None, true);
    if let Some(mut edit) = cx.keys.edit(key) {
        let ValueMut::Hash(hash) = edit.value_mut() else { return Err(Error::WrongType) };
        let before = hash.next_due_ms();
        for [field, _] in pairs {
            if (says_set || hash.alive(now_ms).contains(field)) && hash.remove(field) {
                deleted.push(*field);
            }
        }
        due = Some((before, hash.next_due_ms()));
        is_empty = hash.is_empty();
    }
    if let Some((before, after)) = due {
        cx.keys.fields_changed(key, before, after);
    }
    if says_set {
        cx.keys.changed(key, EventClass::HASH, "hset", 1);
        cx.keys.event(key, EventClass::HASH, "hexpire");
        cx.keys.fields_expired(key, pairs.len());
    } else if deleted.is_empty() {
        return Ok(false);
    } else {
        cx.keys.fields_expired(key, deleted.len());
    }
    delete_if_empty(cx, key, is_empty);
    // Fields that were not there are none on a replica either.
    cx.keys.effects().rewritten = true;
    if !deleted.is_empty() {
        replicate_deletion(cx, key, &deleted);
    }
    Ok(says_set || deleted.len() == pairs.len())
}
