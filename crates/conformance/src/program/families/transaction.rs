//! MULTI and what belongs to it. The generator ends what MULTI opens.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "transaction",
    groups: &[Group::Transactions],
    grammar: "
        DISCARD ~ rare
        SET {key} {value}
        INCR {key}
        LPUSH {key} {element}
        NONSENSE {value} {value} ~ rare
        GET ~ rare
    ",
};
