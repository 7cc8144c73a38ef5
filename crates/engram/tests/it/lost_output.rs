//! A reader of the output that leaves takes nothing with it.

use crate::process::{Directory, Program, ask, free_port, run};
use nix::sys::signal::Signal;
use std::fs::File;
use std::io::{PipeReader, pipe};
use std::process::{Command, Stdio};

fn closed_pipe() -> Stdio {
    let (reader, writer) = pipe().expect("a pipe");
    drop::<PipeReader>(reader);
    writer.into()
}

fn full_disk() -> Stdio {
    File::options().write(true).open("/dev/full").expect("it is there").into()
}

fn engram(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engram"));
    command.args(arguments).stdin(Stdio::null());
    command
}

#[test]
fn a_region_serves_and_stops_cleanly_whoever_reads_what_it_says() {
    for output in [closed_pipe, full_disk] {
        let directory = Directory::new();
        let port = free_port();
        let arguments = ["--data-dir", directory.text(), "--port", &port.to_string(), "--api", "127.0.0.1:0"];
        let mut child = engram(&arguments).stdout(output()).stderr(output()).spawn().expect("it starts");
        crate::process::wait_until_it_serves(port);
        assert_eq!(ask(port, "SET greeting hello"), "+OK\r\n");
        let status = run(&["status", "--data-dir", directory.text()]);
        assert!(String::from_utf8_lossy(&status.stdout).contains("default-001"), "{status:?}");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), Signal::SIGTERM)
            .expect("it is there");
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
        assert!(directory.path().join("nodes/n1/dump.rdb").exists(), "its data is kept");
    }
}

#[test]
fn a_node_serves_and_stops_cleanly_whoever_reads_its_log() {
    let directory = Directory::new();
    let port = free_port().to_string();
    let fifo = directory.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let fifo = fifo.to_str().expect("plain");
    // Nobody reads the fifo.
    for (output, log) in [(closed_pipe as fn() -> Stdio, ""), (full_disk, ""), (full_disk, fifo)] {
        let arguments =
            ["node", "--port", &port, "--bind", "127.0.0.1", "--dir", directory.text(), "--logfile", log];
        let mut child = engram(&arguments).stdout(output()).stderr(output()).spawn().expect("it starts");
        let port = port.parse().expect("a port");
        crate::process::wait_until_it_serves(port);
        assert_eq!(ask(port, "SET greeting hello"), "+OK\r\n");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), Signal::SIGTERM)
            .expect("it is there");
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
    }
}

#[test]
fn a_command_whose_reader_is_gone_ends_as_others_in_a_pipeline_do() {
    use std::os::unix::process::ExitStatusExt;
    let directory = Directory::new();
    let mut region = Program::start(&[
        "--data-dir",
        directory.text(),
        "--port",
        &free_port().to_string(),
        "--api",
        "127.0.0.1:0",
    ]);
    region.wait_for("is ready");
    let of_region = ["--data-dir", directory.text()];
    for words in [&["status"][..], &["status", "--json"], &["env"], &["node", "--version"]] {
        let more: &[&str] = if words[0] == "node" { &[] } else { &of_region };
        let mut command = engram(words);
        let gone = command.args(more).stdout(closed_pipe()).stderr(Stdio::piped()).output().expect("it runs");
        assert_eq!(gone.status.signal(), Some(Signal::SIGPIPE as i32), "{words:?}");
        assert_eq!(String::from_utf8_lossy(&gone.stderr), "", "{words:?}");
        let full = command.stdout(full_disk()).output().expect("it runs");
        assert_eq!(full.status.code(), Some(1), "{words:?}");
        let sentence = String::from_utf8_lossy(&full.stderr).into_owned();
        assert!(sentence.starts_with("engram: cannot write to the standard output: No space"), "{sentence}");
    }
    region.signal(Signal::SIGTERM);
    assert_eq!(region.end().0, Some(0));
}
