//! What goes to replicas: the same from Engram as from the real servers.

use conformance::peer::Launch;
use conformance::stream::Line::{self, Answered, Ask, Block, Pass};
use conformance::stream::of;

use crate::{oracle, subject, valkeys};

/// Times, options and results that are replicated in another form than they were written, and what a server does by itself.
const SCENARIO: &[Line] = &[
    Ask("DEBUG SET-ACTIVE-EXPIRE 0"),
    Ask("SET a 1 EX 100 GET"),
    Ask("GETEX a EX 50"),
    Ask("GETEX a PERSIST"),
    Ask("INCRBYFLOAT a 1.5"),
    Ask("EXPIRE a 100 NX"),
    Ask("EXPIRE a -1"),
    // A scan meets keys that have nothing to do with each other.
    Ask("SET e1 v PX 1"),
    Ask("SET e2 v PX 1"),
    Pass(2),
    Ask("SCAN 0 COUNT 1000"),
    Ask("MULTI"),
    Ask("SET e3 v PX 1"),
    Ask("SET e4 v PX 1"),
    Ask("EXEC"),
    Pass(2),
    Ask("RANDOMKEY"),
    Ask("SCAN 0 COUNT 1000"),
    Ask("SET e5 v PX 1"),
    Ask("SET e6 v PX 1"),
    Pass(2),
    Ask("MULTI"),
    Ask("SCAN 0 COUNT 1000"),
    Ask("EXEC"),
    // More than one database in a transaction.
    Ask("SELECT 3"),
    Ask("MULTI"),
    Ask("SET a 1"),
    Ask("SELECT 4"),
    Ask("SET a 2"),
    Ask("EXEC"),
    Ask("SELECT 0"),
    // Positions become scores; a search that stores nothing is nothing.
    Ask("GEOADD g CH 13.361389 38.115556 Palermo 180 85.05112878 edge"),
    Ask("GEOADD g NX 1 1 Palermo"),
    Ask("geoadd g xx 1 1 Palermo"),
    Ask("GEORADIUS g 1 1 200 km STORE g2"),
    Ask("GEORADIUS g 1 1 200 km"),
    Ask("GEOSEARCHSTORE g2 g FROMLONLAT 0 0 BYRADIUS 1 m"),
    Ask("GEOSEARCHSTORE g2 g FROMLONLAT 0 0 BYRADIUS 1 m"),
    // What clients who waited do.
    Block("BLMOVE list other LEFT RIGHT 0"),
    Ask("RPUSH list x"),
    Answered("\"x\""),
    Block("BRPOPLPUSH list other 0"),
    Ask("RPUSH list y"),
    Answered("\"y\""),
    Block("BLMPOP 0 2 list list2 LEFT COUNT 10"),
    Ask("RPUSH list2 a b c"),
    Answered("1) \"list2\"\n2) 1) \"a\"\n   2) \"b\"\n   3) \"c\""),
    Block("BLPOP list 0"),
    Ask("MULTI"),
    Ask("RPUSH list x"),
    Ask("PEXPIRE list 1"),
    Ask("DEBUG SLEEP 0.01"),
    Ask("EXEC"),
    // It is there no more, and the client waits on.
    Ask("SELECT 5"),
    Ask("RPUSH list x"),
    Ask("PEXPIRE list 1"),
    Pass(2),
    Ask("SWAPDB 0 5"),
    Ask("SELECT 0"),
    Ask("RPUSH list z"),
    Answered("1) \"list\"\n2) \"z\""),
];

/// What differs between the versions.
const PAST: &[Line] = &[
    Ask("DEBUG SET-ACTIVE-EXPIRE 0"),
    Ask("SET a 1"),
    Ask("SET a 2 PXAT 1"),
    Ask("SET b 2 EXAT 1"),
    Ask("SET b 2 pxat 99999999999999 GET"),
    Ask("SET b 2 EXAT 9999999999 NX"),
    // A scan that asks for other keys leaves those alone whose time has come.
    Ask("SET e1 v PX 1"),
    Ask("RPUSH e2 a"),
    Ask("PEXPIRE e2 1"),
    Ask("SET f1 v PX 1"),
    Pass(2),
    Ask("SCAN 0 MATCH e* COUNT 100 TYPE string"),
    Ask("MULTI"),
    Ask("SET c 1"),
    Ask("SELECT 2"),
    Ask("SET c 2"),
    Ask("EXEC"),
];

#[track_caller]
fn stream(launch: &Launch, scenario: &[Line]) -> String {
    let commands = of(launch, scenario).unwrap_or_else(|error| panic!("{}: {error:#}", launch.name()));
    commands.join("\n")
}

#[test]
fn replicas_get_the_same_from_redis_server_and_engram() {
    let (Some(oracle), Some(subject)) = (oracle(), subject("redis-7.0")) else { return };
    let expected = stream(&oracle, SCENARIO);
    assert!(expected.contains("LMOVE list other left right"), "{expected}");
    assert_eq!(stream(&subject, SCENARIO), expected);
    assert_eq!(stream(&subject, PAST), stream(&oracle, PAST));
}

