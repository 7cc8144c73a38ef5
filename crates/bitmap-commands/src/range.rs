//! The ranges that BITCOUNT and BITPOS take: `start end [BYTE|BIT]`, both ends included, negative ones from the end.

use command_spec::Arg;
use commands::Error;
use commands::args::{int, is};
use std::ops::Range;

/// BYTE or BIT.
pub(super) const UNIT: Arg =
    Arg::one_of("unit", &[Arg::word("byte", "BYTE"), Arg::word("bit", "BIT")]).optional().since("7.0.0");

/// A part of a string, in bytes or in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) start: i64,
    /// The last one; to the end if it is not given.
    pub(super) end: Option<i64>,
    is_bits: bool,
}

/// How a command reads its range.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Grammar {
    /// Its start may come alone.
    pub(super) lone_start: bool,
    /// The unit is read after both ends, and not at all if these are in the wrong order.
    pub(super) unit_last: bool,
}

impl Part {
    /// From the arguments behind the key: none, or the range.
    pub(super) fn parse(args: &[&[u8]], grammar: Grammar) -> Result<Part, Error> {
        match args.len() {
            0 => return Ok(Part { start: 0, end: None, is_bits: false }),
            1 if grammar.lone_start => {}
            2 | 3 => {}
            _ => return Err(Error::Syntax),
        }
        let start = int(args[0])?;
        if grammar.unit_last {
            let end = args.get(1).map(|end| int(end)).transpose()?;
            let part = Part { start, end, is_bits: false };
            if part.is_backward() {
                return Ok(part);
            }
        }
        let is_bits = match args.get(2) {
            None => false,
            Some(unit) if is(unit, "BIT") => true,
            Some(unit) if is(unit, "BYTE") => false,
            Some(_) => return Err(Error::Syntax),
        };
        let end = args.get(1).map(|end| int(end)).transpose()?;
        Ok(Part { start, end, is_bits })
    }

    /// Whether it counts both ends from the end of the string and has them in the wrong order.
    pub(super) fn is_backward(&self) -> bool {
        let end = self.end.unwrap_or(-1);
        self.start < 0 && end < 0 && self.start > end
    }

    /// The bits of a string of so many bytes that it covers.
    pub(super) fn bits(&self, len_bytes: usize) -> Range<usize> {
        let scale = if self.is_bits { 1 } else { 8 };
        let len = (len_bytes * 8 / scale) as i64;
        let from_start = |at: i64| if at < 0 { (len + at).max(0) } else { at };
        let start = from_start(self.start);
        let end = from_start(self.end.unwrap_or(-1)).min(len - 1);
        if start > end { 0..0 } else { start as usize * scale..(end as usize + 1) * scale }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(line: &str, len_bytes: usize) -> Range<usize> {
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        Part::parse(&args, Grammar { lone_start: true, unit_last: false }).expect("a range").bits(len_bytes)
    }

    #[test]
    fn both_ends_are_included_and_clamped() {
        assert_eq!(bits("0 -1", 3), 0..24);
        assert_eq!(bits("1 1", 3), 8..16);
        assert_eq!(bits("-2 -1 byte", 3), 8..24);
        assert_eq!(bits("1 1 BIT", 3), 1..2);
        assert_eq!(bits("-9 -2 bit", 3), 15..23);
        assert_eq!(bits("-100 100", 3), 0..24);
        assert_eq!(bits("2 1", 3), 0..0);
        assert_eq!(bits("3 9", 3), 0..0);
        assert_eq!(bits("0 -1", 0), 0..0);
        assert_eq!(bits("1", 3), 8..24);
        assert_eq!(bits("-9223372036854775808 9223372036854775807", 3), 0..24);
    }
}
