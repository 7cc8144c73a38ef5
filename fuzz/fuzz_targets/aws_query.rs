//! The order of parameters means nothing: a form and its reverse decode to the same, and what decodes can be printed.
#![no_main]

use std::collections::BTreeMap;

use aws_protocol::query::{self, Limits, Request};
use aws_protocol::{InputError, Item, Members, Timestamp, xml};
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
    i: Option<Box<Tree>>,
    l: Option<Members<Tree>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    CacheCluster,
    User,
}

impl Item for Tree {
    const NAME: &'static str = "Tree";
}

/// The document that the decoded input makes. Comparing those compares floats that are no numbers too.
fn decode(form: &[u8]) -> Option<Result<String, InputError>> {
    let limits = Limits { max_params: 64, ..Limits::default() };
    let request = Request::parse(b"", form, &limits).ok()?;
    let decoded = query::decode::<Tree>(&request.params);
    Some(decoded.map(|tree| xml::reply("A", "n", &tree, "r").expect("a document")))
}

fuzz_target!(|form: &[u8]| {
    let mut pairs: Vec<_> = form.split(|byte| *byte == b'&').collect();
    pairs.reverse();
    assert_eq!(decode(form), decode(&pairs.join(&b'&')));
});
