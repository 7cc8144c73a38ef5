//! What nodes measure is asked for in rounds.

use crate::support::{Host, PATIENCE, signal};
use agent::{Answer, Measuring};
use fleet::step::{NodeId, Process};
use std::time::{Duration, Instant};
use supervision::Reading;

const BOTH: [NodeId; 2] = [NodeId(1), NodeId(2)];

/// Which question each node has answered, and which one before.
fn asked(answers: &[Answer]) -> Vec<(u64, f64, Option<f64>)> {
    let number = |reading: &Reading| if let Reading::Grown(number) = reading { *number } else { f64::NAN };
    let mut asked: Vec<_> = answers
        .iter()
        .map(|Answer { node, now, before }| {
            let before = before.as_ref().map(|before| number(&before.readings[0].1));
            (node.0, number(&now.readings[0].1), before)
        })
        .collect();
    asked.sort_by_key(|(node, ..)| *node);
    asked
}

fn round(measuring: &mut Measuring, limit: Duration) -> Vec<(u64, f64, Option<f64>)> {
    asked(&measuring.round(&BOTH, limit))
}

#[test]
fn a_round_has_the_answers_of_those_who_answer() {
    let mut host = Host::new();
    let mut measuring = host.measuring();
    assert_eq!(round(&mut measuring, PATIENCE), [], "nobody is there");
    host.start(1, &[]).unwrap();
    host.start(2, &[]).unwrap();
    assert_eq!(round(&mut measuring, PATIENCE), [(1, 1.0, None), (2, 1.0, None)]);
    assert_eq!(round(&mut measuring, PATIENCE), [(1, 2.0, Some(1.0)), (2, 2.0, Some(1.0))]);
    signal(host.pid(2), "STOP");
    host.until(2, Process::Hung);
    for asked in [3.0, 4.0] {
        let answers = round(&mut measuring, Duration::from_millis(300));
        assert_eq!(answers, [(1, asked, Some(asked - 1.0))], "the other one is not waited for");
    }
    signal(host.pid(2), "CONT");
    host.until(2, Process::Running);
    let answers = round(&mut measuring, PATIENCE);
    assert_eq!(answers[1], (2, 3.0, Some(2.0)), "the answer that it owed, and no question in between");
    signal(host.pid(2), "KILL");
    host.until(2, Process::Ended);
    assert_eq!(round(&mut measuring, PATIENCE).len(), 1);
    host.start(2, &[]).unwrap();
    assert_eq!(round(&mut measuring, PATIENCE)[1], (2, 1.0, None), "its counters begin anew");
}

#[test]
fn a_node_of_an_earlier_version_is_not_asked() {
    let mut host = Host::new();
    host.start(1, &[("stand-in-version", "2")]).unwrap();
    host.start(2, &[("stand-in-ignore", "measure")]).unwrap();
    let mut measuring = host.measuring();
    let began = Instant::now();
    assert_eq!(asked(&measuring.round(&[NodeId(1)], PATIENCE)), []);
    assert_eq!(asked(&measuring.round(&[NodeId(1)], PATIENCE)), []);
    assert!(began.elapsed() < PATIENCE, "it owes nothing");
    assert_eq!(asked(&measuring.round(&BOTH, Duration::from_millis(50))), [], "this one does");
}
