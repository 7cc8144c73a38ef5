//! A redis.conf that loads can be rewritten, and the rewritten one loads with the same values.
#![no_main]

use config::{Config, NoDirectives};
use libfuzzer_sys::fuzz_target;
use profile::Profile;

/// All values. Redis writes the addresses of `bind` unquoted, so an empty one among others does not come back.
fn values(config: &Config) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = config.get(&["*"]);
    for (name, value) in &mut all {
        if name.starts_with(b"bind") {
            let words = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
            *value = words.collect::<Vec<_>>().join(&b' ');
        }
    }
    all
}

// The first byte chooses the profile.
fuzz_target!(|data: &[u8]| {
    let [profile, text @ ..] = data else { return };
    let profile = Profile::ALL[usize::from(*profile) % Profile::ALL.len()];
    let Ok(config) = Config::load(profile, text, &mut NoDirectives) else { return };
    for old in [text, b""] {
        let new = config.rewrite(old, &[]);
        let again = Config::load(config.profile(), &new, &mut NoDirectives);
        let again = again.unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&new)));
        assert_eq!(values(&again), values(&config), "{}", String::from_utf8_lossy(&new));
    }
});
