//! What is written is read back, however the bytes are cut.

use profile::Profile;
use proptest::collection::vec;
use proptest::prelude::*;
use rdb::{
    AuxFields, Checksum, EntryMeta, Item, PieceOptions, Pieces, ReaderOptions, ReplicationAux, SaveOptions,
    Sink, Writer, dump, restore, write_entry, write_text,
};
use structures::{Limits, Value};

use crate::support::{REDIS, VALKEY, bytes, hash, list, options, read, set, sorted_set, stream};

/// Limits under which a few short elements make nodes, plain nodes and tables.
const TIGHT: Limits = Limits {
    list_max_listpack_size: 3,
    list_compress_depth: 0,
    list_packed_threshold: 12,
    hash_max_listpack_entries: 3,
    hash_max_listpack_value: 12,
    set_max_intset_entries: 4,
    set_max_listpack_entries: 3,
    set_max_listpack_value: 12,
    zset_max_listpack_entries: 3,
    zset_max_listpack_value: 12,
    stream_node_max_entries: 4,
    ..Limits::DEFAULT
};

fn string() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        any::<i64>().prop_map(|value| value.to_string().into_bytes()),
        (-300i64..70_000).prop_map(|value| value.to_string().into_bytes()),
        (any::<u8>(), 0usize..400).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        vec(any::<u8>(), 0..300).prop_map(|noise| bytes([b"=", &noise[..]].concat())),
        (vec(string(), 1..20), any::<bool>())
            .prop_map(|(elements, tight)| list(elements, &if tight { TIGHT } else { Limits::default() })),
        (vec((string(), string()), 1..20), any::<bool>())
            .prop_map(|(pairs, tight)| hash(pairs, &if tight { TIGHT } else { Limits::default() })),
        (vec(string(), 1..20), any::<bool>())
            .prop_map(|(members, tight)| set(members, &if tight { TIGHT } else { Limits::default() })),
        (vec(-300i64..70_000, 1..20), any::<bool>()).prop_map(|(members, tight)| {
            let members = members.iter().map(i64::to_string);
            set(members, &if tight { TIGHT } else { Limits::default() })
        }),
        (vec((string(), score()), 1..20), any::<bool>())
            .prop_map(|(pairs, tight)| sorted_set(pairs, &if tight { TIGHT } else { Limits::default() })),
        (0u64..40, any::<u64>(), any::<bool>()).prop_map(|(entries, variety, tight)| {
            stream(entries, variety, &if tight { TIGHT } else { Limits::default() })
        }),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-9i32..9).prop_map(f64::from),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        any::<f64>().prop_filter("a number", |score| !score.is_nan()),
    ]
}

fn meta() -> impl Strategy<Value = EntryMeta> {
    (any::<Option<i64>>(), any::<Option<u64>>(), any::<Option<u8>>())
        .prop_map(|(expire_ms, idle_s, freq)| EntryMeta { expire_ms, idle_s, freq })
}

