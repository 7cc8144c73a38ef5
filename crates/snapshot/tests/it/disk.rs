//! Saving on a disk that is full, fails, and loses its power, at every one of its calls.

use crate::support::*;
use files::simulation::{Simulation, Survival, random};
use files::{Action, Directory};
use keyspace::Keyspace;
use snapshot::{FileSink, Finished, Overflow, SnapshotError};
use std::io;
use structures::Value;

/// How often each crash is looked at.
const CRASHES: u64 = 12;
const NAME: &str = "dump.rdb";

/// A keyspace with so many keys that a file has some pieces.
fn small(value: i64) -> std::sync::Arc<Keyspace> {
    let (keyspace, _) = keyspace();
    for key in 0..40 {
        put(&keyspace, 0, format!("key:{key}").as_bytes(), Value::Int(value), None);
    }
    keyspace
}

/// Saves while everything changes, so that pre-images are spilled.
fn save(keyspace: &Keyspace, directory: &Directory) -> (Model, Result<Finished, SnapshotError>) {
    let overflow = Overflow::Spill(directory.clone(), "pre-images".into());
    let mut sink = match FileSink::create(directory, NAME, true) {
        Ok(sink) => sink,
        Err(error) => return (Model::new(), Err(error.into())),
    };
    let (snapshot, model) = begin(keyspace, tiny(overflow, 0));
    for (db, key) in model.keys() {
        put(keyspace, *db, key, Value::Int(-1), None);
    }
    let saved = run(keyspace, snapshot, &mut sink);
    (model, saved)
}

fn found(directory: &Directory) -> Option<Model> {
    directory.read(NAME).unwrap().map(|bytes| loaded(&bytes).0)
}

/// A disk that has a file of the old data, and the old data.
fn with_old_file() -> (Simulation, Directory, Model) {
    let disk = Simulation::new();
    let directory = disk.directory("/data");
    directory.make().unwrap();
    let (old, saved) = save(&small(1), &directory);
    assert!(saved.unwrap().spilled_bytes > 0);
    assert_eq!(found(&directory).as_ref(), Some(&old));
    (disk, directory, old)
}

fn calls_of_a_save() -> u64 {
    let (disk, directory, _) = with_old_file();
    let before = disk.calls();
    let (new, saved) = save(&small(2), &directory);
    saved.unwrap();
    assert_eq!(found(&directory), Some(new));
    assert_eq!(disk.names("/data"), [NAME], "nothing is left beside it");
    disk.calls() - before
}

#[test]
fn whenever_the_power_is_lost_there_is_the_whole_old_or_the_whole_new_file() {
    for call in 0..=calls_of_a_save() {
        let (disk, directory, old) = with_old_file();
        disk.stop_at(call);
        let (new, saved) = save(&small(2), &directory);
        for survival in [Survival::Prefix, Survival::Sectors] {
            for seed in 0..CRASHES {
                let after = disk.crash(survival, &mut random(seed)).directory("/data");
                let left = found(&after).expect("one of the two");
                // Who was told that it is saved finds it.
                assert!(left == new || (saved.is_err() && left == old), "call {call}, {saved:?}");
            }
        }
    }
}

#[test]
fn a_call_that_fails_leaves_the_old_file_and_the_next_save_makes_a_new_one() {
    for call in 0..calls_of_a_save() {
        let (disk, directory, old) = with_old_file();
        disk.fail(None, call);
        let (_, saved) = save(&small(2), &directory);
        let Err(SnapshotError::Io(error)) = saved else { panic!("call {call}: {saved:?}") };
        assert_eq!(files::cause(&error).raw_os_error(), Some(EIO), "call {call}: {error}");
        // The last step fails when the new file has its name already.
        if files::action(&error) != Some(Action::SyncDirectory) {
            assert_eq!(found(&directory), Some(old), "call {call}");
        }
        if files::action(&error) != Some(Action::Remove) {
            assert_eq!(disk.names("/data"), [NAME], "call {call}: nothing is left beside it");
        }
        let (next, saved) = save(&small(3), &directory);
        saved.unwrap();
        for seed in 0..CRASHES {
            let after = disk.crash(Survival::Prefix, &mut random(seed)).directory("/data");
            assert_eq!(found(&after).as_ref(), Some(&next), "call {call}");
        }
    }
}

/// What the simulated disk says.
const EIO: i32 = 5;

#[test]
fn a_full_disk_leaves_the_old_file() {
    let mut room = 0;
    loop {
        let (disk, directory, old) = with_old_file();
        disk.fill_after(room);
        match save(&small(2), &directory).1 {
            Ok(_) => break,
            Err(SnapshotError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
            Err(other) => panic!("{other:?}"),
        }
        assert_eq!(found(&directory), Some(old));
        assert_eq!(disk.names("/data"), [NAME]);
        room += 17;
    }
    assert!(room > 500, "it was full at many places: {room}");
}
