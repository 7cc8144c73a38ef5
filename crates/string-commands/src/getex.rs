//! GETEX

use super::{reply_string, string_len};
use command_spec::*;
use commands::when::{WHEN_OR_PERSIST, Wish};
use commands::{Cx, Error};

/// `GETEX`
pub(super) const GETEX: Spec = Spec {
    name: "getex",
    summary: "Returns the string value of a key, and sets or removes its expiry.",
    since: "6.2.0",
    group: Group::String,
    arity: -2,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), WHEN_OR_PERSIST],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn getex(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let wish = Wish::parse(&argv[2..])?;
    let now_ms = cx.keys.now_ms();
    let effort = cx.effort;
    let Some(entry) = cx.keys.lookup(key) else {
        cx.out.null();
        return Ok(());
    };
    // The type is judged before the time.
    let len = string_len(entry.value())?;
    let at_ms = match wish {
        Wish::Expire(when) => Some(when.resolve(now_ms, "getex")?),
        _ => None,
    };
    let is_volatile = entry.expire_at().is_some();
    effort.copies(len)?;
    reply_string(&mut cx.out, entry.value())?;
    match (wish, at_ms) {
        (_, Some(at_ms)) if at_ms <= now_ms && cx.is_primary() => cx.delete_expired(key),
        (_, Some(at_ms)) => cx.expire_at(key, at_ms),
        (Wish::Persist, _) if is_volatile => {
            cx.persist(key);
            cx.replicate(&[b"PERSIST", key]);
        }
        _ => {}
    }
    Ok(())
}
