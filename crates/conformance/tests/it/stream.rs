//! What goes to replicas: the same from Engram as from the real servers.

use conformance::peer::Launch;
use conformance::stream::Line::{self, Answered, Ask, Block, Pass};
use conformance::stream::of;

use crate::{oracle, subject};

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
