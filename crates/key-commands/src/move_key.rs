//! MOVE

use super::database;
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;

/// `MOVE`
pub(super) const MOVE: Spec = Spec {
    name: "move",
    summary: "Moves a key to another database, if there is none of its name.",
    since: "1.0.0",
    group: Group::Generic,
    arity: 3,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))],
    reach: Reach::Named { arguments: &[2], selected: true },
    args: &[Arg::key("key"), Arg::integer("db")],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn move_key(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let db = database(cx, argv[2])?;
    if db == cx.keys.db() {
        return Err(Error::SameObject);
    }
    let free = cx.keys.lookup_to_write(key).is_some() && cx.keys.in_db(db).peek(key).is_none();
    if free && let Some(entry) = cx.keys.remove(key) {
        let mut target = cx.keys.in_db(db);
        target.insert_box(entry);
        target.ready(key);
        cx.changed(key, EventClass::GENERIC, "move_from");
        cx.keys.in_db(db).changed(key, EventClass::GENERIC, "move_to", 0);
    }
    cx.out.int(i64::from(free));
    Ok(())
}
