//! SORT. A set has an order of its own in each server, so texts that BY finds for its members are not compared, and neither is a
//! part in no order. Nor are equal texts within a LIMIT: redis-server has a sort for those that is not stable.

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "sort",
    groups: &[],
    grammar: "
        RPUSH (list|sort:1) {small}+
        RPUSH (list|sort:2) {element}+ ~ rare
        SADD (set|sort:3) {small}+
        SADD (set|sort:4) {element}+ ~ rare
        ZADD (zset|sort:5) {int} {small}
        LTRIM (list|sort:1|sort:2) 0 9
        SET {weight} {int}
        SET {weight} {value} ~ rare
        HSET {record} field {int}
        HSET {record} (field|{element}) {value} ~ rare
        DEL ({weight}|{record})
        SORT (list|set|zset|sort:1|sort:3|sort:5) [LIMIT {index} {count}] [ASC|DESC]
        SORT (list|set|zset|{key}) ALPHA [LIMIT {index} {count}] [ASC|DESC]
        SORT_RO (list|set|zset|{key}) [ALPHA] [LIMIT {index} {count}] [ASC|DESC]
        SORT (list|set|zset|{key}) BY (weight_*|other_*|hash_*->field|hash_*|*) [LIMIT {index} {count}] [ASC|DESC]
        SORT (list|sort:1|sort:2) BY (weight_*|hash_*->field|nothing_*) ALPHA [ASC|DESC]
        SORT (list|set|zset) [DESC] (GET (#|weight_*|hash_*->field|hash_*|*|#*|hash_*->)|GET other_*)+
        SORT (list|zset|sort:1) BY (nosort|#) [LIMIT {index} {count}] [DESC] [GET #]
        SORT (set|sort:3) BY nosort ~ unordered
        SORT (list|set|zset|{key}) [ALPHA] [LIMIT {index} {count}] [DESC] [GET weight_*] STORE {key}
        SORT (set|sort:4) BY nosort [DESC] [LIMIT {index} {count}] STORE {key}
        SORT {key} (LIMIT {odd} 1|LIMIT 1|BY|GET|STORE|UP) ~ rare
        SORT_RO {key} [STORE sort:1] ~ rare
        COMMAND GETKEYS SORT list (BY weight_*|LIMIT 0 1|GET store) [STORE sort:1]
        LRANGE {key} 0 -1
        TYPE {key}
        DEL (list|set|zset|{key}) ~ rare
    ",
};
