//! Snapshots on disk, and the end of the node.

use crate::command::NodeCommand;
use crate::cx::{Flow, NodeCx, Suspend};
use crate::ending::Why;
use crate::persistence::save_now;
use command_spec::*;
use commands::Error;
use snapshot::{Answer, IfBusy, Kind};

pub(super) const COMMANDS: &[NodeCommand] = &[
    NodeCommand::new(&SAVE, save),
    NodeCommand::new(&BGSAVE, bgsave),
    NodeCommand::new(&LASTSAVE, lastsave),
    NodeCommand::new(&SHUTDOWN, shutdown),
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
    need: Need::World,
    ..Spec::BASE
};

fn save(cx: &mut NodeCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let shared = cx.shared;
    if shared.persistence.running() == Some(Kind::Save) {
        return Err(IN_PROGRESS);
    }
    match save_now(shared, cx.guard()) {
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
    ..Spec::BASE
};

fn bgsave(cx: &mut NodeCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let schedule = match argv {
        [_] => false,
        [_, word] if word.eq_ignore_ascii_case(b"schedule") => true,
        _ => return Err(Error::Syntax),
    };
    // Inside a transaction the snapshot begins after it, whoever asks.
    let if_busy = if schedule { IfBusy::Wait } else { IfBusy::Refuse };
    if cx.shared.persistence.running() == Some(Kind::Save) {
        return Err(IN_PROGRESS);
    }
    match cx.shared.persistence.request_save(if_busy) {
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
    ..Spec::BASE
};

fn lastsave(cx: &mut NodeCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let at_s = cx.shared.persistence.last_save_s();
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
    need: Need::World,
    ..Spec::BASE
};

/// What SHUTDOWN was told.
#[derive(Debug, Default, Clone, Copy)]
struct How {
    save: bool,
    nosave: bool,
    now: bool,
    force: bool,
    abort: bool,
}

fn parse(argv: &[&[u8]]) -> Result<How, Error> {
    let mut how = How::default();
    for word in &argv[1..] {
        let flag = match word.to_ascii_lowercase().as_slice() {
            b"save" => &mut how.save,
            b"nosave" => &mut how.nosave,
            b"now" => &mut how.now,
            b"force" => &mut how.force,
            b"abort" => &mut how.abort,
            _ => return Err(Error::Syntax),
        };
        *flag = true;
    }
    let others = how.save || how.nosave || how.now || how.force;
    if (how.abort && others) || (how.save && how.nosave) {
        return Err(Error::Syntax);
    }
    Ok(how)
}

fn shutdown(cx: &mut NodeCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let how = parse(argv)?;
    if how.abort {
        // Ending takes one step here, so there is never one to be aborted.
        return Err(Error::text("ERR No shutdown in progress."));
    }
    let shared = cx.shared;
    if shared.persistence.running() == Some(Kind::Save) {
        // Its file must not come after the one written here: asked again in a moment.
        shared.persistence.abort_running();
        return Ok(Flow::Suspend(Suspend::Paused));
    }
    let wanted = how.save || (!how.nosave && !cx.local.settings.save.is_empty());
    let loading = shared.loading.load(std::sync::atomic::Ordering::Relaxed);
    if wanted && !loading && save_now(shared, cx.guard()).is_err() && !how.force {
        return Err(Error::text("ERR Errors trying to SHUTDOWN. Check logs."));
    }
    if wanted && !loading {
        // Others may write until their worker ends, and are told that it is done.
        shared.persistence.insist();
    } else {
        shared.persistence.waive();
    }
    shared.end.ask(Why::Command);
    Ok(Flow::Close)
}
