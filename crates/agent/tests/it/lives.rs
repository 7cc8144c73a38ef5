//! How nodes come, go, hang, and are found again.

use crate::support::{Host, PATIENCE, STAND_IN, answer, free, listen, record, signal, start};
use fleet::step::{NodeId, Outcome, Process, Step, StepError};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use supervision::Endpoint;

const ONE: NodeId = NodeId(1);

#[test]
fn a_node_starts_once_and_stops_cleanly() {
    let mut host = Host::new();
    assert_eq!(host.start(1, &[]), Ok(Outcome::Done));
    let pid = host.pid(1);
    assert_eq!(host.start(1, &[]), Ok(Outcome::Done));
    assert_eq!(host.pid(1), pid);
    assert_eq!(host.told[&ONE], [Process::Starting, Process::Running]);
    assert_eq!(host.run(Step::Stop { node: ONE }), Ok(Outcome::Done));
    assert_eq!(host.seen[&ONE].process, Process::Ended);
    assert_eq!(host.start(1, &[]), Ok(Outcome::Done));
    assert_ne!(host.pid(1), pid);
}

#[test]
fn a_node_that_does_not_stop_is_left_alone_and_says_why() {
    let mut host = Host::new();
    host.start(1, &[("stand-in-refuse", "shutdown")]).unwrap();
    host.start(2, &[("stand-in-ignore", "shutdown")]).unwrap();
    let pids = [host.pid(1), host.pid(2)];
    let error = host.run(Step::Stop { node: ONE }).unwrap_err();
    assert!(error.to_string().contains("as it was told"), "{error}");
    host.begin_with(|config| config.stop_limit = Duration::from_millis(50));
    let error = host.run(Step::Stop { node: NodeId(2) }).unwrap_err();
    assert!(error.to_string().contains("did not answer in time"), "{error}");
    assert_eq!([host.pid(1), host.pid(2)], pids);
}

#[test]
fn a_node_that_dies_before_it_has_saved_is_not_stopped() {
    let mut host = Host::new();
    host.start(1, &[("stand-in-ignore", "shutdown")]).unwrap();
    let unsaved = |signal: i32| {
        Err(StepError::Unsaved(format!("it ended by signal {signal} before it said that its data is saved")))
    };
    let stop = host.ask(Step::Stop { node: ONE });
    signal(host.pid(1), "KILL");
    assert_eq!(host.finish(stop), unsaved(9));
    host.start(1, &[]).unwrap();
    signal(host.pid(1), "ABRT");
    host.until(1, Process::Ended);
    assert_eq!(host.run(Step::Stop { node: ONE }), unsaved(6), "nor one that has died before");
    host.start(1, &[]).unwrap();
    host.run(Step::Kill { node: ONE }).unwrap();
    assert_eq!(host.run(Step::Stop { node: ONE }), Ok(Outcome::Done), "the kill was wanted");
}

#[test]
fn a_node_that_does_not_start_says_why() {
    let mut host = Host::new();
    let error = host.start(1, &[("stand-in-fail", "no such engine")]).unwrap_err();
    assert!(error.to_string().contains("no such engine"), "{error}");
}

#[test]
fn a_node_whose_socket_was_lost_is_left_alone_and_says_why() {
    let mut host = Host::new();
    host.start(1, &[]).unwrap();
    let pid = host.pid(1);
    host.end();
    std::fs::remove_dir_all(host.directory.join("run")).unwrap();
    host.begin_with(|config| {
        config.start_limit = Duration::from_millis(50);
        config.stop_limit = Duration::from_millis(50);
    });
    let unreached = host.seen[&ONE].unreached.clone().expect("told at once");
    assert_eq!((unreached.pid, unreached.socket), (pid, host.directory.join("run/n1.private")));
    let error = host.run(start(1, &[])).unwrap_err();
    assert!(error.to_string().contains("left alone"), "{error}");
    let error = host.run(Step::Stop { node: ONE }).unwrap_err();
    assert!(error.to_string().contains("cannot be reached by its socket"), "{error}");
    assert_eq!(host.seen[&ONE].process, Process::Starting);
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
    host.run(Step::Kill { node: ONE }).unwrap();
    assert_eq!(host.seen[&ONE].unreached, None);
}