fn save_options() -> impl Strategy<Value = SaveOptions> {
    let profile = prop::sample::select(Profile::ALL);
    (profile, any::<bool>(), any::<bool>()).prop_map(|(profile, compress, checksum)| SaveOptions {
        compress,
        checksum,
        ..SaveOptions::new(profile)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn values_through_dump(value in value(), options in save_options(), tight in any::<bool>()) {
        let limits = if tight { TIGHT } else { Limits::default() };
        let payload = dump(value.view(), &options);
        prop_assert_eq!(restore(&payload, &limits, options.profile.rdb_version()), Ok(value));
    }

    #[test]
    fn files_in_any_pieces(
        entries in vec((string(), value(), meta()), 0..8),
        save in save_options(),
        piece in 1usize..500,
        take_every in 1usize..4,
    ) {
        let mut writer = Writer::new(save);
        let mut file = Vec::new();
        writer.select_db(3, entries.len() as u64, 0);
        for (i, (key, value, meta)) in entries.iter().enumerate() {
            if i % 2 == 0 {
                writer.entry(key, value.view(), *meta);
            } else {
                let mut elsewhere = Vec::new();
                write_entry(&mut elsewhere, key, value.view(), *meta, writer.options());
                writer.put(&elsewhere);
            }
            if i % take_every == 0 {
                file.extend(writer.take(Vec::new()));
            }
        }
        writer.finish();
        file.extend(writer.take(Vec::new()));

        let mut expected = vec![
            Item::SelectDb(3),
            Item::ResizeDb { keys: entries.len() as u64, expires: 0 },
        ];
        expected.extend(entries.into_iter().map(|(key, value, meta)| Item::Entry { key, value, meta }));
        expected.push(Item::End(if save.checksum { Checksum::Verified } else { Checksum::Absent }));
        let options = ReaderOptions { max_version: save.version, ..options() };
        prop_assert_eq!(read(file.chunks(piece), options).unwrap(), expected);
    }

    #[test]
    fn entries_in_pieces(
        key in string(),
        value in value(),
        meta in meta(),
        save in save_options(),
        piece_bytes in prop_oneof![Just(0), 1..50usize, Just(usize::MAX)],
        whole_bytes in prop_oneof![Just(0), 1..50usize, Just(usize::MAX)],
        text_bytes in 0..500usize,
    ) {
        let cut = PieceOptions { whole_bytes, text_bytes };
        let (pieces, is_text) = in_pieces(&key, &value, meta, &save, cut, piece_bytes);
        let bytes = pieces.concat();
        let mut at_once = Vec::new();
        write_entry(&mut at_once, &key, value.view(), meta, &save);
        // What is cut is in none of the short forms, of which the longest integer takes eleven bytes of text.
        if is_text || whole_bytes == usize::MAX || (!save.compress && whole_bytes > 11) {
            prop_assert_eq!(&bytes, &at_once);
        }
        let mut writer = Writer::new(save);
        writer.select_db(0, 1, 0);
        writer.raw(&bytes);
        writer.finish();
        let options = ReaderOptions { max_version: save.version, ..options() };
        let items = read(std::iter::once(&writer.take(Vec::new())[..]), options).unwrap();
        prop_assert_eq!(&items[2], &Item::Entry { key, value, meta });
    }
}

/// An entry's pieces, the head first, and whether they were text; text is encoded as one piece.
pub(crate) fn in_pieces(
    key: &[u8],
    value: &Value,
    meta: EntryMeta,
    save: &SaveOptions,
    cut: PieceOptions,
    piece_bytes: usize,
) -> (Vec<Vec<u8>>, bool) {
    let mut done = vec![Vec::new()];
    let mut pieces = Pieces::begin(&mut done[0], key, value.view(), meta, save, cut);
    let mut is_whole = false;
    while !is_whole {
        let mut piece = Vec::new();
        is_whole = pieces.next(&mut piece, value.view(), piece_bytes);
        done.push(piece);
    }
    if pieces.is_text() {
        let mut encoded = Vec::new();
        write_text(&mut encoded, &done.split_off(1).concat(), save);
        done.push(encoded);
    }
    (done, pieces.is_text())
}

#[test]
fn a_piece_is_about_as_long_as_asked_for() {
    let pairs = (0..2000).map(|n| (format!("field {n}"), "v".repeat(n % 50)));
    let large = hash(pairs, &Limits::default());
    let elements = list((0..2000).map(|n| format!("element {n}")), &TIGHT);
    let save = SaveOptions { compress: false, ..SaveOptions::new(REDIS) };
    let cut = PieceOptions { whole_bytes: 64, text_bytes: 0 };
    for value in [large, elements, bytes(vec![b'x'; 50_000])] {
        let (pieces, _) = in_pieces(b"key", &value, EntryMeta::default(), &save, cut, 1000);
        assert!(pieces.iter().all(|piece| piece.len() <= 1000 + 64), "{value:?}");
        assert!(pieces.len() > 20);
    }
}

#[test]
fn only_strings_that_are_cut_are_not_compressed() {
    let save = SaveOptions::new(REDIS);
    let value = hash([("short", vec![b'a'; 100]), ("long", vec![b'b'; 1000])], &TIGHT);
    let cut = PieceOptions { whole_bytes: 500, text_bytes: 0 };
    let (pieces, _) = in_pieces(b"key", &value, EntryMeta::default(), &save, cut, 100);
    let bytes = pieces.concat();
    assert!(!bytes.windows(100).any(|window| window == [b'a'; 100]));
    assert!(bytes.windows(1000).any(|window| window == [b'b'; 1000]));
}

/// A file with every kind of item that we write, about 600 bytes long.
fn small_file() -> Vec<u8> {
    let mut writer = Writer::new(SaveOptions::new(VALKEY));
    writer.aux_fields(&AuxFields {
        ctime_s: 1_700_000_000,
        used_mem: 5_000_000_000,
        replication: Some(ReplicationAux {
            stream_db: -1,
            id: "0123456789abcdef0123456789abcdef01234567".into(),
            offset: 1 << 40,
        }),
        aof_base: true,
    });
    writer.function(b"#!lua name=lib\nredis.register_function('f', function() return 1 end)");
    writer.select_db(0, 5, 1);
    let expiring = EntryMeta { expire_ms: Some(1_800_000_000_000), idle_s: Some(70_000), freq: None };
    writer.entry(b"string", bytes("a".repeat(300)).view(), expiring);
    writer.entry(b"int", Value::Int(1 << 40).view(), EntryMeta { freq: Some(7), ..EntryMeta::default() });
    let elements = ["a", "b", "1", "long enough to be plain", "c"];
    writer.entry(b"list", list(elements, &TIGHT).view(), EntryMeta::default());
    writer.entry(b"listpack", hash([("f", "v"), ("g", "2")], &TIGHT).view(), EntryMeta::default());
    let pairs = (0..5).map(|i| (format!("field{i}"), format!("{i}")));
    writer.entry(b"table", hash(pairs, &TIGHT).view(), EntryMeta::default());
    writer.reselect_db(15);
    writer.finish();
    writer.take(Vec::new())
}

#[test]
fn every_cut_gives_the_same_items() {
    let file = small_file();
    let whole = read([&file[..]], options()).unwrap();
    assert_eq!(whole.len(), 8 + 1 + 2 + 5 + 1 + 1);
    for cut in 0..=file.len() {
        let (left, right) = file.split_at(cut);
        assert_eq!(read([left, right], options()).unwrap(), whole, "cut at {cut}");
        if cut < file.len() {
            assert!(read([left], options()).is_err(), "the end is missing at {cut}");
        }
    }
    assert_eq!(read(file.chunks(1), options()).unwrap(), whole);
    let saved = include_bytes!("../data/redis-7.0.15.rdb");
    assert_eq!(read(saved.chunks(1), options()).unwrap(), read([&saved[..]], options()).unwrap());
}

#[test]
fn what_follows_the_end_is_left_alone() {
    let mut stream = small_file();
    let end = stream.len();
    stream.extend(b"*1\r\n$4\r\nPING\r\n");
    let mut reader = rdb::Reader::new(options());
    reader.feed(&stream);
    while let Some(item) = reader.next().unwrap() {
        assert_eq!(matches!(item, Item::End(_)), reader.offset() == end as u64);
    }
    assert_eq!(reader.take_rest(), b"*1\r\n$4\r\nPING\r\n");
    assert_eq!(reader.version(), Some(11));
}

#[test]
fn auxiliary_fields_are_those_of_the_profile() {
    let names = |profile| {
        let mut writer = Writer::new(SaveOptions::new(profile));
        writer.aux_fields(&AuxFields::default());
        writer.finish();
        let file = writer.take(Vec::new());
        let items = read([&file[..]], options()).unwrap();
        items
            .into_iter()
            .filter_map(|item| match item {
                Item::Aux { key, value } => Some(format!("{}={}", key.escape_ascii(), value.escape_ascii())),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let rest = ["redis-bits=64", "ctime=0", "used-mem=0", "aof-base=0"];
    assert_eq!(names(REDIS), [&["redis-ver=7.0.15"][..], &rest].concat());
    assert_eq!(names(VALKEY), [&["valkey-ver=8.0.1"][..], &rest].concat());
}
