//! Strings that count as modified in place: their encoding is `raw`, whatever they spell and however short they are.

use super::{Keys, Ttl};
use structures::Value;
use table::{EntryBox, Occupied};

impl Keys<'_, '_> {
    /// Adds a key that is not there with such a string.
    pub fn insert_raw_string(&mut self, key: &[u8], string: Vec<u8>) {
        let place = self.locate(key);
        self.expire_for_write(key, place);
        let mut entry = EntryBox::new(key, Value::Bytes(string), None);
        entry.set_raw();
        self.insert_entry(place, entry);
    }

    /// Replaces the value of a key by such a string, or adds it.
    pub fn put_raw_string(&mut self, key: &[u8], string: Vec<u8>, ttl: Ttl) {
        let place = self.locate(key);
        let write = |occupied: &mut Occupied<'_>, at: Option<u64>, string: Vec<u8>| {
            let old = occupied.set_value(Value::Bytes(string), at);
            occupied.set_raw();
            old
        };
        if let Some(string) = self.overwrite(key, place, ttl, string, write) {
            let mut entry = EntryBox::new(key, Value::Bytes(string), ttl.after(None));
            entry.set_raw();
            self.insert_entry(place, entry);
        }
    }
}
