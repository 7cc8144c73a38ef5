//! Integration tests, one binary.

mod memory;
mod model;
mod prefetch;
mod scan;
