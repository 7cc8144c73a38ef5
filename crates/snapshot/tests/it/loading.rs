//! What the loader makes of data that is not as it wishes.

use crate::support::*;
use keyspace::Keyspace;
use rdb::{AuxFields, EntryMeta, Writer};
use snapshot::{Duplicates, LoadError, LoadOptions, LoadReport, Loader};
use std::sync::Arc;
use structures::ValueRef;

fn file(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new(save_options());
    writer.aux_fields(&AuxFields::default());
    write(&mut writer);
    writer.finish();
    writer.take(Vec::new())
}

fn expiring(expire_ms: i64) -> EntryMeta {
    EntryMeta { expire_ms: Some(expire_ms), ..EntryMeta::default() }
}

type Loaded = Result<(LoadReport, Vec<u8>), LoadError>;

/// Loads a file that arrives in pieces of this size.
fn try_load(bytes: &[u8], piece: usize, options: LoadOptions) -> (Arc<Keyspace>, Loaded) {
    let (keyspace, _) = keyspace();
    let mut loader = Loader::new(WORKER, options);
    let fed = bytes.chunks(piece).try_for_each(|piece| loader.feed(&keyspace, piece).map(drop));
    let result = fed.and_then(|()| loader.finish(&keyspace));
    (keyspace, result)
}

#[test]
fn any_split_of_the_bytes_loads_the_same() {
    let bytes = file(|writer| {
        writer.select_db(0, 300, 1);
        for i in 0..300 {
            writer.entry(format!("k{i}").as_bytes(), ValueRef::Bytes(&[b'v'; 50]), EntryMeta::default());
        }
        writer.select_db(3, 1, 1);
        writer.entry(b"e", ValueRef::Int(5), expiring(NOW_MS as i64 + 7));
    });
    let (model, _) = loaded(&bytes);
    assert_eq!(model.len(), 301);
    for piece in [1, 7, 4096] {
        let followed = [&bytes, &b"*1\r\n$4\r\nPING\r\n"[..]].concat();
        let (keyspace, result) = try_load(&followed, piece, load_options());
        let (report, rest) = result.unwrap();
        assert_eq!((report.keys, &rest[..]), (301, &b"*1\r\n$4\r\nPING\r\n"[..]));
        assert_eq!(in_world(&keyspace, WORKER, 0, contents), model);
        assert_eq!((keyspace.len(0), keyspace.len(3), keyspace.volatile_len(3)), (300, 1, 1));
    }
}

#[test]
fn a_primary_leaves_expired_keys_out_and_a_replica_does_not() {
    let bytes = file(|writer| {
        writer.select_db(0, 3, 3);
        writer.entry(b"past", ValueRef::Int(1), expiring(NOW_MS as i64 - 1));
        writer.entry(b"now", ValueRef::Int(1), expiring(NOW_MS as i64));
        writer.entry(b"negative", ValueRef::Int(1), expiring(-5));
    });
    for (drop_expired, keys, expired) in [(true, 1, 2), (false, 3, 0)] {
        let (_, result) = try_load(&bytes, 100, LoadOptions { drop_expired, ..load_options() });
        let (report, _) = result.unwrap();
        assert_eq!((report.keys, report.expired), (keys, expired));
    }
}

#[test]
fn a_key_that_comes_twice_is_an_error_or_replaced() {
    let bytes = file(|writer| {
        writer.select_db(2, 2, 0);
        writer.entry(b"a key", ValueRef::Int(1), EntryMeta::default());
        writer.entry(b"a key", ValueRef::Int(2), EntryMeta::default());
    });
    let (_, result) = try_load(&bytes, 1000, load_options());
    assert_eq!(result.unwrap_err().to_string(), "RDB has duplicated key 'a key' in DB 2");
    let options = LoadOptions { duplicates: Duplicates::Replace, ..load_options() };
    let (keyspace, result) = try_load(&bytes, 1000, options);
    result.unwrap();
    let model = in_world(&keyspace, WORKER, 0, contents);
    assert_eq!(model, Model::from([((2, b"a key".to_vec()), (structures::Value::Int(2), None))]));
}

#[test]
fn what_cannot_be_loaded_is_said() {
    let short = {
        let mut bytes = file(|writer| writer.select_db(0, 1, 0));
        bytes.truncate(bytes.len() - 9);
        bytes
    };
    let broken = {
        let mut bytes = file(|_| {});
        *bytes.last_mut().unwrap() ^= 1;
        bytes
    };
    // A module's number, its moment, and the end of its data.
    let module_aux = file(|writer| writer.raw(&[247, 0x81, 1, 2, 3, 4, 5, 6, 7, 8, 2, 0, 0]));
    for (bytes, text) in [
        (file(|writer| writer.select_db(4, 1, 0)), "configured to handle more than 4 databases"),
        (file(|writer| writer.reselect_db(70_000)), "configured to handle more than 4 databases"),
        (file(|writer| writer.function(b"#!lua name=x")), "functions are not supported yet"),
        (module_aux, "no matching module"),
        (file(|writer| writer.raw(&[7, 1, b'm', 0])), "type 7 (module) is not supported yet"),
        (b"REDIS0099".to_vec(), "Can't handle RDB format version 99"),
        (b"EREDIS001".to_vec(), "Wrong signature"),
        (short, "unexpected end of the data"),
        (broken, "Wrong RDB checksum"),
    ] {
        let (_, result) = try_load(&bytes, 1000, load_options());
        let error = result.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}
