//! The command table: specs and their handlers, found by name in any case.

use crate::Spec;

/// A spec with its handler, and the subcommands of a container such as `CONFIG`.
#[derive(Debug)]
pub struct Command<H: 'static> {
    /// Its spec.
    pub spec: &'static Spec,
    /// Its handler.
    pub run: H,
    /// Subcommands; a container that is not a command itself still has a handler, for the error.
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

/// All commands, found by name. Open addressing over a power of two, sparse enough that nearly every look-up ends at
/// its first cell.
#[derive(Debug)]
pub struct Table<H: 'static> {
    cells: Box<[Option<Cell<H>>]>,
    /// In the order given, each with the name by which it is called.
    commands: Vec<(Box<str>, &'static Command<H>)>,
    /// Length of the longest name; a longer word is no command and is not hashed.
    longest_name: usize,
}

/// Why a command is not renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenameError {
    /// There is none of that name.
    Unknown,
    /// Another one has the new name.
    Taken,
}

impl std::fmt::Display for RenameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            RenameError::Unknown => "No such command in rename-command",
            RenameError::Taken => "Target command name already exists",
        })
    }
}

impl std::error::Error for RenameError {}

#[derive(Debug)]
struct Cell<H: 'static> {
    folded: u64,
    len: usize,
    /// Comparing length and folded name is enough: the name has at most eight characters, and all are letters.
    is_short: bool,
    name: Box<str>,
    command: &'static Command<H>,
}

impl<H> Table<H> {
    /// A table of these commands.
    ///
    /// # Panics
    /// If two commands have the same name. The table is fixed at build time, so tests find this.
    pub fn new(commands: impl IntoIterator<Item = &'static Command<H>>) -> Table<H> {
        Table::named(commands.into_iter().map(|command| (command.spec.name.into(), command)).collect())
    }

    fn named(commands: Vec<(Box<str>, &'static Command<H>)>) -> Table<H> {
        let size = (commands.len() * 8).next_power_of_two().max(8);
        let mut cells: Box<[Option<Cell<H>>]> = (0..size).map(|_| None).collect();
        for (name, command) in &commands {
            let bytes = name.as_bytes();
            let folded = fold(bytes);
            let mut at = hash(folded, bytes.len()) & (cells.len() - 1);
            while let Some(taken) = &cells[at] {
                assert!(!taken.name.eq_ignore_ascii_case(name), "{name} stands in the table twice");
                at = (at + 1) & (cells.len() - 1);
            }
            let is_short = bytes.len() <= 8 && bytes.iter().all(u8::is_ascii_alphabetic);
            cells[at] = Some(Cell { folded, len: bytes.len(), is_short, name: name.clone(), command });
        }
        let longest_name = commands.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        Table { cells, commands, longest_name }
    }

    /// Gives a command another name, by which alone it is called then, or none. Its spec stays as it is.
    ///
    /// # Errors
    /// When there is no such command, or another one has the name.
    pub fn rename(&mut self, from: &[u8], to: &str) -> Result<(), RenameError> {
        let place = |commands: &[(Box<str>, _)], name: &[u8]| {
            commands.iter().position(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))
        };
        let at = place(&self.commands, from).ok_or(RenameError::Unknown)?;
        let mut commands = self.commands.clone();
        let (_, command) = commands.remove(at);
        if !to.is_empty() {
            if place(&commands, to.as_bytes()).is_some() {
                return Err(RenameError::Taken);
            }
            commands.insert(at, (to.into(), command));
        }
        *self = Table::named(commands);
        Ok(())
    }

    /// The command of this name in any case.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<&'static Command<H>> {
        if name.len() > self.longest_name {
            return None;
        }
        let folded = fold(name);
        let mut at = hash(folded, name.len()) & (self.cells.len() - 1);
        while let Some(cell) = &self.cells[at] {
            if cell.folded == folded
                && cell.len == name.len()
                && (cell.is_short || cell.name.as_bytes().eq_ignore_ascii_case(name))
            {
                return Some(cell.command);
            }
            at = (at + 1) & (self.cells.len() - 1);
        }
        None
    }

    /// Every command, in the order given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static Command<H>> {
        self.commands.iter().map(|&(_, command)| command)
    }
}

/// The bit that tells capital letters from small ones, in each byte. Setting it turns no other byte into a letter.
const CASE: u64 = 0x2020_2020_2020_2020;

/// The first four and the last four characters in any case: all of a name of at most eight.
#[inline]
fn fold(name: &[u8]) -> u64 {
    let word = match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32
        }
        _ => name.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    word | CASE
}

#[inline]
fn hash(folded: u64, len: usize) -> usize {
    ((folded ^ len as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize
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
    fn what_only_looks_alike_is_no_name() {
        let table = Table::new(&COMMANDS);
        // Each byte of a name, and each other byte in its place.
        for name in [&b"get"[..], b"config"] {
            for at in 0..name.len() {
                for byte in 0..=u8::MAX {
                    let mut word = name.to_vec();
                    word[at] = byte;
                    let is_name = byte.eq_ignore_ascii_case(&name[at]);
                    assert_eq!(table.get(&word).is_some(), is_name, "{}", word.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn a_renamed_command_has_its_new_name_alone() {
        let mut table = Table::new(&COMMANDS);
        let long = "b840fc02d524045429941cc15f59e41cb7be6c52";
        assert_eq!(table.rename(b"Config", long), Ok(()));
        assert_eq!(table.rename(b"get", "Fetch"), Ok(()));
        assert_eq!(table.get(long.to_uppercase().as_bytes()).map(|c| c.run), Some(2));
        assert_eq!(table.get(b"fETCH").map(|c| c.run), Some(1));
        assert!(table.get(b"config").is_none() && table.get(b"get").is_none());
        assert_eq!(table.rename(b"get", "x"), Err(RenameError::Unknown));
        assert_eq!(table.rename(b"fetch", long), Err(RenameError::Taken));
        assert_eq!(table.rename(b"fetch", ""), Ok(()));
        assert!(table.get(b"fetch").is_none() && table.get(b"").is_none());
        assert_eq!(table.iter().map(|command| command.run).collect::<Vec<_>>(), [2]);
    }

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
