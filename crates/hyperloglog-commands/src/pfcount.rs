//! PFCOUNT

use super::{bytes, corrupted};
use command_spec::*;
use commands::{Cx, Error};
use hyperloglog::{REGISTERS, Registers, cache_estimate, cached_estimate, estimate};
use keyspace::{EventClass, Expiry};

/// `PFCOUNT`
pub(super) const PFCOUNT: Spec = Spec {
    name: "pfcount",
    summary: "Returns about how many different elements were added to a HyperLogLog, or to several together.",
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "O(N), N being the number of keys; of one key mostly O(1)",
    arity: -2,
    flags: Flags::READONLY.union(Flags::MAY_REPLICATE),
    categories: Categories::HYPERLOGLOG,
    keys: &[KeySpec::rest(1, KeyFlags::RW.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key").multiple()],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn pfcount(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let count = match &argv[1..] {
        [key] => count_one(cx, key)?,
        keys => count_together(cx, keys)?,
    };
    cx.out.int(count as i64);
    Ok(())
}

/// Of one key: the estimate is kept in the value until that changes.
fn count_one(cx: &mut Cx<'_, '_>, key: &[u8]) -> Result<u64, Error> {
    // A replica asked by a client changes nothing; what its primary replicates is done as the primary did it.
    let may_keep = cx.keys.context().expiry != Expiry::Hide;
    let Some(entry) = cx.keys.lookup(key) else { return Ok(0) };
    let found = bytes(entry.value())?;
    let cached = cached_estimate(found);
    let count = cached.map_or_else(|| estimate(found), Ok).map_err(corrupted)?;
    if !may_keep || (cached.is_some() && entry.is_raw()) {
        return Ok(count);
    }
    if let Some(mut edit) = cx.keys.edit(key) {
        let bytes = edit.bytes_mut();
        if cached.is_none() {
            cache_estimate(bytes, count);
            cx.keys.changed(key, EventClass::empty(), "", 1);
        }
    }
    Ok(count)
}

/// Of several keys: the registers are the largest of all.
fn count_together(cx: &mut Cx<'_, '_>, keys: &[&[u8]]) -> Result<u64, Error> {
    cx.effort.compares_all(keys.len(), REGISTERS)?;
    let mut registers = Registers::new();
    for key in keys {
        if let Some(entry) = cx.keys.lookup(key) {
            registers.merge(bytes(entry.value())?).map_err(corrupted)?;
        }
    }
    Ok(registers.estimate())
}
