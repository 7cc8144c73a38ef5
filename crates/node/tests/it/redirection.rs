//! Clients that follow a redirection, on a replica: as valkey-server 8.1.8 was seen to do.

use crate::{TestNode, ask};
use conformance::reply::Reply;
use profile::Profile;

fn ok() -> Reply {
    Reply::Simple(b"OK".to_vec())
}

fn error(text: &str) -> Reply {
    Reply::Error(text.as_bytes().to_vec())
}

#[test]
fn a_replica_tells_where_its_primary_is_to_who_follows() {
    let node = TestNode::start(Profile::Valkey80, "");
    let (mut follows, mut other) = (node.connect(), node.connect());
    assert_eq!(ask(&mut follows, "CLIENT CAPA something REDIRECT"), ok());
    assert_eq!(ask(&mut follows, "GET a"), Reply::NullBulk, "a primary serves everybody");
    // Nobody answers there, and the node is a replica all the same.
    assert_eq!(ask(&mut other, "REPLICAOF 127.0.0.1 1"), ok());
    let redirect = error("REDIRECT 127.0.0.1:1");
    for line in ["GET a", "DBSIZE", "SET a 1"] {
        assert_eq!(ask(&mut follows, line), redirect, "{line}");
    }
    assert_eq!(ask(&mut follows, "PING"), Reply::Simple(b"PONG".to_vec()));
    assert_eq!(ask(&mut other, "GET a"), Reply::NullBulk);
    assert_eq!(ask(&mut other, "SET a 1"), error("READONLY You can't write against a read only replica."));
    assert_eq!(ask(&mut follows, "READONLY"), ok());
    assert_eq!(ask(&mut follows, "GET a"), Reply::NullBulk);
    assert_eq!(ask(&mut follows, "SET a 1"), redirect);
    assert_eq!(ask(&mut follows, "READWRITE"), ok());
    assert_eq!(ask(&mut follows, "MULTI"), ok());
    assert_eq!(ask(&mut follows, "GET a"), redirect);
    assert_eq!(
        ask(&mut follows, "EXEC"),
        error("EXECABORT Transaction discarded because of previous errors.")
    );
}

#[test]
fn a_queue_that_was_taken_before_is_redirected_as_a_whole() {
    let node = TestNode::start(Profile::Valkey80, "");
    let (mut follows, mut other) = (node.connect(), node.connect());
    for line in ["CLIENT CAPA redirect", "MULTI", "GET a"] {
        assert!(!ask(&mut follows, line).is_error(), "{line}");
    }
    assert_eq!(ask(&mut other, "REPLICAOF 127.0.0.1 1"), ok());
    assert_eq!(ask(&mut follows, "EXEC"), error("REDIRECT 127.0.0.1:1"));
}

#[test]
fn redis_7_0_knows_nothing_of_it() {
    let node = TestNode::start(Profile::Redis70, "");
    let mut client = node.connect();
    assert_eq!(
        ask(&mut client, "CLIENT CAPA redirect"),
        error("ERR unknown subcommand 'CAPA'. Try CLIENT HELP.")
    );
    for line in ["READONLY", "READWRITE"] {
        assert_eq!(ask(&mut client, line), error("ERR This instance has cluster support disabled"));
    }
}
