//! Hashes, in both encodings.

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
        HSCAN {key} (abc|0x|1.5|99999999999999999999) ~ rare
        OBJECT ENCODING {key}
        DUMP {key} ~ transfer
        DEL {key} ~ rare
    ",
};
