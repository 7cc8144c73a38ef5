//! `engram bench` from outside: its report agrees with the server's counters.

use std::path::PathBuf;
use std::process::Command;

use conformance::connection::Connection;
use conformance::peer::{Launch, Peer, SUBJECT_VARIABLE};
use serde_json::Value;

use crate::{oracle, subject};

fn both() -> Option<(PathBuf, [Launch; 2])> {
    let launches = [oracle()?, subject("redis-7.0")?];
    Some((std::env::var_os(SUBJECT_VARIABLE)?.into(), launches))
}

/// Runs the generator to its end and reads its figures.
#[track_caller]
fn bench(program: &PathBuf, place: &[&str], arguments: &[&str]) -> Value {
    let mut command = Command::new(program);
    let output =
        command.arg("bench").args(place).args(arguments).args(["--json", "-"]).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).expect("a document")
}

/// How often the server ran a command since its statistics were reset.
fn calls(connection: &mut Connection, command: &str) -> u64 {
    let text = connection.call(&["INFO", "commandstats"]).expect("a reply").to_text();
    let prefix = format!("cmdstat_{command}:calls=");
    let number = text.lines().find_map(|line| line.split_once(&prefix)?.1.split(',').next());
    number.map_or(0, |number| number.parse().expect("a number"))
}

fn requests(document: &Value, load: usize) -> Vec<(String, u64)> {
    let commands = document["loads"][load]["commands"].as_array().expect("commands");
    let figure = |command: &Value| {
        let name = command["name"].as_str().expect("a name").to_lowercase();
        (name, command["requests"].as_u64().expect("a number"))
    };
    commands.iter().map(figure).collect()
}

#[test]
fn the_server_counts_what_the_generator_counts() {
    let Some((program, launches)) = both() else { return };
    for launch in launches {
        let peer = Peer::start(&launch).expect("it starts");
        let mut connection = peer.connect().expect("it listens");
        let port = peer.port().to_string();
        let place = ["-p", port.as_str()];
        // Closed, over several threads, with commands of several kinds.
        connection.call(&["CONFIG", "RESETSTAT"]).expect("a reply");
        let mix = "--load -k 5000 -n 30001 -c 7 -t 3 -P 5 -d 0-300 --distribution zipfian";
        let mut arguments: Vec<&str> = mix.split(' ').collect();
        arguments.extend([
            "-3",
            "--command",
            "GET {key}",
            "--weight",
            "6",
            "--command",
            "HSET h:{int} {field} '{value} x'",
        ]);
        arguments.extend(["--weight", "3", "--command", "LPUSH {key} x", "--weight", "1"]);
        let document = bench(&program, &place, &arguments);
        let mix = requests(&document, 1);
        assert_eq!(mix.iter().map(|(_, requests)| requests).sum::<u64>(), 30_001);
        for (command, requests) in mix {
            assert!(requests > 2000, "{}: {command} {requests}", launch.name());
            assert_eq!(calls(&mut connection, &command), requests, "{}: {command}", launch.name());
        }
        assert_eq!(calls(&mut connection, "set"), 5000, "{}: every key is loaded once", launch.name());
        let last = connection.call(&["EXISTS", "key:000000004999"]).expect("a reply");
        assert_eq!(last.lines(), ["(integer) 1"]);
        // All LPUSH of a string are errors, which count as answers.
        let (push, get) = (&document["loads"][1]["commands"][2], &document["loads"][1]["commands"][0]);
        assert_eq!(push["errors"], push["requests"], "{push}");
        let error = document["loads"][1]["first_error"].as_str().expect("an error");
        assert!(error.starts_with("WRONGTYPE"), "{error}");
        assert_eq!((get["nils"].as_u64(), get["errors"].as_u64()), (Some(0), Some(0)));

        // Open, over a Unix socket.
        connection.call(&["CONFIG", "RESETSTAT"]).expect("a reply");
        let socket = peer.unix_socket();
        let place = ["-s", socket.to_str().expect("a plain path")];
        let open = "-r 20000 -n 4000 -c 20 -t 2 --arrivals poisson --test incr";
        let document = bench(&program, &place, &open.split(' ').collect::<Vec<_>>());
        assert_eq!(requests(&document, 0), [("incr".to_owned(), 4000)]);
        assert_eq!(calls(&mut connection, "incr"), 4000);
        let elapsed = document["loads"][0]["elapsed_s"].as_f64().expect("a time");
        assert!(elapsed > 0.15, "4,000 at 20,000 a second: {elapsed}");
    }
}

#[test]
fn it_logs_in_and_selects_a_database() {
    let Some(launch) = oracle() else { return };
    let Some(program) = std::env::var_os(SUBJECT_VARIABLE).map(PathBuf::from) else { return };
    let peer = Peer::start(&launch.with(&["--requirepass", "secret"])).expect("it starts");
    let mut connection = peer.connect().expect("it listens");
    connection.call(&["AUTH", "secret"]).expect("a reply");
    connection.call(&["ACL", "SETUSER", "ada", "on", ">lovelace", "~*", "+@all"]).expect("a reply");
    let port = peer.port().to_string();
    let place = ["-p", port.as_str(), "-n", "10", "--test", "set", "-k", "1", "-c", "2"];
    bench(&program, &place, &["-a", "secret", "--db", "3"]);
    bench(&program, &place, &["--user", "ada", "-a", "lovelace", "--db", "4", "-3"]);
    let text = connection.call(&["INFO", "keyspace"]).expect("a reply").to_text();
    assert!(text.contains("db3:keys=1,") && text.contains("db4:keys=1,") && !text.contains("db0"), "{text}");
    let refused =
        Command::new(&program).arg("bench").args(place).args(["-a", "wrong"]).output().expect("it runs");
    let errors = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors.contains("refuses AUTH: WRONGPASS"), "{errors}");
}
