//! The backlog: the latest bytes of the stream, shared by everyone who still has to send them.
//!
//! ```text
//!        start                                             end = master_repl_offset
//!          ▼                                                 ▼
//!          ├─ block ─┼─ block ─┼────── block ──────┼─ tail ──┤
//!               ▲                        ▲               ▲
//!            reader 2                 repl-backlog-size   reader 1
//!            (slow: pins)             back from the end   (nearly caught up)
//! ```
//!
//! A byte is stored once, whatever the number of replicas: a reader is an offset, and its unsent bytes are
//! whatever lies between that offset and the end. Blocks are dropped from the front, whole, as long as
//! what remains covers `repl-backlog-size` and no reader needs the block; so the history may be longer
//! than the limit, by part of a block or by what a slow reader holds back, and a replica may resume from
//! any byte that is still there, as in Redis 7.
//!
//! Sealed blocks and the tail are [`Bytes`] of one allocation each, so a handle to unsent bytes can be given
//! to a send that outlives the borrow ([`Backlog::share_from`]) without copying; taking one seals the
//! tail's written part and leaves its room for what follows.
//!
//! **Invariant:** blocks are contiguous: each begins where the one before it ends, the tail at the last end.
//! **Invariant:** no reader stands before `start` or behind `end`.

use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// Room of a block that small appends share. As large as Redis's reply chunks: big enough for a
/// `writev` to be worth it, small enough that trimming by blocks stays close to the limit.
const BLOCK_BYTES: usize = 16 * 1024;

/// What a block costs besides its bytes: its place in the queue and the allocation's header.
const BLOCK_OVERHEAD_BYTES: usize = size_of::<Block>() + 32;

#[derive(Debug)]
struct Block {
    start: u64,
    bytes: Bytes,
}

impl Block {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

/// A reader's handle, valid until [`Backlog::close_reader`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReaderId(u32);

/// The retained end of the replication stream and the readers that hold it.
#[derive(Debug)]
pub struct Backlog {
    blocks: VecDeque<Block>,
    tail: BytesMut,
    start: u64,
    end: u64,
    limit: u64,
    readers: Vec<Option<u64>>,
}

impl Backlog {
    /// An empty backlog of `limit_bytes` whose first byte will be byte `offset + 1`.
    pub fn new(offset: u64, limit_bytes: u64) -> Backlog {
        Backlog {
            blocks: VecDeque::new(),
            tail: BytesMut::new(),
            start: offset,
            end: offset,
            limit: limit_bytes,
            readers: Vec::new(),
        }
    }

    /// Appends to the stream and returns the new end offset.
    pub fn append(&mut self, bytes: &[u8]) -> u64 {
        let room = self.tail.capacity() - self.tail.len();
        if bytes.len() <= room {
            self.tail.extend_from_slice(bytes);
            self.end += bytes.len() as u64;
        } else {
            let (first, rest) = bytes.split_at(room);
            self.tail.extend_from_slice(first);
            self.end += first.len() as u64;
            self.seal();
            self.tail = BytesMut::with_capacity(rest.len().max(BLOCK_BYTES));
            self.tail.extend_from_slice(rest);
            self.end += rest.len() as u64;
        }
        self.trim();
        self.end
    }

    /// The offset of the last byte: `master_repl_offset`.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The offset of the first byte that is still there: `repl_backlog_first_byte_offset`.
    pub fn first_byte_offset(&self) -> u64 {
        self.start + 1
    }

    /// Number of bytes that are there: `repl_backlog_histlen`.
    pub fn histlen(&self) -> u64 {
        self.end - self.start
    }

    /// `repl-backlog-size` in bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Changes `repl-backlog-size`, dropping at once what is no longer covered.
    pub fn resize(&mut self, limit_bytes: u64) {
        self.limit = limit_bytes;
        self.trim();
    }

    /// Bytes of memory held: the blocks, the tail with its free room, and their bookkeeping.
    pub fn memory(&self) -> usize {
        let sealed: usize = self.blocks.iter().map(|block| block.bytes.len() + BLOCK_OVERHEAD_BYTES).sum();
        sealed + self.tail.capacity() + self.readers.capacity() * size_of::<Option<u64>>()
    }

    /// Whether every byte behind the first `offset` is there.
    pub fn covers(&self, offset: u64) -> bool {
        (self.start..=self.end).contains(&offset)
    }

    /// Opens a reader that still needs every byte behind the first `offset`; `None` when they are gone.
    pub fn open_reader(&mut self, offset: u64) -> Option<ReaderId> {
        if !self.covers(offset) {
            return None;
        }
        let free = self.readers.iter().position(Option::is_none);
        let index = free.unwrap_or_else(|| {
            self.readers.push(None);
            self.readers.len() - 1
        });
        self.readers[index] = Some(offset);
        Some(ReaderId(index as u32))
    }

    /// The number of bytes of history that the reader is done with.
    pub fn position(&self, reader: ReaderId) -> u64 {
        self.readers[reader.0 as usize].expect("the reader is open")
    }

    /// Bytes the reader has not sent yet.
    pub fn unsent(&self, reader: ReaderId) -> u64 {
        self.end - self.position(reader)
    }

    /// Moves a reader past `count` bytes that its socket has accepted.
    pub fn advance(&mut self, reader: ReaderId, count: u64) {
        let position = self.position(reader) + count;
        assert!(position <= self.end, "a reader cannot send what was never appended");
        self.readers[reader.0 as usize] = Some(position);
        self.trim();
    }

