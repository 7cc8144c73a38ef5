//! The bytes of the snapshot and of the log: docs/formats-fleet.md.
//!
//! A body is read exactly as it was written or not at all: the checksum is over its very bytes.

use super::upgrade;
use fleet::{Command, Fleet};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::io::{self, Write};

/// Raised with every change, for a program that ignores what it does not know would lose it at its next snapshot.
pub(crate) const VERSION: u32 = 4;

/// Why bytes cannot be used.
#[derive(Debug)]
pub(crate) enum Why {
    /// A later program wrote them.
    Newer(u32),
    /// They are not what was written.
    Damaged(String),
}

/// What is decided together.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) sequence: u64,
    pub(crate) at_ms: u64,
    pub(crate) commands: Vec<(String, Command)>,
}

/// The snapshot's outside. Version 1 has none of these fields.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    version: u32,
    crc32: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

#[derive(Deserialize)]
struct Version {
    version: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct Body<F> {
    sequence: u64,
    fleet: F,
}

/// The first line of a log.
#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
}

pub(crate) fn snapshot(sequence: u64, fleet: &Fleet) -> io::Result<Vec<u8>> {
    let body = serde_json::value::to_raw_value(&Body { sequence, fleet })?;
    let crc32 = sum(body.get().as_bytes());
    Ok(serde_json::to_vec(&Envelope { version: VERSION, crc32, body: &body })?)
}

/// Its version, its sequence and the fleet, in today's shape.
pub(crate) fn read_snapshot(bytes: &[u8]) -> Result<(u32, u64, Fleet), Why> {
    let Version { version } = serde_json::from_slice(bytes).map_err(damaged)?;
    let Some(version) = version else {
        let mut body: Body<serde_json::Value> = serde_json::from_slice(bytes).map_err(damaged)?;
        upgrade::from_1(&mut body.fleet).ok_or_else(|| Why::Damaged("a field is missing".into()))?;
        let fleet = serde_json::from_value(body.fleet).map_err(damaged)?;
        return Ok((1, body.sequence, fleet));
    };
    match version {
        // What earlier versions do not have begins empty (`serde(default)`).
        2..=VERSION => {}
        ..2 => return Err(Why::Damaged(format!("version {version}"))),
        _ => return Err(Why::Newer(version)),
    }
    let envelope: Envelope<'_> = serde_json::from_slice(bytes).map_err(damaged)?;
    if envelope.crc32 != sum(envelope.body.get().as_bytes()) {
        return Err(Why::Damaged("its checksum does not match".into()));
    }
    let body: Body<Fleet> = serde_json::from_str(envelope.body.get()).map_err(damaged)?;
    Ok((version, body.sequence, body.fleet))
}

pub(crate) fn log_head() -> io::Result<Vec<u8>> {
    framed(&Head { version: VERSION })
}

/// The version of a log: version 1 has no head.
pub(crate) fn log_version(bytes: &[u8]) -> Result<u32, Why> {
    let first = bytes.split_inclusive(|byte| *byte == b'\n').next().and_then(unframed);
    match first.map(serde_json::from_slice::<Head>) {
        Some(Ok(Head { version })) if version > VERSION => Err(Why::Newer(version)),
        Some(Ok(Head { version })) => Ok(version),
        _ => Ok(1),
    }
}

pub(crate) fn line(sequence: u64, at_ms: u64, commands: &[(String, Command)]) -> io::Result<Vec<u8>> {
    framed(&(sequence, at_ms, commands))
}

/// The lines of a log. Where a crash has left a hole they end, and so they do before a last one without its end.
pub(crate) fn read_log(bytes: &[u8], version: u32) -> Result<Vec<Line>, Why> {
    let hole = hole(bytes);
    let until_hole = &bytes[..hole.unwrap_or(bytes.len())];
    let whole = until_hole.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let rows = bytes[..whole].split_inclusive(|byte| *byte == b'\n').enumerate();
    let mut lines = Vec::new();
    for (number, row) in rows.skip(usize::from(version > 1)) {
        lines.push(line_of(row, version).ok_or_else(|| Why::Damaged(format!("line {}", number + 1)))?);
    }
    if let Some(at) = hole
        && (whole == 0 || is_synced_before_the_end(&bytes[at..], version))
    {
        let number = bytes[..whole].iter().filter(|byte| **byte == b'\n').count() + 1;
        return Err(Why::Damaged(format!("line {number}")));
    }
    Ok(lines)
}

/// The least that a disk writes as a whole.
const SECTOR_BYTES: usize = 512;

/// Where zeros begin that stand for what a crash has kept from the disk: up to the end of a sector, or of the file. No line has
/// a zero, and zeros of another kind are damage.
fn hole(bytes: &[u8]) -> Option<usize> {
    let from = bytes.iter().position(|byte| *byte == 0)?;
    let zeros = bytes[from..].iter().take_while(|byte| **byte == 0).count();
    let end = from + zeros;
    (end == bytes.len() || end.is_multiple_of(SECTOR_BYTES)).then_some(from)
}

/// Whether something was written behind a decision that was promised: by then a sync had kept everything before.
fn is_synced_before_the_end(bytes: &[u8], version: u32) -> bool {
    let mut rows = bytes.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(row) = rows.next() {
        let promised = line_of(row, version).is_some_and(|line| super::is_promised(&line.commands));
        if promised && rows.peek().is_some() {
            return true;
        }
    }
    false
}

fn line_of(row: &[u8], version: u32) -> Option<Line> {
    unframed(row).and_then(|body| parse(body, version))
}

fn parse(body: &[u8], version: u32) -> Option<Line> {
    if version == 1 {
        let (sequence, at_ms, region, command) = serde_json::from_slice(body).ok()?;
        return Some(Line { sequence, at_ms, commands: vec![(region, command)] });
    }
    let (sequence, at_ms, commands) = serde_json::from_slice(body).ok()?;
    Some(Line { sequence, at_ms, commands })
}

fn framed(body: &impl Serialize) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(body)?;
    let mut bytes = Vec::with_capacity(body.len() + 10);
    write!(bytes, "{} ", sum(&body))?;
    bytes.extend(body);
    bytes.push(b'\n');
    Ok(bytes)
}

/// The body of a whole line that is as it was written.
fn unframed(line: &[u8]) -> Option<&[u8]> {
    let (sum_and_space, body) = line.strip_suffix(b"\n")?.split_at_checked(9)?;
    (sum_and_space == format!("{} ", sum(body)).as_bytes()).then_some(body)
}

fn sum(body: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(body))
}

fn damaged(error: serde_json::Error) -> Why {
    Why::Damaged(error.to_string())
}
