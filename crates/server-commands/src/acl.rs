//! ACL: users, what they may do, and what was denied.
//!
//! What rules mean is the business of the crate `acl`; here are the replies. A client of a managed node's endpoint sees of users what
//! is no secret (LIST without hashes, USERS, WHOAMI, CAT), as on Amazon ElastiCache; who they are is decided elsewhere.

use crate::{users, wrong_arguments};
use acl::genpass::{DEFAULT_BITS, password};
use acl::log::Entry;
use acl::{CommandId, Context, Details, Request, SelectorDetails};
use command_spec::*;
use command_table::Resolved;
use commands::Error;
use engine::cx::Flow;
use number::parse_i64;
use resp::Writer;
use server::{ServerCommand, ServerCx};

pub(crate) const COMMANDS: &[ServerCommand] = &[ServerCommand {
    spec: &ACL,
    run: crate::container,
    subcommands: &[
        ServerCommand::new(&ACL_SETUSER, setuser),
        ServerCommand::new(&ACL_GETUSER, getuser),
        ServerCommand::new(&ACL_DELUSER, deluser),
        ServerCommand::new(&ACL_LIST, list),
        ServerCommand::new(&ACL_USERS, users_command),
        ServerCommand::new(&ACL_WHOAMI, whoami),
        ServerCommand::new(&ACL_CAT, cat),
        ServerCommand::new(&ACL_GENPASS, genpass),
        ServerCommand::new(&ACL_DRYRUN, dryrun),
        ServerCommand::new(&ACL_LOG, log),
        ServerCommand::new(&ACL_LOAD, load),
        ServerCommand::new(&ACL_SAVE, save),
        ServerCommand::new(&ACL_HELP, help),
    ],
}];

/// Subcommands that tell nothing about others.
const OWN: Flags = Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE).union(Flags::SENTINEL);
/// Subcommands for administrators.
const RULE: Flags = OWN.union(Flags::ADMIN);

/// What all of them have in common.
const BASE: Spec = Spec { since: "6.0.0", group: Group::Server, ..Spec::BASE };
/// What those have in common that change users.
const CHANGES: Spec = Spec {
    flags: RULE,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    before: &[("7.2.0", |spec| spec.tips = &[])],
    ..BASE
};

/// `ACL`
const ACL: Spec = Spec {
    name: "acl",
    summary: "A container for commands on users and what they may do.",
    complexity: "Depends on subcommand",
    arity: -2,
    flags: Flags::SENTINEL,
    ..BASE
};

/// `ACL SETUSER`
const ACL_SETUSER: Spec = Spec {
    name: "setuser",
    summary: "Makes a user, or changes the rules of one.",
    complexity: "O(N). Where N is the number of rules provided",
    arity: -3,
    args: &[Arg::string("username"), Arg::string("rule").optional().multiple()],
    reply: Shape::OK,
    ..CHANGES
};

fn setuser(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let (outcome, own_ends) = cx
        .server
        .change_users(Some(cx.client.id), |users, catalogue| users.set(catalogue, argv[2], &argv[3..]));
    outcome.map_err(|error| Error::Bytes(error.line().into()))?;
    cx.out().ok();
    Ok(if own_ends { Flow::Close } else { Flow::Done })
}

/// `ACL GETUSER`
const ACL_GETUSER: Spec = Spec {
    name: "getuser",
    summary: "Shows the rules of a user.",
    complexity: "O(N). Where N is the number of password, command and pattern rules that the user has",
    arity: 3,
    flags: RULE,
    args: &[Arg::string("username")],
    reply: Shape::OneOf(&[Shape::Map(&Shape::Bulk, &Shape::Any), Shape::Null]),
    ..BASE
};

