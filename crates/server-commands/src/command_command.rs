//! COMMAND: what the node knows of its commands, for clients that want to know before they ask.
//!
//! Everything here is derived from the specs. A part of a spec that is newer than the profile does not exist: an argument
//! of a later version is not documented, a later deprecation has not happened.

use command_spec::*;
use command_table::Command;
use commands::Error;
use engine::cx::Flow;
use profile::Profile;
use resp::Writer;
use server::{ServerCommand, ServerCx};

pub(crate) const COMMANDS: &[ServerCommand] = &[ServerCommand {
    spec: &COMMAND,
    run: command,
    subcommands: &[
        ServerCommand::new(&COMMAND_COUNT, count),
        ServerCommand::new(&COMMAND_LIST, list),
        ServerCommand::new(&COMMAND_INFO, info),
        ServerCommand::new(&COMMAND_DOCS, docs),
        ServerCommand::new(&COMMAND_GETKEYS, getkeys),
        ServerCommand::new(&COMMAND_GETKEYSANDFLAGS, getkeysandflags),
        ServerCommand::new(&COMMAND_HELP, help),
    ],
}];

const ASK: Flags = Flags::LOADING.union(Flags::STALE).union(Flags::SENTINEL);

/// A command as COMMAND describes it.
const DESCRIPTION: Shape = Shape::Tuple(&[
    Shape::Bulk,
    Shape::Integer,
    Shape::Set(&Shape::Status),
    Shape::Integer,
    Shape::Integer,
    Shape::Integer,
    Shape::Set(&Shape::Status),
    Shape::Set(&Shape::Bulk),
    Shape::Set(&Shape::Map(&Shape::Bulk, &Shape::Any)),
    Shape::Array(&Shape::Any),
]);

/// `COMMAND`
const COMMAND: Spec = Spec {
    name: "command",
    summary: "Describes all commands.",
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(N) where N is the total number of commands",
    arity: -1,
    flags: ASK,
    categories: Categories::CONNECTION,
    tips: &["nondeterministic_output_order"],
    reply: Shape::Array(&DESCRIPTION),
    ..Spec::BASE
};

fn command(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let (all, profile) = (commands_of(cx), cx.server.profile);
    let mut out = cx.out();
    out.array(all.len());
    all.into_iter().for_each(|command| describe(&mut out, command, profile));
    Ok(Flow::Done)
}

/// The commands that this client has.
fn commands_of(cx: &ServerCx<'_, '_>) -> Vec<&'static Command> {
    cx.server.commands.iter().filter(|command| has(cx, command)).collect()
}

fn has(cx: &ServerCx<'_, '_>, command: &Command) -> bool {
    cx.client.endpoint.is_none() || !command.run.restricted
}

/// `COMMAND COUNT`
const COMMAND_COUNT: Spec = Spec {
    name: "count",
    summary: "Tells how many commands there are, subcommands aside.",
    since: "2.8.13",
    group: Group::Server,
    arity: 2,
    flags: ASK,
    categories: Categories::CONNECTION,
    reply: Shape::COUNT,
    ..Spec::BASE
};

fn count(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let count = commands_of(cx).len();
    cx.out().int(count as i64);
    Ok(Flow::Done)
}

/// `COMMAND LIST`
const COMMAND_LIST: Spec = Spec {
    name: "list",
    summary: "Lists the names of commands and subcommands.",
    since: "7.0.0",
    group: Group::Server,
    complexity: "O(N) where N is the total number of commands",
    arity: -2,
    flags: ASK,
    categories: Categories::CONNECTION,
    tips: &["nondeterministic_output_order"],
    args: &[Arg::one_of(
        "filterby",
        &[
            Arg::string("module-name").token("MODULE"),
            Arg::string("category").token("ACLCAT"),
            Arg::new("pattern", ArgKind::Pattern(None)).token("PATTERN"),
        ],
    )
    .token("FILTERBY")
    .optional()],
    reply: Shape::Array(&Shape::Bulk),
    ..Spec::BASE
};

/// Which commands COMMAND LIST shows.
enum Filter<'a> {
    All,
    /// Those of a module, and no module brings any.
    Nothing,
    Category(Categories),
    Pattern(&'a [u8]),
}

