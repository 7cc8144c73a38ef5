//! The connection itself.

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "connection",
    grammar: "
        PING [{value}]
        ECHO {value}
        HELLO [2|3|4|{odd}] ~ hello
        HELLO (2|3) SETNAME {field} ~ hello rare
        CLIENT GETNAME
        CLIENT SETNAME {field}
        CLIENT NONSENSE ~ rare
        RESET ~ rare
        NOSUCHCOMMAND {value}+ ~ rare
        AUTH {value} [{value}] ~ rare
    ",
};
