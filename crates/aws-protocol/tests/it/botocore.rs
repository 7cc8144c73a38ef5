//! What botocore 1.44.5 sends: requests captured on their way out, with their signatures.

use aws_protocol::sigv4::{Identity, verify};
use aws_protocol::{Timestamp, query};
use serde::Deserialize;

use crate::http::Text;

const ACCESS_KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// Verifies a captured request a minute after it was made, and takes it apart.
fn accept(text: &str) -> (Identity, query::Request) {
    let text = Text::parse(text);
    let now = Timestamp::parse_basic("20261123T001707Z").expect("an instant");
    let secret = |key: &str| (key == ACCESS_KEY_ID).then(|| SECRET.to_owned());
    let identity = text.message(|message| verify(message, now, secret)).expect("a good signature");
    let limits = query::Limits::default();
    let request =
        query::Request::parse(text.query.as_bytes(), text.body.as_bytes(), &limits).expect("a request");
    (identity, request)
}

fn identity(region: &str, service: &str, session_token: Option<&str>) -> Identity {
    Identity {
        access_key_id: ACCESS_KEY_ID.into(),
        region: region.into(),
        service: service.into(),
        session_token: session_token.map(str::to_owned),
        signed_at: Timestamp::parse_basic("20261123T001607Z").expect("an instant"),
    }
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    value: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NodeGroup {
    node_group_id: Option<String>,
    slots: Option<String>,
    replica_count: Option<i32>,
    primary_availability_zone: Option<String>,
    replica_availability_zones: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LogGroup {
    log_group: String,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Destination {
    cloud_watch_logs_details: Option<LogGroup>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct LogDelivery {
    log_type: Option<String>,
    destination_type: Option<String>,
    destination_details: Option<Destination>,
    log_format: Option<String>,
    enabled: Option<bool>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateReplicationGroup {
    replication_group_id: String,
    replication_group_description: String,
    engine: Option<String>,
    cache_node_type: Option<String>,
    num_cache_clusters: Option<i32>,
    automatic_failover_enabled: Option<bool>,
    #[serde(rename = "MultiAZEnabled")]
    multi_az_enabled: Option<bool>,
    #[serde(rename = "PreferredCacheClusterAZs")]
    preferred_cache_cluster_azs: Option<Vec<String>>,
    security_group_ids: Option<Vec<String>>,
    cache_security_group_names: Option<Vec<String>>,
    snapshot_arns: Option<Vec<String>>,
    tags: Option<Vec<Tag>>,
    node_group_configuration: Option<Vec<NodeGroup>>,
    log_delivery_configurations: Option<Vec<LogDelivery>>,
    port: Option<u16>,
}

fn strings(words: &[&str]) -> Option<Vec<String>> {
    Some(words.iter().map(|&word| word.to_owned()).collect())
}

fn string(word: &str) -> Option<String> {
    Some(word.to_owned())
}

#[test]
fn create_replication_group() {
    let (who, request) = accept(include_str!("../data/botocore/create_replication_group.txt"));
    assert_eq!(who, identity("eu-central-1", "elasticache", None));
    assert_eq!(
        (request.action.as_str(), request.version.as_deref()),
        ("CreateReplicationGroup", Some("2015-02-02"))
    );
    request.require_version("2015-02-02").expect("the version it has");
    let expected = CreateReplicationGroup {
        replication_group_id: "web".into(),
        replication_group_description: "a & b = \"ü\" +100% 雪/~*".into(),
        engine: string("valkey"),
        cache_node_type: string("cache.t4g.micro"),
        num_cache_clusters: Some(3),
        automatic_failover_enabled: Some(true),
        multi_az_enabled: Some(false),
        preferred_cache_cluster_azs: strings(&["eu-central-1a", "eu-central-1b", "eu-central-1c"]),
        security_group_ids: strings(&["sg-1", "sg-2"]),
        cache_security_group_names: strings(&["x"]),
        snapshot_arns: strings(&["arn:aws:s3:::b/k.rdb"]),
        tags: Some(vec![
            Tag { key: "team".into(), value: string("a b") },
            Tag { key: "empty".into(), value: string("") },
        ]),
        node_group_configuration: Some(vec![
            NodeGroup {
                node_group_id: string("0001"),
                slots: string("0-8191"),
                replica_count: Some(1),
                primary_availability_zone: string("eu-central-1a"),
                replica_availability_zones: strings(&["eu-central-1b"]),
            },
            NodeGroup {
                node_group_id: None,
                slots: None,
                replica_count: Some(2),
                primary_availability_zone: None,
                replica_availability_zones: None,
            },
        ]),
        log_delivery_configurations: Some(vec![LogDelivery {
            log_type: string("slow-log"),
            destination_type: string("cloudwatch-logs"),
            destination_details: Some(Destination {
                cloud_watch_logs_details: Some(LogGroup { log_group: "/g".into() }),
            }),
            log_format: string("json"),
            enabled: Some(true),
        }]),
        port: Some(6380),
    };
    assert_eq!(query::decode::<CreateReplicationGroup>(&request.params), Ok(expected));
}

#[test]
fn empty_lists() {
    let (_, request) = accept(include_str!("../data/botocore/empty_lists.txt"));
    let input: CreateReplicationGroup = query::decode(&request.params).expect("an input");
    assert_eq!((input.tags, input.security_group_ids), (Some(vec![]), strings(&[])));
    assert_eq!((input.replication_group_description.as_str(), input.log_delivery_configurations), ("", None));
}

#[test]
fn describe_events() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum SourceType {
        CacheCluster,
        ReplicationGroup,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct DescribeEvents {
        source_type: SourceType,
        start_time: Timestamp,
        end_time: Timestamp,
        duration: i32,
        max_records: i32,
    }
    let (_, request) = accept(include_str!("../data/botocore/describe_events.txt"));
    let input: DescribeEvents = query::decode(&request.params).expect("an input");
    assert_eq!(input.source_type, SourceType::ReplicationGroup);
    assert_eq!(input.start_time.to_string(), "2026-11-22T23:51:22.000Z");
    assert_eq!(input.end_time.to_string(), "2026-11-23T01:00:00.005Z");
    assert_eq!((input.duration, input.max_records), (60, 20));
}

#[test]
fn with_temporary_credentials() {
    let (who, request) = accept(include_str!("../data/botocore/decrease_replica_count.txt"));
    assert_eq!(who, identity("eu-central-1", "elasticache", Some("FwoGZXIvYXdzEBYaD/+==")));
    assert_eq!(request.params.get("ReplicasToRemove.member.1"), Some("web-002"));
}

#[test]
fn get_caller_identity() {
    let (who, request) = accept(include_str!("../data/botocore/get_caller_identity.txt"));
    assert_eq!(who, identity("us-west-2", "sts", None));
    assert_eq!(query::decode::<()>(&request.params), Ok(()));
}

#[test]
fn presigned() {
    let (who, request) = accept(include_str!("../data/botocore/presigned_describe.txt"));
    assert_eq!(who, identity("eu-central-1", "elasticache", Some("tok/en+=")));
    let names: Vec<_> = request.params.names().collect();
    assert_eq!(
        (request.action.as_str(), names),
        ("DescribeCacheClusters", vec!["CacheClusterId", "ShowCacheNodeInfo"])
    );
}

/// A password of IAM authentication is a presigned request without its scheme.
#[test]
fn iam_token() {
    let (who, request) = accept(include_str!("../data/botocore/iam_token.txt"));
    assert_eq!(who, identity("us-east-1", "elasticache", None));
    assert_eq!((request.action.as_str(), request.params.get("User")), ("connect", Some("iam-user-01")));
}