#[test]
fn the_next_agent_finds_nodes_and_listeners() {
    let mut host = Host::new();
    let address = free();
    host.start(1, &[]).unwrap();
    host.run(listen(1, Endpoint::Primary, address)).unwrap();
    let pid = host.pid(1);
    host.end();
    assert_eq!(answer(TcpStream::connect(address).unwrap()), "n1 Primary");
    host.begin();
    assert_eq!(host.seen[&ONE].process, Process::Running);
    assert_eq!(host.pid(1), pid);
    // The listener is there again: a client that comes between two owners waits.
    host.run(Step::Kill { node: ONE }).unwrap();
    let client = TcpStream::connect(address).unwrap();
    host.start(2, &[]).unwrap();
    host.run(listen(2, Endpoint::Primary, address)).unwrap();
    assert_eq!(answer(client), "n2 Primary");
}

#[test]
fn a_control_plane_that_is_killed_leaves_its_nodes_to_the_next() {
    let mut host = Host::empty();
    let address = free();
    std::fs::write(host.directory.join("address"), address.to_string()).unwrap();
    let mut first =
        Command::new(STAND_IN).arg("agent").arg(&host.directory).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "1 Ok(Done)");
    assert_eq!(lines.next().unwrap().unwrap(), "2 Ok(Done)");
    first.kill().unwrap();
    first.wait().unwrap();
    host.begin();
    assert_eq!(host.seen[&ONE].process, Process::Running);
    assert_eq!(answer(TcpStream::connect(address).unwrap()), "n1 Primary");
    assert_eq!(host.run(Step::Kill { node: ONE }), Ok(Outcome::Done));
}

#[test]
fn a_node_that_was_not_yet_answering_when_the_control_plane_died_is_found() {
    let mut host = Host::new();
    host.ask(start(1, &[("stand-in-mute-ms", "3000")]));
    host.until(1, Process::Starting);
    host.end();
    host.begin();
    // It may not even hold its lock yet; then this starts another one, and one of the two wins.
    assert_eq!(host.start(1, &[]), Ok(Outcome::Done));
    assert_eq!(host.seen[&ONE].process, Process::Running);
    let of_this_life = host.told[&ONE].iter().filter(|process| **process == Process::Running).count();
    assert_eq!(of_this_life, 1);
}

#[test]
fn a_directory_that_another_log_made_is_moved_aside_and_never_served() {
    let mut host = Host::new();
    host.start(1, &[]).unwrap();
    host.run(Step::Stop { node: ONE }).unwrap();
    // A node counts as ended when it can't serve any more; the system closes its files a moment later.
    let lock = std::fs::File::open(host.directory.join("nodes/n1/lock")).unwrap();
    lock.lock().unwrap();
    lock.unlock().unwrap();
    std::fs::write(host.directory.join("nodes/n1/dump.rdb"), "data").unwrap();
    host.end();
    // The same number, given out again by a log that knows nothing of the first.
    host.record = record(2);
    host.begin();
    let aside = host.directory.join("strangers/n1");
    assert_eq!(host.strangers, [(ONE, Some(aside.clone()))]);
    assert!(!host.seen.contains_key(&ONE));
    host.start(1, &[]).unwrap();
    assert!(!host.directory.join("nodes/n1/dump.rdb").exists());
    assert_eq!(std::fs::read(aside.join("dump.rdb")).unwrap(), b"data");
}

