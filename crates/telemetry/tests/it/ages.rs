//! What is too old is gone, with the names of its series.

use crate::model::{BEGIN, register, series};
use files::simulation::Simulation;
use telemetry::{Query, SeriesId, Statistic, Store, Value};

const DAY: u64 = 86_400;

fn names(store: &Store) -> Vec<String> {
    store.series().map(|(_, series)| series.name.clone()).collect()
}

fn sum(store: &Store, id: SeriesId) -> f64 {
    let query = Query { range: 0..BEGIN + 1000 * DAY, period: 300, statistic: Statistic::Sum };
    store.query(&[id], &query).unwrap()[0].iter().map(|(_, sum)| sum).sum()
}

#[test]
fn a_series_is_forgotten_once_its_points_are_too_old() {
    let disk = Simulation::new();
    let mut store = Store::open(disk.directory("/telemetry"), BEGIN).unwrap();
    let ids = register(&mut store, 3);
    let one = |id| (id, Value::from(1));
    store.record(BEGIN, &[one(ids[0]), one(ids[1])]).unwrap();
    let mut store = Store::open(disk.directory("/telemetry"), BEGIN).unwrap();
    assert_eq!(names(&store), ["m0", "m1"], "of the third there was never a value");
    let mut at = BEGIN;
    for days in [100, 200, 300, 400] {
        at = BEGIN + days * DAY;
        store.record(at, &[one(ids[1])]).unwrap();
        drop(store);
        store = Store::open(disk.directory("/telemetry"), at).unwrap();
        assert_eq!(names(&store), ["m0", "m1"], "there are points of {days} days ago");
    }
    store.record(at + 60 * DAY, &[one(ids[1])]).unwrap();
    let mut store = Store::open(disk.directory("/telemetry"), at + 60 * DAY).unwrap();
    assert_eq!(names(&store), ["m1"]);
    assert_eq!(store.id(&series("m0")), None);
    let new = store.register(&[series("m1"), series("n0"), series("n1")]).unwrap();
    assert_eq!(new[..2], [ids[1], ids[0]], "one goes on, another has the free place");
    store.record(at + 60 * DAY + 1, &[one(new[1])]).unwrap();
    for _ in 0..2 {
        assert_eq!(new.iter().map(|id| sum(&store, *id)).collect::<Vec<_>>(), [5.0, 1.0, 0.0]);
        drop(store);
        store = Store::open(disk.directory("/telemetry"), at + 60 * DAY + 1).unwrap();
    }
    assert_eq!(names(&store), ["n0", "m1"]);
}
