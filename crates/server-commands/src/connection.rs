//! Connections: who is there, in which protocol and which database.

use acl::log::{Denial, Origin, Reason};
use command_spec::*;
use commands::Error;
use engine::cx::Flow;
use engine::stats::Counter;
use number::parse_i64;
use resp::Proto;
use server::{ServerCommand, ServerCx};
use session::{ReplyMode, flag};
use std::sync::atomic::Ordering;

pub(crate) const COMMANDS: &[ServerCommand] = &[
    ServerCommand::new(&PING, ping),
    ServerCommand::new(&ECHO, echo),
    ServerCommand::new(&HELLO, hello),
    ServerCommand::new(&AUTH, auth),
    ServerCommand::new(&SELECT, select),
    ServerCommand::new(&QUIT, quit),
    ServerCommand::new(&RESET, reset),
];

/// `PING`
const PING: Spec = Spec {
    name: "ping",
    summary: "Answers: a sign of life.",
    since: "1.0.0",
    group: Group::Connection,
    arity: -1,
    flags: Flags::FAST,
    behaviour: Behaviour::RUNS_SUBSCRIBED.union(Behaviour::KEEPS_LINK_ALIVE),
    categories: Categories::CONNECTION,
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    args: &[Arg::string("message").optional()],
    reply: Shape::OneOf(&[Shape::Simple("PONG"), Shape::Bulk, Shape::Tuple(&[Shape::Bulk, Shape::Bulk])]),
    ..Spec::BASE
};

fn ping(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    if argv.len() > 2 {
        return Err(Error::Arity("ping".into()));
    }
    let subscriber = cx.client.is_subscriber_only();
    let mut out = cx.out();
    match (subscriber, argv.get(1)) {
        (true, message) => {
            out.array(2);
            out.bulk(b"pong");
            out.bulk(message.copied().unwrap_or_default());
        }
        (false, Some(message)) => out.bulk(message),
        (false, None) => out.simple("PONG"),
    }
    Ok(Flow::Done)
}

/// `ECHO`
const ECHO: Spec = Spec {
    name: "echo",
    summary: "Returns its argument.",
    since: "1.0.0",
    group: Group::Connection,
    arity: 2,
    flags: Flags::LOADING.union(Flags::STALE).union(Flags::FAST),
    categories: Categories::CONNECTION,
    args: &[Arg::string("message")],
    reply: Shape::Bulk,
    ..Spec::BASE
};

fn echo(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    cx.out().bulk(argv[1]);
    Ok(Flow::Done)
}

const BEFORE_AUTH: Flags = Flags::NOSCRIPT
    .union(Flags::LOADING)
    .union(Flags::STALE)
    .union(Flags::FAST)
    .union(Flags::NO_AUTH)
    .union(Flags::ALLOW_BUSY);

/// `HELLO`
const HELLO: Spec = Spec {
    name: "hello",
    summary: "Chooses the protocol version, optionally authenticates and names the connection, and introduces the server.",
    since: "6.0.0",
    group: Group::Connection,
    arity: -1,
    flags: BEFORE_AUTH,
    behaviour: Behaviour::AUTHENTICATES,
    categories: Categories::CONNECTION,
    args: &[Arg::block(
        "arguments",
        &[
            Arg::integer("protover"),
            Arg::block("auth", &[Arg::string("username"), Arg::string("password")]).token("AUTH").optional(),
            Arg::string("clientname").token("SETNAME").optional(),
        ],
    )
    .optional()],
    reply: Shape::Map(&Shape::Bulk, &Shape::OneOf(&[Shape::Bulk, Shape::COUNT, Shape::Array(&Shape::Any)])),
    ..Spec::BASE
};

