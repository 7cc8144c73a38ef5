//! A value of each form is read back as it was, whole and from pieces.

#[path = "../../../structures/tests/it/forms.rs"]
mod forms;

use crate::round_trip::in_pieces;
use crate::support::{REDIS, VALKEY, options, read};
use forms::Form;
use rdb::{EntryMeta, Item, PieceOptions, SaveOptions, Writer, dump, restore};
use structures::Limits;

#[test]
fn each_form_is_restored_from_its_dump() {
    for (form, value) in forms::each() {
        for profile in [REDIS, VALKEY] {
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
    let save = SaveOptions::new(REDIS);
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
