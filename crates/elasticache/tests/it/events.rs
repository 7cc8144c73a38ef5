//! What is told, in which order, and how it is asked for.

use crate::subnet_groups::create;
use crate::{Host, refuses};
use aws_protocol::Timestamp;
use fleet::Source;

const GROUP: &str = "Action=CreateReplicationGroup&ReplicationGroupId=web&ReplicationGroupDescription=x&Engine=valkey\
    &CacheNodeType=cache.t4g.micro&NumCacheClusters=1";

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// Sources and messages, in the order of the answer.
fn told(answer: &str) -> Vec<String> {
    let field = |event: &str, name: &str| {
        let (_, rest) = event.split_once(&format!("<{name}>")).expect("each event has it");
        rest.split('<').next().expect("there is text").to_owned()
    };
    let events = answer.split("<Event>").skip(1);
    events
        .map(|event| {
            format!(
                "{} {}: {}",
                field(event, "SourceType"),
                field(event, "SourceIdentifier"),
                field(event, "Message")
            )
        })
        .collect()
}

fn events(host: &mut Host, parameters: &str) -> Vec<String> {
    told(&host.call(&format!("Action=DescribeEvents{parameters}")).unwrap())
}

fn marker(answer: &str) -> Option<String> {
    Some(answer.split_once("<Marker>")?.1.split('<').next()?.to_owned())
}

/// A time as a parameter.
fn at(name: &str, at_ms: u64) -> String {
    format!("&{name}={}", Timestamp::from_unix_ms(at_ms as i64))
}

#[test]
fn the_newest_is_told_first() {
    let mut host = Host::new();
    host.call(GROUP).unwrap();
    host.settle("web");
    host.now_ms += 1;
    host.call(&create("nets", &["subnet-00000001"])).unwrap();
    host.now_ms += 1;
    host.call("Action=ModifyCacheSubnetGroup&CacheSubnetGroupName=nets&CacheSubnetGroupDescription=y")
        .unwrap();
    host.call("Action=DeleteCacheSubnetGroup&CacheSubnetGroupName=nets").unwrap();
    let all = [
        "cache-subnet-group nets: Cache subnet group nets deleted",
        "cache-subnet-group nets: Cache subnet group nets modified",
        "cache-subnet-group nets: Cache subnet group nets created",
        "replication-group web: Replication group web created",
        "cache-cluster web-001: Added cache node 0001 in availability zone us-east-1a",
        "cache-cluster web-001: Cache cluster created",
    ];
    assert_eq!(events(&mut host, ""), all);
    assert_eq!(events(&mut host, "&SourceType=replication-group"), all[3..4]);
    assert_eq!(events(&mut host, "&SourceType=cache-subnet-group&SourceIdentifier=Nets"), all[..3]);
    assert!(events(&mut host, "&SourceType=cache-cluster&SourceIdentifier=web").is_empty());
}

#[test]
fn each_source_type_can_be_asked_for_and_no_other() {
    let mut host = Host::new();
    host.call(&create("nets", &["subnet-00000001"])).unwrap();
    for source in Source::ALL {
        let found = events(&mut host, &format!("&SourceType={}", source.name()));
        assert_eq!(found.len(), usize::from(source == Source::CacheSubnetGroup), "{source:?}");
    }
    for wrong in ["node", "Cache-Cluster"] {
        let text = format!("Invalid value for SourceType: {wrong}");
        refuses(
            &mut host,
            &format!("Action=DescribeEvents&SourceType={wrong}"),
            "InvalidParameterValue",
            &text,
        );
    }
    let text = "Cannot specify SourceIdentifier without specifying SourceType.";
    refuses(&mut host, "Action=DescribeEvents&SourceIdentifier=a", "InvalidParameterCombination", text);
}