    /// Closes a reader and lets go of what only it held.
    pub fn close_reader(&mut self, reader: ReaderId) {
        self.readers[reader.0 as usize] = None;
        self.trim();
    }

    /// The bytes behind the first `offset`, oldest first, as slices for one `writev`. Empty when `offset`
    /// is the end.
    ///
    /// # Panics
    /// When the bytes are gone; an open reader's position never is.
    pub fn slice_from(&self, offset: u64) -> impl Iterator<Item = &[u8]> {
        assert!(self.covers(offset), "offset {offset} is outside the backlog");
        let first = self.block_holding(offset);
        let sealed = self.blocks.range(first..).map(move |block| {
            let skip = offset.saturating_sub(block.start) as usize;
            &block.bytes[skip..]
        });
        let skip = offset.saturating_sub(self.tail_start()) as usize;
        sealed.chain(std::iter::once(&self.tail[skip..])).filter(|slice| !slice.is_empty())
    }

    /// The same bytes as [`Backlog::slice_from`], at most `max_bytes` of them, as handles that keep them
    /// alive on their own: for a send that the kernel completes later.
    pub fn share_from(&mut self, offset: u64, max_bytes: usize) -> Vec<Bytes> {
        assert!(self.covers(offset), "offset {offset} is outside the backlog");
        self.seal();
        let mut left = max_bytes;
        let mut handles = Vec::new();
        for block in self.blocks.range(self.block_holding(offset)..) {
            let skip = offset.saturating_sub(block.start) as usize;
            let take = (block.bytes.len() - skip).min(left);
            if take == 0 {
                break;
            }
            handles.push(block.bytes.slice(skip..skip + take));
            left -= take;
        }
        handles
    }

    fn tail_start(&self) -> u64 {
        self.end - self.tail.len() as u64
    }

    fn block_holding(&self, offset: u64) -> usize {
        self.blocks.partition_point(|block| block.end() <= offset)
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            let start = self.tail_start();
            let bytes = self.tail.split().freeze();
            self.blocks.push_back(Block { start, bytes });
        }
    }

    fn trim(&mut self) {
        while let Some(front) = self.blocks.front() {
            let front_end = front.end();
            let needed = self.end - front_end < self.limit
                || self.readers.iter().flatten().any(|position| *position < front_end);
            if needed {
                return;
            }
            self.blocks.pop_front();
            self.start = front_end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(backlog: &Backlog, offset: u64) -> Vec<u8> {
        backlog.slice_from(offset).flatten().copied().collect()
    }

    #[test]
    fn offsets_count_from_the_given_history() {
        let mut backlog = Backlog::new(14, 1 << 20);
        assert_eq!((backlog.first_byte_offset(), backlog.histlen()), (15, 0));
        assert_eq!(backlog.append(b"hello"), 19);
        assert_eq!(read(&backlog, 14), b"hello");
        assert_eq!(read(&backlog, 17), b"lo");
        assert_eq!(read(&backlog, 19), b"");
        assert!(!backlog.covers(13) && !backlog.covers(20));
    }

    #[test]
    fn a_slow_reader_holds_the_past() {
        let mut backlog = Backlog::new(0, 1024);
        let reader = backlog.open_reader(0).unwrap();
        for _ in 0..64 {
            backlog.append(&[7; 4096]);
        }
        assert_eq!(backlog.histlen(), 64 * 4096);
        assert_eq!(backlog.unsent(reader), 64 * 4096);
        backlog.advance(reader, 60 * 4096);
        assert!(backlog.histlen() <= 1024 + 5 * BLOCK_BYTES as u64);
        backlog.close_reader(reader);
        assert!(backlog.histlen() >= 1024);
        assert!(backlog.histlen() <= 1024 + BLOCK_BYTES as u64);
        assert!(backlog.memory() >= backlog.histlen() as usize);
    }

    #[test]
    fn shared_handles_outlive_the_trim() {
        let mut backlog = Backlog::new(0, 1);
        backlog.append(b"abcdef");
        let handles = backlog.share_from(2, 3);
        backlog.append(&[0; 100_000]);
        backlog.append(&[0; 100_000]);
        assert!(!backlog.covers(2));
        assert_eq!(handles.concat(), b"cde");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn equals_the_end_of_a_plain_vector(
            steps in proptest::collection::vec((0usize..40_000, 0u64..60_000, any::<bool>()), 1..40)
        ) {
            let mut backlog = Backlog::new(0, 30_000);
            let mut model = Vec::new();
            let reader = backlog.open_reader(0).unwrap();
            for (length, sent, share) in steps {
                let chunk: Vec<u8> = (0..length).map(|i| (model.len() + i) as u8).collect();
                model.extend_from_slice(&chunk);
                prop_assert_eq!(backlog.append(&chunk), model.len() as u64);
                let position = backlog.position(reader);
                prop_assert_eq!(read(&backlog, position), &model[position as usize..]);
                if share {
                    prop_assert_eq!(backlog.share_from(position, usize::MAX).concat(), &model[position as usize..]);
                }
                backlog.advance(reader, sent.min(backlog.unsent(reader)));
                let start = backlog.first_byte_offset() - 1;
                prop_assert_eq!(read(&backlog, start), &model[start as usize..]);
                prop_assert!(backlog.histlen() >= 30_000.min(model.len() as u64));
            }
        }
    }
}
