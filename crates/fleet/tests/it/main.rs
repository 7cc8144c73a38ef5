//! The fleet as a whole: transcripts of what it decides, and simulated hosts that fail at every point.

mod simulation;
mod transcripts;
mod world;
