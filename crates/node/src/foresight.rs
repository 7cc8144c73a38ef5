//! How much of a value the next command is expected to use, so that no more and no less of it is prefetched.
//!
//! Nobody knows the size of a value before its entry has been read, and that is the cache miss to be avoided. A command that
//! writes brings the new value with it, and it mostly takes the place of one of the same size. For one that reads, the
//! last replies of the same command tell: they are sampled once a chunk, which costs nothing.

use command_table::Command;
use keyspace::Expected;

/// What replies of each command were like; see the module.
#[derive(Debug, Default)]
pub(crate) struct Foresight {
    /// Moving means of bytes of a reply, by the command's number.
    reply_bytes: Vec<u32>,
}

/// A new sample counts for a fourth.
const WEIGHT: u32 = 4;
/// A larger reply says no more than one of so many bytes.
const MAX_SAMPLE_BYTES: usize = 1 << 16;

impl Foresight {
    /// What a request with so many keys and so many bytes for each is expected to use of each.
    #[inline]
    pub(crate) fn expected(&self, command: &Command, request_bytes: usize, keys: usize) -> Expected {
        if command.spec.is_write() {
            return Expected::write(request_bytes);
        }
        let reply_bytes = self.reply_bytes.get(command.run.id).copied().unwrap_or(0) as usize;
        Expected::read(reply_bytes / keys.max(1))
    }

    /// Takes a reply of a command into account.
    #[inline]
    pub(crate) fn note(&mut self, command: &Command, reply_bytes: usize) {
        let at = command.run.id;
        if self.reply_bytes.len() <= at {
            self.reply_bytes.resize(at + 1, 0);
        }
        let sample = reply_bytes.min(MAX_SAMPLE_BYTES) as u32;
        let mean = &mut self.reply_bytes[at];
        *mean = (*mean * (WEIGHT - 1) + sample).div_ceil(WEIGHT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_follows_the_replies_of_each_command() {
        let table = server_commands::command_table(profile::Profile::default());
        let get = table.get(b"GET").expect("a command");
        let llen = table.get(b"LLEN").expect("a command");
        let mut foresight = Foresight::default();
        for _ in 0..40 {
            foresight.note(get, 1000);
            foresight.note(llen, 4);
        }
        assert_eq!(foresight.reply_bytes[get.run.id], 1000);
        assert_eq!(foresight.reply_bytes[llen.run.id], 4);
        foresight.note(get, usize::MAX);
        assert!(foresight.reply_bytes[get.run.id] <= MAX_SAMPLE_BYTES as u32);
    }
}
