//! Rules, what they come to, and what is said of wrong ones.

use crate::table::Commands;
use acl::{RuleError, User, Users};
use profile::Profile;

const HASH: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

/// What rules are described as, from a user that has none; `_` stands for a space within a rule.
#[track_caller]
fn check(profile: Profile, rules: &str, expected: &str) {
    let commands = Commands::of(profile);
    let user = commands.user(rules);
    assert_eq!(commands.text(&user), expected, "{profile}: {rules}");
}

#[track_caller]
fn refuse(profile: Profile, before: &str, rule: &str, expected: RuleError) {
    let commands = Commands::of(profile);
    let mut user = commands.user(before);
    let was = user.clone();
    assert_eq!(user.apply(&commands.catalogue, false, rule.as_bytes()), Err(expected), "{profile}: {rule}");
    assert_eq!(user, was, "{rule} changed something");
}

#[test]
fn flags_and_passwords() {
    check(Profile::Redis70, "", "off resetchannels -@all");
    check(Profile::Valkey80, "", "off sanitize-payload resetchannels -@all");
    check(Profile::Valkey91, "skip-sanitize-payload", "off resetchannels -@all");
    check(
        Profile::Redis70,
        "on nopass skip-sanitize-payload",
        "on nopass skip-sanitize-payload resetchannels -@all",
    );
    check(Profile::Redis70, "sanitize-payload", "off sanitize-payload resetchannels -@all");
    check(Profile::Redis70, "on >secret >secret", &format!("on #{HASH} resetchannels -@all"));
    check(Profile::Redis70, &format!("nopass #{HASH}"), &format!("off #{HASH} resetchannels -@all"));
    check(Profile::Redis70, ">secret nopass", "off nopass resetchannels -@all");
    check(Profile::Redis70, "nopass >secret <secret", "off resetchannels -@all");
    check(Profile::Redis70, &format!(">secret !{HASH}"), "off resetchannels -@all");
    check(Profile::Redis70, "nopass >secret resetpass ON OFF On", "on resetchannels -@all");
    refuse(Profile::Redis70, ">a", "<secret", RuleError::NoSuchPassword);
    refuse(Profile::Redis70, "", &format!("!{HASH}"), RuleError::NoSuchPassword);
    for wrong in ["#12", "!12", "#", &format!("#{}", HASH.to_uppercase()), &format!("!{HASH}0")] {
        refuse(Profile::Redis70, "", wrong, RuleError::WrongHash);
    }
}

#[test]
fn keys_and_channels() {
    let profile = Profile::Redis70;
    check(profile, "~a ~a %R~b %W~c %rw~d &e &e", "off ~a %R~b %W~c ~d resetchannels &e -@all");
    check(profile, "%R~a %W~a", "off ~a resetchannels -@all");
    check(profile, "~a allkeys &b allchannels", "off ~* &* -@all");
    check(profile, "~* resetkeys ~a &* resetchannels &b", "off ~a resetchannels &b -@all");
    check(profile, "~** %R ~a &", "off ~** %R~ ~a resetchannels & -@all");
    refuse(profile, "~*", "~a", RuleError::AfterAllKeys);
    refuse(profile, "allkeys", "%nonsense", RuleError::AfterAllKeys);
    refuse(profile, "allchannels", "&a", RuleError::AfterAllChannels);
    for wrong in ["~a b", "~a\tb", "~a\0", "%R~a\x0b", "%~a", "%RR~a", "%RW", "%X~a", "%", "&a b"] {
        match wrong {
            "%RW" => check(profile, wrong, "off ~ resetchannels -@all"),
            _ => refuse(profile, "", wrong, RuleError::Syntax),
        }
    }
}

#[test]
fn commands_are_described_as_they_were_given() {
    let profile = Profile::Valkey81;
    let check = |rules, expected: &str| {
        check(profile, rules, &format!("off sanitize-payload resetchannels {expected}"))
    };
    check("+GET -set +@Read", "-@all +get -set +@read");
    check("+get -get", "-@all -get");
    check("+config|get +config|set -config", "-@all -config");
    check("+config +config|GET -config|set", "-@all +config +config|get -config|set");
    check("+get +@all -set", "+@all -set");
    check("-set +@all", "+@all");
    check("+getex +get", "-@all +getex +get");
    check("+select|0 +select|1 +SELECT|0", "-@all +select|1 +select|0");
    check("+select|0 +select", "-@all +select");
    check("+@read -@read +@read", "-@all +@read");
    check("allcommands nocommands", "-@all");
}

