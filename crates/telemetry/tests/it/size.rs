//! What a node takes on the disk in a month, and what a large question costs.

use crate::model::{BEGIN, register};
use files::Directory;
use files::simulation::random;
use std::path::Path;
use telemetry::{Query, Statistic, Store, Value};

/// Series of a node.
const SERIES: usize = 80;

fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

/// A node's values in a second: a third of its series rests, a third steps now and then, a third is noise of a load.
fn values(second: u64, state: &mut [u64], choose: &mut impl FnMut(usize) -> usize) -> Vec<Value> {
    let value = |(at, state): (usize, &mut u64)| match at % 3 {
        0 => Value::from(at as u64),
        1 => {
            if choose(30) == 0 {
                *state = choose(1000) as u64;
            }
            Value::from(*state)
        }
        // Requests in a second and alike: a tenth up and down.
        _ => Value::from(1000 * (at as u64 % 5 + 1) + choose(200) as u64 + second % 3600 / 60),
    };
    state.iter_mut().enumerate().map(value).collect()
}

/// A day is simulated second by second; a month has thirty. What is kept of a month: 30 days of points of 5 minutes, 15 of minutes, 3 hours of seconds.
#[test]
fn a_node_and_month_take_ten_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(Directory::at(folder.path()), BEGIN).unwrap();
    let ids = register(&mut store, SERIES);
    let (mut state, mut choose) = ([0; SERIES], random(7));
    for second in 1..=86_400 {
        let values = values(second, &mut state, &mut choose);
        let values: Vec<_> = ids.iter().copied().zip(values).collect();
        store.record(BEGIN + second, &values).unwrap();
    }
    drop(store);
    let of = |tier: &str| -> u64 {
        let entries = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap());
        let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(tier));
        named.map(|entry| entry.metadata().unwrap().len()).sum()
    };
    let (seconds, minutes, fives) = (of("1s-"), of("1m-"), of("5m-"));
    let month = seconds + 15 * minutes + 30 * fives;
    println!(
        "{SERIES} series: 3 hours {seconds}, a day of minutes {minutes}, of 5 minutes {fives}, a month {month} bytes"
    );
    assert!(bytes_in(folder.path()) > 0 && month < 10_000_000, "{month} bytes");
}

/// 500 series over 3 hours. What it takes is printed, not judged: machines differ.
#[test]
fn a_large_question_is_answered_in_full() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(Directory::at(folder.path()), BEGIN).unwrap();
    let ids = register(&mut store, 500);
    let (mut state, mut choose) = ([0; 500], random(11));
    for second in 1..=3 * 3600 {
        let values = values(second, &mut state, &mut choose);
        let values: Vec<_> = ids.iter().copied().zip(values).collect();
        store.record(BEGIN + second, &values).unwrap();
    }
    for period in [1, 10, 60, 300] {
        let query = Query { range: BEGIN..BEGIN + 3 * 3600 + 300, period, statistic: Statistic::Average };
        let begin = std::time::Instant::now();
        let answers = store.query(&ids, &query).unwrap();
        println!("500 series × 3 hours, period {period} s: {:?}", begin.elapsed());
        // The first second belongs to the first period, the last one begins a period of its own.
        let periods = (3 * 3600 / period) as usize;
        assert!(answers.iter().all(|points| (periods..=periods + 1).contains(&points.len())));
    }
}
