//! A primary and two replicas over a network that cuts links: whatever happens, once it is quiet all hold
//! the same.
//!
//! The data set of a node is the stream itself, every byte since the beginning, and a snapshot is a copy of it;
//! so a byte that is lost, repeated or counted wrongly shows. Everything runs in one thread from a list of
//! random steps, which proptest shrinks.

use crate::primary::primary;
use proptest::prelude::*;
use replication::primary::{
    Action as PrimaryAction, Event as PrimaryEvent, LinkState, Settings, SnapshotForm,
};
use replication::replica::{Action, Event, Settings as ReplicaSettings, State};
use replication::{Primary, Replica};
use std::collections::BTreeMap;

const REPLICAS: usize = 2;

#[derive(Clone, Debug)]
enum Move {
    Write { length: usize },
    ToReplica { replica: usize, bytes: usize },
    ToPrimary { replica: usize, bytes: usize },
    Stream { replica: usize, bytes: usize },
    Cut { replica: usize },
    Apply { replica: usize },
    Load { replica: usize },
    Snapshot,
    Wait { ms: u64 },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let replica = 0..REPLICAS;
    let one = prop_oneof![
        4 => (1usize..6000).prop_map(|length| Move::Write { length }),
        6 => (replica.clone(), 1usize..3000).prop_map(|(replica, bytes)| Move::ToReplica { replica, bytes }),
        6 => (replica.clone(), 1usize..200).prop_map(|(replica, bytes)| Move::ToPrimary { replica, bytes }),
        4 => (replica.clone(), 1usize..9000).prop_map(|(replica, bytes)| Move::Stream { replica, bytes }),
        1 => replica.clone().prop_map(|replica| Move::Cut { replica }),
        3 => replica.clone().prop_map(|replica| Move::Apply { replica }),
        2 => replica.prop_map(|replica| Move::Load { replica }),
        2 => Just(Move::Snapshot),
        4 => (0u64..1500).prop_map(|ms| Move::Wait { ms }),
    ];
    proptest::collection::vec(one, 0..250)
}

/// One connection's bytes under way.
#[derive(Default)]
struct Wire {
    to_replica: Vec<u8>,
    to_primary: Vec<u8>,
}

struct Node {
    core: Replica,
    link: Option<u64>,
    data: Vec<u8>,
    /// Bytes the core gave to apply, which are not applied.
    pending: Vec<u8>,
    loading: Vec<u8>,
    load_due: bool,
    partial: usize,
    full: usize,
}

struct World {
    now_ms: u64,
    primary: Primary,
    stream: Vec<u8>,
    snapshot: Option<(SnapshotForm, Vec<u8>)>,
    snapshot_due: bool,
    nodes: Vec<Node>,
    wires: BTreeMap<u64, Wire>,
    next_link: u64,
    written: u8,
}

impl World {
    fn new(diskless: bool) -> World {
        let settings =
            Settings { diskless, diskless_delay_ms: 1000, backlog_bytes: 20_000, ..Settings::default() };
        let node = || Node {
            core: Replica::new(ReplicaSettings { timeout_ms: 60_000, ..ReplicaSettings::default() }),
            link: None,
            data: vec![],
            pending: vec![],
            loading: vec![],
            load_due: false,
            partial: 0,
            full: 0,
        };
        let mut world = World {
            now_ms: 0,
            primary: primary(settings),
            stream: vec![],
            snapshot: None,
            snapshot_due: false,
            nodes: (0..REPLICAS).map(|_| node()).collect(),
            wires: BTreeMap::new(),
            next_link: 1,
            written: 0,
        };
        for replica in 0..REPLICAS {
            world.at_replica(replica, Event::ReplicaOf { host: "primary", port: 1, resume: None }, &[]);
        }
        world
    }

