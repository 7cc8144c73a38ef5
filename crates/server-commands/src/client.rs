//! CLIENT: connections, one's own and those of others.
//!
//! A connection belongs to one worker. What is shown of others is what their workers keep up to date in `ClientShared`;
//! what is done to others goes to their workers as a message. A killed client is marked at once, so that it is
//! neither shown nor served any more, though its worker closes it a moment later.

use crate::client_filter::{ClientType, Filter};
use crate::connection::check_name;
use crate::redirection::{CLIENT_CAPA, capa};
use crate::tracking::{
    CLIENT_CACHING, CLIENT_GETREDIR, CLIENT_TRACKING, CLIENT_TRACKINGINFO, caching, getredir, tracking,
    trackinginfo,
};
use crate::wrong_arguments;
use command_spec::*;
use commands::Error;
use engine::cx::Flow;
use engine::{Engine, client_line};
use number::parse_i64;
use server::{ServerCommand, ServerCx};
use session::Message;
use session::{ClientShared, ReplyMode, flag};
use std::sync::atomic::Ordering;

pub(crate) const COMMANDS: &[ServerCommand] = &[ServerCommand {
    spec: &CLIENT,
    run: crate::container,
    subcommands: &[
        ServerCommand::new(&CLIENT_ID, id),
        ServerCommand::new(&CLIENT_INFO, info),
        ServerCommand::new(&CLIENT_LIST, list),
        ServerCommand::new(&CLIENT_KILL, kill),
        ServerCommand::new(&CLIENT_SETNAME, setname),
        ServerCommand::new(&CLIENT_GETNAME, getname),
        ServerCommand::new(&CLIENT_SETINFO, setinfo),
        ServerCommand::new(&CLIENT_REPLY, reply),
        ServerCommand::new(&CLIENT_NO_EVICT, no_evict),
        ServerCommand::new(&CLIENT_NO_TOUCH, no_touch),
        ServerCommand::new(&CLIENT_PAUSE, pause),
        ServerCommand::new(&CLIENT_UNPAUSE, unpause),
        ServerCommand::new(&CLIENT_UNBLOCK, unblock),
        ServerCommand::new(&CLIENT_CAPA, capa),
        ServerCommand::new(&CLIENT_TRACKING, tracking),
        ServerCommand::new(&CLIENT_CACHING, caching),
        ServerCommand::new(&CLIENT_TRACKINGINFO, trackinginfo),
        ServerCommand::new(&CLIENT_GETREDIR, getredir),
        ServerCommand::new(&CLIENT_HELP, help),
    ],
}];

/// Subcommands about the client's own connection.
const TALK: Flags = Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE).union(Flags::SENTINEL);

/// Until then they waited for the end of a script.
pub(crate) const NOT_WHILE_BUSY: (&str, fn(&mut Spec)) =
    ("9.1.0", |spec| spec.flags.remove(Flags::ALLOW_BUSY));

/// What all of them have in common.
const OF_CLIENT: Spec = Spec { behaviour: Behaviour::KEEPS_CACHING, ..Spec::BASE };
/// What subcommands about the connection have in common.
pub(crate) const TALKS: Spec =
    Spec { group: Group::Connection, flags: TALK, categories: Categories::CONNECTION, ..OF_CLIENT };
/// What they have in common that do not wait for a script.
pub(crate) const TALKS_ALWAYS: Spec =
    Spec { flags: TALK.union(Flags::ALLOW_BUSY), before: &[NOT_WHILE_BUSY], ..TALKS };
/// Subcommands about the connections of others.
const RULE: Flags = TALK.union(Flags::ADMIN);

/// `CLIENT`
const CLIENT: Spec = Spec {
    name: "client",
    summary: "A container for commands on connections.",
    since: "2.4.0",
    group: Group::Connection,
    complexity: "Depends on subcommand",
    arity: -2,
    flags: Flags::SENTINEL,
    ..OF_CLIENT
};

/// `CLIENT ID`
const CLIENT_ID: Spec = Spec {
    name: "id",
    summary: "Tells the id of the connection.",
    since: "5.0.0",
    arity: 2,
    reply: Shape::AtLeast(1),
    ..TALKS_ALWAYS
};

