//! CPU per request where the protocol and the system calls are all the work: few keys, values of 256 bytes.

use super::Case;
use crate::load::{Command, Keys, Load};

const KEYS: u64 = 100_000;
const VALUE_BYTES: usize = 256;

pub(super) const CASE: Case = Case {
    name: "request",
    about: "GET and SET, 50 connections, 256 B; CPU aimed at: ≤ 0.9x without pipelining (P1), ≤ 0.6x with 16 (P16)",
    prepare: |setting| {
        let server = setting.start()?;
        server.fill(KEYS, VALUE_BYTES)?;
        let (single, pipelined) = setting.size((600_000, 4_000_000), (40_000, 200_000));
        Ok(Box::new(move || {
            let mut figures = Vec::new();
            for (depth, requests) in [(1, single), (16, pipelined)] {
                for (name, command) in [("GET", Command::Get), ("SET", Command::Set)] {
                    let load = Load::new(command, depth, Keys::Random(KEYS), VALUE_BYTES, requests);
                    figures.extend(server.measure(&format!("{name} P{depth}"), &load)?);
                }
            }
            let mixed = Command::Mixed { set_percent: 20 };
            let load = Load::new(mixed, 16, Keys::Random(KEYS), VALUE_BYTES, pipelined);
            figures.extend(server.measure("80/20 P16", &load)?);
            Ok(figures)
        }))
    },
};
