//! What is decided in the plain cases, step by step.

use crate::simulation::group;
use crate::world::World;
use fleet::{Changes, Command, DeploymentId, NewMember};

fn id() -> DeploymentId {
    DeploymentId::Group("web".into())
}

fn messages(world: &World) -> Vec<String> {
    let region = world.fleet.regions.values().next().unwrap();
    region.events.iter().map(|event| format!("{}: {}", event.source_id, event.message)).collect()
}

#[test]
fn a_group_comes_up_one_step_after_the_other() {
    let mut world = World::new(1);
    world.wish(Command::Create(Box::new(group("web", 2, true))));
    assert_eq!(world.deployments()[0].status(), "creating");
    world.settle();
    assert_eq!(world.deployments()[0].status(), "available");
    let kinds: Vec<&str> = world.told.iter().map(|step| step.split([' ', '{']).next().unwrap()).collect();
    assert_eq!(kinds[..2], ["Start", "Start"]);
    assert_eq!(
        messages(&world),
        [
            "web-001: Cache cluster created",
            "web-001: Added cache node 0001 in availability zone us-east-1a",
            "web-002: Cache cluster created",
            "web-002: Added cache node 0001 in availability zone us-east-1b",
            "web: Replication group web created",
            "web: Automatic failover has been turned on for replication group web",
        ]
    );
}

#[test]
fn a_number_that_was_found_is_not_given_out_again() {
    let mut world = World::new(1);
    world.wish(Command::Create(Box::new(group("web", 1, true))));
    let made_at_ms = world.now_ms;
    let origin =
        fleet::Origin { region: "eu-west-1".into(), deployment: id(), member: "web-007".into(), made_at_ms };
    let report = |node, origin, moved_to: Option<&str>| fleet::step::Report::Stranger {
        node: fleet::NodeId(node),
        origin,
        moved_to: moved_to.map(Into::into),
    };
    world.reconciler.report(std::time::Duration::ZERO, report(41, Some(origin), Some("/data/strangers/n41")));
    world.reconciler.report(std::time::Duration::ZERO, report(17, None, None));
    world.settle();
    world.wish(Command::Create(Box::new(group("new", 1, true))));
    let new = world.fleet.deployment(crate::world::REGION, &DeploymentId::Group("new".into())).unwrap();
    assert_eq!(new.shards[0].primary, fleet::NodeId(42));
    let told: Vec<String> =
        world.fleet.regions["eu-west-1"].events.iter().map(|e| e.message.clone()).collect();
    assert_eq!(
        told[0],
        "The directory of node n41 (web-007, replication group web (eu-west-1)) belongs to no deployment and was moved \
         to /data/strangers/n41"
    );
    assert!(
        messages(&world)
            .iter()
            .any(|text| text.starts_with("n17: Node n17 belongs to no deployment; its process"))
    );
}

#[test]
fn a_lost_primary_is_replaced_and_comes_back_as_a_replica() {
    let mut world = World::new(1);
    world.wish(Command::Create(Box::new(group("web", 2, true))));
    world.settle();
    let before = messages(&world).len();
    let lost = world.deployments()[0].shards[0].primary;
    world.kill(lost);
    world.settle();
    let shard = &world.deployments()[0].shards[0];
    assert_eq!(shard.primary_member().unwrap().name, "web-002");
    assert_eq!(
        messages(&world)[before..],
        [
            "web-001: Failover from primary node web-001 to replica node web-002 completed",
            "web: Failover from primary node web-001 to replica node web-002 completed",
            "web-001: Recovering cache nodes 0001",
            "web-001: Finished recovery for cache nodes 0001",
        ]
    );
}

/// The primary was killed while the region stopped, or its directory is gone.
#[test]
fn a_start_begins_from_a_file_if_the_primary_has_none() {
    for (seed, automatic) in (0..40).flat_map(|seed| [(seed, true), (seed, false)]) {
        let mut world = World::new(seed);
        world.wish(Command::Create(Box::new(group("web", 3, automatic))));
        world.settle();
        let written = world.client_writes();
        world.settle();
        let primary = world.deployments()[0].shards[0].primary;
        for node in world.nodes.keys().copied().collect::<Vec<_>>() {
            if node == primary { world.kill(node) } else { world.end_cleanly(node) }
        }
        world.crash_control_plane();
        world.settle();
        let shard = &world.deployments()[0].shards[0];
        assert_eq!(shard.primary == primary, !automatic, "without failover it is the same member's again");
        for node in world.nodes.values() {
            assert_eq!(node.data.last().copied(), written);
        }
    }
}

