//! Files that redis-server 7.0.15 saved, and payloads it dumped.

use std::collections::BTreeMap;

use rdb::{BadPayload, Checksum, EntryMeta, ErrorKind, Item, ReaderOptions, SaveOptions, dump, restore};
use structures::hash::FieldTtl;
use structures::list::NodeRef;
use structures::set::Encoding;
use structures::{Hash, Limits, Value};

use crate::support::{REDIS, VALKEY, VALKEY_9, bytes, hash, list, options, payload, read, set, sorted_set};

/// The first byte of a compressed string.
const LZF_STRING: u8 = 0xc3;

const SAVED: &[u8] = include_bytes!("../data/redis-7.0.15.rdb");

fn default_list<E: AsRef<[u8]>>(elements: impl IntoIterator<Item = E>) -> Value {
    list(elements, &Limits::default())
}

fn default_hash<F: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (F, V)>) -> Value {
    hash(pairs, &Limits::default())
}

fn default_set<M: AsRef<[u8]>>(members: impl IntoIterator<Item = M>) -> Value {
    set(members, &Limits::default())
}

fn default_sorted_set<M: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (M, f64)>) -> Value {
    sorted_set(pairs, &Limits::default())
}

#[test]
fn a_saved_file() {
    let items = read([SAVED], options()).unwrap();
    let mut db = None;
    let mut aux = BTreeMap::new();
    let mut entries = BTreeMap::new();
    let mut functions = Vec::new();
    for item in &items {
        match item {
            Item::Aux { key, value } => drop(aux.insert(text(key), text(value))),
            Item::SelectDb(number) => db = Some(*number),
            Item::ResizeDb { keys, expires } => {
                assert_eq!((*keys, *expires), if db == Some(0) { (18, 2) } else { (1, 0) });
            }
            Item::Entry { key, value, meta } => {
                assert_eq!(entries.insert((db.unwrap(), text(key)), (value.clone(), *meta)), None);
            }
            Item::Function { code } => functions.push(text(code)),
            Item::End(checksum) => assert_eq!(*checksum, Checksum::Verified),
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(
        aux.keys().map(String::as_str).collect::<Vec<_>>(),
        ["aof-base", "ctime", "redis-bits", "redis-ver", "used-mem"]
    );
    assert_eq!((&*aux["redis-ver"], &*aux["redis-bits"], &*aux["aof-base"]), ("7.0.15", "64", "0"));
    assert_eq!(functions.len(), 1);
    assert!(functions[0].starts_with("#!lua name=lib\n"));

    let plain = EntryMeta::default();
    let expiring = |expire_ms| EntryMeta { expire_ms: Some(expire_ms), ..plain };
    let elements: Vec<String> = (0..1000).map(|i| format!("element-{i}")).collect();
    let expected: Vec<(u64, String, Value, EntryMeta)> = [
        (0, "int8", Value::Int(-5), plain),
        (0, "int16", Value::Int(300), plain),
        (0, "int32", Value::Int(-70_000), plain),
        (0, "int64", Value::Int(i64::MAX), plain),
        (0, "text", bytes("hello"), plain),
        (0, "zeros", bytes("007"), plain),
        (0, "empty", bytes(""), plain),
        (0, "run", bytes("a".repeat(100)), plain),
        (0, "json", bytes("{\"id\":1,\"name\":\"x\"},".repeat(40)), plain),
        (0, "300000", bytes("key is a number"), plain),
        (0, &"k".repeat(60), bytes("long key"), plain),
        (0, "expiring", bytes("soon"), expiring(4_102_444_800_123)),
        (0, "list:small", default_list(["a", "b", "1", "-200000", ""]), plain),
        (0, "list:nodes", default_list(&elements), plain),
        (
            0,
            "list:plain",
            default_list(["before", &"p".repeat(300), "middle", &"q".repeat(201), "after"]),
            plain,
        ),
        (0, "hash:small", default_hash([("f1", "v1"), ("f2", "2"), ("f3", "")]), expiring(4_102_444_800_000)),
        (0, "hash:wide", default_hash((0..600).map(|i| (format!("field{i}"), format!("value{i}")))), plain),
        (0, "hash:long", default_hash([("f", "y".repeat(65)), ("n", "17".into())]), plain),
        (5, "in", bytes("five"), plain),
    ]
    .into_iter()
    .map(|(db, key, value, meta)| (db, key.to_owned(), value, meta))
    .collect();
    for (db, key, value, meta) in &expected {
        assert_eq!(entries.get(&(*db, key.clone())), Some(&(value.clone(), *meta)), "{key}");
    }
    assert_eq!(entries.len(), expected.len());

    let nodes = |key: &str| match &entries[&(0, key.to_owned())].0 {
        Value::List(list) => list.nodes().map(|node| matches!(node, NodeRef::Plain(_))).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(nodes("list:plain"), [false, true, false, true, false]);
    assert_eq!(nodes("list:nodes"), [false, false]);
    let encoding = |key: &str| match &entries[&(0, key.to_owned())].0 {
        Value::Hash(hash) => hash.encoding(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        ["hash:small", "hash:wide", "hash:long"].map(encoding),
        ["listpack", "hashtable", "hashtable"]
    );
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The sets that two servers saved, in all encodings that each has.
#[test]
fn saved_sets() {
    let with_listpacks = Limits::default();
    let without = Limits { set_max_listpack_entries: 0, ..with_listpacks };
    let check = |file: &'static [u8], limits: Limits, words: Encoding| {
        let mut found = BTreeMap::new();
        for item in read([file], ReaderOptions { limits, ..options() }).unwrap() {
            if let Item::Entry { key, value, .. } = item {
                found.insert(text(&key), value);
            }
        }
        let long = "y".repeat(65);
        let expected = [
            ("integers", Encoding::Table, default_set((1..=600).map(|number| number.to_string()))),
            ("long", Encoding::Table, default_set(["f", &long, "17"])),
            ("small", Encoding::IntSet, default_set(["1", "2", "3", "-4"])),
            ("table", Encoding::Table, default_set((1..=200).map(|at| format!("member{at}")))),
            ("wide", Encoding::IntSet, default_set(["1", "70000"])),
            ("widest", Encoding::IntSet, default_set(["1", "9223372036854775807"])),
            ("words", words, default_set(["a", "b", "1", "-70000", ""])),
        ];
        assert_eq!(found.len(), expected.len());
        for (key, encoding, value) in expected {
            assert_eq!(found[key], value, "{key}");
            let Value::Set(set) = &found[key] else { panic!("{key}") };
            assert_eq!(set.encoding(), encoding, "{key}");
        }
    };
    check(include_bytes!("../data/redis-7.0.15-sets.rdb"), without, Encoding::Table);
    check(include_bytes!("../data/redis-7.0.15-sets.rdb"), with_listpacks, Encoding::Listpack);
    check(include_bytes!("../data/valkey-8.1.8-sets.rdb"), with_listpacks, Encoding::Listpack);
    check(include_bytes!("../data/valkey-8.1.8-sets.rdb"), without, Encoding::Table);
}

/// The sorted sets that three servers saved: the oldest has ziplists where the others have listpacks.
/// A field, its value and its expiry.
type Field<'a> = (&'a str, &'a str, Option<u64>);

#[test]
fn saved_hashes_with_fields_that_expire() {
    let file = &include_bytes!("../data/valkey-9.1.2-hashes.rdb")[..];
    let max_version = VALKEY_9.rdb_version();
    let mut found = BTreeMap::new();
    for item in read([file], ReaderOptions { max_version, ..options() }).unwrap() {
        match item {
            Item::Entry { key, value, .. } => _ = found.insert(text(&key), value),
            Item::End(checksum) => assert_eq!(checksum, Checksum::Verified),
            _ => {}
        }
    }
    let long = "x".repeat(300);
    let expected: [(&str, &[Field]); 4] = [
        ("all", &[("x", "1", Some(4_102_444_800_000)), ("y", "", Some(4_102_444_800_000))]),
        ("persisted", &[("a", "1", None)]),
        ("plain", &[("a", "1", None), ("b", "2", None)]),
        (
            "some",
            &[
                ("a", "one", Some(4_102_444_800_123)),
                ("b", "two", None),
                ("7", "-8", Some(i64::MAX as u64)),
                ("long", &long, None),
            ],
        ),
    ];
    assert_eq!(found.len(), expected.len());
    for (key, fields) in expected {
        let mut hash = Hash::new();
        for (field, value, at_ms) in fields {
            let ttl = at_ms.map_or(FieldTtl::Clear, FieldTtl::At);
            hash.set_with_ttl(field.as_bytes(), value.as_bytes(), ttl, 0, &Limits::default());
        }
        assert_eq!(found[key], Value::Hash(Box::new(hash)), "{key}");
    }
}

#[test]
fn saved_sorted_sets() {
    let files: [&[u8]; 3] = [
        include_bytes!("../data/redis-6.2.5-zsets.rdb"),
        include_bytes!("../data/redis-7.0.15-zsets.rdb"),
        include_bytes!("../data/valkey-8.1.8-zsets.rdb"),
    ];
    for file in files {
        let mut found = BTreeMap::new();
        for item in read([file], options()).unwrap() {
            if let Item::Entry { key, value, .. } = item {
                found.insert(text(&key), value);
            }
        }
        let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
        let small =
            [("a", 1.0), ("b", 2.5), ("c", -3.0), ("d", high), ("", low), ("1", 0.1), ("-70000", 1.0)];
        let long = "y".repeat(65);
        let expected = [
            (
                "integers",
                "listpack",
                default_sorted_set((0..100).map(|at| (at.to_string(), f64::from(at) * 1000.0))),
            ),
            (
                "large",
                "skiplist",
                default_sorted_set((0..200).map(|at| (format!("member{at}"), f64::from(at) / 4.0))),
            ),
            ("long", "skiplist", default_sorted_set([("f", 1.0), (&*long, -0.0), ("17", 1e300)])),
            ("small", "listpack", default_sorted_set(small)),
            ("ties", "listpack", default_sorted_set(["b", "a", "10", "9", ""].map(|member| (member, 0.0)))),
        ];
        assert_eq!(found.len(), expected.len());
        for (key, encoding, value) in expected {
            assert_eq!(found[key], value, "{key}");
            let Value::SortedSet(set) = &found[key] else { panic!("{key}") };
            assert_eq!(set.encoding(), encoding, "{key}");
        }
    }
}

#[test]
fn access_times_and_counters() {
    let metas = |file: &'static [u8]| {
        let items = read([file], options()).unwrap();
        items
            .into_iter()
            .filter_map(|item| match item {
                Item::Entry { meta, .. } => Some(meta),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let lfu = EntryMeta { freq: Some(5), ..EntryMeta::default() };
    assert_eq!(metas(include_bytes!("../data/lfu-uncompressed.rdb")), [lfu]);
    let lru = EntryMeta { idle_s: Some(639), ..EntryMeta::default() };
    assert_eq!(metas(include_bytes!("../data/lru.rdb")), [lru]);
}

/// What `DUMP` of redis-server 7.0.15 answers, and what we make of the same value.
#[test]
fn dumped_payloads() {
    let limits = Limits::default();
    let check_with = |limits: &Limits, value: Value, payload: &[u8]| {
        assert_eq!(restore(payload, limits, 10).as_ref(), Ok(&value), "{value:?}");
        let ours = dump(value.view(), &SaveOptions::new(REDIS));
        assert_eq!(restore(&ours, limits, 10).as_ref(), Ok(&value), "{value:?}");
        // Which repeats a compressor finds is its own matter, so only uncompressed payloads are equal.
        if !payload.contains(&LZF_STRING) {
            assert_eq!(ours, payload, "{value:?}");
        }
    };
    let check = |value: Value, payload: &[u8]| check_with(&limits, value, payload);
    include!("../data/dumped.rs");
}

#[test]
fn payloads_with_a_wrong_footer() {
    let good = dump(bytes("hello").view(), &SaveOptions::new(VALKEY));
    let limits = Limits::default();
    assert_eq!(restore(&good, &limits, 11), Ok(bytes("hello")));
    assert_eq!(restore(&good, &limits, 10), Err(BadPayload::VersionOrChecksum), "too new");
    for len in 0..good.len() {
        assert_eq!(restore(&good[..len], &limits, 11), Err(BadPayload::VersionOrChecksum));
    }
    for at in 0..good.len() {
        let mut wrong = good.clone();
        wrong[at] ^= 1;
        assert_eq!(restore(&wrong, &limits, 11), Err(BadPayload::VersionOrChecksum), "byte {at}");
    }
}

#[test]
fn payloads_with_a_wrong_value() {
    let kind = |content: &[u8]| match restore(&payload(content, 10), &Limits::default(), 10) {
        Err(BadPayload::Format(kind)) => kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(b"\x00\x14hell"), ErrorKind::Truncated);
    assert_eq!(kind(b"\x07\x01\x01a\x011"), ErrorKind::UnsupportedType { id: 7, name: "module" });
    assert_eq!(kind(b"\xff"), ErrorKind::UnknownType(255));
    assert_eq!(kind(b"\x01\x00"), ErrorKind::Corrupt("an empty collection"));
    assert_eq!(
        kind(b"\x04\x02\x01a\x01b\x01a\x01c"),
        ErrorKind::Corrupt("a hash with a field that comes twice")
    );
    let twice = ErrorKind::Corrupt("a set with a member that comes twice");
    assert_eq!(kind(b"\x02\x02\x01a\x01a"), twice, "strings");
    assert_eq!(kind(b"\x02\x02\xc0\x05\x015"), twice, "an integer in two forms");
    assert_eq!(kind(b"\x14\x0b\x0b\0\0\0\x02\0\x05\x01\x05\x01\xff"), twice, "a listpack");
    let not_ascending = b"\x0b\x0c\x02\0\0\0\x02\0\0\0\x05\0\x05\0";
    assert_eq!(kind(not_ascending), ErrorKind::Corrupt("a set that is not a valid intset"));
    let twice = ErrorKind::Corrupt("a sorted set with a member that comes twice");
    assert_eq!(kind(b"\x03\x02\x01a\x011\x01a\x012"), twice, "scores as text");
    assert_eq!(kind(b"\x05\x02\x01a\0\0\0\0\0\0\0\0\x01a\0\0\0\0\0\0\0\x40"), twice, "scores as bytes");
    assert_eq!(kind(b"\x11\x0f\x0f\0\0\0\x04\0\x05\x01\x01\x01\x05\x01\x02\x01\xff"), twice, "a listpack");
    let no_score = ErrorKind::Corrupt("a sorted set with a score that is no number");
    assert_eq!(kind(b"\x03\x01\x01a\xfd"), no_score, "NaN");
    assert_eq!(kind(b"\x03\x01\x01a\x01x"), no_score, "text");
    assert_eq!(kind(b"\x05\x01\x01a\0\0\0\0\0\0\xf8\x7f"), no_score, "NaN in eight bytes");
    assert_eq!(kind(b"\x11\x0c\x0c\0\0\0\x02\0\x05\x01\x81x\x02\xff"), no_score, "a listpack");
    let odd = ErrorKind::Corrupt("a sorted set with a member without a score");
    assert_eq!(kind(b"\x11\x09\x09\0\0\0\x01\0\x05\x01\xff"), odd);
}

#[test]
fn a_type_that_is_not_loaded_is_an_error_that_names_it() {
    let error = read([&b"REDIS0010\x07\x01k\x01\x01a\x011\xff"[..]], options()).unwrap_err();
    assert_eq!(error.to_string(), "cannot load key 'k': type 7 (module) is not supported yet (at offset 12)");
}

#[test]
fn versions() {
    let error = |file: &[u8], max_version| {
        read([file], ReaderOptions { max_version, ..options() }).map_err(|error| error.kind)
    };
    assert_eq!(error(b"REDIS0011\xff\0\0\0\0\0\0\0\0", 10), Err(ErrorKind::Version(11)));
    assert_eq!(error(b"REDIS0012\xff\0\0\0\0\0\0\0\0", 11), Err(ErrorKind::Version(12)));
    assert_eq!(error(b"REDIS0012\xff\0\0\0\0\0\0\0\0", 80), Err(ErrorKind::Version(12)));
    assert_eq!(error(b"REDIS0080\xff\0\0\0\0\0\0\0\0", 80), Err(ErrorKind::Version(80)));
    assert_eq!(error(b"VALKEY011\xff\0\0\0\0\0\0\0\0", 80), Err(ErrorKind::Version(11)));
    assert_eq!(error(b"VALKEY081\xff\0\0\0\0\0\0\0\0", 80), Err(ErrorKind::Version(81)));
    assert_eq!(error(b"VALKEY080\xff\0\0\0\0\0\0\0\0", 11), Err(ErrorKind::Signature));
    assert!(error(b"VALKEY080\xff\0\0\0\0\0\0\0\0", 80).is_ok());
    assert!(error(b"REDIS0011\xff\0\0\0\0\0\0\0\0", 80).is_ok());
    assert_eq!(error(b"REDIS0000\xff\0\0\0\0\0\0\0\0", 11), Err(ErrorKind::Version(0)));
    assert_eq!(error(b"VALKEY080\xff\0\0\0\0\0\0\0\0", 11), Err(ErrorKind::Signature));
    assert_eq!(error(b"REDIS0011\xff\0\0\0\0\0\0\0\0", 11), Ok(vec![Item::End(Checksum::Absent)]));
    assert_eq!(error(b"REDIS0004\xff", 11), Ok(vec![Item::End(Checksum::Absent)]));
    assert!(matches!(
        error(b"REDIS0010\xff\x01\0\0\0\0\0\0\0", 11),
        Err(ErrorKind::Checksum { found: 1, .. })
    ));
    let unchecked = ReaderOptions { checksum: false, ..options() };
    assert_eq!(
        read([&b"REDIS0010\xff\x01\0\0\0\0\0\0\0"[..]], unchecked),
        Ok(vec![Item::End(Checksum::Ignored)])
    );
    assert_eq!(error(b"REDIS0010\xff\x01", 11), Err(ErrorKind::Truncated));
}

/// What no current server writes: seconds, slots, data of modules, empty collections.
#[test]
fn rare_opcodes() {
    let mut file = b"REDIS0011".to_vec();
    // Module type "hellotype" (40 bits and more of its number are those of its name), version 3 of its data.
    let characters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let id = b"hellotype".iter().fold(0u64, |id, byte| {
        id << 6 | characters.iter().position(|character| character == byte).unwrap() as u64
    }) << 10
        | 3;
    file.extend(b"\xf7\x81");
    file.extend(id.to_be_bytes());
    file.extend(b"\x02\x02\x01\x05\x02\x2a\x03\0\0\0\0\x04\0\0\0\0\0\0\0\0\x05\x03abc\x00");
    file.extend(b"\xfe\x02\xfb\x01\x00\xf4\x07\x01\x00");
    file.extend(b"\xfd\x80\x51\x01\x00\x00\x01a\xc0\x01");
    file.extend(b"\x01\x01e\x00");
    file.extend(b"\xff\0\0\0\0\0\0\0\0");
    assert_eq!(
        read([&file[..]], options()).unwrap(),
        [
            Item::ModuleAux { module: "hellotype".into() },
            Item::SelectDb(2),
            Item::ResizeDb { keys: 1, expires: 0 },
            Item::SlotInfo { slot: 7, keys: 1, expires: 0 },
            Item::Entry {
                key: b"a".to_vec(),
                value: Value::Int(1),
                meta: EntryMeta { expire_ms: Some(86_400_000), ..EntryMeta::default() },
            },
            Item::EmptyEntry { key: b"e".to_vec() },
            Item::End(Checksum::Absent),
        ]
    );
}
