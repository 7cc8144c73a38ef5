//! Snapshots on disk, and the end of the node.

use command_spec::*;
use commands::Error;
use config::{Loglevel, ShutdownFlags};
use engine::cx::Flow;
use persistence::save_now;
use server::{ServerCommand, ServerCx, WaitingClient};
use snapshot::{Answer, IfBusy, Kind};
use std::sync::atomic::Ordering;

pub(crate) const COMMANDS: &[ServerCommand] = &[
    ServerCommand::new(&SAVE, save),
    ServerCommand::new(&BGSAVE, bgsave),
    ServerCommand::new(&LASTSAVE, lastsave),
    ServerCommand::new(&SHUTDOWN, shutdown),
];

const IN_PROGRESS: Error = Error::text("ERR Background save already in progress");

/// `SAVE`
const SAVE: Spec = Spec {
    name: "save",
    summary: "Writes all data to the snapshot file, with everybody else waiting.",
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(N) where N is the total number of keys in all databases",
    arity: 1,
    flags: Flags::ADMIN.union(Flags::NOSCRIPT).union(Flags::NO_ASYNC_LOADING).union(Flags::NO_MULTI),
    reply: Shape::OK,
    need: Need::World,
    ..Spec::BASE
};

fn save(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let server = cx.server;
    if server.persistence.running() == Some(Kind::Save) {
        return Err(IN_PROGRESS);
    }
    match save_now(&server.persistence, cx.guard()) {
        Ok(_) => cx.out().ok(),
        // The reason is in the log: clients get no more than the real server tells them.
        Err(_) => return Err(Error::text("ERR")),
    }
    Ok(Flow::Done)
}

/// `BGSAVE`
const BGSAVE: Spec = Spec {
    name: "bgsave",
    summary: "Writes all data to the snapshot file in the background.",
    since: "1.0.0",
    group: Group::Server,
    arity: -1,
    flags: Flags::ADMIN.union(Flags::NOSCRIPT).union(Flags::NO_ASYNC_LOADING),
    args: &[Arg::word("schedule", "SCHEDULE").optional().since("3.2.2")],
    reply: Shape::Status,
    ..Spec::BASE
};

fn bgsave(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let schedule = match argv {
        [_] => false,
        [_, word] if word.eq_ignore_ascii_case(b"schedule") => true,
        _ => return Err(Error::Syntax),
    };
    // Inside a transaction the snapshot begins after it, whoever asks.
    let if_busy = if schedule { IfBusy::Wait } else { IfBusy::Refuse };
    if cx.server.persistence.running() == Some(Kind::Save) {
        return Err(IN_PROGRESS);
    }
    match cx.server.persistence.request_save(if_busy) {
        Answer::Start => cx.out().simple("Background saving started"),
        Answer::Waits => cx.out().simple("Background saving scheduled"),
        Answer::Refused(_) => return Err(IN_PROGRESS),
    }
    Ok(Flow::Done)
}

/// `LASTSAVE`
const LASTSAVE: Spec = Spec {
    name: "lastsave",
    summary: "Returns the Unix time of the last complete snapshot file.",
    since: "1.0.0",
    group: Group::Server,
    arity: 1,
    flags: Flags::LOADING.union(Flags::STALE).union(Flags::FAST),
    categories: Categories::ADMIN.union(Categories::DANGEROUS),
    tips: &["nondeterministic_output"],
    reply: Shape::COUNT,
    ..Spec::BASE
};

fn lastsave(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let at_s = cx.server.persistence.last_save_s();
    cx.out().int(at_s as i64);
    Ok(Flow::Done)
}

/// `SHUTDOWN`
const SHUTDOWN: Spec = Spec {
    name: "shutdown",
    summary: "Ends the node, after writing the snapshot file if there are save points.",
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
    arity: -1,
    flags: Flags::ADMIN
        .union(Flags::NOSCRIPT)
        .union(Flags::LOADING)
        .union(Flags::STALE)
        .union(Flags::NO_MULTI)
        .union(Flags::ALLOW_BUSY),
    args: &[
        Arg::one_of("save-selector", &[Arg::word("nosave", "NOSAVE"), Arg::word("save", "SAVE")]).optional(),
        Arg::word("now", "NOW").optional().since("7.0.0"),
        Arg::word("force", "FORCE").optional().since("7.0.0"),
        Arg::word("abort", "ABORT").optional().since("7.0.0"),
    ],
    reply: Shape::OK,
    ..Spec::BASE
};

/// What SHUTDOWN was told; `None` is to call it off.
fn parse(argv: &[&[u8]]) -> Result<Option<ShutdownFlags>, Error> {
    let (mut how, mut abort) = (ShutdownFlags::default(), false);
    for word in &argv[1..] {
        how.0 |= match word.to_ascii_lowercase().as_slice() {
            b"save" => ShutdownFlags::SAVE,
            b"nosave" => ShutdownFlags::NOSAVE,
            b"now" => ShutdownFlags::NOW,
            b"force" => ShutdownFlags::FORCE,
            b"abort" => {
                abort = true;
                0
            }
            _ => return Err(Error::Syntax),
        };
    }
    let contradicts = how.has(ShutdownFlags::SAVE) && how.has(ShutdownFlags::NOSAVE);
    if contradicts || (abort && how != ShutdownFlags::default()) {
        return Err(Error::Syntax);
    }
    Ok((!abort).then_some(how))
}

fn shutdown(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let server = cx.server;
    let Some(how) = parse(argv)? else {
        if !server.end.abort() {
            return Err(Error::text("ERR No shutdown in progress."));
        }
        server.log(Loglevel::Notice, "Shutdown manually aborted.");
        cx.out().ok();
        return Ok(Flow::Done);
    };
    if server.loading.load(Ordering::Relaxed) && !server.end.is_watched() && !server.start.is_managed {
        // There is nothing yet to be kept, and the file is as it was.
        server.log(Loglevel::Warning, "User requested shutdown...");
        server.log.drain();
        std::process::exit(0);
    }
    let wait = cx.wait_elsewhere();
    let client = WaitingClient { worker: cx.client.shared.worker(), client: cx.client.id, wait };
    server.end.ask_for(client, how);
    Ok(Flow::Blocked)
}
