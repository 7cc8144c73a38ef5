//! `engram node [FILE] [--port 7000 --save "" …]`: a stand-alone node in redis-server's style.

use crate::config_files::{Files, words_of};
use crate::console;
use crate::running::EndSignals;
use anyhow::{Context, Result};
use config::{CommandLine, Config};
use std::ffi::OsString;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// Run a stand-alone node, configured as redis-server is
///
/// The first argument may name a configuration file in the format of redis.conf. Parameters follow as options, such as
/// --port 7000 --save "" --engine redis-7.0, and win over the file. A single - at the start or the end reads
/// parameters from the standard input.
#[derive(Debug, clap::Args)]
#[command(override_usage = "engram node [FILE] [--PARAMETER VALUE ...]", disable_version_flag = true)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    arguments: Vec<OsString>,
}

/// The exit status of a managed node whose directory another process is the node of: EX_TEMPFAIL of sysexits.h.
const TAKEN: i32 = 75;

/// The line that scripts read a server's version from.
fn version() -> String {
    let profile = profile::Profile::default();
    let (server, version) = (if profile.is_valkey() { "Valkey" } else { "Redis" }, profile.version());
    let (bits, engram) = (usize::BITS, env!("CARGO_PKG_VERSION"));
    format!("{server} server v={version} sha=00000000:0 malloc=mimalloc bits={bits} build=0 engram={engram}")
}

/// Runs a node until it is told to end.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let arguments: Vec<&[u8]> = arguments.arguments.iter().map(|argument| argument.as_bytes()).collect();
    if let [b"-v" | b"--version"] = arguments.as_slice() {
        return console::print(&(version() + "\n"));
    }
    let line = CommandLine::parse(&arguments);
    let file = line.file.as_ref().map(|path| PathBuf::from(OsString::from_vec(path.clone())));
    let text = match &file {
        Some(path) => match std::fs::read(path) {
            Ok(text) => text,
            Err(error) => {
                let (path, why) = (path.display(), words_of(&error));
                console::complain(&format!("Fatal error, can't open config file '{path}': {why}"));
                console::end(1);
            }
        },
        None => Vec::new(),
    };
    let mut stdin = Vec::new();
    if line.stdin {
        std::io::stdin().read_to_end(&mut stdin).context("cannot read the standard input")?;
    }
    let config = match Config::load(profile::Profile::default(), &line.text(&text, &stdin), &mut Files) {
        Ok(config) => config,
        Err(error) => {
            // As redis-server prints it, without this program's name before it.
            console::complain(&error.to_string());
            console::end(1);
        }
    };
    if config.settings().daemonize {
        crate::daemon::leave_terminal(&stdin)?;
    }
    // CONFIG REWRITE must find it whatever the working directory is.
    let config_file = match file {
        Some(file) => Some(file.canonicalize().with_context(|| format!("cannot find {}", file.display()))?),
        None => None,
    };
    let executable = std::env::current_exe().unwrap_or_default();
    let is_managed = !config.settings().managed_node.is_empty();
    let signals = match is_managed {
        true => EndSignals::listen_to_the_agent()?,
        false => EndSignals::listen()?,
    };
    let started = node::Node::start(node::Options { config, config_file, executable });
    if let Err(taken @ node::StartError::Taken(_)) = started {
        console::complain(&format!("engram: {taken}"));
        console::end(TAKEN);
    }
    if let Err(node::StartError::Line(error)) = &started {
        // As the other lines of the file.
        console::complain(&error.to_string());
        console::end(1);
    }
    if is_managed {
        // Signals for the terminal of whoever started the agent are not for the node. It may lead a session already.
        let _ = rustix::process::setsid();
    }
    signals.wait(started?)
}
