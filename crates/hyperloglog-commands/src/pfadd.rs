//! PFADD

use super::{bytes, corrupted};
use command_spec::*;
use commands::{Cx, Error};
use hyperloglog::{Encoding, REGISTERS, add, encoding, forget_estimate};
use keyspace::EventClass;

/// `PFADD`
pub(super) const PFADD: Spec = Spec {
    name: "pfadd",
    summary: "Adds elements to a HyperLogLog. Returns 1 if that changed it, or created it, else 0.",
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "O(N), N being the number of elements",
    arity: -2,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::HYPERLOGLOG,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    args: &[Arg::key("key"), Arg::string("element").optional().multiple()],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

/// Bytes of runs by which an element makes them longer.
const RUNS_AN_ELEMENT: usize = 4;

pub(super) fn pfadd(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, elements) = (argv[1], &argv[2..]);
    let limit = cx.settings.hll_sparse_max_bytes as usize;
    let changes = if let Some(mut edit) = cx.keys.edit(key) {
        let before = bytes(edit.value())?;
        let is_sparse = encoding(before) == Encoding::Sparse;
        cx.effort.visits(elements.len())?;
        if is_sparse {
            cx.effort.compares_all(elements.len(), most_runs(before.len(), elements.len(), limit))?;
        }
        // A later element may find the runs corrupted.
        let backup = (is_sparse && elements.len() > 1).then(|| before.to_vec());
        let bytes = edit.bytes_mut();
        match add_all(bytes, elements, limit) {
            Ok(changes) => changes,
            Err(error) => {
                if let Some(backup) = backup {
                    *bytes = backup;
                }
                return Err(error);
            }
        }
    } else {
        cx.effort.compares_all(elements.len(), most_runs(0, elements.len(), limit))?;
        let mut bytes = hyperloglog::new();
        let changes = add_all(&mut bytes, elements, limit)? + 1;
        forget_estimate(&mut bytes);
        cx.keys.insert_raw_string(key, bytes);
        changes
    };
    if changes > 0 {
        cx.keys.changed(key, EventClass::STRING, "pfadd", changes);
    }
    cx.out.int(i64::from(changes > 0));
    Ok(())
}

/// How many runs an element has to go through at most, while it is sparse: they never exceed the registers.
fn most_runs(before_bytes: usize, elements: usize, limit: usize) -> usize {
    let after = before_bytes.saturating_add(elements.saturating_mul(RUNS_AN_ELEMENT));
    after.min(limit.max(before_bytes)).min(REGISTERS)
}

/// How many of the elements have changed it.
fn add_all(bytes: &mut Vec<u8>, elements: &[&[u8]], limit: usize) -> Result<u64, Error> {
    let mut changes = 0;
    for element in elements {
        changes += u64::from(add(bytes, element, limit).map_err(corrupted)?);
    }
    if changes > 0 {
        forget_estimate(bytes);
    }
    Ok(changes)
}
