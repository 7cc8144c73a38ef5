//! The engram program: one file a subcommand, wiring only.

// The binary owns the environment, files and time.
#![allow(clippy::disallowed_methods)]
#![forbid(unsafe_code)]

mod node_command;

use anyhow::{Result, bail};
use std::ffi::OsString;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("engram: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<OsString>) -> Result<()> {
    match arguments.first().and_then(|first| first.to_str()) {
        Some("node") => node_command::run(&arguments[1..]),
        Some(other) => bail!("unknown subcommand '{other}'"),
        None => node_command::run(&[]),
    }
}
