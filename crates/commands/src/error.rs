//! Command errors: each one's `Display` is the exact text on the wire, without the leading `-`.

use std::borrow::Cow;
use std::fmt;

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The key holds another type.
    WrongType,
    /// The arguments do not follow the command's grammar.
    Syntax,
    /// A value or an argument is not an integer, or does not fit 64 bits.
    NotInteger,
    /// A value or an argument is not a number.
    NotFloat,
    /// An increment would leave 64 bits.
    Overflow,
    /// DECRBY with the smallest integer, which cannot be negated.
    DecrementOverflow,
    /// An increment would give NaN or infinity.
    NanOrInfinity,
    /// A count or an index outside of what the command takes.
    OutOfRange,
    /// A negative or too large number in place of a count.
    NotPositive,
    /// RENAME, OBJECT, LSET … of a key that does not exist.
    NoSuchKey,
    /// LSET of an element that does not exist.
    IndexOutOfRange,
    /// A negative offset into a string.
    OffsetOutOfRange,
    /// The string would grow beyond `proto-max-bulk-len`.
    StringTooLong,
    /// An expiry that is not positive or overflows, of the command of this name.
    InvalidExpire(&'static str),
    /// A cursor that is not a number.
    InvalidCursor,
    /// A timeout that is negative.
    NegativeTimeout,
    /// A timeout that is not a number, or is too large.
    InvalidTimeout,
    /// A key would be copied or moved onto itself.
    SameObject,
    /// No database has this number.
    DbIndexOutOfRange,
    /// An unknown word where EXPIRE takes a condition.
    UnsupportedOption(String),
    /// A wrong number of arguments for the command of this (full) name.
    Arity(Cow<'static, str>),
    /// An unknown subcommand of the container of this name.
    UnknownSubcommand(&'static str, String),
    /// Any other text, with its code.
    Other(Cow<'static, str>),
    /// A text that shows what was sent byte for byte.
    Bytes(Box<[u8]>),
    /// Not an error for the client: another thread holds the slot. Nothing has happened yet; run the command again when
    /// it is free.
    SlotBusy(u16),
    /// Not an error for the client: the command would take long. Nothing has happened yet; run it again where no client
    /// waits.
    Lengthy,
}

impl Error {
    /// An error with this text, code included.
    pub const fn text(text: &'static str) -> Error {
        Error::Other(Cow::Borrowed(text))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::WrongType => {
                f.write_str("WRONGTYPE Operation against a key holding the wrong kind of value")
            }
            Error::Syntax => f.write_str("ERR syntax error"),
            Error::NotInteger => f.write_str("ERR value is not an integer or out of range"),
            Error::NotFloat => f.write_str("ERR value is not a valid float"),
            Error::Overflow => f.write_str("ERR increment or decrement would overflow"),
            Error::DecrementOverflow => f.write_str("ERR decrement would overflow"),
            Error::NanOrInfinity => f.write_str("ERR increment would produce NaN or Infinity"),
            Error::OutOfRange => f.write_str("ERR value is out of range"),
            Error::NotPositive => f.write_str("ERR value is out of range, must be positive"),
            Error::NoSuchKey => f.write_str("ERR no such key"),
            Error::IndexOutOfRange => f.write_str("ERR index out of range"),
            Error::OffsetOutOfRange => f.write_str("ERR offset is out of range"),
            Error::StringTooLong => {
                f.write_str("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
            }
            Error::InvalidExpire(name) => write!(f, "ERR invalid expire time in '{name}' command"),
            Error::InvalidCursor => f.write_str("ERR invalid cursor"),
            Error::NegativeTimeout => f.write_str("ERR timeout is negative"),
            Error::InvalidTimeout => f.write_str("ERR timeout is not a float or out of range"),
            Error::SameObject => f.write_str("ERR source and destination objects are the same"),
            Error::DbIndexOutOfRange => f.write_str("ERR DB index is out of range"),
            Error::UnsupportedOption(word) => write!(f, "ERR Unsupported option {word}"),
            Error::Arity(name) => write!(f, "ERR wrong number of arguments for '{name}' command"),
            Error::UnknownSubcommand(container, sub) => {
                write!(f, "ERR unknown subcommand '{sub:.128}'. Try {container} HELP.")
            }
            Error::Other(text) => f.write_str(text),
            Error::Bytes(line) => f.write_str(&String::from_utf8_lossy(line)),
            Error::SlotBusy(slot) => write!(f, "TRYAGAIN slot {slot} is busy"),
            Error::Lengthy => f.write_str("TRYAGAIN the command takes long"),
        }
    }
}

impl std::error::Error for Error {}

impl From<keyspace::SlotBusy> for Error {
    fn from(busy: keyspace::SlotBusy) -> Error {
        Error::SlotBusy(busy.0.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_clients_match_on() {
        assert_eq!(Error::Arity("set".into()).to_string(), "ERR wrong number of arguments for 'set' command");
        assert_eq!(
            Error::UnknownSubcommand("OBJECT", "foo".into()).to_string(),
            "ERR unknown subcommand 'foo'. Try OBJECT HELP."
        );
        assert!(Error::WrongType.to_string().starts_with("WRONGTYPE "));
    }
}