fn hello(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let mut proto = None;
    let mut name = None;
    let mut rest = argv[1..].iter();
    if let Some(version) = rest.next() {
        proto = Some(match parse_i64(version) {
            None => return Err(Error::text("ERR Protocol version is not an integer or out of range")),
            Some(2) => Proto::Resp2,
            Some(3) => Proto::Resp3,
            Some(_) => return Err(Error::text("NOPROTO unsupported protocol version")),
        });
    }
    while let Some(option) = rest.next() {
        if option.eq_ignore_ascii_case(b"auth") && rest.len() >= 2 {
            let (user, password) =
                (rest.next().copied().unwrap_or_default(), rest.next().copied().unwrap_or_default());
            authenticate(cx, argv, user, password)?;
        } else if option.eq_ignore_ascii_case(b"setname") && rest.len() >= 1 {
            let given = rest.next().copied().unwrap_or_default();
            check_name(given)?;
            if cx.server.profile.has("7.2.0") {
                name = Some(given);
            } else {
                // Older servers do as they read, whatever follows.
                cx.client.shared.names().name = given.to_vec();
            }
        } else {
            let option = String::from_utf8_lossy(option);
            return Err(Error::Other(format!("ERR Syntax error in HELLO option '{option}'").into()));
        }
    }
    if !cx.client.authenticated {
        let version = if cx.server.profile.has("7.2.0") { "<proto> " } else { "" };
        let text = format!(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO {version}AUTH <user> <pass> \
             option can be used to authenticate the client and select the RESP protocol version at the same time"
        );
        return Err(Error::Other(text.into()));
    }
    if let Some(name) = name {
        cx.client.shared.names().name = name.to_vec();
    }
    if let Some(proto) = proto {
        set_proto(cx, proto);
    }
    introduce(cx);
    Ok(Flow::Done)
}

fn set_proto(cx: &mut ServerCx<'_, '_>, proto: Proto) {
    cx.client.proto = proto;
    cx.client.shared.proto.store(if proto == Proto::Resp3 { 3 } else { 2 }, Ordering::Relaxed);
}

fn introduce(cx: &mut ServerCx<'_, '_>) {
    let server = cx.server;
    let (id, proto) = (cx.client.id, cx.client.proto);
    let redis_names = !server.profile.is_valkey() || cx.local.settings.extended_redis_compatibility;
    let name = if redis_names { "redis" } else { server.profile.server_name() };
    let version = if redis_names {
        server.profile.redis_version().to_owned()
    } else {
        server.profile.version().to_string()
    };
    let role = match (server.role.is_replica.load(Ordering::Relaxed), server.profile.is_valkey()) {
        (false, _) => "master",
        (true, _) => "replica",
    };
    let zone = cx.local.settings.availability_zone.clone();
    let mut out = cx.out();
    out.map(if zone.is_empty() { 7 } else { 8 });
    let mut text = |key: &str, value: &[u8]| {
        out.bulk(key.as_bytes());
        out.bulk(value);
    };
    text("server", name.as_bytes());
    text("version", version.as_bytes());
    out.bulk(b"proto");
    out.int(if proto == Proto::Resp3 { 3 } else { 2 });
    out.bulk(b"id");
    out.int(id as i64);
    let mut text = |key: &str, value: &[u8]| {
        out.bulk(key.as_bytes());
        out.bulk(value);
    };
    text("mode", b"standalone");
    text("role", role.as_bytes());
    out.bulk(b"modules");
    out.array(0);
    if !zone.is_empty() {
        out.bulk(b"availability_zone");
        out.bulk(&zone);
    }
}

/// A name of a connection is printable and has no spaces, since CLIENT LIST shows it as it is.
pub(crate) fn check_name(name: &[u8]) -> Result<(), Error> {
    if name.iter().all(|b| (b'!'..=b'~').contains(b)) {
        Ok(())
    } else {
        Err(Error::text("ERR Client names cannot contain spaces, newlines or special characters."))
    }
}

/// Makes the client the user of this name, if the password is right.
fn authenticate(
    cx: &mut ServerCx<'_, '_>,
    argv: &[&[u8]],
    name: &[u8],
    password: &[u8],
) -> Result<(), Error> {
    let server = cx.server;
    if server.access.authenticate(cx.client, name, password) {
        return Ok(());
    }
    server.stats.add(cx.local.thread, Counter::AuthFailures, 1);
    let origin = if cx.client.multi.is_some() || cx.in_exec { Origin::Multi } else { Origin::TopLevel };
    let denial = Denial { reason: Reason::Auth, origin, object: argv[0], user: name, client: b"" };
    server.note_denial(cx.local, &cx.client.shared, argv, denial);
    Err(Error::text(acl::WRONG_PASSWORD))
}

