//! Fields that have expired and are still there: what commands see of them, what they do to them, and what replicas are told.

use command_tests::{NOON_MS, Session};
use keyspace::{Expiry, Keys, KeysContext, Scratch};
use profile::Profile;
use resp::{Decoder, Frame};
use topology::Slot;

/// A session in which `h` has a field that does not expire, `left`, and two that just have, `gone` and `went`.
fn expired(profile: Profile) -> Session {
    let mut session = Session::new(profile);
    session.line("HSET h left 1 gone 2 went 3");
    session.line("HPEXPIRE h 10 FIELDS 2 gone went");
    session.now_ms += 10;
    session
}

/// The commands that the last one sent to replicas.
fn sent(session: &Session) -> Vec<String> {
    let mut decoder = Decoder::new();
    decoder.feed(session.scratch().effects.bytes());
    std::iter::from_fn(|| decoder.next_frame().expect("what was encoded"))
        .map(|frame| match frame {
            Frame::Array(words) => {
                let words = words.into_iter().map(|word| match word {
                    Frame::Bulk(text) => String::from_utf8(text).expect("text"),
                    other => panic!("{other:?}"),
                });
                words.collect::<Vec<_>>().join(" ")
            }
            other => panic!("{other:?}"),
        })
        .collect()
}

fn events(session: &Session) -> Vec<&'static str> {
    session.scratch().effects.events().iter().map(|event| event.name).collect()
}

/// Checks what a line answers on such a hash, what it sends and which events it has.
fn check(line: &str, reply: &str, stream: &[&str], of_events: &[&str]) {
    let mut session = expired(Profile::Valkey91);
    assert_eq!(session.line(line), reply, "{line}");
    assert_eq!(sent(&session), stream, "{line}");
    assert_eq!(events(&session), of_events, "{line}");
}

#[test]
fn readers_do_not_see_them() {
    for (line, reply) in [
        ("HGET h gone", "(nil)"),
        ("HMGET h gone left", "1) (nil)\n2) \"1\""),
        ("HEXISTS h gone", "(integer) 0"),
        ("HSTRLEN h gone", "(integer) 0"),
        ("HGETALL h", "1) \"left\"\n2) \"1\""),
        ("HKEYS h", "1) \"left\""),
        ("HVALS h", "1) \"1\""),
        ("HSCAN h 0", "1) \"0\"\n2) 1) \"left\"\n   2) \"1\""),
        ("HRANDFIELD h", "\"left\""),
        ("HRANDFIELD h 5", "1) \"left\""),
        ("HRANDFIELD h -2 WITHVALUES", "1) \"left\"\n2) \"1\"\n3) \"left\"\n4) \"1\""),
        ("HTTL h FIELDS 2 gone left", "1) (integer) -2\n2) (integer) -1"),
        ("HPEXPIRETIME h FIELDS 1 gone", "1) (integer) -2"),
        ("HGETEX h FIELDS 2 gone left", "1) (nil)\n2) \"1\""),
        // It counts what is there.
        ("HLEN h", "(integer) 3"),
    ] {
        check(line, reply, &[], &[]);
    }
    let mut session = expired(Profile::Valkey91);
    session.line("RPUSH l h");
    assert_eq!(session.line("SORT l BY nosort GET *->gone GET *->left"), "1) (nil)\n2) \"1\"");
    session.line("HPEXPIREAT h 1 FIELDS 1 left");
    assert_eq!(session.line("HRANDFIELD h"), "(nil)");
    assert_eq!(session.line("HRANDFIELD h -3"), "(empty array)");
    assert_eq!(session.line("HGETALL h"), "(empty array)");
    assert_eq!(session.line("EXISTS h"), "(integer) 1");
}