fn list(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let filter = match argv[2..] {
        [] => Filter::All,
        [by, kind, value] if by.eq_ignore_ascii_case(b"filterby") => {
            if kind.eq_ignore_ascii_case(b"module") {
                Filter::Nothing
            } else if kind.eq_ignore_ascii_case(b"aclcat") {
                Categories::from_name_of(value).map_or(Filter::Nothing, Filter::Category)
            } else if kind.eq_ignore_ascii_case(b"pattern") {
                Filter::Pattern(value)
            } else {
                return Err(Error::Syntax);
            }
        }
        _ => return Err(Error::Syntax),
    };
    let shown = |command: &&Command| match filter {
        Filter::All => true,
        Filter::Nothing => false,
        Filter::Category(category) => command.spec.all_categories().contains(category),
        Filter::Pattern(pattern) => topology::glob::matches(pattern, command.run.full_name.as_bytes(), true),
    };
    let every =
        cx.server.commands.iter().flat_map(|command| std::iter::once(command).chain(command.subcommands));
    let names: Vec<&str> =
        every.filter(|command| has(cx, command)).filter(shown).map(|command| command.run.full_name).collect();
    let mut out = cx.out();
    out.array(names.len());
    names.iter().for_each(|name| out.bulk(name.as_bytes()));
    Ok(Flow::Done)
}

/// `COMMAND INFO`
const COMMAND_INFO: Spec = Spec {
    name: "info",
    summary: "Describes some commands, or all.",
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(N) where N is the number of commands to look up",
    arity: -2,
    flags: ASK,
    categories: Categories::CONNECTION,
    tips: &["nondeterministic_output_order"],
    args: &[Arg::string("command-name").optional().multiple()],
    reply: Shape::Array(&Shape::OneOf(&[DESCRIPTION, Shape::Null])),
    ..Spec::BASE
};

fn info(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    if argv.len() == 2 {
        return command(cx, argv);
    }
    let server = cx.server;
    let found = |name: &&[u8]| by_full_name(&server.commands, name).filter(|command| has(cx, command));
    let found: Vec<Option<&Command>> = argv[2..].iter().map(found).collect();
    let mut out = cx.out();
    out.array(found.len());
    for command in found {
        match command {
            Some(command) => describe(&mut out, command, server.profile),
            None => out.null(),
        }
    }
    Ok(Flow::Done)
}

/// The command of a name such as `get` or `config|get`.
fn by_full_name(table: &command_table::CommandTable, name: &[u8]) -> Option<&'static Command> {
    let mut parts = name.splitn(2, |&b| b == b'|');
    let command = table.get(parts.next()?)?;
    match parts.next() {
        None => Some(command),
        Some(sub) => command.subcommand(sub),
    }
}

/// The ten fields of a command.
fn describe(out: &mut Writer<'_>, command: &Command, profile: Profile) {
    let spec = command.spec;
    let mut flags = spec.flags;
    flags.set(Flags::MOVABLE_KEYS, flags.contains(Flags::MOVABLE_KEYS) || keys::movable(spec));
    // A flag of the server's own.
    flags.remove(Flags::MAY_REPLICATE);
    let (first, last, step) = keys::legacy_range(spec);
    out.array(10);
    out.bulk(command.run.full_name.as_bytes());
    out.int(spec.arity.into());
    // The slow log is one of the command logs since then.
    let renames = |name: &&str| *name == "skip_slowlog" && profile.has("8.1.0");
    names(out, flags.names().map(|name| if renames(&name) { "skip_commandlog" } else { name }));
    out.int(first);
    out.int(last);
    out.int(step);
    let categories: Vec<String> = spec.all_categories().names().map(|name| format!("@{name}")).collect();
    names(out, categories.iter().map(String::as_str));
    out.set(spec.tips.len());
    spec.tips.iter().for_each(|tip| out.bulk(tip.as_bytes()));
    out.set(spec.keys.len());
    spec.keys.iter().for_each(|keys| describe_keys(out, keys));
    if command.subcommands.is_empty() {
        out.set(0);
    } else {
        out.array(command.subcommands.len());
        command.subcommands.iter().for_each(|sub| describe(out, sub, profile));
    }
}

/// A set of words.
fn names<'a>(out: &mut Writer<'_>, names: impl Iterator<Item = &'a str>) {
    let names: Vec<&str> = names.collect();
    out.set(names.len());
    names.iter().for_each(|name| out.simple(name));
}

