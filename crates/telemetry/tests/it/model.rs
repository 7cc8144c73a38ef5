//! The same questions to the store and to a list of all values.

use files::simulation::Simulation;
use proptest::prelude::*;
use std::collections::BTreeMap;
use telemetry::{Query, Series, SeriesId, Statistic, Store, Value};

pub(crate) const BEGIN: u64 = 1_800_000_000;
pub(crate) const STATISTICS: [Statistic; 5] =
    [Statistic::Average, Statistic::Sum, Statistic::Minimum, Statistic::Maximum, Statistic::SampleCount];

pub(crate) fn series(name: &str) -> Series {
    Series { name: name.to_owned(), dimensions: vec![("CacheClusterId".to_owned(), "c-001".to_owned())] }
}

pub(crate) fn register(store: &mut Store, count: usize) -> Vec<SeriesId> {
    let all: Vec<Series> = (0..count).map(|at| series(&format!("m{at}"))).collect();
    store.register(&all).unwrap()
}

/// What a list of seconds and values answers.
pub(crate) fn naive(values: &[(u64, i64)], query: &Query) -> Vec<(u64, f64)> {
    let start = query.range.start / query.period * query.period;
    let mut periods: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
    for (at, value) in values.iter().filter(|(at, _)| (start..query.range.end).contains(at)) {
        periods.entry(at / query.period * query.period).or_default().push(*value);
    }
    let told = |values: &[i64]| {
        let sum: i64 = values.iter().sum();
        match query.statistic {
            Statistic::Average => sum as f64 / 1000.0 / values.len() as f64,
            Statistic::Sum => sum as f64 / 1000.0,
            Statistic::Minimum => *values.iter().min().unwrap() as f64 / 1000.0,
            Statistic::Maximum => *values.iter().max().unwrap() as f64 / 1000.0,
            Statistic::SampleCount => values.len() as f64,
        }
    };
    periods.iter().map(|(start, values)| (*start, told(values))).collect()
}

#[derive(Clone, Debug)]
enum Step {
    /// So many seconds pass, with a value in each of this many; the value grows by so much.
    Run {
        seconds: u64,
        every: u64,
        by: i64,
        which: usize,
    },
    /// Nothing is recorded for a while.
    Gap(u64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u64..1500, 1_u64..4, -100_000_i64..100_000, 0_usize..3)
            .prop_map(|(seconds, every, by, which)| Step::Run { seconds, every, by, which }),
        1 => (1_u64..20_000).prop_map(Step::Gap),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Periods of a minute and more are answered for all that was recorded, and seconds for the last 3 hours.
    #[test]
    fn answers_are_those_of_a_list(steps in prop::collection::vec(step(), 1..12), periods in 1_u64..30) {
        let disk = Simulation::new();
        let directory = disk.directory("/telemetry");
        let mut now = BEGIN;
        let mut store = Store::open(directory.clone(), now).unwrap();
        let ids = register(&mut store, 3);
        let mut model: Vec<Vec<(u64, i64)>> = vec![Vec::new(); 3];
        for step in steps {
            match step {
                Step::Run { seconds, every, by, which } => for second in 0..seconds {
                    now += 1;
                    let value = second as i64 * by;
                    let mut values = vec![(ids[2], Value::from_thousandths(value / 7))];
                    model[2].push((now, value / 7));
                    if second % every == 0 {
                        values.push((ids[which.min(1)], Value::from_thousandths(value)));
                        model[which.min(1)].push((now, value));
                    }
                    prop_assert!(store.record(now, &values).unwrap());
                },
                Step::Gap(seconds) => now += seconds,
                Step::Restart => {
                    drop(store);
                    store = Store::open(directory.clone(), now).unwrap();
                    prop_assert_eq!(register(&mut store, 3), ids.clone());
                }
            }
        }
        for period in [1, 7, 60, 300, 60 * periods] {
            // Whole points of the tier that is asked: minutes where minutes make up the period, and periods of which no second is too
            // old.
            let oldest = now.saturating_sub(3 * 3600).max(BEGIN).next_multiple_of(period);
            let from = if period % 60 == 0 { BEGIN } else { oldest };
            for statistic in STATISTICS {
                let query = Query { range: from..now / 300 * 300 + 300, period, statistic };
                let expected: Vec<_> = model.iter().map(|values| naive(values, &query)).collect();
                let most = store.most_points(&query).unwrap();
                for (id, points) in ids.iter().zip(&expected) {
                    let most = most.get(id).copied().unwrap_or(0);
                    prop_assert!(points.len() as u64 <= most, "{most} of {query:?}");
                }
                prop_assert_eq!(store.query(&ids, &query).unwrap(), expected, "{:?}", query);
            }
        }
    }
}

