//! Names, and which of their changes a sync has kept.

use super::Choose;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

/// A directory, a name in it, and what has the name from now on.
type Entry = (usize, OsString, Option<usize>);
/// By directory and name.
type Table = BTreeMap<(usize, OsString), usize>;

/// Names that change together: a rename is there or not.
#[derive(Clone, Debug)]
struct Change {
    entries: Vec<Entry>,
    /// A sync of their directory has failed: no later one keeps them any more, though the disk may have them.
    is_forgotten: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    seen: Table,
    kept: Table,
    /// In their order.
    changes: Vec<Change>,
}

impl Names {
    pub(super) fn seen(&self, directory: usize, name: &OsStr) -> Option<usize> {
        self.seen.get(&(directory, name.to_owned())).copied()
    }

    pub(super) fn of(&self, directory: usize) -> Vec<OsString> {
        self.seen.keys().filter(|(of, _)| *of == directory).map(|(_, name)| name.clone()).collect()
    }

    pub(super) fn is_empty(&self, directory: usize) -> bool {
        self.of(directory).is_empty()
    }

    pub(super) fn change(&mut self, entries: Vec<Entry>) {
        apply(&mut self.seen, &entries);
        self.changes.push(Change { entries, is_forgotten: false });
    }

    /// Keeps all changes that have to do with a directory, or forgets to.
    pub(super) fn sync(&mut self, directory: usize, succeeds: bool) {
        let mut left: Vec<Change> = Vec::new();
        for mut change in std::mem::take(&mut self.changes) {
            let concerned = change.entries.iter().any(|(of, ..)| *of == directory);
            if !concerned || change.is_forgotten {
                left.push(change);
            } else if succeeds {
                apply(&mut self.kept, &change.entries);
                // What had these names before has lost them for good.
                for earlier in &mut left {
                    earlier.entries.retain(|(of, name, _)| {
                        !change.entries.iter().any(|(kept_of, kept, _)| (kept_of, kept) == (of, name))
                    });
                }
            } else {
                change.is_forgotten = true;
                left.push(change);
            }
        }
        left.retain(|change| !change.entries.is_empty());
        self.changes = left;
    }

    pub(super) fn crash(&self, choose: Choose<'_>) -> Names {
        let mut kept = self.kept.clone();
        for change in &self.changes {
            if choose(2) == 1 {
                apply(&mut kept, &change.entries);
            }
        }
        Names { seen: kept.clone(), kept, changes: Vec::new() }
    }

    /// What can be found from a directory on.
    pub(super) fn reachable(&self, from: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([from]);
        loop {
            let before = found.len();
            let below = self.seen.iter().filter(|((of, _), _)| found.contains(of)).map(|(_, number)| *number);
            let below: Vec<usize> = below.collect();
            found.extend(below);
            if found.len() == before {
                return found;
            }
        }
    }
}

fn apply(table: &mut Table, entries: &[Entry]) {
    for (directory, name, number) in entries {
        let key = (*directory, name.clone());
        match number {
            Some(number) => table.insert(key, *number),
            None => table.remove(&key),
        };
    }
}
