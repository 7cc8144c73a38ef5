//! Mutual exclusion on a heap between its thread, which uses it nearly always, and a *visitor*, which tidies up for it.
//!
//! The thread enters and leaves for every allocation, so that must cost next to nothing: two plain stores and a load. The
//! visitor pays instead: it asks the kernel to run a memory barrier on every running thread of the process:
//!
//! ```text
//!   thread                            visitor
//!     inside = true                     wanted = true
//!     (compiler barrier)                membarrier()
//!     wanted? then leave and wait       inside? then give up
//!     … uses the heap …                 … uses the heap …
//!     inside = false                    wanted = false
//! ```
//!
//! **Invariant:** the two are never inside at the same time. The barrier falls, on the thread's processor, either before
//! the thread's load of `wanted`, which then sees the visitor's store, or after it, and then the visitor's load sees the
//! thread's store of `inside`.
//!
//! A visitor never waits long: the thread is inside for some tens of nanoseconds. If it was preempted there, the
//! visitor gives up and tries again later. Where the kernel has no such barrier there are no visits.

use std::hint;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, compiler_fence};

/// How often a visitor checks whether the thread has left.
const LOOKS: u32 = 1000;

/// See the module's essay.
pub(super) struct Claim {
    inside: AtomicBool,
    wanted: AtomicBool,
}

impl Claim {
    pub(super) const fn new() -> Claim {
        Claim { inside: AtomicBool::new(false), wanted: AtomicBool::new(false) }
    }

    /// Enters as the thread that the heap belongs to, of which there is one at a time.
    #[inline]
    pub(super) fn enter(&self) -> Inside<'_> {
        self.inside.store(true, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        // Acquire: what a visitor did before it left is seen.
        if self.wanted.load(Ordering::Acquire) {
            self.wait();
        }
        Inside(&self.inside)
    }

    #[cold]
    #[inline(never)]
    fn wait(&self) {
        loop {
            self.inside.store(false, Ordering::Release);
            while self.wanted.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            self.inside.store(true, Ordering::Relaxed);
            compiler_fence(Ordering::SeqCst);
            if !self.wanted.load(Ordering::Acquire) {
                return;
            }
        }
    }

    /// Enters as a visitor, if the thread is outside or leaves soon. A separate lock excludes visitors from each other.
    pub(super) fn visit(&self) -> Option<Visit<'_>> {
        if !can_visit() {
            return None;
        }
        self.wanted.store(true, Ordering::Relaxed);
        let visit = Visit(&self.wanted);
        barrier();
        for _ in 0..LOOKS {
            if !self.inside.load(Ordering::Acquire) {
                return Some(visit);
            }
            hint::spin_loop();
        }
        None
    }
}

/// The thread is inside until this is dropped.
pub(super) struct Inside<'a>(&'a AtomicBool);

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A visitor is inside, or wants to be, until this is dropped.
pub(super) struct Visit<'a>(&'a AtomicBool);

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(target_os = "linux")]
const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;
#[cfg(target_os = "linux")]
const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;

/// Whether the kernel has the barrier; asked once.
fn can_visit() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        #[cfg(target_os = "linux")]
        // SAFETY: a system call with numbers for arguments.
        return unsafe { libc::syscall(libc::SYS_membarrier, REGISTER_PRIVATE_EXPEDITED, 0, 0) } == 0;
        #[cfg(not(target_os = "linux"))]
        return false;
    })
}

/// A barrier on every processor that runs a thread of this process. A thread that is not running passed one when it was
/// switched out.
fn barrier() {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: as above.
        let status = unsafe { libc::syscall(libc::SYS_membarrier, PRIVATE_EXPEDITED, 0, 0) };
        assert_eq!(status, 0, "the barrier was registered for");
    }
}