fn id(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let id = cx.client.id;
    cx.out().int(id as i64);
    Ok(Flow::Done)
}

/// `CLIENT INFO`
const CLIENT_INFO: Spec = Spec {
    name: "info",
    summary: "Describes the connection.",
    since: "6.2.0",
    arity: 2,
    tips: &["nondeterministic_output"],
    reply: Shape::Verbatim,
    ..TALKS
};

fn info(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let mut text = Vec::new();
    let own = cx.client.shared.clone();
    client_line::write(cx.server, cx.local.now_ms, Some(argv), &own, &mut text);
    cx.out().verbatim(b"txt", &text);
    Ok(Flow::Done)
}

/// `CLIENT LIST`
const CLIENT_LIST: Spec = Spec {
    name: "list",
    summary: "Describes the connections of all clients, or of some.",
    since: "2.4.0",
    group: Group::Connection,
    complexity: "O(N) where N is the number of client connections",
    arity: -2,
    flags: RULE,
    categories: Categories::CONNECTION,
    tips: &["nondeterministic_output"],
    args: &[
        Arg::one_of(
            "client-type",
            &[
                Arg::word("normal", "normal"),
                Arg::word("master", "master"),
                Arg::word("replica", "replica"),
                Arg::word("pubsub", "pubsub"),
            ],
        )
        .token("TYPE")
        .optional()
        .since("5.0.0"),
        Arg::integer("client-id").token("ID").optional().multiple().since("6.2.0"),
        Arg::string("username").token("USER").optional().since("8.1.0"),
        Arg::string("addr").token("ADDR").optional().since("8.1.0"),
        Arg::string("laddr").token("LADDR").optional().since("8.1.0"),
        Arg::one_of("skipme", &[Arg::word("yes", "YES"), Arg::word("no", "NO")])
            .token("SKIPME")
            .optional()
            .since("8.1.0"),
        Arg::integer("maxage").token("MAXAGE").optional().since("8.1.0"),
        Arg::string("name").token("NAME").optional().since("9.0.0"),
        Arg::integer("idle").token("IDLE").optional().since("9.0.0"),
        Arg::string("flags").token("FLAGS").optional().since("9.0.0"),
        Arg::string("lib-name").token("LIB-NAME").optional().since("9.0.0"),
        Arg::string("lib-ver").token("LIB-VER").optional().since("9.0.0"),
        Arg::integer("db").token("DB").optional().since("9.0.0"),
        Arg::string("capa").token("CAPA").optional().since("9.0.0"),
        Arg::string("ip").token("IP").optional().since("9.0.0"),
        Arg::one_of(
            "not-client-type",
            &[
                Arg::word("normal", "normal"),
                Arg::word("master", "master"),
                Arg::word("replica", "replica"),
                Arg::word("pubsub", "pubsub"),
            ],
        )
        .token("NOT-TYPE")
        .optional()
        .since("9.0.0"),
        Arg::integer("not-client-id").token("NOT-ID").optional().multiple().since("9.0.0"),
        Arg::string("not-username").token("NOT-USER").optional().since("9.0.0"),
        Arg::string("not-addr").token("NOT-ADDR").optional().since("9.0.0"),
        Arg::string("not-laddr").token("NOT-LADDR").optional().since("9.0.0"),
        Arg::string("not-name").token("NOT-NAME").optional().since("9.0.0"),
        Arg::string("not-flags").token("NOT-FLAGS").optional().since("9.0.0"),
        Arg::string("not-lib-name").token("NOT-LIB-NAME").optional().since("9.0.0"),
        Arg::string("not-lib-ver").token("NOT-LIB-VER").optional().since("9.0.0"),
        Arg::integer("not-db").token("NOT-DB").optional().since("9.0.0"),
        Arg::string("not-capa").token("NOT-CAPA").optional().since("9.0.0"),
        Arg::string("not-ip").token("NOT-IP").optional().since("9.0.0"),
    ],
    reply: Shape::Verbatim,
    ..OF_CLIENT
};

