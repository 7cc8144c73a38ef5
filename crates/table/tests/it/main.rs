//! Integration tests, one binary.

mod memory;
mod model;
