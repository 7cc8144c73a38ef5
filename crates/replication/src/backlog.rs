//! The backlog: the latest bytes of the stream, shared by all links that still have to send them.
//!
//! ```text
//!        start                                             end = master_repl_offset
//!          ▼                                                 ▼
//!          ├─ block ─┼─ block ─┼────── block ──────┼─ block ─┤ room
//!               ▲                        ▲               ▲
//!            reader 2                 repl-backlog-size   reader 1
//!            (slow: pins)             back from the end   (nearly caught up)
//! ```
//!
//! A byte is stored once, whatever the number of replicas: a reader is an offset, and its unsent bytes are
//! whatever lies between that offset and the end. Blocks are dropped from the front, whole, as long as
//! what remains covers `repl-backlog-size` and no reader needs the block. A long command lies in many
//! blocks. So the history may be longer than the limit, by part of a block or by what a slow reader holds
//! back, and a replica may resume from any byte that is still there, as in Redis 7.
//!
//! The last block is filled up before another one begins. A large buffer of the stream becomes a block as it is
//! ([`Backlog::append_buffer`]), and blocks that are dropped are filled again: at a steady pace bytes are not copied here
//! and no memory is asked for.
//!
//! **Invariant:** blocks are contiguous: each begins where the one before it ends, the last ends at `end`.
//! **Invariant:** no reader stands before `start` or behind `end`.

use std::collections::VecDeque;
use std::mem;

/// Room of a block that small appends share. As large as Redis's reply chunks: big enough for a
/// `writev` to be worth it, small enough that trimming by blocks stays close to the limit.
const BLOCK_BYTES: usize = 16 * 1024;
/// The largest buffer that becomes a block: the end of the history is kept by whole blocks.
const MAX_BLOCK_BYTES: usize = 256 * 1024;
/// At least this many blocks fit into `repl-backlog-size`.
const BLOCKS_OF_LIMIT: u64 = 4;
/// Dropped blocks that are kept for reuse.
const SPARE_BLOCKS: usize = 2;

/// What a block costs besides its bytes: its place in the queue and the allocation's header.
const BLOCK_OVERHEAD_BYTES: usize = size_of::<Block>() + 16;

/// The memory that a buffer takes as a block or a spare, in bytes.
fn taken(bytes: &Vec<u8>) -> usize {
    memory::size_class(bytes.capacity()) + BLOCK_OVERHEAD_BYTES
}

#[derive(Debug)]
struct Block {
    start: u64,
    bytes: Vec<u8>,
}

impl Block {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    fn room(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }
}

/// A reader's handle, valid until [`Backlog::close_reader`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReaderId(u32);

/// The retained end of the replication stream and the readers that hold it.
#[derive(Debug)]
pub struct Backlog {
    blocks: VecDeque<Block>,
    spare: Vec<Vec<u8>>,
    start: u64,
    end: u64,
    limit: u64,
    readers: Vec<Option<u64>>,
    /// What blocks and spares take, with their free room and bookkeeping.
    held: usize,
}

impl Backlog {
    /// An empty backlog of `limit_bytes` whose first byte will be byte `offset + 1`.
    pub fn new(offset: u64, limit_bytes: u64) -> Backlog {
        Backlog {
            blocks: VecDeque::new(),
            spare: Vec::new(),
            start: offset,
            end: offset,
            limit: limit_bytes,
            readers: Vec::new(),
            held: 0,
        }
    }

    /// Appends to the stream and returns the new end offset.
    pub fn append(&mut self, bytes: &[u8]) -> u64 {
        let room = self.blocks.back().map_or(0, Block::room);
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        if let Some(last) = self.blocks.back_mut() {
            last.bytes.extend_from_slice(first);
            self.end += first.len() as u64;
        }
        for piece in rest.chunks(self.block_bytes()) {
            let mut bytes = self.take_spare().unwrap_or_default();
            bytes.reserve_exact(piece.len().max(BLOCK_BYTES));
            bytes.extend_from_slice(piece);
            self.push(bytes);
        }
        self.trim();
        self.end
    }

    /// Appends a buffer, which is empty afterwards, and returns the new end offset. One of a block's size becomes a
    /// block, and another takes its place.
    pub fn append_buffer(&mut self, buffer: &mut Vec<u8>) -> u64 {
        let len = buffer.len();
        let is_block = (BLOCK_BYTES..=MAX_BLOCK_BYTES).contains(&len)
            && len as u64 <= self.limit / BLOCKS_OF_LIMIT
            && buffer.capacity() <= 2 * len;
        if !is_block {
            self.append(buffer);
            buffer.clear();
            return self.end;
        }
        // What comes next is about as much.
        let spare = self.take_spare().unwrap_or_else(|| Vec::with_capacity(buffer.capacity()));
        self.push(mem::replace(buffer, spare));
        self.trim();
        self.end
    }

    /// How long a block may become: dropped as a whole, it must not hold back much more than the limit.
    fn block_bytes(&self) -> usize {
        let part = usize::try_from(self.limit / BLOCKS_OF_LIMIT).unwrap_or(usize::MAX);
        part.clamp(BLOCK_BYTES, MAX_BLOCK_BYTES)
    }