fn list(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let server = cx.server;
    let (own, now_ms) = (cx.client.id, cx.local.now_ms);
    let shown = match argv[2..] {
        [] => server.clients.all(),
        ref options if server.profile.has("8.1.0") => {
            let filter = Filter::parse(cx, options, false)?;
            server.clients.all().into_iter().filter(|client| filter.fits(client, own, now_ms)).collect()
        }
        [by, class] if by.eq_ignore_ascii_case(b"type") => {
            let class = ClientType::named(cx, class)?;
            server.clients.all().into_iter().filter(|client| ClientType::of(client) == class).collect()
        }
        [by, ref ids @ ..] if !ids.is_empty() && by.eq_ignore_ascii_case(b"id") => {
            let ids: Option<Vec<i64>> = ids.iter().map(|id| parse_i64(id)).collect();
            let ids = ids.ok_or(Error::text("ERR Invalid client ID"))?;
            ids.iter().filter_map(|&id| server.clients.get(u64::try_from(id).ok()?)).collect()
        }
        _ => return Err(Error::Syntax),
    };
    let mut text = Vec::with_capacity(shown.len() * client_line::BYTES);
    for client in shown.iter().filter(|client| !client.killed.load(Ordering::Relaxed)) {
        // Only one's own request can be looked at: it is the one that asks.
        let own_argv = (client.id == cx.client.id).then_some(argv);
        client_line::write(cx.server, cx.local.now_ms, own_argv, client, &mut text);
    }
    cx.out().verbatim(b"txt", &text);
    Ok(Flow::Done)
}

/// A client as the log tells of it.
pub fn describe(engine: &Engine, now_ms: u64, client: &ClientShared) -> String {
    let mut text = Vec::with_capacity(client_line::BYTES);
    client_line::write(engine, now_ms, None, client, &mut text);
    String::from_utf8_lossy(text.trim_ascii_end()).into_owned()
}

/// `CLIENT KILL`
const CLIENT_KILL: Spec = Spec {
    name: "kill",
    summary: "Closes connections.",
    since: "2.4.0",
    group: Group::Connection,
    complexity: "O(N) where N is the number of client connections",
    arity: -3,
    flags: RULE,
    categories: Categories::CONNECTION,
    args: &[Arg::one_of(
        "filter",
        &[
            Arg::string("old-format"),
            Arg::one_of(
                "new-format",
                &[
                    Arg::integer("client-id").token("ID").optional().multiple().since("2.8.12"),
                    Arg::one_of(
                        "client-type",
                        &[
                            Arg::word("normal", "normal"),
                            Arg::word("master", "master").since("3.2.0"),
                            Arg::word("primary", "primary").since("8.0.0"),
                            Arg::word("slave", "slave"),
                            Arg::word("replica", "replica").since("5.0.0"),
                            Arg::word("pubsub", "pubsub"),
                        ],
                    )
                    .token("TYPE")
                    .optional()
                    .since("2.8.12"),
                    Arg::string("username").token("USER").optional(),
                    Arg::string("addr").token("ADDR").optional(),
                    Arg::string("laddr").token("LADDR").optional().since("6.2.0"),
                    Arg::one_of("skipme", &[Arg::word("yes", "YES"), Arg::word("no", "NO")])
                        .token("SKIPME")
                        .optional(),
                    Arg::integer("maxage").token("MAXAGE").optional().since("8.0.0"),
                    Arg::string("name").token("NAME").optional().since("9.0.0"),
                    Arg::integer("idle").token("IDLE").optional().since("9.0.0"),
                    Arg::string("flags").token("FLAGS").optional().since("9.0.0"),
                    Arg::string("lib-name").token("LIB-NAME").optional().since("9.0.0"),
                    Arg::string("lib-ver").token("LIB-VER").optional().since("9.0.0"),
                    Arg::integer("db").token("DB").optional().since("9.0.0"),
                    Arg::string("capa").token("CAPA").optional().since("9.0.0"),
                    Arg::string("ip").token("IP").optional().since("9.0.0"),
                    Arg::one_of(
                        "not-client-type",
                        &[
                            Arg::word("normal", "normal"),
                            Arg::word("master", "master"),
                            Arg::word("primary", "primary"),
                            Arg::word("slave", "slave"),
                            Arg::word("replica", "replica"),
                            Arg::word("pubsub", "pubsub"),
                        ],
                    )
                    .token("NOT-TYPE")
                    .optional()
                    .since("9.0.0"),
                    Arg::integer("not-client-id").token("NOT-ID").optional().multiple().since("9.0.0"),
                    Arg::string("not-username").token("NOT-USER").optional().since("9.0.0"),
                    Arg::string("not-addr").token("NOT-ADDR").optional().since("9.0.0"),
                    Arg::string("not-laddr").token("NOT-LADDR").optional().since("9.0.0"),
                    Arg::string("not-name").token("NOT-NAME").optional().since("9.0.0"),
                    Arg::string("not-flags").token("NOT-FLAGS").optional().since("9.0.0"),
                    Arg::string("not-lib-name").token("NOT-LIB-NAME").optional().since("9.0.0"),
                    Arg::string("not-lib-ver").token("NOT-LIB-VER").optional().since("9.0.0"),
                    Arg::integer("not-db").token("NOT-DB").optional().since("9.0.0"),
                    Arg::string("not-capa").token("NOT-CAPA").optional().since("9.0.0"),
                    Arg::string("not-ip").token("NOT-IP").optional().since("9.0.0"),
                ],
            )
            .multiple(),
        ],
    )],
    reply: Shape::OneOf(&[Shape::OK, Shape::COUNT]),
    ..OF_CLIENT
};

