//! What is read from JSON or CBOR and printed again is the same document, in either; and what decodes can be printed.
#![no_main]

use std::collections::BTreeMap;

use aws_protocol::document::{self, Form, Value, cbor, json};
use aws_protocol::{Blob, Members, NotYet, Off, Timestamp, With};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

/// One of everything that inputs of operations are made of, under short names.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tree {
    s: Option<String>,
    b: Option<bool>,
    n: Option<i32>,
    f: Option<f64>,
    t: Option<Timestamp>,
    w: Option<Members<String>>,
    k: Option<Word>,
    m: Option<BTreeMap<String, String>>,
    y: Option<Blob>,
    i: Option<Box<Tree>>,
    l: Option<Vec<Tree>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    CacheCluster,
    User,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Refused {
    _token: NotYet,
    _off: NotYet<Off>,
}

fn check(value: &Value, form: Form) {
    let printed = cbor::print(value);
    if *value != Value::Null {
        let again = cbor::parse(&printed).expect("what was printed");
        // Comparing bytes compares floats that are no numbers too.
        assert_eq!(cbor::print(&again), printed);
        assert!(json::parse(&json::print(value)).is_some());
    }
    if let Ok(tree) = document::decode::<Tree>(value, form) {
        let value = document::encode(&tree).expect("a document");
        let again = document::decode::<Tree>(&cbor::parse(&cbor::print(&value)).expect("CBOR"), Form::Cbor);
        let again = document::encode(&again.expect("the same type")).expect("a document");
        assert_eq!(cbor::print(&again), cbor::print(&value));
    }
    if let Err(error) = document::decode::<With<Tree, Refused>>(value, form) {
        let _ = (error.in_document(), error.in_query());
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(value) = cbor::parse(bytes) {
        check(&value, Form::Cbor);
    }
    if let Some(value) = json::parse(bytes) {
        check(&value, Form::Json);
    }
});
