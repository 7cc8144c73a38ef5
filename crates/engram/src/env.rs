//! `engram env`: what a shell needs to reach the region, as exports.

use crate::serve::REGION;
use anyhow::{Context, Result};
use region::{Credentials, Directories};
use std::net::SocketAddr;

/// The file in which the API's address is remembered.
const API: &str = "api";

/// The options of `engram env`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) data: crate::data_directory::DataDirectory,
}

/// Prints the exports: `eval "$(engram env)"`.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let path = arguments.data.path()?;
    let none = || format!("there is no region in {}; start one with engram serve", path.display());
    let directories = Directories::of(&path).with_context(none)?;
    let credentials = Credentials::load(&directories.control()).with_context(none)?;
    let api = std::fs::read_to_string(directories.control().join(API)).with_context(none)?;
    let api = api.trim().parse().with_context(none)?;
    crate::console::print(&exports(&credentials, api))
}

/// The lines for a shell. Keys are letters and digits, so nothing needs quoting.
pub(crate) fn exports(credentials: &Credentials, api: SocketAddr) -> String {
    format!(
        "export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\nexport AWS_DEFAULT_REGION={REGION}\n\
         export AWS_ENDPOINT_URL=http://{api}\nunset AWS_SESSION_TOKEN AWS_PROFILE\n",
        credentials.access_key_id, credentials.secret_access_key,
    )
}

/// Remembers where the API is.
pub(crate) fn remember(directories: &Directories, api: SocketAddr) -> Result<()> {
    let path = directories.control().join(API);
    std::fs::write(&path, format!("{api}\n")).with_context(|| format!("cannot write {}", path.display()))
}
