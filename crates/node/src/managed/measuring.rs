//! What the node measures, for the region. It is read as INFO is, by the thread of the connection that asks.

use engine::lazyfree::LazyFree;
use metrics::{Facts, cloudwatch};
use server::Server;
use std::sync::OnceLock;
use std::time::Instant;
use supervision::{Measured, Reply};

/// Everything at this moment.
pub(super) fn measure(server: &Server, lazyfree: &LazyFree) -> Reply {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    let at_us = BEGAN.get_or_init(Instant::now).elapsed().as_micros() as u64;
    let settings = server.settings();
    let readings = cloudwatch::read(&Facts::new(server, &settings, lazyfree), server.profile);
    Reply::Measured(Measured { at_us, readings })
}
