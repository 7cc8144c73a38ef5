//! `engram node [FILE] [--port 7000 --save "" …]`: a stand-alone node in redis-server's style.

use anyhow::{Context, Result};
use config::{CommandLine, Config, Directives};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// Reads included files from disk.
struct Files;

impl Directives for Files {
    fn include(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        std::fs::read(PathBuf::from(OsString::from_vec(path.to_vec()))).map_err(|error| error.to_string())
    }
}

/// Runs a node until it is told to end.
pub(crate) fn run(arguments: &[OsString]) -> Result<()> {
    let arguments: Vec<&[u8]> = arguments.iter().map(|argument| argument.as_bytes()).collect();
    let line = CommandLine::parse(&arguments);
    let file = match &line.file {
        Some(path) => {
            let path = PathBuf::from(OsString::from_vec(path.clone()));
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?
        }
        None => Vec::new(),
    };
    let mut stdin = Vec::new();
    if line.stdin {
        std::io::stdin().read_to_end(&mut stdin).context("cannot read the standard input")?;
    }
    let config = match Config::load(profile::Profile::default(), &line.text(&file, &stdin), &mut Files) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    };
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let options = node::Options {
        config,
        config_file: line.file.map(|path| PathBuf::from(OsString::from_vec(path))),
        executable: std::env::current_exe().unwrap_or_default(),
    };
    let mut node = node::Node::start(options)?;
    println!("Ready to accept connections {:?} {}", node.addresses(), node.backend());
    signals.forever().next();
    node.end();
    Ok(())
}
