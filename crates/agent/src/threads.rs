//! The threads of a process and the holders of locks, as the kernel shows them: `/proc/PID/task/*/stat` and `/proc/locks`.
//!
//! The formats are those of proc(5). The caller holds a pidfd of each process that it asks about, and checks afterwards whether the
//! process has ended meanwhile; so another process that was given the same pid is never mistaken for it.

use std::fs;
use std::io;

/// A thread has begun its exit (`PF_EXITING`) and never runs the program again.
const FLAG_EXITING: u32 = 0x4;
/// The thread that writes a core dump (`PF_DUMPCORE`): the process is at its end.
const FLAG_DUMPING_CORE: u32 = 0x200;

/// What a thread is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// On a processor, or waiting for one.
    Runnable,
    /// In a sleep that a signal ends.
    Sleeping,
    /// In a sleep that nothing but its event ends: disk, memory.
    Uninterruptible,
    /// By SIGSTOP or a debugger.
    Stopped,
    /// Ended.
    Dead,
}

/// A thread at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) state: State,
    pub(crate) exiting: bool,
    pub(crate) dumping_core: bool,
    /// Time on a processor, in ns (or coarser, where the kernel counts nothing finer).
    pub(crate) ran_ns: u64,
}

/// The threads of a process. An error where the system does not show them.
pub(crate) fn of(pid: u32) -> io::Result<Vec<Thread>> {
    let mut threads = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = entry?.path();
        // A thread may end between its name and its line.
        let Ok(stat) = fs::read_to_string(path.join("stat")) else { continue };
        let Some(mut thread) = parse(&stat) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{}: {stat}", path.display())));
        };
        let finer = fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        if let Some(ran_ns) = finer.split(' ').next().and_then(|field| field.parse().ok()) {
            thread.ran_ns = ran_ns;
        }
        threads.push(thread);
    }
    Ok(threads)
}

/// A line of `stat`. The name in parentheses may hold anything, parentheses too.
fn parse(stat: &str) -> Option<Thread> {
    const NS_A_TICK: u64 = 10_000_000;
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let state = match *fields.first()? {
        "R" => State::Runnable,
        "D" => State::Uninterruptible,
        "T" | "t" => State::Stopped,
        "Z" | "X" | "x" => State::Dead,
        _ => State::Sleeping,
    };
    let flags: u32 = fields.get(6)?.parse().ok()?;
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Thread {
        state,
        exiting: flags & FLAG_EXITING != 0,
        dumping_core: flags & FLAG_DUMPING_CORE != 0,
        ran_ns: ticks.saturating_mul(NS_A_TICK),
    })
}

/// The process that holds a `flock` on the file with this inode, by a text of `/proc/locks`.
#[cfg(any(target_os = "linux", test))]
pub(crate) fn lock_holder(locks: &str, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, "FLOCK", _, _, pid, place, ..] = fields[..] else { return None };
        let held: u64 = place.rsplit(':').next()?.parse().ok()?;
        // 0 or less: a process of another pid namespace.
        if held == inode { pid.parse().ok().filter(|pid| *pid > 0) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_is_read_whatever_the_name_holds() {
        let line = |state: &str, flags: u32| {
            format!("12 (a) b) (c) {state} 1 12 12 0 -1 {flags} 5 0 0 0 3 4 0 0 20 0 1 0 99 0 0")
        };
        let thread =
            |state, exiting, dumping_core| Some(Thread { state, exiting, dumping_core, ran_ns: 70_000_000 });
        assert_eq!(parse(&line("S", 0x40_0000)), thread(State::Sleeping, false, false));
        assert_eq!(parse(&line("R", 0x40_0004)), thread(State::Runnable, true, false));
        assert_eq!(parse(&line("D", 0x200)), thread(State::Uninterruptible, false, true));
        assert_eq!(parse(&line("T", 0)), thread(State::Stopped, false, false));
        assert_eq!(parse(&line("t", 0)), thread(State::Stopped, false, false));
        assert_eq!(parse(&line("Z", 4)), thread(State::Dead, true, false));
        assert_eq!(parse("12 (a"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_threads_that_run() {
        let threads = of(std::process::id()).unwrap();
        assert!(threads.iter().any(|thread| thread.state == State::Runnable && !thread.exiting));
        assert!(threads.iter().any(|thread| thread.ran_ns > 0));
    }

    #[test]
    fn the_holder_of_a_lock_is_found_by_the_inode() {
        let locks = "1: POSIX  ADVISORY  WRITE 7 08:01:131 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 8 08:01:131 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 9 08:01:131 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 0 08:01:132 0 EOF\n";
        assert_eq!(lock_holder(locks, 131), Some(8));
        assert_eq!(lock_holder(locks, 132), None);
        assert_eq!(lock_holder(locks, 13), None);
    }
}
