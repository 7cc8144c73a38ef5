//! The log under crashes, damage and other versions.

use super::*;
use fleet::{AddressPool, NodeId};

pub(super) fn empty() -> Fleet {
    Fleet::new(AddressPool::Loopback { block: 1, last: 0 })
}

/// Any command does; this one changes nothing that the test would have to build first.
pub(super) fn decision(node: u64) -> Vec<(String, Command)> {
    vec![("us-east-1".into(), Command::Stranger { node: NodeId(node), origin: None, moved_to: None })]
}

pub(super) fn next_node(fleet: &Fleet) -> u64 {
    serde_json::to_value(fleet).unwrap()["next_node"].as_u64().unwrap()
}

fn filled(directory: &Path, count: u64) {
    let (mut store, _) = Store::open(directory, empty).unwrap();
    for node in 1..=count {
        store.append(7, &decision(node)).unwrap();
    }
}

fn read(directory: &Path, name: &str) -> Vec<u8> {
    std::fs::read(directory.join(name)).unwrap()
}

fn write(directory: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(directory.join(name), bytes).unwrap();
}

/// The error, after which the files are what they were.
#[track_caller]
fn refusal(directory: &Path) -> String {
    let before = (read(directory, "fleet.json"), std::fs::read(directory.join("fleet.log")).ok());
    let error = Store::open(directory, empty).unwrap_err().to_string();
    assert_eq!(
        (read(directory, "fleet.json"), std::fs::read(directory.join("fleet.log")).ok()),
        before,
        "{error}"
    );
    error
}

#[test]
fn a_line_without_its_end_is_cut_off_wherever_it_is_torn() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 3);
    let (snapshot, whole) = (read(directory.path(), "fleet.json"), read(directory.path(), "fleet.log"));
    let last = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for cut in last..whole.len() {
        write(directory.path(), "fleet.json", &snapshot);
        write(directory.path(), "fleet.log", &whole[..cut]);
        let (mut store, _) = Store::open(directory.path(), empty).unwrap();
        assert_eq!(store.sequence, 2);
        store.append(8, &decision(9)).unwrap();
        drop(store);
        assert_eq!(Store::open(directory.path(), empty).unwrap().0.sequence, 3);
    }
}

#[test]
fn any_bit_that_flips_is_told_in_every_line_and_in_the_snapshot() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 3);
    for name in ["fleet.log", "fleet.json"] {
        let whole = read(directory.path(), name);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            write(directory.path(), name, &bytes);
            match Store::open(directory.path(), empty) {
                // The last line has lost its end, and only that.
                Ok((store, _)) => assert_eq!((name, at, store.sequence), ("fleet.log", whole.len() - 1, 2)),
                Err(error) => assert!(matches!(error, StoreError::Damaged(..)), "{error}"),
            }
            write(directory.path(), name, &whole);
        }
    }
}

#[test]
fn a_line_that_is_missing_is_told() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 3);
    let log = read(directory.path(), "fleet.log");
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    write(directory.path(), "fleet.log", &[lines[0], lines[1], lines[3]].concat());
    assert!(refusal(directory.path()).contains("3 follows 1"));
    write(directory.path(), "fleet.log", &log);
    std::fs::remove_file(directory.path().join("fleet.json")).unwrap();
    let error = Store::open(directory.path(), empty).unwrap_err();
    assert!(error.to_string().contains("fleet.json is damaged (it is missing"), "{error}");
}

#[test]
fn a_log_that_is_gone_behind_a_snapshot_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let (mut store, fleet) = Store::open(directory.path(), empty).unwrap();
    store.append(1, &decision(1)).unwrap();
    store.begin_anew(&fleet).unwrap();
    write(directory.path(), "fleet.log", b"");
    assert!(refusal(directory.path()).contains("fleet.log is damaged (it is missing"));
    std::fs::remove_file(directory.path().join("fleet.log")).unwrap();
    assert!(refusal(directory.path()).contains("fleet.log is damaged (it is missing"));
}

#[test]
fn a_crash_between_snapshot_and_log_repeats_nothing() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 2);
    let log = read(directory.path(), "fleet.log");
    let (mut store, fleet) = Store::open(directory.path(), empty).unwrap();
    store.lines = LINES_PER_SNAPSHOT;
    store.compact(&fleet).unwrap();
    drop(store);
    write(directory.path(), "fleet.log", &log);
    let (mut store, again) = Store::open(directory.path(), empty).unwrap();
    assert_eq!((store.sequence, &again), (2, &fleet));
    store.append(9, &decision(5)).unwrap();
    drop(store);
    assert_eq!(next_node(&Store::open(directory.path(), empty).unwrap().1), 6);
}

