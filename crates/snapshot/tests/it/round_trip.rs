//! Saving and loading while nothing else happens.

use crate::support::*;
use files::Directory;
use keyspace::{AccessClock, Lfu};
use profile::Profile;
use rdb::{AuxFields, ReplicationAux, SaveOptions};
use snapshot::{
    Access, Background, Duplicates, FileSink, Header, KeyDelay, LoadOptions, Loader, Overflow, SaveInWorld,
    SnapshotOptions, load, save_in_world,
};
use std::fs::{self, File};
use structures::Value;

#[test]
fn a_snapshot_is_loaded_as_it_was() {
    let (keyspace, _) = keyspace();
    fill(&keyspace);
    for chunk_bytes in [1, 1000, 64 << 10] {
        let mut options = SnapshotOptions::new(save_options(), Overflow::Abort);
        options.chunk_bytes = chunk_bytes;
        let (snapshot, model) = begin(&keyspace, options);
        let control = snapshot.control().clone();
        let mut sink = Memory::new(|| Ok(()));
        let finished = run(&keyspace, snapshot, &mut sink).unwrap();
        assert!(sink.finished && !keyspace.is_walking());
        assert_eq!((finished.keys as usize, finished.bytes as usize), (model.len(), sink.bytes.len()));
        assert_eq!((control.processed(), control.total()), (finished.keys, finished.keys));
        assert_eq!(loaded(&sink.bytes).0, model);
    }
}

#[test]
fn an_empty_keyspace_is_a_file_too() {
    let (keyspace, _) = keyspace();
    let (snapshot, model) = begin(&keyspace, tiny(Overflow::Abort, 0));
    let mut sink = Memory::new(|| Ok(()));
    assert_eq!(run(&keyspace, snapshot, &mut sink).unwrap().keys, 0);
    assert_eq!(loaded(&sink.bytes).0, model);
}

fn save(keyspace: &keyspace::Keyspace, options: &SaveInWorld) -> Vec<u8> {
    let mut sink = Memory::new(|| Ok(()));
    let finished = Background::new(keyspace, WALKER)
        .with_world(|world| save_in_world(keyspace, world, &mut sink, options))
        .unwrap();
    assert_eq!(finished.bytes as usize, sink.bytes.len());
    sink.bytes
}

fn plain() -> SaveInWorld {
    SaveInWorld {
        save: save_options(),
        access: Access::None,
        header: Header::default(),
        key_delay: KeyDelay::default(),
    }
}

#[test]
fn a_save_at_once_is_loaded_as_it_was() {
    let (keyspace, _) = keyspace();
    fill(&keyspace);
    let model = in_world(&keyspace, WORKER, 0, contents);
    for compress in [false, true] {
        let save_options = SaveOptions { compress, ..save_options() };
        assert_eq!(loaded(&save(&keyspace, &SaveInWorld { save: save_options, ..plain() })).0, model);
    }
}

#[test]
fn the_header_comes_back() {
    let (keyspace, _) = keyspace();
    let replication = Some(ReplicationAux {
        stream_db: 3,
        id: "0123456789abcdef0123456789abcdef01234567".into(),
        offset: 99,
    });
    let aux = AuxFields { ctime_s: 17, used_mem: 18, replication, aof_base: true };
    let header = Header { aux, functions: Vec::new() };
    let (_, report) = loaded(&save(&keyspace, &SaveInWorld { header, ..plain() }));
    assert_eq!(report.repl_id.as_deref(), Some("0123456789abcdef0123456789abcdef01234567"));
    assert_eq!((report.repl_offset, report.repl_stream_db), (Some(99), Some(3)));
    assert_eq!((report.ctime_s, report.used_mem, report.aof_base), (Some(17), Some(18), true));
    assert_eq!(report.writer_version.as_deref(), Some("7.0.15"));
}

#[test]
fn a_file_is_written_and_read() {
    let (keyspace, _) = keyspace();
    fill(&keyspace);
    let dir = directory("file");
    for incremental_sync in [false, true] {
        let (snapshot, model) = begin(&keyspace, SnapshotOptions::new(save_options(), Overflow::Abort));
        let mut sink = FileSink::create(&Directory::at(&dir), "dump.rdb", incremental_sync).unwrap();
        let finished = run(&keyspace, snapshot, &mut sink).unwrap();
        assert_eq!(finished.bytes, sink.written());
        drop(sink);
        let names: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["dump.rdb"], "nothing is left beside the file");

        let (other, _) = crate::support::keyspace();
        let mut calls = Vec::new();
        let file = File::open(dir.join("dump.rdb")).unwrap();
        let (report, _) = load(file, &other, WORKER, load_options(), |so_far| {
            calls.push((so_far.keys(), so_far.loaded_bytes()))
        })
        .unwrap();
        assert_eq!((report.keys, calls.last()), (finished.keys, Some(&(finished.keys, finished.bytes))));
        assert_eq!(in_world(&other, WORKER, 0, contents), model);
    }
    fs::remove_dir_all(dir).unwrap();
}

#[test]
fn the_last_use_of_keys_comes_back() {
    let (keyspace, _) = keyspace();
    put(&keyspace, 0, b"k", Value::Int(1), None);
    let now_s = NOW_MS / 1000;
    on_key(&keyspace, WORKER, 0, b"k", |keys| {
        keys.peek(b"k").unwrap().set_lru(((now_s - 100) & 0xff_ffff) as u32);
    });
    let idle = save(&keyspace, &SaveInWorld { access: Access::Idle { now_ms: NOW_MS }, ..plain() });
    on_key(&keyspace, WORKER, 0, b"k", |keys| {
        keys.peek(b"k").unwrap().set_lru(((now_s / 60 - 3) as u32 & 0xffff) << 8 | 50);
    });
    let lfu = Lfu { log_factor: 10, decay_min: 1 };
    let access = Access::Frequency { now_ms: NOW_MS, lfu };
    let frequency = save(&keyspace, &SaveInWorld { access, ..plain() });
    for (bytes, policy, clock) in [
        (idle, AccessClock::Lru, ((now_s - 100) & 0xff_ffff) as u32),
        (frequency, AccessClock::Lfu(lfu), ((now_s / 60) as u32 & 0xffff) << 8 | 47),
    ] {
        let (other, _) = crate::support::keyspace();
        let mut loader = Loader::new(WORKER, LoadOptions { clock: policy, ..load_options() });
        assert!(loader.feed(&other, &bytes).unwrap());
        assert_eq!(on_key(&other, WORKER, 0, b"k", |keys| keys.peek(b"k").unwrap().lru()), clock);
    }
}

#[test]
fn both_profiles_write_what_they_read() {
    let (keyspace, _) = keyspace();
    fill(&keyspace);
    let model = in_world(&keyspace, WORKER, 0, contents);
    for &profile in Profile::ALL {
        let bytes = save(&keyspace, &SaveInWorld { save: SaveOptions::new(profile), ..plain() });
        let (other, _) = crate::support::keyspace();
        let options = LoadOptions {
            drop_expired: false,
            duplicates: Duplicates::Replace,
            ..LoadOptions::new(profile.rdb_version(), NOW_MS)
        };
        for _ in 0..2 {
            let (report, _) = load(&bytes[..], &other, WORKER, options, |_| {}).unwrap();
            assert_eq!(report.keys as usize, model.len(), "keys that are there are replaced");
        }
        assert_eq!(in_world(&other, WORKER, 0, contents), model);
    }
}
