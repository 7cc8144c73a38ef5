//! The fleet: what is desired, what is seen, and the steps from the one to the other. Decisions alone.
#![forbid(unsafe_code)]

pub mod step;
