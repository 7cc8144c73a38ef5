//! Which node a directory belongs to.
//!
//! ```text
//!   nodes_directory/n17/identity   {"version":1,"node":17,"origin":{"region":…,"deployment":…,"member":…,"made_at_ms":…}}
//!   strangers_directory/n17        what was found under a node's name and is not that node's
//! ```
//! A number alone does not say whose data a directory holds: an older log that is restored gives the number out again. So a directory
//! gets its identity before anything else is in it, by a rename, and a directory whose identity differs from its node's record is a
//! stranger. A stranger is moved aside with all its files, while its lock is held here; one whose process runs stays where it is.
//! Nothing of a stranger is deleted. A node's own directory is renamed before it is removed, so a half-removed one is no stranger.
//!
//! A directory that was made before identities existed is its node's if the record says so ([`NodeRecord::unmarked`]), and gets its
//! identity when it is first met.

use crate::place::Place;
use files::{Directory, Permission};
use fleet::step::NodeId;
use fleet::{NodeRecord, Origin};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const FILE: &str = "identity";
const VERSION: u32 = 1;
const NEW: &str = ".new";
const GONE: &str = ".gone";

#[derive(Serialize, Deserialize)]
struct Identity {
    version: u32,
    node: NodeId,
    origin: Origin,
}

/// What has become of a directory with a node's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// There is none.
    Free,
    /// It is the node's.
    Own,
    /// It was somebody else's, and is here now.
    Moved(Stranger),
    /// It is somebody else's, whose process lives in it.
    Lives(Stranger),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stranger {
    /// What it was made for, if it says so.
    pub(crate) origin: Option<Origin>,
    /// Where it was moved to.
    pub(crate) moved_to: Option<PathBuf>,
}

/// Finds out whose the directory is, and moves a stranger's aside. Without a record every directory is a stranger's.
pub(crate) fn settle(
    place: &Place,
    node: NodeId,
    record: Option<&NodeRecord>,
    strangers: &Path,
) -> io::Result<Settled> {
    if !place.exists() {
        return Ok(Settled::Free);
    }
    let directory = Directory::at(&place.directory);
    let marked = read(&directory)?;
    let is_own = |record: &&NodeRecord| match &marked {
        Mark::None => record.unmarked,
        Mark::Of(of, origin) => *of == node && *origin == record.origin,
        Mark::Unreadable => false,
    };
    if let Some(record) = record.filter(is_own) {
        if marked == Mark::None {
            mark(&directory, node, &record.origin)?;
        }
        return Ok(Settled::Own);
    }
    let origin = if let Mark::Of(_, origin) = marked { Some(origin) } else { None };
    let path = place.directory.join("lock");
    let mut lock = None;
    // Without one nobody has ever lived here.
    if fs::exists(&path)? {
        lock = files::lock(&path)?;
        if lock.is_none() {
            return Ok(Settled::Lives(Stranger { origin, moved_to: None }));
        }
    }
    let moved_to = move_aside(&directory, node, strangers)?;
    place.remove_sockets()?;
    if let Some(lock) = lock {
        lock.unlock()?;
    }
    Ok(Settled::Moved(Stranger { origin, moved_to: Some(moved_to) }))
}

/// What a directory was made for, if it says so.
pub(crate) fn origin(directory: &Path) -> Option<Origin> {
    match read(&Directory::at(directory)) {
        Ok(Mark::Of(_, origin)) => Some(origin),
        Ok(Mark::None | Mark::Unreadable) | Err(_) => None,
    }
}

