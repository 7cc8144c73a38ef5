//! What goes wrong, and what is left then.

use crate::support::*;
use files::Directory;
use snapshot::{
    FileSink, NotBegun, Overflow, Received, Sink, Snapshot, SnapshotError, SnapshotOptions, chunk_channel,
};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use structures::Value;

/// A file sink on a disk that is full after so many bytes, or cannot make the file durable.
struct SmallDisk {
    file: FileSink,
    left: usize,
    finishes: bool,
}

impl Sink for SmallDisk {
    fn write(&mut self, chunk: Vec<u8>) -> io::Result<Vec<u8>> {
        self.left = self.left.checked_sub(chunk.len()).ok_or(io::ErrorKind::StorageFull)?;
        self.file.write(chunk)
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.finishes { self.file.finish() } else { Err(io::ErrorKind::Other.into()) }
    }
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let (keyspace, _) = keyspace();
    fill(&keyspace);
    let dir = directory("small-disk");
    fs::write(dir.join("dump.rdb"), b"old").unwrap();
    let whole = {
        let (snapshot, _) = begin(&keyspace, tiny(Overflow::Abort, 1 << 20));
        run(&keyspace, snapshot, &mut Memory::new(|| Ok(()))).unwrap().bytes as usize
    };
    for (left, finishes, kind) in [
        (0, true, io::ErrorKind::StorageFull),
        (whole / 2, true, io::ErrorKind::StorageFull),
        (whole - 1, true, io::ErrorKind::StorageFull),
        (whole, false, io::ErrorKind::Other),
    ] {
        let (snapshot, _) = begin(&keyspace, tiny(Overflow::Abort, 1 << 20));
        let file = FileSink::create(&Directory::at(&dir), "dump.rdb", true).unwrap();
        assert_eq!(names(&dir).len(), 2, "it is written beside the old one");
        let mut sink = SmallDisk { file, left, finishes };
        match run(&keyspace, snapshot, &mut sink) {
            Err(SnapshotError::Io(error)) => assert_eq!(error.kind(), kind),
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read(dir.join("dump.rdb")).unwrap(), b"old");
        drop(sink);
        assert_eq!(names(&dir), ["dump.rdb"]);
    }
    let (snapshot, model) = begin(&keyspace, tiny(Overflow::Abort, 1 << 20));
    let mut sink = FileSink::create(&Directory::at(&dir), "dump.rdb", true).unwrap();
    run(&keyspace, snapshot, &mut sink).unwrap();
    assert_eq!(loaded(&fs::read(dir.join("dump.rdb")).unwrap()).0, model);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn the_target_may_not_be_replaceable() {
    let (keyspace, _) = keyspace();
    let dir = directory("not-replaceable");
    assert!(FileSink::create(&Directory::at(dir.join("absent")), "dump.rdb", false).is_err());
    fs::create_dir(dir.join("dump.rdb")).unwrap();
    let (snapshot, _) = begin(&keyspace, tiny(Overflow::Abort, 0));
    let mut sink = FileSink::create(&Directory::at(&dir), "dump.rdb", false).unwrap();
    assert!(matches!(run(&keyspace, snapshot, &mut sink), Err(SnapshotError::Io(_))));
    drop(sink);
    assert_eq!(names(&dir), ["dump.rdb"]);
    fs::remove_dir_all(dir).unwrap();
}

/// Changes every key once while the first chunk is written, so that nearly everything becomes a pre-image.
fn overwrite_all(keyspace: &keyspace::Keyspace, model: &Model) {
    for (db, key) in model.keys() {
        put(keyspace, *db, key, Value::Int(0), None);
    }
}

#[test]
fn a_save_spills_what_the_queue_has_no_room_for() {
    let dir = directory("spill");
    for queue_bytes in [0, 5_000] {
        let (keyspace, _) = keyspace();
        fill(&keyspace);
        let mut options =
            SnapshotOptions::new(save_options(), Overflow::Spill(Directory::at(&dir), "pre-images".into()));
        (options.chunk_bytes, options.queue_bytes) = (100, queue_bytes);
        let (snapshot, model) = begin(&keyspace, options);
        let mut first = true;
        let mut sink = Memory::new(|| {
            if std::mem::take(&mut first) {
                overwrite_all(&keyspace, &model);
            }
            Ok(())
        });
        let finished = run(&keyspace, snapshot, &mut sink).unwrap();
        assert!(finished.spilled_bytes > 10_000, "{finished:?}");
        assert_eq!(loaded(&sink.bytes).0, model);
        assert!(names(&dir).is_empty(), "the temporary file has no name");
    }
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_spill_that_fails_ends_the_snapshot() {
    let (keyspace, _) = keyspace();
    fill(&keyspace);
    let dir = directory("no-spill");
    let (snapshot, model) =
        begin(&keyspace, tiny(Overflow::Spill(Directory::at(dir.join("absent")), "pre-images".into()), 0));
    let mut sink = Memory::new(|| {
        overwrite_all(&keyspace, &model);
        Ok(())
    });
    match run(&keyspace, snapshot, &mut sink) {
        Err(SnapshotError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::NotFound),
        other => panic!("{other:?}"),
    }
    assert!(!sink.finished);
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_sync_that_is_too_slow_ends() {
    let (keyspace, _) = keyspace();
    fill(&keyspace);
    let (snapshot, model) = begin(&keyspace, tiny(Overflow::Abort, 2_000));
    let control = snapshot.control().clone();
    let mut sink = Memory::new(|| {
        overwrite_all(&keyspace, &model);
        Ok(())
    });
    match run(&keyspace, snapshot, &mut sink) {
        Err(SnapshotError::Overflow(bytes)) => assert!(bytes > 2_000),
        other => panic!("{other:?}"),
    }
    assert!(control.is_aborted() && !sink.finished);
}

#[test]
fn two_snapshots_do_not_run_at_the_same_time() {
    let (keyspace, _) = keyspace();
    fill(&keyspace);
    let (snapshot, _) = begin(&keyspace, tiny(Overflow::Abort, 0));
    snapshot::Background::new(&keyspace, WORKER).with_world(|world| {
        let second = Snapshot::begin(&keyspace, world, tiny(Overflow::Abort, 0));
        assert_eq!(second.unwrap_err(), NotBegun::Busy);
    });
    run(&keyspace, snapshot, &mut Memory::new(|| Ok(()))).unwrap();
}

/// Runs a snapshot into a channel on a thread, with `limit_bytes` of room.
fn with_channel(
    limit_bytes: usize,
    receive: impl FnOnce(snapshot::ChunkReceiver, &mpsc::Receiver<()>),
) -> (Model, Result<snapshot::Finished, SnapshotError>) {
    let (keyspace, threads) = keyspace();
    fill(&keyspace);
    let (snapshot, model) = begin(&keyspace, tiny(Overflow::Abort, 1 << 20));
    let (wake, woken) = mpsc::channel();
    let (mut sink, receiver) = chunk_channel(limit_bytes, snapshot.control(), move || {
        let _ = wake.send(());
    });
    let result = thread::scope(|scope| {
        let walker = scope.spawn(|| {
            threads.lock().unwrap()[WALKER] = Some(thread::current());
            let result = run(&keyspace, snapshot, &mut sink);
            drop(sink);
            result
        });
        receive(receiver, &woken);
        walker.join().unwrap()
    });
    (model, result)
}

fn drain(receiver: &snapshot::ChunkReceiver, woken: &mpsc::Receiver<()>) -> (Vec<u8>, Received) {
    let mut bytes = Vec::new();
    loop {
        match receiver.try_recv() {
            Received::Chunk(chunk) => {
                bytes.extend_from_slice(&chunk);
                receiver.recycle(chunk);
            }
            Received::Empty => woken.recv().unwrap(),
            end => return (bytes, end),
        }
    }
}

#[test]
fn a_channel_brings_everything() {
    for limit_bytes in [0, 10_000] {
        let mut received = None;
        let (model, result) = with_channel(limit_bytes, |receiver, woken| {
            received = Some(drain(&receiver, woken));
        });
        let (bytes, end) = received.unwrap();
        assert_eq!((end, result.unwrap().bytes as usize), (Received::Finished, bytes.len()));
        assert_eq!(loaded(&bytes).0, model);
    }
}

#[test]
fn a_receiver_that_goes_ends_the_snapshot() {
    let (_, result) = with_channel(0, |receiver, woken| {
        woken.recv().unwrap();
        drop(receiver);
    });
    match result {
        Err(SnapshotError::Io(error)) => assert_eq!(error.kind(), io::ErrorKind::BrokenPipe),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_abort_frees_a_walk_that_waits_for_its_receiver() {
    let (keyspace, threads) = keyspace();
    fill(&keyspace);
    let (snapshot, _) = begin(&keyspace, tiny(Overflow::Abort, 1 << 20));
    let control = snapshot.control().clone();
    let (wake, woken) = mpsc::channel();
    let (mut sink, receiver) = chunk_channel(0, &control, move || {
        let _ = wake.send(());
    });
    thread::scope(|scope| {
        let walker = scope.spawn(|| {
            threads.lock().unwrap()[WALKER] = Some(thread::current());
            let result = run(&keyspace, snapshot, &mut sink);
            drop(sink);
            result
        });
        // One chunk is in the channel and nobody takes it: the walk waits, now or soon.
        woken.recv().unwrap();
        control.abort();
        assert!(matches!(walker.join().unwrap(), Err(SnapshotError::Aborted)));
    });
    assert_eq!(drain(&receiver, &woken).1, Received::Broken);
    assert!(!keyspace.is_walking());
}
