//! The fleet and its log, which say the same.
//!
//! ```text
//!   commands ──▶ rehearsal ── all can be applied? ──▶ log ──▶ fleet
//! ```
//! A command that cannot be applied would make the log useless: every later start would fail on it. So commands are tried on a copy of
//! the fleet before they are written. The copy is kept up to date with the fleet, so a trial costs as much as applying, however large
//! the fleet is. Only after a refusal is the copy made anew.

use crate::store::Store;
use fleet::{ApplyError, Command, Fleet};
use std::io;

/// A command with its region.
pub(crate) type Entry = (String, Command);

#[derive(Debug)]
pub(crate) struct Ledger {
    fleet: Fleet,
    rehearsal: Fleet,
    store: Store,
}

/// A decision that was neither written nor applied.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) entry: Entry,
    pub(crate) why: ApplyError,
}

impl Ledger {
    pub(crate) fn new(store: Store, fleet: Fleet) -> Ledger {
        Ledger { rehearsal: fleet.clone(), fleet, store }
    }

    pub(crate) fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Writes a decision down and applies it: all of it, or nothing if something cannot be applied.
    ///
    /// # Errors
    /// Of the outer result: the log cannot be written, and nothing must be decided any more.
    pub(crate) fn write(&mut self, at_ms: u64, entries: &[Entry]) -> io::Result<Result<(), Refused>> {
        for (region, command) in entries {
            if let Err(why) = self.rehearsal.apply(at_ms, region, command) {
                self.rehearsal = self.fleet.clone();
                return Ok(Err(Refused { entry: (region.clone(), command.clone()), why }));
            }
        }
        if entries.is_empty() {
            return Ok(Ok(()));
        }
        self.store.append(at_ms, entries)?;
        for (region, command) in entries {
            let applied = self.fleet.apply(at_ms, region, command);
            applied.expect("the rehearsal was of the same state");
        }
        Ok(Ok(()))
    }

    /// Begins a new log if the present one is long.
    ///
    /// # Errors
    /// When a file cannot be written; the old ones still hold everything.
    pub(crate) fn compact(&mut self) -> io::Result<()> {
        self.store.compact(&self.fleet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::{AddressPool, DeploymentId, NodeId};

    #[test]
    fn a_command_that_cannot_be_applied_is_never_written_nor_is_what_was_decided_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let new = || Fleet::new(AddressPool::Loopback { block: 1, last: 0 });
        let (store, fleet) = Store::open(directory.path(), new).unwrap();
        let mut ledger = Ledger::new(store, fleet);
        let log = || std::fs::read(directory.path().join("fleet.log")).unwrap();
        let (before, head) = (ledger.fleet().clone(), log());
        let can = |node| Command::Stranger { node: NodeId(node), origin: None, moved_to: None };
        let cannot = Command::Settle { id: DeploymentId::Group("nobody".into()) };
        let both = [("r".to_owned(), can(4)), ("r".to_owned(), cannot)];
        let refused = ledger.write(1, &both).unwrap().unwrap_err();
        assert_eq!(refused.why.to_string(), "region r is not there");
        assert_eq!((ledger.fleet(), log()), (&before, head));
        ledger.write(1, &[("r".to_owned(), can(8))]).unwrap().unwrap();
        let after = ledger.fleet().clone();
        drop(ledger);
        assert_eq!(Store::open(directory.path(), new).unwrap().1, after);
    }
}
