//! Several keys at the same time: for commands that compute one value from many.
//!
//! A look-up may delete the key that it finds expired, so each borrows all keys. A command therefore looks up its keys one by
//! one first, which also counts and notes the accesses, and then reads them side by side, which changes nothing.

use super::Keys;
use crate::Expiry;
use table::Entry;

impl Keys<'_, '_> {
    /// A key, to be read beside others. Neither counts nor notes the access; a key that is expired is not there.
    pub fn beside(&self, key: &[u8]) -> Option<Entry<'_>> {
        let entry = self.guard.find_shared(self.locate(key), self.physical, key)?;
        let may_expire = !matches!(self.context.expiry, Expiry::Ignore);
        let is_due = may_expire && entry.expire_at().is_some_and(|at| at <= self.context.now_ms);
        (!is_due).then_some(entry)
    }
}
