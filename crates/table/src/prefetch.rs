//! Prefetching from any thread, without the slot's lock.
//!
//! It reads the root, a directory slot and the bucket's words, all atomics, in arrays that live until
//! [`crate::Retired::free`]. If what it reads is out of date, the hint is wasted. It never reads an entry.

use std::sync::atomic::Ordering;

use crate::directory::Directory;
use crate::span::Span;
use crate::table::Table;

/// The most lines of an entry to prefetch: beyond them the hardware prefetcher follows the sequence by itself.
const MAX_LINES: usize = 8;

/// How much of an entry is expected to be used, and how.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    lines: usize,
    to_write: bool,
}

impl Expected {
    /// A value of about this many bytes, which will be read.
    #[inline]
    pub fn read(value_bytes: usize) -> Expected {
        Expected { lines: lines(value_bytes), to_write: false }
    }

    /// A value of about this many bytes, which will be written: a store that misses the cache delays every later atomic
    /// operation, first of all the release of the slot's lock.
    #[inline]
    pub fn write(value_bytes: usize) -> Expected {
        Expected { lines: lines(value_bytes), to_write: true }
    }

    #[inline]
    fn prefetch(self, entry: *const u8) {
        for line in 0..self.lines {
            let address = entry.wrapping_add(64 * line);
            if self.to_write { prefetch_to_write(address) } else { prefetch(address) }
        }
    }
}

/// Header and key are in the first line, mostly; the entry may begin anywhere in it.
#[inline]
fn lines(value_bytes: usize) -> usize {
    (value_bytes / 64 + 2).min(MAX_LINES)
}

impl Table {
    /// Starts loading the bucket of a hash.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        if let Some(span) = self.shared_span(hash) {
            prefetch(span.address(span.home(hash)));
        }
    }

    /// Starts loading the entry of a hash, if its bucket identifies one, and as much of it as is expected to be used.
    /// Best called a moment after [`Table::prefetch_bucket`].
    #[inline]
    pub fn prefetch_entry(&self, hash: u64, expected: Expected) {
        let Some(span) = self.shared_span(hash) else { return };
        let window = span.window(hash);
        for index in span.home(hash)..span.buckets {
            let bucket = span.bucket(index);
            for cell in bucket.matching(window) {
                if let Some(entry) = bucket.candidate(cell, window) {
                    expected.prefetch(entry.as_ptr());
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

/// Starts loading the cache line at any address, so that it can be written.
#[inline(always)]
pub(crate) fn prefetch_to_write(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint; any address is allowed, and processors without it take it for a no-operation.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_ET0>(address.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: a hint; any address is allowed.
    unsafe {
        std::arch::asm!("prfm pstl1keep, [{}]", in(reg) address, options(nostack, readonly, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}
