//! PFMERGE

use super::{bytes, corrupted};
use command_spec::*;
use commands::{Cx, Error};
use hyperloglog::{Encoding, REGISTERS, Registers, encoding, forget_estimate, make_dense};
use keyspace::EventClass;

/// `PFMERGE`
pub(super) const PFMERGE: Spec = Spec {
    name: "pfmerge",
    summary: "Adds to a HyperLogLog what was added to others. It is created if it is not there.",
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "O(N), N being the number of keys",
    arity: -2,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::HYPERLOGLOG,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::INSERT)),
        KeySpec::rest(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ],
    args: &[Arg::key("destkey"), Arg::new("sourcekey", ArgKind::Key(1)).optional().multiple()],
    before: &[("7.2.0", |spec| spec.args = OLD_ARGS)],
    reply: Shape::OK,
    need: Need::Keys,
    ..Spec::BASE
};

/// Versions before 7.2 document a source as needed.
const OLD_ARGS: &[Arg] = &[Arg::key("destkey"), Arg::new("sourcekey", ArgKind::Key(1)).multiple()];

pub(super) fn pfmerge(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let limit = cx.settings.hll_sparse_max_bytes as usize;
    cx.effort.compares_all(argv.len(), REGISTERS)?;
    let mut registers = Registers::new();
    let mut is_dense = false;
    for key in &argv[1..] {
        if let Some(entry) = cx.keys.lookup(key) {
            let bytes = bytes(entry.value())?;
            is_dense |= encoding(bytes) == Encoding::Dense;
            registers.merge(bytes).map_err(corrupted)?;
        }
    }
    let store = |bytes: &mut Vec<u8>| -> Result<(), Error> {
        if is_dense {
            make_dense(bytes).map_err(corrupted)?;
        }
        registers.store(bytes, limit).map_err(corrupted)?;
        forget_estimate(bytes);
        Ok(())
    };
    if let Some(mut edit) = cx.keys.edit(key) {
        store(edit.bytes_mut())?;
    } else {
        let mut bytes = hyperloglog::new();
        store(&mut bytes)?;
        cx.keys.insert_raw_string(key, bytes);
    }
    cx.changed(key, EventClass::STRING, "pfadd");
    cx.out.ok();
    Ok(())
}
