//! HyperLogLogs, whose bytes are compared as those of any string: whole ones and corrupted ones, sparse and dense.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "hyperloglog",
    groups: &[Group::HyperLogLog],
    grammar: "
        PFADD {key} {element}+
        PFADD {key} {element}+
        PFADD {key} {element}+
        PFADD {key} {value}+
        PFADD {key} ~ rare
        PFCOUNT {key}
        PFCOUNT {key}+
        PFMERGE {key} {key}+
        PFMERGE {key} ~ rare
        PFDEBUG (ENCODING|DECODE|GETREG) {key}
        PFDEBUG (TODENSE|NONSENSE) {key} ~ rare
        SETRANGE {key} (0|3|4|8|15|16|17|18|20|30) {value} ~ rare
        APPEND {key} {value} ~ rare
        SETBIT {key} {bit} (0|1) ~ rare
        GET {key} ~ rare
        STRLEN {key}
        OBJECT ENCODING {key}
        DUMP {key} ~ transfer rare
        DEL {key} ~ rare
    ",
};