#[test]
fn writers_that_set_them_begin_anew() {
    check("HSET h gone 5", "(integer) 1", &["HSET h gone 5"], &["hexpired", "hset"]);
    check("HSETNX h gone 5", "(integer) 1", &["HSET h gone 5"], &["hexpired", "hset"]);
    check("HINCRBY h gone 5", "(integer) 5", &["HSET h gone 5"], &["hexpired", "hincrby"]);
    check("HINCRBYFLOAT h gone 5", "\"5\"", &["HSET h gone 5"], &["hexpired", "hincrbyfloat"]);
    check(
        "HSETEX h FNX FIELDS 1 gone 5",
        "(integer) 1",
        &["HSETEX h FIELDS 1 gone 5"],
        &["hexpired", "hset"],
    );
    check("HSETEX h FXX FIELDS 1 gone 5", "(integer) 0", &[], &[]);
    check(
        "HSETEX h KEEPTTL FIELDS 2 gone 5 left 6",
        "(integer) 1",
        &["HDEL h gone", "HSETEX h KEEPTTL FIELDS 2 gone 5 left 6"],
        &["hexpired", "hset"],
    );
    check(
        "HSETEX h PXAT 1 FIELDS 2 gone 5 none 5",
        "(integer) 1",
        &["HDEL h gone"],
        &["hset", "hexpire", "hexpired"],
    );
    check("HINCRBYFLOAT h gone inf", "(error) ERR value is NaN or Infinity", &[], &[]);
    let mut session = expired(Profile::Valkey91);
    session.line("HSET h gone 5 went 6");
    assert_eq!(session.scratch().effects.expired_fields, 2);
    assert_eq!(session.line("HTTL h FIELDS 2 gone went"), "1) (integer) -1\n2) (integer) -1");
    assert_eq!((session.line("HLEN h"), session.space().volatile_hashes(0)), ("(integer) 3".into(), 0));
    // Valkey 9.0 does not tell.
    let mut session = expired(Profile::Valkey90);
    session.line("HSET h gone 5");
    assert_eq!((events(&session), session.scratch().effects.expired_fields), (vec!["hset"], 0));
}

/// A replica may still have them: it is told of the other fields alone.
#[test]
fn writers_that_delete_or_mark_leave_them() {
    check("HDEL h gone", "(integer) 0", &[], &[]);
    check("HDEL h gone left", "(integer) 1", &["HDEL h left"], &["hdel"]);
    check("HGETDEL h FIELDS 2 gone left", "1) (nil)\n2) \"1\"", &["HDEL h left"], &["hdel"]);
    check(
        "HPEXPIREAT h 4102444800000 FIELDS 2 gone left",
        "1) (integer) -2\n2) (integer) 1",
        &["HPEXPIREAT h 4102444800000 FIELDS 1 left"],
        &["hexpire"],
    );
    check(
        "HEXPIRE h 0 FIELDS 2 gone left",
        "1) (integer) -2\n2) (integer) 2",
        &["HDEL h left"],
        &["hexpired"],
    );
    check("HPERSIST h FIELDS 2 gone left", "1) (integer) -2\n2) (integer) -1", &[], &[]);
    check(
        "HGETEX h PXAT 4102444800000 FIELDS 2 gone left",
        "1) (nil)\n2) \"1\"",
        &["HPEXPIREAT h 4102444800000 FIELDS 1 left"],
        &["hexpire"],
    );
    // Of a hash without such fields, a replica has what the primary has.
    let mut session = Session::new(Profile::Valkey91);
    session.line("HSET h a 1");
    session.line("HDEL h a b");
    assert_eq!((sent(&session), events(&session)), (vec!["HDEL h a b".to_owned()], vec!["hdel", "del"]));
}

/// Times are absolute. What has a condition is sent with it where a replica sees the same fields.
#[test]
fn replicas_get_what_was_done() {
    let mut session = Session::new(Profile::Valkey91);
    let mut check = |line: &str, stream: &[String]| {
        session.line(line);
        assert_eq!(sent(&session), stream, "{line}");
    };
    let at = NOON_MS + 100_000;
    check("HSETEX h FNX EX 100 FIELDS 2 a 1 b 2", &[format!("HSETEX h PXAT {at} FIELDS 2 a 1 b 2")]);
    check("HINCRBY h a 5", &[format!("HSETEX h PXAT {at} FIELDS 1 a 6")]);
    check("HINCRBYFLOAT h a 5", &[format!("HSETEX h PXAT {at} FIELDS 1 a 11")]);
    check("HINCRBY h c 5", &["HSET h c 5".to_owned()]);
    check("HEXPIRE h 100 FIELDS 2 a c", &[format!("HPEXPIREAT h {at} FIELDS 2 a c")]);
    check("HPEXPIRE h 100000 XX FIELDS 2 a c", &[format!("HPEXPIREAT h {at} XX FIELDS 2 a c")]);
    check("HEXPIRE h 200 NX FIELDS 3 a c none", &[]);
    check("HEXPIRE h 100 LT FIELDS 3 a c none", &[]);
    check(
        "HEXPIRE h 50 LT FIELDS 3 a none c",
        &[format!("HPEXPIREAT h {} LT FIELDS 3 a none c", NOON_MS + 50_000)],
    );
    check("HPERSIST h FIELDS 3 a none c", &["HPERSIST h FIELDS 3 a none c".to_owned()]);
    check("HGETEX h EX 100 FIELDS 2 a none", &[format!("HPEXPIREAT h {at} FIELDS 1 a")]);
    check("HGETEX h PERSIST FIELDS 2 a c", &["HPERSIST h FIELDS 1 a".to_owned()]);
    check("HEXPIRE h 0 FIELDS 4 a c none b", &["HDEL h a c b".to_owned()]);
    check("HSETEX h EX 0 FIELDS 1 a 1", &[]);
    check("HINCRBY plain c 5", &["HINCRBY plain c 5".to_owned()]);
}

