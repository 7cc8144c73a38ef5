//! A long command is refused where others wait for it, before anything has happened, and runs where they do not.

use crate::session::Session;
use commands::Effort;
use profile::Profile;

const ELEMENTS: usize = 300_000;
const BYTES: usize = 20 << 20;

/// Calls that take long on the values of [`filled`], one at least of each command that may.
const LONG: &[&str] = &[
    "APPEND string more",
    "BITCOUNT string",
    "BITCOUNT string 3 -3 BIT",
    "BITFIELD new SET u8 167772160 1",
    "BITFIELD string SET u8 167772200 1",
    "BITOP AND result string part",
    "BITOP NOT result string",
    "BITPOS string 1 1",
    "COPY hash copy",
    "COPY list copy REPLACE",
    "COPY string copy",
    "DUMP hash",
    "DUMP list",
    "DUMP string",
    "GEORADIUS ranked -180 -85 1000 km",
    "GEORADIUS_RO ranked -180 -85 1000 km COUNT 1",
    "GEOSEARCH ranked FROMLONLAT -180 -85 BYBOX 1000 1000 km",
    "GEOSEARCH ranked FROMLONLAT -180 -85 BYRADIUS 100 km COUNT 200000 ANY",
    "GEOSEARCHSTORE result ranked FROMLONLAT -180 -85 BYRADIUS 1000 km",
    "GET string",
    "GETDEL string",
    "GETEX string PERSIST",
    "GETRANGE string 0 -2",
    "GETSET string other",
    "HGETALL hash",
    "HKEYS hash",
    "HRANDFIELD hash 200000",
    "HVALS hash",
    "LCS part part",
    "LINSERT list BEFORE nothing more",
    "LPOP list 200000",
    "LPOS list nothing",
    "LPOS list nothing RANK -1 COUNT 0",
    "LRANGE list 0 -1",
    "LRANGE list 100000 200000",
    "LREM list 0 nothing",
    "RPOP list 200000",
    "SDIFF members other",
    "SDIFF members one one one one one",
    "SDIFFSTORE result members other",
    "SINTER members other",
    "SINTERCARD 2 members other",
    "SINTERSTORE result members other",
    "SMEMBERS members",
    "SORT list ALPHA",
    "SORT list BY nosort",
    "SORT members BY key_* GET key_*",
    "SORT members ALPHA STORE result",
    "SORT_RO members ALPHA LIMIT 0 1",
    "SPOP members 200000",
    "SRANDMEMBER members 20000",
    "SET string other GET",
    "SETBIT new 167772160 1",
    "SETBIT string 167772200 1",
    "SETRANGE string 41943040 more",
    "SETRANGE new 20971520 more",
    "SUBSTR string 0 -2",
    "SUNION members one",
    "SUNIONSTORE result members one",
    "ZDIFF 2 ranked one WITHSCORES",
    "ZDIFFSTORE result 2 ranked one",
    "ZINTER 2 ranked members",
    "ZINTERCARD 2 ranked members",
    "ZINTERSTORE result 2 ranked members",
    "ZPOPMAX ranked 100000",
    "ZPOPMIN ranked 100000",
    "ZMPOP 1 ranked MIN COUNT 100000",
    "ZRANDMEMBER ranked 20000",
    "ZRANGE ranked 0 -1",
    "ZRANGEBYSCORE ranked -inf +inf WITHSCORES",
    "ZRANGESTORE result ranked 0 -1",
    "ZREMRANGEBYRANK ranked 0 -2",
    "ZREMRANGEBYSCORE ranked 10 +inf",
    "ZREVRANGE ranked 10 -10",
    "ZUNION 2 ranked one",
    "ZUNIONSTORE result 1 ranked",
];

/// Calls of the same commands, and of others, that take no longer on a large value than on a small one.
const SHORT: &[&str] = &[
    "BITCOUNT string 0 100",
    "BITFIELD string INCRBY u8 100 1",
    "BITPOS string 0 0 100",
    "GEOADD ranked 1 1 more",
    "GEODIST ranked 7 9",
    "GEOPOS ranked 7 9",
    "GEOSEARCH ranked FROMLONLAT 0 0 BYRADIUS 1000 km",
    "GEOSEARCH ranked FROMLONLAT -180 -85 BYRADIUS 1000 km COUNT 10 ANY",
    "GEOSEARCHSTORE result ranked FROMLONLAT 0 0 BYBOX 1000 1000 km",
    "GETBIT string 100000000",
    "GETRANGE string 0 100",
    "HGET hash 7",
    "HLEN hash",
    "HRANDFIELD hash 3",
    "HSCAN hash 0",
    "LINDEX list 3",
    "LINDEX list -3",
    "LLEN list",
    "LPOP list",
    "LPOS list nothing MAXLEN 100",
    "LRANGE list 0 100",
    "LRANGE list -100 -1",
    "LSET list -5 other",
    "LTRIM list 1 -2",
    "RPUSH list more",
    "SADD members more",
    "SCARD members",
    "SDIFF one members",
    "SET string other",
    "SETBIT string 100 1",
    "SINTER members one",
    "SINTERCARD 2 one members",
    "SISMEMBER members 7",
    "SMOVE members one 7",
    "SORT list BY nosort LIMIT 0 10",
    "SORT_RO list BY nosort DESC LIMIT 0 10",
    "SORT one GET key_*",
    "SPOP members 3",
    "SRANDMEMBER members 3",
    "SREM members 9",
    "SSCAN members 0",
    "STRLEN string",
    "ZADD ranked 5 more",
    "ZCARD ranked",
    "ZCOUNT ranked -inf +inf",
    "ZDIFF 2 one ranked",
    "ZINCRBY ranked 5 7",
    "ZINTER 2 ranked one",
    "ZINTERCARD 2 one ranked",
    "ZPOPMIN ranked 3",
    "ZRANDMEMBER ranked 3",
    "ZRANGE ranked 100000 100010",
    "ZRANGEBYSCORE ranked -inf +inf LIMIT 1000 10",
    "ZRANK ranked 9",
    "ZREM ranked 9",
    "ZREMRANGEBYSCORE ranked 11 20",
    "ZREVRANGE ranked 0 10",
    "ZSCAN ranked 0",
    "ZSCORE ranked 8",
];