fn describe_keys(out: &mut Writer<'_>, keys: &KeySpec) {
    out.map(3);
    out.bulk(b"flags");
    names(out, keys.flags.names());
    out.bulk(b"begin_search");
    let kind = |out: &mut Writer<'_>, kind: &str, fields: usize| {
        out.map(2);
        out.bulk(b"type");
        out.bulk(kind.as_bytes());
        out.bulk(b"spec");
        out.map(fields);
    };
    let field = |out: &mut Writer<'_>, name: &str, value: i64| {
        out.bulk(name.as_bytes());
        out.int(value);
    };
    match keys.begin.published() {
        BeginSearch::Index(index) => {
            kind(out, "index", 1);
            field(out, "index", index.into());
        }
        BeginSearch::Keyword(word, from) => {
            kind(out, "keyword", 2);
            out.bulk(b"keyword");
            out.bulk(word.as_bytes());
            field(out, "startfrom", from.into());
        }
        _ => kind(out, "unknown", 0),
    }
    out.bulk(b"find_keys");
    match keys.find {
        FindKeys::Range { last, step, limit } => {
            kind(out, "range", 3);
            field(out, "lastkey", last.into());
            field(out, "keystep", step.into());
            field(out, "limit", limit.into());
        }
        FindKeys::KeyNum { keynum, first, step } => {
            kind(out, "keynum", 3);
            field(out, "keynumidx", keynum.into());
            field(out, "firstkey", first.into());
            field(out, "keystep", step.into());
        }
        FindKeys::Unknown => kind(out, "unknown", 0),
    }
}

/// `COMMAND DOCS`
const COMMAND_DOCS: Spec = Spec {
    name: "docs",
    summary: "Documents some commands, or all.",
    since: "7.0.0",
    reply: Shape::Map(&Shape::Bulk, &Shape::Map(&Shape::Bulk, &Shape::Any)),
    ..COMMAND_INFO
};

fn docs(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let server = cx.server;
    let wanted: Vec<&Command> = match &argv[2..] {
        [] => commands_of(cx),
        named => {
            let known = named.iter().filter_map(|name| by_full_name(&server.commands, name));
            known.filter(|command| has(cx, command)).collect()
        }
    };
    document_all(&mut cx.out(), server.profile, wanted.into_iter());
    Ok(Flow::Done)
}

fn document_all<'a>(out: &mut Writer<'_>, profile: Profile, all: impl ExactSizeIterator<Item = &'a Command>) {
    out.map(all.len());
    for command in all {
        out.bulk(command.run.full_name.as_bytes());
        document(out, profile, command);
    }
}

fn document(out: &mut Writer<'_>, profile: Profile, command: &Command) {
    let spec = command.spec;
    let deprecated = spec.deprecated.filter(|(since, _)| profile.has(since));
    let args = existing(spec.args, profile);
    let optional = [!spec.complexity.is_empty(), !args.is_empty(), !command.subcommands.is_empty()];
    let deprecation = if deprecated.is_some() { 3 } else { 0 };
    out.map(3 + optional.iter().filter(|&&there| there).count() + deprecation);
    let text = |out: &mut Writer<'_>, key: &str, value: &str| {
        out.bulk(key.as_bytes());
        out.bulk(value.as_bytes());
    };
    text(out, "summary", spec.summary);
    text(out, "since", spec.since);
    text(out, "group", spec.group.name());
    if !spec.complexity.is_empty() {
        text(out, "complexity", spec.complexity);
    }
    if let Some((since, instead)) = deprecated {
        out.bulk(b"doc_flags");
        names(out, ["deprecated"].into_iter());
        text(out, "deprecated_since", since);
        text(out, "replaced_by", instead);
    }
    if !args.is_empty() {
        out.bulk(b"arguments");
        document_args(out, profile, &args);
    }
    if !command.subcommands.is_empty() {
        out.bulk(b"subcommands");
        document_all(out, profile, command.subcommands.iter());
    }
}

/// The arguments that a profile has.
fn existing(args: &'static [Arg], profile: Profile) -> Vec<&'static Arg> {
    args.iter().filter(|arg| arg.since.is_empty() || profile.has(arg.since)).collect()
}

fn document_args(out: &mut Writer<'_>, profile: Profile, args: &[&'static Arg]) {
    out.array(args.len());
    for arg in args {
        let key = match arg.kind {
            ArgKind::Key(index) | ArgKind::Pattern(Some(index)) => Some(index),
            _ => None,
        };
        let nested = matches!(arg.kind, ArgKind::OneOf | ArgKind::Block);
        let displayed = !nested && profile.has("7.2.0");
        let optional = [
            displayed,
            key.is_some(),
            !arg.token.is_empty(),
            !arg.since.is_empty(),
            !arg.flags.is_empty(),
            nested,
        ];
        out.map(2 + optional.iter().filter(|&&there| there).count());
        let text = |out: &mut Writer<'_>, key: &str, value: &str| {
            out.bulk(key.as_bytes());
            out.bulk(value.as_bytes());
        };
        text(out, "name", arg.name);
        text(out, "type", arg.kind.name());
        if displayed {
            text(out, "display_text", arg.name);
        }
        if let Some(index) = key {
            out.bulk(b"key_spec_index");
            out.int(index.into());
        }
        if !arg.token.is_empty() {
            text(out, "token", arg.token);
        }
        if !arg.since.is_empty() {
            text(out, "since", arg.since);
        }
        if !arg.flags.is_empty() {
            out.bulk(b"flags");
            let all = [
                (ArgFlags::OPTIONAL, "optional"),
                (ArgFlags::MULTIPLE, "multiple"),
                (ArgFlags::MULTIPLE_TOKEN, "multiple_token"),
            ];
            names(out, all.iter().filter(|(flag, _)| arg.flags.contains(*flag)).map(|&(_, name)| name));
        }
        if nested {
            out.bulk(b"arguments");
            document_args(out, profile, &existing(arg.inner, profile));
        }
    }
}

