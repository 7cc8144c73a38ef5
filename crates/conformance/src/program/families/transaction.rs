//! MULTI and what belongs to it. The generator ends what MULTI opens.

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "transaction",
    grammar: "
        MULTI
        WATCH {key}+
        UNWATCH
        EXEC
        DISCARD ~ rare
        SET {key} {value}
        INCR {key}
        LPUSH {key} {element}
        NONSENSE {value} {value} ~ rare
        GET ~ rare
    ",
};
