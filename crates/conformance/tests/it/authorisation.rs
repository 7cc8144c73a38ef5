//! Every command of the table, asked by users with and without the right to it, beside a real server.
//!
//! ```text
//!   command table ─▶ a request per command ─┐      by command · category · key read · key write · channel · database · selector
//!                                           ├─▶ ACL DRYRUN, and the request itself inside MULTI: the same replies
//!   rules, with and without the right ──────┘
//! ```
//! Inside MULTI a request is admitted and not run, so none does any harm. The few that run there are asked by ACL DRYRUN only.

use crate::{oracle, subject, valkeys};
use command_spec::{Behaviour, Categories, Channels, keys::positions};
use command_table::{Command, CommandTable};
use conformance::connection::Connection;
use conformance::peer::{Launch, Peer};
use conformance::reply::Reply;
use profile::Profile;
use std::collections::BTreeMap;

/// What a request has beyond the fewest arguments.
const FURTHER_ARGUMENTS: usize = 2;

/// Requests whose words decide what happens to their keys.
const WORDED: &[&str] = &[
    "bitfield k:1 get u8 0",
    "bitfield k:1 get u8 0 set u8 0 1",
    "bitfield k:1 overflow sat incrby u8 0 1",
    "set k:1 1 get",
    "set k:1 1 nx",
    "sort k:1 store k:3",
    "georadius k:1 1 1 1 m store k:7",
    "georadius k:1 1 1 1 m storedist k:7 store k:9",
    "georadiusbymember k:1 1 1 m storedist k:6",
];

/// Requests of a command: with the fewest arguments, with some more, and [`WORDED`] ones. Keys are `k:N`, channels `ch:N`, all else 1.
fn requests(command: &Command) -> Vec<Vec<String>> {
    let worded = WORDED.iter().map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let worded = worded.filter(|argv| argv[0] == command.run.full_name);
    plain(command).into_iter().filter(|argv| !finds_other_keys(argv)).chain(worded).collect()
}

/// Whether the servers find other keys than Engram: none in a PFMERGE without sources, and keys that are written in a BITFIELD with words
/// that it doesn't have, which fails.
fn finds_other_keys(argv: &[String]) -> bool {
    match argv[0].as_str() {
        "pfmerge" => argv.len() == 2,
        "bitfield" => argv.len() > 2,
        _ => false,
    }
}

fn plain(command: &Command) -> Vec<Vec<String>> {
    let spec = command.spec;
    let fewest = spec.arity.unsigned_abs() as usize;
    let lengths = fewest..=fewest + FURTHER_ARGUMENTS;
    lengths
        .filter(|&length| spec.arity_fits(length))
        .map(|length| {
            let mut argv: Vec<String> = command.run.full_name.split('|').map(str::to_owned).collect();
            argv.resize(length, "1".to_owned());
            let mut keys = Vec::new();
            if positions(spec, &argv, |at, _| keys.push(at)) {
                keys.iter().for_each(|&at| argv[at] = format!("k:{at}"));
            }
            for channel in argv.iter_mut().skip(1).take(spec.channels.at_most()) {
                *channel = "ch:1".to_owned();
            }
            argv
        })
        .collect()
}

/// Rules of a user with the right to a command, and of one without, in pairs. Each may log in and use transactions.
fn rules(profile: Profile, command: &Command) -> Vec<String> {
    let name = command.run.full_name;
    let mut all = vec![
        format!("~* &* -@all +{name}"),
        format!("~* &* +@all -{name}"),
        format!("~* &* +@all -{name} +{}", name.split('|').next().unwrap_or(name)),
    ];
    for category in command.spec.all_categories().iter() {
        let category = category.names().next().expect("it is one");
        all.push(format!("~* &* -@all +@{category}"));
        all.push(format!("~* &* +@all -@{category}"));
    }
    if !command.spec.keys.is_empty() {
        for keys in ["~k:*", "~k:1", "~other", "%R~k:*", "%W~k:*", "%R~* %W~other", "%RW~k:*", ""] {
            all.push(format!("&* +@all {keys}"));
        }
        all.push(format!("&* -@all (~other +@all) (~k:* +{name})"));
        all.push(format!("&* ~k:* -@all (~other +{name}) (~k:* +@all -{name})"));
    }
    if command.spec.channels != Channels::None {
        for channels in ["&ch:*", "&ch:1", "&other", ""] {
            all.push(format!("~* +@all {channels}"));
        }
        all.push(format!("~* -@all (&other +@all) (&ch:1 +{name})"));
    }
    if profile.has("9.1.0") {
        for databases in ["db=0", "db=1", "db=0,1", "resetdbs", "alldbs"] {
            all.push(format!("~* &* +@all {databases}"));
        }
    }
    all
}

