//! The connection itself.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "connection",
    groups: &[Group::Connection],
    grammar: "
        HELLO [2|3|4|{odd}] ~ hello
        HELLO (2|3) SETNAME {field} ~ hello rare
        SELECT {db}
        CLIENT ID ~ shape
        CLIENT INFO ~ shape rare
        CLIENT LIST ~ shape rare
        CLIENT NONSENSE ~ rare
        RESET ~ rare
        NOSUCHCOMMAND {value}+ ~ rare
        AUTH {value} [{value}] ~ rare
    ",
};