    fn push(&mut self, bytes: Vec<u8>) {
        let start = self.end;
        self.end += bytes.len() as u64;
        self.held += taken(&bytes);
        self.blocks.push_back(Block { start, bytes });
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

    /// Bytes of memory held beyond the limit: for slow readers, in the free room of blocks, and for a part of a block.
    pub fn beyond_limit(&self) -> u64 {
        (self.memory() as u64).saturating_sub(self.limit)
    }

    fn take_spare(&mut self) -> Option<Vec<u8>> {
        let spare = self.spare.pop()?;
        self.held -= taken(&spare);
        Some(spare)
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

    /// Bytes of memory held: the blocks with their free room, those kept for reuse, and their bookkeeping.
    pub fn memory(&self) -> usize {
        self.held + self.readers.capacity() * size_of::<Option<u64>>()
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
        let first = self.blocks.partition_point(|block| block.end() <= offset);
        self.blocks.range(first..).map(move |block| {
            let skip = offset.saturating_sub(block.start) as usize;
            &block.bytes[skip..]
        })
    }

    fn trim(&mut self) {
        // The last block has room for what comes.
        while self.blocks.len() > 1 {
            let front_end = self.blocks[0].end();
            let needed = self.end - front_end < self.limit
                || self.readers.iter().flatten().any(|position| *position < front_end);
            if needed {
                return;
            }
            self.start = front_end;
            let Some(Block { mut bytes, .. }) = self.blocks.pop_front() else { return };
            if self.spare.len() < SPARE_BLOCKS && bytes.capacity() <= 2 * MAX_BLOCK_BYTES {
                bytes.clear();
                self.spare.push(bytes);
            } else {
                self.held -= taken(&bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is counted is what is there.
    fn check_account(backlog: &Backlog) {
        let blocks = backlog.blocks.iter().map(|block| &block.bytes).chain(&backlog.spare);
        let held: usize = blocks.map(taken).sum();
        assert_eq!(backlog.held, held);
    }

    #[test]
    fn a_long_command_stays_no_longer_than_any_other() {
        const LIMIT: usize = 1 << 20;
        let mut backlog = Backlog::new(0, LIMIT as u64);
        let reader = backlog.open_reader(0).expect("it is there");
        let long = vec![b'x'; 50 << 20];
        for _ in 0..2 {
            backlog.append(&long);
            backlog.append_buffer(&mut long.clone());
            assert_eq!(backlog.unsent(reader), 2 * long.len() as u64, "it is not sent yet");
            backlog.advance(reader, 2 * long.len() as u64);
            assert!(backlog.histlen() >= LIMIT as u64);
            assert!(
                backlog.memory() < LIMIT + (SPARE_BLOCKS + 2) * 2 * MAX_BLOCK_BYTES,
                "{}",
                backlog.memory()
            );
        }
    }

    fn read_slices(backlog: &Backlog, offset: u64) -> Vec<&[u8]> {
        backlog.slice_from(offset).collect()
    }

    fn read(backlog: &Backlog, offset: u64) -> Vec<u8> {
        read_slices(backlog, offset).concat()
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
    fn a_large_buffer_becomes_a_block_and_dropped_blocks_are_filled_again() {
        let mut backlog = Backlog::new(0, 1 << 20);
        let mut buffer = Vec::new();
        let mut places = std::collections::HashSet::new();
        for _ in 0..100 {
            buffer.resize(100_000, 7);
            buffer.shrink_to_fit();
            let place = buffer.as_ptr();
            let end = backlog.append_buffer(&mut buffer);
            assert!(buffer.is_empty());
            let last = read_slices(&backlog, end - 100_000);
            assert_eq!((last.len(), last[0].as_ptr(), last[0].len()), (1, place, 100_000));
            places.insert(place);
        }
        assert!(places.len() <= 20, "{} buffers for a history of eleven", places.len());
        backlog.append(b"more");
        assert_eq!(read(&backlog, backlog.end() - 6), b"\x07\x07more");
    }

    #[test]
    fn a_buffer_that_would_waste_memory_or_outlive_the_limit_is_copied() {
        for (len, capacity, limit) in
            [(1000, 1000, 1 << 20), (20_000, 90_000, 1 << 20), (20_000, 20_000, 40_000)]
        {
            let mut backlog = Backlog::new(0, limit);
            let mut buffer = Vec::with_capacity(capacity);
            buffer.resize(len, 1);
            let place = buffer.as_ptr();
            backlog.append_buffer(&mut buffer);
            assert_eq!((buffer.as_ptr(), buffer.len()), (place, 0), "{len} {capacity} {limit}");
            assert_eq!(read(&backlog, 0), vec![1; len]);
        }
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
            for (length, sent, is_buffer) in steps {
                let mut chunk: Vec<u8> = (0..length).map(|i| (model.len() + i) as u8).collect();
                model.extend_from_slice(&chunk);
                let end = if is_buffer { backlog.append_buffer(&mut chunk) } else { backlog.append(&chunk) };
                prop_assert_eq!(end, model.len() as u64);
                prop_assert_eq!(backlog.end(), end);
                let position = backlog.position(reader);
                prop_assert_eq!(read(&backlog, position), &model[position as usize..]);
                backlog.advance(reader, sent.min(backlog.unsent(reader)));
                let start = backlog.first_byte_offset() - 1;
                prop_assert_eq!(read(&backlog, start), &model[start as usize..]);
                prop_assert!(backlog.histlen() >= 30_000.min(model.len() as u64));
                check_account(&backlog);
            }
        }
    }
}