/// Makes a node's directory: with its mark, or not at all.
pub(crate) fn make(directory: &Directory, node: NodeId, origin: &Origin) -> io::Result<()> {
    let unfinished = beside(directory, NEW);
    unfinished.remove_tree()?;
    unfinished.make()?;
    mark(&unfinished, node, origin)?;
    if unfinished.move_to(directory)? { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Removes a node's directory: what a crash leaves of it has no node's name.
pub(crate) fn remove(directory: &Directory) -> io::Result<()> {
    let going = beside(directory, GONE);
    going.remove_tree()?;
    directory.move_to(&going)?;
    going.remove_tree().map(drop)
}

/// Whether this is the name of a directory whose making or removal was broken off.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.starts_with(".n") && (name.ends_with(NEW) || name.ends_with(GONE))
}

/// `.n17.new`
fn beside(directory: &Directory, ending: &str) -> Directory {
    let name = directory.path().file_name().unwrap_or_default().to_string_lossy();
    directory.beside(format!(".{name}{ending}"))
}

fn mark(directory: &Directory, node: NodeId, origin: &Origin) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(&Identity { version: VERSION, node, origin: origin.clone() })?;
    bytes.push(b'\n');
    directory.publish(FILE, Permission::Usual, &bytes)
}

#[derive(PartialEq)]
enum Mark {
    None,
    Of(NodeId, Origin),
    /// Damaged, or of a later program.
    Unreadable,
}

fn read(directory: &Directory) -> io::Result<Mark> {
    let Some(bytes) = directory.read(FILE)? else { return Ok(Mark::None) };
    Ok(match serde_json::from_slice::<Identity>(&bytes) {
        Ok(Identity { version: VERSION, node, origin }) => Mark::Of(node, origin),
        _ => Mark::Unreadable,
    })
}

