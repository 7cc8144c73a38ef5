//! Where a region's data is: what its subcommands have in common.

use anyhow::{Result, anyhow};
use std::path::PathBuf;

/// The option that names it.
#[derive(Debug, clap::Args)]
pub(crate) struct DataDirectory {
    /// Where the data is kept [default: engram in the user's data directory]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl DataDirectory {
    /// What was said before the subcommand counts if nothing was said behind it.
    pub(crate) fn or(&mut self, before: DataDirectory) {
        self.data_dir = self.data_dir.take().or(before.data_dir);
    }

    /// The directory, which need not be there.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        match &self.data_dir {
            Some(directory) => Ok(directory.clone()),
            None => data_home().ok_or_else(|| {
                anyhow!("HOME is not set, so there is no default data directory; choose one with --data-dir")
            }),
        }
    }
}

/// `$XDG_DATA_HOME/engram`, or the place that stands for it.
fn data_home() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    data.map(|data| data.join("engram"))
}
