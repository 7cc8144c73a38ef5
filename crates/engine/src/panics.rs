//! What becomes of a panic, which is always a bug.
//!
//! A panic may have left a command half done, and half a command must neither be served nor saved: the process aborts, with
//! the locks of the command still held. The one exception is a data command that has changed nothing yet: it has only read, under
//! locks that its guard gives back in any case, so its client gets an error and nothing else is affected. The keyspace's hooks note
//! whether a command has changed something ([`keyspace::Scratch`]).

use crate::engine::Engine;
use command_table::Command;
use commands::Error;
use config::Loglevel;
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic carries.
type Panic = Box<dyn Any + Send>;

/// Runs a data command; its panic is an error if nothing `has_changed`, and else the end of the process.
#[inline]
pub fn contain<R, S>(
    engine: &Engine,
    command: &Command,
    state: &mut S,
    run: impl FnOnce(&mut S) -> Result<R, Error>,
    has_changed: impl FnOnce(&S) -> bool,
) -> Result<R, Error> {
    // What is behind the panic is not used again, except what only reads can have touched.
    match catch_unwind(AssertUnwindSafe(|| run(state))) {
        Ok(outcome) => outcome,
        Err(panic) if has_changed(state) => abort_after(engine, &whose(), panic.as_ref()),
        Err(panic) => Err(refuse_after(engine, command, &panic)),
    }
}

#[cold]
fn refuse_after(engine: &Engine, command: &Command, panic: &Panic) -> Error {
    let (name, thread) = (command.run.full_name, whose());
    let why = text_of(panic.as_ref());
    report(
        engine,
        format_args!(
            "The command '{name}' panicked in the thread {thread} before it changed anything: {why}"
        ),
    );
    Error::text("ERR internal error: the command failed before it changed anything")
}

/// Ends the process at once after a panic of a thread.
#[cold]
pub fn abort_after(engine: &Engine, thread: &str, panic: &(dyn Any + Send)) -> ! {
    let why = text_of(panic);
    report(engine, format_args!("The thread {thread} panicked, so the process ends at once: {why}"));
    engine.log.drain();
    std::process::abort()
}

/// Writes to the log under the head that the people and scripts of redis-server look for.
fn report(engine: &Engine, what: fmt::Arguments<'_>) {
    let server = if engine.profile.is_valkey() { "VALKEY" } else { "REDIS" };
    let head = format_args!("=== {server} BUG REPORT START: Cut & paste starting from here ===");
    engine.log(Loglevel::Warning, head);
    engine.log(Loglevel::Warning, what);
}

