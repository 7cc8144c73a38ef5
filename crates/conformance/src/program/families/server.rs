//! Databases and the whole keyspace.

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "server",
    grammar: "
        SELECT {db}
        SELECT 0
        DBSIZE
        SWAPDB {db} {db} ~ rare
        FLUSHDB [SYNC|ASYNC|NONSENSE] ~ rare
        TIME ~ shape
        WAIT 0 {positive} ~ rare
        DEBUG DIGEST-VALUE {key}+
        CONFIG GET (hash-max-listpack-entries|HASH-MAX-LISTPACK-VALUE|list-max-listpack-size|appendonly|nothing)
    ",
};
