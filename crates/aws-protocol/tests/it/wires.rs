//! What botocore 1.44.5 sends by each of the wires, and what it is answered.
//!
//! `data/botocore/wires.json` holds requests as botocore's serializers write them. `data/answers.json` holds answers as they
//! are written here; `tests/clients/test_wires.py` lets botocore's parsers read that file.

use std::collections::BTreeMap;

use aws_protocol::protocol::{Protocol, Signs};
use aws_protocol::query::Limits;
use aws_protocol::wire::{Input, Names, Response};
use aws_protocol::{Blob, ErrorShape, Fault, Kind, Members, Timestamp, Wire};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const CLOUDWATCH: Names = Names {
    xml: "http://monitoring.amazonaws.com/doc/2010-08-01/",
    target: "GraniteServiceVersion20100801",
    shapes: "com.amazonaws.cloudwatch",
    speaks_query: true,
};

const MEMORYDB: Names =
    Names { xml: "", target: "AmazonMemoryDB", shapes: "com.amazonaws.memorydb", speaks_query: false };

fn names(service: &str) -> &'static Names {
    if service == "cloudwatch" { &CLOUDWATCH } else { &MEMORYDB }
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Deserialize)]
struct Captured {
    service: String,
    operation: String,
    protocol: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

/// The inputs of an operation, each with the wire that it came by.
fn captured<T: DeserializeOwned>(operation: &str) -> Vec<(Wire, T)> {
    let all: Vec<Captured> =
        serde_json::from_str(include_str!("../data/botocore/wires.json")).expect("the requests");
    let decode = |one: &Captured| {
        let header = |name: &str| one.headers.get(name).map(String::as_str);
        let signs = Signs {
            service: &one.service,
            content_type: header("content-type").unwrap_or_default(),
            target: header("x-amz-target"),
            smithy: header("smithy-protocol").unwrap_or_default(),
            path: &one.path,
            query: "",
        };
        let Protocol::Wire(wire) = Protocol::of(&signs) else { panic!("{} is not served", one.protocol) };
        let body = if wire == Wire::Cbor { unhex(&one.body) } else { one.body.clone().into_bytes() };
        let request = wire.decode(&signs, &body, names(&one.service), &Limits::default()).expect("a request");
        assert_eq!(request.operation, operation);
        assert_eq!(matches!(request.input, Input::Params(_)), request.version.is_some());
        (wire, request.input.decode().expect("an input"))
    };
    all.iter().filter(|one| one.operation == operation).map(decode).collect()
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PutMetricData {
    namespace: String,
    metric_data: Vec<Datum>,
    strict_entity_validation: Option<bool>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Datum {
    metric_name: String,
    dimensions: Option<Vec<Dimension>>,
    timestamp: Option<Timestamp>,
    value: Option<f64>,
    values: Option<Vec<f64>>,
    counts: Option<Vec<f64>>,
    unit: Option<String>,
    storage_resolution: Option<i32>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Dimension {
    name: String,
    value: String,
}

#[test]
fn a_service_of_three_wires_understands_the_same_by_each() {
    let expected = || PutMetricData {
        namespace: "app/ü".into(),
        metric_data: vec![
            Datum {
                metric_name: "Latency".into(),
                dimensions: Some(vec![Dimension { name: "Host".into(), value: "a b".into() }]),
                timestamp: Timestamp::parse_iso8601("2026-11-22T23:51:22Z"),
                value: None,
                values: Some(vec![0.25, 3.0]),
                counts: Some(vec![1.0, 2.0]),
                unit: Some("Milliseconds".into()),
                storage_resolution: Some(1),
            },
            Datum { metric_name: "Hits".into(), value: Some(-1.5), ..Datum::default() },
        ],
        strict_entity_validation: Some(true),
    };
    let found = captured::<PutMetricData>("PutMetricData");
    assert_eq!(found, [Wire::Cbor, Wire::Json10, Wire::Query].map(|wire| (wire, expected())));
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateCluster {
    cluster_name: String,
    node_type: String,
    #[serde(rename = "ACLName")]
    acl_name: String,
    num_shards: Option<i32>,
    #[serde(rename = "TLSEnabled")]
    tls_enabled: Option<bool>,
    security_group_ids: Option<Vec<String>>,
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tag {
    key: String,
    value: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DescribeEvents {
    start_time: Timestamp,
    duration: i32,
}

#[test]
fn a_service_of_two_wires_does_too() {
    let expected = || CreateCluster {
        cluster_name: "orders".into(),
        node_type: "db.t4g.small".into(),
        acl_name: "open-access".into(),
        num_shards: Some(2),
        tls_enabled: Some(false),
        security_group_ids: Some(vec![]),
        tags: Some(vec![Tag { key: "team".into(), value: Some(String::new()) }]),
    };
    let wires = [Wire::Cbor, Wire::Json11];
    assert_eq!(captured::<CreateCluster>("CreateCluster"), wires.map(|wire| (wire, expected())));
    let start_time = Timestamp::parse_iso8601("2026-11-22T23:51:22.250Z").expect("an instant");
    let expected = || DescribeEvents { start_time, duration: 60 };
    assert_eq!(captured::<DescribeEvents>("DescribeEvents"), wires.map(|wire| (wire, expected())));
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetMetricData {
    metric_data_results: Members<MetricDataResult>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetricDataResult {
    id: &'static str,
    timestamps: Vec<Timestamp>,
    values: Vec<f64>,
    status_code: &'static str,
}

impl aws_protocol::Item for MetricDataResult {
    const NAME: &'static str = "member";
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetMetricWidgetImage {
    metric_widget_image: Blob,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DescribeEventsResult {
    events: Vec<Event>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    source_name: &'static str,
    source_type: &'static str,
    message: &'static str,
    date: Timestamp,
}

static RESOURCE_NOT_FOUND: ErrorShape =
    ErrorShape { name: "DashboardNotFoundError", code: "ResourceNotFound", status: 404, kind: Kind::Sender };
static CLUSTER_NOT_FOUND: ErrorShape = ErrorShape {
    name: "ClusterNotFoundFault",
    code: "ClusterNotFoundFault",
    status: 400,
    kind: Kind::Sender,
};

/// An answer as the file has it. A body in CBOR is in hexadecimal digits.
#[derive(Serialize)]
struct Answer {
    service: &'static str,
    operation: &'static str,
    protocol: &'static str,
    status: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
}

const REQUEST_ID: &str = "7a62c49f-347e-4fc4-9331-6e8e7a96aa73";

fn answers() -> Vec<Answer> {
    let mut answers = Vec::new();
    let protocol = |wire: Wire| match wire {
        Wire::Query => "query",
        Wire::Json10 | Wire::Json11 => "json",
        Wire::Cbor => "smithy-rpc-v2-cbor",
    };
    let mut push = |service, operation, wire: Wire, response: Response| {
        let mut headers: BTreeMap<&'static str, String> = response.headers.into_iter().collect();
        headers.insert("x-amzn-requestid", REQUEST_ID.to_owned());
        headers.extend(response.content_type.map(|content_type| ("content-type", content_type.to_owned())));
        let text = || String::from_utf8(response.body.clone()).expect("text");
        let body = if wire == Wire::Cbor { hex(&response.body) } else { text() };
        let (protocol, status) = (protocol(wire), response.status);
        answers.push(Answer { service, operation, protocol, status, headers, body });
    };
    let at = |text: &str| Timestamp::parse_iso8601(text).expect("an instant");
    for wire in [Wire::Query, Wire::Json10, Wire::Cbor] {
        let encode =
            |operation: &str, result: &dyn erased::Encode| result.encode(wire, operation, &CLOUDWATCH);
        let result = MetricDataResult {
            id: "m1",
            timestamps: vec![at("2026-11-22T23:51:00Z"), at("2026-11-22T23:50:00.500Z")],
            values: vec![0.1, 3.0],
            status_code: "Complete",
        };
        let data = GetMetricData { metric_data_results: vec![result].into(), next_token: None };
        push("cloudwatch", "GetMetricData", wire, encode("GetMetricData", &data));
        let image = GetMetricWidgetImage { metric_widget_image: Blob(vec![0x89, b'P', b'N', b'G', 0xff]) };
        push("cloudwatch", "GetMetricWidgetImage", wire, encode("GetMetricWidgetImage", &image));
        push("cloudwatch", "PutMetricData", wire, encode("PutMetricData", &()));
        let fault = RESOURCE_NOT_FOUND.because("Dashboard x does not exist");
        push("cloudwatch", "GetDashboard", wire, wire.fault(&fault, &CLOUDWATCH, REQUEST_ID));
        let fault = Fault::internal_failure();
        push("cloudwatch", "ListMetrics", wire, wire.fault(&fault, &CLOUDWATCH, REQUEST_ID));
    }
    for wire in [Wire::Json11, Wire::Cbor] {
        let date = at("2026-11-22T23:51:22.250Z");
        let event = Event { source_name: "orders", source_type: "cluster", message: "ü \u{1f980}", date };
        let result = DescribeEventsResult { events: vec![event] };
        let response = wire.encode("DescribeEvents", &result, &MEMORYDB, REQUEST_ID).expect("an answer");
        push("memorydb", "DescribeEvents", wire, response);
        let fault = CLUSTER_NOT_FOUND.because("Cluster x not found.");
        push("memorydb", "DescribeClusters", wire, wire.fault(&fault, &MEMORYDB, REQUEST_ID));
        let fault = Fault::invalid_client_token_id();
        push("memorydb", "ListTags", wire, wire.fault(&fault, &MEMORYDB, REQUEST_ID));
    }
    answers
}

/// Results of several types in one place.
mod erased {
    use super::{Names, REQUEST_ID, Response, Serialize, Wire};

    pub(super) trait Encode {
        fn encode(&self, wire: Wire, operation: &str, names: &Names) -> Response;
    }

    impl<T: Serialize> Encode for T {
        fn encode(&self, wire: Wire, operation: &str, names: &Names) -> Response {
            wire.encode(operation, self, names, REQUEST_ID).expect("an answer")
        }
    }
}

#[test]
fn answers_are_those_that_botocore_reads() {
    let written = serde_json::to_string_pretty(&answers()).expect("JSON");
    assert_eq!(written, include_str!("../data/answers.json").trim_end(), "{written}");
}
