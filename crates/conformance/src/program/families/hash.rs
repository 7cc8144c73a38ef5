//! Hashes, in both encodings, with fields that expire far away or long ago. What is left until then differs by the time between the
//! two servers, so times are absolute.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "hash",
    groups: &[Group::Hash],
    grammar: "
        HSET {key} ({field} {value})+
        HSET {key} ({field} {int})+
        HSET {key} {field} {value} {field} ~ rare
        HGETALL {key} ~ pairs
        HKEYS {key} ~ table
        HVALS {key} ~ table
        HRANDFIELD {key} ~ shape
        HRANDFIELD {key} (-3|-1|0|1|3|5|100|-200|abc|9223372036854775808|-9223372036854775808) [WITHVALUES] ~ shape
        HSCAN {key} 0 [MATCH {pattern}] [COUNT {positive}] ~ scan
        HSCAN {key} (abc|0x|1.5) ~ rare
        HEXPIREAT {key} {at} [NX|XX|GT|LT] FIELDS {field}#
        HPEXPIREAT {key} {at-ms} [NX|XX|GT|LT] FIELDS {field}#
        HPEXPIREAT {key} {at-ms} (NX|XX) (XX|GT|LT|{odd}) FIELDS {field}# ~ rare
        HEXPIRE {key} (0|-1|abc|9223372036854775807) [NX|XX|GT|LT] FIELDS {field}# ~ rare
        HPEXPIRE {key} (0|-1|abc|9223372036854775807) [NX|XX|GT|LT] FIELDS {field}# ~ rare
        HTTL {key} FIELDS {field}# ~ shape rare
        HPTTL {key} FIELDS {field}# ~ shape rare
        HSETEX {key} [NX|XX] [FNX|FXX] [EXAT {at}|PXAT {at-ms}|EX 0|KEEPTTL] FIELDS ({field} {value})#
        HSETEX {key} [EXAT {at}|PXAT {at-ms}] [FNX|FXX|KEEPTTL|{odd}] [NX|XX] FIELDS ({field} {int})# ~ rare
        HGETEX {key} [EXAT {at}|PXAT {at-ms}|PX 0|PERSIST] FIELDS {field}#
        HGETEX {key} [EXAT {at}|EX {odd}|KEEPTTL] [PXAT {at-ms}|PERSIST] FIELDS {field}# ~ rare
        HGETDEL {key} FIELDS {field}#
        HPERSIST {key} FIELDS {field}#
        HEXPIRETIME {key} FIELDS {field}#
        HPEXPIRETIME {key} FIELDS {field}#
        OBJECT ENCODING {key}
        DUMP {key} ~ transfer
        DEL {key} ~ rare
    ",
};
