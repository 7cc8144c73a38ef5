//! One type by three wires: what a form, JSON and CBOR decode to, and what is refused.

use std::collections::BTreeMap;

use aws_protocol::document::{self, Form, Value, cbor, json};
use aws_protocol::query::{self, Limits, Request};
use aws_protocol::{Blank, Blob, Empty, InputError, Members, NotYet, Off, Timestamp, With, Words};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

fn of_json<T: DeserializeOwned>(text: &str) -> Result<T, InputError> {
    document::decode(&json::parse(text.as_bytes()).expect("JSON"), Form::Json)
}

fn of_form<T: DeserializeOwned>(form: &str) -> Result<T, InputError> {
    let form = format!("Action=A&{form}");
    let request = Request::parse(b"", form.as_bytes(), &Limits::default()).expect("a form");
    query::decode(&request.params)
}

/// The same document in CBOR, where an instant has a tag and bytes are bytes.
fn of_cbor<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, InputError> {
    document::decode(&cbor::parse(bytes).expect("CBOR"), Form::Cbor)
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tree {
    name: Option<String>,
    on: Option<bool>,
    count: Option<i32>,
    large: Option<u64>,
    ratio: Option<f64>,
    at: Option<Timestamp>,
    words: Option<Members<String>>,
    kind: Option<Kind>,
    map: Option<BTreeMap<String, i64>>,
    bytes: Option<Blob>,
    inner: Option<Box<Tree>>,
    list: Option<Vec<Tree>>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    CacheCluster,
    User,
}

#[test]
fn what_json_says() {
    let text = r#"{"Name":"ü","On":true,"Count":-3,"Large":18446744073709551615,"Ratio":0.5,"At":1.7E9,
        "Words":["a","b"],"Kind":"cache-cluster","Map":{"x":1},"Bytes":"/wA=","Inner":{},"List":[{"On":false}]}"#;
    let expected = Tree {
        name: Some("ü".into()),
        on: Some(true),
        count: Some(-3),
        large: Some(u64::MAX),
        ratio: Some(0.5),
        at: Some(Timestamp::from_unix_ms(1_700_000_000_000)),
        words: Some(vec!["a".to_owned(), "b".to_owned()].into()),
        kind: Some(Kind::CacheCluster),
        map: Some(BTreeMap::from([("x".to_owned(), 1)])),
        bytes: Some(Blob(vec![0xff, 0])),
        inner: Some(Box::default()),
        list: Some(vec![Tree { on: Some(false), ..Tree::default() }]),
    };
    assert_eq!(of_json(text), Ok(expected.clone()));
    let printed = json::print(&document::encode(&expected).expect("a document"));
    assert_eq!(
        String::from_utf8_lossy(&printed),
        "{\"Name\":\"ü\",\"On\":true,\"Count\":-3,\"Large\":18446744073709551615,\"Ratio\":0.5,\"At\":1700000000.0,\
         \"Words\":[\"a\",\"b\"],\"Kind\":\"cache-cluster\",\"Map\":{\"x\":1},\"Bytes\":\"/wA=\",\"Inner\":{},\
         \"List\":[{\"On\":false}]}"
    );
}

