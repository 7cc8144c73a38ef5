//! The steps of a node, which its worker carries out one after another.

use crate::identity::{self, Settled};
use crate::line::{Line, unexpected};
use crate::node::{LastEnd, Mail, Node};
use files::Directory;
use fleet::step::{Assignment, NodeId, NodeSpec, Outcome, Process, Step, StepError};
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};
use supervision::{Endpoint, Listening, Reply, Request, Role, Upstream};

/// What a node answers from what it has at hand. A starved machine may still take long.
pub(crate) const QUESTION_LIMIT: Duration = Duration::from_secs(5);
/// Between looks at a lock that somebody holds: the kernel frees a dead process's memory before its locks.
const LOCK_PERIOD: Duration = Duration::from_millis(20);
/// Between tries to reach a node by a socket that is not there.
const DIAL_PERIOD: Duration = Duration::from_millis(100);
/// A process that was sent SIGKILL shows it as soon as its threads are scheduled.
const DEATH_LIMIT: Duration = Duration::from_secs(30);

type Done = Result<Outcome, StepError>;

/// Does a step. Kill, Remove, Handover and Close are not a worker's.
pub(crate) fn perform(node: &Node, step: &Step) -> Done {
    match step {
        Step::Start { spec, .. } => start(node, spec),
        Step::Stop { .. } => stop(node),
        Step::Assign { epoch, role, .. } => {
            let mut line = Line::dial(node)?;
            let role = role_of(node, role);
            line.order(&Request::Assign { epoch: *epoch, role, at: None }, limit(node))?;
            Ok(Outcome::Done)
        }
        Step::Drain { epoch, .. } => drain(node, *epoch),
        Step::Listen { endpoint, address, .. } => {
            listen(node, Listening { endpoint: *endpoint, address: *address })
        }
        Step::Unlisten { endpoint, .. } => unlisten(node, *endpoint),
        Step::Configure { parameters, at_once, .. } => {
            let mut line = Line::dial(node)?;
            let request = Request::Configure { parameters: parameters.clone(), at_once: Some(*at_once) };
            line.order(&request, limit(node))?;
            Ok(Outcome::Done)
        }
        Step::Kill { .. } | Step::Remove { .. } | Step::Handover { .. } | Step::Close { .. } => {
            unreachable!("the agent does these elsewhere")
        }
    }
}

fn limit(node: &Node) -> Duration {
    node.shared.config.command_limit
}

fn role_of(node: &Node, assignment: &Assignment) -> Role {
    match assignment {
        Assignment::Primary => Role::Primary,
        Assignment::Replica { of, address } => Role::Replica(upstream(node, *of, *address)),
    }
}

/// Where a node of this host is followed.
pub(crate) fn upstream(node: &Node, of: NodeId, address: std::net::SocketAddr) -> Upstream {
    Upstream { node: of.to_string(), socket: node.shared.place(of).data_socket, address }
}

fn start(node: &Node, spec: &NodeSpec) -> Done {
    let limit = node.shared.config.start_limit;
    let until = Instant::now() + limit;
    // Whoever tells the reason names the node.
    let failed = |error: io::Error| StepError::Failed(format!("the node cannot be started: {error}"));
    match node.shared.settle(node.id, Some(&spec.record)).map_err(failed)? {
        Settled::Own => {}
        Settled::Free | Settled::Moved(_) => {
            identity::make(&Directory::at(&node.place.directory), node.id, &spec.record.origin)
                .map_err(failed)?;
        }
        Settled::Lives(_) => {
            let why =
                "the node cannot be started: its directory belongs to something else, and that process runs"
                    .to_owned();
            return Err(StepError::Failed(why));
        }
    }
    let mut attempted = false;
    loop {
        if node.switch.is_off() {
            return Err(StepError::NodeGone);
        }
        match node.seen().process {
            Process::Running => return Ok(Outcome::Done),
            Process::Hung => return Err(StepError::Failed("the node hangs".to_owned())),
            Process::Starting => {
                let left = until.saturating_duration_since(Instant::now());
                if !node.wait_until(left, |seen| seen.process != Process::Starting) && !node.switch.is_off() {
                    if node.seen().adopted {
                        let socket = node.place.private_socket.display().to_string();
                        let why =
                            "the node runs but does not answer there; it may hold data, so it is left alone";
                        return Err(StepError::Failed(format!("{socket}: {why}")));
                    }
                    node.post(Mail::Kill);
                    node.wait_until(DEATH_LIMIT, |seen| seen.process != Process::Starting);
                    return Err(StepError::Failed(format!("the node did not answer within {limit:?}")));
                }
            }
            Process::Absent | Process::Ended => match node.place.try_lock().map_err(failed)? {
                Some(_) if attempted => {
                    let words = node.place.last_words();
                    return Err(StepError::Failed(format!("the node ended while it started: {words}")));
                }
                Some(lock) => {
                    crate::descriptors::check_reserve(node.shared.config.other_descriptors)
                        .map_err(failed)?;
                    attempted = true;
                    let process = node
                        .place
                        .spawn(node.id, spec, &node.shared.config.executable, lock)
                        .map_err(failed)?;
                    node.see(|seen| seen.process = Process::Starting);
                    node.post(Mail::Spawned(process));
                }
                // The node before this one still frees its memory, or another start was first.
                None if Instant::now() < until => {
                    node.post(Mail::Survey);
                    node.wait_until(LOCK_PERIOD, |seen| {
                        !matches!(seen.process, Process::Absent | Process::Ended)
                    });
                }
                None => {
                    return Err(StepError::Failed(
                        "another process holds the lock of the node's directory".to_owned(),
                    ));
                }
            },
        }
    }
}

