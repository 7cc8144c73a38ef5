//! Strings: the simplest value a key can have.
//!
//! A string is bytes of any kind up to `proto-max-bulk-len`. One that is the canonical decimal form of a 64-bit integer is
//! kept as that integer, which is what makes counters cheap; clients see it only as `OBJECT ENCODING` (`int`; other
//! strings are `embstr` up to 44 bytes and `raw` beyond, or once changed in place).

mod get;
mod set;

use crate::{Command, Cx, Error, Handler::Plain};
use structures::ValueRef;

/// The family, in teaching order.
pub const COMMANDS: &[Command] =
    &[Command::new(&get::GET, Plain(get::get)), Command::new(&set::SET, Plain(set::set))];

/// Writes a string value as a bulk reply.
pub(crate) fn reply_string(out: &mut resp::Writer<'_>, value: ValueRef<'_>) -> Result<(), Error> {
    match value {
        ValueRef::Int(int) => out.bulk_int(int),
        ValueRef::Bytes(bytes) => out.bulk(bytes),
        ValueRef::List(_) | ValueRef::Hash(_) => return Err(Error::WrongType),
    }
    Ok(())
}

/// Answers with the string at the key, or null.
#[inline]
pub(crate) fn reply_key(cx: &mut Cx<'_, '_>, key: &[u8]) -> Result<(), Error> {
    match cx.keys.lookup(key) {
        Some(entry) => reply_string(&mut cx.out, entry.value()),
        None => {
            cx.out.null();
            Ok(())
        }
    }
}

/// A way to say when a key expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit {
    seconds: bool,
    absolute: bool,
}

impl Unit {
    /// Of the option words `EX`, `PX`, `EXAT` and `PXAT`.
    pub(crate) fn from_word(word: &[u8]) -> Option<Unit> {
        let known = [("EX", true, false), ("PX", false, false), ("EXAT", true, true), ("PXAT", false, true)];
        let found = known.into_iter().find(|(name, ..)| crate::args::is(word, name));
        found.map(|(_, seconds, absolute)| Unit { seconds, absolute })
    }

    /// The Unix time in ms that an amount means now, in the command of this name. It must be positive and not overflow.
    pub(crate) fn expiry(self, amount: i64, now_ms: u64, command: &'static str) -> Result<u64, Error> {
        let scaled = if self.seconds { amount.checked_mul(1000) } else { Some(amount) };
        let at = if self.absolute { scaled } else { scaled.and_then(|ms| ms.checked_add(now_ms as i64)) };
        match at {
            Some(at) if amount > 0 => Ok(at as u64),
            _ => Err(Error::InvalidExpire(command)),
        }
    }
}