fn getuser(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let access = &cx.server.access;
    let details = access.users().get(argv[2]).map(|user| user.details(&access.catalogue));
    let mut out = cx.out();
    let Some(Details { flags, passwords, root, selectors }) = details else {
        out.null();
        return Ok(Flow::Done);
    };
    out.map(if root.databases.is_some() { 7 } else { 6 });
    out.bulk(b"flags");
    out.set(flags.len());
    flags.iter().for_each(|flag| out.bulk(flag.as_bytes()));
    out.bulk(b"passwords");
    out.array(passwords.len());
    passwords.iter().for_each(|hash| out.bulk(hash.as_bytes()));
    write_selector(&mut out, &root);
    out.bulk(b"selectors");
    out.array(selectors.len());
    for selector in &selectors {
        out.map(if selector.databases.is_some() { 4 } else { 3 });
        write_selector(&mut out, selector);
    }
    Ok(Flow::Done)
}

fn write_selector(out: &mut Writer<'_>, selector: &SelectorDetails) {
    let SelectorDetails { commands, keys, channels, databases } = selector;
    for (name, rules) in [("commands", commands), ("keys", keys), ("channels", channels)] {
        out.bulk(name.as_bytes());
        out.bulk(rules);
    }
    if let Some(databases) = databases {
        out.bulk(b"databases");
        out.bulk(databases.as_bytes());
    }
}

/// `ACL DELUSER`
const ACL_DELUSER: Spec = Spec {
    name: "deluser",
    summary: "Deletes users and closes their connections.",
    complexity: "O(1) amortized time considering the typical user",
    arity: -3,
    args: &[Arg::string("username").multiple()],
    reply: Shape::COUNT,
    ..CHANGES
};

fn deluser(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let (outcome, own_ends) = cx.server.change_users(Some(cx.client.id), |users, _| users.delete(&argv[2..]));
    let deleted = outcome.map_err(Error::text)?;
    cx.out().int(deleted as i64);
    Ok(if own_ends { Flow::Close } else { Flow::Done })
}

/// `ACL LIST`
const ACL_LIST: Spec = Spec {
    name: "list",
    summary: "Shows the rules of all users as lines of a configuration file.",
    complexity: "O(N). Where N is the number of configured users",
    arity: 2,
    flags: RULE,
    reply: Shape::Array(&Shape::Bulk),
    ..BASE
};

fn list(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let access = &cx.server.access;
    let lines: Vec<Vec<u8>> = match cx.client.endpoint {
        None => access.users().lines(&access.catalogue).collect(),
        Some(_) => access.users().lines_without_passwords(&access.catalogue).collect(),
    };
    let mut out = cx.out();
    out.array(lines.len());
    lines.iter().for_each(|line| out.bulk(line));
    Ok(Flow::Done)
}

/// `ACL USERS`
const ACL_USERS: Spec = Spec { name: "users", summary: "Lists the names of all users.", ..ACL_LIST };

fn users_command(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let names: Vec<Vec<u8>> = cx.server.access.users().iter().map(|(name, _)| name.to_vec()).collect();
    let mut out = cx.out();
    out.array(names.len());
    names.iter().for_each(|name| out.bulk(name));
    Ok(Flow::Done)
}

/// `ACL WHOAMI`
const ACL_WHOAMI: Spec = Spec {
    name: "whoami",
    summary: "Tells which user the connection is.",
    arity: 2,
    flags: OWN,
    reply: Shape::BULK_OR_NULL,
    ..BASE
};

fn whoami(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let name = (!cx.client.user.is_trusted()).then(|| cx.client.user.name().to_vec());
    match name {
        Some(name) => cx.out().bulk(&name),
        None => cx.out().null(),
    }
    Ok(Flow::Done)
}

/// `ACL CAT`
const ACL_CAT: Spec = Spec {
    name: "cat",
    summary: "Lists the categories, or the commands of one.",
    complexity: "O(1) since the categories and commands are a fixed set",
    arity: -2,
    flags: OWN,
    args: &[Arg::string("category").optional()],
    reply: Shape::Array(&Shape::Bulk),
    ..BASE
};

