//! An agent over a directory of its own.

use agent::{Agent, Config, Measuring, Stranger};
use fleet::step::{Assignment, NodeId, NodeSpec, Observed, Outcome, Process, Report, Step, StepError};
use fleet::{DeploymentId, HostId, NodeRecord, Origin};
use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use supervision::{Endpoint, Revision};

/// Far more than anything takes on a machine that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const STAND_IN: &str = env!("CARGO_BIN_EXE_agent-stand-in");

pub(crate) type Done = Result<Outcome, StepError>;

/// A directory that goes away with its nodes.
pub(crate) struct Host {
    pub(crate) directory: PathBuf,
    agent: Option<Agent>,
    reports: Receiver<Report>,
    tickets: u64,
    finished: HashMap<u64, Done>,
    pub(crate) seen: HashMap<NodeId, Observed>,
    /// What the log says that nodes are made for.
    pub(crate) record: NodeRecord,
    /// Strangers, and where they were moved to.
    pub(crate) strangers: Vec<(NodeId, Option<PathBuf>)>,
    /// All that a node was reported to be, without repetitions.
    pub(crate) told: HashMap<NodeId, Vec<Process>>,
}

impl Host {
    pub(crate) fn empty() -> Host {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("agent-{}-{number}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        Host {
            directory,
            agent: None,
            reports: mpsc::channel().1,
            tickets: 0,
            finished: HashMap::new(),
            seen: HashMap::new(),
            record: record(1),
            strangers: Vec::new(),
            told: HashMap::new(),
        }
    }

    pub(crate) fn new() -> Host {
        let mut host = Host::empty();
        host.begin();
        host
    }

    /// A control plane comes up.
    pub(crate) fn begin(&mut self) {
        self.begin_with(|_| {});
    }

    pub(crate) fn begin_with(&mut self, change: impl FnOnce(&mut Config)) {
        self.agent = None;
        let (sender, reports) = mpsc::channel();
        let mut config =
            Config::new(self.directory.join("nodes"), self.directory.join("run"), STAND_IN.into());
        change(&mut config);
        let records = (1..9).map(|node| (NodeId(node), self.record.clone())).collect();
        let agent = Agent::start(config, &records, sender).unwrap();
        self.reports = reports;
        self.seen.clear();
        self.told.clear();
        while let Ok(report) = self.reports.try_recv() {
            self.note(report);
        }
        self.agent = Some(agent);
    }

    /// And goes away, its nodes stay.
    pub(crate) fn end(&mut self) {
        self.agent.take().unwrap().end();
    }

    fn note(&mut self, report: Report) {
        match report {
            Report::Finished { ticket, outcome } => {
                assert!(self.finished.insert(ticket, outcome).is_none(), "ticket {ticket} ends twice");
            }
            Report::Stranger { node, moved_to, .. } => self.strangers.push((node, moved_to)),
            Report::Observed { node, observed } => {
                let told = self.told.entry(node).or_default();
                if told.last() != Some(&observed.process) {
                    told.push(observed.process);
                }
                self.seen.insert(node, *observed);
            }
        }
    }

    fn wait(&mut self, what: &str, mut until: impl FnMut(&mut Host) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !until(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.reports.recv_timeout(left) {
                Ok(report) => self.note(report),
                Err(error) => panic!("{what}: {error}; seen {:?}", self.seen),
            }
        }
    }

    pub(crate) fn measuring(&self) -> Measuring {
        self.agent.as_ref().unwrap().measuring()
    }

    pub(crate) fn living_strangers(&self) -> Vec<Stranger> {
        self.agent.as_ref().unwrap().strangers()
    }

    pub(crate) fn ask(&mut self, step: Step) -> u64 {
        self.tickets += 1;
        self.agent.as_ref().unwrap().execute(self.tickets, step);
        self.tickets
    }

    pub(crate) fn finish(&mut self, ticket: u64) -> Done {
        self.wait("the end of a step", |host| host.finished.contains_key(&ticket));
        self.finished.remove(&ticket).unwrap()
    }

    pub(crate) fn run(&mut self, step: Step) -> Done {
        let ticket = self.ask(step);
        self.finish(ticket)
    }

    pub(crate) fn until(&mut self, node: u64, process: Process) {
        self.until_seen(node, &format!("{process:?}"), |seen| seen.process == process);
    }

    pub(crate) fn until_seen(&mut self, node: u64, what: &str, is: impl Fn(&Observed) -> bool) {
        self.wait(what, |host| host.seen.get(&NodeId(node)).is_some_and(&is));
    }

    pub(crate) fn start(&mut self, node: u64, parameters: &[(&str, &str)]) -> Done {
        let mut step = start(node, parameters);
        if let Step::Start { spec, .. } = &mut step {
            *spec.record = self.record.clone();
        }
        self.run(step)
    }

    pub(crate) fn configure(&mut self, node: u64, name: &str, value: &str) {
        let parameters = vec![(name.to_string(), value.to_string())];
        let ticket = self.ask(Step::Configure { node: NodeId(node), parameters, at_once: 2 });
        self.finish(ticket).unwrap();
    }

    pub(crate) fn pid(&self, node: u64) -> u32 {
        self.seen[&NodeId(node)].status.as_ref().unwrap().pid
    }

    /// A primary and its replica, in sync.
    pub(crate) fn pair() -> Host {
        let mut host = Host::new();
        for node in [1, 2] {
            host.start(node, &[]).unwrap();
        }
        let assign = |node, role| Step::Assign { node: NodeId(node), epoch: 1, role };
        host.run(assign(1, Assignment::Primary)).unwrap();
        let of = Assignment::Replica { of: NodeId(1), address: nowhere() };
        host.run(assign(2, of)).unwrap();
        host
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if self.agent.is_none() {
            self.begin();
        }
        let nodes: Vec<NodeId> = self.seen.keys().copied().collect();
        for node in nodes {
            self.agent.as_ref().unwrap().execute(u64::MAX - node.0, Step::Remove { node });
            while !std::thread::panicking() && self.seen[&node].process != Process::Absent {
                match self.reports.recv_timeout(PATIENCE) {
                    Ok(report) => self.note(report),
                    Err(_) => break,
                }
            }
        }
        self.agent = None;
        let _ = fs::remove_dir_all(&self.directory);
    }
}

pub(crate) fn start(node: u64, parameters: &[(&str, &str)]) -> Step {
    let parameters = parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let spec = NodeSpec {
        profile: "valkey-8.0".into(),
        workers: 1,
        parameters,
        revision: Revision { at_once: 1, at_start: 1 },
        label: "web-001".into(),
        record: Box::new(record(1)),
    };
    Step::Start { node: NodeId(node), spec }
}

/// Of a node that was made at some time.
pub(crate) fn record(made_at_ms: u64) -> NodeRecord {
    let deployment = DeploymentId::Group("web".into());
    let origin = Origin { region: "us-east-1".into(), deployment, member: "web-001".into(), made_at_ms };
    NodeRecord { host: HostId::LOCAL, origin, unmarked: false }
}

pub(crate) fn listen(node: u64, endpoint: Endpoint, address: SocketAddr) -> Step {
    Step::Listen { node: NodeId(node), endpoint, address }
}

/// An address on which nobody else listens.
pub(crate) fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(crate) fn nowhere() -> SocketAddr {
    "127.0.0.1:1".parse().unwrap()
}

/// Who answers a client.
pub(crate) fn answer(mut client: TcpStream) -> String {
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    text.trim().to_string()
}

pub(crate) fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap().success());
}
