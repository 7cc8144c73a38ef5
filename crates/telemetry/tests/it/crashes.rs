//! A store on a disk that loses its power, is full or fails, at any of its calls.

use crate::model::{BEGIN, naive, register};
use files::Directory;
use files::simulation::{Simulation, Survival, random};
use std::collections::BTreeMap;
use telemetry::{Query, SYNC_SECONDS, SeriesId, Statistic, Store, Value};

const SECONDS: u64 = 3 * 7200 / 60;

/// A life of six hours with a value a minute, up to the first error: how many seconds `record` took.
fn live(directory: &Directory) -> (u64, Option<SeriesId>) {
    let Ok(mut store) = Store::open(directory.clone(), BEGIN) else { return (0, None) };
    let Ok(ids) = store.register(&[crate::model::series("m0")]) else { return (0, None) };
    for minute in 0..SECONDS {
        if store.record(BEGIN + 1 + minute * 60, &[(ids[0], Value::from(minute))]).is_err() {
            return (minute, Some(ids[0]));
        }
    }
    (SECONDS, Some(ids[0]))
}

fn values(count: u64) -> Vec<(u64, i64)> {
    (0..count).map(|minute| (BEGIN + 1 + minute * 60, minute as i64 * 1000)).collect()
}

fn found(directory: &Directory) -> Vec<(u64, f64)> {
    let mut store =
        Store::open(directory.clone(), BEGIN + SECONDS * 60).expect("a crash leaves what a start can read");
    let ids = register(&mut store, 1);
    let query = Query { range: BEGIN..BEGIN + 86_400, period: 300, statistic: Statistic::Sum };
    store.query(&ids, &query).unwrap().remove(0)
}

fn expected(count: u64) -> Vec<(u64, f64)> {
    let query = Query { range: BEGIN..BEGIN + 86_400, period: 300, statistic: Statistic::Sum };
    naive(&values(count), &query)
}

#[test]
fn a_crash_loses_the_last_seconds_at_most() {
    let whole = Simulation::new();
    live(&whole.directory("/telemetry"));
    let calls = whole.calls();
    for at in (0..calls).step_by(3) {
        let disk = Simulation::new();
        disk.stop_at(at);
        let (taken, _) = live(&disk.directory("/telemetry"));
        for (survival, seed) in [(Survival::Prefix, at), (Survival::Sectors, at), (Survival::Sectors, at + 1)]
        {
            let left = disk.crash(survival, &mut random(seed));
            let found = found(&left.directory("/telemetry"));
            let possible = taken.saturating_sub(SYNC_SECONDS)..=taken + 1;
            assert!(
                possible.clone().any(|count| found == expected(count)),
                "power lost at call {at}: of {possible:?} there is {found:?}"
            );
        }
    }
}

/// kill -9: the system keeps what was written.
#[test]
fn a_kill_loses_nothing() {
    for seconds in [1, 299, 301, 7201, 7500, 15_000] {
        let disk = Simulation::new();
        let directory = disk.directory("/telemetry");
        let mut store = Store::open(directory.clone(), BEGIN).unwrap();
        let ids = register(&mut store, 2);
        for second in 1..=seconds {
            store.record(BEGIN + second, &[(ids[0], Value::from(second)), (ids[1], Value::from(7))]).unwrap();
        }
        // Nothing is done when a store is dropped, so this is what a kill leaves.
        drop(store);
        let store = Store::open(directory, BEGIN + seconds).unwrap();
        let query = Query { range: BEGIN..BEGIN + 86_400, period: 3600, statistic: Statistic::Sum };
        let all: Vec<(u64, i64)> =
            (1..=seconds).map(|second| (BEGIN + second, second as i64 * 1000)).collect();
        assert_eq!(store.query(&ids[..1], &query).unwrap()[0], naive(&all, &query), "{seconds} seconds");
    }
}

