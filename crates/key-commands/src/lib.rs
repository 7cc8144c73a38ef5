//! Keys of any type: deleting, naming, expiring, finding and moving them.
//!
//! An expired key counts as absent to every command here. Commands that list keys leave it out; for commands that name
//! it, the look-up deletes it, on a primary.
//!
//! Commands that go over the whole database (KEYS, SCAN, RANDOMKEY, DBSIZE) hold one slot at a time, so they do not see
//! one instant: a key that exists all the time is seen, one that is added or removed meanwhile may be.

#![forbid(unsafe_code)]

mod copy;
mod dbsize;
mod del;
mod dump;
mod exists;
mod expire;
mod keys;
mod migrate;
mod move_key;
mod object;
mod persist;
mod randomkey;
mod rename;
mod restore;
mod scan;
mod sort;
mod ttl;
mod type_name;

use commands::Handler::{Partly, Plain, Walking};
use commands::args::int;
use commands::{Command, Cx, Error};
use table::EntryBox;

pub use object::encoding_name;

/// The family, in teaching order.
pub const COMMANDS: &[Command] = &[
    Command::new(&del::DEL, Plain(del::del)),
    Command::new(&del::UNLINK, Plain(del::unlink)),
    Command::new(&exists::EXISTS, Plain(exists::exists)),
    Command::new(&exists::TOUCH, Plain(exists::touch)),
    Command::new(&type_name::TYPE, Plain(type_name::type_of)),
    Command::new(&expire::EXPIRE, Plain(expire::expire)),
    Command::new(&expire::PEXPIRE, Plain(expire::pexpire)),
    Command::new(&expire::EXPIREAT, Plain(expire::expireat)),
    Command::new(&expire::PEXPIREAT, Plain(expire::pexpireat)),
    Command::new(&ttl::TTL, Plain(ttl::ttl)),
    Command::new(&ttl::PTTL, Plain(ttl::pttl)),
    Command::new(&ttl::EXPIRETIME, Plain(ttl::expiretime)),
    Command::new(&ttl::PEXPIRETIME, Plain(ttl::pexpiretime)),
    Command::new(&persist::PERSIST, Plain(persist::persist)),
    Command::new(&rename::RENAME, Plain(rename::rename)),
    Command::new(&rename::RENAMENX, Plain(rename::renamenx)),
    Command::new(&copy::COPY, Plain(copy::copy)),
    Command::new(&move_key::MOVE, Plain(move_key::move_key)),
    Command::new(&keys::KEYS, Walking(keys::keys)),
    Command::new(&scan::SCAN, Walking(scan::scan)),
    Command::new(&randomkey::RANDOMKEY, Plain(randomkey::randomkey)),
    Command::new(&dbsize::DBSIZE, Plain(dbsize::dbsize)),
    Command { spec: &object::OBJECT, run: Plain(object::object), subcommands: object::SUBCOMMANDS },
    Command::new(&sort::SORT, Plain(sort::sort)),
    Command::new(&sort::SORT_RO, Plain(sort::sort_ro)),
    Command::new(&dump::DUMP, Plain(dump::dump)),
    Command::new(&restore::RESTORE, Plain(restore::restore)),
    Command::new(&migrate::MIGRATE, Partly(migrate::migrate)),
];

/// The database that an argument names.
fn database(cx: &Cx<'_, '_>, arg: &[u8]) -> Result<u16, Error> {
    let number = i32::try_from(int(arg)?).map_err(|_| {
        Error::text("ERR value is out of range, value must between -2147483648 and 2147483647")
    })?;
    let known = usize::try_from(number).ok().filter(|&db| db < cx.keys.space().databases());
    known.map(|db| db as u16).ok_or(Error::DbIndexOutOfRange)
}

/// The same entry under another name; its value is moved.
fn renamed(entry: EntryBox, key: &[u8]) -> EntryBox {
    let (expire_at_ms, lru, is_raw) = {
        let old = entry.as_ref();
        (old.expire_at(), old.lru(), old.is_raw())
    };
    let mut new = EntryBox::new(key, entry.into_value(), expire_at_ms);
    new.as_ref().set_lru(lru);
    if is_raw {
        new.set_raw();
    }
    new
}
