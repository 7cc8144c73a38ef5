//! Databases and the whole keyspace.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "server",
    groups: &[Group::Server, Group::Scripting, Group::PubSub, Group::Cluster],
    grammar: "
        SELECT {db}
        SELECT 0
        SWAPDB {db} {db} ~ rare
        FLUSHDB [SYNC|ASYNC|NONSENSE] ~ rare
        FLUSHALL [SYNC|ASYNC|NONSENSE] ~ rare
        SAVE ~ rare
        LASTSAVE ~ shape rare
        TIME ~ shape
        ROLE ~ shape
        DEBUG DIGEST-VALUE {key}+
        CONFIG GET (hash-max-listpack-entries|HASH-MAX-LISTPACK-VALUE|list-max-listpack-size|appendonly|nothing)
        COMMAND (GETKEYS|GETKEYSANDFLAGS) {value}+ ~ rare
        COMMAND GETKEYS (SET|GET|DEL|LMPOP|LMOVE|PING) (1|2|3|12) {key}+ ~ rare
        COMMAND GETKEYSANDFLAGS (SET|GET|DEL|LMPOP|LMOVE|PING) (1|2|3|12) {key}+ ~ rare
    ",
};
