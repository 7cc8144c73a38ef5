//! A value of each form comes out of an entry as it went in, and is of its type meanwhile.

#[path = "../../../structures/tests/it/forms.rs"]
mod forms;

use forms::Form;
use table::{EntryBox, Kind, ValueMut};

fn kind(value: &ValueMut<'_>) -> Kind {
    match value {
        ValueMut::String => Kind::String,
        ValueMut::List(_) => Kind::List,
        ValueMut::Hash(_) => Kind::Hash,
        ValueMut::Set(_) => Kind::Set,
        ValueMut::SortedSet(_) => Kind::SortedSet,
        ValueMut::Stream(_) => Kind::Stream,
    }
}

#[test]
fn each_form_lies_in_an_entry() {
    for (form, value) in forms::each() {
        for expiry in [None, Some(1)] {
            let mut entry = EntryBox::new(b"key", value.clone(), expiry);
            assert_eq!(Form::of(entry.as_ref().value()), form);
            assert_eq!(entry.as_ref().expire_at(), expiry);
            let is = entry.as_ref().kind();
            assert_eq!(kind(&entry.as_mut().value_mut()), is, "{form:?}");
            assert_eq!(entry.into_value(), value);
        }
    }
}
