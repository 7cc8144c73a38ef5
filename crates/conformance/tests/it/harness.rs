//! The harness tests itself: equal servers must agree, and servers made different must be caught.

use conformance::differential::{Finding, Options, Pair, run};
use conformance::peer::{Launch, Peer};
use conformance::program::{Compare, Step};
use profile::Profile;

use crate::oracle;

#[test]
fn equal_servers_agree() {
    let Some(oracle) = oracle() else { return };
    let options = Options { seed: 1000, programs: 8, commands: 500, ..Options::default() };
    if let Some(finding) = run(&oracle, &oracle, &options).unwrap() {
        panic!("{finding}");
    }
}

#[test]
fn a_different_encoding_is_caught_and_shrunk() {
    let Some(oracle) = oracle() else { return };
    let other = oracle.clone().with(&["--hash-max-listpack-value", "30"]);
    let finding = catch(&oracle, &other);
    assert!(finding.program.len() <= 3, "{finding}");
}

#[test]
fn a_different_reply_is_caught_and_shrunk() {
    let Some(oracle) = oracle() else { return };
    let other = oracle.clone().with(&["--rename-command", "STRLEN", "SUBSTRLEN"]);
    let finding = catch(&oracle, &other);
    assert_eq!(finding.program.len(), 1, "{finding}");
    assert_eq!(finding.program[0].command(), "STRLEN");
}

#[test]
fn a_server_that_dies_is_caught_and_started_again() {
    let Some(subject) = oracle() else { return };
    let oracle = subject.clone().with(&["--rename-command", "SHUTDOWN", "STAY"]);
    let mut pair = Pair::start(&oracle, &subject, Profile::Redis70).unwrap();
    let step = |line: &str| Step {
        client: 0,
        args: line.split(' ').map(|word| word.as_bytes().to_vec()).collect(),
        compare: Compare::Exact,
    };
    let divergence = pair.run(&[step("SET a 1"), step("SHUTDOWN NOSAVE")]).unwrap().unwrap();
    assert_eq!(divergence.step, Some(1));
    assert!(divergence.what.contains("closed"), "{}", divergence.what);
    assert!(pair.run(&[step("SET a 1"), step("GET a")]).unwrap().is_none());
}

#[test]
fn a_peer_comes_back_with_its_data_and_ends_by_its_own_pid() {
    let Some(oracle) = oracle() else { return };
    let peer = Peer::start(&oracle.with(&["--appendonly", "yes"])).unwrap();
    peer.connect().unwrap().call(&["SET", "a", "1"]).unwrap();
    let mut peer = peer.restart("TERM").unwrap();
    assert_eq!(peer.connect().unwrap().call(&["GET", "a"]).unwrap().to_text(), "1");
    peer.signal("KILL").unwrap();
    assert!(!peer.wait_for_end().unwrap().success());
}

#[test]
fn a_program_that_is_no_server_is_explained() {
    let error = Peer::start(&Launch::by_path("/bin/false", "redis-7.0")).unwrap_err();
    assert!(format!("{error:#}").contains("ended"), "{error:#}");
}

fn catch(oracle: &Launch, other: &Launch) -> Finding {
    let options = Options { programs: 20, ..Options::default() };
    run(oracle, other, &options).unwrap().expect("the servers differ, but nothing was found")
}