    fn play(&mut self, step: &Move) {
        match *step {
            Move::Write { length } => {
                self.written = self.written.wrapping_add(1);
                let mut command = format!("*1\r\n${length}\r\n").into_bytes();
                command.extend(std::iter::repeat_n(self.written, length));
                command.extend_from_slice(b"\r\n");
                self.feed(&command);
            }
            Move::ToReplica { replica, bytes } => self.deliver_to_replica(replica, bytes),
            Move::ToPrimary { replica, bytes } => self.deliver_to_primary(replica, bytes),
            Move::Stream { replica, bytes } => self.send_stream(replica, bytes),
            Move::Cut { replica } => self.cut(replica),
            Move::Apply { replica } => self.apply(replica),
            Move::Load { replica } => {
                let node = &mut self.nodes[replica];
                if std::mem::take(&mut node.load_due) {
                    node.data = std::mem::take(&mut node.loading);
                    node.full += 1;
                    self.at_replica(replica, Event::Loaded(true), &[]);
                }
            }
            Move::Snapshot => self.snapshot_progress(),
            Move::Wait { ms } => {
                self.now_ms += ms;
                self.at_primary(PrimaryEvent::Tick);
                (0..REPLICAS).for_each(|replica| self.at_replica(replica, Event::Tick, &[]));
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.stream.extend_from_slice(bytes);
        assert_eq!(self.primary.feed(bytes), self.stream.len() as u64);
    }

    fn snapshot_progress(&mut self) {
        if std::mem::take(&mut self.snapshot_due) {
            let form = self.snapshot.take().expect("a snapshot was asked for").0;
            self.snapshot = Some((form, self.stream.clone()));
            self.at_primary(PrimaryEvent::SnapshotStarted);
        } else if let Some((form, rows)) = &self.snapshot {
            let (form, length) = (*form, rows.len() as u64);
            self.at_primary(PrimaryEvent::SnapshotReady { length });
            if form == SnapshotForm::Diskless {
                return;
            }
            for link in self.wires.keys().copied().collect::<Vec<_>>() {
                self.at_primary(PrimaryEvent::SnapshotSent { link });
            }
        }
    }

    fn at_primary(&mut self, event: PrimaryEvent<'_>) {
        let ready = matches!(event, PrimaryEvent::SnapshotReady { .. });
        let mut actions = Vec::new();
        self.primary.step(event, self.now_ms, &mut actions);
        let mut next = None;
        for action in actions {
            match action {
                PrimaryAction::Send { link, bytes } => self.queue(link, &bytes),
                PrimaryAction::StartSnapshot { form, .. } => next = Some(form),
                PrimaryAction::SendSnapshot { link } => {
                    let rows = self.snapshot.as_ref().expect("the snapshot is there").1.clone();
                    self.queue(link, &rows);
                }
                PrimaryAction::AbortSnapshot => self.snapshot = None,
                PrimaryAction::Feed(bytes) => self.feed(bytes),
                PrimaryAction::Close { link, .. } => {
                    self.wires.remove(&link);
                }
                _ => {}
            }
        }
        if ready {
            self.snapshot = None;
        }
        if let Some(form) = next {
            self.snapshot = Some((form, vec![]));
            self.snapshot_due = true;
        }
    }

    fn queue(&mut self, link: u64, bytes: &[u8]) {
        if let Some(wire) = self.wires.get_mut(&link) {
            wire.to_replica.extend_from_slice(bytes);
        }
    }

    fn send_stream(&mut self, replica: usize, bytes: usize) {
        let Some(link) = self.nodes[replica].link else { return };
        let Some((_, reader)) = self.primary.streaming().find(|(id, _)| *id == link) else { return };
        let backlog = self.primary.backlog().expect("a replica streams");
        let unsent: Vec<u8> =
            backlog.slice_from(backlog.position(reader)).flatten().copied().take(bytes).collect();
        self.queue(link, &unsent);
        self.at_primary(PrimaryEvent::Sent { link, bytes: unsent.len() as u64 });
    }

    fn deliver_to_replica(&mut self, replica: usize, bytes: usize) {
        let Some(link) = self.nodes[replica].link else { return };
        let Some(wire) = self.wires.get_mut(&link) else {
            self.nodes[replica].link = None;
            self.at_replica(replica, Event::Closed, &[]);
            return;
        };
        let chunk: Vec<u8> = wire.to_replica.drain(..bytes.min(wire.to_replica.len())).collect();
        self.at_replica(replica, Event::Received(&chunk), &chunk);
    }

    fn deliver_to_primary(&mut self, replica: usize, bytes: usize) {
        let Some(link) = self.nodes[replica].link else { return };
        let Some(wire) = self.wires.get_mut(&link) else { return };
        // Commands of the dialogue arrive whole: the node's parser is not what is tested here.
        let mut commands = Vec::new();
        let mut taken = 0;
        while taken < bytes.min(wire.to_primary.len()) {
            let (words, length) = command(&wire.to_primary[taken..]);
            commands.push(words);
            taken += length;
        }
        wire.to_primary.drain(..taken);
        for words in commands {
            let args: Vec<&[u8]> = words.iter().skip(1).map(String::as_bytes).collect();
            match words.first().map(String::as_str) {
                None => self.at_primary(PrimaryEvent::Newline { link }),
                Some("PING") => self.queue(link, b"+PONG\r\n"),
                Some("REPLCONF") => self.at_primary(PrimaryEvent::Replconf { link, args: &args }),
                Some("PSYNC") => self.at_primary(PrimaryEvent::Sync {
                    link,
                    peer_ip: "10.0.0.1",
                    psync: Some((args[0], args[1])),
                    pending_output: false,
                }),
                Some(other) => panic!("a replica does not send {other}"),
            }
        }
    }

    fn cut(&mut self, replica: usize) {
        let Some(link) = self.nodes[replica].link.take() else { return };
        self.wires.remove(&link);
        self.at_primary(PrimaryEvent::Closed { link });
        self.at_replica(replica, Event::Closed, &[]);
    }

    /// Applies whole commands of what is pending.
    fn apply(&mut self, replica: usize) {
        let node = &mut self.nodes[replica];
        if node.load_due {
            return;
        }
        let mut whole = 0;
        while let Some(length) = command_length(&node.pending[whole..]) {
            whole += length;
        }
        node.data.extend(node.pending.drain(..whole));
        let applied = node.data.len() as u64;
        if node.core.state() == State::Connected {
            self.at_replica(replica, Event::Applied(applied), &[]);
        }
    }

    fn at_replica(&mut self, replica: usize, event: Event<'_>, received: &[u8]) {
        let mut actions = Vec::new();
        self.nodes[replica].core.step(event, self.now_ms, &mut actions);
        for action in actions {
            let node = &mut self.nodes[replica];
            match action {
                Action::Connect { .. } => {
                    let link = self.next_link;
                    self.next_link += 1;
                    node.link = Some(link);
                    self.wires.insert(link, Wire::default());
                    self.at_replica(replica, Event::Connected, &[]);
                }
                Action::Send(bytes) => {
                    if let Some(wire) = node.link.and_then(|link| self.wires.get_mut(&link)) {
                        wire.to_primary.extend_from_slice(&bytes);
                    }
                }
                Action::Close(error) => panic!("no reason to give up: {error:?}"),
                Action::Drain => {
                    self.apply(replica);
                    let node = &mut self.nodes[replica];
                    node.pending.clear();
                    let applied = node.data.len() as u64;
                    self.at_replica(replica, Event::Drained(applied), &[]);
                }
                Action::LoadBegin { .. } => node.loading.clear(),
                Action::LoadHeld(bytes) => node.loading.extend_from_slice(&bytes),
                Action::LoadChunk(range) => node.loading.extend_from_slice(&received[range]),
                Action::LoadEnd => node.load_due = true,
                Action::LoadAborted => {
                    // What was received behind the snapshot goes with it.
                    node.load_due = false;
                    node.loading.clear();
                    node.pending.clear();
                }
                Action::Apply { range, end_offset } => {
                    node.pending.extend_from_slice(&received[range]);
                    assert_eq!(end_offset, node.core.received_offset().max(end_offset));
                }
                Action::AdoptSnapshot { offset, .. } => assert_eq!(node.data.len() as u64, offset),
                Action::AdoptId(_) => node.partial += 1,
                Action::ScheduleReconnect { .. } | Action::StateChanged(_) | Action::Promoted => {}
            }
        }
    }

    fn settle(&mut self) {
        for _ in 0..40 {
            for replica in 0..REPLICAS {
                self.play(&Move::ToPrimary { replica, bytes: usize::MAX });
                self.play(&Move::ToReplica { replica, bytes: usize::MAX });
                self.play(&Move::Load { replica });
                self.play(&Move::Stream { replica, bytes: usize::MAX });
                self.play(&Move::ToReplica { replica, bytes: usize::MAX });
                self.play(&Move::Apply { replica });
            }
            self.play(&Move::Snapshot);
            self.play(&Move::Wait { ms: 1000 });
        }
        for replica in 0..REPLICAS {
            self.play(&Move::Stream { replica, bytes: usize::MAX });
            self.play(&Move::ToReplica { replica, bytes: usize::MAX });
            self.play(&Move::Apply { replica });
            self.play(&Move::Wait { ms: 1000 });
            self.play(&Move::ToPrimary { replica, bytes: usize::MAX });
        }
    }
}

/// The words of the first command and its length; no words for a newline.
fn command(bytes: &[u8]) -> (Vec<String>, usize) {
    if bytes[0] == b'\n' {
        return (vec![], 1);
    }
    let length = command_length(bytes).expect("a replica sends whole commands");
    let text = String::from_utf8_lossy(&bytes[..length]).into_owned();
    let words = text.split("\r\n").skip(2).step_by(2).map(str::to_owned).collect();
    (words, length)
}

fn command_length(bytes: &[u8]) -> Option<usize> {
    let line = |at: usize| {
        let end = bytes.get(at..)?.windows(2).position(|pair| pair == b"\r\n")? + at;
        let number: usize = std::str::from_utf8(&bytes[at + 1..end]).ok()?.parse().ok()?;
        Some((number, end + 2))
    };
    let (arguments, mut at) = line(0)?;
    for _ in 0..arguments {
        let (length, start) = line(at)?;
        at = start + length + 2;
    }
    (at <= bytes.len()).then_some(at)
}

fn run(diskless: bool, moves: &[Move]) -> World {
    let mut world = World::new(diskless);
    moves.iter().for_each(|step| world.play(step));
    world.settle();
    for (replica, node) in world.nodes.iter().enumerate() {
        assert_eq!(node.core.state(), State::Connected, "replica {replica}");
        assert!(node.data == world.stream[..node.data.len()], "replica {replica} differs");
        // A ping may be under way.
        assert!(world.stream.len() - node.data.len() <= 2 * replication::PING.len(), "replica {replica}");
        let link = node.link.expect("a connected replica has a link");
        assert_eq!(world.primary.link_state(link), Some(LinkState::Online));
    }
    assert_eq!(world.primary.acks(0).applied.len(), REPLICAS);
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn all_hold_the_same_in_the_end(diskless in any::<bool>(), moves in moves()) {
        run(diskless, &moves);
    }
}

/// A short cut is continued, one that outlasts the backlog is not.
#[test]
fn cuts_continue_within_the_backlog() {
    let mut world = run(true, &[Move::Write { length: 100 }]);
    assert_eq!((world.nodes[0].full, world.nodes[0].partial), (1, 0));
    world.cut(0);
    world.play(&Move::Write { length: 100 });
    world.settle();
    assert_eq!((world.nodes[0].full, world.nodes[0].partial), (1, 1));
    world.cut(0);
    for _ in 0..30 {
        world.play(&Move::Write { length: 5000 });
        world.play(&Move::Stream { replica: 1, bytes: usize::MAX });
    }
    world.settle();
    assert_eq!((world.nodes[0].full, world.nodes[0].partial), (2, 1));
    assert_eq!((world.nodes[1].full, world.nodes[1].partial), (1, 0));
    assert_eq!(world.primary.counters().full, 3);
}
