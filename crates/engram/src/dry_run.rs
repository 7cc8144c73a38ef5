//! `engram dry-run PROGRAM…`: runs a program that calls the AWS APIs, with a key that changes nothing.
//!
//! The endpoint in the program's environment is that of dry runs too, so what a program does with a key of its own changes nothing either,
//! unless it also names its own endpoint.

use crate::env::{access, reachable};
use crate::serve::REGION;
use anyhow::{Context, Result};
use region::Use;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// They would name another key, or have the endpoint left unread.
const OTHERS: [&str; 6] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
];

/// The options of `engram dry-run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) data: crate::data_directory::DataDirectory,
    /// The program and its arguments, as aws elasticache delete-replication-group …
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Becomes the program, which finds the region in its environment.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let (credentials, api) = access(&arguments.data.path()?, Use::DryRun)?;
    let (name, rest) = arguments.program.split_first().context("there is no program to run")?;
    let mut program = Command::new(name);
    program.args(rest);
    program.env("AWS_ACCESS_KEY_ID", credentials.access_key_id);
    program.env("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key);
    if std::env::var_os("AWS_DEFAULT_REGION").is_none() {
        program.env("AWS_DEFAULT_REGION", REGION);
    }
    program.env("AWS_ENDPOINT_URL", format!("http://{}{}", reachable(api), region::dry_run::PATH));
    for (variable, _) in std::env::vars_os() {
        let of_a_service = variable.to_str().is_some_and(|name| name.starts_with("AWS_ENDPOINT_URL_"));
        if of_a_service || OTHERS.iter().any(|name| variable == *name) {
            program.env_remove(variable);
        }
    }
    let why = program.exec();
    Err(anyhow::anyhow!("cannot run {} ({})", name.to_string_lossy(), crate::config_files::words_of(&why)))
}
