//! Strings: SET's options, counters, ranges, many keys at once. LCS has short keys of its own: on two large values it
//! would take minutes and gigabytes.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "string",
    groups: &[Group::String],
    grammar: "
        SET {key} {value} [EX {seconds}|PX {ms}|EXAT {later}|PXAT {later-ms}|KEEPTTL] [NX|XX] [GET]
        SET {key} {value}
        SET {key} {value} [GET] [NX|XX|KEEPTTL] [EX {seconds}|PX {odd}|NX]
        SET (lcs:1|lcs:2) (ohmytext|mynewtext|aabbccddeeff|abcdabcdabcd|{int})
        LCS (lcs:1|lcs:2|{key}) (lcs:1|lcs:2) [LEN|IDX] [MINMATCHLEN {count}] [WITHMATCHLEN]
        OBJECT ENCODING {key}
    ",
};
