//! Lists. The blocking forms appear only where they need not wait or wait for ten milliseconds.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "list",
    groups: &[Group::List],
    grammar: "
        RPUSH {key} {element}+
        RPUSH {key} {value}+
        LRANGE {key} {index} {index}
        LRANGE {key} 0 -1
        LINSERT {key} (BEFORE|AFTER|BETWEEN) {element} {element}
        LMOVE {key} {key} (LEFT|RIGHT) (LEFT|RIGHT)
        LMOVE {key} {key} LEFT {odd} ~ rare
        OBJECT ENCODING {key}
        DUMP {key} ~ transfer
        DEL {key} ~ rare
    ",
};
