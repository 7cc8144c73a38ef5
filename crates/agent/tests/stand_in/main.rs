//! What the agent's tests run instead of programs that others build.
//!
//! `agent-stand-in node FILE` speaks as a managed node does and has no data: its clients are told who it is. By parameters of its
//! file, or of `Configure` while it runs, it misbehaves:
//!
//! | parameter | what it does |
//! |---|---|
//! | `stand-in-refuse WORD` | refuses the requests of this name |
//! | `stand-in-ignore WORD` | never answers the requests of this name |
//! | `stand-in-busy-ms N` | computes for so long, answering nothing |
//! | `stand-in-deaf yes` | stops answering and computing |
//! | `stand-in-mute-ms N` | opens its private socket so late (file only) |
//! | `stand-in-fail TEXT` | prints it and ends (file only) |
//! | `stand-in-offset N` | how far its data is |
//! | `stand-in-slip N` | goes on by so much after a pause, as one does whose pause is over |
//! | `stand-in-version N` | speaks as a program of this version of the protocol (file only) |
//!
//! `agent-stand-in agent DIRECTORY` is a control plane that may be killed: it starts node 1 of the directory.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)]

use agent::{Agent, Config};
use fleet::step::{NodeId, NodeSpec, Report, Step};
use fleet::{DeploymentId, HostId, NodeRecord, Origin};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use supervision::{
    Connection, Endpoint, Link, Listening, Measured, Position, Reading, Refusal, Reply, Request, Revision,
    Role, Status, WorkerProgress,
};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[1..] {
        ["node", file] => node(Path::new(file)),
        ["agent", directory] => control_plane(Path::new(directory)),
        _ => panic!("agent-stand-in node FILE | agent DIRECTORY"),
    }
}

fn control_plane(directory: &Path) {
    let (sender, reports) = mpsc::channel();
    let executable = std::env::current_exe().unwrap();
    let config = Config::new(directory.join("nodes"), directory.join("run"), executable);
    let agent = Agent::start(config, &BTreeMap::new(), sender).unwrap();
    let spec = NodeSpec {
        profile: "valkey-8.0".into(),
        workers: 1,
        parameters: Vec::new(),
        revision: Revision { at_once: 1, at_start: 1 },
        label: "web-001".into(),
        record: Box::new(record()),
    };
    agent.execute(1, Step::Start { node: NodeId(1), spec });
    let address = fs::read_to_string(directory.join("address")).unwrap().parse().unwrap();
    agent.execute(2, Step::Listen { node: NodeId(1), endpoint: Endpoint::Primary, address });
    for report in reports {
        if let Report::Finished { ticket, outcome } = report {
            println!("{ticket} {outcome:?}");
        }
    }
}

/// What all nodes of the tests are made for: they are told apart by their numbers.
fn record() -> NodeRecord {
    let deployment = DeploymentId::Group("web".into());
    let origin = Origin { region: "us-east-1".into(), deployment, member: "web-001".into(), made_at_ms: 1 };
    NodeRecord { host: HostId::LOCAL, origin, unmarked: false }
}

#[derive(Default)]
struct Behaviour {
    refuse: String,
    ignore: String,
    deaf: bool,
    busy_until: Option<Instant>,
    slip: u64,
}

struct State {
    status: Status,
    handles: HashMap<Endpoint, (SocketAddr, OwnedFd)>,
    behaviour: Behaviour,
    /// How often it was asked what it measures.
    measured: u64,
}

impl State {
    fn set(&mut self, name: &str, value: &str) {
        match name {
            "stand-in-refuse" => self.behaviour.refuse = value.into(),
            "stand-in-ignore" => self.behaviour.ignore = value.into(),
            "stand-in-deaf" => self.behaviour.deaf = true,
            "stand-in-busy-ms" => {
                let busy = Duration::from_millis(value.parse().unwrap());
                self.behaviour.busy_until = Some(Instant::now() + busy);
            }
            "stand-in-slip" => self.behaviour.slip = value.parse().unwrap(),
            "stand-in-offset" => self.status.position.offset = value.parse().unwrap(),
            _ => {}
        }
    }
}

