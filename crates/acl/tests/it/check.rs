//! What is allowed and denied, why, and how it is told.

use crate::table::Commands;
use acl::{Context, Denied};
use profile::Profile;

#[track_caller]
fn check(rules: &str, line: &str, expected: Result<(), Denied>) {
    check_in(Profile::Valkey91, rules, line, 0, expected);
}

#[track_caller]
fn check_in(profile: Profile, rules: &str, line: &str, database: usize, expected: Result<(), Denied>) {
    let commands = Commands::of(profile);
    assert_eq!(commands.check(&commands.user(rules), line, database), expected, "{rules}: {line}");
}

#[test]
fn commands() {
    check("~*", "get k", Err(Denied::Command));
    check("~* +get", "get k", Ok(()));
    check("~* +get", "set k v", Err(Denied::Command));
    check("~* +@read", "get k", Ok(()));
    check("~* +@all -@read", "get k", Err(Denied::Command));
    check("~* +@all -@read", "set k v", Ok(()));
    check("+config", "config get x", Ok(()));
    check("+config -config|get", "config get x", Err(Denied::Command));
    check("+config -config|get", "config set x y", Ok(()));
    check("+config|get", "config get x", Ok(()));
    check("+config|get", "config set x y", Err(Denied::Command));
    check("+config|get -config", "config get x", Err(Denied::Command));
    check("", "auth a b", Ok(()));
    check("-@all", "hello 3", Ok(()));
    check("", "ping", Err(Denied::Command));
}

#[test]
fn first_arguments() {
    check("+select|0", "select 0", Ok(()));
    check("+select|0", "select 1", Err(Denied::Command));
    check("~* +get|Ab", "get aB", Ok(()));
    check("~* +get|ab", "get abc", Err(Denied::Command));
    check("+ping|a", "ping", Err(Denied::Command));
    check("+select|0 +select -select", "select 0", Err(Denied::Command));
    check("+select|0 -@connection", "select 0", Err(Denied::Command));
    check("+select|0 -@all", "select 0", Err(Denied::Command));
    check("+select|0 -ping", "select 0", Ok(()));
}

#[test]
fn keys() {
    check("+@all ~k*", "get k1", Ok(()));
    check("+@all ~k*", "get x", Err(Denied::Key(1)));
    check("+@all", "get k", Err(Denied::Key(1)));
    check("+@all", "ping", Ok(()));
    check("+@all ~a ~b", "mget a b", Ok(()));
    check("+@all ~a ~b", "mget a c b", Err(Denied::Key(2)));
    check("+@all %R~r* %W~w*", "get r1", Ok(()));
    check("+@all %R~r* %W~w*", "set r1 v", Err(Denied::Key(1)));
    check("+@all %R~r* %W~w*", "set w1 v", Ok(()));
    check("+@all %R~r* %W~w*", "get w1", Err(Denied::Key(1)));
    check("+@all %R~r* %W~w*", "set w1 v get", Err(Denied::Key(1)));
    check("+@all %RW~k", "set k v get", Ok(()));
    // Two patterns that allow one each do not allow both at once.
    check("+@all %R~k* %W~k1", "set k1 v get", Err(Denied::Key(1)));
    check("+@all %R~r* %W~w*", "copy r1 w1", Ok(()));
    check("+@all %R~r* %W~w*", "copy w1 r1", Err(Denied::Key(1)));
    check("+@all %W~w*", "del w1", Ok(()));
    check("+@all %R~r*", "del r1", Err(Denied::Key(1)));
    check("+@all %R~r*", "exists r1", Ok(()));
    check("+@all %W~r*", "exists r1", Ok(()));
    check("+@all %W~r*", "incr r1", Err(Denied::Key(1)));
    check("+@all ~k*", "sort k1 store x", Err(Denied::Key(3)));
    // Arguments without keys are the command's to complain about.
    check("+@all", "lmpop x k left", Ok(()));
}

#[test]
fn channels() {
    check("+@all &c*", "publish c1 m", Ok(()));
    check("+@all &c*", "publish x m", Err(Denied::Channel(1)));
    check("+@all &c*", "spublish x m", Err(Denied::Channel(1)));
    check("+@all", "publish c1 m", Err(Denied::Channel(1)));
    check("+@all &c*", "subscribe c1 c2", Ok(()));
    check("+@all &c*", "subscribe c1 x", Err(Denied::Channel(2)));
    check("+@all &c*", "ssubscribe c1 x", Err(Denied::Channel(2)));
    check("+@all &c*", "psubscribe c1", Err(Denied::Channel(1)));
    check("+@all &c* &c1", "psubscribe c* c1", Ok(()));
    check("+@all &c*", "psubscribe c* c?", Err(Denied::Channel(2)));
    check("+@all", "unsubscribe x", Ok(()));
    check("+@all", "punsubscribe x", Ok(()));
    check("+@all", "sunsubscribe x", Ok(()));
    check("+@all &*", "psubscribe *", Ok(()));
    check("+@all", "pubsub channels", Ok(()));
}

