//! The agent: runs and watches the node processes of one host, and keeps their listeners.
//!
//! ```text
//!                execute(step) ──▶ ┌───────┐ ──▶ Report::Observed, Report::Finished
//!                                  │ agent │ ═══ listeners of all endpoints
//!                                  └───┬───┘
//!         a keeper and a worker thread for each node, one thread for a handover
//!                  private socket      │      pidfd, /proc (Linux)
//!                ┌─────────────────────┼─────────────────────┐
//!              node                  node                  node     own groups, own logs, outlive the agent
//! ```
//! **Identity.** A node is a directory, which says what it was made for (`identity`). A directory that does not match the fleet's record
//! is no node of it, whatever its name. The process that holds its lock is the node's, whoever started it, and its private socket
//! is how it is spoken to (`place`). No pid is ever written down, so it does not matter at which moment a control plane dies: the
//! next one looks at the directories and adopts the nodes that run there.
//!
//! **Watching** (`keeper`, `silence`). The pidfd tells that a process has ended. The flags of its threads tell that it is dying and
//! still frees its memory. A process hangs when none of its threads moves. A node that is only slow is never replaced.
//!
//! **Steps** (`steps`, `handover`). A node's steps are done in order by its worker, which may wait for the node. A kill does not
//! wait: it ends what is under way (`node`).
//!
//! **Measuring** (`measuring`). Who keeps what nodes measure asks all of them at once, beside keepers and workers.
//!
//! **Listeners** (`listeners`) are opened here and passed on as handles; at a start before there is a node to take them.
//!
//! **Processes** are killed by pidfd, never by pid (`process`). Nodes are put into process groups of their own, so a terminal's
//! Ctrl-C does not reach them; a session of their own would need unsafe code between fork and exec, and adds nothing for
//! processes that have no terminal open.
//!
//! **Descriptors.** A failover needs some, so some are reserved for it (`descriptors`): no process is started that would use those.
//!
//! **macOS** has neither pidfds nor /proc. The agent looks at each process periodically. It cannot see threads, so it takes
//! a process that hangs for a slow one, and finds a node that holds its lock only once that node listens.
#![forbid(unsafe_code)]
// This crate is the shell around the fleet's decisions: it owns clocks, threads, files and sockets.
#![allow(clippy::disallowed_methods)]

mod bell;
mod descriptors;
mod handover;
mod identity;
mod keeper;
mod line;
mod listeners;
mod measuring;
mod node;
mod place;
mod process;
mod silence;
mod steps;
mod stranger;
mod threads;

use crate::handover::Handover;
use crate::identity::Settled;
pub use crate::measuring::{Answer, Measuring};
use crate::node::{End, Item, Node, Shared};
use crate::place::Place;
pub use crate::stranger::Stranger;
use files::Directory;
use fleet::NodeRecord;
use fleet::step::{NodeId, Outcome, Report, Step, StepError};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use supervision::{Endpoint, Listening};

/// Where things are, and how long they may take.
#[derive(Clone, Debug)]
pub struct Config {
    /// Holds a directory for each node.
    pub nodes_directory: PathBuf,
    /// Holds the nodes' sockets. Short: a socket's path has at most 107 bytes, 103 on macOS.
    pub runtime_directory: PathBuf,
    /// Takes the directories that have a node's name and are not that node's. In the same file system.
    pub strangers_directory: PathBuf,
    /// What is run as `EXECUTABLE node DIRECTORY/node.conf`.
    pub executable: PathBuf,
    /// Between two questions how a node is. 100 ms by default: a quarter of the time in which a failover is to be over, at a
    /// cost that ten idle nodes do not show.
    pub heartbeat: Duration,
    /// From the start of a process to its first answer, which it gives before it loads its data; then it is killed. 30 s by default:
    /// a starved machine makes everything slow.
    pub start_limit: Duration,
    /// For saving, and again for the end behind it. 60 s by default: 10 GB on a fast disk, 2 GB on a slow one. What takes longer is
    /// left alone and told.
    pub stop_limit: Duration,
    /// For the answer to a request that changes something. 30 s by default: it waits for commands that run.
    pub command_limit: Duration,
    /// How long [`Agent::start`] waits for the answers of nodes that it adopts. 2 s by default, and a node that hangs has been
    /// noticed by then.
    pub adoption_limit: Duration,
    /// Descriptors that the program may need beside the agent's. 0 by default.
    pub other_descriptors: u64,
}