fn cat(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let catalogue = &cx.server.access.catalogue;
    let names: Vec<&str> = match argv[2..] {
        [] => Categories::all().names().collect(),
        [name] => {
            let category = Categories::from_name_of(name).ok_or_else(|| {
                let name = until_zero(name);
                let name = &name[..name.len().min(SHOWN)];
                Error::Bytes([b"ERR Unknown category '", name, b"'"].concat().into())
            })?;
            catalogue.in_category(category).collect()
        }
        _ => return Err(wrong_arguments("ACL", argv[1])),
    };
    let mut out = cx.out();
    out.array(names.len());
    names.iter().for_each(|name| out.bulk(name.as_bytes()));
    Ok(Flow::Done)
}

/// Bytes of a wrong word that an error shows.
const SHOWN: usize = 128;

/// What an error shows of a word: it ends with a zero byte.
fn until_zero(word: &[u8]) -> &[u8] {
    let end = word.iter().position(|&byte| byte == 0).unwrap_or(word.len());
    &word[..end]
}

/// `ACL GENPASS`
const ACL_GENPASS: Spec = Spec {
    name: "genpass",
    summary: "Makes up a password.",
    arity: -2,
    flags: OWN,
    args: &[Arg::integer("bits").optional()],
    reply: Shape::Bulk,
    ..BASE
};

fn genpass(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let bits = match argv[2..] {
        [] => DEFAULT_BITS,
        [bits] => parse_i64(bits).ok_or(Error::NotInteger)?,
        _ => return Err(wrong_arguments("ACL", argv[1])),
    };
    let made = password(bits, |bytes| getrandom::fill(bytes).expect("the system gives random numbers"))
        .map_err(Error::text)?;
    cx.out().bulk(made.as_bytes());
    Ok(Flow::Done)
}

/// `ACL DRYRUN`
const ACL_DRYRUN: Spec = Spec {
    name: "dryrun",
    summary: "Tells whether a user may run a command, which is not run.",
    since: "7.0.0",
    arity: -4,
    flags: RULE,
    args: &[Arg::string("username"), Arg::string("command"), Arg::string("arg").optional().multiple()],
    reply: Shape::OneOf(&[Shape::OK, Shape::Bulk]),
    ..BASE
};

fn dryrun(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let server = cx.server;
    let (name, asked) = (argv[2], &argv[3..]);
    let access = &server.access;
    let user = access.users().current(name);
    let quoted =
        |before: &[u8], word: &[u8]| Error::Bytes([before, until_zero(word), b"' not found"].concat().into());
    let user = user.ok_or_else(|| quoted(b"ERR User '", name))?;
    let command = server.commands.resolve(asked).map_err(|_| quoted(b"ERR Command '", asked[0]))?;
    if !command.spec.arity_fits(asked.len()) {
        return Err(Error::Arity(command.run.full_name.into()));
    }
    let request = Resolved::new(command, asked, &[]);
    let keys = request.keys();
    let asked = Request {
        command: CommandId::new(command.run.id),
        argv: asked,
        keys: keys.iter().map(|key| (key.at, command.spec.actual_flags(asked, key.flags))),
        database: cx.client.db.into(),
        databases: server.keyspace.databases(),
    };
    match user.user().check(&access.catalogue, &asked) {
        Ok(()) => cx.out().ok(),
        Err(denied) => {
            let context = Context { user: name, command: command.run.full_name, argv: asked.argv };
            cx.out().bulk(&denied.dry_run(server.profile, context));
        }
    }
    Ok(Flow::Done)
}

/// `ACL LOG`
const ACL_LOG: Spec = Spec {
    name: "log",
    summary: "Shows what was denied lately, or forgets it.",
    complexity: "O(N) with N being the number of entries shown",
    arity: -2,
    flags: RULE,
    args: &[Arg::one_of("operation", &[Arg::integer("count"), Arg::word("reset", "RESET")]).optional()],
    reply: Shape::OneOf(&[Shape::Array(&Shape::Map(&Shape::Bulk, &Shape::Any)), Shape::OK]),
    ..BASE
};

/// Entries that are shown when nobody says how many.
const SHOWN_ENTRIES: usize = 10;

