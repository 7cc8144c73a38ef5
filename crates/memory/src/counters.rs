//! One cell a thread, written only by its owner.
//!
//! A cell is a plain load, an addition and a store for its owner, on a cache line of its own (two, because processors
//! fetch lines in pairs). Relaxed order is enough: a cell orders no other memory.
//!
//! A thread's life with its cell:
//!
//! ```text
//!   first allocation          claim a free cell, note it in CELL, and ask pthread to be called at the end
//!   every other               CELL
//!   thread-local destructors  may still allocate: CELL is a plain value without destructor and still there
//!   pthread's key destructors `give_back`: the cell is free, with its sum; CELL empty, SHARED set
//!   anything later            the shared cell, by atomic addition
//! ```
//!
//! A pthread key tells the end of a thread rather than a thread-local with a destructor: registering one of those may
//! allocate, and would call the allocator recursively.
//!
//! Handing over is ordered: giving back is a release and claiming an acquire of the same flag, so a successor loads the
//! sum that its predecessor stored last.

use std::cell::Cell as Local;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

/// How many threads can have a cell of their own at once. A node has a worker per core and about ten other threads.
/// Threads beyond the limit share one cell, which is slower and just as exact.
const CELLS: usize = 512;

/// No pthread key yet; real ones are small numbers.
const NO_KEY: usize = usize::MAX;

#[repr(align(128))]
struct Cell {
    bytes: AtomicI64,
    is_taken: AtomicBool,
}

static ALL: [Cell; CELLS] =
    [const { Cell { bytes: AtomicI64::new(0), is_taken: AtomicBool::new(false) } }; CELLS];
static FALLBACK: Cell = Cell { bytes: AtomicI64::new(0), is_taken: AtomicBool::new(true) };
/// No cell at or beyond this index was ever taken.
static EVER_TAKEN: AtomicUsize = AtomicUsize::new(0);
/// The key whose destructor gives a cell back.
static KEY: AtomicUsize = AtomicUsize::new(NO_KEY);

thread_local! {
    /// The thread's cell.
    static CELL: Local<Option<&'static Cell>> = const { Local::new(None) };
    /// The thread uses the shared cell: all were taken, or it is past its end.
    static SHARED: Local<bool> = const { Local::new(false) };
}

/// Bytes that are allocated now, by all threads. A sum over the cells: cheap enough for every write command, not
/// for every allocation.
pub fn used_bytes() -> u64 {
    let ever_taken = EVER_TAKEN.load(Ordering::Relaxed);
    let cells = ALL[..ever_taken].iter().chain([&FALLBACK]);
    let sum = cells.map(|cell| cell.bytes.load(Ordering::Relaxed)).fold(0, i64::wrapping_add);
    // While blocks change hands during the reading, the sum can miss an addition and see its removal.
    u64::try_from(sum).unwrap_or(0)
}

/// Adds to the thread's count; negative when memory was released.
#[inline]
pub(crate) fn add(bytes: i64) {
    match CELL.get() {
        Some(cell) => {
            let sum = cell.bytes.load(Ordering::Relaxed);
            cell.bytes.store(sum.wrapping_add(bytes), Ordering::Relaxed);
        }
        None => add_without_cell(bytes),
    }
}

#[cold]
#[inline(never)]
fn add_without_cell(bytes: i64) {
    if !SHARED.get() {
        if let Some(cell) = claim() {
            CELL.set(Some(cell));
            return add(bytes);
        }
        SHARED.set(true);
    }
    FALLBACK.bytes.fetch_add(bytes, Ordering::Relaxed);
}

/// Takes a free cell for this thread, if there is one and its end will be noticed.
fn claim() -> Option<&'static Cell> {
    let key = key()?;
    let is_free =
        |cell: &Cell| !cell.is_taken.load(Ordering::Relaxed) && !cell.is_taken.swap(true, Ordering::Acquire);
    let place = ALL.iter().position(is_free)?;
    EVER_TAKEN.fetch_max(place + 1, Ordering::Relaxed);
    let cell = &ALL[place];
    // SAFETY: the key exists and is never deleted. glibc may allocate for a high key, with its own malloc.
    let status = unsafe { libc::pthread_setspecific(key, ptr::from_ref(cell).cast()) };
    if status != 0 {
        cell.is_taken.store(false, Ordering::Release);
        return None;
    }
    Some(cell)
}

/// The one pthread key, made on first use. Whoever loses the race to make it deletes its own.
fn key() -> Option<libc::pthread_key_t> {
    let known = KEY.load(Ordering::Acquire);
    if known != NO_KEY {
        return Some(known as libc::pthread_key_t);
    }
    let mut made = 0;
    // SAFETY: `made` is there to be written, and `give_back` is a function for the whole life of the process.
    if unsafe { libc::pthread_key_create(&mut made, Some(give_back)) } != 0 {
        return None;
    }
    match KEY.compare_exchange(NO_KEY, made as usize, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Some(made),
        Err(winner) => {
            // SAFETY: just made, and nobody else knows it.
            unsafe { libc::pthread_key_delete(made) };
            Some(winner as libc::pthread_key_t)
        }
    }
}

/// Runs at a thread's end with the cell that it noted.
unsafe extern "C" fn give_back(cell: *mut c_void) {
    CELL.set(None);
    SHARED.set(true);
    // SAFETY: only `claim` stores a value under the key, and it is one of the static cells.
    let cell = unsafe { &*cell.cast_const().cast::<Cell>() };
    cell.is_taken.store(false, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// One test, since the cells are the whole process's.
    #[test]
    fn threads_come_and_go() {
        an_ended_thread_leaves_its_sum_and_its_cell();
        a_thread_without_a_cell_counts_in_the_shared_one();
    }

    fn an_ended_thread_leaves_its_sum_and_its_cell() {
        let taken = || ALL.iter().filter(|cell| cell.is_taken.load(Ordering::Acquire)).count();
        add(1000);
        let before = (used_bytes(), taken());
        for _ in 0..2 * CELLS {
            thread::spawn(|| add(3)).join().expect("no panic");
        }
        assert_eq!(used_bytes(), before.0 + 2 * CELLS as u64 * 3);
        // Joining waits for the thread as the kernel knows it, so its cell is back.
        assert_eq!(taken(), before.1);
        assert!(EVER_TAKEN.load(Ordering::Relaxed) < 8, "threads one after the other share few cells");
    }

    fn a_thread_without_a_cell_counts_in_the_shared_one() {
        let shared = || FALLBACK.bytes.load(Ordering::Relaxed);
        thread::spawn(|| {
            SHARED.set(true);
            add(70);
            add(-30);
            assert!(CELL.get().is_none());
        })
        .join()
        .expect("no panic");
        assert_eq!(shared(), 40);
    }
}
