//! HyperLogLogs, whose bytes are compared as those of any string: whole ones and corrupted ones, sparse and dense. Corrupted ones
//! have keys of their own and get one element at a time: redis-server keeps what it added before it found the corruption.

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
        SETRANGE (damaged:1|damaged:2) (0|3|4|8|15|16|17|18|20|30) {value}
        APPEND (damaged:1|damaged:2) {value}
        SETBIT (damaged:1|damaged:2) {bit} (0|1)
        PFADD (damaged:1|damaged:2) {element}
        PFCOUNT (damaged:1|damaged:2) [{key}]
        PFMERGE ({key}|damaged:1) (damaged:1|damaged:2)
        PFDEBUG (ENCODING|DECODE|GETREG|TODENSE) (damaged:1|damaged:2)
        COPY {key} (damaged:1|damaged:2) REPLACE
        GET {key} ~ rare
        STRLEN {key}
        OBJECT ENCODING {key}
        DUMP {key} ~ transfer rare
        DEL {key} ~ rare
    ",
};
