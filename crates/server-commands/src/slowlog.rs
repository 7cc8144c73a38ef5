//! The slow log: which commands took longest lately.

use crate::wrong_arguments;
use command_spec::*;
use commands::Error;
use engine::cx::Flow;
use number::parse_i64;
use server::{ServerCommand, ServerCx};
use std::sync::PoisonError;

pub(crate) const COMMANDS: &[ServerCommand] = &[ServerCommand {
    spec: &SLOWLOG,
    run: crate::container,
    subcommands: &[
        ServerCommand::new(&SLOWLOG_GET, get),
        ServerCommand::new(&SLOWLOG_LEN, len),
        ServerCommand::new(&SLOWLOG_RESET, reset),
        ServerCommand::new(&SLOWLOG_HELP, help),
    ],
}];

/// `SLOWLOG`
const SLOWLOG: Spec = Spec {
    name: "slowlog",
    summary: "A container for commands on the slow log.",
    since: "2.2.12",
    group: Group::Server,
    complexity: "Depends on subcommand",
    arity: -2,
    ..Spec::BASE
};

const ASK: Flags = Flags::ADMIN.union(Flags::LOADING).union(Flags::STALE);

/// Entries that SLOWLOG GET shows unless told otherwise.
const SHOWN: usize = 10;

/// An entry: number, Unix time, microseconds, arguments, address and name of the client.
const ENTRY: Shape = Shape::Tuple(&[
    Shape::COUNT,
    Shape::COUNT,
    Shape::COUNT,
    Shape::Array(&Shape::Bulk),
    Shape::Bulk,
    Shape::Bulk,
]);

/// `SLOWLOG GET`
const SLOWLOG_GET: Spec = Spec {
    name: "get",
    summary: "Shows the newest entries of the slow log.",
    since: "2.2.12",
    group: Group::Server,
    complexity: "O(N) where N is the number of entries returned",
    arity: -2,
    flags: ASK,
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    args: &[Arg::integer("count").optional()],
    reply: Shape::Array(&ENTRY),
    ..Spec::BASE
};

fn get(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let count = match argv {
        [_, _] => SHOWN,
        [_, _, count] => match parse_i64(count) {
            Some(-1) => usize::MAX,
            Some(count) if count >= 0 => count as usize,
            _ => return Err(Error::text("ERR count should be greater than or equal to -1")),
        },
        _ => return Err(wrong_arguments("SLOWLOG", argv[1])),
    };
    let server = cx.server;
    let log = server.slowlog.lock().unwrap_or_else(PoisonError::into_inner);
    let mut out = cx.out();
    out.array(log.iter().len().min(count));
    for entry in log.iter().take(count) {
        out.array(6);
        out.int(entry.id as i64);
        out.int(entry.unix_s as i64);
        out.int(entry.microseconds as i64);
        out.array(entry.argv.len());
        entry.argv.iter().for_each(|arg| out.bulk(arg));
        out.bulk(entry.addr.as_bytes());
        out.bulk(&entry.name);
    }
    Ok(Flow::Done)
}

/// `SLOWLOG LEN`
const SLOWLOG_LEN: Spec = Spec {
    name: "len",
    summary: "Tells how many entries the slow log holds.",
    since: "2.2.12",
    group: Group::Server,
    arity: 2,
    flags: ASK,
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    reply: Shape::COUNT,
    ..Spec::BASE
};

fn len(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let len = cx.server.slowlog.lock().unwrap_or_else(PoisonError::into_inner).iter().len();
    cx.out().int(len as i64);
    Ok(Flow::Done)
}

/// `SLOWLOG RESET`
const SLOWLOG_RESET: Spec = Spec {
    name: "reset",
    summary: "Empties the slow log.",
    since: "2.2.12",
    group: Group::Server,
    complexity: "O(N) where N is the number of entries in the slowlog",
    arity: 2,
    flags: ASK,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    reply: Shape::OK,
    ..Spec::BASE
};

fn reset(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    cx.server.slowlog.lock().unwrap_or_else(PoisonError::into_inner).reset();
    cx.out().ok();
    Ok(Flow::Done)
}

/// `SLOWLOG HELP`
const SLOWLOG_HELP: Spec = Spec {
    name: "help",
    summary: "Describes the subcommands.",
    since: "6.2.0",
    group: Group::Server,
    arity: 2,
    flags: Flags::LOADING.union(Flags::STALE),
    reply: Shape::HELP,
    ..Spec::BASE
};

fn help(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    crate::help(
        cx,
        "SLOWLOG",
        &[
            "GET [<count>]",
            "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
            "    Entries are made of:",
            "    id, timestamp, time in microseconds, arguments array, client IP and port,",
            "    client name",
            "LEN",
            "    Return the length of the slowlog.",
            "RESET",
            "    Reset the slowlog.",
        ],
    )
}
