//! What is foretold is what happens.

use crate::simulation::{any_wish, group, size};
use crate::world::{REGION, WRITE_BYTES, World};
use fleet::step::{Observed, Outcome, Process, Report, Step, StepError};
use fleet::{
    Changes, Command, Deployment, DeploymentId, Forecast, Loss, NewDeployment, Next, NodeParameters,
    NodeSize, ParameterStatus, Phase, Settings, Stage,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use supervision::{Link, Role, Status};

fn id() -> DeploymentId {
    DeploymentId::Group("web".into())
}

fn foretell(world: &World, command: &Command) -> Forecast {
    foretell_all(world, std::slice::from_ref(command))
}

fn foretell_all(world: &World, commands: &[Command]) -> Forecast {
    let now = (Duration::from_millis(world.now_ms), world.now_ms);
    world.reconciler.forecast(now, &world.fleet, REGION, commands).unwrap()
}

fn steps(stages: &[&Stage]) -> BTreeSet<String> {
    let foreseen = stages.iter().flat_map(|stage| &stage.rounds).flatten();
    foreseen.map(|foreseen| format!("{:?}", foreseen.step)).collect()
}

/// Deployments of the region of the wishes.
fn deployments(world: &World) -> impl Iterator<Item = &Deployment> {
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
    world_of(seed, group("web", members, members > 1))
}

/// A deployment that has settled, with data in it.
fn world_of(seed: u64, new: NewDeployment) -> World {
    let mut world = World::new(seed);
    world.wish(Command::Create(Box::new(new)));
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
            let sizes = [size("cache.t4g.micro"), size("cache.m7g.large"), small("cache.t4g.nano")];
            let any = sizes[world.random.below(3) as usize].clone();
            Some(Command::Defer { id: id(), size: world.random.chance(80).then_some(any) })
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

/// What one call may bring together.
fn several_wishes(world: &mut World) -> Vec<Command> {
    let deployment = world.fleet.deployment(REGION, &id()).unwrap().clone();
    if deployment.status() != "available" {
        return Vec::new();
    }
    let mut parameters = deployment.parameters.clone();
    parameters.at_once.insert("x".into(), world.random.below(3).to_string());
    parameters.at_start.insert("y".into(), world.random.below(3).to_string());
    let other = small(["cache.t4g.micro", "cache.t4g.nano"][world.random.below(2) as usize]);
    let now = world.random.chance(50).then(|| other.clone());
    let changes = Changes {
        size: now.clone(),
        parameters: world.random.chance(70).then_some(parameters),
        ..Changes::default()
    };
    let mut commands = vec![Command::Modify { id: id(), changes: Box::new(changes) }];
    if now.is_none() {
        commands.push(Command::Defer { id: id(), size: Some(other) });
    }
    let members = &deployment.shards[0].members;
    if !deployment.automatic_failover && world.random.chance(50) {
        let any = world.random.below(members.len() as u64) as usize;
        commands.push(Command::Promote { id: id(), member: members[any].name.clone() });
    }
    commands
}

/// A size with less memory than what may be written takes.
fn small(node_type: &str) -> NodeSize {
    NodeSize { memory_bytes: 3 * WRITE_BYTES, ..size(node_type) }
}

/// What a forecast speaks of, as it is.
struct Facts {
    members: BTreeSet<String>,
    waiting: BTreeSet<String>,
    primaries: BTreeMap<DeploymentId, String>,
    keys: u64,
    over_limit: u64,
    closed: u64,
}

impl Facts {
    fn of(world: &World) -> Facts {
        let primary = |one: &Deployment| Some((one.id.clone(), one.shards[0].primary_member()?.name.clone()));
        let over = |one: &Deployment| {
            let node = &world.nodes[&one.shards[0].primary];
            (node.data.len() as u64 * WRITE_BYTES).saturating_sub(node.maxmemory_bytes)
        };
        let all = deployments(world).flat_map(|one| one.members()).map(|(_, member)| member);
        let waiting = all.filter(|member| member.parameters == ParameterStatus::PendingReboot);
        Facts {
            members: members(world),
            waiting: waiting.map(|member| member.name.clone()).collect(),
            primaries: deployments(world).filter_map(primary).collect(),
            keys: keys(world),
            over_limit: deployments(world).map(over).sum(),
            closed: world.closed,
        }
    }
}

/// The members that processes were started for since it was last asked.
fn started(world: &mut World) -> BTreeSet<String> {
    let starts = world.told.iter().filter(|step| step.starts_with("Start"));
    let member =
        |step: &String| step.split("label: \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    starts.map(member).collect()
}

/// Commands of one call are carried out, now and in the maintenance windows if those come, and all is as it was foretold.
#[track_caller]
fn comes_true(world: &mut World, commands: &[Command], windows_come: bool) {
    let forecast = foretell_all(world, commands);
    assert!(forecast.settles, "{commands:?}");
    let before = Facts::of(world);
    world.told.clear();
    for command in commands {
        world.wish(command.clone());
    }
    look(world);
    let mut restarted = started(world);
    let is_now = |stage: &&Stage| stage.window_ms.is_none_or(|at_ms| at_ms <= world.now_ms);
    let (now, later): (Vec<&Stage>, Vec<&Stage>) = forecast.stages.iter().partition(is_now);
    same_steps(&steps(&now), &world.told, commands);
    let all_came = windows_come || later.is_empty();
    for stage in later.into_iter().filter(|_| windows_come) {
        world.told.clear();
        world.now_ms = world.now_ms.max(stage.window_ms.unwrap());
        look(world);
        restarted.extend(started(world));
        same_steps(&steps(&[stage]), &world.told, commands);
    }
    let after = Facts::of(world);
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
        one.difference(other).cloned().collect()
    };
    assert_eq!(forecast.joins, only(&after.members, &before.members), "{commands:?}");
    assert_eq!(forecast.leaves, only(&before.members, &after.members), "{commands:?}");
    let moved = before.primaries.iter().filter_map(|(id, from)| {
        let to = after.primaries.get(id).filter(|to| *to != from)?;
        Some((from.clone(), to.clone()))
    });
    assert_eq!(forecast.primaries, moved.collect::<Vec<_>>(), "{commands:?}");
    let lost = forecast.losses.iter().map(|loss| loss.keys).sum::<u64>();
    assert_eq!(lost, before.keys - after.keys, "{commands:?}");
    if all_came {
        let stay = |name: &String| before.members.contains(name) && after.members.contains(name);
        restarted.retain(stay);
        assert_eq!(forecast.restarts, Vec::from_iter(restarted), "{commands:?}");
        let mut waiting = only(&after.waiting, &before.waiting);
        waiting.retain(|name| before.members.contains(name));
        assert_eq!(forecast.waits_for_reboot, waiting, "{commands:?}");
        assert_eq!(forecast.disconnects, after.closed - before.closed, "{commands:?}");
        let over = forecast.losses.iter().map(|loss| loss.bytes_over_limit).sum::<u64>();
        assert_eq!(over, after.over_limit.saturating_sub(before.over_limit), "{commands:?}");
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
fn same_steps(foretold: &BTreeSet<String>, told: &[String], commands: &[Command]) {
    let foretold: BTreeSet<String> = foretold.iter().map(|step| timeless(step)).collect();
    let told: BTreeSet<String> = told.iter().map(|step| timeless(step)).collect();
    // Where a primary moves while all nodes are replaced, whom the others follow first is a race.
    assert!(commands.len() > 1 || foretold.is_subset(&told), "{commands:?}: {foretold:#?} {told:#?}");
    let (all, really) = (foretold.iter().filter(weighs), told.iter().filter(weighs));
    assert!(all.eq(really), "{commands:?}: {foretold:#?} {told:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Of a group that is at rest everything is known, also where another region has a group of the same names.
    #[test]
    fn whatever_is_asked_for(
        seed: u64, count in 1_usize..4, automatic: bool, elsewhere in 0_usize..4, wishes in 1..6,
    ) {
        let mut world = world_of(seed, group("web", count, automatic && count > 1));
        if elsewhere > 0 {
            world.write("eu-west-1", Command::Create(Box::new(group("web", elsewhere, elsewhere > 1))));
            look(&mut world);
        }
        let sunday = Settings { maintenance_window: "sun:05:00-sun:06:00".into(), ..Settings::default() };
        let changes = Box::new(Changes { settings: Some(sunday), ..Changes::default() });
        world.wish(Command::Modify { id: id(), changes });
        for _ in 0..wishes {
            connect(&mut world);
            let asked = match world.random.chance(30) {
                true => several_wishes(&mut world),
                false => any_wish_or_window(&mut world).into_iter().collect(),
            };
            let others = primary_of(&world, "eu-west-1");
            // If not, it is still to come when something else is asked for.
            let comes = world.random.chance(50);
            comes_true(&mut world, &asked, comes);
            prop_assert_eq!(primary_of(&world, "eu-west-1"), others);
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
        connect(&mut world);
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

/// A cluster alone has one endpoint, its node's own.
fn cluster() -> NewDeployment {
    let mut new = group("web", 1, false);
    new.id = DeploymentId::Cluster("web-001".into());
    new.settings.maintenance_window = "sun:05:00-sun:06:00".into();
    new
}

#[test]
fn what_is_foretold_of_a_cluster_alone_happens() {
    let cluster_id = || DeploymentId::Cluster("web-001".into());
    let modify = |changes| Command::Modify { id: cluster_id(), changes: Box::new(changes) };
    let mut parameters = NodeParameters::default();
    parameters.at_once.insert("timeout".into(), "4".into());
    parameters.at_start.insert("databases".into(), "4".into());
    let calls = [
        vec![Command::Reboot { id: cluster_id(), member: "web-001".into() }],
        vec![modify(Changes { size: Some(small("cache.t4g.nano")), ..Changes::default() })],
        vec![Command::Defer { id: cluster_id(), size: Some(small("cache.t4g.nano")) }],
        vec![modify(Changes { parameters: Some(parameters.clone()), ..Changes::default() })],
        vec![
            modify(Changes { parameters: Some(parameters), ..Changes::default() }),
            Command::Defer { id: cluster_id(), size: Some(size("cache.m7g.large")) },
        ],
    ];
    for seed in 0..20 {
        for call in &calls {
            let mut world = world_of(seed, cluster());
            connect(&mut world);
            comes_true(&mut world, call, true);
        }
    }
}

#[test]
fn what_is_foretold_of_a_change_of_all_groups_happens() {
    let mut parameters = NodeParameters::default();
    parameters.at_once.insert("timeout".into(), "4".into());
    parameters.at_start.insert("databases".into(), "4".into());
    for seed in 0..20 {
        let mut world = world(seed, 3);
        world.wish(Command::Create(Box::new(group("other", 2, true))));
        connect(&mut world);
        let group = |name: &str| DeploymentId::Group(name.into());
        let changes = Box::new(Changes { parameters: Some(parameters.clone()), ..Changes::default() });
        let modify = |name| Command::Modify { id: group(name), changes: changes.clone() };
        comes_true(&mut world, &[modify("web"), modify("other")], true);
    }
}

#[test]
fn what_closes_with_a_group_is_counted() {
    for (seed, retain_primary) in (0..20).flat_map(|seed| [(seed, false), (seed, true)]) {
        let mut world = world(seed, 1 + seed as usize % 3);
        connect(&mut world);
        let delete = Command::Delete { id: id(), retain_primary };
        let (forecast, closed) = (foretell(&world, &delete), world.closed);
        world.wish(delete);
        look(&mut world);
        assert_eq!(forecast.disconnects, world.closed - closed, "{retain_primary}");
        assert_eq!(forecast.joins, Vec::<String>::new());
        assert_eq!((forecast.restarts, forecast.primaries), (vec![], vec![]));
    }
}

/// A node is reported as it was last seen, but for this.
fn report(world: &mut World, member: &str, change: impl FnOnce(&mut Status)) {
    let shard = &world.fleet.deployment(REGION, &id()).unwrap().shards[0];
    let node = shard.member(member).unwrap().node.id;
    let mut observed = world.reconciler.seen(node).clone();
    change(observed.status.as_mut().unwrap());
    world.reconciler.report(Duration::ZERO, Report::Observed { node, observed: Box::new(observed) });
}

#[test]
fn a_replica_whose_link_is_up_has_what_its_primary_has() {
    let test = Command::TestFailover { id: id(), shard: "0001".into() };
    for (link, lost) in [(Link::Up, 0), (Link::Down, 3)] {
        let mut world = world(1, 2);
        report(&mut world, "web-002", |status| (status.link, status.keys) = (link, 2));
        let lost = (lost > 0).then(|| Loss { deployment: "web".into(), keys: lost, bytes_over_limit: 0 });
        assert_eq!(foretell(&world, &test).losses, Vec::from_iter(lost), "{link:?}");
    }
}

#[test]
fn a_node_that_is_loading_may_have_the_data() {
    let mut world = world(1, 2);
    for (member, keys, loading) in [("web-001", 0, false), ("web-002", 3, true)] {
        report(&mut world, member, |status| {
            (status.role, status.link, status.epoch) = (Role::Unassigned, Link::Down, 0);
            (status.holds_data, status.loading, status.keys) = (false, loading, keys);
        });
    }
    let forecast = foretell(&world, &Command::Delete { id: id(), retain_primary: false });
    assert_eq!(forecast.losses, [Loss { deployment: "web".into(), keys: 3, bytes_over_limit: 0 }]);
}

#[test]
fn what_only_a_hung_primary_has_is_lost_already() {
    let mut world = world(1, 2);
    let primary = world.deployments()[0].shards[0].primary;
    let mut observed = world.reconciler.seen(primary).clone();
    observed.process = Process::Hung;
    observed.status.as_mut().unwrap().keys = 9;
    world.reconciler.report(Duration::ZERO, Report::Observed { node: primary, observed: Box::new(observed) });
    let forecast = foretell(&world, &Command::Delete { id: id(), retain_primary: false });
    assert_eq!(forecast.losses, [Loss { deployment: "web".into(), keys: 5, bytes_over_limit: 0 }]);
}

#[test]
fn what_has_not_answered_yet_may_hold_anything() {
    let mut world = world(1, 2);
    world.wish(Command::Create(Box::new(group("other", 1, false))));
    world.settle();
    for member in ["web-001", "web-002"] {
        let shard = &world.fleet.deployment(REGION, &id()).unwrap().shards[0];
        let node = shard.member(member).unwrap().node.id;
        let observed = Observed { process: Process::Starting, ..Observed::default() };
        world.reconciler.report(Duration::ZERO, Report::Observed { node, observed: Box::new(observed) });
    }
    let delete = |id| Command::Delete { id, retain_primary: false };
    assert_eq!(foretell(&world, &delete(id())).unknown, ["web-001", "web-002"]);
    let reboot = Command::Reboot { id: id(), member: "web-002".into() };
    assert_eq!(foretell(&world, &reboot).unknown, ["web-001", "web-002"]);
    let other = DeploymentId::Group("other".into());
    assert_eq!(foretell(&world, &delete(other)).unknown, Vec::<String>::new());
}

#[test]
fn a_group_of_another_region_inherits_nothing() {
    let mut world = world(1, 2);
    world.write("eu-west-1", Command::Create(Box::new(group("web", 2, true))));
    look(&mut world);
    let elsewhere = world.fleet.deployment("eu-west-1", &id()).unwrap().shards[0].primary;
    world.nodes.get_mut(&elsewhere).unwrap().data = vec![7; 9];
    world.observe(elsewhere);
    look(&mut world);
    let forecast = foretell(&world, &Command::Delete { id: id(), retain_primary: false });
    assert_eq!(forecast.losses, [Loss { deployment: "web".into(), keys: 5, bytes_over_limit: 0 }]);
}

#[test]
fn a_replacement_that_is_replaced_has_its_members_name() {
    let mut world = world(1, 1);
    let resize = |node_type| {
        let changes = Box::new(Changes { size: Some(size(node_type)), ..Changes::default() });
        Command::Modify { id: id(), changes }
    };
    world.wish(resize("cache.m7g.large"));
    let replacement = world.deployments()[0].shards[0].members[0].replacement.clone().unwrap().id;
    while !world.nodes.contains_key(&replacement) {
        world.turn();
    }
    world.observe(replacement);
    while world.reconciler.seen(replacement).status.is_none() {
        world.turn();
    }
    let forecast = foretell(&world, &resize("cache.t4g.small"));
    let mut foreseen = forecast.stages[0].rounds.iter().flatten();
    let removed = foreseen.find(|one| one.step == Step::Remove { node: replacement }).unwrap();
    assert_eq!(removed.member, "web-001");
}

#[test]
fn windows_are_told_in_their_order() {
    for (first, second) in [("mon", "sat"), ("sat", "mon")] {
        let mut world = world(1, 1);
        world.wish(Command::Create(Box::new(group("other", 1, false))));
        world.settle();
        let other = DeploymentId::Group("other".into());
        for (id, day) in [(id(), first), (other.clone(), second)] {
            let maintenance_window = format!("{day}:05:00-{day}:06:00");
            let settings = Some(Settings { maintenance_window, ..Settings::default() });
            let changes = Box::new(Changes { settings, ..Changes::default() });
            world.wish(Command::Modify { id, changes });
        }
        let defer = |id| Command::Defer { id, size: Some(size("cache.m7g.large")) };
        let forecast = foretell_all(&world, &[defer(id()), defer(other)]);
        // The first Saturday of Unix time is its third day, the first Monday its fifth.
        let at = |day: u64| Some((day * 24 + 5) * 3_600_000);
        let times: Vec<_> = forecast.stages.iter().map(|stage| stage.window_ms).collect();
        assert_eq!(times, [None, at(2), at(4)]);
        assert_eq!(forecast.restarts, ["other-001", "web-001"]);
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
    report(&mut world, "web-001", |status| status.used_memory_bytes = 700_000);
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
    report(&mut world, "web-001", |status| status.used_memory_bytes = 300_000_000);
    let new = fleet::NewMember {
        name: "web-002".into(),
        availability_zone: "us-east-1a".into(),
        tags: Default::default(),
    };
    let add = Command::AddMembers { id: id(), members: vec![new] };
    let forecast = foretell(&world, &add);
    let foreseen = forecast.stages[0].rounds.iter().flatten();
    let copies: Vec<_> = foreseen.filter(|one| one.copies_bytes > 0).collect();
    assert_eq!(copies.len(), 1);
    assert!(matches!(copies[0].step, Step::Assign { .. }));
    assert_eq!((copies[0].member.as_str(), copies[0].copies_bytes), ("web-002", 300_000_000));
    assert!(forecast.stages[0].takes >= Duration::from_secs(1));
    report(&mut world, "web-001", |status| status.keys = 0);
    let forecast = foretell(&world, &add);
    let mut foreseen = forecast.stages[0].rounds.iter().flatten();
    assert!(foreseen.all(|one| one.copies_bytes == 0), "what an empty node uses is not copied");
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

#[test]
fn a_report_that_is_new_hides_none_that_is_old() {
    let mut world = world(1, 2);
    let shard = world.deployments()[0].shards[0].clone();
    let begin_ms = world.now_ms;
    let report_of = |world: &mut World, node, observed| {
        let report = Report::Observed { node, observed: Box::new(observed) };
        world.reconciler.report(Duration::from_millis(world.now_ms), report);
    };
    for member in &shard.members {
        let same = world.reconciler.seen(member.node.id).clone();
        report_of(&mut world, member.node.id, same);
    }
    let [one, other] = [0, 1].map(|at| shard.members[at].node.id);
    world.now_ms = begin_ms + 700;
    let same = world.reconciler.seen(one).clone();
    report_of(&mut world, one, same);
    world.now_ms = begin_ms + 1000;
    let tag = Command::Tag { id: id(), member: None, tags: Default::default() };
    assert_eq!(foretell(&world, &tag).age, Duration::from_millis(1000));
    report_of(&mut world, other, Observed::default());
    assert_eq!(foretell(&world, &tag).age, Duration::from_millis(300), "one that is gone tells nothing");
}

#[test]
fn steps_that_have_taken_long_are_foretold_to_do_so_again() {
    let mut world = World::new(1);
    world.wish(Command::Create(Box::new(group("web", 1, false))));
    let at = Duration::from_secs;
    let begin = |world: &mut World, now| match world.reconciler.next(now, &world.fleet) {
        Next::Begin(steps) => {
            steps.into_iter().find(|(_, step)| matches!(step, Step::Start { .. })).unwrap().0
        }
        Next::Write(commands) => panic!("{commands:?}"),
    };
    let takes = |world: &World| {
        let create = Command::Create(Box::new(group("other", 1, false)));
        foretell(world, &create).stages[0].takes
    };
    let before = takes(&world);
    assert!(before >= Duration::from_millis(60), "the usual time of a start: {before:?}");
    let ticket = begin(&mut world, at(0));
    let outcome = Err(StepError::NodeGone);
    world.reconciler.report(at(40), Report::Finished { ticket, outcome });
    assert_eq!(takes(&world), before, "what has failed is no measure");
    let ticket = begin(&mut world, at(50));
    world.reconciler.report(at(90), Report::Finished { ticket, outcome: Ok(Outcome::Done) });
    let more = takes(&world) - before;
    assert!((at(9)..at(10)).contains(&more), "a quarter of 40 s: {more:?}");
}