fn log(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let count = match argv[2..] {
        [] => SHOWN_ENTRIES,
        [reset] if reset.eq_ignore_ascii_case(b"reset") => {
            cx.server.access.log().reset();
            cx.out().ok();
            return Ok(Flow::Done);
        }
        [count] => parse_i64(count).ok_or(Error::NotInteger)?.max(0) as usize,
        _ => return Err(wrong_arguments("ACL", argv[1])),
    };
    let entries: Vec<Entry> = cx.server.access.log().entries().take(count).cloned().collect();
    let (now_ms, tells_times) = (cx.local.now_ms, cx.server.profile.has("7.2.0"));
    let number_text = cx.local.options.limits.score_text;
    let mut out = cx.out();
    out.array(entries.len());
    for entry in &entries {
        let age = number_text.format(entry.age_seconds(now_ms));
        write_entry(&mut out, entry, &age, tells_times);
    }
    Ok(Flow::Done)
}

fn write_entry(out: &mut Writer<'_>, entry: &Entry, age_seconds: &str, tells_times: bool) {
    out.map(if tells_times { 10 } else { 7 });
    out.bulk(b"count");
    out.int(entry.count as i64);
    for (name, value) in [
        ("reason", entry.reason.name().as_bytes()),
        ("context", entry.origin.name().as_bytes()),
        ("object", &entry.object),
        ("username", &entry.user),
    ] {
        out.bulk(name.as_bytes());
        out.bulk(value);
    }
    out.bulk(b"age-seconds");
    out.double_text(age_seconds);
    out.bulk(b"client-info");
    out.bulk(&entry.client);
    if tells_times {
        for (name, value) in [
            ("entry-id", entry.id),
            ("timestamp-created", entry.created_ms),
            ("timestamp-last-updated", entry.updated_ms),
        ] {
            out.bulk(name.as_bytes());
            out.int(value as i64);
        }
    }
}

/// `ACL LOAD`
const ACL_LOAD: Spec = Spec {
    name: "load",
    summary: "Takes the users of the ACL file in place of all users.",
    complexity: "O(N). Where N is the number of configured users",
    arity: 2,
    flags: RULE,
    reply: Shape::OK,
    ..BASE
};

fn load(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let own_ends = users::reload(cx.server, &cx.local.settings, cx.client.id)?;
    cx.out().ok();
    Ok(if own_ends { Flow::Close } else { Flow::Done })
}

/// `ACL SAVE`
const ACL_SAVE: Spec = Spec {
    name: "save",
    summary: "Writes all users to the ACL file.",
    tips: CHANGES.tips,
    before: CHANGES.before,
    ..ACL_LOAD
};

fn save(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    users::save(cx.server, &cx.local.settings, cx.local.thread)?;
    cx.out().ok();
    Ok(Flow::Done)
}

/// `ACL HELP`
const ACL_HELP: Spec = Spec {
    name: "help",
    summary: "Describes the subcommands.",
    arity: 2,
    flags: Flags::LOADING.union(Flags::STALE).union(Flags::SENTINEL),
    reply: Shape::HELP,
    ..BASE
};

fn help(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    crate::help(
        cx,
        "ACL",
        &[
            "CAT [<category>]",
            "    The categories, or the commands of one.",
            "DELUSER <username> [<username> ...]",
            "    Delete users and close their connections.",
            "DRYRUN <username> <command> [<arg> ...]",
            "    Whether a user may run a command, which is not run.",
            "GETUSER <username>",
            "    The rules of a user.",
            "GENPASS [<bits>]",
            "    A random password of 256 bits, or of so many.",
            "LIST",
            "    All users as lines of a configuration file.",
            "LOAD",
            "    Take the users of the ACL file in place of all.",
            "LOG [<count> | RESET]",
            "    What was denied lately; or forget it.",
            "SAVE",
            "    Write all users to the ACL file.",
            "SETUSER <username> <rule> [<rule> ...]",
            "    Make a user, or change its rules.",
            "USERS",
            "    The names of all users.",
            "WHOAMI",
            "    The user of the connection.",
        ],
    )
}
