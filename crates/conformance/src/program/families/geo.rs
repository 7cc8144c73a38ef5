//! Positions, in both encodings of a sorted set. Many are at the same places, so that equal distances occur; some members have scores
//! that no position has.

use command_spec::Group;

use super::Family;

pub(super) const FAMILY: Family = Family {
    name: "geo",
    groups: &[Group::Geo],
    grammar: "
        GEOADD {key} ({longitude} {latitude} {field})+
        GEOADD {key} ({longitude} {latitude} {field})+
        GEOADD {key} ({near} {near} {field})+
        GEOADD {key} [NX|XX] [CH] ({near} {near} {field})+
        GEOADD {key} [NX|XX|CH|GT] [CH] {longitude} {latitude} {value} ~ rare
        ZADD {key} ({float} {field})+ ~ rare
        ZADD {key} ({score} {field})+ ~ rare
        GEOPOS {key} {field}+
        GEOHASH {key} {field}+
        GEODIST {key} {field} {field} [{unit}]
        GEOSEARCH {key} (FROMMEMBER {field}|FROMLONLAT {longitude} {latitude}) BYRADIUS {length} {unit} [ASC|DESC] [COUNT {positive} [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]
        GEOSEARCH {key} FROMLONLAT {near} {near} (BYRADIUS {length} {unit}|BYBOX {length} {length} {unit}) [ASC|DESC] [COUNT {positive} [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]
        GEOSEARCH {key} BYBOX {length} {length} {unit} (FROMMEMBER {field}|FROMLONLAT {longitude} {latitude}) [WITHDIST] [ASC|DESC] [COUNT {positive} [ANY]]
        GEOSEARCH {key} (FROMMEMBER {field}|FROMLONLAT {near} {near}|BYRADIUS {length} {unit}|BYBOX {length} {length} {unit}|ASC|WITHDIST|COUNT {count}|ANY|STOREDIST|{odd})+
        GEOSEARCH {key} BYPOLYGON 3 {longitude} {latitude} {longitude} {latitude} {longitude} {latitude} [ASC|DESC] [COUNT {positive} [ANY]] [WITHDIST]
        GEOSEARCH {key} BYPOLYGON 5 {near} {near} {near} {near} {near} {near} {near} {near} {near} {near} [ASC|DESC] [COUNT {positive} [ANY]] [WITHDIST]
        GEOSEARCH {key} (BYPOLYGON {count} {near} {near} {near} {near} {near} {near}|FROMLONLAT {near} {near}|ASC|BYRADIUS {length} {unit})+ ~ rare
        GEOSEARCHSTORE {key} {key} BYPOLYGON 4 {longitude} {latitude} {near} {near} {longitude} {latitude} {near} {near} [STOREDIST] [COUNT {positive}]
        GEOSEARCHSTORE {key} {key} (FROMMEMBER {field}|FROMLONLAT {longitude} {latitude}) (BYRADIUS {length} {unit}|BYBOX {length} {length} {unit}) [ASC|DESC] [COUNT {positive} [ANY]] [STOREDIST]
        GEOSEARCHSTORE {key} {key} FROMLONLAT {near} {near} BYRADIUS {length} {unit} [STOREDIST]
        GEORADIUS {key} {longitude} {latitude} {length} {unit} [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT {positive} [ANY]] [ASC|DESC]
        GEORADIUS {key} {near} {near} {length} {unit} [STORE {key}|STOREDIST {key}] [COUNT {positive}]
        GEORADIUS_RO {key} {near} {near} {length} {unit} [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT {positive} [ANY]] [ASC|DESC]
        GEORADIUSBYMEMBER {key} {field} {length} {unit} [WITHDIST] [COUNT {positive} [ANY]] [ASC|DESC]
        GEORADIUSBYMEMBER {key} {field} {length} {unit} (STORE {key}|STOREDIST {key}|ASC|COUNT {count}|ANY|WITHHASH)+
        GEORADIUSBYMEMBER_RO {key} {field} {length} {unit} [WITHDIST] [WITHCOORD] [COUNT {positive} [ANY]] [ASC|DESC]
        ZRANGE {key} 0 -1 WITHSCORES
        ZREM {key} {field}+
        OBJECT ENCODING {key}
        DEL {key} ~ rare
    ",
};
