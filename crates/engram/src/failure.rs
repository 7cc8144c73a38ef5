//! What becomes of a bug: panics, and a control plane that cannot go on.
//!
//! A control plane that has lost one of its threads looks alive and is not: its port is open, and no failover ever happens.
//! So the process ends, with an error that supervisors of processes see. The nodes serve on and the next start adopts them.
//! As process 1 of a container it must not end, for everything in the container would end with it: it executes itself
//! again instead, and adopts the nodes as any other start does.

use crate::console;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::os::unix::process::CommandExt;
use std::panic::PanicHookInfo;
use std::process::Command;
use std::time::Duration;

/// The threads on which tasks of calls run. A panic of one is caught where the task ends, and is its connection's matter.
pub(crate) const API_THREAD: &str = "api";
/// Before process 1 executes itself again: what fails at each start must not take a processor for itself.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// Reports panics on the standard error, from any thread and without waiting for a reader.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| console::complain(&words(panic))));
}

/// The same, and a panic ends the process: a region is no use with a thread less.
pub(crate) fn end_at_panics() {
    std::panic::set_hook(Box::new(|panic| {
        console::complain(&words(panic));
        if std::thread::current().name() != Some(API_THREAD) {
            give_up(
                "the control plane failed, which is a bug; nodes serve on, and the next start finds them",
            );
        }
    }));
}

/// Ends the control plane with an error; as process 1 it begins again.
pub(crate) fn give_up(why: &str) -> ! {
    console::complain(&format!("engram: {why}"));
    if std::process::id() == 1 {
        begin_again();
    }
    console::end(1)
}

/// Executes the program again in this process; returns where that cannot be done.
pub(crate) fn begin_again() {
    console::drain();
    std::thread::sleep(RESTART_DELAY);
    match std::env::current_exe() {
        Ok(program) => {
            let error = Command::new(&program).args(std::env::args_os().skip(1)).exec();
            console::complain(&format!("engram: cannot execute {} again: {error}", program.display()));
        }
        Err(error) => console::complain(&format!("engram: cannot find the file of this program: {error}")),
    }
}

fn words(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current().name().unwrap_or("without a name").to_owned();
    let why = panic.payload().downcast_ref::<&str>().copied();
    let why = why.or_else(|| panic.payload().downcast_ref::<String>().map(String::as_str));
    let why = why.unwrap_or("no message");
    let place = panic.location().map(|place| format!(" at {place}")).unwrap_or_default();
    let trace = Backtrace::capture();
    let trace = match trace.status() {
        BacktraceStatus::Captured => format!("\n{trace}"),
        _ => String::new(),
    };
    format!("The thread {thread} panicked{place}: {why}{trace}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::process::Output;

    /// Names the file by which a process that was executed again knows it.
    const MARK: &str = "ENGRAM_TEST_FAILING";
    const THIS: &str = "failure::tests::a_thread_that_panics_ends_the_process_or_begins_it_again";

    /// This test in a process of its own, run by `runner`.
    fn fail(runner: &[&str], mark: &Path) -> Output {
        let this = std::env::current_exe().expect("a test binary");
        let mut words: Vec<&std::ffi::OsStr> = runner.iter().map(std::ffi::OsStr::new).collect();
        words.extend([this.as_os_str(), "--exact".as_ref(), THIS.as_ref(), "--nocapture".as_ref()]);
        Command::new(words[0]).args(&words[1..]).env(MARK, mark).output().expect("it runs")
    }

    #[test]
    fn a_thread_that_panics_ends_the_process_or_begins_it_again() {
        if let Some(mark) = std::env::var_os(MARK) {
            if Path::new(&mark).exists() {
                console::complain("executed again");
                console::end(0);
            }
            std::fs::write(&mark, "").expect("it can be written");
            end_at_panics();
            let api = std::thread::Builder::new().name(API_THREAD.into());
            let call = api.spawn(|| panic!("a call")).expect("a thread");
            assert!(call.join().is_err(), "its panic is its own");
            let keeper = std::thread::spawn(|| panic!("injected"));
            let _ = keeper.join();
            unreachable!("it goes on");
        }
        let mark = std::env::temp_dir().join(format!("engram-failure-{}", std::process::id()));
        let _ = std::fs::remove_file(&mark);
        let output = fail(&["env"], &mark);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("injected") && text.contains("engram: the control plane failed"), "{text}");
        assert!(!text.contains("executed again"), "{text}");
        std::fs::remove_file(&mark).expect("it was written");
        let process_1 = ["unshare", "--user", "--map-root-user", "--pid", "--fork"];
        if !Command::new(process_1[0])
            .args(&process_1[1..])
            .arg("true")
            .status()
            .is_ok_and(|ended| ended.success())
        {
            return console::complain("not run: no namespace of processes is to be had");
        }
        let output = fail(&process_1, &mark);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert!(text.contains("injected") && text.ends_with("executed again\n"), "{text}");
        std::fs::remove_file(&mark).expect("it was written");
    }
}
