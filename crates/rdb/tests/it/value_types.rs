//! A value of each form is read back as it was, whole and from pieces.

#[path = "../../../structures/tests/it/forms.rs"]
mod forms;

use crate::round_trip::in_pieces;
use crate::support::{VALKEY_9, read};
use forms::Form;
use profile::Profile;
use rdb::{
    BadPayload, EntryMeta, ErrorKind, FIRST_OF_VALKEY, Item, PieceOptions, ReaderOptions, SaveOptions,
    Writer, dump, restore, restore_unverified,
};
use structures::{Hash, Limits, Value};

/// The first RDB version that has a form.
fn since(form: Form) -> u16 {
    if form == Form::HashOfVolatileFields { FIRST_OF_VALKEY } else { 1 }
}

#[test]
fn each_form_is_restored_from_its_dump() {
    for (form, value) in forms::each() {
        for &profile in Profile::ALL.iter().filter(|profile| profile.rdb_version() >= since(form)) {
            let payload = dump(value.view(), &SaveOptions::new(profile));
            let restored = restore(&payload, &Limits::default(), profile.rdb_version());
            let restored = restored.unwrap_or_else(|error| panic!("{form:?}: {error:?}"));
            assert_eq!(restored, value);
            assert_eq!(Form::of(restored.view()), form);
        }
    }
}

#[test]
fn each_form_is_read_from_its_pieces() {
    let save = SaveOptions::new(VALKEY_9);
    let options =
        || ReaderOptions { limits: Limits::default(), max_version: VALKEY_9.rdb_version(), checksum: true };
    let cut = PieceOptions { whole_bytes: 40, text_bytes: 0 };
    for (form, value) in forms::each() {
        for piece_bytes in [1, 1_000] {
            let (pieces, _) = in_pieces(b"key", &value, EntryMeta::default(), &save, cut, piece_bytes);
            let mut writer = Writer::new(save);
            writer.select_db(0, 1, 0);
            writer.raw(&pieces.concat());
            writer.finish();
            let items = read(std::iter::once(&writer.take(Vec::new())[..]), options()).expect("a file");
            let Item::Entry { value: read, .. } = &items[2] else { panic!("{form:?}: {:?}", items[2]) };
            assert_eq!(*read, value);
            assert_eq!(Form::of(read.view()), form);
        }
    }
}

/// The bytes of a hash with fields that expire are Valkey's. To Redis their type meant something else for a while, so a file or a
/// payload of another version must not have it.
#[test]
fn fields_that_expire_are_of_valkeys_versions_alone() {
    let value = volatile_hash();
    let payload = dump(value.view(), &SaveOptions::new(VALKEY_9));
    // As valkey-server 9.1.2 wrote HSET h f 5 g 6 with an expiry of f.
    let expected =
        b"\x16\x02\x01f\xc0\x05\xb6\xddD(\xa2\x01\x00\x00\x01g\xc0\x06\xff\xff\xff\xff\xff\xff\xff\xffP\x00";
    let swapped =
        b"\x16\x02\x01g\xc0\x06\xff\xff\xff\xff\xff\xff\xff\xff\x01f\xc0\x05\xb6\xddD(\xa2\x01\x00\x00P\x00";
    // The order of a table is its hash function's, which differs from process to process.
    assert!([&expected[..], swapped].contains(&&payload[..payload.len() - 8]), "{payload:02x?}");
    let restored = restore(&payload, &Limits::default(), VALKEY_9.rdb_version());
    assert_eq!(restored.as_ref(), Ok(&value));
    let version = payload.len() - 10;
    for version_number in [10u16, 11] {
        let mut other = payload.clone();
        other[version..version + 2].copy_from_slice(&version_number.to_le_bytes());
        let refused = restore_unverified(&other, &Limits::default(), VALKEY_9.rdb_version());
        assert_eq!(refused, Err(BadPayload::Format(ErrorKind::UnknownType(22))));
    }

    let entry = [&b"\xfe\x00\x16\x01h"[..], &payload[1..version], b"\xff\0\0\0\0\0\0\0\0"].concat();
    let options =
        ReaderOptions { limits: Limits::default(), max_version: VALKEY_9.rdb_version(), checksum: true };
    let file = |head: &[u8]| read(std::iter::once(&[head, &entry[..]].concat()[..]), options);
    let items = file(b"VALKEY080").expect("a file of Valkey's");
    assert!(matches!(&items[1], Item::Entry { value: read, .. } if *read == value), "{items:?}");
    let error = file(b"REDIS0011").expect_err("a file of Redis's");
    assert_eq!((error.kind, error.offset), (ErrorKind::UnknownType(22), 12));
}

fn volatile_hash() -> Value {
    let mut hash = Hash::new();
    hash.set(b"f", b"5", &Limits::default());
    hash.set(b"g", b"6", &Limits::default());
    hash.set_expiry(b"f", Some(0x1a2_2844_ddb6));
    Value::Hash(Box::new(hash))
}

/// An expiry before 1970 has passed, and is kept as one that has; -1 alone means none.
#[test]
fn expiries_before_1970_have_passed() {
    let mut body = vec![22, 2];
    for (field, at_ms) in [(b'a', -2i64), (b'b', -1)] {
        body.extend([1, field, 1, b'v']);
        body.extend(at_ms.to_le_bytes());
    }
    body.extend(80u16.to_le_bytes());
    body.extend([0; 8]);
    let value = restore_unverified(&body, &Limits::default(), VALKEY_9.rdb_version()).expect("a value");
    let Value::Hash(hash) = value else { panic!("a hash") };
    let mut fields: Vec<_> =
        hash.iter_with_expiry().map(|(field, _, at_ms)| (field.to_vec(), at_ms)).collect();
    fields.sort();
    assert_eq!(fields, [(b"a".to_vec(), Some(1)), (b"b".to_vec(), None)]);
}
