//! What came of loads, as text for people, JSON for programs, and a picture.

mod json;
mod plot;
mod table;

pub use json::{Series, document, series};
pub use plot::svg;
pub use table::{live, notes, table};

/// The quantiles of tables.
const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999)];
