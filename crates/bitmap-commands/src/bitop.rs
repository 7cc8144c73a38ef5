//! BITOP
//!
//! Strings of different lengths are taken as if the shorter ones went on with zeros. A key that is named several times is
//! read once: AND and OR do not change by a repetition, and in XOR two of them cancel each other.

use super::bits::{self, Operation};
use command_spec::*;
use commands::args::is;
use commands::{Cx, Error};
use keyspace::{EventClass, Keys, Ttl};
use number::IntBuffer;
use std::borrow::Cow;
use string_commands::string_len;
use structures::Item;

/// `BITOP`
pub(super) const BITOP: Spec = Spec {
    name: "bitop",
    summary: "Combines the bits of several strings, stores the result, and returns its length.",
    since: "2.6.0",
    group: Group::Bitmap,
    complexity: "O(N), N being the total length of the strings",
    arity: -4,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::BITMAP,
    keys: &[
        KeySpec::one(2, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::rest(3, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ],
    args: &[
        Arg::one_of(
            "operation",
            &[
                Arg::word("and", "AND"),
                Arg::word("or", "OR"),
                Arg::word("xor", "XOR"),
                Arg::word("not", "NOT"),
            ],
        ),
        Arg::key("destkey"),
        Arg::new("key", ArgKind::Key(1)).multiple(),
    ],
    before: &[("7.2.0", |spec| spec.args = OLD_ARGS)],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

/// Versions before 7.2 document the operation as any string.
const OLD_ARGS: &[Arg] =
    &[Arg::string("operation"), Arg::key("destkey"), Arg::new("key", ArgKind::Key(1)).multiple()];

fn parse(argv: &[&[u8]]) -> Result<Operation, Error> {
    let known =
        [("AND", Operation::And), ("OR", Operation::Or), ("XOR", Operation::Xor), ("NOT", Operation::Not)];
    let named = known.into_iter().find(|(name, _)| is(argv[1], name));
    let (_, operation) = named.ok_or(Error::Syntax)?;
    if operation == Operation::Not && argv.len() != 4 {
        return Err(Error::text("ERR BITOP NOT must be called with a single source key."));
    }
    Ok(operation)
}

pub(super) fn bitop(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let operation = parse(argv)?;
    let Sources { strings, len } = sources(&mut cx.keys, operation, &argv[3..])?;
    cx.effort.scans(strings.iter().map(|string| string.len()).sum())?;
    cx.effort.copies(len)?;
    let strings: Vec<&[u8]> = strings.iter().map(AsRef::as_ref).collect();
    let result = bits::combine(operation, &strings, len);
    let key = argv[2];
    if len > 0 {
        cx.keys.put_raw_string(key, result, Ttl::Clear);
        cx.changed(key, EventClass::STRING, "set");
    } else if let Some(old) = cx.keys.remove(key) {
        cx.keys.free(old, cx.settings.lazyfree_lazy_server_del);
        cx.changed(key, EventClass::GENERIC, "del");
    }
    cx.out.int(len as i64);
    Ok(())
}

/// The strings to combine.
struct Sources<'k> {
    strings: Vec<Cow<'k, [u8]>>,
    /// The length of the longest that was named.
    len: usize,
}

/// Reads the strings; one that is not there is empty.
fn sources<'k>(
    keys: &'k mut Keys<'_, '_>,
    operation: Operation,
    names: &[&[u8]],
) -> Result<Sources<'k>, Error> {
    for name in names {
        keys.lookup(name).map(|entry| string_len(entry.value())).transpose()?;
    }
    let keys = &*keys;
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    let mut sources = Sources { strings: Vec::with_capacity(names.len()), len: 0 };
    for same in sorted.chunk_by(|a, b| a == b) {
        let string = match keys.beside(same[0]).and_then(|entry| entry.value().string()) {
            Some(Item::Bytes(bytes)) => Cow::Borrowed(bytes),
            Some(Item::Int(int)) => Cow::Owned(IntBuffer::new().format(int).to_vec()),
            None => Cow::Borrowed(&b""[..]),
        };
        sources.len = sources.len.max(string.len());
        if operation != Operation::Xor || same.len() % 2 == 1 {
            sources.strings.push(string);
        }
    }
    Ok(sources)
}