fn whose() -> String {
    std::thread::current().name().unwrap_or("without a name").to_owned()
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bare::Bare;
    use crate::exec::{self, Local, Next};
    use crate::lazyfree::LazyFree;
    use command_spec::{KeyFlags, KeySpec, Need, Spec};
    use command_table::Resolved;
    use command_table::{Handler, Run};
    use event_loop::{Backend, EventLoop, LoopConfig};
    use profile::Profile;
    use session::outbox::ALL_COMMITTED;
    use session::{Client, ClientShared};
    use std::os::unix::net::UnixStream;
    use std::os::unix::process::ExitStatusExt;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    const KEY: &[KeySpec] = &[KeySpec::one(1, KeyFlags::empty())];
    const SPEC: Spec = Spec { name: "panics", arity: 2, need: Need::Keys, keys: KEY, ..Spec::BASE };

    static READS: commands::Command = commands::Command::new(&SPEC, commands::Handler::Plain(read_and_panic));
    static WRITES: commands::Command =
        commands::Command::new(&SPEC, commands::Handler::Plain(write_and_panic));

    fn read_and_panic(cx: &mut commands::Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
        cx.out.simple("half a reply");
        assert!(cx.keys.lookup(argv[1]).is_some(), "the key is there");
        panic!("injected into a read");
    }

    fn write_and_panic(cx: &mut commands::Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
        cx.keys.put_string(argv[1], b"half", keyspace::Ttl::Clear);
        panic!("injected into a write");
    }

    fn node_command(command: &'static commands::Command) -> &'static Command {
        let handler = Handler {
            run: Run::Data(command),
            id: 0,
            full_name: "panics",
            first_key: 1,
            key_step: 0,
            single_key: true,
            restricted: false,
        };
        Box::leak(Box::new(Command::new(&SPEC, handler)))
    }

    fn log_file(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("node-panics-{name}-{}", std::process::id()));
        drop(std::fs::remove_file(&path));
        path
    }

    /// Runs commands of one client on a node without threads; what it was answered.
    fn run(log: &Path, commands: &[(&'static Command, &[&[u8]])]) -> String {
        let engine = Bare::new(Some(log.to_owned()));
        let mut local = Local::new(&engine.0, 0, LazyFree::start().expect("a thread"));
        let mut io = EventLoop::new(Backend::Poll, LoopConfig::default()).expect("a loop");
        let token = io.add(UnixStream::pair().expect("a pair").0.into()).expect("added");
        let info = Arc::new(ClientShared::of_primary(1, String::new(), String::new(), 0, 0));
        let user = acl::CurrentUser::trusted(&engine.access.catalogue);
        let mut client = Client::new(token, info, user, true, &engine.client_memory);
        for (command, argv) in commands {
            let request = Resolved::new(command, argv, &[]);
            let next = exec::process(&engine, &mut local, &mut client, Ok(&request), argv);
            assert_eq!(next, Next::Continue);
        }
        local.leave(&engine);
        String::from_utf8(client.outbox.take(ALL_COMMITTED, Vec::new).unwrap_or_default()).expect("text")
    }

    fn real(name: &str) -> &'static Command {
        let (table, _) = command_table::CommandTable::new::<()>(Profile::Redis70, std::iter::empty());
        table.get(name.as_bytes()).expect("it exists")
    }

    #[test]
    fn a_command_that_panics_before_it_changed_anything_is_an_error() {
        let log = log_file("read");
        let (panics, get, set) = (node_command(&READS), real("get"), real("set"));
        let replies = run(
            &log,
            &[
                (set, &[b"set", b"a", b"1"]),
                (panics, &[b"panics", b"a"]),
                // The slot is free, and what it holds is as before.
                (get, &[b"get", b"a"]),
                (set, &[b"set", b"a", b"2"]),
                (get, &[b"get", b"a"]),
            ],
        );
        let error = "-ERR internal error: the command failed before it changed anything\r\n";
        assert_eq!(replies, format!("+OK\r\n{error}$1\r\n1\r\n+OK\r\n$1\r\n2\r\n"));
        let text = std::fs::read_to_string(&log).expect("a log");
        assert!(text.contains("=== REDIS BUG REPORT START: Cut & paste starting from here ==="), "{text}");
        assert!(text.contains("'panics' panicked") && text.contains("injected into a read"), "{text}");
        drop(std::fs::remove_file(log));
    }

    /// By POSIX the same number everywhere.
    const SIGABRT: i32 = 6;
    /// Set in the process that is to end.
    const ABORTING: &str = "NODE_TEST_ABORTING";

    #[test]
    fn a_command_that_panics_behind_a_change_ends_the_process() {
        if let Some(log) = std::env::var_os(ABORTING) {
            run(Path::new(&log), &[(node_command(&WRITES), &[b"panics", b"a"])]);
            unreachable!("it goes on");
        }
        let log = log_file("write");
        let name = "panics::tests::a_command_that_panics_behind_a_change_ends_the_process";
        let this = std::env::current_exe().expect("a test binary");
        let output = std::process::Command::new(this)
            .args(["--exact", name, "--nocapture"])
            .env(ABORTING, &log)
            .output()
            .expect("it runs");
        assert_eq!(output.status.signal(), Some(SIGABRT), "{output:?}");
        let text = std::fs::read_to_string(&log).expect("a log");
        assert!(text.contains("BUG REPORT START") && text.contains("injected into a write"), "{text}");
        drop(std::fs::remove_file(log));
    }
}
