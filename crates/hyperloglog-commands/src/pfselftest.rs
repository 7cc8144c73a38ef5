//! PFSELFTEST
//!
//! What may be wrong on a machine though the tests passed elsewhere: bits that get lost in registers, and arithmetic that makes
//! another estimate.

use super::corrupted;
use command_spec::*;
use commands::{Cx, Error};
use hyperloglog::{REGISTERS, Registers, add, estimate, make_dense};

/// `PFSELFTEST`
pub(super) const PFSELFTEST: Spec = Spec {
    name: "pfselftest",
    summary: "Tests that HyperLogLogs work as they should on this machine.",
    since: "2.8.9",
    group: Group::HyperLogLog,
    complexity: "O(1)",
    arity: 1,
    flags: Flags::ADMIN,
    categories: Categories::HYPERLOGLOG,
    reply: Shape::OK,
    ..Spec::BASE
};

/// Elements that are added: enough for all registers.
const ELEMENTS: u64 = 200_000;
/// Below so many, sparse and dense ones are compared too.
const COMPARED: u64 = 2_000;
/// Six standard errors: rarer than once in a hundred million seeds.
const TOLERATED: f64 = 6.0 * 0.0081;

pub(super) fn pfselftest(cx: &mut Cx<'_, '_>, _: &[&[u8]]) -> Result<(), Error> {
    cx.effort.visits(ELEMENTS as usize)?;
    let seed = cx.random.next_u64();
    let (mut sparse, mut dense) = (hyperloglog::new(), hyperloglog::new());
    make_dense(&mut dense).map_err(corrupted)?;
    for n in 1..=ELEMENTS {
        let element = (n ^ seed).to_le_bytes();
        add(&mut dense, &element, 0).map_err(corrupted)?;
        if n <= COMPARED {
            // Without a limit it becomes dense by a large count only.
            add(&mut sparse, &element, usize::MAX).map_err(corrupted)?;
        }
        if n == COMPARED {
            agree(&sparse, &dense)?;
        }
        if n == ELEMENTS || (n >= 1_000 && n.is_power_of_two()) {
            let found = estimate(&dense).map_err(corrupted)?;
            if (found as f64 - n as f64).abs() > n as f64 * TOLERATED {
                return Err(failed(&format!("Estimate of {n} elements is {found}")));
            }
        }
    }
    cx.out.ok();
    Ok(())
}

/// Whether both have the same registers and the same estimate.
fn agree(sparse: &[u8], dense: &[u8]) -> Result<(), Error> {
    let (mut a, mut b) = (Registers::new(), Registers::new());
    a.merge(sparse).map_err(corrupted)?;
    b.merge(dense).map_err(corrupted)?;
    if let Some(at) = (0..REGISTERS).find(|&at| a.counts()[at] != b.counts()[at]) {
        return Err(failed(&format!("Register {at} should be {} but is {}", b.counts()[at], a.counts()[at])));
    }
    match (estimate(sparse).map_err(corrupted)?, estimate(dense).map_err(corrupted)?) {
        (a, b) if a == b => Ok(()),
        (a, b) => Err(failed(&format!("Estimates of sparse and dense are {a} and {b}"))),
    }
}

fn failed(why: &str) -> Error {
    Error::Other(format!("TESTFAILED {why}").into())
}
