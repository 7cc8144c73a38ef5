//! Sorted sets, in both encodings. Ranges of members are asked of keys whose scores are all equal: of others a server with a
//! skip list answers as its random levels happen to be.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "zset",
    groups: &[Group::SortedSet],
    grammar: "
        ZADD {key} ({float} {field})+
        ZADD {key} ({int} {field})+
        ZADD {key} ({int} {int})+
        ZADD {key} ({score} {value})+
        ZADD {key} [NX|XX] [GT|LT] [CH] [INCR] {float} {field}
        ZADD {key} [NX|XX] [GT|LT] [CH] ({int} {field})+
        ZINCRBY {key} {float} {field}
        ZINCRBY {key} {int} {field}
        ZREM {key} {field}+
        ZREM {key} {int}+
        ZSCORE {key} {field}
        ZMSCORE {key} {field}+
        ZRANK {key} {field}
        ZREVRANK {key} {field}
        ZCOUNT {key} {bound} {bound}
        ZRANGE {key} {index} {index} [REV] [WITHSCORES]
        ZRANGE {key} 0 -1 WITHSCORES
        ZRANGE {key} {bound} {bound} BYSCORE [REV] [LIMIT {count} {count}] [WITHSCORES]
        ZRANGE {key} (-|+) (-|+) BYLEX [REV] [LIMIT {count} {count}]
        ZRANGE {key} {index} {index} [REV] [BYSCORE|BYLEX] [LIMIT {count} {count}] [WITHSCORES] ~ rare
        ZRANGEBYSCORE {key} {bound} {bound} [WITHSCORES] [LIMIT {count} {count}]
        ZREVRANGEBYSCORE {key} {bound} {bound} [WITHSCORES] [LIMIT {count} {count}]
        ZRANGESTORE {key} {key} {bound} {bound} BYSCORE [REV] [LIMIT {count} {count}]
        ZRANGESTORE {key} {key} {index} {index} [REV]
        ZREMRANGEBYSCORE {key} {bound} {bound} ~ rare
        ZREMRANGEBYRANK {key} {index} {index} ~ rare
        ZADD (lex:1|lex:2) (0 {field})+
        ZADD (lex:1|lex:2) (0 {value})+
        ZRANGEBYLEX (lex:1|lex:2) {lex} {lex} [LIMIT {count} {count}]
        ZREVRANGEBYLEX (lex:1|lex:2) {lex} {lex} [LIMIT {count} {count}]
        ZRANGE (lex:1|lex:2) {lex} {lex} BYLEX [REV] [LIMIT {count} {count}]
        ZRANGESTORE lex:3 (lex:1|lex:2) {lex} {lex} BYLEX [REV] [LIMIT {count} {count}]
        ZLEXCOUNT (lex:1|lex:2) {lex} {lex}
        ZREMRANGEBYLEX (lex:1|lex:2) {lex} {lex} ~ rare
        ZPOPMIN {key} [{count}]
        ZPOPMAX {key} [{count}]
        ZUNION 2 {key} {key} [WEIGHTS {float} {float}] [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]
        ZINTER 2 {key} {key} [WEIGHTS {float} {float}] [AGGREGATE (SUM|MIN|MAX)] [WITHSCORES]
        ZUNION 3 {key} {key} {key} [WEIGHTS {int} {int} {bound}] [WITHSCORES]
        ZUNIONSTORE {key} 2 {key} {key} [WEIGHTS {float} {float}] [AGGREGATE (SUM|MIN|MAX)]
        ZINTERSTORE {key} 2 {key} {key} [WEIGHTS {float} {float}] [AGGREGATE (SUM|MIN|MAX)]
        ZRANDMEMBER {key} ~ shape
        ZRANDMEMBER {key} (-3|-1|0|1|3|5|100|-200|abc|9223372036854775808|-9223372036854775808) [WITHSCORES] ~ shape
        ZSCAN {key} 0 [MATCH {pattern}] [COUNT {positive}] ~ scan
        ZSCAN {key} (abc|0x|1.5) ~ rare
        OBJECT ENCODING {key}
        DUMP {key} ~ transfer
        DEL {key} ~ rare
    ",
};