fn kill(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let is_old_form = argv.len() == 3;
    let filter = match is_old_form {
        true => Filter::of_addr(argv[2]),
        false => Filter::parse(cx, &argv[2..], true)?,
    };
    let (own, now_ms) = (cx.client.id, cx.local.now_ms);
    let mut killed = 0;
    let mut close_own = false;
    for client in cx.server.clients.all().iter().filter(|client| filter.fits(client, own, now_ms)) {
        if client.id == cx.client.id {
            close_own = true;
        } else if client.killed.swap(true, Ordering::Relaxed) {
            // Somebody else was faster.
            continue;
        } else {
            cx.server.mailboxes[client.worker()].post(Message::Kill(client.id));
        }
        killed += 1;
    }
    match (is_old_form, killed) {
        (true, 0) => return Err(Error::text("ERR No such client")),
        (true, _) => cx.out().ok(),
        (false, killed) => cx.out().int(killed),
    }
    Ok(if close_own { Flow::Close } else { Flow::Done })
}

/// `CLIENT SETNAME`
const CLIENT_SETNAME: Spec = Spec {
    name: "setname",
    summary: "Names the connection.",
    since: "2.6.9",
    flags: TALK.union(Flags::ALLOW_BUSY),
    arity: 3,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    args: &[Arg::string("connection-name")],
    reply: Shape::OK,
    before: &[NOT_WHILE_BUSY, ("7.2.0", |spec| spec.tips = &[])],
    ..TALKS
};

fn setname(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    check_name(argv[2])?;
    cx.client.shared.names().name = argv[2].to_vec();
    cx.out().ok();
    Ok(Flow::Done)
}

/// `CLIENT GETNAME`
const CLIENT_GETNAME: Spec = Spec {
    name: "getname",
    summary: "Tells the name of the connection.",
    since: "2.6.9",
    arity: 2,
    reply: Shape::BULK_OR_NULL,
    ..TALKS_ALWAYS
};

fn getname(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let name = cx.client.shared.names().name.clone();
    match name.as_slice() {
        [] => cx.out().null(),
        name => cx.out().bulk(name),
    }
    Ok(Flow::Done)
}

/// `CLIENT SETINFO`
const CLIENT_SETINFO: Spec = Spec {
    name: "setinfo",
    summary: "Says which library the client uses.",
    since: "7.2.0",
    arity: 4,
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    args: &[Arg::one_of(
        "attr",
        &[Arg::string("libname").token("lib-name"), Arg::string("libver").token("lib-ver")],
    )],
    reply: Shape::OK,
    ..TALKS_ALWAYS
};

fn setinfo(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let (attribute, value) = (argv[2], argv[3]);
    let text = String::from_utf8_lossy(attribute);
    let is_name = attribute.eq_ignore_ascii_case(b"lib-name");
    if !is_name && !attribute.eq_ignore_ascii_case(b"lib-ver") {
        return Err(Error::Other(format!("ERR Unrecognized option '{text}'").into()));
    }
    if check_name(value).is_err() {
        let error = format!("ERR {text} cannot contain spaces, newlines or special characters.");
        return Err(Error::Other(error.into()));
    }
    let mut names = cx.client.shared.names();
    let cell = if is_name { &mut names.lib_name } else { &mut names.lib_ver };
    *cell = value.to_vec();
    drop(names);
    cx.out().ok();
    Ok(Flow::Done)
}