#[test]
fn a_stranger_that_lives_is_left_alone_until_it_has_ended() {
    let mut host = Host::new();
    host.start(1, &[]).unwrap();
    let pid = host.pid(1);
    host.end();
    host.record = record(2);
    host.begin();
    assert_eq!(host.strangers, [(ONE, None)]);
    let [stranger] = &host.living_strangers()[..] else { panic!("one lives there") };
    let origin = record(1).origin;
    assert_eq!((stranger.pid, &stranger.origin), (Some(pid), &Some(origin)));
    assert_eq!(stranger.directory, host.directory.join("nodes/n1"));
    for step in [Step::Kill { node: ONE }, Step::Remove { node: ONE }, Step::Stop { node: ONE }] {
        assert!(matches!(host.run(step), Err(StepError::Failed(_))));
    }
    assert!(matches!(host.start(1, &[]), Err(StepError::Failed(_))));
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists() || cfg!(not(target_os = "linux")));
    signal(pid, "KILL");
    let deadline = Instant::now() + PATIENCE;
    while host.start(1, &[]).is_err() {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(host.strangers[1..], [(ONE, Some(host.directory.join("strangers/n1")))]);
    assert_eq!(host.living_strangers(), []);
    assert_ne!(host.pid(1), pid);
}

#[test]
fn kill_9_is_noticed() {
    let mut host = Host::new();
    host.start(1, &[]).unwrap();
    signal(host.pid(1), "KILL");
    host.until(1, Process::Ended);
}

#[test]
fn a_stopped_node_hangs_until_it_goes_on() {
    let mut host = Host::new();
    let address = free();
    for node in [1, 2] {
        host.start(node, &[]).unwrap();
        host.run(listen(node, Endpoint::Reader, address)).unwrap();
    }
    signal(host.pid(1), "STOP");
    host.until(1, Process::Hung);
    for _ in 0..16 {
        assert_eq!(answer(TcpStream::connect(address).unwrap()), "n2 Reader");
    }
    signal(host.pid(1), "CONT");
    host.until(1, Process::Running);
    assert!(host.seen[&ONE].status.as_ref().unwrap().listening.is_empty());
    assert_eq!(host.run(listen(1, Endpoint::Reader, address)), Ok(Outcome::Done));
    assert_eq!(host.seen[&ONE].status.as_ref().unwrap().listening.len(), 1);
}

#[test]
fn a_node_of_which_nothing_moves_hangs_and_one_that_computes_does_not() {
    let mut host = Host::new();
    host.start(1, &[]).unwrap();
    host.start(2, &[]).unwrap();
    let busy = Instant::now();
    host.configure(2, "stand-in-busy-ms", "5000");
    host.configure(1, "stand-in-deaf", "yes");
    host.until(1, Process::Hung);
    host.configure(2, "stand-in-offset", "7");
    assert!(busy.elapsed() >= Duration::from_secs(5) && busy.elapsed() < PATIENCE);
    assert_eq!(host.told[&NodeId(2)], [Process::Starting, Process::Running]);
}

#[test]
fn remove_leaves_nothing() {
    let mut host = Host::new();
    let (own, primary) = (free(), free());
    host.start(1, &[]).unwrap();
    host.run(listen(1, Endpoint::Node, own)).unwrap();
    host.run(listen(1, Endpoint::Primary, primary)).unwrap();
    assert_eq!(host.run(Step::Remove { node: ONE }), Ok(Outcome::Done));
    assert_eq!(host.seen[&ONE].process, Process::Absent);
    assert_eq!(std::fs::read_dir(host.directory.join("nodes")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(host.directory.join("run")).unwrap().count(), 0);
    // Endpoints outlive nodes: another one may take them over.
    for (endpoint, address) in [(Endpoint::Node, own), (Endpoint::Primary, primary)] {
        TcpStream::connect(address).unwrap();
        assert_eq!(host.run(Step::Close { endpoint, address }), Ok(Outcome::Done));
        TcpStream::connect(address).unwrap_err();
    }
    assert_eq!(host.run(Step::Remove { node: ONE }), Ok(Outcome::Done));
    assert_eq!(host.run(Step::Drain { node: ONE, epoch: 1 }), Err(StepError::NodeGone));
}