#[test]
fn what_is_too_old_is_removed_and_the_coarser_points_stay() {
    let disk = Simulation::new();
    let mut store = Store::open(disk.directory("/telemetry"), BEGIN).unwrap();
    let ids = register(&mut store, 1);
    for minute in 0..16 * 24 * 60 {
        assert!(store.record(BEGIN + 1 + minute * 60, &[(ids[0], Value::from(minute))]).unwrap());
    }
    let end = BEGIN + 16 * 86_400;
    let count = |period: u64| {
        let query = Query { range: BEGIN..end, period, statistic: Statistic::SampleCount };
        store.query(&ids, &query).unwrap()[0].iter().map(|(_, count)| count).sum::<f64>() as u64
    };
    let kept = |kept: u64, span: u64| kept..=kept + span + 1;
    assert!(kept(180, 10).contains(&count(1)), "{}", count(1));
    assert!(kept(15 * 1440, 120).contains(&count(60)), "{}", count(60));
    assert_eq!(count(300), 16 * 1440);
    let names = disk.names("/telemetry");
    assert_eq!(names.iter().filter(|name| name.starts_with("1s-")).count(), 3 * 3600 / 300);
    assert!(names.iter().filter(|name| name.starts_with("1m-")).count() <= 181);
}

#[test]
fn time_only_goes_on() {
    let disk = Simulation::new();
    let mut store = Store::open(disk.directory("/telemetry"), BEGIN).unwrap();
    let ids = register(&mut store, 1);
    assert!(store.record(BEGIN + 5, &[(ids[0], Value::from(1))]).unwrap());
    assert!(!store.record(BEGIN + 5, &[(ids[0], Value::from(2))]).unwrap());
    assert!(!store.record(BEGIN + 4, &[(ids[0], Value::from(3))]).unwrap());
    let query = Query { range: BEGIN..BEGIN + 60, period: 60, statistic: Statistic::Sum };
    assert_eq!(store.query(&ids, &query).unwrap(), [[(BEGIN, 1.0)]]);
}

/// A series that was measured long ago, or for a moment only, is not taken for one that fills the range.
#[test]
fn points_are_counted_where_they_are() {
    let disk = Simulation::new();
    let mut store = Store::open(disk.directory("/telemetry"), BEGIN).unwrap();
    let ids = register(&mut store, 3);
    let (hour, day) = (3600, 86_400);
    let value = Value::from_thousandths(1);
    for second in 1..=2 * hour {
        store.record(BEGIN + second, &[(ids[0], value)]).unwrap();
    }
    let now = BEGIN + day;
    for second in 0..600 {
        store.record(now + second, &[(ids[1], value)]).unwrap();
    }
    store.record(now + 600, &[(ids[1], value), (ids[2], value)]).unwrap();
    let count = |since: u64, period| {
        let end = now + 601;
        let query = Query { range: end - since..end, period, statistic: Statistic::Sum };
        let most = store.most_points(&query).unwrap();
        ids.iter().map(|id| most.get(id).copied().unwrap_or(0)).collect::<Vec<_>>()
    };
    assert_eq!(count(3 * hour, 1), [0, 601, 1]);
    assert_eq!(count(3 * hour, 60), [0, 11, 1]);
    assert_eq!(count(hour, 300), [0, 3, 1]);
    let two_days = count(2 * day, 60);
    assert!((121..=242).contains(&two_days[0]) && two_days[1..] == [11, 1], "{two_days:?}");
}
