//! Commands on keys of any type: removal, names, time to live, iteration, payloads.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "generic",
    groups: &[Group::Generic],
    grammar: "
        SET {key} {value}
        RPUSH {key} {element}+ ~ rare
        HSET {key} {field} {value} ~ rare
        EXPIRE {key} {seconds} [NX|XX|GT|LT]
        EXPIRE {key} (-5|0|{odd}) [NX|XX|GT|LT] [NX|GT] ~ rare
        TTL {key} ~ seconds
        PTTL {key} ~ ms
        EXPIRETIME {key} ~ seconds
        PEXPIRETIME {key} ~ ms
        KEYS {pattern} ~ unordered
        RANDOMKEY ~ shape
        SCAN 0 [MATCH {pattern}] [COUNT {positive}] [TYPE (string|list|hash|nonsense)] ~ scan
        SCAN (abc|0x|1.5) ~ rare
        SORT (generic:1|list:1|set:1) [ALPHA] [LIMIT {index} {count}] [ASC|DESC] ~ rare
        SORT_RO (generic:2|list:2|hash:1) ALPHA [LIMIT {index} {count}] [ASC|DESC] ~ rare
        OBJECT IDLETIME {key} ~ shape
        OBJECT REFCOUNT {key} ~ shape
        OBJECT (NONSENSE|ENCODING) {key} {key} ~ rare
        DUMP {key} ~ transfer
        RESTORE {key} (0|{ms}|{at-ms}|{odd}) {value} [REPLACE] [ABSTTL] [IDLETIME {int}] [FREQ {int}]
    ",
};