/// `AUTH`
const AUTH: Spec = Spec {
    name: "auth",
    summary: "Authenticates the connection.",
    since: "1.0.0",
    group: Group::Connection,
    complexity: "O(N) where N is the number of passwords defined for the user",
    arity: -2,
    flags: BEFORE_AUTH,
    behaviour: Behaviour::AUTHENTICATES,
    categories: Categories::CONNECTION,
    args: &[Arg::string("username").optional().since("6.0.0"), Arg::string("password")],
    reply: Shape::OK,
    ..Spec::BASE
};

fn auth(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    match argv.len() {
        2 => {
            if cx.server.access.is_default_without_password() {
                return Err(Error::text(
                    "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
                     configuration is correct?",
                ));
            }
            authenticate(cx, argv, acl::DEFAULT, argv[1])?;
        }
        3 => authenticate(cx, argv, argv[1], argv[2])?,
        _ => return Err(Error::Syntax),
    }
    cx.out().ok();
    Ok(Flow::Done)
}

/// `SELECT`
const SELECT: Spec = Spec {
    name: "select",
    summary: "Changes the database of the connection.",
    since: "1.0.0",
    group: Group::Connection,
    arity: 2,
    flags: Flags::LOADING.union(Flags::STALE).union(Flags::FAST).union(Flags::ALLOW_BUSY),
    before: &[crate::client::NOT_WHILE_BUSY],
    behaviour: Behaviour::SELECTS_DATABASE,
    categories: Categories::CONNECTION,
    reach: Reach::Named { arguments: &[1], selected: false },
    args: &[Arg::integer("index")],
    reply: Shape::OK,
    ..Spec::BASE
};

fn select(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let index = parse_i64(argv[1]).ok_or(Error::NotInteger)?;
    if index < i32::MIN.into() || index > i32::MAX.into() {
        return Err(Error::text("ERR value is out of range, value must between -2147483648 and 2147483647"));
    }
    if index < 0 || index >= cx.server.keyspace.databases() as i64 {
        return Err(Error::text("ERR DB index is out of range"));
    }
    cx.client.db = index as u16;
    cx.client.shared.db.store(index as u16, Ordering::Relaxed);
    cx.out().ok();
    Ok(Flow::Done)
}

/// `QUIT`
const QUIT: Spec = Spec {
    name: "quit",
    summary: "Closes the connection.",
    since: "1.0.0",
    deprecated: Some(("7.2.0", "just closing the connection")),
    group: Group::Connection,
    arity: -1,
    flags: BEFORE_AUTH,
    behaviour: Behaviour::RUNS_IN_MULTI.union(Behaviour::RUNS_SUBSCRIBED).union(Behaviour::ENDS_FRAMING),
    categories: Categories::CONNECTION,
    reply: Shape::OK,
    ..Spec::BASE
};

fn quit(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    cx.out().ok();
    Ok(Flow::Close)
}

/// `RESET`
const RESET: Spec = Spec {
    name: "reset",
    summary: "Makes the connection as it was when it was new.",
    since: "6.2.0",
    group: Group::Connection,
    arity: 1,
    flags: BEFORE_AUTH,
    behaviour: Behaviour::RUNS_IN_MULTI.union(Behaviour::RUNS_SUBSCRIBED),
    categories: Categories::CONNECTION,
    reply: Shape::Simple("RESET"),
    ..Spec::BASE
};

fn reset(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    cx.client.discard();
    crate::pubsub::forget_all(&cx.server.pubsub, cx.client);
    cx.server.untrack(cx.client);
    cx.client.db = 0;
    cx.client.shared.db.store(0, Ordering::Relaxed);
    let (user, authenticated) = cx.server.newcomer(cx.client.endpoint);
    cx.client.become_user(user, authenticated);
    cx.client.set_reply(ReplyMode::On);
    for bit in [flag::NO_EVICT, flag::NO_TOUCH, flag::READONLY] {
        cx.client.shared.set_flag(bit, false);
    }
    cx.client.shared.names().name.clear();
    set_proto(cx, Proto::Resp2);
    cx.out().simple("RESET");
    Ok(Flow::Done)
}