fn filled() -> Session {
    let mut session = Session::new(Profile::Valkey80);
    let numbers: Vec<String> = (0..ELEMENTS).map(|n| n.to_string()).collect();
    let push = ["RPUSH", "list"].into_iter().chain(numbers.iter().map(String::as_str));
    session.call(&push.collect::<Vec<_>>());
    let pairs = numbers.iter().flat_map(|number| [number.as_str(), "value"]);
    session.call(&["HSET", "hash"].into_iter().chain(pairs).collect::<Vec<_>>());
    for key in ["members", "other"] {
        let add = ["SADD", key].into_iter().chain(numbers.iter().map(String::as_str));
        session.call(&add.collect::<Vec<_>>());
    }
    let pairs = numbers.iter().flat_map(|number| [number.as_str(), number]);
    session.call(&["ZADD", "ranked"].into_iter().chain(pairs).collect::<Vec<_>>());
    session.line("SADD one 5");
    session.call(&[b"SET", &b"string"[..], &vec![b'x'; BYTES]]);
    session.call(&[b"SET", &b"part"[..], &vec![b'x'; 5000]]);
    session.line("EXPIRE string 1000");
    session
}

/// All that the values show of a change.
fn state(session: &mut Session) -> Vec<String> {
    [
        "LLEN list",
        "HLEN hash",
        "SCARD members",
        "ZCARD ranked",
        "STRLEN string",
        "TTL string",
        "EXISTS copy new result",
        "LINDEX list 0",
        "LINDEX list -1",
    ]
    .map(|line| session.line(line))
    .to_vec()
}

#[test]
fn what_takes_long_is_refused_before_anything_has_happened() {
    let mut session = filled();
    let before = state(&mut session);
    for line in LONG {
        session.effort = Effort::SHORT;
        let refused = session.line(line);
        assert_eq!(refused, "(error) TRYAGAIN the command takes long", "{line}");
        assert!(session.scratch().effects.records().is_empty(), "{line}");
        session.effort = Effort::ANY;
        assert_eq!(state(&mut session), before, "{line}");
    }
    for line in LONG {
        assert!(!session.line(line).starts_with("(error)"), "{line}");
    }
}

#[test]
fn a_small_part_of_a_large_value_is_answered_at_once() {
    let mut session = filled();
    session.effort = Effort::SHORT;
    for line in SHORT {
        assert!(!session.line(line).starts_with("(error)"), "{line}");
    }
}

#[test]
fn a_small_value_is_never_refused() {
    let mut session = Session::new(Profile::Valkey80);
    let grows = |line: &&&str| !["SETBIT", "SETRANGE", "SET u8"].iter().any(|word| line.contains(word));
    for line in LONG.iter().filter(grows) {
        session.reset();
        session.effort = Effort::SHORT;
        for make in [
            "RPUSH list a b c",
            "HSET hash a b",
            "SADD members a b",
            "SADD other b",
            "SADD one a",
            "ZADD ranked 1 a 2 b",
            "SET string value",
            "SET part value",
        ] {
            session.line(make);
        }
        assert!(!session.line(line).starts_with("(error)"), "{line}");
    }
}

#[test]
fn what_many_arguments_make_long_is_refused() {
    let mut session = Session::new(Profile::Valkey80);
    for (words, n) in [("PFADD sketch", 2_000), ("PFCOUNT", 200), ("PFMERGE merged", 200), ("PFSELFTEST", 0)]
    {
        let more = (0..n).map(|number| format!("k{number}"));
        let argv: Vec<String> = words.split(' ').map(str::to_owned).chain(more).collect();
        session.effort = Effort::SHORT;
        assert!(session.call(&argv).starts_with(b"-TRYAGAIN"), "{words}");
        assert_eq!(session.line("EXISTS sketch merged"), "(integer) 0", "{words}");
        if n > 0 {
            assert!(!session.call(&argv[..argv.len() - n + 3]).starts_with(b"-"), "{words}");
        }
        session.effort = Effort::ANY;
        assert!(!session.call(&argv).starts_with(b"-"), "{words}");
        session.line("DEL sketch merged");
    }
}
