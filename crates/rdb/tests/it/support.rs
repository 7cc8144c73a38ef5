//! What the tests share: building values and reading whole streams.

use profile::Profile;
use rdb::{Error, Item, Reader, ReaderOptions};
use structures::{Hash, Limits, List, Score, Set, SortedSet, Value};

pub(crate) const REDIS: Profile = Profile::Redis70;
pub(crate) const VALKEY: Profile = Profile::Valkey80;

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
