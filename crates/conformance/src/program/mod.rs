//! Random command programs.
//!
//! A program is a list of [`Step`]s by a few clients. Steps come from *families*: the commands of some groups, whose
//! arguments follow from their specs, so that a new command is covered without further work. A family's file has lines
//! for commands whose arguments or replies need care. The same seed always gives the same program.
//!
//! Programs avoid what no two servers can agree on: keys that expire while the program runs (relative times are far
//! away, absolute ones far away or long past), commands whose random choice changes the keyspace, and waiting. A few
//! percent of commands are made invalid on purpose: an argument too many or too few, text in place of a number.

mod derived;
mod families;
mod generator;
mod grammar;
mod words;

use std::fmt;

pub use families::{FAMILIES, Family, family};
pub use generator::Generator;

use crate::reply::quoted;

/// Clients in a program. Three, so that one can watch a key that the two others write.
pub const CLIENTS: usize = 3;

/// How two servers' replies to one command are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Byte for byte.
    Exact,
    /// The same elements in any order (KEYS: the order of a hash table).
    Unordered,
    /// The same order while the key has a compact encoding, any order once it is a hash table (HKEYS).
    Table,
    /// As [`Compare::Table`], of pairs (HGETALL, flat in RESP2).
    TablePairs,
    /// Two integers at most this far apart, because time passes between the two servers (PTTL).
    Near(i64),
    /// The same types and lengths; the content is the server's random choice (RANDOMKEY).
    Shape,
    /// A map without the values after `id` and `modules` (HELLO).
    Hello,
    /// Without the times that each server's clock gave (XPENDING, XINFO).
    Times,
    /// The whole iteration from cursor 0 gives the same set (SCAN).
    Scan,
    /// The payload of each server is restored on the other and must give the same value (DUMP).
    Transfer,
}

/// One command of a program.
#[derive(Clone, PartialEq, Eq)]
pub struct Step {
    /// Who sends it, below [`CLIENTS`].
    pub client: usize,
    /// The command's name and arguments.
    pub args: Vec<Vec<u8>>,
    /// How the replies are compared.
    pub compare: Compare,
}

impl Step {
    /// The command's name in capitals.
    pub fn command(&self) -> String {
        self.args.first().map(|name| String::from_utf8_lossy(name).to_uppercase()).unwrap_or_default()
    }
}

impl fmt::Display for Step {
    /// As a line of a transcript. An argument too long to read is cut and its length told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}>", self.client + 1)?;
        for arg in &self.args {
            let is_plain =
                !arg.is_empty() && arg.iter().all(|b| b.is_ascii_graphic() && !b"\"'\\".contains(b));
            if arg.len() > 200 {
                write!(f, " {}…({} bytes)", quoted(&arg[..40]), arg.len())?;
            } else if is_plain {
                write!(f, " {}", String::from_utf8_lossy(arg))?;
            } else {
                write!(f, " {}", quoted(arg))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
