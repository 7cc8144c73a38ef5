//! The table walked as data.

use std::collections::HashSet;

use config::{Asker, Config, Mutability, Settings, Standing, table};
use profile::Profile;
use proptest::prelude::*;

#[test]
fn every_profile_has_its_defaults() {
    for profile in Profile::ALL {
        let config = Config::new(*profile);
        assert_eq!(config.settings().engine, *profile);
        for row in table::rows().filter(|row| row.exists_in(*profile)) {
            let shown = config.value(row.name).expect("the row exists");
            assert_eq!(String::from_utf8_lossy(&shown), row.default_text(*profile), "{}", row.name);
        }
    }
}

#[test]
fn names_and_aliases_are_unique_within_a_profile() {
    for profile in Profile::ALL {
        let mut seen = HashSet::new();
        for row in table::rows().filter(|row| row.exists_in(*profile)) {
            for name in [Some(row.name), row.alias].into_iter().flatten() {
                assert!(seen.insert(name), "{name} twice in {profile}");
            }
        }
    }
}

#[test]
fn a_row_is_honoured_exactly_when_it_has_a_field() {
    let fields: HashSet<_> = Settings::NAMES.iter().copied().collect();
    for profile in Profile::ALL {
        for row in table::rows().filter(|row| row.exists_in(*profile)) {
            let names = [Some(row.name), row.alias];
            let has_field = names.into_iter().flatten().any(|name| fields.contains(name));
            assert_eq!(row.standing == Standing::Honoured, has_field, "{}", row.name);
        }
    }
    for name in fields {
        assert!(
            Profile::ALL.iter().any(|profile| table::find(*profile, name).is_some()),
            "{name} has no row"
        );
    }
}

#[test]
fn reasons_are_sentences() {
    for row in table::rows() {
        if let Standing::Accepted(reason) | Standing::Awaited(reason) | Standing::Refused(reason) =
            row.standing
        {
            assert!(reason.ends_with('.') && reason.len() > 15, "{}: {reason}", row.name);
        }
    }
}

#[test]
fn valkey_differs_where_it_should() {
    let config = Config::new(Profile::Valkey80);
    for (name, value) in [
        ("lazyfree-lazy-user-del", "yes"),
        ("replica-lazy-flush", "yes"),
        ("repl-backlog-size", "10485760"),
        ("masterauth", ""),
        ("primaryauth", ""),
        ("set-max-listpack-entries", "128"),
        ("io-threads-do-reads", "yes"),
        ("availability-zone", ""),
    ] {
        assert_eq!(config.value(name).as_deref(), Some(value.as_bytes()), "{name}");
    }
    let redis = Config::new(Profile::Redis70);
    for name in ["primaryauth", "set-max-listpack-entries", "availability-zone", "import-mode"] {
        assert_eq!(redis.value(name), None, "{name}");
    }
    assert_eq!(config.value("import-mode"), None);
}

#[test]
fn setting_what_is_shown_changes_nothing() {
    for profile in Profile::ALL {
        for row in
            table::rows().filter(|row| row.exists_in(*profile) && row.mutability == Mutability::Mutable)
        {
            let mut config = Config::new(*profile);
            let shown = config.value(row.name).expect("the row exists");
            let applied = config.set(&[(row.name, &shown)], Asker::default());
            assert_eq!(applied.map(|applied| applied.changed), Ok(Vec::new()), "{}", row.name);
        }
    }
}

/// A value that some parameter may take: numbers, sizes, words, lists of them, noise.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i32>().prop_map(|number| number.to_string()),
        (0u64..5000, prop_oneof!["", "k", "kb", "mb", "gb", "%", "x"])
            .prop_map(|(n, unit)| format!("{n}{unit}")),
        "yes|no|local|allkeys-lru|volatile-ttl|notice|nothing|always|swapdb|nosave force|save",
        "[1-9][0-9]{0,4} [0-9]{1,4}( [1-9][0-9]{0,4} [0-9]{1,4}){0,2}",
        "(normal|slave|replica|pubsub) [0-9]{1,3}(mb|gb)? [0-9]{1,3} [0-9]{1,3}",
        // Beside `A` the server does not show `n`.
        "[g$lshzxeKEtmdn]{0,6}",
        "[Ag$lshzxeKEtmd]{0,6}",
        "[a-z0-9./ -]{0,12}",
        "\\PC{0,8}",
    ]
}

/// What `bind` is set to is written into a file as it is, as redis-server does it: spaces between addresses, no quotes. Other
/// values do not stay: the node tries to listen there first.
fn could_be_addresses(value: &[u8]) -> bool {
    let is_address = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|&byte| byte.is_ascii_alphanumeric() || b".:*-%".contains(&byte))
    };
    value.is_empty() || value.split(|&byte| byte == b' ').all(is_address)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever can be set is shown in a form that sets the same, on every parameter that can be set.
    #[test]
    fn what_is_shown_can_be_set(
        profile in prop::sample::select(Profile::ALL),
        values in proptest::collection::vec(value(), 1..8)
    ) {
        for row in table::rows().filter(|row| row.exists_in(profile) && row.mutability == Mutability::Mutable) {
            let mut config = Config::new(profile);
            for value in &values {
                if config.set(&[(row.name, value)], Asker::default()).is_err() {
                    continue;
                }
                let shown = config.value(row.name).expect("the row exists");
                let mut other = Config::new(profile);
                let applied = other.set(&[(row.name, &shown)], Asker::default());
                prop_assert!(applied.is_ok(), "{} = {:?}", row.name, String::from_utf8_lossy(&shown));
                prop_assert_eq!(other.value(row.name), Some(shown), "{}", row.name);
                prop_assert_eq!(other.settings(), config.settings());
            }
        }
    }

    /// A rewritten file loads to the same values.
    #[test]
    fn what_is_rewritten_loads_the_same(
        choices in proptest::collection::vec((any::<prop::sample::Index>(), value()), 1..20)
    ) {
        let names: Vec<_> = table::rows().filter(|row| row.exists_in(Profile::Valkey80)).map(|row| row.name).collect();
        let mut config = Config::new(Profile::Valkey80);
        for (index, value) in &choices {
            let name = names[index.index(names.len())];
            if name != "bind" || could_be_addresses(value.as_bytes()) {
                let _ = config.set(&[(name, value)], Asker::default());
            }
        }
        let text = config.rewrite(b"# mine\nport 7000\n", &[]);
        let loaded = Config::load(Profile::Valkey80, &text, &mut config::NoDirectives);
        let loaded = loaded.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(loaded.get(&["*"]), config.get(&["*"]));
    }
}
