//! Commands on keys of any type: removal, names, time to live, iteration, payloads.

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "generic",
    grammar: "
        SET {key} {value}
        RPUSH {key} {element}+ ~ rare
        HSET {key} {field} {value} ~ rare
        DEL {key}+
        UNLINK {key}+
        EXISTS {key}+
        TYPE {key}
        TOUCH {key}+
        EXPIRE {key} {seconds} [NX|XX|GT|LT]
        EXPIRE {key} (-5|0|{odd}) [NX|XX|GT|LT] [NX|GT] ~ rare
        PEXPIRE {key} {ms} [NX|XX|GT|LT]
        EXPIREAT {key} {at} [NX|XX|GT|LT]
        PEXPIREAT {key} {at-ms} [NX|XX|GT|LT]
        PERSIST {key}
        TTL {key} ~ seconds
        PTTL {key} ~ ms
        EXPIRETIME {key} ~ seconds
        PEXPIRETIME {key} ~ ms
        RENAME {key} {key}
        RENAMENX {key} {key}
        COPY {key} {key} [DB {db}] [REPLACE]
        MOVE {key} {db}
        KEYS {pattern} ~ unordered
        RANDOMKEY ~ shape
        SCAN 0 [MATCH {pattern}] [COUNT {positive}] [TYPE (string|list|hash|nonsense)] ~ scan
        SCAN (abc|0x|1.5|99999999999999999999) ~ rare
        OBJECT ENCODING {key}
        OBJECT FREQ {key}
        OBJECT IDLETIME {key} ~ shape
        OBJECT (NONSENSE|ENCODING) {key} {key} ~ rare
        DUMP {key} ~ transfer
        RESTORE {key} (0|{ms}|{at-ms}|{odd}) {value} [REPLACE] [ABSTTL] [IDLETIME {int}] [FREQ {int}]
    ",
};
