//! What commands were in earlier versions.
//!
//! A spec says what its command is in the newest profile. Where an earlier version differed, the difference stands here, so that
//! an older profile refuses, shows and allows what that version did.

use command_spec::{Flags, Spec};
use profile::Profile;

/// A difference that lasted until a version.
struct Earlier {
    /// `get`, or `config|get` of a subcommand.
    command: &'static str,
    /// The version from which on the spec holds.
    until: &'static str,
    change: fn(&mut Spec),
}

const fn earlier(command: &'static str, until: &'static str, change: fn(&mut Spec)) -> Earlier {
    Earlier { command, until, change }
}

fn not_from_scripts(spec: &mut Spec) {
    spec.flags.insert(Flags::NOSCRIPT);
}

/// The command refused itself inside MULTI, which left the transaction alive.
fn refused_by_itself(spec: &mut Spec) {
    spec.flags.remove(Flags::NO_MULTI);
}

fn with_an_argument(spec: &mut Spec) {
    spec.arity = -4;
}

fn without_tips(spec: &mut Spec) {
    spec.tips = &[];
}

const DIFFERENCES: &[Earlier] = &[
    earlier("blpop", "7.2.0", not_from_scripts),
    earlier("brpop", "7.2.0", not_from_scripts),
    earlier("blmove", "7.2.0", not_from_scripts),
    earlier("brpoplpush", "7.2.0", not_from_scripts),
    earlier("bzpopmin", "7.2.0", not_from_scripts),
    earlier("bzpopmax", "7.2.0", not_from_scripts),
    earlier("multi", "7.2.0", refused_by_itself),
    earlier("watch", "7.2.0", refused_by_itself),
    earlier("command|getkeys", "7.2.0", with_an_argument),
    earlier("command|getkeysandflags", "7.2.0", with_an_argument),
    earlier("client|setname", "7.2.0", without_tips),
    earlier("config|resetstat", "7.2.0", without_tips),
    earlier("config|rewrite", "7.2.0", without_tips),
    earlier("wait", "7.2.0", |spec| {
        spec.flags.remove(Flags::BLOCKING);
        spec.flags.insert(Flags::NOSCRIPT);
    }),
    earlier("msetnx", "8.0.0", |spec| {
        spec.tips = &["request_policy:multi_shard", "response_policy:agg_min"];
    }),
    earlier("randomkey", "7.2.0", |spec| {
        spec.tips = &["request_policy:all_shards", "nondeterministic_output"];
    }),
    earlier("scan", "7.2.0", |spec| {
        spec.tips = &["nondeterministic_output", "request_policy:special"];
    }),
];

/// A command's spec as a profile has it.
pub(crate) fn spec_in(profile: Profile, full_name: &str, spec: &'static Spec) -> &'static Spec {
    let mut differing = DIFFERENCES
        .iter()
        .filter(|difference| difference.command == full_name && !profile.has(difference.until))
        .peekable();
    if differing.peek().is_none() {
        return spec;
    }
    let mut old = *spec;
    differing.for_each(|difference| (difference.change)(&mut old));
    // The table lives as long as the process.
    Box::leak(Box::new(old))
}

/// The commands that differed in an earlier version, each with its spec in that version, given that of now.
pub fn differences() -> impl Iterator<Item = (&'static str, fn(&mut Spec))> {
    DIFFERENCES.iter().map(|difference| (difference.command, difference.change))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_older_profiles_differ() {
        const WATCH: &Spec = &Spec { flags: Flags::NO_MULTI, ..Spec::BASE };
        assert!(spec_in(Profile::Redis70, "watch", WATCH).flags.is_empty());
        assert_eq!(spec_in(Profile::Valkey80, "watch", WATCH).flags, Flags::NO_MULTI);
        assert_eq!(spec_in(Profile::Redis70, "unwatch", WATCH).flags, Flags::NO_MULTI);
    }
}