/// As valkey-server 8.0.1 sent it.
#[test]
fn replicas_of_a_later_version_get_what_that_sends() {
    let Some(subject) = subject("valkey-8.0") else { return };
    let past = "SELECT 0\nSET a 1\nUNLINK a\nSET b 2 pxat 99999999999999 GET\nSET e1 v PXAT <ms>\nRPUSH e2 a\n\
                PEXPIREAT e2 <ms>\nSET f1 v PXAT <ms>\nUNLINK e1\nMULTI\nSET c 1\nSELECT 2\nSET c 2\nEXEC";
    assert_eq!(stream(&subject, PAST), past);
    let all = stream(&subject, SCENARIO);
    for part in [
        "UNLINK e1\nUNLINK e2\nMULTI\nSET e3",
        "MULTI\nUNLINK e5\nUNLINK e6\nEXEC",
        "MULTI\nSELECT 3\nSET a 1\nSELECT 4\nSET a 2\nEXEC",
        "LMOVE list other LEFT RIGHT",
        "SWAPDB 0 5\nMULTI\nSELECT 0\nUNLINK list\nRPUSH list z\nEXEC",
    ] {
        assert!(all.contains(part), "no {part:?} in {all}");
    }
}

/// What Valkey sends in the words of the client, and in which words of its own.
const WORDS: &[Line] = &[
    Ask("set a 1 EX 100"),
    Ask("set a 1 EX 100 XX"),
    Ask("pexpireat a 9999999999999 GT"),
    Ask("geoadd g nx 1 1 a"),
    Ask("XGROUP CREATE s g 0 MKSTREAM"),
    Ask("XADD s 9-1 f v"),
    Ask("XADD s 9-2 f v"),
    Ask("XREADGROUP GROUP g c COUNT 1 STREAMS s >"),
    Ask("XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >"),
    Ask("XREADGROUP GROUP g c COUNT 1 STREAMS s >"),
    Ask("XADD s 10 f v"),
    Ask("XCLAIM s g d 0 10 FORCE"),
    Ask("function flush"),
    Ask("HSET h a 1 b 2"),
    Ask("hexpire h 100 nx FIELDS 2 a none"),
    Ask("hexpire h 100 NX FIELDS 2 a none"),
    Ask("hpexpireat h 9999999999999 FIELDS 2 a none"),
    Ask("hpersist h FIELDS 2 a none"),
    Ask("hsetex h FXX keepttl fields 1 a 5"),
    Ask("hsetex h FXX ex 100 fields 1 a 5"),
    Ask("hsetex h pxat 9999999999999 fields 1 a 5"),
];

/// As valkey-server 8.1.8 and 9.1.2 send it.
const OF_81: &str = "SELECT 0\nSET a 1 PXAT <ms>\nSET a 1 PXAT <ms>\npexpireat a 9999999999999 GT\nzadd g nx 3377822707026402 a\n\
    XGROUP CREATE s g 0 MKSTREAM\nXADD s 9-1 f v\nXADD s 9-2 f v\nMULTI\n\
    XCLAIM s g c 0 9-1 TIME <ms> RETRYCOUNT 1 FORCE JUSTID LASTID 9-1\nXGROUP SETID s g 9-1 ENTRIESREAD 1\nEXEC\n\
    XGROUP SETID s g 9-2 ENTRIESREAD 2\nXADD s 10 f v\nXCLAIM s g d 0 10 TIME <ms> RETRYCOUNT 2 FORCE JUSTID LASTID 9-2\n\
    function flush\nHSET h a 1 b 2";
const OF_91: &str = "SELECT 0\nset a 1 PXAT <ms>\nSET a 1 PXAT <ms>\npexpireat a 9999999999999 GT\nZADD g nx 3377822707026402 a\n\
    XGROUP CREATE s g 0 MKSTREAM\nXADD s 9-1 f v\nXADD s 9-2 f v\nMULTI\n\
    XCLAIM s g c 0 9-1 TIME <ms> RETRYCOUNT 1 FORCE JUSTID LASTID 9-1\nXGROUP SETID s g 9-1 ENTRIESREAD 1\nEXEC\n\
    XGROUP SETID s g 9-2 ENTRIESREAD 2\nXADD s 10 f v\nXCLAIM s g d 0 10 TIME <ms> RETRYCOUNT 2 FORCE JUSTID LASTID 9-2\n\
    function flush\nHSET h a 1 b 2\nHPEXPIREAT h <ms> nx FIELDS 2 a none\nhpexpireat h 9999999999999 FIELDS 2 a none\n\
    hpersist h FIELDS 2 a none\nhsetex h keepttl fields 1 a 5\nhsetex h PXAT <ms> fields 1 a 5\n\
    hsetex h pxat 9999999999999 fields 1 a 5";

#[test]
fn replicas_of_valkey_get_the_words_of_its_clients() {
    for (profile, real) in valkeys() {
        let Some(subject) = subject(profile.name()) else { return };
        assert_eq!(stream(&subject, WORDS), stream(&real, WORDS), "{profile}");
    }
    for (engine, expected) in [("valkey-8.1", OF_81), ("valkey-9.1", OF_91)] {
        let Some(subject) = subject(engine) else { return };
        assert_eq!(stream(&subject, WORDS), expected, "{engine}");
    }
}
