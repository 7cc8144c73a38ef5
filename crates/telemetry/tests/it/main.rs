//! The store against a model that keeps everything, on disks that fail and lose their power.

// Tests damage files and measure.
#![allow(clippy::disallowed_methods)]

mod ages;
mod crashes;
mod model;
mod size;