fn node(file: &Path) {
    let text = fs::read_to_string(file).unwrap();
    let rows: HashMap<&str, &str> = text
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, value)| (name, value.trim_matches('"')))
        .collect();
    if let Some(words) = rows.get("stand-in-fail") {
        println!("{words}");
        std::process::exit(1);
    }
    let lock = File::create(PathBuf::from(rows["dir"]).join("lock")).unwrap();
    lock.try_lock().expect("the directory's lock");
    // A real one takes a moment too before it listens.
    if let Some(mute_ms) = rows.get("stand-in-mute-ms") {
        thread::sleep(Duration::from_millis(mute_ms.parse().unwrap()));
    }
    let id = rows["managed-node"].to_string();
    let status = Status {
        node: id.clone(),
        pid: std::process::id(),
        epoch: 0,
        role: Role::Unassigned,
        link: Link::Down,
        holds_data: false,
        loading: false,
        position: Position { history: "0".repeat(40), offset: 0 },
        listening: Vec::new(),
        writes_paused: false,
        workers: vec![WorkerProgress { progress: 0, running: None }; 2],
        used_memory_bytes: 1 << 20,
        maxmemory_bytes: 0,
        keys: 0,
        clients: 0,
        endpoint_clients: Default::default(),
        connected_replicas: 0,
        revision: rows.get("managed-revision").and_then(|text| text.parse().ok()),
    };
    let mut state = State { status, handles: HashMap::new(), behaviour: Behaviour::default(), measured: 0 };
    for (name, value) in &rows {
        state.set(name, value);
    }
    let state = Arc::new(Mutex::new(state));
    let version =
        rows.get("stand-in-version").map_or(supervision::VERSION, |version| version.parse().unwrap());
    for stream in UnixListener::bind(rows["private-socket"]).unwrap().incoming() {
        let (state, stream) = (state.clone(), stream.unwrap());
        thread::spawn(move || converse(&state, Connection::speaking(stream, version)));
    }
}

fn converse(state: &Arc<Mutex<State>>, mut connection: Connection) {
    while let Ok((request, handles)) = connection.receive::<Request>() {
        misbehave(state, &request);
        let shuts_down = matches!(request, Request::Shutdown { .. });
        let mut locked = state.lock().unwrap();
        let reply = answer(state, &mut locked, request, handles);
        let ends = shuts_down && reply == Reply::Done;
        let passed: Vec<OwnedFd> = match &reply {
            Reply::Listeners(listeners) => listeners
                .iter()
                .map(|listening| locked.handles[&listening.endpoint].1.try_clone().unwrap())
                .collect(),
            _ => Vec::new(),
        };
        drop(locked);
        let passed: Vec<_> = passed.iter().map(AsFd::as_fd).collect();
        let _ = connection.send(&reply, &passed);
        if ends {
            std::process::exit(0);
        }
    }
}

/// Waits for ever, or for as long as it is told to.
fn misbehave(state: &Mutex<State>, request: &Request) {
    let (silent, busy_until) = {
        let behaviour = &state.lock().unwrap().behaviour;
        (behaviour.deaf || behaviour.ignore == name(request), behaviour.busy_until)
    };
    if silent {
        loop {
            thread::park();
        }
    }
    if let Some(until) = busy_until {
        while Instant::now() < until {
            std::hint::spin_loop();
        }
    }
}

