//! The decoder of Query requests: what it reads, and what it answers to what it can't.

use std::collections::BTreeMap;

use aws_protocol::query::{self, Limits, Request};
use aws_protocol::{Fault, Item, Members, Timestamp};
use proptest::prelude::*;
use serde::Deserialize;

fn parse(form: &str) -> Result<Request, Fault> {
    Request::parse(b"", form.as_bytes(), &Limits::default())
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Tree {
    name: Option<String>,
    flag: Option<bool>,
    count: Option<i64>,
    ratio: Option<f64>,
    at: Option<Timestamp>,
    words: Option<Members<String>>,
    map: Option<BTreeMap<String, String>>,
    children: Option<Members<Tree>>,
}

impl Item for Tree {
    const NAME: &'static str = "Tree";
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Needs {
    engine: String,
    inner: Option<Box<Needs>>,
    list: Option<Vec<Needs>>,
    port: Option<i32>,
    kind: Option<Kind>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    CacheCluster,
    User,
}

/// The tree that a form decodes to, or the fault as `code: text`.
fn tree(form: &str) -> Result<Tree, String> {
    let request = parse(&format!("Action=A&{form}")).map_err(|fault| fault.to_string())?;
    query::decode(&request.params).map_err(|error| error.in_query().to_string())
}

fn words(words: &[&str]) -> Tree {
    Tree { words: Some(words.iter().map(|&word| word.to_owned()).collect()), ..Tree::default() }
}

#[test]
fn lists() {
    let check = |form: &str, expected: &[&str]| assert_eq!(tree(form), Ok(words(expected)), "{form}");
    check("Words.member.1=a&Words.member.2=b", &["a", "b"]);
    check("Words.AnyName.1=a", &["a"]);
    check("Words.2=b&Words.1=a", &["a", "b"]);
    check("Words.member.10=c&Words.member.9=b&Words.member.1=a", &["a", "b", "c"]);
    check("Words.member.7=b&Words.member.3=a", &["a", "b"]);
    check("Words.0=a&Words.1=b", &["a", "b"]);
    check("Words=", &[]);
    check("Words.member.1=", &[""]);
    let refused = Err("MalformedInput: Unexpected list element termination".to_owned());
    for form in [
        "Words=a",
        "Words.member=a",
        "Words.member.x=a",
        "Words.member.01=a",
        "Words.member.-1=a",
        "Words.member.4294967296=a",
        "Words.a.1=x&Words.b.1=y",
        "Words.member.1=a&Words.2=b",
        "Words=&Words.1=a",
    ] {
        assert_eq!(tree(form), refused, "{form}");
    }
    assert_eq!(
        tree("Words.member.1.x=a"),
        Err("MalformedInput: Unexpected complex element termination".to_owned())
    );
}

#[test]
fn values() {
    let check = |form: &str, expected: Tree| assert_eq!(tree(form), Ok(expected), "{form}");
    check("Flag=true", Tree { flag: Some(true), ..Tree::default() });
    check("Flag=0", Tree { flag: Some(false), ..Tree::default() });
    check("Count=-9223372036854775808", Tree { count: Some(i64::MIN), ..Tree::default() });
    check("Count=%2B1", Tree { count: Some(1), ..Tree::default() });
    check("Ratio=1e-3", Tree { ratio: Some(0.001), ..Tree::default() });
    check("At=1970-01-01T00%3A00%3A01Z", Tree { at: Some(Timestamp::from_unix_ms(1000)), ..Tree::default() });
    check("Name=a+b%20c%2B", Tree { name: Some("a b c+".into()), ..Tree::default() });
    check("Name=a=b", Tree { name: Some("a=b".into()), ..Tree::default() });
    check("Name", Tree { name: Some(String::new()), ..Tree::default() });
    let map = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    check("Map.entry.1.key=k&Map.entry.1.value=v", Tree { map: Some(map), ..Tree::default() });

    let check = |form: &str, expected: &str| assert_eq!(tree(form), Err(expected.to_owned()), "{form}");
    for form in ["Flag=TRUE", "Flag=yes", "Flag=+true"] {
        check(form, "MalformedInput: boolean must follow xsd1.1 definition");
    }
    check("Flag=", "MalformedInput: missing value for boolean type");
    for form in ["Count=", "Count=1.0", "Count=9223372036854775808", "Count=0x1", "Count=%2B", "Count=1_0"] {
        check(form, "MalformedInput: integer must follow xsd1.1 definition");
    }
    for form in ["Ratio=", "Ratio=inf", "Ratio=1,5"] {
        check(form, "MalformedInput: double must follow xsd1.1 definition");
    }
    for form in ["At=", "At=0", "At=1700000000", "At=20261122T235122Z"] {
        check(form, "MalformedInput: timestamp must follow ISO8601");
    }
    for form in ["Name.x=a", "Name=a&Name.x=b", "Children.1=x", "Flag.1=true"] {
        check(form, "MalformedInput: Unexpected complex element termination");
    }
    check(
        "Map.entry.1.key=k",
        "InvalidParameterValue: The parameter Map.entry.1.value must be provided and must not be null.",
    );
    check(
        "Map.entry.1.key=k&Map.entry.1.value=v&Map.entry.1.x=v",
        "UnknownParameter: The parameter Map.entry.1.x is not recognized",
    );
}

#[test]
fn parameters_that_are_unknown_or_missing() {
    let check = |form: &str, expected: &str| {
        let request = parse(&format!("Action=A&{form}")).expect("a request");
        let decoded = query::decode::<Needs>(&request.params).map_err(|error| error.in_query());
        assert_eq!(decoded.map_err(|fault| fault.to_string()), Err(expected.to_owned()), "{form}");
    };
    let null = |name: &str| {
        format!("InvalidParameterValue: The parameter {name} must be provided and must not be null.")
    };
    let unknown = |name: &str| format!("UnknownParameter: The parameter {name} is not recognized");
    check("", &null("Engine"));
    check("Engine=a&Inner.Port=1", &null("Inner.Engine"));
    check("Engine=a&List.member.3.Port=1", &null("List.member.3.Engine"));
    check("Engine=a&List.3.Port=1", &null("List.3.Engine"));
    check("Engine=a&Prot=1", &unknown("Prot"));
    check("Engine=a&engine=b", &unknown("engine"));
    check("Engine=a&Prot.x.1=1", &unknown("Prot"));
    check("Engine=a&Inner.Engine=b&Inner.Inner.Foo=c", &unknown("Inner.Inner.Foo"));
    check(
        "Engine=a&Kind=group",
        "ValidationError: 1 validation error detected: Value 'group' at 'kind' failed to satisfy constraint: Member must \
         satisfy enum value set: [cache-cluster, user]",
    );
    let request = parse("Action=A&Anything=1").expect("a request");
    let fault = query::decode::<()>(&request.params)
        .map_err(|error| error.in_query())
        .expect_err("no parameter is known");
    assert_eq!((fault.status, fault.to_string()), (400, unknown("Anything")));
}

#[test]
fn requests_that_cannot_be_taken_apart() {
    let check = |form: &str, status: u16, expected: &str| {
        let fault = parse(form).expect_err(expected);
        assert_eq!((fault.status, fault.to_string().as_str()), (status, expected), "{form:.40}");
    };
    check("", 400, "MissingAction: The request must contain the parameter Action");
    check("Action=&Version=1", 400, "MissingAction: The request must contain the parameter Action");
    check("Action=A&x=%zz", 404, "MalformedQueryString: The query string contains a syntax error.");
    check("Action=A&x=%ff", 404, "MalformedQueryString: The query string contains a syntax error.");
    check("Action=A&x=1&x=2", 404, "MalformedQueryString: The parameter x comes twice.");
    check("Action=A&Action=B", 404, "MalformedQueryString: The parameter Action comes twice.");
    check("Action=A&x..y=1", 404, "MalformedQueryString: x..y names no parameter.");
    check("Action=A&=1", 404, "MalformedQueryString:  names no parameter.");
    let deep = vec!["a"; 13].join(".");
    check(
        &format!("Action=A&{deep}=1"),
        404,
        &format!("MalformedQueryString: The parameter {deep} nests too deeply."),
    );
    let many: String = (0..10_001).map(|n| format!("p{n}=&")).collect();
    check(&many, 404, "MalformedQueryString: The request has too many parameters.");
    check(&"a".repeat((1 << 20) + 1), 413, "RequestEntityTooLarge: The request is too large.");
}

#[test]
fn actions_and_versions() {
    let check = |form: &str, expected: Result<(), &str>| {
        let checked =
            parse(form).expect("a request").require_version("2015-02-02").map_err(|fault| fault.to_string());
        assert_eq!(checked, expected.map_err(str::to_owned), "{form}");
    };
    check("Action=Fly&Version=2015-02-02", Ok(()));
    check("Action=Fly&Version=2014", Err("InvalidAction: Could not find operation Fly for version 2014"));
    check("Action=Fly", Err("InvalidAction: Could not find operation Fly for version NO_VERSION_SPECIFIED"));
    let both = Request::parse(b"Action=Fly&X-Amz-Date=1", b"To=sea", &Limits::default()).expect("a request");
    assert_eq!((both.action.as_str(), both.params.names().collect::<Vec<_>>()), ("Fly", vec!["To"]));
}

/// How a test writes its lists: the names of items are the client's affair, and so are gaps.
#[derive(Clone, Copy, Debug)]
struct Style {
    item: &'static str,
    step: usize,
}

fn write(pairs: &mut Vec<(String, String)>, prefix: &str, tree: &Tree, style: Style) {
    let mut put = |name: &str, value: Option<String>| {
        pairs.extend(value.map(|value| (format!("{prefix}{name}"), value)));
    };
    put("Name", tree.name.clone());
    put("Flag", tree.flag.map(|flag| flag.to_string()));
    put("Count", tree.count.map(|count| count.to_string()));
    put("Ratio", tree.ratio.map(|ratio| format!("{ratio:?}")));
    put("At", tree.at.map(|at| at.to_string()));
    put("Words", tree.words.as_ref().filter(|words| words.0.is_empty()).map(|_| String::new()));
    put("Map", tree.map.as_ref().filter(|map| map.is_empty()).map(|_| String::new()));
    put("Children", tree.children.as_ref().filter(|children| children.0.is_empty()).map(|_| String::new()));
    for (index, word) in tree.words.iter().flat_map(|words| &words.0).enumerate() {
        put(&format!("Words{}.{}", style.item, 1 + index * style.step), Some(word.clone()));
    }
    for (index, (key, value)) in tree.map.iter().flatten().enumerate() {
        put(&format!("Map.entry.{}.key", index + 1), Some(key.clone()));
        put(&format!("Map.entry.{}.value", index + 1), Some(value.clone()));
    }
    for (index, child) in tree.children.iter().flat_map(|children| &children.0).enumerate() {
        write(pairs, &format!("{prefix}Children{}.{}.", style.item, 1 + index * style.step), child, style);
    }
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let leaf = (
        any::<String>(),
        any::<Option<bool>>(),
        any::<Option<i64>>(),
        proptest::option::of(proptest::num::f64::NORMAL | proptest::num::f64::ZERO),
        proptest::option::of(-62_000_000_000_000_i64..253_000_000_000_000),
        proptest::option::of(proptest::collection::vec(any::<String>(), 0..12)),
        proptest::option::of(proptest::collection::btree_map(any::<String>(), any::<String>(), 0..3)),
    )
        .prop_map(|(name, flag, count, ratio, at, words, map)| Tree {
            name: Some(name),
            flag,
            count,
            ratio,
            at: at.map(Timestamp::from_unix_ms),
            words: words.map(Members),
            map,
            children: None,
        });
    leaf.prop_recursive(3, 12, 3, |inner| {
        (inner.clone(), proptest::option::of(proptest::collection::vec(inner, 0..3)))
            .prop_map(|(tree, children)| Tree { children: children.map(Members), ..tree })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn decodes_what_was_encoded(
        tree in any_tree(),
        item in prop_oneof![Just(".member"), Just(".Tree"), Just("")],
        step in 1_usize..4,
        rotate in any::<prop::sample::Index>(),
    ) {
        let mut pairs = vec![("Action".to_owned(), "A".to_owned())];
        write(&mut pairs, "", &tree, Style { item, step });
        let at = rotate.index(pairs.len());
        pairs.rotate_left(at);
        let form = query::encode(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        // Three lists within each other and the key of a map.
        let limits = Limits { max_depth: 3 * 3 + 4, ..Limits::default() };
        let request = Request::parse(b"", form.as_bytes(), &limits).expect("a request");
        prop_assert_eq!(query::decode::<Tree>(&request.params), Ok(tree));
    }

    #[test]
    fn any_bytes_are_answered(
        query in proptest::collection::vec(any::<u8>(), 0..64),
        body in "(Action=A&)?([NFCRAWMmnel.0-9&=%+]|Words|Children|Map|entry|key|value|member|Name){0,40}",
    ) {
        if let Ok(request) = Request::parse(&query, body.as_bytes(), &Limits::default()) {
            let _ = (query::decode::<Tree>(&request.params), query::decode::<Needs>(&request.params));
        }
        if let Ok(request) = parse(&body) {
            let _ = (query::decode::<Tree>(&request.params), query::decode::<()>(&request.params));
        }
    }
}
