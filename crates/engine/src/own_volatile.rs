//! Keys with an expiry that clients of a writable replica wrote. The replica must delete them itself: the primary does not know them.
//!
//! **Invariant:** such a key is recorded here under the locks of its write, and stays until its expiry is due. Only then is the key
//! looked up: it may have changed meanwhile. A replica that loads its primary's data, or stops being a replica, has no such keys.

use keyspace::OwnVolatile;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the module's essay.
#[derive(Debug, Default)]
pub struct OwnVolatiles {
    /// By time.
    keys: Mutex<BTreeSet<OwnVolatile>>,
    count: AtomicUsize,
}

impl OwnVolatiles {
    fn keys(&self) -> MutexGuard<'_, BTreeSet<OwnVolatile>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds keys, under the locks of their slots.
    pub fn add(&self, added: Vec<OwnVolatile>) {
        let mut keys = self.keys();
        keys.extend(added);
        self.count.store(keys.len(), Ordering::Relaxed);
    }

    /// How many are known: `slave_expires_tracked_keys`.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Takes the first whose time has come.
    pub fn take_due(&self, now_ms: u64) -> Option<OwnVolatile> {
        let mut keys = self.keys();
        let due = keys.first().is_some_and(|key| key.at_ms <= now_ms).then(|| keys.pop_first())?;
        self.count.store(keys.len(), Ordering::Relaxed);
        due
    }

    /// Forgets all.
    pub fn clear(&self) {
        let mut keys = self.keys();
        keys.clear();
        self.count.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_come_when_their_time_has_come() {
        let key = |at_ms, name: &str| OwnVolatile { at_ms, db: 0, key: name.as_bytes().into() };
        let all = OwnVolatiles::default();
        all.add(vec![key(5, "b"), key(3, "a"), key(9, "b"), key(3, "a")]);
        assert_eq!((all.len(), all.take_due(2)), (3, None));
        assert_eq!(
            (all.take_due(5), all.take_due(5), all.take_due(5)),
            (Some(key(3, "a")), Some(key(5, "b")), None)
        );
        all.clear();
        assert_eq!((all.len(), all.take_due(10)), (0, None));
    }
}
