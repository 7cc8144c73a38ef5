//! What every value answers, whatever its type: a value of each form goes through all that a new type must have.

#[path = "../../../structures/tests/it/forms.rs"]
mod forms;

use crate::TestNode;
use conformance::connection::Connection;
use conformance::reply::Reply;
use forms::Form;
use profile::Profile;
use rdb::{FIRST_OF_VALKEY, SaveOptions, dump};
use std::collections::HashSet;
use structures::Value;

/// One of what commands of each type begin with.
const READERS: [(&str, &str); 6] = [
    ("string", "STRLEN"),
    ("list", "LLEN"),
    ("hash", "HLEN"),
    ("set", "SCARD"),
    ("zset", "ZCARD"),
    ("stream", "XLEN"),
];

/// A node with a value of each form, by the form's name.
fn node(profile: Profile) -> (TestNode, Connection) {
    let node = TestNode::start(profile, "enable-debug-command yes\n");
    let mut client = node.connect();
    for (form, value) in forms_of(profile) {
        let payload = dump(value.view(), &SaveOptions::new(profile));
        assert_eq!(call(&mut client, &[b"RESTORE", name(form).as_bytes(), b"0", &payload]).to_text(), "OK");
    }
    (node, client)
}

/// What TYPE answers.
fn type_name(form: Form) -> &'static str {
    match form {
        Form::Integer | Form::ShortString | Form::LongString | Form::BufferedString => "string",
        Form::ListOfOneNode | Form::ListOfNodes => "list",
        Form::HashInListpack | Form::HashInTable | Form::HashOfVolatileFields => "hash",
        Form::SetOfIntegers | Form::SetInListpack | Form::SetInTable => "set",
        Form::SortedSetInListpack | Form::SortedSetInTree => "zset",
        Form::EmptyStream | Form::StreamOfOneNode | Form::StreamOfNodes => "stream",
    }
}

fn name(form: Form) -> String {
    format!("{form:?}")
}

fn call(client: &mut Connection, words: &[&[u8]]) -> Reply {
    client.call(words).expect("a reply")
}

fn ask(client: &mut Connection, words: &[&str]) -> Reply {
    client.call(words).expect("a reply")
}

/// The first RDB version that has a form.
fn since(form: Form) -> u16 {
    if form == Form::HashOfVolatileFields { FIRST_OF_VALKEY } else { 1 }
}

/// The forms that a profile has.
fn forms_of(profile: Profile) -> impl Iterator<Item = (Form, Value)> {
    forms::each().filter(move |(form, _)| since(*form) <= profile.rdb_version())
}

fn each_profile(check: impl Fn(&mut Connection, Profile)) {
    for &profile in Profile::ALL {
        let (_node, mut client) = node(profile);
        check(&mut client, profile);
    }
}

#[test]
fn its_type_is_told() {
    each_profile(|client, profile| {
        for (form, _) in forms_of(profile) {
            assert_eq!(ask(client, &["TYPE", &name(form)]).to_text(), type_name(form));
            let page = ask(client, &["SCAN", "0", "COUNT", "1000", "TYPE", type_name(form)]);
            let keys = page.elements().expect("a page")[1].elements().expect("keys");
            assert!(keys.contains(&Reply::bulk(name(form))), "{form:?}: {keys:?}");
        }
    });
}

#[test]
fn its_commands_refuse_all_others() {
    each_profile(|client, profile| {
        for (form, _) in forms_of(profile) {
            let takers = READERS.map(|(of, command)| (of, ask(client, &[command, &name(form)])));
            for (of, reply) in &takers {
                assert_eq!(reply.is_error(), *of != type_name(form), "{form:?}: {reply:?}");
                assert!(!reply.is_error() || reply.to_text().starts_with("WRONGTYPE"), "{form:?}: {reply:?}");
            }
            assert!(
                takers.iter().any(|(_, reply)| !reply.is_error()),
                "no command of {form:?} is tried here"
            );
        }
    });
}

#[test]
fn its_encoding_is_told() {
    each_profile(|client, profile| {
        for (form, _) in forms_of(profile) {
            let encoding = ask(client, &["OBJECT", "ENCODING", &name(form)]).to_text();
            let described = ask(client, &["DEBUG", "OBJECT", &name(form)]).to_text();
            assert!(
                described.contains(&format!(" encoding:{encoding} ")),
                "{form:?}: {encoding}, {described}"
            );
        }
    });
}

#[test]
fn it_is_dumped_as_it_was_restored() {
    each_profile(|client, profile| {
        // A set in a listpack becomes a table where versions have no such listpacks.
        let stays = |form: Form| form != Form::SetInListpack || profile.has("7.2.0");
        for (form, value) in forms_of(profile).filter(|(form, _)| stays(*form)) {
            let payload = dump(value.view(), &SaveOptions::new(profile));
            assert_eq!(ask(client, &["DUMP", &name(form)]), Reply::bulk(payload), "{form:?}");
        }
    });
}

#[test]
fn its_copy_has_its_digest_and_nothing_else_has() {
    each_profile(|client, profile| {
        let mut digests = HashSet::new();
        for (form, _) in forms_of(profile) {
            assert_eq!(ask(client, &["COPY", &name(form), "copy", "REPLACE"]), Reply::Integer(1));
            let reply = ask(client, &["DEBUG", "DIGEST-VALUE", &name(form), "copy"]);
            let [own, copys] = reply.elements().expect("digests") else { panic!("{reply:?}") };
            assert_eq!(own, copys, "{form:?}");
            assert!(digests.insert(own.to_text()), "{form:?} has the digest of another form");
        }
    });
}

#[test]
fn a_file_brings_it_back() {
    each_profile(|client, profile| {
        let about = |client: &mut Connection| {
            let encodings = forms_of(profile)
                .map(|(form, _)| ask(client, &["OBJECT", "ENCODING", &name(form)]).to_text());
            let encodings: Vec<String> = encodings.collect();
            (ask(client, &["DEBUG", "DIGEST"]).to_text(), encodings)
        };
        let before = about(client);
        assert_eq!(ask(client, &["DEBUG", "RELOAD"]).to_text(), "OK");
        assert_eq!(about(client), before);
    });
}

#[test]
fn it_goes_by_every_way() {
    each_profile(|client, profile| {
        for (form, _) in forms_of(profile) {
            for (command, copy) in [("DEL", "1"), ("UNLINK", "2"), ("GETDEL", "3")] {
                assert_eq!(ask(client, &["COPY", &name(form), copy, "REPLACE"]), Reply::Integer(1));
                let reply = ask(client, &[command, copy]);
                let is_gone = ask(client, &["EXISTS", copy]) == Reply::Integer(0);
                let refused = command == "GETDEL" && type_name(form) != "string";
                assert_eq!(
                    (reply.is_error(), is_gone),
                    (refused, !refused),
                    "{form:?}: {command}: {reply:?}"
                );
            }
        }
        assert_eq!(ask(client, &["FLUSHALL", "ASYNC"]).to_text(), "OK");
        assert_eq!(ask(client, &["DEBUG", "DIGEST"]).to_text(), "0".repeat(40));
    });
}
