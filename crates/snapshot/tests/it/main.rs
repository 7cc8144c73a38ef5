//! Snapshots through bytes: what is loaded again is what was there at the instant.

#![allow(clippy::disallowed_methods)] // tests read files, start threads and programs

mod concurrent;
mod disk;
mod faults;
mod large;
mod loading;
mod peer;
mod property;
mod round_trip;
mod support;
