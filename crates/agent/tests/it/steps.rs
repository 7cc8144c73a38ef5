//! Steps that wait for a node, steps that overtake, and handovers that fail at each of their messages.

use crate::support::{Done, Host, free, listen, nowhere};
use fleet::step::{Assignment, NodeId, Outcome, Process, Step, StepError};
use std::net::TcpListener;
use supervision::{Endpoint, Position, Role, Status};

const ONE: NodeId = NodeId(1);
const TWO: NodeId = NodeId(2);

fn handover(epoch: u64) -> Step {
    Step::Handover { from: ONE, from_address: nowhere(), to: TWO, to_address: nowhere(), epoch }
}

fn status(host: &Host, node: NodeId) -> Status {
    host.seen[&node].status.clone().unwrap()
}

fn is_replica(status: &Status) -> bool {
    matches!(status.role, Role::Replica(_))
}

#[test]
fn a_kill_overtakes_what_waits() {
    let mut host = Host::new();
    host.start(1, &[("stand-in-ignore", "assign-primary")]).unwrap();
    let stuck = host.ask(Step::Assign { node: ONE, epoch: 1, role: Assignment::Primary });
    let queued = host.ask(listen(1, Endpoint::Node, free()));
    let kill = host.ask(Step::Kill { node: ONE });
    let after = host.ask(crate::support::start(1, &[]));
    assert_eq!(host.finish(kill), Ok(Outcome::Done));
    assert_eq!(host.finish(stuck), Err(StepError::NodeGone));
    assert_eq!(host.finish(queued), Err(StepError::NodeGone));
    assert_eq!(host.finish(after), Ok(Outcome::Done));
    assert_eq!(host.seen[&ONE].process, Process::Running);
}

#[test]
fn an_address_of_somebody_else_is_named() {
    let mut host = Host::new();
    host.start(1, &[]).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    assert_eq!(host.run(listen(1, Endpoint::Node, address)), Err(StepError::AddressInUse(address)));
}

#[test]
fn a_drained_replica_says_how_far_it_is() {
    let mut host = Host::pair();
    host.configure(2, "stand-in-offset", "7");
    let position = Position { history: "0".repeat(40), offset: 7 };
    let expected = Outcome::Position { position, holds_data: true };
    assert_eq!(host.run(Step::Drain { node: TWO, epoch: 2 }), Ok(expected));
    assert_eq!(status(&host, TWO).role, Role::Drained);
}

#[test]
fn a_handover_swaps_the_roles_and_can_be_repeated() {
    let mut host = Host::pair();
    for _ in 0..2 {
        assert_eq!(host.run(handover(2)), Ok(Outcome::Done));
        assert!(is_replica(&status(&host, ONE)));
        assert_eq!(status(&host, TWO).role, Role::Primary);
    }
}

/// A handover that fails at one of the nodes leaves the first as it was.
#[track_caller]
fn fails_before_the_demotion(node: u64, parameter: (&str, &str)) {
    let mut host = Host::pair();
    host.configure(node, parameter.0, parameter.1);
    let outcome: Done = host.run(handover(2));
    assert!(matches!(outcome, Err(StepError::Refused(_))), "{outcome:?}");
    let one = status(&host, ONE);
    assert_eq!((one.role, one.writes_paused), (Role::Primary, false));
    assert!(is_replica(&status(&host, TWO)));
}

#[test]
fn a_handover_that_fails_early_leaves_everything_as_it_was() {
    fails_before_the_demotion(1, ("stand-in-refuse", "pause"));
    fails_before_the_demotion(2, ("stand-in-refuse", "await"));
    fails_before_the_demotion(1, ("stand-in-offset", "9"));
    fails_before_the_demotion(1, ("stand-in-refuse", "assign-replica"));
}

#[test]
fn a_primary_that_has_gone_on_since_its_pause_is_not_demoted() {
    fails_before_the_demotion(1, ("stand-in-slip", "1"));
}

#[test]
fn nodes_one_version_back_are_adopted_and_handed_over() {
    let mut host = Host::new();
    for node in [1, 2] {
        host.start(node, &[("stand-in-version", "1")]).unwrap();
    }
    let pids = [host.pid(1), host.pid(2)];
    host.end();
    host.begin();
    assert_eq!([host.pid(1), host.pid(2)], pids);
    let assign = |node, role| Step::Assign { node: NodeId(node), epoch: 1, role };
    host.run(assign(1, Assignment::Primary)).unwrap();
    host.run(assign(2, Assignment::Replica { of: ONE, address: nowhere() })).unwrap();
    assert_eq!(host.run(handover(2)), Ok(Outcome::Done));
    assert!(is_replica(&status(&host, ONE)));
    assert_eq!(status(&host, TWO).role, Role::Primary);
}

#[test]
fn a_handover_that_fails_late_goes_on_when_it_is_repeated() {
    let mut host = Host::pair();
    host.configure(2, "stand-in-refuse", "assign-primary");
    assert!(matches!(host.run(handover(2)), Err(StepError::Refused(_))));
    assert!(is_replica(&status(&host, ONE)));
    host.configure(2, "stand-in-refuse", "nothing");
    assert_eq!(host.run(handover(2)), Ok(Outcome::Done));
    assert_eq!(status(&host, TWO).role, Role::Primary);
}

#[test]
fn a_kill_ends_a_handover_that_waits() {
    let mut host = Host::pair();
    host.configure(1, "stand-in-ignore", "pause");
    let waits = host.ask(handover(2));
    let kill = host.ask(Step::Kill { node: ONE });
    assert_eq!(host.finish(kill), Ok(Outcome::Done));
    assert!(host.finish(waits).is_err());
    assert!(is_replica(&status(&host, TWO)));
    assert_eq!(host.seen[&TWO].process, Process::Running);
}
