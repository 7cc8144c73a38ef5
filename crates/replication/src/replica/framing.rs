//! The framing of the command stream: where a command ends, and which newlines stand between commands.
//!
//! A primary whose own upstream is gone sends newlines to keep its sub-replicas' links alive. They stand between
//! commands and no offset counts them. To tell them from the stream's bytes, the replica must know where commands
//! begin. Only the framing is read, counts and lengths; the arguments are skipped.
//!
//! (redis-server 7.0.15 as a replica does count such newlines with the next command, and is off by them when
//! it resumes. Counting as the primary counts is what keeps the resumed stream right.)

use std::ops::Range;

/// Longest line of a frame, `*<count>` or `$<length>` with its ending.
const MAX_LINE_BYTES: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// The start of a command, or a newline.
    Command,
    /// The line of the next argument's length; that many arguments are still to come.
    Length { arguments: u64 },
    /// Bytes of an argument and its line end; then that many arguments.
    Argument { bytes: u64, arguments: u64 },
}

/// The primary sent something that is not a command: the link cannot be trusted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Corrupt;

/// Reads frames from chunks of any size.
#[derive(Debug)]
pub(super) struct Framing {
    expect: Expect,
    line: Vec<u8>,
}

impl Framing {
    pub(super) fn new() -> Framing {
        Framing { expect: Expect::Command, line: Vec::new() }
    }

    /// Whether the bytes so far end with a whole command.
    pub(super) fn at_boundary(&self) -> bool {
        self.expect == Expect::Command && self.line.is_empty()
    }

    /// The ranges of `chunk` that belong to the stream: all but the newlines between commands.
    pub(super) fn scan(&mut self, chunk: &[u8], ranges: &mut Vec<Range<usize>>) -> Result<(), Corrupt> {
        let (mut start, mut at) = (0, 0);
        while at < chunk.len() {
            if let Expect::Argument { bytes, arguments } = self.expect {
                let skip = bytes.min((chunk.len() - at) as u64);
                at += skip as usize;
                self.expect = match (bytes - skip, arguments) {
                    (0, 0) => Expect::Command,
                    (0, arguments) => Expect::Length { arguments },
                    (bytes, arguments) => Expect::Argument { bytes, arguments },
                };
                continue;
            }
            if self.at_boundary() && chunk[at] == b'\n' {
                push(ranges, start..at);
                at += 1;
                start = at;
                continue;
            }
            let rest = &chunk[at..];
            let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            if self.line.len() + length > MAX_LINE_BYTES {
                return Err(Corrupt);
            }
            self.line.extend_from_slice(&rest[..length]);
            at += length;
            if self.line.ends_with(b"\n") {
                self.expect = next(self.expect, &self.line)?;
                self.line.clear();
            }
        }
        push(ranges, start..chunk.len());
        Ok(())
    }
}

fn push(ranges: &mut Vec<Range<usize>>, range: Range<usize>) {
    if !range.is_empty() {
        ranges.push(range);
    }
}

fn next(expect: Expect, line: &[u8]) -> Result<Expect, Corrupt> {
    match expect {
        Expect::Length { arguments } => {
            let bytes = number(line, b'$')? + 2;
            Ok(Expect::Argument { bytes, arguments: arguments - 1 })
        }
        _ => match number(line, b'*')? {
            0 => Ok(Expect::Command),
            arguments => Ok(Expect::Length { arguments }),
        },
    }
}

fn number(line: &[u8], kind: u8) -> Result<u64, Corrupt> {
    let digits = line.strip_prefix(&[kind]).and_then(|line| line.strip_suffix(b"\r\n")).ok_or(Corrupt)?;
    let text = std::str::from_utf8(digits).map_err(|_| Corrupt)?;
    let value: u32 = text.parse().map_err(|_| Corrupt)?;
    Ok(u64::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn newlines_between_commands_are_no_stream(
            commands in proptest::collection::vec((0usize..4, 0usize..70, 0usize..3), 1..12),
            cut in 1usize..40,
        ) {
            let (mut sent, mut stream) = (Vec::new(), Vec::new());
            for (arguments, length, newlines) in commands {
                let mut command = format!("*{arguments}\r\n").into_bytes();
                for _ in 0..arguments {
                    command.extend_from_slice(format!("${length}\r\n").as_bytes());
                    command.extend(std::iter::repeat_n(b'\n', length));
                    command.extend_from_slice(b"\r\n");
                }
                sent.extend(std::iter::repeat_n(b'\n', newlines));
                sent.extend_from_slice(&command);
                stream.extend_from_slice(&command);
            }
            let mut framing = Framing::new();
            let mut read = Vec::new();
            for chunk in sent.chunks(cut) {
                let mut ranges = Vec::new();
                prop_assert_eq!(framing.scan(chunk, &mut ranges), Ok(()));
                ranges.into_iter().for_each(|range| read.extend_from_slice(&chunk[range]));
            }
            prop_assert!(framing.at_boundary());
            prop_assert_eq!(read, stream);
        }
    }

    #[test]
    fn inline_commands_and_nonsense_are_corrupt() {
        for bad in [
            "PING\r\n",
            "*x\r\n",
            "*1\r\n4\r\n",
            "*-1\r\n",
            "*1\n",
            "*000000000000000000000000000000000000000",
        ] {
            assert_eq!(Framing::new().scan(bad.as_bytes(), &mut Vec::new()), Err(Corrupt), "{bad:?}");
        }
    }
}
