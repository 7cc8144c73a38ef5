//! What is foretold is what happens.

use crate::simulation::{any_wish, group, size};
use crate::world::{REGION, World};
use fleet::step::Step;
use fleet::{Changes, Command, DeploymentId, Forecast, Loss, NodeParameters, Settings};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn id() -> DeploymentId {
    DeploymentId::Group("web".into())
}

fn foretell(world: &World, command: &Command) -> Forecast {
    let commands = std::slice::from_ref(command);
    world.reconciler.forecast(&world.fleet, world.now_ms, REGION, commands).unwrap()
}

fn steps(forecast: &Forecast) -> BTreeSet<String> {
    let foreseen = forecast.stages.iter().flat_map(|stage| &stage.rounds).flatten();
    foreseen.map(|foreseen| format!("{:?}", foreseen.step)).collect()
}

fn members(world: &World) -> BTreeSet<String> {
    world.deployments().iter().flat_map(|one| one.members()).map(|(_, member)| member.name.clone()).collect()
}

fn keys(world: &World) -> u64 {
    let primary = |one: &&fleet::Deployment| world.nodes[&one.shards[0].primary].data.len() as u64;
    world.deployments().iter().map(primary).sum()
}

/// A settled group of so many members, with data in it.
fn world(seed: u64, members: usize) -> World {
    let mut world = World::new(seed);
    world.wish(Command::Create(Box::new(group("web", members, members > 1))));
    world.settle();
    for _ in 0..5 {
        world.client_writes();
    }
    look(&mut world);
    world
}

/// Everybody tells what it holds.
fn look(world: &mut World) {
    world.settle();
    for node in world.nodes.keys().copied().collect::<Vec<_>>() {
        world.observe(node);
    }
    world.settle();
}

/// A step that is taken twice, or taken because a report was late, does no harm; but not one of these.
fn weighs(step: &&String) -> bool {
    ["Start", "Kill", "Stop", "Remove", "Handover", "Configure", "Close"]
        .iter()
        .any(|kind| step.starts_with(kind))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked_for(seed: u64, count in 1_usize..4, wishes in 1..6) {
        let mut world = world(seed, count);
        for _ in 0..wishes {
            let Some(command) = any_wish(&mut world) else { continue };
            let forecast = foretell(&world, &command);
            prop_assert!(forecast.settles, "{command:?}");
            let (before, kept) = (members(&world), keys(&world));
            let primary = world.deployments()[0].shards[0].primary_member().unwrap().name.clone();
            world.told.clear();
            world.wish(command.clone());
            look(&mut world);
            let told: BTreeSet<String> = world.told.iter().cloned().collect();
            let foretold = steps(&forecast);
            prop_assert!(foretold.is_subset(&told), "{:?}: {:#?} {:#?}", command, foretold, told);
            let (all, really) = (foretold.iter().filter(weighs), told.iter().filter(weighs));
            prop_assert!(all.eq(really), "{:?}: {:#?} {:#?}", command, foretold, told);
            let after = members(&world);
            prop_assert_eq!(&forecast.joins, &after.difference(&before).cloned().collect::<Vec<_>>());
            prop_assert_eq!(&forecast.leaves, &before.difference(&after).cloned().collect::<Vec<_>>());
            let now = world.deployments()[0].shards[0].primary_member().unwrap().name.clone();
            let moved = if now == primary { vec![] } else { vec![(primary, now)] };
            prop_assert_eq!(&forecast.primaries, &moved);
            let lost = forecast.losses.iter().map(|loss| loss.keys).sum::<u64>();
            prop_assert_eq!(lost, kept - keys(&world), "{:?}", command);
        }
    }
}

#[test]
fn a_forecast_changes_nothing() {
    let world = world(1, 2);
    let (fleet, nodes) = (world.fleet.clone(), format!("{:?}", world.nodes));
    let forecast = foretell(&world, &Command::Delete { id: id(), retain_primary: false });
    assert!(forecast.settles && !forecast.stages[0].rounds.is_empty());
    assert_eq!(world.fleet, fleet);
    assert_eq!(format!("{:?}", world.nodes), nodes);
}

#[test]
fn a_node_that_is_replaced_has_its_members_name() {
    let world = world(1, 2);
    let changes = Box::new(Changes { size: Some(size("cache.m7g.large")), ..Changes::default() });
    let forecast = foretell(&world, &Command::Modify { id: id(), changes });
    let foreseen = forecast.stages[0].rounds.iter().flatten();
    let removed: BTreeSet<&str> = foreseen
        .filter(|one| matches!(one.step, Step::Remove { .. }))
        .map(|one| one.member.as_str())
        .collect();
    assert_eq!(removed, BTreeSet::from(["web-001", "web-002"]));
}

#[test]
fn what_is_deleted_is_lost_but_for_what_a_cluster_keeps() {
    let world = world(1, 2);
    let forecast = foretell(&world, &Command::Delete { id: id(), retain_primary: false });
    assert_eq!(forecast.losses, [Loss { deployment: "web".into(), keys: 5, bytes_over_limit: 0 }]);
    assert_eq!(forecast.leaves, ["web-001", "web-002"]);
    let forecast = foretell(&world, &Command::Delete { id: id(), retain_primary: true });
    assert_eq!(forecast.losses, []);
    assert_eq!(forecast.leaves, ["web-002"]);
}

