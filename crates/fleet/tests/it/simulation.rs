//! Random wishes and faults: whatever happens, one node at most takes writes, nothing that a replica has is lost by one fault, and
//! in the end everything that was asked for is there.

use crate::world::{REGION, World};
use fleet::{
    Changes, Command, DeploymentId, Engine, MemberState, NewDeployment, NewMember, NodeId, NodeParameters,
    NodeSize, ParameterStatus, Phase, Settings, placement,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

pub(crate) fn size(node_type: &str) -> NodeSize {
    NodeSize { node_type: node_type.into(), memory_bytes: 1 << 20, vcpus: 2, maxclients: 100 }
}

pub(crate) fn group(name: &str, members: usize, automatic_failover: bool) -> NewDeployment {
    let zones = placement::place(&placement::zones(REGION), &[], members, true);
    let member = |(at, zone): (usize, &String)| NewMember {
        name: format!("{name}-{:03}", at + 1),
        availability_zone: zone.clone(),
        tags: BTreeMap::new(),
    };
    NewDeployment {
        id: DeploymentId::Group(name.into()),
        description: "x".into(),
        engine: Engine::Valkey,
        engine_version: "8.0.1".into(),
        profile: "valkey-8.0".into(),
        size: size("cache.t4g.micro"),
        port: 6379,
        automatic_failover,
        multi_az: automatic_failover,
        settings: Settings::default(),
        parameters: NodeParameters::default(),
        tags: BTreeMap::new(),
        members: zones.iter().enumerate().map(member).collect(),
        primary_ip: None,
    }
}

fn id() -> DeploymentId {
    DeploymentId::Group("web".into())
}

/// A user asks for something.
fn wish(world: &mut World) {
    if let Some(command) = any_wish(world) {
        world.wish(command);
    }
}

/// What a user might ask for now, if the state permits it.
pub(crate) fn any_wish(world: &mut World) -> Option<Command> {
    let deployment = world.fleet.deployment(REGION, &id()).cloned()?;
    if deployment.status() != "available" {
        return None;
    }
    let shard = &deployment.shards[0];
    let any = world.random.below(shard.members.len() as u64) as usize;
    let member = shard.members[any].name.clone();
    let command = match world.random.below(9) {
        0 => Command::Promote { id: id(), member },
        1 if shard.members.len() > 1 => Command::RemoveMembers { id: id(), members: vec![member] },
        2 if shard.members.len() < 6 => {
            let name = format!("web-{:03}", 7 + world.log.len());
            let new = NewMember { name, availability_zone: "us-east-1a".into(), tags: BTreeMap::new() };
            Command::AddMembers { id: id(), members: vec![new] }
        }
        3 => {
            let size = size(["cache.t4g.micro", "cache.m7g.large"][world.random.below(2) as usize]);
            Command::Modify {
                id: id(),
                changes: Box::new(Changes { size: Some(size), ..Changes::default() }),
            }
        }
        4 => Command::Reboot { id: id(), member },
        5 if deployment.automatic_failover && shard.members.len() > 1 => {
            Command::TestFailover { id: id(), shard: shard.id.clone() }
        }
        6 | 7 => {
            let mut parameters = deployment.parameters.clone();
            let of = if world.random.chance(50) { &mut parameters.at_once } else { &mut parameters.at_start };
            of.insert("x".into(), world.random.below(3).to_string());
            let changes = Changes { parameters: Some(parameters), ..Changes::default() };
            Command::Modify { id: id(), changes: Box::new(changes) }
        }
        _ => return None,
    };
    Some(command)
}

/// All is as it was asked for, and everybody has the same.
fn check_end(world: &World) {
    let told: Vec<&String> = world.told.iter().rev().take(6).collect();
    assert_eq!(
        world.deployments()[0].status(),
        "available",
        "{:?}\n{:?}\n{told:#?}",
        world.nodes,
        world.deployments()
    );
    let deployment = world.deployments()[0].clone();
    let shard = &deployment.shards[0];
    assert_eq!(world.writable(), [shard.primary]);
    let primary = &world.nodes[&shard.primary];
    for member in &shard.members {
        assert_eq!(member.node.size, deployment.size);
        assert_eq!(world.nodes[&member.node.id].data, primary.data, "{}", member.name);
        assert_eq!(world.nodes[&member.node.id].epoch, shard.epoch);
        let (has, wanted) =
            (world.nodes[&member.node.id].revision, deployment.parameters.revision(&member.node.size));
        assert_eq!(has.at_once, wanted.at_once, "{}", member.name);
        let expected = match has.at_start == wanted.at_start {
            true => ParameterStatus::InSync,
            false => ParameterStatus::PendingReboot,
        };
        assert_eq!(member.parameters, expected, "{}", member.name);
    }
    assert_eq!(world.nodes.len(), shard.members.len(), "nothing is left behind");
    assert!(world.fleet.retired.is_empty() && world.fleet.released.is_empty());
}

fn a_node(world: &mut World) -> Option<NodeId> {
    let at = world.random.below(world.nodes.len().max(1) as u64) as usize;
    world.nodes.keys().nth(at).copied()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Anything fails at any time, several things at once.
    #[test]
    fn one_writer_at_most_and_everything_there_in_the_end(
        seed: u64, members in 1_usize..4, automatic: bool, turns in 50_u64..400,
    ) {
        let mut world = World::new(seed);
        world.trouble = world.random.below(20);
        world.wish(Command::Create(Box::new(group("web", members, automatic && members > 1))));
        for _ in 0..turns {
            world.turn();
            prop_assert!(world.writable().len() <= 1, "{:#?}", world.nodes);
            world.client_writes();
            match world.random.below(60) {
                0 => { if let Some(node) = a_node(&mut world) { world.kill(node) } }
                1 => { if let Some(node) = a_node(&mut world) { world.hang(node) } }
                2 => { if let Some(node) = a_node(&mut world) { world.wake(node) } }
                3 => world.crash_control_plane(),
                4..=8 => wish(&mut world),
                _ => {}
            }
        }
        world.trouble = 0;
        world.settle();
        world.crash_control_plane();
        world.settle();
        check_end(&world);
    }

    /// One fault at a time: what a replica has is kept, whoever fails, and wherever the control plane dies while it deals with it.
    #[test]
    fn one_fault_loses_nothing_that_a_replica_has(seed: u64, members in 2_usize..4) {
        let mut world = World::new(seed);
        world.wish(Command::Create(Box::new(group("web", members, true))));
        world.settle();
        for _ in 0..4 {
            for _ in 0..world.random.below(5) {
                world.client_writes();
                world.turn();
            }
            wish(&mut world);
            for _ in 0..world.random.below(10) {
                world.turn();
                world.client_writes();
            }
            let rebooting = |world: &World| {
                let state = |one: &fleet::Member| matches!(one.state, MemberState::Rebooting { .. });
                world.deployments()[0].members().any(|(_, one)| state(one))
            };
            if world.deployments()[0].members().count() > 1 && !rebooting(&world)
                && world.deployments()[0].phase == Phase::Available
            {
                let primary = world.deployments()[0].shards[0].primary;
                let stays = |id: &NodeId| *id != primary && !world.fleet.retired.contains(id);
                let others = world.nodes.iter().filter(|(id, node)| stays(id) && node.holds_data);
                let kept = others.map(|(_, node)| node.data.len()).max().unwrap_or_default();
                let kept = world.nodes[&primary].data[..kept.min(world.nodes[&primary].data.len())].to_vec();
                match world.random.below(2) {
                    0 => world.kill(primary),
                    _ => world.hang(primary),
                }
                if world.random.chance(50) {
                    let turns = world.random.below(12);
                    for _ in 0..turns { world.turn(); }
                    world.crash_control_plane();
                }
                world.settle();
                let now = world.deployments()[0].shards[0].primary;
                prop_assert!(world.nodes[&now].data.starts_with(&kept));
            } else {
                world.settle();
            }
        }
        check_end(&world);
    }

    /// Wherever the control plane dies in an operation, the next one finishes it.
    #[test]
    fn every_operation_is_finished_by_whoever_comes_next(seed: u64, dies_after in 0_u64..40) {
        let mut world = World::new(seed);
        world.wish(Command::Create(Box::new(group("web", 3, true))));
        let creating = world.random.chance(30);
        if !creating {
            world.settle();
            wish(&mut world);
        }
        for _ in 0..dies_after {
            world.turn();
        }
        world.crash_control_plane();
        world.settle();
        check_end(&world);
        world.wish(Command::Delete { id: id(), retain_primary: false });
        for _ in 0..dies_after {
            world.turn();
        }
        world.crash_control_plane();
        world.settle();
        prop_assert!(world.nodes.is_empty() && world.deployments().is_empty());
        prop_assert!(world.fleet.retired.is_empty() && world.fleet.released.is_empty());
    }
}

/// Whenever all nodes are lost while a member leaves: the group comes back, empty, without it.
#[test]
fn a_group_comes_back_when_all_is_lost_while_a_member_leaves() {
    for (members, leaves, turns) in
        (2..4).flat_map(|n| (0..n).flat_map(move |m| (0..40).map(move |t| (n, m, t))))
    {
        let mut world = World::new(turns);
        world.wish(Command::Create(Box::new(group("web", members, true))));
        world.settle();
        let name = world.deployments()[0].shards[0].members[leaves].name.clone();
        world.wish(Command::RemoveMembers { id: id(), members: vec![name] });
        for _ in 0..turns {
            world.turn();
        }
        for node in world.nodes.keys().copied().collect::<Vec<_>>() {
            world.kill(node);
        }
        world.settle();
        check_end(&world);
    }
}
