//! Scripts and functions: there are none, since nothing that would load or run one is here. What asks for them, or empties
//! them, answers as a server without any does, for tools and test suites begin with that.

use crate::wrong_arguments;
use command_spec::*;
use commands::Error;
use engine::cx::Flow;
use server::{ServerCommand, ServerCx};

pub(crate) const COMMANDS: &[ServerCommand] = &[
    ServerCommand {
        spec: &FUNCTION,
        run: crate::container,
        subcommands: &[
            ServerCommand::new(&FUNCTION_LIST, function_list),
            ServerCommand::new(&FUNCTION_STATS, function_stats),
            ServerCommand::new(&FUNCTION_DUMP, function_dump),
            ServerCommand::new(&FUNCTION_DELETE, function_delete),
            ServerCommand::new(&FUNCTION_FLUSH, function_flush),
            ServerCommand::new(&FUNCTION_KILL, kill),
            ServerCommand::new(&FUNCTION_HELP, function_help),
        ],
    },
    ServerCommand {
        spec: &SCRIPT,
        run: crate::container,
        subcommands: &[
            ServerCommand::new(&SCRIPT_EXISTS, script_exists),
            ServerCommand::new(&SCRIPT_FLUSH, script_flush),
            ServerCommand::new(&SCRIPT_KILL, kill),
            ServerCommand::new(&SCRIPT_HELP, script_help),
        ],
    },
];

const FLUSH_ARGS: &[Arg] =
    &[Arg::one_of("flush-type", &[Arg::word("async", "ASYNC"), Arg::word("sync", "SYNC")]).optional()];

/// `FUNCTION`
const FUNCTION: Spec = Spec {
    name: "function",
    summary: "A container for commands on functions.",
    since: "7.0.0",
    group: Group::Scripting,
    complexity: "Depends on subcommand",
    arity: -2,
    ..Spec::BASE
};

/// `FUNCTION LIST`
const FUNCTION_LIST: Spec = Spec {
    name: "list",
    summary: "Shows all libraries.",
    since: "7.0.0",
    group: Group::Scripting,
    complexity: "O(N) where N is the number of functions",
    arity: -2,
    flags: Flags::NOSCRIPT,
    categories: Categories::SCRIPTING,
    tips: &["nondeterministic_output_order"],
    args: &[
        Arg::string("library-name-pattern").token("LIBRARYNAME").optional(),
        Arg::word("withcode", "WITHCODE").optional(),
    ],
    reply: Shape::Array(&Shape::Map(&Shape::Bulk, &Shape::Any)),
    ..Spec::BASE
};

fn function_list(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let (mut with_code, mut name) = (false, None);
    let mut words = argv[2..].iter();
    while let Some(word) = words.next() {
        if !with_code && word.eq_ignore_ascii_case(b"withcode") {
            with_code = true;
        } else if name.is_none() && word.eq_ignore_ascii_case(b"libraryname") {
            name = words.next();
            if name.is_none() {
                return Err(Error::text("ERR library name argument was not given"));
            }
        } else {
            let word = String::from_utf8_lossy(word);
            return Err(Error::Other(format!("ERR Unknown argument {word}").into()));
        }
    }
    cx.out().array(0);
    Ok(Flow::Done)
}

/// `FUNCTION STATS`
const FUNCTION_STATS: Spec = Spec {
    name: "stats",
    summary: "Shows the running function and the engines.",
    since: "7.0.0",
    group: Group::Scripting,
    arity: 2,
    flags: Flags::NOSCRIPT.union(Flags::ALLOW_BUSY),
    categories: Categories::SCRIPTING,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    reply: Shape::Map(&Shape::Bulk, &Shape::Any),
    ..Spec::BASE
};

fn function_stats(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let mut out = cx.out();
    out.map(2);
    out.bulk(b"running_script");
    out.null();
    out.bulk(b"engines");
    out.map(1);
    out.bulk(b"LUA");
    out.map(2);
    out.bulk(b"libraries_count");
    out.int(0);
    out.bulk(b"functions_count");
    out.int(0);
    Ok(Flow::Done)
}

/// `FUNCTION DUMP`
const FUNCTION_DUMP: Spec = Spec {
    name: "dump",
    summary: "Returns all libraries in a form that FUNCTION RESTORE takes.",
    since: "7.0.0",
    group: Group::Scripting,
    complexity: "O(N) where N is the number of functions",
    arity: 2,
    flags: Flags::NOSCRIPT,
    categories: Categories::SCRIPTING,
    reply: Shape::Bulk,
    ..Spec::BASE
};

fn function_dump(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let payload = rdb::dump_of_no_functions(cx.server.profile);
    cx.out().bulk(&payload);
    Ok(Flow::Done)
}

/// `FUNCTION DELETE`
const FUNCTION_DELETE: Spec = Spec {
    name: "delete",
    summary: "Removes a library and its functions.",
    since: "7.0.0",
    group: Group::Scripting,
    arity: 3,
    flags: Flags::NOSCRIPT.union(Flags::WRITE),
    categories: Categories::SCRIPTING,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    args: &[Arg::string("library-name")],
    reply: Shape::OK,
    need: Need::World,
    ..Spec::BASE
};

fn function_delete(_: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    Err(Error::text("ERR Library not found"))
}

