//! What can be wrong with bytes from outside.

use std::fmt;

/// Why a stream or a file could not be read further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// How many bytes had been consumed when the fault was found: it lies in the piece that starts there.
    pub offset: u64,
    /// The key that was being loaded.
    pub key: Option<Vec<u8>>,
    /// The fault.
    pub kind: ErrorKind,
}

/// A fault in RDB bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// The first bytes are not those of an RDB file.
    #[error("Wrong signature trying to load DB from file")]
    Signature,
    /// The file's version is not one that this engine version reads.
    #[error("Can't handle RDB format version {0}")]
    Version(u16),
    /// Neither a type of value nor an opcode.
    #[error("unknown type or opcode {0}")]
    UnknownType(u8),
    /// A type of value that exists, but isn't implemented here.
    #[error("type {id} ({name}) is not supported yet")]
    UnsupportedType {
        /// The type's byte.
        id: u8,
        /// Its name.
        name: &'static str,
    },
    /// The content is inconsistent; the text says how.
    #[error("{0}")]
    Corrupt(&'static str),
    /// The checksum of the bytes differs from the stored one.
    #[error("Wrong RDB checksum expected: ({expected:x}) but got ({found:x})")]
    Checksum {
        /// The checksum of the bytes read.
        expected: u64,
        /// The stored checksum.
        found: u64,
    },
    /// The bytes end before the end mark.
    #[error("unexpected end of the data")]
    Truncated,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(key) = &self.key {
            write!(f, "cannot load key '{}': ", key.escape_ascii())?;
        }
        write!(f, "{} (at offset {})", self.kind, self.offset)
    }
}

impl std::error::Error for Error {}

/// Why a `DUMP` payload was refused. The two cases are two different errors of `RESTORE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPayload {
    /// Too short for its footer, from a newer version, or with a wrong checksum.
    #[error("DUMP payload version or checksum are wrong")]
    VersionOrChecksum,
    /// The footer is right, what it covers is not a value.
    #[error("Bad data format")]
    Format(ErrorKind),
}

/// Why a piece could not be read: the rest of it has not arrived, or it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Nothing of the piece was consumed (but see `Input::string`); try again with more bytes.
    More,
    Bad(ErrorKind),
}

impl Stop {
    pub(crate) fn corrupt(what: &'static str) -> Stop {
        Stop::Bad(ErrorKind::Corrupt(what))
    }
}
