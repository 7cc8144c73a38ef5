//! Positions on the earth: members of a sorted set whose scores are geohashes.
//!
//! There is no type of its own: GEOADD is a ZADD that computes the scores, and is replicated as one. Whatever works on sorted sets
//! works on these; and a sorted set with any other scores can be searched too, since each score stands for some position.
//!
//! A search goes through the ranges of scores that may have what is asked for, at most nine ([`geo::Search`]):
//!
//! ```text
//!   arguments ─▶ Query ─▶ areas ─▶ ranks ─▶ hits in the order of the areas ─▶ sorted by distance ─▶ reply
//!                                                                             (asked for, or COUNT)  └▶ sorted set
//! ```
//!
//! GEOSEARCH and GEOSEARCHSTORE have every form of it. The four older commands search circles; two of them may store, and so count
//! as writes even where they do not.

#![forbid(unsafe_code)]

mod geoadd;
mod geodist;
mod geohash;
mod geopos;
mod georadius;
mod geosearch;
mod hits;
mod partial;
mod query;
mod reply;
mod unit;

use commands::Command;
use commands::Handler::Plain;
use geo::Meridians;
use profile::Profile;

/// The family, in teaching order.
pub const COMMANDS: &[Command] = &[
    Command::new(&geoadd::GEOADD, Plain(geoadd::geoadd)),
    Command::new(&geopos::GEOPOS, Plain(geopos::geopos)),
    Command::new(&geohash::GEOHASH, Plain(geohash::geohash)),
    Command::new(&geodist::GEODIST, Plain(geodist::geodist)),
    Command::new(&geosearch::GEOSEARCH, Plain(geosearch::geosearch)),
    Command::new(&geosearch::GEOSEARCHSTORE, Plain(geosearch::geosearchstore)),
    Command::new(&georadius::GEORADIUS, Plain(georadius::georadius)),
    Command::new(&georadius::GEORADIUS_RO, Plain(georadius::georadius_ro)),
    Command::new(&georadius::GEORADIUSBYMEMBER, Plain(georadius::georadiusbymember)),
    Command::new(&georadius::GEORADIUSBYMEMBER_RO, Plain(georadius::georadiusbymember_ro)),
];

/// When two positions are on one meridian.
fn meridians(profile: Profile) -> Meridians {
    if profile.has("9.0.0") { Meridians::Close } else { Meridians::Equal }
}
