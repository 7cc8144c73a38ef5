//! What the tests share: building values and reading whole streams.

use profile::Profile;
use rdb::{Error, Item, Reader, ReaderOptions};
use structures::stream::{Group, Nack};
use structures::{Hash, Limits, List, Score, Set, SortedSet, Stream, StreamId, Value};

pub(crate) const REDIS: Profile = Profile::Redis70;
pub(crate) const VALKEY: Profile = Profile::Valkey80;
pub(crate) const VALKEY_9: Profile = Profile::Valkey90;

pub(crate) fn options() -> ReaderOptions {
    ReaderOptions { limits: Limits::default(), max_version: VALKEY.rdb_version(), checksum: true }
}

pub(crate) fn bytes(text: impl AsRef<[u8]>) -> Value {
    Value::Bytes(text.as_ref().to_vec())
}

pub(crate) fn list<E: AsRef<[u8]>>(elements: impl IntoIterator<Item = E>, limits: &Limits) -> Value {
    let mut list = List::new();
    for element in elements {
        list.push_back(element.as_ref(), limits);
    }
    Value::List(Box::new(list))
}

pub(crate) fn hash<F: AsRef<[u8]>, V: AsRef<[u8]>>(
    pairs: impl IntoIterator<Item = (F, V)>,
    limits: &Limits,
) -> Value {
    let mut hash = Hash::new();
    for (field, value) in pairs {
        hash.set(field.as_ref(), value.as_ref(), limits);
    }
    Value::Hash(Box::new(hash))
}

pub(crate) fn set<M: AsRef<[u8]>>(members: impl IntoIterator<Item = M>, limits: &Limits) -> Value {
    let mut set = Set::new();
    for member in members {
        set.add(member.as_ref(), limits);
    }
    Value::Set(Box::new(set))
}

pub(crate) fn sorted_set<M: AsRef<[u8]>>(
    pairs: impl IntoIterator<Item = (M, f64)>,
    limits: &Limits,
) -> Value {
    let mut set = SortedSet::new();
    for (member, score) in pairs {
        set.insert(member.as_ref(), Score::new(score).expect("a number"), limits);
    }
    Value::SortedSet(Box::new(set))
}

/// A stream of so many entries; the bits of `variety` decide which have names of their own, are deleted, are pending.
pub(crate) fn stream(entries: u64, variety: u64, limits: &Limits) -> Value {
    let mut stream = Stream::new();
    let is = |at: u64, salt: u64| (variety ^ salt).rotate_left((at * 7 + salt) as u32) & 3 == 0;
    let id = |at: u64| StreamId::new(1_700_000_000_000 + at / 3, at % 3 + 1);
    for at in 0..entries {
        let (number, text) = (at.to_string(), "text ".repeat(at as usize % 9));
        let fields: &[&str] = if is(at, 1) { &[&text, &number] } else { &["n", &number, "text", &text] };
        stream.add(id(at), fields, limits).expect("IDs ascend");
    }
    let deleted: Vec<StreamId> = (0..entries).filter(|at| is(*at, 2)).map(id).collect();
    stream.remove(&deleted);
    for number in 0..variety % 4 {
        let read = is(number, 3).then_some(number);
        let mut group = Group::new(format!("group {number}").as_bytes(), id(entries / 2), read);
        for (salt, name) in (4..).zip(["one", "two", "three"]) {
            let consumer = group.create_consumer(name.as_bytes(), 1_600_000_000_000).expect("a new name");
            // As it is loaded from files that know no such time.
            group.set_active(consumer, Some(1_600_000_000_000));
            for at in (0..entries).filter(|at| is(*at, salt)) {
                group.set_pending(id(at), Nack { delivered_ms: at as i64 * 1_000, deliveries: at, consumer });
            }
        }
        stream.add_group(group);
    }
    Value::Stream(Box::new(stream))
}

/// A stream's items when its bytes arrive in these pieces.
pub(crate) fn read<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    options: ReaderOptions,
) -> Result<Vec<Item>, Error> {
    let mut reader = Reader::new(options);
    let mut items = Vec::new();
    for piece in pieces {
        reader.feed(piece);
        while let Some(item) = reader.next()? {
            items.push(item);
        }
    }
    reader.finish()?;
    Ok(items)
}

/// The content of a `DUMP` payload with a right footer: for payloads that we never write.
pub(crate) fn payload(content: &[u8], version: u16) -> Vec<u8> {
    let mut payload = [content, &version.to_le_bytes()].concat();
    payload.extend(rdb::crc64(&payload).to_le_bytes());
    payload
}