/// `CLIENT REPLY`
const CLIENT_REPLY: Spec = Spec {
    name: "reply",
    summary: "Switches the replies to this connection off and on.",
    since: "3.2.0",
    flags: TALK.union(Flags::ALLOW_BUSY).union(Flags::NO_MULTI),
    arity: 3,
    args: &[Arg::one_of(
        "action",
        &[Arg::word("on", "ON"), Arg::word("off", "OFF"), Arg::word("skip", "SKIP")],
    )],
    reply: Shape::OK,
    before: &[NOT_WHILE_BUSY, ("9.0.0", |spec| spec.flags.remove(Flags::NO_MULTI))],
    ..TALKS
};

fn reply(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    if argv[2].eq_ignore_ascii_case(b"on") {
        cx.client.set_reply(ReplyMode::On);
        cx.out().ok();
    } else if argv[2].eq_ignore_ascii_case(b"off") {
        cx.client.set_reply(ReplyMode::Off);
    } else if argv[2].eq_ignore_ascii_case(b"skip") {
        if cx.client.reply != ReplyMode::Off {
            cx.client.set_reply(ReplyMode::SkipNext);
        }
    } else {
        return Err(Error::Syntax);
    }
    Ok(Flow::Done)
}

/// Whether an argument is ON or OFF.
fn is_on(word: &[u8]) -> Result<bool, Error> {
    match word {
        on if on.eq_ignore_ascii_case(b"on") => Ok(true),
        off if off.eq_ignore_ascii_case(b"off") => Ok(false),
        _ => Err(Error::Syntax),
    }
}