#[test]
fn what_is_null_or_nothing_is_absent() {
    for text in ["", "{}", r#"{"Name":null,"Inner":null}"#, r#"{"Nonsense":null}"#] {
        assert_eq!(of_json::<Tree>(text), Ok(Tree::default()), "{text}");
    }
    assert_eq!(of_cbor::<Tree>(b""), Ok(Tree::default()));
    assert_eq!(of_cbor::<Tree>(b"\xa1\x64Name\xf7"), Ok(Tree::default()));
    assert_eq!(of_json::<()>("{}"), Ok(()));
    assert_eq!(of_json::<()>(r#"{"X":1}"#), Err(InputError::Unknown("X".into())));
}

#[test]
fn what_is_no_json_is_refused() {
    for text in ["{", "{}{}", "{\"a\":1,\"a\":2}", "{'a':1}", "\u{feff}{}", "nul", "{\"a\":NaN}", "[1,]"] {
        assert_eq!(json::parse(text.as_bytes()), None, "{text}");
    }
    assert_eq!(json::parse(b"{\"a\":\"\xff\"}"), None);
    let nested = |depth: usize| json::parse(&[vec![b'['; depth], vec![b']'; depth]].concat()).is_some();
    assert!(nested(document::MAX_DEPTH) && !nested(document::MAX_DEPTH + 1) && !nested(1 << 19));
}

#[test]
fn a_value_of_another_type_is_told_as_such() {
    for (text, expected) in [
        (r#"{"Name":1}"#, "NUMBER_VALUE can not be converted to a String"),
        (r#"{"Count":"1"}"#, "STRING_VALUE can not be converted to an Integer"),
        (r#"{"Count":1.5}"#, "DECIMAL_VALUE can not be converted to an Integer"),
        (r#"{"Count":2147483648}"#, "NUMBER_VALUE can not be converted to an Integer"),
        (r#"{"On":"true"}"#, "STRING_VALUE can not be converted to a Boolean"),
        (r#"{"Ratio":"1.5"}"#, "STRING_VALUE can not be converted to a Double"),
        (r#"{"At":"2026-01-01T00:00:00Z"}"#, "STRING_VALUE can not be converted to a Timestamp"),
        (r#"{"Bytes":"no base 64"}"#, "STRING_VALUE can not be converted to a Blob"),
        (r#"{"Words":"a"}"#, "Expected list or null"),
        (r#"{"Name":[]}"#, "Start of list found where not expected"),
        (r#"{"Words":{}}"#, "Start of structure or map found where not expected."),
        (r#"[]"#, "Start of list found where not expected"),
        (r#"{"List":[{"Inner":{"On":1}}]}"#, "NUMBER_VALUE can not be converted to a Boolean"),
    ] {
        let error = of_json::<Tree>(text).expect_err(text);
        assert_eq!(error, InputError::Malformed(expected.into()), "{text}");
        assert_eq!(error.in_document().code, "SerializationException");
    }
    // Where CBOR has a form of its own, another doesn't do.
    for bytes in [&b"\xa1\x62At\x00"[..], b"\xa1\x65Bytes\x64/wA=", b"\xa1\x65Ratio\x63NaN"] {
        assert!(matches!(of_cbor::<Tree>(bytes), Err(InputError::Malformed(_))), "{bytes:x?}");
    }
}

#[test]
fn places_are_told_from_the_outside_in() {
    let unknown = of_json::<Tree>(r#"{"List":[{},{"Inner":{"Nonsense":1}}]}"#);
    assert_eq!(unknown, Err(InputError::Unknown("List.2.Inner.Nonsense".into())));
    let word = of_json::<Tree>(r#"{"Inner":{"Kind":"x"}}"#).expect_err("no such word");
    assert_eq!(
        word.in_document().message,
        "1 validation error detected: Value 'x' at 'inner.Kind' failed to satisfy constraint: Member must satisfy enum \
         value set: [cache-cluster, user]"
    );
}

#[derive(Debug, Default, PartialEq)]
struct Ipv4;

impl Words for Ipv4 {
    const WORDS: &'static [&'static str] = &["ipv4"];
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Refusing {
    _token: NotYet,
    _encrypts: NotYet<Off>,
    _names: NotYet<Empty>,
    _text: NotYet<Blank>,
    _network: NotYet<Ipv4>,
    _inner: Option<Box<Refusing>>,
}

#[test]
fn what_is_not_built_is_refused_by_its_own_name() {
    fn refused<T: DeserializeOwned + std::fmt::Debug>(form: &str, text: &str) -> String {
        let of_both =
            [of_form::<T>(form).map_err(|e| e.in_query()), of_json::<T>(text).map_err(|e| e.in_document())];
        let [one, other] = of_both.map(|refused| refused.expect_err("refused").message);
        assert_eq!(one, other);
        one
    }
    for (form, text, name) in [
        ("Token=x", r#"{"Token":"x"}"#, "Token"),
        ("Token=", r#"{"Token":""}"#, "Token"),
        ("Token.A.1=x", r#"{"Token":{"A":[1]}}"#, "Token"),
        ("Encrypts=true", r#"{"Encrypts":true}"#, "Encrypts"),
        ("Text=x", r#"{"Text":"x"}"#, "Text"),
        ("Names.member.1=x", r#"{"Names":["x"]}"#, "Names"),
        ("Inner.Inner.Token=x", r#"{"Inner":{"Inner":{"Token":1}}}"#, "Inner.Inner.Token"),
    ] {
        let expected = format!("The parameter {name} is not supported by Engram yet.");
        assert_eq!(refused::<Refusing>(form, text), expected);
    }
    let value = refused::<Refusing>("Network=IPv6", r#"{"Network":"IPv6"}"#);
    assert_eq!(value, "The value IPv6 of the parameter Network is not supported by Engram yet.");
}

#[test]
fn what_is_absent_or_changes_nothing_passes() {
    for form in ["", "Encrypts=false", "Names=", "Text=", "Network=IPv4", "Inner.Encrypts=0"] {
        of_form::<Refusing>(form).expect(form);
    }
    for text in ["{}", r#"{"Token":null,"Encrypts":false,"Names":[],"Network":"ipv4","Inner":{}}"#] {
        of_json::<Refusing>(text).expect(text);
    }
    // It is still of its type.
    assert!(matches!(of_form::<Refusing>("Encrypts=no"), Err(InputError::Malformed(_))));
    assert!(matches!(of_json::<Refusing>(r#"{"Names":1}"#), Err(InputError::Malformed(_))));
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Own {
    id: String,
    size: Option<u8>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Shared {
    window: Option<String>,
    tags: Option<Vec<String>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Third {
    port: u16,
}

#[test]
fn two_structures_side_by_side_are_one_input() {
    type Input = With<Own, With<Shared, Third>>;
    let expected = Input {
        own: Own { id: "a".into(), size: None },
        shared: With {
            own: Shared { window: Some("sun".into()), tags: Some(vec!["t".into()]) },
            shared: Third { port: 1 },
        },
    };
    assert_eq!(of_form::<Input>("Window=sun&Id=a&Port=1&Tags.member.1=t"), Ok(expected));
    let input = of_json::<Input>(r#"{"Port":1,"Id":"a","Size":3,"Tags":null}"#).expect("an input");
    assert_eq!((input.id.as_str(), input.size, input.shared.window.as_deref()), ("a", Some(3), None));
    let check = |form: &str, text: &str, expected: InputError| {
        assert_eq!(of_form::<Input>(form), Err(expected.clone()), "{form}");
        assert_eq!(of_json::<Input>(text), Err(expected), "{text}");
    };
    check("Id=a&Port=1&X=1", r#"{"Id":"a","Port":1,"X":1}"#, InputError::Unknown("X".into()));
    check("Port=1", r#"{"Port":1}"#, InputError::Missing("Id".into()));
    check("Id=a", r#"{"Id":"a"}"#, InputError::Missing("Port".into()));
    // Also inside something else.
    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is wrong with it is looked at")]
    struct Outer {
        list: Vec<With<Own, Third>>,
    }
    let input = of_form::<With<With<Own, Shared>, Third>>("Id=a&Port=1&Window=w").expect("an input");
    assert_eq!(
        (input.id.as_str(), input.own.shared.window.as_deref(), input.shared.port),
        ("a", Some("w"), 1)
    );
    let unknown = InputError::Unknown("List.member.2.X".into());
    let form =
        "List.member.1.Id=a&List.member.1.Port=1&List.member.2.Id=b&List.member.2.Port=1&List.member.2.X=";
    assert_eq!(of_form::<Outer>(form).map(drop), Err(unknown));
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = (
        any::<(Option<String>, Option<bool>, Option<i32>, Option<u64>)>(),
        // A float that is none is not equal to itself.
        proptest::option::of(any::<f64>().prop_filter("a number", |number| !number.is_nan())),
        proptest::option::of(-62_000_000_000_000_i64..253_000_000_000_000),
        any::<(Option<Vec<String>>, Option<BTreeMap<String, i64>>, Option<Vec<u8>>)>(),
        proptest::option::of(prop_oneof![Just(Kind::CacheCluster), Just(Kind::User)]),
    );
    let leaf = leaf.prop_map(|((name, on, count, large), ratio, at, (words, map, bytes), kind)| Tree {
        name,
        on,
        count,
        large,
        ratio,
        at: at.map(Timestamp::from_unix_ms),
        words: words.map(Members),
        kind,
        map,
        bytes: bytes.map(Blob),
        inner: None,
        list: None,
    });
    leaf.prop_recursive(3, 12, 3, |inner| {
        let list = proptest::option::of(proptest::collection::vec(inner.clone(), 0..3));
        (inner.clone(), proptest::option::of(inner), list).prop_map(|(tree, inner, list)| Tree {
            inner: inner.map(Box::new),
            list,
            ..tree
        })
    })
}

proptest! {
    #[test]
    fn there_and_back_again(tree in tree()) {
        let value = document::encode(&tree).expect("a document");
        let (json, cbor) = (json::print(&value), cbor::print(&value));
        prop_assert_eq!(cbor::parse(&cbor), Some(value));
        prop_assert_eq!(of_cbor::<Tree>(&cbor), Ok(tree.clone()));
        prop_assert_eq!(of_json::<Tree>(&String::from_utf8(json).expect("text")), Ok(tree));
    }

    #[test]
    fn any_bytes_are_read_or_not(bytes: Vec<u8>) {
        for value in [cbor::parse(&bytes), json::parse(&bytes)].into_iter().flatten() {
            let printed = cbor::print(&value);
            prop_assert!(value == Value::Null || cbor::parse(&printed).is_some());
            let _ = document::decode::<Tree>(&value, Form::Cbor);
        }
    }
}