#[test]
fn a_reboot_of_the_only_node_loses_what_it_holds() {
    let world = world(1, 1);
    let forecast = foretell(&world, &Command::Reboot { id: id(), member: "web-001".into() });
    assert_eq!(forecast.losses, [Loss { deployment: "web".into(), keys: 5, bytes_over_limit: 0 }]);
    assert_eq!(forecast.restarts, ["web-001"]);
}

#[test]
fn what_waits_for_a_window_is_told_with_its_time() {
    let mut world = world(1, 2);
    let settings = Settings { maintenance_window: "sun:05:00-sun:06:00".into(), ..Settings::default() };
    let changes = Box::new(Changes { settings: Some(settings), ..Changes::default() });
    world.wish(Command::Modify { id: id(), changes });
    world.settle();
    let defer = Command::Defer { id: id(), size: Some(size("cache.m7g.large")) };
    let forecast = foretell(&world, &defer);
    // The first Sunday of Unix time is its fourth day.
    let sunday = (3 * 24 + 5) * 3_600_000;
    let times: Vec<Option<u64>> = forecast.stages.iter().map(|stage| stage.window_ms).collect();
    assert_eq!(times, [None, Some(sunday)]);
    assert_eq!(forecast.stages[0].rounds, Vec::<Vec<_>>::new());
    assert_eq!(forecast.restarts, ["web-001", "web-002"]);
    world.wish(defer);
    world.settle();
    let other = foretell(&world, &Command::Promote { id: id(), member: "web-002".into() });
    assert_eq!(other.stages.len(), 1, "what waited before is no part of it");
}

#[test]
fn parameters_that_come_with_a_start_are_told_to_wait_for_one() {
    let mut world = world(1, 2);
    let mut parameters = NodeParameters::default();
    parameters.at_start.insert("databases".into(), "4".into());
    let changes = Box::new(Changes { parameters: Some(parameters.clone()), ..Changes::default() });
    let command = Command::Modify { id: id(), changes };
    let forecast = foretell(&world, &command);
    assert_eq!(forecast.waits_for_reboot, ["web-001", "web-002"]);
    assert_eq!(forecast.restarts, Vec::<String>::new());
    world.wish(command);
    world.settle();
    parameters.at_once.insert("timeout".into(), "4".into());
    let changes = Box::new(Changes { parameters: Some(parameters), ..Changes::default() });
    let forecast = foretell(&world, &Command::Modify { id: id(), changes });
    assert_eq!(forecast.waits_for_reboot, Vec::<String>::new(), "they wait already");
    let is_configure = |step: &str| step.starts_with("Configure");
    assert_eq!(steps(&forecast).iter().filter(|step| is_configure(step)).count(), 2);
}

#[test]
fn a_lower_limit_is_told_with_what_lies_beyond_it() {
    let mut world = world(1, 1);
    let primary = world.deployments()[0].shards[0].primary;
    let mut observed = world.reconciler.seen(primary).clone();
    observed.status.as_mut().unwrap().used_memory_bytes = 700_000;
    let report = fleet::step::Report::Observed { node: primary, observed: Box::new(observed) };
    world.reconciler.report(std::time::Duration::ZERO, report);
    let reserved = fleet::Reserved::Percent(50);
    let parameters = NodeParameters { reserved, ..NodeParameters::default() };
    let changes = Box::new(Changes { parameters: Some(parameters), ..Changes::default() });
    let forecast = foretell(&world, &Command::Modify { id: id(), changes });
    let over = 700_000 - (1 << 19);
    assert_eq!(forecast.losses, [Loss { deployment: "web".into(), keys: 0, bytes_over_limit: over }]);
}

#[test]
fn a_new_replica_copies_what_its_primary_holds() {
    let mut world = world(1, 1);
    let primary = world.deployments()[0].shards[0].primary;
    let mut observed = world.reconciler.seen(primary).clone();
    observed.status.as_mut().unwrap().used_memory_bytes = 300_000_000;
    let report = fleet::step::Report::Observed { node: primary, observed: Box::new(observed) };
    world.reconciler.report(std::time::Duration::ZERO, report);
    let new = fleet::NewMember {
        name: "web-002".into(),
        availability_zone: "us-east-1a".into(),
        tags: Default::default(),
    };
    let forecast = foretell(&world, &Command::AddMembers { id: id(), members: vec![new] });
    let foreseen = forecast.stages[0].rounds.iter().flatten();
    let copies: Vec<_> = foreseen.filter(|one| one.copies_bytes > 0).collect();
    assert_eq!(copies.len(), 1);
    assert!(matches!(copies[0].step, Step::Assign { .. }));
    assert_eq!((copies[0].member.as_str(), copies[0].copies_bytes), ("web-002", 300_000_000));
    assert!(forecast.stages[0].takes >= std::time::Duration::from_secs(1));
}