#[test]
fn a_selector_allows_alone() {
    check("+get ~a (+set_~b)", "get a", Ok(()));
    check("+get ~a (+set_~b)", "set b v", Ok(()));
    check("+get ~a (+set_~b)", "get b", Err(Denied::Key(1)));
    check("+get ~a (+set_~b)", "set a v", Err(Denied::Key(1)));
    check("+get ~a (+set_~b)", "del a", Err(Denied::Command));
    // Of all reasons the one that came furthest, and of those the last argument.
    check("+mget ~a (+mget_~a_~b)", "mget a b c", Err(Denied::Key(3)));
    check("+mget ~a ~b (+mget_~a)", "mget a b c", Err(Denied::Key(3)));
    check("+publish &a (+get)", "publish b m", Err(Denied::Channel(1)));
}

#[test]
fn databases() {
    let check = |rules: &str, line: &str, database, expected| {
        check_in(Profile::Valkey91, &format!("+@all ~* &* {rules}"), line, database, expected);
    };
    check("db=0", "get k", 0, Ok(()));
    check("db=0", "get k", 1, Err(Denied::Database(0)));
    check("resetdbs", "get k", 0, Err(Denied::Database(0)));
    check("db=1", "ping", 0, Ok(()));
    check("db=1", "publish c m", 0, Ok(()));
    check("db=1", "spublish c m", 0, Ok(()));
    check("db=1", "dbsize", 0, Err(Denied::Database(0)));
    check("db=1", "select 1", 0, Ok(()));
    check("db=1", "select 0", 1, Err(Denied::Database(1)));
    for odd in ["16", "-1", "01", "+0", "x", "99999999999999999999"] {
        check("db=1", &format!("select {odd}"), 1, Ok(()));
    }
    check("db=1", "swapdb 1 1", 0, Ok(()));
    check("db=1", "swapdb 1 0", 0, Err(Denied::Database(2)));
    check("db=1", "swapdb 16 0", 0, Ok(()));
    check("db=0", "move k 1", 0, Err(Denied::Database(2)));
    check("db=1", "move k 1", 0, Err(Denied::Database(0)));
    check("db=1", "move k x", 1, Ok(()));
    check("db=1", "copy a b", 1, Ok(()));
    check("db=1", "copy a b", 0, Err(Denied::Database(0)));
    check("db=1", "copy a b DB 0", 1, Err(Denied::Database(4)));
    check("db=1", "copy a b replace db 1 db 0", 1, Err(Denied::Database(7)));
    check("db=1", "copy a b db 0 replace", 1, Err(Denied::Database(4)));
    for odd in ["db 0 x", "x db 0", "db x db 0", "db 0 db", "db 0 db 16"] {
        check("db=1", &format!("copy a b {odd}"), 1, Ok(()));
    }
    check("db=0,1", "flushall", 0, Err(Denied::Database(0)));
    check("db=0 alldbs", "flushall", 0, Ok(()));
    check("db=0", "flushdb", 0, Ok(()));
    // It is looked at first, and tells least where selectors disagree.
    check("db=1 -get", "get k", 0, Err(Denied::Database(0)));
    check("db=1 (~k)", "get k", 0, Err(Denied::Command));
    check("db=1 (+get)", "get k", 0, Err(Denied::Key(1)));
    check("db=1 (+get_~k)", "get k", 0, Ok(()));
}

#[test]
fn sort_by_others_needs_all_keys() {
    let commands = Commands::of(Profile::Valkey81);
    for (rules, may) in [
        ("+@all ~*", true),
        ("+@all %R~*", false),
        ("+@all %R~* %W~k %R~k", true),
        ("+sort %R~*", true),
        ("+sort ~k", false),
        ("+sort %W~*", false),
        ("+sort ~k (+get_~*)", false),
        ("+get (+sort_~*)", true),
    ] {
        let line = if rules.contains("%W~k") || rules == "+@all %R~*" {
            "sort k by x* store k"
        } else {
            "sort k by x*"
        };
        let user = commands.user(rules);
        let answer = commands.ask(line, 0, |request| user.may_read_all_keys(&commands.catalogue, request));
        assert_eq!(answer, may, "{rules}: {line}");
    }
}

