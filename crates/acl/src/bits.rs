//! A set of commands as a bitmap.

/// Commands that a set has room for, one of which stands for those that do not exist yet. As in Redis.
const COMMANDS: usize = 1024;

/// The place of a command in the bitmaps: the number that the command table gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandId(u16);

impl CommandId {
    /// # Panics
    /// If the number is too large. The command table is fixed at build time, so tests find this.
    pub fn new(number: usize) -> CommandId {
        assert!(number < COMMANDS - 1, "command {number} is beyond the last of {COMMANDS}");
        CommandId(number as u16)
    }

    /// The number.
    pub fn number(self) -> usize {
        self.0.into()
    }
}

/// Which commands may run. The last bit is that of no command: it tells `+@all` minus some from some alone, which ask for different
/// descriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommandBits([u64; COMMANDS / 64]);

impl CommandBits {
    pub(crate) const NONE: CommandBits = CommandBits([0; COMMANDS / 64]);
    pub(crate) const ALL: CommandBits = CommandBits([u64::MAX; COMMANDS / 64]);

    #[inline]
    pub(crate) fn has(&self, id: CommandId) -> bool {
        self.0[id.number() / 64] & bit(id) != 0
    }

    pub(crate) fn set(&mut self, id: CommandId, allowed: bool) {
        let word = &mut self.0[id.number() / 64];
        *word = if allowed { *word | bit(id) } else { *word & !bit(id) };
    }

    /// Whether the set began with all commands.
    pub(crate) fn has_future(&self) -> bool {
        self.0[COMMANDS / 64 - 1] >> 63 != 0
    }
}

fn bit(id: CommandId) -> u64 {
    1 << (id.number() % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_is_its_own() {
        for number in 0..COMMANDS - 1 {
            let id = CommandId::new(number);
            let mut bits = CommandBits::NONE;
            bits.set(id, true);
            let set = (0..COMMANDS - 1).filter(|&other| bits.has(CommandId::new(other)));
            assert_eq!(set.collect::<Vec<_>>(), [number]);
            assert!(!bits.has_future());
            bits.set(id, false);
            assert_eq!(bits, CommandBits::NONE);
            let mut bits = CommandBits::ALL;
            bits.set(id, false);
            assert!(!bits.has(id) && bits.has_future() && bits != CommandBits::ALL);
        }
    }

    #[test]
    #[should_panic(expected = "beyond the last")]
    fn the_last_bit_is_no_command() {
        CommandId::new(COMMANDS - 1);
    }
}
