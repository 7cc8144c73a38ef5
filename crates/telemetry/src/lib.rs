//! What was measured over time: series of values, a value a second, in an embedded store of bounded size.
//!
//! ```text
//!   record(second, values) ──▶ log              appended each second; begun anew with each segment
//!          │ 300 s
//!          ▼
//!        1s segments ── fold ──▶ 1m segments ── fold ──▶ 5m segments
//!        300 s each              2 h each                12 h each
//!        3 hours                 15 days                 15 months
//! ```
//! A segment is written once, as a whole, when its span is over; what belongs to spans that are not is in memory. A start makes it anew:
//! seconds from the log, minutes of an open span from the segments of its seconds, and so on. A coarser point keeps sum, count, minimum
//! and maximum, so every statistic of a period is exact in every tier.
//!
//! **Invariant:** a value is in the log or in a segment of seconds, never in neither: the log begins anew once the segment is on the disk.
//! If a start finds it in both, the segment counts.
//!
//! **Limits.** A kill of the process loses nothing that [`Store::record`] took, a crash of the machine at most the seconds since the last
//! sync ([`SYNC_SECONDS`]) and the end of a frame. Time only goes on: a second that is not later than the last one is not taken, so
//! behind a clock that was set back nothing is recorded until it has caught up. Values are thousandths. Names of series are
//! kept until the first start at which their points are gone.
//!
//! It asks no clock and knows neither nodes nor metrics. `docs/formats-telemetry.md` has the bytes.

#![forbid(unsafe_code)]

mod block;
mod catalogue;
mod column;
mod frames;
mod point;
mod samples;
mod segment;
mod store;
mod tier;

pub use catalogue::{Series, SeriesId};
pub use point::{Point, Statistic, Value};
pub use store::{Query, SYNC_SECONDS, Store};
