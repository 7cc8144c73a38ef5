//! The engram program: one file a subcommand, wiring only.

// The binary owns the environment, files and time.
#![allow(clippy::disallowed_methods)]
#![forbid(unsafe_code)]

mod console;
mod daemon;
mod data_directory;
mod descriptors;
mod env;
mod failure;
mod node_command;
mod running;
mod serve;
mod status;
mod stopping;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;

/// ElastiCache on this host: in-memory data stores that speak as Valkey or Redis, and the AWS APIs that make and manage
/// them. Without a subcommand: serve.
#[derive(Debug, Parser)]
#[command(name = "engram", version, propagate_version = true, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Arguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the AWS APIs and run the nodes that are asked for
    Serve(serve::Arguments),
    /// Print what a shell needs to reach the region: eval "$(engram env)"
    Env(env::Arguments),
    /// Show deployments, nodes, roles, zones, memory and endpoints
    Status(status::Arguments),
    Node(node_command::Arguments),
}

fn main() -> ExitCode {
    failure::report_panics();
    let ended = run(Cli::parse());
    if let Err(error) = &ended {
        console::complain(&format!("engram: {error:#}"));
    }
    console::drain();
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Some(Command::Node(arguments)) => node_command::run(&arguments),
        Some(Command::Serve(arguments)) => serve::run(&arguments),
        Some(Command::Env(arguments)) => env::run(&arguments),
        Some(Command::Status(arguments)) => status::run(&arguments),
        None => serve::run(&cli.serve),
    }
}
