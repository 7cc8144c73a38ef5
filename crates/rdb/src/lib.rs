//! RDB files and `DUMP` payloads: the bytes of snapshots, full syncs and single values.
//!
//! ```text
//!   values ──▶ write_entry ──▶ Writer ──▶ chunks of bytes      (file, replica, backup: the caller's)
//!   chunks of bytes ──▶ Reader::feed ──▶ Reader::next ──▶ items
//!   value ──▶ dump ──▶ payload ──▶ restore ──▶ value
//! ```
//!
//! Byte-compatible in both directions with Redis 7.0 (RDB version 10), Redis 7.2 to Valkey 8.2 (11) and Valkey 9 (80). It
//! reads also what all their predecessors wrote. `docs/formats-rdb.md` draws the bytes.
//!
//! The codec knows nothing of files, sockets, clocks, databases' contents or memory limits: what comes in is bytes and
//! values, what goes out is values and bytes. It does not trust its input: an announced length allocates only as bytes
//! arrive, and every packed structure is checked to its last entry before it becomes part of a value.
//!
//! Each type of value is one file in `types`, with how it is written, how its current and older encodings are
//! loaded, and nothing else; `types` lists them.

#![forbid(unsafe_code)]

mod crc64;
mod dump;
mod encode;
mod error;
mod input;
mod lzf;
mod opcode;
mod pieces;
mod reader;
mod types;
mod writer;

pub use crc64::{Crc64, crc64};
pub use dump::{dump, dump_of_no_functions, restore, restore_unverified};
pub use encode::Sink;
pub use error::{BadPayload, Error, ErrorKind};
pub use pieces::{PieceOptions, Pieces, write_text};
pub use reader::{Checksum, Item, LAST_OF_REDIS, Reader, ReaderOptions};
pub use writer::{AuxFields, FIRST_OF_VALKEY, ReplicationAux, SaveOptions, Writer, write_entry};

/// What precedes a key besides its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EntryMeta {
    /// When the key expires, in milliseconds since the Unix epoch.
    pub expire_ms: Option<i64>,
    /// For how many seconds the key had not been used; written when an LRU policy is set.
    pub idle_s: Option<u64>,
    /// The key's logarithmic access counter; written when an LFU policy is set.
    pub freq: Option<u8>,
}
