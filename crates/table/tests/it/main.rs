//! Integration tests, one binary. All memory is given back, so that the leak sanitizer can be on.

mod collisions;
mod memory;
mod model;
mod prefetch;
mod scan;
mod value_types;