/// They asked for an argument of the command.
const AT_LEAST_AN_ARGUMENT: (&str, Change) = ("7.2.0", |spec| spec.arity = -4);

/// `COMMAND GETKEYS`
const COMMAND_GETKEYS: Spec = Spec {
    name: "getkeys",
    summary: "Tells which arguments of a full command are keys.",
    since: "2.8.13",
    group: Group::Server,
    complexity: "O(N) where N is the number of arguments to the command",
    arity: -3,
    flags: ASK,
    categories: Categories::CONNECTION,
    args: &[Arg::string("command"), Arg::string("arg").optional().multiple()],
    reply: Shape::Array(&Shape::Bulk),
    before: &[AT_LEAST_AN_ARGUMENT],
    ..Spec::BASE
};

fn getkeys(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let found = keys_of(cx, &argv[2..])?;
    let mut out = cx.out();
    out.array(found.len());
    found.iter().for_each(|&(at, _)| out.bulk(argv[2 + at]));
    Ok(Flow::Done)
}

/// `COMMAND GETKEYSANDFLAGS`
const COMMAND_GETKEYSANDFLAGS: Spec = Spec {
    name: "getkeysandflags",
    summary: "Tells which arguments of a full command are keys, and what it does with each.",
    since: "7.0.0",
    reply: Shape::Array(&Shape::Tuple(&[Shape::Bulk, Shape::Set(&Shape::Status)])),
    ..COMMAND_GETKEYS
};

fn getkeysandflags(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let found = keys_of(cx, &argv[2..])?;
    let mut out = cx.out();
    out.array(found.len());
    for (at, flags) in found {
        out.array(2);
        out.bulk(argv[2 + at]);
        names(&mut out, flags.names());
    }
    Ok(Flow::Done)
}

/// The places of the keys of a full command.
fn keys_of(cx: &ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Vec<(usize, KeyFlags)>, Error> {
    let Ok(command) = cx.server.commands.resolve(argv) else {
        return Err(Error::text("ERR Invalid command specified"));
    };
    let spec = command.spec;
    if spec.keys.iter().all(|keys| keys.flags.contains(KeyFlags::NOT_KEY)) {
        return Err(Error::text("ERR The command has no key arguments"));
    }
    if !spec.arity_fits(argv.len()) {
        return Err(Error::text("ERR Invalid number of arguments specified for command"));
    }
    let mut found = Vec::new();
    let fits = keys::positions(spec, argv, |at, flags| {
        if !flags.contains(KeyFlags::NOT_KEY) {
            found.push((at, spec.actual_flags(argv, flags)));
        }
    });
    if fits && !found.is_empty() {
        Ok(found)
    } else if spec.flags.contains(Flags::NO_MANDATORY_KEYS) {
        Ok(Vec::new())
    } else {
        Err(Error::text("ERR Invalid arguments specified for command"))
    }
}

/// `COMMAND HELP`
const COMMAND_HELP: Spec = Spec {
    name: "help",
    summary: "Describes the subcommands.",
    since: "5.0.0",
    group: Group::Server,
    arity: 2,
    flags: ASK,
    categories: Categories::CONNECTION,
    reply: Shape::HELP,
    ..Spec::BASE
};

fn help(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    // Redis names itself here, Valkey does not.
    let redis = if cx.server.profile.is_valkey() { "" } else { "Redis " };
    let lines = HELP.map(|line| line.replace("{}", redis));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    crate::help(cx, "COMMAND", &lines)
}

const HELP: [&str; 18] = [
    "(no subcommand)",
    "    Return details about all {}commands.",
    "COUNT",
    "    Return the total number of commands in this {}server.",
    "LIST",
    "    Return a list of all commands in this {}server.",
    "INFO [<command-name> ...]",
    "    Return details about multiple {}commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "DOCS [<command-name> ...]",
    "    Return documentation details about multiple {}commands.",
    "    If no command names are given, documentation details for all",
    "    commands are returned.",
    "GETKEYS <full-command>",
    "    Return the keys from a full {}command.",
    "GETKEYSANDFLAGS <full-command>",
    "    Return the keys and the access flags from a full {}command.",
];
