//! A key while a command changes it.
//!
//! [`Keys::edit`](crate::Keys::edit) makes one after handing the pre-image to a running snapshot. It borrows only the
//! entry and the slot's accounts, so that the effects can be described meanwhile.

use crate::keys::Expiries;
use structures::ValueRef;
use table::{Entry, EntryMut, Occupied, ValueMut};

/// A key that is being changed.
#[derive(Debug)]
pub struct Edit<'e> {
    pub(crate) occupied: Occupied<'e>,
    /// When keys of the slot expire.
    pub(crate) expiries: &'e Expiries,
}

impl Edit<'_> {
    /// The entry as it is now.
    #[inline]
    pub fn entry(&self) -> Entry<'_> {
        self.occupied.entry()
    }

    /// Its value.
    #[inline]
    pub fn value(&self) -> ValueRef<'_> {
        self.occupied.entry().value()
    }

    /// Its value, to be changed in place.
    #[inline]
    pub fn value_mut(&mut self) -> ValueMut<'_> {
        self.occupied.entry_mut().into_value_mut()
    }

    /// The entry, to be changed in place.
    pub fn entry_mut(&mut self) -> EntryMut<'_> {
        self.occupied.entry_mut()
    }

    /// Replaces a string by another.
    pub fn set_bytes(&mut self, bytes: &[u8]) {
        let at = self.occupied.entry().expire_at();
        self.occupied.set_bytes(bytes, at);
    }

    /// Replaces a string by an integer.
    pub fn set_int(&mut self, int: i64) {
        let at = self.occupied.entry().expire_at();
        self.occupied.set_int(int, at);
    }

    /// The bytes of a string, to be grown or overwritten: from then on its encoding is `raw`.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        self.occupied.bytes_mut()
    }
}
