//! Sets, in all encodings.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "set",
    groups: &[Group::Set],
    grammar: "
        SADD {key} {field}+
        SADD {key} {value}+
        SADD {key} {int}+
        SADD {key} {int}+
        SREM {key} {field}+
        SREM {key} {int}+
        SMISMEMBER {key} {field}+
        SMISMEMBER {key} {int}+
        SMEMBERS {key} ~ table
        SMOVE {key} {key} {field}
        SMOVE {key} {key} {int}
        SRANDMEMBER {key} ~ shape
        SRANDMEMBER {key} (-3|-1|0|1|3|5|100|-200|abc|9223372036854775808|-9223372036854775808) ~ shape
        SINTER {key}+ ~ unordered
        SUNION {key}+ ~ unordered
        SDIFF {key}+ ~ unordered
        SSCAN {key} 0 [MATCH {pattern}] [COUNT {positive}] ~ scan
        SSCAN {key} (abc|0x|1.5) ~ rare
        OBJECT ENCODING {key}
        DUMP {key} ~ transfer
        DEL {key} ~ rare
    ",
};
