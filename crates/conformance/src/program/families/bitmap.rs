//! Bitmaps. Offsets are small, so that commands meet; large ones would fill memory.

use command_spec::Group;

// OVERFLOW FAIL is not among the arguments: redis-server lengthens the string for a change that fails and does not tell its replicas.
use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "bitmap",
    groups: &[Group::Bitmap],
    grammar: "
        SETBIT {key} {bit} (0|1)
        SETBIT {key} {bit} (0|1)
        SETBIT {key} ({bit}|-1|4294967296|abc) (0|1|2|-1|abc) ~ rare
        GETBIT {key} ({bit}|4294967295|4294967296|-1)
        BITCOUNT {key} [{range}]
        BITCOUNT {key} {range} {range} [BYTE|BIT]
        BITPOS {key} (0|1) [{range}]
        BITPOS {key} (0|1) {range} {range} [BYTE|BIT]
        BITPOS {key} {int} {range} {range} (BIT|BITS) ~ rare
        BITOP (AND|OR|XOR) {key} {key}+
        BITOP NOT {key} {key}
        BITOP (NOT|NAND) {key} {key}+ ~ rare
        BITFIELD {key} (GET {encoding} {place}|SET {encoding} {place} {amount}|INCRBY {encoding} {place} {amount}|OVERFLOW (WRAP|SAT))+
        BITFIELD {key} (SET {encoding} {place} {amount}|INCRBY {encoding} {place} {amount}|OVERFLOW (WRAP|SAT))+
        BITFIELD {key} (GET {encoding} {place}|OVERFLOW (SAT|NONE)|SET {encoding} {place}|INCRBY i8 {odd} {odd})+ ~ rare
        BITFIELD_RO {key} (GET {encoding} {place})+
        BITFIELD_RO {key} (GET {encoding} {place}|SET u8 {place} {amount})+ ~ rare
        SET {key} {value}
        APPEND {key} {value} ~ rare
        GETRANGE {key} 0 -1 ~ rare
        OBJECT ENCODING {key}
        DEL {key} ~ rare
    ",
};
