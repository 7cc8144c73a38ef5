//! What a replica costs its primary. The replica is a redis-server for every subject, on the generator's CPU.

use std::time::Duration;

use anyhow::{Context, Result};

use super::Case;
use crate::load::{Command, Keys, Load};
use crate::subject::{Server, info, wait_until};

const KEYS: u64 = 100_000;
const VALUE_BYTES: usize = 256;

pub(super) const CASE: Case = Case {
    name: "replica",
    about: "SET with one replica attached, 256 B; CPU aimed at: ≤ 0.6x with 16",
    prepare: |setting| {
        // A replica that shares its CPU with the generator falls behind; it must not be cut off for that.
        let server = setting.start_with(&["--client-output-buffer-limit", "replica", "0", "0", "0"])?;
        server.fill(KEYS, VALUE_BYTES)?;
        let replica = setting.start_companion()?;
        let mut to_replica = replica.connect()?;
        let port = server.peer.port().to_string();
        to_replica.call(&["REPLICAOF", "127.0.0.1", &port])?;
        wait_until("the replica's link", || {
            Ok(info(&mut to_replica, "replication", "master_link_status")? == "up")
        })?;
        let (single, pipelined) = setting.size((300_000, 1_500_000), (20_000, 100_000));
        Ok(Box::new(move || {
            let mut figures = Vec::new();
            for (depth, requests) in [(1, single), (16, pipelined)] {
                let load = Load::new(Command::Set, depth, Keys::Random(KEYS), VALUE_BYTES, requests);
                figures.extend(server.measure(&format!("SET P{depth}"), &load)?);
                wait_until_level(&server, || {
                    info(&mut replica.connect()?, "replication", "slave_repl_offset")
                })?;
            }
            Ok(figures)
        }))
    },
};

/// Nothing may be under way when the next measurement begins, and the replica must really have it all.
fn wait_until_level(server: &Server, replica_offset: impl Fn() -> Result<String>) -> Result<()> {
    std::thread::sleep(Duration::from_millis(50));
    wait_until("the replica to have everything", || {
        let offset: u64 = server.info("replication", "master_repl_offset")?.parse().context("an offset")?;
        Ok(replica_offset()?.parse::<u64>().context("an offset")? >= offset)
    })
}
