//! Strings: SET's options, counters, ranges, many keys at once. LCS has short keys of its own: on two large values it
//! would take minutes and gigabytes.

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "string",
    grammar: "
        SET {key} {value} [EX {seconds}|PX {ms}|EXAT {later}|PXAT {later-ms}|KEEPTTL] [NX|XX] [GET]
        SET {key} {value}
        SET {key} {value} [GET] [NX|XX|KEEPTTL] [EX {seconds}|PX {odd}|NX]
        GET {key}
        GETDEL {key}
        GETEX {key} [EX {seconds}|PX {ms}|EXAT {at}|PXAT {at-ms}|PERSIST]
        GETSET {key} {value}
        SETNX {key} {value}
        SETEX {key} {seconds} {value}
        PSETEX {key} {ms} {value}
        APPEND {key} {value}
        STRLEN {key}
        INCR {key}
        DECR {key}
        INCRBY {key} {int}
        DECRBY {key} {int}
        INCRBYFLOAT {key} {float}
        GETRANGE {key} {index} {index}
        SUBSTR {key} {index} {index}
        SETRANGE {key} {index} {value}
        MGET {key}+
        MSET ({key} {value})+
        MSETNX ({key} {value})+
        SET (lcs:1|lcs:2) (ohmytext|mynewtext|aabbccddeeff|abcdabcdabcd|{int})
        LCS (lcs:1|lcs:2|{key}) (lcs:1|lcs:2) [LEN|IDX] [MINMATCHLEN {count}] [WITHMATCHLEN]
        OBJECT ENCODING {key}
    ",
};
