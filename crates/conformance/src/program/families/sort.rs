//! SORT. A set has an order of its own in each server, so texts that BY finds for its members are not compared, and neither is a
//! part in no order. Nor is the order of elements whose texts are equal, for another family may have put a sorted set there. Nor are
//! equal texts within a LIMIT: redis-server has a sort for those that is not stable. Sorted sets have a long member, so they are skip
//! lists from the start: redis-server makes one of each that it sorts. No number is too large for a double: after one, redis-server 7.0
//! refuses the numbers of later sorts as well. And no cursor of a SCAN is too large, for the same reason.

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "sort",
    groups: &[],
    grammar: "
        RPUSH (list|sort:1) {small}+
        RPUSH (list|sort:2) (abc|1.5|0x10|nan|inf|-0|1e10|99999999999999999999)+ ~ rare
        SADD (set|sort:3) {small}+
        SADD (set|sort:4) (abc|1.5|0x10|nan|inf|-0|1e10|99999999999999999999)+ ~ rare
        ZADD (zset|sort:5) {small} {small} {small} 00000000000000000000000000000000000000000000000000000000000000000000001
        LTRIM (list|sort:1|sort:2) 0 9
        SET {weight} {int}
        SET {weight} (abc|1.5|0x10|nan|inf|-0|1e10|99999999999999999999) ~ rare
        HSET {record} field {int}
        HSET {record} (field|other) (abc|1.5|0x10|nan|inf|-0|1e10|99999999999999999999) ~ rare
        DEL ({weight}|{record})
        SORT (list|set|zset|sort:1|sort:3|sort:5) [LIMIT {index} {count}] [ASC|DESC]
        SORT (list|set|zset|sort:1|sort:2|sort:4) ALPHA [LIMIT {index} {count}] [ASC|DESC]
        SORT_RO (list|set|zset|sort:1|sort:2|sort:4) [ALPHA] [LIMIT {index} {count}] [ASC|DESC]
        SORT (list|set|zset|sort:1|sort:2|sort:4) BY (weight_*|other_*|hash_*->field|hash_*|*) [LIMIT {index} {count}] [ASC|DESC]
        SORT (list|sort:1|sort:2) BY (weight_*|hash_*->field|nothing_*) ALPHA [ASC|DESC] ~ unordered
        SORT (list|set|zset) [DESC] (GET (#|weight_*|hash_*->field|hash_*|*|#*|hash_*->)|GET other_*)+
        SORT (list|zset|sort:1) BY (nosort|#) [LIMIT {index} {count}] [DESC] [GET #]
        SORT (set|sort:3) BY nosort ~ unordered
        SORT (list|set|zset|sort:1|sort:2|sort:4) [ALPHA] [LIMIT {index} {count}] [DESC] [GET weight_*] STORE {key}
        SORT (set|sort:4) BY nosort [DESC] [LIMIT {index} {count}] STORE {key}
        SORT sort:1 (LIMIT {odd} 1|LIMIT 1|BY|GET|STORE|UP) ~ rare
        SORT_RO sort:1 [STORE sort:1] ~ rare
        COMMAND GETKEYS SORT list (BY weight_*|LIMIT 0 1|GET store) [STORE sort:1]
        LRANGE {key} 0 -1
        TYPE {key}
        DEL (list|set|zset|sort:1|sort:2|sort:4) ~ rare
    ",
};