/// `CLIENT NO-EVICT`
const CLIENT_NO_EVICT: Spec = Spec {
    name: "no-evict",
    summary: "Keeps the connection from being closed when clients use too much memory.",
    since: "7.0.0",
    group: Group::Connection,
    arity: 3,
    flags: RULE.union(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    args: &[Arg::one_of("enabled", &[Arg::word("on", "ON"), Arg::word("off", "OFF")])],
    reply: Shape::OK,
    before: &[NOT_WHILE_BUSY],
    ..OF_CLIENT
};

fn no_evict(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    cx.client.shared.set_flag(flag::NO_EVICT, is_on(argv[2])?);
    cx.out().ok();
    Ok(Flow::Done)
}

/// `CLIENT NO-TOUCH`
const CLIENT_NO_TOUCH: Spec = Spec {
    name: "no-touch",
    summary: "Makes the commands of this connection leave the last access of keys as it is.",
    since: "7.2.0",
    group: Group::Connection,
    arity: 3,
    flags: Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE).union(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    args: &[Arg::one_of("enabled", &[Arg::word("on", "ON"), Arg::word("off", "OFF")])],
    reply: Shape::OK,
    before: &[NOT_WHILE_BUSY],
    ..OF_CLIENT
};

fn no_touch(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    cx.client.shared.set_flag(flag::NO_TOUCH, is_on(argv[2])?);
    cx.out().ok();
    Ok(Flow::Done)
}

/// `CLIENT PAUSE`
const CLIENT_PAUSE: Spec = Spec {
    name: "pause",
    summary: "Makes the commands of all clients wait for some time.",
    since: "3.0.0",
    group: Group::Connection,
    arity: -3,
    flags: RULE,
    categories: Categories::CONNECTION,
    args: &[
        Arg::integer("timeout"),
        Arg::one_of("mode", &[Arg::word("write", "WRITE"), Arg::word("all", "ALL")])
            .optional()
            .since("6.2.0"),
    ],
    reply: Shape::OK,
    ..OF_CLIENT
};

fn pause(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let all = match argv[3..] {
        [] => true,
        [mode] if mode.eq_ignore_ascii_case(b"all") => true,
        [mode] if mode.eq_ignore_ascii_case(b"write") => false,
        [_] => return Err(Error::text("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        // Nobody looks at what is too much.
        _ if cx.server.profile.has("8.1.0") => true,
        _ => return Err(wrong_arguments("CLIENT", argv[1])),
    };
    let timeout_ms =
        parse_i64(argv[2]).ok_or(Error::text("ERR timeout is not an integer or out of range"))?;
    let timeout_ms = u64::try_from(timeout_ms).map_err(|_| Error::NegativeTimeout)?;
    let now_ms = engine::unix_ms();
    let until_ms = now_ms + timeout_ms;
    if until_ms <= i64::MAX as u64 {
        cx.server.pauses.pause(all, until_ms, now_ms);
    } else if cx.server.profile.has("7.2.0") {
        return Err(Error::text("ERR timeout is out of range"));
    }
    // In Redis 7.0 the sum overflows: the pause has ended before it began.
    cx.out().ok();
    Ok(Flow::Done)
}

/// `CLIENT UNPAUSE`
const CLIENT_UNPAUSE: Spec = Spec {
    name: "unpause",
    summary: "Ends a pause before its time.",
    since: "6.2.0",
    group: Group::Connection,
    complexity: "O(N) Where N is the number of paused clients",
    arity: 2,
    flags: RULE,
    categories: Categories::CONNECTION,
    reply: Shape::OK,
    ..OF_CLIENT
};

fn unpause(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    cx.server.pauses.unpause();
    cx.server.look();
    cx.out().ok();
    Ok(Flow::Done)
}

/// `CLIENT UNBLOCK`
const CLIENT_UNBLOCK: Spec = Spec {
    name: "unblock",
    summary: "Ends the wait of a client that blocks.",
    since: "5.0.0",
    group: Group::Connection,
    complexity: "O(log N) where N is the number of client connections",
    arity: -3,
    flags: RULE,
    categories: Categories::CONNECTION,
    args: &[
        Arg::integer("client-id"),
        Arg::one_of("unblock-type", &[Arg::word("timeout", "TIMEOUT"), Arg::word("error", "ERROR")])
            .optional(),
    ],
    reply: Shape::YES_OR_NO,
    ..OF_CLIENT
};

fn unblock(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let error = match argv[3..] {
        [] => false,
        [reason] if reason.eq_ignore_ascii_case(b"timeout") => false,
        [reason] if reason.eq_ignore_ascii_case(b"error") => true,
        [_] => return Err(Error::text("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
        // Nobody looks at what is too much.
        _ if cx.server.profile.has("8.1.0") => false,
        _ => return Err(wrong_arguments("CLIENT", argv[1])),
    };
    let id = parse_i64(argv[2]).ok_or(Error::NotInteger)?;
    let target = u64::try_from(id).ok().and_then(|id| cx.server.clients.get(id));
    // Whoever takes the flag away ends the wait: a second UNBLOCK of the same wait finds nothing to do.
    let ended = target.filter(|client| client.take_flag(flag::BLOCKED));
    if let Some(client) = &ended {
        cx.server.mailboxes[client.worker()].post(Message::Unblock { client: client.id, error });
    }
    cx.out().int(ended.is_some().into());
    Ok(Flow::Done)
}

/// `CLIENT HELP`
const CLIENT_HELP: Spec = Spec {
    name: "help",
    summary: "Describes the subcommands.",
    since: "5.0.0",
    group: Group::Connection,
    arity: 2,
    flags: Flags::LOADING.union(Flags::STALE).union(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    reply: Shape::HELP,
    ..OF_CLIENT
};

fn help(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let profile = cx.server.profile;
    let primary = if profile.has("8.0.0") { "PRIMARY" } else { "MASTER" };
    let lines: Vec<String> = HELP
        .iter()
        .filter(|(since, _)| profile.has(since))
        .map(|(_, line)| line.replace("{}", primary))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    crate::help(cx, "CLIENT", &lines)
}

/// The lines of CLIENT HELP with the version that brought each. Only what is there is listed.
const HELP: &[(&str, &str)] = &[
    ("6.0.0", "CACHING (YES|NO)"),
    ("6.0.0", "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes."),
    ("6.0.0", "GETREDIR"),
    ("6.0.0", "    Return the client ID we are redirecting to when tracking is enabled."),
    ("6.0.0", "GETNAME"),
    ("6.0.0", "    Return the name of the current connection."),
    ("6.0.0", "ID"),
    ("6.0.0", "    Return the ID of the current connection."),
    ("6.0.0", "INFO"),
    ("6.0.0", "    Return information about the current client connection."),
    ("6.0.0", "KILL <ip:port>"),
    ("6.0.0", "    Kill connection made from <ip:port>."),
    ("6.0.0", "KILL <option> <value> [<option> <value> [...]]"),
    ("6.0.0", "    Kill connections. Options are:"),
    ("6.0.0", "    * ADDR (<ip:port>|<unixsocket>:0)"),
    ("6.0.0", "      Kill connections made from the specified address"),
    ("6.0.0", "    * LADDR (<ip:port>|<unixsocket>:0)"),
    ("6.0.0", "      Kill connections made to specified local address"),
    ("6.0.0", "    * TYPE (NORMAL|{}|REPLICA|PUBSUB)"),
    ("6.0.0", "      Kill connections by type."),
    ("6.0.0", "    * USER <username>"),
    ("6.0.0", "      Kill connections authenticated by <username>."),
    ("6.0.0", "    * SKIPME (YES|NO)"),
    ("6.0.0", "      Skip killing current connection (default: yes)."),
    ("7.2.0", "    * ID <client-id>"),
    ("7.2.0", "      Kill connections by client id."),
    ("8.0.0", "    * MAXAGE <maxage>"),
    ("8.0.0", "      Kill connections older than the specified age."),
    ("9.0.0", "    * NAME, LIB-NAME, LIB-VER, FLAGS, CAPA, DB, IP, IDLE <seconds>"),
    ("9.0.0", "      Kill connections by what CLIENT LIST shows of them; with NOT- all others."),
    ("6.0.0", "LIST [options ...]"),
    ("6.0.0", "    Return information about client connections. Options:"),
    ("6.0.0", "    * TYPE (NORMAL|{}|REPLICA|PUBSUB)"),
    ("6.0.0", "      Return clients of specified type."),
    ("8.1.0", "    * ID, USER, ADDR, LADDR, SKIPME, MAXAGE"),
    ("8.1.0", "      Return clients by the other options of KILL."),
    ("9.0.0", "    * NAME, LIB-NAME, LIB-VER, FLAGS, CAPA, DB, IP, IDLE <seconds>"),
    ("9.0.0", "      Return clients by what is shown of them; with NOT- all others."),
    ("6.0.0", "UNPAUSE"),
    ("6.0.0", "    Stop the current client pause, resuming traffic."),
    ("6.0.0", "PAUSE <timeout> [WRITE|ALL]"),
    ("6.0.0", "    Suspend all, or just write, clients for <timeout> milliseconds."),
    ("6.0.0", "REPLY (ON|OFF|SKIP)"),
    ("6.0.0", "    Control the replies sent to the current connection."),
    ("6.0.0", "SETNAME <name>"),
    ("6.0.0", "    Assign the name <name> to the current connection."),
    ("7.2.0", "SETINFO <option> <value>"),
    ("7.2.0", "    Set client meta attr. Options are:"),
    ("7.2.0", "    * LIB-NAME: the client lib name."),
    ("7.2.0", "    * LIB-VER: the client lib version."),
    ("6.0.0", "UNBLOCK <clientid> [TIMEOUT|ERROR]"),
    ("6.0.0", "    Unblock the specified blocked client."),
    ("6.0.0", "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]"),
    ("6.0.0", "         [OPTIN] [OPTOUT] [NOLOOP]"),
    ("6.0.0", "    Control server assisted client side caching."),
    ("6.2.0", "TRACKINGINFO"),
    ("6.2.0", "    Report tracking status for the current connection."),
    ("7.0.0", "NO-EVICT (ON|OFF)"),
    ("7.0.0", "    Protect current client connection from eviction."),
    ("7.2.0", "NO-TOUCH (ON|OFF)"),
    ("7.2.0", "    Will not touch LRU/LFU stats when this mode is on."),
    ("8.0.0", "CAPA <option> [options...]"),
    ("8.0.0", "    Say what the client is able to do. Options are:"),
    ("8.0.0", "    * REDIRECT"),
    ("8.0.0", "      It goes to the primary when a replica tells it where that is."),
];
