//! The simulated disk itself, and the layer on it.

use super::*;
use crate::{Draft, Permission, cause};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};

/// Everything that a crash may leave of one file.
fn left(disk: &Simulation, survival: Survival, name: &str) -> BTreeSet<Option<Vec<u8>>> {
    let mut found = BTreeSet::new();
    every_choice(|choose| {
        found.insert(disk.crash(survival, choose).directory("/").read(name).unwrap());
    });
    found
}

fn set(texts: &[&str]) -> BTreeSet<Option<Vec<u8>>> {
    texts.iter().map(|text| Some(text.as_bytes().to_vec())).collect()
}

/// A disk with one file that stays.
fn with_file(text: &str) -> (Simulation, Directory) {
    let disk = Simulation::new();
    let root = disk.directory("/");
    root.publish("log", Permission::Usual, text.as_bytes()).unwrap();
    (disk, root)
}

#[test]
fn what_was_not_synced_is_left_whole_in_part_or_not() {
    let (disk, root) = with_file("a");
    let mut log = root.append("log").unwrap();
    log.append(b"bc").unwrap();
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["a", "ab", "abc"]));
    log.sync().unwrap();
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["abc"]));
    // To be written anew in its place is what a file that is published is spared.
    let mut handle = root.disk().open(Path::new("/log"), For::Writing(0o600)).unwrap();
    handle.write(b"d").unwrap();
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["abc", "", "d"]));
}

#[test]
fn sectors_are_lost_in_any_order_and_read_as_zeros() {
    let (disk, root) = with_file("");
    let mut log = root.append("log").unwrap();
    log.append(&[b'x'; 2 * SECTOR_BYTES]).unwrap();
    let (x, zero) = ([b'x'; SECTOR_BYTES], [0; SECTOR_BYTES]);
    let expected = [[x, x], [x, zero], [zero, x], [zero, zero]].map(|sectors| Some(sectors.concat()));
    assert_eq!(left(&disk, Survival::Sectors, "log"), BTreeSet::from(expected));
}

#[test]
fn a_sync_that_failed_has_forgotten_and_the_next_one_does_not_say_so() {
    let (disk, root) = with_file("a");
    let mut handle = root.disk().open(Path::new("/log"), For::Appending).unwrap();
    handle.write(b"b").unwrap();
    disk.fail(Some(Action::Sync), 0);
    assert!(handle.sync_data().is_err());
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["a", "ab"]));
    handle.sync_data().unwrap();
    assert_eq!(root.read("log").unwrap().unwrap(), b"ab", "whoever looks sees no difference");
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["a"]));
    handle.write(b"c").unwrap();
    handle.sync_data().unwrap();
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["a\0c"]));
}

#[test]
fn an_appender_refuses_to_go_on_behind_a_failure() {
    for action in [Action::Write, Action::Sync] {
        let (disk, root) = with_file("a");
        let mut log = root.append("log").unwrap();
        disk.fail(Some(action), 0);
        let error = log.append(b"b").and_then(|()| log.sync()).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot {action} /log: Input/output error"));
        let calls = disk.calls();
        assert!(log.append(b"c").is_err() && log.sync().is_err());
        assert_eq!(disk.calls(), calls, "the disk is not asked any more");
    }
}

#[test]
fn names_are_kept_by_their_directory_alone() {
    let (disk, root) = with_file("old");
    let mut draft = root.draft("log", "new", Permission::Usual).unwrap();
    draft.write(b"new").unwrap();
    draft.sync().unwrap();
    root.disk().rename(Path::new("/new"), Path::new("/log")).unwrap();
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["old", "new"]));
    root.sync().unwrap();
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["new"]));
    root.remove("log").unwrap();
    assert_eq!(left(&disk, Survival::Prefix, "log").len(), 2);
    // A directory that was made is no better off.
    let inner = disk.directory("/a/b");
    inner.disk().make_directory(Path::new("/a")).unwrap();
    inner.disk().make_directory(Path::new("/a/b")).unwrap();
    inner.publish("f", Permission::Usual, b"f").unwrap();
    assert_eq!(left(&disk, Survival::Prefix, "a/b/f").len(), 2);
    std::mem::forget(draft);
}

#[test]
fn a_name_that_a_failed_sync_forgot_does_not_come_back_over_a_later_one() {
    let (disk, root) = with_file("1");
    disk.fail(Some(Action::SyncDirectory), 0);
    assert!(root.publish("log", Permission::Usual, b"2").is_err());
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["1", "2"]));
    root.sync().unwrap();
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["1", "2"]), "a later sync keeps it no more");
    root.publish("log", Permission::Usual, b"3").unwrap();
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["3"]));
}

#[test]
fn directories_that_are_made_and_moved_stay() {
    let disk = Simulation::new();
    let nodes = disk.directory("/data/nodes");
    nodes.within("n1").make().unwrap();
    nodes.within("n1").publish("identity", Permission::Usual, b"1").unwrap();
    assert_eq!(left(&disk, Survival::Prefix, "data/nodes/n1/identity"), set(&["1"]));
    let strangers = disk.directory("/data/strangers");
    strangers.make().unwrap();
    assert!(nodes.within("n1").move_to(&strangers.within("n1")).unwrap());
    assert!(!nodes.within("n1").move_to(&strangers.within("n1")).unwrap(), "it is gone");
    assert_eq!(left(&disk, Survival::Prefix, "data/strangers/n1/identity"), set(&["1"]));
    every_choice(|choose| {
        assert!(!disk.crash(Survival::Prefix, choose).directory("/data/nodes/n1").exists());
    });
}

