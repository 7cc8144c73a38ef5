//! PFDEBUG

use super::{bytes, corrupted};
use command_spec::*;
use commands::args::is;
use commands::{Cx, Error};
use hyperloglog::{Encoding, Registers, describe_runs, encoding, make_dense};
use keyspace::EventClass;

/// `PFDEBUG`
pub(super) const PFDEBUG: Spec = Spec {
    name: "pfdebug",
    summary: "Shows how a HyperLogLog is kept, or makes it dense.",
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "O(1)",
    arity: 3,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::ADMIN),
    categories: Categories::HYPERLOGLOG,
    keys: &[KeySpec::one(2, KeyFlags::RW.union(KeyFlags::ACCESS))],
    args: &[Arg::string("subcommand"), Arg::key("key")],
    reply: Shape::OneOf(&[Shape::Array(&Shape::COUNT), Shape::Bulk, Shape::Status, Shape::YES_OR_NO]),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn pfdebug(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (name, key) = (argv[1], argv[2]);
    let Some(mut edit) = cx.keys.edit(key) else {
        return Err(Error::text("ERR The specified key does not exist"));
    };
    bytes(edit.value())?;
    let bytes = edit.bytes_mut();
    if is(name, "GETREG") {
        let has_changed = make_dense(bytes).map_err(corrupted)?;
        let mut registers = Registers::new();
        registers.merge(bytes).map_err(corrupted)?;
        if has_changed {
            became_dense(cx, key);
        }
        cx.out.array(registers.counts().len());
        cx.out.each(registers.counts(), |out, &count| out.int(count.into()));
    } else if is(name, "DECODE") {
        if encoding(bytes) == Encoding::Dense {
            return Err(Error::text("ERR HLL encoding is not sparse"));
        }
        cx.out.bulk(describe_runs(bytes).map_err(corrupted)?.as_bytes());
    } else if is(name, "ENCODING") {
        cx.out.simple(if encoding(bytes) == Encoding::Dense { "dense" } else { "sparse" });
    } else if is(name, "TODENSE") {
        let has_changed = make_dense(bytes).map_err(corrupted)?;
        if has_changed {
            became_dense(cx, key);
        }
        cx.out.int(i64::from(has_changed));
    } else {
        let name = String::from_utf8_lossy(name);
        return Err(Error::Other(format!("ERR Unknown PFDEBUG subcommand '{name}'").into()));
    }
    Ok(())
}

/// The key is replicated as changed, with no event: it holds the same as before.
fn became_dense(cx: &mut Cx<'_, '_>, key: &[u8]) {
    cx.keys.changed(key, EventClass::empty(), "", 1);
}
