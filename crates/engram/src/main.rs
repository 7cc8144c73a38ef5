//! The engram program: one file a subcommand, wiring only.

// The binary owns the environment, files and time.
#![allow(clippy::disallowed_methods)]
#![forbid(unsafe_code)]

mod access;
mod bench;
mod charts;
mod clock;
mod config_files;
mod console;
mod daemon;
mod data_directory;
mod descriptors;
mod dry_run;
mod env;
mod failure;
mod metrics;
mod node_command;
mod running;
mod serve;
mod status;
mod stopping;
mod top;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;

/// ElastiCache on this host: in-memory data stores that speak as Valkey or Redis, and the AWS APIs that make and manage
/// them. Without a subcommand: serve.
#[derive(Debug, Parser)]
#[command(name = "engram", version, propagate_version = true)]
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
    /// Run a program whose calls of the AWS APIs change nothing: each tells what it would do
    ///
    /// The program finds the endpoint and an access key for dry runs in its environment. With that key nothing changes at any endpoint
    /// of the region. A program that brings an endpoint and a key of its own is not held back.
    DryRun(dry_run::Arguments),
    /// Show deployments, nodes, roles, zones, memory and endpoints
    Status(status::Arguments),
    /// Show what all nodes do, each second anew
    Top(top::Arguments),
    /// Show what nodes have measured over time
    Metrics(metrics::Arguments),
    /// Move the clock of a region that was started with --test-clock
    Clock(clock::Arguments),
    Node(node_command::Arguments),
    Access(access::Arguments),
    Bench(Box<bench::Arguments>),
}

/// Whether an option of a region means something before this subcommand.
fn may_stand(option: &str, subcommand: &str) -> bool {
    match option {
        "data_dir" => !matches!(subcommand, "node" | "access" | "bench"),
        "verbose" => subcommand == "serve",
        _ => false,
    }
}

fn main() -> ExitCode {
    failure::report_panics();
    let ended = run(parse());
    if let Err(error) = &ended {
        console::complain(&format!("engram: {error:#}"));
    }
    console::drain();
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The command line. An option of `serve` before another subcommand would do nothing, so it is refused.
fn parse() -> Cli {
    let mut command = Cli::command();
    let matches = command.get_matches_mut();
    if let Some(subcommand) = matches.subcommand_name() {
        let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let arguments = command.get_arguments().map(|argument| argument.get_id().as_str());
        let misplaced = arguments.filter(|id| !may_stand(id, subcommand)).find(|id| {
            // Names of groups and of what clap adds are no values.
            matches.try_contains_id(id).is_ok() && is_given(id)
        });
        if let Some(id) = misplaced {
            let option = id.replace('_', "-");
            let text =
                format!("--{option} before {subcommand} means nothing; it is an option of engram serve");
            command.error(ErrorKind::ArgumentConflict, text).exit();
        }
    }
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

fn run(cli: Cli) -> Result<()> {
    let before = cli.serve;
    match cli.command {
        Some(Command::Node(arguments)) => node_command::run(&arguments),
        Some(Command::Access(arguments)) => access::run(&arguments),
        Some(Command::Bench(arguments)) => bench::run(&arguments),
        Some(Command::Serve(mut arguments)) => {
            arguments.data.or(before.data);
            arguments.verbose |= before.verbose;
            serve::run(&arguments)
        }
        Some(Command::Env(mut arguments)) => {
            arguments.data.or(before.data);
            env::run(&arguments)
        }
        Some(Command::DryRun(mut arguments)) => {
            arguments.data.or(before.data);
            dry_run::run(&arguments)
        }
        Some(Command::Status(mut arguments)) => {
            arguments.data.or(before.data);
            status::run(&arguments)
        }
        Some(Command::Top(mut arguments)) => {
            arguments.data.or(before.data);
            top::run(&arguments)
        }
        Some(Command::Metrics(mut arguments)) => {
            arguments.data.or(before.data);
            metrics::run(&arguments)
        }
        Some(Command::Clock(mut arguments)) => {
            arguments.data.or(before.data);
            clock::run(&arguments)
        }
        None => serve::run(&before),
    }
}