#[test]
fn texts() {
    let argv: [&[u8]; 3] = [b"config", b"get", b"x"];
    let context = Context { user: b"u", command: "config|get", argv: &argv };
    let all = |profile| {
        let denials = [Denied::Command, Denied::Key(2), Denied::Channel(2), Denied::Database(2)];
        let text = |line: Vec<u8>| String::from_utf8(line).expect("text");
        denials.map(|denied| {
            [
                text(denied.line(profile, context)),
                text(denied.dry_run(profile, context)),
                text(denied.line_in_script(profile, context)),
                text(denied.object(context).to_vec()),
            ]
            .join("\n")
        })
    };
    let [command, key, channel, database] = all(Profile::Redis71);
    assert_eq!(
        command,
        "NOPERM this user has no permissions to run the 'config|get' command\n\
         This user has no permissions to run the 'config|get' command\n\
         ERR The user executing the script can't run this command or subcommand\n\
         config|get"
    );
    assert_eq!(
        key,
        "NOPERM this user has no permissions to access one of the keys used as arguments\n\
         This user has no permissions to access the 'x' key\n\
         ERR The user executing the script can't access at least one of the keys mentioned in the command arguments\n\
         x"
    );
    assert_eq!(
        channel,
        "NOPERM this user has no permissions to access one of the channels used as arguments\n\
         This user has no permissions to access the 'x' channel\n\
         ERR The user executing the script can't publish to the channel mentioned in the command\n\
         x"
    );
    assert!(database.starts_with("NOPERM No permissions to access database\n"));
    let [command, key, channel, database] = all(Profile::Valkey91);
    assert_eq!(
        command,
        "NOPERM User u has no permissions to run the 'config|get' command\n\
         User u has no permissions to run the 'config|get' command\n\
         ERR ACL failure in script: User u has no permissions to run the 'config|get' command\n\
         config|get"
    );
    assert_eq!(
        key,
        "NOPERM No permissions to access a key\n\
         User u has no permissions to access the 'x' key\n\
         ERR ACL failure in script: No permissions to access a key\n\
         x"
    );
    assert_eq!(
        channel,
        "NOPERM No permissions to access a channel\n\
         User u has no permissions to access the 'x' channel\n\
         ERR ACL failure in script: No permissions to access a channel\n\
         x"
    );
    assert_eq!(
        database,
        "NOPERM No permissions to access database\n\
         User u has no permissions to access database x\n\
         ERR ACL failure in script: No permissions to access database\n\
         x"
    );
    let exec = |denied: Denied| {
        let line = denied.line_in_exec();
        let begin = "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This \
                     command is no longer allowed for the following reason: ";
        line.strip_prefix(begin).expect("the beginning").to_owned()
    };
    assert_eq!(exec(Denied::Command), "no permission to execute the command or subcommand");
    assert_eq!(exec(Denied::Key(1)), "no permission to touch the specified keys");
    assert_eq!(exec(Denied::Channel(1)), "no permission to access one of the channels used as arguments");
    assert_eq!(exec(Denied::Database(1)), "no permission");
}

/// The reasons, as people read them.
#[track_caller]
fn explain(rules: &str, line: &str, expected: &[&str]) {
    let commands = Commands::of(Profile::Valkey91);
    let user = commands.user(rules);
    let explanation = commands.ask(line, 0, |request| user.explain(&commands.catalogue, request));
    let reasons: Vec<String> = explanation.reasons.iter().map(ToString::to_string).collect();
    assert_eq!(reasons, expected, "{rules}: {line}");
    assert_eq!(explanation.outcome.is_ok(), explanation.reasons.iter().all(|reason| reason.allows));
}

#[test]
fn the_rule_that_decided() {
    explain("+@all ~*", "get k", &["+@all allows the command get", "~* allows reading the key 'k'"]);
    explain(
        "+@read %R~k* ~x",
        "get k1",
        &["+@read allows the command get", "%R~k* allows reading the key 'k1'"],
    );
    explain(
        "+@all -@read +get ~*",
        "get k",
        &["+get allows the command get", "~* allows reading the key 'k'"],
    );
    explain("+@all -@read ~*", "get k", &["-@read denies the command get"]);
    explain("~*", "get k", &["-@all denies the command get"]);
    explain("+config -config|get", "config get x", &["-config|get denies the command config|get"]);
    explain("+config -config|get", "config set x y", &["+config allows the command config|set"]);
    // `config` is of the category as a whole, so it stands for its subcommands.
    explain("+config|get -@slow", "config get x", &["-@slow denies the command config|get"]);
    explain("+select|0", "select 0", &["+select|0 allows the command select"]);
    explain("+set ~a", "set k v", &["no rule allows writing the key 'k'"]);
    explain("+set %R~k", "set k v get", &["no rule allows reading and writing the key 'k'"]);
    explain("+exists ~k", "exists k", &["+exists allows the command exists", "~k allows naming the key 'k'"]);
    explain(
        "+publish &c*",
        "publish c1 m",
        &["+publish allows the command publish", "&c* allows the channel 'c1'"],
    );
    explain("+subscribe &c*", "subscribe c1 x", &["no rule allows the channel 'x'"]);
    explain(
        "+get ~a (+set_~b)",
        "get b",
        &["no rule allows reading the key 'b'", "-@all denies the command get (selector 1)"],
    );
    explain(
        "+get ~a (+set_~b)",
        "set b v",
        &["+set allows the command set (selector 1)", "~b allows writing the key 'b' (selector 1)"],
    );
    explain("+@all ~* db=1,2", "get k", &["db=1,2 denies the databases that get works in"]);
    explain("+@all resetdbs", "select 0", &["resetdbs denies the database 0"]);
    explain("-@all", "auth a b", &["no rule is needed for the command auth"]);
}
