//! The two cores against recorded dialogues, and against each other over a simulated network.

mod dialogue;
mod primary;
mod replica;
mod simulation;
