//! ACL files: what is taken, what is wrong with others, and what is written.

use crate::table::Commands;
use acl::Users;
use profile::Profile;

const NOTHING: &str =
    "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

/// The lines after a file is loaded, or the error.
fn load(text: &str) -> Result<Vec<String>, String> {
    let commands = Commands::of(Profile::Redis70);
    let mut users = Users::new(&commands.catalogue, false);
    users.set(&commands.catalogue, b"before", &["on"]).expect("a rule");
    let lines = |users: &Users| -> Vec<String> {
        users.lines(&commands.catalogue).map(|line| String::from_utf8(line).expect("text")).collect()
    };
    let before = lines(&users);
    match users.load(&commands.catalogue, "f", text.as_bytes()) {
        Ok(()) => {
            let saved = users.save(&commands.catalogue);
            assert_eq!(String::from_utf8_lossy(&saved), lines(&users).join("\n") + "\n");
            let mut again = Users::new(&commands.catalogue, false);
            again.load(&commands.catalogue, "f", &saved).expect("what is saved can be loaded");
            assert_eq!(lines(&again), lines(&users));
            Ok(lines(&users))
        }
        Err(error) => {
            assert_eq!(lines(&users), before, "{text}");
            Err(String::from_utf8(error).expect("text"))
        }
    }
}

#[track_caller]
fn taken(text: &str, lines: &[&str]) {
    let all: Vec<String> = load(text).expect("it is taken");
    let without_default: Vec<&String> =
        all.iter().filter(|line| !line.starts_with("user default on nopass")).collect();
    assert_eq!(without_default, lines);
}

#[track_caller]
fn refused(text: &str, error: &str) {
    assert_eq!(load(text), Err(format!("{error}{NOTHING}")));
}

#[test]
fn right_files() {
    taken("", &[]);
    taken("\n \t\r\n", &[]);
    taken(
        "user a on\nuser b off +get\n",
        &["user a on resetchannels -@all", "user b off resetchannels -@all +get"],
    );
    taken(
        "  user a on  \r\nuser b on\r\n",
        &["user a on resetchannels -@all", "user b on resetchannels -@all"],
    );
    taken("user a on  +get\t", &["user a on resetchannels -@all +get"]);
    taken(
        "user a (+get  ~a) ( ~b )",
        &["user a off resetchannels -@all (~a resetchannels -@all +get) (~b resetchannels -@all)"],
    );
    taken("user \"a\" on", &["user \"a\" on resetchannels -@all"]);
    taken("user default off", &["user default off resetchannels -@all"]);
    assert_eq!(
        load("user a on").map(|lines| lines[1].clone()).as_deref(),
        Ok("user default on nopass ~* &* +@all")
    );
}

#[test]
fn wrong_files() {
    let no_user = |line| format!("f:{line} should start with user keyword followed by the username. ");
    refused("foo", &no_user(1));
    refused("user", &no_user(1));
    refused("USER a on", &no_user(1));
    refused("\n# a comment\nuser a on", &no_user(2));
    refused("user a\ton", "'f:1: username 'a\ton' contains invalid characters. ");
    refused("user a on\n\nuser a off", "WARNING: Duplicate user 'a' found on line 3. ");
    refused("user a b c", "f:1: Syntax error. ");
    refused("user a (+get", "f:1: Unmatched parenthesis in selector definition.");
    refused("user  a on", "f:1: Syntax error. ");
    refused(
        "user a <x foo +nosuch\nuser b -@nosuch",
        "f:1: The password you are trying to remove from the user does not exist. \
         f:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. \
         f:2: Error in applying operation '-@nosuch': Unknown command or category name in ACL. ",
    );
    // A user with a wrong rule counts as one.
    refused("user a foo\nuser a on", "f:1: Syntax error. WARNING: Duplicate user 'a' found on line 2. ");
}

#[test]
fn other_texts() {
    assert_eq!(
        acl::file::not_opened("f", "No such file or directory"),
        "Error loading ACLs, opening file 'f': No such file or directory"
    );
    let named = acl::file::no_file(true);
    assert!(named.starts_with("ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis"));
    assert_eq!(named.replace(" Redis", ""), acl::file::no_file(false));
    assert!(acl::file::NOT_SAVED.ends_with("Please check the server logs for more information"));
}
