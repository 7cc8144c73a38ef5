//! `engram`: what somebody who just wants to try it gets. One node on this host alone, its data where the user's programs
//! keep theirs, and a terminal that shows what to do next instead of a log.

use crate::running::until_the_end;
use anyhow::{Context, Result, anyhow, bail};
use config::{Config, NoDirectives};
use profile::Profile;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The options of the default run.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where the data is kept [default: engram in the user's data directory]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The port on 127.0.0.1 and ::1
    #[arg(long, default_value_t = 6379)]
    port: u16,
    /// The server it speaks as: valkey-8.0 or redis-7.0
    #[arg(long, default_value_t = Profile::default())]
    engine: Profile,
}

const LOG: &str = "engram.log";
const LOCK: &str = "engram.lock";

/// Runs a node until it is told to end.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let directory = match &arguments.data_dir {
        Some(directory) => directory.clone(),
        None => data_home().ok_or_else(|| {
            anyhow!("cannot tell where to keep data, since HOME is not set; say where with --data-dir")
        })?,
    };
    let directory = prepare(&directory).map_err(|error| {
        let (directory, why) = (directory.display(), words_of(&error));
        anyhow!("cannot use the data directory {directory} ({why}); choose another with --data-dir")
    })?;
    // Held until the process ends: two nodes would overwrite each other's data.
    let lock = lock(&directory)?;
    let mut text = format!(
        "engine {}\nport {}\nbind 127.0.0.1 -::1\nlogfile {LOG}\ndir ",
        arguments.engine, arguments.port
    )
    .into_bytes();
    text.extend(config::quoting::quote(directory.as_os_str().as_bytes()));
    let config = Config::load(arguments.engine, &text, &mut NoDirectives)?;
    let executable = std::env::current_exe().unwrap_or_default();
    let node = node::Node::start(node::Options { config, config_file: None, executable })?;
    introduce(arguments, &directory);
    until_the_end(node)?;
    println!("Stopped.");
    drop(lock);
    Ok(())
}

/// `$XDG_DATA_HOME/engram`, or the place that stands for it.
fn data_home() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    data.map(|data| data.join("engram"))
}

/// Makes the directory and makes sure that files can be written there; its absolute path.
fn prepare(directory: &Path) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(directory)?;
    let directory = directory.canonicalize()?;
    OpenOptions::new().create(true).append(true).open(directory.join(LOG))?;
    Ok(directory)
}

/// The system's words for an error, without its number.
fn words_of(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn lock(directory: &Path) -> Result<File> {
    let path = directory.join(LOCK);
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another engram uses the data directory {}; choose another with --data-dir",
            directory.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

fn introduce(arguments: &Arguments, directory: &Path) {
    let Arguments { port, engine, .. } = arguments;
    let flag = if *port == 6379 { String::new() } else { format!(" -p {port}") };
    println!("Engram {} is ready on 127.0.0.1:{port} and speaks as {engine}.", env!("CARGO_PKG_VERSION"));
    println!("Its data is in {}, its log in {LOG} there. Ctrl-C stops it.\n", directory.display());
    println!("Try:");
    println!("  redis-cli{flag} set greeting hello");
    println!("  redis-cli{flag} get greeting");
    println!("  redis-benchmark{flag} -t get,set -P 16 -q");
}