fn name(request: &Request) -> &'static str {
    match request {
        Request::Status => "status",
        Request::Measure => "measure",
        Request::Assign { role: Role::Primary, .. } => "assign-primary",
        Request::Assign { .. } => "assign-replica",
        Request::Drain { .. } => "drain",
        Request::Listen { .. } => "listen",
        Request::Unlisten { .. } => "unlisten",
        Request::Listeners => "listeners",
        Request::PauseWrites { .. } => "pause",
        Request::ResumeWrites { .. } => "resume",
        Request::AwaitPosition { .. } => "await",
        Request::Configure { .. } => "configure",
        Request::Shutdown { .. } => "shutdown",
    }
}

fn answer(shared: &Arc<Mutex<State>>, state: &mut State, request: Request, handles: Vec<OwnedFd>) -> Reply {
    if state.behaviour.refuse == name(&request) {
        return Reply::Refused(Refusal::Invalid("as it was told".into()));
    }
    if let Request::Assign { epoch, .. } | Request::Drain { epoch } | Request::PauseWrites { epoch, .. } =
        request
    {
        if epoch < state.status.epoch {
            return Reply::Refused(Refusal::OldEpoch { seen: state.status.epoch });
        }
        state.status.epoch = epoch;
    }
    let status = &mut state.status;
    match request {
        Request::Status => return Reply::Status(Box::new(status.clone())),
        Request::Measure => {
            state.measured += 1;
            let readings = vec![("Asked".to_owned(), Reading::Grown(state.measured as f64))];
            return Reply::Measured(Measured { at_us: state.measured * 1_000_000, readings });
        }
        Request::Assign { role, at, .. } => {
            if status.role == Role::Primary && at.is_some_and(|at| at != status.position) {
                return Reply::Refused(Refusal::Moved(status.position.clone()));
            }
            status.link = if matches!(role, Role::Replica(_)) { Link::Up } else { Link::Down };
            status.role = role;
            status.holds_data = true;
            status.writes_paused = false;
        }
        Request::Drain { .. } => {
            if status.role == Role::Primary {
                return Reply::Refused(Refusal::WrongRole("primary".into()));
            }
            status.role = Role::Drained;
            status.link = Link::Down;
            return Reply::Position(status.position.clone());
        }
        Request::Listen { endpoint, address } => {
            let handle = handles.into_iter().next().unwrap();
            let listener = TcpListener::from(handle.try_clone().unwrap());
            status.listening.retain(|listening| listening.endpoint != endpoint);
            status.listening.push(Listening { endpoint, address });
            state.handles.insert(endpoint, (address, handle));
            let shared = shared.clone();
            thread::spawn(move || serve(&shared, endpoint, &listener));
        }
        Request::Unlisten { endpoint } => {
            status.listening.retain(|listening| listening.endpoint != endpoint);
            state.handles.remove(&endpoint);
        }
        Request::Listeners => return Reply::Listeners(status.listening.clone()),
        Request::PauseWrites { .. } => {
            status.writes_paused = true;
            let paused_at = status.position.clone();
            status.position.offset += state.behaviour.slip;
            return Reply::Position(paused_at);
        }
        Request::ResumeWrites { .. } => status.writes_paused = false,
        Request::AwaitPosition { position, .. } => {
            if position.offset > status.position.offset {
                return Reply::Refused(Refusal::NotReached(status.position.clone()));
            }
            return Reply::Position(position);
        }
        Request::Configure { parameters, at_once } => {
            if let (Some(revision), Some(at_once)) = (&mut state.status.revision, at_once) {
                revision.at_once = at_once;
            }
            for (name, value) in &parameters {
                state.set(name, value);
            }
        }
        Request::Shutdown { .. } => {}
    }
    Reply::Done
}

/// Tells clients who they have reached. (A node that no longer owns the endpoint may take one more client: the tests do not
/// let it come to that.)
fn serve(state: &Mutex<State>, endpoint: Endpoint, listener: &TcpListener) {
    while let Ok((mut client, _)) = listener.accept() {
        let id = state.lock().unwrap().status.node.clone();
        let _ = writeln!(client, "{id} {endpoint:?}");
    }
}