#[test]
fn the_files_of_version_1_open_and_become_today_s() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "fleet.json", include_bytes!("../../tests/it/format-1/fleet.json"));
    write(directory.path(), "fleet.log", include_bytes!("../../tests/it/format-1/fleet.log"));
    let (store, fleet) = Store::open(directory.path(), empty).unwrap();
    assert_eq!(store.sequence, 5014);
    let names: Vec<String> =
        fleet.deployments().map(|(region, one)| format!("{region}: {}", one.id)).collect();
    assert_eq!(names, ["eu-west-1: cache cluster lone", "us-east-1: replication group web"]);
    let nodes: Vec<String> = fleet
        .nodes
        .iter()
        .map(|(id, record)| format!("{id} {} {}", record.origin, record.unmarked))
        .collect();
    assert_eq!(
        nodes,
        [
            "n4 lone, cache cluster lone (eu-west-1) true",
            "n5 web-001, replication group web (us-east-1) true",
            "n6 web-002, replication group web (us-east-1) true",
        ]
    );
    drop(store);
    assert!(read(directory.path(), "fleet.json").starts_with(br#"{"version":4,"#));
    let (again, same) = Store::open(directory.path(), empty).unwrap();
    assert_eq!((again.sequence, same), (5014, fleet));
}

#[test]
fn the_files_of_version_2_open_and_become_today_s() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "fleet.json", include_bytes!("../../tests/it/format-2/fleet.json"));
    let log = include_bytes!("../../tests/it/format-2/fleet.log");
    write(directory.path(), "fleet.log", log);
    let (store, fleet) = Store::open(directory.path(), empty).unwrap();
    let sizes: Vec<String> = fleet
        .deployments()
        .map(|(region, one)| format!("{region}: {}, {}", one.id, one.size.node_type))
        .collect();
    // The log has made the group larger.
    assert_eq!(
        sizes,
        [
            "eu-west-1: cache cluster lone, cache.t4g.micro",
            "us-east-1: replication group web, cache.m7g.large"
        ]
    );
    assert!(fleet.deployments().all(|(_, one)| one.deferred_size.is_none()));
    assert!(fleet.regions.values().all(|region| region.subnet_groups.is_empty()));
    let sequence = store.sequence;
    drop(store);
    assert!(read(directory.path(), "fleet.json").starts_with(br#"{"version":4,"#));
    // A crash between the two files leaves the old log behind the new snapshot.
    write(directory.path(), "fleet.log", log);
    let (again, same) = Store::open(directory.path(), empty).unwrap();
    assert_eq!((again.sequence, same), (sequence, fleet));
}

#[test]
fn the_files_of_version_3_open_and_become_today_s() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "fleet.json", include_bytes!("../../tests/it/format-3/fleet.json"));
    write(directory.path(), "fleet.log", include_bytes!("../../tests/it/format-3/fleet.log"));
    let (store, fleet) = Store::open(directory.path(), empty).unwrap();
    let region = &fleet.regions["us-east-1"];
    let waits = region.clusters["lone"].deferred_size.as_ref().map(|size| size.node_type.as_str());
    assert_eq!(waits, Some("cache.m7g.large"));
    assert_eq!(region.subnet_groups.keys().collect::<Vec<_>>(), ["nets"]);
    // Those of the snapshot, and those of the log with what this version tells.
    let told: Vec<String> =
        region.events_at(0).map(|(number, event)| format!("{number} {}", event.message)).collect();
    assert_eq!(
        told,
        [
            "0 Added cache node 0001 in availability zone us-east-1b",
            "1 Cache cluster created",
            "2 Recovering cache nodes 0001",
            "3 Finished recovery for cache nodes 0001",
            "4 Cache subnet group more created",
            "5 Cache subnet group more deleted",
        ]
    );
    drop(store);
    assert!(read(directory.path(), "fleet.json").starts_with(br#"{"version":4,"#));
    assert_eq!(Store::open(directory.path(), empty).unwrap().1, fleet);
}

#[test]
fn an_upgrade_that_was_broken_off_between_the_two_files_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let log = include_bytes!("../../tests/it/format-1/fleet.log");
    write(directory.path(), "fleet.json", include_bytes!("../../tests/it/format-1/fleet.json"));
    write(directory.path(), "fleet.log", log);
    let (_, fleet) = Store::open(directory.path(), empty).unwrap();
    write(directory.path(), "fleet.log", log);
    let (mut store, same) = Store::open(directory.path(), empty).unwrap();
    assert_eq!((store.sequence, same), (5014, fleet));
    store.append(1, &decision(70)).unwrap();
    drop(store);
    assert_eq!(next_node(&Store::open(directory.path(), empty).unwrap().1), 71);
}

#[test]
fn damage_in_files_of_version_1_is_told_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = include_bytes!("../../tests/it/format-1/fleet.log").to_vec();
    let in_the_last_line = log.len() - 5;
    log[in_the_last_line] ^= 1;
    write(directory.path(), "fleet.json", include_bytes!("../../tests/it/format-1/fleet.json"));
    write(directory.path(), "fleet.log", &log);
    assert!(refusal(directory.path()).contains("line 14"));
}

#[test]
fn files_of_a_later_version_are_refused_and_stay() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 2);
    let (snapshot, log) = (read(directory.path(), "fleet.json"), read(directory.path(), "fleet.log"));
    // All that may be taken for granted of a later snapshot is the name of its version.
    write(directory.path(), "fleet.json", br#"{"version":5,"anything":{}}"#);
    let error = refusal(directory.path());
    assert!(
        error.ends_with(
            "fleet.json has version 5 and this program reads up to 4; start the one that wrote it"
        )
    );
    write(directory.path(), "fleet.json", &snapshot);
    let head = br#"{"version":5,"anything":{}}"#;
    let head = [format!("{:08x} ", crc32fast::hash(head)).as_bytes(), head, b"\n"].concat();
    // The torn line behind it stays too.
    write(directory.path(), "fleet.log", &[&head[..], &log[log.len() - 30..log.len() - 1]].concat());
    assert!(refusal(directory.path()).contains("fleet.log has version 5"));
}

/// What a program of version 1 does with a snapshot before it looks at, or touches, anything else.
#[test]
fn a_program_of_version_1_does_not_understand_today_s_snapshot() {
    #[derive(Debug, serde::Deserialize)]
    struct Snapshot {
        sequence: u64,
        fleet: serde_json::Value,
    }
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), 1);
    let read = serde_json::from_slice::<Snapshot>(&read(directory.path(), "fleet.json"));
    assert!(read.is_err(), "{:?}", read.map(|snapshot| (snapshot.sequence, snapshot.fleet)));
}
