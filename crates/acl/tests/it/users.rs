//! The set of users: changes, who learns of them, and who may log in.

use crate::table::Commands;
use acl::{DEFAULT, DEFAULT_STAYS, Declared, Followed, RuleError, SetUserError, Users, declared};
use profile::Profile;

struct Set {
    commands: Commands,
    users: Users,
}

impl Set {
    fn new(profile: Profile) -> Set {
        let commands = Commands::of(profile);
        Set { users: Users::new(&commands.catalogue, false), commands }
    }

    fn set(&mut self, name: &str, rules: &str) -> Result<(), SetUserError> {
        let rules: Vec<&str> = rules.split(' ').filter(|rule| !rule.is_empty()).collect();
        self.users.set(&self.commands.catalogue, name.as_bytes(), &rules)
    }

    fn list(&self) -> Vec<String> {
        self.users
            .lines(&self.commands.catalogue)
            .map(|line| String::from_utf8(line).expect("text"))
            .collect()
    }

    fn may(&self, name: &str, password: &str) -> bool {
        let account = self.users.authenticate(&self.commands.catalogue, name.as_bytes(), password.as_bytes());
        account.is_some_and(|account| account.name() == name.as_bytes())
    }
}

#[test]
fn all_rules_apply_or_none() {
    let mut set = Set::new(Profile::Redis70);
    set.set("b", "on").expect("rules");
    set.set("a", "").expect("no rules");
    assert_eq!(
        set.list(),
        [
            "user a off resetchannels -@all",
            "user b on resetchannels -@all",
            "user default on nopass ~* &* +@all"
        ]
    );
    let (before, generation) = (set.list(), set.users.generation());
    for (name, rules, error) in [
        ("b", "off ~k +nosuch", SetUserError::Rule(b"+nosuch".to_vec(), RuleError::Unknown)),
        ("c", "on foo", SetUserError::Rule(b"foo".to_vec(), RuleError::Syntax)),
        ("c", "on (+get ~a", SetUserError::Unmatched(b"(+get".to_vec())),
        ("b", "off (+get foo)", SetUserError::Rule(b"(+get foo)".to_vec(), RuleError::Syntax)),
        ("a b", "on", SetUserError::Name),
        ("a\0", "on", SetUserError::Name),
    ] {
        assert_eq!(set.set(name, rules), Err(error), "{rules}");
    }
    assert_eq!((set.list(), set.users.generation()), (before, generation));
    set.set("b", "off (+get ~a) ( %R~b )").expect("rules");
    assert_eq!(
        set.list()[1],
        "user b off resetchannels -@all (~a resetchannels -@all +get) (%R~b resetchannels -@all)"
    );
    assert_eq!(set.users.len(), 3);
}

#[test]
fn what_opens_within_a_selector() {
    let mut set = Set::new(Profile::Valkey72);
    let error = set.set("b", "(+get (~b ~c)");
    assert_eq!(error, Err(SetUserError::Rule(b"(+get (~b ~c)".to_vec(), RuleError::Syntax)));
    let mut set = Set::new(Profile::Redis70);
    set.set("b", "(+get (~b ~c)").expect("rules");
    assert_eq!(set.list()[0], "user b off resetchannels -@all (~b ~c resetchannels -@all)");
    assert_eq!(set.set("b", "(+get (~b ~c"), Err(SetUserError::Unmatched(b"(~b".to_vec())));
}

#[test]
fn who_may_log_in() {
    let mut set = Set::new(Profile::Redis70);
    assert!(set.may("default", "whatever") && !set.may("a", "whatever"));
    set.set("a", "on").expect("rules");
    assert!(!set.may("a", ""));
    set.set("a", ">one >two").expect("rules");
    assert!(set.may("a", "one") && set.may("a", "two") && !set.may("a", "three") && !set.may("a", ""));
    set.set("a", "<one").expect("rules");
    assert!(!set.may("a", "one") && set.may("a", "two"));
    set.set("a", "off").expect("rules");
    assert!(!set.may("a", "two"));
    set.set("a", "nopass").expect("rules");
    assert!(!set.may("a", "two"));
    set.set("a", "on").expect("rules");
    assert!(set.may("a", "") && set.may("a", "three"));
    set.set("a", ">").expect("an empty password is one");
    assert!(set.may("a", "") && !set.may("a", "three"));
}

#[test]
fn requirepass_is_a_password_of_default() {
    let mut set = Set::new(Profile::Redis70);
    let hash = |password: &str| acl::PasswordHash::of(password.as_bytes()).hex();
    set.users.set_requirepass(&set.commands.catalogue, b"foo");
    assert_eq!(set.list(), [format!("user default on #{} ~* &* +@all", hash("foo"))]);
    set.set("default", ">q -get").expect("rules");
    assert_eq!(set.list(), [format!("user default on #{} #{} ~* &* +@all -get", hash("foo"), hash("q"))]);
    set.users.set_requirepass(&set.commands.catalogue, b"bar");
    assert_eq!(set.list(), [format!("user default on #{} ~* &* +@all -get", hash("bar"))]);
    set.users.set_requirepass(&set.commands.catalogue, b"");
    assert_eq!(set.list(), ["user default on nopass ~* &* +@all -get"]);
}