impl Config {
    /// With default times.
    pub fn new(nodes_directory: PathBuf, runtime_directory: PathBuf, executable: PathBuf) -> Config {
        Config {
            strangers_directory: nodes_directory.with_file_name("strangers"),
            nodes_directory,
            runtime_directory,
            executable,
            heartbeat: Duration::from_millis(100),
            start_limit: Duration::from_secs(30),
            stop_limit: Duration::from_secs(60),
            command_limit: Duration::from_secs(30),
            adoption_limit: Duration::from_secs(2),
            other_descriptors: 0,
        }
    }
}

/// Looks after the nodes of this host until it is dropped. The nodes run on.
pub struct Agent {
    shared: Arc<Shared>,
    handovers: Mutex<Vec<JoinHandle<()>>>,
    /// Nodes in whose directories somebody else lives.
    occupied: Mutex<HashSet<NodeId>>,
}

impl Agent {
    /// Adopts every node of these that lives in the directory, takes their listeners back, and reports how each directory's node
    /// is before it returns. A directory of nobody is moved aside, unless somebody lives in it.
    ///
    /// # Errors
    /// When the directories can't be made or read, a path is too long for a socket, or there is no thread to be had.
    pub fn start(
        config: Config,
        records: &BTreeMap<NodeId, NodeRecord>,
        reports: Sender<Report>,
    ) -> io::Result<Agent> {
        Directory::at(&config.nodes_directory).make()?;
        fs::create_dir_all(&config.runtime_directory)?;
        let longest = NodeId(u64::MAX);
        Place::new(&config.nodes_directory, &config.runtime_directory, longest).check_lengths()?;
        let limit = config.adoption_limit;
        let agent = Agent {
            shared: Arc::new(Shared::new(config, reports)),
            handovers: Mutex::default(),
            occupied: Mutex::default(),
        };
        let (surveyed, answers) = mpsc::channel();
        let mut waits = 0;
        for entry in fs::read_dir(&agent.shared.config.nodes_directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_str().is_some_and(identity::is_unfinished) {
                Directory::at(entry.path()).remove_tree()?;
            }
            let Some(id) = name.to_str().and_then(node_id) else { continue };
            if !agent.is_own(id, records.get(&id))? {
                continue;
            }
            let node = Node::begin(id, agent.shared.clone(), Some(surveyed.clone()))?;
            agent.shared.nodes().insert(id, node);
            waits += 1;
        }
        let until = Instant::now() + limit;
        while waits > 0 && answers.recv_timeout(until.saturating_duration_since(Instant::now())).is_ok() {
            waits -= 1;
        }
        Ok(agent)
    }

    /// Begins a step, whose end is a [`Report::Finished`] with this ticket. Never waits for a node.
    pub fn execute(&self, ticket: u64, step: Step) {
        match step.node().map(|node| self.is_vacant(node)) {
            Some(Ok(false)) => {
                let why = "the directory belongs to something else, and its process runs".into();
                return self.shared.finish(ticket, Err(StepError::Failed(why)));
            }
            Some(Err(error)) => return self.shared.finish(ticket, Err(StepError::Failed(error.to_string()))),
            Some(Ok(true)) | None => {}
        }
        let begun = match step {
            Step::Close { endpoint, address } => {
                self.shared.listeners.close(endpoint, address);
                self.shared.finish(ticket, Ok(Outcome::Done));
                Ok(())
            }
            Step::Kill { node } => self.end_node(node, ticket, false),
            Step::Remove { node } => self.end_node(node, ticket, true),
            // The old primary's own address is nobody's business before it is followed.
            Step::Handover { from, to, to_address, epoch, .. } => {
                self.hand_over(ticket, from, (to, to_address), epoch)
            }
            Step::Start { node, .. }
            | Step::Stop { node }
            | Step::Assign { node, .. }
            | Step::Drain { node, .. }
            | Step::Listen { node, .. }
            | Step::Unlisten { node, .. }
            | Step::Configure { node, .. } => self
                .enqueue(&mut self.shared.nodes(), node, Item::Step { ticket: Some(ticket), step })
                .map(drop),
        };
        if let Err(error) = begun {
            self.shared.finish(ticket, Err(StepError::Failed(error.to_string())));
        }
    }

    /// Those who live in a directory of a node's name at this moment and are not that node.
    pub fn strangers(&self) -> Vec<Stranger> {
        let occupied = self.occupied();
        let mut nodes: Vec<NodeId> = occupied.iter().copied().collect();
        nodes.sort_unstable();
        nodes.into_iter().filter_map(|node| stranger::look(node, &self.shared.place(node))).collect()
    }

