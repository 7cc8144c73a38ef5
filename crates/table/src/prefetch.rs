//! Prefetching from any thread, without the slot's lock.
//!
//! It reads the root, a directory slot and the bucket's words, all atomics, in arrays that live until
//! [`crate::Retired::free`]. What it reads may be out of date, then the hint is wasted; it never reads an entry.

use std::sync::atomic::Ordering;

use crate::directory::Directory;
use crate::span::Span;
use crate::table::Table;

impl Table {
    /// Starts loading the bucket of a hash.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        if let Some(span) = self.shared_span(hash) {
            prefetch(span.address(span.home(hash)));
        }
    }

    /// Starts loading the entry of a hash, as far as its bucket tells which; best a moment after
    /// [`Table::prefetch_bucket`].
    #[inline]
    pub fn prefetch_entry(&self, hash: u64) {
        let Some(span) = self.shared_span(hash) else { return };
        let window = span.window(hash);
        for index in span.home(hash)..span.buckets {
            let bucket = span.bucket(index);
            for cell in bucket.matching(window) {
                if let Some(entry) = bucket.candidate(cell, window) {
                    let entry = entry.as_ptr();
                    prefetch(entry);
                    prefetch(entry.wrapping_add(64));
                    return;
                }
            }
            if !bucket.overflows() {
                return;
            }
        }
    }

    #[inline]
    fn shared_span(&self, hash: u64) -> Option<Span> {
        let root = self.root.load(Ordering::Acquire);
        if root.is_null() {
            return None;
        }
        Some(match Directory::unpack(root) {
            None => Span::unpack(root, hash),
            Some(directory) => directory.span(hash, Ordering::Acquire),
        })
    }
}

/// Starts loading the cache line at any address.
#[inline(always)]
pub fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint; any address is allowed.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a hint; any address is allowed.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, readonly, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}
