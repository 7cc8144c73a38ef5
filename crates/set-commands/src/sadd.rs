//! SADD

use super::set_for;
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;
use structures::Value;
use table::ValueMut;

/// `SADD`
pub(super) const SADD: Spec = Spec {
    name: "sadd",
    summary: "Adds members to a set and returns how many of them are new.",
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N), N being the number of members added",
    arity: -3,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    args: &[Arg::key("key"), Arg::string("member").multiple()],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn sadd(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, members) = (argv[1], &argv[2..]);
    let (limits, profile) = (&cx.options.limits, cx.options.profile);
    let added = if let Some(mut edit) = cx.keys.edit(key) {
        let ValueMut::Set(set) = edit.value_mut() else { return Err(Error::WrongType) };
        if profile.has("7.2.0") {
            set.expect(members.len(), limits);
        }
        members.iter().filter(|member| set.add(member, limits)).count()
    } else {
        let mut set = Box::new(set_for(members[0], members.len(), limits, profile));
        let added = members.iter().filter(|member| set.add(member, limits)).count();
        cx.keys.insert(key, Value::Set(set), None);
        added
    };
    if added > 0 {
        cx.keys.changed(key, EventClass::SET, "sadd", added as u64);
    }
    cx.out.int(added as i64);
    Ok(())
}
