//! A thread's pages, and what happens when other threads free its blocks or it ends.
//!
//! ```text
//!  heap ── a class's current page ── allocations come from here
//!     ├─── a class's list of pages with room
//!     ├─── remote: a stack of blocks that other threads freed (atomic)
//!     └─── pending: those of them that were taken from the stack and are not yet back in their pages
//! ```
//!
//! Heaps live as long as the process. When a thread ends, its heap and pages go to the next thread that starts. Until
//! then, whoever tidies up acts as the heap's thread.

use std::cell::{Cell, UnsafeCell};
use std::ptr::{self, NonNull, null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::claim::Claim;
use super::classes::CLASSES;
use super::page::{List, Page, Standing, next_of, set_next};
use super::pool;

/// Remote blocks that the thread puts back when a page of its own is used up: about 10 µs.
const BATCH: usize = 256;
/// How many pages with room are compared to find the fullest.
const CANDIDATES: usize = 16;
/// Every so many calls, [`tidy`] also looks for current pages without blocks.
const EMPTY_EVERY: u32 = 16;
/// The most batches that a visitor puts back in one call.
const MOST_BATCHES: usize = 1 << 15;

/// See the module's essay.
#[repr(align(128))]
pub(super) struct Heap {
    claim: Claim,
    /// For whoever has entered only.
    local: UnsafeCell<Local>,
    /// There are blocks that were taken from the stack and not yet put back.
    has_pending: AtomicBool,
    remote: Remote,
}

// SAFETY: `local` is for whoever has entered the claim; the rest is atomic.
unsafe impl Sync for Heap {}

/// On a cache line of its own, so that frees by other threads do not slow the heap's thread down.
#[repr(align(128))]
struct Remote {
    first: AtomicPtr<u8>,
}

struct Local {
    current: [*mut Page; CLASSES],
    with_room: [List; CLASSES],
    pending: *mut u8,
}

/// All heaps, each with whether a thread owns it.
static HEAPS: Mutex<Vec<(&'static Heap, bool)>> = Mutex::new(Vec::new());
/// One visitor at a time.
static VISITING: Mutex<()> = Mutex::new(());

thread_local! {
    /// The thread's heap; null before its first block and after its end.
    static HEAP: Cell<*const Heap> = const { Cell::new(null()) };
    static AT_THE_END: GiveBack = const { GiveBack };
}

struct GiveBack;

impl Drop for GiveBack {
    fn drop(&mut self) {
        // SAFETY: heaps live as long as the process.
        if let Some(heap) = unsafe { HEAP.replace(null()).as_ref() } {
            give_back(heap);
        }
    }
}

fn heaps() -> MutexGuard<'static, Vec<(&'static Heap, bool)>> {
    HEAPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the caller the thread of a heap that no thread has.
fn take_over() -> &'static Heap {
    let mut heaps = heaps();
    if let Some((heap, is_taken)) = heaps.iter_mut().find(|(_, is_taken)| !is_taken) {
        *is_taken = true;
        return heap;
    }
    let heap: &'static Heap = Box::leak(Box::new(Heap::new()));
    heaps.push((heap, true));
    heap
}

fn give_back(heap: &'static Heap) {
    let mut heaps = heaps();
    let place = heaps.iter_mut().find(|(other, _)| ptr::eq(*other, heap)).expect("all heaps are known");
    place.1 = false;
}

/// Runs `with` with the thread's heap; if the thread is past its end, with a heap borrowed for this call.
#[inline]
pub(super) fn with_own<T>(with: impl FnOnce(&'static Heap) -> T) -> T {
    // SAFETY: heaps live as long as the process.
    match unsafe { HEAP.get().as_ref() } {
        Some(heap) => with(heap),
        None => with_new(with),
    }
}

#[cold]
#[inline(never)]
fn with_new<T>(with: impl FnOnce(&'static Heap) -> T) -> T {
    let heap = take_over();
    if AT_THE_END.try_with(|_| ()).is_ok() {
        HEAP.set(heap);
        return with(heap);
    }
    let result = with(heap);
    give_back(heap);
    result
}

/// Frees a block, from any thread.
///
/// # Safety
/// The block came from [`Heap::allocate`] and is not used any more.
#[inline]
pub(super) unsafe fn free(block: NonNull<u8>) {
    // SAFETY: a block's page has a head.
    let page = unsafe { pool::page_of(block).as_ref() };
    let heap = page.heap();
    if ptr::eq(heap, HEAP.get()) {
        // SAFETY: heaps live as long as the process, and this thread has this one.
        unsafe { (*heap).enter(|local| local.put_back(page, block)) };
    } else {
        // SAFETY: as above.
        unsafe { &*heap }.free_remotely(block);
    }
}

/// Puts back what was freed from other threads in all heaps. When forced, and otherwise now and then, it also gives
/// back current pages without blocks.
pub(super) fn tidy(is_forced: bool) {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let gives_empty = CALLS.fetch_add(1, Ordering::Relaxed).is_multiple_of(EMPTY_EVERY) || is_forced;
    let _one_at_a_time = VISITING.lock().unwrap_or_else(PoisonError::into_inner);
    let count = heaps().len();
    for at in 0..count {
        let (heap, is_taken) = {
            let mut heaps = heaps();
            let (heap, is_taken) = &mut heaps[at];
            (*heap, std::mem::replace(is_taken, true))
        };
        if !is_taken || ptr::eq(heap, HEAP.get()) {
            heap.tidy(gives_empty, |step| Some(heap.enter(step)));
        } else {
            heap.tidy(gives_empty, |step| {
                let _visit = heap.claim.visit()?;
                // SAFETY: a visitor has entered.
                Some(step(unsafe { &mut *heap.local.get() }))
            });
        }
        if !is_taken {
            give_back(heap);
        }
    }
}

impl Heap {
    fn new() -> Heap {
        Heap {
            claim: Claim::new(),
            local: UnsafeCell::new(Local {
                current: [null_mut(); CLASSES],
                with_room: [const { List::new() }; CLASSES],
                pending: null_mut(),
            }),
            has_pending: AtomicBool::new(false),
            remote: Remote { first: AtomicPtr::new(null_mut()) },
        }
    }

    /// Runs `with` as the heap's thread, which the caller is.
    #[inline]
    fn enter<T>(&self, with: impl FnOnce(&mut Local) -> T) -> T {
        let _inside = self.claim.enter();
        // SAFETY: nobody else is inside, and nothing in this module enters twice.
        with(unsafe { &mut *self.local.get() })
    }

    /// A block of a class, for the heap's thread. `None` when the system has no more memory.
    #[inline]
    pub(super) fn allocate(&self, class: usize) -> Option<NonNull<u8>> {
        self.enter(|local| {
            // SAFETY: a current page is in use, so it has a head.
            match unsafe { local.current[class].as_ref() }.and_then(Page::take) {
                Some(block) => Some(block),
                None => local.allocate_elsewhere(self, class),
            }
        })
    }

    /// Whether the blocks of a page should move elsewhere, so that the page becomes empty; for the heap's thread.
    pub(super) fn would_fill_better(&self, page: &Page) -> bool {
        self.enter(|local| {
            // SAFETY: as in `allocate`.
            let Some(current) = (unsafe { local.current[page.class()].as_ref() }) else { return false };
            !ptr::eq(page, current) && current.used() >= page.used()
        })
    }

    /// Whether a page is the one that its class's blocks come from; for the heap's thread.
    pub(super) fn is_current(&self, page: &Page) -> bool {
        self.enter(|local| ptr::eq(page, local.current[page.class()]))
    }

    #[inline]
    fn free_remotely(&self, block: NonNull<u8>) {
        let mut first = self.remote.first.load(Ordering::Relaxed);
        loop {
            set_next(block, first);
            // Release: whoever takes the stack sees the links, and that everybody is done with the blocks.
            match self.remote.first.compare_exchange_weak(
                first,
                block.as_ptr(),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// Tidies up in steps, each inside the heap as `enter` enters it.
    fn tidy(
        &self,
        gives_empty: bool,
        mut enter: impl FnMut(&mut dyn FnMut(&mut Local) -> usize) -> Option<usize>,
    ) {
        if gives_empty {
            enter(&mut |local| {
                local.give_empty();
                0
            });
        }
        for _ in 0..MOST_BATCHES {
            if !self.has_pending.load(Ordering::Relaxed)
                && self.remote.first.load(Ordering::Relaxed).is_null()
            {
                return;
            }
            if enter(&mut |local| local.collect(self, BATCH)).is_none() {
                return;
            }
        }
    }
}

impl Local {
    #[cold]
    #[inline(never)]
    fn allocate_elsewhere(&mut self, heap: &Heap, class: usize) -> Option<NonNull<u8>> {
        self.collect(heap, BATCH);
        // SAFETY: as in `allocate`.
        if let Some(current) = unsafe { self.current[class].as_ref() } {
            if let Some(block) = current.take() {
                return Some(block);
            }
            current.set_standing(Standing::Full);
        }
        let fullest = self.with_room[class].iter().take(CANDIDATES).max_by_key(|page| page.used());
        let next = match fullest.map(ptr::from_ref) {
            Some(page) => {
                // SAFETY: it is in the list.
                let page = unsafe { &*page };
                self.with_room[class].remove(page);
                page.set_standing(Standing::Current);
                page
            }
            None => {
                let Some((page, start)) = pool::take() else {
                    self.current[class] = null_mut();
                    return None;
                };
                // SAFETY: heads are part of their region; zeroes are a head, and so is what a page's last use left.
                let page = unsafe { page.as_ref() };
                page.set_up(start, heap, class);
                page
            }
        };
        self.current[class] = ptr::from_ref(next).cast_mut();
        next.take()
    }

    /// Puts a block back into its page, and moves the page to where it belongs then.
    #[inline]
    fn put_back(&mut self, page: &Page, block: NonNull<u8>) {
        if page.put(block) {
            self.put_page(page);
        }
    }

    #[cold]
    #[inline(never)]
    fn put_page(&mut self, page: &Page) {
        match page.standing() {
            Standing::Current => unreachable!("a current page stays"),
            Standing::Full => self.with_room[page.class()].add(page),
            Standing::Listed => {
                debug_assert_eq!(page.used(), 0);
                self.with_room[page.class()].remove(page);
                pool::give(page.start());
            }
        }
    }

    /// Puts back at most `limit` blocks that other threads freed. Returns how many.
    fn collect(&mut self, heap: &Heap, limit: usize) -> usize {
        let done = self.collect_some(heap, limit);
        heap.has_pending.store(!self.pending.is_null(), Ordering::Relaxed);
        done
    }

    fn collect_some(&mut self, heap: &Heap, limit: usize) -> usize {
        for done in 0..limit {
            if self.pending.is_null() {
                self.pending = heap.remote.first.swap(null_mut(), Ordering::Acquire);
            }
            let Some(block) = NonNull::new(self.pending) else { return done };
            self.pending = next_of(block);
            // SAFETY: a block's page has a head.
            self.put_back(unsafe { pool::page_of(block).as_ref() }, block);
        }
        limit
    }

    /// Gives back current pages without a block in use.
    fn give_empty(&mut self) {
        for current in &mut self.current {
            // SAFETY: as in `allocate`.
            if let Some(page) = unsafe { current.as_ref() }
                && page.used() == 0
            {
                *current = null_mut();
                pool::give(page.start());
            }
        }
    }
}
