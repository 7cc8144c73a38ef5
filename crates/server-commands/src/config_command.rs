//! CONFIG: what the node is told to be, and changing it while it runs.
//!
//! A change is tried on a copy of the configuration. What must happen for it happens next (other sockets, another
//! directory), and only when all of that went well does the copy become the configuration and its settings everybody's.
//! The connection that asked sees them in its next command, all others in what they send after its answer.

use command_spec::*;
use commands::Error;
use config::{AclPubsubDefault, Applied, Asker, Config, Loglevel};
use engine::cx::Flow;
use files::words_of;
use files::{Directory, Permission};
use keyspace::EventClass;
use server::process::raise_descriptor_limit;
use server::process::resolve_directory;
use server::{Server, ServerCommand, ServerCx};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

pub(crate) const COMMANDS: &[ServerCommand] = &[ServerCommand {
    spec: &CONFIG,
    run: crate::container,
    subcommands: &[
        ServerCommand::new(&CONFIG_GET, get),
        ServerCommand::new(&CONFIG_SET, set),
        ServerCommand::new(&CONFIG_RESETSTAT, resetstat),
        ServerCommand::new(&CONFIG_REWRITE, rewrite),
        ServerCommand::new(&CONFIG_HELP, help),
    ],
}];

const ADMIN: Flags = Flags::ADMIN.union(Flags::NOSCRIPT).union(Flags::LOADING).union(Flags::STALE);

/// `CONFIG`
const CONFIG: Spec = Spec {
    name: "config",
    summary: "A container for commands on the node's parameters.",
    since: "2.0.0",
    group: Group::Server,
    complexity: "Depends on subcommand",
    arity: -2,
    ..Spec::BASE
};

/// `CONFIG GET`
const CONFIG_GET: Spec = Spec {
    name: "get",
    summary: "Returns the parameters whose names match patterns, with their values.",
    since: "2.0.0",
    group: Group::Server,
    complexity: "O(N) when N is the number of configuration parameters provided",
    arity: -3,
    flags: ADMIN,
    args: &[Arg::string("parameter").multiple()],
    reply: Shape::Map(&Shape::Bulk, &Shape::Bulk),
    ..Spec::BASE
};

fn get(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let found = cx.server.config().get(&argv[2..]);
    let mut out = cx.out();
    out.map(found.len());
    for (name, value) in &found {
        out.bulk(name);
        out.bulk(value);
    }
    Ok(Flow::Done)
}

/// `CONFIG SET`
const CONFIG_SET: Spec = Spec {
    name: "set",
    summary: "Sets parameters: all of them, or none when one cannot be set.",
    since: "2.0.0",
    group: Group::Server,
    complexity: "O(N) when N is the number of configuration parameters provided",
    arity: -4,
    flags: ADMIN,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    args: &[Arg::block("data", &[Arg::string("parameter"), Arg::string("value")]).multiple()],
    reply: Shape::OK,
    ..Spec::BASE
};

fn set(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let (pairs, rest) = argv[2..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Error::Syntax);
    }
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|&[name, value]| (name, value)).collect();
    let asker =
        Asker { local: cx.client.shared.is_local(), loading: cx.server.loading.load(Ordering::Relaxed) };
    change(cx.server, &pairs, asker)?;
    cx.local.refresh(cx.server);
    cx.local.scratch.effects.wanted =
        EventClass::from_bits_truncate(cx.local.settings.notify_keyspace_events.0);
    cx.out().ok();
    Ok(Flow::Done)
}

/// Sets parameters, all or none.
///
/// # Errors
/// The reply that says which cannot be set, and why.
pub fn change(server: &Server, pairs: &[(&[u8], &[u8])], asker: Asker) -> Result<(), Error> {
    let mut config = server.config();
    let mut wanted = config.clone();
    let applied = wanted.set(pairs, asker).map_err(|error| Error::Other(error.to_string().into()))?;
    act(server, &config, &mut wanted, &applied).map_err(|(name, reason)| failed(pairs, name, &reason))?;
    if applied.contains("requirepass") {
        let password = &wanted.settings().requirepass;
        server.change_users(None, |users, catalogue| users.set_requirepass(catalogue, password));
    }
    if applied.contains("acl-pubsub-default") {
        let all = wanted.settings().acl_pubsub_default == AclPubsubDefault::Allchannels;
        server.change_users(None, |users, _| users.set_all_channels(all));
    }
    server.publish_settings(&wanted);
    *config = wanted;
    Ok(())
}

/// The error of a parameter whose change failed, by the name by which it was asked for.
fn failed(pairs: &[(&[u8], &[u8])], name: &str, reason: &str) -> Error {
    let given = pairs.iter().find(|(given, _)| given.eq_ignore_ascii_case(name.as_bytes()));
    let name = given.map_or(name.into(), |(given, _)| String::from_utf8_lossy(given));
    Error::Other(format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}").into())
}

