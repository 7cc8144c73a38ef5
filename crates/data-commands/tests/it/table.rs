//! The table of all commands as data.

use command_tests::specs::with_subcommands;
use data_commands::{FAMILIES, all};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn names_are_unique_and_lower_case() {
    let mut seen = BTreeSet::new();
    for (name, _) in FAMILIES.iter().flat_map(|family| with_subcommands(family)) {
        assert_eq!(name, name.to_ascii_lowercase());
        assert!(seen.insert(name.clone()), "{name} stands twice");
    }
    assert_eq!(FAMILIES.iter().map(|family| family.len()).sum::<usize>(), all().count());
}

/// What is asked of every family is asked by the tests of its crate: a crate that does not ask would go unnoticed.
#[test]
fn every_family_is_tested() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(here.join("Cargo.toml")).expect("this crate's manifest");
    let (_, rest) = manifest.split_once("[dependencies]").expect("dependencies");
    let (dependencies, _) = rest.split_once("\n[").expect("another section");
    let names = dependencies.lines().filter_map(|line| line.strip_suffix(".workspace = true"));
    let families: Vec<&str> = names.filter(|name| *name != "commands").collect();
    assert_eq!(families.len(), FAMILIES.len(), "{families:?}");
    for family in families {
        let tests = here.join(format!("../{family}/tests/it/main.rs"));
        let tests = std::fs::read_to_string(tests).expect("its tests");
        // However its lines are broken.
        let tests: String = tests.split_whitespace().collect::<Vec<_>>().join(" ").replace("!( ", "!(");
        let asked = format!("command_tests::family!({}::COMMANDS", family.replace('-', "_"));
        assert!(tests.contains(&asked), "the tests of {family} don't say {asked}");
        assert!(tests.contains("mod cost;"), "{family} has no cases of costs");
    }
}
