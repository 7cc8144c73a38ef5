//! Processes that hold the directory of a node and are not that node. They are looked up on each request, since they may end at any
//! time.

use crate::identity;
use crate::place::Place;
use fleet::Origin;
use fleet::step::NodeId;
use std::path::PathBuf;

/// A process that holds the lock of a directory which is no node's of this fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// The node whose name the directory has.
    pub node: NodeId,
    /// The directory.
    pub directory: PathBuf,
    /// What it was made for, if it says so.
    pub origin: Option<Origin>,
    /// The process, where the system tells.
    pub pid: Option<u32>,
}

/// Who lives there, if somebody does still.
pub(crate) fn look(node: NodeId, place: &Place) -> Option<Stranger> {
    // Where it cannot be told, he is rather named than forgotten.
    if !place.is_locked().unwrap_or(true) {
        return None;
    }
    let pid = place.holder().ok().flatten().map(|process| process.pid());
    let origin = identity::origin(&place.directory);
    Some(Stranger { node, directory: place.directory.clone(), origin, pid })
}