/// `FUNCTION FLUSH`
const FUNCTION_FLUSH: Spec = Spec {
    name: "flush",
    summary: "Removes all libraries and functions.",
    since: "7.0.0",
    group: Group::Scripting,
    complexity: "O(N) where N is the number of functions deleted",
    arity: -2,
    flags: Flags::NOSCRIPT.union(Flags::WRITE),
    categories: Categories::SCRIPTING,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    args: FLUSH_ARGS,
    reply: Shape::OK,
    need: Need::World,
    ..Spec::BASE
};

fn function_flush(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    if argv.len() > 3 {
        return Err(wrong_arguments("FUNCTION", argv[1]));
    }
    if !is_flush_type(&argv[2..]) {
        return Err(Error::text("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"));
    }
    // Whether there were functions or not: a replica may have some.
    let (db, effects) = (cx.client.db, &mut cx.local.scratch.effects);
    effects.replicate(db, argv);
    effects.dirty += 1;
    cx.out().ok();
    Ok(Flow::Done)
}

/// `SCRIPT`
const SCRIPT: Spec = Spec {
    name: "script",
    summary: "A container for commands on scripts.",
    since: "2.6.0",
    group: Group::Scripting,
    complexity: "Depends on subcommand",
    arity: -2,
    ..Spec::BASE
};

/// `SCRIPT EXISTS`
const SCRIPT_EXISTS: Spec = Spec {
    name: "exists",
    summary: "Tells which scripts are in the cache.",
    since: "2.6.0",
    group: Group::Scripting,
    complexity: "O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation)",
    arity: -3,
    flags: Flags::NOSCRIPT.union(Flags::STALE),
    before: &[("9.0.0", |spec| spec.flags.remove(Flags::STALE))],
    categories: Categories::SCRIPTING,
    tips: &["request_policy:all_shards", "response_policy:agg_logical_and"],
    args: &[Arg::string("sha1").multiple()],
    reply: Shape::Array(&Shape::YES_OR_NO),
    ..Spec::BASE
};

fn script_exists(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let mut out = cx.out();
    out.array(argv.len() - 2);
    argv[2..].iter().for_each(|_| out.int(0));
    Ok(Flow::Done)
}

/// `SCRIPT FLUSH`
const SCRIPT_FLUSH: Spec = Spec {
    name: "flush",
    summary: "Empties the cache of scripts.",
    since: "2.6.0",
    group: Group::Scripting,
    complexity: "O(N) with N being the number of scripts in cache",
    arity: -2,
    flags: Flags::NOSCRIPT.union(Flags::STALE),
    before: &[("9.0.0", |spec| spec.flags.remove(Flags::STALE))],
    categories: Categories::SCRIPTING,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    args: FLUSH_ARGS,
    reply: Shape::OK,
    ..Spec::BASE
};

fn script_flush(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    if !is_flush_type(&argv[2..]) {
        return Err(Error::text("ERR SCRIPT FLUSH only support SYNC|ASYNC option"));
    }
    cx.out().ok();
    Ok(Flow::Done)
}

/// Whether these are the words behind FLUSH.
fn is_flush_type(words: &[&[u8]]) -> bool {
    match words {
        [] => true,
        [how] => how.eq_ignore_ascii_case(b"sync") || how.eq_ignore_ascii_case(b"async"),
        _ => false,
    }
}

/// `FUNCTION KILL`
const FUNCTION_KILL: Spec = Spec {
    name: "kill",
    summary: "Ends the running function.",
    since: "7.0.0",
    reply: Shape::OK,
    ..SCRIPT_KILL
};

/// `SCRIPT KILL`
const SCRIPT_KILL: Spec = Spec {
    name: "kill",
    summary: "Ends the running script.",
    since: "2.6.0",
    group: Group::Scripting,
    arity: 2,
    flags: Flags::NOSCRIPT.union(Flags::ALLOW_BUSY),
    categories: Categories::SCRIPTING,
    tips: &["request_policy:all_shards", "response_policy:one_succeeded"],
    reply: Shape::OK,
    ..Spec::BASE
};

fn kill(_: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    Err(Error::text("NOTBUSY No scripts in execution right now."))
}

/// `FUNCTION HELP`
const FUNCTION_HELP: Spec = Spec {
    name: "help",
    summary: "Lists the subcommands.",
    since: "7.0.0",
    group: Group::Scripting,
    arity: 2,
    flags: Flags::LOADING.union(Flags::STALE),
    categories: Categories::SCRIPTING,
    reply: Shape::HELP,
    ..Spec::BASE
};

fn function_help(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    crate::help(
        cx,
        "FUNCTION",
        &[
            "LIST [LIBRARYNAME <pattern>] [WITHCODE]",
            "    Show the libraries.",
            "STATS",
            "    Show the running function and the engines.",
            "DUMP",
            "    Return all libraries as a payload.",
            "DELETE <library name>",
            "    Remove a library and its functions.",
            "FLUSH [ASYNC|SYNC]",
            "    Remove all libraries and functions.",
            "KILL",
            "    End the running function.",
        ],
    )
}

/// `SCRIPT HELP`
const SCRIPT_HELP: Spec = Spec { since: "5.0.0", ..FUNCTION_HELP };

fn script_help(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    crate::help(
        cx,
        "SCRIPT",
        &[
            "EXISTS <sha1> [<sha1> ...]",
            "    Tell which scripts are in the cache.",
            "FLUSH [ASYNC|SYNC]",
            "    Empty the cache of scripts.",
            "KILL",
            "    End the running script.",
        ],
    )
}