#[test]
fn connections_follow_their_user() {
    let mut set = Set::new(Profile::Redis70);
    set.set("a", "on nopass +get ~k").expect("rules");
    set.set("b", "on nopass").expect("rules");
    let mut a = set.users.current(b"a").expect("it is there");
    let mut b = set.users.current(b"b").expect("it is there");
    assert_eq!(a.generation(), set.users.generation());
    assert_eq!(set.users.follow(&mut a), Followed::Unchanged);
    set.set("a", "-get").expect("rules");
    assert_ne!(a.generation(), set.users.generation());
    assert_eq!(set.commands.check(a.user(), "get k", 0), Ok(()));
    assert_eq!(set.users.follow(&mut a), Followed::Changed);
    assert_eq!(set.users.follow(&mut a), Followed::Unchanged);
    assert_eq!(set.commands.check(a.user(), "get k", 0), Err(acl::Denied::Command));
    assert_eq!(set.users.follow(&mut b), Followed::Unchanged);
    assert_eq!(b.generation(), set.users.generation());
    // The same rules again are no change.
    set.set("a", "-get").expect("rules");
    assert_eq!(set.users.follow(&mut a), Followed::Unchanged);
    assert_eq!(set.users.delete(&["a", "nobody"]), Ok(1));
    assert_eq!(set.users.follow(&mut b), Followed::Unchanged);
    set.set("a", "on nopass +get ~k").expect("rules");
    assert_eq!(set.users.follow(&mut a), Followed::Deleted, "another user of the same name");
    assert_eq!(set.users.follow(&mut set.users.current(b"a").expect("it is there")), Followed::Unchanged);
}

#[test]
fn default_stays() {
    let mut set = Set::new(Profile::Redis70);
    set.set("a", "").expect("rules");
    assert_eq!(set.users.delete(&["a", "default"]), Err(DEFAULT_STAYS));
    assert_eq!(set.users.len(), 2);
    let generation = set.users.generation();
    assert_eq!(set.users.delete(&["nobody"]), Ok(0));
    assert_eq!(set.users.generation(), generation);
    assert_eq!(set.users.delete(&["a", "a"]), Ok(1));
    assert!(set.users.generation() > generation && set.users.get(DEFAULT).is_some());
}

#[test]
fn who_stays_when_a_file_is_loaded() {
    for (profile, a, b) in [
        (Profile::Valkey72, Followed::Deleted, Followed::Deleted),
        (Profile::Valkey80, Followed::Unchanged, Followed::Changed),
    ] {
        let mut set = Set::new(profile);
        set.set("a", "on nopass").expect("rules");
        set.set("b", "on nopass").expect("rules");
        set.set("c", "on nopass").expect("rules");
        let mut accounts =
            [&b"a"[..], b"b", b"c", b"default"].map(|name| set.users.current(name).expect("a user"));
        let file = "user a on nopass\nuser b off nopass\nuser d on\n";
        set.users.load(&set.commands.catalogue, "file", file.as_bytes()).expect("a file");
        let followed = accounts.each_mut().map(|account| set.users.follow(account));
        assert_eq!(followed, [a, b, Followed::Deleted, Followed::Unchanged], "{profile}");
    }
}

#[test]
fn subscriptions_that_may_stay() {
    let commands = Commands::of(Profile::Valkey81);
    let user = commands.user("&a* (&b)");
    for (channel, is_pattern, may) in [
        ("a1", false, true),
        ("b", false, true),
        ("b1", false, false),
        ("a*", true, true),
        ("a1", true, false),
    ] {
        assert_eq!(user.may_stay_subscribed(channel.as_bytes(), is_pattern), may, "{channel}");
    }
    assert!(commands.user("(&*)").may_stay_subscribed(b"x*", true));
}

#[test]
fn users_of_a_configuration_file() {
    let commands = Commands::of(Profile::Redis70);
    let known = Declared { name: b"known".to_vec(), rules: vec![b">secret".to_vec()] };
    assert_eq!(format!("{known:?}"), "Declared(known, 1 rules)");
    let declare = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        declared(&commands.catalogue, false, std::slice::from_ref(&known), &words)
    };
    let rules = [&b"on"[..], b"+nosuch", b"(+get ~a)"].map(<[u8]>::to_vec).to_vec();
    assert_eq!(declare("USER a on +nosuch (+get ~a)"), Ok(Declared { name: b"a".to_vec(), rules }));
    assert_eq!(declare("user"), Err((0, RuleError::Syntax)));
    assert_eq!(declare("users a"), Err((0, RuleError::Syntax)));
    assert_eq!(declare("user known on"), Err((1, RuleError::Duplicate)));
    assert_eq!(declare("user a on foo"), Err((1, RuleError::Syntax)));
    assert_eq!(declare("user a on (foo"), Err((1, RuleError::Syntax)));
    assert_eq!(declare("user a ~* ~b"), Err((1, RuleError::AfterAllKeys)));
}