/// The program: an old file is published, then a new one.
fn publish_twice(root: &Directory) -> io::Result<()> {
    root.publish("log", Permission::Usual, b"old")?;
    root.publish("log", Permission::Usual, b"new")
}

#[test]
fn whenever_the_power_is_lost_a_published_file_is_the_old_or_the_new_one() {
    let disk = Simulation::new();
    publish_twice(&disk.directory("/")).unwrap();
    let calls = disk.calls();
    for call in 0..calls {
        let disk = Simulation::new();
        disk.stop_at(call);
        publish_twice(&disk.directory("/")).unwrap_err();
        for survival in [Survival::Prefix, Survival::Sectors] {
            let mut allowed = set(&["new"]);
            if call < calls / 2 {
                allowed = set(&["old"]);
                allowed.insert(None);
            } else {
                allowed.extend(set(&["old"]));
            }
            assert!(left(&disk, survival, "log").is_subset(&allowed), "call {call}");
        }
    }
}

#[test]
fn a_draft_that_fails_leaves_the_old_file_and_nothing_beside_it() {
    for nth in 0..4 {
        let (disk, root) = with_file("old");
        disk.fail(None, nth);
        assert!(root.publish("log", Permission::Usual, b"new").is_err(), "call {nth}");
        assert_eq!(disk.names("/"), ["log"]);
        assert_eq!(root.read("log").unwrap().unwrap(), b"old");
    }
    let (disk, root) = with_file("old");
    disk.fill_after(2);
    let error = root.publish("log", Permission::Usual, b"new").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(error.to_string(), "cannot write /log.tmp: No space left on device");
    assert_eq!(root.read("log").unwrap().unwrap(), b"old");
    disk.make_room();
    root.publish("log", Permission::Usual, b"new").unwrap();
}

#[test]
fn a_draft_whose_sync_failed_is_never_published() {
    let (disk, root) = with_file("old");
    let mut draft = root.draft("log", "new", Permission::Usual).unwrap();
    draft.write(b"new").unwrap();
    disk.fail(Some(Action::Sync), 0);
    assert!(draft.sync().is_err());
    let error = draft.publish().unwrap_err();
    assert!(error.to_string().contains("an earlier attempt to sync it failed"), "{error}");
    assert_eq!(left(&disk, Survival::Prefix, "log"), set(&["old"]));
}

#[test]
fn every_series_of_choices_comes_once() {
    let mut all = Vec::new();
    every_choice(|choose| {
        let first = choose(2);
        all.push((first, if first == 0 { choose(3) } else { 9 }));
    });
    assert_eq!(all, [(0, 0), (0, 1), (0, 2), (1, 9)]);
}

/// A step of a program that needs neither faults nor crashes.
#[derive(Clone, Debug)]
enum Step {
    Publish(u8, Vec<u8>),
    Append(u8, Vec<u8>),
    Remove(u8),
    Move(u8, u8),
    Scratch(Vec<u8>),
    Draft(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..3_u8;
    let bytes = || prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        (name(), bytes()).prop_map(|(name, bytes)| Step::Publish(name, bytes)),
        (name(), bytes()).prop_map(|(name, bytes)| Step::Append(name, bytes)),
        name().prop_map(Step::Remove),
        (name(), name()).prop_map(|(from, to)| Step::Move(from, to)),
        bytes().prop_map(Step::Scratch),
        name().prop_map(Step::Draft),
    ]
}

/// What a step does, as far as a process sees it.
fn take(root: &Directory, step: &Step) -> Result<String, ErrorKind> {
    let run = || -> io::Result<String> {
        Ok(match step {
            Step::Publish(name, bytes) => {
                root.publish(name.to_string(), Permission::AsBefore, bytes)?;
                String::new()
            }
            Step::Append(name, bytes) => {
                root.append(name.to_string())
                    .and_then(|mut file| file.append(bytes).and_then(|()| file.sync()))?;
                String::new()
            }
            Step::Remove(name) => root.remove(name.to_string())?.to_string(),
            Step::Move(from, to) => {
                root.within(from.to_string()).move_to(&root.within(to.to_string()))?.to_string()
            }
            Step::Scratch(bytes) => {
                let mut scratch = root.scratch("scratch")?;
                scratch.write_all(bytes)?;
                scratch.rewind()?;
                let (mut read, mut part) = (Vec::new(), vec![0; bytes.len() / 2]);
                scratch.read_to_end(&mut read)?;
                let from = bytes.len() - part.len();
                scratch.read_at(&mut part, from as u64)?;
                format!("{read:?} {part:?}")
            }
            Step::Draft(name) => {
                let mut draft: Draft = root.draft(name.to_string(), "temp", Permission::Owner)?;
                draft.write(b"half")?;
                String::new()
            }
        })
    };
    run().map_err(|error| cause(&error).kind())
}

proptest! {
    #[test]
    fn without_faults_it_is_as_the_system_s_disk(steps in prop::collection::vec(step(), 0..30)) {
        let folder = tempfile::tempdir().unwrap();
        let (real, simulated) = (Directory::at(folder.path()), Simulation::new().directory("/"));
        for step in &steps {
            prop_assert_eq!(take(&real, step), take(&simulated, step));
            for name in ["0", "1", "2", "scratch", "temp", "0.tmp"] {
                prop_assert_eq!(real.read(name).unwrap(), simulated.read(name).unwrap());
            }
        }
    }
}