    /// Opens an endpoint that no node has yet: who connects waits for the first that gets it. One that somebody listens on
    /// already, such as a node that lives on, is left to him.
    ///
    /// # Errors
    /// When it cannot be listened on.
    pub fn open(&self, endpoint: Endpoint, address: SocketAddr) -> io::Result<()> {
        self.shared.listeners.open(Listening { endpoint, address })
    }

    /// What asks nodes for what they measure. It may be used by another thread, and outlive the agent.
    pub fn measuring(&self) -> Measuring {
        Measuring::new(self.shared.clone())
    }

    /// Lets go of everything without touching nodes. Steps that are under way have no end.
    pub fn end(self) {}

    /// Whether a node may be looked after by what its directory says. Strangers are reported.
    fn is_own(&self, node: NodeId, record: Option<&NodeRecord>) -> io::Result<bool> {
        let settled = self.shared.settle(node, record)?;
        if let Settled::Lives(_) = settled {
            self.occupied().insert(node);
        }
        Ok(settled == Settled::Own)
    }

    /// Nobody else lives in the node's directory (any more).
    fn is_vacant(&self, node: NodeId) -> io::Result<bool> {
        let mut occupied = self.occupied();
        if occupied.contains(&node) {
            if self.shared.place(node).is_locked()? {
                return Ok(false);
            }
            occupied.remove(&node);
            self.shared.settle(node, None)?;
        }
        Ok(true)
    }

    fn occupied(&self) -> MutexGuard<'_, HashSet<NodeId>> {
        self.occupied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_node(&self, node: NodeId, ticket: u64, removes: bool) -> io::Result<()> {
        let mut nodes = self.shared.nodes();
        while !self.node(&mut nodes, node)?.overtake(End { ticket, removes }) {
            nodes.remove(&node);
        }
        Ok(())
    }

    fn hand_over(
        &self,
        ticket: u64,
        from: NodeId,
        (to, to_address): (NodeId, SocketAddr),
        epoch: u64,
    ) -> io::Result<()> {
        if from == to {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a handover needs two nodes"));
        }
        let mut nodes = self.shared.nodes();
        let old = self.node(&mut nodes, from)?;
        let new = self.node(&mut nodes, to)?;
        let handover = Arc::new(Handover::new(ticket, old, (new, to_address), epoch));
        for node in [&handover.from, &handover.to] {
            if node.enqueue(Item::Handover(handover.clone())).is_err() {
                handover.abandon(node.id);
            }
        }
        drop(nodes);
        let (run, from) = (handover.clone(), handover.from.id);
        let running = thread::Builder::new()
            .name("handover".into())
            .spawn(move || run.run())
            .inspect_err(|_| handover.abandon(from))?;
        let mut handovers = self.handovers.lock().unwrap_or_else(PoisonError::into_inner);
        handovers.retain(|handover| !handover.is_finished());
        handovers.push(running);
        Ok(())
    }

    fn enqueue(
        &self,
        nodes: &mut HashMap<NodeId, Arc<Node>>,
        id: NodeId,
        mut item: Item,
    ) -> io::Result<Arc<Node>> {
        loop {
            let node = self.node(nodes, id)?;
            match node.enqueue(item) {
                Ok(()) => return Ok(node),
                Err(returned) => item = *returned,
            }
            nodes.remove(&id);
        }
    }

    /// The node with its threads, which are begun if nobody looks after it yet.
    fn node(&self, nodes: &mut HashMap<NodeId, Arc<Node>>, id: NodeId) -> io::Result<Arc<Node>> {
        if let Some(node) = nodes.get(&id) {
            return Ok(node.clone());
        }
        let node = Node::begin(id, self.shared.clone(), None)?;
        nodes.insert(id, node.clone());
        Ok(node)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let nodes: Vec<Arc<Node>> = self.shared.nodes().drain().map(|(_, node)| node).collect();
        for node in &nodes {
            node.leave();
        }
        for node in &nodes {
            node.join();
        }
        let handovers = std::mem::take(&mut *self.handovers.lock().unwrap_or_else(PoisonError::into_inner));
        for handover in handovers {
            let _ = handover.join();
        }
    }
}

/// The node whose directory has this name.
fn node_id(name: &str) -> Option<NodeId> {
    let id = NodeId(name.strip_prefix('n')?.parse().ok()?);
    (id.to_string() == name).then_some(id)
}
