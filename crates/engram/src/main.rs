//! The engram program: one file a subcommand, wiring only.

// The binary owns the environment, files and time.
#![allow(clippy::disallowed_methods)]
#![forbid(unsafe_code)]

mod default_run;
mod node_command;
mod running;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;

/// An in-memory data store that speaks as Valkey or Redis. Without a subcommand: one node on this host, with its data
/// in the user's data directory.
#[derive(Debug, Parser)]
#[command(name = "engram", version, propagate_version = true, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: default_run::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    Node(node_command::Arguments),
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("engram: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Some(Command::Node(arguments)) => node_command::run(&arguments),
        None => default_run::run(&cli.run),
    }
}