struct Side {
    admin: Connection,
    user: Connection,
    _peer: Peer,
}

impl Side {
    fn start(launch: &Launch) -> Side {
        let peer = Peer::start(launch).expect("the server starts");
        let mut admin = peer.connect().expect("a connection");
        let set = ["ACL", "SETUSER", "u", "on", "nopass", "+@all", "~*"];
        assert_eq!(admin.call(&set).expect("a reply").to_text(), "OK");
        let mut user = peer.connect().expect("a connection");
        assert_eq!(user.call(&["AUTH", "u", "any"]).expect("a reply").to_text(), "OK");
        Side { admin, user, _peer: peer }
    }

    /// What the server says: of the rules, then of each request.
    fn ask(&mut self, rules: &str, requests: &[Vec<String>], queues: bool) -> Vec<Reply> {
        let transactions = "+multi +discard";
        let line = format!("ACL SETUSER u reset on nopass {rules} {transactions}");
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let mut replies = vec![self.admin.call(&words).expect("a reply")];
        for request in requests {
            let asked: Vec<&str> =
                ["ACL", "DRYRUN", "u"].into_iter().chain(request.iter().map(String::as_str)).collect();
            replies.push(self.admin.call(&asked).expect("a reply"));
            if queues {
                for words in [&["MULTI".to_owned()][..], request, &["DISCARD".to_owned()]] {
                    replies.push(self.user.call(words).expect("a reply"));
                }
            }
        }
        replies
    }
}

/// Compares two servers of a version; how many requests were allowed and denied.
fn compare(profile: Profile, real: &Launch, subject: &Launch) -> (usize, usize) {
    let table: CommandTable = server_commands::command_table(profile);
    let (mut theirs, mut ours) = (Side::start(real), Side::start(subject));
    let mut known = BTreeMap::new();
    let (mut allowed, mut denied) = (0, 0);
    let mut differences = Vec::new();
    for command in table.by_id().iter().filter(|command| command.subcommands.is_empty()) {
        let name = command.run.full_name;
        let is_there = *known.entry(name).or_insert_with(|| {
            let asked = theirs.admin.call(&["COMMAND", "INFO", name]).expect("a reply");
            asked.elements().is_some_and(|all| all.iter().all(|one| one.elements().is_some()))
        });
        if !is_there {
            continue;
        }
        let requests = requests(command);
        let queues = !command.spec.behaviour.contains(Behaviour::RUNS_IN_MULTI);
        for rules in rules(profile, command) {
            let their = theirs.ask(&rules, &requests, queues);
            let our = ours.ask(&rules, &requests, queues);
            for (their, our) in their.iter().zip(&our) {
                let text = their.to_text();
                allowed += usize::from(text == "QUEUED");
                denied += usize::from(text.starts_with("NOPERM"));
                if their != our {
                    differences.push(format!("{name}, {rules}:\n  real {their}\n  ours {our}"));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    (allowed, denied)
}

fn check(profile: Profile, real: &Launch) {
    let Some(subject) = subject(&profile.to_string()) else { return };
    let (allowed, denied) = compare(profile, real, &subject);
    println!("{profile}: {allowed} requests were allowed, {denied} denied");
    assert!(allowed > 1000 && denied > 1000, "the rules are too odd: {allowed} allowed, {denied} denied");
}

#[test]
fn each_command_is_allowed_and_denied_as_on_redis_server() {
    let Some(real) = oracle() else { return };
    check(Profile::Redis70, &real);
}

#[test]
fn each_command_is_allowed_and_denied_as_on_valkey() {
    for (profile, real) in valkeys() {
        check(profile, &real);
    }
}

#[test]
fn requests_name_keys_and_channels() {
    let table = server_commands::command_table(Profile::Redis70);
    let of = |name: &[u8]| requests(table.get(name).expect("a command"));
    assert_eq!(of(b"get"), [["get", "k:1"]]);
    assert_eq!(of(b"mset")[0], ["mset", "k:1", "1"]);
    assert_eq!(of(b"publish"), [["publish", "ch:1", "1"]]);
    assert_eq!(of(b"subscribe")[1], ["subscribe", "ch:1", "ch:1"]);
    for line in WORDED {
        let argv: Vec<&str> = line.split(' ').collect();
        assert!(of(argv[0].as_bytes()).iter().any(|request| *request == argv), "{line}");
    }
    let get = table.get(b"get").expect("a command");
    let rules = rules(Profile::Redis70, get);
    assert!(rules.iter().any(|rule| rule.ends_with("-@read")) && rules.iter().any(|rule| rule.contains('(')));
    assert!(Categories::READ.names().eq(["read"]));
}
