//! What is foretold is what happens.

use crate::simulation::{any_wish, group, size};
use crate::world::{REGION, World};
use fleet::step::Step;
use fleet::{Changes, Command, DeploymentId, Forecast, Loss, NodeParameters, Phase, Settings, Stage};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

fn id() -> DeploymentId {
    DeploymentId::Group("web".into())
}

fn foretell(world: &World, command: &Command) -> Forecast {
    let commands = std::slice::from_ref(command);
    let now = (Duration::from_millis(world.now_ms), world.now_ms);
    world.reconciler.forecast(now, &world.fleet, REGION, commands).unwrap()
}

fn steps(stages: &[&Stage]) -> BTreeSet<String> {
    let foreseen = stages.iter().flat_map(|stage| &stage.rounds).flatten();
    foreseen.map(|foreseen| format!("{:?}", foreseen.step)).collect()
}

/// Deployments of the region of the wishes.
fn deployments(world: &World) -> impl Iterator<Item = &fleet::Deployment> {
    world.fleet.deployments().filter(|(region, _)| *region == REGION).map(|(_, one)| one)
}

fn members(world: &World) -> BTreeSet<String> {
    deployments(world).flat_map(|one| one.members()).map(|(_, member)| member.name.clone()).collect()
}

fn keys(world: &World) -> u64 {
    deployments(world).map(|one| world.nodes[&one.shards[0].primary].data.len() as u64).sum()
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

/// Clients come to every endpoint that is served.
fn connect(world: &mut World) {
    for node in world.nodes.keys().copied().collect::<Vec<_>>() {
        let listening = world.nodes[&node].listening.clone();
        for one in listening {
            let count = world.random.below(4);
            world.nodes.get_mut(&node).unwrap().clients.insert(one.endpoint, count);
        }
    }
    look(world);
}

/// What a user might ask for now, also with maintenance windows. The first day of the simulation is a Thursday.
fn any_wish_or_window(world: &mut World) -> Option<Command> {
    let windows = ["thu:00:00-thu:23:00", "sun:05:00-sun:06:00", "fri:05:00-fri:06:00"];
    match world.random.below(4) {
        0 => {
            let size_name = ["cache.t4g.micro", "cache.m7g.large"][world.random.below(2) as usize];
            Some(Command::Defer { id: id(), size: world.random.chance(80).then(|| size(size_name)) })
        }
        1 => {
            let maintenance_window = windows[world.random.below(3) as usize].into();
            let settings = Settings { maintenance_window, ..Settings::default() };
            let changes = Changes { settings: Some(settings), ..Changes::default() };
            Some(Command::Modify { id: id(), changes: Box::new(changes) })
        }
        _ => any_wish(world),
    }
}

fn primary_of(world: &World, region: &str) -> Option<String> {
    let one = world.fleet.deployment(region, &id())?;
    Some(one.shards[0].primary_member()?.name.clone())
}

/// A step without the moment at which its node was asked for: a window is looked at a moment later.
fn timeless(step: &str) -> String {
    match step.split_once("made_at_ms: ") {
        Some((before, behind)) => {
            before.to_owned() + behind.trim_start_matches(|digit: char| digit.is_ascii_digit())
        }
        None => step.to_owned(),
    }
}

/// The steps of a stage are those that are taken: all of them, and none else that weighs.
#[track_caller]
fn same_steps(foretold: &BTreeSet<String>, told: &[String], command: &Command) {
    let foretold: BTreeSet<String> = foretold.iter().map(|step| timeless(step)).collect();
    let told: BTreeSet<String> = told.iter().map(|step| timeless(step)).collect();
    assert!(foretold.is_subset(&told), "{command:?}: {foretold:#?} {told:#?}");
    let (all, really) = (foretold.iter().filter(weighs), told.iter().filter(weighs));
    assert!(all.eq(really), "{command:?}: {foretold:#?} {told:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Of a group that is at rest everything is known, also where another region has a group of the same names.
    #[test]
    fn whatever_is_asked_for(seed: u64, count in 1_usize..4, elsewhere in 0_usize..4, wishes in 1..6) {
        let mut world = world(seed, count);
        if elsewhere > 0 {
            world.write("eu-west-1", Command::Create(Box::new(group("web", elsewhere, elsewhere > 1))));
            look(&mut world);
        }
        let sunday = Settings { maintenance_window: "sun:05:00-sun:06:00".into(), ..Settings::default() };
        let changes = Box::new(Changes { settings: Some(sunday), ..Changes::default() });
        world.wish(Command::Modify { id: id(), changes });
        for _ in 0..wishes {
            connect(&mut world);
            let Some(command) = any_wish_or_window(&mut world) else { continue };
            let forecast = foretell(&world, &command);
            prop_assert!(forecast.settles, "{command:?}");
            let (before, kept) = (members(&world), keys(&world));
            let primary = primary_of(&world, REGION).unwrap();
            let (others, closed) = (primary_of(&world, "eu-west-1"), world.closed);
            world.told.clear();
            world.wish(command.clone());
            look(&mut world);
            let is_now = |stage: &&Stage| stage.window_ms.is_none_or(|at_ms| at_ms <= world.now_ms);
            let (now, later): (Vec<&Stage>, Vec<&Stage>) = forecast.stages.iter().partition(is_now);
            same_steps(&steps(&now), &world.told, &command);
            let after = members(&world);
            prop_assert_eq!(&forecast.joins, &after.difference(&before).cloned().collect::<Vec<_>>());
            prop_assert_eq!(&forecast.leaves, &before.difference(&after).cloned().collect::<Vec<_>>());
            if later.is_empty() {
                prop_assert_eq!(forecast.disconnects, world.closed - closed, "{:?}", command);
            }
            // If not, it is still to come when something else is asked for.
            let comes = world.random.chance(50);
            for stage in later.into_iter().filter(|_| comes) {
                world.told.clear();
                world.now_ms = world.now_ms.max(stage.window_ms.unwrap());
                look(&mut world);
                same_steps(&steps(&[stage]), &world.told, &command);
            }
            let now = primary_of(&world, REGION).unwrap();
            let moved = if now == primary { vec![] } else { vec![(primary, now)] };
            prop_assert_eq!(&forecast.primaries, &moved);
            prop_assert_eq!(primary_of(&world, "eu-west-1"), others);
            let lost = forecast.losses.iter().map(|loss| loss.keys).sum::<u64>();
            prop_assert_eq!(lost, kept - keys(&world), "{:?}", command);
        }
    }

    /// Nothing is lost of which that was not said, also while members are being rebooted.
    #[test]
    fn what_is_said_to_be_kept_is_kept(seed: u64, count in 1_usize..5, wishes in 1..8) {
        let mut world = world(seed, count);
        let kept = keys(&world);
        let mut asked = Vec::new();
        for _ in 0..wishes {
            let Some(command) = a_wish_meanwhile(&mut world) else { continue };
            let forecast = foretell(&world, &command);
            prop_assert!(forecast.settles, "{command:?}");
            if !forecast.losses.is_empty() {
                continue;
            }
            asked.push(format!("{command:?}"));
            world.wish(command);
            for _ in 0..world.random.below(20) {
                world.turn();
            }
        }
        look(&mut world);
        prop_assert_eq!(keys(&world), kept, "{:#?}", asked);
    }

    /// What is under way is no part of what is foretold.
    #[test]
    fn what_changes_nothing_changes_nothing_meanwhile(seed: u64, count in 1_usize..5, turns in 0..40) {
        let mut world = world(seed, count);
        if let Some(command) = any_wish(&mut world) {
            world.wish(command);
        }
        for _ in 0..turns {
            world.turn();
        }
        let tag = Command::Tag { id: id(), member: None, tags: [("a".into(), "b".into())].into() };
        let forecast = foretell(&world, &tag);
        let age = forecast.age;
        let nothing = Forecast { stages: vec![Stage::default()], settles: true, age, ..Forecast::default() };
        prop_assert_eq!(forecast, nothing);
    }
}

/// What a user might ask for while reboots are under way: one more, of any member that shows as available, or else what the group permits.
fn a_wish_meanwhile(world: &mut World) -> Option<Command> {
    let deployment = world.fleet.deployment(REGION, &id()).cloned()?;
    if world.random.chance(40) {
        return any_wish(world);
    }
    if deployment.phase != Phase::Available {
        // Whether a primary that leaves is gone before a reboot, or behind it, is a race.
        return None;
    }
    let available = deployment.members().filter(|(_, one)| one.status(&deployment) == "available");
    let names: Vec<String> = available.map(|(_, one)| one.name.clone()).collect();
    let any = world.random.below(names.len().max(1) as u64) as usize;
    Some(Command::Reboot { id: id(), member: names.get(any)?.clone() })
}

#[test]
fn a_primary_is_lost_whose_replicas_are_being_rebooted() {
    for turns in 0..30 {
        let mut world = world(turns, 3);
        for member in ["web-002", "web-003"] {
            world.wish(Command::Reboot { id: id(), member: member.into() });
        }
        for _ in 0..turns {
            world.turn();
        }
        let has_data = world.nodes.values().filter(|node| node.holds_data && !node.data.is_empty()).count();
        let reboot = Command::Reboot { id: id(), member: "web-001".into() };
        let forecast = foretell(&world, &reboot);
        if turns == 0 || has_data == 1 {
            let lost = Loss { deployment: "web".into(), keys: 5, bytes_over_limit: 0 };
            assert_eq!(forecast.losses, [lost], "after {turns} turns");
            assert_eq!(forecast.restarts, ["web-001"], "what is under way is no part of it");
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
    assert_eq!(
        steps(&forecast.stages.iter().collect::<Vec<_>>()).iter().filter(|step| is_configure(step)).count(),
        2
    );
}

#[test]
fn a_lower_limit_is_told_with_what_lies_beyond_it() {
    let mut world = world(1, 1);
    let primary = world.deployments()[0].shards[0].primary;
    let mut observed = world.reconciler.seen(primary).clone();
    observed.status.as_mut().unwrap().used_memory_bytes = 700_000;
    let report = fleet::step::Report::Observed { node: primary, observed: Box::new(observed) };
    world.reconciler.report(Duration::ZERO, report);
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
    world.reconciler.report(Duration::ZERO, report);
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
    assert!(forecast.stages[0].takes >= Duration::from_secs(1));
}

#[test]
fn a_forecast_is_as_old_as_the_oldest_report_that_it_is_made_from() {
    let mut world = world(1, 2);
    let tag = Command::Tag { id: id(), member: None, tags: Default::default() };
    let before = foretell(&world, &tag).age;
    world.now_ms += 700;
    assert_eq!(foretell(&world, &tag).age, before + Duration::from_millis(700));
    look(&mut world);
    assert!(foretell(&world, &tag).age < Duration::from_millis(700));
}