fn stop(node: &Node) -> Done {
    let ended = |seen: &crate::node::Seen| matches!(seen.process, Process::Absent | Process::Ended);
    let limit = node.shared.config.stop_limit;
    let until = Instant::now() + limit;
    if ended(&node.seen()) {
        return ended_by_itself(node, until);
    }
    loop {
        match Line::dial(node).and_then(|mut line| line.order(&Request::Shutdown { save: true }, limit)) {
            Ok(()) => break,
            // It may have ended by itself; or its socket is lost, and it is about to listen anew.
            Err(StepError::NodeGone) if node.wait_until(DIAL_PERIOD, ended) => {
                return ended_by_itself(node, until);
            }
            Err(StepError::NodeGone) if node.switch.is_off() => return Err(StepError::NodeGone),
            Err(StepError::NodeGone) if Instant::now() < until => {}
            Err(StepError::NodeGone) => {
                let socket = node.place.private_socket.display();
                return Err(StepError::Failed(format!("the node cannot be reached by its socket {socket}")));
            }
            // Killing it now would lose what it holds.
            Err(error) => return Err(error),
        }
    }
    if node.wait_until(limit, ended) {
        Ok(Outcome::Done)
    } else if node.switch.is_off() {
        Err(StepError::NodeGone)
    } else {
        Err(StepError::Failed(format!("the node has not ended within {limit:?}")))
    }
}

/// The stop of a node that has ended without having said that its data is saved.
fn ended_by_itself(node: &Node, until: Instant) -> Done {
    // While a large process frees its memory, the system does not tell yet how it ended.
    node.wait_until(until.saturating_duration_since(Instant::now()), |seen| seen.last_end != LastEnd::Open);
    match node.seen().last_end {
        LastEnd::Harmless => Ok(Outcome::Done),
        LastEnd::Unsaved(how) => Err(StepError::Unsaved(how)),
        LastEnd::Open if node.switch.is_off() => Err(StepError::NodeGone),
        LastEnd::Open => {
            Err(StepError::Unsaved("it ends, but has not said that its data is saved".to_owned()))
        }
    }
}

fn drain(node: &Node, epoch: u64) -> Done {
    let mut line = Line::dial(node)?;
    let position = line.position(&Request::Drain { epoch }, limit(node))?;
    let holds_data = line.status(QUESTION_LIMIT)?.holds_data;
    Ok(Outcome::Position { position, holds_data })
}

fn listen(node: &Node, listening: Listening) -> Done {
    let mut line = Line::dial(node)?;
    let withdrawn = listening.endpoint == Endpoint::Reader && node.seen().reader_withdrawn;
    let listens = line.status(QUESTION_LIMIT)?.listening.contains(&listening);
    if listens && !withdrawn {
        if !node.shared.listeners.has(node.id, listening) {
            take_back(node, &mut line)?;
        }
        return Ok(Outcome::Done);
    }
    let handle = node.shared.listeners.obtain(node.id, listening)?;
    let Listening { endpoint, address } = listening;
    match line.call(&Request::Listen { endpoint, address }, &[handle.as_fd()], limit(node))?.0 {
        Reply::Done => {}
        other => return Err(unexpected(&other)),
    }
    if withdrawn {
        node.see(|seen| seen.reader_withdrawn = false);
    }
    Ok(Outcome::Done)
}

fn unlisten(node: &Node, endpoint: Endpoint) -> Done {
    let told = Line::dial(node).and_then(|mut line| line.order(&Request::Unlisten { endpoint }, limit(node)));
    if endpoint == Endpoint::Reader {
        node.shared.listeners.withdraw_reader(node.id);
    }
    match told {
        Ok(()) => {
            if endpoint == Endpoint::Reader {
                node.see(|seen| seen.reader_withdrawn = false);
            }
            Ok(Outcome::Done)
        }
        // Who is gone listens no more.
        Err(StepError::NodeGone) if matches!(node.seen().process, Process::Absent | Process::Ended) => {
            Ok(Outcome::Done)
        }
        Err(error) => Err(error),
    }
}

/// Takes the listeners of an adopted node back.
pub(crate) fn recover(node: &Node) -> Result<(), StepError> {
    take_back(node, &mut Line::dial(node)?)
}

fn take_back(node: &Node, line: &mut Line<'_>) -> Result<(), StepError> {
    let (reply, handles) = line.call(&Request::Listeners, &[], limit(node))?;
    let Reply::Listeners(listeners) = reply else { return Err(unexpected(&reply)) };
    if listeners.len() != handles.len() {
        return Err(StepError::Failed(format!("{} listeners, {} handles", listeners.len(), handles.len())));
    }
    for (listening, handle) in listeners.into_iter().zip(handles) {
        node.shared.listeners.keep(node.id, listening, handle);
    }
    Ok(())
}
