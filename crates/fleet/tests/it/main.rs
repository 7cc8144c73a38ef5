//! The fleet as a whole: transcripts of what it decides, and simulated hosts that fail at every point.

mod forecast;
mod simulation;
mod transcripts;
mod world;