/// Does what a change asks for beyond new settings; the parameter that failed, and why.
fn act(
    server: &Server,
    now: &Config,
    wanted: &mut Config,
    applied: &Applied,
) -> Result<(), (&'static str, String)> {
    if applied.contains("dir") {
        let path = |config: &Config| PathBuf::from(OsStr::from_bytes(&config.settings().dir));
        let found =
            resolve_directory(&path(now), &path(wanted)).map_err(|error| ("dir", words_of(&error)))?;
        wanted.set_directory(found.as_os_str().as_bytes());
    }
    if applied.contains("maxclients") {
        let clients = u64::from(wanted.settings().maxclients);
        raise_descriptor_limit(clients).map_err(|possible| {
            let reason =
                "The operating system is not able to handle the specified number of clients, try with";
            ("maxclients", format!("{reason} {possible}"))
        })?;
    }
    // Sockets last: nothing after them can fail, so they need not be undone.
    let changed = ["port", "bind"].into_iter().find(|name| applied.contains(name));
    if let Some(name) = changed {
        let outcome = server.listening.change(now.settings(), wanted.settings());
        if let Err(error) = outcome {
            server.log(Loglevel::Warning, format_args!("{name} stays as it was: {error}"));
            let reason = match name {
                "port" => "Unable to listen on this port. Check server logs.",
                _ => "Failed to bind to specified addresses.",
            };
            return Err((name, reason.to_owned()));
        }
    }
    Ok(())
}

/// `CONFIG RESETSTAT`
const CONFIG_RESETSTAT: Spec = Spec {
    name: "resetstat",
    summary: "Sets the statistics that INFO shows back to zero.",
    since: "2.0.0",
    group: Group::Server,
    arity: 2,
    flags: ADMIN,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    reply: Shape::OK,
    before: &[("7.2.0", |spec| spec.tips = &[])],
    ..Spec::BASE
};

fn resetstat(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let server = cx.server;
    server.stats.reset();
    server.gauges.reset();
    cx.local.lazyfree.freeing().reset();
    server.keyspace.adopted().reset();
    server.persistence.reset_counters();
    server.replicas.primary().primary.reset_counters();
    cx.out().ok();
    Ok(Flow::Done)
}

/// `CONFIG REWRITE`
const CONFIG_REWRITE: Spec = Spec {
    name: "rewrite",
    summary: "Writes the parameters as they are now into the configuration file, whose comments stay.",
    since: "2.8.0",
    group: Group::Server,
    arity: 2,
    flags: ADMIN,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    reply: Shape::OK,
    before: &[("7.2.0", |spec| spec.tips = &[])],
    ..Spec::BASE
};

fn rewrite(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let Some(path) = &cx.server.start.config_file else {
        return Err(Error::text("ERR The server is running without a config file"));
    };
    // A copy, since others ask for the configuration while the disk works.
    let config = cx.server.config().clone();
    let users = crate::users::lines_to_rewrite(cx.server, config.settings());
    let written = rewrite_file(path, cx.local.thread, |old| config.rewrite(old, &users));
    if let Err(error) = written {
        cx.server.log(Loglevel::Warning, format_args!("CONFIG REWRITE failed: {error}"));
        return Err(Error::Other(format!("ERR Rewriting config file: {}", words_of(&error)).into()));
    }
    cx.server.log(Loglevel::Warning, "CONFIG REWRITE executed with success.");
    cx.out().ok();
    Ok(Flow::Done)
}

/// Makes a new configuration file of the old one: whoever reads it sees the old or the new one, a crash included. Threads that
/// replace it at once do not mix; the last wins.
pub(crate) fn rewrite_file(
    path: &Path,
    thread: usize,
    rewrite: impl FnOnce(&[u8]) -> Vec<u8>,
) -> std::io::Result<()> {
    let directory = Directory::of(path);
    let name = path.file_name().unwrap_or_default();
    let text = rewrite(&directory.read(name)?.unwrap_or_default());
    let mut temporary = name.to_owned();
    temporary.push(format!(".{}.{thread}.tmp", std::process::id()));
    let mut draft = directory.draft(name, temporary, Permission::AsBefore)?;
    draft.write(&text)?;
    draft.publish()
}

/// `CONFIG HELP`
const CONFIG_HELP: Spec = Spec {
    name: "help",
    summary: "Lists the subcommands.",
    since: "5.0.0",
    group: Group::Server,
    arity: 2,
    flags: Flags::LOADING.union(Flags::STALE),
    reply: Shape::HELP,
    ..Spec::BASE
};

fn help(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let lines = [
        "GET <pattern> [<pattern> ...]",
        "    The parameters whose names match, with their values.",
        "SET <parameter> <value> [<parameter> <value> ...]",
        "    Set parameters, all or none.",
        "RESETSTAT",
        "    Set the statistics of INFO back to zero.",
        "REWRITE",
        "    Write the parameters as they are now into the configuration file.",
    ];
    crate::help(cx, "CONFIG", &lines)
}
