//! Benchmarks beside redis-server, in one run, as ratios. Start them with `cargo xtask bench`, which builds first.
//!
//! ```text
//!   cases (one file each) ──▶ runner ──▶ table on stdout, target/bench/<case>.json
//!        │      │                A B C A B C: every subject in turn, so that a slow minute hits all alike
//!        │      └─▶ load     what is sent, by the load generator of `engram bench` with one thread
//!        └────────▶ subject  a server process of its own, and what the kernel knows about it
//! ```
//! `cargo xtask bench peers` runs separate scenarios on every server that is found, as one table in Markdown (`peers`).
//! `cargo xtask bench counts` counts instructions and compares them with those that are kept (`counts`).
//! `cargo xtask bench region` measures a whole region from outside, beside targets instead of peers (`region`).
//!
//! # What is measured
//! The key figure is the server's CPU time per request: unlike throughput it does not depend on how fast the generator
//! is, nor on who else uses the machine. It is read from `/proc/<pid>/task/*/schedstat`, whose first number is the
//! time a thread ran in nanoseconds. (`utime` and `stime` in `stat` are ticks of 10 ms, shared out between user and
//! kernel by sampling.) `/proc/<pid>/schedstat` would be the main thread alone, so all threads are summed; the time of
//! threads that ended during a measurement is missing, and so is that of child processes.
//!
//! Over loopback a sender's system call also does the receiver's network work; that holds for every subject.
//!
//! # Pinning
//! The generator runs on CPU 1 and the server, with one worker, on CPU 0, so that neither moves and the server never
//! shares its core. `--unpinned` leaves both to the scheduler. Cases with several workers are never pinned. `busy` in
//! the tables is the part of the wall time that the server ran: well under 100 % means that the generator was the
//! slower of the two, and a server that waits gathers smaller batches.
//!
//! # Limits
//! Linux only, loopback only, RESP2 only; one generator thread. A closed loop hides how long requests would have
//! queued (a stall is seen once per connection), the same for every subject; latencies to go by are those of open loops.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // a benchmark owns processes, sockets, files and time

#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod counts;
#[cfg(target_os = "linux")]
mod cpu;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod peers;
#[cfg(target_os = "linux")]
mod region;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod runner;
#[cfg(target_os = "linux")]
mod subject;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let result = match args.split_first() {
        Some((first, rest)) if first == "region" => region::run(rest),
        Some((first, rest)) if first == "counts" => counts::run(rest),
        Some((first, rest)) if first == "peers" => peers::run(rest),
        _ => runner::Options::parse(&args, cases::ALL).and_then(|options| runner::run(&options)),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("bench: benchmarks read Linux's /proc");
    std::process::ExitCode::FAILURE
}