#[test]
fn a_call_that_fails_loses_nothing_while_the_process_lives() {
    let whole = Simulation::new();
    live(&whole.directory("/telemetry"));
    for at in (12..whole.calls()).step_by(3) {
        let disk = Simulation::new();
        let directory = disk.directory("/telemetry");
        let mut store = Store::open(directory.clone(), BEGIN).unwrap();
        let ids = register(&mut store, 1);
        disk.fail(None, at - 12);
        for minute in 0..SECONDS {
            // The one that fails is in memory, and the next one writes it again.
            let _ = store.record(BEGIN + 1 + minute * 60, &[(ids[0], Value::from(minute))]);
        }
        // A fault that was meant for a call that did not come.
        disk.fail(None, u64::MAX);
        let query = Query { range: BEGIN..BEGIN + 86_400, period: 300, statistic: Statistic::Sum };
        assert_eq!(store.query(&ids, &query).unwrap()[0], expected(SECONDS), "call {at} failed");
        drop(store);
        assert_eq!(found(&directory), expected(SECONDS), "call {at} failed, then a kill");
    }
}

#[test]
fn a_full_disk_is_survived_and_memory_stays_bounded() {
    let disk = Simulation::new();
    let directory = disk.directory("/telemetry");
    let mut store = Store::open(directory.clone(), BEGIN).unwrap();
    let ids = register(&mut store, 1);
    let record = |store: &mut Store, minute: u64| {
        store.record(BEGIN + 1 + minute * 60, &[(ids[0], Value::from(minute))])
    };
    record(&mut store, 0).unwrap();
    disk.fill_after(0);
    for minute in 1..100 {
        record(&mut store, minute).unwrap_err();
    }
    disk.make_room();
    for minute in 100..200 {
        record(&mut store, minute).unwrap();
    }
    drop(store);
    let found = found(&directory);
    let last = expected(200).split_off(20);
    assert_eq!(found[found.len() - last.len()..], last);
    assert!((last.len()..last.len() + 6).contains(&found.len()), "{}", found.len());
}

#[test]
fn damage_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Directory::at(folder.path());
    let mut store = Store::open(directory, BEGIN).unwrap();
    let ids = register(&mut store, 1);
    for second in 1..=301 {
        store.record(BEGIN + second, &[(ids[0], Value::from(second * second % 97))]).unwrap();
    }
    let path = folder.path().join(format!("1s-{BEGIN}"));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let query = Query { range: BEGIN..BEGIN + 300, period: 1, statistic: Statistic::Sum };
    let error = store.query(&ids, &query).unwrap_err();
    assert_eq!(error.to_string(), format!("1s-{BEGIN} is damaged: a block has another checksum"));
}

/// The names behind a damaged frame are not known: nothing is written over them.
#[test]
fn a_damaged_name_is_told_and_left_alone() {
    for seconds in [20, 700] {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::at(folder.path());
        let mut store = Store::open(directory.clone(), BEGIN).unwrap();
        let ids = register(&mut store, 5);
        for second in 1..=seconds {
            let values: Vec<_> = ids.iter().map(|id| (*id, Value::from(second))).collect();
            store.record(BEGIN + second, &values).unwrap();
        }
        drop(store);
        let path = folder.path().join("series");
        let whole = std::fs::read(&path).unwrap();
        let contents = || {
            let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
            files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect::<BTreeMap<_, _>>()
        };
        // Within the second of five, and a file that ends too early at a whole frame.
        let frame = (whole.len() - 8 - b"engram series 1".len()) / 5;
        let mut damaged = whole.clone();
        damaged[whole.len() - 3 * frame - 10] ^= 1;
        for (bytes, lost) in [(damaged, 4), (whole[..whole.len() - 2 * frame].to_vec(), 2), (Vec::new(), 5)] {
            std::fs::write(&path, bytes).unwrap();
            let before = contents();
            let error = Store::open(directory.clone(), BEGIN + seconds).unwrap_err();
            let why = format!("series is damaged: {lost} series that have points are not in it");
            assert_eq!(error.to_string(), why);
            assert_eq!(contents(), before, "nothing is written");
        }
        std::fs::write(&path, whole).unwrap();
        assert_eq!(Store::open(directory, BEGIN + seconds).unwrap().series().count(), 5);
    }
}
