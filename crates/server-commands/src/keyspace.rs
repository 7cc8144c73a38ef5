//! Whole databases: emptying them and swapping two of them, in the world.
//!
//! Emptying takes the tables out of the keyspace at once; what takes time is freeing their entries. ASYNC leaves that to
//! another thread, SYNC does it before the answer, while nobody else runs, as the real server does.

use command_spec::*;
use commands::Error;
use engine::cx::Flow;
use keyspace::{Flushed, Keys};
use number::parse_i64;
use server::{ServerCommand, ServerCx};

pub(crate) const COMMANDS: &[ServerCommand] = &[
    ServerCommand::new(&FLUSHDB, flushdb),
    ServerCommand::new(&FLUSHALL, flushall),
    ServerCommand::new(&SWAPDB, swapdb),
];

const FLUSH_ARGS: &[Arg] = &[Arg::one_of(
    "flush-type",
    &[Arg::word("async", "ASYNC").since("4.0.0"), Arg::word("sync", "SYNC").since("6.2.0")],
)
.optional()];

/// `FLUSHDB`
const FLUSHDB: Spec = Spec {
    name: "flushdb",
    summary: "Removes all keys of the database.",
    since: "1.0.0",
    group: Group::Server,
    complexity: "O(N) where N is the number of keys in the selected database",
    arity: -1,
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    args: FLUSH_ARGS,
    reply: Shape::OK,
    need: Need::World,
    ..Spec::BASE
};

fn flushdb(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let lazy = is_lazy(cx, argv)?;
    let db = cx.client.db;
    flush(cx, db..db + 1, lazy);
    replicate(cx, argv);
    cx.out().ok();
    Ok(Flow::Done)
}

/// `FLUSHALL`
const FLUSHALL: Spec = Spec {
    name: "flushall",
    summary: "Removes all keys of all databases.",
    complexity: "O(N) where N is the total number of keys in all databases",
    reach: Reach::Everywhere,
    ..FLUSHDB
};

fn flushall(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let lazy = is_lazy(cx, argv)?;
    let databases = cx.server.keyspace.databases() as u16;
    flush(cx, 0..databases, lazy);
    if !lazy {
        memory::purge();
    }
    replicate(cx, argv);
    if !cx.server.role.is_replica.load(std::sync::atomic::Ordering::Relaxed) {
        // What the file holds is no change since it was written.
        if persistence::forget_file(&cx.server.persistence, cx.guard()) {
            cx.local.scratch.effects.dirty = 0;
        }
    }
    cx.out().ok();
    Ok(Flow::Done)
}

/// Whether entries are freed by another thread.
fn is_lazy(cx: &ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<bool, Error> {
    match argv {
        [_] => Ok(cx.local.settings.lazyfree_lazy_user_flush),
        [_, how] if how.eq_ignore_ascii_case(b"sync") => Ok(false),
        [_, how] if how.eq_ignore_ascii_case(b"async") => Ok(true),
        _ => Err(Error::Syntax),
    }
}

/// Empties databases. Every key counts as a change.
fn flush(cx: &mut ServerCx<'_, '_>, databases: std::ops::Range<u16>, lazy: bool) {
    let space = &cx.server.keyspace;
    let keys: u64 = databases.clone().map(|db| space.len(db)).sum();
    let mut removed: Vec<Flushed> = Vec::new();
    for db in databases {
        let context = cx.local.context(db, true);
        let guard = cx.guard.as_deref_mut().expect("the spec asks for the world");
        removed.extend(Keys::new(space, guard, &mut cx.local.scratch, context).flush());
    }
    cx.local.scratch.effects.dirty += keys;
    if lazy {
        cx.local.lazyfree.tables(removed);
    } else {
        drop(removed);
    }
}

/// Replicates the command as it came, whether it found keys or not: a replica's databases may differ.
fn replicate(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) {
    let db = cx.client.db;
    cx.local.scratch.effects.replicate(db, argv);
}

/// `SWAPDB`
const SWAPDB: Spec = Spec {
    name: "swapdb",
    summary: "Swaps two databases: clients of the one see at once the keys of the other.",
    since: "4.0.0",
    group: Group::Server,
    complexity: "O(N) where N is the count of clients watching or blocking on keys from both databases",
    arity: 3,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
    reach: Reach::Named { arguments: &[1, 2], selected: false },
    args: &[Arg::integer("index1"), Arg::integer("index2")],
    reply: Shape::OK,
    need: Need::World,
    ..Spec::BASE
};

fn swapdb(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let index = |argument: &[u8], error: &'static str| {
        parse_i64(argument).and_then(|index| i32::try_from(index).ok()).ok_or(Error::text(error))
    };
    let first = index(argv[1], "ERR invalid first DB index")?;
    let second = index(argv[2], "ERR invalid second DB index")?;
    let databases = cx.server.keyspace.databases();
    let known = |index: i32| usize::try_from(index).ok().filter(|&db| db < databases).map(|db| db as u16);
    let (Some(first), Some(second)) = (known(first), known(second)) else {
        return Err(Error::DbIndexOutOfRange);
    };
    let context = cx.local.context(cx.client.db, true);
    let guard = cx.guard.as_deref_mut().expect("the spec asks for the world");
    Keys::new(&cx.server.keyspace, guard, &mut cx.local.scratch, context).swap(first, second);
    cx.local.scratch.effects.dirty += 1;
    replicate(cx, argv);
    cx.out().ok();
    Ok(Flow::Done)
}