/// What a replica runs: it deletes nothing on its own account, and sees what has expired in the stream of its primary.
#[test]
fn a_replica_applies_what_it_is_sent() {
    let mut session = expired(Profile::Valkey91);
    session.expiry = Expiry::Ignore;
    assert_eq!(session.line("HDEL h gone"), "(integer) 1");
    let past = NOON_MS - 1;
    assert_eq!(session.line(&format!("HPEXPIREAT h {past} FIELDS 1 left")), "1) (integer) 1");
    assert_eq!(session.line(&format!("HSETEX h PXAT {past} FIELDS 1 more 1")), "(integer) 1");
    assert_eq!(session.line("HLEN h"), "(integer) 3");
    assert_eq!(session.line("HMGET h left more"), "1) \"1\"\n2) \"1\"");
    session.expiry = Expiry::Hide;
    assert_eq!(session.line("HGETALL h"), "(empty array)");
    assert_eq!(session.line("HLEN h"), "(integer) 3");
}

fn reclaim(session: &Session, most: usize) -> (bool, Vec<String>, Vec<&'static str>) {
    let mut scratch = Scratch::default();
    scratch.effects.replicating = true;
    scratch.effects.wanted = keyspace::EventClass::all();
    let context = KeysContext {
        thread: 0,
        db: 0,
        now_ms: session.now_ms,
        expiry: Expiry::Delete,
        lazy_expire: true,
        no_touch: true,
        clock: keyspace::AccessClock::Lru,
    };
    session.in_world(|space, guard| {
        let mut keys = Keys::new(space, guard, &mut scratch, context);
        let more = keys.reclaim_fields(Slot::of(b"h"), most);
        let effects = keys.effects().take();
        let sent = effects.bytes().split(|byte| *byte == b'\n');
        let words = sent.filter(|line| line.first().is_some_and(|byte| !b"*$".contains(byte)));
        let words = words.map(|line| String::from_utf8_lossy(line).trim().to_owned()).collect();
        (more, words, effects.events().iter().map(|event| event.name).collect())
    })
}

#[test]
fn the_sweep_deletes_them_and_the_key_with_the_last() {
    let mut session = expired(Profile::Valkey91);
    assert_eq!(reclaim(&session, 100), (false, vec![], vec![]), "its window is not over");
    session.now_ms += 128;
    let (more, mut words, events) = reclaim(&session, 100);
    words[2..].sort();
    assert_eq!((more, words.join(" "), events), (false, "HDEL h gone went".into(), vec!["hexpired"]));
    assert_eq!((session.line("HLEN h"), session.space().volatile_hashes(0)), ("(integer) 1".into(), 0));
    session.line("HPEXPIRE h 1 FIELDS 1 left");
    session.now_ms += 1_000;
    let (_, words, events) = reclaim(&session, 100);
    assert_eq!((words.join(" "), events), ("HDEL h left".into(), vec!["hexpired", "del"]));
    assert_eq!((session.line("EXISTS h"), session.space().len(0)), ("(integer) 0".into(), 0));
}

#[test]
fn the_sweep_takes_a_few_at_a_time() {
    let mut session = Session::new(Profile::Valkey91);
    for number in 0..100 {
        session.line(&format!("HSETEX h PX 1 FIELDS 1 f{number} v"));
    }
    session.now_ms += 1_000;
    let mut rounds = 0;
    while reclaim(&session, 10).0 {
        rounds += 1;
    }
    assert!((9..=10).contains(&rounds), "{rounds}");
    assert_eq!(session.line("EXISTS h"), "(integer) 0");
}