/// To the first name that is free: `n17`, `n17.2`, …
fn move_aside(directory: &Directory, node: NodeId, strangers: &Path) -> io::Result<PathBuf> {
    Directory::at(strangers).make()?;
    let names = (1..).map(|n| if n == 1 { node.to_string() } else { format!("{node}.{n}") });
    let mut free = names.map(|name| strangers.join(name)).filter(|path| fs::symlink_metadata(path).is_err());
    let to = free.next().expect("there are names without end");
    directory.move_to(&Directory::at(&to))?;
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use files::simulation::{Simulation, Survival, every_choice, random};
    use fleet::{DeploymentId, HostId};
    use std::fs::File;

    struct Host(tempfile::TempDir);

    impl Host {
        fn new() -> Host {
            Host(tempfile::tempdir().unwrap())
        }

        fn place(&self) -> Place {
            Place::new(&self.0.path().join("nodes"), &self.0.path().join("run"), NodeId(7))
        }

        fn settle(&self, record: Option<&NodeRecord>) -> Settled {
            settle(&self.place(), NodeId(7), record, &self.0.path().join("strangers")).unwrap()
        }

        fn made_for(&self, record: &NodeRecord) {
            make(&Directory::at(self.place().directory), NodeId(7), &record.origin).unwrap();
            fs::write(self.place().directory.join("dump.rdb"), "data").unwrap();
        }
    }

    fn record(deployment: &str, made_at_ms: u64) -> NodeRecord {
        let deployment = DeploymentId::Group(deployment.into());
        let origin = Origin { region: "r".into(), deployment, member: "m".into(), made_at_ms };
        NodeRecord { host: HostId::LOCAL, origin, unmarked: false }
    }

    #[test]
    fn a_directory_is_the_node_s_that_it_was_made_for_and_nobody_else_s() {
        let host = Host::new();
        assert_eq!(host.settle(Some(&record("web", 1))), Settled::Free);
        host.made_for(&record("web", 1));
        assert_eq!(host.settle(Some(&record("web", 1))), Settled::Own);
        // The same name again, made another time.
        let moved_to = host.0.path().join("strangers/n7");
        let stranger = Stranger { origin: Some(record("web", 1).origin), moved_to: Some(moved_to.clone()) };
        assert_eq!(host.settle(Some(&record("web", 2))), Settled::Moved(stranger));
        assert_eq!(fs::read(moved_to.join("dump.rdb")).unwrap(), b"data");
        assert_eq!(host.settle(Some(&record("web", 2))), Settled::Free);
        // A second one finds its own place.
        host.made_for(&record("other", 1));
        let Settled::Moved(second) = host.settle(None) else { panic!() };
        assert_eq!(second.moved_to, Some(host.0.path().join("strangers/n7.2")));
    }

    #[test]
    fn who_lives_in_a_directory_is_never_moved() {
        let host = Host::new();
        host.made_for(&record("web", 1));
        let lock = File::create(host.place().directory.join("lock")).unwrap();
        lock.try_lock().unwrap();
        assert!(matches!(host.settle(Some(&record("web", 2))), Settled::Lives(_)));
        assert!(host.place().directory.join("dump.rdb").exists());
        drop(lock);
        assert!(matches!(host.settle(Some(&record("web", 2))), Settled::Moved(_)));
    }

    #[test]
    fn a_directory_without_a_mark_is_a_node_s_that_was_made_before_there_were_marks() {
        let host = Host::new();
        fs::create_dir_all(host.place().directory).unwrap();
        let old = NodeRecord { unmarked: true, ..record("web", 1) };
        assert_eq!(host.settle(Some(&old)), Settled::Own);
        // It is marked now.
        assert_eq!(host.settle(Some(&record("web", 1))), Settled::Own);
        fs::write(host.place().directory.join(FILE), "{").unwrap();
        assert!(matches!(host.settle(Some(&old)), Settled::Moved(_)));
        fs::create_dir_all(host.place().directory).unwrap();
        assert!(matches!(host.settle(Some(&record("web", 1))), Settled::Moved(_)));
    }

    #[test]
    fn a_directory_is_there_or_gone() {
        let host = Host::new();
        host.made_for(&record("web", 1));
        fs::create_dir_all(host.0.path().join("nodes/.n7.gone/half")).unwrap();
        remove(&Directory::at(host.place().directory)).unwrap();
        assert_eq!(fs::read_dir(host.0.path().join("nodes")).unwrap().count(), 0);
        remove(&Directory::at(host.place().directory)).unwrap();
        assert!(is_unfinished(".n7.gone") && is_unfinished(".n7.new") && !is_unfinished("n7"));
    }

    #[test]
    fn a_directory_that_was_not_finished_is_made_anew() {
        let host = Host::new();
        fs::create_dir_all(host.0.path().join("nodes/.n7.new/half")).unwrap();
        host.made_for(&record("web", 1));
        assert!(!host.place().directory.join("half").exists());
        assert_eq!(host.settle(Some(&record("web", 1))), Settled::Own);
    }

    /// Makes a node's directory with something in it, and removes it again. How often the two came to their end.
    fn make_and_remove(nodes: &Directory) -> (bool, bool) {
        let directory = nodes.within("n7");
        let made = make(&directory, NodeId(7), &record("web", 1).origin);
        let filled = made.is_ok() && directory.publish("dump.rdb", Permission::Usual, b"data").is_ok();
        (filled, filled && remove(&directory).is_ok())
    }

    #[test]
    fn a_crash_leaves_a_directory_with_its_mark_or_none_with_a_node_s_name() {
        let disk = Simulation::new();
        assert_eq!(make_and_remove(&disk.directory("/nodes")), (true, true));
        for call in 0..=disk.calls() {
            let disk = Simulation::new();
            disk.stop_at(call);
            let (made, removed) = make_and_remove(&disk.directory("/nodes"));
            for seed in 0..60 {
                let after = disk.crash(Survival::Sectors, &mut random(seed));
                let directory = after.directory("/nodes/n7");
                assert!(!(removed && directory.exists()), "call {call}: it is back");
                if !directory.exists() {
                    continue;
                }
                let origin = record("web", 1).origin;
                assert!(read(&directory).unwrap() == Mark::Of(NodeId(7), origin), "call {call}");
                // Half of one is no node's.
                assert!(!made || directory.read("dump.rdb").unwrap().is_some(), "call {call}");
            }
        }
    }

    #[test]
    fn a_directory_that_was_made_stays() {
        let disk = Simulation::new();
        let nodes = disk.directory("/nodes");
        make(&nodes.within("n7"), NodeId(7), &record("web", 1).origin).unwrap();
        every_choice(|choose| {
            let after = disk.crash(Survival::Prefix, choose).directory("/nodes/n7");
            assert!(read(&after).unwrap() == Mark::Of(NodeId(7), record("web", 1).origin));
        });
    }
}
