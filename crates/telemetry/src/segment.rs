//! A file with the points of all series in one span of one tier. It is written once, as a whole.
//!
//! ```text
//!   head    "engram segment 1\n"
//!   blocks  CRC-32 of the block, 4 bytes · block                 one a series, in the order of their ids
//!   index   id, 4 · length of the block, 4 · its place, 8        16 bytes a series
//!   end     place of the index, 8 · CRC-32 of the index, 4 · entries, 4
//! ```
//! Numbers are little-endian. A place is that of the block's checksum.

use crate::SeriesId;
use crate::block::{self, Columns};
use crate::point::Point;
use crate::tier::Tier;
use files::{Directory, Permission, Reader};
use std::collections::BTreeMap;
use std::io;

const HEAD: &[u8] = b"engram segment 1\n";
const ENTRY_BYTES: usize = 16;
const END_BYTES: usize = 16;
const CRC_BYTES: usize = 4;

/// Writes a segment; on return it stays.
pub(crate) fn write(
    directory: &Directory,
    tier: &Tier,
    start: u64,
    series: &BTreeMap<SeriesId, Vec<Point>>,
) -> io::Result<()> {
    let (mut bytes, mut index, mut packed) = (HEAD.to_vec(), Vec::new(), Vec::new());
    for (id, points) in series {
        packed.clear();
        block::encode(&mut packed, points, start, tier.period);
        index.extend_from_slice(&id.0.to_le_bytes());
        index.extend_from_slice(&(packed.len() as u32).to_le_bytes());
        index.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&packed).to_le_bytes());
        bytes.extend_from_slice(&packed);
    }
    let place = bytes.len() as u64;
    bytes.extend_from_slice(&index);
    bytes.extend_from_slice(&place.to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&index).to_le_bytes());
    bytes.extend_from_slice(&(series.len() as u32).to_le_bytes());
    directory.publish(tier.file(start), Permission::Owner, &bytes)
}

/// A segment that is open for reading.
#[derive(Debug)]
pub(crate) struct Segment<'t> {
    reader: Reader,
    tier: &'t Tier,
    start: u64,
    /// Ids in their order, with place and length.
    index: Vec<(SeriesId, u64, u32)>,
    name: String,
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|byte| bytes[at + byte])
}

impl<'t> Segment<'t> {
    pub(crate) fn open(directory: &Directory, tier: &'t Tier, start: u64) -> io::Result<Segment<'t>> {
        let name = tier.file(start);
        let reader = directory.open(&name)?;
        let reader =
            reader.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{name} is gone")))?;
        let length = reader.length()?;
        let (mut head, mut end) = ([0; HEAD.len()], [0; END_BYTES]);
        let end_at = length.checked_sub(END_BYTES as u64).filter(|at| *at >= HEAD.len() as u64);
        let end_at = end_at.ok_or_else(|| damaged(&name, "it is too short"))?;
        reader.read_at(&mut head, 0)?;
        if head != HEAD {
            return Err(damaged(&name, "its head is another one"));
        }
        reader.read_at(&mut end, end_at)?;
        let place = u64::from_le_bytes(number(&end, 0));
        let crc = u32::from_le_bytes(number(&end, 8));
        let entries = u32::from_le_bytes(number(&end, 12)) as usize;
        if place.checked_add((entries * ENTRY_BYTES) as u64) != Some(end_at) {
            return Err(damaged(&name, "its index is not where its end says"));
        }
        let mut bytes = vec![0; entries * ENTRY_BYTES];
        reader.read_at(&mut bytes, place)?;
        if crc32fast::hash(&bytes) != crc {
            return Err(damaged(&name, "its index has another checksum"));
        }
        let entry = |bytes: &[u8]| {
            let id = SeriesId(u32::from_le_bytes(number(bytes, 0)));
            (id, u64::from_le_bytes(number(bytes, 8)), u32::from_le_bytes(number(bytes, 4)))
        };
        let index: Vec<(SeriesId, u64, u32)> = bytes.chunks_exact(ENTRY_BYTES).map(entry).collect();
        let are_blocks = index.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1)
            && index.last().is_none_or(|(_, at, length)| {
                at.checked_add((CRC_BYTES + *length as usize) as u64).is_some_and(|end| end <= place)
            });
        if !are_blocks {
            return Err(damaged(&name, "its index is of no blocks"));
        }
        Ok(Segment { reader, tier, start, index, name })
    }

    /// The series that it has points of.
    pub(crate) fn series(&self) -> Vec<SeriesId> {
        self.index.iter().map(|(id, ..)| *id).collect()
    }

    /// Hands out the points of each of these series that it has, with the place of the series in `ids`, which are in order.
    pub(crate) fn read(&self, ids: &[SeriesId], mut each: impl FnMut(usize, &Columns)) -> io::Result<()> {
        let mut columns = Columns::default();
        let mut found = Vec::with_capacity(ids.len().min(self.index.len()));
        for (asked, id) in ids.iter().enumerate() {
            if let Ok(at) = self.index.binary_search_by_key(id, |(id, ..)| *id) {
                let (_, place, length) = self.index[at];
                found.push((asked, place, CRC_BYTES + length as usize));
            }
        }
        // What lies close together is read at once.
        let mut rest = &found[..];
        while let Some((_, first, _)) = rest.first() {
            let (mut end, mut count) = (*first, 0);
            for (_, place, bytes) in rest {
                if place.saturating_sub(end) > GAP_BYTES || place - first > READ_BYTES {
                    break;
                }
                (end, count) = (place + *bytes as u64, count + 1);
            }
            let mut bytes = vec![0; (end - first) as usize];
            self.reader.read_at(&mut bytes, *first)?;
            for (asked, place, length) in &rest[..count] {
                let at = (place - first) as usize;
                let block = &bytes[at..at + length];
                let packed = &block[CRC_BYTES..];
                if crc32fast::hash(packed) != u32::from_le_bytes(number(block, 0)) {
                    return Err(damaged(&self.name, "a block has another checksum"));
                }
                let Tier { period, span, .. } = self.tier;
                let decoded = columns.decode(packed, self.start, *period, span / period);
                decoded.ok_or_else(|| damaged(&self.name, "a block cannot be understood"))?;
                each(*asked, &columns);
            }
            rest = &rest[count..];
        }
        Ok(())
    }
}

/// Blocks that are no further apart than this are read by one call.
const GAP_BYTES: u64 = 4 << 10;
/// A call reads little more than this.
const READ_BYTES: u64 = 1 << 20;

fn damaged(name: &str, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{name} is damaged: {why}"))
}
