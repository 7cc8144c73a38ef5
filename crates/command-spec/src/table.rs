//! The command table: specs with what runs them, found by name in any case.

use crate::Spec;

/// A spec with its handler, and the subcommands of a container such as `CONFIG`.
#[derive(Debug)]
pub struct Command<H: 'static> {
    /// What it is.
    pub spec: &'static Spec,
    /// What runs it.
    pub run: H,
    /// Subcommands; a container without its own meaning still has a handler, for the error.
    pub subcommands: &'static [Command<H>],
}

impl<H> Command<H> {
    /// A command without subcommands.
    pub const fn new(spec: &'static Spec, run: H) -> Command<H> {
        Command { spec, run, subcommands: &[] }
    }

    /// The subcommand of this name in any case.
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Command<H>> {
        self.subcommands.iter().find(|sub| sub.spec.name.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// Longest name of any command; a longer word is no command and is not hashed.
const LONGEST_NAME: usize = 32;

/// All commands, found by name. Open addressing over a power of two, sparse enough that nearly every look-up ends at
/// its first cell.
#[derive(Debug)]
pub struct Table<H: 'static> {
    cells: Box<[Option<&'static Command<H>>]>,
    commands: Vec<&'static Command<H>>,
}

impl<H> Table<H> {
    /// A table of these commands.
    ///
    /// # Panics
    /// When two have the same name or a name is too long: the table is fixed at build time, so tests find it.
    pub fn new(commands: impl IntoIterator<Item = &'static Command<H>>) -> Table<H> {
        let commands: Vec<_> = commands.into_iter().collect();
        let mut cells = vec![None; (commands.len() * 8).next_power_of_two().max(8)].into_boxed_slice();
        for &command in &commands {
            let name = command.spec.name.as_bytes();
            assert!(name.len() <= LONGEST_NAME, "{} is longer than {LONGEST_NAME} bytes", command.spec.name);
            let mut at = hash(name) as usize & (cells.len() - 1);
            while let Some(taken) = cells[at] {
                let taken: &Command<H> = taken;
                assert_ne!(taken.spec.name, command.spec.name, "a command stands in the table twice");
                at = (at + 1) & (cells.len() - 1);
            }
            cells[at] = Some(command);
        }
        Table { cells, commands }
    }

    /// The command of this name in any case.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<&'static Command<H>> {
        if name.len() > LONGEST_NAME {
            return None;
        }
        let mut at = hash(name) as usize & (self.cells.len() - 1);
        while let Some(command) = self.cells[at] {
            if command.spec.name.as_bytes().eq_ignore_ascii_case(name) {
                return Some(command);
            }
            at = (at + 1) & (self.cells.len() - 1);
        }
        None
    }

    /// Every command, in the order given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static Command<H>> {
        self.commands.iter().copied()
    }
}

/// FNV-1a of the lower-case name.
#[inline]
fn hash(name: &[u8]) -> u32 {
    name.iter().fold(0x811c_9dc5, |hash, b| (hash ^ u32::from(b | 0x20)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    static GET: Spec = Spec { name: "get", ..Spec::BASE };
    static CONFIG: Spec = Spec { name: "config", ..Spec::BASE };
    static COMMANDS: [Command<u8>; 2] = [
        Command::new(&GET, 1),
        Command { spec: &CONFIG, run: 2, subcommands: &[Command { spec: &GET, run: 3, subcommands: &[] }] },
    ];

    #[test]
    fn names_are_found_in_any_case() {
        let table = Table::new(&COMMANDS);
        assert_eq!(table.get(b"GeT").map(|c| c.run), Some(1));
        assert_eq!(table.get(b"config").and_then(|c| c.subcommand(b"Get")).map(|c| c.run), Some(3));
        for unknown in [&b""[..], b"ge", b"gets", &[b'x'; 100]] {
            assert!(table.get(unknown).is_none());
        }
        assert_eq!(table.iter().len(), 2);
    }
}
