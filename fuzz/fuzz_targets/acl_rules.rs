//! Rules and ACL files of any bytes: what is taken is written out and read back as the same, a refused change changes nothing, and who is
//! unrestricted is denied nothing.
#![no_main]

use acl::{Catalogue, Entry, Request, Users};
use command_spec::{Categories, KeyFlags};
use libfuzzer_sys::fuzz_target;
use profile::Profile;

const COMMANDS: &[(&str, Categories, bool)] = &[
    ("get", Categories::READ.union(Categories::STRING).union(Categories::FAST), true),
    ("set", Categories::WRITE.union(Categories::STRING).union(Categories::SLOW), true),
    ("config", Categories::SLOW, false),
    ("config|get", Categories::ADMIN.union(Categories::DANGEROUS).union(Categories::SLOW), false),
    ("config|set", Categories::ADMIN.union(Categories::DANGEROUS).union(Categories::SLOW), false),
    ("select", Categories::CONNECTION.union(Categories::FAST), false),
    ("publish", Categories::PUBSUB.union(Categories::FAST), false),
    ("psubscribe", Categories::PUBSUB.union(Categories::SLOW), false),
    ("copy", Categories::KEYSPACE.union(Categories::WRITE).union(Categories::SLOW), true),
    ("flushall", Categories::KEYSPACE.union(Categories::WRITE).union(Categories::DANGEROUS), false),
];

/// The most parts of one input: each is written and read, and what it wrote is written and read again with the next.
const PARTS: usize = 8;

/// All users, as a file has them.
fn lines(users: &Users, catalogue: &Catalogue) -> Vec<u8> {
    users.save(catalogue)
}

// The first byte chooses the profile. Parts end at 0xff: files, which begin with f, and rules, which end at 0xfe.
fuzz_target!(|data: &[u8]| {
    let [profile, rest @ ..] = data else { return };
    let profile = Profile::ALL[usize::from(*profile) % Profile::ALL.len()];
    let entries = COMMANDS.iter().enumerate().map(|(id, &(full_name, categories, has_keys))| Entry {
        id,
        full_name,
        categories,
        no_auth: false,
        has_keys,
    });
    let catalogue = Catalogue::new(profile, entries);
    let mut users = Users::new(&catalogue, false);
    for part in rest.split(|byte| *byte == 0xff).take(PARTS) {
        let before = lines(&users, &catalogue);
        let taken = match part {
            [b'f', file @ ..] => users.load(&catalogue, "f", file).is_ok(),
            rules => {
                let rules: Vec<&[u8]> = rules.split(|byte| *byte == 0xfe).collect();
                users.set(&catalogue, b"u", &rules).is_ok()
            }
        };
        let after = lines(&users, &catalogue);
        assert!(taken || before == after);
        let mut again = Users::new(&catalogue, false);
        let read = again.load(&catalogue, "f", &after);
        assert!(read.is_ok(), "{} {}", String::from_utf8_lossy(&after), read.unwrap_err().escape_ascii());
        assert_eq!(String::from_utf8_lossy(&lines(&again, &catalogue)), String::from_utf8_lossy(&after));
        for (name, user) in users.iter() {
            let read = again.get(name).expect("it was saved");
            for (id, &(full_name, _, has_keys)) in COMMANDS.iter().enumerate() {
                let argv: Vec<&[u8]> = full_name.split('|').map(str::as_bytes).chain([&b"k"[..], b"1"]).collect();
                let keys = has_keys.then_some((1, KeyFlags::ACCESS)).into_iter();
                let command = catalogue.id(full_name.as_bytes()).expect("it is in the catalogue");
                assert_eq!(command.number(), id);
                let request = Request { command, argv: &argv, keys, database: 0, databases: 16 };
                let outcome = user.check(&catalogue, &request);
                assert_eq!(read.check(&catalogue, &request), outcome);
                assert_eq!(user.explain(&catalogue, &request).outcome, outcome);
                assert!(!user.is_unrestricted() || outcome.is_ok());
            }
        }
    }
});