#[test]
fn a_tested_failover_is_told_in_elasticaches_order() {
    let mut world = World::new(1);
    world.wish(Command::Create(Box::new(group("web", 2, true))));
    world.settle();
    let before = messages(&world).len();
    world.wish(Command::TestFailover { id: id(), shard: "0001".into() });
    world.settle();
    assert_eq!(
        messages(&world)[before..],
        [
            "web: Test Failover API called for node group 0001",
            "web-001: Failover from primary node web-001 to replica node web-002 completed",
            "web: Failover from primary node web-001 to replica node web-002 completed",
            "web-001: Recovering cache nodes 0001",
            "web-001: Finished recovery for cache nodes 0001",
        ]
    );
}

#[test]
fn changes_are_told_of_the_members_and_of_the_group() {
    let mut world = World::new(1);
    world.wish(Command::Create(Box::new(group("web", 2, true))));
    world.settle();
    let before = messages(&world).len();
    let mut size = world.deployments()[0].size.clone();
    size.node_type = "cache.m7g.large".into();
    let changes = Changes { size: Some(size), ..Changes::default() };
    world.wish(Command::Modify { id: id(), changes: Box::new(changes) });
    world.settle();
    let mut told = messages(&world)[before..].to_vec();
    let applied = "Succeeded applying modification to cache node type to cache.m7g.large.";
    assert_eq!(told.pop().unwrap(), format!("web: {applied}"), "the group is told of last");
    told.retain(|text| text.ends_with(applied));
    told.sort();
    assert_eq!(told, [format!("web-001: {applied}"), format!("web-002: {applied}")]);
    let before = messages(&world).len();
    for on in [false, false, true] {
        let changes = Changes { automatic_failover: Some(on), ..Changes::default() };
        world.wish(Command::Modify { id: id(), changes: Box::new(changes) });
        world.settle();
    }
    assert_eq!(
        messages(&world)[before..],
        [
            "web: Automatic failover has been turned off for replication group web",
            "web: Automatic failover has been turned on for replication group web",
        ]
    );
    let new = NewMember {
        name: "web-003".into(),
        availability_zone: "us-east-1c".into(),
        tags: Default::default(),
    };
    world.wish(Command::AddMembers { id: id(), members: vec![new] });
    world.settle();
    let before = messages(&world).len();
    world.wish(Command::Reboot { id: id(), member: "web-003".into() });
    world.settle();
    world.wish(Command::RemoveMembers { id: id(), members: vec!["web-003".into()] });
    world.settle();
    assert_eq!(
        messages(&world)[before - 2..],
        [
            "web-003: Cache cluster created",
            "web-003: Added cache node 0001 in availability zone us-east-1c",
            "web-003: Cache node 0001 shutdown",
            "web-003: Cache node 0001 restarted",
            "web-003: Cache cluster deleted",
        ]
    );
}

#[test]
fn without_automatic_failover_the_primary_gets_its_data_back_from_a_replica() {
    let mut world = World::new(3);
    world.wish(Command::Create(Box::new(group("web", 2, false))));
    world.settle();
    let write = world.client_writes().unwrap();
    world.settle();
    let primary = world.deployments()[0].shards[0].primary;
    world.kill(primary);
    world.settle();
    let shard = &world.deployments()[0].shards[0];
    assert_eq!(shard.primary_member().unwrap().name, "web-001");
    assert!(world.nodes[&shard.primary].data.contains(&write));
    assert!(!messages(&world).iter().any(|message| message.contains("Failover")));
}

#[test]
fn a_retained_primary_is_a_cluster_alone_with_its_data() {
    let mut world = World::new(5);
    world.wish(Command::Create(Box::new(group("web", 3, true))));
    world.settle();
    let write = world.client_writes().unwrap();
    world.wish(Command::Delete { id: id(), retain_primary: true });
    world.settle();
    let left = world.deployments();
    assert_eq!((left.len(), left[0].id.clone()), (1, DeploymentId::Cluster("web-001".into())));
    assert_eq!((left[0].status(), world.nodes.len()), ("available", 1));
    assert!(world.nodes.values().all(|node| node.data == [write]));
}

#[test]
fn a_taken_address_fails_the_creation_and_leaves_nothing_behind() {
    let mut world = World::new(7);
    world.taken.push("127.1.0.1:6379".parse().unwrap());
    world.wish(Command::Create(Box::new(group("web", 2, true))));
    world.settle();
    assert_eq!((world.deployments()[0].status(), world.nodes.len()), ("create-failed", 0));
    assert_eq!(
        messages(&world).last().unwrap(),
        "web: Failed to create the replication group: 127.1.0.1:6379 is already in use"
    );
    world.wish(Command::Delete { id: id(), retain_primary: false });
    world.settle();
    assert!(world.deployments().is_empty());
}
