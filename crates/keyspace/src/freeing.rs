//! Counts objects that left the keyspace and are still in memory.
//!
//! Their holder counts them: a [`Pending`] adds its number of objects when it is made, subtracts each that is freed, and the rest when
//! it is dropped. No object is counted without one. So no object stays counted once nobody holds it, whether it went to the thread
//! that frees or to a snapshot that has yet to write it, and even if either has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many objects wait to be freed, and how many were.
#[derive(Debug, Default)]
pub struct Freeing {
    pending: AtomicU64,
    freed: AtomicU64,
}

impl Freeing {
    /// Counts `objects` for as long as they are held.
    pub fn hold(self: &Arc<Self>, objects: u64) -> Pending {
        self.pending.fetch_add(objects, Ordering::Relaxed);
        Pending { freeing: self.clone(), objects }
    }

    /// Objects that wait to be freed.
    pub fn pending(&self) -> u64 {
        self.pending.load(Ordering::Relaxed)
    }

    /// Objects that were freed since the last [`Freeing::reset`].
    pub fn freed(&self) -> u64 {
        self.freed.load(Ordering::Relaxed)
    }

    /// Resets the count of freed objects.
    pub fn reset(&self) {
        self.freed.store(0, Ordering::Relaxed);
    }
}

/// Objects that are counted.
#[derive(Debug)]
pub struct Pending {
    freeing: Arc<Freeing>,
    objects: u64,
}

impl Pending {
    /// Notes that one of them was freed.
    pub fn free_one(&mut self) {
        self.free(1);
    }

    fn free(&mut self, objects: u64) {
        let objects = objects.min(self.objects);
        self.objects -= objects;
        self.freeing.pending.fetch_sub(objects, Ordering::Relaxed);
        self.freeing.freed.fetch_add(objects, Ordering::Relaxed);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.free(self.objects);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_freed_one_by_one_is_with_the_holder() {
        let freeing = Arc::new(Freeing::default());
        let mut held = freeing.hold(3);
        assert_eq!((freeing.pending(), freeing.freed()), (3, 0));
        held.free_one();
        let others = freeing.hold(5);
        assert_eq!((freeing.pending(), freeing.freed()), (7, 1));
        drop(held);
        assert_eq!((freeing.pending(), freeing.freed()), (5, 3));
        freeing.reset();
        drop(others);
        assert_eq!((freeing.pending(), freeing.freed()), (0, 5));
    }
}
