//! What clients of a managed node's endpoints do not have, and what they see of users.

use super::{Managed, expect};
use crate::ask;
use conformance::connection::Connection;
use conformance::reply::Reply as Answer;

#[test]
fn what_elasticache_refuses_is_unknown_to_clients_of_endpoints() {
    let node = Managed::primary();
    let mut client = Connection::tcp(node.address.port()).expect("the node listens");
    let unknown = |line: &str| {
        let (name, args) = line.split_once(' ').unwrap_or((line, ""));
        let args: String =
            args.split(' ').filter(|arg| !arg.is_empty()).map(|arg| format!("'{arg}' ")).collect();
        format!("ERR unknown command '{name}', with args beginning with: {args}")
    };
    for line in [
        "CONFIG GET maxmemory",
        "config",
        "DEBUG SLEEP 0",
        "BGSAVE",
        "SAVE",
        "SHUTDOWN NOSAVE",
        "REPLICAOF NO ONE",
        "SLAVEOF NO ONE",
        "PSYNC ? -1",
        "SYNC",
        "REPLCONF listening-port 1",
    ] {
        assert_eq!(ask(&mut client, line).to_text(), unknown(line));
    }
    expect(&mut client, "MULTI", "OK");
    assert_eq!(ask(&mut client, "CONFIG GET port").to_text(), unknown("CONFIG GET port"));
    expect(&mut client, "EXEC", "EXECABORT Transaction discarded because of previous errors.");
    let mut trusted = node.trusted();
    let count = |connection: &mut Connection| match ask(connection, "COMMAND COUNT") {
        Answer::Integer(count) => count,
        other => panic!("{other:?}"),
    };
    let (few, all) = (count(&mut client), count(&mut trusted));
    assert!(few < all, "{few} of {all}");
    for line in ["COMMAND", "COMMAND DOCS", "COMMAND INFO config", "COMMAND LIST"] {
        assert!(!ask(&mut client, line).to_string().contains("\"config"), "{line}");
        assert!(ask(&mut trusted, line).to_string().contains("config"), "{line}");
    }
    assert!(!ask(&mut trusted, "CONFIG SET maxmemory 100mb").is_error());
    assert!(!ask(&mut trusted, "DEBUG SLEEP 0").is_error());
    assert_eq!(ask(&mut client, "SET a 1").to_text(), "OK");
}

#[test]
fn clients_of_endpoints_see_of_users_what_is_no_secret() {
    let node = Managed::primary();
    let (mut client, mut trusted) =
        (Connection::tcp(node.address.port()).expect("the node listens"), node.trusted());
    for line in [
        "ACL SETUSER u on >p +get",
        "ACL GETUSER default",
        "ACL DELUSER u",
        "ACL DRYRUN default get k",
        "ACL GENPASS",
        "ACL LOAD",
        "ACL LOG",
        "ACL SAVE",
    ] {
        let name = line.split(' ').nth(1).expect("a subcommand");
        let unknown = format!("ERR unknown subcommand '{name}'. Try ACL HELP.");
        assert_eq!(ask(&mut client, line).to_text(), unknown);
    }
    expect(&mut trusted, "ACL SETUSER u on >p ~k* +get", "OK");
    let hash = "148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940";
    assert!(ask(&mut trusted, "ACL LIST").to_string().contains(hash));
    let list = ask(&mut client, "ACL LIST").to_string();
    assert!(list.contains("user u on ~k* resetchannels -@all +get") && !list.contains('#'), "{list}");
    expect(&mut client, "ACL WHOAMI", "default");
    assert!(ask(&mut client, "ACL USERS").to_string().contains("\"u\""));
    assert!(ask(&mut client, "ACL CAT").to_string().contains("\"read\""));
    assert!(ask(&mut client, "AUTH u wrong").to_text().starts_with("WRONGPASS "));
    let log = ask(&mut trusted, "ACL LOG").to_string();
    assert!(log.contains("\"auth\"") && log.contains("\"u\"") && !log.contains("wrong"), "{log}");
    // Whatever the user default may do, the agent and the replicas may do everything.
    expect(&mut trusted, "ACL SETUSER default off resetpass -@all", "OK");
    expect(&mut node.trusted(), "SET k v", "OK");
    let mut other = Connection::tcp(node.address.port()).expect("the node listens");
    expect(&mut other, "GET k", "NOAUTH Authentication required.");
    expect(&mut other, "AUTH u p", "OK");
    expect(&mut other, "GET k", "v");
    assert!(ask(&mut other, "SET k w").to_text().starts_with("NOPERM "));
    let replica = Managed::replica_of(&node, 2);
    expect(&mut replica.trusted(), "GET k", "v");
}
