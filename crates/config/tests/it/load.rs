//! Configuration files and command lines.

use std::collections::HashMap;

use config::{CommandLine, Config, Directives, LoadError, SavePoint};
use profile::Profile;

/// Files by name, and what the other directives were given.
#[derive(Default)]
struct Host {
    files: HashMap<&'static str, &'static str>,
}

impl Directives for Host {
    fn include(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        let path = String::from_utf8_lossy(path).into_owned();
        self.files
            .get(path.as_str())
            .map(|text| text.as_bytes().to_vec())
            .ok_or("No such file or directory".to_owned())
    }
}

fn load(text: &str) -> Result<Config, LoadError> {
    Config::load(Profile::Redis70, text.as_bytes(), &mut Host::default())
}

#[track_caller]
fn check_fatal(text: &str, expected: &str) {
    assert_eq!(load(text).expect_err("the text is wrong").to_string(), expected);
}

#[test]
fn errors_name_the_line() {
    check_fatal(
        "port 0\n  foo bar  \n",
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 2\n>>> 'foo \
         bar'\nBad directive or wrong number of arguments",
    );
    let valkey = Config::load(Profile::Valkey80, b"port x", &mut Host::default());
    assert_eq!(
        valkey.expect_err("the text is wrong").to_string(),
        "\n*** FATAL CONFIG FILE ERROR (Version 8.0.1) ***\nReading the configuration file, at line 1\n>>> 'port \
         x'\nargument couldn't be parsed into an integer"
    );
}

#[test]
fn databases_are_as_many_as_have_a_number() {
    assert!(load("databases 65535").is_ok());
    let refused = load("databases 65536").expect_err("there is no such number").to_string();
    assert!(refused.ends_with("There are at most 65535 databases: their numbers have 16 bits."), "{refused}");
}

#[test]
fn the_command_line_comes_last() {
    let line = CommandLine::parse(&["a.conf", "--port", "7000", "--save", "900", "1", "300", "10"]);
    let text = line.text(b"port 1\nloglevel verbose", b"");
    let config = Config::load(Profile::Redis70, &text, &mut Host::default()).expect("the lines are fine");
    assert_eq!(config.settings().port, 7000);
    assert_eq!(
        config.settings().save,
        [SavePoint { seconds: 900, changes: 1 }, SavePoint { seconds: 300, changes: 10 }]
    );
    let wrong = CommandLine::parse(&["--port", "abc"]).text(b"", b"");
    let error = Config::load(Profile::Redis70, &wrong, &mut Host::default()).expect_err("the port is wrong");
    assert!(error.to_string().contains("at line 2\n>>> 'port \"abc\"'\n"), "{error}");
}

#[test]
fn saves_add_up_and_the_rest_is_overwritten() {
    let config =
        load("save 900 1\nsave \"300 10\"\nmaxmemory 1mb\nMAXMEMORY 2mb\nlua-replicate-commands yes\n")
            .expect("the lines are fine");
    assert_eq!(config.value("save").as_deref(), Some(b"900 1 300 10".as_slice()));
    assert_eq!(config.settings().maxmemory_bytes, 2 << 20);
}

#[test]
fn directives_go_to_the_caller() {
    let mut host = Host::default();
    host.files.insert("more.conf", "\nrename-command DEBUG \"\"\nport 5\n");
    host.files.insert("loop.conf", "include loop.conf\n");
    host.files.insert("wrong.conf", "\nport x\n");
    let config = Config::load(Profile::Redis70, b"include more.conf", &mut host).expect("the lines are fine");
    assert_eq!(config.settings().port, 5);
    let [debug] = config.renames() else { panic!("{:?}", config.renames()) };
    assert_eq!(debug.arguments, [&b"rename-command"[..], b"DEBUG", b""]);

    let mut fails = |text: &str| {
        Config::load(Profile::Redis70, text.as_bytes(), &mut host).expect_err("the text is wrong").to_string()
    };
    assert_eq!(
        fails("include none.conf"),
        "Fatal error, can't open config file 'none.conf': No such file or directory"
    );
    assert!(fails("include loop.conf").contains("too deeply"));
    assert!(fails("port 1\n\n\ninclude wrong.conf").contains("at line 2\n>>> 'port x'\n"));
    assert!(fails("loadmodule x.so").contains("Modules can't be loaded"));
}

#[test]
fn users_are_kept_for_the_caller() {
    let config = load("port 1\n USER bob on >secret\nuser default \"on\"").expect("the lines are fine");
    let [bob, default] = config.users() else { panic!("{:?}", config.users()) };
    assert_eq!(bob.arguments, [&b"USER"[..], b"bob", b"on", b">secret"]);
    assert_eq!(default.arguments, [&b"user"[..], b"default", b"on"]);
    assert!(!format!("{config:?}").contains("secret"));
    assert_eq!(
        config.wrong(bob, b"user bob".to_vec(), "Why.".into()).to_string(),
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 2\n>>> 'user bob'\nWhy."
    );
    check_fatal(
        "user",
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 1\n>>> 'user'\nBad \
         directive or wrong number of arguments",
    );
}

#[test]
fn the_text_may_choose_the_engine() {
    let config =
        Config::load(Profile::Redis70, b"engine valkey-8.0\navailability-zone a\n", &mut Host::default())
            .expect("the lines are fine");
    assert_eq!(config.profile(), Profile::Valkey80);
    check_fatal(
        "engine redis-1.0",
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 1\n>>> 'engine \
         redis-1.0'\nunknown engine 'redis-1.0'; known are redis-7.0, redis-7.1, redis-7.2, valkey-7.2, valkey-8.0, valkey-8.1, valkey-8.2, valkey-9.0, valkey-9.1",
    );
}
