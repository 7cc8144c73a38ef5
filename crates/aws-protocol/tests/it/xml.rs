//! Documents as text. That botocore reads those under `data/replies` as they are meant was checked with its own parser.

use std::collections::BTreeMap;

use aws_protocol::{Fault, Item, Members, Timestamp, xml};
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Serialize;

const NAMESPACE: &str = "http://elasticache.amazonaws.com/doc/2015-02-02/";
const REQUEST_ID: &str = "6c8d1f0e-2f2a-4d6d-9a40-0f6a3f1d8b11";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    address: String,
    port: u16,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NodeGroup {
    node_group_id: String,
    primary_endpoint: Option<Endpoint>,
}

impl Item for NodeGroup {
    const NAME: &'static str = "NodeGroup";
}

/// A word of a list whose items have a name.
#[derive(Serialize)]
#[serde(transparent)]
struct ClusterId(String);

impl Item for ClusterId {
    const NAME: &'static str = "ClusterId";
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Failover {
    Enabled,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicationGroup {
    replication_group_id: String,
    description: String,
    status: Option<String>,
    member_clusters: Option<Members<ClusterId>>,
    node_groups: Members<NodeGroup>,
    user_group_ids: Members<String>,
    automatic_failover: Failover,
    snapshot_retention_limit: i32,
    cluster_enabled: bool,
    replication_group_create_time: Option<Timestamp>,
    #[serde(rename = "ARN")]
    arn: Option<String>,
}

impl Item for ReplicationGroup {
    const NAME: &'static str = "ReplicationGroup";
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    replication_group: ReplicationGroup,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    marker: Option<String>,
    replication_groups: Members<ReplicationGroup>,
}

fn group(id: &str) -> ReplicationGroup {
    ReplicationGroup {
        replication_group_id: id.into(),
        description: "a < b & \"c\" > 'd'\r\n\u{0} 雪".into(),
        status: Some("available".into()),
        member_clusters: Some(["web-001", "web-002"].into_iter().map(|id| ClusterId(id.into())).collect()),
        node_groups: Members(vec![NodeGroup {
            node_group_id: "0001".into(),
            primary_endpoint: Some(Endpoint { address: "127.1.0.1".into(), port: 6379 }),
        }]),
        user_group_ids: Members::default(),
        automatic_failover: Failover::Enabled,
        snapshot_retention_limit: 0,
        cluster_enabled: false,
        replication_group_create_time: Timestamp::parse_iso8601("2026-11-22T23:51:22.123Z"),
        arn: None,
    }
}

/// Documents are kept with a line feed at their end.
fn check(document: &str, expected: &str) {
    assert_eq!(format!("{document}\n"), expected);
}

#[test]
fn replies() {
    let created = Created { replication_group: group("web") };
    check(
        &xml::reply("CreateReplicationGroup", NAMESPACE, &created, REQUEST_ID).expect("a document"),
        include_str!("../data/replies/create_replication_group.xml"),
    );
    let described = Described { marker: None, replication_groups: Members(vec![group("a"), group("b")]) };
    check(
        &xml::reply("DescribeReplicationGroups", NAMESPACE, &described, REQUEST_ID).expect("a document"),
        include_str!("../data/replies/describe_replication_groups.xml"),
    );
    let none = Described { marker: Some(String::new()), replication_groups: Members::default() };
    check(
        &xml::reply("DescribeReplicationGroups", NAMESPACE, &none, REQUEST_ID).expect("a document"),
        include_str!("../data/replies/describe_no_replication_groups.xml"),
    );
    let fault = Fault::sender("ReplicationGroupNotFoundFault", 404, "ReplicationGroup <web> not found.");
    check(&xml::fault(&fault, NAMESPACE, REQUEST_ID), include_str!("../data/replies/fault.xml"));
}

#[test]
fn small_documents() {
    let check = |result: Result<String, Fault>, inner: &str| {
        let metadata = "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>";
        assert_eq!(result, Ok(format!("<XResponse xmlns=\"n\">{inner}{metadata}</XResponse>")));
    };
    check(xml::reply("X", "n", &(), "r"), "");
    let map = BTreeMap::from([("k", 1.0), ("l", 0.25)]);
    check(
        xml::reply("X", "n", &map, "r"),
        "<XResult><entry><key>k</key><value>1.0</value></entry><entry><key>l</key><value>0.25</value></entry></XResult>",
    );
    check(
        xml::reply("X", "n", &(vec![Some('a'), None],), "r"),
        "<XResult><member><member>a</member></member></XResult>",
    );
    check(
        xml::reply("X", "n", &Timestamp::from_unix_ms(-1), "r"),
        "<XResult>1969-12-31T23:59:59.999Z</XResult>",
    );
    #[derive(Serialize)]
    enum Choice {
        One(i32),
    }
    assert_eq!(xml::reply("X", "n", &Choice::One(1), "r"), Err(Fault::internal_failure()));
}

/// The text of the only element that has some, as a parser reads it.
fn text(document: &str) -> String {
    let mut reader = Reader::from_str(document);
    let (mut text, mut inside) = (String::new(), false);
    loop {
        match reader.read_event().expect("a document that parses") {
            Event::Start(tag) => inside = tag.name().as_ref() == "Message",
            Event::Text(part) if inside => text.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) if inside => {
                match reference.resolve_char_ref().expect("a character") {
                    Some(c) => text.push(c),
                    None => {
                        let entity = quick_xml::escape::resolve_predefined_entity(&reference);
                        text.push_str(entity.expect("an entity of XML"));
                    }
                }
            }
            Event::End(_) => inside = false,
            Event::Eof => return text,
            _ => (),
        }
    }
}

proptest! {
    #[test]
    fn any_text_survives_but_what_xml_cannot_carry(message in any::<String>()) {
        let document = xml::fault(&Fault::invalid_parameter_value(message.clone()), NAMESPACE, "r");
        let expected: String = message
            .chars()
            .map(|c| match c {
                '\t' | '\n' | '\r' => c,
                '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
                _ => c,
            })
            .collect();
        prop_assert_eq!(text(&document), expected);
    }
}
