//! `engram env`: what a shell needs to reach the region, as exports.

use crate::config_files::words_of;
use crate::serve::REGION;
use anyhow::{Result, anyhow, bail};
use files::{Directory, Permission};
use region::whereabouts::Silence;
use region::{Credentials, Directories, Use};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

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
    let (credentials, api) = access(&arguments.data.path()?, Use::Root)?;
    crate::console::print(&exports(&credentials, api))
}

/// A key of a region on a data directory, and where its API is.
pub(crate) fn access(path: &Path, what: Use) -> Result<(Credentials, SocketAddr)> {
    let unreadable = |error| silence(path, error);
    let directories = Directories::of(path).map_err(unreadable)?;
    let credentials = match Credentials::load(&directories.control(), what) {
        // An earlier version made the region, and runs it.
        Err(error) if error.kind() == ErrorKind::NotFound && what == Use::DryRun => {
            Credentials::load(&directories.control(), Use::Root).map_err(unreadable)?;
            bail!("the region on {} has no key for dry runs; restart it, its nodes serve on", path.display());
        }
        loaded => loaded.map_err(unreadable)?,
    };
    let file = directories.control().join(API);
    let api = std::fs::read_to_string(&file).map_err(unreadable)?;
    let Ok(api) = api.trim().parse() else {
        bail!("{} does not say where the API is; start engram serve, which writes it anew", file.display());
    };
    Ok((credentials, api))
}

/// Why nothing is known of the region.
fn silence(path: &Path, error: io::Error) -> anyhow::Error {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Silence::NoRegion(path).into(),
        ErrorKind::PermissionDenied => Silence::NotYours(path).into(),
        _ => anyhow!("cannot read what is in {} ({})", path.display(), words_of(&error)),
    }
}

/// Where this host reaches what listens there: an address that stands for all of them is none to connect to.
pub(crate) fn reachable(api: SocketAddr) -> SocketAddr {
    let ip = match api.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, api.port())
}

/// The lines for a shell. Keys are letters and digits, so nothing needs quoting.
pub(crate) fn exports(credentials: &Credentials, api: SocketAddr) -> String {
    let api = reachable(api);
    format!(
        "export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\nexport AWS_DEFAULT_REGION={REGION}\n\
         export AWS_ENDPOINT_URL=http://{api}\nunset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE\n",
        credentials.access_key_id, credentials.secret_access_key,
    )
}

/// Remembers where the API is.
pub(crate) fn remember(directories: &Directories, api: SocketAddr) -> Result<()> {
    let text = format!("{api}\n");
    Ok(Directory::at(directories.control()).publish(API, Permission::Usual, text.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_all_is_reached_by_that_of_this_host() {
        let cases = [
            ("0.0.0.0:4566", "127.0.0.1:4566"),
            ("[::]:4566", "[::1]:4566"),
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("127.0.0.1:4566", "127.0.0.1:4566"),
            ("[2001:db8::1]:80", "[2001:db8::1]:80"),
        ];
        for (api, reached) in cases {
            assert_eq!(reachable(api.parse().unwrap()).to_string(), reached);
        }
    }
}
