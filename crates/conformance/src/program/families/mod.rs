//! The families, in the order in which Engram got them. To add one, add a file with its grammar and a line here.

mod bitmap;
mod connection;
mod generic;
mod geo;
mod hash;
mod hyperloglog;
mod list;
mod server;
mod set;
mod sort;
mod stream;
mod string;
mod transaction;
mod zset;

use command_spec::Group;

/// Commands that belong together.
#[derive(Debug)]
pub struct Family {
    /// Its name on the command line and the prefix of its keys.
    pub name: &'static str,
    /// The groups of the commands that it has by their specs, unless its text names them.
    pub(super) groups: &'static [Group],
    /// Lines of odd commands, and of those of other families that it needs.
    pub(super) grammar: &'static str,
}

/// All families.
pub const FAMILIES: &[&Family] = &[
    &string::FAMILY,
    &generic::FAMILY,
    &hash::FAMILY,
    &list::FAMILY,
    &set::FAMILY,
    &bitmap::FAMILY,
    &zset::FAMILY,
    &geo::FAMILY,
    &hyperloglog::FAMILY,
    &sort::FAMILY,
    &stream::FAMILY,
    &transaction::FAMILY,
    &server::FAMILY,
    &connection::FAMILY,
];

/// The family of a name.
pub fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().copied().find(|family| family.name == name)
}