#[test]
fn seven_zero_looks_for_categories_that_fit() {
    let check =
        |rules, expected: &str| check(Profile::Redis70, rules, &format!("off resetchannels {expected}"));
    check("+@all -@write +config -config|get +get|x", "+@all -@write -config|get");
    check("+@read +@write -@read", "-@all +@write");
    check("+set +get", "-@all +get +set");
    check("+config -config|set", "-@all +config -config|set");
    check("+@hash -hget", "-@all +@hash -hget");
    check("+@string +@hash", "-@all +@string +@hash");
    check("+@all -@dangerous +select|0 -select +select|Ab", "+@all -@dangerous -select +select|Ab");
    // A first argument of a command that may run with any is not told.
    check("+select|0 +@all", "+@all");
    check("+select|0 +select|a", "-@all +select|0 +select|a");
    check("+select +select|0", "-@all +select");
}

#[test]
fn wrong_names() {
    for profile in [Profile::Redis70, Profile::Valkey91] {
        for wrong in [
            "+nosuch",
            "-nosuch",
            "+@nosuch",
            "-@nosuch",
            "+@",
            "+",
            "-",
            "-select|0",
            "+config|nosuch",
            "-config|nosuch",
            "+get|a|b",
            "+|a",
        ] {
            refuse(profile, "+get", wrong, RuleError::Unknown);
        }
        for wrong in [
            "+select|",
            "+select|a b",
            "+select|a\tb",
            "foo",
            "@read",
            ")",
            "get",
            "(foo)",
            "(~a foo)",
            "(>a)",
            "(on)",
            "(nopass)",
            "((~a))",
        ] {
            refuse(profile, "+get", wrong, RuleError::Syntax);
        }
        refuse(profile, "", "+config|get|x", RuleError::FirstArgumentOfSubcommand);
        refuse(profile, "", "+config|get|", RuleError::FirstArgumentOfSubcommand);
        refuse(profile, "", "(~* ~a)", RuleError::AfterAllKeys);
        refuse(profile, "", "(+nosuch)", RuleError::Unknown);
    }
}

#[test]
fn words_end_at_a_zero_byte() {
    check(Profile::Redis70, "on\0x +get\0x", "on resetchannels -@all +get");
}

#[test]
fn selectors() {
    let profile = Profile::Redis70;
    check(
        profile,
        "(~a_+get) (%R~b_&c)",
        "off resetchannels -@all (~a resetchannels -@all +get) (%R~b resetchannels &c -@all)",
    );
    check(profile, "() (_) (~a) clearselectors", "off resetchannels -@all");
    check(profile, "(_+get__)", "off resetchannels -@all (resetchannels -@all +get)");
    // What is not closed is no rule at all, so the selector allows nothing.
    check(profile, "(+\"get_~a)", "off resetchannels -@all (resetchannels -@all)");
    check(profile, "(~\"a\"_+get)", "off resetchannels -@all (~a resetchannels -@all +get)");
    check(profile, "(~a)_~b)", "off resetchannels -@all (\"~a)\" ~b resetchannels -@all)");
}

#[test]
fn databases_came_with_nine_one() {
    for rule in ["db=0", "alldbs", "resetdbs"] {
        for profile in [Profile::Redis70, Profile::Valkey90] {
            refuse(profile, "", rule, RuleError::Syntax);
        }
    }
    let profile = Profile::Valkey91;
    check(profile, "db=5,0,5", "off resetchannels db=0,5 -@all");
    check(profile, "db=1 DB=2", "off resetchannels db=2 -@all");
    check(profile, "db=1 ALLDBS", "off resetchannels -@all");
    check(profile, "resetdbs", "off resetchannels resetdbs -@all");
    check(profile, "(db=1_+get) db=+01,-0", "off resetchannels db=0,1 -@all (resetchannels db=1 -@all +get)");
    check(profile, "db=_1,_2", "off resetchannels db=1,2 -@all");
    check(profile, "db=2147483647", "off resetchannels db=2147483647 -@all");
    for wrong in ["db=", "db=x", "db=0,", "db=,0", "db=0,,1", "db=1 ", "db=0x1", "db=--1", "db=+", "db"] {
        refuse(profile, "", wrong, RuleError::Syntax);
    }
    for wrong in ["db=-1", "db=2147483648", "db=99999999999999999999999", "db=0,-2"] {
        refuse(profile, "", wrong, RuleError::DatabaseOutOfRange);
    }
}

