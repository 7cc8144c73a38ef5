//! CONFIG GET and CONFIG SET: texts to the byte, all or nothing.

use config::{Asker, Config, KeyspaceEvents, MaxmemoryPolicy};
use profile::Profile;

/// Sets the pairs and gives the reply's text, `OK` when there is none.
fn reply(config: &mut Config, pairs: &[(&str, &str)]) -> String {
    match config.set(pairs, Asker::default()) {
        Ok(_) => "OK".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn check(pairs: &[(&str, &str)], expected: &str) {
    assert_eq!(reply(&mut Config::new(Profile::Redis70), pairs), expected);
}

#[test]
fn errors_are_those_of_the_server() {
    check(&[("PORT", "1"), ("foo", "2")], "ERR Unknown option or number of arguments for CONFIG SET - 'foo'");
    check(
        &[("port", "99999")],
        "ERR CONFIG SET failed (possibly related to argument 'port') - argument must be between 0 and 65535 inclusive",
    );
    check(
        &[("port", "0"), ("port", "0")],
        "ERR CONFIG SET failed (possibly related to argument 'port') - duplicate parameter",
    );
    check(&[("slave-priority", "5"), ("replica-priority", "6")], "OK");
    check(
        &[("databases", "5"), ("foo", "3")],
        "ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config",
    );
    check(
        &[("dbfilename", "x")],
        "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config",
    );
    check(
        &[("maxmemory", "1t")],
        "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value",
    );
    check(
        &[("appendonly", "yes")],
        "ERR CONFIG SET failed (possibly related to argument 'appendonly') - The append-only file isn't available; \
         leave appendonly at no and use save points.",
    );
}

#[test]
fn all_or_nothing() {
    let mut config = Config::new(Profile::Valkey80);
    let before = config.get(&["*"]);
    assert!(reply(&mut config, &[("maxmemory", "1gb"), ("timeout", "x")]).contains("'timeout'"));
    assert_eq!(config.get(&["*"]), before);
    let applied =
        config.set(&[("maxmemory", "1gb"), ("timeout", "0"), ("masterauth", "pw")], Asker::default());
    assert_eq!(applied.map(|applied| applied.changed), Ok(vec!["maxmemory", "primaryauth"]));
    assert_eq!(config.settings().maxmemory_bytes, 1 << 30);
    assert_eq!(config.settings().masterauth, b"pw");
}

#[test]
fn settings_follow_and_snapshots_stay() {
    let mut config = Config::new(Profile::Redis70);
    let before = config.settings().clone();
    assert_eq!(
        reply(&mut config, &[("maxmemory-policy", "AllKeys-LRU"), ("notify-keyspace-events", "Kx")]),
        "OK"
    );
    assert_eq!(config.settings().maxmemory_policy, MaxmemoryPolicy::AllkeysLru);
    assert!(config.settings().notify_keyspace_events.has(KeyspaceEvents::EXPIRED));
    assert_eq!(before.maxmemory_policy, MaxmemoryPolicy::Noeviction);
}

/// Which keys may go, and by what, is in each policy's name.
#[test]
fn every_policy_can_be_set() {
    let mut config = Config::new(Profile::Redis70);
    for &name in MaxmemoryPolicy::WORDS {
        assert_eq!(reply(&mut config, &[("maxmemory-policy", name)]), "OK", "{name}");
        let policy = config.settings().maxmemory_policy;
        assert_eq!(policy.word(), name);
        assert_eq!(policy.is_volatile(), name.starts_with("volatile-"), "{name}");
        assert_eq!(policy.is_lfu(), name.ends_with("-lfu"), "{name}");
    }
}

#[test]
fn protected_parameters_follow_their_setting() {
    let text = b"enable-protected-configs local\n";
    let mut config =
        Config::load(Profile::Redis70, text, &mut config::NoDirectives).expect("the line is fine");
    assert!(config.set(&[("dbfilename", "x")], Asker { local: false, loading: false }).is_err());
    assert!(config.set(&[("dbfilename", "x")], Asker { local: true, loading: false }).is_ok());
    let loading = config.set(&[("dir", "/")], Asker { local: true, loading: true });
    assert_eq!(
        loading.map_err(|error| error.to_string()),
        Err("LOADING Redis is loading the dataset in memory".to_owned())
    );
}

#[test]
fn get_shows_names_as_asked_and_hidden_ones_only_by_name() {
    let config = Config::new(Profile::Redis70);
    let get = |patterns: &[&str]| {
        config
            .get(patterns)
            .into_iter()
            .map(|(name, value)| {
                format!("{}={}", String::from_utf8_lossy(&name), String::from_utf8_lossy(&value))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(get(&["PORT", "pOr*"]), ["PORT=6379"]);
    assert_eq!(get(&["mas\\ter*"]), ["masterauth=", "masteruser="]);
    assert_eq!(get(&["h[yz]", "hz"]), ["hz=10"]);
    assert_eq!(get(&["key-load-*", "workers*", "nothing"]), [""; 0]);
    assert_eq!(get(&["key-load-delay", "workers"]), ["key-load-delay=0", "workers=0"]);
    assert_eq!(get(&["slave-pri*"]), ["slave-priority=100"]);
}