#[test]
fn a_period_is_given_by_two_of_its_begin_end_and_length() {
    let mut host = Host::new();
    let begin_ms = host.now_ms;
    for number in 0..4 {
        host.call(&create(&format!("g{number}"), &["subnet-00000001"])).unwrap();
        host.now_ms += 30 * MINUTE_MS;
    }
    // They are 120, 90, 60 and 30 minutes old.
    let mut names = |parameters: &str| -> String {
        let name =
            |text: &String| text.split([' ', ':']).nth(1).expect("an id").trim_start_matches('g').to_owned();
        events(&mut host, parameters).iter().map(name).collect::<Vec<_>>().join(" ")
    };
    let start = |minutes: u64| at("StartTime", begin_ms + minutes * MINUTE_MS);
    let end = |minutes: u64| at("EndTime", begin_ms + minutes * MINUTE_MS);
    for (parameters, expected) in [
        (String::new(), "3 2"),
        ("&Duration=0".into(), ""),
        ("&Duration=59".into(), "3"),
        ("&Duration=60".into(), "3 2"),
        ("&Duration=20160".into(), "3 2 1 0"),
        (start(30), "3 2 1"),
        (start(0) + "&Duration=30", "1 0"),
        (end(60), "2 1 0"),
        (end(60) + "&Duration=30", "2 1"),
        (start(30) + &end(60), "2 1"),
        (start(60) + &end(60), "2"),
        (start(120), ""),
        (start(121) + "&Duration=30", ""),
        (end(500), ""),
    ] {
        assert_eq!(names(&parameters), expected, "{parameters}");
    }
    let text = "Cannot specify StartTime, EndTime and Duration together.";
    let form = format!("Action=DescribeEvents{}{}&Duration=1", start(0), end(1));
    refuses(&mut host, &form, "InvalidParameterCombination", text);
    for (late, text) in [
        (start(61) + &end(60), "StartTime must not be after EndTime."),
        (start(131) + &end(130), "StartTime must not be after EndTime."),
        (start(121), "StartTime must not be in the future."),
    ] {
        refuses(&mut host, &format!("Action=DescribeEvents{late}"), "InvalidParameterCombination", text);
    }
    for wrong in [-1, 20161] {
        let text = format!("Invalid value {wrong} for Duration. Must be between 0 and 20160 minutes.");
        let form = format!("Action=DescribeEvents&Duration={wrong}");
        refuses(&mut host, &form, "InvalidParameterValue", &text);
    }
}

#[test]
fn what_is_older_than_fourteen_days_is_not_told_any_more() {
    let mut host = Host::new();
    let begin_ms = host.now_ms;
    host.call(&create("nets", &["subnet-00000001"])).unwrap();
    host.now_ms += 14 * DAY_MS;
    assert_eq!(events(&mut host, "&Duration=20160").len(), 1);
    host.now_ms += 1;
    assert!(events(&mut host, "&Duration=20160").is_empty());
    assert!(events(&mut host, &at("StartTime", begin_ms)).is_empty(), "nor to who asks for longer");
}

#[test]
fn pages_go_on_where_they_ended_whatever_happens_in_between() {
    let mut host = Host::new();
    for number in 0..45 {
        // Several happen in one instant.
        host.now_ms += number % 2;
        host.call(&create(&format!("g{number:02}"), &["subnet-00000001"])).unwrap();
    }
    let whole = events(&mut host, "");
    let (mut pages, mut parameters) = (Vec::new(), "&MaxRecords=20".to_owned());
    loop {
        let answer = host.call(&format!("Action=DescribeEvents{parameters}")).unwrap();
        pages.push(told(&answer));
        let Some(marker) = marker(&answer) else { break };
        parameters = format!("&MaxRecords=20&Marker={marker}");
        host.call(&create(&format!("new{}", pages.len()), &["subnet-00000001"])).unwrap();
        // The oldest is forgotten, which renumbers nothing.
        let region = host.fleet.regions.values_mut().next().unwrap();
        region.events.pop_front();
        region.forgotten_events += 1;
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [20, 20, 3]);
    assert_eq!(pages.concat(), whole[..43]);
    for (size, is_wrong) in [(19, true), (20, false), (100, false), (101, true)] {
        let form = format!("Action=DescribeEvents&MaxRecords={size}");
        match is_wrong {
            true => refuses(&mut host, &form, "InvalidParameterValue", "Must be between 20 and 100"),
            false => drop(host.call(&form).unwrap()),
        }
    }
    refuses(&mut host, "Action=DescribeEvents&Marker=x", "InvalidParameterValue", "Marker");
}
