//! Bitmaps: strings whose bits are addressed one by one.
//!
//! Bit 0 is the highest bit of the first byte. A bit or a byte beyond the end of the string is 0, so a missing key is a bitmap
//! of zeros; a write beyond the end fills the gap with them. There is no type of its own: all commands of strings apply, and
//! a string that a command of this family has written is `raw`, even if it spells an integer.
//!
//! ```text
//!   SETBIT k 9 1        byte      0        1
//!                       bit    01234567 89……
//!                              00000000 01000000
//! ```
//!
//! [`bits`] has what is done to many bytes at once, in wide words; [`field`] the integers of BITFIELD; [`range`] the ranges
//! that BITCOUNT and BITPOS take.

#![forbid(unsafe_code)]

mod bitcount;
mod bitfield;
mod bitop;
mod bitpos;
mod bits;
mod field;
mod getbit;
mod range;
mod setbit;

use commands::args::int;
use commands::{Command, Cx, Error, Handler::Plain};
use string_commands::{grow, string_len};

/// The family, in teaching order.
pub const COMMANDS: &[Command] = &[
    Command::new(&setbit::SETBIT, Plain(setbit::setbit)),
    Command::new(&getbit::GETBIT, Plain(getbit::getbit)),
    Command::new(&bitcount::BITCOUNT, Plain(bitcount::bitcount)),
    Command::new(&bitpos::BITPOS, Plain(bitpos::bitpos)),
    Command::new(&bitop::BITOP, Plain(bitop::bitop)),
    Command::new(&bitfield::BITFIELD, Plain(bitfield::bitfield)),
    Command::new(&bitfield::BITFIELD_RO, Plain(bitfield::bitfield_ro)),
];

const INVALID_OFFSET: Error = Error::text("ERR bit offset is not an integer or out of range");

/// The offset of a bit that a string may have.
fn offset(cx: &Cx<'_, '_>, arg: &[u8]) -> Result<usize, Error> {
    int(arg).and_then(|offset| in_a_string(cx, offset)).map_err(|_| INVALID_OFFSET)
}

fn in_a_string(cx: &Cx<'_, '_>, offset: i64) -> Result<usize, Error> {
    let offset = usize::try_from(offset).map_err(|_| INVALID_OFFSET)?;
    let most = cx.settings.proto_max_bulk_len_bytes as usize;
    if offset / 8 < most { Ok(offset) } else { Err(INVALID_OFFSET) }
}

/// Changes the string at a key, which reaches to this bit at least: a shorter one grows, and one that is not there is
/// created. `change` also gets whether that was so.
fn write<R>(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    last_bit: usize,
    change: impl FnOnce(&mut [u8], bool) -> R,
) -> Result<R, Error> {
    let needed = last_bit / 8 + 1;
    if let Some(mut edit) = cx.keys.edit(key) {
        let before = string_len(edit.value())?;
        let len = before.max(needed);
        if len > before {
            cx.effort.copies(len)?;
        }
        let bytes = edit.bytes_mut();
        grow(bytes, len);
        bytes.resize(len, 0);
        Ok(change(bytes, len > before))
    } else {
        cx.effort.copies(needed)?;
        let mut bytes = vec![0; needed];
        let result = change(&mut bytes, true);
        cx.keys.insert_raw_string(key, bytes);
        Ok(result)
    }
}
