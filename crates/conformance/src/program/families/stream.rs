//! Streams and their groups. IDs are given, at least in part, so that both servers choose the same; times are each server's own.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "stream",
    groups: &[Group::Stream],
    grammar: "
        XADD {key} {new-id} {field} {value}
        XADD {key} {new-id} {field} {int} {field} {value}
        XADD {key} {new-id} (f|g) {int} (h|7) {value}
        XADD {key} {new-id} (f|g) {int} (h|7) {value}
        XADD {key} {new-id} {field}+ ~ rare
        XADD {key} [NOMKSTREAM] (MAXLEN|MINID) [{operator}] {threshold} [LIMIT {count}] {new-id} {field} {value}
        XTRIM {key} MAXLEN [{operator}] {count} [LIMIT {count}]
        XTRIM {key} MINID [{operator}] {id} [LIMIT {count}] ~ rare
        XDEL {key} {id}+
        XLEN {key}
        XRANGE {key} {start} {end} [COUNT {count}]
        XREVRANGE {key} {end} {start} [COUNT {count}]
        XREAD [COUNT {count}] [BLOCK (10|-1|abc)] STREAMS {key} {after} ~ rare
        XREAD [COUNT {count}] STREAMS {key} {key} {after} {after}
        XREAD [COUNT {count}] (NOACK|GROUP g c|STREAMS) STREAMS {key} {key} {after} ~ rare
        XGROUP CREATE {key} {group} ({id}|$|0) [MKSTREAM] [ENTRIESREAD {int}]
        XGROUP SETID {key} {group} ({id}|$|-|+) [ENTRIESREAD {int}] ~ rare
        XGROUP DESTROY {key} {group} ~ rare
        XGROUP CREATECONSUMER {key} {group} {consumer} ~ rare
        XGROUP DELCONSUMER {key} {group} {consumer} ~ rare
        XGROUP (CREATE|SETID|DESTROY) {key} {group} {odd} {odd} ~ rare
        XREADGROUP GROUP {group} {consumer} [COUNT {count}] [NOACK] STREAMS {key} >
        XREADGROUP GROUP {group} {consumer} [COUNT {count}] [NOACK] STREAMS {key} >
        XREADGROUP GROUP {group} {consumer} [COUNT {count}] [BLOCK 10] [NOACK] STREAMS {key} {key} (>|{after}) (>|{after})
        XREADGROUP GROUP {group} {consumer} [COUNT {count}] STREAMS {key} {after}
        XACK {key} {group} {id}+
        XPENDING {key} {group}
        XPENDING {key} {group} [IDLE (0|-1|1000000)] {start} {end} {count} [{consumer}] ~ times
        XCLAIM {key} {group} {consumer} (0|1000000|abc|-1) {id}+ [IDLE {int}] [TIME {int}] [RETRYCOUNT {count}] [FORCE] [JUSTID] [LASTID {id}]
        XCLAIM {key} {group} {consumer} 0 {id}+ FORCE [JUSTID]
        XAUTOCLAIM {key} {group} {consumer} (0|1000000|abc) {start} [COUNT {count}] [JUSTID]
        XINFO STREAM {key}
        XINFO STREAM {key} FULL [COUNT {count}] ~ times
        XINFO STREAM {key} {odd} ~ rare
        XINFO GROUPS {key}
        XINFO CONSUMERS {key} {group} ~ times
        XSETID {key} {new-id} [ENTRIESADDED {int}] [MAXDELETEDID {id}] ~ rare
        OBJECT ENCODING {key} ~ rare
        DUMP {key} ~ transfer
        DEL {key} ~ rare
        COPY {key} {key} [REPLACE] ~ rare
    ",
};
