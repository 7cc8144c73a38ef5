//! The process as the operating system sees it, and mimalloc's settings.

use crate::slab;
use libmimalloc_sys as mimalloc;

// Part of mimalloc's interface that the bindings leave out: an arena of so many bytes, usable at once or as needed, of huge
// pages or not; 0 when it is there.
unsafe extern "C" {
    fn mi_reserve_os_memory(size: usize, commit: bool, allow_large: bool) -> std::ffi::c_int;
}

// Places in mimalloc 3's list of options. Somebody's own setting in the environment (`MIMALLOC_PURGE_DELAY=…`) wins.
const ARENA_EAGER_COMMIT: mimalloc::mi_option_t = 4;
const PURGE_DELAY: mimalloc::mi_option_t = 15;

/// Milliseconds until freed pages go back to the system. mimalloc's 1000 makes a finished save or a flushed database look
/// like a leak; 0 doubles the time of a load that grows and shrinks.
const PURGE_DELAY_MS: std::ffi::c_long = 100;

/// Size of the first arena (a multiple of 32 MiB, mimalloc's smallest). It holds what an idle node needs, and its memory
/// is only committed as it is used. Later arenas hold data and are made for huge pages: see
/// `docs/decisions/huge-pages.md`.
const FIRST_ARENA_BYTES: usize = 64 << 20;

/// Sets the options and makes the first arena. It runs before `main`, because code that runs before `main` already
/// allocates.
extern "C" fn set_up() {
    // SAFETY: the options exist in this version, and there are no other threads yet.
    unsafe {
        mimalloc::mi_process_init();
        mimalloc::mi_option_set_default(PURGE_DELAY, PURGE_DELAY_MS);
        mimalloc::mi_option_set_default(ARENA_EAGER_COMMIT, 1);
        // Address space only. Where it is refused, the first allocation makes an arena like all others.
        mi_reserve_os_memory(FIRST_ARENA_BYTES, false, false);
    }
}

// SAFETY: the section is the system's list of functions without arguments that it calls before `main`.
#[used]
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
static BEFORE_MAIN: extern "C" fn() = set_up;

/// Gives memory that is free back to the operating system now: all of the calling thread's, and what other threads
/// left behind. For MEMORY PURGE and after a flush; it may take milliseconds.
pub fn purge() {
    slab::tidy(true);
    // SAFETY: callable at any time.
    unsafe { mimalloc::mi_collect(true) };
}

/// Gives back memory of all threads that has been free for the purge delay. mimalloc does so by itself only while
/// threads allocate, not while they sleep, so one thread of a node calls this in its cron: about 2 µs when there is
/// nothing to do, 1 to 3 ms for 10 MB.
pub fn trim() {
    slab::tidy(false);
    // SAFETY: callable at any time.
    unsafe { mimalloc::mi_collect(false) };
}

/// Whether memory for data is advised to be huge pages.
pub(crate) fn wants_huge_pages() -> bool {
    // SAFETY: the option exists in this version.
    unsafe { mimalloc::mi_option_get(ARENA_EAGER_COMMIT) != 0 }
}

/// The allocator as INFO's `mem_allocator` names it: `mimalloc-3.3.2`.
pub fn allocator_name() -> String {
    // SAFETY: a constant.
    let version = unsafe { mimalloc::mi_version() };
    // Since version 3 the number is major, then two digits each for minor and patch.
    format!("mimalloc-{}.{}.{}", version / 10_000, version / 100 % 100, version % 100)
}

/// Bytes of the process that are in memory: data, free pages that the allocator keeps, stacks, and the touched part of
/// the binary. 0 where the system does not tell.
#[cfg(target_os = "linux")]
pub fn rss_bytes() -> u64 {
    // Sizes in pages: total, resident, shared, …
    let Ok(figures) = std::fs::read_to_string("/proc/self/statm") else { return 0 };
    let pages: u64 = figures.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    // SAFETY: no argument but a name.
    let page_size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages * u64::try_from(page_size).unwrap_or(0)
}

/// Bytes of the process that are in memory: data, free pages that the allocator keeps, stacks, and the touched part of
/// the binary. 0 where the system does not tell.
#[cfg(target_os = "macos")]
#[allow(deprecated)] // libc would rather see a crate of its own for these two
pub fn rss_bytes() -> u64 {
    // SAFETY: a structure of integers, for which zero is a value.
    let mut info: libc::mach_task_basic_info = unsafe { std::mem::zeroed() };
    let mut count = libc::MACH_TASK_BASIC_INFO_COUNT;
    // SAFETY: `info` has as many integers as `count` says.
    let status = unsafe {
        libc::task_info(
            libc::mach_task_self(),
            libc::MACH_TASK_BASIC_INFO,
            std::ptr::from_mut(&mut info).cast(),
            &mut count,
        )
    };
    if status == libc::KERN_SUCCESS { info.resident_size } else { 0 }
}

/// Bytes of the process that are in memory. This system does not tell, so 0.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub fn rss_bytes() -> u64 {
    0
}
