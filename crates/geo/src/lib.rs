//! Positions on the earth, and searches for those near a place.
//!
//! A [`Position`] is kept as a number of 52 bits, its [`Geohash`]: the earth is halved 26 times by longitude and 26 times by
//! latitude, and the answers are interleaved. Positions with a common prefix lie in one *area*, and all numbers of an area are
//! in one range:
//!
//! ```text
//!                 ┌────────┬────────┐
//!   latitude  ▲   │  01    │  11    │   the first bit of the longitude, then that of the latitude;
//!             │   ├────┬───┼────────┤   each area is divided in the same way
//!             │   │0001│   │        │
//!             │   ├────┤   │  10    │   all positions in 0001: numbers from 0001 0000… up to, but without, 0010 0000…
//!             │   │0000│   │        │
//!                 └────┴───┴────────┘
//!                          ─────▶ longitude
//! ```
//!
//! A [`Search`] therefore looks at the area of its center that is about as large as what is searched, and at the eight around
//! it ([`Search::areas`]), and tests each position there ([`Search::find`]). The numbers are those that Redis keeps as scores of a
//! sorted set, and all arithmetic is its own, operation by operation: distances agree to the last bit.
//!
//! The crate knows nothing of keys, sorted sets or replies.
//!
//! Limits: latitudes end at 85.05112878 degrees, as those of web maps do. A search that goes beyond a pole or the antimeridian finds
//! what lies in its nine areas, as in Redis, which may be less than all: areas continue on the other side of the antimeridian, but
//! the box that decides which of them are looked at does not.

#![forbid(unsafe_code)]

mod geohash;
mod position;
mod search;

pub use geohash::{Geohash, TEXT_LEN};
pub use position::{EARTH_RADIUS_M, Meridians, Position};
pub use search::{Area, Found, Search, Shape};
