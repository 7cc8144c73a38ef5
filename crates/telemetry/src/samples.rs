//! The log of samples: what was recorded since the last segment.
//!
//! ```text
//!   frame: second · count · (id · value)…     varints; ids as differences to the one before, values to that series' last
//! ```

use crate::SeriesId;
use crate::column::{Input, put_signed, put_varint};
use crate::frames;
use crate::point::Value;
use files::{Appender, Directory, Permission};
use std::collections::HashMap;
use std::io;

const FILE: &str = "samples";
const HEAD: &[u8] = b"engram samples 1";

/// A second with its values, in the order of their series.
pub(crate) type Sample = (u64, Vec<(SeriesId, Value)>);

/// The log, open for appending.
#[derive(Debug)]
pub(crate) struct Log {
    file: Appender,
    last: HashMap<SeriesId, i64>,
}

impl Log {
    /// Begins it anew with these seconds, which are on the disk when it returns.
    pub(crate) fn begin(directory: &Directory, samples: &[Sample]) -> io::Result<Log> {
        let (mut bytes, mut last) = (frames::frame(HEAD), HashMap::new());
        for (at, values) in samples {
            bytes.extend(frames::frame(&encode(*at, values, &mut last)));
        }
        directory.publish(FILE, Permission::Owner, &bytes)?;
        Ok(Log { file: directory.append(FILE)?, last })
    }

    pub(crate) fn append(&mut self, at: u64, values: &[(SeriesId, Value)]) -> io::Result<()> {
        let body = encode(at, values, &mut self.last);
        self.file.append(&frames::frame(&body))
    }

    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}

/// What a log holds, up to where a crash tore it.
pub(crate) fn read(directory: &Directory) -> io::Result<Vec<Sample>> {
    let bytes = directory.read(FILE)?.unwrap_or_default();
    let mut last = HashMap::new();
    let decode = |body| decode(body, &mut last);
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, format!("{FILE} is damaged"));
    frames::behind_head(&bytes, HEAD, FILE)?.map(decode).map(|sample| sample.ok_or_else(damaged)).collect()
}

fn encode(at: u64, values: &[(SeriesId, Value)], last: &mut HashMap<SeriesId, i64>) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + values.len() * 3);
    put_varint(&mut out, at);
    put_varint(&mut out, values.len() as u64);
    let mut before = 0;
    for (id, value) in values {
        put_varint(&mut out, u64::from(id.0 - before));
        before = id.0;
        let last = last.entry(*id).or_default();
        put_signed(&mut out, value.thousandths().wrapping_sub(*last));
        *last = value.thousandths();
    }
    out
}

fn decode(body: &[u8], last: &mut HashMap<SeriesId, i64>) -> Option<Sample> {
    let mut input = Input(body);
    let (at, count) = (input.varint()?, input.varint()?);
    let mut values = Vec::new();
    let mut id = 0_u32;
    for _ in 0..count {
        id = id.checked_add(u32::try_from(input.varint()?).ok()?)?;
        let last = last.entry(SeriesId(id)).or_default();
        *last = last.wrapping_add(input.signed()?);
        values.push((SeriesId(id), Value::from_thousandths(*last)));
    }
    input.0.is_empty().then_some((at, values))
}
