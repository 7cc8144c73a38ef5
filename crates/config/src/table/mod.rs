//! The table of parameters: every row, its order, and finding a row by name.
//!
//! One row is one parameter; CONFIG GET, SET and REWRITE, configuration files, the command line and the documentation
//! read nothing else. The groups are files, so that a reader finds the row beside its kin. A row whose standing is
//! *honoured* has a field in [`crate::Settings`]; one that is *accepted* says why nothing has to happen; one that is
//! *refused* has the sentence that a user reads.

mod cluster;
mod memory;
mod network;
mod own;
mod persistence;
mod process;
mod replication;
mod tls;

use std::collections::HashMap;
use std::sync::LazyLock;

use profile::Profile;

use crate::parameter::Parameter;

const GROUPS: &[&[Parameter]] = &[
    network::ROWS,
    memory::ROWS,
    persistence::ROWS,
    replication::ROWS,
    cluster::ROWS,
    tls::ROWS,
    process::ROWS,
    own::ROWS,
];

/// Every row of every profile, in the order of the table.
pub fn rows() -> impl Iterator<Item = &'static Parameter> {
    GROUPS.iter().flat_map(|group| group.iter())
}

/// A name that CONFIG GET shows: a parameter's own or its alias.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// The row's place in [`Index::rows`].
    pub(crate) row: usize,
}

/// The rows of one profile, and their names.
#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) profile: Profile,
    pub(crate) rows: Vec<&'static Parameter>,
    /// Names and aliases in alphabetical order.
    pub(crate) entries: Vec<Entry>,
    by_name: HashMap<&'static str, usize>,
}

impl Index {
    fn new(profile: Profile) -> Index {
        let rows: Vec<_> = rows().filter(|row| row.exists_in(profile)).collect();
        let mut entries: Vec<Entry> = rows
            .iter()
            .enumerate()
            .flat_map(|(row, parameter)| {
                [Some(parameter.name), parameter.alias]
                    .into_iter()
                    .flatten()
                    .map(move |name| Entry { name, row })
            })
            .collect();
        entries.sort_by_key(|entry| entry.name);
        let by_name = entries.iter().enumerate().map(|(at, entry)| (entry.name, at)).collect();
        Index { profile, rows, entries, by_name }
    }

    /// The index of a profile; built once.
    pub(crate) fn of(profile: Profile) -> &'static Index {
        static INDEXES: LazyLock<HashMap<Profile, Index>> =
            LazyLock::new(|| Profile::ALL.iter().map(|profile| (*profile, Index::new(*profile))).collect());
        &INDEXES[&profile]
    }

    /// Finds a name or alias, whatever its case.
    pub(crate) fn find(&self, name: &[u8]) -> Option<Entry> {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        self.by_name.get(name.as_str()).map(|at| self.entries[*at])
    }
}

/// Finds a parameter of a profile by its name or alias, whatever its case.
pub fn find(profile: Profile, name: &str) -> Option<&'static Parameter> {
    let index = Index::of(profile);
    index.find(name.as_bytes()).map(|entry| index.rows[entry.row])
}
