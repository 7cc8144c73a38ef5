//! Counts replies in a stream of bytes, wherever it is cut, and notices errors.
//!
//! Knows the flat RESP2 types only: that is what the load's commands answer.

use anyhow::{Result, bail};

/// Longest first line of a reply that is not an error.
const MAX_LINE_BYTES: usize = 512;

/// Where in the stream a connection is.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// Bytes of a bulk string and its end that are still to come.
    to_skip: usize,
    /// The start of a line whose end has not come.
    line: Vec<u8>,
    /// Replies that were nil.
    pub(crate) misses: u64,
}

impl Replies {
    /// Takes the next bytes; how many replies they complete. An error reply is an error.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<u64> {
        let mut complete = 0;
        while !bytes.is_empty() {
            if self.to_skip > 0 {
                let skipped = self.to_skip.min(bytes.len());
                bytes = &bytes[skipped..];
                self.to_skip -= skipped;
                complete += u64::from(self.to_skip == 0);
                continue;
            }
            let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
                self.line.extend_from_slice(bytes);
                if self.line.len() > MAX_LINE_BYTES {
                    bail!("a reply's first line is too long: {}", String::from_utf8_lossy(&self.line));
                }
                break;
            };
            let (line, rest) = bytes.split_at(end + 1);
            bytes = rest;
            if self.line.is_empty() {
                complete += self.line(line)?;
            } else {
                self.line.extend_from_slice(line);
                let line = std::mem::take(&mut self.line);
                complete += self.line(&line)?;
            }
        }
        Ok(complete)
    }

    /// A whole first line: 1 if the reply ends with it.
    fn line(&mut self, line: &[u8]) -> Result<u64> {
        match line {
            [b'+' | b':', ..] => Ok(1),
            b"$-1\r\n" => {
                self.misses += 1;
                Ok(1)
            }
            [b'$', digits @ .., b'\r', b'\n']
                if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) =>
            {
                let length = digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
                self.to_skip = length + 2;
                Ok(0)
            }
            _ => bail!("the server answered {:?}", String::from_utf8_lossy(line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_does_not_depend_on_the_cuts() {
        let stream = b"+OK\r\n$3\r\na\nb\r\n$-1\r\n:17\r\n$0\r\n\r\n+PONG\r\n";
        for size in 1..=stream.len() {
            let mut replies = Replies::default();
            let complete: u64 = stream.chunks(size).map(|bytes| replies.feed(bytes).expect("fine")).sum();
            assert_eq!((complete, replies.misses), (6, 1), "in chunks of {size}");
        }
    }

    #[test]
    fn a_reply_is_complete_with_its_last_byte() {
        let mut replies = Replies::default();
        assert_eq!(replies.feed(b"$2\r\nab\r").expect("fine"), 0);
        assert_eq!(replies.feed(b"\n").expect("fine"), 1);
    }

    #[test]
    fn errors_and_unknown_types_are_noticed() {
        for stream in [b"-ERR no\r\n".as_slice(), b"*1\r\n", b"$x\r\n", b"\r\n", &[b'+'; 600]] {
            assert!(Replies::default().feed(stream).is_err(), "{:?}", String::from_utf8_lossy(stream));
        }
    }
}
