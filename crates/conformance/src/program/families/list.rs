//! Lists. The blocking forms appear only where they need not wait or wait for ten milliseconds.

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "list",
    grammar: "
        LPUSH {key} {element}+
        RPUSH {key} {element}+
        RPUSH {key} {value}+
        LPUSHX {key} {element}+
        RPUSHX {key} {element}+
        LPOP {key} [{count}]
        RPOP {key} [{count}]
        LLEN {key}
        LINDEX {key} {index}
        LSET {key} {index} {element}
        LRANGE {key} {index} {index}
        LRANGE {key} 0 -1
        LTRIM {key} {index} {index}
        LINSERT {key} (BEFORE|AFTER|BETWEEN) {element} {element}
        LREM {key} {count} {element}
        LPOS {key} {element} [RANK {index}] [COUNT {count}] [MAXLEN {count}]
        LMOVE {key} {key} (LEFT|RIGHT) (LEFT|RIGHT)
        LMOVE {key} {key} LEFT {odd} ~ rare
        RPOPLPUSH {key} {key}
        LMPOP {count} {key} {key} (LEFT|RIGHT) [COUNT {count}]
        LMPOP 1 {key} (LEFT|RIGHT) [COUNT {positive}]
        BLPOP {key}+ 0.01 ~ rare
        BRPOP {key}+ (0.01|-1|abc|inf) ~ rare
        BLMOVE {key} {key} LEFT RIGHT 0.01 ~ rare
        BRPOPLPUSH {key} {key} 0.01 ~ rare
        BLMPOP 0.01 1 {key} (LEFT|RIGHT) [COUNT {positive}] ~ rare
        OBJECT ENCODING {key}
        DUMP {key} ~ transfer
        DEL {key} ~ rare
    ",
};
