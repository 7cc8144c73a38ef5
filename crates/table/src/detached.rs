//! The contents of a table that was emptied at once (FLUSHALL, FLUSHDB, a replica's full sync).

use std::fmt;
use std::sync::atomic::Ordering;

use crate::directory::{Counts, Directory};
use crate::entry::EntryBox;
use crate::retired::Retired;
use crate::span::Span;

/// Everything that [`crate::TableMut::take`] took, as an iterator over owned entries.
///
/// Dropping it drops the entries that are left. The arrays, which prefetching threads may still read, are handed out
/// by [`Detached::into_retired`]; without it they leak.
pub struct Detached {
    /// The packed directory or span; null once nothing is left.
    root: *mut u8,
    remaining: Counts,
    /// Where the search for the next entry continues.
    span: Option<Span>,
    bucket: u32,
    retired: Retired,
}

// SAFETY: it owns arrays and entries, which are `Send`.
unsafe impl Send for Detached {}

impl Detached {
    pub(crate) fn new(root: *mut u8, remaining: Counts) -> Detached {
        let mut detached = Detached { root, remaining, span: None, bucket: 0, retired: Retired::new() };
        if !root.is_null() {
            detached.span = Some(detached.span_at(0));
        }
        detached
    }

    fn span_at(&self, hash: u64) -> Span {
        match Directory::unpack(self.root) {
            None => Span::unpack(self.root, hash),
            Some(directory) => directory.span(hash, Ordering::Relaxed),
        }
    }

    /// How many entries are left.
    pub fn remaining(&self) -> usize {
        self.remaining.len as usize
    }

    /// The arrays that are emptied so far.
    pub fn take_retired(&mut self) -> Retired {
        std::mem::take(&mut self.retired)
    }

    /// Drops the entries that are left and hands out the arrays.
    pub fn into_retired(mut self) -> Retired {
        self.by_ref().for_each(drop);
        std::mem::take(&mut self.retired)
    }
}

impl Iterator for Detached {
    type Item = EntryBox;

    fn next(&mut self) -> Option<EntryBox> {
        while let Some(span) = self.span {
            if self.bucket < span.buckets {
                let bucket = span.bucket(self.bucket);
                if let Some(cell) = bucket.occupied().next() {
                    let block = bucket.element(cell).block;
                    bucket.clear(cell);
                    self.remaining.len -= 1;
                    return Some(EntryBox::from_block(block));
                }
                self.bucket += 1;
                continue;
            }
            let end = span.end();
            self.bucket = 0;
            self.span = (end != 0).then(|| self.span_at(end));
            span.retire(&mut self.retired);
            if self.span.is_none()
                && let Some(directory) = Directory::unpack(self.root)
            {
                directory.retire(&mut self.retired);
            }
        }
        None
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

impl fmt::Debug for Detached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detached").field("remaining", &self.remaining.len).finish()
    }
}