#[test]
fn reset_is_a_new_user() {
    for (profile, all_channels, expected) in [
        (Profile::Redis70, false, "off sanitize-payload resetchannels -@all"),
        (Profile::Redis70, true, "off sanitize-payload &* -@all"),
        (Profile::Valkey80, true, "off sanitize-payload &* -@all"),
        (Profile::Valkey91, false, "off resetchannels -@all"),
    ] {
        let commands = Commands::of(profile);
        let mut user = commands.user("on >a ~a &b +@all skip-sanitize-payload (~a)");
        user.apply(&commands.catalogue, all_channels, b"RESET").expect("a rule");
        assert_eq!(commands.text(&user), expected);
        let mut user = User::new(&commands.catalogue, all_channels);
        user.apply(&commands.catalogue, all_channels, b"(+get)").expect("a rule");
        assert_eq!(commands.text(&user).contains("(&* "), all_channels);
    }
}

#[test]
fn the_default_user() {
    for (profile, expected) in [
        (Profile::Redis70, "on nopass ~* &* +@all"),
        (Profile::Valkey81, "on nopass sanitize-payload ~* &* +@all"),
        (Profile::Valkey91, "on nopass ~* &* +@all"),
    ] {
        let commands = Commands::of(profile);
        let user = User::default_user(&commands.catalogue);
        assert_eq!(commands.text(&user), expected);
        assert!(user.is_unrestricted() && user.is_enabled() && user.needs_no_password());
    }
}

#[test]
fn only_who_may_do_all_is_unrestricted() {
    let commands = Commands::of(Profile::Valkey91);
    for (rules, unrestricted) in [
        ("+@all ~* &*", true),
        ("+@all ~* &* -get +get", true),
        ("+@all ~* &* -get", false),
        ("+@all ~**  &*", false),
        ("+@all ~*", false),
        ("+@all &*", false),
        ("~* &*", false),
        ("+@all ~* &* db=0", false),
        ("+@all ~* &* db=0 alldbs", true),
        ("(+@all_~*_&*)", false),
    ] {
        assert_eq!(commands.user(rules).is_unrestricted(), unrestricted, "{rules}");
    }
    assert!(
        !commands.user("skip-sanitize-payload").sanitizes_payloads()
            && commands.user("on").sanitizes_payloads()
    );
}

#[test]
fn details() {
    let commands = Commands::of(Profile::Valkey91);
    let details =
        commands.user("on >secret ~a %R~b &c db=1,2 +get (~*_&*_+@read)").details(&commands.catalogue);
    assert_eq!(details.flags, ["on"]);
    assert_eq!(details.passwords, [HASH]);
    assert_eq!(details.root.commands, b"-@all +get");
    assert_eq!(details.root.keys, b"~a %R~b");
    assert_eq!(details.root.channels, b"&c");
    assert_eq!(details.root.databases.as_deref(), Some("db=1,2"));
    let [selector] = details.selectors.as_slice() else { panic!("one selector") };
    assert_eq!(
        (&*selector.commands, &*selector.keys, &*selector.channels),
        (&b"-@all +@read"[..], &b"~*"[..], &b"&*"[..])
    );
    assert_eq!(selector.databases.as_deref(), Some("alldbs"));
    let older = Commands::of(Profile::Valkey90);
    assert_eq!(older.user("nopass").details(&older.catalogue).root.databases, None);
    assert_eq!(commands.user("resetdbs").details(&commands.catalogue).root.databases.as_deref(), Some(""));
}

#[test]
fn nothing_shows_a_password() {
    let commands = Commands::of(Profile::Redis70);
    let mut users = Users::new(&commands.catalogue, false);
    users.set(&commands.catalogue, b"u", &["on", ">secret"]).expect("rules");
    let shown = format!("{users:?} {:?}", users.current(b"u"));
    assert!(!shown.contains("secret") && !shown.contains(HASH) && !shown.contains("187, 216"), "{shown}");
    let error = users.set(&commands.catalogue, b"u", &["<other"]).expect_err("it has no such password");
    assert!(!format!("{error} {error:?}").contains("other"));
}
